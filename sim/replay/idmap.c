/* SPDX-License-Identifier: MIT */
/* A map from process or thread ids to positions in an array: open addressing, never shrinks. */
#include "idmap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The slot that holds @id, or the free one where it belongs. */
static struct idmap_slot *slot_of(const struct idmap *map, int id)
{
	size_t i = (uint32_t)id * UINT32_C(2654435769);

	for (;; i++) {
		struct idmap_slot *slot = &map->slots[i & (map->nr_slots - 1)];

		if (!slot->used || slot->id == id)
			return slot;
	}
}

size_t *idmap_find(const struct idmap *map, int id)
{
	struct idmap_slot *slot;

	if (!map->nr_slots)
		return NULL;
	slot = slot_of(map, id);
	return slot->used ? &slot->value : NULL;
}

static int idmap_grow(struct idmap *map)
{
	struct idmap bigger = {.nr_slots = map->nr_slots ? map->nr_slots * 2 : 64,
			       .nr_used = map->nr_used};

	bigger.slots = calloc(bigger.nr_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->nr_slots; i++)
		if (map->slots[i].used)
			*slot_of(&bigger, map->slots[i].id) = map->slots[i];
	free(map->slots);
	*map = bigger;
	return 0;
}

int idmap_set(struct idmap *map, int id, size_t value)
{
	struct idmap_slot *slot;

	if (map->nr_used * 2 >= map->nr_slots && idmap_grow(map))
		return -ENOMEM;
	slot = slot_of(map, id);
	map->nr_used += !slot->used;
	*slot = (struct idmap_slot){.id = id, .used = true, .value = value};
	return 0;
}

void idmap_free(struct idmap *map)
{
	free(map->slots);
	memset(map, 0, sizeof(*map));
}
