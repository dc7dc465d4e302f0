/* SPDX-License-Identifier: MIT */
/*
 * Four tasks share an address space and know what must be in it: whatever the
 * others do, a task reads its own values back. One body for every fault, munmap
 * and madvise strategy, on the step machine with many seeds and on threads.
 *
 * Each task owns pages between those of the others, so that VMAs of different
 * tasks merge and are split again; only the owner changes an owned page, which
 * makes every answer known. One more region is touched by all while the first
 * task unmaps and remaps it: there the legal answers are a set.
 *
 *	MMSIM_TEST_SIZE=smoke|full|long	how much; smoke if not said
 *	MMSIM_SEED=N, or N as argument	this seed alone, on the step machine
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "mmsim/mmsim.h"

#include <cmocka.h>

static const struct size {
	const char *name;
	uint64_t seeds; /* of each choice, on the step machine */
	unsigned int step_ops, host_ops; /* operations a task */
} sizes[] = {
	/* A sanitizer costs ten times as much a step. */
#if defined(MMSIM_ASAN) || defined(MMSIM_TSAN)
	{"smoke", 100, 20, 500},
#else
	{"smoke", 1000, 20, 500},
#endif
	{"full", 1000, 20, 5000},
	{"long", 20000, 20, 200000},
};

#define NR_TASKS 4
#define BLOCKS 3 /* a task has so many blocks, */
#define BLOCK_PAGES 3 /* of so many pages, between those of the others */
#define OWN_PAGES (BLOCKS * BLOCK_PAGES)
#define PAGE 4096ul
#define BASE 0x1ff9000ul /* the regions lie across the end of a page table */
#define SHARED_PAGES 3
#define SHARED_BASE (BASE + NR_TASKS * OWN_PAGES * PAGE)
#define SHARED_TAG 0xe5ull
#define FAILURES_SHOWN 10
#define MAP_HERE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

/* What the owner knows of a page. */
struct page_model {
	int mapped;
	int prot;
	int may_be_lost; /* MADV_FREE: the value, or 0 */
	uint64_t value;
};

struct stress_task {
	int index;
	uint64_t stores;
	struct page_model pages[OWN_PAGES];
};

struct choice {
	const char *kernel, *munmap, *madvise;
};

static struct {
	struct mm_struct *mm;
	unsigned int operations;
	struct stress_task tasks[NR_TASKS];
} run;

static const char *program;
static const char *only_seed;

/* ---- where and what ---- */

static uint64_t own_address(const struct stress_task *t, int page)
{
	uint64_t block = (uint64_t)(page / BLOCK_PAGES * NR_TASKS + t->index);

	return BASE + (block * BLOCK_PAGES + (uint64_t)(page % BLOCK_PAGES)) * PAGE;
}

/* A value says whose it is, where it belongs and when it was stored. */
static uint64_t make_value(uint64_t tag, int page, uint64_t n)
{
	return tag << 56 | (uint64_t)(page + 1) << 40 | (n & 0xffffffff);
}

static uint64_t below(uint64_t draw, unsigned int shift, uint64_t bound)
{
	return (draw >> shift & 0xff) % bound;
}

static bool went_well(enum mmsim_access access)
{
	return access <= MMSIM_ACCESS_COPY;
}

static void expect(const struct stress_task *t, int page, const char *what, long long got,
		   long long expected)
{
	if (got != expected)
		mmsim_bug("task %d, page %d at %#llx: %s answered %lld, expected %lld", t->index,
			  page, (unsigned long long)own_address(t, page), what, got, expected);
}

/* ---- owned pages: one call each, a range inside one block ---- */

struct span {
	int first, pages;
	uint64_t addr, len;
};

static struct span draw_span(const struct stress_task *t, uint64_t draw)
{
	int block = (int)below(draw, 16, BLOCKS);
	int from = (int)below(draw, 24, BLOCK_PAGES);
	struct span s = {block * BLOCK_PAGES + from, 1 + (int)below(draw, 32, BLOCK_PAGES), 0, 0};

	s.pages = MIN(s.pages, BLOCK_PAGES - from);
	s.addr = own_address(t, s.first);
	s.len = (uint64_t)s.pages * PAGE;
	return s;
}

static bool has_gap(const struct stress_task *t, struct span s)
{
	for (int i = s.first; i < s.first + s.pages; i++)
		if (!t->pages[i].mapped)
			return true;
	return false;
}

