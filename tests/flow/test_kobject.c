/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on the daemon's ports as messages, packed by hand as the stubs of MIG do it [29, 20, 24]:
 * one routine of each shape against the functions of the library, and every routine with requests
 * that make no sense.
 */
#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <mach/std_types.h>
#include <mach_debug/mach_debug_types.h>
#include <servers/bootstrap.h>
#include <string.h>

#include "protocol/ops.h"
#include "tests/flow/flow.h"

#define SELF mach_task_self()

/* A request or a reply of any shape. */
union call {
	mach_msg_header_t head;
	mig_reply_error_t error;
	struct {
		mach_msg_header_t head;
		NDR_record_t NDR;
		uint32_t word[32];
	} in;
	struct {
		mach_msg_header_t head;
		NDR_record_t NDR;
		kern_return_t RetCode;
		uint32_t word[32];
	} out;
	struct {
		mach_msg_header_t head;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
		NDR_record_t NDR;
		uint32_t word[32];
	} port;
#pragma pack(push, 4)
	struct {
		mach_msg_header_t head;
		mach_msg_body_t body;
		mach_msg_ool_descriptor_t memory;
		NDR_record_t NDR;
		uint32_t word[32];
	} memory;
	struct {
		mach_msg_header_t head;
		mach_msg_body_t body;
		mach_msg_ool_descriptor_t names, types;
		NDR_record_t NDR;
		uint32_t count[2];
	} names;
	struct {
		mach_msg_header_t head;
		mach_msg_body_t body;
		mach_msg_ool_ports_descriptor_t ports;
		NDR_record_t NDR;
		uint32_t count;
	} ports;
#pragma pack(pop)
	uint8_t bytes[4096];
};

/* Send the request in `call` and receive the reply into it. The first codes are mach_msg's. */
static mach_msg_return_t rpc(union call *call, mach_port_t dest, int32_t id, size_t size)
{
	mach_port_t reply = mig_get_reply_port();

	call->head.msgh_bits |=
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	call->head.msgh_remote_port = dest;
	call->head.msgh_local_port = reply;
	call->head.msgh_id = id;
	return mach_msg(&call->head, MACH_SEND_MSG | MACH_RCV_MSG, (mach_msg_size_t)size,
			sizeof *call, reply, 0, MACH_PORT_NULL);
}

/* The reply's code; one without a code has descriptors and is good. */
static kern_return_t code_of(const union call *call, int32_t id)
{
	CHECK_EQ(call->head.msgh_id, id + 100);
	CHECK_EQ(call->head.msgh_remote_port, MACH_PORT_NULL);
	if (call->head.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		return KERN_SUCCESS;
	CHECK(memcmp(&call->error.NDR, &NDR_record, sizeof NDR_record) == 0);
	if (call->error.RetCode != KERN_SUCCESS)
		CHECK_EQ(call->head.msgh_size, sizeof(mig_reply_error_t));
	return call->error.RetCode;
}

/* A call with `count` words and nothing else. */
static kern_return_t simple(union call *call, mach_port_t dest, int32_t id, unsigned count,
			    const uint32_t *words)
{
	size_t size = sizeof call->head;

	memset(call, 0, sizeof *call);
	call->in.NDR = NDR_record;
	if (count) {
		size = offsetof(union call, in.word[count]);
		memcpy(call->in.word, words, count * sizeof *words);
	}
	CHECK_OK(rpc(call, dest, id, size));
	return code_of(call, id);
}

#define WORDS(...)                                                                 \
	(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)), (const uint32_t[]) \
	{                                                                          \
		__VA_ARGS__                                                        \
	}

