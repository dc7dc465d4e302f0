/* SPDX-License-Identifier: MIT */
/*
 * Seeded faults of the per-VMA locks, seen from outside: what a program was
 * answered cannot be explained by any order of what it did. The checker inside
 * the locks (test_vma_mutants.c) finds them sooner; here they have to get as
 * far as a page, which needs a schedule that stands still at the right place
 * for as long as another task's whole operation.
 *
 * Not among them: a second look at the sequence that is left out, which takes
 * thousands of seeds to get so far; a downgrade that keeps the VMA locks, which
 * locks too much, so that a program sees no difference but time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "support/address_body.h"
#include "support/mutant_seed.h"

#include <cmocka.h>

#define DETECTION "no order of the operations explains"

/* In a process of its own. */
static bool run_apart(const struct address_run *run, char *why)
{
	static struct address_verdict *verdict;
	pid_t child;
	int status;

	if (!verdict)
		verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(verdict, MAP_FAILED);
	child = fork();
	assert_int_not_equal(child, -1);
	if (!child) {
		address_run(run, verdict);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status) {
		snprintf(why, MUTANT_WHY, "the process ended with status %#x",
			 (unsigned int)status);
		return false;
	}
	snprintf(why, MUTANT_WHY, "%s", verdict->why);
	return verdict->good;
}

static bool run_here(const struct address_run *run, char *why)
{
	struct address_verdict verdict;

	address_run(run, &verdict);
	snprintf(why, MUTANT_WHY, "%s", verdict.why);
	return verdict.good;
}

static bool run_address(uint64_t seed, const void *arg, char *why)
{
	const struct address_run *like = arg;
	struct address_run run = *like;

	run.seed = seed;
	/* A seeded fault may reach into freed memory; the search for a seed must survive it. */
	return mmsim_mutant_on == NR_MUTANTS ? run_here(&run, why) : run_apart(&run, why);
}

static void check(enum mmsim_mutant mutant, uint64_t seed, const struct address_run *run)
{
	struct mutant_seed m = {mutant, seed, DETECTION};

#ifdef MMSIM_TSAN
	/* All on one OS thread, so with nothing to find for it, and minutes of it. */
	skip();
#endif
	mutant_check(&m, run_address, run);
}

/* A fault between the lookup and the lock of whose VMA another took that place. */
static void range_check_forgotten(void **state)
{
	(void)state;
	check(MUTANT_VMA_RANGE_CHECK_FORGOTTEN, 568,
	      &(struct address_run){.kernel = "6.12", .munmap = "whole", .mix = ADDRESS_WIDE});
	check(MUTANT_VMA_RANGE_CHECK_FORGOTTEN, 22,
	      &(struct address_run){.kernel = "6.15", .mix = ADDRESS_WIDE});
}

/* A page goes into what is unmapped, and stays there for the next mapping to show. */
static void detach_not_marked(void **state)
{
	(void)state;
	check(MUTANT_VMA_DETACH_NOT_MARKED, 644,
	      &(struct address_run){.kernel = "6.10", .munmap = "whole", .mix = ADDRESS_WIDE});
	check(MUTANT_VMA_DETACH_NOT_MARKED, 34,
	      &(struct address_run){.kernel = "6.18", .mix = ADDRESS_WIDE});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_check_forgotten),
		cmocka_unit_test(detach_not_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
