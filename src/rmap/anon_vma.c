/* SPDX-License-Identifier: MIT */
/* anon_vma: prepare, clone, unlink. */
#include "rmap/anon_vma.h"
#include "mem/sim.h"

void anon_vma_lock_write(struct anon_vma *anon_vma)
{
	if (anon_vma)
		down_write(&anon_vma->root->rwsem, SITE_vma_split);
}

void anon_vma_unlock_write(struct anon_vma *anon_vma)
{
	if (anon_vma)
		up_write(&anon_vma->root->rwsem);
}

static struct anon_vma *anon_vma_alloc(struct mmsim *sim)
{
	struct anon_vma *anon_vma = kmem_cache_alloc(sim->anon_vma_cache);

	if (!anon_vma)
		return NULL;
	if (init_rwsem(&anon_vma->rwsem, LOCK_anon_vma_root, sim->rwsem[LOCK_anon_vma_root])) {
		kmem_cache_free(sim->anon_vma_cache, anon_vma);
		return NULL;
	}
	anon_vma->root = anon_vma;
	anon_vma->num_active_vmas = 0;
	return anon_vma;
}

static void anon_vma_free(struct mmsim *sim, struct anon_vma *anon_vma)
{
	destroy_rwsem(&anon_vma->rwsem);
	kmem_cache_free(sim->anon_vma_cache, anon_vma);
}

int __anon_vma_prepare(struct vm_area_struct *vma, struct anon_vma *reusable)
{
	struct mm_struct *mm = vma->vm_mm;
	struct anon_vma *anon_vma = reusable;
	bool lost;

	if (!anon_vma)
		anon_vma = anon_vma_alloc(mm->sim);
	if (!anon_vma)
		return -ENOMEM;
	down_write(&anon_vma->root->rwsem, SITE_anon_prepare);
	/* Two first faults under mmap_lock read: this lock decides. */
	spin_lock(&mm->page_table_lock, LOCK_page_table_lock, SITE_anon_prepare);
	lost = READ_ONCE(vma->anon_vma);
	if (!lost) {
		smp_store_release(&vma->anon_vma, anon_vma);
		anon_vma->num_active_vmas++;
	}
	spin_unlock(&mm->page_table_lock);
	up_write(&anon_vma->root->rwsem);
	if (lost && !reusable)
		anon_vma_free(mm->sim, anon_vma);
	return 0;
}

void anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma *anon_vma = src->anon_vma;

	if (!anon_vma)
		return;
	down_write(&anon_vma->root->rwsem, SITE_vma_split);
	anon_vma->num_active_vmas++;
	WRITE_ONCE(dst->anon_vma, anon_vma);
	up_write(&anon_vma->root->rwsem);
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = vma->anon_vma;
	int left;

	if (!anon_vma)
		return;
	down_write(&anon_vma->root->rwsem, SITE_unlink);
	left = --anon_vma->num_active_vmas;
	WRITE_ONCE(vma->anon_vma, NULL);
	up_write(&anon_vma->root->rwsem);
	if (!left)
		anon_vma_free(vma->vm_mm->sim, anon_vma);
}
