/* SPDX-License-Identifier: MIT */
/* One schedule of four tasks in one address space; see the header. */
#include "address_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "mm/mm.h"
#include "mmsim/mmsim.h"
#include "support/history.h"

#include <cmocka.h>

#define NR_TASKS 4
#define TASK_OPS 8
_Static_assert(NR_TASKS *TASK_OPS <= HISTORY_OPS_MAX, "the history has room for all");
#define TABLE_END 0x2000000ul /* the window lies across the end of a page table */
#define MAP_HERE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define MAP_IF_FREE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE)
#define RW (PROT_READ | PROT_WRITE)

enum role { ROLE_ALL, ROLE_MAPS, ROLE_TOUCHES, NR_ROLES };

/* What is done where; see enum address_mix. */
static const struct mix {
	unsigned int pages, longest; /* of the window, of most ranges */
	enum role roles[NR_TASKS];
} mixes[] = {
	[ADDRESS_WIDE] = {8, 3, {ROLE_ALL, ROLE_ALL, ROLE_ALL, ROLE_ALL}},
	[ADDRESS_TIGHT] = {3, 2, {ROLE_MAPS, ROLE_MAPS, ROLE_TOUCHES, ROLE_TOUCHES}},
};

struct program {
	struct address_op ops[TASK_OPS];
};

static struct {
	struct mmsim *sim;
	struct mm_struct *mm;
	const struct mix *mix;
	struct history history;
	struct program programs[NR_TASKS];
	struct fault_sums faults[NR_TASKS];
	struct fault_sums before; /* of the instance, before the tasks */
	int ended; /* tasks */
	bool complete; /* the history, its end too */
} body;

static uint64_t address_of(unsigned int page)
{
	return TABLE_END + page * PAGE_SIZE - body.mix->pages / 2 * PAGE_SIZE;
}

/* ---- the operations: how one is made up, and how it is done ---- */

static const int prots[] = {RW, RW, RW, PROT_READ, PROT_READ, PROT_NONE, PROT_WRITE};

static void draw_range(struct address_op *op, struct rng *rng)
{
	unsigned int pages = body.mix->pages;

	/* Every other range begins in the middle, where they all meet. */
	op->first = (unsigned int)(rng_below(rng, 2) ? rng_below(rng, pages) :
						       pages / 4 + rng_below(rng, pages / 3 + 1));
	op->pages = 1 + (unsigned int)rng_below(rng, body.mix->longest);
	if (!rng_below(rng, 8)) {
		op->first = 0;
		op->pages = pages;
	}
	op->pages = MIN(op->pages, pages - op->first);
	op->prot = prots[rng_below(rng, ARRAY_SIZE(prots))];
}

static void draw_mapping(struct address_op *op, struct rng *rng)
{
	draw_range(op, rng);
	/* Mostly alike, so that they merge. */
	if (rng_below(rng, 3))
		op->prot = RW;
}

static void draw_access(struct address_op *op, struct rng *rng)
{
	draw_range(op, rng);
	op->pages = 1;
}

static int answer_of_mmap(const struct address_op *op, int flags)
{
	uint64_t addr = address_of(op->first);
	int64_t answer = mmsim_mmap(body.mm, addr, op->pages * PAGE_SIZE, op->prot, flags);

	if (answer >= 0 && (uint64_t)answer != addr)
		mmsim_bug("mmap answered %#llx instead of %#llx", (unsigned long long)answer,
			  (unsigned long long)addr);
	return answer < 0 ? (int)answer : 0;
}

static int do_map(struct address_op *op)
{
	return answer_of_mmap(op, MAP_HERE);
}

static int do_map_if_free(struct address_op *op)
{
	return answer_of_mmap(op, MAP_IF_FREE);
}

static int do_map_populate(struct address_op *op)
{
	return answer_of_mmap(op, MAP_HERE | MAP_POPULATE);
}

static int do_unmap(struct address_op *op)
{
	return mmsim_munmap(body.mm, address_of(op->first), op->pages * PAGE_SIZE);
}

