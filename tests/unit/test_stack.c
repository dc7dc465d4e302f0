/* SPDX-License-Identifier: MIT */
/*
 * Stacks, in every release: growth by faults, the gap that is kept, limits, what PROT_GROWSDOWN
 * means, which lock a growth holds.
 */
#include "support/mm_script.h"

static void growth(void **state)
{
	(void)state;
	script_run("mmap @1024 2 rw pg\n"
		   "w @1022 1\n"
		   "V 1022-1026:rw-,gd,ac\n"
		   /* Far below, and by a load. */
		   "r @768 = new 0\n"
		   "V 768-1026:rw-,gd,ac\n"
		   "C stack_growth 2\n"
		   /* Above it there is nothing. */
		   "r @1026 = MAPERR\n"
		   "r @1022 = hit 1\n");
	/* It grows, and then the store is denied. */
	script_run("mmap @1024 2 r pg\n"
		   "w @1023 1 = ACCERR\n"
		   "V 1023-1026:r--,gd\n");
	/* Its lower part is gone or is no stack: the rest grows all the same. */
	script_run("mmap @1024 4 rw pg\n"
		   "munmap @1024 1\n"
		   "w @1024 1\n"
		   "V 1024-1028:rw-,gd,ac\n");
}

/* 256 pages to what may be accessed, unless it is a stack itself. */
static void gap_below(void **state)
{
	(void)state;
	script_run("mmap 0 1 r p\n"
		   "mmap @1024 2 rw pg\n"
		   "w @257\n"
		   "V 0-1:r-- 257-1026:rw-,gd,ac\n"
		   "w @256 = MAPERR\n"
		   "w 1 = MAPERR\n"
		   "mprotect 0 1 none\n"
		   "w @256\n"
		   "w 1\n"
		   "V 0-1:--- 1-1026:rw-,gd,ac\n");
	script_run("mmap 0 2 r pg\n"
		   "mmap @1024 2 rw pg\n"
		   "w 2\n"
		   "V 0-2:r--,gd 2-1026:rw-,gd,ac\n");
	/* Right below it, too, by which nothing grows; what is mapped there is a mapping. */
	script_run("mmap @1024 2 rw pg\n"
		   "mmap @1023 1 rw p\n"
		   "w @1023\n"
		   "w @1022 = MAPERR\n"
		   "V 1023-1024:rw-,ac 1024-1026:rw-,gd,ac\n");
}

static void limits(void **state)
{
	(void)state;
	script_run("config max_stack_bytes 65536\n"
		   "mmap @1024 2 rw pg\n"
		   "w @1010\n"
		   "V 1010-1026:rw-,gd,ac\n"
		   "w @1009 = MAPERR\n"
		   /* What was mapped may be larger. */
		   "mmap @1280 20 rw pg\n"
		   "w @1280\n"
		   "w @1279 = MAPERR\n");
	script_run("config max_locked_bytes 32768\n"
		   "mmap @1024 2 rw pg\n"
		   "mlock @1024 2\n"
		   "w @1020\n"
		   "V 1020-1026:rw-,gd,lo,ac\n"
		   "L 6\n"
		   "w @1017 = MAPERR\n"
		   "w @1018\n"
		   "L 8\n");
	/* Not below where programs may map at all. */
	script_run("mmap 0x20000 2 rw pg\n"
		   "w 0x10000\n"
		   "w 0xf000 = MAPERR\n");
}

