/* SPDX-License-Identifier: MIT */
/* The option table, its parser and its help. */
#define _GNU_SOURCE 1
#include "../compare/rank.h"
#include "../scenario/size.h"
#include "cli.h"
#include "jobs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY (4ull << 30)
#define SEEDS_MAX 10000
#define THINK_MAX 1e6

enum option_kind {
	OPTION_TEXT,
	OPTION_FLAG,
	OPTION_NUMBER,
	OPTION_SIZE,
	OPTION_TIME,
	OPTION_PERCENT,
	OPTION_THINK,
	OPTION_LIST
};

static const struct option_row {
	char letter; /* how commands name it */
	const char *name, *value, *help;
	enum option_kind kind;
	size_t offset;
} rows[] = {
#define AT(field) offsetof(struct cli_options, field)
	{'m', "machine", "host|step|PROFILE",
	 "where tasks run: here, or on a model (`mmsim list machines`)", OPTION_TEXT, AT(machine)},
	{'k', "kernel", "VER", "do as this release did, e.g. 6.18 (`mmsim list kernels`)",
	 OPTION_TEXT, AT(kernel)},
	{'s', "set", "AXIS=VALUE",
	 "change one axis (`mmsim list strategies`), or cost.NAME of a profile", OPTION_LIST,
	 AT(sets)},
	{'t', "think", "recorded|none|FACTOR", "think time between operations; default recorded",
	 OPTION_THINK, AT(think)},
	{'r', "rounds", "N",
	 "on the host: so many, 1 to 2000; default: until the intervals are narrow", OPTION_NUMBER,
	 AT(rounds)},
	{'E', "effect", "PERCENT", "on the host: changes up to that do not matter; default 3%",
	 OPTION_PERCENT, AT(effect)},
	{'D', "budget", "TIME", "on the host: measure so long at most; default 120s", OPTION_TIME,
	 AT(budget_ns)},
	{'i', "metrics", "METRIC...", "what to decide about (`mmsim help metrics`)", OPTION_TEXT,
	 AT(metrics)},
	{'l', "fail-if", "CONDITION",
	 "exit 1 if so: 'ui.frames.missed > +0; ops.rate < -5%', @FILE", OPTION_LIST, AT(fail_if)},
	{'u', "baseline", "FILE",
	 "on a model: compare b with what it was then; alone, exit 1 if anything is worse",
	 OPTION_TEXT, AT(baseline)},
	{'U', "write-baseline", "FILE", "on a model: write what was measured, to keep in git",
	 OPTION_TEXT, AT(write_baseline)},
	{'W', "markdown", "FILE", "on a model: write a summary for a pull request", OPTION_TEXT,
	 AT(markdown)},
	{'y', "anyway", NULL, "measure even if the machine is unfit", OPTION_FLAG, AT(anyway)},
	{'S', "seed", "N", "of every random stream; default 1", OPTION_NUMBER, AT(seed)},
	{'N', "seeds", "1..10000",
	 "each run with so many seeds, --seed and the next; compare, on a model: 5", OPTION_NUMBER,
	 AT(seeds)},
	{'w', "jobs", "1..256", "so many runs at once; default: one a CPU, on the host 1",
	 OPTION_NUMBER, AT(jobs)},
	{'M', "memory", "SIZE", "physical memory simulated; default 4G, or as the scenario says",
	 OPTION_SIZE, AT(memory)},
	{'e', "no-emulate", NULL, "charge nothing for traps, system calls and IPIs", OPTION_FLAG,
	 AT(no_emulate)},
	{'j', "json", "FILE", "write the whole result as JSON (sim/schema/)", OPTION_TEXT,
	 AT(json)},
	{'J', "json", NULL, "print as JSON", OPTION_FLAG, AT(json_list)},
	{'I', "what-if", "SITE=FACTOR|all",
	 "on a modelled machine: run again with the holds of locks taken there times 0.01 to 100",
	 OPTION_LIST, AT(what_if)},
	{'g', "folded", "FILE",
	 "write whom tasks with deadlines waited for, as folded stacks in ns, for flame graphs",
	 OPTION_TEXT, AT(folded)},
	{'q', "quiet", NULL, "no progress on stderr", OPTION_FLAG, AT(quiet)},
	{'a', "a", "SPEC", "one side: 6.1, or 6.18,munmap=whole, or KEY=VALUE of the scenario",
	 OPTION_TEXT, AT(a)},
	{'b', "b", "SPEC", "the other side", OPTION_TEXT, AT(b)},
	{'p', "perf-script", "FILE", "text of `perf script`, may be .xz", OPTION_TEXT,
	 AT(perf_script)},
	{'T', "strace", "FILE", "text of `strace -f -ttt -T`, may be .xz", OPTION_TEXT, AT(strace)},
	{'F', "page-faults", "FILE", "text of `perf script` of page-faults, may be .xz",
	 OPTION_TEXT, AT(page_faults)},
	{'A', "ftrace", "FILE",
	 "text of ftrace's trace or trace_pipe, or systrace's HTML, may be .xz", OPTION_TEXT,
	 AT(ftrace)},
	{'C', "arch", "x86-64|arm64",
	 "--ftrace: whose numbers raw_syscalls has; default: found out", OPTION_TEXT, AT(arch)},
	{'o', "output", "RECORDING", "where to; compressed if it ends in .xz (also -o)",
	 OPTION_TEXT, AT(output)},
	{'O', "output", "FILE.ini", "where to (also -o)", OPTION_TEXT, AT(output)},
	{'R', "rounds", "1..2000", "of each measurement; default 40", OPTION_NUMBER, AT(rounds)},
	{'c', "schedule", "WORDS", "step machine: a written schedule", OPTION_TEXT, AT(schedule)},
	{'f', "search", "bounded|pct|random|pos",
	 "how to search; default: bounded, then the others", OPTION_TEXT, AT(search)},
	{'P', "preemptions", "N", "bounded: the most in a run; default 8", OPTION_NUMBER,
	 AT(preemptions)},
	{'d', "depth", "N", "pct: the depth of the bug, preemptions and one; default 3",
	 OPTION_NUMBER, AT(depth)},
	{'n', "schedules", "N", "try so many; default: as the time allows", OPTION_NUMBER,
	 AT(schedules)},
	{'B', "budget", "TIME", "search so long: 90s, 5m; default 60s, or as --schedules says",
	 OPTION_TIME, AT(budget_ns)},
#ifdef MMSIM_TEST_LIBRARY
	{'x', "mutant", "NAME", "with this fault seeded", OPTION_TEXT, AT(mutant)},
#endif
#undef AT
};

