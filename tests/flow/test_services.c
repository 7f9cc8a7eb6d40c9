/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that machd starts by command: on the first look-up, again after a crash, and not for
 * ever. Every run is recorded and done again from the record (flow_stop()).
 */
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <servers/bootstrap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/services.h"

#define ECHO "[service]\nName=" SERVICE "\nStartCommand=%s\nStartCommand=serve " SERVICE "\n"

static mach_port_t look_up(void)
{
	mach_port_t service;

	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	return service;
}

static mach_msg_id_t call(mach_port_t service, mach_port_t reply, mach_msg_id_t id)
{
	CHECK_OK(services_ask(service, reply, id));
	return services_answer(reply);
}

/* Ask what nobody will answer. Was it early enough to be sent? Who is too late is told as well. */
static bool asked(mach_port_t service, mach_port_t reply, mach_msg_id_t id)
{
	mach_msg_return_t code = services_ask(service, reply, id);

	if (code != MACH_MSG_SUCCESS)
		CHECK_CODE(code, MACH_SEND_INVALID_DEST);
	return code == MACH_MSG_SUCCESS;
}

START_TEST(a_look_up_starts_a_service_and_messages_wait_for_it)
{
	mach_port_t service, reply;

	services_start(ECHO);
	reply = flow_receive_right();
	service = look_up();
	for (mach_msg_id_t id = 1; id <= 5; id++)
		CHECK_OK(services_ask(service, reply, id));
	for (mach_msg_id_t id = 1; id <= 5; id++)
		CHECK_EQ(services_answer(reply), id + 100);
	CHECK_EQ(flow_logged("starting " SERVICE), 1);
	services_stop();
}
END_TEST

START_TEST(a_crash_costs_the_client_of_one_request_only)
{
	mach_port_t service, reply, other;

	services_start(ECHO);
	reply = flow_receive_right();
	other = flow_receive_right();
	service = look_up();
	CHECK_EQ(call(service, reply, 1), 101);
	CHECK_OK(services_ask(service, reply, CRASH));
	for (mach_msg_id_t id = 2; id <= 4; id++)
		CHECK_OK(services_ask(service, other, id));
	CHECK_EQ(services_answer(reply), MACH_NOTIFY_SEND_ONCE);
	for (mach_msg_id_t id = 2; id <= 4; id++)
		CHECK_EQ(services_answer(other), id + 100);
	CHECK_EQ(flow_logged("starting " SERVICE), 2);
	CHECK_EQ(flow_type(service), MACH_PORT_TYPE_SEND);
	services_stop();
}
END_TEST

START_TEST(a_service_that_has_crashed_is_back_with_the_next_message)
{
	mach_port_t service, reply;
	pid_t first, second;

	services_start(ECHO);
	reply = flow_receive_right();
	service = look_up();
	first = call(service, reply, SAY_PID);
	CHECK(kill(first, SIGKILL) == 0);
	flow_await_gone(first);
	CHECK_EQ(flow_logged("starting " SERVICE), 1);
	second = call(service, reply, SAY_PID);
	CHECK(first != second);
	CHECK_EQ(flow_logged("starting " SERVICE), 2);
	services_stop();
}
END_TEST

