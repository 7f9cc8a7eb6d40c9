/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg_server and requests of all sizes. What ends it: a reply that is no message, the port, a
 * signal, the daemon, no memory. And the hooks for vouchers, which this program has of its own.
 */
#include <dlfcn.h>
#include <mach/mig_errors.h>
#include <machd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

#define MAX_SIZE 256

/* Letters for what happened: adopted, handled, reverted. */
static char order[64];
static atomic_uint events;

static void happened(char letter)
{
	order[atomic_fetch_add(&events, 1) % (sizeof order - 1)] = letter;
}

/* Changes the reply, which is a good one. */
static void (*handler)(mach_msg_header_t *request, mach_msg_header_t *reply);

static boolean_t demux(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;

	*error = (mig_reply_error_t){
		.Head = {.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0),
			 .msgh_size = sizeof *error,
			 .msgh_remote_port = request->msgh_remote_port,
			 .msgh_id = request->msgh_id + 100},
		.NDR = NDR_record,
		.RetCode = KERN_SUCCESS,
	};
	happened('h');
	if (handler)
		handler(request, reply);
	return TRUE;
}

static void set_up(void)
{
	handler = NULL;
	memset(order, 0, sizeof order);
	atomic_store(&events, 0);
	flow_start();
}

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, set_up, flow_stop);
	suite_add_tcase(suite, tests);
	return tests;
}

static void request(mach_port_t port, mach_port_t reply, mach_msg_id_t id)
{
	CHECK_OK(flow_send_to(port, COPY, reply, MAKE_ONCE, id));
}

/* --- the size of requests --- */

static void expect_reply(mach_port_t port, mach_msg_id_t id)
{
	struct flow_message message;

	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, id);
}

/* A message of `size` bytes, with every byte of its body set. */
static void send_long(mach_port_t port, mach_port_t reply, mach_msg_size_t size, mach_msg_id_t id)
{
	static struct {
		mach_msg_header_t header;
		uint8_t body[256 * 1024];
	} message;

	memset(&message, (int)id, sizeof message);
	message.header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(COPY, MAKE_ONCE),
		.msgh_remote_port = port,
		.msgh_local_port = reply,
		.msgh_id = id,
	};
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, 0));
}

static void copy_trailer(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	const mach_msg_audit_trailer_t *trailer =
		(const void *)((const char *)received + round_msg(received->msgh_size));

	CHECK_EQ(trailer->msgh_trailer_size, sizeof *trailer);
	((mig_reply_error_t *)reply)->RetCode = (kern_return_t)trailer->msgh_audit.val[5];
}

START_TEST(the_trailer_asked_for_is_behind_the_longest_request)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	mach_msg_option_t audit = MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
				  MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT);
	struct flow_message message;

	handler = copy_trailer;
	send_long(port, reply, MAX_SIZE, 1);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, audit));
	CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(((const mig_reply_error_t *)&message)->RetCode, getpid());
}
END_TEST

static void check_body(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	const uint8_t *body = (const uint8_t *)(received + 1);

	(void)reply;
	for (size_t i = 0; i < received->msgh_size - sizeof *received; i++)
		CHECK_EQ(body[i], received->msgh_id);
}

START_TEST(a_request_over_the_maximum_ends_the_server)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	handler = check_body;
	send_long(port, reply, MAX_SIZE, 1);
	send_long(port, reply, MAX_SIZE + 4, 2);
	send_long(port, reply, 24, 3);
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, 0), MACH_RCV_TOO_LARGE);
	CHECK_EQ(events, 3); /* adopted, handled, reverted */
	expect_reply(reply, 101);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE); /* the message was destroyed */
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
	send_long(port, reply, MAX_SIZE + 4, 4);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	CHECK_CODE(mach_msg_server_once(demux, MAX_SIZE, port, 0), MACH_RCV_TOO_LARGE);
}
END_TEST

START_TEST(i343_with_large_requests_the_buffer_grows)
{
	static const mach_msg_size_t sizes[] = {MAX_SIZE, 5000, 24, 60000, 4096, 250000, 100};
	mach_port_t port = flow_port(), reply = flow_receive_right();
	mach_msg_option_t large = MACH_RCV_LARGE | MACH_RCV_TIMEOUT;

	handler = check_body;
	flow_set_qlimit(port, 20);
	for (mach_msg_id_t i = 0; i < 7; i++)
		send_long(port, reply, sizes[i], i);
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, large), MACH_RCV_TIMED_OUT);
	CHECK_EQ(events, 7 * 3); /* adopted, handled, reverted */
	for (mach_msg_id_t i = 0; i < 7; i++)
		expect_reply(reply, 100 + i);
	send_long(port, reply, 250000, 8);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, MACH_RCV_LARGE));
	expect_reply(reply, 108);
	CHECK_EQ(flow_status(port).mps_seqno, 8);
}
END_TEST

