/* SPDX-License-Identifier: Apache-2.0 */
/* Shorthands of the demo programs: see demo.h. */
#include "tests/demo/demo.h"

#include <errno.h>
#include <mach/mach_error.h>
#include <servers/bootstrap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where demo.sh listens. */
#define CONDUCTOR 3

void demo_item_fill(struct demo_item *item, uint32_t index)
{
	item->index = index;
	for (uint32_t i = 0; i < sizeof item->data; i++)
		item->data[i] = (uint8_t)(index * 31 + (index >> 8) + i);
}

void demo_fail(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

void demo_check(kern_return_t code, const char *what)
{
	if (code != KERN_SUCCESS)
		demo_fail("%s: %s (%#x)", what, mach_error_string(code), (unsigned)code);
}

mach_port_t demo_check_in(const char *service)
{
	mach_port_t port;

	demo_check(bootstrap_check_in(bootstrap_port, service, &port), service);
	return port;
}

mach_port_t demo_look_up(const char *service)
{
	mach_port_t port;

	demo_check(bootstrap_look_up(bootstrap_port, service, &port), service);
	return port;
}

static void address(mach_msg_header_t *message, mach_port_t port, mach_port_t reply,
		    mach_msg_size_t size, uint32_t id)
{
	message->msgh_bits &= MACH_MSGH_BITS_COMPLEX;
	message->msgh_bits |=
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, reply ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0);
	message->msgh_size = size;
	message->msgh_remote_port = port;
	message->msgh_local_port = reply;
	message->msgh_voucher_port = MACH_PORT_NULL;
	message->msgh_id = (mach_msg_id_t)id;
}

void demo_send(mach_port_t port, mach_msg_header_t *message, mach_msg_size_t size, uint32_t id)
{
	address(message, port, MACH_PORT_NULL, size, id);
	demo_check(mach_msg(message, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
			    MACH_PORT_NULL),
		   "send");
}

void demo_call(mach_port_t port, mach_msg_header_t *message, mach_msg_size_t size,
	       mach_msg_size_t room, uint32_t id)
{
	mach_port_t reply = mig_get_reply_port();

	address(message, port, reply, size, id);
	demo_check(mach_msg(message, MACH_SEND_MSG | MACH_RCV_MSG, size, room, reply,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "call");
	if (message->msgh_id != (mach_msg_id_t)(id + DEMO_ANSWER))
		demo_fail("call: message %d is not the answer to %u", message->msgh_id, id);
}

void demo_turn_round(mach_msg_header_t *message, mach_msg_size_t size)
{
	message->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(message->msgh_bits), 0);
	message->msgh_size = size;
	message->msgh_local_port = MACH_PORT_NULL;
	message->msgh_voucher_port = MACH_PORT_NULL;
	message->msgh_id += DEMO_ANSWER;
}

void demo_reached(void)
{
	fflush(stdout);
	if (write(CONDUCTOR, "\n", 1) != 1)
		demo_fail("demo.sh does not listen on descriptor %d", CONDUCTOR);
}

void demo_await(void)
{
	char c;

	do
		if (read(STDIN_FILENO, &c, 1) != 1)
			demo_fail("demo.sh is gone");
	while (c != '\n');
}
