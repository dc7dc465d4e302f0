/* SPDX-License-Identifier: MIT */
/*
 * What the modelled machine costs.
 *
 * Goals: steps a second with every CPU busy, where nearly each step is another
 * task's; what a step costs more with 128 CPUs than with 8; that many waiters of
 * one spinlock are not many times as dear; beside it, without a target, what
 * first touches of memory make of it.
 * Non-goals: whether the model is right, which is what tests are for; making and
 * ending instances.
 */
#include "harness.h"
#include "mem/sim.h"
#include "mmsim/mmsim.h"

#define MAX_TASKS 128
#define STEPS_IN_ALL 2000000 /* so that stacks being touched first is no part of it */
#define LOCKS_A_TASK 500
#define LOCK_HOLD_NS 200
#define TOUCHES_IN_ALL 8000
#define AREA (64ull << 20) /* of a task */

enum { CPUS_8, CPUS_128, LOCK_40, LOCK_80, TOUCHES, CPUS_8_AGAIN, NR_SIDES };

struct workload {
	const char *machine;
	int tasks, each; /* each: operations of a task */
	int (*body)(void *arg);
	bool whole; /* time the whole run, not a step */
};

struct words {
	atomic_long_t shared __cacheline_aligned;
	spinlock_t lock __cacheline_aligned;
	struct {
		atomic_long_t count __cacheline_aligned;
	} own[MAX_TASKS];
};

struct player {
	struct words *words;
	struct mm_struct *mm;
	int index, each;
};

static int step_body(void *arg)
{
	struct player *player = arg;
	struct words *words = player->words;

	for (int i = 0; i < player->each / 2; i++) {
		atomic_long_inc(&words->own[player->index].count);
		(void)atomic_long_read(&words->shared);
	}
	return 0;
}

static int lock_body(void *arg)
{
	struct player *player = arg;

	for (int i = 0; i < player->each; i++) {
		spin_lock(&player->words->lock, LOCK_zone_lock, SITE_user);
		machine_compute(LOCK_HOLD_NS); /* or none would ever be waited for */
		spin_unlock(&player->words->lock);
	}
	return 0;
}

static int touch_body(void *arg)
{
	struct player *player = arg;
	uint64_t start = (uint64_t)(player->index + 1) << 32;

	if (mmsim_mmap(player->mm, start, AREA, 3, 0x32) < 0)
		return -1;
	for (int i = 0; i < player->each; i++)
		mmsim_store(player->mm, start + (uint64_t)i * 4096, 1);
	return 0;
}

static double time_run(struct mmsim *sim, const struct workload *w)
{
	static struct player players[MAX_TASKS];
	struct kmem_cache *cache =
		kmem_cache_create(sim, "bench_words", sizeof(struct words), CACHE_PLAIN, 0, NULL);
	struct words *words = cache ? kmem_cache_alloc(cache) : NULL;
	struct mm_struct *mm = mmsim_mm_create(sim, "bench");
	struct mmsim_task_attr attr = {.name = "task", .cpu = -1, .mm = mm};
	uint64_t steps, start, ns;

	if (!words || !mm)
		bench_die("no memory");
	for (int i = 0; i < w->tasks; i++) {
		players[i] = (struct player){words, mm, i, w->each};
		attr.cpu = i;
		if (!mmsim_task_create(sim, &attr, w->body, &players[i]))
			bench_die("no task to be had");
	}
	steps = mmsim_steps(sim);
	start = bench_now_ns();
	if (mmsim_run(sim))
		bench_die("%s", mmsim_failure(sim));
	ns = bench_now_ns() - start;
	steps = mmsim_steps(sim) - steps;
	mmsim_mm_put(mm);
	kmem_cache_free(cache, words);
	return w->whole ? (double)ns : (double)ns / (double)steps;
}

/* Nanoseconds of ours a step, or the whole run's, in an instance of its own. */
static double run(void *context)
{
	const struct workload *workload = context;
	struct mmsim_config config;
	struct mmsim *sim;
	double ns;

	mmsim_config_init(&config);
	sim = bench_instance(&config, workload->machine);
	ns = time_run(sim, workload);
	bench_instance_end(sim);
	return ns;
}

static double rate(const double *values, int side)
{
	return 1000 / values[side];
}

static double rate_of_steps(const double *values)
{
	return rate(values, CPUS_8);
}

static double rate_of_touches(const double *values)
{
	return rate(values, TOUCHES);
}

void bench_modelled(struct bench *bench)
{
	struct workload small = {"flat-8", 8, STEPS_IN_ALL / 8, step_body, false};
	struct workload large = {"server-2x64", 128, STEPS_IN_ALL / 128, step_body, false};
	struct workload few = {"server-2x64", 40, LOCKS_A_TASK, lock_body, true};
	struct workload many = {"server-2x64", 80, LOCKS_A_TASK, lock_body, true};
	struct workload touches = {"flat-8", 8, TOUCHES_IN_ALL / 8, touch_body, false};
	struct contest contest = {
		.nr_sides = NR_SIDES,
		.side = {[CPUS_8] = {run, &small},
			 [CPUS_128] = {run, &large},
			 [LOCK_40] = {run, &few},
			 [LOCK_80] = {run, &many},
			 [TOUCHES] = {run, &touches},
			 [CPUS_8_AGAIN] = {run, &small}},
	};
	struct row row = {.unit = "M/s", .bound = AT_LEAST, .target = 5};

	contest_run(bench, &contest, bench_rounds(bench, 51, 11));
	row.floor = contest_ratio(&contest, CPUS_8_AGAIN, CPUS_8);
	row.name = "timed_steps";
	row.estimate = contest_derive(&contest, rate_of_steps);
	bench_row(bench, &row, "steps on flat-8, all CPUs busy");
	row = (struct row){.name = "timed_steps_128", .unit = "ratio", .bound = AT_MOST};
	row.target = 1.5;
	row.estimate = contest_ratio(&contest, CPUS_128, CPUS_8);
	bench_row(bench, &row, "a step on server-2x64, 128 CPUs busy, against flat-8");
	row.name = "timed_spinlock_80";
	row.target = 3;
	row.estimate = contest_ratio(&contest, LOCK_80, LOCK_40);
	bench_row(bench, &row, "time of 80 tasks on one spinlock against 40");
	row = (struct row){.name = "timed_touches", .unit = "M/s"};
	row.estimate = contest_derive(&contest, rate_of_touches);
	bench_row(bench, &row, "steps of first touches by 8 tasks of one process");
	contest_end(&contest);
}
