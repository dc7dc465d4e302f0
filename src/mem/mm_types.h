/* SPDX-License-Identifier: MIT */
/*
 * The data of folio, VMA, anon_vma and mm. Floors bind functions, not types: a
 * lower floor may keep a pointer to what a higher one works on.
 *
 * Fidelity: field names and what guards them as in 6.18; layout is ours.
 */
#ifndef MMSIM_MEM_MM_TYPES_H
#define MMSIM_MEM_MM_TYPES_H

#include "lock/rwsem.h"
#include "lock/seqcount.h"
#include "lock/spinlock.h"
#include "lock/rcuwait.h"
#include "machine/machine.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)
#define TASK_SIZE 0x7ffffffff000ul
#define MMAP_MIN_ADDR 0x10000ul

/* Bits where the kernel has them: reports list flags in this order. */
#define VM_READ 0x1ul
#define VM_WRITE 0x2ul
#define VM_EXEC 0x4ul
#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_GROWSDOWN 0x100ul
#define VM_UFFD_MISSING 0x200ul /* armed: a first touch is a userfaultfd's business */
#define VM_MAYBE_GUARD 0x800ul /* never in vm_flags, see vm_area_struct.maybe_guard */
#define VM_LOCKED 0x2000ul
#define VM_SEQ_READ 0x8000ul
#define VM_RAND_READ 0x10000ul
#define VM_DONTCOPY 0x20000ul
#define VM_LOCKONFAULT 0x80000ul /* pages are locked as they come */
#define VM_ACCOUNT 0x100000ul
#define VM_NORESERVE 0x200000ul
#define VM_LOCKED_MASK (VM_LOCKED | VM_LOCKONFAULT)
#define VM_WIPEONFORK 0x2000000ul
#define VM_DONTDUMP 0x4000000ul
#define VM_HUGEPAGE 0x20000000ul
#define VM_NOHUGEPAGE 0x40000000ul
#define VM_MERGEABLE 0x80000000ul
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

struct mmsim;
struct fault_strategy;

enum folio_flag {
	/*
	 * Mapped by one PTE that may be made writable. Set and cleared under the PTE lock of
	 * the one mapping: cleared as fork makes a second, kept by the entry of a migration.
	 */
	PG_anon_exclusive = 1 << 0,
	PG_dirty = 1 << 1,
	PG_lazyfree = 1 << 2, /* MADV_FREE: reclaim may drop it while it is clean */
	PG_locked = 1 << 3, /* see folio_lock.h */
	PG_waiters = 1 << 4, /* somebody may wait for PG_locked */
	PG_lru = 1 << 5, /* nobody has isolated it: whoever clears this has */
};

/* One page of memory. */
struct folio {
	unsigned int flags; /* enum folio_flag; bits are changed atomically */
	atomic_t _refcount;
	atomic_t _mapcount; /* number of PTEs */
	/* anon_vma | 1; set when first mapped, changed under PG_locked, stale when unmapped */
	void *mapping;
	unsigned long index; /* linear page index in the VMA's pgoff space */
	struct folio *next; /* on a free list */
	unsigned long pfn; /* never changes */
	uint64_t unused[2];
};
_Static_assert(sizeof(struct folio) == 64, "one line a folio");

/* VMAs by the pages of the file or of the address space that they map; rmap/interval_tree.h. */
struct interval_tree {
	struct anon_vma_chain *top;
	uint32_t random; /* the next link's priority */
};

/*
 * Typesafe: who finds it through a stale folio->mapping, under RCU, finds one whose locks and
 * refcount can be tried.
 */
struct anon_vma {
	struct anon_vma *root, *parent; /* a root: itself */
	/* A root's guards the trees of all its descendants, their counts and the VMAs' bounds. */
	struct rw_semaphore rwsem;
	/* 1 while there are VMAs; who sleeps for a lock of it; a root: each descendant. */
	atomic_t refcount;
	int num_children; /* whose parent this is, a root itself among them; root->rwsem, write */
	int num_active_vmas; /* VMAs whose new pages go here; root->rwsem, write */
	struct interval_tree tree; /* of links; root->rwsem, and own if there is one */
	/*
	 * Only with anon_rmap=exclusive, else there is no room for it. Guards the tree, too: a
	 * writer has it besides the root's, a walk of an exclusive folio in the root's place.
	 */
	struct rw_semaphore own;
};

/* One VMA hangs on one anon_vma: its own or, after a fork, one of its ancestors'. */
struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct anon_vma_chain *same_vma; /* the VMA's next; guarded as vma->anon_vma */
	/* In anon_vma->tree; guarded as that. */
	struct anon_vma_chain *left, *right, *parent;
	unsigned long subtree_last; /* highest page below this link */
	uint32_t priority;
};
_Static_assert(sizeof(struct anon_vma_chain) == 64, "as large as the kernel's");

#define ANON_VMA_NAME_MAX 80 /* with its NUL, as PR_SET_VMA_ANON_NAME takes it */

/* A name that VMAs share. Content never changes. */
struct anon_vma_name {
	atomic_t refcount;
	char name[ANON_VMA_NAME_MAX];
};

