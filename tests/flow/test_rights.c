/* SPDX-License-Identifier: Apache-2.0 */
/* The mach_port_* calls on names and rights, one task alone. */
#include <stdlib.h>
#include <string.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

#define SELF mach_task_self()

static mach_port_t port_set(void)
{
	mach_port_t set;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	return set;
}

/* --- allocation --- */

START_TEST(m175_a_fresh_receive_right)
{
	mach_port_t port = flow_receive_right();

	CHECK_EQ(flow_type(port), 0x20000);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_RECEIVE), 1);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 0);
	CHECK_EQ(port & 3, 3);
	CHECK(MACH_PORT_INDEX(port) != 0);
}
END_TEST

START_TEST(m176_a_fresh_dead_name_and_a_fresh_set)
{
	mach_port_t dead = flow_dead_name(1), set = port_set(), port = 99;

	CHECK_EQ(flow_type(dead), 0x100000);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_EQ(flow_type(set), 0x80000);
	CHECK_EQ(flow_refs(set, MACH_PORT_RIGHT_PORT_SET), 1);
	for (unsigned right = 0; right < 10; right++)
		if (right != MACH_PORT_RIGHT_RECEIVE && right != MACH_PORT_RIGHT_PORT_SET &&
		    right != MACH_PORT_RIGHT_DEAD_NAME)
			CHECK_CODE(mach_port_allocate(SELF, right, &port), KERN_INVALID_VALUE);
	CHECK_EQ(port, 99);
}
END_TEST

START_TEST(m178_a_name_is_not_given_again_at_once)
{
	mach_port_t first = flow_receive_right(), second;

	CHECK_OK(mach_port_destroy(SELF, first));
	second = flow_receive_right();
	CHECK(first != second);
	CHECK_CODE(mach_port_destroy(SELF, first), KERN_INVALID_NAME);
	CHECK_EQ(flow_type(second), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

START_TEST(m179_names_of_the_callers_choice)
{
	static const struct {
		mach_port_t name;
		kern_return_t code;
	} tries[] = {
		{0x11003, KERN_SUCCESS},
		{0x11003, KERN_NAME_EXISTS},
		{0x11007, KERN_FAILURE},
		{0x11001, KERN_INVALID_VALUE},
		{0x11002, KERN_INVALID_VALUE},
		{0x03, KERN_FAILURE},
		{0xffffff03, KERN_NO_SPACE},
		{MACH_PORT_NULL, KERN_INVALID_VALUE},
		{MACH_PORT_DEAD, KERN_INVALID_VALUE},
	};

	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
		CHECK_CODE(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, tries[i].name),
			   tries[i].code);
	CHECK_EQ(flow_type(0x11003), MACH_PORT_TYPE_RECEIVE);
	CHECK_CODE(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_SEND, 0x12003),
		   KERN_INVALID_VALUE);
	CHECK_OK(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, 0x12003));
	CHECK_OK(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_PORT_SET, 0x13007));
	CHECK_EQ(flow_type(0x13007), MACH_PORT_TYPE_PORT_SET);
}
END_TEST

/* --- giving up --- */

START_TEST(m181_deallocate_takes_a_send_reference)
{
	mach_port_t port = flow_port();

	flow_make_send(port, 1);
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_CODE(mach_port_deallocate(SELF, port), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_deallocate(SELF, flow_missing_name()), KERN_INVALID_NAME);
	CHECK_OK(mach_port_deallocate(SELF, MACH_PORT_NULL));
	CHECK_OK(mach_port_deallocate(SELF, MACH_PORT_DEAD));
}
END_TEST

START_TEST(m182_deallocate_of_other_rights)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port), set = port_set(),
		    dead = flow_dead_name(2);

	CHECK_OK(mach_port_deallocate(SELF, once));
	CHECK_EQ(flow_type(once), 0);
	flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(mach_port_deallocate(SELF, set));
	CHECK_EQ(flow_type(set), 0);
	CHECK_OK(mach_port_deallocate(SELF, dead));
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_OK(mach_port_deallocate(SELF, dead));
	CHECK_EQ(flow_type(dead), 0);
}
END_TEST

