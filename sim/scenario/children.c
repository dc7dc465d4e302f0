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

static void let_go(struct child *child)
{
	/* Release: pairs with the CAS of the next to claim it. */
	quiet_store_release(child->state, CHILD_FREE);
}

/* ---- fork ---- */

static struct child *claim(struct workload *w, unsigned int process)
{
	for (unsigned int i = 0; i < w->scenario->processes[process].count; i++) {
		struct child *child = child_at(w, process, i);
		int state = CHILD_FREE;

		if (quiet_try_cmpxchg(child->state, &state, CHILD_CLAIMED))
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
	child->born = quiet_add(w->births, 1ul);
	child->running = child->tasks;
	quiet_store(child->killed, 0);
	quiet_add(w->active, child->tasks);
	quiet_store_release(child->state, CHILD_LIVE);
	/* Release: pairs with the acquire in child_begin(). */
	quiet_store_release(child->lives, child->lives + 1);
	wake_tasks(w, child);
	return 0;
}

/* ---- kill ---- */

static struct child *oldest(struct workload *w, unsigned int process)
{
	struct child *found = NULL;

	for (unsigned int i = 0; i < w->scenario->processes[process].count; i++) {
		struct child *child = child_at(w, process, i);

		if (quiet_load_acquire(child->state) != CHILD_LIVE || quiet_load(child->killed))
			continue;
		if (!found || child->born < found->born)
			found = child;
	}
	return found;
}

int children_kill(struct worker *worker, unsigned int process)
{
	struct child *child = oldest(worker->w, process);
	int state = CHILD_LIVE;

	if (!child)
		return -ESRCH;
	if (child->tasks) {
		quiet_store(child->killed, 1);
		wake_tasks(worker->w, child);
		return 0;
	}
	/* Nobody runs in it: it ends here. */
	if (!quiet_try_cmpxchg(child->state, &state, CHILD_CLAIMED))
		return -ESRCH;
	mmsim_mm_put(child->mm);
	let_go(child);
	return 0;
}

/* ---- tasks of a child ---- */

bool child_begin(struct worker *worker)
{
	struct child *child = worker->child;

	while (quiet_load_acquire(child->lives) == worker->life) {
		if (quiet_load_acquire(worker->w->no_more_forks))
			return false;
		park(TASK_UNINTERRUPTIBLE, 0);
	}
	worker->life++;
	worker->mm = child->mm;
	workload_reset(worker);
	worker->error = mmsim_use_mm(child->mm);
	worker->now_ns = mmsim_now_ns();
	return true;
}

void child_end(struct worker *worker)
{
	struct child *child = worker->child;
	uint64_t begin_ns;

	mmsim_use_mm(NULL);
	begin_ns = mmsim_now_ns();
	/* The end of the run is no end of a process: all at once would be a storm of our making. */
	if (quiet_add(child->running, -1u) == 1 && !workload_over(worker->w, begin_ns)) {
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
		if (w->children[i].state == CHILD_LIVE)
			mmsim_mm_put(w->children[i].mm);
}
