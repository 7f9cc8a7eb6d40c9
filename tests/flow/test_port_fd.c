/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors for event loops [13, 27]: readable exactly while messages wait, one for any number of
 * ports; what they tell; how they end; and receiving as kevent does.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach_time.h>
#include <mach/mk_timer.h>
#include <machd.h>
#include <machd_event.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

#define COPY MACH_MSG_TYPE_COPY_SEND

/* What poll() says now; nothing waits here. */
static short poll_events(int fd)
{
	struct pollfd state = {.fd = fd, .events = POLLIN};

	CHECK(poll(&state, 1, 0) >= 0);
	return state.revents;
}

static bool readable(int fd)
{
	return poll_events(fd) == POLLIN;
}

static bool quiet(int fd)
{
	return poll_events(fd) == 0;
}

static void await_readable(int fd)
{
	struct pollfd state = {.fd = fd, .events = POLLIN};

	while (poll(&state, 1, -1) < 0)
		CHECK(errno == EINTR);
	CHECK(state.revents & POLLIN);
}

static int listen_to(mach_port_t name)
{
	int fd = -1;

	CHECK_OK(machd_port_fd(name, &fd));
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	return fd;
}

static void take(mach_port_t name)
{
	struct flow_message message;

	CHECK_OK(flow_receive(name, &message));
}

static machd_event_t only_event(int fd)
{
	machd_event_t events[4];
	uint32_t count = 4;

	CHECK_OK(machd_port_fd_next(fd, events, &count));
	CHECK_EQ(count, 1);
	return events[0];
}

static void no_event(int fd)
{
	machd_event_t event;
	uint32_t count = 1;

	CHECK_OK(machd_port_fd_next(fd, &event, &count));
	CHECK_EQ(count, 0);
}

static mach_port_t new_set(void)
{
	mach_port_t set;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	return set;
}

START_TEST(readable_exactly_while_messages_wait)
{
	mach_port_t port = flow_port();
	int fd = listen_to(port);

	CHECK(quiet(fd));
	for (int i = 0; i < 3; i++) {
		flow_fill(port, 2);
		CHECK(readable(fd));
		take(port);
		CHECK(readable(fd));
		take(port);
		CHECK(quiet(fd));
	}
	CHECK_OK(machd_port_fd_close(fd));
	flow_fill(port, 1);
	take(port);
}
END_TEST

static void *take_in_thread(void *port)
{
	take(*(mach_port_t *)port);
	return NULL;
}

