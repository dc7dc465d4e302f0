/* SPDX-License-Identifier: MIT */
/* A search of schedules: its parts. The public half is mmsim/explore.h. */
#ifndef MMSIM_MACHINE_MODEL_SEARCH_H
#define MMSIM_MACHINE_MODEL_SEARCH_H

#include "machine/model/model.h"
#include "mmsim/explore.h"

/* ---- which words are raced for: search_words.c ---- */

#define CHUNK_WORDS (CHUNK_SIZE / sizeof(uint64_t))

/* Of a word: its last write, and each task's last read since. */
struct search_node {
	struct search_event event;
	uint32_t next; /* place in words->nodes; 0: none */
};

/* What is known of one aligned word. The first two are of one run only. */
struct search_word {
	uint32_t run;
	uint32_t nodes;
	bool shared; /* raced for in some run; kept */
};

/* When a granule was freed, in a run. */
struct search_freed {
	uint32_t run;
	struct search_event event;
};

/*
 * The words of one chunk. Chunks are known by type and by their order within the
 * type, slots by their place, never by an address or an object number: which
 * task makes the first object of its type is a matter of the schedule.
 */
struct search_chunk {
	struct search_chunk *next; /* of the type */
	struct search_freed freed[CHUNK_GRANULES];
	struct search_word words[CHUNK_WORDS];
};

struct search_type {
	struct search_type *next;
	const char *name;
	struct search_chunk *chunks, **place; /* place: where the run's next one is or goes */
};

/* One that a task stands before, or is at. */
struct search_access {
	struct search_word *word; /* NULL: none */
	const volatile void *addr;
	bool write; /* surely */
};

typedef uint32_t search_vector[MMSIM_SEARCH_TASKS_MAX];

struct search_words {
	uint32_t run;
	struct search_type *types;
	struct search_chunk **chunks; /* of this run's machine, by place in its arena */
	size_t nr_chunks, max_chunks;
	struct search_word elsewhere; /* all words outside chunks, and yields: all are writes */
	uint64_t nr_shared;
	bool grew; /* since it was last cleared */
	struct search_node *nodes; /* of this run; the 0th is none */
	uint32_t nr_nodes, max_nodes;
	search_vector *vectors;
	uint32_t nr_vectors, max_vectors;
	/* By task: its accesses so far, what it knows of the others', and whether an event does. */
	uint32_t clock[MMSIM_SEARCH_TASKS_MAX];
	uint32_t decision[MMSIM_SEARCH_TASKS_MAX], turn[MMSIM_SEARCH_TASKS_MAX];
	uint32_t vector[MMSIM_SEARCH_TASKS_MAX];
	bool referred[MMSIM_SEARCH_TASKS_MAX];
	int nr_tasks;
	/* The access under way: whose, and what was in the word before. */
	struct search_access access;
	uint64_t before;
	int access_task;
	/* Two accesses that could have come the other way round. */
	void (*race)(struct search_words *words, const struct search_event *first, int second);
};

/* Of what @of did, how much @task knows; see struct search_event. */
static inline uint32_t search_words_knows(const struct search_words *words, int task, int of)
{
	return words->vectors[words->vector[task]][of];
}

int search_words_init(struct search_words *words);
void search_words_begin(struct search_words *words);
void search_words_free(struct search_words *words);
/* The word at @addr. */
struct search_word *search_words_find(struct search_words *words, const struct machine *machine,
				      const volatile void *addr);
/* @task's access to it begins; @write: it writes, whatever is seen of it. */
void search_words_begin_access(struct search_words *words, const struct search_access *access,
			       int task);
/* The access is over. True: it changed its word. */
bool search_words_end_access(struct search_words *words);
/* @task writes to @addr just now, without a step. */
void search_words_wrote(struct search_words *words, const struct machine *machine,
			const volatile void *addr, int task);
void search_words_freed(struct search_words *words, const struct machine *machine,
			const void *object, size_t size, int task);
/* What @task did last, and: from now on @task is after it. */
struct search_event search_words_now(struct search_words *words, int task);
void search_words_after(struct search_words *words, int task, const struct search_event *event);

/* ---- the run as a written schedule: search_trail.c ---- */

struct trail_word {
	int16_t task; /* TRAIL_TICK: the passing of a jiffy */
	bool blocked; /* it ended because the task could not go on */
	bool stayed; /* the task went on spinning: NAME~ would not have */
	bool preempted;
	uint64_t count;
	uint64_t first_step;
	struct object_name before; /* preempted: what it was about to touch */
};
#define TRAIL_TICK (-1)

