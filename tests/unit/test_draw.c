/* SPDX-License-Identifier: MIT */
/* Numbers and distributions of scripts: how they are written, and what is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scenario/draw.h"
#include "scenario/op.h"
#include "scenario/size.h"

#define NR_DRAWS 100000

static struct draw parsed(const char *text, enum draw_unit unit)
{
	struct draw draw;

	if (draw_parse(text, unit, &draw))
		fail_msg("not read: %s", text);
	return draw;
}

static void constants_have_units(void **state)
{
	static const struct {
		const char *text;
		enum draw_unit unit;
		uint64_t number;
	} good[] = {
		{"16", DRAW_COUNT, 16},
		{"0", DRAW_COUNT, 0},
		{"4k", DRAW_COUNT, 4096},
		{"0x10", DRAW_COUNT, 16},
		{"010", DRAW_COUNT, 10},
		{"4k", DRAW_BYTES, 4096},
		{"3", DRAW_BYTES, 3 * SIM_PAGE_SIZE},
		{"010", DRAW_BYTES, 10 * SIM_PAGE_SIZE},
		{"0x3", DRAW_BYTES, 3},
		{"0xffffffffffffffff", DRAW_BYTES, UINT64_MAX},
		{"2G", DRAW_BYTES, UINT64_C(2) << 30},
		{"1t", DRAW_BYTES, UINT64_C(1) << 40},
		{"8.33ms", DRAW_TIME, 8330000},
		{"3", DRAW_TIME, 3000000000},
		{"1.5us", DRAW_TIME, 1500},
		{"0.0000000019s", DRAW_TIME, 1},
		{"2h", DRAW_TIME, UINT64_C(7200000000000)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct draw draw = parsed(good[i].text, good[i].unit);
		uint64_t random = 1;

		assert_int_equal(draw.kind, DRAW_CONSTANT);
		assert_int_equal(draw_next(&draw, &random), good[i].number);
		/* A constant uses nothing of the stream up. */
		assert_int_equal(random, 1);
	}
}

static void distributions_are_read(void **state)
{
	struct draw draw = parsed("uniform(1ms,0.003)", DRAW_TIME);

	(void)state;
	assert_int_equal(draw.kind, DRAW_UNIFORM);
	assert_int_equal(draw.number[0], 1000000);
	assert_int_equal(draw.number[1], 3000000);
	draw = parsed("exp(2)", DRAW_BYTES);
	assert_int_equal(draw.kind, DRAW_EXP);
	assert_int_equal(draw.number[0], 2 * SIM_PAGE_SIZE);
	draw = parsed("oneof(1,2,3,4,5,6,7,0x8)", DRAW_COUNT);
	assert_int_equal(draw.kind, DRAW_ONE_OF);
	assert_int_equal(draw.nr, 8);
	assert_int_equal(draw.number[7], 8);
	draw = parsed("oneof(4k)", DRAW_BYTES);
	assert_int_equal(draw.nr, 1);
	parsed("uniform(7,7)", DRAW_COUNT);
}

