/* SPDX-License-Identifier: MIT */
/*
 * Search of schedules: programs so small that their schedules can be counted by
 * hand, bugs of a known depth, and that what is found can be done again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine/machine.h"
#include "mmsim/mmsim.h"
#include "support/search_program.h"

/* ---- how many schedules there are ---- */

#define ORDERS_MAX 4096

static char orders[ORDERS_MAX][64];
static unsigned int nr_orders;

/* True: not seen before. */
static bool new_order(const char *order)
{
	for (unsigned int i = 0; i < nr_orders; i++)
		if (!strcmp(orders[i], order))
			return false;
	assert_true(nr_orders < ORDERS_MAX);
	strcpy(orders[nr_orders++], order);
	return true;
}

static int touch_the_word(void *arg)
{
	int me = (int)(uintptr_t)arg;

	for (unsigned int i = 0; i < test.accesses; i++) {
		fetch_add(&test.shared->word, 1);
		test.order[test.nr++] = *letters[me];
		/* Nobody else's: no place to switch. */
		WRITE_ONCE(test.shared->own[me][0], 1);
		READ_ONCE(test.shared->own[me][1]);
	}
	return 0;
}

/*
 * All runs of the last pass of bound @preemptions must differ, and be so many;
 * the passes before may only have found some of them.
 */
static void count_schedules(int tasks, unsigned int accesses, unsigned int preemptions,
			    unsigned int expected)
{
	struct program program = {.accesses = accesses};
	struct mmsim_search *search = new_search(MMSIM_SEARCH_BOUNDED, preemptions);
	struct mmsim_search_info info;
	unsigned int pass = 0, twice = 0;

	for (int i = 0; i < tasks; i++)
		program.body[i] = touch_the_word;
	do {
		assert_int_equal(run_once(&program, search, NULL), 0);
		mmsim_search_get_info(search, &info);
		if (info.passes != pass)
			nr_orders = twice = 0;
		pass = info.passes;
		twice += !new_order(test.order);
	} while (mmsim_search_next(search));
	assert_int_equal(info.bound, preemptions);
	assert_int_equal(nr_orders, expected);
	assert_int_equal(twice, 0);
	assert_int_equal(info.runs_in_pass, expected);
	assert_int_equal(info.diverged, 0);
	assert_int_equal(info.words, 1);
	mmsim_search_destroy(search);
}

static void schedules_are_counted(void **state)
{
	(void)state;
	/* One task after another. */
	count_schedules(2, 1, 0, 2);
	count_schedules(3, 2, 0, 6);
	count_schedules(4, 2, 0, 24);
	/* aabb and bbaa, then abba and baab, then abab and baba. */
	count_schedules(2, 2, 1, 4);
	count_schedules(2, 2, 2, 6);
	count_schedules(2, 2, 9, 6);
	/* All interleavings: 6! / 3!^2, 6! / 2!^3, 8! / 2!^4. */
	count_schedules(2, 3, 9, 20);
	count_schedules(3, 2, 9, 90);
	if (RUNS_SOME > 2520)
		count_schedules(4, 2, 9, 2520);
}

static int read_the_word(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < test.accesses; i++)
		READ_ONCE(test.shared->word);
	return 0;
}

/* Reads are in no order: what comes first makes no difference. */
static void reads_are_no_choice(void **state)
{
	const struct program program = {.body = {read_the_word, read_the_word}, .accesses = 5};
	struct mmsim_search *search = new_search(MMSIM_SEARCH_BOUNDED, 5);
	struct mmsim_search_info info;

	(void)state;
	do {
		assert_int_equal(run_once(&program, search, NULL), 0);
		mmsim_search_get_info(search, &info);
	} while (mmsim_search_next(search));
	assert_int_equal(info.words, 0);
	assert_int_equal(info.runs_in_pass, 1);
	assert_int_equal(info.runs, 6);
	mmsim_search_destroy(search);
}

/* ---- bugs of a known depth ---- */

static int add_by_load_and_store(void *arg)
{
	long value = READ_ONCE(test.shared->word);

	(void)arg;
	WRITE_ONCE(test.shared->word, value + 1);
	return 0;
}

