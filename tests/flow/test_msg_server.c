/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg_server and mach_msg_server_once: which replies are sent, and what happens to those that
 * are not and to their requests. Sizes, and what ends a server: test_msg_server_end.c.
 *
 * Where nothing has to wait the requests are queued first, and the server is run by the same thread
 * with MACH_RCV_TIMEOUT: it then ends with MACH_RCV_TIMED_OUT when all are handled.
 */
#include <mach/mig_errors.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

#define MAX_SIZE 256

/* --- what the demux of a test does --- */

/* Fills in the rest of the reply, whose header is that of mig_reply_error_t. */
static void (*handler)(mach_msg_header_t *request, mach_msg_header_t *reply);

static unsigned handled;
static mach_msg_header_t last_request;

static boolean_t demux(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;

	last_request = *request;
	error->Head = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0),
		.msgh_size = sizeof *error,
		.msgh_remote_port = request->msgh_remote_port,
		.msgh_id = request->msgh_id + 100,
	};
	error->NDR = NDR_record;
	error->RetCode = KERN_SUCCESS;
	if (handler)
		handler(request, reply);
	handled++;
	return FALSE; /* what it says does not matter */
}

static void set_up(void)
{
	handler = NULL;
	handled = 0;
	flow_start();
}

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, set_up, flow_stop);
	suite_add_tcase(suite, tests);
	return tests;
}

static void set_code(mach_msg_header_t *reply, kern_return_t code)
{
	((mig_reply_error_t *)reply)->RetCode = code;
}

/* Handle all that is queued now. */
static void serve_queued(mach_port_t port)
{
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT), MACH_RCV_TIMED_OUT);
}

static void request(mach_port_t port, mach_port_t reply, mach_msg_type_name_t reply_type,
		    mach_msg_id_t id)
{
	CHECK_OK(flow_send_to(port, COPY, reply, reply_type, id));
}

static void expect_reply(mach_port_t port, mach_msg_id_t id)
{
	struct flow_message message;

	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, id);
}

/* --- one request --- */

START_TEST(once_handles_one_request_and_leaves_the_next)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	request(port, reply, MAKE_ONCE, 1);
	request(port, reply, MAKE_ONCE, 2);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	CHECK_EQ(handled, 1);
	CHECK_EQ(last_request.msgh_id, 1);
	CHECK_EQ(last_request.msgh_local_port, port);
	expect_reply(reply, 101);
	flow_notified(reply, -1);
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
}
END_TEST

START_TEST(once_says_why_it_could_not_receive)
{
	mach_port_t port = flow_port();

	CHECK_CODE(mach_msg_server_once(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT),
		   MACH_RCV_TIMED_OUT);
	CHECK_CODE(mach_msg_server_once(demux, MAX_SIZE, flow_missing_name(), 0),
		   MACH_RCV_INVALID_NAME);
	CHECK_EQ(handled, 0);
}
END_TEST

START_TEST(options_to_send_and_to_receive_are_the_servers_own)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	request(port, reply, MAKE_ONCE, 1);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, MACH_SEND_MSG | MACH_RCV_MSG));
	expect_reply(reply, 101);
	request(port, reply, MAKE_ONCE, 2);
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port,
				   MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT),
		   MACH_RCV_TIMED_OUT);
	expect_reply(reply, 102);
}
END_TEST

/* --- a loop of them --- */

START_TEST(the_server_answers_until_nothing_is_queued)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	for (mach_msg_id_t id = 1; id <= 5; id++)
		request(port, reply, MAKE_ONCE, id);
	serve_queued(port);
	CHECK_EQ(handled, 5);
	for (mach_msg_id_t id = 101; id <= 105; id++)
		expect_reply(reply, id);
	flow_notified(reply, -1);
	CHECK_EQ(flow_status(reply).mps_sorights, 0);
}
END_TEST

START_TEST(the_server_for_importance_is_the_same)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	request(port, reply, MAKE_ONCE, 1);
	request(port, reply, MAKE_ONCE, 2);
	CHECK_CODE(mach_msg_server_importance(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT),
		   MACH_RCV_TIMED_OUT);
	expect_reply(reply, 101);
	expect_reply(reply, 102);
}
END_TEST

START_TEST(a_port_set_is_served_as_well)
{
	mach_port_t set, ports[3], reply = flow_receive_right();

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	for (int i = 0; i < 3; i++) {
		ports[i] = flow_port();
		CHECK_OK(mach_port_insert_member(mach_task_self(), ports[i], set));
		request(ports[i], reply, MAKE_ONCE, i);
	}
	serve_queued(set);
	CHECK_EQ(handled, 3);
	CHECK_EQ(flow_status(reply).mps_msgcount, 3);
}
END_TEST

