/* SPDX-License-Identifier: MIT */
/* anon_vma: prepare, clone, fork, unlink. */
#include "rmap/anon_vma.h"
#include "base/mutant.h"
#include "rmap/interval_tree.h"

/* clang-format off */
static const struct anon_rmap_strategy strategies[] = {
	{ .name = "root", .since = "0",
	  .models = "Linux: one lock for all anon_vmas that fork made of one",
	  .helps = "none: the base" },
	{ .name = "exclusive", .since = "",
	  .models = "no release: a page that one process maps is walked under the lock of its"
		    " anon_vma; who changes a tree takes that besides the root's",
	  .helps = "split lock", .own_lock = true },
};
/* clang-format on */

const struct anon_rmap_strategy *anon_rmap_strategy_at(unsigned int i)
{
	return i < ARRAY_SIZE(strategies) ? &strategies[i] : NULL;
}

size_t anon_vma_size(const struct anon_rmap_strategy *strategy)
{
	return strategy->own_lock ? sizeof(struct anon_vma) : offsetof(struct anon_vma, own);
}

/* ---- one anon_vma ---- */

static int init_locks(struct mmsim *sim, struct anon_vma *anon_vma)
{
	int err = init_rwsem(&anon_vma->rwsem, LOCK_anon_vma_root, sim->rwsem[LOCK_anon_vma_root]);

	if (!err && sim->anon_rmap->own_lock) {
		err = init_rwsem(&anon_vma->own, LOCK_anon_vma_own, sim->rwsem[LOCK_anon_vma_own]);
		if (err)
			destroy_rwsem(&anon_vma->rwsem);
	}
	if (err)
		anon_vma->rwsem.policy = NULL;
	return err;
}

/* A slot's locks are made once and stay: somebody may try them through a stale pointer. */
static struct anon_vma *anon_vma_alloc(struct mmsim *sim)
{
	struct anon_vma *anon_vma = kmem_cache_alloc(sim->anon_vma_cache);

	if (!anon_vma)
		return NULL;
	if (!anon_vma->rwsem.policy && init_locks(sim, anon_vma)) {
		kmem_cache_free(sim->anon_vma_cache, anon_vma);
		return NULL;
	}
	WRITE_ONCE(anon_vma->root, anon_vma);
	anon_vma->parent = anon_vma;
	anon_vma->num_children = 1; /* itself */
	anon_vma->num_active_vmas = 0;
	anon_vma->tree = (struct interval_tree){NULL, 0};
	/* Release: who comes through a stale pointer sees the rest. */
	atomic_set_release(&anon_vma->refcount, 1);
	return anon_vma;
}

/*
 * Whoever found it before its last VMA left may still have a lock of it, and nothing else. (Of a
 * lock that is not ours, rwsem=pthread, this cannot be seen; the slot stays a lock all the same.)
 */
static void wait_for_lookers(struct rw_semaphore *sem)
{
	if (!rwsem_is_locked(sem))
		return;
	down_write(sem, SITE_anon_free);
	up_write(sem);
}

static void anon_vma_free(struct mmsim *sim, struct anon_vma *anon_vma)
{
	wait_for_lookers(&anon_vma->root->rwsem);
	if (sim->anon_rmap->own_lock)
		wait_for_lookers(&anon_vma->own);
	kmem_cache_free(sim->anon_vma_cache, anon_vma);
}

void put_anon_vma(struct mmsim *sim, struct anon_vma *anon_vma)
{
	struct anon_vma *root;

	if (!atomic_dec_and_test(&anon_vma->refcount))
		return;
	/* Not before: who pinned it may have done so before a fork gave it its root. */
	root = READ_ONCE(anon_vma->root);
	anon_vma_free(sim, anon_vma);
	if (root != anon_vma)
		put_anon_vma(sim, root);
}

/* ---- locks of writers ---- */

