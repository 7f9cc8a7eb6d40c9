/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service and its client.
 *
 *   echo serve NAME &      answers each text with itself
 *   echo call NAME TEXT    prints the answer
 *
 *   cc -o echo echo.c $(pkg-config --cflags --libs machclient)
 */
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A message is a header and whatever two programs agree on. The trailer is not sent: machd adds it
 * to what is received, so a buffer to receive into has room for it. */
struct text_message {
	mach_msg_header_t header;
	char text[256];
	mach_msg_max_trailer_t trailer;
};
#define TEXT_SIZE ((mach_msg_size_t)offsetof(struct text_message, trailer))

/* MACH_RCV_TRAILER_AUDIT asks for a trailer that says who sent the message, and cannot be forged.
 */
#define RECEIVE                                                            \
	(MACH_RCV_MSG | MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) | \
	 MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT))
#define AUDIT_PID 5 /* the word of the token that is the process */

static int fail(const char *what, kern_return_t code)
{
	fprintf(stderr, "%s: %s\n", what, mach_error_string(code));
	return 1;
}

static int serve(const char *name)
{
	struct text_message message;
	mach_port_t service;
	kern_return_t code;

	/* A receive right under that name: from now on others find it and can send to it. */
	code = bootstrap_check_in(bootstrap_port, name, &service);
	if (code != KERN_SUCCESS)
		return fail(name, code);
	puts("ready");
	fflush(stdout);
	for (;;) {
		code = mach_msg(&message.header, RECEIVE, 0, sizeof message, service,
				MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		if (code == MACH_RCV_TOO_LARGE)
			continue; /* machd has thrown it away */
		if (code != MACH_MSG_SUCCESS)
			return fail("receive", code);
		/* The trailer begins where the message ends. What a client says is not believed. */
		mach_msg_audit_trailer_t *trailer =
			(void *)((char *)&message + message.header.msgh_size);
		if (message.header.msgh_size != TEXT_SIZE) {
			mach_msg_destroy(&message.header); /* the rights that came with it */
			continue;
		}
		message.text[sizeof message.text - 1] = 0;
		printf("%u says %s\n", trailer->msgh_audit.val[AUDIT_PID], message.text);
		fflush(stdout);

		/* The right to answer came in the remote port, and goes away by answering. A client
		 * that did not wait for it is no reason to stop. */
		message.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		message.header.msgh_local_port = MACH_PORT_NULL;
		code = mach_msg(&message.header, MACH_SEND_MSG, TEXT_SIZE, 0, MACH_PORT_NULL,
				MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		if (code != MACH_MSG_SUCCESS)
			mach_msg_destroy(&message.header);
	}
}

static int call(const char *name, const char *text)
{
	struct text_message message = {.header = {0}};
	mach_port_t service, reply = mach_reply_port();
	kern_return_t code;

	code = bootstrap_look_up(bootstrap_port, name, &service);
	if (code != KERN_SUCCESS)
		return fail(name, code);
	snprintf(message.text, sizeof message.text, "%s", text);

	/* To the service, keeping the right to it; with a right to send one answer to us. Sending
	 * and waiting are one call. */
	message.header.msgh_bits =
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	message.header.msgh_remote_port = service;
	message.header.msgh_local_port = reply;
	code = mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, TEXT_SIZE,
			sizeof message, reply, 10000 /* ms */, MACH_PORT_NULL);
	if (code != MACH_MSG_SUCCESS)
		return fail("call", code);

	/* If the service ended without an answer, machd says so in its place. */
	if (message.header.msgh_id == MACH_NOTIFY_SEND_ONCE)
		return fail("call", MIG_SERVER_DIED);
	printf("%.*s\n", (int)sizeof message.text, message.text);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 4 && strcmp(argv[1], "call") == 0)
		return call(argv[2], argv[3]);
	fprintf(stderr, "usage: echo serve NAME | echo call NAME TEXT\n");
	return 2;
}
