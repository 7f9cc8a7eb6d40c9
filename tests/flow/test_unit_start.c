/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that are systemd units: machd asks a manager over D-Bus. The manager here is a process
 * of the test, on a private bus that has nobody else: it answers StartUnit(), says with
 * JobRemoved() how the job ended and with PropertiesChanged() that the unit is in another state,
 * and is the service as well.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "tests/flow/services.h"

#define RULE(unit) "[service]\nName=" SERVICE "\nStartUnit=" unit "\nOwnUsers=all\n"

#define UNIT_PATH "/org/freedesktop/systemd1/unit/example_2eservice"

static char bus_directory[] = "/tmp/machd-bus-XXXXXX";
static int listener;

/* --- the manager --- */

struct manager {
	sd_bus *bus;
	bool over; /* drop the connection */
	bool serve;
	const char *states; /* what the unit is each time that it is asked for: a word each, */
			    /* and "+" if it has a job then */
};

static void send_job_removed(sd_bus *bus, const char *path, const char *unit, const char *result)
{
	sd_bus_message *signal = NULL;

	CHECK(sd_bus_message_new_signal(bus, &signal, "/org/freedesktop/systemd1",
					"org.freedesktop.systemd1.Manager", "JobRemoved") >= 0);
	CHECK(sd_bus_message_append(signal, "uoss", 7, path, unit, result) >= 0);
	CHECK(sd_bus_message_set_sender(signal, ":1.0") >= 0);
	CHECK(sd_bus_send(bus, signal, NULL) >= 0);
	sd_bus_message_unref(signal);
}

/*
 * What becomes of the units that the manager starts. "active" at the end: it checks in. "?" refuses
 * to say, "!" drops the connection; nothing: there is no such unit any more.
 */
static const struct {
	const char *unit, *states;
} units[] = {
	{"good.service", "active"},
	{"again.service", "activating active"},
	{"oneshot.service", "inactive"},
	{"crash.service", "failed"},
	{"later.service", "active active deactivating failed"},
	{"restart.service", "activating activating inactive"},
	{"restarted.service", "active inactive+ failed+ activating+ active"},
	{"stopped.service", "active deactivating+ inactive+ inactive"},
	{"gone.service", ""},
	{"odd.service", "active odd"},
	{"secret.service", "active ?"},
	{"drop.service", "active !"},
};

static const char *states_of(const char *unit)
{
	for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(units[i].unit, unit) == 0)
			return units[i].states;
	return NULL;
}

static void start_unit(struct manager *manager, sd_bus_message *message)
{
	static const char other[] = "/org/freedesktop/systemd1/job/6";
	static const char path[] = "/org/freedesktop/systemd1/job/7";
	const char *unit, *mode;
	char result[32];

	CHECK(sd_bus_message_read(message, "ss", &unit, &mode) > 0);
	CHECK(strcmp(mode, "replace") == 0);
	snprintf(result, sizeof result, "%s", unit);
	manager->states = states_of(unit);
	manager->over = strcmp(unit, "lost.service") == 0;
	if (manager->over)
		return;
	if (strcmp(unit, "missing.service") == 0) {
		CHECK(sd_bus_reply_method_errorf(message, "org.freedesktop.systemd1.NoSuchUnit",
						 "Unit %s not found.", unit) >= 0);
		return;
	}
	CHECK(sd_bus_reply_method_return(message, "o", path) >= 0);
	send_job_removed(manager->bus, other, "other.service", "failed");
	if (manager->states)
		send_job_removed(manager->bus, path, unit, "done");
	else
		send_job_removed(manager->bus, path, unit, strtok(result, "."));
}

static void send_change(sd_bus *bus, const char *path)
{
	sd_bus_message *signal = NULL;

	CHECK(sd_bus_message_new_signal(bus, &signal, path, "org.freedesktop.DBus.Properties",
					"PropertiesChanged") >= 0);
	CHECK(sd_bus_message_append(signal, "sa{sv}as", "org.freedesktop.systemd1.Unit", 0, 0) >=
	      0);
	CHECK(sd_bus_message_set_sender(signal, ":1.0") >= 0);
	CHECK(sd_bus_send(bus, signal, NULL) >= 0);
	sd_bus_message_unref(signal);
}

