/* SPDX-License-Identifier: MIT */
/* Spinlock: the contended half. */
#include "lock/spinlock.h"

void spin_lock_slow(spinlock_t *lock, enum lock_class class, enum lock_site site)
{
	struct wait_edge edge;
	int unlocked;

	trace_wait_begin(lock, class, site, LOCK_WRITE, &edge);
	do {
		spin_while_equal_int(&lock->locked, 1, 0);
		unlocked = 0;
	} while (!try_cmpxchg_acquire(&lock->locked, &unlocked, 1));
	trace_wait_end(&edge);
	trace_acquired(lock, class, site, LOCK_WRITE, true);
}

bool spin_trylock_any(spinlock_t *lock, enum lock_class class, enum lock_site site)
{
	int unlocked = 0;

	if (!try_cmpxchg_acquire(&lock->locked, &unlocked, 1))
		return false;
	trace_acquired(lock, class, site, LOCK_WRITE, false);
	return true;
}

void spin_unlock_any(spinlock_t *lock)
{
	trace_released(lock);
	smp_store_release(&lock->locked, 0);
}
