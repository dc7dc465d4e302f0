/* SPDX-License-Identifier: MIT */
/*
 * Address spaces and what a program does to them. Protections, flags and
 * advices are those of <sys/mman.h>. All calls are made by a task (or "main").
 */
#ifndef MMSIM_MM_H
#define MMSIM_MM_H

#include <mmsim/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/** mmsim_mm_create - an empty address space with one user; NULL: no memory */
MMSIM_API struct mm_struct *mmsim_mm_create(struct mmsim *sim, const char *name);
/** mmsim_mm_put - drop a user; the last one's goes through exit_mmap */
MMSIM_API void mmsim_mm_put(struct mm_struct *mm);

/**
 * mmsim_mmap - map anonymous private memory
 * @flags: MAP_PRIVATE | MAP_ANONYMOUS, and MAP_FIXED, MAP_FIXED_NOREPLACE,
 *	MAP_NORESERVE, MAP_POPULATE, MAP_LOCKED, MAP_GROWSDOWN, MAP_STACK
 *
 * Killable. Return: the address, or -errno; -EOPNOTSUPP for other flags.
 */
MMSIM_API int64_t mmsim_mmap(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot,
			     int flags);
/** mmsim_munmap - killable; 0 or -errno */
MMSIM_API int mmsim_munmap(struct mm_struct *mm, uint64_t addr, uint64_t len);
/** mmsim_mprotect - killable; 0 or -errno; what lies before a gap is changed */
MMSIM_API int mmsim_mprotect(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot);

/**
 * mmsim_mremap - grow, shrink or move a mapping
 * @flags: 0, MREMAP_MAYMOVE, and with it MREMAP_FIXED, MREMAP_DONTUNMAP
 * @new_addr: for the last two
 *
 * Killable. Return: the address, or -errno.
 */
MMSIM_API int64_t mmsim_mremap(struct mm_struct *mm, uint64_t addr, uint64_t old_len,
			       uint64_t new_len, int flags, uint64_t new_addr);
/** mmsim_brk - move the heap's end; killable. Its end, moved or not; -EINTR as uint64_t */
MMSIM_API uint64_t mmsim_brk(struct mm_struct *mm, uint64_t brk);
/**
 * mmsim_set_brk - where the heap begins, PR_SET_MM_START_BRK
 *
 * While no heap is mapped and no other task runs in @mm: it takes no lock.
 */
MMSIM_API void mmsim_set_brk(struct mm_struct *mm, uint64_t start);

/** mmsim_mlock - @on_fault: MLOCK_ONFAULT, pages are locked as they come; killable; 0 or -errno */
MMSIM_API int mmsim_mlock(struct mm_struct *mm, uint64_t addr, uint64_t len, int on_fault);
/** mmsim_munlock - killable; 0 or -errno */
MMSIM_API int mmsim_munlock(struct mm_struct *mm, uint64_t addr, uint64_t len);
/** mmsim_mlockall - @flags: MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT; killable; 0 or -errno */
MMSIM_API int mmsim_mlockall(struct mm_struct *mm, int flags);
/** mmsim_munlockall - killable; 0 or -errno */
MMSIM_API int mmsim_munlockall(struct mm_struct *mm);

/**
 * mmsim_madvise - give advice, MADV_*
 *
 * A caller that runs in another address space, or in none, is remote and never
 * gets by with the VMA lock. Killable where VMAs change.
 * Return: 0 or -errno; -EINVAL for advices that the release did not have.
 */
MMSIM_API int mmsim_madvise(struct mm_struct *mm, uint64_t addr, uint64_t len, int advice);

/** struct mmsim_range - an element of a vector: bytes at an address */
struct mmsim_range {
	uint64_t start, len;
};

/**
 * mmsim_process_madvise - one advice for several ranges
 *
 * For another address space than the caller's only COLD, PAGEOUT, WILLNEED and
 * COLLAPSE. Return: bytes advised, which may be fewer than asked for; -errno
 * when it is none.
 */
MMSIM_API int64_t mmsim_process_madvise(struct mm_struct *mm, const struct mmsim_range *ranges,
					unsigned int nr, int advice);

/**
 * mmsim_set_vma_name - name anonymous memory, PR_SET_VMA_ANON_NAME
 * @name: up to 79 characters; NULL takes the name away
 *
 * Killable. Return: 0 or -errno.
 */
MMSIM_API int mmsim_set_vma_name(struct mm_struct *mm, uint64_t addr, uint64_t len,
				 const char *name);

/**
 * mmsim_userfaultfd - arm a range (@arm != 0) for a userfaultfd that waits for
 * missing pages, or disarm it
 *
 * The monitor answers every fault at once with an empty page; what is modelled
 * are the locks that are dropped for it and the fallbacks. Killable.
 * Return: 0 or -errno.
 */
