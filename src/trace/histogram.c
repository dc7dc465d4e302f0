/* SPDX-License-Identifier: MIT */
/* Log-linear histograms, one code for both resolutions; see the header for their error bounds. */
#include "trace/histogram.h"
#include "machine/atomic.h"

#include <stddef.h>

/* Both structs are this, with more or fewer buckets. */
struct any_histogram {
	uint64_t count, sum, min, max;
	uint32_t bucket[];
};

#define SAME_LAYOUT(type)                                                                          \
	_Static_assert(offsetof(struct type, bucket) == offsetof(struct any_histogram, bucket),    \
		       #type " begins as any histogram")
SAME_LAYOUT(histogram);
SAME_LAYOUT(fine_histogram);

static __always_inline unsigned int nr_buckets(unsigned int sub_bits)
{
	return (HISTOGRAM_MAX_BITS - sub_bits + 1) << sub_bits;
}

static __always_inline unsigned int bucket_of(uint64_t value, unsigned int sub_bits)
{
	unsigned int top, sub = 1u << sub_bits;

	if (value < sub)
		return (unsigned int)value;
	if (value >> HISTOGRAM_MAX_BITS)
		return nr_buckets(sub_bits) - 1;
	top = 63 - (unsigned int)__builtin_clzll(value);
	return (top - sub_bits + 1) * sub + (unsigned int)((value >> (top - sub_bits)) - sub);
}

static uint64_t bucket_middle(unsigned int bucket, unsigned int sub_bits)
{
	unsigned int shift, sub = 1u << sub_bits;
	uint64_t low;

	if (bucket < 2 * sub)
		return bucket;
	shift = bucket / sub - 1;
	low = (uint64_t)(bucket % sub + sub) << shift;
	return low + (1ull << (shift - 1));
}

static __always_inline void add(struct any_histogram *h, uint64_t value, unsigned int sub_bits)
{
	uint32_t *bucket = &h->bucket[bucket_of(value, sub_bits)];

	if (!h->count || value < h->min)
		quiet_store(h->min, value);
	if (value > h->max)
		quiet_store(h->max, value);
	quiet_inc_owned(h->count, 1);
	quiet_inc_owned(h->sum, value);
	quiet_inc_owned(*bucket, 1);
}

static void merge(struct any_histogram *into, const struct any_histogram *from,
		  unsigned int sub_bits)
{
	uint64_t count = quiet_load(from->count);
	uint64_t min = quiet_load(from->min);
	uint64_t max = quiet_load(from->max);

	if (!count)
		return;
	if (!into->count || min < into->min)
		into->min = min;
	if (max > into->max)
		into->max = max;
	into->count += count;
	into->sum += quiet_load(from->sum);
	for (unsigned int i = 0; i < nr_buckets(sub_bits); i++)
		into->bucket[i] += quiet_load(from->bucket[i]);
}

static uint64_t quantile(const struct any_histogram *h, unsigned int per_mille,
			 unsigned int sub_bits)
{
	uint64_t rank = (h->count * per_mille + 999) / 1000;
	uint64_t seen = 0;

	if (!h->count)
		return 0;
	if (per_mille >= 1000)
		return h->max;
	for (unsigned int i = 0; i < nr_buckets(sub_bits); i++) {
		seen += h->bucket[i];
		if (seen >= MAX(rank, 1))
			return MIN(MAX(bucket_middle(i, sub_bits), h->min), h->max);
	}
	return h->max;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	add((struct any_histogram *)h, value, HISTOGRAM_SUB_BITS);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	merge((struct any_histogram *)into, (const struct any_histogram *)from, HISTOGRAM_SUB_BITS);
}

uint64_t histogram_quantile(const struct histogram *h, unsigned int per_mille)
{
	return quantile((const struct any_histogram *)h, per_mille, HISTOGRAM_SUB_BITS);
}

void fine_histogram_add(struct fine_histogram *h, uint64_t value)
{
	add((struct any_histogram *)h, value, FINE_HISTOGRAM_SUB_BITS);
}

void fine_histogram_merge(struct fine_histogram *into, const struct fine_histogram *from)
{
	merge((struct any_histogram *)into, (const struct any_histogram *)from,
	      FINE_HISTOGRAM_SUB_BITS);
}

uint64_t fine_histogram_quantile(const struct fine_histogram *h, unsigned int per_mille)
{
	return quantile((const struct any_histogram *)h, per_mille, FINE_HISTOGRAM_SUB_BITS);
}