/* Inside the root's, hence in any order. */
static void own_lock_write(struct mmsim *sim, struct anon_vma *anon_vma, enum lock_site site)
{
	if (sim->anon_rmap->own_lock)
		down_write_nested(&anon_vma->own, site);
}

static void own_unlock_write(struct mmsim *sim, struct anon_vma *anon_vma)
{
	if (sim->anon_rmap->own_lock)
		up_write(&anon_vma->own);
}

void anon_vma_lock_write(struct vm_area_struct *vma, enum lock_site site)
{
	if (!vma->anon_vma)
		return;
	down_write(&vma->anon_vma->root->rwsem, site);
	for (struct anon_vma_chain *avc = vma->anon_vma_chain; avc; avc = avc->same_vma)
		own_lock_write(vma->vm_mm->sim, avc->anon_vma, site);
}

void anon_vma_unlock_write(struct vm_area_struct *vma)
{
	if (!vma->anon_vma)
		return;
	for (struct anon_vma_chain *avc = vma->anon_vma_chain; avc; avc = avc->same_vma)
		own_unlock_write(vma->vm_mm->sim, avc->anon_vma);
	up_write(&vma->anon_vma->root->rwsem);
}

static void remove_from_trees(struct vm_area_struct *vma)
{
	for (struct anon_vma_chain *avc = vma->anon_vma_chain; avc; avc = avc->same_vma)
		interval_tree_remove(&avc->anon_vma->tree, avc);
}

static void insert_into_trees(struct vm_area_struct *vma)
{
	for (struct anon_vma_chain *avc = vma->anon_vma_chain; avc; avc = avc->same_vma)
		interval_tree_insert(&avc->anon_vma->tree, avc);
}

void anon_vma_resize_begin(struct vm_area_struct *vma, struct vm_area_struct *other,
			   enum lock_site site)
{
	anon_vma_lock_write(vma, site);
	remove_from_trees(vma);
	if (other)
		remove_from_trees(other);
}

void anon_vma_resize_end(struct vm_area_struct *vma, struct vm_area_struct *other)
{
	insert_into_trees(vma);
	if (other)
		insert_into_trees(other);
	anon_vma_unlock_write(vma);
}

/* ---- links ---- */

