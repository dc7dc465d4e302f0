/* SPDX-License-Identifier: MIT */
/*
 * What the mm does, call by call, from the main task of a step machine: results, VMAs, fault kinds,
 * the counters that say under which lock, and what differs between releases. Order of checks and
 * races are the business of tests/mutants and tests/model; recorded answers of tests/kernel.
 */
#define _GNU_SOURCE 1
#include "mm/mm.h"
#include "mmsim/mmsim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define BASE 0x100000000000ul
#define PAGE(n) (BASE + (n)*PAGE_SIZE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

struct world {
	struct mmsim *sim;
	struct mm_struct *mm;
};

static struct world make_world(const char *kernel, const char *key, const char *value)
{
	struct mmsim_config config;
	struct world w;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "kernel", kernel, NULL), 0);
	if (key)
		assert_int_equal(mmsim_config_set(&config, key, value, NULL), 0);
	config.memory_bytes = 16 << 20;
	config.max_map_count = 8;
	assert_int_equal(mmsim_create(&config, &w.sim, NULL), 0);
	w.mm = mmsim_mm_create(w.sim, "app");
	assert_non_null(w.mm);
	assert_int_equal(mmsim_use_mm(w.mm), 0);
	return w;
}

static void end_world(struct world *w)
{
	mmsim_mm_check(w->mm);
	assert_int_equal(mmsim_use_mm(NULL), 0);
	mmsim_mm_put(w->mm);
	assert_int_equal(mmsim_destroy(w->sim), 0);
}

static void map_at(struct world *w, unsigned int page, unsigned int pages, int prot)
{
	assert_int_equal(mmsim_mmap(w->mm, PAGE(page), pages * PAGE_SIZE, prot, ANON | MAP_FIXED),
			 (int64_t)PAGE(page));
}

static uint64_t counter(struct world *w, const char *name)
{
	uint64_t value = mmsim_counter(w->sim, name);

	assert_true(value != UINT64_MAX);
	return value;
}

static void presets_are_what_the_releases_did(void **state)
{
	static const struct {
		const char *kernel, *fault, *madvise, *munmap;
	} rows[] = {
		{"4.19", "mmap_lock", "mmap_lock", "whole"},
		{"5.15", "mmap_lock", "mmap_lock", "downgrade"},
		{"6.1", "mmap_lock", "mmap_lock", "downgrade"},
		{"6.6", "vma_rwsem", "mmap_lock", "downgrade"},
		{"6.12", "vma_rwsem", "mmap_lock", "downgrade"},
		{"6.15", "vma_refcnt", "mmap_lock", "downgrade"},
		{"6.18", "vma_refcnt", "vma_lock", "downgrade"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w = make_world(rows[i].kernel, NULL, NULL);

		assert_string_equal(mmsim_effective(w.sim, "fault"), rows[i].fault);
		assert_string_equal(mmsim_effective(w.sim, "madvise"), rows[i].madvise);
		assert_string_equal(mmsim_effective(w.sim, "munmap"), rows[i].munmap);
		assert_string_equal(mmsim_effective(w.sim, "rwsem.mmap_lock"), "linux");
		end_world(&w);
	}
}

static void one_class_can_have_its_own_rwsem(void **state)
{
	struct world w = make_world("6.18", "rwsem.mmap_lock", "no_spin");

	(void)state;
	assert_string_equal(mmsim_effective(w.sim, "rwsem.mmap_lock"), "no_spin");
	assert_string_equal(mmsim_effective(w.sim, "rwsem.anon_vma_root"), "linux");
	end_world(&w);
}

static void mmap_places_top_down_and_merges(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);
	int64_t first = mmsim_mmap(w.mm, 0, 1, RW, ANON);
	int64_t second = mmsim_mmap(w.mm, 0, PAGE_SIZE, RW, ANON);
	int64_t other = mmsim_mmap(w.mm, 0, PAGE_SIZE, PROT_READ, ANON);

	(void)state;
	assert_true(first > 0);
	assert_int_equal(second, first - (int64_t)PAGE_SIZE);
	assert_int_equal(other, second - (int64_t)PAGE_SIZE);
	assert_int_equal(mmsim_map_count(w.mm), 2);
	/* A hint is taken when the place is free, and only then. */
	assert_int_equal(mmsim_mmap(w.mm, PAGE(4) + 5, PAGE_SIZE, RW, ANON), (int64_t)PAGE(4));
	assert_int_equal(mmsim_mmap(w.mm, PAGE(4), PAGE_SIZE, RW, ANON),
			 other - (int64_t)PAGE_SIZE);
	end_world(&w);
}

