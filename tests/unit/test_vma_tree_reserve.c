/* SPDX-License-Identifier: MIT */
/*
 * The VMA index's reserve of nodes: it lasts for its stores, it fails as a whole
 * or not at all, and what is left of it serves the next. The linker puts
 * __wrap_kmem_cache_alloc() before the cache's: that is how one fails here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "support/tree_rig.h"

#include <cmocka.h>

static long allocations_left = -1; /* -1: no limit */

void *__real_kmem_cache_alloc(struct kmem_cache *cache);
void *__wrap_kmem_cache_alloc(struct kmem_cache *cache);

void *__wrap_kmem_cache_alloc(struct kmem_cache *cache)
{
	if (!allocations_left)
		return NULL;
	if (allocations_left > 0)
		allocations_left--;
	return __real_kmem_cache_alloc(cache);
}

static void test_no_memory(void **state)
{
	struct vma_tree *tree = tree_make();
	unsigned long nr_nodes;
	unsigned int had;

	(void)state;
	tree_fill(tree, true);
	assert_int_equal(vma_tree_reserve(tree, 1), 0);
	nr_nodes = tree_nodes();
	had = tree->nr_reserve;
	for (long limit = 0;; limit++) {
		allocations_left = limit;
		if (!vma_tree_reserve(tree, 3))
			break;
		/* Taken back: what it had got, and no more. */
		assert_int_equal(tree->nr_reserve, had);
		assert_int_equal(tree_nodes(), nr_nodes);
		assert_int_equal(tree->count, TREE_MANY);
	}
	allocations_left = -1;
	/* What one store could need stays, the rest goes. */
	vma_tree_unreserve(tree);
	vma_tree_check(tree);
	assert_int_equal(tree->nr_reserve, had);
	assert_int_equal(tree_nodes(), nr_nodes);
	tree_free(tree);
}

/* A reserve allocates what the store before took, and fails when it cannot. */
static void test_kept_for_the_next(void **state)
{
	struct vma_tree *tree = tree_make();
	unsigned long nr_nodes;
	unsigned int full;

	(void)state;
	tree_fill(tree, true);
	assert_int_equal(vma_tree_reserve(tree, 1), 0);
	full = tree->nr_reserve;
	assert_true(full > 3);
	nr_nodes = tree_nodes();
	for (unsigned int i = 0; i < 1000; i++) {
		/* Another owner for an entry: a leaf for a leaf. */
		allocations_left = 0;
		tree_store_nth(tree, i, TREE_MANY + i);
		assert_int_equal(tree->nr_reserve, full - 1);
		assert_int_equal(vma_tree_reserve(tree, 1), -ENOMEM);
		assert_int_equal(tree->nr_reserve, full - 1);
		allocations_left = 1;
		assert_int_equal(vma_tree_reserve(tree, 1), 0);
		assert_int_equal(allocations_left, 0);
	}
	allocations_left = -1;
	vma_tree_check(tree);
	assert_int_equal(tree_nodes(), nr_nodes);
	tree_free(tree);
}

/* A lower tree needs less; an empty one a root. */
static void test_shrinks_with_the_tree(void **state)
{
	struct vma_tree *tree = tree_make();

	(void)state;
	tree_fill(tree, false);
	for (unsigned int i = 0; i < TREE_MANY; i++) {
		tree_store_nth(tree, i, 0);
		assert_in_range(tree->nr_reserve, 0, MAX(3 * tree->height, 1u));
	}
	assert_null(tree->root);
	tree_assert_no_leak(tree);
	tree_free(tree);
}

/* From nothing, with one reserve: the tree grows under its stores. */
static void test_one_reserve_for_many(void **state)
{
	(void)state;
	for (unsigned int nr = 1; nr <= 300; nr++) {
		struct vma_tree *tree = tree_make();

		assert_int_equal(vma_tree_reserve(tree, nr), 0);
		vma_tree_store(tree, 0, 1ul << 20, token(1));
		/* Each cuts an entry in two: the most that one store can add. */
		for (unsigned int i = 1; i < nr; i++)
			vma_tree_store(tree, i * 2048ul, i * 2048ul + 1024, token(i + 1));
		vma_tree_check(tree);
		assert_int_equal(tree->count, 2 * nr - 1);
		tree_assert_no_leak(tree);
		tree_free(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_kept_for_the_next),
		cmocka_unit_test(test_shrinks_with_the_tree),
		cmocka_unit_test(test_one_reserve_for_many),
	};

	return cmocka_run_group_tests(tests, tree_rig_create, tree_rig_end);
}
