/* SPDX-License-Identifier: MIT */
/*
 * What all importers share: the threads of a trace, its operations as they come, which results a
 * kernel can have given, and the report. A front end reads its source's text and calls these in
 * the order of the trace.
 */
#ifndef MMSIM_SIM_IMPORT_IMPORT_H
#define MMSIM_SIM_IMPORT_IMPORT_H

#include "../replay/idmap.h"
#include "../replay/recording.h"

/* The report's counters: X(field, "what it counts"). */
#define IMPORT_COUNTERS(X)                                                                         \
	X(skipped_lines, "lines that are no event, or lack a value")                               \
	X(unknown_events, "events of kinds that an import does not use")                           \
	X(cut_lines, "last lines cut before their end")                                            \
	X(lost_events, "events lost before they could be read: a larger buffer keeps them")        \
	X(no_arguments, "system calls without their arguments, as perfetto records them, dropped") \
	X(compat_calls, "mmap2 calls of 32-bit programs, which are not imported")                  \
	X(guessed_processes, "threads of unknown process, each taken for a process of its own")    \
	X(unpaired_enters, "system calls without their end; those without an address are dropped") \
	X(unpaired_exits, "ends of system calls without their begin, dropped")                     \
	X(unsupported, "operations that have no counterpart, dropped")                             \
	X(kernel_faults, "faults at the kernel's own addresses, dropped")                          \
	X(repeated_faults, "of the faults, of a page that had one before: none in a replay")       \
	X(pkey_calls, "pkey_mprotect calls, replayed as mprotect")                                 \
	X(unstarted, "tasks that were not seen being started, each taken for a process")           \
	X(threads, "threads started")                                                              \
	X(forks, "processes forked: replayed as a new address space with the same layout")         \
	X(vforks, "of these, sharing their parent's memory until they exec or end")                \
	X(file_mappings, "file mappings, replayed as anonymous private memory")                    \
	X(assumed_mappings, "mappings that were not seen being made")                              \
	X(assumed_late, "of these, made when first used, as the range had been mapped before")     \
	X(assumed_unmaps, "ranges that were not seen being unmapped")                              \
	X(postponed, "mappings moved to their system call's end, after the munmap of the place")   \
	X(denied_faults, "faults that the traced protection denies: signals, or untraced calls")

#define IMPORT_KINDS_MAX 64

/* What an import did, and what it could not do. */
struct import_report {
	/* What the trace is made of: row i is `events[i] kinds[i] unit`. */
	const char *unit;
	const char *kinds[IMPORT_KINDS_MAX];
	uint64_t events[IMPORT_KINDS_MAX];
	unsigned int nr_kinds;
#define IMPORT_COUNTER_FIELD(field, help) uint64_t field;
	IMPORT_COUNTERS(IMPORT_COUNTER_FIELD)
#undef IMPORT_COUNTER_FIELD
};

#define IMPORT_NO_CALL SIZE_MAX

/* A thread of the trace: its last known name, and the system call it is in. */
struct import_thread {
	int tid, pid;
	char name[RECORDING_TASK_NAME_MAX];
	size_t call; /* index of its operation, or IMPORT_NO_CALL */
	bool alive; /* counted as one of its process, by importer_join() */
};

/* All zero but @report and @start_ns is one that has seen nothing. */
struct importer {
	struct import_report *report;
	uint64_t start_ns; /* of the first event; times of operations count from it */
	struct traced_op *ops;
	size_t nr_ops, max_ops;
	struct import_thread *threads;
	size_t nr_threads, max_threads;
	struct idmap by_tid;
	struct idmap alive; /* by pid: how many of its threads */
};

/* The values of a memory call are its arguments, up to this many. */
#define IMPORT_CALL_VALUES 5

/* Whether the last thread of a process ended, when the trace does not say it. */
#define IMPORT_GROUP_UNKNOWN 2

/**
 * importer_thread - find a thread or make it known
 * @im: the importer
 * @tid: its id
 *
 * Return: the thread, valid until the next call; its pid is 0 when it is new. NULL: no memory.
 */
