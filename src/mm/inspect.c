/* SPDX-License-Identifier: MIT */
/* Looking at an address space from outside, and checking that its parts agree. */
#include "mm/mm.h"

#include <string.h>
#include <sys/mman.h>

int mmsim_vma_find(struct mm_struct *mm, uint64_t addr, struct mmsim_vma *out)
{
	struct vm_area_struct *vma;
	int err = -ENOENT;

	mmap_read_lock(mm, SITE_inspect);
	vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);
	if (vma) {
		*out = (struct mmsim_vma){
			.start = vma->vm_start,
			.end = vma->vm_end,
			.prot = (vma->vm_flags & VM_READ ? PROT_READ : 0) |
				(vma->vm_flags & VM_WRITE ? PROT_WRITE : 0) |
				(vma->vm_flags & VM_EXEC ? PROT_EXEC : 0),
			.accounted = !!(vma->vm_flags & VM_ACCOUNT),
			.noreserve = !!(vma->vm_flags & VM_NORESERVE),
			.has_anon_vma = READ_ONCE(vma->anon_vma) != NULL,
		};
		err = 0;
	}
	mmap_read_unlock(mm);
	return err;
}

/* The PTE lock is held: the page stays. */
static enum mmsim_page page_of(struct mm_struct *mm, struct pte_table *table, uint64_t addr,
			       unsigned int *mapcount, uint64_t *value)
{
	pte_t pte = READ_ONCE(table->pte[pte_index(addr)]);
	const char *bytes;

	if (!pte)
		return MMSIM_PAGE_NONE;
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
			if ((pte & PTE_WRITE) && !(vma->vm_flags & VM_WRITE))
				mmsim_bug("%s: writable PTE at %#lx in a read-only VMA", mm->name,
					  a);
			if (pte_pfn(pte) != ZERO_PAGE_PFN &&
			    pfn_folio(mm->sim, pte_pfn(pte))->_mapcount.counter != 1)
				mmsim_bug("%s: mapcount at %#lx is not 1", mm->name, a);
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
	unsigned long start, end, last_end = 0, pages = 0;
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
		if (vma->vm_pgoff != vma->vm_start >> PAGE_SHIFT)
			mmsim_bug("%s: VMA %#lx has page offset %#lx", mm->name, start,
				  vma->vm_pgoff);
		ptes += count_ptes(mm, vma);
		pages += vma_pages(vma);
		last_end = end;
		n++;
	}
	if (n != mm->map_count || pages != mm->total_vm)
		mmsim_bug("%s: %d VMAs, map_count %d; %lu pages, total_vm %lu", mm->name, n,
			  mm->map_count, pages, mm->total_vm);
	if (ptes != count_all_ptes(mm->pgd, 2))
		mmsim_bug("%s: PTEs outside of VMAs", mm->name);
	if (mm->mmap_lock.count.counter)
		mmsim_bug("%s: mmap_lock's count is %#lx at rest", mm->name,
			  mm->mmap_lock.count.counter);
}
