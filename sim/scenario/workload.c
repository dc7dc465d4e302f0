/* SPDX-License-Identifier: MIT */
/* One run of a scenario; see workload.h. */
#include "workload.h"
#include "children.h"
#include "do_op.h"
#include "progress.h"
#include "touched.h"
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DEFAULT_MEMORY (1 << 20)
#define DEFAULT_STEPS 200000
#define START_LOOK_NS 20000 /* of few tasks; the more there are, the longer it takes anyway */
#define START_LOOKS 64 /* and then less often */
#define START_LOOK_MAX_NS(host) ((host) ? NSEC_PER_MSEC : 1000 * NSEC_PER_SEC)

int workload_config(const struct scenario *scenario, struct mmsim_config *config,
		    struct sim_error *err)
{
	char error[256];

	mmsim_config_init(config);
	config->payload = scenario->payload != 0;
	config->memory_bytes = scenario->memory ? scenario->memory : DEFAULT_MEMORY;
	for (unsigned int i = 0; i < scenario->nr_sets; i++) {
		const struct scenario_set *set = &scenario->sets[i];

		if (mmsim_config_set(config, set->axis, set->value, error))
			return sim_error_set(err, -EINVAL, set->file, set->line, "%s", error);
	}
	return 0;
}

static int check_script(const struct script *script, struct sim_error *err)
{
	for (size_t i = 0; i < script->nr; i++) {
		const struct sim_op *op = &script->ops[i].op;
		const char *what = op->kind == OP_FORK ? NULL : sim_op_missing(op);

		if (what)
			return sim_error_set(err, -EOPNOTSUPP, script->ops[i].file, op->line,
					     "%s: not simulated yet", what);
	}
	return 0;
}

int workload_check(const struct scenario *scenario, struct sim_error *err)
{
	int result = 0;

	for (unsigned int i = 0; i < scenario->nr_processes && !result; i++)
		result = check_script(&scenario->processes[i].setup, err);
	for (unsigned int i = 0; i < scenario->nr_scripts && !result; i++)
		result = check_script(&scenario->scripts[i].script, err);
	for (unsigned int i = 0; i < scenario->nr_tasks && !result; i++)
		result = check_script(&scenario->tasks[i].script, err);
	return result;
}

/* Without memory an event is lost, and nothing else. */
void workload_note(struct worker *worker, size_t op)
{
	struct workload *w = worker->w;
	struct workload_result *r = w->result;

	if (!w->options->events)
		return;
	if (r->nr_events == w->max_events) {
		size_t max = w->max_events ? 2 * w->max_events : 64;
		struct workload_event *more = realloc(r->events, max * sizeof(*more));

		if (!more)
			return;
		r->events = more;
		w->max_events = max;
	}
	r->events[r->nr_events++] =
		(struct workload_event){worker->index, (unsigned int)op, mmsim_steps(w->sim)};
}

/* ---- beginning ---- */

/* The last task of a process to enter drops what main held it by. */
static int enter_process(struct worker *worker)
{
	int err = mmsim_use_mm(worker->mm);

	if (quiet_add(worker->w->to_enter[worker->task->process], -1u) == 1)
		mmsim_mm_put(worker->mm);
	return err;
}

/* The run's time begins: on a busy computer long after the first task was made. */
static void begin_time(struct workload *w)
{
	const struct scenario *s = w->scenario;

	w->start_ns = mmsim_now_ns();
	if (!w->options->once && !w->has_time)
		w->end_steps = mmsim_steps(w->sim) + (s->steps ? s->steps : DEFAULT_STEPS);
	if (!w->options->once && s->seconds && w->has_time)
		w->end_ns = w->start_ns + s->seconds;
	/* Release: pairs with the acquire of whoever waits for the beginning. */
	quiet_store_release(w->started, true);
}

