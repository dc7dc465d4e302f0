/* SPDX-License-Identifier: MIT */
/* Importing strace's text: forms of lines, tasks, what has no counterpart, what is refused. */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "../../sim/import/strace.h"
#include "../../sim/import/strace_text.h"
#include "../support/import_case.h"

#define T "1700000000.00000"
#define UNFINISHED "<unfinished ...>\n"
#define ANON "MAP_PRIVATE|MAP_ANONYMOUS, -1, 0"
#define EXEC "7 " T "0 execve(\"/bin/a\", [\"a\"], 0x7ffd /* 41 vars */) = 0 <0.000001>\n"

static void imports_to(const char *text, const char *expected)
{
	import_gives(import_strace, text, expected);
}

static void fails_with(const char *text, const char *expected)
{
	import_fails(import_strace, text, expected);
}

/* One line reads best as one line. */
/* clang-format off */

static void system_calls(void **state)
{
	(void)state;
	imports_to(
		"7 " T "0 execve(\"/bin/a\", [\"a\", \") = 5\"], 0x7ffd) = 0 <0.000001>\n"
		"7 " T "1 mmap(NULL, 8192, PROT_READ|PROT_WRITE, " ANON ")"
			" = 0x7f0000010000 <0.000001>\n"
		"7 " T "2 mmap(0x7f0000011000, 4095, PROT_READ, "
			"MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3</lib/a), x>, 0x1000)"
			" = 0x7f0000011000 <0.000001>\n"
		"7 " T "3 mprotect(0x7f0000010000, 4096, PROT_NONE) = 0 <0.000001>\n"
		"7 " T "4 madvise(0x7f0000010000, 4096, MADV_DONTNEED) = 0 <0.000001>\n"
		"7 " T "4 madvise(0x7f0000010000, 4096, 0x66 /* MADV_??? */) = 0 <0.000001>\n"
		"7 " T "5 mremap(0x7f0000010000, 4096, 12288, MREMAP_MAYMOVE)"
			" = 0x7f0000020000 <0.000001>\n"
		"7 " T "5 mremap(0x7f0000020000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, "
			"0x7f0000030000) = 0x7f0000030000 <0.000001>\n"
		"7 " T "6 munmap(0x7f0000030000, 4096) = 0 <0.000001>\n"
		"7 " T "7 brk(NULL)       = 0x562b6a7ac000 <0.000001>\n"
		"7 " T "8 mmap(NULL, 8192, PROT_READ|PROT_WRITE, "
			"MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|21<<MAP_HUGE_SHIFT, -1, 0)"
			" = -1 ENOMEM (Cannot allocate memory) <0.000001>\n"
		"7 " T "9 pkey_mprotect(0x7f0000021000, 4096, PROT_READ, -1) = 0 <0.000001>\n",
		"0 7 7 exec\n"
		"1 7 7 mmap 0x7f0000010000 0x2000 rw ph = 0x7f0000010000\n"
		"2 7 7 mmap 0x7f0000011000 0xfff r p = 0x7f0000011000 ;file\n"
		"3 7 7 mprotect 0x7f0000010000 0x1000 none = 0\n"
		"4 7 7 madvise 0x7f0000010000 0x1000 DONTNEED = 0\n"
		"4 7 7 madvise 0x7f0000010000 0x1000 GUARD_INSTALL = 0\n"
		"5 7 7 mremap 0x7f0000010000 0x1000 0x3000 maymove = 0x7f0000020000\n"
		"5 7 7 mremap 0x7f0000020000 0x1000 0x1000 to 0x7f0000030000 = 0x7f0000030000\n"
		"6 7 7 munmap 0x7f0000030000 0x1000 = 0\n"
		"7 7 7 brk 0x0 = 0x562b6a7ac000\n"
		"8 7 7 mmap 0x0 0x2000 rw phn = ENOMEM\n"
		"9 7 7 mprotect 0x7f0000021000 0x1000 r = 0\n");
}