START_TEST(the_buffer_grows_for_the_trailer_as_well)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	mach_msg_option_t options = MACH_RCV_LARGE | MACH_RCV_TIMEOUT |
				    MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
				    MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT);
	mach_msg_size_t page = (mach_msg_size_t)vm_page_size;

	handler = copy_trailer;
	send_long(port, reply, page - 8, 1);
	send_long(port, reply, 2 * page, 2);
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, options), MACH_RCV_TIMED_OUT);
	expect_reply(reply, 101);
	expect_reply(reply, 102);
}
END_TEST

START_TEST(a_maximum_of_nothing_still_has_room_for_a_reply)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	request(port, reply, 1);
	/* A trailer fits and not even a header: [9.3]. */
	CHECK_CODE(mach_msg_server_once(demux, 0, port, 0), MACH_RCV_INVALID_DATA);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	request(port, reply, 1);
	CHECK_OK(mach_msg_server_once(demux, 0, port, MACH_RCV_LARGE));
	expect_reply(reply, 101);
}
END_TEST

/* --- replies that are interrupted --- */

typedef mach_msg_return_t overwrite_call(mach_msg_header_t *, mach_msg_option_t, mach_msg_size_t,
					 mach_msg_size_t, mach_port_name_t, mach_msg_timeout_t,
					 mach_port_name_t, mach_msg_header_t *, mach_msg_size_t);

static unsigned interruptions; /* that many sends are interrupted */

/*
 * No signal can interrupt a send that does not block, and a server's do not. So these calls, which
 * the library makes in place of its own, say that it happened.
 */
mach_msg_return_t mach_msg_overwrite(mach_msg_header_t *msg, mach_msg_option_t option,
				     mach_msg_size_t send_size, mach_msg_size_t rcv_size,
				     mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
				     mach_port_name_t notify, mach_msg_header_t *rcv_msg,
				     mach_msg_size_t rcv_limit)
{
	overwrite_call *real = (overwrite_call *)dlsym(RTLD_NEXT, "mach_msg_overwrite");

	if (interruptions > 0 && (option & MACH_SEND_MSG)) {
		interruptions--;
		return MACH_SEND_INTERRUPTED;
	}
	return real(msg, option, send_size, rcv_size, rcv_name, timeout, notify, rcv_msg,
		    rcv_limit);
}

mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
			   mach_msg_size_t send_size, mach_msg_size_t rcv_size,
			   mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
			   mach_port_name_t notify)
{
	return mach_msg_overwrite(msg, option, send_size, rcv_size, rcv_name, timeout, notify, NULL,
				  0);
}

START_TEST(a_reply_that_is_interrupted_is_given_up)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	for (mach_msg_id_t id = 1; id <= 3; id++)
		request(port, reply, id);
	interruptions = 1;
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	CHECK_EQ(interruptions, 0);
	expect_reply(reply, MACH_NOTIFY_SEND_ONCE); /* its right was destroyed */
	interruptions = 1;
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT), MACH_RCV_TIMED_OUT);
	expect_reply(reply, MACH_NOTIFY_SEND_ONCE);
	expect_reply(reply, 103);
	CHECK_EQ(flow_status(reply).mps_sorights, 0);
}
END_TEST

/* --- replies that are no messages --- */

static void too_short(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	reply->msgh_size = 20;
}

static void with_bad_bits(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	reply->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_RECEIVE, 0);
}

static void with_a_missing_right(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	struct flow_message *message = (struct flow_message *)reply;

	(void)received;
	reply->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	reply->msgh_size = sizeof message->base;
	message->base.body.msgh_descriptor_count = 0;
	flow_add_port(message, flow_missing_name(), COPY);
}

static void with_a_missing_reply_port(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)received;
	reply->msgh_local_port = flow_missing_name();
	reply->msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
}

START_TEST(a_reply_that_is_no_message_ends_the_server)
{
	static const struct {
		void (*reply)(mach_msg_header_t *, mach_msg_header_t *);
		mach_msg_return_t code;
	} wrong[] = {
		{too_short, MACH_SEND_MSG_TOO_SMALL},
		{with_bad_bits, MACH_SEND_INVALID_HEADER},
		{with_a_missing_right, MACH_SEND_INVALID_RIGHT},
		{with_a_missing_reply_port, MACH_SEND_INVALID_REPLY},
	};
	mach_port_t port = flow_port(), reply = flow_receive_right();

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		handler = wrong[i].reply;
		request(port, reply, 1);
		request(port, reply, 2);
		CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT), wrong[i].code);
		CHECK_EQ(flow_status(port).mps_msgcount, 1);
		CHECK_CODE(mach_msg_server_once(demux, MAX_SIZE, port, 0), wrong[i].code);
	}
}
END_TEST

