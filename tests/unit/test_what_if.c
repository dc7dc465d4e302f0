/* SPDX-License-Identifier: MIT */
/* What a task does while it has a lock takes as long as is asked, to the nanosecond. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lock/rwsem.h"
#include "support/timed_rig.h"

#include <mmsim/mmsim.h>

static struct rw_semaphore *outer, *inner;
static uint64_t at_ns[8]; /* what the steps of the task below took */

static uint64_t took(uint64_t *last)
{
	uint64_t now = now_ns(), ns = now - *last;

	*last = now;
	return ns;
}

/* A millisecond outside, in one lock, in two, in the second alone, asleep in it, outside. */
static int compute_everywhere(void *arg)
{
	uint64_t last = now_ns();

	(void)arg;
	machine_compute(MSEC);
	at_ns[0] = took(&last);
	down_write(outer, SITE_mmap);
	machine_compute(MSEC);
	at_ns[1] = took(&last);
	down_read(inner, SITE_fault);
	machine_compute(MSEC);
	at_ns[2] = took(&last);
	up_write(outer);
	machine_compute(MSEC);
	at_ns[3] = took(&last);
	machine_sleep(MSEC);
	at_ns[4] = took(&last);
	up_read(inner);
	machine_compute(MSEC);
	at_ns[5] = took(&last);
	return 0;
}

static void run(const char *changes)
{
	char error[256];

	rig_make(&(struct rig_config){.traced = true});
	outer = rig_rwsem(0);
	inner = rig_rwsem(1);
	assert_int_equal(trace_scale_holds(rig_trace, changes, error), 0);
	rig_fair("0", 0, compute_everywhere, NULL);
	rig_run(0);
	rig_end();
}

static void holds_are_scaled_and_nothing_else(void **state)
{
	(void)state;
	run("mmap=0.5 user.fault=1.2");
	assert_int_equal(at_ns[0], MSEC);
	assert_int_equal(at_ns[1], MSEC / 2);
	assert_int_equal(at_ns[2], MSEC * 6 / 10);
	assert_int_equal(at_ns[3], MSEC * 12 / 10);
	assert_int_equal(at_ns[4], MSEC);
	assert_int_equal(at_ns[5], MSEC);
}

static void locks_of_other_classes_are_not(void **state)
{
	(void)state;
	run("mmap_lock.mmap=0.5 vma_lock.fault=100");
	for (int i = 0; i < 6; i++)
		assert_int_equal(at_ns[i], MSEC);
}

static int spend_single_ns(void *arg)
{
	uint64_t before = now_ns();

	(void)arg;
	down_write(outer, SITE_mmap);
	for (int i = 0; i < 1000; i++)
		machine_compute(1);
	at_ns[0] = now_ns() - before;
	up_write(outer);
	return 0;
}

/* A third of a nanosecond, a thousand times. */
static void nothing_is_lost_to_rounding(void **state)
{
	char error[256];

	(void)state;
	rig_make(&(struct rig_config){.traced = true});
	outer = rig_rwsem(0);
	assert_int_equal(trace_scale_holds(rig_trace, "mmap=0.333", error), 0);
	rig_fair("0", 0, spend_single_ns, NULL);
	rig_run(0);
	assert_int_equal(at_ns[0], 333);
	rig_end();
}

static void check_refused(const char *machine, const char *key, const char *value, int err,
			  const char *says)
{
	struct mmsim_config config;
	struct mmsim *sim;
	char error[256] = "";

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, NULL), 0);
	assert_int_equal(mmsim_config_set(&config, key, value, error), 0);
	assert_int_equal(mmsim_create(&config, &sim, error), err);
	if (!strstr(error, says))
		fail_msg("'%s' is not in '%s'", says, error);
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	check_refused("host", "what_if.madvise", "0.5", -EOPNOTSUPP, "only on a modelled machine");
	check_refused("step", "what_if.madvise", "0.5", -EOPNOTSUPP, "only on a modelled machine");
	check_refused("flat-8", "what_if.madvize", "0.5", -EINVAL, "expected SITE=FACTOR");
	check_refused("flat-8", "what_if.mmap_luck.mmap", "0.5", -EINVAL, "expected SITE=FACTOR");
	check_refused("flat-8", "what_if.mmap", "0", -EINVAL, "from 0.01 to 100");
	check_refused("flat-8", "what_if.mmap", "101", -EINVAL, "from 0.01 to 100");
	check_refused("flat-8", "what_if.mmap", "0.5x", -EINVAL, "from 0.01 to 100");
	check_refused("flat-8", "what_if.mmap", "-1", -EINVAL, "from 0.01 to 100");
	check_refused("flat-8", "what_if.mmap", "1e0", -EINVAL, "from 0.01 to 100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_are_scaled_and_nothing_else),
		cmocka_unit_test(locks_of_other_classes_are_not),
		cmocka_unit_test(nothing_is_lost_to_rounding),
		cmocka_unit_test(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
