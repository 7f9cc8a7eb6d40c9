/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance from end to end: a child process that donates, the test process that serves it, what
 * machctl shows of that, and what Linux makes of it [5.2].
 */
#include <errno.h>
#include <libproc_internal.h>
#include <mach/mig_errors.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define SERVICE	  "org.example.important"
#define NICE	  5

/* A member of what `machctl ps --json` says of this process. */
static uint64_t shown(const char *key)
{
	char pid[32], *line;
	struct machctl run;
	uint64_t number;

	snprintf(pid, sizeof pid, "\"pid\": %d,", getpid());
	machctl_run(&run, "--json", "--socket", flow_socket(), "ps", NULL);
	CHECK_EQ(run.status, 0);
	CHECK(json_valid(run.out));
	line = machctl_line(run.out, pid);
	CHECK(line != NULL);
	number = json_number_in(line, key);
	free(line);
	machctl_free(&run);
	return number;
}

/* A port that accepts importance, with its service name. */
static mach_port_t serve(void)
{
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	CHECK_OK(mach_port_set_attributes(mach_task_self(), port, MACH_PORT_IMPORTANCE_RECEIVER,
					  NULL, 0));
	return port;
}

static uint32_t boosts_of(mach_port_t port)
{
	mach_port_info_ext_t info;
	mach_msg_type_number_t count = MACH_PORT_INFO_EXT_COUNT;

	CHECK_OK(mach_port_get_attributes(mach_task_self(), port, MACH_PORT_INFO_EXT,
					  (mach_port_info_t)&info, &count));
	CHECK_EQ(count, MACH_PORT_INFO_EXT_COUNT);
	return info.mpie_boost_cnt;
}

/* A donor: each word from the parent is how many requests to make, then it waits for the replies.
 */
static void donor(void *argument)
{
	mach_port_t service, reply = flow_receive_right();
	struct flow_message message;
	uint32_t count;

	(void)argument;
	CHECK(proc_donate_importance_boost() == 0);
	CHECK(proc_donate_importance_boost() == 0);
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	while ((count = flow_hear_parent()) != 0) {
		for (uint32_t i = 0; i < count; i++)
			CHECK_OK(flow_send_to(service, COPY, reply, MAKE_ONCE, 7));
		flow_tell_parent(count);
		for (uint32_t i = 0; i < count; i++) {
			flow_await(reply, &message);
			CHECK(!MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits));
		}
	}
}

static void ask(struct flow_child *child, uint32_t count)
{
	flow_tell(child, count);
	CHECK_EQ(flow_hear(child), count);
}

static void finish(struct flow_child *child)
{
	flow_tell(child, 0);
	flow_join(child);
}

static void reply_to(const struct flow_message *request)
{
	CHECK_OK(flow_send_to(request->header.msgh_remote_port, SEND_ONCE, 0, 0, 107));
}

START_TEST(a_server_is_important_until_it_has_replied)
{
	mach_port_t port = serve();
	struct flow_message first, second;
	struct flow_child child;

	flow_fork(&child, donor, NULL);
	ask(&child, 2);
	CHECK_EQ(boosts_of(port), 2);
	CHECK_EQ(shown("boosts"), 2);
	CHECK_OK(flow_receive(port, &first));
	CHECK_OK(flow_receive(port, &second));
	CHECK_EQ(MACH_MSGH_BITS_OTHER(first.header.msgh_bits), MACH_MSGH_BITS_RAISEIMP);
	CHECK_EQ(boosts_of(port), 0);
	CHECK_EQ(shown("boosts"), 2);
	reply_to(&first);
	CHECK_EQ(shown("boosts"), 1);
	reply_to(&second);
	CHECK_EQ(shown("boosts"), 0);
	finish(&child);
}
END_TEST

