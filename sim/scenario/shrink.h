/* SPDX-License-Identifier: MIT */
/* Making a failing schedule short. */
#ifndef MMSIM_SIM_SCENARIO_SHRINK_H
#define MMSIM_SIM_SCENARIO_SHRINK_H

#include <stdbool.h>
#include <stddef.h>

/* Does a run by this schedule fail as the first one did? */
typedef bool (*shrink_fails)(const char *schedule, void *data);

/**
 * shrink_schedule - leave out all words that the failure does not need
 * @schedule: one with which it fails
 * @fails: called for each schedule that is tried
 * @stop: set from outside to end early; what was reached is returned
 * @tries: how many runs it took
 *
 * Tried are: cutting the end, leaving out stretches of words, shorter and shorter,
 * until no single word can go, and NAME~ in place of NAME*n.
 * Return: the schedule, to be free()d; NULL: no memory.
 */
char *shrink_schedule(const char *schedule, shrink_fails fails, void *data,
		      const volatile int *stop, unsigned int *tries);

/* Words of a schedule. */
size_t shrink_words(const char *schedule);

#endif
