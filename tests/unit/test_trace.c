/* SPDX-License-Identifier: MIT */
/*
 * The measurements: what a task holds, who waits for whom and in which chain,
 * every count once, and nothing at all with statistics off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lock/rwsem.h"
#include "trace/trace.h"

static struct trace *trace;
static struct machine *machine;
/* The locks of a test; in a chunk, since steps touch them. */
static struct locks {
	spinlock_t spin[80];
	struct rw_semaphore sem __cacheline_aligned;
	int park_here; /* tells D that C sleeps */
} * locks;

static void make_machine(bool enabled, const char *schedule)
{
	struct machine_config config = {.kind = MACHINE_STEP,
					.seed = 3,
					.nr_cpus = 4,
					.hz = 250,
					.schedule = schedule,
					.max_steps = 1000000};
	struct machine_chunk *chunk;

	trace = trace_create(enabled);
	assert_non_null(trace);
	config.hooks = trace_hooks(trace);
	assert_int_equal(machine_create(&config, &machine), 0);
	trace_set_machine(trace, machine);
	chunk = machine_chunk_alloc(machine, "locks", sizeof(*locks));
	assert_non_null(chunk);
	locks = (struct locks *)((char *)chunk + chunk->first_offset);
	assert_int_equal(init_rwsem(&locks->sem, LOCK_user, rwsem_policy_find("no_spin")), 0);
}

static void end_machine(void)
{
	machine_destroy(machine);
	trace_destroy(trace);
}

static struct task *start(const char *name, int (*fn)(void *arg), void *arg)
{
	const struct task_attr attr = {.name = name, .cpu = -1};
	struct task *task = machine_task_create(machine, &attr, fn, arg);

	assert_non_null(task);
	return task;
}

static void run(void)
{
	int err = machine_run(machine);

	if (err)
		fail_msg("run: %d: %s", err, machine_failure(machine));
}

static struct site_stats *site_sum(enum lock_class class, enum lock_site site)
{
	static struct site_stats sum;

	trace_site_sum(trace, class, site, &sum);
	return &sum;
}

static uint64_t hold_count(enum lock_class class, enum lock_site site)
{
	const struct site_stats *s = site_sum(class, site);

	return s->hold_ns[LOCK_READ].count + s->hold_ns[LOCK_WRITE].count;
}

static uint64_t acquired(enum lock_class class, enum lock_site site, enum lock_mode mode)
{
	return site_sum(class, site)->acquired[mode];
}

/* ---- held locks ---- */

static void hold(int i, enum lock_site site, enum lock_mode mode)
{
	trace_acquired(&locks->spin[i], LOCK_mmap_lock, site, mode, false);
}

static bool holds(int i, enum lock_mode expected)
{
	enum lock_mode mode = LOCK_READ;

	return trace_holds(&locks->spin[i], &mode) && mode == expected;
}

static void locks_leave_in_any_order(void **state)
{
	const struct task_trace *t;

	(void)state;
	make_machine(true, NULL);
	cpu_relax(); /* the clock starts at 0, which stands for "not timed" */
	t = trace_task(trace, 0);
	hold(0, SITE_mmap, LOCK_READ);
	hold(1, SITE_munmap, LOCK_WRITE);
	hold(2, SITE_exit, LOCK_READ);
	assert_int_equal(t->depth, 3);
	assert_true(holds(0, LOCK_READ) && holds(1, LOCK_WRITE) && holds(2, LOCK_READ));
	assert_false(trace_holds(&locks->spin[3], NULL));
	trace_released(&locks->spin[0]);
	assert_false(trace_holds(&locks->spin[0], NULL));
	assert_true(holds(1, LOCK_WRITE) && holds(2, LOCK_READ));
	hold(0, SITE_mmap, LOCK_WRITE);
	trace_downgraded(&locks->spin[1]);
	assert_true(holds(0, LOCK_WRITE) && holds(1, LOCK_READ) && holds(2, LOCK_READ));
	trace_released(&locks->spin[2]);
	assert_true(holds(0, LOCK_WRITE) && holds(1, LOCK_READ));
	trace_released(&locks->spin[0]);
	trace_released(&locks->spin[1]);
	assert_int_equal(t->depth, 0);
	/* One hold a site, but for the downgraded one: it was held in two ways. */
	assert_int_equal(hold_count(LOCK_mmap_lock, SITE_mmap), 2);
	assert_int_equal(hold_count(LOCK_mmap_lock, SITE_munmap), 2);
	assert_int_equal(hold_count(LOCK_mmap_lock, SITE_exit), 1);
	end_machine();
}

