/* SPDX-License-Identifier: MIT */
/*
 * From a page to its PTEs: interval trees against a plain list; migration and ageing of pages that
 * one or many processes map; how far a walk goes; threads that do it all at once.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/mutant.h"
#include "rmap/interval_tree.h"
#include "rmap/rmap.h"
#include "support/rmap_rig.h"

static struct mmsim_task *start(const char *name, int (*body)(void *))
{
	const struct mmsim_task_attr attr = {.name = name, .cpu = -1};
	struct mmsim_task *task = mmsim_task_create(rmap_rig_sim, &attr, body, NULL);

	assert_non_null(task);
	return task;
}

/* ---- interval trees ---- */

#define NR_LINKS 60
#define HIGHEST 40

static struct anon_vma_chain links[NR_LINKS];
static struct vm_area_struct vmas[NR_LINKS];
static int order[NR_LINKS], nr_in; /* as they were put in */

static int compare_links(const void *a, const void *b)
{
	const struct vm_area_struct *x = links[*(const int *)a].vma,
				    *y = links[*(const int *)b].vma;

	/* The earlier in the list of insertions is the lower address in it. */
	if (x->vm_pgoff != y->vm_pgoff)
		return x->vm_pgoff < y->vm_pgoff ? -1 : 1;
	return 0;
}

static void check_query(const struct interval_tree *tree, unsigned long first, unsigned long last)
{
	struct anon_vma_chain *avc = interval_tree_first(tree, first, last);
	int sorted[NR_LINKS];

	/* qsort() of the C library keeps equal ones in order only by chance: insert one by one. */
	for (int i = 0; i < nr_in; i++) {
		int at = i;

		for (; at && compare_links(&order[i], &sorted[at - 1]) < 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = order[i];
	}
	for (int i = 0; i < nr_in; i++) {
		const struct vm_area_struct *vma = &vmas[sorted[i]];
		unsigned long end = vma->vm_pgoff + vma_pages(vma) - 1;

		if (vma->vm_pgoff > last || end < first)
			continue;
		assert_ptr_equal(avc, &links[sorted[i]]);
		avc = interval_tree_next(avc, first, last);
	}
	assert_null(avc);
}

static void a_tree_answers_as_a_list(void **state)
{
	struct interval_tree tree = {NULL, 0};
	unsigned int random = 1;

	(void)state;
	nr_in = 0;
	for (int round = 0; round < 4000; round++) {
		int i = rand_r(&random) % NR_LINKS, at = 0;
		unsigned long first = (unsigned long)rand_r(&random) % HIGHEST;
		unsigned long last = first + (unsigned long)rand_r(&random) % 8;

		while (at < nr_in && order[at] != i)
			at++;
		if (at < nr_in) {
			interval_tree_remove(&tree, &links[i]);
			memmove(&order[at], &order[at + 1], sizeof(int) * (size_t)(--nr_in - at));
		} else {
			vmas[i].vm_pgoff = first;
			vmas[i].vm_start = first << PAGE_SHIFT;
			vmas[i].vm_end = (last + 1) << PAGE_SHIFT;
			links[i].vma = &vmas[i];
			interval_tree_insert(&tree, &links[i]);
			order[nr_in++] = i;
		}
		first = (unsigned long)rand_r(&random) % HIGHEST;
		check_query(&tree, first, first + (unsigned long)rand_r(&random) % 4);
	}
}

/* ---- migration and ageing, nobody else about ---- */

static void a_page_moves_with_all_who_map_it(void **state)
{
	static const char *const strategies[] = {"root", "exclusive"};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(strategies); i++) {
		struct mm_struct *parent = rmap_rig_make("step", strategies[i], NULL), *child,
				 *grandchild;
		unsigned long before;

		rmap_rig_map(parent, BASE, 2);
		rmap_rig_store(parent, PAGE(0), 7);
		rmap_rig_store(parent, PAGE(1), 8);
		child = rmap_rig_fork(parent);
		grandchild = rmap_rig_fork(child);
		rmap_rig_store(child, PAGE(1), 9);
		before = rmap_rig_pfn(parent, PAGE(0));
		assert_int_equal(mmsim_move_pages(child, BASE, 2 * PAGE_SIZE), 2);
		assert_int_not_equal(rmap_rig_pfn(parent, PAGE(0)), before);
		assert_int_equal(rmap_rig_pfn(grandchild, PAGE(0)), rmap_rig_pfn(parent, PAGE(0)));
		assert_int_equal(rmap_rig_load(grandchild, PAGE(0)), 7);
		assert_int_equal(rmap_rig_load(parent, PAGE(1)), 8);
		assert_int_equal(rmap_rig_load(child, PAGE(1)), 9);
		/* One of the two was the child's alone, and still is: no fault for a store. */
		assert_int_equal(mmsim_counter(rmap_rig_sim, "rmap_exclusive"), 2 * i);
		mmsim_use_mm(child);
		assert_int_equal(mmsim_store(child, PAGE(1), 10), MMSIM_ACCESS_HIT);
		assert_int_equal(mmsim_compact(rmap_rig_sim, ALL_PAGES), 3);
		assert_int_equal(rmap_rig_load(child, PAGE(1)), 10);
		rmap_rig_put(grandchild);
		rmap_rig_put(child);
		rmap_rig_put(parent);
		assert_int_equal(mmsim_destroy(rmap_rig_sim), 0);
	}
}

