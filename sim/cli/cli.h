/* SPDX-License-Identifier: MIT */
/* The command line: one table of options, from which parser and help come. */
#ifndef MMSIM_SIM_CLI_CLI_H
#define MMSIM_SIM_CLI_CLI_H

#include "../report/result.h"
#include "../scenario/workload.h"

#include <mmsim/mmsim.h>

enum exit_code {
	EXIT_FINE = 0,
	EXIT_REGRESSION = 1, /* what --fail-if says must not be is so */
	EXIT_USAGE = 2, /* usage or input error: nothing was run */
	EXIT_UNFIT = 3, /* the machine is too busy, or nothing could be decided */
	EXIT_BROKEN = 4, /* an invariant broke, or nothing could run */
	EXIT_INTERRUPTED = 130,
};

#define CLI_MAX_LIST 32
#define CLI_MAX_KEYS 48

/* A program of the tests can seed faults. */
#ifdef MMSIM_TEST_LIBRARY
#define CLI_RUN_OPTIONS "mkstSNwMejgIqcx*"
#define CLI_EXPLORE_OPTIONS "fPdSnBcksqx*"
#else
#define CLI_RUN_OPTIONS "mkstSNwMejgIqc*"
#define CLI_EXPLORE_OPTIONS "fPdSnBcksq*"
#endif
#define CLI_COMPARE_OPTIONS "mabNwluUWtrEDiySMejq*"

/* Of an option that may be given several times. */
struct cli_list {
	const char *item[CLI_MAX_LIST];
	unsigned int nr;
};

struct cli_options {
	const char *file; /* the one argument that is no option */
	const char *machine, *kernel, *a, *b, *json, *folded, *output, *perf_script, *schedule;
	const char *ftrace, *arch;
	const char *strace, *page_faults;
	const char *search, *mutant;
	const char *baseline, *write_baseline, *markdown;
	struct cli_list sets, fail_if, what_if;
	const char *keys[CLI_MAX_KEYS], *values[CLI_MAX_KEYS]; /* of the scenario */
	unsigned int nr_keys;
	uint64_t seed, memory; /* memory 0: not said */
	uint64_t seeds, jobs; /* how many; 0: not said */
	uint64_t preemptions, depth, schedules, budget_ns;
	const char *metrics;
	double think, effect;
	unsigned int rounds; /* 0: not said */
	bool quiet, no_emulate, json_list, anyway;
	char command[2048]; /* as it was typed, but for --jobs */
};

/**
 * cli_parse - read a command's options
 * @allowed: the letters of the options table that the command takes; *: and keys of scenarios
 * Return: 0, or EXIT_USAGE after saying what was expected.
 */
int cli_parse(int argc, char **argv, const char *allowed, struct cli_options *options);
/* A blank and a word as a shell takes it. */
void cli_put_word(FILE *out, const char *word);
/* The options of @allowed, a line each. */
void cli_print_options(const char *allowed, FILE *out);

/* Apply --machine, --kernel, --set and the numbers; EXIT_USAGE after saying what is wrong. */
int cli_config(const struct cli_options *options, struct mmsim_config *config);
/* Apply --machine, --seed and what else says how, not what. */
int cli_config_machine(const struct cli_options *options, struct mmsim_config *config);

/* A side of a comparison: "6.1,munmap=whole,where=edge", cut into its words. */
struct cli_spec {
	char *text; /* what the words are in */
	const char *words[CLI_MAX_KEYS];
	unsigned int nr;
};
/* 0, or EXIT_USAGE after saying what is wrong; cli_free_spec() all the same. */
int cli_cut_spec(const char *text, struct cli_spec *spec);
void cli_free_spec(struct cli_spec *spec);
/* Is a word KEY=VALUE of a scenario? Not when a kernel, an axis or the like has that name. */
bool cli_is_key(const char *word);
/* Add those words as if they were --KEY=VALUE. 0 or EXIT_USAGE. */
int cli_spec_keys(const struct cli_spec *spec, struct cli_options *options);
/* Apply all other words, or without @has_keys all; in the program of the tests also mutant=NAME. */
int cli_apply_spec(const struct cli_spec *spec, bool has_keys, struct mmsim_config *config,
		   int *mutant);

/*
 * How many SIGINT and SIGTERM came; the third ends the program. A handler runs in any
 * thread, and all look: it is read atomically.
 */
extern volatile int cli_interrupts;
bool cli_interrupted(void);
void cli_catch_interrupt(void);

/* The settings of the scenario that @options names, with what the options say. 0 or -errno. */
int cli_scenario(const struct cli_options *options, struct settings *settings,
		 struct sim_error *err);

/* What is run: a recording and its plan, or a scenario. */
struct cli_input {
	bool is_scenario;
	struct recording rec;
	struct plan plan;
	struct settings settings;
	unsigned int points; /* of the scenario's matrix; 1: no lists */
	struct scenario scenario; /* at the point at hand */
};
/* Is a scenario meant, not a recording? */
bool cli_names_scenario(const struct cli_options *options);
/* 0, or EXIT_USAGE after saying what is wrong. */
int cli_load(const struct cli_options *options, struct cli_input *input);
void cli_unload(struct cli_input *input);
/* Go to a point of the matrix, and say how it is configured. 0 or EXIT_USAGE. */
int cli_point(const struct cli_options *options, struct cli_input *input, unsigned int point,
	      struct mmsim_config *config);

/* One run in a fresh instance. *result is to be json_decref()ed; NULL when none. */
int cli_run(const struct cli_options *options, const struct mmsim_config *config,
	    const struct cli_input *input, json_t **result);
/* Its result if nothing had been done: what is named there a run will have. NULL: said why. */
json_t *cli_empty_result(const struct cli_options *options, const struct mmsim_config *config,
			 const struct cli_input *input);
/* Can a run have all these metrics? 0, or EXIT_USAGE after saying which it cannot. */
int cli_check_metrics(const json_t *empty, const char *names);
int cli_unknown_metric(const char *name);
/* what_if.c: --what-if. The exit code. */
int cli_what_if(const struct cli_options *options, struct cli_input *input);
/* clock.c: an instance that only tells the time. */
int cli_clock_start(void);
void cli_clock_stop(void);
uint64_t cli_now_ns(void);
void cli_sleep_ns(uint64_t ns);

/* mutant.c: the number of a seeded fault, of none if @name is NULL. 0, or EXIT_USAGE. */
int cli_mutant(const char *name, int *mutant);
void cli_mutant_switch(int mutant);

/* output.c: can it be written? Said before anything is run. NULL: nothing to. 0 or EXIT_USAGE. */
int cli_check_output(const char *path);
/* Whether all that was written has arrived: 0, or EXIT_USAGE after saying that it has not. */
int cli_close(FILE *out, const char *path);
/* 0 or EXIT_USAGE. */
int cli_write_json(const json_t *object, const char *path);

/* What `mmsim help` prints. */
int cli_print_commands(FILE *out);
/* The same of one command; false: there is none of that name. */
bool cli_print_command(const char *name, FILE *out);
/* help_machine.c: the same of a machine, by its name or its profile's path; @code: of exit. */
bool cli_print_machine(const char *name, FILE *out, int *code);

int cmd_run(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_ops(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_help(int argc, char **argv);

#endif
