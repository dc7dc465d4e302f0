/* SPDX-License-Identifier: MIT */
/* One operation of the operation language, done by the calling task. */
#ifndef MMSIM_SIM_SCENARIO_DO_OP_H
#define MMSIM_SIM_SCENARIO_DO_OP_H

#include "op.h"

#include <mmsim/mmsim.h>

/**
 * sim_is_call - does the operation name a system call on an address space?
 * @op: the operation
 *
 * Loads and stores, and what makes and ends tasks, are none.
 */
bool sim_is_call(const struct sim_op *op);

/* Why an operation cannot be done: what it wants that is not simulated yet; NULL: it can. */
const char *sim_op_missing(const struct sim_op *op);

/**
 * sim_do_call - make the system call that an operation names
 * @mm: the address space; the calling task runs in it
 * @op: one of which sim_is_call() is true
 *
 * Return: what the call returns: 0, an address, bytes, or -errno.
 */
int64_t sim_do_call(struct mm_struct *mm, const struct sim_op *op);

/* The same with r and w; for those 0, or -EFAULT when the access failed. */
int64_t sim_do_op(struct mm_struct *mm, const struct sim_op *op);

#endif
