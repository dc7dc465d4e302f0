/* SPDX-License-Identifier: MIT */
/*
 * mmsim run --what-if: the same on a modelled machine with the holds at a site
 * scaled, beside how it is; with all, which site would give most.
 *
 * One course hangs on chance: a nanosecond more here and there, and a preemption hits
 * another hold. How much that makes is seen by runs in which next to nothing is
 * changed: holds at the site where most locks are taken, by a thousandth or two.
 */
#include "../report/exact.h"
#include "../report/text.h"
#include "variants.h"

#include <stdlib.h>
#include <string.h>

#define SITES_MAX 256
#define SITES_SHOWN 20
#define NAME_SIZE 96

static const char *const next_to_nothing[] = {"0.998", "0.999", "1.001", "1.002"};
#define NR_CHANCES (sizeof(next_to_nothing) / sizeof(*next_to_nothing))

struct what_if {
	const struct cli_options *options;
	struct variant as_it_is;
	struct variant *variants; /* of the sites */
	char (*names)[NAME_SIZE]; /* "mmap_lock.madvise=0.5" */
	unsigned int nr;
	unsigned int first_asked; /* of the variants; those before change next to nothing */
	json_int_t chance_low, chance_high; /* what came of them */
	char *metrics;
	json_t *rows; /* an object a variant, the best first */
};

/* ---- what is tried ---- */

static int add(struct what_if *w, const char *name)
{
	struct variant *variant = &w->variants[w->nr];
	char key[NAME_SIZE], error[256];
	size_t len = strcspn(name, "=");

	if (w->nr == SITES_MAX || len + 10 >= sizeof(key) || strlen(name) >= NAME_SIZE ||
	    !name[len]) {
		fprintf(stderr, "mmsim: --what-if: expected SITE=FACTOR or all, found '%s'\n",
			name);
		return EXIT_USAGE;
	}
	snprintf(w->names[w->nr], NAME_SIZE, "%s", name);
	*variant = w->as_it_is;
	variant->name = w->names[w->nr];
	variant->runs = json_array();
	snprintf(key, sizeof(key), "what_if.%.*s", (int)len, name);
	w->nr++;
	if (!mmsim_config_set(&variant->config, key, name + len + 1, error))
		return 0;
	fprintf(stderr, "mmsim: --what-if: %s\n", error);
	return EXIT_USAGE;
}

/* Wherever any run held a lock. */
static int add_all(struct what_if *w, const char *factor)
{
	json_t *names = json_object(), *run, *site;
	const char *name;
	size_t i, j;
	int code = 0;

	json_array_foreach(w->as_it_is.runs, i, run)
	{
		json_array_foreach(json_object_get(run, "locks"), j, site)
		{
			char text[NAME_SIZE];

			snprintf(text, sizeof(text), "%s.%s=%s",
				 json_string_value(json_object_get(site, "lock")),
				 json_string_value(json_object_get(site, "site")), factor);
			if (json_number_at(site, "hold_read.sum_ns") > 0 ||
			    json_number_at(site, "hold_write.sum_ns") > 0)
				json_object_set_new(names, text, json_true());
		}
	}
	json_object_foreach(names, name, site)
	{
		if (!code)
			code = add(w, name);
	}
	json_decref(names);
	return code;
}

static double holds_of(const json_t *site)
{
	return json_number_at(site, "hold_read.count") + json_number_at(site, "hold_write.count");
}

/* Where most locks are taken. */
static const json_t *busiest_site(const json_t *run)
{
	const json_t *site, *busiest = NULL;
	size_t i;

	json_array_foreach(json_object_get(run, "locks"), i, site)
	{
		if (!busiest || holds_of(site) > holds_of(busiest))
			busiest = site;
	}
	return busiest && holds_of(busiest) > 0 ? busiest : NULL;
}

static int add_chances(struct what_if *w)
{
	const json_t *site = busiest_site(json_array_get(w->as_it_is.runs, 0));
	int code = 0;

	for (size_t i = 0; site && i < NR_CHANCES && !code; i++) {
		char text[NAME_SIZE];

		snprintf(text, sizeof(text), "%s.%s=%s",
			 json_string_value(json_object_get(site, "lock")),
			 json_string_value(json_object_get(site, "site")), next_to_nothing[i]);
		code = add(w, text);
	}
	w->first_asked = w->nr;
	return code;
}

/* "all" or "all=0.8": their factor; NULL: another site. */
static const char *factor_of_all(const char *item)
{
	if (!strcmp(item, "all"))
		return "0.5";
	return !strncmp(item, "all=", 4) ? item + 4 : NULL;
}

