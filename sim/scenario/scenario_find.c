/* SPDX-License-Identifier: MIT */
/*
 * Where shipped scenarios are: beside the program in the tree where it was built,
 * in share/ where it was installed. Both are found from the program's own place,
 * since an installed tree may be moved.
 */
#define _GNU_SOURCE 1
#include "../replay/text_file.h"
#include "op_names.h"
#include "scenario.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MMSIM_SHARE_FROM_BIN
#define MMSIM_SHARE_FROM_BIN "../share"
#endif

static const char *const places[] = {"scenarios", "../sim/scenarios",
				     MMSIM_SHARE_FROM_BIN "/mmsim/scenarios"};

#define NR_PLACES (sizeof(places) / sizeof(*places))

static int program_directory(char *path)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return 0;
}

static int is_scenario(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && dot != entry->d_name && !strcmp(dot, ".ini");
}

/* The names in the first place that there is; -1: in none. */
static int list_shipped(char *directory, struct dirent ***names)
{
	char program[PATH_MAX];
	int n = -1;

	if (program_directory(program))
		return -1;
	for (size_t i = 0; i < NR_PLACES && n < 0; i++) {
		if (snprintf(directory, PATH_MAX, "%s/%s", program, places[i]) >= PATH_MAX)
			continue;
		n = scandir(directory, names, is_scenario, alphasort);
	}
	return n;
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
}

int scenario_shipped_at(unsigned int i, char *path, size_t size)
{
	char directory[PATH_MAX];
	struct dirent **names;
	int n = list_shipped(directory, &names);
	int found = -ENOENT;

	if (n > 0 && i < (unsigned int)n &&
	    (size_t)snprintf(path, size, "%s/%s", directory, names[i]->d_name) < size)
		found = 0;
	free_names(names, n);
	return found;
}

/* The path of a shipped scenario, or what was expected. */
static int find_shipped(const char *name, char *path, struct sim_error *err)
{
	char directory[PATH_MAX], near[NAME_MAX + 1] = "";
	struct dirent **names;
	int n = list_shipped(directory, &names);
	bool found = false;

	for (int i = 0; i < n && !found; i++) {
		char *file = names[i]->d_name;

		file[strlen(file) - strlen(".ini")] = '\0';
		found = !strcmp(file, name);
		if (sim_name_nearer(*near ? near : NULL, file, name) == file)
			snprintf(near, sizeof(near), "%s", file);
	}
	free_names(names, n);
	if (found && snprintf(path, PATH_MAX, "%s/%s.ini", directory, name) < PATH_MAX)
		return 0;
	return sim_error_set(err, -ENOENT, name, 0,
			     "expected the name or the path of a scenario%s%s%s "
			     "(`mmsim list scenarios`)",
			     *near ? "; did you mean " : "", near, *near ? "?" : "");
}

bool scenario_is_shipped(const char *name)
{
	char path[PATH_MAX];

	return !find_shipped(name, path, NULL);
}

int scenario_open(const char *name, struct settings *settings, struct sim_error *err)
{
	size_t len = strlen(name);
	bool is_path = strchr(name, '/') || (len > 4 && !strcmp(name + len - 4, ".ini"));
	struct text_file file;
	char path[PATH_MAX];
	int result = 0;

	if (is_path)
		snprintf(path, sizeof(path), "%s", name);
	else
		result = find_shipped(name, path, err);
	if (!result)
		result = text_file_read(path, &file, err);
	if (result)
		return result;
	/* Errors name a shipped one as it was asked for: the same text on every computer. */
	result = scenario_open_text(file.text, name, settings, err);
	free(file.text);
	return result;
}
