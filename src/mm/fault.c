/* SPDX-License-Identifier: MIT */
/*
 * Page faults of user accesses.
 *
 * Fidelity: the fault sequence of x86 and arm64: VMA lock first, what ends or
 * retries under it, then mmap_lock by try and killably; anonymous first touch
 * with the order of anon_vma, allocation and PTE lock; counters. That a denied
 * access is answered under the VMA lock is taken to be so since 6.10; before,
 * it went on to mmap_lock. Not modelled: files, swap, userfaultfd, stack
 * growth, kernel-mode faults.
 */
#include "mm/mm.h"
#include "rmap/anon_vma.h"

enum fault_result {
	FAULT_DONE,
	FAULT_RETRY, /* the VMA lock was dropped; again under mmap_lock */
	FAULT_OOM,
};

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long address;
	bool write;
	bool vma_lock; /* the VMA's read lock is held, else mmap_lock for read */
	enum mmsim_access kind;
};

static bool access_error(const struct vm_area_struct *vma, bool write)
{
	if (write)
		return !(vma->vm_flags & VM_WRITE);
	return !(vma->vm_flags & VM_ACCESS_FLAGS);
}

/*
 * An own page needs an anon_vma. Looking at the neighbours for one to share
 * takes mmap_lock, under the VMA lock by try only: its writer may wait for us.
 */
static enum fault_result vmf_anon_prepare(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	int err;

	/* Acquire: pairs with the release in __anon_vma_prepare(). */
	if (likely(smp_load_acquire(&vma->anon_vma)))
		return FAULT_DONE;
	if (vmf->vma_lock && !mmap_read_trylock(vma->vm_mm, SITE_anon_prepare)) {
		vma_end_read(vma);
		return FAULT_RETRY;
	}
	err = __anon_vma_prepare(vma, find_mergeable_anon_vma(vma));
	if (vmf->vma_lock)
		mmap_read_unlock(vma->vm_mm);
	return err ? FAULT_OOM : FAULT_DONE;
}

static pte_t zero_page_pte(void)
{
	return ZERO_PAGE_PFN << PAGE_SHIFT | PTE_PRESENT | PTE_READ | PTE_YOUNG;
}

static pte_t anon_pte(const struct folio *folio)
{
	return folio->pfn << PAGE_SHIFT | PTE_PRESENT | PTE_READ | PTE_WRITE | PTE_YOUNG |
	       PTE_DIRTY;
}

static enum fault_result do_read_zero_page(struct vm_fault *vmf, struct pte_table *table)
{
	pte_t *pte = &table->pte[pte_index(vmf->address)];

	spin_lock(&table->ptl, LOCK_pte_lock, vmf->vma_lock ? SITE_fault_vma : SITE_fault);
	if (!READ_ONCE(*pte)) {
		WRITE_ONCE(*pte, zero_page_pte());
		count_event(COUNTER_fault_zero_page);
	} else {
		count_event(COUNTER_fault_spurious);
	}
	spin_unlock(&table->ptl);
	vmf->kind = MMSIM_ACCESS_NEW;
	return FAULT_DONE;
}

static void folio_add_new_anon_rmap(struct folio *folio, const struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;

	folio->mapping = (char *)vma->anon_vma + 1;
	folio->index = vma->vm_pgoff + ((vmf->address - vma->vm_start) >> PAGE_SHIFT);
	folio->flags = PG_anon_exclusive | PG_dirty;
	/* Nobody else knows the page before its PTE is set. */
	folio->_mapcount.counter = 1;
}

/* Map a fresh page where @old is: nothing, or the zero page. */
static enum fault_result do_map_fresh_page(struct vm_fault *vmf, struct pte_table *table, pte_t old)
{
	struct mmsim *sim = vmf->vma->vm_mm->sim;
	pte_t *pte = &table->pte[pte_index(vmf->address)];
	enum fault_result result = vmf_anon_prepare(vmf);
	struct folio *folio;
	bool won;

