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
	const char *spec;
	struct cli_spec words; /* of it */
	struct cli_options options; /* the scenario's keys of the spec among them */
	struct cli_input *input;
	struct mmsim_config config;
	int mutant;
	json_t *runs; /* a result a round */
};

/* How busy others kept the machine while the rounds ran. */
struct watch {
	bool begun, judged;
	struct fitness_sample before;
	uint64_t began_ns;
	struct fitness fitness;
};

struct comparison {
	const struct cli_options *options;
	struct cli_input inputs[2]; /* a scenario as a and as b have it; a recording is the first */
	struct side sides[NR_SIDES];
	bool has_time; /* on the step machine there are counts only, and one round says all */
	unsigned int rounds;
	uint64_t began_ns, elapsed_ns;
	struct fitness fitness; /* before the first round */
	struct watch watch;
	json_t *empty; /* a result if nothing were done */
	const char *names; /* of the metrics to decide about; may be @empty's */
	json_t *metrics; /* the verdicts so far; NULL: none */
	bool narrow;
};

static int cut_spec(struct comparison *c, int which, const char *name, const char *spec)
{
	struct side *side = &c->sides[which];

	if (!spec) {
		fprintf(stderr,
			"mmsim: compare: expected --%s SPEC, e.g. 6.1 or 6.18,munmap=whole\n",
			name);
		return EXIT_USAGE;
	}
	side->spec = spec;
	side->options = *c->options;
	return cli_cut_spec(spec, &side->words);
}

/* A scenario is read for each side, since each may set keys of it; a recording once. */
static int load_side(struct comparison *c, int which, struct cli_input *input)
{
	struct side *side = &c->sides[which];
	int code = 0;

	side->input = &c->inputs[0];
	if (which == SIDE_B && !side->input->is_scenario)
		return 0;
	if (cli_names_scenario(c->options))
		code = cli_spec_keys(&side->words, &side->options);
	if (code)
		return code;
	side->input = input;
	return cli_load(&side->options, input);
}

static int configure_side(struct side *side)
{
	int code = cli_point(&side->options, side->input, 0, &side->config);

	side->runs = json_array();
	if (!code && side->input->points > 1) {
		fprintf(stderr, "mmsim: compare: expected one value a key, no lists\n");
		code = EXIT_USAGE;
	}
	if (code)
		return code;
	return cli_apply_spec(&side->words, side->input->is_scenario, &side->config, &side->mutant);
}

static bool is_pair(const struct mmsim_config *a, const struct mmsim_config *b)
{
	return !strcmp(a->machine, b->machine) && a->seed == b->seed;
}

static int load_sides(struct comparison *c)
{
	int code = cut_spec(c, SIDE_A, "a", c->options->a);

	if (!code)
		code = cut_spec(c, SIDE_B, "b", c->options->b);
	if (!code)
		code = load_side(c, SIDE_A, &c->inputs[0]);
	if (!code)
		code = load_side(c, SIDE_B, &c->inputs[1]);
	return code;
}

static int configure_sides(struct comparison *c)
{
	struct side *a = &c->sides[SIDE_A], *b = &c->sides[SIDE_B];
	int code = configure_side(a);

	if (!code)
		code = configure_side(b);
	if (!code && !is_pair(&a->config, &b->config)) {
		fprintf(stderr, "mmsim: compare: expected one machine and one seed for both, "
				"else nothing is paired\n");
		code = EXIT_USAGE;
	}
	c->sides[SIDE_A_AGAIN] = *a;
	c->sides[SIDE_A_AGAIN].runs = json_array();
	c->has_time = !strcmp(a->config.machine, "host");
	return code;
}

/* ---- what is to be decided ---- */

static json_t *empty_of(const struct side *side)
{
	return cli_empty_result(&side->options, &side->config, side->input);
}

/* Before anything is run, so that a typing error costs no time. */
static int choose_metrics(struct comparison *c)
{
	json_t *either = empty_of(&c->sides[SIDE_B]);
	int code = EXIT_USAGE;

	c->empty = empty_of(&c->sides[SIDE_A]);
	if (c->empty && either) {
		c->names = c->options->metrics ? c->options->metrics : metrics_of(c->empty);
		/* A script may do an operation on one side only. */
		json_object_update_recursive(either, c->empty);
		code = cli_check_metrics(either, c->names);
	}
	json_decref(either);
	return code;
}

/* ---- is the machine fit? ---- */

