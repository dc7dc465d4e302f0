/* SPDX-License-Identifier: MIT */
/*
 * Page faults of user accesses.
 *
 * Fidelity: the fault sequence of x86 and arm64: VMA lock first, what ends or
 * retries under it, then mmap_lock by try and killably; anonymous first touch
 * with the order of anon_vma, allocation and PTE lock; write faults on shared
 * pages, which copy, or take what is theirs alone again; counters. That a denied
 * access is answered under the VMA lock is taken to be so since 6.10; before,
 * it went on to mmap_lock. A userfaultfd's monitor is modelled by what it costs
 * the faulting task, a dropped lock and a second pass: it answers at once, with
 * an empty page. Not modelled: files, swap, kernel-mode faults.
 */
#include "base/mutant.h"
#include "mem/folio_lock.h"
#include "mm/mm.h"
#include "rmap/anon_vma.h"
#include "rmap/migrate.h"

static bool access_error(const struct vm_area_struct *vma, bool write)
{
	if (write)
		return !(vma->vm_flags & VM_WRITE);
	return !(vma->vm_flags & VM_ACCESS_FLAGS);
}

/*
 * An own page needs an anon_vma. Looking at the neighbours for one to share
 * takes mmap_lock, under the VMA lock by try only: its writer may wait for us.
 * Before 6.10 the lock of the time, vma_rwsem, did not lock a VMA without one.
 */
static enum fault_result vmf_anon_prepare(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	bool try_lock;
	int err;

	if (likely(smp_load_acquire(&vmf->vma->anon_vma)))
		return FAULT_DONE;
	try_lock = vmf->vma_lock && !MUTANT(ANON_CHECK_BEFORE_LOCK);
	if (try_lock && !mmap_read_trylock(mm, SITE_anon_prepare)) {
		vma_end_read(vmf->vma);
		return FAULT_RETRY;
	}
	err = __anon_vma_prepare(vmf->vma, find_mergeable_anon_vma(vmf->vma));
	if (try_lock)
		mmap_read_unlock(mm);
	return err ? FAULT_OOM : FAULT_DONE;
}

static void release_fault_lock(const struct vm_fault *vmf)
{
	if (vmf->vma_lock)
		vma_end_read(vmf->vma);
	else
		mmap_read_unlock(vmf->vma->vm_mm);
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

	WRITE_ONCE(folio->mapping, (char *)vma->anon_vma + 1);
	folio->index = vma->vm_pgoff + ((vmf->address - vma->vm_start) >> PAGE_SHIFT);
	atomic_set(&folio->_mapcount, 1);
	/* Release: a scan of all pages looks at the rest if it finds PG_lru. */
	smp_store_release(&folio->flags, PG_anon_exclusive | PG_dirty | PG_lru);
}

