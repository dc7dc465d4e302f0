/* SPDX-License-Identifier: MIT */
/*
 * The operation language: one table of the mm operations that scenarios, operation lists and
 * recordings are made of. Parser, printer and help all come from that table.
 *
 * Operation list:  PID OP ARGS
 * Recording:       TIME_US PID TID OP ARGS [= RESULT] [;NOTE]...
 * Script:          OP ARGS, with places and distributions for numbers (script.h)
 *
 * A number that begins with 0x is a byte address or a length in bytes. A plain decimal number is a
 * page of the 64-page window at SIM_WINDOW_BASE (a start) or a number of pages (a length).
 */
#ifndef MMSIM_SIM_SCENARIO_OP_H
#define MMSIM_SIM_SCENARIO_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PAGE_SHIFT 12
#define SIM_PAGE_SIZE (UINT64_C(1) << SIM_PAGE_SHIFT)
#define SIM_WINDOW_BASE UINT64_C(0x100000000000)
#define SIM_WINDOW_PAGES 64

/* The longest line that the printers write, with its NUL; the parsers take no longer one. */
#define SIM_OP_LINE_MAX 512

/*
 * The operation table: X(NAME, "name", "arguments", "help", kinds of the arguments...).
 * The arguments' kinds are enum sim_arg without the prefix.
 */
#define SIM_OPS(X)                                                                                 \
	X(MMAP, "mmap", "START LEN PROT FLAGS [fK PGOFF]",                                         \
	  "map memory: PROT none r rw rx rwx w x wx; FLAGS p private or s shared, then "           \
	  "e MAP_FIXED_NOREPLACE or h hint (else MAP_FIXED), n NORESERVE, P POPULATE, l LOCKED, "  \
	  "g GROWSDOWN, k STACK; fK PGOFF: file K from page PGOFF on",                             \
	  SIM_ARG_START, SIM_ARG_LEN, SIM_ARG_PROT, SIM_ARG_FLAGS, SIM_ARG_FILE)                   \
	X(MUNMAP, "munmap", "START LEN", "unmap a range", SIM_ARG_START, SIM_ARG_LEN)              \
	X(MPROTECT, "mprotect", "START LEN PROT", "change the protection of a range",              \
	  SIM_ARG_START, SIM_ARG_LEN, SIM_ARG_PROT)                                                \
	X(MLOCK, "mlock", "START LEN [onfault]",                                                   \
	  "lock a range into memory; onfault: pages as they come", SIM_ARG_START, SIM_ARG_LEN,     \
	  SIM_ARG_ON_FAULT)                                                                        \
	X(MUNLOCK, "munlock", "START LEN", "undo mlock", SIM_ARG_START, SIM_ARG_LEN)               \
	X(MLOCKALL, "mlockall", "FLAGS",                                                           \
	  "lock all memory: c what there is, f what will be, o pages as they come",                \
	  SIM_ARG_LOCK_FLAGS)                                                                      \
	X(MUNLOCKALL, "munlockall", "", "undo mlockall", SIM_ARG_NONE)                             \
	X(MADVISE, "madvise", "START LEN ADVICE",                                                  \
	  "give advice: a name without MADV_, or a number for an advice without a name",           \
	  SIM_ARG_START, SIM_ARG_LEN, SIM_ARG_ADVICE)                                              \
	X(PROCESS_MADVISE, "process_madvise", "START LEN START LEN ADVICE",                        \
	  "give one advice for two ranges in one call", SIM_ARG_START, SIM_ARG_LEN,                \
	  SIM_ARG_NEW_START, SIM_ARG_NEW_LEN, SIM_ARG_ADVICE)                                      \
	X(USERFAULTFD, "userfaultfd", "START LEN on|off",                                          \
	  "arm a range for a userfaultfd that waits for missing pages, or disarm it",              \
	  SIM_ARG_START, SIM_ARG_LEN, SIM_ARG_SWITCH)                                              \
	X(MREMAP, "mremap", "OLD LEN NEWLEN inplace|maymove|to NEW|dontunmap NEW",                 \
	  "resize or move a range: inplace no flags, maymove MREMAP_MAYMOVE, "                     \
	  "to NEW also MREMAP_FIXED, dontunmap NEW also MREMAP_DONTUNMAP",                         \
	  SIM_ARG_START, SIM_ARG_LEN, SIM_ARG_NEW_LEN, SIM_ARG_MOVE)                               \
	X(BRK, "brk", "ADDR", "move the end of the heap; 0x0 asks where it is", SIM_ARG_START)     \
	X(MOVE_PAGES, "move_pages", "START LEN",                                                   \
	  "move the pages of a range to other memory, whoever maps them", SIM_ARG_START,           \
	  SIM_ARG_LEN)                                                                             \
	X(R, "r", "ADDR", "load the u64 at the page's start, or touch the byte address",           \
	  SIM_ARG_START)                                                                           \
	X(W, "w", "ADDR [VALUE]", "store a u64; without VALUE what was stored is not known",       \
	  SIM_ARG_START, SIM_ARG_OPT_VALUE)                                                        \
	X(FORK, "fork", "[PID|NAME]",                                                              \
	  "make a child process; recordings give its pid, scripts the [process NAME] it becomes",  \
	  SIM_ARG_CHILD)                                                                           \
	X(THREAD, "thread", "TID", "start thread TID of the same process", SIM_ARG_VALUE)          \
	X(EXEC, "exec", "", "drop the address space and start with an empty one", SIM_ARG_NONE)    \
	X(EXIT, "exit", "[1]", "end the thread; 1: it was the last of its process",                \
	  SIM_ARG_OPT_VALUE)                                                                       \
	X(SLEEP, "sleep", "TIME", "sleep", SIM_ARG_TIME)                                           \
	X(COMPACT, "compact", "LEN",                                                               \
	  "look at so much physical memory, and move what is in use elsewhere, as kcompactd",      \
	  SIM_ARG_LEN)                                                                             \
	X(SHRINK, "shrink", "LEN",                                                                 \
	  "look at so much physical memory: age it, free what MADV_FREE gave up, as kswapd",       \
	  SIM_ARG_LEN)                                                                             \
	X(KILL, "kill", "NAME", "end the oldest of those that forks made a [process NAME]",        \
	  SIM_ARG_NAME)                                                                            \
	X(COMPUTE, "compute", "TIME", "use the CPU for so long", SIM_ARG_TIME)                     \
	X(BARRIER, "barrier", "NAME",                                                              \
	  "wait until all tasks that name this barrier have come, or ended", SIM_ARG_NAME)         \
	X(DO, "do", "NAME", "do the lines of [script NAME]", SIM_ARG_NAME)

