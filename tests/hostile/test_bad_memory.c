/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-line memory and memory entries made of descriptors that are not what they should be, by a
 * client without a library; and what a sender can do to memory that a receiver has: nothing.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/hostile/hostile.h"

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/vm_prot.h>

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define SEALS	   (SIZE_SEALS | F_SEAL_WRITE)
#define SIZE	   8192

static uint8_t packet[4096];

static int memfd(size_t size, int seals)
{
	int fd = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* One that was to be sealed while it was mapped to be written. */
static int mapped_memfd(void)
{
	int fd = memfd(SIZE, SIZE_SEALS);

	ck_assert_ptr_ne(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	return fd;
}

static int huge_memfd(int seals)
{
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 2 << 20), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int pipe_end(int end)
{
	int pair[2];

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	close(pair[1 - end]);
	return pair[end];
}

static int socket_end(int type)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	return pair[0];
}

/* A file on disk, as long as memory has to be. */
static int file_on_disk(void)
{
	char path[] = "machd-memory-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	return fd;
}

/* Another way to a good memfd, by which nothing can be read, or only its name be asked for. */
static int way_to_memfd(int how)
{
	int fd = memfd(SIZE, 0), way;
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	way = open(path, how | O_CLOEXEC);
	ck_assert_int_ge(way, 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	close(fd);
	return way;
}

/* Send SIZE bytes of memory, `offset` into the descriptor, to a port; the code. */
static uint32_t send_memory(struct raw *raw, uint32_t port, int fd, uint64_t offset)
{
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
					  .memory_count = 1};
	struct {
		mach_msg_base_t base;
		mach_msg_ool_descriptor_t memory;
	} message = {
		.base = {.header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX |
						 MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
				    .msgh_remote_port = port},
			 .body = {1}},
		.memory = {.address = (void *)4096,
			   .size = SIZE,
			   .copy = MACH_MSG_VIRTUAL_COPY,
			   .type = MACH_MSG_OOL_DESCRIPTOR},
	};
	struct machd_memory memory = {.source = MACHD_MEMORY_FD, .fd = 0, .offset = offset};
	uint8_t bytes[sizeof args + sizeof message + sizeof memory];
	uint32_t code;

	args.send_size = message.base.header.msgh_size = sizeof message;
	memcpy(bytes, &args, sizeof args);
	memcpy(bytes + sizeof args, &message, sizeof message);
	memcpy(bytes + sizeof args + sizeof message, &memory, sizeof memory);
	ck_assert(raw_send(raw, MACHD_OP_MESSAGE, ++raw->sequence, bytes, sizeof bytes, &fd, 1));
	ck_assert_uint_ge(raw_receive(raw, packet, sizeof packet, NULL),
			  sizeof(struct machd_frame) + sizeof code);
	memcpy(&code, packet + sizeof(struct machd_frame), sizeof code);
	return code;
}