static int do_protect(struct address_op *op)
{
	return mmsim_mprotect(body.mm, address_of(op->first), op->pages * PAGE_SIZE, op->prot);
}

static int do_dontneed(struct address_op *op)
{
	return mmsim_madvise(body.mm, address_of(op->first), op->pages * PAGE_SIZE, MADV_DONTNEED);
}

static int do_free(struct address_op *op)
{
	return mmsim_madvise(body.mm, address_of(op->first), op->pages * PAGE_SIZE, MADV_FREE);
}

static int one_success(enum mmsim_access answer)
{
	return answer <= MMSIM_ACCESS_COPY ? MMSIM_ACCESS_HIT : answer;
}

static int do_load(struct address_op *op)
{
	return one_success(mmsim_load(body.mm, address_of(op->first), &op->value));
}

static int do_store(struct address_op *op)
{
	return one_success(mmsim_store(body.mm, address_of(op->first), op->value));
}

static const struct operation {
	unsigned int weight[NR_ROLES]; /* by enum role */
	void (*draw)(struct address_op *op, struct rng *rng);
	int (*act)(struct address_op *op);
} operations[NR_ADDRESS_OPS] = {
	[ADDRESS_MMAP] = {{3, 4, 0}, draw_mapping, do_map},
	[ADDRESS_MMAP_NOREPLACE] = {{2, 1, 0}, draw_mapping, do_map_if_free},
	[ADDRESS_MMAP_POPULATE] = {{1, 1, 0}, draw_mapping, do_map_populate},
	[ADDRESS_MUNMAP] = {{3, 4, 0}, draw_range, do_unmap},
	[ADDRESS_MPROTECT] = {{5, 4, 0}, draw_range, do_protect},
	[ADDRESS_DONTNEED] = {{3, 1, 1}, draw_range, do_dontneed},
	[ADDRESS_FREE] = {{1, 0, 0}, draw_range, do_free},
	[ADDRESS_LOAD] = {{8, 1, 4}, draw_access, do_load},
	[ADDRESS_STORE] = {{8, 1, 6}, draw_access, do_store},
};

static enum address_op_kind draw_kind(enum role role, struct rng *rng)
{
	unsigned int sum = 0, kind;
	uint64_t draw;

	for (kind = 0; kind < NR_ADDRESS_OPS; kind++)
		sum += operations[kind].weight[role];
	draw = rng_below(rng, sum);
	for (kind = 0; draw >= operations[kind].weight[role]; kind++)
		draw -= operations[kind].weight[role];
	return kind;
}

static void write_program(int task, uint64_t seed)
{
	struct rng rng;

	rng_init(&rng, seed, "program", (uint64_t)task);
	for (unsigned int i = 0; i < TASK_OPS; i++) {
		struct address_op *op = &body.programs[task].ops[i];

		*op = (struct address_op){.kind = draw_kind(body.mix->roles[task], &rng),
					  .task = task};
		operations[op->kind].draw(op, &rng);
		/* A load's is what it finds; what is stored says by whom and where. */
		if (op->kind == ADDRESS_STORE)
			op->value = (uint64_t)(task + 1) << 16 | (op->first + 1) << 8 | (i + 1);
	}
}

/* ---- before and after ---- */

static void prepare_page(unsigned int page, struct rng *rng)
{
	struct address_page *p = &body.history.first[page];
	uint64_t draw = rng_below(rng, 8);

	/* Two of eight are not there, two are read-only, every other one holds something. */
	if (draw < 2)
		return;
	*p = (struct address_page){.mapped = true, .prot = RW};
	assert_int_equal(mmsim_mmap(body.mm, address_of(page), PAGE_SIZE, RW, MAP_HERE),
			 address_of(page));
	if (draw & 1) {
		p->value = 0x1000 + page;
		assert_true(mmsim_store(body.mm, address_of(page), p->value) <= MMSIM_ACCESS_COPY);
	}
	if (draw < 4) {
		p->prot = PROT_READ;
		assert_int_equal(mmsim_mprotect(body.mm, address_of(page), PAGE_SIZE, PROT_READ),
				 0);
	}
}