START_TEST(a_voucher_keeps_what_came_with_it)
{
	mach_port_t port = serve();
	struct flow_message request;
	struct flow_child child;

	flow_fork(&child, donor, NULL);
	ask(&child, 1);
	CHECK_OK(mach_msg(&request.header, MACH_RCV_MSG | MACH_RCV_VOUCHER | MACH_RCV_TIMEOUT, 0,
			  sizeof request, port, 5000, MACH_PORT_NULL));
	CHECK_EQ(MACH_MSGH_BITS_OTHER(request.header.msgh_bits), MACH_MSGH_BITS_RAISEIMP);
	CHECK_EQ(MACH_MSGH_BITS_VOUCHER(request.header.msgh_bits), MACH_MSG_TYPE_MOVE_SEND);
	reply_to(&request);
	CHECK_EQ(shown("boosts"), 1);
	CHECK_EQ(shown("inherited"), 1);
	CHECK_OK(mach_port_deallocate(mach_task_self(), request.header.msgh_voucher_port));
	CHECK_EQ(shown("boosts"), 0);
	CHECK_EQ(shown("inherited"), 0);
	finish(&child);
}
END_TEST

START_TEST(assertions_outlast_the_reply)
{
	mach_port_t port = serve();
	struct flow_message request;
	struct flow_child child;
	uint64_t token = 0, second;

	flow_fork(&child, donor, NULL);
	ask(&child, 1);
	CHECK_OK(flow_receive(port, &request));
	CHECK(proc_importance_assertion_begin_with_msg(&request.header, NULL, NULL) == EINVAL);
	CHECK(proc_importance_assertion_begin_with_msg(&request.header, NULL, &token) == 0);
	CHECK(proc_denap_assertion_begin_with_msg(&request.header, &second) == 0);
	CHECK(MACH_MSGH_BITS_HOLDS_IMPORTANCE_ASSERTION(request.header.msgh_bits));
	CHECK_EQ(shown("boosts"), 3);
	reply_to(&request);
	CHECK(proc_importance_assertion_begin_with_msg(&request.header, NULL, &second) ==
	      EOVERFLOW);
	CHECK_EQ(shown("boosts"), 2);
	CHECK(proc_importance_assertion_complete(0) == EINVAL);
	CHECK(proc_importance_assertion_complete(token) == 0);
	CHECK(proc_denap_assertion_complete(second) == 0);
	CHECK(proc_importance_assertion_complete(token) == EOVERFLOW);
	CHECK_EQ(shown("boosts"), 0);
	request.header.msgh_bits = 0;
	CHECK(proc_importance_assertion_begin_with_msg(&request.header, NULL, &token) == EOVERFLOW);
	finish(&child);
}
END_TEST

