/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON: see json.c. What is written reaches `out` when the outermost value ends, or when it
 * is much: there may be millions of numbers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned depth; /* of open objects and arrays */
	bool inside;	/* something stands in the innermost one, a comma comes next */
	size_t used;	/* of what has not reached `out` yet */
	char text[4096];
};

/*
 * `key` names the member of an object; NULL: an element of an array, or the outermost value.
 * Each element of the outermost array gets a line.
 */
void json_array(struct json *json, const char *key);
void json_object(struct json *json, const char *key);
void json_end_array(struct json *json);
void json_end_object(struct json *json);

/* An object that is a line by itself, in no array: for output that goes on. */
void json_line(struct json *json);
void json_end_line(struct json *json);

/* `value` NULL writes null. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_integer(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
