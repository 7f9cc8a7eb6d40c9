/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of rights: every disposition, what is lost when one of them is refused, and limits. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

static mach_msg_return_t send_array(mach_port_t port, const mach_port_t *names, size_t count,
				    mach_msg_type_name_t type, bool deallocate)
{
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_ports(&letter, names, count, type, deallocate);
	return letter_send(&letter);
}

/* Receive one array; what is said of it is the same whatever was sent. */
static mach_port_t *receive_array(mach_port_t port, size_t count, mach_msg_type_name_t type)
{
	mach_msg_ool_ports_descriptor_t ports;
	struct flow_letter letter;

	CHECK_OK(letter_receive(port, &letter));
	CHECK_EQ(letter.base.body.msgh_descriptor_count, 1);
	CHECK_EQ(letter.header.msgh_size, sizeof letter.base + sizeof ports);
	ports = letter_ports(&letter, 0);
	CHECK_EQ(ports.count, count);
	CHECK_EQ(ports.disposition, type);
	CHECK_EQ(ports.copy, MACH_MSG_VIRTUAL_COPY);
	CHECK_EQ(ports.deallocate, true);
	return ports.address;
}

static void free_array(mach_port_t *names, size_t count)
{
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)names, count * sizeof *names));
	CHECK(!letter_mapped(names));
}

/* --- what arrives --- */

START_TEST(g116_no_names_have_no_address)
{
	mach_port_t port = flow_port();

	CHECK_OK(send_array(port, (void *)1, 0, MOVE, true));
	CHECK(receive_array(port, 0, MOVE) == NULL);
	CHECK_OK(send_array(port, (void *)-1, 0, MAKE_ONCE, false));
	CHECK(receive_array(port, 0, MOVE_ONCE) == NULL);
}
END_TEST

START_TEST(every_disposition)
{
	mach_port_t port = flow_port(), right = flow_port(), only = flow_receive_right();
	mach_port_t names[] = {right, right, right}, *came;

	CHECK_OK(send_array(port, names, 3, COPY, false));
	came = receive_array(port, 3, MOVE);
	CHECK(came[0] == right && came[1] == right && came[2] == right);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 4);
	free_array(came, 3);
	CHECK_OK(send_array(port, names, 3, MOVE, false));
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1);
	free_array(receive_array(port, 3, MOVE), 3);
	CHECK_OK(send_array(port, names, 3, MAKE, false));
	CHECK_EQ(flow_status(right).mps_mscount, 4);
	free_array(receive_array(port, 3, MOVE), 3);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 7);
	names[1] = names[2] = names[0] = only;
	CHECK_OK(send_array(port, names, 3, MAKE_ONCE, false));
	CHECK_EQ(flow_status(only).mps_sorights, 3);
	came = receive_array(port, 3, MOVE_ONCE);
	CHECK(came[0] != came[1] && came[1] != came[2]);
	CHECK_OK(send_array(port, came, 3, MOVE_ONCE, true));
	CHECK(!letter_mapped(came));
	came = receive_array(port, 3, MOVE_ONCE);
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(mach_port_deallocate(mach_task_self(), came[i]));
	for (unsigned i = 0; i < 3; i++)
		flow_notified(only, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(g122_receive_rights)
{
	mach_port_t port = flow_port(), names[3], *came;

	for (unsigned i = 0; i < 3; i++) {
		names[i] = i == 1 ? flow_port() : flow_receive_right();
		CHECK_OK(flow_send_to(names[i], MAKE, MACH_PORT_NULL, 0, 50 + (int)i));
	}
	CHECK_OK(send_array(port, names, 3, RECEIVE, false));
	CHECK_EQ(flow_type(names[0]), 0);
	CHECK_EQ(flow_type(names[1]), MACH_PORT_TYPE_SEND);
	came = receive_array(port, 3, RECEIVE);
	CHECK_EQ(came[1], names[1]);
	CHECK_EQ(flow_type(came[1]), MACH_PORT_TYPE_SEND_RECEIVE);
	for (int i = 0; i < 3; i++) {
		struct flow_message message;

		CHECK_OK(flow_receive(came[i], &message));
		CHECK_EQ(message.header.msgh_id, 50 + i);
	}
}
END_TEST

START_TEST(null_and_dead_names_pass)
{
	static const mach_msg_type_name_t types[] = {COPY,	MOVE,	   MAKE,
						     MAKE_ONCE, MOVE_ONCE, RECEIVE};
	static const mach_msg_type_name_t received[] = {MOVE,	   MOVE,      MOVE,
							MOVE_ONCE, MOVE_ONCE, RECEIVE};
	mach_port_t port = flow_port(), names[] = {MACH_PORT_NULL, MACH_PORT_DEAD}, *came;

	for (unsigned i = 0; i < 6; i++) {
		CHECK_OK(send_array(port, names, 2, types[i], false));
		came = receive_array(port, 2, received[i]);
		CHECK(came[0] == MACH_PORT_NULL && came[1] == MACH_PORT_DEAD);
		free_array(came, 2);
	}
	/* As in a port descriptor, what is no disposition does not matter then. */
	CHECK_OK(send_array(port, names, 2, 25, false));
	free_array(receive_array(port, 2, 0), 2);
}
END_TEST

START_TEST(dead_names_arrive_dead)
{
	mach_port_t port = flow_port(), dead = flow_dead_name(5), *came;
	const mach_port_t names[] = {dead, dead};

	CHECK_OK(send_array(port, names, 2, COPY, false));
	came = receive_array(port, 2, MOVE);
	CHECK(came[0] == MACH_PORT_DEAD && came[1] == MACH_PORT_DEAD);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 5);
	CHECK_OK(send_array(port, names, 2, MOVE, false));
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 3);
	free_array(receive_array(port, 2, MOVE), 2);
	CHECK_CODE(send_array(port, names, 2, MAKE, false), MACH_SEND_INVALID_RIGHT);
}
END_TEST

