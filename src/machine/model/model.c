/* SPDX-License-Identifier: MIT */
/*
 * The step machine: tasks are fibres on one OS thread, every step is a place to
 * switch, and who comes next is a choice. Ends of grace periods, spurious
 * wake-ups, kills and the passing of time are choices too. It explores
 * sequentially consistent interleavings; weak memory is out of its reach.
 */
#include "machine/model/model.h"
#include "machine/model/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t model_now(void)
{
	return model_of(current)->clock_ns;
}

static void set_state(struct task *task, enum task_state state)
{
	quiet_store(task->state, state);
}

/* ---- who can run ---- */

static void run_add(struct model *model, struct task *task)
{
	task->context->run_slot = model->nr_run;
	model->run[model->nr_run++] = task;
}

static void run_remove(struct model *model, struct task *task)
{
	struct task *last = model->run[--model->nr_run];

	model->run[task->context->run_slot] = last;
	last->context->run_slot = task->context->run_slot;
	task->context->run_slot = -1;
}

bool model_spin_over(const struct task *task)
{
	const struct machine_context *context = task->context;

	if (context->spin_size == sizeof(int))
		return *(const volatile int *)context->spin_word != (int)context->spin_value;
	return *(const volatile long *)context->spin_word != context->spin_value;
}

/* @may_expire: a spinner with a deadline may be let go before its word changes. */
bool model_can_run(struct model *model, struct task *task, bool may_expire)
{
	struct machine_context *context = task->context;

	if (likely(!context->spin_word))
		return true;
	if (model_spin_over(task))
		return true;
	if (!context->deadline_ns)
		return false;
	if (model->clock_ns >= context->deadline_ns)
		return true;
	if (may_expire)
		model->clock_ns = context->deadline_ns + 1;
	return may_expire;
}

void model_make_runnable(struct model *model, struct task *task, enum park_result reason)
{
	task->context->wake_reason = reason;
	model_changed(model);
	if (unlikely(model->search && model->running) && reason == PARK_WOKEN)
		search_woke(model, task);
	task->context->deadline_ns = 0;
	set_state(task, TASK_RUNNING);
	run_add(model, task);
}

struct task *model_task_named(struct model *model, const char *name)
{
	if (*name == '#') {
		char *end;
		long index = strtol(name + 1, &end, 10);

		return *end || end == name + 1 ? NULL : machine_task(model->machine, (int)index);
	}
	for (int i = 0; i < model->machine->nr_tasks; i++)
		if (!strcmp(model->machine->tasks[i]->name, name))
			return model->machine->tasks[i];
	return NULL;
}

/* Nothing can run: let time pass to the first deadline. False: there is none. */
static bool pass_time(struct model *model)
{
	struct task *first = NULL;

	for (int i = 0; i < model->machine->nr_tasks; i++) {
		struct task *task = model->machine->tasks[i];
		uint64_t deadline = task->context ? task->context->deadline_ns : 0;

		if (!deadline || task->context->run_slot >= 0 || task->state == TASK_DEAD)
			continue;
		if (!first || deadline < first->context->deadline_ns)
			first = task;
	}
	if (!first)
		return false;
	model->clock_ns = MAX(model->clock_ns, first->context->deadline_ns);
	model_make_runnable(model, first, PARK_TIMEOUT);
	return true;
}

/* Parks whose deadline has passed end although others could go on. */
static void expire_deadlines(struct model *model)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < model->machine->nr_tasks; i++) {
		struct task *task = model->machine->tasks[i];
		uint64_t deadline = task->context ? task->context->deadline_ns : 0;

		if (!deadline || task->context->run_slot >= 0 || task->state == TASK_DEAD)
			continue;
		if (deadline <= model->clock_ns)
			model_make_runnable(model, task, PARK_TIMEOUT);
		else
			next = MIN(next, deadline);
	}
	model->next_deadline = next;
}

void model_tick(struct model *model)
{
	model->clock_ns += NSEC_PER_SEC / model->machine->config.hz;
	if (model->clock_ns >= model->next_deadline)
		expire_deadlines(model);
}

/* ---- switching ---- */

static void switch_to(struct task *next, bool last)
{
	struct task *from = current;

	if (next == from)
		return;
	mmsim_current = next;
	fibre_switch(&from->context->fibre, &next->context->fibre, last);
}

