/* SPDX-License-Identifier: MIT */
/*
 * Replay of a recording: one task a thread, its operations in their order, with
 * the recorded think time, scaled, or none.
 *
 * Not done yet and mapped to the nearest thing, each counted: file mappings
 * (anonymous private memory), shared mappings (private), fork (a new address
 * space with the same layout, made by the importer), MADV_REMOVE (left out).
 */
#ifndef MMSIM_SIM_REPLAY_REPLAY_H
#define MMSIM_SIM_REPLAY_REPLAY_H

#include "plan.h"
#include "trace/histogram.h"

#include <mmsim/mmsim.h>

/* What was done in place of what was recorded: X(field, "what"). */
#define REPLAY_MAPPED(X)                                                                           \
	X(file_as_anon, "file mappings made as anonymous private memory")                          \
	X(shared_as_private, "shared anonymous mappings made private")                             \
	X(assumed, "mappings the recording did not see being made")                                \
	X(fork_as_new, "forked processes started with a fresh address space")                      \
	X(advice_left_out, "madvise REMOVE, which needs a file, left out")                         \
	X(order_waits, "operations that waited for another thread's, to keep the recorded order")  \
	X(touch_failed, "loads and stores that ended in a signal or without memory")

struct replay_counts {
#define X(field, what) uint64_t field;
	REPLAY_MAPPED(X)
#undef X
};

/* One kind of operation, all tasks of one name or all tasks. */
struct replay_op_stats {
	uint64_t done; /* executed */
	uint64_t as_recorded; /* with the result the recording has */
	uint64_t differs; /* with another */
	struct fine_histogram latency_ns;
};

struct replay_options {
	double think; /* factor of the recorded times; 0: as fast as possible */
	bool progress; /* on stderr */
	const volatile int *stop; /* set from outside: end early */
};

struct replay_result {
	struct replay_op_stats op[NR_SIM_OPS];
	struct replay_counts counts;
	uint64_t elapsed_ns;
	uint64_t ops_total, ops_done;
};

/**
 * replay_run - replay a recording in an instance
 * @sim: fresh; its tasks and address spaces are made and put here
 * @error: 256 bytes, filled when the answer is not 0
 *
 * Return: 0; what mmsim_run() answers; -ENOMEM.
 */
int replay_run(struct mmsim *sim, const struct plan *plan, const struct replay_options *options,
	       struct replay_result *result, char *error);

/* Memory calls (mmap munmap mprotect madvise mremap brk): done, and done as recorded. */
void replay_memory_calls(const struct replay_result *result, uint64_t *done, uint64_t *as_recorded);

#endif
