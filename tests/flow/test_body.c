/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights in the body: what each disposition does, what is refused, what is lost when a send fails
 * half way, and messages that carry their own destination.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

/* Send one right to a port. */
static mach_msg_return_t send_right(mach_port_t port, mach_port_t right, mach_msg_type_name_t type)
{
	struct flow_message message;

	flow_complex(&message, port, COPY, 1);
	flow_add_port(&message, right, type);
	return flow_send(&message);
}

/* Receive one right; its disposition must be that. */
static mach_port_t receive_right(mach_port_t port, mach_msg_type_name_t type)
{
	struct flow_message message;

	CHECK_OK(flow_receive(port, &message));
	CHECK(MACH_MSGH_BITS_IS_COMPLEX(message.header.msgh_bits));
	CHECK_EQ(message.base.body.msgh_descriptor_count, 1);
	CHECK_EQ(message.port[0].type, MACH_MSG_PORT_DESCRIPTOR);
	CHECK_EQ(message.port[0].disposition, type);
	CHECK_EQ(message.port[0].pad1, 0);
	CHECK_EQ(message.port[0].pad2, 0);
	return message.port[0].name;
}

/* --- dispositions --- */

START_TEST(e85_e88_what_is_no_right_in_a_body)
{
	static const mach_msg_type_name_t types[] = {0, 15, 22, 24, 25, 26, 31, 255};
	mach_port_t port = flow_port(), right = flow_port(), set;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		CHECK_CODE(send_right(port, right, types[i]), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, flow_missing_name(), COPY), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, set, MAKE), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, set, RECEIVE), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, flow_receive_right(), COPY), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, flow_send_once(right), MOVE), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, right, MOVE_ONCE), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
}
END_TEST

START_TEST(e86_null_and_dead_pass_whatever_the_disposition)
{
	mach_port_t port = flow_port();

	CHECK_OK(send_right(port, MACH_PORT_NULL, 25));
	CHECK_EQ(receive_right(port, 0), MACH_PORT_NULL);
	CHECK_OK(send_right(port, MACH_PORT_DEAD, 25));
	CHECK_EQ(receive_right(port, 0), MACH_PORT_DEAD);
	CHECK_OK(send_right(port, MACH_PORT_NULL, COPY));
	CHECK_EQ(receive_right(port, MOVE), MACH_PORT_NULL);
	CHECK_OK(send_right(port, MACH_PORT_DEAD, MAKE_ONCE));
	CHECK_EQ(receive_right(port, MOVE_ONCE), MACH_PORT_DEAD);
}
END_TEST

START_TEST(e89_dead_names_arrive_dead)
{
	mach_port_t port = flow_port(), dead = flow_dead_name(3);

	CHECK_OK(send_right(port, dead, COPY));
	CHECK_EQ(receive_right(port, MOVE), MACH_PORT_DEAD);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 3);
	CHECK_OK(send_right(port, dead, MOVE));
	CHECK_EQ(receive_right(port, MOVE), MACH_PORT_DEAD);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_OK(send_right(port, dead, MOVE_ONCE));
	CHECK_EQ(receive_right(port, MOVE_ONCE), MACH_PORT_DEAD);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_CODE(send_right(port, dead, MAKE), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, dead, MAKE_ONCE), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_right(port, dead, RECEIVE), MACH_SEND_INVALID_RIGHT);
}
END_TEST

START_TEST(send_rights_sent_to_oneself_come_back_under_their_name)
{
	mach_port_t port = flow_port(), right = flow_port();

	CHECK_OK(send_right(port, right, COPY));
	CHECK_EQ(receive_right(port, MOVE), right);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 2);
	CHECK_OK(send_right(port, right, MOVE));
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(receive_right(port, MOVE), right);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 2);
	CHECK_OK(send_right(port, right, MAKE));
	CHECK_EQ(receive_right(port, MOVE), right);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 3);
	CHECK_EQ(flow_status(right).mps_mscount, 2);
}
END_TEST

