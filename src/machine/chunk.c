/* SPDX-License-Identifier: MIT */
/* Chunks of objects: their numbers, and what was freed; see machine.h. */
#include "machine/machine_internal.h"

#include <string.h>

struct machine_chunk *chunk_alloc_locked(struct machine *machine, const char *type,
					 uint32_t slot_size)
{
	uint32_t offset = (sizeof(struct machine_chunk) + 63) & ~63u;
	struct machine_chunk *chunk;

	if (machine->arena_used + CHUNK_SIZE > MACHINE_ARENA_SIZE)
		return NULL;
	chunk = (struct machine_chunk *)(machine->first_chunk + machine->arena_used);
	chunk->type = type;
	chunk->slot_size = slot_size;
	chunk->first_offset = offset;
	chunk->first_object = machine->next_object;
	machine->next_object += (CHUNK_SIZE - offset) / slot_size;
	/* Release: pairs with the acquire of who asks for the name of an object in it. */
	quiet_store_release(machine->arena_used, machine->arena_used + CHUNK_SIZE);
	return chunk;
}

struct machine_chunk *machine_chunk_alloc(struct machine *machine, const char *type,
					  uint32_t slot_size)
{
	struct machine_chunk *chunk;

	machine_lock(machine);
	chunk = chunk_alloc_locked(machine, type, slot_size);
	machine_unlock(machine);
	return chunk;
}

static struct machine_chunk *chunk_of(const volatile void *addr)
{
	return (struct machine_chunk *)((uintptr_t)addr & ~(CHUNK_SIZE - 1));
}

static void object_mark(const void *object, size_t size, enum granule_state state)
{
	struct machine_chunk *chunk = chunk_of(object);
	size_t first = ((uintptr_t)object & (CHUNK_SIZE - 1)) >> GRANULE_SHIFT;

	memset(&chunk->state[first], state, DIV_ROUND_UP(size, 1u << GRANULE_SHIFT));
}

void machine_object_allocated(const void *object, size_t size)
{
	object_mark(object, size, GRANULE_LIVE);
}

void machine_object_filled(const void *object, size_t size)
{
	if (unlikely(machine_is_timed()))
		timed_object_filled(object, size);
}

void machine_object_freed(const void *object, size_t size, bool typesafe)
{
	object_mark(object, size, typesafe ? GRANULE_TYPESAFE_FREE : GRANULE_FREED);
	if (unlikely(mmsim_stepping && !mmsim_charging))
		model_object_freed(object, size);
}

struct object_name machine_object_name(const struct machine *machine, const volatile void *addr)
{
	uintptr_t at = (uintptr_t)addr - (uintptr_t)machine->first_chunk;
	const struct machine_chunk *chunk = chunk_of(addr);
	uint32_t offset;

	if (at >= quiet_load_acquire(machine->arena_used))
		return (struct object_name){0};
	offset = (uint32_t)((uintptr_t)addr & (CHUNK_SIZE - 1)) - chunk->first_offset;
	return (struct object_name){
		.type = chunk->type,
		.number = chunk->first_object + offset / chunk->slot_size,
		.offset = offset % chunk->slot_size,
	};
}

const char *machine_object_type(const struct machine *machine, uint64_t number)
{
	size_t used = quiet_load_acquire(machine->arena_used);

	for (size_t at = 0; at < used; at += CHUNK_SIZE) {
		const struct machine_chunk *chunk = (const void *)(machine->first_chunk + at);
		uint64_t slots = (CHUNK_SIZE - chunk->first_offset) / chunk->slot_size;

		if (number - chunk->first_object < slots)
			return chunk->type;
	}
	return NULL;
}
