/* SPDX-License-Identifier: MIT */
/* On the modelled machine nothing but the seed decides, and any machine comes to an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lock/rwsem.h"
#include "machine/timed/profile.h"
#include "support/timed_rig.h"

static struct rw_semaphore *sem;

/* ---- nothing but the seed decides ---- */

#define TASKS 30

static struct task *tasks[TASKS];
static uint64_t hash;
static spinlock_t *spinlock;

static void look(void)
{
	hash = (hash ^ (uint64_t)current->index) * 0x100000001b3ull;
	hash = (hash ^ now_ns()) * 0x100000001b3ull;
	hash = (hash ^ (uint64_t)this_cpu()) * 0x100000001b3ull;
}

struct note {
	struct rcu_head head;
	struct machine_io io;
	struct task *task;
	int pending;
};

static void note_callback(struct rcu_head *rcu)
{
	look();
	quiet_store(container_of(rcu, struct note, head)->pending, 0);
	unpark(container_of(rcu, struct note, head)->task);
}

static void note_completion(struct machine_io *done)
{
	look();
	quiet_store(container_of(done, struct note, io)->pending, 0);
	unpark(container_of(done, struct note, io)->task);
}

static void wait_for_note(struct note *note, bool rcu)
{
	note->pending = 1;
	if (rcu)
		call_rcu(&note->head, note_callback);
	else
		machine_io_submit(&note->io, 0, note_completion);
	while (quiet_load(note->pending))
		park(TASK_UNINTERRUPTIBLE, 0);
}

static void use_locks(struct rng *rng)
{
	if (rng_below(rng, 2)) {
		spin_lock(spinlock, LOCK_user, SITE_user);
		machine_compute(rng_below(rng, 2000));
		look();
		spin_unlock(spinlock);
	} else if (rng_below(rng, 3)) {
		down_read(sem, SITE_user);
		machine_compute(rng_below(rng, 20000));
		look();
		up_read(sem);
	} else {
		down_write(sem, SITE_user);
		machine_work(WORK_page_zero, rng_below(rng, 20));
		look();
		up_write(sem);
	}
}

static void do_something(struct rng *rng, struct note *note)
{
	switch (rng_below(rng, 10)) {
	case 0:
		machine_sleep(rng_below(rng, 300 * USEC));
		break;
	case 1:
		spin_while_equal_long(&rig_lines[32].word[0], READ_ONCE(rig_lines[32].word[0]),
				      now_ns() + rng_below(rng, 20000));
		break;
	case 2:
		fetch_add(&rig_lines[32].word[0], 1);
		unpark(tasks[rng_below(rng, TASKS)]);
		break;
	case 3:
		park(TASK_UNINTERRUPTIBLE, now_ns() + 1 + rng_below(rng, 100 * USEC));
		break;
	case 4:
		wait_for_note(note, !rng_below(rng, 8));
		break;
	case 5:
		machine_kernel_enter(WORK_trap);
		machine_compute(rng_below(rng, 50 * USEC));
		cond_resched();
		machine_kernel_exit();
		break;
	case 6:
		rcu_read_lock();
		machine_compute(rng_below(rng, 10 * USEC));
		rcu_read_unlock();
		break;
	default:
		use_locks(rng);
	}
}

static int act_at_random(void *arg)
{
	struct note note = {.task = current};
	struct rng rng;

	rng_init(&rng, (uint64_t)(uintptr_t)arg, "actor", (uint64_t)current->index);
	for (int i = 0; i < 60; i++) {
		do_something(&rng, &note);
		look();
	}
	return 0;
}

static uint64_t play(const struct rig_config *config)
{
	hash = 0xcbf29ce484222325ull;
	rig_make(config);
	sem = rig_rwsem(0);
	spinlock = (spinlock_t *)&rig_lines[40];
	for (int i = 0; i < TASKS; i++) {
		const char *cpus = i % 5 ? "any" : "0-1";
		void *seed = (void *)(uintptr_t)config->seed;

		tasks[i] = i % 7 ? rig_fair(cpus, i % 40 - 15, act_at_random, seed) :
				   rig_fifo("any", 1 + i / 14, act_at_random, seed);
	}
	rig_run(0);
	rig_end();
	return hash;
}

static void the_same_twice(void **state)
{
	const char *name, *text;

	(void)state;
	for (unsigned int i = 0; profile_builtin(i, &name, &text); i++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct rig_config config = {.profile = name,
						    .changes = seed % 2 ? "preemption=full" :
									  "preemption=none hz=1000",
						    .seed = seed,
						    .traced = true};
			uint64_t first = play(&config);

			assert_true(play(&config) == first);
			config.lines_before = 100;
			assert_true(play(&config) == first);
			config.seed += 100;
			assert_true(play(&config) != first);
		}
}

/* ---- any machine ---- */

/* Half of the costs are 0, the others up to some us. */
static void draw_costs(struct rng *rng, char *text, size_t size)
{
	static const int hz[] = {1, 100, 300, 1000};
	size_t used;

	/* A turn of a waiting loop takes some time, or most steps would be that. */
	snprintf(text, size, "relax=50ns hz=%d preemption=%s slice=%dus bandwidth=%dMB/s",
		 hz[rng_below(rng, 4)], rng_below(rng, 2) ? "full" : "none",
		 1 + (int)rng_below(rng, 5000), 1 + (int)rng_below(rng, 50000));
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		if (i == COST_slice || i == COST_bandwidth || i == COST_relax || rng_below(rng, 2))
			continue;
		used = strlen(text);
		snprintf(text + used, size - used, " %s=%dns", profile_costs[i].name,
			 (int)rng_below(rng, rng_below(rng, 4) ? 100 : 10000));
	}
}

static void any_machine_comes_to_an_end(void **state)
{
	static const char *const clusters[] = {
		RIG_CLUSTER(all, 2, 1024, 0),
		RIG_CLUSTER(little, 1, 30, 0) RIG_CLUSTER(big, 1, 1024, 0),
		RIG_THREADS(a, 4, 0) RIG_THREADS(b, 4, 1),
		RIG_CLUSTER(little, 3, 250, 0) RIG_CLUSTER(big, 1, 999, 0) RIG_THREADS(c, 2, 1),
		RIG_CLUSTER(a, 64, 1024, 0) RIG_CLUSTER(b, 64, 1024, 1),
	};
	char changes[2048];
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "machines", 0);
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rig_config config = {.clusters = clusters[seed % ARRAY_SIZE(clusters)],
					    .changes = changes,
					    .latency = "0 1us 10us 100us 1ms",
					    .channels = 1 + (unsigned int)rng_below(&rng, 4),
					    .seed = seed,
					    .max_steps = 20000000,
					    .traced = seed % 2};

		draw_costs(&rng, changes, sizeof(changes));
		assert_true(play(&config) == play(&config));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_twice),
		cmocka_unit_test(any_machine_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
