/* SPDX-License-Identifier: MIT */
/* Conditions on what was measured; see gate.h. */
#include "gate.h"
#include "exact.h"
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum metric_format format_of(const json_t *row)
{
	return (enum metric_format)json_integer_value(json_object_get(row, "format"));
}

static int64_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* ---- can it be asked? ---- */

static bool is_time(enum metric_format format)
{
	return format == FORMAT_SECONDS || format == FORMAT_MS || format == FORMAT_US;
}

static bool unit_fits(const struct condition *c, enum metric_format format)
{
	/* A change in percent can be asked of anything, and none is none in any unit. */
	if (c->of_change && (c->unit == CONDITION_PERCENT || !c->bound))
		return true;
	if (c->unit == CONDITION_NS)
		return is_time(format);
	if (c->unit == CONDITION_PERCENT)
		return format == FORMAT_PERCENT;
	return !is_time(format) && format != FORMAT_PERCENT;
}

bool gate_check(const struct condition *c, const json_t *row, bool *of_bound, char *error)
{
	enum metric_format format = format_of(row);

	*of_bound = false;
	if (!json_object_get(row, "over")) {
		snprintf(error, GATE_TEXT_MAX,
			 "expected a metric that the run has (`mmsim help metrics`), found '%s'",
			 c->metric);
		return false;
	}
	if (unit_fits(c, format))
		return true;
	*of_bound = true;
	snprintf(error, GATE_TEXT_MAX, "expected %s: %s is %s",
		 is_time(format)	  ? "a time such as 8ms, or with a sign a change in %" :
		 format == FORMAT_PERCENT ? "a number with %" :
					    "a number without a unit, or with a sign a change in %",
		 c->metric,
		 is_time(format)	  ? "a time" :
		 format == FORMAT_PERCENT ? "a percentage" :
					    "a count");
	return false;
}

/* ---- of models ---- */

/* How far a seed is the way that failed. */
static int64_t seed_weight(const struct condition *c, const json_t *seed, const char *from)
{
	int64_t value = integer(seed, "b") - (c->of_change ? integer(seed, from) : 0);

	if (c->op == CONDITION_LT || c->op == CONDITION_LE)
		return -value;
	return c->op == CONDITION_NE && value < 0 ? -value : value;
}

/* The seed that shows best what failed; NULL: none can be told. */
static const json_t *worst_seed(const struct condition *c, const json_t *row, const char *from)
{
	const json_t *seeds = json_object_get(row, "seeds"), *seed, *worst = NULL;
	size_t i;

	json_array_foreach(seeds, i, seed)
	{
		if (!json_object_get(seed, "b") || (c->of_change && !json_object_get(seed, from)))
			continue;
		if (!worst || seed_weight(c, seed, from) > seed_weight(c, worst, from))
			worst = seed;
	}
	return worst;
}

static const char *value_of(const json_t *object, const char *key, const json_t *row, char *buf)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return strcpy(buf, "not measured");
	return exact_text(json_integer_value(value), format_of(row), false, buf, 48);
}

/* "12 -> 15 (+3, +25.0 %) ms, sum over 5 seeds, most at seed 3: 2 -> 5" */
static void describe(const struct condition *c, const json_t *row, const char *from,
		     const json_t *worst, char *buf)
{
	const char *unit = json_string_value(json_object_get(row, "unit"));
	const char *over = json_string_value(json_object_get(row, "over"));
	int64_t before = integer(row, from), change = integer(row, "b") - before;
	char a[48], b[48], delta[48], percent[32] = "";
	size_t n;

	if (before)
		snprintf(percent, sizeof(percent), ", %+.1f %%",
			 100 * (double)change / (double)before);
	if (json_object_get(row, from) && json_object_get(row, "b"))
		n = (size_t)snprintf(buf, GATE_TEXT_MAX, "%s -> %s (%s%s)",
				     value_of(row, from, row, a), value_of(row, "b", row, b),
				     exact_text(change, format_of(row), true, delta, sizeof(delta)),
				     percent);
	else
		n = (size_t)snprintf(buf, GATE_TEXT_MAX, "%s", value_of(row, "b", row, b));
	n += (size_t)snprintf(buf + n, GATE_TEXT_MAX - n, "%s%s, %s over %zu seeds",
			      unit && *unit ? " " : "", unit ? unit : "", over ? over : "",
			      json_array_size(json_object_get(row, "seeds")));
	if (!worst || json_array_size(json_object_get(row, "seeds")) < 2)
		return;
	n += (size_t)snprintf(buf + n, GATE_TEXT_MAX - n,
			      "; most at seed %lld: ", (long long)integer(worst, "seed"));
	if (c->of_change)
		n += (size_t)snprintf(buf + n, GATE_TEXT_MAX - n, "%s -> ",
				      value_of(worst, from, row, a));
	snprintf(buf + n, GATE_TEXT_MAX - n, "%s", value_of(worst, "b", row, b));
}

