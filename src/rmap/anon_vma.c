/* SPDX-License-Identifier: MIT */
/* anon_vma: prepare, clone, fork, unlink. */
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
	anon_vma->root = anon_vma->parent = anon_vma;
	anon_vma->num_children = 1; /* itself */
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

/* Repeated fork and exit of a parent must not make its chain longer and longer. */
static bool may_be_reused(const struct anon_vma *anon_vma)
{
	return anon_vma->num_children < 2 && !anon_vma->num_active_vmas;
}

/* @own: where new pages of @dst go; NULL: a fork, which may find one to reuse. */
static int clone_chain(struct vm_area_struct *dst, struct vm_area_struct *src, struct anon_vma *own)
{
	struct mmsim *sim = src->vm_mm->sim;
	struct anon_vma *root = src->anon_vma->root;
	struct anon_vma_chain *links = NULL;
	bool before = sim_since(sim, 7, 0);

	if (before) {
		links = alloc_links(sim, src);
		if (!links)
			return -ENOMEM;
	}
	down_write(&root->rwsem, SITE_anon_clone);
	if (!before)
		links = alloc_links(sim, src);
	for (struct anon_vma_chain *of = src->anon_vma_chain; links; of = of->same_vma) {
		struct anon_vma_chain *avc = links;

		links = avc->same_vma;
		anon_vma_chain_link(dst, avc, of->anon_vma);
		if (!own && may_be_reused(of->anon_vma))
			own = of->anon_vma;
	}
	if (dst->anon_vma_chain && own) {
		own->num_active_vmas++;
		WRITE_ONCE(dst->anon_vma, own);
	}
	up_write(&root->rwsem);
	return dst->anon_vma_chain ? 0 : -ENOMEM;
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	return src->anon_vma ? clone_chain(dst, src, src->anon_vma) : 0;
}

static int fork_own(struct vm_area_struct *dst, struct anon_vma *parent)
{
	struct mmsim *sim = dst->vm_mm->sim;
	struct anon_vma *anon_vma = anon_vma_alloc(sim);
	struct anon_vma_chain *avc = anon_vma ? kmem_cache_alloc(sim->avc_cache) : NULL;

	if (!avc) {
		if (anon_vma)
			anon_vma_free(sim, anon_vma);
		return -ENOMEM;
	}
	anon_vma->root = parent->root;
	anon_vma->parent = parent;
	anon_vma->num_children = 0;
	anon_vma->num_active_vmas = 1;
	down_write(&anon_vma->root->rwsem, SITE_anon_fork);
	WRITE_ONCE(dst->anon_vma, anon_vma);
	anon_vma_chain_link(dst, avc, anon_vma);
	parent->num_children++;
	up_write(&anon_vma->root->rwsem);
	return 0;
}

int anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	int err;

	if (!src->anon_vma)
		return 0;
	err = clone_chain(dst, src, NULL);
	if (!err && !dst->anon_vma)
		err = fork_own(dst, src->anon_vma);
	if (err)
		unlink_anon_vmas(dst);
	return err;
}

/* The last VMA out of an anon_vma's tree: nobody finds it any more. */
static bool leave(struct anon_vma *anon_vma)
{
	if (--anon_vma->nr_chains)
		return false;
	anon_vma->parent->num_children--;
	return true;
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct mmsim *sim = vma->vm_mm->sim;
	struct anon_vma_chain *links = vma->anon_vma_chain;
	struct anon_vma *root = links ? links->anon_vma->root : NULL;

	if (!links)
		return;
	down_write(&root->rwsem, SITE_unlink);
	for (struct anon_vma_chain *avc = links; avc; avc = avc->same_vma)
		if (!leave(avc->anon_vma))
			avc->anon_vma = NULL;
	if (vma->anon_vma)
		vma->anon_vma->num_active_vmas--;
	vma->anon_vma_chain = NULL;
	WRITE_ONCE(vma->anon_vma, NULL);
	up_write(&root->rwsem);
	while (links) {
		struct anon_vma_chain *avc = links;

		links = avc->same_vma;
		if (avc->anon_vma)
			anon_vma_free(sim, avc->anon_vma);
		kmem_cache_free(sim->avc_cache, avc);
	}
}
