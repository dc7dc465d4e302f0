/* SPDX-License-Identifier: MIT */
/*
 * fork and copy on write: what a process stored it sees, and nobody else; pages are shared until
 * one writes, and given back; a failed allocation leaves nothing; the races of a fork with
 * the faults of its parent's other threads, with the faults of B01 switched on and off.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/mutant.h"
#include "mm/mm.h"
#include "mmsim/mmsim.h"
#include "support/search_runs.h"

#define BASE 0x100000ul
#define PAGES 8u
#define FAR 256u /* in the next PTE table, which fork locks by itself */
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define PAGE(n) (BASE + (n)*PAGE_SIZE)

static struct mmsim *sim;

static struct mm_struct *make(const struct mmsim_config *config)
{
	struct mm_struct *mm;

	assert_int_equal(mmsim_create(config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "parent");
	assert_non_null(mm);
	assert_int_equal(mmsim_mmap(mm, BASE, (FAR + 1) * PAGE_SIZE, RW, ANON), BASE);
	return mm;
}

static struct mm_struct *make_on(const char *machine)
{
	struct mmsim_config config;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, NULL), 0);
	config.memory_bytes = 16 << 20;
	return make(&config);
}

static void end(void)
{
	assert_int_equal(mmsim_destroy(sim), 0);
}

static enum mmsim_access store(struct mm_struct *mm, unsigned int page, uint64_t value)
{
	assert_int_equal(mmsim_use_mm(mm), 0);
	return mmsim_store(mm, PAGE(page), value);
}

static uint64_t load(struct mm_struct *mm, unsigned int page)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(mmsim_use_mm(mm), 0);
	assert_true(mmsim_load(mm, PAGE(page), &value) < MMSIM_ACCESS_MAPERR);
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

static unsigned int mapcount(struct mm_struct *mm, unsigned int page)
{
	unsigned int count;

	assert_int_equal(mmsim_page_at(mm, PAGE(page), &count, NULL), MMSIM_PAGE_ANON);
	return count;
}

static void pages_are_shared_until_one_writes(void **state)
{
	struct mm_struct *parent = make_on("step"), *child;

	(void)state;
	assert_int_equal(store(parent, 0, 1), MMSIM_ACCESS_NEW);
	assert_int_equal(store(parent, 1, 2), MMSIM_ACCESS_NEW);
	child = fork_of(parent);
	assert_int_equal(mapcount(parent, 0), 2);
	assert_int_equal(load(child, 0), 1);
	/* Copied by whoever writes first; the other has it alone then, and takes it. */
	assert_int_equal(store(child, 0, 11), MMSIM_ACCESS_COPY);
	assert_int_equal(store(child, 0, 12), MMSIM_ACCESS_HIT);
	assert_int_equal(mapcount(child, 0), 1);
	assert_int_equal(load(parent, 0), 1);
	assert_int_equal(store(parent, 0, 3), MMSIM_ACCESS_REUSE);
	assert_int_equal(store(parent, 1, 4), MMSIM_ACCESS_COPY);
	assert_int_equal(load(child, 1), 2);
	assert_int_equal(store(child, 1, 5), MMSIM_ACCESS_REUSE);
	/* What neither had is each one's own. */
	assert_int_equal(store(child, 2, 6), MMSIM_ACCESS_NEW);
	assert_int_equal(load(parent, 2), 0);
	put(child);
	put(parent);
	end();
}

/* fork, exit, fork again: the chain of anon_vmas does not grow with each. */
static void anon_vmas_are_reused(void **state)
{
	struct mm_struct *mm = make_on("step");
	struct mmsim_bytes bytes;
	uint64_t anon_vmas = 0;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		struct mm_struct *child;

		assert_true(store(mm, 0, i) < MMSIM_ACCESS_MAPERR);
		child = fork_of(mm);
		assert_true(store(child, 1, i) < MMSIM_ACCESS_MAPERR);
		put(mm);
		mm = child;
	}
	for (unsigned int i = 0; !mmsim_bytes_at(sim, i, &bytes); i++)
		if (!strcmp(bytes.type, "anon_vma"))
			anon_vmas = bytes.objects;
	/* The root, which is never reused, and two that take turns. */
	assert_in_range(anon_vmas, 1, 3);
	assert_int_equal(load(mm, 0), 5);
	put(mm);
	end();
}

/* How long the root lock was held, and how often, at a site. */
static struct mmsim_times root_holds(const char *name)
{
	struct mmsim_lock_site site;