static bool both_counted(void)
{
	return test.shared->word == 2;
}

static const struct program lost_update = {.body = {add_by_load_and_store, add_by_load_and_store},
					   .good = both_counted};

static void take(int *lock)
{
	int unlocked = 0;

	while (!try_cmpxchg_acquire(lock, &unlocked, 1)) {
		spin_while_equal_int(lock, 1, 0);
		unlocked = 0;
	}
}

static void take_both(int *first, int *second)
{
	take(first);
	take(second);
	smp_store_release(second, 0);
	smp_store_release(first, 0);
}

static int a_then_b(void *arg)
{
	(void)arg;
	take_both(&test.shared->lock_a, &test.shared->lock_b);
	return 0;
}

static int b_then_a(void *arg)
{
	(void)arg;
	take_both(&test.shared->lock_b, &test.shared->lock_a);
	return 0;
}

static const struct program two_locks = {.body = {a_then_b, b_then_a}};
static const struct program two_locks_in_order = {.body = {a_then_b, a_then_b, a_then_b}};

/* Sees 1 and then 2, which the other makes of it: two preemptions. */
static int see_one_and_two(void *arg)
{
	(void)arg;
	if (READ_ONCE(test.shared->word) == 1 && READ_ONCE(test.shared->word) == 2)
		machine_bug("one and two");
	return 0;
}

static int one_two(void *arg)
{
	(void)arg;
	WRITE_ONCE(test.shared->word, 1);
	WRITE_ONCE(test.shared->word, 2);
	return 0;
}

static const struct program two_deep = {.body = {see_one_and_two, one_two}};

static void check_depth(const struct program *program, unsigned int depth, int expected)
{
	struct mmsim_search *search;
	struct mmsim_search_info info;
	char schedule[MMSIM_SCHEDULE_MAX];
	int err;

	if (depth) {
		search = new_search(MMSIM_SEARCH_BOUNDED, depth - 1);
		assert_int_equal(find(program, search, &err), 0);
		mmsim_search_destroy(search);
	}
	search = new_search(MMSIM_SEARCH_BOUNDED, 5);
	assert_true(find(program, search, &err) > 0);
	assert_int_equal(err, expected);
	mmsim_search_get_info(search, &info);
	assert_int_equal(info.bound, depth);
	assert_int_equal(info.preemptions, depth);
	snprintf(schedule, sizeof(schedule), "%s", mmsim_search_schedule(search));
	mmsim_search_destroy(search);
	/* The written schedule does the same again. */
	assert_int_equal(run_once(program, NULL, schedule), expected);
}

static void found_at_their_depth(void **state)
{
	(void)state;
	check_depth(&lost_update, 1, -EPROTO);
	check_depth(&two_locks, 1, -EDEADLK);
	check_depth(&two_deep, 2, -EFAULT);
}

static void nothing_found_where_nothing_is(void **state)
{
	struct mmsim_search *search = new_search(MMSIM_SEARCH_BOUNDED, 3);
	int err;

	(void)state;
	assert_int_equal(find(&two_locks_in_order, search, &err), 0);
	mmsim_search_destroy(search);
}

/* Each random search finds each, always at the same run, and what it found is done again. */
static void found_at_random(void **state)
{
	static const struct program *const programs[] = {&lost_update, &two_locks, &two_deep};
	static const int expected[] = {-EPROTO, -EDEADLK, -EFAULT};

	(void)state;
	for (int kind = MMSIM_SEARCH_PCT; kind < MMSIM_SEARCH_KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
			struct mmsim_search *search = new_search(kind, 0);
			struct mmsim_search *again = new_search(kind, 0);
			char schedule[MMSIM_SCHEDULE_MAX];
			uint64_t at;
			int err;

			at = find(programs[i], search, &err);
			assert_in_range(at, 1, 300);
			assert_int_equal(err, expected[i]);
			assert_int_equal(find(programs[i], again, &err), at);
			snprintf(schedule, sizeof(schedule), "%s", mmsim_search_schedule(search));
			assert_string_equal(schedule, mmsim_search_schedule(again));
			assert_int_equal(run_once(programs[i], NULL, schedule), err);
			mmsim_search_destroy(search);
			mmsim_search_destroy(again);
		}
	}
}