static void prot_growsdown(void **state)
{
	struct mmsim_config config;
	struct mmsim *sim;
	struct mm_struct *mm;
	uint64_t base = SIM_WINDOW_BASE;
	char vmas[256];

	(void)state;
	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "app");
	mmsim_mmap(mm, base + 100 * PAGE_SIZE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN);
	mmsim_mmap(mm, base + 200 * PAGE_SIZE, PAGE_SIZE, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	/* From the beginning of the stack on. */
	assert_int_equal(
		mmsim_mprotect(mm, base + 102 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_GROWSDOWN),
		0);
	script_print_vmas(mm, base, vmas, sizeof(vmas));
	assert_string_equal(vmas, "100-103:r--,gd 103-104:rw-,gd,ac 200-201:r--");
	/* The range may begin below it. */
	assert_int_equal(mmsim_mprotect(mm, base + 90 * PAGE_SIZE, 11 * PAGE_SIZE,
					PROT_READ | PROT_WRITE | PROT_GROWSDOWN),
			 0);
	script_print_vmas(mm, base, vmas, sizeof(vmas));
	assert_string_equal(vmas, "100-101:rw-,gd,ac 101-103:r--,gd 103-104:rw-,gd,ac 200-201:r--");
	assert_int_equal(
		mmsim_mprotect(mm, base + 50 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_GROWSDOWN),
		-ENOMEM);
	assert_int_equal(
		mmsim_mprotect(mm, base + 200 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_GROWSDOWN),
		-EINVAL);
	assert_int_equal(
		mmsim_mprotect(mm, base + 100 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_GROWSUP),
		-EINVAL);
	assert_int_equal(mmsim_mprotect(mm, base + 100 * PAGE_SIZE, PAGE_SIZE,
					PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN),
			 -EINVAL);
	mmsim_mm_check(mm);
	mmsim_mm_put(mm);
	assert_int_equal(mmsim_destroy(sim), 0);
}

/* How often a site took mmap_lock. */
static uint64_t acquired(const struct mmsim *sim, const char *name, bool write)
{
	struct mmsim_lock_site site;

	for (unsigned int i = 0; !mmsim_lock_site_at(sim, i, &site); i++)
		if (!strcmp(site.lock, "mmap_lock") && !strcmp(site.site, name))
			return write ? site.acquired_write : site.acquired_read;
	fail_msg("no site %s", name);
	return 0;
}

/* Under mmap_lock held for read until 6.0; then for write, and the rest of the fault downgraded. */
static void lock_of_a_growth(void **state)
{
	static const struct {
		const char *kernel;
		unsigned int write, vma_locks;
	} rows[] = {{"5.15", 0, 0}, {"6.1", 1, 0}, {"6.5", 1, 1}, {"6.18", 1, 1}, {"7.0", 1, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct script s = {.kernel = rows[i].kernel};

		mmsim_config_init(&s.config);
		assert_int_equal(mmsim_config_set(&s.config, "machine", "step", NULL), 0);
		assert_int_equal(mmsim_config_set(&s.config, "kernel", s.kernel, NULL), 0);
		script_begin(&s);
		mmsim_mmap(s.mm, SIM_WINDOW_BASE + 64 * PAGE_SIZE, PAGE_SIZE,
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN);
		assert_int_equal(mmsim_store(s.mm, SIM_WINDOW_BASE + 60 * PAGE_SIZE, 1),
				 MMSIM_ACCESS_NEW);
		assert_int_equal(mmsim_counter(s.sim, "stack_growth"), 1);
		assert_int_equal(acquired(s.sim, "grow_stack", true), rows[i].write);
		assert_int_equal(acquired(s.sim, "fault", false), 1);
		/* The attempt under the VMA lock met a gap. */
		assert_int_equal(mmsim_counter(s.sim, "vma_lock_abort"), rows[i].vma_locks);
		assert_int_equal(mmsim_counter(s.sim, "fault_mmap_lock"), 1);
		script_end(&s);
	}
}

/* Until 6.4 a stack could grow into what an munmap below it had downgraded for. */
static void munmap_below(void **state)
{
	(void)state;
	script_run("mmap @1024 4 rw pg\n"
		   "mmap @1008 2 rw p\n"
		   "munmap @1008 1\n"
		   "C munmap_downgrade 1\n"
		   "munmap @1009 1\n"
		   "<6.5: C munmap_downgrade 1\n"
		   "6.5: C munmap_downgrade 2\n"
		   /* A stack's own lower part lies below one, too. */
		   "munmap @1024 1\n"
		   "<6.5: C munmap_downgrade 1\n"
		   "6.5: C munmap_downgrade 3\n"
		   "munmap @1026 2\n"
		   "<6.5: C munmap_downgrade 2\n"
		   "6.5: C munmap_downgrade 4\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth),	    cmocka_unit_test(gap_below),
		cmocka_unit_test(limits),	    cmocka_unit_test(prot_growsdown),
		cmocka_unit_test(lock_of_a_growth), cmocka_unit_test(munmap_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
