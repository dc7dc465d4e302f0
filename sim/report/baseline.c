/* SPDX-License-Identifier: MIT */
/* Baselines; see gate.h. */
#include "exact.h"
#include "gate.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* Whoever edits it by hand, or merges it, may have left anything. */
static const char *what_is_wrong(const json_t *baseline)
{
	const json_t *rows = json_object_get(baseline, "metrics"), *row;
	size_t i;

	if (strcmp(json_text(baseline, "schema"), BASELINE_SCHEMA))
		return "expected \"schema\": \"" BASELINE_SCHEMA "\"";
	if (!json_is_object(json_object_get(baseline, "setting")))
		return "expected an object \"setting\"";
	if (!json_is_array(rows))
		return "expected an array \"metrics\"";
	json_array_foreach(rows, i, row)
	{
		const json_t *value = json_object_get(row, "b");

		if (!*json_text(row, "metric") || (value && !json_is_integer(value)))
			return "expected in each of \"metrics\" a \"metric\" and an integer \"b\"";
	}
	return NULL;
}

json_t *baseline_load(const char *path, char *error)
{
	json_error_t where;
	json_t *baseline = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	const char *wrong = baseline ? what_is_wrong(baseline) : NULL;

	if (!baseline && where.line > 0)
		snprintf(error, GATE_TEXT_MAX, "%s:%d:%d: %s", path, where.line, where.column,
			 where.text);
	else if (!baseline)
		snprintf(error, GATE_TEXT_MAX, "%s (--write-baseline FILE makes one)", where.text);
	if (!wrong)
		return baseline;
	snprintf(error, GATE_TEXT_MAX, "%s: %s", path, wrong);
	json_decref(baseline);
	return NULL;
}

static const char *as_text(const json_t *value, char **buf)
{
	free(*buf);
	*buf = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	return *buf ? *buf : "nothing";
}

static bool same_setting(const json_t *then, const json_t *now, const char *key, const char *path,
			 char *error)
{
	const json_t *a = json_object_get(then, key), *b = json_object_get(now, key);
	char *text_a = NULL, *text_b = NULL;
	bool same = a && b ? json_equal(a, b) : a == b;

	if (!same)
		snprintf(error, GATE_TEXT_MAX,
			 "%s: made with %s %.160s, this has %.160s: not comparable", path, key,
			 as_text(a, &text_a), as_text(b, &text_b));
	free(text_a);
	free(text_b);
	return same;
}

bool baseline_fits(const json_t *baseline, const char *path, const json_t *setting, char *error)
{
	const json_t *then = json_object_get(baseline, "setting");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)setting, key, value)
	{
		if (!same_setting(then, setting, key, path, error))
			return false;
	}
	json_object_foreach((json_t *)then, key, value)
	{
		if (!same_setting(then, setting, key, path, error))
			return false;
	}
	return true;
}

/* A copy of the rows without what b was before. */
static json_t *forget_baseline(const json_t *rows)
{
	json_t *copy = json_deep_copy(rows), *row, *seed;
	size_t i, j;

	json_array_foreach(copy, i, row)
	{
		json_object_del(row, "baseline");
		json_array_foreach(json_object_get(row, "seeds"), j, seed)
			json_object_del(seed, "baseline");
	}
	return copy;
}

json_t *baseline_json(const json_t *setting, const char *a, const char *b, const json_t *rows,
		      const char *made_by)
{
	json_t *object = json_object();

	json_set_text(object, "schema", BASELINE_SCHEMA);
	json_set_text(object, "made_by", made_by);
	json_object_set(object, "setting", (json_t *)setting);
	if (a)
		json_set_text(object, "a", a);
	json_set_text(object, "b", b);
	json_object_set_new(object, "metrics", forget_baseline(rows));
	return object;
}

json_t *gate_row(const json_t *rows, const char *metric)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
	{
		if (!strcmp(json_text(row, "metric"), metric))
			return row;
	}
	return NULL;
}

static void join_row(const json_t *then, json_t *row)
{
	const json_t *seeds = json_object_get(row, "seeds"), *old;
	json_t *seed;
	size_t i, j;

	json_object_set(row, "baseline", json_object_get(then, "b"));
	json_array_foreach((json_t *)seeds, i, seed)
	{
		json_array_foreach(json_object_get(then, "seeds"), j, old)
		{
			if (json_equal(json_object_get(old, "seed"), json_object_get(seed, "seed")))
				json_object_set(seed, "baseline", json_object_get(old, "b"));
		}
	}
}

void baseline_join(const json_t *baseline, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const json_t *then =
			gate_row(json_object_get(baseline, "metrics"), json_text(row, "metric"));

		if (json_object_get(then, "b"))
			join_row(then, row);
	}
}

char *baseline_conditions(const json_t *baseline)
{
	const json_t *rows = json_object_get(baseline, "metrics"), *row;
	size_t size = 1, used = 0, i;
	char *text;

	json_array_foreach(rows, i, row) size += strlen(json_text(row, "metric")) + 8;
	text = calloc(1, size);
	json_array_foreach(rows, i, row)
	{
		if (!text || !json_object_get(row, "b"))
			continue;
		used += (size_t)snprintf(
			text + used, size - used, "%s %s;", json_text(row, "metric"),
			json_is_true(json_object_get(row, "higher_is_better")) ? "< -0" : "> +0");
	}
	return text;
}
