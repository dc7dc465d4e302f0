/* SPDX-License-Identifier: MIT */
/*
 * What the machines promise to the floors above, as one body of tests that is
 * run on the host machine, on the step machine with several seeds and on several
 * modelled machines. Tasks record what they saw; the asserts are made by the main
 * thread afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine/machine.h"

#define NR_SLEEPERS 5
#define MSEC NSEC_PER_MSEC

static const struct machine_config host_config = {.kind = MACHINE_HOST,
						  .seed = 1,
						  .hz = 250,
						  .hang_ns = 600 * NSEC_PER_SEC};
static const struct machine_config *config;
static struct machine *machine;

static int make_machine(void **state)
{
	(void)state;
	return machine_create(config, &machine);
}

static int end_machine(void **state)
{
	(void)state;
	machine_destroy(machine);
	return 0;
}

static struct task *start(const char *name, int (*fn)(void *arg), void *arg)
{
	const struct task_attr attr = {.name = name, .cpu = -1};
	struct task *task = machine_task_create(machine, &attr, fn, arg);

	assert_non_null(task);
	return task;
}

static void run(void)
{
	int err = machine_run(machine);

	if (err)
		fail_msg("run: %d: %s", err, machine_failure(machine));
}

static enum park_result park_well(enum task_state state, uint64_t deadline_ns)
{
	enum park_result result;

	do
		result = park(state, deadline_ns);
	while (result == PARK_SPURIOUS);
	return result;
}

static void wait_until_parked(const struct task *task)
{
	while (on_cpu(task))
		cpu_relax();
}

/* ---- tasks ---- */

static int add_one(void *arg)
{
	return *(int *)arg + 1;
}

static int child_results[3];

/* Makes a task that makes a task that ...; each is joined by its maker. */
static int make_child(void *arg)
{
	const struct task_attr attr = {.name = "child", .cpu = -1};
	int depth = *(int *)arg;
	int next = depth - 1;
	struct task *child;

	if (!depth)
		return 100;
	child = machine_task_create(current->machine, &attr, make_child, &next);
	if (!child)
		return -1;
	child_results[depth - 1] = machine_task_join(child);
	return depth;
}