/* Receive it: the descriptor. */
static int receive_memory(struct raw *raw, uint32_t port)
{
	struct machd_message_args args = {
		.option = MACH_RCV_MSG, .rcv_size = 1024, .rcv_name = port};
	uint32_t code;
	int fd;

	ck_assert(raw_send(raw, MACHD_OP_MESSAGE, ++raw->sequence, &args, sizeof args, NULL, 0));
	ck_assert_uint_gt(raw_receive(raw, packet, sizeof packet, NULL), 0);
	memcpy(&code, packet + sizeof(struct machd_frame), sizeof code);
	ck_assert_uint_eq(code, MACH_MSG_SUCCESS);
	ck_assert_uint_gt(raw_receive(raw, packet, sizeof packet, &fd), 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Make a memory entry of SIZE bytes; the code. */
static uint32_t make_entry(struct raw *raw, int fd, uint64_t offset, uint32_t *entry)
{
	struct machd_fileport request = {.kind = MACHD_FILE_MEMORY,
					 .extent = {offset, SIZE, VM_PROT_DEFAULT, 0}};
	struct machd_fileport_answer answer;

	ck_assert(raw_send(raw, MACHD_OP_FILEPORT, ++raw->sequence, &request, sizeof request, &fd,
			   1));
	ck_assert_uint_eq(raw_receive(raw, packet, sizeof packet, NULL),
			  sizeof(struct machd_frame) + sizeof answer);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	*entry = answer.port;
	return answer.code;
}

static int map_entry(struct raw *raw, uint32_t entry)
{
	struct machd_fileport request = {.port = entry, .kind = MACHD_FILE_MEMORY};
	int fd;

	ck_assert(raw_send(raw, MACHD_OP_FILEPORT, ++raw->sequence, &request, sizeof request, NULL,
			   0));
	ck_assert_uint_gt(raw_receive(raw, packet, sizeof packet, &fd), 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Neither can be sent as memory nor shared; who tried goes on. */
static void is_refused(struct raw *raw, uint32_t port, int fd, uint64_t offset)
{
	uint32_t entry;

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(send_memory(raw, port, fd, offset), MACH_SEND_INVALID_MEMORY);
	ck_assert_uint_eq(make_entry(raw, fd, offset, &entry), KERN_INVALID_ARGUMENT);
	close(fd);
}

START_TEST(test_other_kinds)
{
	struct raw raw;
	uint32_t port;

	raw_join(&raw);
	port = raw_port(&raw);
	is_refused(&raw, port, pipe_end(0), 0);
	is_refused(&raw, port, pipe_end(1), 0);
	is_refused(&raw, port, socket_end(SOCK_STREAM), 0);
	is_refused(&raw, port, socket_end(SOCK_DGRAM), 0);
	is_refused(&raw, port, socket_end(SOCK_SEQPACKET), 0);
	is_refused(&raw, port, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
	is_refused(&raw, port, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
	is_refused(&raw, port, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 0);
	is_refused(&raw, port, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), 0);
	is_refused(&raw, port, open("/tmp", O_RDONLY | O_CLOEXEC), 0);
	is_refused(&raw, port, open("/dev/null", O_RDWR | O_CLOEXEC), 0);
	is_refused(&raw, port, open("/dev/zero", O_RDWR | O_CLOEXEC), 0);
	is_refused(&raw, port, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), 0);
	is_refused(&raw, port, open("/proc/self/exe", O_PATH | O_CLOEXEC), 0);
	is_refused(&raw, port, open("/tmp", O_PATH | O_CLOEXEC), 0);
	is_refused(&raw, port, file_on_disk(), 0);
	is_refused(&raw, port, way_to_memfd(O_PATH), 0);
	is_refused(&raw, port, way_to_memfd(O_WRONLY), 0);
	is_refused(&raw, port, eventfd(0, EFD_CLOEXEC), 0);
	is_refused(&raw, port, epoll_create1(EPOLL_CLOEXEC), 0);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

START_TEST(test_other_memfds)
{
	static const int shrinks[] = {0,
				      F_SEAL_GROW,
				      F_SEAL_WRITE,
				      F_SEAL_GROW | F_SEAL_WRITE,
				      F_SEAL_SHRINK,
				      F_SEAL_SHRINK | F_SEAL_WRITE,
				      F_SEAL_SEAL};
	struct raw raw;
	uint32_t port;

	raw_join(&raw);
	port = raw_port(&raw);
	for (size_t i = 0; i < sizeof shrinks / sizeof *shrinks; i++)
		is_refused(&raw, port, memfd(SIZE, shrinks[i]), 0);
	is_refused(&raw, port, memfd(0, SEALS), 0);
	is_refused(&raw, port, memfd(SIZE - 1, SEALS), 0);
	is_refused(&raw, port, memfd(SIZE, SEALS), 1);
	is_refused(&raw, port, memfd(SIZE, SEALS), UINT64_MAX);
	is_refused(&raw, port, memfd(SIZE, SEALS), UINT64_MAX - SIZE + 1);
	/* Huge pages may run out when the receiver touches them. */
	is_refused(&raw, port, huge_memfd(SEALS), 0);
	is_refused(&raw, port, huge_memfd(SIZE_SEALS), 0);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

/* Good to be shared, but not to be sent: its bytes can change. */
START_TEST(test_memory_that_can_change)
{
	int good[] = {memfd(SIZE, SIZE_SEALS), mapped_memfd(),
		      memfd(SIZE, SIZE_SEALS | F_SEAL_FUTURE_WRITE)};
	uint32_t port, entry;
	struct raw raw;

	raw_join(&raw);
	port = raw_port(&raw);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ck_assert_uint_eq(send_memory(&raw, port, good[i], 0), MACH_SEND_INVALID_MEMORY);
		ck_assert_uint_eq(make_entry(&raw, good[i], 0, &entry), KERN_SUCCESS);
		close(good[i]);
	}
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

/* What who made a memfd can do to change it, or its size, in any way. */
static void attack(int fd, bool writes)
{
	void *memory;
	char path[64];
	int again;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 2; i++, fd = again) {
		if (fd < 0)
			continue;
		ck_assert_int_eq(ftruncate(fd, 0), -1);
		ck_assert_int_eq(ftruncate(fd, SIZE - 1), -1);
		ck_assert_int_eq(ftruncate(fd, 4 * SIZE), -1);
		ck_assert_int_eq(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), -1);
		ck_assert_int_eq(fallocate(fd, 0, SIZE, SIZE), -1);
		memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ck_assert((memory != MAP_FAILED) == writes);
		if (writes) {
			memset(memory, 2, SIZE);
			continue;
		}
		ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
		ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE),
				 -1);
		ck_assert_int_eq(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, SIZE), -1);
	}
	if (again >= 0)
		close(again);
}

/* Touch all of a mapping in a process that would die of a fault; every byte is `expected`. */
static void all_there(const uint8_t *memory, uint8_t expected)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGBUS, SIG_DFL);
		for (size_t i = 0; i < SIZE; i++)
			if (memory[i] != expected)
				_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(test_sender_changes_its_mind)
{
	static uint8_t bytes[SIZE];
	int fd = memfd(0, 0), got;
	struct raw raw;
	uint8_t *memory;
	uint32_t port;

	memset(bytes, 1, sizeof bytes);
	ck_assert_int_eq(write(fd, bytes, sizeof bytes), SIZE);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	ck_assert_int_eq(mprotect(memory, SIZE, PROT_READ | PROT_WRITE), -1);
	raw_join(&raw);
	port = raw_port(&raw);
	ck_assert_uint_eq(send_memory(&raw, port, fd, 0), MACH_MSG_SUCCESS);
	attack(fd, false);
	got = receive_memory(&raw, port);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, got, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	attack(fd, false);
	all_there(memory, 1);
	close(got);
	close(fd);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

/* Shared memory changes, but it stays. */
START_TEST(test_owner_of_an_entry_shrinks_it)
{
	int fd = memfd(SIZE, SIZE_SEALS), got;
	uint32_t entry;
	struct raw raw;
	uint8_t *memory;

	raw_join(&raw);
	ck_assert_uint_eq(make_entry(&raw, fd, 0, &entry), KERN_SUCCESS);
	got = map_entry(&raw, entry);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, got, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	attack(fd, true);
	all_there(memory, 2);
	ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE), 0);
	all_there(memory, 0);
	close(got);
	close(fd);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_other_kinds,
		test_other_memfds,
		test_memory_that_can_change,
		test_sender_changes_its_mind,
		test_owner_of_an_entry_shrinks_it,
	};

	return hostile_run("bad memory", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop);
}
