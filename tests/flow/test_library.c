/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library does by itself: no daemon, a daemon that dies, fork, memory, the helpers of MIG
 * and the words for codes.
 */
#include <errno.h>
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <mach/mig_errors.h>
#include <machd.h>
#include <pthread.h>
#include <servers/bootstrap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/flow.h"

/* --- without a daemon --- */

static void no_daemon(void)
{
	CHECK(setenv("MACHD_SOCKET", "/nonexistent/machd.sock", 1) == 0);
}

START_TEST(every_call_says_that_there_is_no_daemon)
{
	mach_port_t port = 77;
	mach_port_type_t type;
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count;
	vm_address_t address = 0;
	struct flow_message message;

	CHECK_EQ(mach_task_self(), MACH_PORT_NULL);
	CHECK_EQ(bootstrap_port, MACH_PORT_NULL);
	CHECK_EQ(mach_host_self(), MACH_PORT_NULL);
	CHECK_EQ(mach_reply_port(), MACH_PORT_NULL);
	CHECK_EQ(mig_get_reply_port(), MACH_PORT_NULL);
	CHECK_CODE(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port),
		   MACHD_NO_DAEMON);
	CHECK_CODE(mach_port_type(mach_task_self(), 0x103, &type), MACHD_NO_DAEMON);
	CHECK_CODE(mach_port_names(mach_task_self(), &names, &count, &types, &count),
		   MACHD_NO_DAEMON);
	CHECK_CODE(bootstrap_look_up(bootstrap_port, "flow.x", &port), MACHD_NO_DAEMON);
	CHECK_CODE(task_get_special_port(mach_task_self(), TASK_HOST_PORT, &port), MACHD_NO_DAEMON);
	CHECK_CODE(flow_send_to(0x103, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1), MACHD_NO_DAEMON);
	CHECK_CODE(flow_receive(0x103, &message), MACHD_NO_DAEMON);
	/* One's own memory needs none. */
	CHECK_OK(vm_allocate(mach_task_self(), &address, 1, VM_FLAGS_ANYWHERE));
	CHECK_EQ(port, 77);
}
END_TEST

START_TEST(last_error_names_the_path_and_the_reason)
{
	CHECK_EQ(mach_reply_port(), MACH_PORT_NULL);
	CHECK(strstr(machd_last_error(), "/nonexistent/machd.sock"));
	CHECK(strstr(machd_last_error(), strerror(ENOENT)));
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_is_an_error_not_a_crash)
{
	char path[200];

	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	CHECK(setenv("MACHD_SOCKET", path, 1) == 0);
	CHECK_EQ(mach_reply_port(), MACH_PORT_NULL);
	CHECK(strstr(machd_last_error(), strerror(ENAMETOOLONG)));
}
END_TEST

START_TEST(errno_is_left_alone)
{
	errno = EXDEV;
	CHECK_EQ(mach_reply_port(), MACH_PORT_NULL);
	CHECK_EQ(errno, EXDEV);
}
END_TEST

START_TEST(what_needs_no_daemon_works_without_one)
{
	struct flow_message message;

	flow_header(&message, 0x103, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1);
	CHECK_OK(mach_msg(&message.header, 0, 24, 0, 0, 0, 0));
	CHECK_CODE(mach_msg(&message.header, MACH_SEND_MSG, 20, 0, 0, 0, 0),
		   MACH_SEND_MSG_TOO_SMALL);
	CHECK(vm_page_size >= 4096 && (vm_page_size & vm_page_mask) == 0);
	CHECK_EQ(round_page(1), vm_page_size);
	CHECK_EQ(trunc_page(vm_page_size + 1), vm_page_size);
}
END_TEST

/* --- words and helpers --- */

