/* SPDX-License-Identifier: MIT */
/*
 * Optimistic spinning of rwsem writers.
 *
 * Fidelity: who may spin, the FIFO queue of spinners, what ends a spin and the
 * 10 to 25 us limit on reader phases are those of Linux 5.11 to 7.0. The clock
 * is looked at continuously, not every 16 turns. On the host a spin ends after
 * 25 us in any case.
 */
#include "base/mutant.h"
#include "lock/rwsem_internal.h"

#define SPIN_SLICE_NS 2000 /* how often a spinner looks whether it should stop */

/* ---- the spinners' queue: MCS, and a waiter may leave it ---- */

/*
 * Find who follows @node so that it can be told. NULL: nobody does, and the
 * tail now names @before.
 */
static struct osq_node *osq_settle_next(struct osq_node **tail, struct osq_node *node,
					struct osq_node *before)
{
	for (;;) {
		struct osq_node *last = node;
		struct osq_node *next;

		if (READ_ONCE(*tail) == node && try_cmpxchg(tail, &last, before))
			return NULL;
		/*
		 * Somebody queued behind node. Take the link, so that the
		 * follower cannot leave through it at the same time.
		 */
		next = READ_ONCE(node->next) ? xchg(&node->next, NULL) : NULL;
		if (next)
			return next;
		cpu_relax();
	}
}

/* Leave the queue from the middle; true when the turn came first. */
static bool osq_leave(struct osq_node **tail, struct osq_node *node)
{
	struct osq_node *prev, *next, *self;

	for (;;) {
		prev = READ_ONCE(node->prev);
		self = node;
		if (READ_ONCE(prev->next) == node && try_cmpxchg(&prev->next, &self, NULL))
			break;
		/* prev is leaving itself, or has just handed over. */
		if (smp_load_acquire(&node->locked))
			return true;
		cpu_relax();
	}
	next = osq_settle_next(tail, node, prev);
	if (next) {
		WRITE_ONCE(next->prev, prev);
		WRITE_ONCE(prev->next, next);
	}
	return false;
}

static bool osq_lock(struct osq_node **tail, uint64_t deadline)
{
	struct osq_node *node = &current->osq;
	struct osq_node *prev;

	WRITE_ONCE(node->locked, 0);
	WRITE_ONCE(node->next, NULL);
	prev = xchg(tail, node);
	if (!prev)
		return true;
	WRITE_ONCE(node->prev, prev);
	/* Release: prev may hand over or leave only once node->prev is set. */
	smp_store_release(&prev->next, node);
	while (!smp_load_acquire(&node->locked)) {
		bool expired = deadline && now_ns() > deadline;

		if (expired || need_resched() || !on_cpu(READ_ONCE(node->prev)->task))
			return osq_leave(tail, node);
		spin_while_equal_int(&node->locked, 0, now_ns() + SPIN_SLICE_NS);
	}
	return true;
}

static void osq_unlock(struct osq_node **tail)
{
	struct osq_node *node = &current->osq;
	struct osq_node *last = node;
	struct osq_node *next;

	if (try_cmpxchg(tail, &last, NULL))
		return;
	next = osq_settle_next(tail, node, NULL);
	if (next)
		smp_store_release(&next->locked, 1); /* pairs with the acquire in osq_lock() */
}

/* ---- the owner ---- */

static enum owner_state owner_state(long owner)
{
	if (owner & RWSEM_NONSPINNABLE)
		return OWNER_NONSPINNABLE;
	if (owner & RWSEM_READER_OWNED)
		return OWNER_READER;
	return owner ? OWNER_WRITER : OWNER_NULL;
}

enum owner_state rwsem_spin_on_owner(struct rw_semaphore *sem)
{
	uint64_t limit = optimistic_spin_limit_ns();
	uint64_t deadline = limit ? now_ns() + limit : 0;
	long owner = atomic_long_read(&sem->owner);
	enum owner_state state = owner_state(owner);

	while (state == OWNER_WRITER && atomic_long_read(&sem->owner) == owner) {
		if (need_resched() || !on_cpu((struct task *)owner))
			return OWNER_NONSPINNABLE;
		if (deadline && now_ns() > deadline)
			return OWNER_NONSPINNABLE;
		spin_while_equal_long(&sem->owner.counter, owner, now_ns() + SPIN_SLICE_NS);
	}
	return state == OWNER_WRITER ? owner_state(atomic_long_read(&sem->owner)) : state;
}

