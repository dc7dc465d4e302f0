/* SPDX-License-Identifier: MIT */
/* A task of a workload: its script, again and again, or once a period. */
#include "worker.h"
#include "children.h"
#include "do_op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- places and lengths ---- */

/* Of too many bytes as many as there are. */
static uint64_t page_up(uint64_t bytes)
{
	if (bytes > UINT64_MAX - SIM_PAGE_SIZE)
		return UINT64_MAX & ~(SIM_PAGE_SIZE - 1);
	return (bytes + SIM_PAGE_SIZE - 1) & ~(SIM_PAGE_SIZE - 1);
}

/* Which of a VMA's count. */
static uint64_t pick_which(struct worker *worker, const struct place *place, uint64_t count)
{
	switch (place->which) {
	case WHICH_NUMBER:
		return place->number;
	case WHICH_TASK:
		return worker->number % count;
	case WHICH_RANDOM:
		return draw_below(&worker->random, count);
	case WHICH_NEXT:
		return worker->which[place->index]++ % count;
	default:
		return 0;
	}
}

/* The whole of a place; false: an `as` that is nowhere. */
static bool find_range(struct worker *worker, const struct place *place, struct as_place *range)
{
	const struct workload *w = worker->w;
	const struct scenario_vma *vma;

	if (place->kind == PLACE_AS) {
		*range = worker->as[place->index];
		return range->len;
	}
	vma = &w->scenario->vmas[place->index];
	range->len = vma->size;
	range->addr = w->vma_start[place->index] +
		      pick_which(worker, place, vma->count) * (vma->size + vma->gap);
	return true;
}

static uint64_t next_offset(struct worker *worker, const struct place *place, uint64_t size,
			    uint64_t len)
{
	unsigned int i = place->index + (place->kind == PLACE_AS ? SCENARIO_VMAS_MAX : 0);
	uint64_t offset = worker->cursor[i];

	if (len > size || offset > size - len)
		offset = 0;
	worker->cursor[i] = offset + page_up(len);
	return offset;
}

static uint64_t hot_offset(struct worker *worker, const struct place *place, uint64_t pages)
{
	uint64_t hot = MAX(pages * place->hot_part / 100, 1);

	if (hot == pages || draw_below(&worker->random, 100) < place->hot_percent)
		return draw_below(&worker->random, hot) * SIM_PAGE_SIZE;
	return (hot + draw_below(&worker->random, pages - hot)) * SIM_PAGE_SIZE;
}

static uint64_t pick_offset(struct worker *worker, const struct place *place, uint64_t size,
			    uint64_t len)
{
	/* Pages at which a range of that length can begin. */
	uint64_t pages = len < size ? (size - len) / SIM_PAGE_SIZE + 1 : 1;

	switch (place->where) {
	case WHERE_END:
		return size;
	case WHERE_RANDOM:
		return draw_below(&worker->random, pages) * SIM_PAGE_SIZE;
	case WHERE_NEXT:
		return next_offset(worker, place, size, len);
	case WHERE_HOT:
		return hot_offset(worker, place, pages);
	default:
		return 0;
	}
}

static uint64_t pick_len(struct worker *worker, const struct script_op *op, int n, uint64_t whole)
{
	const struct draw *len = &op->len[n];

	if (op->op.kind == OP_R || op->op.kind == OP_W)
		return SIM_PAGE_SIZE;
	if (len->kind == DRAW_NONE)
		return whole;
	if (len->kind == DRAW_CONSTANT)
		return len->number[0];
	return MAX(page_up(draw_next(len, &worker->random)), SIM_PAGE_SIZE);
}

/* One address and its length; false: there is no such place now. */
static bool fill_range(struct worker *worker, const struct script_op *script_op, int n,
		       uint64_t *addr, uint64_t *len)
{
	const struct place *place = &script_op->place[n];
	struct as_place range = {0};

	if (place->kind == PLACE_VMA || place->kind == PLACE_AS)
		if (!find_range(worker, place, &range))
			return false;
	*len = pick_len(worker, script_op, n, range.len);
	if (range.len)
		*addr = range.addr + pick_offset(worker, place, range.len, *len) +
			(uint64_t)place->offset;
	return true;
}

