/* SPDX-License-Identifier: MIT */
/*
 * One body for every rwsem policy, on both machines: a few tasks take and leave
 * one rwsem in every way it has, and look from inside whether they are alone.
 * The protected words are plain: a writer adds 1 to each, one after another, and
 * whoever is inside must find them equal, so that a lost update shows.
 */
#ifndef TESTS_SUPPORT_RWSEM_BODY_H
#define TESTS_SUPPORT_RWSEM_BODY_H

#include <stdbool.h>
#include <stdint.h>

struct rwsem_body {
	const char *machine, *policy;
	uint64_t seed;
	unsigned int tasks, operations; /* operations a task */
	unsigned int kills; /* step */
};

struct rwsem_verdict {
	bool good; /* ran to the end, no overlap, nothing left at rest */
	char why[1024]; /* it is not */
	int err; /* mmsim_run()'s */
	long count; /* at rest, or where it broke */
	bool spun; /* somebody was seen in the spinners' queue */
	uint64_t writes, interrupted; /* write sections; waits a kill ended */
	uint64_t reader_steal, writer_steal, handoff, reader_sleep, writer_sleep;
};

void rwsem_body_run(const struct rwsem_body *body, struct rwsem_verdict *verdict);

#endif
