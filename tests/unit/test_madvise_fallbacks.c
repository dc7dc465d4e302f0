/* SPDX-License-Identifier: MIT */
/*
 * Why madvise could not do with the VMA lock: every cause is reached, counted
 * once, and no other with it. F1 to F10, as the counters call them; F3 and F4
 * need a race and are in test_madvise_races.c.
 */
#include "support/mm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

#define EXCLUDE_READERS (1 << 30)
#define REFCNT_LIMIT (EXCLUDE_READERS - 1)
#define FALLBACK "madvise_fallback_"

/* ---- causes that need nobody else ---- */

/* [0, 8) with anon_vma, [8, 12) read-only, a gap, [16, 20) without anon_vma. */
static void map_layout(struct mm_world *w)
{
	world_map(w, 0, 8, RW);
	world_map(w, 8, 4, PROT_READ);
	world_map(w, 16, 4, RW);
	world_touch(w, 0);
}

static void arm_first(struct mm_world *w)
{
	assert_int_equal(mmsim_userfaultfd(w->mm, PAGE(0), 8 * PAGE_SIZE, 1), 0);
}

static void run_in_none(struct mm_world *w)
{
	(void)w;
	assert_int_equal(mmsim_use_mm(NULL), 0);
}

static struct mm_struct *other_mm;

static void run_in_another(struct mm_world *w)
{
	other_mm = mmsim_mm_create(w->sim, "other");
	assert_non_null(other_mm);
	assert_int_equal(mmsim_use_mm(other_mm), 0);
}

struct cause {
	const char *reason; /* NULL: none, it ran under the VMA lock; "": it never tries */
	unsigned int aborts;
	unsigned int reads; /* mmap_lock taken for read */
	const char *kernel, *fault, *madvise;
	unsigned int first, end;
	int advice, answer;
	void (*prepare)(struct mm_world *w);
};

/* clang-format off */
static const struct cause causes[] = {
	/* None: inside one VMA, up to its very end. */
	{ NULL, 0, 0, "6.18", NULL, NULL, 4, 8, MADV_DONTNEED, 0, NULL },
	{ NULL, 0, 0, "6.18", NULL, NULL, 0, 8, MADV_FREE, 0, NULL },
	{ NULL, 0, 0, "6.12", NULL, "vma_lock", 0, 8, MADV_DONTNEED, 0, NULL },
	/* F1: no VMA at the start; with one behind it, without. */
	{ "gap", 1, 1, "6.18", NULL, NULL, 12, 18, MADV_DONTNEED, -ENOMEM, NULL },
	{ "gap", 1, 1, "6.18", NULL, NULL, 30, 31, MADV_FREE, -ENOMEM, NULL },
	{ "gap", 1, 1, "6.12", NULL, "vma_lock", 12, 18, MADV_DONTNEED, -ENOMEM, NULL },
	/* F5: into the next VMA, into a gap. */
	{ "crosses", 0, 1, "6.18", NULL, NULL, 4, 9, MADV_DONTNEED, 0, NULL },
	{ "crosses", 0, 1, "6.18", NULL, NULL, 8, 13, MADV_FREE, -ENOMEM, NULL },
	{ "crosses", 0, 1, "6.12", NULL, "vma_lock", 4, 9, MADV_DONTNEED, 0, NULL },
	/* F6: the caller runs nowhere, or elsewhere. */
	{ "remote", 0, 1, "6.18", NULL, NULL, 0, 8, MADV_DONTNEED, 0, run_in_none },
	{ "remote", 0, 1, "6.18", NULL, NULL, 0, 8, MADV_DONTNEED, 0, run_in_another },
	/* F7: the monitor is told, and mmap_lock dropped for it. */
	{ "userfaultfd", 0, 2, "6.18", NULL, NULL, 0, 8, MADV_DONTNEED, 0, arm_first },
	{ "userfaultfd", 0, 2, "6.18", NULL, NULL, 0, 8, MADV_FREE, 0, arm_first },
	{ "userfaultfd", 0, 2, "6.6", NULL, "vma_lock", 0, 8, MADV_DONTNEED, 0, arm_first },
	/* F8: only guard pages, and only the first of a VMA. */
	{ "guard", 0, 1, "6.19", NULL, NULL, 16, 18, MADV_GUARD_INSTALL, 0, NULL },
	{ "guard", 0, 1, "7.0", NULL, NULL, 16, 18, MADV_GUARD_INSTALL, 0, NULL },
	{ NULL, 0, 0, "6.19", NULL, NULL, 4, 8, MADV_GUARD_INSTALL, 0, NULL },
	{ NULL, 0, 0, "6.19", NULL, NULL, 16, 18, MADV_GUARD_REMOVE, 0, NULL },
	{ NULL, 0, 0, "6.19", NULL, NULL, 16, 18, MADV_DONTNEED, 0, NULL },
	{ "", 0, 1, "6.18", NULL, NULL, 16, 18, MADV_GUARD_INSTALL, 0, NULL },
	{ "", 0, 1, "6.18", NULL, NULL, 16, 18, MADV_GUARD_REMOVE, 0, NULL },
	/* F9: there are no VMA locks. */
	{ "off", 0, 1, "6.18", "mmap_lock", NULL, 0, 8, MADV_DONTNEED, 0, NULL },
	{ "off", 0, 1, "6.1", NULL, "vma_lock", 0, 8, MADV_DONTNEED, 0, NULL },
	/* Not upstream's: locks of releases before madvise used them. */
	{ "unlockable", 1, 1, "6.4", NULL, "vma_lock", 16, 18, MADV_DONTNEED, 0, NULL },
	{ "unlockable", 1, 1, "6.9", NULL, "vma_lock", 16, 18, MADV_DONTNEED, 0, NULL },
	{ "unlockable", 1, 2, "6.4", NULL, "vma_lock", 0, 8, MADV_DONTNEED, 0, arm_first },
	{ NULL, 0, 0, "6.10", NULL, "vma_lock", 16, 18, MADV_DONTNEED, 0, NULL },
	{ NULL, 0, 0, "6.4", NULL, "vma_lock", 0, 8, MADV_DONTNEED, 0, NULL },
	/* Advices and releases that never try. */
	{ "", 0, 1, "6.12", NULL, NULL, 0, 8, MADV_DONTNEED, 0, NULL },
	{ "", 0, 1, "6.18", NULL, NULL, 0, 8, MADV_COLD, 0, NULL },
};
/* clang-format on */