static json_t *answer(const struct condition *c, const char *text)
{
	json_t *object = json_object();

	json_set_text(object, "condition", c->text);
	json_set_text(object, "metric", c->metric);
	json_set_text(object, "text", text);
	return object;
}

json_t *gate_exact(const struct condition *c, const json_t *row)
{
	const char *from = json_object_get(row, "baseline") ? "baseline" : "a";
	const json_t *b = json_object_get(row, "b"), *a = json_object_get(row, from);
	/* What cannot be told any more is not fine. */
	bool lost = !b || (c->of_change && !a);
	bool failed = lost || condition_holds(c, json_integer_value(a), json_integer_value(b));
	const json_t *worst = failed ? worst_seed(c, row, from) : NULL;
	char text[GATE_TEXT_MAX];
	json_t *object;

	describe(c, row, from, worst, text);
	object = answer(c, text);
	json_object_set_new(object, "failed", json_boolean(failed));
	if (worst)
		json_object_set(object, "seed", json_object_get(worst, "seed"));
	return object;
}

/* ---- of the host ---- */

/* The interval of the change as the condition's unit has it. False: it is not known so. */
static bool interval_of(const struct condition *c, const json_t *row, double *low, double *high)
{
	static const double scale[] = {
		[FORMAT_COUNT] = 1, [FORMAT_RATE] = 1, [FORMAT_SECONDS] = 1e9,
		[FORMAT_MS] = 1e6,  [FORMAT_US] = 1e3, [FORMAT_PERCENT] = 1000};
	bool percent = c->unit == CONDITION_PERCENT && c->bound;
	const json_t *from = json_object_get(row, percent ? "low" : "difference_low");
	const json_t *to = json_object_get(row, percent ? "high" : "difference_high");

	/* Percent of what was 0 in some round are none. */
	if (!from || !to || (percent && !json_is_true(json_object_get(row, "ratio"))))
		return false;
	*low = json_number_value(from);
	*high = json_number_value(to);
	*low = percent ? (exp(*low) - 1) * 100000 : *low * scale[format_of(row)];
	*high = percent ? (exp(*high) - 1) * 100000 : *high * scale[format_of(row)];
	return true;
}

/* Is it never so, wherever in the interval the truth is? */
static bool fails_nowhere(const struct condition *c, double low, double high)
{
	struct condition opposite = *c;
	static const enum condition_operator opposites[] = {
		[CONDITION_GT] = CONDITION_LE, [CONDITION_GE] = CONDITION_LT,
		[CONDITION_LT] = CONDITION_GE, [CONDITION_LE] = CONDITION_GT,
		[CONDITION_EQ] = CONDITION_NE, [CONDITION_NE] = CONDITION_EQ};

	opposite.op = opposites[c->op];
	return condition_holds_throughout(&opposite, low, high);
}

