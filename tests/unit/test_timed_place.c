/* SPDX-License-Identifier: MIT */
/*
 * Where the modelled machine's tasks run: masks, the choice of a CPU at a wake-up,
 * what an idle CPU pulls; and that no wake-up is lost, whatever the machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine/timed/profile.h"
#include "support/timed_rig.h"

#define LITTLE_BIG RIG_CLUSTER(little, 2, 250, 0) RIG_CLUSTER(big, 1, 1024, 0)
#define PHONE                                                                                      \
	RIG_CLUSTER(little, 2, 250, 0)                                                             \
	RIG_CLUSTER(middle, 1, 620, 0)                                                             \
	RIG_CLUSTER(big, 1, 1024, 0)

/* ---- masks ---- */

static uint64_t ran_on[16];

static int run_here_and_there(void *arg)
{
	uint64_t *mask = arg;

	for (int i = 0; i < 50; i++) {
		machine_compute(100 * USEC);
		*mask |= 1ull << this_cpu();
		machine_sleep(10 * USEC);
	}
	return 0;
}

static void tasks_stay_within_their_masks(void **state)
{
	static const char *const lists[] = {"0-3", "2", "any", NULL, "", "2,5-6", "7", "0,7"};
	static const uint64_t allowed[] = {0x0f, 0x04, 0xff, 0xff, 0xff, 0x64, 0x80, 0x81};

	(void)state;
	memset(ran_on, 0, sizeof(ran_on));
	rig_make(&(struct rig_config){0});
	for (int i = 0; i < 16; i++)
		rig_fair(lists[i % 8], 0, run_here_and_there, &ran_on[i]);
	rig_run(0);
	for (int i = 0; i < 16; i++) {
		assert_int_not_equal(ran_on[i], 0);
		assert_int_equal(ran_on[i] & ~allowed[i % 8], 0);
	}
	rig_end();
}

static void bad_masks_make_no_task(void **state)
{
	static const char *const lists[] = {"8",
					    "0-8",
					    "cores",
					    "3-",
					    "-1",
					    "5-2",
					    "1x",
					    "0-3,x",
					    "0 1",
					    "1;2",
					    "99999999999999",
					    "0-99999999999999",
					    "-",
					    "0x1",
					    "1-2-3",
					    "1,-2",
					    "0-3,",
					    ",1",
					    "1,,2"};
	char longest[200] = "0";

	(void)state;
	rig_make(&(struct rig_config){0});
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (machine_task_create(
			    rig, &(struct task_attr){.name = "bad", .cpu = -1, .cpus = lists[i]},
			    run_here_and_there, &ran_on[0]))
			fail_msg("a task on CPUs '%s'", lists[i]);
	/* One that would be another list if it were cut. */
	while (strlen(longest) < 150)
		strcat(longest, ",1");
	strcat(longest, ",9");
	assert_null(machine_task_create(
		rig, &(struct task_attr){.name = "bad", .cpu = -1, .cpus = longest},
		run_here_and_there, &ran_on[0]));
	assert_null(machine_task_create(rig, &(struct task_attr){.name = "bad", .cpu = 8},
					run_here_and_there, &ran_on[0]));
	rig_run(0);
	rig_end();
}

/* ---- the choice of a CPU ---- */

static int cpu_seen[8];

/* Uses little, then much, with a sleep before each look. */
static int grow(void *arg)
{
	(void)arg;
	cpu_seen[0] = this_cpu();
	for (int i = 0; i < 50; i++) {
		machine_compute(10 * USEC);
		machine_sleep(10 * MSEC);
		cpu_seen[i < 40 ? 1 : 2] = this_cpu();
	}
	for (int i = 3; i < 7; i++) {
		machine_compute(100 * MSEC);
		machine_sleep(10 * USEC);
		cpu_seen[i] = this_cpu();
	}
	return 0;
}

static void tasks_go_where_they_fit(void **state)
{
	(void)state;
	rig_make(&(struct rig_config){.clusters = PHONE});
	rig_fair("any", 0, grow, NULL);
	rig_run(0);
	/* Nothing is known of it: half a big CPU. */
	assert_int_equal(cpu_seen[0], 3);
	assert_int_equal(cpu_seen[1], 0);
	assert_int_equal(cpu_seen[2], 0);
	assert_int_equal(cpu_seen[3], 2);
	assert_int_equal(cpu_seen[4], 3);
	assert_int_equal(cpu_seen[5], 3);
	assert_int_equal(cpu_seen[6], 3);
	rig_end();
}

/* A tenth of a big CPU, in bits of 5 us: none of them is lost. */
static int use_a_tenth(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		machine_compute(5 * USEC);
		machine_sleep(45 * USEC);
	}
	*(int *)arg = this_cpu();
	return 0;
}

static int use_nearly_all(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		machine_compute(45 * USEC);
		machine_sleep(1 * USEC);
	}
	*(int *)arg = this_cpu();
	return 0;
}