static void check_cause(const struct cause *c)
{
	const struct mm_setup setup = {c->kernel, c->fault, c->madvise, NULL, NULL};
	bool tries = !c->reason || *c->reason;
	const char *reason = c->reason ? c->reason : "";
	uint64_t aborts, misses, reads;
	struct mm_world w;

	world_make(&w, &setup);
	map_layout(&w);
	if (c->prepare)
		c->prepare(&w);
	aborts = world_counter(&w, "vma_lock_abort");
	misses = world_counter(&w, "vma_lock_miss");
	reads = world_site(&w, "mmap_lock", "madvise").acquired_read;
	assert_int_equal(
		mmsim_madvise(w.mm, PAGE(c->first), (c->end - c->first) * PAGE_SIZE, c->advice),
		c->answer);
	assert_int_equal(madvise_fallbacks(&w, reason), *reason != 0);
	assert_int_equal(world_counter(&w, "madvise_vma_lock"), !c->reason);
	assert_int_equal(world_counter(&w, "vma_lock_abort") - aborts, c->aborts);
	assert_int_equal(world_counter(&w, "vma_lock_miss") - misses, 0);
	assert_int_equal(world_counter(&w, "madvise_lookup_repeated"), 0);
	assert_int_equal(world_site(&w, "mmap_lock", "madvise").acquired_read - reads, c->reads);
	if (tries)
		assert_int_equal(world_counter(&w, "madvise_mmap_lock"), *reason != 0);
	/* A lock that was not enough was given back. */
	if (w.mm->fault->per_vma)
		assert_int_equal(vma_readers(world_vma(&w, 0)), 0);
	assert_int_equal(mmsim_use_mm(w.mm), 0);
	if (other_mm)
		mmsim_mm_put(other_mm);
	other_mm = NULL;
	world_end(&w);
}

static void causes_without_a_race(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		check_cause(&causes[i]);
}

/* ---- F2: a writer has the VMA, or wants it; too many readers ---- */

static const struct mm_setup designs[] = {
	{"6.12", "vma_rwsem", "vma_lock", NULL, NULL},
	{"6.18", "vma_refcnt", "vma_lock", NULL, NULL},
};

/* What the tasks of a run share. */
static struct {
	struct mm_world w;
	bool advised; /* the call has returned */
	int answer;
	int refcnt; /* seen before madvise began */
	bool write_locked;
	long lock_count;
} run;

static void make_run(const struct mm_setup *design, const char *schedule)
{
	struct mm_setup setup = *design;

	memset(&run, 0, sizeof(run));
	setup.schedule = schedule;
	world_make(&run.w, &setup);
}