static void what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum draw_unit unit;
	} bad[] = {
		{"", DRAW_COUNT},
		{"", DRAW_BYTES},
		{"", DRAW_TIME},
		{"-1", DRAW_COUNT},
		{"+1", DRAW_COUNT},
		{" 1", DRAW_COUNT},
		{"1 ", DRAW_COUNT},
		{"x", DRAW_COUNT},
		{"4q", DRAW_COUNT},
		{"4kk", DRAW_BYTES},
		{"0x", DRAW_BYTES},
		{"1.5", DRAW_COUNT},
		{"5ms", DRAW_BYTES},
		{"4k", DRAW_TIME},
		{"5.", DRAW_TIME},
		{"5.ms", DRAW_TIME},
		{"18446744073709551616", DRAW_COUNT},
		{"9007199254740992", DRAW_BYTES},
		{"9999999t", DRAW_BYTES},
		{"99999999999999999999", DRAW_TIME},
		{"9999999h", DRAW_TIME},
		{"uniform", DRAW_COUNT},
		{"uniform(", DRAW_COUNT},
		{"uniform()", DRAW_COUNT},
		{"uniform(1)", DRAW_COUNT},
		{"uniform(1,2", DRAW_COUNT},
		{"uniform(1,2)x", DRAW_COUNT},
		{"uniform(1,2,3)", DRAW_COUNT},
		{"uniform(2,1)", DRAW_COUNT},
		{"uniform(1,,2)", DRAW_COUNT},
		{"uniform(1, 2)", DRAW_COUNT},
		{"exp()", DRAW_TIME},
		{"exp(1,2)", DRAW_TIME},
		{"exp(exp(1))", DRAW_TIME},
		{"oneof()", DRAW_COUNT},
		{"oneof(1,2,3,4,5,6,7,8,9)", DRAW_COUNT},
		{"oneof(1,2,)", DRAW_COUNT},
		{"gauss(1,2)", DRAW_COUNT},
		{"EXP(1)", DRAW_COUNT},
		{"oneof(0000000000000000000000000000000000000001)", DRAW_COUNT},
	};
	struct draw draw;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!draw_parse(bad[i].text, bad[i].unit, &draw))
			fail_msg("was read: '%s'", bad[i].text);
	for (int unit = DRAW_COUNT; unit <= DRAW_TIME; unit++)
		assert_non_null(strstr(draw_expected((enum draw_unit)unit), "exp(MEAN)"));
}

/* The same numbers on every computer, from now on. */
static void a_seed_draws_the_same_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t number[4];
	} golden[] = {
		{"uniform(0,999)", {UINT64_C(741), UINT64_C(159), UINT64_C(278), UINT64_C(344)}},
		{"uniform(0,0xffffffffffffffff)",
		 {UINT64_C(13679457532755275413), UINT64_C(2949826092126892291),
		  UINT64_C(5139283748462763858), UINT64_C(6349198060258255764)}},
		{"exp(1000000)",
		 {UINT64_C(298992), UINT64_C(1833141), UINT64_C(1277974), UINT64_C(1066558)}},
		{"oneof(1,2,3)", {UINT64_C(3), UINT64_C(1), UINT64_C(1), UINT64_C(2)}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
		struct draw draw = parsed(golden[i].text, DRAW_COUNT);
		uint64_t random = 42;

		for (int n = 0; n < 4; n++)
			assert_int_equal(draw_next(&draw, &random), golden[i].number[n]);
	}
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void check_within(uint64_t number, double exact, double part)
{
	if ((double)number < exact * (1 - part) || (double)number > exact * (1 + part))
		fail_msg("expected %.0f within %.1f %%, got %llu", exact, 100 * part,
			 (unsigned long long)number);
}

/*
 * The mean's standard error is 1 / sqrt(100000), 0.3 %; that of the quantile at p is
 * sqrt((1 - p) / (p n)) / -ln(1 - p) or so: 4 of each are allowed.
 */
static void exp_is_exponential(void **state)
{
	static const struct {
		double p, minus_ln, part;
	} quantiles[] = {
		{0.01, 0.010050336, 0.13},  {0.10, 0.105360516, 0.04}, {0.50, 0.693147181, 0.02},
		{0.90, 2.302585093, 0.017}, {0.99, 4.605170186, 0.03}, {0.999, 6.907755279, 0.06},
	};
	const uint64_t mean = 1000000;
	const struct draw draw = parsed("exp(1000000)", DRAW_COUNT);
	uint64_t *drawn = malloc(NR_DRAWS * sizeof(*drawn)), random = 1, sum = 0;

	(void)state;
	assert_non_null(drawn);
	for (int i = 0; i < NR_DRAWS; i++)
		sum += drawn[i] = draw_next(&draw, &random);
	qsort(drawn, NR_DRAWS, sizeof(*drawn), ascending);
	check_within(sum / NR_DRAWS, (double)mean, 0.013);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		check_within(drawn[(size_t)(quantiles[i].p * NR_DRAWS)],
			     (double)mean * quantiles[i].minus_ln, quantiles[i].part);
	assert_true(drawn[NR_DRAWS - 1] < 45 * mean);
	free(drawn);
}

/* The ends too, each about equally often. */
static void uniform_is_even(void **state)
{
	const struct draw draw = parsed("uniform(10,19)", DRAW_COUNT);
	unsigned int count[10] = {0};
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < NR_DRAWS; i++) {
		uint64_t number = draw_next(&draw, &random);

		assert_in_range(number, 10, 19);
		count[number - 10]++;
	}
	for (int i = 0; i < 10; i++)
		check_within(count[i], NR_DRAWS / 10, 0.04);
}

