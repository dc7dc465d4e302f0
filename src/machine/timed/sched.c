/* SPDX-License-Identifier: MIT */
/*
 * Who has which CPU.
 *
 * Fidelity: FIFO tasks before fair ones (fair.c), by priority; preemption where
 * the kernel allows it: with preemption=full anywhere outside a spinlock, with
 * none in user mode, at cond_resched and on the way out of the kernel; slices
 * end at ticks. What a task was in the middle of goes on where it next runs.
 * Not modelled: real-time throttling, deadline tasks, softirqs, the time that a
 * resched interrupt takes to come; two threads of a core run at full speed each.
 */
#include "machine/timed/timed.h"

static struct machine_context *context_of(struct entity *se)
{
	return container_of(se, struct machine_context, se);
}

static void set_state(struct task *task, enum task_state state)
{
	quiet_store(task->state, state);
}

/* ---- accounting ---- */

struct task_times sched_times(const struct timed *timed, const struct task *task)
{
	const struct machine_context *context = task->context;
	struct task_times times = context->se.times;
	uint64_t ns = timed->now - context->se.since;

	if (context->on_cpu || quiet_load(task->state) == TASK_DEAD)
		return times;
	if (context->queued)
		times.delay_ns += ns;
	else if (task->in_io)
		times.io_ns += ns;
	else
		times.asleep_ns += ns;
	return times;
}

/* Bring what is known of its running or waiting up to now. */
static void account(struct timed *timed, struct task *task)
{
	struct machine_context *context = task->context;
	struct entity *se = &context->se;

	if (context->on_cpu && !task->fifo) {
		fair_update(timed, context->cpu);
	} else {
		se->times = sched_times(timed, task);
		se->since = timed->now;
	}
	fair_util(se, timed->now, context->on_cpu ? context->cpu->capacity : 0);
}

/* ---- the queues ---- */

static void fifo_add(struct cpu *cpu, struct task *task, bool first)
{
	struct list_head *at = cpu->fifo.next;

	for (; at != &cpu->fifo; at = at->next) {
		const struct task *other = context_of(container_of(at, struct entity, node))->task;

		if (other->fifo < task->fifo || (first && other->fifo == task->fifo))
			break;
	}
	/* Before @at. */
	list_add_tail(&task->context->se.node, at);
	cpu->nr_fifo++;
}

static void arm_tick(struct timed *timed, struct cpu *cpu)
{
	uint64_t end;

	if (!cpu->curr || cpu->curr->fifo || !cpu->nr_fair || cpu->need_resched ||
	    event_is_queued(timed, &cpu->tick))
		return;
	end = fair_slice_end(timed, cpu);
	end = MAX(end, timed->now + 1);
	event_at(timed, &cpu->tick, DIV_ROUND_UP(end, timed->tick_ns) * timed->tick_ns);
}

static void enqueue(struct timed *timed, struct cpu *cpu, struct task *task, bool wakes)
{
	struct machine_context *context = task->context;

	account(timed, task);
	context->queued = true;
	context->on_cpu = false;
	context->cpu = cpu;
	set_state(task, TASK_QUEUED);
	if (task->fifo)
		fifo_add(cpu, task, !wakes);
	else
		fair_enqueue(timed, cpu, &context->se, wakes);
}

static void dequeue(struct timed *timed, struct task *task)
{
	struct machine_context *context = task->context;

	account(timed, task);
	context->queued = false;
	if (!task->fifo) {
		fair_dequeue(context->cpu, &context->se);
		return;
	}
	list_del(&context->se.node);
	context->cpu->nr_fifo--;
}

static struct task *pick(struct cpu *cpu)
{
	struct entity *se;

	if (cpu->nr_fifo)
		se = container_of(cpu->fifo.next, struct entity, node);
	else
		se = fair_pick(cpu);
	return se ? context_of(se)->task : NULL;
}

/* ---- a CPU gets its next task ---- */

static void start(struct timed *timed, struct cpu *cpu, struct task *task)
{
	struct machine_context *context = task->context;
	uint64_t delay = 0;

	if (cpu->last != task) {
		delay += cpu->cost[COST_switch];
		timed->stats.switches++;
		context->se.keeps_cpu = true;
	}
	context->on_cpu = true;
	context->cpu = cpu;
	cpu->curr = cpu->last = task;
	cpu->context = context;
	cpu->curr_since = timed->now;
	cpu->need_resched = false;
	task->cpu = (int)cpu->id;
	set_state(task, TASK_RUNNING);
	delay += DIV_ROUND_UP(context->left, cpu->capacity);
	context->left = 0;
	event_at(timed, &cpu->event, MAX(timed->now, cpu->awake_from) + delay);
	arm_tick(timed, cpu);
}

static void migrate(struct timed *timed, struct task *task, struct cpu *to)
{
	struct machine_context *context = task->context;

	dequeue(timed, task);
	if (!task->fifo)
		fair_keep_lag(timed, context->cpu, &context->se);
	timed->stats.migrations++;
	enqueue(timed, to, task, true);
}

/* @cpu has no task: the next of its own, or one that waits elsewhere, or it idles. */
static void schedule(struct timed *timed, struct cpu *cpu)
{
	struct task *next = pick(cpu);

	if (!next) {
		next = place_pull(timed, cpu);
		if (next)
			migrate(timed, next, cpu);
	}
	if (!next) {
		event_cancel(timed, &cpu->tick);
		cpu->idle_since = timed->now;
		return;
	}
	dequeue(timed, next);
	start(timed, cpu, next);
}

