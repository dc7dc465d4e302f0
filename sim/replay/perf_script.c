/* SPDX-License-Identifier: MIT */
/* Recordings made from perf: events paired to operations. */
#define _GNU_SOURCE 1
#include "perf_script.h"
#include "assumed.h"
#include "idmap.h"
#include "layout.h"
#include "perf_stats.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NO_OP SIZE_MAX

/* Results from -MAX_ERRNO to -1 are errors; none is below that. */
#define MAX_ERRNO 4095

/* A thread of the trace: its last known name, and the system call it is in. */
struct import_thread {
	int tid, pid;
	char name[RECORDING_TASK_NAME_MAX];
	size_t call; /* index of its operation, or NO_OP */
};

struct import {
	struct perf_events events;
	struct traced_op *ops;
	size_t nr_ops, max_ops;
	struct import_thread *threads;
	size_t nr_threads, max_threads;
	struct idmap by_tid;
	struct import_report *report;
};

static struct import_thread *thread_of(struct import *im, int tid)
{
	size_t *found = idmap_find(&im->by_tid, tid);
	size_t wanted = im->max_threads ? im->max_threads * 2 : 64;
	struct import_thread *moved;

	if (found)
		return &im->threads[*found];
	if (im->nr_threads == im->max_threads) {
		moved = reallocarray(im->threads, wanted, sizeof(*moved));
		if (!moved)
			return NULL;
		im->threads = moved;
		im->max_threads = wanted;
	}
	if (idmap_set(&im->by_tid, tid, im->nr_threads))
		return NULL;
	im->threads[im->nr_threads] = (struct import_thread){.tid = tid, .call = NO_OP};
	return &im->threads[im->nr_threads++];
}

static void name_thread(struct import_thread *thread, int pid, const char *name, int len)
{
	thread->pid = pid;
	snprintf(thread->name, sizeof(thread->name), "%.*s", len ? len : 1, len ? name : "-");
}

static struct traced_op *add_op(struct import *im, const struct perf_event *event,
				enum op_kind kind)
{
	size_t wanted = im->max_ops ? im->max_ops * 2 : 4096;
	struct traced_op *moved, *traced;

	if (im->nr_ops == im->max_ops) {
		moved = reallocarray(im->ops, wanted, sizeof(*moved));
		if (!moved)
			return NULL;
		im->ops = moved;
		im->max_ops = wanted;
	}
	traced = &im->ops[im->nr_ops++];
	memset(traced, 0, sizeof(*traced));
	traced->op.kind = kind;
	traced->op.pid = event->pid;
	traced->op.tid = event->tid;
	traced->op.file = -1;
	traced->op.time_ns = event->time_ns - im->events.events[0].time_ns;
	traced->end_ns = traced->op.time_ns;
	return traced;
}

/* ---- system calls ---- */

/* The flags that an operation can say; all others change nothing that is replayed. */
static unsigned int map_flags_of(uint64_t traced)
{
	unsigned int kept = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_POPULATE |
			    MAP_LOCKED | MAP_GROWSDOWN | MAP_STACK;
	unsigned int flags = (unsigned int)traced & kept;

	/* MAP_SHARED_VALIDATE has both bits. */
	flags |= traced & MAP_SHARED ? MAP_SHARED : MAP_PRIVATE;
	if (flags & MAP_FIXED_NOREPLACE)
		flags &= ~(unsigned int)MAP_FIXED;
	return flags | MAP_ANONYMOUS;
}

static void enter_mmap(struct import *im, struct sim_op *op, const uint64_t *value)
{
	op->addr = value[0];
	op->len = value[1];
	op->prot = value[2] & (PROT_READ | PROT_WRITE | PROT_EXEC);
	op->flags = map_flags_of(value[3]);
	if (value[3] & MAP_ANONYMOUS || (int32_t)value[4] == -1)
		return;
	op->notes |= SIM_NOTE_FILE;
	im->report->file_mappings++;
}

static void enter_call(struct import *im, struct sim_op *op, const uint64_t *value)
{
	op->addr = value[0];
	op->len = value[1];
	switch (op->kind) {
	case OP_MMAP:
		enter_mmap(im, op, value);
		break;
	case OP_MPROTECT:
		op->prot = value[2] & (PROT_READ | PROT_WRITE | PROT_EXEC);
		break;
	case OP_MADVISE:
		op->advice = (int32_t)value[2];
		break;
	case OP_MREMAP:
		op->new_len = value[2];
		op->flags = (unsigned int)value[3];
		op->new_addr = op->flags & MREMAP_FIXED ? value[4] : 0;
		break;
	default:
		break;
	}
}

