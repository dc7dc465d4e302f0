/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: their life, and what the files of this folder call of each
 * other. VS(x) in comments: vma_start_write(x).
 */
#ifndef MMSIM_MM_MM_H
#define MMSIM_MM_MM_H

#include "mem/mm_ref.h"
#include "mem/page_alloc.h"
#include "mem/pgtable.h"
#include "mem/sim.h"
#include "mem/tlb.h"
#include "mm/vma_lock.h"
#include "mm/vma_tree.h"
#include "mmsim/mm.h"

/* ---- mm.c ---- */

#define BRK_START 0x555555800000ul /* where a program's heap begins, without its random part */

struct mm_struct *mm_alloc(struct mmsim *sim, const char *name);
/* A user more: the address space stays. The last user's mmput() is exit_mmap(). */
void mmget(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
/*
 * Current runs in @mm from now on, and TLB flushes of it wait for current's
 * accesses; NULL: in none. Return: 0; -ENOMEM, then it runs in none.
 */
int use_mm(struct mm_struct *mm);

/* ---- vma.c: one VMA; mmap_lock held for write ---- */

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm);
/* A detached copy of @vma's attributes for [@start, @end). NULL: no memory. */
struct vm_area_struct *vm_area_dup(const struct vm_area_struct *vma, unsigned long start,
				   unsigned long end);
/* The same for another address space. */
struct vm_area_struct *vm_area_dup_into(struct mm_struct *mm, const struct vm_area_struct *vma,
					unsigned long start, unsigned long end);
void vm_area_free(struct vm_area_struct *vma);
/* New bounds, same place of every page; root lock held if there is an anon_vma. */
void vma_set_range(struct vm_area_struct *vma, unsigned long start, unsigned long end);
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

/* A range that is new or gets other attributes, and who could take it in. */
struct vma_merge {
	struct mm_struct *mm;
	struct vm_area_struct *middle; /* the VMA that the range lies in; NULL: it is new */
	struct vm_area_struct *from; /* whose pages it has or will have: middle, mremap's source */
	unsigned long start, end, pgoff, vm_flags; /* attributes to be */
	struct anon_vma_name *name;
	bool just_expand; /* brk: only the VMA before may grow */
	struct anon_vma *anon_vma; /* of from */
	struct vm_area_struct *prev, *next; /* decided: who takes it */
};

/**
 * vma_merge_new_range - can a range be had by growing a neighbour?
 * @m: all but middle, prev and next set; anon_vma only if from is not
 *
 * Return: the VMA that now covers it; NULL: no, or no memory.
 */
struct vm_area_struct *vma_merge_new_range(struct vma_merge *m);

/**
 * vma_modify - make [@start, @end), inside @vma, a VMA that can get @vm_flags
 * @name: and this name
 *
 * Merges with a neighbour that has them, else splits.
 * Return: the VMA, its flags not changed yet unless it was merged; NULL: no
 * memory, or too many VMAs (the first of two splits stays).
 */
struct vm_area_struct *vma_modify(struct vm_area_struct *vma, unsigned long start,
				  unsigned long end, unsigned long vm_flags,
				  struct anon_vma_name *name);

/* Put a fresh VMA into the tree, write-locked. 0 or -ENOMEM, then it is still the caller's. */
int vma_insert(struct vm_area_struct *vma);

/* Give @vma an anon_vma if it has none. mmap_lock held in any mode. 0 or -ENOMEM. */
int anon_vma_prepare(struct vm_area_struct *vma);
/* The anon_vma of a neighbour that @vma could share, or NULL. mmap_lock, any mode. */
struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma);

/* ---- anon_name.c: refcounted, content never changes; NULL: no name ---- */

struct anon_vma_name *anon_vma_name_alloc(struct mmsim *sim, const char *name);
struct anon_vma_name *anon_vma_name_get(struct anon_vma_name *anon_name);
void anon_vma_name_put(struct mmsim *sim, struct anon_vma_name *anon_name);
bool anon_vma_name_eq(const struct anon_vma_name *a, const struct anon_vma_name *b);

/* ---- zap.c ---- */

#define MMU_GATHER_MAX_PAGES 10000

#define MMU_GATHER_LOCAL 32
#define MMU_GATHER_BATCH 510

struct mmu_gather_batch {
	struct mmu_gather_batch *next;
	unsigned long nr;
	struct folio *folio[MMU_GATHER_BATCH];
};

/*
 * References of PTEs that are gone, dropped only after the TLB flush: others may map the page,
 * too, and gather it at the same time.
 */
struct mmu_gather {
	struct mm_struct *mm;
	struct mmu_gather_batch *batches; /* once local is full; the last is the first */
	unsigned int nr_pages;
	bool flush; /* a PTE was changed since the last flush */
	const void *own; /* folio->mapping of pages that are not counted as inherited */
	uint64_t inherited;
	struct pgtable_gather tables;
	struct folio *local[MMU_GATHER_LOCAL];
};

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm);
/* Flush, then free what was gathered. */
void tlb_finish_mmu(struct mmu_gather *tlb);

/*
 * Clear the PTEs of [@start, @end). VMA or mmap_lock held, or VMA unreachable.
 * @guards: guard markers go, too, as when the range is unmapped.
 */
void zap_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end, bool guards);
/* MADV_COLD: the pages look as if nobody used them. */
void cold_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end);
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
	bool below_stack; /* the VMA right of it grows down */
};

/*
 * Split the ends, write-lock and detach all VMAs of the range and erase it
 * from the tree. mmap_lock held for write. 0 or -ENOMEM (splits stay).
 */
