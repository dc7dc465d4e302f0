/* SPDX-License-Identifier: MIT */
/*
 * fork and exit, and the walk from a page to its PTEs.
 *
 * Goals: that simulating a fork and the child's exit is faster than this computer's kernel does
 * them, for each faulted VMA (with its one page) and for each page more; what a process costs by
 * itself is taken off both sides, by the same fork of a process without these. Pages were
 * written just before, so that each fork has to take the right to write away. And that a walk
 * costs what the VMAs that overlap cost, however many processes live. Kernel 6.18's
 * strategies, statistics on, no emulated costs.
 * Non-goals: several tasks; files; what the child would do.
 */
#include "fault_rig.h"
#include "kernel_child.h"
#include "mem/page_alloc.h"
#include "mem/pgtable.h"
#include "rmap/rmap.h"

#include <sys/mman.h>

#define VMAS 1000u
#define PAGES 8192u
#define WALKS 4096
#define FEW 10u
#define MANY 1000u
#define RW (PROT_READ | PROT_WRITE)

/* ---- fork and exit ---- */

enum { BASE, WITH_VMAS, WITH_PAGES, NR_KINDS };
enum { OURS, KERNEL = OURS + NR_KINDS, AGAIN = KERNEL + NR_KINDS, NR_SIDES = AGAIN + 2 };
_Static_assert(NR_SIDES <= CONTEST_MAX_SIDES, "the harness has room");

static const struct fork_layout layouts[NR_KINDS] =
	{[BASE] = {0, 0}, [WITH_VMAS] = {VMAS, 0}, [WITH_PAGES] = {0, PAGES}};

struct fork_rig {
	struct fault_rig rig;
	const struct fork_layout *layout;
	uint64_t vmas; /* the first faulted one */
};

static void rig_create(struct fork_rig *fork, const struct fork_layout *layout)
{
	struct mmsim_config config;
	char error[256];

	mmsim_config_init(&config);
	config.emulate_costs = 0;
	if (mmsim_config_set(&config, "kernel", "6.18", error))
		bench_die("%s", error);
	fault_rig_create_as(&fork->rig, &config, MAX(layout->pages, 1u));
	fork->layout = layout;
	fork->vmas = fork->rig.start - FORK_STRIDE * (VMAS + 1);
	for (unsigned int i = 0; i < layout->vmas; i++)
		if (mmsim_mmap(fork->rig.mm, fork->vmas + i * FORK_STRIDE, PAGE_SIZE, RW,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) < 0)
			bench_die("mmap failed");
}

static void store_all(struct fork_rig *fork)
{
	struct mm_struct *mm = fork->rig.mm;
	bool wrong = false;

	for (unsigned int i = 0; i < fork->layout->vmas; i++)
		wrong |= mmsim_store(mm, fork->vmas + i * FORK_STRIDE, i) >= MMSIM_ACCESS_MAPERR;
	for (unsigned int i = 0; i < fork->layout->pages; i++)
		wrong |= mmsim_store(mm, fork->rig.start + i * PAGE_SIZE, i) >= MMSIM_ACCESS_MAPERR;
	if (wrong)
		bench_die("a store failed");
}

static double time_fork(struct fork_rig *fork)
{
	struct mm_struct *child;
	uint64_t start;

	store_all(fork);
	start = bench_now_ns();
	if (mmsim_fork(fork->rig.mm, "child", &child))
		bench_die("fork failed");
	mmsim_mm_put(child);
	return (double)(bench_now_ns() - start);
}

/* The first time brings the instance back into the caches; the kernel's process does the same. */
static double run_ours(void *context)
{
	struct fork_rig *fork = context;

	mmsim_enter(fork->rig.sim);
	time_fork(fork);
	return time_fork(fork);
}

static double run_kernel(void *context)
{
	return kernel_child_run(context, CALL_FORK);
}

/* What each VMA, or page, adds, ours to the kernel's. */
static double ratio_of_vmas(const double *values)
{
	return (values[OURS + WITH_VMAS] - values[OURS]) /
	       (values[KERNEL + WITH_VMAS] - values[KERNEL]);
}

static double ratio_of_pages(const double *values)
{
	return (values[OURS + WITH_PAGES] - values[OURS]) /
	       (values[KERNEL + WITH_PAGES] - values[KERNEL]);
}

static double again_of_vmas(const double *values)
{
	return (values[AGAIN] - values[OURS]) / (values[OURS + WITH_VMAS] - values[OURS]);
}

static double again_of_pages(const double *values)
{
	return (values[AGAIN + 1] - values[OURS]) / (values[OURS + WITH_PAGES] - values[OURS]);
}

static void fork_row(struct bench *bench, const struct contest *contest, const char *name, int kind,
		     double (*ratio)(const double *values), double (*again)(const double *values),
		     unsigned int n)
{
	struct row row = {.name = name, .unit = "ratio", .bound = AT_MOST, .target = 0.4};
	double ours =
		contest_value(contest, OURS + kind).value - contest_value(contest, OURS).value;
	double kernel =
		contest_value(contest, KERNEL + kind).value - contest_value(contest, KERNEL).value;

	row.estimate = contest_derive(contest, ratio);
	row.floor = contest_derive(contest, again);
	bench_row(bench, &row, "ours %.0f ns, the kernel's %.0f ns; %u of them", ours / n,
		  kernel / n, n);
}