static void do_map(struct stress_task *t, struct span s, uint64_t draw)
{
	int prot = below(draw, 40, 4) ? PROT_READ | PROT_WRITE : PROT_READ;

	expect(t, s.first, "mmap", mmsim_mmap(run.mm, s.addr, s.len, prot, MAP_HERE),
	       (long long)s.addr);
	for (int i = s.first; i < s.first + s.pages; i++)
		t->pages[i] = (struct page_model){.mapped = 1, .prot = prot};
}

static void do_unmap(struct stress_task *t, struct span s)
{
	expect(t, s.first, "munmap", mmsim_munmap(run.mm, s.addr, s.len), 0);
	for (int i = s.first; i < s.first + s.pages; i++)
		t->pages[i] = (struct page_model){0};
}

static void do_protect(struct stress_task *t, struct span s, uint64_t draw)
{
	static const int prots[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};
	int prot = prots[below(draw, 40, ARRAY_SIZE(prots))];
	int answer = has_gap(t, s) ? -ENOMEM : 0;

	expect(t, s.first, "mprotect", mmsim_mprotect(run.mm, s.addr, s.len, prot), answer);
	/* What lies before a gap is changed. */
	for (int i = s.first; i < s.first + s.pages && t->pages[i].mapped; i++)
		t->pages[i].prot = prot;
}

static void do_advise(struct stress_task *t, struct span s, int advice)
{
	int answer = has_gap(t, s) ? -ENOMEM : 0;

	expect(t, s.first, advice == MADV_FREE ? "MADV_FREE" : "MADV_DONTNEED",
	       mmsim_madvise(run.mm, s.addr, s.len, advice), answer);
	for (int i = s.first; i < s.first + s.pages; i++) {
		t->pages[i].may_be_lost = advice == MADV_FREE && t->pages[i].value;
		if (advice == MADV_DONTNEED)
			t->pages[i].value = 0;
	}
}

/* The answer of an access that is not allowed, or HIT if it is. */
static enum mmsim_access refusal(const struct page_model *p, int needs)
{
	if (!p->mapped)
		return MMSIM_ACCESS_MAPERR;
	return p->prot & needs ? MMSIM_ACCESS_HIT : MMSIM_ACCESS_ACCERR;
}

static void do_store(struct stress_task *t, int page)
{
	struct page_model *p = &t->pages[page];
	uint64_t value = make_value((uint64_t)t->index + 1, page, ++t->stores);
	enum mmsim_access no = refusal(p, PROT_WRITE);
	enum mmsim_access got = mmsim_store(run.mm, own_address(t, page), value);

	if (no != MMSIM_ACCESS_HIT) {
		expect(t, page, "refused store", got, no);
		return;
	}
	expect(t, page, "store", went_well(got), true);
	p->value = value;
	p->may_be_lost = 0;
}

static void do_load(struct stress_task *t, int page)
{
	const struct page_model *p = &t->pages[page];
	enum mmsim_access no = refusal(p, PROT_READ);
	uint64_t value = 0;
	enum mmsim_access got = mmsim_load(run.mm, own_address(t, page), &value);

	if (no != MMSIM_ACCESS_HIT) {
		expect(t, page, "refused load", got, no);
		return;
	}
	expect(t, page, "load", went_well(got), true);
	if (value != p->value && !(p->may_be_lost && !value))
		mmsim_bug("task %d, page %d at %#llx: %#llx was read, %#llx stored%s", t->index,
			  page, (unsigned long long)own_address(t, page), (unsigned long long)value,
			  (unsigned long long)p->value, p->may_be_lost ? " (or lost)" : "");
}

/* ---- the shared region ---- */

static void shared_remap(uint64_t draw)
{
	uint64_t first = below(draw, 16, SHARED_PAGES);
	uint64_t addr = SHARED_BASE + first * PAGE, len = (SHARED_PAGES - first) * PAGE;

	if (mmsim_munmap(run.mm, addr, len))
		mmsim_bug("munmap of the shared region failed");
	mmsim_yield();
	if (mmsim_mmap(run.mm, addr, len, PROT_READ | PROT_WRITE, MAP_HERE) != (int64_t)addr)
		mmsim_bug("mmap of the shared region failed");
}

