/* SPDX-License-Identifier: MIT */
/*
 * A VMA index to be tested, in a simulated kernel of its own. An entry is a token
 * that the tree never looks into. There is one kernel and one tree at a time.
 */
#ifndef TESTS_SUPPORT_TREE_RIG_H
#define TESTS_SUPPORT_TREE_RIG_H

#include "mm/vma_tree_node.h"

#define TREE_RIG_SEED 20260727

/* Set-up and tear-down of a group of tests. */
int tree_rig_create(void **state);
int tree_rig_end(void **state);

struct vma_tree *tree_make(void);
void tree_free(struct vma_tree *tree);

static inline struct vm_area_struct *token(unsigned long nr)
{
	return (struct vm_area_struct *)(nr * 64);
}

/* With a reserve of its own. @nr 0: nothing. */
void tree_store(struct vma_tree *tree, unsigned long start, unsigned long end, unsigned long nr);

/* Nodes that are allocated, when all that wait for a grace period are gone. */
unsigned long tree_nodes(void);
void tree_assert_no_leak(const struct vma_tree *tree);

/* ---- many entries: every second page is somebody's ---- */

#define TREE_MANY 100000u

void tree_store_nth(struct vma_tree *tree, unsigned int i, unsigned long nr);
void tree_fill(struct vma_tree *tree, bool downwards);
/* @stride: prime to TREE_MANY, or 1 */
void tree_erase_all(struct vma_tree *tree, unsigned int stride);

#endif
