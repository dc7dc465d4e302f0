/* SPDX-License-Identifier: MIT */
/* Memory for what is measured. */
#ifndef MMSIM_SIM_SCENARIO_TOUCHED_H
#define MMSIM_SIM_SCENARIO_TOUCHED_H

#include <stddef.h>

/*
 * As calloc(1, @size), and this computer has backed it with memory. Where the first touch of a page
 * falls into a run, it stalls the task, and who waits for a lock that this task or its neighbour
 * on the CPU holds: in a virtual machine for milliseconds.
 */
void *touched_calloc(size_t size);

#endif
