/* SPDX-License-Identifier: MIT */
/* Several ways to run the same on a model, each with the same seeds. */
#ifndef MMSIM_SIM_CLI_VARIANTS_H
#define MMSIM_SIM_CLI_VARIANTS_H

#include "cli.h"

#define VARIANTS_SEEDS 5 /* when nobody says how many */

struct variant {
	const char *name; /* what errors call it */
	const struct cli_options *options;
	const struct cli_input *input;
	struct mmsim_config config; /* with the first seed */
	int mutant;
	json_t *runs; /* a result a seed is added */
};

/**
 * variants_run - run each with all seeds, as processes on as many CPUs as --jobs says
 * @options: --seeds, --jobs and --quiet are used
 *
 * A seed that one of them did not finish is taken from all. Return: the exit code.
 */
int variants_run(const struct cli_options *options, struct variant *variants, unsigned int nr);

#endif