	for (unsigned int i = 0; !mmsim_lock_site_at(sim, i, &site); i++)
		if (!strcmp(site.lock, "anon_vma_root") && !strcmp(site.site, name))
			return site.hold_write;
	fail_msg("no site %s", name);
	return (struct mmsim_times){0};
}

static int fork_and_put(void *mm)
{
	struct mm_struct *child;

	if (mmsim_fork(mm, "child", &child))
		return -1;
	mmsim_mm_put(child);
	return 0;
}

/* Two holds a fork. Before 7.0 the links are allocated in the first. */
static void the_root_lock_is_held_by_release(void **state)
{
	static const char *const kernels[] = {"6.12", "7.0"};
	struct mmsim_times clone[2];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct mmsim_task_attr attr = {.name = "F", .cpu = 7};
		struct mmsim_config config;
		struct mm_struct *parent;
		struct mmsim_task *task;

		mmsim_config_init(&config);
		assert_int_equal(mmsim_config_set(&config, "machine", "phone-4+3+1", NULL), 0);
		assert_int_equal(mmsim_config_set(&config, "kernel", kernels[i], NULL), 0);
		assert_int_equal(mmsim_config_set(&config, "cost.alloc", "100ns", NULL), 0);
		config.memory_bytes = 16 << 20;
		parent = make(&config);
		assert_int_equal(store(parent, 0, 1), MMSIM_ACCESS_NEW);
		mmsim_use_mm(NULL);
		task = mmsim_task_create(sim, &attr, fork_and_put, parent);
		assert_non_null(task);
		assert_int_equal(mmsim_run(sim), 0);
		assert_int_equal(mmsim_task_join(task), 0);
		clone[i] = root_holds("anon_clone");
		assert_int_equal(clone[i].count, 1);
		assert_int_equal(root_holds("anon_fork").count, 1);
		assert_int_equal(root_holds("unlink").count, 1);
		put(parent);
		end();
	}
	assert_true(clone[0].sum_ns >= clone[1].sum_ns + 100);
}

/* The Nth allocation fails, for every N: all is as before, or all is done. */
static void no_memory_leaves_nothing(void **state)
{
	unsigned int failures = 0;
	int err = -ENOMEM;

	(void)state;
	for (uint64_t nth = 1; err; nth++) {
		struct mm_struct *parent, *child = NULL;
		struct mmsim_config config;

		mmsim_config_init(&config);
		strcpy(config.machine, "step");
		config.memory_bytes = 16 << 20;
		parent = make(&config);
		for (unsigned int i = 0; i < PAGES; i += 2)
			assert_int_equal(store(parent, i, i), MMSIM_ACCESS_NEW);
		assert_int_equal(mmsim_mprotect(parent, PAGE(4), PAGE_SIZE, PROT_READ), 0);
		sim->config.fail_allocation = sim->allocations + nth;
		err = mmsim_fork(parent, "child", &child);
		sim->config.fail_allocation = 0;
		assert_true(err == 0 || err == -ENOMEM);
		failures += err != 0;
		for (unsigned int i = 0; i < PAGES; i += 2)
			assert_int_equal(load(parent, i), i);
		assert_true(store(parent, 0, 7) < MMSIM_ACCESS_MAPERR);
		if (!err) {
			assert_int_equal(load(child, 0), 0);
			put(child);
		}
		put(parent);
		end();
	}
	assert_true(failures > 5);
}

/* ---- races ---- */

static struct mm_struct *forked;

/* Stores to one page, then to another: who sees the second sees the first. */
static int store_in_order(void *mm)
{
	return mmsim_store(mm, PAGE(0), 1) >= MMSIM_ACCESS_MAPERR ||
	       mmsim_store(mm, PAGE(FAR), 1) >= MMSIM_ACCESS_MAPERR;
}

static int fork_it(void *mm)
{
	return mmsim_fork(mm, "child", &forked);
}

static const char *check_snapshot(struct mm_struct *parent)
{
	const char *why = NULL;

	if (load(forked, FAR) > load(forked, 0))
		why = "the child has the second store and not the first";
	else if (load(parent, 0) != 1 || load(parent, FAR) != 1)
		why = "the parent lost a store";
	else if (store(forked, 0, 5) >= MMSIM_ACCESS_MAPERR || load(parent, 0) != 1)
		why = "a store of the child's is seen by the parent";
	return why;
}

