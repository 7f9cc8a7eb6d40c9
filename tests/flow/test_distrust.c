/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library believes nothing it has not checked: a thread of this test plays a daemon that gives
 * wrong answers. The call must say that there is no daemon, write nothing outside the buffer, keep
 * no descriptor, and the next call must connect again. It has no ring to offer.
 */
#include <dirent.h>
#include <fcntl.h>
#include <machd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "tests/flow/flow.h"
#include "tests/flow/flow_fake.h"

/* An answer as the false daemon sends it. */
struct lie {
	const char *what;
	mach_msg_return_t expected;
	uint32_t place, body_offset, body_size, aux_size;
	size_t bytes;		  /* behind the fixed part */
	int length, sequence, op; /* added to what would be right */
	bool announce_fd, with_fd;
	bool cut;	 /* send the frame header only */
	uint32_t memory; /* bytes of memory that the message has, from the end of a page on, */
	bool short_memory, unsealed; /* in a memfd of one page, or of two; that can be cut short */
	uint32_t loans; /* messages that are lent with it, each said to have so many bytes: */
	uint32_t loan_size;
	size_t loan_bytes; /* in their frame */
};

static struct {
	struct flow_fake at;
	pthread_t thread;
	pthread_mutex_t answering; /* it has descriptors of its own then */
	const struct lie *_Atomic lie;
	const char *_Atomic refusal; /* instead of a welcome; "": nonsense */
	_Atomic enum { NO_BOARDS, BOARDS, LIES_ABOUT_BOARDS } boards;
} fake = {.answering = PTHREAD_MUTEX_INITIALIZER};

/* A message with a descriptor of memory. */
static void put_descriptor(uint8_t *bytes, uint32_t size)
{
	mach_msg_base_t base = {.header.msgh_bits = MACH_MSGH_BITS_COMPLEX,
				.body.msgh_descriptor_count = 1};
	mach_msg_ool_descriptor_t memory = {.size = size, .type = MACH_MSG_OOL_DESCRIPTOR};

	memcpy(bytes, &base, sizeof base);
	memcpy(bytes + sizeof base, &memory, sizeof memory);
}

