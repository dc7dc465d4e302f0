/* SPDX-License-Identifier: MIT */
/* A small program in an instance of its own, under every schedule of a bounded search. */
#ifndef TESTS_SUPPORT_SEARCH_RUNS_H
#define TESTS_SUPPORT_SEARCH_RUNS_H

#include "base/compiler.h"
#include "base/mutant.h"
#include "mmsim/explore.h"

#define SEARCH_RUNS_MAX 20000 /* in which a fault is to be found */
/* In which none is. ThreadSanitizer takes milliseconds to make a fibre, and sees one thread. */
#ifdef MMSIM_TSAN
#define SEARCH_RUNS_CLEAN 200
#else
#define SEARCH_RUNS_CLEAN 5000
#endif

/* One run, its instance made with @search. NULL, or what broke. */
typedef const char *search_run(struct mmsim_search *search);

/* The run that breaks, counted from 1; 0: none of @most, or of all there are. */
uint64_t search_runs(search_run *run, unsigned int preemptions, uint64_t most);

/*
 * The seeded fault is found, and without it ten times as many schedules (SEARCH_RUNS_CLEAN at most
 * under ThreadSanitizer) find nothing. Return: the number of the run that found it.
 */
uint64_t search_mutant(search_run *run, enum mmsim_mutant mutant, unsigned int preemptions);

#endif
