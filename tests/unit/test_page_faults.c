/* SPDX-License-Identifier: MIT */
/* Importing page faults: forms of lines, task events, assumed mappings, what is refused. */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "../../sim/import/page_faults.h"
#include "../../sim/replay/page_set.h"
#include "../support/import_case.h"

#define EXEC "   a 7/7  1.000000: PERF_RECORD_COMM exec: a:7/7\n"

static void imports_to(const char *text, const char *expected)
{
	import_gives(import_page_faults, text, expected);
}

/* One line reads best as one line. */
/* clang-format off */

/* A fault at the instruction pointer is a fetch; near pages are one mapping, far ones another. */
static void faults(void **state)
{
	(void)state;
	imports_to(EXEC
		   "   a 7/7  1.000001:     562b39d14040     7faddfec2b70\n"
		   "   a 7/7  1.000002:     562b39d1f010     562b39d1f010\n"
		   "   a 7/7  1.000003:     7ffc66cceff0 ffffffff8175016a\n"
		   "   a 7/7  1.000004:     7ffc66ccdff0\n"
		   "   a 7/7  1.000005:     7ffc66a00000     7faddfec2b70\n",
		   "0 7 7 exec\n"
		   "0 7 7 mmap 0x562b39d14000 0xc000 rwx p ;assumed\n"
		   "0 7 7 mmap 0x7ffc66a00000 0x1000 rw p ;assumed\n"
		   "0 7 7 mmap 0x7ffc66ccd000 0x2000 rw p ;assumed\n"
		   "1 7 7 w 0x562b39d14040\n"
		   "2 7 7 r 0x562b39d1f010\n"
		   "3 7 7 w 0x7ffc66cceff0\n"
		   "4 7 7 w 0x7ffc66ccdff0\n"
		   "5 7 7 w 0x7ffc66a00000\n");
}

/* The fork stands behind its child's first fault, at the same microsecond. */
static void tasks(void **state)
{
	struct imported im = import_text(import_page_faults,
		"  perf-exec     0/0         0.000000: PERF_RECORD_COMM: perf-exec:7/7\n"
		EXEC
		"   a 7/7  1.000001: PERF_RECORD_FORK(7:8):(7:7)\n"
		"  b 1 7/8  1.000002: PERF_RECORD_COMM: b 1:7/8\n"
		"   a 9/9  1.000003:     10000000     7faddfec2b70\n"
		"   a 7/7  1.000003: PERF_RECORD_FORK(9:9):(7:7)\n"
		"  c/9 2.0: x:1/2 9/9  1.000004: PERF_RECORD_COMM exec: c/9 2.0: x:1/2:9/9\n"
		"   c 9/9  1.000005: PERF_RECORD_EXIT(9:9):(7:7)\n"
		"   a 7/7  1.000006: PERF_RECORD_EXIT(7:7):(1:1)\n"
		"  b 1 7/8  1.000006: PERF_RECORD_EXIT(7:8):(1:1)\n");

	(void)state;
	assert_string_equal(im.err.text, "");
	assert_string_equal(im.text, "0 7 7 exec\n"
				     "0 7 7 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "1 7 7 thread 8\n"
				     "3 7 7 fork 9\n"
				     "3 9 9 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "3 9 9 w 0x10000000\n"
				     "4 9 9 exec\n"
				     "5 9 9 exit 1\n"
				     "6 7 7 exit 0\n"
				     "6 7 8 exit 1\n");
	assert_int_equal(im.report.threads, 1);
	assert_int_equal(im.report.forks, 1);
	assert_int_equal(im.report.unknown_events, 1);
	assert_int_equal(im.report.skipped_lines, 0);
	assert_int_equal(im.rec.nr_tasks, 3);
	assert_string_equal(im.rec.tasks[1].name, "b 1");
	assert_int_equal(im.rec.tasks[1].pid, 7);
	import_done(&im);
}

static void counted(void **state)
{
	struct imported im = import_text(import_page_faults,
		"# a comment\n\n"
		EXEC
		"   a 7/7  1.000001:         10000000     7faddfec2b70\n"
		"   a 7/8  1.000002:         10000ff0     7faddfec2b70\n"
		"   a 9/9  1.000003:         10000000     7faddfec2b70\n"
		"   a 7/7  1.000004: ffff888000000000 ffffffff8175016a\n"
		"   a 7/7  1.000005:                8     7faddfec2b70\n"
		"   a 7/7  1.000006: PERF_RECORD_COMM exec: a:7/7\n"
		"   a 7/7  1.000009:         10000000     7faddfec2b70\n"
		"   a 7/7  1.000009: PERF_RECORD_LOST lost 5\n"
		"   a 7/7  1.000009:         oops\n"
		"   a 0/0  1.000009:         10000000     7faddfec2b70\n"
		"   a 7/7  1.000009: PERF_RECORD_FORK(7:x):(7:7)\n"
		"   a 7/7  1.000009: PERF_RECORD_COMM: nobody\n"
		"   a 7/7 [000] 1.000009: 10000000\n"
		"   a 7/7  1.000009:         100000");

	(void)state;
	assert_int_equal(im.ret, 0);
	assert_int_equal(im.report.repeated_faults, 1);
	assert_int_equal(im.report.kernel_faults, 1);
	assert_int_equal(im.report.unknown_events, 1);
	assert_int_equal(im.report.skipped_lines, 5);
	assert_int_equal(im.report.cut_lines, 1);
	assert_int_equal(im.report.denied_faults, 1);
	assert_int_equal(import_stat(&im.rec, "recorded_fault_total"), 5);
	assert_int_equal(import_stat(&im.rec, "recorded_duration_ns"), 9000);
	assert_int_equal(import_stat(&im.rec, "recorded_no_calls"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_loads_as_stores"), 1);
	assert_non_null(recording_limit("recorded_no_calls"));
	assert_non_null(recording_limit("recorded_loads_as_stores"));
	import_done(&im);
}

/* clang-format on */

static void errors(void **state)
{
	static const char none[] = ":1: expected page faults as printed by perf script "
				   "-F comm,pid,tid,time,addr,ip --show-task-events, found none";
	struct import_report report;
	struct recording rec;
	struct sim_error err;

	(void)state;
	import_fails(import_page_faults, "", none);
	import_fails(import_page_faults, "a 7/7 [000] 1.000000: sched:sched_switch: x\n", none);
	import_fails(import_page_faults, "7 1700000000.000000 brk(NULL) = 0x10000\n", none);
	assert_int_equal(import_page_faults("/nonexistent", &rec, &report, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent: No such file or directory");
}

/* Enough pages that the table grows; those of another life or process are others. */
static void page_sets(void **state)
{
	struct page_set set = {0};

	(void)state;
	for (uint64_t page = 0; page < 5000; page++) {
		assert_int_equal(page_set_add(&set, 7, page << 12), 0);
		assert_int_equal(page_set_add(&set, 8, page << 12), 0);
	}
	for (uint64_t page = 0; page < 5000; page++)
		assert_int_equal(page_set_add(&set, 7, page << 12), 1);
	assert_int_equal(page_set_renew(&set, 7), 0);
	assert_int_equal(page_set_add(&set, 7, 0), 0);
	assert_int_equal(page_set_add(&set, 8, 0), 1);
	assert_int_equal(set.nr_used, 10001);
	page_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults), cmocka_unit_test(tasks),     cmocka_unit_test(counted),
		cmocka_unit_test(errors), cmocka_unit_test(page_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
