/* SPDX-License-Identifier: MIT */
/* The folio lock and its wait queues. */
#include "mem/folio_lock.h"
#include "base/mutant.h"

#define HASH_BITS 8
_Static_assert(1 << HASH_BITS == FOLIO_WAIT_QUEUES, "each queue is hashed to");

struct folio_wait_queue {
	spinlock_t lock; /* guards the rest and who is in it; leaf */
	struct list_head waiters; /* in the order of coming, of all pages that hash to it */
} __cacheline_aligned;

enum folio_wait_flag {
	WAIT_EXCLUSIVE = 1 << 0, /* wants the lock, not only to see it free */
	WAIT_HANDOFF = 1 << 1, /* ... and is to be given it */
	WAIT_WOKEN = 1 << 2, /* off the queue */
	WAIT_DONE = 1 << 3, /* has been given the lock */
};

int folio_waits_create(struct mmsim *sim)
{
	struct machine_chunk *chunk = machine_chunk_alloc(sim->machine, "folio_wait_queue",
							  sizeof(struct folio_wait_queue));

	if (!chunk)
		return -ENOMEM;
	sim->folio_waits = (struct folio_wait_queue *)((char *)chunk + chunk->first_offset);
	for (int i = 0; i < FOLIO_WAIT_QUEUES; i++)
		INIT_LIST_HEAD(&sim->folio_waits[i].waiters);
	return 0;
}

unsigned int folio_waitqueue_nr(const struct folio *folio)
{
	uint64_t hash = folio->pfn * 0x9e3779b97f4a7c15ull;

	return (unsigned int)(hash >> (64 - HASH_BITS));
}

static struct folio_wait_queue *queue_of(struct mmsim *sim, const struct folio *folio)
{
	return &sim->folio_waits[folio_waitqueue_nr(folio)];
}

static bool set_locked(struct folio *folio)
{
	/* Acquire: pairs with the release in folio_unlock(). */
	return !(fetch_or(&folio->flags, PG_locked) & PG_locked);
}

bool folio_trylock(struct folio *folio, enum lock_site site)
{
	if (!set_locked(folio))
		return false;
	trace_acquired(folio, LOCK_folio_lock, site, LOCK_WRITE, false);
	return true;
}

/* ---- wake-up; the queue's lock is held ---- */

/* True: the walk over the queue ends here. */
static bool wake_waiter(struct folio_waiter *waiter, struct wake_q *wake_q)
{
	unsigned int flags = waiter->flags;

	if (flags & WAIT_EXCLUSIVE) {
		if (READ_ONCE(waiter->folio->flags) & PG_locked)
			return true;
		if ((flags & WAIT_HANDOFF) && !set_locked(waiter->folio))
			return true;
		if (flags & WAIT_HANDOFF) {
			count_event(COUNTER_folio_handoff);
			flags |= WAIT_DONE;
		}
	}
	list_del(&waiter->list);
	wake_q_add(wake_q, waiter->task);
	/* Release: off the queue, and the lock its own if it was given. */
	smp_store_release(&waiter->flags, flags | WAIT_WOKEN);
	return flags & WAIT_EXCLUSIVE;
}

static void folio_wake(struct mmsim *sim, struct folio *folio)
{
	struct folio_wait_queue *q = queue_of(sim, folio);
	struct folio_waiter *waiter, *next;
	DEFINE_WAKE_Q(wake_q);
	bool seen = false;

	spin_lock(&q->lock, LOCK_folio_wait, SITE_folio_slow);
	list_for_each_entry_safe (waiter, next, &q->waiters, list) {
		if (waiter->folio != folio)
			continue;
		seen = true;
		if (wake_waiter(waiter, &wake_q))
			break;
	}
	if (!seen || list_empty(&q->waiters))
		fetch_and(&folio->flags, ~(unsigned int)PG_waiters);
	spin_unlock(&q->lock);
	wake_up_q(&wake_q);
}

void folio_unlock(struct mmsim *sim, struct folio *folio)
{
	/* Release: pairs with the acquire in set_locked(). */
	unsigned int old = fetch_and(&folio->flags, ~(unsigned int)PG_locked);

	BUG_ON(!(old & PG_locked));
	trace_released(folio);
	if (old & PG_waiters)
		folio_wake(sim, folio);
}

/* ---- waiting ---- */

