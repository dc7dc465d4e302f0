/* SPDX-License-Identifier: MIT */
/*
 * A play: a few tasks with scripts of rwsem operations, on the step machine
 * under a written schedule. What happened is text, to be compared with text.
 *
 * A script is a word of operations:
 *	r R	down_read, down_read_killable
 *	w W	down_write, down_write_killable
 *	t T	down_read_trylock, down_write_trylock
 *	d u	downgrade_write; release whatever is held (nothing if nothing is)
 *	.	leave the CPU until the schedule says GO
 *	,	stay on the CPU, waiting for somebody's "oX"
 *	oX	open the gate at which task X waits with ","
 *	s	look (below), then leave the CPU as "." does
 *	yN	N steps of 100 ns each that touch nothing
 *	bN	N more readers (fewer if negative), of whom only the count knows
 *	0	forget the owner: no hint is left
 *	- +	make the count negative; undo that
 *	fX FX	spinning task X looks as if it were off its CPU, as a preempted virtual
 *		CPU does; and on it again
 * d does nothing when the lock is not held for write.
 */
#ifndef TESTS_SUPPORT_RWSEM_PLAY_H
#define TESTS_SUPPORT_RWSEM_PLAY_H

#include "lock/rwsem.h"
#include "mmsim/mmsim.h"

#define PLAY_TASKS 8
#define PLAY_SHOTS 8
#define PLAY_TEXT 256

/* Words of schedules: X goes on from "." and runs until it waits; "O" looks. */
#define GO(x) " !spurious:" #x " " #x "~ "
#define LOOK " !spurious:O O~ "
#define TICK2 " !tick !tick "

struct play {
	const char *policy; /* a row of the rwsem axis; NULL: linux */
	const char *schedule;
	struct {
		char name; /* a capital; O is the one that looks */
		const char *script;
	} tasks[PLAY_TASKS];
};

/*
 * A look: "STATE OWNER QUEUE TAIL", for example "R2+w A/r Bw,Cr -":
 *	STATE	free, W, R2 (readers), W&R1; +w waiters, +h hand-off, +n negative
 *	OWNER	A a writer, A/r the last reader that came, A/rn non-spinnable, /r nobody's, -
 *	QUEUE	waiters in order, r or w, * hand-off set; -
 *	TAIL	last in the spinners' queue; -
 * "?" is appended when is_locked, is_contended or a reserved bit disagrees.
 */
struct outcome {
	int err; /* mmsim_run()'s */
	/* "Ar Au B! ": in time; X! is a failed or interrupted try. Releases are noted before. */
	char log[PLAY_TEXT];
	char shots[PLAY_SHOTS][PLAY_TEXT];
	int nr_shots;
	int overlaps; /* a writer and somebody else were inside together */
	uint64_t reader_steal, writer_steal, handoff, reader_sleep, writer_sleep;
	long count, owner; /* at the end */
	char failure[1024];
	int destroyed; /* mmsim_destroy()'s answer */
};

void play_run(const struct play *play, struct outcome *outcome);

/* Run; then every look, the log and the end are as told. A failed cmocka assertion if not. */
void play_check(const struct play *play, struct outcome *outcome, const char *log,
		const char *const *shots, int nr_shots);

#define PLAY_CHECK(play, outcome, log, ...)                                                        \
	do {                                                                                       \
		const char *const shots_[] = {__VA_ARGS__};                                        \
		play_check(play, outcome, log, shots_, (int)ARRAY_SIZE(shots_));                   \
	} while (0)

#endif
