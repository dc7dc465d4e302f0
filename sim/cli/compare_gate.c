/* SPDX-License-Identifier: MIT */
/* --fail-if, --baseline, --write-baseline, --markdown: the part of compare that a CI job asks. */
#include "../report/exact.h"
#include "../report/json.h"
#include "../replay/text_file.h"
#include "compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Conditions after those there are. @where: what errors call the text; a file has lines, too. */
static int parse_more(struct gate *gate, const char *text, const char *where, bool is_file)
{
	struct condition *more =
		realloc(gate->conditions, (gate->nr + CONDITIONS_MAX) * sizeof(*more));
	struct condition_error error;
	int nr;

	if (!more)
		return EXIT_USAGE;
	gate->conditions = more;
	nr = conditions_parse(text, &more[gate->nr], &error);
	if (nr > 0) {
		gate->nr += (unsigned int)nr;
		return 0;
	}
	fprintf(stderr, "mmsim: %s:", where);
	if (is_file)
		fprintf(stderr, "%u:", error.line);
	fprintf(stderr, "%u: %s\n", error.column, error.text);
	return EXIT_USAGE;
}

static int parse_file(struct gate *gate, const char *path)
{
	struct text_file file;
	struct sim_error err;
	int code;

	if (text_file_read(path, &file, &err)) {
		fprintf(stderr, "mmsim: %s\n", err.text);
		return EXIT_USAGE;
	}
	code = parse_more(gate, file.text, path, true);
	free(file.text);
	return code;
}

static int parse_conditions(struct comparison *c)
{
	const struct cli_list *list = &c->options->fail_if;
	int code = 0;

	for (unsigned int i = 0; i < list->nr && !code; i++)
		code = *list->item[i] == '@' ?
			       parse_file(&c->gate, list->item[i] + 1) :
			       parse_more(&c->gate, list->item[i], "--fail-if", false);
	return code;
}

static int load_baseline(struct gate *gate, const char *path)
{
	char error[GATE_TEXT_MAX], *text;
	int code = 0;

	gate->baseline = baseline_load(path, error);
	if (!gate->baseline) {
		fprintf(stderr, "mmsim: %s\n", error);
		return EXIT_USAGE;
	}
	if (gate->nr)
		return 0;
	text = baseline_conditions(gate->baseline);
	if (text)
		code = parse_more(gate, text, path, true);
	free(text);
	return code;
}

int gate_load(struct comparison *c)
{
	int code = parse_conditions(c);

	if (!code && c->options->baseline)
		code = load_baseline(&c->gate, c->options->baseline);
	if (!code)
		code = cli_check_output(c->options->write_baseline);
	if (!code)
		code = cli_check_output(c->options->markdown);
	return code;
}

static int check_host(const struct comparison *c)
{
	const struct cli_options *o = c->options;
	const char *model_only = o->baseline	   ? "baseline" :
				 o->write_baseline ? "write-baseline" :
				 o->markdown	   ? "markdown" :
				 o->seeds	   ? "seeds" :
				 o->jobs	   ? "jobs" :
						     NULL;

	if (model_only) {
		fprintf(stderr,
			"mmsim: --%s: expected a model, e.g. --machine phone-4+3+1: what this "
			"computer took at another time is no yardstick\n",
			model_only);
		return EXIT_USAGE;
	}
	for (unsigned int i = 0; i < c->gate.nr; i++) {
		if (c->gate.conditions[i].of_change)
			continue;
		fprintf(stderr,
			"mmsim: --fail-if: '%s': expected a bound with a sign on the host, where "
			"only b against a can be told\n",
			c->gate.conditions[i].text);
		return EXIT_USAGE;
	}
	return 0;
}

int gate_fit(const struct comparison *c)
{
	char error[GATE_TEXT_MAX];
	json_t *setting;
	bool fits;

	if (c->on_host)
		return check_host(c);
	if (!c->gate.baseline)
		return 0;
	setting = compare_setting(c);
	fits = baseline_fits(c->gate.baseline, c->options->baseline, setting, error);
	json_decref(setting);
	if (!fits)
		fprintf(stderr, "mmsim: %s\n", error);
	return fits ? 0 : EXIT_USAGE;
}

/* ---- which metrics ---- */

static void put_name(FILE *out, const char *names, const char *name)
{
	char there[METRIC_NAME_MAX];

	while (metric_cut_name(&names, there))
		if (!strcmp(there, name))
			return;
	fprintf(out, " %s", name);
}

char *gate_names(const struct comparison *c, const char *names)
{
	const json_t *rows = json_object_get(c->gate.baseline, "metrics"), *row;
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(names, out);
	for (unsigned int n = 0; n < c->gate.nr; n++) {
		fflush(out);
		put_name(out, text, c->gate.conditions[n].metric);
	}
	json_array_foreach(rows, i, row)
	{
		fflush(out);
		put_name(out, text, json_string_value(json_object_get(row, "metric")));
	}
	return fclose(out) ? NULL : text;
}

