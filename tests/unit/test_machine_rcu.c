/* SPDX-License-Identifier: MIT */
/*
 * The second half of what the machines promise: grace periods, I/O, random streams,
 * chunks and the names of what lies in them. One body, all machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine/machine.h"

#define NR_CALLBACKS 200
#define MSEC NSEC_PER_MSEC

static const struct machine_config host_config = {.kind = MACHINE_HOST,
						  .seed = 1,
						  .hz = 250,
						  .hang_ns = 600 * NSEC_PER_SEC};
static const struct machine_config *config;
static struct machine *machine;

static int make_machine(void **state)
{
	(void)state;
	return machine_create(config, &machine);
}

static int end_machine(void **state)
{
	(void)state;
	machine_destroy(machine);
	return 0;
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

/* ---- grace periods ---- */

struct callback {
	struct rcu_head head;
	int ran;
};

static struct {
	struct callback callback, callbacks[NR_CALLBACKS];
	char ran_in[TASK_NAME_LEN];
	int inside, queued, left;
	int nr_ran, too_early, ran_inside, seen_after_sync, seen_after_barrier;
} g;

static void note_run(struct rcu_head *head)
{
	struct callback *callback = container_of(head, struct callback, head);

	if (!READ_ONCE(g.left))
		g.too_early++;
	memcpy(g.ran_in, current->name, sizeof(g.ran_in));
	WRITE_ONCE(callback->ran, 1);
}

static void count_run(struct rcu_head *head)
{
	struct callback *callback = container_of(head, struct callback, head);

	callback->ran++;
	g.nr_ran++;
}

/* Nested sections: leaving the inner one ends nothing. */
static int reader(void *arg)
{
	(void)arg;
	rcu_read_lock();
	rcu_read_lock();
	smp_store_release(&g.inside, 1);
	spin_while_equal_int(&g.queued, 0, 0);
	rcu_read_unlock();
	/* Time enough for a callback that does not wait. */
	machine_sleep(5 * NSEC_PER_MSEC);
	for (int i = 0; i < 500; i++) {
		if (READ_ONCE(g.callback.ran))
			g.ran_inside = 1;
		cpu_relax();
	}
	WRITE_ONCE(g.left, 1);
	rcu_read_unlock();
	return 0;
}

static int call_and_wait(void *arg)
{
	(void)arg;
	spin_while_equal_int(&g.inside, 0, 0);
	call_rcu(&g.callback.head, note_run);
	smp_store_release(&g.queued, 1);
	rcu_barrier();
	g.seen_after_barrier = g.callback.ran;
	return 0;
}

static int synchronize(void *arg)
{
	(void)arg;
	spin_while_equal_int(&g.inside, 0, 0);
	smp_store_release(&g.queued, 1);
	synchronize_rcu();
	g.seen_after_sync = READ_ONCE(g.left);
	return 0;
}

static void callback_waits_for_readers(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	start("reader", reader, NULL);
	start("updater", call_and_wait, NULL);
	run();
	assert_int_equal(g.too_early, 0);
	assert_int_equal(g.ran_inside, 0);
	assert_int_equal(g.seen_after_barrier, 1);
	assert_string_equal(g.ran_in, "rcu");
}

static void synchronize_waits_for_readers(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	start("reader", reader, NULL);
	start("updater", synchronize, NULL);
	run();
	assert_int_equal(g.seen_after_sync, 1);
}

static int queue_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < NR_CALLBACKS; i++) {
		call_rcu(&g.callbacks[i].head, count_run);
		cpu_relax();
	}
	rcu_barrier();
	g.seen_after_barrier = g.nr_ran;
	return 0;
}

static void barrier_waits_for_all(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	start("updater", queue_many, NULL);
	run();
	assert_int_equal(g.seen_after_barrier, NR_CALLBACKS);
	for (int i = 0; i < NR_CALLBACKS; i++)
		assert_int_equal(g.callbacks[i].ran, 1);
	/* Main may do the same while no task runs. */
	call_rcu(&g.callbacks[0].head, count_run);
	rcu_barrier();
	assert_int_equal(g.nr_ran, NR_CALLBACKS + 1);
	call_rcu(&g.callbacks[0].head, count_run);
	synchronize_rcu();
	rcu_barrier();
	assert_int_equal(g.nr_ran, NR_CALLBACKS + 2);
}

