/* SPDX-License-Identifier: MIT */
/*
 * Print a random operation list, the same one for the same arguments on every machine.
 *
 * usage: kernel_generate LEVEL SEED [NR_OPS]
 *
 * What is drawn leans to where the rules of VMAs are hard: ranges that begin or end where a VMA
 * does, short ones, protections that make neighbours equal again, stores to the page that was
 * touched last. For that the lists are drawn along a rough picture of the window; it need not be
 * right, as the kernel that does the list is asked what really happens.
 *
 * Left out: advices that depend on how the kernel was configured (huge pages, KSM) or that hurt the
 * machine (HWPOISON), PROT_EXEC alone (a protection key on some processors), PAGEOUT (needs swap).
 */
#define _GNU_SOURCE 1
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_MAX 64
#define PROCESSES_MAX 8 /* that a list may make */
#define ALIVE_MAX 4

/* A word and how often it is drawn; a table ends with a NULL word. */
struct choice {
	const char *word;
	unsigned int weight;
};

enum kind { MMAP, MUNMAP, MPROTECT, MLOCK, MUNLOCK, MADVISE, MREMAP, R, W, FORK, EXIT, NR_KINDS };

struct level {
	const char *name;
	unsigned int kinds[NR_KINDS]; /* how often each is drawn */
	const struct choice *flags, *advices;
	unsigned int odd; /* of 1000 ranges, how many not in whole pages */
};

/* clang-format off */
static const struct choice prots[] = {
	{"rw", 66}, {"r", 22}, {"none", 7}, {"rx", 4}, {"rwx", 1}, {NULL, 0},
};

static const struct choice vma_flags[] = {{"p", 84}, {"pe", 11}, {"pn", 3}, {"pen", 2}, {NULL, 0}};
static const struct choice anon_flags[] = {{"p", 82}, {"pe", 9}, {"pP", 6}, {"pn", 3}, {NULL, 0}};
static const struct choice guard_flags[] = {
	{"p", 80}, {"pn", 10}, {"pe", 4}, {"pel", 3}, {"pl", 3}, {NULL, 0},
};
static const struct choice mremap_flags[] = {
	{"p", 92}, {"pe", 4}, {"pn", 2}, {"pen", 2}, {NULL, 0},
};
static const struct choice more_flags[] = {
	{"p", 64}, {"pe", 6}, {"pn", 6}, {"pP", 8}, {"pl", 4}, {"pen", 2}, {"peP", 2}, {"pel", 2},
	{"pnP", 2}, {"pnl", 2}, {"pPl", 1}, {"penPl", 1}, {NULL, 0},
};

static const struct choice vma_advices[] = {
	{"NORMAL", 9}, {"DODUMP", 9}, {"WIPEONFORK", 8}, {"DONTFORK", 8}, {"DONTDUMP", 7},
	{"SEQUENTIAL", 6}, {"KEEPONFORK", 6}, {"RANDOM", 5}, {"DOFORK", 6}, {NULL, 0},
};
static const struct choice anon_advices[] = {
	{"DONTNEED", 12}, {"FREE", 10}, {"POPULATE_WRITE", 6}, {"POPULATE_READ", 6},
	{"WILLNEED", 4}, {"SEQUENTIAL", 4}, {"COLD", 4}, {"DONTFORK", 3}, {"DOFORK", 3},
	{"RANDOM", 2}, {"NORMAL", 2}, {"WIPEONFORK", 1}, {"KEEPONFORK", 1}, {"DONTDUMP", 1},
	{"DODUMP", 1}, {NULL, 0},
};
static const struct choice guard_advices[] = {
	{"GUARD_INSTALL", 18}, {"GUARD_REMOVE", 11}, {"DONTNEED_LOCKED", 14}, {"DONTNEED", 13},
	{"WILLNEED", 4}, {"POPULATE_READ", 4}, {"POPULATE_WRITE", 3}, {"FREE", 3}, {"COLD", 3},
	{NULL, 0},
};
static const struct choice mremap_advices[] = {
	{"POPULATE_READ", 7}, {"FREE", 6}, {"DONTNEED", 6}, {"COLD", 5}, {"POPULATE_WRITE", 3},
	{NULL, 0},
};
static const struct choice fork_advices[] = {
	{"DONTNEED", 12}, {"FREE", 6}, {"POPULATE_WRITE", 6}, {"POPULATE_READ", 4},
	{"WILLNEED", 2}, {"COLD", 2}, {"DONTFORK", 6}, {"DOFORK", 5}, {"WIPEONFORK", 5},
	{"KEEPONFORK", 4}, {"GUARD_INSTALL", 3}, {"GUARD_REMOVE", 2}, {NULL, 0},
};
static const struct choice more_advices[] = {
	{"DONTNEED", 6}, {"FREE", 6}, {"POPULATE_WRITE", 4}, {"POPULATE_READ", 4}, {"WILLNEED", 2},
	{"COLD", 2}, {"DONTNEED_LOCKED", 5}, {"GUARD_INSTALL", 8}, {"GUARD_REMOVE", 5},
	{"NORMAL", 2}, {"RANDOM", 2}, {"SEQUENTIAL", 2}, {"DONTFORK", 2}, {"DOFORK", 2},
	{"DONTDUMP", 2}, {"DODUMP", 2}, {"WIPEONFORK", 2}, {"KEEPONFORK", 2}, {"REMOVE", 1},
	{"7", 1}, {NULL, 0},
};

