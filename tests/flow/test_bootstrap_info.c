/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap_info: the names at a bootstrap port, in memory that the caller frees. And the call of
 * that time that is refused.
 */
#include <mach/vm_map.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/services.h"

struct list {
	name_array_t names, servers;
	bootstrap_status_array_t active;
	mach_msg_type_number_t count;
};

static struct list ask(mach_port_t bp)
{
	struct list list = {0};
	mach_msg_type_number_t servers = 77, active = 77;

	CHECK_OK(bootstrap_info(bp, &list.names, &list.count, &list.servers, &servers, &list.active,
				&active));
	CHECK_EQ(servers, list.count);
	CHECK_EQ(active, list.count);
	return list;
}

static void drop(const struct list *list)
{
	const size_t names = list->count * sizeof(name_t);

	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)list->names, names));
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)list->servers, names));
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)list->active,
			       list->count * sizeof *list->active));
}

START_TEST(there_is_nothing_at_first)
{
	struct list list = ask(bootstrap_port);

	CHECK_EQ(list.count, 0);
	CHECK(!list.names && !list.servers && !list.active);
}
END_TEST

START_TEST(names_and_what_they_do)
{
	mach_port_t port;
	struct list list;

	CHECK_OK(bootstrap_check_in(bootstrap_port, "flow.there", &port));
	CHECK_OK(bootstrap_create_service(bootstrap_port, "flow.made", &port));
	list = ask(bootstrap_port);
	CHECK_EQ(list.count, 2);
	CHECK(strcmp(list.names[0], "flow.there") == 0 && strcmp(list.servers[0], "") == 0);
	CHECK(strcmp(list.names[1], "flow.made") == 0);
	CHECK_EQ(list.active[0], BOOTSTRAP_STATUS_ACTIVE);
	CHECK_EQ(list.active[1], BOOTSTRAP_STATUS_INACTIVE);
	drop(&list);
}
END_TEST

START_TEST(many_names)
{
	enum { MANY = 1700 };
	mach_port_t port;
	struct list list;
	name_t name;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "flow.name.%u", i);
		CHECK_OK(bootstrap_create_service(bootstrap_port, name, &port));
	}
	list = ask(bootstrap_port);
	CHECK_EQ(list.count, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "flow.name.%u", i);
		CHECK(strcmp(list.names[i], name) == 0);
		CHECK_EQ(list.active[i], BOOTSTRAP_STATUS_INACTIVE);
	}
	drop(&list);
}
END_TEST

START_TEST(what_is_no_bootstrap_port)
{
	struct list list = {.count = 77};
	mach_msg_type_number_t servers, active;

	CHECK(bootstrap_info(flow_port(), &list.names, &list.count, &list.servers, &servers,
			     &list.active, &active) != KERN_SUCCESS);
	CHECK_EQ(list.count, 77);
}
END_TEST

START_TEST(nobody_has_a_command_run)
{
	mach_port_t server = MACH_PORT_NULL;
	cmd_t command;

	memset(command, 'x', sizeof command); /* without an end */
	CHECK_CODE(bootstrap_create_server(bootstrap_port, "/bin/true", getuid(), TRUE, &server),
		   BOOTSTRAP_NOT_PRIVILEGED);
	CHECK_CODE(bootstrap_create_server(bootstrap_port, command, 0, FALSE, &server),
		   BOOTSTRAP_NOT_PRIVILEGED);
	CHECK_EQ(server, MACH_PORT_NULL);
}
END_TEST

START_TEST(declared_names_say_which_file)
{
	struct list list;

	services_start("[service]\nName=" SERVICE "\nStartCommand=%s\nStartCommand=serve\n");
	list = ask(bootstrap_port);
	CHECK_EQ(list.count, 1);
	CHECK(strcmp(list.names[0], SERVICE) == 0);
	CHECK(strcmp(list.servers[0], "test.conf") == 0);
	CHECK_EQ(list.active[0], BOOTSTRAP_STATUS_ON_DEMAND);
	drop(&list);
	services_stop();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("bootstrap_info");
	TCase *tests, *declared = tcase_create("declared");

	services_main(argc, argv);
	tests = flow_case(suite, "info");
	tcase_add_test(tests, there_is_nothing_at_first);
	tcase_add_test(tests, names_and_what_they_do);
	tcase_add_test(tests, many_names);
	tcase_add_test(tests, what_is_no_bootstrap_port);
	tcase_add_test(tests, nobody_has_a_command_run);
	tcase_add_test(declared, declared_names_say_which_file);
	suite_add_tcase(suite, declared);
	return flow_run(suite);
}
