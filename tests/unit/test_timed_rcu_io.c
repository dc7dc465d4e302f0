/* SPDX-License-Identifier: MIT */
/*
 * Grace periods and the block device of the modelled machine, to the nanosecond:
 * a grace period lasts 2 ms here, and nothing else costs time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/timed_rig.h"

#define GRACE (2 * MSEC)

/* ---- grace periods ---- */

struct callback {
	struct rcu_head head;
	uint64_t call_ns, ran_ns;
	int number;
};

static int order[600], nr_ran;

static void note_run(struct rcu_head *head)
{
	struct callback *callback = container_of(head, struct callback, head);

	callback->ran_ns = now_ns();
	order[nr_ran++] = callback->number;
}

static int call_and_sleep(void *arg)
{
	struct callback *callback = arg;

	rig_sleep_until(callback->call_ns);
	call_rcu(&callback->head, note_run);
	rig_sleep_until(50 * MSEC);
	return 0;
}

struct reader {
	uint64_t from_ns, ns;
	bool sleeps, nested;
	uint64_t left_ns;
};

static int read_section(void *arg)
{
	struct reader *reader = arg;

	rig_sleep_until(reader->from_ns);
	rcu_read_lock();
	if (reader->nested) {
		rcu_read_lock();
		machine_compute(10);
		rcu_read_unlock();
		reader->ns -= 10;
	}
	if (reader->sleeps)
		machine_sleep(reader->ns);
	else
		machine_compute(reader->ns);
	reader->left_ns = now_ns();
	rcu_read_unlock();
	return 0;
}

static int hog(void *arg)
{
	(void)arg;
	rig_sleep_until(2 * MSEC);
	machine_compute(4 * MSEC);
	return 0;
}

static void make_rig(void)
{
	nr_ran = 0;
	rig_make(&(struct rig_config){.changes = "rcu_grace=2ms"});
}

static void without_readers_it_takes_its_time(void **state)
{
	struct callback callback = {.call_ns = MSEC};

	(void)state;
	make_rig();
	rig_fair("0", 0, call_and_sleep, &callback);
	rig_run(0);
	assert_int_equal(callback.ran_ns, MSEC + GRACE);
	assert_int_equal(machine_stats(rig).grace_periods, 1);
	rig_end();
}

static void it_waits_for_readers_that_were_there(void **state)
{
	struct callback callback = {.call_ns = MSEC};
	struct reader readers[] = {
		{.ns = 3 * MSEC},
		{.from_ns = 500 * USEC, .ns = 4 * MSEC, .nested = true},
		{.from_ns = 900 * USEC, .ns = 3 * MSEC, .sleeps = true},
		/* Too late, and one that is over. */
		{.from_ns = 1100 * USEC, .ns = 20 * MSEC},
		{.ns = 900 * USEC},
	};

	(void)state;
	make_rig();
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		rig_fair("any", 0, read_section, &readers[i]);
	rig_fair("any", 0, call_and_sleep, &callback);
	rig_run(0);
	assert_int_equal(readers[1].left_ns, 4500 * USEC);
	assert_int_equal(callback.ran_ns, 4500 * USEC + GRACE);
	rig_end();
}

static void preempted_readers_hold_it_up(void **state)
{
	struct callback callback = {.call_ns = 1500 * USEC};
	struct reader reader = {.from_ns = MSEC, .ns = 3 * MSEC};

	(void)state;
	make_rig();
	rig_fifo("0", 1, hog, NULL);
	rig_fair("0", 0, read_section, &reader);
	rig_fair("1", 0, call_and_sleep, &callback);
	rig_run(0);
	assert_int_equal(reader.left_ns, 8 * MSEC);
	assert_int_equal(callback.ran_ns, 8 * MSEC + GRACE);
	rig_end();
}

/* What is called while one is under way waits for the next, and for its readers. */
static void the_next_one_begins_after_it(void **state)
{
	struct callback first = {.call_ns = MSEC}, second = {.call_ns = 2 * MSEC};
	struct callback third = {.call_ns = 9 * MSEC, .number = 3};
	struct reader reader = {.from_ns = 2500 * USEC, .ns = 1500 * USEC};

	(void)state;
	make_rig();
	rig_fair("any", 0, call_and_sleep, &first);
	rig_fair("any", 0, call_and_sleep, &second);
	rig_fair("any", 0, call_and_sleep, &third);
	rig_fair("any", 0, read_section, &reader);
	rig_run(0);
	assert_int_equal(first.ran_ns, 3 * MSEC);
	assert_int_equal(second.ran_ns, 4 * MSEC + GRACE);
	assert_int_equal(third.ran_ns, 11 * MSEC);
	assert_int_equal(machine_stats(rig).grace_periods, 3);
	rig_end();
}

#define CALLBACKS 500

static struct callback callbacks[CALLBACKS];
static int nr_called;

