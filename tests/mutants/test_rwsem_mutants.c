/* SPDX-License-Identifier: MIT */
/*
 * Seeded faults of the rwsem, each switched on alone and caught: by the body of
 * the policies at a named seed, or by a written schedule where what is wrong is
 * an order and not a broken lock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "support/mutant_seed.h"
#include "support/rwsem_body.h"
#include "support/rwsem_play.h"

#include <cmocka.h>

/* ---- by seeds ---- */

static bool run_body(uint64_t seed, const void *arg, char *why)
{
	const struct rwsem_body *like = arg;
	struct rwsem_body body = *like;
	struct rwsem_verdict v;

	body.seed = seed;
	rwsem_body_run(&body, &v);
	snprintf(why, MUTANT_WHY, "%s", v.why);
	return v.good;
}

static const struct rwsem_body linux_body = {.machine = "step",
					     .policy = "linux",
					     .tasks = 5,
					     .operations = 16,
					     .kills = 2};

static const struct rwsem_body crowded_body = {.machine = "step",
					       .policy = "linux",
					       .tasks = 8,
					       .operations = 32};

/* Hang: everybody is queued, nobody inside. */
static void release_no_wake(void **state)
{
	static const struct mutant_seed m = {MUTANT_RWSEM_RELEASE_NO_WAKE, 3, "nothing can run"};

	(void)state;
	mutant_check(&m, run_body, &linux_body);
}

/* WAITERS of a queue that is empty: the count is not 0 when nobody is left. */
static void killed_leaves_bias(void **state)
{
	static const struct mutant_seed m = {MUTANT_RWSEM_KILLED_LEAVES_BIAS, 18, "at rest"};

	(void)state;
	mutant_check(&m, run_body, &linux_body);
}

/*
 * A reader and a writer inside together: the reader sees the words differ. It
 * takes a crowd, and a writer that spins: with rwsem=no_spin none of 1,500 seeds
 * shows it.
 */
static void wake_one_pass(void **state)
{
	static const struct mutant_seed m = {MUTANT_RWSEM_WAKE_ONE_PASS, 61, "word"};

	(void)state;
	mutant_check(&m, run_body, &crowded_body);
}

/* ---- by a written schedule ---- */

static void play_with(const struct play *play, enum mmsim_mutant mutant, struct outcome *o)
{
	mmsim_mutant_on = mutant;
	play_run(play, o);
	mmsim_mutant_on = NR_MUTANTS;
}

/*
 * A, waking B and C, is stopped when both are told and only B is counted (10
 * steps). Both enter, C leaves, the count says that nobody is inside, D steals.
 *
 * Expected: B and C are still asleep, D waits.
 * Buggy: D is inside beside B.
 */
static void wake_one_pass_by_schedule(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~ !spurious:A A*10 !spurious:B B~ !spurious:C C~ D~ A~",
		.tasks = {{'A', "w.u"}, {'B', "r.u"}, {'C', "ru"}, {'D', "w.u"}},
	};
	struct outcome o;

	(void)state;
	play_with(&play, MUTANT_RWSEM_WAKE_ONE_PASS, &o);
	assert_true(o.overlaps > 0);
	play_with(&play, NR_MUTANTS, &o);
	assert_int_equal(o.err, 0);
	assert_int_equal(o.overlaps, 0);
	assert_int_equal(o.count, 0);
}

/*
 * Expected: the downgrade lets B in beside A, who waits for that.
 * Buggy: B stays queued until A has left.
 */
static void downgrade_forgets_readers(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" GO(A) LOOK "B~",
		.tasks = {{'A', "w.d.u"}, {'B', "r.u"}, {'O', "s"}},
	};
	struct outcome o;

	(void)state;
	play_with(&play, MUTANT_RWSEM_DOWNGRADE_FORGETS_READERS, &o);
	assert_string_equal(o.shots[0], "R1+w A/r Br -");
	assert_string_equal(o.log, "Aw Ad Au Br Bu ");
	play_with(&play, NR_MUTANTS, &o);
	assert_string_equal(o.shots[0], "R2 A/r - -");
	assert_string_equal(o.log, "Aw Ad Br Au Bu ");
}

/* The first to enter after B asked for hand-off is B, and nobody counts a steal. */
static bool handed_off(const struct outcome *o)
{
	const char *released = strstr(o->log, "Au ");

	return !o->err && o->handoff == 1 && !o->reader_steal && !o->writer_steal && released &&
	       !strncmp(released, "Au Bw ", 6);
}

/*
 * B has waited for more than 4 ms and asked. A releases; before B runs, a reader
 * and a writer come by.
 *
 * Expected: B is next.
 * Buggy: whoever comes by.
 */
static void steal_ignores_handoff(void **state)
{
	static const struct play reader = {
		.schedule = GO(A) "B~" TICK2 "!spurious:B B~" GO(A) "C~ B~",
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "r.u"}},
	};
	static const struct play writer = {
		.schedule = GO(A) "B~" TICK2 "!spurious:B B~" GO(A) "C*40 B~",
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "w.u"}},
	};
	const struct play *const plays[] = {&reader, &writer};
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plays); i++) {
		play_with(plays[i], MUTANT_RWSEM_STEAL_IGNORES_HANDOFF, &o);
		assert_false(handed_off(&o));
		assert_non_null(strstr(o.log, i ? "Au Cw " : "Au Cr "));
		play_with(plays[i], NR_MUTANTS, &o);
		assert_true(handed_off(&o));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_no_wake),
		cmocka_unit_test(killed_leaves_bias),
		cmocka_unit_test(wake_one_pass),
		cmocka_unit_test(wake_one_pass_by_schedule),
		cmocka_unit_test(downgrade_forgets_readers),
		cmocka_unit_test(steal_ignores_handoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