	if (result != FAULT_DONE)
		return result;
	folio = folio_alloc(sim, true);
	if (!folio)
		return FAULT_OOM;
	spin_lock(&table->ptl, LOCK_pte_lock, vmf->vma_lock ? SITE_fault_vma : SITE_fault);
	won = (READ_ONCE(*pte) & ~(PTE_YOUNG | PTE_DIRTY)) == (old & ~(PTE_YOUNG | PTE_DIRTY));
	if (won) {
		folio_add_new_anon_rmap(folio, vmf);
		/* Release: pairs with the walk of a user access. */
		smp_store_release(pte, anon_pte(folio));
	}
	spin_unlock(&table->ptl);
	vmf->kind = old ? MMSIM_ACCESS_COPY : MMSIM_ACCESS_NEW;
	if (!won) {
		count_event(COUNTER_fault_spurious);
		folio_put(sim, folio);
	} else {
		count_event(old ? COUNTER_fault_cow_zero : COUNTER_fault_anon_page);
		if (old)
			flush_tlb_mm(vmf->vma->vm_mm);
	}
	return FAULT_DONE;
}

/* A page is there, but not with the rights: it is ours alone, or the zero page. */
static enum fault_result do_wp_page(struct vm_fault *vmf, struct pte_table *table, pte_t old)
{
	pte_t *pte = &table->pte[pte_index(vmf->address)];

	if (vmf->write && pte_pfn(old) == ZERO_PAGE_PFN)
		return do_map_fresh_page(vmf, table, old);
	spin_lock(&table->ptl, LOCK_pte_lock, vmf->vma_lock ? SITE_fault_vma : SITE_fault);
	vmf->kind = MMSIM_ACCESS_REUSE;
	/* Other bits may be set by an access at the same time; ours are only added. */
	if (READ_ONCE(*pte) >> PAGE_SHIFT == old >> PAGE_SHIFT && (READ_ONCE(*pte) & PTE_PRESENT)) {
		pte_t rights = PTE_READ | (vmf->write ? PTE_WRITE : 0);

		fetch_or(pte, rights);
		count_event(COUNTER_fault_reuse);
	} else {
		count_event(COUNTER_fault_spurious);
	}
	spin_unlock(&table->ptl);
	return FAULT_DONE;
}

static bool pte_allows(pte_t pte, bool write)
{
	return (pte & PTE_PRESENT) && (pte & (write ? PTE_WRITE : PTE_READ));
}

static enum fault_result handle_mm_fault(struct vm_fault *vmf)
{
	struct pte_table *table = pte_table_alloc(vmf->vma->vm_mm, vmf->address);
	pte_t pte;

	if (!table)
		return FAULT_OOM;
	pte = READ_ONCE(table->pte[pte_index(vmf->address)]);
	if (!pte)
		return vmf->write ? do_map_fresh_page(vmf, table, 0) :
				    do_read_zero_page(vmf, table);
	if (pte_allows(pte, vmf->write)) {
		/* Somebody else's fault was faster. */
		count_event(COUNTER_fault_spurious);
		vmf->kind = MMSIM_ACCESS_NEW;
		return FAULT_DONE;
	}
	return do_wp_page(vmf, table, pte);
}

static enum mmsim_access access_of(enum fault_result result, const struct vm_fault *vmf)
{
	return result == FAULT_OOM ? MMSIM_ACCESS_OOM : vmf->kind;
}

/* True when the fault is over under the VMA lock, with @answer. */
static bool fault_under_vma_lock(struct mm_struct *mm, unsigned long addr, bool write,
				 enum mmsim_access *answer)
{
	struct vm_fault vmf = {.address = addr, .write = write, .vma_lock = true};
	enum fault_result result;
	enum vma_lock_miss miss;

	vmf.vma = mm->fault->lock_vma_under_rcu(mm, addr, SITE_fault_vma, &miss);
	if (!vmf.vma)
		return false;
	if (access_error(vmf.vma, write)) {
		vma_end_read(vmf.vma);
		if (!mmsim_since(mm, 6, 10))
			return false;
		count_event(COUNTER_vma_lock_success);
		count_event(COUNTER_fault_segv_accerr);
		*answer = MMSIM_ACCESS_ACCERR;
		return true;
	}
	result = handle_mm_fault(&vmf);
	if (result == FAULT_RETRY) {
		/* The callee dropped the lock. */
		count_event(COUNTER_vma_lock_retry);
		*answer = MMSIM_ACCESS_KILLED;
		return fatal_signal_pending(current);
	}
	vma_end_read(vmf.vma);
	count_event(COUNTER_vma_lock_success);
	*answer = access_of(result, &vmf);
	return true;
}

