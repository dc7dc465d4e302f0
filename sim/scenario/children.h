/* SPDX-License-Identifier: MIT */
/*
 * Processes that forks make. Each has its tasks from the beginning, which wait until a fork gives
 * them an address space, and again when they have left it. These words are no part of the
 * simulated kernel, so touching them is no step. A kill ends a process where its tasks come to
 * their next operation or sleep; what they wait for in the kernel they wait for to the end.
 */
#ifndef MMSIM_SIM_SCENARIO_CHILDREN_H
#define MMSIM_SIM_SCENARIO_CHILDREN_H

#include "worker.h"

enum child_state { CHILD_FREE, CHILD_CLAIMED, CHILD_LIVE, CHILD_KILLED };
#define CHILD_STATES 4

/* A place for one process: one of a [process NAME]'s count. */
struct child {
	unsigned int process; /* place in scenario->processes */
	unsigned int tasks; /* that it has */
	/*
	 * The so-manyth birth of the run, times CHILD_STATES, and enum child_state: nobody takes
	 * one life for another. Each change by a CAS, which acquires and releases.
	 */
	uint64_t life;
	struct mm_struct *mm; /* with the reference that fork gave, until the process ends */
	unsigned int running; /* tasks of this life that have not left it */
};

/* Places for all that may live at once. 0 or -ENOMEM. */
int children_prepare(struct workload *w);
/* Behind the run: end those that lived on. */
void children_end(struct workload *w);
void children_free(struct workload *w);
/* The i-th place of a process with a parent. */
struct child *child_at(struct workload *w, unsigned int process, unsigned int i);

/* The operations. 0 or -errno: -EAGAIN, all places are taken; -ESRCH, there is none to kill. */
int children_fork(struct worker *worker, unsigned int process);
int children_kill(struct worker *worker, unsigned int process);

/* A task of a child: wait for the next life, and enter it. False: there will be none. */
bool child_begin(struct worker *worker);
/* Its life is over, by itself or by a kill. */
void child_end(struct worker *worker);
static inline bool child_is_killed(const struct child *child)
{
	return child && quiet_load(child->life) % CHILD_STATES == CHILD_KILLED;
}

/* A task can fork no more. The last one ends the waiting of all children's tasks. */
void children_leave(struct workload *w, unsigned int tasks);

#endif
