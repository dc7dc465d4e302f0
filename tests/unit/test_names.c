/* SPDX-License-Identifier: MIT */
/* The words of the measurements: none is empty, double, or unfit for a JSON key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trace/trace.h"

#define CHECK_NAMES(name, help, n)                                                                 \
	do {                                                                                       \
		for (unsigned int i = 0; i < (n); i++) {                                           \
			assert_true(strlen(name(i)) > 0);                                          \
			assert_true(strlen(help(i)) > 0);                                          \
			assert_null(strpbrk(name(i), " .\"\\"));                                   \
			for (unsigned int j = 0; j < i; j++) {                                     \
				assert_string_not_equal(name(i), name(j));                         \
				assert_string_not_equal(help(i), help(j));                         \
			}                                                                          \
		}                                                                                  \
	} while (0)

static void names_are_single(void **state)
{
	(void)state;
	CHECK_NAMES(lock_class_name, lock_class_guards, NR_LOCK_CLASSES);
	CHECK_NAMES(lock_site_name, lock_site_help, NR_LOCK_SITES);
	CHECK_NAMES(trace_counter_name, trace_counter_help, NR_COUNTERS);
	for (unsigned int i = 0; i < NR_COUNTERS; i++)
		assert_true(strlen(trace_counter_unit(i)) > 0);
	for (unsigned int i = HOLDER_UNKNOWN; i <= HOLDER_IO; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(holder_state_name(i), holder_state_name(j));
	assert_string_equal(lock_class_name(LOCK_mmap_lock), "mmap_lock");
	assert_string_equal(trace_counter_name(COUNTER_vma_lock_success), "vma_lock_success");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
