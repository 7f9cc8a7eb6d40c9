/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests by message, as MIG's stubs send them, whose answers are long, or are found out by the
 * daemon: the table of names in one reply, and what a process uses [20, 24, 29].
 */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/ndr.h>
#include <mach/task.h>
#include <mach/task_info.h>
#include <mach/vm_map.h>
#include <string.h>

#include "tests/flow/flow.h"

#define SELF	   mach_task_self()
#define SPACE_INFO 3223
#define TASK_INFO  3405
#define FAR	   (9000u << 8 | 3) /* a name that makes the table larger than one answer */

struct table_reply {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t table, tree;
	NDR_record_t ndr;
	ipc_info_space_t info;
	mach_msg_type_number_t count, tree_count;
	mach_msg_max_trailer_t trailer;
};

/* A request that is in the buffer becomes its reply. */
static void call(mach_msg_header_t *header, mach_msg_size_t size, mach_msg_size_t room, int32_t id)
{
	header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	header->msgh_remote_port = SELF;
	header->msgh_local_port = mig_get_reply_port();
	header->msgh_id = id;
	CHECK_OK(mach_msg(header, MACH_SEND_MSG | MACH_RCV_MSG, size, room, header->msgh_local_port,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	CHECK_EQ(header->msgh_id, id + 100);
}

START_TEST(a_table_of_any_length_comes_in_one_reply)
{
	struct table_reply reply;
	ipc_info_space_t info;
	ipc_info_name_array_t table;
	ipc_info_tree_name_array_t tree;
	mach_msg_type_number_t count, tree_count;

	CHECK_OK(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, FAR));
	mig_get_reply_port();
	CHECK_OK(mach_port_space_info(SELF, &info, &table, &count, &tree, &tree_count));
	CHECK(count > FAR >> 8);
	call(&reply.header, sizeof reply.header, sizeof reply, SPACE_INFO);
	CHECK_EQ(reply.header.msgh_bits & MACH_MSGH_BITS_COMPLEX, MACH_MSGH_BITS_COMPLEX);
	CHECK_EQ(reply.body.msgh_descriptor_count, 2);
	CHECK_EQ(reply.info.iis_table_size, count);
	CHECK_EQ(reply.count, count);
	CHECK_EQ(reply.table.size, count * sizeof *table);
	/* All but what has changed between the two: the right to reply was made, and is gone. */
	for (mach_msg_type_number_t i = 1; i < count; i++)
		CHECK_EQ(((ipc_info_name_t *)reply.table.address)[i].iin_name >> 8,
			 table[i].iin_name >> 8);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)reply.table.address, reply.table.size));
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)table, count * sizeof *table));
}
END_TEST

START_TEST(what_a_process_uses_is_said_by_message)
{
	struct {
		mach_msg_header_t header;
		NDR_record_t ndr;
		union {
			uint32_t asked[2]; /* a flavor, and the room */
			struct {
				kern_return_t code;
				mach_msg_type_number_t count;
				uint32_t info[MACH_TASK_BASIC_INFO_COUNT];
				mach_msg_max_trailer_t trailer;
			} told;
		};
	} message = {.ndr = NDR_record,
		     .asked = {MACH_TASK_BASIC_INFO, MACH_TASK_BASIC_INFO_COUNT}};
	mach_task_basic_info_data_t by_call, by_message;
	mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;

	call(&message.header, sizeof message.header + sizeof message.ndr + sizeof message.asked,
	     sizeof message, TASK_INFO);
	CHECK_OK(message.told.code);
	CHECK_EQ(message.told.count, MACH_TASK_BASIC_INFO_COUNT);
	memcpy(&by_message, message.told.info, sizeof by_message);
	CHECK_OK(task_info(SELF, MACH_TASK_BASIC_INFO, (task_info_t)&by_call, &count));
	CHECK(by_message.resident_size > 0 &&
	      by_message.resident_size <= by_message.resident_size_max);
	CHECK(by_message.user_time.seconds <= by_call.user_time.seconds);
	CHECK_EQ(by_message.policy, POLICY_TIMESHARE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("long lists");
	TCase *tests = flow_case(suite, "long lists");

	tcase_add_test(tests, a_table_of_any_length_comes_in_one_reply);
	tcase_add_test(tests, what_a_process_uses_is_said_by_message);
	return flow_run(suite);
}
