/* SPDX-License-Identifier: MIT */
/*
 * What only the step machine promises: schedules obeyed to the step, failures
 * found and told, the same run from the same seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine/machine.h"

#define LOG_SIZE 4096

static struct machine *machine;
static char event_log[LOG_SIZE];
static size_t logged;

/* Fibres share one OS thread, so plain stores to the log keep their order. */
static void log_char(char c)
{
	if (logged + 1 < LOG_SIZE)
		event_log[logged++] = c;
}

/* One step, and nothing else. */
static void take_step(void)
{
	static int word;

	(void)READ_ONCE(word);
}

static struct machine_config step_config(uint64_t seed, const char *schedule)
{
	return (struct machine_config){.kind = MACHINE_STEP,
				       .seed = seed,
				       .nr_cpus = 4,
				       .hz = 250,
				       .schedule = schedule,
				       .max_steps = 1000000};
}

static void make_machine(const struct machine_config *config)
{
	memset(event_log, 0, sizeof(event_log));
	logged = 0;
	assert_int_equal(machine_create(config, &machine), 0);
}

static void make_scheduled(const char *schedule)
{
	struct machine_config config = step_config(1, schedule);

	make_machine(&config);
}

static struct task *start(const char *name, int (*fn)(void *arg), void *arg)
{
	const struct task_attr attr = {.name = name, .cpu = -1};
	struct task *task = machine_task_create(machine, &attr, fn, arg);

	assert_non_null(task);
	return task;
}

static void run_and_end(void)
{
	int err = machine_run(machine);

	if (err)
		fail_msg("run: %d: %s", err, machine_failure(machine));
	machine_destroy(machine);
}

/* ---- the order of a written schedule ---- */

/* A letter each time it is given a step; the last one before it ends. */
static int three_letters(void *arg)
{
	log_char(*(char *)arg);
	take_step();
	log_char(*(char *)arg);
	take_step();
	log_char(*(char *)arg);
	return 0;
}

static void check_order(const char *schedule, const char *order)
{
	make_scheduled(schedule);
	start("A", three_letters, "a");
	start("B", three_letters, "b");
	start("C", three_letters, "c");
	run_and_end();
	assert_string_equal(event_log, order);
}

static void schedules_are_obeyed(void **state)
{
	(void)state;
	check_order("B A A B*2 C A C C", "baabbcacc");
	check_order("C*3 B*3 A*3", "cccbbbaaa");
	check_order("A B C A B C A B C", "abcabcabc");
	check_order("C~ A\n\tB~ A*2", "cccabbbaa");
	/* What is over is passed by, and so are names of nobody. */
	check_order("B*3 B A D B~ C*2 A~ C", "bbbaccaac");
	/* The rest runs one after another, beginning with who runs. */
	check_order("C A", "caaabbbcc");
	check_order("", "aaabbbccc");
}

static int two_letters_and_park(void *arg)
{
	log_char(*(char *)arg);
	take_step();
	log_char(*(char *)arg);
	park(TASK_UNINTERRUPTIBLE, 1);
	return 0;
}

/* Steps that a task could not take are not taken off the next word's. */
static void steps_left_over_are_dropped(void **state)
{
	(void)state;
	make_scheduled("A*8 B*2 C");
	/* Two letters, one turn to the park, and then it sleeps. */
	start("A", two_letters_and_park, "a");
	start("B", three_letters, "b");
	start("C", three_letters, "c");
	run_and_end();
	assert_int_equal(strncmp(event_log, "aabbc", 5), 0);
}

static int log_jiffies(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		log_char((char)('0' + jiffies()));
		take_step();
	}
	return 0;
}

static void ticks_are_jiffies(void **state)
{
	(void)state;
	make_scheduled("A !tick A !tick !tick A");
	start("A", log_jiffies, NULL);
	run_and_end();
	assert_string_equal(event_log, "013");
}

static enum park_result results[3];

static int sleep_killable(void *arg)
{
	for (int i = 0; i < 2; i++) {
		log_char(*(char *)arg);
		results[i] = park(TASK_KILLABLE, 0);
	}
	log_char(*(char *)arg);
	return 0;
}

