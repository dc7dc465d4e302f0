/* SPDX-License-Identifier: MIT */
/* Replay: the tasks and their pace. What an operation does is in replay_op.c. */
#include "../scenario/progress.h"
#include "../scenario/touched.h"
#include "replay_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD_NS 50000 /* less than this ahead of the recording is not worth a sleep */
#define LATEST_NS 4e18 /* with when the replay began it is below 2^63 */
#define ORDER_LOOK_NS 20000 /* how often a task looks whether its turn has come */

/* ---- pace and order ---- */

static bool stopped(const struct replay *replay)
{
	return replay->options->stop && quiet_load(*replay->options->stop);
}

static void wait_for_time(struct replay *replay, const struct sim_op *op)
{
	double ns = (double)op->time_ns * replay->options->think;
	uint64_t due, now;

	if (ns <= 0)
		return;
	due = replay->start_ns + (ns < LATEST_NS ? (uint64_t)ns : (uint64_t)LATEST_NS);
	now = mmsim_now_ns();
	if (now + AHEAD_NS < due)
		mmsim_sleep_ns(due - now);
}

/* The first order of an operation, or where it would stand. */
static size_t first_order(const struct plan *plan, size_t op)
{
	size_t low = 0, high = plan->nr_orders;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (plan->orders[middle].op < op)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void wait_for_order(struct replay_task *task, size_t i)
{
	struct replay *replay = task->replay;
	const struct plan *plan = replay->plan;
	bool waited = false;

	for (size_t o = first_order(plan, i); o < plan->nr_orders && plan->orders[o].op == i; o++) {
		const struct plan_order *order = &plan->orders[o];
		const struct replay_task *other = &replay->tasks[order->task];

		/* Acquire: pairs with the release in task_main(). */
		while (smp_load_acquire(&other->progress->done) < order->done && !stopped(replay)) {
			waited = true;
			mmsim_sleep_ns(ORDER_LOOK_NS);
		}
	}
	task->counts.order_waits += waited;
}

/* ---- tasks ---- */

static int task_main(void *arg)
{
	struct replay_task *task = arg;
	struct replay *replay = task->replay;
	const struct plan_task *plan = task->plan;
	int err = 0;

	for (unsigned int n = 0; n < plan->nr_ops && !err && !stopped(replay); n++) {
		const struct sim_op *op = &replay->plan->rec->ops[plan->ops[n]];

		wait_for_time(replay, op);
		wait_for_order(task, plan->ops[n]);
		/* Another one may be the process' since an exec. Now it stays: an exec waits. */
		err = mmsim_use_mm(task->process->mm);
		if (!err)
			replay_do_op(task, op);
		smp_store_release(&task->progress->done, n + 1);
	}
	mmsim_use_mm(NULL);
	/* Whoever waits for one of ours must not wait for ever after a stop. */
	smp_store_release(&task->progress->done, UINT32_MAX);
	return err;
}

int replay_start_task(struct replay_task *task)
{
	struct mmsim_task_attr attr = {.name = task->plan->name, .cpu = -1};

	if (task->started)
		return 0;
	task->started = true;
	return mmsim_task_create(task->replay->sim, &attr, task_main, task) ? 0 : -ENOMEM;
}

struct replay_task *replay_task_of(struct replay *replay, int tid)
{
	struct plan_task *plan = plan_task_of(replay->plan, tid);

	return plan ? &replay->tasks[plan - replay->plan->tasks] : NULL;
}

/* ---- progress ---- */

static uint64_t ops_done(const struct replay *replay)
{
	uint64_t done = 0;

	for (unsigned int t = 0; t < replay->plan->nr_tasks; t++)
		done += MIN(quiet_load(replay->tasks[t].progress->done),
			    replay->plan->tasks[t].nr_ops);
	return done;
}

static int progress_main(void *arg)
{
	struct replay *replay = arg;
	uint64_t total = replay->plan->rec->nr_ops, done;
	struct progress progress;

	progress_begin(&progress);
	do {
		mmsim_sleep_ns(PROGRESS_NS);
		done = ops_done(replay);
		progress_tell(&progress, done, total, "the operations");
	} while (done < total && !stopped(replay));
	progress_end(&progress);
	return 0;
}

static void start_progress(struct replay *replay)
{
	const struct mmsim_task_attr attr = {.name = "progress", .cpu = -1};

	if (replay->options->progress && !strcmp(mmsim_effective(replay->sim, "machine"), "host"))
		mmsim_task_create(replay->sim, &attr, progress_main, replay);
}

/* ---- the whole ---- */

static struct replay_process *process_of(struct replay *replay, int pid)
{
	for (unsigned int i = 0; i < replay->nr_processes; i++)
		if (replay->processes[i].pid == pid)
			return &replay->processes[i];
	replay->processes[replay->nr_processes].pid = pid;
	return &replay->processes[replay->nr_processes++];
}

/* One for each kind of operation that the task does. */
static int make_stats(struct replay_task *task)
{
	const struct plan_task *plan = task->plan;

	for (unsigned int n = 0; n < plan->nr_ops; n++) {
		enum op_kind kind = task->replay->plan->rec->ops[plan->ops[n]].kind;

		if (!task->op[kind])
			task->op[kind] = touched_calloc(sizeof(*task->op[kind]));
		if (!task->op[kind])
			return -ENOMEM;
	}
	return 0;
}

static int make_tasks(struct replay *replay)
{
	unsigned int n = replay->plan->nr_tasks;

	replay->tasks = calloc(n + 1, sizeof(*replay->tasks));
	replay->processes = calloc(n + 1, sizeof(*replay->processes));
	replay->cache = kmem_cache_create(replay->sim, "replay_progress",
					  sizeof(struct replay_progress), CACHE_PLAIN, 0, NULL);
	if (!replay->tasks || !replay->processes || !replay->cache)
		return -ENOMEM;
	for (unsigned int t = 0; t < n; t++) {
		struct replay_task *task = &replay->tasks[t];

		task->replay = replay;
		task->plan = &replay->plan->tasks[t];
		task->process = process_of(replay, task->plan->pid);
		task->progress = kmem_cache_alloc(replay->cache);
		if (!task->progress || make_stats(task))
			return -ENOMEM;
	}
	return 0;
}

static int start_roots(struct replay *replay)
{
	int err = 0;

	for (unsigned int t = 0; t < replay->plan->nr_tasks && !err; t++) {
		struct replay_task *task = &replay->tasks[t];

		if (!task->plan->root || !task->plan->nr_ops)
			continue;
		if (!task->process->mm)
			task->process->mm = mmsim_mm_create(replay->sim, task->plan->name);
		err = task->process->mm ? replay_start_task(task) : -ENOMEM;
	}
	return err;
}

static void add_counts(struct replay_counts *sum, const struct replay_counts *counts)
{
#define X(field, what) sum->field += counts->field;
	REPLAY_MAPPED(X)
#undef X
}

static void collect(struct replay *replay, struct replay_result *result)
{
	result->ops_total = replay->plan->rec->nr_ops;
	result->ops_done = 0;
	for (unsigned int t = 0; t < replay->plan->nr_tasks; t++) {
		const struct replay_task *task = &replay->tasks[t];

		add_counts(&result->counts, &task->counts);
		for (int k = 0; k < NR_SIM_OPS; k++) {
			const struct replay_op_stats *from = task->op[k];

			if (!from)
				continue;
			result->op[k].done += from->done;
			result->op[k].as_recorded += from->as_recorded;
			result->op[k].differs += from->differs;
			result->ops_done += from->done;
			fine_histogram_merge(&result->op[k].latency_ns, &from->latency_ns);
		}
	}
}

static void put_all(struct replay *replay)
{
	for (unsigned int p = 0; p < replay->nr_processes; p++)
		if (replay->processes[p].mm)
			mmsim_mm_put(replay->processes[p].mm);
	for (unsigned int t = 0; t < replay->plan->nr_tasks; t++)
		if (replay->tasks[t].progress)
			kmem_cache_free(replay->cache, replay->tasks[t].progress);
}

int replay_run(struct mmsim *sim, const struct plan *plan, const struct replay_options *options,
	       struct replay_result *result, char *error)
{
	struct replay replay = {.sim = sim, .plan = plan, .options = options};
	int err;

	memset(result, 0, sizeof(*result));
	err = make_tasks(&replay);
	replay.start_ns = mmsim_now_ns();
	if (!err)
		err = start_roots(&replay);
	if (!err) {
		start_progress(&replay);
		err = mmsim_run(sim);
	}
	result->elapsed_ns = mmsim_now_ns() - replay.start_ns;
	if (replay.tasks)
		collect(&replay, result);
	if (!err && replay.tasks)
		put_all(&replay);
	else
		snprintf(error, 256, "%s",
			 *mmsim_failure(sim) ? mmsim_failure(sim) : "no memory for the replay");
	for (unsigned int t = 0; replay.tasks && t < plan->nr_tasks; t++)
		for (int k = 0; k < NR_SIM_OPS; k++)
			free(replay.tasks[t].op[k]);
	free(replay.tasks);
	free(replay.processes);
	return err;
}

void replay_memory_calls(const struct replay_result *result, uint64_t *done, uint64_t *as_recorded)
{
	static const enum op_kind calls[] = {OP_MMAP,	 OP_MUNMAP, OP_MPROTECT,
					     OP_MADVISE, OP_MREMAP, OP_BRK};

	*done = 0;
	*as_recorded = 0;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		*done += result->op[calls[i]].as_recorded + result->op[calls[i]].differs;
		*as_recorded += result->op[calls[i]].as_recorded;
	}
}
