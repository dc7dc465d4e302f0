/* SPDX-License-Identifier: MIT */
/*
 * Numbers of a result by name: what `compare` decides about and a matrix shows.
 *
 *	TASK.frames.missed|made|p50|p99|longest		of a task with a period
 *	TASK.frames.missed_for_locks			in time but for waits for locks
 *	TASK.wait.count|total|longest			contended waits for locks
 *	TASK.spin.count|total|longest			the same for spinlocks
 *	TASK.longest					its longest operation
 *	TASK.loops.rate					scripts done a second
 *	TASK.OP.rate|count|failed|p50|p99|mean|longest	one kind of operation
 *	LOCK.SITE.wait|hold_read|hold_write.count|p50|p99|mean|longest
 *	and the names of the METRICS table
 */
#ifndef MMSIM_SIM_REPORT_METRICS_H
#define MMSIM_SIM_REPORT_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define METRIC_NAME_MAX 96

enum metric_format {
	FORMAT_COUNT,
	FORMAT_RATE,
	FORMAT_SECONDS,
	FORMAT_MS,
	FORMAT_US,
	FORMAT_PERCENT
};

struct metric {
	char name[METRIC_NAME_MAX];
	enum metric_format format;
	bool higher_is_better;
	const char *path; /* of the value, or of the part */
	const char *whole; /* FORMAT_PERCENT, means: of what; NULL: nothing */
};

/**
 * metric_find - what a name means for a result
 * @result: as result_json() made it, all of it
 * Return: 0, or -ENOENT: the result has no such number.
 */
int metric_find(const json_t *result, const char *name, struct metric *metric);

/**
 * metric_may_come - can a run have a number of that name?
 * @empty: its result as it would be if nothing had been done
 *
 * Sites of locks are in a result only if a lock was taken there.
 */
bool metric_may_come(const json_t *empty, const char *name);

/* The same in any of some results: a site of a lock is in those only that took it there. */
bool metric_find_in(const json_t *runs, const char *name, struct metric *metric);
/* A name of the form LOCK.SITE.wait.count: what it means, whether there was such a lock or not. */
bool metric_of_site(const char *name, struct metric *metric);

/**
 * metric_measured - has a result a value of it?
 *
 * An operation that was never done took no time that could be told; nor is there a mean of no
 * holds, or a part of no page faults. Counts of what never came are 0, and so are waits added up.
 */
bool metric_measured(const json_t *result, const struct metric *metric);

/* Its value in a result with the same tasks, in its unit; 0 when it is not there. */
double metric_value(const json_t *result, const struct metric *metric);
/**
 * metric_integers - the same as the integers that it is made of, in nanoseconds or counts
 * @whole: what @value is a part of, 0 if it is no part
 *
 * Return: metric_measured().
 */
bool metric_integers(const json_t *result, const struct metric *metric, uint64_t *value,
		     uint64_t *whole);
/* What a format makes of nanoseconds, of a part of 1, or of a count. */
double metric_scaled(double value, enum metric_format format);

/* A value in its unit as text, without the unit. */
const char *metric_text(double value, enum metric_format format, char *buf, size_t size);
/* "ms", "1/s", ...; empty for counts. */
const char *metric_unit(enum metric_format format);

/* The next of some names with blanks or commas between, and what follows; its length, 0: none. */
size_t metric_cut_name(const char **names, char name[METRIC_NAME_MAX]);

/* What a result is about when nobody says: names with blanks between. */
const char *metrics_of(const json_t *result);

/* All names and what they are, for the manual. */
void metrics_print_help(FILE *out);

#endif
