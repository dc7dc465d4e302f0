/* SPDX-License-Identifier: MIT */
/*
 * Who has a lock, and whom that waits for, found by scanning the tasks'
 * held-lock stacks. On the host these change meanwhile, so a holder may be missed
 * (HOLDER_UNKNOWN) or, rarely, be one that has just left: good for a picture, not
 * for a proof. On the models it is exact.
 */
#include "trace/trace_internal.h"

#include <stdio.h>

const char *holder_state_name(enum holder_state state)
{
	static const char *const names[] = {"unknown",	"running", "off cpu",
					    "waiting",	"in I/O",  "granted, not run yet",
					    "preempted"};

	return names[state];
}

/* Was the task's wait as a reader of @lock granted, by a waker, and it has not run since? */
bool is_granted(const struct task *task, const struct task_trace *t, const void *lock)
{
	return quiet_load(t->wait.lock) == lock && quiet_load(t->wait.mode) == LOCK_READ &&
	       quiet_load(t->wait.class) < LOCK_page_table_lock &&
	       quiet_load(t->wait.class) != LOCK_folio_lock &&
	       !quiet_load_acquire(task->rwsem_waiter.task);
}

/* What @task was found to hold or wait for. */
void link_set(struct wait_link *link, const struct task *task, uint64_t what, uint64_t since_ns)
{
	*link = (struct wait_link){
		.task = (int16_t)task->index,
		.class = (uint8_t)what_class(what),
		.site = (uint8_t)what_site(what),
		.mode = (uint8_t)what_mode(what),
		.operation = task->trace ? quiet_load(task->trace->operation) : OPERATION_user,
		.cpu = task->cpu,
		.since_ns = since_ns,
	};
}

uint64_t what_waits(const struct lock_wait *wait)
{
	return quiet_load(wait->class) | (uint64_t)quiet_load(wait->site) << WHAT_SITE_SHIFT |
	       (quiet_load(wait->mode) == LOCK_WRITE ? WHAT_WRITE : 0);
}

/* Does the task hold @lock? Then @link says how. */
bool find_held(const struct task *task, const struct task_trace *t, const void *lock,
	       struct wait_link *link)
{
	unsigned int depth = MIN(quiet_load(t->depth), TRACE_MAX_HELD);

	for (unsigned int j = 0; j < depth; j++) {
		uint64_t what = quiet_load(t->held[j].what);

		if (quiet_load(t->held[j].lock) != lock)
			continue;
		link_set(link, task, what, what & WHAT_TIMED ? quiet_load(t->held_since_ns[j]) : 0);
		return true;
	}
	return false;
}

static bool is_running(const struct task *task)
{
	return quiet_load(task->state) == TASK_RUNNING;
}

struct task *find_holder(struct trace *trace, const void *lock, const struct task *waiter,
			 struct wait_link *link)
{
	struct task *task, *reader = NULL;
	const struct writer_hint *hint = writer_hint(trace, lock);
	struct wait_link found;

	*link = (struct wait_link){.task = -1, .site = SITE_user};
	if (mmsim_stepping && hint->lock == lock && hint->task != waiter &&
	    find_held(hint->task, hint->task->trace, lock, link) && link->mode == LOCK_WRITE)
		return hint->task;
	for (int i = 0; (task = machine_task(trace->machine, i)); i++) {
		const struct task_trace *t = quiet_load_acquire(task->trace);

		if (!t || task == waiter)
			continue;
		if (find_held(task, t, lock, &found)) {
			if (found.mode == LOCK_WRITE || !reader || is_running(reader)) {
				*link = found;
				reader = task;
			}
			if (found.mode == LOCK_WRITE)
				return task;
		}
		if (!reader && is_granted(task, t, lock)) {
			link_set(link, task, what_waits(&t->wait), quiet_load(t->wait.since_ns));
			reader = task;
		}
	}
	return reader;
}