START_TEST(every_code_has_words)
{
	static const kern_return_t codes[] = {
		KERN_SUCCESS,
		KERN_INVALID_NAME,
		KERN_NOT_FOUND,
		MACH_SEND_INVALID_DEST,
		MACH_SEND_AUX_TOO_LARGE,
		MACH_RCV_TIMED_OUT,
		MACH_RCV_INVALID_ARGUMENTS,
		MIG_BAD_ID,
		BOOTSTRAP_UNKNOWN_SERVICE,
		MACHD_NO_DAEMON,
		MACHD_BUSY,
	};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(mach_error_string(codes[i]), mach_error_string(codes[j]));
		ck_assert_str_ne(mach_error_string(codes[i]), mach_error_string(0x3eadbee));
	}
	ck_assert_str_eq(mach_error_string(unix_err(ENOENT)), strerror(ENOENT));
	ck_assert_str_eq(mach_error_string(MACH_SEND_TIMED_OUT | MACH_MSG_IPC_SPACE),
			 mach_error_string(MACH_SEND_TIMED_OUT));
	ck_assert_str_eq(bootstrap_strerror(KERN_INVALID_NAME),
			 mach_error_string(KERN_INVALID_NAME));
	ck_assert_str_ne(bootstrap_strerror(BOOTSTRAP_SERVICE_ACTIVE),
			 bootstrap_strerror(BOOTSTRAP_NAME_IN_USE));
}
END_TEST

START_TEST(every_code_has_a_type)
{
	ck_assert_str_eq(mach_error_type(KERN_INVALID_NAME), "(os/kern)");
	ck_assert_str_eq(mach_error_type(MACH_SEND_INVALID_DEST), "(ipc/send)");
	ck_assert_str_eq(mach_error_type(MACH_RCV_TIMED_OUT), "(ipc/rcv)");
	ck_assert_str_eq(mach_error_type(MIG_BAD_ID), "(ipc/mig)");
	ck_assert_str_eq(mach_error_type(unix_err(EIO)), "(os/unix)");
	ck_assert_str_eq(mach_error_type(MACHD_NO_DAEMON), "(machd)");
}
END_TEST

START_TEST(codes_of_machd_are_no_codes_of_mach)
{
	CHECK_EQ(err_system(err_get_system(MACHD_NO_DAEMON)), err_local);
	CHECK(MACHD_NO_DAEMON != MACHD_BUSY);
	CHECK(err_system(err_get_system(MACH_SEND_MSG_TOO_SMALL)) == err_mach_ipc);
}
END_TEST

START_TEST(mig_strncpy_always_ends_the_copy)
{
	char to[8];

	memset(to, 'x', sizeof to);
	CHECK_EQ(mig_strncpy(to, "abc", sizeof to), 4);
	ck_assert_mem_eq(to, "abc\0xxxx", 8);
	CHECK_EQ(mig_strncpy(to, "abcdefghij", 5), 5);
	ck_assert_mem_eq(to, "abcd\0xxx", 8);
	CHECK_EQ(mig_strncpy(to, "abc", 0), 0);
	CHECK_EQ(mig_strncpy(to, "abc", 1), 1);
	CHECK_EQ(to[0], 0);
	memset(to, 'x', sizeof to);
	CHECK_EQ(mig_strncpy_zerofill(to, "ab", 6), 3);
	ck_assert_mem_eq(to, "ab\0\0\0\0xx", 8);
	memset(to, 'x', sizeof to);
	CHECK_EQ(mig_strncpy_zerofill(to, NULL, 4), 0);
	ck_assert_mem_eq(to, "\0\0\0\0xxxx", 8);
}
END_TEST

/* --- memory --- */

START_TEST(vm_allocate_gives_zeroed_pages)
{
	vm_address_t address = 1;
	unsigned char *bytes;

	CHECK_OK(vm_allocate(mach_task_self(), &address, 3 * vm_page_size - 5, VM_FLAGS_ANYWHERE));
	CHECK_EQ(address & vm_page_mask, 0);
	bytes = (unsigned char *)address;
	for (size_t i = 0; i < 3 * vm_page_size; i++)
		CHECK_EQ(bytes[i], 0);
	CHECK_OK(vm_deallocate(mach_task_self(), address, 3 * vm_page_size));
}
END_TEST

START_TEST(vm_allocate_of_nothing_is_address_zero)
{
	vm_address_t address = 1;

	CHECK_OK(vm_allocate(mach_task_self(), &address, 0, VM_FLAGS_ANYWHERE));
	CHECK_EQ(address, 0);
	CHECK_OK(vm_deallocate(mach_task_self(), address, 0));
}
END_TEST

