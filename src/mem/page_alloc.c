/* SPDX-License-Identifier: MIT */
/* Physical pages: a zone and its per-CPU lists. */
#include "mem/page_alloc.h"
#include "mem/sim.h"

#include <string.h>

#define FOLIOS_PER_CHUNK_SHIFT 9
#define FOLIOS_PER_CHUNK (1ul << FOLIOS_PER_CHUNK_SHIFT)
#define ZONE_MAX_CPUS 128

struct pcp_list {
	spinlock_t lock; /* guards the list; taken by try only, outer to the zone lock */
	unsigned int count;
	struct folio *head;
	int64_t allocated; /* minus freed */
} __cacheline_aligned;

struct zone {
	struct mmsim *sim;
	char *memory; /* without payload: one page, which nobody zeroes */
	bool payload;
	uint64_t bytes;
	unsigned long nr_pages;
	struct folio **folios; /* by pfn / FOLIOS_PER_CHUNK; made as the zone is first used */
	size_t folios_size;
	spinlock_t lock __cacheline_aligned; /* guards free, next_pfn, allocated */
	struct folio *free;
	unsigned long next_pfn; /* pages from here on were never used */
	int64_t allocated;
	struct pcp_list pcp[ZONE_MAX_CPUS];
};

static size_t memory_size(const struct zone *zone)
{
	return zone->payload ? zone->bytes : PAGE_SIZE;
}

struct zone *zone_create(struct mmsim *sim, uint64_t bytes)
{
	struct machine_chunk *chunk = machine_chunk_alloc(
		sim->machine, "zone", (uint32_t)((sizeof(struct zone) + 63) & ~63ul));
	struct zone *zone;

	if (!chunk)
		return NULL;
	zone = (struct zone *)((char *)chunk + chunk->first_offset);
	zone->sim = sim;
	zone->bytes = PAGE_ALIGN(bytes);
	zone->nr_pages = zone->bytes >> PAGE_SHIFT;
	zone->next_pfn = ZERO_PAGE_PFN + 1;
	zone->payload = sim->config.payload;
	zone->memory = machine_memory_alloc(memory_size(zone));
	zone->folios_size = DIV_ROUND_UP(zone->nr_pages, FOLIOS_PER_CHUNK) * sizeof(void *);
	zone->folios = machine_memory_alloc(zone->folios_size);
	if (zone->memory && zone->folios)
		return zone;
	machine_memory_free(zone->memory, memory_size(zone));
	machine_memory_free(zone->folios, zone->folios_size);
	return NULL;
}

uint64_t zone_pages_used(const struct zone *zone)
{
	int64_t n = quiet_load(zone->allocated);

	for (int i = 0; i < ZONE_MAX_CPUS; i++)
		n += quiet_load(zone->pcp[i].allocated);
	return n > 0 ? (uint64_t)n : 0;
}

unsigned long zone_end_pfn(const struct zone *zone)
{
	/* Acquire: pairs with the release in zone_take(); the pages have their structs. */
	return quiet_load_acquire(zone->next_pfn);
}

uint64_t zone_destroy(struct zone *zone)
{
	uint64_t used = zone_pages_used(zone);

	machine_memory_free(zone->memory, memory_size(zone));
	machine_memory_free(zone->folios, zone->folios_size);
	return used;
}

struct folio *pfn_folio(const struct mmsim *sim, unsigned long pfn)
{
	struct folio *first = quiet_load(sim->zone->folios[pfn >> FOLIOS_PER_CHUNK_SHIFT]);

	return first + (pfn & (FOLIOS_PER_CHUNK - 1));
}

void *pfn_address(const struct mmsim *sim, unsigned long pfn)
{
	return sim->zone->memory + (sim->zone->payload ? pfn << PAGE_SHIFT : 0);
}

/* ---- the zone; its lock is held ---- */

static bool add_folios(struct zone *zone, unsigned long pfn)
{
	struct machine_chunk *chunk =
		machine_chunk_alloc(zone->sim->machine, "folio", sizeof(struct folio));
	unsigned long first_pfn = pfn & ~(FOLIOS_PER_CHUNK - 1);
	struct folio *first;

	if (!chunk)
		return false;
	first = (struct folio *)((char *)chunk + chunk->first_offset);
	for (unsigned long i = 0; i < FOLIOS_PER_CHUNK; i++)
		first[i].pfn = first_pfn + i;
	machine_object_allocated(first, FOLIOS_PER_CHUNK * sizeof(*first));
	/* Folios are reached through a PTE or a free list, which order this. */
	quiet_store(zone->folios[pfn >> FOLIOS_PER_CHUNK_SHIFT], first);
	return true;
}

static struct folio *zone_take(struct zone *zone)
{
	struct folio *folio = zone->free;

	if (folio) {
		zone->free = folio->next;
		return folio;
	}
	if (zone->next_pfn == zone->nr_pages)
		return NULL;
	if (!zone->folios[zone->next_pfn >> FOLIOS_PER_CHUNK_SHIFT] &&
	    !add_folios(zone, zone->next_pfn))
		return NULL;
	folio = pfn_folio(zone->sim, zone->next_pfn);
	/* Release: pairs with the acquire in zone_end_pfn(). */
	quiet_store_release(zone->next_pfn, zone->next_pfn + 1);
	return folio;
}

