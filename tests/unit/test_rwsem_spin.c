/* SPDX-License-Identifier: MIT */
/*
 * Optimistic spinning of writers: on whom, how long, in which order, and how a
 * spinner leaves the queue of spinners. Time is counted in steps of 100 ns.
 */
#include <setjmp.h>
#include <stdarg.h>
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

/* ---- on a writer ---- */

static void spinner_stops_when_the_owner_parks(void **state)
{
	static const struct play play = {
		.schedule = "A~ B~" LOOK LOOK "A~" LOOK "B~" LOOK,
		.tasks = {{'A', "w,.u"}, {'B', "wu"}, {'O', "soA.y30ss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu ", "W A - B", "W A - B", "W+w A Bw -");
	assert_int_equal(o.writer_sleep, 1);
}

/* A running owner is spun on for as long as it takes; nothing limits that. */
static void spinner_outlasts_a_running_owner(void **state)
{
	static const struct play play = {
		.schedule = "A~ B~" LOOK "B~" LOOK "A~ B~" LOOK,
		.tasks = {{'A', "w,u"}, {'B', "w.u"}, {'O', "sy1000soA.s"}},
	};
	struct outcome o;

	(void)state;
	play_run(&play, &o);
	assert_int_equal(o.err, 0);
	assert_string_equal(o.shots[1], "W A - B");
	assert_string_equal(o.log, "Aw Au Bw Bu ");
	assert_int_equal(o.writer_sleep, 0);
}

/* Whoever asked for hand-off spins too, and tries again before anybody wakes it. */
static void handoff_waiter_spins_on_a_running_owner(void **state)
{
	/* A, let go, is stopped before it wakes anybody: 4 steps. */
	static const struct play play = {
		.schedule =
			GO(A) "B~ !spurious:A A~" TICK2 "!spurious:B B~" LOOK LOOK "A*4 B~" LOOK,
		.tasks = {{'A', "w.,u"}, {'B', "w.u"}, {'O', "soA.s"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu ", "W+w+h A Bw* -", "W B - -");
}

/* ---- on readers ---- */

/* 10 us and 0.5 us a reader, up to 30 readers: B spins for so many steps, and not longer. */
static void check_reader_limit(const char *looker)
{
	const struct play play = {
		.schedule = GO(A) LOOK "B~" LOOK "B~" LOOK "B~" LOOK LOOK GO(A),
		.tasks = {{'A', "r.u"}, {'B', "wu"}, {'O', looker}},
	};
	struct outcome o;

	play_run(&play, &o);
	assert_int_equal(o.err, 0);
	assert_int_equal(o.nr_shots, 4);
	/* After the shorter time it spins, after the longer it is queued. */
	assert_non_null(strstr(o.shots[1], "/r - B"));
	assert_null(strstr(o.shots[1], "+w"));
	assert_non_null(strstr(o.shots[2], "/r - B"));
	assert_non_null(strstr(o.shots[3], "+w A/rn Bw -"));
	assert_int_equal(o.count, 0);
	assert_int_equal(o.writer_sleep, 1);
}

static void reader_spin_limit(void **state)
{
	(void)state;
	check_reader_limit("b0sy95sy15ss.b0.");
	check_reader_limit("b9sy140sy15ssb-9.");
	check_reader_limit("b29sy235sy20ssb-29.");
	check_reader_limit("b99sy235sy20ssb-99.");
}

/* Who comes after the limit was passed does not spin; readers that join keep it so. */
static void nonspinnable_lasts_for_the_reader_phase(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ !tick B~ !kill:B B~" LOOK "C~" LOOK "D~" LOOK GO(A) LOOK GO(C)
			LOOK,
		.tasks = {{'A', "r.u"}, {'B', "Wu"}, {'C', "r.u"}, {'D', "wu"}, {'O', "sssss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar B! Cr Au Cu Dw Du ", "R1 A/rn - -", "R2 C/rn - -",
		   "R2+w C/rn Dw -", "R1+w C/rn Dw -", "free+w C/r Dw -");
	assert_int_equal(o.writer_sleep, 2);
}

/* Without waiters nobody clears it; the next writer's owner word does. */
static void nonspinnable_ends_with_the_next_writer(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ !tick B~ !kill:B B~" GO(A) LOOK "C~" LOOK GO(C) LOOK,
		.tasks = {{'A', "r.u"}, {'B', "Wu"}, {'C', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar B! Au Cw Cu ", "free A/rn - -", "W C - -", "free - - -");
}

/* ---- the queue of spinners ---- */

/* First come, first served, in whatever order they look. */
static void spinners_are_fifo(void **state)
{
	static const struct play play = {
		.schedule = "A~ B~ C~ D~" LOOK LOOK "D~ C~ A~ D~ C~ B~" LOOK LOOK
			    "D~ B~ D~ C~" LOOK LOOK "C~ D~" LOOK,
		.tasks = {{'A', "w,u"},
			  {'B', "w,u"},
			  {'C', "w,u"},
			  {'D', "w.u"},
			  {'O', "soA.soB.soC.s"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cw Cu Dw Du ", "W A - D", "W B - D", "W C - D",
		   "W D - -");
	assert_int_equal(o.writer_sleep + o.writer_steal, 0);
}

/* The head stops spinning: the next becomes head, finds the same, and queues behind it. */
static void head_gives_up_and_hands_over(void **state)
{
	static const struct play play = {
		.schedule = "A~ B~ C~" LOOK LOOK "A~" LOOK "B~" LOOK "C~" LOOK,
		.tasks = {{'A', "w,.u"}, {'B', "wu"}, {'C', "wu"}, {'O', "soA.y30sss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cw Cu ", "W A - C", "W A - C", "W+w A Bw C",
		   "W+w A Bw,Cw -");
	assert_int_equal(o.writer_sleep, 2);
}

/*
 * C sees B, before it, off its CPU, leaves the queue of spinners and sleeps. D,
 * behind it, stays and follows B; both pass C, who is queued.
 */
static void spinner_leaves_the_middle(void **state)
{
	static const struct play play = {
		.schedule =
			"A~ B~ C~ D~" LOOK LOOK "C~" LOOK LOOK "A~ D~ B~ D~" LOOK LOOK "B~ D~" LOOK,
		.tasks = {{'A', "w,u"},
			  {'B', "w,u"},
			  {'C', "wu"},
			  {'D', "w.u"},
			  {'O', "sfBy30.sFBoA.soB.s"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Dw Du Cw Cu ", "W A - D", "W+w A Cw D", "W+w B Cw D",
		   "W+w D Cw -");
	assert_int_equal(o.writer_sleep, 1);
	assert_int_equal(o.writer_steal, 2);
}

/* The last leaves: the tail goes back to the one before, and a newcomer follows that. */
static void last_spinner_leaves(void **state)
{
	static const struct play play = {
		.schedule = "A~ B~ C~" LOOK LOOK "C~" LOOK LOOK "D~" LOOK LOOK
			    "A~ D~ B~ D~" LOOK LOOK "B~ D~" LOOK,
		.tasks = {{'A', "w,u"},
			  {'B', "w,u"},
			  {'C', "wu"},
			  {'D', "w.u"},
			  {'O', "sfBy30.sFB.soA.soB.s"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Dw Du Cw Cu ", "W A - C", "W+w A Cw B", "W+w A Cw D",
		   "W+w B Cw D", "W+w D Cw -");
	assert_int_equal(o.writer_sleep, 1);
}

/* The turn comes while a spinner is about to leave: then it stays and has the turn. */
static void turn_comes_while_leaving(void **state)
{
	/* C is stopped when it has seen B off its CPU (5 steps), and B hands over meanwhile. */
	static const struct play play = {
		.schedule = "A~ B~ C~" LOOK LOOK "C*5" LOOK LOOK "A~ B~" LOOK "C~" LOOK LOOK
			    "B~ C~" LOOK,
		.tasks = {{'A', "w,u"}, {'B', "w,u"}, {'C', "w.u"}, {'O', "sfBy30.soA.ssoB.s"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cw Cu ", "W A - C", "W A - C", "W B - C", "W B - C",
		   "W C - -");
	assert_int_equal(o.writer_sleep, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spinner_stops_when_the_owner_parks),
		cmocka_unit_test(spinner_outlasts_a_running_owner),
		cmocka_unit_test(handoff_waiter_spins_on_a_running_owner),
		cmocka_unit_test(reader_spin_limit),
		cmocka_unit_test(nonspinnable_lasts_for_the_reader_phase),
		cmocka_unit_test(nonspinnable_ends_with_the_next_writer),
		cmocka_unit_test(spinners_are_fifo),
		cmocka_unit_test(head_gives_up_and_hands_over),
		cmocka_unit_test(spinner_leaves_the_middle),
		cmocka_unit_test(last_spinner_leaves),
		cmocka_unit_test(turn_comes_while_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
