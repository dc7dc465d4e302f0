/* SPDX-License-Identifier: MIT */
/*
 * The VMA index: the range store.
 *
 * Two cursors, at the first and the last address of the range, run from the
 * root to a leaf each. On every level what lies between them goes. From the
 * leaves up: what is kept left of the left cursor, the new slots, and what is
 * kept right of the right cursor make a row; a row that is too short takes in
 * a neighbour; the row is cut into new nodes, and these are the new slots of
 * the level above. It ends where one new node takes the place of one old one,
 * or with a new root: that one pointer is the publication. Then the old nodes
 * are handed to RCU.
 *
 * Fidelity: as the maple tree, a store is one publication and the cost is that
 * of the nodes made and dropped. Steps: the one pointer. Cost: tree_node a node
 * visited, made or dropped.
 */
#include <string.h>

#include "mm/vma_tree_node.h"

/* All of one node, all of another, and an entry between. */
#define ROW_SLOTS (2 * NODE_SLOTS + 1)
#define ROW_NODES DIV_ROUND_UP(ROW_SLOTS, NODE_SLOTS)

/* A slot that is in no node yet. */
struct slot {
	unsigned long fence; /* where its range begins */
	struct used_span used;
	union {
		struct vma_tree_node *child;
		struct vm_area_struct *vma;
	};
};

/* Level 0 are the leaves. slot: the child the cursor went to. */
struct cursor_level {
	struct vma_tree_node *node;
	unsigned int slot;
	unsigned long fence; /* where the node's range begins */
};

struct store {
	struct vma_tree *tree;
	struct vma_tree_node *dead; /* to be freed once readers cannot find them */
	unsigned int nr_nodes; /* for the cost */
	struct cursor_level left[TREE_HEIGHT_MAX], right[TREE_HEIGHT_MAX];
	unsigned int nr_row;
	unsigned int newest; /* where in the row the first new slot is */
	struct slot row[ROW_SLOTS];
	unsigned int nr_made;
	struct slot made[ROW_NODES]; /* the row's new nodes: slots for the level above */
};

/* In a large tree every line is a miss: what the store needs later is fetched meanwhile. */
static void seek(struct store *store, struct cursor_level *cursor, unsigned long addr)
{
	struct vma_tree_node *node = store->tree->root;
	unsigned long fence = 0;

	for (unsigned int level = store->tree->height; level-- > 0;) {
		unsigned int slot = node_search(node, addr);

		cursor[level] = (struct cursor_level){node, slot, fence};
		store->nr_nodes++;
		if (!level) {
			__builtin_prefetch(&node->rcu, 1);
			break;
		}
		__builtin_prefetch(&node->used[slot]);
		if (slot)
			fence = node->upper[slot - 1];
		node = node->child[slot];
	}
}

/* ---- the dead ---- */

/* The node will be replaced. Readers are still in it: only what is not theirs may change. */
static void bury(struct store *store, struct vma_tree_node *node)
{
	if (node->dead)
		return;
	node->dead = true;
	node->next = store->dead;
	store->dead = node;
	store->nr_nodes++;
	if (node->leaf)
		store->tree->count -= node->nr;
}

static void bury_subtree(struct store *store, struct vma_tree_node *node)
{
	for (unsigned int i = 0; !node->leaf && i < node->nr; i++)
		bury_subtree(store, node->child[i]);
	bury(store, node);
}

static void bury_children(struct store *store, struct vma_tree_node *node, unsigned int from,
			  unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		bury_subtree(store, node->child[i]);
}

/* Whole subtrees that the range covers. */
static void bury_between_cursors(struct store *store)
{
	for (unsigned int level = store->tree->height - 1; level > 0; level--) {
		const struct cursor_level *left = &store->left[level];
		const struct cursor_level *right = &store->right[level];

		if (left->node == right->node) {
			bury_children(store, left->node, left->slot + 1, right->slot);
		} else {
			bury_children(store, left->node, left->slot + 1, left->node->nr);
			bury_children(store, right->node, 0, right->slot);
		}
	}
}

