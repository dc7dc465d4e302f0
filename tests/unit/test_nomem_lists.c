/* SPDX-License-Identifier: MIT */
/*
 * Operation lists in which one allocation fails: the call says so, loses no page, may be made
 * again, and nothing leaks. Done with every list of tests/kernel/oracle and of
 * tests/unit/lists, on releases between which the order of the allocations differs.
 *
 * Each list is done once without a failure. Then, for one allocation after the other, it is done
 * again with that one failing; all operations before give what they gave, the one that it happens
 * in is looked at page by page, done again, and from then on everything has to be as it was
 * without the failure, until VMAs that did not merge make a difference.
 *
 * MMSIM_TEST_SIZE: smoke takes a few allocations of each list, full and long take all.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "mm/madvise.h"
#include "mmsim/mmsim.h"
#include "replay/ops_list.h"
#include "scenario/do_op.h"

#define NR_WATCHED (2 * SIM_WINDOW_PAGES) /* the window's pages, and as many of the heap */
#define SAMPLES 6 /* allocations a list, at smoke size */
#define LISTS_MAX 128

struct page_state {
	enum mmsim_page kind;
	uint64_t value;
	int prot;
	bool guarded; /* the VMA's mark, which spreads when VMAs merge */
	char flags[64]; /* all others */
};

struct snapshot {
	struct page_state page[NR_WATCHED];
};

/* What a list does when nothing fails. */
struct reference {
	int64_t *
		result; /* of each operation: an address, 0, -errno; an access: enum mmsim_access */
	uint64_t *allocations; /* how many there were after it */
	struct snapshot *after; /* after[0]: before the first operation */
	uint64_t at_start; /* allocations before it */
};

struct run {
	const char *kernel, *list_name;
	const struct ops_list *list;
	struct reference *ref;
	struct mmsim *sim;
	struct mm_struct *mm;
};

/* ---- the address space as it looks ---- */

static uint64_t watched_addr(unsigned int i)
{
	if (i < SIM_WINDOW_PAGES)
		return SIM_WINDOW_BASE + i * PAGE_SIZE;
	return BRK_START + (i - SIM_WINDOW_PAGES) * PAGE_SIZE;
}

/* NR_WATCHED: not among them. */
static unsigned int watched_index(uint64_t addr)
{
	unsigned int i = 0;

	while (i < NR_WATCHED && watched_addr(i) != (addr & PAGE_MASK))
		i++;
	return i;
}

static void note_vma(struct page_state *page, const struct mmsim_vma *vma)
{
	char flags[sizeof(vma->flags)];
	int n = 0;

	page->prot = vma->prot;
	snprintf(flags, sizeof(flags), "%s", vma->flags);
	for (char *flag = strtok(flags, " "); flag; flag = strtok(NULL, " ")) {
		if (!strcmp(flag, "gu"))
			page->guarded = true;
		else
			n += snprintf(page->flags + n, sizeof(page->flags) - (size_t)n, "%s ",
				      flag);
	}
}

static void take_snapshot(struct mm_struct *mm, struct snapshot *s)
{
	struct mmsim_vma vma = {0};

	memset(s, 0, sizeof(*s));
	for (unsigned int i = 0; i < NR_WATCHED; i++) {
		uint64_t addr = watched_addr(i);

		if ((addr < vma.start || addr >= vma.end) && mmsim_vma_find(mm, addr, &vma))
			vma = (struct mmsim_vma){.start = UINT64_MAX, .end = UINT64_MAX};
		if (addr < vma.start)
			continue;
		note_vma(&s->page[i], &vma);
		s->page[i].kind = mmsim_page_at(mm, addr, NULL, &s->page[i].value);
	}
}

static bool same_content(const struct page_state *a, const struct page_state *b)
{
	return a->kind == b->kind && a->value == b->value;
}

static bool same_page(const struct page_state *a, const struct page_state *b)
{
	return same_content(a, b) && a->prot == b->prot;
}

static bool same_attributes(const struct page_state *a, const struct page_state *b)
{
	return a->prot == b->prot && !strcmp(a->flags, b->flags);
}

static bool same_snapshot(const struct snapshot *a, const struct snapshot *b)
{
	for (unsigned int i = 0; i < NR_WATCHED; i++)
		if (!same_page(&a->page[i], &b->page[i]))
			return false;
	return true;
}

/* ---- one operation ---- */

static bool is_access(const struct sim_op *op)
{
	return op->kind == OP_R || op->kind == OP_W;
}