/* There or not, and if there: nothing yet, or what somebody stored at this page. */
static void shared_touch(struct stress_task *t, uint64_t draw)
{
	int page = (int)below(draw, 16, SHARED_PAGES);
	uint64_t addr = SHARED_BASE + (uint64_t)page * PAGE, value = 0;
	enum mmsim_access got;

	if (below(draw, 24, 2))
		got = mmsim_store(run.mm, addr, make_value(SHARED_TAG, page, ++t->stores));
	else
		got = mmsim_load(run.mm, addr, &value);
	if (!went_well(got) && got != MMSIM_ACCESS_MAPERR)
		mmsim_bug("task %d: shared page %d: answer %d", t->index, page, got);
	if (value && value >> 32 != make_value(SHARED_TAG, page, 0) >> 32)
		mmsim_bug("task %d: shared page %d has %#llx", t->index, page,
			  (unsigned long long)value);
}

static void shared_advise(struct stress_task *t, uint64_t draw)
{
	int answer = mmsim_madvise(run.mm, SHARED_BASE, SHARED_PAGES * PAGE,
				   below(draw, 16, 2) ? MADV_DONTNEED : MADV_FREE);

	if (answer && answer != -ENOMEM)
		mmsim_bug("task %d: madvise of the shared region: %d", t->index, answer);
}

/* ---- a task ---- */

static void one_operation(struct stress_task *t, uint64_t draw)
{
	struct span s = draw_span(t, draw);

	switch (below(draw, 0, 16)) {
	case 0:
	case 1:
		do_map(t, s, draw);
		break;
	case 2:
		do_unmap(t, s);
		break;
	case 3:
	case 4:
		do_protect(t, s, draw);
		break;
	case 5:
		do_advise(t, s, MADV_DONTNEED);
		break;
	case 6:
		do_advise(t, s, MADV_FREE);
		break;
	case 7:
	case 8:
		shared_touch(t, draw);
		break;
	case 9:
		if (t->index)
			shared_advise(t, draw);
		else
			shared_remap(draw);
		break;
	case 10:
	case 11:
	case 12:
		do_load(t, s.first);
		break;
	default:
		do_store(t, s.first);
	}
}

static int stress_main(void *arg)
{
	struct stress_task *t = arg;

	for (unsigned int i = 0; i < run.operations; i++) {
		uint64_t draw = mmsim_random();

		one_operation(t, draw);
		do_load(t, (int)below(draw, 48, OWN_PAGES));
	}
	for (int page = 0; page < OWN_PAGES; page++)
		do_load(t, page);
	return 0;
}

/* ---- a run ---- */

static void configure(struct mmsim_config *config, const struct choice *c, const char *machine,
		      uint64_t seed)
{
	mmsim_config_init(config);
	snprintf(config->machine, sizeof(config->machine), "%s", machine);
	snprintf(config->kernel, sizeof(config->kernel), "%s", c->kernel);
	snprintf(config->munmap, sizeof(config->munmap), "%s", c->munmap);
	snprintf(config->madvise, sizeof(config->madvise), "%s", c->madvise);
	config->seed = seed;
	config->memory_bytes = 4 << 20;
	config->spurious_1_in = 256;
	config->tick_1_in = 512;
	config->max_steps = 2000000;
}

static void describe(char *text, size_t size, const char *machine, const struct choice *c,
		     uint64_t seed)
{
	snprintf(text, size, "machine=%s kernel=%s munmap=%s madvise=%s seed=%llu", machine,
		 c->kernel, c->munmap, c->madvise, (unsigned long long)seed);
}

/* What must be so for the choice to have been tried at all. */
struct covered {
	uint64_t faults, vma_faults, vma_madvise, downgrades;
};

static void add_covered(const struct mmsim *sim, struct covered *sum)
{
	sum->faults += mmsim_counter(sim, "pgfault");
	sum->vma_faults += mmsim_counter(sim, "vma_lock_success");
	sum->vma_madvise += mmsim_counter(sim, "madvise_vma_lock");
	sum->downgrades += mmsim_counter(sim, "munmap_downgrade");
}

static void start_tasks(struct mmsim *sim, unsigned int operations)
{
	memset(&run, 0, sizeof(run));
	run.operations = operations;
	run.mm = mmsim_mm_create(sim, "mm");
	assert_non_null(run.mm);
	for (int i = 0; i < NR_TASKS; i++) {
		char name[16];
		struct mmsim_task_attr attr = {.name = name, .cpu = -1, .mm = run.mm};

		snprintf(name, sizeof(name), "t%d", i);
		run.tasks[i].index = i;
		assert_non_null(mmsim_task_create(sim, &attr, stress_main, &run.tasks[i]));
	}
}