static void what_was_freed_lazily_is_reclaimed(void **state)
{
	struct mm_struct *mm = rmap_rig_make("step", "root", NULL);

	(void)state;
	rmap_rig_map(mm, BASE, 3);
	for (unsigned int i = 0; i < 3; i++)
		rmap_rig_store(mm, PAGE(i), 1 + i);
	assert_int_equal(mmsim_madvise(mm, BASE, 2 * PAGE_SIZE, MADV_FREE), 0);
	rmap_rig_store(mm, PAGE(1), 20);
	/* Used since the last look, or not given up: only aged. */
	assert_int_equal(mmsim_shrink(rmap_rig_sim, ALL_PAGES), 1);
	assert_int_equal(mmsim_counter(rmap_rig_sim, "shrink_referenced"), 2);
	assert_int_equal(mmsim_shrink(rmap_rig_sim, ALL_PAGES), 0);
	assert_int_equal(rmap_rig_load(mm, PAGE(0)), 0);
	assert_int_equal(rmap_rig_load(mm, PAGE(1)), 20);
	assert_int_equal(rmap_rig_load(mm, PAGE(2)), 3);
	rmap_rig_put(mm);
	assert_int_equal(mmsim_destroy(rmap_rig_sim), 0);
}

/* A fork is in the middle of a tree when kswapd comes. */
static struct mm_struct *contended_mm;
static bool lock_is_held, shrink_is_over;

static int hold_root_lock(void *unused)
{
	struct vm_area_struct *vma = vma_tree_walk(&contended_mm->mm_mt, BASE);

	(void)unused;
	anon_vma_lock_write(vma, SITE_user);
	lock_is_held = true;
	for (int i = 0; i < 20000 && !shrink_is_over; i++)
		mmsim_yield();
	anon_vma_unlock_write(vma);
	return shrink_is_over;
}

static int shrink_all(void *unused)
{
	(void)unused;
	while (!lock_is_held)
		mmsim_yield();
	mmsim_shrink(rmap_rig_sim, ALL_PAGES);
	shrink_is_over = true;
	return 0;
}

