/* SPDX-License-Identifier: MIT */
/* Which name was meant by one that does not exist. */
#ifndef MMSIM_BASE_NEAREST_H
#define MMSIM_BASE_NEAREST_H

/**
 * nearer_name - of two names, the one that was more likely meant
 * @best: the best one so far or NULL
 * @name: another one
 * @written: what was written
 *
 * Return: @best or @name; NULL when neither resembles @written.
 */
const char *nearer_name(const char *best, const char *name, const char *written);

#endif
