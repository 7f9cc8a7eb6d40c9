/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel or the C library refuses something to a client at any moment. The client goes through
 * all that costs its library memory or descriptors, again and again, each time in a new process,
 * and each time the next call of one kind fails. Every call of Mach's says so with a code and can
 * be made again; no message is lost, sent twice or out of order; the task is not lost; and in the
 * end the client and the daemon hold no more than they do when nothing fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/vm_map.h>
#include <machd.h>
#include <machd_event.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"
#include "tests/flow/flow_private.h"
#include "tests/hostile/client_fault/faults.h"

#define SELF mach_task_self()
#define COPY MACH_MSG_TYPE_COPY_SEND

enum { LARGE = 300000, MESSAGES = 30, TRIES = 8 };

/* What a client of a finished run holds. */
struct rest {
	uint32_t fired, fds, names, pages;
};

/* A heap is not always as large. Memory that is sent is larger than that. */
#define SLACK (160000 / vm_page_size)

/* --- the client --- */

/* What a call says if the library did not get what it needs. */
static bool is_shortage(kern_return_t code)
{
	return code == KERN_RESOURCE_SHORTAGE || code == KERN_NO_SPACE ||
	       code == MACH_SEND_NO_BUFFER || code == MACHD_NO_DAEMON;
}

/* A call that is made again if it was refused something. */
#define AGAIN(call)                                                              \
	do {                                                                     \
		kern_return_t code_ = (call);                                    \
		for (unsigned i_ = 0; is_shortage(code_) && i_ < TRIES; i_++)    \
			code_ = (call);                                          \
		flow_check_code(__FILE__, __LINE__, #call, code_, KERN_SUCCESS); \
	} while (0)

static mach_port_t make_port(void)
{
	mach_port_limits_t limits = {.mpl_qlimit = MESSAGES};
	mach_port_t port;

	AGAIN(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port));
	AGAIN(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND));
	AGAIN(mach_port_set_attributes(SELF, port, MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits,
				       MACH_PORT_LIMITS_INFO_COUNT));
	return port;
}

static void destroy_port(mach_port_t port)
{
	AGAIN(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
	AGAIN(mach_port_deallocate(SELF, port));
}

static kern_return_t post(mach_port_t port, uint32_t number)
{
	struct flow_message message;

	flow_header(&message, port, COPY, MACH_PORT_NULL, 0, (mach_msg_id_t)number);
	memset(message.bytes + sizeof message.header, (int)number, number * 8);
	return mach_msg(&message.header, MACH_SEND_MSG,
			(mach_msg_size_t)sizeof message.header + number * 8, 0, 0, 0, 0);
}

static kern_return_t fetch(mach_port_t port, struct flow_message *message)
{
	memset(message, 0xee, sizeof *message);
	return mach_msg(&message->header, MACH_RCV_MSG, 0, sizeof *message, port, 0, 0);
}

static void use_messages(mach_port_t port)
{
	struct flow_message message;

	for (uint32_t i = 0; i < MESSAGES; i++)
		AGAIN(post(port, i));
	for (uint32_t i = 0; i < MESSAGES; i++) {
		AGAIN(fetch(port, &message));
		CHECK_EQ(message.header.msgh_id, i);
		CHECK_EQ(message.header.msgh_size, sizeof message.header + i * 8);
		for (uint32_t k = 0; k < i * 8; k++)
			CHECK_EQ(message.bytes[sizeof message.header + k], i);
	}
	CHECK_EQ(flow_receive(port, &message), MACH_RCV_TIMED_OUT);
}

static void use_a_large_body(mach_port_t port)
{
	static union {
		mach_msg_header_t header;
		uint8_t bytes[LARGE + sizeof(mach_msg_max_trailer_t)];
	} message;

	letter_fill(message.bytes, LARGE, 3);
	message.header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port};
	AGAIN(mach_msg(&message.header, MACH_SEND_MSG, LARGE, 0, 0, 0, 0));
	memset(&message, 0, sizeof message);
	AGAIN(mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, port, 0, 0));
	CHECK_EQ(message.header.msgh_size, LARGE);
}

