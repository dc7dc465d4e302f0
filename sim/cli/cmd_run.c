/* SPDX-License-Identifier: MIT */
/* mmsim run: run a scenario, each point of its matrix, or replay a recording, with each seed. */
#include "../report/blame.h"
#include "cli.h"
#include "jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* All their results are kept until the end. */
#define RUNS_MAX 10000

/* What is run: every point with every seed. Run i is of point i / seeds. */
struct runs {
	struct cli_options options;
	struct cli_input input;
	unsigned int seeds;
	unsigned int made; /* the point that input.scenario is at, counted from 1; 0: none */
	struct mmsim_config config; /* there */
	json_t *points; /* arrays of results, one a point that was come to */
};

/* They are the columns of a matrix, and of a table of seeds. */
static int check_columns(const struct runs *runs)
{
	const struct cli_input *input = &runs->input;
	json_t *empty;
	int code;

	if (!input->is_scenario || !*input->scenario.metrics)
		return EXIT_FINE;
	empty = cli_empty_result(&runs->options, &runs->config, input);
	code = empty ? cli_check_metrics(empty, input->scenario.metrics) : EXIT_USAGE;
	json_decref(empty);
	return code;
}

/* ---- one run ---- */

static int go_to(struct runs *runs, unsigned int point)
{
	int code;

	if (runs->made == point + 1)
		return EXIT_FINE;
	runs->made = 0;
	code = cli_point(&runs->options, &runs->input, point, &runs->config);
	if (!code)
		runs->made = point + 1;
	return code;
}

/* Only the first run of a point is announced. */
static void begin_run(void *arg, unsigned int i)
{
	struct runs *runs = arg;
	unsigned int point = i / runs->seeds;

	if (i % runs->seeds || runs->input.points < 2 || go_to(runs, point))
		return;
	printf("%s%u of %u: %s\n", point ? "\n" : "", point + 1, runs->input.points,
	       runs->input.scenario.point);
}

static int run_one(void *arg, unsigned int i, json_t **result)
{
	struct runs *runs = arg;
	struct mmsim_config config;
	int code = go_to(runs, i / runs->seeds);

	*result = NULL;
	if (code)
		return code;
	config = runs->config;
	config.seed += i % runs->seeds;
	code = cli_run(&runs->options, &config, &runs->input, result);
	/* What could not be set up did nothing that is worth a page. */
	if (code == EXIT_USAGE) {
		json_decref(*result);
		*result = NULL;
	}
	return code;
}

static void say_died(const struct runs *runs, unsigned int i, const char *how)
{
	const struct cli_options *o = &runs->options;

	fprintf(stderr, "mmsim: run %u, ", i + 1);
	if (runs->input.points > 1)
		fprintf(stderr, "point %u, ", i / runs->seeds + 1);
	fprintf(stderr, "seed %" PRIu64 ": %s\n", o->seed + i % runs->seeds, how);
}

/* The results of the point of run @i. */
static json_t *point_of(struct runs *runs, unsigned int i)
{
	if (json_array_size(runs->points) == i / runs->seeds)
		json_array_append_new(runs->points, json_array());
	return json_array_get(runs->points, i / runs->seeds);
}

static int end_run(void *arg, unsigned int i, const struct job_end *end)
{
	struct runs *runs = arg;
	bool is_last = (i + 1) % runs->seeds == 0;
	json_t *point;

	if (end->died)
		say_died(runs, i, end->died);
	if (!end->result)
		return end->code;
	point = point_of(runs, i);
	json_array_append_new(point, end->result);
	/* Of several seeds one that broke is worth its page. */
	if (runs->seeds == 1 || end->code == EXIT_BROKEN)
		result_print(end->result, stdout);
	if (runs->seeds > 1 && end->code == EXIT_BROKEN)
		putchar('\n');
	if (runs->seeds > 1 && is_last)
		seeds_print(point, stdout);
	fflush(stdout);
	return end->code;
}

/* ---- all of them ---- */

/* An error at any point is said before anything is run. */
static int check_points(struct runs *runs, bool *on_host)
{
	int code = 0;

	*on_host = false;
	for (unsigned int point = 0; point < runs->input.points && !code; point++) {
		code = go_to(runs, point);
		*on_host = *on_host || !strcmp(runs->config.machine, "host");
	}
	if (!code)
		code = go_to(runs, 0);
	return code ? code : check_columns(runs);
}

