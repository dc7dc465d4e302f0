/* SPDX-License-Identifier: MIT */
/*
 * Replay: the order it keeps between threads, what it counts, and the shipped recording: nearly all
 * its memory calls end with the recorded result, under every kernel, on the step machine.
 */
#define _GNU_SOURCE 1
#include "replay/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static void add_lines(struct recording *rec, const char *const *lines)
{
	struct sim_error err;
	struct sim_op op;

	memset(rec, 0, sizeof(*rec));
	for (unsigned int i = 0; lines[i]; i++) {
		int n = sim_op_parse_record(lines[i], "test", i + 1, &op, &err);

		if (n != 1)
			fail_msg("%s: %s", lines[i], err.text);
		assert_int_equal(recording_add_op(rec, &op), 0);
	}
}

static struct mmsim *make_sim(const char *kernel, uint64_t seed)
{
	struct mmsim_config config;
	struct mmsim *sim;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "kernel", kernel, NULL), 0);
	config.seed = seed;
	config.memory_bytes = 1ull << 30;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	return sim;
}

static void replay(const struct recording *rec, const char *kernel, uint64_t seed,
		   struct replay_result *result)
{
	const struct replay_options options = {.think = 0};
	struct mmsim *sim = make_sim(kernel, seed);
	struct plan plan;
	char error[256];

	assert_int_equal(plan_make(rec, &plan), 0);
	if (replay_run(sim, &plan, &options, result, error))
		fail_msg("seed %llu: %s", (unsigned long long)seed, error);
	plan_free(&plan);
	assert_int_equal(mmsim_destroy(sim), 0);
}

/* Thread 2 uses what 1 maps, and 1 unmaps what 2 has used: in any schedule nothing faults. */
static void threads_keep_the_recorded_order(void **state)
{
	static const char *const lines[] = {
		"0 1 1 thread 2",
		"1 1 1 mmap 0x10000000 0x4000 rw ph = 0x10000000",
		"2 1 2 w 0x10001000",
		"3 1 2 mprotect 0x10002000 0x1000 r = 0",
		"4 1 1 r 0x10002000",
		"5 1 2 madvise 0x10000000 0x1000 DONTNEED = 0",
		"6 1 2 w 0x10003000",
		"7 1 1 mprotect 0x10003000 0x1000 none = 0",
		"8 1 2 r 0x10001000",
		"9 1 1 mmap 0x10001000 0x1000 none p = 0x10001000",
		"10 1 1 munmap 0x10000000 0x4000 = 0",
		"11 1 2 mmap 0x10000000 0x1000 r ph = 0x10000000",
		"12 1 2 munmap 0x10000000 0x1000 = 0",
		NULL,
	};
	struct replay_result result;
	struct recording rec;

	(void)state;
	add_lines(&rec, lines);
	recording_add_task(&rec, 1, 1, "one");
	recording_add_task(&rec, 2, 1, "two");
	for (uint64_t seed = 1; seed <= 200; seed++) {
		uint64_t done, as_recorded;

		replay(&rec, seed % 2 ? "6.18" : "6.1", seed, &result);
		replay_memory_calls(&result, &done, &as_recorded);
		assert_int_equal(done, 8);
		assert_int_equal(as_recorded, 8);
		assert_int_equal(result.counts.touch_failed, 0);
		assert_int_equal(result.ops_done, 13);
	}
	recording_free(&rec);
}

static void a_plan_names_the_tasks_waited_for(void **state)
{
	static const char *const lines[] = {
		"0 1 1 mmap 0x10000000 0x4000 rw p = 0x10000000",
		"1 1 2 w 0x10001000",
		"2 1 1 munmap 0x10000000 0x4000 = 0",
		NULL,
	};
	struct recording rec;
	struct plan plan;

	(void)state;
	add_lines(&rec, lines);
	recording_add_task(&rec, 1, 1, "one");
	recording_add_task(&rec, 2, 1, "two");
	assert_int_equal(plan_make(&rec, &plan), 0);
	assert_int_equal(plan.nr_orders, 2);
	assert_int_equal(plan.orders[0].op, 1);
	assert_int_equal(plan.orders[0].task, 0);
	assert_int_equal(plan.orders[0].done, 1);
	assert_int_equal(plan.orders[1].op, 2);
	assert_int_equal(plan.orders[1].task, 1);
	assert_int_equal(plan.orders[1].done, 1);
	plan_free(&plan);
	recording_free(&rec);
}

