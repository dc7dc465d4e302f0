/* SPDX-License-Identifier: MIT */
/*
 * The per-VMA lock, case by case, in both designs: what its words say in each
 * state, who waits for whom, and what the ends of the sequence and of the count
 * do. Faults under it: test_vma_lock_faults.c; the lock of the next VMA, as maps
 * is read: test_vma_find.c.
 */
#include "support/mm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EXCLUDE_READERS (1 << 30)
#define REFCNT_LIMIT (EXCLUDE_READERS - 1)

enum design { RWSEM, REFCNT, NR_DESIGNS };

static const struct mm_setup designs[NR_DESIGNS] = {
	[RWSEM] = {"6.12", "vma_rwsem", NULL, NULL, NULL},
	[REFCNT] = {"6.18", "vma_refcnt", NULL, NULL, NULL},
};

/* ---- what the words say ---- */

/* Tasks of the cases below; a case makes those it names in its schedule. */
static struct {
	struct mm_world w;
	struct vm_area_struct *vma;
	/* What the looker saw each time it was its turn. */
	struct look {
		long count; /* the reference count, or the rwsem's word */
		unsigned int readers;
		bool write_locked, detached;
		enum vma_lock_miss miss; /* of its own try */
	} looks[8];
	unsigned int nr_looks;
	enum vma_lock_miss miss; /* of the reader */
	bool write_hold_over;
} run;

static void make_run(enum design design, const char *schedule, const char *rwsem)
{
	struct mm_setup setup = designs[design];

	memset(&run, 0, sizeof(run));
	setup.schedule = schedule;
	setup.rwsem = rwsem;
	world_make(&run.w, &setup);
	world_map(&run.w, 0, 8, RW);
	world_touch(&run.w, 0);
	run.vma = world_vma(&run.w, 0);
}

static struct vm_area_struct *try_lock(enum vma_lock_miss *miss)
{
	return run.w.mm->fault->lock_vma_under_rcu(run.w.mm, PAGE(0), SITE_user, miss);
}

static long count_of(const struct vm_area_struct *vma)
{
	return vma->vm_lock ? quiet_load(vma->vm_lock->count.counter) :
			      quiet_load(vma->vm_refcnt.counter);
}

static void look_once(bool try)
{
	struct look *l = &run.looks[run.nr_looks++];
	struct vm_area_struct *vma;

	*l = (struct look){.count = count_of(run.vma),
			   .readers = vma_readers(run.vma),
			   .write_locked = vma_is_write_locked(run.vma),
			   .detached = quiet_load(run.vma->detached)};
	vma = try ? try_lock(&l->miss) : NULL;
	if (vma)
		vma_end_read(vma);
}

/* Looks, and tries, whenever the schedule names it. */
static int looker(void *arg)
{
	const unsigned int *times = arg;

	for (unsigned int i = 0; i < *times; i++) {
		look_once(true);
		mmsim_yield();
	}
	return 0;
}

static int reader(void *arg)
{
	struct vm_area_struct *vma = try_lock(&run.miss);

	(void)arg;
	if (!vma)
		mmsim_bug("the VMA could not be locked");
	mmsim_yield();
	vma_end_read(vma);
	return 0;
}

static int writer(void *arg)
{
	bool downgrade = arg;

	mmap_write_lock(run.w.mm, SITE_user);
	vma_start_write(run.vma);
	if (downgrade)
		mmap_write_downgrade(run.w.mm);
	mmsim_yield();
	run.write_hold_over = true;
	if (downgrade)
		mmap_read_unlock(run.w.mm);
	else
		mmap_write_unlock(run.w.mm);
	return 0;
}

static void a_fresh_vma_is_detached(void **state)
{
	struct vm_area_struct *vma;
	bool detached = false;

	(void)state;
	make_run(REFCNT, NULL, NULL);
	vma = vm_area_alloc(run.w.mm);
	assert_non_null(vma);
	assert_int_equal(count_of(vma), 0);
	rcu_read_lock();
	assert_null(run.w.mm->fault->vma_start_read(run.w.mm, vma, SITE_user, &detached));
	assert_true(detached);
	assert_int_equal(count_of(vma), 0);
	vm_area_free(vma);
	world_end(&run.w);

	make_run(RWSEM, NULL, NULL);
	vma = vm_area_alloc(run.w.mm);
	assert_non_null(vma);
	assert_int_equal(count_of(vma), 0);
	assert_true(vma->detached);
	vm_area_free(vma);
	world_end(&run.w);
}

