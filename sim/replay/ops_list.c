/* SPDX-License-Identifier: MIT */
/* Operation lists; see ops_list.h. */
#define _GNU_SOURCE 1
#include "ops_list.h"
#include "../scenario/do_op.h"
#include "text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- reading ---- */

static int add_comment(struct ops_list *list, const char *line)
{
	char **more = realloc(list->comments, (list->nr_comments + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->comments = more;
	list->comments[list->nr_comments] = strdup(line);
	return list->comments[list->nr_comments++] ? 0 : -ENOMEM;
}

static int add_line(struct ops_list *list, const char *line, const char *path, unsigned int number,
		    struct sim_error *err)
{
	struct sim_op op;
	const char *what;
	int n = sim_op_parse_list(line, path, number, &op, err);

	if (n < 0)
		return n;
	if (!n)
		return *line == '#' && !list->nr ? add_comment(list, line) : 0;
	/* What cannot be done yet is said before anything is done. */
	what = sim_op_missing(&op);
	if (!what && op.pid)
		what = "a second process";
	if (what)
		return sim_error_set(err, -EOPNOTSUPP, path, number,
				     "%s: not simulated yet; expected operations of process 0 on "
				     "anonymous private memory",
				     what);
	list->ops[list->nr] = op;
	snprintf(list->text[list->nr++], SIM_OP_LINE_MAX, "%s", line);
	return 0;
}

int ops_list_load(const char *path, struct ops_list *list, struct sim_error *err)
{
	struct text_file file;
	unsigned int number = 0;
	size_t lines = 1;
	int result = text_file_read(path, &file, err);

	*list = (struct ops_list){0};
	if (result)
		return result;
	for (size_t i = 0; i < file.len; i++)
		lines += file.text[i] == '\n';
	list->ops = calloc(lines, sizeof(*list->ops));
	list->text = calloc(lines, sizeof(*list->text));
	if (!list->ops || !list->text)
		result = sim_error_set(err, -ENOMEM, path, 0, "no memory");
	for (char *line = file.text, *next; !result && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		result = add_line(list, line, path, ++number, err);
	}
	free(file.text);
	if (result)
		ops_list_free(list);
	return result;
}

void ops_list_free(struct ops_list *list)
{
	for (size_t i = 0; i < list->nr_comments; i++)
		free(list->comments[i]);
	free(list->comments);
	free(list->ops);
	free(list->text);
	*list = (struct ops_list){0};
}

/* ---- the state, as text ---- */

#define STATE_MAX 8192
#define WINDOW_END (SIM_WINDOW_BASE + SIM_WINDOW_PAGES * SIM_PAGE_SIZE)

struct state {
	char vmas[STATE_MAX];
	char pages[SIM_WINDOW_PAGES + 1];
	char hash[STATE_MAX];
};

static uint64_t page_addr(unsigned int page)
{
	return SIM_WINDOW_BASE + page * SIM_PAGE_SIZE;
}

static void print_vmas(struct mm_struct *mm, char *buf)
{
	struct mmsim_vma vma;
	uint64_t addr = SIM_WINDOW_BASE;
	int n = 0;

	*buf = '\0';
	for (; !mmsim_vma_find(mm, addr, &vma) && vma.start < WINDOW_END; addr = vma.end) {
		n += snprintf(buf + n, STATE_MAX - (size_t)n, " %llu-%llu:%c%c%cp",
			      (unsigned long long)((vma.start - SIM_WINDOW_BASE) / SIM_PAGE_SIZE),
			      (unsigned long long)((vma.end - SIM_WINDOW_BASE) / SIM_PAGE_SIZE),
			      vma.prot & PROT_READ ? 'r' : '-', vma.prot & PROT_WRITE ? 'w' : '-',
			      vma.prot & PROT_EXEC ? 'x' : '-');
		for (char *flag = strtok(vma.flags, " "); flag; flag = strtok(NULL, " "))
			n += snprintf(buf + n, STATE_MAX - (size_t)n, ",%s", flag);
	}
}

static char page_letter(enum mmsim_page page, unsigned int mapcount)
{
	switch (page) {
	case MMSIM_PAGE_NO_VMA:
		return '-';
	case MMSIM_PAGE_NONE:
		return '.';
	case MMSIM_PAGE_ZERO:
		return 'z';
	case MMSIM_PAGE_GUARD:
		return 'G';
	default:
		return mapcount == 1 ? 'x' : mapcount > 9 ? '+' : (char)('0' + mapcount);
	}
}

static uint64_t fnv1a(uint64_t hash, uint64_t value)
{
	for (int i = 0; i < 8; i++) {
		hash ^= (value >> (8 * i)) & 0xff;
		hash *= 1099511628211ull;
	}
	return hash;
}

/* The pages' letters, and a hash and list of what the readable ones hold. */
static void print_pages(struct mm_struct *mm, struct state *state)
{
	uint64_t hash = 1469598103934665603ull, value;
	char values[STATE_MAX] = "";
	int n = 0;

	for (unsigned int i = 0; i < SIM_WINDOW_PAGES; i++) {
		unsigned int mapcount;
		struct mmsim_vma vma;
		enum mmsim_page page = mmsim_page_at(mm, page_addr(i), &mapcount, &value);

		state->pages[i] = page_letter(page, mapcount);
		if ((page != MMSIM_PAGE_ZERO && page != MMSIM_PAGE_ANON) ||
		    mmsim_vma_find(mm, page_addr(i), &vma) || !(vma.prot & PROT_READ))
			continue;
		hash = fnv1a(fnv1a(hash, i), value);
		if (value)
			n += snprintf(values + n, sizeof(values) - (size_t)n, " %u=%llu", i,
				      (unsigned long long)value);
	}
	snprintf(state->hash, sizeof(state->hash), "%016llx%.*s", (unsigned long long)hash,
		 STATE_MAX - 32, values);
}

static void print_changes(struct mm_struct *mm, struct state *old, FILE *out)
{
	static struct state now;

	print_vmas(mm, now.vmas);
	print_pages(mm, &now);
	if (strcmp(now.vmas, old->vmas))
		fprintf(out, "V0%s\n", *now.vmas ? now.vmas : " ");
	if (strcmp(now.pages, old->pages) || strcmp(now.hash, old->hash))
		fprintf(out, "P0 %s\nH0 %s\n", now.pages, now.hash);
	*old = now;
}

/* ---- doing ---- */

static void print_access(enum mmsim_access access, bool load, uint64_t value, FILE *out)
{
	static const char *const kinds[] = {
		[MMSIM_ACCESS_HIT] = "0 hit",
		[MMSIM_ACCESS_NEW] = "0 new",
		[MMSIM_ACCESS_REUSE] = "0 reuse",
		[MMSIM_ACCESS_COPY] = "0 copy",
		[MMSIM_ACCESS_MAPERR] = "SIGSEGV MAPERR",
		[MMSIM_ACCESS_ACCERR] = "SIGSEGV ACCERR",
		[MMSIM_ACCESS_OOM] = "ENOMEM",
		[MMSIM_ACCESS_KILLED] = "EINTR",
	};

	fprintf(out, "= %s", kinds[access]);
	if (load && access < MMSIM_ACCESS_MAPERR)
		fprintf(out, " val=%llu", (unsigned long long)value);
	fputc('\n', out);
}

static void do_op(struct mm_struct *mm, const struct sim_op *op, FILE *out)
{
	uint64_t value = op->value;
	int64_t result;

	if (op->kind == OP_R) {
		enum mmsim_access access = mmsim_load(mm, op->addr, &value);

		print_access(access, true, value, out);
		return;
	}
	if (op->kind == OP_W) {
		print_access(mmsim_store(mm, op->addr, value), false, 0, out);
		return;
	}
	result = sim_do_call(mm, op);
	fprintf(out, "= %s\n", result < 0 ? sim_errno_name((int)-result) : "0");
}

int ops_list_run(struct mmsim *sim, const struct ops_list *list, FILE *out)
{
	struct mm_struct *mm = mmsim_mm_create(sim, "0");
	static struct state state;

	if (!mm)
		return -ENOMEM;
	if (mmsim_use_mm(mm)) {
		mmsim_mm_put(mm);
		return -ENOMEM;
	}
	memset(&state, 0, sizeof(state));
	memset(state.pages, '-', SIM_WINDOW_PAGES);
	snprintf(state.hash, sizeof(state.hash), "%016llx", 1469598103934665603ull);
	for (size_t i = 0; i < list->nr_comments; i++)
		fprintf(out, "%s\n", list->comments[i]);
	for (size_t i = 0; i < list->nr; i++) {
		fprintf(out, "@%zu %s\n", i + 1, list->text[i]);
		do_op(mm, &list->ops[i], out);
		print_changes(mm, &state, out);
	}
	mmsim_use_mm(NULL);
	mmsim_mm_put(mm);
	return 0;
}