START_TEST(the_copy_byte_is_not_looked_at)
{
	mach_port_t port = flow_port(), name = MACH_PORT_DEAD;
	mach_msg_ool_ports_descriptor_t ports = {.address = &name,
						 .count = 1,
						 .copy = 77,
						 .disposition = COPY,
						 .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add(&letter, &ports, sizeof ports);
	CHECK_OK(letter_send(&letter));
	CHECK_EQ(*receive_array(port, 1, MOVE), MACH_PORT_DEAD);
}
END_TEST

/* The right that dies while it waits. */
START_TEST(a_port_that_dies_in_between)
{
	mach_port_t port = flow_port(), first = flow_port(), second = flow_port(), *came;
	const mach_port_t names[] = {first, second};

	CHECK_OK(send_array(port, names, 2, COPY, false));
	CHECK_OK(mach_port_mod_refs(mach_task_self(), first, MACH_PORT_RIGHT_RECEIVE, -1));
	came = receive_array(port, 2, MOVE);
	CHECK_EQ(came[0], MACH_PORT_DEAD);
	CHECK_EQ(came[1], second);
}
END_TEST

/* --- what is refused, and what that costs --- */

START_TEST(g118_names_before_a_bad_one_are_lost)
{
	mach_port_t port = flow_port(), reply = flow_receive_right(), names[4];
	struct flow_letter letter;

	for (unsigned i = 0; i < 4; i++)
		names[i] = flow_port();
	CHECK_OK(mach_port_destroy(mach_task_self(), names[2]));
	letter_start_as(&letter, port, COPY, reply, MAKE_ONCE);
	letter_add_ports(&letter, names, 4, MOVE, false);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(names[0]), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_type(names[1]), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_type(names[3]), MACH_PORT_TYPE_SEND_RECEIVE);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	flow_notified(port, -1);
}
END_TEST

