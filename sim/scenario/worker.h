/* SPDX-License-Identifier: MIT */
/* A running workload and its workers: what workload.c, worker.c and barrier.c share. */
#ifndef MMSIM_SIM_SCENARIO_WORKER_H
#define MMSIM_SIM_SCENARIO_WORKER_H

#include "machine/machine.h"
#include "progress.h"
#include "workload.h"

struct child;
struct worker;

/* Where an `as` of a task is; len 0: nowhere. */
struct as_place {
	uint64_t addr, len;
};

/*
 * Tasks that wait for each other. Its words are no part of the simulated kernel,
 * so touching them is no step.
 */
struct barrier {
	unsigned int count; /* who is expected, times 2^16, and who has come */
	unsigned int generation; /* release by the last one, acquire by the others */
};

struct workload {
	struct mmsim *sim;
	const struct scenario *scenario;
	const struct workload_options *options;
	struct workload_result *result;
	size_t max_events;
	bool host, has_time; /* has_time: the host has, and a modelled machine */
	/* Of the time from which on all tasks were there; set before started. */
	uint64_t start_ns, end_ns; /* end_ns 0: when all loops are done */
	uint64_t ended_ns; /* when the last task had done its work; 0: not all have */
	uint64_t end_steps; /* 0: no limit */
	struct mm_struct *mms[SCENARIO_TASKS_MAX];
	unsigned int to_enter[SCENARIO_TASKS_MAX]; /* tasks of the process still to come */
	unsigned int to_start; /* tasks not yet at the start line */
	bool started;
	uint64_t vma_start[SCENARIO_VMAS_MAX]; /* of the first of each */
	struct as_place as[SCENARIO_TASKS_MAX][SCRIPT_AS_MAX]; /* each process' after its setup */
	struct barrier barriers[SCENARIO_TASKS_MAX];
	struct worker *workers;
	unsigned int nr_workers, running; /* running: have not ended */
	struct child *children; /* of all processes with a parent, one behind the other */
	unsigned int first_child[SCENARIO_TASKS_MAX], nr_children;
	unsigned int active; /* tasks that may fork: neither ended nor waiting for a life */
	int no_more_forks;
	uint64_t births;
	int measured; /* what the end of the run found was kept */
	struct mmsim_task *progress; /* NULL: there is none */
	struct progress model_progress;
};

/* What a task has waited for so far. */
struct waited {
	uint64_t locks_ns, spinlocks_ns, cpu_ns;
};

/* One task. Only it writes here while it runs. */
struct worker {
	struct workload *w;
	const struct scenario_task *task;
	unsigned int index; /* of the task in the scenario */
	unsigned int number; /* in its count */
	struct mmsim_task *self;
	struct mm_struct *mm;
	struct child *child; /* NULL: its process is there from the beginning */
	uint64_t life; /* the birth that its present life began with; 0: none yet */
	uint64_t stream; /* of all that is drawn, by seed, name and place among the tasks */
	uint64_t random; /* of what is drawn in this loop */
	struct waited waited; /* until the last time that it waited for a frame's beginning */
	uint64_t now_ns; /* when the last operation ended */
	uint64_t loops, life_loops; /* life_loops: when its present life began */
	uint64_t done; /* operations */
	int error; /* of the last memory operation that failed */
	uint64_t cursor[SCENARIO_VMAS_MAX + SCRIPT_AS_MAX]; /* of +next; the `as` behind the VMAs */
	uint64_t which[SCENARIO_VMAS_MAX]; /* of #next */
	struct as_place as[SCRIPT_AS_MAX];
	struct op_stats *op[NR_SIM_OPS];
	struct frame_stats frames;
};

/* worker.c: the body of a task. */
int worker_main(void *arg);
/* Is the run at its end, by time, steps or from outside? */
bool workload_over(const struct workload *w, uint64_t now_ns);
/* An operation is over, which began then. */
void worker_count_op(struct worker *worker, enum op_kind kind, uint64_t begin_ns, bool failed);
/* Do a script once, as the calling task. 0; -ECANCELED: the run ended before. */
int worker_do_script(struct worker *worker, const struct script *script, bool top);

/* barrier.c: wait for all; false: the run ended before. */
bool barrier_wait(struct worker *worker, unsigned int barrier);
/* Count who names which barrier, before the run. */
void barriers_prepare(struct workload *w);
/* The task ends: nobody waits for it any more. */
void barriers_leave(struct worker *worker);

/* workload_mm.c: where the VMAs are; a process with its VMAs and its setup done. 0, -errno. */
int workload_place_vmas(struct workload *w);
int workload_make_process(struct workload *w, unsigned int i);
/* Keep what could not be done, with its errno, for the user; @err. */
int workload_fail(struct workload *w, int err, const char *what, const char *name);

/* workload.c: keep that the task begins operation @op of its script. */
void workload_note(struct worker *worker, size_t op);
/* Where its places and cursors are at the beginning of a life. */
void workload_reset(struct worker *worker);
/* Begin: enter the process, and wait until all others are there. */
int workload_enter(struct worker *worker);
/* The task ends. */
void workload_leave(struct worker *worker);

#endif
