/* SPDX-License-Identifier: MIT */
/*
 * The modelled machine's cache lines: what an access takes, what false sharing and
 * a shared counter cost, who spins, and the queued spinlock on them.
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

/* CPUs 0 to 3 are two cores of two threads, 4 and 5 the same socket's, 6 and 7 another's. */
#define TWO_SOCKETS RIG_THREADS(a, 4, 0) RIG_CLUSTER(b, 2, 1024, 0) RIG_CLUSTER(c, 2, 1024, 1)
#define COSTS                                                                                      \
	"step=3ns atomic=5ns line_thread=10ns line_cluster=40ns line_socket=100ns"                 \
	" line_remote=300ns line_memory=700ns"
#define STEP 3
#define ATOMIC (STEP + 5)

static const char *const cpu_names[] = {"0",  "1",  "2",  "3",	"4",  "5",  "6",  "7",	"8",  "9",
					"10", "11", "12", "13", "14", "15", "16", "17", "18", "19",
					"20", "21", "22", "23", "24", "25", "26", "27", "28", "29",
					"30", "31", "32", "33", "34", "35", "36", "37", "38", "39"};

/* ---- what an access takes ---- */

static const struct access_case {
	int cpu;
	char what; /* load, store, atomic */
	int line, word;
	uint64_t expected_ns;
} cases[] = {
	/* Nobody's, then one's own. */
	{0, 'l', 0, 0, 700 + STEP},
	{0, 'l', 0, 0, STEP},
	{0, 's', 0, 0, STEP},
	{0, 's', 0, 7, STEP},
	{0, 'a', 0, 0, ATOMIC},
	/* To read, from the nearest that has it. */
	{1, 'l', 0, 0, 10 + STEP},
	{1, 'l', 0, 0, STEP},
	{0, 'l', 0, 0, STEP},
	{2, 'l', 0, 0, 40 + STEP},
	{4, 'l', 0, 0, 100 + STEP},
	{6, 'l', 0, 0, 300 + STEP},
	{7, 'l', 0, 0, 40 + STEP},
	{5, 'l', 0, 0, 40 + STEP},
	/* To write, as long as the farthest takes to give it up. */
	{7, 's', 0, 0, 300 + STEP},
	{7, 'a', 0, 0, ATOMIC},
	{6, 'l', 0, 0, 40 + STEP},
	{6, 'a', 0, 0, 40 + ATOMIC},
	{0, 'l', 0, 0, 300 + STEP},
	{1, 'a', 0, 0, 300 + ATOMIC},
	{0, 'a', 0, 0, 10 + ATOMIC},
	{4, 'a', 0, 0, 100 + ATOMIC},
	{4, 's', 0, 0, STEP},
	/* Other words of the line are no other line. */
	{0, 's', 0, 1, 100 + STEP},
	{2, 's', 0, 2, 40 + STEP},
	{0, 'l', 0, 3, 40 + STEP},
	{0, 'l', 0, 0, STEP},
	/* Those of the next one are. */
	{0, 'a', 1, 0, 700 + ATOMIC},
	{2, 's', 0, 2, 40 + STEP},
	{0, 'a', 1, 0, ATOMIC},
	{0, 'l', 0, 0, 40 + STEP},
};

static uint64_t taken[ARRAY_SIZE(cases)];

static int do_cases(void *arg)
{
	int cpu = (int)(intptr_t)arg;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct access_case *c = &cases[i];
		long *word = &rig_lines[c->line].word[c->word];
		uint64_t began;

		if (c->cpu != cpu)
			continue;
		rig_sleep_until((i + 1) * 10 * USEC);
		began = now_ns();
		if (c->what == 'l')
			(void)READ_ONCE(*word);
		else if (c->what == 's')
			WRITE_ONCE(*word, 1);
		else
			fetch_add(word, 1);
		taken[i] = now_ns() - began;
	}
	return 0;
}

