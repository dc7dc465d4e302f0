/* SPDX-License-Identifier: MIT */
/*
 * Is a VMA that was locked for read without mmap_lock really held still? Readers
 * take VMAs by lock_vma_under_rcu() and look from inside, with plain loads:
 * bounds and flags do not change, the address lies in it, it is in the tree, it
 * is not marked detached. Writers map, unmap, protect, split and merge meanwhile.
 */
#ifndef TESTS_SUPPORT_VMA_CHECKER_H
#define TESTS_SUPPORT_VMA_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

struct vma_check {
	const char *machine, *kernel;
	const char *fault; /* what the kernel must have made of it: a wrong preset fails */
	bool choose; /* the kernel did not have it: it is set */
	uint64_t seed;
	unsigned int readers, writers, operations; /* operations a task */
};

struct vma_verdict {
	bool good;
	char why[1024];
	int err;
	uint64_t locked; /* times a reader got a VMA */
	uint64_t aborts, misses; /* and did not, or looked again */
};

void vma_check_run(const struct vma_check *check, struct vma_verdict *verdict);

/*
 * What faults make of a munmap: a VMA of eight pages loses one in the middle,
 * then one page of each half is touched.
 */
struct vma_halves {
	uint64_t success, aborts; /* faults that ended under the VMA lock, that could not */
	uint64_t downgrades;
};

void vma_halves_run(const struct vma_check *check, struct vma_halves *halves);

/*
 * The same munmap, stopped after each of its steps in turn, while another task
 * stores to a page of the upper half. What the downgrade is for, counted over
 * the places where munmap held mmap_lock for read.
 */
struct vma_sweep {
	unsigned int places;
	uint64_t success, aborts;
};

void vma_sweep_run(const struct vma_check *check, struct vma_sweep *sweep);

#endif
