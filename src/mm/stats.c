/* SPDX-License-Identifier: MIT */
/* The public view of what was measured. */
#include "mm/mm.h"
#include "mmsim/stats.h"

#include <string.h>

int mmsim_counter_info_at(unsigned int i, struct mmsim_counter *counter)
{
	if (i >= NR_COUNTERS)
		return -ENOENT;
	*counter = (struct mmsim_counter){
		.name = trace_counter_name(i),
		.unit = trace_counter_unit(i),
		.help = trace_counter_help(i),
	};
	return 0;
}

int mmsim_counter_at(const struct mmsim *sim, unsigned int i, struct mmsim_counter *counter)
{
	int err = mmsim_counter_info_at(i, counter);

	if (!err)
		counter->value = trace_counter_sum(sim->trace, i);
	return err;
}

uint64_t mmsim_counter(const struct mmsim *sim, const char *name)
{
	for (unsigned int i = 0; i < NR_COUNTERS; i++)
		if (!strcmp(trace_counter_name(i), name))
			return trace_counter_sum(sim->trace, i);
	return UINT64_MAX;
}

static struct mmsim_times times_of(const struct histogram *h)
{
	return (struct mmsim_times){
		.count = h->count,
		.sum_ns = h->sum,
		.p50_ns = histogram_quantile(h, 500),
		.p99_ns = histogram_quantile(h, 990),
		.max_ns = h->max,
	};
}

int mmsim_lock_site_at(const struct mmsim *sim, unsigned int i, struct mmsim_lock_site *out)
{
	enum lock_class class = i / NR_LOCK_SITES;
	enum lock_site site = i % NR_LOCK_SITES;
	struct site_stats sum;

	if (class >= NR_LOCK_CLASSES)
		return -ENOENT;
	trace_site_sum(sim->trace, class, site, &sum);
	*out = (struct mmsim_lock_site){
		.lock = lock_class_name(class),
		.site = lock_site_name(site),
		.spins = class >= LOCK_page_table_lock,
		.acquired_read = sum.acquired[LOCK_READ],
		.acquired_write = sum.acquired[LOCK_WRITE],
		.contended_read = sum.contended[LOCK_READ],
		.contended_write = sum.contended[LOCK_WRITE],
		.behind_writer = sum.behind_writer,
		.behind_writer_ns = sum.behind_writer_ns,
		.wait = times_of(&sum.wait_ns),
		.hold_read = times_of(&sum.hold_ns[LOCK_READ]),
		.hold_write = times_of(&sum.hold_ns[LOCK_WRITE]),
	};
	return 0;
}

static const char *task_name_at(const struct mmsim *sim, int index)
{
	struct task *task = machine_task(sim->machine, index);

	return task ? task->name : "?";
}

int mmsim_edge_at(const struct mmsim *sim, unsigned int i, struct mmsim_edge *out)
{
	const struct edge_sum *edge = trace_edge(sim->trace, i);

	if (!edge)
		return -ENOENT;
	*out = (struct mmsim_edge){
		.lock = lock_class_name(edge->key.class),
		.waiter = task_name_at(sim, edge->key.waiter),
		.waiter_site = lock_site_name(edge->key.waiter_site),
		.holder = task_name_at(sim, edge->key.holder),
		.holder_site = edge->key.holder < 0 ? "?" : lock_site_name(edge->key.holder_site),
		.holder_state = holder_state_name(edge->key.holder_state),
		.chain_end = task_name_at(sim, edge->key.chain_end),
		.chain_end_site =
			edge->key.chain_end < 0 ? "?" : lock_site_name(edge->key.chain_end_site),
		.chain_length = edge->key.chain_length,
		.spins = edge->key.class >= LOCK_page_table_lock,
		.write = edge->key.mode == LOCK_WRITE,
		.behind_writer = edge->key.behind_writer,
		.holding = edge->key.holding,
		.count = quiet_load(edge->count),
		.ended = quiet_load(edge->ended),
		.total_ns = quiet_load(edge->total_ns),
		.max_ns = quiet_load(edge->max_ns),
		.preempted_ns = quiet_load(edge->preempted_ns),
	};
	return 0;
}

int mmsim_task_waits_at(const struct mmsim *sim, unsigned int i, struct mmsim_task_waits *out)
{
	struct task *task = machine_task(sim->machine, (int)i);
	const struct task_trace *t;

	if (!task)
		return -ENOENT;
	*out = (struct mmsim_task_waits){
		.name = task->name, .longest_lock = "", .longest_site = ""};
	t = task->trace;
	if (!t)
		return 0;
	if (t->waits[0].count) {
		out->longest_lock = lock_class_name(t->longest.key.class);
		out->longest_site = lock_site_name(t->longest.key.waiter_site);
		out->longest_object = t->longest.object;
		out->longest_at_ns = t->longest.since_ns;
		out->longest_part_ns = t->longest.longest.ns;
	}
	out->waits = quiet_load(t->waits[0].count);
	out->wait_ns = quiet_load(t->waits[0].total_ns);
	out->longest_ns = quiet_load(t->waits[0].longest_ns);
	out->spins = quiet_load(t->waits[1].count);
	out->spin_ns = quiet_load(t->waits[1].total_ns);
	out->longest_spin_ns = quiet_load(t->waits[1].longest_ns);
	return 0;
}

int mmsim_longest_wait_at(const struct mmsim *sim, unsigned int i, unsigned int link,
			  struct mmsim_wait_link *out)
{
	const struct task_trace *t = trace_task(sim->trace, (int)i);
	const struct wait_link *l;

