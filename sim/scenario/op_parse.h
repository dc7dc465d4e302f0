/* SPDX-License-Identifier: MIT */
/* What the parsers of operations share: a line as words, and what was expected of them. */
#ifndef MMSIM_SIM_SCENARIO_OP_PARSE_H
#define MMSIM_SIM_SCENARIO_OP_PARSE_H

#include "script.h"

#define WORDS_MAX 32

/* One line, cut into words. */
struct parse {
	const char *file;
	unsigned int line;
	struct sim_error *err;
	const struct sim_op_spec *spec; /* once the operation is known */
	struct script_op *script; /* where places and distributions go; NULL: there are none */
	char text[SIM_OP_LINE_MAX];
	char *word[WORDS_MAX];
	int nr_words, at;
};

/* The word at hand; NULL: the line has ended. */
const char *parse_peek(const struct parse *p);
/* Say what was expected at the word at hand; -EINVAL. */
int parse_expected(const struct parse *p, const char *what);
/* The same with what was likely meant, if @near is not NULL. */
int parse_expected_name(const struct parse *p, const char *what, const char *near);
/* Begin with a line: 1 when it holds an operation, 0 when it is blank or a comment. */
int parse_begin(struct parse *p, const char *text, struct sim_op *op);
/* The operation's name and its arguments. */
int parse_op(struct parse *p, struct sim_op *op);
/* Nothing may follow: 1, or -EINVAL. */
int parse_end(const struct parse *p);

/* script.c: what only scripts have in place of a number. @n: the first or the second. */
int script_parse_place(struct parse *p, struct sim_op *op, int n);
int script_parse_len(struct parse *p, int n);
int script_parse_time(struct parse *p);
int script_parse_name(struct parse *p);

#endif
