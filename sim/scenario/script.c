/* SPDX-License-Identifier: MIT */
/* Reading scripts; see script.h. */
#define _GNU_SOURCE 1
#include "script.h"
#include "op_names.h"
#include "op_parse.h"
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- places ---- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Cut a name off; false: there is none, or it is too long. */
static bool cut_name(const char **text, char name[SCRIPT_NAME_MAX])
{
	size_t len = 0;

	while (is_name_char((*text)[len]))
		len++;
	if (!len || len >= SCRIPT_NAME_MAX)
		return false;
	memcpy(name, *text, len);
	name[len] = '\0';
	*text += len;
	return true;
}

static bool cut_word(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) || isalnum((unsigned char)(*text)[len]))
		return false;
	*text += len;
	return true;
}

static bool cut_number(const char **text, unsigned int max, unsigned int *number)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)**text))
		return false;
	value = strtoul(*text, &end, 10);
	if (value > max)
		return false;
	*number = (unsigned int)value;
	*text = end;
	return true;
}

/* SIZE up to the next sign or the end. */
static bool cut_size(const char **text, int64_t *bytes)
{
	size_t len = strcspn(*text, "+-");
	char word[32];
	struct draw size;

	if (!len || len >= sizeof(word))
		return false;
	memcpy(word, *text, len);
	word[len] = '\0';
	if (draw_parse(word, DRAW_BYTES, &size) || size.kind != DRAW_CONSTANT ||
	    size.number[0] > INT64_MAX / 2)
		return false;
	*bytes = (int64_t)size.number[0];
	*text += len;
	return true;
}

static bool cut_which(const char **text, struct place *place)
{
	if (cut_word(text, "task"))
		place->which = WHICH_TASK;
	else if (cut_word(text, "random"))
		place->which = WHICH_RANDOM;
	else if (cut_word(text, "next"))
		place->which = WHICH_NEXT;
	else if (cut_number(text, 1u << 20, &place->number))
		place->which = WHICH_NUMBER;
	else
		return false;
	return true;
}

static bool cut_hot(const char **text, struct place *place)
{
	const char *at = *text;

	if (strncmp(at, "hot(", 4))
		return false;
	at += 4;
	if (!cut_number(&at, 100, &place->hot_percent) || *at++ != ',' ||
	    !cut_number(&at, 99, &place->hot_part) || !place->hot_part || *at++ != ')')
		return false;
	*text = at;
	return true;
}

/* WHERE, or a SIZE from the start on. */
static bool cut_where(const char **text, struct place *place)
{
	if (cut_word(text, "start"))
		place->where = WHERE_START;
	else if (cut_word(text, "end"))
		place->where = WHERE_END;
	else if (cut_word(text, "random"))
		place->where = WHERE_RANDOM;
	else if (cut_word(text, "next"))
		place->where = WHERE_NEXT;
	else if (cut_hot(text, place))
		place->where = WHERE_HOT;
	else
		return cut_size(text, &place->offset);
	return true;
}

static bool parse_place(const char *text, struct place *place)
{
	bool negative;

	memset(place, 0, sizeof(*place));
	if (!strcmp(text, "any")) {
		place->kind = PLACE_ANY;
		return true;
	}
	place->kind = PLACE_NAME;
	if (!cut_name(&text, place->name))
		return false;
	if (*text == '#' && (text++, !cut_which(&text, place)))
		return false;
	if (*text == '+' && (text++, !cut_where(&text, place)))
		return false;
	if (*text == '+' || *text == '-') {
		negative = *text++ == '-';
		if (place->offset || !cut_size(&text, &place->offset))
			return false;
		if (negative)
			place->offset = -place->offset;
	}
	return !*text;
}

static const char place_expected[] =
	"a page from 0 to 63, an address 0x... or a place NAME[#WHICH][+WHERE][+SIZE]";

int script_parse_place(struct parse *p, struct sim_op *op, int n)
{
	struct place *place = &p->script->place[n];

	if (!parse_place(parse_peek(p), place))
		return parse_expected(p, place_expected);
	if (place->kind == PLACE_ANY && (op->kind != OP_MMAP || n))
		return parse_expected(p, "a place; any is for mmap");
	p->at++;
	return 0;
}

int script_parse_place_alone(const char *text, const char *file, unsigned int line,
			     struct place *place, struct sim_error *err)
{
	if (parse_place(text, place) && place->kind == PLACE_NAME)
		return 0;
	return sim_error_set(err, -EINVAL, file, line,
			     "expected a place NAME[#NUMBER][+WHERE][+SIZE], found '%.60s'", text);
}

/* ---- the other arguments ---- */

int script_parse_len(struct parse *p, int n)
{
	const char *word = parse_peek(p);
	struct draw *len = &p->script->len[n];

	if (!word || (strcmp(word, "all") && draw_parse(word, DRAW_BYTES, len)))
		return parse_expected(p, draw_expected(DRAW_BYTES));
	if (!strcmp(word, "all") && p->script->place[n].kind != PLACE_NAME)
		return parse_expected(p, "a length; all is for a place with a name");
	p->at++;
	return 0;
}

