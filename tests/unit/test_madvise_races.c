/* SPDX-License-Identifier: MIT */
/*
 * madvise under the VMA lock, and what another task does to the VMA meanwhile.
 * One of the two is stopped after each of its steps in turn while the other
 * runs. In each of these runs exactly one thing is counted, the lock or one
 * reason why not; what a test looks for is found in some.
 */
#include "support/mm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct mm_setup designs[] = {
	{"6.12", "vma_rwsem", "vma_lock", NULL, NULL},
	{"6.18", "vma_refcnt", "vma_lock", NULL, NULL},
};

static int answer; /* of madvise */
static struct mm_struct *other; /* another address space */

/* What is to be found. */
struct outcome {
	const char *reason; /* of the fallback; NULL: the VMA lock */
	unsigned int repeated; /* lookups that found a detached VMA */
	int answer;
};

static bool is_outcome(struct mm_world *w, const void *expected)
{
	const struct outcome *o = expected;
	char counter[64];

	madvise_check_one_call(w);
	if (other) {
		/* The reader that met another's VMA let go of that one's mm. */
		assert_int_equal(quiet_load(other->mm_count.counter), 1);
		mmsim_mm_put(other);
		other = NULL;
	}
	if (answer != o->answer || world_counter(w, "madvise_lookup_repeated") != o->repeated)
		return false;
	if (!o->reason)
		return world_counter(w, "madvise_vma_lock") == 1;
	snprintf(counter, sizeof(counter), "madvise_fallback_%s", o->reason);
	return world_counter(w, counter) == 1;
}

static void must(int64_t got, int64_t expected)
{
	if (got != expected)
		mmsim_bug("answer %lld, expected %lld", (long long)got, (long long)expected);
}

static void advise(struct mm_world *w)
{
	answer = mmsim_madvise(w->mm, PAGE(4), 4 * PAGE_SIZE, MADV_DONTNEED);
}

/* ---- a VMA of twelve pages, madvise for its middle ---- */

static void prepare_one(struct mm_world *w)
{
	world_map(w, 0, 12, RW);
	world_touch(w, 4);
}

static void protect_all(struct mm_world *w)
{
	must(mmsim_mprotect(w->mm, PAGE(0), 12 * PAGE_SIZE, PROT_READ), 0);
}

static void unmap_all(struct mm_world *w)
{
	must(mmsim_munmap(w->mm, PAGE(0), 12 * PAGE_SIZE), 0);
}

/* The VMA that was found keeps the upper pages, those below get another. */
static void cut_above(struct mm_world *w)
{
	must(mmsim_mprotect(w->mm, PAGE(8), 4 * PAGE_SIZE, PROT_READ), 0);
}

/* The VMA's slot is the next to be used: typesafe, so without a grace period. */
static void reuse_elsewhere(struct mm_world *w)
{
	unmap_all(w);
	must(mmsim_mmap(w->mm, PAGE(32), PAGE_SIZE, RW, ANON | MAP_FIXED), PAGE(32));
}

static void prepare_other(struct mm_world *w)
{
	prepare_one(w);
	other = mmsim_mm_create(w->sim, "other");
	assert_non_null(other);
}

static void reuse_by_another(struct mm_world *w)
{
	unmap_all(w);
	must(mmsim_mmap(other, PAGE(0), 12 * PAGE_SIZE, RW, ANON | MAP_FIXED), PAGE(0));
}

/* ---- two VMAs of one anon_vma, madvise for the upper ---- */

static void prepare_halves(struct mm_world *w)
{
	world_map(w, 0, 8, RW);
	world_touch(w, 4);
	assert_int_equal(mmsim_mprotect(w->mm, PAGE(4), 4 * PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(mmsim_map_count(w->mm), 2);
}

static void merge_halves(struct mm_world *w)
{
	must(mmsim_mprotect(w->mm, PAGE(4), 4 * PAGE_SIZE, RW), 0);
}

/* ---- */

static unsigned int found(size_t design, const struct mm_race *like, const struct outcome *o)
{
	struct mm_race race = *like;

	race.found = is_outcome;
	race.expected = o;
	return world_sweep(&designs[design], &race);
}

/* F2: mprotect is stopped, first with mmap_lock alone, then with the VMA, too. */
static void f2_write_locked_by_mprotect(void **state)
{
	static const struct mm_race race = {.prepare = prepare_one, .a = protect_all, .b = advise};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		assert_true(found(i, &race, &(struct outcome){"locked", 0, 0}));
		assert_true(found(i, &race, &(struct outcome){NULL, 0, 0}));
	}
}

/* F3: the VMA was merged into its neighbour, which is found and locked in its place. */
static void f3_detached_and_found_again(void **state)
{
	static const struct mm_race race = {
		.prepare = prepare_halves, .a = advise, .b = merge_halves};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		assert_true(found(i, &race, &(struct outcome){NULL, 1, 0}));
		/* Nothing is wrong with the neighbour. */
		assert_false(found(i, &race, &(struct outcome){"locked", 1, 0}));
	}
}

/* F3, then F1: and there is no other in its place. */
static void f3_detached_and_gone(void **state)
{
	static const struct mm_race race = {.prepare = prepare_one, .a = advise, .b = unmap_all};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++)
		assert_true(found(i, &race, &(struct outcome){"gap", 1, -ENOMEM}));
}

static void f4_moved_out(void **state)
{
	static const struct mm_race race = {.prepare = prepare_one, .a = advise, .b = cut_above};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++)
		assert_true(found(i, &race, &(struct outcome){"moved", 0, 0}));
}

static void f4_reused(void **state)
{
	static const struct mm_race races[] = {
		{.prepare = prepare_one, .a = advise, .b = reuse_elsewhere},
		{.prepare = prepare_other, .a = advise, .b = reuse_by_another},
	};
	static const struct outcome moved = {"moved", 0, -ENOMEM}, gone = {"gap", 1, -ENOMEM};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(races); i++) {
		assert_true(found(1, &races[i], &moved));
		assert_false(found(1, &races[i], &gone));
		/* The older design frees a VMA after a grace period: nobody reuses this one. */
		assert_false(found(0, &races[i], &moved));
		assert_true(found(0, &races[i], &gone));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(f2_write_locked_by_mprotect),
		cmocka_unit_test(f3_detached_and_found_again),
		cmocka_unit_test(f3_detached_and_gone),
		cmocka_unit_test(f4_moved_out),
		cmocka_unit_test(f4_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
