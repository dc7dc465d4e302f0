/* SPDX-License-Identifier: MIT */
/* When tasks of a scenario run and end: frames, barriers, loops, ends; and what is left behind. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/run_workload.h"

#define STORES_MAX 4096
#define MS UINT64_C(1000000)

/* Who stored when; in the order in which stores began. */
static struct {
	const struct mmsim_task *task;
	struct mm_struct *mm;
	uint64_t addr, now_ns, steps;
} stored[STORES_MAX];
static unsigned int nr_stored;
/* The first store takes so long. */
static uint64_t first_takes_ns;
/* Set by the store of that number. */
static unsigned int stop_at;
static volatile int stop;

enum mmsim_access __real_mmsim_store(struct mm_struct *mm, uint64_t addr, uint64_t value);
enum mmsim_access __wrap_mmsim_store(struct mm_struct *mm, uint64_t addr, uint64_t value);
enum mmsim_access __wrap_mmsim_store(struct mm_struct *mm, uint64_t addr, uint64_t value)
{
	unsigned int i = __atomic_fetch_add(&nr_stored, 1, __ATOMIC_RELAXED);

	stored[i % STORES_MAX].task = mmsim_task_self();
	stored[i % STORES_MAX].mm = mm;
	stored[i % STORES_MAX].addr = addr;
	stored[i % STORES_MAX].now_ns = mmsim_now_ns();
	if (!i && first_takes_ns)
		mmsim_sleep_ns(first_takes_ns);
	if (stop_at && i + 1 == stop_at)
		stop = 1;
	return __real_mmsim_store(mm, addr, value);
}

static void run(const char *text, const struct how *how)
{
	nr_stored = 0;
	stop = 0;
	run_fine(text, how);
	first_takes_ns = 0;
	stop_at = 0;
}

static const struct how step;
static const struct how host = {.host = true};

#define P "[process p]\n"
#define ONE_VMA P "[vma v]\nsize = 64k\n"

/* ---- frames ---- */

/*
 * The first of ten frames takes 5.5 periods: it and the four behind it are late, of which each was
 * begun when the one before had ended; the sixth is begun half a period late, and ends in time.
 */
static const char frames[] = ONE_VMA "[task ui]\nperiod = 20ms\nloops = 10\nscript = w v\n";

static void late_frames_delay_no_arrival(void **state)
{
	const struct frame_stats *stats = &ran.group[0].frames;

	(void)state;
	first_takes_ns = 110 * MS;
	run(frames, &step);
	assert_int_equal(nr_stored, 10);
	assert_int_equal(stats->made, 10);
	assert_int_equal(stats->missed, 5);
	assert_int_equal(ran.group[0].loops, 10);
	for (unsigned int i = 1; i < 6; i++)
		assert_in_range(stored[i].now_ns - stored[0].now_ns, 110 * MS, 111 * MS);
	for (unsigned int i = 6; i < 10; i++)
		assert_in_range(stored[i].now_ns - stored[0].now_ns, i * 20 * MS, i * 20 * MS + MS);
	/* From its arrival on, not from where it was begun. */
	assert_in_range(stats->response_ns.max, 110 * MS, 111 * MS);
	assert_int_equal(stats->response_ns.count, 10);
}

/* The same by the clock; a busy computer may be late, never early. */
static void frames_keep_their_time_on_the_host(void **state)
{
	const struct frame_stats *stats = &ran.group[0].frames;

	(void)state;
	first_takes_ns = 110 * MS;
	run(frames, &host);
	assert_int_equal(nr_stored, 10);
	assert_int_equal(stats->made, 10);
	assert_in_range(stats->missed, 5, 10);
	for (unsigned int i = 1; i < 10; i++)
		assert_true(stored[i].now_ns - stored[0].now_ns + MS >= i * 20 * MS);
	assert_true(stats->response_ns.max >= 110 * MS);
	assert_true(ran.elapsed_ns >= 180 * MS);
}

static void deadlines_are_from_the_arrival(void **state)
{
	static const char text[] = ONE_VMA "[task ui]\nperiod = 20ms\ndeadline = %s\nloops = 10\n"
					   "script = w v\n";
	static const struct {
		const char *deadline;
		unsigned int missed;
	} rows[] = {{"200ms", 0}, {"100ms", 1}, {"45ms", 4}, {"5ms", 6}};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(buf, sizeof(buf), text, rows[i].deadline);
		first_takes_ns = 110 * MS;
		run(buf, &step);
		assert_int_equal(ran.group[0].frames.made, 10);
		assert_int_equal(ran.group[0].frames.missed, rows[i].missed);
	}
}

