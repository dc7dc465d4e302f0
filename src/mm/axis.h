/* SPDX-License-Identifier: MIT */
/* The axes: tables of strategies, and presets computed from their `since`. */
#ifndef MMSIM_MM_AXIS_H
#define MMSIM_MM_AXIS_H

#include "mem/sim.h"

/* "6.18" to KERNEL_VERSION(6, 18); 0: not a release. */
unsigned int kernel_version_parse(const char *text);

/**
 * axes_resolve - set the instance's strategies from its configuration
 * @error: 256 bytes
 * Return: 0 or -EINVAL.
 */
int axes_resolve(struct mmsim *sim, char *error);

#endif
