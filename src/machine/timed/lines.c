/* SPDX-License-Identifier: MIT */
/*
 * Steps, and the cache lines they touch.
 *
 * Fidelity: of a coherence protocol what makes locks expensive: a line is held
 * by many to read or by one to write, comes from the nearest holder, and takes
 * as long as they are far from each other; a line that goes from one owner to
 * the next can do nothing else meanwhile, so that a shared counter saturates. A
 * move is half a request and half an answer: for the request's half of the shortest
 * one a CPU that has waited for a line to write has it for further accesses, such as
 * the second word of a lock, or a compare-and-exchange that is tried again.
 * Caches are as large as need be. Not modelled: store buffers and prefetching (a
 * store waits for its line), false hits after eviction, the weak memory order.
 * A line is a place in the arena of objects, never an address; what lies
 * elsewhere (a test's own words) is always in the cache.
 */
#include "machine/timed/timed.h"

static bool is_empty(const struct cpu_mask *mask)
{
	return !(mask->bits[0] | mask->bits[1]);
}

/* Of what is not in the arena: &timed->elsewhere. */
static struct line *line_of(struct timed *timed, const volatile void *addr)
{
	uintptr_t at = (uintptr_t)addr - (uintptr_t)timed->machine->first_chunk;

	return likely(at < timed->machine->arena_used) ? &timed->lines[at >> GRANULE_SHIFT] :
							 &timed->elsewhere;
}

static struct list_head *spinners_on(struct timed *timed, const struct line *line)
{
	uintptr_t n = line == &timed->elsewhere ? 0 : (uintptr_t)(line - timed->lines);

	return &timed->spinners[n % SPIN_BUCKETS];
}

/* ---- moving ---- */

static void count_move(struct timed *timed, enum profile_cost from)
{
	struct machine_stats *stats = &timed->stats;

	switch (from) {
	case COST_line_thread:
		stats->lines_thread++;
		break;
	case COST_line_cluster:
		stats->lines_cluster++;
		break;
	case COST_line_socket:
		stats->lines_socket++;
		break;
	case COST_line_remote:
		stats->lines_remote++;
		break;
	default:
		stats->lines_memory++;
	}
}

/* From the nearest of them. */
static enum profile_cost nearest(const struct cpu *cpu, const struct cpu_mask *holders)
{
	if (mask_meet(holders, &cpu->core))
		return COST_line_thread;
	if (mask_meet(holders, &cpu->in_cluster))
		return COST_line_cluster;
	if (mask_meet(holders, &cpu->in_socket))
		return COST_line_socket;
	return is_empty(holders) ? COST_line_memory : COST_line_remote;
}

static bool all_in(const struct cpu_mask *a, const struct cpu_mask *b)
{
	return !((a->bits[0] & ~b->bits[0]) | (a->bits[1] & ~b->bits[1]));
}

/* All copies but ours go: as long as the farthest takes. */
static enum profile_cost farthest(const struct cpu *cpu, const struct cpu_mask *holders)
{
	if (is_empty(holders))
		return COST_line_memory;
	if (all_in(holders, &cpu->core))
		return COST_line_thread;
	if (all_in(holders, &cpu->in_cluster))
		return COST_line_cluster;
	return all_in(holders, &cpu->in_socket) ? COST_line_socket : COST_line_remote;
}

/* When the line is here if it sets out as soon as it can; nobody else has it before. */
static uint64_t move_alone(struct timed *timed, struct line *line, enum profile_cost from)
{
	uint64_t start = MAX(timed->now, line->busy_until);

	line->busy_until = start + timed->cpu->cost[from];
	return line->busy_until - timed->now;
}

static uint64_t fetch_to_read(struct timed *timed, struct line *line)
{
	const struct cpu *cpu = timed->cpu;
	enum profile_cost from = nearest(cpu, &line->holders);
	uint64_t ns;

	count_move(timed, from);
	/* A written line has to be handed out; one that is shared already is there for all. */
	if (line->owner || line->busy_until > timed->now)
		ns = move_alone(timed, line, from);
	else
		ns = cpu->cost[from];
	line->owner = 0;
	mask_set(&line->holders, cpu->id);
	return ns;
}

static void own(struct line *line, const struct cpu *cpu)
{
	line->holders = (struct cpu_mask){{0}};
	mask_set(&line->holders, cpu->id);
	line->owner = (uint16_t)(cpu->id + 1);
}

static uint64_t fetch_to_write(struct timed *timed, struct line *line)
{
	struct cpu *cpu = timed->cpu;
	enum profile_cost from = farthest(cpu, &line->holders);
	uint64_t ns;

	count_move(timed, from);
	own(line, cpu);
	ns = move_alone(timed, line, from);
	cpu->kept = line;
	cpu->kept_until = timed->now + ns + cpu->cost[COST_line_cluster] / 2;
	return ns;
}

/* What it takes until the running CPU has the line. */
static uint64_t fetch(struct timed *timed, struct line *line, bool write)
{
	const unsigned int cpu = timed->cpu->id;
	struct cpu_mask alone = {{0}};

	if (line->owner == cpu + 1)
		return 0;
	if (line == timed->cpu->kept && timed->now <= timed->cpu->kept_until)
		return 0;
	if (!write)
		return mask_has(&line->holders, cpu) ? 0 : fetch_to_read(timed, line);
	mask_set(&alone, cpu);
	if (line->holders.bits[0] == alone.bits[0] && line->holders.bits[1] == alone.bits[1]) {
		line->owner = (uint16_t)(cpu + 1);
		return 0;
	}
	return fetch_to_write(timed, line);
}

