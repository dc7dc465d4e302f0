/* SPDX-License-Identifier: MIT */
/*
 * The VMA index: lookups, the gap search, the node reserve and the check.
 * vma_tree_store.c has the one operation that changes a tree.
 *
 * Fidelity: what a lookup promises under mmap_lock and under RCU is the maple
 * tree's. One that ends in one leaf (walk, and most finds) answers from a single
 * version of the tree. A find or find_prev that has to go on in the next leaf
 * descends again, and a store may come between: it never skips an entry that
 * was there all along, but the two leaves may be of different versions. Steps:
 * root and child pointers, and the entry found. Cost: tree_node a node visited.
 */
#include "mm/vma_tree_node.h"

struct kmem_cache *vma_tree_cache_create(struct mmsim *sim)
{
	return kmem_cache_create(sim, "vma_tree_node", sizeof(struct vma_tree_node), CACHE_RCU,
				 offsetof(struct vma_tree_node, rcu), NULL);
}

void vma_tree_init(struct vma_tree *tree, struct kmem_cache *cache)
{
	*tree = (struct vma_tree){.cache = cache};
}

/* ---- the reserve ---- */

static void reserve_trim(struct vma_tree *tree, unsigned int nr)
{
	while (tree->nr_reserve > nr) {
		struct vma_tree_node *node = tree->reserve;

		tree->reserve = node->next;
		tree->nr_reserve--;
		kmem_cache_free(tree->cache, node);
	}
}

/*
 * A store makes at most three nodes a level, since what it keeps of two nodes
 * and what comes between never fills more; at the root, where both are one
 * node, two and a new root above them.
 *
 * From a new root on it takes seven stores to fill that (a leaf gains at most
 * two entries from one store, an inner root one child), so the first store may
 * make the tree higher and then only every seventh.
 */
static unsigned int worst_case_nodes(unsigned int height, unsigned int nr_stores)
{
	unsigned int later_height = height + 1 + nr_stores / 7;

	if (!nr_stores)
		return 0;
	return MAX(3 * height, 1u) + (nr_stores - 1) * 3 * later_height;
}

/*
 * Nearly every store makes one node, and the worst case is several: the others
 * stay, so that the next reserve only has to make up for that one.
 */
void vma_tree_unreserve(struct vma_tree *tree)
{
	reserve_trim(tree, worst_case_nodes(tree->height, 1));
}

int vma_tree_reserve(struct vma_tree *tree, unsigned int nr_stores)
{
	unsigned int had = tree->nr_reserve;
	unsigned int need = worst_case_nodes(tree->height, nr_stores);

	while (tree->nr_reserve < need) {
		struct vma_tree_node *node = kmem_cache_alloc(tree->cache);

		if (!node) {
			reserve_trim(tree, had);
			return -ENOMEM;
		}
		node->next = tree->reserve;
		tree->reserve = node;
		tree->nr_reserve++;
	}
	return 0;
}

/* ---- the end ---- */

void vma_tree_free_kept(struct vma_tree *tree)
{
	while (tree->kept) {
		struct vma_tree_node *node = tree->kept;

		tree->kept = node->next;
		kmem_cache_free_rcu(tree->cache, node);
	}
}

static void free_subtree(struct vma_tree *tree, struct vma_tree_node *node)
{
	for (unsigned int i = 0; !node->leaf && i < node->nr; i++)
		free_subtree(tree, node->child[i]);
	kmem_cache_free(tree->cache, node);
}

void vma_tree_destroy(struct vma_tree *tree)
{
	if (tree->root)
		free_subtree(tree, tree->root);
	reserve_trim(tree, 0);
	vma_tree_free_kept(tree);
	vma_tree_init(tree, tree->cache);
}

/* ---- lookup ---- */

/*
 * What a leaf says never changes, so nothing is published here. It is a step
 * because a leaf may be freed under a reader that should have kept it: the step
 * machine sees that only where the node is touched by one.
 */