/* The task leaves @cpu, which then has none. */
static void put_curr(struct timed *timed, struct cpu *cpu)
{
	struct task *task = cpu->curr;

	account(timed, task);
	fair_look(timed, cpu);
	cpu->busy_ns += timed->now - cpu->curr_since;
	event_cancel(timed, &cpu->event);
	event_cancel(timed, &cpu->tick);
	cpu->need_resched = false;
}

/* What the task at @cpu is in the middle of waits with it. */
static void keep_rest(struct timed *timed, struct cpu *cpu)
{
	struct machine_context *context = cpu->curr->context;
	uint64_t from = MAX(timed->now, cpu->awake_from);

	if (context->spin_word)
		spin_end(timed, cpu->curr);
	if (event_is_queued(timed, &cpu->event) && cpu->event.time > from)
		context->left = (cpu->event.time - from) * cpu->capacity;
}

static void preempt(struct timed *timed, struct cpu *cpu)
{
	struct task *task = cpu->curr;

	keep_rest(timed, cpu);
	put_curr(timed, cpu);
	cpu->curr = NULL;
	enqueue(timed, cpu, task, false);
	timed->stats.preemptions++;
	schedule(timed, cpu);
}

bool timed_kernel_preemptible(void)
{
	return timed_of(current)->profile.preemption == PREEMPTION_FULL;
}

static bool may_be_preempted(const struct timed *timed, const struct task *task)
{
	if (task->preempt_count)
		return false;
	return timed->profile.preemption == PREEMPTION_FULL || !task->in_kernel;
}

void sched_resched(struct timed *timed, struct cpu *cpu)
{
	struct task *task = cpu->curr;

	cpu->need_resched = true;
	if (cpu == timed->cpu)
		return; /* it looks itself, at the next point where it may */
	if (may_be_preempted(timed, task))
		preempt(timed, cpu);
	else if (task->context->spin_word)
		spin_end(timed, task); /* to see that it should stop */
}

void sched_tick(struct timed *timed, struct event *event)
{
	struct cpu *cpu = container_of(event, struct cpu, tick);

	if (!cpu->curr || cpu->curr->fifo || !cpu->nr_fair)
		return;
	fair_update(timed, cpu);
	if (fair_slice_over(timed, cpu))
		sched_resched(timed, cpu);
	arm_tick(timed, cpu);
}

/* ---- current ---- */

static void leave_cpu(struct timed *timed, struct cpu *cpu)
{
	timed->cpu = NULL;
	schedule(timed, cpu);
}

void sched_block(struct timed *timed)
{
	struct machine_context *context = current->context;
	struct cpu *cpu = timed->cpu;

	put_curr(timed, cpu);
	if (!current->fifo)
		fair_keep_lag(timed, cpu, &context->se);
	context->on_cpu = false;
	cpu->curr = NULL;
	leave_cpu(timed, cpu);
}

void sched_exit(struct timed *timed)
{
	struct cpu *cpu = timed->cpu;

	put_curr(timed, cpu);
	current->context->on_cpu = false;
	cpu->curr = NULL;
	leave_cpu(timed, cpu);
}

void sched_yield_cpu(struct timed *timed)
{
	struct cpu *cpu = timed->cpu;

	if (unlikely(timed->written))
		timed_check_written(timed);
	put_curr(timed, cpu);
	cpu->curr = NULL;
	enqueue(timed, cpu, current, false);
	leave_cpu(timed, cpu);
	timed_switch_away(timed, false);
}

void sched_preempt_point(struct timed *timed)
{
	if (!timed->cpu->need_resched || !may_be_preempted(timed, current))
		return;
	timed->stats.preemptions++;
	sched_yield_cpu(timed);
}

/* ---- waking ---- */

static bool preempts(struct timed *timed, struct cpu *cpu, struct task *woken)
{
	if (woken->fifo || cpu->curr->fifo)
		return woken->fifo > cpu->curr->fifo;
	return fair_preempts(timed, cpu, &woken->context->se);
}

/* Who idles for a short time does not sleep deeply: it never takes longer than it idled. */
static uint64_t idle_exit(const struct timed *timed, const struct cpu *cpu)
{
	return MIN(cpu->cost[COST_idle_exit], timed->now - cpu->idle_since);
}

void sched_wake(struct timed *timed, struct task *task)
{
	struct machine_context *context = task->context;
	struct cpu *before = context->cpu, *cpu;
	bool over;

	account(timed, task);
	cpu = place_task(timed, task);
	if (before && before != cpu)
		timed->stats.migrations++;
	timed->stats.wake_ups++;
	if (cpu->curr) {
		fair_update(timed, cpu);
		over = fair_look(timed, cpu);
		enqueue(timed, cpu, task, true);
		if (over || preempts(timed, cpu, task))
			sched_resched(timed, cpu);
		else
			arm_tick(timed, cpu);
		return;
	}
	enqueue(timed, cpu, task, true);
	dequeue(timed, task);
	cpu->awake_from = timed->now + idle_exit(timed, cpu);
	start(timed, cpu, task);
}

/* ---- set-up ---- */

int sched_task_init(struct timed *timed, struct task *task)
{
	struct machine_context *context = task->context;

	fair_init(&context->se, task->nice, timed->now);
	return place_parse_cpus(timed, task->cpus, &context->allowed);
}
