/* SPDX-License-Identifier: MIT */
/* All measurements, one group after another; see calibrate.h. */
#include "calibrate.h"
#include "machine/host/bare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A value with its source is as long as PROFILE_TEXT_MAX at most. */
#define SOURCE_MAX (PROFILE_TEXT_MAX - 24)
#define ASSUMED "assumed, see sweep; as " BASE_PROFILE

/* In this order: what is known is taken off what comes later. */
static const struct {
	const char *what;
	void (*measure)(struct calibration *c);
} groups[] = {
	{"a CPU by itself", calibrate_cpu},   {"memory", calibrate_memory},
	{"cache lines", calibrate_lines},     {"the scheduler", calibrate_sched},
	{"pages", calibrate_pages},	      {"VMAs", calibrate_vmas},
	{"interrupts", calibrate_interrupts}, {"grace periods of RCU", calibrate_rcu},
};

static void set_source(struct calibration *c, enum profile_cost cost, const char *truth,
		       const char *fmt, va_list args)
{
	char *source = c->profile.source[cost];
	size_t used = (size_t)snprintf(source, SOURCE_MAX, "%s: ", truth);

	vsnprintf(source + used, SOURCE_MAX - used, fmt, args);
}

/* What is not above 0 was lost in the noise. */
static bool take(struct calibration *c, enum profile_cost cost, double value)
{
	if (!isfinite(value) || value <= 0 || value >= 1e12) {
		calibration_assumed(c, cost, "a measurement said nothing");
		return false;
	}
	c->profile.cost[cost] = value < 1 ? 1 : (uint64_t)llround(value);
	return true;
}

void calibration_measured(struct calibration *c, enum profile_cost cost, double value,
			  const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (take(c, cost, value))
		set_source(c, cost, "measured", fmt, args);
	va_end(args);
}

void calibration_derived(struct calibration *c, enum profile_cost cost, double value,
			 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (take(c, cost, value))
		set_source(c, cost, "derived", fmt, args);
	va_end(args);
}

void calibration_assumed(struct calibration *c, enum profile_cost cost, const char *because)
{
	snprintf(c->profile.source[cost], SOURCE_MAX, "%s: %s", ASSUMED, because);
}

size_t calibration_size(const struct calibration *c, size_t full)
{
	return c->rounds < CALIBRATION_QUICK ? full / 16 : full;
}

int calibration_other_cpu(const struct calibration *c)
{
	return c->nr_cpus < 2 ? -1 : c->cpu ? 0 : 1;
}

int calibrate(struct calibration *c, char *error)
{
	int err = profile_load(BASE_PROFILE, NULL, &c->profile, error);

	if (err)
		return err;
	for (int i = 0; i < NR_PROFILE_COSTS; i++)
		snprintf(c->profile.source[i], PROFILE_TEXT_MAX, "%s", ASSUMED);
	c->load_ns = c->syscall_ns = c->wake_ns = 0;
	bare_clock_start();
	computer_describe(c);
	if (host_bind_to_cpu(c->cpu)) {
		snprintf(error, 256, "expected a CPU to bind to, found none that is allowed");
		return -EPERM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (c->progress)
			c->progress(groups[i].what, (unsigned int)i, ARRAY_SIZE(groups));
		groups[i].measure(c);
	}
	return 0;
}
