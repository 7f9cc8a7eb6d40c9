/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of messages is part of the interface: programs and MIG stubs depend on each offset.
 * Most of this is settled when it compiles; what is computed by macros runs.
 */
#include <bank/bank_types.h>
#include <mach/mach.h>
#include <mach/mig_errors.h>
#include <mach/notify.h>
#include <stddef.h>

#include "tests/flow/flow.h"

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define OFFSET(type, field, offset) \
	_Static_assert(offsetof(type, field) == (offset), #type "." #field)

SIZE(mach_msg_header_t, 24);
OFFSET(mach_msg_header_t, msgh_bits, 0);
OFFSET(mach_msg_header_t, msgh_size, 4);
OFFSET(mach_msg_header_t, msgh_remote_port, 8);
OFFSET(mach_msg_header_t, msgh_local_port, 12);
OFFSET(mach_msg_header_t, msgh_voucher_port, 16);
OFFSET(mach_msg_header_t, msgh_reserved, 16);
OFFSET(mach_msg_header_t, msgh_id, 20);
SIZE(mach_msg_base_t, 28);
OFFSET(mach_msg_base_t, body.msgh_descriptor_count, 24);

SIZE(mach_msg_port_descriptor_t, 12);
OFFSET(mach_msg_port_descriptor_t, name, 0);
SIZE(mach_msg_type_descriptor_t, 12);
SIZE(mach_msg_ool_descriptor64_t, 16);
OFFSET(mach_msg_ool_descriptor64_t, size, 12);
SIZE(mach_msg_ool_ports_descriptor64_t, 16);
OFFSET(mach_msg_ool_ports_descriptor64_t, count, 12);
SIZE(mach_msg_guarded_port_descriptor64_t, 16);
OFFSET(mach_msg_guarded_port_descriptor64_t, name, 12);
SIZE(mach_msg_ool_descriptor32_t, 12);
OFFSET(mach_msg_ool_descriptor32_t, size, 4);
SIZE(mach_msg_ool_ports_descriptor32_t, 12);
OFFSET(mach_msg_ool_ports_descriptor32_t, count, 4);
SIZE(mach_msg_guarded_port_descriptor32_t, 12);
OFFSET(mach_msg_guarded_port_descriptor32_t, name, 4);
SIZE(mach_msg_ool_descriptor_t, WORD(16, 12));
SIZE(mach_msg_ool_ports_descriptor_t, WORD(16, 12));
SIZE(mach_msg_guarded_port_descriptor_t, WORD(16, 12));
SIZE(mach_msg_descriptor_t, WORD(16, 12));

SIZE(mach_msg_trailer_t, 8);
SIZE(mach_msg_seqno_trailer_t, 12);
SIZE(mach_msg_security_trailer_t, 20);
SIZE(mach_msg_audit_trailer_t, 52);
SIZE(mach_msg_context_trailer_t, WORD(60, 56));
SIZE(mach_msg_mac_trailer_t, WORD(68, 64));
OFFSET(mach_msg_mac_trailer_t, msgh_trailer_type, 0);
OFFSET(mach_msg_mac_trailer_t, msgh_trailer_size, 4);
OFFSET(mach_msg_mac_trailer_t, msgh_seqno, 8);
OFFSET(mach_msg_mac_trailer_t, msgh_sender, 12);
OFFSET(mach_msg_mac_trailer_t, msgh_audit, 20);
OFFSET(mach_msg_mac_trailer_t, msgh_context, 52);
OFFSET(mach_msg_mac_trailer_t, msgh_ad, WORD(60, 56));
OFFSET(mach_msg_mac_trailer_t, msgh_labels, WORD(64, 60));
_Static_assert(MAX_TRAILER_SIZE == WORD(68, 64), "the largest trailer");

SIZE(mach_msg_aux_header_t, 8);
SIZE(mach_msg_vector_t, 24);
OFFSET(mach_msg_vector_t, msgv_rcv_addr, 8);
OFFSET(mach_msg_vector_t, msgv_send_size, 16);
OFFSET(mach_msg_vector_t, msgv_rcv_size, 20);

/* Notifications, without their trailers. */
OFFSET(mach_port_deleted_notification_t, not_port, 32);
OFFSET(mach_port_deleted_notification_t, trailer, 36);
OFFSET(mach_send_possible_notification_t, not_port, 32);
OFFSET(mach_dead_name_notification_t, not_port, 32);
OFFSET(mach_no_senders_notification_t, not_count, 32);
OFFSET(mach_no_senders_notification_t, trailer, 36);
OFFSET(mach_port_destroyed_notification_t, not_port, 28);
OFFSET(mach_port_destroyed_notification_t, trailer, 40);
OFFSET(mach_send_once_notification_t, trailer, 24);

SIZE(NDR_record_t, 8);
SIZE(mig_reply_error_t, 36);
SIZE(mach_port_status_t, 40);
SIZE(mach_port_limits_t, 4);
SIZE(mach_port_info_ext_t, 68);
SIZE(mach_port_guard_info_t, 8);
SIZE(mach_port_qos_t, 8);
SIZE(mach_service_port_info_data_t, 256);
SIZE(mach_port_options_t, 24);

/* What calls tell in words is packed to words, too. */
SIZE(ipc_info_space_t, 24);
SIZE(ipc_info_name_t, 28);
SIZE(ipc_info_space_basic_t, 24);
SIZE(task_basic_info_32_data_t, 32);
SIZE(task_basic_info_64_data_t, 40);
OFFSET(task_basic_info_64_data_t, virtual_size, 4);
SIZE(task_basic_info_data_t, WORD(40, 32));
SIZE(mach_task_basic_info_data_t, 48);
SIZE(host_basic_info_data_t, 48);
OFFSET(host_basic_info_data_t, max_mem, 40);
SIZE(mach_voucher_attr_recipe_data_t, 16);
SIZE(struct proc_persona_info, 48);
SIZE(struct persona_token, 96);

START_TEST(type_of_every_descriptor_is_the_byte_at_offset_11)
{
	mach_msg_descriptor_t each[5] = {0};

	each[0].port.type = 0x51;
	each[1].out_of_line.type = 0x52;
	each[2].ool_ports.type = 0x53;
	each[3].guarded_port.type = 0x54;
	each[4].type.type = 0x55;
	for (unsigned i = 0; i < 5; i++)
		CHECK_EQ(((unsigned char *)&each[i])[11], 0x51 + i);
}
END_TEST

START_TEST(disposition_is_the_byte_at_offset_10_and_flags_those_at_8)
{
	mach_msg_descriptor_t each[3] = {0};
	mach_msg_descriptor_t memory = {0};

	each[0].port.disposition = 19;
	each[1].ool_ports.disposition = 19;
	each[2].guarded_port.disposition = 19;
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(((unsigned char *)&each[i])[10], 19);
	memory.out_of_line.deallocate = 1;
	memory.out_of_line.copy = MACH_MSG_VIRTUAL_COPY;
	CHECK_EQ(((unsigned char *)&memory)[8], 1);
	CHECK_EQ(((unsigned char *)&memory)[9], 1);
	each[2].guarded_port.flags = 0x0201;
	CHECK_EQ(((unsigned char *)&each[2])[8] | ((unsigned char *)&each[2])[9] << 8, 0x0201);
}
END_TEST

START_TEST(bits_are_put_together_and_taken_apart)
{
	mach_msg_bits_t bits =
		MACH_MSGH_BITS_SET(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE,
				   MACH_MSG_TYPE_MOVE_SEND, MACH_MSGH_BITS_COMPLEX);

	CHECK_EQ(bits, 0x80111513);
	CHECK_EQ(MACH_MSGH_BITS_REMOTE(bits), MACH_MSG_TYPE_COPY_SEND);
	CHECK_EQ(MACH_MSGH_BITS_LOCAL(bits), MACH_MSG_TYPE_MAKE_SEND_ONCE);
	CHECK_EQ(MACH_MSGH_BITS_VOUCHER(bits), MACH_MSG_TYPE_MOVE_SEND);
	CHECK_EQ(MACH_MSGH_BITS_OTHER(bits), MACH_MSGH_BITS_COMPLEX);
	CHECK(MACH_MSGH_BITS_IS_COMPLEX(bits));
	CHECK_EQ(MACH_MSGH_BITS_PORTS(bits) | MACH_MSGH_BITS_OTHER(bits), bits);
	CHECK_EQ(MACH_MSGH_BITS(17, 18), 0x1211);
	CHECK_EQ(MACH_MSGH_BITS_USER | MACH_MSGH_BITS_RAISEIMP | MACH_MSGH_BITS_CIRCULAR,
		 MACH_MSGH_BITS_USED);
}
END_TEST

START_TEST(requested_trailer_sizes_grow_with_the_elements)
{
	static const unsigned sizes[] = {8, 12, 20, 52, WORD(60, 56)};

	for (unsigned element = 0; element < 16; element++)
		CHECK_EQ(REQUESTED_TRAILER_SIZE(MACH_RCV_TRAILER_ELEMENTS(element)),
			 element < 5 ? sizes[element] : MAX_TRAILER_SIZE);
	CHECK_EQ(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 0x03000000);
	CHECK_EQ(MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0), 0);
}
END_TEST

