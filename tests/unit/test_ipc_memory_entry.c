/* SPDX-License-Identifier: Apache-2.0 */
/* Memory entries in the machine: what they say, what they hold, and what is refused. */
#include <mach/vm_prot.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_user.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_feed.h"

#define FILE_SIZE 65536

/* A request, and the answer to it; its descriptor, which may be one that was lent. */
struct asked {
	struct machd_fileport request;
	struct machd_fileport_answer answer;
	ipc_fd_t fd;
};

/* With a fresh descriptor of that state, or none (-1). */
static kern_return_t ask(struct lab_thread *thread, int state, struct asked *asked)
{
	struct trap_fd file = {.sealed = (uint64_t)state, .size = FILE_SIZE};
	uint8_t *packet;
	size_t size;

	if (state >= 0)
		asked->fd = file.handle = lab_fd(thread->lab);
	if (!lab_request(thread, MACHD_OP_FILEPORT, &asked->request, sizeof asked->request, NULL, 0,
			 state >= 0 ? &file : NULL))
		return LAB_DROPPED;
	packet = lab_take_answer(thread, &size);
	LAB_TRUE(size == sizeof(struct machd_frame) + sizeof asked->answer);
	memcpy(&asked->answer, packet + sizeof(struct machd_frame), sizeof asked->answer);
	free(packet);
	if (state < 0 && asked->answer.code == KERN_SUCCESS) {
		LAB_TRUE(thread->fd_count == 1);
		asked->fd = thread->fds[0];
	}
	return (kern_return_t)asked->answer.code;
}

static struct asked make_of(uint64_t offset, uint64_t size, uint32_t protection)
{
	return (struct asked){
		.request = {.kind = MACHD_FILE_MEMORY, .extent = {offset, size, protection, 0}}};
}

static struct asked look_up(mach_port_name_t name, uint32_t kind)
{
	return (struct asked){.request = {.port = name, .kind = kind}};
}

static uint64_t memory_held(const struct lab_thread *thread)
{
	struct ipc_user *user = ipc_user_get(thread->lab->host, 1000);
	uint64_t held = user->u_held[IPC_CHARGE_MEMORY];

	ipc_user_put(user);
	return held;
}

START_TEST(it_says_what_it_was_made_of)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct asked made = make_of(4096, 8192, VM_PROT_READ), found;
	mach_port_name_t copy;

	lab_ok(ask(a, TRAP_FD_FIXED, &made));
	lab_name_is(a, made.answer.port, SEND, 1);
	/* The memfd is kept as a whole, and so it is charged. */
	ck_assert_uint_eq(memory_held(a), FILE_SIZE);
	copy = lab_pass(a, made.answer.port, COPY_SEND, b);
	lab_ok(lab_deallocate(a, made.answer.port));
	found = look_up(copy, MACHD_FILE_MEMORY);
	lab_ok(ask(b, -1, &found));
	ck_assert_uint_eq(found.fd, made.fd);
	ck_assert_uint_eq(found.answer.extent.offset, 4096);
	ck_assert_uint_eq(found.answer.extent.size, 8192);
	ck_assert_uint_eq(found.answer.extent.protection, VM_PROT_READ);
	ck_assert_uint_eq(lab->fds[made.fd], LAB_FD_INSIDE);
	lab_ok(lab_deallocate(b, copy));
	ck_assert_uint_eq(lab->fds[made.fd], LAB_FD_RELEASED);
	ck_assert_uint_eq(memory_held(a), 0);
	lab_stop(lab);
}
END_TEST

START_TEST(it_is_no_fileport)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	struct asked memory = make_of(0, FILE_SIZE, VM_PROT_ALL), file = {0}, found;
	mach_port_name_t port;

	lab_ok(ask(a, TRAP_FD_SEALED, &memory));
	lab_ok(ask(a, TRAP_FD_FIXED, &file));
	found = look_up(memory.answer.port, MACHD_FILE_ANY);
	lab_is(KERN_INVALID_CAPABILITY, ask(a, -1, &found));
	found = look_up(file.answer.port, MACHD_FILE_MEMORY);
	lab_is(KERN_INVALID_CAPABILITY, ask(a, -1, &found));
	found = look_up(lab_new_service(a), MACHD_FILE_MEMORY);
	lab_is(KERN_INVALID_CAPABILITY, ask(a, -1, &found));
	lab_ok(lab_allocate(a, MACH_PORT_RIGHT_RECEIVE, &port));
	found = look_up(port, MACHD_FILE_MEMORY);
	lab_is(KERN_INVALID_RIGHT, ask(a, -1, &found));
	found = look_up(0x7f07, MACHD_FILE_MEMORY);
	lab_is(KERN_INVALID_NAME, ask(a, -1, &found));
	lab_stop(lab);
}
END_TEST

