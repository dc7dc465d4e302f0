/* SPDX-License-Identifier: MIT */
/*
 * mremap: grow and shrink in place, move, DONTUNMAP.
 *
 * Fidelity: mmap_lock for write over the whole call (shrinking in place ends as
 * munmap does), the order of checks before and since 6.17, several VMAs in one
 * move since 6.17, merge of the target or a copy of the VMA, page offset of a
 * VMA that was never written, what is undone when page tables cannot be had,
 * limits. Not modelled: files, huge pages, userfaultfd's events.
 */
#include "mm/mremap.h"
#include "base/mutant.h"
#include "rmap/anon_vma.h"

/* By value: <sys/mman.h> has them only for who asks for GNU. */
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#define MREMAP_DONTUNMAP 4
#define MREMAP_KNOWN (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)

struct mremap {
	struct mm_struct *mm;
	struct vm_area_struct *vma; /* of addr; found again after every munmap */
	unsigned long addr, old_len, new_len, new_addr;
	int flags;
	bool populate; /* what was added is locked memory */
	bool unlocked; /* mmap_lock is released already */
};

static bool has_new_addr(const struct mremap *r)
{
	return r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

static bool count_near_limit(const struct mm_struct *mm, uint64_t more)
{
	return (uint64_t)mm->map_count + more + 3 >= mm->sim->config.max_map_count;
}

/* ---- checks ---- */

/* Of a new address, without a look at any VMA. */
static int check_new_addr(const struct mremap *r)
{
	if (r->new_len > TASK_SIZE || r->new_addr > TASK_SIZE - r->new_len)
		return -EINVAL;
	if (r->new_addr & ~PAGE_MASK)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	/* Up to three VMAs more while it moves. */
	return count_near_limit(r->mm, 2) ? -ENOMEM : 0;
}

static int check_flags(const struct mremap *r)
{
	if (r->flags & ~MREMAP_KNOWN)
		return -EINVAL;
	if (has_new_addr(r) && !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && r->old_len != r->new_len)
		return -EINVAL;
	if ((r->addr & ~PAGE_MASK) || !r->new_len)
		return -EINVAL;
	return 0;
}

/* The VMA at hand, when it is to be moved or to grow. */
static int check_vma(struct mremap *r)
{
	struct vm_area_struct *vma = r->vma;
	unsigned long grow, pgoff;

	if (!r->old_len)
		return -EINVAL; /* only a shared mapping can be mapped twice */
	if (!has_new_addr(r) && r->new_len <= r->old_len)
		return 0;
	/* What is cut off is unmapped first and may reach over other VMAs. */
	if (MIN(r->old_len, r->new_len) > vma->vm_end - r->addr)
		return -EFAULT;
	if (r->new_len <= r->old_len)
		return 0;
	grow = r->new_len - r->old_len;
	pgoff = vma->vm_pgoff + ((r->addr - vma->vm_start) >> PAGE_SHIFT);
	if (pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (!mlock_future_ok(r->mm, vma->vm_flags, grow))
		return -EAGAIN;
	r->populate = vma->vm_flags & VM_LOCKED;
	return 0;
}

/* ---- move ---- */

/* The VMA that is to have the pages: a neighbour of the place that grew, or a copy. */
static struct vm_area_struct *copy_vma(struct mremap *r, bool *need_rmap_locks)
{
	struct vm_area_struct *vma = r->vma, *new;
	unsigned long vma_start = vma->vm_start;
	struct vma_merge m = {
		.mm = r->mm,
		.from = vma,
		.start = r->new_addr,
		.end = r->new_addr + r->new_len,
		.pgoff = vma->vm_pgoff + ((r->addr - vma->vm_start) >> PAGE_SHIFT),
		.vm_flags = vma->vm_flags,
		.name = vma->anon_name,
	};

	/* Never written: nothing ties it to its page offset, and it may merge there. */
	if (!vma->anon_vma)
		m.pgoff = r->new_addr >> PAGE_SHIFT;
	new = vma_merge_new_range(&m);
	if (new) {
		/* It may have grown over to its own target, or been swallowed by that. */
		if (vma_start >= new->vm_start && vma_start < new->vm_end)
			r->vma = vma = new;
		/* An rmap walk would come to the target first and may miss what moves. */
		*need_rmap_locks = new->vm_pgoff <= vma->vm_pgoff && !MUTANT(MREMAP_NO_RMAP_LOCK);
		return new;
	}
	*need_rmap_locks = false;
	new = vm_area_dup(vma, r->addr, r->addr + r->new_len);
	if (!new)
		return NULL;
	new->vm_start = r->new_addr;
	new->vm_end = r->new_addr + r->new_len;
	new->vm_pgoff = m.pgoff;
	if (anon_vma_clone(new, vma)) {
		vm_area_free(new);
		return NULL;
	}
	if (vma_insert(new)) {
		unlink_anon_vmas(new);
		vm_area_free(new);
		return NULL;
	}
	return new;
}

/* Unmap [@addr, + @len): what is left when it cannot be split stays mapped, empty. */
static void unmap_source(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	(void)unmap_range_locked(mm, addr, addr + len);
}

/*
 * Since 6.17 the pages of the new place are counted as locked also when the old
 * one is kept; that is not locked any more and so never takes its own off.
 */
static void lose_locked(struct mremap *r)
{
	struct mm_struct *mm = r->mm;
	unsigned long counted = mmsim_since(mm, 6, 17) ? 0 : r->new_len >> PAGE_SHIFT;

	mm->locked_vm -= counted;
	mm->locked_vm_lost += vma_pages(r->vma) - counted;
}

static void keep_source(struct mremap *r, struct vm_area_struct *new)
{
	struct vm_area_struct *vma = r->vma;

	vma_start_write(vma);
	/* All of the VMA, also what stays where it is. */
	if (vma->vm_flags & VM_LOCKED)
		lose_locked(r);
	WRITE_ONCE(vma->vm_flags, vma->vm_flags & ~VM_LOCKED_MASK);
	/* Emptied as a whole: it may merge as one that was never written, at its offset. */
	if (new != vma && vma->vm_start == r->addr && vma->vm_end == r->addr + r->old_len) {
		unlink_anon_vmas(vma);
		r->mm->kept_offsets |= vma->vm_pgoff != vma->vm_start >> PAGE_SHIFT;
	}
}

/*
 * A monitor is not told of moves: it loses the VMA that the pages are in now,
 * with all that this merged with.
 */
static void disarm(struct vm_area_struct *vma)
{
	vma_start_write(vma);
	WRITE_ONCE(vma->vm_flags, vma->vm_flags & ~VM_UFFD_MISSING);
}

static long move_vma(struct mremap *r)
{
	struct mm_struct *mm = r->mm;
	unsigned long pages = r->new_len >> PAGE_SHIFT;
	bool locked = r->vma->vm_flags & VM_LOCKED;
	struct vm_area_struct *new;
	struct page_move move;
	int err;

	if (count_near_limit(mm, 0))
		return -ENOMEM;
	vma_start_write(r->vma);
	new = copy_vma(r, &move.need_rmap_locks);
	if (!new)
		return -ENOMEM;
	mm->total_vm += pages;
	mm->locked_vm += locked ? pages : 0;
	move.mm = mm;
	move.vma = new;
	move.from = r->addr;
	move.to = r->new_addr;
	move.len = r->old_len;
	err = move_page_tables(&move);
	if (err) {
		/* What moved has moved back; the new place goes. */
		unmap_source(mm, r->new_addr, r->new_len);
		return err;
	}
	count_event(COUNTER_mremap_moves);
	if (move.need_rmap_locks)
		count_event(COUNTER_mremap_rmap_locks);
	disarm(new);
	if (r->flags & MREMAP_DONTUNMAP)
		keep_source(r, new);
	else
		unmap_source(mm, r->addr, r->old_len);
	return (long)r->new_addr;
}

/* ---- to a given place ---- */

static long mremap_to(struct mremap *r)
{
	long place;
	int err;

	if (r->flags & MREMAP_FIXED) {
		err = unmap_range_locked(r->mm, r->new_addr, r->new_addr + r->new_len);
		if (err)
			return err;
	}
	if (r->old_len > r->new_len) {
		err = unmap_range_locked(r->mm, r->addr + r->new_len, r->addr + r->old_len);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	/* A part of the same VMA may have gone: it is another one now. */
	r->vma = vma_tree_walk(&r->mm->mm_mt, r->addr);
	if (!r->vma)
		return -EFAULT;
	if (!mmsim_since(r->mm, 6, 17)) {
		err = check_vma(r);
		if (err)
			return err;
	}
	place = get_unmapped_area(r->mm, r->new_addr, r->new_len, r->flags & MREMAP_FIXED);
	if (place < 0)
		return place;
	r->new_addr = (unsigned long)place;
	return move_vma(r);
}

/* 6.17: every VMA of the range by itself, with the gaps between them kept. */
static long remap_move(struct mremap *r)
{
	const struct mremap whole = *r;
	unsigned long end = r->addr + r->old_len, next = r->addr;
	long first = -EFAULT;

	while (next < end) {
		long moved;
		int err;

		r->vma = vma_tree_find(&r->mm->mm_mt, next, NULL, NULL);
		if (!r->vma || r->vma->vm_start >= end)
			break;
		if (next == whole.addr && r->vma->vm_start > next)
			return -EFAULT;
		/* A monitor cannot be told of several at once. */
		if ((r->vma->vm_flags & VM_UFFD_MISSING) &&
		    (next != whole.addr || r->vma->vm_end < end))
			return -EFAULT;
		r->addr = MAX(r->vma->vm_start, next);
		r->old_len = r->new_len = MIN(r->vma->vm_end, end) - r->addr;
		r->new_addr = whole.new_addr + (r->addr - whole.addr);
		next = r->addr + r->old_len;
		err = check_vma(r);
		moved = err ? err : mremap_to(r);
		if (moved < 0)
			return moved;
		if (first < 0)
			first = moved;
	}
	return first;
}

/* ---- in place ---- */

static bool can_expand_in_place(const struct mremap *r)
{
	const struct vm_area_struct *vma = r->vma;
	unsigned long end = r->addr + r->new_len, next;

	if (vma->vm_end != r->addr + r->old_len || end < vma->vm_end || end > TASK_SIZE)
		return false;
	return !vma_tree_find(&r->mm->mm_mt, vma->vm_end, &next, NULL) || next >= end;
}

static long expand_vma(struct mremap *r)
{
	struct vm_area_struct *vma = r->vma;
	unsigned long pages = (r->new_len - r->old_len) >> PAGE_SHIFT;
	struct vma_merge m = {
		.mm = r->mm,
		.anon_vma = vma->anon_vma,
		.start = vma->vm_end,
		.end = r->addr + r->new_len,
		.pgoff = vma->vm_pgoff + vma_pages(vma),
		.vm_flags = vma->vm_flags,
		.name = vma->anon_name,
	};
	long place;

	if (can_expand_in_place(r)) {
		bool locked = vma->vm_flags & VM_LOCKED;

		if (!vma_merge_new_range(&m))
			return -ENOMEM;
		r->mm->total_vm += pages;
		if (locked)
			r->mm->locked_vm += pages;
		r->new_addr = r->addr;
		return (long)r->addr;
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	place = get_unmapped_area(r->mm, mmsim_since(r->mm, 6, 17) ? r->addr : 0, r->new_len,
				  false);
	if (place < 0)
		return place;
	r->new_addr = (unsigned long)place;
	return move_vma(r);
}

static long mremap_at(struct mremap *r)
{
	int err;

	if (r->new_len > r->old_len)
		return expand_vma(r);
	if (r->new_len == r->old_len)
		return (long)r->addr;
	err = munmap_locked(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
	if (err)
		return err;
	r->unlocked = true;
	return (long)r->addr;
}

/* ---- the call; mmap_lock held for write ---- */

static long mremap_locked(struct mremap *r)
{
	bool since_6_17 = mmsim_since(r->mm, 6, 17);
	int err;

	if (since_6_17 && (r->flags & MREMAP_FIXED) && r->old_len == r->new_len)
		return remap_move(r);
	r->vma = vma_tree_walk(&r->mm->mm_mt, r->addr);
	if (!r->vma)
		return -EFAULT;
	if (!since_6_17 && has_new_addr(r)) {
		/* The VMA is looked at when the target is unmapped already. */
		err = check_new_addr(r);
		return err ? err : mremap_to(r);
	}
	err = check_vma(r);
	if (err)
		return err;
	return has_new_addr(r) ? mremap_to(r) : mremap_at(r);
}

long do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long old_len,
	       unsigned long new_len, int flags, unsigned long new_addr)
{
	struct mremap r = {
		.mm = mm,
		.addr = addr,
		.old_len = PAGE_ALIGN(old_len),
		.new_len = PAGE_ALIGN(new_len),
		.new_addr = new_addr,
		.flags = flags,
	};
	unsigned long grown_from;
	long result;

	count_event(COUNTER_mremap_calls);
	result = check_flags(&r);
	if (!result && mmsim_since(mm, 6, 17) && r.new_len > TASK_SIZE)
		result = -EINVAL;
	if (!result && mmsim_since(mm, 6, 17) && has_new_addr(&r))
		result = check_new_addr(&r);
	if (result)
		return result;
	if (mmap_write_lock_killable(mm, SITE_mremap))
		return -EINTR;
	result = mremap_locked(&r);
	if (!r.unlocked)
		mmap_write_unlock(mm);
	if (result >= 0 && r.populate) {
		grown_from = (unsigned long)result + r.old_len;
		(void)mm_populate(mm, grown_from, (unsigned long)result + r.new_len, true);
	}
	return result;
}
