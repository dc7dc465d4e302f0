/* SPDX-License-Identifier: MIT */
/* Compaction by a scan of physical pages. */
#include "reclaim/compaction.h"
#include "rmap/migrate.h"

#define COMPACT_CLUSTER_MAX 32

unsigned long compact_pages(struct mmsim *sim, unsigned long pages)
{
	struct folio *isolated[COMPACT_CLUSTER_MAX];
	unsigned long moved = 0;

	count_events(COUNTER_compact_scanned, pages);
	while (pages && !fatal_signal_pending(current)) {
		unsigned long chunk = MIN(pages, COMPACT_CLUSTER_MAX);
		unsigned int nr = isolate_pages(sim, &sim->migrate_pfn, chunk, isolated);

		pages -= chunk;
		for (unsigned int i = 0; i < nr; i++)
			moved += !migrate_folio(sim, isolated[i], true);
		cond_resched();
	}
	return moved;
}
