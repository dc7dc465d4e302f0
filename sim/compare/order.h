/* SPDX-License-Identifier: MIT */
/*
 * Who runs first in a round. Drawn anew for each round: whatever place in a round is bad (the
 * caches are cold, the machine has become warm) is then as often one variant's as another's. A
 * fixed alternation would fall in step with anything that has a period.
 */
#ifndef MMSIM_SIM_COMPARE_ORDER_H
#define MMSIM_SIM_COMPARE_ORDER_H

#include <stdint.h>

/**
 * order_of_round - the order of the variants in one round, all orders equally likely
 * @seed: of the whole measurement
 * @round: number of the round; each has an order that does not depend on the others
 * @order: overwritten with 0 .. @n - 1
 * @n: number of variants
 */
void order_of_round(uint64_t seed, uint64_t round, unsigned int *order, unsigned int n);

#endif
