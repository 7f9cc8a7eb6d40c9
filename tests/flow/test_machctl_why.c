/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl why, graph and leaks look at processes that wait for each other, talk to each other, and
 * have more and more names.
 */
#include <ctype.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

#define SERVICE "org.machd.test.\"why\""

static void assert_has(const char *text, const char *wanted)
{
	ck_assert_msg(strstr(text, wanted) != NULL, "no '%s' in: %s", wanted, text);
}

/* `machctl why` about a process, as JSON or not; it must end with that status. */
static void why(struct machctl *run, pid_t pid, bool json, int status)
{
	char text[16];

	snprintf(text, sizeof text, "%d", pid);
	machctl_run(run, "why", text, json ? "--json" : NULL, NULL);
	ck_assert_str_eq(run->err, "");
	ck_assert_int_eq(run->status, status);
	ck_assert(!json || json_valid(run->out));
}

/* --- why --- */

static void call_service(void *argument)
{
	struct flow_message message = {0};
	mach_port_t port, reply = mach_reply_port();

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	flow_tell_parent(1);
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
		    4711);
	mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message.header,
		 sizeof message, reply, 0, MACH_PORT_NULL);
}

/* A caller waits for who has not received its request yet, and then for who has. */
START_TEST(a_call_waits_for_its_server)
{
	struct flow_message message;
	struct flow_child child;
	struct machctl run;
	mach_port_t port;
	char text[128];

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_fork(&child, call_service, NULL);
	flow_hear(&child);
	flow_await_waiting(child.pid, 1);
	why(&run, child.pid, false, 0);
	snprintf(text, sizeof text, "PID %d test_machctl_wh has not received message 4711",
		 getpid());
	assert_has(run.out, text);
	snprintf(text, sizeof text,
		 "\n    PID %d test_machctl_wh: its thread does not wait in machd\n", getpid());
	assert_has(run.out, text);
	machctl_free(&run);

	flow_await(port, &message);
	why(&run, child.pid, true, 0);
	assert_has(run.out, "{\"depth\": 0,");
	assert_has(run.out, "\"state\": \"receive\"");
	assert_has(run.out, "has a right to it, once, as 0x");
	assert_has(run.out, "{\"depth\": 1,");
	assert_has(run.out, "\"state\": \"running\"");
	machctl_free(&run);
	flow_kill(&child);
}
END_TEST

static void block_at_service(void *argument)
{
	struct flow_message message = {0};
	mach_port_t port;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	flow_tell_parent(1);
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 1);
	mach_msg(&message.header, MACH_SEND_MSG, sizeof message.header, 0, MACH_PORT_NULL, 0,
		 MACH_PORT_NULL);
}

START_TEST(a_full_queue_is_named)
{
	struct flow_child child;
	struct machctl run;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_set_qlimit(port, 0);
	flow_fork(&child, block_at_service, NULL);
	flow_hear(&child);
	flow_await_waiting(child.pid, 1);
	why(&run, child.pid, false, 0);
	assert_has(run.out, " " SERVICE ", its queue is full: 0/0\n");
	assert_has(run.out, "receives from it, as ");
	machctl_free(&run);
	flow_kill(&child);
}
END_TEST

static void serve_nobody(void *argument)
{
	struct flow_message message;
	mach_port_t port;

	(void)argument;
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_tell_parent(1);
	mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, port, 0, MACH_PORT_NULL);
}

START_TEST(an_idle_server_waits_for_anybody)
{
	struct flow_child child;
	struct machctl run;

	flow_fork(&child, serve_nobody, NULL);
	flow_hear(&child);
	flow_await_waiting(child.pid, 1);
	why(&run, child.pid, false, 0);
	assert_has(run.out, "anybody who has a right to it or gets one could end this");
	machctl_free(&run);
	flow_kill(&child);
}
END_TEST

/*
 * The child calls the parent's service; the parent receives the call and, in a third process's
 * place, calls back a port that the child will never look at: both wait for each other.
 */
static void call_and_be_called(void *argument)
{
	struct flow_message message = {0};
	mach_port_t port, reply = mach_reply_port(), mine;

	(void)argument;
	CHECK_OK(bootstrap_check_in(bootstrap_port, "org.machd.test.back", &mine));
	flow_tell_parent(1);
	flow_hear_parent();
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
		    1);
	mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message.header,
		 sizeof message, reply, 0, MACH_PORT_NULL);
	flow_hear_parent(); /* whoever ends first, the other one stays */
}

