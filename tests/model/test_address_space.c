/* SPDX-License-Identifier: MIT */
/*
 * Every fault, munmap and madvise strategy gets the same programs of four tasks
 * that change and touch a few pages together, on many schedules; what each call
 * answered must be what a sequential address space could have answered, and the
 * counters of each fault must tell how it ended.
 *
 *	MMSIM_TEST_SIZE=smoke|full|long	how many schedules; smoke if not said
 *	MMSIM_SEED=N, or N as argument	this seed alone, its histories printed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "mmsim/mmsim.h"
#include "support/address_body.h"

#include <cmocka.h>

static const struct size {
	const char *name;
	uint64_t seeds; /* of each choice, of which there are 24 */
} sizes[] = {
/* A sanitizer costs ten times as much a step. */
#if defined(MMSIM_ASAN) || defined(MMSIM_TSAN)
	{"smoke", 20},
#else
	{"smoke", 130},
#endif
	{"full", 4200},
	{"long", 42000},
};

#define FAILURES_SHOWN 5

/* Each fault strategy with the rules of its first and of its last releases. */
static const char *const kernels[] = {"6.1", "6.4", "6.7", "6.12", "6.15", "6.18"};
static const char *const munmaps[] = {"whole", "downgrade"};
static const char *const madvises[] = {"mmap_lock", "vma_lock"};

static const char *program;
static const char *only_seed;

static const struct size *size(void)
{
	const char *name = getenv("MMSIM_TEST_SIZE");

	for (size_t i = 0; name && i < ARRAY_SIZE(sizes); i++)
		if (!strcmp(name, sizes[i].name))
			return &sizes[i];
	return &sizes[0];
}

static bool has_vma_locks(const char *kernel)
{
	return strcmp(kernel, "6.1") != 0;
}

/* Before 6.10 a VMA without anon_vma was not locked, and no access refused under its lock. */
static bool before_6_10(const char *kernel)
{
	return !strcmp(kernel, "6.4") || !strcmp(kernel, "6.7");
}

/* ---- many schedules ---- */

static void add_up(struct address_verdict *sum, const struct address_verdict *v)
{
	fault_sums_add(&sum->faults, &v->faults);
	sum->done += v->done;
	sum->refused += v->refused;
	sum->overlaps += v->overlaps;
	sum->splits += v->splits;
	sum->merges += v->merges;
	sum->vma_madvise += v->vma_madvise;
	sum->downgrades += v->downgrades;
}

/* The schedules reached what they are for. */
static void check_reached(const struct address_run *run, const struct address_verdict *sum)
{
	bool vma = has_vma_locks(run->kernel);
	bool vma_advice = vma && !strcmp(run->madvise, "vma_lock");

	assert_true(sum->done && sum->refused && sum->overlaps);
	assert_true(sum->splits && sum->merges && sum->faults.mmap_lock);
	assert_int_equal(sum->faults.success > 0, vma);
	assert_int_equal(sum->faults.abort > 0, vma);
	assert_int_equal(sum->faults.retry > 0, vma && !before_6_10(run->kernel));
	assert_int_equal(sum->faults.denied > 0, before_6_10(run->kernel));
	assert_int_equal(sum->vma_madvise > 0, vma_advice);
	assert_int_equal(sum->faults.madvise_abort > 0, vma_advice);
	assert_int_equal(sum->downgrades > 0, !strcmp(run->munmap, "downgrade"));
}

/* 0 if the schedule was explained; else it was said why not. */
static int one_schedule(struct address_run *run, uint64_t seed, struct address_verdict *sum)
{
	struct address_verdict v;

	run->seed = seed;
	/* Both mixes with each length of slice that the seed stands for. */
	run->mix = seed / 5 % NR_ADDRESS_MIXES;
	address_run(run, &v);
	add_up(sum, &v);
	if (v.good)
		return 0;
	print_error("kernel=%s munmap=%s madvise=%s seed=%llu: %s\nonce more: MMSIM_SEED=%llu %s\n",
		    run->kernel, run->munmap, run->madvise, (unsigned long long)seed, v.why,
		    (unsigned long long)seed, program);
	return 1;
}

