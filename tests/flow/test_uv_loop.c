/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server in libuv's loop, as programs have it: one poll handle for a set of services, messages
 * received in its callback, and answered there.
 */
#include <machd_event.h>
#include <servers/bootstrap.h>
#include <uv.h>

#include "tests/flow/flow.h"

enum { SERVICES = 4, CALLS = 200, CLIENTS = 2 };

static const char *const names[SERVICES] = {"uv.0", "uv.1", "uv.2", "uv.3"};

struct call {
	mach_msg_header_t header;
	uint32_t number;
	mach_msg_max_trailer_t trailer;
};

#define CALL_SIZE ((mach_msg_size_t)offsetof(struct call, trailer))

static void client(void *argument)
{
	mach_port_t reply = mach_reply_port(), service;

	(void)argument;
	for (uint32_t i = 0; i < CALLS; i++) {
		struct call call = {.number = i};

		CHECK_OK(bootstrap_look_up(bootstrap_port, names[i % SERVICES], &service));
		call.header.msgh_bits =
			MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
		call.header.msgh_remote_port = service;
		call.header.msgh_local_port = reply;
		CHECK_OK(mach_msg(&call.header, MACH_SEND_MSG | MACH_RCV_MSG, CALL_SIZE,
				  sizeof call, reply, 0, MACH_PORT_NULL));
		CHECK_EQ(call.number, i + 1);
	}
}

static struct {
	uv_loop_t loop;
	uv_poll_t poll;
	mach_port_t set;
	unsigned served;
	bool over;
} server;

static void answer(struct call *call)
{
	call->header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	call->header.msgh_local_port = MACH_PORT_NULL;
	call->number++;
	CHECK_OK(mach_msg(&call->header, MACH_SEND_MSG, CALL_SIZE, 0, MACH_PORT_NULL, 0,
			  MACH_PORT_NULL));
}

static void on_messages(uv_poll_t *poll, int status, int events)
{
	mach_msg_return_t code;
	struct call call;

	CHECK(status == 0 && events == UV_READABLE);
	while ((code = machd_port_receive(server.set, 0, &call, sizeof call, NULL)) ==
	       MACH_MSG_SUCCESS) {
		answer(&call);
		server.served++;
	}
	CHECK_CODE(code, MACH_RCV_TIMED_OUT);
	if (server.served == CLIENTS * CALLS)
		uv_poll_stop(poll);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
	machd_event_t event;
	uint32_t count = 1;
	uv_os_fd_t fd;

	CHECK(status == 0 && events == UV_READABLE);
	CHECK(uv_fileno((uv_handle_t *)poll, &fd) == 0);
	CHECK_OK(machd_port_fd_next(fd, &event, &count));
	CHECK_EQ(count, 1);
	CHECK_EQ(event.what, MACHD_EVENT_GONE);
	server.over = true;
	uv_close((uv_handle_t *)poll, NULL);
}

START_TEST(services_in_a_loop)
{
	struct flow_child children[CLIENTS];
	mach_port_t port;
	int fd;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &server.set));
	for (unsigned i = 0; i < SERVICES; i++) {
		CHECK_OK(bootstrap_check_in(bootstrap_port, names[i], &port));
		CHECK_OK(mach_port_insert_member(mach_task_self(), port, server.set));
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		flow_fork(&children[i], client, NULL);
	CHECK_OK(machd_port_fd(server.set, &fd));
	CHECK(uv_loop_init(&server.loop) == 0);
	CHECK(uv_poll_init(&server.loop, &server.poll, fd) == 0);
	CHECK(uv_poll_start(&server.poll, UV_READABLE, on_messages) == 0);
	CHECK(uv_run(&server.loop, UV_RUN_DEFAULT) == 0);
	CHECK_EQ(server.served, CLIENTS * CALLS);
	for (unsigned i = 0; i < CLIENTS; i++)
		flow_join(&children[i]);
	/* The loop also hears of the end. */
	CHECK(uv_poll_start(&server.poll, UV_READABLE, on_end) == 0);
	CHECK_OK(mach_port_destroy(mach_task_self(), server.set));
	CHECK(uv_run(&server.loop, UV_RUN_DEFAULT) == 0);
	CHECK(server.over);
	CHECK_OK(machd_port_fd_close(fd));
	CHECK(uv_loop_close(&server.loop) == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uv_loop");
	TCase *tests = flow_case(suite, "libuv");

	tcase_add_test(tests, services_in_a_loop);
	return flow_run(suite);
}