/* One schedule of a store, store and a fork. NULL, or what broke. */
static const char *snapshot(struct mmsim_search *search)
{
	struct mmsim_task_attr attr = {.cpu = -1};
	struct mmsim_config config;
	struct mm_struct *parent;
	static char why[256];
	const char *broke;

	mmsim_config_init(&config);
	strcpy(config.machine, "step");
	config.memory_bytes = 1 << 20;
	config.search = search;
	parent = make(&config);
	assert_int_equal(store(parent, 0, 0), MMSIM_ACCESS_NEW);
	assert_int_equal(store(parent, FAR, 0), MMSIM_ACCESS_NEW);
	mmsim_use_mm(NULL);
	attr.mm = parent;
	attr.name = "W";
	assert_non_null(mmsim_task_create(sim, &attr, store_in_order, parent));
	attr.name = "F";
	assert_non_null(mmsim_task_create(sim, &attr, fork_it, parent));
	if (mmsim_run(sim)) {
		snprintf(why, sizeof(why), "%s", mmsim_failure(sim));
		mmsim_destroy(sim);
		return why;
	}
	broke = check_snapshot(parent);
	put(forked);
	put(parent);
	return mmsim_destroy(sim) && !broke ? "objects or pages are left" : broke;
}

/*
 * B01, in 6.4.0 to 6.4.2. Expected: the child is the parent as it was at one moment. Buggy: a
 * thread whose fault takes only the VMA's lock copies a page in the middle of the fork.
 */
static void a_fork_is_a_snapshot(void **state)
{
	(void)state;
	search_mutant(snapshot, MUTANT_FORK_NO_VMA_LOCK, 3);
}

/* What fork shares is no longer exclusive: else a store of one is seen by the other. */
static void shared_pages_are_not_exclusive(void **state)
{
	struct mm_struct *parent, *child;

	(void)state;
	for (int buggy = 1; buggy >= 0; buggy--) {
		mmsim_mutant_on = buggy ? MUTANT_FORK_KEEPS_EXCLUSIVE : NR_MUTANTS;
		parent = make_on("step");
		assert_int_equal(store(parent, 0, 1), MMSIM_ACCESS_NEW);
		child = fork_of(parent);
		assert_true(store(parent, 0, 2) < MMSIM_ACCESS_MAPERR);
		assert_int_equal(load(child, 0), buggy ? 2 : 1);
		mmsim_mutant_on = NR_MUTANTS;
		mmsim_use_mm(NULL);
		mmsim_mm_put(child);
		mmsim_mm_put(parent);
		end();
	}
}

/* ---- threads ---- */

static struct {
	struct mm_struct *parent;
	int over;
} soak;

static int soak_writer(void *arg)
{
	for (uint64_t i = 1; !READ_ONCE(soak.over); i++)
		for (unsigned int page = 0; page < PAGES; page++)
			if (mmsim_store(arg, PAGE(page), i) >= MMSIM_ACCESS_MAPERR)
				return -1;
	return 0;
}

/* One writer stores ascending values to the pages in turn: a snapshot never rises. */
static int soak_forker(void *arg)
{
	int err = 0;

	for (int i = 0; i < 200 && !err; i++) {
		uint64_t last = UINT64_MAX, value;
		struct mm_struct *child;

		err = mmsim_fork(arg, "child", &child);
		if (!err)
			err = mmsim_use_mm(child);
		for (unsigned int page = 0; !err && page < PAGES; page++) {
			if (mmsim_load(child, PAGE(page), &value) >= MMSIM_ACCESS_MAPERR ||
			    value > last)
				err = -EIO;
			last = value;
		}
		if (!err)
			err = mmsim_use_mm(arg);
		mmsim_mm_put(child);
	}
	WRITE_ONCE(soak.over, 1);
	return err;
}

static void threads_write_while_others_fork(void **state)
{
	static const char *const machines[] = {"host", "phone-4+3+1"};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(machines); i++) {
		struct mm_struct *parent = make_on(machines[i]);
		struct mmsim_task_attr attr = {.cpu = -1, .mm = parent};
		struct mmsim_task *forker;

		soak.over = 0;
		attr.name = "writer";
		assert_non_null(mmsim_task_create(sim, &attr, soak_writer, parent));
		attr.name = "forker";
		forker = mmsim_task_create(sim, &attr, soak_forker, parent);
		assert_non_null(forker);
		assert_int_equal(mmsim_run(sim), 0);
		assert_int_equal(mmsim_task_join(forker), 0);
		assert_true(mmsim_counter(sim, "fork_calls") == 200);
		put(parent);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_shared_until_one_writes),
		cmocka_unit_test(anon_vmas_are_reused),
		cmocka_unit_test(the_root_lock_is_held_by_release),
		cmocka_unit_test(no_memory_leaves_nothing),
		cmocka_unit_test(a_fork_is_a_snapshot),
		cmocka_unit_test(shared_pages_are_not_exclusive),
		cmocka_unit_test(threads_write_while_others_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
