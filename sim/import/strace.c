/* SPDX-License-Identifier: MIT */
/* Recordings made from strace: events to operations. */
#define _GNU_SOURCE 1
#include "strace.h"
#include "assumed.h"
#include "strace_text.h"
#include "trace_line.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* A process' name is its program's, cut as the kernel cuts it. */
#define COMM_MAX 15

#define CLONE_VM_FLAG 0x100
#define CLONE_THREAD_FLAG 0x10000

struct strace_import {
	struct importer im;
	struct strace_events events;
	struct idmap unborn; /* by task: the event whose call makes it, or STRACE_NO_EVENT */
	uint64_t madvise_total, madvise_dontneed_free;
};

/* What a memory call is, and how many of its arguments are read. */
static const struct memory_call {
	enum op_kind kind;
	unsigned int nr_args, max_args; /* how many there must be, and are read */
} memory_calls[NR_STRACE_CALLS] = {
	[STRACE_MMAP] = {OP_MMAP, 5, 5},
	[STRACE_MMAP2] = {OP_MMAP, 5, 5},
	[STRACE_MUNMAP] = {OP_MUNMAP, 2, 2},
	[STRACE_MPROTECT] = {OP_MPROTECT, 3, 3},
	[STRACE_PKEY_MPROTECT] = {OP_MPROTECT, 3, 3},
	[STRACE_MADVISE] = {OP_MADVISE, 3, 3},
	[STRACE_PROCESS_MADVISE] = {OP_PROCESS_MADVISE, 5, 5},
	[STRACE_MREMAP] = {OP_MREMAP, 4, 5},
	[STRACE_BRK] = {OP_BRK, 1, 1},
	[STRACE_MLOCK] = {OP_MLOCK, 2, 2},
	[STRACE_MLOCK2] = {OP_MLOCK, 3, 3},
	[STRACE_MUNLOCK] = {OP_MUNLOCK, 2, 2},
	[STRACE_MLOCKALL] = {OP_MLOCKALL, 1, 1},
	[STRACE_MUNLOCKALL] = {OP_MUNLOCKALL, 0, 0},
};

static bool is_memory_call(enum strace_call call)
{
	return call <= STRACE_MUNLOCKALL;
}

/* ---- tasks ---- */

/* The thread is one of this process from now on. */
static int belongs_to(struct strace_import *s, struct import_thread *thread, int pid,
		      const char *name)
{
	importer_part(&s->im, thread);
	import_thread_name(thread, pid, name, (int)strlen(name));
	return importer_join(&s->im, thread);
}

static uint64_t clone_flags(const struct strace_event *begin)
{
	struct strace_args args, fields;
	struct strace_piece flags;
	uint64_t value;

	if (begin->call == STRACE_VFORK)
		return CLONE_VM_FLAG;
	if (begin->call == STRACE_FORK)
		return 0;
	strace_split(begin->text, &args);
	if (begin->call == STRACE_CLONE3) {
		if (!args.nr || !strace_inner(&args.arg[0], &fields))
			return 0;
		args = fields;
	}
	if (!strace_field(&args, "flags", &flags) || strace_number(&flags, &value) < 0)
		return 0;
	return value;
}

/* The task that a call of event @begin makes is there. */
static int is_born(struct strace_import *s, size_t begin, uint64_t time_ns)
{
	const struct strace_event *event = &s->events.events[begin];
	struct import_thread *child = importer_thread(&s->im, event->child);
	const struct import_thread *parent = importer_thread(&s->im, event->tid);
	uint64_t flags = clone_flags(event);
	bool is_thread = flags & CLONE_THREAD_FLAG;

	if (!parent || !child)
		return -ENOMEM;
	/* The table may have moved. */
	child = importer_thread(&s->im, event->child);
	*idmap_find(&s->unborn, event->child) = STRACE_NO_EVENT;
	if (child == parent)
		return 0;
	importer_abandon(&s->im, child);
	s->im.report->vforks += !is_thread && flags & CLONE_VM_FLAG;
	if (belongs_to(s, child, is_thread ? parent->pid : child->tid, parent->name))
		return -ENOMEM;
	return importer_start(&s->im, parent, time_ns, child->tid, is_thread);
}

