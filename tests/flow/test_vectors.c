/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg2's vector form: auxiliary data beside a message, from a program's memory into
 * another's, and all that can be wrong with the array [5.4, 8.2, 9.3, 19].
 */
#include <servers/bootstrap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define SEND	  (MACH64_SEND_MSG | MACH_SEND_TIMEOUT | MACH64_SEND_MQ_CALL | MACH64_MSG_VECTOR)
#define RECEIVE	  (MACH64_RCV_MSG | MACH_RCV_TIMEOUT | MACH64_MSG_VECTOR)

struct aux {
	mach_msg_aux_header_t header;
	uint8_t bytes[1024];
};

/* A message with auxiliary data, and an array that speaks of both. */
struct pair {
	mach_msg_vector_t vector[3];
	struct flow_message message;
	struct aux aux;
};

static mach_vm_address_t address(const void *pointer)
{
	return (uintptr_t)pointer;
}

static void fill(struct aux *aux)
{
	memset(&aux->header, 0x55, sizeof aux->header);
	for (size_t i = 0; i < sizeof aux->bytes; i++)
		aux->bytes[i] = (uint8_t)(i * 13 + 1);
}

/* Ready to send 24 bytes and `aux_size` beside them. */
static void make(struct pair *pair, mach_port_t port, mach_msg_size_t aux_size)
{
	memset(pair, 0, sizeof *pair);
	flow_header(&pair->message, port, COPY, MACH_PORT_NULL, 0, 31);
	fill(&pair->aux);
	pair->vector[0] = (mach_msg_vector_t){.msgv_data = address(&pair->message),
					      .msgv_send_size = 24,
					      .msgv_rcv_size = sizeof pair->message};
	pair->vector[1] = (mach_msg_vector_t){.msgv_data = address(&pair->aux),
					      .msgv_send_size = aux_size,
					      .msgv_rcv_size = sizeof pair->aux};
}

static mach_msg_return_t send_count(struct pair *pair, uint32_t count)
{
	return mach_msg2(pair->vector, SEND, pair->message.header, count, 0, MACH_PORT_NULL, 0, 0);
}

static mach_msg_return_t send_pair(struct pair *pair)
{
	return send_count(pair, 2);
}

static mach_msg_return_t receive_count(struct pair *pair, uint32_t count, mach_port_t port,
				       uint64_t option)
{
	return mach_msg2(pair->vector, RECEIVE | option, (mach_msg_header_t){0}, 0, count, port, 0,
			 0);
}

/* Ready to receive. */
static void clear(struct pair *pair)
{
	make(pair, MACH_PORT_NULL, 0);
	memset(&pair->message, 0xee, sizeof pair->message);
	memset(&pair->aux, 0xee, sizeof pair->aux);
}

static void expect_aux(const struct aux *got, mach_msg_size_t size)
{
	struct aux sent;

	fill(&sent);
	CHECK_EQ(got->header.msgdh_size, size);
	CHECK_EQ(got->header.msgdh_reserved, 0);
	CHECK(memcmp(got->bytes, sent.bytes, size - sizeof got->header) == 0);
}

static void expect_nothing(mach_port_t port)
{
	struct flow_message message;

	CHECK_CODE(flow_receive(port, &message), MACH_RCV_TIMED_OUT);
}

START_TEST(auxiliary_data_arrive_beside_the_message)
{
	static const mach_msg_size_t sizes[] = {8, 11, 128, 1024};
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, sizes[_i]);
	CHECK_OK(send_pair(&pair));
	clear(&pair);
	CHECK_OK(receive_count(&pair, 2, port, 0));
	CHECK_EQ(pair.message.header.msgh_id, 31);
	CHECK_EQ(pair.message.header.msgh_size, 24);
	expect_aux(&pair.aux, sizes[_i]);
	CHECK_EQ(pair.aux.bytes[sizes[_i] - sizeof pair.aux.header], 0xee);
}
END_TEST

START_TEST(a_buffer_for_them_gets_a_header_at_least)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 0);
	CHECK_OK(send_pair(&pair));
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 32));
	for (int i = 0; i < 2; i++) {
		clear(&pair);
		pair.vector[1].msgv_rcv_size = 8;
		CHECK_OK(receive_count(&pair, 2, port, 0));
		CHECK_EQ(pair.message.header.msgh_id, 31 + i);
		CHECK_EQ(pair.aux.header.msgdh_size, 0);
		CHECK_EQ(pair.aux.header.msgdh_reserved, 0);
		CHECK_EQ(pair.aux.bytes[0], 0xee);
	}
	clear(&pair);
	CHECK_CODE(receive_count(&pair, 2, port, 0), MACH_RCV_TIMED_OUT);
	CHECK_EQ(pair.aux.header.msgdh_size, 0xeeeeeeee);
}
END_TEST

