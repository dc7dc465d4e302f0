/* SPDX-License-Identifier: MIT */
/* Importing ftrace's text: which thread is of which process, and two whole real traces. */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/ftrace_import.h"

#define BY_NAME MMSIM_SOURCE_DIR "/tests/unit/ftrace/by-name.txt"
#define BY_NUMBER MMSIM_SOURCE_DIR "/tests/unit/ftrace/by-number.txt"

/* One event a line reads best here. */
/* clang-format off */

#define MUNMAP(task, time) \
	"a-" task " [000] .... 1." time ": sys_munmap(addr: 0x10001000, len: 0x1000)\n" \
	"a-" task " [000] .... 1." time ": sys_munmap -> 0xffffffffffffffea\n"
#define NEWTASK(time, child, flags) \
	"a-7 [000] .... 1." time ": task_newtask: pid=" child " comm=a clone_flags=" flags \
	" oom_score_adj=0\n"
#define FORK(time, child) \
	"a-7 [000] .... 1." time ": sched_process_fork: comm=a pid=7 child_comm=x " \
	"child_pid=" child "\n"
#define LOCK(task, time, mm) \
	"a-" task " [000] .... 1." time ": mmap_lock_acquire_returned: mm=" mm " memcg_path= " \
	"write=true success=true\n"

/* What clone was asked for; the two events of a fork are one operation. */
static void processes_by_clone(void **state)
{
	struct imported im = import(
		MUNMAP("7", "000000")
		NEWTASK("000001", "8", "3d0f00") FORK("000001", "8")
		NEWTASK("000002", "9", "1200011") FORK("000002", "9")
		NEWTASK("000003", "10", "3d0f00")
		MUNMAP("8", "000004") MUNMAP("9", "000005"));

	(void)state;
	assert_string_equal(im.text, "0 7 7 munmap 0x10001000 0x1000 = EINVAL\n"
				     "1 7 7 thread 8\n"
				     "2 7 7 fork 9\n"
				     "3 7 7 thread 10\n"
				     "4 7 8 munmap 0x10001000 0x1000 = EINVAL\n"
				     "5 9 9 munmap 0x10001000 0x1000 = EINVAL\n");
	assert_int_equal(im.report.threads, 2);
	assert_int_equal(im.report.forks, 1);
	assert_int_equal(im.report.events[PERF_FORK], 3);
	/* Only thread 7 was not seen being made, and no lock of it. */
	assert_int_equal(im.report.guessed_processes, 1);
	assert_int_equal(im.rec.nr_tasks, 4);
	import_done(&im);
}

/* A child that nothing more is seen of: a thread by its flags, with the name of its fork. */
static void silent_thread(void **state)
{
	struct imported im = import(NEWTASK("000001", "8", "3d0f00") FORK("000001", "8"));

	(void)state;
	assert_string_equal(im.text, "0 7 7 thread 8\n");
	assert_int_equal(im.rec.nr_tasks, 2);
	assert_int_equal(im.rec.tasks[1].pid, 7);
	assert_string_equal(im.rec.tasks[1].name, "x");
	import_done(&im);
}

/*
 * By the mm that each takes most. 7 and 8 are from before the trace; 7 forks thread 9, process 10
 * and 11, which nothing is known of; 12 takes no lock at all.
 */
static void processes_by_mm(void **state)
{
	struct imported im = import(
		LOCK("8", "000000", "00000000deadbeef") LOCK("8", "000000", "00000000deadbeef")
		LOCK("8", "000001", "0000000000000001")
		LOCK("7", "000001", "00000000deadbeef")
		FORK("000002", "9") FORK("000003", "10") FORK("000004", "11")
		LOCK("9", "000005", "00000000deadbeef")
		LOCK("10", "000006", "ffff888100000000")
		MUNMAP("8", "000007") MUNMAP("9", "000008") MUNMAP("10", "000009")
		MUNMAP("11", "000010") MUNMAP("12", "000011"));

	(void)state;
	assert_string_equal(im.text, "2 7 7 thread 9\n"
				     "3 7 7 fork 10\n"
				     "4 7 7 fork 11\n"
				     "7 7 8 munmap 0x10001000 0x1000 = EINVAL\n"
				     "8 7 9 munmap 0x10001000 0x1000 = EINVAL\n"
				     "9 10 10 munmap 0x10001000 0x1000 = EINVAL\n"
				     "10 11 11 munmap 0x10001000 0x1000 = EINVAL\n"
				     "11 12 12 munmap 0x10001000 0x1000 = EINVAL\n");
	assert_int_equal(im.report.guessed_processes, 2);
	import_done(&im);
}

