/* SPDX-License-Identifier: MIT */
/*
 * The next VMA above an address, locked without mmap_lock, as /proc/PID/maps is
 * read since 6.17: what happens when the address space changes between the
 * lookup and the lock. The reader, task "A", yields behind its first lookup, so
 * a schedule says what comes then; its lookups are counted.
 */
#include "support/mm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct {
	struct mm_world w;
	struct mm_struct *other;
	const struct find *find;
	struct mmsim_vma answer;
	int err;
	bool done, first_done; /* A has its answer; ... before the other one let go */
	unsigned int lookups; /* A's */
} run;

struct vm_area_struct *__real_vma_tree_find(const struct vma_tree *tree, unsigned long addr,
					    unsigned long *start, unsigned long *end);
struct vm_area_struct *__wrap_vma_tree_find(const struct vma_tree *tree, unsigned long addr,
					    unsigned long *start, unsigned long *end);

struct vm_area_struct *__wrap_vma_tree_find(const struct vma_tree *tree, unsigned long addr,
					    unsigned long *start, unsigned long *end)
{
	struct vm_area_struct *vma = __real_vma_tree_find(tree, addr, start, end);

	if (!strcmp(mmsim_task_name(mmsim_task_self()), "A") && !run.lookups++)
		mmsim_yield();
	return vma;
}

/* [0, 8) and [16, 20); what comes between lookup and lock, and what is found. */
struct find {
	unsigned int from;
	void (*change)(void);
	int err;
	unsigned int start; /* of the VMA found */
	unsigned int lookups;
	unsigned int under_mmap_lock, under_vma_lock; /* locks taken */
	bool waits;
};

static void must(int64_t got, int64_t expected)
{
	if (got != expected)
		mmsim_bug("answer %lld, expected %lld", (long long)got, (long long)expected);
}

static void map(struct mm_struct *mm, unsigned int page, unsigned int pages)
{
	must(mmsim_mmap(mm, PAGE(page), pages * PAGE_SIZE, RW, ANON | MAP_FIXED), PAGE(page));
}

static void unmap_first(void)
{
	must(mmsim_munmap(run.w.mm, PAGE(0), 8 * PAGE_SIZE), 0);
}

static void unmap_second(void)
{
	must(mmsim_munmap(run.w.mm, PAGE(16), 4 * PAGE_SIZE), 0);
}

/* The VMA found is the upper part, and goes; its lower part has a VMA of its own. */
static void unmap_upper(void)
{
	must(mmsim_munmap(run.w.mm, PAGE(4), 4 * PAGE_SIZE), 0);
}

/* The VMA found keeps the lower part. */
static void protect_lower(void)
{
	must(mmsim_mprotect(run.w.mm, PAGE(0), 4 * PAGE_SIZE, PROT_READ), 0);
}

static void map_in_gap(void)
{
	map(run.w.mm, 12, 2);
}

static void map_far_above(void)
{
	map(run.w.mm, 40, 2);
}

/* The slot of the VMA that was found is used again: above the next one, or elsewhere. */
static void reuse_above(void)
{
	unmap_first();
	map_far_above();
}

static void reuse_by_another(void)
{
	unmap_first();
	map(run.other, 0, 8);
}

static void hold_mmap_lock(void)
{
	mmap_write_lock(run.w.mm, SITE_user);
	mmsim_yield();
	run.first_done = run.done;
	mmap_write_unlock(run.w.mm);
}

static void hold_vma_lock(void)
{
	mmap_write_lock(run.w.mm, SITE_user);
	vma_start_write(__real_vma_tree_find(&run.w.mm->mm_mt, PAGE(0), NULL, NULL));
	mmsim_yield();
	run.first_done = run.done;
	mmap_write_unlock(run.w.mm);
}

static int finder(void *arg)
{
	(void)arg;
	run.err = mmsim_vma_find(run.w.mm, PAGE(run.find->from), &run.answer);
	run.done = true;
	return 0;
}

static int changer(void *arg)
{
	(void)arg;
	run.find->change();
	return 0;
}

static void nothing(void)
{
}

