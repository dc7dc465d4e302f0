/* SPDX-License-Identifier: MIT */
/* Importing ftrace's text: the forms of its lines, and the numbers of system calls. */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/ftrace_import.h"

/* One event a line reads best here. */
/* clang-format off */

#define AT(time, event) "  a-7   (    7) [000] .... 1." time ": " event "\n"

/* Both ways of the kernel to print the numbers, and the one with types of option verbose. */
static void calls_by_name(void **state)
{
	(void)state;
	imports_to(
		AT("000001", "sys_mmap(addr: 0, len: 2000, prot: 3, flags: 22, fd: ffffffff, "
			     "off: 0)")
		AT("000002", "sys_mmap -> 0x7f0000010000")
		AT("000003", "sys_mmap(addr: 0x7f0000012000, len: 0xfff, prot: 1, flags: 0x812, "
			     "fd: 3, off: 0)")
		AT("000004", "sys_mmap -> 0x7f0000012000")
		AT("000005", "sys_mprotect(unsigned long start: 7f0000010000, size_t len: 1000, "
			     "unsigned long prot: 0)")
		AT("000006", "sys_mprotect -> 0x0")
		AT("000007", "sys_madvise(start: 7f0000010000, len_in: 10000, behavior: 4)")
		AT("000008", "sys_madvise -> 0xfffffffffffffff4")
		AT("000009", "sys_mremap(addr: 7f0000010000, old_len: 1000, new_len: 3000, "
			     "flags: 1, new_addr: 0)")
		AT("000010", "sys_mremap -> 0x7f0000020000")
		AT("000011", "sys_munmap(addr: 7f0000020000, len: 3000)")
		AT("000012", "sys_munmap -> 0x0")
		AT("000013", "sys_brk(brk: 0)")
		AT("000014", "sys_brk -> 0x562b6a7ac000")
		AT("000015", "page_fault_user: address=0x7f0000012123 ip=0x7f550bed97ad "
			     "error_code=0x4"),
		"0 7 7 mmap 0x7f0000010000 0x2000 rw ph = 0x7f0000010000\n"
		"2 7 7 mmap 0x7f0000012000 0xfff r p = 0x7f0000012000 ;file\n"
		"4 7 7 mprotect 0x7f0000010000 0x1000 none = 0\n"
		"6 7 7 madvise 0x7f0000010000 0x10000 DONTNEED = ENOMEM\n"
		"8 7 7 mremap 0x7f0000010000 0x1000 0x3000 maymove = 0x7f0000020000\n"
		"10 7 7 munmap 0x7f0000020000 0x3000 = 0\n"
		"12 7 7 brk 0x0 = 0x562b6a7ac000\n"
		"14 7 7 r 0x7f0000012123\n");
}


/* The same calls by the numbers of an architecture; the tag is of pointers of arm64. */
#define BY_NUMBERS(mmap, mprotect, madvise, mremap, munmap, brk, tag, prot) \
	AT("000001", "sys_enter: NR " mmap " (0, 2000, " prot ", 22, ffffffff, 0)") \
	AT("000002", "sys_exit: NR " mmap " = 268439552") \
	AT("000003", "sys_enter: NR " mprotect " (" tag "10001000, 1000, 0, 7, 8, 9)") \
	AT("000004", "sys_exit: NR " mprotect " = 0") \
	AT("000005", "sys_enter: NR " madvise " (" tag "10002000, 1000, 4, 0, 0, 0)") \
	AT("000006", "sys_exit: NR " madvise " = -22") \
	AT("000007", "sys_enter: NR " mremap " (10001000, 1000, 3000, 1, 0, 0)") \
	AT("000008", "sys_exit: NR " mremap " = 536870912") \
	AT("000009", "sys_enter: NR " munmap " (20000000, 3000, 0, 0, 0, 0)") \
	AT("000010", "sys_exit: NR " munmap " = 0") \
	AT("000011", "sys_enter: NR " brk " (0, 1, 2, 3, 4, 5)") \
	AT("000012", "sys_exit: NR " brk " = 805306368")

#define OF_X86_64 BY_NUMBERS("9", "10", "28", "25", "11", "12", "", "3")
#define OF_ARM64 BY_NUMBERS("222", "226", "233", "216", "215", "214", "b4000000", "23")

static const char of_numbers[] =
	"0 7 7 mmap 0x10001000 0x2000 rw ph = 0x10001000\n"
	"2 7 7 mprotect 0x10001000 0x1000 none = 0\n"
	"4 7 7 madvise 0x10002000 0x1000 DONTNEED = EINVAL\n"
	"6 7 7 mremap 0x10001000 0x1000 0x3000 maymove = 0x20000000\n"
	"8 7 7 munmap 0x20000000 0x3000 = 0\n"
	"10 7 7 brk 0x0 = 0x30000000\n";

