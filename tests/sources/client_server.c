/* SPDX-License-Identifier: Apache-2.0 */
/* The first program of most tutorials: a server and its client, all with mach_msg(). */
#include <mach/mach.h>
#include <mach/mach_error.h>
#include <mach/message.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_NAME "org.example.sources"

typedef struct {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
	mach_msg_ool_descriptor_t memory;
	int number;
	char text[32];
} request_t;

typedef struct {
	request_t request;
	mach_msg_audit_trailer_t trailer;
} receive_t;

static void fail(const char *what, kern_return_t kr)
{
	mach_error(what, kr);
	fprintf(stderr, "%s: %s (%s)\n", what, mach_error_string(kr), mach_error_type(kr));
	exit(EXIT_FAILURE);
}

static mach_port_t publish(void)
{
	mach_port_t port = MACH_PORT_NULL;
	mach_port_limits_t limits = {MACH_PORT_QLIMIT_LARGE};
	kern_return_t kr;

	kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (kr != KERN_SUCCESS)
		fail("mach_port_allocate", kr);
	kr = mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
	if (kr != KERN_SUCCESS)
		fail("mach_port_insert_right", kr);
	kr = mach_port_set_attributes(mach_task_self(), port, MACH_PORT_LIMITS_INFO,
				      (mach_port_info_t)&limits, MACH_PORT_LIMITS_INFO_COUNT);
	if (kr != KERN_SUCCESS)
		fail("mach_port_set_attributes", kr);
	kr = bootstrap_register(bootstrap_port, (char *)SERVICE_NAME, port);
	if (kr != BOOTSTRAP_SUCCESS)
		fail(bootstrap_strerror(kr), kr);
	return port;
}

static void serve(mach_port_t port)
{
	receive_t message;
	mach_msg_return_t mr;

	memset(&message, 0, sizeof(message));
	message.request.header.msgh_size = sizeof(message);
	message.request.header.msgh_local_port = port;
	mr = mach_msg(&message.request.header,
		      MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT |
			      MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
			      MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT),
		      0, sizeof(message), port, 1000, MACH_PORT_NULL);
	if (mr == MACH_RCV_TIMED_OUT)
		return;
	if (mr != MACH_MSG_SUCCESS)
		fail("mach_msg", mr);
	if (MACH_MSGH_BITS_IS_COMPLEX(message.request.header.msgh_bits) &&
	    message.request.body.msgh_descriptor_count == 2 &&
	    message.request.port.type == MACH_MSG_PORT_DESCRIPTOR)
		printf("%d from uid %u: %s, %u bytes\n", message.request.number,
		       message.trailer.msgh_audit.val[1], message.request.text,
		       (unsigned)message.request.memory.size);
	vm_deallocate(mach_task_self(), (vm_address_t)message.request.memory.address,
		      message.request.memory.size);
	mach_port_deallocate(mach_task_self(), message.request.port.name);
}

static void ask(mach_port_t reply)
{
	static char bytes[4096];
	mach_port_t service;
	request_t request;
	kern_return_t kr = bootstrap_look_up(bootstrap_port, (char *)SERVICE_NAME, &service);

	if (kr != KERN_SUCCESS)
		fail("bootstrap_look_up", kr);
	memset(&request, 0, sizeof(request));
	request.header.msgh_bits = MACH_MSGH_BITS_SET(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, MACH_MSGH_BITS_COMPLEX);
	request.header.msgh_remote_port = service;
	request.header.msgh_local_port = reply;
	request.header.msgh_size = sizeof(request);
	request.header.msgh_reserved = 0;
	request.header.msgh_id = 0x1234;
	request.body.msgh_descriptor_count = 2;
	request.port.name = reply;
	request.port.disposition = MACH_MSG_TYPE_MAKE_SEND;
	request.port.type = MACH_MSG_PORT_DESCRIPTOR;
	request.memory.address = bytes;
	request.memory.size = sizeof(bytes);
	request.memory.copy = MACH_MSG_VIRTUAL_COPY;
	request.memory.deallocate = FALSE;
	request.memory.type = MACH_MSG_OOL_DESCRIPTOR;
	strcpy(request.text, "hello");
	kr = mach_msg_send(&request.header);
	if (kr == MACH_SEND_INVALID_DEST || kr != MACH_MSG_SUCCESS)
		fail("mach_msg_send", kr);
}

int main(void)
{
	mach_port_t port = publish();

	ask(port);
	serve(port);
	return mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}
