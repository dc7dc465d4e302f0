/* SPDX-License-Identifier: MIT */
/*
 * Which CPU a task wakes on, and what an idle CPU takes from others.
 *
 * Fidelity: in the manner of select_idle_capacity() and, for phones, of the
 * energy-aware choice: the smallest idle CPU whose capacity fits what the task
 * used lately (80 % of it), the last one first, a core without a busy sibling
 * before one with; if none fits the largest idle one; if none is idle the least
 * loaded. An idle CPU pulls a waiting task that fits it. Not modelled: energy
 * tables, wake affinity, balancing but by who goes idle, moving a running task (one
 * that always runs stays where it began), FIFO tasks pushed to other CPUs, the
 * spread of new tasks over the sockets (here the first one fills first), what keeps
 * Linux from searching for the least loaded CPU or pulling a task at once.
 */
#include "machine/timed/timed.h"

#include <string.h>

static bool is_idle(const struct cpu *cpu)
{
	return !cpu->curr;
}

/* With a fifth to spare, as fits_capacity(). */
static bool fits(const struct task *task, const struct cpu *cpu)
{
	return task->context->se.util * 1280 <= ((uint64_t)cpu->capacity << UTIL_SHIFT) * 1024;
}

static bool core_is_idle(const struct timed *timed, const struct cpu *cpu)
{
	for (unsigned int i = 0; i < timed->nr_cpus; i++)
		if (mask_has(&cpu->core, i) && !is_idle(&timed->cpus[i]))
			return false;
	return true;
}

/* The less, the rather: a fitting one first, small ones, then where it was, then near. */
static uint64_t dislike(const struct timed *timed, const struct task *task, const struct cpu *cpu)
{
	const struct cpu *before = task->context->cpu;
	uint64_t points = 0;

	/* The largest of those that do not fit. */
	if (fits(task, cpu))
		points = (uint64_t)cpu->capacity << 16;
	else
		points = 1ull << 40 | (uint64_t)(CAPACITY_SCALE - cpu->capacity) << 16;
	if (!core_is_idle(timed, cpu))
		points |= 1 << 12;
	if (before && cpu->socket != before->socket)
		points |= 1 << 11;
	if (before && cpu->cluster != before->cluster)
		points |= 1 << 10;
	if (cpu != before)
		points |= 1 << 9;
	return points | cpu->id;
}

/* As others see it: what runs and waits there, for its size. A FIFO task must not wait for one. */
static uint64_t load_of(const struct cpu *cpu, const struct task *task)
{
	uint64_t weight = 0;
	struct entity *se;

	if (task->fifo)
		return (cpu->curr->fifo >= task->fifo ? 1ull << 32 : 0) + cpu->nr_fifo;
	if (!cpu->curr->fifo)
		weight += (uint64_t)cpu->curr->context->se.weight;
	else
		weight += 1ull << 24;
	list_for_each_entry (se, &cpu->fair, node)
		weight += (uint64_t)se->weight;
	weight += (uint64_t)cpu->nr_fifo << 24;
	return weight * CAPACITY_SCALE / cpu->capacity;
}

struct cpu *place_task(struct timed *timed, struct task *task)
{
	const struct machine_context *context = task->context;
	struct cpu *idle = NULL, *busy = NULL;
	uint64_t least = UINT64_MAX, least_load = UINT64_MAX;

	for (unsigned int i = 0; i < timed->nr_cpus; i++) {
		struct cpu *cpu = &timed->cpus[i];
		uint64_t points;

		if (!mask_has(&context->allowed, i))
			continue;
		if (is_idle(cpu)) {
			points = dislike(timed, task, cpu);
			if (points < least) {
				least = points;
				idle = cpu;
			}
			continue;
		}
		points = load_of(cpu, task) * 2 + (cpu != context->cpu);
		if (points < least_load) {
			least_load = points;
			busy = cpu;
		}
	}
	return idle ? idle : busy;
}

/* The first of those that wait on @list that may run on @cpu, and not too slowly. */
static struct task *first_to_pull(const struct list_head *list, const struct cpu *from,
				  const struct cpu *cpu)
{
	struct entity *se;

	list_for_each_entry (se, list, node) {
		struct task *task = container_of(se, struct machine_context, se)->task;

		if (mask_has(&task->context->allowed, cpu->id) &&
		    (fits(task, cpu) || cpu->capacity >= from->capacity))
			return task;
	}
	return NULL;
}

struct task *place_pull(struct timed *timed, struct cpu *cpu)
{
	struct task *pulled = NULL;
	unsigned int most = 0;

	for (unsigned int i = 0; i < timed->nr_cpus; i++) {
		struct cpu *from = &timed->cpus[i];
		unsigned int nr = from->nr_fair + from->nr_fifo;
		struct task *task;

		if (from == cpu || nr <= most || !from->curr)
			continue;
		task = first_to_pull(&from->fifo, from, cpu);
		if (!task)
			task = first_to_pull(&from->fair, from, cpu);
		if (!task)
			continue;
		most = nr;
		pulled = task;
	}
	return pulled;
}

/* A number below @end, and past it; false: there is none. */
static bool take_cpu(const char **at, unsigned int end, unsigned int *cpu)
{
	const char *c = *at;

	for (*cpu = 0; *c >= '0' && *c <= '9' && *cpu < end; c++)
		*cpu = *cpu * 10 + (unsigned int)(*c - '0');
	if (c == *at || *cpu >= end)
		return false;
	*at = c;
	return true;
}

/* "2" or "0-3", and past it. */
static bool take_range(const char **at, unsigned int end, struct cpu_mask *mask)
{
	unsigned int first, last;

	if (!take_cpu(at, end, &first))
		return false;
	last = first;
	if (**at == '-') {
		++*at;
		if (!take_cpu(at, end, &last))
			return false;
	}
	for (unsigned int i = first; i <= last; i++)
		mask_set(mask, i);
	return first <= last;
}

int place_parse_cpus(const struct timed *timed, const char *list, struct cpu_mask *mask)
{
	*mask = (struct cpu_mask){{0}};
	if (!*list || !strcmp(list, "any")) {
		for (unsigned int i = 0; i < timed->nr_cpus; i++)
			mask_set(mask, i);
		return 0;
	}
	for (;; list++) {
		if (!take_range(&list, timed->nr_cpus, mask))
			return -EINVAL;
		if (!*list)
			return 0;
		if (*list != ',')
			return -EINVAL;
	}
}
