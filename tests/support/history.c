/* SPDX-License-Identifier: MIT */
/* Recording and printing of histories. */
#include "history.h"

#include <stdio.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "mmsim/mm.h"

struct address_op *history_begin(struct history *h, const struct address_op *what)
{
	struct address_op *op;

	if (h->nr_ops == HISTORY_OPS_MAX)
		mmsim_bug("a history of more than %d operations", HISTORY_OPS_MAX);
	op = &h->ops[h->nr_ops++];
	*op = *what;
	op->begin = ++h->clock;
	return op;
}

void history_end(struct history *h, struct address_op *op, int answer)
{
	op->answer = answer;
	op->end = ++h->clock;
}

static const char *prot_text(int prot)
{
	static const char *const texts[] = {"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"};

	return texts[prot & (PROT_READ | PROT_WRITE | PROT_EXEC)];
}

static const char *access_text(int answer)
{
	switch (answer) {
	case MMSIM_ACCESS_HIT:
		return "";
	case MMSIM_ACCESS_MAPERR:
		return " MAPERR";
	case MMSIM_ACCESS_ACCERR:
		return " ACCERR";
	}
	return " no answer";
}

static int print_op(const struct address_kind *kind, const struct address_op *op, char *buf,
		    size_t size)
{
	int n = snprintf(buf, size, "%3llu-%-3llu t%d %s %u", (unsigned long long)op->begin,
			 (unsigned long long)op->end, op->task, kind->name, op->first);

	if (kind->class == ADDRESS_ACCESS)
		return n + snprintf(buf + n, size - (size_t)n, " %#llx%s\n",
				    (unsigned long long)op->value, access_text(op->answer));
	n += snprintf(buf + n, size - (size_t)n, "+%u", op->pages);
	if (kind->class == ADDRESS_WRITER && op->kind != ADDRESS_MUNMAP)
		n += snprintf(buf + n, size - (size_t)n, " %s", prot_text(op->prot));
	return n + snprintf(buf + n, size - (size_t)n, " = %d\n", op->answer);
}

static int print_pages(const char *name, const struct address_page *pages, unsigned int nr,
		       char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s:", name);

	for (unsigned int i = 0; i < nr && (size_t)n < size; i++)
		n += snprintf(buf + n, size - (size_t)n, " %s:%llx",
			      pages[i].mapped ? prot_text(pages[i].prot) : "no",
			      (unsigned long long)pages[i].value);
	return n + ((size_t)n < size ? snprintf(buf + n, size - (size_t)n, "\n") : 0);
}

void history_print(const struct history *h, const struct address_model *model, char *buf,
		   size_t size)
{
	size_t n = (size_t)print_pages("first", h->first, h->nr_pages, buf, size);

	/* No line is longer. */
	for (unsigned int i = 0; i < h->nr_ops && n + 128 < size; i++)
		n += (size_t)print_op(&model->kind[h->ops[i].kind], &h->ops[i], buf + n, size - n);
	if (n < size)
		print_pages("last", h->last, h->nr_pages, buf + n, size - n);
}
