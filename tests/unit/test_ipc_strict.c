/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reply [17.4]: who may be named for a reply, and under which persona it must be sent. */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_voucher.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_voucher.h"
#include "tests/lab/lab_window.h"

/* The client is of one uid, the server root's: it works under any persona. */
struct world {
	struct lab *lab;
	struct lab_thread *client, *server;
	mach_port_name_t door;	  /* of the server */
	mach_port_name_t service; /* the client's right to it */
	mach_port_name_t reply;	  /* of the client */
	mach_port_name_t bank;	  /* of the client */
	mach_port_name_t thread;  /* the server's, its own */
};

static mach_port_name_t thread_self(struct lab_thread *thread)
{
	struct mach_thread_self_in in;
	struct mach_thread_self_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_thread_self, thread->task->self, &in, sizeof in,
			&out, sizeof out, NULL));
	return out.thread;
}

static struct world begin(uint32_t strict)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.policy.p_strict_reply = strict;
	world.lab = lab_start(&options);
	world.client = lab_task(world.lab, 1000)->thread;
	world.server = lab_task(world.lab, 0)->thread;
	world.door = lab_new_port(world.server);
	world.service = lab_pass(world.server, world.door, MAKE_SEND, world.client);
	world.reply = lab_new_port(world.client);
	world.bank = lab_new_bank(world.client);
	world.thread = thread_self(world.server);
	return world;
}

static kern_return_t set_voucher(struct lab_thread *thread, mach_port_name_t port,
				 mach_port_name_t voucher)
{
	struct thread_set_mach_voucher_in in = {.voucher = voucher};

	return lab_call(thread, MACHD_ROUTINE_thread_set_mach_voucher, port, &in, sizeof in, NULL,
			0, NULL);
}

static mach_port_name_t get_voucher(struct lab_thread *thread, mach_port_name_t port)
{
	struct thread_get_mach_voucher_in in = {.which = 0};
	struct thread_get_mach_voucher_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_thread_get_mach_voucher, port, &in, sizeof in, &out,
			sizeof out, NULL));
	return out.voucher;
}

/* The client asks with a strict send; `option` is added. */
static mach_msg_return_t ask(struct world *world, mach_port_name_t reply, uint32_t disposition,
			     uint32_t option)
{
	struct lab_buffer message;

	lab_compose(&message, world->service, COPY_SEND, reply, disposition, 7);
	lab_carry(&message, world->bank, COPY_SEND);
	return lab_send(world->client, &message, MACH_SEND_TIMEOUT | MACH_MSG_STRICT_REPLY | option,
			0);
}

/* The server receives; with MACH_MSG_STRICT_REPLY in `option` the reply is tied. */
static struct lab_buffer hear(struct world *world, uint32_t option)
{
	struct lab_buffer message;

	lab_ok(lab_receive(world->server, world->door, &message,
			   MACH_RCV_TIMEOUT | MACH_RCV_VOUCHER | option, 0));
	return message;
}

/* It answers to what it heard. */
static mach_msg_return_t answer(struct world *world, const struct lab_buffer *request,
				struct lab_buffer *message)
{
	lab_compose(message, request->header.msgh_remote_port, MOVE_ONCE, NOBODY, 0, 107);
	return lab_send_now(world->server, message);
}

/* The last request of the thread raised kGUARD_EXC_STRICT_REPLY of this kind about this name. */
static void expect_guard(struct lab_thread *thread, mach_port_name_t name, uint64_t kind)
{
	struct machd_take_guard_exception_in in;
	struct machd_take_guard_exception_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_machd_take_guard_exception, thread->task->self, &in,
			sizeof in, &out, sizeof out, NULL));
	ck_assert_uint_eq(out.reason, kGUARD_EXC_STRICT_REPLY);
	ck_assert_uint_eq(out.name, name);
	ck_assert_uint_eq(out.subcode & MPG_FLAGS_STRICT_REPLY_MASK, kind);
}