/* A mapper must find what it says, whatever the one who made it does. */
START_TEST(what_may_shrink_is_refused)
{
	static const struct {
		int state;
		uint64_t offset, size;
		uint32_t protection;
	} bad[] = {
		{TRAP_FD_UNSEALED, 0, 4096, VM_PROT_READ},
		{TRAP_FD_SOCKET, 0, 4096, VM_PROT_READ},
		{TRAP_FD_CONNECTION, 0, 4096, VM_PROT_READ},
		{TRAP_FD_FIXED, 0, FILE_SIZE + 1, VM_PROT_READ},
		{TRAP_FD_FIXED, 4096, FILE_SIZE, VM_PROT_READ},
		{TRAP_FD_FIXED, FILE_SIZE + 1, 1, VM_PROT_READ},
		{TRAP_FD_FIXED, UINT64_MAX, 4096, VM_PROT_READ},
		{TRAP_FD_FIXED, 4096, UINT64_MAX, VM_PROT_READ},
		{TRAP_FD_FIXED, 0, 0, VM_PROT_READ},
		{TRAP_FD_FIXED, 0, 4096, VM_PROT_ALL + 1},
	};
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct asked made = make_of(bad[i].offset, bad[i].size, bad[i].protection);

		lab_is(KERN_INVALID_ARGUMENT, ask(a, bad[i].state, &made));
		ck_assert_uint_eq(lab->fds[made.fd], LAB_FD_RELEASED);
	}
	lab_stop(lab);
}
END_TEST

START_TEST(there_is_no_room_for_it)
{
	struct lab_options options;
	struct lab_thread *a;
	struct asked made;
	struct lab *lab;

	lab_options_init(&options);
	options.limits.memory_per_user = 2 * FILE_SIZE;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
	for (long fail = 1; fail <= 2; fail++) {
		made = make_of(0, 4096, VM_PROT_READ);
		mem_fail_after(fail);
		lab_is(KERN_RESOURCE_SHORTAGE, ask(a, TRAP_FD_FIXED, &made));
		mem_fail_after(0);
		ck_assert_uint_eq(lab->fds[made.fd], LAB_FD_RELEASED);
	}
	made = make_of(0, 4096, VM_PROT_READ);
	lab_is(KERN_RESOURCE_SHORTAGE, ask(a, TRAP_FD_NO_ROOM, &made));
	for (unsigned i = 0; i < 2; i++)
		lab_ok(ask(a, TRAP_FD_FIXED, &made));
	lab_is(KERN_RESOURCE_SHORTAGE, ask(a, TRAP_FD_FIXED, &made));
	ck_assert_uint_eq(lab->fds[made.fd], LAB_FD_RELEASED);
	ck_assert_uint_eq(memory_held(a), 2 * FILE_SIZE);
	lab_kill(a->task);
	lab_stop(lab);
}
END_TEST

START_TEST(an_unknown_kind_is_dropped)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	struct asked made = {.request = {.kind = MACHD_FILE_MEMORY + 1}};

	lab_is(LAB_DROPPED, ask(a, TRAP_FD_FIXED, &made));
	ck_assert_uint_eq(lab->fds[made.fd], LAB_FD_RELEASED);
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, it_says_what_it_was_made_of);
	tcase_add_test(tcase, it_is_no_fileport);
	tcase_add_test(tcase, what_may_shrink_is_refused);
	tcase_add_test(tcase, there_is_no_room_for_it);
	tcase_add_test(tcase, an_unknown_kind_is_dropped);
}

int main(void)
{
	return lab_run("ipc_memory_entry", add_tests);
}
