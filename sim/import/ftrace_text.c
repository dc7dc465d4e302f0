/* SPDX-License-Identifier: MIT */
/* The lines of ftrace's text as events; see ftrace_text.h for how they look. */
#define _GNU_SOURCE 1
#include "ftrace_internal.h"
#include "trace_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where in a file a line is: ftrace's text is one of several sections of data in an HTML file. */
enum section { SECTION_TEXT, SECTION_HTML, SECTION_BEGIN };

struct ftrace_reading {
	struct perf_events *events;
	struct ftrace_raw_calls raw;
	enum section section;
	bool html;
};

static char *without_blanks(char *begin, char *end)
{
	while (end > begin && isblank((unsigned char)end[-1]))
		end--;
	return end;
}

/* ---- the head of a line ---- */

/* [CPU] FLAGS TIME: at @p, FLAGS may be missing; NULL when there is something else. */
static char *read_cpu_and_time(char *p, uint64_t *time_ns)
{
	size_t digits = strspn(p + 1, "0123456789");
	char *name;

	if (!digits || digits > 6 || p[1 + digits] != ']')
		return NULL;
	p = trace_skip_blanks(p + digits + 2);
	name = perf_read_time(p, time_ns);
	if (name)
		return name;
	return perf_read_time(trace_skip_blanks(p + strcspn(p, " \t")), time_ns);
}

/* The number from @begin to @end; -1 when it is none, or too large for a process. */
static int read_id(const char *begin, const char *end)
{
	long long id = 0;

	if (begin == end || end - begin > 10)
		return -1;
	for (; begin < end; begin++) {
		if (!isdigit((unsigned char)*begin))
			return -1;
		id = id * 10 + (*begin - '0');
	}
	return id <= INT_MAX ? (int)id : -1;
}

/*
 * (TGID) that ends at @end; the number is within blanks, or dashes when ftrace does not know it.
 * Returns where it begins, @end when there is none.
 */
static char *read_tgid(char *line, char *end, int *tgid)
{
	char *begin = memrchr(line, '(', (size_t)(end - line));
	size_t len;

	if (!begin || end[-1] != ')')
		return end;
	len = strspn(begin + 1, " -");
	*tgid = read_id(begin + 1 + len, without_blanks(begin + 1 + len, end - 1));
	if (*tgid < 0) {
		*tgid = 0;
		return begin + 1 + len == end - 1 ? begin : end;
	}
	return begin;
}

/* COMM-PID [(TGID)] before @end. Cuts the comm out of the line. */
static bool read_task(char *line, char *end, struct perf_event *event)
{
	char *dash;

	end = without_blanks(line, end);
	if (end == line)
		return false;
	end = without_blanks(line, read_tgid(line, end, &event->pid));
	dash = memrchr(line, '-', (size_t)(end - line));
	if (!dash)
		return false;
	event->tid = read_id(dash + 1, end);
	if (event->tid < 0)
		return false;
	*dash = '\0';
	event->comm = trace_skip_blanks(line);
	return true;
}

/* Read what stands before the event; NULL when the line is none. */
static char *read_head(char *line, struct perf_event *event)
{
	char *bracket, *name;

	for (bracket = strchr(line, '['); bracket; bracket = strchr(bracket + 1, '[')) {
		name = read_cpu_and_time(bracket, &event->time_ns);
		if (name && read_task(line, bracket, event))
			return name;
	}
	return NULL;
}

/* ---- events ---- */

static bool is_name(const char *name, size_t len, const char *wanted)
{
	return len == strlen(wanted) && !strncmp(name, wanted, len);
}

/* The kind of `PREFIX` and the name, which may be the tracepoint's without its system. */
static bool find_kind(const char *prefix, const char *name, size_t len, enum perf_event_kind *kind)
{
	size_t prefix_len = strlen(prefix);

	for (int i = 0; i < NR_PERF_EVENTS; i++) {
		const char *row = strchr(perf_event_name((enum perf_event_kind)i), ':') + 1;

		if (strncmp(row, prefix, prefix_len) || !is_name(name, len, row + prefix_len))
			continue;
		*kind = (enum perf_event_kind)i;
		return true;
	}
	return false;
}

static int skip(struct ftrace_reading *r)
{
	r->events->skipped_lines++;
	return 0;
}

static int unknown(struct ftrace_reading *r)
{
	r->events->unknown_events++;
	return 0;
}

