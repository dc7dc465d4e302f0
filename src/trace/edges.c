/* SPDX-License-Identifier: MIT */
/*
 * Who waited for whom, and how long. A wait is a row of parts: on the models a new
 * one begins whenever its chain changes, as the holder that was named lets go, or
 * somebody else gets the lock; on the host a wait is one part, as its chain was
 * when it began.
 */
#include "trace/trace_internal.h"

#include <string.h>

#define LOOK_MIN_NS 20000

static void set_wait(struct task_trace *t, const struct lock_wait *wait)
{
	quiet_store(t->wait.since_ns, wait->since_ns);
	quiet_store(t->wait.class, wait->class);
	quiet_store(t->wait.site, wait->site);
	quiet_store(t->wait.mode, wait->mode);
	quiet_store(t->wait.lock, wait->lock);
}

/* ---- the table ---- */

static unsigned int edge_hash(const struct edge_key *key)
{
	const unsigned char *p = (const unsigned char *)key;
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * 16777619u;
	return h % TRACE_MAX_EDGES;
}

/* Slots go 0, 1 (one task writes the key), 2 (the key stays). */
static struct edge_sum *edge_slot(struct trace *trace, const struct edge_key *key)
{
	unsigned int at = edge_hash(key);

	for (unsigned int i = 0; i < TRACE_MAX_EDGES; i++) {
		struct edge_sum *slot = &trace->edges[(at + i) % TRACE_MAX_EDGES];
		int ready = 0;

		if (quiet_try_cmpxchg(slot->ready, &ready, 1)) {
			memcpy(&slot->key, key, sizeof(slot->key));
			/* Release: pairs with the acquire of whoever finds it ready. */
			quiet_store_release(slot->ready, 2);
			return slot;
		}
		/* A slot whose key is just being written may be ours: a twin is harmless. */
		if (ready == 2 && !memcmp(&slot->key, key, sizeof(slot->key)))
			return slot;
	}
	return NULL;
}

