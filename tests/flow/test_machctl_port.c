/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl port, queues and limits look at a real daemon: every holder of every right to a port, the
 * age of what waits in its queue, and who uses how much.
 */
#include <grp.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

#define SERVICE	   "org.machd.test.port"
#define NOBODY_UID 65534
#define GROUP	   60001

/* Run machctl, which must succeed and say nothing on stderr; JSON must be JSON. */
#define RUN(run, ...)                                                                             \
	do {                                                                                      \
		machctl_run(&(run), __VA_ARGS__);                                                 \
		ck_assert_str_eq((run).err, "");                                                  \
		ck_assert_int_eq((run).status, 0);                                                \
		ck_assert(((run).out[0] != '[' && (run).out[0] != '{') || json_valid((run).out)); \
	} while (0)

static void assert_has(const char *text, const char *wanted)
{
	ck_assert_msg(strstr(text, wanted) != NULL, "no '%s' in: %s", wanted, text);
}

static void assert_hasnt(const char *text, const char *unwanted)
{
	ck_assert_msg(strstr(text, unwanted) == NULL, "'%s' in: %s", unwanted, text);
}

/* The id of one of this process's ports. */
static uint64_t object_of(mach_port_t name)
{
	char pid[16], text[32], *line;
	struct machctl run;
	uint64_t object;

	snprintf(pid, sizeof pid, "%d", getpid());
	snprintf(text, sizeof text, "%u", name);
	RUN(run, "port", pid, text, "--json", NULL);
	line = machctl_line(run.out, "\"object\": ");
	ck_assert_ptr_nonnull(line);
	object = json_number_in(line, "object");
	free(line);
	machctl_free(&run);
	return object;
}

/* It sends a message that asks for a reply, and another that cannot be sent, and stays. */
static void fill_and_block(void *argument)
{
	struct flow_message message = {0};
	mach_port_t port;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	flow_complex(&message, port, MACH_MSG_TYPE_COPY_SEND, 4711);
	flow_add_port(&message, flow_port(), MACH_MSG_TYPE_MAKE_SEND);
	CHECK_OK(flow_send(&message));
	flow_tell_parent(1);
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, mach_reply_port(),
		    MACH_MSG_TYPE_MAKE_SEND_ONCE, 4712);
	mach_msg(&message.header, MACH_SEND_MSG, sizeof message.header, 0, MACH_PORT_NULL, 0,
		 MACH_PORT_NULL);
}

START_TEST(port_shows_every_holder)
{
	mach_port_t port, notify = flow_receive_right();
	struct flow_child child;
	struct machctl run;
	char text[64];

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_set_qlimit(port, 1);
	flow_request(port, MACH_NOTIFY_NO_SENDERS, 5, notify);
	CHECK_OK(mach_port_guard(mach_task_self(), port, 17, FALSE));
	flow_fork(&child, fill_and_block, NULL);
	flow_hear(&child);
	flow_await_waiting(child.pid, 1);

	RUN(run, "port", SERVICE, "--json", NULL);
	assert_has(run.out, "\"service\": \"" SERVICE "\"");
	assert_has(run.out, "\"msgcount\": 1,\n\"qlimit\": 1,");
	assert_has(run.out, "\"head_id\": 4711");
	snprintf(text, sizeof text, "\"head_pid\": %d,", child.pid);
	assert_has(run.out, text);
	assert_has(run.out, "\"guarded\": true");
	assert_has(run.out, "\"strict\": false");
	snprintf(text, sizeof text, "\"name\": %u, \"rights\": [\"receive\"]", port);
	assert_has(run.out, text);
	assert_has(run.out, "\"rights\": [\"send\"]");
	assert_has(run.out, "{\"how\": \"message\"");
	assert_has(run.out, "{\"how\": \"blocked_message\"");
	assert_has(run.out, "{\"how\": \"no_senders\"");
	assert_has(run.out, "{\"how\": \"bootstrap\"");
	assert_has(run.out, "{\"how\": \"wait\"");
	assert_has(run.out, "\"state\": \"send\"");
	machctl_free(&run);

	RUN(run, "port", SERVICE, NULL);
	assert_has(run.out, "queue: 1 of 1 messages, ");
	snprintf(text, sizeof text, "the first, id 4711 from PID %d, waits ", child.pid);
	assert_has(run.out, text);
	assert_has(run.out, "; 1 blocked\n");
	assert_has(run.out, "besides: guarded, no-senders asked for\n");
	snprintf(text, sizeof text, "in a blocked message of PID %d to this port, id 4712",
		 child.pid);
	assert_has(run.out, text);
	machctl_free(&run);
	flow_kill(&child);
}
END_TEST

