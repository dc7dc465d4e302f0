/* SPDX-License-Identifier: MIT */
/* Verdicts on the metrics of a comparison; see verdicts.h. */
#include "verdicts.h"
#include "json.h"
#include "result.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* NaN without memory. */
static double median(const double *values, size_t n)
{
	double *sorted = malloc((n + 1) * sizeof(*sorted)), middle;

	if (!sorted)
		return NAN;
	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	middle = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	free(sorted);
	return middle;
}

static bool has_zero(const struct verdict_samples *samples)
{
	for (size_t i = 0; i < samples->n; i++)
		if (samples->a[i] <= 0 || samples->a2[i] <= 0 || samples->b[i] <= 0)
			return true;
	return false;
}

/* Where a value is 0 no ratio is judged: a difference this small does not matter then. */
static double absolute_effect(enum metric_format format, double effect,
			      const struct verdict_samples *samples)
{
	switch (format) {
	case FORMAT_COUNT:
		return 0.5; /* a frame more in each round does matter */
	case FORMAT_PERCENT:
		return 0.5;
	case FORMAT_MS:
		return 0.05;
	default:
		/* Of any size: so a part of what is usual. */
		return has_zero(samples) ? effect * median(samples->a, samples->n) : 0;
	}
}

static unsigned int count_names(const char *names)
{
	char name[METRIC_NAME_MAX];
	unsigned int n = 0;

	while (metric_cut_name(&names, name))
		n++;
	return n;
}

bool verdicts_may_come(const json_t *empty, const char *names, char *unknown)
{
	while (metric_cut_name(&names, unknown))
		if (!metric_may_come(empty, unknown))
			return false;
	return true;
}

unsigned int verdicts_rounds_min(const char *names)
{
	const struct verdict_question question = {.alpha = VERDICTS_ALPHA,
						  .nr_metrics = count_names(names)};

	return verdict_rounds_min(&question);
}

/* NaN where a run has none. */
static double *values_of(const json_t *runs, const struct metric *metric)
{
	size_t n = json_array_size(runs);
	double *values = calloc(n + 1, sizeof(*values));

	for (size_t i = 0; values && i < n; i++) {
		const json_t *run = json_array_get(runs, i);

		values[i] = metric_measured(run, metric) ? metric_value(run, metric) : NAN;
	}
	return values;
}

/* JSON knows no infinity: what is unbounded is left out. */
static void set_real(json_t *row, const char *key, double value)
{
	if (isfinite(value))
		json_object_set_new(row, key, json_real(value));
}

/* What each row has, whether it can be judged or not. */
static json_t *row_json(const struct metric *metric)
{
	json_t *row = json_object();

	json_set_text(row, "metric", metric->name);
	json_set_text(row, "unit", metric_unit(metric->format));
	json_set_int(row, "format", metric->format);
	json_object_set_new(row, "higher_is_better", json_boolean(metric->higher_is_better));
	return row;
}

static void set_result(json_t *row, const struct verdict_question *question,
		       const struct verdict_result *result)
{
	static const char *const verdicts[] = {"better", "worse", "same", "unmeasurable"};
	char text[VERDICT_TEXT_MAX];

	json_object_set_new(row, "ratio", json_boolean(result->is_ratio));
	set_real(row, "change", result->change.shift);
	set_real(row, "low", result->change.low);
	set_real(row, "high", result->change.high);
	set_real(row, "difference_low", result->difference.low);
	set_real(row, "difference_high", result->difference.high);
	set_real(row, "p", result->change.p);
	set_real(row, "p_corrected", result->p_corrected);
	set_real(row, "noise_low", result->noise.low);
	set_real(row, "noise_high", result->noise.high);
	json_set_text(row, "noise", verdict_noise_text(question, result, text));
	json_set_text(row, "verdict", verdicts[result->verdict]);
	json_set_text(row, "text", verdict_text(question, result, text));
}

struct verdict_question verdicts_question(const struct metric *metric, double effect,
					  unsigned int nr_metrics,
					  const struct verdict_samples *samples)
{
	return (struct verdict_question){
		.higher_is_better = metric->higher_is_better,
		.effect = effect,
		.absolute_effect = absolute_effect(metric->format, effect, samples),
		.unit = metric_unit(metric->format),
		.alpha = VERDICTS_ALPHA,
		.nr_metrics = nr_metrics,
	};
}

/* A run that has none: null. */
static json_t *values_json(const double *values, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, isnan(values[i]) ? json_null() : json_real(values[i]));
	return array;
}

static bool all_measured(const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(values[i]))
			return false;
	return true;
}

/* Of a side that has it in each run. */
static void set_median(json_t *row, const char *key, const double *values, size_t n)
{
	if (all_measured(values, n))
		set_real(row, key, median(values, n));
}

static void judge_row(json_t *row, const struct verdict_rounds *rounds, const struct metric *metric,
		      const struct verdict_samples *samples, bool *narrow)
{
	size_t n = samples->n;
	struct verdict_question question;
	struct verdict_result result;

	json_set_text(row, "text", "not measured");
	json_object_set_new(row, "a_values", values_json(samples->a, n));
	json_object_set_new(row, "a_again_values", values_json(samples->a2, n));
	json_object_set_new(row, "b_values", values_json(samples->b, n));
	set_median(row, "a", samples->a, n);
	set_median(row, "b", samples->b, n);
	/* More rounds do not help: the run that lacks it stays. */
	if (!all_measured(samples->a, n) || !all_measured(samples->a2, n) ||
	    !all_measured(samples->b, n))
		return;
	question = verdicts_question(metric, rounds->effect, count_names(rounds->names), samples);
	if (verdict_judge(&question, samples, &result))
		return;
	set_result(row, &question, &result);
	*narrow &= verdict_narrow_enough(&question, &result);
}

