/* SPDX-License-Identifier: MIT */
/* mmsim compare: replay a recording under two configurations, in turn. */
#include "cli.h"

#include <string.h>

struct side {
	const char *spec;
	struct mmsim_config config;
	json_t *runs;
};

static int side_init(struct side *side, const char *name, const char *spec,
		     const struct cli_options *options)
{
	int code;

	if (!spec) {
		fprintf(stderr,
			"mmsim: compare: expected --%s SPEC, e.g. 6.1 or 6.18,munmap=whole\n",
			name);
		return EXIT_USAGE;
	}
	side->spec = spec;
	code = cli_config(options, &side->config);
	return code ? code : cli_apply_spec(spec, &side->config);
}

static int run_side(const struct cli_options *options, const struct cli_input *input,
		    struct side *side, unsigned int round)
{
	json_t *result;
	int code;

	if (!options->quiet)
		fprintf(stderr, "round %u of %u: %s\n", round + 1, options->rounds, side->spec);
	code = cli_run(options, &side->config, input, &result);
	if (result)
		json_array_append_new(side->runs, result);
	return code;
}

static json_t *side_json(struct side *side)
{
	json_t *object = json_object();

	json_object_set_new(object, "spec", json_string(side->spec));
	json_object_set_new(object, "runs", side->runs);
	return object;
}

static int report(const struct cli_options *options, struct side *a, struct side *b)
{
	bool complete = json_array_size(a->runs) && json_array_size(b->runs);
	json_t *object = json_object();
	int code = 0;

	json_object_set_new(object, "schema", json_string("mmsim-comparison-1"));
	json_object_set_new(object, "a", side_json(a));
	json_object_set_new(object, "b", side_json(b));
	if (complete)
		compare_print(object, stdout);
	else
		fputs("mmsim: interrupted before both sides had run once\n", stderr);
	if (options->json)
		code = cli_write_json(object, options->json);
	json_decref(object);
	return code;
}

int cmd_compare(int argc, char **argv)
{
	struct side a = {0}, b = {0};
	struct cli_options options;
	struct cli_input input;
	int code, report_code;

	code = cli_parse(argc, argv, "mabtrSMejq", &options);
	if (!code)
		code = side_init(&a, "a", options.a, &options);
	if (!code)
		code = side_init(&b, "b", options.b, &options);
	if (!code)
		code = cli_load(&options, &input);
	if (code)
		return code;
	cli_catch_interrupt();
	a.runs = json_array();
	b.runs = json_array();
	/* Which side begins alternates, so that neither always runs on a warm machine. */
	for (unsigned int round = 0; round < options.rounds && !code; round++) {
		code = run_side(&options, &input, round % 2 ? &b : &a, round);
		if (!code)
			code = run_side(&options, &input, round % 2 ? &a : &b, round);
	}
	report_code = report(&options, &a, &b);
	cli_unload(&input);
	return code ? code : report_code;
}
