/* SPDX-License-Identifier: MIT */
/*
 * From a page to its PTEs: interval trees against a plain list; migration and ageing of pages that
 * one or many processes map; walks that race with munmap, fork and mremap, with the seeded faults
 * of B06 and of the naive walk without the root lock; threads that do it all at once.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "mm/mm.h"
#include "mmsim/mmsim.h"
#include "rmap/interval_tree.h"
#include "rmap/migrate.h"
#include "support/search_runs.h"

#define BASE 0x100000ul
#define AWAY 0x200000ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define PAGE(n) (BASE + (n)*PAGE_SIZE)
#define ALL_PAGES PCP_BATCH /* that one CPU has taken from the zone: a scan's round */

static struct mmsim *sim;

static struct mm_struct *make(const char *machine, const char *anon_rmap,
			      struct mmsim_search *search)
{
	struct mmsim_config config;
	struct mm_struct *mm;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "anon_rmap", anon_rmap, NULL), 0);
	config.memory_bytes = 4 << 20;
	config.search = search;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "mm");
	assert_non_null(mm);
	return mm;
}

static void map(struct mm_struct *mm, unsigned long addr, unsigned int pages)
{
	assert_int_equal(mmsim_mmap(mm, addr, pages * PAGE_SIZE, RW, ANON), addr);
}

static void store(struct mm_struct *mm, unsigned long addr, uint64_t value)
{
	assert_int_equal(mmsim_use_mm(mm), 0);
	assert_true(mmsim_store(mm, addr, value) < MMSIM_ACCESS_MAPERR);
}

static uint64_t load(struct mm_struct *mm, unsigned long addr)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(mmsim_use_mm(mm), 0);
	assert_true(mmsim_load(mm, addr, &value) < MMSIM_ACCESS_MAPERR);
	return value;
}

static struct mm_struct *fork_of(struct mm_struct *mm)
{
	struct mm_struct *child = NULL;

	assert_int_equal(mmsim_fork(mm, "child", &child), 0);
	return child;
}

static void put(struct mm_struct *mm)
{
	mmsim_mm_check(mm);
	mmsim_use_mm(NULL);
	mmsim_mm_put(mm);
}

static unsigned long pfn_at(struct mm_struct *mm, unsigned long addr)
{
	return pte_pfn(pte_table_find(mm, addr)->pte[pte_index(addr)]);
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
		struct mm_struct *parent = make("step", strategies[i], NULL), *child, *grandchild;
		unsigned long before;

		map(parent, BASE, 2);
		store(parent, PAGE(0), 7);
		store(parent, PAGE(1), 8);
		child = fork_of(parent);
		grandchild = fork_of(child);
		store(child, PAGE(1), 9);
		before = pfn_at(parent, PAGE(0));
		assert_int_equal(mmsim_move_pages(child, BASE, 2 * PAGE_SIZE), 2);
		assert_int_not_equal(pfn_at(parent, PAGE(0)), before);
		assert_int_equal(pfn_at(grandchild, PAGE(0)), pfn_at(parent, PAGE(0)));
		assert_int_equal(load(grandchild, PAGE(0)), 7);
		assert_int_equal(load(parent, PAGE(1)), 8);
		assert_int_equal(load(child, PAGE(1)), 9);
		/* One of the two was the child's alone, and still is: no fault for a store. */
		assert_int_equal(mmsim_counter(sim, "rmap_exclusive"), 2 * i);
		mmsim_use_mm(child);
		assert_int_equal(mmsim_store(child, PAGE(1), 10), MMSIM_ACCESS_HIT);
		assert_int_equal(mmsim_compact(sim, ALL_PAGES), 3);
		assert_int_equal(load(child, PAGE(1)), 10);
		put(grandchild);
		put(child);
		put(parent);
		assert_int_equal(mmsim_destroy(sim), 0);
	}
}

static void what_was_freed_lazily_is_reclaimed(void **state)
{
	struct mm_struct *mm = make("step", "root", NULL);

	(void)state;
	map(mm, BASE, 3);
	for (unsigned int i = 0; i < 3; i++)
		store(mm, PAGE(i), 1 + i);
	assert_int_equal(mmsim_madvise(mm, BASE, 2 * PAGE_SIZE, MADV_FREE), 0);
	store(mm, PAGE(1), 20);
	/* Used since the last look, or not given up: only aged. */
	assert_int_equal(mmsim_shrink(sim, ALL_PAGES), 1);
	assert_int_equal(mmsim_counter(sim, "shrink_referenced"), 2);
	assert_int_equal(mmsim_shrink(sim, ALL_PAGES), 0);
	assert_int_equal(load(mm, PAGE(0)), 0);
	assert_int_equal(load(mm, PAGE(1)), 20);
	assert_int_equal(load(mm, PAGE(2)), 3);
	put(mm);
	assert_int_equal(mmsim_destroy(sim), 0);
}

/* ---- how far a walk goes ---- */

