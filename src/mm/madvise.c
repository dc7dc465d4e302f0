/* SPDX-License-Identifier: MIT */
/*
 * madvise: DONTNEED and FREE.
 *
 * Fidelity: 6.17's order: a single VMA under its read lock, else mmap_lock for
 * read for the rest of the call, every reason counted; the walk goes on behind
 * gaps and answers ENOMEM at the end; the gather is finished after the VMA
 * lock is dropped and before mmap_lock is. Not modelled: other advices, remote
 * processes, userfaultfd.
 */
#include "mm/mm.h"

#include <sys/mman.h>

/* clang-format off */
static const struct madvise_strategy strategies[] = {
	{ .name = "mmap_lock", .since = "0",
	  .models = "Linux before 6.17: mmap_lock for read over the whole call",
	  .helps = "none: the base" },
	{ .name = "vma_lock", .since = "6.17",
	  .models = "Linux 6.17: DONTNEED and FREE inside one VMA take only that VMA's lock",
	  .helps = "split lock", .vma_lock = true },
};
/* clang-format on */

const struct madvise_strategy *madvise_strategy_at(unsigned int i)
{
	return i < ARRAY_SIZE(strategies) ? &strategies[i] : NULL;
}

struct madvise {
	struct mmu_gather tlb;
	struct mm_struct *mm;
	int advice;
};

/* The part of the range that lies in one VMA. */
static void advise_vma(struct madvise *m, unsigned long start, unsigned long end)
{
	machine_work(WORK_vma_visit, 1);
	if (m->advice == MADV_FREE)
		lazyfree_page_range(&m->tlb, start, end);
	else
		zap_page_range(&m->tlb, start, end);
}

static void count_fallback(enum vma_lock_miss miss)
{
	static const enum trace_counter counters[] = {
		[VMA_MISS_OFF] = COUNTER_madvise_fallback_off,
		[VMA_MISS_GAP] = COUNTER_madvise_fallback_gap,
		[VMA_MISS_LOCKED] = COUNTER_madvise_fallback_locked,
		[VMA_MISS_MOVED] = COUNTER_madvise_fallback_moved,
		[VMA_MISS_ANON] = COUNTER_madvise_fallback_anon,
	};

	count_event(counters[miss]);
}

/* The VMA read-locked, when the whole range lies in it. */
static struct vm_area_struct *try_vma_read_lock(struct mm_struct *mm, unsigned long start,
						unsigned long end)
{
	struct vm_area_struct *vma;
	enum vma_lock_miss miss;

	vma = mm->fault->lock_vma_under_rcu(mm, start, SITE_madvise_vma, &miss);
	if (!vma) {
		count_fallback(miss);
		return NULL;
	}
	if (end > vma->vm_end) {
		count_event(COUNTER_madvise_fallback_crosses);
		vma_end_read(vma);
		return NULL;
	}
	return vma;
}

/* mmap_lock held for read. -ENOMEM when there was a gap; what is mapped is done. */
static int madvise_walk_vmas(struct madvise *m, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	int unmapped = 0;

	while (start < end) {
		unsigned long next;

		vma = vma_tree_find(&m->mm->mm_mt, start, NULL, NULL);
		if (!vma || vma->vm_start >= end)
			return -ENOMEM;
		if (start < vma->vm_start) {
			unmapped = -ENOMEM;
			start = vma->vm_start;
		}
		next = MIN(vma->vm_end, end);
		advise_vma(m, start, next);
		/* One gather a call only since 6.16. */
		if (!mmsim_since(m->mm, 6, 16)) {
			tlb_finish_mmu(&m->tlb);
			tlb_gather_mmu(&m->tlb, m->mm);
		}
		start = next;
	}
	return unmapped;
}

static int madvise_do(struct madvise *m, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = m->mm;
	struct vm_area_struct *vma = NULL;
	int err;

	if (mm->sim->madvise->vma_lock)
		vma = try_vma_read_lock(mm, start, end);
	if (vma) {
		count_event(COUNTER_madvise_vma_lock);
		advise_vma(m, start, end);
		vma_end_read(vma);
		tlb_finish_mmu(&m->tlb);
		return 0;
	}
	count_event(COUNTER_madvise_mmap_lock);
	mmap_read_lock(mm, SITE_madvise);
	err = madvise_walk_vmas(m, start, end);
	tlb_finish_mmu(&m->tlb);
	mmap_read_unlock(mm);
	return err;
}

int do_madvise(struct mm_struct *mm, unsigned long addr, unsigned long len, int advice)
{
	struct madvise m = {.mm = mm, .advice = advice};
	unsigned long end;

	machine_work(WORK_syscall, 1);
	if (advice != MADV_DONTNEED && advice != MADV_FREE)
		return -EOPNOTSUPP;
	count_event(COUNTER_madvise_calls);
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	end = addr + PAGE_ALIGN(len);
	if (end < addr || (len && !PAGE_ALIGN(len)))
		return -EINVAL;
	if (end == addr)
		return 0;
	tlb_gather_mmu(&m.tlb, mm);
	return madvise_do(&m, addr, end);
}