static int advise(void *arg)
{
	const struct vm_area_struct *vma = arg;

	if (vma) {
		run.refcnt = quiet_load(vma->vm_refcnt.counter);
		run.write_locked = vma_is_write_locked(vma);
		run.lock_count = vma->vm_lock ? quiet_load(vma->vm_lock->count.counter) : 0;
	}
	run.answer = mmsim_madvise(run.w.mm, PAGE(0), 4 * PAGE_SIZE, MADV_DONTNEED);
	run.advised = true;
	return 0;
}

static int write_lock(void *arg)
{
	mmap_write_lock(run.w.mm, SITE_user);
	vma_start_write(arg);
	mmsim_yield();
	mmap_write_unlock(run.w.mm);
	return 0;
}

static int read_lock(void *arg)
{
	enum vma_lock_miss miss;
	struct vm_area_struct *vma;

	(void)arg;
	vma = run.w.mm->fault->lock_vma_under_rcu(run.w.mm, PAGE(0), SITE_user, &miss);
	if (!vma)
		mmsim_bug("the VMA could not be locked");
	mmsim_yield();
	vma_end_read(vma);
	return 0;
}

/* A VMA of eight pages, its first one touched; and who does what to it. */
static struct vm_area_struct *map_one(void)
{
	world_map(&run.w, 0, 8, RW);
	world_touch(&run.w, 0);
	return world_vma(&run.w, 0);
}

static void expect_locked(void)
{
	assert_int_equal(run.answer, 0);
	assert_int_equal(madvise_fallbacks(&run.w, "locked"), 1);
	assert_int_equal(world_counter(&run.w, "vma_lock_abort"), 1);
	madvise_check_one_call(&run.w);
}

static void f2_write_locked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		struct vm_area_struct *vma;
		struct mmsim_edge edge;

		make_run(&designs[i], "writer~ advisor~");
		vma = map_one();
		world_task(&run.w, "writer", write_lock, vma);
		world_task(&run.w, "advisor", advise, vma);
		world_run(&run.w);
		expect_locked();
		assert_true(run.write_locked);
		/* Nobody waits at the VMA: the sequence alone says it. */
		assert_int_equal(run.refcnt & EXCLUDE_READERS, 0);
		assert_int_equal(run.lock_count, 0);
		assert_int_equal(world_waits(&run.w, "advisor", "mmap_lock", &edge), 1);
		assert_string_equal(edge.waiter_site, "madvise");
		assert_string_equal(edge.holder, "writer");
		world_end(&run.w);
	}
}

static void f2_writer_waits(void **state)
{
	struct mm_setup setup;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(designs); i++) {
		struct vm_area_struct *vma;

		/* Who spins for the VMA's rwsem is not seen by others; who queues is. */
		setup = designs[i];
		setup.rwsem = "no_spin";
		make_run(&setup, "reader~ writer~ advisor~");
		vma = map_one();
		world_task(&run.w, "reader", read_lock, NULL);
		world_task(&run.w, "writer", write_lock, vma);
		world_task(&run.w, "advisor", advise, vma);
		world_run(&run.w);
		expect_locked();
		/* Not write-locked yet: the count says that a writer is there. */
		assert_false(run.write_locked);
		if (i)
			assert_int_equal(run.refcnt, EXCLUDE_READERS + 2);
		else
			assert_int_equal(run.lock_count, RWSEM_READER_BIAS | RWSEM_FLAG_WAITERS);
		assert_int_equal(world_waits(&run.w, "writer", "vma_lock", NULL), 1);
		world_end(&run.w);
	}
}

static void f2_too_many_readers(void **state)
{
	struct vm_area_struct *vma;

	(void)state;
	for (int over = -1; over <= 1; over++) {
		make_run(&designs[1], NULL);
		vma = map_one();
		quiet_store(vma->vm_refcnt.counter, REFCNT_LIMIT + over);
		advise(vma);
		assert_int_equal(quiet_load(vma->vm_refcnt.counter), REFCNT_LIMIT + over);
		quiet_store(vma->vm_refcnt.counter, 1);
		assert_int_equal(run.answer, 0);
		assert_int_equal(madvise_fallbacks(&run.w, "locked"), over >= 0);
		madvise_check_one_call(&run.w);
		world_end(&run.w);
	}
}

/* ---- F10: a vector ---- */

/* [0, 8), [8, 12): the second element crosses from one into the other. */
static const struct mmsim_range vector[] = {
	{PAGE(0), 2 * PAGE_SIZE},
	{PAGE(6), 4 * PAGE_SIZE},
	{PAGE(2), PAGE_SIZE},
	{PAGE(16), 4 * PAGE_SIZE},
};

