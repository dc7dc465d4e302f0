/* SPDX-License-Identifier: MIT */
/*
 * move_pages: the pages of a range go to other memory.
 *
 * Fidelity: as with MPOL_MF_MOVE_ALL: a page is found and isolated under mmap_lock held for read,
 * and moved with no lock of the address space held. Not modelled: nodes, so any page is as good
 * as any other; the status of each page.
 */
#include "mm/mm.h"
#include "rmap/migrate.h"

/* The next address from @addr on, below @end, at which a PTE may be; its table. NULL: none. */
static struct pte_table *find_table(struct mm_struct *mm, unsigned long *addr, unsigned long end)
{
	while (*addr < end) {
		/* The VMA first: munmap frees page tables with mmap_lock held for read, too. */
		struct vm_area_struct *vma = vma_tree_find(&mm->mm_mt, *addr, NULL, NULL);
		struct pte_table *table;
		unsigned long next;

		if (!vma || vma->vm_start >= end)
			return NULL;
		*addr = MAX(*addr, vma->vm_start);
		table = pte_table_find_span(mm, *addr, &next);
		if (table)
			return table;
		*addr = next;
	}
	return NULL;
}

/* The page at @addr, isolated; NULL: there is none that could be moved. mmap_lock held. */
static struct folio *isolate_page_at(struct mm_struct *mm, struct pte_table *table,
				     unsigned long addr)
{
	struct folio *folio = NULL;
	pte_t pte;

	spin_lock(&table->ptl, LOCK_pte_lock, SITE_move_pages);
	pte = READ_ONCE(table->pte[pte_index(addr)]);
	if ((pte & PTE_PRESENT) && pte_pfn(pte) != ZERO_PAGE_PFN &&
	    folio_isolate(mm->sim, pfn_folio(mm->sim, pte_pfn(pte))))
		folio = pfn_folio(mm->sim, pte_pfn(pte));
	spin_unlock(&table->ptl);
	return folio;
}

long do_move_pages(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	unsigned long end;
	long moved = 0;

	if ((addr & ~PAGE_MASK) || addr > TASK_SIZE || len > TASK_SIZE - addr)
		return -EINVAL;
	for (end = addr + PAGE_ALIGN(len); addr < end; addr += PAGE_SIZE) {
		struct pte_table *table;
		struct folio *folio;

		if (mmap_read_lock_killable(mm, SITE_move_pages))
			return moved ? moved : -EINTR;
		table = find_table(mm, &addr, end);
		folio = table ? isolate_page_at(mm, table, addr) : NULL;
		mmap_read_unlock(mm);
		if (!table)
			break;
		if (folio)
			moved += !migrate_folio(mm->sim, folio, true);
		cond_resched();
	}
	return moved;
}
