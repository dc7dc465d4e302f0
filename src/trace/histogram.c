/* SPDX-License-Identifier: MIT */
/* Log-linear histogram; see the header for its error bound. */
#include "trace/histogram.h"
#include "machine/atomic.h"

static unsigned int bucket_of(uint64_t value)
{
	unsigned int top;

	if (value < HISTOGRAM_SUB)
		return (unsigned int)value;
	if (value >> HISTOGRAM_MAX_BITS)
		return HISTOGRAM_BUCKETS - 1;
	top = 63 - (unsigned int)__builtin_clzll(value);
	return (top - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB +
	       (unsigned int)((value >> (top - HISTOGRAM_SUB_BITS)) - HISTOGRAM_SUB);
}

static uint64_t bucket_middle(unsigned int bucket)
{
	unsigned int shift;
	uint64_t low;

	if (bucket < 2 * HISTOGRAM_SUB)
		return bucket;
	shift = bucket / HISTOGRAM_SUB - 1;
	low = (uint64_t)(bucket % HISTOGRAM_SUB + HISTOGRAM_SUB) << shift;
	return low + (1ull << (shift - 1));
}

void histogram_add(struct histogram *h, uint64_t value)
{
	uint32_t *bucket = &h->bucket[bucket_of(value)];

	if (!h->count || value < h->min)
		quiet_store(h->min, value);
	if (value > h->max)
		quiet_store(h->max, value);
	quiet_inc_owned(h->count, 1);
	quiet_inc_owned(h->sum, value);
	quiet_inc_owned(*bucket, 1);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
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
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += quiet_load(from->bucket[i]);
}

uint64_t histogram_quantile(const struct histogram *h, unsigned int per_mille)
{
	uint64_t rank = (h->count * per_mille + 999) / 1000;
	uint64_t seen = 0;

	if (!h->count)
		return 0;
	if (per_mille >= 1000)
		return h->max;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= MAX(rank, 1))
			return MIN(MAX(bucket_middle(i), h->min), h->max);
	}
	return h->max;
}
