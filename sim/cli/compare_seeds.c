/* SPDX-License-Identifier: MIT */
/*
 * A comparison on a model: every seed once for each side, as processes on all CPUs. Nothing is
 * measured again: the same seed gives the same answer.
 */
#include "../report/blame.h"
#include "../report/exact.h"
#include "compare.h"
#include "variants.h"

#include <string.h>

static struct variant variant_of(const struct side *side, const char *name)
{
	return (struct variant){
		.name = name,
		.options = &side->options,
		.input = side->input,
		.config = side->config,
		.mutant = side->mutant,
		.runs = side->runs,
	};
}

int compare_on_model(struct comparison *c)
{
	struct side *a = &c->sides[SIDE_A], *b = &c->sides[SIDE_B];
	struct variant variants[2];
	unsigned int nr = 0;
	int code;

	if (c->options->rounds) {
		fputs("mmsim: --rounds: expected --seeds N on a model, where a run done again is "
		      "the same\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (a->spec)
		variants[nr++] = variant_of(a, "a");
	variants[nr++] = variant_of(b, "b");
	code = variants_run(c->options, variants, nr);
	if (!json_array_size(b->runs))
		return code;
	c->metrics = exact_rows(a->runs, b->runs, c->names);
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
static void add_blame(json_t *list, const char *side, const json_t *runs)
{
	json_t *tasks = json_object_get(json_array_get(runs, 0), "tasks"), *task;
	char text[BLAME_TEXT_MAX];
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
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:s, s:s}", "side", side, "seed",
					json_integer_value(json_at(worst, "configuration.seed")),
					"task", name, "text", text));
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
	json_object_set_new(object, "seed", json_integer((json_int_t)c->sides[SIDE_B].config.seed));
	json_object_set_new(object, "seeds",
			    json_integer(o->seeds ? (json_int_t)o->seeds : VARIANTS_SEEDS));
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
	json_t *object = json_object(), *blame = json_array();

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