static int call_many(void *arg)
{
	struct rng rng;

	rng_init(&rng, 3, "calls", (uint64_t)(intptr_t)arg);
	while (nr_called < CALLBACKS) {
		struct callback *callback = &callbacks[nr_called];

		callback->number = nr_called++;
		callback->call_ns = now_ns();
		call_rcu(&callback->head, note_run);
		machine_sleep(1 + rng_below(&rng, 200 * USEC));
	}
	rcu_barrier();
	return nr_ran;
}

static void callbacks_run_in_order(void **state)
{
	struct task *tasks[4];

	(void)state;
	make_rig();
	nr_called = 0;
	memset(callbacks, 0, sizeof(callbacks));
	for (intptr_t i = 0; i < 4; i++)
		tasks[i] = rig_fair("any", 0, call_many, (void *)i);
	rig_run(0);
	assert_int_equal(nr_ran, CALLBACKS);
	for (int i = 0; i < CALLBACKS; i++) {
		assert_int_equal(order[i], i);
		assert_true(callbacks[i].ran_ns >= callbacks[i].call_ns + GRACE);
		assert_true(callbacks[i].ran_ns <= callbacks[i].call_ns + 2 * GRACE);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(machine_task_join(tasks[i]), CALLBACKS);
	rig_end();
}

static uint64_t synchronized_ns[2];

static int synchronize(void *arg)
{
	(void)arg;
	rig_sleep_until(MSEC);
	synchronize_rcu();
	synchronized_ns[0] = now_ns();
	rcu_barrier();
	synchronized_ns[1] = now_ns();
	return 0;
}

static void synchronize_takes_a_grace_period(void **state)
{
	struct reader reader = {.ns = 5 * MSEC};

	(void)state;
	make_rig();
	rig_fair("any", 0, read_section, &reader);
	rig_fair("any", 0, synchronize, NULL);
	rig_run(0);
	assert_int_equal(synchronized_ns[0], 5 * MSEC + GRACE);
	assert_int_equal(synchronized_ns[1], 5 * MSEC + 2 * GRACE);
	rig_end();
}

static struct callback inner = {.number = 7};

static void call_another(struct rcu_head *head)
{
	note_run(head);
	call_rcu(&inner.head, note_run);
}

/* No reader, nobody to run them: main does, and those that they queue. */
static void main_alone_waits_for_nobody(void **state)
{
	struct callback mine[3] = {{.number = 0}, {.number = 1}, {.number = 2}};

	(void)state;
	make_rig();
	synchronize_rcu();
	call_rcu(&mine[0].head, note_run);
	call_rcu(&mine[1].head, call_another);
	call_rcu(&mine[2].head, note_run);
	assert_int_equal(nr_ran, 0);
	rcu_barrier();
	assert_int_equal(nr_ran, 4);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 2);
	assert_int_equal(order[3], 7);
	rcu_barrier();
	assert_int_equal(nr_ran, 4);
	rig_end();
}

static int call_and_end(void *arg)
{
	struct callback *callback = arg;

	call_rcu(&callback->head, note_run);
	return 0;
}

/* The machine may end in the middle of one: it goes on in the next run, or main does it. */
static void left_over_callbacks_run_later(void **state)
{
	struct callback left[2] = {{.number = 0}, {.number = 1}}, last = {.call_ns = MSEC};

	(void)state;
	for (int again = 0; again < 2; again++) {
		make_rig();
		rig_fair("0", 0, call_and_end, &left[0]);
		rig_fair("0", 0, call_and_end, &left[1]);
		rig_run(0);
		assert_int_equal(nr_ran, 0);
		if (again) {
			last.ran_ns = 0;
			rig_fair("0", 0, call_and_sleep, &last);
			rig_run(0);
			assert_int_equal(nr_ran, 3);
			/* The second was called when the first's grace period was under way. */
			assert_int_equal(left[0].ran_ns, GRACE);
			assert_int_equal(last.ran_ns, 2 * GRACE);
		}
		rcu_barrier();
		assert_int_equal(nr_ran, again ? 3 : 2);
		assert_int_equal(order[0], 0);
		assert_int_equal(order[1], 1);
		rig_end();
	}
}

/* ---- the device ---- */

struct request {
	struct machine_io io;
	struct task *waiter;
	uint64_t ns, done_ns;
	int number;
	bool done, by_io;
};

static void complete(struct machine_io *io)
{
	struct request *request = container_of(io, struct request, io);

	request->done_ns = now_ns();
	request->by_io = !strcmp(current->name, "io");
	order[nr_ran++] = request->number;
	request->done = true;
	unpark(request->waiter);
}

static void wait_for(struct request *request)
{
	while (!request->done)
		park(TASK_UNINTERRUPTIBLE, 0);
}

static struct request requests[8];

static int submit_all(void *arg)
{
	int nr = *(int *)arg;

	for (int i = 0; i < nr; i++) {
		requests[i].number = i;
		requests[i].waiter = current;
		machine_io_submit(&requests[i].io, requests[i].ns, complete);
	}
	for (int i = 0; i < nr; i++)
		wait_for(&requests[i]);
	return 0;
}

