/* SPDX-License-Identifier: MIT */
/* The operation table and the parser that is driven by it. */
#define _GNU_SOURCE 1
#include "op.h"
#include "op_names.h"
#include "op_parse.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SIM_OP_ROW(id, name_, args_, help_, ...)                                                   \
	[OP_##id] = {.name = name_, .args = args_, .help = help_, .arg = {__VA_ARGS__}},
const struct sim_op_spec sim_op_specs[NR_SIM_OPS] = {SIM_OPS(SIM_OP_ROW)};
#undef SIM_OP_ROW

const char *parse_peek(const struct parse *p)
{
	return p->at < p->nr_words ? p->word[p->at] : NULL;
}

/* Say what was expected at the current word, with the operation's arguments once it is known. */
int parse_expected(const struct parse *p, const char *what)
{
	const char *word = parse_peek(p);
	char found[64] = "the end of the line";

	if (word)
		snprintf(found, sizeof(found), "'%.40s'", word);
	if (!p->spec)
		return sim_error_set(p->err, -EINVAL, p->file, p->line, "expected %s, found %s",
				     what, found);
	return sim_error_set(p->err, -EINVAL, p->file, p->line, "expected %s, found %s (%s%s%s)",
			     what, found, p->spec->name, p->spec->args[0] ? " " : "",
			     p->spec->args);
}

int parse_expected_name(const struct parse *p, const char *what, const char *near)
{
	if (!near)
		return parse_expected(p, what);
	return sim_error_set(p->err, -EINVAL, p->file, p->line,
			     "expected %s, found '%.40s' (did you mean %s?)", what, parse_peek(p),
			     near);
}

static int split(struct parse *p, const char *text)
{
	size_t len = strcspn(text, "\r\n");
	char *save, *word;

	if (len >= sizeof(p->text))
		return sim_error_set(p->err, -EINVAL, p->file, p->line,
				     "expected a line of less than %zu characters",
				     sizeof(p->text));
	memcpy(p->text, text, len);
	p->text[len] = '\0';
	for (word = strtok_r(p->text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (p->nr_words == WORDS_MAX)
			return sim_error_set(p->err, -EINVAL, p->file, p->line,
					     "expected at most %d words", WORDS_MAX);
		p->word[p->nr_words++] = word;
	}
	return 0;
}

static bool to_number(const char *word, uint64_t *number)
{
	int base = word && !strncmp(word, "0x", 2) ? 16 : 10;
	char *end;

	if (!word || !isdigit((unsigned char)word[0]))
		return false;
	if (base == 16 && !isxdigit((unsigned char)word[2]))
		return false;
	errno = 0;
	*number = strtoull(word, &end, base);
	return !errno && !*end;
}

static int parse_number(struct parse *p, const char *what, uint64_t max, uint64_t *number)
{
	if (!to_number(parse_peek(p), number) || *number > max)
		return parse_expected(p, what);
	p->at++;
	return 0;
}

static int parse_id(struct parse *p, const char *what, int *id)
{
	uint64_t number;
	int ret = parse_number(p, what, INT_MAX, &number);

	if (!ret)
		*id = (int)number;
	return ret;
}

static bool is_hex(const char *word)
{
	return word && !strncmp(word, "0x", 2);
}

/* A number stands first, as everywhere. */
static bool is_script_word(const struct parse *p)
{
	const char *word = parse_peek(p);

	return p->script && word && !isdigit((unsigned char)word[0]);
}

/* The first or the second address of an operation. */
static int parse_start(struct parse *p, struct sim_op *op, int n)
{
	uint64_t *addr = n ? &op->new_addr : &op->addr;
	bool bytes = is_hex(parse_peek(p));
	int ret;

	if (is_script_word(p))
		return script_parse_place(p, op, n);
	ret = parse_number(p, "a page from 0 to 63 or an address 0x...",
			   bytes ? UINT64_MAX : SIM_WINDOW_PAGES - 1, addr);
	if (!ret && !bytes)
		*addr = SIM_WINDOW_BASE + *addr * SIM_PAGE_SIZE;
	return ret;
}

static int parse_len(struct parse *p, struct sim_op *op, int n)
{
	uint64_t *len = n ? &op->new_len : &op->len;
	bool bytes = is_hex(parse_peek(p));
	int ret;

	if (p->script)
		return script_parse_len(p, n);
	ret = parse_number(p, "a number of pages or of bytes 0x...",
			   bytes ? UINT64_MAX : UINT64_MAX / SIM_PAGE_SIZE, len);
	if (!ret && !bytes)
		*len *= SIM_PAGE_SIZE;
	return ret;
}

static int parse_prot(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p);
	char name[4];

	for (unsigned int prot = 0; word && prot < 8; prot++) {
		if (strcmp(sim_prot_name(prot, name), word))
			continue;
		op->prot = prot;
		p->at++;
		return 0;
	}
	return parse_expected(p, "a protection (none r rw rx rwx w x wx)");
}

static int parse_flags(struct parse *p, struct sim_op *op)
{
	static const char what[] = "flags (p or s, then any of e h n P l g k)";
	const char *word = parse_peek(p);
	unsigned int flags;

	if (!word || (word[0] != 'p' && word[0] != 's'))
		return parse_expected(p, what);
	flags = word[0] == 's' ? MAP_SHARED : MAP_PRIVATE;
	if (strchr(word, 'e') && strchr(word, 'h'))
		return parse_expected(p, "flags with e or h, not both");
	if (strchr(word, 'e'))
		flags |= MAP_FIXED_NOREPLACE;
	else if (!strchr(word, 'h'))
		flags |= MAP_FIXED;
	for (const char *letter = word + 1; *letter; letter++)
		if (*letter != 'e' && *letter != 'h' && !sim_map_flag(*letter, &flags))
			return parse_expected(p, what);
	op->flags = flags;
	p->at++;
	return 0;
}

static int parse_file(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p);
	uint64_t number;

	op->flags |= MAP_ANONYMOUS;
	if (!word || word[0] == '=' || word[0] == ';' || (p->script && !strcmp(word, "as")))
		return 0;
	if (word[0] != 'f' || !to_number(word + 1, &number) || number > INT_MAX)
		return parse_expected(p, "a file fK or nothing");
	op->flags &= ~(unsigned int)MAP_ANONYMOUS;
	op->file = (int)number;
	p->at++;
	return parse_number(p, "the page of the file that the mapping begins with",
			    UINT64_MAX / SIM_PAGE_SIZE, &op->pgoff);
}