/* epoll_ctl() of x86-64 has arm64's number of madvise(), fcntl() of arm64 x86-64's of mremap(). */
static void calls_by_number(void **state)
{
	struct imported im;

	(void)state;
	imports_to(OF_X86_64, of_numbers);
	imports_to(OF_ARM64, of_numbers);
	im = import(OF_X86_64
		    AT("000020", "sys_enter: NR 233 (5, 1, 6, 7ffdc0de1000, 0, 0)")
		    AT("000021", "sys_exit: NR 233 = 0")
		    AT("000022", "sys_enter: NR -1 (0, 0, 0, 0, 0, 0)"));
	assert_string_equal(im.text, of_numbers);
	assert_int_equal(im.report.unknown_events, 3);
	import_done(&im);
	im = import(OF_ARM64
		    AT("000020", "sys_enter: NR 25 (5, 3, 0, 0, 0, 0)")
		    AT("000021", "sys_exit: NR 25 = 2"));
	assert_string_equal(im.text, of_numbers);
	assert_int_equal(im.report.unknown_events, 2);
	import_done(&im);
}

static void architecture(void **state)
{
	struct imported im;

	(void)state;
	fails_with(OF_X86_64 OF_ARM64,
		   ": expected system calls of one architecture, found 6 that make sense on x86-64 "
		   "and 6 on arm64: say which it is by --arch x86-64|arm64");
	im = import_as(FTRACE_ARM64, OF_X86_64 OF_ARM64);
	assert_string_equal(im.text, of_numbers);
	assert_int_equal(im.report.unknown_events, 12);
	import_done(&im);
	/* Nothing makes sense; that there are faults of user space says it. */
	im = import(AT("000000", "page_fault_user: address=0x10001000 ip=0x1 error_code=0x6")
		    AT("000001", "sys_enter: NR 11 (1, 1000, 0, 0, 0, 0)")
		    AT("000002", "sys_exit: NR 11 = -22"));
	assert_int_equal(im.report.events[PERF_ENTER_MUNMAP], 1);
	import_done(&im);
	assert_int_equal(ftrace_arch_find("x86-64"), FTRACE_X86_64);
	assert_int_equal(ftrace_arch_find("arm64"), FTRACE_ARM64);
	assert_int_equal(ftrace_arch_find("arm"), FTRACE_ARCH_UNKNOWN);
}

/* Should an arm64 have page_fault_user, its code is the syndrome: read, write, fetch, cache. */
static void faults_of_arm64(void **state)
{
	(void)state;
	imports_to(AT("000000", "sys_enter: NR 222 (10000000, 5000, 7, 32, ffffffff, 0)")
		   AT("000001", "sys_exit: NR 222 = 268435456")
		   AT("000002", "page_fault_user: address=0xb400000010001000 ip=0x1 "
				"error_code=0x92000006")
		   AT("000003", "page_fault_user: address=0x10002000 ip=0x1 error_code=0x92000046")
		   AT("000004", "page_fault_user: address=0x10003000 ip=0x1 error_code=0x82000006")
		   AT("000005", "page_fault_user: address=0x10004000 ip=0x1 error_code=0x92000146"),
		   "0 7 7 mmap 0x10000000 0x5000 rwx p = 0x10000000\n"
		   "2 7 7 r 0x10001000\n"
		   "3 7 7 w 0x10002000\n"
		   "4 7 7 r 0x10003000\n"
		   "5 7 7 r 0x10004000\n");
}

/* A 32-bit program's mmap2() is counted. A call told by both kinds of events is taken once. */
static void other_numbers(void **state)
{
	struct imported im = import(
		OF_ARM64
		AT("000020", "sys_enter: NR 192 (0, 1000, 3, 22, ffffffff, 0)")
		AT("000021", "sys_exit: NR 192 = 1073741824"));

	(void)state;
	assert_string_equal(im.text, of_numbers);
	assert_int_equal(im.report.compat_calls, 1);
	assert_int_equal(im.report.unknown_events, 1);
	import_done(&im);
	im = import(AT("000001", "sys_enter: NR 11 (10001000, 1000, 0, 0, 0, 0)")
		    AT("000001", "sys_munmap(addr: 0x10001000, len: 0x1000)")
		    AT("000001", "sys_munmap -> 0x0")
		    AT("000001", "sys_exit: NR 11 = 0")
		    AT("000002", "sys_enter: NR 12 (0, 0, 0, 0, 0, 0)")
		    AT("000003", "sys_exit: NR 12 = 268435456"));
	assert_string_equal(im.text, "0 7 7 mmap 0x10001000 0x1000 rw p ;assumed\n"
				     "0 7 7 munmap 0x10001000 0x1000 = 0\n"
				     "1 7 7 brk 0x0 = 0x10000000\n");
	assert_int_equal(im.report.unknown_events, 2);
	assert_int_equal(im.report.unpaired_enters + im.report.unpaired_exits, 0);
	import_done(&im);
}