START_TEST(m184_destroy_takes_all)
{
	mach_port_t dead = flow_dead_name(7), port = flow_port(), once = flow_send_once(port);

	CHECK_OK(mach_port_destroy(SELF, dead));
	CHECK_EQ(flow_type(dead), 0);
	CHECK_OK(mach_port_destroy(SELF, once));
	flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(mach_port_destroy(SELF, port));
	CHECK_EQ(flow_type(port), 0);
	CHECK_OK(mach_port_destroy(SELF, MACH_PORT_NULL));
	CHECK_OK(mach_port_destroy(SELF, MACH_PORT_DEAD));
	CHECK_CODE(mach_port_destroy(SELF, port), KERN_INVALID_NAME);
}
END_TEST

START_TEST(m185_m187_mod_refs_of_send_rights)
{
	mach_port_t port = flow_port();

	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 3));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 4);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -5), KERN_INVALID_VALUE);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 65536), KERN_INVALID_VALUE);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -65536),
		   KERN_INVALID_VALUE);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 4);
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -4));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_RIGHT);
}
END_TEST

START_TEST(m188_mod_refs_of_receive_rights)
{
	mach_port_t port = flow_port(), dead = flow_dead_name(1);

	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, 1), KERN_INVALID_VALUE);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -2), KERN_INVALID_VALUE);
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, 0));
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_mod_refs(SELF, flow_port(), MACH_PORT_RIGHT_DEAD_NAME, 1),
		   KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_LABELH, 0), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_NUMBER, 0), KERN_INVALID_VALUE);
}
END_TEST

START_TEST(m190_a_dying_receive_right_leaves_a_dead_name)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();

	flow_make_send(port, 2);
	flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, notify);
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 4);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_DEAD_NAME), port);
}
END_TEST

START_TEST(m191_mod_refs_of_send_once_rights_and_sets)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port), set = port_set();

	CHECK_CODE(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, 1),
		   KERN_INVALID_VALUE);
	CHECK_OK(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, 0));
	CHECK_OK(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, -1));
	flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_type(once), 0);
	CHECK_CODE(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, 1), KERN_INVALID_VALUE);
	CHECK_OK(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, -1));
	CHECK_EQ(flow_type(set), 0);
}
END_TEST

START_TEST(m193_m194_null_and_dead_names)
{
	static const mach_port_t names[] = {MACH_PORT_NULL, MACH_PORT_DEAD};
	mach_port_urefs_t refs = 9;

	for (size_t i = 0; i < 2; i++) {
		CHECK_OK(mach_port_mod_refs(SELF, names[i], MACH_PORT_RIGHT_SEND, -1));
		CHECK_OK(mach_port_mod_refs(SELF, names[i], MACH_PORT_RIGHT_SEND_ONCE, -1));
		CHECK_CODE(mach_port_mod_refs(SELF, names[i], MACH_PORT_RIGHT_RECEIVE, -1),
			   KERN_INVALID_NAME);
		CHECK_OK(mach_port_get_refs(SELF, names[i], MACH_PORT_RIGHT_SEND, &refs));
		CHECK_EQ(refs, 1);
		CHECK_CODE(mach_port_get_refs(SELF, names[i], MACH_PORT_RIGHT_RECEIVE, &refs),
			   KERN_INVALID_NAME);
		CHECK_CODE(mach_port_get_refs(SELF, names[i], MACH_PORT_RIGHT_NUMBER, &refs),
			   KERN_INVALID_VALUE);
	}
	CHECK_EQ(flow_refs(mach_task_self(), MACH_PORT_RIGHT_RECEIVE), 0);
}
END_TEST

START_TEST(types_of_null_dead_and_missing)
{
	mach_port_type_t type = 0;

	CHECK_CODE(mach_port_type(SELF, MACH_PORT_NULL, &type), KERN_INVALID_NAME);
	CHECK_OK(mach_port_type(SELF, MACH_PORT_DEAD, &type));
	CHECK_EQ(type, MACH_PORT_TYPE_DEAD_NAME);
	CHECK_CODE(mach_port_type(SELF, flow_missing_name(), &type), KERN_INVALID_NAME);
}
END_TEST

START_TEST(v337_the_task_port_survives_careless_deallocation)
{
	mach_port_t self = mach_task_self(), port = MACH_PORT_NULL;

	CHECK_OK(mach_port_mod_refs(SELF, self, MACH_PORT_RIGHT_SEND, 0));
	CHECK_CODE(mach_port_mod_refs(SELF, self, MACH_PORT_RIGHT_SEND,
				      -(int)flow_refs(self, MACH_PORT_RIGHT_SEND)),
		   KERN_INVALID_CAPABILITY);
	CHECK_CODE(mach_port_destroy(SELF, self), KERN_INVALID_CAPABILITY);
	CHECK_OK(mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &port));
}
END_TEST

