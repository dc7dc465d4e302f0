/* SPDX-License-Identifier: MIT */
/*
 * Verdicts: each of them, on either scale; and on noise like that of a shared machine how often
 * no change is called one, how often a change is found, and what the order in a round is for.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compare/order.h"
#include "compare/verdict.h"
#include "machine/machine.h"

#define DRAWS 2000
#define ROUNDS 14
#define ROUNDS_MAX 60

static const struct verdict_question lower_is_better = {
	.effect = 0.03,
	.unit = "ns",
	.alpha = 0.01,
	.nr_metrics = 1,
};

static double a[ROUNDS_MAX], a2[ROUNDS_MAX], b[ROUNDS_MAX];

static struct verdict_result judge(const struct verdict_question *question, unsigned int n)
{
	const struct verdict_samples samples = {.a = a, .a2 = a2, .b = b, .n = n};
	struct verdict_result result;

	assert_int_equal(verdict_judge(question, &samples, &result), 0);
	return result;
}

static void assert_text(const struct verdict_question *question,
			const struct verdict_result *result, const char *verdict, const char *noise)
{
	char buf[VERDICT_TEXT_MAX];

	assert_string_equal(verdict_text(question, result, buf), verdict);
	assert_string_equal(verdict_noise_text(question, result, buf), noise);
}

/* A and A' differ by at most 1 % from round to round, B is @times as much. */
static void quiet_rounds(unsigned int n, double times)
{
	for (unsigned int i = 0; i < n; i++) {
		a[i] = 1000 + i % 3 * 5;
		a2[i] = 1000 + (i + 1) % 3 * 5;
		b[i] = (1000 + (i * 2) % 5 * 2) * times;
	}
}

/* ---- each verdict ---- */

static void better_and_worse(void **state)
{
	struct verdict_question higher_is_better = lower_is_better;
	struct verdict_result result;

	(void)state;
	higher_is_better.higher_is_better = true;
	quiet_rounds(12, 1.2);
	result = judge(&lower_is_better, 12);
	assert_true(result.is_ratio);
	assert_int_equal(result.verdict, VERDICT_WORSE);
	assert_text(&lower_is_better, &result, "worse", "+-0.5 %");
	assert_true(fabs(exp(result.change.shift) - 1.2) < 0.01);
	assert_true(fabs(result.difference.shift - 200) < 10);
	assert_int_equal(judge(&higher_is_better, 12).verdict, VERDICT_BETTER);
	quiet_rounds(12, 1 / 1.2);
	result = judge(&lower_is_better, 12);
	assert_text(&lower_is_better, &result, "better", "+-0.5 %");
	assert_int_equal(judge(&higher_is_better, 12).verdict, VERDICT_WORSE);
}

static void same(void **state)
{
	struct verdict_result result;

	(void)state;
	quiet_rounds(12, 1.01);
	result = judge(&lower_is_better, 12);
	assert_int_equal(result.verdict, VERDICT_SAME);
	assert_text(&lower_is_better, &result, "same within 3 %", "+-0.5 %");
	assert_true(verdict_narrow_enough(&lower_is_better, &result));
}

/* Significant, but what it amounts to is not known to be more or less than the effect. */
static void near_the_effect(void **state)
{
	struct verdict_result result;

	(void)state;
	quiet_rounds(12, 1.03);
	result = judge(&lower_is_better, 12);
	assert_true(result.p_corrected < 0.001);
	assert_int_equal(result.verdict, VERDICT_UNMEASURABLE);
	assert_text(&lower_is_better, &result, "cannot be measured here", "+-0.5 %");
	/* More rounds would not help: the interval is narrow. */
	assert_true(verdict_narrow_enough(&lower_is_better, &result));
}

/* A and A' differ as much as A and B: whatever it is that differs, it is not the variant. */
static void not_beyond_the_noise_floor(void **state)
{
	struct verdict_result result;

	(void)state;
	quiet_rounds(12, 1.2);
	for (unsigned int i = 0; i < 12; i++)
		a2[i] *= 1.19;
	result = judge(&lower_is_better, 12);
	assert_true(result.p_corrected < 0.01 && result.change.low > log(1.1));
	assert_int_equal(result.verdict, VERDICT_UNMEASURABLE);
}

/* Whatever alpha lets through, what may be either way is no change. */
static void on_both_sides(void **state)
{
	struct verdict_question question = lower_is_better;
	struct verdict_result result;

	(void)state;
	question.alpha = 0.99;
	quiet_rounds(12, 1);
	for (unsigned int i = 0; i < 12; i++) {
		a2[i] *= 3;
		b[i] *= i % 4 ? 1.3 : 0.7;
	}
	result = judge(&question, 12);
	assert_true(result.p_corrected < 0.99 && result.change.shift > log(1.03));
	assert_true(result.change.low < 0 && result.change.high < result.noise.low);
	assert_int_equal(result.verdict, VERDICT_UNMEASURABLE);
}

