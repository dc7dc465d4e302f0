/* SPDX-License-Identifier: MIT */
/*
 * rw_semaphore: mmap_lock, the 6.4 per-VMA lock, the anon_vma root lock.
 *
 * Fidelity: protocol as in Linux 5.11 to 7.0 without PREEMPT_RT: count word,
 * reader stealing, writers' optimistic spinning with its queue and limits,
 * hand-off, phase-fair wake-up, downgrade; a table of policies changes single
 * rules of it. Not modelled: the hung-task blocker record; RT and deadline
 * tasks' shortcuts (the scheduler has no such tasks yet).
 */
#ifndef MMSIM_LOCK_RWSEM_H
#define MMSIM_LOCK_RWSEM_H

#include "lock/spinlock.h"

#define RWSEM_WRITER_LOCKED (1l << 0)
#define RWSEM_FLAG_WAITERS (1l << 1)
#define RWSEM_FLAG_HANDOFF (1l << 2)
#define RWSEM_READER_SHIFT 8
#define RWSEM_READER_BIAS (1l << RWSEM_READER_SHIFT)
#define RWSEM_FLAG_READFAIL LONG_MIN
#define RWSEM_READER_MASK (~(RWSEM_READER_BIAS - 1) & LONG_MAX)
#define RWSEM_LOCK_MASK (RWSEM_WRITER_LOCKED | RWSEM_READER_MASK)
#define RWSEM_READ_FAILED_MASK                                                                     \
	(RWSEM_WRITER_LOCKED | RWSEM_FLAG_WAITERS | RWSEM_FLAG_HANDOFF | RWSEM_FLAG_READFAIL)

#define RWSEM_READER_OWNED 1l /* a hint: the last reader that came in */
#define RWSEM_NONSPINNABLE 2l /* writers must not spin on these readers */
#define RWSEM_OWNER_FLAGS (RWSEM_READER_OWNED | RWSEM_NONSPINNABLE)

#define RWSEM_MAX_READERS_WAKEUP 256
#define RWSEM_WAIT_TIMEOUT_PER_SECOND 250 /* a waiter asks for hand-off after 1/250 s */

struct rw_semaphore;

/* What a policy changes; one row of the table in rwsem_policy.c. */
struct rwsem_policy {
	const char *name, *since, *models, *helps;
	bool reader_steal; /* a reader may pass queued waiters of a free lock */
	bool writer_spin; /* a writer spins before it queues */
	bool writer_steal; /* ... and may take the lock past the queue */
	bool wake_all; /* wake readers past queued writers; else only the leading ones */
	bool foreign; /* somebody else's lock, in ->foreign */
	bool host_only;
};

const struct rwsem_policy *rwsem_policy_find(const char *name);
const struct rwsem_policy *rwsem_policy_at(unsigned int i); /* NULL past the last */

struct rw_semaphore {
	atomic_long_t count;
	atomic_long_t owner; /* task | flags; a writer's is exact, a reader's a hint */
	struct osq_node *osq; /* tail of the spinners' queue */
	spinlock_t wait_lock; /* guards wait_list and the WAITERS flag; leaf */
	uint8_t class;
	struct list_head wait_list; /* FIFO */
	const struct rwsem_policy *policy;
	struct foreign_rwlock *foreign;
};

/**
 * init_rwsem - make an unlocked rwsem
 * @policy: a row of the policy table
 * Return: 0, -ENOMEM, or -EOPNOTSUPP for a host-only policy on the model.
 */
int init_rwsem(struct rw_semaphore *sem, enum lock_class class, const struct rwsem_policy *policy);
void destroy_rwsem(struct rw_semaphore *sem);

/* Sleeping. The killable ones return -EINTR after a kill and then hold nothing. */
void down_read(struct rw_semaphore *sem, enum lock_site site);
int down_read_killable(struct rw_semaphore *sem, enum lock_site site);
void down_write(struct rw_semaphore *sem, enum lock_site site);
int down_write_killable(struct rw_semaphore *sem, enum lock_site site);
/* A second lock of a class whose order the caller answers for. */
void down_write_nested(struct rw_semaphore *sem, enum lock_site site);

/* Never sleep. Both fail on a queued waiter too. */
bool down_read_trylock(struct rw_semaphore *sem, enum lock_site site);
bool down_write_trylock(struct rw_semaphore *sem, enum lock_site site);

void up_read(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);
/* Write becomes read; no reader is admitted past a writer at the queue's head. */
void downgrade_write(struct rw_semaphore *sem);

/* Somebody is queued. */
bool rwsem_is_contended(struct rw_semaphore *sem);
/* The count is not 0: true also when only flag bits are left. */
bool rwsem_is_locked(struct rw_semaphore *sem);

#endif