START_TEST(numbers_go_in_and_come_out)
{
	union call call;
	mach_port_t port;

	CHECK_OK(simple(&call, SELF, 3204, WORDS(MACH_PORT_RIGHT_RECEIVE)));
	CHECK_EQ(call.head.msgh_size, 40);
	port = call.out.word[0];
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(simple(&call, SELF, 3229, WORDS(port, 5, 6)));
	CHECK_OK(simple(&call, SELF, 3228, WORDS(port)));
	CHECK_EQ(call.out.word[0], 5);
	CHECK_EQ(call.out.word[1], 6);
	CHECK_OK(simple(&call, SELF, 3205, WORDS(port)));
	CHECK_EQ(flow_type(port), 0);
	CHECK_CODE(simple(&call, SELF, 3205, WORDS(port)), KERN_INVALID_NAME);
}
END_TEST

START_TEST(arrays_go_in_and_come_out)
{
	mach_port_t port = flow_port();
	union call call;

	CHECK_OK(simple(&call, SELF, 3218, WORDS(port, MACH_PORT_LIMITS_INFO, 1, 33)));
	CHECK_EQ(flow_status(port).mps_qlimit, 33);
	CHECK_OK(simple(&call, SELF, 3217,
			WORDS(port, MACH_PORT_RECEIVE_STATUS, MACH_PORT_RECEIVE_STATUS_COUNT)));
	CHECK_EQ(call.head.msgh_size, 40 + 40);
	CHECK_EQ(call.out.word[0], MACH_PORT_RECEIVE_STATUS_COUNT);
	CHECK_EQ(call.out.word[4], 33);
}
END_TEST