/* Submit them at once; check in which order and after how many ms they are done. */
static void check_requests(unsigned int channels, int nr, const int *ms, const int *done_ms,
			   const int *done_order)
{
	memset(requests, 0, sizeof(requests));
	nr_ran = 0;
	rig_make(&(struct rig_config){.channels = channels});
	for (int i = 0; i < nr; i++)
		requests[i].ns = (uint64_t)ms[i] * MSEC;
	rig_fair("0", 0, submit_all, &nr);
	rig_run(0);
	for (int i = 0; i < nr; i++) {
		assert_int_equal(requests[i].done_ns, (uint64_t)done_ms[i] * MSEC);
		assert_int_equal(order[i], done_order[i]);
		assert_true(requests[i].by_io);
	}
	rig_end();
}

static void channels_limit_the_device(void **state)
{
	static const int equal[] = {1, 1, 1, 1, 1}, mixed[] = {5, 1, 3, 1, 2};
	static const int in_order[] = {0, 1, 2, 3, 4};

	(void)state;
	check_requests(1, 5, equal, (int[]){1, 2, 3, 4, 5}, in_order);
	check_requests(2, 5, equal, (int[]){1, 1, 2, 2, 3}, in_order);
	check_requests(8, 5, equal, (int[]){1, 1, 1, 1, 1}, in_order);
	/* Who waits does so in order, whatever it takes. */
	check_requests(1, 5, mixed, (int[]){5, 6, 9, 10, 12}, in_order);
	check_requests(2, 5, mixed, (int[]){5, 1, 4, 5, 7}, (int[]){1, 2, 0, 3, 4});
	check_requests(8, 5, mixed, (int[]){5, 1, 3, 1, 2}, (int[]){1, 3, 4, 2, 0});
}

#define DRAWS 10000

static uint64_t latencies[DRAWS];

static int draw_latencies(void *arg)
{
	(void)arg;
	for (int i = 0; i < DRAWS; i++) {
		uint64_t began = now_ns();

		requests[0] = (struct request){.waiter = current};
		nr_ran = 0;
		machine_io_submit(&requests[0].io, 0, complete);
		wait_for(&requests[0]);
		latencies[i] = now_ns() - began;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void draw(uint64_t seed)
{
	rig_make(&(struct rig_config){.latency = "50us 80us 110us 300us 5ms", .seed = seed});
	rig_fair("0", 0, draw_latencies, NULL);
	rig_run(0);
	rig_end();
}

static uint64_t below(uint64_t ns)
{
	uint64_t n = 0;

	for (int i = 0; i < DRAWS; i++)
		n += latencies[i] < ns;
	return n;
}

/* Some four standard deviations. */
static void latencies_are_as_the_profile_says(void **state)
{
	static uint64_t first[DRAWS];

	(void)state;
	draw(1);
	memcpy(first, latencies, sizeof(first));
	assert_in_range(below(80 * USEC), 4800, 5200);
	assert_in_range(below(110 * USEC), 8880, 9120);
	assert_in_range(below(300 * USEC), 9860, 9940);
	/* A straight line between them. */
	assert_in_range(below(65 * USEC), 2320, 2680);
	assert_in_range(below(95 * USEC), 6810, 7190);
	qsort(latencies, DRAWS, sizeof(*latencies), compare);
	assert_in_range(latencies[0], 50 * USEC, 51 * USEC);
	assert_in_range(latencies[DRAWS - 1], 3 * MSEC, 5 * MSEC);
	draw(1);
	assert_memory_equal(first, latencies, sizeof(first));
	draw(2);
	assert_memory_not_equal(first, latencies, sizeof(first));
}

static struct request chain[5];

static void complete_and_submit(struct machine_io *io)
{
	struct request *request = container_of(io, struct request, io);

	complete(io);
	if (request->number < 4)
		machine_io_submit(&request[1].io, MSEC, complete_and_submit);
}

static int submit_chain(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		chain[i] = (struct request){.number = i, .waiter = current};
	machine_io_submit(&chain[0].io, MSEC, complete_and_submit);
	wait_for(&chain[4]);
	return 0;
}

static void completions_may_submit(void **state)
{
	(void)state;
	nr_ran = 0;
	rig_make(&(struct rig_config){.channels = 1});
	rig_fair("0", 0, submit_chain, NULL);
	rig_run(0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(chain[i].done_ns, (uint64_t)(i + 1) * MSEC);
	rig_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_readers_it_takes_its_time),
		cmocka_unit_test(it_waits_for_readers_that_were_there),
		cmocka_unit_test(preempted_readers_hold_it_up),
		cmocka_unit_test(the_next_one_begins_after_it),
		cmocka_unit_test(callbacks_run_in_order),
		cmocka_unit_test(synchronize_takes_a_grace_period),
		cmocka_unit_test(main_alone_waits_for_nobody),
		cmocka_unit_test(left_over_callbacks_run_later),
		cmocka_unit_test(channels_limit_the_device),
		cmocka_unit_test(latencies_are_as_the_profile_says),
		cmocka_unit_test(completions_may_submit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
