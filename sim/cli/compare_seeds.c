/* SPDX-License-Identifier: MIT */
/*
 * A comparison on a model: every seed once for each side, as processes on all CPUs. Nothing is
 * measured again: the same seed gives the same answer.
 */
#include "../report/blame.h"
#include "../report/exact.h"
#include "compare.h"
#include "jobs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 5

struct seeds {
	struct comparison *c;
	struct side *sides[2]; /* run in turn */
	unsigned int nr_sides, nr;
};

static int run_one(void *arg, unsigned int i, json_t **result)
{
	const struct seeds *seeds = arg;
	const struct side *side = seeds->sides[i % seeds->nr_sides];
	struct mmsim_config config = side->config;
	int code;

	config.seed += i / seeds->nr_sides;
	cli_mutant_switch(side->mutant);
	code = cli_run(&side->options, &config, side->input, result);
	if (code) {
		json_decref(*result);
		*result = NULL;
	}
	return code;
}

static int end_one(void *arg, unsigned int i, const struct job_end *end)
{
	const struct seeds *seeds = arg;
	const struct side *side = seeds->sides[i % seeds->nr_sides];

	if (end->died)
		fprintf(stderr, "mmsim: --%s %s, seed %" PRIu64 ": %s\n",
			side == &seeds->c->sides[SIDE_A] ? "a" : "b", side->spec,
			side->config.seed + i / seeds->nr_sides, end->died);
	if (end->result)
		json_array_append_new(side->runs, end->result);
	return end->code;
}

/* A seed that one side did not finish does not count. */
static void keep_pairs(struct seeds *seeds)
{
	size_t nr = SIZE_MAX;

	for (unsigned int i = 0; i < seeds->nr_sides; i++)
		nr = MIN(nr, json_array_size(seeds->sides[i]->runs));
	for (unsigned int i = 0; i < seeds->nr_sides; i++)
		while (json_array_size(seeds->sides[i]->runs) > nr)
			json_array_remove(seeds->sides[i]->runs, nr);
}

static int check_options(const struct comparison *c)
{
	if (c->options->rounds) {
		fputs("mmsim: --rounds: expected --seeds N on a model, where a run done again is "
		      "the same\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (c->options->seed <= INT64_MAX - 10000)
		return 0;
	fputs("mmsim: --seed: expected one below 2^63 with all seeds\n", stderr);
	return EXIT_USAGE;
}

int compare_on_model(struct comparison *c)
{
	struct seeds seeds = {.c = c};
	struct jobs jobs = {
		.at_once = c->options->jobs ? (unsigned int)c->options->jobs : jobs_default(),
		.quiet = c->options->quiet,
		.arg = &seeds,
		.run = run_one,
		.end = end_one,
	};
	int code = check_options(c);

	if (code)
		return code;
	if (c->sides[SIDE_A].spec)
		seeds.sides[seeds.nr_sides++] = &c->sides[SIDE_A];
	seeds.sides[seeds.nr_sides++] = &c->sides[SIDE_B];
	for (unsigned int i = 0; i < seeds.nr_sides; i++)
		seeds.sides[i]->options.quiet = true;
	seeds.nr = c->options->seeds ? (unsigned int)c->options->seeds : SEEDS;
	jobs.nr = seeds.nr * seeds.nr_sides;
	code = jobs_run(&jobs);
	keep_pairs(&seeds);
	if (!json_array_size(c->sides[SIDE_B].runs))
		return code;
	c->metrics = exact_rows(c->sides[SIDE_A].runs, c->sides[SIDE_B].runs, c->names);
	if (c->gate.baseline)
		baseline_join(c->gate.baseline, c->metrics);
	return code;
}

/* ---- the report ---- */

static json_int_t lost_ns(const json_t *run, const char *task)
{
	const json_t *tasks = json_object_get(run, "tasks");
	const json_t *blame = json_object_get(json_object_get(tasks, task), "blame");

	return json_integer_value(json_object_get(blame, "total_ns"));
}

/* Of each task with a deadline the run that it lost most in. */
static void add_blame(json_t *object, const char *label, const json_t *runs)
{
	json_t *tasks = json_object_get(json_array_get(runs, 0), "tasks"), *task;
	char text[BLAME_TEXT_MAX], where[64];
	const char *name;

	json_object_foreach(tasks, name, task)
	{
		const json_t *worst = json_array_get(runs, 0), *run;
		size_t i;

		json_array_foreach(runs, i, run)
		{
			if (lost_ns(run, name) > lost_ns(worst, name))
				worst = run;
		}
		if (!blame_sentence(worst, name, text))
			continue;
		snprintf(where, sizeof(where), "%s, seed %" JSON_INTEGER_FORMAT, label,
			 json_integer_value(json_at(worst, "configuration.seed")));
		json_object_set_new(object, where, json_string(text));
	}
}

/* What has to be the same for the values of two comparisons to be comparable. */
json_t *compare_setting(const struct comparison *c)
{
	const struct cli_options *o = c->options;
	json_t *object = json_object(), *keys = json_object();
	char name[64];

	json_object_set_new(object, "scenario", json_string(o->file));
	json_object_set_new(object, "machine", json_string(c->sides[SIDE_B].config.machine));
	json_object_set_new(object, "seed", json_integer((json_int_t)o->seed));
	json_object_set_new(object, "seeds", json_integer(o->seeds ? (json_int_t)o->seeds : SEEDS));
	json_object_set_new(object, "memory", json_integer((json_int_t)o->memory));
	json_object_set_new(object, "think", json_real(o->think));
	for (unsigned int i = 0; i < o->nr_keys; i++) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(o->keys[i], "="), o->keys[i]);
		json_object_set_new(keys, name, json_string(o->values[i]));
	}
	json_object_set_new(object, "keys", keys);
	return object;
}

json_t *compare_model_json(const struct comparison *c)
{
	json_t *object = json_object(), *blame = json_object();

	json_object_set_new(object, "schema", json_string("mmsim-model-comparison-1"));
	json_object_set_new(object, "command", json_string(c->options->command));
	json_object_set_new(object, "setting", compare_setting(c));
	json_object_set(object, "metrics", c->metrics);
	if (c->sides[SIDE_A].spec) {
		json_object_set_new(object, "a", compare_side_json(&c->sides[SIDE_A]));
		add_blame(blame, "a", c->sides[SIDE_A].runs);
	}
	json_object_set_new(object, "b", compare_side_json(&c->sides[SIDE_B]));
	add_blame(blame, "b", c->sides[SIDE_B].runs);
	json_object_set_new(object, "blame", blame);
	return object;
}
