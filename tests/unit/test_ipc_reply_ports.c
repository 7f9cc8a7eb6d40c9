/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reply ports [17.1]: those that a hardened task makes are good for nothing but the reply of a
 * message; those of other tasks are ordinary ports that satisfy a destination which wants one.
 */
#include "tests/lab/lab_expect.h"

enum { HARD = 1000, SOFT = 1001 };

struct world {
	struct lab *lab;
	struct lab_thread *client, *server;
	mach_port_name_t reply;	  /* the client's reply port */
	mach_port_name_t door;	  /* the server's port, */
	mach_port_name_t service; /* and the client's send right to it */
};

static struct world begin_as(uint32_t uid)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.policy.p_hardened = (struct ipc_uids){.us_count = 1, .us_uid = {HARD}};
	world.lab = lab_start(&options);
	world.client = lab_task(world.lab, uid)->thread;
	world.server = lab_task(world.lab, uid)->thread;
	world.reply = lab_construct(world.client, MPO_REPLY_PORT);
	world.door = lab_new_port(world.server);
	world.service = lab_pass(world.server, world.door, MAKE_SEND, world.client);
	return world;
}

static mach_msg_return_t ask(struct world *world, uint32_t disposition)
{
	struct lab_buffer message;

	lab_compose(&message, world->service, COPY_SEND, world->reply, disposition, 1);
	return lab_send_now(world->client, &message);
}

static mach_msg_return_t send_in_body(struct lab_thread *thread, mach_port_name_t dest,
				      mach_port_name_t right, uint32_t disposition)
{
	struct lab_buffer message = lab_to(dest, 1);

	lab_add_port(&message, right, disposition);
	return lab_send_now(thread, &message);
}

/* --- marked --- */

/* Case 289. */
START_TEST(r289_a_send_once_right_is_made_for_a_reply_only)
{
	struct world world = begin_as(HARD);
	mach_port_name_t right;
	uint32_t type;

	lab_is(KERN_INVALID_CAPABILITY,
	       lab_insert_right(world.client, 0x7703, world.reply, MAKE_ONCE));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_insert_right(world.client, 0x7703, world.reply, MAKE_SEND));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.client, world.reply, MAKE_SEND, &right, &type));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.client, world.reply, MAKE_ONCE, &right, &type));
	lab_is(MACH_SEND_INVALID_RIGHT,
	       send_in_body(world.client, world.service, world.reply, MAKE_ONCE));
	lab_is(MACH_SEND_INVALID_RIGHT,
	       send_in_body(world.client, world.service, world.reply, MAKE_SEND));
	lab_is(MACH_SEND_INVALID_RIGHT,
	       send_in_body(world.client, world.client->task->host, world.reply, MAKE_ONCE));
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, MAKE_SEND));
	lab_name_is(world.client, world.reply, RECEIVE, 0);
	lab_silent(world.server, world.door);
	lab_ok(ask(&world, MAKE_ONCE));
	lab_name_is(world.client, world.reply, RECEIVE, 0);
	ck_assert_uint_eq(lab_status(world.client, world.reply).mps_sorights, 1);
	lab_stop(world.lab);
}
END_TEST

/* Under its own name a send right can be had, as in Mach; but nothing can be done with it. */
START_TEST(r289_its_own_send_right_goes_nowhere)
{
	struct world world = begin_as(HARD);
	struct lab_buffer message;

	lab_ok(lab_insert_right(world.client, world.reply, world.reply, MAKE_SEND));
	lab_ok(lab_insert_right(world.client, world.reply, world.reply, COPY_SEND));
	lab_name_is(world.client, world.reply, SEND_RECEIVE, 2);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t disposition = i ? COPY_SEND : MOVE_SEND;

		lab_is(MACH_SEND_INVALID_RIGHT,
		       send_in_body(world.client, world.service, world.reply, disposition));
		lab_is(MACH_SEND_INVALID_REPLY, ask(&world, disposition));
		lab_compose(&message, world.reply, disposition, NOBODY, 0, 1);
		lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.client, &message));
	}
	lab_name_is(world.client, world.reply, SEND_RECEIVE, 2);
	lab_stop(world.lab);
}
END_TEST

