/* SPDX-License-Identifier: MIT */
/* An instance and its address spaces, for tests of what leads from pages to PTEs. */
#include "rmap_rig.h"
#include "mem/pgtable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

struct mmsim *rmap_rig_sim;

struct mm_struct *rmap_rig_make(const char *machine, const char *anon_rmap,
				struct mmsim_search *search)
{
	struct mmsim_config config;
	struct mm_struct *mm;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "anon_rmap", anon_rmap, NULL), 0);
	config.memory_bytes = 4 << 20;
	config.search = search;
	assert_int_equal(mmsim_create(&config, &rmap_rig_sim, NULL), 0);
	mm = mmsim_mm_create(rmap_rig_sim, "mm");
	assert_non_null(mm);
	return mm;
}

void rmap_rig_map(struct mm_struct *mm, unsigned long addr, unsigned int pages)
{
	assert_int_equal(mmsim_mmap(mm, addr, pages * PAGE_SIZE, RW, ANON), addr);
}

void rmap_rig_store(struct mm_struct *mm, unsigned long addr, uint64_t value)
{
	assert_int_equal(mmsim_use_mm(mm), 0);
	assert_true(mmsim_store(mm, addr, value) < MMSIM_ACCESS_MAPERR);
}

uint64_t rmap_rig_load(struct mm_struct *mm, unsigned long addr)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(mmsim_use_mm(mm), 0);
	assert_true(mmsim_load(mm, addr, &value) < MMSIM_ACCESS_MAPERR);
	return value;
}

struct mm_struct *rmap_rig_fork(struct mm_struct *mm)
{
	struct mm_struct *child = NULL;

	assert_int_equal(mmsim_fork(mm, "child", &child), 0);
	return child;
}

void rmap_rig_put(struct mm_struct *mm)
{
	mmsim_mm_check(mm);
	mmsim_use_mm(NULL);
	mmsim_mm_put(mm);
}

unsigned long rmap_rig_pfn(struct mm_struct *mm, unsigned long addr)
{
	return pte_pfn(pte_table_find(mm, addr)->pte[pte_index(addr)]);
}
