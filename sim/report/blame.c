/* SPDX-License-Identifier: MIT */
/* Blame of a run as JSON; see blame.h. */
#include "blame.h"
#include "json.h"
#include "result.h"

#include <stdlib.h>
#include <string.h>

static void set_lock(json_t *object, const char *lock, const char *type, uint64_t number,
		     const char *site)
{
	json_set_text(object, "lock", lock);
	json_set_text(object, "type", type);
	json_set_int(object, "object", number);
	json_set_text(object, "site", site);
}

static json_t *link_json(const struct mmsim_blame_link *link)
{
	json_t *object = json_object();

	json_set_text(object, "task", link->task);
	json_set_text(object, "operation", link->operation);
	set_lock(object, link->lock, link->type, link->object, link->site);
	json_object_set_new(object, "write", json_boolean(link->write));
	json_object_set_new(object, "behind_writer", json_boolean(link->behind_writer));
	return object;
}

/* What tells a row from another. */
static json_t *key_json(const struct mmsim *sim, unsigned int task, unsigned int row,
			const struct mmsim_blame *blame)
{
	json_t *object = json_object(), *chain = json_array();
	struct mmsim_blame_link link;

	json_object_set_new(object, "others", json_boolean(blame->others));
	json_set_text(object, "operation", blame->operation);
	set_lock(object, blame->lock, blame->type, blame->object, blame->site);
	json_object_set_new(object, "write", json_boolean(blame->write));
	for (unsigned int i = 0; !mmsim_blame_link_at(sim, task, row, i, &link); i++)
		json_array_append_new(chain, link_json(&link));
	json_object_set_new(object, "chain", chain);
	return object;
}

/* Rows that differ only in which of the tasks of a name it was are one. */
static json_t *row_for(json_t *rows, json_t *key)
{
	char *text = json_dumps(key, JSON_COMPACT);
	json_t *row = text ? json_object_get(rows, text) : NULL;

	if (text && !row) {
		row = json_incref(key);
		json_object_set_new(rows, text, row);
	}
	free(text);
	json_decref(key);
	return row;
}

static void add(json_t *row, const char *key, uint64_t value)
{
	json_set_int(row, key, value + (uint64_t)json_integer_value(json_object_get(row, key)));
}

static void add_row(json_t *row, const struct mmsim_blame *blame)
{
	uint64_t longest = (uint64_t)json_integer_value(json_object_get(row, "max_ns"));

	add(row, "count", blame->count);
	add(row, "total_ns", blame->total_ns);
	json_set_int(row, "max_ns", MAX(longest, blame->max_ns));
	add(row, "mostly_preempted", blame->mostly_preempted);
	add(row, "running_ns", blame->running_ns);
	add(row, "preempted_ns", blame->preempted_ns);
	add(row, "asleep_ns", blame->asleep_ns);
	add(row, "io_ns", blame->io_ns);
	add(row, "handover_ns", blame->handover_ns);
}

json_t *blame_json(const struct mmsim *sim, const char *name)
{
	json_t *object = json_object(), *rows = json_object(), *list = json_array(), *row;
	struct mmsim_task_waits waits;
	struct mmsim_blame blame;
	const char *key;

	json_set_int(object, "waits", 0);
	json_set_int(object, "total_ns", 0);
	for (unsigned int i = 0; !mmsim_task_waits_at(sim, i, &waits); i++) {
		if (strcmp(waits.name, name))
			continue;
		add(object, "waits", waits.waits + waits.spins);
		add(object, "total_ns", waits.wait_ns + waits.spin_ns);
		for (unsigned int r = 0; !mmsim_blame_at(sim, i, r, &blame); r++) {
			row = row_for(rows, key_json(sim, i, r, &blame));
			if (row)
				add_row(row, &blame);
		}
	}
	json_object_foreach(rows, key, row) json_array_append(list, row);
	json_decref(rows);
	json_object_set_new(object, "rows", list);
	return object;
}
