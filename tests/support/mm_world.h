/* SPDX-License-Identifier: MIT */
/*
 * One address space on the step machine, whose tasks take their steps as a
 * written schedule says: what tests of single lock cases have in common. Pages
 * are numbered from WORLD_BASE on.
 */
#ifndef TESTS_SUPPORT_MM_WORLD_H
#define TESTS_SUPPORT_MM_WORLD_H

#include "mm/mm.h"
#include "mmsim/mmsim.h"

#include <sys/mman.h>

/* Across the border of two PTE tables: page 512 is the first of the second. */
#define WORLD_BASE 0x100000000000ul
#define PAGE(n) (WORLD_BASE + (n)*PAGE_SIZE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

struct mm_world {
	struct mmsim *sim;
	struct mm_struct *mm;
};

/* NULL: as the release did; without a schedule only main runs. */
struct mm_setup {
	const char *kernel, *fault, *madvise;
	const char *schedule;
	const char *rwsem; /* policy */
};

/* Main runs in the mm. Fails the test if it cannot be had. */
void world_make(struct mm_world *w, const struct mm_setup *setup);
/* The parts agree and nothing is left allocated. */
void world_end(struct mm_world *w);
/* A task that runs in the mm, named as the schedule names it. */
struct mmsim_task *world_task(struct mm_world *w, const char *name, int (*fn)(void *arg),
			      void *arg);
/* All tasks to their ends; fails the test if one cannot. */
void world_run(struct mm_world *w);

void world_map(struct mm_world *w, unsigned int page, unsigned int pages, int prot);
/* A write to the page: it is mapped then, and the VMA has an anon_vma. */
void world_touch(struct mm_world *w, unsigned int page);
struct vm_area_struct *world_vma(struct mm_world *w, unsigned int page);

uint64_t world_counter(const struct mm_world *w, const char *name);
/* What was done with locks of a class at one call site. */
struct mmsim_lock_site world_site(const struct mm_world *w, const char *lock, const char *site);
/* The waits of @waiter for locks of the class; NULL: of anybody, for any lock that sleeps. */
uint64_t world_waits(const struct mm_world *w, const char *waiter, const char *lock,
		     struct mmsim_edge *longest);

/* The calls of madvise that fell back; for another reason than @only: the test fails. NULL: any. */
uint64_t madvise_fallbacks(const struct mm_world *w, const char *only);
/*
 * One call of madvise was made, and nothing else that looks for VMAs without
 * mmap_lock: it ran under the VMA lock, or fell back for exactly one reason.
 */
void madvise_check_one_call(const struct mm_world *w);

/*
 * Two tasks. A is stopped after each of its steps in turn; then B runs until it
 * has ended or has to wait. It ends with the run where B begins when A is done or
 * has to wait itself.
 */
struct mm_race {
	void (*prepare)(struct mm_world *w);
	void (*a)(struct mm_world *w), (*b)(struct mm_world *w);
	const char *first, *then; /* words of the schedule before A's and behind B's, or NULL */
	/* After each run: checks what must be so, says if it is what is looked for. */
	bool (*found)(struct mm_world *w, const void *expected);
	const void *expected;
};

/* In how many of the runs it was found. */
unsigned int world_sweep(const struct mm_setup *setup, const struct mm_race *race);

/* Readers that an attached VMA has now. No step: for looking from outside. */
unsigned int vma_readers(const struct vm_area_struct *vma);

#endif
