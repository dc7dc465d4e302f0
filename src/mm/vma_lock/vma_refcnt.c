/* SPDX-License-Identifier: MIT */
/*
 * fault=vma_refcnt: readers count in the VMA itself.
 *
 * Fidelity: protocol as in Linux 6.15 to 7.0 with the 6.16 fix (the foreign mm
 * is pinned before a reused VMA's count is dropped): values of the count, order
 * of every check, typesafe VMAs that are reused without a grace period, one
 * waiting writer a mm, what is done inside the RCU section before 6.18 and what
 * after it since; a repeated lookup has a section of its own in all releases.
 * Not modelled: the killable writer of 6.19, which only fork uses.
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

/*
 * A reader gives up: out of the RCU section, and the count given back if it is
 * in @counted. @other_mm: the process that @counted belongs to now.
 */
static struct vm_area_struct *
start_read_failed(struct mm_struct *mm, struct vm_area_struct *counted, struct mm_struct *other_mm)
{
	bool leave_first = other_mm || mmsim_since(mm, 6, 18);

	if (leave_first)
		rcu_read_unlock();
	/* Its writer is the one that the put may have to wake. */
	if (other_mm && !MUTANT(VMREF_NO_MMGRAB))
		mmgrab(other_mm);
	if (counted)
		vma_refcount_put(counted);
	if (other_mm && !MUTANT(VMREF_NO_MMGRAB))
		mmdrop(other_mm);
	if (!leave_first)
		rcu_read_unlock();
	return NULL;
}

/* NULL: @miss is LOCKED or MOVED; or *detached, then it is to be looked up again. */
static __always_inline struct vm_area_struct *start_read(struct mm_struct *mm,
							 struct vm_area_struct *vma,
							 enum lock_site site, bool *detached,
							 enum vma_lock_miss *miss)
{
	unsigned int seq;
	int old;

	*detached = false;
	*miss = VMA_MISS_LOCKED;
	seq = READ_ONCE(mm->mm_lock_seq.sequence);
	if (unlikely(READ_ONCE(vma->vm_lock_seq) == seq))
		return start_read_failed(mm, NULL, NULL);
	/*
	 * Acquire: pairs with the release in vma_mark_attached(); what follows
	 * is read of the VMA as it was attached.
	 */
	old = refcount_inc_limited(&vma->vm_refcnt);
	*detached = old == 0;
	if (unlikely(old == 0 || old >= REFCNT_LIMIT))
		return start_read_failed(mm, NULL, NULL);
	trace_acquired(vma, LOCK_vma_lock, site, LOCK_READ, false);
	/* Reused by another process? */
	if (unlikely(vma->vm_mm != mm)) {
		*miss = VMA_MISS_MOVED;
		return start_read_failed(mm, vma, vma->vm_mm);
	}
	/* Acquire: pairs with the release in write_end(). */
	seq = smp_load_acquire(&mm->mm_lock_seq.sequence);
	if (unlikely(READ_ONCE(vma->vm_lock_seq) == seq) && !MUTANT(VMA_SECOND_SEQ_CHECK_SKIPPED))
		return start_read_failed(mm, vma, NULL);
	return vma;
}

static struct vm_area_struct *refcnt_vma_start_read(struct mm_struct *mm,
						    struct vm_area_struct *vma, enum lock_site site,
						    bool *detached)
{
	enum vma_lock_miss ignored;

	return start_read(mm, vma, site, detached, &ignored);
}

static bool refcnt_vma_start_read_locked(struct vm_area_struct *vma, enum lock_site site)
{
	int old = refcount_inc_limited(&vma->vm_refcnt);

	/* Attached for as long as mmap_lock is held, so only the limit can refuse. */
	if (old == 0 || old >= REFCNT_LIMIT)
		return false;
	trace_acquired(vma, LOCK_vma_lock, site, LOCK_READ, false);
	return true;
}

static bool covers(const struct vm_area_struct *vma, unsigned long addr)
{
	return (addr >= vma->vm_start && addr < vma->vm_end) || MUTANT(VMA_RANGE_CHECK_FORGOTTEN);
}

static struct vm_area_struct *refcnt_lock_vma_under_rcu(struct mm_struct *mm, unsigned long addr,
							enum lock_site site,
							enum vma_lock_miss *miss)
{
	struct vm_area_struct *vma;
	bool detached = false;

	do {
		rcu_read_lock();
		vma = vma_tree_walk(&mm->mm_mt, addr);
		*miss = VMA_MISS_GAP;
		if (!vma) {
			rcu_read_unlock();
			break;
		}
		vma = start_read(mm, vma, site, &detached, miss);
		if (detached)
			count_vma_lock_miss(site);
	} while (!vma && detached);
	if (vma && covers(vma, addr)) {
		rcu_read_unlock();
		*miss = VMA_MISS_NONE;
		return vma;
	}
	if (vma) {
		start_read_failed(mm, vma, NULL);
		*miss = VMA_MISS_MOVED;
	}
	count_event(COUNTER_vma_lock_abort);
	return NULL;
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
	.vma_start_read = refcnt_vma_start_read,
	.vma_end_read = vma_refcount_put,
	.vma_start_read_locked = refcnt_vma_start_read_locked,
	.vma_start_write = refcnt_vma_start_write,
	.vma_mark_attached = refcnt_vma_mark_attached,
	.vma_mark_detached = refcnt_vma_mark_detached,
	.write_begin = refcnt_write_begin,
	.write_end = refcnt_write_end,
};
