/* SPDX-License-Identifier: MIT */
/*
 * I/O on the step machine: task "io" has a request to complete as soon as one
 * is submitted, so when it is picked, and which request it takes, are choices.
 */
#include "machine/model/model.h"

/* One of those under way: drawn, or with a schedule or a search the oldest. */
static struct machine_io *io_pick(struct model *model)
{
	struct machine_io **link = &model->io_under_way, *io;
	uint64_t skip = model->schedule || model->search ? 0 : rng_below(&model->rng, model->nr_io);

	while (skip--)
		link = &(*link)->next;
	io = *link;
	*link = io->next;
	model->nr_io--;
	return io;
}

int model_io_main(void *arg)
{
	struct model *model = arg;

	for (;;) {
		while (model->nr_io) {
			struct machine_io *io = io_pick(model);

			model->clock_ns = MAX(model->clock_ns, io->due_ns);
			model->in_callback++;
			io->complete(io);
			model->in_callback--;
			model_step(&current->park_word);
		}
		model_block(TASK_UNINTERRUPTIBLE, 0);
	}
	return 0;
}

void model_io_submit(struct machine_io *io, uint64_t ns)
{
	struct model *model = model_of(current);
	struct machine_io **link = &model->io_under_way;

	model_step(&current->park_word);
	io->due_ns = model->clock_ns + ns;
	io->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = io;
	model->nr_io++;
	if (model->io->context->run_slot < 0)
		model_make_runnable(model, model->io, PARK_WOKEN);
}