/* Case 290. */
START_TEST(r290_the_send_once_right_is_a_destination_only)
{
	struct world world = begin_as(HARD);
	mach_port_name_t back = lab_pass(world.client, lab_new_port(world.client), MAKE_SEND,
					 world.server),
			 once, right;
	struct lab_buffer message;
	uint32_t type;

	lab_ok(ask(&world, MAKE_ONCE));
	once = lab_message(world.server, world.door, 1).header.msgh_remote_port;
	lab_name_is(world.server, once, SEND_ONCE, 1);
	lab_is(MACH_SEND_INVALID_RIGHT, send_in_body(world.server, back, once, MOVE_ONCE));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.server, once, MOVE_ONCE, &right, &type));
	lab_compose(&message, back, COPY_SEND, once, MOVE_ONCE, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.server, &message));
	lab_name_is(world.server, once, SEND_ONCE, 1);
	lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 77);
	lab_ok(lab_send_now(world.server, &message));
	lab_name_is(world.server, once, NO_NAME, 0);
	lab_message(world.client, world.reply, 77);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_send_once_right_that_is_given_up_tells_of_it)
{
	struct world world = begin_as(HARD);

	lab_ok(ask(&world, MAKE_ONCE));
	lab_ok(lab_deallocate(world.server,
			      lab_message(world.server, world.door, 1).header.msgh_remote_port));
	lab_notice(world.client, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_receive_right_stays)
{
	struct world world = begin_as(HARD);
	mach_port_name_t right;
	uint32_t type;

	lab_is(MACH_SEND_INVALID_RIGHT,
	       send_in_body(world.client, world.service, world.reply, MOVE_RECEIVE));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.client, world.reply, MOVE_RECEIVE, &right, &type));
	lab_ok(lab_mod_refs(world.client, world.reply, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_notification_is_asked_for)
{
	struct world world = begin_as(HARD);
	mach_port_name_t notify = lab_new_port(world.client), previous;

	lab_is(KERN_INVALID_RIGHT,
	       lab_request_notification(world.client, world.reply, MACH_NOTIFY_NO_SENDERS, 0,
					notify, MAKE_ONCE, &previous));
	lab_notice(world.client, notify, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_INVALID_RIGHT,
	       lab_request_notification(world.client, world.reply, MACH_NOTIFY_PORT_DESTROYED, 0,
					notify, MAKE_ONCE, &previous));
	lab_notice(world.client, notify, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_request_notification(world.client, notify, MACH_NOTIFY_NO_SENDERS, 1,
					world.reply, MAKE_ONCE, &previous));
	lab_silent(world.client, world.reply);
	lab_stop(world.lab);
}
END_TEST

/* A port cannot be asked and answer in one: neither name of the pair is good. */
START_TEST(it_is_no_destination_of_its_owner)
{
	struct world world = begin_as(HARD);
	struct lab_buffer message;

	lab_compose(&message, world.reply, MAKE_ONCE, world.reply, MAKE_ONCE, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.client, &message));
	lab_compose(&message, world.reply, MAKE_ONCE, NOBODY, 0, 1);
	lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.client, &message));
	lab_stop(world.lab);
}
END_TEST

static uint32_t violation(struct lab_thread *thread)
{
	struct machd_take_guard_exception_in in;
	struct machd_take_guard_exception_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_machd_take_guard_exception, thread->task->self, &in,
			sizeof in, &out, sizeof out, NULL));
	return out.reason;
}

