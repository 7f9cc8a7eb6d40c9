/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thousand ports in an event loop, and two other processes that send to any of them: every
 * message arrives, and neither the daemon nor the client has a descriptor for each port [13, 27].
 */
#include <errno.h>
#include <machd_event.h>
#include <poll.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

#define COPY MACH_MSG_TYPE_COPY_SEND

static bool quiet(int fd)
{
	struct pollfd state = {.fd = fd, .events = POLLIN};

	return poll(&state, 1, 0) == 0;
}

enum { PORTS = 1000, SENDERS = 2, EACH = 3000 };

struct letter {
	mach_msg_header_t header;
	uint32_t sender, number, port; /* who sent it, its how manieth, and to which port */
	mach_msg_trailer_t trailer;
};

static const char *name_of(unsigned number)
{
	static char text[32];

	snprintf(text, sizeof text, "port.fd.%u", number);
	return text;
}

/* The send rights come from the parent, in one message. */
static void fetch_ports(mach_port_t *ports, uint32_t sender)
{
	struct {
		mach_msg_base_t base;
		mach_msg_ool_ports_descriptor_t ports;
		mach_msg_trailer_t trailer;
	} message;
	mach_port_t own;

	CHECK_OK(bootstrap_check_in(bootstrap_port, name_of(sender), &own));
	flow_tell_parent(1);
	CHECK_OK(mach_msg(&message.base.header, MACH_RCV_MSG, 0, sizeof message, own, 0,
			  MACH_PORT_NULL));
	CHECK_EQ(message.ports.count, PORTS);
	memcpy(ports, message.ports.address, PORTS * sizeof *ports);
}

