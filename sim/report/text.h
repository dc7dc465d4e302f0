/* SPDX-License-Identifier: MIT */
/* What the texts of replays, scenarios and comparisons have alike. */
#ifndef MMSIM_SIM_REPORT_TEXT_H
#define MMSIM_SIM_REPORT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A text by two keys; "?" when it is not there. */
const char *text_at(const json_t *object, const char *outer, const char *key);

/* What it takes to make the output again. */
void print_head(const json_t *result, FILE *out);
/* The same of runs with several seeds. */
void print_head_of_runs(const json_t *runs, FILE *out);
void print_strategies(const json_t *result, const char *label, FILE *out);
/* The integers that are not zero. */
void print_nonzero(const json_t *object, const char *title, FILE *out);
/* Waits, the longest in all first. */
void print_edges(const json_t *result, const char *title, FILE *out);
/* Does the machine have times that say anything? */
bool has_time(const json_t *result);
bool is_host(const json_t *result);

/* A scenario's run. */
void workload_print(const json_t *result, FILE *out);

#endif
