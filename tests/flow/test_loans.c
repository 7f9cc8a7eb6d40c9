/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives that need not ask, with real clients: that there are, and that nobody can tell: messages
 * that are lent to a thread are on their queue until it takes them, for all who look or receive.
 */
#include <pthread.h>
#include <servers/bootstrap.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/flow/flow_packets.h"

#define COPY MACH_MSG_TYPE_COPY_SEND

enum { LARGE = MACH_PORT_QLIMIT_LARGE };

static void send_some(mach_port_t port, mach_msg_id_t from, mach_msg_id_t to)
{
	for (mach_msg_id_t id = from; id < to; id++)
		CHECK_OK(flow_send_to(port, COPY, 0, 0, id));
}

static mach_msg_id_t next(mach_port_t port)
{
	struct flow_message message;

	CHECK_OK(mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, port,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	return message.header.msgh_id;
}

static mach_port_t full_port(mach_msg_id_t count)
{
	mach_port_t port = flow_port();

	flow_set_qlimit(port, LARGE);
	send_some(port, 0, count);
	return port;
}

START_TEST(most_receives_do_not_ask)
{
	mach_port_t port = full_port(LARGE);
	unsigned before = flow_packets();

	for (mach_msg_id_t id = 0; id < LARGE; id++)
		CHECK_EQ(next(port), id);
	CHECK(flow_packets() - before < LARGE / 8);
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
}
END_TEST

static void *look(void *argument)
{
	mach_port_t *port = argument;

	port[1] = flow_status(port[0]).mps_msgcount;
	return NULL;
}

/* What another thread of the task sees of the queue. */
static unsigned seen_by_another(mach_port_t port)
{
	mach_port_t pair[2] = {port};
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, look, pair) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return pair[1];
}

START_TEST(a_message_is_off_the_queue_when_it_was_received)
{
	mach_port_t port = full_port(100);

	for (mach_msg_id_t id = 0; id < 100; id++) {
		CHECK_EQ(next(port), id);
		if (id % 7 == 0)
			CHECK_EQ(seen_by_another(port), 99 - id);
	}
}
END_TEST

/* Many threads empty one queue: each message once, and in order as each of them sees it. */
struct crowd {
	mach_port_t port;
	atomic_uint left;
	atomic_bool seen[LARGE];
};

static void *empty(void *argument)
{
	struct crowd *crowd = argument;
	struct flow_message message;
	mach_msg_return_t code;
	int last = -1;

	while ((code = flow_receive(crowd->port, &message)) == MACH_MSG_SUCCESS) {
		CHECK(message.header.msgh_id > last);
		last = message.header.msgh_id;
		CHECK(!atomic_exchange(&crowd->seen[last], true));
		atomic_fetch_sub(&crowd->left, 1);
	}
	CHECK_CODE(code, MACH_RCV_TIMED_OUT);
	return NULL;
}

START_TEST(threads_that_receive_from_one_port_get_each_message_once)
{
	enum { THREADS = 4, ROUNDS = 10 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct crowd *crowd = calloc(1, sizeof *crowd);
		pthread_t thread[THREADS];

		CHECK(crowd != NULL);
		crowd->port = full_port(LARGE);
		atomic_store(&crowd->left, LARGE);
		for (unsigned i = 0; i < THREADS; i++)
			CHECK(pthread_create(&thread[i], NULL, empty, crowd) == 0);
		for (unsigned i = 0; i < THREADS; i++)
			CHECK(pthread_join(thread[i], NULL) == 0);
		CHECK_EQ(atomic_load(&crowd->left), 0);
		CHECK_OK(mach_port_mod_refs(mach_task_self(), crowd->port, MACH_PORT_RIGHT_RECEIVE,
					    -1));
		free(crowd);
	}
}
END_TEST

static const char service[] = "org.example.loans";

