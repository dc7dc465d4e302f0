/* SPDX-License-Identifier: MIT */
/* What the files of madvise share. */
#ifndef MMSIM_MM_MADVISE_H
#define MMSIM_MM_MADVISE_H

#include "mm/mm.h"

/* <sys/mman.h> of the building host may be older than these. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* -ERESTARTNOINTR: the call is made again as if it had not been made. */
#define MADVISE_RESTART (-513)

enum madvise_mode {
	MADVISE_NO_LOCK, /* populating takes its own */
	MADVISE_READ_LOCK,
	MADVISE_WRITE_LOCK,
	MADVISE_VMA_LOCK, /* by try; nothing is held before the VMA is found */
};

/* One call, or one vector. */
struct madvise {
	struct mmu_gather tlb;
	struct mm_struct *mm;
	int advice;
	enum madvise_mode mode; /* VMA_LOCK becomes READ_LOCK at the first fallback */
	bool begun; /* the lock is held as mode says, the gather is open */
	struct vm_area_struct *vma; /* at hand; locked as mode says */
};

/* ---- madvise_flags.c: the advices that change a VMA ---- */

bool madvise_changes_flags(int advice);
/* mmap_lock held for write. 0; -EINVAL; -EAGAIN without memory. */
int madvise_change_flags(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			 int advice);

/* ---- guard.c ---- */

/* mmap_lock or the VMA held for read. 0, -EINVAL, -ENOMEM, MADVISE_RESTART. */
int madvise_guard_install(struct vm_area_struct *vma, unsigned long start, unsigned long end);
int madvise_guard_remove(struct vm_area_struct *vma, unsigned long start, unsigned long end);

#endif
