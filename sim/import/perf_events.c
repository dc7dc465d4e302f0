/* SPDX-License-Identifier: MIT */
/*
 * The text of `perf script -F comm,pid,tid,cpu,time,event,trace`. A line is
 *
 *   COMM PID/TID [CPU] SECONDS.MICROSECONDS: SYSTEM:EVENT: TRACE
 *
 * COMM may hold blanks, colons and brackets, so a line is recognised by what follows it.
 */
#define _GNU_SOURCE 1
#include "perf_events.h"
#include "trace_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERF_EVENT_ROW(id, name_, ...) [PERF_##id] = {.name = name_, .key = {__VA_ARGS__}},
static const struct {
	const char *name;
	const char *key[PERF_EVENT_VALUES_MAX];
} perf_event_specs[NR_PERF_EVENTS] = {PERF_EVENTS(PERF_EVENT_ROW)};
#undef PERF_EVENT_ROW

const char *perf_event_name(enum perf_event_kind kind)
{
	return perf_event_specs[kind].name;
}

/* ---- the head of a line ---- */

char *perf_read_time(char *p, uint64_t *time_ns)
{
	char *end = trace_seconds(p, time_ns);

	return end && *end == ':' ? trace_skip_blanks(end + 1) : NULL;
}

/* [CPU] TIME: at @p; NULL when there is something else, else what follows. */
static char *read_cpu_and_time(char *p, uint64_t *time_ns)
{
	uint64_t cpu;
	char *end = trace_digits(p + 1, &cpu);

	if (!end || *end != ']')
		return NULL;
	return perf_read_time(trace_skip_blanks(end + 1), time_ns);
}

/* Read what stands before the event's name; NULL when the line is no event. */
static char *read_head(char *line, struct perf_event *event)
{
	char *bracket, *name;

	for (bracket = strchr(line, '['); bracket; bracket = strchr(bracket + 1, '[')) {
		name = read_cpu_and_time(bracket, &event->time_ns);
		if (name && trace_line_task(line, bracket, &event->comm, &event->pid, &event->tid))
			return name;
	}
	return NULL;
}

/* ---- the event ---- */

static bool find_kind(const char *name, size_t len, enum perf_event_kind *kind)
{
	for (int i = 0; i < NR_PERF_EVENTS; i++) {
		if (strncmp(perf_event_specs[i].name, name, len) || perf_event_specs[i].name[len])
			continue;
		*kind = (enum perf_event_kind)i;
		return true;
	}
	return false;
}

/* The last one counts, as names, which could look like a key, come first in lines that have any. */
const char *perf_find_value(const char *trace, const char *key)
{
	size_t len = strlen(key);
	const char *found = len ? NULL : trace;

	for (const char *p = len ? strstr(trace, key) : NULL; p; p = strstr(p + 1, key)) {
		if (p > trace && p[-1] != ' ')
			continue;
		if (p[len] == '=')
			found = p + len + 1;
		else if (p[len] == ':' && p[len + 1] == ' ')
			found = p + len + 2;
	}
	return found;
}

static bool read_value(const char *trace, const char *key, int base, uint64_t *value)
{
	const char *text = perf_find_value(trace, key);
	char *end;

	if (!text)
		return false;
	if (!strncmp(text, "true", 4) || !strncmp(text, "false", 5)) {
		*value = *text == 't';
		return true;
	}
	*value = strtoull(text, &end, base);
	return end != text;
}

/* Which threads die with their process is told since 6.16 only; without it the value is 2. */
bool perf_event_read_values(struct perf_event *event, int base)
{
	const char *const *key = perf_event_specs[event->kind].key;

	for (int i = 0; i < PERF_EVENT_VALUES_MAX && key[i]; i++) {
		if (read_value(event->trace, key[i], base, &event->value[i]))
			continue;
		if (event->kind != PERF_EXIT)
			return false;
		event->value[i] = 2;
	}
	return true;
}

int perf_events_add(struct perf_events *events, const struct perf_event *event)
{
	size_t wanted = events->max_events ? events->max_events * 2 : 4096;
	struct perf_event *moved;

	if (events->nr_events == events->max_events) {
		moved = reallocarray(events->events, wanted, sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		events->events = moved;
		events->max_events = wanted;
	}
	events->events[events->nr_events] = *event;
	events->events[events->nr_events].nr = events->nr_events;
	events->nr_events++;
	return 0;
}

static int read_line(struct perf_events *events, char *line)
{
	struct perf_event event = {0};
	char *name, *end;

	line[strcspn(line, "\r")] = '\0';
	if (!*trace_skip_blanks(line) || *line == '#')
		return 0;
	name = read_head(line, &event);
	end = name ? strstr(name, ": ") : NULL;
	if (name && !end && *name && name[strlen(name) - 1] == ':')
		end = name + strlen(name) - 1;
	if (!end) {
		events->skipped_lines++;
		return 0;
	}
	if (!find_kind(name, (size_t)(end - name), &event.kind)) {
		events->unknown_events++;
		return 0;
	}
	event.trace = trace_skip_blanks(end + 1);
	if (event.tid <= 0 || event.pid <= 0 || !perf_event_read_values(&event, 0)) {
		events->skipped_lines++;
		return 0;
	}
	return perf_events_add(events, &event);
}

static int by_time(const void *left, const void *right)
{
	const struct perf_event *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

void perf_events_sort(struct perf_events *events)
{
	qsort(events->events, events->nr_events, sizeof(*events->events), by_time);
}

static int read_lines(struct perf_events *events)
{
	char *line = events->file.text, *end;
	int ret = 0;

	for (; !ret && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		ret = read_line(events, line);
	}
	events->cut_lines = !ret && *line;
	return ret;
}

int perf_events_read(const char *path, struct perf_events *events, struct sim_error *err)
{
	int ret;

	memset(events, 0, sizeof(*events));
	ret = text_file_read(path, &events->file, err);
	if (ret)
		return ret;
	ret = read_lines(events);
	if (ret)
		sim_error_set(err, ret, path, 0, "%s", strerror(-ret));
	else if (!events->nr_events)
		ret = sim_error_set(err, -EINVAL, path, 1,
				    "expected events as printed by perf script "
				    "-F comm,pid,tid,cpu,time,event,trace, found none");
	if (ret) {
		perf_events_free(events);
		return ret;
	}
	perf_events_sort(events);
	return 0;
}

void perf_events_free(struct perf_events *events)
{
	free(events->events);
	free(events->file.text);
	memset(events, 0, sizeof(*events));
}
