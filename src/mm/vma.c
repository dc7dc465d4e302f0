/* SPDX-License-Identifier: MIT */
/*
 * VMAs: allocation, split, merge.
 *
 * Fidelity: rules of 6.18 for anonymous private VMAs: which neighbours may
 * merge, with which of them when both could, what is write-locked, the anon_vma
 * root lock around a change of bounds, who inherits anon_vmas and the sticky
 * guard mark; the narrower anon_vma rule before 6.16. The guard mark is not
 * compared, as in the last releases of 6.18. Not modelled: files, policies.
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
	vma->anon_vma_chain = NULL;
	vma->anon_name = NULL;
	vma->maybe_guard = 0;
	WRITE_ONCE(vma->anon_vma, NULL);
	if (mm->fault->vma_init(vma)) {
		kmem_cache_free(mm->sim->vma_cache, vma);
		return NULL;
	}
	return vma;
}

struct vm_area_struct *vm_area_dup_into(struct mm_struct *mm, const struct vm_area_struct *vma,
					unsigned long start, unsigned long end)
{
	struct vm_area_struct *new = vm_area_alloc(mm);

	if (!new)
		return NULL;
	new->vm_start = start;
	new->vm_end = end;
	new->vm_pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT);
	new->vm_flags = vma->vm_flags;
	new->maybe_guard = READ_ONCE(vma->maybe_guard);
	new->anon_name = anon_vma_name_get(vma->anon_name);
	return new;
}

struct vm_area_struct *vm_area_dup(const struct vm_area_struct *vma, unsigned long start,
				   unsigned long end)
{
	return vm_area_dup_into(vma->vm_mm, vma, start, end);
}

void vm_area_free(struct vm_area_struct *vma)
{
	anon_vma_name_put(vma->vm_mm->sim, vma->anon_name);
	vma->vm_mm->fault->vma_free(vma);
}

void vma_set_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	vma->vm_pgoff += (start >> PAGE_SHIFT) - (vma->vm_start >> PAGE_SHIFT);
	vma->vm_start = start;
	vma->vm_end = end;
}

/* ---- split ---- */

int __split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *new =
		vm_area_dup(vma, new_below ? vma->vm_start : addr, new_below ? addr : vma->vm_end);
	int err;

	if (!new)
		return -ENOMEM;
	err = vma_tree_reserve(&mm->mm_mt, 1);
	if (!err)
		err = anon_vma_clone(new, vma);
	if (err) {
		vma_tree_unreserve(&mm->mm_mt);
		vm_area_free(new);
		return err;
	}
	vma_start_write(vma);
	vma_start_write(new);
	/* Whoever installed guard pages under the VMA's lock is done now. */
	new->maybe_guard = vma->maybe_guard;
	anon_vma_resize_begin(vma, NULL, SITE_vma_split);
	if (new_below)
		vma_set_range(vma, addr, vma->vm_end);
	else
		vma_set_range(vma, vma->vm_start, addr);
	vma_mark_attached(new);
	vma_tree_store(&mm->mm_mt, new->vm_start, new->vm_end, new);
	mm->map_count++;
	anon_vma_resize_end(vma, NULL);
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

/*
 * After a fork the anon_vma chain of the child's VMA leads to its ancestors'
 * too. Such a VMA is kept from spreading: every page of what it merged with
 * would have all of them walked.
 */
static bool is_fork_child(const struct vm_area_struct *vma)
{
	return vma && vma->anon_vma && !anon_vma_chain_is_singular(vma);
}

/* May pages of m->anon_vma and those of @target live in one VMA? */
static bool anon_vma_compatible(const struct vma_merge *m, const struct vm_area_struct *target)
{
	if (m->anon_vma == target->anon_vma)
		return true;
	if (m->anon_vma && target->anon_vma)
		return false;
	/* Before 6.16 a faulted range did not merge into an unfaulted neighbour. */
	if (!mmsim_since(m->mm, 6, 16))
		return anon_vma_chain_is_singular(target);
	return m->anon_vma ? !is_fork_child(m->from) : !is_fork_child(target);
}

static bool can_merge(const struct vma_merge *m, const struct vm_area_struct *neighbour)
{
	return neighbour->vm_flags == m->vm_flags &&
	       anon_vma_name_eq(neighbour->anon_name, m->name) && anon_vma_compatible(m, neighbour);
}

static bool can_merge_left(const struct vma_merge *m, const struct vm_area_struct *prev)
{
	if (!prev || prev->vm_end != m->start || (m->middle && m->middle->vm_start != m->start))
		return false;
	return prev->vm_pgoff + vma_pages(prev) == m->pgoff && can_merge(m, prev);
}

static bool can_merge_right(const struct vma_merge *m, const struct vm_area_struct *next)
{
	unsigned long pages = (m->end - m->start) >> PAGE_SHIFT;

	if (m->just_expand || !next || next->vm_start != m->end ||
	    (m->middle && m->middle->vm_end != m->end))
		return false;
	return next->vm_pgoff == m->pgoff + pages && can_merge(m, next);
}

