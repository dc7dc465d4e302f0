/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From so many pairs on an interval of VERDICT_CONFIDENCE has ends. */
#define INTERVAL_MIN 6

/* ---- the scale ---- */

static bool all_positive(const struct verdict_samples *samples)
{
	for (size_t i = 0; i < samples->n; i++)
		if (!(samples->a[i] > 0 && samples->a2[i] > 0 && samples->b[i] > 0))
			return false;
	return true;
}

/* @from to @to in each round; equal values are exactly 0 apart on both scales. */
static int estimate(const double *from, const double *to, size_t n, bool is_ratio,
		    struct rank_estimate *out)
{
	double *d = malloc((n ? n : 1) * sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	/* Not log(to / from): the quotient may overflow where the logarithms do not. */
	for (size_t i = 0; i < n; i++)
		d[i] = is_ratio ? log(to[i]) - log(from[i]) : to[i] - from[i];
	ret = rank_paired(d, n, VERDICT_CONFIDENCE, out);
	free(d);
	return ret;
}

/* ---- the rules ---- */

/* What is no change yet, on the scale that is judged. */
static double threshold(const struct verdict_question *question,
			const struct verdict_result *result)
{
	return result->is_ratio ? log1p(question->effect) : question->absolute_effect;
}

static bool lies_within(const struct rank_estimate *estimate, double bound)
{
	return -bound <= estimate->low && estimate->high <= bound;
}

static bool is_same_in_unit(const struct verdict_question *question,
			    const struct verdict_result *result)
{
	return question->absolute_effect > 0 &&
	       lies_within(&result->difference, question->absolute_effect);
}

static bool all_equal(const struct verdict_samples *samples)
{
	for (size_t i = 0; i < samples->n; i++)
		if (samples->a[i] != samples->b[i])
			return false;
	return true;
}

static bool is_beyond_effect(const struct verdict_question *question,
			     const struct verdict_result *result)
{
	return fabs(result->change.shift) > threshold(question, result) &&
	       fabs(result->difference.shift) > question->absolute_effect;
}

static bool is_found(const struct verdict_question *question, const struct verdict_result *result)
{
	const struct rank_estimate *change = &result->change, *noise = &result->noise;

	return result->p_corrected < question->alpha && (change->low > 0 || change->high < 0) &&
	       is_beyond_effect(question, result) &&
	       (change->low > noise->high || change->high < noise->low);
}

static enum verdict judge(const struct verdict_question *question,
			  const struct verdict_samples *samples,
			  const struct verdict_result *result)
{
	if (all_equal(samples) || lies_within(&result->change, threshold(question, result)) ||
	    is_same_in_unit(question, result))
		return VERDICT_SAME;
	if (!is_found(question, result))
		return VERDICT_UNMEASURABLE;
	return (result->change.shift > 0) == question->higher_is_better ? VERDICT_BETTER :
									  VERDICT_WORSE;
}

static bool is_valid(const struct verdict_question *question)
{
	return question->effect >= 0 && isfinite(question->effect) &&
	       question->absolute_effect >= 0 && isfinite(question->absolute_effect) &&
	       question->alpha > 0 && question->alpha < 1 && question->nr_metrics;
}

int verdict_judge(const struct verdict_question *question, const struct verdict_samples *samples,
		  struct verdict_result *out)
{
	int ret;

	if (!is_valid(question))
		return -EINVAL;
	out->is_ratio = all_positive(samples);
	ret = estimate(samples->a, samples->b, samples->n, out->is_ratio, &out->change);
	if (!ret)
		ret = estimate(samples->a, samples->a2, samples->n, out->is_ratio, &out->noise);
	if (!ret)
		ret = estimate(samples->a, samples->b, samples->n, false, &out->difference);
	if (ret)
		return ret;
	out->p_corrected = fmin(out->change.p * question->nr_metrics, 1);
	out->verdict = judge(question, samples, out);
	return 0;
}

/* ---- when to stop ---- */

bool verdict_narrow_enough(const struct verdict_question *question,
			   const struct verdict_result *result)
{
	const struct rank_estimate *change = &result->change;

	return result->verdict == VERDICT_SAME ||
	       change->high - change->low <= threshold(question, result);
}

unsigned int verdict_rounds_min(const struct verdict_question *question)
{
	unsigned int rounds = INTERVAL_MIN;

	while (rounds < RANK_MAX && ldexp(question->nr_metrics, 1 - (int)rounds) >= question->alpha)
		rounds++;
	return rounds;
}

/* ---- in words ---- */

double verdict_noise(const struct verdict_result *result)
{
	double reach = fmax(fabs(result->noise.low), fabs(result->noise.high));

	return result->is_ratio ? expm1(reach) : reach;
}

static const char *with_unit(const struct verdict_question *question, const char *before,
			     double value, char *buf)
{
	const char *unit = question->unit ? question->unit : "";
	int digits = value < 100 ? 3 : 6;

	snprintf(buf, VERDICT_TEXT_MAX, "%s%.*g%s%.20s", before, digits, value, *unit ? " " : "",
		 unit);
	return buf;
}

static const char *same_text(const struct verdict_question *question,
			     const struct verdict_result *result, char *buf)
{
	/* All pairs equal need no bound: then the first that there is is named. */
	bool in_unit =
		!result->is_ratio || (is_same_in_unit(question, result) &&
				      !lies_within(&result->change, threshold(question, result)));

	if (in_unit && question->absolute_effect > 0)
		return with_unit(question, "same within ", question->absolute_effect, buf);
	if (in_unit || !(question->effect > 0))
		return strcpy(buf, "same");
	snprintf(buf, VERDICT_TEXT_MAX, "same within %.3g %%", question->effect * 100);
	return buf;
}

const char *verdict_text(const struct verdict_question *question,
			 const struct verdict_result *result, char *buf)
{
	switch (result->verdict) {
	case VERDICT_BETTER:
		return strcpy(buf, "better");
	case VERDICT_WORSE:
		return strcpy(buf, "worse");
	case VERDICT_SAME:
		return same_text(question, result, buf);
	case VERDICT_UNMEASURABLE:
		break;
	}
	return strcpy(buf, "cannot be measured here");
}

const char *verdict_noise_text(const struct verdict_question *question,
			       const struct verdict_result *result, char *buf)
{
	double noise = verdict_noise(result);

	if (isinf(noise))
		return strcpy(buf, "unknown");
	if (!result->is_ratio)
		return with_unit(question, "+-", noise, buf);
	snprintf(buf, VERDICT_TEXT_MAX, "+-%.1f %%", noise * 100);
	return buf;
}
