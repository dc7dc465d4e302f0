/* SPDX-License-Identifier: MIT */
/*
 * The modelled machine: tasks are fibres on one OS thread, time is virtual, and
 * a profile says what CPUs there are and what things take. Same input and seed,
 * same output, on any computer: nothing here looks at an address or a clock.
 */
#include "machine/timed/timed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define IO_FIFO 50 /* as a threaded interrupt handler */
#define LINES_SIZE ((MACHINE_ARENA_SIZE >> GRANULE_SHIFT) * sizeof(struct line))

static uint64_t now(void)
{
	return timed_of(current)->now;
}

static void set_state(struct task *task, enum task_state state)
{
	quiet_store(task->state, state);
}

/* ---- park ---- */

static bool is_asleep(const struct task *task)
{
	const struct machine_context *context = task->context;

	return !context->on_cpu && !context->queued && quiet_load(task->state) != TASK_DEAD;
}

static void wake(struct timed *timed, struct task *task, enum park_result reason)
{
	task->context->wake_reason = reason;
	event_cancel(timed, &task->context->timer);
	sched_wake(timed, task);
}

/* The deadline of a park or spin. */
static void timer_fired(struct timed *timed, struct event *event)
{
	struct machine_context *context = container_of(event, struct machine_context, timer);

	if (context->spin_word)
		spin_end(timed, context->task);
	else if (is_asleep(context->task))
		wake(timed, context->task, PARK_TIMEOUT);
}

static enum park_result block(struct timed *timed, enum task_state state, uint64_t deadline_ns)
{
	struct machine_context *context = current->context;

	if (!timed->cpu)
		machine_bug("main waits, and no other task was started");
	if (unlikely(timed->written))
		timed_check_written(timed);
	if (deadline_ns)
		event_at(timed, &context->timer, MAX(deadline_ns, timed->now));
	set_state(current, state);
	sched_block(timed);
	timed_switch_away(timed, false);
	return context->wake_reason;
}

static enum park_result timed_park(enum task_state state, uint64_t deadline_ns)
{
	struct machine_context *context = current->context;
	struct timed *timed = timed_of(current);
	enum park_result result;

	timed_step(&current->park_word, ACCESS_STORE);
	if (!context->token) {
		if (state == TASK_KILLABLE && current->killed)
			return PARK_KILLED;
		result = block(timed, state, deadline_ns);
		if (!context->token)
			return result;
	}
	context->token = false;
	return PARK_WOKEN;
}

static void timed_unpark(struct task *task)
{
	struct timed *timed = timed_of(task);

	timed_step(&task->park_word, ACCESS_ATOMIC);
	if (timed->cpu && is_asleep(task))
		timed_spend(timed, timed->cpu->cost[COST_wake_up]);
	task->context->token = true;
	if (is_asleep(task) && !task->context->joining)
		wake(timed, task, PARK_WOKEN);
	if (timed->cpu)
		sched_preempt_point(timed);
}

static void timed_kill(struct task *task)
{
	struct timed *timed = timed_of(task);

	quiet_store(task->killed, 1);
	if (is_asleep(task) && quiet_load(task->state) == TASK_KILLABLE)
		wake(timed, task, PARK_KILLED);
	if (timed->cpu)
		sched_preempt_point(timed);
}

static void timed_sleep(uint64_t ns)
{
	struct timed *timed = timed_of(current);
	uint64_t deadline = timed->now + ns;

	if (!timed->cpu) {
		timed->now = deadline; /* main alone: nothing else can happen meanwhile */
		return;
	}
	while (timed->now < deadline)
		if (block(timed, TASK_UNINTERRUPTIBLE, deadline) == PARK_TIMEOUT)
			break;
}

static bool spin_int(const int *word, int value, uint64_t deadline_ns)
{
	return timed_spin(word, sizeof(*word), value, deadline_ns);
}

static bool spin_long(const long *word, long value, uint64_t deadline_ns)
{
	return timed_spin(word, sizeof(*word), value, deadline_ns);
}

/* ---- the CPU ---- */

static bool timed_need_resched(void)
{
	const struct timed *timed = timed_of(current);

	return timed->cpu && timed->cpu->need_resched;
}

void timed_relax(void)
{
	struct timed *timed = timed_of(current);

	/* Never free: who waits must let time pass. */
	if (timed->cpu)
		timed_spend(timed, MAX(1, timed->cpu->cost[COST_relax]));
}

/* Wherever it stands, it may lose the CPU here. */
static void timed_resched(void)
{
	struct timed *timed = timed_of(current);

	if (timed->cpu && timed->cpu->need_resched && !current->preempt_count)
		sched_yield_cpu(timed);
}

static void timed_preempt_point(void)
{
	struct timed *timed = timed_of(current);

	if (timed->cpu)
		sched_preempt_point(timed);
}

static struct task_times timed_times(const struct task *task)
{
	return sched_times(timed_of(task), task);
}

/* ---- tasks, run ---- */

