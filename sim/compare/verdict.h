/* SPDX-License-Identifier: MIT */
/*
 * What can be said of one metric after interleaved rounds of A, A' (A once more) and B.
 *
 * The scale. When all values are above 0, logarithms of ratios are judged: what varies on a
 * machine varies in percent, and B against A then gets the mirror image of A against B. Otherwise
 * differences are judged, in the metric's unit. rank.h estimates on either.
 *
 * The noise floor is the 95 % interval of A' against A, got in the very same way. It is what this
 * machine makes out of no change at all.
 *
 * The verdicts, in this order:
 * - same: the whole 95 % interval of B against A lies within the effect; or that of their
 *   difference does within the absolute effect; or all pairs are equal, however few.
 * - better, worse: all of these hold. The corrected p is below alpha. The whole interval lies on
 *   one side of no change. The estimate is beyond the effect (and the difference's beyond the
 *   absolute effect). The interval has nothing in common with the noise floor's.
 * - cannot be measured here: all else. More rounds may help, a quieter machine does.
 *
 * "Within the effect e" means a ratio from 1 / (1 + e) to 1 + e, so that it is the same seen from
 * either side.
 *
 * The correction is Bonferroni's: p times the number of metrics. Holm's finds a little more, but
 * there the verdict on one metric hangs on the values of all others, and a line could not be
 * checked by itself. Neither finds anything in fewer than verdict_rounds_min() rounds.
 */
#ifndef MMSIM_SIM_COMPARE_VERDICT_H
#define MMSIM_SIM_COMPARE_VERDICT_H

#include <stdbool.h>

#include "rank.h"

#define VERDICT_CONFIDENCE 0.95
#define VERDICT_TEXT_MAX 64

enum verdict { VERDICT_BETTER, VERDICT_WORSE, VERDICT_SAME, VERDICT_UNMEASURABLE };

struct verdict_question {
	bool higher_is_better;
	double effect; /* what is too small to matter, as a part: 0.03 is 3 % */
	double absolute_effect; /* the same in the metric's unit; 0: no such bound */
	const char *unit; /* of the metric, for the text; may be NULL */
	double alpha; /* how likely one of all metrics may be called changed by chance */
	unsigned int nr_metrics; /* judged together, at least 1 */
};

/* Values of one metric: round i gave a[i], a2[i] and b[i]. */
struct verdict_samples {
	const double *a, *a2, *b;
	size_t n;
};

struct verdict_result {
	enum verdict verdict;
	bool is_ratio; /* change and noise are logarithms of ratios */
	struct rank_estimate change; /* B against A */
	struct rank_estimate noise; /* A' against A */
	struct rank_estimate difference; /* B less A, in the metric's unit, on either scale */
	double p_corrected;
};

/**
 * verdict_judge - judge one metric
 * @question: what is asked
 * @samples: at least one round, all values finite
 * @out: overwritten when 0 is returned
 *
 * Return: 0, -EINVAL for values out of their range, else what rank_paired() returns.
 */
int verdict_judge(const struct verdict_question *question, const struct verdict_samples *samples,
		  struct verdict_result *out);

/**
 * verdict_text - a verdict in words
 * @question: what was asked
 * @result: what verdict_judge() said
 * @buf: VERDICT_TEXT_MAX bytes
 *
 * Return: @buf: "better", "worse", "same within 3 %", "same within 10 ns" or "cannot be measured
 * here".
 */
const char *verdict_text(const struct verdict_question *question,
			 const struct verdict_result *result, char *buf);

/**
 * verdict_noise_text - the noise floor in words
 * @question: what was asked
 * @result: what verdict_judge() said
 * @buf: VERDICT_TEXT_MAX bytes
 *
 * Return: @buf: "+-2.1 %", "+-14 ns", or "unknown" after too few rounds.
 */
const char *verdict_noise_text(const struct verdict_question *question,
			       const struct verdict_result *result, char *buf);

/**
 * verdict_noise - the noise floor as one number: how far the interval of A' against A reaches
 * @result: what verdict_judge() said
 *
 * Return: a part (0.02 is 2 %) when @result->is_ratio, else in the metric's unit; inf after too
 * few rounds.
 */
double verdict_noise(const struct verdict_result *result);

/**
 * verdict_narrow_enough - may the measuring of this metric end?
 * @question: what was asked
 * @result: what verdict_judge() said
 *
 * True when half the interval's width is at most half the effect, or the verdict is same. Hence
 * an effect of the asked size can be told from none. It must not ask whether a change has been
 * found: who looks after each round and stops at the first small p gives chance a new try with
 * every look, and ends with a false alarm far more often than alpha. How wide the interval is says
 * nothing about which side is ahead. (That "same" is asked makes at most a "same" a little bolder:
 * such an interval is no wider than the effect on either side.)
 */
bool verdict_narrow_enough(const struct verdict_question *question,
			   const struct verdict_result *result);

/**
 * verdict_rounds_min - the fewest rounds in which a change can be found at all
 * @question: its alpha and nr_metrics are used
 *
 * With n rounds no p is below 2 / 2^n. Six are needed for an interval.
 *
 * Return: the number of rounds.
 */
unsigned int verdict_rounds_min(const struct verdict_question *question);

#endif