START_TEST(receive_rights_before_a_bad_one_die)
{
	mach_port_t port = flow_port(), names[3] = {flow_port(), flow_missing_name(), flow_port()};

	CHECK_CODE(send_array(port, names, 3, RECEIVE, false), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(names[0]), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_type(names[2]), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

START_TEST(g119_the_array_goes_even_if_its_first_name_is_bad)
{
	mach_port_t port = flow_port(), *names = (mach_port_t *)(void *)letter_pages(2);

	names[0] = flow_missing_name();
	CHECK_CODE(send_array(port, names, 1024, COPY, true), MACH_SEND_INVALID_RIGHT);
	CHECK(!letter_mapped(names) && letter_mapped(names + 1024));
}
END_TEST

START_TEST(deallocate_takes_whole_pages)
{
	mach_port_t port = flow_port();
	uint8_t *pages = letter_pages(5);
	mach_port_t *names = (mach_port_t *)(void *)(pages + 2 * vm_page_size - 8);

	names[3] = MACH_PORT_DEAD;
	CHECK_OK(send_array(port, names, 4, COPY, true));
	for (unsigned i = 0; i < 5; i++)
		CHECK(letter_mapped(pages + i * vm_page_size) == (i != 1 && i != 2));
	CHECK_EQ(receive_array(port, 4, MOVE)[3], MACH_PORT_DEAD);
	/* A bad header costs nothing. */
	CHECK_CODE(send_array(flow_missing_name(), (mach_port_t *)(void *)pages, 4, COPY, true),
		   MACH_SEND_INVALID_DEST);
	CHECK(letter_mapped(pages));
}
END_TEST

START_TEST(g121_arrays_that_cannot_be_read)
{
	mach_port_t port = flow_port(), right = flow_port();
	mach_port_t *names = (mach_port_t *)(void *)letter_pages(2);
	struct flow_letter letter;

	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)(names + 1024), vm_page_size));
	for (unsigned i = 0; i < 2; i++) {
		CHECK_CODE(send_array(port, NULL, 1, COPY, i), MACH_SEND_INVALID_MEMORY);
		CHECK_CODE(send_array(port, (void *)-8L, 2, COPY, i), MACH_SEND_INVALID_MEMORY);
		CHECK_CODE(send_array(port, names, 1025, COPY, i), MACH_SEND_INVALID_MEMORY);
		CHECK_CODE(send_array(port, names + 1024, 1, COPY, i), MACH_SEND_INVALID_MEMORY);
	}
	CHECK(letter_mapped(names));
	CHECK_OK(send_array(port, names, 1024, COPY, false));
	free_array(receive_array(port, 1024, MOVE), 1024);
	/* What came before it is lost. */
	letter_start(&letter, port);
	letter_add_ports(&letter, &right, 1, MOVE, false);
	letter_add_ports(&letter, NULL, 1, MOVE, false);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_MEMORY);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

/* --- limits --- */

START_TEST(e103_so_many_ports_and_no_more)
{
	enum { MOST = MACHD_MESSAGE_PORTS_MAX };
	mach_port_t port = flow_port(), right = flow_port(), *came;
	mach_port_t *names = calloc(MOST + 1, sizeof *names);
	struct flow_letter letter;

	CHECK(names != NULL);
	for (unsigned i = 0; i <= MOST; i++)
		names[i] = right;
	letter_start_as(&letter, port, MOVE, MACH_PORT_NULL, 0);
	letter_add_ports(&letter, names, MOST + 1, MOVE, true);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TOO_LARGE);
	letter_start_as(&letter, port, MOVE, MACH_PORT_NULL, 0);
	letter_add_ports(&letter, names, MOST / 2, COPY, false);
	letter_add_ports(&letter, names, MOST / 2 + 1, COPY, false);
	letter_add_port(&letter, MACH_PORT_NULL, COPY);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TOO_LARGE);
	letter_start_as(&letter, port, MOVE, MACH_PORT_NULL, 0);
	letter_add_ports(&letter, names, UINT32_MAX, COPY, false);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TOO_LARGE);
	letter_start_as(&letter, port, MOVE, MACH_PORT_NULL, 0);
	letter_add_ports(&letter, names, UINT32_MAX / 4 + 1, COPY, false);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TOO_LARGE);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(send_array(port, names, MOST, COPY, false));
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
	came = receive_array(port, MOST, MOVE);
	CHECK(memcmp(came, names, MOST * sizeof *names) == 0);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1 + MOST);
	free(names);
}
END_TEST