/* Of 400 ms, which the first frame outlasts: 10 more have missed their deadline by its end. */
static void frames_not_begun_are_missed(void **state)
{
	const struct frame_stats *stats = &ran.group[0].frames;

	(void)state;
	first_takes_ns = 455 * MS;
	run("[global]\nseconds = 400ms\n" ONE_VMA "[task ui]\nperiod = 40ms\nscript = w v\n",
	    &host);
	assert_int_equal(nr_stored, 1);
	assert_true(stats->made >= 11);
	assert_int_equal(stats->missed, stats->made);
	assert_int_equal(stats->response_ns.count, 1);
	/* At most as many as there would have been. */
	first_takes_ns = 455 * MS;
	run("[global]\nseconds = 400ms\n" ONE_VMA
	    "[task ui]\nperiod = 40ms\nloops = 4\nscript = w v\n",
	    &host);
	assert_int_equal(stats->made, 4);
	assert_int_equal(stats->missed, 4);
	/* A frame a nanosecond: they are not counted one by one. */
	run("[global]\nseconds = 50ms\n" ONE_VMA "[task ui]\nperiod = 1ns\nscript = sleep 10ms\n",
	    &host);
	assert_true(stats->made >= 40 * MS);
}

/* ---- barriers ---- */

/* In each loop each of the four stores once, and nobody comes to the next before all did. */
static void check_loops(unsigned int nr_tasks, unsigned int loops)
{
	assert_true(nr_stored >= nr_tasks * loops);
	for (unsigned int i = 0; i < nr_tasks * loops; i += nr_tasks)
		for (unsigned int a = i; a < i + nr_tasks; a++)
			for (unsigned int b = i; b < a; b++)
				assert_ptr_not_equal(stored[a].task, stored[b].task);
}

static void nobody_passes_a_barrier_alone(void **state)
{
	static const char text[] =
		ONE_VMA "[task a]\ncount = 3\nloops = 5\nscript =\n\tw v+random\n"
			"\tdo wait\n[task b]\nloops = 5\nscript =\n\tw v\n"
			"\tcompute exp(10us)\n\tbarrier x\n"
			"[script wait]\nscript = barrier x\n";

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		run(text, &(struct how){.seed = seed});
		assert_int_equal(nr_stored, 20);
		check_loops(4, 5);
		assert_int_equal(done(0, OP_BARRIER), 15);
		assert_int_equal(failed(0, OP_BARRIER) + failed(1, OP_BARRIER), 0);
	}
	for (int i = 0; i < 5; i++) {
		run(text, &host);
		check_loops(4, 5);
	}
}

/* Who has ended is not waited for. */
static void the_ended_are_not_waited_for(void **state)
{
	static const char text[] = ONE_VMA "[task a]\ncount = 2\nloops = 3\nscript =\n\tw v\n"
					   "\tbarrier x\n[task b]\nloops = 7\nscript =\n\tw v\n"
					   "\tbarrier x\n[task c]\nscript =\n\t0% barrier x\n"
					   "[task d]\ncount = 0\nscript = barrier x\n";

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		run(text, &(struct how){.seed = seed});
		assert_int_equal(done(0, OP_BARRIER), 6);
		assert_int_equal(done(1, OP_BARRIER), 7);
		assert_int_equal(failed(1, OP_BARRIER), 0);
		check_loops(3, 3);
	}
	run(text, &host);
	assert_int_equal(done(1, OP_BARRIER), 7);
}

/* Two that wait for each other at different barriers: the end of the run ends it. */
static void the_end_ends_a_barrier(void **state)
{
	static const char text[] = "[global]\nseconds = 50ms\nsteps = 2k\n" P
				   "[task a]\nscript =\n\tbarrier x\n\tbarrier y\n"
				   "[task b]\nscript =\n\tbarrier y\n\tbarrier x\n";
	const struct how *hows[] = {&step, &host};

	(void)state;
	for (int i = 0; i < 2; i++) {
		run(text, hows[i]);
		/* The first sees the end; the other one may see that the first has ended. */
		assert_in_range(failed(0, OP_BARRIER) + failed(1, OP_BARRIER), 1, 2);
		assert_int_equal(done(0, OP_BARRIER) + done(1, OP_BARRIER), 2);
	}
}

/* ---- beginnings and ends ---- */

