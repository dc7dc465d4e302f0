/* SPDX-License-Identifier: MIT */
/*
 * How much memory a simulated VMA and a simulated page take.
 *
 * Goals: bytes a VMA in each fault strategy, with all that exists because of
 * it: the struct, its lock where that is an object of its own, its anon_vma with
 * the link to it, and its share of the index, in an address space of 10000; and bytes a mapped page
 * beside the page. Sizes of allocated objects, as the caches count them, and
 * struct folio, of which every page that was ever used has one.
 * Non-goals: what the host's allocator or the chunks' ends add; the instance.
 */
#include "fault_rig.h"
#include "mem/mm_types.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define NR_VMAS 10000u
#define NR_PAGES 16384u
/* Two pages a VMA, one of them left free: neighbours neither merge nor share an anon_vma. */
#define VMA_STRIDE (2 * PAGE_SIZE)

/* Bytes in use by type. */
struct usage {
	uint64_t vma, lock, anon_vma, node; /* a VMA's */
	uint64_t table; /* of all levels */
};

static uint64_t bytes_of(const struct mmsim *sim, const char *type)
{
	struct mmsim_bytes bytes;

	for (unsigned int i = 0; !mmsim_bytes_at(sim, i, &bytes); i++)
		if (!strcmp(bytes.type, type))
			return bytes.bytes;
	bench_die("no memory is counted as %s", type);
}

static struct usage usage_of(const struct mmsim *sim)
{
	/* What waits for a grace period is not in use. */
	rcu_barrier();
	return (struct usage){
		.vma = bytes_of(sim, "vm_area_struct"),
		.lock = bytes_of(sim, "vma_lock"),
		.anon_vma = bytes_of(sim, "anon_vma") + bytes_of(sim, "anon_vma_chain"),
		.node = bytes_of(sim, "vma_tree_node"),
		.table = bytes_of(sim, "pte_table") + bytes_of(sim, "pgtable_dir"),
	};
}

static void rig_create(struct fault_rig *rig, const char *fault, size_t nr_pages)
{
	struct mmsim_config config;
	char error[256];

	mmsim_config_init(&config);
	config.emulate_costs = 0;
	if (mmsim_config_set(&config, "kernel", "6.18", error) ||
	    mmsim_config_set(&config, "fault", fault, error))
		bench_die("%s", error);
	fault_rig_create_as(rig, &config, nr_pages);
}

static void exact_row(struct bench *bench, const char *name, double value, const char *note)
{
	struct row row = {.name = name, .unit = "bytes", .estimate = {value, value, value}};

	bench_row(bench, &row, "%s", note);
}

/* Downwards, as mmap places them. */
static void map_and_touch(struct fault_rig *rig)
{
	uint64_t addr = rig->start;

	for (unsigned int i = 0; i < NR_VMAS; i++) {
		addr -= VMA_STRIDE;
		if (mmsim_mmap(rig->mm, addr, PAGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) != (int64_t)addr)
			bench_die("mmap failed");
		fault_pages(rig->mm, addr, 0, 1);
	}
}

static void measure_vmas(struct bench *bench, const char *fault, const char *name)
{
	struct fault_rig rig;
	struct usage before, after;
	double vma, lock, anon_vma, node;
	char note[sizeof(((struct row *)NULL)->note)];

	rig_create(&rig, fault, 1);
	before = usage_of(rig.sim);
	map_and_touch(&rig);
	after = usage_of(rig.sim);
	fault_rig_destroy(&rig);
	vma = (double)(after.vma - before.vma) / NR_VMAS;
	lock = (double)(after.lock - before.lock) / NR_VMAS;
	anon_vma = (double)(after.anon_vma - before.anon_vma) / NR_VMAS;
	node = (double)(after.node - before.node) / NR_VMAS;
	snprintf(note, sizeof(note), "struct %.0f, lock %.0f, anon_vma %.0f, index %.1f; %u VMAs",
		 vma, lock, anon_vma, node, NR_VMAS);
	exact_row(bench, name, vma + lock + anon_vma + node, note);
}

static void measure_pages(struct bench *bench)
{
	struct fault_rig rig;
	struct usage before, after;
	char note[sizeof(((struct row *)NULL)->note)];
	double table;

	rig_create(&rig, "vma_refcnt", NR_PAGES);
	before = usage_of(rig.sim);
	fault_pages(rig.mm, rig.start, 0, NR_PAGES);
	after = usage_of(rig.sim);
	fault_rig_destroy(&rig);
	table = (double)(after.table - before.table) / NR_PAGES;
	snprintf(note, sizeof(note), "struct folio %zu, page tables %.2f; %u pages in one VMA",
		 sizeof(struct folio), table, NR_PAGES);
	exact_row(bench, "page_bytes", sizeof(struct folio) + table, note);
}

void bench_memory(struct bench *bench)
{
	measure_vmas(bench, "mmap_lock", "vma_bytes_mmap_lock");
	measure_vmas(bench, "vma_rwsem", "vma_bytes_vma_rwsem");
	measure_vmas(bench, "vma_refcnt", "vma_bytes_vma_refcnt");
	measure_pages(bench);
}
