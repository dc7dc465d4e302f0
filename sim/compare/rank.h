/* SPDX-License-Identifier: MIT */
/*
 * How far paired samples lie apart, from ranks only: no distribution is assumed but that the
 * differences are symmetric about their middle, and an outlier weighs no more than a far value.
 *
 * Estimate: the Hodges-Lehmann median of the n(n+1)/2 Walsh averages (d[i] + d[j]) / 2, i <= j.
 * Interval: the k-th Walsh average from either end, k from the distribution of Wilcoxon's
 * signed-rank statistic. Ties and zeros among the differences make it a little too wide.
 * p: Wilcoxon's signed-rank test, two-sided. Equal magnitudes share their mean rank. Zeros are
 * ranked and then left out (Pratt): dropping them before would let a few differences among many
 * equal pairs look large. The distribution is that of these very ranks under random signs.
 * Exact means counted, with ties and zeros too, up to RANK_EXACT_MAX; above it is the normal
 * distribution with continuity correction, whose variance is that of the same ranks.
 */
#ifndef MMSIM_SIM_COMPARE_RANK_H
#define MMSIM_SIM_COMPARE_RANK_H

#include <stddef.h>

/* Above it the normal distribution: p is off by less than 0.003, and a small p is not too small. */
#define RANK_EXACT_MAX 60
/* The Walsh averages of so many take 16 MB. */
#define RANK_MAX 2000

struct rank_estimate {
	double shift;
	double low, high; /* -inf and inf when n is too small for the confidence */
	double confidence; /* what low .. high really has, at least what was asked for */
	double p;
	unsigned int n;
};

/**
 * rank_paired - estimate the middle of paired differences
 * @d: the differences, all finite
 * @n: how many, 1 to RANK_MAX
 * @confidence: of the interval, above 0 and below 1
 * @out: overwritten when 0 is returned
 *
 * At a confidence of 95 % the interval is finite from n = 6 on.
 *
 * Return: 0, -EINVAL for values out of their range, -E2BIG when @n is too large, -ENOMEM.
 */
int rank_paired(const double *d, size_t n, double confidence, struct rank_estimate *out);

#endif