/* [16.2]: what is done with it is misuse, each time of the kind that Mach calls it. */
START_TEST(misusing_one_has_its_reasons)
{
	struct world world = begin_as(HARD);
	mach_port_name_t notify = lab_new_port(world.client), previous, right;
	struct lab_buffer message;
	uint32_t type;

#define RAISED(reason) ck_assert_uint_eq(reason, violation(world.client))
	lab_is(MACH_SEND_INVALID_RIGHT,
	       send_in_body(world.client, world.service, world.reply, MAKE_ONCE));
	RAISED(kGUARD_EXC_INVALID_RIGHT);
	lab_is(MACH_SEND_INVALID_RIGHT,
	       send_in_body(world.client, world.service, world.reply, MOVE_RECEIVE));
	RAISED(kGUARD_EXC_IMMOVABLE);
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, MAKE_SEND));
	RAISED(kGUARD_EXC_SEND_INVALID_REPLY);
	lab_compose(&message, world.reply, MAKE_ONCE, NOBODY, 0, 1);
	lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.client, &message));
	RAISED(kGUARD_EXC_INVALID_RIGHT);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_insert_right(world.client, 0x7703, world.reply, MAKE_ONCE));
	RAISED(kGUARD_EXC_INVALID_RIGHT);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.client, world.reply, MAKE_SEND, &right, &type));
	RAISED(kGUARD_EXC_INVALID_RIGHT);
	lab_is(KERN_INVALID_RIGHT,
	       lab_request_notification(world.client, world.reply, MACH_NOTIFY_NO_SENDERS, 0,
					notify, MAKE_ONCE, &previous));
	RAISED(kGUARD_EXC_INVALID_RIGHT);
	lab_is(KERN_INVALID_RIGHT,
	       lab_request_notification(world.client, world.reply, MACH_NOTIFY_PORT_DESTROYED, 0,
					notify, MAKE_ONCE, &previous));
	RAISED(kGUARD_EXC_INVALID_RIGHT);
	lab_stop(world.lab);
}
END_TEST

/* Case 142. */
START_TEST(i142_a_message_that_comes_back_is_as_it_was)
{
	struct world world = begin_as(HARD);
	struct lab_buffer message;

	lab_set_qlimit(world.server, world.door, 1);
	lab_fill(world.client, world.service, 1, 0);
	lab_compose(&message, world.service, COPY_SEND, world.reply, MAKE_ONCE, 5);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.client, &message));
	ck_assert_uint_eq(message.header.msgh_local_port, world.reply);
	ck_assert_uint_eq(MACH_MSGH_BITS_LOCAL(message.header.msgh_bits), MAKE_ONCE);
	ck_assert_uint_eq(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits), MOVE_SEND);
	ck_assert_uint_eq(lab_status(world.client, world.reply).mps_sorights, 0);
	lab_silent(world.client, world.reply);
	lab_message(world.server, world.door, 0);
	lab_ok(lab_send_now(world.client, &message));
	lab_message(world.server, world.door, 5);
	lab_stop(world.lab);
}
END_TEST

/* The same if it comes back later, and the port has died meanwhile. */
START_TEST(i142_and_if_the_port_is_dead_it_says_so)
{
	struct world world = begin_as(HARD);
	struct lab_thread *other = lab_thread(world.client->task);
	struct lab_buffer message;

	lab_set_qlimit(world.server, world.door, 1);
	lab_fill(world.client, world.service, 1, 0);
	lab_compose(&message, world.service, COPY_SEND, world.reply, MAKE_ONCE, 5);
	lab_is(LAB_BLOCKED, lab_send(other, &message, MACH_SEND_TIMEOUT, 10));
	lab_ok(lab_destroy(world.client, world.reply));
	lab_advance(world.lab, 10);
	lab_is(MACH_SEND_TIMED_OUT, lab_wait(other));
	ck_assert_uint_eq(message.header.msgh_local_port, MACH_PORT_DEAD);
	ck_assert_uint_eq(MACH_MSGH_BITS_LOCAL(message.header.msgh_bits), MOVE_ONCE);
	lab_stop(world.lab);
}
END_TEST

/* --- not marked --- */

