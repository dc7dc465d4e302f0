/* SPDX-License-Identifier: MIT */
/* One address space on the step machine; see the header. */
#include "mm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SWEEP_MAX 5000 /* steps; no task here has so many */
#define FALLBACK "madvise_fallback_"

static void set_text(char *to, size_t size, const char *value)
{
	if (value)
		snprintf(to, size, "%s", value);
}

void world_make(struct mm_world *w, const struct mm_setup *setup)
{
	struct mmsim_config config;
	char error[256];

	mmsim_config_init(&config);
	set_text(config.machine, sizeof(config.machine), "step");
	set_text(config.kernel, sizeof(config.kernel), setup->kernel);
	set_text(config.fault, sizeof(config.fault), setup->fault);
	set_text(config.madvise, sizeof(config.madvise), setup->madvise);
	set_text(config.rwsem, sizeof(config.rwsem), setup->rwsem);
	set_text(config.schedule, sizeof(config.schedule), setup->schedule);
	config.memory_bytes = 1 << 20;
	config.max_steps = 1000000;
	if (mmsim_create(&config, &w->sim, error))
		fail_msg("%s", error);
	w->mm = mmsim_mm_create(w->sim, "app");
	assert_non_null(w->mm);
	assert_int_equal(mmsim_use_mm(w->mm), 0);
}

void world_end(struct mm_world *w)
{
	mmsim_mm_check(w->mm);
	assert_int_equal(mmsim_use_mm(NULL), 0);
	mmsim_mm_put(w->mm);
	assert_int_equal(mmsim_destroy(w->sim), 0);
}

struct mmsim_task *world_task(struct mm_world *w, const char *name, int (*fn)(void *arg), void *arg)
{
	struct mmsim_task_attr attr = {.name = name, .cpu = -1, .mm = w->mm};
	struct mmsim_task *task = mmsim_task_create(w->sim, &attr, fn, arg);

	assert_non_null(task);
	return task;
}

void world_run(struct mm_world *w)
{
	if (mmsim_run(w->sim))
		fail_msg("schedule \"%s\": %s", w->sim->config.schedule, mmsim_failure(w->sim));
}

void world_map(struct mm_world *w, unsigned int page, unsigned int pages, int prot)
{
	assert_int_equal(mmsim_mmap(w->mm, PAGE(page), pages * PAGE_SIZE, prot, ANON | MAP_FIXED),
			 (int64_t)PAGE(page));
}

void world_touch(struct mm_world *w, unsigned int page)
{
	assert_int_equal(mmsim_store(w->mm, PAGE(page), 1), MMSIM_ACCESS_NEW);
}

struct vm_area_struct *world_vma(struct mm_world *w, unsigned int page)
{
	struct vm_area_struct *vma = vma_tree_walk(&w->mm->mm_mt, PAGE(page));

	assert_non_null(vma);
	return vma;
}

uint64_t world_counter(const struct mm_world *w, const char *name)
{
	uint64_t value = mmsim_counter(w->sim, name);

	if (value == UINT64_MAX)
		fail_msg("no counter %s", name);
	return value;
}

struct mmsim_lock_site world_site(const struct mm_world *w, const char *lock, const char *site)
{
	struct mmsim_lock_site s;

	for (unsigned int i = 0; !mmsim_lock_site_at(w->sim, i, &s); i++)
		if (!strcmp(s.lock, lock) && !strcmp(s.site, site))
			return s;
	fail_msg("no site %s of %s", site, lock);
	return s;
}

static bool sleeps(const char *lock)
{
	return !strcmp(lock, "mmap_lock") || !strcmp(lock, "vma_lock") ||
	       !strcmp(lock, "anon_vma_root");
}

uint64_t world_waits(const struct mm_world *w, const char *waiter, const char *lock,
		     struct mmsim_edge *longest)
{
	struct mmsim_edge edge;
	unsigned int links = 0;
	uint64_t n = 0;

