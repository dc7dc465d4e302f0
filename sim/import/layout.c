/* SPDX-License-Identifier: MIT */
/* What an importer knows of an address space: a sorted array of disjoint regions. */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

size_t layout_find(const struct layout *layout, uint64_t addr)
{
	size_t low = 0, high = layout->nr_regions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (layout->regions[middle].end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct region *layout_at(const struct layout *layout, uint64_t addr)
{
	size_t i = layout_find(layout, addr);

	if (i == layout->nr_regions || layout->regions[i].start > addr)
		return NULL;
	return &layout->regions[i];
}

bool layout_overlaps(const struct layout *layout, uint64_t start, uint64_t end)
{
	size_t i = layout_find(layout, start);

	return i < layout->nr_regions && layout->regions[i].start < end;
}

bool layout_next_hole(const struct layout *layout, uint64_t start, uint64_t end,
		      struct region *hole)
{
	size_t i = layout_find(layout, start);

	for (; i < layout->nr_regions && layout->regions[i].start <= start; i++)
		start = layout->regions[i].end;
	if (start >= end)
		return false;
	hole->start = start;
	hole->end = end;
	if (i < layout->nr_regions && layout->regions[i].start < end)
		hole->end = layout->regions[i].start;
	return true;
}

static bool insert(struct layout *layout, size_t at, const struct region *region)
{
	size_t wanted = layout->max_regions ? layout->max_regions * 2 : 32;
	struct region *moved;

	if (layout->nr_regions == layout->max_regions) {
		moved = reallocarray(layout->regions, wanted, sizeof(*moved));
		if (!moved) {
			layout->failed = true;
			return false;
		}
		layout->regions = moved;
		layout->max_regions = wanted;
	}
	memmove(&layout->regions[at + 1], &layout->regions[at],
		(layout->nr_regions - at) * sizeof(*region));
	layout->regions[at] = *region;
	layout->nr_regions++;
	return true;
}

static void erase(struct layout *layout, size_t first, size_t behind)
{
	memmove(&layout->regions[first], &layout->regions[behind],
		(layout->nr_regions - behind) * sizeof(*layout->regions));
	layout->nr_regions -= behind - first;
}

/* Make sure that no region has @addr inside; returns the index of the first one from it on. */
static size_t split(struct layout *layout, uint64_t addr)
{
	size_t i = layout_find(layout, addr);
	struct region lower;

	if (i == layout->nr_regions || layout->regions[i].start >= addr)
		return i;
	lower = layout->regions[i];
	lower.end = addr;
	if (insert(layout, i, &lower))
		layout->regions[++i].start = addr;
	return i;
}

static void merge_with_next(struct layout *layout, size_t i)
{
	struct region *a, *b;

	if (i + 1 >= layout->nr_regions)
		return;
	a = &layout->regions[i];
	b = a + 1;
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags ||
	    a->notes != b->notes)
		return;
	a->end = b->end;
	erase(layout, i + 1, i + 2);
}

void layout_unmap(struct layout *layout, uint64_t start, uint64_t end)
{
	size_t first, behind;

	if (start >= end)
		return;
	first = split(layout, start);
	behind = split(layout, end);
	if (behind > first && !layout->failed)
		erase(layout, first, behind);
}

void layout_map(struct layout *layout, const struct region *region)
{
	size_t at;

	if (region->start >= region->end)
		return;
	layout_unmap(layout, region->start, region->end);
	at = layout_find(layout, region->start);
	if (!insert(layout, at, region))
		return;
	merge_with_next(layout, at);
	if (at)
		merge_with_next(layout, at - 1);
}

void layout_protect(struct layout *layout, uint64_t start, uint64_t end, unsigned int prot)
{
	size_t first, behind;

	if (start >= end)
		return;
	first = split(layout, start);
	behind = split(layout, end);
	for (size_t i = first; i < behind; i++)
		layout->regions[i].prot = prot;
	/* From the top, so that a merge does not move what is still to be looked at. */
	for (size_t i = behind + 1; i-- > (first ? first - 1 : 0);)
		merge_with_next(layout, i);
}

void layout_copy(struct layout *to, const struct layout *from)
{
	layout_free(to);
	for (size_t i = 0; i < from->nr_regions; i++)
		insert(to, i, &from->regions[i]);
}

void layout_free(struct layout *layout)
{
	free(layout->regions);
	memset(layout, 0, sizeof(*layout));
}