#define ACCESS(result) ((enum mmsim_access)((result)&15))

/*
 * An address, 0 or -errno; of an access its kind, and above it what was loaded.
 * Every store has a value of its own, so that a page is known by it.
 */
static int64_t do_operation(struct mm_struct *mm, const struct ops_list *list, size_t i)
{
	const struct sim_op *op = &list->ops[i];
	uint64_t value = 0;

	if (op->kind == OP_R) {
		enum mmsim_access access = mmsim_load(mm, op->addr, &value);

		return (int64_t)(value << 4 | access);
	}
	if (op->kind == OP_W)
		return mmsim_store(mm, op->addr, i + 1);
	return sim_do_call(mm, op);
}

static bool changes_flags(const struct sim_op *op)
{
	switch (op->advice) {
	case MADV_GUARD_INSTALL:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return false;
	default:
		return true;
	}
}

/* Does the result say that there was no memory, in the way that the operation has? */
static bool says_no_memory(const struct run *r, size_t i, int64_t result)
{
	const struct sim_op *op = &r->list->ops[i];

	switch (op->kind) {
	case OP_R:
	case OP_W:
		/* A stack that cannot grow is none. */
		return ACCESS(result) == MMSIM_ACCESS_OOM ||
		       (ACCESS(result) == MMSIM_ACCESS_MAPERR && strstr(r->list_name, "stack"));
	case OP_PROCESS_MADVISE:
		/* Some of it is told as bytes; what of, another call would tell. */
		if (result > 0)
			return result < r->ref->result[i];
		/* fallthrough */
	case OP_MADVISE:
		return result == (changes_flags(op) ? -EAGAIN : -ENOMEM);
	case OP_MLOCK:
		/* ENOMEM: VMAs could not be split; EAGAIN: pages could not be had. */
		return result == -ENOMEM || result == -EAGAIN;
	case OP_BRK:
		return result != r->ref->result[i] && result > 0;
	default:
		return result == -ENOMEM;
	}
}

/* May the operation succeed without the memory? */
static bool may_do_without(const struct run *r, size_t i)
{
	const struct sim_op *op = &r->list->ops[i];

	switch (op->kind) {
	case OP_MMAP: /* VMAs stay apart; populating is only tried */
	case OP_MREMAP: /* and so does it; a source that cannot be split stays, empty */
	case OP_BRK:
	case OP_MLOCKALL: /* does what it can */
	case OP_MUNLOCKALL:
		return true;
	case OP_MPROTECT: /* locked memory that becomes writable is populated */
		return op->prot & PROT_WRITE;
	default:
		return r->ref->result[i] < 0 && !is_access(op);
	}
}

/* ---- what a failed operation may leave behind ---- */

__attribute__((format(printf, 3, 4))) static void wrong(const struct run *r, size_t i,
							const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail_msg("kernel %s, %s, allocation %d fails in @%zu %s: %s", r->kernel, r->list_name,
		 (int)r->sim->config.fail_allocation, i + 1, r->list->text[i], text);
}

static unsigned int find_value(const struct snapshot *s, uint64_t value)
{
	unsigned int i = 0;

	while (i < NR_WATCHED && (s->page[i].kind != MMSIM_PAGE_ANON || s->page[i].value != value))
		i++;
	return i;
}

/* Pages that the operation keeps are where they were, or where it puts them; never both. */
static void check_values(const struct run *r, size_t i, const struct snapshot *now)
{
	const struct snapshot *before = &r->ref->after[i], *after = &r->ref->after[i + 1];

	for (unsigned int from = 0; from < NR_WATCHED; from++) {
		uint64_t value = before->page[from].value;
		unsigned int to, copies = 0;

		if (before->page[from].kind != MMSIM_PAGE_ANON || !value)
			continue;
		to = find_value(after, value);
		for (unsigned int at = 0; at < NR_WATCHED; at++) {
			if (now->page[at].kind != MMSIM_PAGE_ANON || now->page[at].value != value)
				continue;
			copies++;
			if (at != from && at != to)
				wrong(r, i, "page %u is now at %u", from, at);
		}
		if (copies > 1 || (!copies && to < NR_WATCHED))
			wrong(r, i, "page %u is there %u times", from, copies);
	}
}