static void loops_are_counted(void **state)
{
	(void)state;
	run(ONE_VMA "[task a]\ncount = 3\nloops = 7\nscript = w v\n[task b]\nscript = 2x w v\n",
	    &step);
	assert_int_equal(ran.group[0].loops, 21);
	assert_int_equal(ran.group[1].loops, 1);
	assert_int_equal(done(0, OP_W), 21);
	/* Once, whatever they say. */
	run("[global]\nsteps = 10\n" ONE_VMA "[task a]\ncount = 3\nloops = 7\nperiod = 1ms\n"
	    "script = w v\n",
	    &(struct how){.once = true});
	assert_int_equal(done(0, OP_W), 3);
	assert_int_equal(ran.group[0].frames.made, 0);
}

static void after_is_after_all(void **state)
{
	static const char text[] = ONE_VMA "[task a]\ncount = 3\nloops = 5\nscript = w v\n"
					   "[task b]\nafter = a\ncount = 2\nscript = w v\n"
					   "[task c]\nafter = b\nscript = w v\n"
					   "[task none]\ncount = 0\nscript = w v\n"
					   "[task d]\nafter = none\nscript = r v\n";
	const struct mmsim_task *last;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		run(text, &(struct how){.seed = seed});
		assert_int_equal(nr_stored, 18);
		last = stored[17].task;
		for (int i = 0; i < 17; i++)
			assert_ptr_not_equal(stored[i].task, last);
		for (int i = 0; i < 15; i++) {
			assert_ptr_not_equal(stored[i].task, stored[15].task);
			assert_ptr_not_equal(stored[i].task, stored[16].task);
		}
		assert_int_equal(done(4, OP_R), 1);
	}
	run(text, &host);
	assert_int_equal(nr_stored, 18);
}

static void start_is_later(void **state)
{
	(void)state;
	run(ONE_VMA "[task a]\nscript = w v\n[task b]\nstart = 30ms\nscript = w v\n", &host);
	assert_int_equal(nr_stored, 2);
	assert_true(stored[1].now_ns - stored[0].now_ns >= 20 * MS);
	run(ONE_VMA "[task a]\nscript = w v\n[task b]\nstart = 30ms\nscript = w v\n", &step);
	assert_true(stored[1].now_ns - stored[0].now_ns >= 20 * MS);
}

static void the_run_ends_by_the_clock(void **state)
{
	static const char *const idle[] = {"w v",
					   "sleep 1h",
					   "0% w v",
					   "",
					   "sleep exp(100000h)",
					   "do nothing",
					   "1000000000x do nothing",
					   "compute 2000000h"};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(idle) / sizeof(*idle); i++) {
		snprintf(text, sizeof(text),
			 "[global]\nseconds = 30ms\n" ONE_VMA "[script nothing]\nscript =\n"
			 "[task t]\nscript = %s\n",
			 idle[i]);
		run(text, &host);
		assert_in_range(ran.elapsed_ns, 29 * MS, 20000 * MS);
	}
	/* Before, when all loops are done. */
	run("[global]\nseconds = 1h\n" ONE_VMA "[task t]\nloops = 3\nscript = w v\n", &host);
	assert_int_equal(done(0, OP_W), 3);
}

static void the_run_ends_by_steps(void **state)
{
	static const char *const idle[] = {"w v",
					   "sleep 1h",
					   "sleep 0",
					   "0% w v",
					   "",
					   "sleep exp(100000h)",
					   "do nothing",
					   "compute 0",
					   "barrier alone",
					   "w b",
					   "munmap 0 0",
					   "1000000000x do nothing",
					   "30% mmap any 0xffffffffffff rw p as b"};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(idle) / sizeof(*idle); i++) {
		snprintf(text, sizeof(text),
			 "[global]\nsteps = 1k\n" ONE_VMA "[script nothing]\nscript =\n"
			 "[task t]\nloops = 0\nscript =\n\t%s\n\t0%% mmap any 0 rw p as b\n",
			 idle[i]);
		run(text, &step);
		assert_true(ran.group[0].loops < 2000);
	}
}

/* On the host what has no end is refused: nobody would wait for it. */
static void a_run_without_an_end_is_refused(void **state)
{
	static const char *const texts[] = {ONE_VMA "[task t]\nloops = 0\nscript = w v\n",
					    ONE_VMA "[task t]\nperiod = 1ms\nscript = w v\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run_text(texts[i], &host), -EINVAL);
		assert_string_equal(ran.why,
				    "x.ini: expected seconds = TIME, as task t has no end");
		run(texts[i], &step);
		assert_true(done(0, OP_W) > 10);
	}
}

