/* SPDX-License-Identifier: MIT */
/* The axes: tables of strategies, and presets computed from their `since`. */
#include "mm/axis.h"
#include "base/amount.h"
#include "mm/mm.h"
#include "rmap/rmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_SIZE 256

static const char *const kernels[] = {"5.15", "6.1", "6.6", "6.12", "6.18"};

/* A table's i-th row as name, since, models, helps; false past the last. */
#define DEFINE_ROWS(axis_name, type, at)                                                           \
	static const void *axis_name##_row(unsigned int i, struct mmsim_choice *choice)            \
	{                                                                                          \
		const struct type *row = at(i);                                                    \
                                                                                                   \
		if (row)                                                                           \
			*choice = (struct mmsim_choice){#axis_name, row->name, row->since,         \
							row->models, row->helps};                  \
		return row;                                                                        \
	}
DEFINE_ROWS(anon_rmap, anon_rmap_strategy, anon_rmap_strategy_at)
DEFINE_ROWS(fault, fault_strategy, fault_strategy_at)
DEFINE_ROWS(madvise, madvise_strategy, madvise_strategy_at)
DEFINE_ROWS(munmap, munmap_strategy, munmap_strategy_at)
DEFINE_ROWS(rmap_contended, rmap_contended_strategy, rmap_contended_strategy_at)
DEFINE_ROWS(rwsem, rwsem_policy, rwsem_policy_at)

static const struct axis {
	const char *name;
	const void *(*row)(unsigned int i, struct mmsim_choice *choice);
} axes[] = {{"anon_rmap", anon_rmap_row},
	    {"fault", fault_row},
	    {"madvise", madvise_row},
	    {"munmap", munmap_row},
	    {"rmap_contended", rmap_contended_row},
	    {"rwsem", rwsem_row}};

static const struct fault_strategy *const fault_strategies[] = {
#define X(name) &fault_##name,
	FAULT_STRATEGIES(X)
#undef X
};

const struct fault_strategy *fault_strategy_at(unsigned int i)
{
	return i < ARRAY_SIZE(fault_strategies) ? fault_strategies[i] : NULL;
}

const char *mmsim_kernel_at(unsigned int i)
{
	return i < ARRAY_SIZE(kernels) ? kernels[i] : NULL;
}

int mmsim_choice_at(unsigned int i, struct mmsim_choice *choice)
{
	for (unsigned int a = 0; a < ARRAY_SIZE(axes); a++)
		for (unsigned int row = 0; axes[a].row(row, choice); row++)
			if (!i--)
				return 0;
	return -ENOENT;
}

unsigned int kernel_version_parse(const char *text)
{
	unsigned long major, minor;
	char *end;

	major = strtoul(text, &end, 10);
	if (end == text || *end != '.')
		return 0;
	text = end + 1;
	minor = strtoul(text, &end, 10);
	if (end == text || (*end && *end != '.') || major > 99 || minor > 999)
		return 0;
	return KERNEL_VERSION(major, minor);
}

/* Was a row with this `since` in the release? "": in none; "0": in all. */
static bool was_in(const char *since, unsigned int version)
{
	if (!*since)
		return false;
	return kernel_version_parse(since) <= version;
}

static const struct axis *axis_named(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(axes); i++)
		if (!strcmp(axes[i].name, name))
			return &axes[i];
	return NULL;
}

/* The row asked for by name; without one, the newest the release had. */
static const void *axis_choose(const struct axis *axis, const char *name, unsigned int version)
{
	const void *chosen = NULL, *row;
	struct mmsim_choice choice;

	for (unsigned int i = 0; (row = axis->row(i, &choice)); i++) {
		if (*name ? !strcmp(choice.name, name) : was_in(choice.since, version))
			chosen = row;
	}
	/* Older releases' rwsems are not built: theirs is the oldest there is. */
	return chosen || *name ? chosen : axis->row(0, &choice);
}

static int unknown_value(const struct axis *axis, const char *value, char *error)
{
	struct mmsim_choice choice;
	int n;

	n = snprintf(error, ERROR_SIZE, "%s=%s: expected one of", axis->name, value);
	for (unsigned int i = 0; axis->row(i, &choice) && n < ERROR_SIZE; i++)
		n += snprintf(error + n, ERROR_SIZE - (size_t)n, " %s", choice.name);
	return -EINVAL;
}

static int resolve(const char *name, const char *value, unsigned int version, const void *out,
		   char *error)
{
	const struct axis *axis = axis_named(name);
	const void *row = axis_choose(axis, value, version);

	if (!row)
		return unknown_value(axis, value, error);
	memcpy((void *)out, &row, sizeof(row));
	return 0;
}

int axes_resolve(struct mmsim *sim, char *error)
{
	const struct mmsim_config *config = &sim->config;
	int err;

	sim->version = kernel_version_parse(config->kernel);
	if (!sim->version) {
		snprintf(error, ERROR_SIZE, "kernel=%s: expected a release such as 6.18",
			 config->kernel);
		return -EINVAL;
	}
	err = resolve("fault", config->fault, sim->version, &sim->fault, error);
	if (!err)
		err = resolve("madvise", config->madvise, sim->version, &sim->madvise, error);
	if (!err)
		err = resolve("munmap", config->munmap, sim->version, &sim->munmap, error);
	if (!err)
		err = resolve("anon_rmap", config->anon_rmap, sim->version, &sim->anon_rmap, error);
	if (!err)
		err = resolve("rmap_contended", config->rmap_contended, sim->version,
			      &sim->rmap_contended, error);
	for (unsigned int i = 0; i < NR_LOCK_CLASSES && !err; i++) {
		const char *own = config->rwsem_class[i];

		err = resolve("rwsem", *own ? own : config->rwsem, sim->version, &sim->rwsem[i],
			      error);
	}
	return err;
}

