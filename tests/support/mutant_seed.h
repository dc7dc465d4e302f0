/* SPDX-License-Identifier: MIT */
/*
 * A seeded fault must be caught by a checker at a named seed, and the library
 * without it must pass ten times as many seeds as the search for that one
 * looked at. Seeds are searched from 1 upwards, so a seed is its own number.
 */
#ifndef TESTS_SUPPORT_MUTANT_SEED_H
#define TESTS_SUPPORT_MUTANT_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mutant.h"

#define MUTANT_WHY 1024

struct mutant_seed {
	enum mmsim_mutant mutant;
	uint64_t seed; /* the first that is caught */
	const char *detection; /* what the checker then says: a piece of it */
};

/* How far the search goes when a change of the library's steps made the named seed stale. */
#define MUTANT_SEED_BOUND 5000

/* One run. True: nothing wrong; else @why says what. */
typedef bool (*mutant_run)(uint64_t seed, const void *arg, char *why);

/* Failed cmocka assertions if the fault is not caught, or anything is without it. */
void mutant_check(const struct mutant_seed *m, mutant_run run, const void *arg);

const char *mutant_name(enum mmsim_mutant mutant);

#endif
