/* SPDX-License-Identifier: MIT */
/*
 * What tasks of a scenario do: the calls that they make, in which order and where. The program
 * stands in front of the library's calls and keeps them.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/run_workload.h"

#define CALLS_MAX 40000

enum call_kind { CALL_MMAP, CALL_MUNMAP, CALL_MREMAP, CALL_MADVISE, CALL_LOAD, CALL_STORE };

struct call {
	enum call_kind kind;
	const struct mmsim_task *task;
	struct mm_struct *mm;
	uint64_t addr, len;
	int64_t result;
};

/* Those of tasks are in the order in which they were begun; on the host, of one task. */
static struct call calls[CALLS_MAX];
static unsigned int nr_calls;

static struct call *note_call(enum call_kind kind, struct mm_struct *mm, uint64_t addr,
			      uint64_t len)
{
	unsigned int i = __atomic_fetch_add(&nr_calls, 1, __ATOMIC_RELAXED) % CALLS_MAX;

	calls[i] = (struct call){kind, mmsim_task_self(), mm, addr, len, 0};
	return &calls[i];
}

int64_t __real_mmsim_mmap(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot, int flags);
int64_t __wrap_mmsim_mmap(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot, int flags)
{
	struct call *call = note_call(CALL_MMAP, mm, addr, len);

	return call->result = __real_mmsim_mmap(mm, addr, len, prot, flags);
}

int __real_mmsim_munmap(struct mm_struct *mm, uint64_t addr, uint64_t len);
int __wrap_mmsim_munmap(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	struct call *call = note_call(CALL_MUNMAP, mm, addr, len);
	int result = __real_mmsim_munmap(mm, addr, len);

	call->result = result;
	return result;
}

int64_t __real_mmsim_mremap(struct mm_struct *mm, uint64_t addr, uint64_t old_len, uint64_t new_len,
			    int flags, uint64_t new_addr);
int64_t __wrap_mmsim_mremap(struct mm_struct *mm, uint64_t addr, uint64_t old_len, uint64_t new_len,
			    int flags, uint64_t new_addr)
{
	struct call *call = note_call(CALL_MREMAP, mm, addr, old_len);

	return call->result = __real_mmsim_mremap(mm, addr, old_len, new_len, flags, new_addr);
}

int __real_mmsim_madvise(struct mm_struct *mm, uint64_t addr, uint64_t len, int advice);
int __wrap_mmsim_madvise(struct mm_struct *mm, uint64_t addr, uint64_t len, int advice)
{
	struct call *call = note_call(CALL_MADVISE, mm, addr, len);
	int result = __real_mmsim_madvise(mm, addr, len, advice);

	call->result = result;
	return result;
}

enum mmsim_access __real_mmsim_load(struct mm_struct *mm, uint64_t addr, uint64_t *value);
enum mmsim_access __wrap_mmsim_load(struct mm_struct *mm, uint64_t addr, uint64_t *value)
{
	struct call *call = note_call(CALL_LOAD, mm, addr, 0);
	enum mmsim_access result = __real_mmsim_load(mm, addr, value);

	call->result = result;
	return result;
}

enum mmsim_access __real_mmsim_store(struct mm_struct *mm, uint64_t addr, uint64_t value);
enum mmsim_access __wrap_mmsim_store(struct mm_struct *mm, uint64_t addr, uint64_t value)
{
	struct call *call = note_call(CALL_STORE, mm, addr, 0);
	enum mmsim_access result = __real_mmsim_store(mm, addr, value);

	call->result = result;
	return result;
}

static const struct how as_it_is;

/* Run a text, and keep only its calls. */
static void run(const char *text, const struct how *how)
{
	nr_calls = 0;
	run_fine(text, how);
	assert_true(nr_calls < CALLS_MAX);
}

#define P "[process p]\n"
#define ONE_VMA(pages) P "[vma v]\nsize = " #pages "\n"

static unsigned int count_calls(enum call_kind kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr_calls; i++)
		n += calls[i].kind == kind;
	return n;
}

/* The pages that were stored to, one after another, counted from the lowest VMA on. */
static unsigned int stores(uint64_t *pages, unsigned int max)
{
	uint64_t base = UINT64_MAX;
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr_calls; i++)
		if (calls[i].kind == CALL_MMAP && calls[i].addr < base)
			base = calls[i].addr;
	for (unsigned int i = 0; i < nr_calls && n < max; i++)
		if (calls[i].kind == CALL_STORE) {
			assert_int_equal(calls[i].addr % SIM_PAGE_SIZE, 0);
			pages[n++] = (calls[i].addr - base) / SIM_PAGE_SIZE;
		}
	return n;
}