static int count_runs(const struct runs *runs, unsigned int *nr)
{
	uint64_t all = (uint64_t)runs->input.points * runs->seeds;

	*nr = (unsigned int)all;
	if (runs->seeds > 1 && runs->options.seed > INT64_MAX - (uint64_t)(runs->seeds - 1)) {
		fprintf(stderr, "mmsim: --seed: expected one below 2^63 with all %u seeds\n",
			runs->seeds);
		return EXIT_USAGE;
	}
	if (all <= RUNS_MAX)
		return 0;
	fprintf(stderr, "mmsim: expected at most %d runs, found %u points with %u seeds\n",
		RUNS_MAX, runs->input.points, runs->seeds);
	return EXIT_USAGE;
}

/* On the host runs at the same time would measure each other. */
static int count_jobs(const struct runs *runs, bool on_host, unsigned int *at_once)
{
	uint64_t asked = runs->options.jobs;

	*at_once = asked ? (unsigned int)asked : on_host ? 1 : jobs_default();
	if (!on_host || *at_once == 1)
		return 0;
	fprintf(stderr,
		"mmsim: --jobs: expected 1 on the host, where runs would disturb each other, "
		"found %u\n",
		*at_once);
	return EXIT_USAGE;
}

/* One result as it is, several as an array. */
static int write_results(const struct runs *runs)
{
	const char *path = runs->options.json;
	json_t *all, *point;
	size_t i;
	int code;

	if (!path || !json_array_size(runs->points))
		return 0;
	all = json_array();
	json_array_foreach(runs->points, i, point) json_array_extend(all, point);
	code = cli_write_json(
		runs->input.points > 1 || runs->seeds > 1 ? all : json_array_get(all, 0), path);
	json_decref(all);
	return code;
}

static int write_folded(const struct runs *runs)
{
	const char *path = runs->options.folded;
	FILE *out;

	if (!path || !json_array_size(runs->points))
		return 0;
	out = fopen(path, "we");
	if (!out) {
		fprintf(stderr, "mmsim: %s: %s\n", path, strerror(errno));
		return EXIT_USAGE;
	}
	blame_fold(runs->points, out);
	return cli_close(out, path);
}

static void print_tables(const struct runs *runs)
{
	size_t nr = json_array_size(runs->points);
	const json_t *last = nr ? json_array_get(runs->points, nr - 1) : NULL;

	/* Where it ended early there is a table all the same. */
	if (last && json_array_size(last) < runs->seeds)
		seeds_print(last, stdout);
	if (nr > 1)
		matrix_print(runs->points, stdout);
}

static int run_all(struct runs *runs)
{
	struct jobs jobs = {
		.quiet = runs->options.quiet,
		.arg = runs,
		.begin = begin_run,
		.run = run_one,
		.end = end_run,
	};
	bool on_host;
	int code, json_code, folded_code;

	code = check_points(runs, &on_host);
	if (!code)
		code = count_runs(runs, &jobs.nr);
	if (!code)
		code = count_jobs(runs, on_host, &jobs.at_once);
	if (code)
		return code;
	/* Of several runs on a model it is told which are done, not how far each is. */
	runs->options.quiet |= jobs.nr > 1 && !on_host;
	runs->points = json_array();
	code = jobs_run(&jobs);
	print_tables(runs);
	json_code = write_results(runs);
	folded_code = write_folded(runs);
	json_decref(runs->points);
	return code ? code : json_code ? json_code : folded_code;
}

int cmd_run(int argc, char **argv)
{
	static struct runs runs;
	int code, mutant;

	code = cli_parse(argc, argv, CLI_RUN_OPTIONS, &runs.options);
	if (!code)
		code = cli_mutant(runs.options.mutant, &mutant);
	if (!code)
		code = cli_check_output(runs.options.json);
	if (!code)
		code = cli_check_output(runs.options.folded);
	if (!code)
		code = cli_load(&runs.options, &runs.input);
	if (code)
		return code;
	cli_mutant_switch(mutant);
	cli_catch_interrupt();
	if (runs.options.what_if.nr) {
		code = cli_what_if(&runs.options, &runs.input);
		cli_unload(&runs.input);
		return code;
	}
	runs.seeds = runs.options.seeds ? (unsigned int)runs.options.seeds : 1;
	code = run_all(&runs);
	cli_unload(&runs.input);
	return code;
}
