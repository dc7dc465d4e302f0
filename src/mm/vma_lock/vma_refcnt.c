/* SPDX-License-Identifier: MIT */
/*
 * fault=vma_refcnt: readers count in the VMA itself.
 *
 * Fidelity: protocol as in Linux 6.15 to 7.0 with the 6.16 fix (the foreign mm
 * is pinned before a reused VMA's count is dropped): values of the count, order
 * of every check, typesafe VMAs that are reused without a grace period, one
 * waiting writer a mm. Not modelled: the killable writer of 6.19.
 */
#include "base/mutant.h"
#include "mm/mm.h"
#include "mm/vma_lock.h"
#include "mm/vma_tree.h"

/*
 * vm_refcnt: 0 detached; 1 attached; 1+n readers; EXCLUDE_READERS added while
 * a writer waits for them.
 */
#define EXCLUDE_READERS (1 << 30)
#define REFCNT_LIMIT (EXCLUDE_READERS - 1)
#define NEVER_LOCKED UINT_MAX /* odd, and what no sequence starts at */

static int refcnt_vma_init(struct vm_area_struct *vma)
{
	/* The slot may still be looked at by readers of its former life. */
	atomic_set(&vma->vm_refcnt, 0);
	WRITE_ONCE(vma->vm_lock_seq, NEVER_LOCKED);
	return 0;
}

static void refcnt_vma_free(struct vm_area_struct *vma)
{
	kmem_cache_free(vma->vm_mm->sim->vma_cache, vma);
}

/* Drop a count; the VMA may be freed at once, so the mm is read before. */
static void vma_refcount_put(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	int old;

	trace_released(vma);
	/* Full order: the writer tests the count after it said that it waits. */
	old = atomic_fetch_sub(1, &vma->vm_refcnt);
	if (unlikely(old != 1 && (old & EXCLUDE_READERS) && old - 1 <= EXCLUDE_READERS + 1))
		rcuwait_wake_up(&mm->vma_writer_wait);
}

/* One more, unless it is 0 or at the limit. The old value. Acquire. */
static int refcount_inc_limited(atomic_t *refcnt)
{
	int old = atomic_read(refcnt);

	while (old != 0 && old < REFCNT_LIMIT)
		if (atomic_try_cmpxchg_acquire(refcnt, &old, old + 1))
			return old;
	return old;
}

/* NULL: cannot be locked. *detached: it may be found under another address. */
static struct vm_area_struct *refcnt_vma_start_read(struct vm_area_struct *vma,
						    struct mm_struct *mm, enum lock_site site,
						    bool *detached)
{
	struct mm_struct *other_mm;
	unsigned int seq;
	int old;

	*detached = false;
	seq = READ_ONCE(mm->mm_lock_seq.sequence);
	if (READ_ONCE(vma->vm_lock_seq) == seq)
		return NULL;
	/*
	 * Acquire: pairs with the release in vma_mark_attached(); what follows
	 * is read of the VMA as it was attached.
	 */
	old = refcount_inc_limited(&vma->vm_refcnt);
	if (old == 0)
		*detached = true;
	if (old == 0 || old >= REFCNT_LIMIT)
		return NULL;
	trace_acquired(vma, LOCK_vma_lock, site, LOCK_READ, false);
	other_mm = vma->vm_mm;
	if (unlikely(other_mm != mm)) {
		/* Reused by another process, whose writer the put may have to wake. */
		mmgrab(other_mm);
		vma_refcount_put(vma);
		mmdrop(other_mm);
		return NULL;
	}
	/* Acquire: pairs with the release in write_end(). */
	seq = smp_load_acquire(&mm->mm_lock_seq.sequence);
	if (unlikely(READ_ONCE(vma->vm_lock_seq) == seq) && !MUTANT(VMA_SECOND_SEQ_CHECK_SKIPPED)) {
		vma_refcount_put(vma);
		return NULL;
	}
	return vma;
}

static struct vm_area_struct *refcnt_lock_vma_under_rcu(struct mm_struct *mm, unsigned long addr,
							enum lock_site site,
							enum vma_lock_miss *miss)
{
	struct vm_area_struct *vma;
	bool detached;