static void short_runs_count(void **state)
{
	int cpu = -1;

	(void)state;
	rig_make(&(struct rig_config){.clusters = LITTLE_BIG});
	rig_fair("any", 0, use_a_tenth, &cpu);
	rig_run(0);
	assert_in_range(cpu, 0, 1);
	rig_end();
	rig_make(&(struct rig_config){.clusters = RIG_CLUSTER(middle, 1, 800, 0)
					      RIG_CLUSTER(big, 1, 1024, 0)});
	rig_fair("any", 0, use_nearly_all, &cpu);
	rig_run(0);
	assert_int_equal(cpu, 1);
	rig_end();
}

static int stay(void *arg)
{
	int *moved = arg, cpu = this_cpu();

	for (int i = 0; i < 100; i++) {
		machine_compute(10 * USEC);
		machine_sleep(100 * USEC);
		*moved += this_cpu() != cpu;
	}
	return 0;
}

static void tasks_wake_where_they_were(void **state)
{
	int moved = 0;

	(void)state;
	rig_make(&(struct rig_config){0});
	for (int i = 0; i < 8; i++)
		rig_fair("any", 0, stay, &moved);
	rig_run(0);
	assert_int_equal(moved, 0);
	assert_int_equal(machine_stats(rig).migrations, 0);
	rig_end();
}

static int look_where(void *arg)
{
	*(int *)arg = this_cpu();
	machine_compute(5 * MSEC);
	return 0;
}

