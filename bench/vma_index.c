/* SPDX-License-Identifier: MIT */
/*
 * The VMA index: lookups as a fault makes them, and stores as mmap and munmap
 * make them, in address spaces of different sizes.
 *
 * Goals: nanoseconds to find and read-lock the VMA of a random address and to
 * unlock it (vma_refcnt, kernel 6.18), less the two atomic operations that no
 * such lock can do without; and that a store in a million VMAs costs little
 * more than in a thousand. Addresses are drawn before.
 * Non-goals: lookups near the last one, which caches answer; the rest of mmap.
 */
#include "harness.h"
#include "mm/mm.h"
#include "mmsim/mmsim.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LOOKUPS 2048
#define STORES 128
#define SLOT_SIZE (16 * PAGE_SIZE) /* of the address space; a VMA has its first page */
#define NR_SLOTS (TASK_SIZE / SLOT_SIZE - 2)

enum { LOOKUP_1000, LOOKUP_10000, ATOMIC, LOOKUP_AGAIN, NR_LOOKUP_SIDES };
enum { LOOKUP_1000000, LOOKUP_1000000_AGAIN, NR_LARGE_SIDES };
enum { STORE_1000, STORE_1000000, STORE_AGAIN, NR_STORE_SIDES };

/* A list of addresses that is gone through again and again. */
struct addresses {
	unsigned long *list;
	size_t n, next;
};

struct space {
	size_t nr_vmas;
	struct mm_struct *mm;
	struct vm_area_struct *vma; /* stored and erased; never locked */
	struct addresses used, unused;
};

static const size_t sizes[] = {1000, 10000, 1000000};
#define NR_SPACES ARRAY_SIZE(sizes)

static unsigned long next_address(struct addresses *addresses)
{
	size_t at = addresses->next++;

	if (addresses->next == addresses->n)
		addresses->next = 0;
	return addresses->list[at];
}

static double lookup(void *context)
{
	struct space *space = context;
	struct mm_struct *mm = space->mm;
	uint64_t start = bench_now_ns();
	unsigned long missed = 0;

	for (int i = 0; i < LOOKUPS; i++) {
		enum vma_lock_miss miss;
		struct vm_area_struct *vma = mm->fault->lock_vma_under_rcu(
			mm, next_address(&space->used), SITE_fault_vma, &miss);

		if (vma)
			vma_end_read(vma);
		else
			missed++;
	}
	if (missed)
		bench_die("a VMA was not found");
	return (double)(bench_now_ns() - start) / LOOKUPS;
}

static void store_once(struct vma_tree *tree, unsigned long addr, struct vm_area_struct *vma)
{
	if (vma_tree_reserve(tree, 1))
		bench_die("no memory for the index");
	vma_tree_store(tree, addr, addr + PAGE_SIZE, vma);
	vma_tree_unreserve(tree);
}

/* The nodes that it drops come back only after a grace period: waited for, not timed. */
static double store(void *context)
{
	struct space *space = context;
	struct vma_tree *tree = &space->mm->mm_mt;
	uint64_t start, ns;

	mmap_write_lock(space->mm, SITE_mmap);
	start = bench_now_ns();
	for (int i = 0; i < STORES; i++) {
		unsigned long addr = next_address(&space->unused);

		store_once(tree, addr, space->vma);
		store_once(tree, addr, NULL);
	}
	ns = bench_now_ns() - start;
	mmap_write_unlock(space->mm);
	rcu_barrier();
	return (double)ns / STORES;
}

/* ---- address spaces ---- */

static void addresses_create(struct addresses *addresses, size_t n)
{
	*addresses = (struct addresses){.list = calloc(n, sizeof(unsigned long)), .n = n};
	if (!addresses->list)
		bench_die("no memory");
}

static unsigned long random_slot(struct bench *bench)
{
	return SLOT_SIZE * (1 + rng_below(&bench->rng, NR_SLOTS));
}

