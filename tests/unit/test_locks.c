/* SPDX-License-Identifier: MIT */
/*
 * Spinlock, sequence counter and rcuwait, each checked from inside with plain
 * stores to several words: a lost update shows, where atomics would hide it.
 * The order of locks is checked where the debug build checks it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lock/rcuwait.h"
#include "lock/rwsem.h"
#include "lock/seqcount.h"

#define NR_TASKS 4
#define NR_WORDS 5

static struct trace *trace;
static struct machine *machine;
static struct shared {
	spinlock_t lock;
	spinlock_t other __cacheline_aligned;
	struct rw_semaphore sem, sem2;
	seqcount_t seq __cacheline_aligned;
	struct rcuwait wait;
	int writers, posted, taken;
	long word[NR_WORDS]; /* plain under the lock; by READ_ONCE and WRITE_ONCE under seq */
	int turns;
} * shared;

/* How much a test does: smoke, full or long. */
static unsigned int times(void)
{
	const char *size = getenv("MMSIM_TEST_SIZE");

	if (size && !strcmp(size, "full"))
		return 10;
	return size && !strcmp(size, "long") ? 100 : 1;
}

static struct machine_config config_of(enum machine_kind kind, uint64_t seed)
{
	return (struct machine_config){.kind = kind,
				       .seed = seed,
				       .nr_cpus = 4,
				       .hz = 250,
				       .spurious_1_in = seed % 2 ? 16 : 0,
				       .max_steps = 10000000,
				       .hang_ns = 600 * NSEC_PER_SEC};
}

static void make_machine(const struct machine_config *config)
{
	struct machine_config hooked = *config;
	struct machine_chunk *chunk;

	trace = trace_create(true);
	assert_non_null(trace);
	hooked.hooks = trace_hooks(trace);
	assert_int_equal(machine_create(&hooked, &machine), 0);
	trace_set_machine(trace, machine);
	chunk = machine_chunk_alloc(machine, "shared", sizeof(*shared));
	assert_non_null(chunk);
	shared = (struct shared *)((char *)chunk + chunk->first_offset);
	assert_int_equal(init_rwsem(&shared->sem, LOCK_user, rwsem_policy_find("linux")), 0);
	assert_int_equal(init_rwsem(&shared->sem2, LOCK_user, rwsem_policy_find("linux")), 0);
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

static void run(uint64_t seed)
{
	int err = machine_run(machine);

	if (err)
		fail_msg("seed %d: %d: %s", (int)seed, err, machine_failure(machine));
}

static struct site_stats site_sum(enum lock_site site)
{
	struct site_stats sum;

	trace_site_sum(trace, LOCK_user, site, &sum);
	return sum;
}

static uint64_t acquired(enum lock_site site)
{
	return site_sum(site).acquired[LOCK_WRITE];
}

/* ---- spinlock ---- */

/* n + 1 to every word; somebody else inside would make them differ. */
static void store_next(void)
{
	long next = shared->word[0] + 1;

	for (int i = 0; i < NR_WORDS; i++) {
		shared->word[i] = next;
		cpu_relax();
	}
	for (int i = 0; i < NR_WORDS; i++)
		BUG_ON(shared->word[i] != next);
}

static int lock_and_store(void *arg)
{
	int turns = *(int *)arg;

	for (int i = 0; i < turns; i++) {
		if (i % 3 || !spin_trylock(&shared->lock, LOCK_user, SITE_mmap))
			spin_lock(&shared->lock, LOCK_user, SITE_user);
		store_next();
		spin_unlock(&shared->lock);
	}
	return 0;
}

static void check_spinlock(enum machine_kind kind, uint64_t seed, int turns)
{
	struct machine_config config = config_of(kind, seed);
	struct site_stats user, mmap;

	make_machine(&config);
	for (int i = 0; i < NR_TASKS; i++)
		start("locker", lock_and_store, &turns);
	run(seed);
	for (int i = 0; i < NR_WORDS; i++)
		assert_int_equal(shared->word[i], NR_TASKS * turns);
	user = site_sum(SITE_user);
	mmap = site_sum(SITE_mmap);
	assert_int_equal(acquired(SITE_user) + acquired(SITE_mmap), NR_TASKS * turns);
	assert_int_equal(mmap.contended[LOCK_WRITE], 0);
	assert_int_equal(user.contended[LOCK_WRITE], user.wait_ns.count);
	end_machine();
}

static void spinlock_excludes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200 * times(); seed++)
		check_spinlock(MACHINE_STEP, seed, 8);
	check_spinlock(MACHINE_HOST, 1, 2000 * (int)times());
}

static int try_locked(void *arg)
{
	int *result = arg;

	*result = spin_trylock(&shared->lock, LOCK_user, SITE_user);
	return 0;
}

