/* SPDX-License-Identifier: MIT */
/*
 * The rwsem's queue: hand-off after 4 ms and whose right it is, downgrade, kills
 * of every place in the queue, spurious wake-ups, and more readers than one
 * release may wake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "support/rwsem_play.h"

#include <cmocka.h>

#define LOOKS2                                                                                     \
	{                                                                                          \
		'O', "ss"                                                                          \
	}
#define LOOKS3                                                                                     \
	{                                                                                          \
		'O', "sss"                                                                         \
	}

/* ---- hand-off ---- */

/* 4 ms is one jiffy here, and over is more than one: after one tick nothing happens. */
static void no_handoff_before_time(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ !tick !spurious:B B~" LOOK "!tick !spurious:B B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "wu"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu ", "W+w A Bw -", "W+w+h A Bw* -");
	assert_int_equal(o.handoff, 1);
}

/* Only a waiter that looks asks: time alone sets no bit. */
static void handoff_is_asked_by_a_woken_waiter(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" TICK2 LOOK GO(A) "C~" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "wu"}, {'C', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Cw Cu Bw Bu ", "W+w A Bw -", "W+w C Bw -", "W+w+h C Bw* -");
	assert_int_equal(o.writer_steal, 1);
	assert_int_equal(o.handoff, 1);
}

/* Whoever asks, the right goes to the first; a queued writer that is not must wait too. */
static void handoff_goes_to_the_first(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~" TICK2 "!spurious:C C~" LOOK GO(A) "!spurious:C C~" LOOK
									    "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "wu"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cw Cu ", "W+w+h A Bw*,Cw -", "free+w+h - Bw*,Cw -",
		   "W+w B Cw -");
	assert_int_equal(o.handoff, 1);
}

/* Without HANDOFF the same writer, woken early, overtakes. */
static void queued_writer_overtakes_without_handoff(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~" GO(A) "!spurious:C C~" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "wu"}, {'C', "w.u"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Cw Cu Bw Bu ", "W+w C Bw -", "W+w C Bw -");
}

/* The taker of the hand-off clears it, and WAITERS when it was the only one. */
static void handoff_ends_with_its_taker(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" TICK2 "!spurious:B B~" LOOK GO(A) "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu ", "W+w+h A Bw* -", "W B - -");
}

