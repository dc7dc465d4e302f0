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
#ifndef MMSIM_SIM_IMPORT_PERF_SCRIPT_H
#define MMSIM_SIM_IMPORT_PERF_SCRIPT_H

#include "import.h"
#include "perf_events.h"

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