/* A TGID that some lines have is the others' too; a name that some lines have likewise. */
static void processes_by_tgid(void **state)
{
	struct imported im = import(
		"<...>-8 (-----) [000] .... 1.000000: sys_munmap(addr: 0x10001000, len: 0x1000)\n"
		"<...>-8 (-----) [000] .... 1.000001: sys_munmap -> 0xffffffffffffffea\n"
		"b-8 (    7) [000] .... 1.000002: sys_munmap(addr: 0x10001000, len: 0x1000)\n"
		"<...>-8 (-----) [000] .... 1.000003: sys_munmap -> 0xffffffffffffffea\n"
		/* The number is used again. */
		NEWTASK("000004", "8", "1200011")
		"<...>-8 (-----) [000] .... 1.000005: sys_munmap(addr: 0x10001000, len: 0x1000)\n"
		"<...>-8 (-----) [000] .... 1.000006: sys_munmap -> 0xffffffffffffffea\n");

	(void)state;
	assert_string_equal(im.text, "0 7 8 munmap 0x10001000 0x1000 = EINVAL\n"
				     "2 7 8 munmap 0x10001000 0x1000 = EINVAL\n"
				     "4 7 7 fork 8\n"
				     "5 8 8 munmap 0x10001000 0x1000 = EINVAL\n");
	assert_string_equal(im.rec.tasks[0].name, "b");
	import_done(&im);
}

/* A child below 1 and one that is too large are no tasks. */
static void impossible_children(void **state)
{
	struct imported im = import(FORK("000001", "-9") FORK("000002", "9999999999")
				    FORK("000003", "0") NEWTASK("000004", "4294967296", "3d0f00")
				    "a-7 [000] 1.000005: " EXEC);

	(void)state;
	assert_string_equal(im.text, "4 7 7 exec\n");
	assert_int_equal(im.report.unsupported, 4);
	import_done(&im);
}

/* clang-format on */

/*
 * A program with a thread and a forked child, in tracefs of a Linux 6.18: without TGIDs, but with
 * task_newtask and mmap_lock.
 */
static void traced_by_name(void **state)
{
	struct import_report report;
	struct sim_error err = {""};
	struct recording rec;
	char *text;

	(void)state;
	assert_int_equal(import_ftrace(BY_NAME, FTRACE_ARCH_UNKNOWN, &rec, &report, &err), 0);
	assert_int_equal(report.skipped_lines + report.unknown_events + report.cut_lines, 0);
	assert_int_equal(report.unpaired_enters + report.unpaired_exits + report.unsupported, 0);
	assert_int_equal(report.lost_events + report.guessed_processes, 0);
	assert_int_equal(report.threads, 1);
	assert_int_equal(report.forks, 1);
	assert_int_equal(report.events[PERF_FAULT], 21);
	assert_int_equal(report.events[PERF_LOCK_ACQUIRED], 31);
	assert_int_equal(report.assumed_unmaps + report.assumed_late + report.denied_faults, 0);
	assert_int_equal(rec.nr_tasks, 3);
	assert_string_equal(rec.tasks[1].name, "worker (x) - y");
	assert_int_equal(rec.tasks[1].pid, 9885);
	assert_int_equal(rec.tasks[2].pid, 9887);
	text = text_of(&rec);
	assert_non_null(strstr(text, "9885 9885 thread 9886\n"));
	assert_non_null(strstr(text, "9885 9886 madvise 0x7f2fc1213000 0x1000 DONTNEED = 0\n"));
	assert_non_null(strstr(text, "9885 9885 mremap 0x7f2fc1213000 0x2000 0x40000 maymove = "
				     "0x7f2fc11d3000\n"));
	assert_non_null(strstr(text, "9887 9887 w 0x7f2fc11d3000\n"));
	free(text);
	recording_free(&rec);
}

/* The same program by raw_syscalls, with TGIDs and sched_process_fork. */
static void traced_by_number(void **state)
{
	struct import_report report;
	struct sim_error err = {""};
	struct recording rec;
	char *text;

	(void)state;
	assert_int_equal(import_ftrace(BY_NUMBER, FTRACE_ARCH_UNKNOWN, &rec, &report, &err), 0);
	assert_int_equal(report.skipped_lines + report.cut_lines + report.lost_events, 0);
	assert_int_equal(report.unpaired_enters + report.unpaired_exits + report.unsupported, 0);
	assert_int_equal(report.unknown_events, 48);
	assert_int_equal(report.guessed_processes, 0);
	assert_int_equal(report.events[PERF_ENTER_BRK], 6);
	assert_int_equal(report.events[PERF_EXEC], 1);
	assert_int_equal(report.threads, 1);
	assert_int_equal(report.forks, 1);
	assert_int_equal(rec.nr_tasks, 3);
	assert_int_equal(rec.tasks[1].tid, 9898);
	assert_int_equal(rec.tasks[1].pid, 9897);
	text = text_of(&rec);
	assert_non_null(strstr(text, "9897 9897 brk 0x280bad40 = 0x280bad40\n"));
	assert_non_null(strstr(text, "9897 9898 munmap 0x7f0a1180d000 0x4000 = 0\n"));
	assert_non_null(strstr(text, "9897 9897 mremap 0x7f0a1180f000 0x2000 0x40000 maymove = "
				     "0x7f0a117cf000\n"));
	assert_non_null(strstr(text, "9899 9899 exit 1\n"));
	free(text);
	recording_free(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_by_clone),  cmocka_unit_test(silent_thread),
		cmocka_unit_test(processes_by_mm),     cmocka_unit_test(processes_by_tgid),
		cmocka_unit_test(impossible_children), cmocka_unit_test(traced_by_name),
		cmocka_unit_test(traced_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