/* COMM may hold anything, TGID and FLAGS may be missing; TIME has up to nine digits. */
static void heads(void **state)
{
	static const struct {
		const char *head, *name;
		int tid, pid;
	} rows[] = {
		{"  a b-7   (    7) [000] .... 1.000000: ", "a b", 7, 7},
		{"  a b-7   ( 1234) [000] d..1. 1.000000: ", "a b", 7, 1234},
		{"a-7 (-----) [011] .N.. 1.000000: ", "a", 7, 7},
		{"a-7     (-------) [011] .N.. 1.000000: ", "a", 7, 7},
		{" x-1-y (2)-7 [000] dnh4 1.000000: ", "x-1-y (2)", 7, 7},
		{" [3] ./1.5:-7 (  8) [000] 1.000000: ", "[3] ./1.5:", 7, 8},
		{"\t-7 [000] 1.000000123: ", "-", 7, 7},
		{"--7 [000] 1.000000: ", "-", 7, 7},
		{"<...>-7 (    7) [000] .... 1.000000: ", "<...>", 7, 7},
		{"a-7  ( 7) [000] .... 1.000000: ", "a", 7, 7},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = NULL;
		struct imported im;

		assert_true(asprintf(&text, "%s" EXEC, rows[i].head) > 0);
		im = import(text);
		assert_string_equal(im.err.text, "");
		assert_int_equal(im.rec.nr_tasks, 1);
		assert_int_equal(im.rec.tasks[0].tid, rows[i].tid);
		assert_int_equal(im.rec.tasks[0].pid, rows[i].pid);
		assert_string_equal(im.rec.tasks[0].name, rows[i].name);
		free(text);
		import_done(&im);
	}
}

static void no_heads(void **state)
{
	static const char *const lines[] = {
		"a-7 [000] .... 1: " EXEC, "a-7 [000] .... 1.0 " EXEC, "a-7 [x] .... 1.0: " EXEC,
		"a-7 [] .... 1.0: " EXEC, "a-7 [000] .... .... 1.0: " EXEC, "a 7 [000] 1.0: " EXEC,
		"7 [000] 1.0: " EXEC, "a- [000] 1.0: " EXEC, "a-7x [000] 1.0: " EXEC,
		"a-99999999999 [000] 1.0: " EXEC, "a-7 (7 [000] 1.0: " EXEC, "[000] 1.0: " EXEC,
		"a-7 (x) [000] 1.0: " EXEC, ") [000] 1.0: " EXEC, "() [000] 1.0: " EXEC,
		"a 7/7 [000] 1.000000: sched:" EXEC, "a-7 [0000000] 1.0: " EXEC,
		"a-7 [000] 1.000000: ", "a-7 [000] 1.000000: : x", "a-7 [000] 1.0000000000: " EXEC,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char *text = NULL;
		struct imported im;

		assert_true(asprintf(&text, "%s\n%s", lines[i], "a-9 [000] 1.0: " EXEC) > 0);
		im = import(text);
		assert_string_equal(im.text, "0 9 9 exec\n");
		assert_int_equal(im.report.skipped_lines, 1);
		free(text);
		import_done(&im);
	}
}

/* Comments, lost events, other events, values that are missing, a cut line, lines of DOS. */
static void other_lines(void **state)
{
	struct imported im = import(
		"# tracer: nop\r\n#\n\n"
		"# entries-in-buffer/entries-written: 100/125   #P:2\n"
		"##### CPU 1 buffer started ####\n"
		"a-7 [000] 1.000000: " EXEC
		"CPU:1 [LOST 5 EVENTS]\r\n"
		"CPU:1 [LOST ? EVENTS]\n"
		"a-7 [000] .... 1.000001: binder_transaction: transaction=1 dest_node=0\n"
		"<idle>-0 [000] d... 1.000001: contention_begin: 0 (flags=SPIN)\n"
		"a-7 [000] .... 1.000001: do_fault <-handle_mm_fault\n"
		"a-7 [000] .... 1.000001: sys_read -> 0x1\n"
		"a-7 [000] .... 1.000001: sys_read(fd: 3, buf: 0, count: 0)\n"
		"a-7 [000] .... 1.000001: sys_munmap(addr: 0)\n"
		"a-7 [000] .... 1.000001: sys_munmap -> \n"
		"a-7 [000] .... 1.000001: sys_enter: NR 9 (1, 2, 3)\n"
		"a-7 [000] .... 1.000001: sys_exit: NR 9 =\n"
		"a-7 [000] .... 1.000001: sys_exit: NR x = 1\n"
		"a-7 [000] .... 1.000001: task_newtask: pid=8 comm=x\n"
		"a-7 [000] .... 1.000001: mmap_lock_released: mm=(____ptrval____) write=true\n"
		" => handle_mm_fault\n"
		"a-7 [000] .... 1.000002: sched_process_ex");

	(void)state;
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, "0 7 7 exec\n");
	assert_int_equal(im.report.lost_events, 30);
	assert_int_equal(im.report.unknown_events, 5);
	assert_int_equal(im.report.skipped_lines, 9);
	assert_int_equal(im.report.cut_lines, 1);
	import_done(&im);
}

