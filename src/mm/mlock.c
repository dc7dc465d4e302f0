/* SPDX-License-Identifier: MIT */
/*
 * mlock, munlock, mlockall, munlockall.
 *
 * Fidelity: mmap_lock for write while the VMAs are split, merged and marked,
 * then the pages are faulted in under mmap_lock held for read; the limit;
 * which errors leave what behind, as in 6.18. Not modelled: the folios' own
 * mlock counts and their move off the LRU, CAP_IPC_LOCK (the limit is the
 * configuration's).
 */
#include "mm/mm.h"

#include <sys/mman.h>

bool mlock_future_ok(const struct mm_struct *mm, unsigned long vm_flags, unsigned long bytes)
{
	if (!(vm_flags & VM_LOCKED))
		return true;
	return mm->locked_vm + (bytes >> PAGE_SHIFT) <= mm->sim->config.max_locked_bytes >>
	       PAGE_SHIFT;
}

/* Mark [@start, @end) of @vma. What comes after it is at the returned VMA's end. */
static int mlock_fixup(struct vm_area_struct *vma, unsigned long start, unsigned long end,
		       unsigned long lock_flags)
{
	unsigned long before = vma->vm_flags;
	unsigned long vm_flags = (before & ~VM_LOCKED_MASK) | lock_flags;
	long pages = (long)((end - start) >> PAGE_SHIFT);

	machine_work(WORK_vma_visit, 1);
	if (vm_flags == before)
		return 0;
	vma = vma_modify(vma, start, end, vm_flags, vma->anon_name);
	if (!vma)
		return -ENOMEM;
	if (!(vm_flags & VM_LOCKED))
		pages = -pages;
	else if (before & VM_LOCKED)
		pages = 0;
	vma->vm_mm->locked_vm += (unsigned long)pages;
	vma_start_write(vma);
	WRITE_ONCE(vma->vm_flags, vm_flags);
	return 0;
}

/* mmap_lock held for write. A gap is -ENOMEM; what lies before it stays marked. */
static int apply_vma_lock_flags(struct mm_struct *mm, unsigned long start, unsigned long end,
				unsigned long lock_flags)
{
	while (start < end) {
		struct vm_area_struct *vma = vma_tree_walk(&mm->mm_mt, start);
		unsigned long next;
		int err;

		if (!vma)
			return -ENOMEM;
		next = MIN(vma->vm_end, end);
		err = mlock_fixup(vma, start, next, lock_flags);
		if (err)
			return err;
		start = next;
	}
	return 0;
}

/* Pages of the range that are locked already: they do not count twice. */
static unsigned long locked_pages(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	unsigned long pages = 0;

	for_each_vma_range (&mm->mm_mt, vma, start, end)
		if (vma->vm_flags & VM_LOCKED)
			pages += (MIN(vma->vm_end, end) - MAX(vma->vm_start, start)) >> PAGE_SHIFT;
	return pages;
}

static bool over_limit(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	uint64_t limit = mm->sim->config.max_locked_bytes >> PAGE_SHIFT;
	uint64_t locked = mm->locked_vm + ((end - start) >> PAGE_SHIFT);

	return locked > limit && locked - locked_pages(mm, start, end) > limit;
}

/* What a program is told when its pages could not all be had. */
static int posix_error(int err)
{
	if (err == -EFAULT)
		return -ENOMEM;
	return err == -ENOMEM ? -EAGAIN : err;
}

/* The range as whole pages; false: it wraps. */
static bool page_range(unsigned long *addr, unsigned long len, unsigned long *end)
{
	unsigned long start = *addr & PAGE_MASK;

	*end = start + PAGE_ALIGN(len + (*addr & ~PAGE_MASK));
	*addr = start;
	return *end >= start;
}

int do_mlock(struct mm_struct *mm, unsigned long addr, unsigned long len, bool on_fault)
{
	unsigned long end;
	bool wraps;
	int err;

	count_event(COUNTER_mlock_calls);
	if (!mm->sim->config.max_locked_bytes)
		return -EPERM;
	wraps = !page_range(&addr, len, &end);
	if (mmap_write_lock_killable(mm, SITE_mlock))
		return -EINTR;
	if (!wraps && over_limit(mm, addr, end))
		err = -ENOMEM;
	else if (wraps)
		err = -EINVAL;
	else
		err = apply_vma_lock_flags(mm, addr, end,
					   VM_LOCKED | (on_fault ? VM_LOCKONFAULT : 0));
	mmap_write_unlock(mm);
	if (err)
		return err;
	return posix_error(mm_populate(mm, addr, end, false));
}

int do_munlock(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	unsigned long end;
	int err;

	count_event(COUNTER_mlock_calls);
	err = page_range(&addr, len, &end) ? 0 : -EINVAL;
	if (mmap_write_lock_killable(mm, SITE_mlock))
		return -EINTR;
	if (!err)
		err = apply_vma_lock_flags(mm, addr, end, 0);
	mmap_write_unlock(mm);
	return err;
}

/* Errors of single VMAs are nobody's business: what can be marked is. */
static void apply_to_all(struct mm_struct *mm, unsigned long lock_flags)
{
	struct vm_area_struct *vma;
	unsigned long next;

	for (vma = vma_tree_find(&mm->mm_mt, 0, NULL, NULL); vma;
	     vma = vma_tree_find(&mm->mm_mt, next, NULL, NULL)) {
		next = vma->vm_end;
		(void)mlock_fixup(vma, vma->vm_start, vma->vm_end, lock_flags);
		cond_resched();
	}
}

int do_mlockall(struct mm_struct *mm, int flags)
{
	unsigned long lock_flags = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	uint64_t limit = mm->sim->config.max_locked_bytes >> PAGE_SHIFT;
	int err = 0;

	count_event(COUNTER_mlock_calls);
	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mm->sim->config.max_locked_bytes)
		return -EPERM;
	if (mmap_write_lock_killable(mm, SITE_mlock))
		return -EINTR;
	if ((flags & MCL_CURRENT) && mm->total_vm > limit) {
		err = -ENOMEM;
	} else {
		mm->def_flags &= ~VM_LOCKED_MASK;
		if (flags & MCL_FUTURE)
			mm->def_flags |= lock_flags;
		if (flags & MCL_CURRENT)
			apply_to_all(mm, lock_flags);
	}
	mmap_write_unlock(mm);
	if (!err && (flags & MCL_CURRENT))
		(void)mm_populate(mm, 0, TASK_SIZE, true);
	return err;
}

int do_munlockall(struct mm_struct *mm)
{
	count_event(COUNTER_mlock_calls);
	if (mmap_write_lock_killable(mm, SITE_mlock))
		return -EINTR;
	mm->def_flags &= ~VM_LOCKED_MASK;
	apply_to_all(mm, 0);
	mmap_write_unlock(mm);
	return 0;
}