static enum mmsim_access fault_under_mmap_lock(struct mm_struct *mm, unsigned long addr, bool write)
{
	struct vm_fault vmf = {.address = addr, .write = write};
	enum mmsim_access answer;

	if (!mmap_read_trylock(mm, SITE_fault) && mmap_read_lock_killable(mm, SITE_fault))
		return MMSIM_ACCESS_KILLED;
	count_event(COUNTER_fault_mmap_lock);
	vmf.vma = vma_tree_walk(&mm->mm_mt, addr);
	if (!vmf.vma) {
		count_event(COUNTER_fault_segv_maperr);
		answer = MMSIM_ACCESS_MAPERR;
	} else if (access_error(vmf.vma, write)) {
		count_event(COUNTER_fault_segv_accerr);
		answer = MMSIM_ACCESS_ACCERR;
	} else {
		answer = access_of(handle_mm_fault(&vmf), &vmf);
	}
	mmap_read_unlock(mm);
	return answer;
}

static enum mmsim_access do_user_fault(struct mm_struct *mm, unsigned long addr, bool write)
{
	enum mmsim_access answer;

	count_event(COUNTER_pgfault);
	machine_work(WORK_trap, 1);
	if (mm->fault->per_vma && fault_under_vma_lock(mm, addr, write, &answer))
		return answer;
	return fault_under_mmap_lock(mm, addr, write);
}

/* ---- what the CPU does ---- */

/* The accessed and dirty bits; false when the PTE changed under our eyes. */
static bool set_access_bits(pte_t *ptep, pte_t pte, bool write)
{
	pte_t bits = PTE_YOUNG | (write ? PTE_DIRTY : 0);

	return (pte & bits) == bits || try_cmpxchg(ptep, &pte, pte | bits);
}

/* One try: walk the page table, then touch the page. False: it faults. */
static bool hardware_access(struct mm_struct *mm, unsigned long addr, bool write, uint64_t *value)
{
	struct pte_table *table = pte_table_find(mm, addr);
	pte_t *ptep, pte;
	uint64_t *word;

	if (!table)
		return false;
	ptep = &table->pte[pte_index(addr)];
	do {
		/* Acquire: pairs with the release that set the PTE; the page is zeroed. */
		pte = smp_load_acquire(ptep);
		if (!pte_allows(pte, write))
			return false;
	} while (!set_access_bits(ptep, pte, write));
	word = (uint64_t *)((char *)pfn_address(mm->sim, pte_pfn(pte)) + (addr & ~PAGE_MASK));
	if (write)
		quiet_store(*word, *value);
	else
		*value = quiet_load(*word);
	return true;
}

enum mmsim_access user_access(struct mm_struct *mm, unsigned long addr, bool write, uint64_t *value)
{
	enum mmsim_access kind = MMSIM_ACCESS_HIT;

	BUG_ON(current->mm != mm);
	addr &= ~7ul;
	for (;;) {
		enum mmsim_access answer;
		int begun;
		bool done;

		/* Fully ordered: pairs with the exchange in flush_tlb_mm(). */
		begun = atomic_fetch_add(1, &current->user_access) + 1;
		done = hardware_access(mm, addr, write, value);
		/* Release: the page may be freed once the flush sees this. */
		atomic_set_release(&current->user_access, begun + 1);
		if (done)
			return kind;
		answer = do_user_fault(mm, addr, write);
		if (answer >= MMSIM_ACCESS_MAPERR)
			return answer;
		/* The first fault names what happened; later ones only lost a race. */
		if (kind == MMSIM_ACCESS_HIT)
			kind = answer;
	}
}

void mm_populate(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned long addr = start;

	/* One long hold, as the kernel's: its faults do not drop it. */
	mmap_read_lock(mm, SITE_populate);
	while (addr < end) {
		struct vm_fault vmf = {.address = addr, .vma = vma_tree_walk(&mm->mm_mt, addr)};

		if (!vmf.vma)
			break;
		vmf.write = vmf.vma->vm_flags & VM_WRITE;
		if (access_error(vmf.vma, vmf.write)) {
			addr = vmf.vma->vm_end;
			continue;
		}
		if (handle_mm_fault(&vmf) != FAULT_DONE)
			break;
		addr += PAGE_SIZE;
	}
	mmap_read_unlock(mm);
}
