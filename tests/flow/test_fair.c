/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours: one process leaks ports, one floods a queue, one sends requests and never reads, one
 * connects for ever. Whoever else there is, of the same user or another, has all its calls answered
 * as if they were not there, and the log and machctl name each of them. (What it costs in time is a
 * benchmark's business.)
 */
#include <errno.h>
#include <grp.h>
#include <machd.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

#define SELF	   mach_task_self()
#define COPY	   MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE  MACH_MSG_TYPE_MAKE_SEND_ONCE
#define SERVICE	   "org.machd.test.fair"
#define NOBODY_UID 65534

enum { MORE = 200, CALLS = 300, CONNECTIONS = 100 };

static const struct flow_options few = {.config = "[limits]\n"
						  "PortsPerUser=256\n"
						  "MessagesPerUser=256\n"
						  "ChannelsPerUser=64\n"};

/*
 * The culprits: each goes on when it is refused, and then sits on what it has. What it may have
 * varies with what its neighbours have just now.
 */

static void leak(void)
{
	mach_port_t name;
	unsigned refused = 0;

	while (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS)
		;
	for (unsigned i = 0; i < MORE; i++)
		refused += mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &name) ==
			   KERN_RESOURCE_SHORTAGE;
	CHECK(refused > 0);
}

static void flood(void)
{
	mach_port_t port = flow_port();
	unsigned refused = 0;

	flow_set_qlimit(port, MACH_PORT_QLIMIT_MAX);
	while (flow_send_to(port, COPY, 0, 0, 1) == MACH_MSG_SUCCESS)
		;
	for (unsigned i = 0; i < MORE; i++)
		refused += flow_send_to(port, COPY, 0, 0, 1) == MACH_SEND_NO_BUFFER;
	CHECK(refused > 0);
}

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	strcpy(address.sun_path, flow_socket());
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

/* Requests without end, each legal if the answer before it had been read. */
static void never_read(void)
{
	struct machd_hello hello = {.version_oldest = MACHD_PROTOCOL_VERSION,
				    .version_newest = MACHD_PROTOCOL_VERSION,
				    .word = 64,
				    .role = MACHD_ROLE_WATCH};
	uint8_t bytes[sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX] = {0};
	size_t size =
		machd_hello_pack(&hello, bytes + sizeof(struct machd_frame), MACHD_HELLO_SIZE_MAX);
	struct machd_frame frame = {.length = (uint32_t)(sizeof frame + size),
				    .op = MACHD_OP_HELLO};
	struct {
		struct machd_frame frame;
		struct machd_watch watch;
	} request = {.frame = {.length = sizeof request, .op = MACHD_OP_WATCH},
		     .watch = {.table = MACHD_WATCH_LIMITS}};
	int fd = connect_raw();

	memcpy(bytes, &frame, sizeof frame);
	CHECK(send(fd, bytes, frame.length, MSG_NOSIGNAL) == (ssize_t)frame.length);
	do
		request.frame.sequence++;
	while (send(fd, &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
	CHECK(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
}

static void connect_for_ever(void)
{
	unsigned refused = 0;
	char byte;

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		int fd = connect_raw();

		/* Who is refused is told so by the end of its connection. */
		if (i >= CONNECTIONS / 2)
			refused += recv(fd, &byte, 1, 0) <= 0;
	}
	CHECK(refused == CONNECTIONS / 2);
}

static void (*const culprits[])(void) = {leak, flood, never_read, connect_for_ever};
#define CULPRITS ((int)(sizeof culprits / sizeof *culprits))

static void be_culprit(void *argument)
{
	(*(void (*const *)(void))argument)();
	flow_tell_parent(1);
	flow_hear_parent();
}

/* --- the others --- */

static void serve(void *argument)
{
	struct flow_message message;
	mach_port_t port;

	(void)argument;
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_tell_parent(1);
	do {
		flow_await(port, &message);
		flow_header(&message, message.header.msgh_remote_port, SEND_ONCE, 0, 0,
			    message.header.msgh_id);
		CHECK_OK(flow_send(&message));
	} while (message.header.msgh_id != 0);
	flow_hear_parent();
}

static void call(mach_port_t service, mach_port_t reply, mach_msg_id_t id)
{
	struct flow_message message;

	flow_header(&message, service, COPY, reply, MAKE_ONCE, id);
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message.header,
			  sizeof message, reply, 0, 0));
	CHECK_EQ(message.header.msgh_id, id);
}

