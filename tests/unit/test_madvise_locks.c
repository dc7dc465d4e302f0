/* SPDX-License-Identifier: MIT */
/*
 * What the VMA lock of madvise buys and what it does not: who waits while it
 * drops pages, stopped after each of its steps in turn; and that no page is
 * freed while somebody may still be using its translation.
 */
#include "support/mm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct mm_setup vma_locks[] = {
	{"6.12", "vma_rwsem", "vma_lock", NULL, "no_spin"},
	{"6.18", "vma_refcnt", "vma_lock", NULL, NULL},
};
static const struct mm_setup mmap_lock = {"6.18", "vma_refcnt", "mmap_lock", NULL, NULL};

/* What a run notes down. */
static struct {
	struct vm_area_struct *vma; /* madvise's */
	bool a_done, b_done, d_done;
	bool inside; /* A had the VMA locked, or mmap_lock, when B began */
	bool a_first; /* A was done when B was */
	bool fell_back; /* A had mmap_lock after a fallback, when B began */
	bool b_finds_none; /* the PTEs were cleared when B began */
	bool d_first; /* D was done when A was */
	const struct task *accessor; /* who makes a user access */
	struct {
		bool in_access, b_done;
		bool vma_held, mmap_held;
		unsigned int cleared; /* PTEs of the two pages */
		uint64_t freed; /* pages since then */
	} seen; /* by C */
	uint64_t freed_before;
} note;

static void must(int64_t got, int64_t expected)
{
	if (got != expected)
		mmsim_bug("answer %lld, expected %lld", (long long)got, (long long)expected);
}

static bool mmap_lock_held(const struct mm_world *w)
{
	return quiet_load(w->mm->mmap_lock.count.counter) & RWSEM_LOCK_MASK;
}

static void note_b_begins(const struct mm_world *w)
{
	note.inside = !note.a_done && (vma_readers(note.vma) || mmap_lock_held(w));
	note.fell_back = mmap_lock_held(w) && madvise_fallbacks(w, NULL);
}

static void note_b_ends(void)
{
	note.b_done = true;
	note.a_first = note.a_done;
}

/* ---- a neighbour is unmapped ---- */

/* On both sides of the border of two PTE tables: not even a PTE lock is shared. */
static void prepare_neighbours(struct mm_world *w)
{
	memset(&note, 0, sizeof(note));
	world_map(w, 508, 4, RW);
	world_map(w, 512, 4, RW | PROT_EXEC);
	for (unsigned int page = 508; page < 516; page++)
		world_touch(w, page);
	note.vma = world_vma(w, 508);
}

static void drop_lower(struct mm_world *w)
{
	must(mmsim_madvise(w->mm, PAGE(508), 4 * PAGE_SIZE, MADV_DONTNEED), 0);
	note.a_done = true;
}

static void unmap_upper(struct mm_world *w)
{
	note_b_begins(w);
	must(mmsim_munmap(w->mm, PAGE(512), 4 * PAGE_SIZE), 0);
	note_b_ends();
}

static bool went_past(struct mm_world *w, const void *expected)
{
	(void)expected;
	assert_int_equal(world_waits(w, "B", NULL, NULL), 0);
	assert_int_equal(world_waits(w, "A", NULL, NULL), 0);
	if (note.inside)
		assert_false(note.a_first);
	return note.inside;
}

/* Stopped between the lock's word and the note that it is held, A is not known as the holder. */
static bool held_by_a(const struct mmsim_edge *edge, const char *site)
{
	if (!strcmp(edge->holder, "?"))
		return false;
	assert_string_equal(edge->holder, "A");
	assert_string_equal(edge->holder_site, site);
	return true;
}

static bool waited_for_mmap_lock(struct mm_world *w, const void *expected)
{
	struct mmsim_edge edge;

	(void)expected;
	assert_int_equal(world_waits(w, "B", "mmap_lock", &edge), note.inside);
	if (!note.inside)
		return false;
	assert_true(note.a_first);
	return held_by_a(&edge, "madvise");
}

static void munmap_of_the_neighbour_goes_past(void **state)
{
	struct mm_race race = {.prepare = prepare_neighbours,
			       .a = drop_lower,
			       .b = unmap_upper,
			       .found = went_past};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vma_locks); i++)
		assert_true(world_sweep(&vma_locks[i], &race) > 10);
	/* That is what it is for: under mmap_lock, munmap waits. */
	race.found = waited_for_mmap_lock;
	assert_true(world_sweep(&mmap_lock, &race) > 10);
}