static void holds_and_acquisitions_are_counted(void **state)
{
	(void)state;
	make_machine(true, NULL);
	cpu_relax();
	for (int i = 0; i < 3 * TRACE_SAMPLE; i++) {
		hold(0, SITE_mmap, i % 3 ? LOCK_READ : LOCK_WRITE);
		trace_released(&locks->spin[0]);
		spin_lock(&locks->spin[1], LOCK_pte_lock, SITE_zap);
		spin_unlock(&locks->spin[1]);
	}
	assert_int_equal(acquired(LOCK_mmap_lock, SITE_mmap, LOCK_WRITE), TRACE_SAMPLE);
	assert_int_equal(acquired(LOCK_mmap_lock, SITE_mmap, LOCK_READ), 2 * TRACE_SAMPLE);
	/* On the model every hold is timed. */
	assert_int_equal(hold_count(LOCK_mmap_lock, SITE_mmap), 3 * TRACE_SAMPLE);
	assert_int_equal(hold_count(LOCK_pte_lock, SITE_zap), 3 * TRACE_SAMPLE);
	assert_int_equal(acquired(LOCK_pte_lock, SITE_zap, LOCK_WRITE), 3 * TRACE_SAMPLE);
	assert_int_equal(site_sum(LOCK_pte_lock, SITE_zap)->contended[LOCK_WRITE], 0);
	assert_int_equal(acquired(LOCK_pte_lock, SITE_fault, LOCK_WRITE), 0);
	end_machine();
}

static int hold_many(void *arg)
{
	for (int i = 0; i < 80; i++)
		hold(i, SITE_mmap, LOCK_WRITE);
	for (int i = 0; i < 80; i++)
		trace_released(&locks->spin[i]);
	return *(int *)arg;
}

/* More than there is room for: some go unseen, none is lost or a bug. */
static void more_locks_than_the_stack_has(void **state)
{
	int zero = 0;

	(void)state;
	make_machine(true, NULL);
	start("collector", hold_many, &zero);
	run();
	assert_int_equal(trace_task(trace, 2)->depth, 0);
	assert_int_equal(acquired(LOCK_mmap_lock, SITE_mmap, LOCK_WRITE), 80);
	end_machine();
}

static int release_unheld(void *arg)
{
	spin_lock(&locks->spin[0], LOCK_user, SITE_user);
	spin_unlock(&locks->spin[1]);
	return *(int *)arg;
}

static int downgrade_reader(void *arg)
{
	down_read(&locks->sem, SITE_user);
	downgrade_write(&locks->sem);
	return *(int *)arg;
}

static void check_bug(int (*fn)(void *arg), const char *text)
{
	int zero = 0;

	make_machine(true, NULL);
	start("culprit", fn, &zero);
	assert_int_equal(machine_run(machine), -EFAULT);
	assert_non_null(strstr(machine_failure(machine), text));
	assert_non_null(strstr(machine_failure(machine), "culprit"));
	end_machine();
}

static void wrong_releases_are_bugs(void **state)
{
	(void)state;
	check_bug(release_unheld, "releases a lock it does not hold");
	check_bug(downgrade_reader, "does not hold for write");
}

/* ---- counters ---- */

static int count_all(void *arg)
{
	for (unsigned int i = 0; i < NR_COUNTERS; i++) {
		count_events(i, i * i);
		cpu_relax();
		count_event(i);
	}
	return *(int *)arg;
}

/* Each counter is its own, and a sum takes in the tasks that ended. */
static void counters_are_single(void **state)
{
	int zero = 0;

	(void)state;
	make_machine(true, NULL);
	for (int i = 0; i < 3; i++)
		start("counter", count_all, &zero);
	run();
	count_all(&zero);
	for (uint64_t i = 0; i < NR_COUNTERS; i++)
		assert_int_equal(trace_counter_sum(trace, i), 4 * (i * i + 1));
	end_machine();
}

/* ---- edges ---- */

static char graph[2048];

static int c_holds(void *arg)
{
	spin_lock(&locks->spin[2], LOCK_kmem_lock, SITE_mmap);
	park(TASK_UNINTERRUPTIBLE, 0);
	spin_unlock(&locks->spin[2]);
	return *(int *)arg;
}