static void results_are_joined(void **state)
{
	static int in[5] = {3, -7, 0, 41, 1000};
	struct task *tasks[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		tasks[i] = start("adder", add_one, &in[i]);
	run();
	for (int i = 0; i < 5; i++)
		assert_int_equal(machine_task_join(tasks[i]), in[i] + 1);
	/* A machine can be run again with tasks made meanwhile. */
	tasks[0] = start("adder", add_one, &in[3]);
	run();
	assert_int_equal(machine_task_join(tasks[0]), 42);
}

static void running_task_makes_tasks(void **state)
{
	static int depth = 3;
	struct task *task;

	(void)state;
	memset(child_results, -1, sizeof(child_results));
	task = start("maker", make_child, &depth);
	run();
	assert_int_equal(machine_task_join(task), 3);
	assert_int_equal(child_results[2], 2);
	assert_int_equal(child_results[1], 1);
	assert_int_equal(child_results[0], 100);
}

static void tasks_have_names_and_indices(void **state)
{
	char longest[TASK_NAME_LEN + 10];
	struct task *task;
	int zero = 0;
	int n = 0;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_ptr_equal(machine_task(machine, 0), current);
	assert_string_equal(current->name, "main");
	task = start("first", add_one, &zero);
	assert_string_equal(task->name, "first");
	assert_ptr_equal(machine_task(machine, task->index), task);
	assert_int_equal(start("second", add_one, &zero)->index, task->index + 1);
	assert_int_equal(strlen(start(longest, add_one, &zero)->name), TASK_NAME_LEN - 1);
	run();
	for (; machine_task(machine, n); n++)
		assert_int_equal(machine_task(machine, n)->index, n);
	assert_int_equal(n, task->index + 3);
	assert_null(machine_task(machine, -1));
}

/* ---- park ---- */

static struct {
	struct task *sleeper[NR_SLEEPERS];
	enum park_result result[8];
	int woken[NR_SLEEPERS], killed[NR_SLEEPERS], released, early;
	bool pending;
	uint64_t deadline_ns, after_ns;
} p;

static int take_tokens(void *arg)
{
	(void)arg;
	unpark(current);
	p.result[0] = park_well(TASK_UNINTERRUPTIBLE, 0);
	unpark(current);
	unpark(current);
	p.result[1] = park_well(TASK_KILLABLE, 0);
	p.deadline_ns = now_ns() + 2 * MSEC;
	p.result[2] = park_well(TASK_KILLABLE, p.deadline_ns);
	p.after_ns = now_ns();
	/* The deadline of one park does not end the next. */
	unpark(current);
	p.result[3] = park_well(TASK_UNINTERRUPTIBLE, 0);
	return 0;
}

static void token_before_park(void **state)
{
	(void)state;
	memset(&p, 0, sizeof(p));
	start("sleeper", take_tokens, NULL);
	run();
	assert_int_equal(p.result[0], PARK_WOKEN);
	assert_int_equal(p.result[1], PARK_WOKEN);
	/* Two unparks leave one token: nothing is left for this one. */
	assert_int_equal(p.result[2], PARK_TIMEOUT);
	assert_true(p.after_ns >= p.deadline_ns);
	assert_int_equal(p.result[3], PARK_WOKEN);
}

static int sleep_twice(void *arg)
{
	(void)arg;
	p.result[0] = park_well(TASK_UNINTERRUPTIBLE, 0);
	p.result[1] = park_well(TASK_UNINTERRUPTIBLE, now_ns() + 600 * NSEC_PER_SEC);
	return 0;
}

static int unpark_sleeper(void *arg)
{
	(void)arg;
	wait_until_parked(p.sleeper[0]);
	unpark(p.sleeper[0]);
	unpark(p.sleeper[0]);
	return 0;
}

/* The second token may come while the sleeper runs, but never gets lost. */
static int unpark_again(void *arg)
{
	while (READ_ONCE(p.sleeper[0]->state) != TASK_DEAD) {
		unpark(p.sleeper[0]);
		cpu_relax();
	}
	return *(int *)arg;
}

static void token_after_park(void **state)
{
	static int zero;

	(void)state;
	memset(&p, 0, sizeof(p));
	p.sleeper[0] = start("sleeper", sleep_twice, NULL);
	start("waker", unpark_sleeper, NULL);
	start("again", unpark_again, &zero);
	run();
	assert_int_equal(p.result[0], PARK_WOKEN);
	assert_int_equal(p.result[1], PARK_WOKEN);
}

/* ---- kill ---- */

static int be_killed(void *arg)
{
	(void)arg;
	p.result[0] = park_well(TASK_KILLABLE, 0);
	p.pending = fatal_signal_pending(current);
	p.result[1] = park_well(TASK_KILLABLE, 0);
	p.deadline_ns = now_ns() + MSEC;
	p.result[2] = park_well(TASK_UNINTERRUPTIBLE, p.deadline_ns);
	/* A token goes before the kill: the wake-up is not lost. */
	unpark(current);
	p.result[3] = park_well(TASK_KILLABLE, 0);
	return 0;
}

static int sleep_unkillable(void *arg)
{
	(void)arg;
	while (!READ_ONCE(p.released)) {
		enum park_result result = park(TASK_UNINTERRUPTIBLE, 0);

		p.killed[1] += result == PARK_KILLED;
		if (result == PARK_SPURIOUS && config->spurious_1_in)
			continue;
		p.early += !READ_ONCE(p.released);
	}
	p.pending = p.pending && fatal_signal_pending(current);
	return 0;
}

static int killer(void *arg)
{
	(void)arg;
	wait_until_parked(p.sleeper[0]);
	wait_until_parked(p.sleeper[1]);
	kill_task(p.sleeper[1]);
	kill_task(p.sleeper[0]);
	/* By now an unkillable sleeper that was woken has had its chance too. */
	machine_task_join(p.sleeper[0]);
	WRITE_ONCE(p.released, 1);
	unpark(p.sleeper[1]);
	return 0;
}

static void kill_wakes_killable_only(void **state)
{
	(void)state;
	memset(&p, 0, sizeof(p));
	p.sleeper[0] = start("killable", be_killed, NULL);
	p.sleeper[1] = start("unkillable", sleep_unkillable, NULL);
	start("killer", killer, NULL);
	run();
	assert_int_equal(p.result[0], PARK_KILLED);
	assert_true(p.pending);
	assert_int_equal(p.result[1], PARK_KILLED);
	assert_int_equal(p.result[2], PARK_TIMEOUT);
	assert_int_equal(p.result[3], PARK_WOKEN);
	assert_int_equal(p.killed[1], 0);
	assert_int_equal(p.early, 0);
}

/* ---- wake_q ---- */

static int sleep_in_queue(void *arg)
{
	int i = *(int *)arg;

	if (park_well(TASK_UNINTERRUPTIBLE, 0) == PARK_WOKEN)
		p.woken[i]++;
	if (!READ_ONCE(p.released))
		__atomic_fetch_add(&p.early, 1, __ATOMIC_RELAXED);
	/* Added twice and woken once: no token is left. */
	if (park_well(TASK_UNINTERRUPTIBLE, now_ns() + MSEC) == PARK_WOKEN)
		p.woken[i]++;
	return 0;
}

static int wake_all(void *arg)
{
	DEFINE_WAKE_Q(q);
	DEFINE_WAKE_Q(second);

	(void)arg;
	for (int i = 0; i < NR_SLEEPERS; i++)
		wait_until_parked(p.sleeper[i]);
	for (int i = 0; i < NR_SLEEPERS; i++) {
		wake_q_add(&q, p.sleeper[i]);
		wake_q_add(&q, p.sleeper[NR_SLEEPERS - 1 - i]);
		wake_q_add(&second, p.sleeper[i]);
	}
	for (int i = 0; i < 100; i++)
		cpu_relax();
	WRITE_ONCE(p.released, 1);
	wake_up_q(&second);
	wake_up_q(&q);
	p.result[0] = q.head || second.head ? PARK_SPURIOUS : PARK_WOKEN;
	/* A queue can be used again, and so can its tasks. */
	wake_q_add(&q, current);
	wake_up_q(&q);
	p.result[1] = park_well(TASK_UNINTERRUPTIBLE, 0);
	return 0;
}

static void wake_queue(void **state)
{
	static int number[NR_SLEEPERS] = {0, 1, 2, 3, 4};

	(void)state;
	memset(&p, 0, sizeof(p));
	for (int i = 0; i < NR_SLEEPERS; i++)
		p.sleeper[i] = start("sleeper", sleep_in_queue, &number[i]);
	start("waker", wake_all, NULL);
	run();
	for (int i = 0; i < NR_SLEEPERS; i++)
		assert_int_equal(p.woken[i], 1);
	assert_int_equal(p.early, 0);
	assert_int_equal(p.result[0], PARK_WOKEN);
	assert_int_equal(p.result[1], PARK_WOKEN);
}

/* ---- spin ---- */

static struct {
	int word, quiet_word, payload;
	long long_word;
	bool changed, long_changed, expired_int, expired_long;
	int seen;
	uint64_t deadline_ns, after_ns;
} s;

static int spin(void *arg)
{
	(void)arg;
	s.changed = spin_while_equal_int(&s.word, 0, 0);
	s.seen = s.payload; /* plain: the acquire must order it */
	s.long_changed = spin_while_equal_long(&s.long_word, 1l << 40, 0);
	s.deadline_ns = now_ns() + MSEC;
	s.expired_int = !spin_while_equal_int(&s.quiet_word, 0, s.deadline_ns);
	s.after_ns = now_ns();
	s.expired_long = !spin_while_equal_long(&s.long_word, 0, now_ns() + MSEC);
	return 0;
}

static int change_words(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		cpu_relax();
	s.payload = 77;
	smp_store_release(&s.word, 1);
	/* Only the upper half changes. */
	WRITE_ONCE(s.long_word, 0);
	return 0;
}

static void spin_until_changed(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	s.long_word = 1l << 40;
	start("spinner", spin, NULL);
	start("changer", change_words, NULL);
	run();
	assert_true(s.changed);
	assert_int_equal(s.seen, 77);
	assert_true(s.long_changed);
	assert_true(s.expired_int);
	assert_true(s.after_ns >= s.deadline_ns);
	assert_true(s.expired_long);
}

/* ---- time ---- */

static int backwards, slept_short, wrong_jiffies;

static int watch_clock(void *arg)
{
	const uint64_t sleeps[] = {1, 100000, 3 * MSEC, 13 * MSEC};
	uint64_t last = now_ns();

	(void)arg;
	for (int i = 0; i < 1000; i++) {
		uint64_t now = now_ns();

		__atomic_fetch_add(&backwards, now < last, __ATOMIC_RELAXED);
		last = now;
		cpu_relax();
	}
	for (size_t i = 0; i < ARRAY_SIZE(sleeps); i++) {
		uint64_t before = now_ns();
		uint64_t jiffies_before = jiffies();
		uint64_t elapsed, passed;

		machine_sleep(sleeps[i]);
		elapsed = now_ns() - before;
		passed = jiffies() - jiffies_before;
		/* The host's clock and its timer are two; they drift apart a little. */
		if (elapsed + elapsed / 64 < sleeps[i])
			__atomic_fetch_add(&slept_short, 1, __ATOMIC_RELAXED);
		if (passed + 1 < sleeps[i] / (NSEC_PER_SEC / machine_hz()))
			__atomic_fetch_add(&wrong_jiffies, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

static void clock_goes_forward(void **state)
{
	(void)state;
	backwards = slept_short = wrong_jiffies = 0;
	for (int i = 0; i < 3; i++)
		start("watcher", watch_clock, NULL);
	run();
	assert_int_equal(backwards, 0);
	assert_int_equal(slept_short, 0);
	assert_int_equal(wrong_jiffies, 0);
	assert_true(now_ns() / (NSEC_PER_SEC / machine_hz()) <= jiffies());
}

/* ---- CPUs, preemption ---- */

struct where {
	int wanted, cpu, counts[4];
};

static int look_around(void *arg)
{
	struct where *where = arg;

	where->counts[0] = current->preempt_count;
	preempt_disable();
	preempt_disable();
	cpu_relax();
	where->counts[1] = current->preempt_count;
	preempt_enable();
	where->counts[2] = current->preempt_count;
	preempt_enable();
	where->counts[3] = current->preempt_count;
	where->cpu = this_cpu();
	return 0;
}

static void tasks_have_cpus(void **state)
{
	static struct where where[12];
	int nr_cpus = (int)machine_nr_cpus(machine);

	(void)state;
	assert_true(nr_cpus > 0);
	memset(where, 0, sizeof(where));
	for (int i = 0; i < 12; i++) {
		const struct task_attr attr = {.cpu = i % 3 ? -1 : i % nr_cpus};

		where[i].wanted = attr.cpu;
		assert_non_null(machine_task_create(machine, &attr, look_around, &where[i]));
	}
	run();
	for (int i = 0; i < 12; i++) {
		assert_in_range(where[i].cpu, 0, nr_cpus - 1);
		if (where[i].wanted >= 0)
			assert_int_equal(where[i].cpu, where[i].wanted);
		assert_int_equal(where[i].counts[0], 0);
		assert_int_equal(where[i].counts[1], 2);
		assert_int_equal(where[i].counts[2], 1);
		assert_int_equal(where[i].counts[3], 0);
	}
}

/* ---- the list ---- */

static const char *const timed_machines[][2] = {
	{"flat-8", "preemption=full"},
	{"flat-8", "preemption=none"},
	{"phone-4+3+1", "wake_up=0 switch=0 idle_exit=0"},
	{"server-2x64", "hz=1000"},
};

static const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, make_machine, end_machine)
	ONE(results_are_joined), ONE(running_task_makes_tasks), ONE(tasks_have_names_and_indices),
	ONE(token_before_park),	 ONE(token_after_park),		ONE(kill_wakes_killable_only),
	ONE(wake_queue),	 ONE(spin_until_changed),	ONE(clock_goes_forward),
	ONE(tasks_have_cpus),
#undef ONE
};

static int run_on(const char *name, const struct machine_config *c)
{
	config = c;
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void)
{
	struct machine_config step = {
		.kind = MACHINE_STEP, .nr_cpus = 4, .hz = 250, .max_steps = 20000000};
	struct machine_config timed = {.kind = MACHINE_TIMED, .max_steps = 20000000};
	int failed = run_on("host", &host_config);

	for (step.seed = 1; step.seed <= 12; step.seed++) {
		char name[32];

		/* Some seeds with what else may happen, some with nothing of it. */
		step.spurious_1_in = step.seed % 2 ? 16 : 0;
		step.tick_1_in = step.seed % 3 ? 0 : 32;
		snprintf(name, sizeof(name), "step, seed %d", (int)step.seed);
		failed += run_on(name, &step);
	}
	for (timed.seed = 0; timed.seed < ARRAY_SIZE(timed_machines); timed.seed++) {
		timed.profile = timed_machines[timed.seed][0];
		timed.profile_changes = timed_machines[timed.seed][1];
		failed += run_on(timed.profile_changes, &timed);
	}
	return failed;
}