static void take_call_and_call_back(void *argument)
{
	struct flow_message message;
	mach_port_t port, back, reply = mach_reply_port();

	(void)argument;
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_tell_parent(1);
	flow_await(port, &message);
	CHECK_OK(bootstrap_look_up(bootstrap_port, "org.machd.test.back", &back));
	flow_header(&message, back, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
		    2);
	mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message.header,
		 sizeof message, reply, 0, MACH_PORT_NULL);
	flow_hear_parent(); /* whoever ends first, the other one stays */
}

START_TEST(a_circle_is_shown_as_one)
{
	struct flow_child caller, called;
	struct machctl run;
	char text[96];

	flow_fork(&caller, call_and_be_called, NULL);
	flow_hear(&caller);
	flow_fork(&called, take_call_and_call_back, NULL);
	flow_hear(&called);
	flow_tell(&caller, 1);
	flow_await_waiting(caller.pid, 1);
	flow_await_waiting(called.pid, 1);
	/* Its first wait may have been for the call; in a moment it is for the answer. */
	for (;;) {
		machctl_run(&run, "queues", "--json", NULL);
		ck_assert_int_eq(run.status, 0);
		if (strstr(run.out, "org.machd.test.back"))
			break;
		machctl_free(&run);
	}
	machctl_free(&run);
	flow_await_waiting(called.pid, 1);
	why(&run, caller.pid, false, 4);
	snprintf(text, sizeof text, "PID %d test_machctl_wh again: this is a circle\n", caller.pid);
	assert_has(run.out, text);
	machctl_free(&run);
	why(&run, called.pid, true, 4);
	assert_has(run.out, "\"state\": \"circle\"");
	machctl_free(&run);
	flow_kill(&caller);
	flow_kill(&called);
}
END_TEST

START_TEST(a_process_without_a_task_is_an_error)
{
	struct machctl run;

	machctl_run(&run, "why", "2147483647", NULL);
	ck_assert_int_eq(run.status, 1);
	assert_has(run.err, "process 2147483647 has no task");
	machctl_free(&run);
	machctl_run(&run, "why", NULL);
	ck_assert_int_eq(run.status, 2);
	assert_has(run.err, "PID is missing");
	machctl_free(&run);
}
END_TEST

/* --- graph: a reader of the DOT that machctl writes --- */

static const char *skip_blanks(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* An identifier or a quoted string; NULL: neither. */
static const char *dot_id(const char *at)
{
	const char *start = at;

	if (*at != '"') {
		while (isalnum((unsigned char)*at) || *at == '_')
			at++;
		return at == start ? NULL : at;
	}
	for (at++; *at && *at != '"'; at++) {
		if (*at == '\n' || (*at == '\\' && !strchr("\\\"n", at[1])))
			return NULL;
		at += *at == '\\';
	}
	return *at ? at + 1 : NULL;
}

/* [key=value, ...] */
static const char *dot_attributes(const char *at)
{
	do {
		at = dot_id(skip_blanks(at + 1));
		if (!at || *at++ != '=')
			return NULL;
		at = dot_id(at);
	} while (at && *at == ',');
	return at && *at == ']' ? at + 1 : NULL;
}

/* A node, an arrow or a setting, up to its semicolon. */
static const char *dot_statement(const char *at)
{
	at = dot_id(at);
	if (at && *at == '=')
		at = dot_id(at + 1);
	if (at && strncmp(at, " -> ", 4) == 0)
		at = dot_id(at + 4);
	if (at && strncmp(at, " [", 2) == 0)
		at = dot_attributes(at + 1);
	return at && *at == ';' ? at + 1 : NULL;
}

static bool dot_valid(const char *text)
{
	const char *at = strncmp(text, "digraph machd {\n", 16) == 0 ? text + 16 : NULL;

	while (at && *(at = skip_blanks(at)) && *at != '}')
		at = dot_statement(at);
	return at && *at == '}' && *skip_blanks(at + 1) == 0;
}

START_TEST(a_graph_is_dot)
{
	mach_port_t port = flow_port(), other = flow_port(), service;
	struct flow_message message = {0};
	struct machctl run;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE "\\\n", &service));
	flow_fill(port, 5);
	flow_complex(&message, other, MACH_MSG_TYPE_COPY_SEND, 3);
	flow_add_port(&message, port, MACH_MSG_TYPE_MAKE_SEND);
	CHECK_OK(flow_send(&message));
	machctl_run(&run, "graph", NULL);
	ck_assert_int_eq(run.status, 0);
	ck_assert_msg(dot_valid(run.out), "not DOT: %s", run.out);
	assert_has(run.out, "label=\"test_machctl_wh\\nPID ");
	assert_has(run.out, "\\\"why\\\"\\\\x5c\\\\x0a\\nport ");
	assert_has(run.out, "fillcolor=red, label=\"port ");
	assert_has(run.out, "\\n5/5\"");
	assert_has(run.out, "fillcolor=yellow");
	assert_has(run.out, "[style=dotted, label=\"send in a message\"]");
	ck_assert_ptr_null(strstr(run.out, "bootstrap"));
	machctl_free(&run);
	machctl_run(&run, "graph", "--all", NULL);
	ck_assert(dot_valid(run.out));
	assert_has(run.out, "bootstrap");
	machctl_free(&run);
	machctl_run(&run, "graph", "--json", NULL);
	ck_assert(json_valid(run.out));
	assert_has(run.out, "{\"element\": \"message\"");
	machctl_free(&run);
}
END_TEST

