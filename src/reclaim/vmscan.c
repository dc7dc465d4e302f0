/* SPDX-License-Identifier: MIT */
/* Reclaim of what needs no swap. */
#include "reclaim/vmscan.h"
#include "mem/folio_lock.h"
#include "mem/page_alloc.h"
#include "rmap/migrate.h"
#include "rmap/rmap.h"

#define SWAP_CLUSTER_MAX 32

/* Locked, isolated. True: it is nobody's any more. */
static bool shrink_locked(struct mmsim *sim, struct folio *folio)
{
	bool vm_locked;
	int referenced = folio_referenced(sim, folio, true, &vm_locked);

	if (referenced == REFERENCED_CONTENDED) {
		count_event(COUNTER_shrink_kept);
		return false;
	}
	if (referenced || vm_locked) {
		count_event(COUNTER_shrink_referenced);
		return false;
	}
	if (!(READ_ONCE(folio->flags) & PG_lazyfree) || !try_to_unmap(sim, folio))
		return false;
	/* Ours is the last reference, unless somebody is about to drop his. */
	return atomic_read(&folio->_refcount) == 1 && !(READ_ONCE(folio->flags) & PG_dirty);
}

/* Isolated by us. */
static bool shrink_folio(struct mmsim *sim, struct folio *folio)
{
	bool freed = false;

	if (folio_trylock(folio, SITE_shrink)) {
		freed = shrink_locked(sim, folio);
		folio_unlock(sim, folio);
	} else {
		count_event(COUNTER_shrink_kept);
	}
	if (freed) {
		count_event(COUNTER_pglazyfreed);
		folio_put(sim, folio);
	} else {
		folio_putback(sim, folio);
	}
	return freed;
}

unsigned long shrink_pages(struct mmsim *sim, unsigned long pages)
{
	struct folio *isolated[SWAP_CLUSTER_MAX];
	unsigned long freed = 0;

	count_events(COUNTER_shrink_scanned, pages);
	while (pages && !fatal_signal_pending(current)) {
		unsigned long chunk = MIN(pages, SWAP_CLUSTER_MAX);
		unsigned int nr = isolate_pages(sim, &sim->shrink_pfn, chunk, isolated);

		pages -= chunk;
		for (unsigned int i = 0; i < nr; i++) {
			freed += shrink_folio(sim, isolated[i]);
			cond_resched();
		}
	}
	return freed;
}
