/* SPDX-License-Identifier: MIT */
/*
 * The rwsem's state table: every event in every state, each driven by a written
 * schedule on the step machine and read off the count word, the owner word, the
 * queue and the counters. States: FREE, R(n), R(n)+waiters, W, FREE+waiters
 * (between a release and the woken writer), and these with HANDOFF.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "support/rwsem_play.h"

#include <cmocka.h>

#define LOOKS3                                                                                     \
	{                                                                                          \
		'O', "sss"                                                                         \
	}

/* ---- a reader arrives ---- */

static void reader_in_free(void **state)
{
	static const struct play play = {
		.schedule = GO(A) LOOK GO(A) LOOK,
		.tasks = {{'A', "r.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	/* The hint stays behind: it says who came last, not who is inside. */
	PLAY_CHECK(&play, &o, "Ar Au ", "R1 A/r - -", "free A/r - -", "free A/r - -");
	assert_int_equal(o.reader_sleep + o.reader_steal, 0);
}

static void reader_among_readers(void **state)
{
	static const struct play play = {
		.schedule = GO(A) LOOK "B~" LOOK GO(A) LOOK,
		.tasks = {{'A', "r.u"}, {'B', "r.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar Br Au Bu ", "R1 A/r - -", "R2 B/r - -", "R1 B/r - -");
	assert_int_equal(o.reader_sleep + o.reader_steal, 0);
}

/* R2a: readers are inside and a writer waits, so it would starve if newcomers passed it. */
static void reader_behind_waiters_of_readers(void **state)
{
	static const struct play play = {
		.policy = "no_spin",
		.schedule = GO(A) "B~ C~" LOOK GO(A) LOOK "B~" LOOK,
		.tasks = {{'A', "r.u"}, {'B', "w.u"}, {'C', "ru"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar Au Bw Bu Cr Cu ", "R1+w A/r Bw,Cr -", "free+w A/r Bw,Cr -",
		   "W+w B Cr -");
	assert_int_equal(o.reader_sleep, 1);
	assert_int_equal(o.writer_sleep, 1);
	assert_int_equal(o.reader_steal + o.writer_steal, 0);
}

/*
 * R2b: the same, but the last reader in has counted itself and has not left the
 * hint yet (two steps: into the fetch_add, and through it).
 */
static void reader_steals_when_the_hint_is_missing(void **state)
{
	static const struct play play = {
		.policy = "no_spin",
		.schedule = "A*2 B~" LOOK "C~" LOOK "A~" LOOK,
		.tasks = {{'A', "r.u"}, {'B', "wu"}, {'C', "r.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	/* A, late, overwrites C's hint: it is a hint. */
	PLAY_CHECK(&play, &o, "Cr Ar Cu Au Bw Bu ", "R1+w - Bw -", "R2+w C/r Bw -",
		   "R2+w A/r Bw -");
	assert_int_equal(o.reader_steal, 1);
	assert_int_equal(o.reader_sleep, 0);
}

static void reader_behind_a_writer(void **state)
{
	static const struct play play = {
		.schedule = "A~ B~" LOOK "!spurious:O O~ A~" LOOK "B~" LOOK,
		/* The writer stays on its CPU, and still the reader does not spin. */
		.tasks = {{'A', "w,u"}, {'B', "r.u"}, {'O', "soAsss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Br Bu ", "W+w A Br -", "W+w A Br -", "R1 B/r - -",
		   "R1 B/r - -");
	assert_int_equal(o.reader_sleep, 1);
	assert_int_equal(o.reader_steal, 0);
}

static void reader_steals_a_free_lock(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" GO(A) LOOK "C~" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "wu"}, {'C', "r.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	/* B was woken, not granted: it finds a reader inside and sleeps again. */
	PLAY_CHECK(&play, &o, "Aw Au Cr Cu Bw Bu ", "free+w - Bw -", "R1+w C/r Bw -",
		   "R1+w C/r Bw -");
	assert_int_equal(o.reader_steal, 1);
	assert_int_equal(o.reader_sleep, 0);
}

/* The first of a reader phase lets the queued readers in, if one is at the head. */
static void stealing_reader_brings_the_others(void **state)
{
	static const struct play play = {
		/* A is stopped between giving the lock up and waking: 3 steps. */
		.schedule = GO(A) "B~ D~ E~ !spurious:A A*3" LOOK "C~" LOOK "A~" LOOK,
		.tasks = {{'A', "w.u"},
			  {'B', "r.u"},
			  {'D', "wu"},
			  {'E', "r.u"},
			  {'C', "r.u"},
			  LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Cr Br Er Cu Bu Eu Dw Du ", "free+w - Br,Dw,Er -",
		   "R3+w C/r Dw -", "R3+w C/r Dw -");
	assert_int_equal(o.reader_steal, 1);
	assert_int_equal(o.reader_sleep, 2);
}

/* ---- a writer arrives ---- */

static void writer_in_free(void **state)
{
	static const struct play play = {
		.schedule = GO(A) LOOK GO(A) LOOK,
		.tasks = {{'A', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au ", "W A - -", "free - - -", "free - - -");
	assert_int_equal(o.writer_sleep + o.writer_steal, 0);
}

static void writer_among_readers_spins_then_queues(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" LOOK "!tick B~" LOOK GO(A) LOOK,
		.tasks = {{'A', "r.u"}, {'B', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar Au Bw Bu ", "R1 A/r - B", "R1+w A/rn Bw -", "free+w A/r Bw -");
	assert_int_equal(o.writer_sleep, 1);
	assert_int_equal(o.writer_steal, 0);
}

static void writer_among_readers_gets_it_spinning(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" LOOK GO(A) LOOK "B~" LOOK,
		.tasks = {{'A', "r.u"}, {'B', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar Au Bw Bu ", "R1 A/r - B", "free A/r - B", "W B - -");
	assert_int_equal(o.writer_sleep, 0);
	/* It passed nobody. */
	assert_int_equal(o.writer_steal, 0);
}

static void writer_behind_waiters_queues_if_nonspinnable(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ !tick B~ C~" LOOK GO(A) LOOK,
		.tasks = {{'A', "r.u"}, {'B', "wu"}, {'C', "wu"}, {'O', "ss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar Au Bw Bu Cw Cu ", "R1+w A/rn Bw,Cw -", "free+w A/r Bw,Cw -");
	assert_int_equal(o.writer_sleep, 2);
}

/* Else it spins first: here behind a downgrade, which left B queued and nobody non-spinnable. */
static void writer_behind_waiters_spins_if_not(void **state)
{
	static const struct play queues = {
		.schedule = GO(A) "B~" GO(A) "C~" LOOK "!tick C~" LOOK GO(A),
		.tasks = {{'A', "w.d.u"}, {'B', "wu"}, {'C', "wu"}, {'O', "ss"}},
	};
	static const struct play steals = {
		.schedule = GO(A) "B~" GO(A) "C~" LOOK GO(A) "C~" LOOK,
		.tasks = {{'A', "w.d.u"}, {'B', "wu"}, {'C', "w.u"}, {'O', "ss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&queues, &o, "Aw Ad Au Bw Bu Cw Cu ", "R1+w A/r Bw C", "R1+w A/rn Bw,Cw -");
	assert_int_equal(o.writer_sleep, 2);
	PLAY_CHECK(&steals, &o, "Aw Ad Au Cw Cu Bw Bu ", "R1+w A/r Bw C", "W+w C Bw -");
	assert_int_equal(o.writer_sleep, 1);
	assert_int_equal(o.writer_steal, 1);
}

static void writer_behind_a_running_writer_spins(void **state)
{
	static const struct play play = {
		.schedule = "A~ B~" LOOK LOOK "A~" LOOK "B~" LOOK,
		.tasks = {{'A', "w,u"}, {'B', "w.u"}, {'O', "soAsss"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu ", "W A - B", "W A - B", "free - - B", "W B - -");
	assert_int_equal(o.writer_sleep, 0);
	assert_int_equal(o.writer_steal, 0);
}

static void writer_behind_a_sleeping_writer_queues(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" LOOK GO(A) LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu ", "W+w A Bw -", "free+w - Bw -", "W B - -");
	assert_int_equal(o.writer_sleep, 1);
}

/* The fast path fails, since the count is not 0; the spinner ignores WAITERS. */
static void writer_steals_a_free_lock(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" GO(A) LOOK "C~" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "wu"}, {'C', "w.u"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Cw Cu Bw Bu ", "free+w - Bw -", "W+w C Bw -", "W+w C Bw -");
	assert_int_equal(o.writer_steal, 1);
	assert_int_equal(o.writer_sleep, 1);
}

/* ---- FREE+waiters+HANDOFF: nobody steals ---- */

static void nobody_steals_after_handoff(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" TICK2 "!spurious:B B~" LOOK GO(A) "C~ D*40" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "ru"}, {'D', "wu"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	/* D spins at the head of the spinners' queue and may not take what is free. */
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cr Cu Dw Du ", "W+w+h A Bw* -", "free+w+h - Bw*,Cr D",
		   "W+w B Cr D");
	assert_int_equal(o.handoff, 1);
	assert_int_equal(o.reader_steal + o.writer_steal, 0);
}

/* ---- trylocks ---- */

struct try_case {
	const char *what, *before; /* the schedule that makes the state */
	const char *a, *b; /* scripts of A and B */
	const char *shot;
	char reader, writer; /* 't'/'T': got, '!': not */
};

static const struct try_case try_cases[] = {
	{"FREE", "", "", "", "free - - -", 't', 'T'},
	{"R(1)", "A~", "r.u", "", "R1 A/r - -", 't', '!'},
	{"R(2)", "A~ B~", "r.u", "r.u", "R2 B/r - -", 't', '!'},
	{"R(n)+waiters", "A~ B~ !tick B~", "r.u", "wu", "R1+w A/rn Bw -", '!', '!'},
	{"W", "A~", "w.u", "", "W A - -", '!', '!'},
	{"W+waiters", "A~ B~", "w.u", "wu", "W+w A Bw -", '!', '!'},
	{"FREE+waiters", "A~ B~ !spurious:A A~", "w.u", "wu", "free+w - Bw -", '!', '!'},
	{"FREE+waiters+handoff", "A~ B~ !tick !tick !spurious:B B~ !spurious:A A~", "w.u", "wu",
	 "free+w+h - Bw* -", '!', '!'},
	{"R(n)+waiters+handoff", "A~ B~ !tick B~ !tick !tick !spurious:B B~", "r.u", "wu",
	 "R1+w+h A/rn Bw* -", '!', '!'},
};

static void check_try(const struct try_case *c, bool write)
{
	char schedule[PLAY_TEXT] = "", tried[3] = {'T', write ? c->writer : c->reader, '\0'};
	struct play play = {
		.schedule = schedule,
		.tasks = {{'A', c->a}, {'B', c->b}, {'T', write ? "Tu" : "tu"}, {'O', "s"}},
	};
	struct outcome o;

	strcpy(schedule, c->before);
	strcat(schedule, " O~ T~");
	play_run(&play, &o);
	if (o.err)
		fail_msg("%s: %s", c->what, o.failure);
	if (strcmp(o.shots[0], c->shot))
		fail_msg("%s: the state is \"%s\", expected \"%s\"", c->what, o.shots[0], c->shot);
	if (!strstr(o.log, tried))
		fail_msg("%s: \"%s\", expected \"%s\"", c->what, o.log, tried);
	assert_int_equal(o.overlaps, 0);
	assert_int_equal(o.count, 0);
}

static void trylocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(try_cases); i++) {
		check_try(&try_cases[i], false);
		check_try(&try_cases[i], true);
	}
}

/* ---- the last release ---- */

static void release_wakes_the_head_writer_alone(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~ D~" GO(A) LOOK "C~ D~" LOOK "B~" LOOK,
		.tasks = {{'A', "w.u"}, {'B', "w.u"}, {'C', "ru"}, {'D', "wu"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Bw Bu Cr Cu Dw Du ", "free+w - Bw,Cr,Dw -",
		   "free+w - Bw,Cr,Dw -", "W+w B Cr,Dw -");
}

/* Phase-fair: all readers, also those behind queued writers, when one is at the head. */
static void release_wakes_all_readers(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~ C~ D~ E~ F~" LOOK GO(A) LOOK "B~ D~ F~" LOOK,
		.tasks = {{'A', "w.u"},
			  {'B', "r.u"},
			  {'C', "wu"},
			  {'D', "r.u"},
			  {'E', "wu"},
			  {'F', "r.u"},
			  LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au Br Dr Fr Bu Du Fu Cw Cu Ew Eu ", "W+w A Br,Cw,Dr,Ew,Fr -",
		   "R3+w B/r Cw,Ew -", "R3+w B/r Cw,Ew -");
	assert_int_equal(o.reader_sleep, 3);
}

/* Only the last reader to leave wakes; the writers keep their order. */
static void last_reader_wakes(void **state)
{
	static const struct play play = {
		.policy = "no_spin",
		.schedule = GO(A) "B~ C~ D~" GO(A) "C~ D~" LOOK GO(B) LOOK "C~" LOOK,
		.tasks = {{'A', "r.u"}, {'B', "r.u"}, {'C', "w.u"}, {'D', "wu"}, LOOKS3},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar Br Au Bu Cw Cu Dw Du ", "R1+w B/r Cw,Dw -", "free+w B/r Cw,Dw -",
		   "W+w C Dw -");
}

/* ---- the guard ---- */

/* A negative count: readers' fast path and trylock fail, nobody is woken into it. */
static void negative_count_admits_nobody(void **state)
{
	static const struct play play = {
		.schedule = GO(A) "B~" LOOK LOOK GO(A) "T~" LOOK LOOK GO(C),
		.tasks = {{'A', "w.u"}, {'B', "r.u"}, {'T', "tTu"}, {'O', "s-.s+s"}, {'C', "ru"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Aw Au T! T! Cr Cu Br Bu ", "W+w A Br -", "free+w+n - Br -",
		   "free+w - Br -");
	/* C, finding it sound again, steals and brings B. */
	assert_int_equal(o.reader_steal, 1);
}

/* R1: a reader that meets a negative count stops the writers' spinning on this phase. */
static void negative_count_stops_spinning(void **state)
{
	static const struct play play = {
		.schedule = GO(A) LOOK GO(B) LOOK LOOK GO(A) GO(B),
		.tasks = {{'A', "r.u"}, {'B', "r.u"}, {'O', "-ss+"}},
	};
	struct outcome o;

	(void)state;
	PLAY_CHECK(&play, &o, "Ar Br Au Bu ", "R1+n A/r - -", "R2+n B/rn - -");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_in_free),
		cmocka_unit_test(reader_among_readers),
		cmocka_unit_test(reader_behind_waiters_of_readers),
		cmocka_unit_test(reader_steals_when_the_hint_is_missing),
		cmocka_unit_test(reader_behind_a_writer),
		cmocka_unit_test(reader_steals_a_free_lock),
		cmocka_unit_test(stealing_reader_brings_the_others),
		cmocka_unit_test(writer_in_free),
		cmocka_unit_test(writer_among_readers_spins_then_queues),
		cmocka_unit_test(writer_among_readers_gets_it_spinning),
		cmocka_unit_test(writer_behind_waiters_queues_if_nonspinnable),
		cmocka_unit_test(writer_behind_waiters_spins_if_not),
		cmocka_unit_test(writer_behind_a_running_writer_spins),
		cmocka_unit_test(writer_behind_a_sleeping_writer_queues),
		cmocka_unit_test(writer_steals_a_free_lock),
		cmocka_unit_test(nobody_steals_after_handoff),
		cmocka_unit_test(trylocks),
		cmocka_unit_test(release_wakes_the_head_writer_alone),
		cmocka_unit_test(release_wakes_all_readers),
		cmocka_unit_test(last_reader_wakes),
		cmocka_unit_test(negative_count_admits_nobody),
		cmocka_unit_test(negative_count_stops_spinning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