json_t *gate_verdict(const struct condition *c, const json_t *row)
{
	const char *verdict = json_string_value(json_object_get(row, "verdict"));
	bool changed = verdict && (!strcmp(verdict, "better") || !strcmp(verdict, "worse"));
	bool same = verdict && !strcmp(verdict, "same");
	double low = NAN, high = NAN;
	bool known = interval_of(c, row, &low, &high);
	bool throughout = known && condition_holds_throughout(c, low, high);
	bool failed = changed && throughout;
	bool fine = known && !throughout && (same || fails_nowhere(c, low, high));
	json_t *object = answer(c, failed ? "the whole interval is there" :
				   fine	  ? "it is not so" :
					    "cannot be decided here");

	json_object_set_new(object, "failed", json_boolean(failed));
	if (!failed && !fine)
		json_object_set_new(object, "undecided", json_true());
	return object;
}

/* ---- markdown ---- */

static void markdown_row(const json_t *row, bool has_a, bool has_baseline, FILE *out)
{
	const char *from = has_baseline ? "baseline" : "a", *unit = json_text(row, "unit");
	const json_t *a = json_object_get(row, from), *b = json_object_get(row, "b");
	int64_t before = json_integer_value(a), change = json_integer_value(b) - before;
	char text[48];

	fprintf(out, "| `%s`%s%s | %s |", json_text(row, "metric"), *unit ? ", " : "", unit,
		json_text(row, "over"));
	if (has_baseline)
		fprintf(out, " %s |", exact_text_at(row, "baseline", text, sizeof(text)));
	if (has_a)
		fprintf(out, " %s |", exact_text_at(row, "a", text, sizeof(text)));
	fprintf(out, " %s |", exact_text_at(row, "b", text, sizeof(text)));
	if (!a || !b)
		fputs(" |\n", out);
	else if (!change)
		fputs(" = |\n", out);
	else
		fprintf(out, " %s |\n",
			exact_text(change, format_of(row), true, text, sizeof(text)));
}

static void markdown_table(const json_t *comparison, FILE *out)
{
	const json_t *rows = json_object_get(comparison, "metrics"), *row;
	bool has_a = json_object_get(comparison, "a"), has_baseline = false;
	size_t i;

	json_array_foreach(rows, i, row) has_baseline |= json_object_get(row, "baseline") != NULL;
	fprintf(out, "\n| metric | over the seeds |%s%s b | change |\n",
		has_baseline ? " baseline |" : "", has_a ? " a |" : "");
	fprintf(out, "| --- | --- |%s%s ---: | ---: |\n", has_baseline ? " ---: |" : "",
		has_a ? " ---: |" : "");
	json_array_foreach(rows, i, row) markdown_row(row, has_a, has_baseline, out);
}

void gate_markdown(const json_t *comparison, FILE *out)
{
	const json_t *gate = json_object_get(comparison, "gate"), *one;
	size_t i, failed = 0;

	json_array_foreach(gate, i, one) failed += json_is_true(json_object_get(one, "failed"));
	fprintf(out, "### mmsim: %s on %s, %zu seeds: %s\n\n",
		json_text(json_object_get(comparison, "setting"), "scenario"),
		json_text(json_object_get(comparison, "setting"), "machine"),
		json_array_size(json_object_get(json_object_get(comparison, "b"), "runs")),
		failed		      ? "regression" :
		json_array_size(gate) ? "no regression" :
					"compared");
	if (json_object_get(comparison, "a"))
		fprintf(out, "a: `%s`, ", json_text(json_object_get(comparison, "a"), "spec"));
	fprintf(out, "b: `%s`\n\n", json_text(json_object_get(comparison, "b"), "spec"));
	json_array_foreach(gate, i, one)
	{
		bool bad = json_is_true(json_object_get(one, "failed"));

		fprintf(out, "- %s `%s`: %s\n", bad ? "**failed**" : "passed",
			json_text(one, "condition"), json_text(one, "text"));
		if (bad)
			fprintf(out, "  - see `%s`\n", json_text(one, "command"));
	}
	markdown_table(comparison, out);
	json_array_foreach(json_object_get(comparison, "blame"), i, one)
		fprintf(out, "\n> %s, seed %lld: %s\n", json_text(one, "side"),
			(long long)integer(one, "seed"), json_text(one, "text"));
	fprintf(out, "\n`%s`\n", json_text(comparison, "command"));
}