/* The root's lock and the anon_vma's own are held for write. */
static void anon_vma_chain_link(struct vm_area_struct *vma, struct anon_vma_chain *avc,
				struct anon_vma *anon_vma)
{
	avc->vma = vma;
	avc->anon_vma = anon_vma;
	avc->same_vma = vma->anon_vma_chain;
	vma->anon_vma_chain = avc;
	interval_tree_insert(&anon_vma->tree, avc);
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
	own_lock_write(sim, anon_vma, SITE_anon_prepare);
	/* Two first faults under mmap_lock read: this lock decides. */
	spin_lock(&vma->vm_mm->page_table_lock, LOCK_page_table_lock, SITE_anon_prepare);
	lost = READ_ONCE(vma->anon_vma);
	if (!lost) {
		anon_vma_chain_link(vma, avc, anon_vma);
		anon_vma->num_active_vmas++;
		smp_store_release(&vma->anon_vma, anon_vma);
	}
	spin_unlock(&vma->vm_mm->page_table_lock);
	own_unlock_write(sim, anon_vma);
	up_write(&anon_vma->root->rwsem);
	if (lost)
		kmem_cache_free(sim->avc_cache, avc);
	if (lost && !reusable)
		put_anon_vma(sim, anon_vma);
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
	return !anon_vma->num_active_vmas &&
	       (anon_vma->num_children < 2 || MUTANT(ANON_REUSE_IGNORES_CHILDREN));
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
		own_lock_write(sim, of->anon_vma, SITE_anon_clone);
		anon_vma_chain_link(dst, avc, of->anon_vma);
		own_unlock_write(sim, of->anon_vma);
		if (!own && may_be_reused(of->anon_vma)) {
			own = of->anon_vma;
			count_event(COUNTER_anon_vma_reused);
		}
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

/* What a child's VMA gets of its own. */
struct own {
	struct anon_vma *anon_vma;
	struct anon_vma_chain *avc;
};

static void free_own(struct mmsim *sim, struct own *own)
{
	if (own->anon_vma)
		put_anon_vma(sim, own->anon_vma);
	if (own->avc)
		kmem_cache_free(sim->avc_cache, own->avc);
	*own = (struct own){NULL, NULL};
}

static int alloc_own(struct mmsim *sim, struct own *own)
{
	own->anon_vma = anon_vma_alloc(sim);
	own->avc = own->anon_vma ? kmem_cache_alloc(sim->avc_cache) : NULL;
	if (own->avc)
		return 0;
	free_own(sim, own);
	return -ENOMEM;
}

static void link_own(struct vm_area_struct *dst, const struct own *own, struct anon_vma *parent)
{
	struct anon_vma *anon_vma = own->anon_vma;

	WRITE_ONCE(anon_vma->root, parent->root);
	anon_vma->parent = parent;
	anon_vma->num_children = 0;
	anon_vma->num_active_vmas = 1;
	atomic_inc(&parent->root->refcount);
	down_write(&parent->root->rwsem, SITE_anon_fork);
	WRITE_ONCE(dst->anon_vma, anon_vma);
	/* Nobody knows the new one yet: its own lock is not needed. */
	anon_vma_chain_link(dst, own->avc, anon_vma);
	parent->num_children++;
	up_write(&parent->root->rwsem);
}

int anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct mmsim *sim = src->vm_mm->sim;
	struct own own = {NULL, NULL};
	int err = 0;

	if (!src->anon_vma)
		return 0;
	/* Since 7.0 before it is known whether it will be needed. */
	if (sim_since(sim, 7, 0))
		err = alloc_own(sim, &own);
	if (!err)
		err = clone_chain(dst, src, NULL);
	if (!err && !dst->anon_vma && !own.avc)
		err = alloc_own(sim, &own);
	if (!err && !dst->anon_vma)
		link_own(dst, &own, src->anon_vma);
	else
		free_own(sim, &own);
	if (err)
		unlink_anon_vmas(dst);
	return err;
}

/* The last VMA out of an anon_vma's tree: nobody finds it any more. */
static bool leave(struct mmsim *sim, struct anon_vma_chain *avc)
{
	struct anon_vma *anon_vma = avc->anon_vma;
	bool last;

	own_lock_write(sim, anon_vma, SITE_unlink);
	interval_tree_remove(&anon_vma->tree, avc);
	last = interval_tree_empty(&anon_vma->tree);
	own_unlock_write(sim, anon_vma);
	if (last)
		anon_vma->parent->num_children--;
	return last;
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct mmsim *sim = vma->vm_mm->sim;
	struct anon_vma_chain *links = vma->anon_vma_chain;
	struct anon_vma *root = links ? links->anon_vma->root : NULL;

	if (!links)
		return;
	if (!MUTANT(UNLINK_NO_ROOT_LOCK))
		down_write(&root->rwsem, SITE_unlink);
	for (struct anon_vma_chain *avc = links; avc; avc = avc->same_vma)
		if (!leave(sim, avc))
			avc->anon_vma = NULL;
	if (vma->anon_vma)
		vma->anon_vma->num_active_vmas--;
	vma->anon_vma_chain = NULL;
	WRITE_ONCE(vma->anon_vma, NULL);
	if (!MUTANT(UNLINK_NO_ROOT_LOCK))
		up_write(&root->rwsem);
	while (links) {
		struct anon_vma_chain *avc = links;

		links = avc->same_vma;
		if (avc->anon_vma)
			put_anon_vma(sim, avc->anon_vma);
		kmem_cache_free(sim->avc_cache, avc);
	}
}
