/* SPDX-License-Identifier: MIT */
/* Users of the walk for reclaim: was a page used, take it away. */
#include "mem/folio_lock.h"
#include "mem/page_alloc.h"
#include "mem/tlb.h"
#include "rmap/rmap.h"

/* ---- folio_referenced ---- */

struct referenced {
	int count;
	bool vm_locked;
};

static bool referenced_one(struct folio *folio, struct vm_area_struct *vma, unsigned long address,
			   struct rmap_walk *walk)
{
	struct referenced *r = walk->arg;
	struct page_vma_mapped found;
	pte_t pte;

	if (!page_vma_mapped(folio, vma, address, false, walk->site, &found))
		return true;
	if (READ_ONCE(vma->vm_flags) & VM_LOCKED) {
		r->vm_locked = true;
		spin_unlock(&found.table->ptl);
		return false;
	}
	/* No flush: a stale entry lets the CPU use it once more unseen. */
	pte = fetch_and(found.ptep, ~PTE_YOUNG);
	r->count += (pte & PTE_YOUNG) != 0;
	spin_unlock(&found.table->ptl);
	return true;
}

int folio_referenced(struct mmsim *sim, struct folio *folio, bool locked, bool *vm_locked)
{
	struct referenced r = {0};
	struct rmap_walk walk = {
		.one = referenced_one,
		.arg = &r,
		.site = SITE_referenced,
		.folio_locked = locked,
		.try_lock = sim->rmap_contended->skip,
	};

	*vm_locked = false;
	if (!folio_mapped(folio))
		return 0;
	/* Since 6.19 every walk has the folio lock; who cannot get it takes the page for used. */
	if (!locked && sim_since(sim, 6, 19)) {
		if (!folio_trylock(folio, SITE_referenced))
			return 1;
		walk.folio_locked = true;
	}
	rmap_walk(sim, folio, &walk);
	if (walk.folio_locked && !locked)
		folio_unlock(sim, folio);
	*vm_locked = r.vm_locked;
	return walk.contended ? REFERENCED_CONTENDED : r.count;
}

/* ---- try_to_unmap ---- */

struct unmap {
	struct mmsim *sim;
	struct tlb_batch tlb;
};

/* Written since MADV_FREE, or somebody else uses it: it stays. PTE lock held, the PTE cleared. */
static bool may_discard(struct folio *folio, pte_t pte)
{
	if (pte & PTE_DIRTY)
		fetch_or(&folio->flags, PG_dirty);
	if (READ_ONCE(folio->flags) & PG_dirty) {
		fetch_and(&folio->flags, ~(unsigned int)PG_lazyfree);
		return false;
	}
	return atomic_read(&folio->_refcount) == 1 + atomic_read(&folio->_mapcount);
}

static bool try_to_unmap_one(struct folio *folio, struct vm_area_struct *vma, unsigned long address,
			     struct rmap_walk *walk)
{
	struct unmap *unmap = walk->arg;
	struct page_vma_mapped found;
	bool discard;
	pte_t pte;

	if (!page_vma_mapped(folio, vma, address, false, walk->site, &found))
		return true;
	if (READ_ONCE(vma->vm_flags) & VM_LOCKED) {
		spin_unlock(&found.table->ptl);
		return false;
	}
	/* Exchange: a CPU that may still write has set the dirty bit, or sets it in vain. */
	pte = xchg(found.ptep, 0);
	tlb_batch_add(&unmap->tlb, vma->vm_mm);
	discard = may_discard(folio, pte);
	if (discard)
		atomic_dec(&folio->_mapcount);
	else
		smp_store_release(found.ptep, pte);
	spin_unlock(&found.table->ptl);
	if (discard)
		folio_put(unmap->sim, folio);
	return discard;
}

bool try_to_unmap(struct mmsim *sim, struct folio *folio)
{
	struct unmap unmap = {.sim = sim};
	struct rmap_walk walk = {
		.one = try_to_unmap_one,
		.arg = &unmap,
		.site = SITE_try_to_unmap,
		.folio_locked = true,
	};

	rmap_walk(sim, folio, &walk);
	/* Before the caller frees the page. */
	tlb_batch_flush(&unmap.tlb);
	return !folio_mapped(folio);
}
