/* SPDX-License-Identifier: MIT */
/*
 * What an address space is to the program that uses it: pages, each unmapped or
 * mapped with some rights and holding one value. No locks, no VMAs, one
 * operation after the other. history.h holds what happened against this.
 *
 * An operation is a row of a table. To add one: a name in the list, a row in
 * address_model.c, and how it is drawn and done in address_body.c. What it makes
 * of a page may depend on that page only. One that carries values from page to
 * page needs more of the search: a branch for each value that the
 * configurations of the page it comes from allow.
 */
#ifndef TESTS_SUPPORT_ADDRESS_MODEL_H
#define TESTS_SUPPORT_ADDRESS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_PAGES_MAX 16

enum address_op_kind {
	ADDRESS_MMAP,
	ADDRESS_MMAP_NOREPLACE,
	ADDRESS_MMAP_POPULATE,
	ADDRESS_MUNMAP,
	ADDRESS_MPROTECT,
	ADDRESS_DONTNEED,
	ADDRESS_FREE,
	ADDRESS_LOAD,
	ADDRESS_STORE,
	NR_ADDRESS_OPS
};

/* One operation on pages [first, first + pages), and how it went. */
struct address_op {
	enum address_op_kind kind;
	int task;
	unsigned int first, pages;
	int prot; /* mmap, mprotect */
	uint64_t value; /* stored, or read; each store has another one, never 0 */
	int answer; /* 0 or -errno; of an access: enum mmsim_access, any success as HIT */
	uint64_t begin, end; /* when it was called and had returned */
};

struct address_page {
	bool mapped;
	/*
	 * Not mapped any more, but who has its PTE still reaches it: munmap has
	 * downgraded mmap_lock and not come to this page yet.
	 */
	bool stale;
	uint8_t prot;
	uint64_t value; /* 0: nothing was stored */
};

/* How the points at which operations take effect relate to each other. */
enum address_class {
	ADDRESS_ACCESS, /* one page, one point */
	/*
	 * mmap_lock for write: all pages' points stand in one order with those
	 * of the others of this class.
	 */
	ADDRESS_WRITER,
	/*
	 * mmap_lock or a VMA's lock for read: between the same two writers on
	 * every page; among themselves in any order, another on each page.
	 */
	ADDRESS_READER,
};

struct address_kind {
	const char *name;
	enum address_class class;
	/* An access: does its answer fit @page? @page becomes what it leaves. */
	bool (*access)(struct address_page *page, const struct address_op *op);
	/*
	 * A writer or reader: does its answer fit what is mapped? @pages are all
	 * pages, of which only what is mapped counts. @touched: a bit for each
	 * page that it changes.
	 */
	bool (*range)(const struct address_page *pages, const struct address_op *op,
		      uint32_t *touched);
	/* What it makes of one of them. */
	void (*page)(struct address_page *page, const struct address_op *op);
	/* The rest of it, later, page by page; NULL: there is none. */
	void (*settle)(struct address_page *page);
};

struct address_model {
	struct address_kind kind[NR_ADDRESS_OPS];
};

/**
 * address_model_init - the model of Linux
 * @munmap_downgrades: munmap zaps under mmap_lock held for read. A PTE that was
 *	there is then good until the zap comes to it, while other accesses to
 *	the same page are already told that nothing is mapped.
 */
void address_model_init(struct address_model *model, bool munmap_downgrades);

bool address_page_equal(const struct address_page *a, const struct address_page *b);

#endif
