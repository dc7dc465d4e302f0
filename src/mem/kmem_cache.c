/* SPDX-License-Identifier: MIT */
/* Typed object caches on the machine's chunks. */
#include "mem/kmem_cache.h"
#include "mem/sim.h"

#include <string.h>
#ifdef MMSIM_ASAN
#include <sanitizer/asan_interface.h>
#define asan_poison(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define asan_unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define asan_poison(p, n) ((void)0)
#define asan_unpoison(p, n) ((void)0)
#endif

#define FREED_BYTE 0x6b
#define CPU_LIST_MAX 64 /* objects a CPU keeps before it gives half back */
#define KMEM_MAX_CPUS 128
#ifdef MMSIM_DEBUG
#define POISON_MAX SIZE_MAX
#else
#define POISON_MAX 64 /* a line; the model sees every touch anyway */
#endif

struct cpu_list {
	spinlock_t lock; /* guards the list; taken by try, leaf but for the cache's lock */
	unsigned int count;
	void *head;
	int64_t allocated; /* minus freed, on this CPU */
} __cacheline_aligned;

struct kmem_cache {
	const char *name;
	struct mmsim *sim;
	size_t size; /* of the object */
	size_t slot_size; /* with the link of a free typesafe object behind it */
	size_t rcu_offset;
	enum kmem_cache_kind kind;
	void (*ctor)(void *object);
	spinlock_t lock __cacheline_aligned; /* guards the rest */
	void *head;
	int64_t allocated;
	char *fresh, *fresh_end; /* slots of the newest chunk that were never used */
	struct cpu_list cpu[KMEM_MAX_CPUS];
};

/* Where a free object's link is: a typesafe one must keep its bytes. */
static void **link_of(const struct kmem_cache *cache, void *object)
{
	size_t offset = cache->kind == CACHE_TYPESAFE ? cache->slot_size - sizeof(void *) : 0;

	return (void **)((char *)object + offset);
}

struct kmem_cache *kmem_cache_create(struct mmsim *sim, const char *name, size_t size,
				     enum kmem_cache_kind kind, size_t rcu_offset,
				     void (*ctor)(void *object))
{
	struct machine_chunk *chunk;
	struct kmem_cache *cache;
	size_t link = kind == CACHE_TYPESAFE ? sizeof(void *) : 0;

	chunk = machine_chunk_alloc(sim->machine, "kmem_cache",
				    (uint32_t)((sizeof(*cache) + 63) & ~63ul));
	if (!chunk)
		return NULL;
	cache = (struct kmem_cache *)((char *)chunk + chunk->first_offset);
	cache->name = name;
	cache->sim = sim;
	cache->size = size;
	cache->slot_size = (size + link + 63) & ~63ul;
	cache->kind = kind;
	cache->rcu_offset = rcu_offset;
	cache->ctor = ctor;
	return cache;
}

/* A slot that was never used; the cache's lock is held. */
static void *fresh_slot(struct kmem_cache *cache)
{
	void *object;

	if (cache->fresh == cache->fresh_end) {
		struct machine_chunk *chunk = machine_chunk_alloc(cache->sim->machine, cache->name,
								  (uint32_t)cache->slot_size);
		size_t slots;

		if (!chunk)
			return NULL;
		slots = (CHUNK_SIZE - chunk->first_offset) / cache->slot_size;
		cache->fresh = (char *)chunk + chunk->first_offset;
		cache->fresh_end = cache->fresh + slots * cache->slot_size;
	}
	object = cache->fresh;
	cache->fresh += cache->slot_size;
	if (cache->ctor)
		cache->ctor(object);
	return object;
}

static void *list_pop(struct kmem_cache *cache, void **head)
{
	void *object = *head;

	if (!object)
		return NULL;
	asan_unpoison(object, cache->slot_size);
	*head = *link_of(cache, object);
	return object;
}

static void list_push(struct kmem_cache *cache, void **head, void *object)
{
	*link_of(cache, object) = *head;
	*head = object;
	if (cache->kind != CACHE_TYPESAFE)
		asan_poison(object, cache->slot_size);
}

