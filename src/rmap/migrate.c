/* SPDX-License-Identifier: MIT */
/* Migration of anonymous pages. */
#include "rmap/migrate.h"
#include "mem/folio_lock.h"
#include "mem/page_alloc.h"
#include "mem/pgtable.h"
#include "mem/tlb.h"

#define MIGRATE_TRIES 10 /* while the page is busy */

/* ---- isolation ---- */

bool folio_isolate(struct mmsim *sim, struct folio *folio)
{
	if (!folio_try_get(folio))
		return false;
	/* Acquire: pairs with the release that made the page an anonymous one. */
	if (fetch_and(&folio->flags, ~(unsigned int)PG_lru) & PG_lru)
		return true;
	folio_put(sim, folio);
	return false;
}

static struct folio *isolate_next(struct mmsim *sim, unsigned long *cursor)
{
	unsigned long end = zone_end_pfn(sim->zone), first = ZERO_PAGE_PFN + 1;
	unsigned long at = READ_ONCE(*cursor), pfn;
	struct folio *folio;

	if (end == first)
		return NULL;
	do {
		pfn = at >= first && at < end ? at : first;
	} while (!try_cmpxchg(cursor, &at, pfn + 1));
	folio = pfn_folio(sim, pfn);
	return folio_isolate(sim, folio) ? folio : NULL;
}

unsigned int isolate_pages(struct mmsim *sim, unsigned long *cursor, unsigned long pages,
			   struct folio **isolated)
{
	unsigned int nr = 0;

	while (pages--) {
		isolated[nr] = isolate_next(sim, cursor);
		nr += isolated[nr] != NULL;
	}
	return nr;
}

void folio_putback(struct mmsim *sim, struct folio *folio)
{
	fetch_or(&folio->flags, PG_lru);
	folio_put(sim, folio);
}

/* ---- PTEs to entries ---- */

struct to_entries {
	struct mmsim *sim;
	struct tlb_batch tlb;
	bool batched; /* since 6.3: flushed behind the walk, not under its locks */
};

static bool try_to_migrate_one(struct folio *folio, struct vm_area_struct *vma,
			       unsigned long address, struct rmap_walk *walk)
{
	struct to_entries *to = walk->arg;
	struct page_vma_mapped found;
	pte_t entry;

	if (!page_vma_mapped(folio, vma, address, false, walk->site, &found))
		return true;
	/* Exchange: the accessing CPU may set its bits at the same time. */
	entry = xchg(found.ptep, 0) & ~(PTE_PRESENT | PTE_READ);
	if (to->batched)
		tlb_batch_add(&to->tlb, vma->vm_mm);
	else
		flush_tlb_mm(vma->vm_mm);
	entry |= PTE_MIGRATION;
	if (fetch_and(&folio->flags, ~(unsigned int)PG_anon_exclusive) & PG_anon_exclusive)
		entry |= PTE_EXCLUSIVE;
	WRITE_ONCE(*found.ptep, entry);
	atomic_dec(&folio->_mapcount);
	spin_unlock(&found.table->ptl);
	folio_put(to->sim, folio);
	if (unlikely(mmsim_stepping))
		machine_work(WORK_pte_set, 1);
	return true;
}

/* True: under the lock of the page's own anon_vma. */
static bool try_to_migrate(struct mmsim *sim, struct folio *folio)
{
	struct to_entries to = {.sim = sim, .batched = sim_since(sim, 6, 3)};
	struct rmap_walk walk = {
		.one = try_to_migrate_one,
		.arg = &to,
		.site = SITE_migrate,
		.folio_locked = true,
	};

	rmap_walk(sim, folio, &walk);
	/* Before the page is copied. */
	tlb_batch_flush(&to.tlb);
	return walk.own;
}

/* ---- entries to PTEs ---- */

