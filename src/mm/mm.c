/* SPDX-License-Identifier: MIT */
/*
 * mm_struct: made, shared, run in, dropped.
 *
 * Fidelity: mm_users and mm_count as in the kernel; which tasks run an mm is a
 * list instead of a CPU mask, since a task keeps its CPU here.
 */
#include "mm/mm.h"

#include <stdio.h>

static int mm_init(struct mm_struct *mm, struct mmsim *sim, const char *name)
{
	mm->sim = sim;
	mm->fault = sim->fault;
	snprintf(mm->name, sizeof(mm->name), "%s", name ? name : "mm");
	vma_tree_init(&mm->mm_mt, sim->tree_cache);
	INIT_LIST_HEAD(&mm->tasks);
	mm->mm_users.counter = 1;
	mm->mm_count.counter = 1;
	rcuwait_init(&mm->vma_writer_wait);
	seqcount_init(&mm->mm_lock_seq);
	spin_lock_init(&mm->page_table_lock);
	spin_lock_init(&mm->tasks_lock);
	return init_rwsem(&mm->mmap_lock, LOCK_mmap_lock, sim->rwsem[LOCK_mmap_lock]);
}

struct mm_struct *mm_alloc(struct mmsim *sim, const char *name)
{
	struct mm_struct *mm = kmem_cache_alloc(sim->mm_cache);

	if (!mm)
		return NULL;
	if (mm_init(mm, sim, name)) {
		kmem_cache_free(sim->mm_cache, mm);
		return NULL;
	}
	if (pgd_alloc(mm)) {
		destroy_rwsem(&mm->mmap_lock);
		kmem_cache_free(sim->mm_cache, mm);
		return NULL;
	}
	return mm;
}

void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

void mmdrop(struct mm_struct *mm)
{
	/* Full order: whoever frees sees what the others did to it. */
	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	destroy_rwsem(&mm->mmap_lock);
	pgd_free(mm);
	kmem_cache_free(mm->sim->mm_cache, mm);
}

void mmput(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	mmdrop(mm);
}

static void leave_mm(struct mm_struct *mm)
{
	spin_lock(&mm->tasks_lock, LOCK_mm_tasks, SITE_mm_switch);
	list_del(&current->mm_list);
	spin_unlock(&mm->tasks_lock);
	current->mm = NULL;
	mmdrop(mm);
}

void use_mm(struct mm_struct *mm)
{
	if (current->mm == mm)
		return;
	if (current->mm)
		leave_mm(current->mm);
	if (!mm)
		return;
	mmgrab(mm);
	current->mm = mm;
	spin_lock(&mm->tasks_lock, LOCK_mm_tasks, SITE_mm_switch);
	list_add_tail(&current->mm_list, &mm->tasks);
	spin_unlock(&mm->tasks_lock);
}
