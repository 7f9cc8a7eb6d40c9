/* SPDX-License-Identifier: Apache-2.0 */
/* QoS from end to end: what senders say, what receivers are told, and who goes on first [18]. */
#include <errno.h>
#include <machd.h>
#include <machd_event.h>
#include <pthread.h>
#include <pthread/qos.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define OVERRIDE  MACH_SEND_OVERRIDE
#define PROPAGATE MACH_SEND_PROPAGATE_QOS

/* The form of pthread_priority_t: a bit for the QoS, and relative - 1. */
#define PRIORITY(qos, relative) (0x80ULL << (qos) | (uint8_t)((relative)-1))

static void send_as(mach_port_t port, mach_msg_option_t option, mach_msg_priority_t priority)
{
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 1);
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | option, sizeof message.header, 0, 0, 0,
			  priority));
}

static void send2_as(mach_port_t port, mach_msg_option_t option, mach_msg_priority_t priority)
{
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 1);
	CHECK_OK(mach_msg2(&message, MACH64_SEND_MQ_CALL | MACH_SEND_MSG | (uint32_t)option,
			   message.header, sizeof message.header, 0, 0, 0, priority));
}

/* Receive a message; the library says that it came with that. */
static void came_with(mach_port_t port, uint64_t priority, uint32_t override)
{
	struct flow_message message;

	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(machd_received_qos() >> 32, priority);
	CHECK_EQ(machd_received_qos(), override);
}

START_TEST(s304_the_override_of_the_second_stays)
{
	mach_port_t port = flow_port();

	send_as(port, OVERRIDE, mach_msg_priority_encode(0, 6, 0));
	send_as(port, OVERRIDE, mach_msg_priority_encode(0, 2, 0));
	came_with(port, PRIORITY(6, 0), 6);
	came_with(port, PRIORITY(2, 0), 2);
}
END_TEST

START_TEST(an_override_goes_to_those_in_front)
{
	mach_port_t port = flow_port();

	send_as(port, 0, 0);
	send_as(port, OVERRIDE, mach_msg_priority_encode(0, 2, 0));
	send_as(port, OVERRIDE, mach_msg_priority_encode(5, 1, 0));
	came_with(port, 0, 5);
	came_with(port, PRIORITY(2, 0), 5);
	came_with(port, PRIORITY(1, 0), 5);
}
END_TEST

START_TEST(s305_the_override_is_the_larger_of_the_two)
{
	mach_port_t port = flow_port();
	mach_msg_priority_t word = mach_msg_priority_encode(3, 5, -4);

	CHECK_EQ(machd_received_qos(), 0);
	send_as(port, OVERRIDE, word);
	send2_as(port, OVERRIDE, word);
	send_as(port, 0, word);
	came_with(port, PRIORITY(5, -4), 5);
	came_with(port, PRIORITY(5, -4), 5);
	came_with(port, 0, 0);
}
END_TEST

START_TEST(a_threads_own_class_goes_with_its_messages_if_it_is_asked_for)
{
	static const struct {
		qos_class_t class;
		unsigned qos;
	} rows[] = {
		{QOS_CLASS_BACKGROUND, 2},	 {QOS_CLASS_UTILITY, 3},
		{QOS_CLASS_DEFAULT, 4},		 {QOS_CLASS_USER_INITIATED, 5},
		{QOS_CLASS_USER_INTERACTIVE, 6},
	};
	mach_port_t port = flow_port();

	CHECK_EQ(qos_class_self(), QOS_CLASS_UNSPECIFIED);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(pthread_set_qos_class_self_np(rows[i].class, -(int)i) == 0);
		CHECK_EQ(qos_class_self(), rows[i].class);
		send_as(port, PROPAGATE, 0);
		came_with(port, PRIORITY(rows[i].qos, -(int)i), rows[i].qos);
		send_as(port, 0, 0);
		came_with(port, 0, 0);
	}
	CHECK(pthread_set_qos_class_self_np(QOS_CLASS_UNSPECIFIED, 0) == EINVAL);
	CHECK(pthread_set_qos_class_self_np((qos_class_t)0x20, 0) == EINVAL);
	CHECK(pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 1) == EINVAL);
	CHECK(pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, -16) == EINVAL);
	CHECK_EQ(qos_class_self(), QOS_CLASS_USER_INTERACTIVE);
}
END_TEST

/* Send and receive a message with the QoS that the thread's schedule gives it. */
static void propagates(mach_port_t port, unsigned qos)
{
	send_as(port, PROPAGATE, 0);
	came_with(port, PRIORITY(qos, 0), qos);
}

