/* SPDX-License-Identifier: MIT */
/*
 * rw_semaphore: acquire and release, the uncontended half. Fidelity: rwsem.h.
 */
#include "base/mutant.h"
#include "lock/rwsem_internal.h"

int init_rwsem(struct rw_semaphore *sem, enum lock_class class, const struct rwsem_policy *policy)
{
	*sem = (struct rw_semaphore){.class = (uint8_t) class, .policy = policy};
	INIT_LIST_HEAD(&sem->wait_list);
	if (!policy->foreign)
		return 0;
	if (policy->host_only && machine_kind(current->machine) != MACHINE_HOST)
		return -EOPNOTSUPP;
	sem->foreign = foreign_rwlock_create();
	return sem->foreign ? 0 : -ENOMEM;
}

void destroy_rwsem(struct rw_semaphore *sem)
{
	if (sem->foreign)
		foreign_rwlock_destroy(sem->foreign);
	sem->foreign = NULL;
}

/* ---- somebody else's lock ---- */

static noinline int foreign_down(struct rw_semaphore *sem, enum lock_site site, enum lock_mode mode)
{
	bool waited = !foreign_rwlock_acquire(sem->foreign, mode == LOCK_WRITE, true);
	struct wait_edge edge;

	if (waited) {
		trace_wait_begin(sem, sem->class, site, mode, &edge);
		foreign_rwlock_acquire(sem->foreign, mode == LOCK_WRITE, false);
		trace_wait_end(&edge);
	}
	trace_acquired(sem, sem->class, site, mode, waited);
	return 0;
}

static bool foreign_trylock(struct rw_semaphore *sem, enum lock_site site, enum lock_mode mode)
{
	if (!foreign_rwlock_acquire(sem->foreign, mode == LOCK_WRITE, true))
		return false;
	trace_acquired(sem, sem->class, site, mode, false);
	return true;
}

/* ---- acquire ---- */

static noinline int down_read_any(struct rw_semaphore *sem, enum lock_site site,
				  enum task_state state)
{
	long count;

	trace_check_order(sem, sem->class, false);
	if (sem->foreign)
		return foreign_down(sem, site, LOCK_READ);
	count = atomic_long_fetch_add_acquire(RWSEM_READER_BIAS, &sem->count) + RWSEM_READER_BIAS;
	if (count & RWSEM_READ_FAILED_MASK)
		return rwsem_down_read_slowpath(sem, count, site, state);
	rwsem_set_reader_owned(sem, current);
	trace_acquired(sem, sem->class, site, LOCK_READ, false);
	return 0;
}

/*
 * down_read_any() once more for the host's uncontended case: every call is the
 * last thing it does, so that nothing is pushed before the atomic.
 */
static __always_inline int __down_read(struct rw_semaphore *sem, enum lock_site site,
				       enum task_state state)
{
	struct task_trace *trace = mmsim_host_trace;
	long count, flags;

	if (unlikely(!trace || sem->foreign || LOCK_ORDER_IS_CHECKED))
		return down_read_any(sem, site, state);
	count = nostep_fetch_add_acquire(&sem->count.counter, RWSEM_READER_BIAS) +
		RWSEM_READER_BIAS;
	if (unlikely(count & RWSEM_READ_FAILED_MASK))
		return rwsem_down_read_slowpath(sem, count, site, state);
	flags = nostep_load(&sem->owner.counter) & RWSEM_NONSPINNABLE;
	nostep_store(&sem->owner.counter, (long)current | RWSEM_READER_OWNED | flags);
	trace_push(trace, sem, sem->class, site, LOCK_READ, false);
	return 0;
}

void down_read(struct rw_semaphore *sem, enum lock_site site)
{
	__down_read(sem, site, TASK_UNINTERRUPTIBLE);
}

int down_read_killable(struct rw_semaphore *sem, enum lock_site site)
{
	return __down_read(sem, site, TASK_KILLABLE);
}

bool down_read_trylock(struct rw_semaphore *sem, enum lock_site site)
{
	long count;

	if (unlikely(sem->foreign))
		return foreign_trylock(sem, site, LOCK_READ);
	count = atomic_long_read(&sem->count);
	while (!(count & RWSEM_READ_FAILED_MASK)) {
		if (!atomic_long_try_cmpxchg_acquire(&sem->count, &count,
						     count + RWSEM_READER_BIAS))
			continue;
		rwsem_set_reader_owned(sem, current);
		trace_acquired(sem, sem->class, site, LOCK_READ, false);
		return true;
	}
	return false;
}

/*
 * Held for write, but nobody's: while that is so the CPU is kept. Whoever of a
 * higher priority took it and spun on the lock would see no owner to give up for.
 */
static __always_inline void keep_cpu(void)
{
	if (unlikely(mmsim_stepping))
		preempt_disable();
}

static __always_inline void keep_cpu_end(void)
{
	if (unlikely(mmsim_stepping))
		preempt_enable();
}

