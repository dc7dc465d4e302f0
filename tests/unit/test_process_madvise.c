/* SPDX-License-Identifier: MIT */
/*
 * process_madvise by release: what a vector answers, what a stranger may ask for; and guard pages
 * that somebody keeps writing to, where a call begins anew. The linker puts
 * __wrap_zap_page_range() before the real one: there the other task's fault is made.
 */
#include "support/mm_script.h"
#include "mm/madvise.h"

#define AT(page) (SIM_WINDOW_BASE + (page)*PAGE_SIZE)

static struct script begin(const char *kernel)
{
	struct script s = {.kernel = kernel};

	mmsim_config_init(&s.config);
	assert_int_equal(mmsim_config_set(&s.config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&s.config, "kernel", kernel, NULL), 0);
	script_begin(&s);
	assert_int_equal(mmsim_mmap(s.mm, AT(0), 8 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
			 (int64_t)AT(0));
	return s;
}

/* ---- a fault after every zap ---- */

static struct script *faulting;
static unsigned int faults_left;
static bool kill_at_last;

void __real_zap_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
			   bool guards);
void __wrap_zap_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
			   bool guards);

void __wrap_zap_page_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
			   bool guards)
{
	__real_zap_page_range(tlb, start, end, guards);
	if (!faulting || !faults_left)
		return;
	assert_int_equal(mmsim_store(faulting->mm, end - PAGE_SIZE, 1), MMSIM_ACCESS_NEW);
	if (!--faults_left && kill_at_last)
		mmsim_task_kill(mmsim_task_self());
}

static void fault_after_zap(struct script *s, unsigned int times, bool killed)
{
	assert_in_range(mmsim_store(s->mm, AT(3), 1), MMSIM_ACCESS_HIT, MMSIM_ACCESS_COPY);
	faulting = s;
	faults_left = times;
	kill_at_last = killed;
}

static void check_guards(struct script *s)
{
	faulting = NULL;
	assert_int_equal(mmsim_page_at(s->mm, AT(2), NULL, NULL), MMSIM_PAGE_GUARD);
	assert_int_equal(mmsim_page_at(s->mm, AT(3), NULL, NULL), MMSIM_PAGE_GUARD);
}

/* How often the lock was taken that madvise takes for it. */
static uint64_t holds(const struct script *s)
{
	struct mmsim_lock_site site;
	uint64_t n = 0;

	for (unsigned int i = 0; !mmsim_lock_site_at(s->sim, i, &site); i++)
		if (!strcmp(site.lock, "mmap_lock") && !strcmp(site.site, "madvise"))
			n += site.acquired_read;
	return n + mmsim_counter(s->sim, "madvise_vma_lock");
}

/* Three tries a hold, then the lock is dropped and the call made again. */
static void guards_after_faults(void **state)
{
	static const char *const kernels[] = {"6.13", "6.15", "6.18", "6.19", "7.0"};
	static const struct {
		unsigned int faults, holds;
	} rows[] = {{0, 1}, {1, 1}, {2, 2}, {3, 2}, {4, 2}, {5, 3}, {9, 4}};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			const struct mmsim_range range = {AT(2), 2 * PAGE_SIZE};
			struct script s = begin(kernels[k]);

			fault_after_zap(&s, rows[i].faults, false);
			assert_int_equal(
				mmsim_madvise(s.mm, AT(2), 2 * PAGE_SIZE, MADV_GUARD_INSTALL), 0);
			check_guards(&s);
			assert_int_equal(holds(&s), rows[i].holds);
			assert_int_equal(
				mmsim_madvise(s.mm, AT(2), 2 * PAGE_SIZE, MADV_GUARD_REMOVE), 0);
			fault_after_zap(&s, rows[i].faults, false);
			assert_int_equal(mmsim_process_madvise(s.mm, &range, 1, MADV_GUARD_INSTALL),
					 2 * PAGE_SIZE);
			check_guards(&s);
			script_end(&s);
		}
	}
}

/* Who is killed meanwhile does not begin anew. */
static void guards_of_the_killed(void **state)
{
	static const char *const kernels[] = {"6.13", "6.18", "7.0"};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
		const struct mmsim_range ranges[] = {{AT(6), PAGE_SIZE}, {AT(2), 2 * PAGE_SIZE}};
		struct script s = begin(kernels[k]);

		fault_after_zap(&s, 3, true);
		assert_int_equal(mmsim_madvise(s.mm, AT(2), 2 * PAGE_SIZE, MADV_GUARD_INSTALL),
				 -EINTR);
		faulting = NULL;
		mmsim_mm_check(s.mm);
		script_end(&s);

		s = begin(kernels[k]);
		fault_after_zap(&s, 3, true);
		/* The bytes before it are told. */
		assert_int_equal(mmsim_process_madvise(s.mm, ranges, 2, MADV_GUARD_INSTALL),
				 PAGE_SIZE);
		faulting = NULL;
		script_end(&s);
		s = begin(kernels[k]);
		fault_after_zap(&s, 3, true);
		assert_int_equal(mmsim_process_madvise(s.mm, ranges + 1, 1, MADV_GUARD_INSTALL),
				 -EINTR);
		faulting = NULL;
		script_end(&s);
	}
}

/* ---- vectors ---- */

