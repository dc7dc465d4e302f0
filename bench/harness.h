/* SPDX-License-Identifier: MIT */
/*
 * What the benches share: a clock, contests of sides that run interleaved in
 * random order, medians of rounds with their intervals, and the rows of the
 * result.
 *
 * Goals: a ratio that holds on a busy or virtual computer, since both sides of
 * each pair ran within the same few milliseconds; an interval with every
 * number; and the A-against-A floor, which says what difference is none.
 * Non-goals: absolute times that could be compared between computers.
 */
#ifndef MMSIM_BENCH_HARNESS_H
#define MMSIM_BENCH_HARNESS_H

#include "machine/machine.h"

#define BENCH_MAX_ROWS 64
#define CONTEST_MAX_SIDES 8

/* A median and the interval that holds it with 95 % (by order statistics). */
struct estimate {
	double value, low, high;
};

enum bound {
	NO_TARGET,
	AT_MOST,
	AT_LEAST,
};

struct row {
	const char *name, *unit;
	struct estimate estimate;
	enum bound bound;
	double target;
	struct estimate floor; /* A against A, a ratio; all 0: there is none */
	char note[160];
};

struct bench {
	uint64_t seed;
	bool quick;
	struct rng rng;
	unsigned long runs, disturbed_runs; /* of sides */
	unsigned long disturbed_values; /* used all the same: patience was at its end */
	uint64_t patience_ns; /* how long may still be waited for a quiet computer */
	int nr_rows;
	struct row rows[BENCH_MAX_ROWS];
};

_Noreturn void bench_die(const char *fmt, ...) __printf(1, 2);
uint64_t bench_now_ns(void);
/* Bind the calling thread to a CPU by the number that the host machine uses. */
void bench_bind(int cpu);

/*
 * A side that was disturbed runs again. It was when its thread was preempted,
 * or when a loop of plain arithmetic just before or after ran slower than it
 * can: then somebody else uses this core's other hardware thread, and code that
 * waits for memory and code that computes are slowed by different factors.
 */
struct watch {
	long preemptions;
	bool slow;
};
void watch_begin(struct watch *watch);
void watch_end(const struct watch *watch);
/* For a side in another process: whether it was disturbed, and to say so over here. */
bool watch_saw(const struct watch *watch);
void bench_disturbed(void);
/* The side is watched in other threads: main's own turn to wait does no harm. */
void bench_delegated(void);
/* @full rounds, or @quick ones with --quick. */
int bench_rounds(const struct bench *bench, int full, int quick);
/* The row's note is made from @fmt. */
void bench_row(struct bench *bench, const struct row *row, const char *fmt, ...) __printf(3, 4);
bool row_met(const struct row *row);
/* Nanoseconds of one uncontended atomic addition to a cached word. */
double bench_atomic_ns(void *unused);

struct mmsim;
struct mmsim_config;

/* An instance with @config on that machine; and its end, which finds nothing left. */
struct mmsim *bench_instance(struct mmsim_config *config, const char *machine);
void bench_instance_end(struct mmsim *sim);

/* What is compared: run once it answers a time (or a rate) per operation. */
struct side {
	double (*run)(void *context);
	void *context;
};

struct contest {
	int nr_sides;
	struct side side[CONTEST_MAX_SIDES];
	int rounds;
	double *values; /* [round][side] */
};

/*
 * Each round runs every side once, in an order drawn for the round; more often
 * when it is disturbed.
 */
void contest_run(struct bench *bench, struct contest *contest, int rounds);
void contest_end(struct contest *contest);

struct estimate contest_value(const struct contest *contest, int side);
/* Of the rounds' ratios, not the ratio of the medians. */
struct estimate contest_ratio(const struct contest *contest, int numerator, int denominator);
/* Of what @fn makes of each round's values. */
struct estimate contest_derive(const struct contest *contest, double (*fn)(const double *values));

/* ---- the benches, one file each ---- */

void bench_rwsem(struct bench *bench);
void bench_vma_index(struct bench *bench);
void bench_fault(struct bench *bench);
void bench_mmap_munmap(struct bench *bench);
void bench_dontneed(struct bench *bench);
void bench_fork(struct bench *bench);
void bench_memory(struct bench *bench);
void bench_statistics(struct bench *bench);
void bench_two_tasks(struct bench *bench);
void bench_step_machine(struct bench *bench);
void bench_modelled(struct bench *bench);

#endif
