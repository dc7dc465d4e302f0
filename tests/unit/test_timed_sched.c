/* SPDX-License-Identifier: MIT */
/*
 * The modelled machine's scheduler, on machines where nothing else costs time:
 * shares, preemption, placement, and times that are exact to the nanosecond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lock/spinlock.h"
#include "support/timed_rig.h"

#define LITTLE_BIG RIG_CLUSTER(little, 1, 250, 0) RIG_CLUSTER(big, 1, 1024, 0)
#define ONE_CPU RIG_CLUSTER(all, 1, 1024, 0)
#define TWO_CPUS RIG_CLUSTER(all, 2, 1024, 0)

/* ---- shares ---- */

#define END (20 * NSEC_PER_SEC)

static int compute_until_end(void *arg)
{
	uint64_t *done = arg;

	while (now_ns() < END) {
		machine_compute(100 * USEC);
		*done += 100 * USEC;
	}
	return 0;
}

static void shares_follow_weights(const char *changes)
{
	static const int nice[] = {-10, 0, 5, 10, 19};
	static const uint64_t weights[] = {9548, 1024, 335, 110, 15};
	uint64_t done[5] = {0}, sum = 0;

	rig_make(&(struct rig_config){.clusters = ONE_CPU, .changes = changes});
	for (int i = 0; i < 5; i++) {
		rig_fair("0", nice[i], compute_until_end, &done[i]);
		sum += weights[i];
	}
	rig_run(0);
	for (int i = 0; i < 5; i++) {
		uint64_t share = END / sum * weights[i];

		/* A slice of 2 ms that ends at a tick more or less. */
		assert_near(done[i], share, share / 100 + 3 * MSEC);
	}
	rig_end();
}

static void shares_with_preemption(void **state)
{
	(void)state;
	shares_follow_weights("preemption=full");
}

static void shares_without_preemption(void **state)
{
	(void)state;
	shares_follow_weights("preemption=none");
}

/* Three that sleep now and then get no less than those that never do. */
static int compute_and_sleep(void *arg)
{
	uint64_t *done = arg;

	for (int i = 0; now_ns() < END; i++) {
		machine_compute(100 * USEC);
		*done += 100 * USEC;
		if (i % 10 == 9)
			machine_sleep(50 * USEC);
	}
	return 0;
}

static void short_sleeps_cost_no_share(void **state)
{
	uint64_t done[4] = {0};

	(void)state;
	rig_make(&(struct rig_config){.clusters = ONE_CPU});
	for (int i = 0; i < 4; i++)
		rig_fair("0", 0, i < 2 ? compute_until_end : compute_and_sleep, &done[i]);
	rig_run(0);
	for (int i = 0; i < 4; i++)
		assert_near(done[i], END / 4, END / 4 / 20);
	rig_end();
}

/* ---- preemption ---- */

enum section { IN_USER, IN_KERNEL, IN_KERNEL_COND_RESCHED, IN_KERNEL_BLOCK, UNDISTURBED, LOCKED };

static enum section section;
static spinlock_t *spinlock;

/* Ten ms, of which the first five or all are somewhere. */
static int ten_ms_somewhere(void *arg)
{
	struct job *job = arg;
	bool kernel = section != IN_USER && section != UNDISTURBED;

	if (kernel)
		machine_kernel_enter(WORK_trap);
	if (section == UNDISTURBED)
		preempt_disable();
	if (section == LOCKED)
		spin_lock(spinlock, LOCK_user, SITE_user);
	machine_compute(5 * MSEC);
	if (section == LOCKED)
		spin_unlock(spinlock);
	if (section == UNDISTURBED)
		preempt_enable();
	if (section == IN_KERNEL_COND_RESCHED)
		cond_resched();
	if (section == IN_KERNEL_BLOCK)
		machine_sleep(1);
	machine_compute(5 * MSEC);
	if (kernel)
		machine_kernel_exit();
	job->ended_ns = now_ns();
	job->delay_ns = machine_task_times(current).delay_ns;
	return 0;
}

/* A FIFO task wakes at 3 ms and computes 1 ms: it begins at @expected_ms. */
static void fifo_begins_at(const char *changes, enum section where, uint64_t expected_ms)
{
	struct job hog = {.at_ns = 3 * MSEC, .ns = MSEC}, disturbed = {0};
	uint64_t blocked = where == IN_KERNEL_BLOCK && expected_ms == 5;

	section = where;
	rig_make(&(struct rig_config){.clusters = ONE_CPU, .changes = changes});
	spinlock = (spinlock_t *)rig_lines;
	rig_fifo("0", 1, do_job, &hog);
	rig_fair("0", 0, ten_ms_somewhere, &disturbed);
	rig_run(0);
	assert_int_equal(hog.began_ns, expected_ms * MSEC);
	assert_int_equal(hog.ended_ns, hog.began_ns + MSEC);
	/* Whether it slept 1 ns meanwhile or waited for its CPU. */
	if (where != IN_KERNEL_BLOCK) {
		assert_int_equal(disturbed.ended_ns, 11 * MSEC);
		assert_int_equal(disturbed.delay_ns, MSEC);
	} else {
		assert_int_equal(disturbed.ended_ns, 11 * MSEC + !blocked);
		assert_int_equal(disturbed.delay_ns, MSEC - blocked);
	}
	rig_end();
}

