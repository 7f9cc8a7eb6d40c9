/* SPDX-License-Identifier: Apache-2.0 */
/* Words for ports and rights, the same in all commands. */
#include "client/machctl/port_words.h"

#include <mach/message.h>
#include <mach/port.h>
#include <stdio.h>
#include <string.h>

#include "protocol/watch.h"

/* The words for the rights of an entry: in a table, and in JSON. */
static const struct {
	mach_port_type_t bit;
	const char *brief, *name;
} rights[] = {
	{MACH_PORT_TYPE_RECEIVE, "recv", "receive"},
	{MACH_PORT_TYPE_SEND, "send", "send"},
	{MACH_PORT_TYPE_SEND_ONCE, "once", "send-once"},
	{MACH_PORT_TYPE_PORT_SET, "set", "port-set"},
	{MACH_PORT_TYPE_DEAD_NAME, "dead", "dead-name"},
};

#define RIGHT_COUNT (sizeof rights / sizeof *rights)

static const char *const kinds[] = {
	[MACHD_WATCH_PLAIN] = "port",
	[MACHD_WATCH_TASK_PORT] = "task",
	[MACHD_WATCH_HOST_PORT] = "host",
	[MACHD_WATCH_BOOTSTRAP_PORT] = "bootstrap",
	[MACHD_WATCH_SET] = "set",
	[MACHD_WATCH_DEAD] = "dead",
	[MACHD_WATCH_TIMER] = "timer",
	[MACHD_WATCH_SEMAPHORE] = "semaphore",
	[MACHD_WATCH_THREAD_PORT] = "thread",
	[MACHD_WATCH_VOUCHER] = "voucher",
	[MACHD_WATCH_FILEPORT] = "fileport",
	[MACHD_WATCH_CLOCK] = "clock",
	[MACHD_WATCH_EVENTLINK] = "eventlink",
	[MACHD_WATCH_MEMORY_ENTRY] = "memory",
};

/* In a list for people, and as a key of JSON. */
static const struct {
	uint32_t flag;
	const char *word, *key;
} flag_words[] = {
	{MACHD_WATCH_GUARDED, "guarded", "guarded"},
	{MACHD_WATCH_STRICT, "strictly", "strict"},
	{MACHD_WATCH_IMMOVABLE, "immovable", "immovable"},
	{MACHD_WATCH_REPLY, "reply port", "reply"},
	{MACHD_WATCH_SPECIAL, "special reply port", "special_reply"},
	{MACHD_WATCH_SERVICE, "service port", "service_port"},
	{MACHD_WATCH_CONNECTION, "connection port", "connection"},
	{MACHD_WATCH_FILTERED, "filtered", "filtered"},
	{MACHD_WATCH_IMPORTANCE, "takes importance", "importance"},
	{MACHD_WATCH_TEMPOWNER, "for its next owner", "temporary_owner"},
	{MACHD_WATCH_NSREQUEST, "no-senders asked for", "no_senders"},
	{MACHD_WATCH_PDREQUEST, "port-destroyed asked for", "port_destroyed"},
	{MACHD_WATCH_EVENTS, "has a descriptor", "descriptor"},
};

#define FLAG_COUNT (sizeof flag_words / sizeof *flag_words)

const char *port_kind(uint32_t kind)
{
	return kind < sizeof kinds / sizeof *kinds ? kinds[kind] : "unknown";
}

/* Append a word to a list; what does not fit is left out. */
static void append(char *text, size_t size, const char *between, const char *word)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? between : "", word);
}

const char *port_rights(uint32_t type, char text[PORT_RIGHTS_SIZE])
{
	text[0] = 0;
	for (unsigned i = 0; i < RIGHT_COUNT; i++)
		if (type & rights[i].bit)
			append(text, PORT_RIGHTS_SIZE, ",", rights[i].brief);
	return text[0] ? text : strcpy(text, "-");
}

void port_rights_json(struct json *json, const char *key, uint32_t type)
{
	json_array(json, key);
	for (unsigned i = 0; i < RIGHT_COUNT; i++)
		if (type & rights[i].bit)
			json_string(json, NULL, rights[i].name);
	json_end_array(json);
}

const char *port_right(uint32_t type)
{
	switch (type) {
	case MACH_MSG_TYPE_PORT_RECEIVE:
		return "receive";
	case MACH_MSG_TYPE_PORT_SEND:
		return "send";
	case MACH_MSG_TYPE_PORT_SEND_ONCE:
		return "send-once";
	}
	return "none";
}

const char *port_flags(uint32_t flags, char text[PORT_FLAGS_SIZE])
{
	text[0] = 0;
	for (unsigned i = 0; i < FLAG_COUNT; i++)
		if (flags & flag_words[i].flag)
			append(text, PORT_FLAGS_SIZE, ", ", flag_words[i].word);
	return text[0] ? text : strcpy(text, "-");
}

void port_flags_json(struct json *json, uint32_t flags)
{
	for (unsigned i = 0; i < FLAG_COUNT; i++)
		json_bool(json, flag_words[i].key, flags & flag_words[i].flag);
}
