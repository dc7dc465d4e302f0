/* SPDX-License-Identifier: MIT */
/* Reverse mapping: the walk and its lock. */
#include "rmap/rmap.h"
#include "base/mutant.h"
#include "mem/pgtable.h"
#include "rmap/interval_tree.h"

/* clang-format off */
static const struct rmap_contended_strategy strategies[] = {
	{ .name = "wait", .since = "0",
	  .models = "Linux before 5.19: folio_referenced sleeps until it has the lock",
	  .helps = "none: the base" },
	{ .name = "skip", .since = "5.19",
	  .models = "Linux 5.19 to 7.0: folio_referenced only tries; the page is kept unaged",
	  .helps = "less waiting", .skip = true },
};
/* clang-format on */

const struct rmap_contended_strategy *rmap_contended_strategy_at(unsigned int i)
{
	return i < ARRAY_SIZE(strategies) ? &strategies[i] : NULL;
}

/* ---- the lock ---- */

/*
 * Which lock guards the tree for this walk: the root's; with anon_rmap=exclusive the anon_vma's
 * own, if one process alone maps the page. Its PTE's VMA is in this tree, and its next sharer can
 * only come through a fork, which puts the child's VMA into the tree before it copies the PTE.
 */
static struct rw_semaphore *lock_for(const struct mmsim *sim, const struct folio *folio,
				     const struct rmap_walk *walk, struct anon_vma *anon_vma)
{
	if (sim->anon_rmap->own_lock && walk->folio_locked && !walk->pinned &&
	    !folio_maybe_mapped_shared(folio))
		return &anon_vma->own;
	return &READ_ONCE(anon_vma->root)->rwsem;
}

/* With the lock: is the page still where it was, and mapped as the lock asks for? */
static bool still_right(const struct mmsim *sim, const struct folio *folio,
			const struct anon_vma *anon_vma, const struct rw_semaphore *lock,
			bool *retry)
{
	/* Since 6.19 who walks has the folio lock, which keeps it there. */
	*retry = (!sim_since(sim, 6, 19) && folio_anon_vma(folio) != anon_vma) ||
		 (lock != &anon_vma->root->rwsem && folio_maybe_mapped_shared(folio));
	return !*retry && folio_mapped(folio);
}

/* Contended: pin it, then sleep. NULL: gone, or *@retry. */
static struct rw_semaphore *lock_sleeping(struct mmsim *sim, struct folio *folio,
					  struct rmap_walk *walk, struct anon_vma *anon_vma,
					  struct rw_semaphore *lock, bool *retry)
{
	bool right;

	if (!atomic_inc_not_zero(&anon_vma->refcount)) {
		rcu_read_unlock();
		return NULL;
	}
	right = folio_mapped(folio);
	rcu_read_unlock();
	if (!right) {
		put_anon_vma(sim, anon_vma);
		return NULL;
	}
	down_read(lock, walk->site);
	right = still_right(sim, folio, anon_vma, lock, retry);
	/* Whoever drops the last reference waits for the lock. If it is right, that is not us. */
	if (!right)
		up_read(lock);
	put_anon_vma(sim, anon_vma);
	return right ? lock : NULL;
}

/* One try. NULL: the page is not mapped, or *@retry, or walk->contended. */
static struct rw_semaphore *try_lock_anon_vma(struct mmsim *sim, struct folio *folio,
					      struct rmap_walk *walk, struct anon_vma **of,
					      bool *retry)
{
	struct anon_vma *anon_vma;
	struct rw_semaphore *lock;

	*retry = false;
	/* Keeps what a stale mapping points to an anon_vma, if perhaps another one. */
	rcu_read_lock();
	*of = anon_vma = folio_anon_vma(folio);
	if (!anon_vma || !folio_mapped(folio)) {
		rcu_read_unlock();
		return NULL;
	}
	lock = lock_for(sim, folio, walk, anon_vma);
	if (!down_read_trylock(lock, walk->site)) {
		if (!walk->try_lock)
			return lock_sleeping(sim, folio, walk, anon_vma, lock, retry);
		walk->contended = true;
		rcu_read_unlock();
		return NULL;
	}
	/* Mapped, and nobody can unmap its last VMA now: the anon_vma stays. */
	if (!still_right(sim, folio, anon_vma, lock, retry)) {
		up_read(lock);
		lock = NULL;
	}
	rcu_read_unlock();
	return lock;
}

static struct rw_semaphore *folio_lock_anon_vma_read(struct mmsim *sim, struct folio *folio,
						     struct rmap_walk *walk, struct anon_vma **of)
{
	struct rw_semaphore *lock;
	bool retry;