static void readers_are_counted(void **state)
{
	static const long none[NR_DESIGNS] = {0, 1}, one[NR_DESIGNS] = {RWSEM_READER_BIAS, 1};

	(void)state;
	for (int d = 0; d < NR_DESIGNS; d++) {
		enum vma_lock_miss miss;

		make_run(d, NULL, NULL);
		mmap_read_lock(run.w.mm, SITE_user);
		for (int n = 0; n < 3; n++) {
			assert_int_equal(count_of(run.vma), none[d] + n * one[d]);
			assert_ptr_equal(try_lock(&miss), run.vma);
			assert_int_equal(miss, VMA_MISS_NONE);
		}
		/* Another way in, for who holds mmap_lock. */
		assert_true(run.w.mm->fault->vma_start_read_locked(run.vma, SITE_user));
		mmap_read_unlock(run.w.mm);
		for (int n = 4; n; n--) {
			assert_int_equal(count_of(run.vma), none[d] + n * one[d]);
			vma_end_read(run.vma);
		}
		assert_int_equal(count_of(run.vma), none[d]);
		world_end(&run.w);
	}
}

static void check_look(unsigned int i, unsigned int readers, bool write_locked,
		       enum vma_lock_miss miss)
{
	const struct look *l = &run.looks[i];

	assert_int_equal(l->readers, readers);
	assert_int_equal(l->write_locked, write_locked);
	assert_int_equal(l->miss, miss);
	assert_false(l->detached);
}

/* Two readers inside, a writer comes, the readers leave: nobody joins meanwhile. */
static void a_writer_waits_for_readers(void **state)
{
	static unsigned int times = 5;

	(void)state;
	for (int d = 0; d < NR_DESIGNS; d++) {
		struct mmsim_edge edge;

		make_run(d, "r1~ r2~ look~ w~ look~ r1~ look~ r2~ look~ w~ look~", "no_spin");
		world_task(&run.w, "r1", reader, NULL);
		world_task(&run.w, "r2", reader, NULL);
		world_task(&run.w, "w", writer, NULL);
		world_task(&run.w, "look", looker, &times);
		world_run(&run.w);
		assert_int_equal(run.nr_looks, times);
		check_look(0, 2, false, VMA_MISS_NONE);
		check_look(1, 2, false, VMA_MISS_LOCKED);
		check_look(2, 1, false, VMA_MISS_LOCKED);
		/* The last one left; the writer was woken and has not run yet. */
		check_look(3, 0, false, VMA_MISS_LOCKED);
		/* It has: only the sequence is left of the lock. */
		check_look(4, 0, true, VMA_MISS_LOCKED);
		if (d == REFCNT) {
			assert_int_equal(run.looks[0].count, 3);
			assert_int_equal(run.looks[1].count, EXCLUDE_READERS + 3);
			assert_int_equal(run.looks[2].count, EXCLUDE_READERS + 2);
			assert_int_equal(run.looks[3].count, EXCLUDE_READERS + 1);
			assert_int_equal(run.looks[4].count, 1);
		}
		assert_int_equal(world_waits(&run.w, "w", "vma_lock", &edge), 1);
		assert_string_equal(edge.waiter_site, "vma_write");
		assert_int_equal(world_waits(&run.w, "look", NULL, NULL), 0);
		world_end(&run.w);
	}
}

/* ---- alone, a writer holds the word only for as long as it takes to store the sequence ---- */

static void prepare_sweep(struct mm_world *w)
{
	run.w = *w;
	run.nr_looks = 0;
	world_map(w, 0, 8, RW);
	world_touch(w, 0);
	run.vma = world_vma(w, 0);
}

static void write_lock_once(struct mm_world *w)
{
	mmap_write_lock(w->mm, SITE_user);
	vma_start_write(run.vma);
	mmap_write_unlock(w->mm);
}

static void look_without_try(struct mm_world *w)
{
	(void)w;
	look_once(false);
}