static void queue_again(struct rcu_head *head)
{
	if (++g.nr_ran < 10)
		call_rcu(head, queue_again);
}

static int queue_chain(void *arg)
{
	(void)arg;
	call_rcu(&g.callback.head, queue_again);
	for (int i = 0; i < 10; i++)
		rcu_barrier();
	g.seen_after_barrier = g.nr_ran;
	return 0;
}

/* A callback may queue itself; a barrier waits for one generation. */
static void callback_queues_callback(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	start("updater", queue_chain, NULL);
	run();
	assert_int_equal(g.seen_after_barrier, 10);
}

/* ---- random streams ---- */

static int draw(void *arg)
{
	uint64_t *drawn = arg;

	for (int i = 0; i < 3; i++)
		drawn[i] = rng_next((struct rng *)current->rng);
	return 0;
}

static uint64_t first_of(uint64_t seed, const char *name, uint64_t index)
{
	struct rng rng;

	rng_init(&rng, seed, name, index);
	return rng_next(&rng);
}

/* A task's stream is that of its seed, name and index, whatever the machine. */
static void streams_are_the_machines(void **state)
{
	static const char *const names[] = {"worker", "worker", "ui"};
	static uint64_t drawn[3][3];

	(void)state;
	for (int i = 0; i < 3; i++)
		start(names[i], draw, drawn[i]);
	run();
	for (int i = 0; i < 3; i++) {
		struct rng rng;

		/* "main", "rcu" and "io" come before. */
		rng_init(&rng, config->seed, names[i], (uint64_t)i + 3);
		for (int j = 0; j < 3; j++)
			assert_int_equal(drawn[i][j], rng_next(&rng));
	}
}

static void streams_are_pinned(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "worker", 2);
	assert_int_equal(rng_next(&rng), 0xbec009daa954a8dcull);
	rng_init(&rng, UINT64_MAX, "", 0);
	rng_next(&rng);
	assert_int_equal(rng_next(&rng), 0x44002ca90c2ce2aaull);
	assert_int_equal(first_of(7, "schedule", 0), first_of(7, "schedule", 0));
}

/* Neighbours in all three, as a run with many tasks and seeds has them. */
static void streams_differ(void **state)
{
	static const char *const names[] = {"a",  "b",	"c",   "worker1", "worker2", "worker3",
					    "ui", "gc", "rcu", "main",	  "schedule"};
	static uint64_t drawn[8 * ARRAY_SIZE(names) * 64];
	size_t n = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		for (size_t name = 0; name < ARRAY_SIZE(names); name++)
			for (uint64_t index = 0; index < 64; index++)
				drawn[n++] = first_of(seed, names[name], index);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (drawn[i] == drawn[j])
				fail_msg("seed %zu %s %zu draws as seed %zu %s %zu",
					 i / 64 / ARRAY_SIZE(names) + 1,
					 names[i / 64 % ARRAY_SIZE(names)], i % 64,
					 j / 64 / ARRAY_SIZE(names) + 1,
					 names[j / 64 % ARRAY_SIZE(names)], j % 64);
}

static void draws_stay_below(void **state)
{
	unsigned int seen[7] = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, config->seed, "below", 0);
	for (int i = 0; i < 7000; i++) {
		uint64_t drawn = rng_below(&rng, 7);

		assert_true(drawn < 7);
		seen[drawn]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 800, 1200);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rng_below(&rng, 1), 0);
}

/* ---- chunks ---- */

static void assert_named(const void *addr, const char *type, uint64_t number, uint32_t offset)
{
	struct object_name name = machine_object_name(machine, addr);

	assert_non_null(name.type);
	assert_string_equal(name.type, type);
	assert_int_equal(name.number, number);
	assert_int_equal(name.offset, offset);
}

