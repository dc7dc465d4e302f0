/* SPDX-License-Identifier: MIT */
/*
 * Do an operation list with the system calls of the running kernel and print what mmsim ops prints.
 *
 * usage: kernel_native [--mask] LIST
 *        kernel_native --filter <ANSWER
 *
 * Each of the list's processes is one here, told by pipes what to do; there are no files. All of
 * a list must lie in the window, as the calls really happen here. Where the kernel hides the
 * numbers of physical pages, or with --mask, what needs them is printed as ?: the letters x z 2-9
 * + of a page, and reuse and copy. --filter does that to an answer, so that mmsim's can be compared
 * with such a one.
 *
 * Exit status: 0 done, 1 the list is no list, 2 usage or the list cannot be done here, 77 the
 * kernel does not show the state.
 */
#define _GNU_SOURCE 1
#include "native_state.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_SKIP 77
#define OPS_MAX 10000
#define PROCESSES_MAX 8
#define REPLY_MAX 65536
#define OUTPUT_MAX (8 << 20)

/* More pages than the kernel flushes one by one, on any machine. */
#define FLUSH_PAGES 512

static struct sim_op ops[OPS_MAX];
static char ops_text[OPS_MAX][SIM_OP_LINE_MAX];
static size_t nr_ops;
static bool masked;

/* ---- reading ---- */

static bool is_inside(uint64_t addr, uint64_t len)
{
	uint64_t page = SIM_PAGE_SIZE - 1, end = SIM_WINDOW_PAGES * SIM_PAGE_SIZE;

	addr -= SIM_WINDOW_BASE;
	return addr <= end && len <= end && ((addr + len + page) & ~page) <= end;
}

/* What cannot be done here is said before anything is done. */
static const char *refused(const struct sim_op *op)
{
	bool fixed = op->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	if (op->pid >= PROCESSES_MAX)
		return "too many processes";
	switch (op->kind) {
	case OP_MMAP:
		if (op->file >= 0 || !fixed)
			return "only anonymous memory at a fixed address can be mapped";
		break;
	case OP_MREMAP:
		if (!is_inside(op->flags & MREMAP_FIXED ? op->new_addr : op->addr, op->new_len))
			return "the new range is not in the window";
		if (op->flags == MREMAP_MAYMOVE)
			return "a move to where the kernel likes would leave the window";
		break;
	case OP_MUNMAP:
	case OP_MPROTECT:
	case OP_MLOCK:
	case OP_MUNLOCK:
	case OP_MADVISE:
		break;
	case OP_R:
	case OP_W:
		return is_inside(op->addr, sizeof(uint64_t)) ? NULL : "not in the window";
	case OP_FORK:
	case OP_EXIT:
		return NULL;
	default:
		return "this operation cannot be done";
	}
	return is_inside(op->addr, op->len) ? NULL : "the range is not in the window";
}

static int read_line(const char *line, const char *path, unsigned int number)
{
	struct sim_error err;
	const char *why;
	int n = sim_op_parse_list(line, path, number, &ops[nr_ops], &err);

	if (n < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (!n) {
		if (*line == '#' && !nr_ops)
			printf("%s\n", line);
		return 0;
	}
	why = refused(&ops[nr_ops]);
	if (why) {
		fprintf(stderr, "%s:%u: %s\n", path, number, why);
		return 2;
	}
	strcpy(ops_text[nr_ops++], line); /* the parser takes no longer one */
	return 0;
}

static int read_list(const char *path)
{
	unsigned int number = 0;
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	if (!file) {
		perror(path);
		return 1;
	}
	while (!status && nr_ops < OPS_MAX && getline(&line, &size, file) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		status = read_line(line, path, ++number);
	}
	free(line);
	fclose(file);
	return status;
}

/* ---- a load or a store ---- */

static sigjmp_buf after_signal;
static volatile sig_atomic_t signal_number, signal_code;
static struct rusage usage;
static char *flush_area;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	signal_number = number;
	signal_code = info->si_code;
	siglongjmp(after_signal, 1);
}

