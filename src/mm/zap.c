/* SPDX-License-Identifier: MIT */
/*
 * Walks over the PTEs of a range: zap, lazy free, change of protection; and
 * the gather that frees pages only after the TLB flush.
 *
 * Fidelity: PTE lock a table, dropped when a reschedule is due and between
 * tables; one flush a gather or 10000 pages. Not modelled: the folio lock and
 * LRU moves of MADV_FREE and MADV_COLD.
 */
#include "mm/mm.h"

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm)
{
	tlb->mm = mm;
	tlb->batches = NULL;
	tlb->nr_pages = 0;
	tlb->flush = false;
	tlb->own = NULL;
	tlb->inherited = 0;
	tlb->tables = (struct pgtable_gather){NULL, NULL};
	atomic_inc(&mm->tlb_flush_pending);
}

static void put_folios(struct mmsim *sim, struct folio **folios, unsigned long nr)
{
	while (nr--)
		folio_put(sim, *folios++);
}

static void tlb_flush_mmu(struct mmu_gather *tlb)
{
	struct mmsim *sim = tlb->mm->sim;

	if (tlb->flush)
		flush_tlb_mm(tlb->mm);
	tlb->flush = false;
	machine_work_covers(); /* pte_zap has it */
	put_folios(sim, tlb->local, MIN(tlb->nr_pages, MMU_GATHER_LOCAL));
	while (tlb->batches) {
		struct mmu_gather_batch *batch = tlb->batches;

		tlb->batches = batch->next;
		put_folios(sim, batch->folio, batch->nr);
		kmem_cache_free(sim->gather_cache, batch);
	}
	machine_work_covers_end();
	tlb->nr_pages = 0;
}

/* Room for one more; NULL: no memory, what there is must be flushed first. */
static struct folio **gather_place(struct mmu_gather *tlb)
{
	struct mmu_gather_batch *batch = tlb->batches;

	if (tlb->nr_pages < MMU_GATHER_LOCAL)
		return &tlb->local[tlb->nr_pages];
	if (!batch || batch->nr == MMU_GATHER_BATCH) {
		batch = kmem_cache_alloc(tlb->mm->sim->gather_cache);
		if (!batch)
			return NULL;
		batch->nr = 0;
		batch->next = tlb->batches;
		tlb->batches = batch;
	}
	return &batch->folio[batch->nr++];
}

/* The PTE lock is held, and the PTE gone. */
static void gather_folio(struct mmu_gather *tlb, struct folio *folio)
{
	struct folio **place = gather_place(tlb);

	if (!place) {
		tlb_flush_mmu(tlb);
		place = gather_place(tlb);
	}
	*place = folio;
	tlb->nr_pages++;
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
	/* Another gather may have cleared PTEs and not flushed yet: see to it too. */
	if (tlb->tables.tables || tlb->tables.dirs || atomic_read(&tlb->mm->tlb_flush_pending) > 1)
		tlb->flush = true;
	tlb_flush_mmu(tlb);
	free_unlinked_pgtables(tlb->mm->sim, &tlb->tables);
	atomic_dec(&tlb->mm->tlb_flush_pending);
}

/* ---- one PTE table at a time ---- */

struct pte_walk {
	struct mmu_gather *tlb;
	struct vm_area_struct *vma; /* change_protection */
	enum lock_site site;
	bool guards; /* zap: guard markers, too */
	/* With the PTE lock held; the PTE was not none at the look before. */
	void (*one)(struct pte_walk *walk, pte_t *pte);
	enum work_kind work; /* what one costs if it is done */
	uint64_t done;
};

static void walk_pte(struct pte_walk *walk, pte_t *pte)
{
	uint64_t before = walk->done;

	machine_work_covers();
	walk->one(walk, pte);
	machine_work_covers_end();
	/* One by one, since a reschedule may be due before the next. */
	if (unlikely(mmsim_stepping) && walk->done != before)
		machine_work(walk->work, 1);
}

static void walk_pte_table(struct pte_walk *walk, struct pte_table *table, unsigned long addr,
			   unsigned long end)
{
	while (addr < end) {
		spin_lock(&table->ptl, LOCK_pte_lock, walk->site);
		for (; addr < end; addr += PAGE_SIZE) {
			pte_t *pte = &table->pte[pte_index(addr)];

			if (READ_ONCE(*pte))
				walk_pte(walk, pte);
			if (unlikely(mmsim_stepping) && need_resched())
				break;
		}
		/* The page where the walk broke off is done; go on behind it. */
		addr += addr < end ? PAGE_SIZE : 0;
		spin_unlock(&table->ptl);
		cond_resched();
	}
}

static void walk_ptes(struct pte_walk *walk, unsigned long start, unsigned long end)
{
	unsigned long next;

	for (unsigned long addr = start; addr < end; addr = next) {
		struct pte_table *table = pte_table_find_span(walk->tlb->mm, addr, &next);

		next = MIN(next, end);
		if (table)
			walk_pte_table(walk, table, addr, next);
		if (walk->tlb->nr_pages >= MMU_GATHER_MAX_PAGES)
			tlb_flush_mmu(walk->tlb);
	}
}

/* ---- zap ---- */

