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

static inline void rwsem_set_owner(struct rw_semaphore *sem)
{
	atomic_long_set(&sem->owner, (long)current);
}

#endif