/* Of two threads of a core the second gets a task when all cores have one. */
static void cores_come_before_threads(void **state)
{
	int cpus[8];

	(void)state;
	rig_make(&(struct rig_config){.clusters = RIG_THREADS(smt, 8, 0)});
	for (int i = 0; i < 8; i++)
		rig_fair("any", 0, look_where, &cpus[i]);
	rig_run(0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(cpus[i], i < 4 ? 2 * i : 2 * (i - 4) + 1);
	rig_end();
}

/* ---- pulling ---- */

static void idle_cpu_pulls_what_may_come(void **state)
{
	struct job first = {.ns = 10 * MSEC}, other = {.ns = 1500 * USEC};
	struct job bound = {.ns = MSEC}, free = {.ns = MSEC};

	(void)state;
	rig_make(&(struct rig_config){.clusters = RIG_CLUSTER(all, 2, 1024, 0),
				      .changes = "slice=20ms"});
	rig_fair("0", 0, do_job, &first);
	rig_fair("1", -20, do_job, &other);
	rig_fair("0", 0, do_job, &bound);
	rig_fair("any", 0, do_job, &free);
	rig_run(0);
	assert_int_equal(free.began_on, 1);
	assert_int_equal(free.began_ns, 1500 * USEC);
	assert_int_equal(bound.began_on, 0);
	rig_end();
}

/* FIFO tasks that must not come do not keep fair ones from coming. */
static void idle_cpu_pulls_past_bound_fifo(void **state)
{
	struct job first = {.ns = 10 * MSEC}, other = {.ns = 3 * MSEC};
	struct job free = {.at_ns = 500 * USEC, .ns = MSEC};
	struct job fifo[2] = {{.at_ns = MSEC, .ns = 5 * MSEC}, {.at_ns = MSEC, .ns = 5 * MSEC}};

	(void)state;
	rig_make(&(struct rig_config){.clusters = RIG_CLUSTER(all, 2, 1024, 0),
				      .changes = "slice=20ms"});
	rig_fair("0", 0, do_job, &first);
	rig_fair("1", -20, do_job, &other);
	rig_fair("any", 0, do_job, &free);
	rig_fifo("0", 2, do_job, &fifo[0]);
	rig_fifo("0", 1, do_job, &fifo[1]);
	rig_run(0);
	assert_int_equal(free.began_on, 1);
	assert_int_equal(free.began_ns, 3 * MSEC);
	assert_int_equal(fifo[1].began_ns, 6 * MSEC);
	rig_end();
}

static void waiting_fifo_is_pulled_first(void **state)
{
	struct job first = {.ns = 10 * MSEC}, free = {.ns = MSEC};
	struct job fifo = {.at_ns = MSEC, .ns = 5 * MSEC};
	struct job high[2] = {{.at_ns = MSEC, .ns = 9 * MSEC}, {.at_ns = MSEC, .ns = 2 * MSEC}};

	(void)state;
	rig_make(&(struct rig_config){.clusters = RIG_CLUSTER(all, 2, 1024, 0),
				      .changes = "slice=20ms"});
	rig_fifo("0", 2, do_job, &high[0]);
	rig_fifo("1", 2, do_job, &high[1]);
	rig_fifo("any", 1, do_job, &fifo);
	rig_fair("0", 0, do_job, &first);
	rig_fair("0", 0, do_job, &free);
	rig_run(0);
	assert_int_equal(fifo.began_on, 1);
	assert_int_equal(fifo.began_ns, 3 * MSEC);
	rig_end();
}

/* ---- a FIFO task finds a CPU ---- */

static void fifo_goes_where_it_may_run(void **state)
{
	struct job hogs[3], fair[3], fifo = {.at_ns = MSEC, .ns = MSEC};
	static const char *const cpus[] = {"0", "1", "2"};

	(void)state;
	for (int free = 0; free < 3; free++) {
		rig_make(&(struct rig_config){.clusters = RIG_CLUSTER(all, 3, 1024, 0)});
		fifo = (struct job){.at_ns = MSEC, .ns = MSEC};
		for (int i = 0; i < 3; i++) {
			hogs[i] = fair[i] = (struct job){.ns = 5 * MSEC};
			if (i == free)
				rig_fair(cpus[i], -20, do_job, &fair[i]);
			else
				rig_fifo(cpus[i], 6, do_job, &hogs[i]);
		}
		rig_fifo("any", 5, do_job, &fifo);
		rig_run(0);
		assert_int_equal(fifo.began_ns, MSEC);
		assert_int_equal(fifo.began_on, free);
		assert_int_equal(fair[free].ended_ns, 6 * MSEC);
		rig_end();
	}
}

/* ---- no wake-up is lost ---- */

#define RING 12
#define ROUNDS 150

static struct task *ring[RING];
static long laps[RING];

static void wait_for_turn(struct rng *rng, const long *turn, long seen)
{
	switch (rng_below(rng, 4)) {
	case 0:
		/* Who is FIFO would keep off for ever whom it waits for. */
		if (!current->fifo) {
			spin_while_equal_long(turn, seen, 0);
			break;
		}
		/* fall through */
	case 1:
		spin_while_equal_long(turn, seen, now_ns() + rng_below(rng, 20000));
		break;
	case 2:
		if (!fatal_signal_pending(current)) {
			park(TASK_KILLABLE, 0);
			break;
		}
		/* fall through */
	default:
		park(TASK_UNINTERRUPTIBLE,
		     rng_below(rng, 2) ? 0 : now_ns() + 1 + rng_below(rng, 50000));
	}
}

/* Waits for its predecessor, disturbs others, goes on to its successor. */
static int run_in_ring(void *arg)
{
	int me = (int)(intptr_t)arg, next = (me + 1) % RING;
	struct rng rng;

	rng_init(&rng, 1, "ring", (uint64_t)current->index * 1000 + machine_nr_cpus(rig));
	for (long lap = 0; lap < ROUNDS; lap++) {
		while (READ_ONCE(rig_lines[me].word[0]) == lap)
			wait_for_turn(&rng, &rig_lines[me].word[0], lap);
		machine_compute(rng_below(&rng, 3000));
		if (!rng_below(&rng, 8))
			machine_sleep(rng_below(&rng, 30000));
		if (lap == ROUNDS / 2 && me % 3 == 0)
			kill_task(ring[rng_below(&rng, RING)]);
		if (!rng_below(&rng, 8))
			unpark(ring[rng_below(&rng, RING)]);
		laps[me]++;
		WRITE_ONCE(rig_lines[next].word[0], READ_ONCE(rig_lines[next].word[0]) + 1);
		unpark(ring[next]);
	}
	return 0;
}

static void run_ring(const char *profile, const char *changes, uint64_t seed)
{
	rig_make(&(struct rig_config){
		.profile = profile, .changes = changes, .seed = seed, .max_ns = 10 * NSEC_PER_SEC});
	memset(laps, 0, sizeof(laps));
	/* Three are under way at once. */
	for (int i = 0; i < RING; i += RING / 3)
		rig_lines[i].word[0] = 1;
	for (int i = 0; i < RING; i++) {
		const char *cpus = i % 4 == (int)(seed % 4) ? "1" : "any";

		ring[i] = i % 5 ? rig_fair(cpus, i - 6, run_in_ring, (void *)(intptr_t)i) :
				  rig_fifo(cpus, 1 + i / 5, run_in_ring, (void *)(intptr_t)i);
	}
	rig_run(0);
	for (int i = 0; i < RING; i++)
		assert_int_equal(laps[i], ROUNDS);
	rig_end();
}

static void no_wake_up_is_lost(void **state)
{
	const char *name, *text;

	(void)state;
	for (unsigned int i = 0; profile_builtin(i, &name, &text); i++)
		for (uint64_t seed = 1; seed <= 6; seed++)
			run_ring(name, seed % 2 ? "preemption=full" : "preemption=none", seed);
	for (uint64_t seed = 1; seed <= 6; seed++)
		run_ring(NULL, NULL, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_stay_within_their_masks),
		cmocka_unit_test(bad_masks_make_no_task),
		cmocka_unit_test(tasks_go_where_they_fit),
		cmocka_unit_test(short_runs_count),
		cmocka_unit_test(tasks_wake_where_they_were),
		cmocka_unit_test(cores_come_before_threads),
		cmocka_unit_test(idle_cpu_pulls_what_may_come),
		cmocka_unit_test(idle_cpu_pulls_past_bound_fifo),
		cmocka_unit_test(waiting_fifo_is_pulled_first),
		cmocka_unit_test(fifo_goes_where_it_may_run),
		cmocka_unit_test(no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