static void accesses_take_what_the_line_takes(void **state)
{
	struct machine_stats stats;

	(void)state;
	rig_make(&(struct rig_config){.clusters = TWO_SOCKETS, .changes = COSTS});
	for (intptr_t i = 0; i < 8; i++)
		rig_fair(cpu_names[i], 0, do_cases, (void *)i);
	rig_run(0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (taken[i] != cases[i].expected_ns)
			fail_msg("access %d: %d ns, expected %d", (int)i, (int)taken[i],
				 (int)cases[i].expected_ns);
	stats = machine_stats(rig);
	assert_int_equal(stats.steps, ARRAY_SIZE(cases));
	assert_int_equal(stats.lines_memory, 2);
	assert_int_equal(stats.lines_thread, 2);
	assert_int_equal(stats.lines_remote, 4);
	rig_end();
}

/* ---- one line, many CPUs ---- */

#define DURING MSEC

static uint64_t counted[40];

static int count_on_line(void *arg)
{
	intptr_t n = (intptr_t)arg;
	long *word = &rig_lines[n >> 8].word[0];

	while (now_ns() < DURING) {
		fetch_add(word, 1);
		counted[n & 0xff]++;
	}
	return 0;
}

static uint64_t count_in_all(int nr, bool apart)
{
	uint64_t sum = 0;

	memset(counted, 0, sizeof(counted));
	rig_make(&(struct rig_config){.changes = COSTS});
	for (intptr_t i = 0; i < nr; i++)
		rig_fair(cpu_names[i], 0, count_on_line, (void *)(i | (apart ? i << 8 : 0)));
	rig_run(0);
	for (int i = 0; i < nr; i++)
		sum += counted[i];
	/* None is kept from it. */
	for (int i = 0; i < nr; i++)
		assert_in_range(counted[i], sum / (uint64_t)nr * 9 / 10,
				sum / (uint64_t)nr * 11 / 10);
	rig_end();
	return sum;
}

static void a_shared_counter_saturates(void **state)
{
	const uint64_t at_once = 1 + 40 / 2 / ATOMIC;
	uint64_t one = count_in_all(1, false);

	(void)state;
	assert_in_range(one, DURING / ATOMIC - 100, DURING / ATOMIC + 1);
	for (int nr = 2; nr <= 8; nr += 2) {
		/* The line goes round, 40 ns a time, and may be used until the next has asked. */
		assert_in_range(count_in_all(nr, false), at_once * DURING / 40 * 95 / 100,
				at_once * DURING / 40 * 105 / 100);
		assert_in_range(count_in_all(nr, true), one * (uint64_t)nr - 10,
				one * (uint64_t)nr + 10);
	}
}

/* All at once, one after another has it; once it is shared, all at once. */
static uint64_t read_ns[2][8];

static int read_at_once(void *arg)
{
	intptr_t i = (intptr_t)arg;

	if (!i)
		WRITE_ONCE(rig_lines[0].word[0], 1);
	for (uint64_t round = 0; round < 2; round++) {
		/* The first round after a store, the second one with a reader before. */
		rig_sleep_until((1 + 2 * round) * 10 * USEC);
		if (!i)
			WRITE_ONCE(rig_lines[0].word[0], 2);
		rig_sleep_until((2 + 2 * round) * 10 * USEC - (i == 1 && round) * 5 * USEC);
		read_ns[round][i] = now_ns();
		(void)READ_ONCE(rig_lines[0].word[0]);
		read_ns[round][i] = now_ns() - read_ns[round][i];
	}
	return 0;
}

static void a_written_line_is_handed_out(void **state)
{
	uint64_t sum = 0;

	(void)state;
	rig_make(&(struct rig_config){.changes = COSTS});
	for (intptr_t i = 0; i < 8; i++)
		rig_fair(cpu_names[i], 0, read_at_once, (void *)i);
	rig_run(0);
	assert_int_equal(read_ns[0][0], STEP);
	for (int i = 1; i < 8; i++)
		sum += read_ns[0][i];
	/* 40 ns for the first, 80 for the second, ... */
	assert_int_equal(sum, 7 * STEP + 40 * (1 + 2 + 3 + 4 + 5 + 6 + 7));
	for (int i = 1; i < 8; i++)
		assert_int_equal(read_ns[1][i], 40 + STEP);
	rig_end();
}

/* ---- layout ---- */

static uint64_t hash;

static int walk_at_random(void *arg)
{
	struct rng rng;

	rng_init(&rng, 7, "walk", (uint64_t)(intptr_t)arg);
	for (int i = 0; i < 300; i++) {
		struct rig_line *line = &rig_lines[rng_below(&rng, 12)];
		long *word = &line->word[rng_below(&rng, 8)];

		if (rng_below(&rng, 2))
			fetch_add(word, (long)rng_below(&rng, 5));
		else
			hash = hash * 31 + (uint64_t)READ_ONCE(*word);
		hash = hash * 1000003 + now_ns();
	}
	return 0;
}

static uint64_t walk_hash(unsigned int lines_before)
{
	hash = 1;
	rig_make(&(struct rig_config){
		.clusters = TWO_SOCKETS, .changes = COSTS, .lines_before = lines_before});
	for (intptr_t i = 0; i < 12; i++)
		rig_fair("any", 0, walk_at_random, (void *)i);
	rig_run(0);
	rig_end();
	return hash;
}

static void addresses_do_not_matter(void **state)
{
	uint64_t first = walk_hash(0);

	(void)state;
	assert_true(walk_hash(0) == first);
	assert_true(walk_hash(1) == first);
	assert_true(walk_hash(333) == first);
}

/* ---- spinning ---- */

static struct {
	uint64_t began, ended, written;
	bool changed;
} spun;

static int spin_on_word(void *arg)
{
	uint64_t deadline = *(uint64_t *)arg;

	(void)READ_ONCE(rig_lines[0].word[0]);
	spun.began = now_ns();
	spun.changed = spin_while_equal_long(&rig_lines[0].word[0], 0, deadline);
	spun.ended = now_ns();
	return 0;
}

static int write_around_it(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; i <= 9; i++) {
		rig_sleep_until(i * 100 * USEC);
		if (i % 2)
			WRITE_ONCE(rig_lines[0].word[1], (long)i);
		else
			fetch_add(&rig_lines[0].word[0], 0);
	}
	rig_sleep_until(MSEC);
	WRITE_ONCE(rig_lines[0].word[0], READ_ONCE(rig_lines[0].word[0]) + 5);
	spun.written = now_ns();
	return 0;
}