/* --- a server in a thread --- */

struct running {
	mach_port_t port, reply;
	mach_msg_options_t options;
	pthread_t thread;
	atomic_bool ended;
	mach_msg_return_t code;
};

static void *run(void *argument)
{
	struct running *server = argument;

	server->code = mach_msg_server(demux, MAX_SIZE, server->port, server->options);
	atomic_store(&server->ended, true);
	return NULL;
}

/* A request is answered, and then the server waits for the next. */
static void ask(struct running *server)
{
	struct flow_message message;

	request(server->port, server->reply, 1);
	flow_await(server->reply, &message);
	CHECK_EQ(message.header.msgh_id, 101);
	flow_await_waiting(getpid(), 1);
}

static void start(struct running *server, mach_msg_options_t options)
{
	*server = (struct running){
		.port = flow_port(),
		.reply = flow_receive_right(),
		.options = options,
	};
	CHECK(pthread_create(&server->thread, NULL, run, server) == 0);
	ask(server);
}

static mach_msg_return_t end(struct running *server)
{
	CHECK(pthread_join(server->thread, NULL) == 0);
	return server->code;
}

START_TEST(the_end_of_the_port_ends_the_server)
{
	struct running server;

	start(&server, 0);
	ask(&server);
	CHECK_OK(mach_port_destroy(mach_task_self(), server.port));
	CHECK_CODE(end(&server), MACH_RCV_PORT_CHANGED);
}
END_TEST

static void destroy_own_port(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	(void)reply;
	CHECK_OK(mach_port_mod_refs(mach_task_self(), received->msgh_local_port,
				    MACH_PORT_RIGHT_RECEIVE, -1));
}

START_TEST(a_port_that_ends_in_the_demux_ends_the_server_after_the_reply)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	handler = destroy_own_port;
	request(port, reply, 1);
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, 0), MACH_RCV_INVALID_NAME);
	CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(message.header.msgh_id, 101);
}
END_TEST

static atomic_uint signals;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals, 1);
}

static void handle_signals(void)
{
	struct sigaction action = {.sa_handler = count_signal};

	atomic_store(&signals, 0);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
}

START_TEST(a_signal_ends_a_server_that_asked_for_it)
{
	struct running server;

	handle_signals();
	start(&server, MACH_RCV_INTERRUPT);
	while (!atomic_load(&server.ended))
		flow_interrupt(server.thread);
	CHECK_CODE(end(&server), MACH_RCV_INTERRUPTED);
}
END_TEST

START_TEST(a_signal_does_not_disturb_another_server)
{
	struct running server;

	handle_signals();
	start(&server, 0);
	for (unsigned i = 0; i < 10; i++) {
		unsigned before = atomic_load(&signals);

		CHECK(pthread_kill(server.thread, SIGUSR1) == 0);
		while (atomic_load(&signals) == before)
			sched_yield();
		ask(&server);
	}
	CHECK_OK(mach_port_destroy(mach_task_self(), server.port));
	CHECK_CODE(end(&server), MACH_RCV_PORT_CHANGED);
}
END_TEST

START_TEST(the_end_of_the_daemon_ends_the_server)
{
	struct running server;

	start(&server, 0);
	flow_crash();
	CHECK_CODE(end(&server), MACHD_NO_DAEMON);
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, server.port, 0), MACHD_NO_DAEMON);
	CHECK_CODE(mach_msg_server_once(demux, MAX_SIZE, server.port, 0), MACHD_NO_DAEMON);
}
END_TEST

START_TEST(without_memory_for_buffers_no_request_is_taken)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct rlimit unlimited, none;
	mach_msg_return_t loop, once;

	request(port, reply, 1);
	CHECK(getrlimit(RLIMIT_AS, &unlimited) == 0);
	none = unlimited;
	none.rlim_cur = 1;
	CHECK(setrlimit(RLIMIT_AS, &none) == 0);
	loop = mach_msg_server(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT);
	once = mach_msg_server_once(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT);
	CHECK(setrlimit(RLIMIT_AS, &unlimited) == 0);
	CHECK_CODE(loop, KERN_NO_SPACE);
	CHECK_CODE(once, KERN_NO_SPACE);
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
}
END_TEST

/* A message that is too large for the memory there is stays where it was. */
static struct rlimit before_limit;

static void take_memory_away(mach_msg_header_t *received, mach_msg_header_t *reply)
{
	struct rlimit none;

	(void)received;
	(void)reply;
	CHECK(getrlimit(RLIMIT_AS, &before_limit) == 0);
	none = before_limit;
	none.rlim_cur = 1;
	CHECK(setrlimit(RLIMIT_AS, &none) == 0);
}

