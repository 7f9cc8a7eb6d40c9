/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real machctl looks at a real daemon with tasks, ports and names that this test made. Both its
 * faces are checked, the table and the JSON, and its exit codes.
 */
#include <fcntl.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

#define SERVICE "org.machd.test.service"

/* Run machctl, which must succeed and say nothing on stderr. */
#define RUN(run, ...)                              \
	do {                                       \
		machctl_run(&(run), __VA_ARGS__);  \
		ck_assert_str_eq((run).err, "");   \
		ck_assert_int_eq((run).status, 0); \
	} while (0)

/* The object of this process in the JSON of a command; the whole output must be JSON. */
static char *my_line(const char *command)
{
	char member[32], *line;
	struct machctl run;

	RUN(run, command, "--json", NULL);
	ck_assert_msg(json_valid(run.out), "not JSON: %s", run.out);
	snprintf(member, sizeof member, "\"pid\": %d,", getpid());
	line = machctl_line(run.out, member);
	ck_assert_ptr_nonnull(line);
	machctl_free(&run);
	return line;
}

/* The object of one name of a process in the JSON of `machctl ports PID`. */
static char *port_line(pid_t pid, mach_port_t name)
{
	char text[32], *line;
	struct machctl run;

	snprintf(text, sizeof text, "%d", pid);
	RUN(run, "ports", text, "--json", NULL);
	ck_assert_msg(json_valid(run.out), "not JSON: %s", run.out);
	snprintf(text, sizeof text, "\"name\": %u, \"rights\"", name);
	line = machctl_line(run.out, text);
	ck_assert_ptr_nonnull(line);
	machctl_free(&run);
	return line;
}

/* The line of one name of a process in the table of `machctl ports PID`. */
static char *port_row(pid_t pid, mach_port_t name)
{
	char text[32], *line;
	struct machctl run;

	snprintf(text, sizeof text, "%d", pid);
	RUN(run, "ports", text, NULL);
	snprintf(text, sizeof text, "\n%#x ", name);
	ck_assert_ptr_nonnull(strstr(run.out, text));
	line = machctl_line(strstr(run.out, text) + 1, text + 1);
	machctl_free(&run);
	return line;
}

static void assert_has(const char *line, const char *text)
{
	ck_assert_msg(strstr(line, text) != NULL, "no '%s' in: %s", text, line);
}

/* Lines of at most 80 columns, of printable ASCII only. */
static void assert_fits(const char *output)
{
	for (const char *line = output; *line; line += strcspn(line, "\n") + 1) {
		size_t length = strcspn(line, "\n");

		ck_assert_msg(length <= 80, "%zu columns: %.*s", length, (int)length, line);
		ck_assert_msg(length == 0 || line[length - 1] != ' ', "ends with a blank: %.*s",
			      (int)length, line);
		for (size_t i = 0; i < length; i++)
			ck_assert_msg(line[i] >= ' ' && line[i] < 0x7f, "byte %#x",
				      (unsigned char)line[i]);
	}
}

/* The same of what a terminal of 80 columns gets. */
static void assert_fits_terminal(const char *command)
{
	char *text;

	setenv("TERM", "dumb", 1);
	text = machctl_on_terminal(command, 80);
	assert_fits(text);
	free(text);
}

START_TEST(ps_counts_what_a_task_has)
{
	char *before = my_line("ps"), *after;
	mach_port_t port = flow_port(), set;

	flow_fill(port, 3);
	flow_receive_right();
	flow_send_once(port);
	flow_dead_name(4);
	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	after = my_line("ps");

#define GREW(key) (json_number_in(after, key) - json_number_in(before, key))
	ck_assert_uint_eq(GREW("receive"), 2);
	ck_assert_uint_eq(GREW("send"), 1);
	ck_assert_uint_eq(GREW("send_once"), 1);
	ck_assert_uint_eq(GREW("sets"), 1);
	ck_assert_uint_eq(GREW("dead"), 1);
	ck_assert_uint_eq(GREW("names"), 5);
	ck_assert_uint_eq(GREW("queued"), 3);
	ck_assert_uint_ge(GREW("queued_bytes"), 3 * sizeof(mach_msg_header_t));
	ck_assert_uint_ge(GREW("sent"), 3);
	ck_assert_uint_eq(json_number_in(after, "channels"), 1);
	ck_assert_uint_eq(json_number_in(after, "uid"), getuid());
#undef GREW
	free(before);
	free(after);
}
END_TEST

static void wait_for_parent(void *argument)
{
	(void)argument;
	mach_task_self();
	prctl(PR_SET_NAME, "child of test");
	flow_tell_parent(1);
	flow_hear_parent();
}