static void find_next(const char *kernel, const struct find *f, const char *schedule)
{
	const struct mm_setup setup = {kernel, NULL, NULL, schedule, NULL};
	struct mmsim_lock_site mmap_lock, vma_lock;

	memset(&run, 0, sizeof(run));
	run.find = f;
	world_make(&run.w, &setup);
	run.other = mmsim_mm_create(run.w.sim, "other");
	assert_non_null(run.other);
	world_map(&run.w, 0, 8, RW);
	world_map(&run.w, 16, 4, RW);
	world_task(&run.w, "A", finder, NULL);
	world_task(&run.w, "B", changer, NULL);
	world_run(&run.w);
	assert_int_equal(run.err, f->err);
	if (!f->err)
		assert_int_equal(run.answer.start, PAGE(f->start));
	assert_int_equal(run.lookups, f->lookups);
	mmap_lock = world_site(&run.w, "mmap_lock", "inspect");
	vma_lock = world_site(&run.w, "vma_lock", "inspect");
	assert_int_equal(mmap_lock.acquired_read, f->under_mmap_lock);
	assert_int_equal(vma_lock.acquired_read, f->under_vma_lock);
	assert_int_equal(world_waits(&run.w, "A", NULL, NULL), f->waits);
	/* It is no fault's lookup: none of theirs is counted. */
	assert_int_equal(world_counter(&run.w, "vma_lock_abort"), 0);
	assert_int_equal(world_counter(&run.w, "vma_lock_miss"), 0);
	mmsim_mm_put(run.other);
	world_end(&run.w);
}

static void by_release(void **state)
{
	static const struct find under_mmap = {0, nothing, 0, 0, 1, 1, 0, false};
	static const struct find under_vma = {0, nothing, 0, 0, 1, 0, 1, false};
	static const struct find none = {30, nothing, -ENOENT, 0, 1, 1, 0, false};
	static const struct find none_unlocked = {30, nothing, -ENOENT, 0, 1, 0, 0, false};

	(void)state;
	find_next("6.1", &under_mmap, NULL);
	find_next("6.12", &under_mmap, NULL);
	find_next("6.16", &under_mmap, NULL);
	find_next("6.17", &under_vma, NULL);
	find_next("6.18", &under_vma, NULL);
	find_next("6.16", &none, NULL);
	find_next("6.18", &none_unlocked, NULL);
}

/* A up to behind its lookup, B to its end, A to its end. */
static void changed_behind_the_lookup(void **state)
{
	static const struct find cases[] = {
		/* Nothing, or nothing that matters. */
		{0, nothing, 0, 0, 1, 0, 1, false},
		{0, map_far_above, 0, 0, 1, 0, 1, false},
		/* Detached: again, and no mmap_lock for that. */
		{0, unmap_first, 0, 16, 2, 0, 1, false},
		{4, unmap_first, 0, 16, 2, 0, 1, false},
		{6, unmap_upper, 0, 16, 2, 0, 1, false},
		{2, unmap_upper, 0, 0, 2, 0, 1, false},
		{12, unmap_second, -ENOENT, 0, 2, 0, 0, false},
		/* What was found ends below the address by now. */
		{6, protect_lower, 0, 4, 2, 1, 2, false},
		{2, protect_lower, 0, 0, 1, 0, 1, false},
		/* Behind a gap: if anything was written since, is it still the next? */
		{12, nothing, 0, 16, 1, 0, 1, false},
		{12, map_far_above, 0, 16, 2, 0, 1, false},
		{12, map_in_gap, 0, 12, 3, 1, 2, false},
		/* What was found is somewhere else by now. */
		{0, reuse_above, 0, 16, 3, 1, 2, false},
		{0, reuse_by_another, 0, 16, 2, 1, 2, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		find_next("6.18", &cases[i], "A~ B*5000 A*5000");
}

static void a_write_locked_vma_is_waited_for(void **state)
{
	/* The lock that is got in the end is the VMA's, with mmap_lock held for a moment. */
	static const struct find find = {0, hold_vma_lock, 0, 0, 2, 1, 1, true};

	(void)state;
	find_next("6.18", &find, "B~ A~ A~");
	assert_false(run.first_done);
}

/* A writer that works elsewhere: the gap is looked at twice, and nobody is waited for. */
static void a_writer_elsewhere_is_not_waited_for(void **state)
{
	static const struct find in_gap = {12, hold_mmap_lock, 0, 16, 2, 0, 1, false};
	static const struct find inside = {2, hold_mmap_lock, 0, 0, 1, 0, 1, false};

	(void)state;
	find_next("6.18", &in_gap, "B~ A~ A~");
	assert_true(run.first_done);
	find_next("6.18", &inside, "B~ A~ A~");
	assert_true(run.first_done);
}

static void a_kill_ends_the_wait(void **state)
{
	static const struct find find = {0, hold_vma_lock, -EINTR, 0, 1, 0, 0, true};

	(void)state;
	find_next("6.18", &find, "B~ A~ A~ !kill:A A~");
	assert_true(run.first_done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_release),
		cmocka_unit_test(changed_behind_the_lookup),
		cmocka_unit_test(a_write_locked_vma_is_waited_for),
		cmocka_unit_test(a_writer_elsewhere_is_not_waited_for),
		cmocka_unit_test(a_kill_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
