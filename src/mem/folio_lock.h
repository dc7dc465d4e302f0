/* SPDX-License-Identifier: MIT */
/*
 * The folio lock: a bit of a page's flags.
 *
 * Guards which anon_vma the page is of (folio->mapping) and its migration; from 6.19 on every
 * rmap walk has it. Outer to the rmap locks, inner to mmap_lock and the VMA's read lock; under a
 * PTE lock it is taken by try only. May be released by another task.
 *
 * Fidelity: 256 hashed wait queues, a bit that says somebody may wait, exclusive and shared
 * waiters, the order in which an unlock goes through the queue, a hand-over to a waiter who has
 * lost five races, as since 5.9. With one exception: a killed waiter that was woken, but not
 * given the lock, wakes the next one, as 777c6c5f1f6e had it. Since 5.9 it does not, if the kill
 * came between its look whether it was woken and its leaving of the queue; the search finds the
 * waiter behind it asleep for ever then (mutant FOLIO_ABORT_AS_SINCE_5_9). Not modelled: other
 * bits that are waited for, pages larger than 4 KiB, I/O, thrashing.
 */
#ifndef MMSIM_MEM_FOLIO_LOCK_H
#define MMSIM_MEM_FOLIO_LOCK_H

#include "mem/sim.h"

#define FOLIO_WAIT_QUEUES 256
#define FOLIO_LOCK_UNFAIRNESS 5 /* races that a waiter may lose */

/* Which of the wait queues a page's waiters are in, among others'. */
unsigned int folio_waitqueue_nr(const struct folio *folio);
/* Make @sim's wait queues. 0 or -ENOMEM. */
int folio_waits_create(struct mmsim *sim);

/* Never sleeps. Acquire: pairs with the release in folio_unlock(). */
bool folio_trylock(struct folio *folio, enum lock_site site);
/* Sleeps, uninterruptibly. */
void folio_lock(struct mmsim *sim, struct folio *folio, enum lock_site site);
/* 0, or -EINTR after a kill; then it is not locked, unless somebody else has it. */
int folio_lock_killable(struct mmsim *sim, struct folio *folio, enum lock_site site);
void folio_unlock(struct mmsim *sim, struct folio *folio);

/**
 * folio_wait_locked - sleep until a locked page is not
 * @ptl: held, keeps the page from going away; released when the caller is in the queue
 *
 * It may be locked again, or freed, when this returns.
 */
void folio_wait_locked(struct mmsim *sim, struct folio *folio, spinlock_t *ptl,
		       enum lock_site site);

#endif
