/* SPDX-License-Identifier: MIT */
/* Runs in processes of their own; see jobs.h. */
#define _GNU_SOURCE 1
#include "jobs.h"
#include "cli.h"
#include "machine/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MS 10000 /* how often progress is told */
#define BAR_MS 250 /* on a terminal */
#define DIED_MAX 160

/* What came through a pipe so far. */
struct flow {
	int fd; /* -1: it has ended */
	bool lost; /* there was no memory for all of it */
	char *text;
	size_t len, size;
};

struct job {
	bool started, over;
	pid_t pid;
	int status; /* as waitpid() says */
	struct flow result, said; /* JSON; what was written to stderr */
};

/* A line on stderr, rewritten on a terminal. No instance, hence no clock of ours, lives here. */
struct teller {
	int timer; /* -1: quiet */
	bool terminal, shown;
};

struct pool {
	const struct jobs *jobs;
	struct job *job;
	struct pollfd *polled;
	unsigned int at_once, live;
	unsigned int nr_started, nr_over, nr_ended;
	bool forwarded; /* an interrupt, to the processes */
	struct teller teller;
	pid_t pid;
};

unsigned int jobs_default(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > JOBS_MAX ? JOBS_MAX : (unsigned int)cpus;
}

/* ---- progress ---- */

static void teller_begin(struct teller *teller, const struct jobs *jobs)
{
	long ms;

	*teller = (struct teller){.timer = -1, .terminal = isatty(STDERR_FILENO)};
	if (jobs->quiet || jobs->nr < 2)
		return;
	ms = teller->terminal ? BAR_MS : LINE_MS;
	teller->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (teller->timer >= 0)
		timerfd_settime(teller->timer, 0,
				&(struct itimerspec){
					.it_interval = {ms / 1000, ms % 1000 * 1000000},
					.it_value = {ms / 1000, ms % 1000 * 1000000},
				},
				NULL);
}

/* Tell, if it is time. */
static void teller_tell(struct teller *teller, unsigned int done, unsigned int nr)
{
	uint64_t times;

	if (teller->timer < 0 || read(teller->timer, &times, sizeof(times)) != sizeof(times))
		return;
	fprintf(stderr, "%s%u of %u runs%s", teller->terminal ? "\r" : "", done, nr,
		teller->terminal ? "" : "\n");
	teller->shown = teller->terminal;
}

/* Make room for what is printed. */
static void teller_hide(struct teller *teller)
{
	if (teller->shown)
		fputs("\r\033[K", stderr);
	teller->shown = false;
}

static void teller_end(struct teller *teller)
{
	teller_hide(teller);
	if (teller->timer >= 0)
		close(teller->timer);
}

/* ---- one after another ---- */

static int run_here(const struct jobs *jobs)
{
	struct teller teller;
	int code = 0;

	teller_begin(&teller, jobs);
	for (unsigned int i = 0; i < jobs->nr && !code; i++) {
		struct job_end end = {0};

		teller_hide(&teller);
		if (jobs->begin)
			jobs->begin(jobs->arg, i);
		fflush(stdout);
		end.code = jobs->run(jobs->arg, i, &end.result);
		code = jobs->end(jobs->arg, i, &end);
		teller_tell(&teller, i + 1, jobs->nr);
		if (!code && cli_interrupted())
			code = EXIT_INTERRUPTED;
	}
	teller_end(&teller);
	return code;
}

/* ---- the process of a run ---- */

static void write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

/* It may come from the terminal as well as from the parent: however often, the result is sent. */
static void on_interrupt(int signal_number)
{
	(void)signal_number;
	quiet_add(cli_interrupts, 1);
}

