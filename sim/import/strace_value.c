/* SPDX-License-Identifier: MIT */
/* How strace writes the arguments and results of system calls; see strace_value.h. */
#define _GNU_SOURCE 1
#include "strace_value.h"
#include "../scenario/op_names.h"
#include "trace_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/*
 * Symbols that matter to an import, by number as the headers of the building host may be older than
 * strace. These numbers are the same on all architectures that use the generic ones, x86 and arm
 * among them.
 */
static const struct {
	const char *name;
	uint64_t value;
} symbols[] = {
	{"NULL", 0},
	{"PROT_NONE", 0},
	{"PROT_READ", 1},
	{"PROT_WRITE", 2},
	{"PROT_EXEC", 4},
	{"MAP_FILE", 0},
	{"MAP_SHARED", 1},
	{"MAP_PRIVATE", 2},
	{"MAP_SHARED_VALIDATE", 3},
	{"MAP_FIXED", 0x10},
	{"MAP_ANONYMOUS", 0x20},
	{"MAP_GROWSDOWN", 0x100},
	{"MAP_LOCKED", 0x2000},
	{"MAP_NORESERVE", 0x4000},
	{"MAP_POPULATE", 0x8000},
	{"MAP_STACK", 0x20000},
	{"MAP_FIXED_NOREPLACE", 0x100000},
	{"MREMAP_MAYMOVE", 1},
	{"MREMAP_FIXED", 2},
	{"MREMAP_DONTUNMAP", 4},
	{"MLOCK_ONFAULT", 1},
	{"MCL_CURRENT", 1},
	{"MCL_FUTURE", 2},
	{"MCL_ONFAULT", 4},
	{"CLONE_VM", 0x100},
	{"CLONE_THREAD", 0x10000},
	{"PIDFD_SELF", (uint64_t)-10000},
	{"PIDFD_SELF_THREAD", (uint64_t)-10000},
	{"PIDFD_SELF_THREAD_GROUP", (uint64_t)-10001},
};

/* ---- lists ---- */

/* What stands behind a string's closing quote, or the end of the line. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* Behind <..> after a number: a descriptor's path, a process' name; these may nest. */
static const char *skip_description(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		depth += (*p == '<') - (*p == '>');
		if (!depth)
			return p + 1;
	}
	return p;
}

/* What stands behind one character, or what is as one; @p is not at the end of the line. */
static const char *skip_one(const char *begin, const char *p)
{
	const char *end;

	if (*p == '"')
		return skip_string(p);
	if (!strncmp(p, "/*", 2)) {
		end = strstr(p + 2, "*/");
		return end ? end + 2 : p + strlen(p);
	}
	if (*p == '<' && p[1] != '<' && p > begin && isdigit((unsigned char)p[-1]))
		return skip_description(p);
	if (!strncmp(p, "<<", 2))
		return p + 2;
	return p + 1;
}

static void keep_piece(struct strace_args *args, const char *from, const char *to)
{
	while (from < to && isblank((unsigned char)*from))
		from++;
	while (to > from && isblank((unsigned char)to[-1]))
		to--;
	if (args->nr < STRACE_ARGS_MAX)
		args->arg[args->nr++] =
			(struct strace_piece){.at = from, .len = (size_t)(to - from)};
}

const char *strace_split(const char *text, struct strace_args *args)
{
	const char *from = text, *p = text;
	int depth = 0;

	args->nr = 0;
	while (*p) {
		if (depth == 0 && strchr(",)]}", *p)) {
			if (*p == ',' || p > from || args->nr)
				keep_piece(args, from, p);
			if (*p != ',')
				return p + 1;
			from = p + 1;
		} else if (strchr("([{", *p)) {
			depth++;
		} else if (strchr(")]}", *p)) {
			depth--;
		}
		p = skip_one(text, p);
	}
	keep_piece(args, from, p);
	return NULL;
}

bool strace_inner(const struct strace_piece *piece, struct strace_args *args)
{
	if (!piece->len || !strchr("[{", *piece->at))
		return false;
	return strace_split(piece->at + 1, args);
}

bool strace_field(const struct strace_args *args, const char *name, struct strace_piece *value)
{
	size_t len = strlen(name);

	for (unsigned int i = 0; i < args->nr; i++) {
		const struct strace_piece *arg = &args->arg[i];

		if (arg->len <= len || strncmp(arg->at, name, len) || arg->at[len] != '=')
			continue;
		value->at = arg->at + len + 1;
		value->len = arg->len - len - 1;
		return true;
	}
	return false;
}

bool strace_string(const struct strace_piece *piece, struct strace_piece *string)
{
	const char *end;

	if (piece->len < 2 || *piece->at != '"')
		return false;
	end = skip_string(piece->at);
	if (end > piece->at + piece->len || end - piece->at < 2 || end[-1] != '"')
		return false;
	string->at = piece->at + 1;
	string->len = (size_t)(end - piece->at) - 2;
	return true;
}

/* ---- numbers ---- */

