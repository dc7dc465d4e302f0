/* SPDX-License-Identifier: MIT */
/*
 * How a run of the modelled machine ends when it does not end well; that a lock's
 * holder that lost its CPU is seen; and that nothing but the seed decides.
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

static struct rw_semaphore *make_rwsem(int n)
{
	struct rw_semaphore *sem = (struct rw_semaphore *)&rig_lines[n * 8];

	_Static_assert(sizeof(*sem) <= 8 * sizeof(struct rig_line), "it fits");
	assert_int_equal(init_rwsem(sem, LOCK_user, rwsem_policy_find("linux")), 0);
	return sem;
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
	sem = make_rwsem(0);
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
	sem = make_rwsem(0);
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
	assert_int_equal(machine_run_delay(holder), 4096 * USEC + 409600);
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
	sem = make_rwsem(0);
	rig_fifo("0", 1, lock_now_and_then, NULL);
	rig_fair("0", 0, lock_and_unlock, NULL);
	rig_run(0);
	rig_end();
}

/* ---- nothing but the seed decides ---- */

#define TASKS 30

static struct task *tasks[TASKS];
static uint64_t hash;
static spinlock_t *spinlock;

static void look(void)
{
	hash = (hash ^ (uint64_t)current->index) * 0x100000001b3ull;
	hash = (hash ^ now_ns()) * 0x100000001b3ull;
	hash = (hash ^ (uint64_t)this_cpu()) * 0x100000001b3ull;
}

struct note {
	struct rcu_head head;
	struct machine_io io;
	struct task *task;
	int pending;
};

static void note_callback(struct rcu_head *rcu)
{
	look();
	quiet_store(container_of(rcu, struct note, head)->pending, 0);
	unpark(container_of(rcu, struct note, head)->task);
}

static void note_completion(struct machine_io *done)
{
	look();
	quiet_store(container_of(done, struct note, io)->pending, 0);
	unpark(container_of(done, struct note, io)->task);
}

static void wait_for_note(struct note *note, bool rcu)
{
	note->pending = 1;
	if (rcu)
		call_rcu(&note->head, note_callback);
	else
		machine_io_submit(&note->io, 0, note_completion);
	while (quiet_load(note->pending))
		park(TASK_UNINTERRUPTIBLE, 0);
}

static void use_locks(struct rng *rng)
{
	if (rng_below(rng, 2)) {
		spin_lock(spinlock, LOCK_user, SITE_user);
		machine_compute(rng_below(rng, 2000));
		look();
		spin_unlock(spinlock);
	} else if (rng_below(rng, 3)) {
		down_read(sem, SITE_user);
		machine_compute(rng_below(rng, 20000));
		look();
		up_read(sem);
	} else {
		down_write(sem, SITE_user);
		machine_work(WORK_page_zero, rng_below(rng, 20));
		look();
		up_write(sem);
	}
}

static void do_something(struct rng *rng, struct note *note)
{
	switch (rng_below(rng, 10)) {
	case 0:
		machine_sleep(rng_below(rng, 300 * USEC));
		break;
	case 1:
		spin_while_equal_long(&rig_lines[32].word[0], READ_ONCE(rig_lines[32].word[0]),
				      now_ns() + rng_below(rng, 20000));
		break;
	case 2:
		fetch_add(&rig_lines[32].word[0], 1);
		unpark(tasks[rng_below(rng, TASKS)]);
		break;
	case 3:
		park(TASK_UNINTERRUPTIBLE, now_ns() + 1 + rng_below(rng, 100 * USEC));
		break;
	case 4:
		wait_for_note(note, !rng_below(rng, 8));
		break;
	case 5:
		machine_kernel_enter(WORK_trap);
		machine_compute(rng_below(rng, 50 * USEC));
		cond_resched();
		machine_kernel_exit();
		break;
	case 6:
		rcu_read_lock();
		machine_compute(rng_below(rng, 10 * USEC));
		rcu_read_unlock();
		break;
	default:
		use_locks(rng);
	}
}