static void get_unit(const struct manager *manager, sd_bus_message *message)
{
	if (*manager->states)
		CHECK(sd_bus_reply_method_return(message, "o", UNIT_PATH) >= 0);
	else
		CHECK(sd_bus_reply_method_errorf(message, "org.freedesktop.systemd1.NoSuchUnit",
						 "Unit not loaded.") >= 0);
}

/* The unit's properties, and one that nobody asked for; "odd": they are not what they should be. */
static void tell_state(sd_bus_message *message, const char *state, uint32_t job)
{
	sd_bus_message *answer = NULL;
	bool odd = strcmp(state, "odd") == 0;

	CHECK(sd_bus_message_new_method_return(message, &answer) >= 0);
	CHECK(sd_bus_message_append(answer, "a{sv}", 3, "After", "as", 2, "a", "b", "Job", "(uo)",
				    job, "/", "ActiveState", odd ? "o" : "s",
				    odd ? "/" : state) >= 0);
	CHECK(sd_bus_send(NULL, answer, NULL) >= 0);
	sd_bus_message_unref(answer);
}

/* The next word, and a signal if there are more of them. */
static void get_state(struct manager *manager, sd_bus_message *message)
{
	size_t length = strcspn(manager->states, " +");
	char state[32];
	bool job;

	CHECK(strcmp(sd_bus_message_get_path(message), UNIT_PATH) == 0);
	snprintf(state, sizeof state, "%.*s", (int)length, manager->states);
	manager->states += length;
	job = *manager->states == '+';
	manager->states += job;
	manager->over = strcmp(state, "!") == 0;
	if (manager->over)
		return;
	if (strcmp(state, "?") == 0)
		CHECK(sd_bus_reply_method_errorf(message, SD_BUS_ERROR_ACCESS_DENIED, "no") >= 0);
	else
		tell_state(message, state, job ? 7 : 0);
	manager->serve = !*manager->states && strcmp(state, "active") == 0;
	if (*manager->states) {
		manager->states++;
		send_change(manager->bus, UNIT_PATH);
	}
}

/* Everything that comes in, also what a client says to the bus itself. */
static int on_message(sd_bus_message *message, void *context, sd_bus_error *error)
{
	(void)error;
	if (sd_bus_message_is_method_call(message, NULL, "Hello"))
		CHECK(sd_bus_reply_method_return(message, "s", ":1.1") >= 0);
	else if (sd_bus_message_is_method_call(message, NULL, "AddMatch") ||
		 sd_bus_message_is_method_call(message, NULL, "RemoveMatch") ||
		 sd_bus_message_is_method_call(message, NULL, "Subscribe"))
		CHECK(sd_bus_reply_method_return(message, "") >= 0);
	else if (sd_bus_message_is_method_call(message, NULL, "StartUnit"))
		start_unit(context, message);
	else if (sd_bus_message_is_method_call(message, NULL, "GetUnit"))
		get_unit(context, message);
	else if (sd_bus_message_is_method_call(message, NULL, "GetAll"))
		get_state(context, message);
	return 1;
}

/* The unit runs: answer one request. */
static void be_the_service(void)
{
	struct flow_message message;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_await(port, &message);
	CHECK_OK(flow_send_to(message.header.msgh_remote_port, SEND_ONCE, MACH_PORT_NULL, 0,
			      message.header.msgh_id + 100));
}

/* One connection, up to its end. */
static void serve_connection(int fd)
{
	struct manager manager = {.over = false};
	sd_id128_t id = {.qwords = {1, 2}};
	int result = 0;

	CHECK(sd_bus_new(&manager.bus) >= 0);
	CHECK(sd_bus_set_fd(manager.bus, fd, fd) >= 0);
	CHECK(sd_bus_set_server(manager.bus, 1, id) >= 0);
	CHECK(sd_bus_add_filter(manager.bus, NULL, on_message, &manager) >= 0);
	CHECK(sd_bus_start(manager.bus) >= 0);
	while (result >= 0 && !manager.over) {
		result = sd_bus_process(manager.bus, NULL);
		if (manager.serve) {
			manager.serve = false;
			CHECK(sd_bus_flush(manager.bus) >= 0);
			be_the_service();
		}
		if (result == 0)
			result = sd_bus_wait(manager.bus, UINT64_MAX);
	}
	sd_bus_close_unref(manager.bus);
}