/* Bytes up to the element that failed; its error when it is the first. */
static void results(void **state)
{
	static const char *const kernels[] = {"6.1", "6.12", "6.15", "6.18", "7.0"};
	const struct mmsim_range good[] = {{AT(0), 2 * PAGE_SIZE}, {AT(4), PAGE_SIZE}};
	const struct mmsim_range gap[] = {{AT(0), PAGE_SIZE}, {AT(10), PAGE_SIZE}, {AT(2), 1}};
	const struct mmsim_range odd[] = {{AT(0), 0}, {AT(2), 100}, {AT(3) + 1, PAGE_SIZE}};
	const struct mmsim_range wrap[] = {{AT(0), UINT64_MAX}, {AT(0), PAGE_SIZE}};
	static struct mmsim_range many[1025];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct mmsim_range){AT(0), PAGE_SIZE};
	for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
		struct script s = begin(kernels[k]);
		struct mm_struct *mm = s.mm;

		assert_int_equal(mmsim_process_madvise(mm, good, 2, MADV_COLD), 3 * PAGE_SIZE);
		assert_int_equal(mmsim_process_madvise(mm, gap, 3, MADV_COLD), PAGE_SIZE);
		assert_int_equal(mmsim_process_madvise(mm, gap + 1, 2, MADV_COLD), -ENOMEM);
		/* What was asked for counts, not the pages that it makes. */
		assert_int_equal(mmsim_process_madvise(mm, odd, 3, MADV_WILLNEED), 100);
		assert_int_equal(mmsim_process_madvise(mm, odd + 2, 1, MADV_WILLNEED), -EINVAL);
		assert_int_equal(mmsim_process_madvise(mm, wrap, 2, MADV_COLD), -EINVAL);
		assert_int_equal(mmsim_process_madvise(mm, good, 0, MADV_COLD), 0);
		assert_int_equal(mmsim_process_madvise(mm, many, 1024, MADV_COLD),
				 1024 * PAGE_SIZE);
		assert_int_equal(mmsim_process_madvise(mm, many, 1025, MADV_COLD), -EINVAL);
		script_end(&s);
	}
}

/* Any advice for the caller's own memory since 6.13; for another's four, as before. */
static void who_may_ask_for_what(void **state)
{
	static const struct {
		int advice;
		bool remote;
	} rows[] = {
		{MADV_COLD, true},
		{MADV_PAGEOUT, true},
		{MADV_WILLNEED, true},
		{MADV_DONTNEED, false},
		{MADV_FREE, false},
		{MADV_DONTDUMP, false},
		{MADV_POPULATE_WRITE, false},
	};
	static const char *const kernels[] = {"6.1", "6.12", "6.13", "6.18", "7.0"};
	const struct mmsim_range range = {AT(0), PAGE_SIZE};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
		struct script s = begin(kernels[k]);

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			bool own = rows[i].remote || mmsim_since(s.mm, 6, 13);
			int advice = rows[i].advice;

			assert_int_equal(mmsim_process_madvise(s.mm, &range, 1, advice),
					 own ? (int64_t)PAGE_SIZE : -EINVAL);
			assert_int_equal(mmsim_use_mm(NULL), 0);
			assert_int_equal(mmsim_process_madvise(s.mm, &range, 1, advice),
					 rows[i].remote ? (int64_t)PAGE_SIZE : -EINVAL);
			assert_int_equal(mmsim_use_mm(s.mm), 0);
		}
		/* An advice that there is none: the elements are asked since 6.13. */
		assert_int_equal(mmsim_process_madvise(s.mm, &range, 1, 99), -EINVAL);
		assert_int_equal(mmsim_process_madvise(s.mm, &range, 0, 99),
				 mmsim_since(s.mm, 6, 13) ? 0 : -EINVAL);
		script_end(&s);
	}
}

/* One lock for all elements since 6.15; a fallback is one for those that come, too. */
static void locks_of_a_vector(void **state)
{
	static const struct {
		const char *kernel;
		unsigned int vma_lock, mmap_lock, fallback_vector, holds;
	} rows[] = {
		{"6.13", 0, 3, 0, 3},
		{"6.15", 0, 3, 0, 1},
		{"6.17", 1, 2, 1, 2},
		{"7.0", 1, 2, 1, 2},
	};
	/* The second crosses the end of the VMA. */
	const struct mmsim_range ranges[] = {
		{AT(0), PAGE_SIZE}, {AT(7), 2 * PAGE_SIZE}, {AT(2), PAGE_SIZE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct script s = begin(rows[i].kernel);

		mmsim_mmap(s.mm, AT(8), PAGE_SIZE, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
		assert_int_equal(mmsim_process_madvise(s.mm, ranges, 3, MADV_DONTNEED),
				 4 * PAGE_SIZE);
		assert_int_equal(mmsim_counter(s.sim, "madvise_vma_lock"), rows[i].vma_lock);
		assert_int_equal(mmsim_counter(s.sim, "madvise_mmap_lock"), rows[i].mmap_lock);
		assert_int_equal(mmsim_counter(s.sim, "madvise_fallback_vector"),
				 rows[i].fallback_vector);
		assert_int_equal(holds(&s), rows[i].holds);
		script_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guards_after_faults),
		cmocka_unit_test(guards_of_the_killed),
		cmocka_unit_test(results),
		cmocka_unit_test(who_may_ask_for_what),
		cmocka_unit_test(locks_of_a_vector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