/* All schedules of one choice; how many failed. */
static int schedules(struct address_run *run)
{
	uint64_t first = only_seed ? strtoull(only_seed, NULL, 0) : 1;
	uint64_t last = only_seed ? first : size()->seeds;
	struct address_verdict sum = {0};
	int failed = 0;

	for (uint64_t seed = first; seed <= last && failed < FAILURES_SHOWN; seed++)
		failed += one_schedule(run, seed, &sum);
	if (!failed && !only_seed)
		check_reached(run, &sum);
	return failed;
}

static void histories_are_explained(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kernels); k++)
		for (size_t u = 0; u < ARRAY_SIZE(munmaps); u++)
			for (size_t a = 0; a < ARRAY_SIZE(madvises); a++) {
				struct address_run run = {
					.kernel = kernels[k],
					.munmap = munmaps[u],
					.madvise = madvises[a],
					.show = only_seed != NULL,
				};

				failed += schedules(&run);
			}
	assert_int_equal(failed, 0);
}

/* ---- wrong models: the same schedules must refute them ---- */

static void nothing_happens(struct address_page *page, const struct address_op *op)
{
	(void)page, (void)op;
}

static void value_stays(struct address_page *page, const struct address_op *op)
{
	page->mapped = true;
	page->prot = (uint8_t)op->prot;
}

static void value_goes(struct address_page *page, const struct address_op *op)
{
	page->prot = (uint8_t)op->prot;
	page->value = 0;
}

static const struct wrong_model {
	const char *name;
	bool munmap_downgrades; /* true: as it is */
	enum address_op_kind kind;
	void (*page)(struct address_page *page, const struct address_op *op); /* NULL: its own */
	enum address_op_kind range_of; /* whose idea of gaps it gets */
} wrong_models[] = {
	{"a downgraded munmap has one point a page", false, ADDRESS_MUNMAP, NULL, ADDRESS_MUNMAP},
	{"mmap keeps values", true, ADDRESS_MMAP, value_stays, ADDRESS_MMAP},
	{"mprotect loses values", true, ADDRESS_MPROTECT, value_goes, ADDRESS_MPROTECT},
	{"mprotect changes nothing", true, ADDRESS_MPROTECT, nothing_happens, ADDRESS_MPROTECT},
	{"mprotect goes on behind a gap", true, ADDRESS_MPROTECT, NULL, ADDRESS_DONTNEED},
	{"DONTNEED changes nothing", true, ADDRESS_DONTNEED, nothing_happens, ADDRESS_DONTNEED},
	{"DONTNEED stops at a gap", true, ADDRESS_DONTNEED, NULL, ADDRESS_MPROTECT},
	{"FREE loses values", true, ADDRESS_FREE, NULL, ADDRESS_DONTNEED},
};

#define SEEDS_TO_REFUTE 300

static bool is_refuted(const struct wrong_model *wrong)
{
	struct address_model model;

	address_model_init(&model, wrong->munmap_downgrades);
	if (wrong->page)
		model.kind[wrong->kind].page = wrong->page;
	model.kind[wrong->kind].range = model.kind[wrong->range_of].range;
	for (uint64_t seed = 1; seed <= SEEDS_TO_REFUTE; seed++) {
		struct address_run run = {
			.kernel = "6.18",
			.mix = seed % NR_ADDRESS_MIXES,
			.seed = seed,
			.model = &model,
		};
		struct address_verdict v;

		address_run(&run, &v);
		if (!v.good && strstr(v.why, "no order of the operations"))
			return true;
	}
	return false;
}

static void wrong_models_are_refuted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_models); i++)
		if (!is_refuted(&wrong_models[i]))
			fail_msg("no history refutes \"%s\"", wrong_models[i].name);
}

/* ---- single faults, with nobody else about ---- */

struct ended {
	uint64_t success, retry, abort, mmap_lock;
};

static struct ended ended_now(const struct mmsim *sim)
{
	return (struct ended){
		mmsim_counter(sim, "vma_lock_success"),
		mmsim_counter(sim, "vma_lock_retry"),
		mmsim_counter(sim, "vma_lock_abort"),
		mmsim_counter(sim, "fault_mmap_lock"),
	};
}

/* A store to a page, how it must be answered and how its fault must end. */
static void check_store(struct mmsim *sim, struct mm_struct *mm, uint64_t addr,
			enum mmsim_access answer, struct ended expected)
{
	struct ended before = ended_now(sim), now;
	uint64_t faults = mmsim_counter(sim, "pgfault");

