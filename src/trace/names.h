/* SPDX-License-Identifier: MIT */
/*
 * The words of the measurements: lock classes, call sites, counters. One list
 * each gives enum, text, JSON key and table column, so that they cannot drift.
 */
#ifndef MMSIM_TRACE_NAMES_H
#define MMSIM_TRACE_NAMES_H

/*
 * Lock classes, outermost first: the order of this list is the lock order.
 * From page_table_lock on they are spinlocks.
 * X(name, what it guards). Every hold of mmap_lock and anon_vma_root is timed,
 * of the others 1 in 64 a site on the host, all on the model.
 */
#define LOCK_CLASSES(X)                                                                            \
	X(user, "a lock of the caller's own")                                                      \
	X(mmap_lock, "mm->mmap_lock: the VMA tree and the VMAs' fields")                           \
	X(vma_lock, "a VMA: its fields and its page tables' existence")                            \
	X(folio_lock, "PG_locked: which anon_vma a page is of, migration")                         \
	X(anon_vma_root, "anon_vma->root->rwsem: which VMAs hang on an anon_vma, their bounds")    \
	X(anon_vma_own, "the same of one anon_vma, for walks of exclusive pages")                  \
	X(page_table_lock, "mm->page_table_lock: upper page tables, first anon_vma")               \
	X(pte_lock, "one PTE table")                                                               \
	X(pcp_lock, "one CPU's list of free pages; taken by try")                                  \
	X(zone_lock, "the zone's free list")                                                       \
	X(kmem_lock, "an object cache's lists")                                                    \
	X(rwsem_wait, "an rwsem's list of waiters")                                                \
	X(folio_wait, "a hashed list of those who wait for folio locks")

enum lock_class {
#define X(name, what) LOCK_##name,
	LOCK_CLASSES(X)
#undef X
		NR_LOCK_CLASSES
};

/* Call sites: X(name, what the task is doing there). */
#define LOCK_SITES(X)                                                                              \
	X(user, "caller's own code")                                                               \
	X(mmap, "mmap: find a place, merge or insert")                                             \
	X(munmap, "munmap: split, detach; after the downgrade zap and free")                       \
	X(mprotect, "mprotect: split, merge, change every PTE")                                    \
	X(madvise, "madvise under mmap_lock held for read")                                        \
	X(madvise_flags, "madvise that changes VMAs, under mmap_lock held for write")              \
	X(madvise_vma, "madvise under the VMA lock")                                               \
	X(fault, "page fault under mmap_lock")                                                     \
	X(fault_vma, "page fault under the VMA lock")                                              \
	X(mremap, "mremap: grow, shrink, move page tables")                                        \
	X(brk, "brk: move the end of the heap")                                                    \
	X(mlock, "mlock, munlock, mlockall: split, merge, mark")                                   \
	X(userfaultfd, "a range is armed or disarmed for a userfaultfd")                           \
	X(grow_stack, "page fault below a stack: grow it")                                         \
	X(populate, "populate or mlock: faults in the whole range")                                \
	X(anon_prepare, "first write to a VMA: give it an anon_vma")                               \
	X(vma_write, "vma_start_write: wait for the VMA's readers")                                \
	X(vma_detach, "vma_mark_detached: wait for transient readers")                             \
	X(vma_split, "split or merge: the anon_vma's tree")                                        \
	X(anon_clone, "anon_vma_clone: a VMA joins another's anon_vma")                            \
	X(unlink, "unlink_anon_vmas")                                                              \
	X(exit, "exit_mmap")                                                                       \
	X(fork, "fork: parent's mmap_lock, and the child's, which nobody else knows")              \
	X(anon_fork, "anon_vma_fork: the child's VMA gets an anon_vma of its own")                 \
	X(copy_pte, "copy_page_range: the child's PTE table, inside it the parent's")              \
	X(pte_alloc, "a page-table page is linked in")                                             \
	X(wp_reuse, "a write fault: is the page ours alone?")                                      \
	X(migration_wait, "a fault on a page that is being moved")                                 \
	X(migrate, "migration: the page's PTEs become entries that say so, and back")              \
	X(referenced, "folio_referenced: was the page used?")                                      \
	X(try_to_unmap, "try_to_unmap: take the page from all who map it")                         \
	X(shrink, "shrink: is the page of use?")                                                   \
	X(anon_free, "the last reference of an anon_vma: wait for who still looks")                \
	X(zap, "zap_pte_range")                                                                    \
	X(change_pte, "change_pte_range")                                                          \
	X(move_pte, "move_page_tables: source and target of mremap")                               \
	X(move_pages, "move_pages: find the page")                                                 \
	X(guard_pte, "guard markers are set or cleared")                                           \
	X(inspect, "reading the address space for a report")                                       \
	X(page_alloc, "page allocator")                                                            \
	X(page_free, "page allocator, free")                                                       \
	X(kmem, "object cache")                                                                    \
	X(rwsem_slow, "rwsem slow path")                                                           \
	X(folio_slow, "folio lock slow path")

