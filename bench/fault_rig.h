/* SPDX-License-Identifier: MIT */
/* An instance with one VMA whose pages are faulted in and dropped again. */
#ifndef MMSIM_BENCH_FAULT_RIG_H
#define MMSIM_BENCH_FAULT_RIG_H

#include "harness.h"
#include "mmsim/mmsim.h"

struct fault_rig {
	struct mmsim *sim;
	struct mm_struct *mm;
	uint64_t start;
	size_t nr_pages;
};

/* The calling thread becomes the instance's main task and runs in its mm. */
void fault_rig_create(struct fault_rig *rig, const char *kernel, bool statistics, size_t nr_pages);
void fault_rig_create_as(struct fault_rig *rig, const struct mmsim_config *config, size_t nr_pages);
void fault_rig_destroy(struct fault_rig *rig);
/* Write to pages @first to @first + @n - 1 of @start; each must be a fresh page. */
void fault_pages(struct mm_struct *mm, uint64_t start, size_t first, size_t n);
/* MADV_DONTNEED; the next write to each page faults again. */
void drop_pages(struct mm_struct *mm, uint64_t start, size_t nr_pages);
/* Nanoseconds a page, all of them once; dropped afterwards, which is not timed. */
double fault_rig_run(void *rig);

#endif
