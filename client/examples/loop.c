/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service in an event loop, here libuv's, beside whatever else the loop does. It answers the
 * calls of the example echo, with the text in capitals; a signal ends it.
 *
 *   loop NAME &
 *   echo call NAME TEXT
 *
 *   cc -o loop loop.c $(pkg-config --cflags --libs machclient libuv)
 */
#include <ctype.h>
#include <mach/mach.h>
#include <machd_event.h>
#include <servers/bootstrap.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <uv.h>

struct text_message {
	mach_msg_header_t header;
	char text[256];
	mach_msg_max_trailer_t trailer;
};
#define TEXT_SIZE ((mach_msg_size_t)offsetof(struct text_message, trailer))

static struct {
	mach_port_t service;
	int fd;
	uv_poll_t calls;
	uv_signal_t end;
	unsigned answered;
} server;

static void answer(struct text_message *message)
{
	mach_msg_header_t *header = &message->header;

	if (header->msgh_size != TEXT_SIZE) {
		mach_msg_destroy(header);
		return;
	}
	for (size_t i = 0; i < sizeof message->text; i++)
		message->text[i] = (char)toupper((unsigned char)message->text[i]);
	header->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(header->msgh_bits), 0);
	header->msgh_local_port = MACH_PORT_NULL;
	/* In a loop nothing may wait: a queue that is full is the client's loss. */
	if (mach_msg(header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, TEXT_SIZE, 0, MACH_PORT_NULL, 0,
		     MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		mach_msg_destroy(header);
	else
		server.answered++;
}

/* The descriptor is readable while a message waits; take a few, the loop has others to serve. */
static void on_calls(uv_poll_t *poll, int status, int events)
{
	struct text_message message;

	(void)events;
	if (status < 0) { /* the connection to machd is lost, and all ports with it */
		uv_stop(poll->loop);
		return;
	}
	for (int i = 0; i < 32; i++) {
		if (machd_port_receive(server.service, 0, &message, sizeof message, NULL) !=
		    MACH_MSG_SUCCESS)
			return;
		answer(&message);
	}
}

static void on_end(uv_signal_t *signal, int number)
{
	(void)number;
	uv_stop(signal->loop);
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	kern_return_t code;

	if (argc != 2) {
		fprintf(stderr, "usage: loop NAME\n");
		return 2;
	}
	code = bootstrap_check_in(bootstrap_port, argv[1], &server.service);
	if (code == KERN_SUCCESS)
		code = machd_port_fd(server.service, &server.fd);
	if (code != KERN_SUCCESS) {
		fprintf(stderr, "%s: %s\n", argv[1], mach_error_string(code));
		return 1;
	}
	uv_poll_init(loop, &server.calls, server.fd);
	uv_poll_start(&server.calls, UV_READABLE, on_calls);
	uv_signal_init(loop, &server.end);
	uv_signal_start(&server.end, on_end, SIGTERM);
	puts("ready");
	fflush(stdout);

	uv_run(loop, UV_RUN_DEFAULT);

	printf("answered %u calls\n", server.answered);
	uv_poll_stop(&server.calls);
	uv_signal_stop(&server.end);
	machd_port_fd_close(server.fd);
	return 0;
}