/* What is moved waits for who freed the place, and who unmaps it there waits for the move. */
static void a_moved_range_waits_too(void **state)
{
	static const char *const lines[] = {
		"0 1 1 mmap 0x10000000 0x4000 rw p = 0x10000000",
		"0 1 2 mmap 0x20000000 0x1000 rw p = 0x20000000",
		"1 1 1 munmap 0x10000000 0x4000 = 0",
		"2 1 2 mremap 0x20000000 0x1000 0x2000 maymove = 0x10001000",
		"3 1 1 munmap 0x10002000 0x1000 = 0",
		NULL,
	};
	struct recording rec;
	struct plan plan;

	(void)state;
	add_lines(&rec, lines);
	recording_add_task(&rec, 1, 1, "one");
	recording_add_task(&rec, 2, 1, "two");
	assert_int_equal(plan_make(&rec, &plan), 0);
	assert_int_equal(plan.nr_orders, 2);
	assert_int_equal(plan.orders[0].op, 3);
	assert_int_equal(plan.orders[0].task, 0);
	assert_int_equal(plan.orders[0].done, 2);
	assert_int_equal(plan.orders[1].op, 4);
	assert_int_equal(plan.orders[1].task, 1);
	assert_int_equal(plan.orders[1].done, 2);
	plan_free(&plan);
	recording_free(&rec);
}

/*
 * Contradictions that must not make anybody wait for ever: a thread that did something before it
 * was started, one started by a task that is not replayed, one started into another process; and a
 * process 0 beside others.
 */
static void every_task_runs(void **state)
{
	static const char *const lines[] = {
		"0 1 1 mmap 0x10000000 0x1000 rw p = 0x10000000",
		"1 1 2 w 0x10000000",
		"2 1 9 thread 3",
		"3 1 3 w 0x10000000",
		"4 1 1 munmap 0x10000000 0x1000 = 0",
		"5 1 1 thread 2",
		"6 1 1 thread 4",
		"7 4 4 mmap 0x10000000 0x1000 rw pe = 0x10000000",
		"8 0 5 mmap 0x10000000 0x1000 rw pe = 0x10000000",
		"9 6 6 mmap 0x10000000 0x1000 rw pe = 0x10000000",
		NULL,
	};
	static const int pids[] = {1, 1, 1, 4, 0, 6};
	struct replay_result result;
	uint64_t done, as_recorded;
	struct recording rec;

	(void)state;
	add_lines(&rec, lines);
	for (int i = 0; i < 6; i++)
		recording_add_task(&rec, i + 1, pids[i], "t");
	replay(&rec, "6.18", 1, &result);
	replay_memory_calls(&result, &done, &as_recorded);
	assert_int_equal(result.counts.touch_failed, 0);
	assert_int_equal(result.ops_done, rec.nr_ops - 1);
	assert_int_equal(done, 5);
	assert_int_equal(as_recorded, 5);
	recording_free(&rec);
}

/* In any schedule: the other thread is done with the old address space, and finds the new one. */
static void an_exec_is_between_the_others(void **state)
{
	static const char *const lines[] = {
		"0 1 1 thread 2",
		"1 1 1 mmap 0x10000000 0x1000 rw p = 0x10000000",
		"2 1 2 w 0x10000000",
		"3 1 1 exec",
		"4 1 2 mmap 0x10000000 0x1000 rw pe = 0x10000000",
		"5 1 2 r 0x10000000",
		"6 1 1 w 0x10000000",
		NULL,
	};
	struct replay_result result;
	struct recording rec;

	(void)state;
	add_lines(&rec, lines);
	recording_add_task(&rec, 1, 1, "one");
	recording_add_task(&rec, 2, 1, "two");
	for (uint64_t seed = 1; seed <= 100; seed++) {
		replay(&rec, seed % 2 ? "6.18" : "6.1", seed, &result);
		assert_int_equal(result.counts.touch_failed, 0);
		assert_int_equal(result.op[OP_MMAP].as_recorded, 2);
		assert_int_equal(result.ops_done, 7);
	}
	recording_free(&rec);
}