struct vm_area_struct {
	/*
	 * First line: what the fault path reads. Bounds and flags: read under
	 * mmap_lock or this VMA's read lock, written under mmap_lock write and
	 * this VMA's write lock (bounds: and root->rwsem if there is an anon_vma; a walk
	 * from a page has that alone, so that it reads the flags once).
	 */
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	/* Written under mmap_lock (any mode, or read by try) + page_table_lock. */
	struct anon_vma *anon_vma;
	/* Written under mmap_lock write; compared without a lock. */
	unsigned int vm_lock_seq;
	int detached; /* vma_rwsem: not in the tree any more; under its write lock */
	/* First the anon_vma for new pages, then ancestors'; guarded as anon_vma. */
	struct anon_vma_chain *anon_vma_chain;

	/* 6.15: readers count here; on a line of its own, as the kernel keeps it. */
	atomic_t vm_refcnt __cacheline_aligned;
	struct rw_semaphore *vm_lock; /* 6.4 to 6.14 */
	struct rcu_head vm_rcu;
	struct mmsim *vm_sim; /* set when it is freed: the mm may be gone before */
	struct vm_area_struct *next_detached; /* munmap's side list */
	struct anon_vma_name *anon_name; /* guarded as vm_flags */
	/*
	 * Guard pages were installed: set under any lock by whoever installs,
	 * so not in vm_flags; sticks through split and merge.
	 */
	int maybe_guard;
};

struct vma_tree_node;

/* Index of VMAs by address; see mm/vma_tree.h. */
struct vma_tree {
	struct vma_tree_node *root; /* RCU; changed under mmap_lock write */
	unsigned int height; /* mmap_lock */
	unsigned long count; /* entries; mmap_lock */
	struct vma_tree_node *reserve;
	unsigned int nr_reserve; /* mmap_lock write */
	/*
	 * A store under mmap_lock held for read only, see stack.c: nodes that fall
	 * out are kept until the next writer. Both under page_table_lock.
	 */
	bool keep_nodes;
	struct vma_tree_node *kept;
	struct kmem_cache *cache;
};

/* Page-table entry: bits below PAGE_SHIFT, page frame number above. 0: none. */
typedef uint64_t pte_t;
#define PTE_PRESENT 1ull /* maps a page */
#define PTE_READ 2ull /* user may load; clear in a PROT_NONE mapping */
#define PTE_WRITE 4ull /* user may store */
#define PTE_YOUNG 8ull /* set by an access */
#define PTE_DIRTY 16ull /* set by a store */
#define PTE_GUARD 32ull /* a guard marker: maps nothing, every access is SIGSEGV */
/*
 * A migration entry, not present: the page of that number is being moved. WRITE, YOUNG and DIRTY
 * as they were and will be. It counts neither as a mapping nor as a reference.
 */
#define PTE_MIGRATION 64ull
#define PTE_EXCLUSIVE 128ull /* of a migration entry: the page was PG_anon_exclusive */
#define PTRS_PER_PTE 512
#define PMD_SHIFT 21
#define PMD_SIZE (1ul << PMD_SHIFT)
#define ZERO_PAGE_PFN 0ul

/* A page-table page of the lowest level and its lock. */
struct pte_table {
	pte_t pte[PTRS_PER_PTE];
	spinlock_t ptl; /* guards pte[]; leaf but for the zone and per-CPU lists */
	struct pte_table *next_free; /* in a gather */
};

/*
 * A page-table page of a level above. Entries are set under page_table_lock and
 * cleared by whoever unmapped all that they span, see unlink_pgtables().
 */
struct pgtable_dir {
	void *entry[PTRS_PER_PTE];
	struct pgtable_dir *next_free; /* in a gather */
};

#define MM_RUNNERS 31

/* Tasks that run an mm: a slot is claimed by CAS and cleared by its task. */
struct mm_runners {
	struct task *task[MM_RUNNERS];
	struct mm_runners *next; /* set once */
};

struct mm_struct {
	/* Read by every fault. */
	struct mmsim *sim;
	const struct fault_strategy *fault;
	struct vma_tree mm_mt;
	struct pgtable_dir *pgd;
	int map_count; /* mmap_lock write */
	unsigned long total_vm, locked_vm; /* pages; mmap_lock write, see also grow_under_read() */
	unsigned long locked_vm_lost; /* of locked_vm: pages that no VMA will take off again */
	/* A VMA without an anon_vma may have another page offset than its address'; write. */
	bool kept_offsets;
	unsigned long def_flags; /* what mlockall gives to new VMAs; mmap_lock write */
	unsigned long start_brk, brk; /* mmap_lock write */
	char name[TASK_NAME_LEN];

	/* Guards the VMA tree and the VMAs' fields; outermost of all here. */
	struct rw_semaphore mmap_lock __cacheline_aligned;

	/*
	 * Bumped when mmap_lock's write hold ends; from 6.14 odd while it is
	 * held. On a line of its own: every VMA lock attempt reads it.
	 */
	seqcount_t mm_lock_seq __cacheline_aligned;
	struct rcuwait vma_writer_wait; /* at most the one mmap_lock writer */

	spinlock_t page_table_lock __cacheline_aligned; /* upper levels, first anon_vma */
	atomic_t mm_users, mm_count;

	/* Who gets a TLB flush; every flush and every task that comes bump the count. */
	atomic_long_t tlb_gen __cacheline_aligned;
	atomic_t tlb_flush_pending;
	struct mm_runners *runners; /* never NULL; blocks are added, freed with the mm */
};

#endif
