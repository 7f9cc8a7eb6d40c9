/* SPDX-License-Identifier: Apache-2.0 */
/* What a buffer of each size gets of a message that does not fit, byte by byte [9.3]. */
#include <string.h>

#include "tests/flow/flow.h"

#define SIZE	100
#define ID	777
#define PATTERN 0xaaaaaaaa

/* A buffer, and what may not be written behind it. */
union buffer {
	mach_msg_header_t header;
	uint32_t words[64];
	uint8_t bytes[256];
};

static mach_port_t port, reply;

static mach_msg_return_t receive(union buffer *buffer, unsigned size, mach_msg_option_t option)
{
	struct flow_message message;

	memset(message.bytes, 0, SIZE);
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
		    ID);
	message.header.msgh_size = SIZE;
	CHECK_OK(flow_send(&message));
	memset(buffer, 0xaa, sizeof *buffer);
	return mach_msg(&buffer->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0, size, port, 0,
			MACH_PORT_NULL);
}

/* From `from` on nothing was written. */
static void untouched(const union buffer *buffer, unsigned from)
{
	for (unsigned i = from; i < sizeof *buffer; i++)
		CHECK_EQ(buffer->bytes[i], 0xaa);
}

/* The message stays: its size is told, and the port's name to who asked, where there is room. */
static void kept(unsigned size, bool identity)
{
	unsigned seqno = flow_status(port).mps_seqno;
	struct flow_message message;
	union buffer buffer;

	CHECK_CODE(
		receive(&buffer, size, MACH_RCV_LARGE | (identity ? MACH_RCV_LARGE_IDENTITY : 0)),
		MACH_RCV_TOO_LARGE);
	CHECK_EQ(flow_status(port).mps_seqno, seqno);
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
	CHECK_EQ(buffer.words[0], PATTERN);
	CHECK_EQ(buffer.words[1], size >= 8 ? SIZE : PATTERN);
	CHECK_EQ(buffer.words[2], PATTERN);
	CHECK_EQ(buffer.words[3], identity && size >= 16 ? port : PATTERN);
	untouched(&buffer, 16);
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(mach_port_deallocate(mach_task_self(), message.header.msgh_remote_port));
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}

/* The message goes: a header is told with as much of the trailer as there is room for. */
static void destroyed(unsigned size)
{
	unsigned seqno = flow_status(port).mps_seqno, end = size < 36 ? size : 36;
	union buffer buffer, whole;

	memset(&whole, 0xaa, sizeof whole);
	whole.header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(SEND_ONCE, MACH_MSG_TYPE_PORT_SEND),
		.msgh_size = sizeof(mach_msg_header_t),
		.msgh_local_port = port,
		.msgh_id = ID,
	};
	whole.words[6] = MACH_MSG_TRAILER_FORMAT_0;
	whole.words[7] = sizeof(mach_msg_seqno_trailer_t);
	whole.words[8] = seqno;
	CHECK_CODE(receive(&buffer, size, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO)),
		   size < sizeof(mach_msg_header_t) ? MACH_RCV_INVALID_DATA : MACH_RCV_TOO_LARGE);
	if (size < sizeof(mach_msg_header_t))
		end = 0;
	CHECK(memcmp(&buffer, &whole, end) == 0);
	untouched(&buffer, end);
	CHECK_EQ(flow_status(port).mps_seqno, seqno + 1);
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}

START_TEST(a_buffer_of_each_size)
{
	unsigned enough = SIZE + sizeof(mach_msg_trailer_t);
	union buffer buffer;

	port = flow_port();
	reply = flow_receive_right();
	for (unsigned size = 0; size < enough; size++) {
		kept(size, false);
		kept(size, true);
		destroyed(size);
	}
	CHECK_OK(receive(&buffer, enough, 0));
	CHECK_EQ(buffer.header.msgh_size, SIZE);
	untouched(&buffer, enough);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract, buffers");
	TCase *tests = flow_case(suite, "buffers");

	tcase_add_test(tests, a_buffer_of_each_size);
	return flow_run(suite);
}
