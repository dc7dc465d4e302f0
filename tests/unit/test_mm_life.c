/* SPDX-License-Identifier: MIT */
/*
 * The life of an address space: users keep the mappings, references only the struct. exit_mmap
 * frees pages, page tables and VMAs of whatever there is.
 */
#include "support/mm_script.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static struct script begin(const char *kernel)
{
	struct script s = {.kernel = kernel};

	mmsim_config_init(&s.config);
	assert_int_equal(mmsim_config_set(&s.config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&s.config, "kernel", kernel, NULL), 0);
	assert_int_equal(mmsim_create(&s.config, &s.sim, NULL), 0);
	s.mm = mmsim_mm_create(s.sim, "app");
	assert_non_null(s.mm);
	return s;
}

static uint64_t objects(const struct script *s, const char *type)
{
	struct mmsim_bytes bytes;

	for (unsigned int i = 0; !mmsim_bytes_at(s->sim, i, &bytes); i++)
		if (!strcmp(bytes.type, type))
			return bytes.objects;
	fail_msg("no objects of type %s", type);
	return 0;
}

static const char *const kernels[] = {"5.15", "6.1", "6.6", "6.12", "6.18", "7.0"};

/* A bit of everything: heap, stack, guard pages, moved, named, locked and armed memory. */
static void fill(struct script *s)
{
	uint64_t base = SIM_WINDOW_BASE;

	assert_int_equal(mmsim_brk(s->mm, BRK_START + 3 * PAGE_SIZE), BRK_START + 3 * PAGE_SIZE);
	assert_int_equal(mmsim_store(s->mm, BRK_START, 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_mmap(s->mm, base, 4ul << 20, RW, ANON | MAP_FIXED), (int64_t)base);
	for (uint64_t at = 0; at < 4ul << 20; at += 100 * PAGE_SIZE)
		assert_int_equal(mmsim_store(s->mm, base + at, 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_load(s->mm, base + PAGE_SIZE, NULL), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_mprotect(s->mm, base + PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(mmsim_mremap(s->mm, base + (2ul << 20), 2ul << 20, 2ul << 20, 3,
				      base + (64ul << 20)),
			 (int64_t)(base + (64ul << 20)));
	assert_int_equal(mmsim_mmap(s->mm, base + (32ul << 20), PAGE_SIZE, RW,
				    ANON | MAP_FIXED | MAP_GROWSDOWN),
			 (int64_t)(base + (32ul << 20)));
	assert_int_equal(mmsim_store(s->mm, base + (32ul << 20) - PAGE_SIZE, 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_set_vma_name(s->mm, base + (32ul << 20), PAGE_SIZE, "stack"), 0);
	assert_int_equal(mmsim_mlock(s->mm, base, 2 * PAGE_SIZE, 0), 0);
	assert_int_equal(mmsim_userfaultfd(s->mm, base + 8 * PAGE_SIZE, PAGE_SIZE, 1), 0);
	mmsim_mm_check(s->mm);
}

static void a_grabbed_mm_outlives_its_address_space(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		struct script s = begin(kernels[i]);
		struct mm_struct *mm = s.mm;

		assert_int_equal(mmsim_use_mm(mm), 0);
		fill(&s);
		assert_true(objects(&s, "anon_vma") > 0);
		assert_true(objects(&s, "anon_vma_name") > 0);
		mmgrab(mm);
		/* The task's own use is the last. */
		mmsim_mm_put(mm);
		assert_true(mmsim_map_count(mm) > 5);
		assert_int_equal(mmsim_load(mm, SIM_WINDOW_BASE, NULL), MMSIM_ACCESS_HIT);
		assert_int_equal(mmsim_use_mm(NULL), 0);
		assert_int_equal(mm->mm_users.counter, 0);
		assert_int_equal(mm->mm_count.counter, 1);
		/* Nothing is left of it but itself and its top table. */
		assert_int_equal(mmsim_map_count(mm), 0);
		assert_int_equal(mm->total_vm, 0);
		assert_int_equal(mm->locked_vm, 0);
		assert_null(vma_tree_find(&mm->mm_mt, 0, NULL, NULL));
		assert_int_equal(mmsim_counter(s.sim, "page_alloc"),
				 mmsim_counter(s.sim, "page_free"));
		assert_int_equal(objects(&s, "anon_vma"), 0);
		assert_int_equal(objects(&s, "anon_vma_chain"), 0);
		assert_int_equal(objects(&s, "anon_vma_name"), 0);
		assert_int_equal(objects(&s, "mm_struct"), 1);
		mmsim_mm_check(mm);
		mmdrop(mm);
		assert_int_equal(objects(&s, "mm_struct"), 0);
		assert_int_equal(mmsim_destroy(s.sim), 0);
	}
}

/* mmput by somebody who does not run in it: exit_mmap happens there. */
static void users_keep_the_address_space(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		struct script s = begin(kernels[i]);
		struct mm_struct *mm = s.mm;

		assert_int_equal(mmsim_use_mm(mm), 0);
		fill(&s);
		mmget(mm);
		assert_int_equal(mm->mm_users.counter, 3);
		assert_int_equal(mmsim_use_mm(NULL), 0);
		mmput(mm);
		assert_int_equal(mm->mm_users.counter, 1);
		assert_true(mmsim_map_count(mm) > 5);
		mmsim_mm_check(mm);
		mmsim_mm_put(mm);
		assert_int_equal(objects(&s, "mm_struct"), 0);
		assert_int_equal(mmsim_destroy(s.sim), 0);
	}
}

/* Two address spaces of one task: the one that is left goes when it has no user. */
static void changing_over(void **state)
{
	struct script s = begin("6.18");
	struct mm_struct *first = s.mm, *second = mmsim_mm_create(s.sim, "second");

	(void)state;
	assert_int_equal(mmsim_use_mm(first), 0);
	fill(&s);
	mmsim_mm_put(first);
	assert_int_equal(mmsim_use_mm(second), 0);
	assert_int_equal(objects(&s, "mm_struct"), 1);
	assert_int_equal(mmsim_counter(s.sim, "page_alloc"), mmsim_counter(s.sim, "page_free"));
	s.mm = second;
	fill(&s);
	mmsim_mm_put(second);
	assert_int_equal(mmsim_use_mm(NULL), 0);
	assert_int_equal(objects(&s, "mm_struct"), 0);
	assert_int_equal(mmsim_destroy(s.sim), 0);
}

static void what_is_left_over_is_told(void **state)
{
	struct script s = begin("6.18");

	(void)state;
	assert_int_equal(mmsim_use_mm(s.mm), 0);
	fill(&s);
	assert_int_equal(mmsim_use_mm(NULL), 0);
	mmgrab(s.mm);
	mmsim_mm_put(s.mm);
	assert_int_equal(mmsim_destroy(s.sim), -EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grabbed_mm_outlives_its_address_space),
		cmocka_unit_test(users_keep_the_address_space),
		cmocka_unit_test(changing_over),
		cmocka_unit_test(what_is_left_over_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