	for (unsigned int i = 0; !mmsim_edge_at(w->sim, i, &edge); i++) {
		if (waiter && strcmp(edge.waiter, waiter) != 0)
			continue;
		if (lock ? strcmp(edge.lock, lock) != 0 : !sleeps(edge.lock))
			continue;
		n += edge.ended;
		if (longest && edge.chain_length >= links) {
			links = edge.chain_length;
			*longest = edge;
		}
	}
	return n;
}

/* ---- madvise ---- */

uint64_t madvise_fallbacks(const struct mm_world *w, const char *only)
{
	struct mmsim_counter c;
	uint64_t n = 0;

	for (unsigned int i = 0; !mmsim_counter_at(w->sim, i, &c); i++) {
		if (strncmp(c.name, FALLBACK, strlen(FALLBACK)) != 0)
			continue;
		if (c.value && only && strcmp(c.name + strlen(FALLBACK), only) != 0)
			fail_msg("%s counted, expected %s", c.name, only);
		n += c.value;
	}
	return n;
}

void madvise_check_one_call(const struct mm_world *w)
{
	uint64_t under_vma = world_counter(w, "madvise_vma_lock");

	assert_int_equal(under_vma + madvise_fallbacks(w, NULL), 1);
	assert_int_equal(under_vma + world_counter(w, "madvise_mmap_lock"), 1);
	/* These are the fallbacks without a VMA to be given back. */
	assert_int_equal(world_counter(w, "vma_lock_abort"),
			 world_counter(w, FALLBACK "gap") + world_counter(w, FALLBACK "locked") +
				 world_counter(w, FALLBACK "moved") +
				 world_counter(w, FALLBACK "unlockable"));
	assert_int_equal(world_counter(w, "vma_lock_miss"),
			 world_counter(w, "madvise_lookup_repeated"));
}

/* ---- two tasks, one stopped ---- */

static struct {
	const struct mm_race *race;
	struct mm_world w;
	const struct task *a;
	bool a_done, late; /* late: B began when A could not go on */
} sweep;

static int sweep_a(void *arg)
{
	(void)arg;
	sweep.race->a(&sweep.w);
	sweep.a_done = true;
	return 0;
}

static int sweep_b(void *arg)
{
	(void)arg;
	sweep.late = sweep.a_done || quiet_load(sweep.a->state) != TASK_RUNNING;
	sweep.race->b(&sweep.w);
	return 0;
}

static bool stop_after(const struct mm_setup *like, const struct mm_race *race, unsigned int steps)
{
	struct mm_setup setup = *like;
	char schedule[256];
	bool found;

	/* Not B~, which cond_resched() would end. */
	snprintf(schedule, sizeof(schedule), "%s A*%u B*%u %s", race->first ? race->first : "",
		 steps, SWEEP_MAX, race->then ? race->then : "");
	setup.schedule = schedule;
	memset(&sweep, 0, sizeof(sweep));
	sweep.race = race;
	world_make(&sweep.w, &setup);
	race->prepare(&sweep.w);
	sweep.a = (struct task *)world_task(&sweep.w, "A", sweep_a, NULL);
	world_task(&sweep.w, "B", sweep_b, NULL);
	world_run(&sweep.w);
	found = race->found(&sweep.w, race->expected);
	world_end(&sweep.w);
	return found;
}

unsigned int world_sweep(const struct mm_setup *setup, const struct mm_race *race)
{
	unsigned int found = 0;

	for (unsigned int steps = 1; steps < SWEEP_MAX; steps++) {
		found += stop_after(setup, race, steps);
		if (sweep.late)
			return found;
	}
	fail_msg("A does not end");
	return 0;
}

unsigned int vma_readers(const struct vm_area_struct *vma)
{
	unsigned int excluded = 1u << 30, count = (unsigned int)quiet_load(vma->vm_refcnt.counter);

	if (vma->vm_mm->fault->vma_cache != CACHE_TYPESAFE)
		return (unsigned int)(quiet_load(vma->vm_lock->count.counter) >>
				      RWSEM_READER_SHIFT);
	count &= excluded - 1;
	return count ? count - 1 : 0;
}