#define SIM_OP_ENUM(id, ...) OP_##id,
enum op_kind { SIM_OPS(SIM_OP_ENUM) NR_SIM_OPS };
#undef SIM_OP_ENUM

/* From here on only scripts have them. */
#define SIM_FIRST_SCRIPT_OP OP_SLEEP

/* What an argument of an operation is, hence how it is read, written and where it is kept. */
enum sim_arg {
	SIM_ARG_NONE,
	SIM_ARG_START,
	SIM_ARG_LEN,
	SIM_ARG_NEW_START,
	SIM_ARG_NEW_LEN,
	SIM_ARG_PROT,
	SIM_ARG_FLAGS,
	SIM_ARG_FILE,
	SIM_ARG_ADVICE,
	SIM_ARG_MOVE,
	SIM_ARG_ON_FAULT,
	SIM_ARG_LOCK_FLAGS,
	SIM_ARG_SWITCH,
	SIM_ARG_VALUE,
	SIM_ARG_OPT_VALUE,
	SIM_ARG_CHILD,
	SIM_ARG_TIME,
	SIM_ARG_NAME,
};

#define SIM_OP_ARGS_MAX 5

/* One row of the operation table. */
struct sim_op_spec {
	const char *name;
	const char *args;
	const char *help;
	enum sim_arg arg[SIM_OP_ARGS_MAX];
};

extern const struct sim_op_spec sim_op_specs[NR_SIM_OPS];

/* What an importer knows about an operation that the traced program did not say. */
#define SIM_NOTE_ASSUMED 0x1 /* not seen in the trace: the importer inferred it */
#define SIM_NOTE_FILE 0x2 /* was a file mapping; replayed as anonymous private memory */