static void prepare(uint64_t seed)
{
	struct rng rng;

	rng_init(&rng, seed, "first", 0);
	body.history.nr_pages = body.mix->pages;
	mmsim_use_mm(body.mm);
	for (unsigned int page = 0; page < body.mix->pages; page++)
		prepare_page(page, &rng);
	mmsim_use_mm(NULL);
}

/* What is there in the end, by the list of VMAs and page by page. */
static void look_at_the_end(void)
{
	struct mmsim_vma vma;

	for (uint64_t at = 0; !mmsim_vma_find(body.mm, at, &vma); at = vma.end) {
		if (vma.start < address_of(0) || vma.end > address_of(body.mix->pages))
			mmsim_bug("a VMA %#llx-%#llx outside the window",
				  (unsigned long long)vma.start, (unsigned long long)vma.end);
		for (unsigned int i = 0; i < body.mix->pages; i++)
			if (address_of(i) >= vma.start && address_of(i) < vma.end)
				body.history.last[i] = (struct address_page){
					.mapped = true, .prot = (uint8_t)vma.prot};
	}
	for (unsigned int i = 0; i < body.mix->pages; i++) {
		struct address_page *p = &body.history.last[i];
		enum mmsim_page found = mmsim_page_at(body.mm, address_of(i), NULL, &p->value);

		if (p->mapped != (found != MMSIM_PAGE_NO_VMA))
			mmsim_bug("page %u is %sin a VMA of the list, and %sin one found by it", i,
				  p->mapped ? "" : "not ",
				  found != MMSIM_PAGE_NO_VMA ? "" : "not ");
	}
}

/* ---- a task ---- */

static int task_main(void *arg)
{
	const struct program *p = arg;

	for (unsigned int i = 0; i < TASK_OPS; i++) {
		struct address_op *op = history_begin(&body.history, &p->ops[i]);
		const struct fault_counts before = fault_counts_now();

		history_end(&body.history, op, operations[op->kind].act(op));
		fault_counts_check(body.mm, op, &before, &body.faults[op->task]);
	}
	/* The last one looks, so that what it finds wrong ends the run, not the process. */
	if (++body.ended == NR_TASKS) {
		look_at_the_end();
		body.complete = true;
		mmsim_mm_check(body.mm);
	}
	return 0;
}

/* ---- a run ---- */

static struct fault_sums counted(void)
{
	return (struct fault_sums){
		.faults = mmsim_counter(body.sim, "pgfault"),
		.success = mmsim_counter(body.sim, "vma_lock_success"),
		.retry = mmsim_counter(body.sim, "vma_lock_retry"),
		.abort = mmsim_counter(body.sim, "vma_lock_abort"),
		.mmap_lock = mmsim_counter(body.sim, "fault_mmap_lock"),
	};
}

static void configure(struct mmsim_config *config, const struct address_run *run)
{
	/* Long slices too: a task then stands still while others do whole operations. */
	static const unsigned int slices[] = {1, 4, 16, 64, 256};

	mmsim_config_init(config);
	strcpy(config->machine, "step");
	snprintf(config->kernel, sizeof(config->kernel), "%s", run->kernel);
	snprintf(config->munmap, sizeof(config->munmap), "%s", run->munmap ? run->munmap : "");
	snprintf(config->madvise, sizeof(config->madvise), "%s", run->madvise ? run->madvise : "");
	snprintf(config->fault, sizeof(config->fault), "%s", run->fault ? run->fault : "");
	config->seed = run->seed;
	config->switch_1_in = slices[run->seed % ARRAY_SIZE(slices)];
	config->memory_bytes = 1 << 20;
	config->spurious_1_in = 256;
	config->tick_1_in = 512;
	config->max_steps = 1000000;
}