START_TEST(without_memory_for_a_larger_buffer_the_request_stays_queued)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	static struct {
		mach_msg_header_t header;
		uint8_t body[20000];
	} large;
	struct flow_message message;
	mach_msg_return_t code;

	request(port, reply, 1);
	large.header.msgh_bits = MACH_MSGH_BITS(COPY, MAKE_ONCE);
	large.header.msgh_remote_port = port;
	large.header.msgh_local_port = reply;
	large.header.msgh_id = 2;
	CHECK_OK(mach_msg(&large.header, MACH_SEND_MSG, sizeof large, 0, MACH_PORT_NULL, 0, 0));
	handler = take_memory_away;
	code = mach_msg_server(demux, MAX_SIZE, port, MACH_RCV_LARGE | MACH_RCV_TIMEOUT);
	handler = NULL;
	CHECK(setrlimit(RLIMIT_AS, &before_limit) == 0);
	CHECK_CODE(code, KERN_NO_SPACE);
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, MACH_RCV_LARGE));
	for (mach_msg_id_t id = 101; id <= 102; id++) {
		CHECK_OK(flow_receive(reply, &message));
		CHECK_EQ(message.header.msgh_id, id);
	}
}
END_TEST

#define MUCH (8u << 20)

/* Address space of this process, in pages. */
static unsigned long mapped(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	CHECK(file != NULL);
	CHECK(fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	return pages;
}

START_TEST(a_server_that_ended_has_freed_its_buffers)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	mach_msg_header_t *large = calloc(1, MUCH + 4096);
	unsigned long before;

	CHECK(large != NULL);
	request(port, reply, 1);
	large->msgh_bits = MACH_MSGH_BITS(COPY, 0);
	large->msgh_remote_port = port;
	CHECK_OK(mach_msg(large, MACH_SEND_MSG, MUCH + 4096, 0, MACH_PORT_NULL, 0, 0));
	free(large);
	before = mapped();
	CHECK_OK(mach_msg_server_once(demux, MUCH, port, 0));
	CHECK_CODE(mach_msg_server(demux, MUCH, port, MACH_RCV_LARGE | MACH_RCV_TIMEOUT),
		   MACH_RCV_TIMED_OUT);
	CHECK_EQ(events, 2 * 3); /* both were handled */
	flow_crash();
	CHECK_CODE(mach_msg_server(demux, MUCH, port, 0), MACHD_NO_DAEMON);
	CHECK(mapped() < before + MUCH / vm_page_size);
}
END_TEST

/* --- vouchers --- */

static int mark; /* its address stands for a voucher */

/* The library's own do nothing; a program's come in their place. */
voucher_mach_msg_state_t voucher_mach_msg_adopt(mach_msg_header_t *msg)
{
	CHECK(MACH_PORT_VALID(msg->msgh_local_port));
	happened('a');
	return (voucher_mach_msg_state_t)&mark;
}

void voucher_mach_msg_revert(voucher_mach_msg_state_t state)
{
	CHECK(state == (voucher_mach_msg_state_t)&mark);
	happened('r');
}

START_TEST(each_request_is_handled_under_its_voucher)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	for (mach_msg_id_t id = 1; id <= 3; id++)
		request(port, reply, id);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	ck_assert_str_eq(order, "ahr");
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT), MACH_RCV_TIMED_OUT);
	ck_assert_str_eq(order, "ahrahrahr");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msg_server_end");
	TCase *tests = add_case(suite, "sizes");

	tcase_add_test(tests, the_trailer_asked_for_is_behind_the_longest_request);
	tcase_add_test(tests, a_request_over_the_maximum_ends_the_server);
	tcase_add_test(tests, i343_with_large_requests_the_buffer_grows);
	tcase_add_test(tests, the_buffer_grows_for_the_trailer_as_well);
	tcase_add_test(tests, a_maximum_of_nothing_still_has_room_for_a_reply);
	tests = add_case(suite, "ends");
	tcase_add_test(tests, a_reply_that_is_interrupted_is_given_up);
	tcase_add_test(tests, a_reply_that_is_no_message_ends_the_server);
	tcase_add_test(tests, the_end_of_the_port_ends_the_server);
	tcase_add_test(tests, a_port_that_ends_in_the_demux_ends_the_server_after_the_reply);
	tcase_add_test(tests, a_signal_ends_a_server_that_asked_for_it);
	tcase_add_test(tests, a_signal_does_not_disturb_another_server);
	tcase_add_test(tests, the_end_of_the_daemon_ends_the_server);
	tcase_add_test(tests, without_memory_for_buffers_no_request_is_taken);
	tcase_add_test(tests, without_memory_for_a_larger_buffer_the_request_stays_queued);
	tcase_add_test(tests, a_server_that_ended_has_freed_its_buffers);
	tests = add_case(suite, "vouchers");
	tcase_add_test(tests, each_request_is_handled_under_its_voucher);
	return flow_run(suite);
}
