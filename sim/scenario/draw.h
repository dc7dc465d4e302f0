/* SPDX-License-Identifier: MIT */
/*
 * Numbers of scripts: a size, a time, a count, or a distribution of them that
 * is drawn from anew each time. Integers only, so that the same seed draws the
 * same numbers on every computer.
 */
#ifndef MMSIM_SIM_SCENARIO_DRAW_H
#define MMSIM_SIM_SCENARIO_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRAW_ONE_OF_MAX 8

enum draw_kind { DRAW_NONE, DRAW_CONSTANT, DRAW_UNIFORM, DRAW_EXP, DRAW_ONE_OF };

struct draw {
	enum draw_kind kind;
	unsigned int nr;
	uint64_t number[DRAW_ONE_OF_MAX]; /* the constant; from, to; the mean; the choices */
};

/* How a number is written. */
enum draw_unit {
	DRAW_COUNT, /* 16, 4k */
	DRAW_BYTES, /* 64k; without a suffix pages, with 0x bytes */
	DRAW_TIME, /* 8.33ms; without a suffix seconds */
};

/* The distributions: X(KIND, "name", arguments, 0 for 1 to 8, "written as", "help"). */
#define DRAWS(X)                                                                                   \
	X(UNIFORM, "uniform", 2, "uniform(FROM,TO)", "each from FROM to TO equally often")         \
	X(EXP, "exp", 1, "exp(MEAN)", "exponential; at most 45 times MEAN")                        \
	X(ONE_OF, "oneof", 0, "oneof(A,B,...)", "one of up to 8 numbers, equally often")

/**
 * draw_parse - read a number or a distribution; it has no blanks
 * Return: 0 or -EINVAL.
 */
int draw_parse(const char *text, enum draw_unit unit, struct draw *draw);

/* What is expected where a number of that unit stands. */
const char *draw_expected(enum draw_unit unit);

/* Splitmix64: a stream of numbers from any seed. */
uint64_t draw_random(uint64_t *state);
/* Below @bound, which is not 0. */
uint64_t draw_below(uint64_t *state, uint64_t bound);
/* The next number. */
uint64_t draw_next(const struct draw *draw, uint64_t *state);

#endif
