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

#define OPS_PROCESSES 8 /* that a list can make */

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
	what = op.kind == OP_FORK || op.kind == OP_EXIT ? NULL : sim_op_missing(&op);
	if (what)
		return sim_error_set(err, -EOPNOTSUPP, path, number,
				     "%s: not simulated yet; expected operations on anonymous "
				     "private memory",
				     what);
	if (op.pid >= OPS_PROCESSES)
		return sim_error_set(err, -EINVAL, path, number,
				     "expected a process from 0 to %d, found %u", OPS_PROCESSES - 1,
				     op.pid);
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

/* One of the list's; its number is its place. */
struct process {
	struct mm_struct *mm; /* NULL: it has exited, or was not made yet */
	struct state state; /* as it was printed last */
};

struct world {
	struct mmsim *sim;
	struct process process[OPS_PROCESSES];
	unsigned int nr; /* made so far */
	FILE *out;
};

static void print_changes(struct process *p, unsigned int pid, FILE *out)
{
	static struct state now;
	struct state *old = &p->state;

	print_vmas(p->mm, now.vmas);
	print_pages(p->mm, &now);
	if (strcmp(now.vmas, old->vmas))
		fprintf(out, "V%u%s\n", pid, *now.vmas ? now.vmas : " ");
	if (strcmp(now.pages, old->pages) || strcmp(now.hash, old->hash))
		fprintf(out, "P%u %s\nH%u %s\n", pid, now.pages, pid, now.hash);
	*old = now;
}

/* A process that nothing was printed of. */
static void process_begin(struct process *p, struct mm_struct *mm)
{
	memset(&p->state, 0, sizeof(p->state));
	memset(p->state.pages, '-', SIM_WINDOW_PAGES);
	snprintf(p->state.hash, sizeof(p->state.hash), "%016llx", 1469598103934665603ull);
	p->mm = mm;
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

static void do_fork(struct world *w, struct process *p)
{
	struct mm_struct *child;
	char name[16];
	int err;

	if (w->nr == OPS_PROCESSES) {
		fputs("= NOSLOT\n", w->out);
		return;
	}
	snprintf(name, sizeof(name), "%u", w->nr);
	err = mmsim_fork(p->mm, name, &child);
	if (err) {
		fprintf(w->out, "= %s\n", sim_errno_name(-err));
		return;
	}
	process_begin(&w->process[w->nr], child);
	fprintf(w->out, "= 0 pid=%u\n", w->nr++);
}

static void do_exit(struct process *p, FILE *out)
{
	mmsim_use_mm(NULL);
	mmsim_mm_put(p->mm);
	p->mm = NULL;
	fputs("= 0\n", out);
}

/* 0 or -ENOMEM: the process could not be entered. */
static int do_op(struct world *w, const struct sim_op *op)
{
	struct process *p = &w->process[op->pid];
	uint64_t value = op->value;
	enum mmsim_access access;
	int64_t result;

	if (!p->mm) {
		fputs("= NOPROC\n", w->out);
		return 0;
	}
	if (mmsim_use_mm(p->mm))
		return -ENOMEM;
	switch (op->kind) {
	case OP_R:
		access = mmsim_load(p->mm, op->addr, &value);
		print_access(access, true, value, w->out);
		break;
	case OP_W:
		print_access(mmsim_store(p->mm, op->addr, value), false, 0, w->out);
		break;
	case OP_FORK:
		do_fork(w, p);
		break;
	case OP_EXIT:
		do_exit(p, w->out);
		break;
	default:
		result = sim_do_call(p->mm, op);
		fprintf(w->out, "= %s\n", result < 0 ? sim_errno_name((int)-result) : "0");
	}
	return 0;
}

static void print_all_changes(struct world *w)
{
	for (unsigned int pid = 0; pid < w->nr; pid++)
		if (w->process[pid].mm)
			print_changes(&w->process[pid], pid, w->out);
}

int ops_list_run(struct mmsim *sim, const struct ops_list *list, FILE *out)
{
	static struct world w;
	struct mm_struct *mm = mmsim_mm_create(sim, "0");
	int err = mm ? 0 : -ENOMEM;

	w = (struct world){.sim = sim, .nr = 1, .out = out};
	process_begin(&w.process[0], mm);
	for (size_t i = 0; i < list->nr_comments; i++)
		fprintf(out, "%s\n", list->comments[i]);
	for (size_t i = 0; i < list->nr && !err; i++) {
		fprintf(out, "@%zu %s\n", i + 1, list->text[i]);
		err = do_op(&w, &list->ops[i]);
		print_all_changes(&w);
	}
	mmsim_use_mm(NULL);
	for (unsigned int pid = 0; pid < w.nr; pid++)
		if (w.process[pid].mm)
			mmsim_mm_put(w.process[pid].mm);
	return err;
}