/* Who does this, by now. NULL: no memory. */
static struct import_thread *thread_of(struct strace_import *s, const struct strace_event *event)
{
	size_t *begin = idmap_find(&s->unborn, event->tid);
	struct import_thread *thread;
	int pid = s->events.attached ? s->events.attached : event->tid;

	if (begin && *begin != STRACE_NO_EVENT && is_born(s, *begin, event->time_ns))
		return NULL;
	thread = importer_thread(&s->im, event->tid);
	if (!thread)
		return NULL;
	if (!thread->pid) {
		s->im.report->unstarted += s->im.nr_threads > 1 && pid == event->tid;
		import_thread_name(thread, pid, "", 0);
	}
	if (event->comm.len)
		import_thread_name(thread, thread->pid, event->comm.at, (int)event->comm.len);
	return importer_join(&s->im, thread) ? NULL : thread;
}

/* ---- the begin of calls ---- */

/*
 * The descriptor of process_madvise() names the process. strace tells which only with -yy; but
 * other processes' memory cannot be dropped, so such an advice is for the caller's own.
 */
static bool is_for_itself(const struct import_thread *thread, const struct strace_piece *fd,
			  uint64_t advice)
{
	const char *owner;
	uint64_t number;

	if (strace_number(fd, &number) == 0 && number >= (uint64_t)-10001)
		return number == (uint64_t)-10000 || number == (uint64_t)-10001;
	owner = memmem(fd->at, fd->len, "<pid:", 5);
	if (owner)
		return trace_digits(owner + 5, &number) && number == (uint64_t)thread->pid;
	return advice == MADV_DONTNEED || advice == MADV_FREE;
}

/* Two ranges and an advice; false when it is something that no operation can say. */
static bool read_ranges(const struct import_thread *thread, const struct strace_args *args,
			uint64_t *value)
{
	struct strace_piece base, len;
	struct strace_args ranges, range;

	if (strace_number(&args->arg[3], &value[4]) || !strace_inner(&args->arg[1], &ranges) ||
	    ranges.nr != 2 || !is_for_itself(thread, &args->arg[0], value[4]))
		return false;
	for (unsigned int i = 0; i < 2; i++)
		if (!strace_inner(&ranges.arg[i], &range) ||
		    !strace_field(&range, "iov_base", &base) ||
		    !strace_field(&range, "iov_len", &len) || strace_number(&base, &value[2 * i]) ||
		    strace_number(&len, &value[2 * i + 1]))
			return false;
	return true;
}

