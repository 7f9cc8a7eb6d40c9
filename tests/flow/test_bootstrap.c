/* SPDX-License-Identifier: Apache-2.0 */
/* Services by name: who may have one, who finds it, and when it is free again. */
#include <servers/bootstrap.h>
#include <string.h>

#include "tests/flow/flow.h"

#define COPY MACH_MSG_TYPE_COPY_SEND

static kern_return_t look_up(const char *name, mach_port_t *port)
{
	*port = MACH_PORT_NULL;
	return bootstrap_look_up(bootstrap_port, name, port);
}

static mach_port_t check_in(const char *name)
{
	mach_port_t port = MACH_PORT_NULL;

	CHECK_OK(bootstrap_check_in(bootstrap_port, name, &port));
	CHECK_EQ(flow_type(port) & MACH_PORT_TYPE_RECEIVE, MACH_PORT_TYPE_RECEIVE);
	return port;
}

START_TEST(a_name_that_nobody_has_is_unknown)
{
	mach_port_t port;

	CHECK_CODE(look_up("flow.nobody", &port), BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_EQ(port, MACH_PORT_NULL);
}
END_TEST

START_TEST(check_in_gives_the_receive_right_and_look_up_send_rights)
{
	mach_port_t port = check_in("flow.a"), found;
	struct flow_message message;

	CHECK_OK(look_up("flow.a", &found));
	CHECK_EQ(found, port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_OK(flow_send_to(found, COPY, 0, 0, 1));
	CHECK_OK(flow_receive(port, &message));
	CHECK_CODE(look_up("flow.A", &found), BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_CODE(look_up("flow.", &found), BOOTSTRAP_UNKNOWN_SERVICE);
}
END_TEST

START_TEST(a_name_has_one_owner)
{
	mach_port_t port = check_in("flow.a"), other = MACH_PORT_NULL;

	CHECK_CODE(bootstrap_check_in(bootstrap_port, "flow.a", &other), BOOTSTRAP_SERVICE_ACTIVE);
	CHECK_EQ(other, MACH_PORT_NULL);
	CHECK_CODE(bootstrap_register(bootstrap_port, "flow.a", flow_port()),
		   BOOTSTRAP_NAME_IN_USE);
	CHECK_OK(look_up("flow.a", &other));
	CHECK_EQ(other, port);
}
END_TEST

START_TEST(register_publishes_a_copy_and_null_takes_it_back)
{
	mach_port_t port = flow_port(), found;

	CHECK_OK(bootstrap_register(bootstrap_port, "flow.a", port));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(look_up("flow.a", &found));
	CHECK_EQ(found, port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	CHECK_OK(bootstrap_register(bootstrap_port, "flow.a", MACH_PORT_NULL));
	CHECK_CODE(look_up("flow.a", &found), BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_OK(bootstrap_register(bootstrap_port, "flow.a", port));
}
END_TEST

START_TEST(a_destroyed_port_frees_its_name)
{
	mach_port_t port = check_in("flow.a"), found;

	CHECK_OK(mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_CODE(look_up("flow.a", &found), BOOTSTRAP_UNKNOWN_SERVICE);
	check_in("flow.a");
}
END_TEST

START_TEST(names_have_up_to_127_bytes)
{
	char name[200];
	mach_port_t port, found;

	memset(name, 'n', sizeof name);
	name[128] = '\0';
	CHECK_CODE(bootstrap_check_in(bootstrap_port, name, &port), BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_CODE(bootstrap_register(bootstrap_port, name, flow_port()),
		   BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_CODE(look_up(name, &found), BOOTSTRAP_UNKNOWN_SERVICE);
	name[127] = '\0';
	port = check_in(name);
	CHECK_OK(look_up(name, &found));
	CHECK_EQ(found, port);
	name[126] = '\0';
	CHECK_CODE(look_up(name, &found), BOOTSTRAP_UNKNOWN_SERVICE);
}
END_TEST

static void serve(void *unused)
{
	struct flow_message message;
	mach_port_t port = check_in("flow.server");

	(void)unused;
	flow_tell_parent(0);
	flow_await(port, &message);
	flow_tell_parent((uint32_t)message.header.msgh_id);
	flow_hear_parent();
}

START_TEST(a_service_of_another_process)
{
	struct flow_child child;
	mach_port_t port, found;

	flow_fork(&child, serve, NULL);
	flow_hear(&child);
	CHECK_OK(look_up("flow.server", &port));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	CHECK_CODE(bootstrap_check_in(bootstrap_port, "flow.server", &found),
		   BOOTSTRAP_SERVICE_ACTIVE);
	CHECK_OK(flow_send_to(port, COPY, 0, 0, 77));
	CHECK_EQ(flow_hear(&child), 77);
	flow_kill(&child);
	CHECK_CODE(look_up("flow.server", &found), BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK(check_in("flow.server") != port);
}
END_TEST

/* A child's bootstrap port is what its parent's task had. */
static void look_up_inside(void *unused)
{
	mach_port_t name;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.inside", &name));
}

START_TEST(a_subset_is_for_a_task_and_its_children)
{
	mach_port_t subset, port, name, up;
	struct flow_child child;
	bootstrap_status_t active;

	CHECK_OK(bootstrap_subset(bootstrap_port, mach_task_self(), &subset));
	CHECK_OK(bootstrap_check_in(subset, "flow.inside", &port));
	CHECK_CODE(bootstrap_look_up(bootstrap_port, "flow.inside", &name),
		   BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_OK(bootstrap_status(subset, "flow.inside", &active));
	CHECK_EQ(active, BOOTSTRAP_STATUS_ACTIVE);
	CHECK_OK(bootstrap_unprivileged(subset, &up));
	CHECK_EQ(up, subset);
	CHECK_OK(bootstrap_parent(subset, &up));
	CHECK_EQ(up, bootstrap_port);
	CHECK_OK(task_set_bootstrap_port(mach_task_self(), subset));
	flow_fork(&child, look_up_inside, NULL);
	flow_join(&child);
}
END_TEST

static void serve_created(void *unused)
{
	struct flow_message message;
	mach_port_t port = check_in("flow.created");

	(void)unused;
	CHECK_OK(flow_receive(port, &message));
	flow_tell_parent((uint32_t)message.header.msgh_id);
	flow_hear_parent();
}

START_TEST(a_created_name_waits_for_who_checks_in)
{
	mach_port_t port, other;
	struct flow_child child;
	bootstrap_status_t active;

	CHECK_OK(bootstrap_create_service(bootstrap_port, "flow.created", &port));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	CHECK_CODE(bootstrap_create_service(bootstrap_port, "flow.created", &other),
		   BOOTSTRAP_NAME_IN_USE);
	CHECK_OK(bootstrap_status(bootstrap_port, "flow.created", &active));
	CHECK_EQ(active, BOOTSTRAP_STATUS_INACTIVE);
	CHECK_OK(flow_send_to(port, COPY, 0, 0, 41));
	CHECK_OK(flow_send_to(port, COPY, 0, 0, 42));
	flow_fork(&child, serve_created, NULL);
	CHECK_EQ(flow_hear(&child), 41);
	flow_kill(&child);
	flow_fork(&child, serve_created, NULL); /* the right came back, with what was queued */
	CHECK_EQ(flow_hear(&child), 42);
	flow_kill(&child);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	CHECK_OK(bootstrap_register(bootstrap_port, "flow.created", MACH_PORT_NULL));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bootstrap");
	TCase *tests = flow_case(suite, "names");

	tcase_add_test(tests, a_name_that_nobody_has_is_unknown);
	tcase_add_test(tests, check_in_gives_the_receive_right_and_look_up_send_rights);
	tcase_add_test(tests, a_name_has_one_owner);
	tcase_add_test(tests, register_publishes_a_copy_and_null_takes_it_back);
	tcase_add_test(tests, a_destroyed_port_frees_its_name);
	tcase_add_test(tests, names_have_up_to_127_bytes);
	tcase_add_test(tests, a_service_of_another_process);
	tcase_add_test(tests, a_subset_is_for_a_task_and_its_children);
	tcase_add_test(tests, a_created_name_waits_for_who_checks_in);
	return flow_run(suite);
}
