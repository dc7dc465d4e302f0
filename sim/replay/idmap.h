/* SPDX-License-Identifier: MIT */
/* A map from process or thread ids to positions in an array. */
#ifndef MMSIM_SIM_REPLAY_IDMAP_H
#define MMSIM_SIM_REPLAY_IDMAP_H

#include <stdbool.h>
#include <stddef.h>

struct idmap_slot {
	int id;
	bool used;
	size_t value;
};

/* All zero is an empty map. */
struct idmap {
	struct idmap_slot *slots; /* nr_slots of them, a power of two; at most half are used */
	size_t nr_slots, nr_used;
};

/**
 * idmap_find - look an id up
 * @map: the map
 * @id: the id
 *
 * Return: where its value is, valid until the next idmap_set(); NULL when it has none.
 */
size_t *idmap_find(const struct idmap *map, int id);

/**
 * idmap_set - give an id a value
 * @map: the map
 * @id: the id
 * @value: replaces the value it has, if any
 *
 * Return: 0 or -ENOMEM.
 */
int idmap_set(struct idmap *map, int id, size_t value);

/**
 * idmap_free - free what a map holds and leave it empty
 * @map: the map
 */
void idmap_free(struct idmap *map);

#endif