static int b_holds_and_waits(void *arg)
{
	spin_lock(&locks->spin[1], LOCK_pte_lock, SITE_munmap);
	spin_lock(&locks->spin[2], LOCK_kmem_lock, SITE_fault);
	spin_unlock(&locks->spin[2]);
	spin_unlock(&locks->spin[1]);
	return *(int *)arg;
}

static int a_waits(void *arg)
{
	spin_lock(&locks->spin[1], LOCK_pte_lock, SITE_exit);
	spin_unlock(&locks->spin[1]);
	return *(int *)arg;
}

static int wake(void *arg)
{
	trace_wait_graph(trace, graph, sizeof(graph));
	unpark(arg);
	return 0;
}

static const struct edge_sum *edge_of(const struct task *waiter, int behind_writer)
{
	const struct edge_sum *edge, *found = NULL;

	for (unsigned int i = 0; (edge = trace_edge(trace, i)); i++) {
		if (edge->key.waiter != waiter->index || edge->key.behind_writer != behind_writer)
			continue;
		assert_null(found);
		found = edge;
	}
	assert_non_null(found);
	return found;
}

static void assert_in_graph(const char *text)
{
	if (!strstr(graph, text))
		fail_msg("\"%s\" is not in: %s", text, graph);
}

static void chain_of_three(void **state)
{
	struct task *a, *b, *c;
	const struct edge_sum *edge;
	int zero = 0;

	(void)state;
	make_machine(true, "C~ B~ A~ D~ C~ B~ A~");
	a = start("A", a_waits, &zero);
	b = start("B", b_holds_and_waits, &zero);
	c = start("C", c_holds, &zero);
	start("D", wake, c);
	run();
	edge = edge_of(b, 0);
	assert_int_equal(edge->key.holder, c->index);
	assert_int_equal(edge->key.holder_site, SITE_mmap);
	assert_int_equal(edge->key.waiter_site, SITE_fault);
	assert_int_equal(edge->key.holder_state, HOLDER_OFF_CPU);
	assert_int_equal(edge->key.class, LOCK_kmem_lock);
	assert_int_equal(edge->key.chain_length, 1);
	assert_int_equal(edge->key.chain_end, c->index);
	edge = edge_of(a, 0);
	assert_int_equal(edge->key.holder, b->index);
	assert_int_equal(edge->key.holder_site, SITE_munmap);
	assert_int_equal(edge->key.waiter_site, SITE_exit);
	assert_int_equal(edge->key.holder_state, HOLDER_WAITING);
	assert_int_equal(edge->key.mode, LOCK_WRITE);
	assert_int_equal(edge->key.behind_writer, 0);
	assert_int_equal(edge->key.chain_length, 2);
	assert_int_equal(edge->key.chain_end, c->index);
	assert_int_equal(edge->key.chain_end_site, SITE_mmap);
	assert_int_equal(edge->count, 1);
	assert_true(edge->total_ns > 0);
	assert_int_equal(edge->max_ns, edge->total_ns);
	assert_null(trace_edge(trace, 2));
	assert_int_equal(site_sum(LOCK_pte_lock, SITE_exit)->contended[LOCK_WRITE], 1);
	assert_int_equal(site_sum(LOCK_pte_lock, SITE_exit)->wait_ns.sum, edge->total_ns);
	/* While they waited, as text. */
	assert_in_graph("A: waits for pte_lock");
	assert_in_graph("held by B");
	assert_in_graph("B: holds pte_lock");
	assert_in_graph("held by C");
	assert_in_graph("C: holds kmem_lock");
	end_machine();
}

static int hold_for_a_while(void *arg)
{
	for (int i = 0; i < 3; i++) {
		spin_lock(&locks->spin[0], LOCK_user, SITE_mmap);
		for (int j = 0; j < 5; j++)
			cpu_relax();
		spin_unlock(&locks->spin[0]);
		cpu_relax();
	}
	return *(int *)arg;
}

static int wait_thrice(void *arg)
{
	for (int i = 0; i < 3; i++) {
		spin_lock(&locks->spin[0], LOCK_user, SITE_munmap);
		spin_unlock(&locks->spin[0]);
		cpu_relax();
	}
	return *(int *)arg;
}