static void __attribute__((noreturn))
be_child(struct pool *pool, unsigned int i, int result_fd, int said_fd)
{
	json_t *result = NULL;
	char *text;
	int code;

	/* Nobody would read what an orphan finds. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != pool->pid)
		_exit(EXIT_BROKEN);
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	dup2(said_fd, STDERR_FILENO);
	code = pool->jobs->run(pool->jobs->arg, i, &result);
	text = result ? json_dumps(result, JSON_COMPACT) : NULL;
	if (text)
		write_all(result_fd, text);
	free(text);
	json_decref(result);
	exit(code);
}

static int start(struct pool *pool, unsigned int i)
{
	int result[2], said[2];
	struct job *job = &pool->job[i];

	if (pipe2(result, O_CLOEXEC))
		return -errno;
	if (pipe2(said, O_CLOEXEC)) {
		close(result[0]);
		close(result[1]);
		return -EMFILE;
	}
	/* What is still in a buffer would be written by both. */
	fflush(stdout);
	fflush(stderr);
	job->pid = fork();
	if (!job->pid)
		be_child(pool, i, result[1], said[1]);
	close(result[1]);
	close(said[1]);
	if (job->pid < 0) {
		close(result[0]);
		close(said[0]);
		return -EAGAIN;
	}
	job->started = true;
	job->result.fd = result[0];
	job->said.fd = said[0];
	pool->nr_started++;
	pool->live++;
	return 0;
}

/* As many as may be; fewer are enough where the system has no room for more. */
static int start_some(struct pool *pool)
{
	int err = 0;

	while (!err && !cli_interrupted() && pool->nr_started < pool->jobs->nr &&
	       pool->live < pool->at_once)
		err = start(pool, pool->nr_started);
	if (!err)
		return 0;
	if (pool->live) {
		pool->at_once = pool->live;
		return 0;
	}
	teller_hide(&pool->teller);
	fprintf(stderr, "mmsim: no process can be started: %s\n", strerror(-err));
	return EXIT_BROKEN;
}

/* ---- what comes from them ---- */

static void keep(struct flow *flow, const char *text, size_t len)
{
	size_t size = flow->size ? flow->size : 4096;
	char *more = flow->text;

	while (size < flow->len + len + 1)
		size *= 2;
	if (size != flow->size)
		more = realloc(flow->text, size);
	if (!more) {
		flow->lost = true;
		return;
	}
	flow->text = more;
	flow->size = size;
	memcpy(more + flow->len, text, len);
	flow->len += len;
	more[flow->len] = '\0';
}

/* What is there now; to be called when poll() says so. */
static void take(struct flow *flow)
{
	static char buf[65536];
	ssize_t n = read(flow->fd, buf, sizeof(buf));

	if (n > 0) {
		keep(flow, buf, (size_t)n);
	} else if (!n || errno != EINTR) {
		close(flow->fd);
		flow->fd = -1;
	}
}

static void bury(struct pool *pool, struct job *job)
{
	while (waitpid(job->pid, &job->status, 0) < 0 && errno == EINTR)
		;
	job->over = true;
	pool->live--;
	pool->nr_over++;
}

static void forward_interrupt(struct pool *pool)
{
	for (unsigned int i = 0; i < pool->nr_started; i++)
		if (!pool->job[i].over)
			kill(pool->job[i].pid, SIGINT);
	pool->forwarded = true;
}

