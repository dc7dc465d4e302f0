/* SPDX-License-Identifier: MIT */
/* Several runs as text: the seeds of a point, the points of a matrix. */
#include "metrics.h"
#include "result.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MAX 5 /* side by side; a mail is 100 columns wide */
#define NAME_WIDTH 38

/* A metric over runs that differ in their seeds. */
struct spread {
	size_t nr; /* runs that measured it */
	double median, min, max;
	json_int_t seed_of_max; /* the first such */
};

static bool is_done(const json_t *result)
{
	return !strcmp(text_at(result, "run", "outcome"), "done");
}

static size_t count_done(const json_t *runs)
{
	const json_t *run;
	size_t i, nr = 0;

	json_array_foreach(runs, i, run) nr += is_done(run);
	return nr;
}

static bool metric_applies(const json_t *result, const struct metric *metric)
{
	return has_time(result) || metric->format == FORMAT_COUNT ||
	       metric->format == FORMAT_PERCENT;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void add_value(struct spread *spread, double *values, double value, const json_t *run)
{
	if (!spread->nr || value > spread->max) {
		spread->max = value;
		spread->seed_of_max = json_integer_value(json_at(run, "configuration.seed"));
	}
	values[spread->nr++] = value;
}

/* Runs that were cut short are another thing, but better than none. */
static struct spread spread_of(const json_t *runs, const struct metric *metric)
{
	double *values = calloc(json_array_size(runs) + 1, sizeof(*values));
	bool only_done = count_done(runs);
	struct spread spread = {0};
	const json_t *run;
	size_t i, half;

	json_array_foreach(runs, i, run)
	{
		if (values && (!only_done || is_done(run)) && metric_measured(run, metric))
			add_value(&spread, values, metric_value(run, metric), run);
	}
	half = spread.nr / 2;
	if (spread.nr) {
		qsort(values, spread.nr, sizeof(*values), by_value);
		spread.min = values[0];
		spread.median =
			spread.nr % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
	}
	free(values);
	return spread;
}

/* The median of two counts may lie between them. */
static const char *value_text(double value, const struct metric *metric, char text[32])
{
	if (metric->format != FORMAT_COUNT || value == rint(value))
		return metric_text(value, metric->format, text, 32);
	snprintf(text, 32, "%.1f", value);
	return text;
}

static bool find_in_points(const json_t *points, const char *name, struct metric *metric)
{
	const json_t *runs;
	size_t i;

	json_array_foreach(points, i, runs)
	{
		if (metric_find_in(runs, name, metric))
			return true;
	}
	return false;
}

static void print_name(const struct metric *metric, FILE *out)
{
	char head[METRIC_NAME_MAX + 8];
	const char *unit = metric_unit(metric->format);

	snprintf(head, sizeof(head), "%s%s%s", metric->name, *unit ? ", " : "", unit);
	fprintf(out, "%-*s", NAME_WIDTH, head);
}

/* What is said of runs; the usual metrics are times, which the step machine has not. */
static const char *columns_of(const json_t *result)
{
	const char *said = json_string_value(json_object_get(result, "metrics"));

	if ((said && *said) || has_time(result))
		return metrics_of(result);
	return "pgfault mmap_lock.read mmap_lock.write mmap_lock.wait.count";
}

/* ---- seeds ---- */

static void print_spread(const json_t *runs, const char *name, FILE *out)
{
	char median[32], min[32], max[32], seed[32];
	size_t counted = count_done(runs);
	struct metric metric;
	struct spread spread;

	if (!metric_find_in(runs, name, &metric)) {
		fprintf(out, "%-*s not measured with any seed\n", NAME_WIDTH, name);
		return;
	}
	if (!metric_applies(json_array_get(runs, 0), &metric))
		return;
	print_name(&metric, out);
	spread = spread_of(runs, &metric);
	if (!spread.nr) {
		fputs(" not measured with any seed\n", out);
		return;
	}
	snprintf(seed, sizeof(seed), "%lld", (long long)spread.seed_of_max);
	fprintf(out, " %12s %12s %12s %12s", value_text(spread.median, &metric, median),
		value_text(spread.min, &metric, min), value_text(spread.max, &metric, max),
		spread.nr > 1 && spread.max == spread.min ? "any" : seed);
	if (counted && spread.nr < counted)
		fprintf(out, " (%zu runs)", spread.nr);
	fputc('\n', out);
}

static void print_seeds_head(const json_t *runs, FILE *out)
{
	const json_t *first = json_array_get(runs, 0);
	size_t nr = json_array_size(runs), done = count_done(runs);

	print_head_of_runs(runs, out);
	print_strategies(first, "as", out);
	fprintf(out, "%zu runs%s", nr, done == nr ? " done\n" : "");
	if (done < nr)
		fprintf(out, ", %zu done; %s\n", done, done ? "of these" : "cut short as they are");
}

void seeds_print(const json_t *runs, FILE *out)
{
	const json_t *first = json_array_get(runs, 0);
	char name[METRIC_NAME_MAX];
	const char *names;

	if (!first)
		return;
	names = columns_of(first);
	print_seeds_head(runs, out);
	fprintf(out, "\n%-*s %12s %12s %12s %12s\n", NAME_WIDTH, "", "median", "min", "max",
		"max at seed");
	while (metric_cut_name(&names, name))
		print_spread(runs, name, out);
}

/* ---- a matrix ---- */

/* One metric at the points from @first on. */
static void print_metric(const json_t *points, size_t first, const char *name, FILE *out)
{
	struct metric metric;
	char text[32];

	if (!find_in_points(points, name, &metric)) {
		fprintf(out, "%-*s not measured at any point\n", NAME_WIDTH, name);
		return;
	}
	if (!metric_applies(json_array_get(json_array_get(points, 0), 0), &metric))
		return;
	print_name(&metric, out);
	for (size_t i = first; i < first + POINTS_MAX && i < json_array_size(points); i++) {
		struct spread spread = spread_of(json_array_get(points, i), &metric);

		fprintf(out, " %12s",
			spread.nr ? value_text(spread.median, &metric, text) : "not measured");
	}
	fputc('\n', out);
}

static void print_points(const json_t *points, size_t first, FILE *out)
{
	const char *names = columns_of(json_array_get(json_array_get(points, 0), 0));
	char name[METRIC_NAME_MAX];

	fprintf(out, "\n%-*s", NAME_WIDTH, "");
	for (size_t i = first; i < first + POINTS_MAX && i < json_array_size(points); i++)
		fprintf(out, " %12zu", i + 1);
	fputc('\n', out);
	while (metric_cut_name(&names, name))
		print_metric(points, first, name, out);
}

void matrix_print(const json_t *points, FILE *out)
{
	const json_t *runs;
	bool medians = false;
	size_t i;

	fputc('\n', out);
	json_array_foreach(points, i, runs)
	{
		fprintf(out, "%zu: %s%s\n", i + 1,
			text_at(json_array_get(runs, 0), "configuration", "point"),
			count_done(runs) < json_array_size(runs) ? " (cut short)" : "");
		medians = medians || json_array_size(runs) > 1;
	}
	if (medians)
		fputs("\nmedians over the seeds\n", out);
	for (i = 0; i < json_array_size(points); i += POINTS_MAX)
		print_points(points, i, out);
}
