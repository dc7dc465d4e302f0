/* SPDX-License-Identifier: MIT */
/*
 * This computer, measured into a machine profile.
 *
 * Goals: numbers of single operations that somebody can measure again: one
 * thread at work, a cache line between two, a switch, a wake-up; each with how it
 * was measured. Non-goals: whatever the model is to predict. No lock is fought
 * for and no faults are taken side by side here, or the model would be fitted to
 * its own test.
 *
 * A cost that cannot be seen from outside the kernel is derived from one that
 * can, and says so, or stays what it is in the profile BASE_PROFILE.
 */
#ifndef MMSIM_SIM_CALIBRATE_CALIBRATE_H
#define MMSIM_SIM_CALIBRATE_CALIBRATE_H

#include "machine/host/topology.h"
#include "machine/timed/profile.h"

#include <stdio.h>

#define BASE_PROFILE "server-2x64"
#define CALIBRATION_ROUNDS 40
#define CALIBRATION_QUICK 5 /* with fewer rounds than that, all is smaller too */

/* A CPU that we may use: where it is, how fast. */
struct calibration_cpu {
	struct host_place place;
	unsigned int capacity; /* of 1024 */
};

struct calibration {
	unsigned int rounds;
	const char *command; /* as it was typed */
	const char *busy; /* for the file: what has disturbed the measurements; may be NULL */
	/* Called before each group of measurements; may be NULL. */
	void (*progress)(const char *what, unsigned int done, unsigned int all);

	struct profile profile;
	char hz_source[PROFILE_TEXT_MAX], preemption_source[PROFILE_TEXT_MAX];
	char cpu_model[80], kernel[80], date[16];
	bool is_virtual;
	unsigned int nr_cpus; /* all that we may use; the profile may have fewer */
	int cpu; /* what is single-threaded runs here: one of the fastest */
	/* Exact, while the profile has whole nanoseconds. 0: not measured. */
	double load_ns, syscall_ns, wake_ns;
};

/**
 * calibrate - measure all that can be measured
 * @c: rounds, command and progress are set; the rest is overwritten
 * @error: at least 256 bytes; what was wrong when the answer is not 0
 *
 * Binds the calling thread to a CPU, and starts others for a while; the process
 * must have no other threads that run. Return: 0 or a negative errno.
 */
int calibrate(struct calibration *c, char *error);

/**
 * calibration_write - write the profile, an INI file
 * @file: where to; the caller sees by ferror() whether that went well
 */
void calibration_write(const struct calibration *c, FILE *file);

/* ---- for the measurements ---- */

/* Its lower quartile, with how it was measured; nothing is changed by what is no number above 0. */
void calibration_measured(struct calibration *c, enum profile_cost cost, double value,
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same of what was made of something that was measured. */
void calibration_derived(struct calibration *c, enum profile_cost cost, double value,
			 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Its value stays that of BASE_PROFILE, because. */
void calibration_assumed(struct calibration *c, enum profile_cost cost, const char *because);
/* @full, or a sixteenth of it with few rounds. */
size_t calibration_size(const struct calibration *c, size_t full);
/* A CPU that is not c->cpu; -1: there is none. */
int calibration_other_cpu(const struct calibration *c);

/* cpu.c */
void calibrate_cpu(struct calibration *c);
/* memory.c */
void calibrate_memory(struct calibration *c);
/* lines.c */
void calibrate_lines(struct calibration *c);
/* sched.c */
void calibrate_sched(struct calibration *c);
/* interrupts.c */
void calibrate_interrupts(struct calibration *c);
void calibrate_rcu(struct calibration *c);
/* pages.c */
void calibrate_pages(struct calibration *c);
/* vmas.c */
void calibrate_vmas(struct calibration *c);
/* computer.c: what the kernel says, no measurements. */
void computer_describe(struct calibration *c);
/* clusters.c: clusters of the profile; nr_cpus above what a profile can have are left out. */
void clusters_make(struct profile *profile, const struct calibration_cpu *cpus, unsigned int nr);

#endif
