/* SPDX-License-Identifier: MIT */
/*
 * RCU on the modelled machine: a grace period begins when a callback is queued
 * and none is under way, waits for the read sections that were open then, and
 * ends a while (rcu_grace) after the last of them; then task "rcu" runs the
 * callbacks. Never at once because nobody runs.
 *
 * Fidelity: batching and delay; preempted readers hold it up. Not modelled:
 * quiescent states of CPUs, expedited grace periods, callbacks in softirq.
 */
#include "machine/timed/timed.h"

#include <stdlib.h>

static void callbacks_add(struct callbacks *callbacks, const struct callback *callback)
{
	if (callbacks->nr == callbacks->max) {
		size_t max = MAX(64, 2 * callbacks->max);
		struct callback *list = realloc(callbacks->list, max * sizeof(*list));

		if (!list)
			machine_bug("no memory for RCU callbacks");
		callbacks->list = list;
		callbacks->max = max;
	}
	callbacks->list[callbacks->nr++] = *callback;
}

static void swap_callbacks(struct callbacks *a, struct callbacks *b)
{
	struct callbacks was = *a;

	*a = *b;
	*b = was;
}

static void wait_for_delay(struct timed *timed)
{
	event_at(timed, &timed->rcu_timer, timed->now + timed->profile.cost[COST_rcu_grace]);
}

static void begin_grace_period(struct timed *timed)
{
	swap_callbacks(&timed->rcu_next, &timed->rcu_waiting);
	timed->rcu_in_grace = true;
	timed->rcu_readers = 0;
	for (int i = 0; i < timed->machine->nr_tasks; i++) {
		struct machine_context *context = timed->machine->tasks[i]->context;

		if (!context || !context->rcu_depth)
			continue;
		context->rcu_blocks = true;
		timed->rcu_readers++;
	}
	if (!timed->rcu_readers)
		wait_for_delay(timed);
}

static void wake_rcu(struct timed *timed)
{
	struct machine_context *context = timed->rcu->context;

	if (!context->on_cpu && !context->queued)
		sched_wake(timed, timed->rcu);
}

/* What waited for it may run. */
static void end_grace_period(struct timed *timed)
{
	timed->stats.grace_periods++;
	timed->rcu_in_grace = false;
	for (size_t i = 0; i < timed->rcu_waiting.nr; i++)
		callbacks_add(&timed->rcu_done, &timed->rcu_waiting.list[i]);
	timed->rcu_waiting.nr = 0;
}

static void grace_period_over(struct timed *timed, struct event *event)
{
	(void)event;
	end_grace_period(timed);
	wake_rcu(timed);
	if (timed->rcu_next.nr)
		begin_grace_period(timed);
}

void timed_rcu_read_lock(void)
{
	current->context->rcu_depth++;
}

void timed_rcu_read_unlock(void)
{
	struct machine_context *context = current->context;

	if (--context->rcu_depth || likely(!context->rcu_blocks))
		return;
	context->rcu_blocks = false;
	if (!--timed_of(current)->rcu_readers)
		wait_for_delay(timed_of(current));
}

void timed_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct timed *timed = timed_of(current);

	callbacks_add(&timed->rcu_next, &(struct callback){head, func});
	if (!timed->rcu_in_grace)
		begin_grace_period(timed);
}

static void run_callbacks(struct timed *timed)
{
	/* More may be added meanwhile, and the list be moved. */
	while (timed->rcu_ran < timed->rcu_done.nr) {
		struct callback callback = timed->rcu_done.list[timed->rcu_ran++];

		timed->in_callback++;
		callback.func(callback.head);
		timed->in_callback--;
	}
	timed->rcu_ran = timed->rcu_done.nr = 0;
}

int timed_rcu_main(void *arg)
{
	struct timed *timed = arg;

	for (;;) {
		run_callbacks(timed);
		quiet_store(current->state, TASK_UNINTERRUPTIBLE);
		sched_block(timed);
		timed_switch_away(timed, false);
	}
	return 0;
}

static void sync_callback(struct rcu_head *head)
{
	struct machine_context *context = container_of(head, struct machine_context, sync_head);

	context->sync_done = true;
	unpark(context->task);
}

/* Callbacks run in order, so waiting for one's own waits for all before it. */
void timed_synchronize_rcu(void)
{
	struct machine_context *context = current->context;
	struct timed *timed = timed_of(current);

	BUG_ON(context->rcu_depth);
	if (!timed->cpu) {
		/* Main alone: no reader, and no task to run the callbacks. */
		event_cancel(timed, &timed->rcu_timer);
		do {
			end_grace_period(timed);
			swap_callbacks(&timed->rcu_next, &timed->rcu_waiting);
			run_callbacks(timed);
		} while (timed->rcu_waiting.nr || timed->rcu_next.nr);
		return;
	}
	context->sync_done = false;
	timed_call_rcu(&context->sync_head, sync_callback);
	while (!context->sync_done)
		park(TASK_UNINTERRUPTIBLE, 0);
}

void timed_rcu_init(struct timed *timed)
{
	event_init(timed, &timed->rcu_timer, grace_period_over);
}