static int make_memory(const struct lie *lie)
{
	int memfd = memfd_create("lie", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(memfd >= 0);
	CHECK(ftruncate(memfd, (off_t)((lie->short_memory ? 1 : 2) * vm_page_size)) == 0);
	CHECK(lie->unsealed || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	return memfd;
}

/* What says where that memory is. */
static void send_memory(int fd, uint32_t sequence, const struct lie *lie)
{
	struct {
		struct machd_frame frame;
		struct machd_memory memory;
	} packet = {
		.frame = {.length = sizeof packet,
			  .op = MACHD_OP_MEMORY | MACHD_OP_ANSWER,
			  .fds = 1,
			  .sequence = sequence},
		.memory = {.source = MACHD_MEMORY_FD, .offset = vm_page_size - 1},
	};
	int memfd = make_memory(lie);

	flow_fake_send(fd, &packet, sizeof packet, &memfd, 1);
	close(memfd);
}

/* A memory entry of one page, the second of its memfd. */
static void send_entry(int fd, uint32_t sequence, const struct lie *lie)
{
	struct {
		struct machd_frame frame;
		struct machd_fileport_answer answer;
	} packet = {
		.frame = {.length = sizeof packet,
			  .op = MACHD_OP_FILEPORT | MACHD_OP_ANSWER,
			  .fds = 1,
			  .sequence = sequence},
		.answer.extent = {.offset = vm_page_size,
				  .size = vm_page_size,
				  .protection = VM_PROT_DEFAULT},
	};
	int memfd = make_memory(lie);

	flow_fake_send(fd, &packet, sizeof packet, &memfd, 1);
	close(memfd);
}

/* The frame of messages that are lent; all their fields that are no sizes are the same. */
static void send_loans(int fd, uint32_t sequence, const struct lie *lie)
{
	struct {
		struct machd_frame frame;
		uint32_t words[128];
	} packet = {.frame = {.length = (uint32_t)(sizeof packet.frame + lie->loan_bytes),
			      .op = MACHD_OP_MEMORY | MACHD_OP_ANSWER,
			      .sequence = sequence}};

	for (unsigned i = 0; i < 128; i++)
		packet.words[i] = lie->loan_size;
	flow_fake_send(fd, &packet, packet.frame.length, NULL, 0);
}

static void answer_board(int fd, const struct machd_frame *request)
{
	struct {
		struct machd_frame frame;
		struct machd_call_answer answer;
	} packet = {.frame = {.length = sizeof packet,
			      .op = MACHD_OP_BOARD | MACHD_OP_ANSWER,
			      .sequence = request->sequence}};

	if (atomic_load(&fake.boards) == NO_BOARDS)
		packet.answer.code = KERN_RESOURCE_SHORTAGE;
	flow_fake_send(fd, &packet, sizeof packet, NULL, 0);
}

/* Who hears the first half may return, and its lie with it: this works on a copy. */
static void tell_lie(int fd, const struct machd_frame *request)
{
	const struct lie told = *atomic_load(&fake.lie), *lie = &told;
	struct {
		struct machd_frame frame;
		struct machd_message_answer answer;
		uint8_t bytes[512];
	} packet = {.answer = {.place = lie->place,
			       .body_offset = lie->body_offset,
			       .body_size = lie->body_size,
			       .aux_size = lie->aux_size,
			       .memory_count = lie->memory > 0,
			       .loans = lie->loans}};
	size_t fixed = request->op != MACHD_OP_MESSAGE
			       ? sizeof packet.frame + sizeof(struct machd_call_answer)
			       : sizeof packet.frame + sizeof packet.answer;
	size_t size = lie->cut ? sizeof packet.frame : fixed + lie->bytes;
	int memfd = lie->with_fd ? memfd_create("lie", MFD_CLOEXEC) : -1;

	if (request->op == MACHD_OP_MESSAGE)
		memset(packet.bytes, 0x55, sizeof packet.bytes);
	else
		packet.answer = (struct machd_message_answer){0};
	if (lie->memory)
		put_descriptor(packet.bytes, lie->memory);
	CHECK(memfd < 0 || ftruncate(memfd, 64) == 0);
	packet.frame = (struct machd_frame){
		.length = (uint32_t)((int)size + lie->length),
		.op = (uint16_t)((request->op | MACHD_OP_ANSWER) + lie->op),
		.fds = lie->announce_fd,
		.sequence = request->sequence + (uint32_t)lie->sequence,
	};
	flow_fake_send(fd, &packet, size, &memfd, memfd >= 0);
	if (memfd >= 0)
		close(memfd);
	if (lie->memory)
		send_memory(fd, packet.frame.sequence, lie);
	if (lie->loans)
		send_loans(fd, packet.frame.sequence, lie);
}

static void *pretend(void *unused)
{
	uint8_t packet[4096];
	struct machd_frame frame;
	ssize_t size;
	int fd;

	(void)unused;
	while ((fd = accept4(fake.at.listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		while ((size = recv(fd, packet, sizeof packet, 0)) >= (ssize_t)sizeof frame) {
			memcpy(&frame, packet, sizeof frame);
			pthread_mutex_lock(&fake.answering);
			if (frame.op == MACHD_OP_HELLO)
				flow_fake_welcome(fd, atomic_load(&fake.refusal));
			else if (frame.op == MACHD_OP_BOARD &&
				 atomic_load(&fake.boards) != LIES_ABOUT_BOARDS)
				answer_board(fd, &frame);
			else if (frame.op == MACHD_OP_FILEPORT)
				send_entry(fd, frame.sequence, atomic_load(&fake.lie));
			else
				tell_lie(fd, &frame);
			pthread_mutex_unlock(&fake.answering);
		}
		close(fd);
	}
	return NULL;
}

static void set_up(void)
{
	atomic_store(&fake.refusal, NULL);
	flow_fake_begin(&fake.at);
	CHECK(pthread_create(&fake.thread, NULL, pretend, NULL) == 0);
}

/* Descriptors of memfds in this process, once the daemon of this test has closed its own. */
static unsigned open_memfds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned count = 0;
	char target[64];

	CHECK(directory != NULL);
	pthread_mutex_lock(&fake.answering);
	while ((entry = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target);

		count += length > 7 && memcmp(target, "/memfd:", 7) == 0;
	}
	pthread_mutex_unlock(&fake.answering);
	closedir(directory);
	return count;
}

/* The library's connection is closed by a last lie, then nothing is left to accept. */
static void tear_down(void)
{
	static const struct lie last = {.what = "", .cut = true};

	atomic_store(&fake.lie, &last);
	mach_reply_port();
	CHECK(shutdown(fake.at.listener, SHUT_RDWR) == 0);
	CHECK(pthread_join(fake.thread, NULL) == 0);
	flow_fake_end(&fake.at);
	CHECK_EQ(open_memfds(), 0);
}

/* --- answers to routines --- */

static const struct lie call_lies[] = {
	{.what = "to another request", .bytes = 4, .sequence = 1},
	{.what = "to another operation", .bytes = 4, .op = -1},
	{.what = "with a length too large", .bytes = 4, .length = 4},
	{.what = "with a length too small", .bytes = 4, .length = -4},
	{.what = "cut to a frame header", .cut = true},
	{.what = "without its result", .bytes = 0},
	{.what = "with half of its result", .bytes = 2},
	{.what = "with more than its result", .bytes = 8},
	{.what = "with a descriptor", .bytes = 4, .announce_fd = true, .with_fd = true},
	{.what = "with a secret descriptor", .bytes = 4, .with_fd = true},
	{.what = "with a missing descriptor", .bytes = 4, .announce_fd = true},
};

START_TEST(wrong_answers_to_a_routine)
{
	mach_port_t port = 77;

	atomic_store(&fake.lie, &call_lies[_i]);
	CHECK_CODE(mach_port_allocate(0x103, MACH_PORT_RIGHT_RECEIVE, &port), MACHD_NO_DAEMON);
	CHECK_EQ(port, 77);
	CHECK(strstr(machd_last_error(), "lost"));
}
END_TEST

/* --- answers to mach_msg, with a buffer of 64 bytes --- */

#define RECEIVE .place = MACHD_PLACE_RECEIVE
#define BODY	.announce_fd = true, .with_fd = true

static const struct lie message_lies[] = {
	{.what = "more than the buffer holds", .expected = MACHD_NO_DAEMON, RECEIVE, .bytes = 68},
	{.what = "a place that does not exist", .expected = MACHD_NO_DAEMON, .place = 9},
	{.what = "bytes for no place", .expected = MACHD_NO_DAEMON, .bytes = 24},
	{.what = "bytes for a size",
	 .expected = MACHD_NO_DAEMON,
	 .place = MACHD_PLACE_TOO_LARGE,
	 .bytes = 24},
	{.what = "a message given back that was not sent",
	 .expected = MACHD_NO_DAEMON,
	 .place = MACHD_PLACE_SEND,
	 .bytes = 24},
	{.what = "a body without a descriptor",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 24,
	 .body_offset = 24,
	 .body_size = 8},
	{.what = "a descriptor without a place", .expected = MACHD_NO_DAEMON, BODY},
	{.what = "a body longer than the buffer",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 BODY,
	 .bytes = 24,
	 .body_offset = 24,
	 .body_size = 44},
	{.what = "a body so long that sums wrap",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 BODY,
	 .bytes = 24,
	 .body_offset = 24,
	 .body_size = 0xfffffff0},
	{.what = "a body behind the answer",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 BODY,
	 .bytes = 24,
	 .body_offset = 28,
	 .body_size = 8},
	{.what = "a missing descriptor",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 24,
	 .announce_fd = true},
	{.what = "a secret descriptor",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 24,
	 .with_fd = true},
	{.what = "another request's answer",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 24,
	 .sequence = -1},
	{.what = "another length", .expected = MACHD_NO_DAEMON, RECEIVE, .bytes = 24, .length = 8},
	{.what = "no answer", .expected = MACHD_NO_DAEMON, .cut = true},
	{.what = "auxiliary data for a plain receiver",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 32,
	 .aux_size = 8},
	/* What the message says about itself is not the library's business. */
	{.what = "a message", .expected = MACH_MSG_SUCCESS, RECEIVE, .bytes = 32},
	{.what = "a body in place",
	 .expected = MACH_MSG_SUCCESS,
	 RECEIVE,
	 BODY,
	 .bytes = 32,
	 .body_offset = 24,
	 .body_size = 32},
};

/* What a call leaves in the buffer: the bytes of the lie, zeros of a body, nothing outside. */
static void expect_inside(const struct lie *lie, const uint8_t *buffer)
{
	for (unsigned i = 64; i < 128; i++)
		CHECK_EQ(buffer[i], 0x77);
	if (lie->expected != MACH_MSG_SUCCESS)
		return;
	for (unsigned i = 0; i < 64; i++) {
		bool body = i >= lie->body_offset && i < lie->body_offset + lie->body_size;
		bool bytes = i < lie->bytes + lie->body_size;

		CHECK_EQ(buffer[i], body ? 0 : bytes ? 0x55 : 0x77);
	}
}

static void receive_lie(const struct lie *lie, bool overwrite)
{
	mach_msg_header_t sent = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)};
	mach_msg_option_t option = MACH_RCV_MSG | (overwrite ? MACH_SEND_MSG : 0);
	_Alignas(8) uint8_t buffer[128];

	memset(buffer, 0x77, sizeof buffer);
	atomic_store(&fake.lie, lie);
	CHECK_CODE(mach_msg_overwrite(&sent, option, sizeof sent, 64, 0x403, 0, 0,
				      (mach_msg_header_t *)(void *)buffer, 0),
		   lie->expected);
	expect_inside(lie, buffer);
	if (lie->place != MACHD_PLACE_SEND)
		CHECK_EQ(sent.msgh_bits, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0));
}

