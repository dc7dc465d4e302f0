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

/* The mm's top table; 0 or -ENOMEM. */
int pgd_alloc(struct mm_struct *mm);
void pgd_free(struct mm_struct *mm);

/*
 * The PTE table of @addr, or NULL. No lock: entries only go from none to set
 * while a VMA that covers them is locked in any mode, or for as long as a user
 * access holds up the TLB flush before the table is freed.
 */
struct pte_table *pte_table_find(const struct mm_struct *mm, unsigned long addr);
/* The same, allocating what is missing under page_table_lock. NULL: no memory. */
struct pte_table *pte_table_alloc(struct mm_struct *mm, unsigned long addr);

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
