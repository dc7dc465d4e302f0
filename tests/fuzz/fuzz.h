/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: input as a file, and the comparison of what was read. */
#ifndef MMSIM_TESTS_FUZZ_FUZZ_H
#define MMSIM_TESTS_FUZZ_FUZZ_H

#include "replay/recording.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The libFuzzer entry; its answer is always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the program, as a finding, unless @condition holds; the rest says what was seen. */
#define FUZZ_CHECK(condition, ...)                                                                 \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not true: %s: ", __FILE__, __LINE__, #condition);  \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/**
 * fuzz_file - a file in memory that holds these bytes
 * @data: the bytes
 * @size: how many
 *
 * Return: a path to it, good until the next call.
 */
const char *fuzz_file(const void *data, size_t size);

/* Whether two operations are the same but for the line they were read from. */
bool fuzz_same_op(const struct sim_op *a, const struct sim_op *b);

/* What a recording holds is written and read back as the same. */
void fuzz_recording_round_trip(const struct recording *rec);

/* Whether the operations map so much that to walk it, table by table, takes too long. */
bool fuzz_maps_too_much(const struct sim_op *ops, size_t nr);

/* An error has a text that begins with the file's name. */
void fuzz_check_error(int ret, const struct sim_error *err, const char *path);

#endif