/* The same in vector form, with 16 bytes for auxiliary data. */
static const struct lie vector_lies[] = {
	{.what = "more of them than the buffer holds",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 44,
	 .aux_size = 20},
	{.what = "more of them than there are",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 8,
	 .aux_size = 16},
	{.what = "so many that sums wrap",
	 .expected = MACHD_NO_DAEMON,
	 RECEIVE,
	 .bytes = 40,
	 .aux_size = 0xffffffe0},
	{.what = "some that belong to what was not sent",
	 .expected = MACHD_NO_DAEMON,
	 .place = MACHD_PLACE_SEND,
	 .bytes = 16,
	 .aux_size = 16},
	{.what = "a message too large", .expected = MACHD_NO_DAEMON, RECEIVE, .bytes = 68},
	{.what = "no answer", .expected = MACHD_NO_DAEMON, .cut = true},
	{.what = "a message", .expected = MACH_MSG_SUCCESS, RECEIVE, .bytes = 40, .aux_size = 16},
};

START_TEST(wrong_answers_to_a_vector)
{
	const struct lie *lie = &vector_lies[_i];
	_Alignas(8) uint8_t buffer[128], aux[64];
	mach_msg_vector_t vector[2] = {
		{.msgv_data = (uintptr_t)buffer, .msgv_rcv_size = 64},
		{.msgv_data = (uintptr_t)aux, .msgv_rcv_size = 16},
	};
	struct lie message = *lie;

	memset(buffer, 0x77, sizeof buffer);
	memset(aux, 0x77, sizeof aux);
	atomic_store(&fake.lie, lie);
	CHECK_CODE(mach_msg2(vector, MACH64_RCV_MSG | MACH64_MSG_VECTOR, (mach_msg_header_t){0}, 0,
			     2, 0x403, 0, 0),
		   lie->expected);
	message.bytes -= lie->aux_size;
	expect_inside(&message, buffer);
	for (unsigned i = 16; i < sizeof aux; i++)
		CHECK_EQ(aux[i], 0x77);
}
END_TEST

