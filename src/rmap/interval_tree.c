/* SPDX-License-Identifier: MIT */
/* A treap of VMAs by page offset. */
#include "rmap/interval_tree.h"
#include "base/mutant.h"

/* A step for each link that is looked at: other CPUs may have its line. */
static unsigned long first_page(const struct anon_vma_chain *link)
{
	return READ_ONCE(link->vma)->vm_pgoff;
}

static unsigned long last_page(const struct anon_vma_chain *link)
{
	const struct vm_area_struct *vma = link->vma;

	return vma->vm_pgoff + ((vma->vm_end - vma->vm_start) >> PAGE_SHIFT) - 1;
}

static void update(struct anon_vma_chain *link)
{
	unsigned long last = last_page(link);

	if (link->left)
		last = MAX(last, link->left->subtree_last);
	if (link->right)
		last = MAX(last, link->right->subtree_last);
	link->subtree_last = last;
}

/* Where @link hangs: its parent's field, or the tree's. */
static struct anon_vma_chain **place_of(struct interval_tree *tree, struct anon_vma_chain *link)
{
	if (!link->parent)
		return &tree->top;
	return link->parent->left == link ? &link->parent->left : &link->parent->right;
}

static void hang(struct anon_vma_chain **place, struct anon_vma_chain *link,
		 struct anon_vma_chain *parent)
{
	*place = link;
	if (link)
		link->parent = parent;
}

/* @link goes up by one: its parent becomes its child. */
static void rotate_up(struct interval_tree *tree, struct anon_vma_chain *link)
{
	struct anon_vma_chain *parent = link->parent;
	struct anon_vma_chain **place = place_of(tree, parent);
	struct anon_vma_chain *above = parent->parent;

	if (parent->left == link) {
		hang(&parent->left, link->right, parent);
		hang(&link->right, parent, link);
	} else {
		hang(&parent->right, link->left, parent);
		hang(&link->left, parent, link);
	}
	hang(place, link, above);
	update(parent);
	update(link);
}

/* The same sequence for every tree, so that a run can be repeated: xorshift. */
static uint32_t next_priority(struct interval_tree *tree)
{
	uint32_t x = tree->random ? tree->random : 0x9e3779b9u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return tree->random = x;
}

/* Equal ones in the order of insertion: a fork's source before what it copies to. */
static bool goes_before(unsigned long first, unsigned long other)
{
	return first < other || (first == other && MUTANT(ANON_TREE_NEWEST_FIRST));
}

void interval_tree_insert(struct interval_tree *tree, struct anon_vma_chain *link)
{
	struct anon_vma_chain **place = &tree->top, *parent = NULL;
	unsigned long first = link->vma->vm_pgoff, last = last_page(link);

	link->left = link->right = NULL;
	link->subtree_last = last;
	link->priority = next_priority(tree);
	while (*place) {
		parent = *place;
		place = goes_before(first, first_page(parent)) ? &parent->left : &parent->right;
		parent->subtree_last = MAX(parent->subtree_last, last);
	}
	hang(place, link, parent);
	while (link->parent && link->parent->priority < link->priority)
		rotate_up(tree, link);
}

void interval_tree_remove(struct interval_tree *tree, struct anon_vma_chain *link)
{
	struct anon_vma_chain *child;

	/* Down, until it has one child at most. */
	while (link->left && link->right)
		rotate_up(tree,
			  link->left->priority > link->right->priority ? link->left : link->right);
	child = link->left ? link->left : link->right;
	hang(place_of(tree, link), child, link->parent);
	for (struct anon_vma_chain *up = link->parent; up; up = up->parent)
		update(up);
}

/* The first at or below @link, in order. */
static struct anon_vma_chain *first_below(struct anon_vma_chain *link, unsigned long first,
					  unsigned long last)
{
	while (link && link->subtree_last >= first) {
		if (link->left && link->left->subtree_last >= first) {
			link = link->left;
			continue;
		}
		if (first_page(link) > last)
			return NULL;
		if (last_page(link) >= first)
			return link;
		link = link->right;
	}
	return NULL;
}

struct anon_vma_chain *interval_tree_first(const struct interval_tree *tree, unsigned long first,
					   unsigned long last)
{
	return first_below(tree->top, first, last);
}

struct anon_vma_chain *interval_tree_next(struct anon_vma_chain *link, unsigned long first,
					  unsigned long last)
{
	struct anon_vma_chain *right = READ_ONCE(link->right);
	struct anon_vma_chain *below = right ? first_below(right, first, last) : NULL;

	while (!below && link->parent) {
		bool was_left = link->parent->left == link;

		link = link->parent;
		if (!was_left)
			continue;
		if (first_page(link) > last)
			return NULL;
		if (last_page(link) >= first)
			return link;
		if (link->right)
			below = first_below(link->right, first, last);
	}
	return below;
}
