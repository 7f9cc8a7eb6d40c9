/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal that comes when a request is out and its thread does not wait yet: who asked to be
 * interrupted is told. The library's sendmsg() is ours here, and raises it just there; so are its
 * sched_yield(), with which it begins to wait for an answer in its ring, and its ppoll(), with
 * which it does if it shall not yield.
 */
#include <dlfcn.h>
#include <mach/semaphore.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "tests/flow/flow.h"

static atomic_uint handled;
static atomic_bool armed;

static void raise_if_armed(void)
{
	if (atomic_exchange(&armed, false))
		raise(SIGUSR1);
}

__attribute__((visibility("default"))) int sched_yield(void)
{
	raise_if_armed();
	return 0;
}

__attribute__((visibility("default"))) ssize_t sendmsg(int fd, const struct msghdr *message,
						       int flags)
{
	static ssize_t (*real)(int, const struct msghdr *, int);
	ssize_t sent;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
	sent = real(fd, message, flags);
	raise_if_armed();
	return sent;
}

__attribute__((visibility("default"))) int ppoll(struct pollfd *fds, nfds_t count,
						 const struct timespec *timeout,
						 const sigset_t *mask)
{
	static int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, WORD("ppoll", "__ppoll64"));
	raise_if_armed();
	return real(fds, count, timeout, mask);
}

static void count(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

static void arm(void)
{
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	atomic_store(&handled, 0);
	atomic_store(&armed, true);
}

START_TEST(a_receive_is_interrupted)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	arm();
	CHECK_CODE(mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_INTERRUPT, 0, sizeof message,
			    port, 0, MACH_PORT_NULL),
		   MACH_RCV_INTERRUPTED);
	CHECK_EQ(atomic_load(&handled), 1);
}
END_TEST

START_TEST(a_send_is_interrupted_and_comes_back)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_set_qlimit(port, 1);
	flow_fill(port, 1);
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 1);
	arm();
	CHECK_CODE(mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_INTERRUPT, 24, 0,
			    MACH_PORT_NULL, 0, MACH_PORT_NULL),
		   MACH_SEND_INTERRUPTED);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
}
END_TEST

START_TEST(a_wait_is_aborted)
{
	semaphore_t semaphore;

	CHECK_OK(semaphore_create(mach_task_self(), &semaphore, SYNC_POLICY_FIFO, 0));
	arm();
	CHECK_CODE(semaphore_wait(semaphore), KERN_ABORTED);
	CHECK_EQ(atomic_load(&handled), 1);
}
END_TEST

/*
 * It won the race: the message is the answer, and the signal is handled all the same. An answer
 * that is in the ring at once is not waited for.
 */
START_TEST(a_message_that_waits_is_not_lost)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_fill(port, 1);
	arm();
	CHECK_OK(mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_INTERRUPT, 0, sizeof message,
			  port, 0, MACH_PORT_NULL));
	CHECK_EQ(atomic_load(&handled), !atomic_load(&armed));
}
END_TEST

START_TEST(the_threads_mask_is_as_it_was)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	sigset_t mask, after;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	CHECK(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
	/* What the thread has blocked does not interrupt it. */
	raise(SIGUSR2);
	CHECK_CODE(mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_INTERRUPT | MACH_RCV_TIMEOUT,
			    0, sizeof message, port, 1, MACH_PORT_NULL),
		   MACH_RCV_TIMED_OUT);
	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
	for (int number = 1; number < NSIG; number++)
		CHECK_EQ(sigismember(&after, number) == 1, number == SIGUSR2);
	signal(SIGUSR2, SIG_IGN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal_race");
	TCase *tests = flow_case(suite, "signals between request and wait");

	tcase_add_test(tests, a_receive_is_interrupted);
	tcase_add_test(tests, a_send_is_interrupted_and_comes_back);
	tcase_add_test(tests, a_wait_is_aborted);
	tcase_add_test(tests, a_message_that_waits_is_not_lost);
	tcase_add_test(tests, the_threads_mask_is_as_it_was);
	tcase_set_timeout(tests, 10);
	return flow_run(suite);
}