/* The same but for the bits that an access sets: ours is the PTE that was looked at. */
static bool pte_same(pte_t a, pte_t b)
{
	return (a & ~(PTE_YOUNG | PTE_DIRTY)) == (b & ~(PTE_YOUNG | PTE_DIRTY));
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
	won = pte_same(READ_ONCE(*pte), old);
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

/* ---- write faults on what is mapped without the right to write ---- */

/*
 * A page that a fork shared, and whose other users are gone. From now on it is this VMA's:
 * it goes from the ancestor's anon_vma to the VMA's own. PTE lock held.
 */
static bool wp_can_reuse_anon_folio(struct folio *folio, const struct vm_area_struct *vma)
{
	struct mmsim *sim = vma->vm_mm->sim;
	bool alone;

	if (atomic_read(&folio->_refcount) > 1 || !folio_trylock(folio, SITE_wp_reuse))
		return false;
	alone = atomic_read(&folio->_refcount) == 1;
	if (alone) {
		WRITE_ONCE(folio->mapping, (char *)vma->anon_vma + 1);
		fetch_or(&folio->flags, PG_anon_exclusive);
		count_event(COUNTER_fault_cow_reuse);
	}
	folio_unlock(sim, folio);
	return alone;
}

/* A page of our own in the place of @old, which is referenced; the reference goes. */
static enum fault_result wp_page_copy(struct vm_fault *vmf, struct pte_table *table, pte_t pte,
				      struct folio *old)
{
	struct mmsim *sim = vmf->vma->vm_mm->sim;
	pte_t *ptep = &table->pte[pte_index(vmf->address)];
	enum fault_result result = vmf_anon_prepare(vmf);
	struct folio *new = result == FAULT_DONE ? folio_alloc(sim, false) : NULL;
	bool won;

	if (!new) {
		folio_put(sim, old);
		return result == FAULT_DONE ? FAULT_OOM : result;
	}
	folio_copy(sim, new, old);
	spin_lock(&table->ptl, LOCK_pte_lock, vmf->vma_lock ? SITE_fault_vma : SITE_fault);
	won = pte_same(READ_ONCE(*ptep), pte);
	if (won) {
		/* Nobody reads the old page through a stale entry once there is another. */
		xchg(ptep, 0);
		flush_tlb_mm(vmf->vma->vm_mm);
		folio_add_new_anon_rmap(new, vmf);
		/* Release: pairs with the walk of a user access. */
		smp_store_release(ptep, anon_pte(new));
		atomic_dec(&old->_mapcount);
	}
	spin_unlock(&table->ptl);
	count_event(won ? COUNTER_fault_cow : COUNTER_fault_spurious);
	vmf->kind = MMSIM_ACCESS_COPY;
	folio_put(sim, old);
	folio_put(sim, won ? old : new);
	return FAULT_DONE;
}

/*
 * A page is there, but not with the rights. A load gets its right back. A store may have the
 * page if it is ours alone; else it copies it.
 */
static enum fault_result do_wp_page(struct vm_fault *vmf, struct pte_table *table, pte_t old)
{
	pte_t *pte = &table->pte[pte_index(vmf->address)];
	struct folio *folio;

	if (vmf->write && pte_pfn(old) == ZERO_PAGE_PFN)
		return do_map_fresh_page(vmf, table, old);
	folio = pfn_folio(vmf->vma->vm_mm->sim, pte_pfn(old));
	spin_lock(&table->ptl, LOCK_pte_lock, vmf->vma_lock ? SITE_fault_vma : SITE_fault);
	vmf->kind = MMSIM_ACCESS_REUSE;
	/* Other bits may be set by an access at the same time; ours are only added. */
	if (!pte_same(READ_ONCE(*pte), old)) {
		count_event(COUNTER_fault_spurious);
	} else if (!vmf->write || (READ_ONCE(folio->flags) & PG_anon_exclusive) ||
		   wp_can_reuse_anon_folio(folio, vmf->vma)) {
		fetch_or(pte, PTE_READ | (vmf->write ? PTE_WRITE : 0));
		count_event(COUNTER_fault_reuse);
	} else {
		atomic_inc(&folio->_refcount);
		spin_unlock(&table->ptl);
		return wp_page_copy(vmf, table, old, folio);
	}
	spin_unlock(&table->ptl);
	return FAULT_DONE;
}

bool pte_allows(pte_t pte, bool write)
{
	return (pte & PTE_PRESENT) && (pte & (write ? PTE_WRITE : PTE_READ));
}

/* The monitor of an armed range is told, and the lock dropped while it works. */
static enum fault_result handle_userfault(struct vm_fault *vmf)
{
	count_event(COUNTER_fault_userfaultfd);
	vmf->tried = true;
	release_fault_lock(vmf);
	return FAULT_RETRY;
}

static enum fault_result do_anonymous_page(struct vm_fault *vmf, struct pte_table *table)
{
	if ((vmf->vma->vm_flags & VM_UFFD_MISSING) && !vmf->tried)
		return handle_userfault(vmf);
	return vmf->write ? do_map_fresh_page(vmf, table, 0) : do_read_zero_page(vmf, table);
}

/*
 * The page is being moved: wait, and let the access be tried again. Until 6.5 such faults were
 * not for the VMA lock; since then it is held meanwhile, as mmap_lock is.
 */
static enum fault_result do_migration_entry(struct vm_fault *vmf, struct pte_table *table)
{
	struct mm_struct *mm = vmf->vma->vm_mm;

	vmf->kind = MMSIM_ACCESS_NEW;
	if (vmf->vma_lock && !mmsim_since(mm, 6, 6)) {
		vma_end_read(vmf->vma);
		return FAULT_RETRY;
	}
	migration_entry_wait(mm->sim, table, &table->pte[pte_index(vmf->address)]);
	return FAULT_DONE;
}

/* Inlined where users fault: one call less on the way of every first touch. */
static __always_inline enum fault_result __handle_mm_fault(struct vm_fault *vmf)
{
	struct pte_table *table = pte_table_alloc(vmf->vma->vm_mm, vmf->address);
	pte_t pte;

	if (!table)
		return FAULT_OOM;
	pte = READ_ONCE(table->pte[pte_index(vmf->address)]);
	if (!pte)
		return do_anonymous_page(vmf, table);
	if (pte & PTE_GUARD) {
		count_event(COUNTER_fault_guard);
		return FAULT_SIGSEGV;
	}
	if (pte & PTE_MIGRATION)
		return do_migration_entry(vmf, table);
	if (pte_allows(pte, vmf->write)) {
		/* Somebody else's fault was faster. */
		count_event(COUNTER_fault_spurious);
		vmf->kind = MMSIM_ACCESS_NEW;
		return FAULT_DONE;
	}
	return do_wp_page(vmf, table, pte);
}

enum fault_result handle_mm_fault(struct vm_fault *vmf)
{
	return __handle_mm_fault(vmf);
}

static enum mmsim_access access_of(enum fault_result result, const struct vm_fault *vmf)
{
	if (result == FAULT_OOM)
		return MMSIM_ACCESS_OOM;
	return result == FAULT_SIGSEGV ? MMSIM_ACCESS_MAPERR : vmf->kind;
}

/* True when the fault is over under the VMA lock, with @answer. */
static bool fault_under_vma_lock(struct mm_struct *mm, struct vm_fault *vmf,
				 enum mmsim_access *answer)
{
	enum fault_result result;
	enum vma_lock_miss miss;

	vmf->vma_lock = true;
	vmf->vma = mm->fault->lock_vma_under_rcu(mm, vmf->address, SITE_fault_vma, &miss);
	if (!vmf->vma)
		return false;
	if (access_error(vmf->vma, vmf->write)) {
		vma_end_read(vmf->vma);
		if (!mmsim_since(mm, 6, 10))
			return false;
		count_event(COUNTER_vma_lock_success);
		count_event(COUNTER_fault_segv_accerr);
		*answer = MMSIM_ACCESS_ACCERR;
		return true;
	}
	result = __handle_mm_fault(vmf);
	if (result == FAULT_RETRY) {
		/* The callee dropped the lock. */
		count_event(COUNTER_vma_lock_retry);
		*answer = MMSIM_ACCESS_KILLED;
		return fatal_signal_pending(current);
	}
	vma_end_read(vmf->vma);
	count_event(COUNTER_vma_lock_success);
	*answer = access_of(result, vmf);
	return true;
}

/*
 * A fault below a stack: the lock is dropped and taken for write, and what was
 * found looked up again. With mmap_lock for read again: 0 and @vma, or NULL.
 */
static int lock_write_and_expand(struct mm_struct *mm, unsigned long addr,
				 struct vm_area_struct **vma)
{
	mmap_read_unlock(mm);
	if (mmap_write_lock_killable(mm, SITE_grow_stack))
		return -EINTR;
	*vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);
	if (*vma && (*vma)->vm_start > addr &&
	    (!((*vma)->vm_flags & VM_GROWSDOWN) || expand_downwards(*vma, addr)))
		*vma = NULL;
	mmap_write_downgrade(mm);
	if (!mmap_can_downgrade(mm))
		*vma = vma_tree_walk(&mm->mm_mt, addr);
	return 0;
}

