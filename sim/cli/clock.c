/* SPDX-License-Identifier: MIT */
/* The time of this computer, for commands that make one instance after another. */
#include "cli.h"

static struct mmsim *clock_sim;

int cli_clock_start(void)
{
	struct mmsim_config config;
	char error[256];

	mmsim_config_init(&config);
	config.memory_bytes = 1 << 20;
	config.emulate_costs = 0;
	if (!mmsim_create(&config, &clock_sim, error))
		return EXIT_FINE;
	fprintf(stderr, "mmsim: %s\n", error);
	return EXIT_USAGE;
}

void cli_clock_stop(void)
{
	mmsim_destroy(clock_sim);
}

uint64_t cli_now_ns(void)
{
	mmsim_enter(clock_sim);
	return mmsim_now_ns();
}

void cli_sleep_ns(uint64_t ns)
{
	mmsim_enter(clock_sim);
	mmsim_sleep_ns(ns);
}