START_TEST(wrong_answers_to_mach_msg)
{
	const struct lie *lie = &message_lies[_i];

	receive_lie(lie, false);
	CHECK(lie->expected == MACH_MSG_SUCCESS || strstr(machd_last_error(), "lost"));
	CHECK_EQ(mach_task_self(), 0x103);
}
END_TEST

START_TEST(wrong_answers_to_a_send_and_receive)
{
	const struct lie *lie = &message_lies[_i];

	if (lie->place != MACHD_PLACE_SEND)
		receive_lie(lie, true);
}
END_TEST

START_TEST(a_body_shorter_than_announced)
{
	static const struct lie lie = {.what = "",
				       .expected = MACH_RCV_INVALID_DATA,
				       RECEIVE,
				       BODY,
				       .bytes = 24,
				       .body_offset = 24,
				       .body_size = 65};
	_Alignas(8) uint8_t buffer[128];

	atomic_store(&fake.lie, &lie);
	CHECK_CODE(mach_msg((mach_msg_header_t *)(void *)buffer, MACH_RCV_MSG, 0, sizeof buffer,
			    0x403, 0, 0),
		   MACH_RCV_INVALID_DATA);
}
END_TEST

#define MEMORY RECEIVE, .bytes = sizeof(mach_msg_base_t) + sizeof(mach_msg_ool_descriptor_t)