static void kills_and_spurious_wakeups(void **state)
{
	(void)state;
	make_scheduled("A~ B !spurious:A B A~ !kill:A A~ B");
	start("A", sleep_killable, "a");
	start("B", three_letters, "b");
	run_and_end();
	assert_string_equal(event_log, "abbaab");
	assert_int_equal(results[0], PARK_SPURIOUS);
	assert_int_equal(results[1], PARK_KILLED);
}

static int sleep_unkillable(void *arg)
{
	log_char(*(char *)arg);
	results[0] = park(TASK_UNINTERRUPTIBLE, 0);
	results[1] = park(TASK_KILLABLE, 0);
	log_char(*(char *)arg);
	return 0;
}

static void kill_does_not_wake_unkillable(void **state)
{
	(void)state;
	make_scheduled("A~ !kill:A A~ B*2 A~ !spurious:A A~ B");
	start("A", sleep_unkillable, "a");
	start("B", three_letters, "b");
	run_and_end();
	assert_string_equal(event_log, "abbab");
	assert_int_equal(results[0], PARK_SPURIOUS);
	assert_int_equal(results[1], PARK_KILLED);
}

/* What the schedule says next happens, also when only that can go on. */
static void events_come_while_all_sleep(void **state)
{
	(void)state;
	make_scheduled("A~ !spurious:A A~ !kill:A A~");
	start("A", sleep_killable, "a");
	run_and_end();
	assert_string_equal(event_log, "aaa");
	assert_int_equal(results[0], PARK_SPURIOUS);
	assert_int_equal(results[1], PARK_KILLED);
}

static int join_other(void *arg)
{
	log_char('j');
	machine_task_join(arg);
	log_char('J');
	return 0;
}

static int sleep_for_a_while(void *arg)
{
	log_char(*(char *)arg);
	results[0] = park(TASK_UNINTERRUPTIBLE, now_ns() + 1000);
	log_char(*(char *)arg);
	return 0;
}

/* Join and main wait for an end; a spurious wake-up is none. */
static void joins_outlast_spurious_wakeups(void **state)
{
	struct task *a;

	(void)state;
	make_scheduled("J~ A !spurious:J J~ A !spurious:main main A J~");
	a = start("A", three_letters, "a");
	start("J", join_other, a);
	run_and_end();
	assert_string_equal(event_log, "jaaaJ");
}

/* The joiner was to run already when the other ended: it is not to run twice. */
static void join_ends_once(void **state)
{
	struct task *a;

	(void)state;
	make_scheduled("J~ A*2 !spurious:J A J~ B~ C~ B~ C~");
	a = start("A", three_letters, "a");
	start("J", join_other, a);
	start("B", sleep_for_a_while, "b");
	start("C", sleep_for_a_while, "c");
	run_and_end();
	assert_string_equal(event_log, "jaaaJbcbc");
}

/* A deadline that has passed ends a park although another task can still run. */
static void deadlines_end_parks_of_the_busy(void **state)
{
	(void)state;
	make_scheduled("A~ B !tick A~ B*2");
	start("A", sleep_for_a_while, "a");
	start("B", three_letters, "b");
	run_and_end();
	assert_int_equal(results[0], PARK_TIMEOUT);
	assert_string_equal(event_log, "ababb");
}

static int relax_between_letters(void *arg)
{
	log_char(*(char *)arg);
	cpu_relax();
	log_char(*(char *)arg);
	cpu_relax();
	log_char(*(char *)arg);
	return 0;
}