enum lock_site {
#define X(name, what) SITE_##name,
	LOCK_SITES(X)
#undef X
		NR_LOCK_SITES
};

/* What a task is at, in user mode or in the kernel: X(name). */
#define TRACE_OPERATIONS(X)                                                                        \
	X(user)                                                                                    \
	X(fault)                                                                                   \
	X(mmap)                                                                                    \
	X(munmap)                                                                                  \
	X(mprotect)                                                                                \
	X(mremap)                                                                                  \
	X(brk)                                                                                     \
	X(mlock)                                                                                   \
	X(madvise)                                                                                 \
	X(process_madvise) X(set_vma_name) X(userfaultfd) X(fork) X(exit) X(move_pages) X(compact) \
		X(shrink)

enum trace_operation {
#define X(name) OPERATION_##name,
	TRACE_OPERATIONS(X)
#undef X
		NR_OPERATIONS
};

/* What the last of a chain of waits did meanwhile: X(name, help). They add up to the wait. */
#define WAIT_SHARES(X)                                                                             \
	X(running, "had a CPU")                                                                    \
	X(preempted, "could run, but had no CPU")                                                  \
	X(asleep, "slept, or waited for what is not known")                                        \
	X(io, "waited for a device")                                                               \
	X(handover, "had let the lock go: who is next was not running yet, or is not known")

enum wait_share {
#define X(name, help) SHARE_##name,
	WAIT_SHARES(X)
#undef X
		NR_WAIT_SHARES
};

