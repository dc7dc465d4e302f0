/* SPDX-License-Identifier: MIT */
/*
 * Recordings made from the text of `strace -f -ttt -T`, perhaps with -y, -Y, -s N or -e trace=...
 *
 * strace has the calls of a program, their order and their results. It has neither true times, as
 * ptrace slows a program down 2 to 10 times, nor what the program touched: a replay makes the
 * calls, but no page is ever there. The recording says so, see RECORDING_LIMITS.
 */
#ifndef MMSIM_SIM_IMPORT_STRACE_H
#define MMSIM_SIM_IMPORT_STRACE_H

#include "import.h"

/**
 * import_strace - make a recording of strace's text
 * @path: the text, plain or xz; it may end in the middle of a line or of a system call
 * @out: overwritten; to be freed with recording_free() when 0 is returned
 * @report: overwritten: what was found and what was left out
 * @err: what was wrong, may be NULL
 *
 * A process that nobody was seen starting is one of its own; but threads that strace attached to
 * are known when its message about that is in the text.
 *
 * Return: 0 or a negative errno, -EINVAL when the file is no such text.
 */
int import_strace(const char *path, struct recording *out, struct import_report *report,
		  struct sim_error *err);

#endif
