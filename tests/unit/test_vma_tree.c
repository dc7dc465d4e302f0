/* SPDX-License-Identifier: MIT */
/*
 * The VMA index against a page map: one word a page that says who has it.
 *
 * Each store uses a new token, so that a run of equal words in the map is one
 * entry. MMSIM_TEST_SIZE says with how many seeds the random parts are run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support/tree_rig.h"

#include <cmocka.h>

static unsigned int nr_seeds(void)
{
	const char *size = getenv("MMSIM_TEST_SIZE");

	return !size || !strcmp(size, "smoke") ? 1 : !strcmp(size, "full") ? 8 : 64;
}

static unsigned int rng_uint(struct rng *rng, unsigned int bound)
{
	return (unsigned int)rng_below(rng, bound);
}

/* ---- the page map ---- */

struct map {
	unsigned long base;
	unsigned int nr_pages;
	uint32_t *owner; /* one word a page, 0: free */
};

static void map_init(struct map *map, unsigned long base, unsigned int nr_pages)
{
	*map = (struct map){base, nr_pages, calloc(nr_pages, sizeof(*map->owner))};
	assert_non_null(map->owner);
}

static unsigned long map_addr(const struct map *map, unsigned int page)
{
	return map->base + page * PAGE_SIZE;
}

static void map_store(struct map *map, unsigned int from, unsigned int to, uint32_t nr)
{
	for (unsigned int i = from; i < to; i++)
		map->owner[i] = nr;
}

/* The first page from @page on that somebody has; nr_pages if none. */
static unsigned int map_next_used(const struct map *map, unsigned int page)
{
	while (page < map->nr_pages && !map->owner[page])
		page++;
	return page;
}

static unsigned int map_run_end(const struct map *map, unsigned int page)
{
	uint32_t nr = map->owner[page];

	while (page < map->nr_pages && map->owner[page] == nr)
		page++;
	return page;
}

static long map_gap(const struct map *map, unsigned int size, unsigned int low, unsigned int high)
{
	unsigned int run = 0;

	for (unsigned int page = high; page-- > low;) {
		run = map->owner[page] ? 0 : run + 1;
		if (run == size)
			return (long)map_addr(map, page);
	}
	return -ENOMEM;
}

/* ---- comparisons ---- */

/* Are the entries of the tree those of the map, in the same order? */
static bool same_entries(const struct vma_tree *tree, const struct map *map)
{
	unsigned long start, end, addr = 0;

	for (unsigned int page = map_next_used(map, 0); page < map->nr_pages;
	     page = map_next_used(map, page)) {
		struct vm_area_struct *vma = vma_tree_find(tree, addr, &start, &end);

		if (vma != token(map->owner[page]) || start != map_addr(map, page))
			return false;
		page = map_run_end(map, page);
		if (end != map_addr(map, page))
			return false;
		addr = end;
	}
	return !vma_tree_find(tree, addr, &start, &end);
}

static void compare_find(const struct vma_tree *tree, const struct map *map, unsigned int page,
			 unsigned long addr)
{
	unsigned int next = map_next_used(map, page);
	unsigned long start = 1, end = 1;
	struct vm_area_struct *vma = vma_tree_find(tree, addr, &start, &end);

	assert_ptr_equal(vma_tree_find(tree, addr, NULL, NULL), vma);
	if (next == map->nr_pages) {
		assert_null(vma);
		return;
	}
	assert_ptr_equal(vma, token(map->owner[next]));
	assert_int_equal(end, map_addr(map, map_run_end(map, next)));
	if (next > page)
		assert_int_equal(start, map_addr(map, next));
	else
		assert_true(start <= addr);
}

static void compare_find_prev(const struct vma_tree *tree, const struct map *map, unsigned int page,
			      unsigned long addr)
{
	/* A start below @addr: of this page's owner only when @addr is inside the page. */
	unsigned int below = page + (addr > map_addr(map, page));
	struct vm_area_struct *vma = vma_tree_find_prev(tree, addr);

	while (below && !map->owner[below - 1])
		below--;
	assert_ptr_equal(vma, below ? token(map->owner[below - 1]) : NULL);
}

static void compare_lookups(const struct vma_tree *tree, const struct map *map, struct rng *rng)
{
	unsigned int page = rng_uint(rng, map->nr_pages);
	unsigned long addr = map_addr(map, page) + rng_below(rng, 2) * rng_below(rng, PAGE_SIZE);

	assert_ptr_equal(vma_tree_walk(tree, addr), token(map->owner[page]));
	compare_find(tree, map, page, addr);
	compare_find_prev(tree, map, page, addr);
}

static void compare_gap(const struct vma_tree *tree, const struct map *map, struct rng *rng)
{
	unsigned int one = rng_uint(rng, map->nr_pages + 1);
	unsigned int two = rng_uint(rng, map->nr_pages + 1);
	unsigned int low = MIN(one, two), high = MAX(one, two);
	unsigned int size = 1 + rng_uint(rng, 1u << rng_below(rng, 10));

	assert_int_equal(vma_tree_gap_topdown(tree, size * PAGE_SIZE, map_addr(map, low),
					      map_addr(map, high)),
			 map_gap(map, size, low, high));
}

