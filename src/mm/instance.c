/* SPDX-License-Identifier: MIT */
/* An instance: made from its configuration, run, taken apart. */
#include "mem/folio_lock.h"
#include "mm/axis.h"
#include "mm/mm.h"
#include "mmsim/mmsim.h"
#include "rmap/rmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_SIZE 256

#ifndef MMSIM_VERSION
#define MMSIM_VERSION "0.1.0"
#endif

_Static_assert(NR_LOCK_CLASSES <= MMSIM_LOCK_CLASSES_MAX, "the public array has room for all");

const char *mmsim_version(void)
{
	return MMSIM_VERSION;
}

/* What is neither is the name or the file of a profile. */
static enum machine_kind machine_kind_of(const char *name)
{
	if (!strcmp(name, "host"))
		return MACHINE_HOST;
	return !strcmp(name, "step") ? MACHINE_STEP : MACHINE_TIMED;
}

static int make_machine(const struct mmsim_config *config, struct trace *trace,
			struct machine **out, char *error)
{
	struct machine_config mc = {
		.kind = machine_kind_of(config->machine),
		.profile = config->machine,
		.profile_changes = config->machine_changes,
		.seed = config->seed,
		.nr_cpus = config->nr_cpus,
		.hz = config->hz ? config->hz : 250,
		.emulate_costs = config->emulate_costs,
		.schedule = *config->schedule ? config->schedule : config->long_schedule,
		.search = config->search,
		.switch_1_in = config->switch_1_in,
		.kills = config->kills,
		.spurious_1_in = config->spurious_1_in,
		.tick_1_in = config->tick_1_in,
		.max_steps = config->max_steps,
		.max_ns = config->max_ns,
		.hang_ns = config->hang_ns,
		.hooks = trace_hooks(trace),
		.error = error,
	};
	int err;

	if (mc.search && mc.kind != MACHINE_STEP) {
		snprintf(error, ERROR_SIZE, "search: only on machine=step");
		return -EOPNOTSUPP;
	}
	if (mc.kind != MACHINE_TIMED && *config->machine_changes) {
		snprintf(error, ERROR_SIZE, "cost: only on a modelled machine");
		return -EOPNOTSUPP;
	}
	if (*config->hold_changes && (mc.kind != MACHINE_TIMED || !config->statistics)) {
		snprintf(error, ERROR_SIZE, "what_if: only on a modelled machine%s",
			 mc.kind == MACHINE_TIMED ? ", with statistics" : "");
		return -EOPNOTSUPP;
	}
	if (mc.kind == MACHINE_TIMED && mc.schedule && *mc.schedule) {
		snprintf(error, ERROR_SIZE, "schedule: only on machine=step");
		return -EOPNOTSUPP;
	}
	err = machine_create(&mc, out);
	if (err == -EINVAL && mc.kind == MACHINE_STEP)
		snprintf(error, ERROR_SIZE,
			 "schedule: expected words NAME, NAME*n, NAME~, !tick, !tick*n, "
			 "!kill:NAME or !spurious:NAME");
	else if (err && !*error)
		snprintf(error, ERROR_SIZE, "no memory or threads for the machine");
	return err;
}

/* The struct lives in a chunk, since steps touch it. */
static struct mmsim *sim_alloc(struct machine *machine)
{
	struct machine_chunk *chunk =
		machine_chunk_alloc(machine, "mmsim", (sizeof(struct mmsim) + 63) & ~63u);

	return chunk ? (struct mmsim *)((char *)chunk + chunk->first_offset) : NULL;
}