/* --- which replies are sent --- */

static void say_no_reply(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	set_code(reply, MIG_NO_REPLY);
}

START_TEST(no_reply_means_that_the_right_to_reply_is_kept)
{
	mach_port_t port = flow_port(), reply = flow_receive_right(), later;

	handler = say_no_reply;
	request(port, reply, MAKE_ONCE, 1);
	serve_queued(port);
	flow_notified(reply, -1);
	later = last_request.msgh_remote_port;
	CHECK_EQ(flow_type(later), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(flow_send_to(later, SEND_ONCE, 0, 0, 5));
	expect_reply(reply, 5);
}
END_TEST

START_TEST(a_request_without_a_reply_port_gets_no_reply)
{
	mach_port_t port = flow_port();

	request(port, MACH_PORT_NULL, 0, 1);
	request(port, MACH_PORT_NULL, 0, 2);
	serve_queued(port);
	CHECK_EQ(handled, 2);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

static void forget_whom(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	reply->msgh_remote_port = MACH_PORT_NULL;
}

START_TEST(a_reply_to_nobody_is_not_sent)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	handler = forget_whom;
	request(port, reply, MAKE_ONCE, 1);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	flow_notified(reply, -1);
	CHECK_EQ(flow_status(reply).mps_sorights, 1); /* still the demux's */
}
END_TEST

/* Answers the first request, so that there are old messages in the buffers, and no other. */
static boolean_t answer_first(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	CHECK_EQ(reply->msgh_remote_port, MACH_PORT_NULL);
	CHECK_EQ(reply->msgh_bits, 0);
	return received->msgh_id == 1 ? demux(received, reply) : TRUE;
}

START_TEST(a_demux_that_makes_no_reply_sends_none)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	for (mach_msg_id_t id = 1; id <= 4; id++)
		request(port, reply, MAKE_ONCE, id);
	CHECK_CODE(mach_msg_server(answer_first, MAX_SIZE, port, MACH_RCV_TIMEOUT),
		   MACH_RCV_TIMED_OUT);
	expect_reply(reply, 101);
	flow_notified(reply, -1);
	CHECK_EQ(flow_status(reply).mps_sorights, 3);
}
END_TEST

/* Answers all but the first, with as little as a reply can be. */
static boolean_t bare_demux(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	reply->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(received->msgh_bits), 0);
	reply->msgh_size = sizeof *reply;
	reply->msgh_remote_port = received->msgh_remote_port;
	reply->msgh_id = received->msgh_id + 100;
	if (received->msgh_id == 1)
		set_code(reply, MIG_NO_REPLY);
	return TRUE;
}

START_TEST(a_reply_without_room_for_a_code_has_none)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	request(port, reply, MAKE_ONCE, 1);
	request(port, reply, MAKE_ONCE, 2);
	CHECK_CODE(mach_msg_server(bare_demux, MAX_SIZE, port, MACH_RCV_TIMEOUT),
		   MACH_RCV_TIMED_OUT);
	expect_reply(reply, 102);
	flow_notified(reply, -1);
}
END_TEST

/* --- what happens to the request --- */

static mach_port_t extra; /* receive right of which rights are sent */

static void request_with_right(mach_port_t port, mach_port_t reply)
{
	struct flow_message message;

	flow_complex(&message, port, COPY, 1);
	message.header.msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
	message.header.msgh_local_port = reply;
	flow_add_port(&message, extra, MAKE_ONCE);
	CHECK_OK(flow_send(&message));
}

static void say_failure(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	set_code(reply, KERN_FAILURE);
}

static void say_failure_to_nobody(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	say_failure(received, reply);
	reply->msgh_remote_port = MACH_PORT_NULL;
}

START_TEST(on_success_what_is_in_the_request_is_the_routines)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	extra = flow_receive_right();
	request_with_right(port, reply);
	serve_queued(port);
	expect_reply(reply, 101);
	CHECK_EQ(flow_status(extra).mps_sorights, 1);
	flow_notified(extra, -1);
}
END_TEST

START_TEST(on_failure_it_is_given_up_and_the_code_is_sent)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	extra = flow_receive_right();
	handler = say_failure;
	request_with_right(port, reply);
	request_with_right(port, reply);
	serve_queued(port);
	for (int i = 0; i < 2; i++) {
		CHECK_OK(flow_receive(reply, &message));
		CHECK_EQ(message.header.msgh_id, 101);
		CHECK_EQ(((const mig_reply_error_t *)&message)->RetCode, KERN_FAILURE);
		flow_notified(extra, MACH_NOTIFY_SEND_ONCE);
	}
	flow_notified(reply, -1);
}
END_TEST