/* Tells what it gets when it sends without waiting, until it is told to stop. */
static void send_now(void *argument)
{
	mach_port_t port;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, service, &port));
	flow_tell_parent(0);
	while (flow_hear_parent())
		flow_tell_parent((uint32_t)flow_send_to(port, COPY, 0, 0, 1));
}

/* The queue has room as soon as a message was received, and not before. */
START_TEST(a_sender_finds_room_when_one_was_received)
{
	struct flow_child child;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, service, &port));
	flow_set_qlimit(port, 20);
	flow_fork(&child, send_now, NULL);
	CHECK_EQ(flow_hear(&child), 0);
	for (unsigned i = 0; i < 20; i++) {
		flow_tell(&child, 1);
		CHECK_EQ(flow_hear(&child), MACH_MSG_SUCCESS);
	}
	for (unsigned i = 0; i < 100; i++) {
		flow_tell(&child, 1);
		CHECK_EQ(flow_hear(&child), MACH_SEND_TIMED_OUT);
		CHECK_EQ(next(port), 1);
		flow_tell(&child, 1);
		CHECK_EQ(flow_hear(&child), MACH_MSG_SUCCESS);
	}
	flow_tell(&child, 0);
	flow_join(&child);
}
END_TEST

START_TEST(another_call_gets_what_it_asks_for)
{
	mach_port_t port = full_port(10), other = full_port(3);
	struct flow_message message;

	CHECK_EQ(next(port), 0);
	CHECK_EQ(next(other), 0);
	CHECK_EQ(next(port), 1);
	CHECK_OK(flow_receive(port, &message)); /* with a trailer of its own */
	CHECK_EQ(message.header.msgh_id, 2);
	CHECK_EQ(flow_trailer(&message)->msgh_seqno, 2);
	CHECK_EQ(next(port), 3);
	CHECK_CODE(mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 24, port, 0,
			    MACH_PORT_NULL),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(next(port), 4);
	CHECK_CODE(mach_msg(&message.header, MACH_RCV_MSG, 0, 24, port, 0, MACH_PORT_NULL),
		   MACH_RCV_TOO_LARGE); /* which is gone */
	CHECK_EQ(next(port), 6);
	CHECK_EQ(next(other), 1);
	CHECK_EQ(next(other), 2);
}
END_TEST

START_TEST(a_buffer_that_is_not_there)
{
	mach_port_t port = full_port(10);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK_OK(mach_msg((mach_msg_header_t *)(void *)page, MACH_RCV_MSG, 0, 2048, port, 0, 0));
	CHECK_CODE(mach_msg((mach_msg_header_t *)16, MACH_RCV_MSG, 0, 2048, port, 0, 0),
		   MACH_RCV_INVALID_DATA);
	CHECK_EQ(next(port), 2);
	munmap(page, 4096);
}
END_TEST

START_TEST(a_thread_that_ends_leaves_the_rest)
{
	mach_port_t port = full_port(100);
	struct crowd crowd = {.port = port};
	pthread_t thread;

	CHECK_EQ(next(port), 0);
	CHECK_EQ(next(port), 1);
	atomic_store(&crowd.left, 98);
	CHECK(pthread_create(&thread, NULL, empty, &crowd) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_EQ(atomic_load(&crowd.left), 0);
	CHECK_CODE(flow_receive(port, &(struct flow_message){0}), MACH_RCV_TIMED_OUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loans");
	TCase *tests = flow_case(suite, "with boards from the start");

	tcase_add_test(tests, most_receives_do_not_ask);
	tcase_add_test(tests, a_message_is_off_the_queue_when_it_was_received);
	tcase_add_test(tests, threads_that_receive_from_one_port_get_each_message_once);
	tcase_add_test(tests, a_sender_finds_room_when_one_was_received);
	tcase_add_test(tests, another_call_gets_what_it_asks_for);
	tcase_add_test(tests, a_buffer_that_is_not_there);
	tcase_add_test(tests, a_thread_that_ends_leaves_the_rest);
	setenv("MACHD_SYNC_SEND", "0", 1);
	return flow_run(suite);
}
