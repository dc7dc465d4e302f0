/* SPDX-License-Identifier: MIT */
/*
 * Scripts: the operation language with places, distributions and choices.
 *
 *	[P% | weight N] [Nx] OP ARGS [as NAME]
 *
 * P%: done in P of 100 cases. weight N: of adjacent lines with a weight one is
 * done, N times as often as one with weight 1. Nx: done N times; N may be a
 * distribution. as NAME: what mmap or mremap answers is a place of that name
 * from then on, for this task; in a process' setup, for each of its tasks. A
 * mmap that fails makes it no place: what is done there fails. A mremap that
 * fails leaves it as it was.
 *
 * Where an operation has an address there may be a place,
 *
 *	NAME[#WHICH][+WHERE][+SIZE | -SIZE]
 *
 * in a VMA or an `as` of that name. WHICH, of a VMA with a count: its number,
 * task (this task's number in its count), random, or next (one after another).
 * WHERE: start, end, random (a page, so that the length fits), next (behind the
 * last such of this task, from the start again at the end), hot(P,Q) (in P of
 * 100 cases within the first Q hundredths, else behind them). Where an
 * operation has a length there may be a distribution, or all: the whole of
 * the place.
 */
#ifndef MMSIM_SIM_SCENARIO_SCRIPT_H
#define MMSIM_SIM_SCENARIO_SCRIPT_H

#include "draw.h"
#include "op.h"

#define SCRIPT_NAME_MAX 32
#define SCRIPT_AS_MAX 32 /* different names behind `as` in a scenario */

enum place_kind {
	PLACE_NONE, /* the address is a number */
	PLACE_ANY, /* any: the kernel's choice */
	PLACE_NAME, /* not yet looked up */
	PLACE_VMA,
	PLACE_AS,
};

enum place_which { WHICH_ONLY, WHICH_NUMBER, WHICH_TASK, WHICH_RANDOM, WHICH_NEXT };
enum place_where { WHERE_START, WHERE_END, WHERE_RANDOM, WHERE_NEXT, WHERE_HOT };

struct place {
	enum place_kind kind;
	char name[SCRIPT_NAME_MAX];
	unsigned int index; /* of the VMA or the `as` */
	enum place_which which;
	unsigned int number; /* WHICH_NUMBER */
	enum place_where where;
	unsigned int hot_percent, hot_part;
	int64_t offset; /* bytes */
};

struct script_op {
	struct sim_op op;
	char *text; /* as it was written */
	const char *file; /* as script_add() was told */
	struct place place[2]; /* of addr and new_addr */
	struct draw len[2]; /* of len and new_len; DRAW_NONE: all of the place */
	struct draw time; /* sleep, compute */
	struct draw repeat;
	unsigned int per_mille; /* 1000: always */
	bool weighted; /* one of a group, with weight */
	unsigned int weight;
	unsigned int group, group_weight; /* first of a group: its lines, and the sum of weights */
	char name[SCRIPT_NAME_MAX]; /* of a barrier, of a script to do */
	char as_name[SCRIPT_NAME_MAX];
	int index; /* of the barrier, of the script */
	int as; /* of the result; -1: not kept */
};

struct script {
	struct script_op *ops;
	size_t nr;
	/* Bits, of its lines and of the scripts that it does: enum op_kind, barriers. */
	uint32_t kinds, barriers;
	uint32_t processes; /* those whose VMAs it names */
};

/**
 * script_add - add one line to a script
 * @text: the line
 * @file: name of the input, for this error and later ones: it stays
 * @line: number of the line
 * @err: what was expected
 *
 * Return: 1 for an operation, 0 for a blank line or a comment, -EINVAL, -ENOMEM.
 */
int script_add(struct script *script, const char *text, const char *file, unsigned int line,
	       struct sim_error *err);
void script_free(struct script *script);

/* Sum the weights of adjacent lines; to be called when the last line was added. */
void script_group(struct script *script);

/* Read a place alone, as scenarios have them in a key. 0, or -EINVAL with @err filled. */
int script_parse_place_alone(const char *text, const char *file, unsigned int line,
			     struct place *place, struct sim_error *err);

#endif