static bool remove_migration_pte(struct folio *dst, struct vm_area_struct *vma,
				 unsigned long address, struct rmap_walk *walk)
{
	const struct folio *src = walk->arg;
	struct page_vma_mapped found;
	pte_t pte;

	if (!page_vma_mapped(src, vma, address, true, walk->site, &found))
		return true;
	pte = dst->pfn << PAGE_SHIFT | PTE_PRESENT |
	      (found.pte & (PTE_WRITE | PTE_YOUNG | PTE_DIRTY));
	if (READ_ONCE(vma->vm_flags) & VM_ACCESS_FLAGS)
		pte |= PTE_READ;
	atomic_inc(&dst->_refcount);
	atomic_inc(&dst->_mapcount);
	if (found.pte & PTE_EXCLUSIVE)
		fetch_or(&dst->flags, PG_anon_exclusive);
	/* Release: pairs with the walk of a user access. */
	smp_store_release(found.ptep, pte);
	spin_unlock(&found.table->ptl);
	if (unlikely(mmsim_stepping))
		machine_work(WORK_pte_set, 1);
	return true;
}

/* All entries of @src become PTEs of @dst, which may be the same. Both are locked. */
static void remove_migration_ptes(struct mmsim *sim, struct folio *src, struct folio *dst, bool own)
{
	struct rmap_walk walk = {
		.one = remove_migration_pte,
		.arg = src,
		.site = SITE_migrate,
		.folio_locked = true,
		.pinned = true,
		.own = own,
	};

	rmap_walk(sim, dst, &walk);
}

/* ---- a page ---- */

static void fill_copy(struct mmsim *sim, struct folio *dst, const struct folio *src)
{
	folio_copy(sim, dst, src);
	WRITE_ONCE(dst->mapping, src->mapping);
	dst->index = src->index;
	fetch_or(&dst->flags, READ_ONCE(src->flags) & (PG_dirty | PG_lazyfree));
}

/* Both locked, @anon_vma pinned. 0 or -EAGAIN. */
static int move_folio(struct mmsim *sim, struct folio *src, struct folio *dst)
{
	bool own = try_to_migrate(sim, src);
	struct folio *to = src;

	/* Unmapped, and nobody but the caller knows it: nobody can come to know it. */
	if (!folio_mapped(src) && atomic_read(&src->_refcount) == 1) {
		fill_copy(sim, dst, src);
		to = dst;
	}
	remove_migration_ptes(sim, src, to, own);
	return to == dst ? 0 : -EAGAIN;
}

static int move_locked(struct mmsim *sim, struct folio *src, struct folio *dst)
{
	struct anon_vma *anon_vma = folio_get_anon_vma(sim, src);
	int err = -EAGAIN;

	if (!anon_vma)
		return -EAGAIN;
	BUG_ON(!folio_trylock(dst, SITE_migrate));
	for (int i = 0; i < MIGRATE_TRIES && err && folio_mapped(src); i++) {
		err = move_folio(sim, src, dst);
		if (err)
			cond_resched();
	}
	folio_unlock(sim, dst);
	put_anon_vma(sim, anon_vma);
	return err;
}

int migrate_folio(struct mmsim *sim, struct folio *src, bool wait)
{
	struct folio *dst = folio_alloc(sim, false);
	int err = dst ? 0 : -ENOMEM;

	if (!err && wait)
		folio_lock(sim, src, SITE_migrate);
	else if (!err && !folio_trylock(src, SITE_migrate))
		err = -EAGAIN;
	if (!err) {
		err = move_locked(sim, src, dst);
		folio_unlock(sim, src);
	}
	count_event(err ? COUNTER_pgmigrate_fail : COUNTER_pgmigrate_success);
	if (err)
		folio_putback(sim, src);
	else
		folio_put(sim, src);
	if (err && dst)
		folio_put(sim, dst);
	else if (dst)
		folio_putback(sim, dst);
	return err;
}

void migration_entry_wait(struct mmsim *sim, struct pte_table *table, pte_t *ptep)
{
	struct folio *folio;
	pte_t pte;

	spin_lock(&table->ptl, LOCK_pte_lock, SITE_migration_wait);
	pte = READ_ONCE(*ptep);
	if (!(pte & PTE_MIGRATION)) {
		spin_unlock(&table->ptl);
		return;
	}
	count_event(COUNTER_migration_wait);
	folio = pfn_folio(sim, pte_pfn(pte));
	/* Who set the entry has the folio lock until it has found all entries again. */
	if (!(READ_ONCE(folio->flags) & PG_locked))
		machine_bug("a migration entry of page %lu, which nobody is moving", folio->pfn);
	folio_wait_locked(sim, folio, &table->ptl, SITE_migration_wait);
}
