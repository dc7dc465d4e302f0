/* SPDX-License-Identifier: MIT */
/*
 * Seeded faults for the tests. MUTANT(name) is the constant 0 in every build but
 * the test library, where tests/mutants switches one on at a time and shows
 * that a checker notices. Each is a bug a kernel had or could have had.
 */
#ifndef MMSIM_BASE_MUTANT_H
#define MMSIM_BASE_MUTANT_H

#define MMSIM_MUTANTS(X)                                                                           \
	X(RWSEM_WAKE_ONE_PASS, "a woken reader may run before all woken readers are counted")      \
	X(RWSEM_RELEASE_NO_WAKE, "up_write forgets the waiters")                                   \
	X(RWSEM_DOWNGRADE_FORGETS_READERS, "downgrade_write admits no queued reader")              \
	X(RWSEM_STEAL_IGNORES_HANDOFF, "a stealing reader or writer ignores HANDOFF")              \
	X(RWSEM_KILLED_LEAVES_BIAS, "the last waiter is killed and leaves WAITERS behind")         \
	X(VMA_SECOND_SEQ_CHECK_SKIPPED, "vma_start_read does not look at the sequence again")      \
	X(VMA_RANGE_CHECK_FORGOTTEN, "lock_vma_under_rcu does not test the range again")           \
	X(VMA_DOWNGRADE_KEEPS_LOCKS, "mmap_write_downgrade leaves VMA write locks in force")       \
	X(VMA_DETACH_NOT_MARKED, "munmap does not mark the removed VMAs detached")                 \
	X(VMREF_NO_MMGRAB, "a reused VMA's count is dropped without pinning its mm")               \
	X(GROW_UNDER_READ, "a stack grows under mmap_lock held for read only")                     \
	X(ANON_CHECK_BEFORE_LOCK, "the anon_vma is looked for before the VMA is locked")           \
	X(FORK_NO_VMA_LOCK, "fork does not lock the parent's VMAs")                                \
	X(FORK_KEEPS_EXCLUSIVE, "fork leaves a page that it shares marked as exclusive")           \
	X(ANON_REUSE_IGNORES_CHILDREN, "fork reuses an anon_vma that has two children")            \
	X(UNLINK_NO_ROOT_LOCK, "unlink_anon_vmas does not take the root lock")                     \
	X(MREMAP_NO_RMAP_LOCK, "mremap never takes the rmap locks")                                \
	X(ANON_TREE_NEWEST_FIRST, "a walk visits the newest of VMAs with equal offsets first")     \
	X(RMAP_PEEK_UNLOCKED, "a walk looks for migration entries without the PTE lock")           \
	X(RMAP_EXCLUSIVE_NAIVE, "a walk of an exclusive page has the folio lock, nothing else")    \
	X(FOLIO_ABORT_NO_PASS_ON, "a killed waiter for a folio lock may be leaving with it")       \
	X(FOLIO_ABORT_AS_SINCE_5_9, "a killed waiter that was woken does not wake the next")       \
	X(HOLD_A_FIFTH_LONGER, "timed holds of rwsems last a fifth longer")

enum mmsim_mutant {
#define X(name, what) MUTANT_##name,
	MMSIM_MUTANTS(X)
#undef X
		NR_MUTANTS
};

#ifdef MMSIM_TEST_LIBRARY
extern enum mmsim_mutant mmsim_mutant_on; /* NR_MUTANTS: none */
#define MUTANT(name) (mmsim_mutant_on == MUTANT_##name)
#else
#define MUTANT(name) 0
#endif

#endif
