/* SPDX-License-Identifier: MIT */
/* What the lines of several tracers have in common. */
#ifndef MMSIM_SIM_IMPORT_TRACE_LINE_H
#define MMSIM_SIM_IMPORT_TRACE_LINE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * trace_skip_blanks - where a line goes on
 * @p: in the line
 *
 * Return: the first character that is neither blank nor tab.
 */
char *trace_skip_blanks(const char *p);

/**
 * trace_digits - read a decimal number
 * @p: where it begins
 * @number: where to
 *
 * Return: what stands behind it; NULL when there is no digit, or the number is too large.
 */
char *trace_digits(const char *p, uint64_t *number);

/**
 * trace_seconds - read SECONDS.FRACTION
 * @p: where it begins; the fraction has up to nine digits
 * @time_ns: where to
 *
 * Return: what stands behind it; NULL when there is no such number.
 */
char *trace_seconds(const char *p, uint64_t *time_ns);

/**
 * trace_line_task - read COMM PID/TID, where COMM may hold anything
 * @line: where it begins; the text is cut behind the name
 * @end: what stands behind it, after blanks
 * @comm: the name
 * @pid: 0 when the number is too large
 * @tid: 0 when the number is too large
 *
 * Return: whether it is there.
 */
bool trace_line_task(char *line, char *end, const char **comm, int *pid, int *tid);

#endif
