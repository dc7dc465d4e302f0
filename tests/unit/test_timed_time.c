/* SPDX-License-Identifier: MIT */
/*
 * The modelled machine's time, exact to the nanosecond: work that is cut, sleeps,
 * and what switching from one task to another takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/timed_rig.h"

#define LITTLE_BIG RIG_CLUSTER(little, 1, 250, 0) RIG_CLUSTER(big, 1, 1024, 0)
#define ONE_CPU RIG_CLUSTER(all, 1, 1024, 0)
#define TWO_CPUS RIG_CLUSTER(all, 2, 1024, 0)

/* ---- work is divisible ---- */

struct hog {
	uint64_t every_ns, ns;
	int times;
};

static int hog_cpu(void *arg)
{
	const struct hog *hog = arg;

	for (int i = 1; i <= hog->times; i++) {
		rig_sleep_until((uint64_t)i * hog->every_ns);
		machine_compute(hog->ns);
	}
	return 0;
}

static void preempted_work_takes_what_it_takes(void **state)
{
	struct hog hog = {.every_ns = 333 * USEC, .ns = 111 * USEC, .times = 20};
	struct job job;

	(void)state;
	for (int little = 0; little < 2; little++) {
		uint64_t alone = little ? 40960 * USEC : 10 * MSEC;
		uint64_t taken = 20 * 111 * USEC * (little ? 1024 : 250) / 250;

		job = (struct job){.ns = 10 * MSEC};
		hog.every_ns = little ? 3 * MSEC : 333 * USEC;
		hog.times = little ? 10 : 20;
		if (little)
			taken /= 2;
		rig_make(&(struct rig_config){.clusters = LITTLE_BIG});
		rig_fifo(little ? "0" : "1", 1, hog_cpu, &hog);
		rig_fair(little ? "0" : "1", 0, do_job, &job);
		rig_run(0);
		assert_near(job.ended_ns, alone + taken, 10);
		assert_near(job.delay_ns, taken, 10);
		rig_end();
	}
}

/* Begins on the little CPU, goes on on the big one. */
static void work_goes_on_at_another_capacity(void **state)
{
	struct job job = {.ns = 10 * MSEC}, hog = {.at_ns = 4 * MSEC, .ns = 10 * MSEC};
	struct job big = {.ns = 5 * MSEC};

	(void)state;
	rig_make(&(struct rig_config){.clusters = LITTLE_BIG});
	rig_fifo("1", 1, do_job, &big);
	rig_fair("0-1", 0, do_job, &job);
	rig_fifo("0", 1, do_job, &hog);
	rig_run(0);
	assert_int_equal(job.began_on, 0);
	assert_int_equal(job.ended_on, 1);
	/* 4 ms of a little CPU are 0.9765625 of a big one's, which has it from 5 ms on. */
	assert_near(job.ended_ns, 5 * MSEC + 10 * MSEC - 976563, 2);
	assert_int_equal(job.delay_ns, MSEC);
	rig_end();
}

/* ---- time ---- */

static uint64_t seen[8];

static int look_at_clock(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++) {
		machine_sleep(1234567);
		seen[2 * i] = now_ns();
		seen[2 * i + 1] = jiffies();
	}
	return 0;
}

static void sleeps_are_exact(void **state)
{
	(void)state;
	rig_make(&(struct rig_config){.changes = "hz=300 idle_exit=10us switch=1us"});
	rig_fair("0", 0, look_at_clock, NULL);
	rig_run(0);
	for (uint64_t i = 0; i < 4; i++) {
		/* It is the CPU's last task still: one switch, at the beginning. */
		assert_int_equal(seen[2 * i], USEC + (i + 1) * (1234567 + 10 * USEC));
		assert_int_equal(seen[2 * i + 1], seen[2 * i] / 3333333);
	}
	assert_int_equal(machine_stats(rig).switches, 1);
	rig_end();
}

static int sleep_shortly(void *arg)
{
	machine_sleep(*(uint64_t *)arg);
	seen[0] = now_ns();
	return 0;
}

/* A CPU that idled for less than it takes to leave deep idle was not in it. */
static void short_idles_are_shallow(void **state)
{
	(void)state;
	for (uint64_t us = 1; us <= 16; us *= 4) {
		uint64_t ns = us * USEC;

		rig_make(&(struct rig_config){.changes = "idle_exit=10us"});
		rig_fair("0", 0, sleep_shortly, &ns);
		rig_run(0);
		assert_int_equal(seen[0], ns + (us < 10 ? ns : 10 * USEC));
		rig_end();
	}
}

