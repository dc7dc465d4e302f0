/* SPDX-License-Identifier: MIT */
/* System calls that ftrace tells by their numbers: which architecture's are they? */
#define _GNU_SOURCE 1
#include "ftrace_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CALL(kind) (PERF_ENTER_##kind - PERF_ENTER_MMAP)

static const struct {
	const char *name;
	int number[NR_FTRACE_CALLS];
} archs[] = {
	[FTRACE_X86_64] = {"x86-64",
			   {[CALL(MMAP)] = 9,
			    [CALL(MUNMAP)] = 11,
			    [CALL(MPROTECT)] = 10,
			    [CALL(MADVISE)] = 28,
			    [CALL(MREMAP)] = 25,
			    [CALL(BRK)] = 12}},
	[FTRACE_ARM64] = {"arm64",
			  {[CALL(MMAP)] = 222,
			   [CALL(MUNMAP)] = 215,
			   [CALL(MPROTECT)] = 226,
			   [CALL(MADVISE)] = 233,
			   [CALL(MREMAP)] = 216,
			   [CALL(BRK)] = 214}},
};

/* What stands behind these in the registers is nobody's. */
static const int nr_arguments[NR_FTRACE_CALLS] = {
	[CALL(MMAP)] = 5,    [CALL(MUNMAP)] = 2, [CALL(MPROTECT)] = 3,
	[CALL(MADVISE)] = 3, [CALL(MREMAP)] = 5, [CALL(BRK)] = 1,
};

/* mmap2() of 32-bit programs, on both. */
#define COMPAT_MMAP2 192

enum ftrace_arch ftrace_arch_find(const char *name)
{
	for (int arch = 0; arch < FTRACE_ARCH_UNKNOWN; arch++)
		if (!strcmp(archs[arch].name, name))
			return (enum ftrace_arch)arch;
	return FTRACE_ARCH_UNKNOWN;
}

/* Which memory call a number is; -1: none. */
static int call_of(enum ftrace_arch arch, int nr)
{
	for (int call = 0; call < NR_FTRACE_CALLS; call++)
		if (archs[arch].number[call] == nr)
			return call;
	return -1;
}

/* ---- reading ---- */

/* (a, b, c, d, e, f), hexadecimal; false when that is not what is there. */
static bool read_arguments(const char *p, uint64_t *value)
{
	char *end;

	if (*p != '(')
		return false;
	for (int i = 0; i < PERF_EVENT_VALUES_MAX; i++) {
		value[i] = strtoull(p + 1, &end, 16);
		if (end == p + 1 || *end != ',')
			return false;
		p = end;
	}
	return true;
}

/* NR 222 (...) or NR 222 = 123. Of perfetto, which keeps no arguments: id=222. */
static bool read_call(struct perf_event *event, bool is_enter, int *nr, bool *no_arguments)
{
	const char *p = event->trace;
	char *end;
	long number;

	*no_arguments = !strncmp(p, "id=", 3);
	if (!*no_arguments && strncmp(p, "NR ", 3))
		return false;
	number = strtol(p + 3, &end, 10);
	*nr = number < 0 || number > 65535 ? -1 : (int)number;
	if (end == p + 3 || *no_arguments)
		return end != p + 3;
	if (is_enter)
		return !strncmp(end, " (", 2) && read_arguments(end + 1, event->value);
	if (strncmp(end, " = ", 3))
		return false;
	p = end + 3;
	event->value[0] = (uint64_t)strtoll(p, &end, 10);
	return end != p;
}

static int add_call(struct ftrace_raw_calls *raw, size_t event, int nr)
{
	size_t wanted = raw->max_calls ? raw->max_calls * 2 : 1024;
	struct ftrace_raw_call *moved;

	if (raw->nr_calls == raw->max_calls) {
		moved = reallocarray(raw->calls, wanted, sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		raw->calls = moved;
		raw->max_calls = wanted;
	}
	raw->calls[raw->nr_calls++] = (struct ftrace_raw_call){event, nr};
	return 0;
}

int ftrace_raw_line(struct ftrace_raw_calls *raw, struct perf_events *events,
		    const struct perf_event *event, bool is_enter)
{
	struct perf_event call = *event;
	bool no_arguments;
	int nr, ret;

	if (!read_call(&call, is_enter, &nr, &no_arguments)) {
		events->skipped_lines++;
		return 0;
	}
	if (nr != COMPAT_MMAP2 && call_of(FTRACE_X86_64, nr) < 0 && call_of(FTRACE_ARM64, nr) < 0) {
		events->unknown_events++;
		return 0;
	}
	if (no_arguments) {
		events->no_arguments++;
		return 0;
	}
	call.kind = is_enter ? PERF_ENTER_MMAP : PERF_EXIT_MMAP;
	ret = add_call(raw, events->nr_events, nr);
	return ret ? ret : perf_events_add(events, &call);
}

/* ---- the architecture ---- */

static bool mappable(uint64_t addr)
{
	addr = ftrace_untagged(addr);
	return addr >= 65536 && !(addr % SIM_PAGE_SIZE) && !(addr >> 55);
}

static bool is_prot(uint64_t prot)
{
	const uint64_t of_arm64 = 0x30;

	return !(prot &
		 ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN | PROT_GROWSUP | of_arm64));
}

