/* SPDX-License-Identifier: MIT */
/* Exact values over seeds; see exact.h. */
#include "exact.h"
#include "json.h"
#include "result.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum over { OVER_SUM, OVER_LONGEST, OVER_MEDIAN, OVER_POOLED };

static const char *const over_names[] = {"sum", "longest", "median", "pooled"};

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static enum over over_of(const struct metric *metric)
{
	if (metric->whole)
		return OVER_POOLED;
	if (metric->format == FORMAT_COUNT || ends_in(metric->path, "total_ns"))
		return OVER_SUM;
	if (ends_in(metric->path, "max_ns") || !strcmp(metric->path, "longest.ns"))
		return OVER_LONGEST;
	return OVER_MEDIAN;
}

/* A part of a whole in thousandths of a percent, a rate a second, a mean. */
static int64_t pooled(uint64_t value, uint64_t whole, enum metric_format format)
{
	__extension__ typedef unsigned __int128 wide;
	uint64_t scale = format == FORMAT_PERCENT ? 100000 : format == FORMAT_RATE ? 1000000000 : 1;

	return whole ? (int64_t)((wide)value * scale / whole) : 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int64_t over_seeds(const struct metric *metric, uint64_t *values, size_t nr, uint64_t whole)
{
	uint64_t sum = 0;

	qsort(values, nr, sizeof(*values), by_value);
	if (over_of(metric) == OVER_LONGEST)
		return (int64_t)values[nr - 1];
	if (over_of(metric) == OVER_MEDIAN)
		return (int64_t)values[(nr - 1) / 2];
	for (size_t i = 0; i < nr; i++)
		sum += values[i];
	return over_of(metric) == OVER_SUM ? (int64_t)sum : pooled(sum, whole, metric->format);
}

bool exact_value(const json_t *runs, const struct metric *metric, int64_t *value)
{
	uint64_t *values = calloc(json_array_size(runs) + 1, sizeof(*values));
	uint64_t one, whole, all = 0;
	const json_t *run;
	size_t i, nr = 0;

	json_array_foreach(runs, i, run)
	{
		if (!values || !metric_integers(run, metric, &one, &whole))
			continue;
		values[nr++] = one;
		all += whole;
	}
	if (nr)
		*value = over_seeds(metric, values, nr, all);
	free(values);
	return nr;
}

/* ---- rows ---- */

static void set_side(json_t *row, const char *side, const json_t *runs, const struct metric *metric)
{
	int64_t value;

	if (runs && exact_value(runs, metric, &value))
		json_object_set_new(row, side, json_integer(value));
}

static json_t *one_run(const json_t *runs, size_t i)
{
	json_t *array = json_array();

	if (runs)
		json_array_append(array, json_array_get(runs, i));
	return array;
}

static json_t *seeds_json(const json_t *a, const json_t *b, const struct metric *metric)
{
	json_t *seeds = json_array();

	for (size_t i = 0; i < json_array_size(b); i++) {
		json_t *one = json_object(), *run_a = one_run(a, i), *run_b = one_run(b, i);

		json_object_set(one, "seed",
				(json_t *)json_at(json_array_get(b, i), "configuration.seed"));
		set_side(one, "a", run_a, metric);
		set_side(one, "b", run_b, metric);
		json_array_append_new(seeds, one);
		json_decref(run_a);
		json_decref(run_b);
	}
	return seeds;
}

static json_t *row_json(const json_t *a, const json_t *b, const struct metric *metric)
{
	json_t *row = json_object();

	json_set_text(row, "metric", metric->name);
	json_set_text(row, "unit", metric_unit(metric->format));
	json_set_int(row, "format", metric->format);
	json_object_set_new(row, "higher_is_better", json_boolean(metric->higher_is_better));
	json_set_text(row, "over", over_names[over_of(metric)]);
	set_side(row, "a", a, metric);
	set_side(row, "b", b, metric);
	json_object_set_new(row, "seeds", seeds_json(a, b, metric));
	return row;
}

/* On the step machine a count or a part of counts says something, a time does not. */
static bool says_something(const json_t *runs, const struct metric *metric)
{
	return has_time(json_array_get(runs, 0)) || metric->format == FORMAT_COUNT ||
	       metric->format == FORMAT_PERCENT;
}

json_t *exact_rows(const json_t *a, const json_t *b, const char *names)
{
	json_t *rows = json_array(), *row;
	char name[METRIC_NAME_MAX];
	struct metric metric;

	while (metric_cut_name(&names, name)) {
		if (metric_find_in(a, name, &metric) || metric_find_in(b, name, &metric) ||
		    metric_of_site(name, &metric)) {
			if (says_something(b, &metric))
				json_array_append_new(rows, row_json(a, b, &metric));
			continue;
		}
		row = json_object();
		json_set_text(row, "metric", name);
		json_array_append_new(rows, row);
	}
	return rows;
}

/* ---- text ---- */

/* Digits after the point that a value's unit leaves, and what one of the unit is. */
static int64_t unit_of(enum metric_format format, int *digits)
{
	switch (format) {
	case FORMAT_SECONDS:
		*digits = 9;
		return 1000000000;
	case FORMAT_MS:
		*digits = 6;
		return 1000000;
	case FORMAT_US:
	case FORMAT_PERCENT:
		*digits = 3;
		return 1000;
	default:
		*digits = 0;
		return 1;
	}
}

const char *exact_text(int64_t value, enum metric_format format, bool signs, char *buf, size_t size)
{
	const char *sign = value < 0 ? "-" : signs ? "+" : "";
	const char *percent = format == FORMAT_PERCENT ? " %" : "";
	uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;
	int digits;
	uint64_t unit = (uint64_t)unit_of(format, &digits);

	if (digits)
		snprintf(buf, size, "%s%" PRIu64 ".%0*" PRIu64 "%s", sign, n / unit, digits,
			 n % unit, percent);
	else
		snprintf(buf, size, "%s%" PRIu64, sign, n);
	return buf;
}

static enum metric_format format_of(const json_t *row)
{
	return (enum metric_format)json_integer_value(json_object_get(row, "format"));
}

const char *exact_text_at(const json_t *row, const char *side, char *buf, size_t size)
{
	const json_t *value = json_object_get(row, side);

	if (!value)
		snprintf(buf, size, "-");
	else
		exact_text(json_integer_value(value), format_of(row), false, buf, size);
	return buf;
}

/* "+3  +25.0 %"; empty where a side is not measured. */
static const char *change_text(const json_t *row, const char *from, char *buf, size_t size)
{
	const json_t *a = json_object_get(row, from), *b = json_object_get(row, "b");
	int64_t before = json_integer_value(a), change = json_integer_value(b) - before;
	char text[48], percent[32] = "";

	if (!a || !b)
		return strcpy(buf, "not measured");
	if (before && change)
		snprintf(percent, sizeof(percent), "  %+.1f %%",
			 100 * (double)change / (double)before);
	snprintf(buf, size, "%s%s",
		 change ? exact_text(change, format_of(row), true, text, sizeof(text)) : "=",
		 percent);
	return buf;
}

static bool any_has(const json_t *rows, const char *key)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (json_object_get(row, key))
			return true;
	}
	return false;
}

