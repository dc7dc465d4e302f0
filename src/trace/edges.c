/* SPDX-License-Identifier: MIT */
/*
 * Who waited for whom. When a task has to wait, the other tasks' held-lock
 * stacks are scanned for the holder, and from it on along the chain of waits.
 * The stacks change meanwhile, so a holder may be missed (HOLDER_UNKNOWN) or,
 * rarely, be one that has just left: good for a picture, not for a proof.
 */
#include "trace/trace_internal.h"

#include <stdio.h>
#include <string.h>

const char *holder_state_name(enum holder_state state)
{
	static const char *const names[] = {"unknown", "running", "off cpu",
					    "waiting", "in I/O",  "granted, not run yet",
					    "preempted"};

	return names[state];
}

/* Was the task's wait as a reader of @lock granted, by a waker, and it has not run since? */
static bool is_granted(const struct task *task, const struct task_trace *t, const void *lock)
{
	return quiet_load(t->wait.lock) == lock && quiet_load(t->wait.mode) == LOCK_READ &&
	       quiet_load(t->wait.class) < LOCK_page_table_lock &&
	       !quiet_load_acquire(task->rwsem_waiter.task);
}

/* What @task was found to hold or wait for. */
static void link_set(struct wait_link *link, const struct task *task, uint64_t what,
		     uint64_t since_ns)
{
	*link = (struct wait_link){
		.task = (int16_t)task->index,
		.class = (uint8_t)what_class(what),
		.site = (uint8_t)what_site(what),
		.mode = (uint8_t)what_mode(what),
		.cpu = task->cpu,
		.since_ns = since_ns,
	};
}

static uint64_t what_waits(const struct lock_wait *wait)
{
	return quiet_load(wait->class) | (uint64_t)quiet_load(wait->site) << WHAT_SITE_SHIFT |
	       (quiet_load(wait->mode) == LOCK_WRITE ? WHAT_WRITE : 0);
}

/* Does the task hold @lock? Then @link says how. */
static bool find_held(const struct task *task, const struct task_trace *t, const void *lock,
		      struct wait_link *link)
{
	unsigned int depth = MIN(quiet_load(t->depth), TRACE_MAX_HELD);

	for (unsigned int j = 0; j < depth; j++) {
		uint64_t what = quiet_load(t->held[j].what);

		if (quiet_load(t->held[j].lock) != lock)
			continue;
		link_set(link, task, what,
			 what & WHAT_TIMED ? quiet_load(t->held_since_ns[j]) : 0);
		return true;
	}
	return false;
}

/* The first task but @waiter that holds @lock, and how. A writer is preferred. */
static struct task *find_holder(const struct trace *trace, const void *lock,
				const struct task *waiter, struct wait_link *link)
{
	struct task *task, *reader = NULL;
	struct wait_link found;

	*link = (struct wait_link){.task = -1, .site = SITE_user};
	for (int i = 0; (task = machine_task(trace->machine, i)); i++) {
		const struct task_trace *t = quiet_load_acquire(task->trace);

		if (!t || task == waiter)
			continue;
		if (find_held(task, t, lock, &found)) {
			*link = found;
			if (found.mode == LOCK_WRITE)
				return task;
			reader = task;
		}
		if (!reader && is_granted(task, t, lock)) {
			link_set(link, task, what_waits(&t->wait), t->wait.since_ns);
			reader = task;
		}
	}
	return reader;
}

static enum holder_state holder_state_of(const struct task *holder, const void *lock)
{
	int state = holder ? quiet_load(holder->state) : TASK_DEAD;

	if (!holder)
		return HOLDER_UNKNOWN;
	if (holder->trace && is_granted(holder, holder->trace, lock))
		return HOLDER_GRANTED;
	if (holder->trace && quiet_load(holder->trace->wait.lock))
		return HOLDER_WAITING;
	if (state == TASK_QUEUED)
		return HOLDER_PREEMPTED;
	return state == TASK_RUNNING ? HOLDER_RUNNING : HOLDER_OFF_CPU;
}

static void link_finish(const struct trace *trace, struct wait_link *link, struct task *holder,
			const void *lock)
{
	link->state = (uint8_t)holder_state_of(holder, lock);
	link->object = machine_object_name(trace->machine, lock).number;
	link->preempted_ns = machine_run_delay(holder);
}

/* From @holder on, whose link is the first: whom it waits for, and so on. */
static void follow_chain(const struct trace *trace, struct wait_edge *edge, struct task *holder,
			 const void *held)
{
	int n = 0;

	for (; holder && n < TRACE_MAX_CHAIN; n++) {
		const void *lock = holder->trace ? quiet_load(holder->trace->wait.lock) : NULL;

		link_finish(trace, &edge->link[n], holder, held ? held : lock);
		/* Who was granted what it waits for waits for a CPU only. */
		if (!lock || n + 1 == TRACE_MAX_CHAIN ||
		    (lock == held && is_granted(holder, holder->trace, held))) {
			n++;
			break;
		}
		holder = find_holder(trace, lock, holder, &edge->link[n + 1]);
		held = lock;
	}
	edge->key.chain_length = (uint8_t)n;
}

