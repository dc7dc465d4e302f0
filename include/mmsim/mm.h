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
 *	MAP_NORESERVE, MAP_POPULATE, MAP_STACK
 *
 * Killable. Return: the address, or -errno; -EOPNOTSUPP for other flags.
 */
MMSIM_API int64_t mmsim_mmap(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot,
			     int flags);
/** mmsim_munmap - killable; 0 or -errno */
MMSIM_API int mmsim_munmap(struct mm_struct *mm, uint64_t addr, uint64_t len);
/** mmsim_mprotect - killable; 0 or -errno; what lies before a gap is changed */
MMSIM_API int mmsim_mprotect(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot);
/** mmsim_madvise - MADV_DONTNEED and MADV_FREE; -EOPNOTSUPP for other advices */
MMSIM_API int mmsim_madvise(struct mm_struct *mm, uint64_t addr, uint64_t len, int advice);

enum mmsim_access {
	MMSIM_ACCESS_HIT, /* no fault */
	MMSIM_ACCESS_NEW, /* nothing was mapped */
	MMSIM_ACCESS_REUSE, /* the present page was made writable */
	MMSIM_ACCESS_COPY, /* another page took its place */
	MMSIM_ACCESS_MAPERR, /* SIGSEGV: no VMA */
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
	int accounted, noreserve; /* VmFlags ac, nr */
	int has_anon_vma;
};

/**
 * mmsim_vma_find - the first VMA that ends above @addr
 * Takes mmap_lock for read. Return: 0, or -ENOENT.
 */
MMSIM_API int mmsim_vma_find(struct mm_struct *mm, uint64_t addr, struct mmsim_vma *vma);

enum mmsim_page {
	MMSIM_PAGE_NO_VMA,
	MMSIM_PAGE_NONE, /* a VMA, nothing mapped */
	MMSIM_PAGE_ZERO, /* the shared zero page */
	MMSIM_PAGE_ANON,
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
