/* SPDX-License-Identifier: MIT */
/* The address spaces that are there when a workload's tasks begin. */
#include "do_op.h"
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PLACES_BASE INT64_C(0x200000000000)
#define PLACES_END INT64_C(0x7ff000000000)
#define PLACES_ALIGN INT64_C(0x200000)

static const char *errno_name(int err)
{
	const char *name = sim_errno_name(-err);

	return name ? name : strerror(-err);
}

int workload_fail(struct workload *w, int err, const char *what, const char *name)
{
	snprintf(w->result->why, sizeof(w->result->why), "%s: %s %s: %s", w->scenario->path, what,
		 name, errno_name(err));
	return err;
}

/* A VMA that says nothing of its place, and those that are placed by it. */
struct family {
	int64_t low, high; /* what they take up, from its start on */
};

/* Where a VMA is within its family; false: nowhere. */
static bool place_in_family(struct workload *w, unsigned int v, unsigned int root[],
			    struct family family[])
{
	const struct scenario_vma *vma = &w->scenario->vmas[v];
	const struct place *place = &vma->at;
	const __int128 span = (__int128)vma->count * ((__int128)vma->size + vma->gap);
	__int128 at = 0;

	root[v] = v;
	if (place->kind == PLACE_VMA) {
		const struct scenario_vma *other = &w->scenario->vmas[place->index];

		root[v] = root[place->index];
		at = (__int128)(int64_t)w->vma_start[place->index] + place->offset +
		     (__int128)place->number * (other->size + other->gap) +
		     (place->where == WHERE_END ? other->size : 0);
	}
	if (at < -PLACES_END || at + span > PLACES_END)
		return false;
	w->vma_start[v] = (uint64_t)at;
	family[root[v]].low = MIN(family[root[v]].low, (int64_t)at);
	family[root[v]].high = MAX(family[root[v]].high, (int64_t)(at + span));
	return true;
}

/* Where the VMAs are: each where it says, or behind the last one that said nothing. */
int workload_place_vmas(struct workload *w)
{
	struct family family[SCENARIO_VMAS_MAX] = {{0, 0}};
	unsigned int root[SCENARIO_VMAS_MAX];
	int64_t at = PLACES_BASE;

	for (unsigned int v = 0; v < w->scenario->nr_vmas; v++) {
		if (!place_in_family(w, v, root, family))
			return workload_fail(w, -ENOMEM, "vma", w->scenario->vmas[v].section.name);
	}
	for (unsigned int v = 0; v < w->scenario->nr_vmas; v++) {
		const struct family *f = &family[v];

		if (root[v] != v) {
			w->vma_start[v] += w->vma_start[root[v]];
			continue;
		}
		at += (PLACES_ALIGN - 1 - f->low) & ~(PLACES_ALIGN - 1);
		w->vma_start[v] = (uint64_t)at;
		/* A 2 MiB hole behind it, so that neighbours never merge unless asked to. */
		at += (f->high + 2 * PLACES_ALIGN - 1) & ~(PLACES_ALIGN - 1);
		if (at > PLACES_END)
			return workload_fail(w, -ENOMEM, "vma", w->scenario->vmas[v].section.name);
	}
	return 0;
}

/* Write so many percent of the pages, evenly. */
static int touch_pages(struct mm_struct *mm, const struct scenario_vma *vma, uint64_t start)
{
	uint64_t touched = vma->size / SIM_PAGE_SIZE * vma->touch / 100;

	for (uint64_t n = 1; n <= touched; n++) {
		uint64_t page = (n * 100 + vma->touch - 1) / vma->touch - 1;
		uint64_t addr = start + page * SIM_PAGE_SIZE;

		if (mmsim_store(mm, addr, addr) >= MMSIM_ACCESS_MAPERR)
			return -ENOMEM;
	}
	return 0;
}

static int make_vma(struct workload *w, unsigned int v)
{
	const struct scenario_vma *vma = &w->scenario->vmas[v];
	struct mm_struct *mm = w->mms[vma->process];
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | (int)vma->flags;

	for (uint64_t i = 0; i < vma->count && vma->mapped; i++) {
		uint64_t start = w->vma_start[v] + i * (vma->size + vma->gap);
		int64_t result = mmsim_mmap(mm, start, vma->size, (int)vma->prot, flags);

		if (result < 0)
			return workload_fail(w, (int)result, "vma", vma->section.name);
		if (touch_pages(mm, vma, start))
			return workload_fail(w, -ENOMEM, "memory = SIZE is too small for vma",
					     vma->section.name);
	}
	return 0;
}

static int fail_setup(struct workload *w, const struct script_op *op, int error)
{
	snprintf(w->result->why, sizeof(w->result->why),
		 "%s:%u: expected a setup that succeeds, got %s: %s", op->file, op->op.line,
		 errno_name(error), op->text);
	return error;
}

static int do_setup(struct workload *w, unsigned int i)
{
	const struct scenario_process *process = &w->scenario->processes[i];
	struct worker *main = calloc(1, sizeof(*main));
	struct op_stats *stats = calloc(1, sizeof(*stats));
	int err = main && stats ? 0 : -ENOMEM;

	if (main)
		*main = (struct worker){.w = w, .mm = w->mms[i], .random = mmsim_random()};
	for (int k = 0; k < NR_SIM_OPS && main; k++)
		main->op[k] = stats;
	for (size_t n = 0; n < process->setup.nr && !err;) {
		struct script_op *op = &process->setup.ops[n];
		const struct script one = {.ops = op, .nr = op->group ? op->group : 1};

		err = worker_do_script(main, &one, false);
		if (!err && stats->failed)
			err = fail_setup(w, op, main->error);
		n += one.nr;
	}
	if (!err)
		memcpy(w->as[i], main->as, sizeof(w->as[i]));
	if (err == -ECANCELED)
		workload_fail(w, err, "setup of process", process->section.name);
	free(stats);
	free(main);
	return err;
}

static unsigned int count_vmas(struct mm_struct *mm)
{
	struct mmsim_vma vma;
	unsigned int n = 0;

	for (uint64_t at = 0; !mmsim_vma_find(mm, at, &vma); at = vma.end)
		n++;
	return n;
}

int workload_make_process(struct workload *w, unsigned int i)
{
	const struct scenario *s = w->scenario;
	int err = 0;

	w->mms[i] = mmsim_mm_create(w->sim, s->processes[i].section.name);
	if (!w->mms[i] || mmsim_use_mm(w->mms[i]))
		return workload_fail(w, -ENOMEM, "process", s->processes[i].section.name);
	for (unsigned int v = 0; v < s->nr_vmas && !err; v++)
		if (s->vmas[v].process == i)
			err = make_vma(w, v);
	if (!err)
		err = do_setup(w, i);
	if (!err)
		w->result->vmas += count_vmas(w->mms[i]);
	return err;
}