/*            mmap munmap mprotect mlock munlock madvise mremap r w fork exit */
static const struct level levels[] = {
	{"vma",    {28, 16, 35, 0, 0, 21, 0, 0, 0}, vma_flags, vma_advices, 0},
	{"anon",   {23, 6, 17, 0, 0, 20, 0, 13, 21}, anon_flags, anon_advices, 0},
	{"guard",  {19, 6, 14, 5, 6, 24, 0, 8, 18}, guard_flags, guard_advices, 0},
	{"mremap", {22, 4, 13, 0, 0, 9, 25, 8, 19}, mremap_flags, mremap_advices, 0},
	{"more",   {17, 5, 16, 4, 4, 18, 16, 7, 13}, more_flags, more_advices, 20},
	{"fork",   {12, 5, 13, 1, 1, 15, 4, 13, 31, 8, 3}, anon_flags, fork_advices, 0},
};
/* clang-format on */
#define NR_LEVELS (sizeof(levels) / sizeof(*levels))

/* The list that is being drawn. */
static const struct level *level;
static uint64_t random_state, seed;
static unsigned int window; /* its pages in use: the first ones */
static unsigned int pictures[PROCESSES_MAX][PAGES_MAX];
static unsigned int *picture; /* 0 no VMA, else equal for pages that may share one */
static bool alive[PROCESSES_MAX] = {true};
static unsigned int pid, nr_processes = 1; /* whose turn it is; made so far */
static unsigned int last_touched;
static uint64_t next_value;

/* ---- drawing ---- */

