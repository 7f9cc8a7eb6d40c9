/* SPDX-License-Identifier: Apache-2.0 */
/* Fileports in the machine: what they hold, when they let go, and what a bad request gets. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_feed.h"

/* The request with a fresh descriptor of that state, or for the fileport `name`. */
static kern_return_t ask(struct lab_thread *thread, mach_port_name_t name, int state,
			 mach_port_name_t *made, ipc_fd_t *fd)
{
	struct machd_fileport request = {.port = name};
	struct trap_fd file = {.sealed = (uint64_t)state};
	struct machd_fileport_answer answer;
	uint8_t *packet;
	size_t size;

	if (state >= 0)
		*fd = file.handle = lab_fd(thread->lab);
	if (!lab_request(thread, MACHD_OP_FILEPORT, &request, sizeof request, NULL, 0,
			 state >= 0 ? &file : NULL))
		return LAB_DROPPED;
	packet = lab_take_answer(thread, &size);
	LAB_TRUE(size == sizeof(struct machd_frame) + sizeof answer);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	free(packet);
	if (made)
		*made = answer.port;
	if (state < 0 && answer.code == KERN_SUCCESS) {
		LAB_TRUE(thread->fd_count == 1);
		*fd = thread->fds[0];
	}
	return (kern_return_t)answer.code;
}

START_TEST(the_descriptor_is_held_and_lent)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	mach_port_name_t file, copy;
	ipc_fd_t fd, lent;

	lab_ok(ask(a, 0, TRAP_FD_UNSEALED, &file, &fd));
	lab_name_is(a, file, SEND, 1);
	ck_assert_uint_eq(lab->host->h_memfds, 1);
	for (unsigned i = 0; i < 2; i++) {
		lab_ok(ask(a, file, -1, NULL, &lent));
		ck_assert_uint_eq(lent, fd);
		ck_assert_uint_eq(lab->fds[fd], LAB_FD_INSIDE);
	}
	/* It lives as long as one right does. */
	copy = lab_pass(a, file, COPY_SEND, b);
	lab_ok(lab_deallocate(a, file));
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_INSIDE);
	lab_ok(ask(b, copy, -1, NULL, &lent));
	ck_assert_uint_eq(lent, fd);
	lab_kill(b->task);
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_RELEASED);
	ck_assert_uint_eq(lab->host->h_memfds, 0);
	lab_stop(lab);
}
END_TEST

START_TEST(it_waits_in_messages)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	mach_port_name_t port = lab_new_service(a), file;
	struct lab_buffer message = lab_to(port, 1);
	ipc_fd_t fd;

	lab_ok(ask(a, 0, TRAP_FD_SEALED, &file, &fd));
	lab_add_port(&message, file, MOVE_SEND);
	lab_ok(lab_send_now(a, &message));
	lab_name_is(a, file, NO_NAME, 0);
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_INSIDE);
	lab_ok(lab_destroy(a, port));
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_RELEASED);
	lab_stop(lab);
}
END_TEST

START_TEST(what_cannot_be_held_is_given_back)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	mach_port_name_t file;
	ipc_fd_t fd;

	lab_is(KERN_RESOURCE_SHORTAGE, ask(a, 0, TRAP_FD_NO_ROOM, &file, &fd));
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_RELEASED);
	lab_is(KERN_INVALID_ARGUMENT, ask(a, 0, TRAP_FD_CONNECTION, &file, &fd));
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_RELEASED);
	mem_fail_after(1);
	lab_is(KERN_RESOURCE_SHORTAGE, ask(a, 0, TRAP_FD_UNSEALED, &file, &fd));
	mem_fail_after(0);
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_RELEASED);
	lab_stop(lab);
}
END_TEST

START_TEST(a_full_table_has_no_room_for_it)
{
	struct lab_options options;
	struct lab *lab;
	struct lab_thread *a;
	mach_port_name_t name;
	ipc_fd_t fd;

	lab_options_init(&options);
	options.limits.names_per_task = 64;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
	while (lab_allocate(a, MACH_PORT_RIGHT_PORT_SET, &name) == KERN_SUCCESS)
		;
	lab_is(KERN_NO_SPACE, ask(a, 0, TRAP_FD_UNSEALED, &name, &fd));
	ck_assert_uint_eq(lab->fds[fd], LAB_FD_RELEASED);
	lab_stop(lab);
}
END_TEST

START_TEST(nonsense_is_dropped)
{
	struct machd_fileport request = {.port = 0x107};
	struct lab *lab = lab_start(NULL);
	struct trap_fd file = {0};
	struct lab_thread *a;

	a = lab_task(lab, 1000)->thread;
	ck_assert(!lab_request(a, MACHD_OP_FILEPORT, &request, 2, NULL, 0, NULL));
	a = lab_task(lab, 1000)->thread;
	file.handle = lab_fd(lab);
	ck_assert(!lab_request(a, MACHD_OP_FILEPORT, &request, sizeof request, NULL, 0, &file));
	ck_assert_uint_eq(lab->fds[file.handle], LAB_FD_RELEASED);
	a = lab_watcher(lab, 0);
	ck_assert(!lab_request(a, MACHD_OP_FILEPORT, &request, sizeof request, NULL, 0, NULL));
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_descriptor_is_held_and_lent);
	tcase_add_test(tcase, it_waits_in_messages);
	tcase_add_test(tcase, what_cannot_be_held_is_given_back);
	tcase_add_test(tcase, a_full_table_has_no_room_for_it);
	tcase_add_test(tcase, nonsense_is_dropped);
}

int main(void)
{
	return lab_run("ipc_fileport", add_tests);
}
