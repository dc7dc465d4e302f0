/* SPDX-License-Identifier: MIT */
/* Importing perf's text: pairing, sorting, cut files, inferred mappings, and a whole real trace. */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../sim/import/perf_script.h"
#include "../support/import_case.h"

#define SAMPLE MMSIM_SOURCE_DIR "/sim/recordings/jemalloc-churn.events.txt.xz"
#define SAMPLE_RECORDING MMSIM_SOURCE_DIR "/sim/recordings/jemalloc-churn.rec.xz"

static struct imported import(const char *text)
{
	return import_text(import_perf_script, text);
}

static void imports_to(const char *text, const char *expected)
{
	struct imported im = import(text);

	assert_string_equal(im.err.text, "");
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, expected);
	import_done(&im);
}

#define EXEC "a 7/7 [000] 1.000000: sched:sched_process_exec: filename=./a pid=7 old_pid=7\n"

static void system_calls(void **state)
{
	(void)state;
	imports_to(
		"a 7/7 [000] 1.000001: syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, "
		"prot: 0x00000003, flags: 0x00000022, fd: 0xffffffff, off: 0x00000000\n"
		"a 7/7 [000] 1.000003: syscalls:sys_exit_mmap: 0x7f0000010000\n"
		"a 7/7 [000] 1.000004: syscalls:sys_enter_mmap: addr: 0x7f0000011000, len: "
		"0x00000fff, prot: 0x00000001, flags: 0x00000812, fd: 0x00000003, off: 0x0\n"
		"a 7/7 [000] 1.000005: syscalls:sys_exit_mmap: 0x7f0000011000\n"
		"a 7/7 [000] 1.000006: syscalls:sys_enter_mprotect: start: 0x7f0000010000, len: "
		"0x00001000, prot: 0x00000000\n"
		"a 7/7 [000] 1.000007: syscalls:sys_exit_mprotect: 0x0\n"
		"a 7/7 [000] 1.000008: syscalls:sys_enter_madvise: start: 0x7f0000010000, len_in: "
		"0x00001000, behavior: 0x00000004\n"
		"a 7/7 [000] 1.000009: syscalls:sys_exit_madvise: 0x0\n"
		"a 7/7 [000] 1.000010: syscalls:sys_enter_mremap: addr: 0x7f0000010000, old_len: "
		"0x00001000, new_len: 0x00003000, flags: 0x00000001, new_addr: 0x00000000\n"
		"a 7/7 [000] 1.000011: syscalls:sys_exit_mremap: 0x7f0000020000\n"
		"a 7/7 [000] 1.000012: syscalls:sys_enter_munmap: addr: 0x7f0000020000, len: "
		"0x00003000\n"
		"a 7/7 [000] 1.000013: syscalls:sys_exit_munmap: 0x0\n"
		"a 7/7 [000] 1.000014: syscalls:sys_enter_brk: brk: 0x00000000\n"
		"a 7/7 [000] 1.000015: syscalls:sys_exit_brk: 0x562b6a7ac000\n"
		"a 7/7 [000] 1.000016: syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, "
		"prot: 0x00000003, flags: 0x00004022, fd: 0xffffffff, off: 0x00000000\n"
		"a 7/7 [000] 1.000017: syscalls:sys_exit_mmap: 0xfffffffffffffff4\n"
		"a 7/7 [000] 1.000018: exceptions:page_fault_user: address=0x7f0000011123 "
		"ip=0x7f550bed97ad error_code=0x4\n",
		"0 7 7 mmap 0x7f0000010000 0x2000 rw ph = 0x7f0000010000\n"
		"3 7 7 mmap 0x7f0000011000 0xfff r p = 0x7f0000011000 ;file\n"
		"5 7 7 mprotect 0x7f0000010000 0x1000 none = 0\n"
		"7 7 7 madvise 0x7f0000010000 0x1000 DONTNEED = 0\n"
		"9 7 7 mremap 0x7f0000010000 0x1000 0x3000 maymove = 0x7f0000020000\n"
		"11 7 7 munmap 0x7f0000020000 0x3000 = 0\n"
		"13 7 7 brk 0x0 = 0x562b6a7ac000\n"
		"15 7 7 mmap 0x0 0x2000 rw phn = ENOMEM\n"
		"17 7 7 r 0x7f0000011123\n");
}

