/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs in the shape of MIG's output (tests/flow/mig), with mach_msg_server in one process and the
 * calls in another: what comes back, what is refused, and what happens when either side is wrong.
 */
#include <mach/mig_errors.h>
#include <pthread.h>
#include <servers/bootstrap.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/mig/desk.h"

#define SERVICE	 "flow.desk"
#define GREETING 77
#define CLOSE	 -1 /* a word that ends the service */

#define AUDIT                                               \
	(MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) | \
	 MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT))

/* --- the service --- */

static struct {
	mach_port_t set;
	int total, pid;
} desk;

kern_return_t do_desk_add(mach_port_t server, int a, int b, int *sum)
{
	(void)server;
	return __builtin_add_overflow(a, b, sum) ? KERN_INVALID_VALUE : KERN_SUCCESS;
}

kern_return_t do_desk_echo(mach_port_t server, desk_text_t text, desk_text_t copy)
{
	(void)server;
	if (text[0] == '\0')
		return KERN_INVALID_ARGUMENT;
	strcpy(copy, text);
	return KERN_SUCCESS;
}

/* Greet the peer, and give it a port of its own to call. */
kern_return_t do_desk_trade(mach_port_t server, mach_port_t peer, mach_port_t *counter)
{
	(void)server;
	if (peer == MACH_PORT_NULL)
		return KERN_INVALID_CAPABILITY;
	CHECK_OK(flow_send_to(peer, MACH_MSG_TYPE_MOVE_SEND, 0, 0, GREETING));
	*counter = flow_receive_right();
	return mach_port_insert_member(mach_task_self(), *counter, desk.set);
}

kern_return_t do_desk_note(mach_port_t server, int word, audit_token_t caller)
{
	(void)server;
	desk.total += word;
	desk.pid = (int)caller.val[5];
	return word == CLOSE ? mach_port_destroy(mach_task_self(), desk.set) : KERN_SUCCESS;
}

kern_return_t do_desk_tally(mach_port_t server, int *total, int *pid)
{
	(void)server;
	*total = desk.total;
	*pid = desk.pid;
	return KERN_SUCCESS;
}

static void serve(void *unused)
{
	mach_port_t port;

	(void)unused;
	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &desk.set));
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	CHECK_OK(mach_port_insert_member(mach_task_self(), port, desk.set));
	flow_tell_parent(0);
	CHECK_CODE(mach_msg_server(desk_server, do_desk_subsystem.maxsize, desk.set, AUDIT),
		   MACH_RCV_INVALID_NAME);
}

static struct flow_child service;

static mach_port_t open_desk(void)
{
	mach_port_t port = MACH_PORT_NULL;

	flow_fork(&service, serve, NULL);
	flow_hear(&service);
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	return port;
}

static void close_desk(mach_port_t port)
{
	CHECK_OK(desk_note(port, CLOSE));
	flow_join(&service);
}

/* --- calls --- */

START_TEST(numbers_and_strings_go_there_and_back)
{
	mach_port_t port = open_desk();
	desk_text_t text, copy;
	int sum;

	CHECK_OK(desk_add(port, 40, 2, &sum));
	CHECK_EQ(sum, 42);
	CHECK_OK(desk_add(port, -1, -1, &sum));
	CHECK_EQ(sum, -2);
	for (size_t length = 1; length < sizeof text; length++) {
		memset(text, 'a' + (int)(length % 26), length);
		text[length] = '\0';
		CHECK_OK(desk_echo(port, text, copy));
		ck_assert_str_eq(copy, text);
	}
	close_desk(port);
}
END_TEST

START_TEST(the_code_of_the_routine_is_the_code_of_the_call)
{
	mach_port_t port = open_desk(), counter = 99;
	desk_text_t empty = "", copy = "as before";
	int sum = 7;

	CHECK_CODE(desk_add(port, 0x7fffffff, 1, &sum), KERN_INVALID_VALUE);
	CHECK_EQ(sum, 7);
	CHECK_CODE(desk_echo(port, empty, copy), KERN_INVALID_ARGUMENT);
	ck_assert_str_eq(copy, "as before");
	CHECK_CODE(desk_trade(port, MACH_PORT_NULL, &counter), KERN_INVALID_CAPABILITY);
	CHECK_EQ(counter, 99);
	close_desk(port);
}
END_TEST

