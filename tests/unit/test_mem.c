/* SPDX-License-Identifier: MIT */
/*
 * Memory: object caches keep what they promise about freed objects, physical
 * pages end where memory ends. Page tables are in test_pgtable.c, allocations
 * that fail in test_nomem.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem/page_alloc.h"
#include "mem/sim.h"
#include "mmsim/mmsim.h"

#define POISON 0x6b
#define NR_OBJECTS 200

static struct mmsim *sim;
static struct kmem_cache *cache;

struct object {
	char bytes[40];
	struct kmem_rcu rcu;
	char more[90];
};

static void make_sim(const char *machine, uint64_t memory_bytes)
{
	struct mmsim_config config;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, NULL), 0);
	config.memory_bytes = memory_bytes;
	config.nr_cpus = 4;
	config.max_steps = 10000000;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
}

static void make_cache(const char *machine, size_t size, enum kmem_cache_kind kind,
		       void (*ctor)(void *object))
{
	make_sim(machine, 1 << 20);
	cache = kmem_cache_create(sim, "widget", size, kind, offsetof(struct object, rcu), ctor);
	assert_non_null(cache);
}

static void end_sim(void)
{
	assert_int_equal(mmsim_destroy(sim), 0);
}

static struct task *start(int cpu, int (*fn)(void *arg), void *arg)
{
	const struct task_attr attr = {.name = "tester", .cpu = cpu};
	struct task *task = machine_task_create(sim->machine, &attr, fn, arg);

	assert_non_null(task);
	return task;
}

static void run(void)
{
	int err = mmsim_run(sim);

	if (err)
		fail_msg("run: %d: %s", err, mmsim_failure(sim));
}

static bool all_bytes_are(const void *object, char byte, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const char *)object)[i] != byte)
			return false;
	return true;
}

/* ---- objects ---- */

static void plain_objects_are_zeroed(void **state)
{
	char *first, *again;

	(void)state;
	make_cache("step", 130, CACHE_PLAIN, NULL);
	first = kmem_cache_alloc(cache);
	assert_int_equal((uintptr_t)first % 64, 0);
	assert_true(all_bytes_are(first, 0, 130));
	memset(first, 1, 130);
	kmem_cache_free(cache, first);
	again = kmem_cache_alloc(cache);
	assert_ptr_equal(again, first);
	assert_true(all_bytes_are(again, 0, 130));
	kmem_cache_free(cache, again);
	end_sim();
}

/* Behind the free list's link, to the end of the first line. */
__attribute__((no_sanitize("address"))) static int count_poison(const char *object)
{
	int n = 0;

	for (int i = sizeof(void *); i < 64; i++)
		n += ((const volatile char *)object)[i] == POISON;
	return n;
}

static void plain_objects_are_poisoned(void **state)
{
	char *object;

	(void)state;
	make_cache("step", 130, CACHE_PLAIN, NULL);
	object = kmem_cache_alloc(cache);
	assert_int_equal(count_poison(object), 0);
	kmem_cache_free(cache, object);
	assert_int_equal(count_poison(object), 64 - sizeof(void *));
	end_sim();
}

static int constructed;

static void construct(void *object)
{
	memset(object, 7, 56);
	constructed++;
}

/* A stale pointer still finds an object of the type, as it was left. */
static void typesafe_objects_keep_their_bytes(void **state)
{
	char *first, *second;

	(void)state;
	constructed = 0;
	make_cache("step", 56, CACHE_TYPESAFE, construct);
	first = kmem_cache_alloc(cache);
	second = kmem_cache_alloc(cache);
	assert_true(all_bytes_are(first, 7, 56) && all_bytes_are(second, 7, 56));
	assert_int_equal(constructed, 2);
	memset(first, 3, 56);
	memset(second, 4, 56);
	kmem_cache_free(cache, first);
	kmem_cache_free(cache, second);
	assert_true(all_bytes_are(first, 3, 56));
	assert_true(all_bytes_are(second, 4, 56));
	assert_ptr_equal(kmem_cache_alloc(cache), second);
	assert_ptr_equal(kmem_cache_alloc(cache), first);
	assert_true(all_bytes_are(first, 3, 56));
	assert_true(all_bytes_are(second, 4, 56));
	assert_int_equal(constructed, 2);
	kmem_cache_free(cache, first);
	kmem_cache_free(cache, second);
	end_sim();
}

static void last_freed_is_first_reused(void **state)
{
	void *object[5];

	(void)state;
	make_cache("step", 64, CACHE_PLAIN, NULL);
	for (int i = 0; i < 5; i++)
		object[i] = kmem_cache_alloc(cache);
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(object[i], object[j]);
	for (int i = 0; i < 5; i++)
		kmem_cache_free(cache, object[i]);
	for (int i = 4; i >= 0; i--)
		assert_ptr_equal(kmem_cache_alloc(cache), object[i]);
	for (int i = 0; i < 5; i++)
		kmem_cache_free(cache, object[i]);
	end_sim();
}