/* ---- configuration by name ---- */

void mmsim_config_init(struct mmsim_config *config)
{
	*config = (struct mmsim_config){
		.machine = "host",
		.seed = 1,
		.memory_bytes = 1ull << 30,
		.max_map_count = 65530,
		.max_locked_bytes = UINT64_MAX,
		.max_stack_bytes = 8ull << 20,
		.hang_ns = 30 * NSEC_PER_SEC,
		.nr_cpus = 8,
		.hz = 250,
		.spurious_1_in = 512,
		.tick_1_in = 1024,
		.statistics = 1,
		.payload = 1,
	};
	strcpy(config->kernel, kernels[ARRAY_SIZE(kernels) - 1]);
#if defined(MMSIM_ASAN) || defined(MMSIM_TSAN)
	config->hang_ns *= 20;
#endif
}

static int set_text(char *to, const char *value)
{
	if (strlen(value) >= MMSIM_VALUE_MAX)
		return -EINVAL;
	strcpy(to, value);
	return 0;
}

static int set_path(char *to, const char *value)
{
	if (strlen(value) >= MMSIM_MACHINE_MAX)
		return -EINVAL;
	strcpy(to, value);
	return 0;
}

/* To a list of changes: a later one of the same name goes before. */
static int add_change(char *changes, const char *name, const char *value)
{
	size_t used = strlen(changes), left = MMSIM_CHANGES_MAX - used;

	if (strpbrk(value, " \t") || !*value || strlen(name) + strlen(value) + 3 > left)
		return -EINVAL;
	snprintf(changes + used, left, "%s%s=%s", used ? " " : "", name, value);
	return 0;
}

static int set_number(uint64_t *to, const char *value)
{
	char *end;

	/* strtoull() takes a sign and blanks before it. */
	if (*value < '0' || *value > '9')
		return -EINVAL;
	errno = 0;
	*to = strtoull(value, &end, 0);
	return *end || errno ? -EINVAL : 0;
}

/* "50ms", "2s"; a plain number is nanoseconds. */
static int set_time(uint64_t *to, const char *value)
{
	char *end;

	if (parse_amount(value, "ns", INT64_MAX / 16, to))
		return 0;
	*to = strtoull(value, &end, 10);
	if (end == value || *value == '-' || strcmp(end, "s") ||
	    *to > INT64_MAX / 16 / NSEC_PER_SEC)
		return -EINVAL;
	*to *= NSEC_PER_SEC;
	return 0;
}

static int set_class_policy(struct mmsim_config *config, const char *class, const char *value)
{
	for (unsigned int i = 0; i < NR_LOCK_CLASSES; i++)
		if (!strcmp(class, lock_class_name(i)))
			return set_text(config->rwsem_class[i], value);
	return -ENOENT;
}

static int config_set(struct mmsim_config *config, const char *key, const char *value)
{
	if (!strcmp(key, "kernel"))
		return kernel_version_parse(value) ? set_text(config->kernel, value) : -EINVAL;
	if (!strcmp(key, "machine"))
		return set_path(config->machine, value);
	if (!strncmp(key, "cost.", 5))
		return add_change(config->machine_changes, key + 5, value);
	if (!strncmp(key, "what_if.", 8))
		return add_change(config->hold_changes, key + 8, value);
	if (!strcmp(key, "fault"))
		return set_text(config->fault, value);
	if (!strcmp(key, "madvise"))
		return set_text(config->madvise, value);
	if (!strcmp(key, "munmap"))
		return set_text(config->munmap, value);
	if (!strcmp(key, "anon_rmap"))
		return set_text(config->anon_rmap, value);
	if (!strcmp(key, "rmap_contended"))
		return set_text(config->rmap_contended, value);
	if (!strcmp(key, "rwsem"))
		return set_text(config->rwsem, value);
	if (!strncmp(key, "rwsem.", 6))
		return set_class_policy(config, key + 6, value);
	if (!strcmp(key, "seed"))
		return set_number(&config->seed, value);
	if (!strcmp(key, "memory"))
		return set_number(&config->memory_bytes, value);
	if (!strcmp(key, "max_steps"))
		return set_number(&config->max_steps, value);
	if (!strcmp(key, "max_time"))
		return set_time(&config->max_ns, value);
	return -ENOENT;
}

int mmsim_config_set(struct mmsim_config *config, const char *key, const char *value, char *error)
{
	const struct axis *axis = axis_named(!strncmp(key, "rwsem.", 6) ? "rwsem" : key);
	char ignored[ERROR_SIZE];
	int err;

	if (!error)
		error = ignored;
	if (axis && !axis_choose(axis, value, 0))
		return unknown_value(axis, value, error);
	err = config_set(config, key, value);
	if (err == -ENOENT)
		snprintf(error, ERROR_SIZE,
			 "%s: no such setting; expected kernel, machine, anon_rmap, fault, "
			 "madvise, munmap, rmap_contended, rwsem, rwsem.CLASS, seed, memory, "
			 "max_steps, max_time, cost.NAME or what_if.SITE",
			 key);
	else if (err)
		snprintf(error, ERROR_SIZE, "%s=%s: expected %s", key, value,
			 !strcmp(key, "kernel")	  ? "a release such as 6.18" :
			 !strcmp(key, "max_time") ? "a time such as 50ms" :
						    "a number");
	return err ? -EINVAL : 0;
}
