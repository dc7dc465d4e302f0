/* SPDX-License-Identifier: MIT */
/*
 * Log-linear histogram of nanoseconds: exact below 16, then 16 buckets an
 * octave. A quantile is answered with its bucket's middle, so it is off by at
 * most 1/32 of the exact value (tests/unit/test_histogram.c). Mergeable.
 */
#ifndef MMSIM_TRACE_HISTOGRAM_H
#define MMSIM_TRACE_HISTOGRAM_H

#include "base/compiler.h"

#define HISTOGRAM_SUB_BITS 4
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_MAX_BITS 42 /* 73 minutes; longer ones are counted as this long */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)
#define HISTOGRAM_ERROR_DIVISOR 32

/* One writer; others may read meanwhile and then see some values not yet. */
struct histogram {
	uint64_t count, sum, min, max; /* min and max are exact */
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

/*
 * The same with 128 buckets an octave, for what is compared: a quantile is off
 * by at most 1/256, so a change of a few percent is seen in it.
 */
#define FINE_HISTOGRAM_SUB_BITS 7
#define FINE_HISTOGRAM_BUCKETS                                                                     \
	((HISTOGRAM_MAX_BITS - FINE_HISTOGRAM_SUB_BITS + 1) << FINE_HISTOGRAM_SUB_BITS)

struct fine_histogram {
	uint64_t count, sum, min, max;
	uint32_t bucket[FINE_HISTOGRAM_BUCKETS];
};

void fine_histogram_add(struct fine_histogram *h, uint64_t value);
void fine_histogram_merge(struct fine_histogram *into, const struct fine_histogram *from);
/* As histogram_quantile(), within value / 256. */
uint64_t fine_histogram_quantile(const struct fine_histogram *h, unsigned int per_mille);

void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

/**
 * histogram_quantile - the value below which a share of the values lies
 * @per_mille: 0 to 1000; 1000 answers the exact maximum
 *
 * Return: within value / 32 of the value at rank ceil(count * per_mille / 1000)
 * of the sorted values; 0 if there are none.
 */
uint64_t histogram_quantile(const struct histogram *h, unsigned int per_mille);

#endif