static void edge_set_holder(const struct trace *trace, struct wait_edge *edge, struct task *holder,
			    const void *held)
{
	const struct wait_link *last;

	edge->key.holder = holder ? (int16_t)holder->index : -1;
	edge->key.holder_site = edge->link[0].site;
	edge->key.holder_state = (uint8_t)holder_state_of(holder, held);
	follow_chain(trace, edge, holder, held);
	last = &edge->link[edge->key.chain_length ? edge->key.chain_length - 1 : 0];
	edge->key.chain_end = holder ? last->task : -1;
	edge->key.chain_end_site = holder ? last->site : 0;
}

static void set_wait(struct task_trace *t, const struct lock_wait *wait)
{
	t->wait.since_ns = wait->since_ns;
	quiet_store(t->wait.class, wait->class);
	quiet_store(t->wait.site, wait->site);
	quiet_store(t->wait.mode, wait->mode);
	quiet_store(t->wait.lock, wait->lock);
}

void trace_wait_begin(const void *lock, enum lock_class class, enum lock_site site,
		      enum lock_mode mode, struct wait_edge *edge)
{
	struct task_trace *t = current->trace;
	struct task *holder;

	if (!t)
		return;
	memset(&edge->key, 0, sizeof(edge->key));
	edge->key.waiter = (int16_t)current->index;
	edge->key.class = (uint8_t) class;
	edge->key.waiter_site = (uint8_t)site;
	edge->key.mode = (uint8_t)mode;
	holder = find_holder(t->trace, lock, current, &edge->link[0]);
	edge_set_holder(t->trace, edge, holder, lock);
	/* Waiting for an rwsem, a task may have to wait for that rwsem's wait_lock. */
	edge->outer = t->wait;
	edge->since_ns = now_ns();
	edge->object = machine_object_name(t->trace->machine, lock).number;
	set_wait(t, &(struct lock_wait){.lock = lock,
					.since_ns = edge->since_ns,
					.class = edge->key.class,
					.site = edge->key.waiter_site,
					.mode = edge->key.mode});
}

void trace_wait_behind(struct wait_edge *edge, struct task *writer)
{
	struct task_trace *t = current->trace;

	if (!t || !writer)
		return;
	edge->key.behind_writer = 1;
	if (writer->trace)
		link_set(&edge->link[0], writer, what_waits(&writer->trace->wait),
			 writer->trace->wait.since_ns);
	else
		link_set(&edge->link[0], writer, SITE_user << WHAT_SITE_SHIFT, 0);
	edge->link[0].behind_writer = 1;
	edge_set_holder(t->trace, edge, writer, NULL);
}

/* ---- the table ---- */

static unsigned int edge_hash(const struct wait_edge *edge)
{
	const unsigned char *p = (const unsigned char *)&edge->key;
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof(edge->key); i++)
		h = (h ^ p[i]) * 16777619u;
	return h % TRACE_MAX_EDGES;
}

/* Slots go 0, 1 (one task writes the key), 2 (the key stays). */
static struct edge_sum *edge_slot(struct trace *trace, const struct wait_edge *edge)
{
	unsigned int at = edge_hash(edge);

	for (unsigned int i = 0; i < TRACE_MAX_EDGES; i++) {
		struct edge_sum *slot = &trace->edges[(at + i) % TRACE_MAX_EDGES];
		int ready = 0;

		if (quiet_try_cmpxchg(slot->ready, &ready, 1)) {
			memcpy(&slot->key, &edge->key, sizeof(slot->key));
			/* Release: pairs with the acquire of whoever finds it ready. */
			quiet_store_release(slot->ready, 2);
			return slot;
		}
		/* A slot whose key is just being written may be ours: a twin is harmless. */
		if (ready == 2 && !memcmp(&slot->key, &edge->key, sizeof(slot->key)))
			return slot;
	}
	return NULL;
}

/* How long the chain's tasks were preempted since the wait began: at most all the time. */
static void links_end(const struct trace *trace, struct wait_edge *edge, uint64_t waited_ns)
{
	for (int n = 0; n < edge->key.chain_length; n++) {
		struct wait_link *link = &edge->link[n];
		struct task *task = machine_task(trace->machine, link->task);
		uint64_t delay = task ? machine_run_delay(task) - link->preempted_ns : 0;

		link->preempted_ns = MIN(delay, waited_ns);
		link->cpu = task ? task->cpu : 0;
	}
}

