/* SPDX-License-Identifier: MIT */
/*
 * mmap_lock for write.
 *
 * Fidelity: order of the VMA sequence against the rwsem as in 6.14 and later:
 * begun after the lock is taken, ended before it is released or downgraded.
 */
#include "base/mutant.h"
#include "mm/vma_lock.h"

int mmap_write_lock_killable(struct mm_struct *mm, enum lock_site site)
{
	int err = down_write_killable(&mm->mmap_lock, site);

	if (!err)
		mm->fault->write_begin(mm);
	return err;
}

void mmap_write_lock(struct mm_struct *mm, enum lock_site site)
{
	down_write(&mm->mmap_lock, site);
	mm->fault->write_begin(mm);
}

void mmap_write_lock_nested(struct mm_struct *mm, enum lock_site site)
{
	BUG_ON(!down_write_trylock(&mm->mmap_lock, site));
	mm->fault->write_begin(mm);
}

void mmap_write_unlock(struct mm_struct *mm)
{
	mm->fault->write_end(mm);
	up_write(&mm->mmap_lock);
}

void mmap_write_downgrade(struct mm_struct *mm)
{
	if (!MUTANT(VMA_DOWNGRADE_KEEPS_LOCKS))
		mm->fault->write_end(mm);
	downgrade_write(&mm->mmap_lock);
}
