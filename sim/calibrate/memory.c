/* SPDX-License-Identifier: MIT */
/* Memory behind all caches: one line of it, pages of it, all a socket can do. */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/atomic.h"
#include "machine/host/bare.h"
#include "region.h"
#include "sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE 64
#define CACHES 8 /* the buffer is so many times as large as the last cache */
#define SIZE_MIN (64ul << 20)
#define SIZE_MAX_BYTES (512ul << 20)
#define SIZE_QUICK (16ul << 20)
#define LOADS 20000
#define PAGES_A_ROUND 4096
#define THREADS_MAX 64

/* A power of two that is much more than the cache, and not much of what is free. */
static size_t buffer_size(const struct calibration *c)
{
	long free_pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	size_t most = free_pages > 0 && page > 0 ? (size_t)free_pages / 4 * (size_t)page : SIZE_MIN;
	struct host_place place = {.cache_bytes = 0};
	size_t size = SIZE_MIN;

	host_place_of_cpu(c->cpu, &place);
	if (c->rounds < CALIBRATION_QUICK)
		return SIZE_QUICK;
	while (size < SIZE_MAX_BYTES && size * 2 <= most && size < CACHES * place.cache_bytes)
		size *= 2;
	return size;
}

/*
 * Each line points to another, all in one ring. Numbers x = a x + b modulo a power of two
 * visit all with this a and b, in an order that no prefetcher guesses.
 */
static void make_ring(char *buffer, size_t size)
{
	uint64_t lines = size / LINE;

	for (uint64_t i = 0; i < lines; i++) {
		uint64_t next = (i * 6364136223846793005u + 1442695040888963407u) & (lines - 1);

		*(void **)(buffer + i * LINE) = buffer + next * LINE;
	}
}

static void measure_lines(struct calibration *c, char *buffer, size_t size)
{
	struct sample sample = {.nr = 0};
	void **at = (void **)buffer;

	make_ring(buffer, size);
	for (unsigned int i = 0; i < c->rounds; i++) {
		uint64_t start = bare_now();

		for (int j = 0; j < LOADS; j++)
			at = *(void **volatile *)at;
		sample_add(&sample, (double)(bare_now() - start) / LOADS);
	}
	calibration_measured(c, COST_line_memory, sample_quartile(&sample),
			     "a load from %zu MiB behind another, huge pages if there are",
			     size >> 20);
}

static void measure_pages(struct calibration *c, char *buffer, size_t size)
{
	struct sample zero = {.nr = 0}, copy = {.nr = 0};
	size_t half = size / 2, at = 0;

	for (unsigned int i = 0; i < c->rounds; i++) {
		uint64_t start = bare_now(), middle;

		for (int j = 0; j < PAGES_A_ROUND; j++, at = (at + REGION_PAGE) % half)
			memset(buffer + at, 0, REGION_PAGE);
		middle = bare_now();
		for (int j = 0; j < PAGES_A_ROUND; j++, at = (at + REGION_PAGE) % half)
			memcpy(buffer + at, buffer + half + at, REGION_PAGE);
		sample_add(&zero, (double)(middle - start) / PAGES_A_ROUND);
		sample_add(&copy, (double)(bare_now() - middle) / PAGES_A_ROUND);
	}
	calibration_measured(c, COST_page_zero, sample_quartile(&zero),
			     "memset() of 4 KiB, one after another in %zu MiB", half >> 20);
	calibration_measured(c, COST_page_copy, sample_quartile(&copy),
			     "memcpy() of 4 KiB, one after another in %zu MiB", half >> 20);
}

/* ---- all CPUs of a socket at once ---- */

struct flood {
	int begun, nr; /* threads */
	unsigned int rounds;
	size_t size; /* of a thread's own part */
};

struct flooder {
	struct bare_thread thread;
	struct flood *flood;
	char *part;
	struct sample rate; /* bytes a ns */
};

/* Rounds are not begun together: each lasts long enough that all others are at it too. */
static void flood_part(void *arg)
{
	struct flooder *f = arg;

	quiet_add(f->flood->begun, 1);
	while (quiet_load_acquire(f->flood->begun) < f->flood->nr)
		bare_pause();
	for (unsigned int i = 0; i < f->flood->rounds; i++) {
		uint64_t start = bare_now();

		/* Page by page, as one CPU alone was measured. */
		for (size_t at = 0; at < f->flood->size; at += REGION_PAGE)
			memset(f->part + at, (int)i, REGION_PAGE);
		sample_add(&f->rate, (double)(bare_now() - start) / (double)f->flood->size);
	}
}

/* The CPUs of the socket that we measure on; none twice. */
static int socket_cpus(const struct calibration *c, int *cpus)
{
	struct host_place here = {.socket = 0}, place;
	int nr = 0;

	host_place_of_cpu(c->cpu, &here);
	for (int i = 0; i < (int)c->nr_cpus && nr < THREADS_MAX; i++)
		if (!host_place_of_cpu(i, &place) && place.socket == here.socket)
			cpus[nr++] = i;
	return nr;
}

/* MB/s of all together. */
static double flood_socket(struct flood *flood, struct flooder *flooders, const int *cpus,
			   char *buffer)
{
	double rate = 0;
	int nr = flood->nr;

	/* A thread that is not begun is not waited for. */
	for (int i = 0; i < nr; i++) {
		struct flooder *f = &flooders[i];

		f->flood = flood;
		f->part = buffer + (size_t)i * flood->size;
		if (bare_thread_start(&f->thread, cpus[i], flood_part, f)) {
			quiet_add(flood->begun, nr - i);
			nr = i;
		}
	}
	for (int i = 0; i < nr; i++) {
		bare_thread_join(&flooders[i].thread);
		rate += flooders[i].rate.nr ? 1e3 / sample_quartile(&flooders[i].rate) : 0;
	}
	return rate;
}

static void measure_bandwidth(struct calibration *c, char *buffer, size_t size)
{
	struct flooder *flooders = calloc(THREADS_MAX, sizeof(*flooders));
	double least = REGION_PAGE * 1e3 / (double)c->profile.cost[COST_page_zero], rate;
	struct flood flood = {.rounds = c->rounds};
	int cpus[THREADS_MAX];

	if (!flooders)
		return;
	flood.nr = socket_cpus(c, cpus);
	if (!flood.nr) {
		free(flooders);
		return;
	}
	flood.size = size / (size_t)flood.nr & ~(REGION_PAGE - 1);
	rate = flood_socket(&flood, flooders, cpus, buffer);
	free(flooders);
	/* Else one CPU alone would have to wait for a memory that it has to itself. */
	calibration_measured(c, COST_bandwidth, fmax(rate, least),
			     "memset() of %zu MiB by %d CPU%s of a socket at once%s", size >> 20,
			     flood.nr, flood.nr == 1 ? "" : "s",
			     rate < least ? "; less than one alone, which is taken" : "");
}

void calibrate_memory(struct calibration *c)
{
	size_t size = buffer_size(c);
	char *buffer = region_map_huge(size);

	if (!buffer)
		return;
	measure_lines(c, buffer, size);
	measure_pages(c, buffer, size);
	measure_bandwidth(c, buffer, size);
	region_unmap(buffer, size);
}