START_TEST(j152_addresses_of_their_own)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	struct aux aux;
	struct pair pair;

	make(&pair, port, 64);
	memset(&message, 0xee, sizeof message);
	memset(&aux, 0xee, sizeof aux);
	pair.vector[0].msgv_rcv_addr = address(&message);
	pair.vector[1].msgv_rcv_addr = address(&aux);
	CHECK_OK(mach_msg2(pair.vector, SEND | RECEIVE, pair.message.header, 2, 2, port, 0, 0));
	CHECK_EQ(message.header.msgh_id, 31);
	CHECK_EQ(message.header.msgh_local_port, port);
	expect_aux(&aux, 64);
	/* What was sent is as it was. */
	CHECK_EQ(pair.message.header.msgh_remote_port, port);
	CHECK_EQ(pair.aux.header.msgdh_size, 0x55555555);
}
END_TEST

START_TEST(a16_more_than_two_elements)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 0);
	CHECK_CODE(send_count(&pair, 3), MACH_SEND_INVALID_DATA);
	CHECK_CODE(receive_count(&pair, 3, port, 0), MACH_RCV_INVALID_ARGUMENTS);
	/* The larger number of the two is what counts. */
	CHECK_CODE(mach_msg2(pair.vector, SEND | RECEIVE, pair.message.header, 1, 3, port, 0, 0),
		   MACH_SEND_INVALID_DATA);
	expect_nothing(port);
}
END_TEST

START_TEST(a17_no_element)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 0);
	CHECK_CODE(send_count(&pair, 0), MACH_SEND_MSG_TOO_SMALL);
	CHECK_CODE(receive_count(&pair, 0, port, 0), MACH_RCV_INVALID_ARGUMENTS);
	CHECK_CODE(mach_msg2(pair.vector, SEND | RECEIVE, pair.message.header, 0, 2, port, 0, 0),
		   MACH_SEND_MSG_TOO_SMALL);
	expect_nothing(port);
}
END_TEST

START_TEST(an_array_that_is_not_there)
{
	mach_port_t port = flow_port();
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port};

	CHECK_CODE(mach_msg2((void *)16, SEND, header, 1, 0, MACH_PORT_NULL, 0, 0),
		   MACH_SEND_INVALID_DATA);
	CHECK_CODE(mach_msg2((void *)16, RECEIVE, header, 0, 1, port, 0, 0),
		   MACH_RCV_INVALID_ARGUMENTS);
	expect_nothing(port);
}
END_TEST

START_TEST(a14_a_vector_is_for_a_queue)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 16);
	CHECK_CODE(mach_msg2(pair.vector,
			     MACH64_SEND_MSG | MACH64_MSG_VECTOR | MACH64_SEND_KOBJECT_CALL,
			     pair.message.header, 2, 0, MACH_PORT_NULL, 0, 0),
		   MACH_SEND_INVALID_OPTIONS);
	/* Before the array is looked at. */
	CHECK_CODE(mach_msg2(NULL, MACH64_SEND_MSG | MACH64_MSG_VECTOR, pair.message.header, 3, 0,
			     MACH_PORT_NULL, 0, 0),
		   MACH_SEND_INVALID_OPTIONS);
	CHECK_OK(mach_msg2(pair.vector, MACH64_SEND_MSG | MACH64_MSG_VECTOR | MACH64_SEND_ANY,
			   pair.message.header, 2, 0, MACH_PORT_NULL, 0, 0));
}
END_TEST

