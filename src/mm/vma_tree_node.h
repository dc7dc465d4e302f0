/* SPDX-License-Identifier: MIT */
/*
 * A node of the VMA index, and what its two files share: vma_tree.c looks
 * things up, vma_tree_store.c changes them.
 *
 * A leaf keeps up to NODE_SLOTS entries, bounds included, so that a lookup
 * touches no VMA. An inner node keeps fences and children. All leaves are
 * equally deep and every node but the root is at least a quarter full, which
 * bounds the height.
 *
 * Readers may look at a node for as long as their RCU section lasts. What they
 * look at never changes once the node is published, but for a child pointer:
 * that is swapped in place when one node replaces one child between the same
 * fences. Everything else a store changes is in nodes it makes anew.
 *
 * Fidelity: fan-out near the maple tree's 16 slots (10 in an allocation tree);
 * the format is ours.
 */
#ifndef MMSIM_MM_VMA_TREE_NODE_H
#define MMSIM_MM_VMA_TREE_NODE_H

#include "mem/kmem_cache.h"
#include "mm/vma_tree.h"

/* Fifteen keys and the header fill two lines; node_search() counts on fifteen. */
#define NODE_SLOTS 15
/* A node with less merges; a split leaves more, so that the next store does not undo it. */
#define NODE_SLOTS_MIN 4
#define NODE_SLOTS_SPLIT 5
/* NODE_SLOTS_MIN to this power is more pages than an address space has room for. */
#define TREE_HEIGHT_MAX 20

/* Where the entries of a subtree (or the one of a leaf's slot) lie. */
struct used_span {
	unsigned long low; /* start of the first */
	unsigned long high; /* end of the last */
	unsigned long gap; /* largest free range between two of them */
};

struct leaf_entry {
	unsigned long start;
	struct vm_area_struct *vma;
};

struct vma_tree_node {
	/* Two lines that every lookup reads; readers do not look at dead. */
	bool leaf;
	bool dead; /* on a store's dead list */
	uint8_t nr;
	/*
	 * Leaf: where entry i ends. Inner: where the range of child i ends and
	 * that of the next begins; the last child's ends with the node's own,
	 * which only the parent knows. ULONG_MAX from there on.
	 */
	unsigned long upper[NODE_SLOTS];

	union {
		struct leaf_entry entry[NODE_SLOTS];
		struct {
			/* RCU. One more than is used: what follows starts on another line. */
			struct vma_tree_node *child[NODE_SLOTS + 1];
			/* Edited in place, so under mmap_lock only; write to change. */
			struct used_span used[NODE_SLOTS];
		};
	};

	/* Readers look at neither. */
	union {
		struct kmem_rcu rcu;
		struct vma_tree_node *next; /* on tree->reserve, tree->kept, a store's dead list */
	};
} __cacheline_aligned;
_Static_assert(sizeof(struct vma_tree_node) == 640, "ten lines a node");

/*
 * The first slot whose range ends above @addr; nr of a leaf when there is none.
 * @addr is not ULONG_MAX, so slots that are not in use are never chosen. Two
 * rounds of three independent compares: nothing to mispredict, and half the
 * chain of loads that halving would need.
 */
static __always_inline unsigned int node_search(const struct vma_tree_node *node,
						unsigned long addr)
{
	const unsigned long *upper = node->upper;
	unsigned int quarter = (upper[3] <= addr) + (upper[7] <= addr) + (upper[11] <= addr);

	upper += 4 * quarter;
	return 4 * quarter + (upper[0] <= addr) + (upper[1] <= addr) + (upper[2] <= addr);
}

static inline struct used_span node_used(const struct vma_tree_node *node, unsigned int slot)
{
	if (!node->leaf)
		return node->used[slot];
	return (struct used_span){node->entry[slot].start, node->upper[slot], 0};
}

/* Sum up @node for its parent. */
static inline struct used_span node_sum(const struct vma_tree_node *node)
{
	struct used_span sum = node_used(node, 0);

	for (unsigned int i = 1; i < node->nr; i++) {
		struct used_span next = node_used(node, i);

		sum.gap = MAX(sum.gap, MAX(next.gap, next.low - sum.high));
		sum.high = next.high;
	}
	return sum;
}

/* Free the nodes that fell out while keep_nodes was set. mmap_lock held for write. */
void vma_tree_free_kept(struct vma_tree *tree);

#endif
