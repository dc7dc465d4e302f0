/* SPDX-License-Identifier: MIT */
/*
 * Whom a task with a deadline waited for: every nanosecond of its waits for locks,
 * by the whole chain of who had it or was queued before, and by what the last of
 * the chain did meanwhile. Only the task itself adds (on the models one task at a
 * time runs), and only waits that are no part of another: the rows add up to what
 * the task waited.
 */
#include "trace/trace_internal.h"

#include <string.h>

static void key_of_edge(struct blame_key *key, const struct wait_edge *edge)
{
	memset(key, 0, sizeof(*key)); /* padding is compared, too */
	key->object = edge->object;
	key->class = edge->key.class;
	key->site = edge->key.waiter_site;
	key->operation = edge->operation;
	key->mode = edge->key.mode;
	key->length = edge->part.length;
	for (unsigned int n = 0; n < key->length; n++) {
		const struct wait_link *link = &edge->part.link[n];

		key->link[n].task = link->task;
		key->link[n].class = link->class;
		key->link[n].site = link->site;
		key->link[n].operation = link->operation;
		key->link[n].mode = link->mode;
		key->link[n].behind_writer = link->behind_writer;
		key->link[n].object = link->object;
	}
}

static unsigned int hash_of(const struct blame_key *key)
{
	const unsigned char *p = (const unsigned char *)key;
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * 16777619u;
	return h % (2 * BLAME_ROWS);
}

static struct blame_row *row_of(struct task_blame *blame, const struct blame_key *key)
{
	unsigned int at = hash_of(key);

	for (; blame->index[at]; at = (at + 1) % (2 * BLAME_ROWS)) {
		struct blame_row *row = &blame->row[blame->index[at] - 1];

		if (!memcmp(&row->key, key, sizeof(*key)))
			return row;
	}
	if (blame->nr == BLAME_ROWS - 1)
		return &blame->row[BLAME_ROWS - 1];
	blame->row[blame->nr].key = *key;
	blame->index[at] = (uint16_t)(blame->nr + 1);
	return &blame->row[blame->nr++];
}

void blame_add(struct task_blame *blame, const struct wait_edge *edge)
{
	const struct wait_part *part = &edge->part;
	struct blame_row *row;
	struct blame_key key;

	/* The holder let go in the very moment. */
	if (!part->ns)
		return;
	key_of_edge(&key, edge);
	row = row_of(blame, &key);
	row->count++;
	row->total_ns += part->ns;
	row->max_ns = MAX(row->max_ns, part->ns);
	row->mostly_preempted += part->share_ns[SHARE_preempted] > part->ns / 2;
	for (int i = 0; i < NR_WAIT_SHARES; i++)
		row->share_ns[i] += part->share_ns[i];
}
