/* SPDX-License-Identifier: MIT */
/* One instance to fault in: shared by the benches that do. */
#include "fault_rig.h"
#include "mem/mm_types.h"

#include <stdio.h>
#include <sys/mman.h>

void fault_rig_create(struct fault_rig *rig, const char *kernel, bool statistics, size_t nr_pages)
{
	struct mmsim_config config;

	mmsim_config_init(&config);
	snprintf(config.kernel, sizeof(config.kernel), "%s", kernel);
	config.statistics = statistics;
	config.emulate_costs = 0;
	fault_rig_create_as(rig, &config, nr_pages);
}

void fault_rig_create_as(struct fault_rig *rig, const struct mmsim_config *config, size_t nr_pages)
{
	char error[256];
	int64_t start;

	if (mmsim_create(config, &rig->sim, error))
		bench_die("%s", error);
	rig->mm = mmsim_mm_create(rig->sim, "bench");
	if (!rig->mm || mmsim_use_mm(rig->mm))
		bench_die("no memory");
	start = mmsim_mmap(rig->mm, 0, nr_pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS);
	if (start < 0)
		bench_die("mmap: %lld", (long long)start);
	rig->start = (uint64_t)start;
	rig->nr_pages = nr_pages;
}

void fault_rig_destroy(struct fault_rig *rig)
{
	mmsim_enter(rig->sim);
	mmsim_use_mm(NULL);
	mmsim_mm_put(rig->mm);
	if (mmsim_destroy(rig->sim))
		bench_die("the instance leaked");
}

void fault_pages(struct mm_struct *mm, uint64_t start, size_t first, size_t n)
{
	int wrong = 0;

	for (size_t i = first; i < first + n; i++)
		wrong |= (int)mmsim_store(mm, start + i * PAGE_SIZE, i) ^ MMSIM_ACCESS_NEW;
	if (wrong)
		bench_die("a write was not answered with a fresh page");
}

void drop_pages(struct mm_struct *mm, uint64_t start, size_t nr_pages)
{
	if (mmsim_madvise(mm, start, nr_pages * PAGE_SIZE, MADV_DONTNEED))
		bench_die("madvise failed");
}

double fault_rig_run(void *context)
{
	struct fault_rig *rig = context;
	uint64_t start = bench_now_ns();
	uint64_t ns;

	fault_pages(rig->mm, rig->start, 0, rig->nr_pages);
	ns = bench_now_ns() - start;
	drop_pages(rig->mm, rig->start, rig->nr_pages);
	return (double)ns / (double)rig->nr_pages;
}