START_TEST(send_once_rights_never_merge)
{
	mach_port_t port = flow_port(), right = flow_receive_right(), once, again;

	CHECK_OK(send_right(port, right, MAKE_ONCE));
	once = receive_right(port, MOVE_ONCE);
	CHECK(once != right);
	CHECK_OK(send_right(port, once, MOVE_ONCE));
	CHECK_EQ(flow_type(once), 0);
	again = receive_right(port, MOVE_ONCE);
	CHECK_EQ(flow_type(again), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(flow_status(right).mps_sorights, 1);
}
END_TEST

START_TEST(e92_a_bad_type_costs_nothing_and_beats_a_bad_right)
{
	static const unsigned types[] = {5, 6, 255};
	mach_port_t port = flow_port(), right = flow_port();
	struct flow_message message;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		flow_complex(&message, port, MOVE, 1);
		flow_add_port(&message, right, MOVE);
		flow_add_port(&message, flow_missing_name(), MOVE);
		flow_add_port(&message, MACH_PORT_NULL, MOVE);
		message.port[2].type = types[i] & 0xff;
		CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_TYPE);
	}
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(e94_sends_go_on_while_the_receive_right_travels)
{
	mach_port_t port = flow_port(), right = flow_port();
	struct flow_message message;

	flow_make_send(right, 1);
	flow_fill(right, 1);
	CHECK_OK(mach_port_set_context(mach_task_self(), right, 5));
	CHECK_OK(mach_port_set_seqno(mach_task_self(), right, 9));
	CHECK_OK(send_right(port, right, RECEIVE));
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 2);
	CHECK_OK(flow_send_to(right, COPY, 0, 0, 77));
	CHECK_EQ(receive_right(port, RECEIVE), right);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_status(right).mps_msgcount, 2);
	CHECK_EQ(flow_status(right).mps_mscount, 0);
	CHECK_OK(flow_receive(right, &message));
	CHECK_EQ(message.header.msgh_id, 0);
	CHECK_EQ(flow_trailer(&message)->msgh_seqno, 0);
	CHECK_EQ(flow_trailer(&message)->msgh_context, 0);
	CHECK_OK(flow_receive(right, &message));
	CHECK_EQ(message.header.msgh_id, 77);
}
END_TEST

START_TEST(e97_a_moved_port_leaves_its_sets)
{
	mach_port_t port = flow_port(), right = flow_receive_right(), set;
	mach_port_name_array_t members;
	mach_msg_type_number_t count;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_insert_member(mach_task_self(), right, set));
	CHECK_OK(mach_port_get_set_status(mach_task_self(), set, &members, &count));
	CHECK_EQ(count, 1);
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)members, count * 4));
	CHECK_OK(send_right(port, right, RECEIVE));
	CHECK_OK(mach_port_get_set_status(mach_task_self(), set, &members, &count));
	CHECK_EQ(count, 0);
	right = receive_right(port, RECEIVE);
	CHECK_EQ(flow_status(right).mps_pset, 0);
}
END_TEST

START_TEST(e98_the_old_owner_has_no_receive_right_any_more)
{
	mach_port_t port = flow_port(), right = flow_port(), alone = flow_receive_right();

	CHECK_OK(send_right(port, right, RECEIVE));
	CHECK_OK(send_right(port, alone, RECEIVE));
	CHECK_CODE(mach_port_mod_refs(mach_task_self(), right, MACH_PORT_RIGHT_RECEIVE, -1),
		   KERN_INVALID_RIGHT);
	CHECK_EQ(flow_type(alone), 0);
}
END_TEST

START_TEST(e100_references_peg_at_65535)
{
	mach_port_t port = flow_port(), right = flow_port();

	CHECK_OK(mach_port_mod_refs(mach_task_self(), right, MACH_PORT_RIGHT_SEND, 65534));
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 65535);
	CHECK_OK(send_right(port, right, COPY));
	CHECK_EQ(receive_right(port, MOVE), right);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 65535);
	CHECK_OK(send_right(port, right, MOVE));
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 65535);
	CHECK_EQ(receive_right(port, MOVE), right);
	CHECK_OK(mach_port_deallocate(mach_task_self(), right));
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 65535);
	CHECK_OK(mach_port_mod_refs(mach_task_self(), right, MACH_PORT_RIGHT_SEND, -65535));
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

