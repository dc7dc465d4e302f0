/* SPDX-License-Identifier: MIT */
/*
 * VMAs: allocation, split, merge.
 *
 * Fidelity: rules of 6.18 for anonymous private VMAs of one process that was
 * not forked: which neighbours may merge, with which of them when both could,
 * what is write-locked, the anon_vma root lock around a change of bounds; the
 * narrower anon_vma rule before 6.16. Not modelled: files, policies, fork
 * children, hugetlb.
 */
#include "mm/mm.h"
#include "rmap/anon_vma.h"

#include <sys/mman.h>

unsigned long vma_flags_of(int prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_alloc(mm->sim->vma_cache);

	if (!vma)
		return NULL;
	/* A typesafe slot is not zeroed. */
	vma->vm_mm = mm;
	vma->next_detached = NULL;
	WRITE_ONCE(vma->anon_vma, NULL);
	if (mm->fault->vma_init(vma)) {
		kmem_cache_free(mm->sim->vma_cache, vma);
		return NULL;
	}
	return vma;
}

void vm_area_free(struct vm_area_struct *vma)
{
	vma->vm_mm->fault->vma_free(vma);
}

static void vma_set_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	vma->vm_pgoff += (start >> PAGE_SHIFT) - (vma->vm_start >> PAGE_SHIFT);
	vma->vm_start = start;
	vma->vm_end = end;
}

/* ---- split ---- */

int __split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *new = vm_area_alloc(mm);
	int err = -ENOMEM;

	if (!new)
		return -ENOMEM;
	new->vm_start = vma->vm_start;
	new->vm_end = vma->vm_end;
	new->vm_pgoff = vma->vm_pgoff;
	new->vm_flags = vma->vm_flags;
	vma_set_range(new, new_below ? vma->vm_start : addr, new_below ? addr : vma->vm_end);
	err = vma_tree_reserve(&mm->mm_mt, 1);
	if (err) {
		vm_area_free(new);
		return err;
	}
	anon_vma_clone(new, vma);
	vma_start_write(vma);
	vma_start_write(new);
	anon_vma_lock_write(vma->anon_vma);
	if (new_below)
		vma_set_range(vma, addr, vma->vm_end);
	else
		vma_set_range(vma, vma->vm_start, addr);
	vma_mark_attached(new);
	vma_tree_store(&mm->mm_mt, new->vm_start, new->vm_end, new);
	mm->map_count++;
	anon_vma_unlock_write(vma->anon_vma);
	vma_tree_unreserve(&mm->mm_mt);
	count_event(COUNTER_vma_split);
	machine_work(WORK_vma_copy, 1);
	return 0;
}

static int split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	struct mm_struct *mm = vma->vm_mm;

	if ((uint64_t)mm->map_count >= mm->sim->config.max_map_count)
		return -ENOMEM;
	return __split_vma(vma, addr, new_below);
}

/* ---- may two merge? ---- */

/* @range is the anon_vma of what is merged into @neighbour. */
static bool anon_vma_compatible(const struct mm_struct *mm, const struct anon_vma *range,
				const struct anon_vma *neighbour)
{
	if (range == neighbour)
		return true;
	if (range && neighbour)
		return false;
	/* Before 6.16 a faulted range did not merge into an unfaulted neighbour. */
	return mmsim_since(mm, 6, 16) || neighbour;
}

static bool can_merge(const struct mm_struct *mm, const struct vm_area_struct *neighbour,
		      unsigned long vm_flags, const struct anon_vma *range)
{
	return neighbour && neighbour->vm_flags == vm_flags &&
	       anon_vma_compatible(mm, range, neighbour->anon_vma);
}

struct merge {
	struct mm_struct *mm;
	struct vm_area_struct *prev, *middle, *next; /* middle: NULL for a new range */
	unsigned long start, end;
	unsigned long vm_flags;
	struct anon_vma *anon_vma; /* of the range */
};

/* The neighbours that touch the range and could take it, decided in the kernel's order. */
static void merge_choose(struct merge *m)
{
	struct vma_tree *tree = &m->mm->mm_mt;
	struct vm_area_struct *prev = vma_tree_find_prev(tree, m->start);
	struct vm_area_struct *next = vma_tree_find(tree, m->end, NULL, NULL);
	bool left = !m->middle || m->middle->vm_start == m->start;
	bool right = !m->middle || m->middle->vm_end == m->end;

	m->prev = prev && left && prev->vm_end == m->start &&
				  can_merge(m->mm, prev, m->vm_flags, m->anon_vma) ?
			  prev :
			  NULL;
	m->next = next && right && next->vm_start == m->end &&
				  can_merge(m->mm, next, m->vm_flags, m->anon_vma) ?
			  next :
			  NULL;
	/* Both sides only when they could merge with each other. */
	if (m->prev && m->next && prev->anon_vma && next->anon_vma &&
	    prev->anon_vma != next->anon_vma)
		m->next = NULL;
}