static int parse_advice(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p);
	uint64_t number;

	if (!word)
		return parse_expected(p, "an advice");
	if (word[0] == '-' && to_number(word + 1, &number) && number <= INT_MAX + UINT64_C(1))
		op->advice = (int)-(int64_t)number;
	else if (to_number(word, &number) && number <= INT_MAX)
		op->advice = (int)number;
	else if (!sim_advice_number(word, &op->advice))
		return parse_expected_name(p, "an advice", sim_advice_nearest(word));
	p->at++;
	return 0;
}

static int parse_move(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p);

	for (size_t i = 0; word && i < NR_SIM_MOVES; i++) {
		if (strcmp(sim_moves[i].name, word))
			continue;
		op->flags = sim_moves[i].flags;
		p->at++;
		return sim_moves[i].has_new_addr ? parse_start(p, op, 1) : 0;
	}
	return parse_expected(p, "inplace, maymove, to NEW or dontunmap NEW");
}

/* A word that may be left out, and stands for flags 1. */
static int parse_on_fault(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p);

	if (word && !strcmp(word, "onfault")) {
		op->flags = 1;
		p->at++;
	}
	return 0;
}

static int parse_lock_flags(struct parse *p, struct sim_op *op)
{
	static const char what[] = "flags (any of c f o)";
	const char *word = parse_peek(p);

	for (const char *letter = word; letter && *letter; letter++)
		if (!sim_lock_flag(*letter, &op->flags))
			return parse_expected(p, what);
	if (!word)
		return parse_expected(p, what);
	p->at++;
	return 0;
}

static int parse_switch(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p);

	if (!word || (strcmp(word, "on") && strcmp(word, "off")))
		return parse_expected(p, "on or off");
	op->flags = !strcmp(word, "on");
	p->at++;
	return 0;
}

static int parse_value(struct parse *p, struct sim_op *op, bool optional)
{
	const char *word = parse_peek(p);
	int ret;

	if (optional && (!word || word[0] == '=' || word[0] == ';'))
		return 0;
	ret = parse_number(p, "a number", UINT64_MAX, &op->value);
	op->has_value = !ret;
	return ret;
}

static int parse_arg(struct parse *p, enum sim_arg arg, struct sim_op *op)
{
	switch (arg) {
	case SIM_ARG_START:
		return parse_start(p, op, 0);
	case SIM_ARG_LEN:
		return parse_len(p, op, 0);
	case SIM_ARG_NEW_START:
		return parse_start(p, op, 1);
	case SIM_ARG_NEW_LEN:
		return parse_len(p, op, 1);
	case SIM_ARG_PROT:
		return parse_prot(p, op);
	case SIM_ARG_FLAGS:
		return parse_flags(p, op);
	case SIM_ARG_FILE:
		return parse_file(p, op);
	case SIM_ARG_ADVICE:
		return parse_advice(p, op);
	case SIM_ARG_MOVE:
		return parse_move(p, op);
	case SIM_ARG_ON_FAULT:
		return parse_on_fault(p, op);
	case SIM_ARG_LOCK_FLAGS:
		return parse_lock_flags(p, op);
	case SIM_ARG_SWITCH:
		return parse_switch(p, op);
	case SIM_ARG_VALUE:
		return parse_value(p, op, false);
	case SIM_ARG_OPT_VALUE:
		return parse_value(p, op, true);
	case SIM_ARG_CHILD:
		return p->script ? script_parse_name(p) : parse_value(p, op, true);
	case SIM_ARG_TIME:
		return script_parse_time(p);
	case SIM_ARG_NAME:
		return script_parse_name(p);
	case SIM_ARG_NONE:
		break;
	}
	return 0;
}