START_TEST(a_client_that_dies_leaves_no_boost)
{
	mach_port_t port = serve();
	struct flow_message request;
	struct flow_child child;
	mach_port_type_t type;

	flow_fork(&child, donor, NULL);
	ask(&child, 1);
	CHECK_OK(flow_receive(port, &request));
	flow_kill(&child);
	CHECK_OK(mach_port_type(mach_task_self(), request.header.msgh_remote_port, &type));
	CHECK_EQ(type, MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(shown("boosts"), 0);
}
END_TEST

/* --- mach_msg_server_importance --- */

static uint64_t while_handled;

/* Replies early, by itself. */
static boolean_t demux(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;
	struct flow_message message = {.header = *request};

	reply_to(&message);
	while_handled = shown("boosts");
	error->Head = (mach_msg_header_t){.msgh_size = sizeof *error};
	error->RetCode = MIG_NO_REPLY;
	return TRUE;
}

START_TEST(a_server_of_importance_keeps_it_while_it_handles_a_request)
{
	mach_port_t port = serve();
	struct flow_child child;

	flow_fork(&child, donor, NULL);
	for (uint64_t importance = 0; importance < 2; importance++) {
		ask(&child, 1);
		CHECK_CODE((importance ? mach_msg_server_importance
				       : mach_msg_server)(demux, 256, port, MACH_RCV_TIMEOUT),
			   MACH_RCV_TIMED_OUT);
		CHECK_EQ(while_handled, importance);
		CHECK_EQ(shown("boosts"), 0);
	}
	finish(&child);
}
END_TEST

/* --- what an administrator sees and sets --- */

START_TEST(machctl_shows_who_accepts_importance)
{
	mach_port_t port = serve();
	struct flow_child child;
	struct machctl run;
	char text[32], *line;

	flow_fork(&child, donor, NULL);
	ask(&child, 3);
	snprintf(text, sizeof text, "%d", getpid());
	machctl_run(&run, "--json", "--socket", flow_socket(), "ports", text, NULL);
	CHECK(json_valid(run.out));
	line = machctl_line(run.out, "\"service\": \"" SERVICE "\"");
	CHECK(strstr(line, "\"importance\": true, \"temporary_owner\": false") != NULL);
	CHECK_EQ(json_number_in(line, "boosts"), 3);
	free(line);
	machctl_free(&run);

	machctl_run(&run, "--socket", flow_socket(), "ps", NULL);
	line = machctl_line(run.out, " 3\n");
	CHECK(line == NULL || strstr(line, text) != NULL);
	free(line);
	snprintf(text, sizeof text, "%d ", child.pid);
	line = machctl_line(run.out, text);
	CHECK(line[strlen(line) - 1] == '+');
	free(line);
	machctl_free(&run);
	CHECK_OK(mach_port_set_attributes(mach_task_self(), port, MACH_PORT_TEMPOWNER, NULL, 0));
	CHECK_EQ(boosts_of(port), 3);
	CHECK_EQ(shown("boosts"), 0);
	flow_kill(&child);
}
END_TEST

static void start_without_donors(void)
{
	flow_start_with(&(struct flow_options){.config = "[limits]\nDonorsPerUser=0\n"});
}

START_TEST(donors_can_be_forbidden)
{
	CHECK(proc_donate_importance_boost() == EPERM);
}
END_TEST

START_TEST(without_a_daemon_there_are_no_donors)
{
	CHECK(flow_task_count() <= 1);
	flow_crash();
	CHECK(proc_donate_importance_boost() == ENOTCONN);
}
END_TEST

static void start_with_nice(void)
{
	flow_start_with(&(struct flow_options){.config = "[machd]\nImportanceNice=-5\n"});
}

/* The daemon answers first; the next call finds it done with all of the last. */
static int nice_now(void)
{
	mach_port_type_t type;

	mach_port_type(mach_task_self(), mach_task_self(), &type);
	return getpriority(PRIO_PROCESS, 0);
}

START_TEST(an_important_process_gets_a_better_nice_value)
{
	int usual = getpriority(PRIO_PROCESS, 0);
	mach_port_t port = serve();
	struct flow_message request;
	struct flow_child child;

	flow_fork(&child, donor, NULL);
	ask(&child, 1);
	CHECK_OK(flow_receive(port, &request));
	if (flow_logged("ImportanceNice= has no effect")) {
		/* The daemon of this test may not: it has said so, and goes on counting. */
		CHECK(nice_now() == usual);
		CHECK_EQ(shown("boosts"), 1);
	} else {
		CHECK(nice_now() == usual - NICE);
	}
	reply_to(&request);
	CHECK(nice_now() == usual);
	finish(&child);
}
END_TEST

static TCase *own_case(Suite *suite, const char *name, void (*set_up)(void))
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, set_up, flow_stop);
	suite_add_tcase(suite, tests);
	return tests;
}

int main(void)
{
	Suite *suite = suite_create("importance");
	TCase *tests = flow_case(suite, "importance");

	tcase_add_test(tests, a_server_is_important_until_it_has_replied);
	tcase_add_test(tests, a_voucher_keeps_what_came_with_it);
	tcase_add_test(tests, assertions_outlast_the_reply);
	tcase_add_test(tests, a_client_that_dies_leaves_no_boost);
	tcase_add_test(tests, a_server_of_importance_keeps_it_while_it_handles_a_request);
	tcase_add_test(tests, machctl_shows_who_accepts_importance);
	tcase_add_test(tests, without_a_daemon_there_are_no_donors);
	tests = own_case(suite, "no donors", start_without_donors);
	tcase_add_test(tests, donors_can_be_forbidden);
	tests = own_case(suite, "nice", start_with_nice);
	tcase_add_test(tests, an_important_process_gets_a_better_nice_value);
	return flow_run(suite);
}