/* --- many --- */

struct many {
	mach_msg_base_t base;
	mach_msg_port_descriptor_t port[MACHD_MESSAGE_PORTS_MAX + 1];
	mach_msg_max_trailer_t room;
};

static struct many *many_ports(mach_port_t dest, mach_port_t right, unsigned count)
{
	struct many *many = calloc(1, sizeof *many);

	CHECK(many != NULL);
	many->base.header.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(COPY, 0);
	many->base.header.msgh_size =
		(mach_msg_size_t)(sizeof many->base + count * sizeof *many->port);
	many->base.header.msgh_remote_port = dest;
	many->base.body.msgh_descriptor_count = count;
	for (unsigned i = 0; i < count; i++)
		many->port[i] = (mach_msg_port_descriptor_t){.name = i % 2 ? right : MACH_PORT_NULL,
							     .disposition = i % 3 ? COPY : MAKE,
							     .type = MACH_MSG_PORT_DESCRIPTOR};
	return many;
}

static void deliver_many(unsigned count)
{
	mach_port_t port = flow_port(), right = flow_port();
	struct many *many = many_ports(port, right, count);

	CHECK_OK(mach_msg(&many->base.header, MACH_SEND_MSG, many->base.header.msgh_size, 0, 0, 0,
			  0));
	memset(many, 0, sizeof *many);
	CHECK_OK(mach_msg(&many->base.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *many,
			  port, 0, 0));
	CHECK_EQ(many->base.body.msgh_descriptor_count, count);
	for (unsigned i = 0; i < count; i++) {
		CHECK_EQ(many->port[i].name, i % 2 ? right : MACH_PORT_NULL);
		CHECK_EQ(many->port[i].disposition, MOVE);
	}
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1 + count / 2);
	free(many);
}

START_TEST(e101_seventy_descriptors_arrive_in_order)
{
	deliver_many(70);
}
END_TEST

START_TEST(e103_up_to_16383_ports_in_one_message)
{
	mach_port_t port = flow_port();
	struct many *many = many_ports(port, port, MACHD_MESSAGE_PORTS_MAX + 1);

	deliver_many(MACHD_MESSAGE_PORTS_MAX);
	CHECK_CODE(mach_msg(&many->base.header, MACH_SEND_MSG, many->base.header.msgh_size, 0, 0, 0,
			    0),
		   MACH_SEND_TOO_LARGE);
	free(many);
}
END_TEST

/* --- failures with rights in hand --- */

START_TEST(h124_a_lost_reply_right_says_so)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	flow_complex(&message, port, COPY, 1);
	message.header.msgh_local_port = reply;
	message.header.msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
	flow_add_port(&message, flow_missing_name(), COPY);
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	flow_notified(reply, -1);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(h125_a_lost_destination_right_says_so)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port), move = flow_port();
	struct flow_message message;

	flow_complex(&message, once, MOVE_ONCE, 1);
	flow_add_port(&message, flow_missing_name(), COPY);
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(once), 0);
	flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	flow_complex(&message, move, MOVE, 1);
	flow_add_port(&message, flow_missing_name(), COPY);
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(move), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