START_TEST(a_service_that_always_crashes_is_given_up)
{
	mach_port_t service, reply;
	unsigned sent = 0;

	services_start(ECHO "StartLimitBurst=3\nStartLimitInterval=1h\n");
	reply = flow_receive_right();
	service = look_up();
	for (int i = 0; i < 4; i++)
		sent += asked(service, reply, CRASH);
	CHECK(sent >= 3);
	for (unsigned i = 0; i < sent; i++)
		CHECK_EQ(services_answer(reply), MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_logged("starting " SERVICE), 3);
	CHECK_EQ(flow_type(service), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_CODE(bootstrap_look_up(bootstrap_port, SERVICE, &service), BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_EQ(flow_logged("StartLimitBurst="), 1);
	services_stop();
}
END_TEST

/* --- starts that come to nothing --- */

static const struct {
	const char *file, *log;
} failures[] = {
	{"[service]\nName=" SERVICE "\nStartCommand=/nonexistent\n",
	 "/nonexistent cannot be started"},
	{"[service]\nName=" SERVICE "\nStartCommand=%s\nStartCommand=serve exit 7\n",
	 "its command exited with status 7"},
	{"[service]\nName=" SERVICE "\nStartCommand=%s\nStartCommand=serve exit 0\n",
	 "its command ended without checking in"},
	{"[service]\nName=" SERVICE "\nStartCommand=%s\nStartCommand=serve kill\n",
	 "its command was ended by signal 9"},
	{"[service]\nName=" SERVICE
	 "\nStartCommand=%s\nStartCommand=serve leave wait\nStartTimeout=50ms\n",
	 "nobody checked in within its StartTimeout="},
	{"[service]\nName=" SERVICE "\nStartUnit=example.service\n", "systemd cannot be asked"},
};

START_TEST(who_waits_is_told_that_it_cannot_be_started)
{
	mach_port_t service, reply;

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	services_start(failures[_i].file);
	reply = flow_receive_right();
	service = look_up();
	if (asked(service, reply, 1))
		CHECK_EQ(services_answer(reply), MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_type(service), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_logged(failures[_i].log), 1);
	services_stop();
}
END_TEST

START_TEST(a_command_may_leave_the_service_behind)
{
	mach_port_t service, reply;
	struct pollfd end = {.events = POLLIN};

	services_start("[service]\nName=" SERVICE "\nStartCommand=%s\n"
		       "StartCommand=serve leave " SERVICE "\n");
	reply = flow_receive_right();
	service = look_up();
	end.fd = (int)syscall(SYS_pidfd_open, call(service, reply, SAY_PID), 0);
	CHECK(end.fd >= 0);
	flow_stop();
	CHECK(poll(&end, 1, -1) == 1); /* it ends with the daemon all the same */
	close(end.fd);
	flow_start();
	services_stop();
}
END_TEST

START_TEST(a_command_that_does_not_check_in_is_ended)
{
	mach_port_t reply;

	services_start("[service]\nName=" SERVICE "\nStartCommand=%s\n"
		       "StartCommand=serve hold %d/fifo\nStartTimeout=200ms\n");
	services_fifo("fifo");
	reply = flow_receive_right();
	if (asked(look_up(), reply, 1))
		CHECK_EQ(services_answer(reply), MACH_NOTIFY_SEND_ONCE);
	while (flow_logged("the command of " SERVICE " ended: status 0, signal 15") == 0)
		sched_yield();
	services_stop();
}
END_TEST

START_TEST(commands_end_with_machd)
{
	int fifo;

	services_start("[service]\nName=" SERVICE "\nStartCommand=%s\n"
		       "StartCommand=serve hold %d/fifo\n");
	fifo = services_fifo("fifo");
	look_up();
	services_await_open(fifo);
	flow_stop();
	services_await_close(fifo);
	flow_start();
	services_stop();
}
END_TEST

/* --- what a command gets --- */

START_TEST(its_environment_is_small)
{
	mach_port_t reply;
	int variables = getenv("XDG_RUNTIME_DIR") ? 6 : 5;

	services_start(ECHO);
	reply = flow_receive_right();
	CHECK_EQ(call(look_up(), reply, SAY_VARIABLE), variables);
	services_stop();
}
END_TEST

/* --- who may --- */

START_TEST(a_name_is_for_whom_its_file_names)
{
	mach_port_t port;

	services_start("[service]\nName=own.no\nOwnUsers=54321\n"
		       "[service]\nName=look.no\nOwnUsers=all\nLookUpUsers=54321\n"
		       "[service]\nName=default\n"
		       "[service]\nName=some.*\nOwnUnit=example.service\n");
	CHECK_CODE(bootstrap_check_in(bootstrap_port, "own.no", &port), BOOTSTRAP_NOT_PRIVILEGED);
	CHECK_CODE(bootstrap_look_up(bootstrap_port, "own.no", &port), BOOTSTRAP_UNKNOWN_SERVICE);
	CHECK_OK(bootstrap_check_in(bootstrap_port, "look.no", &port));
	CHECK_CODE(bootstrap_look_up(bootstrap_port, "look.no", &port), BOOTSTRAP_NOT_PRIVILEGED);
	CHECK_OK(bootstrap_check_in(bootstrap_port, "default", &port));
	CHECK_CODE(bootstrap_check_in(bootstrap_port, "some.name", &port),
		   BOOTSTRAP_NOT_PRIVILEGED);
	services_stop();
}
END_TEST

/* In a process of its own, whose groups the daemon learns when it connects. */
static void check_in_by_group(void *unused)
{
	gid_t group = 54321;
	mach_port_t port;

	(void)unused;
	CHECK(getuid() != 0 || setgroups(1, &group) == 0);
	CHECK_OK(bootstrap_check_in(bootstrap_port, "group.own", &port));
	CHECK_CODE(bootstrap_check_in(bootstrap_port, "group.more", &port),
		   getuid() == 0 ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NOT_PRIVILEGED);
}

START_TEST(groups_are_those_of_the_process)
{
	struct flow_child child;
	mach_port_t port;
	char rules[256];

	snprintf(rules, sizeof rules,
		 "[service]\nName=group.own\nOwnGroups=%u\n"
		 "[service]\nName=group.more\nOwnGroups=54321\n",
		 getgid());
	services_start(rules);
	CHECK_CODE(bootstrap_check_in(bootstrap_port, "group.more", &port),
		   BOOTSTRAP_NOT_PRIVILEGED);
	flow_fork(&child, check_in_by_group, NULL);
	flow_join(&child);
	services_stop();
}
END_TEST

/* --- SIGHUP --- */

START_TEST(files_are_read_again)
{
	mach_port_t service, reply;

	services_start("");
	reply = flow_receive_right();
	CHECK_CODE(bootstrap_look_up(bootstrap_port, SERVICE, &service), BOOTSTRAP_UNKNOWN_SERVICE);
	services_write("new.conf", ECHO);
	services_reload();
	service = look_up();
	CHECK_EQ(call(service, reply, 1), 101);
	services_write("test.conf", "[service]\nName=other\nColour=red\n");
	services_write("new.conf", ECHO "LookUpUsers=54321\n[service]\nName=\n");
	services_reload();
	CHECK_EQ(flow_logged("test.conf:3: unknown key Colour="), 1);
	CHECK_EQ(flow_logged("new.conf:7: Name="), 1);
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service)); /* the old rule stays */
	CHECK_EQ(call(service, reply, 2), 102);
	services_write("new.conf", NULL);
	services_reload();
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE,
				   &service)); /* the name is its holder's */
	CHECK_OK(services_ask(service, reply, CRASH));
	CHECK_EQ(services_answer(reply), MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(bootstrap_look_up(bootstrap_port, SERVICE, &service), BOOTSTRAP_UNKNOWN_SERVICE);
	services_stop();
}
END_TEST

