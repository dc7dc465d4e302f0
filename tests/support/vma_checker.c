/* SPDX-License-Identifier: MIT */
/* Readers of single VMAs against writers of all kinds; see the header. */
#include "vma_checker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "mm/mm.h"
#include "mmsim/mmsim.h"

#include <cmocka.h>

#define BASE 0x100000ul
#define NR_PAGES 12
#define MAP_HERE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static struct {
	const struct vma_check *check;
	struct mm_struct *mm;
	uint64_t locked; /* atomic */
} shared;

static uint64_t below(uint64_t draw, unsigned int shift, uint64_t bound)
{
	return (draw >> shift & 0xffff) % bound;
}

/* ---- readers ---- */

struct held_vma {
	struct vm_area_struct *vma;
	unsigned long addr, start, end, flags;
};

static void bad(const struct held_vma *h, const char *what)
{
	mmsim_bug("%s holds the VMA %#lx-%#lx for %#lx: %s", mmsim_task_name(mmsim_task_self()),
		  h->start, h->end, h->addr, what);
}

static bool marked_attached(const struct vm_area_struct *vma)
{
	if (shared.mm->fault->vma_cache != CACHE_TYPESAFE)
		return !quiet_load(vma->detached);
	/* One for the tree, one for each reader, of whom there is one at least. */
	return (quiet_load(vma->vm_refcnt.counter) & ((1 << 30) - 1)) >= 2;
}

/* Found in the tree, as whoever else looked for the address would find it. */
static bool in_tree(const struct held_vma *h)
{
	const struct vm_area_struct *found;

	rcu_read_lock();
	found = vma_tree_walk(&shared.mm->mm_mt, h->addr);
	rcu_read_unlock();
	return found == h->vma;
}

/* The loads are plain: nothing but the lock keeps the VMA as it is. */
static void look(const struct held_vma *h)
{
	const struct vm_area_struct *vma = h->vma;

	/* A step on it first: the machine says so if it was freed. */
	machine_step(vma, ACCESS_LOAD);
	if (vma->vm_start != h->start || vma->vm_end != h->end)
		bad(h, "its bounds changed");
	if (vma->vm_flags != h->flags)
		bad(h, "its flags changed");
	if (vma->vm_mm != shared.mm)
		bad(h, "it belongs to another mm");
	if (h->addr < h->start || h->addr >= h->end)
		bad(h, "the address lies outside");
	if (!marked_attached(vma))
		bad(h, "it is marked detached");
	if (!in_tree(h))
		bad(h, "it is not in the tree");
}

static void hold_and_look(struct vm_area_struct *vma, unsigned long addr, uint64_t draw)
{
	struct held_vma h = {.vma = vma, .addr = addr};

	machine_step(vma, ACCESS_LOAD);
	h.start = vma->vm_start;
	h.end = vma->vm_end;
	h.flags = vma->vm_flags;
	for (uint64_t n = 1 + below(draw, 16, 3); n; n--) {
		look(&h);
		mmsim_yield();
	}
	look(&h);
}

static int reader(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < shared.check->operations; i++) {
		uint64_t draw = mmsim_random();
		unsigned long addr = BASE + below(draw, 0, NR_PAGES) * PAGE_SIZE;
		struct vm_area_struct *vma;
		enum vma_lock_miss miss;

		vma = shared.mm->fault->lock_vma_under_rcu(shared.mm, addr, SITE_fault_vma, &miss);
		if (!vma) {
			mmsim_yield();
			continue;
		}
		__atomic_fetch_add(&shared.locked, 1, __ATOMIC_RELAXED);
		hold_and_look(vma, addr, draw);
		vma_end_read(vma);
	}
	return 0;
}

/* ---- writers ---- */

