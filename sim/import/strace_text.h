/* SPDX-License-Identifier: MIT */
/*
 * The text of `strace -f -ttt -T` as an array of events. A line is
 *
 *   PID SECONDS.FRACTION CALL(ARGS) = RESULT <DURATION>
 *
 * PID is `[pid N]` when strace prints to a terminal, and left out while there is one task only. A
 * line may end in `<unfinished ...>`; then `<... CALL resumed>REST` of the same task continues it.
 */
#ifndef MMSIM_SIM_IMPORT_STRACE_TEXT_H
#define MMSIM_SIM_IMPORT_STRACE_TEXT_H

#include "strace_value.h"
#include "../replay/text_file.h"

/*
 * The system calls that an import looks at, X(ID, "name"); all others are skipped. Those from
 * USERFAULTFD on change memory but have no counterpart.
 */
#define STRACE_CALLS(X)                                                                            \
	X(MMAP, "mmap")                                                                            \
	X(MMAP2, "mmap2")                                                                          \
	X(MUNMAP, "munmap")                                                                        \
	X(MPROTECT, "mprotect")                                                                    \
	X(PKEY_MPROTECT, "pkey_mprotect")                                                          \
	X(MADVISE, "madvise")                                                                      \
	X(PROCESS_MADVISE, "process_madvise")                                                      \
	X(MREMAP, "mremap")                                                                        \
	X(BRK, "brk")                                                                              \
	X(MLOCK, "mlock")                                                                          \
	X(MLOCK2, "mlock2")                                                                        \
	X(MUNLOCK, "munlock")                                                                      \
	X(MLOCKALL, "mlockall")                                                                    \
	X(MUNLOCKALL, "munlockall")                                                                \
	X(CLONE, "clone")                                                                          \
	X(CLONE3, "clone3")                                                                        \
	X(FORK, "fork")                                                                            \
	X(VFORK, "vfork")                                                                          \
	X(EXECVE, "execve")                                                                        \
	X(EXECVEAT, "execveat")                                                                    \
	X(PRCTL, "prctl")                                                                          \
	X(USERFAULTFD, "userfaultfd")                                                              \
	X(REMAP_FILE_PAGES, "remap_file_pages")                                                    \
	X(SHMAT, "shmat")                                                                          \
	X(SHMDT, "shmdt")                                                                          \
	X(MSEAL, "mseal")                                                                          \
	X(MBIND, "mbind")                                                                          \
	X(MOVE_PAGES, "move_pages")                                                                \
	X(MIGRATE_PAGES, "migrate_pages")                                                          \
	X(MAP_SHADOW_STACK, "map_shadow_stack")                                                    \
	X(PROCESS_MRELEASE, "process_mrelease")

#define STRACE_CALL_ENUM(id, ...) STRACE_##id,
enum strace_call { STRACE_CALLS(STRACE_CALL_ENUM) NR_STRACE_CALLS };
#undef STRACE_CALL_ENUM

enum strace_form {
	STRACE_ENTER, /* a call begins; text: its arguments */
	STRACE_LEAVE, /* a call ends; text: the rest of its arguments and its result */
	STRACE_ENDED, /* +++ exited with 0 +++, +++ killed by SIGKILL +++ */
	STRACE_SUPERSEDED, /* +++ superseded by execve in pid N +++ */
};

#define STRACE_NO_EVENT SIZE_MAX

/* One event. A call on one line is two: the second has the duration added to its time. */
struct strace_event {
	uint64_t time_ns;
	int tid;
	int child; /* of the begin of a clone() or such that succeeded: its task, else 0 */
	int by; /* STRACE_SUPERSEDED: N */
	enum strace_form form;
	enum strace_call call;
	size_t begin; /* of an end: the event it belongs to; STRACE_NO_EVENT: not in the text */
	struct strace_piece comm; /* the task's name, when -Y was given */
	const char *text;
	struct strace_result result; /* of an end */
};

/* The events of a file, in its order, and the lines of it that are none. */
struct strace_events {
	struct text_file file;
	struct strace_event *events;
	size_t nr_events, max_events;
	int attached; /* the one process that strace attached to with its threads, 0 if none */
	uint64_t skipped_lines; /* not understood */
	uint64_t other_lines; /* calls that are not in the table, signals */
	uint64_t cut_lines; /* the last line, when it does not end in a newline */
	uint64_t unpaired_exits;
};

/**
 * strace_call_name - a system call's name
 * @call: the call
 *
 * Return: its name.
 */
const char *strace_call_name(enum strace_call call);

/**
 * strace_call_makes_task - whether a call is clone() or one of its kind
 * @call: the call
 */
bool strace_call_makes_task(enum strace_call call);

/**
 * strace_events_read - read the events of a file
 * @path: the file, plain or xz
 * @events: overwritten; to be freed with strace_events_free() when 0 is returned
 * @err: what was wrong, may be NULL
 *
 * Times never go back: strace writes in the order in which things happened.
 *
 * Return: 0 or a negative errno, -EINVAL when no line is one of strace -f -ttt with a known call.
 */
int strace_events_read(const char *path, struct strace_events *events, struct sim_error *err);

/**
 * strace_tasks_resolve - give every event its task, and every end of a call its begin
 * @events: as read; part of strace_events_read()
 *
 * Return: 0 or -ENOMEM.
 */
int strace_tasks_resolve(struct strace_events *events);

/**
 * strace_events_free - free what strace_events_read() allocated
 * @events: the events
 */
void strace_events_free(struct strace_events *events);

#endif
