/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals while a thread waits for an answer. The request is given up or made again, and no message
 * is ever lost, doubled or out of order because of it.
 */
#include <machd.h>
#include <pthread.h>
#include <sched.h>
#include <servers/bootstrap.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

static atomic_uint signals; /* handled */
static atomic_uint inner;   /* code of a call made by the handler */

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals, 1);
}

static void call_from_handler(int number)
{
	mach_port_type_t type;

	(void)number;
	atomic_store(&inner, (unsigned)mach_port_type(mach_task_self(), MACH_PORT_DEAD, &type));
	atomic_fetch_add(&signals, 1);
}

/* SA_RESTART must not keep a call from noticing. */
static void handle(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	atomic_store(&signals, 0);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
}

struct blocked {
	pthread_t thread;
	mach_port_t port;
	mach_msg_option_t option;
	mach_msg_size_t size;
	struct flow_message message;
	mach_msg_return_t code;
	atomic_bool done;
};

static void *block(void *argument)
{
	struct blocked *blocked = argument;

	blocked->code = mach_msg(&blocked->message.header, blocked->option, 24,
				 sizeof blocked->message, blocked->port, 0, 0);
	atomic_store(&blocked->done, true);
	return NULL;
}

static void start(struct blocked *blocked, mach_msg_option_t option, mach_port_t port)
{
	blocked->option = option;
	blocked->port = port;
	atomic_store(&blocked->done, false);
	CHECK(pthread_create(&blocked->thread, NULL, block, blocked) == 0);
	flow_await_waiting(getpid(), 1);
}

/* Send it a signal and wait until that was handled. */
static void interrupt(struct blocked *blocked)
{
	unsigned before = atomic_load(&signals);

	CHECK(pthread_kill(blocked->thread, SIGUSR1) == 0);
	while (atomic_load(&signals) == before)
		sched_yield();
}

static void interrupt_for_good(struct blocked *blocked)
{
	while (!atomic_load(&blocked->done))
		flow_interrupt(blocked->thread);
}

static void end(struct blocked *blocked, mach_msg_return_t code)
{
	CHECK(pthread_join(blocked->thread, NULL) == 0);
	CHECK_CODE(blocked->code, code);
}

START_TEST(a_receive_that_wants_to_know_is_interrupted)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	struct blocked receiver;

	handle(count_signal);
	start(&receiver, MACH_RCV_MSG | MACH_RCV_INTERRUPT, port);
	interrupt_for_good(&receiver);
	end(&receiver, MACH_RCV_INTERRUPTED);
	flow_fill(port, 1);
	CHECK_OK(flow_receive(port, &message));
}
END_TEST

START_TEST(another_receive_goes_on)
{
	mach_port_t port = flow_port();
	struct blocked receiver;

	handle(count_signal);
	start(&receiver, MACH_RCV_MSG, port);
	for (unsigned i = 0; i < 10; i++) {
		interrupt(&receiver);
		flow_await_waiting(getpid(), 1);
	}
	flow_fill(port, 1);
	end(&receiver, MACH_MSG_SUCCESS);
	CHECK_EQ(flow_status(port).mps_seqno, 1);
}
END_TEST

START_TEST(a_send_that_wants_to_know_gets_its_message_back)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;
	struct blocked sender;

	handle(count_signal);
	flow_fill(port, 5);
	flow_header(&sender.message, port, COPY, reply, MAKE_ONCE, 5);
	start(&sender, MACH_SEND_MSG | MACH_SEND_INTERRUPT, 0);
	interrupt_for_good(&sender);
	end(&sender, MACH_SEND_INTERRUPTED);
	CHECK_EQ(sender.message.header.msgh_bits, MACH_MSGH_BITS(MOVE, MOVE_ONCE));
	CHECK_EQ(sender.message.header.msgh_remote_port, port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	CHECK_EQ(flow_type(sender.message.header.msgh_local_port), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(flow_send(&sender.message));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	for (mach_msg_id_t i = 1; i < 6; i++) {
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(message.header.msgh_id, i);
	}
}
END_TEST

START_TEST(another_send_goes_on_and_costs_nothing_more)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;
	struct blocked sender;

	handle(count_signal);
	flow_fill(port, 5);
	flow_header(&sender.message, port, COPY, reply, MAKE_ONCE, 5);
	start(&sender, MACH_SEND_MSG, 0);
	for (unsigned i = 0; i < 10; i++) {
		interrupt(&sender);
		flow_await_waiting(getpid(), 1);
	}
	for (mach_msg_id_t i = 0; i < 6; i++) {
		flow_await(port, &message);
		CHECK_EQ(message.header.msgh_id, i);
	}
	end(&sender, MACH_MSG_SUCCESS);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_status(reply).mps_sorights, 1);
}
END_TEST

