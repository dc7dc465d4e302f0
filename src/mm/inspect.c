/* SPDX-License-Identifier: MIT */
/* Looking at an address space from outside, and checking that its parts agree. */
#include "mm/mm.h"
#include "rmap/interval_tree.h"
#include "rmap/rmap.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* ---- /proc/PID/maps ---- */

/* The letters of smaps' VmFlags, in the order of the bits. */
static const struct {
	unsigned long flag;
	const char *letters;
} vm_flag_letters[] = {
	{VM_GROWSDOWN, "gd"}, {VM_UFFD_MISSING, "um"}, {VM_MAYBE_GUARD, "gu"},
	{VM_LOCKED, "lo"},    {VM_SEQ_READ, "sr"},     {VM_RAND_READ, "rr"},
	{VM_DONTCOPY, "dc"},  {VM_LOCKONFAULT, "lf"},  {VM_ACCOUNT, "ac"},
	{VM_NORESERVE, "nr"}, {VM_WIPEONFORK, "wf"},   {VM_DONTDUMP, "dd"},
	{VM_HUGEPAGE, "hg"},  {VM_NOHUGEPAGE, "nh"},   {VM_MERGEABLE, "mg"},
};

static void print_flags(unsigned long vm_flags, char *buf, size_t size)
{
	*buf = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(vm_flag_letters); i++)
		if (vm_flags & vm_flag_letters[i].flag)
			snprintf(buf + strlen(buf), size - strlen(buf), "%s%s", *buf ? " " : "",
				 vm_flag_letters[i].letters);
}

/* The VMA is locked, or mmap_lock held. */
static void describe_vma(const struct vm_area_struct *vma, struct mmsim_vma *out)
{
	unsigned long guard = READ_ONCE(vma->maybe_guard) ? VM_MAYBE_GUARD : 0;

	*out = (struct mmsim_vma){
		.start = vma->vm_start,
		.end = vma->vm_end,
		.prot = (vma->vm_flags & VM_READ ? PROT_READ : 0) |
			(vma->vm_flags & VM_WRITE ? PROT_WRITE : 0) |
			(vma->vm_flags & VM_EXEC ? PROT_EXEC : 0),
		.has_anon_vma = READ_ONCE(vma->anon_vma) != NULL,
	};
	print_flags(vma->vm_flags | guard, out->flags, sizeof(out->flags));
	if (vma->anon_name)
		strcpy(out->name, vma->anon_name->name);
}

/*
 * The first VMA that ends above @addr, read-locked without mmap_lock; @found
 * false: there is none. NULL and @found: it takes mmap_lock.
 */
static struct vm_area_struct *lock_next_vma_under_rcu(struct mm_struct *mm, unsigned long addr,
						      bool *found)
{
	struct vm_area_struct *vma;
	unsigned int seq;
	bool detached, stable;

	do {
		stable = raw_seqcount_try_begin(&mm->mm_lock_seq, &seq);
		rcu_read_lock();
		vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);
		*found = vma;
		if (!vma) {
			rcu_read_unlock();
			return NULL;
		}
		vma = mm->fault->vma_start_read(mm, vma, SITE_inspect, &detached);
	} while (!vma && detached);
	if (!vma)
		return NULL;
	/* In a gap before it, another may have come: only if nobody wrote it was the next. */
	if (addr >= vma->vm_end ||
	    (addr < vma->vm_start && (!stable || read_seqcount_retry(&mm->mm_lock_seq, seq)) &&
	     vma_tree_find(&mm->mm_mt, addr, NULL, NULL) != vma)) {
		rcu_read_unlock();
		vma_end_read(vma);
		return NULL;
	}
	rcu_read_unlock();
	return vma;
}

/* mmap_lock held for read. */
static bool describe_next_vma(struct mm_struct *mm, unsigned long addr, struct mmsim_vma *out)
{
	struct vm_area_struct *vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);

	if (vma)
		describe_vma(vma, out);
	return vma;
}

int mmsim_vma_find(struct mm_struct *mm, uint64_t addr, struct mmsim_vma *out)
{
	bool vma_locks = mm->fault->vma_start_read && mmsim_since(mm, 6, 17);
	struct vm_area_struct *vma = NULL;
	bool found = true;

	if (vma_locks)
		vma = lock_next_vma_under_rcu(mm, addr, &found);
	if (!found)
		return -ENOENT;
	if (!vma && mmap_read_lock_killable(mm, SITE_inspect))
		return -EINTR;
	if (!vma && vma_locks) {
		/* Only found under it; then it is the VMA's lock again. */
		vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);
		if (vma && !mm->fault->vma_start_read_locked(vma, SITE_inspect))
			vma = NULL;
		if (vma)
			mmap_read_unlock(mm);
	}
	if (vma) {
		describe_vma(vma, out);
		vma_end_read(vma);
		return 0;
	}
	found = describe_next_vma(mm, addr, out);
	mmap_read_unlock(mm);
	return found ? 0 : -ENOENT;
}

