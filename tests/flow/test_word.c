/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of 32 and of 64 bits in one world [5.3, 6]. The other program is this one, started with
 * an argument: $MACHD_PEER_BINARY, which a 32-bit build sets to the 64-bit build's, else itself.
 * All kinds of descriptors travel in both directions, and each side finds its own layout.
 */
#include <string.h>
#include <unistd.h>

#include <mach/mach_vm.h>
#include <machd_event.h>
#include <servers/bootstrap.h>
#include <stdlib.h>

#include "protocol/limits.h"
#include "tests/flow/flow_private.h"
#include "tests/flow/word/kit.h"

#define SERVICE "org.machd.test.word"
#define SELF	mach_task_self()
#define COPY	MACH_MSG_TYPE_COPY_SEND
#define ONCE	MACH_MSG_TYPE_MAKE_SEND_ONCE

#define CONTEXT	       ((mach_port_context_t)0x00ff11ee22dd33cc)
#define ALL_OF_TRAILER (MACH_RCV_GUARDED_DESC | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS))

/* Kits in a message: none, few, 64 descriptors, more of them than a 64-bit mask has bits. */
static const unsigned counts[] = {0, 1, 8, 9, 20};

/* Receive, as long as it takes; the trailer must be there as this word size has it. */
static void await_letter(mach_port_t port, struct flow_letter *letter)
{
	const mach_msg_max_trailer_t *trailer;

	memset(letter, 0xee, sizeof *letter);
	CHECK_OK(mach_msg(&letter->header, MACH_RCV_MSG | ALL_OF_TRAILER, 0, sizeof *letter, port,
			  0, MACH_PORT_NULL));
	trailer = (const void *)(letter->bytes + letter->header.msgh_size);
	CHECK_EQ(trailer->msgh_trailer_size, WORD(68, 64));
	CHECK_EQ(trailer->msgh_sender.val[0], geteuid());
	CHECK(trailer->msgh_audit.val[5] != (unsigned)getpid());
	CHECK(trailer->msgh_context == CONTEXT);
	CHECK(trailer->msgh_ad == 0 && trailer->msgh_labels.sender == 0);
}

static mach_port_t port_with_context(void)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(mach_port_set_context(SELF, port, CONTEXT));
	return port;
}

/* --- the other program --- */

/* Instead of a number of kits: memory that a program of 64 bits has room for. */
#define ASK_FOR_MUCH 1000
#define MUCH	     0xffffff00u

static void answer_much(mach_port_t dest)
{
	mach_vm_address_t address = 0;
	struct flow_letter answer;

	CHECK_OK(mach_vm_allocate(SELF, &address, MUCH, VM_FLAGS_ANYWHERE));
	letter_start_as(&answer, dest, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_PORT_NULL, 0);
	letter_add_memory(&answer, (void *)(uintptr_t)address, MUCH, true, MACH_MSG_VIRTUAL_COPY);
	letter_add_port(&answer, flow_port(), COPY);
	CHECK_OK(letter_send(&answer));
}

/* Auxiliary data that are beside each answer. */
struct aux {
	mach_msg_aux_header_t header;
	uint8_t bytes[92];
};
#define AUX_SEED 5

static void answer_kits(mach_port_t dest, unsigned count)
{
	struct flow_letter answer;
	struct aux aux = {{0, 0}, {0}};
	mach_msg_vector_t vector[] = {{.msgv_data = (uintptr_t)&answer},
				      {.msgv_data = (uintptr_t)&aux, .msgv_send_size = sizeof aux}};

	kit_write(&answer, dest, MACH_PORT_NULL, count);
	answer.header.msgh_bits =
		MACH_MSGH_BITS_SET(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0, 0, answer.header.msgh_bits);
	vector[0].msgv_send_size = answer.header.msgh_size;
	letter_fill(aux.bytes, sizeof aux.bytes, AUX_SEED);
	CHECK_OK(mach_msg2(vector, MACH64_SEND_MSG | MACH64_MSG_VECTOR | MACH64_SEND_MQ_CALL,
			   answer.header, 2, 0, MACH_PORT_NULL, 0, 0));
}

/* Answer each letter with one of as many kits, until one says that it is the last. */
static void play_peer(void)
{
	mach_port_t port = port_with_context(), boss = MACH_PORT_NULL;
	struct flow_letter letter;

	flow_in_child = true;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &boss));
	CHECK_OK(flow_send_to(boss, COPY, port, MACH_MSG_TYPE_MAKE_SEND, sizeof(void *)));
	do {
		await_letter(port, &letter);
		if (letter.header.msgh_id == ASK_FOR_MUCH) {
			answer_much(letter.header.msgh_remote_port);
			continue;
		}
		kit_expect(&letter, (unsigned)letter.header.msgh_id);
		answer_kits(letter.header.msgh_remote_port, (unsigned)letter.header.msgh_id);
	} while (letter.header.msgh_id != 0);
	CHECK_EQ(flow_type(letter.header.msgh_remote_port), 0);
}

