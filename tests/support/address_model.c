/* SPDX-License-Identifier: MIT */
/* The sequential address space; see the header. */
#include "address_model.h"

#include <string.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "mmsim/mm.h"

bool address_page_equal(const struct address_page *a, const struct address_page *b)
{
	return a->mapped == b->mapped && a->stale == b->stale && a->prot == b->prot &&
	       a->value == b->value;
}

/* ---- accesses ---- */

static bool allows(const struct address_page *page, bool write)
{
	return page->prot & (write ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* Could it have been answered so? @reached: it touched the page. */
static bool access_fits(const struct address_page *page, const struct address_op *op, bool write,
			bool *reached)
{
	*reached = op->answer == MMSIM_ACCESS_HIT;
	if (*reached)
		return (page->mapped || page->stale) && allows(page, write);
	if (op->answer == MMSIM_ACCESS_MAPERR)
		return !page->mapped;
	return op->answer == MMSIM_ACCESS_ACCERR && page->mapped && !allows(page, write);
}

static bool load(struct address_page *page, const struct address_op *op)
{
	bool reached;

	return access_fits(page, op, false, &reached) && (!reached || op->value == page->value);
}

static bool store(struct address_page *page, const struct address_op *op)
{
	bool reached;

	if (!access_fits(page, op, true, &reached))
		return false;
	if (reached)
		page->value = op->value;
	return true;
}

/* ---- ranges ---- */

static uint32_t bits_of(unsigned int first, unsigned int pages)
{
	return ((1u << pages) - 1) << first;
}

/* How many pages from the first on are mapped without a gap. */
static unsigned int mapped_in_front(const struct address_page *pages, const struct address_op *op)
{
	unsigned int n = 0;

	while (n < op->pages && pages[op->first + n].mapped)
		n++;
	return n;
}

static bool whole_range(const struct address_page *pages, const struct address_op *op,
			uint32_t *touched)
{
	(void)pages;
	*touched = bits_of(op->first, op->pages);
	return !op->answer;
}

/* munmap of what is not mapped is fine and does nothing. */
static bool mapped_part(const struct address_page *pages, const struct address_op *op,
			uint32_t *touched)
{
	*touched = 0;
	for (unsigned int i = op->first; i < op->first + op->pages; i++)
		if (pages[i].mapped)
			*touched |= 1u << i;
	return !op->answer;
}

static bool only_if_free(const struct address_page *pages, const struct address_op *op,
			 uint32_t *touched)
{
	uint32_t taken;

	if (op->answer && op->answer != -EEXIST)
		return false;
	mapped_part(pages, op, &taken);
	*touched = taken ? 0 : bits_of(op->first, op->pages);
	return op->answer == (taken ? -EEXIST : 0);
}

/* mprotect stops at a gap; what lies before it is changed. */
static bool up_to_gap(const struct address_page *pages, const struct address_op *op,
		      uint32_t *touched)
{
	unsigned int n = mapped_in_front(pages, op);

	*touched = bits_of(op->first, n);
	return op->answer == (n < op->pages ? -ENOMEM : 0);
}

/* madvise goes on behind gaps and says that there was one. */
static bool around_gaps(const struct address_page *pages, const struct address_op *op,
			uint32_t *touched)
{
	mapped_part(pages, op, touched);
	return op->answer == (mapped_in_front(pages, op) < op->pages ? -ENOMEM : 0);
}

/* FREE as well; but without reclaim the pages keep what they hold. */
static bool around_gaps_unseen(const struct address_page *pages, const struct address_op *op,
			       uint32_t *touched)
{
	bool fits = around_gaps(pages, op, touched);

	*touched = 0;
	return fits;
}

static void page_mapped(struct address_page *page, const struct address_op *op)
{
	*page = (struct address_page){.mapped = true, .prot = (uint8_t)op->prot};
}

static void page_unmapped(struct address_page *page, const struct address_op *op)
{
	(void)op;
	*page = (struct address_page){.mapped = false};
}

static void page_stale(struct address_page *page, const struct address_op *op)
{
	(void)op;
	page->mapped = false;
	page->stale = true;
}

static void page_zapped(struct address_page *page)
{
	page_unmapped(page, NULL);
}

static void page_protected(struct address_page *page, const struct address_op *op)
{
	page->prot = (uint8_t)op->prot;
}

static void page_emptied(struct address_page *page, const struct address_op *op)
{
	(void)op;
	page->value = 0;
}

/* clang-format off */
static const struct address_kind kinds[NR_ADDRESS_OPS] = {
	[ADDRESS_MMAP] = {
		"mmap", ADDRESS_WRITER, .range = whole_range, .page = page_mapped },
	[ADDRESS_MMAP_NOREPLACE] = {
		"mmap-noreplace", ADDRESS_WRITER, .range = only_if_free, .page = page_mapped },
	/* Pages that are there and hold nothing cannot be told from none. */
	[ADDRESS_MMAP_POPULATE] = {
		"mmap-populate", ADDRESS_WRITER, .range = whole_range, .page = page_mapped },
	[ADDRESS_MUNMAP] = {
		"munmap", ADDRESS_WRITER, .range = mapped_part, .page = page_unmapped },
	[ADDRESS_MPROTECT] = {
		"mprotect", ADDRESS_WRITER, .range = up_to_gap, .page = page_protected },
	[ADDRESS_DONTNEED] = {
		"dontneed", ADDRESS_READER, .range = around_gaps, .page = page_emptied },
	[ADDRESS_FREE] = {
		"free", ADDRESS_READER, .range = around_gaps_unseen, .page = page_emptied },
	[ADDRESS_LOAD] = { "load", ADDRESS_ACCESS, .access = load },
	[ADDRESS_STORE] = { "store", ADDRESS_ACCESS, .access = store },
};
/* clang-format on */

void address_model_init(struct address_model *model, bool munmap_downgrades)
{
	memcpy(model->kind, kinds, sizeof(kinds));
	if (munmap_downgrades) {
		model->kind[ADDRESS_MUNMAP].page = page_stale;
		model->kind[ADDRESS_MUNMAP].settle = page_zapped;
	}
}
