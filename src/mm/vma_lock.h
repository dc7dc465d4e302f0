/* SPDX-License-Identifier: MIT */
/*
 * The fault axis: how a fault, or another reader of one VMA, keeps the VMA
 * stable. One table a strategy, one file each in vma_lock/. And mmap_lock,
 * whose write hold ends all VMA write locks.
 */
#ifndef MMSIM_MM_VMA_LOCK_H
#define MMSIM_MM_VMA_LOCK_H

#include "mem/sim.h"

/* Why a VMA could not be locked. */
enum vma_lock_miss {
	VMA_MISS_NONE,
	VMA_MISS_OFF, /* the strategy has no VMA locks */
	VMA_MISS_GAP, /* no VMA at the address */
	VMA_MISS_LOCKED, /* write-locked, or a writer waits, or too many readers */
	VMA_MISS_MOVED, /* what was locked is not, or no longer, at the address */
	/* The release's lock does not cover it: before 6.10 without anon_vma, before 6.6 armed. */
	VMA_MISS_UNLOCKABLE,
};

struct fault_strategy {
	const char *name, *since, *models, *helps;
	bool per_vma; /* there are VMA locks */
	enum kmem_cache_kind vma_cache;
	/* A fresh VMA's lock; detached. 0 or -ENOMEM. */
	int (*vma_init)(struct vm_area_struct *vma);
	/* Out of the tree, no reader can find it any more. */
	void (*vma_free)(struct vm_area_struct *vma);
	/*
	 * Try: find the VMA of @addr without mmap_lock and lock it for read.
	 * Never sleeps; NULL: @miss says why. Counts abort and miss.
	 */
	struct vm_area_struct *(*lock_vma_under_rcu)(struct mm_struct *mm, unsigned long addr,
						     enum lock_site site, enum vma_lock_miss *miss);
	/*
	 * Try to lock a VMA that was found under RCU. NULL: the RCU section is
	 * left then; *detached: look again, it may be found elsewhere. NULL
	 * where a strategy has no such thing.
	 */
	struct vm_area_struct *(*vma_start_read)(struct mm_struct *mm, struct vm_area_struct *vma,
						 enum lock_site site, bool *detached);
	void (*vma_end_read)(struct vm_area_struct *vma);
	/*
	 * mmap_lock held for read, so there is no writer: lock the VMA for read.
	 * False: there are too many readers.
	 */
	bool (*vma_start_read_locked)(struct vm_area_struct *vma, enum lock_site site);
	/*
	 * mmap_lock held for write: keep readers out until it is unlocked or
	 * downgraded. Sleeps for present readers.
	 */
	void (*vma_start_write)(struct vm_area_struct *vma);
	void (*vma_mark_attached)(struct vm_area_struct *vma);
	void (*vma_mark_detached)(struct vm_area_struct *vma);
	/* After mmap_lock was taken for write; before it is released or downgraded. */
	void (*write_begin)(struct mm_struct *mm);
	void (*write_end)(struct mm_struct *mm);
};

/* The axis: a file in vma_lock/ each, with struct fault_strategy fault_NAME. Oldest first. */
#define FAULT_STRATEGIES(X) X(mmap_lock) X(vma_rwsem) X(vma_refcnt)

#define X(name) extern const struct fault_strategy fault_##name;
FAULT_STRATEGIES(X)
#undef X
const struct fault_strategy *fault_strategy_at(unsigned int i); /* NULL past the last */

/* A lookup found a VMA that was just taken out of the tree, and is repeated. */
static inline void count_vma_lock_miss(enum lock_site site)
{
	count_event(COUNTER_vma_lock_miss);
	if (site == SITE_madvise_vma)
		count_event(COUNTER_madvise_lookup_repeated);
}

static inline void vma_start_write(struct vm_area_struct *vma)
{
	vma->vm_mm->fault->vma_start_write(vma);
}

static inline void vma_end_read(struct vm_area_struct *vma)
{
	vma->vm_mm->fault->vma_end_read(vma);
}

static inline void vma_mark_attached(struct vm_area_struct *vma)
{
	vma->vm_mm->fault->vma_mark_attached(vma);
}

static inline void vma_mark_detached(struct vm_area_struct *vma)
{
	vma->vm_mm->fault->vma_mark_detached(vma);
}

/* Is @vma write-locked by whoever holds mmap_lock for write? For assertions. */
static inline bool vma_is_write_locked(const struct vm_area_struct *vma)
{
	return !vma->vm_mm->fault->per_vma || vma->vm_lock_seq == vma->vm_mm->mm_lock_seq.sequence;
}

/* ---- mmap_lock ---- */

/* Killable: -EINTR after a kill. */
int mmap_write_lock_killable(struct mm_struct *mm, enum lock_site site);
void mmap_write_lock(struct mm_struct *mm, enum lock_site site);
/* Of an mm that nobody else knows yet, inside another's. */
void mmap_write_lock_nested(struct mm_struct *mm, enum lock_site site);
void mmap_write_unlock(struct mm_struct *mm);
/*
 * VMA write locks end here too: what was locked must be detached by now. A lock
 * that cannot downgrade is released and taken again: VMAs may be others then.
 */
void mmap_write_downgrade(struct mm_struct *mm);

static inline bool mmap_can_downgrade(const struct mm_struct *mm)
{
	return !mm->sim->rwsem[LOCK_mmap_lock]->foreign;
}

static inline void mmap_read_lock(struct mm_struct *mm, enum lock_site site)
{
	down_read(&mm->mmap_lock, site);
}

static inline int mmap_read_lock_killable(struct mm_struct *mm, enum lock_site site)
{
	return down_read_killable(&mm->mmap_lock, site);
}

static inline bool mmap_read_trylock(struct mm_struct *mm, enum lock_site site)
{
	return down_read_trylock(&mm->mmap_lock, site);
}

static inline void mmap_read_unlock(struct mm_struct *mm)
{
	up_read(&mm->mmap_lock);
}

static inline void mmap_assert_write_locked(struct mm_struct *mm)
{
#ifdef MMSIM_DEBUG
	enum lock_mode mode = LOCK_READ;

	BUG_ON(trace_enabled() && (!trace_holds(&mm->mmap_lock, &mode) || mode != LOCK_WRITE));
#else
	(void)mm;
#endif
}

#endif