/* ---- grace periods, time, yields ---- */

static void set_freed(struct rcu_head *unused)
{
	(void)unused;
	test.freed = true;
}

static int publish_and_free(void *arg)
{
	(void)arg;
	WRITE_ONCE(test.shared->word, 1);
	call_rcu(&test.head, set_freed);
	return 0;
}

/* Outside of a read section: a grace period may end between the two. */
static int look_twice(void *arg)
{
	(void)arg;
	if (READ_ONCE(test.shared->word) == 0) {
		READ_ONCE(test.shared->word);
		if (test.freed)
			machine_bug("a grace period ended");
	}
	return 0;
}

static int look_twice_in_a_section(void *arg)
{
	rcu_read_lock();
	look_twice(arg);
	rcu_read_unlock();
	return 0;
}

static void grace_periods_are_choices(void **state)
{
	const struct program unsafe = {.body = {look_twice, publish_and_free}};
	const struct program safe = {.body = {look_twice_in_a_section, publish_and_free}};
	struct mmsim_search *search = new_search(MMSIM_SEARCH_BOUNDED, 4);
	int err;

	(void)state;
	check_depth(&unsafe, 1, -EFAULT);
	assert_int_equal(find(&safe, search, &err), 0);
	mmsim_search_destroy(search);
}

static int sleep_and_add(void *arg)
{
	machine_sleep(50 * NSEC_PER_MSEC);
	return add_by_load_and_store(arg);
}

static int yield_until_one(void *arg)
{
	(void)arg;
	while (READ_ONCE(test.shared->word) != 1)
		cpu_relax();
	return 0;
}

static int add_one(void *arg)
{
	(void)arg;
	fetch_add(&test.shared->word, 1);
	return 0;
}

/* Idle time is part of the schedule; who spins by yielding does not keep others from running. */
static void sleepers_and_yielders_end(void **state)
{
	const struct program asleep = {.body = {sleep_and_add, sleep_and_add},
				       .good = both_counted};
	const struct program yielding = {
		.body = {yield_until_one, yield_until_one, add_one, yield_until_one}};

	(void)state;
	check_depth(&asleep, 1, -EPROTO);
	for (int kind = 0; kind < MMSIM_SEARCH_KINDS; kind++) {
		struct mmsim_search *search = new_search(kind, 2);
		struct mmsim_search_info info;

		do {
			assert_int_equal(run_once(&yielding, search, NULL), 0);
			mmsim_search_get_info(search, &info);
			assert_int_equal(info.diverged, 0);
		} while (info.runs < RUNS_SOME && mmsim_search_next(search));
		mmsim_search_destroy(search);
	}
}

/* ---- where there is a choice and where not ---- */

static int add_around_a_yield(void *arg)
{
	int value;

	(void)arg;
	cpu_relax();
	value = test.plain;
	cpu_relax();
	test.plain = value + 1;
	return 0;
}

static bool plainly_counted(void)
{
	return test.plain == 2;
}

/* Who yields again when nobody has done anything is taken to wait: to switch there is free. */
static void yields_are_places_to_switch(void **state)
{
	const struct program program = {.body = {add_around_a_yield, add_around_a_yield},
					.good = plainly_counted};

	(void)state;
	check_depth(&program, 0, -EPROTO);
}

/* The race of a run says where the others differ: less is tried, and the same is found. */
static void races_are_enough(void **state)
{
	static const struct program *const programs[] = {&lost_update, &two_locks, &two_deep,
							 &two_locks_in_order};
	struct mmsim_search_info info;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		int err[2];
		unsigned int bound[2];
		uint64_t runs[2];

		for (int every = 0; every < 2; every++) {
			const struct mmsim_search_config config = {.kind = MMSIM_SEARCH_BOUNDED,
								   .preemptions = 3,
								   .every_task = every};
			struct mmsim_search *search = mmsim_search_create(&config);

			assert_non_null(search);
			find(programs[i], search, &err[every]);
			mmsim_search_get_info(search, &info);
			bound[every] = info.bound;
			runs[every] = info.runs;
			mmsim_search_destroy(search);
		}
		assert_int_equal(err[0], err[1]);
		assert_int_equal(bound[0], bound[1]);
		assert_true(runs[0] <= runs[1]);
	}
}

