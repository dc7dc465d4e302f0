/* SPDX-License-Identifier: MIT */
/* The table of a scenario's sections and keys: parser and manual come from it. */
#ifndef MMSIM_SIM_SCENARIO_KEYS_H
#define MMSIM_SIM_SCENARIO_KEYS_H

#include "scenario.h"

enum key_kind {
	KEY_TEXT, /* goes on over several lines */
	KEY_SIZE,
	KEY_TIME,
	KEY_NUMBER,
	KEY_PROT,
	KEY_FLAGS,
	KEY_YES,
	KEY_CPUS,
	KEY_PLACE,
	KEY_REFERENCE,
	KEY_SCRIPT,
	KEY_SET,
};

/* One key of a section. */
struct key {
	const char *name, *form, *help;
	enum key_kind kind;
	size_t offset;
	int64_t min, max; /* of a number; of a text the size */
};

/* One kind of section. */
struct section {
	const char *name;
	bool named; /* [task NAME] */
	const char *help;
	const struct key *keys;
	size_t size, array, nr; /* of one; where in the scenario they are, and their number */
	unsigned int max;
};

/* The kind of section, or of its keys the one, of that name; NULL: there is none. */
const struct section *section_named(const char *name);
const struct key *key_named(const struct section *section, const char *name);
/* All kinds of sections; NULL past the last. */
const struct section *section_at(unsigned int i);

/* What puts settings into a scenario, one after another. */
struct maker {
	struct scenario *s;
	const struct setting *first, *at; /* of all settings; the one at hand */
	const struct section *section; /* NULL: before the first */
	char *object; /* the section's struct */
	struct sim_error *err;
};

/* Put @value into the object's field. 0, or -EINVAL with what was expected. */
int key_set(const struct maker *m, const struct key *key, const char *value);
/* Add AXIS=VALUE. */
int key_add_axis(const struct maker *m, const char *axis, const char *value);

/* Say what was expected where a setting comes from; -EINVAL. */
int maker_bad(const struct maker *m, const char *what, const char *found);
/* The same with what was likely meant, if @near is not NULL. */
int maker_bad_name(const struct maker *m, const char *what, const char *found, const char *near);

#endif