static void f10_vector(void **state)
{
	static const struct {
		const char *kernel;
		unsigned int under_vma, after, reads;
	} rows[] = {
		{"6.18", 1, 2, 1}, /* one hold, from the fallback to the end */
		{"6.15", 1, 2, 1},
		{"6.14", 3, 0, 1}, /* each element a call of its own */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mm_setup setup = {rows[i].kernel, NULL, "vma_lock", NULL, NULL};
		struct mmsim_lock_site site;
		struct mm_world w;

		world_make(&w, &setup);
		map_layout(&w);
		world_touch(&w, 16);
		assert_int_equal(mmsim_process_madvise(w.mm, vector, 4, MADV_DONTNEED),
				 11 * PAGE_SIZE);
		assert_int_equal(world_counter(&w, "madvise_vma_lock"), rows[i].under_vma);
		assert_int_equal(world_counter(&w, FALLBACK "crosses"), 1);
		assert_int_equal(world_counter(&w, FALLBACK "vector"), rows[i].after);
		assert_int_equal(madvise_fallbacks(&w, NULL), 1 + rows[i].after);
		assert_int_equal(world_counter(&w, "madvise_mmap_lock"), 1 + rows[i].after);
		site = world_site(&w, "mmap_lock", "madvise");
		assert_int_equal(site.acquired_read, rows[i].reads);
		assert_int_equal(mmsim_page_at(w.mm, PAGE(16), NULL, NULL), MMSIM_PAGE_NONE);
		world_end(&w);
	}
}

static int install_guards(void *arg)
{
	static const struct mmsim_range ranges[] = {
		{PAGE(6), 4 * PAGE_SIZE},
		{PAGE(0), PAGE_SIZE},
		{PAGE(2), PAGE_SIZE},
	};

	(void)arg;
	run.answer = (int)mmsim_process_madvise(run.w.mm, ranges, 3, MADV_GUARD_INSTALL);
	run.advised = true;
	return 0;
}

/* Puts a page where a guard is to be, after each step of the other. */
static int keep_touching(void *arg)
{
	unsigned int *times = arg;

	while (*times && !run.advised) {
		mmsim_store(run.w.mm, PAGE(0), 1);
		--*times;
		mmsim_yield();
	}
	return 0;
}

/* One step of the one, one store of the other, and so on for as long as a schedule may be. */
static void alternate(char *schedule, size_t size)
{
	size_t used = 0;

	while (used + 8 < size)
		used += (size_t)snprintf(schedule + used, size - used, "A B~ ");
}

/* The other touches the page so often, then no more: where madvise begins anew, or not. */
static bool guards_while_touched(unsigned int times)
{
	char schedule[MMSIM_SCHEDULE_MAX];
	bool restarted;

	alternate(schedule, sizeof(schedule));
	make_run(&(struct mm_setup){"6.19", NULL, NULL, NULL, NULL}, schedule);
	map_layout(&run.w);
	world_task(&run.w, "A", install_guards, NULL);
	world_task(&run.w, "B", keep_touching, &times);
	world_run(&run.w);
	assert_int_equal(run.answer, 6 * PAGE_SIZE);
	restarted = world_counter(&run.w, "madvise_vma_lock") != 0;
	assert_int_equal(world_counter(&run.w, FALLBACK "crosses"), 1);
	/*
	 * Under mmap_lock up to the restart, which is a new beginning for what
	 * is left: this element, perhaps several times, and the one behind it.
	 */
	if (restarted)
		assert_true(world_counter(&run.w, "madvise_vma_lock") >= 2);
	assert_int_equal(world_counter(&run.w, FALLBACK "vector"), restarted ? 1 : 2);
	assert_int_equal(madvise_fallbacks(&run.w, NULL), restarted ? 2 : 3);
	world_end(&run.w);
	return restarted;
}

static void f10_ends_with_a_guard_restart(void **state)
{
	unsigned int restarts = 0, without = 0;

	(void)state;
	for (unsigned int times = 0; times <= 400; times += 20)
		(*(guards_while_touched(times) ? &restarts : &without))++;
	assert_true(restarts && without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes_without_a_race),
		cmocka_unit_test(f2_write_locked),
		cmocka_unit_test(f2_writer_waits),
		cmocka_unit_test(f2_too_many_readers),
		cmocka_unit_test(f10_vector),
		cmocka_unit_test(f10_ends_with_a_guard_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
