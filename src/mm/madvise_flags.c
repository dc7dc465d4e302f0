/* SPDX-License-Identifier: MIT */
/*
 * What changes attributes of VMAs without touching pages: the flag advices,
 * names of anonymous memory, arming for a userfaultfd.
 *
 * Fidelity: mmap_lock for write, VMA by VMA, merge or split, then the VMA is
 * write-locked and changed; without memory the advices answer EAGAIN; which
 * advice is refused where as in 6.18. Not modelled: KSM behind MERGEABLE,
 * khugepaged behind HUGEPAGE.
 */
#include "mm/madvise.h"

#include <string.h>
#include <sys/mman.h>

/* clang-format off */
static const struct advice {
	int advice;
	unsigned long clear, set;
} advices[] = {
	{ MADV_NORMAL, VM_RAND_READ | VM_SEQ_READ, 0 },
	{ MADV_RANDOM, VM_SEQ_READ, VM_RAND_READ },
	{ MADV_SEQUENTIAL, VM_RAND_READ, VM_SEQ_READ },
	{ MADV_DONTFORK, 0, VM_DONTCOPY },
	{ MADV_DOFORK, VM_DONTCOPY, 0 },
	{ MADV_WIPEONFORK, 0, VM_WIPEONFORK },
	{ MADV_KEEPONFORK, VM_WIPEONFORK, 0 },
	{ MADV_DONTDUMP, 0, VM_DONTDUMP },
	{ MADV_DODUMP, VM_DONTDUMP, 0 },
	{ MADV_MERGEABLE, 0, VM_MERGEABLE },
	{ MADV_UNMERGEABLE, VM_MERGEABLE, 0 },
	{ MADV_HUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE },
	{ MADV_NOHUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE },
};
/* clang-format on */

static const struct advice *advice_of(int number)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].advice == number)
			return &advices[i];
	return NULL;
}

bool madvise_changes_flags(int advice)
{
	return advice_of(advice);
}

/* 0 or -ENOMEM. The name's reference stays the caller's. */
static int update_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end,
		      unsigned long vm_flags, struct anon_vma_name *name)
{
	if (vm_flags == vma->vm_flags && anon_vma_name_eq(name, vma->anon_name))
		return 0;
	vma = vma_modify(vma, start, end, vm_flags, name);
	if (!vma)
		return -ENOMEM;
	vma_start_write(vma);
	WRITE_ONCE(vma->vm_flags, vm_flags);
	if (!anon_vma_name_eq(name, vma->anon_name)) {
		anon_vma_name_put(vma->vm_mm->sim, vma->anon_name);
		vma->anon_name = anon_vma_name_get(name);
	}
	return 0;
}

int madvise_change_flags(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			 int advice)
{
	const struct advice *a = advice_of(advice);
	unsigned long vm_flags = (vma->vm_flags & ~a->clear) | a->set;
	int err = update_vma(vma, start, end, vm_flags, vma->anon_name);

	return err ? -EAGAIN : 0;
}

/* ---- the calls that are no madvise, but work as one ---- */

/* How every VMA of a range is to be changed. */
struct change {
	unsigned long clear, set;
	bool rename;
	struct anon_vma_name *name;
};

/* mmap_lock held for write. -ENOMEM when there was a gap; what is mapped is done. */
static int change_range(struct mm_struct *mm, unsigned long start, unsigned long end,
			const struct change *change)
{
	struct vm_area_struct *vma;
	int result = 0;

	for (; start < end; start = MIN(vma->vm_end, end)) {
		unsigned long vm_flags;
		int err;

		vma = vma_tree_find(&mm->mm_mt, start, NULL, NULL);
		if (!vma || vma->vm_start >= end)
			return -ENOMEM;
		if (start < vma->vm_start)
			result = -ENOMEM;
		start = MAX(start, vma->vm_start);
		vm_flags = (vma->vm_flags & ~change->clear) | change->set;
		err = update_vma(vma, start, MIN(vma->vm_end, end), vm_flags,
				 change->rename ? change->name : vma->anon_name);
		if (err)
			return -EAGAIN;
		vma = vma_tree_walk(&mm->mm_mt, start);
	}
	return result;
}

/* Printable, and nothing that means something in a list of mappings. */
static bool name_is_valid(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~' || strchr("\\`$[]", name[i]))
			return false;
	return len < ANON_VMA_NAME_MAX;
}

int do_set_anon_name(struct mm_struct *mm, unsigned long addr, unsigned long len, const char *name)
{
	unsigned long end = addr + PAGE_ALIGN(len);
	struct change change = {.rename = true};
	int err;

	if ((addr & ~PAGE_MASK) || (len && !PAGE_ALIGN(len)) || end < addr)
		return -EINVAL;
	if (name && !name_is_valid(name))
		return -EINVAL;
	if (end == addr)
		return 0;
	if (name) {
		change.name = anon_vma_name_alloc(mm->sim, name);
		if (!change.name)
			return -ENOMEM;
	}
	err = mmap_write_lock_killable(mm, SITE_madvise_flags);
	if (!err) {
		err = change_range(mm, addr, end, &change);
		mmap_write_unlock(mm);
	}
	anon_vma_name_put(mm->sim, change.name);
	return err;
}

int do_userfaultfd(struct mm_struct *mm, unsigned long addr, unsigned long len, bool arm)
{
	struct change change = {
		.clear = arm ? 0 : VM_UFFD_MISSING,
		.set = arm ? VM_UFFD_MISSING : 0,
	};
	struct vm_area_struct *vma;
	int err;

	if (((addr | len) & ~PAGE_MASK) || !len || addr + len < addr)
		return -EINVAL;
	if (mmap_write_lock_killable(mm, SITE_userfaultfd))
		return -EINTR;
	vma = vma_tree_find(&mm->mm_mt, addr, NULL, NULL);
	if (!vma || vma->vm_start >= addr + len) {
		err = -EINVAL;
	} else {
		err = change_range(mm, addr, addr + len, &change);
		/* Gaps do not matter to it, and there is no "try again". */
		err = err == -EAGAIN ? -ENOMEM : 0;
	}
	mmap_write_unlock(mm);
	return err;
}
