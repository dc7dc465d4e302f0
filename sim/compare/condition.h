/* SPDX-License-Identifier: MIT */
/*
 * What must not be: conditions on metrics, such as
 *
 *	ui.frames.missed > +0; ui.wait.longest >= 8ms; ops.rate < -5%
 *
 * CONDITION = METRIC OPERATOR BOUND, with semicolons or line ends between; # begins a comment.
 * OPERATOR = > | >= | < | <= | == | !=. A BOUND with a sign is one on the change, as a number with
 * a unit or in percent; one without is on the value. Units are ns, us, ms and s of times, % of
 * parts; counts and rates have none.
 */
#ifndef MMSIM_SIM_COMPARE_CONDITION_H
#define MMSIM_SIM_COMPARE_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#define CONDITION_METRIC_MAX 96
#define CONDITION_TEXT_MAX 160
#define CONDITIONS_MAX 256

enum condition_operator {
	CONDITION_GT,
	CONDITION_GE,
	CONDITION_LT,
	CONDITION_LE,
	CONDITION_EQ,
	CONDITION_NE
};

enum condition_unit {
	CONDITION_COUNT, /* no unit */
	CONDITION_NS,
	CONDITION_PERCENT, /* thousandths of a percent */
};

struct condition {
	char text[CONDITION_TEXT_MAX]; /* as it was written */
	char metric[CONDITION_METRIC_MAX];
	enum condition_operator op;
	bool of_change; /* the bound had a sign */
	enum condition_unit unit;
	int64_t bound;
	unsigned int line, column; /* where it begins, from 1 on */
	unsigned int bound_column;
};

struct condition_error {
	unsigned int line, column;
	char text[160]; /* what was expected, what was found */
};

/**
 * conditions_parse - read conditions
 * @text: of all of them
 * @list: room for CONDITIONS_MAX
 *
 * Return: how many; -EINVAL: @error says where and what.
 */
int conditions_parse(const char *text, struct condition *list, struct condition_error *error);

/**
 * condition_holds - is it as it must not be?
 * @before, @after: in ns, thousandths of a percent, or counts
 *
 * In percent a change from 0 to anything more is larger than any bound, to anything less smaller.
 */
bool condition_holds(const struct condition *condition, int64_t before, int64_t after);

/* The same of a change alone, not known but for an interval: do all of it hold? */
bool condition_holds_throughout(const struct condition *condition, double low, double high);

#endif
