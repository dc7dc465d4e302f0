/* SPDX-License-Identifier: MIT */
/*
 * The engine: events in the order of virtual time. Every CPU that works is one
 * event, the time at which its task goes on; the task that is first runs ahead,
 * without a look at the queue, until its own time passes that of the next event.
 * So accesses to memory happen in the order of time, each at its end.
 */
#include "machine/timed/timed.h"

#include <stdlib.h>

#define CHILDREN 4 /* a node's lie in one cache line */
#define MAX_EVENTS (PROFILE_MAX_CPUS * 2 + MACHINE_MAX_TASKS + 8)

/* ---- the queue ---- */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->time < b->time || (a->time == b->time && a->order < b->order);
}

int event_queue_init(struct event_queue *queue)
{
	queue->heap = calloc(MAX_EVENTS, sizeof(struct event *));
	queue->max = MAX_EVENTS;
	return queue->heap ? 0 : -ENOMEM;
}

void event_init(struct timed *timed, struct event *event,
		void (*fire)(struct timed *timed, struct event *event))
{
	*event = (struct event){.order = timed->next_order++, .at = -1, .fire = fire};
}

static void put_at(struct event_queue *queue, int at, struct event *event)
{
	queue->heap[at] = event;
	event->at = at;
}

static void sift_up(struct event_queue *queue, int at, struct event *event)
{
	while (at) {
		int parent = (at - 1) / CHILDREN;

		if (!is_before(event, queue->heap[parent]))
			break;
		put_at(queue, at, queue->heap[parent]);
		at = parent;
	}
	put_at(queue, at, event);
}

static void sift_down(struct event_queue *queue, int at, struct event *event)
{
	for (;;) {
		int first = at * CHILDREN + 1, end = MIN(first + CHILDREN, queue->nr),
		    least = first;

		if (first >= end)
			break;
		for (int i = first + 1; i < end; i++)
			if (is_before(queue->heap[i], queue->heap[least]))
				least = i;
		if (!is_before(queue->heap[least], event))
			break;
		put_at(queue, at, queue->heap[least]);
		at = least;
	}
	put_at(queue, at, event);
}

void timed_new_horizon(struct timed *timed)
{
	timed->horizon = timed->max_ns;
	if (timed->queue.nr)
		timed->horizon = MIN(timed->horizon, timed->queue.heap[0]->time);
}

void event_at(struct timed *timed, struct event *event, uint64_t time)
{
	struct event_queue *queue = &timed->queue;
	int at = event->at;

	event->time = time;
	if (at < 0) {
		BUG_ON(queue->nr == queue->max);
		sift_up(queue, queue->nr++, event);
	} else if (at && is_before(event, queue->heap[(at - 1) / CHILDREN])) {
		sift_up(queue, at, event);
	} else {
		sift_down(queue, at, event);
	}
	timed_new_horizon(timed);
}

void event_cancel(struct timed *timed, struct event *event)
{
	struct event_queue *queue = &timed->queue;
	struct event *last;
	int at = event->at;

	if (at < 0)
		return;
	event->at = -1;
	last = queue->heap[--queue->nr];
	if (last != event) {
		if (at && is_before(last, queue->heap[(at - 1) / CHILDREN]))
			sift_up(queue, at, last);
		else
			sift_down(queue, at, last);
	}
	timed_new_horizon(timed);
}

/* ---- going on ---- */

static void switch_to(struct task *next, bool last)
{
	struct task *from = current;

	if (next == from)
		return;
	mmsim_current = next;
	fibre_switch(&from->context->fibre, &next->context->fibre, last);
}

void timed_finish(struct timed *timed, int error, bool last)
{
	timed->error = error;
	timed->cpu = NULL;
	switch_to(timed->main, last);
}

static void give_up(struct timed *timed)
{
	machine_fail(timed->machine, "nothing can run (seed %llu, %llu ns)\n",
		     (unsigned long long)timed->machine->config.seed,
		     (unsigned long long)timed->now);
	machine_describe_waits(timed->machine);
	timed_finish(timed, -EDEADLK, true);
}

static void too_long(struct timed *timed)
{
	machine_fail(timed->machine, "no end after %llu ns, %llu steps (seed %llu)\n",
		     (unsigned long long)timed->now, (unsigned long long)timed->stats.steps,
		     (unsigned long long)timed->machine->config.seed);
	machine_describe_waits(timed->machine);
	timed_finish(timed, -EOVERFLOW, true);
}

/* The first event's CPU becomes the one that runs. */
static void run_cpu(struct timed *timed, struct event *event, bool last)
{
	struct cpu *cpu = container_of(event, struct cpu, event);

	timed->cpu = cpu;
	switch_to(cpu->curr, last);
}

/* Nobody runs: let time pass to the first event, until one is a CPU's. */
static void next_event(struct timed *timed, bool last)
{
	timed->cpu = NULL;
	for (;;) {
		struct event *event;

		if (!timed->alive && !timed->in_callback) {
			switch_to(timed->main, last);
			return;
		}
		if (!timed->queue.nr) {
			give_up(timed);
			return;
		}
		event = timed->queue.heap[0];
		/* Whoever ran may have run ahead of it, but no event did. */
		BUG_ON(event->time < timed->last_event);
		timed->now = timed->last_event = event->time;
		if (unlikely(timed->now > timed->max_ns)) {
			timed->now = timed->max_ns; /* not when it would have gone on */
			too_long(timed);
			return;
		}
		event_cancel(timed, event);
		if (!event->fire) {
			run_cpu(timed, event, last);
			return;
		}
		event->fire(timed, event);
	}
}

void timed_check_written(struct timed *timed)
{
	const struct line *line = timed->written;

	timed->written = NULL;
	lines_written(timed, line);
}

/* As timed_switch_away(), but the running task's CPU goes on at timed->now. */
void timed_spend_slow(struct timed *timed)
{
	struct event_queue *queue = &timed->queue;
	struct event *event = &timed->cpu->event, *first = queue->heap[0];

	event->time = timed->now;
	if (unlikely(!queue->nr || first->fire || timed->now > timed->max_ns)) {
		event_at(timed, event, timed->now);
		next_event(timed, false);
		return;
	}
	/* The usual case in one step: the first CPU's place is ours from now on. */
	first->at = -1;
	sift_down(queue, 0, event);
	timed->now = timed->last_event = first->time;
	timed_new_horizon(timed);
	run_cpu(timed, first, false);
}

void timed_switch_away(struct timed *timed, bool last)
{
	if (unlikely(timed->written))
		timed_check_written(timed);
	next_event(timed, last);
}

/* Main may have let time pass since: what was due by now comes now, not before. */
static void bring_up_to_now(struct timed *timed)
{
	struct event_queue *queue = &timed->queue;

	while (queue->nr && queue->heap[0]->time < timed->now)
		event_at(timed, queue->heap[0], timed->now);
}

void timed_go(struct timed *timed)
{
	bring_up_to_now(timed);
	while (timed->alive && !timed->error)
		next_event(timed, false);
}
