/* SPDX-License-Identifier: MIT */
/* What the lines of several tracers have in common; see trace_line.h. */
#define _GNU_SOURCE 1
#include "trace_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

char *trace_skip_blanks(const char *p)
{
	return (char *)p + strspn(p, " \t");
}

char *trace_digits(const char *p, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*p))
		return NULL;
	errno = 0;
	*number = strtoull(p, &end, 10);
	return errno ? NULL : end;
}

char *trace_seconds(const char *p, uint64_t *time_ns)
{
	uint64_t seconds, fraction;
	char *point = trace_digits(p, &seconds), *end;

	if (!point || *point != '.' || seconds > UINT64_MAX / 1000000000 - 1)
		return NULL;
	end = trace_digits(point + 1, &fraction);
	if (!end || end - point > 10)
		return NULL;
	for (ptrdiff_t digits = end - point; digits < 10; digits++)
		fraction *= 10;
	*time_ns = seconds * 1000000000 + fraction;
	return end;
}

/* The number that ends at @end, with its sign, 0 when it is too large; returns where it begins. */
static char *number_before(char *line, char *end, int *number)
{
	char *begin = end;
	long read;

	while (begin > line && isdigit((unsigned char)begin[-1]))
		begin--;
	if (begin > line && begin < end && begin[-1] == '-')
		begin--;
	read = begin < end && end - begin < 12 ? strtol(begin, NULL, 10) : 0;
	*number = read >= INT_MIN && read <= INT_MAX ? (int)read : 0;
	return begin < end ? begin : NULL;
}

bool trace_line_task(char *line, char *end, const char **comm, int *pid, int *tid)
{
	char *at_tid, *at_pid;

	while (end > line && isblank((unsigned char)end[-1]))
		end--;
	at_tid = number_before(line, end, tid);
	if (!at_tid || at_tid == line || at_tid[-1] != '/')
		return false;
	at_pid = number_before(line, at_tid - 1, pid);
	if (!at_pid || (at_pid > line && !isblank((unsigned char)at_pid[-1])))
		return false;
	while (at_pid > line && isblank((unsigned char)at_pid[-1]))
		at_pid--;
	*at_pid = '\0';
	*comm = trace_skip_blanks(line);
	return true;
}