int script_parse_time(struct parse *p)
{
	const char *word = parse_peek(p);

	if (!word || draw_parse(word, DRAW_TIME, &p->script->time))
		return parse_expected(p, draw_expected(DRAW_TIME));
	p->at++;
	return 0;
}

static int parse_name(struct parse *p, char name[SCRIPT_NAME_MAX])
{
	const char *word = parse_peek(p);

	if (!word || !cut_name(&word, name) || *word)
		return parse_expected(p, "a name of letters, digits, _ - and .");
	p->at++;
	return 0;
}

int script_parse_name(struct parse *p)
{
	return parse_name(p, p->script->name);
}

/* ---- what stands before and behind the operation ---- */

static bool parse_percent(struct parse *p)
{
	const char *word = parse_peek(p);
	unsigned int whole = 0, tenth = 0;

	if (!word || !cut_number(&word, 100, &whole))
		return false;
	if (*word == '.' && (word++, !cut_number(&word, 9, &tenth)))
		return false;
	if (strcmp(word, "%") || whole * 10 + tenth > 1000)
		return false;
	p->script->per_mille = whole * 10 + tenth;
	p->at++;
	return true;
}

static int parse_weight(struct parse *p)
{
	const char *word = parse_peek(p);

	if (!word || strcmp(word, "weight"))
		return 0;
	p->at++;
	word = parse_peek(p);
	if (!word || !cut_number(&word, 1000000, &p->script->weight) || *word)
		return parse_expected(p, "a weight from 0 to 1000000");
	p->script->weighted = true;
	p->at++;
	return 0;
}

static void parse_repeat(struct parse *p)
{
	const char *word = parse_peek(p);
	size_t len = word ? strlen(word) : 0;
	char number[SIM_OP_LINE_MAX];
	struct draw repeat;

	if (len < 2 || word[len - 1] != 'x')
		return;
	memcpy(number, word, len - 1);
	number[len - 1] = '\0';
	if (draw_parse(number, DRAW_COUNT, &repeat))
		return;
	p->script->repeat = repeat;
	p->at++;
}

static int parse_as(struct parse *p, const struct sim_op *op)
{
	const char *word = parse_peek(p);

	if (!word || strcmp(word, "as"))
		return 0;
	if (op->kind != OP_MMAP && op->kind != OP_MREMAP)
		return parse_expected(p, "the end of the line (as is for mmap and mremap)");
	p->at++;
	return parse_name(p, p->script->as_name);
}

/* The kernel's choice of a place needs flags that leave it the choice. */
static void free_choice(struct script_op *op)
{
	if (op->place[0].kind == PLACE_ANY)
		op->op.flags &= ~(unsigned int)(MAP_FIXED | MAP_FIXED_NOREPLACE);
}

static int parse_line(struct parse *p, struct script_op *op)
{
	int ret = 0;

	if (!parse_percent(p))
		ret = parse_weight(p);
	if (ret)
		return ret;
	parse_repeat(p);
	ret = parse_op(p, &op->op);
	if (!ret)
		ret = parse_as(p, &op->op);
	free_choice(op);
	return ret ? ret : parse_end(p);
}

int script_add(struct script *script, const char *text, const char *file, unsigned int line,
	       struct sim_error *err)
{
	struct script_op op = {
		.file = file,
		.per_mille = 1000,
		.as = -1,
		.repeat = {.kind = DRAW_CONSTANT, .nr = 1, .number = {1}},
	};
	struct parse p = {.file = file, .line = line, .err = err, .script = &op};
	struct script_op *more;
	int ret;

	text += strspn(text, " \t");
	ret = parse_begin(&p, text, &op.op);
	if (ret > 0)
		ret = parse_line(&p, &op);
	if (ret <= 0)
		return ret;
	more = realloc(script->ops, (script->nr + 1) * sizeof(*more));
	if (more)
		script->ops = more;
	op.text = more ? strdup(text) : NULL;
	if (!op.text)
		return sim_error_set(err, -ENOMEM, file, line, "no memory");
	op.text[strcspn(op.text, "\r\n")] = '\0';
	script->ops[script->nr++] = op;
	return 1;
}

void script_free(struct script *script)
{
	for (size_t i = 0; i < script->nr; i++)
		free(script->ops[i].text);
	free(script->ops);
	*script = (struct script){0};
}

void script_group(struct script *script)
{
	struct script_op *first = NULL;

	for (size_t i = 0; i < script->nr; i++) {
		struct script_op *op = &script->ops[i];

		if (!op->weighted)
			first = NULL;
		else if (!first)
			first = op;
		if (first) {
			first->group++;
			first->group_weight += op->weight;
		}
	}
}