/* ---- steps ---- */

static void check_object(struct timed *timed, const volatile void *addr)
{
	const struct machine_chunk *chunk =
		(const void *)((uintptr_t)addr & ~(uintptr_t)(CHUNK_SIZE - 1));
	struct object_name name;

	if (likely(chunk->state[((uintptr_t)addr & (CHUNK_SIZE - 1)) >> GRANULE_SHIFT] !=
		   GRANULE_FREED))
		return;
	name = machine_object_name(timed->machine, addr);
	machine_bug("use after free: %s touches %s #%llu + %u", current->name, name.type,
		    (unsigned long long)name.number, name.offset);
}

static void report(struct timed *timed)
{
	timed->next_report = timed->stats.steps + MACHINE_PROGRESS_STEPS;
	if (timed->progress.tell)
		timed->progress.tell(timed->now, timed->progress.data);
	if (timed->stats.steps < timed->max_steps) {
		timed->next_report = MIN(timed->next_report, timed->max_steps);
		return;
	}
	/* The next to spend time, if it is none, finds that it is too late. */
	timed->max_ns = timed->now++;
	timed_new_horizon(timed);
}

void timed_wrote(const volatile void *addr)
{
	struct timed *timed = timed_here();
	struct line *line = line_of(timed, addr);

	if (likely(!line->watched))
		return;
	if (timed->written)
		timed_check_written(timed);
	timed->written = line;
}

void timed_step(const volatile void *addr, enum access access)
{
	struct timed *timed = timed_here();
	struct line *line = line_of(timed, addr);
	const struct cpu *cpu = timed->cpu;
	uint64_t ns = 0, moved = 0;

	if (unlikely(!cpu)) {
		if (line != &timed->elsewhere)
			check_object(timed, addr);
		return; /* main, while nothing runs */
	}
	timed->stats.stores += access == ACCESS_STORE;
	timed->stats.atomics += access == ACCESS_ATOMIC;
	if (unlikely(++timed->stats.steps >= timed->next_report))
		report(timed);
	if (!timed->context->covered)
		ns = cpu->cost[COST_step] + (access == ACCESS_ATOMIC ? cpu->cost[COST_atomic] : 0);
	if (likely(line != &timed->elsewhere))
		moved = fetch(timed, line, access != ACCESS_LOAD);
	timed->stats.step_ns += ns;
	timed->stats.line_ns += moved;
	timed_spend(timed, ns + moved);
	if (likely(line != &timed->elsewhere))
		check_object(timed, addr);
	/* Whoever spins on it looks when this access is done. */
	if (access != ACCESS_LOAD)
		timed_wrote(addr);
}

void timed_object_filled(const void *object, size_t size)
{
	struct timed *timed = timed_of(current);
	uint64_t moved;

	if (!timed->cpu)
		return;
	moved = fetch(timed, line_of(timed, object), true);
	for (size_t at = 1 << GRANULE_SHIFT; at < size; at += 1 << GRANULE_SHIFT)
		own(line_of(timed, (const char *)object + at), timed->cpu);
	timed->stats.line_ns += moved;
	timed_spend(timed, moved);
}

/* ---- spinning ---- */

static bool word_is(const volatile void *word, unsigned int size, long value)
{
	if (size == sizeof(int))
		return *(const volatile int *)word == (int)value;
	return *(const volatile long *)word == value;
}

void spin_end(struct timed *timed, struct task *task)
{
	struct machine_context *context = task->context;

	if (!context->spin_word)
		return;
	context->spin_word = NULL;
	list_del(&context->spinner);
	event_cancel(timed, &context->timer);
	quiet_store(task->state, TASK_RUNNING);
	event_at(timed, &context->cpu->event, timed->now);
}

void lines_written(struct timed *timed, struct line *line)
{
	struct machine_context *context, *next;
	bool watched = false;

	list_for_each_entry_safe (context, next, spinners_on(timed, line), spinner) {
		if (line_of(timed, context->spin_word) != line)
			continue;
		if (word_is(context->spin_word, context->spin_size, context->spin_value))
			watched = true;
		else
			spin_end(timed, context->task);
	}
	line->watched = watched;
}

static void spin(struct timed *timed, uint64_t deadline_ns)
{
	struct machine_context *context = current->context;
	struct line *line = line_of(timed, context->spin_word);

	if (timed->cpu->need_resched || (deadline_ns && deadline_ns <= timed->now)) {
		context->spin_word = NULL;
		timed_relax(); /* who calls in a loop must let time pass */
		return;
	}
	list_add_tail(&context->spinner, spinners_on(timed, line));
	line->watched = true;
	quiet_store(current->state, TASK_SPINNING);
	if (deadline_ns)
		event_at(timed, &context->timer, deadline_ns);
	timed_switch_away(timed, false);
}

bool timed_spin(const volatile void *word, unsigned int size, long value, uint64_t deadline_ns)
{
	struct timed *timed = timed_of(current);
	struct machine_context *context = current->context;

	if (unlikely(timed->written))
		timed_check_written(timed);
	if (word_is(word, size, value)) {
		context->spin_word = word;
		context->spin_size = size;
		context->spin_value = value;
		spin(timed, deadline_ns);
	}
	/* It looks once more, for which the line has to come. */
	timed_step(word, ACCESS_LOAD);
	return !word_is(word, size, value);
}