static void a_contended_lock_is_waited_for_or_not(void **state)
{
	static const char *const kernels[] = {"5.15", "5.19"};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct mmsim_config config;
		struct mmsim_task *holder;

		mmsim_config_init(&config);
		strcpy(config.machine, "step");
		strcpy(config.kernel, kernels[i]);
		config.memory_bytes = 1 << 20;
		assert_int_equal(mmsim_create(&config, &rmap_rig_sim, NULL), 0);
		contended_mm = mmsim_mm_create(rmap_rig_sim, "mm");
		rmap_rig_map(contended_mm, BASE, 1);
		rmap_rig_store(contended_mm, BASE, 1);
		mmsim_use_mm(NULL);
		lock_is_held = shrink_is_over = false;
		holder = start("holder", hold_root_lock);
		start("kswapd", shrink_all);
		assert_int_equal(mmsim_run(rmap_rig_sim), 0);
		/* Before 5.19 it waits, and ages the page; since then it leaves it as it is. */
		assert_int_equal(mmsim_task_join(holder), i);
		assert_int_equal(mmsim_counter(rmap_rig_sim, "rmap_contended"), i);
		assert_int_equal(mmsim_counter(rmap_rig_sim, "shrink_kept"), i);
		assert_int_equal(mmsim_counter(rmap_rig_sim, "shrink_referenced"), 1 - i);
		rmap_rig_put(contended_mm);
		assert_int_equal(mmsim_destroy(rmap_rig_sim), 0);
	}
}

/* ---- how far a walk goes ---- */

/* VMAs that are met by a walk from the page at @addr. */
static uint64_t walk_length(struct mm_struct *mm, unsigned long addr)
{
	uint64_t before = mmsim_counter(rmap_rig_sim, "rmap_vmas");
	bool vm_locked;

	folio_referenced(rmap_rig_sim, pfn_folio(rmap_rig_sim, rmap_rig_pfn(mm, addr)), false,
			 &vm_locked);
	return mmsim_counter(rmap_rig_sim, "rmap_vmas") - before;
}

/*
 * A forks B, which forks C and D and exits; C forks E. B's anon_vma serves nobody's new pages, but
 * has two children: E's own pages must not be looked for in D.
 */
static void reuse_asks_for_children(void **state)
{
	(void)state;
	for (int buggy = 1; buggy >= 0; buggy--) {
		struct mm_struct *a = rmap_rig_make("step", "root", NULL), *b, *c, *d, *e;

		rmap_rig_map(a, BASE, 2);
		rmap_rig_store(a, PAGE(0), 1);
		b = rmap_rig_fork(a);
		c = rmap_rig_fork(b);
		d = rmap_rig_fork(b);
		rmap_rig_put(b);
		mmsim_mutant_on = buggy ? MUTANT_ANON_REUSE_IGNORES_CHILDREN : NR_MUTANTS;
		e = rmap_rig_fork(c);
		mmsim_mutant_on = NR_MUTANTS;
		rmap_rig_store(e, PAGE(1), 5);
		assert_int_equal(walk_length(e, PAGE(1)), buggy ? 3 : 1);
		/* And what all have is looked for in all that live. */
		assert_int_equal(walk_length(a, PAGE(0)), 4);
		rmap_rig_put(e);
		rmap_rig_put(d);
		rmap_rig_put(c);
		rmap_rig_put(a);
		assert_int_equal(mmsim_destroy(rmap_rig_sim), 0);
	}
}

/* The VMAs that overlap count, not the processes alive. */
static void a_walk_visits_what_overlaps(void **state)
{
	struct mm_struct *parent = rmap_rig_make("step", "root", NULL), *child[20];

	(void)state;
	rmap_rig_map(parent, BASE, 40);
	for (unsigned int i = 0; i < 40; i++)
		rmap_rig_store(parent, PAGE(i), i);
	for (unsigned int i = 0; i < ARRAY_SIZE(child); i++) {
		child[i] = rmap_rig_fork(parent);
		/* Each keeps two pages of the forty. */
		if (i)
			assert_int_equal(mmsim_munmap(child[i], BASE, 2 * i * PAGE_SIZE), 0);
		assert_int_equal(mmsim_munmap(child[i], PAGE(2 * i + 2), 38 * PAGE_SIZE), 0);
	}
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(walk_length(parent, PAGE(i)), 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(child); i++)
		rmap_rig_put(child[i]);
	rmap_rig_put(parent);
	assert_int_equal(mmsim_destroy(rmap_rig_sim), 0);
}

