/* SPDX-License-Identifier: MIT */
/*
 * What work takes. It is divisible: others run meanwhile, and a preemption or an
 * interrupt cuts it. Zeroing and copying share the memory's bandwidth of their
 * socket: its controller serves one page after another. A TLB shootdown asks the
 * CPUs that run the mm, and waits for all.
 */
#include "machine/timed/timed.h"

#define PAGE_BYTES 4096

static const enum profile_cost cost_of[NR_WORK_KINDS] = {
	[WORK_vma_visit] = COST_vma_visit,
	[WORK_vma_copy] = COST_vma_copy,
	[WORK_tree_node] = COST_tree_node,
	[WORK_pte_zap] = COST_pte_zap,
	[WORK_pte_copy] = COST_pte_copy,
	[WORK_pte_set] = COST_pte_set,
	[WORK_avc_visit] = COST_avc_visit,
	[WORK_lru_move] = COST_lru_move,
	[WORK_alloc] = COST_alloc,
	[WORK_free] = COST_free,
	[WORK_page_zero] = COST_page_zero,
	[WORK_page_copy] = COST_page_copy,
	[WORK_ipi] = COST_ipi,
	[WORK_trap] = COST_trap,
	[WORK_syscall] = COST_syscall,
};

/* One page; the bytes are those that go to or come from memory. */
static void move_page(struct timed *timed, uint64_t ns, uint64_t bytes)
{
	uint64_t *busy_until = &timed->memory_busy_until[timed->cpu->socket];
	uint64_t start = MAX(timed->now, *busy_until);

	*busy_until = start + bytes * 1000 / timed->cpu->cost[COST_bandwidth];
	ns = MAX(ns, *busy_until - timed->now);
	timed->stats.work_ns += ns;
	timed_spend(timed, ns);
}

/* So long that the run ends is long enough. */
static uint64_t times(uint64_t n, uint64_t ns)
{
	uint64_t product;

	if (unlikely(__builtin_mul_overflow(n, ns, &product)))
		return TIMED_MAX_NS;
	return MIN(product, TIMED_MAX_NS);
}

void timed_work(enum work_kind kind, uint64_t n)
{
	struct timed *timed = timed_of(current);
	uint64_t ns;

	if (!timed->cpu)
		return; /* main, while nothing runs */
	if (kind == WORK_io) {
		machine_sleep(n);
		return;
	}
	ns = timed->cpu->cost[cost_of[kind]];
	if (kind == WORK_page_zero || kind == WORK_page_copy) {
		/* The next may be on another CPU. */
		for (; n; n--, ns = timed->cpu->cost[cost_of[kind]])
			move_page(timed, ns, kind == WORK_page_copy ? 2 * PAGE_BYTES : PAGE_BYTES);
		return;
	}
	ns = times(n, ns);
	timed->stats.work_ns += ns;
	timed_spend(timed, ns);
}

void timed_work_covers(int more)
{
	current->context->covered += more;
}

void timed_compute(uint64_t ns)
{
	struct timed *timed = timed_of(current);

	if (!timed->cpu)
		return;
	ns = MIN(ns, TIMED_MAX_NS);
	ns = DIV_ROUND_UP(ns * CAPACITY_SCALE, timed->cpu->capacity);
	timed->stats.compute_ns += ns;
	timed_spend(timed, ns);
}

/* What it holds is short of time, or long; nothing is lost to rounding. */
uint64_t timed_scale(uint64_t ns)
{
	__extension__ typedef unsigned __int128 wide;
	struct machine_context *context = current->context;
	wide scaled;

	if (!context || !context->scale_ppm)
		return ns;
	scaled = (wide)ns * context->scale_ppm + context->scale_rest;
	context->scale_rest = (uint64_t)(scaled % PPM);
	return (uint64_t)(scaled / PPM);
}

void timed_scale_work(uint32_t ppm)
{
	timed_of(current)->scales = true;
	current->context->scale_ppm = ppm;
}

/* Its CPU loses time to the interrupt, whatever it does. */
static void interrupt(struct timed *timed, struct cpu *cpu)
{
	if (event_is_queued(timed, &cpu->event))
		event_at(timed, &cpu->event, cpu->event.time + cpu->cost[COST_ipi_handler]);
}

/* A spin may end early, the wait must not: what was unmapped is freed after it. */
static void wait_for_access(const struct task *task)
{
	const int access = task->user_access.counter;

	while ((access & 1) && task->user_access.counter == access)
		timed_spin(&task->user_access.counter, sizeof(int), access, 0);
}

void timed_tlb_shootdown(const struct mm_struct *mm)
{
	struct timed *timed = timed_of(current);
	unsigned int asked = 0;
	struct cpu *cpu;

	for (cpu = timed->cpus; timed->cpu && cpu < timed->cpus + timed->nr_cpus; cpu++) {
		if (cpu == timed->cpu || !cpu->curr || cpu->curr->mm != mm)
			continue;
		interrupt(timed, cpu);
		asked++;
	}
	if (!asked)
		return;
	timed->stats.interrupts += asked;
	timed_spend(timed,
		    timed->cpu->cost[COST_ipi] + (asked - 1) * timed->cpu->cost[COST_ipi_more]);
	/* Who was in the middle of an access has used its old entry by now, or does so first. */
	for (unsigned int i = 0; i < timed->nr_cpus; i++) {
		struct task *task = timed->cpus[i].curr;

		if (task && task != current && task->mm == mm)
			wait_for_access(task);
	}
}
