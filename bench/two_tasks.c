/* SPDX-License-Identifier: MIT */
/*
 * Do two tasks that fault in VMAs of their own disturb each other?
 *
 * Goals: throughput of two tasks of one mm on two CPUs against one task's, with
 * the per-VMA lock of 6.15. Beside it what this computer itself can do: the
 * same for two instances, which share nothing, and for two threads that only
 * clear memory of their own.
 * Non-goals: more than two CPUs; faults in the same VMA.
 */
#include "fault_rig.h"
#include "mem/mm_types.h"
#include "worker.h"

#include <string.h>
#include <sys/mman.h>

#define TASK_PAGES 256 /* stay in the CPU's page list: no zone lock */
#define STRIDE 16
#define OWN_REGION(lane) ((1ull + (lane)) << 30) /* shares no page table below the top */

enum { ONE, TWO, APART_ONE, APART_TWO, CLEAR_ONE, CLEAR_TWO, ONE_AGAIN, NR_SIDES };

struct part {
	struct mm_struct *mm;
	uint64_t start;
	char *memory;
};

struct pair {
	struct lanes lanes;
	struct part part[NR_LANES];
	struct fault_rig rig[NR_LANES]; /* of lanes with an instance each */
};

static void fault_step(void *context, size_t first, size_t n)
{
	struct part *part = context;

	fault_pages(part->mm, part->start, first, n);
}

static void clear_step(void *context, size_t first, size_t n)
{
	struct part *part = context;

	for (size_t i = first; i < first + n; i++)
		memset(part->memory + i * PAGE_SIZE, 0, PAGE_SIZE);
}

static void drop_part(void *context)
{
	struct part *part = context;

	drop_pages(part->mm, part->start, TASK_PAGES);
}

static void drop_parts(struct pair *pair, int nr)
{
	for (int i = 0; i < nr; i++)
		lanes_call(&pair->lanes, i, drop_part, &pair->part[i]);
}

/* The first run brings what the second touches back into the caches. */
static double run(struct pair *pair, int nr, void (*step)(void *context, size_t first, size_t n))
{
	const struct lane_job jobs[NR_LANES] = {{step, &pair->part[0]}, {step, &pair->part[1]}};
	double rate = 0;

	for (int i = 0; i < 2; i++) {
		rate = lanes_run(&pair->lanes, jobs, nr, TASK_PAGES, STRIDE);
		if (step == fault_step)
			drop_parts(pair, nr);
	}
	return rate;
}

static double one(void *context)
{
	return run(context, 1, fault_step);
}

static double two(void *context)
{
	return run(context, 2, fault_step);
}

static double clear_one(void *context)
{
	return run(context, 1, clear_step);
}

static double clear_two(void *context)
{
	return run(context, 2, clear_step);
}

static void part_create(struct part *part, struct mm_struct *mm, uint64_t start)
{
	int64_t got = mmsim_mmap(mm, start, TASK_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);

	*part = (struct part){.mm = mm, .start = start};
	if (got < 0)
		bench_die("mmap: %lld", (long long)got);
	part->memory = mmap(NULL, TASK_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (part->memory == MAP_FAILED)
		bench_die("no memory");
}

/* ---- an instance for each lane ---- */

static void rig_create(void *rig)
{
	fault_rig_create(rig, "6.18", true, TASK_PAGES);
}

static void rig_destroy(void *rig)
{
	fault_rig_destroy(rig);
}

static void pair_create_apart(struct pair *pair)
{
	lanes_start(&pair->lanes, NULL, NULL);
	for (int i = 0; i < NR_LANES; i++) {
		struct fault_rig *rig = &pair->rig[i];

		lanes_call(&pair->lanes, i, rig_create, rig);
		pair->part[i] = (struct part){.mm = rig->mm, .start = rig->start};
	}
}

static void pair_destroy_apart(struct pair *pair)
{
	for (int i = 0; i < NR_LANES; i++)
		lanes_call(&pair->lanes, i, rig_destroy, &pair->rig[i]);
	lanes_stop(&pair->lanes);
}

/* ---- the comparison ---- */

static void report(struct bench *bench, const struct contest *contest)
{
	struct estimate floor = contest_ratio(contest, ONE_AGAIN, ONE);

	bench_row(bench,
		  &(struct row){
			  .name = "two_tasks",
			  .unit = "ratio",
			  .estimate = contest_ratio(contest, TWO, ONE),
			  .bound = AT_LEAST,
			  .target = 1.8,
			  .floor = floor,
		  },
		  "two %.2f, one %.2f faults a us", 1000 * contest_value(contest, TWO).value,
		  1000 * contest_value(contest, ONE).value);
	bench_row(bench,
		  &(struct row){
			  .name = "two_instances",
			  .unit = "ratio",
			  .estimate = contest_ratio(contest, APART_TWO, APART_ONE),
			  .floor = floor,
		  },
		  "sharing nothing: two %.2f, one %.2f faults a us",
		  1000 * contest_value(contest, APART_TWO).value,
		  1000 * contest_value(contest, APART_ONE).value);
	bench_row(bench,
		  &(struct row){
			  .name = "two_tasks_memset",
			  .unit = "ratio",
			  .estimate = contest_ratio(contest, CLEAR_TWO, CLEAR_ONE),
			  .floor = floor,
		  },
		  "memory alone: two %.2f, one %.2f pages cleared a us",
		  1000 * contest_value(contest, CLEAR_TWO).value,
		  1000 * contest_value(contest, CLEAR_ONE).value);
}

void bench_two_tasks(struct bench *bench)
{
	static struct pair pair, apart;
	struct contest contest = {
		.nr_sides = NR_SIDES,
		.side = {[ONE] = {one, &pair},
			 [TWO] = {two, &pair},
			 [APART_ONE] = {one, &apart},
			 [APART_TWO] = {two, &apart},
			 [CLEAR_ONE] = {clear_one, &pair},
			 [CLEAR_TWO] = {clear_two, &pair},
			 [ONE_AGAIN] = {one, &pair}},
	};
	struct fault_rig rig;

	fault_rig_create(&rig, "6.18", true, 1);
	for (int i = 0; i < NR_LANES; i++)
		part_create(&pair.part[i], rig.mm, OWN_REGION(i));
	lanes_start(&pair.lanes, rig.sim, rig.mm);
	pair_create_apart(&apart);
	contest_run(bench, &contest, bench_rounds(bench, 301, 61));
	report(bench, &contest);
	contest_end(&contest);
	pair_destroy_apart(&apart);
	lanes_stop(&pair.lanes);
	for (int i = 0; i < NR_LANES; i++)
		munmap(pair.part[i].memory, TASK_PAGES * PAGE_SIZE);
	fault_rig_destroy(&rig);
}