struct search_trail {
	struct trail_word *words;
	size_t nr, max;
	bool lost; /* no memory: the schedule is not complete */
	char names[MMSIM_SEARCH_TASKS_MAX][TASK_NAME_LEN];
	uint64_t named; /* bits of names */
	char *text;
};

void search_trail_begin(struct search_trail *trail);
void search_trail_free(struct search_trail *trail);
void search_trail_new_word(struct search_trail *trail, struct model *model, int task);
const char *search_trail_text(struct search_trail *trail);

static inline struct trail_word *search_trail_last(const struct search_trail *trail)
{
	return trail->nr ? &trail->words[trail->nr - 1] : NULL;
}

static inline void search_trail_add(struct search_trail *trail, struct model *model, int task)
{
	if (unlikely(!trail->nr || search_trail_last(trail)->task != task))
		search_trail_new_word(trail, model, task);
	if (likely(trail->nr))
		search_trail_last(trail)->count++;
}

/* ---- who goes on: search_bounded.c, search_random.c ---- */

/* A place where there is something to choose. Tasks are bits by their index. */
struct search_point {
	uint64_t pick; /* number of the choice in the run, with those that were none */
	uint64_t tasks; /* who may go on: two at least */
	int me; /* current: who is leaving or staying */
	int first; /* who goes on if nothing speaks against it */
	bool preemption; /* who is here could go on: all others cost a preemption */
	bool yields; /* current says that it waits for others */
	const volatile void *touches; /* what current is about to touch; NULL: it waits or ends */
};

struct search_strategy {
	const char *name;
	int (*init)(struct mmsim_search *search);
	void (*begin)(struct mmsim_search *search);
	/* May leave in search->decided what the choice can be remembered by. */
	int (*choose)(struct mmsim_search *search, const struct search_point *point);
	/* Two accesses raced; the first followed from that decision. May be NULL. */
	void (*race)(struct mmsim_search *search, const struct search_event *first, int second);
	/* False: there is nothing left to try. */
	bool (*next)(struct mmsim_search *search);
	void (*destroy)(struct mmsim_search *search);
};

extern const struct search_strategy search_bounded, search_pct, search_random, search_pos;

/* ---- the search ---- */

#define SEARCH_UNDECIDED UINT32_MAX /* nobody else could have gone on */

struct search_task {
	bool idle; /* spins or yields, and had looked at everything when it began to */
	struct search_access next; /* what it does first when it goes on */
	uint64_t idle_since; /* what the others had changed then */
	unsigned int yields; /* one after the other, nobody else having run */
	uint64_t section_began; /* model->rcu_clock of the last RCU section that has ended */
	struct search_event section_end;
};

struct mmsim_search {
	struct mmsim_search_config config;
	const struct search_strategy *strategy;
	void *own; /* the strategy's */
	struct search_words words;
	struct search_trail trail;
	struct search_task tasks[MMSIM_SEARCH_TASKS_MAX];
	struct rng rng; /* of this run */
	bool begun; /* a run since the last mmsim_search_next() */
	bool just_begun; /* the next yield is a free choice for all */
	bool asleep; /* late, and not begun: no choices yet */
	bool obeyed; /* it had a written schedule: the strategy was not asked */
	uint32_t decided;
	bool touched; /* current made an access to a shared word since it was switched to */
	uint64_t picks;
	struct mmsim_search_info info;
	struct spare *spares; /* memory kept for the next run: spares.c */
	unsigned int nr_spares;
};

void search_spares_free(struct mmsim_search *search);

/* A machine that asks @search was made. */
void search_begin(struct mmsim_search *search, const struct model *model);
/* The run is over, the machine still there. */
void search_end(struct mmsim_search *search);
/* Current is about to touch @addr; who goes on. */
struct task *search_step(struct model *model, const volatile void *addr);
/* Current waits or has ended; NULL: nobody can run, ever. */
struct task *search_switch(struct model *model);
void search_freed(struct model *model, const void *object, size_t size);
/* Current makes @task runnable. */
void search_woke(struct model *model, const struct task *task);
/* Current ends an RCU read section, queues a callback, is about to run one. */
void search_rcu_unlock(struct model *model);
struct search_event search_rcu_call(struct model *model);
void search_rcu_callback(struct model *model, const struct model_callback *callback);

#endif