static int act_at_random(void *arg)
{
	struct note note = {.task = current};
	struct rng rng;

	rng_init(&rng, (uint64_t)(uintptr_t)arg, "actor", (uint64_t)current->index);
	for (int i = 0; i < 60; i++) {
		do_something(&rng, &note);
		look();
	}
	return 0;
}

static uint64_t play(const struct rig_config *config)
{
	hash = 0xcbf29ce484222325ull;
	rig_make(config);
	sem = make_rwsem(0);
	spinlock = (spinlock_t *)&rig_lines[40];
	for (int i = 0; i < TASKS; i++) {
		const char *cpus = i % 5 ? "any" : "0-1";
		void *seed = (void *)(uintptr_t)config->seed;

		tasks[i] = i % 7 ? rig_fair(cpus, i % 40 - 15, act_at_random, seed) :
				   rig_fifo("any", 1 + i / 14, act_at_random, seed);
	}
	rig_run(0);
	rig_end();
	return hash;
}

static void the_same_twice(void **state)
{
	const char *name, *text;

	(void)state;
	for (unsigned int i = 0; profile_builtin(i, &name, &text); i++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct rig_config config = {.profile = name,
						    .changes = seed % 2 ? "preemption=full" :
									  "preemption=none hz=1000",
						    .seed = seed,
						    .traced = true};
			uint64_t first = play(&config);

			assert_true(play(&config) == first);
			config.lines_before = 100;
			assert_true(play(&config) == first);
			config.seed += 100;
			assert_true(play(&config) != first);
		}
}

/* ---- any machine ---- */

/* Half of the costs are 0, the others up to some us. */
static void draw_costs(struct rng *rng, char *text, size_t size)
{
	static const int hz[] = {1, 100, 300, 1000};
	size_t used;

	/* A turn of a waiting loop takes some time, or most steps would be that. */
	snprintf(text, size, "relax=50ns hz=%d preemption=%s slice=%dus bandwidth=%dMB/s",
		 hz[rng_below(rng, 4)], rng_below(rng, 2) ? "full" : "none",
		 1 + (int)rng_below(rng, 5000), 1 + (int)rng_below(rng, 50000));
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		if (i == COST_slice || i == COST_bandwidth || i == COST_relax || rng_below(rng, 2))
			continue;
		used = strlen(text);
		snprintf(text + used, size - used, " %s=%dns", profile_costs[i].name,
			 (int)rng_below(rng, rng_below(rng, 4) ? 100 : 10000));
	}
}

static void any_machine_comes_to_an_end(void **state)
{
	static const char *const clusters[] = {
		RIG_CLUSTER(all, 2, 1024, 0),
		RIG_CLUSTER(little, 1, 30, 0) RIG_CLUSTER(big, 1, 1024, 0),
		RIG_THREADS(a, 4, 0) RIG_THREADS(b, 4, 1),
		RIG_CLUSTER(little, 3, 250, 0) RIG_CLUSTER(big, 1, 999, 0) RIG_THREADS(c, 2, 1),
		RIG_CLUSTER(a, 64, 1024, 0) RIG_CLUSTER(b, 64, 1024, 1),
	};
	char changes[2048];
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "machines", 0);
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rig_config config = {.clusters = clusters[seed % ARRAY_SIZE(clusters)],
					    .changes = changes,
					    .latency = "0 1us 10us 100us 1ms",
					    .channels = 1 + (unsigned int)rng_below(&rng, 4),
					    .seed = seed,
					    .max_steps = 20000000,
					    .traced = seed % 2};

		draw_costs(&rng, changes, sizeof(changes));
		assert_true(play(&config) == play(&config));
	}
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
		cmocka_unit_test(the_same_twice),
		cmocka_unit_test(any_machine_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