#define CHECK_STORES(...)                                                                          \
	check_stores((const uint64_t[]){__VA_ARGS__},                                              \
		     sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void check_stores(const uint64_t *expected, unsigned int nr)
{
	uint64_t pages[64];

	assert_int_equal(stores(pages, 64), nr);
	assert_memory_equal(pages, expected, nr * sizeof(*expected));
}

/* ---- choices ---- */

static void weights_share(void **state)
{
	static const char text[] = ONE_VMA(4k) "[task t]\nloops = 10000\nscript =\n"
					       "\tweight 3 w v\n\tweight 1 r v\n"
					       "\tweight 4 madvise v all NORMAL\n";
	(void)state;
	run(text, &as_it_is);
	assert_int_equal(done(0, OP_W) + done(0, OP_R) + done(0, OP_MADVISE), 10000);
	/* 4 standard errors: 48, 33 and 50. */
	assert_in_range(done(0, OP_W), 3750 - 194, 3750 + 194);
	assert_in_range(done(0, OP_R), 1250 - 133, 1250 + 133);
	assert_int_equal(done(0, OP_W), count_calls(CALL_STORE));
	assert_int_equal(ran.group[0].loops, 10000);
	assert_int_equal(ran.group[0].op[OP_W]->latency_ns.count, done(0, OP_W));
	/* From now on, for this seed. */
	assert_int_equal(done(0, OP_W), 3739);
	assert_int_equal(done(0, OP_R), 1251);
}

static void percents_are_of_a_hundred(void **state)
{
	static const char text[] = ONE_VMA(4k) "[task t]\nloops = 10000\nscript =\n"
					       "\t30% w v\n\t0% r v\n\t100% madvise v all NORMAL\n"
					       "\t0.5% munmap 0 1\n";
	(void)state;
	run(text, &as_it_is);
	assert_in_range(done(0, OP_W), 3000 - 183, 3000 + 183);
	assert_int_equal(done(0, OP_R), 0);
	assert_int_equal(done(0, OP_MADVISE), 10000);
	assert_in_range(done(0, OP_MUNMAP), 50 - 28, 50 + 28);
	/* Drawn once for all repeats. */
	run(ONE_VMA(4k) "[task t]\nloops = 1000\nscript = 50% 8x w v\n", &as_it_is);
	assert_int_equal(done(0, OP_W) % 8, 0);
	assert_in_range(done(0, OP_W), 8 * (500 - 64), 8 * (500 + 64));
}

static void repeats_are_drawn(void **state)
{
	(void)state;
	run(ONE_VMA(4k) "[task t]\nloops = 3\nscript =\n\t16x w v\n\t0x r v\n", &as_it_is);
	assert_int_equal(done(0, OP_W), 48);
	assert_int_equal(done(0, OP_R), 0);
	run(ONE_VMA(4k) "[task t]\nloops = 1000\nscript = uniform(1,5)x w v\n", &as_it_is);
	assert_in_range(done(0, OP_W), 3000 - 180, 3000 + 180);
	run(ONE_VMA(4k) "[task t]\nloops = 5\nscript = 3x do s\n"
			"[script s]\nscript =\n\t2x w v\n\tr v\n",
	    &as_it_is);
	assert_int_equal(done(0, OP_W), 30);
	assert_int_equal(done(0, OP_R), 15);
	assert_null(ran.group[0].op[OP_DO]);
}

/* ---- places ---- */

static void next_goes_on(void **state)
{
	(void)state;
	run(ONE_VMA(12k) "[task t]\nscript = 7x w v+next\n", &as_it_is);
	CHECK_STORES(0, 1, 2, 0, 1, 2, 0);
	/* What does not fit begins anew; each task has its own next. */
	run(ONE_VMA(32k) "[task t]\nscript =\n\t2x madvise v+next 3 NORMAL\n\tw v+next\n"
			 "\tmadvise v+next 3 NORMAL\n\tw v+next\n\tmadvise v+next 9 NORMAL\n"
			 "\tw v+next\n[task u]\nafter = t\nscript = w v+next\n",
	    &as_it_is);
	CHECK_STORES(6, 3, 0, 0);
}

static void start_and_end_are_fixed(void **state)
{
	(void)state;
	run(ONE_VMA(32k) "[task t]\nscript =\n\tw v\n\tw v+start\n\tw v+2\n\tw v+end-4k\n"
			 "\tw v+8k\n\tw v+end-8k\n",
	    &as_it_is);
	CHECK_STORES(0, 0, 2, 7, 2, 6);
	run(P "[vma v]\nsize = 8k\ncount = 3\ngap = 4k\n[task t]\ncount = 2\nscript =\n"
	      "\tw v#0\n\tw v#2+end-4k\n\t4x w v#next+1\n[task u]\nafter = t\nscript = w v#task\n",
	    &(struct how){.once = true});
	assert_int_equal(count_calls(CALL_STORE), 13);
	run(P "[vma v]\nsize = 8k\ncount = 3\ngap = 4k\n[task t]\nscript =\n\tw v#0\n"
	      "\tw v#2+end-4k\n\t4x w v#next+1\n\tw v#task\n",
	    &as_it_is);
	CHECK_STORES(0, 7, 1, 4, 7, 1, 0);
}

static void each_task_has_its_own(void **state)
{
	unsigned int per_vma[3] = {0};

	(void)state;
	run(P "[vma v]\nsize = 4k\ncount = 3\ngap = 0\n[task t]\ncount = 7\nloops = 2\n"
	      "script = w v#task\n",
	    &as_it_is);
	for (unsigned int i = 0; i < nr_calls; i++)
		if (calls[i].kind == CALL_STORE)
			per_vma[(calls[i].addr - calls[0].addr) / SIM_PAGE_SIZE]++;
	assert_int_equal(per_vma[0], 6);
	assert_int_equal(per_vma[1], 4);
	assert_int_equal(per_vma[2], 4);
}

/* Counts of the pages stored to. */
static void count_pages(unsigned int *count, unsigned int nr)
{
	static uint64_t pages[CALLS_MAX];
	unsigned int n = stores(pages, CALLS_MAX);

	memset(count, 0, nr * sizeof(*count));
	for (unsigned int i = 0; i < n; i++) {
		assert_in_range(pages[i], 0, nr - 1);
		count[pages[i]]++;
	}
}

static void random_is_everywhere(void **state)
{
	unsigned int count[16];

	(void)state;
	run(ONE_VMA(64k) "[task t]\nscript = 16000x w v+random\n", &as_it_is);
	count_pages(count, 16);
	for (int i = 0; i < 16; i++)
		assert_in_range(count[i], 1000 - 123, 1000 + 123);
	run(P "[vma v]\nsize = 8k\ncount = 8\ngap = 0\n[task t]\n"
	      "script = 16000x w v#random+random\n",
	    &as_it_is);
	count_pages(count, 16);
	for (int i = 0; i < 16; i++)
		assert_in_range(count[i], 1000 - 123, 1000 + 123);
}

/* So that the length fits, in the VMA and of whole pages. */
static void lengths_fit(void **state)
{
	bool first = false, last = false;

	(void)state;
	run(ONE_VMA(64k) "[task t]\nscript = 2000x madvise v+random uniform(0x1,0x8000) NORMAL\n",
	    &as_it_is);
	for (unsigned int i = 1; i < nr_calls; i++) {
		uint64_t offset = calls[i].addr - calls[0].addr;

		assert_int_equal(calls[i].len % SIM_PAGE_SIZE, 0);
		assert_int_equal(offset % SIM_PAGE_SIZE, 0);
		assert_in_range(calls[i].len, 4096, 32768);
		assert_true(offset + calls[i].len <= 65536);
		first |= !offset;
		last |= offset + calls[i].len == 65536;
	}
	assert_true(first && last);
	/* More than there is, all of it, and a length that is a constant is left as it is. */
	run(ONE_VMA(64k) "[task t]\nscript =\n\tmadvise v+random 128k NORMAL\n"
			 "\tmadvise v all NORMAL\n\tmadvise v+random 0x7 NORMAL\n"
			 "\tmadvise v+random exp(0xffffffffffffffff) NORMAL\n",
	    &as_it_is);
	assert_int_equal(calls[1].addr, calls[0].addr);
	assert_int_equal(calls[1].len, 131072);
	assert_int_equal(calls[2].len, 65536);
	assert_int_equal(calls[3].len, 7);
	assert_int_equal(calls[4].addr, calls[0].addr);
}

static void hot_is_hot(void **state)
{
	unsigned int count[20], hot;

	(void)state;
	run(ONE_VMA(80k) "[task t]\nscript = 20000x w v+hot(90,10)\n", &as_it_is);
	count_pages(count, 20);
	hot = count[0] + count[1];
	assert_in_range(hot, 18000 - 170, 18000 + 170);
	assert_in_range(count[0], 9000 - 290, 9000 + 290);
	for (int i = 2; i < 20; i++)
		assert_in_range(count[i], 111 - 43, 111 + 43);
	/* Of fewer pages than hundredths one is hot; of one, that. */
	run(ONE_VMA(8k) "[task t]\nscript = 1000x w v+hot(100,1)\n", &as_it_is);
	count_pages(count, 2);
	assert_int_equal(count[1], 0);
	run(ONE_VMA(8k) "[task t]\nscript = 1000x w v+hot(0,1)\n", &as_it_is);
	count_pages(count, 2);
	assert_int_equal(count[0], 0);
	run(ONE_VMA(4k) "[task t]\nscript = 1000x w v+hot(0,99)\n", &as_it_is);
	count_pages(count, 1);
}

/* ---- names of results ---- */

static void as_is_where_it_was_mapped(void **state)
{
	(void)state;
	run(P "[task t]\nloops = 3\nscript =\n\tmmap any 16k rw p as b\n\t2x w b+next\n"
	      "\tw b+end-4k\n\tmunmap b all\n",
	    &as_it_is);
	assert_int_equal(nr_calls, 15);
	for (int i = 0; i < 15; i += 5) {
		assert_true(calls[i].result > 0);
		/* next begins anew with each. */
		assert_int_equal(calls[i + 1].addr, calls[i].result);
		assert_int_equal(calls[i + 2].addr, calls[i].result + 4096);
		assert_int_equal(calls[i + 3].addr, calls[i].result + 3 * 4096);
		assert_int_equal(calls[i + 4].addr, calls[i].result);
		assert_int_equal(calls[i + 4].len, 16384);
	}
	assert_int_equal(failed(0, OP_W), 0);
}

static void a_failed_mmap_is_nowhere(void **state)
{
	(void)state;
	run(P
	    "[task t]\nscript =\n\tw b\n\tmmap any 4 rw p as b\n\tw b\n\tmmap any 128t rw p as b\n"
	    "\tw b\n\tmunmap b all\n\tmmap any 4k rw p as b\n\tw b\n",
	    &as_it_is);
	assert_int_equal(done(0, OP_W), 4);
	assert_int_equal(failed(0, OP_W), 2);
	assert_int_equal(failed(0, OP_MMAP), 1);
	assert_int_equal(failed(0, OP_MUNMAP), 1);
	/* What has no place is not done. */
	assert_int_equal(count_calls(CALL_STORE), 2);
}

static void mremap_moves_a_name(void **state)
{
	(void)state;
	run(ONE_VMA(64k) "[vma w]\nsize = 64k\nmapped = no\n"
			 "[task t]\nscript =\n\tmmap any 16k rw p as b\n"
			 "\tmremap b all 32k to w+16k as b\n\tw b+end-4k\n"
			 "\tmremap b all 0xffffffffffff maymove as b\n\tw b\n\tmunmap b all\n",
	    &as_it_is);
	assert_int_equal(calls[3].addr, calls[2].result + 7 * 4096);
	assert_true(calls[4].result < 0);
	assert_int_equal(calls[5].addr, calls[2].result);
	assert_int_equal(calls[6].len, 8 * 4096);
	assert_int_equal(failed(0, OP_W), 0);
	assert_int_equal(failed(0, OP_MREMAP), 1);
}

/* Each task has what the setup of its process named, and its own from then on. */
static void names_of_a_setup_are_every_tasks(void **state)
{
	(void)state;
	run(P "setup =\n\tmmap any 16k rw p as b\n\tweight 1 w b\n\tweight 1 r b\n[process q]\n"
	      "[task t]\nprocess = p\nscript =\n\tw b+1\n\tmmap any 4k rw p as b\n\tw b\n"
	      "[task u]\nprocess = p\nafter = t\nscript = w b+3\n"
	      "[task v]\nprocess = q\nscript = w b\n",
	    &as_it_is);
	/* Two of the setup, of which one of the weights; three of t, one of u, none of v. */
	assert_int_equal(nr_calls, 6);
	assert_int_equal(calls[2].addr, calls[0].result + 4096);
	assert_int_equal(calls[4].addr, calls[3].result);
	assert_int_equal(calls[5].addr, calls[0].result + 3 * 4096);
	assert_int_equal(failed(0, OP_W) + failed(1, OP_W), 0);
	assert_int_equal(failed(2, OP_W), 1);
}

/* ---- the same in every variant ---- */

static const char variants[] =
	"[global]\nmemory = 4m\n" P "[vma v]\nsize = 1m\ntouch = 10\n[vma u]\nsize = 64k\n"
	"count = 4\n[task a]\ncount = 3\nloops = 20\nscript =\n\t30% w v+random\n"
	"\tweight 2 w u#random+random\n\tweight 1 madvise u#random+random oneof(4k,16k) DONTNEED\n"
	"\texp(3)x r v+hot(80,20)\n[task b]\nloops = 30\nscript =\n\tmprotect u#next all r\n"
	"\tmprotect u#next all rw\n\tw v+next\n";

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One number for all that each task did, in its order; sorted. Returns how many tasks. */
static unsigned int sum_up(uint64_t *sums, unsigned int max)
{
	const struct mmsim_task *task[16];
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr_calls; i++) {
		unsigned int t = 0;

		while (t < n && task[t] != calls[i].task)
			t++;
		assert_in_range(t, 0, max - 1);
		if (t == n) {
			task[n] = calls[i].task;
			sums[n++] = 1;
		}
		sums[t] = (sums[t] ^ calls[i].kind ^ calls[i].addr ^ calls[i].len << 40) *
			  UINT64_C(0x9e3779b97f4a7c15);
		sums[t] ^= sums[t] >> 31;
	}
	qsort(sums, n, sizeof(*sums), ascending);
	return n;
}

