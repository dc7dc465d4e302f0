/* SPDX-License-Identifier: MIT */
/*
 * What somebody writes who has a question about mmap_lock: two tasks on one
 * address space, on each machine, with assertions on what was counted and on
 * who waited for whom. Only the installed headers and library are used.
 */
#define _DEFAULT_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <mmsim/mmsim.h>

#define PAGE 4096u
#define PAGES 4u /* in each of the two mappings */
#define FIRST UINT64_C(0x100000000)
#define BORDER (FIRST + PAGES * PAGE) /* where the second mapping starts */

/* The longest lead that a schedule gives task a; its mmap takes far fewer steps. */
#define LEAD_MAX 400u

struct world {
	struct mmsim *sim;
	struct mm_struct *mm;
	struct mmsim_rwsem *rwsem;
	_Atomic int held; /* by the task that holds first */
};

static struct world world_create(const char *machine, const char *schedule)
{
	struct mmsim_config config;
	struct world w = {0};
	char error[256];

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "kernel", "6.18", error), 0);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, error), 0);
	snprintf(config.schedule, sizeof(config.schedule), "%s", schedule);
	if (mmsim_create(&config, &w.sim, error))
		fail_msg("%s", error);
	w.mm = mmsim_mm_create(w.sim, "app");
	assert_non_null(w.mm);
	w.rwsem = mmsim_rwsem_create(w.sim);
	assert_non_null(w.rwsem);
	return w;
}

static void world_run(struct world *w, int (*a)(void *), int (*b)(void *))
{
	const struct mmsim_task_attr attr_a = {.name = "a", .cpu = -1, .mm = w->mm};
	const struct mmsim_task_attr attr_b = {.name = "b", .cpu = -1, .mm = w->mm};
	struct mmsim_task *task_a = mmsim_task_create(w->sim, &attr_a, a, w);
	struct mmsim_task *task_b = mmsim_task_create(w->sim, &attr_b, b, w);

	assert_non_null(task_a);
	assert_non_null(task_b);
	if (mmsim_run(w->sim))
		fail_msg("%s", mmsim_failure(w->sim));
	assert_int_equal(mmsim_task_join(task_a), 0);
	assert_int_equal(mmsim_task_join(task_b), 0);
}

/* Everything is given back: nothing leaked. */
static void world_destroy(struct world *w)
{
	mmsim_mm_check(w->mm);
	mmsim_rwsem_destroy(w->sim, w->rwsem);
	mmsim_mm_put(w->mm);
	assert_int_equal(mmsim_destroy(w->sim), 0);
}

/* How often @waiter waited for @holder in @lock. */
static uint64_t waits(const struct world *w, const char *lock, const char *waiter,
		      const char *holder)
{
	struct mmsim_edge edge;
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; !mmsim_edge_at(w->sim, i, &edge); i++)
		if (!strcmp(edge.lock, lock) && !strcmp(edge.waiter, waiter) &&
		    !strcmp(edge.holder, holder))
			count += edge.count;
	return count;
}

/*
 * The tasks. They answer with the number of the line that went wrong: cmocka's
 * assertions work on the main thread only.
 */
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