static char *slot_of(struct machine_chunk *chunk, unsigned int i)
{
	return (char *)chunk + chunk->first_offset + i * chunk->slot_size;
}

static void check_chunk(struct machine_chunk *chunk, const char *type, uint32_t slot_size)
{
	unsigned int slots;

	assert_non_null(chunk);
	assert_int_equal((uintptr_t)chunk % CHUNK_SIZE, 0);
	assert_int_equal(chunk->first_offset % 64, 0);
	assert_true(chunk->first_offset >= sizeof(*chunk));
	slots = (CHUNK_SIZE - chunk->first_offset) / slot_size;
	assert_true(slots > 0);
	for (unsigned int i = 0; i < slots; i++) {
		char *slot = slot_of(chunk, i);

		assert_int_equal((uintptr_t)slot % 64, 0);
		for (uint32_t at = 0; at < slot_size; at++)
			assert_int_equal(slot[at], 0);
		assert_named(slot, type, chunk->first_object + i, 0);
		assert_named(slot + 17, type, chunk->first_object + i, 17);
		assert_named(slot + slot_size - 1, type, chunk->first_object + i, slot_size - 1);
	}
}

static void objects_have_numbers(void **state)
{
	struct machine_chunk *small = machine_chunk_alloc(machine, "small", 64);
	struct machine_chunk *large = machine_chunk_alloc(machine, "large", 8256);
	struct machine_chunk *more = machine_chunk_alloc(machine, "small", 64);
	uint64_t nr_small = (CHUNK_SIZE - small->first_offset) / 64;
	uint64_t nr_large = (CHUNK_SIZE - large->first_offset) / 8256;
	int on_stack = 0;

	(void)state;
	check_chunk(small, "small", 64);
	check_chunk(large, "large", 8256);
	check_chunk(more, "small", 64);
	/* No number stands for two objects. */
	assert_true(large->first_object >= small->first_object + nr_small);
	assert_true(more->first_object >= large->first_object + nr_large);
	assert_null(machine_object_name(machine, &on_stack).type);
	assert_null(machine_object_name(machine, &config).type);
	assert_null(machine_object_name(machine, NULL).type);
}

/* Two machines of any kind number the same objects alike. */
static void numbers_do_not_depend_on_the_machine(void **state)
{
	static uint64_t first_chunk, task_number;
	struct machine_chunk *chunk = machine_chunk_alloc(machine, "thing", 128);
	struct task *task = machine_task(machine, 1);
	struct object_name name = machine_object_name(machine, &task->park_word);

	(void)state;
	assert_string_equal(name.type, "task");
	assert_int_equal((uintptr_t)task % 64, 0);
	assert_int_equal(name.offset, offsetof(struct task, park_word));
	if (config->kind == MACHINE_HOST) {
		first_chunk = chunk->first_object;
		task_number = name.number;
	}
	assert_int_equal(chunk->first_object, first_chunk);
	assert_int_equal(name.number, task_number);
}

