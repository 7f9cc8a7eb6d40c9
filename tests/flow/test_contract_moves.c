/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes with a receive right that moves, is rescued or dies, and what stays, statement by
 * statement of the contract [4.1, 12.4, 13, 14.2, 16.1]: guards, numbers, memberships, and those
 * who wait.
 */
#include <pthread.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define SELF mach_task_self()

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

enum { GUARD = 0x1234 };

static mach_port_t new_set(void)
{
	mach_port_t set;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	return set;
}

/* --- guards --- */

/* A port with a past: used, numbered, guarded, and with a request to rescue it. */
static mach_port_t rescued_port(uint64_t flags, mach_port_t notify)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_fill(port, 2);
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(mach_port_guard_with_flags(SELF, port, GUARD, flags));
	CHECK_EQ(flow_request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), MACH_PORT_NULL);
	return port;
}

/* Whatever it was when it was destroyed, it comes back as a port that nobody has used. */
START_TEST(a_rescued_port_has_no_past)
{
	static const uint64_t flags[] = {0, MPG_STRICT, MPG_IMMOVABLE_RECEIVE,
					 MPG_STRICT | MPG_IMMOVABLE_RECEIVE};
	mach_port_t notify = flow_receive_right(), carrier = flow_port(), port, came;
	mach_port_context_t context = 1;
	struct flow_message message;

	for (int i = 0; i < ROWS(flags); i++) {
		port = rescued_port(flags[i], notify);
		CHECK_EQ(flow_status(port).mps_seqno, 1);
		CHECK_OK(mach_port_destruct(SELF, port, -1, GUARD));
		CHECK_EQ(flow_type(port), 0);
		CHECK_OK(flow_receive(notify, &message));
		came = message.port[0].name;
		CHECK_EQ(flow_type(came), MACH_PORT_TYPE_RECEIVE);
		CHECK_OK(mach_port_get_context(SELF, came, &context));
		CHECK(context == 0);
		CHECK_EQ(flow_status(came).mps_flags, 0);
		CHECK_EQ(flow_status(came).mps_seqno, 0);
		CHECK_EQ(flow_status(came).mps_mscount, 0);
		CHECK_EQ(flow_status(came).mps_msgcount, 1);
		/* Nor does it have to stay. */
		flow_complex(&message, carrier, COPY, 1);
		flow_add_port(&message, came, RECEIVE);
		CHECK_OK(flow_send(&message));
		CHECK_OK(flow_receive(carrier, &message));
		CHECK_OK(flow_receive(message.port[0].name, &message));
		CHECK_EQ(flow_trailer(&message)->msgh_seqno, 0);
	}
}
END_TEST

/* What a guard is no obstacle to [16.1]. */
START_TEST(what_a_guarded_port_does_not_resist)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right(), set = new_set();
	mach_port_t carrier = flow_port(), name[1] = {port};
	struct flow_letter letter;

	CHECK_OK(mach_port_guard(SELF, port, GUARD, true));
	flow_make_send(port, 2);
	CHECK_OK(mach_port_deallocate(SELF, flow_send_once(port)));
	flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	flow_set_qlimit(port, 9);
	CHECK_OK(mach_port_set_seqno(SELF, port, 40));
	CHECK_OK(mach_port_set_mscount(SELF, port, 50));
	CHECK_OK(mach_port_move_member(SELF, port, set));
	CHECK_OK(mach_port_extract_member(SELF, port, set));
	CHECK_EQ(flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, notify), MACH_PORT_NULL);
	CHECK_EQ(flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), MACH_PORT_NULL);
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -2));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 50);
	/* An array moves it as a plain descriptor does. */
	letter_start(&letter, carrier);
	letter_add_ports(&letter, name, 1, RECEIVE, false);
	CHECK_OK(letter_send(&letter));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DELETED), port);
	CHECK_OK(letter_receive(carrier, &letter));
	port = *(mach_port_t *)letter_ports(&letter, 0).address;
	CHECK_EQ(flow_status(port).mps_flags, 0);
	CHECK_EQ(flow_status(port).mps_qlimit, 9);
	CHECK_EQ(flow_status(port).mps_seqno, 0);
	CHECK_EQ(flow_status(port).mps_mscount, 0);
	CHECK_OK(mach_port_destroy(SELF, port));
}
END_TEST