static int64_t map(struct world *w, uint64_t addr, int prot)
{
	return mmsim_mmap(w->mm, addr, PAGES * PAGE, prot,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
}

/* Two neighbours that cannot merge, touched, then dropped across their border. */
static int drop_across_border(void *arg)
{
	struct world *w = arg;
	uint64_t value = 1;
	unsigned int i;

	EXPECT(map(w, FIRST, PROT_READ | PROT_WRITE) == (int64_t)FIRST);
	EXPECT(map(w, BORDER, PROT_READ) == (int64_t)BORDER);
	for (i = 0; i < PAGES; i++)
		EXPECT(mmsim_store(w->mm, FIRST + i * PAGE, 7) == MMSIM_ACCESS_NEW);
	EXPECT(mmsim_load(w->mm, BORDER, NULL) == MMSIM_ACCESS_NEW);
	EXPECT(mmsim_store(w->mm, BORDER, 7) == MMSIM_ACCESS_ACCERR);
	EXPECT(!mmsim_madvise(w->mm, BORDER - PAGE, 2 * PAGE, MADV_DONTNEED));
	EXPECT(mmsim_load(w->mm, BORDER - PAGE, &value) == MMSIM_ACCESS_NEW && value == 0);
	EXPECT(mmsim_load(w->mm, FIRST, &value) == MMSIM_ACCESS_HIT && value == 7);
	return 0;
}

/* A mapping of its own in the same address space, dropped inside its VMA. */
static int drop_inside(void *arg)
{
	struct world *w = arg;
	uint64_t mine = FIRST + 64 * PAGE;
	unsigned int i;

	EXPECT(map(w, mine, PROT_READ | PROT_WRITE) == (int64_t)mine);
	for (i = 0; i < PAGES; i++)
		EXPECT(mmsim_store(w->mm, mine + i * PAGE, 9) == MMSIM_ACCESS_NEW);
	EXPECT(!mmsim_madvise(w->mm, mine, PAGE, MADV_DONTNEED));
	return 0;
}

static int hold_until_contended(void *arg)
{
	struct world *w = arg;

	mmsim_down_write(w->rwsem);
	w->held = 1;
	while (!mmsim_rwsem_is_contended(w->rwsem))
		mmsim_sleep_ns(100000);
	/* It is queued, but may not have looked yet for whom it waits. */
	mmsim_sleep_ns(50000000);
	mmsim_up_write(w->rwsem);
	return 0;
}

/* Asks for the lock once it is taken, so that it has to wait. */
static int wait_for_holder(void *arg)
{
	struct world *w = arg;

	while (!w->held)
		mmsim_sleep_ns(100000);
	EXPECT(!mmsim_down_write_trylock(w->rwsem));
	mmsim_down_write(w->rwsem);
	mmsim_up_write(w->rwsem);
	return 0;
}

static void check_counters(const struct world *w)
{
	assert_int_equal(mmsim_counter(w->sim, "madvise_fallback_crosses"), 1);
	assert_int_equal(mmsim_counter(w->sim, "madvise_calls"), 2);
	assert_true(mmsim_counter(w->sim, "vma_lock_success") > 0);
	assert_true(mmsim_counter(w->sim, "no such counter") == UINT64_MAX);
}

static void test_host_counters(void **state)
{
	struct world w = world_create("host", "");

	(void)state;
	world_run(&w, drop_across_border, drop_inside);
	check_counters(&w);
	assert_int_equal(mmsim_map_count(w.mm), 3);
	world_destroy(&w);
}

static void test_host_edge(void **state)
{
	struct world w = world_create("host", "");

	(void)state;
	world_run(&w, hold_until_contended, wait_for_holder);
	assert_true(waits(&w, "user", "b", "a") > 0);
	world_destroy(&w);
}

/* One written schedule: a gets @lead steps, b as many as it can use, then a ends first. */
static uint64_t waits_after_lead(unsigned int lead)
{
	char schedule[64];
	struct world w;
	uint64_t count;

	snprintf(schedule, sizeof(schedule), "a*%u b*%u a~ b~", lead, LEAD_MAX);
	w = world_create("step", schedule);
	world_run(&w, drop_across_border, drop_inside);
	check_counters(&w);
	count = waits(&w, "mmap_lock", "b", "a");
	world_destroy(&w);
	return count;
}

/*
 * After some lead a is inside mmap with mmap_lock held for write, and b's mmap
 * waits for it; with no lead nobody waits. The same schedule gives the same.
 */
static void test_step_edge(void **state)
{
	unsigned int lead = 1;

	(void)state;
	while (lead <= LEAD_MAX && !waits_after_lead(lead))
		lead++;
	if (lead > LEAD_MAX)
		fail_msg("b never waited for a's mmap_lock in %u schedules", LEAD_MAX);
	assert_true(lead > 1);
	assert_int_equal(waits_after_lead(lead), 1);
	assert_int_equal(waits_after_lead(lead), 1);
}

static void test_step_rwsem_edge(void **state)
{
	struct world w = world_create("step", "");

	(void)state;
	world_run(&w, hold_until_contended, wait_for_holder);
	assert_true(waits(&w, "user", "b", "a") > 0);
	world_destroy(&w);
}

/* The machines are in the library: no file is read. */
static void test_machines(void **state)
{
	struct mmsim_machine_info info;
	unsigned int i, found = 0;

	(void)state;
	for (i = 0; !mmsim_machine_at(i, &info); i++) {
		assert_true(*info.description);
		found += !strcmp(info.name, "host") || !strcmp(info.name, "phone-4+3+1");
	}
	assert_int_equal(found, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_counters), cmocka_unit_test(test_host_edge),
		cmocka_unit_test(test_step_edge),     cmocka_unit_test(test_step_rwsem_edge),
		cmocka_unit_test(test_machines),
	};

	return cmocka_run_group_tests_name("consumer", tests, NULL, NULL);
}
