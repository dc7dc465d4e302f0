/* SPDX-License-Identifier: MIT */
/* Programs of a few steps, run by a search or a schedule on a bare step machine. */
#ifndef TESTS_SUPPORT_SEARCH_PROGRAM_H
#define TESTS_SUPPORT_SEARCH_PROGRAM_H

#include "machine/machine.h"
#include "mmsim/explore.h"

#define TASKS_MAX 4
#define RUNS_MAX 200000
/* ThreadSanitizer takes milliseconds to make a fibre. */
#ifdef MMSIM_TSAN
#define RUNS_SOME 200
#else
#define RUNS_SOME 5000
#endif

/* What the tasks share: a line each, in a chunk. */
struct shared {
	long word __cacheline_aligned;
	int lock_a __cacheline_aligned;
	int lock_b __cacheline_aligned;
	long own[TASKS_MAX][8] __cacheline_aligned;
};

/* Of the run made last. */
struct search_program_run {
	struct machine *machine;
	struct shared *shared;
	char order[64]; /* a letter for each access to the word */
	size_t nr;
	unsigned int accesses; /* of each task */
	struct rcu_head head;
	bool freed;
	int plain; /* shared without steps: what lies between two yields */
};
extern struct search_program_run test;

struct program {
	int (*body[TASKS_MAX])(void *arg);
	bool (*good)(void); /* at the end */
	unsigned int accesses;
};

/* Names of the tasks; a body gets its place as argument. */
extern const char *letters[TASKS_MAX];

/* One run. 0; -EPROTO: it was not good at the end; else as machine_run() says. */
int run_once(const struct program *program, struct mmsim_search *search, const char *schedule);
struct mmsim_search *new_search(enum mmsim_search_kind kind, unsigned int preemptions);
/* The first run that fails, or 0 when the search ended or RUNS_MAX were made. */
uint64_t find(const struct program *program, struct mmsim_search *search, int *err);

#endif