/* ---- a vector whose first element fell back ---- */

static void drop_vector(struct mm_world *w)
{
	static const struct mmsim_range ranges[] = {
		{PAGE(511), 2 * PAGE_SIZE},
		{PAGE(508), PAGE_SIZE},
		{PAGE(509), PAGE_SIZE},
	};

	must(mmsim_process_madvise(w->mm, ranges, 3, MADV_DONTNEED), 4 * PAGE_SIZE);
	note.a_done = true;
}

static void map_elsewhere(struct mm_world *w)
{
	note_b_begins(w);
	must(mmsim_mmap(w->mm, PAGE(600), PAGE_SIZE, RW, ANON | MAP_FIXED), PAGE(600));
	note_b_ends();
}

/* From the fallback to the end of the vector a writer waits; there is no gap between. */
static bool waited_for_vector(struct mm_world *w, const void *expected)
{
	(void)expected;
	assert_int_equal(world_counter(w, "madvise_fallback_crosses"), 1);
	assert_int_equal(world_counter(w, "madvise_fallback_vector"), 2);
	assert_int_equal(world_counter(w, "madvise_vma_lock"), 0);
	assert_int_equal(world_site(w, "mmap_lock", "madvise").acquired_read, 1);
	assert_int_equal(world_waits(w, "B", "mmap_lock", NULL), note.fell_back);
	if (note.fell_back)
		assert_true(note.a_first);
	return note.fell_back;
}

static void after_a_fallback_all_is_under_mmap_lock(void **state)
{
	static const struct mm_race race = {.prepare = prepare_neighbours,
					    .a = drop_vector,
					    .b = map_elsewhere,
					    .found = waited_for_vector};

	(void)state;
	assert_true(world_sweep(&vma_locks[1], &race) > 20);
}

/* ---- the same VMA is protected, and others want mmap_lock ---- */

static int fault_that_needs_mmap_lock(void *arg)
{
	const struct mm_world *w = arg;

	if (mmsim_store(w->mm, PAGE(16), 1) != MMSIM_ACCESS_NEW)
		mmsim_bug("store failed");
	return 0;
}

static int fault_that_does_not(void *arg)
{
	const struct mm_world *w = arg;

	if (mmsim_store(w->mm, PAGE(25), 1) != MMSIM_ACCESS_NEW)
		mmsim_bug("store failed");
	note.d_done = true;
	return 0;
}

static void prepare_four(struct mm_world *w)
{
	memset(&note, 0, sizeof(note));
	world_map(w, 0, 4, RW);
	world_map(w, 16, 4, RW);
	world_map(w, 24, 4, RW);
	for (unsigned int page = 0; page < 4; page++)
		world_touch(w, page);
	world_touch(w, 24);
	note.vma = world_vma(w, 0);
	world_task(w, "C", fault_that_needs_mmap_lock, w);
	world_task(w, "D", fault_that_does_not, w);
}

static void drop_all(struct mm_world *w)
{
	must(mmsim_madvise(w->mm, PAGE(0), 4 * PAGE_SIZE, MADV_DONTNEED), 0);
	note.a_done = true;
	note.d_first = note.d_done;
}

static void protect_all(struct mm_world *w)
{
	note_b_begins(w);
	must(mmsim_mprotect(w->mm, PAGE(0), 4 * PAGE_SIZE, PROT_READ), 0);
	note_b_ends();
}

