/* SPDX-License-Identifier: MIT */
/*
 * From a page to the PTEs that map it.
 *
 * Fidelity: folio_lock_anon_vma_read's protocol (RCU, trylock of what may be a stale anon_vma's
 * root, pin and sleep, the tests behind the lock; until 6.18 the test whether the page has gone
 * to another anon_vma meanwhile), walks over the interval tree in its order, the look at a PTE
 * without its lock unless the walk must not miss it, folio_referenced and what it answers when
 * the lock is contended, try_to_unmap of lazily freed pages. Not modelled: file pages, KSM, huge
 * pages, memcgs, anonymous swap.
 */
#ifndef MMSIM_RMAP_RMAP_H
#define MMSIM_RMAP_RMAP_H

#include "rmap/anon_vma.h"

/* The axis: what folio_referenced does when its lock is contended. */
struct rmap_contended_strategy {
	const char *name, *since, *models, *helps;
	bool skip;
};
/* NULL past the last. */
const struct rmap_contended_strategy *rmap_contended_strategy_at(unsigned int i);

struct rmap_walk {
	/*
	 * A VMA that covers the page; whether its PTE maps it is not known. False: enough.
	 * Called with the tree locked for read.
	 */
	bool (*one)(struct folio *folio, struct vm_area_struct *vma, unsigned long address,
		    struct rmap_walk *walk);
	void *arg; /* one's */
	enum lock_site site;
	bool folio_locked; /* by the caller */
	/* The caller has a reference to the anon_vma, and the page need not be mapped. */
	bool pinned;
	/*
	 * Answer: it was done under the anon_vma's own lock. Question of a pinned walk: was that
	 * so when the page was still mapped? Then it may be again: who came to share the page's
	 * entries meanwhile is in the tree, behind whom it has them from.
	 */
	bool own;
	bool try_lock; /* give up when the lock is contended */
	bool contended; /* answer: it did */
};

/* Visit all VMAs that may map the page. Sleeps unless ->try_lock. */
void rmap_walk(struct mmsim *sim, struct folio *folio, struct rmap_walk *walk);

static inline bool folio_mapped(const struct folio *folio)
{
	return atomic_read(&folio->_mapcount) > 0;
}

/* By more than one PTE. Stays false under the folio lock unless a fork copies the one. */
static inline bool folio_maybe_mapped_shared(const struct folio *folio)
{
	return atomic_read(&folio->_mapcount) > 1;
}

/* The anon_vma of a page, or NULL: it never was mapped. */
static inline struct anon_vma *folio_anon_vma(const struct folio *folio)
{
	char *mapping = READ_ONCE(folio->mapping);

	return mapping ? (struct anon_vma *)(mapping - 1) : NULL;
}

/* ... with a reference, or NULL: the page is mapped no more. The page is locked. */
struct anon_vma *folio_get_anon_vma(struct mmsim *sim, struct folio *folio);

/* Where a PTE that maps a page was found; its table's lock is held. */
struct page_vma_mapped {
	struct pte_table *table;
	pte_t *ptep;
	pte_t pte;
};

/*
 * Does @vma map the page at @address? Then the PTE's table is locked. @migration: is there a
 * migration entry of it? Such a walk must not miss one: it looks under the lock only.
 */
bool page_vma_mapped(const struct folio *folio, struct vm_area_struct *vma, unsigned long address,
		     bool migration, enum lock_site site, struct page_vma_mapped *found);

#define REFERENCED_CONTENDED -1

/**
 * folio_referenced - through how many PTEs was the page used since the last call?
 * @locked: the caller has the folio lock
 * @vm_locked: answer: an mlocked VMA maps it
 *
 * Their bits are cleared. Return: the number; REFERENCED_CONTENDED: not known, with
 * rmap_contended=skip.
 */
int folio_referenced(struct mmsim *sim, struct folio *folio, bool locked, bool *vm_locked);

/*
 * Take a lazily freed page from all who map it, unless it was written since. The folio lock and a
 * reference are held. Sleeps for the rmap lock. True: nobody maps it any more.
 */
bool try_to_unmap(struct mmsim *sim, struct folio *folio);

#endif
