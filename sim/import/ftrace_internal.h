/* SPDX-License-Identifier: MIT */
/* What the files of the import of ftrace's text share. */
#ifndef MMSIM_SIM_IMPORT_FTRACE_INTERNAL_H
#define MMSIM_SIM_IMPORT_FTRACE_INTERNAL_H

#include "ftrace_text.h"

/* The memory calls, as PERF_ENTER_* and PERF_EXIT_* have them. */
#define NR_FTRACE_CALLS (PERF_EXIT_MMAP - PERF_ENTER_MMAP)

/* The further values of a PERF_FORK while its trace is read; see import_perf_events() for [2]. */
enum { FORK_CHILD, FORK_FOUND_LATER, FORK_PROCESS, FORK_IS_NEWTASK, FORK_IS_THREAD };

/* A system call told by its number. */
struct ftrace_raw_call {
	size_t event; /* its place among the events; an enter's has the arguments as values */
	int nr;
};

struct ftrace_raw_calls {
	struct ftrace_raw_call *calls;
	size_t nr_calls, max_calls;
	unsigned int named; /* bits of the calls that the trace has by name too: those are taken */
	bool faults_of_x86; /* page_fault_user has shown codes that arm64 does not have */
};

/**
 * ftrace_raw_line - read the event of raw_syscalls:* and append it, if it may be a memory call
 * @raw: where its number goes
 * @events: where it goes, as PERF_ENTER_MMAP or PERF_EXIT_MMAP until its call is known
 * @event: all but kind and values; its trace is `NR ...`
 * @is_enter: sys_enter, not sys_exit
 *
 * Return: 0 or -ENOMEM.
 */
int ftrace_raw_line(struct ftrace_raw_calls *raw, struct perf_events *events,
		    const struct perf_event *event, bool is_enter);

/**
 * ftrace_raw_resolve - make the numbers kinds of events; those that are none get the tid 0
 * @raw: the calls
 * @events: not yet sorted
 * @arch: as of import_ftrace()
 * @path: for the error
 * @err: what was wrong, may be NULL
 *
 * Return: 0, or -EINVAL when the trace does not tell its architecture.
 */
int ftrace_raw_resolve(struct ftrace_raw_calls *raw, struct perf_events *events,
		       enum ftrace_arch arch, const char *path, struct sim_error *err);

/* Pointers of arm64 can have a tag in their upper byte, which madvise() and mprotect() ignore. */
static inline uint64_t ftrace_untagged(uint64_t addr)
{
	const uint64_t kernel_half = UINT64_C(1) << 55;

	return addr & kernel_half ? addr : addr & (2 * kernel_half - 1);
}

/**
 * ftrace_find_processes - give every event its process, and every thread its name
 * @events: sorted; of task_newtask and sched_process_fork for one child, one remains
 *
 * Return: 0 or -ENOMEM.
 */
int ftrace_find_processes(struct perf_events *events);

#endif
