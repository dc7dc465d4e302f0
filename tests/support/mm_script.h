/* SPDX-License-Identifier: MIT */
/*
 * What an address space does, as a script that is done in every release. A line
 * is an operation of the operation lists without its PID, or a check:
 *
 *	OP ARGS [= RESULT]	RESULT: an error's name, pgN (an address in the window), +N (in
 *				the heap), a number; of an access its kind, of a load also what
 *				was loaded. Without it the operation has to succeed.
 *	name START LEN [NAME]	PR_SET_VMA_ANON_NAME
 *	V VMAS, H VMAS		the VMAs of the window, of the heap: 0-4:rw-,ac 6-8:r--<name>
 *	P START LETTERS		its pages: - no VMA, . nothing mapped, z zero page, x page, G guard
 *	L PAGES, M VMAS		locked_vm, map_count
 *	C COUNTER VALUE		what was counted so far
 *	config KEY VALUE	max_map_count, max_locked_bytes, max_stack_bytes; at the beginning
 *
 * Before it may stand "6.17:" or "<6.17:", or both: only since, only before a release. +N is the
 * address N bytes behind the heap's beginning, @N that of page N of the window and behind.
 *
 * In a header, since the library of the tests is linked behind the parser's.
 */
#ifndef MMSIM_TESTS_SUPPORT_MM_SCRIPT_H
#define MMSIM_TESTS_SUPPORT_MM_SCRIPT_H

#include "mm/mm.h"
#include "mmsim/mmsim.h"
#include "scenario/do_op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define SCRIPT_WINDOW_PAGES 0x10000 /* that V looks at */

struct script {
	const char *kernel, *text;
	char line[512]; /* the one at hand */
	struct mmsim_config config;
	struct mmsim *sim;
	struct mm_struct *mm;
};