static void become_peer(void *unused)
{
	const char *binary = getenv("MACHD_PEER_BINARY");

	(void)unused;
	execl(binary ? binary : "/proc/self/exe", "peer", "peer", NULL);
	CHECK(!"the other program can be started");
}

/* --- this one --- */

static struct flow_child peer;

/* Start the other program; returns a send right to it. */
static mach_port_t start_peer(void)
{
	mach_port_t service = MACH_PORT_NULL;
	struct flow_message message;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&peer, become_peer, NULL);
	flow_await(service, &message);
	CHECK_EQ(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits), MACH_MSG_TYPE_PORT_SEND);
	if (getenv("MACHD_PEER_BINARY"))
		CHECK(message.header.msgh_id != sizeof(void *));
	return message.header.msgh_remote_port;
}

static void ask_for(mach_port_t dest, mach_port_t reply, unsigned count)
{
	struct flow_letter letter;

	kit_write(&letter, dest, reply, count);
	CHECK_EQ(letter.header.msgh_size, kit_size(count));
	CHECK_OK(letter_send(&letter));
}

START_TEST(q101_every_descriptor_in_both_directions)
{
	mach_port_t dest = start_peer(), reply = port_with_context();
	struct flow_letter letter;

	for (unsigned i = sizeof counts / sizeof *counts; i-- > 0;) {
		ask_for(dest, reply, counts[i]);
		await_letter(reply, &letter);
		kit_expect(&letter, counts[i]);
	}
	flow_join(&peer);
	CHECK_EQ(flow_type(dest), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

/* [9.3]: what is too large is measured as this receiver would get it. */
START_TEST(the_size_that_counts_is_the_receivers)
{
	const mach_msg_size_t size = kit_size(2), all = size + MAX_TRAILER_SIZE;
	const mach_msg_option_t option = MACH_RCV_MSG | MACH_RCV_LARGE | ALL_OF_TRAILER;
	mach_port_t dest = start_peer(), reply = port_with_context();
	struct flow_letter letter;

	ask_for(dest, reply, 2);
	CHECK_CODE(mach_msg(&letter.header, option, 0, all - 4, reply, 0, MACH_PORT_NULL),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(letter.header.msgh_size, size);
	CHECK_OK(mach_msg(&letter.header, option, 0, all, reply, 0, MACH_PORT_NULL));
	kit_expect(&letter, 2);
	ask_for(dest, reply, 0);
	await_letter(reply, &letter);
	flow_join(&peer);
}
END_TEST

static void expect_aux(const void *bytes)
{
	struct aux aux;

	memcpy(&aux, bytes, sizeof aux);
	CHECK_EQ(aux.header.msgdh_size, sizeof aux);
	letter_expect(aux.bytes, sizeof aux.bytes, AUX_SEED);
}

/* [5.4, 27]: they lie behind a message and a trailer of this program's sizes, or apart. */
START_TEST(auxiliary_data_beside_every_descriptor)
{
	mach_port_t dest = start_peer(), reply = port_with_context();
	struct flow_letter letter;
	struct aux aux;
	mach_msg_vector_t vector[] = {
		{.msgv_data = (uintptr_t)&letter, .msgv_rcv_size = sizeof letter},
		{.msgv_data = (uintptr_t)&aux, .msgv_rcv_size = sizeof aux}};
	machd_received_t received;

	ask_for(dest, reply, 2);
	CHECK_OK(mach_msg2(vector, MACH64_RCV_MSG | MACH64_MSG_VECTOR | MACH_RCV_GUARDED_DESC,
			   letter.header, 0, 2, reply, 0, 0));
	kit_expect(&letter, 2);
	expect_aux(&aux);
	ask_for(dest, reply, 0);
	flow_await_gone(peer.pid);
	CHECK_OK(machd_port_receive(reply, ALL_OF_TRAILER, &letter, sizeof letter, &received));
	kit_expect(&letter, 0);
	CHECK_EQ(received.aux_size, sizeof aux);
	CHECK_EQ(received.size, kit_size(0) + MAX_TRAILER_SIZE);
	expect_aux(letter.bytes + received.size);
	flow_join(&peer);
}
END_TEST

/* [9.4, 11]: memory that there can be no room for; the rest of the message is there. */
START_TEST(more_memory_than_32_bits_can_have)
{
	mach_port_t dest = start_peer(), reply = port_with_context();
	struct flow_letter letter;

	if (sizeof(void *) == 4 && getenv("MACHD_PEER_BINARY")) {
		CHECK_OK(flow_send_to(dest, COPY, reply, ONCE, ASK_FOR_MUCH));
		CHECK_CODE(mach_msg(&letter.header, MACH_RCV_MSG, 0, sizeof letter, reply, 0,
				    MACH_PORT_NULL),
			   MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE);
		CHECK(letter_memory(&letter, 0).address == NULL);
		CHECK_EQ(letter_memory(&letter, 0).size, 0);
		CHECK_EQ(flow_type(letter_port(&letter, 1).name), MACH_PORT_TYPE_SEND);
	}
	ask_for(dest, reply, 0);
	await_letter(reply, &letter);
	flow_join(&peer);
}
END_TEST

/* --- numbers that do not fit a word of 32 bits --- */

/* [8, steps 5 and 6]: as many names as would be four bytes if their size were counted in 32 bits.
 */
START_TEST(a_number_of_names_is_not_cut_short)
{
	mach_port_t port = flow_port(), names[] = {port, port};
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_ports(&letter, names, 0x40000001, COPY, false);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TOO_LARGE);
	letter_start(&letter, port);
	letter_add_ports(&letter, names, MACHD_MESSAGE_PORTS_MAX + 1, COPY, false);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TOO_LARGE);
	letter_start(&letter, port);
	letter_add_ports(&letter, names, 2, COPY, false);
	CHECK_OK(letter_send(&letter));
}
END_TEST

START_TEST(a_context_has_all_its_bits)
{
	mach_port_context_t context = 0;

	CHECK_OK(mach_port_get_context(SELF, port_with_context(), &context));
	CHECK(context == CONTEXT);
	CHECK_EQ(sizeof context, sizeof(void *));
}
END_TEST

/* [26]: with VM_FLAGS_ANYWHERE the address given says nothing, even one that nobody could have. */
START_TEST(an_address_that_is_not_asked_for)
{
	mach_vm_address_t address = 0xdead000000000000;

	CHECK_OK(mach_vm_allocate(SELF, &address, 5, VM_FLAGS_ANYWHERE));
	CHECK(address <= UINTPTR_MAX);
	*(char *)(uintptr_t)address = 1;
	CHECK_OK(mach_vm_deallocate(SELF, address, 5));
	address = 0xdead000000000000;
	CHECK_CODE(mach_vm_allocate(SELF, &address, 5, VM_FLAGS_FIXED), KERN_INVALID_ADDRESS);
	CHECK_CODE(mach_vm_allocate(SELF, &address, UINT64_MAX / 2, VM_FLAGS_ANYWHERE),
		   WORD(KERN_NO_SPACE, KERN_INVALID_ARGUMENT));
}
END_TEST

/* [5.4]: a vector has room for addresses of any program. */
START_TEST(an_address_in_a_vector_is_not_cut_short)
{
	mach_port_t port = flow_port();
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port};
	const mach_vm_address_t beyond = (mach_vm_address_t)1 << 63;
	const mach_msg_option64_t option = MACH64_MSG_VECTOR | MACH64_SEND_MQ_CALL;
	mach_msg_vector_t vector = {.msgv_data = beyond | (uintptr_t)&header,
				    .msgv_send_size = sizeof header,
				    .msgv_rcv_size = sizeof header};

	CHECK_CODE(mach_msg2(&vector, option | MACH64_SEND_MSG, header, 1, 0, 0, 0, 0),
		   MACH_SEND_INVALID_DATA);
	vector.msgv_data = (uintptr_t)&header;
	CHECK_OK(mach_msg2(&vector, option | MACH64_SEND_MSG, header, 1, 0, 0, 0, 0));
	vector.msgv_rcv_addr = beyond | (uintptr_t)&header;
	CHECK_CODE(mach_msg2(&vector, MACH64_MSG_VECTOR | MACH64_RCV_MSG, header, 0, 1, port, 0, 0),
		   MACH_RCV_INVALID_DATA);
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tests;

	(void)argv;
	if (argc > 1) {
		play_peer();
		return 0;
	}
	suite = suite_create("word");
	tests = flow_case(suite, "word");
	tcase_add_test(tests, q101_every_descriptor_in_both_directions);
	tcase_add_test(tests, the_size_that_counts_is_the_receivers);
	tcase_add_test(tests, auxiliary_data_beside_every_descriptor);
	tcase_add_test(tests, more_memory_than_32_bits_can_have);
	tcase_add_test(tests, a_number_of_names_is_not_cut_short);
	tcase_add_test(tests, a_context_has_all_its_bits);
	tcase_add_test(tests, an_address_that_is_not_asked_for);
	tcase_add_test(tests, an_address_in_a_vector_is_not_cut_short);
	return flow_run(suite);
}