static enum holder_state holder_state_of(const struct task *holder, const void *lock)
{
	if (holder->trace && is_granted(holder, holder->trace, lock))
		return HOLDER_GRANTED;
	if (holder->trace && quiet_load(holder->trace->wait.lock))
		return HOLDER_WAITING;
	if (quiet_load(holder->state) == TASK_QUEUED)
		return HOLDER_PREEMPTED;
	if (is_running(holder))
		return HOLDER_RUNNING;
	return quiet_load(holder->in_io) ? HOLDER_IO : HOLDER_OFF_CPU;
}

static void link_finish(const struct trace *trace, struct wait_link *link, struct task *holder,
			const void *lock)
{
	link->state = (uint8_t)holder_state_of(holder, lock);
	link->object = machine_object_name(trace->machine, lock).number;
	/* On the host a look is dear: see part_share(). */
	if (mmsim_stepping)
		link->preempted_ns = machine_task_times(holder).delay_ns;
}

int follow_chain(struct trace *trace, struct wait_link link[], struct task *holder,
		 const void *lock)
{
	const void *held = lock;
	int n = 0;

	while (holder) {
		const void *next = holder->trace ? quiet_load(holder->trace->wait.lock) : NULL;

		link_finish(trace, &link[n++], holder, held);
		/* Who was granted what it waits for waits for a CPU only. */
		if (!next || n == TRACE_MAX_CHAIN ||
		    (next == held && is_granted(holder, holder->trace, held)))
			break;
		holder = find_holder(trace, next, holder, &link[n]);
		held = next;
	}
	return n;
}

/* ---- as text ---- */

static int describe_held(const struct task_trace *t, char *buf, size_t size)
{
	unsigned int depth = MIN(quiet_load(t->depth), TRACE_MAX_HELD);
	int n = 0;

	for (unsigned int i = 0; i < depth && n >= 0 && (size_t)n < size; i++) {
		const struct held_lock *h = &t->held[i];
		struct object_name name = machine_object_name(t->trace->machine, h->lock);
		uint64_t what = quiet_load(h->what);

		n += snprintf(buf + n, size - (size_t)n, "%s %s #%llu %s (%s)", i ? "," : " holds",
			      lock_class_name(what_class(what)), (unsigned long long)name.number,
			      what_mode(what) == LOCK_WRITE ? "write" : "read",
			      lock_site_name(what_site(what)));
	}
	return n;
}

int trace_describe_wait(struct task *task, char *buf, size_t size, void *data)
{
	struct trace *trace = data;
	const struct task_trace *t = quiet_load_acquire(task->trace);
	const void *lock = t ? quiet_load(t->wait.lock) : NULL;
	struct wait_link link;
	struct task *holder;
	int n;

	n = snprintf(buf, size, "  %s:", task->name);
	if (!t)
		return n + snprintf(buf + n, size - (size_t)n, " (not measured)\n");
	n += describe_held(t, buf + n, size - (size_t)n);
	if ((size_t)n >= size)
		return n;
	if (!lock)
		return n + snprintf(buf + n, size - (size_t)n, "%s waits for no lock\n",
				    t->depth ? ";" : "");
	holder = find_holder(trace, lock, task, &link);
	return n + snprintf(buf + n, size - (size_t)n, "%s waits for %s #%llu %s (%s), %s%s\n",
			    t->depth ? ";" : "", lock_class_name(t->wait.class),
			    (unsigned long long)machine_object_name(trace->machine, lock).number,
			    t->wait.mode == LOCK_WRITE ? "write" : "read",
			    lock_site_name(t->wait.site), holder ? "held by " : "held by nobody",
			    holder ? holder->name : "");
}

void trace_wait_graph(const struct trace *trace, char *buf, size_t size)
{
	struct task *task;
	size_t used = 0;

	for (int i = 0; (task = machine_task(trace->machine, i)) && used + 1 < size; i++) {
		if (quiet_load(task->state) == TASK_DEAD)
			continue;
		used += (size_t)trace_describe_wait(task, buf + used, size - used, (void *)trace);
	}
}
