/* SPDX-License-Identifier: MIT */
/* An operation of the operation language, done by the library. */
#ifndef MMSIM_SIM_SCENARIO_DO_OP_H
#define MMSIM_SIM_SCENARIO_DO_OP_H

#include "mmsim/mmsim.h"
#include "op.h"

/**
 * sim_do_call - make the system call that an operation names
 * @mm: the address space; the calling task runs in it
 * @op: mmap to brk, see sim_is_call()
 *
 * Return: what the call returns: 0, an address, bytes, or -errno.
 */
int64_t sim_do_call(struct mm_struct *mm, const struct sim_op *op);

/**
 * sim_is_call - does the operation name a system call on an address space?
 * @op: the operation
 *
 * Loads and stores, and what makes and ends tasks, are none.
 */
bool sim_is_call(const struct sim_op *op);

#endif