static void bury_cursors(struct store *store, unsigned int level)
{
	bury(store, store->left[level].node);
	bury(store, store->right[level].node);
}

static void free_dead(struct store *store)
{
	struct vma_tree *tree = store->tree;

	/* Those kept before: now that mmap_lock is held for write, nobody is in them. */
	if (!tree->keep_nodes)
		vma_tree_free_kept(tree);
	while (store->dead) {
		struct vma_tree_node *node = store->dead;

		store->dead = node->next;
		if (tree->keep_nodes) {
			node->next = tree->kept;
			tree->kept = node;
			continue;
		}
		kmem_cache_free_rcu(store->tree->cache, node);
	}
}

/* ---- the row ---- */

static void row_add(struct store *store, struct slot slot)
{
	BUG_ON(store->nr_row == ROW_SLOTS);
	store->row[store->nr_row++] = slot;
}

static struct slot slot_of(const struct cursor_level *at, unsigned int i)
{
	const struct vma_tree_node *node = at->node;
	struct slot slot = {.used = node_used(node, i)};

	if (node->leaf) {
		slot.fence = slot.used.low;
		slot.vma = node->entry[i].vma;
	} else {
		slot.fence = i ? node->upper[i - 1] : at->fence;
		slot.child = node->child[i];
	}
	return slot;
}

/* Part of an entry, if any of it is left. */
static void row_add_piece(struct store *store, unsigned long start, unsigned long end,
			  struct vm_area_struct *vma)
{
	if (start < end)
		row_add(store, (struct slot){.fence = start, .used = {start, end, 0}, .vma = vma});
}

static void row_of_entries(struct store *store, unsigned long start, unsigned long end,
			   struct vm_area_struct *vma)
{
	const struct cursor_level *left = &store->left[0], *right = &store->right[0];
	bool empty = !store->tree->root;

	for (unsigned int i = 0; !empty && i <= left->slot && i < left->node->nr; i++) {
		struct slot slot = slot_of(left, i);

		row_add_piece(store, slot.used.low, MIN(slot.used.high, start), slot.vma);
	}
	store->newest = store->nr_row;
	if (vma)
		row_add_piece(store, start, end, vma);
	for (unsigned int i = right->slot; !empty && i < right->node->nr; i++) {
		struct slot slot = slot_of(right, i);

		row_add_piece(store, MAX(slot.used.low, end), slot.used.high, slot.vma);
	}
}

static void row_of_children(struct store *store, unsigned int level)
{
	const struct cursor_level *left = &store->left[level], *right = &store->right[level];

	store->nr_row = 0;
	for (unsigned int i = 0; i < left->slot; i++)
		row_add(store, slot_of(left, i));
	store->newest = store->nr_row;
	for (unsigned int i = 0; i < store->nr_made; i++)
		row_add(store, store->made[i]);
	for (unsigned int i = right->slot + 1; i < right->node->nr; i++)
		row_add(store, slot_of(right, i));
}

/* ---- a row that is too short ---- */

/*
 * The lowest level above @level on which the cursor has a child beside it to
 * go to; the tree's height when it stands at the edge.
 */
static unsigned int level_to_turn(const struct store *store, const struct cursor_level *cursor,
				  unsigned int level, bool to_left)
{
	unsigned int turn;

	for (turn = level + 1; turn < store->tree->height; turn++) {
		if (to_left ? cursor[turn].slot > 0 :
			      cursor[turn].slot + 1u < cursor[turn].node->nr)
			break;
	}
	return turn;
}

/*
 * Let the cursor stand in the neighbouring node on @level. The nodes it leaves
 * are replaced in any case: the row now crosses from one to the other.
 */
