/* SPDX-License-Identifier: MIT */
/* Search and proof for one seeded fault; see the header. */
#include "mutant_seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"

#include <cmocka.h>

#define SEEDS_WITHOUT_MIN 100

const char *mutant_name(enum mmsim_mutant mutant)
{
	static const char *const names[] = {
#define X(name, what) #name,
		MMSIM_MUTANTS(X)
#undef X
	};

	return names[mutant];
}

static bool caught(const struct mutant_seed *m, uint64_t seed, mutant_run run, const void *arg,
		   char *why)
{
	bool good;

	*why = '\0';
	mmsim_mutant_on = m->mutant;
	good = run(seed, arg, why);
	mmsim_mutant_on = NR_MUTANTS;
	return !good && strstr(why, m->detection);
}

/* The seed at which it is caught: the named one, or else the first. */
static uint64_t search(const struct mutant_seed *m, mutant_run run, const void *arg)
{
	char why[MUTANT_WHY];

	if (caught(m, m->seed, run, arg, why))
		return m->seed;
	for (uint64_t seed = 1; seed <= MUTANT_SEED_BOUND; seed++) {
		if (!caught(m, seed, run, arg, why))
			continue;
		print_message("%s: seed %llu is stale; the first that is caught is %llu\n",
			      mutant_name(m->mutant), (unsigned long long)m->seed,
			      (unsigned long long)seed);
		return seed;
	}
	fail_msg("%s: not caught (\"%s\") by any of %d seeds; the last said: %s",
		 mutant_name(m->mutant), m->detection, MUTANT_SEED_BOUND, why);
	return 0;
}

void mutant_check(const struct mutant_seed *m, mutant_run run, const void *arg)
{
	uint64_t first = search(m, run, arg);
	uint64_t last = MAX(10 * first, SEEDS_WITHOUT_MIN);
	char why[MUTANT_WHY];

	for (uint64_t seed = 1; seed <= last; seed++) {
		*why = '\0';
		if (!run(seed, arg, why))
			fail_msg("without %s, seed %llu: %s", mutant_name(m->mutant),
				 (unsigned long long)seed, why);
	}
}