static void print_row(const json_t *row, const char *from, bool has_a, FILE *out)
{
	const char *unit = json_string_value(json_object_get(row, "unit"));
	const char *over = json_string_value(json_object_get(row, "over"));
	char name[METRIC_NAME_MAX + 8], text[48], change[80];

	snprintf(name, sizeof(name), "%s%s%s", json_string_value(json_object_get(row, "metric")),
		 unit && *unit ? ", " : "", unit ? unit : "");
	if (!over) {
		fprintf(out, "%-38s not measured\n", name);
		return;
	}
	fprintf(out, "%-38s %-7s", name, over);
	if (!strcmp(from, "baseline"))
		fprintf(out, " %14s", exact_text_at(row, "baseline", text, sizeof(text)));
	if (has_a)
		fprintf(out, " %14s", exact_text_at(row, "a", text, sizeof(text)));
	fprintf(out, " %14s", exact_text_at(row, "b", text, sizeof(text)));
	fprintf(out, "   %s\n", change_text(row, from, change, sizeof(change)));
}

void exact_print(const json_t *rows, FILE *out)
{
	const char *from = any_has(rows, "baseline") ? "baseline" : "a";
	bool has_a = any_has(rows, "a");
	const json_t *row;
	size_t i;

	fprintf(out, "\n%-38s %-7s", "over the seeds", "");
	if (!strcmp(from, "baseline"))
		fprintf(out, " %14s", "baseline");
	if (has_a)
		fprintf(out, " %14s", "a");
	fprintf(out, " %14s   b against %s\n", "b", from);
	json_array_foreach(rows, i, row)
	{
		print_row(row, from, has_a, out);
	}
}
