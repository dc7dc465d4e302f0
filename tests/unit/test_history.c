/* SPDX-License-Identifier: MIT */
/*
 * The checker of histories, on histories written by hand: each is one that
 * Linux may produce, or one that it must not. And the other way round, with
 * wrong models: good histories that they must not explain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "mmsim/mm.h"
#include "support/history.h"

#include <cmocka.h>

#define RW (PROT_READ | PROT_WRITE)
#define RO PROT_READ
#define HIT MMSIM_ACCESS_HIT
#define MAPERR MMSIM_ACCESS_MAPERR
#define ACCERR MMSIM_ACCESS_ACCERR

/* clang-format off */
/* Operations, each with the time of its call and of its return. */
#define AT(b, e) .begin = (b), .end = (e)
#define LOAD(page, found) .kind = ADDRESS_LOAD, .first = (page), .pages = 1, .value = (found)
#define STORE(page, what) .kind = ADDRESS_STORE, .first = (page), .pages = 1, .value = (what)
#define RANGE(name, from, nr) .kind = ADDRESS_##name, .first = (from), .pages = (nr)
/* Pages; N is one that is not mapped. */
#define P(rights, what) {.mapped = true, .prot = (rights), .value = (what)}
#define N {.mapped = false}
/* clang-format on */

#define PAGES 3

struct sample {
	const char *name;
	bool fits;
	bool downgrades;
	struct address_page first[PAGES], last[PAGES];
	struct address_op ops[8];
};