static __always_inline bool __down_write_fast(struct rw_semaphore *sem, enum lock_site site)
{
	long unlocked = 0;
	bool taken;

	if (unlikely(sem->foreign))
		return foreign_trylock(sem, site, LOCK_WRITE);
	keep_cpu();
	taken = atomic_long_try_cmpxchg_acquire(&sem->count, &unlocked, RWSEM_WRITER_LOCKED);
	if (taken) {
		rwsem_set_owner(sem);
		trace_acquired(sem, sem->class, site, LOCK_WRITE, false);
	}
	keep_cpu_end();
	return taken;
}

static int __down_write(struct rw_semaphore *sem, enum lock_site site, enum task_state state)
{
	if (likely(__down_write_fast(sem, site)))
		return 0;
	if (sem->foreign)
		return foreign_down(sem, site, LOCK_WRITE);
	return rwsem_down_write_slowpath(sem, site, state);
}

void down_write(struct rw_semaphore *sem, enum lock_site site)
{
	trace_check_order(sem, sem->class, false);
	__down_write(sem, site, TASK_UNINTERRUPTIBLE);
}

void down_write_nested(struct rw_semaphore *sem, enum lock_site site)
{
	trace_check_order(sem, sem->class, true);
	__down_write(sem, site, TASK_UNINTERRUPTIBLE);
}

int down_write_killable(struct rw_semaphore *sem, enum lock_site site)
{
	trace_check_order(sem, sem->class, false);
	return __down_write(sem, site, TASK_KILLABLE);
}

bool down_write_trylock(struct rw_semaphore *sem, enum lock_site site)
{
	return __down_write_fast(sem, site);
}

/* ---- release ---- */

static bool rwsem_last_reader_with_waiters(long count)
{
	return (count & (RWSEM_LOCK_MASK | RWSEM_FLAG_WAITERS)) == RWSEM_FLAG_WAITERS;
}

/*
 * The held-lock stack is popped behind the atomic: stores before it would have
 * to drain first. Who scans it meanwhile sees the lock a moment too long.
 */
static noinline void up_read_any(struct rw_semaphore *sem)
{
	long count;

	if (sem->foreign) {
		foreign_rwlock_release(sem->foreign);
		trace_released(sem);
		return;
	}
	count = atomic_long_fetch_sub_release(RWSEM_READER_BIAS, &sem->count) - RWSEM_READER_BIAS;
	trace_released(sem);
	if (rwsem_last_reader_with_waiters(count))
		rwsem_wake_after_readers(sem);
}

static noinline void rwsem_released_wake(struct rw_semaphore *sem)
{
	trace_released(sem);
	rwsem_wake_after_readers(sem);
}

/* As __down_read(): the host's uncontended case without a stack frame. */
void up_read(struct rw_semaphore *sem)
{
	struct task_trace *trace = mmsim_host_trace;
	long count;

	if (MUTANT(HOLD_A_FIFTH_LONGER))
		trace_hold_longer(sem);
	if (unlikely(!trace || sem->foreign)) {
		up_read_any(sem);
		return;
	}
	count = nostep_fetch_add_release(&sem->count.counter, -RWSEM_READER_BIAS) -
		RWSEM_READER_BIAS;
	if (unlikely(rwsem_last_reader_with_waiters(count)))
		rwsem_released_wake(sem);
	else
		trace_pop(trace, sem);
}

void up_write(struct rw_semaphore *sem)
{
	long count;

	if (MUTANT(HOLD_A_FIFTH_LONGER))
		trace_hold_longer(sem);
	if (unlikely(sem->foreign)) {
		foreign_rwlock_release(sem->foreign);
		trace_released(sem);
		return;
	}
	/* The owner goes first: who sees the lock free must not spin on us. */
	keep_cpu();
	atomic_long_set(&sem->owner, 0);
	count = atomic_long_fetch_sub_release(RWSEM_WRITER_LOCKED, &sem->count);
	trace_released(sem);
	keep_cpu_end();
	if (unlikely(count & RWSEM_FLAG_WAITERS) && !MUTANT(RWSEM_RELEASE_NO_WAKE))
		rwsem_wake(sem, WAKE_ANY);
}

void downgrade_write(struct rw_semaphore *sem)
{
	long count;

	trace_downgraded(sem);
	if (unlikely(sem->foreign)) {
		foreign_rwlock_release(sem->foreign);
		foreign_rwlock_acquire(sem->foreign, false, false);
		return;
	}
	count = atomic_long_fetch_add_release(RWSEM_READER_BIAS - RWSEM_WRITER_LOCKED, &sem->count);
	rwsem_set_reader_owned(sem, current);
	if ((count & RWSEM_FLAG_WAITERS) && !MUTANT(RWSEM_DOWNGRADE_FORGETS_READERS))
		rwsem_wake(sem, WAKE_READ_OWNED);
}

bool rwsem_is_contended(struct rw_semaphore *sem)
{
	return atomic_long_read(&sem->count) & RWSEM_FLAG_WAITERS;
}

bool rwsem_is_locked(struct rw_semaphore *sem)
{
	return atomic_long_read(&sem->count) != 0;
}
