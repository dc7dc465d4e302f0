/* SPDX-License-Identifier: MIT */
/*
 * fork: a second address space that shares all pages.
 *
 * Fidelity: dup_mmap as in 6.4 to 6.18: the parent's mmap_lock for write over all of it, inside
 * it the child's, every VMA of the parent write-locked before it is copied, DONTFORK left out,
 * WIPEONFORK copied without its pages and anon_vma, locks of pages not inherited, the root lock
 * taken as anon_vma_fork() says, one TLB flush of the parent at the end. Not modelled: the
 * copy of the whole tree since 6.7 (VMAs are inserted one by one), the killable VMA locks of
 * 6.19, files, policies, pinned pages.
 */
#include "base/mutant.h"
#include "mm/mm.h"
#include "rmap/anon_vma.h"

/* Guard markers are copied from a VMA without anon_vma, too. */
static bool vma_needs_copy(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_WIPEONFORK) && (vma->anon_vma || vma->maybe_guard);
}

static int dup_vma(struct mm_struct *child, struct vm_area_struct *vma)
{
	struct vm_area_struct *new = vm_area_dup_into(child, vma, vma->vm_start, vma->vm_end);
	int err = new ? 0 : -ENOMEM;

	if (err)
		return err;
	new->vm_flags &= ~(VM_LOCKED_MASK | VM_UFFD_MISSING);
	if (!(vma->vm_flags & VM_WIPEONFORK))
		err = anon_vma_fork(new, vma);
	/* Empty, yet where the pages were that had moved there. */
	child->kept_offsets |= !new->anon_vma &&new->vm_pgoff != new->vm_start >> PAGE_SHIFT;
	if (!err)
		err = vma_insert(new);
	if (err) {
		unlink_anon_vmas(new);
		vm_area_free(new);
		return err;
	}
	child->total_vm += vma_pages(new);
	machine_work(WORK_vma_copy, 1);
	return vma_needs_copy(vma) ? copy_page_range(new, vma) : 0;
}

/* Both mmap_locks held for write. */
static int dup_mmap(struct mm_struct *child, struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	unsigned long addr = 0;

	child->kept_offsets = mm->kept_offsets;
	child->start_brk = mm->start_brk;
	child->brk = mm->brk;
	for_each_vma_range (&mm->mm_mt, vma, addr, TASK_SIZE) {
		int err;

		if (!MUTANT(FORK_NO_VMA_LOCK))
			vma_start_write(vma);
		if (vma->vm_flags & VM_DONTCOPY)
			continue;
		err = dup_vma(child, vma);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

int do_fork(struct mm_struct *mm, const char *name, struct mm_struct **out)
{
	struct mm_struct *child = mm_alloc(mm->sim, name);
	int err;

	if (!child)
		return -ENOMEM;
	count_event(COUNTER_fork_calls);
	if (mmap_write_lock_killable(mm, SITE_fork)) {
		mmput(child);
		return -EINTR;
	}
	mmap_write_lock_nested(child, SITE_fork);
	err = dup_mmap(child, mm);
	mmap_write_unlock(child);
	/* Whoever writes through an old entry has done so before either can see what follows. */
	flush_tlb_mm(mm);
	mmap_write_unlock(mm);
	if (err)
		mmput(child);
	else
		*out = child;
	return err;
}
