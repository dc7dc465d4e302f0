/* SPDX-License-Identifier: MIT */
/*
 * anon_vma: what ties anonymous pages to the VMAs that may map them.
 *
 * Fidelity: who takes the root lock when, reuse of a neighbour's anon_vma, the
 * page_table_lock that decides between two first faults. Not modelled: chains,
 * interval trees and walks; without fork every chain is one link long.
 */
#ifndef MMSIM_RMAP_ANON_VMA_H
#define MMSIM_RMAP_ANON_VMA_H

#include "mem/mm_types.h"

/**
 * __anon_vma_prepare - give @vma an anon_vma before its first own page
 * @reusable: a neighbour's anon_vma to share, NULL for a new one
 *
 * mmap_lock held in any mode. Return: 0 or -ENOMEM.
 */
int __anon_vma_prepare(struct vm_area_struct *vma, struct anon_vma *reusable);

/* @dst hangs on @src's anon_vma too; root lock, write. mmap_lock held for write. */
void anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);

/* @vma leaves its anon_vma; the last one frees it. Root lock, write. */
void unlink_anon_vmas(struct vm_area_struct *vma);

/* Around a change of bounds of VMAs that hang on @anon_vma; NULL: nothing to do. */
void anon_vma_lock_write(struct anon_vma *anon_vma);
void anon_vma_unlock_write(struct anon_vma *anon_vma);

#endif
