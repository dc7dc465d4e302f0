/* SPDX-License-Identifier: MIT */
/* Settings; see settings.h. */
#define _GNU_SOURCE 1
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct settings *settings;
	const char *at;
	unsigned int line;
	char section[16], name[SETTINGS_NAME_MAX];
	struct sim_error *err;
	int failed; /* the first thing that was wrong */
};

static int bad(struct reader *r, const char *what, const char *found)
{
	size_t len = strcspn(found, "\r\n");

	r->failed =
		sim_error_set(r->err, -EINVAL, r->settings->path, r->line,
			      "expected %s, found '%.*s'", what, (int)(len < 60 ? len : 60), found);
	return r->failed;
}

static struct setting *add(struct settings *settings, const char *section, const char *name,
			   const char *key, const char *value)
{
	struct setting *more = realloc(settings->list, (settings->nr + 1) * sizeof(*more));
	struct setting *setting;

	if (!more)
		return NULL;
	settings->list = more;
	setting = &more[settings->nr];
	memset(setting, 0, sizeof(*setting));
	snprintf(setting->section, sizeof(setting->section), "%s", section);
	snprintf(setting->name, sizeof(setting->name), "%s", name);
	snprintf(setting->key, sizeof(setting->key), "%s", key);
	setting->file = settings->path;
	setting->value = strdup(value);
	if (!setting->value)
		return NULL;
	settings->nr++;
	return setting;
}

/* ---- reading ---- */

static int add_read(struct reader *r, const char *key, const char *value)
{
	struct setting *setting;

	if (strlen(key) >= SETTINGS_NAME_MAX)
		return bad(r, "a shorter key", key);
	if (r->settings->nr == SETTINGS_MAX)
		return bad(r, "at most 10000 lines", key);
	setting = add(r->settings, r->section, r->name, key, value);
	if (!setting) {
		r->failed = sim_error_set(r->err, -ENOMEM, r->settings->path, r->line, "no memory");
		return r->failed;
	}
	setting->line = r->line;
	return 0;
}

static int check_name(struct reader *r, const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return bad(r, "a name of letters, digits, _ - and .", name);
	return strlen(name) < SETTINGS_NAME_MAX ? 0 : bad(r, "a name of 1 to 31 characters", name);
}

/* A line that begins with [. */
static int begin_section(struct reader *r, const char *line, size_t len)
{
	char text[128], *name, *end;

	snprintf(text, sizeof(text), "%.*s", (int)len - 1, line + 1);
	end = strchr(text, ']');
	if (!end)
		return bad(r, "a ] in the line", line);
	*end = '\0';
	name = text + strcspn(text, " \t");
	if (*name)
		*name++ = '\0';
	name += strspn(name, " \t");
	for (size_t n = strlen(name); n && isblank((unsigned char)name[n - 1]);)
		name[--n] = '\0';
	if (strlen(text) >= sizeof(r->section))
		return bad(r, "a shorter section", text);
	if (check_name(r, name))
		return r->failed;
	strcpy(r->section, text);
	strcpy(r->name, name);
	return add_read(r, "", "");
}

/* For libinih: the next line. Its own buffer is short, and it tells no line numbers. */
static char *read_line(char *buf, int size, void *data)
{
	struct reader *r = data;
	size_t len = strcspn(r->at, "\n");
	const char *first = r->at + strspn(r->at, " \t");
	char what[64];

	if (r->failed || !*r->at)
		return NULL;
	r->line++;
	if (len + 2 > (size_t)size) {
		snprintf(what, sizeof(what), "a line of less than %d characters", size - 1);
		bad(r, what, r->at);
		return NULL;
	}
	if (*first == '[' && (first != r->at ? bad(r, "[ at the line's beginning", first) :
					       begin_section(r, first, len)))
		return NULL;
	memcpy(buf, r->at, len);
	buf[len] = '\0';
	r->at += len;
	if (*r->at)
		r->at++;
	return buf;
}

