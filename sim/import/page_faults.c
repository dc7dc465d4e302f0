/* SPDX-License-Identifier: MIT */
/*
 * Recordings made from page faults. A line is one of
 *
 *   COMM PID/TID SECONDS.FRACTION: ADDRESS IP
 *   COMM PID/TID SECONDS.FRACTION: PERF_RECORD_COMM[ exec]: COMM:PID/TID
 *   COMM PID/TID SECONDS.FRACTION: PERF_RECORD_FORK(PID:TID):(PARENT'S PID:TID), or _EXIT
 */
#define _GNU_SOURCE 1
#include "page_faults.h"
#include "assumed.h"
#include "../replay/page_set.h"
#include "../replay/text_file.h"
#include "trace_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_EVENTS(X)                                                                            \
	X(FORK, "PERF_RECORD_FORK")                                                                \
	X(EXIT, "PERF_RECORD_EXIT")                                                                \
	X(EXEC, "PERF_RECORD_COMM exec")                                                           \
	X(NAME, "PERF_RECORD_COMM")                                                                \
	X(ADDRESS, "page-faults")

#define FAULT_EVENT_ENUM(id, ...) FAULT_##id,
enum fault_kind { FAULT_EVENTS(FAULT_EVENT_ENUM) NR_FAULT_KINDS };
#undef FAULT_EVENT_ENUM

#define FAULT_EVENT_NAME(id, name) [FAULT_##id] = (name),
static const char *const kind_names[NR_FAULT_KINDS] = {FAULT_EVENTS(FAULT_EVENT_NAME)};
#undef FAULT_EVENT_NAME

struct fault_event {
	uint64_t time_ns;
	size_t nr; /* its place in the file */
	enum fault_kind kind;
	int pid, tid;
	int child_pid, child_tid; /* FAULT_FORK */
	const char *comm;
	uint64_t addr, ip;
};

struct fault_import {
	struct importer im;
	struct text_file file;
	struct fault_event *events;
	size_t nr_events, max_events;
	struct page_set seen;
	uint64_t faults;
};

/* ---- lines ---- */

/* A number above 0, and what stands behind it; NULL when it is none. */
static const char *read_id(const char *p, int *id)
{
	uint64_t number;
	const char *end = trace_digits(p, &number);

	if (!end || !number || number > INT_MAX)
		return NULL;
	*id = (int)number;
	return end;
}

/* (PID:TID) */
static const char *read_pair(const char *p, int *pid, int *tid)
{
	p = *p == '(' ? read_id(p + 1, pid) : NULL;
	p = p && *p == ':' ? read_id(p + 1, tid) : NULL;
	return p && *p == ')' ? p + 1 : NULL;
}

/* NAME:PID/TID, where NAME may hold anything. */
static bool read_name(char *p, struct fault_event *event)
{
	char *colon = strrchr(p, ':');
	const char *end;

	if (!colon)
		return false;
	end = read_id(colon + 1, &event->pid);
	end = end && *end == '/' ? read_id(end + 1, &event->tid) : NULL;
	return end && !*trace_skip_blanks(end);
}

/* (PID:TID):(PARENT'S PID:TID); the parent of a fork makes it, an exit is the task's own. */
static bool read_family(const char *p, struct fault_event *event)
{
	int pid, tid, parent_pid, parent_tid;

	p = read_pair(p, &pid, &tid);
	/* The parent of the first process of a machine is 0, which is nobody: fine for an exit. */
	if (!p || *p != ':')
		return false;
	if (event->kind == FAULT_EXIT) {
		event->pid = pid;
		event->tid = tid;
		return true;
	}
	if (!read_pair(p + 1, &parent_pid, &parent_tid))
		return false;
	event->pid = parent_pid;
	event->tid = parent_tid;
	event->child_pid = pid;
	event->child_tid = tid;
	return true;
}

/* ADDRESS IP; without ip among the fields of perf script there is one number only. */
static bool read_address(const char *p, struct fault_event *event)
{
	char *end;

	if (!isxdigit((unsigned char)*p))
		return false;
	errno = 0;
	event->addr = strtoull(p, &end, 16);
	if (errno || (*end && !isblank((unsigned char)*end)))
		return false;
	p = trace_skip_blanks(end);
	event->ip = *p ? strtoull(p, &end, 16) : 0;
	return !*p || end > p;
}

