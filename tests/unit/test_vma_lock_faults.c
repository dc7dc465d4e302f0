/* SPDX-License-Identifier: MIT */
/*
 * Which faults end under the VMA lock, by release: for each kind of fault what
 * is counted, success, abort or retry, and how mmap_lock was taken for it. That
 * the counts add up over random programs is the business of tests/model.
 */
#include "support/mm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* Pages 0 to 7 with anon_vma, 16 to 19 without; a stack from 600 on. */
enum fault_case {
	WITH_ANON_VMA,
	READ_WITHOUT,
	WRITE_WITHOUT,
	WRITE_WITHOUT_CONTENDED, /* somebody waits for mmap_lock */
	WRITE_PROTECTED, /* a page is there, but read-only until now */
	ARMED,
	ARMED_WITHOUT,
	DENIED,
	DENIED_WITHOUT,
	NO_VMA,
	BELOW_STACK,
	NR_CASES_OF_ALL, /* those below are of some releases */
	GUARD = NR_CASES_OF_ALL,
	KILLED_AT_RETRY, /* contended as above, and a fatal signal is pending */
	NR_FAULT_CASES
};

/* One fault: how it ended, what was counted, how mmap_lock was taken. */
struct fault_counts {
	int access;
	unsigned int success, abort, retry;
	unsigned int fault, prepare, grow; /* for read, for read by try, for write */
};

struct eligibility {
	const char *first, *last; /* releases */
	enum fault_case what;
	struct fault_counts expect;
};

/* clang-format off */
static const struct eligibility rows[] = {
	{ "6.4", "6.18", WITH_ANON_VMA, { MMSIM_ACCESS_NEW, 1, 0, 0, 0, 0, 0 } },
	{ "6.4", "6.18", WRITE_PROTECTED, { MMSIM_ACCESS_COPY, 1, 0, 0, 0, 0, 0 } },
	/* Not locked at all without anon_vma, whatever the access. */
	{ "6.4", "6.7", READ_WITHOUT, { MMSIM_ACCESS_NEW, 0, 1, 0, 1, 0, 0 } },
	{ "6.4", "6.7", WRITE_WITHOUT, { MMSIM_ACCESS_NEW, 0, 1, 0, 1, 0, 0 } },
	{ "6.4", "6.7", WRITE_WITHOUT_CONTENDED, { MMSIM_ACCESS_NEW, 0, 1, 0, 1, 0, 0 } },
	/* Since 6.10 only a write needs one, and mmap_lock by try for it. */
	{ "6.10", "6.18", READ_WITHOUT, { MMSIM_ACCESS_NEW, 1, 0, 0, 0, 0, 0 } },
	{ "6.10", "6.18", WRITE_WITHOUT, { MMSIM_ACCESS_NEW, 1, 0, 0, 0, 1, 0 } },
	{ "6.10", "6.18", WRITE_WITHOUT_CONTENDED, { MMSIM_ACCESS_NEW, 0, 0, 1, 1, 0, 0 } },
	/* mmap_lock is dropped for the monitor, and taken once more. */
	{ "6.4", "6.5", ARMED, { MMSIM_ACCESS_NEW, 0, 1, 0, 2, 0, 0 } },
	{ "6.6", "6.18", ARMED, { MMSIM_ACCESS_NEW, 0, 0, 1, 1, 0, 0 } },
	{ "6.4", "6.7", ARMED_WITHOUT, { MMSIM_ACCESS_NEW, 0, 1, 0, 2, 0, 0 } },
	{ "6.10", "6.18", ARMED_WITHOUT, { MMSIM_ACCESS_NEW, 0, 0, 1, 1, 0, 0 } },
	/* Before 6.10 mmap_lock had the last word, and nothing was counted before. */
	{ "6.4", "6.7", DENIED, { MMSIM_ACCESS_ACCERR, 0, 0, 0, 1, 0, 0 } },
	{ "6.4", "6.7", DENIED_WITHOUT, { MMSIM_ACCESS_ACCERR, 0, 1, 0, 1, 0, 0 } },
	{ "6.10", "6.18", DENIED, { MMSIM_ACCESS_ACCERR, 1, 0, 0, 0, 0, 0 } },
	{ "6.10", "6.18", DENIED_WITHOUT, { MMSIM_ACCESS_ACCERR, 1, 0, 0, 0, 0, 0 } },
	{ "6.4", "6.18", NO_VMA, { MMSIM_ACCESS_MAPERR, 0, 1, 0, 1, 0, 0 } },
	/* The stack grows with mmap_lock held for write, the fault goes on after a downgrade. */
	{ "6.4", "6.18", BELOW_STACK, { MMSIM_ACCESS_NEW, 0, 1, 0, 1, 0, 1 } },
	{ "6.15", "6.18", GUARD, { MMSIM_ACCESS_MAPERR, 1, 0, 0, 0, 0, 0 } },
	/* The signal first: mmap_lock is not tried. */
	{ "6.10", "6.18", KILLED_AT_RETRY, { MMSIM_ACCESS_KILLED, 0, 0, 1, 0, 0, 0 } },
};
/* clang-format on */

static const char *const releases[] = {"6.4", "6.5", "6.6", "6.7", "6.10", "6.12", "6.15", "6.18"};

