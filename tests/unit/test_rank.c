/* SPDX-License-Identifier: MIT */
/*
 * Ranks of paired differences against counting all signs, against published examples and tables,
 * and how often the interval covers the truth.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compare/rank.h"
#include "machine/machine.h"

#define BRUTE_MAX 12
#define BRUTE_DRAWS 40
#define COVERAGE_DRAWS 2000

static struct rank_estimate estimate(const double *d, size_t n, double confidence)
{
	struct rank_estimate out;

	assert_int_equal(rank_paired(d, n, confidence, &out), 0);
	assert_int_equal(out.n, n);
	return out;
}

static double uniform(struct rng *rng)
{
	return ((rng_next(rng) >> 11) + 0.5) / 9007199254740992.0;
}

/* ---- against counting all signs ---- */

/* Twice the rank of |d[i]| by its definition: how many are smaller, and half of those equal. */
static unsigned int brute_rank(const double *d, unsigned int n, unsigned int i)
{
	unsigned int smaller = 0, equal = 0;

	for (unsigned int j = 0; j < n; j++) {
		smaller += fabs(d[j]) < fabs(d[i]);
		equal += fabs(d[j]) == fabs(d[i]);
	}
	return 2 * smaller + equal + 1;
}

/* The signed rank sum with the signs of @minus; zeros have no sign. */
static int brute_sum(const double *d, unsigned int n, unsigned int minus)
{
	int sum = 0;

	for (unsigned int i = 0; i < n; i++) {
		int rank = d[i] != 0 ? (int)brute_rank(d, n, i) : 0;

		sum += minus >> i & 1 ? -rank : rank;
	}
	return sum;
}

static double brute_p(const double *d, unsigned int n)
{
	unsigned int signs = 0, as_far = 0;
	int seen;

	for (unsigned int i = 0; i < n; i++)
		signs |= (unsigned int)(d[i] < 0) << i;
	seen = abs(brute_sum(d, n, signs));
	for (unsigned int minus = 0; minus < 1u << n; minus++)
		as_far += abs(brute_sum(d, n, minus)) >= seen;
	return (double)as_far / (1u << n);
}

/* The interval must be cut where counting all signs of 1 .. n says so. */
static unsigned int brute_cut(unsigned int n, double confidence)
{
	unsigned int counts[BRUTE_MAX * (BRUTE_MAX + 1) / 2 + 1] = {0}, below = 0, cut = 0;

	for (unsigned int plus = 0; plus < 1u << n; plus++) {
		unsigned int sum = 0;

		for (unsigned int i = 0; i < n; i++)
			sum += plus >> i & 1 ? i + 1 : 0;
		counts[sum]++;
	}
	while ((below += counts[cut]) <= (1 - confidence) / 2 * (1u << n))
		cut++;
	return cut;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

#define MORE (RANK_EXACT_MAX + 40)

static double walsh[MORE * (MORE + 1) / 2];

/* All averages of two, sorted. */
static void walsh_of(const double *d, unsigned int n)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = 0; j <= i; j++)
			walsh[at++] = (d[i] + d[j]) / 2;
	qsort(walsh, at, sizeof(*walsh), compare);
}

static void check_brute(const double *d, unsigned int n)
{
	static const double confidences[] = {0.5, 0.8, 0.95, 0.99};
	unsigned int last = n * (n + 1) / 2 - 1;
	double middle, p = brute_p(d, n);

	walsh_of(d, n);
	middle = (walsh[last / 2] + walsh[(last + 1) / 2]) / 2;
	for (unsigned int c = 0; c < 4; c++) {
		struct rank_estimate got = estimate(d, n, confidences[c]);
		unsigned int cut = brute_cut(n, confidences[c]);

		assert_true(fabs(got.p - p) < 1e-12);
		assert_true(fabs(got.shift - middle) < 1e-12);
		assert_true(got.confidence >= confidences[c]);
		if (cut) {
			assert_true(got.low == walsh[cut - 1]);
			assert_true(got.high == walsh[last - (cut - 1)]);
		} else {
			assert_true(isinf(got.low) && got.low < 0);
			assert_true(isinf(got.high) && got.high > 0);
		}
	}
}

/* Few different values make ties and zeros; no bound makes none. */
static double draw(struct rng *rng, unsigned int values)
{
	double magnitude = values ? rng_below(rng, values) : -log(uniform(rng));

	return rng_below(rng, 3) ? magnitude : -magnitude;
}

static void like_counting_all_signs(void **state)
{
	static const unsigned int values[] = {0, 1, 2, 3, 5, 9};
	struct rng rng;
	double d[BRUTE_MAX];

	(void)state;
	rng_init(&rng, 1, "test_rank", 0);
	for (unsigned int n = 1; n <= BRUTE_MAX; n++)
		for (unsigned int round = 0; round < BRUTE_DRAWS; round++) {
			for (unsigned int i = 0; i < n; i++)
				d[i] = draw(&rng, values[round % 6]);
			check_brute(d, n);
		}
}

