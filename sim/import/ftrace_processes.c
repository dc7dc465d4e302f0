/* SPDX-License-Identifier: MIT */
/*
 * Which process a thread of ftrace's text is of. The TGID says it, where the trace has it. Else the
 * flags of its clone do, and of threads from before the trace the mm whose lock they take most.
 */
#define _GNU_SOURCE 1
#include "ftrace_internal.h"
#include "../replay/idmap.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define NO_EVENT SIZE_MAX

struct known_task {
	int tid;
	int pid; /* at the event looked at; 0 before the first */
	int tgid; /* the first that a line of it has, 0 when none has */
	uint64_t mm; /* the one whose lock it takes most, 0 when it takes none */
	const char *comm; /* the last that is known, NULL when none is */
	size_t newtask; /* its last task_newtask, until its sched_process_fork */
	bool guessed;
};

/* That a thread took an mm's lock so often. */
struct use {
	uint64_t mm;
	int tid;
	size_t times;
};

struct finding {
	struct perf_events *events;
	struct known_task *tasks;
	size_t nr_tasks, max_tasks;
	struct idmap by_tid;
	struct use *uses; /* at first one a lock event, at last one a task, sorted by mm */
	size_t nr_uses;
};

static struct known_task *task_of(struct finding *f, int tid)
{
	size_t *found = idmap_find(&f->by_tid, tid);
	size_t wanted = f->max_tasks ? f->max_tasks * 2 : 64;
	struct known_task *moved;

	if (found)
		return &f->tasks[*found];
	if (f->nr_tasks == f->max_tasks) {
		moved = reallocarray(f->tasks, wanted, sizeof(*moved));
		if (!moved)
			return NULL;
		f->tasks = moved;
		f->max_tasks = wanted;
	}
	if (idmap_set(&f->by_tid, tid, f->nr_tasks))
		return NULL;
	f->tasks[f->nr_tasks] = (struct known_task){.tid = tid, .newtask = NO_EVENT};
	return &f->tasks[f->nr_tasks++];
}

/* The child that a fork tells of; 0 when no task can have that id. */
static int child_of(const struct perf_event *event)
{
	uint64_t child = event->kind == PERF_FORK ? event->value[FORK_CHILD] : 0;

	return child <= INT_MAX ? (int)child : 0;
}

static int find_tasks(struct finding *f)
{
	for (size_t i = 0; i < f->events->nr_events; i++) {
		const struct perf_event *event = &f->events->events[i];
		struct known_task *task = task_of(f, event->tid);

		if (!task)
			return -ENOMEM;
		if (!task->tgid)
			task->tgid = event->pid;
		if (*event->comm && strcmp(event->comm, "<...>"))
			task->comm = event->comm;
		if (child_of(event) && !task_of(f, child_of(event)))
			return -ENOMEM;
	}
	return 0;
}

/* ---- address spaces ---- */

static int by_tid_and_mm(const void *left, const void *right)
{
	const struct use *a = left, *b = right;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return a->mm < b->mm ? -1 : a->mm > b->mm;
}

