/* SPDX-License-Identifier: MIT */
/* Numbers and distributions; see draw.h. */
#include "draw.h"
#include "op.h"
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum draw_kind kind;
	unsigned int nr;
} draws[] = {
#define X(kind, name, nr, written, help) {name, DRAW_##kind, nr},
	DRAWS(X)
#undef X
};

static int parse_number(const char *text, enum draw_unit unit, uint64_t *number)
{
	bool pages = unit == DRAW_BYTES && strncmp(text, "0x", 2) && *text &&
		     isdigit((unsigned char)text[strlen(text) - 1]);

	if (unit == DRAW_TIME)
		return sim_parse_time(text, number);
	if (sim_parse_size(text, number) || (pages && *number > UINT64_MAX / 2 / SIM_PAGE_SIZE))
		return -EINVAL;
	if (pages)
		*number *= SIM_PAGE_SIZE;
	return 0;
}

/* What stands between the brackets. */
static int parse_numbers(const char *text, enum draw_unit unit, struct draw *draw)
{
	char word[40];

	for (;;) {
		size_t len = strcspn(text, ",)");

		if (!len || len >= sizeof(word) || draw->nr == DRAW_ONE_OF_MAX)
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		if (parse_number(word, unit, &draw->number[draw->nr++]))
			return -EINVAL;
		text += len;
		if (*text == ')')
			return text[1] ? -EINVAL : 0;
		if (!*text++)
			return -EINVAL;
	}
}

int draw_parse(const char *text, enum draw_unit unit, struct draw *draw)
{
	memset(draw, 0, sizeof(*draw));
	for (size_t i = 0; i < sizeof(draws) / sizeof(*draws); i++) {
		size_t len = strlen(draws[i].name);

		if (strncmp(text, draws[i].name, len) || text[len] != '(')
			continue;
		draw->kind = draws[i].kind;
		if (parse_numbers(text + len + 1, unit, draw) ||
		    (draws[i].nr && draw->nr != draws[i].nr))
			return -EINVAL;
		return draw->kind == DRAW_UNIFORM && draw->number[0] > draw->number[1] ? -EINVAL :
											 0;
	}
	draw->kind = DRAW_CONSTANT;
	return parse_number(text, unit, &draw->number[0]);
}

const char *draw_expected(enum draw_unit unit)
{
	static const char *const what[] = {
		[DRAW_COUNT] = "a number, uniform(A,B), exp(MEAN) or oneof(A,B,...)",
		[DRAW_BYTES] = "a size such as 64k, pages, uniform(A,B), exp(MEAN), oneof(A,...)",
		[DRAW_TIME] = "a time such as 5ms, uniform(A,B), exp(MEAN) or oneof(A,B,...)",
	};

	return what[unit];
}

uint64_t draw_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t draw_below(uint64_t *state, uint64_t bound)
{
	return (uint64_t)((unsigned __int128)draw_random(state) * bound >> 64);
}

/*
 * -ln(u) for u uniform in (0, 1], as a multiple of 2^-20. A logarithm to base
 * 2 bit by bit: squaring a number between 1 and 2 doubles its logarithm, and
 * whether the square reached 2 is the next bit.
 */
static uint64_t minus_ln(uint64_t random)
{
	const uint64_t ln2 = 0xb17217f7; /* times 2^32 */
	uint64_t u = random | 1;
	unsigned int zeros = (unsigned int)__builtin_clzll(u);
	uint64_t mantissa = u << zeros; /* 1.0 is 2^63 */
	uint64_t log2 = 0;

	for (int bit = 0; bit < 20; bit++) {
		unsigned __int128 square = (unsigned __int128)mantissa * mantissa >> 63;

		log2 <<= 1;
		if (square >> 64) {
			log2 |= 1;
			square >>= 1;
		}
		mantissa = (uint64_t)square;
	}
	log2 = ((uint64_t)(zeros + 1) << 20) - log2;
	return (uint64_t)((unsigned __int128)log2 * ln2 >> 32);
}

static uint64_t next_exp(uint64_t mean, uint64_t *state)
{
	unsigned __int128 number = (unsigned __int128)mean * minus_ln(draw_random(state)) >> 20;

	return number > UINT64_MAX ? UINT64_MAX : (uint64_t)number;
}

static uint64_t next_uniform(uint64_t from, uint64_t to, uint64_t *state)
{
	uint64_t span = to - from + 1;

	/* 0: of all numbers that there are. */
	return from + (span ? draw_below(state, span) : draw_random(state));
}

uint64_t draw_next(const struct draw *draw, uint64_t *state)
{
	switch (draw->kind) {
	case DRAW_UNIFORM:
		return next_uniform(draw->number[0], draw->number[1], state);
	case DRAW_EXP:
		return next_exp(draw->number[0], state);
	case DRAW_ONE_OF:
		return draw->number[draw_below(state, draw->nr)];
	default:
		return draw->number[0];
	}
}
