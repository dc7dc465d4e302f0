/* SPDX-License-Identifier: MIT */
/*
 * A sequence counter: odd while its writer is inside. Data read under one is
 * READ_ONCE/WRITE_ONCE. The writer is serialised by a lock of its own.
 */
#ifndef MMSIM_LOCK_SEQCOUNT_H
#define MMSIM_LOCK_SEQCOUNT_H

#include "machine/atomic.h"

typedef struct {
	unsigned int sequence;
} seqcount_t;

static inline void seqcount_init(seqcount_t *s)
{
	quiet_store(s->sequence, 0);
}

static inline unsigned int raw_read_seqcount(const seqcount_t *s)
{
	/* Acquire: pairs with the release in the write sections' ends. */
	return smp_load_acquire(&s->sequence);
}

/* The sequence when no writer is inside; odd answers mean: take the lock. */
static inline bool raw_seqcount_try_begin(const seqcount_t *s, unsigned int *start)
{
	*start = raw_read_seqcount(s);
	return !(*start & 1);
}

/*
 * Did a writer come in since @start? The load must stay behind the data reads
 * and there is no stand-alone fence above the machine, so it is an atomic
 * read-modify-write that changes nothing.
 */
static inline bool read_seqcount_retry(seqcount_t *s, unsigned int start)
{
	return fetch_add(&s->sequence, 0) != start;
}

static inline void write_seqcount_begin(seqcount_t *s)
{
	/* An exchange, so that the section's writes stay behind the odd value. */
	(void)xchg(&s->sequence, quiet_load(s->sequence) + 1);
}

static inline void write_seqcount_end(seqcount_t *s)
{
	/* Release: a reader that sees the even value sees the section's writes. */
	smp_store_release(&s->sequence, quiet_load(s->sequence) + 1);
}

#endif