/* The writer sits on mmap_lock and waits for madvise; who needs mmap_lock waits for both. */
static bool queued_behind_the_writer(struct mm_world *w, const void *expected)
{
	struct mmsim_edge writer, fault;

	(void)expected;
	assert_int_equal(world_waits(w, "A", NULL, NULL), 0);
	assert_int_equal(world_waits(w, "D", NULL, NULL), 0);
	assert_int_equal(world_waits(w, "B", "vma_lock", &writer), note.inside);
	if (!note.inside)
		return false;
	assert_string_equal(writer.waiter_site, "vma_write");
	assert_true(note.a_first);
	assert_int_equal(world_waits(w, "C", "mmap_lock", &fault), 1);
	assert_string_equal(fault.waiter_site, "fault");
	assert_string_equal(fault.holder, "B");
	assert_string_equal(fault.holder_site, "mprotect");
	assert_string_equal(fault.holder_state, "waiting");
	/* Its try under the VMA lock was in vain. */
	assert_int_equal(world_counter(w, "vma_lock_retry"), 1);
	/* A fault that finds all it needs in its VMA passes all three. */
	assert_true(note.d_first);
	if (!held_by_a(&writer, "madvise_vma"))
		return false;
	assert_int_equal(fault.chain_length, 2);
	assert_string_equal(fault.chain_end, "A");
	assert_string_equal(fault.chain_end_site, "madvise_vma");
	return true;
}

static void mprotect_of_the_same_vma_stops_others(void **state)
{
	static const struct mm_race race = {.prepare = prepare_four,
					    .a = drop_all,
					    .b = protect_all,
					    .then = "C*5000 D*5000",
					    .found = queued_behind_the_writer};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vma_locks); i++)
		assert_true(world_sweep(&vma_locks[i], &race) > 10);
}

/* ---- a fault on a page that madvise drops ---- */

static void store_first(struct mm_world *w)
{
	note_b_begins(w);
	if (mmsim_store(w->mm, PAGE(0), 77) > MMSIM_ACCESS_COPY)
		mmsim_bug("store failed");
	note_b_ends();
}

/* Both have the VMA for read: the page comes back behind the zap, which is legal. */
static bool came_back(struct mm_world *w, const void *expected)
{
	uint64_t value;
	enum mmsim_page page = mmsim_page_at(w->mm, PAGE(0), NULL, &value);

	(void)expected;
	assert_int_equal(world_waits(w, "B", NULL, NULL), 0);
	assert_true(page == MMSIM_PAGE_NONE || (page == MMSIM_PAGE_ANON && value == 77));
	return page == MMSIM_PAGE_ANON && note.inside && !note.a_first;
}

static void a_fault_fills_behind_the_zap(void **state)
{
	static const struct mm_race race = {
		.prepare = prepare_four, .a = drop_all, .b = store_first, .found = came_back};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vma_locks); i++)
		assert_true(world_sweep(&vma_locks[i], &race));
}

/* ---- pages are freed behind the flush ---- */

static bool cleared(const struct mm_world *w, unsigned int page)
{
	const struct pte_table *table = pte_table_find(w->mm, PAGE(page));

	/* munmap takes out the table, too. */
	return !table || !quiet_load(table->pte[pte_index(PAGE(page))]);
}

static int look(void *arg)
{
	const struct mm_world *w = arg;

	note.seen.in_access = quiet_load(note.accessor->user_access.counter) & 1;
	note.seen.b_done = note.b_done;
	note.seen.vma_held = vma_readers(note.vma);
	note.seen.mmap_held = mmap_lock_held(w);
	note.seen.cleared = cleared(w, 0) + cleared(w, 2);
	note.seen.freed = world_counter(w, "page_free") - note.freed_before;
	return 0;
}

static void prepare_access(struct mm_world *w)
{
	memset(&note, 0, sizeof(note));
	world_map(w, 0, 4, RW);
	world_touch(w, 0);
	world_touch(w, 2);
	note.vma = world_vma(w, 0);
	note.freed_before = world_counter(w, "page_free");
	/* Until A begins there is no access under way in anybody. */
	note.accessor = (struct task *)mmsim_task_self();
	world_task(w, "C", look, w);
}

static void store_once(struct mm_world *w)
{
	note.accessor = (struct task *)mmsim_task_self();
	/* HIT, NEW if the page was dropped before, MAPERR if it was unmapped. */
	(void)mmsim_store(w->mm, PAGE(0), 77);
	note.a_done = true;
}

static void drop_two(struct mm_world *w)
{
	must(mmsim_madvise(w->mm, PAGE(0), 4 * PAGE_SIZE, MADV_DONTNEED), 0);
	note_b_ends();
}

static void drop_two_by_vector(struct mm_world *w)
{
	static const struct mmsim_range ranges[] = {{PAGE(0), PAGE_SIZE}, {PAGE(2), PAGE_SIZE}};

	must(mmsim_process_madvise(w->mm, ranges, 2, MADV_DONTNEED), 2 * PAGE_SIZE);
	note_b_ends();
}

