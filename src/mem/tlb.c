/* SPDX-License-Identifier: MIT */
/* TLB flushes. */
#include "mem/tlb.h"
#include "mem/mm_ref.h"
#include "trace/trace.h"

/* Wait out the access that @task may be in the middle of. */
static void wait_for_access(struct task *task)
{
	/*
	 * An exchange with the task's own: either it began its access before
	 * and we wait, or it begins after and sees the new PTEs.
	 */
	int access = atomic_fetch_add(0, &task->user_access);

	if (!(access & 1))
		return;
	count_event(COUNTER_tlb_ipi);
	spin_while_equal_int(&task->user_access.counter, access, 0);
}

void flush_tlb_mm(struct mm_struct *mm)
{
	bool others = false; /* who sleeps has no CPU to interrupt */

	count_event(COUNTER_tlb_flush);
	/* Pairs with use_mm(): a task we do not find sees the new PTEs. */
	atomic_long_fetch_add(1, &mm->tlb_gen);
	if (unlikely(machine_is_timed())) {
		machine_tlb_shootdown(mm);
		return;
	}
	for (struct mm_runners *r = mm->runners; r; r = smp_load_acquire(&r->next))
		for (int i = 0; i < MM_RUNNERS; i++) {
			struct task *task = smp_load_acquire(&r->task[i]);

			if (!task || task == current)
				continue;
			others |= on_cpu(task);
			wait_for_access(task);
		}
	if (others)
		machine_work(WORK_ipi, 1);
}

void tlb_batch_flush(struct tlb_batch *batch)
{
	while (batch->nr) {
		struct mm_struct *mm = batch->mm[--batch->nr];

		flush_tlb_mm(mm);
		mmdrop(mm);
	}
}

void tlb_batch_add(struct tlb_batch *batch, struct mm_struct *mm)
{
	if (batch->nr == TLB_BATCH_MAX)
		tlb_batch_flush(batch);
	mmgrab(mm);
	batch->mm[batch->nr++] = mm;
}
