/* SPDX-License-Identifier: MIT */
/*
 * Seeded faults of the per-VMA locks, each switched on alone, in both designs:
 * an rwsem a VMA (kernel 6.12) and a count in the VMA (6.18). A reader inside
 * notices three of them. The fourth, a downgrade that keeps the VMA locks, only
 * locks more than it should and never too little: nobody inside can notice, and
 * the checker passes it with any seed. It is what faults then do that shows it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "support/mutant_seed.h"
#include "support/vma_checker.h"

#include <cmocka.h>

static const struct vma_check designs[] = {
	{.machine = "step",
	 .kernel = "6.12",
	 .fault = "vma_rwsem",
	 .readers = 2,
	 .writers = 2,
	 .operations = 12},
	{.machine = "step",
	 .kernel = "6.18",
	 .fault = "vma_refcnt",
	 .readers = 2,
	 .writers = 2,
	 .operations = 12},
};

static bool run_checker(uint64_t seed, const void *arg, char *why)
{
	const struct vma_check *like = arg;
	struct vma_check check = *like;
	struct vma_verdict v;

	check.seed = seed;
	vma_check_run(&check, &v);
	snprintf(why, MUTANT_WHY, "%s", v.why);
	return v.good;
}

/* One seed a design. */
static void check_both(enum mmsim_mutant mutant, const uint64_t seeds[2], const char *detection)
{
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		struct mutant_seed m = {mutant, seeds[i], detection};

		mutant_check(&m, run_checker, &designs[i]);
	}
}

/* A reader that counted itself in just behind the writer: the VMA changes under it. */
static void second_seq_check_skipped(void **state)
{
	(void)state;
	check_both(MUTANT_VMA_SECOND_SEQ_CHECK_SKIPPED, (uint64_t[]){58, 42},
		   "its bounds changed");
}

/* The VMA was cut or grown between the lookup and the lock. */
static void range_check_forgotten(void **state)
{
	(void)state;
	check_both(MUTANT_VMA_RANGE_CHECK_FORGOTTEN, (uint64_t[]){5, 28},
		   "the address lies outside");
}

/* The VMA was unmapped between the lookup and the lock, which its words do not tell. */
static void detach_not_marked(void **state)
{
	(void)state;
	check_both(MUTANT_VMA_DETACH_NOT_MARKED, (uint64_t[]){21, 21}, "it is not in the tree");
}

/*
 * Expected: after a downgraded munmap faults on what is left of the VMA run
 * under its lock. Buggy: they find it write-locked until the next write hold of
 * mmap_lock ends, and take mmap_lock.
 */
static void downgrade_keeps_locks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		struct vma_halves halves;

		mmsim_mutant_on = MUTANT_VMA_DOWNGRADE_KEEPS_LOCKS;
		vma_halves_run(&designs[i], &halves);
		mmsim_mutant_on = NR_MUTANTS;
		assert_int_equal(halves.downgrades, 1);
		assert_int_equal(halves.success, 0);
		assert_int_equal(halves.aborts, 2);

		vma_halves_run(&designs[i], &halves);
		assert_int_equal(halves.downgrades, 1);
		assert_int_equal(halves.success, 2);
		assert_int_equal(halves.aborts, 0);
	}
}

/* The same while munmap, its lock downgraded, is still freeing: at each of its steps. */
static void downgrade_lets_faults_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		struct vma_sweep sweep;

		mmsim_mutant_on = MUTANT_VMA_DOWNGRADE_KEEPS_LOCKS;
		vma_sweep_run(&designs[i], &sweep);
		mmsim_mutant_on = NR_MUTANTS;
		assert_true(sweep.places > 10);
		assert_int_equal(sweep.success, 0);
		assert_int_equal(sweep.aborts, sweep.places);

		vma_sweep_run(&designs[i], &sweep);
		assert_true(sweep.places > 10);
		assert_int_equal(sweep.success, sweep.places);
		assert_int_equal(sweep.aborts, 0);
	}
}

/* What is said above of the fourth: readers inside are safe all the same. */
static void downgrade_that_keeps_locks_is_safe(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		for (uint64_t seed = 1; seed <= 100; seed++) {
			char why[MUTANT_WHY];
			bool good;

			mmsim_mutant_on = MUTANT_VMA_DOWNGRADE_KEEPS_LOCKS;
			good = run_checker(seed, &designs[i], why);
			mmsim_mutant_on = NR_MUTANTS;
			if (!good)
				fail_msg("%s, seed %llu: %s", designs[i].fault,
					 (unsigned long long)seed, why);
		}
	}
}

/* The seeds reach what they are to check: locks got, refused, and detached VMAs met. */
static void checker_sees_all_outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		uint64_t locked = 0, aborts = 0, misses = 0;

		for (uint64_t seed = 1; seed <= 200; seed++) {
			struct vma_check check = designs[i];
			struct vma_verdict v;

			check.seed = seed;
			vma_check_run(&check, &v);
			if (!v.good)
				fail_msg("%s, seed %llu: %s", check.fault, (unsigned long long)seed,
					 v.why);
			locked += v.locked;
			aborts += v.aborts;
			misses += v.misses;
		}
		assert_true(locked && aborts && misses);
	}
}

/* The same on threads: with ThreadSanitizer the plain loads are watched. */
static void checker_on_the_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		struct vma_check check = designs[i];
		struct vma_verdict v;

		check.machine = "host";
		check.seed = 1;
		check.operations = 2000;
		vma_check_run(&check, &v);
		if (!v.good)
			fail_msg("%s: %s", check.fault, v.why);
		assert_true(v.locked + v.aborts > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_seq_check_skipped),
		cmocka_unit_test(range_check_forgotten),
		cmocka_unit_test(detach_not_marked),
		cmocka_unit_test(downgrade_keeps_locks),
		cmocka_unit_test(downgrade_lets_faults_in),
		cmocka_unit_test(downgrade_that_keeps_locks_is_safe),
		cmocka_unit_test(checker_sees_all_outcomes),
		cmocka_unit_test(checker_on_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