static void locking_calls(void **state)
{
	(void)state;
	imports_to(
		"7 " T "0 mmap(NULL, 16384, 1, MAP_SHARED|MAP_ANONYMOUS, -1, 0) = 0x10000000\n"
		"7 " T "1 mlock(0x10000000, 4096) = 0\n"
		"7 " T "2 mlock2(0x10001000, 4096, MLOCK_ONFAULT) = 0\n"
		"7 " T "3 munlock(0x10000000, 4096) = 0\n"
		"7 " T "4 mlockall(MCL_CURRENT|MCL_FUTURE|MCL_ONFAULT) = 0\n"
		"7 " T "5 munlockall()    = 0\n"
		"7 " T "6 mlock2(0x10001000, 4096, 0x8 /* MLOCK_??? */) = -1 EINVAL (Invalid)\n"
		"7 " T "6 mlockall(0)     = -1 EINVAL (Invalid argument)\n",
		"0 7 7 mmap 0x10000000 0x4000 r sh = 0x10000000\n"
		"1 7 7 mlock 0x10000000 0x1000 = 0\n"
		"2 7 7 mlock 0x10001000 0x1000 onfault = 0\n"
		"3 7 7 munlock 0x10000000 0x1000 = 0\n"
		"4 7 7 mlockall cfo = 0\n"
		"5 7 7 munlockall = 0\n");
}

#define RANGES "[{iov_base=0x10000000, iov_len=4096}, {iov_base=0x10002000, iov_len=8192}], 2, "

/* Two ranges of its own; -yy names the process, and only its own memory can be dropped. */
static void process_madvise(void **state)
{
	struct imported im = import_text(import_strace,
		"7 " T "0 mmap(NULL, 16384, PROT_READ, " ANON ") = 0x10000000\n"
		"7 " T "1 process_madvise(3<anon:[pidfd]>, " RANGES "MADV_DONTNEED, 0) = 12288\n"
		"7 " T "2 process_madvise(3<anon_inode:[pidfd]>, " RANGES "MADV_COLD, 0) = 12288\n"
		"7 " T "3 process_madvise(3<pid:7<a>>, " RANGES "MADV_COLD, 0) = 12288\n"
		"7 " T "4 process_madvise(3<pid:8<b>>, " RANGES "MADV_COLD, 0) = 12288\n"
		"7 " T "5 process_madvise(PIDFD_SELF, " RANGES "0x14 /* MADV_COLD */, 0) = 12288\n"
		"7 " T "6 process_madvise(3<pid:7>, [{iov_base=0x10000000, iov_len=4096}], 1, "
			"MADV_COLD, 0) = 4096\n");

	(void)state;
	assert_string_equal(im.text,
		"0 7 7 mmap 0x10000000 0x4000 r ph = 0x10000000\n"
		"1 7 7 process_madvise 0x10000000 0x1000 0x10002000 0x2000 DONTNEED = 0x3000\n"
		"3 7 7 process_madvise 0x10000000 0x1000 0x10002000 0x2000 COLD = 0x3000\n"
		"5 7 7 process_madvise 0x10000000 0x1000 0x10002000 0x2000 COLD = 0x3000\n");
	assert_int_equal(im.report.unsupported, 3);
	import_done(&im);
}

/* As -X raw, -X verbose, octal, --absolute-timestamps=unix,ns and -r -ttt print. */
static void other_numbers(void **state)
{
	(void)state;
	imports_to(
		"7 1700000000.000000000 mmap(NULL, 020000, 3, 0x22, -1, 0) = 0x10000000 <0.1>\n"
		"7 1700000000.000001000 (+     0.000001) mprotect(0x10000000, 1*4096, "
			"0x1 /* PROT_READ */) = 0\n"
		"7 1700000000.000002 mmap(0x10000000, 4096, 0 /* PROT_NONE */, "
			"0x32 /* MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS */|0x40 /* MAP_??? */, "
			"4</memfd:m>(deleted), 0) = 0x10000000\n",
		"0 7 7 mmap 0x10000000 0x2000 rw ph = 0x10000000\n"
		"1 7 7 mprotect 0x10000000 0x1000 r = 0\n"
		"2 7 7 mmap 0x10000000 0x1000 none p = 0x10000000\n");
}

