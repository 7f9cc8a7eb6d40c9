/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hello and welcome as msgpack maps. A table says which key goes where; reading a key that the
 * table does not know skips its value. Used by daemon/trap at the first frame of a channel and by
 * the client library before its first message.
 */
#include "protocol/hello.h"

#include <string.h>

#include "protocol/reader.h"
#include "protocol/writer.h"

/* One key of a map, and how to read its value into the struct. */
struct key {
	const char *name;
	bool (*read)(struct machd_reader *reader, void *into);
	const char *problem; /* for the log, when the value is not what it should be */
};

static bool read_versions(struct machd_reader *reader, void *into)
{
	struct machd_hello *hello = into;
	uint32_t count;

	return machd_read_array(reader, &count) && count == 2 &&
	       machd_read_u32(reader, &hello->version_oldest) &&
	       machd_read_u32(reader, &hello->version_newest) && hello->version_oldest > 0 &&
	       hello->version_oldest <= hello->version_newest;
}

static bool read_word(struct machd_reader *reader, void *into)
{
	struct machd_hello *hello = into;

	return machd_read_u32(reader, &hello->word) && (hello->word == 32 || hello->word == 64);
}

static bool text_is(const char *text, size_t size, const char *expected)
{
	return size == strlen(expected) && memcmp(text, expected, size) == 0;
}

static bool read_role(struct machd_reader *reader, void *into)
{
	struct machd_hello *hello = into;
	const char *text;
	size_t size;

	if (!machd_read_string(reader, &text, &size))
		return false;
	if (text_is(text, size, "task"))
		hello->role = MACHD_ROLE_TASK;
	else if (text_is(text, size, "watch"))
		hello->role = MACHD_ROLE_WATCH;
	return hello->role != 0;
}

static bool read_pid_namespace(struct machd_reader *reader, void *into)
{
	return machd_read_uint(reader, &((struct machd_hello *)into)->pid_namespace);
}

static bool read_join_token(struct machd_reader *reader, void *into)
{
	struct machd_hello *hello = into;

	hello->joins = true;
	return machd_read_bytes(reader, hello->token, sizeof hello->token);
}

static bool read_parent_token(struct machd_reader *reader, void *into)
{
	struct machd_hello *hello = into;

	hello->inherits = true;
	return machd_read_bytes(reader, hello->parent, sizeof hello->parent);
}

static const struct key hello_keys[] = {
	{"machd", read_versions, "its versions are not two numbers in order"},
	{"word", read_word, "its word size is neither 32 nor 64"},
	{"role", read_role, "its role is neither task nor watch"},
	{"pidns", read_pid_namespace, "its pid namespace is not a number"},
	{"token", read_join_token, "its token is not 16 bytes"},
	{"parent", read_parent_token, "its parent's token is not 16 bytes"},
};
#define HELLO_KEYS     (sizeof hello_keys / sizeof *hello_keys)
#define HELLO_REQUIRED 0x0fu /* a bit for each row: all but the tokens */

static bool read_version(struct machd_reader *reader, void *into)
{
	return machd_read_u32(reader, &((struct machd_welcome *)into)->version);
}

static bool read_task(struct machd_reader *reader, void *into)
{
	return machd_read_uint(reader, &((struct machd_welcome *)into)->task);
}

static bool read_thread(struct machd_reader *reader, void *into)
{
	return machd_read_uint(reader, &((struct machd_welcome *)into)->thread);
}

static bool read_token(struct machd_reader *reader, void *into)
{
	return machd_read_bytes(reader, ((struct machd_welcome *)into)->token, MACHD_TOKEN_SIZE);
}

static bool read_self(struct machd_reader *reader, void *into)
{
	return machd_read_u32(reader, &((struct machd_welcome *)into)->self);
}

static bool read_host(struct machd_reader *reader, void *into)
{
	return machd_read_u32(reader, &((struct machd_welcome *)into)->host);
}

static bool read_bootstrap(struct machd_reader *reader, void *into)
{
	return machd_read_u32(reader, &((struct machd_welcome *)into)->bootstrap);
}

static bool read_inline_max(struct machd_reader *reader, void *into)
{
	return machd_read_u32(reader, &((struct machd_welcome *)into)->inline_max);
}

static bool read_error(struct machd_reader *reader, void *into)
{
	struct machd_welcome *welcome = into;
	const char *text;
	size_t size;

	if (!machd_read_string(reader, &text, &size) || size >= sizeof welcome->error)
		return false;
	memcpy(welcome->error, text, size);
	return true;
}

static const struct key welcome_keys[] = {
	{"machd", read_version, "its version is not a number"},
	{"task", read_task, "its task is not a number"},
	{"token", read_token, "its token is not 16 bytes"},
	{"self", read_self, "its task port is not a name"},
	{"host", read_host, "its host port is not a name"},
	{"bootstrap", read_bootstrap, "its bootstrap port is not a name"},
	{"inline", read_inline_max, "its inline limit is not a number"},
	{"error", read_error, "its error is not a short text"},
	{"thread", read_thread, "its thread is not a number"},
};
#define WELCOME_KEYS	 (sizeof welcome_keys / sizeof *welcome_keys)
#define WELCOME_REQUIRED 0x17fu /* all but the error */
#define REFUSAL_REQUIRED 0x81u	/* version and error */