START_TEST(what_is_wrong_is_said_of_a_name)
{
	struct world world = begin(1);
	struct lab_buffer request, message;
	mach_port_name_t service = lab_new_service(world.client), voucher;

	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, service, MAKE_SEND, 0));
	expect_guard(world.client, service, MPG_FLAGS_STRICT_REPLY_INVALID_REPLY_DISP);
	lab_new_once(world.client, service);
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, service, MAKE_ONCE, 0));
	expect_guard(world.client, service, MPG_FLAGS_STRICT_REPLY_INVALID_REPLY_PORT);
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_is(MACH_SEND_INVALID_CONTEXT, answer(&world, &request, &message));
	expect_guard(world.server, MACH_PORT_NULL, MPG_FLAGS_STRICT_REPLY_INVALID_VOUCHER);
	lab_ok(lab_deallocate(world.server, message.header.msgh_remote_port));
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	voucher = lab_new_voucher(world.server, "no persona");
	lab_ok(set_voucher(world.server, world.thread, voucher));
	lab_is(MACH_SEND_INVALID_CONTEXT, answer(&world, &request, &message));
	expect_guard(world.server, voucher, MPG_FLAGS_STRICT_REPLY_MISMATCHED_PERSONA);
	lab_stop(world.lab);
}
END_TEST

/* --- sending a request --- */

START_TEST(a_reply_is_a_send_once_right)
{
	struct world world = begin(1);
	const uint32_t wrong[] = {MAKE_SEND, COPY_SEND, MOVE_SEND, 0};
	mach_port_name_t service = lab_new_service(world.client);

	for (unsigned i = 0; i < 4; i++)
		lab_is(MACH_SEND_INVALID_REPLY,
		       ask(&world, wrong[i] ? service : NOBODY, wrong[i], 0));
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, NOBODY, MAKE_ONCE, 0));
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, MACH_PORT_DEAD, MOVE_ONCE, 0));
	lab_silent(world.server, world.door);
	lab_name_is(world.client, service, SEND_RECEIVE, 1);
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	lab_ok(ask(&world, lab_new_once(world.client, lab_new_port(world.client)), MOVE_ONCE, 0));
	lab_stop(world.lab);
}
END_TEST

/* Each message on a queue has a send right to it; one that was lent and taken has none any more. */
START_TEST(messages_that_were_taken_count_no_more)
{
	struct world world = begin(1);
	mach_port_name_t once = lab_new_once(world.client, world.reply);
	struct lab_buffer message;

	lab_ok(lab_board(world.client, TRAP_FD_FIXED));
	lab_ok(lab_insert_right(world.client, world.reply, world.reply, MAKE_SEND));
	lab_fill(world.client, world.reply, 3, 0);
	for (unsigned i = 0; i < 3; i++)
		lab_ok(lab_receive_ahead(world.client, world.reply, &message));
	ck_assert_uint_gt(world.client->lent, 0);
	lab_ok(ask(&world, once, MOVE_ONCE, 0));
	hear(&world, 0);
	lab_stop(world.lab);
}
END_TEST

/* The header was taken by then: what it moved is gone, and there is no pseudo-receive. */
START_TEST(a_reply_port_has_this_one_right)
{
	struct world world = begin(1);
	mach_port_name_t once = lab_new_once(world.client, world.reply);

	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, world.reply, MAKE_ONCE, 0));
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_deallocate(world.client, once));
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	/* One send right keeps the name; another task's is one too many. */
	lab_ok(lab_insert_right(world.client, world.reply, world.reply, MAKE_SEND));
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	hear(&world, 0);
	lab_pass(world.client, world.reply, COPY_SEND, lab_task(world.lab, 1000)->thread);
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, world.reply, MAKE_ONCE, 0));
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_reply_port_is_the_senders_own)
{
	struct world world = begin(1);
	mach_port_name_t port = lab_new_port(world.server);
	mach_port_name_t once = lab_pass(world.server, port, MAKE_ONCE, world.client);

	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, once, MOVE_ONCE, 0));
	lab_name_is(world.client, once, NO_NAME, 0);
	lab_notice(world.server, port, MACH_NOTIFY_SEND_ONCE);
	/* A port that has died is no mistake of the sender. */
	port = lab_new_port(world.server);
	once = lab_pass(world.server, port, MAKE_ONCE, world.client);
	lab_ok(lab_destroy(world.server, port));
	lab_ok(ask(&world, once, MOVE_ONCE, 0));
	lab_stop(world.lab);
}
END_TEST

/* Who sends only, and says that it knows guards, wants the port to stay. */
START_TEST(a_reply_port_that_stays)
{
	struct world world = begin(1);
	struct mach_port_guard_with_flags_in in = {
		.name = world.reply, .guard = 7, .flags = MPG_IMMOVABLE_RECEIVE};

	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, world.reply, MAKE_ONCE, MACH_RCV_GUARDED_DESC));
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_call(world.client, MACHD_ROUTINE_mach_port_guard_with_flags,
			world.client->task->self, &in, sizeof in, NULL, 0, NULL));
	lab_ok(ask(&world, world.reply, MAKE_ONCE, MACH_RCV_GUARDED_DESC));
	lab_stop(world.lab);
}
END_TEST