static bool saw_count(struct mm_world *w, const void *expected)
{
	static const long free[NR_DESIGNS] = {0, 1};
	static const long excluded[NR_DESIGNS] = {RWSEM_WRITER_LOCKED, EXCLUDE_READERS + 1};
	enum design d = w->mm->fault == &fault_vma_rwsem ? RWSEM : REFCNT;
	long count = run.looks[0].count;

	assert_int_equal(run.nr_looks, 1);
	assert_true(count == free[d] || count == excluded[d]);
	return *(const bool *)expected ? count == excluded[d] :
					 count == free[d] && run.looks[0].write_locked;
}

static void a_writer_alone(void **state)
{
	static const bool yes = true, no = false;
	struct mm_race race = {.prepare = prepare_sweep,
			       .a = write_lock_once,
			       .b = look_without_try,
			       .found = saw_count};

	(void)state;
	for (int d = 0; d < NR_DESIGNS; d++) {
		race.expected = &yes;
		assert_true(world_sweep(&designs[d], &race));
		race.expected = &no;
		assert_true(world_sweep(&designs[d], &race));
	}
}

/* Once locked it stays so to the end of the write hold: no second wait, no second look. */
static void start_write_is_idempotent(void **state)
{
	(void)state;
	for (int d = 0; d < NR_DESIGNS; d++) {
		uint64_t before;

		make_run(d, NULL, NULL);
		before = world_site(&run.w, "vma_lock", "vma_write").acquired_write;
		for (unsigned int hold = 1; hold <= 2; hold++) {
			assert_false(vma_is_write_locked(run.vma));
			mmap_write_lock(run.w.mm, SITE_user);
			for (int i = 0; i < 3; i++) {
				uint64_t steps;

				vma_start_write(run.vma);
				assert_true(vma_is_write_locked(run.vma));
				steps = mmsim_steps(run.w.sim);
				vma_start_write(run.vma);
				assert_int_equal(mmsim_steps(run.w.sim), steps);
			}
			mmap_write_unlock(run.w.mm);
			assert_int_equal(world_site(&run.w, "vma_lock", "vma_write").acquired_write,
					 before + hold);
		}
		assert_false(vma_is_write_locked(run.vma));
		world_end(&run.w);
	}
}

/* While munmap and others go on with mmap_lock held for read, readers are let in. */
static void a_downgrade_ends_write_locks(void **state)
{
	static unsigned int times = 1;

	(void)state;
	for (int d = 0; d < NR_DESIGNS; d++)
		for (int downgrade = 0; downgrade < 2; downgrade++) {
			make_run(d, "w~ look~", NULL);
			world_task(&run.w, "w", writer, downgrade ? &run : NULL);
			world_task(&run.w, "look", looker, &times);
			world_run(&run.w);
			check_look(0, 0, !downgrade, downgrade ? VMA_MISS_NONE : VMA_MISS_LOCKED);
			world_end(&run.w);
		}
}

/* ---- a reader that comes between the write lock and the end of the VMA ---- */

static bool stop_at_walk; /* the task "A" yields once it has found a VMA */

struct vm_area_struct *__real_vma_tree_walk(const struct vma_tree *tree, unsigned long addr);
struct vm_area_struct *__wrap_vma_tree_walk(const struct vma_tree *tree, unsigned long addr);

struct vm_area_struct *__wrap_vma_tree_walk(const struct vma_tree *tree, unsigned long addr)
{
	struct vm_area_struct *vma = __real_vma_tree_walk(tree, addr);

	if (stop_at_walk && !strcmp(mmsim_task_name(mmsim_task_self()), "A")) {
		stop_at_walk = false;
		mmsim_yield();
	}
	return vma;
}

static int transient_reader(void *arg)
{
	struct vm_area_struct *vma = try_lock(&run.miss);

	(void)arg;
	if (vma)
		vma_end_read(vma);
	return 0;
}

static int unmapper(void *arg)
{
	(void)arg;
	if (mmsim_munmap(run.w.mm, PAGE(0), 8 * PAGE_SIZE))
		mmsim_bug("munmap failed");
	return 0;
}

static int look_now(void *arg)
{
	(void)arg;
	look_once(false);
	return 0;
}