__attribute__((format(printf, 2, 3))) static inline void script_wrong(const struct script *s,
								      const char *fmt, ...)
{
	char what[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	fail_msg("kernel %s: %s\n\tbut it is: %s", s->kernel, s->line, what);
}

static inline void script_expect(const struct script *s, const char *expected, const char *got)
{
	if (strcmp(expected, got))
		script_wrong(s, "%s", got);
}

static inline void script_expect_number(const struct script *s, const char *expected, uint64_t got)
{
	if (strtoull(expected, NULL, 0) != got)
		script_wrong(s, "%llu", (unsigned long long)got);
}

/* ---- what it looks like ---- */

static inline void script_print_vmas(struct mm_struct *mm, uint64_t base, char *buf, size_t size)
{
	uint64_t end = base + SCRIPT_WINDOW_PAGES * PAGE_SIZE;
	struct mmsim_vma vma;
	size_t n = 0;

	*buf = '\0';
	for (uint64_t at = base; !mmsim_vma_find(mm, at, &vma) && vma.start < end; at = vma.end) {
		n += (size_t)snprintf(
			buf + n, size - n, "%s%d-%d:%c%c%c", n ? " " : "",
			(int)((int64_t)(vma.start - base) / (int64_t)PAGE_SIZE),
			(int)((vma.end - base) / PAGE_SIZE), vma.prot & PROT_READ ? 'r' : '-',
			vma.prot & PROT_WRITE ? 'w' : '-', vma.prot & PROT_EXEC ? 'x' : '-');
		for (char *flag = strtok(vma.flags, " "); flag; flag = strtok(NULL, " "))
			n += (size_t)snprintf(buf + n, size - n, ",%s", flag);
		if (*vma.name)
			n += (size_t)snprintf(buf + n, size - n, "<%s>", vma.name);
	}
}

static inline void script_check_vmas(const struct script *s, uint64_t base, const char *expected)
{
	char text[2048];

	script_print_vmas(s->mm, base, text, sizeof(text));
	script_expect(s, expected, text);
}

static inline void script_check_pages(const struct script *s, const char *args)
{
	static const char letters[] = {
		[MMSIM_PAGE_NO_VMA] = '-', [MMSIM_PAGE_NONE] = '.',  [MMSIM_PAGE_ZERO] = 'z',
		[MMSIM_PAGE_ANON] = 'x',   [MMSIM_PAGE_GUARD] = 'G',
	};
	char text[256], *expected;
	uint64_t page = strtoull(args, &expected, 10);
	size_t n = strlen(++expected);

	for (size_t i = 0; i < n; i++)
		text[i] = letters[mmsim_page_at(s->mm, SIM_WINDOW_BASE + (page + i) * PAGE_SIZE,
						NULL, NULL)];
	text[n] = '\0';
	script_expect(s, expected, text);
}

/* ---- operations ---- */

static inline void script_print_access(enum mmsim_access access, const uint64_t *value, char *buf,
				       size_t size)
{
	static const char *const kinds[] = {
		[MMSIM_ACCESS_HIT] = "hit",	  [MMSIM_ACCESS_NEW] = "new",
		[MMSIM_ACCESS_REUSE] = "reuse",	  [MMSIM_ACCESS_COPY] = "copy",
		[MMSIM_ACCESS_MAPERR] = "MAPERR", [MMSIM_ACCESS_ACCERR] = "ACCERR",
		[MMSIM_ACCESS_OOM] = "OOM",	  [MMSIM_ACCESS_KILLED] = "KILLED",
	};

	if (value && access < MMSIM_ACCESS_MAPERR)
		snprintf(buf, size, "%s %llu", kinds[access], (unsigned long long)*value);
	else
		snprintf(buf, size, "%s", kinds[access]);
}

static inline void script_print_result(int64_t result, char *buf, size_t size)
{
	uint64_t page = ((uint64_t)result - SIM_WINDOW_BASE) / PAGE_SIZE;

	if (result < 0)
		snprintf(buf, size, "%s", sim_errno_name((int)-result));
	else if ((uint64_t)result >= SIM_WINDOW_BASE && page < SCRIPT_WINDOW_PAGES)
		snprintf(buf, size, "pg%llu", (unsigned long long)page);
	else if ((uint64_t)result - BRK_START < SCRIPT_WINDOW_PAGES * PAGE_SIZE)
		snprintf(buf, size, "+%#llx", (unsigned long long)result - BRK_START);
	else
		snprintf(buf, size, "%lld", (long long)result);
}

/* True: it succeeded. */
static inline bool script_do_op(struct script *s, const char *text, char *result, size_t size)
{
	struct sim_error err;
	struct sim_op op;
	uint64_t value;
	int64_t called;

	if (sim_op_parse_list(text, "script", 0, &op, &err) != 1)
		fail_msg("%s", err.text);
	if (op.kind == OP_R || op.kind == OP_W) {
		enum mmsim_access access;

		access = op.kind == OP_R ? mmsim_load(s->mm, op.addr, &value) :
					   mmsim_store(s->mm, op.addr, op.value);
		script_print_access(access, op.kind == OP_R ? &value : NULL, result, size);
		return access < MMSIM_ACCESS_MAPERR;
	}
	called = sim_do_call(s->mm, &op);
	script_print_result(called, result, size);
	return called >= 0;
}

static inline bool script_do_name(struct script *s, const char *args, char *result, size_t size)
{
	unsigned long long start, len;
	char name[128] = "";
	int err;

	sscanf(args, "%llu %llu %127s", &start, &len, name);
	err = mmsim_set_vma_name(s->mm, SIM_WINDOW_BASE + start * PAGE_SIZE, len * PAGE_SIZE,
				 *name ? name : NULL);
	script_print_result(err, result, size);
	return !err;
}

/* "0 OP ARGS", with +N and @N as addresses. */
static inline void script_list_line(const char *line, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "0 ");

	while (*line) {
		uint64_t base = *line == '+' ? BRK_START : SIM_WINDOW_BASE;
		uint64_t unit = *line == '+' ? 1 : PAGE_SIZE;
		char *end;

		if (*line != '+' && *line != '@') {
			n += (size_t)snprintf(buf + n, size - n, "%c", *line++);
			continue;
		}
		n += (size_t)snprintf(buf + n, size - n, "%#llx",
				      base + unit * strtoull(line + 1, &end, 0));
		line = end;
	}
}

