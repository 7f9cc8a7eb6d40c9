/* SPDX-License-Identifier: Apache-2.0 */
/* The calls for debuggers as programs make them [20]; mach_port_rename is gone (case 215). */
#include <mach/mig_errors.h>
#include <mach/semaphore.h>
#include <string.h>

#include "tests/flow/flow.h"

#define SELF mach_task_self()

START_TEST(the_table_of_names)
{
	mach_port_t port = flow_port();
	ipc_info_space_t space;
	ipc_info_name_t *table;
	ipc_info_tree_name_t *tree;
	mach_msg_type_number_t count, tree_count;
	const ipc_info_name_t *row;

	flow_make_send(port, 6);
	CHECK_OK(mach_port_space_info(SELF, &space, &table, &count, &tree, &tree_count));
	CHECK_EQ(space.iis_genno_mask, 0xff);
	CHECK_EQ(space.iis_table_size, count);
	CHECK(tree == NULL && tree_count == 0);
	CHECK(count > MACH_PORT_INDEX(port));
	row = &table[MACH_PORT_INDEX(port)];
	CHECK_EQ(row->iin_name, port);
	CHECK_EQ(row->iin_type, MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(row->iin_urefs, 7);
	CHECK_EQ(table[0].iin_name, 0xff);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)table, count * sizeof *table));
	CHECK_CODE(mach_port_space_info(port, &space, &table, &count, &tree, &tree_count),
		   MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(what_a_name_stands_for)
{
	natural_t type = 99;
	unsigned address32 = 1;
	mach_vm_address_t address = 1;
	kobject_description_t description;
	semaphore_t semaphore;

	CHECK_OK(semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0));
	CHECK_OK(mach_port_kernel_object(SELF, semaphore, &type, &address32));
	CHECK_EQ(type, 23);
	CHECK_EQ(address32, 0);
	memset(description, 'x', sizeof description);
	CHECK_OK(mach_port_kobject_description(SELF, SELF, &type, &address, description));
	CHECK_EQ(type, 2);
	CHECK(address == 0 && description[0] == '\0');
	CHECK_CODE(mach_port_kernel_object(SELF, flow_missing_name(), &type, &address32),
		   KERN_INVALID_NAME);
}
END_TEST

/* case 215 */
START_TEST(names_cannot_be_changed)
{
	CHECK_CODE(mach_port_rename(SELF, flow_receive_right(), 0x7703), MIG_BAD_ID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("port_debug");
	TCase *tests = flow_case(suite, "calls");

	tcase_add_test(tests, the_table_of_names);
	tcase_add_test(tests, what_a_name_stands_for);
	tcase_add_test(tests, names_cannot_be_changed);
	return flow_run(suite);
}