static __always_inline struct vm_area_struct *leaf_vma(const struct vma_tree_node *leaf,
						       unsigned int slot)
{
	return rcu_dereference(leaf->entry[slot].vma);
}

/* The way to a leaf: how many nodes, and the range of addresses it answers for. */
struct descent {
	unsigned int visited;
	unsigned long lower, upper;
};

static __always_inline const struct vma_tree_node *
find_leaf(const struct vma_tree *tree, unsigned long addr, struct descent *way)
{
	/* Acquire, here and below: pairs with the release in publish_root/publish_child. */
	const struct vma_tree_node *node = rcu_dereference(tree->root);

	way->lower = 0;
	way->upper = ULONG_MAX;
	if (!node)
		return NULL;
	/* The node says what it is: tree->height may be of another version. */
	while (!node->leaf) {
		unsigned int slot = node_search(node, addr);

		way->visited++;
		if (slot)
			way->lower = node->upper[slot - 1];
		if (slot + 1u < node->nr)
			way->upper = node->upper[slot];
		node = rcu_dereference(node->child[slot]);
	}
	way->visited++;
	return node;
}

struct vm_area_struct *vma_tree_walk(const struct vma_tree *tree, unsigned long addr)
{
	const struct vma_tree_node *leaf;
	struct descent way = {0};
	unsigned int slot;

	if (addr == ULONG_MAX)
		return NULL;
	leaf = find_leaf(tree, addr, &way);
	machine_work(WORK_tree_node, way.visited);
	if (!leaf)
		return NULL;
	slot = node_search(leaf, addr);
	if (slot == leaf->nr || leaf->entry[slot].start > addr)
		return NULL;
	return leaf_vma(leaf, slot);
}

/* The entry for vma_tree_find(): its slot, and *out its leaf or NULL. */
static unsigned int find_at_or_after(const struct vma_tree *tree, unsigned long addr,
				     const struct vma_tree_node **out)
{
	struct descent way = {0};
	unsigned int slot = 0;

	*out = NULL;
	/* No leaf is empty: when nothing changes the second descent ends it. */
	while (addr != ULONG_MAX) {
		const struct vma_tree_node *leaf = find_leaf(tree, addr, &way);

		if (!leaf)
			break;
		slot = node_search(leaf, addr);
		if (slot < leaf->nr) {
			*out = leaf;
			break;
		}
		addr = way.upper;
	}
	machine_work(WORK_tree_node, way.visited);
	return slot;
}

struct vm_area_struct *vma_tree_find(const struct vma_tree *tree, unsigned long addr,
				     unsigned long *start, unsigned long *end)
{
	const struct vma_tree_node *leaf;
	unsigned int slot = find_at_or_after(tree, addr, &leaf);

	if (!leaf)
		return NULL;
	if (start)
		*start = leaf->entry[slot].start;
	if (end)
		*end = leaf->upper[slot];
	return leaf_vma(leaf, slot);
}

struct vm_area_struct *vma_tree_find_prev(const struct vma_tree *tree, unsigned long addr)
{
	struct vm_area_struct *vma = NULL;
	struct descent way = {0};

	for (; addr && !vma; addr = way.lower) {
		const struct vma_tree_node *leaf = find_leaf(tree, addr - 1, &way);
		unsigned int slot;

		if (!leaf)
			break;
		slot = node_search(leaf, addr - 1);
		if (slot < leaf->nr && leaf->entry[slot].start < addr)
			vma = leaf_vma(leaf, slot);
		else if (slot)
			vma = leaf_vma(leaf, slot - 1);
	}
	machine_work(WORK_tree_node, way.visited);
	return vma;
}

/* ---- gaps ---- */

struct gap_search {
	unsigned long size, low;
	unsigned long ceiling; /* start of the entry above, or the top of the window */
	unsigned int visited;
};