/* --- replying --- */

START_TEST(a_reply_is_sent_under_the_persona_of_the_request)
{
	struct world world = begin(1);
	struct lab_buffer request, message;

	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(set_voucher(world.server, world.thread, request.header.msgh_voucher_port));
	lab_ok(answer(&world, &request, &message));
	lab_message(world.client, world.reply, 107);
	/* The thread's own persona is another one. */
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(set_voucher(world.server, world.thread, lab_new_bank(world.server)));
	lab_is(MACH_SEND_INVALID_CONTEXT, answer(&world, &request, &message));
	lab_stop(world.lab);
}
END_TEST

/* It comes back as one that could not be queued does, and then it can be sent by anybody. */
START_TEST(a_reply_without_a_voucher_comes_back)
{
	struct world world = begin(1);
	struct lab_buffer request, message;

	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_is(MACH_SEND_INVALID_CONTEXT, answer(&world, &request, &message));
	lab_name_is(world.server, message.header.msgh_remote_port, SEND_ONCE, 1);
	ck_assert_uint_eq(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits), MOVE_ONCE);
	lab_silent(world.client, world.reply);
	lab_audit(world.lab);
	lab_ok(lab_send_now(world.server, &message));
	lab_message(world.client, world.reply, 107);
	lab_stop(world.lab);
}
END_TEST

/* Nothing is asked of a server that does not say so, or of a request without a persona. */
START_TEST(only_who_takes_part_is_held_to_it)
{
	struct world world = begin(1);
	struct lab_buffer request, message;

	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, 0);
	lab_ok(answer(&world, &request, &message));
	lab_message(world.client, world.reply, 107);
	world.bank = MACH_PORT_NULL;
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(answer(&world, &request, &message));
	lab_message(world.client, world.reply, 107);
	world.bank = lab_new_voucher(world.client, "words");
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(answer(&world, &request, &message));
	lab_stop(world.lab);
}
END_TEST

/* A request that is not answered ties nobody: what else is sent to its port is any message. */
START_TEST(a_reply_that_is_given_up_ties_no_more)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world world = begin(1);
		struct lab_buffer request, message;
		mach_port_name_t name;

		lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
		request = hear(&world, MACH_MSG_STRICT_REPLY);
		name = request.header.msgh_remote_port;
		if (how == 0)
			lab_ok(lab_deallocate(world.server, name));
		else if (how == 1)
			lab_ok(lab_mod_refs(world.server, name, MACH_PORT_RIGHT_SEND_ONCE, -1));
		else
			lab_ok(lab_destroy(world.server, name));
		lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
		message = lab_to(world.service, 8);
		lab_add_port(&message, world.reply, MAKE_ONCE);
		lab_ok(lab_send_now(world.client, &message));
		request = hear(&world, 0);
		lab_compose(&message, lab_port(&request, 0).name, MOVE_ONCE, NOBODY, 0, 9);
		lab_ok(lab_send_now(world.server, &message));
		lab_message(world.client, world.reply, 9);
		lab_stop(world.lab);
	}
}
END_TEST

/* A tie of one request does not last into the next one that nobody ties. */
START_TEST(the_next_request_is_tied_anew)
{
	struct world world = begin(1);
	struct lab_buffer request, message;

	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(lab_deallocate(world.server, request.header.msgh_remote_port));
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	request = hear(&world, 0);
	lab_ok(answer(&world, &request, &message));
	lab_stop(world.lab);
}
END_TEST