/* For memory that came there may be no room, and the code says that. */
static void use_memory(mach_port_t port, size_t size)
{
	mach_msg_ool_descriptor_t came;
	struct flow_letter letter;
	mach_msg_return_t code;
	vm_address_t memory;

	AGAIN(vm_allocate(SELF, &memory, size, VM_FLAGS_ANYWHERE));
	letter_fill((void *)memory, size, 5);
	AGAIN(letter_send_memory(port, (void *)memory, size, false, MACH_MSG_VIRTUAL_COPY));
	letter_expect((void *)memory, size, 5);
	for (unsigned i = 0; is_shortage(code = letter_receive(port, &letter)) && i < TRIES; i++)
		;
	if (code != (MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE) &&
	    code != (MACH_RCV_BODY_ERROR | MACH_MSG_VM_KERNEL))
		CHECK_OK(code);
	came = letter_memory(&letter, 0);
	CHECK((code != MACH_MSG_SUCCESS) == (came.address == NULL));
	if (came.address) {
		letter_expect(came.address, size, 5);
		AGAIN(vm_deallocate(SELF, (vm_address_t)came.address, size));
	}
	AGAIN(vm_deallocate(SELF, memory, size));
}

static void use_descriptors(mach_port_t port)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy;
	struct flow_message message;
	struct pollfd state = {.events = POLLIN};
	mach_port_t file;

	CHECK(fd >= 0);
	AGAIN(machd_fileport_make(fd, &file));
	AGAIN(machd_fileport_fd(file, &copy));
	AGAIN(mach_port_deallocate(SELF, file));
	close(copy);
	close(fd);
	AGAIN(machd_port_fd(port, &state.fd));
	AGAIN(post(port, 1));
	CHECK(poll(&state, 1, -1) == 1 || errno == EINTR);
	AGAIN(machd_port_fd_close(state.fd));
	AGAIN(fetch(port, &message));
}

static void *be_a_thread(void *argument)
{
	mach_port_t port = *(mach_port_t *)argument, reply;
	struct flow_message message;

	AGAIN(post(port, 2));
	AGAIN(fetch(port, &message));
	for (unsigned i = 0; (reply = mach_reply_port()) == MACH_PORT_NULL && i < TRIES; i++)
		;
	CHECK(reply != MACH_PORT_NULL);
	AGAIN(mach_port_mod_refs(SELF, reply, MACH_PORT_RIGHT_RECEIVE, -1));
	return NULL;
}

static void use_a_thread(mach_port_t port)
{
	pthread_t thread;
	int error = EAGAIN;

	for (unsigned i = 0; error == EAGAIN && i < TRIES; i++)
		error = pthread_create(&thread, NULL, be_a_thread, &port);
	CHECK(error == 0 && pthread_join(thread, NULL) == 0);
}

/* How many names there are. */
static uint32_t use_an_array(void)
{
	mach_msg_type_number_t names_count, types_count;
	mach_port_type_array_t types;
	mach_port_name_array_t names;

	AGAIN(mach_port_names(SELF, &names, &names_count, &types, &types_count));
	AGAIN(vm_deallocate(SELF, (vm_address_t)names, names_count * sizeof *names));
	AGAIN(vm_deallocate(SELF, (vm_address_t)types, types_count * sizeof *types));
	return names_count;
}

static void use_all(void)
{
	mach_port_t port;

	for (unsigned i = 0; SELF == MACH_PORT_NULL && i < TRIES; i++)
		CHECK(*machd_last_error() != 0);
	port = make_port();
	use_messages(port);
	use_a_large_body(port);
	use_memory(port, 300);
	use_memory(port, LARGE);
	use_descriptors(port);
	use_a_thread(port);
	use_an_array();
	use_messages(port);
	destroy_port(port);
}

static uint32_t mapped_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned pages = 0;

	CHECK(file && fscanf(file, "%u", &pages) == 1);
	fclose(file);
	return pages;
}

/* Started by the test with what is to fail; writes what is left. */
static int client(const char *arguments)
{
	unsigned kind, nth, more;
	struct rest rest;
	int error;

	flow_in_child = true;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(100); /* nothing of this waits for anybody */
	CHECK(sscanf(arguments, "%u %u %u %d", &kind, &nth, &more, &error) == 4);
	fault_arm((enum fault)kind, nth, more, error);
	use_all();
	rest.fired = fault_disarm();
	use_all();
	rest.fds = letter_open_fds(getpid());
	rest.pages = mapped_pages();
	rest.names = use_an_array();
	CHECK(write(STDOUT_FILENO, &rest, sizeof rest) == sizeof rest);
	return 0;
}

/* --- the test --- */

static struct rest run(enum fault kind, uint32_t nth, uint32_t more, int error)
{
	struct rest rest;
	char arguments[64];
	int out[2], status;
	pid_t pid;

