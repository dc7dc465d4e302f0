/* SPDX-License-Identifier: MIT */
/* A set of pages of address spaces; see page_set.h. */
#define _GNU_SOURCE 1
#include "page_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct page_set_slot *slot_of(struct page_set_slot *slots, size_t nr_slots,
				     const struct page_set_slot *wanted)
{
	uint64_t mixed = (wanted->page >> 12) * UINT64_C(0x9e3779b97f4a7c15) +
			 (uint64_t)wanted->pid * UINT64_C(0xc2b2ae3d27d4eb4f) + wanted->life;
	size_t i = (size_t)(mixed ^ mixed >> 29) & (nr_slots - 1);

	for (; slots[i].pid; i = (i + 1) & (nr_slots - 1))
		if (slots[i].pid == wanted->pid && slots[i].page == wanted->page &&
		    slots[i].life == wanted->life)
			break;
	return &slots[i];
}

static int grow(struct page_set *set)
{
	size_t nr_slots = set->nr_slots ? set->nr_slots * 2 : 1024;
	struct page_set_slot *slots;

	if (set->nr_used * 2 < set->nr_slots)
		return 0;
	slots = calloc(nr_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->nr_slots; i++)
		if (set->slots[i].pid)
			*slot_of(slots, nr_slots, &set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->nr_slots = nr_slots;
	return 0;
}

int page_set_add(struct page_set *set, int pid, uint64_t page)
{
	const size_t *life = idmap_find(&set->life, pid);
	struct page_set_slot wanted = {.page = page, .pid = pid, .life = life ? *life : 0};
	struct page_set_slot *slot;

	if (grow(set))
		return -ENOMEM;
	slot = slot_of(set->slots, set->nr_slots, &wanted);
	if (slot->pid)
		return 1;
	*slot = wanted;
	set->nr_used++;
	return 0;
}

int page_set_renew(struct page_set *set, int pid)
{
	const size_t *life = idmap_find(&set->life, pid);

	return idmap_set(&set->life, pid, life ? *life + 1 : 1);
}

void page_set_free(struct page_set *set)
{
	free(set->slots);
	idmap_free(&set->life);
	memset(set, 0, sizeof(*set));
}
