/* SPDX-License-Identifier: MIT */
/* What the kernel says of this computer: CPUs, tick, preemption, slice. */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/host/bare.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HZ_ASSUMED 250

/* Only what a profile may hold. */
static void printable(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = ' ';
}

/* The first line of a file without its end; false: it cannot be read. */
static bool read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");
	bool read = file && fgets(line, size, file);

	if (file)
		fclose(file);
	if (read)
		line[strcspn(line, "\n")] = '\0';
	return read;
}

/* What stands behind a key at the beginning of a line of @file. */
static bool find_line(FILE *file, const char *key, char *value, size_t size)
{
	char line[4096];

	while (fgets(line, sizeof(line), file)) {
		const char *at = line + strlen(key);

		if (strncmp(line, key, strlen(key)))
			continue;
		snprintf(value, size, "%.*s", (int)strcspn(at, "\n"), at);
		return true;
	}
	return false;
}

static void describe_model(struct calibration *c)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char text[4096] = "";

	snprintf(c->cpu_model, sizeof(c->cpu_model), "a CPU without a name");
	if (file && find_line(file, "model name\t: ", text, sizeof(text)))
		snprintf(c->cpu_model, sizeof(c->cpu_model), "%.70s", text);
	printable(c->cpu_model);
	if (!file)
		return;
	rewind(file);
	/* Of x86 only; elsewhere nothing says so. */
	c->is_virtual =
		find_line(file, "flags\t\t:", text, sizeof(text)) && strstr(text, " hypervisor");
	fclose(file);
}

static void describe_tick(struct calibration *c)
{
	uint64_t tick = bare_tick_ns();

	c->profile.hz = tick ? (unsigned int)((1000000000 + tick / 2) / tick) : 0;
	snprintf(c->hz_source, sizeof(c->hz_source),
		 "measured: the resolution of CLOCK_MONOTONIC_COARSE is a tick");
	/* Where that clock is as fine as any. */
	if (c->profile.hz >= 1 && c->profile.hz <= 10000)
		return;
	c->profile.hz = HZ_ASSUMED;
	snprintf(c->hz_source, sizeof(c->hz_source), "assumed: the coarse clock does not show it");
}

/* ---- preemption ---- */

static void __attribute__((format(printf, 3, 4)))
set_preemption(struct calibration *c, enum preemption preemption, const char *fmt, ...)
{
	va_list args;

	c->profile.preemption = preemption;
	va_start(args, fmt);
	vsnprintf(c->preemption_source, sizeof(c->preemption_source), fmt, args);
	va_end(args);
	printable(c->preemption_source);
}

/* Words such as none and voluntary mean none; a lazy kernel waits for the tick, as none does. */
static enum preemption preemption_of(const char *word)
{
	return strncmp(word, "full", 4) ? PREEMPTION_NONE : PREEMPTION_FULL;
}

/* "none voluntary (full)" */
static bool preemption_of_debugfs(struct calibration *c)
{
	char line[128];
	const char *open;

	if (!read_line("/sys/kernel/debug/sched/preempt", line, sizeof(line)))
		return false;
	open = strchr(line, '(');
	if (!open)
		return false;
	set_preemption(c, preemption_of(open + 1), "sched/preempt in debugfs: %.60s", line);
	return true;
}

static bool preemption_of_command_line(struct calibration *c)
{
	char line[4096];
	const char *at;

	if (!read_line("/proc/cmdline", line, sizeof(line)))
		return false;
	at = strstr(line, "preempt=");
	if (!at || (at > line && at[-1] != ' '))
		return false;
	set_preemption(c, preemption_of(at + 8), "/proc/cmdline: %.*s",
		       (int)(strcspn(at, " ") < 40 ? strcspn(at, " ") : 40), at);
	return true;
}

/* Does it say anything of preemption? *full: it says yes. */
static bool scan_config(FILE *file, bool *full)
{
	bool known = false;
	char line[256];

	*full = false;
	while (file && fgets(line, sizeof(line), file)) {
		known |= strstr(line, "CONFIG_PREEMPT") != NULL;
		*full |= !strcmp(line, "CONFIG_PREEMPT=y\n");
	}
	return known;
}

