/* SPDX-License-Identifier: MIT */
/*
 * mremap's page tables: whole PTE tables where source and target are aligned
 * alike, else PTE by PTE.
 *
 * Fidelity: rmap locks for whole tables, as since 5.14, and PTE by PTE when a walk
 * could come to the target first; the source's PTE lock outside the target's; the
 * TLB flush before either is dropped. Not modelled: moves of whole PUDs, huge pages.
 */
#include "mm/mremap.h"
#include "base/mutant.h"
#include "rmap/anon_vma.h"

/* Entries of [from, end) of one table to those from @to on of another. */
static void move_ptes(const struct page_move *move, struct pte_table *old, struct pte_table *new,
		      unsigned long from, unsigned long end, unsigned long to)
{
	bool flush = false;
	uint64_t n = 0;

	if (move->need_rmap_locks)
		anon_vma_lock_write(move->vma, SITE_move_pte);
	spin_lock(&old->ptl, LOCK_pte_lock, SITE_move_pte);
	if (new != old)
		spin_lock_nested(&new->ptl, LOCK_pte_lock, SITE_move_pte);
	for (; from < end; from += PAGE_SIZE, to += PAGE_SIZE) {
		pte_t *ptep = &old->pte[pte_index(from)];
		pte_t pte = READ_ONCE(*ptep);

		if (!pte)
			continue;
		machine_work_covers();
		/* Exchange: the accessing CPU may set its bits at the same time. */
		if (pte & PTE_PRESENT) {
			pte = xchg(ptep, 0);
			flush = true;
		} else {
			WRITE_ONCE(*ptep, 0);
		}
		/* Release: pairs with the walk of a user access. */
		smp_store_release(&new->pte[pte_index(to)], pte);
		machine_work_covers_end();
		if (unlikely(mmsim_stepping))
			machine_work(WORK_pte_set, 1);
		n++;
	}
	if (flush)
		flush_tlb_mm(move->mm);
	if (new != old)
		spin_unlock(&new->ptl);
	spin_unlock(&old->ptl);
	if (move->need_rmap_locks)
		anon_vma_unlock_write(move->vma);
	count_events(COUNTER_pte_moved, n);
}

/* A whole PTE table; false: one by one, the target has a table already. */
static bool move_pte_table(const struct page_move *move, unsigned long from, unsigned long to)
{
	bool moved;

	if ((from | to) & (PMD_SIZE - 1))
		return false;
	/* A walk finds a table in neither place while it moves. */
	if (!MUTANT(MREMAP_NO_RMAP_LOCK))
		anon_vma_lock_write(move->vma, SITE_move_pte);
	moved = pte_table_relink(move->mm, from, to);
	if (moved)
		flush_tlb_mm(move->mm);
	if (!MUTANT(MREMAP_NO_RMAP_LOCK))
		anon_vma_unlock_write(move->vma);
	if (moved)
		count_event(COUNTER_pmd_moved);
	return moved;
}

/* How far from @addr both addresses stay in one PTE table each. */
static unsigned long extent(unsigned long from, unsigned long to, unsigned long end)
{
	unsigned long left = PMD_SIZE - (from & (PMD_SIZE - 1));
	unsigned long right = PMD_SIZE - (to & (PMD_SIZE - 1));

	return MIN(MIN(left, right), end - from);
}

/* The bytes that moved; less than asked for: no memory for a table. */
static unsigned long move_range(const struct page_move *move)
{
	unsigned long end = move->from + move->len;
	unsigned long from = move->from, to = move->to, step;

	for (; from < end; from += step, to += step) {
		struct pte_table *old = pte_table_find(move->mm, from), *new;

		cond_resched();
		step = extent(from, to, end);
		if (!old)
			continue;
		if (!pte_table_parent_alloc(move->mm, to))
			break;
		if (step == PMD_SIZE && move_pte_table(move, from, to))
			continue;
		new = pte_table_alloc(move->mm, to);
		if (!new)
			break;
		move_ptes(move, old, new, from, from + step, to);
	}
	return from - move->from;
}

int move_page_tables(struct page_move *move)
{
	unsigned long moved = move_range(move);
	struct page_move back = *move;

	if (moved == move->len)
		return 0;
	/* Where they came from there still are tables: this cannot fail. */
	back.from = move->to;
	back.to = move->from;
	back.len = moved;
	back.need_rmap_locks = true;
	moved = move_range(&back);
	BUG_ON(moved != back.len);
	return -ENOMEM;
}
