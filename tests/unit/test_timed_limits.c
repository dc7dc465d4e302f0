/* SPDX-License-Identifier: MIT */
/*
 * How a run of the modelled machine ends when it does not end well; and that a
 * lock's holder that lost its CPU is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lock/rwsem.h"
#include "machine/timed/profile.h"
#include "machine/timed/timed.h"
#include "support/timed_rig.h"

static void assert_failure_has(const char *text)
{
	if (!strstr(machine_failure(rig), text))
		fail_msg("no '%s' in: %s", text, machine_failure(rig));
}

/* ---- limits ---- */

static int compute_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		machine_compute(MSEC);
	return 0;
}

static int compute_one_ms(void *arg)
{
	(void)arg;
	machine_compute(MSEC);
	return 0;
}

static int sleep_long(void *arg)
{
	(void)arg;
	machine_sleep(NSEC_PER_SEC);
	return 0;
}

static int step_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		fetch_add(&rig_lines[0].word[0], 1);
	return 0;
}

static void check_end(int (*fn)(void *arg), uint64_t max_ns, uint64_t max_steps, int expected)
{
	rig_make(&(struct rig_config){
		.changes = "step=1ns", .max_ns = max_ns, .max_steps = max_steps, .traced = true});
	rig_fair("0", 0, fn, NULL);
	rig_fair("any", 0, compute_one_ms, NULL);
	rig_run(expected);
	if (expected == -EOVERFLOW) {
		assert_failure_has("no end after");
		assert_failure_has("seed 1");
	}
	if (expected && max_ns)
		assert_in_range(now_ns(), max_ns, max_ns + MSEC);
	rig_end();
}

static void runs_end_at_their_limits(void **state)
{
	(void)state;
	check_end(compute_for_ever, 10 * MSEC, 0, -EOVERFLOW);
	check_end(sleep_long, 10 * MSEC, 0, -EOVERFLOW);
	check_end(step_for_ever, MSEC, 0, -EOVERFLOW);
	check_end(step_for_ever, 0, 12345, -EOVERFLOW);
	check_end(compute_one_ms, MSEC, 0, 0);
	check_end(compute_one_ms, MSEC - 1, 0, -EOVERFLOW);
	check_end(sleep_long, NSEC_PER_SEC, 0, 0);
}

static int zap_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		machine_work(WORK_pte_zap, 1 << 20);
	return 0;
}

static int sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		machine_sleep(TIMED_MAX_NS / 3);
	return 0;
}

static int compute_all_time(void *arg)
{
	(void)arg;
	machine_compute(UINT64_MAX / CAPACITY_SCALE + 1);
	return 0;
}

/* Buggy: at the clock's end it stood still and the run went on; a product of 64 bits began anew. */
static void the_clock_ends(void **state)
{
	static int (*const fns[])(void *arg) = {zap_for_ever, sleep_for_ever, compute_all_time};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fns); i++) {
		rig_make(&(struct rig_config){.clusters = RIG_CLUSTER(slow, 2, 1, 0),
					      .changes = "pte_zap=1000000ms"});
		rig_fair("0", 0, fns[i], NULL);
		rig_run(-EOVERFLOW);
		assert_failure_has("no end after");
		assert_int_equal(now_ns(), TIMED_MAX_NS - 1);
		rig_end();
	}
}

/* ---- nothing can run ---- */

static struct rw_semaphore *sem;

static int hold_for_ever(void *arg)
{
	(void)arg;
	down_write(sem, SITE_user);
	for (;;)
		park(TASK_UNINTERRUPTIBLE, 0);
	return 0;
}

static int want_it(void *arg)
{
	(void)arg;
	machine_sleep(MSEC);
	down_read(sem, SITE_user);
	return 0;
}

static int spin_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		spin_while_equal_long(&rig_lines[63].word[0], 0, 0);
	return 0;
}

static struct task *named(const char *name, int (*fn)(void *arg))
{
	struct task *task =
		machine_task_create(rig, &(struct task_attr){.name = name, .cpu = -1}, fn, NULL);

	assert_non_null(task);
	return task;
}

static void nothing_can_run(void **state)
{
	(void)state;
	rig_make(&(struct rig_config){.traced = true});
	sem = rig_rwsem(0);
	named("keeper", hold_for_ever);
	named("reader", want_it);
	named("spinner", spin_for_ever);
	rig_run(-EDEADLK);
	assert_failure_has("nothing can run");
	assert_failure_has("keeper");
	assert_failure_has("spinner");
	assert_failure_has("reader: waits for user #");
	assert_failure_has(" read (user)");
	rig_end();
}

/* ---- something broke ---- */

static int break_something(void *arg)
{
	(void)arg;
	machine_compute(USEC);
	machine_bug("it broke at %d", 7);
}

static int keep_preempt_count(void *arg)
{
	(void)arg;
	preempt_disable();
	return 0;
}

static int stay_in_section(void *arg)
{
	(void)arg;
	rcu_read_lock();
	return 0;
}

static int stay_in_kernel(void *arg)
{
	(void)arg;
	machine_kernel_enter(WORK_syscall);
	return 0;
}

static int touch_what_is_freed(void *arg)
{
	(void)arg;
	machine_object_freed(&rig_lines[5], sizeof(rig_lines[5]), false);
	WRITE_ONCE(rig_lines[5].word[3], 1);
	return 0;
}

static int synchronize_inside(void *arg)
{
	(void)arg;
	rcu_read_lock();
	synchronize_rcu();
	return 0;
}

