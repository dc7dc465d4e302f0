/* SPDX-License-Identifier: MIT */
/* Threads and clock of this computer without an instance, and where its CPUs are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "machine/atomic.h"
#include "machine/host/bare.h"

#define NO_CPU 100000

struct sleeper {
	int word, woken;
};

static void sleep_once(void *arg)
{
	struct sleeper *s = arg;

	bare_be_polite();
	while (!quiet_load_acquire(s->word))
		bare_wait(&s->word, 0);
	quiet_store_release(s->woken, 1);
}

static void test_sleeper_is_woken(void **state)
{
	struct sleeper s = {0};
	struct bare_thread thread;

	(void)state;
	bare_clock_start();
	assert_int_equal(bare_thread_start(&thread, 0, sleep_once, &s), 0);
	bare_nap(1000000);
	assert_int_equal(quiet_load_acquire(s.woken), 0);
	quiet_store_release(s.word, 1);
	assert_in_range(bare_wake(&s.word), 0, 1);
	bare_thread_join(&thread);
	assert_int_equal(s.woken, 1);
	assert_int_equal(bare_wake(&s.word), 0);
}

static void never(void *arg)
{
	*(int *)arg = 1;
}

static void test_no_such_cpu(void **state)
{
	struct bare_thread thread;
	struct host_place place;
	int ran = 0;

	(void)state;
	assert_int_equal(bare_thread_start(&thread, NO_CPU, never, &ran), -EPERM);
	assert_int_equal(ran, 0);
	assert_int_equal(host_place_of_cpu(NO_CPU, &place), -1);
	assert_int_equal(host_place_of_cpu(-1, &place), -1);
}

/* Two CPUs are never the same one; those that share a core share all above it. */
static void test_places(void **state)
{
	unsigned int nr = host_count_cpus();
	struct host_place a, b;

	(void)state;
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(host_place_of_cpu((int)i, &a), 0);
		for (unsigned int j = 0; j < i; j++) {
			assert_int_equal(host_place_of_cpu((int)j, &b), 0);
			assert_int_not_equal(a.os_cpu, b.os_cpu);
			if (a.core == b.core)
				assert_int_equal(a.cache, b.cache);
			if (a.cache == b.cache)
				assert_int_equal(a.socket, b.socket);
		}
	}
}

static void test_clock_and_date(void **state)
{
	char date[16];
	uint64_t start;

	(void)state;
	bare_clock_start();
	start = bare_now();
	bare_nap(2000000);
	bare_yield();
	bare_pause();
	assert_true(bare_now() - start >= 1900000);
	assert_true(bare_switches() >= 0);
	assert_in_range(bare_tick_ns(), 1, 1000000000);
	bare_date(date, sizeof(date));
	assert_int_equal(strlen(date), strlen("2024-12-31"));
	assert_int_equal(date[4], '-');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleeper_is_woken),
		cmocka_unit_test(test_no_such_cpu),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_clock_and_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
