/* SPDX-License-Identifier: MIT */
/* Whose the lines of strace are, and which of them belong together. */
#define _GNU_SOURCE 1
#include "../replay/idmap.h"
#include "strace_text.h"

#include <errno.h>

/* The first task when no line names it. */
#define NAMELESS_TID 1

struct resolving {
	struct strace_events *events;
	struct idmap in_call; /* by task: the event that began its call, or STRACE_NO_EVENT */
	struct idmap living; /* by task: whether it lives, 1 or 0 */
	uint64_t nr_living,
		sum_living; /* how many, and all their ids added: of one, it is its id */
	int first; /* the task that nobody of the others made */
	bool failed;
};

static void set(struct resolving *r, struct idmap *map, int tid, size_t value)
{
	if (idmap_set(map, tid, value))
		r->failed = true;
}

static void appears(struct resolving *r, int tid)
{
	size_t *living = idmap_find(&r->living, tid);

	if (living && *living)
		return;
	set(r, &r->living, tid, 1);
	r->nr_living++;
	r->sum_living += (uint64_t)tid;
}

static void ends(struct resolving *r, int tid)
{
	size_t *living = idmap_find(&r->living, tid);

	if (!living || !*living)
		return;
	*living = 0;
	r->nr_living--;
	r->sum_living -= (uint64_t)tid;
}

/* The call that the task is in; it is in none then. */
static size_t take_call(struct resolving *r, int tid)
{
	size_t *in_call = idmap_find(&r->in_call, tid), begin;

	if (!in_call)
		return STRACE_NO_EVENT;
	begin = *in_call;
	*in_call = STRACE_NO_EVENT;
	return begin;
}

static bool made_task(const struct strace_event *event)
{
	return event->form == STRACE_LEAVE && strace_call_makes_task(event->call) &&
	       event->result.known && event->result.pid;
}

static void leave(struct resolving *r, struct strace_event *event)
{
	struct strace_event *events = r->events->events;
	size_t begin = take_call(r, event->tid);

	if (begin == STRACE_NO_EVENT || events[begin].call != event->call) {
		event->begin = STRACE_NO_EVENT;
		r->events->unpaired_exits++;
		return;
	}
	event->begin = begin;
	if (!made_task(event))
		return;
	events[begin].child = event->result.pid;
	/* It may have ended already. */
	if (!idmap_find(&r->living, event->result.pid))
		appears(r, event->result.pid);
}

static void resolve(struct resolving *r, size_t i)
{
	struct strace_event *event = &r->events->events[i];

	/* Without an id a line is the only task's. */
	if (!event->tid)
		event->tid = r->nr_living == 1 ? (int)r->sum_living : r->first;
	appears(r, event->tid);
	switch (event->form) {
	case STRACE_ENTER:
		set(r, &r->in_call, event->tid, i);
		break;
	case STRACE_LEAVE:
		leave(r, event);
		break;
	case STRACE_ENDED:
		take_call(r, event->tid);
		ends(r, event->tid);
		break;
	case STRACE_SUPERSEDED:
		/* Another thread's exec() goes on as the first thread's. */
		set(r, &r->in_call, event->tid, take_call(r, event->by));
		ends(r, event->by);
		break;
	}
}

static int find_first(struct resolving *r)
{
	const struct strace_events *events = r->events;
	struct idmap made = {0};
	int first = NAMELESS_TID;

	for (size_t i = 0; i < events->nr_events; i++)
		if (made_task(&events->events[i]))
			set(r, &made, events->events[i].result.pid, 1);
	for (size_t i = 0; i < events->nr_events; i++) {
		int tid = events->events[i].tid;

		if (!tid || idmap_find(&made, tid))
			continue;
		first = tid;
		break;
	}
	idmap_free(&made);
	return first;
}

int strace_tasks_resolve(struct strace_events *events)
{
	struct resolving r = {.events = events};

	r.first = events->attached ? events->attached : find_first(&r);
	if (events->attached)
		appears(&r, events->attached);
	for (size_t i = 0; !r.failed && i < events->nr_events; i++)
		resolve(&r, i);
	idmap_free(&r.in_call);
	idmap_free(&r.living);
	return r.failed ? -ENOMEM : 0;
}