static int usage(const char *fmt, const char *a, const char *b)
{
	fputs("mmsim: ", stderr);
	fprintf(stderr, fmt, a, b);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* Of numbers of which there is a most; else 0. */
static uint64_t most_of(const struct option_row *row)
{
	return row->offset == offsetof(struct cli_options, rounds) ? RANK_MAX :
	       row->offset == offsetof(struct cli_options, seeds)  ? SEEDS_MAX :
	       row->offset == offsetof(struct cli_options, jobs)   ? JOBS_MAX :
								     0;
}

/* 0 rounds, or no time for any, is not what an option that was not given means. */
static int set_number(struct cli_options *options, const struct option_row *row, uint64_t number)
{
	uint64_t most = most_of(row);

	if (most && (!number || number > most))
		return -1;
	if (row->offset == offsetof(struct cli_options, rounds)) {
		options->rounds = (unsigned int)number;
		return 0;
	}
	if (row->kind == OPTION_TIME && !number)
		return -1;
	memcpy((char *)options + row->offset, &number, sizeof(number));
	return 0;
}

static int add_to_list(struct cli_list *list, const char *value)
{
	if (list->nr == CLI_MAX_LIST)
		return -1;
	list->item[list->nr++] = value;
	return 0;
}

static int set_value(struct cli_options *options, const struct option_row *row, const char *value)
{
	char *field = (char *)options + row->offset;
	char *end = NULL;
	uint64_t number;

	switch (row->kind) {
	case OPTION_TEXT:
		*(const char **)field = value;
		return 0;
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_LIST:
		return add_to_list((struct cli_list *)field, value);
	case OPTION_PERCENT:
		options->effect = strtod(value, &end) / 100;
		if (end == value || (*end && strcmp(end, "%")))
			return -1;
		return isfinite(options->effect) && options->effect > 0 ? 0 : -1;
	case OPTION_THINK:
		if (!strcmp(value, "recorded"))
			options->think = 1;
		else if (!strcmp(value, "none"))
			options->think = 0;
		else
			options->think = strtod(value, &end);
		if (end && (end == value || *end))
			return -1;
		/* What is no number is not between two. */
		return options->think >= 0 && options->think <= THINK_MAX ? 0 : -1;
	default:
		if (row->kind == OPTION_TIME ? sim_parse_time(value, &number) :
					       sim_parse_size(value, &number))
			return -1;
		return set_number(options, row, number);
	}
}

/* The row of a word such as --seed=3 or --seed; *value is what stands behind '='. */
static const struct option_row *find_row(const char *word, const char *allowed, const char **value)
{
	const char *name = !strncmp(word, "--", 2) ? word + 2 : word + 1;
	size_t len = strcspn(name, "=");

	*value = name[len] ? name + len + 1 : NULL;
	if (!strcmp(word, "-o"))
		name = "output", len = 6;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strlen(rows[i].name) == len && !strncmp(rows[i].name, name, len) &&
		    strchr(allowed, rows[i].letter))
			return &rows[i];
	return NULL;
}

