/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors that travel as send rights. */
#include <errno.h>
#include <fcntl.h>
#include <machd.h>
#include <servers/bootstrap.h>
#include <string.h>
#include <sys/fileport.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/flow/flow_letter.h"

#define COPY MACH_MSG_TYPE_COPY_SEND
#define MOVE MACH_MSG_TYPE_MOVE_SEND

static void make_pipe(int ends[2])
{
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
}

static bool pipe_works(int from, int to)
{
	char byte = 0;

	return write(to, "x", 1) == 1 && read(from, &byte, 1) == 1 && byte == 'x';
}

START_TEST(a_descriptor_comes_back)
{
	unsigned before = letter_open_fds(getpid()), daemon = letter_daemon_fds();
	mach_port_t port;
	int ends[2], fd;

	make_pipe(ends);
	CHECK_OK(machd_fileport_make(ends[1], &port));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	CHECK_EQ(letter_daemon_fds(), daemon + 1);
	close(ends[1]);
	/* Two copies of it, each closed on its own. */
	for (unsigned i = 0; i < 2; i++) {
		CHECK_OK(machd_fileport_fd(port, &fd));
		CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		CHECK(pipe_works(ends[0], fd));
		close(fd);
	}
	CHECK_OK(mach_port_deallocate(mach_task_self(), port));
	CHECK_EQ(letter_daemon_fds(), daemon);
	/* That was the last one who could write. */
	CHECK(read(ends[0], &fd, 1) == 0);
	close(ends[0]);
	CHECK_EQ(letter_open_fds(getpid()), before);
}
END_TEST

static void make_and_die(void *argument)
{
	mach_port_t service, file;
	struct flow_letter letter;
	int ends[2];

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.files", &service));
	make_pipe(ends);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_OK(machd_fileport_make(ends[i], &file));
		letter_start(&letter, service);
		letter_add_port(&letter, file, i == 0 ? COPY : MOVE);
		CHECK_OK(letter_send(&letter));
	}
}

START_TEST(it_outlives_its_maker)
{
	struct flow_letter letter;
	struct flow_child child;
	mach_port_t port, again;
	int ends[2];

	CHECK_OK(bootstrap_check_in(bootstrap_port, "flow.files", &port));
	flow_fork(&child, make_and_die, NULL);
	flow_join(&child);
	flow_await_gone(child.pid);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_OK(letter_receive(port, &letter));
		again = letter_port(&letter, 0).name;
		CHECK_OK(machd_fileport_fd(again, &ends[i]));
		CHECK_OK(mach_port_deallocate(mach_task_self(), again));
	}
	CHECK(pipe_works(ends[0], ends[1]));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(what_is_no_fileport)
{
	mach_port_t port = flow_port(), other = flow_receive_right(), dead = flow_dead_name(1);
	int fd = -7;

	CHECK_CODE(machd_fileport_fd(port, &fd), KERN_INVALID_CAPABILITY);
	CHECK_CODE(machd_fileport_fd(other, &fd), KERN_INVALID_RIGHT);
	CHECK_CODE(machd_fileport_fd(flow_send_once(port), &fd), KERN_INVALID_RIGHT);
	CHECK_CODE(machd_fileport_fd(dead, &fd), KERN_INVALID_NAME);
	CHECK_CODE(machd_fileport_fd(flow_missing_name(), &fd), KERN_INVALID_NAME);
	CHECK_CODE(machd_fileport_fd(MACH_PORT_NULL, &fd), KERN_INVALID_NAME);
	CHECK_CODE(machd_fileport_fd(mach_task_self(), &fd), KERN_INVALID_CAPABILITY);
	CHECK_CODE(machd_fileport_make(-1, &port), KERN_INVALID_ARGUMENT);
	CHECK_CODE(machd_fileport_make(9999, &port), KERN_INVALID_ARGUMENT);
	CHECK_EQ(fd, -7);
	errno = 0;
	CHECK(fileport_makefd(port) == -1 && errno == EINVAL);
	CHECK(fileport_makeport(9999, &port) == -1 && errno == EBADF);
}
END_TEST

START_TEST(apples_names)
{
	fileport_t port;
	int ends[2], fd;

	make_pipe(ends);
	CHECK(fileport_makeport(ends[1], &port) == 0);
	fd = fileport_makefd(port);
	CHECK(fd >= 0 && pipe_works(ends[0], fd));
	close(fd);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* A connection to the daemon that the daemon itself keeps open would never end. */
START_TEST(a_connection_to_the_daemon_is_refused)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), pair[2];
	mach_port_t port;

	strcpy(address.sun_path, flow_socket());
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK_CODE(machd_fileport_make(fd, &port), KERN_INVALID_ARGUMENT);
	close(fd);
	/* Other sockets are files like any other. */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	CHECK_OK(machd_fileport_make(pair[0], &port));
	CHECK_OK(machd_fileport_fd(port, &fd));
	CHECK(pipe_works(pair[1], fd));
	close(fd);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(there_are_not_any_number_of_them)
{
	static const struct flow_options options = {
		.config = "[limits]\nTaskShare=100\nMemfdsPerUser=3\n"};
	mach_port_t ports[4];
	int ends[2];

	flow_stop();
	flow_start_with(&options);
	make_pipe(ends);
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(machd_fileport_make(ends[0], &ports[i]));
	CHECK_CODE(machd_fileport_make(ends[0], &ports[3]), KERN_RESOURCE_SHORTAGE);
	CHECK_OK(mach_port_deallocate(mach_task_self(), ports[0]));
	CHECK_OK(machd_fileport_make(ends[0], &ports[3]));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fileport");
	TCase *tcase = flow_case(suite, "fileport");

	tcase_add_test(tcase, a_descriptor_comes_back);
	tcase_add_test(tcase, it_outlives_its_maker);
	tcase_add_test(tcase, what_is_no_fileport);
	tcase_add_test(tcase, apples_names);
	tcase_add_test(tcase, a_connection_to_the_daemon_is_refused);
	tcase_add_test(tcase, there_are_not_any_number_of_them);
	return flow_run(suite);
}
