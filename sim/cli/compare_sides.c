/* SPDX-License-Identifier: MIT */
/* The sides of a comparison: what their SPECs say, and what they run. */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

/* With a baseline b is compared with what it was: there need be no a. */
static int cut_spec(struct comparison *c, int which, const char *name, const char *spec)
{
	struct side *side = &c->sides[which];

	if (!spec && which == SIDE_A && c->options->baseline)
		return 0;
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

	if (!side->spec)
		return 0;
	side->input = &c->inputs[0];
	if (which == SIDE_B && c->sides[SIDE_A].spec && !side->input->is_scenario)
		return 0;
	if (cli_names_scenario(c->options))
		code = cli_spec_keys(&side->words, &side->options);
	if (code)
		return code;
	side->input = input;
	return cli_load(&side->options, input);
}

int compare_load(struct comparison *c)
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

static int configure_side(struct side *side)
{
	int code;

	if (!side->spec)
		return 0;
	code = cli_point(&side->options, side->input, 0, &side->config);
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

int compare_configure(struct comparison *c)
{
	struct side *a = &c->sides[SIDE_A], *b = &c->sides[SIDE_B];
	int code = configure_side(a);

	if (!code)
		code = configure_side(b);
	if (!code && a->spec && !is_pair(&a->config, &b->config)) {
		fprintf(stderr, "mmsim: compare: expected one machine and one seed for both, "
				"else nothing is paired\n");
		code = EXIT_USAGE;
	}
	c->sides[SIDE_A_AGAIN] = *a;
	c->sides[SIDE_A_AGAIN].runs = json_array();
	c->on_host = !strcmp(b->config.machine, "host");
	return code;
}

void compare_unload(struct comparison *c)
{
	for (int i = 0; i < NR_SIDES; i++)
		json_decref(c->sides[i].runs);
	json_decref(c->metrics);
	free(c->names);
	cli_free_spec(&c->sides[SIDE_A].words);
	cli_free_spec(&c->sides[SIDE_B].words);
	for (int i = 0; i < 2; i++)
		if (c->inputs[i].points)
			cli_unload(&c->inputs[i]);
}

/* ---- for the report ---- */

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

json_t *compare_side_json(const struct side *side)
{
	json_t *object = json_object();

	json_object_set_new(object, "spec", json_string(side->spec));
	json_object_set_new(object, "keys", keys_json(side));
	json_object_set(object, "runs", side->runs);
	return object;
}

static void put_option(FILE *out, const char *name, const char *value)
{
	fprintf(out, " --%s", name);
	cli_put_word(out, value);
}

/* --KEY VALUE, where @key may go on after the name. */
static void put_key(FILE *out, const char *key, const char *value)
{
	fprintf(out, " --%.*s", (int)strcspn(key, "="), key);
	cli_put_word(out, value);
}

static void put_setting(FILE *out, const struct side *side, const char *word)
{
	if (side->input->is_scenario && cli_is_key(word))
		return; /* it is among the options' keys */
	if (!strncmp(word, "seed=", 5) || !strncmp(word, "machine=", 8))
		return; /* said by itself */
	if (!strncmp(word, "mutant=", 7))
		put_option(out, "mutant", word + 7);
	else
		put_option(out, strchr(word, '=') ? "set" : "kernel", word);
}

char *compare_run_command(const struct side *side, int64_t seed)
{
	const struct cli_options *o = &side->options;
	char *text = NULL, number[24];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("mmsim run", out);
	cli_put_word(out, o->file);
	put_option(out, "machine", side->config.machine);
	for (unsigned int i = 0; i < side->words.nr; i++)
		put_setting(out, side, side->words.words[i]);
	for (unsigned int i = 0; i < o->nr_keys; i++)
		put_key(out, o->keys[i], o->values[i]);
	if (o->memory) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)o->memory);
		put_option(out, "memory", number);
	}
	if (o->think < 1 || o->think > 1) {
		snprintf(number, sizeof(number), "%g", o->think);
		put_option(out, "think", number);
	}
	snprintf(number, sizeof(number), "%lld", (long long)seed);
	put_option(out, "seed", number);
	return fclose(out) ? NULL : text;
}
