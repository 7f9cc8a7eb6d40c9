/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON for machctl --json. Strings come from other processes: whatever bytes they hold, what
 * is written is valid UTF-8 and valid JSON.
 */
#include "client/machctl/json.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* Of a key, all of which stand in machctl; of 2^64 - 1. */
#define KEY_MAX	   60
#define DIGITS_MAX 20

static void flush(struct json *json)
{
	fwrite(json->text, 1, json->used, json->out);
	json->used = 0;
}

static void put(struct json *json, const void *bytes, size_t size)
{
	if (size > sizeof json->text - json->used)
		flush(json);
	if (size > sizeof json->text) {
		fwrite(bytes, 1, size, json->out);
		return;
	}
	memcpy(json->text + json->used, bytes, size);
	json->used += size;
}

/* Make room for `size` bytes, at most as many as the buffer has. */
static void need(struct json *json, size_t size)
{
	if (size > sizeof json->text - json->used)
		flush(json);
}

static void put_char(struct json *json, char c)
{
	need(json, 1);
	json->text[json->used++] = c;
}

static void put_text(struct json *json, const char *text)
{
	put(json, text, strlen(text));
}

static void put_digits(struct json *json, uint64_t value)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof digits;

	need(json, DIGITS_MAX);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (at < sizeof digits)
		json->text[json->used++] = digits[at++];
}

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

/* One character that does not stand for itself, or does outside of ASCII; its bytes. */
static unsigned write_special(struct json *json, const unsigned char *s)
{
	unsigned length = utf8_length(s);
	char escape[8];

	if (length == 0)
		put_text(json, "\\ufffd");
	else if (*s == '"' || *s == '\\' || *s < ' ' || *s == 0x7f)
		put(json, escape,
		    (size_t)snprintf(escape, sizeof escape,
				     *s == '"' || *s == '\\' ? "\\%c" : "\\u%04x", *s));
	else
		put(json, s, length);
	return length ? length : 1;
}

static void write_string(struct json *json, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	put_char(json, '"');
	for (;;) {
		size_t plain = plain_length(s);

		put(json, s, plain);
		s += plain;
		if (!*s)
			break;
		s += write_special(json, s);
	}
	put_char(json, '"');
}

/* Keys are plain, and short: a copy by hand is made before a function for that is called. */
static void put_key(struct json *json, const char *key)
{
	char *at;

	assert(strlen(key) < KEY_MAX);
	need(json, KEY_MAX + 4);
	at = json->text + json->used;
	*at++ = '"';
	while (*key)
		*at++ = *key++;
	*at++ = '"';
	*at++ = ':';
	*at++ = ' ';
	json->used = (size_t)(at - json->text);
}

/* What stands before a value: a comma, a new line in the outermost array, the key. */
static void begin_value(struct json *json, const char *key)
{
	if (json->inside)
		put_char(json, ',');
	if (json->depth == 1)
		put_char(json, '\n');
	else if (json->inside)
		put_char(json, ' ');
	if (key)
		put_key(json, key);
	json->inside = true;
}

static void begin_nest(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	put_char(json, bracket);
	json->depth++;
	json->inside = false;
}

static void end_nest(struct json *json, char bracket)
{
	json->depth--;
	if (json->depth == 0 && json->inside)
		put_char(json, '\n');
	put_char(json, bracket);
	json->inside = true;
	if (json->depth == 0) {
		put_char(json, '\n');
		flush(json);
	}
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
	put_char(json, '{');
	json->depth = 2; /* as an object within an array */
	json->inside = false;
}

void json_end_line(struct json *json)
{
	put_text(json, "}\n");
	flush(json);
	json->depth = 0;
	json->inside = false;
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	if (value)
		write_string(json, value);
	else
		put_text(json, "null");
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	put_digits(json, value);
}

void json_integer(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	if (value < 0)
		put_char(json, '-');
	put_digits(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	put_text(json, value ? "true" : "false");
}