static void unfinished(void **state)
{
	struct imported im = import_text(import_strace,
		EXEC
		"7 " T "1 mmap(NULL, 4096, PROT_READ, " ANON " " UNFINISHED
		"8 " T "2 munmap(0x10000000, 4096 " UNFINISHED
		"7 " T "3 <... mmap resumed>)     = 0x20000000 <0.000002>\n"
		"8 " T "4 <... munmap resumed>)   = 0 <0.000002>\n"
		"8 " T "5 <... madvise resumed>)  = 0 <0.000002>\n"
		"7 " T "6 munmap(0x20000000, 4096 <detached ...>\n");

	(void)state;
	assert_string_equal(im.text, "0 7 7 exec\n"
				     "1 7 7 mmap 0x20000000 0x1000 r ph = 0x20000000\n"
				     "2 8 8 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "2 8 8 munmap 0x10000000 0x1000 = 0\n"
				     "6 7 7 munmap 0x20000000 0x1000\n");
	assert_int_equal(im.report.unpaired_exits, 1);
	assert_int_equal(im.report.unpaired_enters, 1);
	assert_int_equal(im.report.unstarted, 1);
	import_done(&im);
}

/* A thread that is killed in a call leaves no result; a mapping without one is nowhere. */
static void no_result(void **state)
{
	struct imported im = import_text(import_strace,
		EXEC
		"7 " T "1 mmap(NULL, 4096, PROT_READ, " ANON " " UNFINISHED
		"7 " T "2 <... mmap resumed> <unfinished ...>) = ?\n"
		"7 " T "2 munmap(0x10000000, 4096) = ? ERESTARTSYS (To be restarted)\n"
		"7 " T "2 munmap(0x10000000, 4096) = -1 (errno 524)\n"
		"7 " T "3 +++ killed by SIGKILL +++\n");

	(void)state;
	assert_string_equal(im.text, "0 7 7 exec\n"
				     "0 7 7 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "2 7 7 munmap 0x10000000 0x1000\n"
				     "2 7 7 munmap 0x10000000 0x1000 = -524\n"
				     "3 7 7 exit 1\n");
	assert_int_equal(im.report.unpaired_enters, 2);
	import_done(&im);
}

#define THREAD "flags=CLONE_VM|CLONE_THREAD|CLONE_SYSVSEM"

/* The child's first line may stand before the end of the call that made it: it starts there. */
static void tasks(void **state)
{
	struct imported im = import_text(import_strace,
		EXEC
		"7 " T "1 clone3({" THREAD ", exit_signal=0} => {tid=[8]}, 88) = 8 <0.000001>\n"
		"7 " T "2 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD " UNFINISHED
		"9 " T "3 munmap(0x10000000, 4096) = 0 <0.000001>\n"
		"7 " T "4 <... clone resumed>, child_tidptr=0x7f6) = 9 <0.000001>\n"
		"8 " T "5 vfork( " UNFINISHED
		"10 " T "6 execve(\"/usr/bin/true\", [\"true\"], 0x7 /* 1 var */) = 0 <0.000001>\n"
		"8 " T "7 <... vfork resumed>) = 10 <0.000002>\n"
		"8 " T "7 clone(child_stack=0x7f0, " THREAD ") = -1 EAGAIN (Unavailable) <0.1>\n"
		"8 " T "7 fork( " UNFINISHED
		"8 " T "7 <... fork resumed>) = 2 /* 11 in strace's PID NS */ <0.000002>\n"
		"9 " T "8 +++ exited with 0 +++\n"
		"7 " T "9 +++ exited with 0 +++\n"
		"8 " T "9 +++ exited with 0 +++\n");

	(void)state;
	assert_string_equal(im.text, "0 7 7 exec\n"
				     "0 7 7 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "1 7 7 thread 8\n"
				     "3 7 7 fork 9\n"
				     "3 9 9 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "3 9 9 munmap 0x10000000 0x1000 = 0\n"
				     "6 7 8 fork 10\n"
				     "6 10 10 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "6 10 10 exec\n"
				     "7 7 8 fork 11\n"
				     "7 11 11 mmap 0x10000000 0x1000 rw p ;assumed\n"
				     "8 9 9 exit 1\n"
				     "9 7 7 exit 0\n"
				     "9 7 8 exit 1\n");
	assert_int_equal(im.report.threads, 1);
	assert_int_equal(im.report.forks, 3);
	assert_int_equal(im.report.vforks, 1);
	assert_int_equal(im.report.unstarted, 0);
	assert_int_equal(im.report.events[STRACE_CLONE], 2);
	assert_string_equal(im.report.kinds[STRACE_CLONE], "clone");
	assert_int_equal(im.rec.nr_tasks, 5);
	assert_string_equal(im.rec.tasks[1].name, "a");
	assert_int_equal(im.rec.tasks[3].tid, 10);
	assert_string_equal(im.rec.tasks[3].name, "true");
	import_done(&im);
}