static struct cpu_list *cpu_list_trylock(struct kmem_cache *cache)
{
	struct cpu_list *list = &cache->cpu[this_cpu() % KMEM_MAX_CPUS];

	return spin_trylock(&list->lock, LOCK_kmem_lock, SITE_kmem) ? list : NULL;
}

static void *alloc_shared(struct kmem_cache *cache, bool nested)
{
	void *object;

	if (nested)
		spin_lock_nested(&cache->lock, LOCK_kmem_lock, SITE_kmem);
	else
		spin_lock(&cache->lock, LOCK_kmem_lock, SITE_kmem);
	object = list_pop(cache, &cache->head);
	if (!object)
		object = fresh_slot(cache);
	if (object && !nested)
		quiet_inc_owned(cache->allocated, 1);
	spin_unlock(&cache->lock);
	return object;
}

static void *alloc_slot(struct kmem_cache *cache)
{
	struct cpu_list *list = cpu_list_trylock(cache);
	void *object;

	if (!list)
		return alloc_shared(cache, false);
	object = list_pop(cache, &list->head);
	if (object)
		list->count--;
	else
		object = alloc_shared(cache, true);
	if (object)
		quiet_inc_owned(list->allocated, 1);
	spin_unlock(&list->lock);
	return object;
}

void *kmem_cache_alloc(struct kmem_cache *cache)
{
	void *object;

	if (sim_should_fail(cache->sim))
		return NULL;
	object = alloc_slot(cache);
	if (!object)
		return NULL;
	machine_work(WORK_alloc, 1);
	machine_object_allocated(object, cache->slot_size);
	if (cache->kind != CACHE_TYPESAFE)
		memset(object, 0, cache->size);
	machine_object_filled(object, cache->size);
	return object;
}

/* A CPU with too many free objects gives half of them to all. */
static void give_back(struct kmem_cache *cache, struct cpu_list *list)
{
	spin_lock_nested(&cache->lock, LOCK_kmem_lock, SITE_kmem);
	while (list->count > CPU_LIST_MAX / 2) {
		list_push(cache, &cache->head, list_pop(cache, &list->head));
		list->count--;
	}
	spin_unlock(&cache->lock);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	struct cpu_list *list;

	machine_work(WORK_free, 1);
	if (cache->kind != CACHE_TYPESAFE)
		memset(object, FREED_BYTE, MIN(cache->size, POISON_MAX));
	machine_object_freed(object, cache->slot_size, cache->kind == CACHE_TYPESAFE);
	list = cpu_list_trylock(cache);
	if (!list) {
		spin_lock(&cache->lock, LOCK_kmem_lock, SITE_kmem);
		list_push(cache, &cache->head, object);
		quiet_inc_owned(cache->allocated, -1);
		spin_unlock(&cache->lock);
		return;
	}
	list_push(cache, &list->head, object);
	quiet_inc_owned(list->allocated, -1);
	if (++list->count > CPU_LIST_MAX)
		give_back(cache, list);
	spin_unlock(&list->lock);
}

static void free_after_grace_period(struct rcu_head *head)
{
	struct kmem_rcu *f = container_of(head, struct kmem_rcu, head);
	struct kmem_cache *cache = f->cache;

	kmem_cache_free(cache, (char *)f - cache->rcu_offset);
}

void kmem_cache_free_rcu(struct kmem_cache *cache, void *object)
{
	struct kmem_rcu *f = (struct kmem_rcu *)((char *)object + cache->rcu_offset);

	f->cache = cache;
	call_rcu(&f->head, free_after_grace_period);
}

const char *kmem_cache_name(const struct kmem_cache *cache)
{
	return cache->name;
}

uint64_t kmem_cache_objects(const struct kmem_cache *cache)
{
	int64_t n = quiet_load(cache->allocated);

	for (int i = 0; i < KMEM_MAX_CPUS; i++)
		n += quiet_load(cache->cpu[i].allocated);
	return n > 0 ? (uint64_t)n : 0;
}

uint64_t kmem_cache_bytes(const struct kmem_cache *cache)
{
	return kmem_cache_objects(cache) * cache->slot_size;
}