/* Counters: X(name, unit, help). The kernel's names where it has one. */
#define TRACE_COUNTERS(X)                                                                          \
	X(vma_lock_success, "faults", "faults that ended under the VMA lock")                      \
	X(vma_lock_abort, "attempts", "lock_vma_under_rcu found no VMA it could lock")             \
	X(vma_lock_retry, "faults", "faults under the VMA lock that had to be retried")            \
	X(vma_lock_miss, "lookups", "a detached VMA was found and the lookup repeated")            \
	X(pgfault, "faults", "page faults")                                                        \
	X(fault_mmap_lock, "faults", "faults that took mmap_lock")                                 \
	X(fault_segv_maperr, "faults", "no VMA at the address")                                    \
	X(fault_segv_accerr, "faults", "the VMA does not allow the access")                        \
	X(fault_zero_page, "faults", "read faults that mapped the zero page")                      \
	X(fault_anon_page, "faults", "write faults that mapped a fresh page")                      \
	X(fault_cow_zero, "faults", "write faults that replaced the zero page")                    \
	X(fault_reuse, "faults", "write faults that made the present PTE writable")                \
	X(fault_cow, "faults", "write faults that copied a page that others may see")              \
	X(fault_cow_reuse, "faults", "write faults on a page that was shared and is no more")      \
	X(fault_spurious, "faults", "faults that found the PTE good already")                      \
	X(fault_guard, "faults", "accesses to a guard page")                                       \
	X(fault_userfaultfd, "faults", "first touches of an armed VMA: the lock was dropped")      \
	X(stack_growth, "faults", "faults that grew a stack")                                      \
	X(mmap_calls, "calls", "mmap")                                                             \
	X(munmap_calls, "calls", "munmap")                                                         \
	X(munmap_downgrade, "calls", "munmap that zapped under a downgraded mmap_lock")            \
	X(mprotect_calls, "calls", "mprotect")                                                     \
	X(mremap_calls, "calls", "mremap")                                                         \
	X(mremap_moves, "VMAs", "VMAs, or parts, that mremap moved")                               \
	X(mremap_rmap_locks, "VMAs", "moves that had to hold the rmap locks")                      \
	X(brk_calls, "calls", "brk")                                                               \
	X(mlock_calls, "calls", "mlock, munlock, mlockall, munlockall")                            \
	X(fork_calls, "calls", "fork")                                                             \
	X(fork_ptes, "pages", "PTEs that fork copied")                                             \
	X(exit_inherited, "VMAs",                                                                  \
	  "VMAs of processes that end, which fork had made of faulted ones")                       \
	X(exit_copied, "VMAs", "of them, without a page that was not their own")                   \
	X(anon_vma_reused, "VMAs", "VMAs for which fork found an anon_vma to reuse")               \
	X(rmap_walks, "walks", "walks over the VMAs that may map an anonymous page")               \
	X(rmap_exclusive, "walks", "of them under the page's own anon_vma's lock")                 \
	X(rmap_vmas, "VMAs", "VMAs that walks met")                                                \
	X(rmap_contended, "walks", "walks given up, as the lock was contended")                    \
	X(folio_handoff, "locks", "folio locks handed to a waiter who had lost five races")        \
	X(migration_wait, "faults", "faults that waited for a page to be moved")                   \
	X(pgmigrate_success, "pages", "pages moved")                                               \
	X(pgmigrate_fail, "pages", "pages that could not be moved")                                \
	X(compact_scanned, "pages", "pages that compaction looked at")                             \
	X(shrink_scanned, "pages", "pages that a shrink looked at")                                \
	X(shrink_referenced, "pages", "of them in use: a PTE had been used since the last look")   \
	X(shrink_kept, "pages", "of them kept unaged, as a lock was contended")                    \
	X(pglazyfreed, "pages", "pages of MADV_FREE that a shrink freed")                          \
	X(madvise_calls, "calls", "madvise, and elements of process_madvise")                      \
	X(madvise_zaps, "calls", "madvise DONTNEED and FREE")                                      \
	X(madvise_vma_lock, "calls", "madvise that ran under the VMA lock")                        \
	X(madvise_mmap_lock, "calls", "madvise DONTNEED and FREE that ran under mmap_lock")        \
	X(madvise_fallback_unlockable, "calls", "a VMA that the release's lock does not cover")    \
	X(madvise_fallback_gap, "calls", "F1: no VMA at the start of the range")                   \
	X(madvise_fallback_locked, "calls", "F2: VMA write-locked, or a writer waits")             \
	X(madvise_lookup_repeated, "lookups", "F3: the VMA found was detached, looked up again")   \
	X(madvise_fallback_moved, "calls", "F4: the address is no longer in the VMA found")        \
	X(madvise_fallback_crosses, "calls", "F5: the range crosses the end of the VMA")           \
	X(madvise_fallback_remote, "calls", "F6: the caller runs in another address space")        \
	X(madvise_fallback_userfaultfd, "calls", "F7: the VMA is armed for a userfaultfd")         \
	X(madvise_fallback_guard, "calls", "F8: guard pages in a VMA without anon_vma")            \
	X(madvise_fallback_off, "calls", "F9: the fault strategy has no VMA lock")                 \
	X(madvise_fallback_vector, "calls", "F10: an element before fell back")                    \
	X(vma_split, "VMAs", "VMAs split in two")                                                  \
	X(vma_merge, "VMAs", "VMAs merged away or ranges joined to one")                           \
	X(pte_zapped, "pages", "present PTEs cleared")                                             \
	X(page_lazyfreed, "pages", "pages that MADV_FREE marked")                                  \
	X(page_cold, "pages", "pages that MADV_COLD or PAGEOUT made old")                          \
	X(pte_moved, "pages", "PTEs that mremap moved one by one")                                 \
	X(pmd_moved, "tables", "PTE tables that mremap moved as a whole")                          \
	X(guard_installed, "pages", "guard markers set")                                           \
	X(guard_removed, "pages", "guard markers cleared by MADV_GUARD_REMOVE")                    \
	X(page_alloc, "pages", "pages allocated")                                                  \
	X(page_free, "pages", "pages freed")                                                       \
	X(pcp_contended, "calls", "the per-CPU page list was busy, the zone was used")             \
	X(tlb_flush, "flushes", "TLB flushes")                                                     \
	X(tlb_ipi, "tasks", "tasks whose user access a TLB flush had to wait out")                 \
	X(rwsem_reader_steal, "locks", "readers that passed queued waiters")                       \
	X(rwsem_writer_steal, "locks", "writers that took the lock while spinning")                \
	X(rwsem_handoff, "locks", "hand-offs asked for after 4 ms of waiting")                     \
	X(rwsem_reader_sleep, "waits", "readers that queued")                                      \
	X(rwsem_writer_sleep, "waits", "writers that queued")                                      \
	X(edges_dropped, "waits", "wait-for edges that found their table full")

enum trace_counter {
#define X(name, unit, help) COUNTER_##name,
	TRACE_COUNTERS(X)
#undef X
		NR_COUNTERS
};

#endif