/* ---- against what is published ---- */

/* Hollander and Wolfe, table 3.1: depression scale before and after; zero hypothesis 3.9 %. */
static void depression_scale(void **state)
{
	static const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
	static const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
	struct rank_estimate got;
	double d[9];

	(void)state;
	for (unsigned int i = 0; i < 9; i++)
		d[i] = after[i] - before[i];
	got = estimate(d, 9, 0.95);
	assert_true(fabs(got.p - 2 * 0.01953125) < 1e-12);
	assert_true(fabs(got.shift + 0.46) < 1e-9);
	assert_true(fabs(got.low + 0.786) < 1e-9 && fabs(got.high + 0.010) < 1e-9);
	assert_true(fabs(got.confidence - 0.961) < 5e-4);
}

/* Darwin's maize, heights of crossed less self-fertilised plants; p as other programs give it. */
static void darwins_maize(void **state)
{
	static const double d[] = {6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75};

	(void)state;
	assert_true(fabs(estimate(d, 15, 0.95).p - 0.041259765625) < 1e-12);
}

/* The table of Wilcoxon's test, 5 % two-sided: the largest smaller rank sum that is significant. */
static void critical_values(void **state)
{
	static const struct {
		unsigned int n, sum;
	} table[] = {{6, 0},   {7, 2},	 {8, 3},   {9, 5},   {10, 8},  {11, 10},
		     {12, 13}, {13, 17}, {14, 21}, {15, 25}, {16, 29}, {17, 34},
		     {18, 40}, {19, 46}, {20, 52}, {25, 89}, {30, 137}};
	double d[60];

	(void)state;
	for (unsigned int i = 0; i < 60; i++)
		d[i] = sqrt(i + 2) - 4; /* no two averages alike */
	for (unsigned int t = 0; t < sizeof(table) / sizeof(*table); t++) {
		struct rank_estimate got = estimate(d, table[t].n, 0.95);

		walsh_of(d, table[t].n);
		assert_true(got.low == walsh[table[t].sum]);
	}
}

/* ---- the normal distribution above the exact one ---- */

static double at_most[MORE * (MORE + 1) / 2 + 1];

/* P(sum of the taken ones of 1 .. n <= w), all counted. */
static void count_sums(unsigned int n)
{
	unsigned int max = n * (n + 1) / 2;
	long double ways[MORE * (MORE + 1) / 2 + 1] = {1}, below = 0;

	for (unsigned int rank = 1; rank <= n; rank++)
		for (unsigned int w = max; w >= rank; w--)
			ways[w] += ways[w - rank];
	for (unsigned int w = 0; w <= max; w++) {
		below += ways[w];
		at_most[w] = ldexpl(below, -(int)n);
	}
}

/* Distinct magnitudes 1 .. n with the signs of a shift by about @shift standard deviations. */
static unsigned int draw_ranks(struct rng *rng, unsigned int n, double shift, double *d)
{
	unsigned int minus = 0;

	for (unsigned int i = 0; i < n; i++) {
		bool is_minus = uniform(rng) > 0.5 + shift * 0.87 / sqrt(n);

		d[i] = is_minus ? -(i + 1.0) : i + 1.0;
		minus += is_minus ? i + 1 : 0;
	}
	return minus;
}

/* A small p of the normal distribution must not be too small; elsewhere it may be a little off. */
static double check_p(double exact, double got)
{
	if (exact < 0.01)
		assert_true(got >= exact * 0.97);
	return fabs(got - exact);
}

/* How far off the confidence is: the end's place in the sorted averages is the rank sum cut at. */
static double confidence_error(unsigned int n)
{
	struct rank_estimate got;
	unsigned int cut = 0;
	double d[MORE];

	for (unsigned int i = 0; i < n; i++)
		d[i] = sqrt(i + 2) - 4;
	walsh_of(d, n);
	got = estimate(d, n, 0.95);
	while (walsh[cut] != got.low)
		cut++;
	return fmax(fabs(2 * at_most[cut] - 0.05), fabs(2 * at_most[cut] + got.confidence - 1));
}

