/* SPDX-License-Identifier: MIT */
/* The end of an mm_struct. */
#include "mem/mm_ref.h"
#include "mem/pgtable.h"
#include "mem/sim.h"

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
	while (mm->runners) {
		struct mm_runners *block = mm->runners;

		mm->runners = block->next;
		kmem_cache_free(mm->sim->runners_cache, block);
	}
	kmem_cache_free(mm->sim->mm_cache, mm);
}