/* Each page looks as before or as after, or is gone with what would have gone anyway. */
static void check_pages(const struct run *r, size_t i, const struct snapshot *now)
{
	const struct snapshot *before = &r->ref->after[i], *after = &r->ref->after[i + 1];
	enum op_kind kind = r->list->ops[i].kind;
	bool unmaps = kind == OP_MMAP || kind == OP_MREMAP;

	for (unsigned int p = 0; p < NR_WATCHED; p++) {
		const struct page_state *b = &before->page[p], *a = &after->page[p];
		const struct page_state *page = &now->page[p];

		if (page->kind == MMSIM_PAGE_NO_VMA) {
			if (b->kind && a->kind && !unmaps)
				wrong(r, i, "page %u is not mapped any more", p);
			continue;
		}
		if (!same_attributes(page, b) && !same_attributes(page, a))
			wrong(r, i, "page %u is prot %d %s", p, page->prot, page->flags);
		/* What is mapped anew and did not merge has no mark. */
		if (page->guarded != b->guarded && page->guarded != a->guarded && !unmaps)
			wrong(r, i, "page %u has its guard mark wrong", p);
		if (page->kind != MMSIM_PAGE_NONE && !same_content(page, b) &&
		    !same_content(page, a))
			wrong(r, i, "page %u is of kind %d, value %d", p, page->kind,
			      (int)page->value);
		/* What is the same before and after does not change between. */
		if (same_content(a, b) && !same_content(page, b) && !unmaps)
			wrong(r, i, "page %u has changed", p);
	}
}

/* A move that failed: each page of the source is still there, or has arrived with its VMA. */
static void check_move(const struct run *r, size_t i, const struct snapshot *now)
{
	const struct snapshot *before = &r->ref->after[i], *after = &r->ref->after[i + 1];
	const struct sim_op *op = &r->list->ops[i];

	/* What is cut off before the move is gone already. */
	for (uint64_t at = 0; at < MIN(op->len, op->new_len); at += PAGE_SIZE) {
		unsigned int s = watched_index(op->addr + at), t = watched_index(op->new_addr + at);

		if (s == NR_WATCHED || same_page(&now->page[s], &before->page[s]))
			continue;
		if (!same_page(&now->page[s], &after->page[s]) ||
		    (t < NR_WATCHED && !same_page(&now->page[t], &after->page[t])))
			wrong(r, i, "page %u neither stayed nor arrived", s);
	}
}

/* ---- runs ---- */

static void begin_run(struct run *r, uint64_t fail)
{
	struct mmsim_config config;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&config, "kernel", r->kernel, NULL), 0);
	config.memory_bytes = 1 << 20;
	config.statistics = 0;
	config.fail_allocation = fail;
	assert_int_equal(mmsim_create(&config, &r->sim, NULL), 0);
	r->mm = mmsim_mm_create(r->sim, "app");
	assert_non_null(r->mm);
	assert_int_equal(mmsim_use_mm(r->mm), 0);
}

static void end_run(struct run *r)
{
	assert_int_equal(mmsim_use_mm(NULL), 0);
	mmsim_mm_put(r->mm);
	if (mmsim_destroy(r->sim))
		fail_msg("kernel %s, %s: something leaks", r->kernel, r->list_name);
}

static void make_reference(struct run *r, struct reference *ref)
{
	size_t nr = r->list->nr;

	ref->result = calloc(nr, sizeof(*ref->result));
	ref->allocations = calloc(nr, sizeof(*ref->allocations));
	ref->after = calloc(nr + 1, sizeof(*ref->after));
	assert_true(ref->result && ref->allocations && ref->after);
	r->ref = ref;
	begin_run(r, UINT64_MAX);
	ref->at_start = r->sim->allocations;
	for (size_t i = 0; i < nr; i++) {
		ref->result[i] = do_operation(r->mm, r->list, i);
		ref->allocations[i] = r->sim->allocations;
		mmsim_mm_check(r->mm);
		take_snapshot(r->mm, &ref->after[i + 1]);
	}
	end_run(r);
}

static void free_reference(struct reference *ref)
{
	free(ref->result);
	free(ref->allocations);
	free(ref->after);
}

/* Several VMAs are moved one by one: part of the source may be at its new place. */
static bool can_be_repeated(const struct run *r, size_t i, const struct snapshot *now)
{
	const struct snapshot *before = &r->ref->after[i];
	const struct sim_op *op = &r->list->ops[i];

	if (op->kind != OP_MREMAP)
		return true;
	for (uint64_t at = 0; at < op->len; at += PAGE_SIZE) {
		unsigned int s = watched_index(op->addr + at);

		if (s < NR_WATCHED && !same_page(&now->page[s], &before->page[s]))
			return false;
	}
	return true;
}

