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
		{"ui.frames.p50", 1.5}, /* ms */
		{"ui.wait.total", 4},
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
	rounds.names = "ops.rate, ui.frame.missed";
	assert_null(verdicts_json(&rounds, unknown, &narrow));
	assert_string_equal(unknown, "ui.frame.missed");
	json_decref(a);
	json_decref(a2);
	json_decref(b);
}

static void names_are_known_before_a_run(void **state)
{
	json_t *empty = json_loads(sample, 0, NULL);
	char unknown[METRIC_NAME_MAX];

	(void)state;
	json_object_del(empty, "locks");
	assert_true(verdicts_may_come(empty, "ui.frames.missed, ui.w.p99 ops.rate", unknown));
	assert_true(verdicts_may_come(empty, "mmap_lock.munmap.hold_write.mean", unknown));
	assert_false(verdicts_may_come(empty, "ops.rate ui.frame.missed", unknown));
	assert_string_equal(unknown, "ui.frame.missed");
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
		cmocka_unit_test(a_site_of_one_side_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