static int handle(void *data, const char *section, const char *key, const char *value)
{
	struct reader *r = data;
	char text[SETTINGS_VALUE_MAX], *remark;

	(void)section;
	if (r->failed)
		return 0;
	if (!*r->section)
		return !bad(r, "a section first", key);
	if ((size_t)snprintf(text, sizeof(text), "%s", value) >= sizeof(text))
		return !bad(r, "a shorter value", value);
	/* libinih does not look for remarks in further lines of a value. */
	remark = strchr(text, ';');
	while (remark && remark > text && !isblank((unsigned char)remark[-1]))
		remark = strchr(remark + 1, ';');
	if (remark)
		*remark = '\0';
	for (size_t len = strlen(text); len && isspace((unsigned char)text[len - 1]);)
		text[--len] = '\0';
	return !add_read(r, key, text);
}

int settings_parse(const char *text, const char *path, struct settings *settings,
		   struct sim_error *err)
{
	struct reader r = {.settings = settings, .at = text, .err = err};
	int line;

	memset(settings, 0, sizeof(*settings));
	snprintf(settings->path, sizeof(settings->path), "%s", path);
	/* The mark that some editors begin UTF-8 with. */
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		r.at += 3;
	line = ini_parse_stream(read_line, &r, handle, &r);
	if (!r.failed && line > 0) {
		r.line = (unsigned int)line;
		bad(&r, "[SECTION], KEY = VALUE or an indented line of a value", "another");
	}
	if (r.failed)
		settings_free(settings);
	return r.failed;
}

void settings_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->nr; i++)
		free(settings->list[i].value);
	for (unsigned int i = 0; i < settings->nr_options; i++)
		free(settings->options[i]);
	free(settings->list);
	memset(settings, 0, sizeof(*settings));
}

/* ---- options ---- */

static bool is_of(const struct setting *setting, const char *section, const char *name)
{
	return !strcmp(setting->section, section) && !strcmp(setting->name, name);
}

bool settings_has_section(const struct settings *settings, const char *section, const char *name)
{
	for (size_t i = 0; i < settings->nr; i++)
		if (is_of(&settings->list[i], section, name))
			return true;
	return false;
}

static void remove_at(struct settings *settings, size_t i)
{
	free(settings->list[i].value);
	settings->nr--;
	memmove(&settings->list[i], &settings->list[i + 1],
		(settings->nr - i) * sizeof(*settings->list));
}

/* The option goes to the end of the list: sections may come in parts. */
int settings_put(struct settings *settings, const char *section, const char *name, const char *key,
		 const char *value, const char *option)
{
	struct setting *setting;
	char *file;

	if (settings->nr_options == sizeof(settings->options) / sizeof(*settings->options))
		return -ENOMEM;
	for (size_t i = settings->nr; i--;)
		if (is_of(&settings->list[i], section, name) && !strcmp(settings->list[i].key, key))
			remove_at(settings, i);
	file = strdup(option);
	setting = file ? add(settings, section, name, key, value) : NULL;
	if (!setting) {
		free(file);
		return -ENOMEM;
	}
	setting->file = settings->options[settings->nr_options++] = file;
	return 0;
}

/* ---- lists ---- */

size_t settings_element(const char *text)
{
	size_t len = 0;
	int depth = 0;

	for (; text[len] && (depth || text[len] != ','); len++)
		depth += (text[len] == '(') - (text[len] == ')');
	return len;
}

static unsigned int nr_elements(const char *text)
{
	unsigned int n = 1;

	for (text += settings_element(text); *text; text += settings_element(text))
		n++, text++;
	return n;
}

