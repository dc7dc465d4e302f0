/* SPDX-License-Identifier: MIT */
/* One operation of the operation language, done by the calling task. */
#ifndef MMSIM_SIM_SCENARIO_DO_OP_H
#define MMSIM_SIM_SCENARIO_DO_OP_H

#include "op.h"

#include <mmsim/mmsim.h>

/* Why an operation cannot be done: what it wants that is not simulated yet; NULL: it can. */
const char *sim_op_missing(const struct sim_op *op);

/**
 * sim_do_call - make a system call
 * @mm: the caller's address space
 * @op: any operation that sim_op_missing() passes, but r and w
 *
 * Return: what the call returns, or -errno.
 */
int64_t sim_do_call(struct mm_struct *mm, const struct sim_op *op);

/* The same with r and w; for those 0, or -EFAULT when the access failed. */
int64_t sim_do_op(struct mm_struct *mm, const struct sim_op *op);

#endif