static void spin(uint64_t deadline)
{
	rig_make(&(struct rig_config){.changes = COSTS});
	rig_fair("1", 0, spin_on_word, &deadline);
	rig_fair("0", 0, write_around_it, NULL);
	rig_run(0);
	rig_end();
}

static void spinners_wait_for_their_word(void **state)
{
	(void)state;
	spin(0);
	assert_true(spun.changed);
	assert_in_range(spun.written, MSEC + STEP, MSEC + 100);
	assert_int_equal(spun.ended, spun.written + 40 + STEP);
	spin(2 * MSEC);
	assert_true(spun.changed);
	assert_int_equal(spun.ended, spun.written + 40 + STEP);
}

static void spins_end_at_their_deadline(void **state)
{
	(void)state;
	/* Somebody has written to the line at 300 us: it has to come once more. */
	spin(350 * USEC);
	assert_false(spun.changed);
	assert_int_equal(spun.ended, 350 * USEC + 40 + STEP);
	/* Over before it began: a turn of a waiting loop, which is never free. */
	spin(1);
	assert_false(spun.changed);
	assert_int_equal(spun.ended, spun.began + 1 + STEP);
}

static int spin_undisturbed(void *arg)
{
	uint64_t *ns = arg;

	preempt_disable();
	if (spin_while_equal_long(&rig_lines[0].word[0], 0, 0) || !need_resched())
		return -1;
	ns[0] = now_ns();
	while (!READ_ONCE(rig_lines[0].word[0]))
		spin_while_equal_long(&rig_lines[0].word[0], 0, 0);
	ns[1] = now_ns();
	preempt_enable();
	ns[2] = now_ns();
	return 0;
}

static int use_ms_at_ms(void *arg)
{
	rig_sleep_until(MSEC);
	machine_compute(MSEC);
	*(uint64_t *)arg = now_ns();
	return 0;
}

static int write_at_4ms(void *arg)
{
	(void)arg;
	rig_sleep_until(4 * MSEC);
	WRITE_ONCE(rig_lines[0].word[0], 1);
	return 0;
}

/* Even where nothing takes time. */
static void spins_end_for_a_reschedule(void **state)
{
	uint64_t ns[3] = {0}, hog_ended = 0;
	struct task *task;

	(void)state;
	rig_make(&(struct rig_config){.max_steps = 10000000});
	rig_fifo("0", 1, use_ms_at_ms, &hog_ended);
	task = rig_fair("0", 0, spin_undisturbed, ns);
	rig_fair("1", 0, write_at_4ms, NULL);
	rig_run(0);
	assert_int_equal(machine_task_join(task), 0);
	assert_in_range(ns[0], MSEC, MSEC + 1);
	assert_in_range(ns[1], 4 * MSEC, 4 * MSEC + 2);
	assert_int_equal(hog_ended, ns[1] + MSEC);
	assert_int_equal(ns[2], hog_ended);
	rig_end();
}