/* ---- operations ---- */

void worker_count_op(struct worker *worker, enum op_kind kind, uint64_t begin_ns, bool failed)
{
	struct op_stats *stats = worker->op[kind];

	worker->now_ns = mmsim_now_ns();
	worker->done++;
	stats->done++;
	stats->failed += failed;
	fine_histogram_add(&stats->latency_ns, worker->now_ns - begin_ns);
}

static void keep_as(struct worker *worker, const struct script_op *script_op,
		    const struct sim_op *op, int64_t result)
{
	struct as_place *as = &worker->as[script_op->as];

	if (result < 0) {
		/* Where a mmap failed is nothing; what a mremap did not move is still there. */
		if (op->kind == OP_MMAP)
			as->len = 0;
		return;
	}
	as->addr = (uint64_t)result;
	as->len = op->kind == OP_MREMAP ? op->new_len : op->len;
	worker->cursor[SCENARIO_VMAS_MAX + script_op->as] = 0;
}

static void do_memory_op(struct worker *worker, const struct script_op *script_op)
{
	struct sim_op op = script_op->op;
	uint64_t begin_ns = mmsim_now_ns();
	int64_t result;

	if (!fill_range(worker, script_op, 0, &op.addr, &op.len) ||
	    !fill_range(worker, script_op, 1, &op.new_addr, &op.new_len)) {
		worker->error = -EFAULT;
		worker_count_op(worker, op.kind, begin_ns, true);
		return;
	}
	begin_ns = mmsim_now_ns();
	result = sim_do_op(worker->mm, &op);
	worker_count_op(worker, op.kind, begin_ns, result < 0);
	if (result < 0)
		worker->error = (int)result;
	if (script_op->as >= 0)
		keep_as(worker, script_op, &op, result);
}

/* Never beyond the end of the run, nor that of the clock. */
static uint64_t cut_time(const struct workload *w, uint64_t ns)
{
	uint64_t now = mmsim_now_ns();

	if (!w->end_ns)
		return MIN(ns, INT64_MAX - now);
	return now < w->end_ns ? MIN(ns, w->end_ns - now) : 0;
}

/* A kill ends the sleep of a task of a child. */
static void sleep_for(struct worker *worker, uint64_t ns)
{
	uint64_t end_ns;

	ns = cut_time(worker->w, ns);
	if (!worker->child) {
		mmsim_sleep_ns(ns);
		return;
	}
	end_ns = mmsim_now_ns() + ns;
	while (mmsim_now_ns() < end_ns && !child_is_killed(worker->child))
		park(TASK_UNINTERRUPTIBLE, end_ns);
}

/* Over, for all or for the task's process. */
static bool life_over(const struct worker *worker)
{
	return child_is_killed(worker->child) || workload_over(worker->w, worker->now_ns);
}

/* Operations on the machine and on processes. */
static void do_kernel_op(struct worker *worker, const struct script_op *op)
{
	uint64_t begin_ns = mmsim_now_ns();
	uint64_t pages = pick_len(worker, op, 0, 0) / SIM_PAGE_SIZE;
	int err = 0;

	switch (op->op.kind) {
	case OP_COMPACT:
		mmsim_compact(worker->w->sim, pages);
		break;
	case OP_SHRINK:
		mmsim_shrink(worker->w->sim, pages);
		break;
	case OP_FORK:
		err = children_fork(worker, (unsigned int)op->index);
		break;
	default:
		err = children_kill(worker, (unsigned int)op->index);
		break;
	}
	worker_count_op(worker, op->op.kind, begin_ns, err);
}

