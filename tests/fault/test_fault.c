/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel or the C library refuses something at any moment. A client goes through all that costs
 * the daemon a descriptor or memory, again and again, and each time the next call of one kind fails
 * in the daemon. Whatever the client is told: the daemon goes on, a bystander is served as if
 * nothing had happened, and afterwards the daemon holds what it held before.
 */
#include <errno.h>
#include <fcntl.h>
#include <machd.h>
#include <machd_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mach/vm_map.h>

#include "tests/fault/fault.h"
#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

#define SELF	   mach_task_self()
#define COPY	   MACH_MSG_TYPE_COPY_SEND
#define LARGE_SIZE 300000

static struct fault_plan *plan;
static char plan_path[] = "/tmp/machd-fault-XXXXXX";

/* --- what the client does; what it is told does not matter --- */

static void send_large(mach_port_t port)
{
	mach_msg_header_t *message = calloc(1, LARGE_SIZE + sizeof(mach_msg_max_trailer_t));

	*message =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port};
	if (mach_msg(message, MACH_SEND_MSG | MACH_SEND_TIMEOUT, LARGE_SIZE, 0, 0, 0, 0) == 0)
		mach_msg(message, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
			 LARGE_SIZE + sizeof(mach_msg_max_trailer_t), port, 0, 0);
	free(message);
}

static void send_memory(mach_port_t port)
{
	struct {
		mach_msg_base_t base;
		mach_msg_ool_descriptor_t memory;
		mach_msg_max_trailer_t trailer;
	} message = {
		.base.header = {.msgh_bits = MACH_MSGH_BITS(COPY, 0) | MACH_MSGH_BITS_COMPLEX,
				.msgh_remote_port = port},
		.base.body.msgh_descriptor_count = 1,
		.memory = {.type = MACH_MSG_OOL_DESCRIPTOR, .copy = MACH_MSG_VIRTUAL_COPY},
	};
	vm_address_t memory;

	if (vm_allocate(SELF, &memory, LARGE_SIZE, VM_FLAGS_ANYWHERE) != KERN_SUCCESS)
		return;
	message.memory.address = (void *)memory;
	message.memory.size = LARGE_SIZE;
	if (mach_msg(&message.base.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
		     offsetof(__typeof__(message), trailer), 0, 0, 0, 0) == 0)
		mach_msg(&message.base.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof message,
			 port, 0, 0);
}

static void send_file(void)
{
	mach_port_t file;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy;

	if (machd_fileport_make(fd, &file) == KERN_SUCCESS)
		machd_fileport_fd(file, &copy);
}

static void wait_on_descriptor(mach_port_t port)
{
	struct pollfd state = {.events = POLLIN};

	if (machd_port_fd(port, &state.fd) != KERN_SUCCESS)
		return;
	flow_send_to(port, COPY, 0, 0, 5);
	poll(&state, 1, 0);
	machd_port_fd_close(state.fd);
}

static void receive_for_a_moment(mach_port_t port)
{
	mach_msg_header_t message;

	mach_msg(&message, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof message, port, 1, 0);
}

static void client(void *argument)
{
	mach_port_t port, set, reply;
	vm_address_t junk;

	(void)argument;
	flow_hear_parent();
	alarm(100); /* nothing of this waits for anybody */
	for (unsigned i = 0; i < 3; i++) {
		port = set = MACH_PORT_NULL;
		mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port);
		mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND);
		mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set);
		mach_port_move_member(SELF, port, set);
		reply = mach_reply_port();
		send_large(port);
		send_memory(port);
		send_file();
		wait_on_descriptor(port);
		receive_for_a_moment(port);
		flow_send_to(port, COPY, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 6);
		vm_allocate(SELF, &junk, LARGE_SIZE, VM_FLAGS_ANYWHERE);
	}
}

/* --- what is looked at --- */

/* A call of a client that has nothing to do with it. */
static void bystander_is_served(mach_port_t port)
{
	struct flow_message message;

	CHECK_OK(flow_send_to(port, COPY, 0, 0, 7));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, 7);
}

static void arm(enum fault_kind kind, uint32_t nth, uint32_t more, int error)
{
	plan->calls = plan->fired = 0;
	plan->nth = nth;
	plan->more = more;
	plan->error = error;
	plan->kind = kind;
}

/* The client's run with call number `nth` failing; false: there are not so many calls. */
static bool run(enum fault_kind kind, uint32_t nth, uint32_t more, int error, mach_port_t port)
{
	struct flow_child child;
	unsigned before, now;
	uint32_t fired;
	int status;

	bystander_is_served(port);
	before = letter_daemon_fds();
	flow_fork(&child, client, NULL);
	arm(kind, nth, more, error);
	flow_tell(&child, 1);
	CHECK(waitpid(child.pid, &status, 0) == child.pid);
	plan->kind = FAULT_NONE;
	fired = plan->fired;
	close(child.to);
	close(child.from);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	flow_await_gone(child.pid);
	flow_await_channels(getpid(), 1);
	bystander_is_served(port);
	now = letter_daemon_fds();
	if (now != before)
		flow_fail(__FILE__, __LINE__, "call %u of kind %d: %u descriptors, then %u", nth,
			  (int)kind, before, now);
	return fired > 0;
}