enum line { LINE_EVENT, LINE_OTHER, LINE_NONE };

/* What stands behind the time. */
static enum line read_rest(char *p, struct fault_event *event)
{
	size_t len;

	if (strncmp(p, "PERF_RECORD_", 12)) {
		event->kind = FAULT_ADDRESS;
		return read_address(p, event) ? LINE_EVENT : LINE_NONE;
	}
	for (int kind = FAULT_FORK; kind <= FAULT_NAME; kind++) {
		len = strlen(kind_names[kind]);
		if (strncmp(p, kind_names[kind], len))
			continue;
		event->kind = (enum fault_kind)kind;
		p += len;
		if (kind == FAULT_FORK || kind == FAULT_EXIT)
			return read_family(p, event) ? LINE_EVENT : LINE_NONE;
		return *p == ':' && read_name(p + 1, event) ? LINE_EVENT : LINE_NONE;
	}
	return LINE_OTHER;
}

/* The time is where a line is sure to be one: the name before it may hold anything. */
static enum line read_event(char *line, struct fault_event *event)
{
	enum line rest = LINE_NONE;
	int pid, tid;
	char *end;

	for (char *p = line; *p; p++) {
		if (!isdigit((unsigned char)*p) || p == line || !isblank((unsigned char)p[-1]))
			continue;
		end = trace_seconds(p, &event->time_ns);
		if (!end || *end != ':')
			continue;
		rest = read_rest(trace_skip_blanks(end + 1), event);
		if (rest == LINE_NONE || !trace_line_task(line, p, &event->comm, &pid, &tid))
			continue;
		if (event->kind == FAULT_ADDRESS) {
			event->pid = pid;
			event->tid = tid;
		}
		return rest;
	}
	return LINE_NONE;
}