static void whoever_wants_may_stop_it(void **state)
{
	const struct how hows[] = {{.stop = &stop}, {.stop = &stop, .host = true}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		stop_at = 100;
		run("[global]\nseconds = 1h\nsteps = 1000000000\n" ONE_VMA
		    "[task t]\nscript = 1000x w v\n",
		    &hows[i]);
		assert_int_equal(nr_stored, 100);
		assert_int_equal(done(0, OP_W), 100);
		assert_int_equal(ran.group[0].loops, 0);
	}
}

/* The progress line takes no time of the tasks'. */
static void progress_ends_with_the_tasks(void **state)
{
	(void)state;
	run("[global]\nseconds = 1h\n" ONE_VMA "[task t]\nloops = 2\nscript = w v\n",
	    &(struct how){.host = true, .progress = true});
	assert_true(ran.elapsed_ns < 600 * 1000 * MS);
}

static void processes_are_apart(void **state)
{
	static const char text[] =
		P "[process q]\n[process idle]\n[vma v]\nprocess = p\nsize = 4k\n"
		  "[vma u]\nprocess = q\nsize = 4k\n[vma w]\nprocess = idle\n"
		  "size = 8k\ntouch = 100\n[task a]\nprocess = p\nscript = w v\n"
		  "[task b]\nprocess = q\nscript = w u\n";

	(void)state;
	run(text, &step);
	assert_int_equal(nr_stored, 4);
	assert_int_equal(ran.vmas, 3);
	/* Two of idle's, before the tasks. */
	assert_ptr_equal(stored[0].mm, stored[1].mm);
	assert_ptr_not_equal(stored[2].mm, stored[3].mm);
	run(text, &host);
	assert_int_equal(done(0, OP_W) + done(1, OP_W), 2);
}

/* ---- no memory ---- */

/* Whichever allocation fails: an errno when it was in the setup, else operations that failed. */
static void every_allocation_may_fail(void **state)
{
	static const char text[] =
		"[global]\nmemory = 4m\n" P "setup = mmap any 16k rw p as b\n"
		"[vma v]\nsize = 64k\ncount = 2\ntouch = 50\n[task a]\ncount = 2\nscript =\n"
		"\tw v#task+next\n\tmmap any 16 rw p as c\n\tw c\n\tmremap c all 32 maymove as c\n"
		"\tmunmap c all\n\tbarrier x\n[task z]\nafter = a\nscript = w b\n";
	unsigned int refused = 0, fine = 0;

	(void)state;
	for (uint64_t nth = 1; nth < 1000; nth++) {
		uint64_t lost;
		int result;

		nr_stored = 0;
		result = run_text(text, &(struct how){.fail_allocation = nth, .once = nth % 2});
		lost = 0;
		for (int k = 0; k < NR_SIM_OPS; k++)
			lost += failed(0, (enum op_kind)k) + failed(1, (enum op_kind)k);
		refused += result != 0;
		if (result)
			assert_true(result == -ENOMEM || result == -EFAULT);
		fine = result || lost ? 0 : fine + 1;
		/* All were made to fail: what is left does not allocate. */
		if (fine == 40)
			break;
	}
	assert_int_equal(fine, 40);
	assert_true(refused > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_frames_delay_no_arrival),
		cmocka_unit_test(frames_keep_their_time_on_the_host),
		cmocka_unit_test(deadlines_are_from_the_arrival),
		cmocka_unit_test(frames_not_begun_are_missed),
		cmocka_unit_test(nobody_passes_a_barrier_alone),
		cmocka_unit_test(the_ended_are_not_waited_for),
		cmocka_unit_test(the_end_ends_a_barrier),
		cmocka_unit_test(loops_are_counted),
		cmocka_unit_test(after_is_after_all),
		cmocka_unit_test(start_is_later),
		cmocka_unit_test(the_run_ends_by_the_clock),
		cmocka_unit_test(the_run_ends_by_steps),
		cmocka_unit_test(a_run_without_an_end_is_refused),
		cmocka_unit_test(whoever_wants_may_stop_it),
		cmocka_unit_test(progress_ends_with_the_tasks),
		cmocka_unit_test(processes_are_apart),
		cmocka_unit_test(every_allocation_may_fail),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);

	workload_result_free(&ran);
	return failures;
}
