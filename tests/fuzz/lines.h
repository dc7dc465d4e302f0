/* SPDX-License-Identifier: MIT */
/* Mutation by lines: what the fuzz targets read is text of lines that make sense alone. */
#ifndef MMSIM_TESTS_FUZZ_LINES_H
#define MMSIM_TESTS_FUZZ_LINES_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_LINE_MAX 512

/* libFuzzer's entries: its own mutation, and ours in front of it. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* A random stream; all of it follows from the seed that libFuzzer gives. */
struct fuzz_random {
	uint64_t state;
};

/* A number from 0 to @below - 1. */
unsigned int fuzz_random(struct fuzz_random *random, unsigned int below);

/**
 * fuzz_line_fn - make a line
 * @random: where its choices come from
 * @before: the line that will stand before it, without newline; "" if there is none
 * @line: FUZZ_LINE_MAX bytes; the line without newline
 */
typedef void fuzz_line_fn(struct fuzz_random *random, const char *before, char *line);

/**
 * fuzz_mutate_lines - mutate a text of lines
 * @data: the text, changed
 * @size: its size
 * @max_size: bytes at @data
 * @seed: of all choices
 * @make: makes new lines
 *
 * Lines are made, doubled, moved and taken out, words replaced; at times libFuzzer's own mutation
 * of bytes is done instead.
 *
 * Return: the new size.
 */
size_t fuzz_mutate_lines(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
			 fuzz_line_fn *make);

/* An operation and its arguments, without process and time, appended to @line. */
void fuzz_append_op(struct fuzz_random *random, char *line);

/* As fuzz_mutate_lines(), for a recording: its lines stay sorted by time. */
size_t fuzz_mutate_recording(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Append as printf() does; what does not fit is left out. */
void fuzz_append(char *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
