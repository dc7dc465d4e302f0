/* SPDX-License-Identifier: MIT */
/*
 * The rwsem's read side against the C library's rwlock.
 *
 * Goals: the price of acquire and release with statistics on, as a user of the
 * public API pays it; one task alone, and two on one lock on different CPUs.
 * Non-goals: waiting, writers, fairness; the holds of classes that are always
 * timed (class "user" is timed 1 in 64).
 */
#include "mmsim/mmsim.h"
#include "worker.h"

#define ALONE_OPERATIONS 4096
#define TWO_OPERATIONS 16384
#define TWO_STRIDE 32

enum { OURS, THEIRS, OURS_AGAIN, NR_SIDES };

struct locks {
	struct mmsim *sim;
	struct mmsim_rwsem *rwsem;
	pthread_rwlock_t rwlock __cacheline_aligned;
	struct lanes lanes;
};

static void ours(void *context, size_t first, size_t n)
{
	struct mmsim_rwsem *rwsem = ((struct locks *)context)->rwsem;

	(void)first;
	for (size_t i = 0; i < n; i++) {
		mmsim_down_read(rwsem);
		mmsim_up_read(rwsem);
	}
}

static void theirs(void *context, size_t first, size_t n)
{
	pthread_rwlock_t *rwlock = &((struct locks *)context)->rwlock;

	(void)first;
	for (size_t i = 0; i < n; i++) {
		pthread_rwlock_rdlock(rwlock);
		pthread_rwlock_unlock(rwlock);
	}
}

static double ours_alone(void *context)
{
	uint64_t start = bench_now_ns();

	ours(context, 0, ALONE_OPERATIONS);
	return (double)(bench_now_ns() - start) / ALONE_OPERATIONS;
}

static double theirs_alone(void *context)
{
	uint64_t start = bench_now_ns();

	theirs(context, 0, ALONE_OPERATIONS);
	return (double)(bench_now_ns() - start) / ALONE_OPERATIONS;
}

static double both_lanes(struct locks *locks, void (*step)(void *context, size_t first, size_t n))
{
	const struct lane_job jobs[NR_LANES] = {{step, locks}, {step, locks}};

	return 1 / lanes_run(&locks->lanes, jobs, NR_LANES, TWO_OPERATIONS, TWO_STRIDE);
}

static double ours_two(void *context)
{
	return both_lanes(context, ours);
}

static double theirs_two(void *context)
{
	return both_lanes(context, theirs);
}

static void compare(struct bench *bench, struct locks *locks, const char *name,
		    double (*run_ours)(void *), double (*run_theirs)(void *))
{
	struct contest contest = {
		.nr_sides = NR_SIDES,
		.side = {[OURS] = {run_ours, locks},
			 [THEIRS] = {run_theirs, locks},
			 [OURS_AGAIN] = {run_ours, locks}},
	};

	contest_run(bench, &contest, bench_rounds(bench, 301, 61));
	bench_row(bench,
		  &(struct row){
			  .name = name,
			  .unit = "ratio",
			  .estimate = contest_ratio(&contest, OURS, THEIRS),
			  .bound = AT_MOST,
			  .target = 1.0,
			  .floor = contest_ratio(&contest, OURS_AGAIN, OURS),
		  },
		  "rwsem %.1f ns, pthread_rwlock %.1f ns", contest_value(&contest, OURS).value,
		  contest_value(&contest, THEIRS).value);
	contest_end(&contest);
}

void bench_rwsem(struct bench *bench)
{
	static struct locks locks;
	struct mmsim_config config;
	char error[256];

	mmsim_config_init(&config);
	if (mmsim_create(&config, &locks.sim, error))
		bench_die("%s", error);
	locks.rwsem = mmsim_rwsem_create(locks.sim);
	if (!locks.rwsem)
		bench_die("no memory");
	pthread_rwlock_init(&locks.rwlock, NULL);
	compare(bench, &locks, "rwsem_read_alone", ours_alone, theirs_alone);
	lanes_start(&locks.lanes, locks.sim, NULL);
	compare(bench, &locks, "rwsem_read_two", ours_two, theirs_two);
	lanes_stop(&locks.lanes);
	pthread_rwlock_destroy(&locks.rwlock);
	mmsim_rwsem_destroy(locks.sim, locks.rwsem);
	if (mmsim_destroy(locks.sim))
		bench_die("the instance leaked");
}
