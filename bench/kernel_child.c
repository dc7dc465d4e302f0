/* SPDX-License-Identifier: MIT */
/* The other process: started by fork, asked and answering through pipes. */
#define _GNU_SOURCE
#include "kernel_child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
	double ns;
	bool disturbed;
};

/* ---- in the child ---- */

static _Noreturn void child_fails(const char *what)
{
	fprintf(stderr, "mmsim-bench: the kernel's %s failed\n", what);
	_exit(1);
}

static char *map(size_t size, int prot)
{
	char *start = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		child_fails("mmap");
	return start;
}

static unsigned int count_vmas(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned int n = 0;
	int c;

	if (!f)
		child_fails("/proc/self/maps");
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static unsigned int fill(unsigned int nr_vmas)
{
	unsigned int n = count_vmas();

	/* Neighbours that do not merge, nor with what is timed. */
	for (; n < nr_vmas; n++)
		map(PAGE_SIZE, n % 2 ? PROT_READ : PROT_NONE);
	return count_vmas();
}

static double time_mmap_munmap(void)
{
	uint64_t start = bench_now_ns();

	for (int i = 0; i < MMAP_CALLS; i++) {
		char *page = map(PAGE_SIZE, PROT_READ | PROT_WRITE);

		if (munmap(page, PAGE_SIZE))
			child_fails("munmap");
	}
	return (double)(bench_now_ns() - start) / MMAP_CALLS;
}

static double time_dontneed(char *region)
{
	const size_t size = DONTNEED_PAGES * PAGE_SIZE;
	uint64_t start;
	int wrong = 0;

	for (size_t at = 0; at < REGION_SIZE; at += PAGE_SIZE)
		*(volatile char *)(region + at) = 1;
	start = bench_now_ns();
	for (size_t i = 0; i < DONTNEED_CALLS; i++)
		wrong |= madvise(region + i * size, size, MADV_DONTNEED);
	if (wrong)
		child_fails("madvise");
	return (double)(bench_now_ns() - start) / DONTNEED_CALLS;
}

static char *fork_vmas, *fork_pages;
static struct fork_layout fork_layout;

static void map_fork_layout(const struct fork_layout *layout)
{
	size_t size = layout->vmas * FORK_STRIDE;

	fork_layout = *layout;
	if (layout->pages) {
		fork_pages = map(layout->pages * PAGE_SIZE, PROT_READ | PROT_WRITE);
		madvise(fork_pages, layout->pages * PAGE_SIZE, MADV_NOHUGEPAGE);
	}
	if (!layout->vmas)
		return;
	/* The second page of each is given back, so that none merge. */
	fork_vmas = map(size, PROT_READ | PROT_WRITE);
	for (size_t at = PAGE_SIZE; at < size; at += FORK_STRIDE)
		if (munmap(fork_vmas + at, PAGE_SIZE))
			child_fails("munmap");
}

static double time_fork(void)
{
	uint64_t start;
	pid_t pid;

	for (size_t i = 0; i < fork_layout.vmas; i++)
		*(volatile char *)(fork_vmas + i * FORK_STRIDE) = 1;
	for (size_t i = 0; i < fork_layout.pages; i++)
		*(volatile char *)(fork_pages + i * PAGE_SIZE) = 1;
	start = bench_now_ns();
	pid = fork();
	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		child_fails("fork");
	return (double)(bench_now_ns() - start);
}

static double time_call(enum kernel_call call, char *region)
{
	switch (call) {
	case CALL_DONTNEED:
		return time_dontneed(region);
	case CALL_FORK:
		return time_fork();
	default:
		return time_mmap_munmap();
	}
}

static _Noreturn void child_main(int command, int answer, unsigned int nr_vmas,
				 const struct fork_layout *layout)
{
	char *region = map(REGION_SIZE, PROT_READ | PROT_WRITE);
	enum kernel_call call;

	/* Fails only where there are no huge pages to begin with. */
	madvise(region, REGION_SIZE, MADV_NOHUGEPAGE);
	map_fork_layout(layout);
	nr_vmas = fill(nr_vmas);
	if (write(answer, &nr_vmas, sizeof(nr_vmas)) != sizeof(nr_vmas))
		_exit(1);
	while (read(command, &call, sizeof(call)) == sizeof(call)) {
		struct answer result;
		struct watch watch;

		/* Back into the caches. */
		time_call(call, region);
		watch_begin(&watch);
		result.ns = time_call(call, region);
		result.disturbed = watch_saw(&watch);
		if (write(answer, &result, sizeof(result)) != sizeof(result))
			_exit(1);
	}
	_exit(0);
}

/* ---- in the parent ---- */

void kernel_child_start(struct kernel_child *child, unsigned int nr_vmas)
{
	int command[2], answer[2];

	if (pipe(command) || pipe(answer))
		bench_die("no pipe");
	fflush(NULL);
	child->pid = fork();
	if (child->pid < 0)
		bench_die("no process");
	if (!child->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(command[1]);
		close(answer[0]);
		child_main(command[0], answer[1], nr_vmas, &child->layout);
	}
	close(command[0]);
	close(answer[1]);
	child->command = command[1];
	child->answer = answer[0];
	if (read(child->answer, &child->nr_vmas, sizeof(unsigned int)) != sizeof(unsigned int))
		bench_die("the kernel's process ended");
}

void kernel_child_stop(struct kernel_child *child)
{
	close(child->command);
	close(child->answer);
	waitpid(child->pid, NULL, 0);
}

double kernel_child_run(struct kernel_child *child, enum kernel_call call)
{
	struct answer result;

	/* Watched over there. */
	bench_delegated();
	if (write(child->command, &call, sizeof(call)) != sizeof(call) ||
	    read(child->answer, &result, sizeof(result)) != sizeof(result))
		bench_die("the kernel's process ended");
	if (result.disturbed)
		bench_disturbed();
	return result.ns;
}
