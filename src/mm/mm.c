/* SPDX-License-Identifier: MIT */
/*
 * mm_struct: made, shared, run in, dropped.
 *
 * Fidelity: mm_users and mm_count as in the kernel; who runs an mm is known by
 * task instead of by CPU, since on the host a task may lose its CPU in the
 * middle of an access.
 */
#include "mm/mm.h"

#include <stdio.h>

static int mm_init(struct mm_struct *mm, struct mmsim *sim, const char *name)
{
	mm->sim = sim;
	mm->fault = sim->fault;
	snprintf(mm->name, sizeof(mm->name), "%s", name ? name : "mm");
	vma_tree_init(&mm->mm_mt, sim->tree_cache);
	mm->start_brk = mm->brk = BRK_START;
	mm->mm_users.counter = 1;
	mm->mm_count.counter = 1;
	rcuwait_init(&mm->vma_writer_wait);
	seqcount_init(&mm->mm_lock_seq);
	spin_lock_init(&mm->page_table_lock);
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
	mm->runners = kmem_cache_alloc(sim->runners_cache);
	if (mm->runners && !pgd_alloc(mm))
		return mm;
	if (mm->runners)
		kmem_cache_free(sim->runners_cache, mm->runners);
	destroy_rwsem(&mm->mmap_lock);
	kmem_cache_free(sim->mm_cache, mm);
	return NULL;
}

void mmget(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_users);
}

void mmput(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	mmdrop(mm);
}

/* ---- who runs it ---- */

static void leave_mm(struct mm_struct *mm)
{
	smp_store_release(current->mm_slot, NULL);
	current->mm = NULL;
	mmput(mm);
}

static struct task **claim_in(struct mm_runners *block)
{
	for (int i = 0; i < MM_RUNNERS; i++) {
		struct task *none = NULL;

		if (!READ_ONCE(block->task[i]) && try_cmpxchg(&block->task[i], &none, current))
			return &block->task[i];
	}
	return NULL;
}

/* The block behind @block, made if there is none. NULL: no memory. */
static struct mm_runners *next_block(struct mm_struct *mm, struct mm_runners *block)
{
	struct mm_runners *next = smp_load_acquire(&block->next);
	struct mm_runners *fresh;

	if (next)
		return next;
	fresh = kmem_cache_alloc(mm->sim->runners_cache);
	if (fresh && try_cmpxchg(&block->next, &next, fresh))
		return fresh;
	if (fresh)
		kmem_cache_free(mm->sim->runners_cache, fresh);
	return next;
}

int use_mm(struct mm_struct *mm)
{
	struct task **slot = NULL;

	if (current->mm == mm)
		return 0;
	if (current->mm)
		leave_mm(current->mm);
	if (!mm)
		return 0;
	for (struct mm_runners *block = mm->runners; block && !slot; block = next_block(mm, block))
		slot = claim_in(block);
	if (!slot)
		return -ENOMEM;
	mmget(mm);
	current->mm_slot = slot;
	current->mm = mm;
	/* Pairs with flush_tlb_mm(): one of the two sees what the other did first. */
	atomic_long_fetch_add(1, &mm->tlb_gen);
	return 0;
}
