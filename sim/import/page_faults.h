/* SPDX-License-Identifier: MIT */
/*
 * Recordings made from every page fault of a program, as recorded and printed by
 *
 *   perf record -e page-faults -c 1 -d
 *   perf script -F comm,pid,tid,time,addr,ip --show-task-events
 *
 * No memory calls are in such a text, so all mappings are assumed: each address space begins with
 * what was used of it until its end. Used pages with gaps of at most 32 pages between them become
 * one mapping, as in other imports (assumed.c). The kernel maps the 16 pages around a fault of a
 * file at once, so the pages of one used mapping are rarely farther apart; between two mappings,
 * such as stacks with their guards or libraries, the gaps are mostly larger. Where the mappings
 * were known (a browser, a prefork server, an allocator's test) this gave 0.4, 1.1 and 0.5 times as
 * many as were touched, gaps of 16 pages 0.9, 2.0 and 0.8 times; of a Java heap, which is remapped
 * all the time, it gave a tenth. Too few mappings make VMA locks seem more contended than they
 * were, too many less.
 *
 * Whether a fault was for a load or a store is not in the text either: faults become stores, but
 * those at the instruction pointer, which are loads. The recording says so, see RECORDING_LIMITS.
 */
#ifndef MMSIM_SIM_IMPORT_PAGE_FAULTS_H
#define MMSIM_SIM_IMPORT_PAGE_FAULTS_H

#include "import.h"

/**
 * import_page_faults - make a recording of perf's page faults
 * @path: the text, plain or xz; it may end in the middle of a line
 * @out: overwritten; to be freed with recording_free() when 0 is returned
 * @report: overwritten: what was found and what was left out
 * @err: what was wrong, may be NULL
 *
 * Return: 0 or a negative errno, -EINVAL when no line is a fault or a task event.
 */
int import_page_faults(const char *path, struct recording *out, struct import_report *report,
		       struct sim_error *err);

#endif
