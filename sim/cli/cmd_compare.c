/* SPDX-License-Identifier: MIT */
/*
 * mmsim compare: a scenario or a recording under two configurations. Each round
 * runs a, a again and b in an order drawn anew, all with the same seed: a again
 * against a is what this computer makes of no change at all.
 */
#include "../compare/fitness.h"
#include "../compare/order.h"
#include "../compare/rank.h"
#include "../report/metrics.h"
#include "../report/verdicts.h"
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET_NS (120 * 1000000000ull)

enum { SIDE_A, SIDE_A_AGAIN, SIDE_B, NR_SIDES };

struct side {
	const char *name, *spec;
	struct mmsim_config config;
	int mutant;
	json_t *runs; /* a result a round */
};

struct comparison {
	const struct cli_options *options;
	struct cli_input input;
	struct side sides[NR_SIDES];
	bool has_time; /* on the step machine there are counts only, and one round says all */
	unsigned int rounds;
	uint64_t began_ns, elapsed_ns;
	struct fitness fitness;
	json_t *empty; /* a result if nothing were done */
	const char *names; /* of the metrics to decide about; may be @empty's */
	json_t *metrics; /* the verdicts so far; NULL: none */
	bool narrow;
};

static int init_side(struct comparison *c, int which, const char *name, const char *spec)
{
	struct side *side = &c->sides[which];
	int code;

	if (!spec) {
		fprintf(stderr,
			"mmsim: compare: expected --%s SPEC, e.g. 6.1 or 6.18,munmap=whole\n",
			name);
		return EXIT_USAGE;
	}
	side->name = name;
	side->spec = spec;
	side->runs = json_array();
	code = cli_point(c->options, &c->input, 0, &side->config);
	return code ? code : cli_apply_spec(spec, &side->config, &side->mutant);
}

static bool is_pair(const struct mmsim_config *a, const struct mmsim_config *b)
{
	return !strcmp(a->machine, b->machine) && a->seed == b->seed;
}

static int init_sides(struct comparison *c)
{
	const struct cli_options *o = c->options;
	int code = init_side(c, SIDE_A, "a", o->a);

	if (!code)
		code = init_side(c, SIDE_A_AGAIN, "a", o->a);
	if (!code)
		code = init_side(c, SIDE_B, "b", o->b);
	if (!code && c->input.points > 1) {
		fprintf(stderr, "mmsim: compare: expected one value a key, no lists\n");
		code = EXIT_USAGE;
	}
	if (!code && !is_pair(&c->sides[SIDE_A].config, &c->sides[SIDE_B].config)) {
		fprintf(stderr, "mmsim: compare: expected one machine and one seed for both, "
				"else nothing is paired\n");
		code = EXIT_USAGE;
	}
	c->has_time = !strcmp(c->sides[SIDE_A].config.machine, "host");
	return code;
}

/* ---- what is to be decided ---- */

/* Before anything is run, so that a typing error costs no time. */
static int choose_metrics(struct comparison *c)
{
	c->empty = cli_empty_result(c->options, &c->sides[SIDE_A].config, &c->input);
	if (!c->empty)
		return EXIT_USAGE;
	c->names = c->options->metrics ? c->options->metrics : metrics_of(c->empty);
	return cli_check_metrics(c->empty, c->names);
}

/* ---- is the machine fit? ---- */

/* Tasks that never wait for anything but locks. */
static unsigned int count_always_running(const struct scenario *s)
{
	const uint32_t pauses = 1u << OP_SLEEP | 1u << OP_BARRIER;
	unsigned int n = 0;

	for (unsigned int t = 0; t < s->nr_tasks; t++)
		if (!s->tasks[t].period && !(s->tasks[t].script.kinds & pauses))
			n += (unsigned int)s->tasks[t].count;
	return n;
}

static int check_fitness(struct comparison *c)
{
	struct fitness_sample before, after;
	struct sim_error err;
	uint64_t start = cli_now_ns();

	c->fitness.fit = true;
	if (!c->has_time)
		return EXIT_FINE;
	if (fitness_read("", &before, &err))
		goto unknown;
	cli_sleep_ns(FITNESS_SLEEP_MS * 1000000ull);
	if (fitness_read("", &after, &err))
		goto unknown;
	fitness_judge(&before, &after, cli_now_ns() - start,
		      c->input.is_scenario ? count_always_running(&c->input.scenario) : 0,
		      &c->fitness);
	if (c->fitness.fit || c->options->anyway)
		return EXIT_FINE;
	fprintf(stderr, "mmsim: this machine is not fit to measure on: %s (--anyway measures)\n",
		c->fitness.why);
	return EXIT_UNFIT;
unknown:
	snprintf(c->fitness.remarks, sizeof(c->fitness.remarks), "fitness not known: %.200s",
		 err.text);
	return EXIT_FINE;
}

/* ---- rounds ---- */

static int run_side(struct comparison *c, struct side *side)
{
	struct mmsim_config config = side->config;
	json_t *result;
	int code;

	/* Each round other numbers are drawn, for all sides the same. */
	config.seed += c->rounds;
	cli_mutant_switch(side->mutant);
	code = cli_run(c->options, &config, &c->input, &result);
	if (code)
		json_decref(result);
	else
		json_array_append_new(side->runs, result);
	return code;
}