static void compare_all(const struct vma_tree *tree, const struct map *map, struct rng *rng)
{
	vma_tree_check(tree);
	assert_true(same_entries(tree, map));
	for (unsigned int i = 0; i < 16; i++) {
		compare_lookups(tree, map, rng);
		compare_gap(tree, map, rng);
	}
}

/* ---- random stores ---- */

struct profile {
	unsigned long base;
	unsigned int nr_pages;
	unsigned int size_max; /* pages */
	unsigned int erase_percent;
	unsigned int nr_stores;
};

static const struct profile profiles[] = {
	/* One to three leaves: every store is at an edge of something. */
	{MMAP_MIN_ADDR, 96, 4, 50, 40000},
	{0, 1024, 8, 45, 40000},
	/* Thousands of entries of a page or two; few are dropped at once. */
	{TASK_SIZE - 16384 * PAGE_SIZE, 16384, 2, 30, 40000},
	/* Dense, and then a range takes a tenth of it away. */
	{MMAP_MIN_ADDR, 32768, 3000, 40, 20000},
	/* Sparse: hardly a neighbour. */
	{1ul << 40, 65536, 1, 85, 30000},
	{(1ul << 32) - 4096 * PAGE_SIZE, 8192, 64, 20, 30000},
};

/* Mostly small, now and then as large as the profile allows. */
static unsigned int random_size(const struct profile *profile, struct rng *rng)
{
	unsigned int max = profile->size_max;

	if (max > 8 && rng_below(rng, 64))
		max = 8;
	return 1 + rng_uint(rng, max);
}

static void random_store(struct vma_tree *tree, struct map *map, const struct profile *profile,
			 struct rng *rng, uint32_t nr)
{
	unsigned int from = rng_uint(rng, map->nr_pages);
	unsigned int to = from + random_size(profile, rng);

	to = MIN(to, map->nr_pages);
	if (rng_below(rng, 100) < profile->erase_percent)
		nr = 0;
	vma_tree_store(tree, map_addr(map, from), map_addr(map, to), token(nr));
	map_store(map, from, to, nr);
}

static void run_profile(const struct profile *profile, unsigned int seed)
{
	struct vma_tree *tree = tree_make();
	unsigned int reserved = 0;
	struct map map;
	struct rng rng;

	map_init(&map, profile->base, profile->nr_pages);
	rng_init(&rng, TREE_RIG_SEED, "vma_tree", seed);
	for (uint32_t nr = 1; nr <= profile->nr_stores; nr++) {
		/* The tree stops at a bug if one reserve does not last for its stores. */
		if (!reserved--) {
			reserved = rng_uint(&rng, 4);
			vma_tree_unreserve(tree);
			assert_int_equal(vma_tree_reserve(tree, reserved + 1), 0);
		}
		random_store(tree, &map, profile, &rng, nr);
		if (nr % 8 == 0) {
			compare_lookups(tree, &map, &rng);
			compare_gap(tree, &map, &rng);
		}
		if (nr % 64 == 0 || nr < 64)
			compare_all(tree, &map, &rng);
		if (nr % 4096 == 0)
			tree_assert_no_leak(tree);
	}
	compare_all(tree, &map, &rng);
	vma_tree_unreserve(tree);
	tree_store(tree, 0, ULONG_MAX, 0);
	assert_null(tree->root);
	free(map.owner);
	tree_free(tree);
}

static void test_random_stores(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < nr_seeds() * ARRAY_SIZE(profiles); i++)
		run_profile(&profiles[i % ARRAY_SIZE(profiles)], i);
}

static void fill_pages(struct vma_tree *tree, struct map *map, struct rng *rng)
{
	for (unsigned int i = 0; i < map->nr_pages; i++) {
		/* Coprime: pages come in an order that leaves nodes of all sizes. */
		unsigned int page = (unsigned int)(i * 40503ull % map->nr_pages);
		uint32_t nr = 1 + (uint32_t)rng_below(rng, 1u << 31);

		tree_store(tree, map_addr(map, page), map_addr(map, page + 1), nr);
		map_store(map, page, page + 1, nr);
	}
}

/* Some node over the leaves, at any height. */
static const struct vma_tree_node *random_node(const struct vma_tree *tree, struct rng *rng)
{
	const struct vma_tree_node *node = tree->root;
	unsigned long levels = rng_below(rng, tree->height);

	while (levels-- && !node->child[0]->leaf)
		node = node->child[rng_below(rng, node->nr)];
	return node;
}

/*
 * Ranges that end where a node does, give or take a few entries: the few that
 * stay have no neighbour under the same parent, or none at all.
 */
