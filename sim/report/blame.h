/* SPDX-License-Identifier: MIT */
/* Whom the tasks with deadlines waited for: as JSON, a table, a sentence and folded stacks. */
#ifndef MMSIM_SIM_REPORT_BLAME_H
#define MMSIM_SIM_REPORT_BLAME_H

#include <jansson.h>
#include <mmsim/mmsim.h>
#include <stdio.h>

#define BLAME_TEXT_MAX 1024

/* Of all tasks of that name: {"waits", "total_ns", "rows": [...]}. The rows add up to total_ns. */
json_t *blame_json(const struct mmsim *sim, const char *name);

/**
 * blame_sentence - who is to blame, as a person would say it
 * @result: of a run
 * @task: a name of its "tasks"
 * @buf: BLAME_TEXT_MAX bytes
 *
 * Return: @buf, "ui lost 38.2 ms to locks in 5 waits: 61 % to HeapTaskDaemon in madvise (preempted
 * 4 of 5 times), ..."; NULL when it waited for no lock or has no deadline, or without time.
 */
const char *blame_sentence(const json_t *result, const char *task, char *buf);

/* The sentence and the table, of every task with a deadline that waited. */
void blame_print(const json_t *result, FILE *out);

/**
 * blame_fold - the waits of all runs as folded stacks, "a;b;c NANOSECONDS" a line
 * @points: arrays of results, one a seed, in an array: one a point of the matrix
 *
 * The outermost frame is the task (of several points, the point), then its wait, then whom it
 * waited for and whom that waited for, last what the last of them did meanwhile.
 */
void blame_fold(const json_t *points, FILE *out);

#endif
