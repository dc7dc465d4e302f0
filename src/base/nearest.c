/* SPDX-License-Identifier: MIT */
/* Which name was meant; see nearest.h. */
#include "base/nearest.h"
#include "base/compiler.h"

#include <string.h>

/* Levenshtein distance; names are short, so anything longer is simply far away. */
static unsigned int name_distance(const char *a, const char *b)
{
	unsigned int row[33];
	size_t nb = strlen(b);

	if (nb >= ARRAY_SIZE(row))
		return UINT_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned int replaced = diagonal + (a[i - 1] != b[j - 1]);
			unsigned int shifted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = replaced < shifted ? replaced : shifted;
		}
	}
	return row[nb];
}

const char *nearer_name(const char *best, const char *name, const char *written)
{
	unsigned int distance = name_distance(written, name);
	unsigned int best_distance = best ? name_distance(written, best) : UINT_MAX;

	if (distance > 3 || distance >= strlen(name) || distance > best_distance)
		return best;
	/* Letters are more often left out than put in: of two equally near names, the longer. */
	if (distance == best_distance && strlen(name) <= strlen(best))
		return best;
	return name;
}