/* Not to sleep through an interrupt it is let in only while it sleeps. */
static int poll_interruptibly(struct pool *pool, nfds_t nr)
{
	sigset_t interrupts, before;
	int ready;

	sigemptyset(&interrupts);
	sigaddset(&interrupts, SIGINT);
	sigaddset(&interrupts, SIGTERM);
	sigprocmask(SIG_BLOCK, &interrupts, &before);
	if (cli_interrupted() && !pool->forwarded)
		forward_interrupt(pool);
	ready = ppoll(pool->polled, nr, NULL, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ready;
}

/* Wait until one of the processes says something, ends, or it is time to tell. */
static void wait_for_some(struct pool *pool)
{
	nfds_t nr = 0, at = 1;

	pool->polled[nr++] = (struct pollfd){.fd = pool->teller.timer, .events = POLLIN};
	/* A descriptor of -1 is passed over. */
	for (unsigned int i = pool->nr_ended; i < pool->nr_started; i++) {
		struct job *job = &pool->job[i];

		if (job->over)
			continue;
		pool->polled[nr++] = (struct pollfd){.fd = job->result.fd, .events = POLLIN};
		pool->polled[nr++] = (struct pollfd){.fd = job->said.fd, .events = POLLIN};
	}
	if (poll_interruptibly(pool, nr) <= 0)
		return;
	for (unsigned int i = pool->nr_ended; i < pool->nr_started; i++) {
		struct job *job = &pool->job[i];

		if (job->over)
			continue;
		if (pool->polled[at++].revents)
			take(&job->result);
		if (pool->polled[at++].revents)
			take(&job->said);
		if (job->result.fd < 0 && job->said.fd < 0)
			bury(pool, job);
	}
	teller_tell(&pool->teller, pool->nr_over, pool->jobs->nr);
}

/* ---- in their order ---- */

static bool is_code(int code)
{
	return code == EXIT_FINE || code == EXIT_USAGE || code == EXIT_UNFIT ||
	       code == EXIT_BROKEN || code == EXIT_INTERRUPTED;
}

/* Did it end otherwise than by saying how its run went? */
static bool has_died(const struct job *job, const json_t *result, char why[DIED_MAX])
{
	int code = WEXITSTATUS(job->status);

	if (WIFSIGNALED(job->status))
		snprintf(why, DIED_MAX, "its process was ended by signal %d, %s",
			 WTERMSIG(job->status), strsignal(WTERMSIG(job->status)));
	else if (!is_code(code))
		snprintf(why, DIED_MAX, "its process ended with %d", code);
	else if (job->result.lost)
		snprintf(why, DIED_MAX, "no memory for its result");
	else if (!result && (code == EXIT_FINE || job->result.len))
		snprintf(why, DIED_MAX, "its process ended before all of its result was sent");
	else
		return false;
	return true;
}

static int end_job(struct pool *pool, unsigned int i)
{
	const struct jobs *jobs = pool->jobs;
	struct job *job = &pool->job[i];
	struct job_end end = {.code = WEXITSTATUS(job->status)};
	char why[DIED_MAX];

	teller_hide(&pool->teller);
	if (jobs->begin)
		jobs->begin(jobs->arg, i);
	fflush(stdout);
	if (job->said.len)
		fwrite(job->said.text, 1, job->said.len, stderr);
	if (job->result.len)
		end.result = json_loadb(job->result.text, job->result.len, 0, NULL);
	if (has_died(job, end.result, why)) {
		end.died = why;
		end.code = EXIT_BROKEN;
	}
	free(job->result.text);
	free(job->said.text);
	job->result.text = job->said.text = NULL;
	return jobs->end(jobs->arg, i, &end);
}

/* Those that are over and before which none is not. */
static int end_some(struct pool *pool, int code)
{
	while (pool->nr_ended < pool->nr_started && pool->job[pool->nr_ended].over) {
		int last = end_job(pool, pool->nr_ended++);

		code = last ? last : code;
		if (code && code != EXIT_INTERRUPTED)
			break;
	}
	return code;
}

static int run_all(struct pool *pool)
{
	int code = 0;

	while (pool->nr_ended < pool->jobs->nr && (!code || code == EXIT_INTERRUPTED)) {
		int err = start_some(pool);

		if (err)
			return err;
		/* After an interrupt no more are started. */
		if (!pool->live)
			return EXIT_INTERRUPTED;
		wait_for_some(pool);
		code = end_some(pool, code);
	}
	return code;
}

static void drop(struct flow *flow)
{
	if (flow->fd >= 0)
		close(flow->fd);
	free(flow->text);
}

/* Those whose end nobody waits for any more. */
static void stop_all(struct pool *pool)
{
	for (unsigned int i = pool->nr_ended; i < pool->nr_started; i++) {
		struct job *job = &pool->job[i];

		if (!job->over) {
			kill(job->pid, SIGKILL);
			bury(pool, job);
		}
		drop(&job->result);
		drop(&job->said);
	}
}

static int run_at_once(const struct jobs *jobs)
{
	struct pool pool = {
		.jobs = jobs,
		.job = calloc(jobs->nr, sizeof(*pool.job)),
		.polled = calloc(2 * (size_t)jobs->at_once + 1, sizeof(*pool.polled)),
		.at_once = jobs->at_once,
		.pid = getpid(),
	};
	int code = EXIT_BROKEN;

	if (pool.job && pool.polled) {
		teller_begin(&pool.teller, jobs);
		code = run_all(&pool);
		stop_all(&pool);
		teller_end(&pool.teller);
	} else {
		fputs("mmsim: no memory\n", stderr);
	}
	free(pool.polled);
	free(pool.job);
	return code;
}

int jobs_run(const struct jobs *jobs)
{
	return jobs->at_once < 2 || jobs->nr < 2 ? run_here(jobs) : run_at_once(jobs);
}
