/* SPDX-License-Identifier: MIT */
/* The operation language: every operation reads back as written, and errors say what to do. */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../sim/replay/recording.h"
#include "../../sim/scenario/op.h"

#define NELEMS(array) (sizeof(array) / sizeof((array)[0]))

static const char *const list_lines[] = {
	"0 mmap 30 24 rw p",
	"0 mmap 14 1 rw p f1 2",
	"1 mmap 17 4 rx pen f1 5",
	"0 mmap 1 0 none s",
	"0 mmap 1 63 rwx sePl",
	"0 mmap 1 2 w phnPlgk",
	"0 mmap 1 2 x p",
	"0 mmap 1 2 wx p f0 0",
	"0 mmap 0x7f0000001000 0xc3cf r ph",
	"0 munmap 44 6",
	"0 munmap 63 0x123",
	"3 mprotect 16 7 none",
	"0 mlock 25 6",
	"0 mlock 25 6 onfault",
	"0 munlock 25 6",
	"0 mlockall cf",
	"0 mlockall fo",
	"0 munlockall",
	"0 process_madvise 3 2 7 1 DONTNEED",
	"0 userfaultfd 3 2 on",
	"0 userfaultfd 3 2 off",
	"0 madvise 17 6 GUARD_INSTALL",
	"0 madvise 17 6 DONTNEED_LOCKED",
	"0 madvise 0x7f0000001000 0x1000 -1",
	"0 madvise 17 6 77",
	"0 mremap 52 2 1 inplace",
	"0 mremap 52 2 4 maymove",
	"0 mremap 21 2 1 to 6",
	"0 mremap 40 1 1 dontunmap 43",
	"0 mremap 0x7f0000001000 0x1000 0x3000 to 0x7f0000009000",
	"0 brk 0x0",
	"0 brk 0x562b6a7cd000",
	"0 move_pages 7 3",
	"0 r 15",
	"0 r 0x7f550bed8b70",
	"0 w 6 1001",
	"0 w 6",
	"0 fork",
	"0 fork 12",
	"0 thread 25091",
	"0 exec",
	"2 exit",
	"2 exit 1",
};

static const char *const record_lines[] = {
	"0 1 1 exec",
	"283 25089 25090 mmap 0x7f550bea7000 0xc3cf r ph = 0x7f550bea7000 ;file",
	"93 25089 25089 mmap 0x562b39d14000 0xc000 rwx p ;assumed",
	"93 25089 25089 mmap 0x562b39d14000 0xc000 rw s ;assumed ;file",
	"93.007 25089 25089 munmap 0x562b39d14000 0xc000 = 0",
	"18446744073709550.999 1 2 madvise 0x562b39d14000 0xc000 FREE = EINVAL",
	"5 1 2 madvise 0x562b39d14000 0xc000 -2147483648 = EINVAL",
	"5 1 2 mprotect 0x562b39d14000 0xc000 rx = ENOMEM",
	"5 1 2 mprotect 0x562b39d14000 0xc000 rx = -513",
	"5 1 2 fork 17",
	"5 1 2 exit 0",
	"5 1 2 w 0x562b39d14001",
	"5 1 2 brk 0x0 = 0x562b6a7ac000",
};

static void list_round_trip(void **state)
{
	char text[SIM_OP_LINE_MAX];
	struct sim_op op;

	(void)state;
	for (size_t i = 0; i < NELEMS(list_lines); i++) {
		assert_int_equal(sim_op_parse_list(list_lines[i], "t", 7, &op, NULL), 1);
		assert_int_equal(op.line, 7);
		assert_int_equal(sim_op_print_list(&op, text, sizeof(text)), strlen(list_lines[i]));
		assert_string_equal(text, list_lines[i]);
	}
}

static void record_round_trip(void **state)
{
	char text[SIM_OP_LINE_MAX];
	struct sim_error err = {""};
	struct sim_op op;

	(void)state;
	for (size_t i = 0; i < NELEMS(record_lines); i++) {
		int ret = sim_op_parse_record(record_lines[i], "t", 1, &op, &err);

		assert_string_equal(err.text, "");
		assert_int_equal(ret, 1);
		ret = sim_op_print_record(&op, text, sizeof(text));
		assert_int_equal(ret, strlen(record_lines[i]));
		assert_string_equal(text, record_lines[i]);
	}
}