	rcu_read_lock();
	do {
		vma = vma_tree_walk(&mm->mm_mt, addr);
		*miss = VMA_MISS_GAP;
		if (!vma)
			break;
		*miss = VMA_MISS_LOCKED;
		vma = refcnt_vma_start_read(vma, mm, site, &detached);
		if (detached)
			count_event(COUNTER_vma_lock_miss);
	} while (!vma && detached);
	rcu_read_unlock();
	if (vma && (addr < vma->vm_start || addr >= vma->vm_end) &&
	    !MUTANT(VMA_RANGE_CHECK_FORGOTTEN)) {
		vma_refcount_put(vma);
		*miss = VMA_MISS_MOVED;
		vma = NULL;
	}
	if (!vma)
		count_event(COUNTER_vma_lock_abort);
	else
		*miss = VMA_MISS_NONE;
	return vma;
}

/* Sleep until only @left is in the count besides EXCLUDE_READERS. */
static void wait_for_readers(struct vm_area_struct *vma, int left, enum lock_site site)
{
	struct mm_struct *mm = vma->vm_mm;
	struct wait_edge edge;

	trace_wait_begin(vma, LOCK_vma_lock, site, LOCK_WRITE, &edge);
	rcuwait_wait_event(&mm->vma_writer_wait,
			   load_seq_cst(&vma->vm_refcnt.counter) == EXCLUDE_READERS + left);
	trace_wait_end(&edge);
}

/* Add EXCLUDE_READERS unless the count is 0; the old count. */
static int exclude_readers(struct vm_area_struct *vma)
{
	int old = atomic_read(&vma->vm_refcnt);

	while (old && !atomic_try_cmpxchg(&vma->vm_refcnt, &old, old + EXCLUDE_READERS))
		;
	return old;
}

static void refcnt_vma_start_write(struct vm_area_struct *vma)
{
	unsigned int seq = vma->vm_mm->mm_lock_seq.sequence;
	int old;

	mmap_assert_write_locked(vma->vm_mm);
	if (vma->vm_lock_seq == seq)
		return;
	trace_check_order(vma, LOCK_vma_lock, true);
	old = exclude_readers(vma);
	if (old > 1)
		wait_for_readers(vma, 1, SITE_vma_write);
	/* Held for as long as it takes to say so; mmap_lock's write hold stands for it then. */
	trace_acquired(vma, LOCK_vma_lock, SITE_vma_write, LOCK_WRITE, old > 1);
	/* Detached: nobody can count, so the sequence is all there is to set. */
	WRITE_ONCE(vma->vm_lock_seq, seq);
	if (old)
		atomic_fetch_sub_release(EXCLUDE_READERS, &vma->vm_refcnt);
	trace_released(vma);
}

static void refcnt_vma_mark_attached(struct vm_area_struct *vma)
{
	DEBUG_BUG_ON(!vma_is_write_locked(vma));
	/* Release: the fields set before are seen by who counts himself in. */
	atomic_set_release(&vma->vm_refcnt, 1);
}

static void refcnt_vma_mark_detached(struct vm_area_struct *vma)
{
	DEBUG_BUG_ON(!vma_is_write_locked(vma));
	if (MUTANT(VMA_DETACH_NOT_MARKED))
		return;
	if (atomic_dec_and_test(&vma->vm_refcnt))
		return;
	/* Readers that have not noticed the write lock yet. */
	trace_check_order(vma, LOCK_vma_lock, true);
	if (!exclude_readers(vma))
		return;
	wait_for_readers(vma, 0, SITE_vma_detach);
	atomic_fetch_sub(EXCLUDE_READERS, &vma->vm_refcnt);
}

static void refcnt_write_begin(struct mm_struct *mm)
{
	write_seqcount_begin(&mm->mm_lock_seq);
}

static void refcnt_write_end(struct mm_struct *mm)
{
	/* Release: pairs with the acquire in vma_start_read(). */
	write_seqcount_end(&mm->mm_lock_seq);
}

const struct fault_strategy fault_vma_refcnt = {
	.name = "vma_refcnt",
	.since = "6.15",
	.models = "Linux 6.15 to 7.0: a reference count in a typesafe VMA",
	.helps = "split lock",
	.per_vma = true,
	.vma_cache = CACHE_TYPESAFE,
	.vma_init = refcnt_vma_init,
	.vma_free = refcnt_vma_free,
	.lock_vma_under_rcu = refcnt_lock_vma_under_rcu,
	.vma_end_read = vma_refcount_put,
	.vma_start_write = refcnt_vma_start_write,
	.vma_mark_attached = refcnt_vma_mark_attached,
	.vma_mark_detached = refcnt_vma_mark_detached,
	.write_begin = refcnt_write_begin,
	.write_end = refcnt_write_end,
};