START_TEST(on_failure_it_is_given_up_also_without_a_reply)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	extra = flow_receive_right();
	handler = say_failure_to_nobody;
	request_with_right(port, reply);
	serve_queued(port);
	flow_notified(extra, MACH_NOTIFY_SEND_ONCE);
	flow_notified(reply, -1);
	CHECK_EQ(flow_type(last_request.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
}
END_TEST

START_TEST(no_reply_is_no_failure)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	extra = flow_receive_right();
	handler = say_no_reply;
	request_with_right(port, reply);
	serve_queued(port);
	flow_notified(extra, -1);
	CHECK_EQ(flow_status(extra).mps_sorights, 1);
}
END_TEST

/* In a reply with one descriptor the code would be inside of it: all of it is set. */
static void reply_with_right(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	struct flow_message *message = (struct flow_message *)reply;

	(void)received;
	reply->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	reply->msgh_size = sizeof message->base;
	message->base.body.msgh_descriptor_count = 0;
	flow_add_port(message, extra, MAKE_ONCE);
	message->port[0].pad1 = (mach_msg_size_t)MIG_NO_REPLY;
}

START_TEST(a_reply_with_descriptors_has_no_code)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	CHECK_EQ(offsetof(struct flow_message, port[0].pad1), offsetof(mig_reply_error_t, RetCode));
	extra = flow_receive_right();
	handler = reply_with_right;
	request_with_right(port, reply);
	serve_queued(port);
	CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(message.base.body.msgh_descriptor_count, 1);
	CHECK_EQ(flow_type(message.port[0].name), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(flow_status(extra).mps_sorights, 2); /* of request and reply */
}
END_TEST

static void reply_with_right_to_nobody(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	reply_with_right(received, reply);
	reply->msgh_remote_port = MACH_PORT_NULL;
}

START_TEST(what_is_in_a_reply_to_nobody_is_given_up)
{
	mach_port_t port = flow_port();

	extra = flow_receive_right();
	handler = reply_with_right_to_nobody;
	request(port, MACH_PORT_NULL, 0, 1);
	serve_queued(port);
	flow_notified(extra, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_status(extra).mps_sorights, 0);
}
END_TEST

/* --- replies that cannot be sent --- */

static mach_port_t full_port(void)
{
	mach_port_t port = flow_port();

	flow_fill(port, MACH_PORT_QLIMIT_BASIC);
	return port;
}

START_TEST(a_send_once_right_takes_a_reply_whatever_is_queued)
{
	mach_port_t port = flow_port(), reply = full_port();

	request(port, reply, MAKE_ONCE, 1);
	serve_queued(port);
	CHECK_EQ(flow_status(reply).mps_msgcount, MACH_PORT_QLIMIT_BASIC + 1);
}
END_TEST

START_TEST(a_send_right_takes_a_reply_if_there_is_room)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	request(port, reply, MAKE, 1);
	serve_queued(port);
	expect_reply(reply, 101);
	CHECK_EQ(flow_type(reply), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

static void reply_with_reply_port(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	reply->msgh_local_port = extra;
	reply->msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
}

static void reply_with_right_to_reply(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	reply->msgh_local_port = flow_send_once(extra);
	reply->msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MOVE_SEND_ONCE);
}

static void reply_with_all(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	reply_with_reply_port(received, reply);
	reply_with_right(received, reply);
}

/* Nobody waits for a client that does not receive; what the reply named is gone. */
static void expect_full_queue_to_cost_nothing(mach_msg_return_t (*server)(mach_port_t))
{
	mach_port_t port = flow_port(), full = full_port();

	extra = flow_receive_right();
	handler = reply_with_all;
	CHECK_OK(mach_port_deallocate(mach_task_self(), full));
	request(port, full, MAKE, 1);
	CHECK_OK(server(port));
	CHECK_EQ(flow_status(full).mps_msgcount, MACH_PORT_QLIMIT_BASIC);
	CHECK_EQ(flow_type(full), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_status(full).mps_srights, 1); /* in the messages that fill the queue */
	flow_notified(extra, MACH_NOTIFY_SEND_ONCE);
	flow_notified(extra, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_status(extra).mps_sorights, 0);
}

static mach_msg_return_t server_once(mach_port_t port)
{
	return mach_msg_server_once(demux, MAX_SIZE, port, 0);
}

static mach_msg_return_t server_loop(mach_port_t port)
{
	serve_queued(port);
	return MACH_MSG_SUCCESS;
}