/* clang-format off */
static const struct sample samples[] = {
	{ "nothing happens", true, false, {P(RW, 7), N, N}, {P(RW, 7), N, N}, {} },
	{ "a value comes from nowhere", false, false, {P(RW, 7), N, N}, {P(RW, 8), N, N}, {} },
	{ "rights change by themselves", false, false, {P(RW, 7), N, N}, {P(RO, 7), N, N}, {} },

	/* ---- accesses ---- */
	{ "what was stored is read", true, false, {P(RW, 0)}, {P(RW, 5)}, {
		{STORE(0, 5), AT(1, 2)}, {LOAD(0, 5), AT(3, 4)} } },
	{ "what was stored before is read", false, false, {P(RW, 0)}, {P(RW, 5)}, {
		{STORE(0, 5), AT(1, 2)}, {LOAD(0, 0), AT(3, 4)} } },
	{ "a store under way is seen", true, false, {P(RW, 0)}, {P(RW, 5)}, {
		{STORE(0, 5), AT(1, 4)}, {LOAD(0, 5), AT(2, 3)} } },
	{ "a store under way is not seen", true, false, {P(RW, 0)}, {P(RW, 5)}, {
		{STORE(0, 5), AT(1, 4)}, {LOAD(0, 0), AT(2, 3)} } },
	{ "a store is seen and then not", false, false, {P(RW, 0)}, {P(RW, 5)}, {
		{STORE(0, 5), AT(1, 6)}, {LOAD(0, 5), AT(2, 3)}, {LOAD(0, 0), AT(4, 5)} } },
	{ "two stores, either is last", true, false, {P(RW, 0)}, {P(RW, 5)}, {
		{STORE(0, 5), AT(1, 4)}, {STORE(0, 6), AT(2, 3)} } },
	{ "two stores, two orders", false, false, {P(RW, 0)}, {P(RW, 6)}, {
		{STORE(0, 5), AT(1, 8)}, {STORE(0, 6), AT(2, 7)},
		{LOAD(0, 6), AT(3, 4)}, {LOAD(0, 5), AT(5, 6)} } },
	{ "a store is lost", false, false, {P(RW, 0)}, {P(RW, 0)}, { {STORE(0, 5), AT(1, 2)} } },
	{ "a refused store is there", false, false, {P(RO, 0)}, {P(RO, 5)}, {
		{STORE(0, 5), AT(1, 2), .answer = ACCERR} } },
	{ "what is allowed is refused", false, false, {P(RW, 0)}, {P(RW, 0)}, {
		{STORE(0, 5), AT(1, 2), .answer = ACCERR} } },
	{ "what is mapped is not found", false, false, {P(RW, 0)}, {P(RW, 0)}, {
		{LOAD(0, 0), AT(1, 2), .answer = MAPERR} } },
	{ "an access ends in any other way", false, false, {P(RW, 0)}, {P(RW, 0)}, {
		{LOAD(0, 0), AT(1, 2), .answer = MMSIM_ACCESS_KILLED} } },
	{ "a page that is only to be written is read too", true, false,
		{P(PROT_WRITE, 5)}, {P(PROT_WRITE, 5)}, { {LOAD(0, 5), AT(1, 2)} } },

	/* ---- mmap, munmap ---- */
	{ "unmapped", true, false, {P(RW, 5)}, {N}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 2)}, {LOAD(0, 0), AT(3, 4), .answer = MAPERR} } },
	{ "unmapped and still there", false, false, {P(RW, 5)}, {N}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 2)}, {LOAD(0, 5), AT(3, 4)} } },
	{ "unmapped before munmap was called", false, false, {P(RW, 5)}, {N}, {
		{LOAD(0, 5), AT(1, 2), .answer = MAPERR}, {RANGE(MUNMAP, 0, 1), AT(3, 4)} } },
	{ "munmap of nothing", true, false, {N}, {N}, { {RANGE(MUNMAP, 0, 3), AT(1, 2)} } },
	{ "mapped anew shows the old page", false, false, {P(RW, 5)}, {P(RW, 5)}, {
		{RANGE(MMAP, 0, 1), .prot = RW, AT(1, 2)} } },
	{ "mapped anew is empty", true, false, {P(RW, 5)}, {P(RW, 0)}, {
		{RANGE(MMAP, 0, 1), .prot = RW, AT(1, 4)}, {LOAD(0, 5), AT(2, 3)} } },
	{ "a store between mmap and mmap goes with its page", true, false, {N}, {P(RW, 0)}, {
		{RANGE(MMAP, 0, 1), .prot = RW, AT(1, 2)}, {STORE(0, 5), AT(3, 6)},
		{RANGE(MMAP, 0, 1), .prot = RW, AT(4, 5)} } },
	{ "noreplace finds something", true, false, {P(RW, 5)}, {P(RW, 5)}, {
		{RANGE(MMAP_NOREPLACE, 0, 2), .prot = RW, AT(1, 2), .answer = -EEXIST} } },
	{ "noreplace finds what is gone", false, false, {P(RW, 5)}, {N}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 2)},
		{RANGE(MMAP_NOREPLACE, 0, 2), .prot = RW, AT(3, 4), .answer = -EEXIST} } },
	{ "noreplace replaces", false, false, {P(RW, 5)}, {P(RW, 0), P(RW, 0)}, {
		{RANGE(MMAP_NOREPLACE, 0, 2), .prot = RW, AT(1, 2)} } },
	{ "mmap fails", false, false, {N}, {N}, {
		{RANGE(MMAP, 0, 1), .prot = RW, AT(1, 2), .answer = -ENOMEM} } },

	/* ---- a downgraded munmap ---- */
	{ "found by its PTE after others were told that it is gone", true, true, {P(RO, 5)}, {N}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 6)}, {STORE(0, 9), AT(2, 3), .answer = MAPERR},
		{LOAD(0, 5), AT(4, 5)} } },
	{ "the same under a lock held for write", false, false, {P(RO, 5)}, {N}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 6)}, {STORE(0, 9), AT(2, 3), .answer = MAPERR},
		{LOAD(0, 5), AT(4, 5)} } },
	{ "found by its PTE after munmap's return", false, true, {P(RO, 5)}, {N}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 4)}, {STORE(0, 9), AT(2, 3), .answer = MAPERR},
		{LOAD(0, 5), AT(5, 6)} } },
	{ "found by its PTE after the next mmap's return", false, true, {P(RO, 5)}, {P(RW, 0)}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 8)}, {STORE(0, 9), AT(2, 3), .answer = MAPERR},
		{RANGE(MMAP, 0, 1), .prot = RW, AT(4, 5)}, {LOAD(0, 5), AT(6, 7)} } },
	{ "written by its PTE against its rights", false, true, {P(RO, 5)}, {N}, {
		{RANGE(MUNMAP, 0, 1), AT(1, 6)}, {STORE(0, 9), AT(2, 3), .answer = MAPERR},
		{STORE(0, 6), AT(4, 5)} } },

	/* ---- mprotect ---- */
	{ "protect stops at a gap", true, false, {P(RW, 0), N, P(RW, 0)}, {P(RO, 0), N, P(RW, 5)}, {
		{RANGE(MPROTECT, 0, 3), .prot = RO, AT(1, 2), .answer = -ENOMEM},
		{STORE(2, 5), AT(3, 4)}, {STORE(0, 6), AT(5, 6), .answer = ACCERR} } },
	{ "protect goes on behind a gap", false, false,
		{P(RW, 0), N, P(RW, 0)}, {P(RO, 0), N, P(RO, 0)}, {
		{RANGE(MPROTECT, 0, 3), .prot = RO, AT(1, 2), .answer = -ENOMEM} } },
	{ "protect does nothing before a gap", false, false,
		{P(RW, 0), N, P(RW, 0)}, {P(RW, 0), N, P(RW, 0)}, {
		{RANGE(MPROTECT, 0, 3), .prot = RO, AT(1, 2), .answer = -ENOMEM} } },
	{ "protect sees no gap", false, false, {P(RW, 0), N}, {P(RO, 0), N}, {
		{RANGE(MPROTECT, 0, 2), .prot = RO, AT(1, 2)} } },
	{ "protect sees a gap in time", true, false, {P(RW, 0), P(RW, 0)}, {P(RO, 0), N}, {
		{RANGE(MPROTECT, 0, 2), .prot = RO, AT(1, 4), .answer = -ENOMEM},
		{RANGE(MUNMAP, 1, 1), AT(2, 3)} } },
	{ "protect keeps what is stored", false, false, {P(RW, 5)}, {P(RO, 0)}, {
		{RANGE(MPROTECT, 0, 1), .prot = RO, AT(1, 2)} } },
	{ "protect is seen half done", true, false, {P(RO, 0), P(RO, 0)}, {P(RW, 5), P(RW, 0)}, {
		{RANGE(MPROTECT, 0, 2), .prot = RW, AT(1, 6)}, {STORE(0, 5), AT(2, 3)},
		{STORE(1, 6), AT(4, 5), .answer = ACCERR} } },

	/* ---- writers stand in one order ---- */
	{ "two writers, the second wins everywhere", true, false,
		{P(RW, 0), P(RW, 0)}, {P(RO, 0), P(RO, 0)}, {
		{RANGE(MPROTECT, 0, 2), .prot = RO, AT(1, 4)},
		{RANGE(MPROTECT, 0, 2), .prot = PROT_NONE, AT(2, 3)} } },
	{ "two writers, each wins somewhere", false, false,
		{P(RW, 0), P(RW, 0)}, {P(RO, 0), P(PROT_NONE, 0)}, {
		{RANGE(MPROTECT, 0, 2), .prot = RO, AT(1, 4)},
		{RANGE(MPROTECT, 0, 2), .prot = PROT_NONE, AT(2, 3)} } },
	/* 1 unmaps a and b, 2 maps b and c, 3 maps c and a: a says 1 < 3, b 2 < 1, c 3 < 2. */
	{ "three writers in a circle", false, false, {N, N, N}, {P(RW, 0), N, P(RO, 0)}, {
		{RANGE(MUNMAP, 0, 2), AT(1, 8)}, {RANGE(MMAP, 1, 2), .prot = RO, AT(2, 7)},
		{RANGE(MMAP, 0, 3), .prot = RW, AT(3, 6)} } },
	{ "a later writer's return bounds an earlier one", false, false,
		{P(RW, 0), P(RW, 0)}, {P(RW, 0), N}, {
		/* It ended before the load, and saw the gap that munmap makes. */
		{RANGE(MUNMAP, 0, 2), AT(1, 8)},
		{RANGE(MPROTECT, 1, 1), .prot = RO, AT(2, 3), .answer = -ENOMEM},
		{LOAD(0, 0), AT(4, 5)}, {RANGE(MMAP, 0, 1), .prot = RW, AT(9, 10)} } },
	{ "a later writer's return bounds a downgraded one", false, true,
		{P(RW, 0), P(RW, 0)}, {P(RW, 0), N}, {
		{RANGE(MUNMAP, 0, 2), AT(1, 8)},
		{RANGE(MPROTECT, 1, 1), .prot = RO, AT(2, 3), .answer = -ENOMEM},
		{LOAD(0, 0), AT(4, 5)}, {RANGE(MMAP, 0, 1), .prot = RW, AT(9, 10)} } },

	/* ---- madvise ---- */
	{ "emptied", true, false, {P(RW, 5), P(RW, 6)}, {P(RW, 0), P(RW, 0)}, {
		{RANGE(DONTNEED, 0, 2), AT(1, 2)} } },
	{ "not emptied", false, false, {P(RW, 5), P(RW, 6)}, {P(RW, 0), P(RW, 6)}, {
		{RANGE(DONTNEED, 0, 2), AT(1, 2)} } },
	{ "emptied page by page", true, false, {P(RW, 5), P(RW, 6)}, {P(RW, 0), P(RW, 0)}, {
		{RANGE(DONTNEED, 0, 2), AT(1, 6)}, {LOAD(0, 0), AT(2, 3)},
		{LOAD(1, 6), AT(4, 5)} } },
	{ "nothing to empty at first", true, false, {P(RW, 0)}, {P(RW, 0)}, {
		{RANGE(DONTNEED, 0, 1), AT(1, 6)}, {LOAD(0, 0), AT(2, 3)},
		{STORE(0, 5), AT(4, 5)} } },
	{ "emptied twice by one", false, false, {P(RW, 5)}, {P(RW, 0)}, {
		{RANGE(DONTNEED, 0, 1), AT(1, 8)}, {LOAD(0, 0), AT(2, 3)},
		{STORE(0, 6), AT(4, 5)}, {LOAD(0, 0), AT(6, 7)} } },
	{ "two madvise, another first on each page", true, false,
		{P(RW, 1), P(RW, 2)}, {P(RW, 0), P(RW, 0)}, {
		{RANGE(DONTNEED, 0, 2), AT(1, 16)}, {LOAD(0, 0), AT(2, 3)}, {STORE(0, 3), AT(4, 5)},
		{RANGE(DONTNEED, 0, 2), AT(6, 7)}, {LOAD(0, 0), AT(8, 9)},
		{STORE(1, 4), AT(10, 11)}, {LOAD(1, 0), AT(12, 13)} } },
	{ "madvise goes on behind a gap", true, false,
		{P(RW, 5), N, P(RW, 6)}, {P(RW, 0), N, P(RW, 0)}, {
		{RANGE(DONTNEED, 0, 3), AT(1, 2), .answer = -ENOMEM} } },
	{ "madvise stops at a gap", false, false,
		{P(RW, 5), N, P(RW, 6)}, {P(RW, 0), N, P(RW, 6)}, {
		{RANGE(DONTNEED, 0, 3), AT(1, 2), .answer = -ENOMEM} } },
	{ "madvise sees no gap", false, false, {P(RW, 5), N}, {P(RW, 0), N}, {
		{RANGE(DONTNEED, 0, 2), AT(1, 2)} } },
	{ "madvise runs where both pages are mapped, and not before", false, false,
		{P(RW, 5), N}, {P(RW, 0), P(RW, 0)}, {
		{RANGE(DONTNEED, 0, 2), AT(1, 6)}, {LOAD(0, 0), AT(2, 3)},
		{RANGE(MMAP, 1, 1), .prot = RW, AT(4, 5)} } },
	{ "free keeps the value", true, false, {P(RW, 5)}, {P(RW, 5)}, {
		{RANGE(FREE, 0, 1), AT(1, 2)}, {LOAD(0, 5), AT(3, 4)} } },
	{ "free loses the value", false, false, {P(RW, 5)}, {P(RW, 0)}, {
		{RANGE(FREE, 0, 1), AT(1, 2)} } },
	{ "free sees a gap", true, false, {P(RW, 5), N}, {P(RW, 5), N}, {
		{RANGE(FREE, 0, 2), AT(1, 2), .answer = -ENOMEM} } },
};
/* clang-format on */