static int do_once(struct worker *worker, const struct script_op *op)
{
	struct workload *w = worker->w;
	uint64_t begin_ns = worker->now_ns;
	bool came = true;

	switch (op->op.kind) {
	case OP_DO:
		return worker_do_script(worker, &w->scenario->scripts[op->index].script, false);
	case OP_SLEEP:
		sleep_for(worker, draw_next(&op->time, &worker->random));
		break;
	case OP_COMPACT:
	case OP_SHRINK:
	case OP_FORK:
	case OP_KILL:
		do_kernel_op(worker, op);
		return 0;
	case OP_COMPUTE:
		mmsim_compute_ns(cut_time(w, draw_next(&op->time, &worker->random)));
		break;
	case OP_BARRIER:
		came = barrier_wait(worker, (unsigned int)op->index);
		break;
	default:
		do_memory_op(worker, op);
		return 0;
	}
	worker_count_op(worker, op->op.kind, begin_ns, !came);
	return 0;
}

/*
 * On the step machine the end comes by steps: what made none, such as sleep 0, makes one. On a
 * modelled machine it comes by time: what was free, as its costs are 0, passes some.
 */
static int do_step(struct worker *worker, const struct script_op *op)
{
	const struct workload *w = worker->w;
	uint64_t steps = w->host ? 0 : mmsim_steps(w->sim), began_ns = worker->now_ns;
	int err = do_once(worker, op);

	if (w->host)
		return err;
	if (mmsim_steps(w->sim) == steps || (w->end_ns && worker->now_ns == began_ns))
		mmsim_yield();
	return err;
}

static int do_op(struct worker *worker, const struct script_op *op)
{
	uint64_t times;
	int err = 0;

	if (op->per_mille < 1000 && draw_below(&worker->random, 1000) >= op->per_mille)
		return 0;
	times = draw_next(&op->repeat, &worker->random);
	for (uint64_t i = 0; i < times && !err; i++) {
		if (life_over(worker))
			return -ECANCELED;
		err = do_step(worker, op);
	}
	return err;
}

/* The operation, or of a group with weights the one that is drawn; NULL: all weights are 0. */
static const struct script_op *choose(struct worker *worker, const struct script_op *op)
{
	uint64_t at;

	if (!op->group)
		return op;
	if (!op->group_weight)
		return NULL;
	at = draw_below(&worker->random, op->group_weight);
	for (; at >= op->weight; op++)
		at -= op->weight;
	return op;
}

/* A script in which nothing was done passes time too, so that the end is seen. */
static void pass_time(struct worker *worker)
{
	mmsim_yield();
	worker->now_ns = mmsim_now_ns();
}

int worker_do_script(struct worker *worker, const struct script *script, bool top)
{
	uint64_t done = worker->done;
	int err = 0;

	for (size_t i = 0; i < script->nr && !err;) {
		const struct script_op *op = &script->ops[i];

		if (top)
			workload_note(worker, i);
		i += op->group ? op->group : 1;
		op = choose(worker, op);
		if (op)
			err = do_op(worker, op);
	}
	if (worker->done == done)
		pass_time(worker);
	return err;
}

/* ---- the task ---- */

bool workload_over(const struct workload *w, uint64_t now_ns)
{
	if (w->options->stop && quiet_load(*w->options->stop))
		return true;
	if (w->end_ns && now_ns >= w->end_ns)
		return true;
	return w->end_steps && mmsim_steps(w->sim) >= w->end_steps;
}

/*
 * The script once more. What is drawn in it hangs on the stream and on the loop's number alone: a
 * mapping that fails under one variant, and what is then not drawn, does not change what follows.
 */
static int do_loop(struct worker *worker)
{
	uint64_t seed = worker->stream + worker->loops;
	int err;

	worker->random = draw_random(&seed);
	err = worker_do_script(worker, &worker->task->script, true);
	worker->loops += !err;
	return err;
}

static int loop(struct worker *worker)
{
	const struct scenario_task *task = worker->task;
	uint64_t loops = worker->w->options->once ? 1 : task->loops;
	int err = 0;

	while (!err && (!loops || worker->loops - worker->life_loops < loops) && !life_over(worker))
		err = do_loop(worker);
	return err;
}

static struct waited waited_until_now(void)
{
	struct waited waited = {.cpu_ns = mmsim_run_delay_ns()};