/* All of them different, and all of them receive rights. */
START_TEST(so_many_receive_rights)
{
	enum { MOST = MACHD_MESSAGE_PORTS_MAX };
	mach_port_t port = flow_port(), *came;
	mach_port_t *names = calloc(MOST, sizeof *names);

	CHECK(names != NULL);
	for (unsigned i = 0; i < MOST; i++)
		names[i] = flow_receive_right();
	CHECK_OK(send_array(port, names, MOST, RECEIVE, false));
	came = receive_array(port, MOST, RECEIVE);
	for (unsigned i = 0; i < MOST; i += 1000)
		CHECK_EQ(flow_type(came[i]), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(send_array(port, came, MOST, RECEIVE, true));
	CHECK_OK(mach_port_destroy(mach_task_self(), port));
	free(names);
}
END_TEST

/* A body that fills the frame leaves room for the names. */
START_TEST(a_large_body_and_names_together)
{
	enum { COUNT = 16000 };
	static const size_t bodies[] = {60000, 65500, 65536, 150000, 203000, 1000000};
	mach_port_t port = flow_port();
	mach_port_t *names = calloc(COUNT, sizeof *names), *came;

	CHECK(names != NULL);
	names[COUNT - 1] = MACH_PORT_DEAD;
	for (unsigned i = 0; i < 6; i++) {
		size_t head = sizeof(mach_msg_base_t) + 16, size = head + bodies[i];
		uint8_t *message = calloc(1, size + MAX_TRAILER_SIZE);
		mach_msg_header_t *header = (mach_msg_header_t *)(void *)message;
		struct flow_letter letter;

		CHECK(message != NULL);
		letter_start(&letter, port);
		letter_add_ports(&letter, names, COUNT, COPY, false);
		memcpy(message, letter.bytes, head);
		letter_fill(message + head, bodies[i], i);
		CHECK_OK(mach_msg(header, MACH_SEND_MSG, (mach_msg_size_t)size, 0, MACH_PORT_NULL,
				  0, MACH_PORT_NULL));
		memset(message, 0, size);
		CHECK_OK(mach_msg(header, MACH_RCV_MSG, 0,
				  (mach_msg_size_t)(size + MAX_TRAILER_SIZE), port, 0,
				  MACH_PORT_NULL));
		letter_expect(message + head, bodies[i], i);
		memcpy(letter.bytes, message, head);
		came = letter_ports(&letter, 0).address;
		CHECK_EQ(came[0], MACH_PORT_NULL);
		CHECK_EQ(came[COUNT - 1], MACH_PORT_DEAD);
		free_array(came, COUNT);
		free(message);
	}
	free(names);
}
END_TEST

/* Destroyed with the port: every right in it is. */
START_TEST(what_nobody_receives_is_destroyed)
{
	mach_port_t port = flow_port(), once = flow_receive_right(), moved = flow_port();
	const mach_port_t onces[] = {once, once, MACH_PORT_NULL, once};
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_ports(&letter, onces, 4, MAKE_ONCE, false);
	letter_add_ports(&letter, &moved, 1, RECEIVE, false);
	CHECK_OK(letter_send(&letter));
	CHECK_OK(mach_port_destroy(mach_task_self(), port));
	for (unsigned i = 0; i < 3; i++)
		flow_notified(once, MACH_NOTIFY_SEND_ONCE);
	flow_notified(once, -1);
	CHECK_EQ(flow_type(moved), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

/* The destination in an array of its own message: it is destroyed. */
START_TEST(an_array_can_make_a_message_circular)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	const mach_port_t names[] = {flow_receive_right(), port};
	struct flow_letter letter;

	letter_start_as(&letter, port, COPY, reply, MAKE_ONCE);
	letter_add_ports(&letter, names, 2, RECEIVE, false);
	letter_add_memory(&letter, letter_pages(20), 70000, true, MACH_MSG_VIRTUAL_COPY);
	CHECK_OK(letter_send(&letter));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_type(names[0]), 0);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ool_ports");
	TCase *tcase = flow_case(suite, "ool_ports");

	tcase_add_test(tcase, g116_no_names_have_no_address);
	tcase_add_test(tcase, every_disposition);
	tcase_add_test(tcase, g122_receive_rights);
	tcase_add_test(tcase, null_and_dead_names_pass);
	tcase_add_test(tcase, dead_names_arrive_dead);
	tcase_add_test(tcase, the_copy_byte_is_not_looked_at);
	tcase_add_test(tcase, a_port_that_dies_in_between);
	tcase_add_test(tcase, g118_names_before_a_bad_one_are_lost);
	tcase_add_test(tcase, receive_rights_before_a_bad_one_die);
	tcase_add_test(tcase, g119_the_array_goes_even_if_its_first_name_is_bad);
	tcase_add_test(tcase, deallocate_takes_whole_pages);
	tcase_add_test(tcase, g121_arrays_that_cannot_be_read);
	tcase_add_test(tcase, e103_so_many_ports_and_no_more);
	tcase_add_test(tcase, so_many_receive_rights);
	tcase_add_test(tcase, a_large_body_and_names_together);
	tcase_add_test(tcase, what_nobody_receives_is_destroyed);
	tcase_add_test(tcase, an_array_can_make_a_message_circular);
	return flow_run(suite);
}
