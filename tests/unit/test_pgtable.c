/* SPDX-License-Identifier: MIT */
/*
 * Page tables at the borders of tables (2 MiB) and of the tables above them
 * (1 GiB, 512 GiB): what serves a neighbour stays, what serves nobody goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "mem/pgtable.h"
#include "mem/sim.h"
#include "mmsim/mmsim.h"

#define MIB (1ul << 20)
#define GIB (1ul << 30)
#define BORDER (512 * GIB) /* of tables at every level */
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define SEEDS 300

static struct mmsim *sim;
static struct mm_struct *mm;

static int make_mm(void **state)
{
	struct mmsim_config config;

	(void)state;
	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	config.memory_bytes = 4 * MIB;
	config.max_steps = 10000000;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "app");
	assert_non_null(mm);
	return mmsim_use_mm(mm);
}

static int end_mm(void **state)
{
	(void)state;
	mmsim_mm_check(mm);
	mmsim_use_mm(NULL);
	mmsim_mm_put(mm);
	assert_int_equal(mmsim_destroy(sim), 0);
	return 0;
}

static uint64_t tables(void)
{
	return kmem_cache_objects(sim->pte_cache);
}

/* Without the top table. */
static uint64_t dirs(void)
{
	return kmem_cache_objects(sim->dir_cache) - 1;
}

static void unlink_range(unsigned long start, unsigned long end, unsigned long floor,
			 unsigned long ceiling)
{
	struct pgtable_gather gather = {NULL, NULL};

	unlink_pgtables(mm, start, end, floor, ceiling, &gather);
	free_unlinked_pgtables(sim, &gather);
	assert_null(gather.tables);
	assert_null(gather.dirs);
}

/* ---- find and allocate ---- */

static void tables_are_found_where_they_were_made(void **state)
{
	struct pte_table *below, *above;

	(void)state;
	assert_null(pte_table_find(mm, BORDER));
	above = pte_table_alloc(mm, BORDER);
	assert_non_null(above);
	assert_null(pte_table_find(mm, BORDER - PAGE_SIZE));
	below = pte_table_alloc(mm, BORDER - PAGE_SIZE);
	assert_ptr_not_equal(below, above);
	assert_ptr_equal(pte_table_alloc(mm, BORDER + 2 * MIB - PAGE_SIZE), above);
	assert_ptr_equal(pte_table_find(mm, BORDER + MIB), above);
	assert_ptr_equal(pte_table_find(mm, BORDER - 2 * MIB), below);
	assert_null(pte_table_find(mm, BORDER + 2 * MIB));
	assert_null(pte_table_find(mm, BORDER - 2 * MIB - PAGE_SIZE));
	assert_null(pte_table_find(mm, BORDER + GIB));
	/* The same place of other tables above. */
	assert_null(pte_table_find(mm, 0));
	assert_null(pte_table_find(mm, GIB));
	assert_null(pte_table_find(mm, 2 * BORDER));
	assert_non_null(pte_table_alloc(mm, TASK_SIZE - PAGE_SIZE));
	assert_int_equal(tables(), 3);
	assert_int_equal(dirs(), 6);
	for (unsigned int i = 0; i < PTRS_PER_PTE; i++)
		assert_int_equal(above->pte[i], 0);
}

static void indices_and_ends(void **state)
{
	(void)state;
	assert_int_equal(pte_index(BORDER), 0);
	assert_int_equal(pte_index(BORDER + PAGE_SIZE), 1);
	assert_int_equal(pte_index(BORDER - 1), PTRS_PER_PTE - 1);
	assert_int_equal(pmd_addr_end(BORDER, BORDER + GIB), BORDER + 2 * MIB);
	assert_int_equal(pmd_addr_end(BORDER - 1, BORDER + GIB), BORDER);
	assert_int_equal(pmd_addr_end(BORDER, BORDER + 2 * MIB), BORDER + 2 * MIB);
	assert_int_equal(pmd_addr_end(BORDER, BORDER + PAGE_SIZE), BORDER + PAGE_SIZE);
	assert_int_equal(pmd_addr_end(TASK_SIZE - PAGE_SIZE, TASK_SIZE), TASK_SIZE);
}

/* ---- unlink, case by case ---- */

