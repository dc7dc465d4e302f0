/* SPDX-License-Identifier: MIT */
/*
 * One simulated kernel: everything hangs off this, so that a test can have
 * several. The axes' choices are pointers to rows of their tables.
 */
#ifndef MMSIM_MEM_SIM_H
#define MMSIM_MEM_SIM_H

#include "mem/kmem_cache.h"
#include "mem/mm_types.h"
#include "mmsim/instance.h"

#define KERNEL_VERSION(major, minor) ((unsigned int)(major) << 16 | (unsigned int)(minor))

struct zone;
struct folio_wait_queue;
struct anon_rmap_strategy;
struct madvise_strategy;
struct munmap_strategy;
struct rmap_contended_strategy;

struct mmsim {
	struct machine *machine;
	struct trace *trace;
	struct mmsim_config config;
	unsigned int version; /* KERNEL_VERSION() */
	const struct fault_strategy *fault;
	const struct madvise_strategy *madvise;
	const struct munmap_strategy *munmap;
	const struct anon_rmap_strategy *anon_rmap;
	const struct rmap_contended_strategy *rmap_contended;
	const struct rwsem_policy *rwsem[NR_LOCK_CLASSES];
	struct zone *zone;
	struct folio_wait_queue *folio_waits; /* FOLIO_WAIT_QUEUES of them */
	struct kmem_cache *mm_cache, *vma_cache, *vma_lock_cache, *anon_vma_cache, *avc_cache;
	struct kmem_cache *tree_cache, *pte_cache, *dir_cache, *runners_cache, *gather_cache,
		*lock_cache;
	struct kmem_cache *name_cache;
	unsigned long migrate_pfn, shrink_pfn; /* where the next scan of physical pages begins */
	uint64_t allocations; /* counted for the allocation that is to fail */
};

/* Does the chosen kernel behave as release major.minor and later did? */
static inline bool sim_since(const struct mmsim *sim, int major, int minor)
{
	return sim->version >= KERNEL_VERSION(major, minor);
}

static inline bool mmsim_since(const struct mm_struct *mm, int major, int minor)
{
	return sim_since(mm->sim, major, minor);
}

/* Is this the allocation that the configuration lets fail? */
static inline bool sim_should_fail(struct mmsim *sim)
{
	uint64_t nth = sim->config.fail_allocation;

	return unlikely(nth) && quiet_add(sim->allocations, 1) + 1 == nth;
}

#endif
