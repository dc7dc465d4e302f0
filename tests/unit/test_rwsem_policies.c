/* SPDX-License-Identifier: MIT */
/*
 * Every row of the rwsem policy table through one body: alone inside, nobody
 * forgotten, nothing left at rest, with kills, spurious wake-ups, downgrades and
 * trylocks. Then what each policy changes against "linux".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/rwsem_body.h"
#include "support/rwsem_play.h"

#include <cmocka.h>

/* Runs a policy: seeds on the step machine, operations a task on the host. */
static const struct size {
	const char *name;
	uint64_t seeds;
	unsigned int operations;
} sizes[] = {{"smoke", 200, 2000}, {"full", 2000, 20000}, {"long", 20000, 200000}};

static const struct size *size(void)
{
	const char *name = getenv("MMSIM_TEST_SIZE");

	for (size_t i = 0; name && i < ARRAY_SIZE(sizes); i++)
		if (!strcmp(name, sizes[i].name))
			return &sizes[i];
	return &sizes[0];
}

/* Sums over the seeds of one policy. */
static void run_seeds(const char *policy, struct rwsem_verdict *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint64_t seed = 1; seed <= size()->seeds; seed++) {
		struct rwsem_body body = {.machine = "step",
					  .policy = policy,
					  .seed = seed,
					  .tasks = 5,
					  .operations = 16,
					  .kills = 2};
		struct rwsem_verdict v;

		rwsem_body_run(&body, &v);
		if (!v.good)
			fail_msg("rwsem=%s seed=%llu: %s", policy, (unsigned long long)seed, v.why);
		sum->spun |= v.spun;
		sum->writes += v.writes;
		sum->interrupted += v.interrupted;
		sum->reader_steal += v.reader_steal;
		sum->writer_steal += v.writer_steal;
		sum->handoff += v.handoff;
		sum->reader_sleep += v.reader_sleep;
		sum->writer_sleep += v.writer_sleep;
	}
}

static void all_policies_on_step(void **state)
{
	const struct rwsem_policy *policy;
	unsigned int ran = 0;

	(void)state;
	for (unsigned int i = 0; (policy = rwsem_policy_at(i)); i++) {
		struct rwsem_verdict sum;

		if (policy->host_only)
			continue;
		run_seeds(policy->name, &sum);
		ran++;
		/* The seeds reached what they are to check. */
		assert_true(sum.writes && sum.interrupted && sum.handoff);
		assert_true(sum.reader_sleep && sum.writer_sleep);
		/* The policy, and nothing else, decides who may steal and spin. */
		assert_int_equal(sum.reader_steal != 0, policy->reader_steal);
		assert_int_equal(sum.writer_steal != 0,
				 policy->writer_steal && policy->writer_spin);
		assert_int_equal(sum.spun, policy->writer_spin);
	}
	assert_true(ran >= 4);
}

static void all_policies_on_host(void **state)
{
	const struct rwsem_policy *policy;

	(void)state;
	for (unsigned int i = 0; (policy = rwsem_policy_at(i)); i++) {
		struct rwsem_body body = {.machine = "host",
					  .policy = policy->name,
					  .seed = 1,
					  .tasks = 4,
					  .operations = size()->operations};
		struct rwsem_verdict v;

		rwsem_body_run(&body, &v);
		if (!v.good)
			fail_msg("rwsem=%s on the host: %s", policy->name, v.why);
		assert_true(v.writes > 0);
		if (!policy->reader_steal)
			assert_int_equal(v.reader_steal, 0);
		if (!policy->writer_steal || !policy->writer_spin)
			assert_int_equal(v.writer_steal, 0);
		if (!policy->writer_spin)
			assert_false(v.spun);
	}
}

/* ---- what a policy changes ---- */

static void no_steal_reader_queues_at_a_free_lock(void **state)
{
	static const struct play play = {
		.policy = "no_steal",
		.schedule = GO(A) "B~" GO(A) "C~" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "ru"}, {'O', "ss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cr Cu ", "free+w - Bw,Cr -", "W+w B Cr -");
	assert_int_equal(o.reader_steal, 0);
	assert_int_equal(o.reader_sleep, 1);
}

/* C spins without end while the lock is free and B, the woken head, has not run. */
static void no_steal_spinner_waits_for_the_head(void **state)
{
	static const struct play play = {
		.policy = "no_steal",
		.schedule = GO(A) "B~" GO(A) "C*40" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "wu"}, {'O', "ss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cw Cu ", "free+w - Bw C", "W B - C");
	assert_int_equal(o.writer_steal, 0);
}

