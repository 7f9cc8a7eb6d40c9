/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg2: the header comes by value, and a send names the kind of its destination. What it costs
 * when it does not is shown here; all else is as with mach_msg.
 */
#include <string.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define NOW	  (MACH64_SEND_MSG | MACH_SEND_TIMEOUT)

struct buffer {
	mach_msg_base_t base;
	mach_msg_port_descriptor_t port;
	char text[64];
	mach_msg_max_trailer_t trailer;
};

static mach_msg_header_t header_to(mach_port_t port, mach_port_t reply)
{
	return (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, reply ? MAKE_ONCE : 0),
				   .msgh_remote_port = port,
				   .msgh_local_port = reply,
				   .msgh_id = 77};
}

static mach_msg_return_t send2(struct buffer *buffer, mach_msg_header_t header, uint64_t option,
			       mach_msg_size_t size)
{
	return mach_msg2(buffer, NOW | option, header, size, 0, MACH_PORT_NULL, 0, 0);
}

static void expect_nothing(mach_port_t port)
{
	struct flow_message message;

	CHECK_CODE(flow_receive(port, &message), MACH_RCV_TIMED_OUT);
}

START_TEST(the_header_is_the_argument_and_not_the_buffer)
{
	mach_port_t port = flow_port(), other = flow_port();
	const char text[20] = "what comes behind";
	struct buffer buffer, got;

	memset(&buffer, 0x55, sizeof buffer);
	buffer.base.header = header_to(other, MACH_PORT_NULL);
	memcpy((char *)&buffer + 24, text, sizeof text);
	CHECK_OK(send2(&buffer, header_to(port, MACH_PORT_NULL), MACH64_SEND_MQ_CALL, 44));
	expect_nothing(other);
	CHECK_OK(
		mach_msg2(&got, MACH64_RCV_MSG, (mach_msg_header_t){0}, 0, sizeof got, port, 0, 0));
	CHECK_EQ(got.base.header.msgh_size, 44);
	CHECK_EQ(got.base.header.msgh_id, 77);
	CHECK_EQ(got.base.header.msgh_local_port, port);
	CHECK(memcmp((char *)&got + 24, text, sizeof text) == 0);
}
END_TEST

START_TEST(a_call_is_one_call)
{
	mach_port_t port = flow_port();
	struct buffer buffer = {.text = ""};

	CHECK_OK(mach_msg2(&buffer, MACH64_SEND_MSG | MACH64_RCV_MSG | MACH64_SEND_MQ_CALL,
			   header_to(port, MACH_PORT_NULL), 24, sizeof buffer, port, 0, 0));
	CHECK_EQ(buffer.base.header.msgh_id, 77);
}
END_TEST

START_TEST(a14_a_send_names_one_kind_of_destination)
{
	static const uint64_t bad[] = {0, MACH64_SEND_ANY | MACH64_SEND_MQ_CALL,
				       MACH64_SEND_KOBJECT_CALL | MACH64_SEND_MQ_CALL,
				       MACH64_SEND_ANY | MACH64_SEND_DK_CALL};
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct buffer buffer = {.text = ""};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_CODE(send2(&buffer, header_to(port, reply), bad[i], 24),
			   MACH_SEND_INVALID_OPTIONS);
		CHECK_CODE(send2(&buffer, header_to(port, reply), bad[i], 20),
			   MACH_SEND_INVALID_OPTIONS);
	}
	expect_nothing(reply);
	expect_nothing(port);
	CHECK_CODE(send2(&buffer, header_to(port, reply), MACH64_SEND_ANY, 20),
		   MACH_SEND_MSG_TOO_SMALL);
}
END_TEST

START_TEST(h130_a_queue_is_no_kernel_object)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct buffer buffer = {.text = ""};

	CHECK_CODE(send2(&buffer, header_to(port, reply), MACH64_SEND_KOBJECT_CALL, 24),
		   MACH_SEND_INVALID_OPTIONS);
	expect_nothing(port);
	/* The header's rights had been taken: the reply right is lost. */
	CHECK_EQ(flow_notified(reply, MACH_NOTIFY_SEND_ONCE), 0);
}
END_TEST

START_TEST(a8_descriptors_without_the_complex_bit_are_too_many)
{
	mach_port_t port = flow_port();
	struct buffer buffer = {.text = ""};

	buffer.base.header.msgh_bits = MACH_MSGH_BITS_COMPLEX;
	buffer.base.body.msgh_descriptor_count = 1;
	buffer.port = (mach_msg_port_descriptor_t){.name = port, .disposition = COPY};
	CHECK_CODE(send2(&buffer, header_to(port, MACH_PORT_NULL), MACH64_SEND_MQ_CALL, 40),
		   MACH_SEND_TOO_LARGE);
	expect_nothing(port);
}
END_TEST

START_TEST(rights_and_memory_travel_as_with_mach_msg)
{
	mach_port_t port = flow_port();
	struct {
		mach_msg_base_t base;
		mach_msg_ool_descriptor_t memory;
		mach_msg_max_trailer_t trailer;
	} message = {.base = {.body = {1}}};
	mach_msg_header_t header = header_to(port, MACH_PORT_NULL);
	char text[] = "out of line";

	header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	message.memory = (mach_msg_ool_descriptor_t){.address = text,
						     .size = sizeof text,
						     .copy = MACH_MSG_VIRTUAL_COPY,
						     .type = MACH_MSG_OOL_DESCRIPTOR};
	CHECK_OK(mach_msg2(&message, NOW | MACH64_SEND_MQ_CALL, header, 44, 0, MACH_PORT_NULL, 0,
			   0));
	memset(text, 0, sizeof text);
	CHECK_OK(mach_msg2(&message, MACH64_RCV_MSG, header, 0, sizeof message, port, 0, 0));
	CHECK(strcmp(message.memory.address, "out of line") == 0);
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)message.memory.address,
			       message.memory.size));
}
END_TEST

START_TEST(what_cannot_be_read_is_invalid_data)
{
	mach_port_t port = flow_port();

	CHECK_CODE(mach_msg2((void *)16, NOW | MACH64_SEND_MQ_CALL, header_to(port, 0), 40, 0,
			     MACH_PORT_NULL, 0, 0),
		   MACH_SEND_INVALID_DATA);
	expect_nothing(port);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msg2");
	TCase *tests = flow_case(suite, "mach_msg2");

	tcase_add_test(tests, the_header_is_the_argument_and_not_the_buffer);
	tcase_add_test(tests, a_call_is_one_call);
	tcase_add_test(tests, a14_a_send_names_one_kind_of_destination);
	tcase_add_test(tests, h130_a_queue_is_no_kernel_object);
	tcase_add_test(tests, a8_descriptors_without_the_complex_bit_are_too_many);
	tcase_add_test(tests, rights_and_memory_travel_as_with_mach_msg);
	tcase_add_test(tests, what_cannot_be_read_is_invalid_data);
	return flow_run(suite);
}