/* Nobody begins before all have entered, so that how they do is no part of a search. */
static void line_up(struct workload *w)
{
	uint64_t look_ns = START_LOOK_NS * (1 + w->nr_workers / 16);

	if (quiet_add(w->to_start, -1u) == 1) {
		if (w->options->search)
			mmsim_search_begin(w->options->search);
		begin_time(w);
	}
	for (unsigned int looks = 0; !looks || !quiet_load_acquire(w->started); looks++) {
		if (w->has_time)
			mmsim_sleep_ns(look_ns);
		else
			mmsim_yield();
		/* FIFO tasks that do nothing but look may be in the way of those to come. */
		if (looks > START_LOOKS)
			look_ns = MIN(2 * look_ns, START_LOOK_MAX_NS(w->host));
	}
}

int workload_enter(struct worker *worker)
{
	struct workload *w = worker->w;
	int after = worker->task->after, err;

	for (unsigned int i = 0; after >= 0 && i < w->nr_workers; i++)
		if (w->workers[i].index == (unsigned int)after)
			mmsim_task_join(w->workers[i].self);
	err = worker->child ? 0 : enter_process(worker);
	if (after < 0)
		line_up(w);
	return err;
}

/* The memory that is in use, once. */
static void measure_memory(struct workload *w)
{
	struct workload_result *r = w->result;
	int measured = 0;

	if (!quiet_try_cmpxchg(w->measured, &measured, 1))
		return;
	while (r->nr_bytes < WORKLOAD_TYPES_MAX &&
	       !mmsim_bytes_at(w->sim, r->nr_bytes, &r->bytes[r->nr_bytes]))
		r->nr_bytes++;
	mmsim_anon_pages(w->sim, &r->pages_exclusive, &r->pages_shared);
}

void workload_leave(struct worker *worker)
{
	struct workload *w = worker->w;

	barriers_leave(worker);
	if (!worker->child)
		measure_memory(w);
	if (!worker->child)
		children_leave(w, 1);
	if (quiet_add(w->running, -1u) != 1)
		return;
	/* What its exit takes, the memory with it, is no work of the scenario's. */
	w->ended_ns = mmsim_now_ns();
	if (w->progress)
		unpark((struct task *)w->progress);
}

/* ---- tasks ---- */

static int make_stats(struct worker *worker)
{
	for (int k = 0; k < OP_DO; k++) {
		if (!(worker->task->script.kinds >> k & 1))
			continue;
		worker->op[k] = touched_calloc(sizeof(*worker->op[k]));
		if (!worker->op[k])
			return -ENOMEM;
	}
	return 0;
}

/* From 0 on, over all processes of a count. */
static unsigned int nth_of_name(const struct worker *worker)
{
	const struct worker *first = worker;

	while (first > worker->w->workers && first[-1].task == worker->task)
		first--;
	return (unsigned int)(worker - first);
}

/* Several of one name, as a program's threads; a schedule has to tell them apart. */
static int start_worker(struct worker *worker)
{
	const struct scenario_task *task = worker->task;
	unsigned int nth = nth_of_name(worker);
	char name[SCENARIO_NAME_MAX + 8];
	const struct mmsim_task_attr attr = {
		.name = name,
		.nice = (int)task->nice,
		.fifo = (int)task->fifo,
		.cpu = task->cpu,
		.cpus = task->cpu < 0 && *task->cpus ? task->cpus : NULL,
		.has_deadline = task->period > 0,
	};

	snprintf(name, sizeof(name), "%s", task->section.name);
	if (worker->w->options->once && nth)
		snprintf(name, sizeof(name), "%.24s.%u", task->section.name, nth);
	worker->self = mmsim_task_create(worker->w->sim, &attr, worker_main, worker);
	return worker->self ? make_stats(worker) : -ENOMEM;
}

/* Where its +next begins in each VMA: those of a count spread over it. */
void workload_reset(struct worker *worker)
{
	const struct scenario *s = worker->w->scenario;
	int origin = (int)worker->task->process;

	while (s->processes[origin].parent >= 0)
		origin = s->processes[origin].parent;
	memcpy(worker->as, worker->w->as[origin], sizeof(worker->as));

	for (unsigned int v = 0; v < s->nr_vmas; v++) {
		uint64_t pages = s->vmas[v].size / SIM_PAGE_SIZE;

		worker->cursor[v] = pages * worker->number / worker->task->count * SIM_PAGE_SIZE;
		worker->which[v] = 0;
	}
}