static int add_items(struct what_if *w)
{
	const struct cli_list *list = &w->options->what_if;
	int code = add_chances(w);

	for (unsigned int i = 0; i < list->nr && !code; i++) {
		const char *factor = factor_of_all(list->item[i]);

		code = factor ? add_all(w, factor) : add(w, list->item[i]);
	}
	return code;
}

/* Whatever is wrong is said before anything is run: by instances that do nothing. */
static int check(struct what_if *w)
{
	const struct variant *v = &w->as_it_is;
	const struct cli_list *list = &w->options->what_if;
	int code = 0;

	for (unsigned int i = 0; i < list->nr && !code; i++) {
		const char *factor = factor_of_all(list->item[i]);
		char any[NAME_SIZE];
		json_t *empty;

		snprintf(any, sizeof(any), "mmap=%s", factor ? factor : "");
		code = add(w, factor ? any : list->item[i]);
		if (code)
			break;
		empty = cli_empty_result(v->options, &w->variants[w->nr - 1].config, v->input);
		if (empty && !w->metrics)
			w->metrics = strdup(metrics_of(empty));
		code = empty && w->metrics ? cli_check_metrics(empty, w->metrics) : EXIT_USAGE;
		json_decref(empty);
	}
	while (w->nr)
		json_decref(w->variants[--w->nr].runs);
	return code;
}

/* ---- what came out ---- */

static json_int_t gain_of(const json_t *object)
{
	const json_t *row = json_array_get(json_object_get(object, "metrics"), 0);
	const json_t *a = json_object_get(row, "a"), *b = json_object_get(row, "b");
	json_int_t less = json_integer_value(a) - json_integer_value(b);

	if (!a || !b)
		return 0;
	return json_is_true(json_object_get(row, "higher_is_better")) ? -less : less;
}

static const char *name_of(const json_t *object)
{
	return json_string_value(json_object_get(object, "what_if"));
}

static int by_gain(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;

	if (gain_of(x) != gain_of(y))
		return gain_of(x) < gain_of(y) ? 1 : -1;
	return strcmp(name_of(x), name_of(y));
}

static json_t *row_of(const struct what_if *w, const struct variant *variant)
{
	return json_pack("{s:s, s:o}", "what_if", variant->name, "metrics",
			 exact_rows(w->as_it_is.runs, variant->runs, w->metrics));
}

/* From the least to the most that the metric was when next to nothing changed. */
static void see_chance(struct what_if *w)
{
	for (unsigned int i = 0; i < w->first_asked; i++) {
		json_t *object = row_of(w, &w->variants[i]);
		const json_t *row = json_array_get(json_object_get(object, "metrics"), 0);
		json_int_t a = json_integer_value(json_object_get(row, "a"));
		json_int_t b = json_integer_value(json_object_get(row, "b"));

		if (!i)
			w->chance_low = w->chance_high = a;
		w->chance_low = MIN(w->chance_low, b);
		w->chance_high = MAX(w->chance_high, b);
		json_decref(object);
	}
}

static void rank(struct what_if *w)
{
	unsigned int nr = w->nr - w->first_asked;
	json_t **sorted = calloc(nr + 1, sizeof(json_t *));

	see_chance(w);
	w->rows = json_array();
	for (unsigned int i = 0; sorted && i < nr; i++)
		sorted[i] = row_of(w, &w->variants[w->first_asked + i]);
	if (sorted)
		qsort(sorted, nr, sizeof(json_t *), by_gain);
	for (unsigned int i = 0; sorted && i < nr; i++)
		json_array_append_new(w->rows, sorted[i]);
	free(sorted);
}

/* No farther than twice of what next to nothing did. */
static bool may_be_chance(const struct what_if *w, json_int_t value)
{
	json_int_t width = w->chance_high - w->chance_low;

	return value >= w->chance_low - width && value <= w->chance_high + width;
}

static void print_line(const struct what_if *w, const json_t *object)
{
	const json_t *row = json_array_get(json_object_get(object, "metrics"), 0);
	json_int_t a = json_integer_value(json_object_get(row, "a"));
	json_int_t b = json_integer_value(json_object_get(row, "b")), change = b - a;
	enum metric_format format =
		(enum metric_format)json_integer_value(json_object_get(row, "format"));
	char value[48], delta[48];

	printf("  %-38s %16s %16s", name_of(object), exact_text_at(row, "b", value, sizeof(value)),
	       exact_text(change, format, true, delta, sizeof(delta)));
	if (a)
		printf("  %+.1f %%", 100 * (double)change / (double)a);
	puts(may_be_chance(w, b) ? "  (chance?)" : "");
}

