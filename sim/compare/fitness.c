/* SPDX-License-Identifier: MIT */
#include "fitness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Add a sentence behind a semicolon; what does not fit is cut off. */
static void __attribute__((format(printf, 3, 4))) add(char *text, size_t size, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list args;

	if (len)
		len += snprintf(text + len, size - len, "; ");
	if (len >= size)
		return;
	va_start(args, fmt);
	vsnprintf(text + len, size - len, fmt, args);
	va_end(args);
}

static uint64_t grown(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

static void judge_steal(uint64_t ticks, double part, struct fitness *out)
{
	out->steal = part;
	if (part <= FITNESS_STEAL_MAX || ticks <= 1)
		return;
	out->fit = false;
	add(out->why, sizeof(out->why),
	    "the hypervisor gave %.1f %% of the CPU time to others, "
	    "%.0f %% at most",
	    part * 100, FITNESS_STEAL_MAX * 100);
}

static void judge_busy(uint64_t ticks, double cpus, struct fitness *out)
{
	out->busy = cpus;
	if (cpus <= FITNESS_BUSY_MAX || ticks <= 1)
		return;
	out->fit = false;
	add(out->why, sizeof(out->why), "other programs used %.2f CPUs, %.2f at most", cpus,
	    FITNESS_BUSY_MAX);
}

static void remark(const struct fitness_sample *after, unsigned int running, struct fitness *out)
{
	size_t size = sizeof(out->remarks);

	if (running > out->cpus)
		add(out->remarks, size, "%u tasks that always run share %u CPU%s", running,
		    out->cpus, out->cpus == 1 ? "" : "s");
	if (out->pressure > FITNESS_PRESSURE_REMARK)
		add(out->remarks, size, "tasks waited for a CPU %.0f %% of the time",
		    out->pressure * 100);
	if (out->load1 > FITNESS_LOAD_REMARK * out->cpus)
		add(out->remarks, size, "the load was %.2f over the last minute", out->load1);
	if (after->governor[0] && strcmp(after->governor, "performance"))
		add(out->remarks, size, "the frequency governor is %s, not performance",
		    after->governor);
}

void fitness_judge(const struct fitness_sample *before, const struct fitness_sample *after,
		   uint64_t elapsed_ns, unsigned int running, struct fitness *out)
{
	uint64_t busy = grown(before->busy, after->busy);
	uint64_t steal = grown(before->steal, after->steal);
	uint64_t others = grown(grown(before->own, after->own), busy);
	double ticks = elapsed_ns * 1e-9 * after->ticks_per_s; /* of one CPU */
	/* A host asleep wants nearly no CPU time: a tick of it must not look like all of it. */
	double wanted = busy + steal > ticks ? busy + steal : ticks;

	memset(out, 0, sizeof(*out));
	out->fit = true;
	out->load1 = after->load1;
	out->cpus = after->cpus;
	if (!(ticks > 0)) {
		out->fit = false;
		add(out->why, sizeof(out->why), "no time between the two samples");
		return;
	}
	if (before->has_pressure && after->has_pressure)
		out->pressure = grown(before->pressure_us, after->pressure_us) * 1e3 / elapsed_ns;
	judge_steal(steal, steal / wanted, out);
	judge_busy(others, others / ticks, out);
	remark(after, running, out);
}
