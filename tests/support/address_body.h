/* SPDX-License-Identifier: MIT */
/*
 * Four tasks map, unmap, protect, advise and touch a window of a few pages of
 * one address space on the step machine; what they were answered is recorded
 * and held against the sequential model. The programs come from the seed alone,
 * so that every strategy is given the same; the seed makes the schedule too.
 */
#ifndef TESTS_SUPPORT_ADDRESS_BODY_H
#define TESTS_SUPPORT_ADDRESS_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "support/address_model.h"
#include "support/fault_counts.h"

enum address_mix {
	ADDRESS_WIDE, /* eight pages, all tasks do everything */
	ADDRESS_TIGHT, /* three pages, two tasks map and unmap them, two touch them */
	NR_ADDRESS_MIXES
};

struct address_run {
	const char *kernel;
	const char *fault, *munmap, *madvise; /* NULL: as the kernel did */
	enum address_mix mix;
	uint64_t seed;
	const struct address_model *model; /* NULL: Linux's */
	bool show; /* print the history, whatever comes of it */
};

struct address_verdict {
	bool good;
	char why[1024];
	unsigned int tried; /* places in the search for an order */
	struct fault_sums faults; /* of all tasks */
	uint64_t done, refused; /* accesses */
	uint64_t overlaps; /* operations that met others */
	uint64_t splits, merges, vma_madvise, downgrades;
};

/* One schedule. Failed cmocka assertions where the instance miscounts. */
void address_run(const struct address_run *run, struct address_verdict *verdict);

#endif