/* Every row of the table occurs among the lines that make the round trip. */
static void round_trip_is_complete(void **state)
{
	bool seen[NR_SIM_OPS] = {false};
	struct sim_op op;

	(void)state;
	for (size_t i = 0; i < NELEMS(list_lines); i++) {
		assert_int_equal(sim_op_parse_list(list_lines[i], "t", 1, &op, NULL), 1);
		seen[op.kind] = true;
	}
	for (int kind = 0; kind < NR_SIM_OPS; kind++) {
		/* What only scripts have is not printed. */
		assert_true(seen[kind] || kind >= SIM_FIRST_SCRIPT_OP);
		assert_non_null(sim_op_specs[kind].help);
	}
}

/* A result that no system call has keeps its value; it is not taken for an errno. */
static void result_below_errors(void **state)
{
	struct sim_op op;
	char text[SIM_OP_LINE_MAX];

	(void)state;
	assert_int_equal(sim_op_parse_record("5 1 2 exec = 0", "t", 1, &op, NULL), 1);
	op.result = INT64_MIN;
	assert_true(sim_op_print_record(&op, text, sizeof(text)) > 0);
	assert_string_equal(text, "5 1 2 exec = -9223372036854775808");
	op.result = -((INT64_C(1) << 32) + ENOMEM);
	assert_true(sim_op_print_record(&op, text, sizeof(text)) > 0);
	assert_string_equal(text, "5 1 2 exec = -4294967308");
}

static void fields(void **state)
{
	struct sim_op op;

	(void)state;
	assert_int_equal(sim_op_parse_list("3 mmap 2 5 rw pen f1 9\r\n", "t", 1, &op, NULL), 1);
	assert_int_equal(op.kind, OP_MMAP);
	assert_int_equal(op.pid, 3);
	assert_int_equal(op.tid, 3);
	assert_int_equal(op.addr, 0x100000002000);
	assert_int_equal(op.len, 0x5000);
	assert_int_equal(op.prot, PROT_READ | PROT_WRITE);
	assert_int_equal(op.flags, MAP_PRIVATE | MAP_FIXED_NOREPLACE | MAP_NORESERVE);
	assert_int_equal(op.file, 1);
	assert_int_equal(op.pgoff, 9);
	assert_int_equal(sim_op_parse_list("0 mmap 2 5 rw s", "t", 1, &op, NULL), 1);
	assert_int_equal(op.flags, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS);
	assert_int_equal(op.file, -1);
	assert_int_equal(sim_op_parse_record("1.5 1 2 r 0x10 = EFAULT", "t", 1, &op, NULL), 1);
	assert_int_equal(op.time_ns, 1500);
	assert_int_equal(op.tid, 2);
	assert_true(op.has_result);
	assert_int_equal(op.result, -EFAULT);
	assert_int_equal(sim_op_parse_list("0 madvise 1 1 COLLAPSE", "t", 1, &op, NULL), 1);
	assert_int_equal(op.advice, 25);
}

static void nothing(void **state)
{
	struct sim_op op;

	(void)state;
	assert_int_equal(sim_op_parse_list("", "t", 1, &op, NULL), 0);
	assert_int_equal(sim_op_parse_list(" \t\n", "t", 1, &op, NULL), 0);
	assert_int_equal(sim_op_parse_list("# level=all seed=1", "t", 1, &op, NULL), 0);
	assert_int_equal(sim_op_parse_record("  # x", "t", 1, &op, NULL), 0);
}

