/* SPDX-License-Identifier: MIT */
/*
 * RCU on the step machine: callbacks run in task "rcu", which may be picked as
 * soon as every read section that was open when the callback was queued has
 * ended, and need not be picked before the end. So the end of a grace period is
 * a choice like any other.
 */
#include "machine/model/search.h"

#include <stdlib.h>

/* The oldest callback may run once every section begun before it has ended. */
static bool callback_ready(const struct model *model)
{
	uint64_t stamp;

	if (!model->nr_callbacks)
		return false;
	stamp = model->callbacks[model->first_callback].stamp;
	for (int i = 0; i < model->machine->nr_tasks; i++) {
		const struct machine_context *context = model->machine->tasks[i]->context;

		/* Without a context it is just being made. */
		if (context && context->rcu_depth && context->rcu_since <= stamp)
			return false;
	}
	return true;
}

static void rcu_poke(struct model *model)
{
	if (model->rcu->context->run_slot < 0 && callback_ready(model))
		model_make_runnable(model, model->rcu, PARK_WOKEN);
}

void model_rcu_read_lock(void)
{
	struct machine_context *context = current->context;

	if (!context->rcu_depth++)
		context->rcu_since = ++model_of(current)->rcu_clock;
}

void model_rcu_read_unlock(void)
{
	struct model *model = model_of(current);

	if (--current->context->rcu_depth)
		return;
	if (unlikely(model->search && model->running))
		search_rcu_unlock(model);
	if (model->nr_callbacks)
		rcu_poke(model);
}

static bool callbacks_grow(struct model *model)
{
	size_t max = MAX(64, 2 * model->max_callbacks);
	struct model_callback *ring = malloc(max * sizeof(*ring));

	if (!ring)
		return false;
	for (size_t i = 0; i < model->nr_callbacks; i++)
		ring[i] = model->callbacks[(model->first_callback + i) % model->max_callbacks];
	free(model->callbacks);
	model->callbacks = ring;
	model->first_callback = 0;
	model->max_callbacks = max;
	return true;
}

void model_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	const struct search_event none = {0};
	struct model *model = model_of(current);

	if (model->nr_callbacks == model->max_callbacks && !callbacks_grow(model))
		machine_bug("no memory for RCU callbacks");
	model->callbacks[(model->first_callback + model->nr_callbacks++) % model->max_callbacks] =
		(struct model_callback){
			.head = head,
			.func = func,
			.stamp = ++model->rcu_clock,
			.queued = model->search && model->running ? search_rcu_call(model) : none,
		};
	rcu_poke(model);
}

static void callback_run_first(struct model *model)
{
	struct model_callback callback = model->callbacks[model->first_callback];

	model->first_callback = (model->first_callback + 1) % model->max_callbacks;
	model->nr_callbacks--;
	/* It may hold locks: the run does not end in the middle of it. */
	if (model->search && model->running)
		search_rcu_callback(model, &callback);
	model->in_callback++;
	callback.func(callback.head);
	model->in_callback--;
}

int model_rcu_main(void *arg)
{
	struct model *model = arg;

	for (;;) {
		while (callback_ready(model)) {
			callback_run_first(model);
			model_step(&current->park_word);
		}
		model_block(TASK_UNINTERRUPTIBLE, 0);
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
void model_synchronize_rcu(void)
{
	struct machine_context *context = current->context;
	struct model *model = model_of(current);

	BUG_ON(context->rcu_depth);
	if (!model->running) {
		/* Main alone: no reader, and no fibre to run the callbacks. */
		while (model->nr_callbacks)
			callback_run_first(model);
		return;
	}
	context->sync_done = false;
	model_call_rcu(&context->sync_head, sync_callback);
	while (!context->sync_done)
		park(TASK_UNINTERRUPTIBLE, 0);
}
