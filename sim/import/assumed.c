/* SPDX-License-Identifier: MIT */
/*
 * Mappings that a program used but was not seen making.
 *
 * The operations are walked twice. The first walk finds, for each life of an address space (from
 * exec or fork to the next exec or the end), what was used without having been mapped. What a
 * forked child used so, it had from its parent. The second walk puts these mappings where the life
 * begins, and keeps the books again, now with them. Where books and trace still disagree, a
 * mapping or unmapping is put in front of the operation, so that the result is always consistent.
 */
#define _GNU_SOURCE 1
#include "assumed.h"
#include "../replay/idmap.h"
#include "layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Gaps up to this size between used pages belong to one mapping, if nothing else was there. */
#define GAP_MAX (32 * SIM_PAGE_SIZE)

#define NO_LIFE SIZE_MAX

#define PROT_RW (PROT_READ | PROT_WRITE)
#define PROT_RWX (PROT_RW | PROT_EXEC)

/* An address space from exec or fork on. */
struct life {
	struct life *parent;
	struct layout known; /* mapped now */
	struct layout ever; /* mapped at any time, by an operation of the trace */
	struct layout inferred; /* must have been mapped at the start */
	uint64_t brk;
	bool has_brk;
	bool has_parents_brk; /* no brk of its own yet */
};

struct walk {
	struct traced_op *ops;
	size_t nr_ops;
	struct life **lives; /* in order of their start, which both walks share */
	size_t nr_lives, max_lives, next_life;
	struct idmap by_pid;
	bool emitting; /* the second walk */
	struct recording *out;
	struct import_report *report;
	int error;
};