/* Whether an operation without its result says nothing, as only the kernel knew the address. */
static bool needs_result(const struct sim_op *op)
{
	if (op->kind == OP_MMAP)
		return !(op->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE));
	return op->kind == OP_BRK || op->kind == OP_MREMAP;
}

/* The thread's system call has no end in the trace. */
static void abandon_call(struct import *im, struct import_thread *thread)
{
	struct traced_op *traced;

	if (thread->call == NO_OP)
		return;
	traced = &im->ops[thread->call];
	traced->dropped |= needs_result(&traced->op);
	thread->call = NO_OP;
	im->report->unpaired_enters++;
}

static int on_enter(struct import *im, struct import_thread *thread, const struct perf_event *event,
		    enum op_kind kind)
{
	struct traced_op *traced = add_op(im, event, kind);

	if (!traced)
		return -ENOMEM;
	abandon_call(im, thread);
	thread->call = im->nr_ops - 1;
	enter_call(im, &traced->op, event->value);
	return 0;
}

/*
 * An operation knows four kinds of mremap(); DONTUNMAP to a place of the kernel's choice is told
 * as one to the place that the kernel chose. Others are calls with flags that always fail.
 */
static void exit_mremap(struct import *im, struct traced_op *traced)
{
	const unsigned int dontunmap = 4;
	struct sim_op *op = &traced->op;

	if (op->flags == (MREMAP_MAYMOVE | dontunmap)) {
		op->flags |= MREMAP_FIXED;
		op->new_addr = op->result > 0 ? (uint64_t)op->result : 0;
	}
	if (op->flags <= (MREMAP_MAYMOVE | MREMAP_FIXED | dontunmap) &&
	    (!op->flags || op->flags & MREMAP_MAYMOVE))
		return;
	traced->dropped = true;
	im->report->unsupported++;
}

static bool apart(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a + a_len <= b || b + b_len <= a;
}

/* Whether a kernel can have answered so; a damaged line says anything. */
static bool possible_result(const struct sim_op *op)
{
	uint64_t result = (uint64_t)op->result;

	if (op->result < 0)
		return op->result >= -MAX_ERRNO;
	if (op->kind == OP_BRK)
		return result >= MMAP_MIN_ADDR;
	if ((op->kind == OP_MMAP || op->kind == OP_MREMAP) && result % SIM_PAGE_SIZE)
		return false;
	if (op->kind == OP_MMAP)
		return needs_result(op) || result == op->addr;
	if (op->kind != OP_MREMAP)
		return true;
	if (op->flags & MREMAP_FIXED && result != op->new_addr)
		return false;
	return result == op->addr ||
	       (op->flags & MREMAP_MAYMOVE && apart(op->addr, op->len, result, op->new_len));
}

static void on_exit_call(struct import *im, struct import_thread *thread,
			 const struct perf_event *event, enum op_kind kind)
{
	struct traced_op *traced;
	struct sim_op *op;

	if (thread->call == NO_OP || im->ops[thread->call].op.kind != kind) {
		abandon_call(im, thread);
		im->report->unpaired_exits++;
		return;
	}
	traced = &im->ops[thread->call];
	op = &traced->op;
	thread->call = NO_OP;
	traced->end_ns = event->time_ns - im->events.events[0].time_ns;
	op->result = (int64_t)event->value[0];
	op->has_result = true;
	if (!possible_result(op)) {
		traced->dropped = true;
		im->report->unsupported++;
		return;
	}
	if (kind == OP_MMAP && op->result > 0 && needs_result(op))
		op->addr = (uint64_t)op->result;
	else if (kind == OP_MREMAP)
		exit_mremap(im, traced);
}

/* ---- the other events ---- */

static int on_fault(struct import *im, const struct perf_event *event)
{
	const uint64_t by_write = 0x2, by_fetch = 0x10;
	uint64_t error_code = event->value[1];
	struct traced_op *traced;

	/* The kernel's half of the address space: nothing there can be mapped. */
	if (event->value[0] >> 63) {
		im->report->unsupported++;
		return 0;
	}
	traced = add_op(im, event, error_code & by_write ? OP_W : OP_R);
	if (!traced)
		return -ENOMEM;
	traced->op.addr = event->value[0];
	traced->fetch = error_code & by_fetch;
	return 0;
}

