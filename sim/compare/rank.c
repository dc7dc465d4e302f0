/* SPDX-License-Identifier: MIT */
/* Source: Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3.1 to 3.3; Pratt 1959. */
#include "rank.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Ranks are kept doubled, so that the mean rank of tied values is a whole number. */
#define EXACT_SUM_MAX (RANK_EXACT_MAX * (RANK_EXACT_MAX + 1))

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static int compare_magnitudes(const void *left, const void *right)
{
	double a = fabs(*(const double *)left), b = fabs(*(const double *)right);

	return (a > b) - (a < b);
}

/* ---- the distribution of a sum of ranks, each taken or left with probability 1/2 ---- */

/*
 * Add one rank after the other: the sum is w when it was w and the rank is left, or when it was
 * w - rank and the rank is taken.
 */
static void sum_distribution(const unsigned int *ranks, size_t n, double *p)
{
	unsigned int sum = 0;

	p[0] = 1;
	for (size_t i = 0; i < n; i++) {
		for (unsigned int w = sum + 1; w <= sum + ranks[i]; w++)
			p[w] = 0;
		sum += ranks[i];
		for (unsigned int w = sum; w >= ranks[i]; w--)
			p[w] = (p[w] + p[w - ranks[i]]) / 2;
		for (unsigned int w = 0; w < ranks[i]; w++)
			p[w] /= 2;
	}
}

/* P(sum <= w) by the normal distribution; @step is the distance of neighbouring sums. */
static double normal_tail(double w, double mean, double variance, double step)
{
	return erfc((mean - w - step / 2) / sqrt(2 * variance)) / 2;
}

/* ---- the test ---- */

/* Doubled mean ranks by magnitude of the sorted @d; those of zeros are left out. */
static size_t rank_magnitudes(const double *d, size_t n, unsigned int *ranks, unsigned int *plus)
{
	size_t used = 0;

	*plus = 0;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && fabs(d[end]) == fabs(d[i]);)
			end++;
		/* The mean of i + 1 .. end. */
		for (size_t at = i; at < end && d[i] != 0; at++) {
			ranks[used++] = i + 1 + end;
			*plus += d[at] > 0 ? i + 1 + end : 0;
		}
	}
	return used;
}

static double exact_p(const unsigned int *ranks, size_t n, unsigned int smaller)
{
	double p[EXACT_SUM_MAX + 1], tail = 0;

	sum_distribution(ranks, n, p);
	for (unsigned int w = 0; w <= smaller; w++)
		tail += p[w];
	return tail;
}

static double normal_p(const unsigned int *ranks, size_t n, unsigned int smaller)
{
	double mean = 0, variance = 0;

	for (size_t i = 0; i < n; i++) {
		mean += ranks[i] / 2.0;
		variance += (double)ranks[i] * ranks[i] / 4;
	}
	return normal_tail(smaller, mean, variance, 2);
}

/* @d is sorted by magnitude; @ranks has room for as many. */
static double signed_rank_p(const double *d, size_t n, unsigned int *ranks)
{
	unsigned int plus, minus = 0;
	size_t used = rank_magnitudes(d, n, ranks, &plus);
	double tail;

	if (!used)
		return 1;
	for (size_t i = 0; i < used; i++)
		minus += ranks[i];
	minus -= plus;
	if (n <= RANK_EXACT_MAX)
		tail = exact_p(ranks, used, plus < minus ? plus : minus);
	else
		tail = normal_p(ranks, used, plus < minus ? plus : minus);
	return fmin(2 * tail, 1);
}

/* ---- the interval ---- */

/*
 * How many Walsh averages are cut off at either end: the most whose probability is within half of
 * what the confidence leaves. That many averages above the true middle, or fewer, is as likely as
 * a signed-rank statistic below their number.
 */
static size_t interval_cut(size_t n, double confidence, double *real)
{
	double p[EXACT_SUM_MAX + 1], mean = n * (n + 1) / 4.0, tail = 0, next;
	unsigned int ranks[RANK_EXACT_MAX];
	size_t cut = 0;

	if (n <= RANK_EXACT_MAX) {
		for (size_t i = 0; i < n; i++)
			ranks[i] = i + 1;
		sum_distribution(ranks, n, p);
	}
	/* tail: P(statistic < cut) */
	for (;; cut++, tail = next) {
		if (n <= RANK_EXACT_MAX)
			next = tail + p[cut];
		else
			next = normal_tail(cut, mean, mean * (2 * n + 1) / 6, 1);
		if (next > (1 - confidence) / 2)
			break;
	}
	*real = 1 - 2 * tail;
	return cut;
}

static void estimate(const double *walsh, size_t n, double confidence, struct rank_estimate *out)
{
	size_t nr_walsh = n * (n + 1) / 2, cut = interval_cut(n, confidence, &out->confidence);

	out->shift = walsh[(nr_walsh - 1) / 2] / 2 + walsh[nr_walsh / 2] / 2;
	out->low = cut ? walsh[cut - 1] : -INFINITY;
	out->high = cut ? walsh[nr_walsh - cut] : INFINITY;
}

static void walsh_averages(const double *d, size_t n, double *walsh)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			walsh[at++] = d[i] / 2 + d[j] / 2;
	qsort(walsh, at, sizeof(*walsh), compare_doubles);
}

static bool all_finite(const double *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(d[i]))
			return false;
	return true;
}

int rank_paired(const double *d, size_t n, double confidence, struct rank_estimate *out)
{
	unsigned int *ranks;
	double *values;

	if (n > RANK_MAX)
		return -E2BIG;
	if (!n || !(confidence > 0 && confidence < 1) || !all_finite(d, n))
		return -EINVAL;
	ranks = malloc(n * sizeof(*ranks));
	values = malloc(n * (n + 1) / 2 * sizeof(*values));
	if (!ranks || !values) {
		free(ranks);
		free(values);
		return -ENOMEM;
	}
	out->n = n;
	walsh_averages(d, n, values);
	estimate(values, n, confidence, out);
	/* There are at least as many averages as differences: the same memory holds these. */
	for (size_t i = 0; i < n; i++)
		values[i] = d[i];
	qsort(values, n, sizeof(*values), compare_magnitudes);
	out->p = signed_rank_p(values, n, ranks);
	free(ranks);
	free(values);
	return 0;
}
