/* SPDX-License-Identifier: MIT */
/* Barriers of scripts. */
#include "worker.h"

#include <string.h>

#define LOOK_NS NSEC_PER_MSEC /* how often who waits looks whether the run has ended */

static bool names_barrier(const struct scenario *s, const struct script *script, int barrier)
{
	for (size_t i = 0; i < script->nr; i++) {
		const struct script_op *op = &script->ops[i];

		if (op->op.kind == OP_BARRIER && op->index == barrier)
			return true;
		if (op->op.kind == OP_DO &&
		    names_barrier(s, &s->scripts[op->index].script, barrier))
			return true;
	}
	return false;
}

void barriers_prepare(struct workload *w)
{
	for (unsigned int b = 0; b < w->scenario->nr_barriers; b++)
		for (unsigned int i = 0; i < w->nr_workers; i++)
			w->barriers[b].expected +=
				names_barrier(w->scenario, &w->workers[i].task->script, (int)b);
}

static void wake_others(struct worker *worker, int barrier)
{
	struct workload *w = worker->w;

	for (unsigned int i = 0; i < w->nr_workers; i++)
		if (&w->workers[i] != worker &&
		    names_barrier(w->scenario, &w->workers[i].task->script, barrier))
			unpark((struct task *)w->workers[i].self);
}

bool barrier_wait(struct worker *worker, unsigned int barrier)
{
	struct workload *w = worker->w;
	struct barrier *b = &w->barriers[barrier];
	/* Nobody can go on to the next generation before we have arrived. */
	unsigned int generation = quiet_load_acquire(b->generation);
	unsigned int arrived = quiet_load(b->arrived);

	while (!quiet_try_cmpxchg(b->arrived, &arrived, arrived + 1))
		;
	if (arrived + 1 == b->expected) {
		quiet_store(b->arrived, 0);
		/* Release: pairs with the acquire below; what was done before is seen behind. */
		quiet_store_release(b->generation, generation + 1);
		wake_others(worker, (int)barrier);
		return true;
	}
	while (quiet_load_acquire(b->generation) == generation) {
		if (workload_over(w, now_ns()))
			return false;
		park(TASK_UNINTERRUPTIBLE, now_ns() + LOOK_NS);
	}
	return true;
}