/* Within 50 % is from 2/3 to 3/2, either side the other's mirror image. */
static void a_large_effect(void **state)
{
	struct verdict_question question = lower_is_better;

	(void)state;
	question.effect = 0.5;
	quiet_rounds(12, 1.45);
	assert_int_equal(judge(&question, 12).verdict, VERDICT_SAME);
	quiet_rounds(12, 1 / 1.45);
	assert_int_equal(judge(&question, 12).verdict, VERDICT_SAME);
	quiet_rounds(12, 1.55);
	assert_int_equal(judge(&question, 12).verdict, VERDICT_WORSE);
	quiet_rounds(12, 1 / 1.55);
	assert_int_equal(judge(&question, 12).verdict, VERDICT_BETTER);
}

static void too_few_rounds(void **state)
{
	struct verdict_question question = lower_is_better;
	struct verdict_result result;

	(void)state;
	quiet_rounds(12, 1.2);
	result = judge(&question, 5);
	assert_int_equal(result.verdict, VERDICT_UNMEASURABLE);
	assert_text(&question, &result, "cannot be measured here", "unknown");
	assert_true(isinf(verdict_noise(&result)));
	assert_false(verdict_narrow_enough(&question, &result));
	/* From when on it can be found, and with more metrics later. */
	for (question.nr_metrics = 1; question.nr_metrics <= 8; question.nr_metrics++) {
		unsigned int least = verdict_rounds_min(&question);

		assert_int_equal(judge(&question, least).verdict, VERDICT_WORSE);
		assert_int_equal(judge(&question, least - 1).verdict, VERDICT_UNMEASURABLE);
	}
	question.nr_metrics = 1;
	assert_int_equal(verdict_rounds_min(&question), 8);
	question.alpha = 0.9;
	assert_int_equal(verdict_rounds_min(&question), 6);
}

static void corrected_for_many_metrics(void **state)
{
	struct verdict_question question = lower_is_better;
	struct verdict_result one, many;

	(void)state;
	quiet_rounds(12, 1.2);
	one = judge(&question, 12);
	question.nr_metrics = 100;
	many = judge(&question, 12);
	assert_true(many.p_corrected == one.p_corrected * 100);
	assert_int_equal(many.verdict, VERDICT_UNMEASURABLE);
	question.nr_metrics = 1000000;
	assert_true(judge(&question, 12).p_corrected == 1);
}

/* ---- metrics that can be 0 ---- */

static void all_equal(void **state)
{
	struct verdict_result result;

	(void)state;
	for (unsigned int n = 1; n <= 12; n++) {
		for (unsigned int i = 0; i < n; i++)
			a[i] = a2[i] = b[i] = 0;
		result = judge(&lower_is_better, n);
		assert_false(result.is_ratio);
		assert_text(&lower_is_better, &result, "same", n < 6 ? "unknown" : "+-0 ns");
		assert_true(verdict_narrow_enough(&lower_is_better, &result));
		/* Equal in each round, but not from round to round. */
		for (unsigned int i = 0; i < n; i++)
			a[i] = a2[i] = b[i] = 7 + i;
		result = judge(&lower_is_better, n);
		assert_text(&lower_is_better, &result, "same within 3 %",
			    n < 6 ? "unknown" : "+-0.0 %");
	}
}

/* 0 to 2 of something; B has @more. */
static void few(unsigned int n, double more)
{
	for (unsigned int i = 0; i < n; i++) {
		a[i] = i % 3;
		a2[i] = (i + 1) % 3;
		b[i] = (i + 2) % 3 + more;
	}
}

static void differences(void **state)
{
	struct verdict_question question = lower_is_better;
	struct verdict_result result;

	(void)state;
	question.absolute_effect = 10;
	question.unit = NULL;
	few(12, 0);
	result = judge(&question, 12);
	assert_false(result.is_ratio);
	assert_text(&question, &result, "same within 10", "+-1");
	few(12, 100);
	b[3] = 0;
	result = judge(&question, 12);
	assert_false(result.is_ratio);
	assert_text(&question, &result, "worse", "+-1");
	/* There is no telling without a bound. */
	question.absolute_effect = 0;
	few(12, 0);
	assert_int_equal(judge(&question, 12).verdict, VERDICT_UNMEASURABLE);
	/* What is negative has no ratio. */
	quiet_rounds(12, -1);
	result = judge(&question, 12);
	assert_false(result.is_ratio);
	assert_int_equal(result.verdict, VERDICT_BETTER);
}

