/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes.
 *
 * Fidelity: a TLB entry is modelled by the user access that uses it: a flush waits for the
 * accesses under way in the tasks that run the mm, as it would for their IPIs. Not modelled:
 * flushes of ranges; one interrupt for all of a batch.
 */
#ifndef MMSIM_MEM_TLB_H
#define MMSIM_MEM_TLB_H

#include "mem/mm_types.h"

/* Wait until no task is in the middle of a user access that began before. */
void flush_tlb_mm(struct mm_struct *mm);

#define TLB_BATCH_MAX 32

/* Address spaces to be flushed, before the pages they mapped are copied or freed. */
struct tlb_batch {
	struct mm_struct *mm[TLB_BATCH_MAX]; /* referenced */
	unsigned int nr;
};

/* @mm is kept by who holds the rmap lock. If there is no room, all before it are flushed now. */
void tlb_batch_add(struct tlb_batch *batch, struct mm_struct *mm);
void tlb_batch_flush(struct tlb_batch *batch);

#endif
