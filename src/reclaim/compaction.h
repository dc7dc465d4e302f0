/* SPDX-License-Identifier: MIT */
/*
 * Compaction: pages are moved for the sake of the memory between them.
 *
 * Fidelity: pages are isolated in 32s, in the order of their numbers, and moved one after another
 * with the folio lock waited for, as kcompactd does: what migrate.h says of one page is what
 * matters here. Not modelled: which free pages they go to, orders, skipped blocks, watermarks.
 */
#ifndef MMSIM_RECLAIM_COMPACTION_H
#define MMSIM_RECLAIM_COMPACTION_H

#include "mem/sim.h"

/* Look at @pages pages, from where the last call ended; how many were moved. Sleeps. */
unsigned long compact_pages(struct mmsim *sim, unsigned long pages);

#endif
