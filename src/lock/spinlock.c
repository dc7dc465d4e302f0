/* SPDX-License-Identifier: MIT */
/* Spinlock: the contended half, and where there are steps. */
#include "lock/spinlock.h"

#define TAIL_SHIFT 16

/* Which waiter gets the lock is the machine's choice. */
static void wait_unordered(spinlock_t *lock)
{
	int unlocked;

	do {
		spin_while_equal_int(&lock->val, SPIN_LOCKED, 0);
		unlocked = 0;
	} while (!try_cmpxchg_acquire(&lock->val, &unlocked, SPIN_LOCKED));
}

/* Wait at the end of the queue until all others are gone. */
static void queue_up(spinlock_t *lock, uint16_t me)
{
	struct spin_node *node = &current->spin;
	struct spin_node *last;
	uint16_t before;

	WRITE_ONCE(node->next, NULL);
	WRITE_ONCE(node->first, 0);
	/* Full order: the node is ready before it can be found. */
	before = xchg(&lock->tail, me);
	if (!before)
		return;
	last = &machine_task(current->machine, before - 1)->spin;
	smp_store_release(&last->next, current);
	while (!smp_load_acquire(&node->first))
		spin_while_equal_int(&node->first, 0, 0);
}

/* The lock is ours: the next of the queue is the first from now on. */
static void tell_next(void)
{
	struct spin_node *node = &current->spin;
	struct task *next;

	while (!(next = smp_load_acquire(&node->next)))
		cpu_relax();
	smp_store_release(&next->spin.first, 1);
}

/*
 * As the queued spinlock: in the order of coming, the first waits for the lock
 * itself. True: there are others behind, to be told.
 */
static bool wait_in_order(spinlock_t *lock)
{
	uint16_t me = (uint16_t)(current->index + 1);
	int val;

	queue_up(lock, me);
	for (;;) {
		val = READ_ONCE(lock->val);
		if (val & SPIN_LOCKED)
			spin_while_equal_int(&lock->val, val, 0);
		else if (val != me << TAIL_SHIFT)
			break; /* somebody is behind us */
		else if (try_cmpxchg_acquire(&lock->val, &val, SPIN_LOCKED))
			return false;
	}
	/* Only the first takes a lock with a queue. Acquire: pairs with spin_unlock_any(). */
	(void)smp_load_acquire(&lock->val);
	WRITE_ONCE(lock->locked, SPIN_LOCKED);
	return true;
}

void spin_lock_slow(spinlock_t *lock, enum lock_class class, enum lock_site site)
{
	struct wait_edge edge;
	bool others = false;

	if (unlikely(mmsim_stepping))
		preempt_disable();
	trace_wait_begin(lock, class, site, LOCK_WRITE, &edge);
	if (machine_is_timed())
		others = wait_in_order(lock);
	else
		wait_unordered(lock);
	trace_wait_end(&edge);
	trace_acquired(lock, class, site, LOCK_WRITE, true);
	if (others)
		tell_next();
}

bool spin_trylock_any(spinlock_t *lock, enum lock_class class, enum lock_site site)
{
	int unlocked = 0;

	if (mmsim_stepping)
		preempt_disable();
	if (try_cmpxchg_acquire(&lock->val, &unlocked, SPIN_LOCKED)) {
		trace_acquired(lock, class, site, LOCK_WRITE, false);
		return true;
	}
	if (mmsim_stepping)
		preempt_enable();
	return false;
}

bool spin_needbreak(const spinlock_t *lock)
{
	return machine_kernel_preemptible() && READ_ONCE(lock->tail);
}

void spin_unlock_any(spinlock_t *lock)
{
	/* The queue's tail stays. */
	smp_store_release(&lock->locked, 0);
	trace_released(lock);
	if (mmsim_stepping)
		preempt_enable();
}