static void list_errors(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"x mmap", "a.ops:3: expected a process number, found 'x'"},
		{"0", "a.ops:3: expected an operation, found the end of the line"},
		{"0 mumap 1 2",
		 "a.ops:3: expected an operation, found 'mumap' (did you mean munmap?)"},
		{"0 munmpa 1 2",
		 "a.ops:3: expected an operation, found 'munmpa' (did you mean munmap?)"},
		{"0 frobnicate", "a.ops:3: expected an operation, found 'frobnicate'"},
		{"0 munmap 1",
		 "a.ops:3: expected a number of pages or of bytes 0x..., found the end of the line "
		 "(munmap START LEN)"},
		{"0 munmap 64 1", "a.ops:3: expected a page from 0 to 63 or an address 0x..., "
				  "found '64' (munmap START LEN)"},
		{"0 munmap 0xg 1", "a.ops:3: expected a page from 0 to 63 or an address 0x..., "
				   "found '0xg' (munmap START LEN)"},
		{"0 munmap 1 2 3",
		 "a.ops:3: expected the end of the line, found '3' (munmap START LEN)"},
		{"0 exec 3", "a.ops:3: expected the end of the line, found '3' (exec)"},
		{"0 mprotect 1 1 wr",
		 "a.ops:3: expected a protection (none r rw rx rwx w x wx), found 'wr' "
		 "(mprotect START LEN PROT)"},
		{"0 mmap 1 1 rw z",
		 "a.ops:3: expected flags (p or s, then any of e h n P l g k), found 'z' "
		 "(mmap START LEN PROT FLAGS [fK PGOFF])"},
		{"0 mmap 1 1 rw peh", "a.ops:3: expected flags with e or h, not both, found 'peh' "
				      "(mmap START LEN PROT FLAGS [fK PGOFF])"},
		{"0 mmap 1 1 rw p g1", "a.ops:3: expected a file fK or nothing, found 'g1' "
				       "(mmap START LEN PROT FLAGS [fK PGOFF])"},
		{"0 mmap 1 1 rw p f1",
		 "a.ops:3: expected the page of the file that the mapping begins with, found the "
		 "end of the line (mmap START LEN PROT FLAGS [fK PGOFF])"},
		{"0 madvise 1 1 DONTNED",
		 "a.ops:3: expected an advice, found 'DONTNED' (did you mean DONTNEED?)"},
		{"0 madvise 1 1 XYZZYPLUGH",
		 "a.ops:3: expected an advice, found 'XYZZYPLUGH' (madvise START LEN ADVICE)"},
		{"0 mremap 1 1 1 up",
		 "a.ops:3: expected inplace, maymove, to NEW or dontunmap NEW, found 'up' "
		 "(mremap OLD LEN NEWLEN inplace|maymove|to NEW|dontunmap NEW)"},
		{"0 w 1 -5", "a.ops:3: expected a number, found '-5' (w ADDR [VALUE])"},
		{"0 munmap 1 18446744073709551615",
		 "a.ops:3: expected a number of pages or of bytes 0x..., found "
		 "'18446744073709551615' (munmap START LEN)"},
	};
	struct sim_error err;
	struct sim_op op;

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		int ret = sim_op_parse_list(cases[i].line, "a.ops", 3, &op, &err);

		assert_int_equal(ret, -EINVAL);
		assert_string_equal(err.text, cases[i].text);
	}
}

static void record_errors(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"1.2345 1 1 exec", "a.rec:3: expected a time in microseconds with at most 3 "
				    "decimals, found '1.2345'"},
		{"1. 1 1 exec", "a.rec:3: expected a time in microseconds with at most 3 "
				"decimals, found '1.'"},
		{"1.0x1 1 1 exec", "a.rec:3: expected a time in microseconds with at most 3 "
				   "decimals, found '1.0x1'"},
		{"1 1 exec", "a.rec:3: expected a thread id, found 'exec'"},
		{"1 1 1 exec =", "a.rec:3: expected a result (0, an address 0x... or an errno "
				 "name), found the end of the line (exec)"},
		{"1 1 1 exec = EWHAT", "a.rec:3: expected a result (0, an address 0x... or an "
				       "errno name), found 'EWHAT' (exec)"},
		{"1 1 1 exec ;guess",
		 "a.rec:3: expected a note (;assumed or ;file), found ';guess' (exec)"},
	};
	struct sim_error err;
	struct sim_op op;

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		int ret = sim_op_parse_record(cases[i].line, "a.rec", 3, &op, &err);

		assert_int_equal(ret, -EINVAL);
		assert_string_equal(err.text, cases[i].text);
	}
}

static void long_lines(void **state)
{
	char line[2 * SIM_OP_LINE_MAX], small[10];
	struct sim_error err;
	struct sim_op op;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(sim_op_parse_list(line, "a", 1, &op, &err), -EINVAL);
	assert_string_equal(err.text, "a:1: expected a line of less than 512 characters");
	for (size_t i = 1; i < 200; i += 2)
		line[i] = ' ';
	line[200] = '\0';
	assert_int_equal(sim_op_parse_list(line, "a", 1, &op, &err), -EINVAL);
	assert_string_equal(err.text, "a:1: expected at most 32 words");
	assert_int_equal(sim_op_parse_list("0 munmap 44 6", "a", 1, &op, &err), 1);
	assert_int_equal(sim_op_print_list(&op, small, sizeof(small)), -ENOSPC);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(sim_errno_name(ENOMEM), "ENOMEM");
	assert_null(sim_errno_name(4000));
	assert_int_equal(sim_errno_number("EFAULT"), EFAULT);
	assert_int_equal(sim_errno_number("E"), 0);
	assert_string_equal(sim_advice_name(102), "GUARD_INSTALL");
	assert_null(sim_advice_name(-1));
}