/* A new process, with connections and ports of its own. */
static void be_innocent(void *argument)
{
	mach_port_t service, reply;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	reply = flow_receive_right();
	for (unsigned i = 1; i <= CALLS; i++)
		call(service, reply, (mach_msg_id_t)i);
}

/* The same of another user, who has a port of its own. */
static void be_innocent_stranger(void *argument)
{
	struct flow_message message;
	mach_port_t port;

	(void)argument;
	CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY_UID) == 0 && setuid(NOBODY_UID) == 0);
	port = flow_port();
	for (unsigned i = 1; i <= CALLS; i++) {
		CHECK_OK(flow_send_to(port, COPY, 0, 0, (mach_msg_id_t)i));
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(message.header.msgh_id, i);
	}
}

static void run_innocent(void (*body)(void *))
{
	struct flow_child child;

	flow_fork(&child, body, NULL);
	flow_join(&child);
}

static void let_others_in(void)
{
	char directory[128], *slash;

	snprintf(directory, sizeof directory, "%s", flow_socket());
	slash = strrchr(directory, '/');
	*slash = 0;
	CHECK(chmod(directory, 0755) == 0);
}

static void start(void)
{
	flow_start_with(&few);
	let_others_in();
}

START_TEST(neighbours_notice_nothing)
{
	struct flow_child service, culprit;
	mach_port_t port, reply = flow_receive_right();

	flow_fork(&service, serve, NULL);
	flow_hear(&service);
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	flow_fork(&culprit, be_culprit, (void *)(uintptr_t)&culprits[_i]);
	for (unsigned i = 1; i <= CALLS; i++) /* while it is at it */
		call(port, reply, (mach_msg_id_t)i);
	flow_hear(&culprit);
	call(port, reply, 1);
	run_innocent(be_innocent);
	if (getuid() == 0)
		run_innocent(be_innocent_stranger);
	flow_kill(&culprit);
	call(port, reply, 0);
	flow_tell(&service, 1);
	flow_join(&service);
}
END_TEST

START_TEST(who_takes_too_much_is_named)
{
	static const struct {
		void (*culprit)(void);
		const char *key;
		bool has_task; /* that is shown; connections alone are no task */
	} takers[] = {{leak, "PortsPerUser", true},
		      {flood, "MessagesPerUser", true},
		      {connect_for_ever, "ChannelsPerUser", false}};
	struct flow_child culprit;
	struct machctl run;
	char who[64];

	flow_fork(&culprit, be_culprit, (void *)(uintptr_t)&takers[_i].culprit);
	flow_hear(&culprit);
	snprintf(who, sizeof who, "pid %d of uid %d holds ", (int)culprit.pid, (int)getuid());
	CHECK(flow_logged(who) == 1);
	CHECK(flow_logged(takers[_i].key) >= 1);
	snprintf(who, sizeof who, "%d", (int)culprit.pid);
	machctl_run(&run, "limits", NULL);
	CHECK_EQ(run.status, 0);
	CHECK(!takers[_i].has_task || strstr(run.out, who) != NULL);
	machctl_free(&run);
	flow_kill(&culprit);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fair");
	TCase *tests = tcase_create("neighbours");

	tcase_add_checked_fixture(tests, start, flow_stop);
	tcase_add_loop_test(tests, neighbours_notice_nothing, 0, CULPRITS);
	/* Who never reads takes nothing: it is not read from any more. */
	tcase_add_loop_test(tests, who_takes_too_much_is_named, 0, CULPRITS - 1);
	suite_add_tcase(suite, tests);
	return flow_run(suite);
}