static void *objects[NR_OBJECTS];

static int alloc_all(void *arg)
{
	(void)arg;
	for (int i = 0; i < NR_OBJECTS; i++)
		BUG_ON(!(objects[i] = kmem_cache_alloc(cache)));
	return 0;
}

static int free_all(void *arg)
{
	(void)arg;
	for (int i = 0; i < NR_OBJECTS; i++)
		kmem_cache_free(cache, objects[i]);
	return 0;
}

/* Half of them come out of what the other CPU gave back. */
static int reuse_half(void *arg)
{
	void *got[NR_OBJECTS / 2];

	(void)arg;
	for (int i = 0; i < NR_OBJECTS / 2; i++) {
		bool known = false;

		got[i] = kmem_cache_alloc(cache);
		for (int j = 0; j < NR_OBJECTS; j++)
			known = known || got[i] == objects[j];
		BUG_ON(!known);
	}
	for (int i = 0; i < NR_OBJECTS / 2; i++)
		kmem_cache_free(cache, got[i]);
	return 0;
}

static void objects_are_counted(void **state)
{
	(void)state;
	make_cache("step", 70, CACHE_PLAIN, NULL);
	assert_string_equal(kmem_cache_name(cache), "widget");
	start(0, alloc_all, NULL);
	run();
	assert_int_equal(kmem_cache_objects(cache), NR_OBJECTS);
	assert_int_equal(kmem_cache_bytes(cache), NR_OBJECTS * 128);
	/* Freed on another CPU than it came from. */
	start(1, free_all, NULL);
	run();
	assert_int_equal(kmem_cache_objects(cache), 0);
	assert_int_equal(kmem_cache_bytes(cache), 0);
	start(2, reuse_half, NULL);
	run();
	assert_int_equal(kmem_cache_objects(cache), 0);
	end_sim();
}

static int alloc_and_free(void *arg)
{
	struct object *mine[8];

	(void)arg;
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 8; i++) {
			BUG_ON(!(mine[i] = kmem_cache_alloc(cache)));
			BUG_ON(!all_bytes_are(mine[i], 0, sizeof(struct object)));
			memset(mine[i], round + 1, sizeof(struct object));
		}
		for (int i = 0; i < 8; i++) {
			BUG_ON(!all_bytes_are(mine[i], (char)(round + 1), sizeof(struct object)));
			kmem_cache_free(cache, mine[i]);
		}
	}
	return 0;
}

/* Four tasks on one CPU's list, so that some find it taken. */
static void check_sharing(const char *machine)
{
	make_cache(machine, sizeof(struct object), CACHE_PLAIN, NULL);
	for (int i = 0; i < 4; i++)
		start(i / 3, alloc_and_free, NULL);
	run();
	assert_int_equal(kmem_cache_objects(cache), 0);
	end_sim();
}

static void no_object_is_had_twice(void **state)
{
	(void)state;
	check_sharing("step");
	check_sharing("host");
}

static int touch_freed(void *arg)
{
	int *object = kmem_cache_alloc(cache);

	(void)arg;
	WRITE_ONCE(object[20], 1);
	kmem_cache_free(cache, object);
	return READ_ONCE(object[20]);
}

static void touch_of_a_freed_object(void **state)
{
	(void)state;
	make_cache("step", 130, CACHE_PLAIN, NULL);
	start(0, touch_freed, NULL);
	assert_int_equal(mmsim_run(sim), -EFAULT);
	assert_non_null(strstr(mmsim_failure(sim), "use after free"));
	assert_non_null(strstr(mmsim_failure(sim), "tester touches widget"));
	assert_non_null(strstr(mmsim_failure(sim), " + 80"));
	assert_int_equal(mmsim_destroy(sim), 0);
	make_cache("step", 130, CACHE_TYPESAFE, NULL);
	start(0, touch_freed, NULL);
	run();
	end_sim();
}

/* ---- objects freed after a grace period ---- */

static struct {
	int inside, freed, reused_early, reused_late;
	struct object *object;
} r;

static int read_object(void *arg)
{
	struct object *object;

	(void)arg;
	rcu_read_lock();
	object = smp_load_acquire(&r.object);
	smp_store_release(&r.inside, 1);
	spin_while_equal_int(&r.freed, 0, 0);
	for (int i = 0; i < 40; i++)
		BUG_ON(READ_ONCE(object->bytes[i]) != 9);
	rcu_read_unlock();
	return 0;
}

static int free_object(void *arg)
{
	struct object *other;

	(void)arg;
	spin_while_equal_int(&r.inside, 0, 0);
	kmem_cache_free_rcu(cache, r.object);
	for (int i = 0; i < 100; i++) {
		other = kmem_cache_alloc(cache);
		r.reused_early += other == r.object;
		kmem_cache_free(cache, other);
	}
	r.reused_early += kmem_cache_objects(cache) != 1;
	smp_store_release(&r.freed, 1);
	rcu_barrier();
	other = kmem_cache_alloc(cache);
	r.reused_late = other == r.object;
	kmem_cache_free(cache, other);
	return 0;
}