/* ---- all at once ---- */

#define SOAK_PAGES 16

static int soak_over;

/* A family: stores, forks, lets the child store, looks that each sees its own. */
static int soak_fork(void *arg)
{
	struct mm_struct *mm = arg;

	for (uint64_t round = 1; round <= 60; round++) {
		struct mm_struct *child;

		for (unsigned int i = 0; i < SOAK_PAGES; i++)
			if (mmsim_store(mm, PAGE(i), round * 100 + i) >= MMSIM_ACCESS_MAPERR)
				return -1;
		if (mmsim_fork(mm, "child", &child) || mmsim_use_mm(child))
			return -1;
		for (unsigned int i = 0; i < SOAK_PAGES; i++) {
			uint64_t value;

			if (i % 4 == round % 4 &&
			    mmsim_store(child, PAGE(i), i) >= MMSIM_ACCESS_MAPERR)
				return -1;
			if (mmsim_load(child, PAGE(i), &value) >= MMSIM_ACCESS_MAPERR ||
			    value != (i % 4 == round % 4 ? i : round * 100 + i))
				return -1;
		}
		if (mmsim_munmap(child, PAGE(round % SOAK_PAGES), PAGE_SIZE) || mmsim_use_mm(mm))
			return -1;
		mmsim_mm_put(child);
	}
	quiet_add(soak_over, 1);
	return 0;
}

static int soak_compact(void *unused)
{
	(void)unused;
	while (quiet_load(soak_over) < 2) {
		mmsim_compact(rmap_rig_sim, 64);
		mmsim_yield();
	}
	return 0;
}

static int soak_shrink(void *unused)
{
	(void)unused;
	while (quiet_load(soak_over) < 2) {
		mmsim_shrink(rmap_rig_sim, 64);
		mmsim_yield();
	}
	return 0;
}

static void families_beside_walkers(void **state)
{
	static const char *const machines[] = {"host", "step", "phone-4+3+1"};
	static const char *const strategies[] = {"root", "exclusive"};

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		struct mm_struct *mm = rmap_rig_make(machines[i / 2], strategies[i % 2], NULL);
		struct mm_struct *other = mmsim_mm_create(rmap_rig_sim, "other");
		struct mmsim_task_attr attr = {.cpu = -1, .name = "family", .mm = mm};
		struct mmsim_task *tasks[2];

		soak_over = 0;
		rmap_rig_map(mm, BASE, SOAK_PAGES);
		rmap_rig_map(other, BASE, SOAK_PAGES);
		mmsim_use_mm(NULL);
		tasks[0] = mmsim_task_create(rmap_rig_sim, &attr, soak_fork, mm);
		attr.mm = other;
		tasks[1] = mmsim_task_create(rmap_rig_sim, &attr, soak_fork, other);
		start("kcompactd", soak_compact);
		start("kswapd", soak_shrink);
		assert_int_equal(mmsim_run(rmap_rig_sim), 0);
		assert_int_equal(mmsim_task_join(tasks[0]), 0);
		assert_int_equal(mmsim_task_join(tasks[1]), 0);
		rmap_rig_put(mm);
		rmap_rig_put(other);
		assert_int_equal(mmsim_destroy(rmap_rig_sim), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_answers_as_a_list),
		cmocka_unit_test(a_page_moves_with_all_who_map_it),
		cmocka_unit_test(what_was_freed_lazily_is_reclaimed),
		cmocka_unit_test(a_contended_lock_is_waited_for_or_not),
		cmocka_unit_test(reuse_asks_for_children),
		cmocka_unit_test(a_walk_visits_what_overlaps),
		cmocka_unit_test(families_beside_walkers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