START_TEST(a_thread_that_set_none_has_what_linux_makes_of_it)
{
	mach_port_t port = flow_port();
	struct sched_param none = {0};
	int given = sched_getscheduler(0);

	/* Only root may go back, so it starts from what the test was given. */
	for (int nice = getpriority(PRIO_PROCESS, 0); given == SCHED_OTHER && nice <= 19; nice++) {
		CHECK(setpriority(PRIO_PROCESS, 0, nice) == 0);
		propagates(port, nice <= -10 ? 6
				 : nice < 0  ? 5
				 : nice == 0 ? 4
				 : nice < 10 ? 3
					     : 2);
	}
	if (given != SCHED_IDLE) {
		CHECK(sched_setscheduler(0, SCHED_BATCH, &none) == 0);
		propagates(port, 2);
	}
	CHECK(sched_setscheduler(0, SCHED_IDLE, &none) == 0);
	errno = 77;
	propagates(port, 1);
	CHECK_EQ(errno, 77);
}
END_TEST

/* Who listens for changes only hears of a head that has become more urgent. */
START_TEST(an_event_loop_is_told_when_the_head_is_raised)
{
	mach_port_t port = flow_port();
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int fd, loop = epoll_create1(EPOLL_CLOEXEC);

	CHECK(loop >= 0);
	CHECK_OK(machd_port_fd(port, &fd));
	CHECK(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0);
	CHECK(epoll_wait(loop, &event, 1, 0) == 0);
	send_as(port, 0, 0);
	CHECK(epoll_wait(loop, &event, 1, -1) == 1);
	send_as(port, 0, 0);
	CHECK(epoll_wait(loop, &event, 1, 0) == 0);
	send_as(port, OVERRIDE, mach_msg_priority_encode(5, 0, 0));
	CHECK(epoll_wait(loop, &event, 1, -1) == 1);
	send_as(port, OVERRIDE, mach_msg_priority_encode(4, 0, 0));
	CHECK(epoll_wait(loop, &event, 1, 0) == 0);
	came_with(port, 0, 5);
	CHECK_OK(machd_port_fd_close(fd));
	close(loop);
}
END_TEST

/* --- blocked senders --- */

struct sender {
	pthread_t thread;
	mach_port_t port;
	mach_msg_id_t id;
	qos_class_t class;
	mach_msg_priority_t priority;
};

static void *blocked_send(void *argument)
{
	const struct sender *sender = argument;
	struct flow_message message;
	mach_msg_option_t option = MACH_SEND_MSG | (sender->priority ? OVERRIDE : 0);

	if (sender->class)
		CHECK(pthread_set_qos_class_self_np(sender->class, 0) == 0);
	flow_header(&message, sender->port, COPY, 0, 0, sender->id);
	CHECK_OK(mach_msg(&message.header, option, sizeof message.header, 0, 0, 0,
			  sender->priority));
	return NULL;
}

/* Fill the queue, block the senders one after the other, and see in which order they go on. */
static void go_on_in_order(struct sender *senders, unsigned count, const mach_msg_id_t *order)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_fill(port, 5);
	for (unsigned i = 0; i < count; i++) {
		senders[i].port = port;
		senders[i].id = 100 + (mach_msg_id_t)i;
		CHECK(pthread_create(&senders[i].thread, NULL, blocked_send, &senders[i]) == 0);
		flow_await_waiting(getpid(), i + 1);
	}
	for (unsigned i = 0; i < 5; i++)
		CHECK_OK(flow_receive(port, &message));
	for (unsigned i = 0; i < count; i++) {
		flow_await(port, &message);
		CHECK_EQ(message.header.msgh_id, 100 + order[i]);
	}
	for (unsigned i = 0; i < count; i++)
		CHECK(pthread_join(senders[i].thread, NULL) == 0);
}

START_TEST(s307_the_urgent_sender_goes_on_before_an_earlier_one)
{
	struct sender senders[] = {
		{.class = QOS_CLASS_BACKGROUND},
		{.class = QOS_CLASS_USER_INTERACTIVE},
		{.priority = mach_msg_priority_encode(5, 0, 0)},
		{.class = QOS_CLASS_BACKGROUND},
		{.class = QOS_CLASS_USER_INTERACTIVE},
		{.id = 0},
	};

	go_on_in_order(senders, 6, (const mach_msg_id_t[]){1, 4, 2, 0, 3, 5});
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("qos");
	TCase *messages = flow_case(suite, "messages"), *senders = flow_case(suite, "senders");

	tcase_add_test(messages, s304_the_override_of_the_second_stays);
	tcase_add_test(messages, an_override_goes_to_those_in_front);
	tcase_add_test(messages, s305_the_override_is_the_larger_of_the_two);
	tcase_add_test(messages, a_threads_own_class_goes_with_its_messages_if_it_is_asked_for);
	tcase_add_test(messages, a_thread_that_set_none_has_what_linux_makes_of_it);
	tcase_add_test(messages, an_event_loop_is_told_when_the_head_is_raised);
	tcase_add_test(senders, s307_the_urgent_sender_goes_on_before_an_earlier_one);
	return flow_run(suite);
}