void cli_put_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_=./,:+%@";

	if (*word && !word[strspn(word, plain)]) {
		fprintf(out, " %s", word);
		return;
	}
	fputs(" '", out);
	for (; *word; word++)
		fprintf(out, *word == '\'' ? "'\\''" : "%c", *word);
	putc('\'', out);
}

/* How many runs were done at once changes nothing in any of them. */
static void keep_command(int argc, char **argv, struct cli_options *options)
{
	FILE *out = fmemopen(options->command, sizeof(options->command), "we");

	if (!out)
		return;
	fputs("mmsim", out);
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--jobs"))
			i++;
		else if (strncmp(argv[i], "--jobs=", 7))
			cli_put_word(out, argv[i]);
	}
	fclose(out);
	options->command[sizeof(options->command) - 1] = '\0';
}

/* --KEY=VALUE or --KEY VALUE: whether the scenario has the key is seen when it is read. */
static int keep_key(struct cli_options *options, int argc, char **argv, int *i)
{
	char *equal = strchr(argv[*i], '=');

	if (options->nr_keys == CLI_MAX_KEYS)
		return usage("%s: at most 48 keys%s", argv[*i], "");
	options->keys[options->nr_keys] = argv[*i] + 2;
	if (!equal && ++*i == argc)
		return usage("%s: no such option, or a key without its value; see `mmsim help`%s",
			     argv[*i - 1], "");
	options->values[options->nr_keys++] = equal ? equal + 1 : argv[*i];
	return 0;
}

int cli_parse(int argc, char **argv, const char *allowed, struct cli_options *options)
{
	*options = (struct cli_options){
		.think = 1,
		.effect = 0.03,
		.seed = 1,
		.preemptions = 8,
		.depth = 3,
	};
	keep_command(argc, argv, options);
	for (int i = 1; i < argc; i++) {
		const struct option_row *row;
		const char *value;

		if (argv[i][0] != '-' || !argv[i][1]) {
			if (options->file)
				return usage("one file is enough: %s, %s", options->file, argv[i]);
			options->file = argv[i];
			continue;
		}
		row = find_row(argv[i], allowed, &value);
		if (!row && strchr(allowed, '*') && !strncmp(argv[i], "--", 2)) {
			if (keep_key(options, argc, argv, &i))
				return EXIT_USAGE;
			continue;
		}
		if (!row)
			return usage("%s: no such option for `%s`; see `mmsim help`", argv[i],
				     argv[0]);
		if (row->kind == OPTION_FLAG && value)
			return usage("--%s takes no value%s", row->name, "");
		if (row->kind != OPTION_FLAG && !value) {
			if (++i == argc)
				return usage("--%s: expected %s", row->name, row->value);
			value = argv[i];
		}
		if (set_value(options, row, value)) {
			fprintf(stderr, "mmsim: --%s: expected %s, found '%s'\n", row->name,
				row->value, value);
			return EXIT_USAGE;
		}
	}
	return 0;
}

void cli_print_options(const char *allowed, FILE *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char left[64];

		if (!strchr(allowed, rows[i].letter))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		fprintf(out, "      %-32s %s\n", left, rows[i].help);
	}
}

static int set_pair(struct mmsim_config *config, const char *pair)
{
	const char *equal = strchr(pair, '=');
	char key[64], error[256];

	if (!equal || equal == pair || (size_t)(equal - pair) >= sizeof(key))
		return usage("%s: expected AXIS=VALUE%s", pair, "");
	snprintf(key, sizeof(key), "%.*s", (int)(equal - pair), pair);
	if (mmsim_config_set(config, key, equal + 1, error))
		return usage("%s%s", error, "");
	return 0;
}

