/* SPDX-License-Identifier: MIT */
/*
 * A scenario's file as a list of settings, before anything is known of what
 * they mean: sections and their keys in their order, what the command line
 * puts in their place, ${parameters}, and lists, of which each combination is
 * one point of a matrix.
 */
#ifndef MMSIM_SIM_SCENARIO_SETTINGS_H
#define MMSIM_SIM_SCENARIO_SETTINGS_H

#include "op.h"

#define SETTINGS_NAME_MAX 32
#define SETTINGS_VALUE_MAX 512
#define SETTINGS_MAX 10000 /* lines of a file */

struct setting {
	char section[16], name[SETTINGS_NAME_MAX]; /* [task ui] */
	char key[SETTINGS_NAME_MAX]; /* empty: here the section begins */
	char *value;
	const char *file; /* of it: the scenario, or the option that set it */
	unsigned int line; /* 0: an option */
};

struct settings {
	char path[512];
	struct setting *list;
	size_t nr;
	char *options[64]; /* what setting->file points to */
	unsigned int nr_options;
};

/* Which settings may hold a list; the others are taken as they are. */
typedef bool (*settings_is_list)(const struct setting *setting);

/**
 * settings_parse - read a text; libinih knows the INI syntax
 * @text: with a NUL behind it
 * @path: what errors call it
 * @err: what was expected, and where
 *
 * Return: 0 or -errno.
 */
int settings_parse(const char *text, const char *path, struct settings *settings,
		   struct sim_error *err);
void settings_free(struct settings *settings);

/**
 * settings_put - put one value in the place of what a key has
 * @section: the section's kind and name; it is there
 * @option: what errors call it, such as --ui.nice
 *
 * Return: 0 or -ENOMEM.
 */
int settings_put(struct settings *settings, const char *section, const char *name, const char *key,
		 const char *value, const char *option);

/* Does a section [SECTION NAME] begin anywhere? */
bool settings_has_section(const struct settings *settings, const char *section, const char *name);

/* How many points the matrix of all lists has, UINT32_MAX at most; 1: there are no lists. */
unsigned int settings_points(const struct settings *settings, settings_is_list is_list);

/**
 * settings_value - a setting's value at a point of the matrix, parameters put in
 * @value: where to, SETTINGS_VALUE_MAX bytes
 * Return: 0, or -EINVAL with @err filled: an unknown parameter, or too long.
 */
int settings_value(const struct settings *settings, const struct setting *setting,
		   unsigned int point, settings_is_list is_list, char *value,
		   struct sim_error *err);

/* The length of a list's element that @text begins with: to the next comma outside brackets. */
size_t settings_element(const char *text);

/* What is particular to a point: "kernel=6.1 ui.nice=10"; empty without lists. */
void settings_point_text(const struct settings *settings, unsigned int point,
			 settings_is_list is_list, char *buf, size_t size);

#endif
