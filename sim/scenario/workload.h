/* SPDX-License-Identifier: MIT */
/* Running a scenario in an instance: its processes, VMAs and tasks, and what they did. */
#ifndef MMSIM_SIM_SCENARIO_WORKLOAD_H
#define MMSIM_SIM_SCENARIO_WORKLOAD_H

#include "scenario.h"
#include "trace/histogram.h"

#include <mmsim/mmsim.h>

#define WORKLOAD_WHY_MAX 8192
#define WORKLOAD_TYPES_MAX 32 /* of objects */

/* When each operation was begun: for whoever wants to say what a task was at. */
struct workload_event {
	unsigned int task, op; /* op: place in the script; its length: the end */
	uint64_t step;
};

/* One kind of operation by the tasks of one section. */
struct op_stats {
	uint64_t done, failed; /* failed: of those done, with an errno or a signal */
	struct fine_histogram latency_ns;
};

/* Frames of a task with a period: begun each period, late or not. */
struct frame_stats {
	uint64_t made, missed; /* missed: ended behind the deadline, or not begun at the end */
	/* Of the missed those that had been in time without the task's waits for locks; of the
	 * rest without those for spinlocks too; of the rest without waits for a CPU too. */
	uint64_t for_locks, for_spinlocks, for_cpu;
	struct fine_histogram response_ns; /* from the period's beginning to the frame's end */
};

/* The tasks of one [task NAME]. */
struct workload_group {
	const struct scenario_task *task;
	uint64_t loops;
	struct op_stats *op[NR_SIM_OPS]; /* NULL: never done */
	struct frame_stats frames;
};

struct workload_options {
	bool once; /* each script is done once, whatever loops and seconds say */
	bool events; /* keep when each operation was begun */
	bool progress; /* on stderr */
	const volatile int *stop; /* set from outside: end early. May be NULL */
	struct mmsim_search *search; /* is told when all tasks are ready; may be NULL */
};

struct workload_result {
	char why[WORKLOAD_WHY_MAX]; /* what went wrong; empty: nothing */
	uint64_t elapsed_ns;
	unsigned int vmas; /* of all processes when the tasks began */
	/* When the first task that was there from the beginning had ended. */
	struct mmsim_bytes bytes[WORKLOAD_TYPES_MAX];
	unsigned int nr_bytes;
	uint64_t pages_exclusive, pages_shared; /* mapped by one PTE, by several */
	struct workload_group group[SCENARIO_TASKS_MAX]; /* as scenario->tasks */
	struct workload_event *events; /* in order */
	size_t nr_events;
};

/**
 * workload_config - the configuration that a scenario asks for
 * @config: overwritten
 * @err: a setting that there is not
 * Return: 0 or -EINVAL.
 */
int workload_config(const struct scenario *scenario, struct mmsim_config *config,
		    struct sim_error *err);

/* Can all its operations be done? 0, or -EOPNOTSUPP with @err filled. */
int workload_check(const struct scenario *scenario, struct sim_error *err);

/**
 * workload_run - run a scenario in an instance
 * @sim: fresh
 * @result: overwritten; workload_result_free() in any case
 *
 * A process lives as long as a task of it: when the last one has ended its
 * address space goes away, in the middle of the run.
 * Return: 0; what mmsim_run() answers; -errno when it could not be set up.
 */
int workload_run(struct mmsim *sim, const struct scenario *scenario,
		 const struct workload_options *options, struct workload_result *result);
void workload_result_free(struct workload_result *result);

#endif
