/* SPDX-License-Identifier: MIT */
/* One run of a scenario; see run_script.h. */
#include "run_script.h"
#include "do_op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY (1 << 20)
#define DEFAULT_STEPS 200000

struct script_task {
	struct run *run;
	const struct scenario_task *task;
	struct mm_struct *mm;
	unsigned int index;
	struct mmsim_task *self;
};

struct run {
	const struct scenario *scenario;
	const struct mmsim_config *config;
	struct mmsim *sim;
	struct script_verdict *verdict;
	bool events;
	size_t max_events;
	struct mm_struct *mms[SCENARIO_TASKS_MAX];
	unsigned int to_enter[SCENARIO_TASKS_MAX]; /* tasks of the process still to come */
	unsigned int to_start; /* tasks not yet at the start line */
	struct script_task tasks[SCENARIO_TASKS_MAX];
};

int script_config(const struct scenario *scenario, struct mmsim_config *config,
		  struct sim_error *err)
{
	char error[256];

	mmsim_config_init(config);
	strcpy(config->machine, "step");
	config->memory_bytes = scenario->memory ? scenario->memory : DEFAULT_MEMORY;
	config->max_steps = scenario->steps ? scenario->steps : DEFAULT_STEPS;
	config->emulate_costs = 0;
	for (unsigned int i = 0; i < scenario->nr_sets; i++) {
		const struct scenario_set *set = &scenario->sets[i];

		if (mmsim_config_set(config, set->axis, set->value, error))
			return sim_error_set(err, -EINVAL, scenario->path, set->line, "%s", error);
	}
	return 0;
}

static int check_script(const struct scenario *scenario, const struct scenario_script *script,
			struct sim_error *err)
{
	for (size_t i = 0; i < script->nr; i++) {
		const char *what = sim_op_missing(&script->ops[i]);

		if (what)
			return sim_error_set(err, -EOPNOTSUPP, scenario->path, script->ops[i].line,
					     "%s: not simulated yet", what);
	}
	return 0;
}

int script_check(const struct scenario *scenario, struct sim_error *err)
{
	int result = 0;

	for (unsigned int i = 0; i < scenario->nr_processes && !result; i++)
		result = check_script(scenario, &scenario->processes[i].setup, err);
	for (unsigned int i = 0; i < scenario->nr_tasks && !result; i++)
		result = check_script(scenario, &scenario->tasks[i].script, err);
	return result;
}

/* Without memory an event is lost, and nothing else. */
static void note(struct run *run, unsigned int task, unsigned int op)
{
	struct script_verdict *v = run->verdict;

	if (!run->events)
		return;
	if (v->nr_events == run->max_events) {
		size_t max = run->max_events ? 2 * run->max_events : 64;
		struct script_event *more = realloc(v->events, max * sizeof(*more));

		if (!more)
			return;
		v->events = more;
		run->max_events = max;
	}
	v->events[v->nr_events++] = (struct script_event){task, op, mmsim_steps(run->sim)};
}

/* The last task of a process to enter drops what main held it by. */
static int enter(struct script_task *t)
{
	int err = mmsim_use_mm(t->mm);

	if (!--t->run->to_enter[t->task->process])
		mmsim_mm_put(t->mm);
	return err;
}

/* Nobody begins before all have entered, so that how they do is no part of a search. */
static void line_up(struct run *run)
{
	if (!--run->to_start && run->config->search)
		mmsim_search_begin(run->config->search);
	do {
		mmsim_yield();
	} while (run->to_start);
}

static int task_main(void *arg)
{
	struct script_task *t = arg;
	unsigned int op;
	int err;

	if (t->task->after >= 0)
		mmsim_task_join(t->run->tasks[t->task->after].self);
	err = enter(t);
	if (t->task->after < 0)
		line_up(t->run);
	for (op = 0; !err && op < t->task->script.nr; op++) {
		note(t->run, t->index, op);
		sim_do_op(t->mm, &t->task->script.ops[op]);
	}
	note(t->run, t->index, op);
	return err;
}

static int set_up_process(struct run *run, unsigned int i)
{
	const struct scenario_process *process = &run->scenario->processes[i];
	struct script_verdict *v = run->verdict;

	run->mms[i] = mmsim_mm_create(run->sim, process->name);
	if (!run->mms[i] || mmsim_use_mm(run->mms[i])) {
		snprintf(v->why, sizeof(v->why), "no memory for process %s", process->name);
		return -ENOMEM;
	}
	for (size_t op = 0; op < process->setup.nr; op++) {
		int64_t result = sim_do_op(run->mms[i], &process->setup.ops[op]);

		if (result >= 0)
			continue;
		snprintf(v->why, sizeof(v->why), "%s:%u: expected a setup that succeeds, got %s",
			 run->scenario->path, process->setup.ops[op].line,
			 sim_errno_name((int)-result));
		return (int)result;
	}
	return 0;
}

static int start_task(struct run *run, unsigned int i)
{
	const struct scenario_task *task = &run->scenario->tasks[i];
	struct script_task *t = &run->tasks[i];
	const struct mmsim_task_attr attr = {.name = task->name, .cpu = task->cpu};

	*t = (struct script_task){
		.run = run, .task = task, .mm = run->mms[task->process], .index = i};
	t->self = mmsim_task_create(run->sim, &attr, task_main, t);
	if (t->self)
		return 0;
	snprintf(run->verdict->why, sizeof(run->verdict->why), "no memory for task %s", task->name);
	return -ENOMEM;
}

static int set_up(struct run *run)
{
	const struct scenario *s = run->scenario;
	int err = 0;

	for (unsigned int i = 0; i < s->nr_processes && !err; i++)
		err = set_up_process(run, i);
	mmsim_use_mm(NULL);
	for (unsigned int i = 0; i < s->nr_tasks && !err; i++)
		err = start_task(run, i);
	for (unsigned int i = 0; i < s->nr_tasks; i++) {
		run->to_enter[s->tasks[i].process]++;
		run->to_start += s->tasks[i].after < 0;
	}
	/* Who has no task, or none that will run, goes away at once. */
	for (unsigned int i = 0; i < s->nr_processes; i++)
		if (run->mms[i] && (err || !run->to_enter[i]))
			mmsim_mm_put(run->mms[i]);
	return err;
}

int script_run(const struct scenario *scenario, const struct mmsim_config *config, bool events,
	       struct script_verdict *verdict)
{
	struct run run = {
		.scenario = scenario, .config = config, .verdict = verdict, .events = events};
	int err;

	verdict->err = 0;
	verdict->steps = 0;
	verdict->events = NULL;
	verdict->nr_events = 0;
	*verdict->why = '\0';
	err = mmsim_create(config, &run.sim, verdict->why);
	if (err)
		return err;
	err = set_up(&run);
	if (!err) {
		verdict->err = mmsim_run(run.sim);
		verdict->steps = mmsim_steps(run.sim);
		snprintf(verdict->why, sizeof(verdict->why), "%s", mmsim_failure(run.sim));
	}
	if (mmsim_destroy(run.sim) && !err && !verdict->err) {
		verdict->err = -EBUSY;
		snprintf(verdict->why, sizeof(verdict->why),
			 "objects or pages were left when all tasks had ended\n");
	}
	return err;
}