/* --- numbers [12.4] --- */

START_TEST(numbers_start_again_behind_the_last)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	CHECK_OK(mach_port_set_seqno(SELF, port, UINT32_MAX - 1));
	flow_fill(port, 4);
	for (uint32_t seqno = UINT32_MAX - 1; seqno != 2; seqno++) {
		CHECK_EQ(flow_status(port).mps_seqno, seqno);
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(flow_trailer(&message)->msgh_seqno, seqno);
	}
	CHECK_EQ(flow_status(port).mps_seqno, 2);
}
END_TEST

START_TEST(the_count_of_rights_made_starts_again_behind_the_last)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right();

	CHECK_OK(mach_port_set_mscount(SELF, port, UINT32_MAX));
	CHECK_EQ(flow_request(port, MACH_NOTIFY_NO_SENDERS, UINT32_MAX, notify), MACH_PORT_NULL);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), UINT32_MAX);
	flow_make_send(port, 2);
	CHECK_EQ(flow_status(port).mps_mscount, 1);
}
END_TEST

/* --- who waits, and for what --- */

struct waiter {
	pthread_t thread;
	mach_port_t port;
	struct flow_message message;
	mach_msg_return_t code;
};

static void *wait_for_message(void *argument)
{
	struct waiter *waiter = argument;

	waiter->code = mach_msg(&waiter->message.header, MACH_RCV_MSG, 0, sizeof waiter->message,
				waiter->port, 0, 0);
	return NULL;
}

/* Let a thread wait, the `number`th of this process. */
static void let_wait(struct waiter *waiter, mach_port_t port, unsigned number)
{
	waiter->port = port;
	CHECK(pthread_create(&waiter->thread, NULL, wait_for_message, waiter) == 0);
	flow_await_waiting(getpid(), number);
}

static void waited(struct waiter *waiter, mach_msg_return_t code)
{
	CHECK(pthread_join(waiter->thread, NULL) == 0);
	CHECK_CODE(waiter->code, code);
}

static void destroy(mach_port_t name)
{
	CHECK_OK(mach_port_destroy(SELF, name));
}

static void deallocate(mach_port_t name)
{
	CHECK_OK(mach_port_deallocate(SELF, name));
}

static void mod_refs_set(mach_port_t name)
{
	CHECK_OK(mach_port_mod_refs(SELF, name, MACH_PORT_RIGHT_PORT_SET, -1));
}

static void mod_refs_receive(mach_port_t name)
{
	CHECK_OK(mach_port_mod_refs(SELF, name, MACH_PORT_RIGHT_RECEIVE, -1));
}

static void send_away(mach_port_t name)
{
	struct flow_message message;

	flow_complex(&message, flow_port(), COPY, 1);
	flow_add_port(&message, name, RECEIVE);
	CHECK_OK(flow_send(&message));
}

static void (*const set_ends[])(mach_port_t) = {destroy, deallocate, mod_refs_set};
static void (*const port_ends[])(mach_port_t) = {destroy, mod_refs_receive, send_away};

/* However a set ends: who waits on it is told, its members are as they were [13]. */
START_TEST(a_set_that_ends)
{
	mach_port_t set = new_set(), other = new_set(), port = flow_port();
	struct waiter waiter;

	CHECK_OK(mach_port_insert_member(SELF, port, set));
	CHECK_OK(mach_port_insert_member(SELF, port, other));
	let_wait(&waiter, set, 1);
	set_ends[_i](set);
	waited(&waiter, MACH_RCV_PORT_CHANGED);
	CHECK_EQ(flow_type(set), 0);
	CHECK_EQ(flow_status(port).mps_pset, 1);
	flow_fill(port, 1);
	CHECK_OK(flow_receive(other, &waiter.message));
	CHECK_EQ(waiter.message.header.msgh_local_port, port);
}
END_TEST