/* What the other test leans on; and dot itself, where there is one. */
START_TEST(bad_dot_is_noticed)
{
	static const char *const bad[] = {
		"",
		"digraph machd {\n",
		"digraph machd {\n a\n}\n",
		"digraph machd {\n a -> ;\n}\n",
		"digraph machd {\n a [label=\"x];\n}\n",
		"digraph machd {\n a [label=\"\\q\"];\n}\n",
		"digraph machd {\n a [label];\n}\n",
		"digraph machd {\n}\n}\n",
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!dot_valid(bad[i]), "taken for DOT: %s", bad[i]);
	if (system("command -v dot >/dev/null") == 0)
		ck_assert_int_eq(system("\"$MACHCTL_BINARY\" graph -a | dot -Tsvg >/dev/null"), 0);
}
END_TEST

/* --- leaks --- */

static void leak_until_killed(void *argument)
{
	(void)argument;
	flow_receive_right();
	flow_tell_parent(1);
	for (;;)
		if (mach_port_deallocate(mach_task_self(), flow_dead_name(1)) == KERN_SUCCESS)
			flow_receive_right();
}

START_TEST(a_task_that_has_more_and_more_names_is_found)
{
	struct flow_child child;
	struct machctl run;
	char text[32], *line;

	flow_fork(&child, leak_until_killed, NULL);
	flow_hear(&child);
	/* On a busy machine it may not have come to it between two looks. */
	for (;;) {
		machctl_run(&run, "leaks", "-i", "0.05", "-n", "2", "--json", NULL);
		ck_assert(run.status == 0 || run.status == 4);
		ck_assert(json_valid(run.out));
		if (run.status == 4)
			break;
		machctl_free(&run);
	}
	snprintf(text, sizeof text, "\"pid\": %d,", child.pid);
	line = machctl_line(run.out, text);
	ck_assert_ptr_nonnull(line);
	ck_assert_uint_ge(json_number_in(line, "grew"), 2);
	ck_assert_uint_eq(json_number_in(line, "times"), 2);
	assert_has(line, "\"leak\": true");
	free(line);
	machctl_free(&run);
	flow_kill(&child);
}
END_TEST

START_TEST(where_nothing_grows_nothing_is_shown)
{
	struct machctl run;

	machctl_run(&run, "leaks", "-i", "0.01", "-n", "1", "--json", NULL);
	ck_assert_int_eq(run.status, 0);
	ck_assert_str_eq(run.out, "[]\n");
	machctl_free(&run);
	machctl_run(&run, "leaks", "-i", "0", NULL);
	ck_assert_int_eq(run.status, 2);
	machctl_free(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl_why");
	TCase *tcase = flow_case(suite, "real daemon");

	tcase_add_test(tcase, a_call_waits_for_its_server);
	tcase_add_test(tcase, a_full_queue_is_named);
	tcase_add_test(tcase, an_idle_server_waits_for_anybody);
	tcase_add_test(tcase, a_circle_is_shown_as_one);
	tcase_add_test(tcase, a_process_without_a_task_is_an_error);
	tcase_add_test(tcase, a_graph_is_dot);
	tcase_add_test(tcase, bad_dot_is_noticed);
	tcase_add_test(tcase, a_task_that_has_more_and_more_names_is_found);
	tcase_add_test(tcase, where_nothing_grows_nothing_is_shown);
	return flow_run(suite);
}