/* A name may hold anything; CPU 1 stands behind CPU 0 though it was earlier. */
static void names_and_order(void **state)
{
	struct imported im = import(
		"  Web: a [1] 2/3 x 7/8 [000] 2.000005: sched:sched_process_exit: comm=x "
		"pid=9 y pid=8 prio=120 group_dead=false\n"
		" main 7/7 [001] 2.000001: sched:sched_process_fork: comm=m child_pid=3 pid=7 "
		"child_comm=Web child_pid=8\n"
		" main 7/7 [001] 2.000005: sched:sched_process_exit: comm=m pid=7 prio=120 "
		"group_dead=true\n");

	(void)state;
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, "0 7 7 thread 8\n4 7 8 exit 0\n4 7 7 exit 1\n");
	assert_int_equal(im.rec.nr_tasks, 2);
	assert_int_equal(im.rec.tasks[0].tid, 7);
	assert_string_equal(im.rec.tasks[0].name, "main");
	assert_int_equal(im.rec.tasks[1].pid, 7);
	assert_string_equal(im.rec.tasks[1].name, "Web: a [1] 2/3 x");
	assert_int_equal(im.report.threads, 1);
	import_done(&im);
}

static void cut_in_a_line(void **state)
{
	struct imported im = import(
		EXEC "a 7/7 [000] 1.000001: syscalls:sys_enter_munmap: addr: 0x7f0000020000, "
		     "len: 0x00001000\n"
		     "a 7/7 [000] 1.000002: syscalls:sys_exit_mun");

	(void)state;
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, "0 7 7 exec\n"
				     "0 7 7 mmap 0x7f0000020000 0x1000 rw p ;assumed\n"
				     "1 7 7 munmap 0x7f0000020000 0x1000\n");
	assert_int_equal(im.report.cut_lines, 1);
	assert_int_equal(im.report.unpaired_enters, 1);
	assert_int_equal(im.report.assumed_mappings, 1);
	import_done(&im);
}

static void cut_in_a_call(void **state)
{
	struct imported im =
		import("a 7/7 [000] 1.000000: syscalls:sys_exit_munmap: 0x0\n" EXEC
		       "a 7/7 [000] 1.000001: syscalls:sys_enter_mmap: addr: 0x0, len: 0x2000, "
		       "prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n");

	(void)state;
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, "0 7 7 exec\n");
	assert_int_equal(im.report.cut_lines, 0);
	assert_int_equal(im.report.unpaired_exits, 1);
	assert_int_equal(im.report.unpaired_enters, 1);
	import_done(&im);
}

static void unknown_lines(void **state)
{
	struct imported im =
		import("# perf\n\n"
		       "Warning: something\n"
		       "a 7/7 [000] 1.000000: sched:sched_switch: prev_comm=a\n"
		       "a 7/7 [000] 1.000000: syscalls:sys_enter_munmap: addr: 0x1000\n" EXEC);

	(void)state;
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, "0 7 7 exec\n");
	assert_int_equal(im.report.unknown_events, 1);
	assert_int_equal(im.report.skipped_lines, 2);
	import_done(&im);
}

static void fails_with(const char *text, const char *expected)
{
	struct imported im = import(text);
	char *full = NULL;

	assert_int_equal(im.ret, -EINVAL);
	assert_true(asprintf(&full, "%s%s", im.path, expected) > 0);
	assert_string_equal(im.err.text, full);
	free(full);
	import_done(&im);
}