/* The kernel's own configuration, where it shows it; gzip unpacks it. */
static bool preemption_of_config(struct calibration *c, const char *release)
{
	bool known, full;
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "/boot/config-%.100s", release);
	file = fopen(path, "re");
	known = scan_config(file, &full);
	if (file)
		fclose(file);
	if (!known) {
		file = popen("gzip -dc /proc/config.gz 2>/dev/null", "re");
		known = scan_config(file, &full);
		if (file)
			pclose(file);
	}
	if (known)
		set_preemption(c, full ? PREEMPTION_FULL : PREEMPTION_NONE,
			       "the kernel's configuration: CONFIG_PREEMPT=%s", full ? "y" : "n");
	return known;
}

static void describe_preemption(struct calibration *c, const struct utsname *uts)
{
	const char *word = strstr(uts->version, " PREEMPT");

	if (word && !strncmp(word, " PREEMPT_RT", 11))
		set_preemption(c, PREEMPTION_FULL, "uname -v: PREEMPT_RT");
	else if (!word)
		set_preemption(c, PREEMPTION_NONE, "uname -v: no word of it");
	else if (strncmp(word, " PREEMPT_DYNAMIC", 16))
		set_preemption(c, PREEMPTION_FULL, "uname -v: PREEMPT");
	else if (!preemption_of_debugfs(c) && !preemption_of_command_line(c) &&
		 !preemption_of_config(c, uts->release))
		set_preemption(c, PREEMPTION_NONE, "assumed: PREEMPT_DYNAMIC does not say which");
}

/* ---- the fair scheduler's slice ---- */

static void describe_slice(struct calibration *c)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN); /* not only what we may use */
	unsigned int cpus = online < 1 ? 1 : online < 8 ? (unsigned int)online : 8, log = 0;
	char *source = c->profile.source[COST_slice], line[64], *end;
	uint64_t ns;

	if (read_line("/sys/kernel/debug/sched/base_slice_ns", line, sizeof(line))) {
		ns = strtoull(line, &end, 10);
		if (end != line && ns && ns < 1000000000) {
			c->profile.cost[COST_slice] = ns;
			snprintf(source, PROFILE_TEXT_MAX, "sched/base_slice_ns in debugfs");
			return;
		}
	}
	while (cpus >> (log + 1))
		log++;
	c->profile.cost[COST_slice] = 700000ull * (1 + log);
	snprintf(source, PROFILE_TEXT_MAX,
		 "Linux 6.18, kernel/sched/fair.c: 0.7 ms x [1 + log2 of at most 8 CPUs]");
}

/* ---- CPUs ---- */

static unsigned int capacity_of(unsigned int os_cpu)
{
	char path[96], line[32], *end;
	unsigned long capacity;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/cpu_capacity", os_cpu);
	if (!read_line(path, line, sizeof(line)))
		return 1024;
	capacity = strtoul(line, &end, 10);
	return end != line && capacity >= 1 && capacity <= 1024 ? (unsigned int)capacity : 1024;
}

/* The fastest is the one to measure on: costs are those of capacity 1024. */
static void describe_cpus(struct calibration *c)
{
	struct calibration_cpu cpus[PROFILE_MAX_CPUS];
	unsigned int nr = 0;

	c->nr_cpus = host_count_cpus();
	c->cpu = 0;
	for (unsigned int i = 0; i < c->nr_cpus && nr < PROFILE_MAX_CPUS; i++) {
		if (host_place_of_cpu((int)i, &cpus[nr].place))
			continue;
		cpus[nr].capacity = capacity_of(cpus[nr].place.os_cpu);
		if (nr && cpus[nr].capacity > cpus[c->cpu].capacity)
			c->cpu = (int)i;
		nr++;
	}
	if (!nr)
		cpus[nr++] = (struct calibration_cpu){.capacity = 1024};
	clusters_make(&c->profile, cpus, nr);
}

void computer_describe(struct calibration *c)
{
	struct utsname uts;

	memset(&uts, 0, sizeof(uts));
	uname(&uts);
	snprintf(c->kernel, sizeof(c->kernel), "%.30s %.40s", uts.sysname, uts.release);
	printable(c->kernel);
	bare_date(c->date, sizeof(c->date));
	describe_model(c);
	describe_cpus(c);
	describe_tick(c);
	describe_preemption(c, &uts);
	describe_slice(c);
	snprintf(c->profile.description, sizeof(c->profile.description),
		 "%s, %u CPU%s, measured %s", c->cpu_model, c->profile.nr_cpus,
		 c->profile.nr_cpus == 1 ? "" : "s", c->date);
}