/* Whatever the kernel and the schedule are, tasks do the same: what is compared is how long. */
static void variants_do_the_same(void **state)
{
	static const struct how hows[] = {
		{.kernel = "6.1"},
		{.kernel = "6.18"},
		{.kernel = "6.4"},
		{.kernel = "6.18", .host = true},
	};
	uint64_t first[16], sums[16], counts[NR_SIM_OPS][2];

	(void)state;
	for (size_t i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
		run(variants, &hows[i]);
		/* Of main, which made the VMAs, and four tasks. */
		assert_int_equal(sum_up(i ? sums : first, 16), 5);
		for (unsigned int t = 0; t < 2; t++)
			for (int k = 0; k < NR_SIM_OPS; k++) {
				if (!i)
					counts[k][t] = done(t, (enum op_kind)k);
				assert_int_equal(done(t, (enum op_kind)k), counts[k][t]);
			}
		if (i)
			assert_memory_equal(first, sums, 5 * sizeof(*sums));
	}
	/* And something else with another seed. */
	run(variants, &(struct how){.kernel = "6.18", .seed = 2});
	assert_int_equal(sum_up(sums, 16), 5);
	assert_memory_not_equal(first, sums, 5 * sizeof(*sums));
}

/* ---- VMAs ---- */

static void touch_is_a_share(void **state)
{
	uint64_t pages[600];

	(void)state;
	run("[global]\nmemory = 4m\n" ONE_VMA(400k) "touch = 100\n[task t]\nscript = compute 0\n",
	    &as_it_is);
	assert_int_equal(stores(pages, 600), 100);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(pages[i], i);
	run("[global]\nmemory = 4m\n" ONE_VMA(400k) "touch = 33\n[task t]\nscript = compute 0\n",
	    &as_it_is);
	assert_int_equal(stores(pages, 600), 33);
	/* Evenly: each the first page by which its share is reached. */
	for (unsigned int i = 0; i < 33; i++)
		assert_int_equal(pages[i], ((i + 1) * 100 + 32) / 33 - 1);
	run(ONE_VMA(400k) "[task t]\nscript = compute 0\n", &as_it_is);
	assert_int_equal(stores(pages, 600), 0);
	run(ONE_VMA(8k) "touch = 49\n[task t]\nscript = compute 0\n", &as_it_is);
	assert_int_equal(stores(pages, 600), 0);
	run(P "[vma v]\nsize = 8k\ncount = 3\ntouch = 50\n[task t]\nscript = compute 0\n",
	    &as_it_is);
	CHECK_STORES(1, 4, 7);
}

