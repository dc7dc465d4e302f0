/* SPDX-License-Identifier: MIT */
/*
 * munmap and exit.
 *
 * Fidelity: order of 6.18's munmap: split at start, split at end, write-lock
 * and detach every VMA, erase the range, downgrade if the strategy says so,
 * zap, unlink the VMAs, free page tables, free the VMAs. Before 6.5 there was
 * no downgrade next to a stack, which could grow under mmap_lock held for read.
 * Not modelled: mseal, userfaultfd's events, vm_ops.
 */
#include "mm/mm.h"
#include "rmap/anon_vma.h"

/* clang-format off */
static const struct munmap_strategy strategies[] = {
	{ .name = "whole", .since = "0",
	  .models = "Linux before 4.20: mmap_lock is held for write to the end",
	  .helps = "none: the base" },
	{ .name = "downgrade", .since = "4.20",
	  .models = "Linux 4.20 to 7.0: pages are freed under mmap_lock held for read",
	  .helps = "shorter hold", .downgrade = true },
};
/* clang-format on */

const struct munmap_strategy *munmap_strategy_at(unsigned int i)
{
	return i < ARRAY_SIZE(strategies) ? &strategies[i] : NULL;
}

/* Split so that VMAs begin at @start and end at @end. @vma: the first of the range. */
static int split_ends(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start,
		      unsigned long end)
{
	int err;

	if (vma->vm_start < start) {
		/* Only a hole in the middle makes one VMA more than before. */
		if (end < vma->vm_end && (uint64_t)mm->map_count >= mm->sim->config.max_map_count)
			return -ENOMEM;
		err = __split_vma(vma, start, true);
		if (err)
			return err;
	}
	if (vma->vm_end < end)
		vma = vma_tree_walk(&mm->mm_mt, end - 1);
	if (vma && vma->vm_end > end)
		return __split_vma(vma, end, false);
	return 0;
}

static void gather_vmas(struct mm_struct *mm, struct vma_munmap *vms)
{
	struct vm_area_struct **last = &vms->first;
	struct vm_area_struct *vma;
	uint64_t n = 0;

	for_each_vma_range (&mm->mm_mt, vma, vms->start, vms->end) {
		vma_start_write(vma);
		vma_mark_detached(vma);
		vma->next_detached = NULL;
		*last = vma;
		last = &vma->next_detached;
		mm->map_count--;
		mm->total_vm -= vma_pages(vma);
		if (vma->vm_flags & VM_LOCKED)
			mm->locked_vm -= vma_pages(vma);
		n++;
	}
	machine_work(WORK_vma_visit, n);
}

int vms_detach_range(struct mm_struct *mm, unsigned long start, unsigned long end,
		     struct vma_munmap *vms)
{
	struct vm_area_struct *vma;
	int err;

	*vms = (struct vma_munmap){.start = start, .end = end};
	vma = vma_tree_find(&mm->mm_mt, start, NULL, NULL);
	if (!vma || vma->vm_start >= end)
		return 0;
	err = split_ends(mm, vma, start, end);
	if (!err)
		err = vma_tree_reserve(&mm->mm_mt, 1);
	if (err)
		return err;
	gather_vmas(mm, vms);
	vma_tree_store(&mm->mm_mt, start, end, NULL);
	vma_tree_unreserve(&mm->mm_mt);
	/* The neighbours cannot come nearer before mmap_lock is released. */
	vma = vma_tree_find_prev(&mm->mm_mt, start);
	vms->floor = vma ? vma->vm_end : 0;
	vma = vma_tree_find(&mm->mm_mt, end, NULL, NULL);
	vms->ceiling = vma ? vma->vm_start : 0;
	vms->below_stack = vma && (vma->vm_flags & VM_GROWSDOWN);
	return 0;
}

