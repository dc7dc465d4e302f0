/* SPDX-License-Identifier: MIT */
/*
 * What measuring costs: the same faults with statistics on and off.
 *
 * Goals: the ratio on the path where an acquisition is cheapest, a fault under
 * the VMA lock; and, without a target, under mmap_lock, whose holds are all
 * timed. Two instances of each kind, so that the A-against-A floor contains
 * what an instance's place in memory makes of it.
 * Non-goals: waits, whose edges are paid for by who waits anyway.
 */
#include "fault_rig.h"
#include "worker.h"

#define NR_PAGES 256
#define NR_BATCHES 4

enum { ON, OFF, ON_OTHER, OFF_OTHER, NR_SIDES };

/* An instance belongs to the thread that made it: each has its own. */
struct subject {
	struct worker worker;
	struct fault_rig rig;
	const char *kernel;
	bool statistics;
	double ns;
};

static void subject_create(void *arg)
{
	struct subject *subject = arg;

	bench_bind(0);
	fault_rig_create(&subject->rig, subject->kernel, subject->statistics, NR_PAGES);
}

static void subject_destroy(void *arg)
{
	fault_rig_destroy(&((struct subject *)arg)->rig);
}

/* The first batch brings the instance back into the caches and is not timed. */
static void subject_run(void *arg)
{
	struct subject *subject = arg;
	struct watch watch;

	worker_settle();
	fault_rig_run(&subject->rig);
	watch_begin(&watch);
	subject->ns = 0;
	for (int i = 0; i < NR_BATCHES; i++)
		subject->ns += fault_rig_run(&subject->rig) / NR_BATCHES;
	watch_end(&watch);
}

static double run(void *context)
{
	struct subject *subject = context;

	worker_call(&subject->worker, subject_run, subject);
	return subject->ns;
}

static double on_to_off(const double *values)
{
	return (values[ON] + values[ON_OTHER]) / (values[OFF] + values[OFF_OTHER]);
}

static void compare(struct bench *bench, const char *name, const char *kernel, enum bound bound)
{
	static struct subject subjects[NR_SIDES];
	struct contest contest = {.nr_sides = NR_SIDES};

	for (int i = 0; i < NR_SIDES; i++) {
		struct subject *subject = &subjects[i];

		worker_start(&subject->worker);
		subject->kernel = kernel;
		subject->statistics = i == ON || i == ON_OTHER;
		worker_call(&subject->worker, subject_create, subject);
		contest.side[i] = (struct side){run, subject};
	}
	contest_run(bench, &contest, bench_rounds(bench, 301, 61));
	bench_row(bench,
		  &(struct row){
			  .name = name,
			  .unit = "ratio",
			  .estimate = contest_derive(&contest, on_to_off),
			  .bound = bound,
			  .target = 1.05,
			  .floor = contest_ratio(&contest, ON_OTHER, ON),
		  },
		  "on %.1f ns, off %.1f ns a fault, kernel %s", contest_value(&contest, ON).value,
		  contest_value(&contest, OFF).value, kernel);
	contest_end(&contest);
	for (int i = 0; i < NR_SIDES; i++) {
		worker_call(&subjects[i].worker, subject_destroy, &subjects[i]);
		worker_stop(&subjects[i].worker);
	}
}

void bench_statistics(struct bench *bench)
{
	compare(bench, "stats_overhead", "6.18", AT_MOST);
	compare(bench, "stats_overhead_mmap_lock", "6.1", NO_TARGET);
}