static void zone_give(struct zone *zone, struct folio *folio)
{
	folio->next = zone->free;
	zone->free = folio;
}

/* ---- per-CPU lists ---- */

static struct pcp_list *pcp_trylock(struct zone *zone, enum lock_site site)
{
	struct pcp_list *pcp = &zone->pcp[this_cpu() % ZONE_MAX_CPUS];

	if (spin_trylock(&pcp->lock, LOCK_pcp_lock, site))
		return pcp;
	count_event(COUNTER_pcp_contended);
	return NULL;
}

static void pcp_refill(struct zone *zone, struct pcp_list *pcp)
{
	spin_lock(&zone->lock, LOCK_zone_lock, SITE_page_alloc);
	for (int i = 0; i < PCP_BATCH; i++) {
		struct folio *folio = zone_take(zone);

		if (!folio)
			break;
		folio->next = pcp->head;
		pcp->head = folio;
		pcp->count++;
	}
	spin_unlock(&zone->lock);
}

static void pcp_drain(struct zone *zone, struct pcp_list *pcp)
{
	spin_lock(&zone->lock, LOCK_zone_lock, SITE_page_free);
	for (int i = 0; i < PCP_BATCH && pcp->head; i++) {
		struct folio *folio = pcp->head;

		pcp->head = folio->next;
		pcp->count--;
		zone_give(zone, folio);
	}
	spin_unlock(&zone->lock);
}

static struct folio *take_from_zone(struct zone *zone)
{
	struct folio *folio;

	spin_lock(&zone->lock, LOCK_zone_lock, SITE_page_alloc);
	folio = zone_take(zone);
	if (folio)
		quiet_inc_owned(zone->allocated, 1);
	spin_unlock(&zone->lock);
	return folio;
}

static struct folio *take_folio(struct zone *zone)
{
	struct pcp_list *pcp = pcp_trylock(zone, SITE_page_alloc);
	struct folio *folio;

	if (!pcp)
		return take_from_zone(zone);
	if (!pcp->head)
		pcp_refill(zone, pcp);
	folio = pcp->head;
	if (folio) {
		pcp->head = folio->next;
		pcp->count--;
		/* The next to be taken, most likely soon. */
		__builtin_prefetch(pcp->head, 1);
		quiet_inc_owned(pcp->allocated, 1);
	}
	spin_unlock(&pcp->lock);
	return folio;
}

/* The zone is empty: what lies on the CPUs' lists is free too. */
static struct folio *drain_all_and_take(struct zone *zone)
{
	unsigned int nr_cpus = MIN(machine_nr_cpus(zone->sim->machine), ZONE_MAX_CPUS);

	for (unsigned int i = 0; i < nr_cpus; i++) {
		struct pcp_list *pcp = &zone->pcp[i];

		if (!spin_trylock(&pcp->lock, LOCK_pcp_lock, SITE_page_alloc))
			continue;
		while (pcp->count)
			pcp_drain(zone, pcp);
		spin_unlock(&pcp->lock);
	}
	return take_from_zone(zone);
}

struct folio *folio_alloc(struct mmsim *sim, bool zeroed)
{
	struct folio *folio;

	if (sim_should_fail(sim))
		return NULL;
	folio = take_folio(sim->zone);
	if (!folio)
		folio = drain_all_and_take(sim->zone);
	if (!folio)
		return NULL;
	count_event(COUNTER_page_alloc);
	/* Without a reference nobody looks at more than the count. */
	folio->flags = 0;
	folio->mapping = NULL;
	folio->next = NULL;
	quiet_store(folio->_mapcount.counter, 0); /* but for statistics */
	machine_object_filled(folio, sizeof(*folio));
	/* Release: a scan of all pages may take a reference now. */
	atomic_set_release(&folio->_refcount, 1);
	if (zeroed) {
		if (sim->zone->payload)
			memset(pfn_address(sim, folio->pfn), 0, PAGE_SIZE);
		machine_work(WORK_page_zero, 1);
	}
	return folio;
}

static void folio_free(struct zone *zone, struct folio *folio)
{
	struct pcp_list *pcp = pcp_trylock(zone, SITE_page_free);

	count_event(COUNTER_page_free);
	if (!pcp) {
		spin_lock(&zone->lock, LOCK_zone_lock, SITE_page_free);
		zone_give(zone, folio);
		quiet_inc_owned(zone->allocated, -1);
		spin_unlock(&zone->lock);
		return;
	}
	folio->next = pcp->head;
	pcp->head = folio;
	quiet_inc_owned(pcp->allocated, -1);
	if (++pcp->count > PCP_HIGH)
		pcp_drain(zone, pcp);
	spin_unlock(&pcp->lock);
}

void folio_copy(struct mmsim *sim, struct folio *to, const struct folio *from)
{
	if (sim->zone->payload)
		memcpy(pfn_address(sim, to->pfn), pfn_address(sim, from->pfn), PAGE_SIZE);
	if (unlikely(mmsim_stepping))
		machine_work(WORK_page_copy, 1);
}

bool folio_try_get(struct folio *folio)
{
	return atomic_inc_not_zero(&folio->_refcount);
}

void folio_put(struct mmsim *sim, struct folio *folio)
{
	if (!atomic_dec_and_test(&folio->_refcount))
		return;
	DEBUG_BUG_ON(folio->_mapcount.counter);
	folio_free(sim->zone, folio);
}