static long faults(void)
{
	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/*
 * Forget all translations. A right that was added leaves the old translation where it is, and on
 * some processors a store through that takes a fault although the page table allows it: whether
 * one is left depends on chance.
 */
static void flush_translations(void)
{
	size_t len = FLUSH_PAGES * SIM_PAGE_SIZE;

	mprotect(flush_area, len, PROT_NONE);
	mprotect(flush_area, len, PROT_READ);
}

/*
 * What waits on this CPU to get on an LRU list is referenced meanwhile, and so looks shared. mlock
 * puts it there.
 */
static void drain_lru(void)
{
	mlock(flush_area, SIM_PAGE_SIZE);
	munlock(flush_area, SIM_PAGE_SIZE);
}

/* Page faults that one load or store took, -1 when a signal came instead. */
static __attribute__((noinline)) long touch(volatile uint64_t *at, bool store, uint64_t *value)
{
	volatile long before;

	if (sigsetjmp(after_signal, 1))
		return -1;
	/* After a fork the pages of our own are copied at the first store: not within the count. */
	*value = *(volatile uint64_t *)value;
	before = faults();
	before = faults();
	if (store)
		*at = *value;
	else
		*value = *at;
	return faults() - before;
}

static const char *signal_text(void)
{
	if (signal_number == SIGBUS)
		return "SIGBUS";
	switch (signal_code) {
	case SEGV_MAPERR:
		return "SIGSEGV MAPERR";
	case SEGV_ACCERR:
		return "SIGSEGV ACCERR";
	default:
		return "SIGSEGV OTHER";
	}
}

static const char *fault_text(uint64_t before, uint64_t after)
{
	if (before & PAGEMAP_SWAP && !(before & PAGEMAP_GUARD))
		return "swapin";
	if (!(before & PAGEMAP_PRESENT))
		return "new";
	return (before & PAGEMAP_PFN) == (after & PAGEMAP_PFN) ? "reuse" : "copy";
}

static void do_access(const struct sim_op *op, FILE *out)
{
	uint64_t value = op->value, before = native_state_page(op->addr);
	const char *kind = "hit";
	long nr;

	flush_translations();
	drain_lru();
	nr = touch((volatile uint64_t *)op->addr, op->kind == OP_W, &value);
	if (nr < 0) {
		fprintf(out, "= %s\n", signal_text());
		return;
	}
	if (nr)
		kind = fault_text(before, native_state_page(op->addr));
	fprintf(out, "= 0 %s", kind);
	if (op->kind == OP_R)
		fprintf(out, " val=%llu", (unsigned long long)value);
	fputc('\n', out);
}

/* ---- doing ---- */

static long do_call(const struct sim_op *op)
{
	switch (op->kind) {
	case OP_MMAP:
		return syscall(SYS_mmap, op->addr, op->len, op->prot, op->flags, -1, 0);
	case OP_MUNMAP:
		return syscall(SYS_munmap, op->addr, op->len);
	case OP_MPROTECT:
		return syscall(SYS_mprotect, op->addr, op->len, op->prot);
	case OP_MLOCK:
		return syscall(SYS_mlock, op->addr, op->len);
	case OP_MUNLOCK:
		return syscall(SYS_munlock, op->addr, op->len);
	case OP_MREMAP:
		return syscall(SYS_mremap, op->addr, op->len, op->new_len, op->flags, op->new_addr);
	default:
		return syscall(SYS_madvise, op->addr, op->len, op->advice);
	}
}

static void do_op(const struct sim_op *op, FILE *out)
{
	const char *name = "0";

	if (op->kind == OP_R || op->kind == OP_W) {
		do_access(op, out);
		return;
	}
	if (do_call(op) == -1) {
		name = sim_errno_name(errno);
		if (!name)
			name = strerrorname_np(errno);
	}
	fprintf(out, "= %s\n", name);
}

/* Put ? where the numbers of physical pages are needed. */
static void mask_line(char *line)
{
	bool pages = *line == 'P' && line[2] == ' ';

	for (char *at = line + 3; pages && *at && *at != '\n'; at++)
		*at = strchr("xz23456789+", *at) ? '?' : *at;
	if (!strcmp(line, "= 0 copy\n") || !strcmp(line, "= 0 reuse\n"))
		strcpy(line, "= 0 ?\n");
}

static int mask(FILE *in)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) > 0) {
		mask_line(line);
		fputs(line, stdout);
	}
	free(line);
	return fflush(stdout) || ferror(in) ? 2 : 0;
}

/* Nothing but the operations may happen to this process: no other CPU, no huge pages, no lazy
 * binding and no fault of its own code between the two looks at the count of faults. */
static int prepare(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	static uint64_t scratch, value;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	flush_area = mmap(NULL, FLUSH_PAGES * SIM_PAGE_SIZE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (flush_area == MAP_FAILED || sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) || sigaction(SIGSEGV, &action, NULL) ||
	    sigaction(SIGBUS, &action, NULL)) {
		perror("kernel_native");
		return 2;
	}
	flush_translations();
	touch(&scratch, true, &value);
	touch(&scratch, false, &value);
	return 0;
}

/* ---- processes ---- */

/* What the leader tells a process to do. */
struct order {
	enum { DO_OP, PRINT_STATE } what;
	size_t op; /* which */
	unsigned int child; /* fork: its number */
	bool vmas; /* print: they may have changed */
};

static int orders[PROCESSES_MAX][2], replies[2]; /* pipes */
static pid_t pids[PROCESSES_MAX]; /* of those that live; 0: none */

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	_exit(2);
}

static void reply(const char *text)
{
	size_t len = strlen(text);

	must(write(replies[1], &len, sizeof(len)) == sizeof(len), "reply");
	must(write(replies[1], text, len) == (ssize_t)len, "reply");
}

/* 0 in the new process; else its pid. */
static pid_t fork_process(void)
{
	pid_t made = fork();

	if (!made && native_state_open())
		_exit(2);
	return made;
}

