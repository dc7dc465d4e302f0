/* SPDX-License-Identifier: MIT */
/* What an importer knows of an address space: disjoint regions, sorted by address. */
#ifndef MMSIM_SIM_IMPORT_LAYOUT_H
#define MMSIM_SIM_IMPORT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below this nothing is ever mapped. */
#define MMAP_MIN_ADDR UINT64_C(0x10000)

/* [start, end) with its PROT_*, MAP_* and SIM_NOTE_* bits. */
struct region {
	uint64_t start, end;
	unsigned int prot, flags, notes;
};

/*
 * All zero is an empty layout. Regions that touch and are alike are one. When memory runs out,
 * failed is set and stays set; the layout remains valid but is then worth nothing.
 */
struct layout {
	struct region *regions;
	size_t nr_regions, max_regions;
	bool failed;
};

/**
 * layout_find - the first region that ends behind an address
 * @layout: the layout
 * @addr: the address
 *
 * Return: its index, nr_regions when there is none.
 */
size_t layout_find(const struct layout *layout, uint64_t addr);

/**
 * layout_at - the region that holds an address
 * @layout: the layout
 * @addr: the address
 *
 * Return: the region, valid until the layout changes; NULL when there is none.
 */
const struct region *layout_at(const struct layout *layout, uint64_t addr);

/**
 * layout_overlaps - whether any part of a range is in a region
 * @layout: the layout
 * @start: first byte
 * @end: one behind the last byte
 */
bool layout_overlaps(const struct layout *layout, uint64_t start, uint64_t end);

/**
 * layout_next_hole - the first part of a range that is in no region
 * @layout: the layout
 * @start: first byte
 * @end: one behind the last byte
 * @hole: its start and end are set
 *
 * Return: whether there is such a part.
 */
bool layout_next_hole(const struct layout *layout, uint64_t start, uint64_t end,
		      struct region *hole);

/**
 * layout_unmap - take a range out
 * @layout: the layout
 * @start: first byte
 * @end: one behind the last byte
 */
void layout_unmap(struct layout *layout, uint64_t start, uint64_t end);

/**
 * layout_map - put a region in, replacing what was there
 * @layout: the layout
 * @region: copied
 */
void layout_map(struct layout *layout, const struct region *region);

/**
 * layout_protect - set the protection of what a range holds
 * @layout: the layout
 * @start: first byte
 * @end: one behind the last byte
 * @prot: PROT_* bits
 */
void layout_protect(struct layout *layout, uint64_t start, uint64_t end, unsigned int prot);

/**
 * layout_copy - make a layout like another one
 * @to: overwritten
 * @from: the other one
 */
void layout_copy(struct layout *to, const struct layout *from);

/**
 * layout_free - free what a layout holds and leave it empty
 * @layout: the layout
 */
void layout_free(struct layout *layout);

#endif
