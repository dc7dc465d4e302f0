/* SPDX-License-Identifier: MIT */
/* What trace.c, chain.c and edges.c share. */
#ifndef MMSIM_TRACE_TRACE_INTERNAL_H
#define MMSIM_TRACE_TRACE_INTERNAL_H

#include "trace/trace.h"

/* A wait for a lock whose waiters sleep. */
struct wait_under_way {
	const void *lock;
	struct wait_edge *edge;
	struct task *task;
};

/* Who last took a lock for write, by a hash of it: the first to be looked at. */
#define TRACE_HINTS 1024
struct writer_hint {
	const void *lock;
	struct task *task;
};

struct trace {
	struct machine *machine;
	bool enabled;
	bool scales; /* holds are scaled, by class and site; 0: as usual */
	uint32_t scale_ppm[NR_LOCK_CLASSES][NR_LOCK_SITES];
	/* Models only. */
	unsigned int nr_waits;
	struct wait_under_way waits[MACHINE_MAX_TASKS];
	struct writer_hint hints[TRACE_HINTS];
	struct edge_sum edges[TRACE_MAX_EDGES]; /* open hashing; slots are claimed by CAS */
};

static inline struct writer_hint *writer_hint(struct trace *trace, const void *lock)
{
	return &trace->hints[(uintptr_t)lock / 64 % TRACE_HINTS];
}

/* ---- what_if.c ---- */

/* The task's locks are others: so is its pace. */
void trace_scale(const struct task_trace *t);

/* ---- blame.c ---- */

/* Current has a deadline, and waited: a part of a wait that is no part of another. */
void blame_add(struct task_blame *blame, const struct wait_edge *edge);

/* ---- chain.c ---- */

/* Was the task's wait as a reader of @lock granted, by a waker, and it has not run since? */
bool is_granted(const struct task *task, const struct task_trace *t, const void *lock);
/* What @task was found to hold or wait for. */
void link_set(struct wait_link *link, const struct task *task, uint64_t what, uint64_t since_ns);
/* Does the task hold @lock? Then @link says how. */
bool find_held(const struct task *task, const struct task_trace *t, const void *lock,
	       struct wait_link *link);
/*
 * A task but @waiter that holds @lock, and how: a writer, or of the readers rather
 * one that does not run. NULL: none was found.
 */
struct task *find_holder(struct trace *trace, const void *lock, const struct task *waiter,
			 struct wait_link *link);
/* A wait's class, site and mode as a held lock has them. */
uint64_t what_waits(const struct lock_wait *wait);
/* From @holder of @lock on, whose link is set: whom it waits for, and so on. The links. */
int follow_chain(struct trace *trace, struct wait_link link[], struct task *holder,
		 const void *lock);

int trace_describe_wait(struct task *task, char *buf, size_t size, void *data);

#endif
