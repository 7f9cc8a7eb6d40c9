/* SPDX-License-Identifier: Apache-2.0 */
/* A private D-Bus broker for a benchmark: see bus.h. */
#include "tests/bench/bus.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

/* What AddListener of dbus-broker takes as a policy: per uid, per gid, SELinux, AppArmor, type. */
#define RULES  "(bta(btbs)a(btssssuutt)a(btssssuutt))"
#define POLICY "(a(u" RULES ")a(buu" RULES ")a(ss)bs)"

static char path[108], address[160];

const char *bus_path(void)
{
	return path;
}

const char *bus_address(void)
{
	return address;
}

static int listen_at(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(name.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) || listen(fd, 4096))
		bench_die("listen");
	return fd;
}

__attribute__((noreturn)) static void become_broker(int controller)
{
	char number[12];

	snprintf(number, sizeof number, "%d", controller);
	execlp("dbus-broker", "dbus-broker", "--controller", number, "--machine-id",
	       "0123456789abcdef0123456789abcdef", "--max-matches", "1000000", "--max-objects",
	       "1000000", "--max-bytes", "1000000000", "--max-fds", "100000", (char *)NULL);
	bench_die("dbus-broker");
}

static void ok(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-result));
	exit(1);
}

/* Hand it a listening socket, and a policy with which everybody may do everything. */
static void add_listener(int controller, int listener)
{
	sd_bus_message *request = NULL;
	sd_bus *bus = NULL; /* stays open, or the broker ends */

	ok(sd_bus_new(&bus), "sd_bus_new");
	ok(sd_bus_set_fd(bus, controller, controller), "sd_bus_set_fd");
	ok(sd_bus_start(bus), "sd_bus_start");
	ok(sd_bus_message_new_method_call(bus, &request, NULL, "/org/bus1/DBus/Broker",
					  "org.bus1.DBus.Broker", "AddListener"),
	   "AddListener");
	ok(sd_bus_message_append(request, "ohv", "/org/bus1/DBus/Listener/0", listener, POLICY, 1,
				 UINT32_MAX, true, UINT64_C(1), 1, true, UINT64_C(1), true, "", 1,
				 true, UINT64_C(1), "", "", "", "", 0, 0, UINT64_C(0), UINT64_MAX,
				 1, true, UINT64_C(1), "", "", "", "", 0, 0, UINT64_C(0),
				 UINT64_MAX, 0, 0, false, "session"),
	   "the policy");
	ok(sd_bus_call(bus, request, 0, NULL, NULL), "AddListener");
	sd_bus_message_unref(request);
}

static pid_t start_broker(void)
{
	int pair[2], listener = listen_at();
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		bench_die("socketpair");
	pid = bench_fork();
	if (pid == 0) {
		close(pair[0]);
		become_broker(pair[1]);
	}
	close(pair[1]);
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_NONBLOCK);
	add_listener(pair[0], listener);
	close(listener);
	return pid;
}

static void write_config(const char *name)
{
	static const char *const limits[] = {
		"max_completed_connections", "max_incomplete_connections",
		"max_connections_per_user",  "max_incoming_bytes",
		"max_outgoing_bytes",	     "max_replies_per_connection",
	};
	FILE *file = fopen(name, "w");

	if (!file)
		bench_die(name);
	fprintf(file,
		"<busconfig><type>session</type><listen>%s</listen><auth>EXTERNAL</auth>"
		"<policy context=\"default\"><allow send_destination=\"*\"/>"
		"<allow receive_sender=\"*\"/><allow own=\"*\"/><allow user=\"*\"/></policy>",
		address);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		fprintf(file, "<limit name=\"%s\">1000000000</limit>", limits[i]);
	fprintf(file, "</busconfig>\n");
	if (fclose(file))
		bench_die(name);
}

/* It prints its address when it listens. */
static pid_t start_daemon(void)
{
	char config[128], number[12], line[256];
	int pair[2];
	pid_t pid;

	snprintf(config, sizeof config, "%s/dbus.conf", bench_folder());
	write_config(config);
	if (pipe(pair))
		bench_die("pipe");
	pid = bench_fork();
	if (pid == 0) {
		snprintf(number, sizeof number, "%d", pair[1]);
		execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--nosyslog",
		       "--config-file", config, "--print-address", number, (char *)NULL);
		bench_die("dbus-daemon");
	}
	close(pair[1]);
	if (read(pair[0], line, sizeof line) <= 0)
		bench_die("dbus-daemon did not start");
	close(pair[0]);
	return pid;
}

pid_t bus_start(const struct bench_case *run)
{
	snprintf(path, sizeof path, "%.90s/bus", bench_folder());
	snprintf(address, sizeof address, "unix:path=%s", path);
	return strncmp(run->broker, "dbus-daemon", 11) == 0 ? start_daemon() : start_broker();
}