static void errors(void **state)
{
	static const char none[] = ":1: expected events as printed by perf script -F "
				   "comm,pid,tid,cpu,time,event,trace, found none";
	struct recording rec;
	struct import_report report;
	struct sim_error err;

	(void)state;
	fails_with("", none);
	fails_with("0 mmap 1 2 rw p\n", none);
	fails_with("a 7/7 [000] 1.000000: sched:sched_switch: prev_comm=a\n", none);
	fails_with("\xfd"
		   "7zXZ",
		   none);
	assert_int_equal(import_perf_script("/nonexistent", &rec, &report, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent: No such file or directory");
}

#define EVENT(time, text) "a 7/7 [000] 1." time ": " text "\n"

#define FAULT(time, addr, code)                                                                    \
	EVENT(time, "exceptions:page_fault_user: address=" addr " ip=0x1 error_code=" code)

/* One page at 0x10001000 at the kernel's choice, by PID/TID. */
#define MMAP(task, time, end)                                                                      \
	"a " task " [000] 1." time ": syscalls:sys_enter_mmap: addr: 0x0, len: 0x1000, "           \
	"prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n"                                       \
	"a " task " [000] 1." end ": syscalls:sys_exit_mmap: 0x10001000\n"

#define MUNMAP(task, time, end)                                                                    \
	"a " task " [000] 1." time ": syscalls:sys_enter_munmap: addr: 0x10001000, len: 0x1000\n"  \
	"a " task " [000] 1." end ": syscalls:sys_exit_munmap: 0x0\n"

/* One event a line reads best here. */
/* clang-format off */

/* Near pages are one mapping, an instruction fetch makes it executable, far pages are another. */
static void image_and_stack(void **state)
{
	(void)state;
	imports_to(EXEC
		   FAULT("000001", "0x562b39d14040", "0x4")
		   FAULT("000002", "0x562b39d1f010", "0x14")
		   FAULT("000003", "0x7ffc66cceff0", "0x6")
		   FAULT("000004", "0x7ffc66ccdff0", "0x6"),
		   "0 7 7 exec\n"
		   "0 7 7 mmap 0x562b39d14000 0xc000 rwx p ;assumed\n"
		   "0 7 7 mmap 0x7ffc66ccd000 0x2000 rw p ;assumed\n"
		   "1 7 7 r 0x562b39d14040\n"
		   "2 7 7 r 0x562b39d1f010\n"
		   "3 7 7 w 0x7ffc66cceff0\n"
		   "4 7 7 w 0x7ffc66ccdff0\n");
}

/* A place where something was mapped later splits what would be one mapping. */
static void gap_with_a_mapping(void **state)
{
	(void)state;
	imports_to(EXEC
		   FAULT("000001", "0x10000000", "0x4")
		   FAULT("000002", "0x10002000", "0x4")
		   MMAP("7/7", "000003", "000004"),
		   "0 7 7 exec\n"
		   "0 7 7 mmap 0x10000000 0x1000 rw p ;assumed\n"
		   "0 7 7 mmap 0x10002000 0x1000 rw p ;assumed\n"
		   "1 7 7 r 0x10000000\n"
		   "2 7 7 r 0x10002000\n"
		   "3 7 7 mmap 0x10001000 0x1000 rw ph = 0x10001000\n");
}

/* The child's page was the parent's, so the parent had it from its exec on. */
static void forked_child(void **state)
{
	struct imported im = import(
		EXEC
		FAULT("000001", "0x10000000", "0x6")
		"a 7/7 [000] 1.000002: sched:sched_process_fork: comm=a pid=7 child_comm=a "
		"child_pid=9\n"
		"a 9/9 [001] 1.000003: exceptions:page_fault_user: address=0x20000000 "
		"ip=0x1 error_code=0x7\n");

	(void)state;
	assert_string_equal(im.text, "0 7 7 exec\n"
				     "0 7 7 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "0 7 7 mmap 0x20000000 0x1000 rw p ;assumed\n"
				     "1 7 7 w 0x10000000\n"
				     "2 7 7 fork 9\n"
				     "2 9 9 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "2 9 9 mmap 0x20000000 0x1000 rw p ;assumed\n"
				     "3 9 9 w 0x20000000\n");
	assert_int_equal(im.report.forks, 1);
	assert_int_equal(im.report.assumed_mappings, 4);
	import_done(&im);
}

/* The child's first brk moves the end of the heap that it has from its parent. */
static void forked_heap(void **state)
{
	(void)state;
	imports_to(
		EVENT("000000", "syscalls:sys_enter_brk: brk: 0x0")
		EVENT("000001", "syscalls:sys_exit_brk: 0x10001000")
		EVENT("000002", "sched:sched_process_fork: comm=a child_comm=a child_pid=9")
		"a 9/9 [001] 1.000003: syscalls:sys_enter_brk: brk: 0x10005000\n"
		"a 9/9 [001] 1.000004: syscalls:sys_exit_brk: 0x10005000\n"
		"a 9/9 [001] 1.000005: exceptions:page_fault_user: address=0x10003000 "
		"ip=0x1 error_code=0x6\n",
		"0 7 7 brk 0x0 = 0x10001000\n"
		"2 7 7 fork 9\n"
		"3 9 9 brk 0x10001000 = 0x10001000 ;assumed\n"
		"3 9 9 brk 0x10005000 = 0x10005000\n"
		"5 9 9 w 0x10003000\n");
}

/* The heap could grow, so what was mapped behind it had gone. */
static void heap_over_a_mapping(void **state)
{
	(void)state;
	imports_to(
		EVENT("000000", "syscalls:sys_enter_brk: brk: 0x0")
		EVENT("000001", "syscalls:sys_exit_brk: 0x10001000")
		EVENT("000002", "syscalls:sys_enter_mmap: addr: 0x10002000, len: 0x1000, prot: 0x3,"
				" flags: 0x32, fd: 0xffffffff")
		EVENT("000003", "syscalls:sys_exit_mmap: 0x10002000")
		EVENT("000004", "syscalls:sys_enter_brk: brk: 0x10005000")
		EVENT("000005", "syscalls:sys_exit_brk: 0x10005000"),
		"0 7 7 brk 0x0 = 0x10001000\n"
		"2 7 7 mmap 0x10002000 0x1000 rw p = 0x10002000\n"
		"5 7 7 munmap 0x10001000 0x4000 ;assumed\n"
		"5 7 7 brk 0x10005000 = 0x10005000\n");
}

/*
 * Thread 8 asked for memory before thread 7 unmapped some, and got the same place: that can only
 * have happened the other way round.
 */
static void reused_place(void **state)
{
	struct imported im = import(
		MMAP("7/7", "000000", "000001")
		MMAP("7/8", "000002", "000004")
		MUNMAP("7/7", "000003", "000005"));

	(void)state;
	assert_string_equal(im.text, "0 7 7 mmap 0x10001000 0x1000 rw ph = 0x10001000\n"
				     "3 7 7 munmap 0x10001000 0x1000 = 0\n"
				     "4 7 8 mmap 0x10001000 0x1000 rw ph = 0x10001000\n");
	assert_int_equal(im.report.postponed, 1);
	assert_int_equal(im.report.assumed_unmaps, 0);
	import_done(&im);
}

/* What the trace did not see is put in front of what shows it. */
static void unseen_changes(void **state)
{
	(void)state;
	imports_to(MMAP("7/7", "000000", "000001")
		   MMAP("7/7", "000002", "000003")
		   MUNMAP("7/7", "000004", "000005")
		   FAULT("000006", "0x10001000", "0x6"),
		   "0 7 7 mmap 0x10001000 0x1000 rw ph = 0x10001000\n"
		   "3 7 7 munmap 0x10001000 0x1000 ;assumed\n"
		   "3 7 7 mmap 0x10001000 0x1000 rw ph = 0x10001000\n"
		   "4 7 7 munmap 0x10001000 0x1000 = 0\n"
		   "6 7 7 mmap 0x10001000 0x1000 rw p ;assumed\n"
		   "6 7 7 w 0x10001000\n");
}

/* A read of what is PROT_NONE, and of page 0, where nothing is ever mapped. */
static void denied_faults(void **state)
{
	struct imported im = import(
		MMAP("7/7", "000000", "000001")
		"a 7/7 [000] 1.000002: syscalls:sys_enter_mprotect: start: 0x10001000, "
		"len: 0x1000, prot: 0x0\n"
		"a 7/7 [000] 1.000003: syscalls:sys_exit_mprotect: 0x0\n"
		FAULT("000006", "0x10001000", "0x5")
		FAULT("000007", "0x8", "0x4"));

	(void)state;
	assert_int_equal(im.report.denied_faults, 2);
	assert_int_equal(im.report.assumed_mappings, 0);
	import_done(&im);
}

/* What no kernel answers is left out: a damaged line. So are a child below 1 and ids too large. */
static void impossible_values(void **state)
{
	struct imported im = import(
		EXEC
		EVENT("000001", "syscalls:sys_enter_munmap: addr: 0x10001000, len: 0x1000")
		EVENT("000002", "syscalls:sys_exit_munmap: 0x8000000000000000")
		EVENT("000003", "syscalls:sys_enter_mmap: addr: 0x10001000, len: 0x1000, prot: 0x3,"
				" flags: 0x32, fd: 0xffffffff")
		EVENT("000004", "syscalls:sys_exit_mmap: 0x10009000")
		EVENT("000005", "syscalls:sys_enter_mremap: addr: 0x10009000, old_len: 0x2000, "
				"new_len: 0x8000, flags: 0x0, new_addr: 0x0")
		EVENT("000006", "syscalls:sys_exit_mremap: 0x10008000")
		EVENT("000007", "sched:sched_process_fork: comm=a pid=7 child_comm=a child_pid=-9")
		EVENT("000007", "syscalls:sys_enter_brk: brk: 0x0")
		EVENT("000008", "syscalls:sys_exit_brk: 0x0")
		"a 7/9999999999 [000] 1.000008: sched:sched_process_exec: old_pid=7\n");

	(void)state;
	assert_string_equal(im.text, "0 7 7 exec\n");
	assert_int_equal(im.report.unsupported, 5);
	assert_int_equal(im.report.skipped_lines, 1);
	assert_int_equal(im.report.forks, 0);
	import_done(&im);
}

/* As reused_place(), but the thread had a fault before its call's end: not moved behind that. */
static void postponed_before_own_next(void **state)
{
	struct imported im = import(
		MMAP("7/7", "000000", "000001")
		"a 7/8 [000] 1.000002: syscalls:sys_enter_mmap: addr: 0x0, len: 0x1000, "
		"prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n"
		"a 7/8 [000] 1.000003: exceptions:page_fault_user: address=0x10001000 ip=0x1 "
		"error_code=0x6\n"
		"a 7/8 [000] 1.000009: syscalls:sys_exit_mmap: 0x10001000\n");

	(void)state;
	assert_string_equal(im.text, "0 7 7 mmap 0x10001000 0x1000 rw ph = 0x10001000\n"
				     "3 7 8 munmap 0x10001000 0x1000 ;assumed\n"
				     "3 7 8 mmap 0x10001000 0x1000 rw ph = 0x10001000\n"
				     "3 7 8 w 0x10001000\n");
	assert_int_equal(im.report.postponed, 1);
	import_done(&im);
}

#define ACQUIRED "mmap_lock:mmap_lock_acquire_returned: "
#define MM "mm=0xff memcg_id=1 "

static void lock_stats(void **state)
{
	struct imported im = import(
		FAULT("000000", "0x10000000", "0x6")
		FAULT("000001", "0x10000000", "0x6")
		EVENT("000002", "mmap_lock:mmap_lock_start_locking: " MM "write=true")
		EVENT("000003", "lock:contention_begin: 0xffff (flags=WRITE)")
		EVENT("000004", "lock:contention_begin: 0xffff (flags=SPIN)")
		EVENT("000005", "lock:contention_end: 0xffff (ret=0)")
		EVENT("000008", "lock:contention_end: 0xffff (ret=0)")
		EVENT("000009", ACQUIRED MM "write=true success=true")
		EVENT("000020", ACQUIRED MM "write=false success=true")
		EVENT("000025", "mmap_lock:mmap_lock_released: " MM "write=false")
		EVENT("000026", ACQUIRED MM "write=false success=false"));

	(void)state;
	assert_int_equal(im.ret, 0);
	assert_int_equal(import_stat(&im.rec, "recorded_fault_total"), 2);
	assert_int_equal(import_stat(&im.rec, "recorded_fault_vma_lock"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_mmap_lock_write"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_mmap_lock_read"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_mmap_lock_wait_count"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_mmap_lock_wait_ns"), 7000);
	assert_int_equal(import_stat(&im.rec, "recorded_mmap_lock_hold_write_ns"), 11000);
	assert_int_equal(import_stat(&im.rec, "recorded_mmap_lock_hold_read_ns"), 5000);
	assert_int_equal(import_stat(&im.rec, "recorded_contention_begin_write"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_contention_begin_spin"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_duration_ns"), 26000);
	import_done(&im);
}

/* clang-format on */

static void sample(void **state)
{
	struct recording rec, shipped;
	struct import_report report;
	struct sim_error err = {""};
	char *text, *shipped_text;

	(void)state;
	assert_int_equal(import_perf_script(SAMPLE, &rec, &report, &err), 0);
	assert_int_equal(report.events[PERF_ENTER_MADVISE], 11269);
	assert_int_equal(report.events[PERF_EXIT_MADVISE], 11269);
	assert_int_equal(report.events[PERF_FAULT], 114703);
	assert_int_equal(report.events[PERF_FORK], 199);
	assert_int_equal(report.events[PERF_EXIT], 200);
	assert_int_equal(report.events[PERF_EXEC], 2);
	assert_int_equal(report.threads, 199);
	assert_int_equal(report.skipped_lines + report.unknown_events + report.cut_lines, 0);
	assert_int_equal(report.unpaired_enters + report.unpaired_exits + report.unsupported, 0);
	assert_int_equal(report.assumed_mappings, 6);
	assert_int_equal(report.assumed_late + report.assumed_unmaps + report.postponed, 0);
	assert_int_equal(import_stat(&rec, "recorded_madvise_total"), 11269);
	/* 98.3 % of the calls. */
	assert_int_equal(import_stat(&rec, "recorded_madvise_vma_lock"), 11074);
	assert_int_equal(import_stat(&rec, "recorded_fault_total"), 114703);
	assert_int_equal(import_stat(&rec, "recorded_contention_begin_read"), 3);
	assert_int_equal(import_stat(&rec, "recorded_contention_begin_write"), 3);
	assert_int_equal(import_stat(&rec, "recorded_contention_begin_spin"), 111);
	assert_int_equal(rec.nr_ops, 126490);
	assert_int_equal(rec.nr_tasks, 200);
	/* The shipped recording is what an import of the shipped trace gives. */
	assert_int_equal(recording_load(SAMPLE_RECORDING, 0, &shipped, &err), 0);
	text = text_of(&rec);
	shipped_text = text_of(&shipped);
	assert_true(!strcmp(text, shipped_text));
	free(text);
	free(shipped_text);
	recording_free(&shipped);
	recording_free(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(system_calls),	       cmocka_unit_test(names_and_order),
		cmocka_unit_test(cut_in_a_line),       cmocka_unit_test(cut_in_a_call),
		cmocka_unit_test(unknown_lines),       cmocka_unit_test(errors),
		cmocka_unit_test(image_and_stack),     cmocka_unit_test(gap_with_a_mapping),
		cmocka_unit_test(forked_child),	       cmocka_unit_test(reused_place),
		cmocka_unit_test(unseen_changes),      cmocka_unit_test(denied_faults),
		cmocka_unit_test(lock_stats),	       cmocka_unit_test(sample),
		cmocka_unit_test(impossible_values),   cmocka_unit_test(forked_heap),
		cmocka_unit_test(heap_over_a_mapping), cmocka_unit_test(postponed_before_own_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
