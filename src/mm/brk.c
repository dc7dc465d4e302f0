/* SPDX-License-Identifier: MIT */
/*
 * brk: the heap's end.
 *
 * Fidelity: 6.18's order: shrinking is an munmap (with its downgrade), growing
 * needs room up to the next mapping's guard gap, grows only the VMA before or
 * makes a new one, and populates after the lock when new memory is locked. Not
 * modelled: RLIMIT_DATA. Where the heap begins is a constant, not random.
 */
#include "mm/mm.h"

#define VM_DATA_FLAGS (VM_READ | VM_WRITE)

/* mmap_lock held for write. Does anything lie in the way, guard gap included? */
static bool room_to_grow(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	struct vm_area_struct *next = vma_tree_find(&mm->mm_mt, from, NULL, NULL);

	if (to < from || to > TASK_SIZE)
		return false;
	return !next || to + PAGE_SIZE <= vm_start_gap(next);
}

static int brk_grow(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	unsigned long vm_flags = VM_DATA_FLAGS | VM_ACCOUNT | mm->def_flags;

	if (!room_to_grow(mm, from, to) || !mlock_future_ok(mm, vm_flags, to - from) ||
	    (uint64_t)mm->map_count > mm->sim->config.max_map_count)
		return -ENOMEM;
	return map_new_range(mm, from, to - from, vm_flags, true);
}

/* mmap_lock held for write. Does it release it? */
static bool brk_shrink(struct mm_struct *mm, unsigned long brk, unsigned long from,
		       unsigned long to)
{
	struct vm_area_struct *vma = vma_tree_find(&mm->mm_mt, from, NULL, NULL);
	unsigned long before = mm->brk;

	if (!vma || vma->vm_start >= to) {
		/* Somebody unmapped it already. Since 6.1 that is no shrinking. */
		if (!mmsim_since(mm, 6, 1))
			mm->brk = brk;
		return false;
	}
	/* Before the pages go: others see the new end as soon as they can look. */
	mm->brk = brk;
	if (!munmap_locked(mm, from, to - from))
		return true;
	mm->brk = before;
	return false;
}

unsigned long do_brk(struct mm_struct *mm, unsigned long brk)
{
	unsigned long from, to, result;
	bool populate = false;

	count_event(COUNTER_brk_calls);
	if (mmap_write_lock_killable(mm, SITE_brk))
		return (unsigned long)-EINTR;
	result = mm->brk;
	from = PAGE_ALIGN(mm->brk);
	to = PAGE_ALIGN(brk);
	if (brk < mm->start_brk)
		goto unlock;
	if (to < from && brk < mm->brk) {
		if (brk_shrink(mm, brk, to, from))
			return brk;
		result = mm->brk;
		goto unlock;
	}
	if (to != from) {
		if (brk_grow(mm, from, to))
			goto unlock;
		populate = mm->def_flags & VM_LOCKED;
	}
	mm->brk = brk;
	result = brk;
unlock:
	mmap_write_unlock(mm);
	if (populate)
		(void)mm_populate(mm, from, to, true);
	return result;
}
