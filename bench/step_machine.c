/* SPDX-License-Identifier: MIT */
/*
 * Steps a second of the step machine.
 *
 * Goals: what a test or an exploration of schedules can go through in a second:
 * four tasks that do nothing but steps, with a uniform choice at every step
 * and as seeds choose by default; beside it, without a target, what rwsem
 * operations make of it.
 * Non-goals: making and ending instances; written schedules.
 */
#include "harness.h"
#include "mem/sim.h"
#include "mmsim/mmsim.h"

#define NR_TASKS 4
#define STEPS_A_TASK 40000
#define OPERATIONS_A_TASK 4000

enum { UNIFORM, DEFAULT, RWSEM, UNIFORM_AGAIN, NR_SIDES };

struct workload {
	unsigned int switch_1_in; /* 0: by seed */
	int (*body)(void *arg);
	uint64_t seed; /* the next run's */
};

struct words {
	atomic_long_t shared __cacheline_aligned;
	atomic_long_t own[NR_TASKS];
	struct rw_semaphore sem;
};

struct stepper {
	struct words *words;
	int index;
};

static int step_body(void *arg)
{
	struct stepper *stepper = arg;
	struct words *words = stepper->words;

	for (int i = 0; i < STEPS_A_TASK / 2; i++) {
		atomic_long_inc(&words->own[stepper->index]);
		(void)atomic_long_read(&words->shared);
	}
	return 0;
}

static int rwsem_body(void *arg)
{
	struct words *words = ((struct stepper *)arg)->words;

	for (int i = 0; i < OPERATIONS_A_TASK; i++) {
		if (i % 8) {
			down_read(&words->sem, SITE_user);
			up_read(&words->sem);
		} else {
			down_write(&words->sem, SITE_user);
			up_write(&words->sem);
		}
	}
	return 0;
}

static void create_tasks(struct mmsim *sim, struct stepper *steppers, struct words *words,
			 int (*body)(void *arg))
{
	static const char *const names[NR_TASKS] = {"a", "b", "c", "d"};

	for (int i = 0; i < NR_TASKS; i++) {
		const struct mmsim_task_attr attr = {.name = names[i], .cpu = -1};

		steppers[i] = (struct stepper){words, i};
		if (!mmsim_task_create(sim, &attr, body, &steppers[i]))
			bench_die("no task to be had");
	}
}

static double time_run(struct mmsim *sim, const struct workload *workload)
{
	struct stepper steppers[NR_TASKS];
	struct kmem_cache *cache =
		kmem_cache_create(sim, "bench_words", sizeof(struct words), CACHE_PLAIN, 0, NULL);
	struct words *words = cache ? kmem_cache_alloc(cache) : NULL;
	uint64_t steps, start, ns;

	if (!words || init_rwsem(&words->sem, LOCK_user, sim->rwsem[LOCK_user]))
		bench_die("no memory");
	create_tasks(sim, steppers, words, workload->body);
	steps = mmsim_steps(sim);
	start = bench_now_ns();
	if (mmsim_run(sim))
		bench_die("%s", mmsim_failure(sim));
	ns = bench_now_ns() - start;
	steps = mmsim_steps(sim) - steps;
	destroy_rwsem(&words->sem);
	kmem_cache_free(cache, words);
	return 1000 * (double)steps / (double)ns;
}

/* Millions of steps a second, in an instance of its own. */
static double run(void *context)
{
	struct workload *workload = context;
	struct mmsim_config config;
	struct mmsim *sim;
	double rate;

	mmsim_config_init(&config);
	config.seed = workload->seed++;
	config.switch_1_in = workload->switch_1_in;
	sim = bench_instance(&config, "step");
	rate = time_run(sim, workload);
	bench_instance_end(sim);
	return rate;
}

void bench_step_machine(struct bench *bench)
{
	struct workload uniform = {1, step_body, 1}, by_seed = {0, step_body, 1};
	struct workload rwsem = {1, rwsem_body, 1};
	struct contest contest = {
		.nr_sides = NR_SIDES,
		.side = {[UNIFORM] = {run, &uniform},
			 [DEFAULT] = {run, &by_seed},
			 [RWSEM] = {run, &rwsem},
			 [UNIFORM_AGAIN] = {run, &uniform}},
	};
	struct row row = {.unit = "M/s", .bound = AT_LEAST, .target = 10};

	contest_run(bench, &contest, bench_rounds(bench, 151, 31));
	row.floor = contest_ratio(&contest, UNIFORM_AGAIN, UNIFORM);
	row.name = "step_machine";
	row.estimate = contest_value(&contest, UNIFORM);
	bench_row(bench, &row, "%d tasks, a uniform choice at every step", NR_TASKS);
	row.name = "step_machine_default";
	row.estimate = contest_value(&contest, DEFAULT);
	bench_row(bench, &row, "the same, switching as the seed says");
	row.name = "step_machine_rwsem";
	row.estimate = contest_value(&contest, RWSEM);
	row.bound = NO_TARGET;
	bench_row(bench, &row, "rwsem operations, one in 8 a write, a uniform choice");
	contest_end(&contest);
}