static size_t release(const char *name)
{
	size_t i = 0;

	while (strcmp(releases[i], name) != 0)
		i++;
	return i;
}

static void prepare_fault(struct mm_world *w, enum fault_case what)
{
	world_map(w, 0, 8, RW);
	world_touch(w, 0);
	world_map(w, 16, 4, what == DENIED_WITHOUT ? PROT_READ : RW);
	assert_int_equal(
		mmsim_mmap(w->mm, PAGE(600), 8 * PAGE_SIZE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN),
		(int64_t)PAGE(600));
	if (what == WRITE_PROTECTED)
		assert_int_equal(mmsim_load(w->mm, PAGE(4), NULL), MMSIM_ACCESS_NEW);
	if (what == ARMED)
		assert_int_equal(mmsim_userfaultfd(w->mm, PAGE(0), 8 * PAGE_SIZE, 1), 0);
	if (what == ARMED_WITHOUT)
		assert_int_equal(mmsim_userfaultfd(w->mm, PAGE(16), 4 * PAGE_SIZE, 1), 0);
	if (what == DENIED)
		assert_int_equal(mmsim_mprotect(w->mm, PAGE(0), 8 * PAGE_SIZE, PROT_READ), 0);
	if (what == GUARD)
		assert_int_equal(mmsim_madvise(w->mm, PAGE(4), PAGE_SIZE, MADV_GUARD_INSTALL), 0);
}

static int do_fault(struct mm_world *w, enum fault_case what)
{
	switch (what) {
	case READ_WITHOUT:
		return (int)mmsim_load(w->mm, PAGE(16), NULL);
	case WRITE_WITHOUT:
	case WRITE_WITHOUT_CONTENDED:
	case KILLED_AT_RETRY:
	case ARMED_WITHOUT:
	case DENIED_WITHOUT:
		return (int)mmsim_store(w->mm, PAGE(16), 1);
	case NO_VMA:
		return (int)mmsim_store(w->mm, PAGE(12), 1);
	case BELOW_STACK:
		return (int)mmsim_store(w->mm, PAGE(598), 1);
	default:
		return (int)mmsim_store(w->mm, PAGE(4), 1);
	}
}

static struct fault_counts count_all(struct mm_world *w)
{
	return (struct fault_counts){
		.success = (unsigned int)world_counter(w, "vma_lock_success"),
		.abort = (unsigned int)world_counter(w, "vma_lock_abort"),
		.retry = (unsigned int)world_counter(w, "vma_lock_retry"),
		.fault = (unsigned int)world_site(w, "mmap_lock", "fault").acquired_read,
		.prepare = (unsigned int)world_site(w, "mmap_lock", "anon_prepare").acquired_read,
		.grow = (unsigned int)world_site(w, "mmap_lock", "grow_stack").acquired_write,
	};
}

static void check_fault(const char *kernel, const struct eligibility *row)
{
	const struct mm_setup setup = {kernel, NULL, NULL, NULL, NULL};
	const struct fault_counts *e = &row->expect;
	struct fault_counts before, after;
	struct mm_world w;
	bool contended = row->what == WRITE_WITHOUT_CONTENDED || row->what == KILLED_AT_RETRY;
	int access;

	world_make(&w, &setup);
	prepare_fault(&w, row->what);
	before = count_all(&w);
	/* What a trylock sees of a queued waiter; the blocking lock passes it. */
	if (contended)
		atomic_long_fetch_or(RWSEM_FLAG_WAITERS, &w.mm->mmap_lock.count);
	if (row->what == KILLED_AT_RETRY)
		mmsim_task_kill(mmsim_task_self());
	access = do_fault(&w, row->what);
	if (contended)
		atomic_long_fetch_and(~RWSEM_FLAG_WAITERS, &w.mm->mmap_lock.count);
	after = count_all(&w);
	if (access != e->access || after.success - before.success != e->success ||
	    after.abort - before.abort != e->abort || after.retry - before.retry != e->retry ||
	    after.fault - before.fault != e->fault ||
	    after.prepare - before.prepare != e->prepare || after.grow - before.grow != e->grow)
		fail_msg("%s, case %d: access %d, success %u, abort %u, retry %u, mmap_lock %u, "
			 "by try %u, for write %u",
			 kernel, row->what, access, after.success - before.success,
			 after.abort - before.abort, after.retry - before.retry,
			 after.fault - before.fault, after.prepare - before.prepare,
			 after.grow - before.grow);
	assert_int_equal(vma_readers(world_vma(&w, 0)), 0);
	assert_int_equal(world_counter(&w, "vma_lock_miss"), 0);
	world_end(&w);
}

static void faults_by_release(void **state)
{
	unsigned int covered[ARRAY_SIZE(releases)][NR_FAULT_CASES] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t r = release(rows[i].first); r <= release(rows[i].last); r++) {
			check_fault(releases[r], &rows[i]);
			covered[r][rows[i].what]++;
		}
	/* Every case has its row in every release. */
	for (size_t r = 0; r < ARRAY_SIZE(releases); r++)
		for (int what = 0; what < NR_CASES_OF_ALL; what++)
			assert_int_equal(covered[r][what], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_by_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
