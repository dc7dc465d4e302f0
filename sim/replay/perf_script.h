/* SPDX-License-Identifier: MIT */
/*
 * Recordings made from perf: system calls, faults, forks and mmap_lock events as recorded by
 *
 *   perf record -c 1 -e exceptions:page_fault_user -e mmap_lock:* -e lock:contention_begin
 *     -e lock:contention_end -e sched:sched_process_fork,exec,exit
 *     -e syscalls:sys_enter_* and sys_exit_* of mmap munmap mprotect madvise mremap brk
 *
 * and printed by `perf script -F comm,pid,tid,cpu,time,event,trace`.
 */
#ifndef MMSIM_SIM_REPLAY_PERF_SCRIPT_H
#define MMSIM_SIM_REPLAY_PERF_SCRIPT_H

#include "perf_events.h"
#include "recording.h"

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
	X(threads, "threads started")                                                              \
	X(forks, "processes forked: replayed as a new address space with the same layout")         \
	X(file_mappings, "file mappings, replayed as anonymous private memory")                    \
	X(assumed_mappings, "mappings that were not seen being made")                              \
	X(assumed_late, "of these, made when first used, as the range had been mapped before")     \
	X(assumed_unmaps, "ranges that were not seen being unmapped")                              \
	X(postponed, "mappings moved to their system call's end, after the munmap of the place")   \
	X(denied_faults, "faults that the traced protection denies: signals, or untraced calls")

/* What an import did, and what it could not do. */
struct import_report {
	uint64_t events[NR_PERF_EVENTS];
#define IMPORT_COUNTER_FIELD(field, help) uint64_t field;
	IMPORT_COUNTERS(IMPORT_COUNTER_FIELD)
#undef IMPORT_COUNTER_FIELD
};

/**
 * import_perf_script - make a recording of perf's text
 * @path: the text, plain or xz; it may end in the middle of a line or of a system call
 * @out: overwritten; to be freed with recording_free() when 0 is returned
 * @report: overwritten: what was found and what was left out
 * @err: what was wrong, may be NULL
 *
 * Times count from the first event. Mappings that the trace did not see being made (the image that
 * exec maps, stacks, what a forked child inherits) are added as operations with the note assumed.
 *
 * Return: 0 or a negative errno, -EINVAL when the file has no known event.
 */
int import_perf_script(const char *path, struct recording *out, struct import_report *report,
		       struct sim_error *err);

/**
 * import_perf_events - make a recording of events
 * @events: sorted by time, at least one; freed, whatever is returned
 * @path: where they are from, for errors
 * @out: overwritten; to be freed with recording_free() when 0 is returned
 * @report: overwritten: what was found and what was left out
 * @err: what was wrong, may be NULL
 *
 * Of a fork the third value is the child's process as far as the reader knows it, else 0; it
 * counts when no event of the child follows.
 *
 * Return: 0 or a negative errno.
 */
int import_perf_events(struct perf_events *events, const char *path, struct recording *out,
		       struct import_report *report, struct sim_error *err);

#endif