static int writer(void *arg)
{
	static const int prots[] = {PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE};

	(void)arg;
	for (unsigned int i = 0; i < shared.check->operations; i++) {
		uint64_t draw = mmsim_random();
		uint64_t first = below(draw, 0, NR_PAGES);
		uint64_t pages = 1 + below(draw, 16, NR_PAGES - first);
		uint64_t addr = BASE + first * PAGE_SIZE, len = pages * PAGE_SIZE;
		int prot = prots[below(draw, 32, ARRAY_SIZE(prots))];
		int64_t answer = 0;

		switch (below(draw, 48, 4)) {
		case 0:
			answer = mmsim_munmap(shared.mm, addr, len);
			break;
		case 1:
			answer = mmsim_mmap(shared.mm, addr, len, prot, MAP_HERE);
			if (answer == (int64_t)addr)
				answer = 0;
			break;
		default:
			/* Over a gap it answers -ENOMEM. */
			answer = mmsim_mprotect(shared.mm, addr, len, prot);
			if (answer == -ENOMEM)
				answer = 0;
		}
		if (answer)
			mmsim_bug("writer: answer %lld", (long long)answer);
	}
	return 0;
}

/* ---- a run ---- */

static struct mmsim *build(const struct vma_check *check, const char *schedule)
{
	struct mmsim_config config;
	struct mmsim *sim;
	char error[256];

	mmsim_config_init(&config);
	snprintf(config.machine, sizeof(config.machine), "%s", check->machine);
	snprintf(config.kernel, sizeof(config.kernel), "%s", check->kernel);
	if (check->choose)
		assert_int_equal(mmsim_config_set(&config, "fault", check->fault, NULL), 0);
	config.seed = check->seed;
	config.memory_bytes = 1 << 20;
	config.spurious_1_in = 128;
	config.tick_1_in = 256;
	config.max_steps = 1000000;
	snprintf(config.schedule, sizeof(config.schedule), "%s", schedule);
	if (mmsim_create(&config, &sim, error))
		fail_msg("%s", error);
	assert_string_equal(mmsim_effective(sim, "fault"), check->fault);
	memset(&shared, 0, sizeof(shared));
	shared.check = check;
	shared.mm = mmsim_mm_create(sim, "mm");
	assert_non_null(shared.mm);
	return sim;
}

static void start(struct mmsim *sim, const char *kind, unsigned int n, int (*fn)(void *arg))
{
	for (unsigned int i = 0; i < n; i++) {
		char name[32];
		struct mmsim_task_attr attr = {.name = name, .cpu = -1, .mm = shared.mm};

		snprintf(name, sizeof(name), "%s%u", kind, i);
		assert_non_null(mmsim_task_create(sim, &attr, fn, NULL));
	}
}

void vma_check_run(const struct vma_check *check, struct vma_verdict *v)
{
	struct mmsim *sim = build(check, "");
	int left;

	memset(v, 0, sizeof(*v));
	assert_int_equal(
		mmsim_mmap(shared.mm, BASE, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_HERE),
		BASE);
	start(sim, "reader", check->readers, reader);
	start(sim, "writer", check->writers, writer);
	v->err = mmsim_run(sim);
	snprintf(v->why, sizeof(v->why), "%s", mmsim_failure(sim));
	v->locked = shared.locked;
	v->aborts = mmsim_counter(sim, "vma_lock_abort");
	v->misses = mmsim_counter(sim, "vma_lock_miss");
	if (v->err) {
		mmsim_destroy(sim);
		return;
	}
	mmsim_mm_check(shared.mm);
	mmsim_mm_put(shared.mm);
	left = mmsim_destroy(sim);
	v->good = !left;
	if (left)
		snprintf(v->why, sizeof(v->why), "something was still allocated at the end");
}

