/* SPDX-License-Identifier: MIT */
/* What an import promises of its recording; see consistent.h. */
#define _GNU_SOURCE 1
#include "consistent.h"
#include "fuzz.h"
#include "import/layout.h"

#include <string.h>
#include <sys/mman.h>

#define DONTUNMAP 4u

/* One process' address space. A recording of a few thousand characters has few processes. */
struct space {
	int pid;
	struct layout mapped;
	uint64_t brk;
};

struct spaces {
	struct space *at;
	size_t nr;
};

static uint64_t page_down(uint64_t addr)
{
	return addr & ~(SIM_PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t addr)
{
	return page_down(addr + SIM_PAGE_SIZE - 1);
}

static struct space *space_of(struct spaces *spaces, int pid)
{
	for (size_t i = 0; i < spaces->nr; i++)
		if (spaces->at[i].pid == pid)
			return &spaces->at[i];
	spaces->at = realloc(spaces->at, (spaces->nr + 1) * sizeof(*spaces->at));
	FUZZ_CHECK(spaces->at, "no memory");
	spaces->at[spaces->nr] = (struct space){.pid = pid};
	return &spaces->at[spaces->nr++];
}

static void empty(struct space *space)
{
	layout_free(&space->mapped);
	space->brk = 0;
}

static void check_mapped(const struct space *space, const struct sim_op *op, size_t i,
			 uint64_t start, uint64_t end)
{
	struct region hole;

	/* The importer leaves it out. */
	if (start < MMAP_MIN_ADDR)
		return;
	FUZZ_CHECK(!layout_next_hole(&space->mapped, start, end, &hole),
		   "operation %zu (%s): nothing at 0x%llx", i, sim_op_specs[op->kind].name,
		   (unsigned long long)hole.start);
}

static void check_free(const struct space *space, const struct sim_op *op, size_t i, uint64_t start,
		       uint64_t end)
{
	FUZZ_CHECK(start >= end || !layout_overlaps(&space->mapped, start, end),
		   "operation %zu (%s): something at 0x%llx", i, sim_op_specs[op->kind].name,
		   (unsigned long long)start);
}

static void map(struct space *space, uint64_t start, uint64_t end)
{
	layout_map(&space->mapped, &(struct region){.start = start, .end = end});
}

static void do_mremap(struct space *space, const struct sim_op *op, size_t i)
{
	uint64_t old_end = page_up(op->addr + op->len), to = (uint64_t)op->result;
	uint64_t to_end = page_up(to + op->new_len), from = to == op->addr ? old_end : to;

	check_mapped(space, op, i, op->addr, old_end);
	if (!(op->flags & MREMAP_FIXED))
		check_free(space, op, i, from, to_end);
	if (to != op->addr && !(op->flags & DONTUNMAP))
		layout_unmap(&space->mapped, op->addr, old_end);
	else if (to == op->addr)
		layout_unmap(&space->mapped, to_end, old_end);
	map(space, from, to_end);
}

static void do_brk(struct space *space, const struct sim_op *op, size_t i)
{
	uint64_t now = page_up((uint64_t)op->result);

	if (space->brk && space->brk < now) {
		check_free(space, op, i, space->brk, now);
		map(space, space->brk, now);
	} else if (space->brk) {
		layout_unmap(&space->mapped, now, space->brk);
	}
	space->brk = now;
}

static void do_range(struct space *space, const struct sim_op *op, size_t i)
{
	uint64_t start = page_down(op->addr), end = page_up(op->addr + op->len);

	if (end < start || (op->has_result && op->result < 0))
		return;
	switch (op->kind) {
	case OP_MMAP:
		if (!(op->flags & MAP_FIXED))
			check_free(space, op, i, start, end);
		map(space, start, end);
		break;
	case OP_MUNMAP:
		layout_unmap(&space->mapped, start, end);
		break;
	case OP_MPROTECT:
	case OP_MADVISE:
	case OP_MLOCK:
	case OP_MUNLOCK:
		check_mapped(space, op, i, start, end);
		break;
	case OP_PROCESS_MADVISE:
		check_mapped(space, op, i, start, end);
		check_mapped(space, op, i, page_down(op->new_addr),
			     page_up(op->new_addr + op->new_len));
		break;
	case OP_R:
	case OP_W:
		check_mapped(space, op, i, start, start + SIM_PAGE_SIZE);
		break;
	case OP_MREMAP:
		do_mremap(space, op, i);
		break;
	case OP_BRK:
		do_brk(space, op, i);
		break;
	default:
		break;
	}
}

void fuzz_check_consistent(const struct recording *rec)
{
	struct spaces spaces = {0};

	for (size_t i = 0; i < rec->nr_ops; i++) {
		const struct sim_op *op = &rec->ops[i];

		do_range(space_of(&spaces, op->pid), op, i);
		/* What a child begins with is made by operations of its own. */
		if (op->kind == OP_FORK)
			empty(space_of(&spaces, (int)op->value));
		if (op->kind == OP_EXEC || (op->kind == OP_EXIT && op->has_value && op->value))
			empty(space_of(&spaces, op->pid));
	}
	for (size_t i = 0; i < spaces.nr; i++)
		empty(&spaces.at[i]);
	free(spaces.at);
}