	do {
		lock = try_lock_anon_vma(sim, folio, walk, of, &retry);
	} while (retry);
	return lock;
}

/* The caller's reference keeps the anon_vma. */
static struct rw_semaphore *lock_pinned(struct folio *folio, struct rmap_walk *walk,
					struct anon_vma **of)
{
	struct rw_semaphore *lock;

	*of = folio_anon_vma(folio);
	lock = walk->own ? &(*of)->own : &(*of)->root->rwsem;
	if (down_read_trylock(lock, walk->site))
		return lock;
	walk->contended = walk->try_lock;
	if (!walk->try_lock)
		down_read(lock, walk->site);
	return walk->try_lock ? NULL : lock;
}

struct anon_vma *folio_get_anon_vma(struct mmsim *sim, struct folio *folio)
{
	struct anon_vma *anon_vma;

	rcu_read_lock();
	anon_vma = folio_anon_vma(folio);
	if (anon_vma && (!folio_mapped(folio) || !atomic_inc_not_zero(&anon_vma->refcount)))
		anon_vma = NULL;
	rcu_read_unlock();
	/* Unmapped meanwhile, it may have been freed, and what was pinned be another's. */
	if (anon_vma && !folio_mapped(folio)) {
		put_anon_vma(sim, anon_vma);
		anon_vma = NULL;
	}
	return anon_vma;
}

/* ---- the walk ---- */

static void walk_tree(struct folio *folio, struct anon_vma *anon_vma, struct rmap_walk *walk)
{
	unsigned long index = folio->index;
	struct anon_vma_chain *avc = interval_tree_first(&anon_vma->tree, index, index);
	uint64_t visited = 0;

	for (; avc; avc = interval_tree_next(avc, index, index)) {
		struct vm_area_struct *vma = READ_ONCE(avc->vma);
		unsigned long address = vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT);

		visited++;
		machine_work(WORK_avc_visit, 1);
		cond_resched();
		if (!walk->one(folio, vma, address, walk))
			break;
	}
	count_events(COUNTER_rmap_vmas, visited);
}

void rmap_walk(struct mmsim *sim, struct folio *folio, struct rmap_walk *walk)
{
	struct anon_vma *anon_vma;
	struct rw_semaphore *lock;

	walk->contended = false;
	if (MUTANT(RMAP_EXCLUSIVE_NAIVE) && walk->folio_locked && !walk->pinned &&
	    folio_mapped(folio) && !folio_maybe_mapped_shared(folio)) {
		walk_tree(folio, folio_anon_vma(folio), walk);
		return;
	}
	if (walk->pinned)
		lock = lock_pinned(folio, walk, &anon_vma);
	else
		lock = folio_lock_anon_vma_read(sim, folio, walk, &anon_vma);
	if (walk->contended)
		count_event(COUNTER_rmap_contended);
	if (!lock)
		return;
	count_event(COUNTER_rmap_walks);
	walk->own = lock != &anon_vma->root->rwsem;
	count_events(COUNTER_rmap_exclusive, walk->own);
	walk_tree(folio, anon_vma, walk);
	up_read(lock);
}

/* ---- one PTE ---- */

static bool maps(pte_t pte, const struct folio *folio, bool migration)
{
	return (pte & (migration ? PTE_MIGRATION : PTE_PRESENT)) && pte_pfn(pte) == folio->pfn;
}

bool page_vma_mapped(const struct folio *folio, struct vm_area_struct *vma, unsigned long address,
		     bool migration, enum lock_site site, struct page_vma_mapped *found)
{
	struct mm_struct *mm = vma->vm_mm;
	bool peek = !migration || MUTANT(RMAP_PEEK_UNLOCKED);
	struct pte_table *table = pte_table_find(mm, address);

	while (table) {
		pte_t *ptep = &table->pte[pte_index(address)];

		if (peek && !(READ_ONCE(*ptep) & (migration ? PTE_MIGRATION : PTE_PRESENT)))
			return false;
		spin_lock(&table->ptl, LOCK_pte_lock, site);
		/* mremap may have given the whole table another place. */
		if (pte_table_find(mm, address) == table) {
			*found = (struct page_vma_mapped){table, ptep, READ_ONCE(*ptep)};
			if (maps(found->pte, folio, migration))
				return true;
			spin_unlock(&table->ptl);
			return false;
		}
		spin_unlock(&table->ptl);
		table = pte_table_find(mm, address);
	}
	return false;
}