static void one_of_is_even(void **state)
{
	const struct draw draw = parsed("oneof(5,50,500)", DRAW_COUNT);
	unsigned int count[3] = {0};
	uint64_t random = 7;

	(void)state;
	for (int i = 0; i < NR_DRAWS; i++) {
		uint64_t number = draw_next(&draw, &random);

		assert_true(number == 5 || number == 50 || number == 500);
		count[number == 50 ? 1 : number == 500 ? 2 : 0]++;
	}
	for (int i = 0; i < 3; i++)
		check_within(count[i], NR_DRAWS / 3.0, 0.04);
}

static void below_is_below(void **state)
{
	uint64_t random = 3;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(draw_below(&random, 1), 0);
		assert_in_range(draw_below(&random, 3), 0, 2);
	}
}

/* Nothing wraps around: not the largest mean, nor all numbers that there are. */
static void large_numbers_do_not_wrap(void **state)
{
	const struct draw all = parsed("uniform(0,0xffffffffffffffff)", DRAW_COUNT);
	const struct draw most = parsed("uniform(1,0xffffffffffffffff)", DRAW_COUNT);
	const struct draw top =
		parsed("uniform(0xfffffffffffffffe,0xffffffffffffffff)", DRAW_COUNT);
	const struct draw mean = parsed("exp(0xffffffffffffffff)", DRAW_COUNT);
	uint64_t random = 5, halves[2] = {0}, saturated = 0, tops = 0;

	(void)state;
	for (int i = 0; i < NR_DRAWS; i++) {
		halves[draw_next(&all, &random) >> 63]++;
		assert_int_not_equal(draw_next(&most, &random), 0);
		tops += draw_next(&top, &random) == UINT64_MAX;
		saturated += draw_next(&mean, &random) == UINT64_MAX;
	}
	check_within(halves[0], NR_DRAWS / 2.0, 0.02);
	check_within(tops, NR_DRAWS / 2.0, 0.02);
	/* More than the mean: 1 / e of them. */
	check_within(saturated, NR_DRAWS * 0.36788, 0.02);
}

static void exp_of_little_is_little(void **state)
{
	const struct draw none = parsed("exp(0)", DRAW_COUNT), one = parsed("exp(1)", DRAW_COUNT);
	uint64_t random = 5, sum = 0;

	(void)state;
	for (int i = 0; i < NR_DRAWS; i++) {
		assert_int_equal(draw_next(&none, &random), 0);
		sum += draw_next(&one, &random);
	}
	/* Rounded down: 1/e + 1/e^2 + ... */
	check_within(sum, NR_DRAWS * 0.58198, 0.03);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_have_units),
		cmocka_unit_test(distributions_are_read),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(a_seed_draws_the_same_numbers),
		cmocka_unit_test(exp_is_exponential),
		cmocka_unit_test(uniform_is_even),
		cmocka_unit_test(one_of_is_even),
		cmocka_unit_test(below_is_below),
		cmocka_unit_test(large_numbers_do_not_wrap),
		cmocka_unit_test(exp_of_little_is_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