static struct rcu_head head;
static struct machine_io io;

static void break_in_callback(struct rcu_head *unused)
{
	(void)unused;
	machine_bug("in a callback");
}

static int call_it(void *arg)
{
	(void)arg;
	call_rcu(&head, break_in_callback);
	machine_sleep(MSEC);
	return 0;
}

static void break_in_completion(struct machine_io *unused)
{
	(void)unused;
	machine_bug("in a completion");
}

static int submit_it(void *arg)
{
	(void)arg;
	machine_io_submit(&io, 10, break_in_completion);
	machine_sleep(MSEC);
	return 0;
}

static void bugs_end_the_run(void **state)
{
	static const struct {
		int (*fn)(void *arg);
		const char *text;
	} bugs[] = {
		{break_something, "it broke at 7"},
		{keep_preempt_count, "preempt_count"},
		{stay_in_section, "rcu_depth"},
		{stay_in_kernel, "in_kernel"},
		{touch_what_is_freed, "use after free: breaker touches words #"},
		{synchronize_inside, "rcu_depth"},
		{call_it, "in a callback"},
		{submit_it, "in a completion"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bugs); i++) {
		rig_make(&(struct rig_config){.traced = true, .seed = 9});
		named("other", compute_one_ms);
		named("sleeper", sleep_long);
		named("breaker", bugs[i].fn);
		rig_run(-EFAULT);
		assert_failure_has("BUG (seed 9");
		assert_failure_has(bugs[i].text);
		rig_end();
	}
}

/* ---- the holder has no CPU ---- */

#define LITTLE_BIG RIG_CLUSTER(little, 1, 250, 0) RIG_CLUSTER(big, 2, 1024, 0)

static int hold_2ms(void *arg)
{
	(void)arg;
	rig_sleep_until(100 * USEC);
	down_write(sem, SITE_user);
	machine_compute(2 * MSEC);
	up_write(sem);
	return 0;
}

/* Before the wait, where it does not count, and within it. */
static int hog_little(void *arg)
{
	(void)arg;
	rig_sleep_until(200 * USEC);
	machine_compute(100 * USEC);
	rig_sleep_until(2 * MSEC);
	machine_compute(MSEC);
	return 0;
}

static uint64_t waited_ns;

static int wait_for_lock(void *arg)
{
	uint64_t began;

	(void)arg;
	rig_sleep_until(MSEC);
	began = now_ns();
	down_write(sem, SITE_user);
	waited_ns = now_ns() - began;
	up_write(sem);
	return 0;
}

static void preempted_holders_are_seen(void **state)
{
	const struct edge_sum *edge;
	uint64_t preempted_ns = 0, total_ns = 0;
	struct task *holder, *waiter;

	(void)state;
	rig_make(&(struct rig_config){
		.clusters = LITTLE_BIG, .changes = "step=2ns relax=20ns", .traced = true});
	sem = rig_rwsem(0);
	rig_fifo("0", 1, hog_little, NULL);
	holder = rig_fair("0", 0, hold_2ms, NULL);
	waiter = rig_fair("1", 0, wait_for_lock, NULL);
	rig_run(0);
	for (unsigned int i = 0; (edge = trace_edge(rig_trace, i)); i++) {
		assert_int_equal(edge->key.waiter, waiter->index);
		assert_int_equal(edge->key.holder, holder->index);
		assert_int_equal(edge->key.chain_end, holder->index);
		preempted_ns += edge->preempted_ns;
		total_ns += edge->total_ns;
	}
	/* A ms of the hog's on a CPU of 250. */
	assert_int_equal(preempted_ns, 4096 * USEC);
	assert_int_equal(machine_task_times(holder).delay_ns, 4096 * USEC + 409600);
	/* 0.1 + 8.192 + 0.4096 + 4.096 - 1 ms. */
	assert_in_range(waited_ns, 11797 * USEC, 11800 * USEC);
	assert_in_range(total_ns, waited_ns - USEC, waited_ns);
	rig_end();
}

#define LOCK_ROUNDS 3000

static int lock_and_unlock(void *arg)
{
	(void)arg;
	for (int i = 0; i < LOCK_ROUNDS; i++) {
		down_write(sem, SITE_user);
		up_write(sem);
	}
	return 0;
}

/* Wakes at any moment of the other's, and then wants the lock. */
static int lock_now_and_then(void *arg)
{
	(void)arg;
	for (int i = 0; i < LOCK_ROUNDS / 10; i++) {
		machine_sleep(97 + (uint64_t)i % 61);
		down_write(sem, SITE_user);
		up_write(sem);
	}
	return 0;
}

/* A lock that is held has an owner to be seen off its CPU: else who spins does so for ever. */
static void fifo_spins_for_no_preempted_holder(void **state)
{
	(void)state;
	rig_make(&(struct rig_config){.clusters = RIG_CLUSTER(all, 1, 1024, 0),
				      .changes = "step=7ns relax=20ns",
				      .max_ns = 100 * MSEC});
	sem = rig_rwsem(0);
	rig_fifo("0", 1, lock_now_and_then, NULL);
	rig_fair("0", 0, lock_and_unlock, NULL);
	rig_run(0);
	rig_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_end_at_their_limits),
		cmocka_unit_test(the_clock_ends),
		cmocka_unit_test(nothing_can_run),
		cmocka_unit_test(bugs_end_the_run),
		cmocka_unit_test(preempted_holders_are_seen),
		cmocka_unit_test(fifo_spins_for_no_preempted_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
