/* SPDX-License-Identifier: MIT */
/*
 * anon_vma: what ties anonymous pages to the VMAs that may map them.
 *
 * Fidelity: who takes the root lock when and for how long, chains of VMA and
 * anon_vma, interval trees, reuse of a neighbour's anon_vma, the page_table_lock that
 * decides between two first faults, clones with their allocations (before 7.0 made
 * under the root lock), a fork's two sections and its reuse of an anon_vma, references
 * and the wait of who frees for who still looks. The order of a chain is ours: nothing
 * depends on it.
 */
#ifndef MMSIM_RMAP_ANON_VMA_H
#define MMSIM_RMAP_ANON_VMA_H

#include "mem/sim.h"

/* The axis: which lock a walk from a page takes, and hence who else must take it. */
struct anon_rmap_strategy {
	const char *name, *since, *models, *helps;
	bool own_lock; /* each anon_vma has a lock of its own, see struct anon_vma */
};
const struct anon_rmap_strategy *anon_rmap_strategy_at(unsigned int i); /* NULL past the last */

/* Bytes of an anon_vma with @strategy, which may need no room for its last member. */
size_t anon_vma_size(const struct anon_rmap_strategy *strategy);

/**
 * __anon_vma_prepare - give @vma an anon_vma before its first own page
 * @reusable: a neighbour's anon_vma to share, NULL for a new one
 *
 * mmap_lock held in any mode. Return: 0 or -ENOMEM.
 */
int __anon_vma_prepare(struct vm_area_struct *vma, struct anon_vma *reusable);

/**
 * anon_vma_clone - @dst, which has none, hangs on all of @src's anon_vmas too
 *
 * Root lock, write. mmap_lock held for write. Return: 0; -ENOMEM, then @dst
 * has none.
 */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);

/**
 * anon_vma_fork - @dst, the child's copy of @src, hangs on @src's anon_vmas and on its own
 *
 * Root lock, write, twice: for the clone, and for the child's own anon_vma, unless one of @src's
 * can be reused, which nobody's new pages go to and which has one child at most. The parent's
 * mmap_lock held for write, @src write-locked. Return: 0; -ENOMEM, then @dst has none.
 */
int anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src);

/* @vma leaves its anon_vmas; the last one frees each. Root lock, write. */
void unlink_anon_vmas(struct vm_area_struct *vma);

/* Keep all walks out of pages that @vma may map. Without an anon_vma there is nothing to do. */
void anon_vma_lock_write(struct vm_area_struct *vma, enum lock_site site);
void anon_vma_unlock_write(struct vm_area_struct *vma);

/*
 * Around a change of the bounds of @vma, and of @other if it is not NULL, which hangs on no other
 * anon_vmas: the same locks, and the VMAs are out of the trees.
 */
void anon_vma_resize_begin(struct vm_area_struct *vma, struct vm_area_struct *other,
			   enum lock_site site);
void anon_vma_resize_end(struct vm_area_struct *vma, struct vm_area_struct *other);

/* Drop what atomic_inc_not_zero(&anon_vma->refcount) took; the last one frees. May sleep. */
void put_anon_vma(struct mmsim *sim, struct anon_vma *anon_vma);

/* Does one anon_vma serve @vma, as none that was inherited by fork would? */
static inline bool anon_vma_chain_is_singular(const struct vm_area_struct *vma)
{
	return vma->anon_vma_chain && !vma->anon_vma_chain->same_vma;
}

#endif