/* ---- pages ---- */

/* The PTE lock is held: the page stays. */
static enum mmsim_page page_of(struct mm_struct *mm, struct pte_table *table, uint64_t addr,
			       unsigned int *mapcount, uint64_t *value)
{
	pte_t pte = READ_ONCE(table->pte[pte_index(addr)]);
	const char *bytes;

	if (!pte)
		return MMSIM_PAGE_NONE;
	if (pte & PTE_GUARD)
		return MMSIM_PAGE_GUARD;
	if (pte & PTE_MIGRATION)
		return MMSIM_PAGE_MIGRATION;
	bytes = (const char *)pfn_address(mm->sim, pte_pfn(pte)) + (addr & ~PAGE_MASK & ~7ul);
	*value = quiet_load(*(const uint64_t *)bytes);
	if (pte_pfn(pte) == ZERO_PAGE_PFN)
		return MMSIM_PAGE_ZERO;
	*mapcount = (unsigned int)atomic_read(&pfn_folio(mm->sim, pte_pfn(pte))->_mapcount);
	return MMSIM_PAGE_ANON;
}

enum mmsim_page mmsim_page_at(struct mm_struct *mm, uint64_t addr, unsigned int *mapcount,
			      uint64_t *value)
{
	enum mmsim_page page = MMSIM_PAGE_NO_VMA;
	unsigned int count = 0;
	uint64_t word = 0;

	mmap_read_lock(mm, SITE_inspect);
	if (vma_tree_walk(&mm->mm_mt, addr)) {
		struct pte_table *table = pte_table_find(mm, addr);

		page = MMSIM_PAGE_NONE;
		if (table) {
			spin_lock(&table->ptl, LOCK_pte_lock, SITE_inspect);
			page = page_of(mm, table, addr, &count, &word);
			spin_unlock(&table->ptl);
		}
	}
	mmap_read_unlock(mm);
	if (mapcount)
		*mapcount = count;
	if (value)
		*value = word;
	return page;
}

unsigned int mmsim_map_count(const struct mm_struct *mm)
{
	return (unsigned int)mm->map_count;
}

/* ---- do the parts agree? ---- */

/* PTEs of the page that a walk from it finds; 0 if it does not come to @must. */
static int count_reached(const struct folio *folio, const struct vm_area_struct *must)
{
	const struct anon_vma *anon_vma = folio_anon_vma(folio);
	struct anon_vma_chain *avc =
		interval_tree_first(&anon_vma->tree, folio->index, folio->index);
	bool came = false;
	int n = 0;

	for (; avc; avc = interval_tree_next(avc, folio->index, folio->index)) {
		const struct vm_area_struct *vma = avc->vma;
		unsigned long addr = vma->vm_start + ((folio->index - vma->vm_pgoff) << PAGE_SHIFT);
		struct pte_table *table = pte_table_find(vma->vm_mm, addr);
		pte_t pte = table ? READ_ONCE(table->pte[pte_index(addr)]) : 0;

		n += (pte & PTE_PRESENT) && pte_pfn(pte) == folio->pfn;
		came |= vma == must;
	}
	return came ? n : 0;
}

/* A page's rmap leads back to the PTE that maps it. */
static void check_folio(const struct vm_area_struct *vma, const struct folio *folio,
			unsigned long addr)
{
	const char *name = vma->vm_mm->name;
	unsigned long index = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);

	int mapcount = folio->_mapcount.counter, refcount = folio->_refcount.counter;
	bool exclusive = folio->flags & PG_anon_exclusive;
	const struct anon_vma_chain *avc = vma->anon_vma_chain;

	while (avc && folio->mapping != (char *)avc->anon_vma + 1)
		avc = avc->same_vma;
	if (!avc)
		mmsim_bug("%s: the page at %#lx has an anon_vma that its VMA has not", name, addr);
	if (mapcount < 1 || refcount != mapcount || (exclusive && mapcount != 1))
		mmsim_bug("%s: the page at %#lx is mapped %d times, %d references%s", name, addr,
			  mapcount, refcount, exclusive ? ", exclusive" : "");
	if (folio->index != index)
		mmsim_bug("%s: the page at %#lx has index %#lx", name, addr, folio->index);
	if (count_reached(folio, vma) != mapcount)
		mmsim_bug("%s: a walk from the page at %#lx, mapped %d times, misses a PTE", name,
			  addr, mapcount);
}

