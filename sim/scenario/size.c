/* SPDX-License-Identifier: MIT */
/* Numbers with suffixes; see size.h. */
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int sim_parse_size(const char *text, uint64_t *size)
{
	static const char suffixes[] = "kmgt";
	const char *suffix;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*size = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	if (errno)
		return -EINVAL;
	if (!*end)
		return 0;
	suffix = strchr(suffixes, *end | 0x20);
	if (!suffix || end[1])
		return -EINVAL;
	if (*size >> (63 - 10 * (suffix - suffixes + 1)))
		return -EINVAL;
	*size <<= 10 * (suffix - suffixes + 1);
	return 0;
}

/* The decimals behind a point, as billionths; *end is set behind them. */
static uint64_t parse_decimals(const char *text, char **end)
{
	uint64_t billionths = 0;
	int digits = 0;

	for (; isdigit((unsigned char)*text); text++)
		if (digits++ < 9)
			billionths = billionths * 10 + (uint64_t)(*text - '0');
	for (; digits < 9; digits++)
		billionths *= 10;
	*end = (char *)text;
	return billionths;
}

int sim_parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", 1000000000},
		{"s", 1000000000},
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"m", 60000000000ull},
		{"h", 3600000000000ull},
	};
	uint64_t whole, billionths = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	whole = strtoull(text, &end, 10);
	if (*end == '.' && isdigit((unsigned char)end[1]))
		billionths = parse_decimals(end + 1, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (whole > UINT64_MAX / 2 / units[i].ns)
			return -EINVAL;
		*ns = whole * units[i].ns +
		      (uint64_t)((unsigned __int128)billionths * units[i].ns / 1000000000);
		return 0;
	}
	return -EINVAL;
}
