/* SPDX-License-Identifier: MIT */
/* Plays: scripts of rwsem operations under a written schedule; see the header. */
#include "rwsem_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAUSE_NS NSEC_PER_SEC /* far beyond what a schedule lets pass */

struct player {
	char name;
	const char *script;
	struct task *task;
	int gate; /* opened by "oX" */
	char held; /* 'r', 'w' or 0 */
};

/* One OS thread runs all of it. */
static struct {
	struct rw_semaphore *sem;
	struct player players[PLAY_TASKS];
	struct outcome *outcome;
	int readers, writers; /* inside */
} stage;

static __printf(2, 3) void append(char *text, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + used, PLAY_TEXT - used, fmt, args);
	va_end(args);
}

static struct player *player_named(char name)
{
	for (int i = 0; i < PLAY_TASKS; i++)
		if (stage.players[i].name == name)
			return &stage.players[i];
	mmsim_bug("play: no task %c", name);
}

/* ---- looking ---- */

static void look_state(char *text, long count)
{
	long readers = (count & RWSEM_READER_MASK) >> RWSEM_READER_SHIFT;

	if (count & RWSEM_WRITER_LOCKED)
		append(text, readers ? "W&R%ld" : "W", readers);
	else if (readers)
		append(text, "R%ld", readers);
	else
		append(text, "free");
	append(text, "%s%s%s ", count & RWSEM_FLAG_WAITERS ? "+w" : "",
	       count & RWSEM_FLAG_HANDOFF ? "+h" : "", count < 0 ? "+n" : "");
}

static void look_owner(char *text, long owner)
{
	struct task *task = (struct task *)(owner & ~RWSEM_OWNER_FLAGS);

	if (task)
		append(text, "%s", task->name);
	if (owner & RWSEM_OWNER_FLAGS)
		append(text, "/%s%s", owner & RWSEM_READER_OWNED ? "r" : "",
		       owner & RWSEM_NONSPINNABLE ? "n" : "");
	append(text, "%s ", owner ? "" : "-");
}

/* Who waits is found by the waiter's place: its task pointer may be NULL already. */
static void look_queue(char *text, struct rw_semaphore *sem)
{
	const struct rwsem_waiter *waiter;
	const char *comma = "";

	list_for_each_entry (waiter, &sem->wait_list, list) {
		append(text, "%s%s%c%s", comma,
		       container_of(waiter, struct task, rwsem_waiter)->name,
		       waiter->write ? 'w' : 'r', waiter->handoff_set ? "*" : "");
		comma = ",";
	}
	append(text, "%s ", *comma ? "" : "-");
}

static void look(void)
{
	struct rw_semaphore *sem = stage.sem;
	struct outcome *outcome = stage.outcome;
	char *text = outcome->shots[outcome->nr_shots];
	long count = sem->count.counter;

	if (outcome->nr_shots == PLAY_SHOTS)
		mmsim_bug("play: too many looks");
	outcome->nr_shots++;
	look_state(text, count);
	look_owner(text, sem->owner.counter);
	look_queue(text, sem);
	append(text, "%s", sem->osq ? sem->osq->task->name : "-");
	if ((count & 0xf8) || rwsem_is_locked(sem) != (count != 0) ||
	    rwsem_is_contended(sem) != !list_empty(&sem->wait_list))
		append(text, "?");
}

/* ---- acting ---- */

/* Wake-ups that come late leave a token; only the schedule, or idleness, ends a pause. */
static void pause_off_cpu(void)
{
	while (park(TASK_UNINTERRUPTIBLE, now_ns() + PAUSE_NS) == PARK_WOKEN)
		;
}

static void note(const struct player *player, char what)
{
	append(stage.outcome->log, "%c%c ", player->name, what);
}

static void entered(struct player *player, char op)
{
	note(player, op);
	player->held = strchr("rRt", op) ? 'r' : 'w';
	if (player->held == 'r')
		stage.readers++;
	else
		stage.writers++;
	if (stage.writers > 1 || (stage.writers && stage.readers))
		stage.outcome->overlaps++;
}

static void left(struct player *player, char op)
{
	note(player, op);
	if (player->held == 'r')
		stage.readers--;
	else
		stage.writers--;
	player->held = 0;
}

static void acquire(struct player *player, char op)
{
	struct rw_semaphore *sem = stage.sem;
	bool got = true;

	switch (op) {
	case 'r':
		down_read(sem, SITE_user);
		break;
	case 'w':
		down_write(sem, SITE_user);
		break;
	case 'R':
		got = !down_read_killable(sem, SITE_user);
		break;
	case 'W':
		got = !down_write_killable(sem, SITE_user);
		break;
	case 't':
		got = down_read_trylock(sem, SITE_user);
		break;
	case 'T':
		got = down_write_trylock(sem, SITE_user);
		break;
	default:
		mmsim_bug("play: operation %c", op);
	}
	if (got)
		entered(player, op);
	else
		note(player, '!');
}

static void release(struct player *player)
{
	char held = player->held;

	if (!held)
		return;
	left(player, 'u');
	if (held == 'r')
		up_read(stage.sem);
	else
		up_write(stage.sem);
}

static void downgrade(struct player *player)
{
	if (player->held != 'w')
		return;
	left(player, 'd');
	player->held = 'r';
	stage.readers++;
	downgrade_write(stage.sem);
}