	mmsim_waited_ns(&waited.locks_ns, &waited.spinlocks_ns);
	return waited;
}

/*
 * What made frames late, the first of them by so much. A late frame makes the next ones begin
 * late: so it is asked what the task waited for since it was last idle.
 */
static void blame_late_frames(struct worker *worker, uint64_t late_ns, uint64_t frames)
{
	const struct waited now = waited_until_now(), *before = &worker->waited;
	const uint64_t locks = now.locks_ns - before->locks_ns;
	const uint64_t spinlocks = now.spinlocks_ns - before->spinlocks_ns;
	const uint64_t cpu = now.cpu_ns - before->cpu_ns;

	if (locks >= late_ns)
		worker->frames.for_locks += frames;
	else if (locks + spinlocks >= late_ns)
		worker->frames.for_spinlocks += frames;
	else if (locks + spinlocks + cpu >= late_ns)
		worker->frames.for_cpu += frames;
}

static void end_frame(struct worker *worker, uint64_t arrival_ns)
{
	struct frame_stats *frames = &worker->frames;
	uint64_t response;

	worker->now_ns = mmsim_now_ns();
	response = worker->now_ns - arrival_ns;
	frames->made++;
	fine_histogram_add(&frames->response_ns, response);
	if (response <= worker->task->deadline)
		return;
	frames->missed++;
	blame_late_frames(worker, response - worker->task->deadline, 1);
}

/* Frames whose deadline has passed and that were never begun, or not ended. */
static void count_not_ended(struct worker *worker, uint64_t arrival_ns, uint64_t left)
{
	const struct scenario_task *task = worker->task;
	uint64_t now = mmsim_now_ns(), frames = 0;

	if (arrival_ns + task->deadline <= now)
		frames = (now - arrival_ns - task->deadline) / task->period + 1;
	if (task->loops)
		frames = MIN(frames, left);
	if (!frames)
		return;
	worker->frames.made += frames;
	worker->frames.missed += frames;
	blame_late_frames(worker, now - arrival_ns - task->deadline, frames);
}

/* Open loop: a late frame does not delay the next one's arrival. */
static int loop_frames(struct worker *worker)
{
	const struct scenario_task *task = worker->task;
	uint64_t arrival = mmsim_now_ns();
	int err = 0;

	worker->waited = waited_until_now();
	while (!err && (!task->loops || worker->loops - worker->life_loops < task->loops)) {
		uint64_t now = mmsim_now_ns();

		if (now < arrival) {
			worker->waited = waited_until_now();
			sleep_for(worker, arrival - now);
		}
		worker->now_ns = mmsim_now_ns();
		if (life_over(worker))
			break;
		err = do_loop(worker);
		if (err)
			break;
		end_frame(worker, arrival);
		arrival += task->period;
	}
	/* On the step machine time passes without saying anything. */
	if (worker->w->end_ns)
		count_not_ended(worker, arrival, task->loops + worker->life_loops - worker->loops);
	return err;
}

/* From its process' beginning to its end. */
static int live(struct worker *worker)
{
	const struct scenario_task *task = worker->task;
	int err;

	if (task->start)
		sleep_for(worker, task->start);
	worker->life_loops = worker->loops;
	worker->now_ns = mmsim_now_ns();
	err = task->period && !worker->w->options->once ? loop_frames(worker) : loop(worker);
	return err == -ECANCELED ? 0 : err;
}

static int live_often(struct worker *worker)
{
	int first = 0;

	/* Whoever fails in one life is counted on in the next all the same. */
	while (child_begin(worker)) {
		int err = worker->error ? worker->error : live(worker);

		first = first ? first : err;
		child_end(worker);
	}
	return first;
}

int worker_main(void *arg)
{
	struct worker *worker = arg;
	int err = workload_enter(worker);

	worker->stream = mmsim_random();
	if (worker->child)
		err = live_often(worker);
	else if (!err)
		err = live(worker);
	workload_note(worker, worker->task->script.nr);
	workload_leave(worker);
	return err;
}