START_TEST(h127_a_receive_right_before_the_bad_one_is_destroyed)
{
	mach_port_t port = flow_port(), moved = flow_port(), later = flow_port();
	struct flow_message message;

	flow_complex(&message, port, COPY, 1);
	flow_add_port(&message, moved, RECEIVE);
	flow_add_port(&message, flow_missing_name(), COPY);
	flow_add_port(&message, later, MOVE);
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(moved), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(later, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(h128_or_sent_to_who_asked_for_it)
{
	mach_port_t port = flow_port(), moved = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	CHECK_EQ(flow_request(moved, MACH_NOTIFY_PORT_DESTROYED, 0, notify), MACH_PORT_NULL);
	flow_complex(&message, port, COPY, 1);
	flow_add_port(&message, moved, RECEIVE);
	flow_add_port(&message, flow_missing_name(), COPY);
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(moved), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DESTROYED), moved);
	CHECK_EQ(flow_type(moved), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

/* --- circles --- */

START_TEST(u326_a_port_sent_to_itself_dies)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	flow_complex(&message, port, COPY, 1);
	message.header.msgh_local_port = reply;
	message.header.msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
	flow_add_port(&message, port, RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 1);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(u328_so_does_a_circle_of_three)
{
	mach_port_t a = flow_port(), b = flow_port(), c = flow_port();

	CHECK_OK(send_right(b, a, RECEIVE));
	CHECK_OK(send_right(c, b, RECEIVE));
	CHECK_OK(send_right(a, c, RECEIVE));
	CHECK_EQ(flow_type(a), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_type(b), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_type(c), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

START_TEST(u331_a_long_chain_of_ports_in_ports_is_destroyed)
{
	enum { LENGTH = 5000 };
	mach_port_t *port = calloc(LENGTH, sizeof *port);

	CHECK(port != NULL);
	port[0] = flow_port();
	for (unsigned i = 1; i < LENGTH; i++) {
		port[i] = flow_port();
		CHECK_OK(send_right(port[i], port[i - 1], RECEIVE));
	}
	CHECK_OK(mach_port_mod_refs(mach_task_self(), port[LENGTH - 1], MACH_PORT_RIGHT_RECEIVE,
				    -1));
	for (unsigned i = 0; i < LENGTH; i++)
		CHECK_EQ(flow_type(port[i]), MACH_PORT_TYPE_DEAD_NAME);
	free(port);
}
END_TEST

START_TEST(u332_a_request_in_the_chain_saves_what_is_below)
{
	mach_port_t a = flow_port(), b = flow_port(), c = flow_port(), d = flow_port();
	mach_port_t notify = flow_receive_right();

	CHECK_EQ(flow_request(b, MACH_NOTIFY_PORT_DESTROYED, 0, notify), MACH_PORT_NULL);
	CHECK_OK(send_right(b, a, RECEIVE));
	CHECK_OK(send_right(c, b, RECEIVE));
	CHECK_OK(send_right(d, c, RECEIVE));
	CHECK_OK(mach_port_mod_refs(mach_task_self(), d, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(flow_type(d), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_type(c), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DESTROYED), b);
	CHECK_EQ(receive_right(b, RECEIVE), a);
	CHECK_EQ(flow_type(a), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("body");
	TCase *tests = flow_case(suite, "dispositions");

	tcase_add_test(tests, e85_e88_what_is_no_right_in_a_body);
	tcase_add_test(tests, e86_null_and_dead_pass_whatever_the_disposition);
	tcase_add_test(tests, e89_dead_names_arrive_dead);
	tcase_add_test(tests, send_rights_sent_to_oneself_come_back_under_their_name);
	tcase_add_test(tests, send_once_rights_never_merge);
	tcase_add_test(tests, e92_a_bad_type_costs_nothing_and_beats_a_bad_right);
	tcase_add_test(tests, e94_sends_go_on_while_the_receive_right_travels);
	tcase_add_test(tests, e97_a_moved_port_leaves_its_sets);
	tcase_add_test(tests, e98_the_old_owner_has_no_receive_right_any_more);
	tcase_add_test(tests, e100_references_peg_at_65535);
	tcase_add_test(tests, e101_seventy_descriptors_arrive_in_order);
	tcase_add_test(tests, e103_up_to_16383_ports_in_one_message);
	tests = flow_case(suite, "failures");
	tcase_add_test(tests, h124_a_lost_reply_right_says_so);
	tcase_add_test(tests, h125_a_lost_destination_right_says_so);
	tcase_add_test(tests, h127_a_receive_right_before_the_bad_one_is_destroyed);
	tcase_add_test(tests, h128_or_sent_to_who_asked_for_it);
	tests = flow_case(suite, "circles");
	tcase_add_test(tests, u326_a_port_sent_to_itself_dies);
	tcase_add_test(tests, u328_so_does_a_circle_of_three);
	tcase_add_test(tests, u331_a_long_chain_of_ports_in_ports_is_destroyed);
	tcase_add_test(tests, u332_a_request_in_the_chain_saves_what_is_below);
	return flow_run(suite);
}
