/* SPDX-License-Identifier: MIT */
/* mmsim list: what there is, from the tables themselves. */
#include "../scenario/scenario.h"
#include "cli.h"

#include <string.h>

/* Rows of named texts, printed as a table or as JSON. */
static void add_row(json_t *array, const char *const *keys, const char *const *values)
{
	json_t *row = json_object();

	for (; *keys; keys++, values++)
		json_object_set_new(row, *keys, json_string(*values));
	json_array_append_new(array, row);
}

static void list_strategies(json_t *array)
{
	static const char *const keys[] = {"axis", "value", "since", "helps", "models", NULL};
	struct mmsim_choice c;

	for (unsigned int i = 0; !mmsim_choice_at(i, &c); i++) {
		const char *since = !strcmp(c.since, "0") ? "always" : *c.since ? c.since : "-";

		add_row(array, keys, (const char *[]){c.axis, c.name, since, c.helps, c.models});
	}
}

static void list_kernels(json_t *array)
{
	static const char *const keys[] = {"kernel", NULL};

	for (unsigned int i = 0; mmsim_kernel_at(i); i++)
		add_row(array, keys, (const char *[]){mmsim_kernel_at(i)});
}

static void list_machines(json_t *array)
{
	static const char *const keys[] = {"machine", "what", NULL};
	struct mmsim_machine_info machine;

	for (unsigned int i = 0; !mmsim_machine_at(i, &machine); i++)
		add_row(array, keys, (const char *[]){machine.name, machine.description});
}

static void list_locks(json_t *array)
{
	static const char *const keys[] = {"lock", "guards", NULL};
	const char *name, *guards;

	for (unsigned int i = 0; !mmsim_lock_class_at(i, &name, &guards); i++)
		add_row(array, keys, (const char *[]){name, guards});
}

static void list_sites(json_t *array)
{
	static const char *const keys[] = {"site", "what", NULL};
	const char *name, *what;

	for (unsigned int i = 0; !mmsim_site_at(i, &name, &what); i++)
		add_row(array, keys, (const char *[]){name, what});
}

static void list_counters(json_t *array)
{
	static const char *const keys[] = {"counter", "unit", "what", NULL};
	struct mmsim_counter c;

	for (unsigned int i = 0; !mmsim_counter_info_at(i, &c); i++)
		add_row(array, keys, (const char *[]){c.name, c.unit, c.help});
}

static void list_operations(json_t *array)
{
	static const char *const keys[] = {"operation", "arguments", "what", NULL};

	for (int k = 0; k < NR_SIM_OPS; k++)
		add_row(array, keys,
			(const char *[]){sim_op_specs[k].name, sim_op_specs[k].args,
					 sim_op_specs[k].help});
}

static void list_scenarios(json_t *array)
{
	static const char *const keys[] = {"scenario", "question", NULL};
	static struct scenario scenario;
	struct settings settings;
	struct sim_error err;
	char path[1024];

	for (unsigned int i = 0; !scenario_shipped_at(i, path, sizeof(path)); i++) {
		if (scenario_open(path, &settings, &err)) {
			fprintf(stderr, "mmsim: %s\n", err.text);
			continue;
		}
		if (!scenario_make(&settings, 0, &scenario, &err)) {
			add_row(array, keys, (const char *[]){scenario.name, scenario.question});
			scenario_free(&scenario);
		} else {
			fprintf(stderr, "mmsim: %s\n", err.text);
		}
		settings_free(&settings);
	}
}

static const struct {
	const char *name;
	void (*fill)(json_t *array);
} lists[] = {
	{"scenarios", list_scenarios},	 {"strategies", list_strategies},
	{"kernels", list_kernels},	 {"machines", list_machines},
	{"locks", list_locks},		 {"counters", list_counters},
	{"operations", list_operations}, {"sites", list_sites},
};

/* Columns as wide as their widest text; the last is not padded. */
static void print_table(const json_t *array)
{
	const char *key;
	json_t *row, *value;
	size_t i, width[8] = {0};

	json_array_foreach(array, i, row)
	{
		size_t column = 0;

		json_object_foreach(row, key, value)
		{
			size_t len = strlen(json_string_value(value));

			width[column] = len > width[column] ? len : width[column];
			column++;
		}
	}
	json_array_foreach(array, i, row)
	{
		size_t column = 0, columns = json_object_size(row);

		json_object_foreach(row, key, value)
		{
			int pad = column + 1 < columns ? (int)width[column] : 0;

			printf("%-*s%s", pad, json_string_value(value),
			       column + 1 < columns ? "  " : "\n");
			column++;
		}
	}
}

int cmd_list(int argc, char **argv)
{
	struct cli_options options;
	json_t *array;
	int code = cli_parse(argc, argv, "J", &options);

	if (code)
		return code;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		if (!options.file || strcmp(options.file, lists[i].name))
			continue;
		array = json_array();
		lists[i].fill(array);
		if (options.json_list) {
			json_dumpf(array, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
			putchar('\n');
		} else {
			print_table(array);
		}
		json_decref(array);
		return EXIT_FINE;
	}
	fprintf(stderr, "mmsim: list %s: expected", options.file ? options.file : "");
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		fprintf(stderr, " %s", lists[i].name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}
