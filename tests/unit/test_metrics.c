/* SPDX-License-Identifier: MIT */
/* Metrics by name, and what a comparison says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/result.h"
#include "report/verdicts.h"

static const char sample[] =
	"{\"run\": {\"elapsed_ns\": 2000000000, \"operations_done\": 500},"
	" \"counters\": {\"pgfault\": 40, \"vma_lock_success\": 30},"
	" \"totals\": {\"mmap_lock_hold_ns\": 9000, \"mmap_lock_holds\": 3},"
	" \"waits_by_lock\": {}, \"metrics\": \"ui.frames.missed ops.rate\","
	" \"locks\": [{\"lock\": \"mmap_lock\", \"site\": \"munmap\","
	"   \"wait\": {\"count\": 0, \"sum_ns\": 0, \"p50_ns\": 0, \"p99_ns\": 0, \"max_ns\": 0},"
	"   \"hold_write\": {\"count\": 2, \"sum_ns\": 5000, \"p50_ns\": 2000, \"p99_ns\": 3000,"
	"     \"max_ns\": 3000}}],"
	" \"tasks\": {\"ui\": {\"loops\": 10, \"longest\": {\"operation\": \"w\", \"ns\": 7000000},"
	"   \"waits\": {\"count\": 1, \"total_ns\": 4000000, \"max_ns\": 3000000},"
	"   \"spins\": {\"count\": 0, \"total_ns\": 0, \"max_ns\": 0},"
	"   \"frames\": {\"made\": 10, \"missed\": 2, \"response\": {\"p50_ns\": 1500000}},"
	"   \"operations\": {\"w\": {\"done\": 100, \"failed\": 1,"
	"     \"latency\": {\"count\": 100, \"sum_ns\": 50000, \"p99_ns\": 900}}}},"
	"  \"ui.worker\": {\"loops\": 4, \"longest\": {\"ns\": 1}, \"waits\": {\"count\": 7},"
	"   \"operations\": {}}}}";

static void names_are_found(void **state)
{
	static const struct {
		const char *name;
		double value;
	} rows[] = {
		{"elapsed", 2}, /* s */
		{"ops.rate", 250}, /* 1/s */
		{"pgfault", 40},
		{"pgfault.vma_lock", 75}, /* % */
		{"mmap_lock.hold", 3}, /* us */
		{"mmap_lock.wait.count", 0}, /* nobody waited */
		{"ui.frames.missed", 2},
		{"ui.frame.missed", 2}, /* as people write, too */
		{"ui.frames.p50", 1.5}, /* ms */
		{"ui.wait.total", 4},
		{"ui.spin.total", 0}, /* never, hence no time */
		{"ui.longest", 7},
		{"ui.loops.rate", 5},
		{"ui.w.rate", 50},
		{"ui.w.failed", 1},
		{"ui.w.mean", 0.5}, /* us */
		{"ui.w.p99", 0.9},
		{"ui.worker.wait.count", 7}, /* not ui's */
		{"mmap_lock.munmap.hold_write.mean", 2.5},
		{"mmap_lock.munmap.wait.count", 0},
	};
	json_t *result = json_loads(sample, 0, NULL);
	struct metric metric;

	(void)state;
	assert_non_null(result);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (metric_find(result, rows[i].name, &metric))
			fail_msg("%s is not found", rows[i].name);
		if (metric_value(result, &metric) != rows[i].value)
			fail_msg("%s is %g, not %g", rows[i].name, metric_value(result, &metric),
				 rows[i].value);
	}
	json_decref(result);
}

static void others_are_not(void **state)
{
	static const char *const names[] = {
		"",
		"ui",
		"ui.",
		"ui.frames",
		"ui.frames.late",
		"gc.frames.missed",
		"ui.r.rate",
		"ui.worker.frames.missed",
		"ui.w.p50",
		"madvise.p99",
		"mmap_lock.munmap.hold_read.p50",
		"mmap_lock.brk.wait.count",
		"mmap_lock.munmap.wait.least",
	};
	json_t *result = json_loads(sample, 0, NULL);
	struct metric metric;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!metric_find(result, names[i], &metric))
			fail_msg("'%s' is found", names[i]);
	json_decref(result);
}

/* Results of which only the number of missed frames and the operations done differ. */
static json_t *runs(unsigned int n, int missed, double done)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < n; i++) {
		json_t *result = json_loads(sample, 0, NULL);

		json_object_set_new((json_t *)json_at(result, "tasks.ui.frames"), "missed",
				    json_integer(missed));
		json_object_set_new(json_object_get(result, "run"), "operations_done",
				    json_real(done + i % 3));
		json_array_append_new(array, result);
	}
	return array;
}

