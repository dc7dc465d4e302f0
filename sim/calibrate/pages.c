/* SPDX-License-Identifier: MIT */
/*
 * Pages of a large mapping: what each takes in a call over all of them, with the
 * pages there less without. Tables and folios are in the caches, since the
 * model's caches lose nothing: where they are not, it takes twice as long.
 */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/host/bare.h"
#include "region.h"
#include "sample.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (16ul << 20)
#define REPEAT 2 /* times each round: these are long, and disturbed often */
#define FAULT_PAGES 512
#define LOCKED_PAGES 1024 /* what anybody may lock */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

enum { UNMAP, FORK, PROTECT, UNLOCK, NR_CALLS };

/* One call over the region that is there, in ns; -1: it cannot be done. */
static double time_unmap(char *region, size_t size)
{
	uint64_t start = bare_now();

	region_unmap(region, size);
	return (double)(bare_now() - start);
}

static double time_protect(char *region, size_t size)
{
	uint64_t start = bare_now();

	if (mprotect(region, size, PROT_READ))
		return -1;
	return (double)(bare_now() - start);
}

static double time_fork(void)
{
	uint64_t start = bare_now(), end;
	pid_t child = fork();

	if (!child)
		_exit(0);
	end = bare_now();
	if (child < 0)
		return -1;
	waitpid(child, NULL, 0);
	return (double)(end - start);
}

static double time_unlock(char *region, size_t size)
{
	uint64_t start;

	if (mlock(region, size))
		return -1;
	start = bare_now();
	if (munlock(region, size))
		return -1;
	return (double)(bare_now() - start);
}

/* All pages, their tables and folios, written by a call that ends as it began. */
static void touch(char *region, size_t size)
{
	region_touch(region, size);
	mprotect(region, size, PROT_READ);
	mprotect(region, size, PROT_READ | PROT_WRITE);
}

/* A region of its own for each, so that none finds what another left. */
static double time_one(int call, size_t size, bool touched)
{
	char *region = region_map(size);
	double ns;

	if (!region)
		return -1;
	if (touched)
		touch(region, size);
	if (call == UNMAP)
		return time_unmap(region, size);
	ns = call == FORK    ? time_fork() :
	     call == PROTECT ? time_protect(region, size) :
			       time_unlock(region, size);
	region_unmap(region, size);
	return ns;
}

/* A page; NAN when one of both cannot be done. */
static double measure(const struct calibration *c, int call, size_t size)
{
	struct sample with = {.nr = 0}, without = {.nr = 0};

	for (unsigned int i = 0; i < REPEAT * c->rounds; i++) {
		double ns = time_one(call, size, true);

		if (ns >= 0)
			sample_add(&with, ns);
		/* mlock() would make pages of what is not touched: a call over one page instead. */
		ns = time_one(call, call == UNLOCK ? REGION_PAGE : size, call == UNLOCK);
		if (ns >= 0)
			sample_add(&without, ns);
	}
	return (sample_quartile(&with) - sample_quartile(&without)) / (double)(size / REGION_PAGE);
}

/* ---- traps ---- */

static double time_populate(char *region, size_t size)
{
	uint64_t start = bare_now();

	if (madvise(region, size, MADV_POPULATE_READ))
		return -1;
	return (double)(bare_now() - start);
}

static double time_reads(char *region, size_t size)
{
	uint64_t start = bare_now();

	for (size_t at = 0; at < size; at += REGION_PAGE)
		(void)*(volatile char *)(region + at);
	return (double)(bare_now() - start);
}

/* A read of what nobody has written: a fault that needs no page. */
static void measure_trap(struct calibration *c)
{
	struct sample faults = {.nr = 0}, populated = {.nr = 0};
	size_t size = FAULT_PAGES * REGION_PAGE;

	for (unsigned int i = 0; i < 2 * c->rounds; i++) {
		char *region = region_map(size);
		double ns;

		if (!region)
			continue;
		ns = i % 2 ? time_reads(region, size) : time_populate(region, size);
		if (ns >= 0)
			sample_add(i % 2 ? &faults : &populated, ns / FAULT_PAGES);
		region_unmap(region, size);
	}
	calibration_measured(c, COST_trap, sample_quartile(&faults) - sample_quartile(&populated),
			     "a read fault less its part of MADV_POPULATE_READ, %d pages",
			     FAULT_PAGES);
}

void calibrate_pages(struct calibration *c)
{
	size_t size = calibration_size(c, SIZE), mib = size >> 20;
	double ns;

	calibration_measured(c, COST_pte_zap, measure(c, UNMAP, size),
			     "munmap() of %zu MiB, a page, less of untouched ones", mib);
	calibration_measured(c, COST_pte_copy, measure(c, FORK, size),
			     "fork() with %zu MiB, a page, less with untouched ones", mib);
	calibration_measured(c, COST_pte_set, measure(c, PROTECT, size),
			     "mprotect() of %zu MiB, a page, less of untouched ones", mib);
	ns = measure(c, UNLOCK, LOCKED_PAGES * REGION_PAGE);
	calibration_derived(c, COST_lru_move, ns,
			    "munlock() of %d pages, a page: at most so much, its PTE is in it",
			    LOCKED_PAGES);
	measure_trap(c);
}
