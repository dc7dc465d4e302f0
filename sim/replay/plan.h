/* SPDX-License-Identifier: MIT */
/*
 * A replay's plan: each thread's operations in their order, and across threads
 * the order that the traced program must have kept: nothing touches a range
 * before it is mapped, and nothing unmaps one that is still to be touched.
 */
#ifndef MMSIM_SIM_REPLAY_PLAN_H
#define MMSIM_SIM_REPLAY_PLAN_H

#include "recording.h"

/* Operation @op waits until task @task has done @done operations. */
struct plan_order {
	size_t op;
	unsigned int task;
	unsigned int done;
};

struct plan_task {
	int tid, pid;
	const char *name;
	size_t *ops; /* indices into the recording, in order */
	unsigned int nr_ops;
	bool root; /* no operation of another task starts it */
};

struct plan {
	const struct recording *rec;
	struct plan_task *tasks;
	unsigned int nr_tasks;
	struct plan_order *orders; /* sorted by op */
	size_t nr_orders, max_orders;
};

/**
 * plan_make - plan the replay of a recording
 * @rec: must outlive the plan
 * Return: 0 or -ENOMEM.
 */
int plan_make(const struct recording *rec, struct plan *plan);
void plan_free(struct plan *plan);

/* The task with thread id @tid, NULL if there is none. */
struct plan_task *plan_task_of(const struct plan *plan, int tid);

#endif
