/* SPDX-License-Identifier: MIT */
/*
 * A process that asks this computer's kernel for what we simulate.
 *
 * A process of its own, since the bench's has threads that a TLB flush might
 * have to interrupt, and as many VMAs as the benches before left it.
 */
#ifndef MMSIM_BENCH_KERNEL_CHILD_H
#define MMSIM_BENCH_KERNEL_CHILD_H

#include "harness.h"
#include "mem/mm_types.h"

#include <sys/types.h>

/* What is timed; one number for both sides. */
#define MMAP_CALLS 128
#define DONTNEED_PAGES 16
#define DONTNEED_CALLS 32
#define REGION_SIZE (DONTNEED_CALLS * DONTNEED_PAGES * PAGE_SIZE)

#define FORK_STRIDE (2 * PAGE_SIZE) /* from one faulted VMA to the next */

/* What a process has that is forked, besides what every process has. */
struct fork_layout {
	unsigned int vmas; /* of one page, written */
	unsigned int pages; /* of one VMA, written */
};

enum kernel_call {
	CALL_MMAP_MUNMAP, /* one anonymous page, mapped and unmapped; never touched */
	CALL_DONTNEED, /* DONTNEED_PAGES touched pages; the touching is not timed */
	CALL_FORK, /* a child that exits at once; all of the layout is written before */
};

struct kernel_child {
	pid_t pid;
	int command, answer; /* pipes: an enum kernel_call there, what it took back */
	unsigned int nr_vmas; /* that it has, beside what is timed */
	struct fork_layout layout; /* set before the start; the rest by that */
};

/* Bound to the caller's CPU. It gets VMAs until it has @nr_vmas, if it has not more. */
void kernel_child_start(struct kernel_child *child, unsigned int nr_vmas);
void kernel_child_stop(struct kernel_child *child);
/* Nanoseconds a call (a pair of them). */
double kernel_child_run(struct kernel_child *child, enum kernel_call call);

#endif
