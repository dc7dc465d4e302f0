/* SPDX-License-Identifier: MIT */
/* Numbers with units; see amount.h. */
#include "base/amount.h"
#include "base/compiler.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *base, *name;
	uint64_t factor;
} units[] = {
	{"ns", "", 1},	 {"ns", "ns", 1},     {"ns", "us", 1000},     {"ns", "ms", 1000000},
	{"MB/s", "", 1}, {"MB/s", "MB/s", 1}, {"MB/s", "GB/s", 1000},
};

static uint64_t factor_of(const char *base, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].base, base) && !strcmp(units[i].name, name))
			return units[i].factor;
	return 0;
}

bool parse_amount(const char *text, const char *base, uint64_t max, uint64_t *amount)
{
	unsigned __int128 digits = 0;
	uint64_t factor, scale = 1;
	bool behind_point = false;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text) || (*text == '.' && !behind_point); text++) {
		if (*text == '.') {
			behind_point = true;
			if (!isdigit((unsigned char)text[1]))
				return false;
			continue;
		}
		/* Far above any bound, far below what overflows. */
		if (digits > UINT64_MAX || scale > 1000000000)
			return false;
		digits = digits * 10 + (unsigned int)(*text - '0');
		scale *= behind_point ? 10 : 1;
	}
	factor = factor_of(base, text);
	if (!factor || digits * factor % scale || digits * factor / scale > max)
		return false;
	*amount = (uint64_t)(digits * factor / scale);
	return true;
}
