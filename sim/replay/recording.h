/* SPDX-License-Identifier: MIT */
/*
 * Recordings: what a real program did to its address space, as text, plain or xz.
 *
 *   mmsim-recording 1
 *   # comment
 *   stat NAME VALUE          a number counted in the trace
 *   task TID PID NAME        a thread, its process and its last known name
 *   TIME_US PID TID OP ARGS [= RESULT] [;NOTE]...      sorted by time
 */
#ifndef MMSIM_SIM_REPLAY_RECORDING_H
#define MMSIM_SIM_REPLAY_RECORDING_H

#include "../scenario/op.h"

#define RECORDING_TASK_NAME_MAX 32
#define RECORDING_STAT_NAME_MAX 64

struct recording_task {
	int tid, pid;
	char name[RECORDING_TASK_NAME_MAX];
};

struct recording_stat {
	char name[RECORDING_STAT_NAME_MAX];
	uint64_t value;
};

/* A recording in memory; all zero is an empty one. The arrays belong to it. */
struct recording {
	struct sim_op *ops;
	size_t nr_ops, max_ops;
	struct recording_task *tasks;
	size_t nr_tasks, max_tasks;
	struct recording_stat *stats;
	size_t nr_stats, max_stats;
};

/*
 * What a recording cannot say, because of where it came from: X(stat, "in words"). The stat is 1.
 */
#define RECORDING_LIMITS(X)                                                                        \
	X(recorded_times_of_ptrace,                                                                \
	  "the recording's times are those of strace, whose ptrace slows a program down 2 to 10 "  \
	  "times: compare no time with them")                                                      \
	X(recorded_no_touches,                                                                     \
	  "what the program loaded and stored is not in the recording: its calls are replayed, "   \
	  "but find no pages, and there are no page faults")                                       \
	X(recorded_no_calls,                                                                       \
	  "no memory calls are in the recording: its mappings are assumed from its page faults, "  \
	  "and stay, so what was mapped or dropped anew does not fault again")                     \
	X(recorded_loads_as_stores,                                                                \
	  "whether a page fault was for a load or a store is not in the recording: all but "       \
	  "instruction fetches are replayed as stores")

/**
 * recording_limit - what a stat says that a recording lacks
 * @stat: its name
 *
 * Return: a sentence about the recording; NULL when the stat is none of RECORDING_LIMITS.
 */
const char *recording_limit(const char *stat);

/* Take a file that was cut in the middle of its last line, or of its xz stream. */
#define RECORDING_ALLOW_CUT 0x1

/**
 * recording_load - read a recording
 * @path: the file, plain or xz (told by its first bytes)
 * @flags: 0 or RECORDING_ALLOW_CUT
 * @rec: overwritten; to be freed with recording_free() when 0 is returned
 * @err: what was wrong, may be NULL
 *
 * Return: 0 or a negative errno, -EINVAL when the file is not a recording.
 */
int recording_load(const char *path, unsigned int flags, struct recording *rec,
		   struct sim_error *err);

/**
 * recording_save - write a recording
 * @rec: the recording, its operations sorted by time
 * @path: the file; xz when the name ends in .xz
 * @err: what was wrong, may be NULL
 *
 * Return: 0 or a negative errno.
 */
int recording_save(const struct recording *rec, const char *path, struct sim_error *err);

/**
 * recording_free - free what a recording holds and leave it empty
 * @rec: the recording
 */
void recording_free(struct recording *rec);

/**
 * recording_add_op - append an operation
 * @rec: the recording
 * @op: copied; the caller keeps the order by time
 *
 * Return: 0 or -ENOMEM.
 */
int recording_add_op(struct recording *rec, const struct sim_op *op);

/**
 * recording_add_task - append a task
 * @rec: the recording
 * @tid: thread id
 * @pid: process id
 * @name: its name, cut at RECORDING_TASK_NAME_MAX - 1 characters
 *
 * Return: 0 or -ENOMEM.
 */
int recording_add_task(struct recording *rec, int tid, int pid, const char *name);

/**
 * recording_add_stat - append a number
 * @rec: the recording
 * @name: a word, cut at RECORDING_STAT_NAME_MAX - 1 characters
 * @value: the number
 *
 * Return: 0 or -ENOMEM.
 */
int recording_add_stat(struct recording *rec, const char *name, uint64_t value);

/**
 * recording_stat - look a number up
 * @rec: the recording
 * @name: its name
 * @value: where to
 *
 * Return: whether the recording has it.
 */
bool recording_stat(const struct recording *rec, const char *name, uint64_t *value);

#endif
