/* SPDX-License-Identifier: MIT */
/*
 * The folio lock: exclusion, hand-over after lost races, waiters of two pages in one queue, some of
 * which only look, and B08: a killed waiter that was woken must not keep the wake-up to itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mem/folio_lock.h"
#include "mem/page_alloc.h"
#include "mmsim/mmsim.h"
#include "support/search_runs.h"

static struct mmsim *sim;
static struct folio *folio;
static struct mmsim_task *victim;
/* Guarded by the folio lock: plain stores, so that who has it besides us shows. */
static uint64_t rounds;
static bool occupied;

static void make(const char *machine, struct mmsim_search *search)
{
	struct mmsim_config config;

	mmsim_config_init(&config);
	assert_int_equal(mmsim_config_set(&config, "machine", machine, NULL), 0);
	config.memory_bytes = 4 << 20;
	config.search = search;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	folio = folio_alloc(sim, true);
	assert_non_null(folio);
	rounds = 0;
	occupied = false;
}

static struct mmsim_task *start(const char *name, int (*body)(void *))
{
	const struct mmsim_task_attr attr = {.name = name, .cpu = -1};
	struct mmsim_task *task = mmsim_task_create(sim, &attr, body, NULL);

	assert_non_null(task);
	return task;
}

/* NULL: all tasks came to their end, and nobody has the lock. */
static const char *run(void)
{
	static char why[256];

	if (mmsim_run(sim))
		snprintf(why, sizeof(why), "%s", mmsim_failure(sim));
	else if (folio->flags & PG_locked)
		snprintf(why, sizeof(why), "the lock is left behind");
	else
		*why = '\0';
	if (!*why)
		folio_put(sim, folio);
	if (mmsim_destroy(sim) && !*why)
		snprintf(why, sizeof(why), "something is left");
	return *why ? why : NULL;
}

static void work_inside(void)
{
	uint64_t n = rounds;

	if (occupied)
		mmsim_bug("two have the lock");
	occupied = true;
	mmsim_yield();
	rounds = n + 1;
	occupied = false;
}

static int lock_and_unlock(void *unused)
{
	(void)unused;
	folio_lock(sim, folio, SITE_user);
	work_inside();
	folio_unlock(sim, folio);
	return 0;
}

static int lock_killable(void *unused)
{
	(void)unused;
	if (folio_lock_killable(sim, folio, SITE_user))
		return 0;
	work_inside();
	folio_unlock(sim, folio);
	return 0;
}

static int kill_victim(void *unused)
{
	(void)unused;
	mmsim_task_kill(victim);
	return 0;
}

/* ---- B08 ---- */

static const char *killed_waiter(struct mmsim_search *search)
{
	make("step", search);
	start("H", lock_and_unlock);
	victim = start("A", lock_killable);
	start("B", lock_and_unlock);
	start("K", kill_victim);
	return run();
}

/*
 * Expected: a waiter that is killed after it was woken lets the next one have its turn. Buggy: it
 * leaves, and those behind it sleep for ever though the lock is free; or it leaves with the lock.
 */
static void a_killed_waiter_passes_the_wake_up_on(void **state)
{
	(void)state;
	search_mutant(killed_waiter, MUTANT_FOLIO_ABORT_NO_PASS_ON, 2);
}

/* What Linux does since 5.9: the same window, a little smaller. */
static void since_5_9_it_may_keep_it(void **state)
{
	(void)state;
	search_mutant(killed_waiter, MUTANT_FOLIO_ABORT_AS_SINCE_5_9, 2);
}

/* ---- a queue ---- */

static struct folio *other; /* hashes to the same queue */
static struct pte_table *table; /* for its lock */

static int lock_other(void *unused)
{
	(void)unused;
	folio_lock(sim, other, SITE_user);
	folio_unlock(sim, other);
	return 0;
}

/* As a fault on a page that is being moved. */
static int look(void *unused)
{
	(void)unused;
	spin_lock(&table->ptl, LOCK_pte_lock, SITE_user);
	if (READ_ONCE(folio->flags) & PG_locked)
		folio_wait_locked(sim, folio, &table->ptl, SITE_user);
	else
		spin_unlock(&table->ptl);
	return 0;
}

static const char *one_queue(struct mmsim_search *search)
{
	struct folio *more[512];
	unsigned int nr = 0;

	make("step", search);
	do
		more[nr++] = folio_alloc(sim, false);
	while (folio_waitqueue_nr(more[nr - 1]) != folio_waitqueue_nr(folio));
	other = more[nr - 1];
	table = kmem_cache_alloc(sim->pte_cache);
	assert_non_null(table);
	start("H", lock_and_unlock);
	start("O", lock_other);
	start("L", look);
	start("A", lock_and_unlock);
	if (mmsim_run(sim)) {
		mmsim_destroy(sim);
		return "somebody sleeps for ever";
	}
	while (nr--)
		folio_put(sim, more[nr]);
	folio_put(sim, folio);
	kmem_cache_free(sim->pte_cache, table);
	return mmsim_destroy(sim) ? "something is left" : NULL;
}

static void each_is_woken_for_its_page(void **state)
{
	(void)state;
	assert_int_equal(search_runs(one_queue, 2, SEARCH_RUNS_CLEAN), 0);
}

/* ---- exclusion ---- */

#define ROUNDS 2000

static int lock_often(void *unused)
{
	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		folio_lock(sim, folio, SITE_user);
		work_inside();
		folio_unlock(sim, folio);
	}
	return 0;
}

static void one_at_a_time(void **state)
{
	static const char *const machines[] = {"host", "step", "phone-4+3+1"};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(machines); i++) {
		make(machines[i], NULL);
		for (int task = 0; task < 4; task++)
			start("locker", lock_often);
		assert_null(run());
		assert_int_equal(rounds, 4 * ROUNDS);
	}
}

/* ---- hand-over ---- */

static bool sleeper_has_it, barger_over;

static int sleep_for_lock(void *unused)
{
	(void)unused;
	folio_lock(sim, folio, SITE_user);
	sleeper_has_it = true;
	folio_unlock(sim, folio);
	return 0;
}

/* Lets the lock go only to take it again at once, before whom it woke can run. */
static int barge(void *unused)
{
	(void)unused;
	folio_lock(sim, folio, SITE_user);
	while (!(READ_ONCE(folio->flags) & PG_waiters))
		mmsim_yield();
	for (int i = 0; i < 100 && !sleeper_has_it; i++) {
		folio_unlock(sim, folio);
		if (!folio_trylock(folio, SITE_user)) {
			/* Handed over: it is not ours to take. */
			barger_over = true;
			return 0;
		}
		/* Let the other lose its race, and queue again. */
		for (int turns = 0; turns < 20; turns++)
			mmsim_yield();
	}
	folio_unlock(sim, folio);
	return 0;
}

static void after_five_races_it_is_handed_over(void **state)
{
	(void)state;
	sleeper_has_it = barger_over = false;
	make("phone-4+3+1", NULL);
	start("barger", barge);
	start("sleeper", sleep_for_lock);
	assert_int_equal(mmsim_run(sim), 0);
	assert_true(sleeper_has_it && barger_over);
	assert_int_equal(mmsim_counter(sim, "folio_handoff"), 1);
	folio_put(sim, folio);
	assert_int_equal(mmsim_destroy(sim), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_waiter_passes_the_wake_up_on),
		cmocka_unit_test(since_5_9_it_may_keep_it),
		cmocka_unit_test(each_is_woken_for_its_page),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(after_five_races_it_is_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