START_TEST(ps_shows_every_task_while_it_lives)
{
	struct flow_child child;
	struct machctl run;
	char row[64];

	flow_fork(&child, wait_for_parent, NULL);
	flow_hear(&child);
	RUN(run, "ps", NULL);
	assert_fits_terminal("ps");
	snprintf(row, sizeof row, "%d test_machctl ", getpid());
	assert_has(run.out, row);
	snprintf(row, sizeof row, "%d child of test ", child.pid);
	assert_has(run.out, row);
	machctl_free(&run);

	flow_kill(&child);
	RUN(run, "ps", NULL);
	ck_assert_ptr_null(strstr(run.out, row));
	machctl_free(&run);
}
END_TEST

START_TEST(ports_show_rights_and_queue)
{
	mach_port_t port = flow_port();
	char *line, *row;

	flow_make_send(port, 2);
	flow_set_qlimit(port, 7);
	flow_send_once(port);
	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, flow_receive_right());
	flow_fill(port, 2);

	line = port_line(getpid(), port);
	assert_has(line, "\"rights\": [\"receive\", \"send\"], \"urefs\": 3, \"kind\": \"port\"");
	assert_has(line, "\"msgcount\": 2, \"qlimit\": 7,");
	assert_has(line, "\"sorights\": 1, \"waiters\": 0, \"blocked_senders\": 0,");
	assert_has(line, "\"no_senders\": true, \"port_destroyed\": false, "
			 "\"dead_name\": false, \"importance\": false, "
			 "\"temporary_owner\": false, \"in_set\": false");
	ck_assert_uint_eq(json_number_in(line, "mscount"), 3);
	row = port_row(getpid(), port);
	assert_has(row, " recv,send ");
	assert_has(row, " 2/7 ");
	assert_has(row, " N ");
	assert_has(row, " self ");
	free(line);
	free(row);
}
END_TEST

START_TEST(ports_show_what_is_no_port)
{
	mach_port_t dead = flow_dead_name(4), set, member = flow_receive_right();
	char *line;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_insert_member(mach_task_self(), member, set));

	line = port_line(getpid(), dead);
	assert_has(line, "\"rights\": [\"dead-name\"], \"urefs\": 4, \"kind\": \"dead\"");
	assert_has(line, "\"receiver\": null");
	free(line);
	line = port_line(getpid(), set);
	assert_has(line, "\"rights\": [\"port-set\"]");
	assert_has(line, "\"kind\": \"set\"");
	free(line);
	line = port_line(getpid(), member);
	assert_has(line, "\"in_set\": true");
	free(line);
	line = port_line(getpid(), mach_task_self());
	assert_has(line, "\"rights\": [\"send\"]");
	assert_has(line, "\"kind\": \"task\"");
	free(line);
	line = port_row(getpid(), dead);
	assert_has(line, " dead ");
	assert_has(line, " (dead)");
	free(line);
}
END_TEST

static void look_up_service(void *argument)
{
	mach_port_t port;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	flow_tell_parent(port);
	flow_hear_parent();
}

START_TEST(ports_tell_who_receives)
{
	struct flow_child child;
	char *line, text[64];
	mach_port_t port, name;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_fork(&child, look_up_service, NULL);
	name = flow_hear(&child);
	line = port_line(child.pid, name);
	snprintf(text, sizeof text, "\"pid\": %d, \"name\": %u}, \"service\": \"%s\"", getpid(),
		 port, SERVICE);
	assert_has(line, text);
	free(line);
	line = port_row(child.pid, name);
	snprintf(text, sizeof text, " %d %.10s", getpid(), SERVICE);
	assert_has(line, text);
	free(line);
	flow_tell(&child, 1);
	flow_join(&child);
}
END_TEST

static void block_in_send(void *argument)
{
	struct flow_message message = {0};
	mach_port_t port;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	flow_tell_parent(1);
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 1);
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG, sizeof message.header, 0, MACH_PORT_NULL,
			  0, MACH_PORT_NULL));
}

START_TEST(ports_show_who_waits)
{
	struct flow_message message;
	struct flow_child child;
	mach_port_t port;
	char *line;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_set_qlimit(port, 0);
	flow_fork(&child, block_in_send, NULL);
	flow_hear(&child);
	flow_await_waiting(child.pid, 1);
	line = port_line(getpid(), port);
	assert_has(line, "\"blocked_senders\": 1");
	free(line);
	line = port_row(getpid(), port);
	assert_has(line, " 0/0 ");
	assert_has(line, " 1s ");
	free(line);
	flow_set_qlimit(port, 1);
	flow_await(port, &message);
	flow_join(&child);
}
END_TEST