/*
 * The reader found the VMA and goes on for @i steps, munmap begins and makes @j,
 * the reader one more, and munmap goes on as far as it can. True: the reader was
 * inside then, on a VMA that is detached.
 */
static bool met_at_detach(enum design design, unsigned int i, unsigned int j)
{
	char schedule[64];
	bool met;

	snprintf(schedule, sizeof(schedule), "A~ A*%u B*%u A B*5000 C~", i, j);
	make_run(design, schedule, NULL);
	stop_at_walk = true;
	world_task(&run.w, "A", transient_reader, NULL);
	world_task(&run.w, "B", unmapper, NULL);
	world_task(&run.w, "C", look_now, NULL);
	world_run(&run.w);
	if (design == REFCNT)
		met = world_site(&run.w, "vma_lock", "vma_detach").contended_write != 0;
	else
		met = run.looks[0].detached && run.looks[0].readers;
	if (met) {
		/*
		 * It noticed. Munmap waits for it in the newer design, and is
		 * over in the older: then it is looked up again, in vain.
		 */
		assert_int_equal(run.miss, design == REFCNT ? VMA_MISS_LOCKED : VMA_MISS_GAP);
		assert_int_equal(world_counter(&run.w, "vma_lock_miss"), design == RWSEM);
		assert_int_equal(world_counter(&run.w, "vma_lock_abort"), 1);
		assert_int_equal(world_waits(&run.w, "A", NULL, NULL), 0);
	}
	world_end(&run.w);
	return met;
}

static bool find_met_at_detach(enum design design)
{
	for (unsigned int i = 1; i < 10; i++)
		for (unsigned int j = 1; j < 100; j++)
			if (met_at_detach(design, i, j))
				return true;
	return false;
}

static void detach_waits_for_transient_readers(void **state)
{
	(void)state;
	assert_true(find_met_at_detach(REFCNT));
	/* One reader, which is all that is left in the count, and who waits for it. */
	assert_int_equal(run.looks[0].count, EXCLUDE_READERS + 1);
	assert_true(run.looks[0].write_locked);
}

/* The older design does not wait: the grace period keeps the VMA for the reader. */
static void detach_of_an_rwsem_does_not_wait(void **state)
{
	(void)state;
	assert_true(find_met_at_detach(RWSEM));
	assert_int_equal(run.looks[0].readers, 1);
}

/* ---- ends of the count and of the sequence ---- */

static void too_many_readers(void **state)
{
	struct mmsim_vma found;

	(void)state;
	for (int over = -1; over <= 1; over++) {
		bool full = over >= 0, got;
		uint64_t aborts, reads;

		make_run(REFCNT, NULL, NULL);
		quiet_store(run.vma->vm_refcnt.counter, REFCNT_LIMIT + over);
		aborts = world_counter(&run.w, "vma_lock_abort");
		reads = world_site(&run.w, "mmap_lock", "fault").acquired_read;
		/* A fault goes by mmap_lock. */
		assert_int_equal(mmsim_store(run.w.mm, PAGE(1), 1), MMSIM_ACCESS_NEW);
		assert_int_equal(world_counter(&run.w, "vma_lock_abort") - aborts, full);
		assert_int_equal(world_site(&run.w, "mmap_lock", "fault").acquired_read - reads,
				 full);
		/* So does who holds it already, and only then nothing else can refuse. */
		mmap_read_lock(run.w.mm, SITE_user);
		got = run.w.mm->fault->vma_start_read_locked(run.vma, SITE_user);
		mmap_read_unlock(run.w.mm);
		assert_int_equal(got, !full);
		if (got)
			vma_end_read(run.vma);
		/* And a report, by mmap_lock and then without the VMA's. */
		assert_int_equal(mmsim_vma_find(run.w.mm, PAGE(3), &found), 0);
		assert_int_equal(found.start, PAGE(0));
		assert_int_equal(world_site(&run.w, "mmap_lock", "inspect").acquired_read, full);
		assert_int_equal(world_site(&run.w, "vma_lock", "inspect").acquired_read, !full);
		assert_int_equal(count_of(run.vma), REFCNT_LIMIT + over);
		quiet_store(run.vma->vm_refcnt.counter, 1);
		world_end(&run.w);
	}
}

