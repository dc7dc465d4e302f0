/* SPDX-License-Identifier: MIT */
/*
 * Typed object caches. Every object that a step may touch comes from one.
 *
 * Fidelity: what SLAB_TYPESAFE_BY_RCU and RCU-freed objects promise is the
 * kernel's; LIFO reuse and one free list a CPU are as in SLUB. Cost only:
 * partial slabs, NUMA nodes. Not modelled: shrinking.
 */
#ifndef MMSIM_MEM_KMEM_CACHE_H
#define MMSIM_MEM_KMEM_CACHE_H

#include "machine/machine.h"

struct kmem_cache;
struct mmsim;

/* What an object of a CACHE_RCU cache must have room for, at rcu_offset. */
struct kmem_rcu {
	struct rcu_head head;
	struct kmem_cache *cache;
};

enum kmem_cache_kind {
	CACHE_PLAIN, /* poisoned when freed; a step on a freed one is a bug */
	CACHE_RCU, /* kmem_cache_free_rcu() frees after a grace period */
	CACHE_TYPESAFE, /* reused at once; a stale pointer still points to one of the type */
};

/**
 * kmem_cache_create - make a cache
 * @size: bytes of an object; rounded up to 64
 * @rcu_offset: CACHE_RCU: where in the object its struct kmem_rcu is
 * @ctor: CACHE_TYPESAFE: run once, when the slot is first made; may be NULL
 *
 * Lives as long as the machine. Return: NULL without memory.
 */
struct kmem_cache *kmem_cache_create(struct mmsim *sim, const char *name, size_t size,
				     enum kmem_cache_kind kind, size_t rcu_offset,
				     void (*ctor)(void *object));

/**
 * kmem_cache_alloc - take an object
 *
 * Zeroed unless the cache is typesafe. Takes the CPU's free-list lock by try
 * and the cache's list lock; never sleeps. NULL: no memory, or the allocation
 * that the configuration lets fail.
 */
void *kmem_cache_alloc(struct kmem_cache *cache);
void kmem_cache_free(struct kmem_cache *cache, void *object);
/* CACHE_RCU: free after a grace period. */
void kmem_cache_free_rcu(struct kmem_cache *cache, void *object);

const char *kmem_cache_name(const struct kmem_cache *cache);
uint64_t kmem_cache_bytes(const struct kmem_cache *cache); /* allocated objects, in bytes */
uint64_t kmem_cache_objects(const struct kmem_cache *cache);

#endif
