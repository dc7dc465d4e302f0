/* SPDX-License-Identifier: MIT */
/*
 * One anonymous write fault: ours against this computer's kernel's.
 *
 * Goals: what a simulated fault costs beyond zeroing the page, counted in
 * atomic operations; and that a simulation of it is faster than the thing
 * itself. Kernel 6.18's strategies, statistics on, no emulated costs. The
 * running kernel's side is the first write to each page of a private anonymous
 * region without transparent huge pages; it contains the trap.
 * Non-goals: several tasks (two_tasks.c), other kinds of fault, dropping.
 */
#include "fault_rig.h"
#include "mem/page_alloc.h"
#include "mem/sim.h"

#include <string.h>
#include <sys/mman.h>

#define FAULT_PAGES 512

enum { OURS, KERNEL, MEMSET, ATOMIC, OURS_AGAIN, NR_SIDES };

struct kernel_region {
	char *start;
	size_t nr_pages;
};

static void kernel_region_create(struct kernel_region *region, size_t nr_pages)
{
	region->nr_pages = nr_pages;
	region->start = mmap(NULL, nr_pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region->start == MAP_FAILED)
		bench_die("the kernel gives no memory");
	/* Fails only where there are no huge pages to begin with. */
	madvise(region->start, nr_pages * PAGE_SIZE, MADV_NOHUGEPAGE);
}

static double kernel_run(void *context)
{
	const struct kernel_region *region = context;
	uint64_t start = bench_now_ns();
	uint64_t ns;

	for (size_t i = 0; i < region->nr_pages; i++)
		*(volatile uint64_t *)(region->start + i * PAGE_SIZE) = i;
	ns = bench_now_ns() - start;
	if (madvise(region->start, region->nr_pages * PAGE_SIZE, MADV_DONTNEED))
		bench_die("the kernel's madvise failed");
	return (double)ns / (double)region->nr_pages;
}

/* Clear the pages that a batch of faults would be given, in that order. */
static double memset_run(void *context)
{
	static struct folio *folios[FAULT_PAGES];
	struct fault_rig *rig = context;
	uint64_t start, ns;

	for (size_t i = 0; i < FAULT_PAGES; i++) {
		folios[i] = folio_alloc(rig->sim, false);
		if (!folios[i])
			bench_die("no page to be had");
	}
	start = bench_now_ns();
	for (size_t i = 0; i < FAULT_PAGES; i++)
		memset(pfn_address(rig->sim, folios[i]->pfn), 0, PAGE_SIZE);
	ns = bench_now_ns() - start;
	for (size_t i = FAULT_PAGES; i-- > 0;)
		folio_put(rig->sim, folios[i]);
	return (double)ns / FAULT_PAGES;
}

static double atomics_beyond_memset(const double *values)
{
	return (values[OURS] - values[MEMSET]) / values[ATOMIC];
}

void bench_fault(struct bench *bench)
{
	struct kernel_region region;
	struct fault_rig rig;
	struct contest contest = {
		.nr_sides = NR_SIDES,
		.side = {[OURS] = {fault_rig_run, &rig},
			 [KERNEL] = {kernel_run, &region},
			 [MEMSET] = {memset_run, &rig},
			 [ATOMIC] = {bench_atomic_ns, NULL},
			 [OURS_AGAIN] = {fault_rig_run, &rig}},
	};
	struct estimate floor;

	fault_rig_create(&rig, "6.18", true, FAULT_PAGES);
	kernel_region_create(&region, FAULT_PAGES);
	contest_run(bench, &contest, bench_rounds(bench, 601, 121));
	floor = contest_ratio(&contest, OURS_AGAIN, OURS);
	bench_row(bench,
		  &(struct row){
			  .name = "fault_vs_kernel",
			  .unit = "ratio",
			  .estimate = contest_ratio(&contest, OURS, KERNEL),
			  .bound = AT_MOST,
			  .target = 0.35,
			  .floor = floor,
		  },
		  "ours %.0f ns, the kernel's %.0f ns", contest_value(&contest, OURS).value,
		  contest_value(&contest, KERNEL).value);
	bench_row(bench,
		  &(struct row){
			  .name = "fault_atomics",
			  .unit = "atomics",
			  .estimate = contest_derive(&contest, atomics_beyond_memset),
			  .bound = AT_MOST,
			  .target = 25,
			  .floor = floor,
		  },
		  "(fault %.1f ns - memset %.1f ns) / atomic %.2f ns",
		  contest_value(&contest, OURS).value, contest_value(&contest, MEMSET).value,
		  contest_value(&contest, ATOMIC).value);
	contest_end(&contest);
	munmap(region.start, region.nr_pages * PAGE_SIZE);
	fault_rig_destroy(&rig);
}
