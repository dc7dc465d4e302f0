/* SPDX-License-Identifier: MIT */
/*
 * Measurements: a task's block, the held-lock stack's slow half, sums.
 * Wait-for edges are in edges.c.
 */
#include "trace/trace_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every hold of these is timed, on every machine. */
#define ALWAYS_TIMED (1ull << LOCK_mmap_lock | 1ull << LOCK_anon_vma_root)

#define X(name, what) [LOCK_##name] = {#name, what},
static const char *const classes[][2] = {LOCK_CLASSES(X)};
#undef X
#define X(name, what) [SITE_##name] = {#name, what},
static const char *const sites[][2] = {LOCK_SITES(X)};
#undef X
#define X(name, unit, help) [COUNTER_##name] = {#name, unit, help},
static const char *const counters[][3] = {TRACE_COUNTERS(X)};
#undef X
#define X(name) #name,
static const char *const operations[] = {TRACE_OPERATIONS(X)};
#undef X

const char *lock_class_name(enum lock_class class)
{
	return classes[class][0];
}

const char *lock_class_guards(enum lock_class class)
{
	return classes[class][1];
}

const char *lock_site_name(enum lock_site site)
{
	return sites[site][0];
}

const char *lock_site_help(enum lock_site site)
{
	return sites[site][1];
}

const char *trace_counter_name(enum trace_counter counter)
{
	return counters[counter][0];
}

const char *trace_counter_unit(enum trace_counter counter)
{
	return counters[counter][1];
}

const char *trace_counter_help(enum trace_counter counter)
{
	return counters[counter][2];
}

const char *trace_operation_name(enum trace_operation operation)
{
	return operations[operation];
}

/* ---- create, destroy ---- */

struct trace *trace_create(bool enabled)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (trace)
		trace->enabled = enabled;
	return trace;
}

void trace_destroy(struct trace *trace)
{
	free(trace);
}

void trace_set_machine(struct trace *trace, struct machine *machine)
{
	trace->machine = machine;
}

static int task_created(struct task *task, void *data)
{
	struct trace *trace = data;
	struct task_trace *t;

	if (!trace->enabled)
		return 0;
	/* Reserved; a page is used only once its part is written. */
	t = machine_memory_alloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->trace = trace;
	t->task = task;
	if (task->has_deadline) {
		t->blame = machine_memory_alloc(sizeof(*t->blame));
		if (!t->blame) {
			machine_memory_free(t, sizeof(*t));
			return -ENOMEM;
		}
	}
	for (unsigned int class = 0; class < NR_LOCK_CLASSES; class ++)
		if (machine_kind(task->machine) == MACHINE_HOST && !(ALWAYS_TIMED >> class & 1))
			t->sample_mask[class] = TRACE_SAMPLE - 1;
	/* Release: pairs with the acquire of who scans the tasks. */
	quiet_store_release(task->trace, t);
	return 0;
}

static void task_freed(struct task *task, void *data)
{
	(void)data;
	if (task->trace && task->trace->blame)
		machine_memory_free(task->trace->blame, sizeof(*task->trace->blame));
	machine_memory_free(task->trace, sizeof(*task->trace));
	task->trace = NULL;
}

struct machine_hooks trace_hooks(struct trace *trace)
{
	return (struct machine_hooks){
		.task_created = task_created,
		.task_freed = task_freed,
		.describe_wait = trace_describe_wait,
		.data = trace,
	};
}

/* ---- held locks ---- */

static int held_index(const struct task_trace *t, const void *lock)
{
	for (int i = (int)t->depth - 1; i >= 0; i--)
		if (t->held[i].lock == lock)
			return i;
	return -1;
}

void trace_time_hold(struct task_trace *t, unsigned int depth)
{
	quiet_store(t->held_since_ns[depth], now_ns());
	quiet_store(t->held[depth].what, t->held[depth].what | WHAT_TIMED);
}

static void held_remove(struct task_trace *t, int at)
{
	int last = (int)t->depth - 1;

	for (int i = at; i < last; i++) {
		quiet_store(t->held[i].lock, t->held[i + 1].lock);
		quiet_store(t->held[i].what, t->held[i + 1].what);
		quiet_store(t->held_since_ns[i], t->held_since_ns[i + 1]);
	}
	quiet_store(t->depth, (unsigned int)last);
}

static void held_account(struct task_trace *t, int at)
{
	uint64_t what = t->held[at].what;

	if (what & WHAT_TIMED)
		histogram_add(&t->site[what_class(what)][what_site(what)].hold_ns[what_mode(what)],
			      now_ns() - t->held_since_ns[at]);
}

