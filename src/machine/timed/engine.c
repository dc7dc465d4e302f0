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
#define ORDER_BITS 16
#define MAX_EVENTS (1 << ORDER_BITS)

/* ---- the queue ---- */

static uint64_t key_of(const struct event *event)
{
	return event->time << ORDER_BITS | event->order;
}

int event_queue_init(struct event_queue *queue)
{
	queue->heap = calloc(MAX_EVENTS, sizeof(*queue->heap));
	queue->place = calloc(MAX_EVENTS, sizeof(*queue->place));
	return queue->heap && queue->place ? 0 : -ENOMEM;
}

void event_queue_free(struct event_queue *queue)
{
	free(queue->heap);
	free(queue->place);
}

void event_init(struct timed *timed, struct event *event,
		void (*fire)(struct timed *timed, struct event *event))
{
	BUG_ON(timed->next_order == MAX_EVENTS);
	*event = (struct event){.order = timed->next_order++, .fire = fire};
}

static void put_at(struct event_queue *queue, int at, struct heap_entry entry)
{
	queue->heap[at] = entry;
	queue->place[entry.key % MAX_EVENTS] = at + 1;
}

static void sift_up(struct event_queue *queue, int at, struct heap_entry entry)
{
	while (at) {
		int parent = (at - 1) / CHILDREN;

		if (entry.key > queue->heap[parent].key)
			break;
		put_at(queue, at, queue->heap[parent]);
		at = parent;
	}
	put_at(queue, at, entry);
}

static void sift_down(struct event_queue *queue, int at, struct heap_entry entry)
{
	for (;;) {
		int first = at * CHILDREN + 1, end = MIN(first + CHILDREN, queue->nr),
		    least = first;

		if (first >= end)
			break;
		for (int i = first + 1; i < end; i++)
			if (queue->heap[i].key < queue->heap[least].key)
				least = i;
		if (entry.key < queue->heap[least].key)
			break;
		put_at(queue, at, queue->heap[least]);
		at = least;
	}
	put_at(queue, at, entry);
}

static void sift(struct event_queue *queue, int at, struct heap_entry entry)
{
	if (at && entry.key < queue->heap[(at - 1) / CHILDREN].key)
		sift_up(queue, at, entry);
	else
		sift_down(queue, at, entry);
}

void timed_new_horizon(struct timed *timed)
{
	timed->horizon = timed->max_ns;
	if (timed->queue.nr)
		timed->horizon = MIN(timed->horizon, timed->queue.heap[0].key >> ORDER_BITS);
}

void event_at(struct timed *timed, struct event *event, uint64_t time)
{
	struct event_queue *queue = &timed->queue;
	int at = queue->place[event->order];

	event->time = MIN(time, TIMED_MAX_NS);
	sift(queue, at ? at - 1 : queue->nr++, (struct heap_entry){key_of(event), event});
	timed_new_horizon(timed);
}

void event_cancel(struct timed *timed, struct event *event)
{
	struct event_queue *queue = &timed->queue;
	int at = queue->place[event->order];
	struct heap_entry last;

	if (!at)
		return;
	queue->place[event->order] = 0;
	last = queue->heap[--queue->nr];
	if (last.event != event)
		sift(queue, at - 1, last);
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
		event = timed->queue.heap[0].event;
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
	struct line *line = timed->written;

	timed->written = NULL;
	lines_written(timed, line);
}

/* As timed_switch_away(), but the running task's CPU goes on at timed->now. */
void timed_spend_slow(struct timed *timed)
{
	struct event_queue *queue = &timed->queue;
	struct event *event = &timed->cpu->event, *first = queue->heap[0].event;

	event->time = timed->now;
	if (unlikely(!queue->nr || first->fire || timed->now > timed->max_ns)) {
		event_at(timed, event, timed->now);
		next_event(timed, false);
		return;
	}
	/* The usual case in one step: the first CPU's place is ours from now on. */
	queue->place[first->order] = 0;
	sift_down(queue, 0, (struct heap_entry){key_of(event), event});
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

	while (queue->nr && queue->heap[0].event->time < timed->now)
		event_at(timed, queue->heap[0].event, timed->now);
}

void timed_go(struct timed *timed)
{
	bring_up_to_now(timed);
	while (timed->alive && !timed->error)
		next_event(timed, false);
}