/* ---- recordings ---- */

/* A file that holds @text, among the temporary files; the caller frees its name. */
static char *file_with(const char *text, const char *suffix)
{
	const char *dir = getenv("TMPDIR");
	char *path = NULL;
	int fd;

	assert_true(asprintf(&path, "%s/mmsim-XXXXXX%s", dir ? dir : "/tmp", suffix) > 0);
	fd = mkstemps(path, (int)strlen(suffix));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void recording_error(const char *text, const char *expected)
{
	char *path = file_with(text, ".rec"), *full = NULL;
	struct recording rec;
	struct sim_error err = {""};

	assert_int_equal(recording_load(path, 0, &rec, &err), -EINVAL);
	assert_true(asprintf(&full, "%s:%s", path, expected) > 0);
	assert_string_equal(err.text, full);
	unlink(path);
	free(full);
	free(path);
}

static void recording_errors(void **state)
{
	(void)state;
	recording_error("", "1: expected \"mmsim-recording 1\"");
	recording_error("mmsim-recording 2\n", "1: expected \"mmsim-recording 1\"");
	recording_error("mmsim-recording 1\nstat x\n", "2: expected stat NAME VALUE");
	recording_error("mmsim-recording 1\ntask 1 1 \n", "2: expected task TID PID NAME");
	recording_error("mmsim-recording 1\n2 1 1 exec\n1 1 1 exec\n",
			"3: expected a time that is not before the line above's");
	recording_error("mmsim-recording 1\n2 1 1 exec\n3 1 1 mu",
			"3: expected the rest of the file, which ends in the middle of a line");
}

static void recording_cut(void **state)
{
	char *path = file_with("mmsim-recording 1\n2 1 1 exec\n3 1 1 mu", ".rec");
	struct recording rec;

	(void)state;
	assert_int_equal(recording_load(path, RECORDING_ALLOW_CUT, &rec, NULL), 0);
	assert_int_equal(rec.nr_ops, 1);
	recording_free(&rec);
	unlink(path);
	free(path);
}

static void recording_round_trip(const char *suffix)
{
	char *from = file_with("mmsim-recording 1\n# comment\nstat faults 3\n"
			       "task 8 7 a b: [c]\n\n1.001 7 8 r 0x1000\n2 7 8 exit 1\n",
			       ".rec");
	char *to = file_with("", suffix);
	struct recording rec, again;
	uint64_t faults = 0;

	assert_int_equal(recording_load(from, 0, &rec, NULL), 0);
	assert_int_equal(recording_save(&rec, to, NULL), 0);
	assert_int_equal(recording_load(to, 0, &again, NULL), 0);
	assert_int_equal(again.nr_ops, 2);
	assert_int_equal(again.ops[0].time_ns, 1001);
	assert_int_equal(again.nr_tasks, 1);
	assert_int_equal(again.tasks[0].tid, 8);
	assert_int_equal(again.tasks[0].pid, 7);
	assert_string_equal(again.tasks[0].name, "a b: [c]");
	assert_true(recording_stat(&again, "faults", &faults));
	assert_int_equal(faults, 3);
	assert_false(recording_stat(&again, "nothing", &faults));
	recording_free(&again);
	recording_free(&rec);
	unlink(from);
	unlink(to);
	free(from);
	free(to);
}

static void recording_plain(void **state)
{
	(void)state;
	recording_round_trip(".rec");
}

static void recording_xz(void **state)
{
	(void)state;
	recording_round_trip(".rec.xz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_round_trip),
		cmocka_unit_test(record_round_trip),
		cmocka_unit_test(round_trip_is_complete),
		cmocka_unit_test(result_below_errors),
		cmocka_unit_test(fields),
		cmocka_unit_test(nothing),
		cmocka_unit_test(list_errors),
		cmocka_unit_test(record_errors),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(names),
		cmocka_unit_test(recording_errors),
		cmocka_unit_test(recording_cut),
		cmocka_unit_test(recording_plain),
		cmocka_unit_test(recording_xz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