static void load_sample(const struct sample *sample, struct history *h)
{
	memset(h, 0, sizeof(*h));
	h->nr_pages = PAGES;
	memcpy(h->first, sample->first, sizeof(sample->first));
	memcpy(h->last, sample->last, sizeof(sample->last));
	for (size_t i = 0; i < ARRAY_SIZE(sample->ops) && sample->ops[i].pages; i++) {
		h->ops[h->nr_ops] = sample->ops[i];
		h->ops[h->nr_ops].task = (int)h->nr_ops;
		h->nr_ops++;
	}
}

static void by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct history_result result;
		struct address_model model;
		struct history h;

		address_model_init(&model, samples[i].downgrades);
		load_sample(&samples[i], &h);
		history_check(&h, &model, &result);
		assert_int_not_equal(result.verdict, HISTORY_UNDECIDED);
		if ((result.verdict == HISTORY_FITS) != samples[i].fits)
			fail_msg("\"%s\" was %s: %s", samples[i].name,
				 samples[i].fits ? "refuted" : "explained", result.why);
		assert_int_equal(!*result.why, samples[i].fits);
	}
}

/* ---- wrong models ---- */

static void keep_value(struct address_page *page, const struct address_op *op)
{
	page->mapped = true;
	page->prot = (uint8_t)op->prot;
}