/* Waits of one kind are one edge; a holder that could run is a running one. */
static void equal_waits_are_added_up(void **state)
{
	const struct edge_sum *edge;
	struct task *h, *w;
	int zero = 0;

	(void)state;
	/* H takes the lock, W waits, H lets it go, W has it; three times. */
	make_machine(true, "H*3 W~ H*5 W*4 H*3 W~ H*5 W*4 H*3 W~ H~ W~");
	h = start("H", hold_for_a_while, &zero);
	w = start("W", wait_thrice, &zero);
	run();
	edge = edge_of(w, 0);
	assert_int_equal(edge->key.holder, h->index);
	assert_int_equal(edge->key.holder_state, HOLDER_RUNNING);
	assert_int_equal(edge->count, site_sum(LOCK_user, SITE_munmap)->contended[LOCK_WRITE]);
	assert_int_equal(edge->count, 3);
	assert_true(edge->max_ns < edge->total_ns);
	assert_true(edge->max_ns * edge->count >= edge->total_ns);
	assert_int_equal(site_sum(LOCK_user, SITE_munmap)->wait_ns.sum, edge->total_ns);
	end_machine();
}

/* ---- behind a queued writer ---- */

static int read_and_park(void *arg)
{
	down_read(&locks->sem, SITE_fault);
	park(TASK_UNINTERRUPTIBLE, 0);
	up_read(&locks->sem);
	return *(int *)arg;
}

static int write_once(void *arg)
{
	down_write(&locks->sem, SITE_mmap);
	up_write(&locks->sem);
	return *(int *)arg;
}

static int write_and_park(void *arg)
{
	down_write(&locks->sem, SITE_mmap);
	park(TASK_UNINTERRUPTIBLE, 0);
	up_write(&locks->sem);
	return *(int *)arg;
}

static int read_once(void *arg)
{
	down_read(&locks->sem, SITE_madvise);
	up_read(&locks->sem);
	return *(int *)arg;
}

static void reader_behind_queued_writer(void **state)
{
	const struct edge_sum *edge;
	struct task *r, *w, *late;
	int zero = 0;

	(void)state;
	make_machine(true, "R~ W~ L~ D~ R~");
	r = start("R", read_and_park, &zero);
	w = start("W", write_once, &zero);
	late = start("L", read_once, &zero);
	start("D", wake, r);
	run();
	edge = edge_of(w, 0);
	assert_int_equal(edge->key.holder, r->index);
	assert_int_equal(edge->key.holder_site, SITE_fault);
	assert_int_equal(edge->key.mode, LOCK_WRITE);
	/* Once the writer has it, it is the holder; a wait counts where it ends. */
	edge = edge_of(late, 0);
	assert_int_equal(edge->key.holder, w->index);
	assert_int_equal(edge->ended, 1);
	edge = edge_of(late, 1);
	assert_int_equal(edge->ended, 0);
	assert_int_equal(edge->key.holder, w->index);
	assert_int_equal(edge->key.holder_site, SITE_mmap);
	assert_int_equal(edge->key.holder_state, HOLDER_WAITING);
	assert_int_equal(edge->key.mode, LOCK_READ);
	/* In the end it is the reader inside that is waited for. */
	assert_int_equal(edge->key.chain_length, 2);
	assert_int_equal(edge->key.chain_end, r->index);
	assert_int_equal(site_sum(LOCK_user, SITE_madvise)->behind_writer, 1);
	assert_int_equal(site_sum(LOCK_user, SITE_madvise)->behind_writer_ns, edge->total_ns);
	assert_int_equal(site_sum(LOCK_user, SITE_mmap)->behind_writer, 0);
	assert_int_equal(trace_counter_sum(trace, COUNTER_rwsem_writer_sleep), 1);
	end_machine();
}

/* A writer that has the lock is a holder, not somebody ahead in the queue. */
static void reader_behind_writing_holder(void **state)
{
	const struct edge_sum *edge;
	struct task *w, *late;
	int zero = 0;

	(void)state;
	make_machine(true, "W~ L~ D~ W~");
	w = start("W", write_and_park, &zero);
	late = start("L", read_once, &zero);
	start("D", wake, w);
	run();
	edge = edge_of(late, 0);
	assert_int_equal(edge->key.holder, w->index);
	assert_int_equal(edge->key.holder_state, HOLDER_OFF_CPU);
	assert_int_equal(site_sum(LOCK_user, SITE_madvise)->behind_writer, 0);
	end_machine();
}