/*
 * One operation. prot holds PROT_*; flags holds MAP_* for mmap (neither MAP_FIXED nor
 * MAP_FIXED_NOREPLACE: addr is a hint, letter h), MREMAP_* for mremap, MCL_* for mlockall, 1 for
 * mlock onfault and userfaultfd on. new_addr and new_len are process_madvise's second range.
 * file is K of fK, -1 for anonymous memory (then MAP_ANONYMOUS is set). value is what w stores,
 * the child of fork and thread, group_dead of exit. result is 0, an address or a negative errno.
 */
struct sim_op {
	enum op_kind kind;
	uint64_t time_ns;
	int pid, tid;
	uint64_t addr, len;
	uint64_t new_addr, new_len;
	unsigned int prot, flags;
	int advice;
	int file;
	uint64_t pgoff;
	uint64_t value;
	bool has_value, has_result;
	int64_t result;
	unsigned int notes;
	unsigned int line;
};

/* What was wrong, as `file:line: what was expected`. */
struct sim_error {
	char text[512];
};

/**
 * sim_error_set - write an error's text
 * @err: where to, may be NULL
 * @error: negative errno to hand on
 * @file: name of the input
 * @line: line in it, 0 when no line is to blame
 * @fmt: what was expected
 *
 * Return: @error.
 */
int sim_error_set(struct sim_error *err, int error, const char *file, unsigned int line,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/**
 * sim_op_parse_list - read one line of an operation list
 * @text: the line, with or without its newline
 * @file: name of the input, for the error
 * @line: number of the line, for the error and @op->line
 * @op: the operation; tid is set to pid
 * @err: what was wrong, may be NULL
 *
 * Return: 1 for an operation, 0 for a blank line or a comment, -EINVAL for anything else.
 */
int sim_op_parse_list(const char *text, const char *file, unsigned int line, struct sim_op *op,
		      struct sim_error *err);

/**
 * sim_op_parse_record - read one operation line of a recording
 * @text: the line, with or without its newline
 * @file: name of the input, for the error
 * @line: number of the line, for the error and @op->line
 * @op: the operation
 * @err: what was wrong, may be NULL
 *
 * Return: 1 for an operation, 0 for a blank line or a comment, -EINVAL for anything else.
 */
int sim_op_parse_record(const char *text, const char *file, unsigned int line, struct sim_op *op,
			struct sim_error *err);

/**
 * sim_op_print_list - write an operation as a line of an operation list, without newline
 * @op: the operation
 * @buf: where to
 * @size: bytes at @buf; SIM_OP_LINE_MAX always suffices
 *
 * What is printed reads back as the same operation, but time, tid, result and notes are left out.
 *
 * Return: the text's length, -ENOSPC when @buf is too small.
 */
int sim_op_print_list(const struct sim_op *op, char *buf, size_t size);

/**
 * sim_op_print_record - write an operation as a line of a recording, without newline
 * @op: the operation
 * @buf: where to
 * @size: bytes at @buf; SIM_OP_LINE_MAX always suffices
 *
 * What is printed reads back as the same operation.
 *
 * Return: the text's length, -ENOSPC when @buf is too small.
 */
int sim_op_print_record(const struct sim_op *op, char *buf, size_t size);

/**
 * sim_errno_name - the name of an error number
 * @number: positive errno
 *
 * Return: its name, NULL when it has none here.
 */
const char *sim_errno_name(int number);

/**
 * sim_errno_number - the error number of a name
 * @name: such as ENOMEM
 *
 * Return: positive errno, 0 when the name is not known.
 */
int sim_errno_number(const char *name);

/**
 * sim_advice_name - the name of a madvise() advice
 * @advice: MADV_* number
 *
 * Return: its name without MADV_, NULL when it has none here.
 */
const char *sim_advice_name(int advice);

/**
 * sim_prot_name - write a protection as none, r, rw, rx, rwx, w, x or wx
 * @prot: PROT_* bits
 * @buf: four bytes
 *
 * Return: @buf.
 */
const char *sim_prot_name(unsigned int prot, char buf[4]);

/**
 * sim_map_flags_name - write mmap() flags as the letters of an operation list
 * @flags: MAP_* bits; those without a letter are left out
 * @buf: ten bytes
 *
 * Return: @buf.
 */
const char *sim_map_flags_name(unsigned int flags, char buf[10]);

#endif