/* Whether an operation can say it: advices by a number, the flags of mlock2 and mlockall. */
static bool has_counterpart(enum strace_call call, const uint64_t *value, int unknown)
{
	switch (call) {
	case STRACE_MADVISE:
	case STRACE_MREMAP:
		return !unknown;
	case STRACE_MLOCK2:
		return !unknown && value[2] <= 1;
	case STRACE_MLOCKALL:
		return !unknown && value[0] && value[0] <= (MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	default:
		return true;
	}
}

/* The call's arguments; -1: it is not understood, 0: no operation can say it, 1: fine. */
static int read_arguments(const struct import_thread *thread, const struct strace_event *event,
			  uint64_t *value)
{
	const struct memory_call *call = &memory_calls[event->call];
	struct strace_args args;
	int unknown = 0, more;

	strace_split(event->text, &args);
	if (args.nr < call->nr_args)
		return -1;
	if (event->call == STRACE_PROCESS_MADVISE)
		return read_ranges(thread, &args, value);
	for (unsigned int i = 0; i < args.nr && i < call->max_args; i++) {
		more = strace_number(&args.arg[i], &value[i]);
		/* Flags may have names of the future, an address has none. */
		if (more < 0 || (more > 0 && i < 2 && event->call != STRACE_MLOCKALL))
			return -1;
		unknown += more > 0;
	}
	return has_counterpart(event->call, value, unknown);
}

static int enter_memory_call(struct strace_import *s, struct import_thread *thread,
			     const struct strace_event *event)
{
	uint64_t value[IMPORT_CALL_VALUES] = {0};
	int understood = read_arguments(thread, event, value);

	importer_abandon(&s->im, thread);
	s->im.report->skipped_lines += understood < 0;
	s->im.report->unsupported += !understood;
	if (understood <= 0)
		return 0;
	s->im.report->pkey_calls += event->call == STRACE_PKEY_MPROTECT;
	if (event->call == STRACE_MADVISE) {
		s->madvise_total++;
		s->madvise_dontneed_free += value[2] == MADV_DONTNEED || value[2] == MADV_FREE;
	}
	return importer_enter(&s->im, thread, event->time_ns, memory_calls[event->call].kind,
			      value);
}

/* prctl() may name a thread, or a mapping; that takes mmap_lock, but no operation says it. */
static void enter_prctl(struct strace_import *s, struct import_thread *thread,
			const struct strace_event *event)
{
	struct strace_piece name;
	struct strace_args args;

	strace_split(event->text, &args);
	if (!args.nr)
		return;
	if (args.arg[0].len == 10 && !strncmp(args.arg[0].at, "PR_SET_VMA", 10))
		s->im.report->unsupported++;
	if (args.nr < 2 || args.arg[0].len != 11 || strncmp(args.arg[0].at, "PR_SET_NAME", 11))
		return;
	if (strace_string(&args.arg[1], &name) && name.len)
		import_thread_name(thread, thread->pid, name.at,
				   (int)(name.len < COMM_MAX ? name.len : COMM_MAX));
}

static int on_enter(struct strace_import *s, struct import_thread *thread, size_t i)
{
	const struct strace_event *event = &s->events.events[i];

	s->im.report->events[event->call]++;
	if (is_memory_call(event->call))
		return enter_memory_call(s, thread, event);
	importer_abandon(&s->im, thread);
	if (event->call == STRACE_PRCTL)
		enter_prctl(s, thread, event);
	s->im.report->unsupported += event->call >= STRACE_USERFAULTFD;
	return event->child ? idmap_set(&s->unborn, event->child, i) : 0;
}

/* ---- the end of calls ---- */

static void name_after_program(struct import_thread *thread, const struct strace_event *begin)
{
	struct strace_piece path = {0};
	struct strace_args args;
	const char *slash;

	strace_split(begin->text, &args);
	for (unsigned int i = 0; i < args.nr && i < 2 && !path.len; i++)
		strace_string(&args.arg[i], &path);
	slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
	if (slash) {
		path.len -= (size_t)(slash + 1 - path.at);
		path.at = slash + 1;
	}
	if (path.len)
		import_thread_name(thread, thread->pid, path.at,
				   (int)(path.len < COMM_MAX ? path.len : COMM_MAX));
}

/* All threads but one have ended; the one goes on as the first, whichever it was. */
static int leave_exec(struct strace_import *s, struct import_thread *thread,
		      const struct strace_event *begin, uint64_t time_ns)
{
	int tid = thread->tid;

	if (begin->tid != tid) {
		struct import_thread *caller = importer_thread(&s->im, begin->tid);

		if (!caller)
			return -ENOMEM;
		if (caller->pid && importer_exit(&s->im, caller, time_ns, 0))
			return -ENOMEM;
		importer_part(&s->im, caller);
		thread = importer_thread(&s->im, tid);
	}
	name_after_program(thread, begin);
	return importer_add(&s->im, thread, time_ns, OP_EXEC) ? 0 : -ENOMEM;
}

static int on_leave(struct strace_import *s, struct import_thread *thread, size_t i)
{
	const struct strace_event *event = &s->events.events[i], *begin;
	uint64_t time_ns;
	size_t *unborn;

	if (event->begin == STRACE_NO_EVENT)
		return 0;
	/* Lines are in the order of their times; a call on one line ends where it began. */
	begin = &s->events.events[event->begin];
	time_ns = event->begin + 1 == i ? begin->time_ns : event->time_ns;
	if (is_memory_call(event->call)) {
		/* None is open when its begin was left out. */
		if (thread->call == IMPORT_NO_CALL)
			return 0;
		if (event->result.known)
			importer_leave(&s->im, thread, event->time_ns,
				       memory_calls[event->call].kind, event->result.value);
		else
			importer_abandon(&s->im, thread);
		return 0;
	}
	if (!event->result.known)
		return 0;
	if (event->call == STRACE_EXECVE || event->call == STRACE_EXECVEAT)
		return event->result.value ? 0 : leave_exec(s, thread, begin, time_ns);
	unborn = idmap_find(&s->unborn, begin->child);
	if (begin->child && unborn && *unborn == event->begin)
		return is_born(s, event->begin, time_ns);
	return 0;
}

static int on_event(struct strace_import *s, size_t i)
{
	const struct strace_event *event = &s->events.events[i];
	struct import_thread *thread = thread_of(s, event);

	if (!thread)
		return -ENOMEM;
	switch (event->form) {
	case STRACE_ENTER:
		return on_enter(s, thread, i);
	case STRACE_LEAVE:
		return on_leave(s, thread, i);
	case STRACE_ENDED:
		return importer_exit(&s->im, thread, event->time_ns, importer_part(&s->im, thread));
	case STRACE_SUPERSEDED:
		break;
	}
	return 0;
}

/* ---- the whole ---- */

static void start_report(const struct strace_events *events, struct import_report *report)
{
	_Static_assert(NR_STRACE_CALLS <= IMPORT_KINDS_MAX, "rows for all kinds");
	report->unit = "calls";
	report->nr_kinds = NR_STRACE_CALLS;
	for (int i = 0; i < NR_STRACE_CALLS; i++)
		report->kinds[i] = strace_call_name(i);
	report->skipped_lines = events->skipped_lines;
	report->unknown_events = events->other_lines;
	report->cut_lines = events->cut_lines;
	report->unpaired_exits = events->unpaired_exits;
}

static int add_stats(const struct strace_import *s, struct recording *out)
{
	const struct strace_events *events = &s->events;
	uint64_t duration_ns = events->events[events->nr_events - 1].time_ns - s->im.start_ns;

	if (recording_add_stat(out, "recorded_duration_ns", duration_ns) ||
	    recording_add_stat(out, "recorded_madvise_total", s->madvise_total) ||
	    recording_add_stat(out, "recorded_madvise_dontneed_free", s->madvise_dontneed_free) ||
	    recording_add_stat(out, "recorded_times_of_ptrace", 1) ||
	    recording_add_stat(out, "recorded_no_touches", 1))
		return -ENOMEM;
	return 0;
}

/* The process that strace attached to lives, even if its first thread does nothing that matters. */
static int begin(struct strace_import *s)
{
	int pid = s->events.attached;
	struct import_thread *thread = pid ? importer_thread(&s->im, pid) : NULL;

	s->im.start_ns = s->events.events[0].time_ns;
	start_report(&s->events, s->im.report);
	if (!pid)
		return 0;
	return thread ? belongs_to(s, thread, pid, "") : -ENOMEM;
}

int import_strace(const char *path, struct recording *out, struct import_report *report,
		  struct sim_error *err)
{
	struct strace_import s = {.im.report = report};
	int ret;

	memset(out, 0, sizeof(*out));
	memset(report, 0, sizeof(*report));
	ret = strace_events_read(path, &s.events, err);
	if (ret)
		return ret;
	ret = begin(&s);
	for (size_t i = 0; !ret && i < s.events.nr_events; i++)
		ret = on_event(&s, i);
	if (!ret)
		ret = add_stats(&s, out);
	if (!ret)
		ret = importer_finish(&s.im, out);
	strace_events_free(&s.events);
	idmap_free(&s.unborn);
	return importer_end(&s.im, ret, path, out, err);
}
