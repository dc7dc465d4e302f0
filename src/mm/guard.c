/* SPDX-License-Identifier: MIT */
/*
 * Guard pages: markers in the page table that make every access a SIGSEGV.
 *
 * Fidelity: 6.18: who may have them, the VMA's mark that sticks, an anon_vma
 * first, up to three tries to find every PTE empty with a zap between, then the
 * call is restarted; markers survive DONTNEED and FREE. The mark since 6.18,
 * whose last releases have it. Not modelled: files.
 */
#include "mm/madvise.h"

#define GUARD_TRIES 3

/* Markers set in [addr, end) of one table, until a page is met. */
static unsigned long install_in_table(struct pte_table *table, unsigned long addr,
				      unsigned long end, bool *met_page)
{
	unsigned long n = 0;

	spin_lock(&table->ptl, LOCK_pte_lock, SITE_guard_pte);
	for (; addr < end && !*met_page; addr += PAGE_SIZE) {
		pte_t *ptep = &table->pte[pte_index(addr)];
		pte_t pte = READ_ONCE(*ptep);

		if (pte & (PTE_PRESENT | PTE_MIGRATION))
			*met_page = true;
		else if (!pte)
			WRITE_ONCE(*ptep, PTE_GUARD);
		n += !pte;
	}
	spin_unlock(&table->ptl);
	return n;
}

static int install_range(struct mm_struct *mm, unsigned long start, unsigned long end,
			 bool *met_page)
{
	unsigned long next, n = 0;

	*met_page = false;
	for (unsigned long addr = start; addr < end && !*met_page; addr = next) {
		struct pte_table *table = pte_table_alloc(mm, addr);

		next = pmd_addr_end(addr, end);
		if (!table)
			return -ENOMEM;
		n += install_in_table(table, addr, next, met_page);
		cond_resched();
	}
	count_events(COUNTER_guard_installed, n);
	machine_work(WORK_pte_set, n);
	return 0;
}

int madvise_guard_install(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	bool met_page = true;
	int err;

	if (vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	/* Others may see it or not: a merge asks under a lock that keeps us out. */
	if (mmsim_since(mm, 6, 18))
		WRITE_ONCE(vma->maybe_guard, 1);
	err = anon_vma_prepare(vma);
	for (int tries = 0; !err && met_page && tries < GUARD_TRIES; tries++) {
		struct mmu_gather tlb;

		err = install_range(mm, start, end, &met_page);
		if (err || !met_page)
			break;
		tlb_gather_mmu(&tlb, mm);
		zap_page_range(&tlb, start, end, false);
		tlb_finish_mmu(&tlb);
	}
	if (err)
		return err;
	return met_page ? MADVISE_RESTART : 0;
}

int madvise_guard_remove(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	unsigned long next, n = 0;

	for (unsigned long addr = start; addr < end; addr = next) {
		struct pte_table *table = pte_table_find(vma->vm_mm, addr);

		next = pmd_addr_end(addr, end);
		if (!table)
			continue;
		spin_lock(&table->ptl, LOCK_pte_lock, SITE_guard_pte);
		for (unsigned long a = addr; a < next; a += PAGE_SIZE) {
			pte_t *ptep = &table->pte[pte_index(a)];

			if (!(READ_ONCE(*ptep) & PTE_GUARD))
				continue;
			WRITE_ONCE(*ptep, 0);
			n++;
		}
		spin_unlock(&table->ptl);
		cond_resched();
	}
	count_events(COUNTER_guard_removed, n);
	machine_work(WORK_pte_set, n);
	return 0;
}
