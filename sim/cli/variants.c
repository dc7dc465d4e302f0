/* SPDX-License-Identifier: MIT */
/* Several ways to run the same on a model; see variants.h. */
#include "variants.h"
#include "jobs.h"

#include <inttypes.h>

struct runs {
	struct variant *variants;
	unsigned int nr;
};

/* The variants in turn, so that what is interrupted has all of them for the same seeds. */
static struct variant *variant_of(const struct runs *runs, unsigned int i)
{
	return &runs->variants[i % runs->nr];
}

static int run_one(void *arg, unsigned int i, json_t **result)
{
	const struct runs *runs = arg;
	const struct variant *variant = variant_of(runs, i);
	struct cli_options options = *variant->options;
	struct mmsim_config config = variant->config;
	int code;

	/* It is told how many are done, not how far each is. */
	options.quiet = true;
	config.seed += i / runs->nr;
	cli_mutant_switch(variant->mutant);
	code = cli_run(&options, &config, variant->input, result);
	if (code) {
		json_decref(*result);
		*result = NULL;
	}
	return code;
}

static int end_one(void *arg, unsigned int i, const struct job_end *end)
{
	const struct runs *runs = arg;
	const struct variant *variant = variant_of(runs, i);

	if (end->died)
		fprintf(stderr, "mmsim: %s, seed %" PRIu64 ": %s\n", variant->name,
			variant->config.seed + i / runs->nr, end->died);
	if (end->result)
		json_array_append_new(variant->runs, end->result);
	return end->code;
}

static void keep_whole_seeds(const struct runs *runs)
{
	size_t nr = SIZE_MAX;

	for (unsigned int i = 0; i < runs->nr; i++)
		nr = MIN(nr, json_array_size(runs->variants[i].runs));
	for (unsigned int i = 0; i < runs->nr; i++)
		while (json_array_size(runs->variants[i].runs) > nr)
			json_array_remove(runs->variants[i].runs, nr);
}

int variants_run(const struct cli_options *options, struct variant *variants, unsigned int nr)
{
	struct runs runs = {variants, nr};
	const struct jobs jobs = {
		.nr = nr * (options->seeds ? (unsigned int)options->seeds : VARIANTS_SEEDS),
		.at_once = options->jobs ? (unsigned int)options->jobs : jobs_default(),
		.quiet = options->quiet,
		.arg = &runs,
		.run = run_one,
		.end = end_one,
	};
	int code;

	if (variants[0].config.seed > (uint64_t)INT64_MAX - jobs.nr) {
		fputs("mmsim: --seed: expected one below 2^63 with all seeds\n", stderr);
		return EXIT_USAGE;
	}
	code = jobs_run(&jobs);
	keep_whole_seeds(&runs);
	return code;
}