static void mmap_errors(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);

	(void)state;
	assert_int_equal(mmsim_mmap(w.mm, 0, 0, RW, ANON), -EINVAL);
	assert_int_equal(mmsim_mmap(w.mm, 0, UINT64_MAX, RW, ANON), -ENOMEM);
	assert_int_equal(mmsim_mmap(w.mm, 0, 1ul << 60, RW, ANON), -ENOMEM);
	assert_int_equal(mmsim_mmap(w.mm, PAGE(0) + 1, PAGE_SIZE, RW, ANON | MAP_FIXED), -EINVAL);
	assert_int_equal(mmsim_mmap(w.mm, 0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS),
			 -EOPNOTSUPP);
	map_at(&w, 0, 2, RW);
	assert_int_equal(mmsim_mmap(w.mm, PAGE(1), PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE),
			 -EEXIST);
	assert_int_equal(mmsim_map_count(w.mm), 1);
	end_world(&w);
}

static void map_fixed_replaces_pages(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);
	uint64_t value = 1;

	(void)state;
	map_at(&w, 0, 4, RW);
	assert_int_equal(mmsim_store(w.mm, PAGE(1), 7), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_store(w.mm, PAGE(3), 9), MMSIM_ACCESS_NEW);
	map_at(&w, 1, 1, RW);
	assert_int_equal(mmsim_load(w.mm, PAGE(1), &value), MMSIM_ACCESS_NEW);
	assert_int_equal(value, 0);
	assert_int_equal(mmsim_load(w.mm, PAGE(3), &value), MMSIM_ACCESS_HIT);
	assert_int_equal(value, 9);
	assert_int_equal(mmsim_map_count(w.mm), 1);
	end_world(&w);
}

