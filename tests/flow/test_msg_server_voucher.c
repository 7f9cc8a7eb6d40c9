/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg_server in a program that keeps a current voucher: each request is handled under its own
 * [19]. In one that does not, no voucher comes (tests/flow/test_voucher.c).
 */
#include <mach/mach_voucher.h>
#include <mach/mig_errors.h>

#include "tests/flow/flow.h"

#define MAX_SIZE 256

static mach_voucher_t current; /* the program's, with a reference */
static unsigned reverted;
static mach_voucher_t handled_under[4];
static unsigned handled;

voucher_mach_msg_state_t voucher_mach_msg_adopt(mach_msg_header_t *msg)
{
	CHECK_EQ(current, MACH_VOUCHER_NULL);
	if (MACH_MSGH_BITS_VOUCHER(msg->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND) {
		current = msg->msgh_voucher_port;
		msg->msgh_voucher_port = MACH_VOUCHER_NULL;
		msg->msgh_bits &= ~MACH_MSGH_BITS_VOUCHER_MASK;
	}
	return VOUCHER_MACH_MSG_STATE_UNCHANGED;
}

void voucher_mach_msg_revert(voucher_mach_msg_state_t state)
{
	CHECK(state == VOUCHER_MACH_MSG_STATE_UNCHANGED);
	CHECK_OK(mach_voucher_deallocate(current));
	current = MACH_VOUCHER_NULL;
	reverted++;
}

static boolean_t demux(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	handled_under[handled++] = current;
	CHECK_EQ(request->msgh_voucher_port, MACH_VOUCHER_NULL);
	*reply = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0),
		.msgh_size = sizeof *reply,
		.msgh_remote_port = request->msgh_remote_port,
	};
	return TRUE;
}

static mach_voucher_t make_voucher(char content)
{
	union {
		mach_voucher_attr_recipe_data_t head;
		uint8_t bytes[sizeof(mach_voucher_attr_recipe_data_t) + 1];
	} recipe = {{.key = MACH_VOUCHER_ATTR_KEY_USER_DATA,
		     .command = MACH_VOUCHER_ATTR_USER_DATA_STORE,
		     .content_size = 1}};
	mach_voucher_t voucher;

	recipe.bytes[sizeof recipe.head] = (uint8_t)content;
	CHECK_OK(host_create_mach_voucher(mach_host_self(), recipe.bytes, sizeof recipe, &voucher));
	return voucher;
}

static void request(mach_port_t port, mach_port_t reply, mach_voucher_t voucher)
{
	struct flow_message message;

	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
		    1);
	if (voucher != MACH_VOUCHER_NULL) {
		message.header.msgh_bits |= MACH_MSG_TYPE_COPY_SEND << 16;
		message.header.msgh_voucher_port = voucher;
	}
	CHECK_OK(flow_send(&message));
}

START_TEST(each_request_comes_with_its_voucher)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	mach_voucher_t a = make_voucher('a'), b = make_voucher('b');
	struct flow_message message;

	request(port, reply, a);
	request(port, reply, MACH_VOUCHER_NULL);
	request(port, reply, b);
	request(port, reply, a);
	CHECK_CODE(mach_msg_server(demux, MAX_SIZE, port, MACH_RCV_TIMEOUT), MACH_RCV_TIMED_OUT);
	CHECK_EQ(handled, 4);
	CHECK_EQ(reverted, 4);
	CHECK_EQ(handled_under[0], a);
	CHECK_EQ(handled_under[1], MACH_VOUCHER_NULL);
	CHECK_EQ(handled_under[2], b);
	CHECK_EQ(handled_under[3], a);
	for (unsigned i = 0; i < handled; i++)
		CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(flow_refs(a, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_refs(b, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(a_single_request_too)
{
	mach_port_t port = flow_port();
	mach_voucher_t voucher = make_voucher('a');

	request(port, MACH_PORT_NULL, voucher);
	CHECK_OK(mach_msg_server_once(demux, MAX_SIZE, port, 0));
	CHECK_EQ(handled_under[0], voucher);
	CHECK_EQ(flow_refs(voucher, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msg_server_voucher");
	TCase *tests = flow_case(suite, "adopted");

	tcase_add_test(tests, each_request_comes_with_its_voucher);
	tcase_add_test(tests, a_single_request_too);
	return flow_run(suite);
}
