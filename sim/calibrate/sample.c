/* SPDX-License-Identifier: MIT */
/* Lower quartiles of rounds; see sample.h. */
#include "sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void sample_add(struct sample *sample, double value)
{
	if (sample->nr < SAMPLE_MAX)
		sample->value[sample->nr++] = value;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double sample_quartile(const struct sample *sample)
{
	double sorted[SAMPLE_MAX];

	if (!sample->nr)
		return NAN;
	memcpy(sorted, sample->value, sample->nr * sizeof(*sorted));
	qsort(sorted, sample->nr, sizeof(*sorted), by_size);
	return sorted[sample->nr / 4];
}
