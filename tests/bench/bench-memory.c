/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-memory: large memory from one process to another, through machd and by hand, in turns. Time
 * runs from the start of the send until the sender knows that the receiver has read the first and
 * the last byte. By hand ("hand"): the shared mapping of a filled memfd is removed (moved) or
 * replaced by a private one (copied), the memfd sealed and passed over a socket pair, and mapped
 * private by the receiver; or (heap) bytes are copied into a memfd first. What was moved the sender
 * keeps no descriptor of: as through machd, it is the receiver that frees the pages. -s is the size
 * in KiB, -n how often each is done. With the test "through" filled memory of that size is sent -n
 * times, in turns the same again and fresh memory that is moved, and what the daemon grows by is
 * told. Both say how much of shared memory the kernel keeps
 * in huge pages when it is asked for them, as the library does: that depends on the system's
 * transparent_hugepage/shmem_enabled.
 */
#include <fcntl.h>
#include <mach/mach_vm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/machd.h"

#define SERVICE "bench.memory"

/* What is sent, and how. */
enum kind {
	MOVED,	   /* fresh memory, filled, given away */
	COPIED,	   /* the same, and kept */
	UNTOUCHED, /* fresh memory that nobody wrote to, kept */
	AGAIN,	   /* memory that was sent before, and not written to since */
	HEAP,	   /* memory of malloc() */
	KINDS
};

static const char *const kind_names[KINDS] = {"moved", "copied", "untouched", "again", "heap"};

/* One piece of memory, or an answer that it was read. */
struct message {
	mach_msg_base_t base;
	mach_msg_ool_descriptor_t memory;
	mach_msg_max_trailer_t trailer;
};

static volatile unsigned sum;

static void look(const char *memory, size_t size)
{
	sum += (unsigned char)memory[0] + (unsigned char)memory[size - 1];
}

/* The receiver: answers each message when it has looked at the memory in it. */
static void serve_mach(mach_port_t port)
{
	for (;;) {
		struct message request;
		mach_msg_header_t reply = {.msgh_size = sizeof reply};

		bench_must(
			mach_msg(&request.base.header, MACH_RCV_MSG, 0, sizeof request, port, 0, 0),
			"receive");
		look(request.memory.address, request.memory.size);
		reply.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		reply.msgh_remote_port = request.base.header.msgh_remote_port;
		bench_must(mach_msg_send(&reply), "reply");
		vm_deallocate(mach_task_self(), (vm_address_t)request.memory.address,
			      request.memory.size);
	}
}

static void run_server(void *ready)
{
	mach_port_t port = bench_check_in(SERVICE);
	char byte = 1;

	if (write(*(int *)ready, &byte, 1) != 1)
		bench_die("write");
	serve_mach(port);
}

static uint64_t send_mach(mach_port_t service, mach_port_t reply, void *memory, size_t size,
			  bool deallocate)
{
	struct message message = {
		.base = {.header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX |
						 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
								MACH_MSG_TYPE_MAKE_SEND_ONCE),
				    .msgh_remote_port = service,
				    .msgh_local_port = reply},
			 .body = {1}},
		.memory = {.address = memory,
			   .size = (mach_msg_size_t)size,
			   .deallocate = deallocate,
			   .copy = MACH_MSG_VIRTUAL_COPY,
			   .type = MACH_MSG_OOL_DESCRIPTOR},
	};
	uint64_t start = bench_now();

	bench_must(mach_msg(&message.base.header, MACH_SEND_MSG | MACH_RCV_MSG,
			    offsetof(struct message, trailer), sizeof message, reply, 0, 0),
		   "send");
	return bench_now() - start;
}

static char *vm_memory(size_t size)
{
	vm_address_t address;

	bench_must(vm_allocate(mach_task_self(), &address, size, VM_FLAGS_ANYWHERE), "vm_allocate");
	return (char *)address;
}

static uint64_t once_mach(mach_port_t service, mach_port_t reply, size_t size, enum kind kind)
{
	char *memory = kind == HEAP ? malloc(size) : vm_memory(size);
	uint64_t spent;

	if (kind != UNTOUCHED)
		memset(memory, 7, size);
	if (kind == AGAIN)
		send_mach(service, reply, memory, size, false);
	spent = send_mach(service, reply, memory, size, kind == MOVED);
	if (kind == HEAP)
		free(memory);
	else if (kind != MOVED)
		vm_deallocate(mach_task_self(), (vm_address_t)memory, size);
	return spent;
}

/* By hand. */

static void send_fd(int to, int fd, size_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec part = {&size, sizeof size};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	if (sendmsg(to, &message, 0) < 0)
		bench_die("sendmsg");
}