static void print_ranking(const struct what_if *w)
{
	const json_t *first = json_array_get(w->rows, 0), *object;
	const json_t *row = json_array_get(json_object_get(first, "metrics"), 0);
	const char *unit = json_string_value(json_object_get(row, "unit"));
	size_t i, shown = 0, same = 0, more = 0;
	enum metric_format format;
	char value[48], high[48];

	printf("\n%s%s%s, %s over %zu seeds, if holds were so many times as long\n",
	       json_string_value(json_object_get(row, "metric")), *unit ? ", " : "", unit,
	       json_string_value(json_object_get(row, "over")), json_array_size(w->as_it_is.runs));
	printf("  %-38s %16s\n", "as they are", exact_text_at(row, "a", value, sizeof(value)));
	format = (enum metric_format)json_integer_value(json_object_get(row, "format"));
	printf("  %-38s %16s to %s\n", "with next to nothing changed",
	       exact_text(w->chance_low, format, false, value, sizeof(value)),
	       exact_text(w->chance_high, format, false, high, sizeof(high)));
	json_array_foreach(w->rows, i, object)
	{
		if (!gain_of(object))
			same++;
		else if (shown++ < SITES_SHOWN)
			print_line(w, object);
		else
			more++;
	}
	if (more)
		printf("  %zu more\n", more);
	if (same)
		printf("  %zu change nothing\n", same);
}

static void print_all(const struct what_if *w)
{
	const json_t *object;
	size_t i;

	print_head_of_runs(w->as_it_is.runs, stdout);
	print_strategies(json_array_get(w->as_it_is.runs, 0), "as", stdout);
	print_ranking(w);
	if (json_array_size(w->rows) > 3)
		return;
	json_array_foreach(w->rows, i, object)
	{
		printf("\na: as it is, b: %s\n", name_of(object));
		exact_print(json_object_get(object, "metrics"), stdout);
	}
}

static int write_json(const struct what_if *w)
{
	json_t *object;
	int code;

	if (!w->options->json)
		return 0;
	object = json_pack("{s:s, s:s, s:[I,I], s:O, s:O}", "schema", "mmsim-what-if-1", "command",
			   w->options->command, "chance", w->chance_low, w->chance_high, "rows",
			   w->rows, "as_it_is", w->as_it_is.runs);
	code = cli_write_json(object, w->options->json);
	json_decref(object);
	return code;
}

/* ---- all of it ---- */

static int run_all(struct what_if *w)
{
	int code = variants_run(w->options, &w->as_it_is, 1), json_code;

	if (!code)
		code = add_items(w);
	if (!code)
		code = variants_run(w->options, w->variants, w->nr);
	if (!w->nr || !json_array_size(w->variants[0].runs))
		return code;
	/* Cut short, it is compared for the seeds that all have. */
	while (json_array_size(w->as_it_is.runs) > json_array_size(w->variants[0].runs))
		json_array_remove(w->as_it_is.runs, json_array_size(w->as_it_is.runs) - 1);
	rank(w);
	print_all(w);
	json_code = write_json(w);
	return code ? code : json_code;
}

int cli_what_if(const struct cli_options *options, struct cli_input *input)
{
	struct what_if w = {.options = options};
	int code;

	w.as_it_is = (struct variant){
		.name = "as it is", .options = options, .input = input, .runs = json_array()};
	code = cli_mutant(options->mutant, &w.as_it_is.mutant);
	if (!code)
		code = cli_point(options, input, 0, &w.as_it_is.config);
	if (!code && options->folded) {
		fputs("mmsim: --folded: expected a run without --what-if\n", stderr);
		code = EXIT_USAGE;
	}
	if (!code && input->points > 1) {
		fputs("mmsim: --what-if: expected one value a key, no lists\n", stderr);
		code = EXIT_USAGE;
	}
	w.variants = calloc(SITES_MAX, sizeof(*w.variants));
	w.names = calloc(SITES_MAX, sizeof(*w.names));
	if (!w.variants || !w.names)
		code = EXIT_USAGE;
	if (!code)
		code = check(&w);
	if (!code)
		code = run_all(&w);
	for (unsigned int i = 0; i < w.nr; i++)
		json_decref(w.variants[i].runs);
	json_decref(w.as_it_is.runs);
	json_decref(w.rows);
	free(w.variants);
	free(w.names);
	free(w.metrics);
	return code;
}