/* One connection after the other, until it is killed. */
static void run_manager(void *unused)
{
	(void)unused;
	for (;;)
		serve_connection(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

/* --- its bus --- */

static void open_bus(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[sizeof address.sun_path + 16];

	strcpy(bus_directory + strlen(bus_directory) - 6, "XXXXXX");
	CHECK(mkdtemp(bus_directory) != NULL);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/bus", bus_directory);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(listen(listener, 4) == 0);
	snprintf(text, sizeof text, "unix:path=%s", address.sun_path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1);
	setenv("DBUS_SESSION_BUS_ADDRESS", text, 1);
}

static void close_bus(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/bus", bus_directory);
	unlink(path);
	rmdir(bus_directory);
	close(listener);
}

/* --- the tests --- */

static mach_msg_id_t ask(const char *name)
{
	mach_port_t service, reply = flow_receive_right();
	mach_msg_return_t code;

	CHECK_OK(bootstrap_look_up(bootstrap_port, name, &service));
	code = services_ask(service, reply, 1);
	if (code == MACH_MSG_SUCCESS)
		return services_answer(reply);
	CHECK_CODE(code, MACH_SEND_INVALID_DEST); /* it was too late even for that */
	return MACH_NOTIFY_SEND_ONCE;
}

static const char *const good[] = {RULE("good.service"), RULE("again.service"),
				   RULE("restarted.service")};

START_TEST(a_unit_is_started_and_checks_in)
{
	struct flow_child manager;

	open_bus();
	services_start(good[_i]);
	flow_fork(&manager, run_manager, NULL);
	CHECK_EQ(ask(SERVICE), 101);
	flow_kill(&manager);
	services_stop();
	close_bus();
}
END_TEST

#define SOON	 "StartTimeout=200ms\n"
#define TOO_LATE "nobody checked in within its StartTimeout="

static const struct {
	const char *file, *log;
	bool again;
} failures[] = {
	{RULE("missing.service"), "systemd: Unit missing.service not found.", false},
	{RULE("failed.service"), "systemd: the unit failed", false},
	{RULE("timeout.service"), "systemd: the unit took too long to start", false},
	{RULE("dependency.service"), "systemd: a unit that it depends on failed", false},
	{RULE("canceled.service"), "systemd: its start was cancelled", false},
	{RULE("skipped.service"), "systemd: a condition of the unit is not met", false},
	{RULE("other.service"), "systemd: the unit was not started", false},
	{RULE("lost.service"), "systemd: Connection terminated", true},
	/* Those that systemd has started. */
	{RULE("oneshot.service"), "systemd: the unit ended without checking in", false},
	{RULE("crash.service"), "systemd: the unit failed", true},
	{RULE("later.service"), "systemd: the unit failed", false},
	{RULE("restart.service"), "systemd: the unit ended without checking in", true},
	{RULE("stopped.service"), "systemd: the unit ended without checking in", false},
	{RULE("gone.service"), "systemd: the unit ended without checking in", false},
	/* Of these it does not say any more: they may check in until it is too late. */
	{RULE("secret.service") SOON, TOO_LATE, false},
	{RULE("odd.service") SOON, TOO_LATE, false},
	{RULE("drop.service") SOON, TOO_LATE, true},
};

START_TEST(who_waits_is_told_what_systemd_says)
{
	struct flow_child manager;

	open_bus();
	services_start(failures[_i].file);
	flow_fork(&manager, run_manager, NULL);
	CHECK_EQ(ask(SERVICE), MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_logged(failures[_i].log), 1);
	if (failures[_i].again) /* the next start connects again */
		CHECK_EQ(ask(SERVICE), MACH_NOTIFY_SEND_ONCE);
	flow_kill(&manager);
	services_stop();
	close_bus();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("unit_start");
	TCase *tests = tcase_create("unit_start");

	services_main(argc, argv);
	suite_add_tcase(suite, tests);
	tcase_add_loop_test(tests, a_unit_is_started_and_checks_in, 0, sizeof good / sizeof *good);
	tcase_add_loop_test(tests, who_waits_is_told_what_systemd_says, 0,
			    sizeof failures / sizeof *failures);
	return flow_run(suite);
}