/* Ranges that wrap around the address space are none; cut by each other they would double. */
static void ranges_that_wrap_are_none(void **state)
{
	struct sim_op op = {.kind = OP_MMAP, .pid = 1, .tid = 1, .file = -1, .has_result = true};
	struct recording rec = {0};
	struct plan plan;

	(void)state;
	recording_add_task(&rec, 1, 1, "one");
	recording_add_task(&rec, 2, 1, "two");
	for (uint64_t i = 0; i < 64; i++) {
		op.time_ns = i;
		op.tid = 1 + (int)(i % 2);
		op.result = i ? (int64_t)(0x20000000 - i * 0x1000) : 0x10000000;
		op.len = i ? 0x10000000 + i * 0x1000 - (uint64_t)op.result : 0x20000000;
		assert_int_equal(recording_add_op(&rec, &op), 0);
	}
	assert_int_equal(plan_make(&rec, &plan), 0);
	assert_int_equal(plan.nr_orders, 0);
	plan_free(&plan);
	recording_free(&rec);
}

/* What cannot be done yet is counted, and a result that differs is seen. */
static void what_is_mapped_is_counted(void **state)
{
	static const char *const lines[] = {
		"0 1 1 mmap 0x10000000 0x4000 rw s = 0x10000000",
		"1 1 1 mmap 0x20000000 0x4000 r ph = 0x20000000 ;file",
		"2 1 1 brk 0x0 = 0x30000000",
		"3 1 1 brk 0x30021000 = 0x30021000",
		"4 1 1 w 0x30020000",
		"5 1 1 mremap 0x10000000 0x4000 0x8000 maymove = 0x40000000",
		"6 1 1 w 0x40007000",
		"7 1 1 madvise 0x40000000 0x4000 REMOVE = 0",
		"8 1 1 munmap 0x40000000 0x8000 = EINVAL",
		"9 1 1 fork 5",
		"10 5 5 mmap 0x10000000 0x4000 rw p = 0x10000000 ;assumed",
		"11 5 5 w 0x10000000",
		"12 1 1 w 0x50000000",
		"13 1 1 exec",
		"14 1 1 r 0x20000000",
		NULL,
	};
	struct replay_result result;
	uint64_t done, as_recorded;
	struct recording rec;

	(void)state;
	add_lines(&rec, lines);
	recording_add_task(&rec, 1, 1, "one");
	recording_add_task(&rec, 5, 5, "child");
	replay(&rec, "6.18", 1, &result);
	replay_memory_calls(&result, &done, &as_recorded);
	assert_int_equal(result.counts.shared_as_private, 1);
	assert_int_equal(result.counts.file_as_anon, 1);
	assert_int_equal(result.counts.advice_left_out, 1);
	assert_int_equal(result.counts.fork_as_new, 1);
	assert_int_equal(result.counts.assumed, 1);
	/* One store to nowhere, and one load after exec dropped everything. */
	assert_int_equal(result.counts.touch_failed, 2);
	assert_int_equal(done, 6);
	assert_int_equal(as_recorded, 5);
	assert_int_equal(result.op[OP_MUNMAP].differs, 1);
	recording_free(&rec);
}

static void the_shipped_recording_ends_as_recorded(void **state)
{
	static const char *const kernels[] = {"5.15", "6.1", "6.6", "6.12", "6.18"};
	struct replay_result *result = malloc(sizeof(*result));
	struct recording rec;
	struct sim_error err;

	(void)state;
	if (recording_load(MMSIM_SOURCE_DIR "/sim/recordings/jemalloc-churn.rec.xz", 0, &rec, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		uint64_t done, as_recorded;

		replay(&rec, kernels[i], 1, result);
		replay_memory_calls(result, &done, &as_recorded);
		assert_true(done > 11000);
		assert_true(as_recorded * 100 >= done * 95);
		assert_int_equal(result->ops_done, rec.nr_ops);
		assert_int_equal(result->counts.touch_failed, 0);
		assert_int_equal(result->op[OP_MADVISE].as_recorded, 11269);
	}
	recording_free(&rec);
	free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_keep_the_recorded_order),
		cmocka_unit_test(a_plan_names_the_tasks_waited_for),
		cmocka_unit_test(a_moved_range_waits_too),
		cmocka_unit_test(every_task_runs),
		cmocka_unit_test(an_exec_is_between_the_others),
		cmocka_unit_test(ranges_that_wrap_are_none),
		cmocka_unit_test(what_is_mapped_is_counted),
		cmocka_unit_test(the_shipped_recording_ends_as_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