static void wake_joiners(struct timed *timed)
{
	for (int i = 0; i < timed->machine->nr_tasks; i++) {
		struct task *task = timed->machine->tasks[i];

		if (task->context && task->context->joining == current && is_asleep(task))
			wake(timed, task, PARK_WOKEN);
	}
}

static void task_entry(void *arg)
{
	struct task *task = arg;
	struct timed *timed = timed_of(task);

	task->result = task->fn(task->arg);
	BUG_ON(task->context->rcu_depth || task->preempt_count || task->in_kernel);
	wake_joiners(timed);
	sched_exit(timed);
	set_state(task, TASK_DEAD);
	timed->alive--;
	timed_switch_away(timed, true);
}

static int context_create(struct timed *timed, struct task *task)
{
	struct machine_context *context = aligned_alloc(64, (sizeof(*context) + 63) & ~63ul);
	int err;

	if (!context)
		return -ENOMEM;
	memset(context, 0, sizeof(*context));
	context->task = task;
	event_init(timed, &context->timer, timer_fired);
	task->context = context;
	err = sched_task_init(timed, task);
	if (!err)
		return 0;
	task->context = NULL;
	free(context);
	return err;
}

/* A task that sleeps until it is woken. */
static int task_make(struct timed *timed, struct task *task)
{
	int err = context_create(timed, task);

	if (err)
		return err;
	set_state(task, TASK_UNINTERRUPTIBLE);
	return fibre_create(&task->context->fibre, task_entry, task, task->index, NULL);
}

static int timed_task_start(struct task *task)
{
	struct timed *timed = timed_of(task);
	int err = task_make(timed, task);

	if (err)
		return err;
	timed->alive++;
	wake(timed, task, PARK_WOKEN);
	if (timed->cpu)
		sched_preempt_point(timed);
	return 0;
}

static void timed_task_join(struct task *task)
{
	while (quiet_load(task->state) != TASK_DEAD) {
		current->context->joining = task;
		block(timed_of(task), TASK_UNINTERRUPTIBLE, 0);
		current->context->joining = NULL;
	}
}

static int timed_run(struct machine *machine)
{
	struct timed *timed = machine->impl;

	timed->running = true;
	timed->error = 0;
	timed->context = timed->main->context;
	timed_go(timed);
	timed->cpu = NULL;
	timed->running = false;
	return timed->error;
}

static void __attribute__((noreturn)) timed_bug(struct machine *machine, const char *text)
{
	struct timed *timed = machine->impl;

	machine_fail(machine, "BUG (seed %llu, %llu ns, step %llu, task %s): %s\n",
		     (unsigned long long)machine->config.seed, (unsigned long long)timed->now,
		     (unsigned long long)timed->stats.steps, current->name, text);
	machine_describe_waits(machine);
	if (!timed->running || current == timed->main) {
		fprintf(stderr, "mmsim: %s", machine->failure);
		abort();
	}
	timed_finish(timed, -EFAULT, true);
	__builtin_unreachable();
}

/* ---- create, destroy ---- */

static void timed_destroy(struct machine *machine)
{
	struct timed *timed = machine->impl;

	for (int i = 0; i < machine->nr_tasks; i++) {
		if (!machine->tasks[i]->context)
			continue;
		fibre_destroy(&machine->tasks[i]->context->fibre, NULL);
		free(machine->tasks[i]->context);
	}
	if (timed->lines)
		munmap(timed->lines, LINES_SIZE);
	free(timed->rcu_next.list);
	free(timed->rcu_waiting.list);
	free(timed->rcu_done.list);
	event_queue_free(&timed->queue);
	free(timed);
}

static int start_daemon(struct timed *timed, const char *name, int fifo, int (*fn)(void *arg),
			struct task **out)
{
	const struct task_attr attr = {.name = name, .fifo = fifo, .cpu = -1};

	*out = machine_task_new(timed->machine, &attr, fn, timed);
	return *out ? task_make(timed, *out) : -ENOMEM;
}

/* A small CPU takes longer. */
static void costs_init(const struct profile *p, const struct profile_cluster *cluster,
		       uint64_t cost[])
{
	for (int k = 0; k < NR_PROFILE_COSTS; k++)
		cost[k] = profile_costs[k].scaled ?
				  DIV_ROUND_UP(p->cost[k] * CAPACITY_SCALE, cluster->capacity) :
				  p->cost[k];
}

static void cpus_init(struct timed *timed)
{
	const struct profile *p = &timed->profile;
	unsigned int id = 0;

	for (unsigned int c = 0; c < p->nr_clusters; c++) {
		const struct profile_cluster *cluster = &p->cluster[c];

		costs_init(p, cluster, timed->costs[c]);
		for (unsigned int i = 0; i < cluster->cpus; i++, id++) {
			struct cpu *cpu = &timed->cpus[id];

			cpu->id = id;
			cpu->cluster = c;
			cpu->socket = cluster->socket;
			cpu->capacity = cluster->capacity;
			cpu->first_of_core = id - i % cluster->threads;
			cpu->cost = timed->costs[c];
		}
	}
	timed->nr_cpus = id;
}

