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
	*size = strtoull(text, &end, 0);
	if (!*end)
		return 0;
	suffix = strchr(suffixes, *end | 0x20);
	if (!suffix || end[1])
		return -EINVAL;
	*size <<= 10 * (suffix - suffixes + 1);
	return 0;
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
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	*ns = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		*ns *= units[i].ns;
		return 0;
	}
	return -EINVAL;
}
