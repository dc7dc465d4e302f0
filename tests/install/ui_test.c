/* SPDX-License-Identifier: MIT */
/*
 * A unit test of an app's threads on a phone that is not here: what the UI thread loses to a
 * collector's mmap_lock is a number, the same on every computer, so a test can assert it. Only
 * the installed headers and library are used.
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

#define PAGE UINT64_C(4096)
#define HEAP UINT64_C(0x100000000)
#define HEAP_PAGES UINT64_C(4096)
#define PIECE_PAGES UINT64_C(64)
#define FRAME_NS UINT64_C(8333333)
#define FRAMES 60

struct app {
	struct mmsim *sim;
	struct mm_struct *mm;
	int over; /* the UI thread has made its frames */
};

/* Every frame touches some of the heap, most of which the collector has given back. */
static int ui(void *arg)
{
	struct app *app = arg;
	uint64_t next = mmsim_now_ns();

	for (int frame = 0; frame < FRAMES; frame++) {
		for (int i = 0; i < 64; i++) {
			mmsim_store(app->mm, HEAP + mmsim_random() % HEAP_PAGES * PAGE, 1);
			mmsim_compute_ns(20000);
		}
		next += FRAME_NS;
		if (mmsim_now_ns() < next)
			mmsim_sleep_ns(next - mmsim_now_ns());
	}
	app->over = 1;
	return 0;
}

static int collector(void *arg)
{
	struct app *app = arg;

	while (!app->over) {
		uint64_t piece = mmsim_random() % (HEAP_PAGES / PIECE_PAGES) * PIECE_PAGES;

		for (uint64_t i = 0; i < PIECE_PAGES; i++)
			mmsim_store(app->mm, HEAP + (piece + i) * PAGE, 2);
		mmsim_madvise(app->mm, HEAP + piece * PAGE, PIECE_PAGES * PAGE, MADV_DONTNEED);
	}
	return 0;
}

/* A library in the background maps and unmaps: the writer that others queue behind. */
static int library(void *arg)
{
	struct app *app = arg;

	while (!app->over) {
		int64_t at = mmsim_mmap(app->mm, 0, 16 * PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS);

		mmsim_munmap(app->mm, (uint64_t)at, 16 * PAGE);
		mmsim_sleep_ns(1000000);
	}
	return 0;
}

static int background(void *arg)
{
	const struct app *app = arg;

	while (!app->over)
		mmsim_compute_ns(1000000);
	return 0;
}

static void start(struct app *app, const char *name, int nice, const char *cpus,
		  int (*body)(void *))
{
	const struct mmsim_task_attr attr = {.name = name,
					     .nice = nice,
					     .cpu = -1,
					     .cpus = cpus,
					     .mm = app->mm,
					     .has_deadline = body == ui};

	assert_non_null(mmsim_task_create(app->sim, &attr, body, app));
}

/* What the UI thread waited for locks, ns; *longest: at a stretch for one holder. */
static uint64_t lost(const struct app *app, uint64_t *longest)
{
	struct mmsim_blame blame;
	struct mmsim_task_waits waits;
	uint64_t sum = 0;

	*longest = 0;
	for (unsigned int task = 0; !mmsim_task_waits_at(app->sim, task, &waits); task++)
		for (unsigned int row = 0; !mmsim_blame_at(app->sim, task, row, &blame); row++) {
			sum += blame.total_ns;
			*longest = blame.max_ns > *longest ? blame.max_ns : *longest;
		}
	return sum;
}

static uint64_t lost_as(const char *kernel, uint64_t *longest)
{
	struct mmsim_config config;
	struct app app = {0};
	uint64_t ns;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "phone-4+3+1", NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "kernel", kernel, NULL), 0);
	assert_int_equal(mmsim_create(&config, &app.sim, NULL), 0);
	app.mm = mmsim_mm_create(app.sim, "app");
	assert_true(mmsim_mmap(app.mm, HEAP, HEAP_PAGES * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) > 0);
	start(&app, "ui", 0, "4-7", ui);
	start(&app, "library", 0, "4-7", library);
	start(&app, "HeapTaskDaemon", 10, "0-3", collector);
	for (int i = 0; i < 4; i++)
		start(&app, "background", 0, "0-3", background);
	if (mmsim_run(app.sim))
		fail_msg("%s", mmsim_failure(app.sim));
	ns = lost(&app, longest);
	mmsim_mm_put(app.mm);
	assert_int_equal(mmsim_destroy(app.sim), 0);
	return ns;
}

static void the_ui_thread_does_not_wait_for_the_collector(void **state)
{
	uint64_t longest, longest_before;
	uint64_t ns = lost_as("6.18", &longest), before = lost_as("6.1", &longest_before);

	(void)state;
	printf("the UI thread lost %.3f ms as 6.1, longest %.3f; %.3f ms as 6.18, longest %.3f\n",
	       (double)before / 1e6, (double)longest_before / 1e6, (double)ns / 1e6,
	       (double)longest / 1e6);
	assert_true(longest < FRAME_NS);
	assert_true(ns < before / 10);
	/* No noise: a baseline may be one number. */
	assert_int_equal(lost_as("6.18", &longest), ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ui_thread_does_not_wait_for_the_collector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