START_TEST(port_shows_where_a_receive_right_travels)
{
	mach_port_t to = flow_port(), moving = flow_port();
	uint64_t object = object_of(moving), queue = object_of(to);
	struct flow_message message = {0};
	struct machctl run;
	char text[96], id[24];

	flow_complex(&message, to, MACH_MSG_TYPE_COPY_SEND, 3);
	flow_add_port(&message, moving, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_OK(flow_send(&message));
	snprintf(id, sizeof id, "%llu", (unsigned long long)object);
	RUN(run, "port", id, NULL);
	snprintf(text, sizeof text, "its receive right is in a message for port %llu",
		 (unsigned long long)queue);
	assert_has(run.out, text);
	snprintf(text, sizeof text, "in a message of PID %d to port %llu, id 3", getpid(),
		 (unsigned long long)queue);
	assert_has(run.out, text);
	machctl_free(&run);
	CHECK_OK(flow_receive(to, &message));
}
END_TEST

START_TEST(port_says_what_it_cannot_find)
{
	static const char *const lines[][2] = {
		{"99999999", "there is no port 99999999"},
		{"0", "there is no port 0"},
		{"org.machd.nobody", "'org.machd.nobody' is neither"},
	};
	struct machctl run;
	char pid[16];

	for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
		machctl_run(&run, "port", lines[i][0], NULL);
		ck_assert_int_eq(run.status, 1);
		ck_assert_str_eq(run.out, "");
		assert_has(run.err, lines[i][1]);
		assert_has(run.err, "`machctl ports`");
		machctl_free(&run);
	}
	snprintf(pid, sizeof pid, "%d", getpid());
	machctl_run(&run, "port", pid, "0xabcdef", NULL);
	ck_assert_int_eq(run.status, 1);
	assert_has(run.err, "has no port under the name 0xabcdef");
	machctl_free(&run);
	machctl_run(&run, "port", pid, NULL);
	if (run.status) /* or a port has that id */
		assert_has(run.err, " NAME`");
	machctl_free(&run);
	machctl_run(&run, "port", NULL);
	ck_assert_int_eq(run.status, 2);
	machctl_free(&run);
	machctl_run(&run, "port", "1", "2", "3", NULL);
	ck_assert_int_eq(run.status, 2);
	machctl_free(&run);
}
END_TEST

START_TEST(queues_come_deepest_first)
{
	mach_port_t shallow = flow_port(), deep = flow_port(), quiet = flow_port();
	char pid[16], first[64], second[64], none[64];
	struct machctl run;

	flow_fill(shallow, 1);
	flow_fill(deep, 5);
	snprintf(pid, sizeof pid, "%d", getpid());
	RUN(run, "queues", pid, "--json", NULL);
	snprintf(first, sizeof first, "[\n{\"object\": %llu, \"msgcount\": 5, \"qlimit\": 5,",
		 (unsigned long long)object_of(deep));
	snprintf(second, sizeof second, ",\n{\"object\": %llu, \"msgcount\": 1,",
		 (unsigned long long)object_of(shallow));
	snprintf(none, sizeof none, "\"object\": %llu,", (unsigned long long)object_of(quiet));
	assert_has(run.out, first);
	assert_has(run.out, second);
	assert_hasnt(run.out, none);
	machctl_free(&run);
	RUN(run, "queues", NULL);
	assert_has(run.out, " 5/5 ");
	assert_has(run.out, "test_machctl_po");
	machctl_free(&run);
}
END_TEST