static const char *verdict_of(const json_t *rows, size_t i)
{
	return json_string_value(json_object_get(json_array_get(rows, i), "verdict"));
}

static void a_comparison_is_judged(void **state)
{
	unsigned int n = verdicts_rounds_min("ui.frames.missed ops.rate") + 4;
	json_t *a = runs(n, 2, 5000), *a2 = runs(n, 2, 5000), *b = runs(n, 5, 4000);
	struct verdict_rounds rounds = {.a = a, .a2 = a2, .b = b, .effect = 0.03};
	char unknown[METRIC_NAME_MAX];
	bool narrow;
	json_t *rows;

	(void)state;
	rounds.names = metrics_of(json_array_get(a, 0));
	rows = verdicts_json(&rounds, unknown, &narrow);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(verdict_of(rows, 0), "worse");
	assert_string_equal(verdict_of(rows, 1), "worse");
	assert_true(json_number_at(json_array_get(rows, 1), "a") >
		    json_number_at(json_array_get(rows, 1), "b"));
	assert_true(narrow);
	assert_true(verdicts_any(rows));
	json_decref(rows);
	rounds.b = a2;
	rows = verdicts_json(&rounds, unknown, &narrow);
	assert_string_equal(verdict_of(rows, 0), "same");
	assert_string_equal(verdict_of(rows, 1), "same");
	json_decref(rows);
	rounds.names = "ops.rate, ui.framed.missed";
	assert_null(verdicts_json(&rounds, unknown, &narrow));
	assert_string_equal(unknown, "ui.framed.missed");
	json_decref(a);
	json_decref(a2);
	json_decref(b);
}

/* A frame more in each round is one that can be seen. */
static void one_missed_frame_counts(void **state)
{
	json_t *a = runs(14, 0, 5000), *b = runs(14, 1, 5000);
	struct verdict_rounds rounds = {.a = a, .a2 = a, .b = b, .effect = 0.03};
	char unknown[METRIC_NAME_MAX];
	json_t *rows;
	bool narrow;

	(void)state;
	rounds.names = "ui.frames.missed";
	rows = verdicts_json(&rounds, unknown, &narrow);
	assert_string_equal(verdict_of(rows, 0), "worse");
	assert_true(narrow);
	json_decref(rows);
	json_decref(a);
	json_decref(b);
}

/* Rates of 2500 a second, but of none in the first round: no ratio of that can be judged. */
static void effect_is_of_the_median_beside_a_zero(void **state)
{
	static const struct {
		double done;
		const char *verdict;
	} rows[] = {{5100, "same"}, {5300, "better"}, {4700, "worse"}};
	json_t *a = runs(20, 2, 5000);
	struct verdict_rounds rounds = {.a = a, .a2 = a, .effect = 0.03, .names = "ops.rate"};
	char unknown[METRIC_NAME_MAX];
	bool narrow;

	(void)state;
	json_object_set_new((json_t *)json_at(json_array_get(a, 0), "run"), "operations_done",
			    json_integer(0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *b = runs(20, 2, rows[i].done), *found;

		json_object_set_new((json_t *)json_at(json_array_get(b, 0), "run"),
				    "operations_done", json_integer(0));
		rounds.b = b;
		found = verdicts_json(&rounds, unknown, &narrow);
		assert_true(json_is_false(json_object_get(json_array_get(found, 0), "ratio")));
		assert_string_equal(verdict_of(found, 0), rows[i].verdict);
		assert_true(narrow);
		json_decref(found);
		json_decref(b);
	}
	json_decref(a);
}

/* What was never done took no time: not 0. */
static void never_done_is_not_measured(void **state)
{
	static const char names[] = "ui.w.p99 ui.w.mean ui.w.count mmap_lock.munmap.hold_write.p99 "
				    "pgfault.vma_lock ui.wait.total";
	static const bool measured[] = {false, false, true, false, false, true};
	json_t *a = runs(12, 2, 5000), *b = runs(12, 2, 5000), *run, *rows;
	struct verdict_rounds rounds = {.a = a, .a2 = a, .b = b, .effect = 0.03, .names = names};
	char unknown[METRIC_NAME_MAX];
	bool narrow;

	(void)state;
	run = json_array_get(b, 7);
	json_object_set_new((json_t *)json_at(run, "tasks.ui.operations.w"), "done",
			    json_integer(0));
	json_object_set_new((json_t *)json_at(run, "tasks.ui.operations.w.latency"), "count",
			    json_integer(0));
	json_object_set_new((json_t *)json_at(run, "counters"), "pgfault", json_integer(0));
	json_object_del(run, "locks");
	rows = verdicts_json(&rounds, unknown, &narrow);
	assert_int_equal(json_array_size(rows), sizeof(measured));
	for (size_t i = 0; i < sizeof(measured); i++) {
		const json_t *row = json_array_get(rows, i);

		assert_int_equal(!!verdict_of(rows, i), measured[i]);
		assert_int_equal(!!json_object_get(row, "b"), measured[i]);
		assert_non_null(json_object_get(row, "a"));
		assert_int_equal(json_is_null(json_array_get(json_object_get(row, "b_values"), 7)),
				 !measured[i]);
	}
	json_decref(rows);
	rounds.names = "ui.w.p99";
	rows = verdicts_json(&rounds, unknown, &narrow);
	assert_false(verdicts_any(rows));
	json_decref(rows);
	json_decref(a);
	json_decref(b);
}

static json_t *fitness(const char *why, double busy)
{
	return json_pack("{s:b, s:s, s:s, s:f, s:f}", "fit", !*why, "why", why, "remarks", "",
			 "busy", busy, "steal", 0.031);
}

/* What compare_print() writes of a comparison. */
static char *printed(const json_t *comparison)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	compare_print(comparison, out);
	fclose(out);
	return text;
}