static int add_event(struct fault_import *f, const struct fault_event *event)
{
	size_t wanted = f->max_events ? f->max_events * 2 : 4096;
	struct fault_event *moved;

	if (f->nr_events == f->max_events) {
		moved = reallocarray(f->events, wanted, sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		f->events = moved;
		f->max_events = wanted;
	}
	f->events[f->nr_events] = *event;
	f->events[f->nr_events].nr = f->nr_events;
	f->nr_events++;
	return 0;
}

static int read_line(struct fault_import *f, char *line)
{
	struct fault_event event = {0};
	enum line found;

	line[strcspn(line, "\r")] = '\0';
	if (!*trace_skip_blanks(line) || *line == '#')
		return 0;
	found = read_event(line, &event);
	/* At time 0 perf writes what it finds when it begins: its own process, before the exec. */
	if (found == LINE_OTHER || (found == LINE_EVENT && !event.time_ns)) {
		f->im.report->unknown_events++;
		return 0;
	}
	if (found == LINE_NONE || event.pid <= 0 || event.tid <= 0) {
		f->im.report->skipped_lines++;
		return 0;
	}
	return add_event(f, &event);
}

static int read_lines(struct fault_import *f)
{
	char *line = f->file.text, *end;
	int ret = 0;

	for (; !ret && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		ret = read_line(f, line);
	}
	f->im.report->cut_lines = !ret && *line;
	return ret;
}

/* perf sorts per CPU only. A fork comes before its child's first fault at the same microsecond. */
static int by_time(const void *left, const void *right)
{
	const struct fault_event *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if ((a->kind == FAULT_FORK) != (b->kind == FAULT_FORK))
		return a->kind == FAULT_FORK ? -1 : 1;
	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

/* ---- operations ---- */

static struct import_thread *thread_of(struct fault_import *f, int pid, int tid, const char *comm)
{
	struct import_thread *thread = importer_thread(&f->im, tid);

	if (!thread)
		return NULL;
	if (thread->pid != pid)
		importer_part(&f->im, thread);
	import_thread_name(thread, pid, comm, (int)strlen(comm));
	return importer_join(&f->im, thread) ? NULL : thread;
}

static int on_fault(struct fault_import *f, const struct import_thread *thread,
		    const struct fault_event *event)
{
	bool fetch = event->addr == event->ip;
	struct traced_op *traced;
	int seen;

	/* The kernel's half of the address space: nothing there can be mapped. */
	if (event->addr >> 63) {
		f->im.report->kernel_faults++;
		return 0;
	}
	traced = importer_add(&f->im, thread, event->time_ns, fetch ? OP_R : OP_W);
	seen = page_set_add(&f->seen, thread->pid, event->addr & ~(SIM_PAGE_SIZE - 1));
	if (!traced || seen < 0)
		return -ENOMEM;
	traced->op.addr = event->addr;
	traced->fetch = fetch;
	f->im.report->repeated_faults += (uint64_t)seen;
	f->faults++;
	return 0;
}

static int on_fork(struct fault_import *f, const struct fault_event *event)
{
	bool is_thread = event->child_pid == event->pid;
	struct import_thread *child, *parent;

	child = thread_of(f, event->child_pid, event->child_tid, event->comm);
	parent = importer_thread(&f->im, event->tid);
	if (!child || !parent || (!is_thread && page_set_renew(&f->seen, event->child_pid)))
		return -ENOMEM;
	/* Nobody starts himself. */
	if (event->child_tid == event->tid)
		return 0;
	return importer_start(&f->im, parent, event->time_ns, event->child_tid, is_thread);
}

static int on_exec(struct fault_import *f, const struct import_thread *thread,
		   const struct fault_event *event)
{
	if (page_set_renew(&f->seen, thread->pid))
		return -ENOMEM;
	return importer_add(&f->im, thread, event->time_ns, OP_EXEC) ? 0 : -ENOMEM;
}

static int on_event(struct fault_import *f, const struct fault_event *event)
{
	struct import_thread *thread = thread_of(f, event->pid, event->tid, event->comm);

	if (!thread)
		return -ENOMEM;
	f->im.report->events[event->kind]++;
	switch (event->kind) {
	case FAULT_ADDRESS:
		return on_fault(f, thread, event);
	case FAULT_FORK:
		return on_fork(f, event);
	case FAULT_EXIT:
		return importer_exit(&f->im, thread, event->time_ns, importer_part(&f->im, thread));
	case FAULT_EXEC:
		return on_exec(f, thread, event);
	default:
		return 0;
	}
}

/* ---- the whole ---- */

static int add_stats(const struct fault_import *f, struct recording *out)
{
	uint64_t duration_ns = f->events[f->nr_events - 1].time_ns - f->im.start_ns;

	if (recording_add_stat(out, "recorded_duration_ns", duration_ns) ||
	    recording_add_stat(out, "recorded_fault_total", f->faults) ||
	    recording_add_stat(out, "recorded_no_calls", 1) ||
	    recording_add_stat(out, "recorded_loads_as_stores", 1))
		return -ENOMEM;
	return 0;
}

static int read_events(struct fault_import *f, const char *path, struct sim_error *err)
{
	int ret = text_file_read(path, &f->file, err);

	if (ret)
		return ret;
	ret = read_lines(f);
	if (ret)
		return sim_error_set(err, ret, path, 0, "%s", strerror(-ret));
	if (!f->nr_events)
		return sim_error_set(err, -EINVAL, path, 1,
				     "expected page faults as printed by perf script "
				     "-F comm,pid,tid,time,addr,ip --show-task-events, found none");
	qsort(f->events, f->nr_events, sizeof(*f->events), by_time);
	f->im.start_ns = f->events[0].time_ns;
	return 0;
}

static int import_events(struct fault_import *f, const char *path, struct recording *out,
			 struct sim_error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < f->nr_events; i++)
		ret = on_event(f, &f->events[i]);
	if (!ret)
		ret = add_stats(f, out);
	if (!ret)
		ret = importer_finish(&f->im, out);
	return importer_end(&f->im, ret, path, out, err);
}

int import_page_faults(const char *path, struct recording *out, struct import_report *report,
		       struct sim_error *err)
{
	struct fault_import f = {.im.report = report};
	int ret;

	memset(out, 0, sizeof(*out));
	memset(report, 0, sizeof(*report));
	report->unit = "events";
	report->nr_kinds = NR_FAULT_KINDS;
	for (int i = 0; i < NR_FAULT_KINDS; i++)
		report->kinds[i] = kind_names[i];
	ret = read_events(&f, path, err);
	if (!ret)
		ret = import_events(&f, path, out, err);
	free(f.events);
	free(f.file.text);
	page_set_free(&f.seen);
	return ret;
}