/* Every name comes once, on whatever page it is. */
START_TEST(tables_of_many_pages)
{
	enum { MORE = 3000 };
	struct machctl run;
	unsigned count = 0;
	char *task;

	for (unsigned i = 0; i < MORE; i++)
		flow_receive_right();
	task = my_line("ps");
	RUN(run, "ports", "--json", NULL);
	ck_assert(json_valid(run.out));
	for (const char *at = run.out + 1; *at; at++)
		count += at[-1] == '\n' && at[0] == '{';
	ck_assert_uint_gt(count, MORE);
	ck_assert_uint_eq(count, json_number_in(task, "names"));
	machctl_free(&run);
	free(task);
}
END_TEST

START_TEST(names_show_services_and_owners)
{
	mach_port_t port, other = flow_port();
	struct machctl run;
	char row[64], *line;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	CHECK_OK(bootstrap_register(bootstrap_port, "org.machd.test.registered", other));
	RUN(run, "names", NULL);
	assert_fits_terminal("names");
	line = machctl_line(run.out, SERVICE);
	snprintf(row, sizeof row, " %d test_machctl ", getpid());
	assert_has(line, row);
	assert_has(line, "check-in");
	free(line);
	line = machctl_line(run.out, "org.machd.test.registered");
	assert_has(line, "register");
	free(line);
	machctl_free(&run);

	RUN(run, "names", "--json", NULL);
	ck_assert(json_valid(run.out));
	line = machctl_line(run.out, "\"service\": \"" SERVICE "\"");
	snprintf(row, sizeof row, "\"pid\": %d, \"command\": \"test_machctl\"", getpid());
	assert_has(line, row);
	assert_has(line, "\"checked_in\": true");
	free(line);
	machctl_free(&run);
}
END_TEST

/* A service may be called anything: a terminal must not obey it, and JSON must hold it. */
START_TEST(names_of_malice)
{
	static const char name[] = "a\033[31m\"\\\n\xff\xc3\xa9\xed\xa0\x80z";
	struct machctl run;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, name, &port));
	RUN(run, "names", NULL);
	assert_fits_terminal("names");
	assert_has(run.out, "\na\\x1b[31m\"\\x5c\\x0a\\xff\\xc3\\xa9");
	machctl_free(&run);
	RUN(run, "names", "--json", NULL);
	ck_assert(json_valid(run.out));
	assert_has(run.out, "\"a\\u001b[31m\\\"\\\\\\u000a\\ufffd\xc3\xa9\\ufffd\\ufffd\\ufffdz\"");
	machctl_free(&run);
	assert_fits_terminal("ports");
}
END_TEST

START_TEST(empty_table_is_good)
{
	struct machctl run;

	RUN(run, "names", "--json", NULL);
	ck_assert_str_eq(run.out, "[]\n");
	machctl_free(&run);
	RUN(run, "names", NULL);
	assert_has(run.out, "SERVICE");
	machctl_free(&run);
}
END_TEST

START_TEST(colours_only_where_wanted)
{
	struct machctl run;
	char *text;

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	text = machctl_on_terminal("ps", 80);
	assert_has(text, "\033[1mCOMMAND");
	free(text);
	setenv("NO_COLOR", "1", 1);
	text = machctl_on_terminal("ps", 80);
	assert_has(text, "COMMAND");
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	text = machctl_on_terminal("ps", 80);
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
	setenv("TERM", "xterm", 1);
	RUN(run, "ps", NULL);
	ck_assert_ptr_null(strchr(run.out, '\033'));
	machctl_free(&run);
}
END_TEST

START_TEST(tables_use_the_width_of_a_terminal)
{
	static const char name[] = "org.machd.test.a-service.whose.name.takes.much.room.on.a.line."
				   "and.is.cut.where.it.has.none";
	struct machctl run;
	mach_port_t port;
	char *text;

	setenv("TERM", "dumb", 1);
	CHECK_OK(bootstrap_check_in(bootstrap_port, name, &port));
	text = machctl_on_terminal("names", 80);
	ck_assert_ptr_null(strstr(text, name));
	free(text);
	text = machctl_on_terminal("names", 74);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 74);
	free(text);
	text = machctl_on_terminal("names", 200);
	assert_has(text, name);
	free(text);
	text = machctl_on_terminal("ports", 200);
	assert_has(text, name);
	free(text);
	/* What is no terminal gets lines as long as they are. */
	RUN(run, "names", NULL);
	assert_has(run.out, name);
	machctl_free(&run);
}
END_TEST

