/* SPDX-License-Identifier: MIT */
/* What the parts of `mmsim compare` share. */
#ifndef MMSIM_SIM_CLI_COMPARE_H
#define MMSIM_SIM_CLI_COMPARE_H

#include "../compare/fitness.h"
#include "../report/gate.h"
#include "cli.h"

enum { SIDE_A, SIDE_A_AGAIN, SIDE_B, NR_SIDES };

struct side {
	const char *spec; /* NULL: there is no such side */
	struct cli_spec words; /* of it */
	struct cli_options options; /* the scenario's keys of the spec among them */
	struct cli_input *input;
	struct mmsim_config config;
	int mutant;
	json_t *runs; /* a result a round, or a seed */
};

/* How busy others kept the machine while the rounds ran. */
struct watch {
	bool begun, judged;
	struct fitness_sample before;
	uint64_t began_ns;
	struct fitness fitness;
};

/* What is asked of b, and of what it is compared with. */
struct gate {
	struct condition *conditions;
	unsigned int nr;
	json_t *baseline; /* NULL: none */
	json_t *answers; /* NULL: not asked */
};

struct comparison {
	const struct cli_options *options;
	struct cli_input inputs[2]; /* a scenario as a and as b have it; a recording is the first */
	struct side sides[NR_SIDES];
	bool on_host;
	char *names; /* of the metrics to decide about, those of conditions and baseline, too */
	json_t *metrics; /* the verdicts, or rows; NULL: none */
	struct gate gate;
	/* Host only. */
	unsigned int rounds;
	bool narrow;
	uint64_t began_ns, elapsed_ns;
	struct fitness fitness; /* before the first round */
	struct watch watch;
};

/* ---- compare_sides.c ---- */

/* Read the sides' SPECs and what they run. 0 or EXIT_USAGE after saying what is wrong. */
int compare_load(struct comparison *c);
/* Say how each is configured; after it c->on_host is known. */
int compare_configure(struct comparison *c);
void compare_unload(struct comparison *c);
/* What SPEC says of the scenario's keys. */
json_t *compare_side_json(const struct side *side);
/* The command that does one of the side's runs: a new string. */
char *compare_run_command(const struct side *side, int64_t seed);

/* ---- compare_host.c ---- */

/* Rounds of a, a again and b, until something can be said. The exit code. */
int compare_on_host(struct comparison *c);
json_t *compare_host_json(const struct comparison *c);

/* ---- compare_seeds.c ---- */

/* All seeds of a and b, as many at once as --jobs says. The exit code. */
int compare_on_model(struct comparison *c);
/* What has to be the same for the values of two comparisons to be comparable. */
json_t *compare_setting(const struct comparison *c);
json_t *compare_model_json(const struct comparison *c);

/* ---- compare_gate.c ---- */

/* Read conditions and baseline. 0 or EXIT_USAGE after saying what is wrong. */
int gate_load(struct comparison *c);
/* Once it is known what is run: is the baseline of the same? */
int gate_fit(const struct comparison *c);
/* @names and those of all metrics that are asked for: a new string; NULL: no memory. */
char *gate_names(const struct comparison *c, const char *names);
/* Can all be asked of these rows? 0 or EXIT_USAGE after saying what is wrong. */
int gate_check_rows(const struct comparison *c, const json_t *rows);
/* Ask, and add the answers to the comparison. */
void gate_ask(struct comparison *c, json_t *comparison);
/* Say what failed, write baseline and summary. EXIT_REGRESSION if a condition failed. */
int gate_answer(struct comparison *c, const json_t *comparison);
void gate_free(struct gate *gate);

#endif