START_TEST(a19_auxiliary_data_that_cannot_be)
{
	static const struct {
		bool null;
		mach_msg_size_t size;
		mach_msg_return_t code;
	} rows[] = {
		{false, 1, MACH_SEND_AUX_TOO_SMALL},  {false, 4, MACH_SEND_AUX_TOO_SMALL},
		{false, 7, MACH_SEND_AUX_TOO_SMALL},  {false, 1025, MACH_SEND_AUX_TOO_LARGE},
		{true, 16, MACH_SEND_INVALID_DATA},   {true, 4, MACH_SEND_INVALID_DATA},
		{true, 1025, MACH_SEND_INVALID_DATA}, {true, 0, MACH_MSG_SUCCESS},
	};
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, rows[_i].size);
	if (rows[_i].null)
		pair.vector[1].msgv_data = 0;
	CHECK_CODE(send_pair(&pair), rows[_i].code);
	if (rows[_i].code != MACH_MSG_SUCCESS)
		expect_nothing(port);
}
END_TEST

/* The header of what is sent is written anew, so it is not looked for; what is behind it is. */
START_TEST(a18_auxiliary_data_that_cannot_be_read)
{
	enum { PAGE = 4096 };
	static const struct {
		int from; /* of two pages, the first of which is not there */
		mach_msg_size_t size;
		mach_msg_return_t code;
	} rows[] = {
		{0, 16, MACH_SEND_INVALID_DATA},    {0, 8, MACH_MSG_SUCCESS},
		{PAGE - 8, 16, MACH_MSG_SUCCESS},   {PAGE - 12, 16, MACH_SEND_INVALID_DATA},
		{PAGE - 8, 1024, MACH_MSG_SUCCESS},
	};
	mach_port_t port = flow_port();
	uint8_t *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pair pair;
	struct aux sent;

	CHECK(pages != MAP_FAILED && mprotect(pages, PAGE, PROT_NONE) == 0);
	fill(&sent);
	memcpy(pages + PAGE, sent.bytes, sizeof sent.bytes);
	make(&pair, port, rows[_i].size);
	pair.vector[1].msgv_data = address(pages + rows[_i].from);
	CHECK_CODE(send_pair(&pair), rows[_i].code);
	clear(&pair);
	CHECK_CODE(receive_count(&pair, 2, port, 0),
		   rows[_i].code ? MACH_RCV_TIMED_OUT : MACH_MSG_SUCCESS);
	if (rows[_i].code == MACH_MSG_SUCCESS)
		expect_aux(&pair.aux, rows[_i].size);
	munmap(pages, 2 * PAGE);
}
END_TEST

START_TEST(which_error_comes_first)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 4);
	pair.vector[0].msgv_send_size = 20;
	CHECK_CODE(send_pair(&pair), MACH_SEND_MSG_TOO_SMALL);
	pair.vector[0].msgv_data = 0;
	CHECK_CODE(send_pair(&pair), MACH_SEND_INVALID_DATA);
	make(&pair, port, 4);
	pair.vector[0].msgv_send_size = 48u << 20;
	CHECK_CODE(send_pair(&pair), MACH_SEND_TOO_LARGE);
	/* The sizes come before what is in the message. */
	make(&pair, port, 4);
	pair.message.header.msgh_bits = 0;
	CHECK_CODE(send_pair(&pair), MACH_SEND_AUX_TOO_SMALL);
	pair.vector[1].msgv_send_size = 16;
	CHECK_CODE(send_pair(&pair), MACH_SEND_INVALID_HEADER);
	pair.vector[1].msgv_data = 16;
	CHECK_CODE(send_pair(&pair), MACH_SEND_INVALID_DATA);
	expect_nothing(port);
}
END_TEST

START_TEST(a8_descriptors_without_the_complex_bit)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 16);
	pair.message.base.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	pair.message.base.body.msgh_descriptor_count = 1;
	pair.vector[0].msgv_send_size = 40;
	CHECK_CODE(mach_msg2(pair.vector, SEND,
			     (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, 0),
						 .msgh_remote_port = port},
			     2, 0, MACH_PORT_NULL, 0, 0),
		   MACH_SEND_TOO_LARGE);
	expect_nothing(port);
}
END_TEST

START_TEST(a20_what_is_wrong_with_receiving_is_said_after_sending)
{
	static const struct {
		uint32_t count;
		mach_msg_size_t size;
		bool null;
	} rows[] = {{2, 4, false}, {2, 0, false}, {2, 64, true}, {0, 64, false}};
	mach_port_t port = flow_port();
	struct flow_message message;
	struct pair pair;

	make(&pair, port, 0);
	pair.vector[1].msgv_rcv_size = rows[_i].size;
	if (rows[_i].null)
		pair.vector[1].msgv_data = 0;
	CHECK_CODE(mach_msg2(pair.vector, SEND | RECEIVE, pair.message.header, 2, rows[_i].count,
			     port, 0, 0),
		   MACH_RCV_INVALID_ARGUMENTS);
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, 31);
	expect_nothing(port);
	/* A send that fails is all there is to say. */
	CHECK_CODE(mach_msg2(pair.vector, SEND | RECEIVE, (mach_msg_header_t){0}, 2, rows[_i].count,
			     port, 0, 0),
		   MACH_SEND_INVALID_HEADER);
	/* Alone it is said at once, and nothing is received. */
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 32));
	CHECK_CODE(receive_count(&pair, rows[_i].count, port, 0), MACH_RCV_INVALID_ARGUMENTS);
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
}
END_TEST

