/* SPDX-License-Identifier: MIT */
/* One operation, done by the calling task; see do_op.h. */
#define _GNU_SOURCE 1
#include "do_op.h"

#include <errno.h>
#include <sys/mman.h>

const char *sim_op_missing(const struct sim_op *op)
{
	switch (op->kind) {
	case OP_MMAP:
		if (op->file >= 0)
			return "a mapping of a file";
		if (op->flags & MAP_SHARED)
			return "a shared mapping";
		if (op->flags & MAP_GROWSDOWN)
			return "MAP_GROWSDOWN";
		return op->flags & MAP_LOCKED ? "MAP_LOCKED" : NULL;
	case OP_MADVISE:
		return op->advice == MADV_DONTNEED || op->advice == MADV_FREE ?
			       NULL :
			       "an advice other than DONTNEED and FREE";
	case OP_MUNMAP:
	case OP_MPROTECT:
	case OP_R:
	case OP_W:
		return NULL;
	default:
		return sim_op_specs[op->kind].name;
	}
}

int64_t sim_do_call(struct mm_struct *mm, const struct sim_op *op)
{
	switch (op->kind) {
	case OP_MMAP:
		return mmsim_mmap(mm, op->addr, op->len, (int)op->prot, (int)op->flags);
	case OP_MUNMAP:
		return mmsim_munmap(mm, op->addr, op->len);
	case OP_MPROTECT:
		return mmsim_mprotect(mm, op->addr, op->len, (int)op->prot);
	case OP_MADVISE:
		return mmsim_madvise(mm, op->addr, op->len, op->advice);
	default:
		return -EOPNOTSUPP;
	}
}

int64_t sim_do_op(struct mm_struct *mm, const struct sim_op *op)
{
	enum mmsim_access access;

	if (op->kind == OP_R)
		access = mmsim_load(mm, op->addr, NULL);
	else if (op->kind == OP_W)
		access = mmsim_store(mm, op->addr, op->value);
	else
		return sim_do_call(mm, op);
	return access < MMSIM_ACCESS_MAPERR ? 0 : -EFAULT;
}
