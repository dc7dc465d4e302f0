/* SPDX-License-Identifier: MIT */
/* The command line: one table of options, from which parser and help come. */
#ifndef MMSIM_SIM_CLI_CLI_H
#define MMSIM_SIM_CLI_CLI_H

#include "../report/result.h"

#include <mmsim/mmsim.h>

enum exit_code {
	EXIT_FINE = 0,
	EXIT_USAGE = 2, /* usage or input error: nothing was run */
	EXIT_BROKEN = 4, /* an invariant broke, or nothing could run */
	EXIT_INTERRUPTED = 130,
};

#define CLI_MAX_SETS 32

/* A program of the tests can seed faults. */
#ifdef MMSIM_TEST_LIBRARY
#define CLI_EXPLORE_OPTIONS "fPdSnBcksqx"
#else
#define CLI_EXPLORE_OPTIONS "fPdSnBcksq"
#endif

struct cli_options {
	const char *file; /* the one argument that is no option */
	const char *machine, *kernel, *a, *b, *json, *output, *perf_script, *schedule;
	const char *strace, *page_faults;
	const char *search, *mutant;
	const char *sets[CLI_MAX_SETS];
	unsigned int nr_sets;
	uint64_t seed, memory;
	uint64_t preemptions, depth, schedules, budget_ns;
	double think;
	unsigned int rounds;
	bool quiet, no_emulate, json_list;
	char command[512]; /* as it was typed */
};

/**
 * cli_parse - read a command's options
 * @allowed: the letters of the options table that the command takes
 * Return: 0, or EXIT_USAGE after saying what was expected.
 */
int cli_parse(int argc, char **argv, const char *allowed, struct cli_options *options);
/* The options of @allowed, a line each. */
void cli_print_options(const char *allowed, FILE *out);

/* Apply --machine, --kernel, --set and the numbers; EXIT_USAGE after saying what is wrong. */
int cli_config(const struct cli_options *options, struct mmsim_config *config);
/* Apply --kernel and --set alone. */
int cli_config_axes(const struct cli_options *options, struct mmsim_config *config);
/* Apply "6.1,munmap=whole" on top. */
int cli_apply_spec(const char *spec, struct mmsim_config *config);

/* 1 after the first SIGINT; a second one ends the program. */
extern volatile int cli_interrupted;
void cli_catch_interrupt(void);

/* A recording and its plan; EXIT_USAGE after saying what is wrong. */
struct cli_input {
	struct recording rec;
	struct plan plan;
};
int cli_load(const char *path, struct cli_input *input);
void cli_unload(struct cli_input *input);

/* One replay in a fresh instance. *result is to be json_decref()ed; NULL when none. */
int cli_replay(const struct cli_options *options, const struct mmsim_config *config,
	       const struct cli_input *input, json_t **result);
/* 0 or EXIT_USAGE. */
int cli_write_json(const json_t *object, const char *path);

int cmd_run(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_ops(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_explore(int argc, char **argv);

#endif