/* mmap_lock for read and @vma, NULL when there is none to be had; -EINTR: nothing held. */
static int lock_mm_and_find_vma(struct mm_struct *mm, unsigned long addr,
				struct vm_area_struct **vma)
{
	if (!mmap_read_trylock(mm, SITE_fault) && mmap_read_lock_killable(mm, SITE_fault))
		return -EINTR;
	*vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);
	if (!*vma || (*vma)->vm_start <= addr)
		return 0;
	if (!((*vma)->vm_flags & VM_GROWSDOWN))
		*vma = NULL;
	else if (!stack_grows_under_read(mm))
		return lock_write_and_expand(mm, addr, vma);
	else if (expand_downwards(*vma, addr))
		*vma = NULL;
	return 0;
}

static enum mmsim_access fault_under_mmap_lock(struct mm_struct *mm, struct vm_fault *vmf)
{
	enum mmsim_access answer;

	vmf->vma_lock = false;
	if (lock_mm_and_find_vma(mm, vmf->address, &vmf->vma))
		return MMSIM_ACCESS_KILLED;
	if (!vmf->vma) {
		count_event(COUNTER_fault_segv_maperr);
		answer = MMSIM_ACCESS_MAPERR;
	} else if (access_error(vmf->vma, vmf->write)) {
		count_event(COUNTER_fault_segv_accerr);
		answer = MMSIM_ACCESS_ACCERR;
	} else {
		enum fault_result result = handle_mm_fault(vmf);

		if (result == FAULT_RETRY) {
			/* The callee dropped the lock; it does so only once. */
			return fatal_signal_pending(current) ? MMSIM_ACCESS_KILLED :
							       fault_under_mmap_lock(mm, vmf);
		}
		answer = access_of(result, vmf);
	}
	mmap_read_unlock(mm);
	return answer;
}