START_TEST(limits_show_every_limit_and_its_heaviest_user)
{
	struct machctl run;
	char *line, text[64];

	flow_receive_right();
	RUN(run, "limits", NULL);
	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		line = machctl_line(run.out, machd_limit_rows[i].key);
		ck_assert_msg(line != NULL, "no %s", machd_limit_rows[i].key);
		assert_has(line, machd_limit_rows[i].reason);
		free(line);
	}
	line = machctl_line(run.out, "NamesPerTask");
	snprintf(text, sizeof text, "PID %d", getpid());
	assert_has(line, text);
	free(line);
	assert_has(run.out, "\nQUEUE_HARD_MAX");
	machctl_free(&run);

	RUN(run, "limits", "--json", NULL);
	line = machctl_line(run.out, "\"limit\": \"NamesPerTask\"");
	ck_assert_uint_ge(json_number_in(line, "used"), 4);
	ck_assert_uint_ge(json_number_in(line, "peak"), json_number_in(line, "used"));
	free(line);
	/* What is in force, though nobody is counted for it. */
	line = machctl_line(run.out, "\"limit\": \"SetsPerPort\"");
	ck_assert_uint_eq(json_number_in(line, "value"), 77);
	ck_assert_uint_eq(json_number_in(line, "default"), 1024);
	free(line);
	machctl_free(&run);
}
END_TEST

/* --- who may see what --- */

/* As somebody else, in a group or not: look at everything. */
static void look_as_other(void *argument)
{
	const gid_t group = *(const gid_t *)argument;
	struct machctl run;

	CHECK(setgroups(1, &group) == 0 && setgid(NOBODY_UID) == 0 && setuid(NOBODY_UID) == 0);
	machctl_run(&run, "ports", NULL);
	CHECK_EQ(run.status, 0);
	CHECK((strstr(run.out, "PID ") != NULL) == (group == GROUP));
	machctl_free(&run);
	machctl_run(&run, "port", SERVICE, NULL);
	CHECK_EQ(run.status, group == GROUP ? 0 : 1);
	CHECK(strstr(group == GROUP ? run.out : run.err, SERVICE) != NULL);
	machctl_free(&run);
}

START_TEST(others_need_the_group)
{
	static const gid_t groups[] = {GROUP, GROUP + 1};
	char directory[128], *slash;
	struct flow_child child;
	struct machctl run;
	mach_port_t port;

	if (getuid() != 0)
		return; /* only root may be somebody else */
	snprintf(directory, sizeof directory, "%s", flow_socket());
	slash = strrchr(directory, '/');
	*slash = 0;
	CHECK(chmod(directory, 0755) == 0);
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	RUN(run, "ps", NULL); /* while machctl can be found */
	machctl_free(&run);
	for (unsigned i = 0; i < 2; i++) {
		gid_t group = groups[i];

		flow_fork(&child, look_as_other, &group);
		flow_join(&child);
	}
}
END_TEST

static void start(void)
{
	const struct flow_options options = {
		.config = "[machd]\nInspectGroup=60001\n[limits]\nSetsPerPort=77\n"};

	flow_start_with(&options);
}

int main(void)
{
	Suite *suite = suite_create("machctl_port");
	TCase *tcase = tcase_create("real daemon");

	tcase_add_checked_fixture(tcase, start, flow_stop);
	tcase_add_test(tcase, port_shows_every_holder);
	tcase_add_test(tcase, port_shows_where_a_receive_right_travels);
	tcase_add_test(tcase, port_says_what_it_cannot_find);
	tcase_add_test(tcase, queues_come_deepest_first);
	tcase_add_test(tcase, limits_show_every_limit_and_its_heaviest_user);
	tcase_add_test(tcase, others_need_the_group);
	suite_add_tcase(suite, tcase);
	return flow_run(suite);
}
