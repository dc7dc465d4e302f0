/* SPDX-License-Identifier: MIT */
/* What the running kernel says of the window: its VMAs, pages and contents. See native_state.c. */
#ifndef MMSIM_TESTS_KERNEL_NATIVE_STATE_H
#define MMSIM_TESTS_KERNEL_NATIVE_STATE_H

#include "scenario/op.h"

#include <stdio.h>

/* Bits of an entry of /proc/PID/pagemap. */
#define PAGEMAP_PFN ((UINT64_C(1) << 55) - 1) /* 0 for those who may not see it */
#define PAGEMAP_ONCE (UINT64_C(1) << 56) /* mapped exactly once */
#define PAGEMAP_GUARD (UINT64_C(1) << 58)
#define PAGEMAP_FILE (UINT64_C(1) << 61) /* of a file or shared */
#define PAGEMAP_SWAP (UINT64_C(1) << 62)
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)

#define STATE_MAX 8192

/* The state as it is printed. */
struct native_state {
	char vmas[STATE_MAX];
	char pages[SIM_WINDOW_PAGES + 1];
	char hash[STATE_MAX];
};

/**
 * native_state_open - open what the kernel shows of this process
 *
 * Return: 0, -EACCES when it is hidden here, -EINVAL when pages are not of SIM_PAGE_SIZE bytes.
 */
int native_state_open(void);

/**
 * native_state_sees_pfns - whether physical page numbers are shown
 *
 * Return: false when they read as 0: then neither the zero page nor a copy can be told.
 */
bool native_state_sees_pfns(void);

/**
 * native_state_page - what /proc/self/pagemap says of one page
 * @addr: address in it
 *
 * Return: the entry, PAGEMAP_*.
 */
uint64_t native_state_page(uint64_t addr);

/**
 * native_state_start - the state of an empty window
 * @state: overwritten
 */
void native_state_start(struct native_state *state);

/**
 * native_state_print - print what has changed
 * @state: what was printed last; brought up to date
 * @pid: what the list calls this process
 * @vmas: whether the VMAs may have changed
 * @out: where to
 */
void native_state_print(struct native_state *state, unsigned int pid, bool vmas, FILE *out);

#endif