static json_t *judge(const struct verdict_rounds *rounds, const struct metric *metric, bool *narrow)
{
	double *a = values_of(rounds->a, metric), *a2 = values_of(rounds->a2, metric),
	       *b = values_of(rounds->b, metric);
	const struct verdict_samples samples = {a, a2, b, json_array_size(rounds->a)};
	json_t *row = row_json(metric);

	if (a && a2 && b)
		judge_row(row, rounds, metric, &samples, narrow);
	free(a);
	free(a2);
	free(b);
	return row;
}

json_t *verdicts_json(const struct verdict_rounds *rounds, char *unknown, bool *narrow)
{
	json_t *rows = json_array();
	const char *names = rounds->names;
	char name[METRIC_NAME_MAX];
	struct metric metric;

	*unknown = '\0';
	*narrow = true;
	while (json_array_size(rounds->a) && metric_cut_name(&names, name)) {
		/* A lock may have been taken at a site by one of them only. */
		if (metric_find(json_array_get(rounds->a, 0), name, &metric) &&
		    metric_find(json_array_get(rounds->b, 0), name, &metric)) {
			snprintf(unknown, METRIC_NAME_MAX, "%s", name);
			json_decref(rows);
			return NULL;
		}
		json_array_append_new(rows, judge(rounds, &metric, narrow));
	}
	return rows;
}

bool verdicts_any(const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
	{
		const char *verdict = json_string_value(json_object_get(row, "verdict"));

		if (verdict && strcmp(verdict, "unmeasurable"))
			return true;
	}
	return false;
}

/* ---- text ---- */

/* A logarithm of a ratio as percent, a difference in the metric's unit. */
static const char *change_text(const json_t *row, const char *key, char *buf, size_t size)
{
	const json_t *value = json_object_get(row, key);
	enum metric_format format = (enum metric_format)json_number_at(row, "format");
	double change = json_number_value(value);
	char number[32];

	if (!value)
		snprintf(buf, size, "?");
	else if (json_is_true(json_object_get(row, "ratio")))
		snprintf(buf, size, "%+.1f %%", 100 * (exp(change) - 1));
	else if (format == FORMAT_COUNT)
		/* Between counts, not a count: the middle of -1 and 0 is not "-0". */
		snprintf(buf, size, "%+.1f", change);
	else
		snprintf(buf, size, "%s%s", change < 0 ? "" : "+",
			 metric_text(change, format, number, sizeof(number)));
	return buf;
}

/* The median of a side; "-" when not all of its runs have one. */
static const char *median_text(const json_t *row, const char *side, char *buf, size_t size)
{
	enum metric_format format = (enum metric_format)json_number_at(row, "format");

	if (!json_object_get(row, side))
		return strcpy(buf, "-");
	return metric_text(json_number_at(row, side), format, buf, size);
}

static void print_row(const json_t *row, FILE *out)
{
	const char *unit = json_string_value(json_object_get(row, "unit"));
	const char *text = json_string_value(json_object_get(row, "text"));
	char name[128], a[32], b[32], change[32], low[32], high[32], interval[80], p[16];

	snprintf(name, sizeof(name), "%s%s%s", json_string_value(json_object_get(row, "metric")),
		 *unit ? ", " : "", unit);
	fprintf(out, "%-32s %10s %10s  ", name, median_text(row, "a", a, sizeof(a)),
		median_text(row, "b", b, sizeof(b)));
	if (!json_object_get(row, "verdict")) {
		fprintf(out, "%9s %-22s %7s  %-10s %s\n", "", "", "", "", text);
		return;
	}
	snprintf(p, sizeof(p), json_number_at(row, "p") < 0.0001 ? "<.0001" : "%.4f",
		 json_number_at(row, "p"));
	snprintf(interval, sizeof(interval), "[%s, %s]", change_text(row, "low", low, sizeof(low)),
		 change_text(row, "high", high, sizeof(high)));
	fprintf(out, "%9s %-22s %7s  %-10s %s\n",
		change_text(row, "change", change, sizeof(change)), interval, p,
		json_string_value(json_object_get(row, "noise")), text);
}

void verdicts_print(const json_t *comparison, FILE *out)
{
	json_t *rows = json_object_get(comparison, "metrics"), *row;
	unsigned int min = (unsigned int)json_number_at(comparison, "rounds_min");
	size_t i;

	fprintf(out,
		"%.0f rounds of a, a again and b in random order, %.0f s; medians; b against a: "
		"Hodges-Lehmann, 95 %% interval,\nWilcoxon p (for a verdict below %.4f: %zu "
		"metrics); a again against a: the noise floor\n\n",
		json_number_at(comparison, "rounds"),
		json_number_at(comparison, "elapsed_ns") / 1e9,
		VERDICTS_ALPHA / (double)(json_array_size(rows) ? json_array_size(rows) : 1),
		json_array_size(rows));
	fprintf(out, "%-32s %10s %10s  %9s %-22s %7s  %-10s %s\n", "", "a", "b", "b/a", "95 %", "p",
		"noise", "verdict");
	json_array_foreach(rows, i, row) print_row(row, out);
	if (json_number_at(comparison, "rounds") < min)
		fprintf(out, "(a change can be called one from %u rounds on)\n", min);
}