static void normal_is_near_the_exact(void **state)
{
	double d[MORE], worst_p = 0, worst_confidence = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 2, "test_rank", 0);
	for (unsigned int n = RANK_EXACT_MAX + 1; n <= MORE; n++) {
		count_sums(n);
		worst_confidence = fmax(worst_confidence, confidence_error(n));
		for (double shift = -4; shift <= 4; shift += 0.25) {
			unsigned int max = n * (n + 1) / 2, minus = draw_ranks(&rng, n, shift, d);
			double p = 2 * at_most[minus < max - minus ? minus : max - minus];

			p = check_p(fmin(p, 1), estimate(d, n, 0.95).p);
			worst_p = fmax(worst_p, p);
		}
	}
	print_message("worst: p by %.5f, confidence by %.5f\n", worst_p, worst_confidence);
	assert_true(worst_p < 0.003);
	assert_true(worst_confidence < 0.002);
}

static void many(void **state)
{
	double *d = malloc(RANK_MAX * sizeof(*d));
	struct rank_estimate got;

	(void)state;
	for (unsigned int i = 0; i < RANK_MAX; i++)
		d[i] = i % 2 ? i / 2 : -(double)(i / 2);
	got = estimate(d, RANK_MAX, 0.95);
	assert_true(got.low < 0 && got.high > 0 && fabs(got.shift) < 1 && got.p > 0.9);
	for (unsigned int i = 0; i < RANK_MAX; i++)
		d[i] += 100;
	got = estimate(d, RANK_MAX, 0.95);
	assert_true(fabs(got.shift - 100) < 1 && got.low < 100 && got.high > 100 && got.p < 1e-5);
	free(d);
}

/* ---- how often the truth is covered ---- */

/*
 * Exponential differences are as skewed as measurements get. Half the average of two has a gamma
 * distribution of shape 2, whose median is 1.6783469900; what is estimated is half of that.
 */
static void covers_the_truth(void **state)
{
	const double truth = 1.6783469900166605 / 2;
	unsigned int covered = 0;
	struct rng rng;
	double d[12];

	(void)state;
	rng_init(&rng, 3, "test_rank", 0);
	for (unsigned int round = 0; round < COVERAGE_DRAWS; round++) {
		struct rank_estimate got;

		for (unsigned int i = 0; i < 12; i++)
			d[i] = -log(uniform(&rng));
		got = estimate(d, 12, 0.95);
		covered += got.low <= truth && truth <= got.high;
	}
	print_message("covered: %.2f %%\n", 100.0 * covered / COVERAGE_DRAWS);
	assert_in_range(covered, COVERAGE_DRAWS * 935 / 1000, COVERAGE_DRAWS * 975 / 1000);
}

/* ---- the ends ---- */

static void too_few_for_an_interval(void **state)
{
	static const double d[] = {1, 2, 3, 4, 5, 6};

	(void)state;
	assert_true(isinf(estimate(d, 5, 0.95).low) && isinf(estimate(d, 5, 0.95).high));
	assert_true(estimate(d, 5, 0.95).confidence == 1);
	assert_true(estimate(d, 6, 0.95).low == 1 && estimate(d, 6, 0.95).high == 6);
	assert_true(estimate(d, 1, 0.95).shift == 1 && estimate(d, 1, 0.95).p == 1);
}

static void nothing_but_zeros(void **state)
{
	static const double d[9] = {0};
	struct rank_estimate got = estimate(d, 9, 0.95);

	(void)state;
	assert_true(got.p == 1 && got.shift == 0 && got.low == 0 && got.high == 0);
}

static void bad_input(void **state)
{
	static const double d[] = {1, NAN, INFINITY, 1e308, 1e308}, none[RANK_MAX + 1];
	struct rank_estimate out;

	(void)state;
	assert_int_equal(rank_paired(d, 0, 0.95, &out), -EINVAL);
	assert_int_equal(rank_paired(d, 2, 0.95, &out), -EINVAL);
	assert_int_equal(rank_paired(d + 2, 1, 0.95, &out), -EINVAL);
	assert_int_equal(rank_paired(d, 1, 0, &out), -EINVAL);
	assert_int_equal(rank_paired(d, 1, 1, &out), -EINVAL);
	assert_int_equal(rank_paired(d, 1, NAN, &out), -EINVAL);
	assert_int_equal(rank_paired(none, RANK_MAX + 1, 0.95, &out), -E2BIG);
	/* Values near the largest double do not overflow. */
	assert_int_equal(rank_paired(d + 3, 2, 0.2, &out), 0);
	assert_true(out.shift == 1e308 && out.low == 1e308 && out.high == 1e308);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_counting_all_signs),
		cmocka_unit_test(depression_scale),
		cmocka_unit_test(darwins_maize),
		cmocka_unit_test(critical_values),
		cmocka_unit_test(normal_is_near_the_exact),
		cmocka_unit_test(many),
		cmocka_unit_test(covers_the_truth),
		cmocka_unit_test(too_few_for_an_interval),
		cmocka_unit_test(nothing_but_zeros),
		cmocka_unit_test(bad_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
