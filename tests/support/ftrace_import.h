/* SPDX-License-Identifier: MIT */
/* What the tests of the import of ftrace's text share. cmocka.h comes before. */
#ifndef MMSIM_TESTS_SUPPORT_FTRACE_IMPORT_H
#define MMSIM_TESTS_SUPPORT_FTRACE_IMPORT_H

#include "../../sim/import/ftrace_text.h"
#include "import_case.h"

static inline struct imported import_as(enum ftrace_arch arch, const char *text)
{
	struct imported im = {.path = file_with(text)};

	im.ret = import_ftrace(im.path, arch, &im.rec, &im.report, &im.err);
	unlink(im.path);
	im.text = text_of(&im.rec);
	return im;
}

static inline struct imported import(const char *text)
{
	return import_as(FTRACE_ARCH_UNKNOWN, text);
}

static inline void imports_to(const char *text, const char *expected)
{
	struct imported im = import(text);

	assert_string_equal(im.err.text, "");
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, expected);
	assert_int_equal(im.report.skipped_lines, 0);
	assert_int_equal(im.report.unknown_events, 0);
	import_done(&im);
}

static int ftrace_of_any_arch(const char *path, struct recording *out, struct import_report *report,
			      struct sim_error *err)
{
	return import_ftrace(path, FTRACE_ARCH_UNKNOWN, out, report, err);
}

static inline void fails_with(const char *text, const char *expected)
{
	import_fails(ftrace_of_any_arch, text, expected);
}

#define EXEC "sched_process_exec: filename=./a pid=7 old_pid=7\n"

#endif