void vms_complete(struct mm_struct *mm, struct vma_munmap *vms)
{
	struct vm_area_struct *vma;
	struct mmu_gather tlb;

	if (!vms->first)
		return;
	tlb_gather_mmu(&tlb, mm);
	for (vma = vms->first; vma; vma = vma->next_detached)
		zap_page_range(&tlb, vma->vm_start, vma->vm_end, true);
	for (vma = vms->first; vma; vma = vma->next_detached) {
		unsigned long ceiling =
			vma->next_detached ? vma->next_detached->vm_start : vms->ceiling;

		unlink_anon_vmas(vma);
		unlink_pgtables(mm, vma->vm_start, vma->vm_end, vms->floor, ceiling, &tlb.tables);
	}
	tlb_finish_mmu(&tlb);
	while (vms->first) {
		vma = vms->first;
		vms->first = vma->next_detached;
		vm_area_free(vma);
	}
}

int unmap_range_locked(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vma_munmap vms;
	int err = vms_detach_range(mm, start, end, &vms);

	if (!err)
		vms_complete(mm, &vms);
	return err;
}

static bool may_downgrade(const struct mm_struct *mm, const struct vma_munmap *vms)
{
	if (!mm->sim->munmap->downgrade || !mmap_can_downgrade(mm))
		return false;
	return mmsim_since(mm, 6, 5) || !vms->below_stack;
}

int munmap_locked(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	struct vma_munmap vms;
	int err = vms_detach_range(mm, addr, addr + len, &vms);

	if (err)
		return err;
	if (vms.first && may_downgrade(mm, &vms)) {
		count_event(COUNTER_munmap_downgrade);
		mmap_write_downgrade(mm);
		vms_complete(mm, &vms);
		mmap_read_unlock(mm);
		return 0;
	}
	vms_complete(mm, &vms);
	mmap_write_unlock(mm);
	return 0;
}

int do_munmap(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	int err;

	count_event(COUNTER_munmap_calls);
	len = PAGE_ALIGN(len);
	if ((addr & ~PAGE_MASK) || addr > TASK_SIZE || len > TASK_SIZE - addr || !len)
		return -EINVAL;
	if (mmap_write_lock_killable(mm, SITE_munmap))
		return -EINTR;
	err = munmap_locked(mm, addr, len);
	if (err)
		mmap_write_unlock(mm);
	return err;
}

/* And say whether the VMA could have left its ancestors' anon_vmas. */
static void zap_counted(struct mmu_gather *tlb, struct vm_area_struct *vma)
{
	tlb->own = vma->anon_vma ? (char *)vma->anon_vma + 1 : NULL;
	tlb->inherited = 0;
	zap_page_range(tlb, vma->vm_start, vma->vm_end, true);
	if (!vma->anon_vma || anon_vma_chain_is_singular(vma))
		return;
	count_event(COUNTER_exit_inherited);
	count_events(COUNTER_exit_copied, !tlb->inherited);
}

void exit_mmap(struct mm_struct *mm)
{
	enum trace_operation outer = trace_operation_begin(OPERATION_exit);
	struct vma_munmap vms;
	struct vm_area_struct *vma;
	struct mmu_gather tlb;
	unsigned long addr = 0;

	/* The pages go under mmap_lock read, so that a reaper could help. */
	mmap_read_lock(mm, SITE_exit);
	tlb_gather_mmu(&tlb, mm);
	for_each_vma_range (&mm->mm_mt, vma, addr, TASK_SIZE)
		zap_counted(&tlb, vma);
	mmap_read_unlock(mm);

	mmap_write_lock(mm, SITE_exit);
	vms = (struct vma_munmap){.end = TASK_SIZE};
	gather_vmas(mm, &vms);
	for (vma = vms.first; vma; vma = vma->next_detached)
		unlink_anon_vmas(vma);
	unlink_pgtables(mm, 0, TASK_SIZE, 0, 0, &tlb.tables);
	tlb_finish_mmu(&tlb);
	while (vms.first) {
		vma = vms.first;
		vms.first = vma->next_detached;
		vm_area_free(vma);
	}
	vma_tree_destroy(&mm->mm_mt);
	mmap_write_unlock(mm);
	trace_operation_end(outer);
}
