/* SPDX-License-Identifier: MIT */
/*
 * The histogram against exact sorting: every quantile within 1/32 of the value
 * at its rank, extremes and sum exact, merging the same as adding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine/machine.h"
#include "trace/histogram.h"

#define SEEDS 12
#define MAX_VALUES 5000
#define LONGEST (1ull << HISTOGRAM_MAX_BITS)

static struct histogram histogram, other, both;
static uint64_t values[MAX_VALUES];

/* ---- distributions ---- */

static uint64_t draw_small(struct rng *rng)
{
	return rng_below(rng, 40);
}

static uint64_t draw_uniform(struct rng *rng)
{
	return rng_below(rng, 1000000);
}

/* Every octave as likely as another. */
static uint64_t draw_octaves(struct rng *rng)
{
	return rng_next(rng) >> (64 - HISTOGRAM_MAX_BITS + rng_below(rng, HISTOGRAM_MAX_BITS));
}

/* Mostly short, some a thousand times longer. */
static uint64_t draw_two_peaks(struct rng *rng)
{
	uint64_t at = rng_below(rng, 100) ? 3000 : 3000000;

	return at + rng_below(rng, at / 8);
}

static uint64_t draw_constant(struct rng *rng)
{
	(void)rng;
	return 123457;
}

/* Both sides of the places where a bucket ends. */
static uint64_t draw_edges(struct rng *rng)
{
	uint64_t top = 1ull << rng_below(rng, HISTOGRAM_MAX_BITS);

	return top + (top * rng_below(rng, HISTOGRAM_SUB) >> HISTOGRAM_SUB_BITS) -
	       rng_below(rng, 2);
}

/* Some do not fit. */
static uint64_t draw_too_long(struct rng *rng)
{
	return rng_next(rng) >> (8 + rng_below(rng, 40));
}

static const struct {
	const char *name;
	uint64_t (*draw)(struct rng *rng);
} distributions[] = {
	{"small", draw_small},	       {"uniform", draw_uniform},   {"octaves", draw_octaves},
	{"two peaks", draw_two_peaks}, {"constant", draw_constant}, {"edges", draw_edges},
	{"too long", draw_too_long},
};

/* ---- the property ---- */

