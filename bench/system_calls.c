/* SPDX-License-Identifier: MIT */
/*
 * Two system calls as programs make them all the time: mmap and munmap of a
 * page, and MADV_DONTNEED of sixteen; ours against this computer's kernel's.
 *
 * Goals: that simulating a call is faster than making it, in an address space
 * with as many VMAs beside. Kernel 6.18's strategies, statistics on; with a
 * target without emulated costs, and without one with them. The kernel's side
 * is a process with one thread and contains the system call itself; what a
 * library adds to that it leaves out, as we do.
 * Non-goals: several tasks; what goes on after the call: pages and nodes that a
 * grace period holds back are freed by others on both sides, and not timed.
 */
#include "fault_rig.h"
#include "kernel_child.h"

#include <sys/mman.h>

#define NEIGHBOURS 100

enum { OURS, KERNEL, OURS_COSTS, OURS_AGAIN, NR_SIDES };

static struct kernel_child child;

/* A region to touch and neighbours that merge with nobody. */
static void rig_create(struct fault_rig *rig, bool costs, unsigned int nr_vmas)
{
	struct mmsim_config config;
	char error[256];

	mmsim_config_init(&config);
	config.emulate_costs = costs;
	if (mmsim_config_set(&config, "kernel", "6.18", error))
		bench_die("%s", error);
	fault_rig_create_as(rig, &config, REGION_SIZE / PAGE_SIZE);
	while ((unsigned int)mmsim_map_count(rig->mm) < nr_vmas) {
		int prot = mmsim_map_count(rig->mm) % 2 ? PROT_READ : PROT_NONE;
		int64_t addr = mmsim_mmap(rig->mm, 0, PAGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS);

		if (addr < 0)
			bench_die("mmap: %lld", (long long)addr);
	}
}

/* ---- what is timed ---- */

static double time_mmap_munmap(struct fault_rig *rig)
{
	uint64_t start, ns;
	int64_t wrong = 0;

	start = bench_now_ns();
	for (int i = 0; i < MMAP_CALLS; i++) {
		int64_t addr = mmsim_mmap(rig->mm, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS);

		wrong |= mmsim_munmap(rig->mm, (uint64_t)addr, PAGE_SIZE);
	}
	ns = bench_now_ns() - start;
	if (wrong)
		bench_die("mmap or munmap failed");
	rcu_barrier();
	return (double)ns / MMAP_CALLS;
}

static double time_dontneed(struct fault_rig *rig)
{
	uint64_t start, ns;

	fault_pages(rig->mm, rig->start, 0, rig->nr_pages);
	start = bench_now_ns();
	for (size_t i = 0; i < DONTNEED_CALLS; i++)
		drop_pages(rig->mm, rig->start + i * DONTNEED_PAGES * PAGE_SIZE, DONTNEED_PAGES);
	ns = bench_now_ns() - start;
	return (double)ns / DONTNEED_CALLS;
}

/* The first time brings the instance back into the caches; the kernel's process does the same. */
static double mmap_munmap(void *context)
{
	struct fault_rig *rig = context;

	mmsim_enter(rig->sim);
	time_mmap_munmap(rig);
	return time_mmap_munmap(rig);
}

static double dontneed(void *context)
{
	struct fault_rig *rig = context;

	mmsim_enter(rig->sim);
	time_dontneed(rig);
	return time_dontneed(rig);
}

static double kernel_mmap_munmap(void *context)
{
	return kernel_child_run(context, CALL_MMAP_MUNMAP);
}

static double kernel_dontneed(void *context)
{
	return kernel_child_run(context, CALL_DONTNEED);
}

/* ---- comparison ---- */

static void compare(struct bench *bench, const char *const names[2], double (*ours)(void *context),
		    double (*kernel)(void *context))
{
	struct fault_rig rig, costs;
	struct contest contest = {
		.nr_sides = NR_SIDES,
		.side = {[OURS] = {ours, &rig},
			 [KERNEL] = {kernel, &child},
			 [OURS_COSTS] = {ours, &costs},
			 [OURS_AGAIN] = {ours, &rig}},
	};
	struct row row = {.name = names[0], .unit = "ratio", .bound = AT_MOST, .target = 0.4};

	kernel_child_start(&child, NEIGHBOURS);
	rig_create(&rig, false, child.nr_vmas);
	rig_create(&costs, true, child.nr_vmas);
	contest_run(bench, &contest, bench_rounds(bench, 601, 121));
	row.floor = contest_ratio(&contest, OURS_AGAIN, OURS);
	row.estimate = contest_ratio(&contest, OURS, KERNEL);
	bench_row(bench, &row, "ours %.0f ns, the kernel's %.0f ns, beside %u VMAs",
		  contest_value(&contest, OURS).value, contest_value(&contest, KERNEL).value,
		  child.nr_vmas);
	row.name = names[1];
	row.bound = NO_TARGET;
	row.estimate = contest_ratio(&contest, OURS_COSTS, KERNEL);
	bench_row(bench, &row, "with emulated costs: ours %.0f ns",
		  contest_value(&contest, OURS_COSTS).value);
	contest_end(&contest);
	fault_rig_destroy(&costs);
	fault_rig_destroy(&rig);
	kernel_child_stop(&child);
}

void bench_mmap_munmap(struct bench *bench)
{
	static const char *const names[] = {"mmap_munmap", "mmap_munmap_costs"};

	compare(bench, names, mmap_munmap, kernel_mmap_munmap);
}

void bench_dontneed(struct bench *bench)
{
	static const char *const names[] = {"dontneed", "dontneed_costs"};

	compare(bench, names, dontneed, kernel_dontneed);
}