static int config_axes(const struct cli_options *options, struct mmsim_config *config)
{
	char error[256];
	int err = 0;

	if (options->kernel && mmsim_config_set(config, "kernel", options->kernel, error))
		return usage("%s%s", error, "");
	for (unsigned int i = 0; i < options->sets.nr && !err; i++)
		err = set_pair(config, options->sets.item[i]);
	return err;
}

int cli_config_machine(const struct cli_options *options, struct mmsim_config *config)
{
	char error[256];

	config->seed = options->seed;
	config->emulate_costs = !options->no_emulate;
	if (options->machine && mmsim_config_set(config, "machine", options->machine, error))
		return usage("%s%s", error, "");
	if (options->no_emulate && strcmp(config->machine, "host") &&
	    strcmp(config->machine, "step"))
		return usage("--no-emulate: %s charges its own costs: --set cost.NAME=0%s",
			     config->machine, "");
	if (options->schedule) {
		if (strlen(options->schedule) >= sizeof(config->schedule))
			return usage("--schedule: too long%s%s", "", "");
		strcpy(config->schedule, options->schedule);
	}
	return 0;
}

int cli_config(const struct cli_options *options, struct mmsim_config *config)
{
	int code;

	mmsim_config_init(config);
	config->memory_bytes = options->memory ? options->memory : DEFAULT_MEMORY;
	code = cli_config_machine(options, config);
	return code ? code : config_axes(options, config);
}

/* ---- SPEC ---- */

int cli_cut_spec(const char *text, struct cli_spec *spec)
{
	char *at = strdup(text);

	*spec = (struct cli_spec){.text = at};
	if (!at)
		return usage("no memory%s%s", "", "");
	while (*(at += strspn(at, ", \t"))) {
		size_t len = settings_element(at);
		bool is_last = !at[len];

		if (spec->nr == CLI_MAX_KEYS)
			return usage("%s: at most 48 words%s", text, "");
		spec->words[spec->nr++] = at;
		at[len] = '\0';
		for (size_t end = len; end && (at[end - 1] == ' ' || at[end - 1] == '\t');)
			at[--end] = '\0';
		at += len + !is_last;
	}
	return 0;
}

void cli_free_spec(struct cli_spec *spec)
{
	free(spec->text);
	*spec = (struct cli_spec){0};
}

/* Does an instance have a setting of that name? memory is a key of scenarios, with a SIZE. */
static bool is_setting(const char *name, size_t len)
{
	static const char *const others[] = {"kernel", "machine",   "seed",
					     "mutant", "max_steps", "max_time"};
	struct mmsim_choice choice;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strlen(others[i]) == len && !strncmp(name, others[i], len))
			return true;
	for (unsigned int i = 0; !mmsim_choice_at(i, &choice); i++)
		if (strlen(choice.axis) == len && !strncmp(name, choice.axis, len))
			return true;
	return !strncmp(name, "rwsem.", 6) || !strncmp(name, "cost.", 5) ||
	       !strncmp(name, "what_if.", 8);
}

bool cli_is_key(const char *word)
{
	size_t len = strcspn(word, "=");

	return len && word[len] && !is_setting(word, len);
}

int cli_spec_keys(const struct cli_spec *spec, struct cli_options *options)
{
	for (unsigned int i = 0; i < spec->nr; i++) {
		const char *word = spec->words[i];

		if (!cli_is_key(word))
			continue;
		if (options->nr_keys == CLI_MAX_KEYS)
			return usage("%s: at most 48 keys%s", word, "");
		/* The side's own word, not what is said of both. */
		if (!strncmp(word, "memory=", 7))
			options->memory = 0;
		options->keys[options->nr_keys] = word;
		options->values[options->nr_keys++] = strchr(word, '=') + 1;
	}
	return 0;
}

int cli_apply_spec(const struct cli_spec *spec, bool has_keys, struct mmsim_config *config,
		   int *mutant)
{
	char error[256];
	int err = cli_mutant(NULL, mutant);

	for (unsigned int i = 0; i < spec->nr && !err; i++) {
		const char *word = spec->words[i];

		if (has_keys && cli_is_key(word))
			continue;
		if (!strncmp(word, "mutant=", 7))
			err = cli_mutant(word + 7, mutant);
		else if (strchr(word, '='))
			err = set_pair(config, word);
		else if (mmsim_config_set(config, "kernel", word, error))
			err = usage("%s%s", error, "");
	}
	return err;
}