/* The run is over: back to main, which finds model->error. */
static void finish_run(struct model *model, int error, bool last)
{
	model->error = error;
	switch_to(model->main, last);
}

static void give_up(struct model *model)
{
	machine_fail(model->machine, "nothing can run (seed %llu, step %llu)\n",
		     (unsigned long long)model->machine->config.seed,
		     (unsigned long long)model->steps);
	machine_describe_waits(model->machine);
	finish_run(model, -EDEADLK, true);
}

/* Current cannot go on, or has ended (@last): somebody else must. */
static void schedule_away(struct model *model, bool last)
{
	for (;;) {
		struct task *next = NULL;

		if (model->running && !model->alive && !model->in_callback)
			next = model->main;
		else if (model->search && model->running)
			next = search_switch(model);
		else if (model->nr_run || model->schedule)
			next = model_pick(model);
		if (next) {
			switch_to(next, last);
			return;
		}
		if (pass_time(model))
			continue;
		if (!model->running)
			machine_bug("main waits and no other task was started");
		give_up(model);
		return;
	}
}

/* A step on an object that was freed, and not typesafe, is a bug of the code above. */
static void check_object(struct model *model, const volatile void *addr)
{
	uintptr_t at = (uintptr_t)addr - (uintptr_t)model->machine->first_chunk;
	const struct machine_chunk *chunk;
	struct object_name name;

	if (at >= model->machine->arena_used)
		return;
	chunk = (const void *)((uintptr_t)addr & ~(CHUNK_SIZE - 1));
	if (likely(chunk->state[(at & (CHUNK_SIZE - 1)) >> GRANULE_SHIFT] != GRANULE_FREED))
		return;
	name = machine_object_name(model->machine, addr);
	machine_bug("use after free: %s touches %s #%llu + %u", current->name, name.type,
		    (unsigned long long)name.number, name.offset);
}

void model_step(const volatile void *addr)
{
	struct model *model = model_of(current);
	struct task *next;

	model->steps++;
	model->clock_ns += MODEL_STEP_NS;
	if (likely(model->running)) {
		if (unlikely(model->clock_ns >= model->next_deadline))
			expire_deadlines(model);
		if (unlikely(model->steps >= model->max_steps)) {
			machine_fail(model->machine, "no end after %llu steps (seed %llu)\n",
				     (unsigned long long)model->steps,
				     (unsigned long long)model->machine->config.seed);
			machine_describe_waits(model->machine);
			finish_run(model, -EOVERFLOW, true);
		}
		next = unlikely(model->search != NULL) ? search_step(model, addr) :
							 model_pick(model);
		if (next && next != current)
			switch_to(next, false);
	}
	check_object(model, addr);
}

/* ---- park, spin, sleep ---- */

enum park_result model_block(enum task_state state, uint64_t deadline_ns)
{
	struct model *model = model_of(current);
	struct machine_context *context = current->context;

	context->deadline_ns = deadline_ns;
	if (deadline_ns)
		model->next_deadline = MIN(model->next_deadline, deadline_ns);
	set_state(current, state);
	model_changed(model);
	run_remove(model, current);
	schedule_away(model, false);
	return context->wake_reason;
}

static enum park_result model_park(enum task_state state, uint64_t deadline_ns)
{
	struct machine_context *context = current->context;
	enum park_result result;

	model_step(&current->park_word);
	if (!context->token) {
		if (state == TASK_KILLABLE && current->killed)
			return PARK_KILLED;
		result = model_block(state, deadline_ns);
		if (!context->token)
			return result;
	}
	context->token = false;
	return PARK_WOKEN;
}

static void model_unpark(struct task *task)
{
	struct model *model = model_of(task);

	model->unparking = true;
	model_step(&task->park_word);
	model->unparking = false;
	model_changed(model);
	task->context->token = true;
	if (task->context->run_slot < 0 && task->state != TASK_DEAD && !task->context->joining)
		model_make_runnable(model, task, PARK_WOKEN);
}

static void model_kill(struct task *task)
{
	quiet_store(task->killed, 1);
	model_changed(model_of(task));
	if (task->state == TASK_KILLABLE && task->context->run_slot < 0)
		model_make_runnable(model_of(task), task, PARK_KILLED);
}

