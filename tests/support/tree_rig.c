/* SPDX-License-Identifier: MIT */
/* A VMA index to be tested; see the header. */
#include "tree_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "mem/sim.h"
#include "mmsim/mmsim.h"

#include <cmocka.h>

static struct mmsim *sim;

int tree_rig_create(void **state)
{
	struct mmsim_config config;

	(void)state;
	mmsim_config_init(&config);
	config.seed = TREE_RIG_SEED;
	config.statistics = 0;
	return mmsim_create(&config, &sim, NULL);
}

int tree_rig_end(void **state)
{
	(void)state;
	return mmsim_destroy(sim);
}

struct vma_tree *tree_make(void)
{
	static struct vma_tree tree;

	vma_tree_init(&tree, sim->tree_cache);
	return &tree;
}

void tree_free(struct vma_tree *tree)
{
	vma_tree_destroy(tree);
	assert_null(tree->root);
	assert_int_equal(tree_nodes(), 0);
}

void tree_store(struct vma_tree *tree, unsigned long start, unsigned long end, unsigned long nr)
{
	static unsigned int nr_stores;

	assert_int_equal(vma_tree_reserve(tree, 1), 0);
	vma_tree_store(tree, start, end, token(nr));
	vma_tree_unreserve(tree);
	/* Nodes must not be dropped faster than grace periods pass. */
	if (++nr_stores % 8192 == 0)
		rcu_barrier();
}

unsigned long tree_nodes(void)
{
	rcu_barrier();
	return kmem_cache_objects(sim->tree_cache);
}

static unsigned long count_nodes(const struct vma_tree_node *node)
{
	unsigned long nr = 1;

	for (unsigned int i = 0; !node->leaf && i < node->nr; i++)
		nr += count_nodes(node->child[i]);
	return nr;
}

void tree_assert_no_leak(const struct vma_tree *tree)
{
	unsigned long nr = tree->root ? count_nodes(tree->root) : 0;

	assert_int_equal(tree_nodes(), nr + tree->nr_reserve);
}

/* ---- many entries ---- */

void tree_store_nth(struct vma_tree *tree, unsigned int i, unsigned long nr)
{
	tree_store(tree, 2ul * i * PAGE_SIZE, (2ul * i + 1) * PAGE_SIZE, nr);
}

void tree_fill(struct vma_tree *tree, bool downwards)
{
	for (unsigned int i = 0; i < TREE_MANY; i++)
		tree_store_nth(tree, downwards ? TREE_MANY - 1 - i : i, i + 1);
	vma_tree_check(tree);
	assert_int_equal(tree->count, TREE_MANY);
	/* Six levels of nine would do; well packed it takes five. */
	assert_true(tree->height <= 6);
}

void tree_erase_all(struct vma_tree *tree, unsigned int stride)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < TREE_MANY; i++) {
		tree_store_nth(tree, at, 0);
		at = (at + stride) % TREE_MANY;
		if (i % 4096 == 0)
			vma_tree_check(tree);
	}
	vma_tree_check(tree);
	assert_null(tree->root);
	tree_assert_no_leak(tree);
}