/* 0 if nothing was wrong; else it was printed. */
static int stress(const struct choice *c, const char *machine, uint64_t seed,
		  unsigned int operations, struct covered *sum)
{
	struct mmsim_config config;
	char what[128], error[256];
	struct mmsim *sim;
	int err, left = 0;

	describe(what, sizeof(what), machine, c, seed);
	configure(&config, c, machine, seed);
	if (mmsim_create(&config, &sim, error))
		fail_msg("%s: %s", what, error);
	start_tasks(sim, operations);
	err = mmsim_run(sim);
	if (err) {
		print_error("%s: %d: %s", what, err, mmsim_failure(sim));
		mmsim_destroy(sim);
	} else {
		add_covered(sim, sum);
		mmsim_mm_check(run.mm);
		mmsim_mm_put(run.mm);
		left = mmsim_destroy(sim);
		if (left)
			print_error("%s: something was still allocated at the end (%d)\n", what,
				    left);
	}
	if (err || left)
		print_error("once more: MMSIM_SEED=%llu %s\n", (unsigned long long)seed, program);
	return err || left;
}

/* ---- all choices ---- */

static const char *const kernels[] = {"6.1", "6.12", "6.18"};

/* The i-th value of an axis, NULL past the last. */
static const char *axis_value(const char *axis, unsigned int i)
{
	struct mmsim_choice choice;

	for (unsigned int at = 0; !mmsim_choice_at(at, &choice); at++)
		if (!strcmp(choice.axis, axis) && !i--)
			return choice.name;
	return NULL;
}

/* The n-th of all combinations; false past the last. */
static bool choice_at(unsigned int n, struct choice *c)
{
	unsigned int munmaps = 0, madvises = 0;

	while (axis_value("munmap", munmaps))
		munmaps++;
	while (axis_value("madvise", madvises))
		madvises++;
	c->madvise = axis_value("madvise", n % madvises);
	c->munmap = axis_value("munmap", n / madvises % munmaps);
	n /= madvises * munmaps;
	c->kernel = n < ARRAY_SIZE(kernels) ? kernels[n] : NULL;
	return c->kernel;
}

static const struct size *size(void)
{
	const char *name = getenv("MMSIM_TEST_SIZE");

	for (size_t i = 0; name && i < ARRAY_SIZE(sizes); i++)
		if (!strcmp(name, sizes[i].name))
			return &sizes[i];
	return &sizes[0];
}

static void check_covered(const struct choice *c, const struct covered *sum)
{
	bool vma_locks = strcmp(c->kernel, "6.1") != 0;

	assert_true(sum->faults > 0);
	assert_int_equal(sum->vma_faults > 0, vma_locks);
	assert_int_equal(sum->vma_madvise > 0, vma_locks && !strcmp(c->madvise, "vma_lock"));
	assert_int_equal(sum->downgrades > 0, !strcmp(c->munmap, "downgrade"));
}

static void on_step(void **state)
{
	uint64_t first = only_seed ? strtoull(only_seed, NULL, 0) : 1;
	uint64_t last = only_seed ? first : size()->seeds;
	unsigned int failed = 0;
	struct choice c;

	(void)state;
	for (unsigned int i = 0; choice_at(i, &c); i++) {
		struct covered sum = {0};

		for (uint64_t seed = first; seed <= last && failed < FAILURES_SHOWN; seed++)
			failed += stress(&c, "step", seed, size()->step_ops, &sum) != 0;
		if (!failed && !only_seed)
			check_covered(&c, &sum);
	}
	assert_int_equal(failed, 0);
}

static void on_host(void **state)
{
	struct choice c;

	(void)state;
	if (only_seed)
		skip();
	for (unsigned int i = 0; choice_at(i, &c); i++) {
		struct covered sum = {0};

		assert_int_equal(stress(&c, "host", 1, size()->host_ops, &sum), 0);
		check_covered(&c, &sum);
	}
}

/* The kernels above stand for every fault strategy there is. */
static void all_fault_strategies_are_among_them(void **state)
{
	const char *fault;

	(void)state;
	for (unsigned int i = 0; (fault = axis_value("fault", i)); i++) {
		bool found = false;

		for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
			struct choice c = {kernels[k], "whole", "mmap_lock"};
			struct mmsim_config config;
			struct mmsim *sim;

			configure(&config, &c, "step", 1);
			assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
			found |= !strcmp(mmsim_effective(sim, "fault"), fault);
			assert_int_equal(mmsim_destroy(sim), 0);
		}
		if (!found)
			fail_msg("no kernel here has fault=%s", fault);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fault_strategies_are_among_them),
		cmocka_unit_test(on_step),
		cmocka_unit_test(on_host),
	};

	program = argv[0];
	only_seed = argc > 1 ? argv[1] : getenv("MMSIM_SEED");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