static void neighbours_merge_without_a_gap(void **state)
{
	(void)state;
	run(P "[vma v]\nsize = 8k\ncount = 9\ngap = 0\n[task t]\nscript = r v#8\n", &as_it_is);
	assert_int_equal(ran.vmas, 1);
	run(P "[vma v]\nsize = 8k\ncount = 9\n[vma u]\nsize = 4k\n[task t]\nscript = r v#8\n",
	    &as_it_is);
	assert_int_equal(ran.vmas, 10);
	run(P "[vma v]\nsize = 8k\ncount = 2\nmapped = no\n[task t]\nscript =\n\tr v#0\n"
	      "\tmmap v#1 all rw pe\n\tr v#1\n",
	    &as_it_is);
	assert_int_equal(ran.vmas, 0);
	assert_int_equal(failed(0, OP_R), 1);
	assert_int_equal(failed(0, OP_MMAP), 0);
}

/* By another VMA; what begins anywhere goes out of the way of all that is placed by it. */
static void places_are_kept(void **state)
{
	uint64_t v, u;

	(void)state;
	run(P
	    "[vma v]\nsize = 1m\ncount = 2\ngap = 4k\n[vma u]\nsize = 4k\n"
	    "[vma behind]\nsize = 32m\nat = v#1+end+64k\n[vma before]\nsize = 16m\n"
	    "at = v#0-16m\nprot = r\n[task t]\nscript =\n\tr v#0\n\tr u\n\tr behind\n\tr before\n",
	    &as_it_is);
	assert_int_equal(nr_calls, 9);
	v = calls[5].addr;
	u = calls[6].addr;
	assert_int_equal(v % (2 << 20), 0);
	assert_int_equal(u % (2 << 20), 0);
	assert_int_equal(calls[7].addr, v + (2 << 20) + 4096 + 65536);
	assert_int_equal(calls[8].addr, v - (16 << 20));
	assert_true(u > calls[7].addr + (32 << 20) || u < calls[8].addr);
}

