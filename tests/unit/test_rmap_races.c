/* SPDX-License-Identifier: MIT */
/*
 * Walks from a page that race with munmap, fork, mremap and faults, under every schedule of a
 * bounded search: with the seeded faults, among them B06 and the naive walk without the root lock,
 * something breaks, and without them nothing.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "rmap/migrate.h"
#include "support/rmap_rig.h"
#include "support/search_runs.h"

static struct {
	struct mm_struct *mm, *child;
	struct folio *folio;
	unsigned long from, to, len; /* mremap's */
} race;

static void start(const char *name, int (*body)(void *))
{
	const struct mmsim_task_attr attr = {.name = name, .cpu = -1};

	assert_non_null(mmsim_task_create(rmap_rig_sim, &attr, body, NULL));
}

static int migrate_it(void *unused)
{
	(void)unused;
	if (folio_isolate(rmap_rig_sim, race.folio))
		migrate_folio(rmap_rig_sim, race.folio, true);
	return 0;
}

static int mremap_it(void *unused)
{
	(void)unused;
	return mmsim_mremap(race.mm, race.from, race.len, race.len, MREMAP_MAYMOVE | MREMAP_FIXED,
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
	race.len = PAGE_SIZE;
	race.mm = rmap_rig_make("step", anon_rmap, search);
}

/* The page at @addr is to be moved by task M, while another task does @other. */
static const char *run_race(unsigned long addr, const char *name, int (*other)(void *))
{
	static char why[256];

	race.folio = pfn_folio(rmap_rig_sim, rmap_rig_pfn(race.mm, addr));
	mmsim_use_mm(NULL);
	start("M", migrate_it);
	start(name, other);
	if (mmsim_run(rmap_rig_sim)) {
		snprintf(why, sizeof(why), "%s", mmsim_failure(rmap_rig_sim));
		mmsim_destroy(rmap_rig_sim);
		return why;
	}
	return NULL;
}

/* It was run, and something is not as it should be. */
static const char *broken(const char *why)
{
	mmsim_destroy(rmap_rig_sim);
	return why;
}

/* At rest: the parts agree, which mmsim_mm_check() would end the test for. */
static const char *end_race(unsigned long addr, uint64_t value)
{
	if (addr && (mmsim_page_at(race.mm, addr, NULL, NULL) != MMSIM_PAGE_ANON ||
		     rmap_rig_load(race.mm, addr) != value))
		return broken("the page is lost, or still marked as being moved");
	if (race.child)
		rmap_rig_put(race.child);
	rmap_rig_put(race.mm);
	return mmsim_destroy(rmap_rig_sim) ? "objects or pages are left" : NULL;
}

/* Page 3 goes behind pages 0 to 2, which moved before: that VMA begins at a lower offset. */
static const char *mremap_into_merge(const char *anon_rmap, struct mmsim_search *search)
{
	const char *why;

	begin(anon_rmap, search);
	rmap_rig_map(race.mm, BASE, 4);
	for (unsigned int i = 0; i < 4; i++)
		rmap_rig_store(race.mm, PAGE(i), i);
	assert_int_equal(mmsim_mremap(race.mm, BASE, 3 * PAGE_SIZE, 3 * PAGE_SIZE,
				      MREMAP_MAYMOVE | MREMAP_FIXED, AWAY),
			 AWAY);
	race.from = PAGE(3);
	race.to = AWAY + 3 * PAGE_SIZE;
	why = run_race(PAGE(3), "T", mremap_it);
	return why ? why : end_race(race.to, 3);
}

static const char *mremap_into_merge_root(struct mmsim_search *search)
{
	return mremap_into_merge("root", search);
}

static const char *mremap_into_merge_exclusive(struct mmsim_search *search)
{
	return mremap_into_merge("exclusive", search);
}

/*
 * B06. Expected: the walk that looks for migration entries finds each, wherever mremap has put it
 * meanwhile. Buggy: it has looked at the target before the entry came, and at the source after it
 * had gone.
 */
static void mremap_takes_rmap_locks(void **state)
{
	(void)state;
	search_mutant(mremap_into_merge_root, MUTANT_MREMAP_NO_RMAP_LOCK, 2);
	search_mutant(mremap_into_merge_exclusive, MUTANT_MREMAP_NO_RMAP_LOCK, 2);
}

/* 2 MiB, a whole PTE table: for a moment it is in neither place. */
static const char *mremap_table(const char *anon_rmap, struct mmsim_search *search)
{
	const unsigned long from = 4 * PMD_SIZE, to = 8 * PMD_SIZE;
	const char *why;

	begin(anon_rmap, search);
	rmap_rig_map(race.mm, from, PTRS_PER_PTE);
	rmap_rig_store(race.mm, from, 3);
	race.from = from;
	race.to = to;
	race.len = PMD_SIZE;
	why = run_race(from, "T", mremap_it);
	return why ? why : end_race(to, 3);
}

static const char *mremap_table_root(struct mmsim_search *search)
{
	return mremap_table("root", search);
}

static const char *mremap_table_exclusive(struct mmsim_search *search)
{
	return mremap_table("exclusive", search);
}

static void moves_of_tables_take_rmap_locks(void **state)
{
	(void)state;
	search_mutant(mremap_table_root, MUTANT_MREMAP_NO_RMAP_LOCK, 2);
	search_mutant(mremap_table_exclusive, MUTANT_MREMAP_NO_RMAP_LOCK, 2);
}

/* To a VMA of its own, which a walk meets after the source: no rmap locks. */
static const char *mremap_away(struct mmsim_search *search)
{
	const char *why;

	begin("root", search);
	rmap_rig_map(race.mm, BASE, 1);
	rmap_rig_store(race.mm, BASE, 3);
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
	rmap_rig_map(race.mm, BASE, 1);
	rmap_rig_store(race.mm, BASE, 3);
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
static const char *fork_beside_walk(const char *anon_rmap, struct mmsim_search *search)
{
	const char *why;

	begin(anon_rmap, search);
	rmap_rig_map(race.mm, BASE, 1);
	rmap_rig_store(race.mm, BASE, 3);
	why = run_race(BASE, "F", fork_it);
	if (!why && mmsim_page_at(race.child, BASE, NULL, NULL) != MMSIM_PAGE_ANON)
		return broken("the child has lost the page, or waits for it for ever");
	return why ? why : end_race(BASE, 3);
}

static const char *fork_beside_root_walk(struct mmsim_search *search)
{
	return fork_beside_walk("root", search);
}

static const char *fork_beside_exclusive_walk(struct mmsim_search *search)
{
	return fork_beside_walk("exclusive", search);
}

/* The child's VMA comes behind the parent's: what is copied meanwhile is found there. */
static void a_fork_may_come_between(void **state)
{
	(void)state;
	search_mutant(fork_beside_root_walk, MUTANT_ANON_TREE_NEWEST_FIRST, 2);
	search_mutant(fork_beside_exclusive_walk, MUTANT_ANON_TREE_NEWEST_FIRST, 2);
	assert_int_equal(search_runs(fork_beside_exclusive_walk, 2, SEARCH_RUNS_CLEAN), 0);
}

/* A load while the page is being moved: it waits, and finds the page where it went. */
static int load_it(void *unused)
{
	uint64_t value = 0;

	(void)unused;
	if (mmsim_use_mm(race.mm))
		return -1;
	if (mmsim_load(race.mm, BASE, &value) >= MMSIM_ACCESS_MAPERR || value != 3)
		mmsim_bug("a page that is moved was not there");
	return 0;
}

static const char *load_beside_migration(struct mmsim_search *search)
{
	const char *why;

	begin("root", search);
	rmap_rig_map(race.mm, BASE, 1);
	rmap_rig_store(race.mm, BASE, 3);
	why = run_race(BASE, "L", load_it);
	return why ? why : end_race(BASE, 3);
}

static void a_fault_waits_for_a_migration(void **state)
{
	(void)state;
	assert_int_equal(search_runs(load_beside_migration, 2, SEARCH_RUNS_CLEAN), 0);
}

/* MADV_POPULATE_WRITE of a page that two share and that is being moved: copied all the same. */
static int populate_it(void *unused)
{
	(void)unused;
	return mmsim_madvise(race.mm, BASE, PAGE_SIZE, MADV_POPULATE_WRITE);
}

static const char *populate_beside_migration(struct mmsim_search *search)
{
	unsigned int count = 0;
	const char *why;

	begin("root", search);
	rmap_rig_map(race.mm, BASE, 1);
	rmap_rig_store(race.mm, BASE, 3);
	race.child = rmap_rig_fork(race.mm);
	why = run_race(BASE, "P", populate_it);
	if (!why && (mmsim_page_at(race.mm, BASE, &count, NULL) != MMSIM_PAGE_ANON || count != 1))
		return broken("populated for writing, and still shared");
	return why ? why : end_race(BASE, 3);
}

static void populate_waits_and_looks_again(void **state)
{
	(void)state;
	assert_int_equal(search_runs(populate_beside_migration, 2, SEARCH_RUNS_CLEAN), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mremap_takes_rmap_locks),
		cmocka_unit_test(moves_of_tables_take_rmap_locks),
		cmocka_unit_test(walks_look_under_the_pte_lock),
		cmocka_unit_test(unlink_takes_the_root_lock),
		cmocka_unit_test(a_walk_needs_more_than_the_folio_lock),
		cmocka_unit_test(a_fork_may_come_between),
		cmocka_unit_test(a_fault_waits_for_a_migration),
		cmocka_unit_test(populate_waits_and_looks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