static void move_cursor(struct store *store, struct cursor_level *cursor, unsigned int level,
			unsigned int turn, bool to_left)
{
	for (unsigned int i = level; i < turn; i++)
		bury(store, cursor[i].node);
	cursor[turn].slot += to_left ? -1 : 1;
	for (unsigned int i = turn; i-- > level;) {
		const struct cursor_level *up = &cursor[i + 1];
		struct vma_tree_node *node = up->node->child[up->slot];

		cursor[i].node = node;
		cursor[i].fence = up->slot ? up->node->upper[up->slot - 1] : up->fence;
		cursor[i].slot = to_left ? node->nr - 1u : 0;
		store->nr_nodes++;
	}
}

static void row_take_in(struct store *store, const struct cursor_level *neighbour, bool to_left)
{
	unsigned int nr = neighbour->node->nr;
	unsigned int at = to_left ? 0 : store->nr_row;

	BUG_ON(store->nr_row + nr > ROW_SLOTS);
	if (to_left)
		memmove(&store->row[nr], &store->row[0], store->nr_row * sizeof(store->row[0]));
	for (unsigned int i = 0; i < nr; i++)
		store->row[at + i] = slot_of(neighbour, i);
	store->nr_row += nr;
	store->newest = store->nr_row / 2; /* it was not an insertion */
}

/*
 * Take in the nearer neighbour: one under the same parent if there is one.
 * Between it and the row no node is left, so their order is the tree's.
 */
static void row_lengthen(struct store *store, unsigned int level)
{
	unsigned int turn_left = level_to_turn(store, store->left, level, true);
	unsigned int turn_right = level_to_turn(store, store->right, level, false);
	unsigned int turn = MIN(turn_left, turn_right);
	bool to_left = turn_left == turn;
	struct cursor_level *cursor = to_left ? store->left : store->right;

	if (turn >= store->tree->height)
		return;
	move_cursor(store, cursor, level, turn, to_left);
	row_take_in(store, &cursor[level], to_left);
}

/* Does the row hold all there is on this level? */
static bool row_is_level(const struct store *store, unsigned int level)
{
	return level_to_turn(store, store->left, level, true) >= store->tree->height &&
	       level_to_turn(store, store->right, level, false) >= store->tree->height;
}

/* ---- new nodes ---- */

static struct vma_tree_node *take_node(struct store *store)
{
	struct vma_tree *tree = store->tree;
	struct vma_tree_node *node = tree->reserve;

	BUG_ON(!node);
	tree->reserve = node->next;
	tree->nr_reserve--;
	node->next = NULL;
	store->nr_nodes++;
	return node;
}

static void fill_leaf(struct vma_tree_node *node, const struct slot *slots)
{
	for (unsigned int i = 0; i < node->nr; i++) {
		node->entry[i] = (struct leaf_entry){slots[i].used.low, slots[i].vma};
		node->upper[i] = slots[i].used.high;
	}
}

static void fill_inner(struct vma_tree_node *node, const struct slot *slots)
{
	for (unsigned int i = 0; i < node->nr; i++) {
		node->child[i] = slots[i].child;
		node->used[i] = slots[i].used;
		node->upper[i] = i + 1u < node->nr ? slots[i + 1].fence : ULONG_MAX;
	}
}

static struct slot make_node(struct store *store, const struct slot *slots, unsigned int nr,
			     bool leaf)
{
	struct vma_tree_node *node = take_node(store);

	node->leaf = leaf;
	node->nr = (uint8_t)nr;
	if (leaf) {
		fill_leaf(node, slots);
		store->tree->count += nr;
	} else {
		fill_inner(node, slots);
	}
	for (unsigned int i = nr; i < NODE_SLOTS; i++)
		node->upper[i] = ULONG_MAX;
	return (struct slot){.fence = slots[0].fence, .used = node_sum(node), .child = node};
}

/*
 * Where to cut a row that makes two nodes. Mappings tend to be made one below or
 * one above the other: what lies beyond the newest slot is packed well, and the
 * node that has it, at its edge, gets the room.
 */
