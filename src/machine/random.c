/* SPDX-License-Identifier: MIT */
/* Random streams by (seed, name, index), the same on every computer. */
#include "machine/machine.h"

static uint64_t mix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void rng_init(struct rng *rng, uint64_t seed, const char *name, uint64_t index)
{
	uint64_t state = seed;

	/* Mixed before the name comes in, or a seed's bits and a letter's would meet. */
	state = mix(&state);
	for (; *name; name++) {
		state ^= (unsigned char)*name;
		state = mix(&state);
	}
	state = mix(&state) ^ index;
	for (int i = 0; i < 4; i++)
		rng->s[i] = mix(&state);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t rng_next(struct rng *rng)
{
	uint64_t *s = rng->s; /* xoshiro256** */
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	return (uint64_t)(((unsigned __int128)rng_next(rng) * bound) >> 64);
}
