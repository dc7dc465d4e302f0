/* SPDX-License-Identifier: MIT */
/*
 * madvise and process_madvise: which lock, the walk over the VMAs, and what
 * each advice does to one VMA.
 *
 * Fidelity: the lock of each advice by release; a single VMA under its read
 * lock where that is enough, else mmap_lock for read for the rest of the call
 * (and of the vector), every reason counted; the walk goes on behind gaps and
 * answers ENOMEM at the end; the gather is finished after the VMA lock is
 * dropped and before mmap_lock is. One lock a vector is taken to be since 6.15,
 * one gather a call since 6.16, all advices for the caller's own vector since
 * 6.13. The kernel is one without CONFIG_MEMORY_FAILURE and swap: HWPOISON and
 * SOFT_OFFLINE do not exist, PAGEOUT only ages, WILLNEED has nothing to do.
 * COLLAPSE never gets a huge page. DONTNEED and FREE of an armed VMA tell its
 * monitor, as with userfaultfd's REMOVE event. COLD and PAGEOUT look for a kill
 * after the walk only. Not modelled: KSM itself, files.
 */
#include "mm/madvise.h"

#include <sys/mman.h>

#define VECTOR_MAX 1024 /* elements of a process_madvise */

/* clang-format off */
static const struct madvise_strategy strategies[] = {
	{ .name = "mmap_lock", .since = "0",
	  .models = "Linux before 6.17: mmap_lock for read over the whole call",
	  .helps = "none: the base" },
	{ .name = "vma_lock", .since = "6.17",
	  .models = "Linux 6.17: DONTNEED and FREE inside one VMA take only that VMA's lock; "
		    "6.19: guard pages, too",
	  .helps = "split lock", .vma_lock = true },
};
/* clang-format on */

const struct madvise_strategy *madvise_strategy_at(unsigned int i)
{
	return i < ARRAY_SIZE(strategies) ? &strategies[i] : NULL;
}

/* ---- what an advice does to the part of the range that lies in one VMA ---- */

/* An armed VMA's monitor hears of it first, without the lock. -ENOMEM: the VMA is gone. */
static int userfaultfd_remove(struct madvise *m, unsigned long start, unsigned long *end)
{
	/* Under the VMA lock there is none: an armed VMA is a reason to fall back. */
	if (!(m->vma->vm_flags & VM_UFFD_MISSING))
		return 0;
	mmap_read_unlock(m->mm);
	mmap_read_lock(m->mm, SITE_madvise);
	m->vma = vma_tree_walk(&m->mm->mm_mt, start);
	if (!m->vma)
		return -ENOMEM;
	*end = MIN(*end, m->vma->vm_end);
	return 0;
}

static bool may_discard(const struct madvise *m)
{
	return !(m->vma->vm_flags & VM_LOCKED) || m->advice == MADV_DONTNEED_LOCKED;
}

static int madvise_dontneed_free(struct madvise *m, unsigned long start, unsigned long end)
{
	int err;

	if (!may_discard(m))
		return -EINVAL;
	err = userfaultfd_remove(m, start, &end);
	if (err)
		return err;
	/* It may be another VMA now. */
	if (!may_discard(m))
		return -EINVAL;
	if (m->advice == MADV_FREE)
		lazyfree_page_range(&m->tlb, start, end);
	else
		zap_page_range(&m->tlb, start, end, false);
	return 0;
}

