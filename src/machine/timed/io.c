/* SPDX-License-Identifier: MIT */
/*
 * The block device of the modelled machine: it works on so many requests at
 * once, the others wait in order; how long one takes is drawn from the profile's
 * distribution, a straight line between the percentiles it names.
 */
#include "machine/timed/timed.h"

static const uint64_t percentiles[PROFILE_LATENCIES] = {0, 5000, 9000, 9900, 10000}; /* 1/10000 */

static uint64_t draw_latency(struct timed *timed)
{
	const uint64_t *latency = timed->profile.latency_ns;
	uint64_t draw = rng_below(&timed->io_random, 10000);
	int i = 0;

	while (draw >= percentiles[i + 1])
		i++;
	return latency[i] + (latency[i + 1] - latency[i]) * (draw - percentiles[i]) /
				    (percentiles[i + 1] - percentiles[i]);
}

/* The device has it: due_ns, which was the time it takes, becomes when it is done. */
static void serve(struct timed *timed, struct machine_io *io)
{
	struct machine_io **link = &timed->io_served;

	io->due_ns += timed->now;
	while (*link && (*link)->due_ns <= io->due_ns)
		link = &(*link)->next;
	io->next = *link;
	*link = io;
	timed->nr_io_served++;
	event_at(timed, &timed->io_timer, timed->io_served->due_ns);
}

static void add_last(struct machine_io **link, struct machine_io *io)
{
	while (*link)
		link = &(*link)->next;
	io->next = NULL;
	*link = io;
}

static struct machine_io *take_first(struct machine_io **list)
{
	struct machine_io *io = *list;

	*list = io->next;
	return io;
}

static void request_done(struct timed *timed, struct event *event)
{
	struct machine_context *context = timed->io->context;

	(void)event;
	add_last(&timed->io_done, take_first(&timed->io_served));
	timed->nr_io_served--;
	if (timed->io_waiting)
		serve(timed, take_first(&timed->io_waiting));
	else if (timed->io_served)
		event_at(timed, &timed->io_timer, timed->io_served->due_ns);
	if (!context->on_cpu && !context->queued)
		sched_wake(timed, timed->io);
}

int timed_io_main(void *arg)
{
	struct timed *timed = arg;

	for (;;) {
		while (timed->io_done) {
			struct machine_io *io = take_first(&timed->io_done);

			timed->in_callback++;
			io->complete(io);
			timed->in_callback--;
		}
		quiet_store(current->state, TASK_UNINTERRUPTIBLE);
		sched_block(timed);
		timed_switch_away(timed, false);
	}
	return 0;
}

void timed_io_submit(struct machine_io *io, uint64_t ns)
{
	struct timed *timed = timed_of(current);

	timed_step(&current->park_word, ACCESS_STORE);
	io->due_ns = ns ? ns : draw_latency(timed);
	if (timed->nr_io_served < timed->profile.channels)
		serve(timed, io);
	else
		add_last(&timed->io_waiting, io);
}

void timed_io_init(struct timed *timed)
{
	event_init(timed, &timed->io_timer, request_done);
	rng_init(&timed->io_random, timed->machine->config.seed, "device", 0);
}