/* However a member ends: who waits on it is told, who waits on its set waits for the others. */
START_TEST(a_member_that_ends)
{
	mach_port_t set = new_set(), port = flow_receive_right(), other = flow_port();
	struct waiter on_set, on_port;

	CHECK_OK(mach_port_insert_member(SELF, port, set));
	CHECK_OK(mach_port_insert_member(SELF, other, set));
	let_wait(&on_set, set, 1);
	let_wait(&on_port, port, 2);
	port_ends[_i](port);
	waited(&on_port, MACH_RCV_PORT_CHANGED);
	flow_await_waiting(getpid(), 1);
	flow_fill(other, 1);
	waited(&on_set, MACH_MSG_SUCCESS);
	CHECK_EQ(on_set.message.header.msgh_local_port, other);
}
END_TEST

/* Memberships do not disturb who waits on the port; a new one serves who waits on the set. */
START_TEST(a_port_that_changes_its_sets)
{
	mach_port_t sets[2] = {new_set(), new_set()}, port = flow_port(), full = flow_port();
	struct waiter on_set, on_port;

	flow_fill(full, 1);
	let_wait(&on_port, port, 1);
	let_wait(&on_set, sets[1], 2);
	CHECK_OK(mach_port_insert_member(SELF, port, sets[0]));
	CHECK_OK(mach_port_move_member(SELF, port, sets[1]));
	CHECK_OK(mach_port_move_member(SELF, port, MACH_PORT_NULL));
	CHECK_OK(mach_port_move_member(SELF, full, sets[0]));
	flow_await_waiting(getpid(), 2);
	CHECK_OK(mach_port_move_member(SELF, full, sets[1]));
	waited(&on_set, MACH_MSG_SUCCESS);
	CHECK_EQ(on_set.message.header.msgh_local_port, full);
	CHECK_EQ(flow_status(full).mps_msgcount, 0);
	flow_fill(port, 1);
	waited(&on_port, MACH_MSG_SUCCESS);
}
END_TEST

/* A set's name is neither counted nor sent. */
START_TEST(the_name_of_a_set)
{
	static const mach_msg_type_name_t types[] = {RECEIVE, MOVE, MACH_MSG_TYPE_MOVE_SEND_ONCE,
						     COPY,    MAKE, MAKE_ONCE};
	mach_port_t set = new_set(), port = flow_port();
	struct flow_message message;

	CHECK_EQ(flow_refs(set, MACH_PORT_RIGHT_PORT_SET), 1);
	CHECK_OK(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, 0));
	CHECK_CODE(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, 1), KERN_INVALID_VALUE);
	for (int i = 0; i < ROWS(types); i++) {
		flow_complex(&message, port, COPY, 1);
		flow_add_port(&message, set, types[i]);
		CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
		if (types[i] == RECEIVE)
			continue;
		CHECK_CODE(flow_send_to(port, COPY, set, types[i], 1), MACH_SEND_INVALID_REPLY);
		CHECK_CODE(flow_send_to(set, types[i], MACH_PORT_NULL, 0, 1),
			   MACH_SEND_INVALID_DEST);
	}
	CHECK_EQ(flow_type(set), MACH_PORT_TYPE_PORT_SET);
	CHECK_CODE(mach_port_insert_member(SELF, set, set), KERN_INVALID_RIGHT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract_moves");
	TCase *tests = flow_case(suite, "guards");

	tcase_add_test(tests, a_rescued_port_has_no_past);
	tcase_add_test(tests, what_a_guarded_port_does_not_resist);
	tests = flow_case(suite, "numbers");
	tcase_add_test(tests, numbers_start_again_behind_the_last);
	tcase_add_test(tests, the_count_of_rights_made_starts_again_behind_the_last);
	tests = flow_case(suite, "sets");
	tcase_add_loop_test(tests, a_set_that_ends, 0, ROWS(set_ends));
	tcase_add_loop_test(tests, a_member_that_ends, 0, ROWS(port_ends));
	tcase_add_test(tests, a_port_that_changes_its_sets);
	tcase_add_test(tests, the_name_of_a_set);
	return flow_run(suite);
}
