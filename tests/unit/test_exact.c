/* SPDX-License-Identifier: MIT */
/* What a model's runs say over several seeds, and what a gate makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/exact.h"
#include "report/gate.h"

/* A run: @missed frames, waits of @wait ns in all, the longest @longest; p99 of w; a madvise. */
static json_t *run(int seed, int missed, int wait, int longest, int p99)
{
	return json_pack("{s:{s:i}, s:{s:i, s:i}, s:{s:i, s:i}, s:{s:{s:{s:i, s:i}, s:{s:i, s:i, "
			 "s:i}, s:{s:{s:i, s:{s:i, s:i}}}}}}",
			 "configuration", "seed", seed, "run", "elapsed_ns", 1000000000,
			 "operations_done", 1000 + seed, "counters", "madvise_vma_lock", seed,
			 "madvise_zaps", 3, "tasks", "ui", "frames", "made", 10, "missed", missed,
			 "waits", "count", 1, "total_ns", wait, "max_ns", longest, "operations",
			 "w", "done", 5, "latency", "count", p99 ? 5 : 0, "p99_ns", p99);
}

static const char names[] = "ui.frames.missed ui.wait.total ui.wait.longest ui.w.p99 ops.rate "
			    "madvise.vma_lock mmap_lock.madvise.wait.count";

static json_t *three_seeds(int more)
{
	return json_pack("[o,o,o]", run(1, 2, 100, 60, 900), run(2, 0, 7, 7, 300),
			 run(3, 4 + more, 50 + more, 50, 0));
}

static int64_t value(const json_t *rows, const char *name, const char *side)
{
	const json_t *number = json_object_get(gate_row(rows, name), side);

	assert_non_null(number);
	return json_integer_value(number);
}

static void seeds_are_put_together(void **state)
{
	json_t *runs = three_seeds(0), *rows = exact_rows(runs, runs, names);

	(void)state;
	assert_int_equal(value(rows, "ui.frames.missed", "b"), 6);
	assert_int_equal(value(rows, "ui.wait.total", "b"), 157);
	assert_int_equal(value(rows, "ui.wait.longest", "b"), 60);
	/* The lower median of two: one seed never did it. */
	assert_int_equal(value(rows, "ui.w.p99", "b"), 300);
	/* 3006 in 3 s; 6 of 9. */
	assert_int_equal(value(rows, "ops.rate", "b"), 1002);
	assert_int_equal(value(rows, "madvise.vma_lock", "b"), 66666);
	/* Nobody took it there: nobody waited. */
	assert_int_equal(value(rows, "mmap_lock.madvise.wait.count", "b"), 0);
	json_decref(rows);
	json_decref(runs);
}

static void check_text(int64_t number, enum metric_format format, bool sign, const char *expected)
{
	char buf[48];

	assert_string_equal(exact_text(number, format, sign, buf, sizeof(buf)), expected);
}

static void values_are_printed_to_the_last_digit(void **state)
{
	(void)state;
	check_text(12, FORMAT_COUNT, false, "12");
	check_text(-12, FORMAT_COUNT, true, "-12");
	check_text(1000001, FORMAT_MS, true, "+1.000001");
	check_text(-1, FORMAT_MS, false, "-0.000001");
	check_text(1500, FORMAT_US, false, "1.500");
	check_text(99228, FORMAT_PERCENT, false, "99.228 %");
	check_text(2000000003, FORMAT_SECONDS, false, "2.000000003");
}

static json_t *ask(const json_t *rows, const char *text)
{
	static struct condition list[CONDITIONS_MAX];
	struct condition_error error;

	assert_int_equal(conditions_parse(text, list, &error), 1);
	return gate_exact(&list[0], gate_row(rows, list[0].metric));
}

static void check_answer(const json_t *rows, const char *text, bool failed, int seed)
{
	json_t *answer = ask(rows, text);

	assert_int_equal(json_is_true(json_object_get(answer, "failed")), failed);
	assert_int_equal(json_integer_value(json_object_get(answer, "seed")), seed);
	json_decref(answer);
}

static void what_moved_is_said(void **state)
{
	json_t *a = three_seeds(0), *b = three_seeds(3), *rows = exact_rows(a, b, names), *answer;

	(void)state;
	check_answer(rows, "ui.frames.missed > +0", true, 3);
	check_answer(rows, "ui.frames.missed > +2", true, 3);
	check_answer(rows, "ui.frames.missed > +3", false, 0);
	check_answer(rows, "ui.frames.missed > +49%", true, 3);
	check_answer(rows, "ui.frames.missed > +50%", false, 0);
	check_answer(rows, "ui.frames.missed > 8", true, 3);
	check_answer(rows, "ui.frames.missed < 10", true, 2);
	check_answer(rows, "ui.wait.longest > +0", false, 0);
	check_answer(rows, "ui.wait.longest == 60ns", true, 1);
	answer = ask(rows, "ui.frames.missed > +0");
	assert_string_equal(json_string_value(json_object_get(answer, "text")),
			    "6 -> 9 (+3, +50.0 %), sum over 3 seeds; most at seed 3: 4 -> 7");
	json_decref(answer);
	json_decref(rows);
	json_decref(a);
	json_decref(b);
}