static void send_letters(void *argument)
{
	uint32_t sender = *(uint32_t *)argument, seed = 12345 + sender;
	mach_port_t ports[PORTS];

	fetch_ports(ports, sender);
	for (uint32_t i = 0; i < EACH; i++) {
		struct letter letter = {.sender = sender, .number = i};

		seed = seed * 1103515245 + 12345;
		letter.port = (seed >> 16) % PORTS;
		letter.header.msgh_bits = MACH_MSGH_BITS(COPY, 0);
		letter.header.msgh_remote_port = ports[letter.port];
		CHECK_OK(mach_msg(&letter.header, MACH_SEND_MSG, offsetof(struct letter, trailer),
				  0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
	}
}

static void give_ports(uint32_t sender, const mach_port_t *ports)
{
	struct {
		mach_msg_base_t base;
		mach_msg_ool_ports_descriptor_t ports;
	} message = {.base = {.body = {1}}};
	mach_port_t dest;

	CHECK_OK(bootstrap_look_up(bootstrap_port, name_of(sender), &dest));
	message.base.header.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(COPY, 0);
	message.base.header.msgh_remote_port = dest;
	message.ports = (mach_msg_ool_ports_descriptor_t){.address = (void *)(uintptr_t)ports,
							  .count = PORTS,
							  .disposition = MACH_MSG_TYPE_MAKE_SEND,
							  .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
	CHECK_OK(mach_msg(&message.base.header, MACH_SEND_MSG, sizeof message, 0, MACH_PORT_NULL, 0,
			  MACH_PORT_NULL));
}

static struct {
	mach_port_t ports[PORTS];
	struct flow_child child[SENDERS];
	uint32_t ids[SENDERS];
	uint8_t seen[SENDERS][EACH];
	unsigned left;
} crowd;

static void start_crowd(void)
{
	crowd.left = SENDERS * EACH;
	for (unsigned i = 0; i < PORTS; i++)
		crowd.ports[i] = flow_receive_right();
	for (uint32_t i = 0; i < SENDERS; i++) {
		crowd.ids[i] = i;
		flow_fork(&crowd.child[i], send_letters, &crowd.ids[i]);
		flow_hear(&crowd.child[i]);
	}
}

/* Take what waits on a port or set, until nothing does; how much that was. */
static unsigned take_letters(mach_port_t name)
{
	unsigned taken = 0;
	struct letter letter;
	mach_msg_return_t code;

	while ((code = mach_msg(&letter.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof letter,
				name, 0, MACH_PORT_NULL)) == MACH_MSG_SUCCESS) {
		CHECK(letter.sender < SENDERS && letter.number < EACH && letter.port < PORTS);
		CHECK_EQ(letter.header.msgh_local_port, crowd.ports[letter.port]);
		CHECK_EQ(crowd.seen[letter.sender][letter.number]++, 0);
		taken++;
	}
	CHECK_CODE(code, MACH_RCV_TIMED_OUT);
	crowd.left -= taken;
	return taken;
}

static void end_crowd(int fd)
{
	CHECK(quiet(fd));
	for (unsigned i = 0; i < SENDERS; i++)
		flow_join(&crowd.child[i]);
	CHECK(quiet(fd));
}

static void await_epoll(int epoll, int fd)
{
	struct epoll_event event;
	int count;

	do
		count = epoll_wait(epoll, &event, 1, -1);
	while (count < 0 && errno == EINTR);
	CHECK_EQ(count, 1);
	CHECK(event.data.fd == fd && event.events == EPOLLIN);
}

static int epoll_on(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	return epoll;
}

START_TEST(a_thousand_ports_in_a_set)
{
	unsigned daemon, own;
	mach_port_t set;
	int fd, epoll;

	start_crowd();
	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(machd_port_fd(set, &fd));
	epoll = epoll_on(fd);
	daemon = letter_daemon_fds();
	own = letter_open_fds(getpid());
	for (unsigned i = 0; i < PORTS; i++)
		CHECK_OK(mach_port_insert_member(mach_task_self(), crowd.ports[i], set));
	/* Before they send: what comes with their requests is the daemon's for a moment. */
	CHECK_EQ(letter_daemon_fds(), daemon);
	CHECK_EQ(letter_open_fds(getpid()), own);
	for (uint32_t i = 0; i < SENDERS; i++)
		give_ports(i, crowd.ports);
	while (crowd.left) {
		await_epoll(epoll, fd);
		take_letters(set);
	}
	CHECK_EQ(letter_open_fds(getpid()), own);
	CHECK(letter_daemon_fds() <= daemon);
	end_crowd(fd);
	close(epoll);
}
END_TEST

START_TEST(a_thousand_ports_on_one_descriptor)
{
	machd_event_t events[64];
	unsigned daemon, own;
	uint32_t count;
	int fd, epoll;

	start_crowd();
	CHECK_OK(machd_port_fd_create(&fd));
	epoll = epoll_on(fd);
	daemon = letter_daemon_fds();
	own = letter_open_fds(getpid());
	for (unsigned i = 0; i < PORTS; i++)
		CHECK_OK(machd_port_fd_add(fd, crowd.ports[i]));
	/* Before they send: what comes with their requests is the daemon's for a moment. */
	CHECK_EQ(letter_daemon_fds(), daemon);
	CHECK_EQ(letter_open_fds(getpid()), own);
	for (uint32_t i = 0; i < SENDERS; i++)
		give_ports(i, crowd.ports);
	while (crowd.left) {
		await_epoll(epoll, fd);
		count = 64;
		CHECK_OK(machd_port_fd_next(fd, events, &count));
		CHECK(count > 0);
		for (uint32_t i = 0; i < count; i++)
			CHECK(take_letters(events[i].name) > 0);
	}
	CHECK_EQ(letter_open_fds(getpid()), own);
	CHECK(letter_daemon_fds() <= daemon);
	end_crowd(fd);
	close(epoll);
}
END_TEST

static void recorded_start(void)
{
	struct flow_options options = {.record = true};

	flow_start_with(&options);
}

int main(void)
{
	Suite *suite = suite_create("port_fd_crowd");
	TCase *crowds = tcase_create("crowds");

	/* Recorded, and replayed when it is over: what rang then rings again. */
	tcase_add_checked_fixture(crowds, recorded_start, flow_stop);
	tcase_add_test(crowds, a_thousand_ports_in_a_set);
	tcase_add_test(crowds, a_thousand_ports_on_one_descriptor);
	suite_add_tcase(suite, crowds);
	return flow_run(suite);
}
