/* SPDX-License-Identifier: MIT */
/*
 * A comparison on the host. Each round runs a, a again and b in an order drawn
 * anew, all with the same seed: a again against a is what this computer makes of
 * no change at all.
 */
#include "../compare/order.h"
#include "../compare/rank.h"
#include "../report/verdicts.h"
#include "compare.h"

#include <string.h>

#define BUDGET_NS (120 * 1000000000ull)

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
	watch->begun = !fitness_read("", &watch->before, NULL);
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
	if (c->rounds == RANK_MAX)
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
	else
		fprintf(stderr, "round %u, %.0f s\n", c->rounds, (double)c->elapsed_ns / 1e9);
}

int compare_on_host(struct comparison *c)
{
	int code = check_fitness(c);

	if (code)
		return code;
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

json_t *compare_host_json(const struct comparison *c)
{
	json_t *object = json_object();

	json_object_set_new(object, "schema", json_string("mmsim-comparison-4"));
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
	json_object_set_new(object, "a", compare_side_json(&c->sides[SIDE_A]));
	json_object_set_new(object, "a_again", compare_side_json(&c->sides[SIDE_A_AGAIN]));
	json_object_set_new(object, "b", compare_side_json(&c->sides[SIDE_B]));
	return object;
}