START_TEST(errors_have_their_exit_codes)
{
	struct machctl run;
	char path[200] = "";
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	machctl_run(&run, "--socket", "/nonexistent/machd.sock", "ps", NULL);
	ck_assert_int_eq(run.status, 3);
	assert_has(run.err, "/nonexistent/machd.sock");
	assert_has(run.err, "machd --foreground");
	ck_assert_str_eq(run.out, "");
	machctl_free(&run);

	/* Where none can be, or not for this user, another daemon is no help. */
	memset(path, 'x', sizeof path - 1);
	machctl_run(&run, "--socket", path, "ps", NULL);
	ck_assert_int_eq(run.status, 3);
	assert_has(run.err, "cannot connect to xxx");
	ck_assert_ptr_null(strstr(run.err, "machd --foreground"));
	machctl_free(&run);

	machctl_run(&run, "ports", "2147483647", NULL);
	ck_assert_int_eq(run.status, 1);
	assert_has(run.err, "2147483647");
	machctl_free(&run);

	machctl_run_into(&run, full, "ps", NULL);
	ck_assert_int_eq(run.status, 1);
	assert_has(run.err, "No space left");
	machctl_free(&run);
	close(full);
}
END_TEST

START_TEST(nonsense_is_a_usage_error)
{
	static const char *const lines[][2] = {
		{NULL, NULL},		{"frobnicate", NULL}, {"ps", "7"},
		{"ports", "seven"},	{"ports", "-7"},      {"ports", "0"},
		{"ps", "--frobnicate"}, {"ps", "--socket="},
	};

	for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct machctl run;

		machctl_run(&run, lines[i][0], lines[i][1], NULL);
		ck_assert_msg(run.status == 2, "line %u: exit status %d", i, run.status);
		assert_has(run.err, "machctl");
		ck_assert_str_eq(run.out, "");
		machctl_free(&run);
	}
}
END_TEST

/* A line too long for argp is broken, and what is left of it stands alone: "cannot", "user". */
static void assert_not_broken(const char *text)
{
	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		bool indented = *line == ' ', last = end[1] == '\n' || end[1] == '\0';

		if (end > line && end - line < 20 && !indented && !last)
			ck_assert_msg(end[-1] == '.' || end[-1] == ':', "a broken line: %.*s",
				      (int)(end - line), line);
	}
}

START_TEST(help_fits_a_screen)
{
	static const char *const commands[] = {NULL,	  "ps",	    "ports", "port",  "names",
					       "queues",  "limits", "why",   "graph", "leaks",
					       "metrics", "top",    "trace"};
	struct machctl run;

	for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++) {
		unsigned lines = 0;

		if (commands[i])
			machctl_run(&run, commands[i], "--help", NULL);
		else
			machctl_run(&run, "--help", NULL);
		ck_assert_int_eq(run.status, 0);
		assert_fits(run.out);
		assert_not_broken(run.out);
		for (const char *at = run.out; (at = strchr(at, '\n')); at++)
			lines++;
		ck_assert_uint_le(lines, 24);
		if (!commands[i])
			assert_has(run.out, "3 no daemon");
		machctl_free(&run);
	}
	machctl_run(&run, "--version", NULL);
	ck_assert_int_eq(run.status, 0);
	assert_has(run.out, "machctl " MACHD_VERSION "\n");
	machctl_free(&run);
}
END_TEST

/* What the other tests lean on. */
START_TEST(bad_json_is_noticed)
{
	static const char *const bad[] = {
		"",	  "[",	     "[1,]",	    "[1 2]", "{\"a\"}", "{\"a\": }", "{a: 1}",
		"\"\n\"", "\"\\x\"", "\"\\u12g4\"", "[] []", "01",	"tru",	     "{\"a\": 1,}",
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!json_valid(bad[i]), "taken for JSON: %s", bad[i]);
	ck_assert(json_valid(" [{\"a\": [\"\\u00e9\\\"\", -10, true], \"b\": null}, {}]\n"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ps_counts_what_a_task_has,
		ps_shows_every_task_while_it_lives,
		ports_show_rights_and_queue,
		ports_show_what_is_no_port,
		ports_tell_who_receives,
		ports_show_who_waits,
		tables_of_many_pages,
		names_show_services_and_owners,
		names_of_malice,
		empty_table_is_good,
		colours_only_where_wanted,
		tables_use_the_width_of_a_terminal,
		errors_have_their_exit_codes,
		nonsense_is_a_usage_error,
		help_fits_a_screen,
		bad_json_is_noticed,
	};
	Suite *suite = suite_create("machctl");
	TCase *tcase = flow_case(suite, "real daemon");

	for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(tcase, tests[i]);
	return flow_run(suite);
}
