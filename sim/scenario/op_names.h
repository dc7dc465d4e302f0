/* SPDX-License-Identifier: MIT */
/* The names of numbers in operations, shared by the parser and the printer. */
#ifndef MMSIM_SIM_SCENARIO_OP_NAMES_H
#define MMSIM_SIM_SCENARIO_OP_NAMES_H

#include "op.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* A name and what it stands for. */
struct sim_name {
	const char *name;
	int number;
};

/* Where mremap() may go: the word, its MREMAP_* flags, and whether a new address follows. */
struct sim_move {
	const char *name;
	unsigned int flags;
	bool has_new_addr;
};

#define NR_SIM_MOVES 4

extern const struct sim_move sim_moves[NR_SIM_MOVES];

/**
 * sim_advice_number - the number of a madvise() advice
 * @name: its name without MADV_
 * @advice: where to
 *
 * Return: whether the name is known.
 */
bool sim_advice_number(const char *name, int *advice);

/**
 * sim_map_flag - add the mmap() flag that a letter stands for
 * @letter: any of n P l g k
 * @flags: MAP_* bits to add it to
 *
 * Return: whether the letter is known.
 */
bool sim_map_flag(char letter, unsigned int *flags);

/**
 * sim_lock_flag - add the mlockall() flag that a letter stands for
 * @letter: any of c f o
 * @flags: MCL_* bits to add it to
 *
 * Return: whether the letter is known.
 */
bool sim_lock_flag(char letter, unsigned int *flags);

/**
 * sim_lock_flags_name - write mlockall() flags as letters
 * @flags: MCL_* bits
 * @buf: four bytes
 *
 * Return: @buf.
 */
const char *sim_lock_flags_name(unsigned int flags, char buf[4]);

/**
 * sim_note_name - the name of a note
 * @note: one SIM_NOTE_* bit
 *
 * Return: its name without the semicolon, NULL when there is no such note.
 */
const char *sim_note_name(unsigned int note);

/**
 * sim_note_number - the bit of a note
 * @name: its name without the semicolon
 *
 * Return: SIM_NOTE_*, 0 when there is no such note.
 */
unsigned int sim_note_number(const char *name);

/**
 * sim_name_nearer - of two names, the one that was more likely meant
 * @best: the best one so far or NULL
 * @name: another one
 * @written: what was written
 *
 * Return: @best or @name; NULL when neither resembles @written.
 */
const char *sim_name_nearer(const char *best, const char *name, const char *written);

/**
 * sim_advice_nearest - the advice that was most likely meant
 * @written: what was written
 *
 * Return: a name without MADV_, NULL when none resembles @written.
 */
const char *sim_advice_nearest(const char *written);

#endif