	assert_int_equal(mmsim_store(mm, addr, 1), answer);
	now = ended_now(sim);
	assert_int_equal(mmsim_counter(sim, "pgfault") - faults, answer != MMSIM_ACCESS_HIT);
	assert_int_equal(now.success - before.success, expected.success);
	assert_int_equal(now.retry - before.retry, expected.retry);
	assert_int_equal(now.abort - before.abort, expected.abort);
	assert_int_equal(now.mmap_lock - before.mmap_lock, expected.mmap_lock);
}

#define BASE 0x100000ul
#define PAGE 4096ul
#define MAP_HERE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static void single_faults_on(const char *kernel)
{
	static const struct ended under_vma_lock = {.success = 1};
	static const struct ended not_found = {.abort = 1, .mmap_lock = 1};
	static const struct ended uncounted = {.mmap_lock = 1};
	bool vma = has_vma_locks(kernel), old = before_6_10(kernel);
	struct ended fresh = vma ? under_vma_lock : uncounted;
	struct mmsim_config config;
	struct mmsim *sim;
	struct mm_struct *mm;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "kernel", kernel, NULL), 0);
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	mm = mmsim_mm_create(sim, "mm");
	assert_non_null(mm);
	mmsim_use_mm(mm);
	assert_int_equal(mmsim_mmap(mm, BASE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_HERE), BASE);
	/* The VMA's first page brings its anon_vma. */
	check_store(sim, mm, BASE, MMSIM_ACCESS_NEW, old ? not_found : fresh);
	check_store(sim, mm, BASE + PAGE, MMSIM_ACCESS_NEW, fresh);
	check_store(sim, mm, BASE + PAGE, MMSIM_ACCESS_HIT, (struct ended){0});
	check_store(sim, mm, BASE + 4 * PAGE, MMSIM_ACCESS_MAPERR, vma ? not_found : uncounted);
	/* Refused under the VMA lock; before 6.10 uncounted there, and asked again. */
	assert_int_equal(mmsim_mprotect(mm, BASE, 4 * PAGE, PROT_READ), 0);
	check_store(sim, mm, BASE, MMSIM_ACCESS_ACCERR, old ? uncounted : fresh);
	mmsim_use_mm(NULL);
	mmsim_mm_put(mm);
	assert_int_equal(mmsim_destroy(sim), 0);
}

static void single_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		single_faults_on(kernels[i]);
}

/* ---- are these all? ---- */

static bool is_tried(const struct mmsim_choice *choice)
{
	struct mmsim_config config;
	struct mmsim *sim;
	bool found = false;

	for (size_t i = 0; !strcmp(choice->axis, "munmap") && i < ARRAY_SIZE(munmaps); i++)
		found |= !strcmp(choice->name, munmaps[i]);
	for (size_t i = 0; !strcmp(choice->axis, "madvise") && i < ARRAY_SIZE(madvises); i++)
		found |= !strcmp(choice->name, madvises[i]);
	for (size_t i = 0; !strcmp(choice->axis, "fault") && i < ARRAY_SIZE(kernels); i++) {
		mmsim_config_init(&config);
		strcpy(config.machine, "step");
		strcpy(config.kernel, kernels[i]);
		assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
		found |= !strcmp(choice->name, mmsim_effective(sim, "fault"));
		assert_int_equal(mmsim_destroy(sim), 0);
	}
	/* How rwsems queue and how pages find their PTEs no program sees: tested where it is. */
	return found || !strcmp(choice->axis, "rwsem") || !strcmp(choice->axis, "anon_rmap") ||
	       !strcmp(choice->axis, "rmap_contended");
}

static void all_strategies_are_tried(void **state)
{
	struct mmsim_choice choice;

	(void)state;
	for (unsigned int i = 0; !mmsim_choice_at(i, &choice); i++)
		if (!is_tried(&choice))
			fail_msg("nothing here has %s=%s", choice.axis, choice.name);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_strategies_are_tried),
		cmocka_unit_test(single_faults),
		cmocka_unit_test(wrong_models_are_refuted),
		cmocka_unit_test(histories_are_explained),
	};

	program = argv[0];
	only_seed = argc > 1 ? argv[1] : getenv("MMSIM_SEED");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
