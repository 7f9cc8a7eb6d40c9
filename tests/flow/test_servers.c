/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that reply and receive in one call, with real clients: they need not wait for the daemon
 * as long as more requests are there, and nobody can tell: each request is received once, in order,
 * and each has one reply or is told that there will be none.
 */
#include <pthread.h>
#include <servers/bootstrap.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/flow/flow.h"

#define COPY MACH_MSG_TYPE_COPY_SEND
#define ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

static const char service[] = "org.example.servers";

/* A server on one port, whose requests come from this process and are answered to another port. */
struct desk {
	mach_port_t port, answers;
	struct flow_message message; /* received last */
};

static void ask(mach_port_t port, mach_port_t answers, mach_msg_id_t count)
{
	for (mach_msg_id_t id = 0; id < count; id++)
		CHECK_OK(flow_send_to(port, COPY, answers, ONCE, id));
}

static void receive(struct desk *desk, mach_msg_id_t id)
{
	CHECK_OK(mach_msg(&desk->message.header, MACH_RCV_MSG, 0, sizeof desk->message, desk->port,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	CHECK_EQ(desk->message.header.msgh_id, id);
}

static void make_reply(struct flow_message *message)
{
	message->header.msgh_bits = MACH_MSGH_BITS(SEND_ONCE, 0);
	message->header.msgh_local_port = MACH_PORT_NULL;
	message->header.msgh_size = sizeof message->header;
}

static mach_msg_return_t reply_and_receive(struct desk *desk)
{
	make_reply(&desk->message);
	return mach_msg(&desk->message.header, MACH_SEND_MSG | MACH_RCV_MSG,
			sizeof desk->message.header, sizeof desk->message, desk->port,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

static void serve(struct desk *desk, mach_msg_id_t id)
{
	CHECK_OK(reply_and_receive(desk));
	CHECK_EQ(desk->message.header.msgh_id, id);
}

static void answered(mach_port_t answers, mach_msg_id_t from, mach_msg_id_t to)
{
	struct flow_message message;

	for (mach_msg_id_t id = from; id < to; id++) {
		CHECK_OK(flow_receive(answers, &message));
		CHECK_EQ(message.header.msgh_id, id);
	}
}

/* Of so many requests one is answered, one is received, and the others are there. */
static struct desk busy_desk(mach_msg_id_t count)
{
	struct desk desk = {.port = flow_port(), .answers = flow_receive_right()};

	flow_set_qlimit(desk.port, MACH_PORT_QLIMIT_LARGE);
	ask(desk.port, desk.answers, count);
	receive(&desk, 0);
	serve(&desk, 1);
	return desk;
}

static void stop_daemon(void)
{
	int status;

	CHECK(kill(flow_daemon(), SIGSTOP) == 0);
	CHECK(waitpid(flow_daemon(), &status, WUNTRACED) == flow_daemon());
	CHECK(WIFSTOPPED(status));
}

/* Over sockets each is asked for. */
START_TEST(a_server_with_requests_does_not_wait_for_the_daemon)
{
	const char *ring = getenv("MACHD_RING");
	struct desk desk = busy_desk(20);

	if (!ring || strcmp(ring, "0") != 0)
		stop_daemon();
	for (mach_msg_id_t id = 2; id < 20; id++)
		serve(&desk, id);
	CHECK(kill(flow_daemon(), SIGCONT) == 0);
	answered(desk.answers, 0, 19);
	CHECK_CODE(flow_receive(desk.port, &desk.message), MACH_RCV_TIMED_OUT);
}
END_TEST

/* What another thread of the server does meanwhile. */
struct errand {
	void (*run)(struct desk *desk);
	struct desk *desk;
};

static void *run_errand(void *argument)
{
	struct errand *errand = argument;

	errand->run(errand->desk);
	return NULL;
}

static void elsewhere(struct desk *desk, void (*run)(struct desk *desk))
{
	struct errand errand = {run, desk};
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, run_errand, &errand) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

static void look(struct desk *desk)
{
	mach_msg_id_t id = desk->message.header.msgh_id;
	mach_port_status_t status = flow_status(desk->port);

	CHECK_EQ(status.mps_msgcount, 29 - id);
	CHECK_EQ(status.mps_seqno, id + 1);
	CHECK_EQ(flow_type(desk->message.header.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
}

START_TEST(what_others_see_is_what_was_received)
{
	struct desk desk = busy_desk(30);

	for (mach_msg_id_t id = 2; id < 30; id++) {
		serve(&desk, id);
		answered(desk.answers, id - 1 - (id == 2), id);
		if (id % 3 == 0)
			elsewhere(&desk, look);
	}
}
END_TEST

static void drop_reply(struct desk *desk)
{
	CHECK_OK(mach_port_deallocate(mach_task_self(), desk->message.header.msgh_remote_port));
}

START_TEST(a_reply_to_what_is_gone_is_refused)
{
	struct desk desk = busy_desk(10);

	serve(&desk, 2);
	elsewhere(&desk, drop_reply);
	CHECK_CODE(reply_and_receive(&desk), MACH_SEND_INVALID_DEST);
	receive(&desk, 3);
	for (mach_msg_id_t id = 4; id < 10; id++)
		serve(&desk, id);
	answered(desk.answers, 0, 2);
	flow_notified(desk.answers, MACH_NOTIFY_SEND_ONCE);
	answered(desk.answers, 3, 9);
}
END_TEST

static void receive_one(struct desk *desk)
{
	struct flow_message message;

	CHECK_OK(flow_receive(desk->port, &message));
	CHECK_EQ(message.header.msgh_id, desk->message.header.msgh_id + 1);
	make_reply(&message);
	CHECK_OK(flow_send(&message));
}

START_TEST(another_thread_gets_the_next_one)
{
	struct desk desk = busy_desk(40);

	for (mach_msg_id_t id = 2; id < 40; id += 2) {
		elsewhere(&desk, receive_one);
		if (id + 1 < 40)
			serve(&desk, id + 1);
	}
	CHECK_CODE(flow_receive(desk.port, &desk.message), MACH_RCV_TIMED_OUT);
}
END_TEST

START_TEST(a_receive_right_moves_with_what_is_left)
{
	struct desk desk = busy_desk(20);
	mach_port_t inbox = flow_port();
	struct flow_message move;

	serve(&desk, 2);
	serve(&desk, 3);
	flow_complex(&move, inbox, COPY, 0);
	flow_add_port(&move, desk.port, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_OK(flow_send(&move));
	CHECK_CODE(flow_receive(desk.port, &move), MACH_RCV_INVALID_NAME);
	CHECK_OK(flow_receive(inbox, &move));
	desk.port = move.port[0].name;
	for (mach_msg_id_t id = 4; id < 20; id++)
		serve(&desk, id);
	answered(desk.answers, 0, 19);
}
END_TEST

START_TEST(a_limit_holds_while_requests_are_there)
{
	struct desk desk = busy_desk(10);

	flow_set_qlimit(desk.port, 5);
	for (mach_msg_id_t id = 2; id < 5; id++) {
		CHECK_CODE(flow_send_to(desk.port, COPY, desk.answers, ONCE, 0),
			   MACH_SEND_TIMED_OUT);
		serve(&desk, id);
	}
	CHECK_CODE(flow_send_to(desk.port, COPY, desk.answers, ONCE, 0), MACH_SEND_TIMED_OUT);
	serve(&desk, 5);
	CHECK_OK(flow_send_to(desk.port, COPY, desk.answers, ONCE, 10));
	CHECK_CODE(flow_send_to(desk.port, COPY, desk.answers, ONCE, 0), MACH_SEND_TIMED_OUT);
	for (mach_msg_id_t id = 6; id < 11; id++)
		serve(&desk, id);
	answered(desk.answers, 0, 10);
}
END_TEST

/* Serves three of the requests and holds a fourth. */
static void be_server(void *argument)
{
	struct desk desk = {0};

	(void)argument;
	CHECK_OK(bootstrap_check_in(bootstrap_port, service, &desk.port));
	flow_set_qlimit(desk.port, MACH_PORT_QLIMIT_LARGE);
	flow_tell_parent(0);
	flow_hear_parent();
	receive(&desk, 0);
	for (mach_msg_id_t id = 1; id < 4; id++)
		serve(&desk, id);
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(a_server_that_dies_leaves_no_client_waiting)
{
	mach_port_t port, answers = flow_receive_right();
	struct flow_child child;

	flow_fork(&child, be_server, NULL);
	flow_hear(&child);
	CHECK_OK(bootstrap_look_up(bootstrap_port, service, &port));
	ask(port, answers, 10);
	flow_tell(&child, 0);
	flow_hear(&child);
	flow_kill(&child);
	answered(answers, 0, 3);
	for (unsigned i = 3; i < 10; i++)
		flow_notified(answers, MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(flow_receive(answers, &(struct flow_message){0}), MACH_RCV_TIMED_OUT);
}
END_TEST

/* Many clients and several threads that serve them, at one port whose queue is short. */
enum { CLIENTS = 8, SERVERS = 2, CALLS = 200, STOP = -1 };

struct crowd {
	mach_port_t port;
	atomic_uint served;
};

static void *be_one_server(void *argument)
{
	struct crowd *crowd = argument;
	struct desk desk = {.port = crowd->port};

	CHECK_OK(mach_msg(&desk.message.header, MACH_RCV_MSG, 0, sizeof desk.message, desk.port,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	while (desk.message.header.msgh_id != STOP) {
		atomic_fetch_add(&crowd->served, 1);
		CHECK_OK(reply_and_receive(&desk));
	}
	return NULL;
}

static void *be_client(void *argument)
{
	const struct crowd *crowd = argument;
	mach_port_t answers = flow_receive_right();
	struct flow_message message;

	for (mach_msg_id_t id = 0; id < CALLS; id++) {
		flow_header(&message, crowd->port, COPY, answers, ONCE, id);
		CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
				  message.header.msgh_size, sizeof message, answers,
				  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
		CHECK_EQ(message.header.msgh_id, id);
	}
	CHECK_CODE(flow_receive(answers, &message), MACH_RCV_TIMED_OUT);
	return NULL;
}

START_TEST(each_call_of_many_clients_has_one_answer)
{
	struct crowd crowd = {.port = flow_port()};
	pthread_t clients[CLIENTS], servers[SERVERS];

	flow_set_qlimit(crowd.port, 3);
	for (unsigned i = 0; i < SERVERS; i++)
		CHECK(pthread_create(&servers[i], NULL, be_one_server, &crowd) == 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK(pthread_create(&clients[i], NULL, be_client, &crowd) == 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK(pthread_join(clients[i], NULL) == 0);
	for (unsigned i = 0; i < SERVERS; i++)
		CHECK_OK(flow_send_to(crowd.port, COPY, 0, 0, STOP));
	for (unsigned i = 0; i < SERVERS; i++)
		CHECK(pthread_join(servers[i], NULL) == 0);
	CHECK_EQ(atomic_load(&crowd.served), CLIENTS * CALLS);
	CHECK_EQ(flow_status(crowd.port).mps_seqno, CLIENTS * CALLS + SERVERS);
}
END_TEST

/* All of it is recorded, and the same again when it is replayed. */
static void start(void)
{
	flow_start_with(&(struct flow_options){.record = true});
}

int main(void)
{
	Suite *suite = suite_create("servers");
	TCase *tests = tcase_create("with boards from the start");

	tcase_add_checked_fixture(tests, start, flow_stop);
	tcase_add_test(tests, a_server_with_requests_does_not_wait_for_the_daemon);
	tcase_add_test(tests, what_others_see_is_what_was_received);
	tcase_add_test(tests, a_reply_to_what_is_gone_is_refused);
	tcase_add_test(tests, another_thread_gets_the_next_one);
	tcase_add_test(tests, a_receive_right_moves_with_what_is_left);
	tcase_add_test(tests, a_limit_holds_while_requests_are_there);
	tcase_add_test(tests, a_server_that_dies_leaves_no_client_waiting);
	tcase_add_test(tests, each_call_of_many_clients_has_one_answer);
	suite_add_tcase(suite, tests);
	setenv("MACHD_SYNC_SEND", "0", 1);
	return flow_run(suite);
}