static void nothing(struct address_page *page, const struct address_op *op)
{
	(void)page, (void)op;
}

static bool all_pages(const struct address_page *pages, const struct address_op *op,
		      uint32_t *touched)
{
	*touched = 0;
	for (unsigned int i = op->first; i < op->first + op->pages; i++)
		if (pages[i].mapped)
			*touched |= 1u << i;
	return true;
}

static bool never_fails(const struct address_page *pages, const struct address_op *op,
			uint32_t *touched)
{
	all_pages(pages, op, touched);
	return !op->answer;
}

static bool forgetful_store(struct address_page *page, const struct address_op *op)
{
	(void)page, (void)op;
	return true;
}

/* Samples that fit Linux, and a model under which they must not. */
static const struct {
	const char *sample;
	enum address_op_kind kind;
	void (*page)(struct address_page *page, const struct address_op *op);
	bool (*range)(const struct address_page *pages, const struct address_op *op,
		      uint32_t *touched);
	bool (*access)(struct address_page *page, const struct address_op *op);
} wrong[] = {
	{"mapped anew is empty", ADDRESS_MMAP, .page = keep_value},
	{"unmapped", ADDRESS_MUNMAP, .page = nothing},
	{"emptied page by page", ADDRESS_DONTNEED, .page = nothing},
	{"protect stops at a gap", ADDRESS_MPROTECT, .range = all_pages},
	{"protect stops at a gap", ADDRESS_MPROTECT, .range = never_fails},
	{"protect sees a gap in time", ADDRESS_MPROTECT, .range = never_fails},
	{"madvise goes on behind a gap", ADDRESS_DONTNEED, .range = never_fails},
	{"free keeps the value", ADDRESS_FREE, .range = all_pages},
	{"noreplace finds something", ADDRESS_MMAP_NOREPLACE, .range = never_fails},
	{"what was stored is read", ADDRESS_STORE, .access = forgetful_store},
};