START_TEST(neither_send_nor_receive)
{
	struct pair pair;

	make(&pair, MACH_PORT_NULL, 4);
	CHECK_OK(mach_msg2(pair.vector, MACH64_MSG_VECTOR, pair.message.header, 2, 2,
			   MACH_PORT_NULL, 0, 0));
	CHECK_CODE(mach_msg2(pair.vector, MACH64_MSG_VECTOR, pair.message.header, 0, 0,
			     MACH_PORT_NULL, 0, 0),
		   MACH_RCV_INVALID_ARGUMENTS);
}
END_TEST

START_TEST(j155_a_plain_receiver_goes_without)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	struct pair pair;

	make(&pair, port, 1024);
	CHECK_OK(send_pair(&pair));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, 31);
}
END_TEST

START_TEST(j157_too_large_for_their_buffer)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 64);
	CHECK_OK(send_pair(&pair));
	clear(&pair);
	pair.vector[1].msgv_rcv_size = 32;
	CHECK_CODE(receive_count(&pair, 2, port, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(pair.message.header.msgh_size, 24);
	CHECK_EQ(pair.message.header.msgh_local_port, port);
	CHECK_EQ(pair.message.header.msgh_id, 0xeeeeeeee);
	CHECK_EQ(pair.aux.header.msgdh_size, 64);
	CHECK_EQ(pair.aux.header.msgdh_reserved, 0xeeeeeeee);
	clear(&pair);
	CHECK_OK(receive_count(&pair, 2, port, 0));
	expect_aux(&pair.aux, 64);
}
END_TEST

START_TEST(too_large_and_destroyed)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 64);
	CHECK_OK(send_pair(&pair));
	clear(&pair);
	pair.vector[1].msgv_rcv_size = 32;
	CHECK_CODE(receive_count(&pair, 2, port, 0), MACH_RCV_TOO_LARGE);
	CHECK_EQ(pair.message.header.msgh_id, 31);
	CHECK_EQ(pair.aux.header.msgdh_size, 8);
	CHECK_EQ(pair.aux.header.msgdh_reserved, 0);
	expect_nothing(port);
	/* Too large a message without any leaves the empty header. */
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 32));
	clear(&pair);
	pair.vector[0].msgv_rcv_size = 24;
	CHECK_CODE(receive_count(&pair, 2, port, 0), MACH_RCV_TOO_LARGE);
	CHECK_EQ(pair.aux.header.msgdh_size, 0);
}
END_TEST

START_TEST(j158_one_element_is_no_room_for_them)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 8);
	CHECK_OK(send_pair(&pair));
	clear(&pair);
	CHECK_CODE(receive_count(&pair, 1, port, MACH_RCV_LARGE), MACH_RCV_TOO_LARGE);
	CHECK_EQ(pair.aux.header.msgdh_size, 0xeeeeeeee);
	clear(&pair);
	CHECK_OK(receive_count(&pair, 2, port, 0));
	make(&pair, port, 0);
	CHECK_OK(send_count(&pair, 1));
	CHECK_OK(receive_count(&pair, 1, port, 0));
}
END_TEST

