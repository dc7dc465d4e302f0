/* SPDX-License-Identifier: MIT */
/*
 * rw_semaphore: waiting and waking.
 *
 * Fidelity: protocol as in Linux 5.11 to 7.0 (hand-off as since 6.0: any waiter
 * may ask for it on behalf of the first). See rwsem.h for what is left out.
 */
#include "base/mutant.h"
#include "lock/rwsem_internal.h"

static void rwsem_clear_nonspinnable(struct rw_semaphore *sem)
{
	if (atomic_long_read(&sem->owner) & RWSEM_NONSPINNABLE)
		atomic_long_fetch_and(~RWSEM_NONSPINNABLE, &sem->owner);
}

/* ---- waking; wait_lock is held ---- */

static struct rwsem_waiter *rwsem_first_waiter(struct rw_semaphore *sem)
{
	return list_first_entry(&sem->wait_list, struct rwsem_waiter, list);
}

/*
 * Grant the lock to the head reader before looking at the others. False when a
 * writer stole it first; a head that waited too long then asks for hand-off.
 */
static bool rwsem_grant_first_reader(struct rw_semaphore *sem, struct rwsem_waiter *first)
{
	long undo = -RWSEM_READER_BIAS;
	long old = atomic_long_fetch_add(RWSEM_READER_BIAS, &sem->count);

	if (!(old & RWSEM_WRITER_LOCKED)) {
		rwsem_set_reader_owned(sem, first->task);
		return true;
	}
	if (jiffies() > first->timeout_jiffies) {
		if (!(old & RWSEM_FLAG_HANDOFF)) {
			undo += RWSEM_FLAG_HANDOFF;
			count_event(COUNTER_rwsem_handoff);
		}
		first->handoff_set = true;
	}
	atomic_long_fetch_add(undo, &sem->count);
	return false;
}

static void rwsem_release_waiter(struct rwsem_waiter *waiter, struct wake_q *wake_q)
{
	struct task *task = waiter->task;

	/* Release: pairs with the acquire in the reader's sleep loop. */
	smp_store_release(&waiter->task, NULL);
	if (unlikely(mmsim_stepping))
		trace_wait_granted(task);
	wake_q_add(wake_q, task);
}

/* Move the readers to be woken to @woken; how many. */
static long rwsem_collect_readers(struct rw_semaphore *sem, struct list_head *woken,
				  struct wake_q *wake_q)
{
	struct rwsem_waiter *waiter, *next;
	long n = 0;

	list_for_each_entry_safe (waiter, next, &sem->wait_list, list) {
		if (waiter->write && !sem->policy->wake_all)
			break;
		if (waiter->write)
			continue;
		list_del(&waiter->list);
		if (MUTANT(RWSEM_WAKE_ONE_PASS))
			rwsem_release_waiter(waiter, wake_q);
		else
			list_add_tail(&waiter->list, woken);
		if (++n == RWSEM_MAX_READERS_WAKEUP)
			break;
	}
	return n;
}

static void rwsem_mark_wake(struct rw_semaphore *sem, enum wake_type type, struct wake_q *wake_q)
{
	struct rwsem_waiter *first = rwsem_first_waiter(sem);
	struct rwsem_waiter *waiter, *next;
	struct list_head woken;
	long adjustment = 0;
	long count, n;

	if (first->write) {
		/* Woken, not granted: it competes again. */
		if (type == WAKE_ANY)
			wake_q_add(wake_q, first->task);
		return;
	}
	if (atomic_long_read(&sem->count) < 0)
		return;
	if (type != WAKE_READ_OWNED) {
		if (!rwsem_grant_first_reader(sem, first))
			return;
		adjustment = -RWSEM_READER_BIAS;
	}
	INIT_LIST_HEAD(&woken);
	n = rwsem_collect_readers(sem, &woken, wake_q);
	adjustment += n * RWSEM_READER_BIAS;
	count = atomic_long_read(&sem->count);
	if (list_empty(&sem->wait_list))
		adjustment -= RWSEM_FLAG_WAITERS;
	if (count & RWSEM_FLAG_HANDOFF)
		adjustment -= RWSEM_FLAG_HANDOFF;
	/* All are counted before the first may run: it could be gone at once. */
	if (adjustment)
		atomic_long_fetch_add(adjustment, &sem->count);
	list_for_each_entry_safe (waiter, next, &woken, list)
		rwsem_release_waiter(waiter, wake_q);
}

