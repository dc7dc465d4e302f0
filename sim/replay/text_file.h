/* SPDX-License-Identifier: MIT */
/* Whole text files in memory, plain or xz. */
#ifndef MMSIM_SIM_REPLAY_TEXT_FILE_H
#define MMSIM_SIM_REPLAY_TEXT_FILE_H

#include "../scenario/op.h"

/* A file's text with a NUL after it and none in it. */
struct text_file {
	char *text;
	size_t len;
	bool cut; /* the xz stream ended too early */
};

/**
 * text_file_read - read a file, decompressing it when it begins like an xz file
 * @path: the file
 * @file: overwritten; the caller frees @file->text when 0 is returned
 * @err: what was wrong, may be NULL
 *
 * A cut xz stream is no error here: what it holds is returned with @file->cut set.
 *
 * Return: 0 or a negative errno.
 */
int text_file_read(const char *path, struct text_file *file, struct sim_error *err);

/**
 * text_file_write - write a file, compressed when its name ends in .xz
 * @path: the file
 * @text: what to write
 * @len: bytes at @text
 * @err: what was wrong, may be NULL
 *
 * Return: 0 or a negative errno.
 */
int text_file_write(const char *path, const char *text, size_t len, struct sim_error *err);

#endif