static void unlink_keeps_the_neighbours_tables(void **state)
{
	struct pte_table *left = pte_table_alloc(mm, BORDER + 2 * MIB);

	(void)state;
	pte_table_alloc(mm, BORDER + 4 * MIB);
	pte_table_alloc(mm, BORDER + 6 * MIB);
	/* The neighbours' pages are in the first and in the last table. */
	unlink_range(BORDER + 3 * MIB, BORDER + 7 * MIB, BORDER + 3 * MIB, BORDER + 7 * MIB);
	assert_ptr_equal(pte_table_find(mm, BORDER + 2 * MIB), left);
	assert_null(pte_table_find(mm, BORDER + 4 * MIB));
	assert_non_null(pte_table_find(mm, BORDER + 6 * MIB));
	assert_int_equal(tables(), 2);
	/* The left one goes: its table is kept by whoever ends at its first page. */
	unlink_range(BORDER + 2 * MIB + PAGE_SIZE, BORDER + 3 * MIB, BORDER + 2 * MIB + PAGE_SIZE,
		     BORDER + 7 * MIB);
	assert_ptr_equal(pte_table_find(mm, BORDER + 2 * MIB), left);
	unlink_range(BORDER + 2 * MIB, BORDER + 2 * MIB + PAGE_SIZE, BORDER + 2 * MIB,
		     BORDER + 7 * MIB);
	assert_null(pte_table_find(mm, BORDER + 2 * MIB));
	assert_non_null(pte_table_find(mm, BORDER + 6 * MIB));
	assert_int_equal(dirs(), 2);
	unlink_range(BORDER + 7 * MIB, BORDER + 8 * MIB, 0, 0);
	assert_int_equal(tables(), 0);
	assert_int_equal(dirs(), 0);
}

static void unlink_at_the_borders_of_upper_tables(void **state)
{
	(void)state;
	pte_table_alloc(mm, BORDER - PAGE_SIZE);
	pte_table_alloc(mm, BORDER);
	pte_table_alloc(mm, BORDER + GIB);
	assert_int_equal(dirs(), 2 + 3);
	/* In the middle, with neighbours a page away on both sides. */
	unlink_range(BORDER, BORDER + GIB, BORDER, BORDER + GIB);
	assert_non_null(pte_table_find(mm, BORDER - PAGE_SIZE));
	assert_null(pte_table_find(mm, BORDER));
	assert_non_null(pte_table_find(mm, BORDER + GIB));
	assert_int_equal(tables(), 2);
	/* The lowest directory of the middle went, the one above it serves the right. */
	assert_int_equal(dirs(), 2 + 2);
	unlink_range(BORDER + GIB, BORDER + GIB + PAGE_SIZE, BORDER, 0);
	assert_int_equal(dirs(), 2);
	unlink_range(BORDER - PAGE_SIZE, BORDER, 0, 0);
	assert_int_equal(tables(), 0);
	assert_int_equal(dirs(), 0);
}

static void unlink_at_the_ends_of_the_address_space(void **state)
{
	(void)state;
	pte_table_alloc(mm, 0);
	pte_table_alloc(mm, TASK_SIZE - PAGE_SIZE);
	unlink_range(TASK_SIZE - PAGE_SIZE, TASK_SIZE, PAGE_SIZE, 0);
	assert_non_null(pte_table_find(mm, 0));
	assert_int_equal(tables(), 1);
	unlink_range(0, PAGE_SIZE, 0, 0);
	assert_int_equal(tables(), 0);
	assert_int_equal(dirs(), 0);
}

/* ---- unlink against a list of ranges ---- */

#define NR_RANGES 24

static struct range {
	unsigned long start, end;
	bool there;
} ranges[NR_RANGES];

/* Ascending, near borders of all kinds, some next to each other. */
static void draw_ranges(struct rng *rng)
{
	static const unsigned long strides[] = {PAGE_SIZE, MIB, 2 * MIB, 3 * MIB, 512 * MIB, GIB};
	unsigned long at = BORDER - rng_below(rng, 3) * GIB - 16 * MIB;

	for (int i = 0; i < NR_RANGES; i++) {
		if (rng_below(rng, 3))
			at += strides[rng_below(rng, ARRAY_SIZE(strides))];
		if (!rng_below(rng, 4))
			at = (at + 2 * MIB - 1) & ~(2 * MIB - 1);
		ranges[i].start = at;
		at += PAGE_SIZE * (1 + rng_below(rng, 1100));
		ranges[i].end = at;
		ranges[i].there = true;
	}
}

static bool span_is_used(unsigned long addr, unsigned long span)
{
	unsigned long first = addr & ~(span - 1);

	for (int i = 0; i < NR_RANGES; i++)
		if (ranges[i].there && ranges[i].start < first + span && ranges[i].end > first)
			return true;
	return false;
}

/* Every table of a range is there, marked as it was, and no other is. */
static void check_tables(void)
{
	for (int i = 0; i < NR_RANGES; i++)
		for (unsigned long addr = ranges[i].start; addr < ranges[i].end;
		     addr += PAGE_SIZE) {
			struct pte_table *table = pte_table_find(mm, addr);

			if (!table == span_is_used(addr, 2 * MIB))
				fail_msg("a table %s at %#lx", table ? "is left" : "is missing",
					 addr);
			if (ranges[i].there)
				assert_int_equal(table->pte[pte_index(addr)], addr);
		}
}

static void take_out(int i)
{
	unsigned long floor = 0, ceiling = 0;

	for (int j = 0; j < NR_RANGES; j++) {
		if (!ranges[j].there)
			continue;
		if (j < i)
			floor = ranges[j].end;
		if (j > i && !ceiling)
			ceiling = ranges[j].start;
	}
	for (unsigned long addr = ranges[i].start; addr < ranges[i].end; addr += PAGE_SIZE)
		pte_table_find(mm, addr)->pte[pte_index(addr)] = 0;
	ranges[i].there = false;
	unlink_range(ranges[i].start, ranges[i].end, floor, ceiling);
}

