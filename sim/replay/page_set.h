/* SPDX-License-Identifier: MIT */
/* A set of pages, each of one life of a process' address space: until it execs. */
#ifndef MMSIM_SIM_REPLAY_PAGE_SET_H
#define MMSIM_SIM_REPLAY_PAGE_SET_H

#include "idmap.h"

#include <stdint.h>

struct page_set_slot {
	uint64_t page;
	int pid; /* 0: the slot is free */
	size_t life;
};

/* All zero is an empty set. */
struct page_set {
	struct page_set_slot *slots; /* nr_slots of them, a power of two; at most half are used */
	size_t nr_slots, nr_used;
	struct idmap life; /* by process: how often it began anew */
};

/**
 * page_set_add - put a page in
 * @set: the set
 * @pid: the process, not 0
 * @page: the page's address
 *
 * Return: 1 when it was in already, 0 when it is new, -ENOMEM.
 */
int page_set_add(struct page_set *set, int pid, uint64_t page);

/**
 * page_set_renew - a process begins with an empty address space
 * @set: the set
 * @pid: the process
 *
 * Return: 0 or -ENOMEM.
 */
int page_set_renew(struct page_set *set, int pid);

/**
 * page_set_free - free what a set holds and leave it empty
 * @set: the set
 */
void page_set_free(struct page_set *set);

#endif