/* A new waiter looks whether the lock came free while it queued. */
static void rwsem_cond_wake(struct rw_semaphore *sem, long count, struct wake_q *wake_q)
{
	enum wake_type type = WAKE_READERS;

	if (count & RWSEM_WRITER_LOCKED)
		return;
	if (!(count & RWSEM_READER_MASK)) {
		type = WAKE_ANY;
		rwsem_clear_nonspinnable(sem);
	}
	rwsem_mark_wake(sem, type, wake_q);
}

void rwsem_wake(struct rw_semaphore *sem, enum wake_type type)
{
	DEFINE_WAKE_Q(wake_q);

	spin_lock(&sem->wait_lock, LOCK_rwsem_wait, SITE_rwsem_slow);
	if (!list_empty(&sem->wait_list))
		rwsem_mark_wake(sem, type, &wake_q);
	spin_unlock(&sem->wait_lock);
	wake_up_q(&wake_q);
}

void rwsem_wake_after_readers(struct rw_semaphore *sem)
{
	rwsem_clear_nonspinnable(sem);
	rwsem_wake(sem, WAKE_ANY);
}

/* ---- queueing ---- */

static struct rwsem_waiter *rwsem_init_waiter(bool write)
{
	struct rwsem_waiter *waiter = &current->rwsem_waiter;
	uint64_t hz = machine_hz();

	/* Others look who has the lock: see find_holder(). */
	quiet_store(waiter->task, current);
	waiter->write = write;
	waiter->handoff_set = false;
	waiter->timeout_jiffies = jiffies() + DIV_ROUND_UP(hz, RWSEM_WAIT_TIMEOUT_PER_SECOND);
	return waiter;
}

/* The queued writer a new waiter stands behind; NULL when a writer has the lock. */
static struct task *rwsem_writer_ahead(struct rw_semaphore *sem, long count)
{
	struct rwsem_waiter *waiter;

	if (count & RWSEM_WRITER_LOCKED)
		return NULL;
	list_for_each_entry (waiter, &sem->wait_list, list) {
		if (waiter->task == current)
			return NULL;
		if (waiter->write)
			return waiter->task;
	}
	return NULL;
}

/* A waiter gives up after a kill. wait_lock is held at entry and dropped at return. */
static void rwsem_abandon(struct rw_semaphore *sem, struct rwsem_waiter *waiter)
{
	bool first = rwsem_first_waiter(sem) == waiter;
	DEFINE_WAKE_Q(wake_q);

	list_del(&waiter->list);
	if (list_empty(&sem->wait_list)) {
		if (!MUTANT(RWSEM_KILLED_LEAVES_BIAS))
			atomic_long_fetch_and(~(RWSEM_FLAG_WAITERS | RWSEM_FLAG_HANDOFF),
					      &sem->count);
	} else if (first) {
		rwsem_mark_wake(sem, WAKE_ANY, &wake_q);
	}
	spin_unlock(&sem->wait_lock);
	wake_up_q(&wake_q);
}

/* Sleep until granted. -EINTR: killed first, and off the queue. */
static int rwsem_reader_sleep(struct rw_semaphore *sem, struct rwsem_waiter *waiter,
			      enum task_state state)
{
	/* Acquire: pairs with the waker's release; the lock is then held. */
	while (smp_load_acquire(&waiter->task)) {
		if (state == TASK_KILLABLE && fatal_signal_pending(current)) {
			spin_lock(&sem->wait_lock, LOCK_rwsem_wait, SITE_rwsem_slow);
			if (READ_ONCE(waiter->task)) {
				rwsem_abandon(sem, waiter);
				return -EINTR;
			}
			spin_unlock(&sem->wait_lock); /* granted: success in spite of the kill */
			return 0;
		}
		park(state, 0);
	}
	return 0;
}