/* cpu_relax() ends the word it happens in, and no later one of that task. */
static void relaxing_ends_one_word(void **state)
{
	static const char *const schedules[][2] = {
		{"A~ B~ A~ C~ A~", "abbbaccca"},
		{"A~ A~ B~ C~ A~", "aabbbccca"},
		{"A~ A~ A~ C~ B~", "aaacccbbb"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(schedules); i++) {
		make_scheduled(schedules[i][0]);
		start("A", relax_between_letters, "a");
		start("B", three_letters, "b");
		start("C", three_letters, "c");
		run_and_end();
		assert_string_equal(event_log, schedules[i][1]);
	}
}

static void bad_schedules(void **state)
{
	static const char *const bad[] = {
		"A*0",	   "A*",
		"A*x",	   "A*3x",
		"A*-",	   "!bogus",
		"!",	   "~",
		"*3",	   "A !tock B",
		"!kill:",  "!spurious:",
		"!tick*0", "abcdefghijklmnopqrstuvwxyz0123456",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct machine_config config = step_config(1, bad[i]);
		int err = machine_create(&config, &machine);

		if (err != -EINVAL)
			fail_msg("\"%s\": %d", bad[i], err);
		assert_null(current);
	}
}

/* ---- grace periods are choices ---- */

static struct rcu_head head;

static void log_callback(struct rcu_head *h)
{
	(void)h;
	log_char('!');
}

static int queue_callback(void *arg)
{
	(void)arg;
	log_char('q');
	call_rcu(&head, log_callback);
	take_step();
	log_char('e');
	return 0;
}

static int read_section(void *arg)
{
	(void)arg;
	rcu_read_lock();
	log_char('[');
	take_step();
	log_char(']');
	rcu_read_unlock();
	take_step();
	return 0;
}

static void check_grace_period(const char *schedule, const char *order)
{
	make_scheduled(schedule);
	start("U", queue_callback, NULL);
	start("A", three_letters, "a");
	start("R", read_section, NULL);
	run_and_end();
	assert_string_equal(event_log, order);
}

static void grace_periods_are_scheduled(void **state)
{
	(void)state;
	/* At once. */
	check_grace_period("U rcu U A*3 R~", "q!eaaa[]");
	/* As late as can be. */
	check_grace_period("U~ A*3 rcu R~", "qeaaa![]");
	/* Not before a reader that was there has left, however much it is asked for. */
	check_grace_period("R U rcu*5 A U~ rcu~ A*2 R rcu R~", "[qaeaa]!");
	/* A reader that came after does not matter. */
	check_grace_period("U R rcu A*3 U~ R~", "q[!aaae]");
}

/* ---- failures ---- */

static void check_failure(int err, const char *const *texts)
{
	const char *failure = machine_failure(machine);

	assert_int_equal(machine_run(machine), err);
	for (; *texts; texts++)
		if (!strstr(failure, *texts))
			fail_msg("\"%s\" is not in: %s", *texts, failure);
	machine_destroy(machine);
}

static int describe(struct task *task, char *buf, size_t size, void *data)
{
	return snprintf(buf, size, "[%s%s]", (const char *)data, task->name);
}

static int sleep_forever(void *arg)
{
	(void)arg;
	return park(TASK_UNINTERRUPTIBLE, 0);
}

static int wait_forever(void *arg)
{
	return !spin_while_equal_int(arg, 0, 0);
}

static void nothing_can_run(void **state)
{
	struct machine_config config = step_config(4711, NULL);
	static const char *const texts[] = {"4711", "[?sleeper]", "[?spinner]", NULL};
	static int word, in = 1;

	(void)state;
	config.hooks = (struct machine_hooks){.describe_wait = describe, .data = "?"};
	make_machine(&config);
	start("sleeper", sleep_forever, NULL);
	start("spinner", wait_forever, &word);
	start("ended", three_letters, &in);
	check_failure(-EDEADLK, texts);
}

static int run_forever(void *arg)
{
	for (int i = 0; i < 5000; i++)
		take_step();
	return *(int *)arg;
}

static void too_many_steps(void **state)
{
	struct machine_config config = step_config(4712, NULL);
	static const char *const texts[] = {"4712", "1000", NULL};
	int zero = 0;

	(void)state;
	config.max_steps = 1000;
	make_machine(&config);
	start("endless", run_forever, &zero);
	check_failure(-EOVERFLOW, texts);
	/* The limit holds too if main itself made as many before. */
	make_machine(&config);
	for (int i = 0; i < 1500; i++)
		take_step();
	start("endless", run_forever, &zero);
	assert_int_equal(machine_run(machine), -EOVERFLOW);
	machine_destroy(machine);
	/* 0: no limit. */
	config.max_steps = 0;
	make_machine(&config);
	start("long", run_forever, &zero);
	run_and_end();
}

static int break_invariant(void *arg)
{
	take_step();
	machine_bug("the %s is broken", (const char *)arg);
}

static void bugs_end_the_run(void **state)
{
	struct machine_config config = step_config(4713, NULL);
	static const char *const texts[] = {"4713", "the vase is broken", "breaker", "step", NULL};

	(void)state;
	make_machine(&config);
	start("breaker", break_invariant, "vase");
	start("other", sleep_forever, NULL);
	check_failure(-EFAULT, texts);
}

static int look_at(void *arg)
{
	return READ_ONCE(*(int *)arg);
}

static int *object_in(struct machine_chunk *chunk, unsigned int slot)
{
	return (int *)((char *)chunk + chunk->first_offset + slot * chunk->slot_size + 64);
}

static void touch_of_freed_object(void **state)
{
	struct machine_config config = step_config(4714, NULL);
	const char *texts[] = {"4714", "use after free", "looker", "gadget", NULL, NULL};
	struct machine_chunk *chunk;
	char number[32];

	(void)state;
	make_machine(&config);
	chunk = machine_chunk_alloc(machine, "gadget", 128);
	machine_object_allocated(object_in(chunk, 3) - 16, 128);
	machine_object_freed(object_in(chunk, 3) - 16, 128, false);
	snprintf(number, sizeof(number), "#%d + 64", (int)chunk->first_object + 3);
	texts[4] = number;
	start("looker", look_at, object_in(chunk, 3));
	check_failure(-EFAULT, texts);

	/* Live, typesafe and free, allocated again: all may be looked at. */
	make_machine(&config);
	chunk = machine_chunk_alloc(machine, "gadget", 128);
	machine_object_allocated(object_in(chunk, 0) - 16, 128);
	machine_object_freed(object_in(chunk, 1) - 16, 128, true);
	machine_object_freed(object_in(chunk, 2) - 16, 128, false);
	machine_object_allocated(object_in(chunk, 2) - 16, 128);
	machine_object_freed(object_in(chunk, 4) - 16, 128, false);
	for (unsigned int i = 0; i < 4; i++)
		start("looker", look_at, object_in(chunk, i));
	run_and_end();
}

/* ---- the same from the same ---- */

static int fifty_letters(void *arg)
{
	for (int i = 0; i < 50; i++) {
		log_char(*(char *)arg);
		if (i % 10 == 9)
			park(TASK_KILLABLE, now_ns() + 5000);
		else
			take_step();
	}
	return 0;
}

static uint64_t run_seed(uint64_t seed, char *copy)
{
	struct machine_config config = step_config(seed, NULL);
	uint64_t steps;

	config.spurious_1_in = 64;
	config.tick_1_in = 64;
	config.kills = 1;
	make_machine(&config);
	start("A", fifty_letters, "a");
	start("B", fifty_letters, "b");
	start("C", fifty_letters, "c");
	assert_int_equal(machine_run(machine), 0);
	steps = machine_steps(machine);
	machine_destroy(machine);
	assert_int_equal(logged, 150);
	memcpy(copy, event_log, LOG_SIZE);
	return steps;
}

static void seeds_decide(void **state)
{
	static char first[LOG_SIZE], second[LOG_SIZE], before[LOG_SIZE];
	int same = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		uint64_t steps = run_seed(seed, first);

		assert_int_equal(run_seed(seed, second), steps);
		assert_memory_equal(first, second, LOG_SIZE);
		same += !memcmp(first, before, LOG_SIZE);
		memcpy(before, first, LOG_SIZE);
	}
	assert_int_equal(same, 0);
}

static void no_thread_becomes_a_task(void **state)
{
	(void)state;
	make_scheduled(NULL);
	assert_null(machine_task_attach(machine, "outsider"));
	assert_string_equal(current->name, "main");
	assert_null(foreign_rwlock_create());
	machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_are_obeyed),
		cmocka_unit_test(steps_left_over_are_dropped),
		cmocka_unit_test(ticks_are_jiffies),
		cmocka_unit_test(kills_and_spurious_wakeups),
		cmocka_unit_test(kill_does_not_wake_unkillable),
		cmocka_unit_test(joins_outlast_spurious_wakeups),
		cmocka_unit_test(events_come_while_all_sleep),
		cmocka_unit_test(join_ends_once),
		cmocka_unit_test(deadlines_end_parks_of_the_busy),
		cmocka_unit_test(relaxing_ends_one_word),
		cmocka_unit_test(bad_schedules),
		cmocka_unit_test(grace_periods_are_scheduled),
		cmocka_unit_test(nothing_can_run),
		cmocka_unit_test(too_many_steps),
		cmocka_unit_test(bugs_end_the_run),
		cmocka_unit_test(touch_of_freed_object),
		cmocka_unit_test(seeds_decide),
		cmocka_unit_test(no_thread_becomes_a_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
