/* SPDX-License-Identifier: MIT */
/*
 * What tasks did to an address space and when, and whether a sequential one
 * could have answered the same: is the history linearizable?
 *
 * An operation takes effect between its call and its return. Accesses have one
 * page and one point there. A range operation has a point on each page, so
 * that others may see it half done, as they do in Linux; the writers' points
 * stand in the same order on all pages, for they hold mmap_lock for write, and
 * what a writer or reader answered must fit what was mapped at its place in
 * that order. Which order it was is searched for; a page is then a matter of
 * its own (P-compositionality), and its states are carried along as a set, in
 * the manner of Wing and Gong with memory of what was tried.
 */
#ifndef TESTS_SUPPORT_HISTORY_H
#define TESTS_SUPPORT_HISTORY_H

#include <stddef.h>

#include "support/address_model.h"

#define HISTORY_OPS_MAX 32 /* two bits of a word each */

struct history {
	unsigned int nr_pages, nr_ops;
	uint64_t clock; /* counts calls and returns */
	struct address_page first[ADDRESS_PAGES_MAX]; /* before the first operation */
	struct address_page last[ADDRESS_PAGES_MAX]; /* after the last */
	struct address_op ops[HISTORY_OPS_MAX];
};

/* For tasks of which one runs at a time. @what: kind, task, pages, prot, value. */
struct address_op *history_begin(struct history *h, const struct address_op *what);
void history_end(struct history *h, struct address_op *op, int answer);

/* A line an operation, in the order of their calls. */
void history_print(const struct history *h, const struct address_model *model, char *buf,
		   size_t size);

enum history_verdict {
	HISTORY_FITS,
	HISTORY_REFUTED, /* no order explains it */
	HISTORY_UNDECIDED, /* too many orders to try */
};

struct history_result {
	enum history_verdict verdict;
	unsigned int tried; /* places in the search */
	char why[256]; /* when it does not fit: where the longest try ended */
};

void history_check(const struct history *h, const struct address_model *model,
		   struct history_result *result);

#endif
