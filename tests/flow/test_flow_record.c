/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of several processes is recorded and then done again from the record: the state machine
 * must end in the same state and give the same answers, byte for byte. flow_stop() compares.
 */
#include <pthread.h>
#include <servers/bootstrap.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

enum { ROUNDS = 200, LARGE = 100000 };

static void record(void)
{
	flow_start_with(&(struct flow_options){.record = true});
}

/* Answer calls, pass rights on, die with much unfinished. */
static void serve(void *unused)
{
	struct flow_message message;
	mach_port_t port, kept[ROUNDS];

	(void)unused;
	CHECK_OK(bootstrap_check_in(bootstrap_port, "flow.record", &port));
	flow_tell_parent(0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		flow_await(port, &message);
		kept[i] = message.port[0].name;
		if (i % 3 == 0)
			CHECK_OK(flow_send_to(message.header.msgh_remote_port, MOVE_ONCE, kept[i],
					      COPY, (mach_msg_id_t)i));
		else
			CHECK_OK(flow_send_to(message.header.msgh_remote_port, MOVE_ONCE, 0, 0,
					      (mach_msg_id_t)i));
		if (i % 5 == 0)
			CHECK_OK(mach_port_mod_refs(mach_task_self(), kept[i], MACH_PORT_RIGHT_SEND,
						    -1));
	}
	flow_tell_parent(0);
	flow_await(port, &message); /* killed here */
}

static void call(mach_port_t server, mach_port_t right, mach_port_t reply)
{
	struct flow_message message;

	flow_complex(&message, server, COPY, 1);
	message.header.msgh_local_port = reply;
	message.header.msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
	flow_add_port(&message, right, MAKE);
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, message.header.msgh_size,
			  sizeof message, reply, 0, 0));
}

static void *block_in_send(void *argument)
{
	struct flow_message message;

	flow_header(&message, *(mach_port_t *)argument, COPY, 0, 0, 1);
	CHECK_OK(mach_msg_send(&message.header));
	return NULL;
}

static void large_messages(void)
{
	mach_msg_header_t *message = calloc(1, LARGE + 8);
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 3; i++) {
		*message = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, 0),
					       .msgh_remote_port = port};
		CHECK_OK(mach_msg(message, MACH_SEND_MSG, LARGE, 0, 0, 0, 0));
	}
	CHECK_OK(mach_msg(message, MACH_RCV_MSG, 0, LARGE + 8, port, 0, 0));
	CHECK_OK(mach_port_destroy(mach_task_self(), port));
	free(message);
}

static void blocked_senders(void)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	pthread_t threads[4];

	flow_fill(port, 5);
	for (unsigned i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, block_in_send, &port) == 0);
	flow_await_waiting(getpid(), 4);
	flow_header(&message, port, COPY, 0, 0, 1);
	CHECK_CODE(mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 24, 0, 0, 2, 0),
		   MACH_SEND_TIMED_OUT);
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(mach_port_destroy(mach_task_self(), port));
	for (unsigned i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

START_TEST(a_run_of_several_processes_can_be_done_again)
{
	mach_port_t server, right = flow_receive_right(), reply = flow_receive_right(),
			    notify = flow_receive_right();
	struct flow_message message;
	struct flow_child child;

	flow_fork(&child, serve, NULL);
	flow_hear(&child);
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.record", &server));
	flow_request(server, MACH_NOTIFY_DEAD_NAME, 0, notify);
	for (unsigned i = 0; i < ROUNDS; i++)
		call(server, right, reply);
	flow_hear(&child);
	flow_request(right, MACH_NOTIFY_NO_SENDERS, 0, notify);
	flow_kill(&child);
	flow_await(notify, &message);
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_DEAD_NAME);
	/* Those that came back with the replies. */
	CHECK_OK(mach_port_mod_refs(mach_task_self(), right, MACH_PORT_RIGHT_SEND,
				    -(mach_port_delta_t)flow_refs(right, MACH_PORT_RIGHT_SEND)));
	flow_await(notify, &message);
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_NO_SENDERS);
	large_messages();
	blocked_senders();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, record, flow_stop);
	tcase_add_test(tests, a_run_of_several_processes_can_be_done_again);
	return flow_run(suite);
}
