/* SPDX-License-Identifier: MIT */
/*
 * The VMAs that hang on an anon_vma, by the pages [vm_pgoff, vm_pgoff + pages) that they cover.
 *
 * A treap: a search tree by first page, a heap by random priorities that balance it. Each link
 * knows the highest page below it, so that a search leaves out what ends before. The caller has
 * the lock that guards the tree; bounds of a VMA change only while its links are out of it.
 *
 * Fidelity: order of the visits as in the kernel's, by first page, of equal ones in the order of
 * insertion. Cost: the nodes on the way; the kernel's red-black tree is a little flatter.
 */
#ifndef MMSIM_RMAP_INTERVAL_TREE_H
#define MMSIM_RMAP_INTERVAL_TREE_H

#include "mem/mm_types.h"

/* Behind all that begin at the same page. */
void interval_tree_insert(struct interval_tree *tree, struct anon_vma_chain *link);
void interval_tree_remove(struct interval_tree *tree, struct anon_vma_chain *link);
/* The first link that covers a page of [@first, @last], or NULL; and the next one. */
struct anon_vma_chain *interval_tree_first(const struct interval_tree *tree, unsigned long first,
					   unsigned long last);
struct anon_vma_chain *interval_tree_next(struct anon_vma_chain *link, unsigned long first,
					  unsigned long last);

static inline bool interval_tree_empty(const struct interval_tree *tree)
{
	return !tree->top;
}

#endif
