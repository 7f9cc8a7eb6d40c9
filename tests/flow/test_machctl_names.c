/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl names` on declared names in every state, and `machctl policy explain`. */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/machctl_run.h"
#include "tests/flow/services.h"

static const char rules[] = "[service]\n"
			    "Name=" SERVICE "\n"
			    "StartCommand=%s\n"
			    "StartCommand=serve exit 7\n"
			    "StartLimitBurst=1\n"
			    "[service]\n"
			    "Name=org.example.running\n"
			    "OwnUsers=all\n"
			    "LookUpUsers=54321\n"
			    "[service]\n"
			    "Name=org.example.starting\n"
			    "StartCommand=%s\n"
			    "StartCommand=serve hold %d/fifo\n"
			    "[service]\n"
			    "Name=org.example.idle\n"
			    "[service]\n"
			    "Name=some.*\n"
			    "OwnUnit=some.service\n";

static char pid[16];

static void set_up(void)
{
	services_start(rules);
	CHECK(mach_task_self() != MACH_PORT_NULL);
	snprintf(pid, sizeof pid, "%d", getpid());
}

/* A line with `what` in it has all of these as well. */
static void has(const char *output, const char *what, const char *a, const char *b)
{
	char *line = machctl_line(output, what);

	CHECK(line != NULL);
	if (!strstr(line, a) || !strstr(line, b))
		flow_fail(__FILE__, __LINE__, "not with %s and %s: %s", a, b, line);
	free(line);
}

static void run(struct machctl *machctl, const char *a, const char *b, const char *c, const char *d,
		const char *e)
{
	machctl_run(machctl, a, b, c, d, e, NULL);
}

START_TEST(names_tell_their_state)
{
	struct machctl machctl;
	mach_port_t port;

	services_fifo("fifo");
	CHECK_OK(bootstrap_check_in(bootstrap_port, "org.example.running", &port));
	CHECK_OK(bootstrap_look_up(bootstrap_port, "org.example.starting", &port));
	CHECK_OK(services_ask(port, flow_receive_right(), 1));
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	while (flow_logged("exited with status 7") == 0)
		CHECK(flow_type(port) != 0);
	run(&machctl, "names", NULL, NULL, NULL, NULL);
	CHECK(machctl.status == 0);
	has(machctl.out, "org.example.running ", pid, "declared running");
	has(machctl.out, "org.example.starting ", " - ", "starting, 1 wait");
	has(machctl.out, "org.example.idle ", " - ", "declared declared");
	has(machctl.out, SERVICE " ", " - ", "failed");
	has(machctl.out, SERVICE " failed: ", "its command exited with status 7", "");
	CHECK(!strstr(machctl.out, "some."));
	machctl_free(&machctl);
	run(&machctl, "names", "--json", NULL, NULL, NULL);
	CHECK(json_valid(machctl.out));
	has(machctl.out, "\"" SERVICE "\"", "\"state\": \"failed\"",
	    "\"why\": \"its command exited with status 7\"");
	has(machctl.out, "\"org.example.idle\"", "\"uid\": null", "\"declared\": true");
	has(machctl.out, "\"org.example.idle\"", "\"checked_in\": false", "");
	has(machctl.out, "\"org.example.running\"", "\"checked_in\": true", "");
	has(machctl.out, "\"org.example.starting\"", "\"queued\": 1", "\"starts\": 1");
	machctl_free(&machctl);
	services_stop();
}
END_TEST

START_TEST(a_created_name_waits_until_somebody_checks_in)
{
	struct machctl machctl;
	mach_port_t port;

	CHECK_OK(bootstrap_create_service(bootstrap_port, "new", &port));
	CHECK_OK(flow_send_to(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	run(&machctl, "names", NULL, NULL, NULL, NULL);
	has(machctl.out, "new ", " - ", "create   created, 1 wait");
	machctl_free(&machctl);
	run(&machctl, "names", "--json", NULL, NULL, NULL);
	CHECK(json_valid(machctl.out));
	has(machctl.out, "\"new\"", "\"state\": \"created\"", "\"declared\": false");
	machctl_free(&machctl);
	CHECK_OK(bootstrap_check_in(bootstrap_port, "new", &port));
	run(&machctl, "names", NULL, NULL, NULL, NULL);
	has(machctl.out, "new ", pid, "check-in running");
	machctl_free(&machctl);
	services_stop();
}
END_TEST

START_TEST(names_of_a_subset_are_shown_with_its_port)
{
	struct machctl machctl;
	mach_port_t subset, port;
	char *line;

	CHECK_OK(bootstrap_subset(bootstrap_port, mach_task_self(), &subset));
	CHECK_OK(bootstrap_check_in(subset, "inner", &port));
	run(&machctl, "names", NULL, NULL, NULL, NULL);
	has(machctl.out, "SERVICE", "SUBSET", "STATE");
	has(machctl.out, "inner ", pid, "check-in running");
	machctl_free(&machctl);
	run(&machctl, "names", "--json", NULL, NULL, NULL);
	CHECK(json_valid(machctl.out));
	has(machctl.out, "\"inner\"", "\"subset\": ", "\"subset_parent\": ");
	line = machctl_line(machctl.out, "\"inner\"");
	CHECK(!strstr(line, "\"subset\": null"));
	free(line);
	has(machctl.out, "\"org.example.idle\"", "\"subset\": null", "\"subset_parent\": null");
	machctl_free(&machctl);
	services_stop();
}
END_TEST

static const struct {
	const char *name, *own, *own_line, *look_up, *look_up_line;
} decisions[] = {
	{SERVICE, "own      yes  its uid is listed", "test.conf:3", "look up  yes  everybody may",
	 "test.conf:1"},
	{"org.example.running", "own      yes  everybody may", "test.conf:8",
	 "look up  no   the rule is for others", "test.conf:9"},
	{"org.example.idle", "own      yes  the rule names nobody", "test.conf:14",
	 "look up  yes  everybody may", "test.conf:14"},
	{"some.name", "own      no   the rule is for others", "test.conf:18",
	 "look up  yes  everybody may", "test.conf:16"},
	{"other", "own      yes  no rule is for the name", "",
	 "look up  yes  no rule is for the name", "nobody has brought it"},
};

START_TEST(a_decision_is_explained)
{
	struct machctl machctl;

	run(&machctl, "policy", "explain", pid, decisions[_i].name, NULL);
	CHECK(machctl.status == 0);
	has(machctl.out, decisions[_i].name, pid, "test_machctl");
	has(machctl.out, decisions[_i].own, "", "");
	has(machctl.out, decisions[_i].own_line, "", "");
	has(machctl.out, decisions[_i].look_up, "", "");
	has(machctl.out, decisions[_i].look_up_line, "", "");
	machctl_free(&machctl);
	services_stop();
}
END_TEST

START_TEST(and_in_json)
{
	struct machctl machctl;

	run(&machctl, "policy", "explain", pid, "org.example.running", "--json");
	CHECK(machctl.status == 0);
	CHECK(json_valid(machctl.out));
	has(machctl.out, "\"own\": {\"allowed\": true, \"why\": \"everybody\"",
	    "test.conf\", \"line\": 8",
	    "\"look_up\": {\"allowed\": false, \"why\": \"not-listed\"");
	machctl_free(&machctl);
	services_stop();
}
END_TEST

static const struct {
	int status;
	const char *words[4];
	const char *says;
} mistakes[] = {
	{2, {"policy"}, "say explain, a process and a name"},
	{2, {"policy", "explain"}, "say explain, a process and a name"},
	{2, {"policy", "explain", "1"}, "say explain, a process and a name"},
	{2, {"policy", "show", "1", "x"}, "'show' is not explain"},
	{2, {"policy", "explain", "x", "x"}, "'x' is not a process id"},
	{1, {"policy", "explain", "1", "x"}, "process 1 has no task"},
};

START_TEST(what_cannot_be_explained_is_said)
{
	const char *const *words = mistakes[_i].words;
	struct machctl machctl;

	run(&machctl, words[0], words[1], words[2], words[3], NULL);
	CHECK(machctl.status == mistakes[_i].status);
	has(machctl.err, mistakes[_i].says, "", "");
	machctl_free(&machctl);
	services_stop();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("machctl_names");
	TCase *tests = tcase_create("machctl_names");

	services_main(argc, argv);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, names_tell_their_state);
	tcase_add_test(tests, a_created_name_waits_until_somebody_checks_in);
	tcase_add_test(tests, names_of_a_subset_are_shown_with_its_port);
	tcase_add_loop_test(tests, a_decision_is_explained, 0,
			    sizeof decisions / sizeof *decisions);
	tcase_add_test(tests, and_in_json);
	tcase_add_loop_test(tests, what_cannot_be_explained_is_said, 0,
			    sizeof mistakes / sizeof *mistakes);
	return flow_run(suite);
}