static mach_msg_ool_descriptor_t receive_memory(const struct lie *lie, mach_msg_return_t expected)
{
	struct {
		mach_msg_base_t base;
		mach_msg_ool_descriptor_t memory;
		mach_msg_max_trailer_t trailer;
	} message;

	atomic_store(&fake.lie, lie);
	CHECK_CODE(mach_msg(&message.base.header, MACH_RCV_MSG, 0, sizeof message, 0x403, 0, 0),
		   expected);
	return message.memory;
}

/* Of 32 bits, as many as would make a small number if the place in the page were added to them. */
START_TEST(memory_that_does_not_fit_a_word)
{
	static const struct lie two = {.what = "", MEMORY, .memory = 2},
				most = {.what = "", MEMORY, .memory = UINT32_MAX};
	mach_msg_ool_descriptor_t memory = receive_memory(&two, MACH_MSG_SUCCESS);

	CHECK_EQ((uintptr_t)memory.address & vm_page_mask, vm_page_mask);
	CHECK_EQ(memory.size, 2);
	CHECK(((char *)memory.address)[1] == 0);
	munmap((char *)memory.address - vm_page_mask, 2 * vm_page_size);
	if (sizeof(void *) > sizeof memory.size)
		return;
	receive_memory(&most, MACHD_NO_DAEMON);
}
END_TEST

/* Who touches what a memfd does not have, or not any more, is ended by a signal. */
static const struct lie memory_lies[] = {
	{.what = "that is not there", MEMORY, .memory = 2, .short_memory = true},
	{.what = "that can be cut short", MEMORY, .memory = 2, .unsealed = true},
	{.what = "beyond its end", MEMORY, .memory = 0x2000002},
};

START_TEST(memory_that_may_be_gone)
{
	receive_memory(&memory_lies[_i], MACHD_NO_DAEMON);
	CHECK(strstr(machd_last_error(), "memory"));
	CHECK_EQ(mach_task_self(), 0x103);
}
END_TEST

static kern_return_t map_entry(const struct lie *lie, vm_address_t *address)
{
	atomic_store(&fake.lie, lie);
	return vm_map(mach_task_self(), address, vm_page_size, 0, VM_FLAGS_ANYWHERE, 0x503, 0,
		      FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_SHARE);
}

START_TEST(a_memory_entry_that_may_be_gone)
{
	static const struct lie good = {.what = ""};
	vm_address_t address = 0;

	CHECK_CODE(map_entry(&memory_lies[_i], &address), MACHD_NO_DAEMON);
	CHECK(strstr(machd_last_error(), "memory"));
	CHECK_OK(map_entry(&good, &address));
	CHECK(*(char *)address == 0);
	CHECK_OK(vm_deallocate(mach_task_self(), address, vm_page_size));
}
END_TEST

/* --- boards --- */

static const struct lie board_lies[] = {
	{.what = "to another request", .sequence = 1},
	{.what = "to another operation", .op = -1},
	{.what = "with a length too large", .length = 4},
	{.what = "with a length too small", .length = -4},
	{.what = "cut to a frame header", .cut = true},
	{.what = "with more than its code", .bytes = 4},
	{.what = "with a secret descriptor", .with_fd = true},
	{.what = "with a missing descriptor", .announce_fd = true},
};

START_TEST(wrong_answers_to_a_board)
{
	mach_msg_header_t sent = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
				  .msgh_remote_port = 0x403};

	CHECK(setenv("MACHD_SYNC_SEND", "0", 1) == 0); /* a board for the first message */
	atomic_store(&fake.lie, &board_lies[_i]);
	atomic_store(&fake.boards, LIES_ABOUT_BOARDS);
	CHECK_CODE(mach_msg(&sent, MACH_SEND_MSG, sizeof sent, 0, 0, 0, 0), MACHD_NO_DAEMON);
	CHECK(strstr(machd_last_error(), "machd"));
	CHECK(!strstr(machd_last_error(), "Bad file descriptor"));
	CHECK_EQ(open_memfds(), 0);
	CHECK_EQ(mach_task_self(), 0x103);
	atomic_store(&fake.boards, NO_BOARDS);
}
END_TEST

