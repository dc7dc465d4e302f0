/* SPDX-License-Identifier: MIT */
/*
 * mprotect.
 *
 * Fidelity: mmap_lock for write over the whole call, VMA by VMA, merge or
 * split, then every PTE; what lies before a gap stays changed; VM_ACCOUNT
 * comes with the first write permission and, since 6.3, goes with the last one
 * of a VMA that was never written; locked memory that becomes writable is
 * populated under the same hold. Not modelled: mseal, protection keys.
 */
#include "mm/mm.h"

#include <sys/mman.h>

#define PROT_SEM 0x8
#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP)

/* VM_ACCOUNT as it will be with the new access bits. */
static unsigned long account_flags(const struct vm_area_struct *vma, unsigned long vm_flags)
{
	if (vm_flags & VM_WRITE) {
		if (!(vma->vm_flags & (VM_ACCOUNT | VM_WRITE | VM_NORESERVE)))
			vm_flags |= VM_ACCOUNT;
	} else if ((vma->vm_flags & VM_ACCOUNT) && !vma->anon_vma &&
		   mmsim_since(vma->vm_mm, 6, 3)) {
		vm_flags &= ~VM_ACCOUNT;
	}
	return vm_flags;
}

/* One VMA's part of the range. What comes after it is at the returned VMA's end. */
static int mprotect_fixup(struct mmu_gather *tlb, struct vm_area_struct **vmap, unsigned long start,
			  unsigned long end, unsigned long access)
{
	struct vm_area_struct *vma = *vmap;
	unsigned long vm_flags = (vma->vm_flags & ~VM_ACCESS_FLAGS) | access;
	unsigned long before;

	if (vm_flags == vma->vm_flags)
		return 0;
	vm_flags = account_flags(vma, vm_flags);
	before = vma->vm_flags;
	vma = vma_modify(vma, start, end, vm_flags, vma->anon_name);
	if (!vma)
		return -ENOMEM;
	*vmap = vma;
	vma_start_write(vma);
	WRITE_ONCE(vma->vm_flags, vm_flags);
	change_protection(tlb, vma, start, end);
	if ((before & (VM_LOCKED | VM_WRITE)) == VM_LOCKED && (vm_flags & VM_WRITE))
		(void)populate_vma_page_range(vma, start, end);
	/* Before 6.0 each VMA had a flush of its own. */
	if (!mmsim_since(vma->vm_mm, 6, 0)) {
		tlb_finish_mmu(tlb);
		tlb_gather_mmu(tlb, vma->vm_mm);
	}
	return 0;
}

static int mprotect_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
			  unsigned long access)
{
	struct mm_struct *mm = tlb->mm;

	while (start < end) {
		struct vm_area_struct *vma = vma_tree_find(&mm->mm_mt, start, NULL, NULL);
		unsigned long next;
		int err;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		next = MIN(vma->vm_end, end);
		err = mprotect_fixup(tlb, &vma, start, next, access);
		if (err)
			return err;
		start = next;
	}
	return 0;
}

/* PROT_GROWSDOWN: from the beginning of the stack on. -EINVAL: it is none. */
static int grows_down(struct mm_struct *mm, unsigned long *start, unsigned long end)
{
	struct vm_area_struct *vma = vma_tree_find(&mm->mm_mt, *start, NULL, NULL);

	if (!vma || vma->vm_start >= end)
		return -ENOMEM;
	*start = vma->vm_start;
	return vma->vm_flags & VM_GROWSDOWN ? 0 : -EINVAL;
}

int do_mprotect(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot)
{
	unsigned long end = addr + PAGE_ALIGN(len);
	struct mmu_gather tlb;
	int err = 0;

	count_event(COUNTER_mprotect_calls);
	if ((prot & (PROT_GROWSDOWN | PROT_GROWSUP)) == (PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~PROT_KNOWN)
		return -EINVAL;
	if (mmap_write_lock_killable(mm, SITE_mprotect))
		return -EINTR;
	if (prot & PROT_GROWSDOWN)
		err = grows_down(mm, &addr, end);
	else if ((prot & PROT_GROWSUP) && vma_tree_walk(&mm->mm_mt, addr))
		err = -EINVAL; /* no stack here grows up */
	if (!err) {
		tlb_gather_mmu(&tlb, mm);
		err = mprotect_range(&tlb, addr, end, vma_flags_of(prot));
		tlb_finish_mmu(&tlb);
	}
	mmap_write_unlock(mm);
	return err;
}