/* A call that sends and receives wants the reply port of what it receives to be its own. */
START_TEST(a_call_that_also_sends_refuses_replies_to_others)
{
	struct world world = begin(1);
	mach_port_name_t own = lab_new_service(world.server), reply = lab_new_port(world.server);
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_MSG_STRICT_REPLY |
					MACH_RCV_VOUCHER | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT,
			      .send = &message,
			      .send_size = sizeof message.header,
			      .receive_size = sizeof message,
			      .receive_name = world.door};

	lab_ok(ask(&world, world.reply, MAKE_ONCE, 0));
	lab_compose(&message, own, COPY_SEND, reply, MAKE_ONCE, 1);
	lab_is(MACH_RCV_INVALID_REPLY, lab_msg(world.server, &msg));
	ck_assert_uint_eq(message.header.msgh_size, 24);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_NULL);
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_the_policy_the_option_does_nothing)
{
	struct world world = begin(0);
	mach_port_name_t service = lab_new_service(world.client);
	struct lab_buffer request, message;

	lab_new_once(world.client, world.reply);
	lab_ok(ask(&world, service, MAKE_SEND, 0));
	hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(ask(&world, NOBODY, 0, 0));
	hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(ask(&world, world.reply, MAKE_ONCE, MACH_RCV_GUARDED_DESC));
	request = hear(&world, MACH_MSG_STRICT_REPLY);
	lab_ok(answer(&world, &request, &message));
	lab_stop(world.lab);
}
END_TEST

/* --- the voucher of a thread --- */

START_TEST(a_thread_says_itself_what_it_works_under)
{
	struct world world = begin(0);
	struct lab_thread *second = lab_thread(world.server->task);
	mach_port_name_t voucher = lab_new_voucher(world.server, "words");

	ck_assert_uint_eq(get_voucher(world.server, world.thread), MACH_PORT_NULL);
	lab_ok(set_voucher(world.server, world.thread, voucher));
	lab_name_is(world.server, voucher, SEND, 1);
	ck_assert_uint_eq(get_voucher(second, world.thread), voucher);
	lab_name_is(world.server, voucher, SEND, 2);
	lab_ok(lab_destroy(world.server, voucher)); /* the thread's own right stays */
	voucher = get_voucher(world.server, world.thread);
	ck_assert_uint_ne(voucher, MACH_PORT_NULL);
	lab_is(KERN_INVALID_ARGUMENT, set_voucher(second, world.thread, voucher));
	lab_is(KERN_INVALID_NAME, set_voucher(world.server, world.thread, voucher + 0x100000));
	lab_is(MACH_SEND_INVALID_DEST, set_voucher(world.server, world.door, voucher));
	lab_audit(world.lab);
	/* What is no voucher is none. */
	lab_ok(set_voucher(world.server, world.thread, lab_new_service(world.server)));
	ck_assert_uint_eq(get_voucher(world.server, world.thread), MACH_PORT_NULL);
	lab_ok(set_voucher(world.server, world.thread, voucher));
	lab_ok(set_voucher(world.server, world.thread, MACH_PORT_NULL));
	ck_assert_uint_eq(get_voucher(world.server, world.thread), MACH_PORT_NULL);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_voucher_of_a_thread_ends_with_it)
{
	struct world world = begin(0);
	struct lab_thread *second = lab_thread(world.server->task);
	mach_port_name_t voucher = lab_new_voucher(second, "words");
	uint64_t vouchers = HASH_COUNT(world.lab->host->h_vouchers);

	lab_ok(set_voucher(second, thread_self(second), voucher));
	lab_ok(lab_destroy(second, voucher));
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_vouchers), vouchers);
	lab_close(second);
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_vouchers), vouchers - 1);
	voucher = lab_new_voucher(world.server, "words");
	lab_ok(set_voucher(world.server, world.thread, voucher));
	lab_ok(lab_destroy(world.server, voucher));
	lab_stop_at_once(world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, what_is_wrong_is_said_of_a_name);
	tcase_add_test(tests, a_reply_is_a_send_once_right);
	tcase_add_test(tests, messages_that_were_taken_count_no_more);
	tcase_add_test(tests, a_reply_port_has_this_one_right);
	tcase_add_test(tests, a_reply_port_is_the_senders_own);
	tcase_add_test(tests, a_reply_port_that_stays);
	tcase_add_test(tests, a_reply_is_sent_under_the_persona_of_the_request);
	tcase_add_test(tests, a_reply_without_a_voucher_comes_back);
	tcase_add_test(tests, only_who_takes_part_is_held_to_it);
	tcase_add_test(tests, a_reply_that_is_given_up_ties_no_more);
	tcase_add_test(tests, the_next_request_is_tied_anew);
	tcase_add_test(tests, a_call_that_also_sends_refuses_replies_to_others);
	tcase_add_test(tests, without_the_policy_the_option_does_nothing);
	tcase_add_test(tests, a_thread_says_itself_what_it_works_under);
	tcase_add_test(tests, the_voucher_of_a_thread_ends_with_it);
}

int main(void)
{
	return lab_run("ipc_strict", add_tests);
}