/* Twice as many, yet no effect, for it is but one more: a ratio alone would say worse. */
static void twice_of_little(void **state)
{
	struct verdict_question question = lower_is_better;
	struct verdict_result result;

	(void)state;
	for (unsigned int i = 0; i < 12; i++) {
		a[i] = a2[i] = 1;
		b[i] = 2;
	}
	assert_int_equal(judge(&question, 12).verdict, VERDICT_WORSE);
	question.absolute_effect = 1500;
	result = judge(&question, 12);
	assert_true(result.is_ratio);
	assert_text(&question, &result, "same within 1500 ns", "+-0.0 %");
	/* Sometimes more than the bound: neither none nor surely one. */
	question.absolute_effect = 1.5;
	b[0] = b[1] = b[2] = 9;
	result = judge(&question, 12);
	assert_true(result.difference.shift == 1 && result.difference.high > 1.5);
	assert_int_equal(result.verdict, VERDICT_UNMEASURABLE);
}

static void bad_input(void **state)
{
	const struct verdict_samples samples = {.a = a, .a2 = a2, .b = b, .n = 3};
	const struct verdict_samples none = {.a = a, .a2 = a2, .b = b};
	static const double bad[] = {NAN, INFINITY, -INFINITY};
	struct verdict_question question = lower_is_better;
	struct verdict_result result;

	(void)state;
	quiet_rounds(3, 1);
	assert_int_equal(verdict_judge(&question, &none, &result), -EINVAL);
	for (unsigned int i = 0; i < 3; i++) {
		a2[1] = bad[i];
		assert_int_equal(verdict_judge(&question, &samples, &result), -EINVAL);
		a2[1] = 1;
		question.effect = bad[i];
		assert_int_equal(verdict_judge(&question, &samples, &result), -EINVAL);
		question.effect = 0.03;
		question.alpha = bad[i];
		assert_int_equal(verdict_judge(&question, &samples, &result), -EINVAL);
		question.alpha = 0.01;
	}
	question.nr_metrics = 0;
	assert_int_equal(verdict_judge(&question, &samples, &result), -EINVAL);
}

/* ---- noise like that of a shared machine ---- */

static double uniform(struct rng *rng)
{
	return ((rng_next(rng) >> 11) + 0.5) / 9007199254740992.0;
}

static double gauss(struct rng *rng)
{
	double radius = sqrt(-2 * log(uniform(rng)));

	return radius * cos(2 * M_PI * uniform(rng));
}

struct noise {
	double sigma; /* lognormal */
	double drift; /* from the first round to the last, and within each */
	double outlier; /* how often a value is three times as large */
	double last_place; /* what the last of a round loses, as a part */
	bool fixed_order;
};

static const struct noise usual = {.sigma = 0.05, .drift = 0.3, .outlier = 0.04};

static void draw_round(const struct noise *noise, uint64_t seed, unsigned int round, double times)
{
	unsigned int order[3] = {0, 1, 2};
	double *const values[3] = {&a[round], &a2[round], &b[round]};
	struct rng rng;

	rng_init(&rng, seed, "test_verdict", round);
	if (!noise->fixed_order)
		order_of_round(seed, round, order, 3);
	for (unsigned int place = 0; place < 3; place++) {
		double value = exp(noise->sigma * gauss(&rng));

		value *= 1 + noise->drift * (round * 3 + place) / (ROUNDS * 3);
		value *= uniform(&rng) < noise->outlier ? 3 : 1;
		value *= place == 2 ? 1 + noise->last_place : 1;
		*values[order[place]] = value * (order[place] == 2 ? times : 1);
	}
}

static void draw(const struct noise *noise, uint64_t seed, unsigned int rounds, double times)
{
	for (unsigned int round = 0; round < rounds; round++)
		draw_round(noise, seed, round, times);
}

/* How often each verdict is given, by number of rounds. */
static void count(const struct noise *noise, double times, unsigned int rounds,
		  unsigned int counts[4])
{
	memset(counts, 0, 4 * sizeof(*counts));
	for (uint64_t seed = 0; seed < DRAWS; seed++) {
		draw(noise, seed, rounds, times);
		counts[judge(&lower_is_better, rounds).verdict]++;
	}
	print_message("%u rounds, x%.2f: better %u, worse %u, same %u, not measured %u of %u\n",
		      rounds, times, counts[VERDICT_BETTER], counts[VERDICT_WORSE],
		      counts[VERDICT_SAME], counts[VERDICT_UNMEASURABLE], DRAWS);
}

