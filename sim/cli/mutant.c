/* SPDX-License-Identifier: MIT */
/* Seeded faults, in the program of the tests only. */
#include "cli.h"

#ifdef MMSIM_TEST_LIBRARY
#include "base/mutant.h"

#include <string.h>

static const char *const names[] = {
#define X(id, what) #id,
	MMSIM_MUTANTS(X)
#undef X
};

int cli_mutant(const char *name, int *mutant)
{
	for (*mutant = 0; *mutant < NR_MUTANTS; ++*mutant)
		if (name && !strcmp(names[*mutant], name))
			return EXIT_FINE;
	if (!name)
		return EXIT_FINE;
	fprintf(stderr, "mmsim: mutant %s: expected", name);
	for (int i = 0; i < NR_MUTANTS; i++)
		fprintf(stderr, " %s", names[i]);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

void cli_mutant_switch(int mutant)
{
	mmsim_mutant_on = (enum mmsim_mutant)mutant;
}
#else
int cli_mutant(const char *name, int *mutant)
{
	*mutant = 0;
	if (!name)
		return EXIT_FINE;
	fprintf(stderr, "mmsim: mutant %s: only the program of the tests has faults\n", name);
	return EXIT_USAGE;
}

void cli_mutant_switch(int mutant)
{
	(void)mutant;
}
#endif