START_TEST(vm_allocate_at_a_taken_address_needs_overwrite)
{
	vm_address_t address = 0, again;

	CHECK_OK(vm_allocate(mach_task_self(), &address, vm_page_size, VM_FLAGS_ANYWHERE));
	*(int *)address = 5;
	again = address;
	CHECK_CODE(vm_allocate(mach_task_self(), &again, vm_page_size, VM_FLAGS_FIXED),
		   KERN_NO_SPACE);
	CHECK_EQ(*(int *)address, 5);
	CHECK_OK(vm_allocate(mach_task_self(), &again, vm_page_size,
			     VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
	CHECK(again == address);
	CHECK_EQ(*(int *)address, 0);
	CHECK_OK(vm_deallocate(mach_task_self(), address, vm_page_size));
	CHECK_OK(vm_allocate(mach_task_self(), &again, vm_page_size, VM_FLAGS_FIXED));
	CHECK(again == address);
	CHECK_OK(vm_deallocate(mach_task_self(), address, vm_page_size));
}
END_TEST

START_TEST(vm_calls_refuse_ranges_that_wrap_and_other_tasks)
{
	vm_address_t address = 0;
	mach_vm_address_t wide = 0;

	CHECK_CODE(vm_allocate(mach_task_self(), &address, SIZE_MAX - 5, VM_FLAGS_ANYWHERE),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_allocate(mach_task_self(), &address, SIZE_MAX - 0xffffff, VM_FLAGS_ANYWHERE),
		   KERN_NO_SPACE);
	CHECK_CODE(vm_allocate(mach_task_self(), &address, 1, 0x100), KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_deallocate(mach_task_self(), SIZE_MAX - vm_page_size, SIZE_MAX / 2),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_allocate(mach_host_self(), &address, 1, VM_FLAGS_ANYWHERE),
		   MACH_SEND_INVALID_DEST);
	CHECK_OK(mach_vm_allocate(mach_task_self(), &wide, 1, VM_FLAGS_ANYWHERE));
	*(char *)(uintptr_t)wide = 1;
	CHECK_OK(mach_vm_deallocate(mach_task_self(), wide, 1));
	CHECK_OK(mach_vm_deallocate(mach_task_self(), wide, 1));
}
END_TEST

START_TEST(mig_allocate_and_deallocate_are_vm_calls)
{
	vm_address_t address = 0;

	mig_allocate(&address, 100);
	CHECK(address != 0);
	*(char *)address = 1;
	mig_deallocate(address, 100);
	mig_allocate(&address, SIZE_MAX - 1);
	CHECK_EQ(address, 0);
}
END_TEST

/* --- connection --- */

START_TEST(first_use_makes_a_task)
{
	CHECK_EQ(flow_task_count(), 1);
	CHECK_EQ(flow_type(mach_task_self()), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_type(bootstrap_port), MACH_PORT_TYPE_SEND);
	CHECK_EQ(mach_task_self(), mach_task_self());
}
END_TEST

START_TEST(mach_host_self_adds_a_reference_each_time)
{
	mach_port_t host = mach_host_self();
	mach_port_urefs_t before = flow_refs(host, MACH_PORT_RIGHT_SEND);

	CHECK(MACH_PORT_VALID(host));
	CHECK_EQ(mach_host_self(), host);
	CHECK_EQ(flow_refs(host, MACH_PORT_RIGHT_SEND), before + 1);
}
END_TEST

START_TEST(special_ports_can_be_read_and_bootstrap_set)
{
	mach_port_t port = MACH_PORT_NULL, mine = flow_port();

	CHECK_OK(task_get_special_port(mach_task_self(), TASK_KERNEL_PORT, &port));
	CHECK_EQ(port, mach_task_self());
	CHECK_OK(task_set_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, mine));
	CHECK_OK(task_get_bootstrap_port(mach_task_self(), &port));
	CHECK_EQ(port, mine);
	CHECK_CODE(task_get_special_port(mach_task_self(), 99, &port), KERN_INVALID_ARGUMENT);
	CHECK_CODE(task_set_special_port(mach_task_self(), TASK_HOST_PORT, mine), KERN_NO_ACCESS);
}
END_TEST

START_TEST(a_call_on_what_is_no_task_is_a_bad_destination)
{
	mach_port_t port = flow_port();

	CHECK_CODE(mach_port_destroy(port, port), MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_port_destroy(flow_missing_name(), port), MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_port_destroy(MACH_PORT_NULL, port), MACH_SEND_INVALID_DEST);
	CHECK_CODE(bootstrap_look_up(mach_task_self(), "flow.x", &port), MACH_SEND_INVALID_DEST);
}
END_TEST

static void *use_reply_port(void *result)
{
	mach_port_t port = mig_get_reply_port();

	CHECK(MACH_PORT_VALID(port));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(mig_get_reply_port(), port);
	*(mach_port_t *)result = port;
	return NULL;
}

START_TEST(each_thread_has_a_reply_port_that_ends_with_it)
{
	mach_port_t mine = mig_get_reply_port(), other = MACH_PORT_NULL;
	pthread_t thread;

	CHECK_EQ(mig_get_reply_port(), mine);
	mig_put_reply_port(mine);
	CHECK_EQ(mig_get_reply_port(), mine);
	CHECK(pthread_create(&thread, NULL, use_reply_port, &other) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(other != mine);
	CHECK_EQ(flow_type(other), 0);
	mig_dealloc_reply_port(mine);
	CHECK_EQ(flow_type(mine), 0);
	CHECK(MACH_PORT_VALID(mig_get_reply_port()));
	CHECK(mig_get_reply_port() != mine);
}
END_TEST

static void *make_port(void *result)
{
	*(mach_port_t *)result = flow_port();
	return NULL;
}

static void only_other_threads(void *unused)
{
	pthread_t thread;
	mach_port_t port = MACH_PORT_NULL;

	(void)unused;
	for (unsigned i = 0; i < 3; i++) {
		CHECK(pthread_create(&thread, NULL, make_port, &port) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
		CHECK_EQ(flow_task_count(), 2);
	}
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
}

START_TEST(a_task_outlives_the_thread_that_made_it)
{
	struct flow_child child;

	flow_fork(&child, only_other_threads, NULL);
	flow_join(&child);
}
END_TEST

/* --- fork --- */

static void new_task(void *unused)
{
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count;
	mach_port_t parents;

	(void)unused;
	CHECK_OK(mach_port_names(mach_task_self(), &names, &count, &types, &count));
	CHECK(count <= 3);
	for (unsigned i = 0; i < count; i++)
		CHECK_EQ(types[i], MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_task_count(), 2);
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.parent", &parents));
	CHECK_OK(flow_send_to(parents, MACH_MSG_TYPE_COPY_SEND, flow_port(),
			      MACH_MSG_TYPE_MAKE_SEND, 9));
}

START_TEST(a_forked_child_is_a_new_task_with_a_bootstrap_port)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	struct flow_child child;

	CHECK_OK(bootstrap_register(bootstrap_port, "flow.parent", port));
	flow_fork(&child, new_task, NULL);
	flow_await(port, &message);
	CHECK_EQ(message.header.msgh_id, 9);
	flow_join(&child);
	CHECK_EQ(flow_type(message.header.msgh_remote_port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

static void grandchild(void *unused)
{
	struct flow_child child;

	(void)unused;
	flow_port();
	if (flow_hear_parent() > 0) {
		flow_fork(&child, grandchild, NULL);
		flow_tell(&child, 0);
		flow_join(&child);
	}
}

START_TEST(a_child_of_a_child_is_a_task_as_well)
{
	struct flow_child child;

	flow_port();
	flow_fork(&child, grandchild, NULL);
	flow_tell(&child, 1);
	flow_join(&child);
	CHECK_EQ(flow_task_count(), 1);
}
END_TEST

static int hold[2]; /* a pipe: the orphan lives until its writing end is closed */

static void lives_on(void *unused)
{
	char byte;

	(void)unused;
	prctl(PR_SET_PDEATHSIG, 0);
	close(hold[1]);
	flow_tell_parent(flow_port());
	CHECK(read(hold[0], &byte, 1) == 0);
}

static void forks_and_waits(void *unused)
{
	struct flow_child orphan;

	(void)unused;
	flow_port();
	flow_fork(&orphan, lives_on, NULL);
	flow_hear(&orphan);
	flow_tell_parent((uint32_t)orphan.pid);
	flow_hear_parent();
}

START_TEST(a_child_does_not_keep_its_parents_task_alive)
{
	struct flow_child parent;
	pid_t orphan;
	int status;

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	CHECK(pipe(hold) == 0);
	flow_fork(&parent, forks_and_waits, NULL);
	orphan = (pid_t)flow_hear(&parent);
	CHECK_EQ(flow_task_count(), 3);
	flow_kill(&parent); /* waits until its task is gone */
	CHECK_EQ(flow_task_count(), 2);
	close(hold[1]);
	CHECK(waitpid(orphan, &status, 0) == orphan);
	CHECK_EQ(status, 0);
	close(hold[0]);
}
END_TEST

/* --- a daemon that dies --- */

START_TEST(a_lost_daemon_is_reported_once_and_the_next_call_connects_anew)
{
	mach_port_t port = flow_port();
	mach_port_type_t type;

	CHECK(MACH_PORT_VALID(mig_get_reply_port()));
	flow_crash();
	CHECK_CODE(mach_port_type(mach_task_self(), port, &type), MACHD_NO_DAEMON);
	CHECK(strstr(machd_last_error(), "lost"));
	CHECK_CODE(mach_port_type(mach_task_self(), port, &type), MACHD_NO_DAEMON);
	CHECK(strstr(machd_last_error(), flow_socket()));
	flow_restart();
	CHECK_EQ(flow_type(mach_task_self()), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_type(bootstrap_port), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_type(mig_get_reply_port()), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

struct waiter {
	mach_port_t port;
	mach_msg_return_t code;
};

static void *wait_for_message(void *argument)
{
	struct waiter *waiter = argument;
	struct flow_message message;

	waiter->code = mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, waiter->port, 0,
				MACH_PORT_NULL);
	return NULL;
}

START_TEST(threads_that_wait_are_told_when_the_daemon_dies)
{
	struct waiter waiters[4];
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++) {
		waiters[i].port = flow_port();
		CHECK(pthread_create(&threads[i], NULL, wait_for_message, &waiters[i]) == 0);
	}
	flow_await_waiting(getpid(), 4);
	flow_crash();
	flow_restart();
	for (unsigned i = 0; i < 4; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
		CHECK_CODE(waiters[i].code, MACHD_NO_DAEMON);
	}
	/* This thread was not in a call: it learns it now, and is in the new task then. */
	CHECK_CODE(mach_port_destroy(mach_task_self(), waiters[0].port), MACHD_NO_DAEMON);
	CHECK_EQ(flow_type(mach_task_self()), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_task_count(), 1);
}
END_TEST

/* --- mach_msg_destroy --- */

START_TEST(destroy_gives_up_every_right_but_the_local_port)
{
	mach_port_t local = flow_port(), remote = flow_send_once(local), send = flow_port(),
		    receive = flow_receive_right(), notify = flow_receive_right();
	struct flow_message message;

	flow_complex(&message, remote, SEND_ONCE, 1);
	message.header.msgh_local_port = local;
	message.header.msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MOVE_SEND);
	flow_make_send(send, 1);
	flow_add_port(&message, send, MACH_MSG_TYPE_MOVE_SEND);
	flow_add_port(&message, MACH_PORT_DEAD, MACH_MSG_TYPE_MOVE_SEND);
	flow_add_port(&message, receive, MACH_MSG_TYPE_MOVE_RECEIVE);
	flow_add_port(&message, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	mach_msg_destroy(&message.header);
	CHECK_EQ(flow_type(remote), 0);
	flow_notified(local, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_refs(local, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_refs(send, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_type(receive), 0);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(destroy_of_a_send_right_to_be_made_can_end_in_no_senders)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right();
	struct flow_message message;

	flow_request(port, MACH_NOTIFY_NO_SENDERS, 1, notify);
	flow_header(&message, port, MACH_MSG_TYPE_MAKE_SEND, 0, 0, 1);
	mach_msg_destroy(&message.header);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 1);
	flow_make_send(port, 1);
	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1);
	mach_msg_destroy(&message.header);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(destroy_frees_memory_marked_for_it)
{
	struct {
		mach_msg_base_t base;
		mach_msg_ool_descriptor_t memory;
		mach_msg_ool_ports_descriptor_t ports;
	} message = {.base = {.header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX},
			      .body = {.msgh_descriptor_count = 2}}};
	vm_address_t memory = 0, names = 0, again;
	mach_port_t port = flow_port();

	CHECK_OK(vm_allocate(mach_task_self(), &memory, vm_page_size, VM_FLAGS_ANYWHERE));
	CHECK_OK(vm_allocate(mach_task_self(), &names, vm_page_size, VM_FLAGS_ANYWHERE));
	*(mach_port_t *)names = port;
	message.memory = (mach_msg_ool_descriptor_t){.address = (void *)memory,
						     .size = 10,
						     .deallocate = 1,
						     .type = MACH_MSG_OOL_DESCRIPTOR};
	message.ports = (mach_msg_ool_ports_descriptor_t){.address = (void *)names,
							  .count = 1,
							  .deallocate = 1,
							  .disposition = MACH_MSG_TYPE_MOVE_SEND,
							  .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
	mach_msg_destroy(&message.base.header);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	again = memory;
	CHECK_OK(vm_allocate(mach_task_self(), &again, vm_page_size, VM_FLAGS_FIXED));
	again = names;
	CHECK_OK(vm_allocate(mach_task_self(), &again, vm_page_size, VM_FLAGS_FIXED));
}
END_TEST

static void add_alone(Suite *suite)
{
	TCase *tests = tcase_create("no daemon");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, no_daemon, NULL);
	tcase_add_test(tests, every_call_says_that_there_is_no_daemon);
	tcase_add_test(tests, last_error_names_the_path_and_the_reason);
	tcase_add_test(tests, a_path_too_long_for_a_socket_is_an_error_not_a_crash);
	tcase_add_test(tests, errno_is_left_alone);
	tcase_add_test(tests, what_needs_no_daemon_works_without_one);
	tcase_add_test(tests, every_code_has_words);
	tcase_add_test(tests, every_code_has_a_type);
	tcase_add_test(tests, codes_of_machd_are_no_codes_of_mach);
	tcase_add_test(tests, mig_strncpy_always_ends_the_copy);
}

int main(void)
{
	Suite *suite = suite_create("library");
	TCase *tests;

	add_alone(suite);
	tests = flow_case(suite, "memory");
	tcase_add_test(tests, vm_allocate_gives_zeroed_pages);
	tcase_add_test(tests, vm_allocate_of_nothing_is_address_zero);
	tcase_add_test(tests, vm_allocate_at_a_taken_address_needs_overwrite);
	tcase_add_test(tests, vm_calls_refuse_ranges_that_wrap_and_other_tasks);
	tcase_add_test(tests, mig_allocate_and_deallocate_are_vm_calls);
	tests = flow_case(suite, "connection");
	tcase_add_test(tests, first_use_makes_a_task);
	tcase_add_test(tests, mach_host_self_adds_a_reference_each_time);
	tcase_add_test(tests, special_ports_can_be_read_and_bootstrap_set);
	tcase_add_test(tests, a_call_on_what_is_no_task_is_a_bad_destination);
	tcase_add_test(tests, each_thread_has_a_reply_port_that_ends_with_it);
	tcase_add_test(tests, a_task_outlives_the_thread_that_made_it);
	tests = flow_case(suite, "fork");
	tcase_add_test(tests, a_forked_child_is_a_new_task_with_a_bootstrap_port);
	tcase_add_test(tests, a_child_of_a_child_is_a_task_as_well);
	tcase_add_test(tests, a_child_does_not_keep_its_parents_task_alive);
	tests = flow_case(suite, "death of the daemon");
	tcase_add_test(tests, a_lost_daemon_is_reported_once_and_the_next_call_connects_anew);
	tcase_add_test(tests, threads_that_wait_are_told_when_the_daemon_dies);
	tests = flow_case(suite, "mach_msg_destroy");
	tcase_add_test(tests, destroy_gives_up_every_right_but_the_local_port);
	tcase_add_test(tests, destroy_of_a_send_right_to_be_made_can_end_in_no_senders);
	tcase_add_test(tests, destroy_frees_memory_marked_for_it);
	return flow_run(suite);
}