/* The reader's bias is in count. 0: granted, whether at once or after a sleep. */
static int rwsem_queue_reader(struct rw_semaphore *sem, enum lock_site site, enum task_state state)
{
	long adjustment = -RWSEM_READER_BIAS;
	struct rwsem_waiter *waiter;
	struct wait_edge edge;
	struct task *behind;
	DEFINE_WAKE_Q(wake_q);
	long count;
	int err;

	waiter = rwsem_init_waiter(false);
	spin_lock(&sem->wait_lock, LOCK_rwsem_wait, SITE_rwsem_slow);
	if (list_empty(&sem->wait_list)) {
		if (!(atomic_long_read_acquire(&sem->count) & RWSEM_WRITER_LOCKED)) {
			/* It came free before we had the list; the bias holds it. */
			rwsem_set_reader_owned(sem, current);
			spin_unlock(&sem->wait_lock);
			trace_acquired(sem, sem->class, site, LOCK_READ, false);
			return 0;
		}
		adjustment += RWSEM_FLAG_WAITERS;
	}
	list_add_tail(&waiter->list, &sem->wait_list);
	count = atomic_long_fetch_add(adjustment, &sem->count) + adjustment;
	behind = rwsem_writer_ahead(sem, count);
	rwsem_cond_wake(sem, count, &wake_q);
	spin_unlock(&sem->wait_lock);
	wake_up_q(&wake_q);
	count_event(COUNTER_rwsem_reader_sleep);
	trace_wait_begin(sem, sem->class, site, LOCK_READ, &edge);
	trace_wait_behind(&edge, behind);
	err = rwsem_reader_sleep(sem, waiter, state);
	trace_wait_end(&edge);
	if (!err)
		trace_acquired(sem, sem->class, site, LOCK_READ, true);
	return err;
}

/*
 * @count is what the reader's own addition made. A reader that finds readers
 * inside and somebody queued goes behind the queue, or writers would starve;
 * one that finds the lock free in passing takes it although others wait.
 */
int rwsem_down_read_slowpath(struct rw_semaphore *sem, long count, enum lock_site site,
			     enum task_state state)
{
	long readers = (count & LONG_MAX) >> RWSEM_READER_SHIFT;
	long stop = RWSEM_WRITER_LOCKED | RWSEM_FLAG_HANDOFF;
	long owner;

	/* More readers than there is room for: the guard bit is set. */
	if (unlikely(count < 0))
		rwsem_set_nonspinnable(sem);
	owner = atomic_long_read(&sem->owner);
	if ((owner & RWSEM_READER_OWNED) && readers > 1 && !(count & RWSEM_WRITER_LOCKED))
		return rwsem_queue_reader(sem, site, state);
	if (!sem->policy->reader_steal)
		stop |= RWSEM_FLAG_WAITERS;
	if (MUTANT(RWSEM_STEAL_IGNORES_HANDOFF))
		stop &= ~RWSEM_FLAG_HANDOFF;
	if (count & stop)
		return rwsem_queue_reader(sem, site, state);

	rwsem_set_reader_owned(sem, current);
	trace_acquired(sem, sem->class, site, LOCK_READ, false);
	if (count & RWSEM_FLAG_WAITERS) {
		count_event(COUNTER_rwsem_reader_steal);
		/* The first of a reader phase lets the other readers in. */
		if (readers == 1)
			rwsem_wake(sem, WAKE_READ_OWNED);
	}
	return 0;
}

/* ---- a writer's turn; wait_lock is held ---- */