/* The @number-th of a task's count, in the @i-th of its process' count. */
static void make_worker(struct workload *w, unsigned int t, unsigned int i, unsigned int number)
{
	const struct scenario_task *task = &w->scenario->tasks[t];
	bool is_child = w->scenario->processes[task->process].parent >= 0;
	struct worker *worker = &w->workers[w->nr_workers++];

	worker->w = w;
	worker->task = task;
	worker->index = t;
	worker->number = number;
	worker->mm = w->mms[task->process];
	workload_reset(worker);
	w->running++;
	w->to_start += task->after < 0;
	if (is_child) {
		worker->child = child_at(w, task->process, i);
		worker->child->tasks++;
	} else {
		w->to_enter[task->process]++;
		w->active++;
	}
}

static int make_workers(struct workload *w)
{
	const struct scenario *s = w->scenario;
	uint64_t nr = 0;

	for (unsigned int t = 0; t < s->nr_tasks; t++)
		nr += s->tasks[t].count * s->processes[s->tasks[t].process].count;
	w->workers = touched_calloc((nr + 1) * sizeof(*w->workers));
	if (!w->workers)
		return -ENOMEM;
	for (unsigned int t = 0; t < s->nr_tasks; t++)
		for (unsigned int i = 0; i < s->processes[s->tasks[t].process].count; i++)
			for (unsigned int n = 0; n < s->tasks[t].count; n++)
				make_worker(w, t, i, n);
	barriers_prepare(w);
	return 0;
}

/* A modelled machine refuses CPUs that it does not have. */
static int fail_task(struct workload *w, const struct scenario_task *task, int err)
{
	struct mmsim_cpu cpu;
	unsigned int nr = 0;

	while (!mmsim_cpu_at(w->sim, nr, &cpu))
		nr++;
	if (!nr || !*task->cpus)
		return workload_fail(w, err, "task", task->section.name);
	snprintf(w->result->why, sizeof(w->result->why),
		 "%s: task %s: expected cpu = CPUS from 0 to %u, as the machine has them, found "
		 "'%s'",
		 w->scenario->path, task->section.name, nr - 1, task->cpus);
	return -EINVAL;
}

static int start_workers(struct workload *w)
{
	int err = make_workers(w);

	if (err)
		return workload_fail(w, err, "the", "tasks");
	for (unsigned int i = 0; i < w->nr_workers; i++) {
		err = start_worker(&w->workers[i]);
		if (err)
			return fail_task(w, w->workers[i].task, err);
	}
	return 0;
}

/* Only the step machine has an end of its own. */
static int check_end(struct workload *w)
{
	const struct scenario *s = w->scenario;

	for (unsigned int t = 0; t < s->nr_tasks; t++) {
		if (!w->has_time || w->options->once || s->seconds || s->tasks[t].loops ||
		    !s->tasks[t].count)
			continue;
		snprintf(w->result->why, sizeof(w->result->why),
			 "%s: expected seconds = TIME, as task %s has no end", s->path,
			 s->tasks[t].section.name);
		return -EINVAL;
	}
	return 0;
}

static int set_up(struct workload *w)
{
	const struct scenario *s = w->scenario;
	int err = check_end(w);

	if (!err)
		err = children_prepare(w);
	if (!err)
		err = workload_place_vmas(w);
	for (unsigned int i = 0; i < s->nr_processes && !err; i++)
		if (s->processes[i].parent < 0)
			err = workload_make_process(w, i);
	mmsim_use_mm(NULL);
	if (!err)
		err = start_workers(w);
	/* Who has no task, or none that will run, goes away at once. */
	for (unsigned int i = 0; i < s->nr_processes; i++)
		if (w->mms[i] && (err || !w->to_enter[i]))
			mmsim_mm_put(w->mms[i]);
	return err;
}

/* ---- results ---- */

static void merge_frames(struct frame_stats *sum, const struct frame_stats *frames)
{
	sum->made += frames->made;
	sum->missed += frames->missed;
	sum->for_locks += frames->for_locks;
	sum->for_spinlocks += frames->for_spinlocks;
	sum->for_cpu += frames->for_cpu;
	fine_histogram_merge(&sum->response_ns, &frames->response_ns);
}