	snprintf(arguments, sizeof arguments, "%d %u %u %d", (int)kind, nth, more, error);
	CHECK(pipe2(out, O_CLOEXEC) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		setenv("MACHD_CLIENT_FAULT", arguments, 1);
		execl("/proc/self/exe", "client_fault", NULL);
		_exit(127);
	}
	close(out[1]);
	if (read(out[0], &rest, sizeof rest) != sizeof rest)
		rest.fired = UINT32_MAX;
	close(out[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status != 0 || rest.fired == UINT32_MAX)
		flow_fail(__FILE__, __LINE__, "client with faults %s: status %#x", arguments,
			  status);
	flow_await_gone(pid);
	return rest;
}

static const struct {
	enum fault kind;
	int error;
} faults[] = {
#ifndef __SANITIZE_ADDRESS__
	{FAULT_MALLOC, ENOMEM},	  {FAULT_CALLOC, ENOMEM},	 {FAULT_REALLOC, ENOMEM},
	{FAULT_SPECIFIC, ENOMEM},
#endif
	{FAULT_MEMFD, EMFILE},	  {FAULT_FTRUNCATE, ENOMEM},	 {FAULT_FALLOCATE, ENOSPC},
	{FAULT_MMAP, ENOMEM},	  {FAULT_MREMAP, ENOMEM},	 {FAULT_MPROTECT, ENOMEM},
	{FAULT_MADVISE, ENOMEM},  {FAULT_SOCKET, EMFILE},	 {FAULT_CONNECT, EINTR},
	{FAULT_CONNECT, EAGAIN},  {FAULT_SENDMSG, ENOBUFS},	 {FAULT_SENDMSG, ENOMEM},
	{FAULT_SENDMSG, EINTR},	  {FAULT_SENDMSG, ETOOMANYREFS}, {FAULT_SEND, ENOBUFS},
	{FAULT_SEND, EINTR},	  {FAULT_RECVMSG, ENOMEM},	 {FAULT_RECVMSG, EINTR},
	{FAULT_RECV, EINTR},	  {FAULT_RECV, ENOMEM},		 {FAULT_FCNTL, EMFILE},
	{FAULT_FSTAT, ENOMEM},	  {FAULT_PREAD, EINTR},		 {FAULT_PWRITE, EINTR},
	{FAULT_PWRITE, ENOSPC},	  {FAULT_COPY, ENOSYS},		 {FAULT_FUTEX, EINTR},
	{FAULT_FUTEX, EAGAIN},	  {FAULT_PPOLL, EINTR},		 {FAULT_KEY, EAGAIN},
	{FAULT_FCNTL, EBUSY},
};
#define FAULTS ((int)(sizeof faults / sizeof *faults))

static void each_call_fails(enum fault kind, int error, uint32_t more)
{
	struct machd_watch_totals before = flow_totals(), after;
	struct rest whole = run(FAULT_NONE, 0, 0, 0), rest = {.fired = 1};
	unsigned fds = letter_daemon_fds();

	for (uint32_t nth = 1; rest.fired; nth += 1 + more + nth / 8) {
		rest = run(kind, nth, more, error);
		if (rest.fds > whole.fds || rest.names > whole.names ||
		    rest.pages > whole.pages + SLACK)
			flow_fail(__FILE__, __LINE__,
				  "call %u of kind %d: %u descriptors, %u names, %u pages; "
				  "else %u, %u, %u",
				  nth, (int)kind, rest.fds, rest.names, rest.pages, whole.fds,
				  whole.names, whole.pages);
		CHECK_EQ(letter_daemon_fds(), fds);
	}
	after = flow_totals();
	CHECK_EQ(after.tasks, before.tasks);
	CHECK_EQ(after.ports, before.ports);
	CHECK_EQ(after.messages, 0);
	CHECK_EQ(after.memfds, before.memfds);
}

START_TEST(a_call_fails)
{
	each_call_fails(faults[_i].kind, faults[_i].error, 0);
}
END_TEST

START_TEST(some_calls_fail_in_a_row)
{
	each_call_fails(faults[_i].kind, faults[_i].error, 2);
}
END_TEST

int main(void)
{
	const char *arguments = getenv("MACHD_CLIENT_FAULT");
	Suite *suite;
	TCase *tests;

	if (arguments)
		return client(arguments);
	suite = suite_create("client_fault");
	tests = flow_case(suite, "client_fault");
	setenv("MACHD_SYNC_SEND", "0", 1);
	tcase_add_loop_test(tests, a_call_fails, 0, FAULTS);
	tcase_add_loop_test(tests, some_calls_fail_in_a_row, 0, FAULTS);
	return flow_run(suite);
}
