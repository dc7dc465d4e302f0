/* SPDX-License-Identifier: MIT */
/*
 * The engine: events in the order of virtual time. Every CPU that works is one
 * event, the time at which its task goes on; the task that is first runs ahead,
 * without a look at the queue, until its own time passes that of the next event.
 * So accesses to memory happen in the order of time, each at its end.
 */
#include "machine/timed/timed.h"

#include <stdlib.h>
#include <string.h>

#define CHILDREN 8 /* a node's lie in one cache line */
#define ORDER_BITS 16
#define MAX_EVENTS (1 << ORDER_BITS)
#define NO_KEY UINT64_MAX /* behind the last, so that each node has all its children */

/* ---- the queue ---- */

static uint64_t key_of(const struct event *event)
{
	return event->time << ORDER_BITS | event->order;
}

static struct event *event_of(const struct event_queue *queue, uint64_t key)
{
	return queue->event[key % MAX_EVENTS];
}

/* key[1] is where a cache line begins. */
int event_queue_init(struct event_queue *queue)
{
	size_t size = (MAX_EVENTS + 2 * CHILDREN) * sizeof(*queue->key);

	queue->keys = aligned_alloc(64, size);
	queue->event = calloc(MAX_EVENTS, sizeof(*queue->event));
	queue->place = calloc(MAX_EVENTS, sizeof(*queue->place));
	if (!queue->keys || !queue->event || !queue->place)
		return -ENOMEM;
	memset(queue->keys, 0xff, size);
	queue->key = queue->keys + CHILDREN - 1;
	return 0;
}

void event_queue_free(struct event_queue *queue)
{
	free(queue->keys);
	free(queue->event);
	free(queue->place);
}

void event_init(struct timed *timed, struct event *event,
		void (*fire)(struct timed *timed, struct event *event))
{
	BUG_ON(timed->next_order == MAX_EVENTS);
	*event = (struct event){.order = timed->next_order++, .fire = fire};
	timed->queue.event[event->order] = event;
}

static void put_at(struct event_queue *queue, int at, uint64_t key)
{
	queue->key[at] = key;
	queue->place[key % MAX_EVENTS] = at + 1;
}

static void sift_up(struct event_queue *queue, int at, uint64_t key)
{
	while (at) {
		int parent = (at - 1) / CHILDREN;

		if (key > queue->key[parent])
			break;
		put_at(queue, at, queue->key[parent]);
		at = parent;
	}
	put_at(queue, at, key);
}

/* Of a node's children. Without a branch, as which it is cannot be foreseen. */
static uint64_t least_of(const uint64_t key[CHILDREN])
{
	uint64_t a = MIN(key[0], key[1]), b = MIN(key[2], key[3]);
	uint64_t c = MIN(key[4], key[5]), d = MIN(key[6], key[7]);

	a = MIN(a, b);
	c = MIN(c, d);
	return MIN(a, c);
}

static void sift_down(struct event_queue *queue, int at, uint64_t key)
{
	for (;;) {
		int first = at * CHILDREN + 1;
		uint64_t least;

		if (first >= queue->nr)
			break;
		least = least_of(&queue->key[first]);
		if (key < least)
			break;
		first = queue->place[least % MAX_EVENTS] - 1;
		put_at(queue, at, least);
		at = first;
	}
	put_at(queue, at, key);
}

static void sift(struct event_queue *queue, int at, uint64_t key)
{
	if (at && key < queue->key[(at - 1) / CHILDREN])
		sift_up(queue, at, key);
	else
		sift_down(queue, at, key);
}

void timed_new_horizon(struct timed *timed)
{
	timed->horizon = timed->max_ns;
	if (timed->queue.nr)
		timed->horizon = MIN(timed->horizon, timed->queue.key[0] >> ORDER_BITS);
}

void event_at(struct timed *timed, struct event *event, uint64_t time)
{
	struct event_queue *queue = &timed->queue;
	int at = queue->place[event->order];

	event->time = MIN(time, TIMED_MAX_NS);
	sift(queue, at ? at - 1 : queue->nr++, key_of(event));
	timed_new_horizon(timed);
}

void event_cancel(struct timed *timed, struct event *event)
{
	struct event_queue *queue = &timed->queue;
	int at = queue->place[event->order];
	uint64_t last;

	if (!at)
		return;
	queue->place[event->order] = 0;
	last = queue->key[--queue->nr];
	queue->key[queue->nr] = NO_KEY;
	if (queue->nr != at - 1)
		sift(queue, at - 1, last);
	timed_new_horizon(timed);
}

/* ---- going on ---- */

static void switch_to(struct timed *timed, struct machine_context *next, bool last)
{
	struct machine_context *from = timed->context;

	if (next == from)
		return;
	timed->context = next;
	mmsim_current = next->task;
	fibre_switch(&from->fibre, &next->fibre, last);
}

void timed_finish(struct timed *timed, int error, bool last)
{
	timed->error = error;
	timed->cpu = NULL;
	switch_to(timed, timed->main->context, last);
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

static void run_cpu(struct timed *timed, struct cpu *cpu, bool last)
{
	timed->cpu = cpu;
	switch_to(timed, cpu->context, last);
}

/* Nobody runs: let time pass to the first event, until one is a CPU's. */
static void next_event(struct timed *timed, bool last)
{
	timed->cpu = NULL;
	for (;;) {
		struct event *event;

		if (!timed->alive && !timed->in_callback) {
			switch_to(timed, timed->main->context, last);
			return;
		}
		if (!timed->queue.nr) {
			give_up(timed);
			return;
		}
		event = event_of(&timed->queue, timed->queue.key[0]);
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
			run_cpu(timed, container_of(event, struct cpu, event), last);
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
	struct event *event = &timed->cpu->event;
	uint64_t first = queue->key[0];

	event->time = timed->now;
	/* The CPUs' are the first events that were made; none: NO_KEY. */
	if (unlikely(first % MAX_EVENTS >= timed->nr_cpus || timed->now > timed->max_ns)) {
		event_at(timed, event, timed->now);
		next_event(timed, false);
		return;
	}
	/* The usual case in one step: the first CPU's place is ours from now on. */
	queue->place[first % MAX_EVENTS] = 0;
	sift_down(queue, 0, key_of(event));
	timed->now = timed->last_event = first >> ORDER_BITS;
	timed_new_horizon(timed);
	run_cpu(timed, &timed->cpus[first % MAX_EVENTS], false);
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

	while (queue->nr && queue->key[0] >> ORDER_BITS < timed->now)
		event_at(timed, event_of(queue, queue->key[0]), timed->now);
}

void timed_go(struct timed *timed)
{
	bring_up_to_now(timed);
	while (timed->alive && !timed->error)
		next_event(timed, false);
}