static int by_mm_and_tid(const void *left, const void *right)
{
	const struct use *a = left, *b = right;

	if (a->mm != b->mm)
		return a->mm < b->mm ? -1 : 1;
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static bool is_use(const struct perf_event *event)
{
	return event->kind == PERF_LOCK_ACQUIRED && event->value[0];
}

static int collect_uses(struct finding *f)
{
	size_t nr = 0;

	for (size_t i = 0; i < f->events->nr_events; i++)
		nr += is_use(&f->events->events[i]);
	f->uses = calloc(nr + 1, sizeof(*f->uses));
	if (!f->uses)
		return -ENOMEM;
	for (size_t i = 0; i < f->events->nr_events; i++) {
		const struct perf_event *event = &f->events->events[i];

		if (is_use(event))
			f->uses[f->nr_uses++] = (struct use){event->value[0], event->tid, 1};
	}
	qsort(f->uses, f->nr_uses, sizeof(*f->uses), by_tid_and_mm);
	return 0;
}

/* Of each task the use that is most frequent; reading and exec touch other mm's too. */
static void keep_most_frequent(struct finding *f)
{
	size_t kept = 0, run;

	for (size_t i = 0; i < f->nr_uses; i = run) {
		struct use use = f->uses[i];

		for (run = i; run < f->nr_uses && !by_tid_and_mm(&use, &f->uses[run]); run++)
			continue;
		use.times = run - i;
		if (!kept || f->uses[kept - 1].tid != use.tid)
			f->uses[kept++] = use;
		else if (f->uses[kept - 1].times < use.times)
			f->uses[kept - 1] = use;
	}
	f->nr_uses = kept;
	qsort(f->uses, kept, sizeof(*f->uses), by_mm_and_tid);
}

static int find_address_spaces(struct finding *f)
{
	int ret = collect_uses(f);

	if (ret)
		return ret;
	keep_most_frequent(f);
	for (size_t i = 0; i < f->nr_uses; i++)
		f->tasks[*idmap_find(&f->by_tid, f->uses[i].tid)].mm = f->uses[i].mm;
	return 0;
}

/* The process of those who use an mm: as one of them says, else the first of them by number. */
static int process_of_mm(const struct finding *f, uint64_t mm)
{
	size_t low = 0, high = f->nr_uses, first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->uses[middle].mm < mm)
			low = middle + 1;
		else
			high = middle;
	}
	first = low;
	for (; low < f->nr_uses && f->uses[low].mm == mm; low++) {
		int tgid = f->tasks[*idmap_find(&f->by_tid, f->uses[low].tid)].tgid;

		if (tgid)
			return tgid;
	}
	return f->uses[first].tid;
}

/* ---- processes ---- */

static int guess(struct known_task *task)
{
	task->guessed = true;
	return task->tid;
}

/* The process of a task from before the trace. */
static int process_of_old(const struct finding *f, struct known_task *task)
{
	if (task->tgid)
		return task->tgid;
	return task->mm ? process_of_mm(f, task->mm) : guess(task);
}

/* The process of a task that sched_process_fork tells of, which does not say whether a thread. */
static int process_of_forked(const struct perf_event *event, const struct known_task *parent,
			     struct known_task *child)
{
	if (child->tgid)
		return child->tgid;
	if (!child->mm || !parent->mm)
		return guess(child);
	return child->mm == parent->mm ? event->pid : child->tid;
}

/* A fork behind the task_newtask of the same child takes its place: it has the child's name. */
static void follow_fork(struct finding *f, size_t i, struct known_task *parent,
			struct known_task *child)
{
	struct perf_event *event = &f->events->events[i], *newtask = NULL;

	if (event->value[FORK_IS_NEWTASK]) {
		child->pid = event->value[FORK_IS_THREAD] ? event->pid : child->tid;
		parent->newtask = i;
	} else {
		if (parent->newtask != NO_EVENT)
			newtask = &f->events->events[parent->newtask];
		if (newtask && child_of(newtask) == child->tid)
			newtask->tid = 0;
		else
			child->pid = process_of_forked(event, parent, child);
		parent->newtask = NO_EVENT;
	}
	event->value[FORK_PROCESS] = (uint64_t)child->pid;
}

static void follow_events(struct finding *f)
{
	for (size_t i = 0; i < f->events->nr_events; i++) {
		struct perf_event *event = &f->events->events[i];
		struct known_task *task = &f->tasks[*idmap_find(&f->by_tid, event->tid)];
		int child = child_of(event);

		if (event->pid)
			task->pid = event->pid;
		else if (!task->pid)
			task->pid = process_of_old(f, task);
		event->pid = task->pid;
		if (task->comm && (!*event->comm || !strcmp(event->comm, "<...>")))
			event->comm = task->comm;
		if (child)
			follow_fork(f, i, task, &f->tasks[*idmap_find(&f->by_tid, child)]);
	}
	for (size_t i = 0; i < f->nr_tasks; i++)
		f->events->guessed_processes += f->tasks[i].guessed;
}

int ftrace_find_processes(struct perf_events *events)
{
	struct finding f = {.events = events};
	int ret = find_tasks(&f);

	if (!ret)
		ret = find_address_spaces(&f);
	if (!ret)
		follow_events(&f);
	idmap_free(&f.by_tid);
	free(f.tasks);
	free(f.uses);
	return ret;
}