static void what_does_not_fit_is_said(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{P "[vma v]\nsize = 200t\n[task t]\nscript = r v\n", "x.ini: vma v: ENOMEM"},
		{P "[vma v]\nsize = 4000000t\ncount = 100000\n[task t]\nscript = r v#1\n",
		 "x.ini: vma v: ENOMEM"},
		{P "[vma u]\nsize = 60t\n[vma v]\nsize = 60t\n[task t]\nscript = r v\n",
		 "x.ini: vma v: ENOMEM"},
		{P "[vma u]\nsize = 4k\n[vma v]\nsize = 4k\nat = u+start-1000000t\n"
		   "[task t]\nscript = r v\n",
		 "x.ini: vma v: ENOMEM"},
		{P "[vma u]\nsize = 4k\n[vma v]\nsize = 4k\nat = u\n[task t]\nscript = r v\n",
		 "x.ini: vma v: EEXIST"},
		{P "[vma v]\nsize = 4m\ntouch = 100\n[task t]\nscript = r v\n",
		 "x.ini: memory = SIZE is too small for vma v: ENOMEM"},
		{P "setup = munmap 0 0\n[task t]\nscript = r 0\n",
		 "x.ini:2: expected a setup that succeeds, got EINVAL: munmap 0 0"},
		{P "setup = w b\n[task t]\nscript = mmap any 1 rw p as b\n",
		 "x.ini:2: expected a setup that succeeds, got EFAULT: w b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_true(run_text(wrong[i].text, &as_it_is) < 0);
		assert_string_equal(ran.why, wrong[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_share),
		cmocka_unit_test(percents_are_of_a_hundred),
		cmocka_unit_test(repeats_are_drawn),
		cmocka_unit_test(next_goes_on),
		cmocka_unit_test(start_and_end_are_fixed),
		cmocka_unit_test(each_task_has_its_own),
		cmocka_unit_test(random_is_everywhere),
		cmocka_unit_test(lengths_fit),
		cmocka_unit_test(hot_is_hot),
		cmocka_unit_test(as_is_where_it_was_mapped),
		cmocka_unit_test(a_failed_mmap_is_nowhere),
		cmocka_unit_test(mremap_moves_a_name),
		cmocka_unit_test(names_of_a_setup_are_every_tasks),
		cmocka_unit_test(variants_do_the_same),
		cmocka_unit_test(touch_is_a_share),
		cmocka_unit_test(neighbours_merge_without_a_gap),
		cmocka_unit_test(places_are_kept),
		cmocka_unit_test(what_does_not_fit_is_said),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);

	workload_result_free(&ran);
	return failures;
}
