/* SPDX-License-Identifier: MIT */
/* Where mappings without a fixed address go: top down, huge pages' alignment, gaps of stacks. */
#include "support/mm_script.h"

#define HUGE (2ul << 20)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static struct script begin(const char *kernel)
{
	struct script s = {.kernel = kernel};

	mmsim_config_init(&s.config);
	assert_int_equal(mmsim_config_set(&s.config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&s.config, "kernel", kernel, NULL), 0);
	script_begin(&s);
	return s;
}

/* Every other one with another protection, so that no two merge. */
static uint64_t map(struct script *s, uint64_t addr, uint64_t len)
{
	static bool other;
	int64_t result = mmsim_mmap(s->mm, addr, len, other ? PROT_READ : RW, ANON);

	other = !other;
	assert_true(result > 0);
	mmsim_mm_check(s->mm);
	return (uint64_t)result;
}

/* From 6.7 on whole huge pages begin at huge pages; 6.12: nothing else does. */
static void huge_alignment(void **state)
{
	static const struct {
		const char *kernel;
		bool multiple, more;
	} rows[] = {
		{"5.15", false, false}, {"6.6", false, false}, {"6.7", true, true},
		{"6.11", true, true},	{"6.12", true, false}, {"6.18", true, false},
		{"7.0", true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct script s = begin(rows[i].kernel);
		uint64_t top = map(&s, 0, PAGE_SIZE);
		uint64_t small = map(&s, 0, HUGE - PAGE_SIZE);
		uint64_t huge, more;

		assert_int_equal(small, top - (HUGE - PAGE_SIZE));
		assert_int_equal(map(&s, 0, PAGE_SIZE), small - PAGE_SIZE);
		huge = map(&s, 0, 2 * HUGE);
		assert_int_equal(huge % HUGE == 0, rows[i].multiple);
		if (!rows[i].multiple)
			assert_int_equal(huge, small - PAGE_SIZE - 2 * HUGE);
		more = map(&s, 0, HUGE + PAGE_SIZE);
		assert_int_equal(more % HUGE == 0, rows[i].more);
		script_end(&s);
	}
}

static void the_highest_gap_that_is_large_enough(void **state)
{
	struct script s = begin("6.18");
	uint64_t first = map(&s, 0, 16 * PAGE_SIZE), hole = first + 4 * PAGE_SIZE;

	(void)state;
	assert_int_equal(mmsim_munmap(s.mm, hole, 4 * PAGE_SIZE), 0);
	assert_int_equal(map(&s, 0, 5 * PAGE_SIZE), first - 5 * PAGE_SIZE);
	assert_int_equal(map(&s, 0, 3 * PAGE_SIZE), hole + PAGE_SIZE);
	assert_int_equal(map(&s, 0, PAGE_SIZE), hole);
	assert_int_equal(map(&s, 0, PAGE_SIZE), first - 6 * PAGE_SIZE);
	script_end(&s);
}

static void hints(void **state)
{
	struct script s = begin("6.18");
	uint64_t at = SIM_WINDOW_BASE, top;

	(void)state;
	top = map(&s, 0, PAGE_SIZE);
	assert_int_equal(map(&s, at + 5, 2 * PAGE_SIZE), at);
	assert_true(map(&s, at + PAGE_SIZE, PAGE_SIZE) > top - HUGE);
	assert_true(map(&s, at - PAGE_SIZE, 2 * PAGE_SIZE) > top - HUGE);
	assert_int_equal(map(&s, at - PAGE_SIZE, PAGE_SIZE), at - PAGE_SIZE);
	/* Less than a page is no hint; then up to where mappings may begin. */
	assert_true(map(&s, PAGE_SIZE - 1, PAGE_SIZE) > top - HUGE);
	assert_int_equal(map(&s, PAGE_SIZE, PAGE_SIZE), MMAP_MIN_ADDR);
	script_end(&s);
}

/* Nothing is placed into the gap below a stack, but at a fixed address. */
static void stack_gaps(void **state)
{
	struct script s = begin("6.18");
	uint64_t stack = SIM_WINDOW_BASE + 1000 * PAGE_SIZE, gap = stack - STACK_GUARD_GAP;
	int64_t top = mmsim_mmap(s.mm, 0, PAGE_SIZE, RW, ANON | MAP_GROWSDOWN);

	(void)state;
	assert_true(top > 0);
	assert_int_equal(map(&s, 0, PAGE_SIZE), (uint64_t)top - STACK_GUARD_GAP - PAGE_SIZE);
	assert_int_equal(mmsim_mmap(s.mm, stack, PAGE_SIZE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN),
			 (int64_t)stack);
	assert_int_not_equal(map(&s, gap + 100 * PAGE_SIZE, PAGE_SIZE), gap + 100 * PAGE_SIZE);
	assert_int_not_equal(map(&s, gap - PAGE_SIZE, 2 * PAGE_SIZE), gap - PAGE_SIZE);
	assert_int_equal(map(&s, gap - PAGE_SIZE, PAGE_SIZE), gap - PAGE_SIZE);
	assert_int_equal(map(&s, stack + PAGE_SIZE, PAGE_SIZE), stack + PAGE_SIZE);
	assert_int_equal(mmsim_mmap(s.mm, gap + PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED),
			 (int64_t)(gap + PAGE_SIZE));
	/* mremap in place is not kept out of it. */
	assert_int_equal(mmsim_mremap(s.mm, gap + PAGE_SIZE, PAGE_SIZE, 100 * PAGE_SIZE, 0, 0),
			 (int64_t)(gap + PAGE_SIZE));
	script_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(huge_alignment),
		cmocka_unit_test(the_highest_gap_that_is_large_enough),
		cmocka_unit_test(hints),
		cmocka_unit_test(stack_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
