/* SPDX-License-Identifier: MIT */
/* mmsim explore: what its parts share. */
#ifndef MMSIM_SIM_CLI_EXPLORE_H
#define MMSIM_SIM_CLI_EXPLORE_H

#include "../scenario/run_script.h"
#include "cli.h"

struct explore {
	const struct cli_options *options;
	struct settings settings;
	struct scenario scenario;
	struct mmsim_config config; /* without search and schedule */
	struct mmsim_search *keeper; /* of runs by a schedule: keeps what they did */
	struct script_verdict verdict; /* of the run made last */
	uint64_t runs;
};

/* One run, by @search or, if that is NULL, by @schedule. 0 or EXIT_USAGE after saying why. */
int explore_run(struct explore *e, struct mmsim_search *search, const char *schedule, bool events);

/* What is searched, before the search. */
int explore_print_head(struct explore *e);

/**
 * explore_print_failure - the verdict, the schedule, the shrunk one step by step
 * @schedule: one with which it fails
 * Return: EXIT_BROKEN, or EXIT_USAGE without memory.
 */
int explore_print_failure(struct explore *e, const char *schedule);

/* The run by @schedule, part by part; the verdict is that of the run. */
int explore_print_parts(struct explore *e, const char *schedule);

#endif