static bool rwsem_can_spin_on_owner(struct rw_semaphore *sem)
{
	long owner = atomic_long_read(&sem->owner);

	if (need_resched() || (owner & RWSEM_NONSPINNABLE))
		return false;
	if (owner && !(owner & RWSEM_READER_OWNED))
		return on_cpu((struct task *)owner);
	return true;
}

/* Steal: past the queue, unless the first waiter asked for hand-off. */
static bool rwsem_try_write_lock_unqueued(struct rw_semaphore *sem)
{
	long stop = RWSEM_LOCK_MASK | RWSEM_FLAG_HANDOFF;
	long count = atomic_long_read(&sem->count);

	if (!sem->policy->writer_steal)
		stop |= RWSEM_FLAG_WAITERS;
	if (MUTANT(RWSEM_STEAL_IGNORES_HANDOFF))
		stop &= ~RWSEM_FLAG_HANDOFF;
	while (!(count & stop)) {
		if (!atomic_long_try_cmpxchg_acquire(&sem->count, &count,
						     count | RWSEM_WRITER_LOCKED))
			continue;
		rwsem_set_owner(sem);
		if (count & RWSEM_FLAG_WAITERS)
			count_event(COUNTER_rwsem_writer_steal);
		return true;
	}
	return false;
}

/* 10 us and 0.5 us for each of up to 30 readers. */
static uint64_t rwsem_reader_spin_ns(struct rw_semaphore *sem)
{
	long readers = (atomic_long_read(&sem->count) & LONG_MAX) >> RWSEM_READER_SHIFT;

	return (20 + (uint64_t)MIN(readers, 30)) * NSEC_PER_USEC / 2;
}

void rwsem_set_nonspinnable(struct rw_semaphore *sem)
{
	long owner = atomic_long_read(&sem->owner);

	while ((owner & RWSEM_READER_OWNED) && !(owner & RWSEM_NONSPINNABLE))
		if (atomic_long_try_cmpxchg(&sem->owner, &owner, owner | RWSEM_NONSPINNABLE))
			return;
}

/* At the head of the spinners' queue. */
static bool rwsem_spin_for_lock(struct rw_semaphore *sem, uint64_t limit)
{
	enum owner_state state, before = OWNER_NULL;
	uint64_t deadline = 0;

	for (;;) {
		uint64_t now;
		long count;

		state = rwsem_spin_on_owner(sem);
		if (state == OWNER_NONSPINNABLE)
			return false;
		count = atomic_long_read(&sem->count);
		if (rwsem_try_write_lock_unqueued(sem))
			return true;
		if (limit && now_ns() > limit)
			return false;
		if (state != OWNER_WRITER && need_resched())
			return false;
		/*
		 * Who is not seen to run may be the one whose CPU we have. Once
		 * after a writer it tries on: the owner is cleared before the lock.
		 */
		if (state != OWNER_WRITER && before != OWNER_WRITER && current->fifo)
			return false;
		if (state == OWNER_READER) {
			if (before != OWNER_READER) {
				deadline = rwsem_reader_spin_ns(sem);
				deadline += now_ns();
			}
			now = now_ns();
			/* In slices: the owner may become a writer without the count changing. */
			spin_while_equal_long(&sem->count.counter, count,
					      MIN(deadline, now + SPIN_SLICE_NS));
			if (now_ns() > deadline) {
				rwsem_set_nonspinnable(sem);
				return false;
			}
		} else {
			cpu_relax();
		}
		before = state;
	}
}

bool rwsem_optimistic_spin(struct rw_semaphore *sem)
{
	uint64_t limit = optimistic_spin_limit_ns();
	bool taken;

	if (!rwsem_can_spin_on_owner(sem))
		return false;
	if (limit)
		limit += now_ns();
	preempt_disable();
	taken = osq_lock(&sem->osq, limit);
	if (taken) {
		taken = rwsem_spin_for_lock(sem, limit);
		osq_unlock(&sem->osq);
	}
	preempt_enable();
	return taken;
}
