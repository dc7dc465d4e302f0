/* SPDX-License-Identifier: MIT */
/* Numbers with suffixes, as options and scenarios take them. */
#ifndef MMSIM_SIM_SCENARIO_SIZE_H
#define MMSIM_SIM_SCENARIO_SIZE_H

#include <stdint.h>

/**
 * sim_parse_size - read a number, decimal or 0x..., with k, m, g or t behind it times 1024, ..
 * @text: all of it must be the number
 * @size: where to
 *
 * Return: 0 or -EINVAL.
 */
int sim_parse_size(const char *text, uint64_t *size);

/**
 * sim_parse_time - read a time such as 8.33ms: ns, us, ms, s, m or h; without any: seconds
 * @text: all of it must be the time
 * @ns: where to
 *
 * Return: 0 or -EINVAL.
 */
int sim_parse_time(const char *text, uint64_t *ns);

#endif