void vma_halves_run(const struct vma_check *check, struct vma_halves *halves)
{
	struct mmsim *sim = build(check, "");
	struct mm_struct *mm = shared.mm;
	uint64_t success, aborts;

	mmsim_use_mm(mm);
	assert_int_equal(mmsim_mmap(mm, BASE, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_HERE),
			 BASE);
	/* The VMA gets its anon_vma, which older kernels want before they lock it. */
	assert_int_equal(mmsim_store(mm, BASE, 1), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_munmap(mm, BASE + 4 * PAGE_SIZE, PAGE_SIZE), 0);
	success = mmsim_counter(sim, "vma_lock_success");
	aborts = mmsim_counter(sim, "vma_lock_abort");
	assert_int_equal(mmsim_store(mm, BASE + PAGE_SIZE, 2), MMSIM_ACCESS_NEW);
	assert_int_equal(mmsim_store(mm, BASE + 6 * PAGE_SIZE, 3), MMSIM_ACCESS_NEW);
	halves->success = mmsim_counter(sim, "vma_lock_success") - success;
	halves->aborts = mmsim_counter(sim, "vma_lock_abort") - aborts;
	halves->downgrades = mmsim_counter(sim, "munmap_downgrade");
	mmsim_use_mm(NULL);
	mmsim_mm_check(mm);
	mmsim_mm_put(mm);
	assert_int_equal(mmsim_destroy(sim), 0);
}

/* ---- a fault at every step of a munmap ---- */

static struct {
	struct mmsim *sim;
	bool unmapped; /* munmap had returned when the fault began */
	bool held_read; /* mmap_lock was held for read, by munmap alone, when it began */
	uint64_t success, aborts; /* of the fault */
} moment;

static int unmap_the_middle(void *arg)
{
	(void)arg;
	if (mmsim_munmap(shared.mm, BASE + 4 * PAGE_SIZE, PAGE_SIZE))
		mmsim_bug("munmap failed");
	moment.unmapped = true;
	return 0;
}

static int store_above(void *arg)
{
	long count = quiet_load(shared.mm->mmap_lock.count.counter);

	(void)arg;
	moment.held_read = (count & RWSEM_LOCK_MASK) == RWSEM_READER_BIAS && !moment.unmapped;
	moment.success = mmsim_counter(moment.sim, "vma_lock_success");
	moment.aborts = mmsim_counter(moment.sim, "vma_lock_abort");
	if (mmsim_store(shared.mm, BASE + 6 * PAGE_SIZE, 3) != MMSIM_ACCESS_NEW)
		mmsim_bug("store failed");
	moment.success = mmsim_counter(moment.sim, "vma_lock_success") - moment.success;
	moment.aborts = mmsim_counter(moment.sim, "vma_lock_abort") - moment.aborts;
	return 0;
}

/* munmap makes @steps steps, then comes the fault. */
static void fault_after(const struct vma_check *check, unsigned int steps)
{
	char schedule[64];
	struct mmsim *sim;

	snprintf(schedule, sizeof(schedule), "unmap0*%u store0~", steps);
	memset(&moment, 0, sizeof(moment));
	sim = build(check, schedule);
	moment.sim = sim;
	mmsim_use_mm(shared.mm);
	assert_int_equal(
		mmsim_mmap(shared.mm, BASE, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_HERE), BASE);
	assert_int_equal(mmsim_store(shared.mm, BASE + 4 * PAGE_SIZE, 1), MMSIM_ACCESS_NEW);
	start(sim, "unmap", 1, unmap_the_middle);
	start(sim, "store", 1, store_above);
	if (mmsim_run(sim))
		fail_msg("%s, after %u steps: %s", check->fault, steps, mmsim_failure(sim));
	mmsim_use_mm(NULL);
	mmsim_mm_check(shared.mm);
	mmsim_mm_put(shared.mm);
	assert_int_equal(mmsim_destroy(sim), 0);
}

void vma_sweep_run(const struct vma_check *check, struct vma_sweep *sweep)
{
	memset(sweep, 0, sizeof(*sweep));
	for (unsigned int steps = 1; steps < 1000; steps++) {
		fault_after(check, steps);
		if (moment.held_read) {
			sweep->places++;
			sweep->success += moment.success;
			sweep->aborts += moment.aborts;
		} else if (sweep->places) {
			return;
		}
	}
}