/* The operation in which the allocation failed. True: now all is as if it had not. */
static bool check_failed(struct run *r, size_t i, int64_t result)
{
	bool failed = says_no_memory(r, i, result);
	struct snapshot now;

	if (!failed && (result != r->ref->result[i] || !may_do_without(r, i)))
		wrong(r, i, "the result is %d", (int)result);
	take_snapshot(r->mm, &now);
	check_values(r, i, &now);
	check_pages(r, i, &now);
	if (failed && r->list->ops[i].kind == OP_MREMAP)
		check_move(r, i, &now);
	if (result != r->ref->result[i]) {
		if (!can_be_repeated(r, i, &now))
			return false;
		result = do_operation(r->mm, r->list, i);
		mmsim_mm_check(r->mm);
		take_snapshot(r->mm, &now);
		/* Only the kind of an access depends on what the first try did. */
		if (is_access(&r->list->ops[i]) ? ACCESS(result) >= MMSIM_ACCESS_MAPERR :
						  result != r->ref->result[i])
			wrong(r, i, "again, the result is %d", (int)result);
		if (!same_snapshot(&now, &r->ref->after[i + 1]))
			wrong(r, i, "again, the state is another");
	}
	return same_snapshot(&now, &r->ref->after[i + 1]);
}

/* Do the list with the @fail'th allocation failing. */
static void fail_allocation(struct run *r, uint64_t fail)
{
	bool in_step = true, reached = false;

	begin_run(r, fail);
	for (size_t i = 0; i < r->list->nr; i++) {
		int64_t result = do_operation(r->mm, r->list, i);
		struct snapshot now;

		mmsim_mm_check(r->mm);
		if (!reached && r->sim->allocations >= fail) {
			reached = true;
			in_step = check_failed(r, i, result);
			continue;
		}
		if (!in_step)
			continue;
		if (result != r->ref->result[i]) {
			/* VMAs that did not merge cannot be resized as one. */
			if (!reached || r->list->ops[i].kind != OP_MREMAP)
				wrong(r, i, "without a failure, the result is %d", (int)result);
			in_step = false;
		}
		if (!in_step || !reached)
			continue;
		take_snapshot(r->mm, &now);
		if (!same_snapshot(&now, &r->ref->after[i + 1]))
			wrong(r, i, "later, the state is another");
	}
	end_run(r);
	assert_true(reached);
}

static unsigned int done;

static void fail_in_list(const char *kernel, const char *name, const struct ops_list *list)
{
	const char *size = getenv("MMSIM_TEST_SIZE");
	struct run r = {.kernel = kernel, .list_name = name, .list = list};
	struct reference ref;
	uint64_t last, step = 1;

	make_reference(&r, &ref);
	last = ref.allocations[list->nr - 1];
	if ((!size || !strcmp(size, "smoke")) && last - ref.at_start > SAMPLES)
		step = (last - ref.at_start) / SAMPLES;
	/* Other samples in each release. */
	for (uint64_t fail = ref.at_start + 1 + (uint64_t)strlen(name) * 7 % step; fail <= last;
	     fail += step, done++)
		fail_allocation(&r, fail);
	free_reference(&ref);
}

/* ---- lists ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list_names(const char *folder, char **names)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".ops"))
			continue;
		assert_true(n < LISTS_MAX);
		names[n++] = strdup(entry->d_name);
	}
	closedir(dir);
	qsort(names, n, sizeof(*names), compare_names);
	return n;
}

static void fail_in_folder(const char *folder)
{
	static const char *const kernels[] = {"6.1", "6.12", "6.18", "7.0"};
	char *names[LISTS_MAX], path[512];
	size_t nr = list_names(folder, names);

	assert_true(nr > 0);
	for (size_t i = 0; i < nr; i++) {
		struct ops_list list;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		assert_int_equal(ops_list_load(path, &list, NULL), 0);
		for (size_t k = 0; k < ARRAY_SIZE(kernels); k++)
			fail_in_list(kernels[k], names[i], &list);
		ops_list_free(&list);
		free(names[i]);
	}
}

static void recorded_lists(void **state)
{
	(void)state;
	fail_in_folder(MMSIM_SOURCE_DIR "/tests/kernel/oracle");
	print_message("%u runs\n", done);
}

static void own_lists(void **state)
{
	(void)state;
	done = 0;
	fail_in_folder(MMSIM_SOURCE_DIR "/tests/unit/lists");
	print_message("%u runs\n", done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_lists),
		cmocka_unit_test(own_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
