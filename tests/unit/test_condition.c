/* SPDX-License-Identifier: MIT */
/* The grammar of --fail-if, and what its conditions say of two values. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compare/condition.h"

static struct condition list[CONDITIONS_MAX];
static struct condition_error error;

static const struct condition *one(const char *text)
{
	assert_int_equal(conditions_parse(text, list, &error), 1);
	return list;
}

static void check_bound(const char *text, enum condition_unit unit, bool of_change, int64_t bound)
{
	const struct condition *c = one(text);

	assert_int_equal(c->unit, unit);
	assert_int_equal(c->of_change, of_change);
	assert_int_equal(c->bound, bound);
}

static void bounds_have_signs_and_units(void **state)
{
	(void)state;
	check_bound("m > 3", CONDITION_COUNT, false, 3);
	check_bound("m > +3", CONDITION_COUNT, true, 3);
	check_bound("m < -3", CONDITION_COUNT, true, -3);
	check_bound("m > +0", CONDITION_COUNT, true, 0);
	check_bound("m>8ms", CONDITION_NS, false, 8000000);
	check_bound("m>0.5us", CONDITION_NS, false, 500);
	check_bound("m > +1.25s", CONDITION_NS, true, 1250000000);
	check_bound("m > 7ns", CONDITION_NS, false, 7);
	check_bound("m > 99.5%", CONDITION_PERCENT, false, 99500);
	check_bound("m < -0.001%", CONDITION_PERCENT, true, -1);
}

static void conditions_stand_in_a_row(void **state)
{
	(void)state;
	assert_int_equal(conditions_parse("# first\na.b >= 1 ; c<=2\n\n;d == 3 # last\ne != +4",
					  list, &error),
			 4);
	assert_string_equal(list[0].metric, "a.b");
	assert_string_equal(list[0].text, "a.b >= 1");
	assert_int_equal(list[0].op, CONDITION_GE);
	assert_int_equal(list[0].line, 2);
	assert_int_equal(list[0].column, 1);
	assert_int_equal(list[1].op, CONDITION_LE);
	assert_int_equal(list[1].column, 12);
	assert_int_equal(list[1].bound_column, 15);
	assert_int_equal(list[2].op, CONDITION_EQ);
	assert_int_equal(list[2].line, 4);
	assert_int_equal(list[3].op, CONDITION_NE);
	assert_true(list[3].of_change);
	assert_int_equal(list[3].line, 5);
}

static void check_error(const char *text, unsigned int line, unsigned int column, const char *says)
{
	assert_int_equal(conditions_parse(text, list, &error), -EINVAL);
	assert_int_equal(error.line, line);
	assert_int_equal(error.column, column);
	if (!strstr(error.text, says))
		fail_msg("'%s' is not in '%s'", says, error.text);
}

static void errors_say_where(void **state)
{
	char many[CONDITIONS_MAX * 8 + 16] = "";

	(void)state;
	check_error("", 1, 1, "expected a condition");
	check_error(" # nothing", 1, 11, "expected a condition");
	check_error("> 3", 1, 1, "expected a metric");
	check_error("ui.missed", 1, 10, "found the end");
	check_error("ui.missed = 3", 1, 11, "expected one of > >= < <= == !=, found '='");
	check_error("ui.missed > three", 1, 13, "found 'three'");
	check_error("ui.missed > + 3", 1, 14, "expected a number");
	check_error("m > 3; m > 3 frames", 1, 14, "expected ; or the end of the line");
	check_error("m > 3\nm > 8min", 2, 6, "expected ns, us, ms, s, %");
	check_error("m > 1234567890123", 1, 5, "below 10^12");
	check_error("m > 999999999999s", 1, 5, "a smaller number");
	check_error("m >= 0.5", 1, 6, "smallest unit");
	check_error("m > 0.5ns", 1, 5, "smallest unit");
	check_error("m > +0.0004%", 1, 6, "smallest unit");
	for (int i = 0; i <= CONDITIONS_MAX; i++)
		strcat(many, "m > 3;");
	check_error(many, 1, CONDITIONS_MAX * 6 + 1, "at most 256");
}

static bool holds(const char *text, int64_t before, int64_t after)
{
	return condition_holds(one(text), before, after);
}

static void values_and_changes_are_exact(void **state)
{
	(void)state;
	assert_true(holds("m > 3", 0, 4));
	assert_false(holds("m > 3", 100, 3));
	assert_true(holds("m > +0", 12, 13));
	assert_false(holds("m > +0", 12, 12));
	assert_false(holds("m > +0", 12, 11));
	assert_true(holds("m < -0", 12, 11));
	assert_true(holds("m >= +1us", 5000, 6000));
	assert_false(holds("m >= +1us", 5000, 5999));
	assert_true(holds("m != +0", 5, 4));
	/* To the last unit, above what a double can tell apart. */
	assert_true(holds("m > +0", INT64_C(1) << 60, (INT64_C(1) << 60) + 1));
	assert_true(holds("m > +10%", 1000, 1101));
	assert_false(holds("m > +10%", 1000, 1100));
	assert_true(holds("m < -10%", 1000, 899));
	assert_false(holds("m < -10%", 1000, 900));
	/* Of nothing any more is more than all percents. */
	assert_true(holds("m > +50%", 0, 1));
	assert_false(holds("m > +50%", 0, 0));
	assert_false(holds("m < -50%", 0, 0));
	assert_false(holds("m >= +5%", 0, 0));
	assert_false(holds("m <= -5%", 0, 0));
	assert_false(holds("m == +5%", 0, 0));
	assert_true(holds("m == +0%", 0, 0));
}

static void intervals_lie_on_one_side(void **state)
{
	(void)state;
	assert_true(condition_holds_throughout(one("m > +5%"), 5001, 9000));
	assert_false(condition_holds_throughout(one("m > +5%"), 4999, 9000));
	assert_false(condition_holds_throughout(one("m > +5%"), 5001, NAN));
	assert_true(condition_holds_throughout(one("m < -5%"), -9000, -5001));
	assert_true(condition_holds_throughout(one("m != +0"), 1, 2));
	assert_false(condition_holds_throughout(one("m != +0"), -1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_have_signs_and_units),
		cmocka_unit_test(conditions_stand_in_a_row),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(values_and_changes_are_exact),
		cmocka_unit_test(intervals_lie_on_one_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
