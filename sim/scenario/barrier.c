/* SPDX-License-Identifier: MIT */
/* Barriers of scripts. */
#include "worker.h"

#define LOOK_NS NSEC_PER_MSEC /* how often who waits looks whether the run has ended */

#define ONE_EXPECTED (1u << 16)

static unsigned int nr_expected(unsigned int count)
{
	return count / ONE_EXPECTED;
}

static unsigned int nr_arrived(unsigned int count)
{
	return count % ONE_EXPECTED;
}

void barriers_prepare(struct workload *w)
{
	for (unsigned int i = 0; i < w->nr_workers; i++)
		for (unsigned int b = 0; b < w->scenario->nr_barriers; b++)
			if (w->workers[i].task->script.barriers >> b & 1)
				w->barriers[b].count += ONE_EXPECTED;
}

static void wake_others(struct worker *worker, unsigned int barrier)
{
	struct workload *w = worker->w;

	for (unsigned int i = 0; i < w->nr_workers; i++)
		if (&w->workers[i] != worker && w->workers[i].task->script.barriers >> barrier & 1)
			unpark((struct task *)w->workers[i].self);
}

/* Add to a barrier's count. True: all who are expected have come, and go on. */
static bool add(struct worker *worker, unsigned int barrier, unsigned int n)
{
	struct barrier *b = &worker->w->barriers[barrier];
	unsigned int count = quiet_load(b->count), next;
	bool all;

	do {
		next = count + n;
		all = nr_arrived(next) && nr_arrived(next) == nr_expected(next);
		if (all)
			next -= nr_arrived(next);
		/* Acquire and release: what each did before it came is seen by all behind. */
	} while (!quiet_try_cmpxchg(b->count, &count, next));
	if (!all)
		return false;
	/* Release: pairs with the acquire in barrier_wait(). */
	quiet_store_release(b->generation, quiet_load(b->generation) + 1);
	wake_others(worker, barrier);
	return true;
}

bool barrier_wait(struct worker *worker, unsigned int barrier)
{
	struct workload *w = worker->w;
	struct barrier *b = &w->barriers[barrier];
	/* Nobody can go on to the next generation before we have arrived. */
	unsigned int generation = quiet_load_acquire(b->generation);

	if (add(worker, barrier, 1))
		return true;
	while (quiet_load_acquire(b->generation) == generation) {
		if (workload_over(w, now_ns()))
			return false;
		park(TASK_UNINTERRUPTIBLE, now_ns() + LOOK_NS);
	}
	return true;
}

void barriers_leave(struct worker *worker)
{
	for (unsigned int b = 0; b < worker->w->scenario->nr_barriers; b++)
		if (worker->task->script.barriers >> b & 1)
			add(worker, b, -ONE_EXPECTED);
}