/* --- insert and extract --- */

START_TEST(m196_insert_under_its_own_name)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(mach_port_insert_right(SELF, port, port, MAKE));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_status(port).mps_mscount, 1);
	CHECK_OK(mach_port_insert_right(SELF, port, port, MAKE));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	CHECK_EQ(flow_status(port).mps_mscount, 2);
	CHECK_OK(mach_port_insert_right(SELF, port, port, COPY));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 3);
	CHECK_EQ(flow_status(port).mps_mscount, 2);
}
END_TEST

START_TEST(m197_the_right_is_there_under_another_name)
{
	mach_port_t port = flow_receive_right();

	CHECK_CODE(mach_port_insert_right(SELF, 0x21003, port, MAKE), KERN_RIGHT_EXISTS);
	CHECK_EQ(flow_status(port).mps_mscount, 1);
	CHECK_EQ(flow_type(0x21003), 0);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

START_TEST(m199_send_once_rights_need_a_free_name)
{
	mach_port_t port = flow_receive_right();

	CHECK_CODE(mach_port_insert_right(SELF, port, port, MAKE_ONCE), KERN_NAME_EXISTS);
	flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(mach_port_insert_right(SELF, 0x21003, port, MAKE_ONCE));
	CHECK_EQ(flow_type(0x21003), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(mach_port_insert_right(SELF, 0x22003, 0x21003, MOVE_ONCE));
	CHECK_EQ(flow_type(0x21003), 0);
	CHECK_EQ(flow_type(0x22003), MACH_PORT_TYPE_SEND_ONCE);
}
END_TEST

START_TEST(m200_inserts_that_fail)
{
	mach_port_t port = flow_receive_right(), dead = flow_dead_name(1), set = port_set();

	CHECK_CODE(mach_port_insert_right(SELF, 0x21003, flow_missing_name(), MAKE),
		   KERN_INVALID_NAME);
	CHECK_CODE(mach_port_insert_right(SELF, 0x21003, MACH_PORT_NULL, MAKE), KERN_INVALID_NAME);
	CHECK_CODE(mach_port_insert_right(SELF, 0x21003, MACH_PORT_DEAD, MAKE), KERN_INVALID_NAME);
	CHECK_CODE(mach_port_insert_right(SELF, 0x21003, dead, COPY), KERN_INVALID_CAPABILITY);
	CHECK_CODE(mach_port_insert_right(SELF, 0x21003, port, 99), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_insert_right(SELF, 0x21003, port, COPY), KERN_INVALID_RIGHT);
	CHECK_EQ(flow_status(port).mps_mscount, 0);
	CHECK_CODE(mach_port_insert_right(SELF, MACH_PORT_NULL, port, MAKE), KERN_INVALID_VALUE);
	CHECK_EQ(flow_status(port).mps_mscount, 1);
	CHECK_CODE(mach_port_insert_right(SELF, dead, dead, COPY), KERN_INVALID_CAPABILITY);
	CHECK_CODE(mach_port_insert_right(SELF, set, set, MAKE), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_insert_right(SELF, set, port, MAKE_ONCE), KERN_NAME_EXISTS);
}
END_TEST

START_TEST(m202_extract)
{
	mach_port_t dead = flow_dead_name(2), port = flow_port(), right = 5;
	mach_msg_type_name_t type = 0;

	CHECK_OK(mach_port_extract_right(SELF, dead, COPY, &right, &type));
	CHECK_EQ(right, MACH_PORT_DEAD);
	CHECK_CODE(mach_port_extract_right(SELF, flow_missing_name(), COPY, &right, &type),
		   KERN_INVALID_NAME);
	CHECK_CODE(mach_port_extract_right(SELF, flow_receive_right(), COPY, &right, &type),
		   KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_extract_right(SELF, port, 15, &right, &type), KERN_INVALID_VALUE);
	CHECK_CODE(mach_port_extract_right(SELF, port, 24, &right, &type), KERN_INVALID_VALUE);
	CHECK_CODE(mach_port_extract_right(SELF, MACH_PORT_NULL, COPY, &right, &type),
		   KERN_INVALID_RIGHT);
	CHECK_OK(mach_port_extract_right(SELF, port, COPY, &right, &type));
	CHECK_EQ(right, port);
	CHECK_EQ(type, MACH_MSG_TYPE_PORT_SEND);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	CHECK_OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MOVE_RECEIVE, &right, &type));
	CHECK_EQ(type, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK_EQ(right, port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

/* --- listings and attributes --- */

static mach_port_type_t listed(mach_port_t name, mach_msg_type_number_t *total)
{
	mach_port_type_t type = 0, *types;
	mach_msg_type_number_t count, type_count;
	mach_port_name_t *names;

	CHECK_OK(mach_port_names(SELF, &names, &count, &types, &type_count));
	CHECK_EQ(count, type_count);
	for (unsigned i = 0; i < count; i++)
		if (names[i] == name)
			type = types[i];
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)names, count * sizeof *names));
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)types, count * sizeof *types));
	*total = count;
	return type;
}