/*
 * Nobody passes queued waiters: neither does a writer that comes to the queue
 * while the lock is free and its head, woken, has not run yet. C is stopped when
 * it has decided to queue, A releases, C goes on.
 */
static void no_steal_newly_queued_writer_waits_for_the_head(void **state)
{
	static const struct play play = {
		.policy = "no_steal",
		.schedule = GO(A) "B~ C*4" LOOK GO(A) "C~" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "w.u"}, {'O', "sss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cw Cu ", "W+w A Bw -", "free+w - Bw,Cw -", "W+w B Cw -");
}

static void no_spin_writer_queues_at_once(void **state)
{
	static const struct play behind_writer = {
		.policy = "no_spin",
		.schedule = "A~ B~" LOOK LOOK,
		.tasks = {{'A', "w,u"}, {'B', "wu"}, {'O', "soA."}},
	};
	static const struct play behind_reader = {
		.policy = "no_spin",
		.schedule = GO(A) "B~" LOOK,
		.tasks = {{'A', "r.u"}, {'B', "wu"}, {'O', "s"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&behind_writer, &o, "Aw Au Bw Bu ", "W+w A Bw -");
	assert_int_equal(o.writer_sleep, 1);
	PLAY_CHECK(&behind_reader, &o, "Ar Au Bw Bu ", "R1+w A/r Bw -");
}

static void wake_first_leaves_readers_behind_a_writer(void **state)
{
	static const struct play release = {
		.policy = "wake_first",
		.schedule = GO(A) "B~ C~ D~ E~" GO(A) LOOK "B~ C~" LOOK,
		.tasks = {{'A', "w.u"},
			  {'B', "r.u"},
			  {'C', "r.u"},
			  {'D', "wu"},
			  {'E', "ru"},
			  {'O', "ss"}},
	};
	static const struct play downgrade = {
		.policy = "wake_first",
		.schedule = GO(A) "B~ C~ D~" GO(A) LOOK "B~" LOOK,
		.tasks = {{'A', "w.d.u"}, {'B', "r.u"}, {'C', "wu"}, {'D', "ru"}, {'O', "ss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&release, &o, "Aw Au Br Cr Bu Cu Dw Du Er Eu ", "R2+w B/r Dw,Er -",
		   "R2+w B/r Dw,Er -");
	PLAY_CHECK(&downgrade, &o, "Aw Ad Br Au Bu Cw Cu Dr Du ", "R2+w A/r Cw,Dr -",
		   "R2+w A/r Cw,Dr -");
}

static void host_only_policies_are_refused_on_step(void **state)
{
	const struct rwsem_policy *pthread = rwsem_policy_find("pthread");
	struct mmsim_config config;
	struct rw_semaphore sem;
	struct mmsim *sim;
	char error[256];

	(void)state;
	assert_true(pthread && pthread->host_only);
	mmsim_config_init(&config);
	strcpy(config.machine, "step");
	strcpy(config.rwsem, "pthread");
	assert_int_equal(mmsim_create(&config, &sim, error), -EOPNOTSUPP);
	assert_non_null(strstr(error, "pthread"));
	/* Of one class only, too. */
	config.rwsem[0] = '\0';
	strcpy(config.rwsem_class[LOCK_vma_lock], "pthread");
	assert_int_equal(mmsim_create(&config, &sim, error), -EOPNOTSUPP);
	config.rwsem_class[LOCK_vma_lock][0] = '\0';
	assert_int_equal(mmsim_create(&config, &sim, error), 0);
	assert_int_equal(init_rwsem(&sem, LOCK_user, pthread), -EOPNOTSUPP);
	assert_int_equal(mmsim_destroy(sim), 0);
}

static void the_table_ends(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (; rwsem_policy_at(n); n++)
		assert_ptr_equal(rwsem_policy_find(rwsem_policy_at(n)->name), rwsem_policy_at(n));
	assert_true(n >= 5);
	assert_null(rwsem_policy_find("no such policy"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_ends),
		cmocka_unit_test(all_policies_on_step),
		cmocka_unit_test(all_policies_on_host),
		cmocka_unit_test(no_steal_reader_queues_at_a_free_lock),
		cmocka_unit_test(no_steal_spinner_waits_for_the_head),
		cmocka_unit_test(no_steal_newly_queued_writer_waits_for_the_head),
		cmocka_unit_test(no_spin_writer_queues_at_once),
		cmocka_unit_test(wake_first_leaves_readers_behind_a_writer),
		cmocka_unit_test(host_only_policies_are_refused_on_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