static void fifo_preempts_where_it_may(void **state)
{
	(void)state;
	fifo_begins_at("preemption=full", IN_USER, 3);
	fifo_begins_at("preemption=full", IN_KERNEL, 3);
	fifo_begins_at("preemption=full", IN_KERNEL_COND_RESCHED, 3);
	fifo_begins_at("preemption=full", IN_KERNEL_BLOCK, 3);
	fifo_begins_at("preemption=full", UNDISTURBED, 5);
	fifo_begins_at("preemption=full", LOCKED, 5);
	fifo_begins_at("preemption=none", IN_USER, 3);
	fifo_begins_at("preemption=none", IN_KERNEL, 10);
	fifo_begins_at("preemption=none", IN_KERNEL_COND_RESCHED, 5);
	fifo_begins_at("preemption=none", IN_KERNEL_BLOCK, 5);
	fifo_begins_at("preemption=none", UNDISTURBED, 5);
	fifo_begins_at("preemption=none", LOCKED, 10);
}

static struct job *order[8];
static int nr_ordered;

static int note_order(void *arg)
{
	order[nr_ordered++] = arg;
	return do_job(arg);
}

static void fifo_by_priority_then_in_order(void **state)
{
	static const int priority[] = {5, 5, 5, 9, 5, 1};
	static const int expected[] = {3, 0, 1, 2, 4, 5};
	struct job job[6] = {{0}};

	(void)state;
	nr_ordered = 0;
	rig_make(&(struct rig_config){.clusters = ONE_CPU});
	for (int i = 0; i < 6; i++) {
		job[i].ns = MSEC;
		rig_fifo("0", priority[i], note_order, &job[i]);
	}
	rig_run(0);
	assert_int_equal(nr_ordered, 6);
	for (int i = 0; i < 6; i++)
		assert_ptr_equal(order[i], &job[expected[i]]);
	assert_int_equal(job[5].ended_ns, 6 * MSEC);
	rig_end();
}

/* Preempted by a higher priority it comes before its equals. */
static void preempted_fifo_is_the_first_again(void **state)
{
	struct job job[3] = {{.ns = 4 * MSEC}, {.ns = MSEC}, {.at_ns = 2 * MSEC, .ns = MSEC}};

	(void)state;
	rig_make(&(struct rig_config){.clusters = ONE_CPU});
	rig_fifo("0", 9, do_job, &job[2]);
	rig_fifo("0", 5, do_job, &job[0]);
	rig_fifo("0", 5, do_job, &job[1]);
	rig_run(0);
	assert_int_equal(job[2].began_ns, 2 * MSEC);
	assert_int_equal(job[0].ended_ns, 5 * MSEC);
	assert_int_equal(job[0].delay_ns, MSEC);
	assert_int_equal(job[1].began_ns, 5 * MSEC);
	rig_end();
}

/* ---- wake-ups of fair tasks ---- */

/* Its slice is over at a tick; one that has slept for long has no claim on it. */
static void wakes_beside_a_lone_runner(void **state)
{
	struct job runner = {.ns = 30 * MSEC}, woken = {.at_ns = 10500 * USEC, .ns = MSEC};

	(void)state;
	rig_make(&(struct rig_config){.clusters = ONE_CPU, .changes = "slice=4ms"});
	rig_fair("0", 0, do_job, &woken);
	rig_fair("0", 0, do_job, &runner);
	rig_run(0);
	/* Slices began at 0 (half a one, as it was new), 2, 6 and 10 ms. */
	assert_int_equal(woken.began_ns, 14 * MSEC);
	assert_int_equal(woken.delay_ns, 14 * MSEC - 10500 * USEC);
	assert_int_equal(runner.ended_ns, 31 * MSEC);
	rig_end();
}

/*
 * An earlier deadline takes the CPU from one that has begun another slice since it
 * got it, but not from one in its first: RUN_TO_PARITY.
 */
static void the_first_slice_alone_is_protected(void **state)
{
	static const uint64_t at_us[] = {500, 2500, 10500};
	static const uint64_t begins_us[] = {2000, 2500, 10500};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct job runner = {.ns = 30 * MSEC}, woken = {.ns = 200 * USEC};

		woken.at_ns = at_us[i] * USEC;
		rig_make(&(struct rig_config){.clusters = ONE_CPU, .changes = "slice=4ms"});
		rig_fair("0", -10, do_job, &woken);
		rig_fair("0", 0, do_job, &runner);
		rig_run(0);
		/* The first slice is half a one. */
		assert_int_equal(woken.began_ns, begins_us[i] * USEC);
		rig_end();
	}
}