MMSIM_API int mmsim_userfaultfd(struct mm_struct *mm, uint64_t addr, uint64_t len, int arm);

/**
 * mmsim_fork - a child address space that shares all pages until one of both writes
 * @name: as of mmsim_mm_create()
 * @child: filled; the caller's to put
 *
 * VMAs that were advised DONTFORK are left out, those advised WIPEONFORK come empty. Takes
 * mmap_lock for write, and every VMA's lock. Killable. Return: 0, -ENOMEM, -EINTR.
 */
MMSIM_API int mmsim_fork(struct mm_struct *mm, const char *name, struct mm_struct **child);

/**
 * mmsim_move_pages - move the pages of a range to other memory, whoever maps them
 *
 * Each is looked up under mmap_lock held for read, then moved with its folio lock and the rmap
 * lock held. Killable. Return: how many were moved, or -EINVAL, -EINTR.
 */
MMSIM_API int64_t mmsim_move_pages(struct mm_struct *mm, uint64_t addr, uint64_t len);

/**
 * mmsim_compact - look at physical pages and move those that are in use, as kcompactd
 * @pages: so many, from where the last call ended
 *
 * Takes no lock of an address space. Return: how many were moved.
 */
MMSIM_API int64_t mmsim_compact(struct mmsim *sim, uint64_t pages);

/**
 * mmsim_shrink - look at physical pages: age them, free what MADV_FREE gave up
 * @pages: so many, from where the last call ended
 *
 * Return: how many were freed.
 */
MMSIM_API int64_t mmsim_shrink(struct mmsim *sim, uint64_t pages);

enum mmsim_access {
	MMSIM_ACCESS_HIT, /* no fault */
	MMSIM_ACCESS_NEW, /* nothing was mapped */
	MMSIM_ACCESS_REUSE, /* the present page was made writable */
	MMSIM_ACCESS_COPY, /* another page took its place */
	MMSIM_ACCESS_MAPERR, /* SIGSEGV: no VMA, or a guard page */
	MMSIM_ACCESS_ACCERR, /* SIGSEGV: not allowed */
	MMSIM_ACCESS_OOM, /* no memory */
	MMSIM_ACCESS_KILLED, /* a fatal signal was pending */
};

/**
 * mmsim_load - load the 8 bytes at @addr (aligned), faulting as needed
 * @value: may be NULL
 * mmsim_store - store 8 bytes
 *
 * The calling task must run in @mm, see mmsim_use_mm().
 */
MMSIM_API enum mmsim_access mmsim_load(struct mm_struct *mm, uint64_t addr, uint64_t *value);
MMSIM_API enum mmsim_access mmsim_store(struct mm_struct *mm, uint64_t addr, uint64_t value);

/** struct mmsim_vma - a VMA as /proc/PID/smaps would show it */
struct mmsim_vma {
	uint64_t start, end;
	int prot;
	/* VmFlags in the kernel's order, without those of access: "lo ac", or "". */
	char flags[48];
	int has_anon_vma;
	char name[80]; /* of anonymous memory, "" for none */
};

/**
 * mmsim_vma_find - the first VMA that ends above @addr
 *
 * As /proc/PID/maps is read: since 6.17 under the VMA's lock (of fault=vma_refcnt),
 * before and when that fails under mmap_lock held for read. Killable then. Return:
 * 0, -ENOENT, or -EINTR.
 */
MMSIM_API int mmsim_vma_find(struct mm_struct *mm, uint64_t addr, struct mmsim_vma *vma);

enum mmsim_page {
	MMSIM_PAGE_NO_VMA,
	MMSIM_PAGE_NONE, /* a VMA, nothing mapped */
	MMSIM_PAGE_ZERO, /* the shared zero page */
	MMSIM_PAGE_ANON,
	MMSIM_PAGE_GUARD, /* a guard marker */
	MMSIM_PAGE_MIGRATION, /* it is being moved */
};

/**
 * mmsim_page_at - what is mapped at @addr
 * @mapcount: PTEs that map the page; may be NULL
 * @value: the 8 bytes at @addr if a page is mapped, whatever its protection
 * Takes mmap_lock for read.
 */
MMSIM_API enum mmsim_page mmsim_page_at(struct mm_struct *mm, uint64_t addr, unsigned int *mapcount,
					uint64_t *value);

/** mmsim_map_count - number of VMAs; exact when no task runs */
MMSIM_API unsigned int mmsim_map_count(const struct mm_struct *mm);

/**
 * mmsim_mm_check - tree, VMAs, counts and page tables agree
 *
 * No task runs. mmsim_bug() if not.
 */
MMSIM_API void mmsim_mm_check(struct mm_struct *mm);

#ifdef __cplusplus
}
#endif

#endif