static struct mmsim_search *begun;

static int begin_in_the_middle(void *arg)
{
	fetch_add(&test.shared->word, 1);
	if (*letters[(int)(uintptr_t)arg] == 'a')
		mmsim_search_begin(begun);
	return add_by_load_and_store(arg);
}

static bool all_counted(void)
{
	return test.shared->word == 4;
}

/* Before it begins a late search makes no choices, so that much fewer runs are made. */
static void late_searches(void **state)
{
	const struct program program = {.body = {begin_in_the_middle, begin_in_the_middle},
					.good = all_counted};
	struct mmsim_search_config config = {.kind = MMSIM_SEARCH_BOUNDED, .preemptions = 3};
	uint64_t runs[2] = {0};
	int err;

	(void)state;
	for (config.late = 0; config.late < 2; config.late++) {
		begun = mmsim_search_create(&config);
		assert_non_null(begun);
		runs[config.late] = find(&program, begun, &err);
		assert_int_equal(err, -EPROTO);
		mmsim_search_destroy(begun);
	}
	assert_true(runs[1] < runs[0]);
}

/* Part by part, with what each was stopped before; by its own choices and by the schedule. */
static void runs_are_kept(void **state)
{
	struct mmsim_search *search = new_search(MMSIM_SEARCH_BOUNDED, 1);
	struct mmsim_search *keeper = new_search(MMSIM_SEARCH_BOUNDED, 1);
	struct mmsim_search_part part, again;
	unsigned int i, stopped = 0;
	char schedule[256];
	int err;

	(void)state;
	assert_true(find(&lost_update, search, &err) > 0);
	snprintf(schedule, sizeof(schedule), "%s", mmsim_search_schedule(search));
	assert_int_equal(run_once(&lost_update, keeper, schedule), err);
	assert_int_equal(mmsim_search_next(keeper), 0);
	for (i = 0; !mmsim_search_part_at(search, i, &part); i++) {
		assert_int_equal(mmsim_search_part_at(keeper, i, &again), 0);
		assert_string_equal(part.task, again.task);
		assert_int_equal(part.steps, again.steps);
		assert_int_equal(part.preempted, again.preempted);
		if (!part.preempted)
			continue;
		stopped++;
		assert_string_equal(part.type, "shared");
		assert_int_equal(part.offset, offsetof(struct shared, word));
	}
	assert_int_equal(i, 3);
	assert_int_equal(stopped, 1);
	assert_int_equal(mmsim_search_part_at(keeper, i, &again), -ENOENT);
	assert_int_equal(mmsim_search_next(search), 1);
	assert_int_equal(mmsim_search_next(search), 0);
	mmsim_search_destroy(search);
	mmsim_search_destroy(keeper);
}

/* Names that a schedule could not say are written by number. */
static void tasks_of_one_name(void **state)
{
	struct mmsim_search *search = new_search(MMSIM_SEARCH_BOUNDED, 1);
	const char *saved = letters[1];
	const char *names[] = {"a", "a b"};
	char schedule[MMSIM_SCHEDULE_MAX];
	int err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		letters[1] = names[i];
		assert_true(find(&lost_update, search, &err) > 0);
		snprintf(schedule, sizeof(schedule), "%s", mmsim_search_schedule(search));
		assert_non_null(strstr(schedule, "#"));
		assert_int_equal(run_once(&lost_update, NULL, schedule), -EPROTO);
	}
	letters[1] = saved;
	mmsim_search_destroy(search);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_are_counted),
		cmocka_unit_test(reads_are_no_choice),
		cmocka_unit_test(found_at_their_depth),
		cmocka_unit_test(nothing_found_where_nothing_is),
		cmocka_unit_test(found_at_random),
		cmocka_unit_test(grace_periods_are_choices),
		cmocka_unit_test(sleepers_and_yielders_end),
		cmocka_unit_test(yields_are_places_to_switch),
		cmocka_unit_test(races_are_enough),
		cmocka_unit_test(late_searches),
		cmocka_unit_test(runs_are_kept),
		cmocka_unit_test(tasks_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