static void edge_add(struct trace *trace, const struct edge_key *key, const struct wait_part *part,
		     bool is_last)
{
	struct edge_sum *slot = edge_slot(trace, key);
	uint64_t max;

	if (!slot) {
		count_event(COUNTER_edges_dropped);
		return;
	}
	quiet_add(slot->count, 1);
	quiet_add(slot->ended, is_last);
	quiet_add(slot->total_ns, part->ns);
	quiet_add(slot->preempted_ns, part->share_ns[SHARE_preempted]);
	max = quiet_load(slot->max_ns);
	while (part->ns > max && !quiet_try_cmpxchg(slot->max_ns, &max, part->ns))
		;
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

/* ---- parts ---- */

/* The chain of @part, which is complete, as the edge's key. */
static void key_of_part(struct edge_key *key, const struct wait_part *part)
{
	const struct wait_link *first = &part->link[0], *last;

	last = &part->link[part->length ? part->length - 1 : 0];
	key->holder = part->length ? first->task : -1;
	key->holder_site = part->length ? first->site : SITE_user;
	key->holder_state = part->length ? first->state : HOLDER_UNKNOWN;
	key->behind_writer = part->length && first->behind_writer;
	key->chain_length = part->length;
	key->chain_end = part->length ? last->task : -1;
	key->chain_end_site = part->length ? last->site : 0;
}

/* The last of its chain; NULL: none was found. */
static struct task *part_end_task(const struct trace *trace, const struct wait_part *part)
{
	return part->length ? machine_task(trace->machine, part->link[part->length - 1].task) :
			      NULL;
}

/* A task that has ended has no count any more. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/*
 * On the host a look is a system call: for who has a deadline only, not for spinlocks, whose
 * waits are mostly shorter, and not at the end of a wait that was too short for a preemption.
 */
static bool may_look(const struct wait_edge *edge, uint64_t ns)
{
	if (mmsim_stepping)
		return true;
	return current->trace->blame && edge->key.class < LOCK_page_table_lock &&
	       (!ns || ns >= LOOK_MIN_NS);
}

static void share(struct wait_part *part, enum wait_share share, uint64_t spent_ns, uint64_t *left)
{
	uint64_t ns = MIN(spent_ns, *left);

	part->share_ns[share] += ns;
	*left -= ns;
}

/* What the host knows of it. */
static enum wait_share share_of_rest(const struct wait_part *part)
{
	enum holder_state state = part->link[part->length - 1].state;

	if (state == HOLDER_IO)
		return SHARE_io;
	return state == HOLDER_OFF_CPU || state == HOLDER_WAITING ? SHARE_asleep : SHARE_running;
}

/* Say what the part's time up to now was for: what the last of its chain did meanwhile. */
static void part_share(const struct trace *trace, struct wait_edge *edge, uint64_t now)
{
	struct wait_part *part = &edge->part;
	const struct task *task = part_end_task(trace, part);
	uint64_t left = now - part->shared_until_ns;
	struct task_times times = part->times;

	if (task && may_look(edge, left))
		part->times = machine_task_times(task);
	part->shared_until_ns = now;
	if (!task || part->let_go) {
		share(part, SHARE_handover, left, &left);
		return;
	}
	share(part, SHARE_preempted, since(part->times.delay_ns, times.delay_ns), &left);
	share(part, SHARE_io, since(part->times.io_ns, times.io_ns), &left);
	share(part, SHARE_asleep, since(part->times.asleep_ns, times.asleep_ns), &left);
	share(part, mmsim_charging && mmsim_stepping ? SHARE_running : share_of_rest(part), left,
	      &left);
}

/* The last of the chain waits for a lock that was let go and that nobody has got yet. */
static bool is_between(const struct trace *trace, const struct wait_part *part)
{
	const struct task *last = machine_task(trace->machine, part->link[part->length - 1].task);

	return part->length < TRACE_MAX_CHAIN && last->trace->wait.lock &&
	       !is_granted(last, last->trace, last->trace->wait.lock);
}

static void part_begin(const struct trace *trace, struct wait_edge *edge,
		       const struct wait_part *part, uint64_t now)
{
	edge->part = *part;
	edge->part.since_ns = edge->part.shared_until_ns = now;
	edge->part.let_go = mmsim_stepping && part->length && is_between(trace, part);
	part_share(trace, edge, now);
	/* On the host who has the lock may have got it after the waiter looked at the clock. */
	for (int n = 0; n < part->length; n++)
		edge->part.link[n].since_ns = MIN(part->link[n].since_ns, now);
	key_of_part(&edge->key, part);
}

/* How long the chain's tasks were preempted since the part began: at most all the time. */
static void links_end(const struct trace *trace, struct wait_part *part)
{
	for (int n = 0; n < part->length; n++) {
		struct wait_link *link = &part->link[n];
		struct task *task = machine_task(trace->machine, link->task);
		uint64_t delay = 0;

		if (mmsim_stepping)
			delay = since(machine_task_times(task).delay_ns, link->preempted_ns);
		else if (n == part->length - 1)
			delay = part->share_ns[SHARE_preempted];
		link->preempted_ns = MIN(delay, part->ns);
		link->cpu = task->cpu;
	}
}

/* @t: the waiter's. */
static void part_end(struct task_trace *t, struct wait_edge *edge, uint64_t now, bool is_last)
{
	struct wait_part *part = &edge->part;
	struct site_stats *s = &t->site[edge->key.class][edge->key.waiter_site];

	part->ns = now - part->since_ns;
	part_share(t->trace, edge, now);
	links_end(t->trace, part);
	if (edge->key.behind_writer)
		quiet_inc_owned(s->behind_writer_ns, part->ns);
	if (part->ns >= edge->longest.ns)
		edge->longest = *part;
	edge_add(t->trace, &edge->key, part, is_last);
	if (t->blame && !edge->outer.lock)
		blame_add(t->blame, edge);
}

/* ---- when a chain changes: on the models, where one task at a time runs ---- */

static bool is_followed(const struct wait_edge *edge)
{
	return mmsim_stepping && edge->key.class < LOCK_page_table_lock;
}

static void follow(struct trace *trace, struct wait_edge *edge, const void *lock)
{
	edge->at = trace->nr_waits;
	trace->waits[trace->nr_waits++] = (struct wait_under_way){lock, edge, current};
}

static void unfollow(struct trace *trace, struct wait_edge *edge)
{
	struct wait_under_way *last = &trace->waits[--trace->nr_waits];

	trace->waits[edge->at] = *last;
	last->edge->at = edge->at;
}

/* The same chain but for what the tasks in it do just now. */
static bool same_chain(const struct wait_part *a, const struct wait_part *b)
{
	if (a->length != b->length)
		return false;
	for (int n = 0; n < a->length; n++)
		if (a->link[n].task != b->link[n].task || a->link[n].site != b->link[n].site ||
		    a->link[n].behind_writer != b->link[n].behind_writer)
			return false;
	return true;
}

/* Whom the first link names still is whom the wait is for, or who is in its place. */
static struct task *first_of_chain(struct trace *trace, const struct wait_under_way *wait,
				   struct wait_link *link)
{
	const struct wait_part *part = &wait->edge->part;
	struct task *task = part->length ? machine_task(trace->machine, part->link[0].task) : NULL;
	const struct task_trace *t = task ? task->trace : NULL;

	if (t && part->link[0].behind_writer && quiet_load(t->wait.lock) == wait->lock) {
		*link = part->link[0];
		return task;
	}
	if (t && find_held(task, t, wait->lock, link))
		return task;
	return find_holder(trace, wait->lock, wait->task, link);
}

/* Nobody has what the last of the chain had, until it is seen who is next. */
static void part_let_go(const struct trace *trace, struct wait_edge *edge, bool let_go)
{
	if (edge->part.let_go == let_go)
		return;
	part_share(trace, edge, now_ns());
	edge->part.let_go = let_go;
}

static void wait_changed(struct trace *trace, const struct wait_under_way *wait)
{
	struct wait_part fresh = {0}, *part = &wait->edge->part;
	struct task *first = NULL;
	uint64_t now;

	/* Who was given the lock waits for no holder any more. */
	if (!is_granted(wait->task, wait->task->trace, wait->lock))
		first = first_of_chain(trace, wait, &fresh.link[0]);
	if (first)
		fresh.length = (uint8_t)follow_chain(trace, fresh.link, first, wait->lock);
	/* Between two holders the first is waited for until the second has it. */
	if (!first || is_between(trace, &fresh)) {
		part_let_go(trace, wait->edge, true);
		return;
	}
	if (same_chain(&fresh, part)) {
		part_let_go(trace, wait->edge, false);
		return;
	}
	/* It had the lock, or was about to, before it could be seen. */
	if (!part->length) {
		part_begin(trace, wait->edge, &fresh, part->since_ns);
		return;
	}
	now = now_ns();
	part_end(wait->task->trace, wait->edge, now, false);
	part_begin(trace, wait->edge, &fresh, now);
}

/* Is @lock waited for in the wait's chain, or current one of it? */
static bool concerns(const struct trace *trace, const struct wait_under_way *wait, const void *lock)
{
	const struct wait_part *part = &wait->edge->part;

	if (wait->lock == lock)
		return true;
	for (int n = 0; n < part->length; n++) {
		const struct task *task = machine_task(trace->machine, part->link[n].task);

		if (task == current || (lock && task->trace->wait.lock == lock))
			return true;
	}
	return false;
}

void trace_model_acquired(const void *lock, enum lock_class class, enum lock_mode mode)
{
	if (mode == LOCK_WRITE)
		*writer_hint(current->trace->trace, lock) = (struct writer_hint){lock, current};
	if (unlikely(current->trace->trace->scales))
		trace_scale(current->trace);
	if (class < LOCK_page_table_lock)
		trace_holders_changed(lock);
}

void trace_model_released(const void *lock)
{
	if (unlikely(current->trace->trace->scales))
		trace_scale(current->trace);
	trace_holders_changed(lock);
}

void trace_holders_changed(const void *lock)
{
	struct trace *trace = current->trace->trace;

	for (unsigned int i = 0; i < trace->nr_waits; i++) {
		const struct wait_under_way *wait = &trace->waits[i];

		if (wait->task != current && concerns(trace, wait, lock))
			wait_changed(trace, wait);
	}
}

void trace_wait_granted(struct task *task)
{
	struct trace *trace = task->trace ? task->trace->trace : NULL;

	for (unsigned int i = 0; trace && i < trace->nr_waits; i++)
		if (trace->waits[i].task == task)
			wait_changed(trace, &trace->waits[i]);
}

/* ---- waits ---- */

static uint16_t classes_held(const struct task_trace *t)
{
	uint16_t held = 0;

	for (unsigned int i = 0; i < MIN(t->depth, TRACE_MAX_HELD); i++)
		held |= (uint16_t)(1u << what_class(t->held[i].what));
	return held;
}

void trace_wait_begin(const void *lock, enum lock_class class, enum lock_site site,
		      enum lock_mode mode, struct wait_edge *edge)
{
	struct task_trace *t = current->trace;
	struct wait_part part = {0};
	struct task *holder;

	if (!t)
		return;
	memset(&edge->key, 0, sizeof(edge->key));
	edge->key.waiter = (int16_t)current->index;
	edge->key.class = (uint8_t) class;
	edge->key.waiter_site = (uint8_t)site;
	edge->key.mode = (uint8_t)mode;
	edge->key.holding = classes_held(t);
	edge->operation = t->operation;
	edge->longest.ns = 0;
	edge->behind_writer = false;
	edge->since_ns = now_ns();
	edge->object = machine_object_name(t->trace->machine, lock).number;
	holder = find_holder(t->trace, lock, current, &part.link[0]);
	part.length = (uint8_t)follow_chain(t->trace, part.link, holder, lock);
	edge->outer = t->wait;
	part_begin(t->trace, edge, &part, edge->since_ns);
	/* Waiting for an rwsem, a task may have to wait for that rwsem's wait_lock. */
	set_wait(t, &(struct lock_wait){.lock = lock,
					.since_ns = edge->since_ns,
					.class = edge->key.class,
					.site = edge->key.waiter_site,
					.mode = edge->key.mode});
	if (is_followed(edge))
		follow(t->trace, edge, lock);
	/* Who spins may be waited for. */
	if (mmsim_stepping && t->trace->nr_waits)
		trace_holders_changed(lock);
}

void trace_wait_behind(struct wait_edge *edge, struct task *writer)
{
	struct task_trace *t = current->trace;
	struct wait_part part = {0};
	const void *lock;
	uint64_t now;

	if (!t || !writer)
		return;
	lock = t->wait.lock;
	if (writer->trace)
		link_set(&part.link[0], writer, what_waits(&writer->trace->wait),
			 quiet_load(writer->trace->wait.since_ns));
	else
		link_set(&part.link[0], writer, SITE_user << WHAT_SITE_SHIFT, 0);
	part.link[0].behind_writer = 1;
	part.length = (uint8_t)follow_chain(t->trace, part.link, writer, lock);
	edge->behind_writer = true;
	now = now_ns();
	/* On the models what was waited for before, awake, is booked to who had the lock then. */
	if (mmsim_stepping && edge->part.length && now > edge->part.since_ns) {
		part_end(t, edge, now, false);
		part_begin(t->trace, edge, &part, now);
	} else {
		part_begin(t->trace, edge, &part, edge->part.since_ns);
	}
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
	uint64_t now, waited_ns;

	if (!t)
		return;
	now = now_ns();
	waited_ns = now - edge->since_ns;
	part_end(t, edge, now, true);
	if (is_followed(edge))
		unfollow(t->trace, edge);
	set_wait(t, &edge->outer);
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
	if (edge->behind_writer)
		quiet_inc_owned(s->behind_writer, 1);
	if (mmsim_stepping && t->trace->nr_waits)
		trace_holders_changed(NULL);
}
