/* SPDX-License-Identifier: MIT */
/* How strace writes the arguments and results of system calls. */
#ifndef MMSIM_SIM_IMPORT_STRACE_VALUE_H
#define MMSIM_SIM_IMPORT_STRACE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRACE_ARGS_MAX 8

/* A piece of a line. */
struct strace_piece {
	const char *at;
	size_t len;
};

/* Arguments, fields of a structure, or elements of an array; those past the last are not kept. */
struct strace_args {
	struct strace_piece arg[STRACE_ARGS_MAX];
	unsigned int nr;
};

/**
 * strace_split - cut a list at its commas
 * @text: what stands behind the opening bracket
 * @args: the pieces, without blanks around them
 *
 * Strings, comments, what strace says of a descriptor (3</path>) and inner brackets stay whole.
 *
 * Return: what stands behind the closing bracket; NULL when there is none: it is unfinished.
 */
const char *strace_split(const char *text, struct strace_args *args);

/**
 * strace_inner - cut an array or a structure at its commas
 * @piece: [..] or {..}
 * @args: the pieces
 *
 * Return: whether @piece is one.
 */
bool strace_inner(const struct strace_piece *piece, struct strace_args *args);

/**
 * strace_field - look for NAME=VALUE
 * @args: where
 * @name: the name
 * @value: set to the value
 *
 * Return: whether it is there.
 */
bool strace_field(const struct strace_args *args, const char *name, struct strace_piece *value);

/**
 * strace_number - read a number, or symbols and numbers joined by |
 * @piece: the text: 4096, 0x1000, 0644, -1, NULL, PROT_READ|0x10, 21<<MAP_HUGE_SHIFT, 8192*1024,
 *         each perhaps with a <description> or a comment behind it
 * @value: their sum of bits
 *
 * Return: how many of its symbols are not known, and count as 0; -1 when it is no number.
 */
int strace_number(const struct strace_piece *piece, uint64_t *value);

/**
 * strace_string - read a string
 * @piece: "text", perhaps with ... behind it
 * @string: what stands between the quotes, as it is written
 *
 * Return: whether @piece is one.
 */
bool strace_string(const struct strace_piece *piece, struct strace_piece *string);

/* What stands behind a system call's closing bracket. */
struct strace_result {
	bool known; /* false: it is ?, or an error without a name here */
	int64_t value; /* errors are negative */
	int pid; /* the number as a process id as strace sees it, 0 if it is none */
	uint64_t duration_ns; /* 0 when -T was not given */
};

/**
 * strace_result - read a result
 * @text: ` = RESULT <DURATION>`
 * @result: what it says
 *
 * Return: whether @text is a result.
 */
bool strace_result(const char *text, struct strace_result *result);

#endif