static void check_tree(const struct anon_vma *anon_vma)
{
	struct anon_vma_chain *avc = interval_tree_first(&anon_vma->tree, 0, ULONG_MAX);
	unsigned long first = 0;
	int active = 0;

	for (; avc; avc = interval_tree_next(avc, 0, ULONG_MAX)) {
		if (avc->anon_vma != anon_vma || avc->vma->vm_pgoff < first)
			mmsim_bug("an anon_vma's tree has a link of another, or out of order");
		first = avc->vma->vm_pgoff;
		active += avc->vma->anon_vma == anon_vma;
	}
	if (active != anon_vma->num_active_vmas)
		mmsim_bug("%d VMAs put pages into an anon_vma that counts %d", active,
			  anon_vma->num_active_vmas);
}

static void check_anon_vma(const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	const struct anon_vma_chain *avc = vma->anon_vma_chain;

	if (!avc != !vma->anon_vma)
		mmsim_bug("%s: VMA %#lx has an anon_vma or a chain, not both", mm->name,
			  vma->vm_start);
	for (; avc; avc = avc->same_vma) {
		if (avc->vma != vma || avc->anon_vma->root != vma->anon_vma->root)
			mmsim_bug("%s: VMA %#lx has a foreign link in its chain", mm->name,
				  vma->vm_start);
		check_tree(avc->anon_vma);
	}
}

static uint64_t count_ptes(const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	unsigned long next;
	uint64_t n = 0;

	for (unsigned long addr = vma->vm_start; addr < vma->vm_end; addr = next) {
		struct pte_table *table = pte_table_find(mm, addr);

		next = pmd_addr_end(addr, vma->vm_end);
		for (unsigned long a = addr; table && a < next; a += PAGE_SIZE) {
			pte_t pte = READ_ONCE(table->pte[pte_index(a)]);

			if (!pte)
				continue;
			n++;
			if (pte & PTE_GUARD) {
				if (mmsim_since(mm, 6, 18) && !vma->maybe_guard)
					mmsim_bug("%s: guard page at %#lx, unmarked VMA", mm->name,
						  a);
				continue;
			}
			if (pte & PTE_MIGRATION)
				mmsim_bug("%s: a migration entry is left at %#lx", mm->name, a);
			if ((pte & PTE_WRITE) && !(vma->vm_flags & VM_WRITE))
				mmsim_bug("%s: writable PTE at %#lx in a read-only VMA", mm->name,
					  a);
			if (pte_pfn(pte) != ZERO_PAGE_PFN)
				check_folio(vma, pfn_folio(mm->sim, pte_pfn(pte)), a);
		}
	}
	return n;
}

static uint64_t count_all_ptes(const struct pgtable_dir *dir, int level)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < PTRS_PER_PTE; i++) {
		if (!dir->entry[i])
			continue;
		if (level) {
			n += count_all_ptes(dir->entry[i], level - 1);
			continue;
		}
		for (unsigned int j = 0; j < PTRS_PER_PTE; j++)
			n += ((struct pte_table *)dir->entry[i])->pte[j] != 0;
	}
	return n;
}

void mmsim_mm_check(struct mm_struct *mm)
{
	unsigned long start, end, last_end = 0, pages = 0, locked = 0;
	struct vm_area_struct *vma;
	uint64_t ptes = 0;
	int n = 0;

	vma_tree_check(&mm->mm_mt);
	for (vma = vma_tree_find(&mm->mm_mt, 0, &start, &end); vma;
	     vma = vma_tree_find(&mm->mm_mt, end, &start, &end)) {
		if (vma->vm_start != start || vma->vm_end != end || start < last_end)
			mmsim_bug("%s: VMA %#lx-%#lx stands at %#lx-%#lx", mm->name, vma->vm_start,
				  vma->vm_end, start, end);
		if (vma->vm_mm != mm)
			mmsim_bug("%s: VMA %#lx is of another mm", mm->name, start);
		/* Moved with its pages, it keeps the offset of its birthplace. */
		if (!vma->anon_vma && !mm->kept_offsets &&
		    vma->vm_pgoff != vma->vm_start >> PAGE_SHIFT)
			mmsim_bug("%s: VMA %#lx has page offset %#lx", mm->name, start,
				  vma->vm_pgoff);
		check_anon_vma(mm, vma);
		ptes += count_ptes(mm, vma);
		pages += vma_pages(vma);
		locked += vma->vm_flags & VM_LOCKED ? vma_pages(vma) : 0;
		last_end = end;
		n++;
	}
	if (n != mm->map_count || pages != mm->total_vm ||
	    locked + mm->locked_vm_lost != mm->locked_vm)
		mmsim_bug("%s: %d VMAs, map_count %d; %lu pages, total_vm %lu; %lu locked, "
			  "locked_vm %lu",
			  mm->name, n, mm->map_count, pages, mm->total_vm, locked, mm->locked_vm);
	if (ptes != count_all_ptes(mm->pgd, 2))
		mmsim_bug("%s: PTEs outside of VMAs", mm->name);
	if (mm->mmap_lock.count.counter)
		mmsim_bug("%s: mmap_lock's count is %#lx at rest", mm->name,
			  mm->mmap_lock.count.counter);
}
