/* SPDX-License-Identifier: MIT */
/*
 * Migration: a page's contents go to another page, and all who map it with them.
 *
 * Fidelity: order of 6.18's migrate_folio for one anonymous page at a time: folio lock (by try
 * where the caller must not wait), a reference to the anon_vma, migration entries in all PTEs,
 * the test that nobody else has a reference, the copy, entries back to PTEs; whoever faults on an
 * entry sleeps for the folio lock with the fault's lock held. A page that is busy is left where
 * it is. TLBs are flushed page by page: PTE by PTE before 6.3, behind the walk since. Not modelled:
 * that since 6.3 many pages are unmapped before the first is moved, and that those whose lock has
 * to be waited for come last; NUMA nodes; files, huge pages, device memory.
 */
#ifndef MMSIM_RMAP_MIGRATE_H
#define MMSIM_RMAP_MIGRATE_H

#include "rmap/rmap.h"

/*
 * The caller's reference, taken of a page that may be free or anybody's, and the right to move or
 * free it; false: it is free, or somebody else has it.
 */
bool folio_isolate(struct mmsim *sim, struct folio *folio);
/*
 * Isolate what can be of the next @pages pages of a scan that goes round all pages ever used; how
 * many. Several tasks may share @cursor.
 */
unsigned int isolate_pages(struct mmsim *sim, unsigned long *cursor, unsigned long pages,
			   struct folio **isolated);
/* Of who has isolated it: back, and the reference dropped. */
void folio_putback(struct mmsim *sim, struct folio *folio);

/**
 * migrate_folio - move an anonymous page
 * @folio: isolated by the caller, who never uses it again
 * @wait: for the folio lock; else it is tried
 *
 * Sleeps for the root lock. Return: 0; -EAGAIN: it is in use, -ENOMEM.
 */
int migrate_folio(struct mmsim *sim, struct folio *folio, bool wait);

/*
 * A fault met a migration entry: sleep until the page has been moved. Whatever keeps the VMA
 * stable stays held. @ptep is looked at again.
 */
void migration_entry_wait(struct mmsim *sim, struct pte_table *table, pte_t *ptep);

#endif