static void masks_init(struct timed *timed)
{
	for (unsigned int i = 0; i < timed->nr_cpus; i++) {
		struct cpu *cpu = &timed->cpus[i];

		event_init(timed, &cpu->event, NULL);
		INIT_LIST_HEAD(&cpu->fair);
		INIT_LIST_HEAD(&cpu->fifo);
		for (unsigned int j = 0; j < timed->nr_cpus; j++) {
			const struct cpu *other = &timed->cpus[j];

			if (other->first_of_core == cpu->first_of_core)
				mask_set(&cpu->core, j);
			if (other->cluster == cpu->cluster)
				mask_set(&cpu->in_cluster, j);
			if (other->socket == cpu->socket)
				mask_set(&cpu->in_socket, j);
		}
	}
	for (unsigned int i = 0; i < timed->nr_cpus; i++)
		event_init(timed, &timed->cpus[i].tick, sched_tick);
}

static void timed_init(struct timed *timed, struct machine *machine)
{
	struct machine_config *config = &machine->config;

	timed->machine = machine;
	timed->main = current;
	timed->tick_ns = NSEC_PER_SEC / timed->profile.hz;
	/* An event at TIMED_MAX_NS, where later ones are, too, is beyond it. */
	timed->max_ns = TIMED_MAX_NS - 1;
	if (config->max_ns)
		timed->max_ns = MIN(timed->max_ns, config->max_ns);
	timed->max_steps = config->max_steps ? config->max_steps : UINT64_MAX;
	timed->next_report = MIN(MACHINE_PROGRESS_STEPS, timed->max_steps);
	config->hz = timed->profile.hz;
	for (int i = 0; i < SPIN_BUCKETS; i++)
		INIT_LIST_HEAD(&timed->spinners[i]);
	cpus_init(timed);
	masks_init(timed);
	config->nr_cpus = timed->nr_cpus;
	timed_rcu_init(timed);
	timed_io_init(timed);
	timed_new_horizon(timed);
}

static int start_machine(struct timed *timed, struct machine *machine)
{
	int err = event_queue_init(&timed->queue);

	if (err)
		return err;
	timed_init(timed, machine);
	timed->lines = mmap(NULL, LINES_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (timed->lines == MAP_FAILED) {
		timed->lines = NULL;
		return -ENOMEM;
	}
	err = context_create(timed, timed->main);
	if (err)
		return err;
	fibre_adopt_thread(&timed->main->context->fibre);
	err = start_daemon(timed, "rcu", 0, timed_rcu_main, &timed->rcu);
	return err ? err : start_daemon(timed, "io", IO_FIFO, timed_io_main, &timed->io);
}

static int timed_create(struct machine *machine)
{
	const struct machine_config *config = &machine->config;
	struct timed *timed = aligned_alloc(__alignof__(*timed), sizeof(*timed));
	int err;

	if (!timed)
		return -ENOMEM;
	memset(timed, 0, sizeof(*timed));
	machine->impl = mmsim_impl = timed;
	err = profile_load(config->profile, config->profile_changes ? config->profile_changes : "",
			   &timed->profile, config->error ? config->error : machine->failure);
	if (err) {
		free(timed);
		return err;
	}
	err = start_machine(timed, machine);
	if (err)
		timed_destroy(machine);
	return err;
}

const struct machine_ops timed_ops = {
	.create = timed_create,
	.destroy = timed_destroy,
	.run = timed_run,
	.task_start = timed_task_start,
	.task_join = timed_task_join,
	.park = timed_park,
	.unpark = timed_unpark,
	.kill = timed_kill,
	.need_resched = timed_need_resched,
	.relax = timed_relax,
	.resched = timed_resched,
	.preempt_point = timed_preempt_point,
	.spin_int = spin_int,
	.spin_long = spin_long,
	.now = now,
	.sleep = timed_sleep,
	.times = timed_times,
	.compute = timed_compute,
	.work = timed_work,
	.io_submit = timed_io_submit,
	.call_rcu = timed_call_rcu,
	.synchronize_rcu = timed_synchronize_rcu,
	.rcu_barrier = timed_synchronize_rcu,
	.bug = timed_bug,
};

struct machine_stats machine_stats(const struct machine *machine)
{
	if (machine->config.kind != MACHINE_TIMED)
		return (struct machine_stats){0};
	return ((const struct timed *)machine->impl)->stats;
}

uint64_t machine_cpu_busy_ns(const struct machine *machine, unsigned int cpu)
{
	if (machine->config.kind != MACHINE_TIMED)
		return 0;
	return ((const struct timed *)machine->impl)->cpus[cpu].busy_ns;
}

const struct profile *machine_profile(const struct machine *machine)
{
	if (machine->config.kind != MACHINE_TIMED)
		return NULL;
	return &((const struct timed *)machine->impl)->profile;
}

void machine_set_progress(struct machine *machine, const struct machine_progress *progress)
{
	if (machine->config.kind == MACHINE_TIMED)
		((struct timed *)machine->impl)->progress = *progress;
}