static void what_disturbed_is_said(void **state)
{
	json_t *a = runs(2, 2, 5000);
	json_t *comparison =
		json_pack("{s:i, s:{s:o, s:{s:s, s:s}}, s:{s:O, s:{}}, s:o, s:o, s:[]}", "rounds",
			  2, "a", "runs", a, "keys", "where", "middle", "pause", "exp(1ms)", "b",
			  "runs", a, "keys", "fitness", fitness("", 0), "fitness_during",
			  fitness("others worked", 0.25), "metrics");
	char *text;

	(void)state;
	assert_non_null(comparison);
	text = printed(comparison);
	assert_non_null(strstr(text, "\na: where=middle,pause=exp(1ms); kernel "));
	assert_non_null(strstr(text, "\nb: kernel "));
	assert_non_null(strstr(text, "\nNOT FIT while the rounds ran: others worked\n"));
	assert_null(strstr(text, "NOT FIT to measure on"));
	assert_non_null(strstr(text, "used 0.25 CPUs, and the hypervisor gave 3.1 % of"));
	free(text);
	json_object_del(comparison, "fitness_during");
	text = printed(comparison);
	assert_null(strstr(text, "while the rounds ran"));
	free(text);
	json_decref(comparison);
}

static void names_are_known_before_a_run(void **state)
{
	json_t *empty = json_loads(sample, 0, NULL);
	char unknown[METRIC_NAME_MAX];

	(void)state;
	json_object_del(empty, "locks");
	assert_true(verdicts_may_come(empty, "ui.frames.missed, ui.w.p99 ops.rate", unknown));
	assert_true(verdicts_may_come(empty, "mmap_lock.munmap.hold_write.mean", unknown));
	assert_false(verdicts_may_come(empty, "ops.rate ui.framed.missed", unknown));
	assert_string_equal(unknown, "ui.framed.missed");
	assert_false(verdicts_may_come(empty, "mmap_lock.munmap.hold.mean", unknown));
	assert_false(verdicts_may_come(empty, "mmap_lock.munmap.wait.median", unknown));
	json_decref(empty);
}

/* A lock that only one of the two takes at a site. */
static void a_site_of_one_side_is_judged(void **state)
{
	json_t *a = runs(12, 2, 5000), *b = runs(12, 2, 5000), *run;
	struct verdict_rounds rounds = {.a = a, .a2 = a, .b = b, .effect = 0.03};
	char unknown[METRIC_NAME_MAX];
	json_t *rows;
	bool narrow;
	size_t i;

	(void)state;
	json_array_foreach(a, i, run) json_object_del(run, "locks");
	json_array_foreach(b, i, run)
		json_object_set_new(run, "locks",
				    json_pack("[{s:s, s:s, s:{s:i}}]", "lock", "vma_lock", "site",
					      "fault_vma", "wait", "count", 50));
	rounds.names = "vma_lock.fault_vma.wait.count";
	rows = verdicts_json(&rounds, unknown, &narrow);
	assert_string_equal(verdict_of(rows, 0), "worse");
	json_decref(rows);
	rounds.names = "vma_lock.fault_vmx.wait.count";
	assert_null(verdicts_json(&rounds, unknown, &narrow));
	json_decref(a);
	json_decref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(names_are_known_before_a_run),
		cmocka_unit_test(a_comparison_is_judged),
		cmocka_unit_test(what_disturbed_is_said),
		cmocka_unit_test(one_missed_frame_counts),
		cmocka_unit_test(effect_is_of_the_median_beside_a_zero),
		cmocka_unit_test(never_done_is_not_measured),
		cmocka_unit_test(a_site_of_one_side_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