static int make_caches(struct mmsim *sim)
{
	const struct {
		struct kmem_cache **cache;
		const char *name;
		size_t size;
		enum kmem_cache_kind kind;
	} caches[] = {
		{&sim->mm_cache, "mm_struct", sizeof(struct mm_struct), CACHE_PLAIN},
		{&sim->vma_cache, "vm_area_struct", sizeof(struct vm_area_struct),
		 sim->fault->vma_cache},
		{&sim->vma_lock_cache, "vma_lock", sizeof(struct rw_semaphore), CACHE_PLAIN},
		{&sim->anon_vma_cache, "anon_vma", anon_vma_size(sim->anon_rmap), CACHE_TYPESAFE},
		{&sim->avc_cache, "anon_vma_chain", sizeof(struct anon_vma_chain), CACHE_PLAIN},
		{&sim->name_cache, "anon_vma_name", sizeof(struct anon_vma_name), CACHE_PLAIN},
		{&sim->pte_cache, "pte_table", sizeof(struct pte_table), CACHE_PLAIN},
		{&sim->dir_cache, "pgtable_dir", sizeof(struct pgtable_dir), CACHE_PLAIN},
		{&sim->gather_cache, "mmu_gather_batch", sizeof(struct mmu_gather_batch),
		 CACHE_PLAIN},
		{&sim->runners_cache, "mm_runners", sizeof(struct mm_runners), CACHE_PLAIN},
		{&sim->lock_cache, "user_rwsem", sizeof(struct rw_semaphore), CACHE_PLAIN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		*caches[i].cache = kmem_cache_create(sim, caches[i].name, caches[i].size,
						     caches[i].kind, 0, NULL);
		if (!*caches[i].cache)
			return -ENOMEM;
	}
	sim->tree_cache = vma_tree_cache_create(sim);
	sim->zone = zone_create(sim, sim->config.memory_bytes);
	return sim->tree_cache && sim->zone ? folio_waits_create(sim) : -ENOMEM;
}

static int check_host_only(const struct mmsim *sim, char *error)
{
	for (unsigned int i = 0; i < NR_LOCK_CLASSES; i++) {
		if (!sim->rwsem[i]->host_only || machine_kind(sim->machine) == MACHINE_HOST)
			continue;
		snprintf(error, ERROR_SIZE, "rwsem=%s: only on machine=host", sim->rwsem[i]->name);
		return -EOPNOTSUPP;
	}
	return 0;
}

int mmsim_create(const struct mmsim_config *config, struct mmsim **out, char *error)
{
	struct trace *trace = trace_create(config->statistics);
	struct machine *machine = NULL;
	char ignored[ERROR_SIZE];
	struct mmsim *sim = NULL;
	int err = trace ? 0 : -ENOMEM;

	if (!error)
		error = ignored;
	*error = '\0';
	if (!err)
		err = trace_scale_holds(trace, config->hold_changes, error);
	if (!err)
		err = make_machine(config, trace, &machine, error);
	if (!err) {
		trace_set_machine(trace, machine);
		sim = sim_alloc(machine);
		err = sim ? 0 : -ENOMEM;
	}
	if (!err) {
		sim->machine = machine;
		sim->trace = trace;
		sim->config = *config;
		err = axes_resolve(sim, error);
	}
	if (!err)
		err = check_host_only(sim, error);
	if (!err)
		err = make_caches(sim);
	if (!err) {
		*out = sim;
		return 0;
	}
	if (err == -ENOMEM && !*error)
		snprintf(error, ERROR_SIZE, "no memory for the instance");
	if (sim && sim->zone)
		zone_destroy(sim->zone);
	if (machine)
		machine_destroy(machine);
	trace_destroy(trace);
	return err;
}

int mmsim_destroy(struct mmsim *sim)
{
	struct machine *machine = sim->machine;
	struct trace *trace = sim->trace;
	struct machine *before;
	struct mmsim_bytes bytes;
	uint64_t left;

	/* The thread goes back to the instance it was in. */
	before = current && current->machine != machine ? current->machine : NULL;
	mmsim_enter(sim);
	/* Main leaves the mm it may run in; what waits for a grace period is freed. */
	if (!*machine_failure(machine)) {
		struct task *task;

		for (int i = 0; (task = machine_task(machine, i)); i++)
			if (task->start_mm)
				mmput(task->start_mm); /* it was never run */
		use_mm(NULL);
		rcu_barrier();
	}
	left = zone_destroy(sim->zone);
	for (unsigned int i = 0; !mmsim_bytes_at(sim, i, &bytes); i++)
		left += bytes.objects;
	machine_destroy(machine);
	trace_destroy(trace);
	if (before)
		machine_enter(before);
	return left ? -EBUSY : 0;
}

void mmsim_enter(struct mmsim *sim)
{
	machine_enter(sim->machine);
}

int mmsim_run(struct mmsim *sim)
{
	return machine_run(sim->machine);
}

const char *mmsim_failure(const struct mmsim *sim)
{
	return machine_failure(sim->machine);
}

const char *mmsim_effective(const struct mmsim *sim, const char *axis)
{
	if (!strcmp(axis, "kernel"))
		return sim->config.kernel;
	if (!strcmp(axis, "machine"))
		return sim->config.machine;
	if (!strcmp(axis, "fault"))
		return sim->fault->name;
	if (!strcmp(axis, "madvise"))
		return sim->madvise->name;
	if (!strcmp(axis, "munmap"))
		return sim->munmap->name;
	if (!strcmp(axis, "anon_rmap"))
		return sim->anon_rmap->name;
	if (!strcmp(axis, "rmap_contended"))
		return sim->rmap_contended->name;
	if (!strcmp(axis, "rwsem"))
		return sim->rwsem[LOCK_mmap_lock]->name;
	for (unsigned int i = 0; i < NR_LOCK_CLASSES; i++)
		if (!strncmp(axis, "rwsem.", 6) && !strcmp(axis + 6, lock_class_name(i)))
			return sim->rwsem[i]->name;
	return NULL;
}
