/* SPDX-License-Identifier: MIT */
/*
 * fault=mmap_lock: every fault takes mmap_lock for read.
 *
 * Fidelity: as before Linux 6.4. There are no VMA locks; VMAs are freed at
 * once, since nobody finds one without mmap_lock.
 */
#include "mm/vma_lock.h"

static int none_vma_init(struct vm_area_struct *vma)
{
	(void)vma;
	return 0;
}

static void none_vma_free(struct vm_area_struct *vma)
{
	kmem_cache_free(vma->vm_mm->sim->vma_cache, vma);
}

static struct vm_area_struct *none_lock_vma_under_rcu(struct mm_struct *mm, unsigned long addr,
						      enum lock_site site, enum vma_lock_miss *miss)
{
	(void)mm, (void)addr, (void)site;
	*miss = VMA_MISS_OFF;
	return NULL;
}

static bool none_vma_start_read_locked(struct vm_area_struct *vma, enum lock_site site)
{
	(void)vma, (void)site;
	return false;
}

static void vma_nothing(struct vm_area_struct *vma)
{
	(void)vma;
}

static void mm_nothing(struct mm_struct *mm)
{
	(void)mm;
}

const struct fault_strategy fault_mmap_lock = {
	.name = "mmap_lock",
	.since = "0",
	.models = "Linux before 6.4: faults take mmap_lock for read",
	.helps = "none: the base",
	.vma_cache = CACHE_PLAIN,
	.vma_init = none_vma_init,
	.vma_free = none_vma_free,
	.lock_vma_under_rcu = none_lock_vma_under_rcu,
	.vma_end_read = vma_nothing,
	.vma_start_read_locked = none_vma_start_read_locked,
	.vma_start_write = vma_nothing,
	.vma_mark_attached = vma_nothing,
	.vma_mark_detached = vma_nothing,
	.write_begin = mm_nothing,
	.write_end = mm_nothing,
};