static void unlink_in_any_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rng rng;

		rng_init(&rng, seed, "ranges", 0);
		draw_ranges(&rng);
		for (int i = 0; i < NR_RANGES; i++)
			for (unsigned long a = ranges[i].start; a < ranges[i].end; a += PAGE_SIZE)
				pte_table_alloc(mm, a)->pte[pte_index(a)] = a;
		check_tables();
		for (int left = NR_RANGES; left > 0; left--) {
			int i = (int)rng_below(&rng, NR_RANGES);

			while (!ranges[i].there)
				i = (i + 1) % NR_RANGES;
			take_out(i);
			if (left % 6 == 1 || seed < 20)
				check_tables();
		}
		assert_int_equal(tables(), 0);
		assert_int_equal(dirs(), 0);
	}
}

/* ---- by the calls that programs make ---- */

static void touch(unsigned long start, unsigned long end)
{
	for (unsigned long addr = start; addr < end; addr += 128 * PAGE_SIZE)
		assert_int_equal(mmsim_store(mm, addr, addr), MMSIM_ACCESS_NEW);
}

static void assert_kept(unsigned long start, unsigned long end)
{
	for (unsigned long addr = start; addr < end; addr += 128 * PAGE_SIZE) {
		uint64_t value = 0;

		assert_int_equal(mmsim_load(mm, addr, &value), MMSIM_ACCESS_HIT);
		assert_int_equal(value, addr);
	}
}

static void munmap_keeps_the_neighbours_pages(void **state)
{
	static const unsigned long borders[] = {BORDER + 2 * MIB, BORDER + GIB, BORDER};
	const unsigned long half = 3 * MIB;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(borders); i++) {
		unsigned long at = borders[i];

		assert_int_equal(mmsim_mmap(mm, at - half, 2 * half, PROT_READ | PROT_WRITE, ANON),
				 at - half);
		touch(at - half, at + half);
		/* A hole over the border, then from it on, then up to it. */
		assert_int_equal(mmsim_munmap(mm, at - PAGE_SIZE, 2 * PAGE_SIZE), 0);
		mmsim_mm_check(mm);
		assert_kept(at - half, at - PAGE_SIZE);
		assert_int_equal(mmsim_munmap(mm, at, MIB), 0);
		mmsim_mm_check(mm);
		assert_kept(at - half, at - PAGE_SIZE);
		assert_kept(at + MIB, at + half);
		assert_int_equal(mmsim_munmap(mm, at - MIB, MIB), 0);
		mmsim_mm_check(mm);
		assert_kept(at - half, at - MIB);
		assert_kept(at + MIB, at + half);
		assert_int_equal(mmsim_munmap(mm, at - half, half), 0);
		mmsim_mm_check(mm);
		assert_kept(at + MIB, at + half);
		assert_null(pte_table_find(mm, at - half));
		assert_int_equal(mmsim_munmap(mm, at - half, 2 * half), 0);
		assert_int_equal(tables(), 0);
		assert_int_equal(dirs(), 0);
	}
}

/* ---- at the same time ---- */

static struct pte_table *found[4];

static int alloc_table(void *arg)
{
	struct pte_table **mine = arg;

	*mine = pte_table_alloc(mm, BORDER + (unsigned long)(mine - found) * PAGE_SIZE);
	BUG_ON(pte_table_find(mm, BORDER) != *mine);
	return 0;
}

static void race_for_a_table(uint64_t seed)
{
	struct mmsim_config config;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	config.seed = seed;
	config.switch_1_in = 1 + seed % 3;
	config.max_steps = 100000;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "app");
	assert_non_null(mm);
	for (int i = 0; i < 4; i++) {
		const struct task_attr attr = {.name = "tester", .cpu = -1};

		assert_non_null(machine_task_create(sim->machine, &attr, alloc_table, &found[i]));
	}
	if (mmsim_run(sim))
		fail_msg("seed %d: %s", (int)seed, mmsim_failure(sim));
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(found[i], found[0]);
	/* Who came second gave its own back. */
	assert_int_equal(tables(), 1);
	assert_int_equal(dirs(), 2);
	mmsim_mm_put(mm);
	assert_int_equal(mmsim_destroy(sim), 0);
}

static void one_table_for_all(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		race_for_a_table(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, make_mm, end_mm)
		ONE(tables_are_found_where_they_were_made),
		ONE(indices_and_ends),
		ONE(unlink_keeps_the_neighbours_tables),
		ONE(unlink_at_the_borders_of_upper_tables),
		ONE(unlink_at_the_ends_of_the_address_space),
		ONE(unlink_in_any_order),
		ONE(munmap_keeps_the_neighbours_pages),
		cmocka_unit_test(one_table_for_all),
#undef ONE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