static int add_call(struct ftrace_reading *r, struct perf_event *event)
{
	if (event->kind <= PERF_ENTER_BRK) {
		r->raw.named |= 1u << (event->kind - PERF_ENTER_MMAP);
		event->value[0] = ftrace_untagged(event->value[0]);
	}
	return perf_events_add(r->events, event);
}

/* sys_NAME(...) or sys_NAME -> ..., whose numbers are hexadecimal, with 0x or without. */
static int read_call(struct ftrace_reading *r, struct perf_event *event, const char *name,
		     size_t len, bool is_enter)
{
	if (len < 5 || strncmp(name, "sys_", 4) ||
	    !find_kind(is_enter ? "sys_enter_" : "sys_exit_", name + 4, len - 4, &event->kind))
		return unknown(r);
	return perf_event_read_values(event, 16) ? add_call(r, event) : skip(r);
}

static bool is_lock(enum perf_event_kind kind)
{
	return kind >= PERF_LOCK_START && kind <= PERF_LOCK_RELEASED;
}

/*
 * The code of a fault on arm64 is its syndrome register, whose upper bits say that it is of user
 * space, of a fetch or of data. No code of x86 has them. Returns whether it was one.
 */
static bool translate_fault(uint64_t *value)
{
	const uint64_t of_fetch = 0x41, of_data = 0x49, data_write = 0x40, data_cache = 0x100;
	const uint64_t x86_user = 0x4, x86_write = 0x2, x86_fetch = 0x10;
	uint64_t syndrome = value[1], kind = (syndrome & UINT32_MAX) >> 25;

	if (kind != of_fetch && kind != of_data)
		return false;
	value[0] = ftrace_untagged(value[0]);
	value[1] = x86_user;
	if (kind == of_fetch)
		value[1] |= x86_fetch;
	else if (syndrome & data_write && !(syndrome & data_cache))
		value[1] |= x86_write;
	return true;
}

/*
 * NAME: KEY=VALUE... Of mmap_lock's events the mm is hexadecimal without 0x; perfetto's, which are
 * not, are as different from each other when read so. Its results have a key, `ret`.
 */
static int read_other(struct ftrace_reading *r, struct perf_event *event)
{
	const char *result = perf_find_value(event->trace, "ret");

	if (result && event->kind >= PERF_EXIT_MMAP && event->kind <= PERF_EXIT_BRK)
		event->trace = result;
	if (!perf_event_read_values(event, is_lock(event->kind) ? 16 : 0))
		return skip(r);
	if (event->kind <= PERF_EXIT_BRK)
		return add_call(r, event);
	if (event->kind == PERF_FAULT)
		r->raw.faults_of_x86 |= !translate_fault(event->value);
	return perf_events_add(r->events, event);
}

/*
 * task_newtask: pid=8 comm=x clone_flags=3d0f00 ... The flags are hexadecimal, of perfetto decimal:
 * what reads as CLONE_THREAD without the flags that it needs is misread.
 */
static int read_newtask(struct ftrace_reading *r, struct perf_event *event)
{
	const uint64_t thread_sighand_vm = 0x10900;
	const char *flags = perf_find_value(event->trace, "clone_flags");
	char *end;

	if (!flags || strncmp(event->trace, "pid=", 4))
		return skip(r);
	event->kind = PERF_FORK;
	event->value[FORK_CHILD] = strtoull(event->trace + 4, &end, 10);
	if (end == event->trace + 4)
		return skip(r);
	event->value[FORK_IS_NEWTASK] = 1;
	event->value[FORK_IS_THREAD] =
		(strtoull(flags, NULL, 16) & thread_sighand_vm) == thread_sighand_vm ||
		(strtoull(flags, &end, 10) & thread_sighand_vm) == thread_sighand_vm;
	return perf_events_add(r->events, event);
}

static int read_event(struct ftrace_reading *r, struct perf_event *event, char *name)
{
	size_t len = 0;
	char *end;

	while (isalnum((unsigned char)name[len]) || name[len] == '_')
		len++;
	end = trace_skip_blanks(name + len);
	event->trace = end + 1;
	if (!len)
		return skip(r);
	if (event->tid == 0)
		return unknown(r);
	if (*end == '(')
		return read_call(r, event, name, len, true);
	if (!strncmp(end, "-> ", 3)) {
		event->trace = end + 3;
		return read_call(r, event, name, len, false);
	}
	if (*end != ':')
		return unknown(r);
	event->trace = trace_skip_blanks(end + 1);
	if (is_name(name, len, "sys_enter") || is_name(name, len, "sys_exit"))
		return ftrace_raw_line(&r->raw, r->events, event, is_name(name, len, "sys_enter"));
	if (is_name(name, len, "task_newtask"))
		return read_newtask(r, event);
	return find_kind("", name, len, &event->kind) ? read_other(r, event) : unknown(r);
}

