/* SPDX-License-Identifier: MIT */
/*
 * Recordings made from ftrace's text: what trace and trace_pipe of tracefs hold, or systrace's HTML
 * around it. A line is
 *
 *   COMM-PID [(TGID)] [CPU] [FLAGS] SECONDS.MICROSECONDS: EVENT
 *
 * and EVENT is one of
 *
 *   sys_mmap(addr: 0, len: 0x2000, ...)  sys_mmap -> 0x7f1200000000       syscalls:*
 *   sys_enter: NR 222 (0, 2000, ...)     sys_exit: NR 222 = 123           raw_syscalls:*
 *   NAME: KEY=VALUE...                                                    any other
 *
 * Older kernels print the first one's numbers as hexadecimal without 0x; trace-cmd and perfetto
 * print system calls of the first kind as any other event.
 */
#ifndef MMSIM_SIM_IMPORT_FTRACE_TEXT_H
#define MMSIM_SIM_IMPORT_FTRACE_TEXT_H

#include "perf_script.h"

/* Whose numbers raw_syscalls:* has. 32-bit programs are not imported. */
enum ftrace_arch { FTRACE_X86_64, FTRACE_ARM64, FTRACE_ARCH_UNKNOWN };

/**
 * ftrace_arch_find - look an architecture up
 * @name: x86-64 or arm64
 *
 * Return: the architecture, FTRACE_ARCH_UNKNOWN when there is none of that name.
 */
enum ftrace_arch ftrace_arch_find(const char *name);

/**
 * import_ftrace - make a recording of ftrace's text
 * @path: the text or the HTML around it, plain or xz; it may end in the middle of a line
 * @arch: of the traced machine; FTRACE_ARCH_UNKNOWN: see below
 * @out: overwritten; to be freed with recording_free() when 0 is returned
 * @report: overwritten: what was found and what was left out
 * @err: what was wrong, may be NULL
 *
 * When system calls are told by their numbers only, an architecture is taken for the traced one
 * when more than nine in ten of the memory calls whose arguments make sense make sense by its
 * numbers. Without such a majority it is an error: @arch has to say.
 *
 * A trace without TGIDs is sorted into processes by what clone was asked for, then by which
 * mmap_lock each thread takes most; a thread that neither tells of is a process of its own.
 *
 * Return: 0 or a negative errno, -EINVAL when the file has no known event.
 */
int import_ftrace(const char *path, enum ftrace_arch arch, struct recording *out,
		  struct import_report *report, struct sim_error *err);

#endif