static const struct {
	enum fault_kind kind;
	int error;
} faults[] = {
	{FAULT_ACCEPT, EMFILE},	      {FAULT_ACCEPT, ENOMEM},	     {FAULT_ACCEPT, ECONNABORTED},
	{FAULT_RECVMSG, ENOMEM},      {FAULT_RECVMSG, ENOBUFS},	     {FAULT_SENDMSG, ENOBUFS},
	{FAULT_SENDMSG, ENOMEM},      {FAULT_SENDMSG, ETOOMANYREFS}, {FAULT_FCNTL, EMFILE},
	{FAULT_FSTAT, ENOMEM},	      {FAULT_IOCTL, ENOMEM},	     {FAULT_GETSOCKOPT, ENOMEM},
	{FAULT_GETPEERNAME, ENOBUFS}, {FAULT_MEMFD, EMFILE},	     {FAULT_FTRUNCATE, ENOMEM},
	{FAULT_MMAP, ENOMEM},	      {FAULT_EVENTFD, EMFILE},	     {FAULT_EPOLL, ENOSPC},
	{FAULT_EPOLL, ENOMEM},
#ifndef __SANITIZE_ADDRESS__
	{FAULT_MALLOC, ENOMEM},	      {FAULT_CALLOC, ENOMEM},
#endif
};
#define FAULTS ((int)(sizeof faults / sizeof *faults))

/* Calls that fail are the first ones, and then ever fewer: the client does the same thrice. */
static uint32_t after(uint32_t nth)
{
	return nth + 1 + nth / 16;
}

START_TEST(a_call_fails)
{
	mach_port_t port = flow_port();
	uint32_t nth = 1;

	while (run(faults[_i].kind, nth, 0, faults[_i].error, port))
		nth = after(nth);
	CHECK(nth > 1); /* there is such a call */
}
END_TEST

START_TEST(many_calls_fail_in_a_row)
{
	mach_port_t port = flow_port();
	uint32_t nth = 1;

	while (run(faults[_i].kind, nth, 3, faults[_i].error, port))
		nth = after(nth) + 5;
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
enum { KEPT_SIZE = 3000, KEPT_SENT = 200, KEPT_ROUNDS = 30 };

/* Send a message that is large enough to need memory of its own. */
static mach_msg_return_t send_to_keep(mach_port_t port, int id)
{
	static struct {
		mach_msg_header_t header;
		char body[KEPT_SIZE];
	} message;

	message.header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port, .msgh_id = id};
	return mach_msg(&message.header, MACH_SEND_MSG, sizeof message, 0, 0, 0, 0);
}

static mach_msg_return_t receive_what_is_kept(mach_port_t port, int *id)
{
	static struct {
		mach_msg_header_t header;
		char body[KEPT_SIZE];
		mach_msg_max_trailer_t trailer;
	} message;
	mach_msg_return_t code = mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
					  sizeof message, port, 0, 0);

	*id = message.header.msgh_id;
	return code;
}

static void receive_kept(mach_port_t port, int expected)
{
	int id;

	CHECK_OK(receive_what_is_kept(port, &id));
	CHECK_EQ(id, expected);
}

/*
 * Memory is refused from some call on, and then to all. A send may say that there is none; one that
 * says that it was done was, and its message is there, in its order.
 */
START_TEST(what_was_sent_arrives)
{
	mach_port_t port = flow_port();
	mach_port_limits_t limits = {.mpl_qlimit = MACH_PORT_QLIMIT_LARGE};
	unsigned kept = 0;

	CHECK_OK(mach_port_set_attributes(SELF, port, MACH_PORT_LIMITS_INFO,
					  (mach_port_info_t)&limits, MACH_PORT_LIMITS_INFO_COUNT));
	for (int i = 0; i < 20; i++) { /* there is a ring, and a window, from here on */
		CHECK_OK(send_to_keep(port, 0));
		receive_kept(port, 0);
	}
	for (uint32_t round = 1; round <= KEPT_ROUNDS; round++) {
		int sent = 0, none;

		arm(FAULT_MALLOC, round, UINT32_MAX / 2, ENOMEM);
		for (int i = 0; i < KEPT_SENT; i++)
			if (send_to_keep(port, sent) == MACH_MSG_SUCCESS)
				sent++;
		for (int id = 0; id < sent; id++)
			receive_kept(port, id);
		CHECK(plan->fired > 0);
		plan->kind = FAULT_NONE;
		kept += (unsigned)sent - (round - 1);
		CHECK_EQ(receive_what_is_kept(port, &none), MACH_RCV_TIMED_OUT);
		CHECK_OK(send_to_keep(port, 1));
		receive_kept(port, 1);
	}
	CHECK(kept > KEPT_ROUNDS); /* than memory was left for */
}
END_TEST
#endif

/* A sanitizer wants to be loaded before all others, and does without it if told to. */
static void allow_preload(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	char all[512];

	snprintf(all, sizeof all, "%s:verify_asan_link_order=0", options ? options : "");
	setenv("ASAN_OPTIONS", all, 1);
}

static void start(void)
{
	int fd = mkstemp(plan_path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof *plan), 0);
	plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert(plan != MAP_FAILED);
	close(fd);
	ck_assert_ptr_nonnull(getenv("MACHD_FAULT_LIBRARY"));
	setenv("MACHD_FAULT", plan_path, 1);
	setenv("LD_PRELOAD", getenv("MACHD_FAULT_LIBRARY"), 1);
	allow_preload();
	flow_start();
	unsetenv("LD_PRELOAD");
}

static void stop(void)
{
	flow_stop();
	munmap(plan, sizeof *plan);
	unlink(plan_path);
}

int main(void)
{
	Suite *suite = suite_create("fault");
	TCase *tests = tcase_create("one call");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_loop_test(tests, a_call_fails, 0, FAULTS);
	tcase_add_loop_test(tests, many_calls_fail_in_a_row, 0, FAULTS);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(tests, what_was_sent_arrives);
#endif
	suite_add_tcase(suite, tests);
	return flow_run(suite);
}