static void expect_lockable(bool lockable)
{
	enum vma_lock_miss miss;
	struct vm_area_struct *vma = try_lock(&miss);

	assert_int_equal(miss, lockable ? VMA_MISS_NONE : VMA_MISS_LOCKED);
	assert_int_equal(vma != NULL, lockable);
	if (vma)
		vma_end_read(vma);
}

/* A write hold under the number of the hold that locked the VMA, 2^31 holds ago. */
static void a_sequence_that_comes_again(void **state)
{
	(void)state;
	for (int d = 0; d < NR_DESIGNS; d++) {
		make_run(d, NULL, NULL);
		mmap_write_lock(run.w.mm, SITE_user);
		expect_lockable(true);
		/* The VMA looks locked and is not: a needless fallback, and nothing else. */
		quiet_store(run.vma->vm_lock_seq, run.w.mm->mm_lock_seq.sequence);
		expect_lockable(false);
		mmap_write_unlock(run.w.mm);
		expect_lockable(true);
		world_end(&run.w);
	}
}

/* Before 6.12 the sequence stands still between holds, so it is a fallback until the next. */
static void a_sequence_that_comes_again_at_rest(void **state)
{
	static const struct mm_setup setup = {"6.6", "vma_rwsem", NULL, NULL, NULL};

	(void)state;
	memset(&run, 0, sizeof(run));
	world_make(&run.w, &setup);
	world_map(&run.w, 0, 8, RW);
	world_touch(&run.w, 0);
	run.vma = world_vma(&run.w, 0);
	expect_lockable(true);
	quiet_store(run.vma->vm_lock_seq, run.w.mm->mm_lock_seq.sequence);
	expect_lockable(false);
	assert_int_equal(mmsim_store(run.w.mm, PAGE(1), 1), MMSIM_ACCESS_NEW);
	assert_int_equal(world_counter(&run.w, "fault_mmap_lock"), 2);
	mmap_write_lock(run.w.mm, SITE_user);
	mmap_write_unlock(run.w.mm);
	expect_lockable(true);
	world_end(&run.w);
}

/* Its last value is also what a VMA has that was never locked. */
static void the_sequence_wraps(void **state)
{
	static const char *const kernels[] = {"6.6", "6.12", "6.18"};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kernels); k++) {
		const struct mm_setup setup = {kernels[k], NULL, NULL, NULL, NULL};

		memset(&run, 0, sizeof(run));
		world_make(&run.w, &setup);
		quiet_store(run.w.mm->mm_lock_seq.sequence, UINT_MAX - 3);
		for (unsigned int i = 0; i < 6; i++) {
			world_map(&run.w, 16 * i, 8, RW);
			world_touch(&run.w, 16 * i);
			run.vma = world_vma(&run.w, 16 * i);
			mmap_write_lock(run.w.mm, SITE_user);
			vma_start_write(run.vma);
			assert_null(run.w.mm->fault->lock_vma_under_rcu(run.w.mm, PAGE(16 * i),
									SITE_user, &run.miss));
			assert_int_equal(run.miss, VMA_MISS_LOCKED);
			mmap_write_unlock(run.w.mm);
			for (unsigned int j = 0; j <= i; j++) {
				run.vma = run.w.mm->fault->lock_vma_under_rcu(
					run.w.mm, PAGE(16 * j), SITE_user, &run.miss);
				assert_non_null(run.vma);
				vma_end_read(run.vma);
			}
		}
		assert_true(run.w.mm->mm_lock_seq.sequence < 100);
		world_end(&run.w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_vma_is_detached),
		cmocka_unit_test(readers_are_counted),
		cmocka_unit_test(a_writer_waits_for_readers),
		cmocka_unit_test(a_writer_alone),
		cmocka_unit_test(start_write_is_idempotent),
		cmocka_unit_test(a_downgrade_ends_write_locks),
		cmocka_unit_test(detach_waits_for_transient_readers),
		cmocka_unit_test(detach_of_an_rwsem_does_not_wait),
		cmocka_unit_test(too_many_readers),
		cmocka_unit_test(a_sequence_that_comes_again),
		cmocka_unit_test(a_sequence_that_comes_again_at_rest),
		cmocka_unit_test(the_sequence_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
