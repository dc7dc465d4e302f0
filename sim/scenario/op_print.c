/* SPDX-License-Identifier: MIT */
/* Operations as text: the form that reads back as the same operation. */
#define _GNU_SOURCE 1
#include "op.h"
#include "op_names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

/* Results from -MAX_ERRNO to -1 are errors; none is below that. */
#define MAX_ERRNO 4095

/* A line being written; len runs on past size when it does not fit, as with snprintf(). */
struct line {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) append(struct line *l, const char *fmt, ...)
{
	size_t left = l->len < l->size ? l->size - l->len : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(left ? l->buf + l->len : NULL, left, fmt, args);
	va_end(args);
	if (n > 0)
		l->len += (size_t)n;
}

static bool in_pages(uint64_t number)
{
	return !(number & (SIM_PAGE_SIZE - 1));
}

static bool in_window(uint64_t addr)
{
	return addr >= SIM_WINDOW_BASE &&
	       addr < SIM_WINDOW_BASE + SIM_WINDOW_PAGES * SIM_PAGE_SIZE && in_pages(addr);
}

static void append_start(struct line *l, uint64_t addr)
{
	if (in_window(addr))
		append(l, " %" PRIu64, (addr - SIM_WINDOW_BASE) / SIM_PAGE_SIZE);
	else
		append(l, " 0x%" PRIx64, addr);
}

/* Lengths are written the way the operation's start is. */
static void append_len(struct line *l, uint64_t addr, uint64_t len)
{
	if (in_window(addr) && in_pages(len))
		append(l, " %" PRIu64, len / SIM_PAGE_SIZE);
	else
		append(l, " 0x%" PRIx64, len);
}

static void append_advice(struct line *l, int advice)
{
	const char *name = sim_advice_name(advice);

	if (name)
		append(l, " %s", name);
	else
		append(l, " %d", advice);
}

static void append_move(struct line *l, const struct sim_op *op)
{
	for (size_t i = 0; i < NR_SIM_MOVES; i++) {
		if (sim_moves[i].flags != op->flags)
			continue;
		append(l, " %s", sim_moves[i].name);
		if (sim_moves[i].has_new_addr)
			append_start(l, op->new_addr);
		return;
	}
}

static void append_arg(struct line *l, enum sim_arg arg, const struct sim_op *op)
{
	char name[10];

	switch (arg) {
	case SIM_ARG_START:
		append_start(l, op->addr);
		break;
	case SIM_ARG_LEN:
		append_len(l, op->addr, op->len);
		break;
	case SIM_ARG_NEW_START:
		append_start(l, op->new_addr);
		break;
	case SIM_ARG_NEW_LEN:
		append_len(l, op->addr, op->new_len);
		break;
	case SIM_ARG_PROT:
		append(l, " %s", sim_prot_name(op->prot, name));
		break;
	case SIM_ARG_FLAGS:
		append(l, " %s", sim_map_flags_name(op->flags, name));
		break;
	case SIM_ARG_FILE:
		if (op->file >= 0)
			append(l, " f%d %" PRIu64, op->file, op->pgoff);
		break;
	case SIM_ARG_ADVICE:
		append_advice(l, op->advice);
		break;
	case SIM_ARG_MOVE:
		append_move(l, op);
		break;
	case SIM_ARG_ON_FAULT:
		append(l, "%s", op->flags ? " onfault" : "");
		break;
	case SIM_ARG_LOCK_FLAGS:
		append(l, " %s", sim_lock_flags_name(op->flags, name));
		break;
	case SIM_ARG_SWITCH:
		append(l, " %s", op->flags ? "on" : "off");
		break;
	case SIM_ARG_VALUE:
	case SIM_ARG_OPT_VALUE:
	case SIM_ARG_CHILD:
		if (op->has_value)
			append(l, " %" PRIu64, op->value);
		break;
	case SIM_ARG_TIME:
	case SIM_ARG_NAME:
	case SIM_ARG_NONE:
		break;
	}
}

static void append_op(struct line *l, const struct sim_op *op)
{
	const struct sim_op_spec *spec = &sim_op_specs[op->kind];

	append(l, " %s", spec->name);
	for (int i = 0; i < SIM_OP_ARGS_MAX; i++)
		append_arg(l, spec->arg[i], op);
}

static void append_result(struct line *l, const struct sim_op *op)
{
	bool failed = op->result < 0 && op->result >= -MAX_ERRNO;
	const char *name = failed ? sim_errno_name((int)-op->result) : NULL;

	if (!op->has_result)
		return;
	if (name)
		append(l, " = %s", name);
	else if (op->result <= 0)
		append(l, " = %" PRId64, op->result);
	else
		append(l, " = 0x%" PRIx64, (uint64_t)op->result);
}

static void append_notes(struct line *l, const struct sim_op *op)
{
	for (unsigned int note = 1; note && note <= op->notes; note <<= 1)
		if (op->notes & note && sim_note_name(note))
			append(l, " ;%s", sim_note_name(note));
}

static int finish(const struct line *l)
{
	return l->len < l->size ? (int)l->len : -ENOSPC;
}

int sim_op_print_list(const struct sim_op *op, char *buf, size_t size)
{
	struct line l = {.buf = buf, .size = size};

	append(&l, "%d", op->pid);
	append_op(&l, op);
	return finish(&l);
}

int sim_op_print_record(const struct sim_op *op, char *buf, size_t size)
{
	struct line l = {.buf = buf, .size = size};

	append(&l, "%" PRIu64, op->time_ns / 1000);
	if (op->time_ns % 1000)
		append(&l, ".%03u", (unsigned int)(op->time_ns % 1000));
	append(&l, " %d %d", op->pid, op->tid);
	append_op(&l, op);
	append_result(&l, op);
	append_notes(&l, op);
	return finish(&l);
}
