/* SPDX-License-Identifier: MIT */
/* One operation's counters; see the header. */
#include "fault_counts.h"

#include "mm/mm.h"
#include "mmsim/mmsim.h"

struct fault_counts fault_counts_now(void)
{
	const uint64_t *counters = trace_of_current()->counters;

	return (struct fault_counts){
		.faults = counters[COUNTER_pgfault],
		.success = counters[COUNTER_vma_lock_success],
		.retry = counters[COUNTER_vma_lock_retry],
		.abort = counters[COUNTER_vma_lock_abort],
		.mmap_lock = counters[COUNTER_fault_mmap_lock],
		.vma_advised = counters[COUNTER_madvise_vma_lock],
		.mmap_advised = counters[COUNTER_madvise_mmap_lock],
		.advice_aborts = counters[COUNTER_madvise_fallback_gap] +
				 counters[COUNTER_madvise_fallback_locked] +
				 counters[COUNTER_madvise_fallback_moved] +
				 counters[COUNTER_madvise_fallback_unlockable],
	};
}

static void must(bool fits, const struct address_op *op, const char *rule)
{
	if (!fits)
		mmsim_bug("counters of t%d's operation at %llu: not so: %s", op->task,
			  (unsigned long long)op->begin, rule);
}

static void check_access(struct mm_struct *mm, const struct address_op *op,
			 const struct fault_counts *n, struct fault_sums *sum)
{
	uint64_t ended = n->success + n->retry + n->abort;

	must(n->faults == n->success + n->mmap_lock, op, "a fault ends under one of the locks");
	must(!n->vma_advised && !n->mmap_advised, op, "an access is no madvise");
	if (!mm->fault->per_vma)
		must(!ended, op, "without VMA locks there is no VMA pass");
	else if (mmsim_since(mm, 6, 10))
		must(ended == n->faults, op, "a VMA pass is success, retry or abort");
	else
		must(ended <= n->faults, op, "a VMA pass is success, retry, abort or denied");
	must(n->faults || op->answer == MMSIM_ACCESS_HIT, op, "what is refused has faulted");
	sum->faults += n->faults;
	sum->success += n->success;
	sum->retry += n->retry;
	sum->abort += n->abort;
	sum->mmap_lock += n->mmap_lock;
	if (mm->fault->per_vma)
		sum->denied += n->faults - ended;
}

static void check_range(struct mm_struct *mm, const struct address_op *op,
			const struct fault_counts *n, struct fault_sums *sum)
{
	bool advice = op->kind == ADDRESS_DONTNEED || op->kind == ADDRESS_FREE;
	bool tries = advice && mm->fault->per_vma && mm->sim->madvise->vma_lock;

	must(!n->faults && !n->mmap_lock, op, "no user access, no user fault");
	must(!n->success && !n->retry, op, "success and retry are faults'");
	must(n->vma_advised + n->mmap_advised == advice, op, "a madvise runs under one lock");
	must(n->abort == (tries ? n->advice_aborts : 0), op, "an abort is a lookup of madvise's");
	must(n->abort + n->vma_advised <= tries, op, "madvise tries the VMA lock once");
	sum->madvise_abort += n->abort;
}

void fault_counts_check(struct mm_struct *mm, const struct address_op *op,
			const struct fault_counts *before, struct fault_sums *sum)
{
	const struct fault_counts now = fault_counts_now();
	const struct fault_counts n = {
		now.faults - before->faults,
		now.success - before->success,
		now.retry - before->retry,
		now.abort - before->abort,
		now.mmap_lock - before->mmap_lock,
		now.vma_advised - before->vma_advised,
		now.mmap_advised - before->mmap_advised,
		now.advice_aborts - before->advice_aborts,
	};

	if (op->kind == ADDRESS_LOAD || op->kind == ADDRESS_STORE)
		check_access(mm, op, &n, sum);
	else
		check_range(mm, op, &n, sum);
}

void fault_sums_add(struct fault_sums *sum, const struct fault_sums *more)
{
	sum->faults += more->faults;
	sum->success += more->success;
	sum->retry += more->retry;
	sum->abort += more->abort;
	sum->denied += more->denied;
	sum->mmap_lock += more->mmap_lock;
	sum->madvise_abort += more->madvise_abort;
}