/* Meddling; the answer is false for an operation that is none of these. */
static bool meddle(char op, const char **at)
{
	struct rw_semaphore *sem = stage.sem;
	struct player *other;

	switch (op) {
	case '0':
		sem->owner.counter = 0;
		return true;
	case '-':
		sem->count.counter |= LONG_MIN;
		return true;
	case '+':
		sem->count.counter &= LONG_MAX;
		return true;
	case 'b':
		sem->count.counter += strtol(*at, (char **)at, 10) * RWSEM_READER_BIAS;
		return true;
	case 'o':
		other = player_named(*(*at)++);
		WRITE_ONCE(other->gate, 1);
		return true;
	case 'f':
	case 'F':
		other = player_named(*(*at)++);
		quiet_store(other->task->state, op == 'f' ? TASK_UNINTERRUPTIBLE : TASK_SPINNING);
		return true;
	case 'y':
		for (long n = strtol(*at, (char **)at, 10); n; n--)
			machine_step(stage.outcome, ACCESS_LOAD);
		return true;
	}
	return false;
}

static int perform(void *arg)
{
	struct player *player = arg;

	for (const char *at = player->script; *at;) {
		char op = *at++;

		if (meddle(op, &at))
			continue;
		if (op == 's')
			look();
		if (op == 's' || op == '.') {
			pause_off_cpu();
		} else if (op == ',') {
			spin_while_equal_int(&player->gate, 0, now_ns() + PAUSE_NS);
			player->gate = 0;
		} else if (op == 'u') {
			release(player);
		} else if (op == 'd') {
			downgrade(player);
		} else {
			acquire(player, op);
		}
	}
	return 0;
}

/* ---- from outside ---- */

/*
 * Runs after the schedule's last word. While it has not, somebody can run: the
 * machine, when nobody can, lets time pass before it looks at the next word.
 */
static int keep_time(void *arg)
{
	(void)arg;
	return 0;
}

static struct mmsim *build(const struct play *play)
{
	struct mmsim_config config;
	struct mmsim *sim;
	char error[256];

	mmsim_config_init(&config);
	strcpy(config.machine, "step");
	config.memory_bytes = 1 << 20;
	config.max_steps = 100000;
	snprintf(config.rwsem, sizeof(config.rwsem), "%s", play->policy ? play->policy : "linux");
	assert_true(strlen(play->schedule) < sizeof(config.schedule));
	strcpy(config.schedule, play->schedule);
	if (mmsim_create(&config, &sim, error))
		fail_msg("%s", error);
	return sim;
}

static void collect(struct mmsim *sim, struct outcome *outcome)
{
	outcome->reader_steal = mmsim_counter(sim, "rwsem_reader_steal");
	outcome->writer_steal = mmsim_counter(sim, "rwsem_writer_steal");
	outcome->handoff = mmsim_counter(sim, "rwsem_handoff");
	outcome->reader_sleep = mmsim_counter(sim, "rwsem_reader_sleep");
	outcome->writer_sleep = mmsim_counter(sim, "rwsem_writer_sleep");
	outcome->count = stage.sem->count.counter;
	outcome->owner = stage.sem->owner.counter;
	snprintf(outcome->failure, sizeof(outcome->failure), "%s", mmsim_failure(sim));
}

void play_run(const struct play *play, struct outcome *outcome)
{
	struct mmsim *sim = build(play);

	memset(&stage, 0, sizeof(stage));
	memset(outcome, 0, sizeof(*outcome));
	stage.outcome = outcome;
	stage.sem = (struct rw_semaphore *)mmsim_rwsem_create(sim);
	assert_non_null(stage.sem);
	for (int i = 0; i < PLAY_TASKS && play->tasks[i].name; i++) {
		struct player *player = &stage.players[i];
		const char name[] = {play->tasks[i].name, '\0'};
		struct mmsim_task_attr attr = {.name = name, .cpu = -1};

		player->name = *name;
		player->script = play->tasks[i].script;
		player->task = (struct task *)mmsim_task_create(sim, &attr, perform, player);
		assert_non_null(player->task);
	}
	assert_non_null(mmsim_task_create(sim, &(struct mmsim_task_attr){.name = "keeper"},
					  keep_time, NULL));
	outcome->err = mmsim_run(sim);
	collect(sim, outcome);
	if (!outcome->err)
		mmsim_rwsem_destroy(sim, (struct mmsim_rwsem *)stage.sem);
	outcome->destroyed = mmsim_destroy(sim);
}

void play_check(const struct play *play, struct outcome *outcome, const char *log,
		const char *const *shots, int nr_shots)
{
	play_run(play, outcome);
	if (outcome->err)
		fail_msg("%d: %s", outcome->err, outcome->failure);
	for (int i = 0; i < nr_shots && i < outcome->nr_shots; i++)
		if (strcmp(outcome->shots[i], shots[i]))
			fail_msg("look %d: \"%s\", expected \"%s\"", i, outcome->shots[i],
				 shots[i]);
	assert_int_equal(outcome->nr_shots, nr_shots);
	assert_string_equal(outcome->log, log);
	assert_int_equal(outcome->overlaps, 0);
	assert_int_equal(outcome->count, 0);
	assert_int_equal(outcome->destroyed, 0);
}