START_TEST(a_send_right_to_a_full_queue_loses_the_reply)
{
	expect_full_queue_to_cost_nothing(server_once);
	expect_full_queue_to_cost_nothing(server_loop);
}
END_TEST

START_TEST(the_next_request_is_served_after_a_reply_that_was_lost)
{
	mach_port_t port = flow_port(), full = full_port(), reply = flow_receive_right();

	request(port, full, MAKE, 1);
	request(port, reply, MAKE_ONCE, 2);
	request(port, full, MAKE, 3);
	request(port, reply, MAKE_ONCE, 4);
	serve_queued(port);
	CHECK_EQ(handled, 4);
	expect_reply(reply, 102);
	expect_reply(reply, 104);
	CHECK_EQ(flow_refs(full, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

static mach_port_t client_port;

static void client_goes(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	if (received->msgh_id == 1)
		CHECK_OK(mach_port_mod_refs(mach_task_self(), client_port, MACH_PORT_RIGHT_RECEIVE,
					    -1));
	reply_with_all(received, reply);
}

START_TEST(a_reply_to_a_client_that_is_gone_is_given_up)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	extra = flow_receive_right();
	handler = client_goes;
	client_port = flow_receive_right();
	request(port, client_port, MAKE, 1);
	request(port, reply, MAKE_ONCE, 2);
	serve_queued(port);
	CHECK_EQ(flow_type(client_port), 0); /* not even a dead name is left */
	CHECK_EQ(flow_status(reply).mps_msgcount, 1);
	flow_notified(extra,
		      MACH_NOTIFY_SEND_ONCE); /* of its body; of its local port none is made */
	flow_notified(extra, -1);
	CHECK_EQ(flow_status(extra).mps_sorights, 2); /* those in the second reply */
}
END_TEST

START_TEST(a_reply_to_a_client_that_was_gone_before_is_given_up)
{
	mach_port_t port = flow_port(), gone = flow_receive_right();

	extra = flow_receive_right();
	handler = reply_with_reply_port;
	request(port, gone, MAKE_ONCE, 1);
	request(port, gone, MAKE_ONCE, 2);
	CHECK_OK(mach_port_mod_refs(mach_task_self(), gone, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	CHECK_EQ(last_request.msgh_remote_port, MACH_PORT_DEAD);
	flow_notified(extra, -1);
	handler = reply_with_right_to_reply;
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	flow_notified(extra, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msg_server");
	TCase *tests = add_case(suite, "requests");

	tcase_add_test(tests, once_handles_one_request_and_leaves_the_next);
	tcase_add_test(tests, once_says_why_it_could_not_receive);
	tcase_add_test(tests, options_to_send_and_to_receive_are_the_servers_own);
	tcase_add_test(tests, the_server_answers_until_nothing_is_queued);
	tcase_add_test(tests, the_server_for_importance_is_the_same);
	tcase_add_test(tests, a_port_set_is_served_as_well);
	tests = add_case(suite, "replies");
	tcase_add_test(tests, no_reply_means_that_the_right_to_reply_is_kept);
	tcase_add_test(tests, a_request_without_a_reply_port_gets_no_reply);
	tcase_add_test(tests, a_reply_to_nobody_is_not_sent);
	tcase_add_test(tests, a_demux_that_makes_no_reply_sends_none);
	tcase_add_test(tests, a_reply_without_room_for_a_code_has_none);
	tests = add_case(suite, "rights in requests");
	tcase_add_test(tests, on_success_what_is_in_the_request_is_the_routines);
	tcase_add_test(tests, on_failure_it_is_given_up_and_the_code_is_sent);
	tcase_add_test(tests, on_failure_it_is_given_up_also_without_a_reply);
	tcase_add_test(tests, no_reply_is_no_failure);
	tcase_add_test(tests, a_reply_with_descriptors_has_no_code);
	tcase_add_test(tests, what_is_in_a_reply_to_nobody_is_given_up);
	tests = add_case(suite, "replies that cannot be sent");
	tcase_add_test(tests, a_send_once_right_takes_a_reply_whatever_is_queued);
	tcase_add_test(tests, a_send_right_takes_a_reply_if_there_is_room);
	tcase_add_test(tests, a_send_right_to_a_full_queue_loses_the_reply);
	tcase_add_test(tests, the_next_request_is_served_after_a_reply_that_was_lost);
	tcase_add_test(tests, a_reply_to_a_client_that_is_gone_is_given_up);
	tcase_add_test(tests, a_reply_to_a_client_that_was_gone_before_is_given_up);
	return flow_run(suite);
}
