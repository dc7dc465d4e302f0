/* SPDX-License-Identifier: MIT */
/*
 * The VMA index: a B-tree of address ranges.
 *
 * Fidelity: contract of the maple tree as the mm uses it since 6.1: lookups
 * under mmap_lock in any mode or under RCU, one range store that replaces what
 * it overlaps in a single publication, nodes replaced and never edited under
 * readers, nodes freed after a grace period. The node format is ours. Steps:
 * every child pointer followed and the entry found. Cost: tree_node a node.
 */
#ifndef MMSIM_MM_VMA_TREE_H
#define MMSIM_MM_VMA_TREE_H

#include "mem/mm_types.h"

/**
 * vma_tree_cache_create - the node cache of one simulated kernel (CACHE_RCU)
 */
struct kmem_cache *vma_tree_cache_create(struct mmsim *sim);

void vma_tree_init(struct vma_tree *tree, struct kmem_cache *cache);
/* Free all nodes. No reader is left. Entries are the caller's. */
void vma_tree_destroy(struct vma_tree *tree);

/* The entry that covers @addr, or NULL. RCU or mmap_lock held. */
struct vm_area_struct *vma_tree_walk(const struct vma_tree *tree, unsigned long addr);

/*
 * The first entry whose end lies above @addr (find_vma); with @start and @end
 * set to the range under which it is stored, when not NULL. RCU or mmap_lock.
 */
struct vm_area_struct *vma_tree_find(const struct vma_tree *tree, unsigned long addr,
				     unsigned long *start, unsigned long *end);
/* The last entry whose start lies below @addr, or NULL. RCU or mmap_lock held. */
struct vm_area_struct *vma_tree_find_prev(const struct vma_tree *tree, unsigned long addr);

/**
 * vma_tree_reserve - allocate ahead, so that the next stores cannot fail
 * @nr_stores: how many vma_tree_store() calls will follow
 *
 * mmap_lock held for write. Return: 0 or -ENOMEM; the tree is unchanged.
 */
int vma_tree_reserve(struct vma_tree *tree, unsigned int nr_stores);
/*
 * The stores are made. What they did not need is kept for the next ones, up to
 * what one store could need; the rest is freed. mmap_lock held for write.
 */
void vma_tree_unreserve(struct vma_tree *tree);

/**
 * vma_tree_store - let [@start, @end) mean @vma, or nothing if NULL
 *
 * Entries inside the range are dropped from the tree, entries that stick out
 * are cut (a range in the middle of one cuts it in two, both with the old
 * pointer). Readers see the tree before or after, nothing between. mmap_lock
 * held for write and nodes reserved: it cannot fail.
 */
void vma_tree_store(struct vma_tree *tree, unsigned long start, unsigned long end,
		    struct vm_area_struct *vma);

/**
 * vma_tree_gap_topdown - highest free range of @size bytes in [@low, @high)
 *
 * mmap_lock held. O(log n): nodes know their largest gap.
 * Return: its start, or -ENOMEM.
 */
long vma_tree_gap_topdown(const struct vma_tree *tree, unsigned long size, unsigned long low,
			  unsigned long high);

/* Depth, sizes, order, fences, gap sums: machine_bug() if any is wrong. For tests. */
void vma_tree_check(const struct vma_tree *tree);

#define for_each_vma_range(tree, vma, addr, until)                                                 \
	for (vma = vma_tree_find(tree, addr, NULL, NULL); vma && vma->vm_start < (until);          \
	     vma = vma->vm_end < (until) ? vma_tree_find(tree, vma->vm_end, NULL, NULL) : NULL)

#endif