START_TEST(m203_names_lists_all)
{
	mach_port_t port = flow_port(), dead = flow_dead_name(1), set = port_set();
	mach_msg_type_number_t count, more;

	flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, port);
	CHECK_EQ(listed(port, &count), MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
	CHECK_EQ(listed(dead, &count), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(listed(set, &count), MACH_PORT_TYPE_PORT_SET);
	CHECK_EQ(listed(mach_task_self(), &count), MACH_PORT_TYPE_SEND);
	flow_receive_right();
	CHECK_EQ(listed(flow_missing_name(), &more), 0);
	CHECK_EQ(more, count + 1);
}
END_TEST

static int compare_names(const void *a, const void *b)
{
	const mach_port_name_t left = *(const mach_port_name_t *)a,
			       right = *(const mach_port_name_t *)b;

	return left < right ? -1 : left > right;
}

START_TEST(names_lists_more_than_fits_a_packet)
{
	enum { COUNT = 60000 };
	mach_port_name_t *made = calloc(COUNT, sizeof *made), *names;
	mach_msg_type_number_t count;
	mach_port_type_t *types;
	unsigned found = 0;

	CHECK(made != NULL);
	for (unsigned i = 0; i < COUNT; i++)
		CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &made[i]));
	qsort(made, COUNT, sizeof *made, compare_names);
	CHECK_OK(mach_port_names(SELF, &names, &count, &types, &count));
	for (unsigned i = 0; i < count; i++)
		found += types[i] == MACH_PORT_TYPE_DEAD_NAME &&
			 bsearch(&names[i], made, COUNT, sizeof *made, compare_names) != NULL;
	CHECK_EQ(found, COUNT);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)names, count * sizeof *names));
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)types, count * sizeof *types));
	free(made);
}
END_TEST

START_TEST(m205_send_rights_are_counted_by_spaces_and_messages)
{
	mach_port_t port = flow_receive_right();
	mach_port_rights_t rights = 99;

	CHECK_OK(mach_port_get_srights(SELF, port, &rights));
	CHECK_EQ(rights, 0);
	flow_make_send(port, 9);
	CHECK_OK(mach_port_get_srights(SELF, port, &rights));
	CHECK_EQ(rights, 1);
	flow_fill(port, 1);
	CHECK_OK(mach_port_get_srights(SELF, port, &rights));
	CHECK_EQ(rights, 2);
	CHECK_CODE(mach_port_get_srights(SELF, flow_dead_name(1), &rights), KERN_INVALID_NAME);
}
END_TEST