/* A reader that was woken with the lock has it, although it has not run since. */
static void writer_waits_for_granted_reader(void **state)
{
	const struct edge_sum *edge;
	struct task *w, *late, *next;
	int zero = 0;

	(void)state;
	make_machine(true, "W~ L~ D~ W~ X~");
	w = start("W", write_and_park, &zero);
	late = start("L", read_once, &zero);
	start("D", wake, w);
	next = start("X", write_once, &zero);
	run();
	edge = edge_of(next, 0);
	assert_int_equal(edge->key.holder, late->index);
	assert_int_equal(edge->key.holder_site, SITE_madvise);
	assert_int_equal(edge->key.holder_state, HOLDER_GRANTED);
	assert_int_equal(edge->key.chain_end, late->index);
	end_machine();
}

/* ---- the table is full ---- */

#define NR_WAITERS 10
#define WAITS_EACH (2 * NR_LOCK_CLASSES * NR_LOCK_SITES)

static int wait_everywhere(void *arg)
{
	struct wait_edge edge;

	for (unsigned int i = 0; i < WAITS_EACH; i++) {
		trace_wait_begin(&locks->spin[0], i / 2 / NR_LOCK_SITES, i / 2 % NR_LOCK_SITES,
				 i % 2, &edge);
		trace_wait_end(&edge);
	}
	return *(int *)arg;
}

static void full_table_drops(void **state)
{
	const struct edge_sum *edge;
	uint64_t waits = 0;
	unsigned int n = 0;
	int zero = 0;

	(void)state;
	make_machine(true, NULL);
	for (int i = 0; i < NR_WAITERS; i++)
		start("waiter", wait_everywhere, &zero);
	run();
	assert_true(NR_WAITERS * WAITS_EACH > TRACE_MAX_EDGES);
	for (; (edge = trace_edge(trace, n)); n++) {
		assert_int_equal(edge->key.holder, -1);
		assert_int_equal(edge->key.holder_state, HOLDER_UNKNOWN);
		assert_int_equal(edge->count, 1);
		waits += edge->count;
	}
	assert_int_equal(n, TRACE_MAX_EDGES);
	assert_int_equal(trace_counter_sum(trace, COUNTER_edges_dropped),
			 NR_WAITERS * WAITS_EACH - waits);
	end_machine();
}

/* ---- statistics off ---- */

static void off_measures_nothing(void **state)
{
	struct task *c, *r;
	int zero = 0;

	(void)state;
	make_machine(false, "C~ B~ A~ R~ W~ L~ D~ E~");
	start("A", a_waits, &zero);
	start("B", b_holds_and_waits, &zero);
	c = start("C", c_holds, &zero);
	r = start("R", read_and_park, &zero);
	start("W", write_once, &zero);
	start("L", read_once, &zero);
	start("D", wake, c);
	start("E", wake, r);
	start("counter", count_all, &zero);
	run();
	assert_false(trace_enabled());
	spin_lock(&locks->spin[0], LOCK_user, SITE_user);
	assert_false(trace_holds(&locks->spin[0], NULL));
	spin_unlock(&locks->spin[0]);
	assert_null(trace_edge(trace, 0));
	assert_null(trace_task(trace, 0));
	for (unsigned int i = 0; i < NR_COUNTERS; i++)
		assert_int_equal(trace_counter_sum(trace, i), 0);
	for (unsigned int i = 0; i < NR_LOCK_CLASSES * NR_LOCK_SITES; i++) {
		static const struct site_stats nothing;

		assert_memory_equal(site_sum(i / NR_LOCK_SITES, i % NR_LOCK_SITES), &nothing,
				    sizeof(nothing));
	}
	assert_in_graph("A: (not measured)");
	end_machine();
}

/* ---- names ---- */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locks_leave_in_any_order),
		cmocka_unit_test(holds_and_acquisitions_are_counted),
		cmocka_unit_test(wrong_releases_are_bugs),
		cmocka_unit_test(counters_are_single),
		cmocka_unit_test(chain_of_three),
		cmocka_unit_test(equal_waits_are_added_up),
		cmocka_unit_test(reader_behind_queued_writer),
		cmocka_unit_test(reader_behind_writing_holder),
		cmocka_unit_test(writer_waits_for_granted_reader),
		cmocka_unit_test(full_table_drops),
		cmocka_unit_test(off_measures_nothing),
		cmocka_unit_test(more_locks_than_the_stack_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
