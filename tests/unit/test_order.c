/* SPDX-License-Identifier: MIT */
/* The order of the variants: all orders equally often, each round on its own, the same again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compare/order.h"

#define ROUNDS 48000
#define VARIANTS_MAX 4

/* The place of an order among all orders of @n. */
static unsigned int order_index(const unsigned int *order, unsigned int n)
{
	unsigned int index = 0;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int smaller = 0;

		for (unsigned int j = i + 1; j < n; j++)
			smaller += order[j] < order[i];
		index = index * (n - i) + smaller;
	}
	return index;
}

static unsigned int index_of_round(uint64_t seed, uint64_t round, unsigned int n)
{
	unsigned int order[VARIANTS_MAX], seen = 0;

	order_of_round(seed, round, order, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_in_range(order[i], 0, n - 1);
		seen |= 1u << order[i];
	}
	assert_int_equal(seen, (1u << n) - 1);
	return order_index(order, n);
}

/* The sum of (seen - expected)^2 / expected has the mean classes - 1 and twice that as variance. */
static void check_even(const unsigned int *counts, unsigned int classes)
{
	double expected = (double)ROUNDS / classes, sum = 0, above;

	for (unsigned int i = 0; i < classes; i++)
		sum += (counts[i] - expected) * (counts[i] - expected) / expected;
	above = sum - (classes - 1);
	assert_true(above * above < 4 * 4 * 2.0 * (classes - 1));
}

static void all_orders_equally_often(void **state)
{
	static const unsigned int orders[VARIANTS_MAX + 1] = {1, 1, 2, 6, 24};

	(void)state;
	for (unsigned int n = 2; n <= VARIANTS_MAX; n++)
		for (uint64_t seed = 0; seed < 5; seed++) {
			unsigned int counts[24] = {0};

			for (uint64_t round = 0; round < ROUNDS; round++)
				counts[index_of_round(seed, round, n)]++;
			check_even(counts, orders[n]);
		}
}

/* What one round's order is says nothing about the next round's, or about another seed's. */
static void rounds_and_seeds_are_independent(void **state)
{
	unsigned int rounds[36] = {0}, seeds[36] = {0};

	(void)state;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		unsigned int here = index_of_round(7, i, 3);

		rounds[here * 6 + index_of_round(7, i + 1, 3)]++;
		seeds[here * 6 + index_of_round(8, i, 3)]++;
	}
	check_even(rounds, 36);
	check_even(seeds, 36);
}

static void same_again(void **state)
{
	unsigned int order[3], again[3] = {9, 9, 9};

	(void)state;
	order_of_round(1, 5, order, 3);
	order_of_round(1, 6, again, 3);
	order_of_round(1, 5, again, 3);
	assert_memory_equal(order, again, sizeof(order));
}

static void one_or_none(void **state)
{
	unsigned int order[2] = {7, 7};

	(void)state;
	order_of_round(1, 0, order, 0);
	assert_int_equal(order[0], 7);
	order_of_round(1, 0, order, 1);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_orders_equally_often),
		cmocka_unit_test(rounds_and_seeds_are_independent),
		cmocka_unit_test(same_again),
		cmocka_unit_test(one_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