void trace_released_slow(struct task_trace *t, const void *lock)
{
	int at = held_index(t, lock);

	if (at < 0 && t->unrecorded) {
		t->unrecorded--;
		return;
	}
	if (at < 0)
		machine_bug("%s releases a lock it does not hold", t->task->name);
	held_account(t, at);
	held_remove(t, at);
}

void trace_hold_longer(const void *lock)
{
	struct task_trace *t = current->trace;
	int at = t ? held_index(t, lock) : -1;
	uint64_t now = now_ns(), until;

	if (at < 0 || !(t->held[at].what & WHAT_TIMED))
		return;
	until = now + (now - t->held_since_ns[at]) / 5;
	while (now_ns() < until)
		cpu_relax();
}

void trace_downgraded(const void *lock)
{
	struct task_trace *t = current->trace;
	int at;

	if (!t)
		return;
	at = held_index(t, lock);
	if (at < 0 && t->unrecorded)
		return;
	if (at < 0 || what_mode(t->held[at].what) != LOCK_WRITE)
		machine_bug("%s downgrades a lock it does not hold for write", t->task->name);
	held_account(t, at);
	quiet_store(t->held[at].what, t->held[at].what & ~(uint64_t)WHAT_WRITE);
	if (t->held[at].what & WHAT_TIMED)
		quiet_store(t->held_since_ns[at], now_ns());
	if (unlikely(mmsim_stepping))
		trace_holders_changed(lock);
}

bool trace_enabled(void)
{
	return current->trace;
}

bool trace_holds(const void *lock, enum lock_mode *mode)
{
	struct task_trace *t = current->trace;
	int at = t ? held_index(t, lock) : -1;

	if (at >= 0 && mode)
		*mode = what_mode(t->held[at].what);
	return at >= 0;
}

#ifdef MMSIM_DEBUG
void trace_check_order(const void *lock, enum lock_class class, bool nested)
{
	struct task_trace *t = current->trace;
	uint64_t number;

	if (!t)
		return;
	number = machine_object_name(t->trace->machine, lock).number;
	for (unsigned int i = 0; i < t->depth; i++) {
		const struct held_lock *h = &t->held[i];

		if (h->lock == lock)
			machine_bug("%s: %s taken twice", t->task->name, lock_class_name(class));
		if (what_class(h->what) > class)
			machine_bug("%s: lock order: %s (%s) held, %s wanted", t->task->name,
				    lock_class_name(what_class(h->what)),
				    lock_site_name(what_site(h->what)), lock_class_name(class));
		if (what_class(h->what) == class && !nested &&
		    machine_object_name(t->trace->machine, h->lock).number > number)
			machine_bug("%s: lock order: two of %s, not by number", t->task->name,
				    lock_class_name(class));
	}
}
#endif

/* ---- sums ---- */

const struct task_trace *trace_task(const struct trace *trace, int task_index)
{
	struct task *task = machine_task(trace->machine, task_index);

	return task ? quiet_load_acquire(task->trace) : NULL;
}

uint64_t trace_counter_sum(const struct trace *trace, enum trace_counter counter)
{
	struct task *task;
	uint64_t sum = 0;

	for (int i = 0; (task = machine_task(trace->machine, i)); i++)
		if (quiet_load_acquire(task->trace))
			sum += quiet_load(task->trace->counters[counter]);
	return sum;
}

static void site_add(struct site_stats *sum, const struct site_stats *s)
{
	for (int mode = 0; mode < 2; mode++) {
		sum->contended[mode] += quiet_load(s->contended[mode]);
	}
	sum->behind_writer += quiet_load(s->behind_writer);
	sum->behind_writer_ns += quiet_load(s->behind_writer_ns);
	histogram_merge(&sum->wait_ns, &s->wait_ns);
	histogram_merge(&sum->hold_ns[LOCK_READ], &s->hold_ns[LOCK_READ]);
	histogram_merge(&sum->hold_ns[LOCK_WRITE], &s->hold_ns[LOCK_WRITE]);
}

void trace_site_sum(const struct trace *trace, enum lock_class class, enum lock_site site,
		    struct site_stats *sum)
{
	struct task *task;

	memset(sum, 0, sizeof(*sum));
	for (int i = 0; (task = machine_task(trace->machine, i)); i++) {
		const struct task_trace *t = quiet_load_acquire(task->trace);

		if (!t)
			continue;
		site_add(sum, &t->site[class][site]);
		sum->acquired[LOCK_READ] += quiet_load(t->acquired[class][site][LOCK_READ]);
		sum->acquired[LOCK_WRITE] += quiet_load(t->acquired[class][site][LOCK_WRITE]);
	}
}