START_TEST(w344_what_was_sent_is_not_sent_again)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;
	struct blocked caller;

	handle(count_signal);
	flow_header(&caller.message, port, COPY, reply, MAKE_ONCE, 5);
	start(&caller, MACH_SEND_MSG | MACH_RCV_MSG, reply);
	for (unsigned i = 0; i < 10; i++) {
		interrupt(&caller);
		flow_await_waiting(getpid(), 1);
	}
	CHECK_OK(flow_receive(port, &message));
	flow_notified(port, -1);
	CHECK_OK(flow_send_to(message.header.msgh_remote_port, MOVE_ONCE, 0, 0, 6));
	end(&caller, MACH_MSG_SUCCESS);
	CHECK_EQ(caller.message.header.msgh_id, 6);
}
END_TEST

START_TEST(a_call_in_a_handler_that_interrupted_a_call_is_refused)
{
	mach_port_t port = flow_port();
	struct blocked receiver;

	handle(call_from_handler);
	start(&receiver, MACH_RCV_MSG, port);
	interrupt(&receiver);
	flow_fill(port, 1);
	end(&receiver, MACH_MSG_SUCCESS);
	CHECK_EQ(atomic_load(&inner), MACHD_BUSY);
}
END_TEST

/* --- under fire --- */

enum { STREAM = 4000, CALLS = 3000 };

struct stream {
	mach_port_t port;
	mach_msg_option_t interrupt; /* MACH_SEND_INTERRUPT, MACH_RCV_INTERRUPT or 0 */
	atomic_bool done;
};

/* The messages 0, 1, 2 ..., one after the other; with the option, resent by hand. */
static void *send_stream(void *argument)
{
	struct stream *stream = argument;
	struct flow_message message;

	for (mach_msg_id_t id = 0; id < STREAM; id++) {
		mach_msg_return_t code;

		flow_header(&message, stream->port, COPY, 0, 0, id);
		do
			code = mach_msg(&message.header, MACH_SEND_MSG | stream->interrupt, 24, 0,
					0, 0, 0);
		while (stream->interrupt && code == MACH_SEND_INTERRUPTED);
		CHECK_OK(code);
	}
	atomic_store(&stream->done, true);
	return NULL;
}

static void *receive_stream(void *argument)
{
	struct stream *stream = argument;
	struct flow_message message;

	for (mach_msg_id_t id = 0; id < STREAM; id++) {
		mach_msg_return_t code;

		do
			code = mach_msg(&message.header, MACH_RCV_MSG | stream->interrupt, 0,
					sizeof message, stream->port, 0, 0);
		while (stream->interrupt && code == MACH_RCV_INTERRUPTED);
		CHECK_OK(code);
		CHECK_EQ(message.header.msgh_id, id);
		/* The sender waits meanwhile. */
		CHECK_EQ(flow_type(stream->port), MACH_PORT_TYPE_SEND_RECEIVE);
	}
	atomic_store(&stream->done, true);
	return NULL;
}

