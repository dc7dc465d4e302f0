/* SPDX-License-Identifier: MIT */
/* anon_vma: prepare, clone, unlink. */
#include "rmap/anon_vma.h"
#include "mem/sim.h"

void anon_vma_lock_write(struct anon_vma *anon_vma, enum lock_site site)
{
	if (anon_vma)
		down_write(&anon_vma->root->rwsem, site);
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
	return anon_vma;
}

static void anon_vma_free(struct mmsim *sim, struct anon_vma *anon_vma)
{
	destroy_rwsem(&anon_vma->rwsem);
	kmem_cache_free(sim->anon_vma_cache, anon_vma);
}

/* Root lock held for write. */
static void anon_vma_chain_link(struct vm_area_struct *vma, struct anon_vma_chain *avc,
				struct anon_vma *anon_vma)
{
	avc->vma = vma;
	avc->anon_vma = anon_vma;
	avc->same_vma = vma->anon_vma_chain;
	vma->anon_vma_chain = avc;
	anon_vma->nr_chains++;
}

int __anon_vma_prepare(struct vm_area_struct *vma, struct anon_vma *reusable)
{
	struct mmsim *sim = vma->vm_mm->sim;
	struct anon_vma_chain *avc = kmem_cache_alloc(sim->avc_cache);
	struct anon_vma *anon_vma = reusable;
	bool lost;

	if (!avc)
		return -ENOMEM;
	if (!anon_vma)
		anon_vma = anon_vma_alloc(sim);
	if (!anon_vma) {
		kmem_cache_free(sim->avc_cache, avc);
		return -ENOMEM;
	}
	down_write(&anon_vma->root->rwsem, SITE_anon_prepare);
	/* Two first faults under mmap_lock read: this lock decides. */
	spin_lock(&vma->vm_mm->page_table_lock, LOCK_page_table_lock, SITE_anon_prepare);
	lost = READ_ONCE(vma->anon_vma);
	if (!lost) {
		anon_vma_chain_link(vma, avc, anon_vma);
		anon_vma->num_active_vmas++;
		smp_store_release(&vma->anon_vma, anon_vma);
	}
	spin_unlock(&vma->vm_mm->page_table_lock);
	up_write(&anon_vma->root->rwsem);
	if (lost)
		kmem_cache_free(sim->avc_cache, avc);
	if (lost && !reusable)
		anon_vma_free(sim, anon_vma);
	return 0;
}

/* Links for a clone of @src, or NULL: no memory. */
static struct anon_vma_chain *alloc_links(struct mmsim *sim, const struct vm_area_struct *src)
{
	struct anon_vma_chain *links = NULL;

	for (struct anon_vma_chain *of = src->anon_vma_chain; of; of = of->same_vma) {
		struct anon_vma_chain *avc = kmem_cache_alloc(sim->avc_cache);

		if (avc) {
			avc->same_vma = links;
			links = avc;
			continue;
		}
		while (links) {
			avc = links;
			links = avc->same_vma;
			kmem_cache_free(sim->avc_cache, avc);
		}
		break;
	}
	return links;
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct mmsim *sim = src->vm_mm->sim;
	struct anon_vma *anon_vma = src->anon_vma;
	struct anon_vma_chain *links = NULL;
	bool before = sim_since(sim, 7, 0);

	if (!anon_vma)
		return 0;
	if (before) {
		links = alloc_links(sim, src);
		if (!links)
			return -ENOMEM;
	}
	down_write(&anon_vma->root->rwsem, SITE_anon_clone);
	if (!before)
		links = alloc_links(sim, src);
	for (struct anon_vma_chain *of = src->anon_vma_chain; links; of = of->same_vma) {
		struct anon_vma_chain *avc = links;

		links = avc->same_vma;
		anon_vma_chain_link(dst, avc, of->anon_vma);
	}
	if (dst->anon_vma_chain) {
		anon_vma->num_active_vmas++;
		WRITE_ONCE(dst->anon_vma, anon_vma);
	}
	up_write(&anon_vma->root->rwsem);
	return dst->anon_vma_chain ? 0 : -ENOMEM;
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct mmsim *sim = vma->vm_mm->sim;
	struct anon_vma *anon_vma = vma->anon_vma;
	struct anon_vma_chain *links = vma->anon_vma_chain;

	if (!anon_vma)
		return;
	down_write(&anon_vma->root->rwsem, SITE_unlink);
	for (struct anon_vma_chain *avc = links; avc; avc = avc->same_vma)
		/* The last one out: nobody finds it any more. */
		if (--avc->anon_vma->nr_chains)
			avc->anon_vma = NULL;
	anon_vma->num_active_vmas--;
	vma->anon_vma_chain = NULL;
	WRITE_ONCE(vma->anon_vma, NULL);
	up_write(&anon_vma->root->rwsem);
	while (links) {
		struct anon_vma_chain *avc = links;

		links = avc->same_vma;
		if (avc->anon_vma)
			anon_vma_free(sim, avc->anon_vma);
		kmem_cache_free(sim->avc_cache, avc);
	}
}