static int spin_for_ever(void *arg)
{
	(void)arg;
	preempt_disable();
	while (!READ_ONCE(rig_lines[0].word[0]))
		;
	return 0;
}

static void too_many_steps_end_where_they_are_free(void **state)
{
	(void)state;
	rig_make(&(struct rig_config){.max_steps = 10000});
	rig_fair("0", 0, spin_for_ever, NULL);
	rig_run(-EOVERFLOW);
	assert_non_null(strstr(machine_failure(rig), "steps"));
	rig_end();
}

/* ---- the queued spinlock ---- */

#define MANY RIG_CLUSTER(all, 40, 1024, 0)

static spinlock_t *lock_of_rig(void)
{
	return (spinlock_t *)&rig_lines[9].word[0];
}

static int order[40], nr_ordered;
static uint64_t got_ns[40];

/* The k-th to come is CPU 7k mod 40; the first holds it until all are there. */
static int come_in_turn(void *arg)
{
	int k = (int)(intptr_t)arg;

	rig_sleep_until((uint64_t)(k + 1) * 2 * USEC);
	spin_lock(lock_of_rig(), LOCK_user, SITE_user);
	got_ns[nr_ordered] = now_ns();
	order[nr_ordered++] = k;
	if (!k)
		machine_compute(200 * USEC);
	spin_unlock(lock_of_rig());
	return 0;
}

static uint64_t handover_ns(int nr)
{
	uint64_t ns;

	nr_ordered = 0;
	rig_make(&(struct rig_config){.clusters = MANY, .changes = COSTS});
	for (intptr_t k = 0; k < nr; k++)
		rig_fair(cpu_names[7 * k % 40], 0, come_in_turn, (void *)k);
	rig_run(0);
	assert_int_equal(nr_ordered, nr);
	for (int k = 0; k < nr; k++)
		assert_int_equal(order[k], k);
	ns = (got_ns[nr - 1] - got_ns[1]) / (uint64_t)(nr - 2);
	/* None is dearer than another. */
	for (int k = 3; k < nr - 1; k++)
		assert_in_range(got_ns[k] - got_ns[k - 1], ns - 45, ns + 45);
	rig_end();
	return ns;
}

static void spinlock_goes_in_order(void **state)
{
	uint64_t few = handover_ns(6), many = handover_ns(40);

	(void)state;
	/* Some lines move, however many wait. */
	assert_in_range(few, 80, 400);
	assert_in_range(many, few - 20, few + 20);
}

static int lock_again_and_again(void *arg)
{
	intptr_t i = (intptr_t)arg;

	while (now_ns() < DURING) {
		spin_lock(lock_of_rig(), LOCK_user, SITE_user);
		machine_compute(50);
		counted[i]++;
		/* Nobody else is inside. */
		if (rig_lines[8].word[0]++ != rig_lines[8].word[1]++)
			rig_lines[8].word[2]++;
		spin_unlock(lock_of_rig());
	}
	return 0;
}

static void spinlock_starves_nobody(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	memset(counted, 0, sizeof(counted));
	rig_make(&(struct rig_config){.clusters = MANY, .changes = COSTS});
	for (intptr_t i = 0; i < 40; i++)
		rig_fair(cpu_names[i], 0, lock_again_and_again, (void *)i);
	rig_run(0);
	for (int i = 0; i < 40; i++) {
		least = counted[i] < least ? counted[i] : least;
		most = counted[i] > most ? counted[i] : most;
	}
	assert_true(least > 50);
	assert_in_range(most - least, 0, 2);
	assert_int_equal(rig_lines[8].word[2], 0);
	rig_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_take_what_the_line_takes),
		cmocka_unit_test(a_shared_counter_saturates),
		cmocka_unit_test(a_written_line_is_handed_out),
		cmocka_unit_test(addresses_do_not_matter),
		cmocka_unit_test(spinners_wait_for_their_word),
		cmocka_unit_test(spins_end_at_their_deadline),
		cmocka_unit_test(spins_end_for_a_reschedule),
		cmocka_unit_test(too_many_steps_end_where_they_are_free),
		cmocka_unit_test(spinlock_goes_in_order),
		cmocka_unit_test(spinlock_starves_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