START_TEST(names_split_into_index_and_generation)
{
	CHECK_EQ(MACH_PORT_INDEX(0x00001207), 0x12);
	CHECK_EQ(MACH_PORT_MAKE(0x12, MACH_PORT_GEN(0x00001207)), 0x1207);
	CHECK(!MACH_PORT_VALID(MACH_PORT_NULL) && !MACH_PORT_VALID(MACH_PORT_DEAD));
	CHECK(MACH_PORT_VALID(0x103));
	CHECK_EQ(MACH_PORT_TYPE_SEND_RECEIVE, 0x30000);
	CHECK_EQ(MACH_PORT_TYPE_PORT_SET, 0x80000);
	CHECK_EQ(MACH_PORT_TYPE_DEAD_NAME, 0x100000);
}
END_TEST

START_TEST(priority_words_keep_their_parts)
{
	mach_msg_priority_t word = mach_msg_priority_encode(6, 5, -3);

	CHECK_EQ(word & 0xff, 0);
	CHECK_EQ(mach_msg_priority_qos(word), 5);
	CHECK_EQ(mach_msg_priority_overide_qos(word), 6);
	CHECK_EQ(mach_msg_priority_relpri(word), -3);
	CHECK(!mach_msg_priority_is_pthread_priority(word));
	CHECK(mach_msg_priority_is_pthread_priority(0x1234ff));
	CHECK_EQ(mach_msg_priority_qos(0x55ff), 0);
}
END_TEST

START_TEST(ndr_record_describes_this_machine)
{
	const uint16_t one = 1;

	CHECK_EQ(NDR_record.int_rep, *(const unsigned char *)&one);
	CHECK_EQ(NDR_record.char_rep, 0);
	CHECK_EQ(NDR_record.float_rep, 0);
	CHECK_EQ(NDR_record.mig_vers, 0);
	CHECK_EQ(KERNEL_SECURITY_TOKEN.val[0], 0);
	CHECK_EQ(KERNEL_SECURITY_TOKEN.val[1], 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tests = tcase_create("layout");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, type_of_every_descriptor_is_the_byte_at_offset_11);
	tcase_add_test(tests, disposition_is_the_byte_at_offset_10_and_flags_those_at_8);
	tcase_add_test(tests, bits_are_put_together_and_taken_apart);
	tcase_add_test(tests, requested_trailer_sizes_grow_with_the_elements);
	tcase_add_test(tests, names_split_into_index_and_generation);
	tcase_add_test(tests, priority_words_keep_their_parts);
	tcase_add_test(tests, ndr_record_describes_this_machine);
	return flow_run(suite);
}