static void states_of_granules(void **state)
{
	struct machine_chunk *chunk = machine_chunk_alloc(machine, "thing", 192);
	char *object = slot_of(chunk, 1);
	size_t at = (size_t)(object - (char *)chunk) >> GRANULE_SHIFT;

	(void)state;
	assert_int_equal(chunk->state[at], GRANULE_UNUSED);
	machine_object_allocated(object, 192);
	machine_object_freed(slot_of(chunk, 2), 100, false);
	machine_object_freed(slot_of(chunk, 3), 192, true);
	assert_int_equal(chunk->state[at - 1], GRANULE_UNUSED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(chunk->state[at + i], GRANULE_LIVE);
	/* A begun granule is the object's. */
	assert_int_equal(chunk->state[at + 3], GRANULE_FREED);
	assert_int_equal(chunk->state[at + 4], GRANULE_FREED);
	assert_int_equal(chunk->state[at + 5], GRANULE_UNUSED);
	assert_int_equal(chunk->state[at + 6], GRANULE_TYPESAFE_FREE);
	assert_int_equal(chunk->state[at + 8], GRANULE_TYPESAFE_FREE);
	assert_int_equal(chunk->state[at + 9], GRANULE_UNUSED);
}

static void memory_is_zeroed(void **state)
{
	unsigned char *memory = machine_memory_alloc(300000);

	(void)state;
	assert_non_null(memory);
	for (size_t i = 0; i < 300000; i++)
		assert_int_equal(memory[i], 0);
	memset(memory, 1, 300000);
	machine_memory_free(memory, 300000);
	machine_memory_free(NULL, 300000);
}

/* ---- I/O ---- */

#define REQUESTS 3 /* under way at once */

static struct request {
	struct machine_io io;
	struct task *submitter;
	int sent, received; /* plain: submission and completion order them */
	int done;
} requests[2][REQUESTS];

static void request_done(struct machine_io *io)
{
	struct request *r = (struct request *)io;

	r->received = r->sent;
	smp_store_release(&r->done, r->done + 1);
	unpark(r->submitter);
}

static int submit_and_wait(void *arg)
{
	struct request *mine = arg;
	uint64_t start = now_ns();

	for (int round = 1; round <= 4; round++) {
		for (int i = 0; i < REQUESTS; i++) {
			mine[i].submitter = current;
			mine[i].sent = 10 * round + i;
			machine_io_submit(&mine[i].io, (uint64_t)(REQUESTS - i) * MSEC / 4,
					  request_done);
		}
		for (int i = 0; i < REQUESTS; i++)
			while (smp_load_acquire(&mine[i].done) < round)
				park(TASK_UNINTERRUPTIBLE, 0);
	}
	/* Four times the longest of them: none was answered early. */
	return now_ns() - start >= 4 * REQUESTS * MSEC / 4;
}

static void requests_are_completed(void **state)
{
	struct task *tasks[2];

	(void)state;
	memset(requests, 0, sizeof(requests));
	for (int t = 0; t < 2; t++)
		tasks[t] = start(t ? "writer" : "reader", submit_and_wait, requests[t]);
	run();
	for (int t = 0; t < 2; t++) {
		assert_int_equal(machine_task_join(tasks[t]), 1);
		for (int i = 0; i < REQUESTS; i++) {
			assert_int_equal(requests[t][i].done, 4);
			assert_int_equal(requests[t][i].received, 40 + i);
		}
	}
}

/* ---- the list ---- */

static const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, make_machine, end_machine)
	ONE(callback_waits_for_readers), ONE(synchronize_waits_for_readers),
	ONE(barrier_waits_for_all),	 ONE(callback_queues_callback),
	ONE(streams_are_the_machines),	 ONE(draws_stay_below),
	ONE(objects_have_numbers),	 ONE(numbers_do_not_depend_on_the_machine),
	ONE(states_of_granules),	 ONE(memory_is_zeroed),
	ONE(requests_are_completed),
#undef ONE
};

static const struct CMUnitTest pure_tests[] = {
	cmocka_unit_test(streams_are_pinned),
	cmocka_unit_test(streams_differ),
};

static int run_on(const char *name, const struct machine_config *c)
{
	config = c;
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void)
{
	struct machine_config step = {
		.kind = MACHINE_STEP, .nr_cpus = 4, .hz = 250, .max_steps = 20000000};
	struct machine_config timed = {.kind = MACHINE_TIMED, .max_steps = 20000000};
	int failed = run_on("host", &host_config);

	for (step.seed = 1; step.seed <= 12; step.seed++) {
		char name[32];

		step.spurious_1_in = step.seed % 2 ? 16 : 0;
		snprintf(name, sizeof(name), "step, seed %d", (int)step.seed);
		failed += run_on(name, &step);
	}
	timed.profile = "phone-4+3+1";
	failed += run_on(timed.profile, &timed);
	timed.profile = "server-2x12x2";
	failed += run_on(timed.profile, &timed);
	return failed + cmocka_run_group_tests(pure_tests, NULL, NULL);
}
