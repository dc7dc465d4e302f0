/* SPDX-License-Identifier: MIT */
/* What the two halves of replay share. */
#ifndef MMSIM_SIM_REPLAY_REPLAY_INTERNAL_H
#define MMSIM_SIM_REPLAY_REPLAY_INTERNAL_H

#include "machine/machine.h"
#include "mem/kmem_cache.h"
#include "replay.h"

struct replay_process {
	int pid;
	struct mm_struct *mm;
	bool has_heap; /* a brk was seen, so it is known where the heap is */
};

/* Others wait for it, so it is an object of the instance's own. */
struct replay_progress {
	uint32_t done; /* release: what came before is seen by who waited for it */
};

struct replay_task {
	struct replay *replay;
	const struct plan_task *plan;
	struct replay_process *process;
	struct replay_progress *progress;
	bool started;
	struct replay_counts counts;
	struct replay_op_stats *op[NR_SIM_OPS]; /* NULL: the task does none of these */
};

struct replay {
	struct mmsim *sim;
	const struct plan *plan;
	const struct replay_options *options;
	struct kmem_cache *cache;
	struct replay_task *tasks; /* as plan->tasks */
	struct replay_process *processes; /* as many as tasks at most */
	unsigned int nr_processes;
	uint64_t start_ns;
};

/* Do one operation and account for it. */
void replay_do_op(struct replay_task *task, const struct sim_op *op);
/* Start a thread or a forked child; 0 or -ENOMEM. */
int replay_start_task(struct replay_task *task);
struct replay_task *replay_task_of(struct replay *replay, int tid);

#endif
