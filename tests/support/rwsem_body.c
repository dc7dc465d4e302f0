/* SPDX-License-Identifier: MIT */
/* The body that all rwsem policies and mutants share; see the header. */
#include "rwsem_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lock/rwsem.h"
#include "mmsim/mmsim.h"

#include <cmocka.h>

#define NR_WORDS 4
#define HOLD_NS 20000

static struct {
	const struct rwsem_body *body;
	struct mmsim_rwsem *rwsem;
	struct rw_semaphore *sem;
	/* Plain words, guarded by the rwsem: this is what is checked. */
	uint64_t words[NR_WORDS];
	uint64_t writes; /* so is this */
	int spun; /* atomic */
	uint64_t interrupted; /* atomic */
} shared;

static uint64_t read_inside(void)
{
	uint64_t first = shared.words[0];

	for (int i = 1; i < NR_WORDS; i++) {
		uint64_t word = shared.words[i];

		if (word != first)
			mmsim_bug("%s: word %d is %llu, word 0 is %llu",
				  mmsim_task_name(mmsim_task_self()), i, (unsigned long long)word,
				  (unsigned long long)first);
	}
	return first;
}

/* A pause with the lock held: on the CPU, or seldom off it. */
static void hold(uint64_t draw)
{
	if (!shared.sem->foreign && __atomic_load_n(&shared.sem->osq, __ATOMIC_RELAXED))
		__atomic_store_n(&shared.spun, 1, __ATOMIC_RELAXED);
	if (draw % 8 == 0)
		mmsim_sleep_ns(HOLD_NS);
	else
		mmsim_yield();
}

static void inside_read(uint64_t draw)
{
	uint64_t before = read_inside();

	hold(draw);
	if (read_inside() != before)
		mmsim_bug("%s: a writer wrote while a reader was inside",
			  mmsim_task_name(mmsim_task_self()));
}

static void inside_write(uint64_t draw)
{
	uint64_t value = read_inside() + 1;

	for (int i = 0; i < NR_WORDS; i++) {
		shared.words[i] = value;
		if (i == NR_WORDS / 2)
			hold(draw);
	}
	shared.writes++;
	if (read_inside() != value)
		mmsim_bug("%s: an update was lost", mmsim_task_name(mmsim_task_self()));
}

static void interrupted(void)
{
	__atomic_fetch_add(&shared.interrupted, 1, __ATOMIC_RELAXED);
}

static void read_section(unsigned int kind, uint64_t draw)
{
	if (kind == 0) {
		mmsim_down_read(shared.rwsem);
	} else if (kind == 1) {
		if (mmsim_down_read_killable(shared.rwsem)) {
			interrupted();
			return;
		}
	} else if (!mmsim_down_read_trylock(shared.rwsem)) {
		return;
	}
	inside_read(draw);
	mmsim_up_read(shared.rwsem);
}

static void write_section(unsigned int kind, uint64_t draw)
{
	if (kind == 0) {
		mmsim_down_write(shared.rwsem);
	} else if (kind == 1) {
		if (mmsim_down_write_killable(shared.rwsem)) {
			interrupted();
			return;
		}
	} else if (!mmsim_down_write_trylock(shared.rwsem)) {
		return;
	}
	inside_write(draw);
	if (draw >> 8 & 3) {
		mmsim_up_write(shared.rwsem);
		return;
	}
	mmsim_downgrade_write(shared.rwsem);
	inside_read(draw >> 16);
	mmsim_up_read(shared.rwsem);
}

static int body_task(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < shared.body->operations; i++) {
		uint64_t draw = mmsim_random();
		unsigned int kind = draw >> 32 & 3 ? draw >> 34 & 1 : 2;

		if (draw >> 40 & 1)
			read_section(kind, draw);
		else
			write_section(kind, draw);
	}
	return 0;
}

static struct mmsim *build(const struct rwsem_body *body)
{
	struct mmsim_config config;
	struct mmsim *sim;
	char error[256];

	mmsim_config_init(&config);
	snprintf(config.machine, sizeof(config.machine), "%s", body->machine);
	snprintf(config.rwsem, sizeof(config.rwsem), "%s", body->policy);
	config.seed = body->seed;
	config.memory_bytes = 1 << 20;
	config.kills = body->kills;
	config.spurious_1_in = 64;
	config.tick_1_in = 128;
	config.max_steps = 1000000;
	if (mmsim_create(&config, &sim, error))
		fail_msg("%s", error);
	return sim;
}

/* What must hold once nobody runs. */
static void judge_rest(struct rwsem_verdict *v)
{
	const struct rw_semaphore *sem = shared.sem;

	if (v->err)
		return;
	if (sem->count.counter)
		snprintf(v->why, sizeof(v->why), "count is %#lx at rest", sem->count.counter);
	else if (!list_empty(&sem->wait_list) || sem->osq)
		snprintf(v->why, sizeof(v->why), "somebody is queued at rest");
	else if (read_inside() != shared.writes)
		snprintf(v->why, sizeof(v->why), "%llu writes left %llu",
			 (unsigned long long)shared.writes, (unsigned long long)shared.words[0]);
	else
		v->good = true;
}

void rwsem_body_run(const struct rwsem_body *body, struct rwsem_verdict *v)
{
	struct mmsim *sim = build(body);
	char name[16];

	memset(&shared, 0, sizeof(shared));
	memset(v, 0, sizeof(*v));
	shared.body = body;
	shared.rwsem = mmsim_rwsem_create(sim);
	assert_non_null(shared.rwsem);
	shared.sem = (struct rw_semaphore *)shared.rwsem;
	for (unsigned int i = 0; i < body->tasks; i++) {
		struct mmsim_task_attr attr = {.name = name, .cpu = -1};

		snprintf(name, sizeof(name), "t%u", i);
		assert_non_null(mmsim_task_create(sim, &attr, body_task, NULL));
	}
	v->err = mmsim_run(sim);
	snprintf(v->why, sizeof(v->why), "%s", mmsim_failure(sim));
	v->count = shared.sem->count.counter;
	v->spun = shared.spun;
	v->writes = shared.writes;
	v->interrupted = shared.interrupted;
	v->reader_steal = mmsim_counter(sim, "rwsem_reader_steal");
	v->writer_steal = mmsim_counter(sim, "rwsem_writer_steal");
	v->handoff = mmsim_counter(sim, "rwsem_handoff");
	v->reader_sleep = mmsim_counter(sim, "rwsem_reader_sleep");
	v->writer_sleep = mmsim_counter(sim, "rwsem_writer_sleep");
	judge_rest(v);
	if (!v->err)
		mmsim_rwsem_destroy(sim, shared.rwsem);
	if (mmsim_destroy(sim) && v->good) {
		v->good = false;
		snprintf(v->why, sizeof(v->why), "something was still allocated at the end");
	}
}
