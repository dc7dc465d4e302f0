/* SPDX-License-Identifier: MIT */
/* Bounded search over runs of a test's own making. */
#include "search_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

uint64_t search_runs(search_run *run, unsigned int preemptions, uint64_t most)
{
	const struct mmsim_search_config how = {.kind = MMSIM_SEARCH_BOUNDED,
						.preemptions = preemptions};
	struct mmsim_search *search = mmsim_search_create(&how);
	uint64_t n = 0, found = 0;

	assert_non_null(search);
	do {
		const char *broke = run(search);

		n++;
		if (!broke)
			continue;
		found = n;
		print_message("schedule %llu: %s\n", (unsigned long long)n, broke);
	} while (!found && n < most && mmsim_search_next(search));
	mmsim_search_destroy(search);
	return found;
}

uint64_t search_mutant(search_run *run, enum mmsim_mutant mutant, unsigned int preemptions)
{
	uint64_t found;

	mmsim_mutant_on = mutant;
	found = search_runs(run, preemptions, SEARCH_RUNS_MAX);
	mmsim_mutant_on = NR_MUTANTS;
	assert_true(found > 0);
#ifdef MMSIM_TSAN
	assert_int_equal(search_runs(run, preemptions, SEARCH_RUNS_CLEAN), 0);
#else
	assert_int_equal(search_runs(run, preemptions, 10 * found), 0);
#endif
	return found;
}