START_TEST(m206_status_of_a_fresh_port)
{
	static const mach_port_status_t fresh = {.mps_qlimit = MACH_PORT_QLIMIT_BASIC};
	mach_port_t port = flow_receive_right();
	mach_port_status_t status = flow_status(port);
	mach_msg_type_number_t count = 9;

	ck_assert_mem_eq(&status, &fresh, sizeof status);
	CHECK_CODE(mach_port_get_attributes(SELF, port, MACH_PORT_RECEIVE_STATUS,
					    (mach_port_info_t)&status, &count),
		   KERN_FAILURE);
	count = MACH_PORT_RECEIVE_STATUS_COUNT;
	CHECK_CODE(mach_port_get_attributes(SELF, port, 99, (mach_port_info_t)&status, &count),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(mach_port_get_attributes(SELF, mach_task_self(), MACH_PORT_RECEIVE_STATUS,
					    (mach_port_info_t)&status, &count),
		   KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_get_attributes(SELF, flow_dead_name(1), MACH_PORT_RECEIVE_STATUS,
					    (mach_port_info_t)&status, &count),
		   KERN_INVALID_NAME);
}
END_TEST

START_TEST(m208_queue_limits)
{
	mach_port_t port = flow_receive_right();
	mach_port_limits_t limits = {.mpl_qlimit = 1025};
	mach_msg_type_number_t count = 50;

	CHECK_CODE(mach_port_set_attributes(SELF, port, MACH_PORT_LIMITS_INFO,
					    (mach_port_info_t)&limits, 1),
		   KERN_INVALID_VALUE);
	flow_set_qlimit(port, 1024);
	CHECK_OK(mach_port_get_attributes(SELF, port, MACH_PORT_LIMITS_INFO,
					  (mach_port_info_t)&limits, &count));
	CHECK_EQ(count, 1);
	CHECK_EQ(limits.mpl_qlimit, 1024);
	CHECK_CODE(mach_port_set_attributes(SELF, port, MACH_PORT_RECEIVE_STATUS,
					    (mach_port_info_t)&limits, 1),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(mach_port_set_attributes(SELF, port, MACH_PORT_LIMITS_INFO,
					    (mach_port_info_t)&limits, 500),
		   MIG_ARRAY_TOO_LARGE);
}
END_TEST

START_TEST(make_send_count_and_context_can_be_set)
{
	mach_port_t port = flow_receive_right();
	mach_port_context_t context = 1;

	CHECK_OK(mach_port_set_mscount(SELF, port, 41));
	flow_make_send(port, 1);
	CHECK_EQ(flow_status(port).mps_mscount, 42);
	CHECK_OK(mach_port_get_context(SELF, port, &context));
	CHECK_EQ(context, 0);
	CHECK_CODE(mach_port_set_mscount(SELF, MACH_PORT_NULL, 1), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_set_mscount(SELF, flow_missing_name(), 1), KERN_INVALID_NAME);
	CHECK_CODE(mach_port_set_context(SELF, mach_task_self(), 1), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_set_seqno(SELF, flow_dead_name(1), 1), KERN_INVALID_NAME);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rights");
	TCase *tests = flow_case(suite, "allocation");

	tcase_add_test(tests, m175_a_fresh_receive_right);
	tcase_add_test(tests, m176_a_fresh_dead_name_and_a_fresh_set);
	tcase_add_test(tests, m178_a_name_is_not_given_again_at_once);
	tcase_add_test(tests, m179_names_of_the_callers_choice);
	tests = flow_case(suite, "giving up");
	tcase_add_test(tests, m181_deallocate_takes_a_send_reference);
	tcase_add_test(tests, m182_deallocate_of_other_rights);
	tcase_add_test(tests, m184_destroy_takes_all);
	tcase_add_test(tests, m185_m187_mod_refs_of_send_rights);
	tcase_add_test(tests, m188_mod_refs_of_receive_rights);
	tcase_add_test(tests, m190_a_dying_receive_right_leaves_a_dead_name);
	tcase_add_test(tests, m191_mod_refs_of_send_once_rights_and_sets);
	tcase_add_test(tests, m193_m194_null_and_dead_names);
	tcase_add_test(tests, types_of_null_dead_and_missing);
	tcase_add_test(tests, v337_the_task_port_survives_careless_deallocation);
	tests = flow_case(suite, "insert and extract");
	tcase_add_test(tests, m196_insert_under_its_own_name);
	tcase_add_test(tests, m197_the_right_is_there_under_another_name);
	tcase_add_test(tests, m199_send_once_rights_need_a_free_name);
	tcase_add_test(tests, m200_inserts_that_fail);
	tcase_add_test(tests, m202_extract);
	tests = flow_case(suite, "listings and attributes");
	tcase_add_test(tests, m203_names_lists_all);
	tcase_add_test(tests, names_lists_more_than_fits_a_packet);
	tcase_add_test(tests, m205_send_rights_are_counted_by_spaces_and_messages);
	tcase_add_test(tests, m206_status_of_a_fresh_port);
	tcase_add_test(tests, m208_queue_limits);
	tcase_add_test(tests, make_send_count_and_context_can_be_set);
	return flow_run(suite);
}