/* Each of them has 16 bytes before its own, and begins at a multiple of 8. */
static const struct lie loan_lies[] = {
	{.what = "more than there are", RECEIVE, .loans = 2, .loan_size = 24, .loan_bytes = 40},
	{.what = "fewer than there are", RECEIVE, .loans = 1, .loan_size = 24, .loan_bytes = 80},
	{.what = "none", RECEIVE, .loans = 1},
	{.what = "half a head", RECEIVE, .loans = 1, .loan_size = 24, .loan_bytes = 8},
	{.what = "one that is cut", RECEIVE, .loans = 1, .loan_size = 24, .loan_bytes = 36},
	{.what = "sums that wrap", RECEIVE, .loans = 2, .loan_size = 0xfffffff0, .loan_bytes = 32},
	{.what = "so many", RECEIVE, .loans = 0xffffffff, .loan_size = 24, .loan_bytes = 40},
};

static mach_msg_return_t receive_lent(const struct lie *lie)
{
	_Alignas(8) uint8_t buffer[128];
	mach_msg_return_t code;

	memset(buffer, 0x77, sizeof buffer);
	atomic_store(&fake.lie, lie);
	code = mach_msg((mach_msg_header_t *)(void *)buffer, MACH_RCV_MSG, 0, 64, 0x403, 0, 0);
	for (unsigned i = 64; i < sizeof buffer; i++)
		CHECK_EQ(buffer[i], 0x77);
	return code;
}

START_TEST(wrong_loans)
{
	struct lie lie = loan_lies[_i];

	CHECK(setenv("MACHD_SYNC_SEND", "0", 1) == 0);
	atomic_store(&fake.boards, BOARDS);
	lie.bytes = 32;
	CHECK_CODE(receive_lent(&lie), MACHD_NO_DAEMON);
	CHECK(strstr(machd_last_error(), "lent"));
	CHECK_EQ(mach_task_self(), 0x103);
}
END_TEST

/* What is lent is received when the board says so, and this daemon's never does. */
START_TEST(a_loan_that_the_board_knows_nothing_of)
{
	static const struct lie lie = {
		.what = "", RECEIVE, .bytes = 32, .loans = 2, .loan_size = 24, .loan_bytes = 80};
	static const struct lie none = {.what = "", .cut = true};

	CHECK(setenv("MACHD_SYNC_SEND", "0", 1) == 0);
	atomic_store(&fake.boards, BOARDS);
	CHECK_OK(receive_lent(&lie));
	CHECK_CODE(receive_lent(&none), MACHD_NO_DAEMON);
}
END_TEST

START_TEST(a_refusal_is_passed_on)
{
	atomic_store(&fake.refusal, "not today");
	CHECK_EQ(mach_reply_port(), MACH_PORT_NULL);
	CHECK(strstr(machd_last_error(), "not today"));
	CHECK(strstr(machd_last_error(), fake.at.socket));
	atomic_store(&fake.refusal, "");
	CHECK_EQ(mach_reply_port(), MACH_PORT_NULL);
	CHECK(!strstr(machd_last_error(), "not today"));
	atomic_store(&fake.refusal, NULL);
	CHECK_EQ(mach_task_self(), 0x103);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("distrust");
	TCase *tests = tcase_create("distrust");

	setenv("MACHD_RING", "0", 1);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, wrong_answers_to_a_routine, 0,
			    sizeof call_lies / sizeof *call_lies);
	tcase_add_loop_test(tests, wrong_answers_to_a_vector, 0,
			    sizeof vector_lies / sizeof *vector_lies);
	tcase_add_loop_test(tests, wrong_answers_to_mach_msg, 0,
			    sizeof message_lies / sizeof *message_lies);
	tcase_add_loop_test(tests, wrong_answers_to_a_send_and_receive, 0,
			    sizeof message_lies / sizeof *message_lies);
	tcase_add_test(tests, a_body_shorter_than_announced);
	tcase_add_test(tests, memory_that_does_not_fit_a_word);
	tcase_add_loop_test(tests, memory_that_may_be_gone, 0,
			    sizeof memory_lies / sizeof *memory_lies);
	tcase_add_loop_test(tests, a_memory_entry_that_may_be_gone, 0, 2);
	tcase_add_loop_test(tests, wrong_answers_to_a_board, 0,
			    sizeof board_lies / sizeof *board_lies);
	tcase_add_loop_test(tests, wrong_loans, 0, sizeof loan_lies / sizeof *loan_lies);
	tcase_add_test(tests, a_loan_that_the_board_knows_nothing_of);
	tcase_add_test(tests, a_refusal_is_passed_on);
	return flow_run(suite);
}