START_TEST(rights_go_in_and_come_out)
{
	mach_port_t port = flow_port(), name = 800 << 8 | 3;
	union call call = {.port = {.body = {1},
				    .port = {.name = port,
					     .disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE,
					     .type = MACH_MSG_PORT_DESCRIPTOR},
				    .NDR = NDR_record,
				    .word = {name}}};

	call.head.msgh_bits = MACH_MSGH_BITS_COMPLEX;
	CHECK_OK(rpc(&call, SELF, 3214, offsetof(union call, port.word[1])));
	CHECK_OK(code_of(&call, 3214));
	CHECK_EQ(flow_type(name), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(simple(&call, SELF, 3215, WORDS(name, MACH_MSG_TYPE_MOVE_SEND_ONCE)));
	CHECK_EQ(call.head.msgh_size, 40);
	CHECK_EQ(call.port.port.disposition, MACH_MSG_TYPE_PORT_SEND_ONCE);
	CHECK_EQ(flow_type(name), 0);
	CHECK_EQ(flow_type(call.port.port.name), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(simple(&call, SELF, 3409, WORDS(TASK_BOOTSTRAP_PORT)));
	CHECK_EQ(call.port.port.name, bootstrap_port);
}
END_TEST

START_TEST(memory_goes_in_and_comes_out)
{
	mach_port_options_t options = {.flags = MPO_QLIMIT, .mpl = {.mpl_qlimit = 3}};
	union call call = {.memory = {.body = {1},
				      .memory = {.address = &options,
						 .size = sizeof options,
						 .copy = MACH_MSG_VIRTUAL_COPY,
						 .type = MACH_MSG_OOL_DESCRIPTOR},
				      .NDR = NDR_record}};
	mach_port_name_array_t names;
	mach_port_t port;
	bool found = false;

	call.head.msgh_bits = MACH_MSGH_BITS_COMPLEX;
	CHECK_OK(rpc(&call, SELF, 3231, offsetof(union call, memory.word[2])));
	CHECK_OK(code_of(&call, 3231));
	port = call.out.word[0];
	CHECK_EQ(flow_status(port).mps_qlimit, 3);
	CHECK_OK(simple(&call, SELF, 3200, 0, NULL));
	names = call.names.names.address;
	CHECK_EQ(call.names.names.size, call.names.count[0] * sizeof *names);
	CHECK_EQ(call.names.types.size, call.names.count[1] * sizeof *names);
	for (unsigned i = 0; i < call.names.count[0]; i++)
		found |= names[i] == port;
	CHECK(found);
	mach_msg_destroy(&call.head);
}
END_TEST

START_TEST(arrays_of_rights_go_in_and_come_out)
{
	mach_port_t port = flow_port(), ports[] = {port, MACH_PORT_NULL, port}, *came;
	union call call = {.ports = {.body = {1},
				     .ports = {.address = ports,
					       .count = 3,
					       .disposition = MACH_MSG_TYPE_COPY_SEND,
					       .type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
				     .NDR = NDR_record,
				     .count = 3}};

	call.head.msgh_bits = MACH_MSGH_BITS_COMPLEX;
	CHECK_OK(rpc(&call, SELF, 3403, offsetof(union call, ports.count) + 4));
	CHECK_OK(code_of(&call, 3403));
	CHECK_OK(simple(&call, SELF, 3404, 0, NULL));
	CHECK_EQ(call.ports.ports.count, 3);
	CHECK_EQ(call.ports.count, 3);
	came = call.ports.ports.address;
	CHECK(memcmp(came, ports, sizeof ports) == 0);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 3);
}
END_TEST

START_TEST(services_are_found_by_message)
{
	union call call = {.in = {.NDR = NDR_record}};
	const char *name = "org.example.by-message";
	mach_port_t service;

	CHECK_OK(bootstrap_check_in(bootstrap_port, name, &service));
	strcpy((char *)call.in.word, name);
	CHECK_OK(rpc(&call, bootstrap_port, 404, offsetof(union call, in.word[32])));
	CHECK_OK(code_of(&call, 404));
	CHECK_EQ(call.port.port.name, service);
	CHECK_EQ(flow_type(service), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

/* --- another task --- */

static void offer_task(void *argument)
{
	mach_port_t port = flow_receive_right();

	(void)argument;
	CHECK_OK(bootstrap_register(bootstrap_port, "org.example.task", SELF));
	flow_tell_parent(port);
	flow_hear_parent();
	CHECK_EQ(flow_type(port), 0); /* the parent has destroyed it */
}

START_TEST(a_task_right_is_a_right_to_that_space_only)
{
	struct flow_child child;
	mach_port_t task, port, mine = flow_receive_right();
	union call call;

	flow_fork(&child, offer_task, NULL);
	port = flow_hear(&child);
	CHECK_OK(bootstrap_look_up(bootstrap_port, "org.example.task", &task));
	CHECK_OK(simple(&call, task, 3201, WORDS(port)));
	CHECK_EQ(call.out.word[0], MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(simple(&call, task, 3205, WORDS(port)));
	flow_tell(&child, 1);
	flow_join(&child);
	flow_await_gone(child.pid);
	memset(&call, 0, sizeof call);
	CHECK_CODE(rpc(&call, task, 3205, 36), MACH_SEND_INVALID_DEST);
	/* A port that is no task stands for no space. */
	CHECK_CODE(simple(&call, mach_host_self(), 3205, WORDS(mine)), KERN_INVALID_TASK);
	CHECK_EQ(flow_type(mine), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

/* --- mach_msg2 --- */

static mach_msg_return_t call_by(mach_port_t dest, uint64_t kind, union call *call)
{
	mach_port_t reply = mig_get_reply_port();
	mach_msg_return_t code;
	mach_msg_header_t header = {
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		.msgh_remote_port = dest,
		.msgh_local_port = reply,
		.msgh_id = 3201};

	memset(call, 0, sizeof *call);
	call->in.NDR = NDR_record;
	call->in.word[0] = MACH_PORT_DEAD;
	code = mach_msg2(call, MACH_SEND_MSG | MACH_RCV_MSG | kind, header, 36, sizeof *call, reply,
			 0, 0);
	if (code != MACH_MSG_SUCCESS) /* the reply right is lost, and its port was told */
		mig_dealloc_reply_port(reply);
	return code;
}

START_TEST(stubs_call_with_mach_msg2)
{
	mach_port_t port = flow_port();
	union call call;

	CHECK_OK(call_by(SELF, MACH64_SEND_KOBJECT_CALL, &call));
	CHECK_OK(code_of(&call, 3201));
	CHECK_EQ(call.out.word[0], MACH_PORT_TYPE_DEAD_NAME);
	CHECK_CODE(call_by(SELF, MACH64_SEND_MQ_CALL, &call), MACH_SEND_INVALID_OPTIONS);
	/* case 130: a queue is no object of the daemon's. */
	CHECK_CODE(call_by(port, MACH64_SEND_KOBJECT_CALL, &call), MACH_SEND_INVALID_OPTIONS);
	/* case 323: an id that no routine has. */
	CHECK_CODE(simple(&call, SELF, 99999, 0, NULL), MIG_BAD_ID);
	CHECK_EQ(call.head.msgh_size, 36);
}
END_TEST

START_TEST(c325_a_reply_finds_room_by_a_send_once_right)
{
	mach_port_t reply = flow_port();
	struct flow_message message;

	flow_set_qlimit(reply, 1);
	flow_fill(reply, 1);
	CHECK_OK(flow_send_to(SELF, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
			      99999));
	/* By a send right it does not: it is lost. */
	CHECK_OK(
		flow_send_to(SELF, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_COPY_SEND, 88888));
	CHECK_OK(flow_receive(reply, &message));
	CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(message.header.msgh_id, 99999 + 100);
	CHECK_CODE(flow_receive(reply, &message), MACH_RCV_TIMED_OUT);
	CHECK_EQ(flow_refs(reply, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

/* --- every routine --- */

static unsigned count_names(void)
{
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count, type_count;

	CHECK_OK(mach_port_names(SELF, &names, &count, &types, &type_count));
	vm_deallocate(SELF, (uintptr_t)names, count * sizeof *names);
	vm_deallocate(SELF, (uintptr_t)types, count * sizeof *types);
	return count;
}

/* Sizes that no request has: half a word of NDR, nothing behind it, far too much. */
static const uint32_t wrong_sizes[] = {28, 32, 4000};

static void expect_nonsense(const struct machd_routine_row *row, uint32_t size, bool complex)
{
	mach_port_t dest = row->object == MACHD_OBJECT_BOOTSTRAP ? bootstrap_port : SELF;
	kern_return_t wanted = row->object == MACHD_OBJECT_TRAP ? MIG_BAD_ID : MIG_BAD_ARGUMENTS;
	union call call = {.head = {.msgh_bits = complex ? MACH_MSGH_BITS_COMPLEX : 0}};

	CHECK_OK(rpc(&call, dest, (int32_t)row->number, size));
	CHECK_CODE(code_of(&call, (int32_t)row->number), wanted);
}

START_TEST(nonsense_is_refused_by_every_routine)
{
	unsigned before;

	mig_get_reply_port();
	before = count_names();
	for (unsigned i = 0; i < machd_routine_count; i++)
		for (unsigned k = 0; k < sizeof wrong_sizes / sizeof *wrong_sizes; k++) {
			expect_nonsense(&machd_routines[i], wrong_sizes[k], false);
			expect_nonsense(&machd_routines[i], wrong_sizes[k], true);
		}
	CHECK_EQ(count_names(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kobject");
	TCase *tests = flow_case(suite, "calls by message");

	tcase_add_test(tests, numbers_go_in_and_come_out);
	tcase_add_test(tests, arrays_go_in_and_come_out);
	tcase_add_test(tests, rights_go_in_and_come_out);
	tcase_add_test(tests, memory_goes_in_and_comes_out);
	tcase_add_test(tests, arrays_of_rights_go_in_and_come_out);
	tcase_add_test(tests, services_are_found_by_message);
	tcase_add_test(tests, a_task_right_is_a_right_to_that_space_only);
	tcase_add_test(tests, stubs_call_with_mach_msg2);
	tcase_add_test(tests, c325_a_reply_finds_room_by_a_send_once_right);
	tcase_add_test(tests, nonsense_is_refused_by_every_routine);
	return flow_run(suite);
}
