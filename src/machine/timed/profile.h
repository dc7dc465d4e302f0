/* SPDX-License-Identifier: MIT */
/*
 * A machine profile: the CPUs, costs and scheduler of a modelled machine, read
 * from an INI file in which every number is followed by its source:
 *
 *	[machine]
 *	description = one line, for `list machines`
 *	hz = 250 (arm64 defconfig)
 *	preemption = full (Android GKI)
 *
 *	[cluster little]
 *	cpus = 4 (...)
 *	capacity = 250 (...)
 *
 *	[costs]
 *	line_cluster = 30ns (assumed, see sweep)
 *
 *	[device]
 *	channels = 4 (...)
 *	latency = 60us 80us 120us 400us 2ms (...)
 *
 * CPUs are numbered in the order of the clusters. Costs are those of a CPU of
 * capacity 1024; a smaller one takes 1024 / capacity times as long, but for what
 * the interconnect, a timer or a device takes.
 */
#ifndef MMSIM_MACHINE_TIMED_PROFILE_H
#define MMSIM_MACHINE_TIMED_PROFILE_H

#include "machine/machine.h"

#define PROFILE_MAX_CPUS 128
#define PROFILE_MAX_CLUSTERS 32
#define PROFILE_NAME_MAX 32
#define PROFILE_TEXT_MAX 160
#define PROFILE_LATENCIES 5 /* the 0th, 50th, 90th, 99th and 100th percentile */

/* clang-format off */
/* NAME, unit, whether a small CPU takes longer, help. Unit "ns" or "MB/s". */
#define PROFILE_COSTS(X)                                                                           \
	X(step, "ns", true, "an access to memory that others may touch, in the own cache")         \
	X(atomic, "ns", true, "what an atomic read-modify-write takes more")                       \
	X(relax, "ns", true, "a turn of a loop that waits")                                        \
	X(line_thread, "ns", false, "a cache line from another thread of the core")                \
	X(line_cluster, "ns", false, "a cache line from another core of the cluster")              \
	X(line_socket, "ns", false, "a cache line from another cluster of the socket")             \
	X(line_remote, "ns", false, "a cache line from another socket")                            \
	X(line_memory, "ns", false, "a cache line that nobody has, from memory")                   \
	X(switch, "ns", true, "a CPU goes from one task to another")                               \
	X(wake_up, "ns", true, "what waking a task takes the waker")                               \
	X(idle_exit, "ns", false, "from a wake-up until a CPU runs that idled as long")            \
	X(ipi, "ns", false, "a TLB shootdown of one other CPU, until it has answered")             \
	X(ipi_more, "ns", false, "the same, for each further CPU")                                 \
	X(ipi_handler, "ns", true, "what the CPU that is asked loses")                             \
	X(rcu_grace, "ns", false, "from the last reader's end to that of the grace period")        \
	X(slice, "ns", false, "base slice of the fair scheduler")                                  \
	X(bandwidth, "MB/s", false, "of a socket's memory, for zeroing and copying")               \
	X(vma_visit, "ns", true, "besides its steps: a VMA that an operation looks at")            \
	X(vma_copy, "ns", true, "besides its steps: a VMA that is duplicated, in split and fork")  \
	X(tree_node, "ns", true, "besides its steps: a node of the VMA tree, visited or made")     \
	X(pte_zap, "ns", true, "a page unmapped and freed, its steps within")                      \
	X(pte_copy, "ns", true, "a PTE copied in fork, its steps within")                          \
	X(pte_set, "ns", true, "a PTE changed by mprotect, MADV_FREE or mremap, its steps within") \
	X(avc_visit, "ns", true, "besides its steps: an anon_vma_chain that a walk meets")         \
	X(lru_move, "ns", true, "besides its steps: a folio moved between LRU lists")              \
	X(alloc, "ns", true, "besides its steps: an object allocated")                             \
	X(free, "ns", true, "besides its steps: an object freed")                                  \
	X(page_zero, "ns", true, "4 KiB zeroed by one CPU alone")                                  \
	X(page_copy, "ns", true, "4 KiB copied by one CPU alone")                                  \
	X(trap, "ns", true, "into the kernel and back for a page fault")                           \
	X(syscall, "ns", true, "into the kernel and back for a system call")

enum profile_cost {
#define X(name, unit, scaled, help) COST_##name,
	PROFILE_COSTS(X)
#undef X
	NR_PROFILE_COSTS
};
/* clang-format on */

enum preemption { PREEMPTION_NONE, PREEMPTION_FULL };

struct profile_cluster {
	char name[PROFILE_NAME_MAX];
	unsigned int cpus; /* of them, so many threads share a core */
	unsigned int threads; /* default 1; divides cpus */
	unsigned int capacity; /* 1 to 1024; default 1024 */
	unsigned int socket; /* from 0 on, none left out; default 0 */
};

struct profile {
	char name[PROFILE_NAME_MAX]; /* of the file, without .ini */
	char description[PROFILE_TEXT_MAX];
	unsigned int hz;
	enum preemption preemption;
	unsigned int nr_clusters, nr_cpus, nr_sockets;
	struct profile_cluster cluster[PROFILE_MAX_CLUSTERS];
	uint64_t cost[NR_PROFILE_COSTS];
	char source[NR_PROFILE_COSTS][PROFILE_TEXT_MAX];
	/* Of the one block device. */
	unsigned int channels; /* requests it works on at once */
	uint64_t latency_ns[PROFILE_LATENCIES];
};

extern const struct profile_cost_info {
	const char *name, *unit, *help;
	bool scaled;
} profile_costs[NR_PROFILE_COSTS];

/**
 * profile_parse - read a profile's text
 * @text: with a NUL behind it
 * @path: what errors call it; its last part without .ini is the name
 * @error: at least 256 bytes; "path:line: expected ..." when the answer is not 0
 *
 * All costs must be there, and every number must have a source. Return: 0, -EINVAL.
 */
int profile_parse(const char *text, const char *path, struct profile *profile, char *error);

/**
 * profile_load - a profile by the name of a built-in one, or from a file
 * @name: "phone-4+3+1", or a path that ends in .ini
 * @changes: "NAME=VALUE NAME=VALUE": costs put in the place of the profile's, or
 *	hz=N, preemption=none|full; their source is "set for this run"
 *
 * Return: 0, -EINVAL, -ENOENT (no such profile or file), @error as above.
 */
int profile_load(const char *name, const char *changes, struct profile *profile, char *error);

/* The built-in profiles, made of sim/machines/ by the build; the last has no name. */
extern const struct profile_text {
	const char *name, *description, *text;
} profile_texts[];

/* The i-th built-in profile's name and text; false past the last. */
bool profile_builtin(unsigned int i, const char **name, const char **text);

#endif