/* What the gate is to watch, and what is gone, is no success. */
static void what_is_lost_fails(void **state)
{
	json_t *a = json_pack("[o]", run(1, 0, 1, 1, 900));
	json_t *b = json_pack("[o]", run(1, 0, 1, 1, 0)), *rows = exact_rows(a, b, "ui.w.p99");

	(void)state;
	check_answer(rows, "ui.w.p99 > +5%", true, 0);
	check_answer(rows, "ui.w.p99 > 1s", true, 0);
	json_decref(rows);
	json_decref(a);
	json_decref(b);
}

static void check_unit(const json_t *rows, const char *text, bool fits)
{
	static struct condition list[CONDITIONS_MAX];
	struct condition_error error;
	char why[GATE_TEXT_MAX];
	bool of_bound;

	assert_int_equal(conditions_parse(text, list, &error), 1);
	assert_int_equal(gate_check(&list[0], gate_row(rows, list[0].metric), &of_bound, why),
			 fits);
}

static void units_fit_their_metric(void **state)
{
	json_t *runs = three_seeds(0), *rows = exact_rows(runs, runs, names);

	(void)state;
	check_unit(rows, "ui.frames.missed > 3", true);
	check_unit(rows, "ui.frames.missed > +3%", true);
	check_unit(rows, "ui.frames.missed > 3ms", false);
	check_unit(rows, "ui.frames.missed > 3%", false);
	check_unit(rows, "ui.wait.longest > 3ms", true);
	check_unit(rows, "ui.wait.longest > +3ms", true);
	check_unit(rows, "ui.wait.longest > +0", true);
	check_unit(rows, "ui.wait.longest > 3", false);
	check_unit(rows, "madvise.vma_lock < 98%", true);
	check_unit(rows, "madvise.vma_lock < 98", false);
	check_unit(rows, "no.such > 3", false);
	json_decref(rows);
	json_decref(runs);
}

/* ---- baselines ---- */

static json_t *setting(int seeds)
{
	return json_pack("{s:s, s:i, s:{s:s}}", "scenario", "gc", "seeds", seeds, "keys", "seconds",
			 "1s");
}

static void baselines_are_what_b_was(void **state)
{
	json_t *then = three_seeds(0), *now = three_seeds(-2), *same = setting(3);
	json_t *rows = exact_rows(NULL, then, names);
	json_t *baseline = baseline_json(same, NULL, "6.1", rows, "a test");
	char error[GATE_TEXT_MAX], *conditions = baseline_conditions(baseline);
	json_t *other = setting(4);

	(void)state;
	assert_non_null(strstr(conditions, "ui.frames.missed > +0;"));
	assert_non_null(strstr(conditions, "ops.rate < -0;"));
	free(conditions);
	assert_true(baseline_fits(baseline, "base.json", same, error));
	assert_false(baseline_fits(baseline, "base.json", other, error));
	assert_string_equal(error, "base.json: made with seeds 3, this has 4: not comparable");
	json_decref(rows);
	rows = exact_rows(NULL, now, names);
	baseline_join(baseline, rows);
	assert_int_equal(value(rows, "ui.frames.missed", "baseline"), 6);
	check_answer(rows, "ui.frames.missed > +0", false, 0);
	check_answer(rows, "ui.frames.missed < -1", true, 3);
	json_decref(rows);
	json_decref(baseline);
	json_decref(other);
	json_decref(same);
	json_decref(then);
	json_decref(now);
}

static void check_bad_baseline(const char *text, const char *says)
{
	char path[] = "/tmp/baseline.XXXXXX", error[GATE_TEXT_MAX];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_null(baseline_load(path, error));
	unlink(path);
	assert_memory_equal(error, path, strlen(path));
	if (!strstr(error, says))
		fail_msg("'%s' is not in '%s'", says, error);
}

static void bad_baselines_are_refused(void **state)
{
	(void)state;
	check_bad_baseline("{\n \"schema\": 1,\n}", ":3:");
	check_bad_baseline("{}", "expected \"schema\"");
	check_bad_baseline("{\"schema\": \"mmsim-baseline-1\"}", "expected an object \"setting\"");
	check_bad_baseline("{\"schema\": \"mmsim-baseline-1\", \"setting\": {}}",
			   "expected an array \"metrics\"");
	check_bad_baseline("{\"schema\": \"mmsim-baseline-1\", \"setting\": {}, \"metrics\": "
			   "[{\"metric\": \"pgfault\", \"b\": 1.5}]}",
			   "an integer \"b\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_are_put_together),
		cmocka_unit_test(values_are_printed_to_the_last_digit),
		cmocka_unit_test(what_moved_is_said),
		cmocka_unit_test(what_is_lost_fails),
		cmocka_unit_test(units_fit_their_metric),
		cmocka_unit_test(baselines_are_what_b_was),
		cmocka_unit_test(bad_baselines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