static unsigned int first_of_two(const struct store *store)
{
	unsigned int nr = store->nr_row;
	unsigned int cut = store->newest + (store->newest < nr / 2);
	unsigned int least = MAX(NODE_SLOTS_SPLIT, nr - NODE_SLOTS);

	return MIN(MAX(cut, least), nr - least);
}

/* Cut the row into as few nodes as will hold it. */
static void row_make_nodes(struct store *store, bool leaf)
{
	unsigned int nr_nodes = DIV_ROUND_UP(store->nr_row, NODE_SLOTS);
	unsigned int done = 0;

	for (unsigned int i = 0; i < nr_nodes; i++) {
		unsigned int nr = (store->nr_row - done) / (nr_nodes - i);

		if (nr_nodes == 2 && i == 0)
			nr = first_of_two(store);
		store->made[i] = make_node(store, &store->row[done], nr, leaf);
		done += nr;
	}
	store->nr_made = nr_nodes;
}

/* ---- publication ---- */

static bool same_span(const struct used_span *a, const struct used_span *b)
{
	return a->low == b->low && a->high == b->high && a->gap == b->gap;
}

/* One node for one, between the same fences: the parent stays, readers in it and all. */
static void publish_child(struct store *store, unsigned int level)
{
	const struct cursor_level *up = &store->left[level + 1];
	struct used_span used = store->made[0].used;

	/* Release: pairs with the acquire in find_leaf(); the new nodes are filled. */
	rcu_assign_pointer(up->node->child[up->slot], store->made[0].child);
	for (unsigned int i = level + 1; i < store->tree->height; i++) {
		up = &store->left[i];
		if (same_span(&up->node->used[up->slot], &used))
			break;
		up->node->used[up->slot] = used;
		used = node_sum(up->node);
	}
}

/* The row is all there is on @level: what was above it goes. */
static void publish_root(struct store *store, unsigned int level)
{
	struct vma_tree *tree = store->tree;
	struct vma_tree_node *root = NULL;
	unsigned int height = 0;

	for (unsigned int i = level + 1; i < tree->height; i++)
		bury_cursors(store, i);
	if (store->nr_row) {
		row_make_nodes(store, level == 0);
		height = level + 1;
		root = store->made[0].child;
	}
	if (store->nr_made > 1) {
		root = make_node(store, store->made, store->nr_made, false).child;
		height++;
	}
	BUG_ON(height > TREE_HEIGHT_MAX);
	tree->height = height;
	/* Release: pairs with the acquire in find_leaf(); the new nodes are filled. */
	rcu_assign_pointer(tree->root, root);
}

/* Replace the nodes on @level. Return: whether the new version is published. */
static bool store_level(struct store *store, unsigned int level)
{
	const struct cursor_level *left = &store->left[level], *right = &store->right[level];

	if (store->nr_row < NODE_SLOTS_MIN)
		row_lengthen(store, level);
	if (store->tree->height)
		bury_cursors(store, level);
	if (row_is_level(store, level)) {
		publish_root(store, level);
		return true;
	}
	row_make_nodes(store, level == 0);
	if (store->nr_made != 1 || left->node != right->node)
		return false;
	publish_child(store, level);
	return true;
}

void vma_tree_store(struct vma_tree *tree, unsigned long start, unsigned long end,
		    struct vm_area_struct *vma)
{
	struct store store;

	BUG_ON(start >= end);
	/* Most of it is scratch that is written before it is read. */
	store.tree = tree;
	store.dead = NULL;
	store.nr_nodes = store.nr_row = store.nr_made = 0;
	store.left[0] = store.right[0] = (struct cursor_level){0};
	if (tree->root) {
		seek(&store, store.left, start);
		seek(&store, store.right, end - 1);
		bury_between_cursors(&store);
	}
	row_of_entries(&store, start, end, vma);
	for (unsigned int level = 0; !store_level(&store, level); level++)
		row_of_children(&store, level + 1);
	free_dead(&store);
	machine_work(WORK_tree_node, store.nr_nodes);
}
