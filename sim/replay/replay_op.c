/* SPDX-License-Identifier: MIT */
/* Replay: what each recorded operation does, or what is done in its place. */
#define _GNU_SOURCE 1
#include "../scenario/do_op.h"
#include "replay_internal.h"

#include <sys/mman.h>

#define FLAGS_KEPT                                                                                 \
	(MAP_FIXED | MAP_NORESERVE | MAP_POPULATE | MAP_LOCKED | MAP_GROWSDOWN | MAP_STACK)

/* An advice that is not simulated: neither as recorded nor different. */
#define LEFT_OUT INT64_MIN

static int64_t do_mmap_op(struct replay_task *task, const struct sim_op *op)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | ((int)op->flags & FLAGS_KEPT);
	uint64_t addr = op->addr;

	if (op->notes & SIM_NOTE_FILE || op->file >= 0)
		task->counts.file_as_anon++;
	else if (op->flags & MAP_SHARED)
		task->counts.shared_as_private++;
	if (op->notes & SIM_NOTE_ASSUMED)
		task->counts.assumed++;
	/* The kernel chose the place; it must be free here too. */
	if (!(op->flags & MAP_FIXED) && op->has_result && op->result > 0) {
		addr = (uint64_t)op->result;
		flags |= MAP_FIXED_NOREPLACE;
	} else if (op->flags & MAP_FIXED_NOREPLACE) {
		flags |= MAP_FIXED_NOREPLACE;
	}
	return mmsim_mmap(task->process->mm, addr, op->len, (int)op->prot, flags);
}

/* The heap begins where the first brk seen found or left its end. */
static int64_t do_brk_op(struct replay_task *task, const struct sim_op *op)
{
	struct replay_process *process = task->process;
	uint64_t end = op->has_result && op->result > 0 ? (uint64_t)op->result : op->addr;

	if (!process->has_heap) {
		process->has_heap = true;
		mmsim_set_brk(process->mm, end);
		return (int64_t)end;
	}
	return (int64_t)mmsim_brk(process->mm, op->addr);
}

/* To where it went: the kernel's choice, if it had one, must be free here too. */
static int64_t do_mremap_op(struct replay_task *task, const struct sim_op *op)
{
	struct sim_op there = *op;

	if (op->has_result && op->result > 0 && (uint64_t)op->result != op->addr) {
		there.flags |= MREMAP_MAYMOVE | MREMAP_FIXED;
		there.new_addr = (uint64_t)op->result;
	}
	return sim_do_call(task->process->mm, &there);
}

static int64_t do_madvise_op(struct replay_task *task, const struct sim_op *op)
{
	/* Holes are for files, and there are none. */
	if (op->advice == MADV_REMOVE) {
		task->counts.advice_left_out++;
		return LEFT_OUT;
	}
	return sim_do_call(task->process->mm, op);
}

static int64_t do_touch_op(struct replay_task *task, const struct sim_op *op)
{
	struct mm_struct *mm = task->process->mm;
	uint64_t value = op->has_value ? op->value : op->addr;
	enum mmsim_access access = op->kind == OP_W ? mmsim_store(mm, op->addr, value) :
						      mmsim_load(mm, op->addr, NULL);

	if (access < MMSIM_ACCESS_MAPERR)
		return 0;
	task->counts.touch_failed++;
	return -EFAULT;
}

/* Whether the child's process has an address space, now at the latest. */
static bool begin_process(struct replay_task *task, struct replay_task *child)
{
	struct mm_struct *mm, *none = NULL;

	if (quiet_load_acquire(child->process->mm))
		return true;
	mm = mmsim_mm_create(task->replay->sim, child->plan->name);
	if (!mm)
		return false;
	if (quiet_try_cmpxchg(child->process->mm, &none, mm))
		task->counts.fork_as_new++;
	else
		mmsim_mm_put(mm);
	return true;
}

static int64_t do_start_op(struct replay_task *task, const struct sim_op *op)
{
	struct replay_task *child = replay_task_of(task->replay, (int)op->value);
	int err = -ENOMEM;

	if (!child)
		return 0;
	/* A thread of another process is a contradiction: taken for that process' first. */
	if (begin_process(task, child))
		err = replay_start_task(child);
	/* Nobody may wait for a task that never runs. */
	if (err)
		smp_store_release(&child->progress->done, UINT32_MAX);
	return err;
}

/* The old address space goes; the threads of before exec have ended. */
static int64_t do_exec_op(struct replay_task *task)
{
	struct mm_struct *mm = mmsim_mm_create(task->replay->sim, task->plan->name);
	struct mm_struct *old = task->process->mm;

	if (!mm)
		return -ENOMEM;
	if (mmsim_use_mm(mm)) {
		mmsim_mm_put(mm);
		return -ENOMEM;
	}
	task->process->mm = mm;
	task->process->has_heap = false;
	mmsim_mm_put(old);
	return 0;
}

static int64_t execute(struct replay_task *task, const struct sim_op *op)
{
	switch (op->kind) {
	case OP_MMAP:
		return do_mmap_op(task, op);
	case OP_MADVISE:
		return do_madvise_op(task, op);
	case OP_MREMAP:
		return do_mremap_op(task, op);
	case OP_BRK:
		return do_brk_op(task, op);
	case OP_R:
	case OP_W:
		return do_touch_op(task, op);
	case OP_THREAD:
	case OP_FORK:
		return do_start_op(task, op);
	case OP_EXEC:
		return do_exec_op(task);
	default:
		return sim_is_call(op) ? sim_do_call(task->process->mm, op) : 0;
	}
}

void replay_do_op(struct replay_task *task, const struct sim_op *op)
{
	struct replay_op_stats *stats = task->op[op->kind];
	uint64_t start = mmsim_now_ns();
	int64_t result = execute(task, op);

	if (result == LEFT_OUT)
		return;
	fine_histogram_add(&stats->latency_ns, mmsim_now_ns() - start);
	stats->done++;
	if (op->notes & SIM_NOTE_ASSUMED || !op->has_result)
		return;
	if (result == op->result)
		stats->as_recorded++;
	else
		stats->differs++;
}
