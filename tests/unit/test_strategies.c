/* SPDX-License-Identifier: MIT */
/*
 * One test body, all strategies: whatever stands in the tables of the axes fault, munmap and
 * madvise is checked from inside its critical section and from outside, on many schedules of the
 * step machine and once on the host. A new strategy is tested as soon as it is in its table.
 *
 *	strategies [NAME]		that one alone
 *	MMSIM_TEST_SIZE=smoke|full|long	how many schedules
 */
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
#include "mmsim/explore.h"
#include "mmsim/mmsim.h"
#include "support/address_body.h"
#include "support/vma_checker.h"

#define NEWEST "6.18"
#define FAILURES_SHOWN 3

static const char *only;

static uint64_t seeds(void)
{
	const char *size = getenv("MMSIM_TEST_SIZE");

	if (size && !strcmp(size, "long"))
		return 20000;
	return size && !strcmp(size, "full") ? 2000 : 100;
}

static bool is_wanted(const char *name)
{
	return !only || !strcmp(only, name);
}

/* ---- from inside: does who has locked a VMA find it held still? ---- */

static void check_inside(const struct fault_strategy *strategy, const char *machine, uint64_t nr)
{
	struct vma_check check = {
		.machine = machine,
		.kernel = NEWEST,
		.fault = strategy->name,
		.choose = true,
		.readers = 2,
		.writers = 2,
		.operations = 12,
	};
	uint64_t locked = 0, aborts = 0;

	for (check.seed = 1; check.seed <= nr; check.seed++) {
		struct vma_verdict v;

		vma_check_run(&check, &v);
		if (!v.good)
			fail_msg("fault=%s on %s, seed %llu: %s", strategy->name, machine,
				 (unsigned long long)check.seed, v.why);
		locked += v.locked;
		aborts += v.aborts;
	}
	/* The schedules reached what they are for; what threads of the host meet is chance. */
	if (strcmp(machine, "host"))
		assert_true(locked > 0 && aborts > 0);
}

static void vmas_are_held_still(void **state)
{
	const struct fault_strategy *strategy;

	(void)state;
	for (unsigned int i = 0; (strategy = fault_strategy_at(i)); i++) {
		if (!strategy->per_vma || !is_wanted(strategy->name))
			continue;
		check_inside(strategy, "step", seeds());
		check_inside(strategy, "host", 1);
	}
}

/* ---- a fault beside a munmap: every schedule with few preemptions ---- */

/* A sanitizer costs ten times as much a step, and as much a fibre. */
#if defined(MMSIM_ASAN) || defined(MMSIM_TSAN)
#define PREEMPTIONS 1
#else
#define PREEMPTIONS 3
#endif

#define WINDOW 0x100000ul
#define FAULTS_AT (WINDOW + 0x1000)

static int fault_in(void *mm)
{
	enum mmsim_access answer = mmsim_store(mm, FAULTS_AT, 1);

	if (answer != MMSIM_ACCESS_NEW && answer != MMSIM_ACCESS_MAPERR)
		mmsim_bug("the fault answers %d", answer);
	return 0;
}

static int unmap_it(void *mm)
{
	if (mmsim_munmap(mm, FAULTS_AT, 0x1000))
		mmsim_bug("munmap fails");
	/* Who still could put a page there would be seen by this one. */
	if (mmsim_load(mm, FAULTS_AT, NULL) != MMSIM_ACCESS_MAPERR)
		mmsim_bug("a page is where all was unmapped");
	return 0;
}