static bool model_spin(const volatile void *word, unsigned int size, long value,
		       uint64_t deadline_ns)
{
	struct machine_context *context = current->context;
	bool changed;

	context->spin_word = word;
	context->spin_size = size;
	context->spin_value = value;
	context->deadline_ns = deadline_ns;
	set_state(current, TASK_SPINNING);
	/* A spinner is picked only when its word has changed or its time is over. */
	schedule_away(model_of(current), false);
	changed = model_spin_over(current);
	context->spin_word = NULL;
	context->deadline_ns = 0;
	set_state(current, TASK_RUNNING);
	model_step(word);
	return changed;
}

static bool model_spin_int(const int *word, int value, uint64_t deadline_ns)
{
	return model_spin(word, sizeof(*word), value, deadline_ns);
}

static bool model_spin_long(const long *word, long value, uint64_t deadline_ns)
{
	return model_spin(word, sizeof(*word), value, deadline_ns);
}

static void model_sleep(uint64_t ns)
{
	struct model *model = model_of(current);
	uint64_t deadline = model->clock_ns + ns;

	while (model->clock_ns < deadline) {
		enum park_result result = model_block(TASK_UNINTERRUPTIBLE, deadline);

		if (result == PARK_TIMEOUT)
			break;
	}
}

static void model_relax(void)
{
	struct model *model = model_of(current);

	/* In a written schedule it counts as spinning: others come first. */
	model->relaxing = current;
	model_step(&current->park_word);
	model->relaxing = NULL;
}

static void model_resched(void)
{
	struct model *model = model_of(current);

	model->rescheds = true;
	model_relax();
	model->rescheds = false;
}

/* A draw: the seed decides when a time slice is over. */
static bool model_need_resched(void)
{
	struct model *model = model_of(current);

	return !model->schedule && !model->search && rng_below(&model->rng, 32) == 0;
}

static void model_work(enum work_kind kind, uint64_t n)
{
	(void)kind, (void)n; /* the step machine has no costs */
}

void model_object_freed(const void *object, size_t size)
{
	struct model *model = model_of(current);

	if (model->search && model->running)
		search_freed(model, object, size);
}

/* ---- tasks, run ---- */

static void wake_joiners(struct model *model)
{
	for (int i = 0; i < model->machine->nr_tasks; i++) {
		struct task *task = model->machine->tasks[i];

		if (task->context && task->context->joining == current &&
		    task->context->run_slot < 0)
			model_make_runnable(model, task, PARK_WOKEN);
	}
}

static void task_entry(void *arg)
{
	struct task *task = arg;
	struct model *model = model_of(task);

	task->result = task->fn(task->arg);
	BUG_ON(task->context->rcu_depth);
	wake_joiners(model);
	set_state(task, TASK_DEAD);
	model_changed(model);
	run_remove(model, task);
	model->alive--;
	schedule_away(model, true);
}

static int context_create(struct model *model, struct task *task)
{
	struct machine_context *context = calloc(1, sizeof(*context));

	(void)model;
	if (!context)
		return -ENOMEM;
	context->task = task;
	context->run_slot = -1;
	task->context = context;
	return 0;
}

static int model_task_start(struct task *task)
{
	struct model *model = model_of(task);
	int err = context_create(model, task);

	if (!err)
		err = fibre_create(&task->context->fibre, task_entry, task, task->index,
				   model->search);
	if (err)
		return err;
	set_state(task, TASK_RUNNING);
	run_add(model, task);
	model->alive++;
	return 0;
}

static void model_task_join(struct task *task)
{
	while (task->state != TASK_DEAD) {
		current->context->joining = task;
		model_block(TASK_UNINTERRUPTIBLE, 0);
		current->context->joining = NULL;
	}
}

static int model_run(struct machine *machine)
{
	struct model *model = machine->impl;

	model->running = true;
	model->error = 0;
	/* Waits for all, so no single wake-up ends it. */
	while (model->alive && !model->error) {
		model->main->context->joining = model->main;
		if (model->main->context->run_slot >= 0)
			run_remove(model, model->main);
		schedule_away(model, false);
		if (model->main->context->run_slot < 0)
			run_add(model, model->main);
		model->main->context->joining = NULL;
		set_state(model->main, TASK_RUNNING);
	}
	model->running = false;
	if (model->search)
		search_end(model->search);
	return model->error;
}

