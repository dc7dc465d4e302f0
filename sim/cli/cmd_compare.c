/* SPDX-License-Identifier: MIT */
/*
 * mmsim compare: a scenario or a recording under two configurations. On the host
 * rounds are measured until something can be said of them; on a model each seed
 * is run once, and what it says is exact.
 */
#include "../report/exact.h"
#include "../report/verdicts.h"
#include "compare.h"

#include <string.h>

static json_t *empty_of(const struct side *side)
{
	return cli_empty_result(&side->options, &side->config, side->input);
}

/* What can be asked of an instance that did nothing is known before anything is run. */
static int check_gate(struct comparison *c, const json_t *empty)
{
	json_t *runs = json_pack("[O]", empty);
	json_t *rows = exact_rows(runs, runs, c->names);
	int code = gate_check_rows(c, rows);

	json_decref(rows);
	json_decref(runs);
	return code;
}

/* Before anything is run, so that a typing error costs no time. */
static int choose_metrics(struct comparison *c)
{
	const struct side *a = &c->sides[SIDE_A], *b = &c->sides[SIDE_B];
	json_t *either = empty_of(b), *empty = either ? empty_of(a->spec ? a : b) : NULL;
	const char *names;
	int code = EXIT_USAGE;

	if (empty) {
		names = c->options->metrics ? c->options->metrics : metrics_of(empty);
		/* A script may do an operation on one side only. */
		json_object_update_recursive(either, empty);
		code = cli_check_metrics(either, names);
		c->names = code ? NULL : gate_names(c, names);
		if (!code)
			code = c->names ? check_gate(c, either) : EXIT_USAGE;
	}
	json_decref(empty);
	json_decref(either);
	return code;
}

static int report(struct comparison *c, bool ended)
{
	json_t *object;
	int code = 0, gate_code = 0;

	if (!c->metrics) {
		if (cli_interrupted())
			fputs("mmsim: interrupted in the first round\n", stderr);
		return 0;
	}
	object = c->on_host ? compare_host_json(c) : compare_model_json(c);
	if (ended)
		gate_ask(c, object);
	compare_print(object, stdout);
	if (ended)
		gate_code = gate_answer(c, object);
	if (c->options->json)
		code = cli_write_json(object, c->options->json);
	json_decref(object);
	return code ? code : gate_code;
}

/* Nothing can be said of any metric: not a result. Who asks for few rounds knows. */
static bool says_nothing(const struct comparison *c)
{
	return c->on_host && !verdicts_any(c->metrics) &&
	       (!c->options->rounds || c->rounds >= verdicts_rounds_min(c->names));
}

static int measure(struct comparison *c)
{
	int code, report_code;

	/* Where several runs go at once no thread may have been started before. */
	code = c->on_host ? cli_clock_start() : 0;
	if (code)
		return code;
	code = c->on_host ? compare_on_host(c) : compare_on_model(c);
	report_code = report(c, !code);
	code = code ? code : report_code;
	if (!code && says_nothing(c))
		code = EXIT_UNFIT;
	if (c->on_host)
		cli_clock_stop();
	return code;
}

int cmd_compare(int argc, char **argv)
{
	static struct comparison c;
	struct cli_options options;
	int code = cli_parse(argc, argv, CLI_COMPARE_OPTIONS, &options);

	c.options = &options;
	if (!code)
		code = cli_check_output(options.json);
	if (!code)
		code = compare_load(&c);
	if (!code)
		code = gate_load(&c);
	if (code)
		return code;
	cli_catch_interrupt();
	code = compare_configure(&c);
	if (!code)
		code = gate_fit(&c);
	if (!code)
		code = choose_metrics(&c);
	if (code)
		return code;
	code = measure(&c);
	compare_unload(&c);
	gate_free(&c.gate);
	return code;
}
