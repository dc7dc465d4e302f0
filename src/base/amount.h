/* SPDX-License-Identifier: MIT */
/* Numbers with units, exact: 2.8ms is 2800000 ns. */
#ifndef MMSIM_BASE_AMOUNT_H
#define MMSIM_BASE_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * parse_amount - read a number such as 2.8ms, 51.2GB/s or 7
 * @text: all of it must be the number and its unit
 * @base: "ns" (ns, us, ms may be written) or "MB/s" (MB/s, GB/s); what no unit means
 * @max: in the base unit, at most 10^18
 * @amount: where to, in the base unit
 *
 * Return: whether it is one, whole in the base unit and not above @max.
 */
bool parse_amount(const char *text, const char *base, uint64_t max, uint64_t *amount);

#endif