int vms_detach_range(struct mm_struct *mm, unsigned long start, unsigned long end,
		     struct vma_munmap *vms);
/* All of munmap under mmap_lock held for write, which stays. 0 or -ENOMEM. */
int unmap_range_locked(struct mm_struct *mm, unsigned long start, unsigned long end);
/* Zap, free page tables, free the VMAs. mmap_lock held, read is enough. */
void vms_complete(struct mm_struct *mm, struct vma_munmap *vms);
void exit_mmap(struct mm_struct *mm);

/* ---- system calls; take mmap_lock themselves ---- */

/*
 * Where @len bytes could be mapped: at @addr if @fixed or if it is free, else
 * the highest place. mmap_lock held for write. -errno: nowhere.
 */
long get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, bool fixed);
/* May so many bytes more with these flags be mapped, if they would be locked? */
bool mlock_future_ok(const struct mm_struct *mm, unsigned long vm_flags, unsigned long bytes);
/* Map a free range, counted. mmap_lock held for write. 0 or -ENOMEM. */
int map_new_range(struct mm_struct *mm, unsigned long addr, unsigned long len,
		  unsigned long vm_flags, bool just_expand);
/*
 * munmap for who holds mmap_lock for write. 0: done and mmap_lock released;
 * -ENOMEM: nothing done but splits, mmap_lock still held.
 */
int munmap_locked(struct mm_struct *mm, unsigned long addr, unsigned long len);

long do_mmap(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot, int flags);
int do_munmap(struct mm_struct *mm, unsigned long addr, unsigned long len);
int do_mprotect(struct mm_struct *mm, unsigned long addr, unsigned long len, int prot);
unsigned long do_brk(struct mm_struct *mm, unsigned long brk);
int do_mlock(struct mm_struct *mm, unsigned long addr, unsigned long len, bool on_fault);
int do_munlock(struct mm_struct *mm, unsigned long addr, unsigned long len);
int do_mlockall(struct mm_struct *mm, int flags);
int do_munlockall(struct mm_struct *mm);
long do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long old_len,
	       unsigned long new_len, int flags, unsigned long new_addr);
int do_madvise(struct mm_struct *mm, unsigned long addr, unsigned long len, int advice);
long do_process_madvise(struct mm_struct *mm, const struct mmsim_range *ranges, unsigned int nr,
			int advice);
int do_set_anon_name(struct mm_struct *mm, unsigned long addr, unsigned long len, const char *name);
/* Move the pages of a range elsewhere; how many were moved, or -EINVAL, -EINTR. */
long do_move_pages(struct mm_struct *mm, unsigned long addr, unsigned long len);
/* Arm a range for a userfaultfd (missing pages), or disarm it. */
int do_userfaultfd(struct mm_struct *mm, unsigned long addr, unsigned long len, bool arm);

struct madvise_strategy {
	const char *name, *since, *models, *helps;
	bool vma_lock;
};
const struct madvise_strategy *madvise_strategy_at(unsigned int i);

/* ---- fork.c, copy.c ---- */

/*
 * A child address space that shares all pages. Takes mmap_lock for write, killable. 0, then
 * *@child is the caller's; -ENOMEM, -EINTR.
 */
int do_fork(struct mm_struct *mm, const char *name, struct mm_struct **child);
/*
 * Let @dst, the child's copy of @src, map what @src maps; pages are shared and can be written by
 * neither any more. Both mmap_locks held for write, the TLB flush is the caller's. 0 or -ENOMEM.
 */
int copy_page_range(struct vm_area_struct *dst, struct vm_area_struct *src);

/* ---- fault.c ---- */

enum fault_result {
	FAULT_DONE,
	FAULT_RETRY, /* the VMA lock was dropped; again under mmap_lock */
	FAULT_OOM,
	FAULT_SIGSEGV, /* a guard page */
};

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long address;
	bool write;
	bool vma_lock; /* the VMA's read lock is held, else mmap_lock */
	bool tried; /* the lock was dropped once for this fault, or must not be */
	enum mmsim_access kind;
};

/* One page fault in a VMA that allows the access and is kept stable. */
enum fault_result handle_mm_fault(struct vm_fault *vmf);
/* Does the PTE let the CPU do it without a fault? */
bool pte_allows(pte_t pte, bool write);
/* What the program sees of one load or store of the 8 bytes at @addr. */
enum mmsim_access user_access(struct mm_struct *mm, unsigned long addr, bool write,
			      uint64_t *value);

/* ---- gup.c: pages faulted in by the kernel, under mmap_lock held for read ---- */

/*
 * Fault in every page of the range as the VMAs allow. mmap_lock not held.
 * @ignore_errors: go on behind what cannot be had.
 */
int mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool ignore_errors);
/* The same for part of one VMA; mmap_lock held in any mode. 0 or -errno. */
int populate_vma_page_range(struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* MADV_POPULATE_*: 0 or -errno. Takes mmap_lock for read. */
int madvise_populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool write);

/* ---- stack.c ---- */

/* Where nothing may be mapped any more below @vma, but by MAP_FIXED. */
static inline unsigned long vm_start_gap(const struct vm_area_struct *vma)
{
	unsigned long gap = vma->vm_flags & VM_GROWSDOWN ? STACK_GUARD_GAP : 0;

	return vma->vm_start > gap ? vma->vm_start - gap : 0;
}

/*
 * Grow the stack @vma down to @addr. mmap_lock held for write, or for read if
 * stack_grows_under_read(). 0, -EPERM, -ENOMEM.
 */
int expand_downwards(struct vm_area_struct *vma, unsigned long addr);
bool stack_grows_under_read(const struct mm_struct *mm);

#endif
