/* SPDX-License-Identifier: MIT */
/* What the tests of the import of ftrace's text share. cmocka.h comes before. */
#ifndef MMSIM_TESTS_SUPPORT_FTRACE_IMPORT_H
#define MMSIM_TESTS_SUPPORT_FTRACE_IMPORT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sim/replay/ftrace_text.h"

/* What an import of a text gave. */
struct imported {
	struct recording rec;
	struct import_report report;
	struct sim_error err;
	int ret;
	char *path, *text;
};

static inline char *file_with(const char *text)
{
	const char *dir = getenv("TMPDIR");
	char *path = NULL;
	int fd;

	assert_true(asprintf(&path, "%s/mmsim-XXXXXX", dir ? dir : "/tmp") > 0);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

/* The operations as text, one a line. */
static inline char *text_of(const struct recording *rec)
{
	char line[SIM_OP_LINE_MAX], *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	for (size_t i = 0; i < rec->nr_ops; i++) {
		assert_true(sim_op_print_record(&rec->ops[i], line, sizeof(line)) > 0);
		fprintf(stream, "%s\n", line);
	}
	fclose(stream);
	return text;
}

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

static inline void done(struct imported *im)
{
	recording_free(&im->rec);
	free(im->text);
	free(im->path);
}

static inline void imports_to(const char *text, const char *expected)
{
	struct imported im = import(text);

	assert_string_equal(im.err.text, "");
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, expected);
	assert_int_equal(im.report.skipped_lines, 0);
	assert_int_equal(im.report.unknown_events, 0);
	done(&im);
}

static inline void fails_with(const char *text, const char *expected)
{
	struct imported im = import(text);
	char *full = NULL;

	assert_int_equal(im.ret, -EINVAL);
	assert_int_equal(im.rec.nr_ops, 0);
	assert_true(asprintf(&full, "%s%s", im.path, expected) > 0);
	assert_string_equal(im.err.text, full);
	free(full);
	done(&im);
}

#define EXEC "sched_process_exec: filename=./a pid=7 old_pid=7\n"

#endif