static const struct sample *sample_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		if (!strcmp(samples[i].name, name))
			return &samples[i];
	fail_msg("no sample \"%s\"", name);
	return NULL;
}

static void wrong_models(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct history_result result;
		struct address_model model;
		struct history h;

		address_model_init(&model, false);
		load_sample(sample_named(wrong[i].sample), &h);
		history_check(&h, &model, &result);
		assert_int_equal(result.verdict, HISTORY_FITS);
		if (wrong[i].page)
			model.kind[wrong[i].kind].page = wrong[i].page;
		if (wrong[i].range)
			model.kind[wrong[i].kind].range = wrong[i].range;
		if (wrong[i].access)
			model.kind[wrong[i].kind].access = wrong[i].access;
		history_check(&h, &model, &result);
		if (result.verdict != HISTORY_REFUTED)
			fail_msg("wrong model %zu explains \"%s\"", i, wrong[i].sample);
	}
}

/* ---- recording and printing ---- */

static void recorded_and_printed(void **state)
{
	const struct address_op store = {.kind = ADDRESS_STORE, .first = 1, .pages = 1, .value = 5};
	const struct address_op protect = {
		.kind = ADDRESS_MPROTECT, .task = 1, .first = 0, .pages = 2, .prot = RO};
	struct address_op *first, *second;
	struct history h = {.nr_pages = 2};
	struct address_model model;
	char text[1024];

	(void)state;
	address_model_init(&model, false);
	h.first[1] = (struct address_page)P(RW, 0);
	first = history_begin(&h, &store);
	second = history_begin(&h, &protect);
	history_end(&h, second, -ENOMEM);
	history_end(&h, first, ACCERR);
	h.last[1] = (struct address_page)P(RO, 0);
	history_print(&h, &model, text, sizeof(text));
	assert_string_equal(text, "first: no:0 rw-:0\n"
				  "  1-4   t0 store 1 0x5 ACCERR\n"
				  "  2-3   t1 mprotect 0+2 r-- = -12\n"
				  "last: no:0 r--:0\n");
}

/* As many as there may be, all at once, and nobody to say in which order. */
static void many_at_once(void **state)
{
	struct history h = {.nr_pages = 4};
	struct history_result result;
	struct address_model model;

	(void)state;
	address_model_init(&model, true);
	for (unsigned int i = 0; i < 8; i++)
		h.ops[h.nr_ops++] =
			(struct address_op){RANGE(MMAP, i % 4, 1), .prot = RW, AT(i + 1, 100 - i)};
	for (unsigned int i = 0; i < 8; i++)
		h.ops[h.nr_ops++] = (struct address_op){STORE(i % 4, i + 1), AT(i + 20, 80 - i)};
	for (unsigned int i = 0; i < 4; i++)
		h.last[i] = (struct address_page)P(RW, i + 5);
	history_check(&h, &model, &result);
	assert_int_equal(result.verdict, HISTORY_FITS);
	/* A value that nobody stored: all orders must be tried. */
	h.last[2].value = 99;
	history_check(&h, &model, &result);
	assert_int_equal(result.verdict, HISTORY_REFUTED);
	assert_non_null(strstr(result.why, "page 2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(wrong_models),
		cmocka_unit_test(recorded_and_printed),
		cmocka_unit_test(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
