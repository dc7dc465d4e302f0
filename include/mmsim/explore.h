/* SPDX-License-Identifier: MIT */
/*
 * Search of schedules on the step machine. A search is handed to one instance
 * after another, each set up alike; it makes every choice of who runs next, and
 * after each run says whether there is another schedule to try:
 *
 *	struct mmsim_search *search = mmsim_search_create(&how);
 *	do {
 *		config.search = search;
 *		... mmsim_create(&config, ..), tasks, mmsim_run() ...
 *		if (failed)
 *			puts(mmsim_search_schedule(search));
 *		mmsim_destroy(sim);
 *	} while (!failed && mmsim_search_next(search));
 *	mmsim_search_destroy(search);
 *
 * Tasks are switched only where it can matter: when they wait, yield or end, and
 * before they touch a word that at least two tasks touch and one of them writes.
 * Which words these are is learned from the runs. What tasks share besides must
 * be guarded by locks, or have mmsim_yield() between its accesses. An instance
 * that has a written schedule too obeys that; the search then only keeps what the
 * run did.
 */
#ifndef MMSIM_EXPLORE_H
#define MMSIM_EXPLORE_H

#include <mmsim/instance.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MMSIM_SEARCH_TASKS_MAX 64 /* with main and the machine's own two */

enum mmsim_search_kind {
	/*
	 * All schedules with no preemption, then all with one, and so on. A
	 * preemption is a switch away from a task that could have gone on; switches
	 * where a task waits or ends are free. Finds the simplest schedule first
	 * and ends by itself.
	 */
	MMSIM_SEARCH_BOUNDED,
	/* Random priorities, lowered at random places: the deeper, the rarer found. */
	MMSIM_SEARCH_PCT,
	/* A uniform choice wherever it can matter. */
	MMSIM_SEARCH_RANDOM,
	/* A random priority for each access, drawn anew for those that it races with. */
	MMSIM_SEARCH_POS,
	MMSIM_SEARCH_KINDS
};

/** struct mmsim_search_config - how to search */
struct mmsim_search_config {
	enum mmsim_search_kind kind;
	uint64_t seed; /* of the random kinds: the n-th run of a seed is always the same */
	unsigned int preemptions; /* bounded: the most in a run */
	int every_task; /* bounded: at each place try all tasks, not only those that race there */
	unsigned int pct_depth; /* PCT: priority changes and one; 0: 3 */
	int late; /* nothing is chosen in a run before mmsim_search_begin() */
};

struct mmsim_search;

/** mmsim_search_create - copies @config; NULL: no memory or no such kind */
MMSIM_API struct mmsim_search *mmsim_search_create(const struct mmsim_search_config *config);
/** mmsim_search_destroy - no instance that uses it is left; NULL is allowed */
MMSIM_API void mmsim_search_destroy(struct mmsim_search *search);

/**
 * mmsim_search_begin - from here on there are choices; called by a task
 *
 * With mmsim_search_config.late the run goes one way up to here: one task after
 * another, each until it waits or yields. For what every run begins with. At the
 * caller's next mmsim_yield() it is free who goes on.
 */
MMSIM_API void mmsim_search_begin(struct mmsim_search *search);

/**
 * mmsim_search_next - the run is over; make ready for another
 *
 * Return: 1 when there is another schedule to try; 0 when a bounded search has
 * been through all, or no instance was run since the last call. The random kinds
 * never end by themselves.
 */
MMSIM_API int mmsim_search_next(struct mmsim_search *search);

/**
 * mmsim_search_schedule - the run made last, as a written schedule
 *
 * With it as mmsim_config.schedule (or long_schedule) an instance set up alike
 * does the same steps in the same order. Valid until the next run. NULL: no memory.
 */
MMSIM_API const char *mmsim_search_schedule(struct mmsim_search *search);

/** struct mmsim_search_part - one task's steps between two switches */
struct mmsim_search_part {
	const char *task;
	uint64_t first_step, steps; /* the first as mmsim_steps() counts them */
	int preempted; /* it could have gone on */
	const char *type; /* if so: the object that it was about to touch; NULL: none */
	uint64_t number; /* of the object among those of all types */
	unsigned int offset; /* in the object, bytes */
};

/** mmsim_search_part_at - the i-th part of the run made last; 0, or -ENOENT past the last */
MMSIM_API int mmsim_search_part_at(const struct mmsim_search *search, unsigned int i,
				   struct mmsim_search_part *part);

/** struct mmsim_search_info - how far a search is */
struct mmsim_search_info {
	uint64_t runs; /* begun */
	uint64_t runs_in_pass; /* bounded: of them in the present pass over the schedules */
	unsigned int passes; /* bounded: one a bound, and one more for each that learned words */
	unsigned int bound; /* bounded: preemptions allowed at present */
	uint64_t words; /* shared words known */
	uint64_t points; /* of the last run: places where a switch was considered */
	uint64_t points_max; /* of any run */
	uint64_t switches, preemptions; /* of the last run */
	uint64_t diverged; /* runs that did not repeat their beginning: set up differently */
};

/** mmsim_search_get_info - may be called at any time */
MMSIM_API void mmsim_search_get_info(const struct mmsim_search *search,
				     struct mmsim_search_info *info);

/** mmsim_search_kind_name - "bounded", ..; NULL past the last */
MMSIM_API const char *mmsim_search_kind_name(enum mmsim_search_kind kind);

#ifdef __cplusplus
}
#endif

#endif