/* A child that no event is of has only the name that the fork gave it. */
static int name_silent_child(struct import *im, const struct perf_event *event, int child, int pid)
{
	const char *name = strstr(event->trace, "child_comm=");
	const char *end = name ? strstr(name, " child_pid=") : NULL;
	struct import_thread *thread = thread_of(im, child);

	if (!thread)
		return -ENOMEM;
	if (!thread->pid)
		name_thread(thread, pid, end ? name + 11 : "", end ? (int)(end - name - 11) : 0);
	return 0;
}

static int on_fork(struct import *im, const struct perf_event *event)
{
	int child = (int)event->value[0];
	int child_pid = (int)(event->value[1] ? event->value[1] : event->value[2]);
	bool is_thread = child_pid == event->pid;
	struct traced_op *traced;

	if (!event->value[0] || event->value[0] > INT_MAX) {
		im->report->unsupported++;
		return 0;
	}
	traced = add_op(im, event, is_thread ? OP_THREAD : OP_FORK);
	if (!traced)
		return -ENOMEM;
	traced->op.value = (uint64_t)child;
	traced->op.has_value = true;
	if (is_thread)
		im->report->threads++;
	else
		im->report->forks++;
	if (event->value[1])
		return 0;
	return name_silent_child(im, event, child, child_pid ? child_pid : child);
}

static int on_exit_task(struct import *im, struct import_thread *thread,
			const struct perf_event *event)
{
	struct traced_op *traced = add_op(im, event, OP_EXIT);

	if (!traced)
		return -ENOMEM;
	abandon_call(im, thread);
	traced->op.value = event->value[0] == 1;
	traced->op.has_value = event->value[0] <= 1;
	return 0;
}

static int on_event(struct import *im, const struct perf_event *event)
{
	static const enum op_kind calls[] = {OP_MMAP,	 OP_MUNMAP, OP_MPROTECT,
					     OP_MADVISE, OP_MREMAP, OP_BRK};
	struct import_thread *thread = thread_of(im, event->tid);

	if (!thread)
		return -ENOMEM;
	name_thread(thread, event->pid, event->comm, (int)strlen(event->comm));
	im->report->events[event->kind]++;
	if (event->kind <= PERF_ENTER_BRK)
		return on_enter(im, thread, event, calls[event->kind - PERF_ENTER_MMAP]);
	if (event->kind <= PERF_EXIT_BRK)
		on_exit_call(im, thread, event, calls[event->kind - PERF_EXIT_MMAP]);
	else if (event->kind == PERF_FAULT)
		return on_fault(im, event);
	else if (event->kind == PERF_FORK)
		return on_fork(im, event);
	else if (event->kind == PERF_EXIT)
		return on_exit_task(im, thread, event);
	else if (event->kind == PERF_EXEC)
		return add_op(im, event, OP_EXEC) ? 0 : -ENOMEM;
	return 0;
}

/*
 * A fork event does not say whether it made a thread: the child's next event does, by its pid. It
 * becomes the fork's second value, 0 when no event follows.
 */
static int find_child_pids(struct import *im)
{
	struct idmap next_pid = {0};
	int ret = 0;

	for (size_t i = im->events.nr_events; !ret && i--;) {
		struct perf_event *event = &im->events.events[i];
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

static int import_events(struct import *im, struct recording *out)
{
	int ret = find_child_pids(im);

	for (size_t i = 0; !ret && i < im->events.nr_events; i++)
		ret = on_event(im, &im->events.events[i]);
	for (size_t i = 0; !ret && i < im->nr_threads; i++) {
		const struct import_thread *thread = &im->threads[i];

		abandon_call(im, &im->threads[i]);
		ret = recording_add_task(out, thread->tid, thread->pid, thread->name);
	}
	if (!ret)
		ret = perf_stats_count(&im->events, out);
	return ret ? ret : assume_mappings(im->ops, im->nr_ops, out, im->report);
}

static void report_lines(const struct perf_events *events, struct import_report *report)
{
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
	struct import im = {.report = report, .events = *events};
	int ret;

	memset(events, 0, sizeof(*events));
	memset(out, 0, sizeof(*out));
	memset(report, 0, sizeof(*report));
	report_lines(&im.events, report);
	ret = import_events(&im, out);
	if (ret) {
		sim_error_set(err, ret, path, 0, "%s", strerror(-ret));
		recording_free(out);
	}
	perf_events_free(&im.events);
	idmap_free(&im.by_tid);
	free(im.threads);
	free(im.ops);
	return ret;
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