static int run_round(struct comparison *c)
{
	unsigned int order[NR_SIDES];
	int code = 0;

	order_of_round(c->options->seed, c->rounds, order, NR_SIDES);
	for (int i = 0; i < NR_SIDES && !code; i++)
		code = run_side(c, &c->sides[order[i]]);
	if (!code)
		c->rounds++;
	/* A round that was not finished does not count. */
	for (int i = 0; i < NR_SIDES; i++)
		while (json_array_size(c->sides[i].runs) > c->rounds)
			json_array_remove(c->sides[i].runs, c->rounds);
	return code;
}

static int judge(struct comparison *c)
{
	const struct verdict_rounds rounds = {
		.a = c->sides[SIDE_A].runs,
		.a2 = c->sides[SIDE_A_AGAIN].runs,
		.b = c->sides[SIDE_B].runs,
		.names = c->names,
		.effect = c->options->effect,
	};
	char unknown[METRIC_NAME_MAX];

	json_decref(c->metrics);
	c->metrics = verdicts_json(&rounds, unknown, &c->narrow);
	if (c->metrics)
		return EXIT_FINE;
	return cli_unknown_metric(unknown);
}

/* Stops by time, or when the intervals are narrow: never because something was found. */
static bool may_go_on(const struct comparison *c)
{
	uint64_t budget = c->options->budget_ns ? c->options->budget_ns : BUDGET_NS;

	if (c->options->rounds)
		return c->rounds < c->options->rounds;
	if (!c->has_time || c->rounds == RANK_MAX)
		return false;
	if (c->rounds >= verdicts_rounds_min(c->names) && c->narrow)
		return false;
	return c->elapsed_ns + c->elapsed_ns / c->rounds < budget;
}

static void tell_progress(const struct comparison *c)
{
	if (c->options->quiet)
		return;
	if (c->options->rounds)
		fprintf(stderr, "round %u of %u\n", c->rounds, c->options->rounds);
	else if (c->has_time)
		fprintf(stderr, "round %u, %.0f s\n", c->rounds, (double)c->elapsed_ns / 1e9);
}

static int run_rounds(struct comparison *c)
{
	int code;

	c->began_ns = cli_now_ns();
	do {
		code = run_round(c);
		c->elapsed_ns = cli_now_ns() - c->began_ns;
		if (!code)
			code = judge(c);
		tell_progress(c);
	} while (!code && may_go_on(c));
	return code;
}

/* ---- the report ---- */

static json_t *fitness_json(const struct fitness *fitness)
{
	json_t *object = json_object();

	json_object_set_new(object, "fit", json_boolean(fitness->fit));
	json_object_set_new(object, "steal", json_real(fitness->steal));
	json_object_set_new(object, "busy", json_real(fitness->busy));
	json_object_set_new(object, "load", json_real(fitness->load1));
	json_object_set_new(object, "why", json_string(fitness->why));
	json_object_set_new(object, "remarks", json_string(fitness->remarks));
	return object;
}

static json_t *side_json(const struct side *side)
{
	json_t *object = json_object();

	json_object_set_new(object, "spec", json_string(side->spec));
	json_object_set(object, "runs", side->runs);
	return object;
}

static json_t *comparison_json(const struct comparison *c)
{
	json_t *object = json_object();

	json_object_set_new(object, "schema", json_string("mmsim-comparison-2"));
	json_object_set_new(object, "command", json_string(c->options->command));
	json_object_set_new(object, "seed", json_integer((json_int_t)c->options->seed));
	json_object_set_new(object, "effect", json_real(c->options->effect));
	json_object_set_new(object, "rounds", json_integer(c->rounds));
	json_object_set_new(object, "rounds_min", json_integer(verdicts_rounds_min(c->names)));
	json_object_set_new(object, "elapsed_ns", json_integer((json_int_t)c->elapsed_ns));
	json_object_set_new(object, "fitness", fitness_json(&c->fitness));
	json_object_set(object, "metrics", c->metrics);
	json_object_set_new(object, "a", side_json(&c->sides[SIDE_A]));
	json_object_set_new(object, "a_again", side_json(&c->sides[SIDE_A_AGAIN]));
	json_object_set_new(object, "b", side_json(&c->sides[SIDE_B]));
	return object;
}

static int report(const struct comparison *c)
{
	json_t *object;
	int code = 0;

	if (!c->rounds || !c->metrics) {
		if (cli_interrupted)
			fputs("mmsim: interrupted in the first round\n", stderr);
		return 0;
	}
	object = comparison_json(c);
	compare_print(object, stdout);
	if (c->options->json)
		code = cli_write_json(object, c->options->json);
	json_decref(object);
	return code;
}

int cmd_compare(int argc, char **argv)
{
	static struct comparison c;
	struct cli_options options;
	int code = cli_parse(argc, argv, "mabtrEDiySMejq*", &options), report_code;

	c.options = &options;
	if (!code)
		code = cli_check_json(options.json);
	if (!code)
		code = cli_load(&options, &c.input);
	if (code)
		return code;
	cli_catch_interrupt();
	code = init_sides(&c);
	if (!code)
		code = choose_metrics(&c);
	if (!code)
		code = cli_clock_start();
	if (code)
		return code;
	code = check_fitness(&c);
	if (!code) {
		code = run_rounds(&c);
		report_code = report(&c);
		code = code ? code : report_code;
	}
	/* Nothing can be said of any metric: not a result. */
	if (!code && c.has_time && !verdicts_any(c.metrics))
		code = EXIT_UNFIT;
	for (int i = 0; i < NR_SIDES; i++)
		json_decref(c.sides[i].runs);
	json_decref(c.metrics);
	json_decref(c.empty);
	cli_clock_stop();
	cli_unload(&c.input);
	return code;
}