/* The life of a process; never returns. A fork goes on in it as the new one. */
static void serve(unsigned int number)
{
	static struct native_state state;
	static char text[REPLY_MAX];
	struct order order;
	pid_t child;

	native_state_start(&state);
	while (read(orders[number][0], &order, sizeof(order)) == sizeof(order)) {
		FILE *out = fmemopen(text, sizeof(text), "w");

		must(out, "fmemopen");
		*text = '\0';
		if (order.what == PRINT_STATE) {
			native_state_print(&state, number, order.vmas, out);
		} else if (ops[order.op].kind == OP_FORK) {
			child = fork_process();
			if (!child) {
				number = order.child;
				native_state_start(&state);
				fclose(out);
				continue;
			}
			fprintf(out, "%d\n", (int)child);
		} else if (ops[order.op].kind == OP_EXIT) {
			fputs("= 0\n", out);
			fclose(out);
			reply(text);
			_exit(0);
		} else {
			do_op(&ops[order.op], out);
		}
		fclose(out);
		reply(text);
	}
	_exit(0);
}

/* ---- the leader ---- */

static void ask(unsigned int number, const struct order *order, char *text)
{
	size_t len, got = 0;

	must(write(orders[number][1], order, sizeof(*order)) == sizeof(*order), "order");
	must(read(replies[0], &len, sizeof(len)) == sizeof(len) && len < REPLY_MAX, "answer");
	while (got < len) {
		ssize_t n = read(replies[0], text + got, len - got);

		must(n > 0, "answer");
		got += (size_t)n;
	}
	text[len] = '\0';
}

/* Until its memory is gone: that is before anybody can see that it ended. */
static void wait_for_end(unsigned int number)
{
	struct pollfd end = {.events = POLLIN};

	end.fd = (int)syscall(SYS_pidfd_open, pids[number], 0);
	pids[number] = 0;
	if (end.fd < 0)
		return; /* gone already */
	poll(&end, 1, -1);
	close(end.fd);
}

static unsigned int nr_made;

static void lead_op(size_t i, char *text, FILE *out)
{
	const struct sim_op *op = &ops[i];
	unsigned int number = (unsigned int)op->pid;
	struct order order = {.what = DO_OP, .op = i, .child = nr_made};

	if (!pids[number]) {
		fputs("= NOPROC\n", out);
		return;
	}
	if (op->kind == OP_FORK && nr_made == PROCESSES_MAX) {
		fputs("= NOSLOT\n", out);
		return;
	}
	ask(number, &order, text);
	if (op->kind == OP_FORK) {
		pids[nr_made] = (pid_t)atoi(text);
		fprintf(out, "= 0 pid=%u\n", nr_made++);
		return;
	}
	fputs(text, out);
	if (op->kind == OP_EXIT)
		wait_for_end(number);
}

static void lead_all(FILE *out)
{
	static char text[REPLY_MAX];

	for (size_t i = 0; i < nr_ops; i++) {
		struct order print = {.what = PRINT_STATE,
				      .vmas = ops[i].kind != OP_R && ops[i].kind != OP_W};

		fprintf(out, "@%zu %s\n", i + 1, ops_text[i]);
		lead_op(i, text, out);
		for (unsigned int number = 0; number < nr_made; number++) {
			if (!pids[number])
				continue;
			ask(number, &print, text);
			fputs(text, out);
		}
	}
}

static void start_first(void)
{
	must(!pipe(replies), "pipe");
	for (unsigned int i = 0; i < PROCESSES_MAX; i++)
		must(!pipe(orders[i]), "pipe");
	/* Nobody waits for them. */
	signal(SIGCHLD, SIG_IGN);
	pids[0] = fork_process();
	must(pids[0] >= 0, "fork");
	if (!pids[0])
		serve(0);
	nr_made = 1;
}

/* The answer is kept until the end: printing must not disturb. */
static int run(void)
{
	static char text[OUTPUT_MAX];
	FILE *out = fmemopen(text, sizeof(text), "w+");

	if (!out)
		return 2;
	fflush(stdout);
	start_first();
	lead_all(out);
	for (unsigned int number = 0; number < PROCESSES_MAX; number++)
		if (pids[number])
			kill(pids[number], SIGKILL);
	if (fflush(out)) {
		perror("kernel_native");
		return 2;
	}
	if (!masked)
		return fputs(text, stdout) < 0 || fflush(stdout) ? 2 : 0;
	rewind(out);
	return mask(out);
}

int main(int argc, char **argv)
{
	int status;

	if (argc == 2 && !strcmp(argv[1], "--filter"))
		return mask(stdin);
	masked = argc > 1 && !strcmp(argv[1], "--mask");
	if (argc != 2 + masked) {
		fprintf(stderr, "usage: kernel_native [--mask] LIST | --filter <ANSWER\n");
		return 2;
	}
	status = native_state_open();
	if (status) {
		fprintf(stderr, "kernel_native: the state is not shown: %s\n", strerror(-status));
		return EXIT_SKIP;
	}
	masked = masked || !native_state_sees_pfns();
	status = read_list(argv[argc - 1]);
	if (!status)
		status = prepare();
	return status ? status : run();
}