struct import_thread *importer_thread(struct importer *im, int tid);

/**
 * import_thread_name - say whose a thread is and what it is called now
 * @thread: the thread
 * @pid: its process
 * @name: its name; need not end in NUL
 * @len: bytes at @name; 0: no name
 */
void import_thread_name(struct import_thread *thread, int pid, const char *name, int len);

/**
 * importer_join - count a thread as one of its process that lives
 * @im: the importer
 * @thread: its pid is set
 *
 * For sources that do not say which thread of a process is the last. May be called again.
 *
 * Return: 0 or -ENOMEM.
 */
int importer_join(struct importer *im, struct import_thread *thread);

/**
 * importer_part - the thread ends: it is no longer counted
 * @im: the importer
 * @thread: the thread
 *
 * Return: whether it was the last of its process.
 */
bool importer_part(struct importer *im, struct import_thread *thread);

/**
 * importer_add - append an operation
 * @im: the importer
 * @thread: whose; its pid is set
 * @time_ns: on the trace's clock
 * @kind: what it does
 *
 * Return: the operation, valid until the next is added; NULL: no memory.
 */
struct traced_op *importer_add(struct importer *im, const struct import_thread *thread,
			       uint64_t time_ns, enum op_kind kind);

/**
 * importer_enter - a memory call begins
 * @im: the importer
 * @thread: whose
 * @time_ns: on the trace's clock
 * @kind: which call
 * @value: its arguments in order, IMPORT_CALL_VALUES of them: for mmap without the offset, for
 *         process_madvise two ranges and the advice
 *
 * Return: 0 or -ENOMEM.
 */
int importer_enter(struct importer *im, struct import_thread *thread, uint64_t time_ns,
		   enum op_kind kind, const uint64_t *value);

/**
 * importer_leave - a memory call ends
 * @im: the importer
 * @thread: whose
 * @time_ns: on the trace's clock
 * @kind: which call
 * @result: what it returned
 *
 * Results that no kernel gives, and operations that have no counterpart, are dropped and counted.
 */
void importer_leave(struct importer *im, struct import_thread *thread, uint64_t time_ns,
		    enum op_kind kind, int64_t result);

/**
 * importer_abandon - the system call that the thread is in, if any, has no end in the trace
 * @im: the importer
 * @thread: the thread
 */
void importer_abandon(struct importer *im, struct import_thread *thread);

/**
 * importer_start - a thread or a forked child starts
 * @im: the importer
 * @thread: who starts it
 * @time_ns: on the trace's clock
 * @child: its thread id
 * @is_thread: of the same process
 *
 * Return: 0 or -ENOMEM.
 */
int importer_start(struct importer *im, const struct import_thread *thread, uint64_t time_ns,
		   int child, bool is_thread);

/**
 * importer_exit - a thread ends
 * @im: the importer
 * @thread: the thread; a call that it is in has no end
 * @time_ns: on the trace's clock
 * @group_dead: 1 when it was the last of its process, 0 when not, else IMPORT_GROUP_UNKNOWN
 *
 * Return: 0 or -ENOMEM.
 */
int importer_exit(struct importer *im, struct import_thread *thread, uint64_t time_ns,
		  uint64_t group_dead);

/**
 * importer_finish - make a recording of what came
 * @im: the importer; its operations are sorted by time
 * @out: tasks and operations are added to it, those of assume_mappings() among them
 *
 * Return: 0 or -ENOMEM.
 */
int importer_finish(struct importer *im, struct recording *out);

/**
 * importer_end - free an importer, and when it failed say so
 * @im: the importer
 * @ret: 0 or a negative errno
 * @path: what was imported
 * @out: freed when @ret is not 0
 * @err: what was wrong, may be NULL
 *
 * Return: @ret.
 */
int importer_end(struct importer *im, int ret, const char *path, struct recording *out,
		 struct sim_error *err);

#endif