static void time_of_main_is_not_undone(void **state)
{
	struct job job = {.ns = MSEC};

	(void)state;
	rig_make(&(struct rig_config){.changes = "rcu_grace=8ms"});
	rig_fair("0", 0, do_job, &job);
	rig_run(0);
	machine_sleep(20 * MSEC);
	assert_int_equal(now_ns(), 21 * MSEC);
	job = (struct job){.ns = MSEC};
	rig_fair("0", 0, do_job, &job);
	machine_sleep(5 * MSEC);
	rig_run(0);
	/* It was there from 21 ms on, and the machine stood still until 26 ms. */
	assert_int_equal(job.began_ns, 26 * MSEC);
	assert_int_equal(job.ended_ns, 27 * MSEC);
	assert_int_equal(now_ns(), 27 * MSEC);
	rig_end();
}

/* ---- what switching takes ---- */

static struct task *sleeper;
static uint64_t parked_until_ns, woke_it_ns;

static int park_once(void *arg)
{
	(void)arg;
	park(TASK_UNINTERRUPTIBLE, 0);
	parked_until_ns = now_ns();
	return 0;
}

static int wake_it(void *arg)
{
	(void)arg;
	machine_compute(MSEC);
	unpark(sleeper);
	woke_it_ns = now_ns();
	/* It runs now: no wake-up, no cost. */
	machine_compute(50 * USEC);
	unpark(sleeper);
	return 0;
}

static void wake_ups_cost_the_waker(void **state)
{
	(void)state;
	rig_make(&(struct rig_config){.changes = "wake_up=3us idle_exit=10us switch=1us step=2ns"});
	sleeper = rig_fair("1", 0, park_once, NULL);
	rig_fair("0", 0, wake_it, NULL);
	rig_run(0);
	/* A switch at the beginning; the token's step. */
	assert_int_equal(woke_it_ns, MSEC + 1 * USEC + 2 + 3 * USEC);
	assert_int_equal(parked_until_ns, woke_it_ns + 10 * USEC);
	rig_end();
}

/* A CPU that is leaving idle does not do so sooner for a better task. */
static void nobody_runs_before_idle_is_left(void **state)
{
	struct job fair = {.at_ns = MSEC, .ns = MSEC}, fifo = {.at_ns = 1010 * USEC, .ns = MSEC};

	(void)state;
	rig_make(&(struct rig_config){.clusters = ONE_CPU, .changes = "idle_exit=50us"});
	rig_fair("0", 0, do_job, &fair);
	rig_fifo("0", 1, do_job, &fifo);
	rig_run(0);
	assert_int_equal(fifo.began_ns, 1050 * USEC);
	assert_int_equal(fair.began_ns, 2050 * USEC);
	assert_int_equal(fair.ended_ns, 3050 * USEC);
	rig_end();
}

static int stay_in_kernel(void *arg)
{
	struct job *job = arg;

	job->began_ns = now_ns();
	machine_kernel_enter(WORK_syscall);
	machine_compute(job->ns);
	machine_kernel_exit();
	job->ended_ns = now_ns();
	return 0;
}

static void slices_end_where_they_may(void **state)
{
	struct job job[2];

	(void)state;
	for (int full = 0; full < 2; full++) {
		rig_make(&(struct rig_config){.clusters = ONE_CPU,
					      .changes = full ? "preemption=full" :
								"preemption=none"});
		for (int i = 0; i < 2; i++) {
			job[i] = (struct job){.ns = 10 * MSEC};
			rig_fair("0", 0, stay_in_kernel, &job[i]);
		}
		rig_run(0);
		/* A new task's first slice is half of one; the first's last one ends with it. */
		assert_int_equal(job[1].began_ns, full ? MSEC : 10 * MSEC);
		assert_int_equal(job[0].ended_ns, full ? 19 * MSEC : 20 * MSEC);
		rig_end();
	}
}

static void hours_do_not_overflow(void **state)
{
	const uint64_t hours = 5 * 3600 * NSEC_PER_SEC;
	struct job lone = {.ns = hours + 20 * MSEC}, late = {.at_ns = hours, .ns = 10 * MSEC};

	(void)state;
	for (int nice = 0; nice < 20; nice += 19) {
		rig_make(&(struct rig_config){.clusters = ONE_CPU});
		lone.ended_ns = late.ended_ns = 0;
		rig_fair("0", nice, do_job, &late);
		rig_fair("0", nice, do_job, &lone);
		rig_run(0);
		assert_near(late.ended_ns, hours + 20 * MSEC, 4 * MSEC);
		assert_int_equal(lone.ended_ns, hours + 30 * MSEC);
		rig_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preempted_work_takes_what_it_takes),
		cmocka_unit_test(work_goes_on_at_another_capacity),
		cmocka_unit_test(sleeps_are_exact),
		cmocka_unit_test(short_idles_are_shallow),
		cmocka_unit_test(time_of_main_is_not_undone),
		cmocka_unit_test(wake_ups_cost_the_waker),
		cmocka_unit_test(nobody_runs_before_idle_is_left),
		cmocka_unit_test(slices_end_where_they_may),
		cmocka_unit_test(hours_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