static int parse_kind(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p), *near = NULL;
	int nr = p->script ? NR_SIM_OPS : SIM_FIRST_SCRIPT_OP;

	if (!word)
		return parse_expected(p, "an operation");
	for (int kind = 0; kind < nr; kind++) {
		if (strcmp(sim_op_specs[kind].name, word))
			continue;
		op->kind = (enum op_kind)kind;
		p->spec = &sim_op_specs[kind];
		p->at++;
		return 0;
	}
	for (int kind = 0; kind < nr; kind++)
		near = sim_name_nearer(near, sim_op_specs[kind].name, word);
	return parse_expected_name(p, "an operation", near);
}

int parse_op(struct parse *p, struct sim_op *op)
{
	int ret = parse_kind(p, op);

	for (int i = 0; !ret && i < SIM_OP_ARGS_MAX; i++)
		ret = parse_arg(p, p->spec->arg[i], op);
	return ret;
}

static int parse_result(struct parse *p, struct sim_op *op)
{
	const char *word = parse_peek(p);
	uint64_t number;

	if (!word || strcmp(word, "="))
		return 0;
	p->at++;
	word = parse_peek(p);
	if (word && sim_errno_number(word))
		op->result = -sim_errno_number(word);
	else if (word && word[0] == '-' && to_number(word + 1, &number) && number < 4096)
		op->result = -(int64_t)number;
	else if (to_number(word, &number) && number <= INT64_MAX)
		op->result = (int64_t)number;
	else
		return parse_expected(p, "a result (0, an address 0x... or an errno name)");
	op->has_result = true;
	p->at++;
	return 0;
}

static int parse_notes(struct parse *p, struct sim_op *op)
{
	unsigned int note;

	for (; parse_peek(p) && parse_peek(p)[0] == ';'; p->at++) {
		note = sim_note_number(parse_peek(p) + 1);
		if (!note)
			return parse_expected(p, "a note (;assumed or ;file)");
		op->notes |= note;
	}
	return 0;
}

/* Microseconds with at most three decimals. */
static int parse_time(struct parse *p, struct sim_op *op)
{
	static const char what[] = "a time in microseconds with at most 3 decimals";
	static const unsigned int scale[] = {1000, 100, 10, 1};
	char *point = p->word[p->at] ? strchr(p->word[p->at], '.') : NULL;
	uint64_t us, fraction = 0;
	size_t digits = point ? strlen(point + 1) : 0;

	if (point &&
	    (!digits || digits > 3 || is_hex(point + 1) || !to_number(point + 1, &fraction)))
		return parse_expected(p, what);
	if (point)
		*point = '\0';
	if (is_hex(parse_peek(p)) || !to_number(parse_peek(p), &us) || us > UINT64_MAX / 1000 - 1) {
		if (point)
			*point = '.';
		return parse_expected(p, what);
	}
	op->time_ns = us * 1000 + fraction * scale[digits];
	p->at++;
	return 0;
}

int parse_begin(struct parse *p, const char *text, struct sim_op *op)
{
	int ret;

	memset(op, 0, sizeof(*op));
	op->file = -1;
	op->line = p->line;
	text += strspn(text, " \t\r\n");
	if (!*text || *text == '#')
		return 0;
	ret = split(p, text);
	return ret ? ret : 1;
}

int parse_end(const struct parse *p)
{
	return parse_peek(p) ? parse_expected(p, "the end of the line") : 1;
}

int sim_op_parse_list(const char *text, const char *file, unsigned int line, struct sim_op *op,
		      struct sim_error *err)
{
	struct parse p = {.file = file, .line = line, .err = err};
	int ret = parse_begin(&p, text, op);

	if (ret <= 0)
		return ret;
	ret = parse_id(&p, "a process number", &op->pid);
	op->tid = op->pid;
	if (!ret)
		ret = parse_op(&p, op);
	return ret ? ret : parse_end(&p);
}

int sim_op_parse_record(const char *text, const char *file, unsigned int line, struct sim_op *op,
			struct sim_error *err)
{
	struct parse p = {.file = file, .line = line, .err = err};
	int ret = parse_begin(&p, text, op);

	if (ret <= 0)
		return ret;
	ret = parse_time(&p, op);
	if (!ret)
		ret = parse_id(&p, "a process id", &op->pid);
	if (!ret)
		ret = parse_id(&p, "a thread id", &op->tid);
	if (!ret)
		ret = parse_op(&p, op);
	if (!ret)
		ret = parse_result(&p, op);
	if (!ret)
		ret = parse_notes(&p, op);
	return ret ? ret : parse_end(&p);
}
