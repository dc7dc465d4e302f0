/* SPDX-License-Identifier: MIT */
/*
 * An instance: one simulated kernel with its memory, its address spaces, its
 * machine and its measurements. There may be several in a process.
 */
#ifndef MMSIM_INSTANCE_H
#define MMSIM_INSTANCE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MMSIM_API __attribute__((visibility("default")))
#else
#define MMSIM_API
#endif

struct mmsim;
struct mmsim_search;

#define MMSIM_SCHEDULE_MAX 4096
#define MMSIM_VALUE_MAX 32
#define MMSIM_MACHINE_MAX 256
#define MMSIM_CHANGES_MAX 512
#define MMSIM_LOCK_CLASSES_MAX 24

/** struct mmsim_config - filled by mmsim_config_init(), then changed as wanted */
struct mmsim_config {
	char kernel[MMSIM_VALUE_MAX]; /* release, "6.18"; sets the axes left empty */
	char machine[MMSIM_MACHINE_MAX]; /* "host", "step", a profile's name or its file */
	char machine_changes
		[MMSIM_CHANGES_MAX]; /* of the profile's costs: "wake_up=0 line_socket=0" */
	char hold_changes[MMSIM_CHANGES_MAX]; /* what if: "madvise=0.5 pte_lock.zap=0.8" */
	char fault[MMSIM_VALUE_MAX]; /* axes; empty: as the release did */
	char madvise[MMSIM_VALUE_MAX];
	char munmap[MMSIM_VALUE_MAX];
	char anon_rmap[MMSIM_VALUE_MAX];
	char rmap_contended[MMSIM_VALUE_MAX];
	char rwsem[MMSIM_VALUE_MAX]; /* policy of every rwsem */
	char rwsem_class[MMSIM_LOCK_CLASSES_MAX][MMSIM_VALUE_MAX]; /* of one lock class */
	uint64_t seed; /* of every random stream, and of the step machine's schedule */
	uint64_t memory_bytes; /* physical memory of the simulated kernel */
	uint64_t max_map_count; /* VMAs an address space may have */
	uint64_t max_locked_bytes; /* RLIMIT_MEMLOCK; 0: nothing may be locked */
	uint64_t max_stack_bytes; /* RLIMIT_STACK: how large a MAP_GROWSDOWN mapping may grow */
	uint64_t fail_allocation; /* the so-manyth allocation fails; 0: none */
	uint64_t max_steps; /* model: give up after so many; 0: never */
	uint64_t max_ns; /* modelled machine: give up after so much of its time; 0: never */
	uint64_t hang_ns; /* host machine: a wait this long is a hang */
	unsigned int nr_cpus; /* step machine; a modelled one's profile has its own */
	unsigned int hz; /* jiffies a second; likewise */
	unsigned int switch_1_in; /* step machine: switch tasks one step in so many; 0: by seed */
	unsigned int spurious_1_in; /* step machine: spurious wake-up; 0: never */
	unsigned int tick_1_in; /* step machine: a jiffy passes; 0: only when idle */
	unsigned int kills; /* step machine: kills the seed may hand out */
	int statistics; /* 0: measure nothing */
	int payload; /* 0: pages have no bytes: what is loaded means nothing */
	int emulate_costs; /* host machine: spin for traps, system calls and IPIs */
	char schedule[MMSIM_SCHEDULE_MAX]; /* step machine: written schedule; empty: seeded */
	const char *long_schedule; /* the same, of any length; read by mmsim_create() only */
	struct mmsim_search *search; /* step machine: makes every choice; see explore.h */
};

/** mmsim_config_init - the newest kernel on the host, 1 GiB, seed 1, statistics on */
MMSIM_API void mmsim_config_init(struct mmsim_config *config);

/**
 * mmsim_config_set - change one setting by name
 * @key: "kernel", "machine", an axis ("anon_rmap", "fault", "madvise", "munmap",
 *	"rmap_contended", "rwsem", "rwsem.CLASS"), "seed", "memory" (bytes), "max_steps",
 *	"max_time" ("50ms"), "cost.NAME" (of the machine's profile), "what_if.SITE" or
 *	"what_if.LOCK.SITE" (holds of locks taken there, scaled by 0.01 to 100; modelled
 *	machines)
 * @error: at least 256 bytes; filled when the answer is not 0. May be NULL.
 *
 * Return: 0, or -EINVAL for an unknown key or value.
 */
MMSIM_API int mmsim_config_set(struct mmsim_config *config, const char *key, const char *value,
			       char *error);

/**
 * mmsim_create - make an instance; the calling thread becomes its task "main"
 * @config: copied
 * @out: the instance
 * @error: at least 256 bytes; filled when the answer is not 0. May be NULL.
 *
 * Return: 0, -ENOMEM, -EINVAL (a value that does not exist), -EOPNOTSUPP (a
 * combination that this machine cannot do).
 */
MMSIM_API int mmsim_create(const struct mmsim_config *config, struct mmsim **out, char *error);

/**
 * mmsim_destroy - end an instance
 *
 * Called by the thread that made it, when its tasks have ended and its address
 * spaces were put. Return: 0; -EBUSY when objects or pages were still
 * allocated (they are given back all the same; mmsim_failure() is gone then).
 */
MMSIM_API int mmsim_destroy(struct mmsim *sim);

/**
 * mmsim_enter - go on as "main" of @sim
 *
 * For a thread that made several instances: it is main of the one it made or
 * entered last. mmsim_run() and mmsim_destroy() enter by themselves.
 */
MMSIM_API void mmsim_enter(struct mmsim *sim);

/**
 * mmsim_run - run every task to its end; called by the thread that made @sim
 *
 * Return: 0; -EDEADLK when nothing can run any more (step) or a task waited
 * longer than hang_ns (host); -EFAULT when an invariant broke (step; on the
 * host the process aborts); -EOVERFLOW after max_steps. mmsim_failure() then
 * has the text, with the wait-for graph.
 */
MMSIM_API int mmsim_run(struct mmsim *sim);
MMSIM_API const char *mmsim_failure(const struct mmsim *sim);

/** mmsim_effective - what an axis ended up as: "fault", "rwsem.mmap_lock", ... */
MMSIM_API const char *mmsim_effective(const struct mmsim *sim, const char *axis);

/** struct mmsim_choice - one value of an axis, for `list strategies` */
struct mmsim_choice {
	const char *axis, *name, *since, *models, *helps;
};

/** mmsim_choice_at - the i-th value of all axes; 0, or -ENOENT past the last */
MMSIM_API int mmsim_choice_at(unsigned int i, struct mmsim_choice *choice);

/** mmsim_kernel_at - the i-th preset's name, NULL past the last */
MMSIM_API const char *mmsim_kernel_at(unsigned int i);

/** struct mmsim_machine_info - one machine, for `list machines` */
struct mmsim_machine_info {
	const char *name, *description;
};

/**
 * mmsim_machine_at - the i-th machine: host, step, then those modelled from a profile
 * @info: filled; its strings last as long as the library
 *
 * Return: 0, or -ENOENT past the last.
 */
MMSIM_API int mmsim_machine_at(unsigned int i, struct mmsim_machine_info *info);

/** mmsim_version - "MAJOR.MINOR.PATCH" of the library */
MMSIM_API const char *mmsim_version(void);

#ifdef __cplusplus
}
#endif

#endif