/* VMAs that are met by a walk from the page at @addr. */
static uint64_t walk_length(struct mm_struct *mm, unsigned long addr)
{
	uint64_t before = mmsim_counter(sim, "rmap_vmas");
	bool vm_locked;

	folio_referenced(sim, pfn_folio(sim, pfn_at(mm, addr)), false, &vm_locked);
	return mmsim_counter(sim, "rmap_vmas") - before;
}

/*
 * A forks B, which forks C and D and exits; C forks E. B's anon_vma serves nobody's new pages, but
 * has two children: E's own pages must not be looked for in D.
 */
static void reuse_asks_for_children(void **state)
{
	(void)state;
	for (int buggy = 1; buggy >= 0; buggy--) {
		struct mm_struct *a = make("step", "root", NULL), *b, *c, *d, *e;

		map(a, BASE, 2);
		store(a, PAGE(0), 1);
		b = fork_of(a);
		c = fork_of(b);
		d = fork_of(b);
		put(b);
		mmsim_mutant_on = buggy ? MUTANT_ANON_REUSE_IGNORES_CHILDREN : NR_MUTANTS;
		e = fork_of(c);
		mmsim_mutant_on = NR_MUTANTS;
		store(e, PAGE(1), 5);
		assert_int_equal(walk_length(e, PAGE(1)), buggy ? 3 : 1);
		/* And what all have is looked for in all that live. */
		assert_int_equal(walk_length(a, PAGE(0)), 4);
		put(e);
		put(d);
		put(c);
		put(a);
		assert_int_equal(mmsim_destroy(sim), 0);
	}
}

/* The VMAs that overlap count, not the processes alive. */
static void a_walk_visits_what_overlaps(void **state)
{
	struct mm_struct *parent = make("step", "root", NULL), *child[20];

	(void)state;
	map(parent, BASE, 40);
	for (unsigned int i = 0; i < 40; i++)
		store(parent, PAGE(i), i);
	for (unsigned int i = 0; i < ARRAY_SIZE(child); i++) {
		child[i] = fork_of(parent);
		/* Each keeps two pages of the forty. */
		if (i)
			assert_int_equal(mmsim_munmap(child[i], BASE, 2 * i * PAGE_SIZE), 0);
		assert_int_equal(mmsim_munmap(child[i], PAGE(2 * i + 2), 38 * PAGE_SIZE), 0);
	}
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(walk_length(parent, PAGE(i)), 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(child); i++)
		put(child[i]);
	put(parent);
	assert_int_equal(mmsim_destroy(sim), 0);
}

/* ---- races ---- */

static struct {
	struct mm_struct *mm, *child;
	struct folio *folio;
	unsigned long from, to; /* mremap's */
} race;

static void start(const char *name, int (*body)(void *))
{
	const struct mmsim_task_attr attr = {.name = name, .cpu = -1};

	assert_non_null(mmsim_task_create(sim, &attr, body, NULL));
}

static int migrate_it(void *unused)
{
	(void)unused;
	if (folio_isolate(sim, race.folio))
		migrate_folio(sim, race.folio, true);
	return 0;
}

static int mremap_it(void *unused)
{
	(void)unused;
	return mmsim_mremap(race.mm, race.from, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			    race.to) < 0;
}

static int munmap_it(void *unused)
{
	(void)unused;
	return mmsim_munmap(race.mm, race.from, PAGE_SIZE) != 0;
}

static int fork_it(void *unused)
{
	(void)unused;
	return mmsim_fork(race.mm, "child", &race.child);
}

static void begin(const char *anon_rmap, struct mmsim_search *search)
{
	memset(&race, 0, sizeof(race));
	race.mm = make("step", anon_rmap, search);
}

/* The page at @addr is to be moved by task M, while another task does @other. */
static const char *run_race(unsigned long addr, const char *name, int (*other)(void *))
{
	static char why[256];

	race.folio = pfn_folio(sim, pfn_at(race.mm, addr));
	mmsim_use_mm(NULL);
	start("M", migrate_it);
	start(name, other);
	if (mmsim_run(sim)) {
		snprintf(why, sizeof(why), "%s", mmsim_failure(sim));
		mmsim_destroy(sim);
		return why;
	}
	return NULL;
}

/* At rest: the parts agree, which mmsim_mm_check() would end the test for. */
static const char *end_race(unsigned long addr, uint64_t value)
{
	const char *why = NULL;

	if (addr && (mmsim_page_at(race.mm, addr, NULL, NULL) != MMSIM_PAGE_ANON ||
		     load(race.mm, addr) != value))
		why = "the page is lost, or still marked as being moved";
	if (race.child && !why)
		put(race.child);
	if (!why) {
		put(race.mm);
		why = mmsim_destroy(sim) ? "objects or pages are left" : NULL;
	} else {
		mmsim_destroy(sim);
	}
	return why;
}

/* Page 3 goes behind pages 0 to 2, which moved before: that VMA begins at a lower offset. */
static const char *mremap_into_merge(struct mmsim_search *search)
{
	const char *why;

	begin("root", search);
	map(race.mm, BASE, 4);
	for (unsigned int i = 0; i < 4; i++)
		store(race.mm, PAGE(i), i);
	assert_int_equal(mmsim_mremap(race.mm, BASE, 3 * PAGE_SIZE, 3 * PAGE_SIZE,
				      MREMAP_MAYMOVE | MREMAP_FIXED, AWAY),
			 AWAY);
	race.from = PAGE(3);
	race.to = AWAY + 3 * PAGE_SIZE;
	why = run_race(PAGE(3), "T", mremap_it);
	return why ? why : end_race(race.to, 3);
}

