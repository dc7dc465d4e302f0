/* SPDX-License-Identifier: MIT */
/*
 * Whichever allocation fails, the call says -ENOMEM (or the access that there is
 * no memory), can be made again, and nothing leaks: the so-manyth allocation of
 * map, touch, protect and unmap fails, for every number, in every strategy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "mem/sim.h"
#include "mmsim/mmsim.h"

#define BASE 0x40000000ul /* at a border of two upper tables */
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static struct mmsim *sim;
static unsigned int failures;

static void note(bool failed)
{
	failures += failed;
}

static void store_at(struct mm_struct *mm, unsigned long addr)
{
	enum mmsim_access access = mmsim_store(mm, addr, addr);
	uint64_t value = 0;

	note(access == MMSIM_ACCESS_OOM);
	if (access == MMSIM_ACCESS_OOM)
		access = mmsim_store(mm, addr, addr);
	/* Only one allocation fails, so a second try goes through. */
	assert_in_range(access, MMSIM_ACCESS_HIT, MMSIM_ACCESS_COPY);
	assert_int_equal(mmsim_load(mm, addr, &value), MMSIM_ACCESS_HIT);
	assert_int_equal(value, addr);
}

static void again_if_no_memory(struct mm_struct *mm, int (*call)(struct mm_struct *mm))
{
	int err = call(mm);

	mmsim_mm_check(mm);
	note(err == -ENOMEM);
	if (err == -ENOMEM)
		err = call(mm);
	mmsim_mm_check(mm);
	assert_int_equal(err, 0);
}

static int map(struct mm_struct *mm)
{
	int64_t addr =
		mmsim_mmap(mm, BASE - 16 * PAGE_SIZE, 32 * PAGE_SIZE, PROT_READ | PROT_WRITE, ANON);

	return addr < 0 ? (int)addr : 0;
}

static int protect_middle(struct mm_struct *mm)
{
	return mmsim_mprotect(mm, BASE - PAGE_SIZE, 3 * PAGE_SIZE, PROT_READ);
}

static int unmap_middle(struct mm_struct *mm)
{
	return mmsim_munmap(mm, BASE - 4 * PAGE_SIZE, 8 * PAGE_SIZE);
}

static int unmap_all(struct mm_struct *mm)
{
	return mmsim_munmap(mm, BASE - 16 * PAGE_SIZE, 32 * PAGE_SIZE);
}

static void use_memory(struct mm_struct *mm)
{
	again_if_no_memory(mm, map);
	for (int i = -16; i < 16; i += 3)
		store_at(mm, BASE + (unsigned long)(i * (long)PAGE_SIZE));
	again_if_no_memory(mm, protect_middle);
	again_if_no_memory(mm, unmap_middle);
	store_at(mm, BASE - 16 * PAGE_SIZE);
	store_at(mm, BASE + 15 * PAGE_SIZE);
	again_if_no_memory(mm, unmap_all);
	assert_int_equal(mmsim_map_count(mm), 0);
}

/* False: there are fewer than @nth allocations. */
static bool fail_allocation(const char *fault, uint64_t nth)
{
	struct mmsim_config config;
	struct mm_struct *mm;
	bool reached;
	int err;

	failures = 0;
	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "fault", fault, NULL), 0);
	config.memory_bytes = 1 << 20;
	config.fail_allocation = nth;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "app");
	note(!mm);
	if (!mm)
		mm = mmsim_mm_create(sim, "app");
	assert_non_null(mm);
	err = mmsim_use_mm(mm);
	note(err);
	assert_int_equal(err ? mmsim_use_mm(mm) : 0, 0);
	use_memory(mm);
	mmsim_use_mm(NULL);
	mmsim_mm_put(mm);
	reached = quiet_load(sim->allocations) >= nth;
	if (mmsim_destroy(sim))
		fail_msg("fault=%s: allocation %d fails and something leaks", fault, (int)nth);
	if (failures > 1)
		fail_msg("fault=%s: allocation %d fails %u calls", fault, (int)nth, failures);
	return reached;
}

static void every_allocation_fails_once(void **state)
{
	struct mmsim_choice choice;

	(void)state;
	for (unsigned int i = 0; !mmsim_choice_at(i, &choice); i++) {
		uint64_t nth = 1;

		if (strcmp(choice.axis, "fault"))
			continue;
		while (fail_allocation(choice.name, nth))
			nth++;
		/* mm, top table, VMA, three tables, nodes, anon_vma, eleven pages at least. */
		assert_true(nth > 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