static void begin(const struct address_run *run)
{
	struct mmsim_config config;
	char error[256];

	memset(&body, 0, sizeof(body));
	body.mix = &mixes[run->mix];
	configure(&config, run);
	if (mmsim_create(&config, &body.sim, error))
		fail_msg("%s", error);
	body.mm = mmsim_mm_create(body.sim, "mm");
	assert_non_null(body.mm);
	prepare(run->seed);
	body.before = counted();
	for (int i = 0; i < NR_TASKS; i++) {
		char name[16];
		struct mmsim_task_attr attr = {.name = name, .cpu = -1, .mm = body.mm};

		snprintf(name, sizeof(name), "t%d", i);
		write_program(i, run->seed);
		assert_non_null(mmsim_task_create(body.sim, &attr, task_main, &body.programs[i]));
	}
}

/* The instance counted what the accesses did, and nothing else. */
static void check_sums(const struct fault_sums *sum)
{
	const struct fault_sums now = counted(), *old = &body.before;

	assert_int_equal(now.faults - old->faults, sum->faults);
	assert_int_equal(now.success - old->success, sum->success);
	assert_int_equal(now.retry - old->retry, sum->retry);
	assert_int_equal(now.abort - old->abort, sum->abort + sum->madvise_abort);
	assert_int_equal(now.mmap_lock - old->mmap_lock, sum->mmap_lock);
}

static void count_up(struct address_verdict *v)
{
	for (int i = 0; i < NR_TASKS; i++)
		fault_sums_add(&v->faults, &body.faults[i]);
	check_sums(&v->faults);
	for (unsigned int i = 0; i < body.history.nr_ops; i++) {
		const struct address_op *op = &body.history.ops[i];
		bool access = op->kind == ADDRESS_LOAD || op->kind == ADDRESS_STORE;

		v->overlaps += op->end > op->begin + 1;
		v->refused += access && op->answer != MMSIM_ACCESS_HIT;
		v->done += access && op->answer == MMSIM_ACCESS_HIT;
	}
	v->splits = mmsim_counter(body.sim, "vma_split");
	v->merges = mmsim_counter(body.sim, "vma_merge");
	v->vma_madvise = mmsim_counter(body.sim, "madvise_vma_lock");
	v->downgrades = mmsim_counter(body.sim, "munmap_downgrade");
}

static void show(const struct address_run *run, const struct address_model *model)
{
	char text[8192];

	history_print(&body.history, model, text, sizeof(text));
	print_message("kernel=%s munmap=%s madvise=%s seed=%llu\n%s", run->kernel,
		      mmsim_effective(body.sim, "munmap"), mmsim_effective(body.sim, "madvise"),
		      (unsigned long long)run->seed, text);
}

/* The history and the end against the model. */
static void judge(const struct address_run *run, struct address_verdict *v)
{
	struct address_model model;
	struct history_result result;

	if (run->model)
		model = *run->model;
	else
		address_model_init(&model, body.sim->munmap->downgrade);
	history_check(&body.history, &model, &result);
	v->tried = result.tried;
	v->good = result.verdict == HISTORY_FITS;
	if (!v->good)
		snprintf(v->why, sizeof(v->why), "%s%s",
			 result.verdict == HISTORY_UNDECIDED ? "given up: " : "", result.why);
	if (run->show)
		show(run, &model);
}

static void spoil(struct address_verdict *v, const char *why)
{
	/* What the history says is said first. */
	if (v->good || !*v->why)
		snprintf(v->why, sizeof(v->why), "%s", why);
	v->good = false;
}

void address_run(const struct address_run *run, struct address_verdict *v)
{
	int err;

	memset(v, 0, sizeof(*v));
	begin(run);
	err = mmsim_run(body.sim);
	if (body.complete) {
		count_up(v);
		judge(run, v);
	}
	if (err) {
		spoil(v, mmsim_failure(body.sim));
		mmsim_destroy(body.sim);
		return;
	}
	mmsim_mm_put(body.mm);
	if (mmsim_destroy(body.sim))
		spoil(v, "something was still allocated at the end");
}
