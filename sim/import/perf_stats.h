/* SPDX-License-Identifier: MIT */
/* What the traced kernel's mmap_lock did, counted from its tracepoints. */
#ifndef MMSIM_SIM_IMPORT_PERF_STATS_H
#define MMSIM_SIM_IMPORT_PERF_STATS_H

#include "perf_events.h"
#include "../replay/recording.h"

/* The stats of an imported recording, each with the prefix recorded_: X(name, "what it is"). */
#define PERF_STATS(X)                                                                              \
	X(duration_ns, "time from the first event to the last")                                    \
	X(mmap_lock_read, "mmap_lock taken for reading, downgrades included")                      \
	X(mmap_lock_write, "mmap_lock taken for writing")                                          \
	X(mmap_lock_wait_count, "mmap_lock taken after a contended wait")                          \
	X(mmap_lock_wait_ns, "time from asking for it to having it, contended waits only")         \
	X(mmap_lock_wait_ns_max, "the longest of these")                                           \
	X(mmap_lock_hold_read_ns, "time mmap_lock was held for reading, all holders")              \
	X(mmap_lock_hold_read_ns_max, "the longest hold for reading")                              \
	X(mmap_lock_hold_write_ns, "time mmap_lock was held for writing")                          \
	X(mmap_lock_hold_write_ns_max, "the longest hold for writing")                             \
	X(contention_begin_read, "waits for any sleeping lock, as a reader")                       \
	X(contention_begin_write, "waits for any sleeping lock, as a writer")                      \
	X(contention_begin_spin, "waits for a spinlock")                                           \
	X(contention_begin_other, "waits for locks of other kinds")                                \
	X(madvise_total, "madvise calls")                                                          \
	X(madvise_dontneed_free, "of these DONTNEED and FREE")                                     \
	X(madvise_vma_lock, "of those, served without mmap_lock")                                  \
	X(fault_total, "page faults of user space")                                                \
	X(fault_vma_lock, "of these, served without mmap_lock")

/**
 * perf_stats_count - count the stats and add them to a recording
 * @events: sorted by time
 * @out: where to
 *
 * Return: 0 or -ENOMEM.
 */
int perf_stats_count(const struct perf_events *events, struct recording *out);

#endif