static void __attribute__((noreturn)) model_bug(struct machine *machine, const char *text)
{
	struct model *model = machine->impl;

	machine_fail(machine, "BUG (seed %llu, step %llu, task %s): %s\n",
		     (unsigned long long)machine->config.seed, (unsigned long long)model->steps,
		     current->name, text);
	machine_describe_waits(machine);
	if (!model->running || current == model->main) {
		/* Nobody to go back to: main itself broke it. */
		fprintf(stderr, "mmsim: %s", machine->failure);
		abort();
	}
	finish_run(model, -EFAULT, true);
	__builtin_unreachable();
}

static uint64_t model_switch_mask(const struct machine *machine)
{
	static const uint64_t masks[] = {0, 3, 15};

	if (!machine->config.switch_1_in)
		return masks[machine->config.seed % ARRAY_SIZE(masks)];
	/* Rounded up to a power of two. */
	return machine->config.switch_1_in == 1 ?
		       0 :
		       (2ull << (63 - __builtin_clzll(machine->config.switch_1_in - 1))) - 1;
}

static void model_destroy(struct machine *machine)
{
	struct model *model = machine->impl;

	for (int i = 0; i < machine->nr_tasks; i++) {
		if (!machine->tasks[i]->context)
			continue;
		fibre_destroy(&machine->tasks[i]->context->fibre, model->search);
		free(machine->tasks[i]->context);
	}
	free(model->callbacks);
	free(model->schedule);
	free(model->run);
	free(model);
}

/*
 * A task of the machine's own: it has nothing to do until it is made runnable,
 * and nobody waits for its end.
 */
static int start_daemon(struct model *model, const char *name, int (*fn)(void *arg),
			struct task **out)
{
	const struct task_attr attr = {.name = name, .cpu = 0};
	int err;

	*out = machine_task_new(model->machine, &attr, fn, model);
	if (!*out)
		return -ENOMEM;
	err = model_task_start(*out);
	if (err)
		return err;
	run_remove(model, *out);
	set_state(*out, TASK_UNINTERRUPTIBLE);
	model->alive--;
	return 0;
}

static int model_create(struct machine *machine)
{
	struct model *model = calloc(1, sizeof(*model));
	int err = -ENOMEM;

	if (!model)
		return -ENOMEM;
	machine->impl = model;
	model->machine = machine;
	model->main = current;
	model->run = calloc(MODEL_MAX_RUNNABLE, sizeof(*model->run));
	model->switch_mask = model_switch_mask(machine);
	model->next_deadline = UINT64_MAX;
	model->max_steps = machine->config.max_steps ? machine->config.max_steps : UINT64_MAX;
	model->kills_left = machine->config.kills;
	model->search = machine->config.search;
	model->changes = 1; /* 0: at the last look of who never looked */
	rng_init(&model->rng, machine->config.seed, "schedule", 0);
	model_draw_event(model);
	if (model->run)
		err = context_create(model, model->main);
	if (!err) {
		fibre_adopt_thread(&model->main->context->fibre);
		run_add(model, model->main);
		err = start_daemon(model, "rcu", model_rcu_main, &model->rcu);
		if (!err)
			err = start_daemon(model, "io", model_io_main, &model->io);
	}
	if (!err && machine->config.schedule)
		err = model_schedule_parse(model, machine->config.schedule);
	if (err)
		model_destroy(machine);
	else if (model->search)
		search_begin(model->search, model);
	return err;
}

const struct machine_ops model_ops = {
	.create = model_create,
	.destroy = model_destroy,
	.run = model_run,
	.task_start = model_task_start,
	.task_join = model_task_join,
	.park = model_park,
	.unpark = model_unpark,
	.kill = model_kill,
	.need_resched = model_need_resched,
	.relax = model_relax,
	.resched = model_resched,
	.spin_int = model_spin_int,
	.spin_long = model_spin_long,
	.now = model_now,
	.sleep = model_sleep,
	.work = model_work,
	.io_submit = model_io_submit,
	.call_rcu = model_call_rcu,
	.synchronize_rcu = model_synchronize_rcu,
	.rcu_barrier = model_synchronize_rcu,
	.bug = model_bug,
};

uint64_t machine_steps(const struct machine *machine)
{
	if (machine->config.kind == MACHINE_TIMED)
		return machine_stats(machine).steps;
	return machine->config.kind == MACHINE_HOST ? 0 : ((struct model *)machine->impl)->steps;
}