/* Into the queue; false: it was not necessary, the bit is ours or free. */
static bool queue_up(struct folio_wait_queue *q, struct folio *folio, unsigned int flags)
{
	struct folio_waiter *waiter = &current->folio_waiter;
	bool queued;

	waiter->folio = folio;
	quiet_store(waiter->flags, flags);
	spin_lock(&q->lock, LOCK_folio_wait, SITE_folio_slow);
	fetch_or(&folio->flags, PG_waiters);
	if (flags & WAIT_EXCLUSIVE)
		queued = !set_locked(folio);
	else
		queued = READ_ONCE(folio->flags) & PG_locked;
	if (queued)
		list_add_tail(&waiter->list, &q->waiters);
	spin_unlock(&q->lock);
	return queued;
}

/* Sleep until woken, killed or, in vain, awake. What the waker said. */
static unsigned int sleep_until_woken(enum task_state state)
{
	struct folio_waiter *waiter = &current->folio_waiter;
	unsigned int flags;

	/* Acquire: pairs with the release in wake_waiter(). */
	while (!((flags = smp_load_acquire(&waiter->flags)) & WAIT_WOKEN)) {
		if (state == TASK_KILLABLE && fatal_signal_pending(current))
			break;
		park(state, 0);
	}
	return flags;
}

/* Killed: off the queue. What the waker said, if it was faster. */
static unsigned int leave_queue(struct folio_wait_queue *q)
{
	struct folio_waiter *waiter = &current->folio_waiter;
	unsigned int flags;

	spin_lock(&q->lock, LOCK_folio_wait, SITE_folio_slow);
	flags = READ_ONCE(waiter->flags);
	if (!(flags & WAIT_WOKEN))
		list_del(&waiter->list);
	spin_unlock(&q->lock);
	return flags;
}

/* Killed before it saw that it was woken: the lock may be its own, or the next one's turn. */
static int abandon(struct mmsim *sim, struct folio *folio)
{
	unsigned int flags = leave_queue(queue_of(sim, folio));

	if (MUTANT(FOLIO_ABORT_NO_PASS_ON))
		return -EINTR;
	if (flags & WAIT_DONE)
		return 0;
	if ((flags & WAIT_WOKEN) && !MUTANT(FOLIO_ABORT_AS_SINCE_5_9))
		folio_wake(sim, folio);
	return -EINTR;
}

/* The lock is taken: wait for it. */
static int lock_slow(struct mmsim *sim, struct folio *folio, enum task_state state)
{
	struct folio_wait_queue *q = queue_of(sim, folio);
	int races = FOLIO_LOCK_UNFAIRNESS;

	for (;;) {
		unsigned int flags = WAIT_EXCLUSIVE | (--races < 0 ? WAIT_HANDOFF : 0);

		if (!queue_up(q, folio, flags))
			return 0;
		flags = sleep_until_woken(state);
		if (!(flags & WAIT_WOKEN))
			return abandon(sim, folio);
		if ((flags & WAIT_DONE) || set_locked(folio))
			return 0;
	}
}

static int lock_in_state(struct mmsim *sim, struct folio *folio, enum lock_site site,
			 enum task_state state)
{
	struct wait_edge edge;
	int err;

	trace_check_order(folio, LOCK_folio_lock, false);
	if (folio_trylock(folio, site))
		return 0;
	trace_wait_begin(folio, LOCK_folio_lock, site, LOCK_WRITE, &edge);
	err = lock_slow(sim, folio, state);
	trace_wait_end(&edge);
	if (!err)
		trace_acquired(folio, LOCK_folio_lock, site, LOCK_WRITE, true);
	return err;
}

void folio_lock(struct mmsim *sim, struct folio *folio, enum lock_site site)
{
	(void)lock_in_state(sim, folio, site, TASK_UNINTERRUPTIBLE);
}

int folio_lock_killable(struct mmsim *sim, struct folio *folio, enum lock_site site)
{
	return lock_in_state(sim, folio, site, TASK_KILLABLE);
}

void folio_wait_locked(struct mmsim *sim, struct folio *folio, spinlock_t *ptl, enum lock_site site)
{
	bool queued = queue_up(queue_of(sim, folio), folio, 0);
	struct wait_edge edge;

	spin_unlock(ptl);
	if (!queued)
		return;
	trace_wait_begin(folio, LOCK_folio_lock, site, LOCK_READ, &edge);
	sleep_until_woken(TASK_UNINTERRUPTIBLE);
	trace_wait_end(&edge);
}