/* All other threads end, and the one goes on as the first. */
static void exec_of_another_thread(void **state)
{
	(void)state;
	imports_to(
		EXEC
		"7 " T "1 clone(child_stack=0x7f0, " THREAD ") = 8 <0.000001>\n"
		"8 " T "2 execve(\"./b\", [\"b\"], 0x7 /* 1 var */ " UNFINISHED
		"7 " T "3 <... pause resumed>) = ?\n"
		"7 " T "4 +++ superseded by execve in pid 8 +++\n"
		"7 " T "5 <... execve resumed>) = 0 <0.000003>\n"
		"7 " T "6 execve(\"./c\", [\"c\"], 0x7) = -1 ENOENT (No such file) <0.1>\n"
		"7 " T "7 +++ exited with 0 +++\n",
		"0 7 7 exec\n"
		"1 7 7 thread 8\n"
		"5 7 8 exit 0\n"
		"5 7 7 exec\n"
		"7 7 7 exit 1\n");
}

static void names(void **state)
{
	struct imported im = import_text(import_strace,
		EXEC
		"7 " T "1 clone(child_stack=0x7f0, " THREAD ") = 8 <0.000001>\n"
		"8 " T "2 prctl(PR_SET_NAME, \"a long name of it\"...) = 0 <0.000001>\n"
		"9<from -Y> " T "3 munmap(0x10000000, 4096) = 0 <0.000001>\n"
		"7 " T "3 prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0x10000000, 4096, \"x\") = 0\n"
		"10 " T "4 execveat(AT_FDCWD, \"no-slash\", [\"n\"], 0x7 /* 1 var */, 0) = 0\n");

	(void)state;
	assert_int_equal(im.rec.nr_tasks, 4);
	assert_string_equal(im.rec.tasks[0].name, "a");
	assert_string_equal(im.rec.tasks[1].name, "a long name of ");
	assert_string_equal(im.rec.tasks[2].name, "from -Y");
	assert_string_equal(im.rec.tasks[3].name, "no-slash");
	assert_int_equal(im.report.unsupported, 1);
	assert_int_equal(im.report.unstarted, 2);
	import_done(&im);
}

/*
 * To a terminal: ids only while there are several tasks, and messages in the middle of lines. The
 * last line is of the only one left.
 */
static void to_a_terminal(void **state)
{
	(void)state;
	imports_to(
		T "0 execve(\"/bin/a\", [\"a\"], 0x7ffd /* 41 vars */) = 0 <0.000001>\n"
		T "1 clone(child_stack=NULL, flags=SIGCHLDstrace: Process 8 attached\n"
		", child_tidptr=0x7f6) = 8 <0.000001>\n"
		"[pid     8] " T "2 munmap(0x10000000, 4096strace: Process 9 attached\n"
		" " UNFINISHED
		"[pid     7] " T "3 munmap(0x20000000, 4096) = 0 <0.000001>\n"
		"[pid     8] " T "4 <... munmap resumed>) = 0 <0.000002>\n"
		"[pid     7] " T "5 +++ exited with 0 +++\n"
		T "6 brk(NULL) = 0x30000000 <0.000001>\n",
		"0 7 7 exec\n"
		"0 7 7 mmap 0x10000000 0x1000 rw p ;assumed\n"
		"0 7 7 mmap 0x20000000 0x1000 rw p ;assumed\n"
		"1 7 7 fork 8\n"
		"1 8 8 mmap 0x10000000 0x1000 rw p ;assumed\n"
		"1 8 8 mmap 0x20000000 0x1000 rw p ;assumed\n"
		"2 8 8 munmap 0x10000000 0x1000 = 0\n"
		"3 7 7 munmap 0x20000000 0x1000 = 0\n"
		"5 7 7 exit 1\n"
		"6 8 8 brk 0x0 = 0x30000000\n");
}

