/* SPDX-License-Identifier: MIT */
/* An instance and its address spaces, for tests of what leads from pages to PTEs. */
#ifndef TESTS_SUPPORT_RMAP_RIG_H
#define TESTS_SUPPORT_RMAP_RIG_H

#include "mm/mm.h"
#include "mmsim/mmsim.h"

#define BASE 0x100000ul
#define AWAY 0x200000ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define PAGE(n) (BASE + (n)*PAGE_SIZE)
#define ALL_PAGES PCP_BATCH /* that one CPU has taken from the zone: a scan's round */

extern struct mmsim *rmap_rig_sim; /* made last */

/* A new instance, 6.18 but for @anon_rmap, with an address space. @search may be NULL. */
struct mm_struct *rmap_rig_make(const char *machine, const char *anon_rmap,
				struct mmsim_search *search);
void rmap_rig_map(struct mm_struct *mm, unsigned long addr, unsigned int pages);
/* As a program that runs in @mm; they do not fail. */
void rmap_rig_store(struct mm_struct *mm, unsigned long addr, uint64_t value);
uint64_t rmap_rig_load(struct mm_struct *mm, unsigned long addr);
struct mm_struct *rmap_rig_fork(struct mm_struct *mm);
/* Its parts agree; then it is put. */
void rmap_rig_put(struct mm_struct *mm);
/* Of the page that is mapped there. */
unsigned long rmap_rig_pfn(struct mm_struct *mm, unsigned long addr);

#endif