static unsigned int changed(const unsigned int counts[4])
{
	return counts[VERDICT_BETTER] + counts[VERDICT_WORSE];
}

static void no_change_is_not_called_one(void **state)
{
	unsigned int counts[4];

	(void)state;
	count(&usual, 1, ROUNDS, counts);
	assert_in_range(changed(counts), 0, DRAWS / 100);
	count(&usual, 1, 40, counts);
	assert_in_range(changed(counts), 0, DRAWS / 100);
}

/* Who looks after each round, from the eighth on, and stops as verdict_narrow_enough() says. */
static void nor_by_stopping_early(void **state)
{
	const struct noise noise = {.sigma = 0.02, .drift = 0.3, .outlier = 0.04};
	unsigned int counts[4] = {0}, rounds_used = 0;

	(void)state;
	for (uint64_t seed = 0; seed < DRAWS; seed++) {
		struct verdict_result result;
		unsigned int rounds = 8;

		draw(&noise, seed, ROUNDS_MAX, 1);
		for (;; rounds++) {
			result = judge(&lower_is_better, rounds);
			if (rounds == ROUNDS_MAX ||
			    verdict_narrow_enough(&lower_is_better, &result))
				break;
		}
		counts[result.verdict]++;
		rounds_used += rounds;
	}
	print_message("after %.1f rounds: changed %u, same %u of %u\n", 1.0 * rounds_used / DRAWS,
		      changed(counts), counts[VERDICT_SAME], DRAWS);
	assert_in_range(changed(counts), 0, DRAWS / 100);
	assert_in_range(counts[VERDICT_SAME], DRAWS * 9 / 10, DRAWS);
}

static void a_change_is_found(void **state)
{
	const struct noise plain = {.sigma = 0.05};
	unsigned int counts[4];

	(void)state;
	count(&plain, 1.2, ROUNDS, counts);
	assert_in_range(counts[VERDICT_WORSE], DRAWS * 99 / 100, DRAWS);
	assert_int_equal(counts[VERDICT_BETTER] + counts[VERDICT_SAME], 0);
	count(&plain, 1 / 1.2, ROUNDS, counts);
	assert_in_range(counts[VERDICT_BETTER], DRAWS * 99 / 100, DRAWS);
	/* Outliers take more rounds, but make no other verdict. */
	count(&usual, 1.2, ROUNDS, counts);
	assert_int_equal(counts[VERDICT_BETTER] + counts[VERDICT_SAME], 0);
	count(&usual, 1.2, 2 * ROUNDS, counts);
	assert_in_range(counts[VERDICT_WORSE], DRAWS * 95 / 100, DRAWS);
	assert_int_equal(counts[VERDICT_BETTER] + counts[VERDICT_SAME], 0);
}

/* A change of just the effect is called none no more often than the interval errs on one side. */
static void the_effect_is_not_called_same(void **state)
{
	const struct noise quiet = {.sigma = 0.01, .outlier = 0.02};
	unsigned int counts[4];

	(void)state;
	count(&quiet, 1.03, ROUNDS, counts);
	assert_in_range(counts[VERDICT_SAME], 0, DRAWS * 25 / 1000);
	count(&quiet, 1, ROUNDS, counts);
	assert_in_range(counts[VERDICT_SAME], DRAWS * 9 / 10, DRAWS);
}

/* When the last place of a round is a bad one, drawn orders keep it apart from the variants. */
static void what_the_order_is_for(void **state)
{
	struct noise noise = {.sigma = 0.03, .last_place = 0.15};
	unsigned int counts[4];

	(void)state;
	count(&noise, 1, ROUNDS, counts);
	assert_in_range(changed(counts), 0, DRAWS / 100);
	noise.fixed_order = true;
	count(&noise, 1, ROUNDS, counts);
	assert_in_range(changed(counts), DRAWS / 2, DRAWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(better_and_worse),
		cmocka_unit_test(same),
		cmocka_unit_test(near_the_effect),
		cmocka_unit_test(not_beyond_the_noise_floor),
		cmocka_unit_test(on_both_sides),
		cmocka_unit_test(a_large_effect),
		cmocka_unit_test(too_few_rounds),
		cmocka_unit_test(corrected_for_many_metrics),
		cmocka_unit_test(all_equal),
		cmocka_unit_test(differences),
		cmocka_unit_test(twice_of_little),
		cmocka_unit_test(bad_input),
		cmocka_unit_test(no_change_is_not_called_one),
		cmocka_unit_test(nor_by_stopping_early),
		cmocka_unit_test(a_change_is_found),
		cmocka_unit_test(the_effect_is_not_called_same),
		cmocka_unit_test(what_the_order_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