/* mach_msg with a buffer for receiving, or for vouchers, has 128 bytes for auxiliary data [19]. */
START_TEST(plain_calls_that_are_vectors_inside)
{
	mach_port_t port = flow_port();
	struct flow_message message, other;
	mach_msg_option_t option = MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_LARGE;
	struct pair pair;

	make(&pair, port, 129);
	CHECK_OK(send_pair(&pair));
	CHECK_CODE(mach_msg_overwrite(&message.header, option, 0, sizeof message, port, 0,
				      MACH_PORT_NULL, &other.header, 0),
		   MACH_RCV_TOO_LARGE);
	CHECK_CODE(mach_msg(&message.header, option | MACH_RCV_VOUCHER, 0, sizeof message, port, 0,
			    MACH_PORT_NULL),
		   MACH_RCV_TOO_LARGE);
	CHECK_OK(mach_msg(&message.header, option, 0, sizeof message, port, 0, MACH_PORT_NULL));
	for (int i = 0; i < 2; i++) {
		make(&pair, port, 128);
		CHECK_OK(send_pair(&pair));
	}
	CHECK_OK(mach_msg_overwrite(&message.header, option, 0, sizeof message, port, 0,
				    MACH_PORT_NULL, &other.header, 0));
	CHECK_OK(mach_msg(&message.header, option | MACH_RCV_VOUCHER, 0, sizeof message, port, 0,
			  MACH_PORT_NULL));
}
END_TEST

START_TEST(what_was_not_sent_comes_back)
{
	mach_port_t port = flow_port();
	struct pair pair;

	flow_set_qlimit(port, 1);
	flow_fill(port, 1);
	make(&pair, port, 100);
	CHECK_CODE(send_pair(&pair), MACH_SEND_TIMED_OUT);
	expect_aux(&pair.aux, 100);
	CHECK_EQ(pair.message.header.msgh_remote_port, port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	/* And can be sent as it is. */
	flow_set_qlimit(port, 2);
	CHECK_OK(send_pair(&pair));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

/* The rights come back all the same, and the code says why [10.2]. */
START_TEST(what_was_not_sent_and_cannot_be_written)
{
	mach_port_t port = flow_port();
	struct pair *pair;
	vm_address_t page = 0;

	flow_set_qlimit(port, 1);
	flow_fill(port, 1);
	CHECK_OK(vm_allocate(mach_task_self(), &page, sizeof *pair, VM_FLAGS_ANYWHERE));
	pair = (struct pair *)page;
	make(pair, port, 100);
	CHECK(mprotect(pair, sizeof *pair, PROT_READ) == 0);
	CHECK_CODE(send_pair(pair), MACH_SEND_TIMED_OUT);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	CHECK_CODE(mach_msg(&pair->message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 24, 0,
			    MACH_PORT_NULL, 0, MACH_PORT_NULL),
		   MACH_SEND_TIMED_OUT);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 3);
	CHECK_OK(vm_deallocate(mach_task_self(), page, sizeof *pair));
}
END_TEST

START_TEST(memory_that_cannot_be_written)
{
	mach_port_t port = flow_port();
	struct pair pair;

	for (int i = 0; i < 2; i++) {
		make(&pair, port, i ? 16 : 0);
		CHECK_OK(send_pair(&pair));
		clear(&pair);
		pair.vector[1].msgv_rcv_addr = 16;
		CHECK_CODE(receive_count(&pair, 2, port, 0), MACH_RCV_INVALID_DATA);
		expect_nothing(port);
	}
}
END_TEST

START_TEST(a_large_body_and_memory_go_along)
{
	enum { SIZE = 300000 };
	struct big {
		mach_msg_base_t base;
		mach_msg_ool_descriptor_t memory;
		uint8_t bytes[SIZE];
		mach_msg_max_trailer_t trailer;
	} *big = calloc(2, sizeof *big);
	mach_port_t port = flow_port();
	char text[] = "out of line";
	struct pair pair;

	CHECK(big);
	make(&pair, port, 200);
	big->base.header = pair.message.header;
	big->base.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	big->base.body.msgh_descriptor_count = 1;
	big->memory = (mach_msg_ool_descriptor_t){.address = text,
						  .size = sizeof text,
						  .copy = MACH_MSG_VIRTUAL_COPY,
						  .type = MACH_MSG_OOL_DESCRIPTOR};
	memset(big->bytes, 0x42, SIZE);
	pair.vector[0].msgv_data = address(big);
	pair.vector[0].msgv_send_size = offsetof(struct big, trailer);
	CHECK_OK(mach_msg2(pair.vector, SEND, big->base.header, 2, 0, MACH_PORT_NULL, 0, 0));
	clear(&pair);
	pair.vector[0].msgv_rcv_addr = address(big + 1);
	pair.vector[0].msgv_rcv_size = sizeof *big;
	CHECK_OK(receive_count(&pair, 2, port, 0));
	expect_aux(&pair.aux, 200);
	CHECK(strcmp(big[1].memory.address, text) == 0);
	CHECK(memcmp(big[1].bytes, big->bytes, SIZE) == 0);
	mach_msg_destroy(&big[1].base.header);
	free(big);
}
END_TEST

/* With or without vectors, mach_msg2 has it there and not in the priority [9.1]. */
START_TEST(the_port_waited_for_is_in_the_header)
{
	static const uint64_t options[] = {MACH64_RCV_MSG | MACH_RCV_TIMEOUT, RECEIVE};
	mach_port_t service = flow_port(), reply = thread_get_special_reply_port();
	mach_msg_header_t header = {.msgh_remote_port = service};
	bool vector = options[_i] & MACH64_MSG_VECTOR;
	uint64_t option = options[_i] | MACH_RCV_SYNC_WAIT;
	struct pair pair;
	void *data = vector ? (void *)pair.vector : &pair.message;
	mach_msg_size_t size = vector ? 2 : sizeof pair.message;

	clear(&pair);
	CHECK_CODE(mach_msg2(data, option, header, 0, size, reply, 0, MACH_PORT_DEAD),
		   MACH_RCV_TIMED_OUT);
	header.msgh_remote_port = MACH_PORT_DEAD;
	CHECK_CODE(mach_msg2(data, option, header, 0, size, reply, 0, service),
		   MACH_RCV_INVALID_NOTIFY);
}
END_TEST

/* The library's own option is none of a program's. */
START_TEST(other_options_are_masked)
{
	mach_port_t port = flow_port();
	struct pair pair;

	make(&pair, port, 64);
	CHECK_OK(send_pair(&pair));
	clear(&pair);
	CHECK_OK(receive_count(&pair, 2, port, 0xf000000000000000ull));
	expect_aux(&pair.aux, 64);
}
END_TEST

static void echo(void *unused)
{
	struct pair pair;
	mach_port_t port;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, "aux.echo", &port));
	make(&pair, port, 512);
	CHECK_OK(send_pair(&pair));
}