static void check_rcu(const char *machine)
{
	memset(&r, 0, sizeof(r));
	make_cache(machine, sizeof(struct object), CACHE_RCU, NULL);
	r.object = kmem_cache_alloc(cache);
	memset(r.object->bytes, 9, sizeof(r.object->bytes));
	start(1, read_object, NULL);
	start(0, free_object, NULL);
	run();
	assert_int_equal(r.reused_early, 0);
	assert_int_equal(kmem_cache_objects(cache), 0);
	/* Task "rcu" of the step machine frees on this CPU. */
	if (!strcmp(machine, "step"))
		assert_int_equal(r.reused_late, 1);
	end_sim();
}

static void rcu_objects_outlast_readers(void **state)
{
	(void)state;
	check_rcu("step");
	check_rcu("host");
}

/* ---- physical pages ---- */

#define NR_PAGES 64

static struct folio *folios[NR_PAGES];

static int take_pages(void *arg)
{
	int n = 0;

	(void)arg;
	while (n < NR_PAGES && (folios[n] = folio_alloc(sim, true)))
		n++;
	return n;
}

static int give_pages(void *arg)
{
	int n = *(int *)arg;

	for (int i = 0; i < n; i++)
		folio_put(sim, folios[i]);
	return n;
}

static void pages_end_where_memory_ends(void **state)
{
	int n;

	(void)state;
	make_sim("step", NR_PAGES * PAGE_SIZE);
	for (int round = 0; round < 3; round++) {
		/* Page 0 is the zero page and always taken. */
		n = take_pages(NULL);
		assert_int_equal(n, NR_PAGES - 1);
		assert_int_equal(zone_pages_used(sim->zone), n);
		assert_null(folio_alloc(sim, true));
		assert_null(folio_alloc(sim, false));
		for (int i = 0; i < n; i++) {
			void *page = pfn_address(sim, folios[i]->pfn);

			assert_in_range(folios[i]->pfn, 1, NR_PAGES - 1);
			assert_ptr_equal(pfn_folio(sim, folios[i]->pfn), folios[i]);
			assert_true(all_bytes_are(page, 0, PAGE_SIZE));
			memset(page, round + 1, PAGE_SIZE);
		}
		for (int i = 0; i < n; i++)
			assert_true(all_bytes_are(pfn_address(sim, folios[i]->pfn),
						  (char)(round + 1), PAGE_SIZE));
		/* One back, one out. */
		folio_put(sim, folios[5]);
		assert_non_null(folios[5] = folio_alloc(sim, true));
		assert_null(folio_alloc(sim, true));
		give_pages(&n);
		assert_int_equal(zone_pages_used(sim->zone), 0);
	}
	assert_true(all_bytes_are(pfn_address(sim, ZERO_PAGE_PFN), 0, PAGE_SIZE));
	end_sim();
}

static void page_stays_while_referenced(void **state)
{
	struct folio *folio;

	(void)state;
	make_sim("step", NR_PAGES * PAGE_SIZE);
	folio = folio_alloc(sim, true);
	atomic_inc(&folio->_refcount);
	folio_put(sim, folio);
	assert_int_equal(zone_pages_used(sim->zone), 1);
	assert_ptr_not_equal(folios[0] = folio_alloc(sim, false), folio);
	folio_put(sim, folio);
	assert_int_equal(zone_pages_used(sim->zone), 1);
	/* LIFO. */
	assert_ptr_equal(folios[1] = folio_alloc(sim, false), folio);
	folio_put(sim, folios[0]);
	folio_put(sim, folios[1]);
	end_sim();
}

/* Free pages are free, on whichever CPU's list they lie. */
static void pages_of_another_cpu(void **state)
{
	struct task *task;
	int n;

	(void)state;
	make_sim("step", NR_PAGES * PAGE_SIZE);
	task = start(1, take_pages, NULL);
	run();
	n = machine_task_join(task);
	assert_int_equal(n, NR_PAGES - 1);
	start(1, give_pages, &n);
	run();
	assert_int_equal(zone_pages_used(sim->zone), 0);
	n = take_pages(NULL);
	assert_int_equal(n, NR_PAGES - 1);
	give_pages(&n);
	end_sim();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_objects_are_zeroed),
		cmocka_unit_test(plain_objects_are_poisoned),
		cmocka_unit_test(typesafe_objects_keep_their_bytes),
		cmocka_unit_test(last_freed_is_first_reused),
		cmocka_unit_test(objects_are_counted),
		cmocka_unit_test(no_object_is_had_twice),
		cmocka_unit_test(touch_of_a_freed_object),
		cmocka_unit_test(rcu_objects_outlast_readers),
		cmocka_unit_test(pages_end_where_memory_ends),
		cmocka_unit_test(page_stays_while_referenced),
		cmocka_unit_test(pages_of_another_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
