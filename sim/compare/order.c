/* SPDX-License-Identifier: MIT */
#include "order.h"

#include "machine/machine.h"

void order_of_round(uint64_t seed, uint64_t round, unsigned int *order, unsigned int n)
{
	struct rng rng;

	rng_init(&rng, seed, "order of the variants", round);
	/* Fisher and Yates: each newcomer changes places with one that is there, or with none. */
	for (unsigned int i = 0; i < n; i++) {
		unsigned int with = rng_below(&rng, i + 1);

		order[i] = i;
		order[i] = order[with];
		order[with] = i;
	}
}