/* The neighbours that touch the range and could take it, decided in the kernel's order. */
static bool merge_choose(struct vma_merge *m)
{
	struct vma_tree *tree = &m->mm->mm_mt;
	struct vm_area_struct *prev = vma_tree_find_prev(tree, m->start);
	struct vm_area_struct *next = vma_tree_find(tree, m->end, NULL, NULL);

	m->prev = can_merge_left(m, prev) ? prev : NULL;
	m->next = can_merge_right(m, next) ? next : NULL;
	/* Both sides only when they could merge with each other. */
	if (m->prev && m->next && prev->anon_vma && next->anon_vma &&
	    prev->anon_vma != next->anon_vma)
		m->next = NULL;
	return m->prev || m->next;
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

/* @target grows to [@start, @end); @adjust, if there is one, shrinks by what it takes. */
static void commit_bounds(struct vm_area_struct *target, unsigned long start, unsigned long end,
			  struct vm_area_struct *adjust)
{
	anon_vma_resize_begin(target, adjust, SITE_vma_split);
	if (adjust && adjust->vm_start < start)
		vma_set_range(adjust, adjust->vm_start, start);
	else if (adjust)
		vma_set_range(adjust, end, adjust->vm_end);
	vma_set_range(target, start, end);
	vma_tree_store(&target->vm_mm->mm_mt, start, end, target);
	anon_vma_resize_end(target, adjust);
}

/*
 * The merged VMA takes over the anon_vmas of what it swallows if it has none.
 * Those of all that is swallowed are the same, so one clone will do.
 */
static int adopt_anon_vma(struct vm_area_struct *target, const struct vma_merge *m)
{
	struct vm_area_struct *from = m->prev ? m->next : NULL;

	if (!from || !from->anon_vma)
		from = m->from;
	if (!from || from == target || target->anon_vma)
		return 0;
	return anon_vma_clone(target, from);
}

/* Guard pages that a swallowed VMA may have are the merged one's. */
static void adopt_sticky(struct vm_area_struct *target, const struct vma_merge *m)
{
	if ((m->from && READ_ONCE(m->from->maybe_guard)) ||
	    (m->prev && m->next && READ_ONCE(m->next->maybe_guard)))
		WRITE_ONCE(target->maybe_guard, 1);
}

static struct vm_area_struct *merge_commit(struct vma_merge *m)
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
	if (adopt_anon_vma(target, m)) {
		vma_tree_unreserve(&m->mm->mm_mt);
		return NULL;
	}
	adopt_sticky(target, m);
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

struct vm_area_struct *vma_merge_new_range(struct vma_merge *m)
{
	if (m->from)
		m->anon_vma = m->from->anon_vma;
	return merge_choose(m) ? merge_commit(m) : NULL;
}

struct vm_area_struct *vma_modify(struct vm_area_struct *vma, unsigned long start,
				  unsigned long end, unsigned long vm_flags,
				  struct anon_vma_name *name)
{
	struct vma_merge m = {
		.mm = vma->vm_mm,
		.middle = vma,
		.from = vma,
		.start = start,
		.end = end,
		.pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT),
		.vm_flags = vm_flags,
		.name = name,
		.anon_vma = vma->anon_vma,
	};

	if (merge_choose(&m))
		return merge_commit(&m);
	if (vma->vm_start < start && split_vma(vma, start, true))
		return NULL;
	if (vma->vm_end > end && split_vma(vma, end, false))
		return NULL;
	return vma;
}

int vma_insert(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	int err = vma_tree_reserve(&mm->mm_mt, 1);

	if (err)
		return err;
	/* Locked before anybody can find it. */
	vma_start_write(vma);
	vma_mark_attached(vma);
	vma_tree_store(&mm->mm_mt, vma->vm_start, vma->vm_end, vma);
	vma_tree_unreserve(&mm->mm_mt);
	mm->map_count++;
	return 0;
}

/* ---- anon_vma of a neighbour ---- */

/* Alike but for the access bits and the name, so that they could become one VMA. */
static struct anon_vma *reusable_anon_vma(const struct vm_area_struct *low,
					  const struct vm_area_struct *high,
					  const struct vm_area_struct *neighbour)
{
	/*
	 * First of all: a neighbour that is gone shows here. Acquire: pairs with
	 * the release in __anon_vma_prepare().
	 */
	struct anon_vma *anon_vma = smp_load_acquire(&neighbour->anon_vma);
	unsigned long pages = vma_pages(low);

	if (low->vm_end != high->vm_start || ((low->vm_flags ^ high->vm_flags) & ~VM_ACCESS_FLAGS))
		return NULL;
	if (high->vm_pgoff != low->vm_pgoff + pages)
		return NULL;
	return anon_vma && anon_vma_chain_is_singular(neighbour) ? anon_vma : NULL;
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

int anon_vma_prepare(struct vm_area_struct *vma)
{
	/* Acquire: pairs with the release in __anon_vma_prepare(). */
	if (likely(smp_load_acquire(&vma->anon_vma)))
		return 0;
	return __anon_vma_prepare(vma, find_mergeable_anon_vma(vma));
}