/* Who wakes sees, between ticks, that the running task's slice is over: another that waits runs. */
static void a_wake_up_ends_a_slice(void **state)
{
	struct job woken = {.at_ns = 1500 * USEC, .ns = MSEC};
	struct job runner = {.ns = 10 * MSEC}, waits = {.ns = 10 * MSEC};

	(void)state;
	rig_make(&(struct rig_config){.clusters = ONE_CPU, .changes = "slice=2500us"});
	rig_fair("0", 0, do_job, &woken);
	rig_fair("0", 0, do_job, &runner);
	rig_fair("0", 0, do_job, &waits);
	rig_run(0);
	/* It was over after 1.25 ms, as it was the first; a tick would see it at 2 ms. */
	assert_int_equal(waits.began_ns, woken.at_ns);
	rig_end();
}

/* Twenty ms that nobody could cut, and a nap. */
static int far_ahead_of_its_part(void *arg)
{
	uint64_t *woke_ns = arg;

	machine_kernel_enter(WORK_trap);
	machine_compute(20 * MSEC);
	machine_sleep(USEC);
	*woke_ns = now_ns();
	machine_kernel_exit();
	return 0;
}

static void lag_is_kept_up_to_a_tick(void **state)
{
	struct job waits = {.ns = 100 * MSEC};
	uint64_t woke_ns = 0;

	(void)state;
	rig_make(&(struct rig_config){.clusters = ONE_CPU,
				      .changes = "hz=100 slice=1ms preemption=none"});
	rig_fair("0", 0, far_ahead_of_its_part, &woke_ns);
	rig_fair("0", 0, do_job, &waits);
	rig_run(0);
	/* It is 10 ms ahead of the mean, twice that of the other; two slices were over at 30 ms. */
	assert_int_equal(woke_ns, 50 * MSEC);
	rig_end();
}

/* Runs 100 us of what it waited 1 ms for, and sleeps: less than its part. */
static int wait_run_a_little_sleep(void *arg)
{
	uint64_t *woke_ns = arg;

	machine_compute(100 * USEC);
	machine_sleep(300 * USEC);
	woke_ns[0] = now_ns();
	machine_compute(100 * USEC);
	woke_ns[1] = now_ns();
	return 0;
}

static void who_had_less_than_its_part_preempts(void **state)
{
	struct job runner = {.ns = 30 * MSEC};
	uint64_t woke_ns[2];

	(void)state;
	for (int nice = 0; nice <= 10; nice += 10) {
		rig_make(&(struct rig_config){.clusters = ONE_CPU});
		runner = (struct job){.ns = 30 * MSEC};
		rig_fair("0", nice, do_job, &runner);
		rig_fair("0", 0, wait_run_a_little_sleep, woke_ns);
		rig_run(0);
		/* After the runner's first slice, half a one. */
		assert_int_equal(woke_ns[0], MSEC + 400 * USEC);
		assert_int_equal(woke_ns[1], MSEC + 500 * USEC);
		assert_int_equal(runner.delay_ns, 200 * USEC);
		rig_end();
	}
}

/* Runs for longer than its slice of what it shares, and sleeps a little. */
static int run_a_lot_sleep(void *arg)
{
	uint64_t *woke_ns = arg;

	machine_compute(1900 * USEC);
	woke_ns[0] = now_ns();
	machine_sleep(100 * USEC);
	woke_ns[1] = now_ns();
	return 0;
}

static void who_had_more_waits_for_the_slice(void **state)
{
	struct job runner = {.ns = 10 * MSEC};
	uint64_t woke_ns[2];

	(void)state;
	rig_make(&(struct rig_config){.clusters = ONE_CPU});
	rig_fair("0", 0, run_a_lot_sleep, woke_ns);
	rig_fair("0", 0, do_job, &runner);
	rig_run(0);
	/* Both had half a slice, 1 ms, and it the first of its next. */
	assert_int_equal(woke_ns[0], 2900 * USEC);
	/* The runner's slice of 2 ms began at 2.9 ms; a tick sees its end at 5 ms. */
	assert_int_equal(woke_ns[1], 5 * MSEC);
	rig_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_with_preemption),
		cmocka_unit_test(shares_without_preemption),
		cmocka_unit_test(short_sleeps_cost_no_share),
		cmocka_unit_test(fifo_preempts_where_it_may),
		cmocka_unit_test(fifo_by_priority_then_in_order),
		cmocka_unit_test(preempted_fifo_is_the_first_again),
		cmocka_unit_test(wakes_beside_a_lone_runner),
		cmocka_unit_test(the_first_slice_alone_is_protected),
		cmocka_unit_test(a_wake_up_ends_a_slice),
		cmocka_unit_test(lag_is_kept_up_to_a_tick),
		cmocka_unit_test(who_had_less_than_its_part_preempts),
		cmocka_unit_test(who_had_more_waits_for_the_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
