/* SPDX-License-Identifier: MIT */
/* The text of `perf script -F comm,pid,tid,cpu,time,event,trace` as an array of events. */
#ifndef MMSIM_SIM_IMPORT_PERF_EVENTS_H
#define MMSIM_SIM_IMPORT_PERF_EVENTS_H

#include "../replay/text_file.h"

/*
 * The tracepoints that an import understands: X(ID, "name", names of the values it needs...).
 * The first value of an exit is the system call's result and has no name.
 */
#define PERF_EVENTS(X)                                                                             \
	X(ENTER_MMAP, "syscalls:sys_enter_mmap", "addr", "len", "prot", "flags", "fd")             \
	X(ENTER_MUNMAP, "syscalls:sys_enter_munmap", "addr", "len")                                \
	X(ENTER_MPROTECT, "syscalls:sys_enter_mprotect", "start", "len", "prot")                   \
	X(ENTER_MADVISE, "syscalls:sys_enter_madvise", "start", "len_in", "behavior")              \
	X(ENTER_MREMAP, "syscalls:sys_enter_mremap", "addr", "old_len", "new_len", "flags",        \
	  "new_addr")                                                                              \
	X(ENTER_BRK, "syscalls:sys_enter_brk", "brk")                                              \
	X(EXIT_MMAP, "syscalls:sys_exit_mmap", "")                                                 \
	X(EXIT_MUNMAP, "syscalls:sys_exit_munmap", "")                                             \
	X(EXIT_MPROTECT, "syscalls:sys_exit_mprotect", "")                                         \
	X(EXIT_MADVISE, "syscalls:sys_exit_madvise", "")                                           \
	X(EXIT_MREMAP, "syscalls:sys_exit_mremap", "")                                             \
	X(EXIT_BRK, "syscalls:sys_exit_brk", "")                                                   \
	X(FAULT, "exceptions:page_fault_user", "address", "error_code")                            \
	X(FORK, "sched:sched_process_fork", "child_pid")                                           \
	X(EXIT, "sched:sched_process_exit", "group_dead")                                          \
	X(EXEC, "sched:sched_process_exec", "old_pid")                                             \
	X(LOCK_START, "mmap_lock:mmap_lock_start_locking", "mm", "write")                          \
	X(LOCK_ACQUIRED, "mmap_lock:mmap_lock_acquire_returned", "mm", "write", "success")         \
	X(LOCK_RELEASED, "mmap_lock:mmap_lock_released", "mm", "write")                            \
	X(CONTENTION_BEGIN, "lock:contention_begin")                                               \
	X(CONTENTION_END, "lock:contention_end")

#define PERF_EVENT_ENUM(id, ...) PERF_##id,
enum perf_event_kind { PERF_EVENTS(PERF_EVENT_ENUM) NR_PERF_EVENTS };
#undef PERF_EVENT_ENUM

#define PERF_EVENT_VALUES_MAX 5

/* One event. comm and trace point into the text it was read from. */
struct perf_event {
	uint64_t time_ns;
	size_t nr; /* its place in the file */
	enum perf_event_kind kind;
	int pid, tid;
	const char *comm;
	const char *trace; /* what stands behind the event's name */
	uint64_t value[PERF_EVENT_VALUES_MAX];
};

/* The events of a file and the lines of it that are none. All zero is an empty one. */
struct perf_events {
	struct text_file file;
	struct perf_event *events;
	size_t nr_events, max_events;
	uint64_t skipped_lines; /* neither an event nor a comment, or without a needed value */
	uint64_t unknown_events; /* events that PERF_EVENTS does not have */
	uint64_t cut_lines; /* the last line, when it does not end in a newline */
	/* Of ftrace's text only. */
	uint64_t lost_events; /* what the trace says that it lost */
	uint64_t no_arguments; /* system calls of which only the number was recorded */
	uint64_t compat_calls; /* mmap2() of 32-bit programs */
	uint64_t guessed_processes; /* threads that nothing says the process of */
};

/**
 * perf_event_name - the tracepoint's name
 * @kind: the kind of event
 *
 * Return: system:name.
 */
const char *perf_event_name(enum perf_event_kind kind);

/**
 * perf_events_read - read the events of a file and sort them by time
 * @path: the file, plain or xz
 * @events: overwritten; to be freed with perf_events_free() when 0 is returned
 * @err: what was wrong, may be NULL
 *
 * perf sorts per CPU only. Events of the same time stay in the order of the file.
 *
 * Return: 0 or a negative errno, -EINVAL when no line is an event that is known.
 */
int perf_events_read(const char *path, struct perf_events *events, struct sim_error *err);

/**
 * perf_events_free - free what perf_events_read() allocated
 * @events: the events
 */
void perf_events_free(struct perf_events *events);

/* ---- for readers of other texts with the same events ---- */

/**
 * perf_read_time - read SECONDS.FRACTION: with a fraction of up to nine digits
 * @p: where it begins
 * @time_ns: where to
 *
 * Return: what follows, without blanks; NULL when it is no time.
 */
char *perf_read_time(char *p, uint64_t *time_ns);

/**
 * perf_find_value - find where the value of a key begins: behind `key=` or `key: `
 * @trace: what stands behind the event's name
 * @key: the key; with an empty one the value is the whole text
 *
 * Return: the value's begin, of the last such key; NULL when there is none.
 */
const char *perf_find_value(const char *trace, const char *key);

/**
 * perf_event_read_values - read the values that an event's kind needs from its trace
 * @event: its kind and trace are set, its values are overwritten
 * @base: of the numbers, as strtoull() takes it
 *
 * Return: whether it has all of them.
 */
bool perf_event_read_values(struct perf_event *event, int base);

/**
 * perf_events_add - append an event
 * @events: where to
 * @event: copied; its place in the file is set
 *
 * Return: 0 or -ENOMEM.
 */
int perf_events_add(struct perf_events *events, const struct perf_event *event);

/**
 * perf_events_sort - sort by time, events of the same time by their place in the file
 * @events: the events
 */
void perf_events_sort(struct perf_events *events);

#endif
