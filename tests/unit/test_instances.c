/* SPDX-License-Identifier: MIT */
/* Several instances at once, also of one thread; who keeps an address space alive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <mmsim/mmsim.h>

#define LENGTH 0x4000ul
#define PROT (PROT_READ | PROT_WRITE)
#define FLAGS (MAP_PRIVATE | MAP_ANONYMOUS)

static struct mmsim *make(const char *machine, uint64_t seed)
{
	struct mmsim_config config;
	struct mmsim *sim;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, NULL), 0);
	config.seed = seed;
	config.memory_bytes = 16 << 20;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	return sim;
}

static int map_touch_unmap(void *arg)
{
	struct mm_struct *mm = arg;

	for (int i = 0; i < 20; i++) {
		int64_t at = mmsim_mmap(mm, 0, LENGTH, PROT, FLAGS);

		if (at < 0 || mmsim_store(mm, (uint64_t)at, 1) != MMSIM_ACCESS_NEW ||
		    mmsim_munmap(mm, (uint64_t)at, LENGTH))
			return -1;
	}
	return 0;
}

static void start(struct mmsim *sim, struct mm_struct *mm, int n)
{
	for (int i = 0; i < n; i++) {
		char name[16];
		struct mmsim_task_attr attr = {.name = name, .cpu = -1, .mm = mm};

		snprintf(name, sizeof(name), "t%d", i);
		assert_non_null(mmsim_task_create(sim, &attr, map_touch_unmap, mm));
	}
}

static void instances_do_not_mix(const char *machine_a, const char *machine_b)
{
	struct mmsim *a = make(machine_a, 1), *b = make(machine_b, 2);
	struct mm_struct *mm_a, *mm_b;

	mmsim_enter(a);
	mm_a = mmsim_mm_create(a, "a");
	start(a, mm_a, 2);
	mmsim_enter(b);
	mm_b = mmsim_mm_create(b, "b");
	start(b, mm_b, 3);
	/* Run from main of the other one. */
	assert_int_equal(mmsim_run(a), 0);
	assert_int_equal(mmsim_run(b), 0);
	assert_int_equal(mmsim_counter(a, "mmap_calls"), 40);
	assert_int_equal(mmsim_counter(b, "mmap_calls"), 60);
	mmsim_enter(a);
	mmsim_mm_put(mm_a);
	mmsim_enter(b);
	mmsim_mm_put(mm_b);
	mmsim_enter(a);
	assert_int_equal(mmsim_destroy(b), 0);
	/* Still main of a. */
	mm_a = mmsim_mm_create(a, "again");
	assert_true(mmsim_mmap(mm_a, 0, LENGTH, PROT, FLAGS) > 0);
	assert_int_equal(mmsim_counter(a, "mmap_calls"), 41);
	mmsim_mm_put(mm_a);
	assert_int_equal(mmsim_destroy(a), 0);
}

static void two_step_machines(void **state)
{
	(void)state;
	instances_do_not_mix("step", "step");
}

static void two_host_machines(void **state)
{
	(void)state;
	instances_do_not_mix("host", "host");
}

static void one_of_each(void **state)
{
	(void)state;
	instances_do_not_mix("host", "step");
}

/* Main drops its use first: the last task's end is exit_mmap. */
static void a_task_keeps_its_address_space(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct mmsim *sim = make("step", seed);
		struct mm_struct *mm = mmsim_mm_create(sim, "app");

		start(sim, mm, 2);
		mmsim_mm_put(mm);
		assert_int_equal(mmsim_run(sim), 0);
		assert_int_equal(mmsim_destroy(sim), 0);
	}
}

static void a_task_never_run_leaks_nothing(void **state)
{
	static const char *const machines[] = {"step", "host"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct mmsim *sim = make(machines[i], 1);
		struct mm_struct *mm = mmsim_mm_create(sim, "app");

		start(sim, mm, 2);
		mmsim_mm_put(mm);
		assert_int_equal(mmsim_destroy(sim), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_step_machines),
		cmocka_unit_test(two_host_machines),
		cmocka_unit_test(one_of_each),
		cmocka_unit_test(a_task_keeps_its_address_space),
		cmocka_unit_test(a_task_never_run_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
