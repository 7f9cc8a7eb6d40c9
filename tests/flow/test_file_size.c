/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that may have no long files (RLIMIT_FSIZE): the files that memory travels in are such,
 * too, and who makes one longer gets a signal that ends him. The library says with Mach's codes
 * that there is no room, and the daemon does without rings.
 */
#include <string.h>
#include <sys/resource.h>

#include "tests/flow/flow_letter.h"

#define SIZE 300000u

/* Of this process from now on; what is written while it is 0 goes to no file. */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static vm_address_t allocate(void)
{
	vm_address_t memory = 0;

	CHECK_OK(vm_allocate(mach_task_self(), &memory, SIZE, VM_FLAGS_ANYWHERE));
	return memory;
}

/* Send memory, allocated without a limit or with one of 0, under such a limit. */
static void send_memory(mach_port_t port, bool before, mach_msg_return_t expected)
{
	mach_msg_ool_descriptor_t came;
	mach_msg_return_t code;
	vm_address_t memory;

	limit_files(before ? RLIM_INFINITY : 0);
	memory = allocate();
	letter_fill((void *)memory, SIZE, 1);
	limit_files(0);
	code = letter_send_memory(port, (void *)memory, SIZE, false, MACH_MSG_VIRTUAL_COPY);
	limit_files(RLIM_INFINITY);
	CHECK_CODE(code, expected);
	if (code == MACH_MSG_SUCCESS) {
		came = letter_receive_memory(port);
		letter_expect_memory(&came, SIZE, 1);
	}
	letter_expect((void *)memory, SIZE, 1);
	CHECK_OK(vm_deallocate(mach_task_self(), memory, SIZE));
}

START_TEST(memory_finds_no_room)
{
	mach_port_t port = flow_port();

	send_memory(port, false, MACH_SEND_NO_BUFFER);
	send_memory(port, true, MACH_MSG_SUCCESS); /* its file is there */
}
END_TEST

START_TEST(a_large_body_finds_no_room)
{
	static union {
		mach_msg_header_t header;
		uint8_t bytes[SIZE + sizeof(mach_msg_max_trailer_t)];
	} message;
	mach_port_t port = flow_port();
	mach_msg_return_t code;

	for (unsigned i = 0; i < 2; i++) {
		message.header =
			(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
					    .msgh_remote_port = port};
		limit_files(i ? RLIM_INFINITY : 0);
		code = mach_msg(&message.header, MACH_SEND_MSG, SIZE, 0, 0, 0, 0);
		limit_files(RLIM_INFINITY);
		CHECK_CODE(code, i ? MACH_MSG_SUCCESS : MACH_SEND_NO_BUFFER);
	}
	CHECK_OK(mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, port, 0, 0));
	CHECK_EQ(message.header.msgh_size, SIZE);
}
END_TEST

START_TEST(entries_and_shared_memory_find_no_room)
{
	memory_object_size_t size = SIZE;
	vm_address_t memory = 0;
	mach_port_t entry;
	kern_return_t made, mapped;

	limit_files(0);
	made = mach_make_memory_entry_64(mach_task_self(), &size, 0,
					 MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, &entry, 0);
	mapped = vm_map(mach_task_self(), &memory, SIZE, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0,
			FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_SHARE);
	limit_files(RLIM_INFINITY);
	CHECK_CODE(made, KERN_RESOURCE_SHORTAGE);
	CHECK_CODE(mapped, KERN_NO_SPACE);
	CHECK_OK(mach_make_memory_entry_64(mach_task_self(), &size, 0,
					   MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, &entry, 0));
	CHECK_EQ(size, round_page(SIZE));
}
END_TEST

/* Messages with nothing but bytes need no files. */
START_TEST(small_messages_go)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	mach_msg_return_t sent, received;

	for (int id = 0; id < 40; id++) {
		limit_files(0);
		flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, 0, 0, id);
		sent = mach_msg(&message.header, MACH_SEND_MSG, sizeof message.header, 0, 0, 0, 0);
		received = flow_receive(port, &message);
		limit_files(RLIM_INFINITY);
		CHECK_OK(sent);
		CHECK_OK(received);
		CHECK_EQ(message.header.msgh_id, id);
	}
}
END_TEST

START_TEST(a_daemon_does_without_rings)
{
	flow_crash();
	limit_files(vm_page_size);
	flow_restart();
	limit_files(RLIM_INFINITY);
	CHECK_EQ(mach_reply_port(), MACH_PORT_NULL); /* the old one is gone */
	for (unsigned i = 0; i < 10; i++)
		flow_fill(flow_port(), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file_size");
	TCase *tests = flow_case(suite, "no long files");

	tcase_add_test(tests, memory_finds_no_room);
	tcase_add_test(tests, a_large_body_finds_no_room);
	tcase_add_test(tests, entries_and_shared_memory_find_no_room);
	tcase_add_test(tests, small_messages_go);
	tcase_add_test(tests, a_daemon_does_without_rings);
	return flow_run(suite);
}