static void copy_element(const char *text, unsigned int n, char *value)
{
	size_t len;

	for (; n; n--)
		text += settings_element(text) + 1;
	text += strspn(text, " \t");
	len = settings_element(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	snprintf(value, SETTINGS_VALUE_MAX, "%.*s", (int)len, text);
}

static unsigned int list_length(const struct setting *setting, settings_is_list is_list)
{
	return *setting->key && is_list(setting) ? nr_elements(setting->value) : 1;
}

unsigned int settings_points(const struct settings *settings, settings_is_list is_list)
{
	uint64_t points = 1;

	for (size_t i = 0; i < settings->nr && points < UINT32_MAX; i++)
		points *= list_length(&settings->list[i], is_list);
	return points < UINT32_MAX ? (unsigned int)points : UINT32_MAX;
}

/* Which element of its list a setting has at a point: the last list runs fastest. */
static unsigned int element_at(const struct settings *settings, const struct setting *setting,
			       unsigned int point, settings_is_list is_list)
{
	for (size_t i = settings->nr; i--;) {
		unsigned int n = list_length(&settings->list[i], is_list);

		if (&settings->list[i] == setting)
			return point % n;
		point /= n;
	}
	return 0;
}

/* Without parameters put in; SETTINGS_VALUE_MAX bytes. */
static void raw_value(const struct settings *settings, const struct setting *setting,
		      unsigned int point, settings_is_list is_list, char *value)
{
	if (list_length(setting, is_list) > 1)
		copy_element(setting->value, element_at(settings, setting, point, is_list), value);
	else
		snprintf(value, SETTINGS_VALUE_MAX, "%s", setting->value);
}

static const struct setting *parameter(const struct settings *settings, const char *name,
				       size_t len)
{
	const struct setting *found = NULL;

	for (size_t i = 0; i < settings->nr; i++) {
		const struct setting *setting = &settings->list[i];

		if (!strcmp(setting->section, "parameter") && strlen(setting->name) == len &&
		    !strncmp(setting->name, name, len) && !strcmp(setting->key, "default"))
			found = setting;
	}
	return found;
}

int settings_value(const struct settings *settings, const struct setting *setting,
		   unsigned int point, settings_is_list is_list, char *value, struct sim_error *err)
{
	char raw[SETTINGS_VALUE_MAX], put[SETTINGS_VALUE_MAX];
	size_t used = 0;

	raw_value(settings, setting, point, is_list, raw);
	for (const char *at = raw; *at;) {
		size_t len = strncmp(at, "${", 2) ? 0 : strcspn(at, "}");
		const struct setting *p =
			len && at[len] ? parameter(settings, at + 2, len - 2) : NULL;
		int n;

		if (len && !p)
			return sim_error_set(err, -EINVAL, setting->file, setting->line,
					     "expected ${NAME} of a parameter, found '%.40s'", at);
		if (p)
			raw_value(settings, p, point, is_list, put);
		n = snprintf(value + used, SETTINGS_VALUE_MAX - used, "%.*s",
			     p ? (int)strlen(put) : 1, p ? put : at);
		used += (size_t)n;
		if (used >= SETTINGS_VALUE_MAX)
			return sim_error_set(err, -EINVAL, setting->file, setting->line,
					     "expected a shorter value");
		at += p ? len + 1 : 1;
	}
	value[used] = '\0';
	return 0;
}

void settings_point_text(const struct settings *settings, unsigned int point,
			 settings_is_list is_list, char *buf, size_t size)
{
	char value[SETTINGS_VALUE_MAX];
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; i < settings->nr && used < size; i++) {
		const struct setting *s = &settings->list[i];
		bool named = *s->name && strcmp(s->section, "parameter");
		const char *key;

		if (list_length(s, is_list) < 2)
			continue;
		raw_value(settings, s, point, is_list, value);
		/* An axis of set is named as --set names it. */
		key = *s->name && !named ? s->name : s->key;
		key += strncmp(key, "set.", 4) ? 0 : 4;
		used += (size_t)snprintf(buf + used, size - used, "%s%s%s%s=%s", used ? " " : "",
					 named ? s->name : "", named ? "." : "", key, value);
	}
}