static bool rwsem_try_write_lock(struct rw_semaphore *sem, struct rwsem_waiter *waiter)
{
	struct rwsem_waiter *first = rwsem_first_waiter(sem);
	long count = atomic_long_read(&sem->count);
	bool only = waiter->list.next == &sem->wait_list && first == waiter;
	long new;

	do {
		new = count;
		if ((count & RWSEM_FLAG_HANDOFF) && first->handoff_set && waiter != first)
			return false;
		if (count & RWSEM_LOCK_MASK) {
			if ((count & RWSEM_FLAG_HANDOFF) || jiffies() <= waiter->timeout_jiffies)
				return false;
			/* Whoever asks, the right goes to the first. */
			new |= RWSEM_FLAG_HANDOFF;
		} else {
			/* Woken for another's sake, or just queued: past the head it is a steal. */
			if (!sem->policy->writer_steal && waiter != first)
				return false;
			new |= RWSEM_WRITER_LOCKED;
			new &= ~RWSEM_FLAG_HANDOFF;
			if (only)
				new &= ~RWSEM_FLAG_WAITERS;
		}
	} while (!atomic_long_try_cmpxchg_acquire(&sem->count, &count, new));

	if (new &RWSEM_FLAG_HANDOFF) {
		count_event(COUNTER_rwsem_handoff);
		first->handoff_set = true;
		return false;
	}
	list_del(&waiter->list);
	rwsem_set_owner(sem);
	return true;
}

/* wait_lock is held at entry and dropped at return. */
static int rwsem_writer_sleep(struct rw_semaphore *sem, struct rwsem_waiter *waiter,
			      enum task_state state)
{
	while (!rwsem_try_write_lock(sem, waiter)) {
		bool handoff = waiter->handoff_set;

		if (state == TASK_KILLABLE && fatal_signal_pending(current)) {
			rwsem_abandon(sem, waiter);
			return -EINTR;
		}
		spin_unlock(&sem->wait_lock);
		/* With the right to the lock it is worth waiting for the owner awake. */
		if (!handoff || rwsem_spin_on_owner(sem) != OWNER_NULL)
			park(state, 0);
		spin_lock(&sem->wait_lock, LOCK_rwsem_wait, SITE_rwsem_slow);
	}
	spin_unlock(&sem->wait_lock);
	return 0;
}

/* Get in line; drops wait_lock for the wake-ups this may cause, and holds it at return. */
static void rwsem_enqueue_writer(struct rw_semaphore *sem, struct rwsem_waiter *waiter,
				 struct wait_edge *edge)
{
	DEFINE_WAKE_Q(wake_q);
	long count;

	spin_lock(&sem->wait_lock, LOCK_rwsem_wait, SITE_rwsem_slow);
	list_add_tail(&waiter->list, &sem->wait_list);
	if (rwsem_first_waiter(sem) == waiter) {
		atomic_long_fetch_or(RWSEM_FLAG_WAITERS, &sem->count);
		return;
	}
	count = atomic_long_read(&sem->count);
	trace_wait_behind(edge, rwsem_writer_ahead(sem, count));
	rwsem_cond_wake(sem, count, &wake_q);
	if (wake_q.head) {
		spin_unlock(&sem->wait_lock);
		wake_up_q(&wake_q);
		spin_lock(&sem->wait_lock, LOCK_rwsem_wait, SITE_rwsem_slow);
	}
}

int rwsem_down_write_slowpath(struct rw_semaphore *sem, enum lock_site site, enum task_state state)
{
	struct wait_edge edge;
	int err = 0;

	trace_wait_begin(sem, sem->class, site, LOCK_WRITE, &edge);
	if (!sem->policy->writer_spin || !rwsem_optimistic_spin(sem)) {
		struct rwsem_waiter *waiter = rwsem_init_waiter(true);

		count_event(COUNTER_rwsem_writer_sleep);
		rwsem_enqueue_writer(sem, waiter, &edge);
		err = rwsem_writer_sleep(sem, waiter, state);
	}
	trace_wait_end(&edge);
	if (!err)
		trace_acquired(sem, sem->class, site, LOCK_WRITE, true);
	return err;
}