static void edge_add(struct trace *trace, const struct wait_edge *edge, uint64_t waited_ns)
{
	struct edge_sum *slot = edge_slot(trace, edge);
	uint64_t max;

	if (!slot) {
		count_event(COUNTER_edges_dropped);
		return;
	}
	quiet_add(slot->count, 1);
	quiet_add(slot->total_ns, waited_ns);
	if (edge->key.chain_length)
		quiet_add(slot->preempted_ns, edge->link[edge->key.chain_length - 1].preempted_ns);
	max = quiet_load(slot->max_ns);
	while (waited_ns > max && !quiet_try_cmpxchg(slot->max_ns, &max, waited_ns))
		;
}

static void account_wait(struct task_waits *waits, uint64_t waited_ns)
{
	quiet_inc_owned(waits->count, 1);
	quiet_inc_owned(waits->total_ns, waited_ns);
	if (waited_ns > waits->longest_ns)
		quiet_store(waits->longest_ns, waited_ns);
}

void trace_wait_end(struct wait_edge *edge)
{
	struct task_trace *t = current->trace;
	struct site_stats *s;
	uint64_t waited_ns;

	if (!t)
		return;
	waited_ns = now_ns() - edge->since_ns;
	set_wait(t, &edge->outer);
	links_end(t->trace, edge, waited_ns);
	/* A wait within a wait is part of it. */
	if (!edge->outer.lock) {
		bool spins = edge->key.class >= LOCK_page_table_lock;

		if (!spins && waited_ns > t->waits[0].longest_ns)
			t->longest = *edge;
		account_wait(&t->waits[spins], waited_ns);
	}
	s = &t->site[edge->key.class][edge->key.waiter_site];
	quiet_inc_owned(s->contended[edge->key.mode], 1);
	histogram_add(&s->wait_ns, waited_ns);
	if (edge->key.behind_writer) {
		quiet_inc_owned(s->behind_writer, 1);
		quiet_inc_owned(s->behind_writer_ns, waited_ns);
	}
	edge_add(t->trace, edge, waited_ns);
}

const struct edge_sum *trace_edge(const struct trace *trace, unsigned int i)
{
	for (unsigned int at = 0; at < TRACE_MAX_EDGES; at++) {
		const struct edge_sum *slot = &trace->edges[at];

		if (quiet_load_acquire(slot->ready) == 2 && !i--)
			return slot;
	}
	return NULL;
}

/* ---- as text ---- */

static int describe_held(const struct task_trace *t, char *buf, size_t size)
{
	unsigned int depth = MIN(quiet_load(t->depth), TRACE_MAX_HELD);
	int n = 0;

	for (unsigned int i = 0; i < depth && n >= 0 && (size_t)n < size; i++) {
		const struct held_lock *h = &t->held[i];
		struct object_name name = machine_object_name(t->trace->machine, h->lock);
		uint64_t what = quiet_load(h->what);

		n += snprintf(buf + n, size - (size_t)n, "%s %s #%llu %s (%s)", i ? "," : " holds",
			      lock_class_name(what_class(what)), (unsigned long long)name.number,
			      what_mode(what) == LOCK_WRITE ? "write" : "read",
			      lock_site_name(what_site(what)));
	}
	return n;
}

int trace_describe_wait(struct task *task, char *buf, size_t size, void *data)
{
	const struct trace *trace = data;
	const struct task_trace *t = quiet_load_acquire(task->trace);
	const void *lock = t ? quiet_load(t->wait.lock) : NULL;
	struct wait_link link;
	struct task *holder;
	int n;

	n = snprintf(buf, size, "  %s:", task->name);
	if (!t)
		return n + snprintf(buf + n, size - (size_t)n, " (not measured)\n");
	n += describe_held(t, buf + n, size - (size_t)n);
	if ((size_t)n >= size)
		return n;
	if (!lock)
		return n + snprintf(buf + n, size - (size_t)n, "%s waits for no lock\n",
				    t->depth ? ";" : "");
	holder = find_holder(trace, lock, task, &link);
	return n + snprintf(buf + n, size - (size_t)n, "%s waits for %s #%llu %s (%s), %s%s\n",
			    t->depth ? ";" : "", lock_class_name(t->wait.class),
			    (unsigned long long)machine_object_name(trace->machine, lock).number,
			    t->wait.mode == LOCK_WRITE ? "write" : "read",
			    lock_site_name(t->wait.site), holder ? "held by " : "held by nobody",
			    holder ? holder->name : "");
}

void trace_wait_graph(const struct trace *trace, char *buf, size_t size)
{
	struct task *task;
	size_t used = 0;

	for (int i = 0; (task = machine_task(trace->machine, i)) && used + 1 < size; i++) {
		if (quiet_load(task->state) == TASK_DEAD)
			continue;
		used += (size_t)trace_describe_wait(task, buf + used, size - used, (void *)trace);
	}
}