/* A head reader that finds the lock stolen asks as well, if its time is over. */
static void head_reader_asks_for_handoff(void **state)
{
	/* A is stopped between giving the lock up and waking: 3 steps. */
	static const struct play in_time = {
		.schedule = GO(A) "B~ !spurious:A A*3 C~ A~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "ru"}, {'C', "w.u"}, {'O', "s"}},
	};
	static const struct play late = {
		.schedule = GO(A) "B~" TICK2 "!spurious:A A*3 C~ A~" LOOK GO(C) LOOK,
		.tasks = {{'A', "w.u"}, {'B', "r.u"}, {'C', "w.u"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&in_time, &o, "Aw Au Cw Cu Br Bu ", "W+w C Br -");
	assert_int_equal(o.handoff, 0);
	/* Granting it clears the bit with the last waiter. */
	PLAY_CHECK(&late, &o, "Aw Au Cw Cu Br Bu ", "W+w+h C Br* -", "R1 B/r - -");
	assert_int_equal(o.handoff, 1);
	assert_int_equal(o.writer_steal, 1);
}

/* HANDOFF set, readers woken, a writer left: the bit goes, WAITERS stays. */
static void waking_readers_clears_handoff(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ D~" TICK2 "!spurious:D D~" LOOK GO(A) LOOK,
		.tasks = {{'A', "w.u"}, {'B', "r.u"}, {'D', "wu"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Br Bu Dw Du ", "W+w+h A Br*,Dw -", "R1+w B/r Dw -");
}

/* ---- downgrade ---- */

static void downgrade_admits_queued_readers(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~ D~" LOOK GO(A) LOOK "B~ D~" LOOK,
		.tasks = {{'A', "w.d.u"}, {'B', "r.u"}, {'C', "wu"}, {'D', "r.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Ad Br Dr Au Bu Du Cw Cu ", "W+w A Br,Cw,Dr -", "R3+w A/r Cw -",
		   "R3+w A/r Cw -");
}

static void downgrade_behind_a_queued_writer_admits_none(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~" GO(A) LOOK "D~" LOOK "B~ C~ D~" LOOK,
		.tasks = {{'A', "w.d.u"}, {'B', "wu"}, {'C', "ru"}, {'D', "ru"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Ad Au Bw Bu Cr Cu Dr Du ", "R1+w A/r Bw,Cr -",
		   "R1+w A/r Bw,Cr,Dr -", "R1+w A/r Bw,Cr,Dr -");
	assert_int_equal(o.reader_steal, 0);
}

static void downgrade_alone(void **state)
{
	static const struct play play = {
		.schedule = GO(A) GO(A) LOOK "B~" LOOK,
		.tasks = {{'A', "w.d.u"}, {'B', "r.u"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Ad Br Au Bu ", "R1 A/r - -", "R2 B/r - -");
}

/* ---- kills ---- */

/* The only waiter: both flags go with it. */
static void kill_the_only_waiter(void **state)
{
	static const struct play reader = {
		.schedule = GO(A) "B~" LOOK "!kill:B B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "Ru"}, LOOKS2},
	};
	static const struct play writer = {
		.schedule = GO(A) "B~" TICK2 "!spurious:B B~" LOOK "!kill:B B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "Wu"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&reader, &o, "Aw B! Au ", "W+w A Br -", "W A - -");
	PLAY_CHECK(&writer, &o, "Aw B! Au ", "W+w+h A Bw* -", "W A - -");
}

/* A killed head writer was all that kept the readers behind it out. */
static void kill_the_head_writer_admits_readers(void **state)
{
	static const struct play play = {
		.policy = "no_spin",
		.schedule = GO(A) "B~ C~ D~" LOOK "!kill:B B~" LOOK "C~ D~" LOOK,
		.tasks = {{'A', "r.u"}, {'B', "Wu"}, {'C', "r.u"}, {'D', "r.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar B! Cr Dr Au Cu Du ", "R1+w A/r Bw,Cr,Dr -", "R3 C/r - -",
		   "R3 C/r - -");
}

/* The next writer is woken, tries, and sleeps again, the lock being held. */
static void kill_the_head_before_a_writer(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~" LOOK "!kill:B B~" LOOK "C~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "Ru"}, {'C', "wu"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw B! Au Cw Cu ", "W+w A Br,Cw -", "W+w A Cw -", "W+w A Cw -");
}

/* Killed after the release that woke it: the wake-up must not be lost with it. */
static void kill_the_woken_head_passes_the_wake_on(void **state)
{
	static const struct play play = {
		.schedule =
			GO(A) "B~ C~" TICK2 "!spurious:C C~" GO(A) "D*40" LOOK "!kill:B B~ C~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "Wu"}, {'C', "w.u"}, {'D', "T"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	/* The lock is free when B looks: it gets it, killed or not. */
	PLAY_CHECK(&play, &o, "Aw Au D! BW Bu Cw Cu ", "free+w+h - Bw*,Cw -", "W C - -");
}

static void kill_the_middle(void **state)
{
	static const struct play writer = {
		.schedule = GO(A) "B~ C~ D~" LOOK "!kill:C C~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "wu"}, {'C', "Wu"}, {'D', "wu"}, LOOKS2},
	};
	static const struct play reader = {
		.schedule = GO(A) "B~ C~ D~" LOOK "!kill:C C~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "wu"}, {'C', "Ru"}, {'D', "ru"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&writer, &o, "Aw C! Au Bw Bu Dw Du ", "W+w A Bw,Cw,Dw -", "W+w A Bw,Dw -");
	PLAY_CHECK(&reader, &o, "Aw C! Au Bw Bu Dr Du ", "W+w A Bw,Cr,Dr -", "W+w A Bw,Dr -");
}

/* The head's hand-off dies with the head, and the next may ask again later. */
static void kill_the_head_with_handoff(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~" TICK2 "!spurious:B B~" LOOK
				  "!kill:B B~ C~" LOOK GO(A) "C~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "Wu"}, {'C', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	/* HANDOFF keeps thieves out for C, though C has not asked. */
	PLAY_CHECK(&play, &o, "Aw B! Au Cw Cu ", "W+w+h A Bw*,Cw -", "W+w+h A Cw -", "W C - -");
}

static void kill_after_grant_is_success(void **state)
{
	static const struct play before_it_ran = {
		.schedule = GO(A) "B~" GO(A) LOOK "!kill:B B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "R.u"}, LOOKS2},
	};
	/* B, killed, has seen itself not granted (2 steps) when A grants. */
	static const struct play between_its_looks = {
		.schedule = GO(A) "B~ !kill:B B*2" LOOK GO(A) "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "R.u"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&before_it_ran, &o, "Aw Au BR Bu ", "R1 B/r - -", "R1 B/r - -");
	PLAY_CHECK(&between_its_looks, &o, "Aw Au BR Bu ", "W+w A Br -", "R1 B/r - -");
}

/* A pending kill hinders nobody who need not wait. */
static void killed_task_takes_a_free_lock(void **state)
{
	static const struct play play = {
		.schedule = "B~ !kill:B !spurious:B B~" LOOK,
		.tasks = {{'B', ".Ru.Wu"}, {'O', "s"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "BR Bu BW Bu ", "free B/r - -");
}

/* ---- spurious wake-ups ---- */

static void spurious_wakeups_change_nothing(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~ D~ E~" LOOK
				  "!spurious:E E~ !spurious:D D~ !spurious:C C~ !spurious:B B~"
				  "!spurious:B B~ !spurious:C C~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "ru"}, {'C', "Wu"}, {'D', "Ru"}, {'E', "wu"}, LOOKS2},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Br Bu DR Du CW Cu Ew Eu ", "W+w A Br,Cw,Dr,Ew -",
		   "W+w A Br,Cw,Dr,Ew -");
	assert_int_equal(o.reader_sleep, 2);
	assert_int_equal(o.writer_sleep, 2);
}

/* ---- more readers than one call may wake ---- */

#define NR_READERS 300

static struct {
	struct rw_semaphore *sem;
	int inside, inside_most[2]; /* [1]: since the first left */
	bool one_left;
	long after_release, after_newcomer;
	bool newcomer;
} crowd;

static int crowd_reader(void *arg)
{
	(void)arg;
	down_read(crowd.sem, SITE_user);
	crowd.inside++;
	crowd.inside_most[crowd.one_left] = MAX(crowd.inside_most[crowd.one_left], crowd.inside);
	/* Time passes only when nobody can run: all that were let in are in. */
	machine_sleep(NSEC_PER_MSEC);
	crowd.inside--;
	crowd.one_left = true;
	up_read(crowd.sem);
	return 0;
}

static int crowd_newcomer(void *arg)
{
	(void)arg;
	machine_sleep(NSEC_PER_MSEC + NSEC_PER_MSEC / 2);
	if (crowd.newcomer) {
		down_read(crowd.sem, SITE_user);
		crowd.after_newcomer = crowd.sem->count.counter;
		up_read(crowd.sem);
	}
	return 0;
}

static int crowd_writer(void *arg)
{
	(void)arg;
	down_write(crowd.sem, SITE_user);
	machine_sleep(NSEC_PER_MSEC);
	up_write(crowd.sem);
	crowd.after_release = crowd.sem->count.counter;
	return 0;
}

static void run_crowd(bool newcomer)
{
	struct mmsim_config config;
	struct mmsim *sim;

	memset(&crowd, 0, sizeof(crowd));
	crowd.newcomer = newcomer;
	mmsim_config_init(&config);
	strcpy(config.machine, "step");
	strcpy(config.schedule, "writer~");
	config.memory_bytes = 1 << 20;
	assert_int_equal(mmsim_create(&config, &sim, NULL), 0);
	crowd.sem = (struct rw_semaphore *)mmsim_rwsem_create(sim);
	mmsim_task_create(sim, &(struct mmsim_task_attr){.name = "writer"}, crowd_writer, NULL);
	for (int i = 0; i < NR_READERS; i++)
		assert_non_null(mmsim_task_create(sim, &(struct mmsim_task_attr){.name = "reader"},
						  crowd_reader, NULL));
	mmsim_task_create(sim, &(struct mmsim_task_attr){.name = "new"}, crowd_newcomer, NULL);
	assert_int_equal(mmsim_run(sim), 0);
	assert_int_equal(mmsim_counter(sim, "rwsem_reader_sleep"), NR_READERS + newcomer);
	assert_int_equal(crowd.sem->count.counter, 0);
	mmsim_rwsem_destroy(sim, (struct mmsim_rwsem *)crowd.sem);
	assert_int_equal(mmsim_destroy(sim), 0);
}

/* 256 with the release, the other 44 when the last of these has left. */
static void readers_are_woken_in_two_batches(void **state)
{
	(void)state;
	run_crowd(false);
	assert_int_equal(crowd.after_release, 256 * RWSEM_READER_BIAS | RWSEM_FLAG_WAITERS);
	assert_int_equal(crowd.inside_most[0], RWSEM_MAX_READERS_WAKEUP);
	assert_int_equal(crowd.inside_most[1], NR_READERS - RWSEM_MAX_READERS_WAKEUP);
}

/* ... or when a newcomer queues behind them, which wakes the readers at the head. */
static void newcomer_wakes_the_second_batch(void **state)
{
	(void)state;
	run_crowd(true);
	assert_int_equal(crowd.after_release, 256 * RWSEM_READER_BIAS | RWSEM_FLAG_WAITERS);
	assert_int_equal(crowd.inside_most[0], NR_READERS);
	assert_int_equal(crowd.after_newcomer, (NR_READERS + 1) * RWSEM_READER_BIAS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_handoff_before_time),
		cmocka_unit_test(handoff_is_asked_by_a_woken_waiter),
		cmocka_unit_test(handoff_goes_to_the_first),
		cmocka_unit_test(queued_writer_overtakes_without_handoff),
		cmocka_unit_test(handoff_ends_with_its_taker),
		cmocka_unit_test(head_reader_asks_for_handoff),
		cmocka_unit_test(waking_readers_clears_handoff),
		cmocka_unit_test(downgrade_admits_queued_readers),
		cmocka_unit_test(downgrade_behind_a_queued_writer_admits_none),
		cmocka_unit_test(downgrade_alone),
		cmocka_unit_test(kill_the_only_waiter),
		cmocka_unit_test(kill_the_head_writer_admits_readers),
		cmocka_unit_test(kill_the_head_before_a_writer),
		cmocka_unit_test(kill_the_woken_head_passes_the_wake_on),
		cmocka_unit_test(kill_the_middle),
		cmocka_unit_test(kill_the_head_with_handoff),
		cmocka_unit_test(kill_after_grant_is_success),
		cmocka_unit_test(killed_task_takes_a_free_lock),
		cmocka_unit_test(spurious_wakeups_change_nothing),
		cmocka_unit_test(readers_are_woken_in_two_batches),
		cmocka_unit_test(newcomer_wakes_the_second_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
