/* SPDX-License-Identifier: MIT */
/*
 * What work takes on the modelled machine: each kind its cost, on a small CPU
 * more; zeroing and copying the memory's bandwidth; a TLB shootdown what the
 * interrupts take, of those that run the mm and of no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine/timed/profile.h"
#include "support/timed_rig.h"

#define LITTLE_BIG RIG_CLUSTER(little, 1, 250, 0) RIG_CLUSTER(big, 1, 1024, 0)

/* ---- each kind ---- */

static const char *const kinds[] = {
#define X(name) #name,
	MACHINE_WORK_KINDS(X)
#undef X
};

static uint64_t work_ns[2][NR_WORK_KINDS], alone_ns[2];

static int do_each_work(void *arg)
{
	int cpu = this_cpu();
	uint64_t began;

	(void)arg;
	for (int kind = 0; kind < NR_WORK_KINDS; kind++) {
		began = now_ns();
		machine_work((enum work_kind)kind, kind == WORK_io ? 12345 : 7);
		work_ns[cpu][kind] = now_ns() - began;
		if (this_cpu() != cpu)
			return -1;
	}
	began = now_ns();
	machine_compute(1000);
	alone_ns[cpu] = now_ns() - began;
	return 0;
}

static void each_kind_takes_its_cost(void **state)
{
	char changes[600] = "bandwidth=1000GB/s";
	struct task *tasks[2];

	(void)state;
	for (int kind = 0; kind < WORK_io; kind++) {
		size_t used = strlen(changes);

		snprintf(changes + used, sizeof(changes) - used, " %s=%dns", kinds[kind],
			 100 + 10 * kind);
	}
	rig_make(&(struct rig_config){.clusters = LITTLE_BIG, .changes = changes});
	tasks[0] = rig_fair("0", 0, do_each_work, NULL);
	tasks[1] = rig_fair("1", 0, do_each_work, NULL);
	rig_run(0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(machine_task_join(tasks[i]), 0);
	for (int kind = 0; kind < WORK_io; kind++) {
		uint64_t ns = 100 + 10 * (uint64_t)kind;
		uint64_t little = kind == WORK_ipi ? ns : (ns * 1024 + 249) / 250;

		assert_int_equal(work_ns[1][kind], 7 * ns);
		assert_int_equal(work_ns[0][kind], 7 * little);
	}
	assert_int_equal(work_ns[0][WORK_io], 12345);
	assert_int_equal(alone_ns[1], 1000);
	assert_int_equal(alone_ns[0], 4096);
	rig_end();
}

/* ---- covered steps ---- */

static uint64_t covered_ns[5];

static uint64_t load_ns(void)
{
	uint64_t began = now_ns();

	(void)READ_ONCE(rig_lines[1].word[0]);
	return now_ns() - began;
}

static int cover_steps(void *arg)
{
	(void)arg;
	machine_work_covers();
	covered_ns[0] = load_ns();
	covered_ns[1] = load_ns();
	machine_work_covers();
	machine_work_covers_end();
	covered_ns[2] = load_ns();
	machine_work_covers_end();
	covered_ns[3] = load_ns();
	return 0;
}

/* Another task's section is its own. */
static int load_meanwhile(void *arg)
{
	(void)arg;
	machine_compute(100);
	load_ns();
	covered_ns[4] = load_ns();
	return 0;
}

static void covered_steps_take_their_lines_only(void **state)
{
	(void)state;
	rig_make(&(struct rig_config){.changes = "step=3ns line_memory=500ns line_cluster=40ns"});
	rig_fair("0", 0, cover_steps, NULL);
	rig_fair("1", 0, load_meanwhile, NULL);
	rig_run(0);
	assert_int_equal(covered_ns[0], 500);
	assert_int_equal(covered_ns[1], 0);
	assert_int_equal(covered_ns[2], 0);
	assert_int_equal(covered_ns[3], 3);
	assert_int_equal(covered_ns[4], 3);
	rig_end();
}

/* ---- bandwidth ---- */

#define PAGES 2000

static uint64_t zeroed_ns;

static int move_pages(void *arg)
{
	machine_work(*(enum work_kind *)arg, PAGES);
	zeroed_ns = MAX(zeroed_ns, now_ns());
	return 0;
}

/* The pages that CPUs first..last move in a millisecond. */
static uint64_t pages_a_ms(const char *const *cpus, int nr, enum work_kind kind)
{
	zeroed_ns = 0;
	rig_make(&(struct rig_config){
		.clusters = RIG_CLUSTER(a, 4, 1024, 0) RIG_CLUSTER(b, 4, 1024, 1),
		.changes = "page_zero=187ns page_copy=418ns bandwidth=40960MB/s"});
	for (int i = 0; i < nr; i++)
		rig_fair(cpus[i], 0, move_pages, &kind);
	rig_run(0);
	rig_end();
	return (uint64_t)nr * PAGES * MSEC / zeroed_ns;
}

static void near(uint64_t value, uint64_t expected)
{
	assert_in_range(value, expected * 98 / 100, expected * 102 / 100);
}

static void sockets_share_their_bandwidth(void **state)
{
	static const char *const first[] = {"0", "1", "2", "3"}, *const both[] = {"0", "4"};
	static const char *const all[] = {"0", "1", "2", "3", "4", "5", "6", "7"};

	(void)state;
	near(pages_a_ms(first, 1, WORK_page_zero), MSEC / 187);
	/* Two together would move more than the controller, which takes 100 ns a page. */
	near(pages_a_ms(first, 2, WORK_page_zero), MSEC / 100);
	near(pages_a_ms(first, 4, WORK_page_zero), MSEC / 100);
	near(pages_a_ms(both, 2, WORK_page_zero), 2 * MSEC / 187);
	near(pages_a_ms(all, 8, WORK_page_zero), 2 * MSEC / 100);
	/* Copied ones are read, too. */
	near(pages_a_ms(first, 1, WORK_page_copy), MSEC / 418);
	near(pages_a_ms(first, 2, WORK_page_copy), 2 * MSEC / 418);
	near(pages_a_ms(first, 4, WORK_page_copy), MSEC / 200);
	near(pages_a_ms(all, 8, WORK_page_copy), 2 * MSEC / 200);
}

/* ---- TLB shootdowns ---- */

static struct mm_struct *const mm_a = (struct mm_struct *)64, *const mm_b = (struct mm_struct *)128;

struct victim {
	struct mm_struct *mm;
	uint64_t ended_ns;
};

static int run_in_mm(void *arg)
{
	struct victim *victim = arg;

	current->mm = victim->mm;
	machine_compute(MSEC);
	victim->ended_ns = now_ns();
	current->mm = NULL;
	return 0;
}

static uint64_t shootdown_ns;

static int shoot_down(void *arg)
{
	current->mm = arg;
	rig_sleep_until(500 * USEC);
	shootdown_ns = now_ns();
	machine_tlb_shootdown(arg);
	shootdown_ns = now_ns() - shootdown_ns;
	current->mm = NULL;
	return 0;
}

static void shootdowns_ask_who_runs_the_mm(void **state)
{
	/* CPUs 1 to 6; 7 is idle; the last waits for CPU 6. */
	struct victim victims[] = {{.mm = mm_a}, {.mm = mm_b}, {.mm = mm_a}, {.mm = NULL},
				   {.mm = mm_a}, {.mm = mm_b}, {.mm = mm_a}};
	static const char *const cpus[] = {"1", "2", "3", "4", "5", "6", "6"};

	(void)state;
	rig_make(&(struct rig_config){
		.changes = "ipi=1200ns ipi_more=200ns ipi_handler=500ns slice=100ms"});
	rig_fair("0", 0, shoot_down, mm_a);
	for (int i = 0; i < 7; i++)
		rig_fair(cpus[i], 0, run_in_mm, &victims[i]);
	rig_run(0);
	assert_int_equal(shootdown_ns, 1200 + 2 * 200);
	assert_int_equal(machine_stats(rig).interrupts, 3);
	for (int i = 0; i < 6; i++)
		assert_int_equal(victims[i].ended_ns, MSEC + (victims[i].mm == mm_a ? 500 : 0));
	assert_int_equal(victims[6].ended_ns, 2 * MSEC);
	rig_end();
}

static void shootdowns_of_nobody_are_free(void **state)
{
	struct victim victim = {.mm = mm_b};

	(void)state;
	rig_make(&(struct rig_config){.changes = "ipi=1200ns ipi_more=200ns ipi_handler=500ns"});
	rig_fair("0", 0, shoot_down, mm_a);
	rig_fair("1", 0, run_in_mm, &victim);
	rig_run(0);
	assert_int_equal(shootdown_ns, 0);
	assert_int_equal(machine_stats(rig).interrupts, 0);
	assert_int_equal(victim.ended_ns, MSEC);
	rig_end();
}

/* Interrupted and preempted it takes what it takes. */
static int hog_at_550us(void *arg)
{
	(void)arg;
	rig_sleep_until(550 * USEC);
	machine_compute(100 * USEC);
	return 0;
}

static void interrupted_work_may_be_preempted(void **state)
{
	struct victim victim = {.mm = mm_a};

	(void)state;
	rig_make(&(struct rig_config){.changes = "ipi=1200ns ipi_handler=500ns"});
	rig_fair("0", 0, shoot_down, mm_a);
	rig_fifo("1", 1, hog_at_550us, NULL);
	rig_fair("1", 0, run_in_mm, &victim);
	rig_run(0);
	assert_int_equal(victim.ended_ns, MSEC + 500 + 100 * USEC);
	rig_end();
}

/* In the middle of an access until 5 ms. */
static int access_memory(void *arg)
{
	(void)arg;
	current->mm = mm_a;
	preempt_disable();
	quiet_inc_owned(current->user_access.counter, 1);
	machine_compute(5 * MSEC);
	quiet_inc_owned(current->user_access.counter, 1);
	machine_wrote(&current->user_access.counter);
	preempt_enable();
	current->mm = NULL;
	return 0;
}

static uint64_t flushed_ns;

/* A reschedule that it may not heed is pending while it waits. */
static int flush_undisturbed(void *arg)
{
	preempt_disable();
	machine_compute(*(uint64_t *)arg);
	machine_tlb_shootdown(mm_a);
	flushed_ns = now_ns();
	preempt_enable();
	return 0;
}

static void shootdowns_wait_for_accesses(void **state)
{
	(void)state;
	for (uint64_t at = 100 * USEC; at <= MSEC; at += 900 * USEC) {
		rig_make(&(struct rig_config){0});
		rig_fifo("0", 1, hog_at_550us, NULL);
		rig_fair("1", 0, access_memory, NULL);
		rig_fair("0", 0, flush_undisturbed, &at);
		rig_run(0);
		assert_in_range(flushed_ns, 5 * MSEC, 5 * MSEC + 10);
		rig_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_takes_its_cost),
		cmocka_unit_test(covered_steps_take_their_lines_only),
		cmocka_unit_test(sockets_share_their_bandwidth),
		cmocka_unit_test(shootdowns_ask_who_runs_the_mm),
		cmocka_unit_test(shootdowns_of_nobody_are_free),
		cmocka_unit_test(interrupted_work_may_be_preempted),
		cmocka_unit_test(shootdowns_wait_for_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