/* Tasks that never wait for anything but locks. */
static unsigned int count_always_running(const struct cli_input *input)
{
	const uint32_t pauses = 1u << OP_SLEEP | 1u << OP_BARRIER;
	const struct scenario *s = &input->scenario;
	unsigned int n = 0;

	for (unsigned int t = 0; input->is_scenario && t < s->nr_tasks; t++)
		if (!s->tasks[t].period && !(s->tasks[t].script.kinds & pauses))
			n += (unsigned int)s->tasks[t].count;
	return n;
}

static int check_fitness(struct comparison *c)
{
	unsigned int running_a = count_always_running(c->sides[SIDE_A].input);
	unsigned int running_b = count_always_running(c->sides[SIDE_B].input);
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
		      running_a > running_b ? running_a : running_b, &c->fitness);
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

static void watch_begin(struct comparison *c)
{
	struct watch *watch = &c->watch;

	watch->began_ns = cli_now_ns();
	watch->begun = c->has_time && !fitness_read("", &watch->before, NULL);
}

/* After a round: what others took from the first round on. */
static void watch_round(struct watch *watch)
{
	struct fitness_sample now;

	if (!watch->begun || fitness_read("", &now, NULL))
		return;
	fitness_judge(&watch->before, &now, cli_now_ns() - watch->began_ns, 0, &watch->fitness);
	/* Load and waits for CPUs are our own by now. */
	*watch->fitness.remarks = '\0';
	watch->judged = true;
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
	code = cli_run(&side->options, &config, side->input, &result);
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
	if (!code) {
		c->rounds++;
		watch_round(&c->watch);
	}
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

/*
 * Stops by time, or when each metric is the same or its interval is narrow: never because a change
 * was found. See verdict_narrow_enough().
 */
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

	watch_begin(c);
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

/* What the spec says of the scenario's keys. */
static json_t *keys_json(const struct side *side)
{
	json_t *keys = json_object();
	char name[64];

	for (unsigned int i = 0; side->input->is_scenario && i < side->words.nr; i++) {
		const char *word = side->words.words[i];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
		if (cli_is_key(word))
			json_object_set_new(keys, name, json_string(strchr(word, '=') + 1));
	}
	return keys;
}

static json_t *side_json(const struct side *side)
{
	json_t *object = json_object();

	json_object_set_new(object, "spec", json_string(side->spec));
	json_object_set_new(object, "keys", keys_json(side));
	json_object_set(object, "runs", side->runs);
	return object;
}

static json_t *comparison_json(const struct comparison *c)
{
	json_t *object = json_object();

	json_object_set_new(object, "schema", json_string("mmsim-comparison-3"));
	json_object_set_new(object, "command", json_string(c->options->command));
	json_object_set_new(object, "seed", json_integer((json_int_t)c->options->seed));
	json_object_set_new(object, "effect", json_real(c->options->effect));
	json_object_set_new(object, "rounds", json_integer(c->rounds));
	json_object_set_new(object, "rounds_min", json_integer(verdicts_rounds_min(c->names)));
	json_object_set_new(object, "elapsed_ns", json_integer((json_int_t)c->elapsed_ns));
	json_object_set_new(object, "fitness", fitness_json(&c->fitness));
	if (c->watch.judged)
		json_object_set_new(object, "fitness_during", fitness_json(&c->watch.fitness));
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
		if (cli_interrupted())
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

static void free_comparison(struct comparison *c)
{
	for (int i = 0; i < NR_SIDES; i++)
		json_decref(c->sides[i].runs);
	json_decref(c->metrics);
	json_decref(c->empty);
	cli_free_spec(&c->sides[SIDE_A].words);
	cli_free_spec(&c->sides[SIDE_B].words);
	cli_unload(&c->inputs[0]);
	if (c->inputs[1].is_scenario)
		cli_unload(&c->inputs[1]);
}

int cmd_compare(int argc, char **argv)
{
	static struct comparison c;
	struct cli_options options;
	int code = cli_parse(argc, argv, "mabtrEDiySMejq*", &options), report_code;

	c.options = &options;
	if (!code)
		code = cli_check_output(options.json);
	if (!code)
		code = load_sides(&c);
	if (code)
		return code;
	cli_catch_interrupt();
	code = configure_sides(&c);
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
	/* Nothing can be said of any metric: not a result. Who asks for few rounds knows. */
	if (!code && c.has_time && !verdicts_any(c.metrics) &&
	    (!options.rounds || c.rounds >= verdicts_rounds_min(c.names)))
		code = EXIT_UNFIT;
	cli_clock_stop();
	free_comparison(&c);
	return code;
}
