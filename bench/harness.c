/* SPDX-License-Identifier: MIT */
/* Contests, estimates, rows. */
#define _GNU_SOURCE
#include "harness.h"
#include "machine/host/topology.h"
#include "mmsim/mmsim.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define WARM_UP_ROUNDS 3
#define ATOMIC_OPERATIONS 4096
#define CANARY_TURNS 1000
#define CANARIES 3
#define TRIES_AT_ONCE 3
#define PAUSE_NS 5000000

void bench_die(const char *fmt, ...)
{
	va_list args;

	fputs("mmsim-bench: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

void bench_bind(int cpu)
{
	host_bind_to_cpu(cpu);
}

struct mmsim *bench_instance(struct mmsim_config *config, const char *machine)
{
	struct mmsim *sim;
	char error[256];

	if (mmsim_config_set(config, "machine", machine, error) ||
	    mmsim_create(config, &sim, error))
		bench_die("%s", error);
	return sim;
}

void bench_instance_end(struct mmsim *sim)
{
	if (mmsim_destroy(sim))
		bench_die("the instance leaked");
}

/* ---- disturbances ---- */

static int disturbed;
static bool delegated; /* main only */
static uint64_t best_canary_ns = UINT64_MAX;

static long preemptions(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nivcsw;
}

/* Six independent chains: a core that is shared has no room for all of them. */
static uint64_t canary_ns(void)
{
	uint64_t start = bench_now_ns();
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;

	for (int i = 0; i < CANARY_TURNS; i++) {
		a += 3, b ^= a, c += 5, d ^= c, e += 7, f ^= e;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	}
	return bench_now_ns() - start;
}

static bool is_slow(void)
{
	uint64_t ns = UINT64_MAX, best;

	/* The best of a few: an interrupt is no neighbour. */
	for (int i = 0; i < CANARIES; i++)
		ns = MIN(ns, canary_ns());
	best = __atomic_load_n(&best_canary_ns, __ATOMIC_RELAXED);
	if (ns < best)
		__atomic_store_n(&best_canary_ns, ns, __ATOMIC_RELAXED);
	return ns > best + best / 6;
}

void watch_begin(struct watch *watch)
{
	watch->slow = is_slow();
	watch->preemptions = preemptions();
}

bool watch_saw(const struct watch *watch)
{
	return watch->preemptions != preemptions() || watch->slow || is_slow();
}

void watch_end(const struct watch *watch)
{
	if (watch_saw(watch))
		bench_disturbed();
}

void bench_disturbed(void)
{
	__atomic_store_n(&disturbed, 1, __ATOMIC_SEQ_CST);
}

void bench_delegated(void)
{
	delegated = true;
}

int bench_rounds(const struct bench *bench, int full, int quick)
{
	return bench->quick ? quick : full;
}

double bench_atomic_ns(void *unused)
{
	static uint64_t word __cacheline_aligned;
	uint64_t start = bench_now_ns();

	(void)unused;
	for (int i = 0; i < ATOMIC_OPERATIONS; i++) {
		uint64_t old = __atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);

		/* Somebody wants the old value: it must be fetched. */
		__asm__ volatile("" : : "r"(old));
	}
	return (double)(bench_now_ns() - start) / ATOMIC_OPERATIONS;
}

/* ---- contests ---- */

static void shuffle(struct rng *rng, int *order, int n)
{
	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = n - 1; i > 0; i--) {
		int other = (int)rng_below(rng, (uint64_t)i + 1);
		int held = order[i];

		order[i] = order[other];
		order[other] = held;
	}
}

static double run_watched(const struct side *side, bool *was_disturbed)
{
	struct watch watch;
	double value;

	delegated = false;
	__atomic_store_n(&disturbed, 0, __ATOMIC_SEQ_CST);
	watch_begin(&watch);
	value = side->run(side->context);
	if (!delegated)
		watch_end(&watch);
	*was_disturbed = __atomic_load_n(&disturbed, __ATOMIC_SEQ_CST);
	return value;
}