static void zap_one(struct pte_walk *walk, pte_t *ptep)
{
	struct mmu_gather *tlb = walk->tlb;
	struct folio *folio;
	pte_t pte;

	if (READ_ONCE(*ptep) & PTE_GUARD) {
		if (walk->guards)
			WRITE_ONCE(*ptep, 0);
		return;
	}
	if (READ_ONCE(*ptep) & PTE_MIGRATION) {
		/* Who moves the page will not find us, and frees it if nobody else is left. */
		WRITE_ONCE(*ptep, 0);
		tlb->inherited++; /* perhaps */
		return;
	}
	/* Exchange: the accessing CPU may set its bits at the same time. */
	pte = xchg(ptep, 0);
	tlb->flush = true;
	walk->done++;
	if (pte_pfn(pte) == ZERO_PAGE_PFN)
		return;
	folio = pfn_folio(tlb->mm->sim, pte_pfn(pte));
	if (tlb->own)
		tlb->inherited += READ_ONCE(folio->mapping) != tlb->own;
	atomic_dec(&folio->_mapcount);
	gather_folio(tlb, folio);
}

void zap_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end, bool guards)
{
	struct pte_walk walk = {.tlb = tlb,
				.site = SITE_zap,
				.one = zap_one,
				.guards = guards,
				.work = WORK_pte_zap};

	walk_ptes(&walk, start, end);
	count_events(COUNTER_pte_zapped, walk.done);
}

/* ---- MADV_FREE, MADV_COLD ---- */

/* Clear bits of a present PTE that the accessing CPU may set at the same time. */
static pte_t clear_access_bits(struct pte_walk *walk, pte_t *ptep, pte_t bits)
{
	pte_t pte = READ_ONCE(*ptep);

	while (pte & bits) {
		if (!try_cmpxchg(ptep, &pte, pte & ~bits))
			continue;
		walk->tlb->flush = true;
		break;
	}
	return pte;
}

static void lazyfree_one(struct pte_walk *walk, pte_t *ptep)
{
	pte_t pte = READ_ONCE(*ptep);
	struct folio *folio;

	if (!(pte & PTE_PRESENT) || pte_pfn(pte) == ZERO_PAGE_PFN)
		return;
	folio = pfn_folio(walk->tlb->mm->sim, pte_pfn(pte));
	/* One that others map, too, is left alone: it is not this process' to drop. */
	if (atomic_read(&folio->_mapcount) > 1)
		return;
	clear_access_bits(walk, ptep, PTE_YOUNG | PTE_DIRTY);
	fetch_or(&folio->flags, PG_lazyfree);
	fetch_and(&folio->flags, ~(unsigned int)PG_dirty);
	walk->done++;
}

static void cold_one(struct pte_walk *walk, pte_t *ptep)
{
	pte_t pte = READ_ONCE(*ptep);

	if (!(pte & PTE_PRESENT) || pte_pfn(pte) == ZERO_PAGE_PFN)
		return;
	clear_access_bits(walk, ptep, PTE_YOUNG);
	walk->done++;
}

void cold_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end)
{
	struct pte_walk walk = {
		.tlb = tlb, .site = SITE_zap, .one = cold_one, .work = WORK_pte_set};

	walk_ptes(&walk, start, end);
	count_events(COUNTER_page_cold, walk.done);
}

void lazyfree_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end)
{
	struct pte_walk walk = {
		.tlb = tlb, .site = SITE_zap, .one = lazyfree_one, .work = WORK_pte_set};

	walk_ptes(&walk, start, end);
	count_events(COUNTER_page_lazyfreed, walk.done);
}

/* ---- mprotect ---- */

/* An exclusive page becomes writable at once, without a later fault. */
static bool may_be_writable(const struct pte_walk *walk, pte_t pte)
{
	if (!(walk->vma->vm_flags & VM_WRITE) || pte_pfn(pte) == ZERO_PAGE_PFN)
		return false;
	return READ_ONCE(pfn_folio(walk->tlb->mm->sim, pte_pfn(pte))->flags) & PG_anon_exclusive;
}

static void change_one(struct pte_walk *walk, pte_t *ptep)
{
	pte_t pte = READ_ONCE(*ptep);
	pte_t new;

	if (pte & PTE_GUARD)
		return;
	if (pte & PTE_MIGRATION) {
		/* A later write fault will give the right back. */
		WRITE_ONCE(*ptep, pte & ~PTE_WRITE);
		return;
	}
	do {
		new = pte & ~(PTE_READ | PTE_WRITE);
		if (walk->vma->vm_flags & VM_ACCESS_FLAGS)
			new |= PTE_READ;
		if (may_be_writable(walk, pte))
			new |= PTE_WRITE;
		if (new == pte)
			return;
	} while (!try_cmpxchg(ptep, &pte, new));
	/* More rights need no flush: a stale entry only faults once more. */
	if (pte & ~new &(PTE_READ | PTE_WRITE))
		walk->tlb->flush = true;
	walk->done++;
}

void change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start,
		       unsigned long end)
{
	struct pte_walk walk = {.tlb = tlb,
				.vma = vma,
				.site = SITE_change_pte,
				.one = change_one,
				.work = WORK_pte_set};

	walk_ptes(&walk, start, end);
}