/* SplitMix64, by Sebastiano Vigna, in the public domain. */
static uint64_t draw64(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* From 0 to @n - 1; the last bits' unevenness does not matter here. */
static unsigned int draw(unsigned int n)
{
	return (unsigned int)((draw64() >> 32) * n >> 32);
}

static bool percent(unsigned int p)
{
	return draw(100) < p;
}

/* An index into @weights, as often as its weight says. */
static unsigned int draw_weighted(const unsigned int *weights, unsigned int nr)
{
	unsigned int sum = 0, at;

	for (unsigned int i = 0; i < nr; i++)
		sum += weights[i];
	at = draw(sum);
	for (unsigned int i = 0;; i++) {
		if (at < weights[i])
			return i;
		at -= weights[i];
	}
}

static const char *draw_word(const struct choice *choices)
{
	unsigned int sum = 0, at;

	for (const struct choice *c = choices; c->word; c++)
		sum += c->weight;
	at = draw(sum);
	for (; at >= choices->weight; choices++)
		at -= choices->weight;
	return choices->word;
}

/* ---- ranges ---- */

struct range {
	unsigned int start, len;
};

/* Whether a VMA may begin at @page, or a hole. */
static bool is_border(unsigned int page)
{
	return !page || picture[page] != picture[page - 1];
}

/* A page: mostly of a VMA, and mostly its first one. */
static unsigned int draw_page(bool want_vma)
{
	bool want_border = percent(60);
	unsigned int page = draw(window);

	for (int tries = 0; tries < 40; tries++, page = draw(window)) {
		if (want_vma && !picture[page])
			continue;
		if (want_border && !is_border(page))
			continue;
		break;
	}
	return page;
}

/* Pages from @start to the next border. */
static unsigned int to_border(unsigned int start)
{
	unsigned int page = start + 1;

	while (page < window && !is_border(page))
		page++;
	return page - start;
}

static unsigned int draw_len(unsigned int start)
{
	static const unsigned int weights[] = {30, 22, 14, 12, 6, 8, 2, 6};
	unsigned int rest = window - start, len;

	if (percent(2) && percent(50))
		return 0;
	if (percent(3))
		len = 1 + draw(rest);
	else if (percent(30))
		len = to_border(start);
	else
		len = 1 + draw_weighted(weights, 8);
	return len > rest ? rest : len;
}

static struct range draw_range(bool want_vma)
{
	struct range range = {.start = draw_page(want_vma)};

	range.len = draw_len(range.start);
	return range;
}

/* In pages; or at times in bytes, where the kernel rounds up a length but takes no such start. */
static void print_range(const struct range *range)
{
	uint64_t start = UINT64_C(0x100000000000) + range->start * UINT64_C(4096);

	if (!range->len || draw(1000) >= level->odd)
		printf(" %u %u", range->start, range->len);
	else if (percent(25))
		printf(" 0x%llx %u", (unsigned long long)start + 1 + draw(4095), range->len - 1);
	else
		printf(" %u 0x%x", range->start, (range->len - 1) * 4096 + 1 + draw(4096));
}

/* ---- the picture ---- */

static void paint(const struct range *range, unsigned int colour)
{
	for (unsigned int i = 0; i < range->len; i++)
		picture[range->start + i] = colour;
}

/* A colour for a protection; advices with an effect on the VMA add to it. */
static unsigned int colour_of(const char *prot)
{
	unsigned int i = 0;

	while (strcmp(prots[i].word, prot))
		i++;
	return i + 1;
}

/* Whether there is something in the whole range. */
static bool is_painted(const struct range *range)
{
	for (unsigned int i = 0; i < range->len; i++)
		if (!picture[range->start + i])
			return false;
	return true;
}

/* ---- operations ---- */

static void op_mmap(void)
{
	struct range range = draw_range(percent(50));
	const char *prot = draw_word(prots), *flags = draw_word(level->flags);

	/* MAP_FIXED_NOREPLACE over something is one refusal like the other: mostly into a hole. */
	if (strchr(flags, 'e') && percent(50))
		for (int tries = 0; tries < 20 && picture[range.start]; tries++)
			range = (struct range){draw(window), 1};
	printf("%u mmap", pid);
	print_range(&range);
	printf(" %s %s\n", prot, flags);
	if (!strchr(flags, 'e') || !is_painted(&range))
		paint(&range, colour_of(prot) + (strchr(flags, 'n') ? 100 : 0));
}

static void op_munmap(void)
{
	struct range range = draw_range(percent(80));

	printf("%u munmap", pid);
	print_range(&range);
	putchar('\n');
	paint(&range, 0);
}

static void op_mprotect(void)
{
	struct range range = draw_range(percent(92));
	const char *prot = draw_word(prots);

	printf("%u mprotect", pid);
	print_range(&range);
	printf(" %s\n", prot);
	for (unsigned int i = 0; i < range.len && picture[range.start + i]; i++)
		picture[range.start + i] = picture[range.start + i] / 100 * 100 + colour_of(prot);
}

static void op_lock(const char *name)
{
	struct range range = draw_range(percent(90));

	printf("%u %s", pid, name);
	print_range(&range);
	putchar('\n');
}

static void op_madvise(void)
{
	struct range range = draw_range(percent(92));
	const char *advice = draw_word(level->advices);

	/* Guards one page at a time, else nothing is left to do other things with. */
	if (!strcmp(advice, "GUARD_INSTALL") && range.len > 2 && percent(60))
		range.len = 1 + draw(2);
	printf("%u madvise", pid);
	print_range(&range);
	printf(" %s\n", advice);
}

/* Into the window, and mostly not onto itself. */
static struct range draw_target(const struct range *old, unsigned int len)
{
	struct range to = {.start = draw_page(percent(40)), .len = len};

	for (int tries = 0; tries < 10; tries++) {
		bool overlaps = to.start < old->start + old->len && old->start < to.start + len;

		if (to.start + len <= window && !overlaps)
			break;
		to.start = draw(window);
	}
	if (to.start + len > window)
		to.start = window - len;
	return to;
}

static unsigned int draw_new_len(const struct range *old)
{
	unsigned int len = old->len, rest = window - old->start;

	if (percent(50))
		return len;
	len = percent(50) ? 1 + draw(len ? len : 1) : len + 1 + draw(4);
	return len > rest ? rest : len;
}

static void move_picture(const struct range *old, const struct range *to, bool keep)
{
	unsigned int colours[PAGES_MAX];

	memcpy(colours, picture, sizeof(colours));
	if (!keep)
		paint(old, 0);
	for (unsigned int i = 0; i < to->len; i++)
		picture[to->start + i] = colours[old->start + (i < old->len ? i : 0)];
}

static void op_mremap(void)
{
	static const unsigned int ways[] = {28, 55, 17}; /* in place, to, dontunmap */
	struct range old = draw_range(percent(95)), to;
	unsigned int way = draw_weighted(ways, 3);

	/* Several VMAs are one case, and one of several VMAs' lengths is refused. */
	if (old.len > to_border(old.start) && percent(70))
		old.len = to_border(old.start);
	to = (struct range){old.start, way == 2 ? old.len : draw_new_len(&old)};
	if (!way) {
		printf("%u mremap %u %u %u inplace\n", pid, old.start, old.len, to.len);
		return;
	}
	to = draw_target(&old, to.len);
	printf("%u mremap %u %u %u %s %u\n", pid, old.start, old.len, to.len,
	       way == 2 ? "dontunmap" : "to", to.start);
	if (old.len && is_painted(&old))
		move_picture(&old, &to, way == 2);
}

static void op_touch(bool store)
{
	if (percent(55) || !picture[last_touched])
		last_touched = draw_page(percent(95));
	if (store)
		printf("%u w %u %llu\n", pid, last_touched, (unsigned long long)next_value++);
	else
		printf("%u r %u\n", pid, last_touched);
}

static unsigned int count_alive(void)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < PROCESSES_MAX; i++)
		nr += alive[i];
	return nr;
}