static void fill(struct bench *bench, struct space *space)
{
	for (size_t i = 0; i < space->nr_vmas;) {
		unsigned long addr = random_slot(bench);
		int64_t got = mmsim_mmap(space->mm, addr, PAGE_SIZE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
		size_t other;

		if (got == -EEXIST)
			continue;
		if (got < 0)
			bench_die("mmap: %lld", (long long)got);
		/* The list's order has nothing to do with the mappings' age. */
		other = rng_below(&bench->rng, i + 1);
		space->used.list[i++] = space->used.list[other];
		space->used.list[other] = addr;
	}
	/* The second half of a slot is never mapped. */
	for (size_t i = 0; i < space->unused.n; i++)
		space->unused.list[i] = random_slot(bench) + SLOT_SIZE / 2;
}

static void space_create(struct bench *bench, struct mmsim *sim, struct space *space, size_t n)
{
	space->nr_vmas = n;
	space->mm = mmsim_mm_create(sim, "bench");
	if (!space->mm)
		bench_die("no memory");
	addresses_create(&space->used, n);
	addresses_create(&space->unused, 1 << 16);
	fill(bench, space);
	space->vma = vm_area_alloc(space->mm);
	if (!space->vma)
		bench_die("no memory");
}

static void space_destroy(struct space *space)
{
	vm_area_free(space->vma);
	mmsim_mm_put(space->mm);
	free(space->used.list);
	free(space->unused.list);
}

/* ---- comparisons ---- */

static double less_two_atomics(const double *values)
{
	return values[LOOKUP_10000] - 2 * values[ATOMIC];
}

static void compare_lookups(struct bench *bench, struct space *spaces)
{
	struct contest contest = {
		.nr_sides = NR_LOOKUP_SIDES,
		.side = {[LOOKUP_1000] = {lookup, &spaces[0]},
			 [LOOKUP_10000] = {lookup, &spaces[1]},
			 [ATOMIC] = {bench_atomic_ns, NULL},
			 [LOOKUP_AGAIN] = {lookup, &spaces[1]}},
	};
	struct row row = {.unit = "ns"};

	contest_run(bench, &contest, bench_rounds(bench, 601, 121));
	row.name = "atomic";
	row.estimate = contest_value(&contest, ATOMIC);
	bench_row(bench, &row, "one uncontended atomic addition");
	row.floor = contest_ratio(&contest, LOOKUP_AGAIN, LOOKUP_10000);
	row.name = "vma_lookup_1000";
	row.estimate = contest_value(&contest, LOOKUP_1000);
	bench_row(bench, &row, "find, lock and unlock");
	row.name = "vma_lookup_10000";
	row.estimate = contest_derive(&contest, less_two_atomics);
	row.bound = AT_MOST;
	row.target = 100;
	bench_row(bench, &row, "%.1f ns less two atomics of %.2f ns",
		  contest_value(&contest, LOOKUP_10000).value,
		  contest_value(&contest, ATOMIC).value);
	contest_end(&contest);
}

/* By itself: it leaves nothing of the others in the caches. */
static void measure_large(struct bench *bench, struct space *space)
{
	struct contest contest = {
		.nr_sides = NR_LARGE_SIDES,
		.side = {[LOOKUP_1000000] = {lookup, space},
			 [LOOKUP_1000000_AGAIN] = {lookup, space}},
	};

	contest_run(bench, &contest, bench_rounds(bench, 301, 61));
	bench_row(bench,
		  &(struct row){
			  .name = "vma_lookup_1000000",
			  .unit = "ns",
			  .estimate = contest_value(&contest, LOOKUP_1000000),
			  .floor = contest_ratio(&contest, LOOKUP_1000000_AGAIN, LOOKUP_1000000),
		  },
		  "find, lock and unlock");
	contest_end(&contest);
}

static void compare_stores(struct bench *bench, struct space *spaces)
{
	struct contest contest = {
		.nr_sides = NR_STORE_SIDES,
		.side = {[STORE_1000] = {store, &spaces[0]},
			 [STORE_1000000] = {store, &spaces[2]},
			 [STORE_AGAIN] = {store, &spaces[0]}},
	};

	contest_run(bench, &contest, bench_rounds(bench, 301, 61));
	bench_row(bench,
		  &(struct row){
			  .name = "vma_insert_erase",
			  .unit = "ratio",
			  .estimate = contest_ratio(&contest, STORE_1000000, STORE_1000),
			  .bound = AT_MOST,
			  .target = 4,
			  .floor = contest_ratio(&contest, STORE_AGAIN, STORE_1000),
		  },
		  "insert and erase: %.0f ns in 1000000 VMAs, %.0f ns in 1000",
		  contest_value(&contest, STORE_1000000).value,
		  contest_value(&contest, STORE_1000).value);
	contest_end(&contest);
}

void bench_vma_index(struct bench *bench)
{
	struct space spaces[NR_SPACES];
	struct mmsim_config config;
	struct mmsim *sim;
	char error[256];

	mmsim_config_init(&config);
	config.max_map_count = 2 * sizes[NR_SPACES - 1];
	if (mmsim_config_set(&config, "kernel", "6.18", error) ||
	    mmsim_create(&config, &sim, error))
		bench_die("%s", error);
	for (size_t i = 0; i < NR_SPACES; i++)
		space_create(bench, sim, &spaces[i], sizes[i]);
	/* The nodes that filling dropped are freed now and not while we measure. */
	rcu_barrier();
	compare_lookups(bench, spaces);
	measure_large(bench, &spaces[2]);
	compare_stores(bench, spaces);
	for (size_t i = 0; i < NR_SPACES; i++)
		space_destroy(&spaces[i]);
	if (mmsim_destroy(sim))
		bench_die("the instance leaked");
}