static void trylock_of_a_held_lock(void **state)
{
	struct machine_config config = config_of(MACHINE_STEP, 1);
	int result = -1;

	(void)state;
	make_machine(&config);
	spin_lock(&shared->lock, LOCK_user, SITE_user);
	start("trier", try_locked, &result);
	run(1);
	assert_int_equal(result, 0);
	spin_unlock(&shared->lock);
	start("trier", try_locked, &result);
	run(1);
	assert_int_equal(result, 1);
	end_machine();
}

/* ---- seqcount ---- */

static int write_words(void *arg)
{
	int turns = *(int *)arg;

	for (int i = 0; i < turns; i++) {
		spin_lock(&shared->lock, LOCK_user, SITE_user);
		write_seqcount_begin(&shared->seq);
		for (int j = 0; j < NR_WORDS; j++)
			WRITE_ONCE(shared->word[j], shared->word[j] + 1 + j);
		write_seqcount_end(&shared->seq);
		spin_unlock(&shared->lock);
	}
	atomic_dec((atomic_t *)&shared->writers);
	return 0;
}

/* One try: 1 when what was read is of one moment and shows it, 0 to try again. */
static int read_words(void)
{
	long seen[NR_WORDS];
	unsigned int sequence;

	if (!raw_seqcount_try_begin(&shared->seq, &sequence))
		return 0;
	for (int j = 0; j < NR_WORDS; j++)
		seen[j] = READ_ONCE(shared->word[j]);
	if (read_seqcount_retry(&shared->seq, sequence))
		return 0;
	for (int j = 0; j < NR_WORDS; j++)
		BUG_ON(seen[j] != seen[0] * (1 + j));
	BUG_ON(seen[0] != sequence / 2);
	return 1;
}

static int read_while_written(void *arg)
{
	int *good = arg;

	while (READ_ONCE(shared->writers))
		*good += read_words();
	/* Nobody writes any more: it must succeed. */
	BUG_ON(!read_words());
	return 0;
}

static int check_seqcount(enum machine_kind kind, uint64_t seed, int turns)
{
	struct machine_config config = config_of(kind, seed);
	int good[2] = {0, 0};

	make_machine(&config);
	shared->writers = 2;
	start("reader", read_while_written, &good[0]);
	start("reader", read_while_written, &good[1]);
	start("writer", write_words, &turns);
	start("writer", write_words, &turns);
	run(seed);
	assert_int_equal(shared->seq.sequence, 4 * turns);
	for (int j = 0; j < NR_WORDS; j++)
		assert_int_equal(shared->word[j], 2l * turns * (1 + j));
	end_machine();
	return good[0] + good[1];
}

static void readers_see_no_torn_words(void **state)
{
	int good = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200 * times(); seed++)
		good += check_seqcount(MACHINE_STEP, seed, 8);
	/* Reads must have succeeded while writers were about, else this showed nothing. */
	assert_true(good > 200);
	check_seqcount(MACHINE_HOST, 1, 2000 * (int)times());
}

static void seqcount_says_what_happened(void **state)
{
	struct machine_config config = config_of(MACHINE_STEP, 1);
	unsigned int before, inside;

	(void)state;
	make_machine(&config);
	assert_true(raw_seqcount_try_begin(&shared->seq, &before));
	assert_false(read_seqcount_retry(&shared->seq, before));
	write_seqcount_begin(&shared->seq);
	assert_false(raw_seqcount_try_begin(&shared->seq, &inside));
	assert_int_equal(inside % 2, 1);
	assert_true(read_seqcount_retry(&shared->seq, before));
	write_seqcount_end(&shared->seq);
	assert_true(read_seqcount_retry(&shared->seq, before));
	assert_true(raw_seqcount_try_begin(&shared->seq, &inside));
	assert_int_equal(inside, before + 2);
	end_machine();
}

/* ---- rcuwait ---- */

/* Fully ordered, as the condition must be changed before the wake-up. */
static void post(void)
{
	atomic_fetch_add(1, (atomic_t *)&shared->posted);
	rcuwait_wake_up(&shared->wait);
}

static int wait_for_posts(void *arg)
{
	int turns = *(int *)arg;

	for (int i = 1; i <= turns; i++) {
		rcuwait_wait_event(&shared->wait, READ_ONCE(shared->posted) >= i);
		BUG_ON(READ_ONCE(shared->wait.task));
		smp_store_release(&shared->taken, i);
	}
	return 0;
}

/* The next post comes only after the one before was taken: none helps another. */
static int post_one_by_one(void *arg)
{
	int turns = *(int *)arg;

	for (int i = 1; i <= turns; i++) {
		post();
		while (smp_load_acquire(&shared->taken) < i)
			cpu_relax();
	}
	return 0;
}

static int post_all(void *arg)
{
	for (int i = *(int *)arg; i > 0; i--)
		post();
	return 0;
}