static inline void script_operation(struct script *s, char *line)
{
	char *expected = strstr(line, " = ");
	char text[512], result[128];
	bool succeeded;

	if (expected)
		*expected = '\0';
	script_list_line(line, text, sizeof(text));
	if (!strncmp(line, "name ", 5))
		succeeded = script_do_name(s, line + 5, result, sizeof(result));
	else
		succeeded = script_do_op(s, text, result, sizeof(result));
	mmsim_mm_check(s->mm);
	if (expected)
		script_expect(s, expected + 3, result);
	else if (!succeeded)
		script_wrong(s, "%s", result);
}

/* ---- lines ---- */

static inline void script_configure(struct script *s, const char *args)
{
	unsigned long long value;
	char key[64];

	assert_int_equal(sscanf(args, "%63s %llu", key, &value), 2);
	if (!strcmp(key, "max_map_count"))
		s->config.max_map_count = value;
	else if (!strcmp(key, "max_locked_bytes"))
		s->config.max_locked_bytes = value;
	else if (!strcmp(key, "max_stack_bytes"))
		s->config.max_stack_bytes = value;
	else
		fail_msg("no such setting: %s", key);
}

static inline void script_begin(struct script *s)
{
	assert_int_equal(mmsim_create(&s->config, &s->sim, NULL), 0);
	s->mm = mmsim_mm_create(s->sim, "app");
	assert_non_null(s->mm);
	assert_int_equal(mmsim_use_mm(s->mm), 0);
}

static inline void script_end(struct script *s)
{
	assert_int_equal(mmsim_use_mm(NULL), 0);
	mmsim_mm_put(s->mm);
	if (mmsim_destroy(s->sim))
		fail_msg("kernel %s: something leaks", s->kernel);
}

static inline void script_check(struct script *s, char *line)
{
	const char *args = line + 1 + (line[1] == ' ');
	char counter[64];
	int n;

	switch (*line) {
	case 'V':
		script_check_vmas(s, SIM_WINDOW_BASE, args);
		break;
	case 'H':
		script_check_vmas(s, BRK_START, args);
		break;
	case 'P':
		script_check_pages(s, args);
		break;
	case 'L':
		script_expect_number(s, args, s->mm->locked_vm);
		break;
	case 'M':
		script_expect_number(s, args, mmsim_map_count(s->mm));
		break;
	case 'C':
		assert_int_equal(sscanf(args, "%63s %n", counter, &n), 1);
		script_expect_number(s, args + n, mmsim_counter(s->sim, counter));
		break;
	default:
		script_operation(s, line);
	}
}

/* The line without the releases that it is for; NULL: this is none of them. */
static inline char *script_for_release(const struct script *s, char *line)
{
	for (;;) {
		bool before = *line == '<';
		int major, minor, n = 0;

		if (sscanf(line + before, "%d.%d:%n", &major, &minor, &n) != 2 || !n)
			return line;
		if (mmsim_since(s->mm, major, minor) == before)
			return NULL;
		line += before + n;
		line += *line == ' ';
	}
}

static inline void script_line(struct script *s)
{
	char copy[sizeof(s->line)], *line;

	strcpy(copy, s->line);
	if (!strncmp(copy, "config ", 7)) {
		script_configure(s, copy + 7);
		return;
	}
	if (!s->sim)
		script_begin(s);
	line = script_for_release(s, copy);
	if (line && *line)
		script_check(s, line);
}

/* Do @text as @kernel does it. */
static inline void script_run_in(const char *kernel, const char *text)
{
	struct script s = {.kernel = kernel, .text = text};

	mmsim_config_init(&s.config);
	assert_int_equal(mmsim_config_set(&s.config, "machine", "step", NULL), 0);
	assert_int_equal(mmsim_config_set(&s.config, "kernel", kernel, NULL), 0);
	s.config.memory_bytes = 16 << 20;
	s.config.max_locked_bytes = 1ul << 40;
	while (*text) {
		int n = (int)strcspn(text, "\n");

		snprintf(s.line, sizeof(s.line), "%.*s", n, text);
		script_line(&s);
		text += n + (text[n] == '\n');
	}
	script_end(&s);
}

/* Do @text in releases of every kind. */
static inline void script_run(const char *text)
{
	static const char *const kernels[] = {"5.15", "6.1",  "6.3",  "6.5",  "6.6",  "6.7", "6.11",
					      "6.12", "6.15", "6.16", "6.17", "6.18", "7.0"};

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		script_run_in(kernels[i], text);
}

#endif
