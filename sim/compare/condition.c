/* SPDX-License-Identifier: MIT */
/* The grammar of --fail-if; see condition.h. */
#include "condition.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_DIGITS 12 /* of a number: fits with its unit */

struct parser {
	const char *at, *line_start;
	unsigned int line;
	struct condition_error *error;
};

static unsigned int column_of(const struct parser *p)
{
	return (unsigned int)(p->at - p->line_start) + 1;
}

static int expected(struct parser *p, const char *what)
{
	struct condition_error *error = p->error;
	int len = (int)strcspn(p->at, " \t\r\n;#");

	error->line = p->line;
	error->column = column_of(p);
	if (!*p->at || strchr("\r\n;#", *p->at))
		snprintf(error->text, sizeof(error->text), "expected %s, found the end", what);
	else
		snprintf(error->text, sizeof(error->text), "expected %s, found '%.*s'", what,
			 len ? len < 40 ? len : 40 : 1, p->at);
	return -EINVAL;
}

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t\r");
}

/* What stands between two conditions. */
static void skip_gaps(struct parser *p)
{
	for (;;) {
		skip_blanks(p);
		if (*p->at == '#')
			p->at += strcspn(p->at, "\n");
		if (*p->at == '\n') {
			p->line++;
			p->line_start = p->at + 1;
		} else if (*p->at != ';') {
			return;
		}
		p->at++;
	}
}

static int parse_metric(struct parser *p, struct condition *c)
{
	size_t len = strcspn(p->at, " \t\r\n;#<>=!");

	if (!len || len >= sizeof(c->metric))
		return expected(p, "a metric such as ui.frames.missed");
	memcpy(c->metric, p->at, len);
	c->metric[len] = '\0';
	p->at += len;
	return 0;
}

static int parse_operator(struct parser *p, struct condition *c)
{
	static const struct {
		const char *text;
		enum condition_operator op;
	} operators[] = {{">=", CONDITION_GE}, {"<=", CONDITION_LE}, {"==", CONDITION_EQ},
			 {"!=", CONDITION_NE}, {">", CONDITION_GT},  {"<", CONDITION_LT}};

	skip_blanks(p);
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		size_t len = strlen(operators[i].text);

		if (strncmp(p->at, operators[i].text, len))
			continue;
		c->op = operators[i].op;
		p->at += len;
		return 0;
	}
	return expected(p, "one of > >= < <= == !=");
}

/* Units: what a number of 1 is, and how many digits after the point can count. */
static const struct unit {
	const char *name;
	enum condition_unit unit;
	int64_t one;
} units[] = {{"ns", CONDITION_NS, 1},	     {"us", CONDITION_NS, 1000},
	     {"ms", CONDITION_NS, 1000000},  {"s", CONDITION_NS, 1000000000},
	     {"%", CONDITION_PERCENT, 1000}, {"", CONDITION_COUNT, 1}};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct unit *find_unit(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strlen(units[i].name) == len && !strncmp(units[i].name, name, len))
			return &units[i];
	return NULL;
}

/* 12, 0.5ms, 5%: an integer of the smallest unit. */
static int parse_number(struct parser *p, struct condition *c)
{
	const char *start = p->at, *fraction = NULL;
	int64_t whole = 0, part = 0;
	const struct unit *unit;
	int64_t scale;

	for (; is_digit(*p->at); p->at++)
		whole = p->at - start < WHOLE_DIGITS ? whole * 10 + (*p->at - '0') : -1;
	if (p->at == start || whole < 0) {
		p->at = start;
		return expected(p, "a number below 10^12 such as 3, +0, +5% or 8ms");
	}
	if (*p->at == '.' && is_digit(p->at[1]))
		for (fraction = ++p->at; is_digit(*p->at);)
			p->at++;
	unit = find_unit(p->at, strcspn(p->at, " \t\r\n;#"));
	if (!unit)
		return expected(p, "ns, us, ms, s, % or the end of the condition");
	scale = unit->one;
	for (; fraction && is_digit(*fraction); fraction++) {
		scale /= 10;
		part += (*fraction - '0') * scale;
		if (!scale && *fraction != '0') {
			p->at = start;
			return expected(p, "a number without parts of the smallest unit");
		}
	}
	if (whole > INT64_MAX / 16 / unit->one) {
		p->at = start;
		return expected(p, "a smaller number");
	}
	p->at += strlen(unit->name);
	c->unit = unit->unit;
	c->bound = whole * unit->one + part;
	return 0;
}

static int parse_bound(struct parser *p, struct condition *c)
{
	bool negative;
	int err;

	skip_blanks(p);
	c->bound_column = column_of(p);
	negative = *p->at == '-';
	c->of_change = negative || *p->at == '+';
	p->at += c->of_change;
	err = parse_number(p, c);
	if (!err && negative)
		c->bound = -c->bound;
	return err;
}

static int parse_one(struct parser *p, struct condition *c)
{
	const char *start = p->at;
	int err;

	memset(c, 0, sizeof(*c));
	c->line = p->line;
	c->column = column_of(p);
	err = parse_metric(p, c);
	if (!err)
		err = parse_operator(p, c);
	if (!err)
		err = parse_bound(p, c);
	if (err)
		return err;
	snprintf(c->text, sizeof(c->text), "%.*s", (int)(p->at - start), start);
	skip_blanks(p);
	return *p->at && !strchr("\n;#", *p->at) ? expected(p, "; or the end of the line") : 0;
}

int conditions_parse(const char *text, struct condition *list, struct condition_error *error)
{
	struct parser p = {.at = text, .line_start = text, .line = 1, .error = error};
	int nr = 0;

	for (skip_gaps(&p); *p.at; skip_gaps(&p)) {
		if (nr == CONDITIONS_MAX)
			return expected(&p, "at most 256 conditions");
		if (parse_one(&p, &list[nr]))
			return -EINVAL;
		nr++;
	}
	return nr ? nr : expected(&p, "a condition such as ui.frames.missed > +0");
}

/* ---- what they say ---- */

static bool compare(enum condition_operator op, int order)
{
	switch (op) {
	case CONDITION_GT:
		return order > 0;
	case CONDITION_GE:
		return order >= 0;
	case CONDITION_LT:
		return order < 0;
	case CONDITION_LE:
		return order <= 0;
	case CONDITION_EQ:
		return order == 0;
	default:
		return order != 0;
	}
}

bool condition_holds(const struct condition *c, int64_t before, int64_t after)
{
	__extension__ typedef __int128 wide;
	int64_t change = after - before;
	wide left = c->of_change ? change : after, right = c->bound;

	if (c->of_change && c->unit == CONDITION_PERCENT) {
		left = (wide)change * 100000;
		/* Of nothing: no change is none, any is more than all percents. */
		right = before ? (wide)c->bound * before : change ? 0 : c->bound;
	}
	return compare(c->op, (left > right) - (left < right));
}

bool condition_holds_throughout(const struct condition *c, double low, double high)
{
	double bound = (double)c->bound;

	if (isnan(low) || isnan(high))
		return false;
	return compare(c->op, (low > bound) - (low < bound)) &&
	       compare(c->op, (high > bound) - (high < bound)) &&
	       (c->op != CONDITION_NE || low > bound || high < bound);
}
