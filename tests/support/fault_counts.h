/* SPDX-License-Identifier: MIT */
/*
 * What a task counts in one operation. A user fault's VMA pass ends in exactly
 * one of success, retry and abort, and the fault under one of the two locks;
 * madvise's look at a VMA may count an abort too. Before 6.10 an access that the
 * VMA does not allow ended the pass uncounted, and was asked again under
 * mmap_lock: denied, here.
 */
#ifndef TESTS_SUPPORT_FAULT_COUNTS_H
#define TESTS_SUPPORT_FAULT_COUNTS_H

#include <stdint.h>

#include "support/address_model.h"

struct mm_struct;

/* The calling task's counters. */
struct fault_counts {
	uint64_t faults, success, retry, abort, mmap_lock;
	uint64_t vma_advised, mmap_advised, advice_aborts;
};

/* Of many operations. */
struct fault_sums {
	uint64_t faults, success, retry, abort, denied, mmap_lock;
	uint64_t madvise_abort; /* not faults: madvise's own looks at a VMA */
};

struct fault_counts fault_counts_now(void);

/* What the calling task counted since @before must fit @op; mmsim_bug() if not. */
void fault_counts_check(struct mm_struct *mm, const struct address_op *op,
			const struct fault_counts *before, struct fault_sums *sum);

void fault_sums_add(struct fault_sums *sum, const struct fault_sums *more);

#endif
