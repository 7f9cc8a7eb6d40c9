/* SPDX-License-Identifier: Apache-2.0 */
/* Forked processes and what they inherit [24, 33]. case 338 */
#include <servers/bootstrap.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define SELF mach_task_self()

static mach_port_t registered(unsigned index)
{
	mach_port_t *ports, port;
	mach_msg_type_number_t count;

	CHECK_OK(mach_ports_lookup(SELF, &ports, &count));
	CHECK_EQ(count, 3);
	port = ports[index];
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)ports, count * sizeof *ports));
	return port;
}

static void look_around(void *parents_port)
{
	mach_port_t port, *parents = parents_port;

	CHECK_EQ(flow_type(*parents), 0);
	CHECK_OK(task_get_bootstrap_port(SELF, &port));
	CHECK_EQ(port, bootstrap_port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	CHECK_OK(flow_send_to(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	CHECK_OK(flow_send_to(registered(1), MACH_MSG_TYPE_MOVE_SEND, 0, 0, 2));
	CHECK_EQ(registered(0), MACH_PORT_NULL);
}

static void fork_once_more(void *parents_port)
{
	struct flow_child child;

	flow_fork(&child, look_around, parents_port);
	flow_join(&child);
}

/* Ports with names that are no child's, and inherited ones. */
static mach_port_t set_up(mach_port_t *boot)
{
	mach_port_t set[] = {MACH_PORT_NULL, MACH_PORT_NULL};

	for (unsigned i = 0; i < 20; i++)
		flow_port();
	*boot = flow_port();
	set[1] = flow_port();
	CHECK_OK(mach_ports_register(SELF, set, 2));
	CHECK_OK(task_set_bootstrap_port(SELF, *boot));
	return set[1];
}

static void check_messages(mach_port_t boot, mach_port_t port)
{
	struct flow_message message;

	flow_await(boot, &message);
	CHECK_EQ(message.header.msgh_id, 1);
	flow_await(port, &message);
	CHECK_EQ(message.header.msgh_id, 2);
}

START_TEST(v338_a_child_inherits_ports_but_no_names)
{
	struct flow_child child;
	mach_port_t boot, port = set_up(&boot);

	flow_fork(&child, look_around, &port);
	check_messages(boot, port);
	flow_join(&child);
	flow_await_gone(child.pid);
	CHECK_EQ(flow_status(port).mps_srights, 1);
}
END_TEST

/* The child in between never uses machd; its child inherits what it would have. */
START_TEST(v338_a_child_of_a_silent_child_inherits_as_well)
{
	struct flow_child child;
	mach_port_t boot, port = set_up(&boot);

	flow_fork(&child, fork_once_more, &port);
	check_messages(boot, port);
	flow_join(&child);
}
END_TEST

/* A process that goes into the background: its parent is gone before it does anything. */
static void go_into_the_background(void *unused)
{
	mach_port_t port;
	pid_t pid;
	int ends[2];
	char byte;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.fork", &port));
	CHECK_OK(mach_ports_register(SELF, &port, 1));
	CHECK(pipe(ends) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid > 0)
		_exit(0);
	close(ends[1]);
	/* Nobody writes: the pipe ends when the parent is gone. */
	CHECK(read(ends[0], &byte, 1) == 0);
	CHECK_OK(flow_send_to(registered(0), MACH_MSG_TYPE_MOVE_SEND, 0, 0, 3));
	_exit(0);
}

START_TEST(v338_the_parent_may_end_at_once)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	struct flow_child child;

	CHECK_OK(bootstrap_register(bootstrap_port, "flow.fork", port));
	flow_fork(&child, go_into_the_background, NULL);
	flow_join(&child);
	flow_await_gone(child.pid);
	flow_await(port, &message);
	CHECK_EQ(message.header.msgh_id, 3);
}
END_TEST

/* A child that has set nothing itself, of a parent that nobody else has set anything for. */
static void has_the_ordinary_port(void *unused)
{
	mach_port_t port;

	(void)unused;
	CHECK_CODE(bootstrap_look_up(bootstrap_port, "flow.nobody", &port),
		   BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_EQ(registered(0), MACH_PORT_NULL);
}

START_TEST(a_plain_child_has_the_plain_bootstrap_port)
{
	struct flow_child child;

	flow_port();
	flow_fork(&child, has_the_ordinary_port, NULL);
	flow_join(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fork");
	TCase *tests = flow_case(suite, "inheritance");

	tcase_add_test(tests, v338_a_child_inherits_ports_but_no_names);
	tcase_add_test(tests, v338_a_child_of_a_silent_child_inherits_as_well);
	tcase_add_test(tests, v338_the_parent_may_end_at_once);
	tcase_add_test(tests, a_plain_child_has_the_plain_bootstrap_port);
	return flow_run(suite);
}
