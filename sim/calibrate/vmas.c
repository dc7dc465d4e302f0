/* SPDX-License-Identifier: MIT */
/*
 * VMAs: calls over thousands of them. What the kernel does inside, the library
 * does in steps of its own, so that of a whole VMA only a part is the cost.
 */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/host/bare.h"
#include "region.h"
#include "sample.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define VMAS 8192
/*
 * What is not steps, locks, tree and objects, which have costs of their own: as much of
 * the whole as in the profile BASE_PROFILE, 60 ns of 170 and 150 ns of 450.
 */
#define VISIT_PART 0.35
#define COPY_PART 0.33

#ifndef MADV_COLD
#define MADV_COLD 20
#endif

/* Every second page may not be written: none merges with its neighbours. */
static char *make_vmas(unsigned int nr)
{
	size_t size = nr * REGION_PAGE;
	char *region = region_map(size);

	for (size_t at = 0; region && at < size; at += 2 * REGION_PAGE)
		if (mprotect(region + at, REGION_PAGE, PROT_READ)) {
			region_unmap(region, size);
			return NULL;
		}
	return region;
}

static double time_fork(void)
{
	uint64_t start = bare_now(), end;
	pid_t child = fork();

	if (!child)
		_exit(0);
	end = bare_now();
	if (child < 0)
		return NAN;
	waitpid(child, NULL, 0);
	return (double)(end - start);
}

static double time_advice(char *region, size_t size)
{
	uint64_t start = bare_now();

	return madvise(region, size, MADV_COLD) ? NAN : (double)(bare_now() - start);
}

static void measure_visit(struct calibration *c, char *region, unsigned int nr)
{
	struct sample sample = {.nr = 0};
	double ns;

	for (unsigned int i = 0; i < c->rounds; i++) {
		ns = time_advice(region, nr * REGION_PAGE);
		if (!isnan(ns))
			sample_add(&sample, ns / nr);
	}
	ns = sample_quartile(&sample);
	calibration_derived(c, COST_vma_visit, ns * VISIT_PART,
			    "%.0f %% of the %.0f ns that MADV_COLD of %u VMAs takes for one",
			    VISIT_PART * 100, ns, nr);
}

static void measure_copy(struct calibration *c, unsigned int nr)
{
	struct sample with = {.nr = 0}, without = {.nr = 0};
	double ns;

	for (unsigned int i = 0; i < c->rounds; i++) {
		char *region;

		ns = time_fork();
		if (!isnan(ns))
			sample_add(&without, ns);
		region = make_vmas(nr);
		/* The first time brings them into the caches. */
		time_fork();
		ns = region ? time_fork() : NAN;
		if (!isnan(ns))
			sample_add(&with, ns);
		region_unmap(region, nr * REGION_PAGE);
	}
	ns = (sample_quartile(&with) - sample_quartile(&without)) / nr;
	calibration_derived(c, COST_vma_copy, ns * COPY_PART,
			    "%.0f %% of the %.0f ns that one of %u VMAs takes in fork()",
			    COPY_PART * 100, ns, nr);
}

void calibrate_vmas(struct calibration *c)
{
	unsigned int nr = (unsigned int)calibration_size(c, VMAS);
	char *region = make_vmas(nr);

	if (region) {
		measure_visit(c, region, nr);
		region_unmap(region, nr * REGION_PAGE);
	}
	measure_copy(c, nr);
}