static void test_drop_whole_nodes(void **state)
{
	struct vma_tree *tree = tree_make();
	struct map map;
	struct rng rng;

	(void)state;
	map_init(&map, MMAP_MIN_ADDR, 8192);
	rng_init(&rng, TREE_RIG_SEED, "whole_nodes", 0);
	for (unsigned int i = 0; i < 20 * nr_seeds(); i++) {
		fill_pages(tree, &map, &rng);
		while (tree->height > 1) {
			struct used_span span = node_sum(random_node(tree, &rng));
			unsigned long start = span.low + rng_below(&rng, 3) * PAGE_SIZE;
			unsigned long end = span.high - rng_below(&rng, 3) * PAGE_SIZE;

			tree_store(tree, start, end, 0);
			map_store(&map, (unsigned int)((start - map.base) / PAGE_SIZE),
				  (unsigned int)((end - map.base) / PAGE_SIZE), 0);
			compare_all(tree, &map, &rng);
		}
		tree_assert_no_leak(tree);
	}
	free(map.owner);
	tree_free(tree);
}

/*
 * A reader that is as late as it can be: it took the root before a store and
 * looks after it. What it sees is the one version or the other, all of it.
 */
static void test_late_reader(void **state)
{
	static const struct profile profile = {MMAP_MIN_ADDR, 2048, 600, 40, 0};
	struct vma_tree *tree = tree_make();
	unsigned int nr_old = 0, nr_new = 0;
	struct map before, after;
	struct rng rng;

	(void)state;
	map_init(&before, profile.base, profile.nr_pages);
	map_init(&after, profile.base, profile.nr_pages);
	rng_init(&rng, TREE_RIG_SEED, "late_reader", 0);
	for (uint32_t nr = 1; nr <= 20000 * nr_seeds(); nr++) {
		struct vma_tree reader;

		memcpy(before.owner, after.owner, after.nr_pages * sizeof(*after.owner));
		assert_int_equal(vma_tree_reserve(tree, 1), 0);
		rcu_read_lock();
		reader = *tree;
		random_store(tree, &after, &profile, &rng, nr);
		if (same_entries(&reader, &before))
			nr_old++;
		else if (same_entries(&reader, &after))
			nr_new++;
		else
			fail_msg("store %u was seen in part", nr);
		rcu_read_unlock();
		vma_tree_unreserve(tree);
		if (nr % 4096 == 0)
			rcu_barrier();
	}
	/* Both kinds of publication were met. */
	assert_true(nr_old > 1000 && nr_new > 1000);
	free(before.owner);
	free(after.owner);
	tree_free(tree);
}

/* ---- single cases ---- */

static void test_empty(void **state)
{
	struct vma_tree *tree = tree_make();

	(void)state;
	vma_tree_check(tree);
	assert_null(vma_tree_walk(tree, PAGE_SIZE));
	assert_null(vma_tree_find(tree, 0, NULL, NULL));
	assert_null(vma_tree_find_prev(tree, ULONG_MAX));
	assert_int_equal(vma_tree_gap_topdown(tree, 1, 1, 4), 3);
	assert_int_equal(vma_tree_gap_topdown(tree, 4, 1, 4), -ENOMEM);
	tree_store(tree, PAGE_SIZE, 2 * PAGE_SIZE, 0);
	assert_null(tree->root);
	/* A store in an empty tree may need one. */
	assert_int_equal(tree->nr_reserve, 1);
	assert_int_equal(vma_tree_reserve(tree, 0), 0);
	assert_int_equal(tree->nr_reserve, 1);
	tree_free(tree);
}

static void test_ends_of_the_address_space(void **state)
{
	struct vma_tree *tree = tree_make();

	(void)state;
	tree_store(tree, 0, 1, 1);
	tree_store(tree, ULONG_MAX - 1, ULONG_MAX, 2);
	vma_tree_check(tree);
	assert_ptr_equal(vma_tree_walk(tree, 0), token(1));
	assert_null(vma_tree_walk(tree, 1));
	assert_ptr_equal(vma_tree_find(tree, 1, NULL, NULL), token(2));
	assert_ptr_equal(vma_tree_walk(tree, ULONG_MAX - 1), token(2));
	assert_null(vma_tree_walk(tree, ULONG_MAX));
	assert_null(vma_tree_find(tree, ULONG_MAX, NULL, NULL));
	assert_null(vma_tree_find_prev(tree, 0));
	assert_ptr_equal(vma_tree_find_prev(tree, 1), token(1));
	assert_ptr_equal(vma_tree_find_prev(tree, ULONG_MAX), token(2));
	tree_free(tree);
}

static void test_sequential(void **state)
{
	struct vma_tree *tree = tree_make();

	(void)state;
	tree_fill(tree, false);
	tree_erase_all(tree, 1);
	tree_fill(tree, true);
	tree_erase_all(tree, TREE_MANY - 1);
	tree_fill(tree, false);
	tree_erase_all(tree, 61803);
	tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ends_of_the_address_space),
		cmocka_unit_test(test_random_stores),
		cmocka_unit_test(test_drop_whole_nodes),
		cmocka_unit_test(test_late_reader),
		cmocka_unit_test(test_sequential),
	};

	return cmocka_run_group_tests(tests, tree_rig_create, tree_rig_end);
}
