/* SPDX-License-Identifier: MIT */
/* The plan of a replay; see plan.h. */
#define _GNU_SOURCE 1
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A mapped range and the operation that last changed it. */
struct owner {
	uint64_t start, end;
	int pid;
	unsigned int task, done;
	size_t op; /* in the recording */
};

struct owners {
	struct owner *at;
	size_t nr, max;
};

struct planner {
	struct plan *plan;
	struct owners owners;
	unsigned int *done; /* by task: operations of it seen so far */
	struct plan_order
		*after; /* by task: the exec that its next one comes after; done 0: none */
};

struct plan_task *plan_task_of(const struct plan *plan, int tid)
{
	for (unsigned int i = 0; i < plan->nr_tasks; i++)
		if (plan->tasks[i].tid == tid)
			return &plan->tasks[i];
	return NULL;
}

static int grow(void **array, size_t *max, size_t nr, size_t size)
{
	size_t more = *max ? 2 * *max : 256;
	void *bigger;

	if (nr < *max)
		return 0;
	bigger = realloc(*array, more * size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*max = more;
	return 0;
}

static int add_order(struct plan *plan, size_t op, unsigned int task, unsigned int done)
{
	struct plan_order *last = plan->nr_orders ? &plan->orders[plan->nr_orders - 1] : NULL;

	if (last && last->op == op && last->task == task) {
		if (last->done < done)
			last->done = done;
		return 0;
	}
	if (grow((void **)&plan->orders, &plan->max_orders, plan->nr_orders, sizeof(*last)))
		return -ENOMEM;
	plan->orders[plan->nr_orders++] = (struct plan_order){op, task, done};
	return 0;
}

/* ---- ranges ---- */

static uint64_t page_up(uint64_t x)
{
	return (x + SIM_PAGE_SIZE - 1) & ~(SIM_PAGE_SIZE - 1);
}

/* The range an operation is about; false: none. */
static bool op_range(const struct sim_op *op, uint64_t *start, uint64_t *end)
{
	*start = op->addr & ~(SIM_PAGE_SIZE - 1);
	switch (op->kind) {
	case OP_MMAP:
		if (op->has_result && op->result < 0)
			return false;
		if (op->has_result)
			*start = (uint64_t)op->result;
		*end = page_up(*start + op->len);
		break;
	case OP_R:
	case OP_W:
		*end = *start + SIM_PAGE_SIZE;
		break;
	case OP_MUNMAP:
	case OP_MPROTECT:
	case OP_MADVISE:
	case OP_MREMAP:
		*end = page_up(op->addr + op->len);
		break;
	default:
		return false;
	}
	return *end > *start;
}

/* Where an mremap() put what it moved. */
static bool moved_range(const struct sim_op *op, uint64_t *start, uint64_t *end)
{
	if (op->kind != OP_MREMAP || !op->has_result || op->result <= 0)
		return false;
	*start = (uint64_t)op->result;
	*end = page_up(*start + op->new_len);
	return *end > *start;
}

static bool changes_mappings(const struct sim_op *op)
{
	return op->kind == OP_MMAP || op->kind == OP_MUNMAP || op->kind == OP_MPROTECT ||
	       op->kind == OP_MREMAP;
}

/* It takes pages, or rights to them, that other tasks may have to use before. */
static bool takes_away(const struct sim_op *op)
{
	if (op->kind == OP_MPROTECT)
		return !(op->prot & PROT_WRITE);
	if (op->kind == OP_MMAP)
		return op->flags & MAP_FIXED;
	return op->kind == OP_MUNMAP || op->kind == OP_MREMAP;
}

/* The operation that made the oldest of what the range now is; SIZE_MAX: nothing. */
static size_t range_since(const struct planner *p, int pid, uint64_t start, uint64_t end)
{
	size_t since = SIZE_MAX;

	for (size_t o = 0; o < p->owners.nr; o++) {
		const struct owner *owner = &p->owners.at[o];

		if (owner->pid == pid && owner->end > start && owner->start < end &&
		    owner->op < since)
			since = owner->op;
	}
	return since;
}

/* After what last changed any part of the range, if another task did it. */
static int order_after_owners(struct planner *p, size_t i, unsigned int task, uint64_t start,
			      uint64_t end)
{
	int pid = p->plan->rec->ops[i].pid;

	for (size_t o = 0; o < p->owners.nr; o++) {
		const struct owner *owner = &p->owners.at[o];

		if (owner->pid != pid || owner->task == task || owner->end <= start ||
		    owner->start >= end)
			continue;
		if (add_order(p->plan, i, owner->task, owner->done))
			return -ENOMEM;
	}
	return 0;
}

/* After the other tasks' last uses of the range as it is. */
static int order_after_uses(struct planner *p, size_t i, unsigned int task, uint64_t start,
			    uint64_t end)
{
	const struct recording *rec = p->plan->rec;
	size_t since = range_since(p, rec->ops[i].pid, start, end);

	for (unsigned int t = 0; t < p->plan->nr_tasks && since != SIZE_MAX; t++) {
		const struct plan_task *other = &p->plan->tasks[t];

		if (t == task || other->pid != rec->ops[i].pid)
			continue;
		for (unsigned int n = p->done[t]; n > 0 && other->ops[n - 1] > since; n--) {
			uint64_t s, e;

			if (!op_range(&rec->ops[other->ops[n - 1]], &s, &e) || e <= start ||
			    s >= end)
				continue;
			if (add_order(p->plan, i, t, n))
				return -ENOMEM;
			break;
		}
	}
	return 0;
}

static int add_owner(struct owners *owners, struct owner owner)
{
	if (owner.start >= owner.end)
		return 0;
	if (grow((void **)&owners->at, &owners->max, owners->nr, sizeof(owner)))
		return -ENOMEM;
	owners->at[owners->nr++] = owner;
	return 0;
}

/* The range now belongs to @now alone: cut the others out of it. */
static int take_range(struct owners *owners, struct owner now)
{
	for (size_t o = 0; o < owners->nr; o++) {
		struct owner old = owners->at[o], left, right;

		if (old.pid != now.pid || old.end <= now.start || old.start >= now.end)
			continue;
		owners->at[o--] = owners->at[--owners->nr];
		left = old;
		left.end = now.start;
		right = old;
		right.start = now.end;
		if (add_owner(owners, left) || add_owner(owners, right))
			return -ENOMEM;
	}
	return add_owner(owners, now);
}

/* What the others of the process did comes before an exec, what they do next after it. */
static int order_around_exec(struct planner *p, size_t i, unsigned int task)
{
	const struct plan_task *tasks = p->plan->tasks;

	for (unsigned int t = 0; t < p->plan->nr_tasks; t++) {
		if (t == task || tasks[t].pid != tasks[task].pid)
			continue;
		if (p->done[t] && add_order(p->plan, i, t, p->done[t]))
			return -ENOMEM;
		p->after[t] = (struct plan_order){.task = task, .done = p->done[task]};
	}
	return 0;
}

/* Whatever it does, it does it in the address space that the last exec made. */
static int order_after_exec(struct planner *p, size_t i, unsigned int task)
{
	struct plan_order after = p->after[task];

	p->after[task].done = 0;
	return after.done ? add_order(p->plan, i, after.task, after.done) : 0;
}

/* Like a mapping at a place of the kernel's choice, or one that replaces what is there. */
static int plan_move(struct planner *p, size_t i, struct owner now)
{
	int err = order_after_owners(p, i, now.task, now.start, now.end);

	if (!err && p->plan->rec->ops[i].flags & MREMAP_FIXED)
		err = order_after_uses(p, i, now.task, now.start, now.end);
	return err ? err : take_range(&p->owners, now);
}

static int plan_op(struct planner *p, size_t i, unsigned int task)
{
	const struct sim_op *op = &p->plan->rec->ops[i];
	unsigned int done = ++p->done[task];
	struct owner now = {.pid = op->pid, .task = task, .done = done, .op = i};
	int err = order_after_exec(p, i, task);

	if (!err && op->kind == OP_EXEC)
		return order_around_exec(p, i, task);
	if (err || !op_range(op, &now.start, &now.end))
		return err;
	err = order_after_owners(p, i, task, now.start, now.end);
	if (!err && takes_away(op))
		err = order_after_uses(p, i, task, now.start, now.end);
	else if (op->kind == OP_MPROTECT)
		/* Uses before it were not waited for: they still count. */
		now.op = range_since(p, op->pid, now.start, now.end);
	if (!err && changes_mappings(op))
		err = take_range(&p->owners, now);
	if (!err && moved_range(op, &now.start, &now.end))
		err = plan_move(p, i, now);
	return err;
}

/* ---- tasks ---- */

static int add_tasks(struct plan *plan)
{
	const struct recording *rec = plan->rec;

	plan->tasks = calloc(rec->nr_tasks + 1, sizeof(*plan->tasks));
	if (!plan->tasks)
		return -ENOMEM;
	for (size_t i = 0; i < rec->nr_tasks; i++)
		plan->tasks[plan->nr_tasks++] = (struct plan_task){
			.tid = rec->tasks[i].tid,
			.pid = rec->tasks[i].pid,
			.name = rec->tasks[i].name,
			.root = true,
		};
	return 0;
}

/*
 * The task that an operation starts waits for it, unless it is told to have done something before,
 * or nobody replays the operation: then it would wait for ever, and others for it.
 */
static void note_start(struct plan *plan, const struct sim_op *op)
{
	struct plan_task *started;

	if ((op->kind != OP_THREAD && op->kind != OP_FORK) || !plan_task_of(plan, op->tid))
		return;
	started = plan_task_of(plan, (int)op->value);
	if (started && !started->nr_ops)
		started->root = false;
}

static int fill_tasks(struct plan *plan)
{
	const struct recording *rec = plan->rec;
	struct plan_task *task = NULL;

	for (size_t i = 0; i < rec->nr_ops; i++) {
		task = plan_task_of(plan, rec->ops[i].tid);
		if (task)
			task->nr_ops++;
	}
	for (unsigned int t = 0; t < plan->nr_tasks; t++) {
		plan->tasks[t].ops = calloc(plan->tasks[t].nr_ops + 1, sizeof(size_t));
		if (!plan->tasks[t].ops)
			return -ENOMEM;
		plan->tasks[t].nr_ops = 0;
	}
	for (size_t i = 0; i < rec->nr_ops; i++) {
		task = plan_task_of(plan, rec->ops[i].tid);
		if (task)
			task->ops[task->nr_ops++] = i;
		note_start(plan, &rec->ops[i]);
	}
	return 0;
}

int plan_make(const struct recording *rec, struct plan *plan)
{
	struct planner p = {.plan = plan};
	int err;

	*plan = (struct plan){.rec = rec};
	err = add_tasks(plan);
	if (!err)
		err = fill_tasks(plan);
	p.done = calloc(plan->nr_tasks + 1, sizeof(*p.done));
	p.after = calloc(plan->nr_tasks + 1, sizeof(*p.after));
	if (!p.done || !p.after)
		err = -ENOMEM;
	for (size_t i = 0; i < rec->nr_ops && !err; i++) {
		struct plan_task *task = plan_task_of(plan, rec->ops[i].tid);

		if (task)
			err = plan_op(&p, i, (unsigned int)(task - plan->tasks));
	}
	free(p.done);
	free(p.after);
	free(p.owners.at);
	if (err)
		plan_free(plan);
	return err;
}

void plan_free(struct plan *plan)
{
	for (unsigned int t = 0; t < plan->nr_tasks; t++)
		free(plan->tasks[t].ops);
	free(plan->tasks);
	free(plan->orders);
	*plan = (struct plan){0};
}
