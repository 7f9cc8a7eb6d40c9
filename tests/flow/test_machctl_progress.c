/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for a long table at a terminal is told how far it is, and the terminal is clean in the
 * end. The table here has no end before that was seen, so nothing depends on how long a second
 * takes.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "protocol/rows.h"
#include "protocol/watch.h"
#include "tests/flow/flow.h"

static uint8_t packet[MACHD_FRAME_SIZE_MAX];

static void answer(int sock, const struct machd_frame *request, size_t size)
{
	struct machd_frame frame = {
		.length = (uint32_t)(sizeof frame + size),
		.op = request->op | MACHD_OP_ANSWER,
		.sequence = request->sequence,
	};

	memcpy(packet, &frame, sizeof frame);
	CHECK(send(sock, packet, frame.length, MSG_NOSIGNAL) == (ssize_t)frame.length);
}

/*
 * One task on each page, page after page, until `stop` can be read. A daemon with so much to tell
 * takes its time; of one that does not machctl reads ever less of the CPU, and there may be little.
 */
static void serve(int listener, int stop)
{
	const struct machd_welcome welcome = {.version = MACHD_PROTOCOL_VERSION};
	uint8_t *payload = packet + sizeof(struct machd_frame);
	int sock = accept(listener, NULL, NULL);
	struct machd_frame frame;
	bool last = false;

	while (recv(sock, packet, sizeof packet, 0) >= (ssize_t)sizeof frame) {
		struct machd_watch_answer head = {.record_size = sizeof(struct machd_watch_task)};
		struct machd_watch_task task = {.pid = 1};
		struct machd_watch request;
		struct machd_rows rows;

		memcpy(&frame, packet, sizeof frame);
		if (frame.op == MACHD_OP_HELLO) {
			answer(sock, &frame,
			       machd_welcome_pack(&welcome, payload, MACHD_HELLO_SIZE_MAX));
			continue;
		}
		memcpy(&request, payload, sizeof request);
		last = last || poll(&(struct pollfd){.fd = stop, .events = POLLIN}, 1, 40) == 1;
		head.next_index = last ? 0 : request.index + 1;
		memcpy(payload, &head, sizeof head);
		machd_rows_begin(&rows, payload + sizeof head, sizeof task);
		machd_rows_add(&rows, &task);
		answer(sock, &frame, sizeof head + rows.used);
	}
	_exit(0);
}

/* machctl with its stderr on a terminal, or not. */
static pid_t run_machctl(const char *path, int terminal)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		dup2(terminal, STDERR_FILENO);
		execl(getenv("MACHCTL_BINARY"), "machctl", "-s", path, "leaks", "-n", "0",
		      (char *)NULL);
		_exit(127);
	}
	return pid;
}

START_TEST(progress_is_told_and_wiped_away)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[] = "/tmp/machctl-XXXXXX", text[65536];
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), stop[2], master, slave;
	int status;
	size_t used = 0;
	ssize_t got;
	pid_t server, machctl;

	text[0] = 0;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", directory);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert(listen(listener, 1) == 0 && pipe(stop) == 0);
	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	/* Nobody but machctl has the terminal open: when it ends, however it does, so does this. */
	machctl = run_machctl(address.sun_path, slave);
	close(slave);
	server = fork();
	if (server == 0)
		serve(listener, stop[0]);
	while (used < sizeof text - 1 &&
	       (got = read(master, text + used, sizeof text - 1 - used)) > 0) {
		used += (size_t)got;
		text[used] = 0;
		if (strstr(text, " records so far"))
			CHECK(write(stop[1], "", 1) == 1);
	}
	ck_assert_msg(strncmp(text, "\rmachctl: ", 10) == 0, "begins with: %s", text);
	ck_assert_str_eq(text + used - 4, "\r\033[K");
	ck_assert_int_eq(waitpid(machctl, &status, 0), machctl);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(waitpid(server, NULL, 0), server);
	close(master);
	unlink(address.sun_path);
	rmdir(directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl progress");
	TCase *tcase = tcase_create("a table without end");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, progress_is_told_and_wiped_away);
	return flow_run(suite);
}