static void serve_hand(int from)
{
	for (;;) {
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(int))];
		} control;
		size_t size = 0;
		struct iovec part = {&size, sizeof size};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = &control,
					 .msg_controllen = sizeof control};
		char *memory;
		int fd;

		if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0)
			_exit(0);
		memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (memory == MAP_FAILED)
			bench_die("mmap");
		look(memory, size);
		if (send(from, &size, 1, 0) != 1)
			bench_die("send");
		munmap(memory, size);
		close(fd);
	}
}

static int make_memfd(size_t size)
{
	int fd = memfd_create("hand", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		bench_die("memfd");
	return fd;
}

static uint64_t once_hand(int to, size_t size, enum kind kind)
{
	int fd = make_memfd(size);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), byte;
	char *heap = kind == HEAP ? malloc(size) : NULL;
	uint64_t start;

	if (memory == MAP_FAILED)
		bench_die("mmap");
	if (kind != UNTOUCHED)
		memset(heap ? heap : memory, 7, size);
	start = bench_now();
	if (heap)
		memcpy(memory, heap, size);
	if (kind == MOVED || heap)
		munmap(memory, size);
	else if (mmap(memory, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) !=
		 memory)
		bench_die("mmap");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		bench_die("seal");
	send_fd(to, fd, size);
	if (kind == MOVED || heap)
		close(fd);
	if (recv(to, &byte, 1, 0) != 1)
		bench_die("recv");
	start = bench_now() - start;
	free(heap);
	if (kind != MOVED && !heap) {
		munmap(memory, size);
		close(fd);
	}
	return start;
}

static void rows(const struct bench_case *run, const char *broker, enum kind kind,
		 struct bench_samples *samples)
{
	struct bench_case row = *run;
	char test[32];

	snprintf(test, sizeof test, "memory-%s", kind_names[kind]);
	row.test = test;
	row.broker = broker;
	bench_samples_row(&row, samples);
	samples->count = 0;
}

/* Who takes part. */
struct world {
	mach_port_t service, reply;
	pid_t machd;
	int link;
};

/* A row: the part of large memory that is in huge pages, after it was filled. */
static void huge_row(const struct bench_case *run)
{
	const size_t size = (size_t)64 << 20;
	struct bench_case row = *run;
	char *memory = vm_memory(size);

	memset(memory, 7, size);
	row.test = "memory-huge";
	bench_row(&row, "percent",
		  100 * bench_memory(getpid(), "smaps_rollup", "ShmemPmdMapped") /
			  ((double)size / 1024));
	vm_deallocate(mach_task_self(), (vm_address_t)memory, size);
}

static struct world start_world(void)
{
	int ready[2], link[2];
	struct world world;
	char byte;

	world.machd = bench_machd_start(NULL).pid;
	if (pipe(ready) || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link))
		bench_die("pipe");
	if (bench_fork() == 0)
		run_server(&ready[1]);
	if (bench_fork() == 0) {
		close(link[0]);
		serve_hand(link[1]);
	}
	if (read(ready[0], &byte, 1) != 1)
		bench_die("read");
	world.service = bench_look_up(SERVICE);
	world.reply = mach_reply_port();
	world.link = link[0];
	return world;
}

/* What moves leaves nothing in the daemon. */
static void through(const struct bench_case *run, const struct world *world, size_t size)
{
	char *memory = vm_memory(size);
	uint64_t spent = 0;
	double before;

	memset(memory, 7, size);
	for (unsigned i = 0; i < 3; i++)
		send_mach(world->service, world->reply, memory, size, false);
	before = bench_memory(world->machd, "smaps_rollup", "Rss");
	for (long i = 0; i < run->count; i++) {
		if (i % 2)
			spent += once_mach(world->service, world->reply, size, MOVED);
		else
			spent += send_mach(world->service, world->reply, memory, size, false);
	}
	bench_row(run, "ms", (double)spent / 1e6);
	bench_row(run, "gib", (double)size * (double)run->count / (1 << 30));
	bench_row(run, "machd_growth_kib",
		  bench_memory(world->machd, "smaps_rollup", "Rss") - before);
}

static void compare(const struct bench_case *run, const struct world *world, size_t size)
{
	struct bench_samples hand, mach;

	bench_samples_new(&hand, (size_t)run->count);
	bench_samples_new(&mach, (size_t)run->count);
	for (enum kind kind = 0; kind < KINDS; kind++) {
		for (long i = 0; i < run->count; i++) {
			bench_samples_add(&hand, once_hand(world->link, size, kind));
			bench_samples_add(&mach,
					  once_mach(world->service, world->reply, size, kind));
		}
		rows(run, "hand", kind, &hand);
		rows(run, "machd", kind, &mach);
	}
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");
	struct world world = start_world();
	size_t size = run.size * 1024;

	if (run.count == 0)
		run.count = 21;
	huge_row(&run);
	if (strcmp(run.test, "through") == 0)
		through(&run, &world, size);
	else
		compare(&run, &world, size);
	bench_finish();
}
