/* SPDX-License-Identifier: MIT */
/* Replay: what each recorded operation does, or what is done in its place. */
#define _GNU_SOURCE 1
#include "replay_internal.h"

#include <sys/mman.h>
#include <unistd.h>

/* An advice that is not simulated: neither as recorded nor different. */
#define LEFT_OUT INT64_MIN

bool replay_stderr_is_terminal(void)
{
	return isatty(STDERR_FILENO);
}

static uint64_t page_up(uint64_t x)
{
	return (x + SIM_PAGE_SIZE - 1) & ~(SIM_PAGE_SIZE - 1);
}

static int64_t do_mmap_op(struct replay_task *task, const struct sim_op *op)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | ((int)op->flags & (MAP_FIXED | MAP_NORESERVE));
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

/* The heap is the mapping between the first brk seen and the last. */
static int64_t do_brk_op(struct replay_task *task, const struct sim_op *op)
{
	struct replay_process *process = task->process;
	uint64_t now = process->heap_end;
	uint64_t want = op->has_result && op->result > 0 ? (uint64_t)op->result : op->addr;
	int64_t err = 0;

	task->counts.brk_as_mmap++;
	if (!now) {
		process->heap_start = want;
	} else if (page_up(want) > page_up(now)) {
		err = mmsim_mmap(process->mm, page_up(now), page_up(want) - page_up(now),
				 PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
	} else if (page_up(want) < page_up(now)) {
		err = mmsim_munmap(process->mm, page_up(want), page_up(now) - page_up(want));
	}
	if (err < 0)
		return err;
	process->heap_end = want;
	return (int64_t)want;
}

static int64_t do_mremap_op(struct replay_task *task, const struct sim_op *op)
{
	uint64_t to = op->has_result && op->result > 0 ? (uint64_t)op->result : op->addr;
	int64_t err;

	task->counts.mremap_as_mmap++;
	if (op->has_result && op->result < 0)
		return op->result;
	err = mmsim_munmap(task->process->mm, op->addr, op->len);
	if (err)
		return err;
	return mmsim_mmap(task->process->mm, to, op->new_len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
}

static int64_t do_madvise_op(struct replay_task *task, const struct sim_op *op)
{
	int64_t result = mmsim_madvise(task->process->mm, op->addr, op->len, op->advice);

	if (result != -EOPNOTSUPP)
		return result;
	task->counts.advice_left_out++;
	return LEFT_OUT;
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
	task->process->heap_start = 0;
	task->process->heap_end = 0;
	mmsim_mm_put(old);
	return 0;
}

static int64_t execute(struct replay_task *task, const struct sim_op *op)
{
	struct mm_struct *mm = task->process->mm;

	switch (op->kind) {
	case OP_MMAP:
		return do_mmap_op(task, op);
	case OP_MUNMAP:
		return mmsim_munmap(mm, op->addr, op->len);
	case OP_MPROTECT:
		return mmsim_mprotect(mm, op->addr, op->len, (int)op->prot);
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
		return 0;
	}
}

void replay_do_op(struct replay_task *task, const struct sim_op *op)
{
	struct replay_op_stats *stats = &task->op[op->kind];
	uint64_t start = mmsim_now_ns();
	int64_t result = execute(task, op);

	if (result == LEFT_OUT)
		return;
	histogram_add(&stats->latency_ns, mmsim_now_ns() - start);
	stats->done++;
	if (op->notes & SIM_NOTE_ASSUMED || !op->has_result)
		return;
	if (result == op->result)
		stats->as_recorded++;
	else
		stats->differs++;
}