/* One schedule: NULL, or what broke. */
static const char *fault_beside_munmap(const char *strategy, struct mmsim_search *search)
{
	static char why[256];
	struct mmsim_task_attr attr = {.cpu = -1};
	struct mmsim_config config;
	struct mm_struct *mm;
	struct mmsim *sim;

	mmsim_config_init(&config);
	strcpy(config.machine, "step");
	assert_int_equal(mmsim_config_set(&config, "fault", strategy, NULL), 0);
	config.memory_bytes = 1 << 20;
	config.search = search;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "app");
	attr.mm = mm;
	assert_int_equal(mmsim_mmap(mm, WINDOW, 0x4000, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
			 WINDOW);
	/* So that the VMA has an anon_vma. */
	assert_int_equal(mmsim_use_mm(mm), 0);
	assert_int_equal(mmsim_store(mm, WINDOW, 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_use_mm(NULL), 0);
	attr.name = "T1";
	assert_non_null(mmsim_task_create(sim, &attr, fault_in, mm));
	attr.name = "T2";
	assert_non_null(mmsim_task_create(sim, &attr, unmap_it, mm));
	*why = '\0';
	if (mmsim_run(sim)) {
		snprintf(why, sizeof(why), "%s", mmsim_failure(sim));
		mmsim_destroy(sim);
		return why;
	}
	mmsim_mm_put(mm);
	return mmsim_destroy(sim) ? "objects or pages are left" : NULL;
}

static void all_schedules_of_a_fault_and_a_munmap(void **state)
{
	const struct mmsim_search_config how = {.kind = MMSIM_SEARCH_BOUNDED,
						.preemptions = PREEMPTIONS};
	const struct fault_strategy *strategy;

	(void)state;
	for (unsigned int i = 0; (strategy = fault_strategy_at(i)); i++) {
		struct mmsim_search *search;
		const char *broke;

		if (!is_wanted(strategy->name))
			continue;
		search = mmsim_search_create(&how);
		do {
			broke = fault_beside_munmap(strategy->name, search);
			if (broke)
				fail_msg("fault=%s, schedule '%s': %s", strategy->name,
					 mmsim_search_schedule(search), broke);
		} while (mmsim_search_next(search));
		mmsim_search_destroy(search);
	}
}

/* ---- from outside: could one after the other have been answered so? ---- */

static unsigned int check_outside(struct address_run *run, const char *what, const char *name)
{
	unsigned int failed = 0;
	uint64_t overlaps = 0;

	if (!is_wanted(name))
		return 0;
	for (run->seed = 1; run->seed <= seeds() && failed < FAILURES_SHOWN; run->seed++) {
		struct address_verdict v;

		run->mix = run->seed / 5 % NR_ADDRESS_MIXES;
		address_run(run, &v);
		overlaps += v.overlaps;
		if (v.good)
			continue;
		failed++;
		print_error("%s=%s, seed %llu: %s\n", what, name, (unsigned long long)run->seed,
			    v.why);
	}
	assert_true(overlaps > 0);
	return failed;
}

static void answers_have_an_order(void **state)
{
	const struct munmap_strategy *munmap;
	const struct madvise_strategy *madvise;
	const struct fault_strategy *fault;
	unsigned int failed = 0;

	(void)state;
	for (unsigned int i = 0; (fault = fault_strategy_at(i)); i++)
		failed +=
			check_outside(&(struct address_run){.kernel = NEWEST, .fault = fault->name},
				      "fault", fault->name);
	for (unsigned int i = 0; (munmap = munmap_strategy_at(i)); i++)
		failed += check_outside(
			&(struct address_run){.kernel = NEWEST, .munmap = munmap->name}, "munmap",
			munmap->name);
	for (unsigned int i = 0; (madvise = madvise_strategy_at(i)); i++)
		failed += check_outside(
			&(struct address_run){.kernel = NEWEST, .madvise = madvise->name},
			"madvise", madvise->name);
	assert_int_equal(failed, 0);
}

/* ---- what the tables say ---- */

static bool is_one_of_five(const char *helps)
{
	static const char *const ways[] = {"lock-free",	   "shorter hold",	 "split lock",
					   "less waiting", "fewer acquisitions", "none"};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strncmp(helps, ways[i], strlen(ways[i])))
			return true;
	return false;
}

static void tables_say_what_they_are(void **state)
{
	struct mmsim_choice choice;
	bool found = !only;

	(void)state;
	for (unsigned int i = 0; !mmsim_choice_at(i, &choice); i++) {
		found |= is_wanted(choice.name);
		assert_true(*choice.name && *choice.models);
		if (!is_one_of_five(choice.helps))
			fail_msg("%s=%s: '%s' is none of the ways to help", choice.axis,
				 choice.name, choice.helps);
	}
	if (!found)
		fail_msg("%s: in no table", only);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_say_what_they_are),
		cmocka_unit_test(vmas_are_held_still),
		cmocka_unit_test(all_schedules_of_a_fault_and_a_munmap),
		cmocka_unit_test(answers_have_an_order),
	};

	only = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
