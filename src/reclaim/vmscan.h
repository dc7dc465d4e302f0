/* SPDX-License-Identifier: MIT */
/*
 * Ageing and reclaim of anonymous pages.
 *
 * Fidelity: 32 pages are isolated at a time; of each the folio lock by try, folio_referenced with
 * what is done if its lock is contended, of a page of MADV_FREE that nobody wrote the blocking
 * try_to_unmap with the folio lock held. Not modelled: LRU lists and their lock (pages are visited
 * in the order of their numbers), swap (what is not lazily freed is only aged), file pages,
 * kswapd, direct reclaim.
 */
#ifndef MMSIM_RECLAIM_VMSCAN_H
#define MMSIM_RECLAIM_VMSCAN_H

#include "mem/sim.h"

/* Look at @pages pages, from where the last call ended; how many were freed. Sleeps. */
unsigned long shrink_pages(struct mmsim *sim, unsigned long pages);

#endif
