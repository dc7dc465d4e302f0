/* SPDX-License-Identifier: MIT */
/* brk, in every release: the heap's end, what is in its way, what it merges with. */
#include "support/mm_script.h"

static void growing_and_shrinking(void **state)
{
	(void)state;
	script_run("brk 0x0 = +0\n"
		   "H \n"
		   "brk +1 = +0x1\n"
		   "H 0-1:rw-,ac\n"
		   "brk +0x1000 = +0x1000\n"
		   "H 0-1:rw-,ac\n"
		   "brk +0x4001 = +0x4001\n"
		   "H 0-5:rw-,ac\n"
		   "w +0x2000 7\n"
		   "w +0x4000 8\n"
		   /* Within a page only the number changes. */
		   "brk +0x4fff = +0x4fff\n"
		   "C munmap_downgrade 0\n"
		   "brk +0x3000 = +0x3000\n"
		   "H 0-3:rw-,ac\n"
		   "C munmap_downgrade 1\n"
		   "brk +0x5000 = +0x5000\n"
		   "H 0-5:rw-,ac\n"
		   "r +0x2000 = hit 7\n"
		   "r +0x4000 = new 0\n"
		   /* Below the beginning, and where it would wrap: it stays where it is. */
		   "brk 0x555555700000 = +0x5000\n"
		   "brk 0xffffffffffffffff = +0x5000\n"
		   "brk 0xfffffffffffff000 = +0x5000\n"
		   "brk 0x800000000000 = +0x5000\n"
		   "H 0-5:rw-,ac\n"
		   "brk +0 = +0\n"
		   "H \n");
}

/* A page is kept free before the next mapping; before a stack its gap, too. */
static void guard_page(void **state)
{
	(void)state;
	script_run("brk +0x4000\n"
		   "mmap +0x8000 0x1000 r p\n"
		   "brk +0x8000 = +0x4000\n"
		   "brk +0x7001 = +0x4000\n"
		   "brk +0x7000 = +0x7000\n"
		   "munmap +0x8000 0x1000\n"
		   "brk +0x8000 = +0x8000\n"
		   "mmap +0x200000 0x1000 rw pg\n"
		   "brk +0x100000 = +0x8000\n"
		   "brk +0xff001 = +0x8000\n"
		   "brk +0xff000 = +0xff000\n"
		   "H 0-255:rw-,ac 512-513:rw-,gd,ac\n");
}

static void holes(void **state)
{
	(void)state;
	/* Since 6.1 an end moves down only over something that is mapped. */
	script_run("brk +0x4000\n"
		   "munmap +0x1000 0x3000\n"
		   "<6.1: brk +0x2000 = +0x2000\n"
		   "6.1: brk +0x2000 = +0x4000\n"
		   "brk +0x5000 = +0x5000\n"
		   "<6.1: H 0-1:rw-,ac 2-5:rw-,ac\n"
		   "6.1: H 0-1:rw-,ac 4-5:rw-,ac\n"
		   "brk +0x800 = +0x800\n"
		   "H 0-1:rw-,ac\n");
}

/* Only the VMA before may grow; what is behind is never merged with. */
static void merging(void **state)
{
	(void)state;
	script_run("brk +0x2000\n"
		   "mprotect +0x1000 0x1000 r\n"
		   "brk +0x3000\n"
		   "<6.3: H 0-1:rw-,ac 1-2:r--,ac 2-3:rw-,ac\n"
		   "6.3: H 0-1:rw-,ac 1-2:r-- 2-3:rw-,ac\n"
		   "madvise +0x2000 0x1000 DONTFORK\n"
		   "brk +0x4000\n"
		   "<6.3: H 0-1:rw-,ac 1-2:r--,ac 2-3:rw-,dc,ac 3-4:rw-,ac\n"
		   "6.3: H 0-1:rw-,ac 1-2:r-- 2-3:rw-,dc,ac 3-4:rw-,ac\n");
	script_run("brk +0x2000\n"
		   "w +0x1000 1\n"
		   "brk +0x3000\n"
		   "H 0-3:rw-,ac\n"
		   "M 1\n");
}

static void locked(void **state)
{
	(void)state;
	script_run("brk +0x2000\n"
		   "mlockall f\n"
		   "brk +0x4000\n"
		   "H 0-2:rw-,ac 2-4:rw-,lo,ac\n"
		   "L 2\n"
		   "r +0x3000 = hit 0\n"
		   "brk +0x3000\n"
		   "L 1\n"
		   "munlockall\n"
		   "brk +0x6000\n"
		   "<6.16: H 0-2:rw-,ac 2-6:rw-,ac\n"
		   "6.16: H 0-6:rw-,ac\n"
		   "r +0x5000 = new 0\n");
	script_run("config max_locked_bytes 8192\n"
		   "mlockall f\n"
		   "brk +0x3000 = +0\n"
		   "brk +0x2000 = +0x2000\n"
		   "brk +0x2001 = +0x2000\n");
}

static void limit(void **state)
{
	(void)state;
	/* One more than the limit, as for mmap: it is asked before, for more than. */
	script_run("config max_map_count 3\n"
		   "mmap 0 1 r p\n"
		   "mmap 2 1 r p\n"
		   "brk +0x1000 = +0x1000\n"
		   "mprotect +0 0x1000 r\n"
		   "brk +0x2000 = +0x2000\n"
		   "M 4\n"
		   "brk +0x3000 = +0x2000\n"
		   "brk +0x1000 = +0x1000\n"
		   "brk +0x2000 = +0x2000\n");
}

/* PR_SET_MM_START_BRK. */
static void another_beginning(void **state)
{
	struct mmsim_config config;
	struct mmsim *sim;
	struct mm_struct *mm;

	(void)state;
	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "app");
	assert_int_equal(mmsim_use_mm(mm), 0);
	mmsim_set_brk(mm, SIM_WINDOW_BASE + 8);
	assert_int_equal(mmsim_brk(mm, 0), SIM_WINDOW_BASE + 8);
	/* Its first page is not the heap's. */
	assert_int_equal(mmsim_brk(mm, SIM_WINDOW_BASE + 2 * PAGE_SIZE),
			 SIM_WINDOW_BASE + 2 * PAGE_SIZE);
	assert_int_equal(mmsim_store(mm, SIM_WINDOW_BASE, 1), MMSIM_ACCESS_MAPERR);
	assert_int_equal(mmsim_store(mm, SIM_WINDOW_BASE + PAGE_SIZE, 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_brk(mm, SIM_WINDOW_BASE + 7), SIM_WINDOW_BASE + 2 * PAGE_SIZE);
	assert_int_equal(mmsim_brk(mm, SIM_WINDOW_BASE + 8), SIM_WINDOW_BASE + 8);
	assert_int_equal(mmsim_map_count(mm), 0);
	mmsim_mm_check(mm);
	assert_int_equal(mmsim_use_mm(NULL), 0);
	mmsim_mm_put(mm);
	assert_int_equal(mmsim_destroy(sim), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growing_and_shrinking),
		cmocka_unit_test(guard_page),
		cmocka_unit_test(holes),
		cmocka_unit_test(merging),
		cmocka_unit_test(locked),
		cmocka_unit_test(limit),
		cmocka_unit_test(another_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