static int bad_condition(const struct comparison *c, const struct condition *condition,
			 bool of_bound, const char *error)
{
	unsigned int column = of_bound ? condition->bound_column : condition->column;
	const struct cli_list *list = &c->options->fail_if;

	/* A file's lines are its own; of several options it is said which words are meant. */
	if (!list->nr)
		fprintf(stderr, "mmsim: %s: %s\n", c->options->baseline, error);
	else if (list->nr == 1 && *list->item[0] == '@')
		fprintf(stderr, "mmsim: %s:%u:%u: %s\n", list->item[0] + 1, condition->line, column,
			error);
	else
		fprintf(stderr, "mmsim: --fail-if:%u: %s\n", column, error);
	return EXIT_USAGE;
}

/* Without a, what a change is against must be in the baseline. */
static bool has_reference(const struct comparison *c, const struct condition *condition)
{
	const json_t *rows = json_object_get(c->gate.baseline, "metrics");

	return !condition->of_change || c->sides[SIDE_A].spec ||
	       json_object_get(gate_row(rows, condition->metric), "b");
}

int gate_check_rows(const struct comparison *c, const json_t *rows)
{
	char error[GATE_TEXT_MAX];
	bool of_bound;

	for (unsigned int i = 0; i < c->gate.nr; i++) {
		const struct condition *condition = &c->gate.conditions[i];

		if (!gate_check(condition, gate_row(rows, condition->metric), &of_bound, error))
			return bad_condition(c, condition, of_bound, error);
		if (has_reference(c, condition))
			continue;
		snprintf(error, sizeof(error), "%s has no %s: expected --a, or a new baseline",
			 c->options->baseline, condition->metric);
		return bad_condition(c, condition, false, error);
	}
	return 0;
}

/* ---- the answer ---- */

static int write_baseline(const struct comparison *c, const json_t *comparison)
{
	const json_t *run = json_array_get(c->sides[SIDE_B].runs, 0);
	const json_t *commit = json_at(run, "mmsim.commit");
	char made_by[128];
	json_t *baseline;
	int code;

	snprintf(made_by, sizeof(made_by), "mmsim %s (%s)", mmsim_version(),
		 commit ? json_string_value(commit) : "unknown");
	baseline = baseline_json(json_object_get(comparison, "setting"), c->sides[SIDE_A].spec,
				 c->sides[SIDE_B].spec, c->metrics, made_by);
	code = cli_write_json(baseline, c->options->write_baseline);
	json_decref(baseline);
	return code;
}

static int write_markdown(const json_t *comparison, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out) {
		fprintf(stderr, "mmsim: %s: %s\n", path, strerror(errno));
		return EXIT_USAGE;
	}
	gate_markdown(comparison, out);
	return cli_close(out, path);
}

static void add_command(json_t *answer, const struct side *side)
{
	const json_t *seed = json_object_get(answer, "seed");
	char *command;

	if (!json_is_true(json_object_get(answer, "failed")))
		return;
	command = compare_run_command(side, seed ? json_integer_value(seed) :
						   (json_int_t)side->config.seed);
	if (command)
		json_object_set_new(answer, "command", json_string(command));
	free(command);
}

static json_t *ask_all(const struct comparison *c)
{
	json_t *answers = json_array();

	for (unsigned int i = 0; i < c->gate.nr; i++) {
		const struct condition *condition = &c->gate.conditions[i];
		const json_t *row = gate_row(c->metrics, condition->metric);
		json_t *answer =
			c->on_host ? gate_verdict(condition, row) : gate_exact(condition, row);

		if (!c->on_host)
			add_command(answer, &c->sides[SIDE_B]);
		json_array_append_new(answers, answer);
	}
	return answers;
}

static int print_answers(const json_t *answers)
{
	size_t i, failed = 0, undecided = 0;
	const json_t *one;

	json_array_foreach(answers, i, one)
	{
		bool is_failed = json_is_true(json_object_get(one, "failed"));
		bool is_undecided = json_is_true(json_object_get(one, "undecided"));

		failed += is_failed;
		undecided += is_undecided;
		if (is_failed || is_undecided)
			printf("%s%s: %s: %s\n", failed + undecided > 1 ? "" : "\n",
			       is_failed ? "FAILED" : "UNDECIDED", json_text(one, "condition"),
			       json_text(one, "text"));
		if (is_failed && *json_text(one, "command"))
			printf("    see: %s\n", json_text(one, "command"));
	}
	if (!failed && !undecided)
		printf("\npassed: %zu conditions, none is so\n", json_array_size(answers));
	return failed ? EXIT_REGRESSION : undecided ? EXIT_UNFIT : EXIT_FINE;
}

int gate_answer(struct comparison *c, const json_t *comparison)
{
	int code = 0, write_code = 0;

	if (c->gate.answers)
		code = print_answers(c->gate.answers);
	if (c->options->write_baseline)
		write_code = write_baseline(c, comparison);
	if (!write_code && c->options->markdown)
		write_code = write_markdown(comparison, c->options->markdown);
	return write_code ? write_code : code;
}

void gate_ask(struct comparison *c, json_t *comparison)
{
	if (!c->gate.nr)
		return;
	c->gate.answers = ask_all(c);
	json_object_set(comparison, "gate", c->gate.answers);
}

void gate_free(struct gate *gate)
{
	json_decref(gate->baseline);
	json_decref(gate->answers);
	free(gate->conditions);
}
