/* SPDX-License-Identifier: MIT */
/* Processes that forks make. */
#include "children.h"

#include <errno.h>
#include <stdlib.h>

int children_prepare(struct workload *w)
{
	const struct scenario *s = w->scenario;
	unsigned int nr = 0;

	for (unsigned int p = 0; p < s->nr_processes; p++) {
		w->first_child[p] = nr;
		nr += s->processes[p].parent >= 0 ? (unsigned int)s->processes[p].count : 0;
	}
	w->children = calloc(nr + 1, sizeof(*w->children));
	if (!w->children)
		return -ENOMEM;
	w->nr_children = nr;
	for (unsigned int p = 0; p < s->nr_processes; p++)
		for (unsigned int i = 0; s->processes[p].parent >= 0 && i < s->processes[p].count;
		     i++)
			child_at(w, p, i)->process = p;
	return 0;
}

void children_free(struct workload *w)
{
	free(w->children);
}

struct child *child_at(struct workload *w, unsigned int process, unsigned int i)
{
	return &w->children[w->first_child[process] + i];
}

static void wake_tasks(struct workload *w, const struct child *child)
{
	for (unsigned int i = 0; i < w->nr_workers; i++)
		if (w->workers[i].child && (!child || w->workers[i].child == child))
			unpark((struct task *)w->workers[i].self);
}

/* From one state to another, of the same life or a new one. False: somebody was faster. */
static bool change(struct child *child, uint64_t from, uint64_t birth, enum child_state state)
{
	return quiet_try_cmpxchg(child->life, &from, birth * CHILD_STATES + state);
}

/* The process has ended: its place is free. */
static void let_go(struct child *child)
{
	uint64_t life = quiet_load(child->life);

	/* A kill may come between. */
	while (!change(child, life, life / CHILD_STATES, CHILD_FREE))
		life = quiet_load(child->life);
}

/* ---- fork ---- */

static struct child *claim(struct workload *w, unsigned int process)
{
	for (unsigned int i = 0; i < w->scenario->processes[process].count; i++) {
		struct child *child = child_at(w, process, i);
		uint64_t life = quiet_load(child->life);

		if (life % CHILD_STATES == CHILD_FREE &&
		    change(child, life, life / CHILD_STATES, CHILD_CLAIMED))
			return child;
	}
	return NULL;
}

int children_fork(struct worker *worker, unsigned int process)
{
	struct workload *w = worker->w;
	struct child *child = claim(w, process);
	int err;

	if (!child)
		return -EAGAIN;
	err = mmsim_fork(worker->mm, w->scenario->processes[process].section.name, &child->mm);
	if (err) {
		let_go(child);
		return err;
	}
	quiet_store(child->running, child->tasks);
	quiet_add(w->active, child->tasks);
	/* Nobody else changes what is claimed. */
	(void)change(child, quiet_load(child->life), quiet_add(w->births, 1ul) + 1, CHILD_LIVE);
	wake_tasks(w, child);
	return 0;
}

/* ---- kill ---- */

static struct child *oldest(struct workload *w, unsigned int process, uint64_t *life)
{
	struct child *found = NULL;

	for (unsigned int i = 0; i < w->scenario->processes[process].count; i++) {
		struct child *child = child_at(w, process, i);
		uint64_t its = quiet_load(child->life);

		if (its % CHILD_STATES != CHILD_LIVE || (found && its > *life))
			continue;
		found = child;
		*life = its;
	}
	return found;
}

int children_kill(struct worker *worker, unsigned int process)
{
	struct child *child;
	uint64_t life = 0;

	do {
		child = oldest(worker->w, process, &life);
		if (!child)
			return -ESRCH;
	} while (!change(child, life, life / CHILD_STATES, CHILD_KILLED));
	wake_tasks(worker->w, child);
	if (child->tasks)
		return 0;
	/* Nobody runs in it: it ends here. */
	mmsim_mm_put(child->mm);
	let_go(child);
	return 0;
}

/* ---- tasks of a child ---- */

/* Has a life begun that the task has not had? */
static bool is_born(const struct worker *worker)
{
	uint64_t life = quiet_load_acquire(worker->child->life);

	return life % CHILD_STATES >= CHILD_LIVE && life / CHILD_STATES != worker->life;
}

bool child_begin(struct worker *worker)
{
	struct child *child = worker->child;

	while (!is_born(worker)) {
		if (quiet_load_acquire(worker->w->no_more_forks))
			return false;
		park(TASK_UNINTERRUPTIBLE, 0);
	}
	worker->life = quiet_load(child->life) / CHILD_STATES;
	worker->mm = child->mm;
	workload_reset(worker);
	worker->error = mmsim_use_mm(child->mm);
	worker->now_ns = mmsim_now_ns();
	return true;
}

/* The last task of this life to leave it: acquires what the others did, as they release it. */
static bool leave_last(struct child *child)
{
	unsigned int running = quiet_load(child->running);

	while (!quiet_try_cmpxchg(child->running, &running, running - 1))
		;
	return running == 1;
}

void child_end(struct worker *worker)
{
	struct child *child = worker->child;
	uint64_t begin_ns;

	mmsim_use_mm(NULL);
	begin_ns = mmsim_now_ns();
	/* The end of the run is no end of a process: all at once would be a storm of our making. */
	if (leave_last(child) && !workload_over(worker->w, begin_ns)) {
		mmsim_mm_put(child->mm);
		worker_count_op(worker, OP_EXIT, begin_ns, false);
		let_go(child);
	}
	children_leave(worker->w, 1);
}

void children_leave(struct workload *w, unsigned int tasks)
{
	if (quiet_add(w->active, -tasks) != tasks)
		return;
	/* Release: pairs with the acquire in child_begin(). */
	quiet_store_release(w->no_more_forks, 1);
	wake_tasks(w, NULL);
}

void children_end(struct workload *w)
{
	for (unsigned int i = 0; i < w->nr_children; i++)
		if (w->children[i].life % CHILD_STATES >= CHILD_LIVE)
			mmsim_mm_put(w->children[i].mm);
}