static int compare_values(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A value too long for a bucket counts as the longest that fits. */
static uint64_t as_counted(uint64_t value, uint64_t min)
{
	return MAX(MIN(value, LONGEST - 1), min);
}

static void compare_quantiles(const struct histogram *h, const uint64_t *sorted, size_t n)
{
	for (unsigned int per_mille = 0; per_mille <= 1000; per_mille++) {
		size_t rank = MAX((n * per_mille + 999) / 1000, 1);
		uint64_t exact = as_counted(sorted[rank - 1], sorted[0]);
		uint64_t got = histogram_quantile(h, per_mille);

		if (per_mille == 1000)
			exact = sorted[n - 1];
		if (got > exact + exact / HISTOGRAM_ERROR_DIVISOR ||
		    got + exact / HISTOGRAM_ERROR_DIVISOR < exact)
			fail_msg("%u per mille of %zu values: %llu, exactly %llu", per_mille, n,
				 (unsigned long long)got, (unsigned long long)exact);
	}
	assert_int_equal(histogram_quantile(h, 1000), sorted[n - 1]);
}

static void check_distribution(uint64_t (*draw)(struct rng *rng), const char *name, uint64_t seed)
{
	uint64_t sum = 0;
	struct rng rng;
	size_t n;

	rng_init(&rng, seed, name, 0);
	n = 1 + (seed % 3 ? rng_below(&rng, MAX_VALUES) : rng_below(&rng, 10));
	memset(&histogram, 0, sizeof(histogram));
	for (size_t i = 0; i < n; i++) {
		values[i] = draw(&rng);
		sum += values[i];
		histogram_add(&histogram, values[i]);
	}
	qsort(values, n, sizeof(*values), compare_values);
	compare_quantiles(&histogram, values, n);
	assert_int_equal(histogram.count, n);
	assert_int_equal(histogram.min, values[0]);
	assert_int_equal(histogram.max, values[n - 1]);
	assert_int_equal(histogram.sum, sum);
}

static void quantiles_are_near(void **state)
{
	(void)state;
	for (size_t d = 0; d < ARRAY_SIZE(distributions); d++)
		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			check_distribution(distributions[d].draw, distributions[d].name, seed);
}

/* Each single value, so that no bucket's bounds are left out. */
static void single_values_are_near(void **state)
{
	static const int64_t offsets[] = {-2, -1, 0, 1, 2};

	(void)state;
	for (unsigned int i = 0; i < (HISTOGRAM_MAX_BITS - 2) * 64; i++)
		for (size_t j = 0; j < ARRAY_SIZE(offsets); j++) {
			uint64_t base = (64 + i % 64ull) << i / 64 >> 4;
			uint64_t value = base + (uint64_t)offsets[j];
			uint64_t got;

			memset(&histogram, 0, sizeof(histogram));
			histogram_add(&histogram, value);
			/* Neighbours open the clamp to min and max. */
			histogram_add(&histogram, 0);
			histogram_add(&histogram, LONGEST - 1);
			got = histogram_quantile(&histogram, 500);
			assert_true(got <= value + value / HISTOGRAM_ERROR_DIVISOR);
			assert_true(got + value / HISTOGRAM_ERROR_DIVISOR >= value);
			if (value < HISTOGRAM_SUB)
				assert_int_equal(got, value);
		}
}

/* ---- merging ---- */

static void check_merge(uint64_t (*draw)(struct rng *rng), uint64_t seed)
{
	struct rng rng;
	size_t n;

	rng_init(&rng, seed, "merge", 0);
	n = rng_below(&rng, 1000);
	memset(&histogram, 0, sizeof(histogram));
	memset(&other, 0, sizeof(other));
	memset(&both, 0, sizeof(both));
	for (size_t i = 0; i < n; i++) {
		uint64_t value = draw(&rng);

		histogram_add(rng_below(&rng, 3) ? &histogram : &other, value);
		histogram_add(&both, value);
	}
	histogram_merge(&histogram, &other);
	assert_memory_equal(&histogram, &both, sizeof(both));
}

static void fine_ones_are_finer(void **state)
{
	static struct fine_histogram fine, sum;
	struct rng rng;
	size_t rank;

	(void)state;
	rng_init(&rng, 7, "fine", 0);
	for (size_t i = 0; i < MAX_VALUES; i++) {
		values[i] = rng_next(&rng) >> (22 + rng_below(&rng, 40));
		fine_histogram_add(&fine, values[i]);
	}
	qsort(values, MAX_VALUES, sizeof(*values), compare_values);
	fine_histogram_merge(&sum, &fine);
	for (unsigned int per_mille = 1; per_mille < 1000; per_mille++) {
		uint64_t exact, got = fine_histogram_quantile(&sum, per_mille);

		rank = (MAX_VALUES * per_mille + 999) / 1000;
		exact = values[rank - 1];
		assert_true(got <= exact + exact / 256 && got + exact / 256 >= exact);
	}
	assert_int_equal(sum.count, MAX_VALUES);
	assert_int_equal(fine_histogram_quantile(&sum, 1000), values[MAX_VALUES - 1]);
}

static void merge_is_adding(void **state)
{
	(void)state;
	for (size_t d = 0; d < ARRAY_SIZE(distributions); d++)
		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			check_merge(distributions[d].draw, seed);
}

static void merge_with_none(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	memset(&other, 0, sizeof(other));
	memset(&both, 0, sizeof(both));
	histogram_add(&histogram, 77);
	histogram_add(&both, 77);
	histogram_merge(&histogram, &other);
	assert_memory_equal(&histogram, &both, sizeof(both));
	/* The least of nothing is not 0. */
	histogram_merge(&other, &histogram);
	assert_memory_equal(&other, &both, sizeof(both));
}

/* ---- the ends ---- */

static void nothing_added(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	for (unsigned int per_mille = 0; per_mille <= 1000; per_mille += 100)
		assert_int_equal(histogram_quantile(&histogram, per_mille), 0);
}

static void too_long_values(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	histogram_add(&histogram, LONGEST);
	histogram_add(&histogram, LONGEST * 2 + 5);
	histogram_add(&histogram, LONGEST * 1000);
	assert_int_equal(histogram.count, 3);
	assert_int_equal(histogram.min, LONGEST);
	assert_int_equal(histogram.max, LONGEST * 1000);
	assert_int_equal(histogram.sum, LONGEST * 1003 + 5);
	assert_int_equal(histogram.bucket[HISTOGRAM_BUCKETS - 1], 3);
	assert_int_equal(histogram_quantile(&histogram, 1000), LONGEST * 1000);
	/* Below the least of all no quantile can lie. */
	assert_int_equal(histogram_quantile(&histogram, 500), LONGEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_near), cmocka_unit_test(single_values_are_near),
		cmocka_unit_test(fine_ones_are_finer),
		cmocka_unit_test(merge_is_adding),    cmocka_unit_test(merge_with_none),
		cmocka_unit_test(nothing_added),      cmocka_unit_test(too_long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