static enum mmsim_access do_user_fault(struct mm_struct *mm, unsigned long addr, bool write)
{
	enum trace_operation outer = trace_operation_begin(OPERATION_fault);
	struct vm_fault vmf = {.address = addr, .write = write};
	enum mmsim_access answer;

	count_event(COUNTER_pgfault);
	machine_kernel_enter(WORK_trap);
	if (!mm->fault->per_vma || !fault_under_vma_lock(mm, &vmf, &answer)) {
		count_event(COUNTER_fault_mmap_lock);
		answer = fault_under_mmap_lock(mm, &vmf);
	}
	machine_kernel_exit();
	trace_operation_end(outer);
	return answer;
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

/*
 * A TLB flush waits for accesses under way. Where a machine models its interrupt
 * they cost nothing, and are over before a task loses its CPU.
 */
static void access_begin(void)
{
	if (unlikely(machine_is_timed())) {
		preempt_disable();
		quiet_inc_owned(current->user_access.counter, 1);
		return;
	}
	/* Fully ordered: pairs with the exchange in flush_tlb_mm(). */
	atomic_fetch_add(1, &current->user_access);
}

static void access_end(void)
{
	if (unlikely(machine_is_timed())) {
		quiet_inc_owned(current->user_access.counter, 1);
		machine_wrote(&current->user_access.counter);
		preempt_enable();
		return;
	}
	/* Release: the page may be freed once the flush sees this. */
	atomic_set_release(&current->user_access, quiet_load(current->user_access.counter) + 1);
}

enum mmsim_access user_access(struct mm_struct *mm, unsigned long addr, bool write, uint64_t *value)
{
	enum mmsim_access kind = MMSIM_ACCESS_HIT;

	BUG_ON(current->mm != mm);
	addr &= ~7ul;
	for (;;) {
		enum mmsim_access answer;
		bool done;

		access_begin();
		done = hardware_access(mm, addr, write, value);
		access_end();
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