/* Whose turn it is: mostly who had the last. */
static void draw_process(void)
{
	while (!alive[pid] || percent(35)) {
		pid = draw(nr_processes);
		if (alive[pid])
			break;
	}
	picture = pictures[pid];
}

static void op_fork(void)
{
	if (nr_processes == PROCESSES_MAX || count_alive() == ALIVE_MAX) {
		op_touch(true);
		return;
	}
	printf("%u fork\n", pid);
	memcpy(pictures[nr_processes], picture, sizeof(pictures[0]));
	alive[nr_processes++] = true;
}

static void op_exit(void)
{
	if (count_alive() == 1) {
		op_touch(true);
		return;
	}
	printf("%u exit\n", pid);
	alive[pid] = false;
}

static void print_op(void)
{
	draw_process();
	switch (draw_weighted(level->kinds, NR_KINDS)) {
	case MMAP:
		op_mmap();
		break;
	case MUNMAP:
		op_munmap();
		break;
	case MPROTECT:
		op_mprotect();
		break;
	case MLOCK:
		op_lock("mlock");
		break;
	case MUNLOCK:
		op_lock("munlock");
		break;
	case MADVISE:
		op_madvise();
		break;
	case MREMAP:
		op_mremap();
		break;
	case R:
		op_touch(false);
		break;
	case FORK:
		op_fork();
		break;
	case EXIT:
		op_exit();
		break;
	default:
		op_touch(true);
	}
}

/* Large ones to begin with: something to cut up. */
static void print_first_op(void)
{
	struct range range = {.start = draw(window * 2 / 3)};

	range.len = window / 4 + draw(window / 4);
	if (range.start + range.len > window)
		range.len = window - range.start;
	printf("%u mmap %u %u rw p\n", pid, range.start, range.len);
	paint(&range, colour_of("rw"));
}

/* ---- all of it ---- */

static int start(const char *name)
{
	static const unsigned int windows[] = {16, 16, 24, 32, 64};

	for (unsigned int i = 0; i < NR_LEVELS; i++)
		if (!strcmp(levels[i].name, name))
			level = &levels[i];
	if (!level)
		return -1;
	random_state = seed;
	for (const char *at = name; *at; at++)
		random_state = draw64() + (unsigned char)*at;
	picture = pictures[0];
	window = windows[draw(sizeof(windows) / sizeof(*windows))];
	next_value = seed * 1000 + 1;
	return 0;
}

static int number(const char *text, uint64_t *value)
{
	char *end;

	*value = strtoull(text, &end, 10);
	return *text < '0' || *text > '9' || *end ? -1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t nr_ops = 100;

	if (argc < 3 || argc > 4 || number(argv[2], &seed) ||
	    (argc == 4 && number(argv[3], &nr_ops)) || start(argv[1])) {
		fprintf(stderr, "usage: kernel_generate LEVEL SEED [NR_OPS]; LEVEL is one of");
		for (unsigned int i = 0; i < NR_LEVELS; i++)
			fprintf(stderr, " %s", levels[i].name);
		fputc('\n', stderr);
		return 2;
	}
	printf("# level=%s seed=%llu window=%u nops=%llu\n", level->name, (unsigned long long)seed,
	       window, (unsigned long long)nr_ops);
	for (uint64_t i = 0; i < nr_ops; i++)
		i < 3 ? print_first_op() : print_op();
	return fflush(stdout) ? 2 : 0;
}