/* Case 292. */
START_TEST(r292_that_of_another_task_is_an_ordinary_port)
{
	struct world world = begin_as(SOFT);
	mach_port_name_t notify = lab_new_port(world.client), previous;

	lab_ok(ask(&world, MAKE_SEND));
	lab_message(world.server, world.door, 1);
	lab_ok(send_in_body(world.client, world.service, world.reply, MAKE_ONCE));
	lab_message(world.server, world.door, 1);
	lab_ok(lab_request_notification(world.client, world.reply, MACH_NOTIFY_NO_SENDERS, 9,
					notify, MAKE_ONCE, &previous));
	ck_assert_uint_ne(lab_pass(world.client, world.reply, MOVE_RECEIVE, world.server), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(r292_a_provisional_one_is_ordinary_for_all)
{
	struct world world = begin_as(HARD);

	world.reply = lab_construct(world.client, MPO_PROVISIONAL_REPLY_PORT);
	lab_ok(ask(&world, MAKE_SEND));
	lab_message(world.server, world.door, 1);
	ck_assert_uint_ne(lab_pass(world.client, world.reply, MOVE_RECEIVE, world.server), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(an_exception_port_stays)
{
	struct world world = begin_as(SOFT);
	mach_port_name_t port = lab_construct(world.client, MPO_EXCEPTION_PORT);

	lab_is(MACH_SEND_INVALID_RIGHT,
	       send_in_body(world.client, world.service, port, MOVE_RECEIVE));
	lab_ok(send_in_body(world.client, world.service, port, MAKE_SEND));
	lab_stop(world.lab);
}
END_TEST

/* --- destinations that want one --- */

/* Case 293. */
START_TEST(r293_a_destination_that_takes_replies_to_reply_ports)
{
	static const uint32_t good[] = {MPO_REPLY_PORT, MPO_PROVISIONAL_REPLY_PORT};
	struct world world = begin_as(_i ? HARD : SOFT);
	struct lab_buffer message;

	world.door = lab_construct(world.server, MPO_ENFORCE_REPLY_PORT_SEMANTICS);
	world.service = lab_pass(world.server, world.door, MAKE_SEND, world.client);
	for (unsigned i = 0; i < 2; i++) {
		world.reply = lab_construct(world.client, good[i]);
		lab_ok(ask(&world, MAKE_ONCE));
		lab_message(world.server, world.door, 1);
	}
	world.reply = lab_new_port(world.client);
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, MAKE_ONCE));
	message = lab_to(world.service, 2);
	lab_ok(lab_send_now(world.client, &message));
	lab_message(world.server, world.door, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_reply_that_does_not_fit_beats_a_wrong_destination_right)
{
	struct world world = begin_as(SOFT);

	/* Of the door it has no send right, only the receive right. */
	world.client = world.server;
	world.service = lab_construct(world.server, MPO_ENFORCE_REPLY_PORT_SEMANTICS);
	world.reply = lab_new_port(world.server);
	lab_is(MACH_SEND_INVALID_REPLY, ask(&world, MAKE_ONCE));
	world.reply = lab_construct(world.server, MPO_PROVISIONAL_REPLY_PORT);
	lab_is(MACH_SEND_INVALID_DEST, ask(&world, MAKE_ONCE));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_is_of_one_kind)
{
	static const uint32_t kinds[] = {MPO_REPLY_PORT, MPO_ENFORCE_REPLY_PORT_SEMANTICS,
					 MPO_EXCEPTION_PORT, MPO_PROVISIONAL_REPLY_PORT};
	struct world world = begin_as(HARD);
	struct mach_port_construct_in in = {0};
	struct mach_port_construct_out out;

	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < i; k++) {
			in.flags = kinds[i] | kinds[k];
			lab_is(KERN_INVALID_ARGUMENT,
			       lab_call(world.client, MACHD_ROUTINE_mach_port_construct,
					world.client->task->self, &in, sizeof in, &out, sizeof out,
					NULL));
		}
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, r289_a_send_once_right_is_made_for_a_reply_only);
	tcase_add_test(tcase, r289_its_own_send_right_goes_nowhere);
	tcase_add_test(tcase, r290_the_send_once_right_is_a_destination_only);
	tcase_add_test(tcase, a_send_once_right_that_is_given_up_tells_of_it);
	tcase_add_test(tcase, the_receive_right_stays);
	tcase_add_test(tcase, no_notification_is_asked_for);
	tcase_add_test(tcase, it_is_no_destination_of_its_owner);
	tcase_add_test(tcase, misusing_one_has_its_reasons);
	tcase_add_test(tcase, i142_a_message_that_comes_back_is_as_it_was);
	tcase_add_test(tcase, i142_and_if_the_port_is_dead_it_says_so);
	tcase_add_test(tcase, r292_that_of_another_task_is_an_ordinary_port);
	tcase_add_test(tcase, r292_a_provisional_one_is_ordinary_for_all);
	tcase_add_test(tcase, an_exception_port_stays);
	tcase_add_loop_test(tcase, r293_a_destination_that_takes_replies_to_reply_ports, 0, 2);
	tcase_add_test(tcase, a_reply_that_does_not_fit_beats_a_wrong_destination_right);
	tcase_add_test(tcase, a_port_is_of_one_kind);
}

int main(void)
{
	return lab_run("ipc_reply_ports", add_tests);
}
