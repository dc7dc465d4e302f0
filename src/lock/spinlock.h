/* SPDX-License-Identifier: MIT */
/*
 * Spinlock.
 *
 * Fidelity: mutual exclusion, no sleeping inside, and on the models no
 * preemption. On the modelled machine waiters queue, each on its own word, as in
 * the queued spinlock; not modelled: its pending bit, which saves the second
 * waiter a cache line. On the step machine any waiter may get the lock. On the
 * host, too, and who spun for long parks (counted as host_artefact), since user
 * space cannot keep the holder from being preempted.
 */
#ifndef MMSIM_LOCK_SPINLOCK_H
#define MMSIM_LOCK_SPINLOCK_H

#include "trace/trace.h"

#define SPIN_LOCKED 1

/* Acquire by the CAS that sets SPIN_LOCKED, release by the store that clears it. */
typedef union {
	int val;
	struct {
		uint8_t locked;
		uint16_t tail; /* index of the last waiter's task, and 1; 0: none */
	};
} spinlock_t;
_Static_assert(sizeof(spinlock_t) == sizeof(int) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the parts are where the kernel has them");

static inline void spin_lock_init(spinlock_t *lock)
{
	quiet_store(lock->val, 0);
}

void spin_lock_slow(spinlock_t *lock, enum lock_class class, enum lock_site site);

/* Where there are steps, or no measurements. */
bool spin_trylock_any(spinlock_t *lock, enum lock_class class, enum lock_site site);
void spin_unlock_any(spinlock_t *lock);

static __always_inline bool spin_trylock(spinlock_t *lock, enum lock_class class,
					 enum lock_site site)
{
	struct task_trace *trace = mmsim_host_trace;
	int unlocked = 0;

	if (unlikely(!trace))
		return spin_trylock_any(lock, class, site);
	if (!nostep_try_cmpxchg_acquire(&lock->val, &unlocked, SPIN_LOCKED))
		return false;
	trace_push(trace, lock, class, site, LOCK_WRITE, false);
	return true;
}

static __always_inline void spin_lock(spinlock_t *lock, enum lock_class class, enum lock_site site)
{
	trace_check_order(lock, class, false);
	if (unlikely(!spin_trylock(lock, class, site)))
		spin_lock_slow(lock, class, site);
}

/* A second lock of a class whose order the caller answers for. */
static __always_inline void spin_lock_nested(spinlock_t *lock, enum lock_class class,
					     enum lock_site site)
{
	trace_check_order(lock, class, true);
	if (unlikely(!spin_trylock(lock, class, site)))
		spin_lock_slow(lock, class, site);
}

/*
 * Should who holds @lock let it go for a moment? If somebody queues for it and the kernel may be
 * preempted, as far as the machine knows.
 */
bool spin_needbreak(const spinlock_t *lock);

static __always_inline void spin_unlock(spinlock_t *lock)
{
	struct task_trace *trace = mmsim_host_trace;

	if (unlikely(!trace)) {
		spin_unlock_any(lock);
		return;
	}
	trace_pop(trace, lock);
	nostep_store_release(&lock->val, 0);
}

#endif
