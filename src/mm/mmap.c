/* SPDX-License-Identifier: MIT */
/*
 * mmap of anonymous private memory.
 *
 * Fidelity: top-down placement, MAP_FIXED clears what is there under the same
 * write hold (no downgrade), merge before a new VMA, VM_ACCOUNT, map_count,
 * errors as in 6.18. Not modelled: files, MAP_SHARED, MAP_LOCKED, limits of
 * memory; 6.7's alignment to 2 MiB of mappings that are a multiple of it. The
 * kernel's random base is left out: the first mapping ends at MMAP_BASE.
 */
#include "mm/mm.h"

#include <sys/mman.h>

#define MMAP_BASE (TASK_SIZE & ~(PMD_SIZE - 1))
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MAP_KNOWN                                                                                  \
	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE |           \
	 MAP_POPULATE | MAP_STACK)

static bool range_is_free(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	unsigned long start;

	return !vma_tree_find(&mm->mm_mt, addr, &start, NULL) || start >= addr + len;
}

/* Where to put it; mmap_lock held for write. */
static long get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len,
			      int flags)
{
	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (addr > TASK_SIZE - len)
			return -ENOMEM;
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		return (long)addr;
	}
	/* A hint is rounded down, and up to where mappings may begin. */
	addr &= PAGE_MASK;
	if (addr && addr < MMAP_MIN_ADDR)
		addr = MMAP_MIN_ADDR;
	if (addr && addr <= TASK_SIZE - len && range_is_free(mm, addr, len))
		return (long)addr;
	return vma_tree_gap_topdown(&mm->mm_mt, len, MMAP_MIN_ADDR, MMAP_BASE);
}

static int insert_new_vma(struct mm_struct *mm, unsigned long addr, unsigned long len,
			  unsigned long vm_flags)
{
	struct vm_area_struct *vma = vm_area_alloc(mm);
	int err;

	if (!vma)
		return -ENOMEM;
	err = vma_tree_reserve(&mm->mm_mt, 1);
	if (err) {
		vm_area_free(vma);
		return err;
	}
	vma->vm_start = addr;
	vma->vm_end = addr + len;
	vma->vm_flags = vm_flags;
	vma->vm_pgoff = addr >> PAGE_SHIFT;
	/* Locked before anybody can find it. */
	vma_start_write(vma);
	vma_mark_attached(vma);
	vma_tree_store(&mm->mm_mt, addr, addr + len, vma);
	vma_tree_unreserve(&mm->mm_mt);
	mm->map_count++;
	return 0;
}

static unsigned long mmap_vm_flags(int prot, int flags)
{
	unsigned long vm_flags = vma_flags_of(prot);

	if (flags & MAP_NORESERVE)
		vm_flags |= VM_NORESERVE;
	else if (vm_flags & VM_WRITE)
		vm_flags |= VM_ACCOUNT;
	return vm_flags;
}

static int mmap_region(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot,
		       int flags)
{
	unsigned long vm_flags = mmap_vm_flags(prot, flags);
	struct vma_munmap vms;
	int err;

	err = vms_detach_range(mm, addr, addr + len, &vms);
	if (err)
		return err;
	/* The old pages go now: the new mapping must not show them. */
	vms_complete(mm, &vms);
	if (!vma_merge_new_range(mm, addr, addr + len, vm_flags))
		err = insert_new_vma(mm, addr, len, vm_flags);
	if (!err)
		mm->total_vm += len >> PAGE_SHIFT;
	return err;
}

long do_mmap(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot, int flags)
{
	long result;

	count_event(COUNTER_mmap_calls);
	machine_work(WORK_syscall, 1);
	if (!len)
		return -EINVAL;
	if ((flags & ~MAP_KNOWN) || !(flags & MAP_PRIVATE) || !(flags & MAP_ANONYMOUS))
		return -EOPNOTSUPP;
	len = PAGE_ALIGN(len);
	if (!len)
		return -ENOMEM;
	if (mmap_write_lock_killable(mm, SITE_mmap))
		return -EINTR;
	result = (uint64_t)mm->map_count > mm->sim->config.max_map_count ? -ENOMEM : 0;
	if (!result)
		result = get_unmapped_area(mm, addr, len, flags);
	if (result >= 0 && (flags & MAP_FIXED_NOREPLACE) &&
	    !range_is_free(mm, (unsigned long)result, len))
		result = -EEXIST;
	if (result >= 0) {
		int err = mmap_region(mm, (unsigned long)result, len, prot, flags);

		result = err ? err : result;
	}
	mmap_write_unlock(mm);
	if (result >= 0 && (flags & MAP_POPULATE))
		mm_populate(mm, (unsigned long)result, (unsigned long)result + len);
	return result;
}