static uint64_t page_down(uint64_t addr)
{
	return addr & ~(SIM_PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t addr)
{
	return page_down(addr + SIM_PAGE_SIZE - 1);
}

/* ---- emitting ---- */

static void emit(struct walk *w, const struct sim_op *op)
{
	if (w->emitting && !w->error)
		w->error = recording_add_op(w->out, op);
}

/* An operation that was not traced, at the time and by the task of @at. */
static void emit_assumed(struct walk *w, const struct sim_op *at, enum op_kind kind,
			 const struct region *region)
{
	struct sim_op op = {.kind = kind,
			    .time_ns = at->time_ns,
			    .pid = at->pid,
			    .tid = at->tid,
			    .addr = region->start,
			    .len = region->end - region->start,
			    .file = -1,
			    .notes = SIM_NOTE_ASSUMED};

	if (kind == OP_MMAP) {
		op.prot = region->prot;
		op.flags = region->flags | MAP_FIXED;
		op.notes |= region->notes;
	}
	emit(w, &op);
	if (!w->emitting)
		return;
	if (kind == OP_MMAP)
		w->report->assumed_mappings++;
	else
		w->report->assumed_unmaps++;
}

static struct region assumed_region(uint64_t start, uint64_t end, unsigned int prot)
{
	return (struct region){.start = start,
			       .end = end,
			       .prot = prot,
			       .flags = MAP_PRIVATE | MAP_ANONYMOUS,
			       .notes = SIM_NOTE_ASSUMED};
}

/* ---- lives ---- */

static struct life *add_life(struct walk *w)
{
	size_t wanted = w->max_lives ? w->max_lives * 2 : 16;
	struct life **moved;

	if (w->nr_lives == w->max_lives) {
		moved = reallocarray(w->lives, wanted, sizeof(*moved));
		if (!moved)
			return NULL;
		w->lives = moved;
		w->max_lives = wanted;
	}
	w->lives[w->nr_lives] = calloc(1, sizeof(struct life));
	if (!w->lives[w->nr_lives])
		return NULL;
	return w->lives[w->nr_lives++];
}

/* Begin the next life, of process @pid. */
static struct life *new_life(struct walk *w, int pid, struct life *parent)
{
	struct life *life;

	if (!w->emitting && !add_life(w)) {
		w->error = -ENOMEM;
		return NULL;
	}
	life = w->lives[w->next_life];
	layout_free(&life->known);
	life->parent = parent;
	life->has_brk = parent && parent->has_brk;
	life->has_parents_brk = life->has_brk;
	life->brk = parent ? parent->brk : 0;
	if (idmap_set(&w->by_pid, pid, w->next_life))
		w->error = -ENOMEM;
	w->next_life++;
	return life;
}

/* Put what was inferred for a life at its start, which is at @at. */
static void start_life(struct walk *w, struct life *life, const struct sim_op *at)
{
	const struct layout *inferred = &life->inferred;
	struct region run;

	for (size_t i = 0; w->emitting && i < inferred->nr_regions;) {
		run = inferred->regions[i++];
		for (; i < inferred->nr_regions; i++) {
			const struct region *next = &inferred->regions[i];

			if (next->start - run.end > GAP_MAX ||
			    layout_overlaps(&life->ever, run.end, next->start))
				break;
			run.end = next->end;
			run.prot |= next->prot;
		}
		emit_assumed(w, at, OP_MMAP, &run);
		layout_map(&life->known, &run);
	}
}

static struct life *life_of(struct walk *w, const struct sim_op *op)
{
	size_t *found = idmap_find(&w->by_pid, op->pid);
	struct life *life;

	if (found && *found != NO_LIFE)
		return w->lives[*found];
	life = new_life(w, op->pid, NULL);
	if (life)
		start_life(w, life, op);
	return life;
}

/* ---- inferring ---- */

/* [start, end) was mapped when the life began, unless the trace says where it came from. */
static void infer(struct life *life, uint64_t start, uint64_t end, unsigned int prot)
{
	struct region hole, region;

	for (; layout_next_hole(&life->ever, start, end, &hole); start = hole.end) {
		if (life->parent) {
			infer(life->parent, hole.start, hole.end, prot);
			continue;
		}
		for (region.end = hole.start;
		     layout_next_hole(&life->inferred, region.end, hole.end, &region);) {
			region = assumed_region(region.start, region.end, PROT_RW);
			layout_map(&life->inferred, &region);
		}
		if (prot & PROT_EXEC)
			layout_protect(&life->inferred, hole.start, hole.end, prot);
	}
}

/* An instruction was fetched from an inferred mapping: then it is executable. */
static void fetch(struct walk *w, struct life *life, uint64_t page)
{
	const struct region *region = layout_at(&life->known, page);

	if (!region || !(region->notes & SIM_NOTE_ASSUMED) || region->prot & PROT_EXEC)
		return;
	if (!w->emitting)
		infer(life, page, page + SIM_PAGE_SIZE, PROT_RWX);
	layout_protect(&life->known, page, page + SIM_PAGE_SIZE, PROT_RWX);
}

/* The operation found [start, end) mapped. */
static void touch(struct walk *w, struct life *life, uint64_t start, uint64_t end,
		  const struct traced_op *traced)
{
	unsigned int prot = traced->fetch ? PROT_RWX : PROT_RW;
	struct region hole;

	/* Such a fault ended in a signal. */
	if (start < MMAP_MIN_ADDR)
		return;
	while (layout_next_hole(&life->known, start, end, &hole)) {
		hole = assumed_region(hole.start, hole.end, prot);
		if (w->emitting) {
			emit_assumed(w, &traced->op, OP_MMAP, &hole);
			w->report->assumed_late++;
		} else {
			infer(life, hole.start, hole.end, prot);
		}
		layout_map(&life->known, &hole);
	}
	if (traced->fetch)
		fetch(w, life, start);
}

/* A fault that could only end in a signal, unless a call that was not traced allowed it. */
static bool denied(const struct life *life, const struct traced_op *traced)
{
	const struct region *region = layout_at(&life->known, traced->op.addr);

	if (!region)
		return true;
	if (traced->op.kind == OP_W)
		return !(region->prot & PROT_WRITE);
	return traced->fetch ? !(region->prot & PROT_EXEC) : !region->prot;
}

static void walk_fault(struct walk *w, struct life *life, const struct traced_op *traced)
{
	uint64_t page = page_down(traced->op.addr);

	touch(w, life, page, page + SIM_PAGE_SIZE, traced);
	if (w->emitting && denied(life, traced))
		w->report->denied_faults++;
}

/* Move an operation to where its system call returned, but not behind what its thread did next. */
static void postpone(struct walk *w, size_t i)
{
	struct traced_op moved = w->ops[i];
	size_t to = i;

	moved.postponed = true;
	moved.op.time_ns = moved.end_ns;
	w->report->postponed++;
	while (to + 1 < w->nr_ops && w->ops[to + 1].op.time_ns <= moved.end_ns &&
	       w->ops[to + 1].op.tid != moved.op.tid)
		to++;
	if (to + 1 < w->nr_ops && w->ops[to + 1].op.time_ns < moved.op.time_ns)
		moved.op.time_ns = w->ops[to + 1].op.time_ns;
	memmove(&w->ops[i], &w->ops[i + 1], (to - i) * sizeof(moved));
	w->ops[to] = moved;
}

/*
 * The kernel placed a mapping at [start, end), so nothing was there. A call that began before the
 * place was unmapped by another thread is postponed: then false is returned.
 */
static bool claim(struct walk *w, struct life *life, uint64_t start, uint64_t end, size_t i)
{
	const struct traced_op *traced = &w->ops[i];
	struct region region = {.start = start, .end = end};

	if (start >= end || !layout_overlaps(&life->known, start, end))
		return true;
	if (!w->emitting && !traced->postponed) {
		postpone(w, i);
		return false;
	}
	emit_assumed(w, &traced->op, OP_MUNMAP, &region);
	layout_unmap(&life->known, start, end);
	return true;
}

static void map(struct life *life, const struct region *region)
{
	layout_map(&life->known, region);
	layout_map(&life->ever, &(struct region){.start = region->start, .end = region->end});
}

/* ---- operations ---- */

static bool walk_mmap(struct walk *w, struct life *life, size_t i)
{
	const struct sim_op *op = &w->ops[i].op;
	unsigned int once = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_POPULATE;
	struct region region = {.start = page_down(op->addr),
				.end = page_up(op->addr + op->len),
				.prot = op->prot,
				.flags = op->flags & ~once,
				.notes = op->notes};

	if (!(op->flags & MAP_FIXED) && !claim(w, life, region.start, region.end, i))
		return false;
	map(life, &region);
	return true;
}

static bool walk_mremap(struct walk *w, struct life *life, size_t i)
{
	const unsigned int dontunmap = 4;
	const struct sim_op *op = &w->ops[i].op;
	uint64_t old_end = page_up(op->addr + op->len);
	uint64_t to = (uint64_t)op->result, to_end = page_up(to + op->new_len);
	uint64_t grown = to == op->addr ? old_end : to;
	struct region region;

	touch(w, life, op->addr, old_end, &w->ops[i]);
	if (!(op->flags & MREMAP_FIXED) && grown < to_end && !claim(w, life, grown, to_end, i))
		return false;
	if (layout_at(&life->known, op->addr))
		region = *layout_at(&life->known, op->addr);
	else
		region = assumed_region(0, 0, PROT_RW);
	if (to != op->addr && !(op->flags & dontunmap))
		layout_unmap(&life->known, op->addr, old_end);
	else if (to == op->addr && to_end < old_end)
		layout_unmap(&life->known, to_end, old_end);
	region.start = grown;
	region.end = to_end;
	if (region.start < region.end)
		map(life, &region);
	return true;
}

/* Holes are no surprise to munmap(), but one where nothing ever was hints at a mapping. */
static void walk_munmap(struct walk *w, struct life *life, uint64_t start, uint64_t end)
{
	struct region hole;
	uint64_t from = start;

	if (!w->emitting)
		for (; layout_next_hole(&life->known, from, end, &hole); from = hole.end)
			infer(life, hole.start, hole.end, PROT_RW);
	layout_unmap(&life->known, start, end);
}

/*
 * The first brk of an address space only says where the heap ends. That of a forked child, which
 * has its parent's heap, moves the end: then one that says where it was goes in front.
 */
static void emit_parents_brk(struct walk *w, const struct life *life, const struct sim_op *at)
{
	struct sim_op op = *at;

	op.addr = life->brk;
	op.result = (int64_t)life->brk;
	op.notes |= SIM_NOTE_ASSUMED;
	emit(w, &op);
}

static bool walk_brk(struct walk *w, struct life *life, size_t i)
{
	const struct sim_op *op = &w->ops[i].op;
	uint64_t now = (uint64_t)op->result, before = life->has_brk ? life->brk : now;
	struct region heap = {.start = page_up(before),
			      .end = page_up(now),
			      .prot = PROT_RW,
			      .flags = MAP_PRIVATE | MAP_ANONYMOUS};

	if (!claim(w, life, heap.start, heap.end, i))
		return false;
	if (life->has_parents_brk && heap.start != heap.end)
		emit_parents_brk(w, life, op);
	if (heap.start < heap.end)
		map(life, &heap);
	else
		layout_unmap(&life->known, heap.end, heap.start);
	life->brk = now;
	life->has_brk = true;
	life->has_parents_brk = false;
	return true;
}

/* The child begins with its parent's mappings, its operations with making them. */
static void walk_fork(struct walk *w, struct life *life, const struct sim_op *op)
{
	struct sim_op at = *op;
	struct life *child;

	at.pid = (int)op->value;
	at.tid = at.pid;
	child = new_life(w, at.pid, life);
	if (!child)
		return;
	layout_copy(&child->known, &life->known);
	for (size_t i = 0; w->emitting && i < child->known.nr_regions; i++)
		emit_assumed(w, &at, OP_MMAP, &child->known.regions[i]);
}

static void walk_exec(struct walk *w, const struct sim_op *op)
{
	struct life *life = new_life(w, op->pid, NULL);

	if (life)
		start_life(w, life, op);
}

/* What an operation on a range does to the books; false when it was postponed. */
static bool walk_range(struct walk *w, struct life *life, size_t i)
{
	const struct traced_op *traced = &w->ops[i];
	const struct sim_op *op = &traced->op;
	uint64_t start = page_down(op->addr), end = page_up(op->addr + op->len);

	if (end < start || (op->has_result && op->result < 0))
		return true;
	switch (op->kind) {
	case OP_MMAP:
		return walk_mmap(w, life, i);
	case OP_MREMAP:
		return walk_mremap(w, life, i);
	case OP_BRK:
		return walk_brk(w, life, i);
	case OP_MUNMAP:
		walk_munmap(w, life, start, end);
		break;
	case OP_MPROTECT:
		touch(w, life, start, end, traced);
		layout_protect(&life->known, start, end, op->prot);
		break;
	case OP_MADVISE:
	case OP_MLOCK:
	case OP_MUNLOCK:
		touch(w, life, start, end, traced);
		break;
	case OP_PROCESS_MADVISE:
		touch(w, life, start, end, traced);
		touch(w, life, page_down(op->new_addr), page_up(op->new_addr + op->new_len),
		      traced);
		break;
	case OP_R:
	case OP_W:
		walk_fault(w, life, traced);
		break;
	default:
		break;
	}
	return true;
}

/* One operation; false when it was postponed, and another one is at its place now. */
static bool walk_op(struct walk *w, size_t i)
{
	const struct sim_op *op = &w->ops[i].op;
	struct life *life;

	if (w->ops[i].dropped)
		return true;
	life = life_of(w, op);
	if (!life)
		return true;
	if (!walk_range(w, life, i))
		return false;
	emit(w, op);
	if (op->kind == OP_FORK)
		walk_fork(w, life, op);
	else if (op->kind == OP_EXEC)
		walk_exec(w, op);
	else if (op->kind == OP_EXIT && op->has_value && op->value)
		*idmap_find(&w->by_pid, op->pid) = NO_LIFE;
	if (life->known.failed || life->ever.failed || life->inferred.failed)
		w->error = -ENOMEM;
	return true;
}

static void walk_all(struct walk *w, bool emitting)
{
	w->emitting = emitting;
	w->next_life = 0;
	idmap_free(&w->by_pid);
	for (size_t i = 0; !w->error && i < w->nr_ops;)
		i += walk_op(w, i);
}

static void free_life(struct life *life)
{
	layout_free(&life->known);
	layout_free(&life->ever);
	layout_free(&life->inferred);
	free(life);
}

int assume_mappings(struct traced_op *ops, size_t nr_ops, struct recording *out,
		    struct import_report *report)
{
	struct walk w = {.ops = ops, .nr_ops = nr_ops, .out = out, .report = report};

	walk_all(&w, false);
	walk_all(&w, true);
	for (size_t i = 0; i < w.nr_lives; i++)
		free_life(w.lives[i]);
	free(w.lives);
	idmap_free(&w.by_pid);
	return w.error;
}