/* Of an HTML file only the section of data that begins with a comment. */
static void html(void **state)
{
	(void)state;
	imports_to("<!DOCTYPE html>\n<html><script>\nvar x = 'class=\"trace-data\"';\nx++;\n"
		   "a-7 [000] 1.000000: " EXEC
		   "</script>\n  <script class=\"trace-data\" type=\"application/text\">\n"
		   "USER PID PPID\nroot 1 0\n</script>\n"
		   "  <script class=\"trace-data\" type=\"application/text\">\n\n"
		   "# tracer: nop\n"
		   "a-8 ( 8) [000] .... 1.000000: " EXEC
		   "  </script>\n"
		   "a-9 [000] 1.000000: " EXEC
		   "</html>",
		   "0 8 8 exec\n");
}

/* As perfetto's traceconv prints them: all numbers decimal. As trace-cmd does: by key and value. */
static void other_printers(void **state)
{
	(void)state;
	imports_to(
		" a_b-7     (    7) [000] .... 1.000000: sys_enter_munmap: __syscall_nr=215 "
		"addr=268439552 len=4096\n"
		" a_b-7     (    7) [000] .... 1.000001: sys_exit_munmap: __syscall_nr=215 ret=0\n"
		" a_b-7     (-----) [000] .... 1.000001: mmap_lock_released: "
		"mm=18446462598732840960 memcg_path=/ write=1\n"
		" a_b-7     (    7) [000] .... 1.000002: task_newtask: pid=8 comm=a_b "
		"clone_flags=4001536 oom_score_adj=0\n"
		" a_b-7     (    7) [000] .... 1.000003: task_newtask: pid=9 comm=a_b "
		"clone_flags=18874385 oom_score_adj=0\n"
		"  a-7   [000]     1.000004: sys_enter_brk:        brk: 0x00000000\n"
		"  a-7   [000]     1.000005: sys_exit_brk:         0x10000000\n",
		"0 7 7 mmap 0x10001000 0x1000 rw p ;assumed\n"
		"0 7 7 munmap 0x10001000 0x1000 = 0\n"
		"2 7 7 thread 8\n"
		"3 7 7 fork 9\n"
		"4 7 7 brk 0x0 = 0x10000000\n");
}

static void errors(void **state)
{
	static const char none[] = ":1: expected events as ftrace prints them, "
				   "COMM-PID [CPU] TIME: EVENT, found none that is known";
	struct import_report report;
	struct recording rec;
	struct sim_error err;

	(void)state;
	fails_with("", none);
	fails_with("<!DOCTYPE html>\n", none);
	fails_with("0 mmap 1 2 rw p\n", none);
	fails_with("a 7/7 [000] 1.000000: sched:" EXEC, none);
	fails_with(AT("000001", "sched_switch: prev_comm=a"), none);
	fails_with(AT("000001", "sys_enter: NR 25 (5, 3, 0, 0, 0, 0)"), none);
	fails_with(AT("000001", "sys_enter: id=222") AT("000002", "sys_exit: id=222 ret=5")
		   AT("000003", "sys_enter: id=64"),
		   ": expected system calls with their arguments, found 2 without, as perfetto "
		   "records them");
	assert_int_equal(import_ftrace("/nonexistent", FTRACE_ARM64, &rec, &report, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent: No such file or directory");
}

/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_by_name), cmocka_unit_test(calls_by_number),
		cmocka_unit_test(architecture),	 cmocka_unit_test(faults_of_arm64),
		cmocka_unit_test(other_numbers), cmocka_unit_test(heads),
		cmocka_unit_test(no_heads),	 cmocka_unit_test(other_lines),
		cmocka_unit_test(html),		 cmocka_unit_test(other_printers),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