/* strace -p: the message tells whose threads they are. */
static void attached(void **state)
{
	(void)state;
	imports_to(
		"strace: Process 7 attached with 3 threads\n"
		"[pid     9] " T "1 brk(NULL) = 0x30000000 <0.000001>\n"
		"[pid     8] " T "2 munmap(0x10000000, 4096) = 0 <0.000001>\n"
		"[pid     8] " T "3 +++ exited with 0 +++\n"
		"[pid     9] " T "3 +++ exited with 0 +++\n"
		T "4 +++ exited with 0 +++\n",
		"0 7 9 mmap 0x10000000 0x1000 rw p ;assumed\n"
		"0 7 9 brk 0x0 = 0x30000000\n"
		"1 7 8 munmap 0x10000000 0x1000 = 0\n"
		"2 7 8 exit 0\n"
		"2 7 9 exit 0\n"
		"3 7 7 exit 1\n");
}

/* Nobody's id: there was one task only. A clock that was set back does not turn the order. */
static void one_task(void **state)
{
	(void)state;
	imports_to(
		T "5 brk(NULL) = 0x30000000 <0.000001>\n"
		T "1 brk(0x30001000) = 0x30001000 <0.000001>\n",
		"0 1 1 brk 0x0 = 0x30000000\n"
		"0 1 1 brk 0x30001000 = 0x30001000\n");
}

static void other_lines(void **state)
{
	struct imported im = import_text(import_strace,
		EXEC
		"7 " T "1 read(3</a>, \"\\177ELF\", 832) = 832 <0.000001>\n"
		"7 " T "1 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---\n"
		"7 " T "1 shmat(5, NULL, 0) = 0x10000000 <0.000001>\n"
		"7 " T "1 madvise(0x10000000, 4096, MADV_OF_THE_FUTURE) = 0 <0.000001>\n"
		"7 " T "1 munmap( <unavailable ...>) = 0\n"
		"7 " T "1 munmap(0x10000000, 4096)\n"
		"7 " T "1 munmap(oops, 4096) = 0\n"
		"7 " T "1 brk(NULL) = 0x30000000\r\n"
		" > /lib/libc.so.6(mmap64+0x33) [0x10]\n"
		"\n"
		"7 " T "2 munmap(0x10000000, 40");

	(void)state;
	assert_string_equal(im.text, "0 7 7 exec\n"
				     "1 7 7 brk 0x0 = 0x30000000\n");
	assert_int_equal(im.report.unknown_events, 2);
	assert_int_equal(im.report.unsupported, 2);
	assert_int_equal(im.report.skipped_lines, 4);
	assert_int_equal(im.report.cut_lines, 1);
	import_done(&im);
}

/* No kernel answers so; a call has no more arguments than it has. */
static void impossible(void **state)
{
	struct imported im = import_text(import_strace,
		"7 " T "0 mremap(0x10000001, 4096, 8192, MREMAP_MAYMOVE) = 0x20000000\n"
		"7 " T "0 mmap(NULL, 4096, PROT_READ, " ANON ") = 0x10000001\n"
		"7 " T "0 munmap(0x10000000, 4096) = -5000\n"
		"7 " T "1 brk(NULL, 4096) = 0x10000000 <0.000001>\n");

	(void)state;
	assert_string_equal(im.text, "1 7 7 brk 0x0 = 0x10000000\n");
	assert_int_equal(im.rec.ops[0].len, 0);
	assert_int_equal(im.report.unsupported, 3);
	import_done(&im);
}

