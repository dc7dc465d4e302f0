/* SPDX-License-Identifier: MIT */
/*
 * Physical pages.
 *
 * Fidelity: per-CPU lists under a lock taken by try (as since 6.2), refilled
 * and drained in batches from the zone under its lock; LIFO. Not modelled:
 * buddy orders, watermarks, reclaim, NUMA.
 */
#ifndef MMSIM_MEM_PAGE_ALLOC_H
#define MMSIM_MEM_PAGE_ALLOC_H

#include "mem/mm_types.h"

#define PCP_BATCH 63
#define PCP_HIGH (PCP_BATCH * 6)

/* @bytes of memory, page 0 being the zero page. NULL: no memory for it. */
struct zone *zone_create(struct mmsim *sim, uint64_t bytes);
/* The number of pages that were still allocated. */
uint64_t zone_destroy(struct zone *zone);

/**
 * folio_alloc - a page with one reference
 * @zeroed: clear it (page_zero)
 *
 * Never sleeps; takes the CPU's list by try, else the zone lock. NULL: none.
 */
struct folio *folio_alloc(struct mmsim *sim, bool zeroed);
/* A reference to a page that may be free; false: it is. */
bool folio_try_get(struct folio *folio);
/* Drop a reference; the last frees. */
void folio_put(struct mmsim *sim, struct folio *folio);

struct folio *pfn_folio(const struct mmsim *sim, unsigned long pfn);
/* Copy a page's bytes (page_copy). */
void folio_copy(struct mmsim *sim, struct folio *to, const struct folio *from);
/* The page's 4096 bytes. */
void *pfn_address(const struct mmsim *sim, unsigned long pfn);
/* Pages from this one on were never used. */
unsigned long zone_end_pfn(const struct zone *zone);
uint64_t zone_pages_used(const struct zone *zone);

#endif
