/* SPDX-License-Identifier: MIT */
/* Recordings made from perf: events paired to operations. */
#define _GNU_SOURCE 1
#include "perf_script.h"
#include "assumed.h"
#include "perf_stats.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int on_fault(struct importer *im, const struct import_thread *thread,
		    const struct perf_event *event)
{
	const uint64_t by_write = 0x2, by_fetch = 0x10;
	uint64_t error_code = event->value[1];
	struct traced_op *traced;

	/* The kernel's half of the address space: nothing there can be mapped. */
	if (event->value[0] >> 63) {
		im->report->unsupported++;
		return 0;
	}
	traced = importer_add(im, thread, event->time_ns, error_code & by_write ? OP_W : OP_R);
	if (!traced)
		return -ENOMEM;
	traced->op.addr = event->value[0];
	traced->fetch = error_code & by_fetch;
	return 0;
}

/* A child that no event is of has only the name that the fork gave it. */
static int name_silent_child(struct importer *im, const struct perf_event *event, int child,
			     int pid)
{
	const char *name = strstr(event->trace, "child_comm=");
	const char *end = name ? strstr(name, " child_pid=") : NULL;
	struct import_thread *thread = importer_thread(im, child);

	if (!thread)
		return -ENOMEM;
	if (!thread->pid)
		import_thread_name(thread, pid, end ? name + 11 : "",
				   end ? (int)(end - name - 11) : 0);
	return 0;
}

static int on_fork(struct importer *im, const struct import_thread *thread,
		   const struct perf_event *event)
{
	int child = (int)event->value[0];
	int child_pid = (int)(event->value[1] ? event->value[1] : event->value[2]);

	if (!event->value[0] || event->value[0] > INT_MAX) {
		im->report->unsupported++;
		return 0;
	}
	if (importer_start(im, thread, event->time_ns, child, child_pid == event->pid))
		return -ENOMEM;
	if (event->value[1])
		return 0;
	return name_silent_child(im, event, child, child_pid ? child_pid : child);
}

static int on_event(struct importer *im, const struct perf_event *event)
{
	static const enum op_kind calls[] = {OP_MMAP,	 OP_MUNMAP, OP_MPROTECT,
					     OP_MADVISE, OP_MREMAP, OP_BRK};
	struct import_thread *thread = importer_thread(im, event->tid);

	if (!thread)
		return -ENOMEM;
	import_thread_name(thread, event->pid, event->comm, (int)strlen(event->comm));
	im->report->events[event->kind]++;
	if (event->kind <= PERF_ENTER_BRK)
		return importer_enter(im, thread, event->time_ns,
				      calls[event->kind - PERF_ENTER_MMAP], event->value);
	if (event->kind <= PERF_EXIT_BRK)
		importer_leave(im, thread, event->time_ns, calls[event->kind - PERF_EXIT_MMAP],
			       (int64_t)event->value[0]);
	else if (event->kind == PERF_FAULT)
		return on_fault(im, thread, event);
	else if (event->kind == PERF_FORK)
		return on_fork(im, thread, event);
	else if (event->kind == PERF_EXIT)
		return importer_exit(im, thread, event->time_ns, event->value[0]);
	else if (event->kind == PERF_EXEC)
		return importer_add(im, thread, event->time_ns, OP_EXEC) ? 0 : -ENOMEM;
	return 0;
}

/*
 * A fork event does not say whether it made a thread: the child's next event does, by its pid. It
 * becomes the fork's second value, 0 when no event follows.
 */
static int find_child_pids(struct perf_events *events)
{
	struct idmap next_pid = {0};
	int ret = 0;

	for (size_t i = events->nr_events; !ret && i--;) {
		struct perf_event *event = &events->events[i];
		size_t *pid;

		if (event->kind == PERF_FORK) {
			pid = idmap_find(&next_pid, (int)event->value[0]);
			event->value[1] = pid ? *pid : 0;
		}
		ret = idmap_set(&next_pid, event->tid, (size_t)event->pid);
	}
	idmap_free(&next_pid);
	return ret;
}

static void start_report(const struct perf_events *events, struct import_report *report)
{
	_Static_assert(NR_PERF_EVENTS <= IMPORT_KINDS_MAX, "rows for all kinds");
	report->unit = "events";
	report->nr_kinds = NR_PERF_EVENTS;
	for (int i = 0; i < NR_PERF_EVENTS; i++)
		report->kinds[i] = perf_event_name(i);
	report->skipped_lines = events->skipped_lines;
	report->unknown_events = events->unknown_events;
	report->cut_lines = events->cut_lines;
	report->lost_events = events->lost_events;
	report->no_arguments = events->no_arguments;
	report->compat_calls = events->compat_calls;
	report->guessed_processes = events->guessed_processes;
}

int import_perf_events(struct perf_events *events, const char *path, struct recording *out,
		       struct import_report *report, struct sim_error *err)
{
	struct importer im = {.report = report, .start_ns = events->events[0].time_ns};
	int ret;

	memset(out, 0, sizeof(*out));
	memset(report, 0, sizeof(*report));
	start_report(events, report);
	ret = find_child_pids(events);
	for (size_t i = 0; !ret && i < events->nr_events; i++)
		ret = on_event(&im, &events->events[i]);
	if (!ret)
		ret = perf_stats_count(events, out);
	if (!ret)
		ret = importer_finish(&im, out);
	perf_events_free(events);
	return importer_end(&im, ret, path, out, err);
}

int import_perf_script(const char *path, struct recording *out, struct import_report *report,
		       struct sim_error *err)
{
	struct perf_events events;
	int ret = perf_events_read(path, &events, err);

	memset(out, 0, sizeof(*out));
	memset(report, 0, sizeof(*report));
	return ret ? ret : import_perf_events(&events, path, out, report, err);
}