/* The exit status of machd --check-config with the daemon's own machd.conf. */
static int check_config(void)
{
	const char *socket = flow_socket();
	char command[512];

	snprintf(command, sizeof command, "%s --check-config --config %.*s/machd.conf >%s 2>&1",
		 getenv("MACHD_BINARY"), (int)(strrchr(socket, '/') - socket), socket,
		 services_path("said"));
	return WEXITSTATUS(system(command));
}

START_TEST(check_config_looks_at_them_too)
{
	services_start("[service]\nName=a\nColour=red\n");
	CHECK_EQ(flow_logged("test.conf:3: unknown key Colour="), 1); /* and machd has started */
	CHECK_EQ(check_config(), 78);
	services_write("test.conf", "[service]\nName=a\n");
	CHECK_EQ(check_config(), 0);
	services_stop();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("services");
	TCase *tests = tcase_create("services");

	services_main(argc, argv);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, a_look_up_starts_a_service_and_messages_wait_for_it);
	tcase_add_test(tests, a_crash_costs_the_client_of_one_request_only);
	tcase_add_test(tests, a_service_that_has_crashed_is_back_with_the_next_message);
	tcase_add_test(tests, a_service_that_always_crashes_is_given_up);
	tcase_add_loop_test(tests, who_waits_is_told_that_it_cannot_be_started, 0,
			    sizeof failures / sizeof *failures);
	tcase_add_test(tests, a_command_may_leave_the_service_behind);
	tcase_add_test(tests, a_command_that_does_not_check_in_is_ended);
	tcase_add_test(tests, commands_end_with_machd);
	tcase_add_test(tests, its_environment_is_small);
	tcase_add_test(tests, a_name_is_for_whom_its_file_names);
	tcase_add_test(tests, groups_are_those_of_the_process);
	tcase_add_test(tests, files_are_read_again);
	tcase_add_test(tests, check_config_looks_at_them_too);
	return flow_run(suite);
}
