/* SPDX-License-Identifier: MIT */
/* What the rwsem's two halves, queueing and optimistic spinning, share. */
#ifndef MMSIM_LOCK_RWSEM_INTERNAL_H
#define MMSIM_LOCK_RWSEM_INTERNAL_H

#include "lock/rwsem.h"

enum owner_state { OWNER_NULL, OWNER_WRITER, OWNER_READER, OWNER_NONSPINNABLE };

/* Spin while the owner stays the same writer and stays on a CPU. */
enum owner_state rwsem_spin_on_owner(struct rw_semaphore *sem);
/* True when the lock was taken for write while spinning. */
bool rwsem_optimistic_spin(struct rw_semaphore *sem);

/* Writers must not spin on the present reader phase any more. */
void rwsem_set_nonspinnable(struct rw_semaphore *sem);

enum wake_type {
	WAKE_ANY, /* the head, whatever it is */
	WAKE_READERS, /* readers, if one is at the head */
	WAKE_READ_OWNED, /* the same, and the waker holds the lock for read */
};

/* Wake whom @type says, of those queued. */
void rwsem_wake(struct rw_semaphore *sem, enum wake_type type);
/* The last reader has left and somebody is queued. */
void rwsem_wake_after_readers(struct rw_semaphore *sem);
/* @count: what the reader's own addition made. 0 or -EINTR. */
int rwsem_down_read_slowpath(struct rw_semaphore *sem, long count, enum lock_site site,
			     enum task_state state);
int rwsem_down_write_slowpath(struct rw_semaphore *sem, enum lock_site site, enum task_state state);

/* The hint keeps NONSPINNABLE: the reader phase goes on. */
static __always_inline void rwsem_set_reader_owned(struct rw_semaphore *sem, struct task *task)
{
	long flags = atomic_long_read(&sem->owner) & RWSEM_NONSPINNABLE;

	atomic_long_set(&sem->owner, (long)task | RWSEM_READER_OWNED | flags);
}

static inline void rwsem_set_owner(struct rw_semaphore *sem)
{
	atomic_long_set(&sem->owner, (long)current);
}

#endif