static bool gap_fits(const struct gap_search *search, unsigned long bottom)
{
	bottom = MAX(bottom, search->low);
	return search->ceiling > bottom && search->ceiling - bottom >= search->size;
}

/*
 * From the highest entry of @node downwards: is there room between it and the
 * ceiling? Only a child that the window cuts can have a gap that is large
 * enough and yet be of no use; there are two of those on a level.
 */
static bool gap_in_node(struct gap_search *search, const struct vma_tree_node *node)
{
	search->visited++;
	for (unsigned int i = node->nr; i-- > 0;) {
		struct used_span used = node_used(node, i);

		if (gap_fits(search, used.high))
			return true;
		if (used.high <= search->low)
			return false;
		if (used.gap >= search->size && used.low < search->ceiling &&
		    gap_in_node(search, node->child[i]))
			return true;
		search->ceiling = MIN(search->ceiling, used.low);
	}
	return false;
}

long vma_tree_gap_topdown(const struct vma_tree *tree, unsigned long size, unsigned long low,
			  unsigned long high)
{
	struct gap_search search = {.size = size, .low = low, .ceiling = high};
	bool found = tree->root && gap_in_node(&search, tree->root);

	machine_work(WORK_tree_node, search.visited);
	if (!found && !gap_fits(&search, low))
		return -ENOMEM;
	return (long)(search.ceiling - size);
}

/* ---- check ---- */

struct check {
	unsigned long count;
	unsigned long last_end; /* of the entry before */
};

/* Slots past the last must never win a search. */
static void check_unused_slots(const struct vma_tree_node *node)
{
	unsigned int first = node->leaf ? node->nr : node->nr - 1u;

	for (unsigned int i = first; i < NODE_SLOTS; i++)
		BUG_ON(node->upper[i] != ULONG_MAX);
}

static void check_leaf(const struct vma_tree_node *leaf, unsigned long lower, unsigned long upper,
		       struct check *check)
{
	BUG_ON(leaf->entry[0].start < lower);
	BUG_ON(leaf->upper[leaf->nr - 1] > upper);
	for (unsigned int i = 0; i < leaf->nr; i++) {
		BUG_ON(leaf->entry[i].start < check->last_end);
		BUG_ON(leaf->entry[i].start >= leaf->upper[i]);
		BUG_ON(!leaf->entry[i].vma);
		check->last_end = leaf->upper[i];
	}
	check->count += leaf->nr;
}

static void check_node(const struct vma_tree_node *node, unsigned int level, unsigned long lower,
		       unsigned long upper, struct check *check)
{
	BUG_ON(node->nr > NODE_SLOTS);
	BUG_ON(node->dead);
	BUG_ON(node->leaf != (level == 0));
	check_unused_slots(node);
	if (node->leaf) {
		check_leaf(node, lower, upper, check);
		return;
	}
	for (unsigned int i = 0; i < node->nr; i++) {
		const struct vma_tree_node *child = node->child[i];
		unsigned long fence = i + 1u < node->nr ? node->upper[i] : upper;
		struct used_span sum = node_sum(child);

		BUG_ON(fence <= lower || fence > upper);
		BUG_ON(child->nr < NODE_SLOTS_MIN);
		check_node(child, level - 1, lower, fence, check);
		BUG_ON(sum.low != node->used[i].low);
		BUG_ON(sum.high != node->used[i].high);
		BUG_ON(sum.gap != node->used[i].gap);
		lower = fence;
	}
}

void vma_tree_check(const struct vma_tree *tree)
{
	struct check check = {0};

	BUG_ON(!tree->root != !tree->height);
	BUG_ON(tree->height > TREE_HEIGHT_MAX);
	if (tree->root) {
		/* A root that leads to a single child would be one level too many. */
		BUG_ON(tree->root->nr < (tree->height > 1 ? 2 : 1));
		check_node(tree->root, tree->height - 1, 0, ULONG_MAX, &check);
	}
	BUG_ON(check.count != tree->count);
}
