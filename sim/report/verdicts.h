/* SPDX-License-Identifier: MIT */
/* What a comparison says of each metric: medians, change, noise floor, verdict. */
#ifndef MMSIM_SIM_REPORT_VERDICTS_H
#define MMSIM_SIM_REPORT_VERDICTS_H

#include "../compare/verdict.h"
#include "metrics.h"

/* One chance in so many that a comparison calls anything changed that is not. */
#define VERDICTS_ALPHA 0.01

/* Results of the rounds so far, arrays of the same length: round i is element i of each. */
struct verdict_rounds {
	const json_t *a, *a2, *b; /* a2: A once more */
	const char *names; /* of metrics, with blanks or commas between */
	double effect; /* a change that is too small to matter, as a part */
};

/**
 * verdicts_json - judge the rounds
 * @unknown: METRIC_NAME_MAX bytes: a name that no metric has, else empty
 * @narrow: whether all metrics are known well enough to stop
 *
 * A row of a metric that some run lacks has no verdict.
 *
 * Return: an array, a row a metric; NULL: a name is unknown.
 */
json_t *verdicts_json(const struct verdict_rounds *rounds, char *unknown, bool *narrow);

/**
 * verdicts_may_come - can each of some metrics be in the result of a run?
 * @empty: its result as it would be if nothing had been done
 * @unknown: METRIC_NAME_MAX bytes: which cannot
 */
bool verdicts_may_come(const json_t *empty, const char *names, char *unknown);

/**
 * verdicts_question - what is asked of one of @nr_metrics metrics
 * @samples: its values; where one is 0, differences are judged, and @effect is that part of A's
 *	median (of counts, percents and milliseconds a fixed bound)
 */
struct verdict_question verdicts_question(const struct metric *metric, double effect,
					  unsigned int nr_metrics,
					  const struct verdict_samples *samples);

/* The rounds it takes before anything can be found. */
unsigned int verdicts_rounds_min(const char *names);

/* Is there a metric of which something can be said? */
bool verdicts_any(const json_t *rows);

/* The rows as a table. @comparison: the object with "metrics", "effect", "rounds". */
void verdicts_print(const json_t *comparison, FILE *out);

#endif