START_TEST(ports_go_there_and_back)
{
	mach_port_t port = open_desk(), peer = flow_port(), counter = MACH_PORT_NULL;
	struct flow_message message;
	int sum;

	CHECK_OK(desk_trade(port, peer, &counter));
	CHECK_EQ(flow_type(counter), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_refs(counter, MACH_PORT_RIGHT_SEND), 1);
	CHECK(counter != port);
	CHECK_OK(flow_receive(peer, &message));
	CHECK_EQ(message.header.msgh_id, GREETING);
	CHECK_EQ(flow_status(peer).mps_srights, 1); /* ours; the service gave up its own */
	CHECK_OK(mach_port_deallocate(mach_task_self(), peer));
	CHECK_EQ(flow_status(peer).mps_srights, 0);
	CHECK_OK(desk_add(counter, 1, 2, &sum));
	CHECK_EQ(sum, 3);
	close_desk(port);
	CHECK_CODE(desk_add(counter, 1, 2, &sum), MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(a_simpleroutine_has_no_reply_and_knows_its_caller)
{
	mach_port_t port = open_desk();
	int total, pid;

	for (int i = 1; i <= 20; i++)
		CHECK_OK(desk_note(port, i));
	CHECK_OK(desk_tally(port, &total, &pid));
	CHECK_EQ(total, 210);
	CHECK_EQ(pid, getpid());
	close_desk(port);
}
END_TEST

START_TEST(a_thread_uses_one_reply_port_for_all_its_calls)
{
	mach_port_t port = open_desk(), reply = mig_get_reply_port(), counter;
	int sum;

	for (int i = 0; i < 10; i++) {
		CHECK_OK(desk_add(port, i, 1, &sum));
		CHECK_CODE(desk_trade(port, MACH_PORT_NULL, &counter), KERN_INVALID_CAPABILITY);
	}
	CHECK_EQ(mig_get_reply_port(), reply);
	CHECK_EQ(flow_status(reply).mps_sorights, 0);
	CHECK_EQ(flow_status(reply).mps_seqno, 20);
	close_desk(port);
}
END_TEST

START_TEST(a_service_that_is_gone_does_not_cost_the_reply_port)
{
	mach_port_t port = open_desk(), reply = mig_get_reply_port();
	int sum;

	close_desk(port);
	CHECK_CODE(desk_add(port, 1, 2, &sum), MACH_SEND_INVALID_DEST);
	CHECK_CODE(desk_note(port, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(mig_get_reply_port(), reply);
	CHECK_EQ(flow_type(reply), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

struct caller {
	mach_port_t port;
	int number;
};

static void *call_often(void *argument)
{
	const struct caller *caller = argument;
	int sum;

	for (int i = 0; i < 200; i++) {
		CHECK_OK(desk_add(caller->port, caller->number, i, &sum));
		CHECK_EQ(sum, caller->number + i);
	}
	return NULL;
}

START_TEST(each_of_many_threads_gets_its_own_replies)
{
	mach_port_t port = open_desk();
	struct caller callers[6];
	pthread_t threads[6];

	for (int i = 0; i < 6; i++) {
		callers[i] = (struct caller){.port = port, .number = i * 1000};
		CHECK(pthread_create(&threads[i], NULL, call_often, &callers[i]) == 0);
	}
	for (int i = 0; i < 6; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	close_desk(port);
}
END_TEST

/* --- requests that a stub would not make --- */

/* Send the message and receive the reply, which must be nothing but that code. */
static void expect_refusal(struct flow_message *message, mach_port_t port, kern_return_t code)
{
	const mig_reply_error_t *reply = (const mig_reply_error_t *)message;
	mach_msg_id_t id = message->header.msgh_id;
	mach_port_t local = mig_get_reply_port();

	message->header.msgh_bits |=
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	message->header.msgh_remote_port = port;
	message->header.msgh_local_port = local;
	CHECK_OK(mach_msg(&message->header, MACH_SEND_MSG | MACH_RCV_MSG, message->header.msgh_size,
			  sizeof *message, local, 0, MACH_PORT_NULL));
	CHECK_EQ(message->header.msgh_size, sizeof *reply);
	CHECK_EQ(message->header.msgh_id, id + 100);
	CHECK_EQ(message->header.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	ck_assert_mem_eq(&reply->NDR, &NDR_record, sizeof NDR_record);
	CHECK_EQ(reply->RetCode, code);
}

START_TEST(an_id_without_a_routine_is_a_bad_id)
{
	static const mach_msg_id_t ids[] = {DESK_FIRST - 1, DESK_ECHO + 1, DESK_END, 0, -1};
	mach_port_t port = open_desk();
	struct flow_message message;

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		flow_header(&message, port, 0, 0, 0, ids[i]);
		expect_refusal(&message, port, MIG_BAD_ID);
	}
	close_desk(port);
}
END_TEST

START_TEST(a_request_of_a_wrong_size_has_bad_arguments)
{
	static const struct {
		mach_msg_id_t id;
		mach_msg_size_t size;
	} wrong[] = {
		{DESK_ADD, 24},
		{DESK_ADD, sizeof(__Request__desk_add_t) - 4},
		{DESK_ADD, sizeof(__Request__desk_add_t) + 4},
		{DESK_ECHO, sizeof(__Request__desk_echo_t) - DESK_TEXT_MAX - 4},
		{DESK_ECHO, sizeof(__Request__desk_echo_t) + 4},
		{DESK_TRADE, sizeof(__Request__desk_trade_t)}, /* without the COMPLEX bit */
		{DESK_NOTE, 24},
		{DESK_TALLY, 28},
	};
	mach_port_t port = open_desk();
	struct flow_message message;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		memset(&message, 0, sizeof message);
		message.header.msgh_id = wrong[i].id;
		message.header.msgh_size = wrong[i].size;
		expect_refusal(&message, port, MIG_BAD_ARGUMENTS);
	}
	close_desk(port);
}
END_TEST

START_TEST(a_string_must_end_and_be_as_long_as_it_says)
{
	static const struct {
		mach_msg_size_t count, carried;
	} wrong[] = {{5, 4}, {4, 8}, {DESK_TEXT_MAX + 4, DESK_TEXT_MAX}, {0, 0}, {0xfffffffd, 0}};
	mach_port_t port = open_desk();
	union {
		struct flow_message message;
		__Request__desk_echo_t request;
	} wire;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		memset(&wire, 0, sizeof wire);
		wire.request.textCnt = wrong[i].count;
		wire.request.Head.msgh_id = DESK_ECHO;
		wire.request.Head.msgh_size =
			(mach_msg_size_t)offsetof(__Request__desk_echo_t, text) + wrong[i].carried;
		expect_refusal(&wire.message, port, MIG_BAD_ARGUMENTS);
	}
	memset(&wire, 'x', sizeof wire);
	wire.request.Head = (mach_msg_header_t){.msgh_id = DESK_ECHO};
	wire.request.Head.msgh_size = (mach_msg_size_t)offsetof(__Request__desk_echo_t, text) + 8;
	wire.request.textCnt = 8;
	expect_refusal(&wire.message, port, MIG_BAD_ARGUMENTS);
	close_desk(port);
}
END_TEST

START_TEST(rights_in_a_refused_request_are_given_up)
{
	mach_port_t port = open_desk(), mine = flow_port();
	struct flow_message message;

	flow_complex(&message, port, 0, DESK_ADD);
	flow_add_port(&message, mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	expect_refusal(&message, port, MIG_BAD_ARGUMENTS);
	flow_complex(&message, port, 0, DESK_TRADE);
	flow_add_port(&message, mine, MACH_MSG_TYPE_COPY_SEND);
	flow_add_port(&message, mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	expect_refusal(&message, port, MIG_BAD_ARGUMENTS);
	flow_complex(&message, port, 0, DESK_TRADE);
	flow_add_port(&message, mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	expect_refusal(&message, port, MIG_TYPE_ERROR);
	flow_complex(&message, port, 0, DESK_FIRST - 1);
	flow_add_port(&message, mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	expect_refusal(&message, port, MIG_BAD_ID);
	/* Answers to later calls come after all that the refused ones had as a consequence. */
	close_desk(port);
	for (unsigned i = 0; i < 4; i++)
		flow_notified(mine, MACH_NOTIFY_SEND_ONCE);
	flow_notified(mine, -1);
	CHECK_EQ(flow_status(mine).mps_sorights, 0);
	CHECK_OK(mach_port_deallocate(mach_task_self(), mine));
	CHECK_EQ(flow_status(mine).mps_srights, 0);
}
END_TEST

/* --- servers that no stub would be part of --- */

static void (*rogue_reply)(mach_msg_header_t *request, mach_msg_header_t *reply);
static mach_port_t rogue_port, rogue_extra;

static boolean_t rogue_demux(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	*reply = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0),
		.msgh_size = sizeof(__Reply__desk_add_t),
		.msgh_remote_port = request->msgh_remote_port,
		.msgh_id = request->msgh_id + 100,
	};
	((__Reply__desk_add_t *)reply)->RetCode = KERN_SUCCESS;
	rogue_reply(request, reply);
	return TRUE;
}

static void *answer_once(void *unused)
{
	(void)unused;
	CHECK_OK(mach_msg_server_once(rogue_demux, 1024, rogue_port, 0));
	return NULL;
}

/* The code of desk_add when that server answers, and of desk_trade. */
static kern_return_t ask_rogue(void (*reply)(mach_msg_header_t *, mach_msg_header_t *),
			       mach_msg_id_t id)
{
	mach_port_t counter;
	pthread_t thread;
	kern_return_t code;
	int sum;

	rogue_reply = reply;
	CHECK(pthread_create(&thread, NULL, answer_once, NULL) == 0);
	code = id == DESK_ADD ? desk_add(rogue_port, 1, 2, &sum)
			      : desk_trade(rogue_port, MACH_PORT_NULL, &counter);
	CHECK(pthread_join(thread, NULL) == 0);
	return code;
}

static void with_another_id(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	reply->msgh_id = request->msgh_id + 101;
}

static void too_short(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	(void)request;
	reply->msgh_size -= 4;
}

static void larger_than_the_callers_buffer(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	(void)request;
	reply->msgh_size += 4;
}

static void with_a_reply_port(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	(void)request;
	reply->msgh_local_port = rogue_extra;
	reply->msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MAKE_SEND_ONCE);
}

static void with_one_port(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	struct flow_message *message = (struct flow_message *)reply;

	(void)request;
	reply->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	reply->msgh_size = sizeof message->base;
	message->base.body.msgh_descriptor_count = 0;
	flow_add_port(message, rogue_extra, MACH_MSG_TYPE_MAKE_SEND_ONCE);
}

static void with_no_port(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	with_one_port(request, reply);
	((struct flow_message *)reply)->base.body.msgh_descriptor_count = 0;
}

static void with_nothing_but_success(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	(void)request;
	reply->msgh_size = sizeof(mig_reply_error_t);
}

static void never(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mach_msg_destroy(request);
	reply->msgh_remote_port = MACH_PORT_NULL;
}

START_TEST(a_reply_that_is_none_is_refused_and_given_up)
{
	rogue_port = flow_port();
	rogue_extra = flow_receive_right();
	CHECK_CODE(ask_rogue(with_another_id, DESK_ADD), MIG_REPLY_MISMATCH);
	CHECK_CODE(ask_rogue(too_short, DESK_ADD), MIG_TYPE_ERROR);
	CHECK_CODE(ask_rogue(with_nothing_but_success, DESK_ADD), MIG_TYPE_ERROR);
	CHECK_CODE(ask_rogue(with_nothing_but_success, DESK_TRADE), MIG_TYPE_ERROR);
	flow_notified(rogue_extra, -1);
	CHECK_CODE(ask_rogue(with_a_reply_port, DESK_ADD), MIG_TYPE_ERROR);
	flow_notified(rogue_extra, MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(ask_rogue(with_one_port, DESK_ADD), MIG_TYPE_ERROR);
	flow_notified(rogue_extra, MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(ask_rogue(with_one_port, DESK_TRADE), MIG_TYPE_ERROR); /* not a send right */
	flow_notified(rogue_extra, MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(ask_rogue(with_no_port, DESK_TRADE), MIG_TYPE_ERROR);
	flow_notified(rogue_extra, -1);
	CHECK_EQ(flow_status(rogue_extra).mps_sorights, 0);
}
END_TEST

START_TEST(after_a_reply_that_cannot_be_received_the_reply_port_is_another)
{
	mach_port_t reply = mig_get_reply_port();

	rogue_port = flow_port();
	CHECK_CODE(ask_rogue(larger_than_the_callers_buffer, DESK_ADD), MACH_RCV_TOO_LARGE);
	CHECK_EQ(flow_type(reply), 0);
	CHECK(mig_get_reply_port() != reply);
	CHECK_EQ(flow_type(mig_get_reply_port()), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

START_TEST(a_server_that_drops_the_right_to_reply_has_died)
{
	rogue_port = flow_port();
	CHECK_CODE(ask_rogue(never, DESK_ADD), MIG_SERVER_DIED);
	CHECK_CODE(ask_rogue(never, DESK_TRADE), MIG_SERVER_DIED);
}
END_TEST

static void takes_one_and_waits(void *unused)
{
	struct flow_message message;
	mach_port_t port;

	(void)unused;
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_tell_parent(0);
	flow_await(port, &message);
	flow_tell_parent(1);
	flow_hear_parent();
}

static void *kill_service(void *unused)
{
	(void)unused;
	CHECK_EQ(flow_hear(&service), 1);
	flow_kill(&service);
	return NULL;
}

START_TEST(a_server_that_is_killed_has_died)
{
	mach_port_t port = MACH_PORT_NULL;
	pthread_t killer;
	int sum;

	flow_fork(&service, takes_one_and_waits, NULL);
	flow_hear(&service);
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	CHECK(pthread_create(&killer, NULL, kill_service, NULL) == 0);
	CHECK_CODE(desk_add(port, 1, 2, &sum), MIG_SERVER_DIED);
	CHECK(pthread_join(killer, NULL) == 0);
}
END_TEST

/* --- the table --- */

START_TEST(the_table_can_be_used_by_any_dispatcher)
{
	mig_subsystem_t table = (mig_subsystem_t)(uintptr_t)&do_desk_subsystem;
	mach_msg_header_t request = {.msgh_id = DESK_TALLY, .msgh_size = sizeof request};
	__Reply__desk_tally_t reply = {.Head = {.msgh_size = sizeof(mig_reply_error_t)}};
	mig_routine_t routine = table->server(&request);

	CHECK_EQ(table->start, DESK_FIRST);
	CHECK_EQ(table->end, DESK_END);
	CHECK_EQ(table->maxsize, sizeof(__Reply__desk_echo_t));
	CHECK(routine != NULL);
	CHECK(routine == table->routine[DESK_TALLY - DESK_FIRST].stub_routine);
	CHECK_EQ(table->routine[DESK_TALLY - DESK_FIRST].max_reply_msg, sizeof reply);
	CHECK(table->routine[DESK_ECHO + 1 - DESK_FIRST].stub_routine == NULL);
	desk.total = 17;
	routine(&request, &reply.Head);
	CHECK_EQ(reply.RetCode, KERN_SUCCESS);
	CHECK_EQ(reply.Head.msgh_size, sizeof reply);
	CHECK_EQ(reply.total, 17);
	request.msgh_id = DESK_END;
	CHECK(table->server(&request) == NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mig");
	TCase *tests = flow_case(suite, "calls");

	tcase_add_test(tests, numbers_and_strings_go_there_and_back);
	tcase_add_test(tests, the_code_of_the_routine_is_the_code_of_the_call);
	tcase_add_test(tests, ports_go_there_and_back);
	tcase_add_test(tests, a_simpleroutine_has_no_reply_and_knows_its_caller);
	tcase_add_test(tests, a_thread_uses_one_reply_port_for_all_its_calls);
	tcase_add_test(tests, a_service_that_is_gone_does_not_cost_the_reply_port);
	tcase_add_test(tests, each_of_many_threads_gets_its_own_replies);
	tests = flow_case(suite, "requests");
	tcase_add_test(tests, an_id_without_a_routine_is_a_bad_id);
	tcase_add_test(tests, a_request_of_a_wrong_size_has_bad_arguments);
	tcase_add_test(tests, a_string_must_end_and_be_as_long_as_it_says);
	tcase_add_test(tests, rights_in_a_refused_request_are_given_up);
	tests = flow_case(suite, "replies");
	tcase_add_test(tests, a_reply_that_is_none_is_refused_and_given_up);
	tcase_add_test(tests, after_a_reply_that_cannot_be_received_the_reply_port_is_another);
	tcase_add_test(tests, a_server_that_drops_the_right_to_reply_has_died);
	tcase_add_test(tests, a_server_that_is_killed_has_died);
	tests = tcase_create("table");
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, the_table_can_be_used_by_any_dispatcher);
	return flow_run(suite);
}