static bool find_symbol(const char *name, size_t len, uint64_t *value)
{
	char advice_name[32];
	int advice;

	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		if (strncmp(symbols[i].name, name, len) || symbols[i].name[len])
			continue;
		*value = symbols[i].value;
		return true;
	}
	if (len < 6 || len - 5 >= sizeof(advice_name) || strncmp(name, "MADV_", 5))
		return false;
	memcpy(advice_name, name + 5, len - 5);
	advice_name[len - 5] = '\0';
	if (!sim_advice_number(advice_name, &advice))
		return false;
	*value = (uint64_t)advice;
	return true;
}

/* The symbol or number at @p; NULL when there is none, else what stands behind it. */
static const char *read_word(const char *p, uint64_t *value, int *unknown)
{
	size_t len = 0;
	char *end;

	if (isdigit((unsigned char)*p) || (*p == '-' && isdigit((unsigned char)p[1]))) {
		errno = 0;
		*value = strtoull(p, &end, 0);
		return errno ? NULL : end;
	}
	while (isalnum((unsigned char)p[len]) || p[len] == '_')
		len++;
	if (!len)
		return NULL;
	if (!find_symbol(p, len, value)) {
		*value = 0;
		++*unknown;
	}
	return p + len;
}

/* Words joined by * and <<, as in 8192*1024 and 21<<MAP_HUGE_SHIFT; the latter is no known bit. */
static const char *read_term(const char *p, const char *end, uint64_t *value, int *unknown)
{
	uint64_t factor = 0;

	p = read_word(p, value, unknown);
	while (p && p < end && *p == '*') {
		p = read_word(p + 1, &factor, unknown);
		*value *= factor;
	}
	if (p && p + 1 < end && !strncmp(p, "<<", 2)) {
		p = read_word(p + 2, &factor, unknown);
		*value = 0;
	}
	return p;
}

/* Behind <descriptions>, what strace adds to those of files that are gone, comments and blanks. */
static const char *skip_remarks(const char *p, const char *end)
{
	static const char deleted[] = "(deleted)";

	while (p < end) {
		if (*p == '<')
			p = skip_description(p);
		else if (!strncmp(p, deleted, sizeof(deleted) - 1))
			p += sizeof(deleted) - 1;
		else if (isblank((unsigned char)*p) || !strncmp(p, "/*", 2))
			p = skip_one(p, p);
		else
			break;
	}
	return p;
}

int strace_number(const struct strace_piece *piece, uint64_t *value)
{
	const char *p = piece->at, *end = piece->at + piece->len;
	uint64_t term = 0;
	int unknown = 0;

	*value = 0;
	for (;;) {
		p = p < end ? read_term(p, end, &term, &unknown) : NULL;
		if (!p || p > end)
			return -1;
		*value |= term;
		p = skip_remarks(p, end);
		if (p >= end)
			return unknown;
		if (*p++ != '|')
			return -1;
	}
}

/* ---- results ---- */

/* -1 ENAME (words), or -1 (errno 524) for an error that has no name. */
static void read_error(const char *p, struct strace_result *result)
{
	size_t len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	uint64_t number = 0;
	char name[24];

	if (!strncmp(p, "(errno ", 7)) {
		trace_digits(p + 7, &number);
	} else if (len && len < sizeof(name)) {
		memcpy(name, p, len);
		name[len] = '\0';
		number = (uint64_t)sim_errno_number(name);
	}
	result->known = number > 0 && number < 4096;
	result->value = -(int64_t)number;
}

/* A process in a namespace has another number there; strace tells its own in a comment. */
static int pid_of(const char *p, int64_t value)
{
	const char *comment = strstr(p, "/* ");
	uint64_t outside;
	char *end = comment ? trace_digits(comment + 3, &outside) : NULL;

	if (end && !strncmp(end, " in strace's PID NS", 19) && outside <= INT_MAX)
		return (int)outside;
	return value > 0 && value <= INT_MAX ? (int)value : 0;
}

/* The last word: <SECONDS.FRACTION>. */
static uint64_t duration_of(const char *text)
{
	const char *open = strrchr(text, '<'), *end;
	uint64_t ns;

	end = open ? trace_seconds(open + 1, &ns) : NULL;
	return end && *end == '>' ? ns : 0;
}

bool strace_result(const char *text, struct strace_result *result)
{
	const char *p = trace_skip_blanks(text);
	uint64_t value;
	char *end;

	*result = (struct strace_result){.known = false};
	if (*p != '=')
		return false;
	p = trace_skip_blanks(p + 1);
	result->duration_ns = duration_of(p);
	if (*p == '?')
		return true;
	if (!strncmp(p, "-1 E", 4) || !strncmp(p, "-1 (", 4)) {
		read_error(p + 3, result);
		return true;
	}
	if (!isdigit((unsigned char)*p) && *p != '-')
		return false;
	errno = 0;
	value = strtoull(p, &end, 0);
	if (errno || end == p)
		return false;
	result->known = true;
	result->value = (int64_t)value;
	result->pid = pid_of(end, result->value);
	return true;
}
