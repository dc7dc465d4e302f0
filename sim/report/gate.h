/* SPDX-License-Identifier: MIT */
/* What moved, and whether that is a regression: baselines, conditions, markdown. */
#ifndef MMSIM_SIM_REPORT_GATE_H
#define MMSIM_SIM_REPORT_GATE_H

#include "../compare/condition.h"

#include <jansson.h>
#include <stdio.h>

#define GATE_TEXT_MAX 512

/*
 * A baseline is a small object, to be kept beside the code: "schema", "made_by", "setting" (what
 * has to be the same for values to be comparable), "a" and "b" (their SPECs) and "metrics", rows
 * as exact_rows() makes them.
 */
#define BASELINE_SCHEMA "mmsim-baseline-1"

/**
 * baseline_load - read a baseline
 * @error: GATE_TEXT_MAX bytes: "file:line:column: what is wrong"
 *
 * Return: the object; NULL after filling @error.
 */
json_t *baseline_load(const char *path, char *error);

/* Can @setting be compared with it? False: @error says what differs. */
bool baseline_fits(const json_t *baseline, const char *path, const json_t *setting, char *error);

json_t *baseline_json(const json_t *setting, const char *a, const char *b, const json_t *rows,
		      const char *made_by);

/* Give @rows, and each of their seeds, what b had in the baseline: "baseline". */
void baseline_join(const json_t *baseline, json_t *rows);

/* Nothing may be worse than in the baseline: conditions, with semicolons between; to be freed. */
char *baseline_conditions(const json_t *baseline);

/**
 * gate_check - can the condition be asked of these rows?
 *
 * Return: true; false: @error, GATE_TEXT_MAX bytes, says what is missing, or which unit fits.
 */
bool gate_check(const struct condition *condition, const json_t *row, bool *of_bound, char *error);

/**
 * gate_exact - ask it of a model's row, against the baseline if the row has it, else against a
 *
 * Return: an object: "condition", "metric", "failed", "text" (what moved, by how much, over which
 * seeds) and, if it failed, "seed" that shows it best.
 */
json_t *gate_exact(const struct condition *condition, const json_t *row);

/* The same of a verdict of the host's: "undecided" where its interval is not on one side. */
json_t *gate_verdict(const struct condition *condition, const json_t *row);

/* The row of a metric; NULL: there is none. */
json_t *gate_row(const json_t *rows, const char *metric);

/* A summary for a pull request. @comparison has "gate"; only of models. */
void gate_markdown(const json_t *comparison, FILE *out);

#endif
