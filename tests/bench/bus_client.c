/* SPDX-License-Identifier: Apache-2.0 */
/* The least D-Bus client: fixed little-endian messages and nothing looked at twice; see bus.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/bench/bus.h"

/* The fixed head of a message, and the header fields used here. */
enum { AT_TYPE = 1, AT_BODY_SIZE = 4, AT_SERIAL = 8, AT_FIELDS_SIZE = 12, FIELDS = 16 };
enum { PATH = 1, INTERFACE = 2, MEMBER = 3, REPLY_SERIAL = 5, DESTINATION = 6, SENDER = 7 };
enum { SIGNATURE = 8 };

static size_t align8(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static uint32_t load(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static size_t put(char *message, size_t at, uint32_t value)
{
	memcpy(message + at, &value, sizeof value);
	return at + sizeof value;
}

static size_t put_field(char *message, size_t at, char code, char type)
{
	memset(message + at, 0, 8);
	at = align8(at);
	message[at] = code;
	message[at + 1] = 1;
	message[at + 2] = type;
	message[at + 3] = 0;
	return at + 4;
}

static size_t put_string(char *message, size_t at, char code, char type, const char *text)
{
	size_t length = strlen(text);

	at = put(message, put_field(message, at, code, type), (uint32_t)length);
	memcpy(message + at, text, length + 1);
	return at + length + 1;
}

static size_t build(char *message, enum bus_type type, uint32_t serial, const char *peer,
		    const char *member, const char *bytes, uint32_t size)
{
	size_t at = FIELDS, body;

	memcpy(message, "l\0\0\1", 4);
	message[AT_TYPE] = (char)type;
	put(message, AT_SERIAL, serial);
	if (type == BUS_CALL) {
		at = put_string(message, at, PATH, 'o', "/org/freedesktop/DBus");
		at = put_string(message, at, INTERFACE, 's', "org.freedesktop.DBus");
		at = put_string(message, at, MEMBER, 's', member);
	} else {
		at = put(message, put_field(message, at, REPLY_SERIAL, 'u'), serial);
	}
	at = put_string(message, at, DESTINATION, 's', peer);
	if (bytes) {
		at = put_field(message, at, SIGNATURE, 'g');
		memcpy(message + at, "\2ay", 4);
		at += 4;
	}
	put(message, AT_FIELDS_SIZE, (uint32_t)(at - FIELDS));
	body = align8(at);
	memset(message + at, 0, body - at);
	if (bytes) {
		memcpy(message + put(message, body, size), bytes, size);
		size += (uint32_t)sizeof size;
	}
	put(message, AT_BODY_SIZE, size);
	return body + size;
}

/* The value of a header field: NULL if the message has none such. */
static const char *find_field(const char *message, char code)
{
	size_t at = FIELDS, end = FIELDS + load(message + AT_FIELDS_SIZE);

	while (at < end) {
		at = align8(at);
		if (message[at] == code)
			return message + at + 4;
		if (message[at + 2] == 'g')
			at += 6 + (unsigned char)message[at + 4];
		else
			at += message[at + 2] == 'u' ? 8 : 9 + load(message + at + 4);
	}
	return NULL;
}

static void send_all(int sock, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(sock, bytes, size, MSG_NOSIGNAL);

		if (sent < 0)
			bench_die("send to the bus");
		bytes += sent;
		size -= (size_t)sent;
	}
}

/* Have a whole message at the start of the buffer: its size. */
static size_t fill(struct bus_client *client)
{
	for (;;) {
		size_t size = 0;
		ssize_t got;

		if (client->have >= FIELDS)
			size = align8(FIELDS + load(client->in + AT_FIELDS_SIZE)) +
			       load(client->in + AT_BODY_SIZE);
		if (size && client->have >= size)
			return size;
		got = recv(client->sock, client->in + client->have,
			   sizeof client->in - client->have, 0);
		if (got <= 0)
			bench_die("the bus");
		client->have += (size_t)got;
	}
}

uint32_t bus_next(struct bus_client *client, enum bus_type type, char *sender)
{
	const char *field;

	do {
		client->have -= client->taken;
		memmove(client->in, client->in + client->taken, client->have);
		client->taken = 0;
		client->taken = fill(client);
		if (client->in[AT_TYPE] == BUS_ERROR) {
			fprintf(stderr, "an error from the bus\n");
			exit(1);
		}
	} while (client->in[AT_TYPE] != (char)type);
	field = sender ? find_field(client->in, SENDER) : NULL;
	if (sender)
		snprintf(sender, 32, "%s", field ? field + 4 : "");
	field = type == BUS_RETURN ? find_field(client->in, REPLY_SERIAL) : client->in + AT_SERIAL;
	return field ? load(field) : 0;
}

void bus_send(struct bus_client *client, enum bus_type type, uint32_t serial, const char *peer,
	      const char *bytes, uint32_t size)
{
	send_all(client->sock, client->out,
		 build(client->out, type, serial, peer, "Echo", bytes, size));
}

struct bus_client *bus_connect(void)
{
	static const char greeting[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct bus_client *client = bench_alloc(sizeof *client);
	char byte = 0;

	strcpy(address.sun_path, bus_path());
	client->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->sock < 0 || connect(client->sock, (struct sockaddr *)&address, sizeof address))
		bench_die("connect");
	send_all(client->sock, greeting, sizeof greeting - 1);
	send_all(client->sock, client->out,
		 build(client->out, BUS_CALL, 1, "org.freedesktop.DBus", "Hello", NULL, 0));
	/* Skip the two lines of the other half of the authentication. */
	for (int lines = 0; lines < 2; lines += byte == '\n')
		if (recv(client->sock, &byte, 1, 0) != 1)
			bench_die("authentication");
	bus_next(client, BUS_RETURN, NULL);
	snprintf(client->name, sizeof client->name, "%s",
		 client->in + align8(FIELDS + load(client->in + AT_FIELDS_SIZE)) + 4);
	return client;
}