/* ---- merge ---- */

static void remove_merged(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	vma_mark_detached(vma);
	unlink_anon_vmas(vma);
	mm->map_count--;
	vm_area_free(vma);
	count_event(COUNTER_vma_merge);
}

/*
 * @target grows or moves to [@start, @end). The other VMA of the range, if it
 * shrinks, is @adjust and begins or ends at @border then.
 */
static void commit_bounds(struct vm_area_struct *target, unsigned long start, unsigned long end,
			  struct vm_area_struct *adjust)
{
	struct anon_vma *anon_vma = target->anon_vma;

	anon_vma_lock_write(anon_vma);
	if (adjust && adjust->vm_start < start)
		vma_set_range(adjust, adjust->vm_start, start);
	else if (adjust)
		vma_set_range(adjust, end, adjust->vm_end);
	vma_set_range(target, start, end);
	vma_tree_store(&target->vm_mm->mm_mt, start, end, target);
	anon_vma_unlock_write(anon_vma);
}

/* The merged VMA takes over the anon_vma of what it swallows if it has none. */
static void adopt_anon_vma(struct vm_area_struct *target, struct vm_area_struct *from)
{
	if (from && from != target && !target->anon_vma)
		anon_vma_clone(target, from);
}

static struct vm_area_struct *merge_commit(struct merge *m)
{
	struct vm_area_struct *target = m->prev ? m->prev : m->next;
	struct vm_area_struct *middle = m->middle;
	unsigned long start = m->prev ? m->prev->vm_start : m->start;
	unsigned long end = m->next ? m->next->vm_end : m->end;
	bool middle_goes = middle && middle->vm_start >= start && middle->vm_end <= end;
	bool next_goes = m->prev && m->next;

	if (vma_tree_reserve(&m->mm->mm_mt, 1))
		return NULL;
	if (middle)
		vma_start_write(middle);
	vma_start_write(target);
	if (next_goes)
		vma_start_write(m->next);
	adopt_anon_vma(target, middle);
	if (next_goes)
		adopt_anon_vma(target, m->next);
	commit_bounds(target, start, end, middle_goes ? NULL : middle);
	vma_tree_unreserve(&m->mm->mm_mt);
	if (middle_goes)
		remove_merged(middle);
	if (next_goes)
		remove_merged(m->next);
	if (!middle_goes && !next_goes)
		count_event(COUNTER_vma_merge);
	return target;
}

struct vm_area_struct *vma_merge_new_range(struct mm_struct *mm, unsigned long start,
					   unsigned long end, unsigned long vm_flags)
{
	struct merge m = {.mm = mm, .start = start, .end = end, .vm_flags = vm_flags};

	merge_choose(&m);
	return m.prev || m.next ? merge_commit(&m) : NULL;
}

struct vm_area_struct *vma_modify(struct vm_area_struct *vma, unsigned long start,
				  unsigned long end, unsigned long vm_flags)
{
	struct merge m = {
		.mm = vma->vm_mm,
		.middle = vma,
		.start = start,
		.end = end,
		.vm_flags = vm_flags,
		.anon_vma = vma->anon_vma,
	};

	merge_choose(&m);
	if (m.prev || m.next)
		return merge_commit(&m);
	if (vma->vm_start < start && split_vma(vma, start, true))
		return NULL;
	if (vma->vm_end > end && split_vma(vma, end, false))
		return NULL;
	return vma;
}

/* ---- anon_vma of a neighbour ---- */

/* Alike but for the access bits, so that mprotect could make them one VMA. */
static struct anon_vma *reusable_anon_vma(const struct vm_area_struct *low,
					  const struct vm_area_struct *high,
					  const struct vm_area_struct *neighbour)
{
	unsigned long pages = vma_pages(low);

	if (low->vm_end != high->vm_start || ((low->vm_flags ^ high->vm_flags) & ~VM_ACCESS_FLAGS))
		return NULL;
	if (high->vm_pgoff != low->vm_pgoff + pages)
		return NULL;
	/* Acquire: pairs with the release in __anon_vma_prepare(). */
	return smp_load_acquire(&neighbour->anon_vma);
}

struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma)
{
	struct vma_tree *tree = &vma->vm_mm->mm_mt;
	struct vm_area_struct *next = vma_tree_find(tree, vma->vm_end, NULL, NULL);
	struct vm_area_struct *prev = vma_tree_find_prev(tree, vma->vm_start);
	struct anon_vma *anon_vma = next ? reusable_anon_vma(vma, next, next) : NULL;

	if (!anon_vma && prev)
		anon_vma = reusable_anon_vma(prev, vma, prev);
	return anon_vma;
}
