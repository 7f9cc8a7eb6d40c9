/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON for machctl --json. Strings come from other processes: whatever bytes they hold, what
 * is written is valid UTF-8 and valid JSON.
 */
#include "client/machctl/json.h"

#include <stddef.h>

/* Bytes of the UTF-8 character at `s`, 0 if there is none. A zero byte ends the string. */
static unsigned utf8_length(const unsigned char *s)
{
	/* What the second byte may be; tighter where overlong forms, surrogates or too large
	 * values would hide. */
	unsigned char low = 0x80, high = 0xbf;
	unsigned length = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;

	if (*s > 0xf4)
		return 0;
	if (*s == 0xe0)
		low = 0xa0;
	else if (*s == 0xed)
		high = 0x9f;
	else if (*s == 0xf0)
		low = 0x90;
	else if (*s == 0xf4)
		high = 0x8f;
	for (unsigned i = 1; i < length; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return length;
}

/* Bytes that stand for themselves in JSON; most strings have no others. */
static size_t plain_length(const unsigned char *s)
{
	size_t length = 0;

	while (s[length] >= ' ' && s[length] < 0x7f && s[length] != '"' && s[length] != '\\')
		length++;
	return length;
}

static void write_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	for (;;) {
		size_t plain = plain_length(s);
		unsigned length;

		fwrite(s, 1, plain, out);
		s += plain;
		if (!*s)
			break;
		length = utf8_length(s);

		if (length == 0)
			fputs("\\ufffd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < ' ' || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, length, out);
		s += length ? length : 1;
	}
	fputc('"', out);
}

/* What stands before a value: a comma, a new line in the outermost array, the key. */
static void begin_value(struct json *json, const char *key)
{
	if (json->inside)
		fputs(json->depth == 1 ? "," : ", ", json->out);
	if (json->depth == 1)
		fputc('\n', json->out);
	if (key) {
		write_string(json->out, key);
		fputs(": ", json->out);
	}
	json->inside = true;
}

static void begin_nest(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	fputc(bracket, json->out);
	json->depth++;
	json->inside = false;
}

static void end_nest(struct json *json, char bracket)
{
	json->depth--;
	if (json->depth == 0 && json->inside)
		fputc('\n', json->out);
	fputc(bracket, json->out);
	if (json->depth == 0)
		fputc('\n', json->out);
	json->inside = true;
}

void json_array(struct json *json, const char *key)
{
	begin_nest(json, key, '[');
}

void json_object(struct json *json, const char *key)
{
	begin_nest(json, key, '{');
}

void json_end_array(struct json *json)
{
	end_nest(json, ']');
}

void json_end_object(struct json *json)
{
	end_nest(json, '}');
}

void json_line(struct json *json)
{
	fputc('{', json->out);
	json->depth = 2; /* as an object within an array */
	json->inside = false;
}

void json_end_line(struct json *json)
{
	fputs("}\n", json->out);
	json->depth = 0;
	json->inside = false;
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	if (value)
		write_string(json->out, value);
	else
		fputs("null", json->out);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_integer(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%lld", (long long)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}
