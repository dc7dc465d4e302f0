/* SPDX-License-Identifier: MIT */
/*
 * Pages that the kernel faults in for a program: MAP_POPULATE, mlock, locked
 * memory that grows, MADV_POPULATE_READ and WRITE.
 *
 * Fidelity: mmap_lock for read, never the VMA lock; write faults where the VMA
 * may be written, no access at all where it has none; populating stops at a
 * guard page; one hold a call. Nobody's monitor is asked under it: that would
 * drop the lock. Not modelled: the pins and page references of get_user_pages,
 * retries for I/O (anonymous memory has none).
 */
#include "mm/mm.h"

#include <errno.h>

/* mmap_lock held. 0, -ENOMEM, -EFAULT, -EINTR. */
static int faultin_page(struct vm_area_struct *vma, unsigned long addr, bool write)
{
	struct vm_fault vmf = {.vma = vma, .address = addr, .write = write, .tried = true};
	struct pte_table *table = pte_table_find(vma->vm_mm, addr);

	/* A fault may only have waited, for a page that was being moved or another's fault. */
	while (!table || !pte_allows(READ_ONCE(table->pte[pte_index(addr)]), write)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		switch (handle_mm_fault(&vmf)) {
		case FAULT_OOM:
			return -ENOMEM;
		case FAULT_SIGSEGV:
			return -EFAULT;
		default:
			table = pte_table_find(vma->vm_mm, addr);
		}
	}
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int faultin_range(struct vm_area_struct *vma, unsigned long *addr, unsigned long end,
			 bool write)
{
	int err = 0;

	while (*addr < end && !err) {
		err = faultin_page(vma, *addr, write);
		if (!err)
			*addr += PAGE_SIZE;
		cond_resched();
	}
	return err;
}

int populate_vma_page_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	/* Locked as they come: nothing to do now. */
	if (vma->vm_flags & VM_LOCKONFAULT)
		return 0;
	if (!(vma->vm_flags & VM_ACCESS_FLAGS))
		return -EFAULT;
	return faultin_range(vma, &start, end, vma->vm_flags & VM_WRITE);
}

int mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool ignore_errors)
{
	int err = 0;

	mmap_read_lock(mm, SITE_populate);
	while (start < end) {
		struct vm_area_struct *vma = vma_tree_find(&mm->mm_mt, start, NULL, NULL);
		unsigned long next;

		if (!vma || vma->vm_start >= end)
			break;
		next = MIN(vma->vm_end, end);
		err = populate_vma_page_range(vma, MAX(start, vma->vm_start), next);
		if (err && !ignore_errors)
			break;
		err = 0;
		start = next;
	}
	mmap_read_unlock(mm);
	return err;
}

int madvise_populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool write)
{
	int err = 0;

	mmap_read_lock(mm, SITE_populate);
	while (start < end && !err) {
		struct vm_area_struct *vma = vma_tree_walk(&mm->mm_mt, start);

		if (!vma)
			err = -ENOMEM;
		else if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)))
			err = -EINVAL;
		else
			err = faultin_range(vma, &start, MIN(vma->vm_end, end), write);
	}
	mmap_read_unlock(mm);
	return err;
}