static const struct key *find_key(const struct key *keys, size_t count, const char *text,
				  size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(text, size, keys[i].name))
			return &keys[i];
	return NULL;
}

/* Read a whole map into a struct that starts zeroed; `seen` gets a bit for each row found. */
static const char *read_map(const void *bytes, size_t size, const struct key *keys, size_t count,
			    void *into, uint32_t *seen)
{
	struct machd_reader reader;
	uint32_t pairs;

	*seen = 0;
	machd_reader_init(&reader, bytes, size);
	if (!machd_read_map(&reader, &pairs))
		return "it is not a map";
	while (pairs--) {
		const struct key *key;
		const char *text;
		size_t length;

		if (!machd_read_string(&reader, &text, &length))
			return "a key is not a string";
		key = find_key(keys, count, text, length);
		if (!key) {
			if (!machd_read_skip(&reader))
				return "the value of an unknown key is broken";
			continue;
		}
		if (*seen & 1u << (key - keys))
			return "a key comes twice";
		*seen |= 1u << (key - keys);
		if (!key->read(&reader, into))
			return key->problem;
	}
	return machd_reader_done(&reader) ? NULL : "there are bytes behind it";
}

size_t machd_hello_pack(const struct machd_hello *hello, void *buffer, size_t size)
{
	struct machd_writer writer;

	machd_writer_init(&writer, buffer, size);
	machd_write_map(&writer, 4u + hello->joins + hello->inherits);
	machd_write_string(&writer, "machd");
	machd_write_array(&writer, 2);
	machd_write_uint(&writer, hello->version_oldest);
	machd_write_uint(&writer, hello->version_newest);
	machd_write_string(&writer, "word");
	machd_write_uint(&writer, hello->word);
	machd_write_string(&writer, "role");
	machd_write_string(&writer, hello->role == MACHD_ROLE_WATCH ? "watch" : "task");
	machd_write_string(&writer, "pidns");
	machd_write_uint(&writer, hello->pid_namespace);
	if (hello->joins) {
		machd_write_string(&writer, "token");
		machd_write_bytes(&writer, hello->token, sizeof hello->token);
	}
	if (hello->inherits) {
		machd_write_string(&writer, "parent");
		machd_write_bytes(&writer, hello->parent, sizeof hello->parent);
	}
	return machd_writer_end(&writer);
}

static void pack_refusal(struct machd_writer *writer, const struct machd_welcome *welcome)
{
	machd_write_map(writer, 2);
	machd_write_string(writer, "machd");
	machd_write_uint(writer, 0);
	machd_write_string(writer, "error");
	machd_write_string(writer, welcome->error);
}

static void pack_acceptance(struct machd_writer *writer, const struct machd_welcome *welcome)
{
	machd_write_map(writer, 8);
	machd_write_string(writer, "machd");
	machd_write_uint(writer, welcome->version);
	machd_write_string(writer, "task");
	machd_write_uint(writer, welcome->task);
	machd_write_string(writer, "token");
	machd_write_bytes(writer, welcome->token, sizeof welcome->token);
	machd_write_string(writer, "self");
	machd_write_uint(writer, welcome->self);
	machd_write_string(writer, "host");
	machd_write_uint(writer, welcome->host);
	machd_write_string(writer, "bootstrap");
	machd_write_uint(writer, welcome->bootstrap);
	machd_write_string(writer, "inline");
	machd_write_uint(writer, welcome->inline_max);
	machd_write_string(writer, "thread");
	machd_write_uint(writer, welcome->thread);
}

size_t machd_welcome_pack(const struct machd_welcome *welcome, void *buffer, size_t size)
{
	struct machd_writer writer;

	machd_writer_init(&writer, buffer, size);
	if (welcome->version == 0)
		pack_refusal(&writer, welcome);
	else
		pack_acceptance(&writer, welcome);
	return machd_writer_end(&writer);
}

const char *machd_hello_unpack(const void *bytes, size_t size, struct machd_hello *hello)
{
	const char *problem;
	uint32_t seen;

	memset(hello, 0, sizeof *hello);
	problem = read_map(bytes, size, hello_keys, HELLO_KEYS, hello, &seen);
	if (problem)
		return problem;
	return (seen & HELLO_REQUIRED) == HELLO_REQUIRED ? NULL : "a key is missing";
}

const char *machd_welcome_unpack(const void *bytes, size_t size, struct machd_welcome *welcome)
{
	const char *problem;
	uint32_t required, seen;

	memset(welcome, 0, sizeof *welcome);
	problem = read_map(bytes, size, welcome_keys, WELCOME_KEYS, welcome, &seen);
	if (problem)
		return problem;
	required = welcome->version == 0 ? REFUSAL_REQUIRED : WELCOME_REQUIRED;
	return (seen & required) == required ? NULL : "a key is missing";
}