static void measure_forks(struct bench *bench)
{
	struct contest contest = {.nr_sides = NR_SIDES};
	struct kernel_child children[NR_KINDS];
	struct fork_rig rigs[NR_KINDS];

	for (int i = 0; i < NR_KINDS; i++) {
		children[i].layout = layouts[i];
		kernel_child_start(&children[i], 0);
		rig_create(&rigs[i], &layouts[i]);
		contest.side[OURS + i] = (struct side){run_ours, &rigs[i]};
		contest.side[KERNEL + i] = (struct side){run_kernel, &children[i]};
	}
	contest.side[AGAIN] = contest.side[OURS + WITH_VMAS];
	contest.side[AGAIN + 1] = contest.side[OURS + WITH_PAGES];
	contest_run(bench, &contest, bench_rounds(bench, 201, 41));
	fork_row(bench, &contest, "fork_exit_vma", WITH_VMAS, ratio_of_vmas, again_of_vmas, VMAS);
	fork_row(bench, &contest, "fork_exit_page", WITH_PAGES, ratio_of_pages, again_of_pages,
		 PAGES);
	contest_end(&contest);
	/* The last first: those started later have a copy of an earlier one's pipe. */
	for (int i = NR_KINDS - 1; i >= 0; i--) {
		fault_rig_destroy(&rigs[i].rig);
		kernel_child_stop(&children[i]);
	}
}

/* ---- walks ---- */

/* A parent of which each child has kept two pages, so that a walk meets two VMAs. */
struct walk_rig {
	struct fault_rig rig;
	struct mm_struct *children[MANY];
	struct folio *folio;
	unsigned int alive;
};

static void keep_two_pages(struct walk_rig *walk, struct mm_struct *child, unsigned int i)
{
	uint64_t start = walk->rig.start, end = start + 2ul * MANY * PAGE_SIZE;
	uint64_t kept = start + 2ul * i * PAGE_SIZE;

	if (kept > start && mmsim_munmap(child, start, kept - start))
		bench_die("munmap failed");
	kept += 2 * PAGE_SIZE;
	if (kept < end && mmsim_munmap(child, kept, end - kept))
		bench_die("munmap failed");
}

static void walk_rig_create(struct walk_rig *walk, unsigned int alive)
{
	struct mmsim_config config;
	struct pte_table *table;

	mmsim_config_init(&config);
	config.emulate_costs = 0;
	fault_rig_create_as(&walk->rig, &config, 2 * MANY);
	fault_pages(walk->rig.mm, walk->rig.start, 0, 2 * MANY);
	walk->alive = alive;
	for (unsigned int i = 0; i < alive; i++) {
		if (mmsim_fork(walk->rig.mm, "child", &walk->children[i]))
			bench_die("fork failed");
		keep_two_pages(walk, walk->children[i], i);
	}
	table = pte_table_find(walk->rig.mm, walk->rig.start + alive * PAGE_SIZE);
	walk->folio = pfn_folio(
		walk->rig.sim, pte_pfn(table->pte[pte_index(walk->rig.start + alive * PAGE_SIZE)]));
}

static void walk_rig_destroy(struct walk_rig *walk)
{
	mmsim_enter(walk->rig.sim);
	for (unsigned int i = 0; i < walk->alive; i++)
		mmsim_mm_put(walk->children[i]);
	fault_rig_destroy(&walk->rig);
}

static double time_walks(void *context)
{
	struct walk_rig *walk = context;
	bool vm_locked;
	uint64_t start;

	mmsim_enter(walk->rig.sim);
	start = bench_now_ns();
	for (int i = 0; i < WALKS; i++)
		folio_referenced(walk->rig.sim, walk->folio, false, &vm_locked);
	return (double)(bench_now_ns() - start) / WALKS;
}

static void measure_walks(struct bench *bench)
{
	enum { ALONE, AMONG_MANY, ALONE_AGAIN, NR_WALKS };
	static struct walk_rig few, many;
	struct contest contest = {
		.nr_sides = NR_WALKS,
		.side = {[ALONE] = {time_walks, &few},
			 [AMONG_MANY] = {time_walks, &many},
			 [ALONE_AGAIN] = {time_walks, &few}},
	};
	struct row row = {
		.name = "rmap_walk_alive", .unit = "ratio", .bound = AT_MOST, .target = 1.5};

	walk_rig_create(&few, FEW);
	walk_rig_create(&many, MANY);
	contest_run(bench, &contest, bench_rounds(bench, 601, 121));
	row.floor = contest_ratio(&contest, ALONE_AGAIN, ALONE);
	row.estimate = contest_ratio(&contest, AMONG_MANY, ALONE);
	bench_row(bench, &row, "two VMAs met: %.0f ns with %u processes, %.0f ns with %u",
		  contest_value(&contest, ALONE).value, FEW + 1,
		  contest_value(&contest, AMONG_MANY).value, MANY + 1);
	contest_end(&contest);
	walk_rig_destroy(&many);
	walk_rig_destroy(&few);
}

void bench_fork(struct bench *bench)
{
	measure_forks(bench);
	measure_walks(bench);
}
