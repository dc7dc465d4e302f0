/* SPDX-License-Identifier: MIT */
/*
 * mmap of anonymous private memory.
 *
 * Fidelity: top-down placement with stack guard gaps, MAP_FIXED clears what is
 * there under the same write hold (no downgrade), merge before a new VMA,
 * VM_ACCOUNT, map_count, the lock limit, errors as in 6.18. Mappings of whole
 * huge pages are aligned to them since 6.7 (until 6.11 all that are larger
 * than one), MAP_STACK keeps huge pages out since 6.7. Not modelled: files,
 * MAP_SHARED, limits of memory. The kernel's random base is left out: the first
 * mapping ends at MMAP_BASE.
 */
#include "mm/mm.h"

#include <sys/mman.h>

#define MMAP_BASE (TASK_SIZE & ~(PMD_SIZE - 1))
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MAP_KNOWN                                                                                  \
	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE |           \
	 MAP_POPULATE | MAP_LOCKED | MAP_GROWSDOWN | MAP_STACK)

static bool range_is_free(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	unsigned long start;

	return !vma_tree_find(&mm->mm_mt, addr, &start, NULL) || start >= addr + len;
}

/* Is there room for a hint, stack gaps included? */
static bool hint_is_free(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	struct vm_area_struct *vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);

	return !vma || addr + len <= vm_start_gap(vma);
}

static long gap_topdown(struct mm_struct *mm, unsigned long len)
{
	unsigned long high = MMAP_BASE;

	for (;;) {
		long addr = vma_tree_gap_topdown(&mm->mm_mt, len, MMAP_MIN_ADDR, high);
		struct vm_area_struct *above;

		if (addr < 0)
			return addr;
		above = vma_tree_find(&mm->mm_mt, (unsigned long)addr, NULL, NULL);
		if (!above || (unsigned long)addr + len <= vm_start_gap(above))
			return addr;
		/* Too near to a stack: search again below its gap. */
		high = vm_start_gap(above);
	}
}

/* A place that begins at a multiple of PMD_SIZE; -ENOMEM: try without. */
static long gap_topdown_huge(struct mm_struct *mm, unsigned long len)
{
	long addr = gap_topdown(mm, len + PMD_SIZE);
	unsigned long up;

	if (addr < 0)
		return addr;
	up = -(unsigned long)addr & (PMD_SIZE - 1);
	return addr + (long)(up ? up : PMD_SIZE);
}

static bool wants_huge_alignment(const struct mm_struct *mm, unsigned long len)
{
	if (!mmsim_since(mm, 6, 7) || len < PMD_SIZE)
		return false;
	return !mmsim_since(mm, 6, 12) || !(len & (PMD_SIZE - 1));
}

long get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, bool fixed)
{
	long found;

	if (len > TASK_SIZE)
		return -ENOMEM;
	if (fixed) {
		if (addr > TASK_SIZE - len)
			return -ENOMEM;
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		return (long)addr;
	}
	if (addr && addr <= TASK_SIZE - len && hint_is_free(mm, addr, len))
		return (long)addr;
	if (!addr && wants_huge_alignment(mm, len)) {
		found = gap_topdown_huge(mm, len);
		if (found >= 0)
			return found;
	}
	return gap_topdown(mm, len);
}

int map_new_range(struct mm_struct *mm, unsigned long addr, unsigned long len,
		  unsigned long vm_flags, bool just_expand)
{
	struct vma_merge m = {
		.mm = mm,
		.start = addr,
		.end = addr + len,
		.pgoff = addr >> PAGE_SHIFT,
		.vm_flags = vm_flags,
		.just_expand = just_expand,
	};

	if (!vma_merge_new_range(&m)) {
		struct vm_area_struct *vma = vm_area_alloc(mm);

		if (!vma)
			return -ENOMEM;
		vma->vm_start = addr;
		vma->vm_end = addr + len;
		vma->vm_flags = vm_flags;
		vma->vm_pgoff = addr >> PAGE_SHIFT;
		if (vma_insert(vma)) {
			vm_area_free(vma);
			return -ENOMEM;
		}
	}
	mm->total_vm += len >> PAGE_SHIFT;
	if (vm_flags & VM_LOCKED)
		mm->locked_vm += len >> PAGE_SHIFT;
	return 0;
}

static unsigned long mmap_vm_flags(const struct mm_struct *mm, int prot, int flags)
{
	unsigned long vm_flags = vma_flags_of(prot) | mm->def_flags;

	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	if ((flags & MAP_STACK) && mmsim_since(mm, 6, 7))
		vm_flags |= VM_NOHUGEPAGE;
	if (flags & MAP_NORESERVE)
		vm_flags |= VM_NORESERVE;
	else if (vm_flags & VM_WRITE)
		vm_flags |= VM_ACCOUNT;
	return vm_flags;
}

/* The range's old pages go first: the new mapping must not show them. */
static int mmap_region(struct mm_struct *mm, unsigned long addr, unsigned long len,
		       unsigned long vm_flags)
{
	struct vma_munmap vms;
	int err = vms_detach_range(mm, addr, addr + len, &vms);

	if (err)
		return err;
	vms_complete(mm, &vms);
	return map_new_range(mm, addr, len, vm_flags, false);
}

/* mmap_lock held for write. The address or -errno. */
static long mmap_locked(struct mm_struct *mm, unsigned long addr, unsigned long len, int flags,
			unsigned long vm_flags)
{
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	long result;
	int err;

	if ((uint64_t)mm->map_count > mm->sim->config.max_map_count)
		return -ENOMEM;
	if (!fixed) {
		/* A hint is rounded down, and up to where mappings may begin. */
		addr &= PAGE_MASK;
		if (addr && addr < MMAP_MIN_ADDR)
			addr = MMAP_MIN_ADDR;
	}
	result = get_unmapped_area(mm, addr, len, fixed);
	if (result < 0)
		return result;
	addr = (unsigned long)result;
	if ((flags & MAP_FIXED_NOREPLACE) && !range_is_free(mm, addr, len))
		return -EEXIST;
	if ((flags & MAP_LOCKED) && !mm->sim->config.max_locked_bytes)
		return -EPERM;
	if (!mlock_future_ok(mm, vm_flags, len))
		return -EAGAIN;
	err = mmap_region(mm, addr, len, vm_flags);
	return err ? err : result;
}

long do_mmap(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot, int flags)
{
	unsigned long vm_flags;
	long result;

	count_event(COUNTER_mmap_calls);
	if (!len)
		return -EINVAL;
	if ((flags & ~MAP_KNOWN) || !(flags & MAP_PRIVATE) || !(flags & MAP_ANONYMOUS))
		return -EOPNOTSUPP;
	len = PAGE_ALIGN(len);
	if (!len)
		return -ENOMEM;
	if (mmap_write_lock_killable(mm, SITE_mmap))
		return -EINTR;
	vm_flags = mmap_vm_flags(mm, prot, flags);
	result = mmap_locked(mm, addr, len, flags, vm_flags);
	mmap_write_unlock(mm);
	if (result >= 0 && ((flags & MAP_POPULATE) || (vm_flags & VM_LOCKED)))
		(void)mm_populate(mm, (unsigned long)result, (unsigned long)result + len, true);
	return result;
}