/* Whether the arguments make sense for the call; those of another call hardly ever do. */
static bool makes_sense(int call, const uint64_t *value)
{
	switch (call) {
	case CALL(MMAP):
		return value[1] && is_prot(value[2]) && value[3] <= UINT32_MAX &&
		       value[3] & (MAP_SHARED | MAP_PRIVATE);
	case CALL(MUNMAP):
		return mappable(value[0]) && value[1];
	case CALL(MPROTECT):
		return mappable(value[0]) && value[1] && is_prot(value[2]);
	case CALL(MADVISE):
		return mappable(value[0]) && value[1] && value[2] < 256;
	case CALL(MREMAP):
		return mappable(value[0]) && value[2] && value[3] < 8;
	default:
		return !value[0] || mappable(value[0]);
	}
}

static int find_arch(const struct ftrace_raw_calls *raw, const struct perf_events *events,
		     enum ftrace_arch *found, const char *path, struct sim_error *err)
{
	uint64_t fits[] = {0, 0};

	for (size_t i = 0; i < raw->nr_calls; i++) {
		const struct perf_event *event = &events->events[raw->calls[i].event];

		for (int arch = 0; arch < FTRACE_ARCH_UNKNOWN; arch++) {
			int call = call_of((enum ftrace_arch)arch, raw->calls[i].nr);

			if (event->kind == PERF_ENTER_MMAP && call >= 0)
				fits[arch] += makes_sense(call, event->value);
		}
	}
	if (fits[FTRACE_X86_64] > 9 * fits[FTRACE_ARM64])
		*found = FTRACE_X86_64;
	else if (fits[FTRACE_ARM64] > 9 * fits[FTRACE_X86_64])
		*found = FTRACE_ARM64;
	else if (fits[FTRACE_X86_64])
		return sim_error_set(err, -EINVAL, path, 0,
				     "expected system calls of one architecture, found %llu that "
				     "make sense on x86-64 and %llu on arm64: say which it is by "
				     "--arch x86-64|arm64",
				     (unsigned long long)fits[FTRACE_X86_64],
				     (unsigned long long)fits[FTRACE_ARM64]);
	else if (raw->faults_of_x86)
		*found = FTRACE_X86_64;
	return 0;
}

static void resolve(const struct ftrace_raw_calls *raw, const struct ftrace_raw_call *call,
		    enum ftrace_arch arch, struct perf_events *events)
{
	struct perf_event *event = &events->events[call->event];
	int which = arch == FTRACE_ARCH_UNKNOWN ? -1 : call_of(arch, call->nr);

	if (which < 0 || raw->named & 1u << which) {
		if (call->nr == COMPAT_MMAP2 && event->kind == PERF_ENTER_MMAP &&
		    makes_sense(CALL(MMAP), event->value))
			events->compat_calls++;
		else
			events->unknown_events++;
		event->tid = 0;
		return;
	}
	event->kind += which;
	if (event->kind > PERF_ENTER_BRK)
		return;
	event->value[0] = ftrace_untagged(event->value[0]);
	for (int i = nr_arguments[which]; i < PERF_EVENT_VALUES_MAX; i++)
		event->value[i] = 0;
}

int ftrace_raw_resolve(struct ftrace_raw_calls *raw, struct perf_events *events,
		       enum ftrace_arch arch, const char *path, struct sim_error *err)
{
	int ret = 0;

	if (arch == FTRACE_ARCH_UNKNOWN)
		ret = find_arch(raw, events, &arch, path, err);
	for (size_t i = 0; !ret && i < raw->nr_calls; i++)
		resolve(raw, &raw->calls[i], arch, events);
	return ret;
}
