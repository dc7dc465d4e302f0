/* SPDX-License-Identifier: MIT */
/* The names of numbers in operations: advices, errnos, protections, flags, notes. */
#define _GNU_SOURCE 1
#include "op_names.h"
#include "base/nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define NELEMS(array) (sizeof(array) / sizeof((array)[0]))

/* By number, not by MADV_*: the headers of the building host may be older than these. */
static const struct sim_name advices[] = {
	{"NORMAL", 0},		 {"RANDOM", 1},		 {"SEQUENTIAL", 2},
	{"WILLNEED", 3},	 {"DONTNEED", 4},	 {"FREE", 8},
	{"REMOVE", 9},		 {"DONTFORK", 10},	 {"DOFORK", 11},
	{"MERGEABLE", 12},	 {"UNMERGEABLE", 13},	 {"HUGEPAGE", 14},
	{"NOHUGEPAGE", 15},	 {"DONTDUMP", 16},	 {"DODUMP", 17},
	{"WIPEONFORK", 18},	 {"KEEPONFORK", 19},	 {"COLD", 20},
	{"PAGEOUT", 21},	 {"POPULATE_READ", 22},	 {"POPULATE_WRITE", 23},
	{"DONTNEED_LOCKED", 24}, {"COLLAPSE", 25},	 {"HWPOISON", 100},
	{"SOFT_OFFLINE", 101},	 {"GUARD_INSTALL", 102}, {"GUARD_REMOVE", 103},
};

/* clang-format off */
#define ERRNO(name) { #name, name }
/* clang-format on */
static const struct sim_name errnos[] = {
	ERRNO(EPERM),	   ERRNO(ENOENT),    ERRNO(ESRCH),   ERRNO(EINTR),   ERRNO(EIO),
	ERRNO(ENXIO),	   ERRNO(E2BIG),     ERRNO(ENOEXEC), ERRNO(EBADF),   ERRNO(ECHILD),
	ERRNO(EAGAIN),	   ERRNO(ENOMEM),    ERRNO(EACCES),  ERRNO(EFAULT),  ERRNO(EBUSY),
	ERRNO(EEXIST),	   ERRNO(ENODEV),    ERRNO(EINVAL),  ERRNO(ENFILE),  ERRNO(EMFILE),
	ERRNO(ETXTBSY),	   ERRNO(EFBIG),     ERRNO(ENOSPC),  ERRNO(EROFS),   ERRNO(EDOM),
	ERRNO(ERANGE),	   ERRNO(EDEADLK),   ERRNO(ENOSYS),  ERRNO(ENODATA), ERRNO(EOVERFLOW),
	ERRNO(EOPNOTSUPP), ERRNO(EHWPOISON),
};
#undef ERRNO

static const struct sim_name note_names[] = {
	{"assumed", SIM_NOTE_ASSUMED},
	{"file", SIM_NOTE_FILE},
};

static const struct {
	char letter;
	unsigned int flag;
} map_flags[] = {
	{'n', MAP_NORESERVE}, {'P', MAP_POPULATE}, {'l', MAP_LOCKED},
	{'g', MAP_GROWSDOWN}, {'k', MAP_STACK},
};

static const struct {
	char letter;
	unsigned int flag;
} lock_flags[] = {{'c', MCL_CURRENT}, {'f', MCL_FUTURE}, {'o', MCL_ONFAULT}};

const struct sim_move sim_moves[NR_SIM_MOVES] = {
	{"inplace", 0, false},
	{"maymove", MREMAP_MAYMOVE, false},
	{"to", MREMAP_MAYMOVE | MREMAP_FIXED, true},
	{"dontunmap", MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, true},
};

int sim_error_set(struct sim_error *err, int error, const char *file, unsigned int line,
		  const char *fmt, ...)
{
	va_list args;
	int n;

	if (!err)
		return error;
	if (line)
		n = snprintf(err->text, sizeof(err->text), "%s:%u: ", file, line);
	else
		n = snprintf(err->text, sizeof(err->text), "%s: ", file);
	if (n < 0 || (size_t)n >= sizeof(err->text))
		return error;
	va_start(args, fmt);
	vsnprintf(err->text + n, sizeof(err->text) - (size_t)n, fmt, args);
	va_end(args);
	return error;
}

static const char *name_of(const struct sim_name *table, size_t nr, int number)
{
	for (size_t i = 0; i < nr; i++)
		if (table[i].number == number)
			return table[i].name;
	return NULL;
}

static const struct sim_name *find_name(const struct sim_name *table, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

const char *sim_errno_name(int number)
{
	return name_of(errnos, NELEMS(errnos), number);
}

int sim_errno_number(const char *name)
{
	const struct sim_name *found = find_name(errnos, NELEMS(errnos), name);

	return found ? found->number : 0;
}

const char *sim_advice_name(int advice)
{
	return name_of(advices, NELEMS(advices), advice);
}

const char *sim_prot_name(unsigned int prot, char buf[4])
{
	char *p = buf;

	if (prot & PROT_READ)
		*p++ = 'r';
	if (prot & PROT_WRITE)
		*p++ = 'w';
	if (prot & PROT_EXEC)
		*p++ = 'x';
	*p = '\0';
	return p == buf ? "none" : buf;
}

const char *sim_map_flags_name(unsigned int flags, char buf[10])
{
	char *p = buf;

	*p++ = flags & MAP_SHARED ? 's' : 'p';
	if (flags & MAP_FIXED_NOREPLACE)
		*p++ = 'e';
	else if (!(flags & MAP_FIXED))
		*p++ = 'h';
	for (size_t i = 0; i < NELEMS(map_flags); i++)
		if (flags & map_flags[i].flag)
			*p++ = map_flags[i].letter;
	*p = '\0';
	return buf;
}

bool sim_advice_number(const char *name, int *advice)
{
	const struct sim_name *found = find_name(advices, NELEMS(advices), name);

	if (found)
		*advice = found->number;
	return found;
}

bool sim_map_flag(char letter, unsigned int *flags)
{
	for (size_t i = 0; i < NELEMS(map_flags); i++) {
		if (map_flags[i].letter != letter)
			continue;
		*flags |= map_flags[i].flag;
		return true;
	}
	return false;
}

bool sim_lock_flag(char letter, unsigned int *flags)
{
	for (size_t i = 0; i < NELEMS(lock_flags); i++) {
		if (lock_flags[i].letter != letter)
			continue;
		*flags |= lock_flags[i].flag;
		return true;
	}
	return false;
}

const char *sim_lock_flags_name(unsigned int flags, char buf[4])
{
	char *p = buf;

	for (size_t i = 0; i < NELEMS(lock_flags); i++)
		if (flags & lock_flags[i].flag)
			*p++ = lock_flags[i].letter;
	*p = '\0';
	return buf;
}

const char *sim_note_name(unsigned int note)
{
	return name_of(note_names, NELEMS(note_names), (int)note);
}

unsigned int sim_note_number(const char *name)
{
	const struct sim_name *found = find_name(note_names, NELEMS(note_names), name);

	return found ? (unsigned int)found->number : 0;
}

const char *sim_name_nearer(const char *best, const char *name, const char *written)
{
	return nearer_name(best, name, written);
}

const char *sim_advice_nearest(const char *written)
{
	const char *near = NULL;

	for (size_t i = 0; i < NELEMS(advices); i++)
		near = sim_name_nearer(near, advices[i].name, written);
	return near;
}