static void stream_under_fire(mach_msg_option_t send_option, mach_msg_option_t receive_option)
{
	mach_port_t port = flow_port();
	struct stream out = {port, send_option, false}, in = {port, receive_option, false};
	pthread_t sender, receiver;

	handle(count_signal);
	flow_set_qlimit(port, 1); /* so that the sender is blocked most of the time */
	CHECK(pthread_create(&sender, NULL, send_stream, &out) == 0);
	CHECK(pthread_create(&receiver, NULL, receive_stream, &in) == 0);
	while (!atomic_load(&out.done) || !atomic_load(&in.done)) {
		CHECK(pthread_kill(sender, SIGUSR1) == 0);
		CHECK(pthread_kill(receiver, SIGUSR1) == 0);
		sched_yield();
	}
	CHECK(pthread_join(sender, NULL) == 0);
	CHECK(pthread_join(receiver, NULL) == 0);
	CHECK(atomic_load(&signals) > 0);
	flow_notified(port, -1);
	CHECK_EQ(flow_status(port).mps_seqno, STREAM);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
}

START_TEST(a_stream_under_fire_arrives_complete_and_in_order)
{
	stream_under_fire(0, 0);
}
END_TEST

START_TEST(so_does_one_whose_program_repeats_the_calls)
{
	stream_under_fire(MACH_SEND_INTERRUPT, MACH_RCV_INTERRUPT);
}
END_TEST

static void make_calls(void *unused)
{
	mach_port_t server, reply = flow_receive_right();
	struct flow_message message;

	(void)unused;
	handle(count_signal);
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.fire", &server));
	flow_tell_parent(0);
	for (mach_msg_id_t id = 0; id < CALLS; id++) {
		flow_header(&message, server, COPY, reply, MAKE_ONCE, id);
		CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, 24, sizeof message,
				  reply, 0, 0));
		CHECK_EQ(message.header.msgh_id, id + 1000000);
	}
	CHECK_EQ(flow_status(reply).mps_seqno, CALLS);
	CHECK(atomic_load(&signals) > 0);
}

static void *answer_calls(void *argument)
{
	struct stream *stream = argument;
	struct flow_message message;

	flow_await(stream->port, &message);
	for (mach_msg_id_t id = 0; id < CALLS; id++) {
		CHECK_EQ(message.header.msgh_id, id);
		message.header.msgh_bits = MACH_MSGH_BITS(MOVE_ONCE, 0);
		message.header.msgh_local_port = MACH_PORT_NULL;
		message.header.msgh_id += 1000000;
		CHECK_OK(mach_msg(&message.header,
				  MACH_SEND_MSG | (id + 1 < CALLS ? MACH_RCV_MSG : 0), 24,
				  sizeof message, stream->port, 0, 0));
	}
	atomic_store(&stream->done, true);
	return NULL;
}

START_TEST(calls_between_processes_under_fire)
{
	struct stream stream = {flow_port(), 0, false};
	struct flow_child child;
	pthread_t server;

	handle(count_signal);
	CHECK_OK(bootstrap_register(bootstrap_port, "flow.fire", stream.port));
	flow_fork(&child, make_calls, NULL);
	flow_hear(&child);
	CHECK(pthread_create(&server, NULL, answer_calls, &stream) == 0);
	while (!atomic_load(&stream.done)) {
		CHECK(pthread_kill(server, SIGUSR1) == 0);
		CHECK(kill(child.pid, SIGUSR1) == 0);
		sched_yield();
	}
	CHECK(pthread_join(server, NULL) == 0);
	flow_join(&child);
	CHECK_EQ(flow_status(stream.port).mps_seqno, CALLS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signals");
	TCase *tests = flow_case(suite, "one signal");

	tcase_add_test(tests, a_receive_that_wants_to_know_is_interrupted);
	tcase_add_test(tests, another_receive_goes_on);
	tcase_add_test(tests, a_send_that_wants_to_know_gets_its_message_back);
	tcase_add_test(tests, another_send_goes_on_and_costs_nothing_more);
	tcase_add_test(tests, w344_what_was_sent_is_not_sent_again);
	tcase_add_test(tests, a_call_in_a_handler_that_interrupted_a_call_is_refused);
	tests = flow_case(suite, "under fire");
	tcase_add_test(tests, a_stream_under_fire_arrives_complete_and_in_order);
	tcase_add_test(tests, so_does_one_whose_program_repeats_the_calls);
	tcase_add_test(tests, calls_between_processes_under_fire);
	return flow_run(suite);
}
