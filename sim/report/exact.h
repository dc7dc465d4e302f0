/* SPDX-License-Identifier: MIT */
/*
 * Metrics of a model over several seeds, as integers: the same on every computer, so that any
 * change is one.
 *
 * Over the seeds counts and sums of times are added up, of longest times it is the longest, of
 * quantiles the lower median, and parts and means are those of all seeds together. Times are
 * nanoseconds, percentages thousandths of a percent, rates whole ones a second.
 */
#ifndef MMSIM_SIM_REPORT_EXACT_H
#define MMSIM_SIM_REPORT_EXACT_H

#include "metrics.h"

/**
 * exact_value - a metric over runs with different seeds
 * @runs: an array of results of a model
 *
 * Return: true; false: no run measured it.
 */
bool exact_value(const json_t *runs, const struct metric *metric, int64_t *value);

/**
 * exact_rows - metrics of the two sides of a comparison, a row each
 * @a, @b: arrays of results, seed by seed; @a may be NULL
 * @names: of metrics, with blanks or commas between
 *
 * A row has "metric", "unit", "format", "higher_is_better", "over" (the seeds: "sum", "longest",
 * "median", "pooled"), "a", "b" (unless not measured) and "seeds", the same of each seed. Times of
 * the step machine, which has none, are left out.
 */
json_t *exact_rows(const json_t *a, const json_t *b, const char *names);

/* A value with its sign if @signs, in the metric's unit, to the last digit. */
const char *exact_text(int64_t value, enum metric_format format, bool signs, char *buf,
		       size_t size);
/* The same of a side or a difference of a row; "-": not measured. */
const char *exact_text_at(const json_t *row, const char *side, char *buf, size_t size);

/* What was measured, side by side; with "baseline" if rows have it. */
void exact_print(const json_t *rows, FILE *out);

#endif