START_TEST(another_threads_receive_makes_it_quiet)
{
	mach_port_t port = flow_port();
	int fd = listen_to(port);
	pthread_t thread;

	flow_fill(port, 1);
	CHECK(readable(fd));
	CHECK(pthread_create(&thread, NULL, take_in_thread, &port) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(quiet(fd));
}
END_TEST

START_TEST(what_waits_already_counts)
{
	mach_port_t port = flow_port(), set = new_set();
	int fd;

	flow_fill(port, 1);
	fd = listen_to(port);
	CHECK(readable(fd));
	CHECK_OK(machd_port_fd_close(fd));
	fd = listen_to(set);
	CHECK(quiet(fd));
	CHECK_OK(mach_port_insert_member(mach_task_self(), port, set));
	CHECK(readable(fd));
	CHECK_OK(mach_port_extract_member(mach_task_self(), port, set));
	CHECK(quiet(fd));
}
END_TEST

START_TEST(a_timers_message_is_one)
{
	mach_port_t timer = mk_timer_create();
	int fd = listen_to(timer);

	CHECK_OK(mk_timer_arm(timer, mach_absolute_time()));
	await_readable(fd);
	take(timer);
	CHECK(quiet(fd));
	CHECK_OK(mk_timer_destroy(timer));
	CHECK(readable(fd));
	CHECK_EQ(only_event(fd).what, MACHD_EVENT_GONE);
}
END_TEST

START_TEST(one_descriptor_for_many)
{
	mach_port_t ports[3], set = new_set();
	machd_event_t event;
	int fd;

	CHECK_OK(machd_port_fd_create(&fd));
	CHECK_OK(machd_port_fd_add(fd, set));
	for (int i = 0; i < 3; i++) {
		ports[i] = flow_port();
		CHECK_OK(machd_port_fd_add(fd, ports[i]));
	}
	CHECK_OK(mach_port_insert_member(mach_task_self(), ports[2], set));
	no_event(fd);
	flow_fill(ports[1], 1);
	event = only_event(fd);
	CHECK_EQ(event.name, ports[1]);
	CHECK_EQ(event.member, ports[1]);
	CHECK_EQ(event.what, MACHD_EVENT_MESSAGE);
	CHECK_OK(machd_port_fd_remove(fd, ports[1]));
	CHECK(quiet(fd));
	CHECK_OK(machd_port_fd_remove(fd, ports[2]));
	flow_fill(ports[2], 1);
	event = only_event(fd);
	CHECK_EQ(event.name, set);
	CHECK_EQ(event.member, ports[2]);
	take(set);
	CHECK(quiet(fd));
}
END_TEST

START_TEST(w341_what_has_gone_is_told_once)
{
	mach_port_t port = flow_port(), moved = flow_port(), set = new_set();
	machd_event_t events[4];
	struct flow_message message;
	uint32_t count = 4;
	int fd = listen_to(port);

	CHECK_OK(machd_port_fd_add(fd, moved));
	CHECK_OK(machd_port_fd_add(fd, set));
	CHECK_OK(mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK(readable(fd));
	flow_complex(&message, flow_port(), COPY, 1);
	flow_add_port(&message, moved, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_OK(mach_port_destroy(mach_task_self(), set));
	CHECK_OK(machd_port_fd_next(fd, events, &count));
	CHECK_EQ(count, 3);
	CHECK_EQ(events[0].name, port);
	CHECK_EQ(events[1].name, moved);
	CHECK_EQ(events[2].name, set);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(events[i].what, MACHD_EVENT_GONE);
		CHECK_EQ(events[i].member, MACH_PORT_NULL);
	}
	CHECK(quiet(fd));
	no_event(fd);
}
END_TEST

START_TEST(names_that_cannot_be_listened_to)
{
	mach_port_t port = flow_port(), once = flow_send_once(port), bad = flow_missing_name();
	const struct {
		mach_port_t name;
		kern_return_t code;
	} rows[] = {
		{MACH_PORT_NULL, KERN_INVALID_NAME},
		{MACH_PORT_DEAD, KERN_INVALID_NAME},
		{bad, KERN_INVALID_NAME},
		{flow_dead_name(1), KERN_INVALID_NAME},
		{once, KERN_INVALID_RIGHT},
		{mach_task_self(), KERN_INVALID_RIGHT},
		{thread_get_special_reply_port(), KERN_INVALID_RIGHT},
	};
	unsigned before = letter_daemon_fds(), own = letter_open_fds(getpid());
	int fd = 1234;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_CODE(machd_port_fd(rows[i].name, &fd), rows[i].code);
	CHECK_EQ(fd, 1234);
	CHECK_EQ(letter_daemon_fds(), before);
	CHECK_EQ(letter_open_fds(getpid()), own);
	fd = listen_to(port);
	CHECK_CODE(machd_port_fd_add(fd, port), KERN_ALREADY_IN_SET);
	CHECK_CODE(machd_port_fd_remove(fd, once), KERN_INVALID_RIGHT);
	CHECK_OK(machd_port_fd_remove(fd, port));
	CHECK_CODE(machd_port_fd_remove(fd, port), KERN_NOT_IN_SET);
}
END_TEST

START_TEST(descriptors_that_are_none_of_these)
{
	mach_port_t port = flow_port();
	machd_event_t event;
	uint32_t count = 1;
	int fd = listen_to(port);

	CHECK_CODE(machd_port_fd_add(0, port), KERN_INVALID_ARGUMENT);
	CHECK_CODE(machd_port_fd_remove(-1, port), KERN_INVALID_ARGUMENT);
	CHECK_CODE(machd_port_fd_next(fd + 1, &event, &count), KERN_INVALID_ARGUMENT);
	CHECK_CODE(machd_port_fd_close(fd + 1), KERN_INVALID_ARGUMENT);
	CHECK_OK(machd_port_fd_close(fd));
	CHECK_CODE(machd_port_fd_close(fd), KERN_INVALID_ARGUMENT);
	CHECK(fcntl(fd, F_GETFD) < 0);
}
END_TEST

/* One that was closed by close() costs the daemon something until its number is used again. */
START_TEST(a_descriptor_closed_by_itself)
{
	mach_port_t port = flow_port();
	unsigned before = letter_daemon_fds();
	int fd = listen_to(port), other;

	close(fd);
	flow_fill(port, 1);
	other = listen_to(port);
	CHECK_EQ(other, fd);
	CHECK_EQ(letter_daemon_fds(), before + 2);
	CHECK(readable(other));
	close(other);
	/* Its number is that of a file now: it is left alone. */
	CHECK(dup(0) == fd);
	CHECK_OK(machd_port_fd_close(fd));
	CHECK(fcntl(fd, F_GETFD) >= 0);
	close(fd);
	CHECK_EQ(letter_daemon_fds(), before);
}
END_TEST

static void child_has_none(void *fd)
{
	mach_port_t port = flow_port();
	int own;

	CHECK(fcntl(*(int *)fd, F_GETFD) < 0);
	CHECK_CODE(machd_port_fd_add(*(int *)fd, port), KERN_INVALID_ARGUMENT);
	own = listen_to(port);
	flow_fill(port, 1);
	CHECK(readable(own));
}

START_TEST(a_child_does_not_have_it)
{
	mach_port_t port = flow_port();
	int fd = listen_to(port);
	struct flow_child child;

	flow_fork(&child, child_has_none, &fd);
	flow_join(&child);
	CHECK(quiet(fd));
	flow_fill(port, 1);
	CHECK(readable(fd));
}
END_TEST

START_TEST(a_lost_daemon_hangs_up)
{
	mach_port_t port = flow_port();
	int fd = listen_to(port);

	flow_crash();
	await_readable(fd);
	CHECK(poll_events(fd) & POLLHUP);
	flow_restart();
	CHECK_CODE(mach_port_deallocate(mach_task_self(), port), MACHD_NO_DAEMON);
	CHECK(mach_task_self() != MACH_PORT_NULL);
	CHECK_CODE(machd_port_fd_add(fd, flow_port()), KERN_INVALID_ARGUMENT);
	CHECK_OK(machd_port_fd_close(fd));
	fd = listen_to(flow_port());
	CHECK(quiet(fd));
}
END_TEST

START_TEST(they_are_limited)
{
	int fd[3];

	for (int i = 0; i < 2; i++)
		CHECK_OK(machd_port_fd_create(&fd[i]));
	CHECK_CODE(machd_port_fd_create(&fd[2]), KERN_RESOURCE_SHORTAGE);
	CHECK_OK(machd_port_fd_close(fd[0]));
	CHECK_OK(machd_port_fd_create(&fd[2]));
}
END_TEST

/* --- receiving as kevent does --- */

static void send_with_aux(mach_port_t port, mach_msg_size_t aux_size)
{
	struct flow_message message;
	uint8_t aux[256];
	mach_msg_vector_t vector[2] = {
		{.msgv_data = (uintptr_t)&message, .msgv_send_size = 40},
		{.msgv_data = (uintptr_t)aux, .msgv_send_size = aux_size},
	};

	memset(&message, 0x11, sizeof message);
	memset(aux, 0x22, sizeof aux);
	flow_header(&message, port, COPY, MACH_PORT_NULL, 0, 5);
	CHECK_OK(mach_msg2(vector, MACH64_SEND_MSG | MACH64_MSG_VECTOR | MACH64_SEND_MQ_CALL,
			   message.header, 2, 0, MACH_PORT_NULL, 0, 0));
}

START_TEST(w340_the_message_comes_with_the_event)
{
	mach_port_t port = flow_port();
	int fd = listen_to(port);
	machd_received_t result;
	uint8_t buffer[256];
	mach_msg_header_t *header = (mach_msg_header_t *)(void *)buffer;
	mach_msg_aux_header_t aux;

	CHECK_CODE(machd_port_receive(port, 0, buffer, sizeof buffer, &result), MACH_RCV_TIMED_OUT);
	CHECK_EQ(result.size, 0);
	flow_fill(port, 1);
	CHECK(readable(fd));
	CHECK_OK(machd_port_receive(port, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), buffer,
				    sizeof buffer, &result));
	CHECK_EQ(result.size, 24 + 52);
	CHECK_EQ(result.aux_size, 0);
	CHECK_EQ(header->msgh_size, 24);
	CHECK_EQ(header->msgh_local_port, port);
	send_with_aux(port, 100);
	memset(buffer, 0xee, sizeof buffer);
	CHECK_OK(machd_port_receive(port, 0, buffer, 40 + 8 + 100, &result));
	CHECK_EQ(result.size, 40 + 8);
	CHECK_EQ(result.aux_size, 100);
	memcpy(&aux, buffer + result.size, sizeof aux);
	CHECK_EQ(aux.msgdh_size, 100);
	CHECK_EQ(buffer[result.size + 99], 0x22);
	CHECK_EQ(buffer[result.size + 100], 0xee);
	CHECK(quiet(fd));
}
END_TEST

START_TEST(too_large_for_the_event)
{
	mach_port_t port = flow_port(), set = new_set();
	machd_received_t result;
	uint8_t buffer[256];

	CHECK_OK(mach_port_insert_member(mach_task_self(), port, set));
	send_with_aux(port, 100);
	memset(buffer, 0xee, sizeof buffer);
	CHECK_CODE(machd_port_receive(set, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, buffer,
				      40 + 8 + 99, &result),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(result.size, 40);
	CHECK_EQ(result.aux_size, 100);
	CHECK_EQ(result.port, port);
	for (size_t i = 0; i < sizeof buffer; i++)
		CHECK_EQ(buffer[i], 0xee);
	/* Not kept: a bare header, a trailer and an empty header of auxiliary data. */
	CHECK_CODE(machd_port_receive(set, 0, buffer, 40 + 8 + 99, &result), MACH_RCV_TOO_LARGE);
	CHECK_EQ(result.size, 24 + 8);
	CHECK_EQ(result.aux_size, 8);
	CHECK_CODE(machd_port_receive(set, 0, buffer, sizeof buffer, NULL), MACH_RCV_TIMED_OUT);
}
END_TEST

START_TEST(receiving_goes_wrong_as_always)
{
	mach_port_t port = flow_port();
	machd_received_t result = {.size = 7};
	uint8_t buffer[64];

	CHECK_CODE(machd_port_receive(MACH_PORT_NULL, 0, buffer, sizeof buffer, &result),
		   MACH_RCV_INVALID_NAME);
	CHECK_EQ(result.size, 0);
	flow_fill(port, 1);
	CHECK_CODE(machd_port_receive(port, 0, (void *)16, 64, &result), MACH_RCV_INVALID_DATA);
	CHECK_EQ(result.size, 0);
}
END_TEST

START_TEST(a_large_message_comes_with_its_trailer_and_auxiliary_data)
{
	enum { SIZE = 200000 };
	uint8_t *sent = calloc(1, SIZE), *got = calloc(1, SIZE + 1000), aux[64];
	mach_port_t port = flow_port();
	mach_msg_vector_t vector[2] = {
		{.msgv_data = (uintptr_t)sent, .msgv_send_size = SIZE},
		{.msgv_data = (uintptr_t)aux, .msgv_send_size = sizeof aux},
	};
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port};
	machd_received_t result;
	mach_msg_trailer_t trailer;

	CHECK(sent && got);
	memset(aux, 0x33, sizeof aux);
	memset(sent, 0x44, SIZE);
	CHECK_OK(mach_msg2(vector, MACH64_SEND_MSG | MACH64_MSG_VECTOR | MACH64_SEND_MQ_CALL,
			   header, 2, 0, MACH_PORT_NULL, 0, 0));
	CHECK_OK(machd_port_receive(port, 0, got, SIZE + 1000, &result));
	CHECK_EQ(result.size, SIZE + sizeof trailer);
	CHECK(memcmp(got + sizeof header, sent + sizeof header, SIZE - sizeof header) == 0);
	memcpy(&trailer, got + SIZE, sizeof trailer);
	CHECK_EQ(trailer.msgh_trailer_size, sizeof trailer);
	CHECK(memcmp(got + result.size + 8, aux + 8, sizeof aux - 8) == 0);
	free(sent);
	free(got);
}
END_TEST

static void limited_start(void)
{
	struct flow_options options = {.config = "[limits]\nTaskShare=100\nBellsPerUser=2\n"};

	flow_start_with(&options);
}

int main(void)
{
	Suite *suite = suite_create("port_fd");
	TCase *tests = flow_case(suite, "descriptors"), *limits = tcase_create("limits");

	tcase_add_test(tests, readable_exactly_while_messages_wait);
	tcase_add_test(tests, another_threads_receive_makes_it_quiet);
	tcase_add_test(tests, what_waits_already_counts);
	tcase_add_test(tests, a_timers_message_is_one);
	tcase_add_test(tests, one_descriptor_for_many);
	tcase_add_test(tests, w341_what_has_gone_is_told_once);
	tcase_add_test(tests, names_that_cannot_be_listened_to);
	tcase_add_test(tests, descriptors_that_are_none_of_these);
	tcase_add_test(tests, a_descriptor_closed_by_itself);
	tcase_add_test(tests, a_child_does_not_have_it);
	tcase_add_test(tests, a_lost_daemon_hangs_up);
	tcase_add_test(tests, w340_the_message_comes_with_the_event);
	tcase_add_test(tests, too_large_for_the_event);
	tcase_add_test(tests, receiving_goes_wrong_as_always);
	tcase_add_test(tests, a_large_message_comes_with_its_trailer_and_auxiliary_data);
	tcase_add_checked_fixture(limits, limited_start, flow_stop);
	tcase_add_test(limits, they_are_limited);
	suite_add_tcase(suite, limits);
	return flow_run(suite);
}
