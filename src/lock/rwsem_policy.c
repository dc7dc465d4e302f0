/* SPDX-License-Identifier: MIT */
/* The rwsem axis: one row a policy. A new policy is a new row. */
#include "lock/rwsem.h"

#include <string.h>

/* clang-format off */
static const struct rwsem_policy policies[] = {
	{ .name = "linux", .since = "5.11",
	  .models = "Linux 5.11 to 7.0: stealing, writers' spinning, hand-off, phase-fair wake-up",
	  .helps = "less waiting",
	  .reader_steal = true, .writer_spin = true, .writer_steal = true, .wake_all = true },
	{ .name = "no_steal", .since = "",
	  .models = "linux, but nobody passes queued waiters",
	  .helps = "less waiting (of the queued; throughput pays)",
	  .writer_spin = true, .wake_all = true },
	{ .name = "no_spin", .since = "",
	  .models = "linux, but writers queue at once",
	  .helps = "less waiting (of the queued; CPU time is saved)",
	  .reader_steal = true, .writer_steal = true, .wake_all = true },
	{ .name = "wake_first", .since = "",
	  .models = "linux, but a release wakes readers only up to the first queued writer",
	  .helps = "less waiting (of writers)",
	  .reader_steal = true, .writer_spin = true, .writer_steal = true },
	{ .name = "pthread", .since = "",
	  .models = "pthread_rwlock; munmap does not downgrade it, its waits are not killable",
	  .helps = "none: a yardstick",
	  .foreign = true, .host_only = true },
};
/* clang-format on */

const struct rwsem_policy *rwsem_policy_at(unsigned int i)
{
	return i < ARRAY_SIZE(policies) ? &policies[i] : NULL;
}

const struct rwsem_policy *rwsem_policy_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(policies[i].name, name))
			return &policies[i];
	return NULL;
}
