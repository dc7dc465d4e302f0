/* SPDX-License-Identifier: MIT */
/*
 * The rwsem on the modelled machine, where a task loses its CPU, or somebody looks,
 * between any two steps of a lock or an unlock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lock/rwsem.h"
#include "support/timed_rig.h"

#define ONE_CPU RIG_CLUSTER(all, 1, 1024, 0)

struct user {
	uint64_t at_ns, hold_ns; /* takes the lock at at_ns */
	uint64_t waited_ns;
};

static struct rw_semaphore *sem;

static void make(const char *clusters, const char *changes)
{
	rig_make(&(struct rig_config){
		.clusters = clusters, .changes = changes, .max_ns = 100 * MSEC, .traced = true});
	sem = (struct rw_semaphore *)rig_lines;
	assert_int_equal(init_rwsem(sem, LOCK_user, rwsem_policy_find("linux")), 0);
}

static int write_locked(void *arg)
{
	struct user *user = arg;

	rig_sleep_until(user->at_ns);
	down_write(sem, SITE_user);
	user->waited_ns = now_ns() - user->at_ns;
	machine_compute(user->hold_ns);
	up_write(sem);
	return 0;
}

static int read_locked(void *arg)
{
	struct user *user = arg;

	rig_sleep_until(user->at_ns);
	down_read(sem, SITE_user);
	machine_compute(user->hold_ns);
	up_read(sem);
	return 0;
}

/*
 * Expected: a FIFO writer that takes the CPU of one that just gets or leaves the
 * lock, with no owner to be seen, sleeps.
 * Buggy: it spins for ever, as the other never runs.
 */
static void fifo_writer_on_the_holders_cpu(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < 2400; at += at == 200 ? 2001 : 1) {
		struct user holder = {.at_ns = USEC, .hold_ns = 2 * USEC};
		struct user fifo = {.at_ns = USEC + at, .hold_ns = USEC};

		make(ONE_CPU, "step=10ns atomic=3ns relax=5ns preemption=full");
		rig_fair("0", 0, write_locked, &holder);
		rig_fifo("0", 1, write_locked, &fifo);
		rig_run(0);
		rig_end();
	}
}

/* It cannot know if the readers run, so it does not spin as another does. */
static void fifo_writer_does_not_spin_on_readers(void **state)
{
	(void)state;
	for (int fifo = 0; fifo < 2; fifo++) {
		struct user reader = {.hold_ns = 5 * USEC}, writer = {.at_ns = USEC};

		make(NULL, "step=1ns relax=5ns wake_up=100us");
		rig_fair("0", 0, read_locked, &reader);
		if (fifo)
			rig_fifo("1", 1, write_locked, &writer);
		else
			rig_fair("1", 0, write_locked, &writer);
		rig_run(0);
		if (fifo)
			assert_in_range(writer.waited_ns, 104 * USEC, 106 * USEC);
		else
			assert_in_range(writer.waited_ns, 4 * USEC, 5 * USEC);
		rig_end();
	}
}

/* Whenever the wait begins, be it when the lock is taken and its owner does not say so yet. */
static void the_holder_has_a_name(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < 400; at++) {
		struct user holder = {.at_ns = USEC, .hold_ns = 2 * USEC};
		struct user waiter = {.at_ns = USEC + at};
		const struct edge_sum *edge;
		struct task *task;

		make(NULL, "step=10ns relax=5ns line_cluster=40ns");
		task = rig_fair("0", 0, write_locked, &holder);
		rig_fair("1", 0, write_locked, &waiter);
		rig_run(0);
		for (unsigned int i = 0; (edge = trace_edge(rig_trace, i)); i++)
			if (edge->key.class == LOCK_user && edge->key.waiter != task->index)
				assert_int_equal(edge->key.holder, task->index);
		rig_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fifo_writer_on_the_holders_cpu),
		cmocka_unit_test(fifo_writer_does_not_spin_on_readers),
		cmocka_unit_test(the_holder_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