static void splits_stop_at_max_map_count(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);

	(void)state;
	map_at(&w, 0, 32, RW);
	for (unsigned int i = 1; i <= 5; i += 2)
		assert_int_equal(mmsim_mprotect(w.mm, PAGE(i), PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(mmsim_map_count(w.mm), 7);
	/* Two splits are needed and one is allowed: it stays. */
	assert_int_equal(mmsim_mprotect(w.mm, PAGE(20), PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(mmsim_map_count(w.mm), 8);
	/* A hole in the middle would make one more; an end does not. */
	assert_int_equal(mmsim_munmap(w.mm, PAGE(10), PAGE_SIZE), -ENOMEM);
	assert_int_equal(mmsim_munmap(w.mm, PAGE(6), PAGE_SIZE), 0);
	assert_int_equal(mmsim_map_count(w.mm), 8);
	end_world(&w);
}

static void mprotect_changes_what_lies_before_a_gap(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);

	(void)state;
	map_at(&w, 0, 4, RW);
	map_at(&w, 8, 4, RW);
	assert_int_equal(mmsim_mprotect(w.mm, PAGE(2), 8 * PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(mmsim_store(w.mm, PAGE(3), 1), MMSIM_ACCESS_ACCERR);
	assert_int_equal(mmsim_store(w.mm, PAGE(8), 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_mprotect(w.mm, PAGE(0) + 1, PAGE_SIZE, PROT_READ), -EINVAL);
	assert_int_equal(mmsim_mprotect(w.mm, PAGE(0), 0, PROT_READ), 0);
	end_world(&w);
}

static void dontneed_drops_and_free_keeps(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);
	uint64_t value;

	(void)state;
	map_at(&w, 0, 4, RW);
	assert_int_equal(mmsim_store(w.mm, PAGE(0), 5), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_store(w.mm, PAGE(1), 6), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_madvise(w.mm, PAGE(0), PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(mmsim_madvise(w.mm, PAGE(1), PAGE_SIZE, MADV_FREE), 0);
	assert_int_equal(mmsim_load(w.mm, PAGE(0), &value), MMSIM_ACCESS_NEW);
	assert_int_equal(value, 0);
	assert_int_equal(mmsim_store(w.mm, PAGE(0), 8), MMSIM_ACCESS_COPY);
	assert_int_equal(mmsim_load(w.mm, PAGE(1), &value), MMSIM_ACCESS_HIT);
	assert_int_equal(value, 6);
	assert_int_equal(counter(&w, "page_lazyfreed"), 1);
	assert_int_equal(mmsim_madvise(w.mm, PAGE(0) + 8, 1, MADV_FREE), -EINVAL);
	assert_int_equal(mmsim_madvise(w.mm, PAGE(0), UINT64_MAX, MADV_FREE), -EINVAL);
	assert_int_equal(mmsim_madvise(w.mm, PAGE(0), PAGE_SIZE, 7), -EINVAL);
	end_world(&w);
}

static void madvise_counts_why_it_fell_back(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);

	(void)state;
	map_at(&w, 0, 4, RW);
	map_at(&w, 4, 4, PROT_READ);
	/* Inside one VMA, up to its very end. */
	assert_int_equal(mmsim_madvise(w.mm, PAGE(2), 2 * PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(counter(&w, "madvise_vma_lock"), 1);
	/* F5: one page further. */
	assert_int_equal(mmsim_madvise(w.mm, PAGE(2), 3 * PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(counter(&w, "madvise_fallback_crosses"), 1);
	assert_int_equal(counter(&w, "vma_lock_abort"), 0);
	/* F1: nothing at the start; what comes behind is done all the same. */
	assert_int_equal(mmsim_store(w.mm, PAGE(0), 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_madvise(w.mm, PAGE(0) - PAGE_SIZE, 2 * PAGE_SIZE, MADV_DONTNEED),
			 -ENOMEM);
	assert_int_equal(counter(&w, "madvise_fallback_gap"), 1);
	assert_int_equal(counter(&w, "vma_lock_abort"), 1);
	assert_int_equal(mmsim_page_at(w.mm, PAGE(0), NULL, NULL), MMSIM_PAGE_NONE);
	assert_int_equal(counter(&w, "madvise_mmap_lock"), 2);
	end_world(&w);
}

static void madvise_without_vma_locks_says_so(void **state)
{
	struct world w = make_world("6.18", "fault", "mmap_lock");

	(void)state;
	map_at(&w, 0, 4, RW);
	assert_int_equal(mmsim_madvise(w.mm, PAGE(0), PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(counter(&w, "madvise_fallback_off"), 1);
	assert_int_equal(counter(&w, "madvise_mmap_lock"), 1);
	end_world(&w);
}

/* F2, seen by the reader: a VMA write-locked by whoever holds mmap_lock for write. */
static void a_write_locked_vma_cannot_be_read_locked(void **state)
{
	static const char *const kernels[] = {"6.6", "6.12", "6.18"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		struct world w = make_world(kernels[i], NULL, NULL);
		struct vm_area_struct *vma;
		enum vma_lock_miss miss;

		map_at(&w, 0, 4, RW);
		assert_int_equal(mmsim_store(w.mm, PAGE(0), 1), MMSIM_ACCESS_NEW);
		mmap_write_lock(w.mm, SITE_user);
		vma = vma_tree_walk(&w.mm->mm_mt, PAGE(0));
		vma_start_write(vma);
		assert_null(w.mm->fault->lock_vma_under_rcu(w.mm, PAGE(0), SITE_user, &miss));
		assert_int_equal(miss, VMA_MISS_LOCKED);
		/* All VMA write locks end with mmap_lock's write hold. */
		mmap_write_downgrade(w.mm);
		vma = w.mm->fault->lock_vma_under_rcu(w.mm, PAGE(0), SITE_user, &miss);
		assert_non_null(vma);
		vma_end_read(vma);
		mmap_read_unlock(w.mm);
		end_world(&w);
	}
}

/* Which lock the first and the second write fault of a VMA end under. */
static void first_fault_by_release(void **state)
{
	static const struct {
		const char *kernel;
		unsigned int success, abort, under_mmap_lock;
	} rows[] = {
		{"6.1", 0, 0, 2}, /* no VMA locks */
		{"6.6", 1, 1, 1}, /* without anon_vma: mmap_lock */
		{"6.12", 2, 0, 0}, /* anon_vma is prepared under a tried mmap_lock */
		{"6.18", 2, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w = make_world(rows[i].kernel, NULL, NULL);

		map_at(&w, 0, 4, RW);
		assert_int_equal(mmsim_store(w.mm, PAGE(0), 1), MMSIM_ACCESS_NEW);
		assert_int_equal(mmsim_store(w.mm, PAGE(1), 1), MMSIM_ACCESS_NEW);
		assert_int_equal(counter(&w, "pgfault"), 2);
		assert_int_equal(counter(&w, "vma_lock_success"), rows[i].success);
		assert_int_equal(counter(&w, "vma_lock_abort"), rows[i].abort);
		assert_int_equal(counter(&w, "fault_mmap_lock"), rows[i].under_mmap_lock);
		end_world(&w);
	}
}

/* The trylock fails while somebody else writes: the VMA lock is dropped, mmap_lock taken. */
static void first_fault_retries_when_mmap_lock_is_contended(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);
	long count;

	(void)state;
	map_at(&w, 0, 4, RW);
	/* What a trylock sees of a queued waiter; the blocking lock steals past it. */
	count = atomic_long_fetch_or(RWSEM_FLAG_WAITERS, &w.mm->mmap_lock.count);
	assert_int_equal(count, 0);
	assert_int_equal(mmsim_store(w.mm, PAGE(0), 1), MMSIM_ACCESS_NEW);
	atomic_long_fetch_and(~RWSEM_FLAG_WAITERS, &w.mm->mmap_lock.count);
	assert_int_equal(counter(&w, "vma_lock_retry"), 1);
	assert_int_equal(counter(&w, "vma_lock_success"), 0);
	assert_int_equal(counter(&w, "fault_mmap_lock"), 1);
	end_world(&w);
}

static void denied_accesses(void **state)
{
	static const struct {
		const char *kernel;
		unsigned int under_mmap_lock;
	} rows[] = {{"6.1", 2}, {"6.6", 2}, {"6.18", 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w = make_world(rows[i].kernel, NULL, NULL);

		map_at(&w, 0, 4, PROT_READ);
		assert_int_equal(mmsim_store(w.mm, PAGE(0), 1), MMSIM_ACCESS_ACCERR);
		assert_int_equal(mmsim_load(w.mm, PAGE(7), NULL), MMSIM_ACCESS_MAPERR);
		assert_int_equal(counter(&w, "fault_segv_accerr"), 1);
		assert_int_equal(counter(&w, "fault_segv_maperr"), 1);
		assert_int_equal(counter(&w, "fault_mmap_lock"), rows[i].under_mmap_lock);
		end_world(&w);
	}
}

static void site_of(struct world *w, const char *lock, const char *name,
		    struct mmsim_lock_site *site)
{
	for (unsigned int i = 0; !mmsim_lock_site_at(w->sim, i, site); i++)
		if (!strcmp(site->lock, lock) && !strcmp(site->site, name))
			return;
	fail_msg("no site %s of %s", name, lock);
}

static void munmap_downgrades_if_the_axis_says_so(void **state)
{
	(void)state;
	for (int downgrade = 0; downgrade < 2; downgrade++) {
		struct world w = make_world("6.18", "munmap", downgrade ? "downgrade" : "whole");
		struct mmsim_lock_site site;

		map_at(&w, 0, 4, RW);
		assert_int_equal(mmsim_munmap(w.mm, PAGE(1), PAGE_SIZE), 0);
		/* Nothing there: unlocked at once. */
		assert_int_equal(mmsim_munmap(w.mm, PAGE(30), PAGE_SIZE), 0);
		assert_int_equal(counter(&w, "munmap_downgrade"), downgrade);
		site_of(&w, "mmap_lock", "munmap", &site);
		assert_int_equal(site.acquired_write, 2);
		/* A hold for write and, after a downgrade, one for read. */
		assert_int_equal(site.hold_write.count, 2);
		assert_int_equal(site.hold_read.count, downgrade);
		assert_int_equal(mmsim_munmap(w.mm, PAGE(0) + 1, PAGE_SIZE), -EINVAL);
		assert_int_equal(mmsim_munmap(w.mm, PAGE(0), 0), -EINVAL);
		end_world(&w);
	}
}

/* A faulted range beside an unfaulted neighbour with equal flags. */
static void merge_rule_of_6_16(void **state)
{
	static const struct {
		const char *kernel;
		unsigned int vmas;
	} rows[] = {{"6.12", 2}, {"6.15", 2}, {"6.16", 1}, {"6.18", 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w = make_world(rows[i].kernel, NULL, NULL);

		map_at(&w, 0, 4, RW);
		map_at(&w, 4, 4, RW | PROT_EXEC);
		assert_int_equal(mmsim_store(w.mm, PAGE(4), 1), MMSIM_ACCESS_NEW);
		assert_int_equal(mmsim_mprotect(w.mm, PAGE(4), 4 * PAGE_SIZE, RW), 0);
		assert_int_equal(mmsim_map_count(w.mm), rows[i].vmas);
		end_world(&w);
	}
}

static void account_goes_since_6_3(void **state)
{
	static const struct {
		const char *kernel;
		int accounted;
	} rows[] = {{"6.1", 1}, {"6.6", 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w = make_world(rows[i].kernel, NULL, NULL);
		struct mmsim_vma vma;

		map_at(&w, 0, 4, RW);
		assert_int_equal(mmsim_mprotect(w.mm, PAGE(0), 4 * PAGE_SIZE, PROT_READ), 0);
		assert_int_equal(mmsim_vma_find(w.mm, 0, &vma), 0);
		assert_int_equal(strstr(vma.flags, "ac") != NULL, rows[i].accounted);
		end_world(&w);
	}
}

static void a_split_shares_the_anon_vma_and_rejoins(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);
	struct vm_area_struct *low, *high;

	(void)state;
	map_at(&w, 0, 8, RW);
	assert_int_equal(mmsim_store(w.mm, PAGE(1), 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_mprotect(w.mm, PAGE(4), 4 * PAGE_SIZE, PROT_READ), 0);
	low = vma_tree_walk(&w.mm->mm_mt, PAGE(0));
	high = vma_tree_walk(&w.mm->mm_mt, PAGE(4));
	assert_ptr_not_equal(low, high);
	assert_ptr_equal(low->anon_vma, high->anon_vma);
	assert_int_equal(low->anon_vma->num_active_vmas, 2);
	assert_int_equal(mmsim_mprotect(w.mm, PAGE(4), 4 * PAGE_SIZE, RW), 0);
	assert_int_equal(mmsim_map_count(w.mm), 1);
	low = vma_tree_walk(&w.mm->mm_mt, PAGE(0));
	assert_int_equal(low->anon_vma->num_active_vmas, 1);
	end_world(&w);
}

static void a_killed_task_still_gets_a_free_lock(void **state)
{
	struct world w = make_world("6.18", NULL, NULL);

	(void)state;
	map_at(&w, 0, 4, RW);
	/* Nobody holds the lock, so even a killed task gets it, as in the kernel. */
	mmsim_task_kill(mmsim_task_self());
	assert_int_equal(mmsim_munmap(w.mm, PAGE(0), PAGE_SIZE), 0);
	end_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presets_are_what_the_releases_did),
		cmocka_unit_test(one_class_can_have_its_own_rwsem),
		cmocka_unit_test(mmap_places_top_down_and_merges),
		cmocka_unit_test(mmap_errors),
		cmocka_unit_test(map_fixed_replaces_pages),
		cmocka_unit_test(splits_stop_at_max_map_count),
		cmocka_unit_test(mprotect_changes_what_lies_before_a_gap),
		cmocka_unit_test(dontneed_drops_and_free_keeps),
		cmocka_unit_test(madvise_counts_why_it_fell_back),
		cmocka_unit_test(madvise_without_vma_locks_says_so),
		cmocka_unit_test(a_write_locked_vma_cannot_be_read_locked),
		cmocka_unit_test(first_fault_by_release),
		cmocka_unit_test(first_fault_retries_when_mmap_lock_is_contended),
		cmocka_unit_test(denied_accesses),
		cmocka_unit_test(munmap_downgrades_if_the_axis_says_so),
		cmocka_unit_test(merge_rule_of_6_16),
		cmocka_unit_test(account_goes_since_6_3),
		cmocka_unit_test(a_split_shares_the_anon_vma_and_rejoins),
		cmocka_unit_test(a_killed_task_still_gets_a_free_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
