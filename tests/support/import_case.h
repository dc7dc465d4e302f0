/* SPDX-License-Identifier: MIT */
/* What the tests of importers share: a text is imported, its operations are compared as text. */
#ifndef MMSIM_TESTS_SUPPORT_IMPORT_CASE_H
#define MMSIM_TESTS_SUPPORT_IMPORT_CASE_H

#include "../../sim/import/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int import_fn(const char *path, struct recording *out, struct import_report *report,
		      struct sim_error *err);

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

static inline struct imported import_text(import_fn *import, const char *text)
{
	struct imported im = {.path = file_with(text)};

	im.ret = import(im.path, &im.rec, &im.report, &im.err);
	unlink(im.path);
	if (!im.ret)
		im.text = text_of(&im.rec);
	return im;
}

static inline void import_done(struct imported *im)
{
	if (!im->ret)
		recording_free(&im->rec);
	free(im->text);
	free(im->path);
}

/* The text is imported as these operations. */
static inline void import_gives(import_fn *import, const char *text, const char *expected)
{
	struct imported im = import_text(import, text);

	assert_string_equal(im.err.text, "");
	assert_int_equal(im.ret, 0);
	assert_string_equal(im.text, expected);
	import_done(&im);
}

/* The text is refused; @expected is what the error says behind the file's name. */
static inline void import_fails(import_fn *import, const char *text, const char *expected)
{
	struct imported im = import_text(import, text);
	char *full = NULL;

	assert_int_equal(im.ret, -EINVAL);
	assert_true(asprintf(&full, "%s%s", im.path, expected) > 0);
	assert_string_equal(im.err.text, full);
	free(full);
	import_done(&im);
}

static inline uint64_t import_stat(const struct recording *rec, const char *name)
{
	uint64_t value = 0;

	assert_true(recording_stat(rec, name, &value));
	return value;
}

#endif
