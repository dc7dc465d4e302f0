/* SPDX-License-Identifier: MIT */
/* What mremap's two files share. */
#ifndef MMSIM_MM_MREMAP_H
#define MMSIM_MM_MREMAP_H

#include "mm/mm.h"

/* Pages that go from one place of an address space to another. */
struct page_move {
	struct mm_struct *mm;
	struct vm_area_struct *vma; /* the target's; both VMAs hang on the same anon_vmas */
	bool need_rmap_locks;
	unsigned long from, to, len;
};

/**
 * move_page_tables - move all PTEs of a range
 *
 * mmap_lock held for write, both VMAs write-locked. Return: 0; -ENOMEM, then
 * what had moved has moved back.
 */
int move_page_tables(struct page_move *move);

#endif