	if (!t || !t->waits[0].count || link >= t->longest.longest.length)
		return -ENOENT;
	l = &t->longest.longest.link[link];
	*out = (struct mmsim_wait_link){
		.task = task_name_at(sim, l->task),
		.lock = lock_class_name(l->class),
		.site = lock_site_name(l->site),
		.object = l->object,
		.write = l->mode == LOCK_WRITE,
		.behind_writer = l->behind_writer,
		.state = holder_state_name(l->state),
		.cpu = l->cpu,
		.for_ns = l->since_ns ? t->longest.longest.since_ns - l->since_ns : 0,
		.preempted_ns = l->preempted_ns,
	};
	return 0;
}

static const struct blame_row *blame_row(const struct mmsim *sim, unsigned int i, unsigned int row)
{
	const struct task_trace *t = trace_task(sim->trace, (int)i);
	const struct task_blame *blame = t ? t->blame : NULL;

	if (!blame)
		return NULL;
	if (row == blame->nr && blame->row[BLAME_ROWS - 1].count)
		row = BLAME_ROWS - 1;
	else if (row >= blame->nr)
		return NULL;
	return &blame->row[row];
}

int mmsim_blame_at(const struct mmsim *sim, unsigned int i, unsigned int row,
		   struct mmsim_blame *blame)
{
	const struct blame_row *r = blame_row(sim, i, row);

	if (!r)
		return -ENOENT;
	*blame = (struct mmsim_blame){
		.lock = lock_class_name(r->key.class),
		.site = lock_site_name(r->key.site),
		.operation = trace_operation_name(r->key.operation),
		.type = machine_object_type(sim->machine, r->key.object),
		.object = r->key.object,
		.write = r->key.mode == LOCK_WRITE,
		.chain_length = r->key.length,
		.others = r == &trace_task(sim->trace, (int)i)->blame->row[BLAME_ROWS - 1],
		.count = r->count,
		.total_ns = r->total_ns,
		.max_ns = r->max_ns,
		.mostly_preempted = r->mostly_preempted,
#define X(name, help) .name##_ns = r->share_ns[SHARE_##name],
		WAIT_SHARES(X)
#undef X
	};
	return 0;
}

int mmsim_blame_link_at(const struct mmsim *sim, unsigned int i, unsigned int row,
			unsigned int link, struct mmsim_blame_link *out)
{
	const struct blame_row *r = blame_row(sim, i, row);
	const struct blame_link *l;

	if (!r || link >= r->key.length)
		return -ENOENT;
	l = &r->key.link[link];
	*out = (struct mmsim_blame_link){
		.task = task_name_at(sim, l->task),
		.operation = trace_operation_name(l->operation),
		.lock = lock_class_name(l->class),
		.site = lock_site_name(l->site),
		.type = machine_object_type(sim->machine, l->object),
		.object = l->object,
		.write = l->mode == LOCK_WRITE,
		.behind_writer = l->behind_writer,
	};
	return 0;
}

void mmsim_anon_pages(const struct mmsim *sim, uint64_t *exclusive, uint64_t *shared)
{
	unsigned long end = zone_end_pfn(sim->zone);

	*exclusive = *shared = 0;
	for (unsigned long pfn = ZERO_PAGE_PFN + 1; pfn < end; pfn++) {
		const struct folio *folio = pfn_folio(sim, pfn);

		*exclusive += quiet_load(folio->_mapcount.counter) == 1;
		*shared += quiet_load(folio->_mapcount.counter) > 1;
	}
}

int mmsim_bytes_at(const struct mmsim *sim, unsigned int i, struct mmsim_bytes *bytes)
{
	struct kmem_cache *const caches[] = {
		sim->mm_cache,	sim->vma_cache,	    sim->vma_lock_cache, sim->anon_vma_cache,
		sim->avc_cache, sim->name_cache,    sim->tree_cache,	 sim->pte_cache,
		sim->dir_cache, sim->runners_cache, sim->gather_cache,	 sim->lock_cache,
	};

	if (i > ARRAY_SIZE(caches))
		return -ENOENT;
	if (i == ARRAY_SIZE(caches)) {
		uint64_t pages = zone_pages_used(sim->zone);

		*bytes = (struct mmsim_bytes){"page", pages, pages * PAGE_SIZE};
		return 0;
	}
	*bytes = (struct mmsim_bytes){
		.type = kmem_cache_name(caches[i]),
		.objects = kmem_cache_objects(caches[i]),
		.bytes = kmem_cache_bytes(caches[i]),
	};
	return 0;
}

uint64_t mmsim_host_refused(const struct mmsim *sim)
{
	return machine_host_refused(sim->machine);
}

uint64_t mmsim_host_artefacts(const struct mmsim *sim)
{
	return machine_host_artefacts(sim->machine);
}

uint64_t mmsim_steps(const struct mmsim *sim)
{
	return machine_steps(sim->machine);
}

uint64_t mmsim_work_ns(const struct mmsim *sim, const char *kind)
{
#define X(name)                                                                                    \
	if (!strcmp(kind, #name))                                                                  \
		return machine_work_ns(sim->machine, WORK_##name);
	MACHINE_WORK_KINDS(X)
#undef X
	return 0;
}

int mmsim_lock_class_at(unsigned int i, const char **name, const char **guards)
{
	if (i >= NR_LOCK_CLASSES)
		return -ENOENT;
	*name = lock_class_name(i);
	*guards = lock_class_guards(i);
	return 0;
}

int mmsim_site_at(unsigned int i, const char **name, const char **what)
{
	if (i >= NR_LOCK_SITES)
		return -ENOENT;
	*name = lock_site_name(i);
	*what = lock_site_help(i);
	return 0;
}

void mmsim_wait_graph(const struct mmsim *sim, char *buf, size_t size)
{
	trace_wait_graph(sim->trace, buf, size);
}
