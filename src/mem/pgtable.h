/* SPDX-License-Identifier: MIT */
/*
 * Page tables: four levels of 512, the lowest with a lock each.
 *
 * Fidelity: who may allocate and free tables, and under which locks, as in
 * 6.18 with split PTE locks. Not modelled: huge pages, split PMD locks.
 */
#ifndef MMSIM_MEM_PGTABLE_H
#define MMSIM_MEM_PGTABLE_H

#include "mem/mm_types.h"

static inline unsigned int pte_index(unsigned long addr)
{
	return (addr >> PAGE_SHIFT) % PTRS_PER_PTE;
}

static inline unsigned long pte_pfn(pte_t pte)
{
	return pte >> PAGE_SHIFT;
}

static inline unsigned long pmd_addr_end(unsigned long addr, unsigned long end)
{
	unsigned long boundary = (addr + PMD_SIZE) & ~(PMD_SIZE - 1);

	return boundary - 1 < end - 1 ? boundary : end;
}

#define PGTABLE_LEVELS 3 /* of directories, above the PTE tables */
#define LEVEL_BITS 9

/* Level 0 holds PTE tables and spans PMD_SIZE an entry; level 2 is the top. */
static inline unsigned int dir_shift(int level)
{
	return PMD_SHIFT + LEVEL_BITS * (unsigned int)level;
}

static inline unsigned int dir_index(unsigned long addr, int level)
{
	return (addr >> dir_shift(level)) % PTRS_PER_PTE;
}

/* The mm's top table; 0 or -ENOMEM. */
int pgd_alloc(struct mm_struct *mm);
void pgd_free(struct mm_struct *mm);

/*
 * The PTE table of @addr, or NULL; *end: where the span it serves ends, or that
 * of the directory that is not there. No lock: entries only go from none to set
 * while a VMA that covers them is locked in any mode, or for as long as a user
 * access holds up the TLB flush before the table is freed.
 */
static __always_inline struct pte_table *pte_table_find_span(const struct mm_struct *mm,
							     unsigned long addr, unsigned long *end)
{
	struct pgtable_dir *dir = mm->pgd;

	for (int level = PGTABLE_LEVELS - 1; level > 0; level--) {
		*end = (addr | ((1ul << dir_shift(level)) - 1)) + 1;
		/* Acquire: pairs with the release in link_table(). */
		dir = smp_load_acquire(&dir->entry[dir_index(addr, level)]);
		if (!dir)
			return NULL;
	}
	*end = (addr | (PMD_SIZE - 1)) + 1;
	return smp_load_acquire(&dir->entry[dir_index(addr, 0)]);
}

static __always_inline struct pte_table *pte_table_find(const struct mm_struct *mm,
							unsigned long addr)
{
	unsigned long end;

	return pte_table_find_span(mm, addr, &end);
}

/* pte_table_find(), allocating what is missing under page_table_lock. NULL: no memory. */
struct pte_table *pte_table_alloc(struct mm_struct *mm, unsigned long addr);

/* Make the directories for the PTE table of @addr, not the table. False: no memory. */
bool pte_table_parent_alloc(struct mm_struct *mm, unsigned long addr);
/*
 * Let the PTE table of @from serve @to; both have their directories. mmap_lock
 * held for write and no VMA but write-locked ones in either span. False: there
 * is a table at @to already, or none at @from.
 */
bool pte_table_relink(struct mm_struct *mm, unsigned long from, unsigned long to);

/* Tables unlinked and not yet freed: only after the TLB flush. */
struct pgtable_gather {
	struct pte_table *tables;
	struct pgtable_dir *dirs;
};

/**
 * unlink_pgtables - take out the tables that serve only [@start, @end)
 * @floor: end of the VMA below, @ceiling: start of the VMA above, 0 for none
 *
 * mmap_lock held for write, or for read with the VMAs already unreachable.
 */
void unlink_pgtables(struct mm_struct *mm, unsigned long start, unsigned long end,
		     unsigned long floor, unsigned long ceiling, struct pgtable_gather *gather);
void free_unlinked_pgtables(struct mmsim *sim, struct pgtable_gather *gather);

#endif
