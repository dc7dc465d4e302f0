/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes.
 *
 * Fidelity: a TLB entry is modelled by the user access that uses it: a flush waits for the
 * accesses under way in the tasks that run the mm, as it would for their IPIs. Not modelled:
 * flushes of ranges, batches over several mms.
 */
#ifndef MMSIM_MEM_TLB_H
#define MMSIM_MEM_TLB_H

#include "mem/mm_types.h"

/* Wait until no task is in the middle of a user access that began before. */
void flush_tlb_mm(struct mm_struct *mm);

#endif