static void unmap_two(struct mm_world *w)
{
	must(mmsim_munmap(w->mm, PAGE(0), 4 * PAGE_SIZE), 0);
	note_b_ends();
}

struct flush {
	unsigned int cleared; /* PTEs gone when the first flush waits */
	bool mmap_held; /* and mmap_lock still held */
};

/* The access was under way when the PTE went: its page must stay to the end of it. */
static bool flush_waits(struct mm_world *w, const void *expected)
{
	const struct flush *f = expected;
	bool waits = note.seen.in_access && !note.seen.b_done;

	if (note.seen.in_access) {
		assert_false(note.seen.b_done);
		assert_int_equal(note.seen.freed, 0);
	} else {
		assert_int_equal(note.seen.freed, 2);
	}
	if (waits) {
		assert_int_equal(note.seen.cleared, f->cleared);
		assert_false(note.seen.vma_held);
		assert_int_equal(note.seen.mmap_held, f->mmap_held);
		assert_int_equal(world_counter(w, "tlb_ipi"), 1);
	}
	return waits;
}

static void no_page_is_freed_before_the_flush(void **state)
{
	static const struct {
		const char *kernel, *madvise;
		void (*b)(struct mm_world *w);
		struct flush flush;
	} rows[] = {
		/* Under the VMA lock the flush comes when that is dropped already. */
		{"6.18", "vma_lock", drop_two, {2, false}},
		{"6.18", "mmap_lock", drop_two, {2, true}},
		{"6.12", "vma_lock", drop_two, {2, false}},
		/* One gather for all elements, one a VMA before. */
		{"6.18", "vma_lock", drop_two_by_vector, {2, false}},
		{"6.18", "mmap_lock", drop_two_by_vector, {2, true}},
		{"6.15", "mmap_lock", drop_two_by_vector, {1, true}},
		{"6.14", "vma_lock", drop_two_by_vector, {1, false}},
		{"6.18", "vma_lock", unmap_two, {2, true}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mm_setup setup = {rows[i].kernel, NULL, rows[i].madvise, NULL, NULL};
		struct mm_race race = {.prepare = prepare_access,
				       .a = store_once,
				       .b = rows[i].b,
				       .then = "C*5000",
				       .found = flush_waits,
				       .expected = &rows[i].flush};

		assert_true(world_sweep(&setup, &race));
	}
}

/* ---- two gathers ---- */

/* A user access, held open between the page table and the page. */
static int access_slowly(void *arg)
{
	(void)arg;
	note.accessor = (struct task *)mmsim_task_self();
	atomic_fetch_add(1, &current->user_access);
	mmsim_yield();
	atomic_fetch_add(1, &current->user_access);
	return 0;
}

static void prepare_slow_access(struct mm_world *w)
{
	prepare_access(w);
	world_task(w, "D", access_slowly, NULL);
}

static void drop_two_and_note(struct mm_world *w)
{
	note.b_finds_none = cleared(w, 0) && cleared(w, 2);
	drop_two(w);
}

/* The second finds nothing to drop, and yet may not answer before the first one's flush. */
static bool second_waits_too(struct mm_world *w, const void *expected)
{
	(void)w, (void)expected;
	assert_true(note.seen.in_access);
	assert_false(note.seen.b_done);
	assert_int_equal(note.seen.freed, 0);
	return note.b_finds_none;
}

static void two_gathers_of_one_page(void **state)
{
	static const struct mm_race race = {.prepare = prepare_slow_access,
					    .a = drop_all,
					    .b = drop_two_and_note,
					    .first = "D~",
					    .then = "C*5000 D*5000",
					    .found = second_waits_too};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vma_locks); i++)
		assert_true(world_sweep(&vma_locks[i], &race));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(munmap_of_the_neighbour_goes_past),
		cmocka_unit_test(after_a_fallback_all_is_under_mmap_lock),
		cmocka_unit_test(mprotect_of_the_same_vma_stops_others),
		cmocka_unit_test(a_fault_fills_behind_the_zap),
		cmocka_unit_test(no_page_is_freed_before_the_flush),
		cmocka_unit_test(two_gathers_of_one_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