/* ---- lines ---- */

/* CPU:0 [LOST 123 EVENTS], or in the head of a trace, what the buffer has of what was written. */
static bool read_lost(const char *line, struct perf_events *events)
{
	unsigned long long kept, written;
	int end = 0;

	if (sscanf(line, "CPU:%*u [LOST %19llu EVENTS]%n", &written, &end) == 1 && end) {
		events->lost_events += written;
		return true;
	}
	if (sscanf(line, "# entries-in-buffer/entries-written: %19llu/%19llu", &kept, &written) ==
	    2)
		events->lost_events += written > kept ? written - kept : 0;
	return false;
}

/* Whether the line is text of ftrace; it is in an HTML file's section that begins with a `#`. */
static bool in_text(struct ftrace_reading *r, const char *line)
{
	if (r->section == SECTION_BEGIN && *line)
		r->section = *line == '#' ? SECTION_TEXT : SECTION_HTML;
	else if (r->section == SECTION_HTML && strstr(line, "class=\"trace-data\""))
		r->section = SECTION_BEGIN;
	else if (r->html && r->section == SECTION_TEXT && strstr(line, "</script>"))
		r->section = SECTION_HTML;
	return r->section == SECTION_TEXT;
}

static int read_line(struct ftrace_reading *r, char *line)
{
	struct perf_event event = {0};
	char *name;

	line[strcspn(line, "\r")] = '\0';
	if (!in_text(r, line) || read_lost(line, r->events))
		return 0;
	if (!*trace_skip_blanks(line) || *line == '#')
		return 0;
	name = read_head(line, &event);
	return name ? read_event(r, &event, name) : skip(r);
}

static int read_lines(struct ftrace_reading *r)
{
	char *line = r->events->file.text, *end;
	int ret = 0;

	r->html = !strncasecmp(line, "<!doctype", 9) || !strncasecmp(line, "<html", 5);
	r->section = r->html ? SECTION_HTML : SECTION_TEXT;
	for (; !ret && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		ret = read_line(r, line);
	}
	r->events->cut_lines = !ret && *line && r->section == SECTION_TEXT;
	return ret;
}

/* Calls that turned out to be none have no thread, and one of two that tell of one fork. */
static void drop_events_without_thread(struct perf_events *events)
{
	size_t kept = 0;

	for (size_t i = 0; i < events->nr_events; i++)
		if (events->events[i].tid)
			events->events[kept++] = events->events[i];
	events->nr_events = kept;
}

static int nothing_found(const struct perf_events *events, const char *path, struct sim_error *err)
{
	if (events->no_arguments)
		return sim_error_set(err, -EINVAL, path, 0,
				     "expected system calls with their arguments, found %llu "
				     "without, as perfetto records them",
				     (unsigned long long)events->no_arguments);
	return sim_error_set(err, -EINVAL, path, 1,
			     "expected events as ftrace prints them, COMM-PID [CPU] TIME: EVENT, "
			     "found none that is known");
}

static int read_events(struct ftrace_reading *r, enum ftrace_arch arch, const char *path,
		       struct sim_error *err)
{
	int ret = read_lines(r);

	if (!ret) {
		ret = ftrace_raw_resolve(&r->raw, r->events, arch, path, err);
		if (ret)
			return ret;
		drop_events_without_thread(r->events);
		if (!r->events->nr_events)
			return nothing_found(r->events, path, err);
		perf_events_sort(r->events);
		ret = ftrace_find_processes(r->events);
		drop_events_without_thread(r->events);
	}
	return ret ? sim_error_set(err, ret, path, 0, "%s", strerror(-ret)) : 0;
}

int import_ftrace(const char *path, enum ftrace_arch arch, struct recording *out,
		  struct import_report *report, struct sim_error *err)
{
	struct perf_events events = {0};
	struct ftrace_reading reading = {.events = &events};
	int ret;

	memset(out, 0, sizeof(*out));
	memset(report, 0, sizeof(*report));
	ret = text_file_read(path, &events.file, err);
	if (ret)
		return ret;
	ret = read_events(&reading, arch, path, err);
	free(reading.raw.calls);
	if (!ret)
		return import_perf_events(&events, path, out, report, err);
	perf_events_free(&events);
	return ret;
}