/* The first worker's statistics become the group's. */
static void collect_worker(struct workload_group *group, struct worker *worker)
{
	group->task = worker->task;
	group->loops += worker->loops;
	merge_frames(&group->frames, &worker->frames);
	for (int k = 0; k < NR_SIM_OPS; k++) {
		struct op_stats *stats = worker->op[k], *sum = group->op[k];

		if (!stats || !sum) {
			group->op[k] = sum ? sum : stats;
			continue;
		}
		sum->done += stats->done;
		sum->failed += stats->failed;
		fine_histogram_merge(&sum->latency_ns, &stats->latency_ns);
		free(stats);
	}
}

void workload_result_free(struct workload_result *result)
{
	for (unsigned int t = 0; t < SCENARIO_TASKS_MAX; t++)
		for (int k = 0; k < NR_SIM_OPS; k++)
			free(result->group[t].op[k]);
	free(result->events);
	memset(result->group, 0, sizeof(result->group));
	result->events = NULL;
}

static int progress_main(void *arg)
{
	struct workload *w = arg;
	struct progress progress;

	progress_begin(&progress);
	while (!quiet_load_acquire(w->started))
		mmsim_sleep_ns(START_LOOK_NS);
	/* Not a moment longer than the tasks, or it would be counted as theirs. */
	while (quiet_load(w->running) && !workload_over(w, mmsim_now_ns())) {
		park(TASK_UNINTERRUPTIBLE, MIN(mmsim_now_ns() + PROGRESS_NS, w->end_ns));
		progress_tell(&progress, mmsim_now_ns() - w->start_ns, w->end_ns - w->start_ns,
			      "the time");
	}
	progress_end(&progress);
	return 0;
}

/* A modelled machine has no task for it: that would be one more in the model. */
static void tell_model(uint64_t now_ns, void *data)
{
	struct workload *w = data;

	if (w->end_ns > w->start_ns && now_ns > w->start_ns)
		progress_tell(&w->model_progress, now_ns - w->start_ns, w->end_ns - w->start_ns,
			      "the time");
}

static int run(struct workload *w)
{
	const struct mmsim_task_attr attr = {.name = "progress", .cpu = -1};
	const struct machine_progress model = {tell_model, w};
	bool tells = w->options->progress && !w->options->once && w->scenario->seconds;
	int err;

	w->start_ns = mmsim_now_ns();
	if (!w->to_start)
		begin_time(w);
	if (tells && w->host)
		w->progress = mmsim_task_create(w->sim, &attr, progress_main, w);
	if (tells && !w->host) {
		progress_begin(&w->model_progress);
		machine_set_progress(current->machine, &model);
	}
	err = mmsim_run(w->sim);
	if (tells && !w->host)
		progress_end(&w->model_progress);
	w->result->elapsed_ns = (w->ended_ns ? w->ended_ns : mmsim_now_ns()) - w->start_ns;
	snprintf(w->result->why, sizeof(w->result->why), "%s", mmsim_failure(w->sim));
	return err;
}

int workload_run(struct mmsim *sim, const struct scenario *scenario,
		 const struct workload_options *options, struct workload_result *result)
{
	struct workload *w = calloc(1, sizeof(*w));
	int err;

	result->elapsed_ns = result->nr_events = result->vmas = result->nr_bytes = 0;
	result->pages_exclusive = result->pages_shared = 0;
	result->events = NULL;
	*result->why = '\0';
	memset(result->group, 0, sizeof(result->group));
	if (!w)
		return -ENOMEM;
	w->sim = sim;
	w->scenario = scenario;
	w->options = options;
	w->result = result;
	w->host = !strcmp(mmsim_effective(sim, "machine"), "host");
	w->has_time = strcmp(mmsim_effective(sim, "machine"), "step") != 0;
	err = set_up(w);
	if (!err)
		err = run(w);
	if (!err)
		children_end(w);
	for (unsigned int i = 0; i < w->nr_workers; i++)
		collect_worker(&result->group[w->workers[i].index], &w->workers[i]);
	free(w->workers);
	children_free(w);
	free(w);
	return err;
}
