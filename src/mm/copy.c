/* SPDX-License-Identifier: MIT */
/*
 * Copying page tables at fork.
 *
 * Fidelity: PTE by PTE under both tables' locks, the child's outside the parent's; both are
 * dropped when a reschedule is due or, with a preemptible kernel, somebody waits for the parent's
 * (nobody does for the child's), looked at after every 32 points of progress (an empty entry is
 * one, a copied one eight), and between tables; an anonymous page loses its exclusive mark and
 * the parent's PTE the right to write. Not modelled: pinned pages, huge pages, swap entries.
 */
#include "base/mutant.h"
#include "mm/mm.h"

#define PROGRESS_COPIED 8
#define PROGRESS_LOOK 32

struct pte_copy {
	struct mmsim *sim;
	struct pte_table *dst, *src;
	uint64_t copied;
};

/* The entry that both have from now on. */
static pte_t share_anon_page(struct pte_copy *copy, pte_t *ptep)
{
	struct folio *folio = pfn_folio(copy->sim, pte_pfn(READ_ONCE(*ptep)));

	atomic_inc(&folio->_refcount);
	atomic_inc(&folio->_mapcount);
	if ((READ_ONCE(folio->flags) & PG_anon_exclusive) && !MUTANT(FORK_KEEPS_EXCLUSIVE))
		fetch_and(&folio->flags, ~(unsigned int)PG_anon_exclusive);
	/* The accessing CPU may set its bits at the same time. */
	if (READ_ONCE(*ptep) & PTE_WRITE)
		fetch_and(ptep, ~PTE_WRITE);
	return READ_ONCE(*ptep) & ~PTE_YOUNG;
}

/* When the page has been moved both will map it, and neither may write. */
static pte_t share_migration_entry(pte_t *ptep, pte_t entry)
{
	entry &= ~(PTE_WRITE | PTE_EXCLUSIVE);
	WRITE_ONCE(*ptep, entry);
	return entry;
}

static void copy_pte(struct pte_copy *copy, unsigned int index)
{
	pte_t *ptep = &copy->src->pte[index];
	pte_t pte = READ_ONCE(*ptep);

	if ((pte & PTE_PRESENT) && pte_pfn(pte) != ZERO_PAGE_PFN)
		pte = share_anon_page(copy, ptep);
	else if (pte & PTE_MIGRATION)
		pte = share_migration_entry(ptep, pte);
	WRITE_ONCE(copy->dst->pte[index], pte);
	copy->copied++;
}

/* One span of a PTE table. */
static void copy_pte_range(struct pte_copy *copy, unsigned long addr, unsigned long end)
{
	while (addr < end) {
		unsigned int progress = 0;

		spin_lock(&copy->dst->ptl, LOCK_pte_lock, SITE_copy_pte);
		spin_lock_nested(&copy->src->ptl, LOCK_pte_lock, SITE_copy_pte);
		for (; addr < end; addr += PAGE_SIZE) {
			unsigned int index = pte_index(addr);

			if (progress >= PROGRESS_LOOK) {
				progress = 0;
				if (need_resched() || spin_needbreak(&copy->src->ptl))
					break;
			}
			progress++;
			if (!READ_ONCE(copy->src->pte[index]))
				continue;
			machine_work_covers();
			copy_pte(copy, index);
			machine_work_covers_end();
			progress += PROGRESS_COPIED - 1;
			if (unlikely(mmsim_stepping))
				machine_work(WORK_pte_copy, 1);
		}
		spin_unlock(&copy->src->ptl);
		spin_unlock(&copy->dst->ptl);
		cond_resched();
	}
}

int copy_page_range(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct pte_copy copy = {.sim = src->vm_mm->sim};
	unsigned long next;

	for (unsigned long addr = src->vm_start; addr < src->vm_end; addr = next) {
		copy.src = pte_table_find_span(src->vm_mm, addr, &next);
		next = MIN(next, src->vm_end);
		if (!copy.src)
			continue;
		copy.dst = pte_table_alloc(dst->vm_mm, addr);
		if (!copy.dst)
			return -ENOMEM;
		copy_pte_range(&copy, addr, next);
	}
	count_events(COUNTER_fork_ptes, copy.copied);
	return 0;
}