static int madvise_cold_or_pageout(struct madvise *m, unsigned long start, unsigned long end)
{
	struct mmu_gather tlb;

	if (m->vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	/* A gather of its own, finished under the lock. */
	tlb_gather_mmu(&tlb, m->mm);
	cold_page_range(&tlb, start, end);
	tlb_finish_mmu(&tlb);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* There is no huge page to be had, where one could be made at all. */
static int madvise_collapse(struct madvise *m, unsigned long start, unsigned long end)
{
	unsigned long first = (start + PMD_SIZE - 1) & ~(PMD_SIZE - 1);

	if ((m->vma->vm_flags & VM_NOHUGEPAGE) || first + PMD_SIZE > end ||
	    !pte_table_find(m->mm, first))
		return -EINVAL;
	/* The lock is dropped for the allocation. */
	mmap_read_unlock(m->mm);
	mmap_read_lock(m->mm, SITE_madvise);
	return -ENOMEM;
}

static int madvise_vma_behavior(struct madvise *m, unsigned long start, unsigned long end)
{
	machine_work(WORK_vma_visit, 1);
	switch (m->advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return madvise_dontneed_free(m, start, end);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return madvise_cold_or_pageout(m, start, end);
	case MADV_WILLNEED:
		return 0;
	case MADV_REMOVE:
		return -EINVAL; /* a hole can only be punched into a file */
	case MADV_COLLAPSE:
		return madvise_collapse(m, start, end);
	case MADV_GUARD_INSTALL:
		return madvise_guard_install(m->vma, start, end);
	case MADV_GUARD_REMOVE:
		return madvise_guard_remove(m->vma, start, end);
	default:
		return madvise_change_flags(m->vma, start, end, m->advice);
	}
}

/* ---- the lock ---- */

static enum madvise_mode madvise_mode_of(const struct mm_struct *mm, int advice)
{
	bool vma_lock = mm->sim->madvise->vma_lock;

	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return vma_lock ? MADVISE_VMA_LOCK : MADVISE_READ_LOCK;
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		return vma_lock && mmsim_since(mm, 6, 19) ? MADVISE_VMA_LOCK : MADVISE_READ_LOCK;
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_WILLNEED:
	case MADV_REMOVE:
	case MADV_COLLAPSE:
		return MADVISE_READ_LOCK;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return MADVISE_NO_LOCK;
	default:
		return MADVISE_WRITE_LOCK;
	}
}

/* Is a gather held open for all of the call? */
static bool wants_gather(int advice)
{
	return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE;
}

static enum trace_counter fallback_of(enum vma_lock_miss miss)
{
	static const enum trace_counter counters[] = {
		[VMA_MISS_OFF] = COUNTER_madvise_fallback_off,
		[VMA_MISS_GAP] = COUNTER_madvise_fallback_gap,
		[VMA_MISS_LOCKED] = COUNTER_madvise_fallback_locked,
		[VMA_MISS_MOVED] = COUNTER_madvise_fallback_moved,
		[VMA_MISS_UNLOCKABLE] = COUNTER_madvise_fallback_unlockable,
	};

	return counters[miss];
}

/* Why the VMA just locked is not enough; NR_COUNTERS: it is. */
static enum trace_counter not_enough(const struct madvise *m, const struct vm_area_struct *vma,
				     unsigned long end)
{
	if (end > vma->vm_end)
		return COUNTER_madvise_fallback_crosses;
	if (current->mm != m->mm)
		return COUNTER_madvise_fallback_remote;
	if (vma->vm_flags & VM_UFFD_MISSING)
		return COUNTER_madvise_fallback_userfaultfd;
	if (m->advice == MADV_GUARD_INSTALL && !READ_ONCE(vma->anon_vma))
		return COUNTER_madvise_fallback_guard;
	return NR_COUNTERS;
}

/* The VMA read-locked, when the whole range lies in it; NULL: the reason is counted. */
static struct vm_area_struct *try_vma_read_lock(struct madvise *m, unsigned long start,
						unsigned long end)
{
	struct mm_struct *mm = m->mm;
	enum trace_counter reason;
	struct vm_area_struct *vma;
	enum vma_lock_miss miss;

	vma = mm->fault->lock_vma_under_rcu(mm, start, SITE_madvise_vma, &miss);
	if (!vma) {
		count_event(fallback_of(miss));
		return NULL;
	}
	reason = not_enough(m, vma, end);
	if (reason == NR_COUNTERS)
		return vma;
	count_event(reason);
	vma_end_read(vma);
	return NULL;
}

/* ---- the walk ---- */

/* mmap_lock held. -ENOMEM when there was a gap; what is mapped is done. */
static int madvise_walk_vmas(struct madvise *m, unsigned long start, unsigned long end)
{
	int unmapped = 0;

	while (start < end) {
		unsigned long next;
		int err;

		m->vma = vma_tree_find(&m->mm->mm_mt, start, NULL, NULL);
		if (!m->vma || m->vma->vm_start >= end)
			return -ENOMEM;
		if (start < m->vma->vm_start) {
			unmapped = -ENOMEM;
			start = m->vma->vm_start;
		}
		next = MIN(m->vma->vm_end, end);
		err = madvise_vma_behavior(m, start, next);
		if (err)
			return err;
		if (wants_gather(m->advice) && !mmsim_since(m->mm, 6, 16)) {
			tlb_finish_mmu(&m->tlb);
			tlb_gather_mmu(&m->tlb, m->mm);
		}
		start = next;
	}
	return unmapped;
}

static int madvise_do_behavior(struct madvise *m, unsigned long start, unsigned long end)
{
	int err;

	if (m->mode == MADVISE_NO_LOCK)
		return madvise_populate(m->mm, start, end, m->advice == MADV_POPULATE_WRITE);
	if (wants_gather(m->advice))
		count_event(COUNTER_madvise_zaps);
	if (m->mode == MADVISE_VMA_LOCK) {
		m->vma = try_vma_read_lock(m, start, end);
		if (m->vma) {
			count_event(COUNTER_madvise_vma_lock);
			err = madvise_vma_behavior(m, start, end);
			vma_end_read(m->vma);
			return err;
		}
		/* From here on, for all of the call and of the vector. */
		m->mode = MADVISE_READ_LOCK;
		mmap_read_lock(m->mm, SITE_madvise);
	} else if (madvise_mode_of(m->mm, m->advice) == MADVISE_VMA_LOCK) {
		count_event(COUNTER_madvise_fallback_vector);
	}
	if (wants_gather(m->advice) || madvise_mode_of(m->mm, m->advice) == MADVISE_VMA_LOCK)
		count_event(COUNTER_madvise_mmap_lock);
	return madvise_walk_vmas(m, start, end);
}

/* ---- the calls ---- */

static bool advice_exists(const struct mm_struct *mm, int advice)
{
	switch (advice) {
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		return mmsim_since(mm, 6, 13);
	case MADV_COLLAPSE:
		return mmsim_since(mm, 6, 1);
	case MADV_DONTNEED_LOCKED:
		return mmsim_since(mm, 5, 18);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return mmsim_since(mm, 5, 4);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return mmsim_since(mm, 5, 14);
	default:
		return madvise_mode_of(mm, advice) != MADVISE_WRITE_LOCK ||
		       madvise_changes_flags(advice);
	}
}

/* 0: to be done; 1: nothing to do; -EINVAL. */
static int check_range(unsigned long start, unsigned long len, unsigned long *end)
{
	*end = start + PAGE_ALIGN(len);
	if ((start & ~PAGE_MASK) || (len && !PAGE_ALIGN(len)) || *end < start)
		return -EINVAL;
	return *end == start;
}

/* 0 or -EINTR. */
static int madvise_begin(struct madvise *m)
{
	m->mode = madvise_mode_of(m->mm, m->advice);
	if (m->mode == MADVISE_READ_LOCK)
		mmap_read_lock(m->mm, SITE_madvise);
	else if (m->mode == MADVISE_WRITE_LOCK &&
		 mmap_write_lock_killable(m->mm, SITE_madvise_flags))
		return -EINTR;
	m->begun = true;
	if (wants_gather(m->advice))
		tlb_gather_mmu(&m->tlb, m->mm);
	return 0;
}

/* What was zapped is freed: before mmap_lock goes, after the VMA lock went. */
static void madvise_end(struct madvise *m)
{
	if (!m->begun)
		return;
	m->begun = false;
	if (wants_gather(m->advice))
		tlb_finish_mmu(&m->tlb);
	if (m->mode == MADVISE_READ_LOCK)
		mmap_read_unlock(m->mm);
	else if (m->mode == MADVISE_WRITE_LOCK)
		mmap_write_unlock(m->mm);
}

int do_madvise(struct mm_struct *mm, unsigned long addr, unsigned long len, int advice)
{
	struct madvise m = {.mm = mm, .advice = advice};
	unsigned long end;
	int err;

	count_event(COUNTER_madvise_calls);
	if (!advice_exists(mm, advice))
		return -EINVAL;
	err = check_range(addr, len, &end);
	if (err)
		return MIN(err, 0);
	do {
		if (fatal_signal_pending(current) && err)
			return -EINTR;
		err = madvise_begin(&m);
		if (err)
			return err;
		err = madvise_do_behavior(&m, addr, end);
		madvise_end(&m);
	} while (err == MADVISE_RESTART);
	return err;
}

/* ---- process_madvise ---- */

/* May the caller give this advice in a vector? */
static bool vector_allowed(const struct mm_struct *mm, int advice)
{
	if (current->mm == mm && mmsim_since(mm, 6, 13))
		return true;
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
	       (advice == MADV_COLLAPSE && mmsim_since(mm, 6, 1));
}

/* One element of a vector whose lock is held. */
static int madvise_element(struct madvise *m, const struct mmsim_range *range)
{
	unsigned long end;
	int err = check_range(range->start, range->len, &end);

	if (err)
		return MIN(err, 0);
	count_event(COUNTER_madvise_calls);
	err = madvise_do_behavior(m, range->start, end);
	while (err == MADVISE_RESTART) {
		/* Let go of everything, and the same element again. */
		madvise_end(m);
		if (fatal_signal_pending(current) || madvise_begin(m))
			return -EINTR;
		err = madvise_do_behavior(m, range->start, end);
	}
	return err;
}

/* Before 6.15 each element was a call of its own. */
static long madvise_one_by_one(struct madvise *m, const struct mmsim_range *ranges, unsigned int nr)
{
	long done = 0;

	for (unsigned int i = 0; i < nr; i++) {
		int err = do_madvise(m->mm, ranges[i].start, ranges[i].len, m->advice);

		if (err)
			return done ? done : err;
		done += (long)ranges[i].len;
	}
	return done;
}

long do_process_madvise(struct mm_struct *mm, const struct mmsim_range *ranges, unsigned int nr,
			int advice)
{
	struct madvise m = {.mm = mm, .advice = advice};
	long done = 0;
	int err;

	if (nr > VECTOR_MAX || !vector_allowed(mm, advice))
		return -EINVAL;
	/* The element is asked, not the call. */
	if (!advice_exists(mm, advice))
		return nr ? -EINVAL : 0;
	if (!mmsim_since(mm, 6, 15))
		return madvise_one_by_one(&m, ranges, nr);
	err = madvise_begin(&m);
	if (err)
		return err;
	for (unsigned int i = 0; i < nr && !err; i++) {
		err = madvise_element(&m, &ranges[i]);
		if (!err)
			done += (long)ranges[i].len;
	}
	madvise_end(&m);
	return done ? done : err;
}
