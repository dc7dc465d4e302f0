/* SPDX-License-Identifier: MIT */
/* Page tables: find, allocate, take out. */
#include "mem/pgtable.h"
#include "mem/sim.h"

int pgd_alloc(struct mm_struct *mm)
{
	mm->pgd = kmem_cache_alloc(mm->sim->dir_cache);
	return mm->pgd ? 0 : -ENOMEM;
}

void pgd_free(struct mm_struct *mm)
{
	kmem_cache_free(mm->sim->dir_cache, mm->pgd);
}

/* Put @table at @slot unless somebody was first; what is there now. */
static void *link_table(struct mm_struct *mm, void **slot, void *table)
{
	void *there;

	spin_lock(&mm->page_table_lock, LOCK_page_table_lock, SITE_pte_alloc);
	there = *slot;
	if (!there) {
		there = table;
		smp_store_release(slot, table); /* its zeroes are seen before it is */
	}
	spin_unlock(&mm->page_table_lock);
	return there;
}

static void *table_at(struct mm_struct *mm, struct pgtable_dir *dir, unsigned long addr, int level)
{
	struct kmem_cache *cache = level ? mm->sim->dir_cache : mm->sim->pte_cache;
	void **slot = &dir->entry[dir_index(addr, level)];
	void *table = smp_load_acquire(slot);
	void *fresh;

	if (table)
		return table;
	fresh = kmem_cache_alloc(cache);
	if (!fresh)
		return NULL;
	table = link_table(mm, slot, fresh);
	if (table != fresh)
		kmem_cache_free(cache, fresh);
	return table;
}

struct pte_table *pte_table_alloc(struct mm_struct *mm, unsigned long addr)
{
	void *table = pte_table_find(mm, addr);

	if (likely(table))
		return table;
	table = mm->pgd;
	for (int level = PGTABLE_LEVELS - 1; level >= 0 && table; level--)
		table = table_at(mm, table, addr, level);
	return table;
}

/* ---- moving ---- */

bool pte_table_parent_alloc(struct mm_struct *mm, unsigned long addr)
{
	void *table = mm->pgd;

	for (int level = PGTABLE_LEVELS - 1; level > 0 && table; level--)
		table = table_at(mm, table, addr, level);
	return table;
}

static void **pte_table_slot(struct mm_struct *mm, unsigned long addr)
{
	struct pgtable_dir *dir = mm->pgd;

	for (int level = PGTABLE_LEVELS - 1; level > 0; level--)
		dir = smp_load_acquire(&dir->entry[dir_index(addr, level)]);
	return &dir->entry[dir_index(addr, 0)];
}

bool pte_table_relink(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	void **old = pte_table_slot(mm, from), **new = pte_table_slot(mm, to);
	void *table;

	spin_lock(&mm->page_table_lock, LOCK_page_table_lock, SITE_move_pte);
	table = READ_ONCE(*new) ? NULL : *old;
	if (table) {
		WRITE_ONCE(*old, NULL);
		smp_store_release(new, table);
	}
	spin_unlock(&mm->page_table_lock);
	return table;
}

/* ---- taking out ---- */

struct unlink {
	struct mm_struct *mm;
	unsigned long floor, ceiling;
	struct pgtable_gather *gather;
};

static bool span_is_ours(const struct unlink *u, unsigned long addr, int level)
{
	unsigned long span = 1ul << dir_shift(level);
	unsigned long first = addr & ~(span - 1);

	return first >= u->floor && first + span - 1 <= u->ceiling - 1;
}

static void unlink_entry(const struct unlink *u, struct pgtable_dir *dir, unsigned long addr,
			 int level)
{
	void **slot = &dir->entry[dir_index(addr, level)];
	void *table = smp_load_acquire(slot);

	/* No VMA is left in a span that is ours, so what is below is out already. */
	if (!table || !span_is_ours(u, addr, level))
		return;
	WRITE_ONCE(*slot, NULL);
	if (level) {
		struct pgtable_dir *child = table;

		child->next_free = u->gather->dirs;
		u->gather->dirs = child;
	} else {
		struct pte_table *child = table;

		child->next_free = u->gather->tables;
		u->gather->tables = child;
	}
}

/* The tables under @dir, lowest level first. */
static void unlink_range(const struct unlink *u, struct pgtable_dir *dir, unsigned long start,
			 unsigned long end, int level)
{
	unsigned long span = 1ul << dir_shift(level);
	unsigned long next;

	for (unsigned long addr = start; addr < end; addr = next) {
		struct pgtable_dir *child = smp_load_acquire(&dir->entry[dir_index(addr, level)]);

		next = (addr & ~(span - 1)) + span;
		if (level && child)
			unlink_range(u, child, addr, MIN(next, end), level - 1);
		unlink_entry(u, dir, addr, level);
	}
}

void unlink_pgtables(struct mm_struct *mm, unsigned long start, unsigned long end,
		     unsigned long floor, unsigned long ceiling, struct pgtable_gather *gather)
{
	struct unlink u = {mm, floor, ceiling ? ceiling : TASK_SIZE + PAGE_SIZE, gather};

	/* No lock: nobody else uses entries of a span that is ours. */
	unlink_range(&u, mm->pgd, start, end, PGTABLE_LEVELS - 1);
}

void free_unlinked_pgtables(struct mmsim *sim, struct pgtable_gather *gather)
{
	while (gather->tables) {
		struct pte_table *table = gather->tables;

		gather->tables = table->next_free;
		kmem_cache_free(sim->pte_cache, table);
	}
	while (gather->dirs) {
		struct pgtable_dir *dir = gather->dirs;

		gather->dirs = dir->next_free;
		kmem_cache_free(sim->dir_cache, dir);
	}
}
