/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: their life, and what the files of this folder call of each
 * other. VS(x) in comments: vma_start_write(x).
 */
#ifndef MMSIM_MM_MM_H
#define MMSIM_MM_MM_H

#include "mem/page_alloc.h"
#include "mem/pgtable.h"
#include "mem/sim.h"
#include "mm/vma_lock.h"
#include "mm/vma_tree.h"
#include "mmsim/mm.h"

/* ---- mm.c ---- */

struct mm_struct *mm_alloc(struct mmsim *sim, const char *name);
/* A user more: the address space stays. The last user's mmput() is exit_mmap(). */
void mmget(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
/* Keeps the struct, not the address space. */
void mmgrab(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);
/*
 * Current runs in @mm from now on, and TLB flushes of it wait for current's
 * accesses; NULL: in none. Return: 0; -ENOMEM, then it runs in none.
 */
int use_mm(struct mm_struct *mm);

/* ---- vma.c: one VMA; mmap_lock held for write ---- */

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm);
void vm_area_free(struct vm_area_struct *vma);
unsigned long vma_flags_of(int prot);

static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/**
 * __split_vma - cut a VMA in two at @addr
 * @new_below: the new VMA is the lower part
 *
 * Return: 0 or -ENOMEM; map_count's limit is the caller's business.
 */
int __split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below);

/**
 * vma_merge_new_range - can [@start, @end) be had by growing a neighbour?
 * Return: the VMA that now covers it; NULL: no, or no memory.
 */
struct vm_area_struct *vma_merge_new_range(struct mm_struct *mm, unsigned long start,
					   unsigned long end, unsigned long vm_flags);

/**
 * vma_modify - make [@start, @end), inside @vma, a VMA that can get @vm_flags
 *
 * Merges with a neighbour that has them, else splits.
 * Return: the VMA, its flags not changed yet unless it was merged; NULL: no memory.
 */
struct vm_area_struct *vma_modify(struct vm_area_struct *vma, unsigned long start,
				  unsigned long end, unsigned long vm_flags);

/* The anon_vma of a neighbour that @vma could share, or NULL. mmap_lock, any mode. */
struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma);

/* ---- zap.c ---- */

#define MMU_GATHER_MAX_PAGES 10000

/* Pages whose PTEs are gone, freed only after the TLB flush. */
struct mmu_gather {
	struct mm_struct *mm;
	struct folio *pages;
	unsigned int nr_pages;
	bool flush; /* a PTE was changed since the last flush */
	struct pgtable_gather tables;
};

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm);
/* Flush, then free what was gathered. */
void tlb_finish_mmu(struct mmu_gather *tlb);
/* Wait until no task is in the middle of a user access that began before. */
void flush_tlb_mm(struct mm_struct *mm);

/* Clear the PTEs of [@start, @end). VMA or mmap_lock held, or VMA unreachable. */
void zap_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end);
/* MADV_FREE on the same terms: pages may be dropped while they stay clean. */
void lazyfree_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end);
/* Give every PTE in the range the access that @vm_flags allow. VS held. */
void change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start,
		       unsigned long end);

/* ---- munmap.c ---- */

struct munmap_strategy {
	const char *name, *since, *models, *helps;
	bool downgrade;
};
const struct munmap_strategy *munmap_strategy_at(unsigned int i);

/* VMAs taken out of the tree and detached, in ascending order. */
struct vma_munmap {
	struct vm_area_struct *first;
	unsigned long start, end; /* of the range asked for */
	unsigned long floor, ceiling; /* of the VMAs left and right of it */
};

/*
 * Split the ends, write-lock and detach all VMAs of the range and erase it
 * from the tree. mmap_lock held for write. 0 or -ENOMEM (splits stay).
 */
int vms_detach_range(struct mm_struct *mm, unsigned long start, unsigned long end,
		     struct vma_munmap *vms);
/* Zap, free page tables, free the VMAs. mmap_lock held, read is enough. */
void vms_complete(struct mm_struct *mm, struct vma_munmap *vms);
void exit_mmap(struct mm_struct *mm);

/* ---- system calls; take mmap_lock themselves ---- */

long do_mmap(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot, int flags);
int do_munmap(struct mm_struct *mm, unsigned long addr, unsigned long len);
int do_mprotect(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot);
int do_madvise(struct mm_struct *mm, unsigned long addr, unsigned long len, int advice);

struct madvise_strategy {
	const char *name, *since, *models, *helps;
	bool vma_lock;
};
const struct madvise_strategy *madvise_strategy_at(unsigned int i);

/* ---- fault.c ---- */

/* What the program sees of one load or store of the 8 bytes at @addr. */
enum mmsim_access user_access(struct mm_struct *mm, unsigned long addr, bool write,
			      uint64_t *value);
/* Fault in every page of the range as the VMAs allow; mmap_lock not held. */
void mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end);

#endif
