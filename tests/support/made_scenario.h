/* SPDX-License-Identifier: MIT */
/* For tests: a scenario of a text, with the settings that its errors name. */
#ifndef MMSIM_TESTS_SUPPORT_MADE_SCENARIO_H
#define MMSIM_TESTS_SUPPORT_MADE_SCENARIO_H

#include "scenario/scenario.h"

#include <stdlib.h>

/* Large, hence on the heap. */
struct made {
	struct settings settings;
	struct scenario s;
	struct sim_error err;
};

/* A point of a text's matrix; @out is to be unmade in any case. 0 or -errno. */
static inline int make_point(const char *text, const char *path, unsigned int point,
			     struct made **out)
{
	struct made *made = calloc(1, sizeof(*made));
	int result;

	if (!made)
		abort();
	*out = made;
	result = scenario_open_text(text, path, &made->settings, &made->err);
	return result ? result : scenario_make(&made->settings, point, &made->s, &made->err);
}

static inline int make(const char *text, const char *path, struct made **out)
{
	return make_point(text, path, 0, out);
}

static inline void unmake(struct made *made)
{
	scenario_free(&made->s);
	settings_free(&made->settings);
	free(made);
}

#endif
