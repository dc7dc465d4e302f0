/* SPDX-License-Identifier: MIT */
/*
 * The result of a run as JSON (schema: sim/schema/result.json). The text
 * report is printed from the same object, so that JSON holds all the text has.
 */
#ifndef MMSIM_SIM_REPORT_RESULT_H
#define MMSIM_SIM_REPORT_RESULT_H

#include "../replay/replay.h"

#include <jansson.h>
#include <stdio.h>

/* What the configuration of the instance does not say about a run. */
struct run_info {
	const char *recording; /* path */
	const char *command; /* the command line */
	double think;
	const char *outcome; /* "done", "interrupted", or the failure's text */
};

/* A new object; NULL: no memory. */
json_t *result_json(const struct mmsim *sim, const struct mmsim_config *config,
		    const struct recording *rec, const struct replay_result *result,
		    const struct run_info *info);

void result_print(const json_t *result, FILE *out);

/* Median run of each side, side by side, what was recorded beside them. */
void compare_print(const json_t *comparison, FILE *out);

/* A value by path, "run.elapsed_ns"; NULL, and 0 as a number, when it is not there. */
const json_t *json_at(const json_t *object, const char *path);
double json_number_at(const json_t *object, const char *path);

#endif