START_TEST(from_one_process_to_another)
{
	struct flow_child child;
	struct pair pair;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, "aux.echo", &port));
	flow_fork(&child, echo, NULL);
	clear(&pair);
	CHECK_OK(mach_msg2(pair.vector, MACH64_RCV_MSG | MACH64_MSG_VECTOR, (mach_msg_header_t){0},
			   0, 2, port, 0, 0));
	expect_aux(&pair.aux, 512);
	flow_join(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vectors");
	TCase *tests = flow_case(suite, "vectors");

	tcase_add_loop_test(tests, auxiliary_data_arrive_beside_the_message, 0, 4);
	tcase_add_test(tests, a_buffer_for_them_gets_a_header_at_least);
	tcase_add_test(tests, j152_addresses_of_their_own);
	tcase_add_test(tests, a16_more_than_two_elements);
	tcase_add_test(tests, a17_no_element);
	tcase_add_test(tests, an_array_that_is_not_there);
	tcase_add_test(tests, a14_a_vector_is_for_a_queue);
	tcase_add_loop_test(tests, a19_auxiliary_data_that_cannot_be, 0, 8);
	tcase_add_loop_test(tests, a18_auxiliary_data_that_cannot_be_read, 0, 5);
	tcase_add_test(tests, which_error_comes_first);
	tcase_add_test(tests, a8_descriptors_without_the_complex_bit);
	tcase_add_loop_test(tests, a20_what_is_wrong_with_receiving_is_said_after_sending, 0, 4);
	tcase_add_test(tests, neither_send_nor_receive);
	tcase_add_test(tests, j155_a_plain_receiver_goes_without);
	tcase_add_test(tests, j157_too_large_for_their_buffer);
	tcase_add_test(tests, too_large_and_destroyed);
	tcase_add_test(tests, j158_one_element_is_no_room_for_them);
	tcase_add_test(tests, plain_calls_that_are_vectors_inside);
	tcase_add_test(tests, what_was_not_sent_comes_back);
	tcase_add_test(tests, what_was_not_sent_and_cannot_be_written);
	tcase_add_test(tests, memory_that_cannot_be_written);
	tcase_add_test(tests, a_large_body_and_memory_go_along);
	tcase_add_loop_test(tests, the_port_waited_for_is_in_the_header, 0, 2);
	tcase_add_test(tests, other_options_are_masked);
	tcase_add_test(tests, from_one_process_to_another);
	return flow_run(suite);
}