/*
 * B06. Expected: the walk that looks for migration entries finds each, wherever mremap has put it
 * meanwhile. Buggy: it has looked at the target before the entry came, and at the source after it
 * had gone.
 */
static void mremap_takes_rmap_locks(void **state)
{
	(void)state;
	search_mutant(mremap_into_merge, MUTANT_MREMAP_NO_RMAP_LOCK, 2);
}

/* To a VMA of its own, which a walk meets after the source: no rmap locks. */
static const char *mremap_away(struct mmsim_search *search)
{
	const char *why;

	begin("root", search);
	map(race.mm, BASE, 1);
	store(race.mm, BASE, 3);
	race.from = BASE;
	race.to = AWAY;
	why = run_race(BASE, "T", mremap_it);
	return why ? why : end_race(AWAY, 3);
}

static void walks_look_under_the_pte_lock(void **state)
{
	(void)state;
	search_mutant(mremap_away, MUTANT_RMAP_PEEK_UNLOCKED, 2);
}

static const char *munmap_beside_walk(const char *anon_rmap, struct mmsim_search *search)
{
	const char *why;

	begin(anon_rmap, search);
	map(race.mm, BASE, 1);
	store(race.mm, BASE, 3);
	race.from = BASE;
	why = run_race(BASE, "U", munmap_it);
	return why ? why : end_race(0, 0);
}

static const char *munmap_beside_root_walk(struct mmsim_search *search)
{
	return munmap_beside_walk("root", search);
}

static const char *munmap_beside_exclusive_walk(struct mmsim_search *search)
{
	return munmap_beside_walk("exclusive", search);
}

static void unlink_takes_the_root_lock(void **state)
{
	(void)state;
	search_mutant(munmap_beside_root_walk, MUTANT_UNLINK_NO_ROOT_LOCK, 2);
}

/* The folio lock keeps the page in its anon_vma, but nothing keeps the VMA in that. */
static void a_walk_needs_more_than_the_folio_lock(void **state)
{
	(void)state;
	search_mutant(munmap_beside_exclusive_walk, MUTANT_RMAP_EXCLUSIVE_NAIVE, 2);
}

/* A fork makes the page shared in the middle of a walk that took it for exclusive. */
static const char *fork_beside_walk(struct mmsim_search *search)
{
	const char *why;

	begin("exclusive", search);
	map(race.mm, BASE, 1);
	store(race.mm, BASE, 3);
	why = run_race(BASE, "F", fork_it);
	if (!why && load(race.child, BASE) != 3)
		why = "the child has lost the page";
	return why ? why : end_race(BASE, 3);
}

static void a_fork_may_come_between(void **state)
{
	(void)state;
	assert_int_equal(search_runs(fork_beside_walk, 2, SEARCH_RUNS_MAX / 4), 0);
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
		mmsim_compact(sim, 64);
		mmsim_yield();
	}
	return 0;
}

static int soak_shrink(void *unused)
{
	(void)unused;
	while (quiet_load(soak_over) < 2) {
		mmsim_shrink(sim, 64);
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
		struct mm_struct *mm = make(machines[i / 2], strategies[i % 2], NULL);
		struct mm_struct *other = mmsim_mm_create(sim, "other");
		struct mmsim_task_attr attr = {.cpu = -1, .name = "family", .mm = mm};
		struct mmsim_task *tasks[2];

		soak_over = 0;
		map(mm, BASE, SOAK_PAGES);
		map(other, BASE, SOAK_PAGES);
		mmsim_use_mm(NULL);
		tasks[0] = mmsim_task_create(sim, &attr, soak_fork, mm);
		attr.mm = other;
		tasks[1] = mmsim_task_create(sim, &attr, soak_fork, other);
		start("kcompactd", soak_compact);
		start("kswapd", soak_shrink);
		assert_int_equal(mmsim_run(sim), 0);
		assert_int_equal(mmsim_task_join(tasks[0]), 0);
		assert_int_equal(mmsim_task_join(tasks[1]), 0);
		put(mm);
		put(other);
		assert_int_equal(mmsim_destroy(sim), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_answers_as_a_list),
		cmocka_unit_test(a_page_moves_with_all_who_map_it),
		cmocka_unit_test(what_was_freed_lazily_is_reclaimed),
		cmocka_unit_test(reuse_asks_for_children),
		cmocka_unit_test(a_walk_visits_what_overlaps),
		cmocka_unit_test(mremap_takes_rmap_locks),
		cmocka_unit_test(walks_look_under_the_pte_lock),
		cmocka_unit_test(unlink_takes_the_root_lock),
		cmocka_unit_test(a_walk_needs_more_than_the_folio_lock),
		cmocka_unit_test(a_fork_may_come_between),
		cmocka_unit_test(families_beside_walkers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