static void check_rcuwait(enum machine_kind kind, uint64_t seed, int turns)
{
	struct machine_config config = config_of(kind, seed);

	/* A spurious wake-up would hide a lost one. */
	config.spurious_1_in = 0;
	make_machine(&config);
	rcuwait_init(&shared->wait);
	start("waiter", wait_for_posts, &turns);
	start("poster", seed % 2 ? post_one_by_one : post_all, &turns);
	run(seed);
	assert_int_equal(shared->taken, turns);
	assert_null(shared->wait.task);
	end_machine();
}

static void no_wakeup_is_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 500 * times(); seed++)
		check_rcuwait(MACHINE_STEP, seed, 6);
	for (uint64_t seed = 1; seed <= 4; seed++)
		check_rcuwait(MACHINE_HOST, seed, 1000 * (int)times());
}

/* ---- lock order ---- */

static int take_in_wrong_order(void *arg)
{
	(void)arg;
	spin_lock(&shared->lock, LOCK_kmem_lock, SITE_kmem);
	spin_lock(&shared->other, LOCK_pte_lock, SITE_zap);
	return 0;
}

static int read_in_wrong_order(void *arg)
{
	(void)arg;
	spin_lock(&shared->lock, LOCK_pte_lock, SITE_zap);
	down_read(&shared->sem, SITE_fault);
	return 0;
}

static int take_twice(void *arg)
{
	(void)arg;
	spin_lock(&shared->lock, LOCK_pte_lock, SITE_zap);
	spin_lock(&shared->lock, LOCK_pte_lock, SITE_zap);
	return 0;
}

static int read_twice(void *arg)
{
	(void)arg;
	down_read(&shared->sem, SITE_fault);
	down_read(&shared->sem, SITE_fault);
	return 0;
}

static int write_what_is_read(void *arg)
{
	(void)arg;
	down_read(&shared->sem, SITE_fault);
	return down_write_killable(&shared->sem, SITE_mmap);
}

static spinlock_t *lock_in(struct machine_chunk *chunk, unsigned int slot)
{
	return (spinlock_t *)((char *)chunk + chunk->first_offset + slot * chunk->slot_size);
}

static int take_by_falling_number(void *arg)
{
	spin_lock(lock_in(arg, 2), LOCK_pte_lock, SITE_zap);
	spin_lock(lock_in(arg, 1), LOCK_pte_lock, SITE_zap);
	return 0;
}

/* Outer to inner, by rising number, and whatever the caller answers for. */
static int take_in_order(void *arg)
{
	down_read(&shared->sem, SITE_fault);
	spin_lock(lock_in(arg, 1), LOCK_pte_lock, SITE_zap);
	spin_lock(lock_in(arg, 2), LOCK_pte_lock, SITE_zap);
	spin_lock_nested(lock_in(arg, 0), LOCK_pte_lock, SITE_zap);
	spin_lock(&shared->other, LOCK_kmem_lock, SITE_kmem);
	/* To try is not to block: no order binds it. */
	BUG_ON(!down_write_trylock(&shared->sem2, SITE_mmap));
	up_write(&shared->sem2);
	up_read(&shared->sem);
	spin_unlock(lock_in(arg, 1));
	spin_unlock(lock_in(arg, 0));
	spin_unlock(lock_in(arg, 2));
	spin_unlock(&shared->other);
	return 0;
}

static void check_order(int (*fn)(void *arg), const char *text)
{
	struct machine_config config = config_of(MACHINE_STEP, 1);
	struct machine_chunk *chunk;

	make_machine(&config);
	chunk = machine_chunk_alloc(machine, "lock", 64);
	assert_non_null(chunk);
	start("careless", fn, chunk);
	assert_int_equal(machine_run(machine), text ? -EFAULT : 0);
	if (text && !strstr(machine_failure(machine), text))
		fail_msg("\"%s\" is not in: %s", text, machine_failure(machine));
	end_machine();
}

static void right_order_is_let_pass(void **state)
{
	(void)state;
	check_order(take_in_order, NULL);
}

static void wrong_order_is_reported(void **state)
{
	(void)state;
#ifdef MMSIM_DEBUG
	check_order(take_in_wrong_order, "lock order: kmem_lock (kmem) held, pte_lock wanted");
	check_order(read_in_wrong_order, "lock order: pte_lock (zap) held, user wanted");
	check_order(take_by_falling_number, "lock order: two of pte_lock, not by number");
	check_order(take_twice, "pte_lock taken twice");
	check_order(read_twice, "user taken twice");
	check_order(write_what_is_read, "user taken twice");
#else
	(void)take_in_wrong_order, (void)read_in_wrong_order, (void)take_by_falling_number;
	(void)take_twice, (void)read_twice, (void)write_what_is_read;
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spinlock_excludes),
		cmocka_unit_test(trylock_of_a_held_lock),
		cmocka_unit_test(readers_see_no_torn_words),
		cmocka_unit_test(seqcount_says_what_happened),
		cmocka_unit_test(no_wakeup_is_lost),
		cmocka_unit_test(right_order_is_let_pass),
		cmocka_unit_test(wrong_order_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