/* Thread 8 was given the place that thread 7 unmapped meanwhile. */
static void reused_place(void **state)
{
	struct imported im = import_text(import_strace,
		"7 " T "0 clone(child_stack=0x7f0, " THREAD ") = 8 <0.000001>\n"
		"7 " T "0 mmap(NULL, 4096, PROT_READ, " ANON ") = 0x10000000\n"
		"8 " T "1 mmap(NULL, 4096, PROT_READ, " ANON " " UNFINISHED
		"7 " T "2 munmap(0x10000000, 4096) = 0 <0.000001>\n"
		"8 " T "3 <... mmap resumed>) = 0x10000000 <0.000002>\n");

	(void)state;
	assert_string_equal(im.text, "0 7 7 thread 8\n"
				     "0 7 7 mmap 0x10000000 0x1000 r ph = 0x10000000\n"
				     "2 7 7 munmap 0x10000000 0x1000 = 0\n"
				     "3 7 8 mmap 0x10000000 0x1000 r ph = 0x10000000\n");
	assert_int_equal(im.report.postponed, 1);
	import_done(&im);
}

/* What a recording from here lacks stands in it, in words for whoever reads a result. */
static void limits(void **state)
{
	struct imported im = import_text(import_strace,
		EXEC
		"7 " T "1 mmap(NULL, 8192, PROT_READ, " ANON ") = 0x10000000\n"
		"7 " T "2 madvise(0x10000000, 4096, MADV_FREE) = 0 <0.000001>\n"
		"7 " T "5 madvise(0x10000000, 4096, MADV_COLD) = 0 <0.000001>\n");

	(void)state;
	assert_int_equal(import_stat(&im.rec, "recorded_times_of_ptrace"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_no_touches"), 1);
	assert_int_equal(import_stat(&im.rec, "recorded_duration_ns"), 6000);
	assert_int_equal(import_stat(&im.rec, "recorded_madvise_total"), 2);
	assert_int_equal(import_stat(&im.rec, "recorded_madvise_dontneed_free"), 1);
	assert_non_null(recording_limit("recorded_times_of_ptrace"));
	assert_non_null(recording_limit("recorded_no_touches"));
	assert_null(recording_limit("recorded_duration_ns"));
	assert_string_equal(im.report.unit, "calls");
	import_done(&im);
}

#define EXPECTED "expected text as printed by strace -f -ttt -T, found "

static void errors(void **state)
{
	static const char no_calls[] = ": expected calls such as mmap, found none: trace them, "
				       "e.g. with strace -f -ttt -T -e trace=%memory,%process";
	struct import_report report;
	struct recording rec;
	struct sim_error err;

	(void)state;
	fails_with("", ":1: " EXPECTED "none");
	fails_with("7 05:16:47 brk(NULL) = 0x10000\n", ":1: " EXPECTED "times of strace -t or -tt");
	fails_with("\n7 05:16:47.371055 brk(NULL) = 0x1\n",
		   ":2: " EXPECTED "times of strace -t or -tt");
	fails_with("[pid 7] 05:16:47.371055 brk(NULL) = 0x1\n",
		   ":1: " EXPECTED "times of strace -t or -tt");
	fails_with("7      0.000226 brk(NULL) = 0x1\n", ":1: " EXPECTED "times of strace -r");
	fails_with("7  brk(NULL) = 0x1\n", ":1: " EXPECTED "lines without times");
	fails_with("brk(NULL) = 0x1\n", ":1: " EXPECTED "lines without times");
	fails_with("a 7/7 [000] 1.000000: sched:sched_switch: prev_comm=a\n",
		   ":1: " EXPECTED "`a 7/7 [000] 1.000000: sched:sched_switch`");
	fails_with("7 " T "0 read(3, \"\", 832) = 0 <0.000001>\n", no_calls);
	assert_int_equal(import_strace("/nonexistent", &rec, &report, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent: No such file or directory");
}

/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(system_calls),	   cmocka_unit_test(locking_calls),
		cmocka_unit_test(process_madvise), cmocka_unit_test(other_numbers),
		cmocka_unit_test(unfinished),	   cmocka_unit_test(no_result),
		cmocka_unit_test(tasks),	   cmocka_unit_test(exec_of_another_thread),
		cmocka_unit_test(names),	   cmocka_unit_test(to_a_terminal),
		cmocka_unit_test(attached),	   cmocka_unit_test(one_task),
		cmocka_unit_test(other_lines),	   cmocka_unit_test(reused_place),
		cmocka_unit_test(impossible),	   cmocka_unit_test(limits),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
