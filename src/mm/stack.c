/* SPDX-License-Identifier: MIT */
/*
 * Growth of stacks (VM_GROWSDOWN) by page faults below them.
 *
 * Fidelity: guard gap to what lies below, RLIMIT_STACK, anon_vma root lock
 * around the change. Since 6.1's stable releases, and wherever faults take VMA
 * locks, mmap_lock is held for write and the VMA write-locked; before, mmap_lock
 * for read was held, the anon_vma lock kept two growths of one stack apart and
 * page_table_lock those of two. Then, tree nodes that fall out are kept until
 * the next writer, for readers of the tree are not in RCU sections (rbtrees had
 * nothing to free). Not modelled: stacks that grow upwards.
 */
#include "base/mutant.h"
#include "mm/mm.h"
#include "rmap/anon_vma.h"

bool stack_grows_under_read(const struct mm_struct *mm)
{
	/* Who holds a VMA lock relies on the bounds. */
	return (!mmsim_since(mm, 6, 1) && !mm->fault->per_vma) || MUTANT(GROW_UNDER_READ);
}

static bool too_near(struct vm_area_struct *vma, unsigned long addr)
{
	struct vm_area_struct *prev = vma_tree_find_prev(&vma->vm_mm->mm_mt, vma->vm_start);

	if (!prev || (prev->vm_flags & VM_GROWSDOWN) || !(prev->vm_flags & VM_ACCESS_FLAGS))
		return false;
	return addr - prev->vm_end < STACK_GUARD_GAP;
}

static int acct_stack_growth(struct vm_area_struct *vma, unsigned long addr)
{
	const struct mm_struct *mm = vma->vm_mm;
	unsigned long grow = vma->vm_start - addr;

	if (grow >> PAGE_SHIFT > vma->vm_pgoff)
		return -ENOMEM;
	if (vma->vm_end - addr > mm->sim->config.max_stack_bytes)
		return -ENOMEM;
	return mlock_future_ok(mm, vma->vm_flags, grow) ? 0 : -ENOMEM;
}

/* The VMA is locked against others, the tree may be changed. */
static void grow(struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long pages = (vma->vm_start - addr) >> PAGE_SHIFT;

	vma_set_range(vma, addr, vma->vm_end);
	vma_tree_store(&mm->mm_mt, addr, vma->vm_end, vma);
	mm->total_vm += pages;
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm += pages;
	count_event(COUNTER_stack_growth);
}

static int grow_under_read(struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	int err;

	spin_lock(&mm->page_table_lock, LOCK_page_table_lock, SITE_grow_stack);
	err = vma_tree_reserve(&mm->mm_mt, 1);
	if (!err) {
		mm->mm_mt.keep_nodes = !MUTANT(GROW_UNDER_READ);
		grow(vma, addr);
		mm->mm_mt.keep_nodes = false;
		vma_tree_unreserve(&mm->mm_mt);
	}
	spin_unlock(&mm->page_table_lock);
	return err;
}

int expand_downwards(struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	bool under_read = stack_grows_under_read(mm);
	int err;

	addr &= PAGE_MASK;
	if (addr < MMAP_MIN_ADDR)
		return -EPERM;
	if (too_near(vma, addr))
		return -ENOMEM;
	err = anon_vma_prepare(vma);
	if (!err && !under_read)
		err = vma_tree_reserve(&mm->mm_mt, 1);
	if (err)
		return err;
	if (!under_read)
		vma_start_write(vma);
	anon_vma_resize_begin(vma, NULL, SITE_grow_stack);
	/* Another fault may have grown it meanwhile. */
	if (addr < vma->vm_start)
		err = acct_stack_growth(vma, addr);
	if (!err && addr < vma->vm_start && under_read)
		err = grow_under_read(vma, addr);
	else if (!err && addr < vma->vm_start)
		grow(vma, addr);
	anon_vma_resize_end(vma, NULL);
	if (!under_read)
		vma_tree_unreserve(&mm->mm_mt);
	return err;
}