static double run_side(struct bench *bench, const struct side *side)
{
	const struct timespec pause = {0, PAUSE_NS};
	bool was_disturbed;
	double value;

	for (int tries = 0;; tries++) {
		uint64_t start = bench_now_ns(), ns;

		value = run_watched(side, &was_disturbed);
		bench->runs++;
		if (!was_disturbed)
			return value;
		bench->disturbed_runs++;
		if (!bench->patience_ns)
			break;
		if (tries >= TRIES_AT_ONCE)
			nanosleep(&pause, NULL);
		ns = bench_now_ns() - start;
		bench->patience_ns -= MIN(ns, bench->patience_ns);
	}
	bench->disturbed_values++;
	return value;
}

void contest_run(struct bench *bench, struct contest *contest, int rounds)
{
	contest->rounds = rounds;
	contest->values = calloc((size_t)rounds * (size_t)contest->nr_sides, sizeof(double));
	if (!contest->values)
		bench_die("no memory");
	for (int round = -WARM_UP_ROUNDS; round < rounds; round++) {
		double *values = &contest->values[MAX(round, 0) * contest->nr_sides];
		int order[CONTEST_MAX_SIDES];

		shuffle(&bench->rng, order, contest->nr_sides);
		for (int i = 0; i < contest->nr_sides; i++)
			values[order[i]] = run_side(bench, &contest->side[order[i]]);
	}
}

void contest_end(struct contest *contest)
{
	free(contest->values);
	contest->values = NULL;
}

/* ---- estimates ---- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * The values at ranks n/2 -+ 1.96 sqrt(n)/2 enclose the median with 95 %,
 * whatever the distribution.
 */
static struct estimate estimate_of(double *values, int n)
{
	int away = (int)ceil(0.98 * sqrt(n));
	int low = MAX(n / 2 - away, 0), high = MIN((n - 1) / 2 + away, n - 1);

	qsort(values, (size_t)n, sizeof(*values), by_size);
	return (struct estimate){(values[(n - 1) / 2] + values[n / 2]) / 2, values[low],
				 values[high]};
}

static struct estimate estimate_rounds(const struct contest *contest,
				       double (*fn)(const double *values), int a, int b)
{
	double *derived = calloc((size_t)contest->rounds, sizeof(double));
	struct estimate estimate;

	if (!derived)
		bench_die("no memory");
	for (int round = 0; round < contest->rounds; round++) {
		const double *values = &contest->values[round * contest->nr_sides];

		if (fn)
			derived[round] = fn(values);
		else
			derived[round] = b < 0 ? values[a] : values[a] / values[b];
	}
	estimate = estimate_of(derived, contest->rounds);
	free(derived);
	return estimate;
}

struct estimate contest_value(const struct contest *contest, int side)
{
	return estimate_rounds(contest, NULL, side, -1);
}

struct estimate contest_ratio(const struct contest *contest, int numerator, int denominator)
{
	return estimate_rounds(contest, NULL, numerator, denominator);
}

struct estimate contest_derive(const struct contest *contest, double (*fn)(const double *values))
{
	return estimate_rounds(contest, fn, 0, 0);
}

/* ---- rows ---- */

void bench_row(struct bench *bench, const struct row *row, const char *fmt, ...)
{
	struct row *slot = &bench->rows[bench->nr_rows];
	va_list args;

	if (bench->nr_rows == BENCH_MAX_ROWS)
		bench_die("too many rows");
	bench->nr_rows++;
	*slot = *row;
	va_start(args, fmt);
	vsnprintf(slot->note, sizeof(slot->note), fmt, args);
	va_end(args);
}

bool row_met(const struct row *row)
{
	if (row->bound == AT_MOST)
		return row->estimate.value <= row->target;
	return row->bound == NO_TARGET || row->estimate.value >= row->target;
}
