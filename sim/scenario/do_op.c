/* SPDX-License-Identifier: MIT */
/* The one place where operations become calls of the library. */
#define _GNU_SOURCE 1
#include "do_op.h"

#include <errno.h>
#include <sys/mman.h>

bool sim_is_call(const struct sim_op *op)
{
	switch (op->kind) {
	case OP_R:
	case OP_W:
	case OP_FORK:
	case OP_THREAD:
	case OP_EXEC:
	case OP_EXIT:
	case NR_SIM_OPS:
		return false;
	default:
		return true;
	}
}

const char *sim_op_missing(const struct sim_op *op)
{
	if (op->kind == OP_MMAP && op->file >= 0)
		return "a mapping of a file";
	if (op->kind == OP_MMAP && (op->flags & MAP_SHARED))
		return "a shared mapping";
	if (sim_is_call(op) || op->kind == OP_R || op->kind == OP_W)
		return NULL;
	return sim_op_specs[op->kind].name;
}

static int64_t do_process_madvise(struct mm_struct *mm, const struct sim_op *op)
{
	const struct mmsim_range ranges[] = {{op->addr, op->len}, {op->new_addr, op->new_len}};

	return mmsim_process_madvise(mm, ranges, 2, op->advice);
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
	case OP_MLOCK:
		return mmsim_mlock(mm, op->addr, op->len, (int)op->flags);
	case OP_MUNLOCK:
		return mmsim_munlock(mm, op->addr, op->len);
	case OP_MLOCKALL:
		return mmsim_mlockall(mm, (int)op->flags);
	case OP_MUNLOCKALL:
		return mmsim_munlockall(mm);
	case OP_MADVISE:
		return mmsim_madvise(mm, op->addr, op->len, op->advice);
	case OP_PROCESS_MADVISE:
		return do_process_madvise(mm, op);
	case OP_USERFAULTFD:
		return mmsim_userfaultfd(mm, op->addr, op->len, (int)op->flags);
	case OP_MREMAP:
		return mmsim_mremap(mm, op->addr, op->len, op->new_len, (int)op->flags,
				    op->new_addr);
	case OP_MOVE_PAGES:
		return mmsim_move_pages(mm, op->addr, op->len);
	case OP_BRK:
		return (int64_t)mmsim_brk(mm, op->addr);
	default:
		return 0;
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
