/* SPDX-License-Identifier: MIT */
/*
 * The result of a run as JSON (schema: sim/schema/result.json). The text
 * report is printed from the same object, so that JSON holds all the text has.
 */
#ifndef MMSIM_SIM_REPORT_RESULT_H
#define MMSIM_SIM_REPORT_RESULT_H

#include "../replay/replay.h"
#include "../scenario/workload.h"

#include <jansson.h>
#include <stdio.h>

/* What the instance does not say about a run. */
struct run_info {
	const struct mmsim_config *config;
	const char *recording, *scenario; /* as they were named; NULL: it is the other */
	const char *point; /* of the scenario's matrix */
	const struct settings *settings; /* the scenario's */
	const char *command; /* the command line */
	double think;
	const char *outcome; /* "done", "interrupted", or the failure's text */
};

/* A new object with all that replays and scenarios have alike; NULL: no memory. */
json_t *result_json(const struct mmsim *sim, const struct run_info *info);
/* What a replay has besides. */
void result_add_replay(json_t *result, const struct recording *rec,
		       const struct replay_result *replayed);
/* What a scenario has besides: its tasks, their operations, frames and waits. */
void result_add_workload(json_t *result, const struct mmsim *sim, const struct scenario *scenario,
			 const struct workload_result *workload);

void result_print(const json_t *result, FILE *out);

/**
 * seeds_print - the runs of one point with several seeds: its metrics over all of them
 * @runs: an array of results, one a seed; only those that came to their end are counted, if any did
 */
void seeds_print(const json_t *runs, FILE *out);

/**
 * matrix_print - the points of a matrix, with few columns side by side
 * @points: an array of arrays of results, one a seed; of several seeds the medians are printed
 */
void matrix_print(const json_t *points, FILE *out);

/* Median run of each side, side by side, what was recorded beside them. */
void compare_print(const json_t *comparison, FILE *out);

/* A value by path, "run.elapsed_ns"; NULL, and 0 as a number, when it is not there. */
const json_t *json_at(const json_t *object, const char *path);
double json_number_at(const json_t *object, const char *path);

#endif
