/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library, and a daemon that answers what the input says. Programs rely on the daemon for what
 * the answers mean, not for what they look like: nothing that comes may lead the library outside of
 * the memory that is there, or make it wait for ever.
 *
 * The daemon is in this process: connect() makes a pair of sockets, and whatever the library sends
 * or waits for gives it a turn, in which it sends packets and writes into the ring. When the input
 * is used up it closes the connection.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mach/mach.h>
#include <mach/mach_voucher.h>
#include <machd.h>
#include <machd_event.h>
#include <poll.h>
#include <servers/bootstrap.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/mi.h"
#include "protocol/board.h"
#include "protocol/ring.h"
#include "tests/fuzz/fuzz.h"

enum { FDS_MOST = 3, BUFFER = 4096, CALLS = 12 };

static struct {
	struct fuzz_script script;
	bool closed; /* nobody can connect any more */
	int fd;	     /* -1: nobody has connected */
	struct machd_frame request;
	struct machd_rings *shared; /* or NULL */
	struct machd_ring in, out;  /* requests, answers */
	machd_window_t *board;	    /* or NULL */
} hostile = {.fd = -1};

/* --- the daemon --- */

static void drop_ring(void)
{
	if (hostile.shared)
		munmap(hostile.shared, sizeof *hostile.shared);
	hostile.shared = NULL;
}

static void drop_board(void)
{
	if (hostile.board)
		munmap(hostile.board, MACHD_BOARD_SIZE);
	hostile.board = NULL;
}

static void hang_up(void)
{
	drop_ring();
	drop_board();
	if (hostile.fd >= 0)
		close(hostile.fd);
	hostile.fd = -1;
}

static unsigned take(void)
{
	return fuzz_take(&hostile.script);
}

static uint32_t take_word(void)
{
	uint32_t word = 0;

	for (int i = 0; i < 4; i++)
		word = word << 8 | take();
	return word;
}

static bool over(void)
{
	return hostile.script.at == hostile.script.end;
}

/* A memfd, sealed or not. */
static int make_memory(size_t size, bool sealed)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FUZZ_CHECK(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	if (sealed)
		FUZZ_CHECK(fcntl(fd, F_ADD_SEALS, MI_SEALS) == 0);
	return fd;
}

/* A ring, or what is none: too small, or one that may shrink. */
static void make_ring(int fds[2])
{
	size_t size = take() % 4 ? sizeof *hostile.shared : take() * 1000u;
	bool sealed = take() % 4;

	fds[0] = make_memory(size, false);
	fds[1] = eventfd(0, EFD_CLOEXEC);
	drop_ring();
	if (size >= sizeof *hostile.shared) {
		void *shared = mmap(NULL, sizeof *hostile.shared, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fds[0], 0);

		FUZZ_CHECK(shared != MAP_FAILED);
		hostile.shared = shared;
		machd_ring_init(&hostile.in, hostile.shared, false);
		machd_ring_init(&hostile.out, hostile.shared, true);
	}
	if (sealed)
		FUZZ_CHECK(fcntl(fds[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
}

/* Descriptors to go with a packet; how many. */
static unsigned make_fds(const struct machd_frame *frame, int *fds)
{
	unsigned how = take(), count = how % (FDS_MOST + 1);

	if (how & 0x80)
		count = 0;
	if (frame->op == (MACHD_OP_RING | MACHD_OP_ANSWER) && count) {
		make_ring(fds);
		return 2;
	}
	for (unsigned i = 0; i < count; i++)
		fds[i] = how & 0x40 ? eventfd(0, EFD_CLOEXEC)
				    : make_memory(take() * 64u, !(how & 0x20));
	return count;
}

static void send_packet(const void *bytes, size_t size, const int *fds, unsigned count)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FDS_MOST * sizeof *fds)];
	} control;
	struct iovec part = {(void *)(uintptr_t)bytes, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	long (*call)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");

	if (count) {
		memset(&control, 0, sizeof control);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
		control.head.cmsg_len = CMSG_LEN(count * sizeof *fds);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.head), fds, count * sizeof *fds);
	}
	call(SYS_sendmsg, hostile.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

/* A frame with whatever is in it, in answer to the last request or to none. */
static void put_frame(unsigned kind, bool in_ring)
{
	static uint8_t packet[MACHD_FRAME_SIZE_MAX];
	struct machd_frame frame = {.op = hostile.request.op | MACHD_OP_ANSWER,
				    .sequence = hostile.request.sequence};
	size_t size = take() << 8 | take();
	int fds[FDS_MOST];
	unsigned count;

	if (kind & 1)
		frame.op = (uint16_t)(take() | MACHD_OP_ANSWER);
	if (kind & 2)
		frame.sequence += take() - 128;
	frame.flags = kind & 4 ? take() : 0;
	count = in_ring ? 0 : make_fds(&frame, fds);
	frame.fds = (uint16_t)(kind & 8 ? take() : count);
	if (size > (size_t)(hostile.script.end - hostile.script.at))
		size = (size_t)(hostile.script.end - hostile.script.at);
	memcpy(packet + sizeof frame, hostile.script.at, size);
	hostile.script.at += size;
	frame.length = (uint32_t)(sizeof frame + size + (kind & 16 ? take() : 0));
	memcpy(packet, &frame, sizeof frame);
	if (!in_ring) {
		send_packet(packet, sizeof frame + size, fds, count);
	} else if (machd_ring_begin(&hostile.out, MACHD_RECORD_FRAME,
				    (uint32_t)(sizeof frame + size)) == MACHD_RING_READY) {
		machd_ring_add(&hostile.out, packet, (uint32_t)(sizeof frame + size));
		machd_ring_publish(&hostile.out);
	}
}

/* A promise, to one of the names that the program uses or to any. */
static void promise(void)
{
	unsigned index = take() % (MACHD_BOARD_SIZE / sizeof *hostile.board);
	uint32_t name = take() & 1 ? 0x103 : take_word(), end = take_word();

	if (take() & 1)
		index = machd_window_of(name);
	if (hostile.board)
		__atomic_store_n(&hostile.board[index], machd_window(name, end), __ATOMIC_RELEASE);
}

/* Words of the ring that the library looks at, near ones that make sense or not. */
static void scribble(void)
{
	uint32_t word = take() & 1 ? hostile.out.at + 8 * take() : take_word();

	switch (take() % 5) {
	case 0:
		atomic_store(&hostile.shared->completion.tail, word);
		break;
	case 1:
		atomic_store(&hostile.shared->submission.head, word);
		break;
	case 2:
		atomic_store(&hostile.shared->completion.asleep, word);
		break;
	case 3:
		atomic_store(&hostile.shared->submission.asleep, word);
		break;
	default:
		memcpy(&hostile.shared->bytes[1][take_word() % (MACHD_RING_SIZE - sizeof word)],
		       &word, sizeof word);
	}
}

/* What the library has put into the ring. */
static void read_ring(void)
{
	while (hostile.shared && machd_ring_look(&hostile.in) == MACHD_RING_READY) {
		if (hostile.in.record.length >= sizeof hostile.request)
			machd_ring_copy(&hostile.in, 0, &hostile.request, sizeof hostile.request);
		machd_ring_consume(&hostile.in);
	}
}

/* One thing or more, until there is a packet, or the end. */
static void turn(void)
{
	while (hostile.fd >= 0) {
		unsigned kind = take();

		read_ring();
		if (over()) {
			hang_up();
			return;
		}
		switch (kind >> 5) {
		case 0: /* an answer that looks like one */
			put_frame(0, false);
			return;
		case 1:
			put_frame(kind, false);
			return;
		case 2: /* and more behind it */
			put_frame(kind, false);
			break;
		case 3: {
			uint32_t bytes[2] = {take_word(), take_word()};

			send_packet(bytes, kind % (sizeof bytes + 1), NULL, 0);
			return;
		}
		case 4:
		case 5:
			if (hostile.shared) {
				put_frame(kind & 32 ? kind : 0, true);
				return;
			}
			break;
		case 6:
			if (hostile.board && kind & 1)
				promise();
			else if (hostile.shared)
				scribble();
			break;
		default:
			hang_up();
		}
	}
}

/* --- what the library calls --- */

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int pair[2];

	(void)address;
	(void)size;
	if (hostile.closed || over()) {
		errno = ECONNREFUSED;
		return -1;
	}
	hang_up();
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_CHECK(dup3(pair[0], fd, O_CLOEXEC) == fd);
	close(pair[0]);
	hostile.fd = pair[1];
	return 0;
}

static void heard(const void *bytes, size_t size)
{
	if (size >= sizeof hostile.request)
		memcpy(&hostile.request, bytes, sizeof hostile.request);
}

/* Nobody reads it. */
ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	if (hostile.fd < 0) {
		errno = EPIPE;
		return -1;
	}
	heard(bytes, size);
	return (ssize_t)size;
}

/* The memory that a request brings is looked at if it is a board. */
static void take_board(const struct msghdr *message)
{
	const struct cmsghdr *head = message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL;
	void *board;
	int fd;

	if (!head || hostile.request.op != MACHD_OP_BOARD)
		return;
	memcpy(&fd, CMSG_DATA(head), sizeof fd);
	board = mmap(NULL, MACHD_BOARD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	FUZZ_CHECK(board != MAP_FAILED);
	drop_board();
	hostile.board = board;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t size = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		size += message->msg_iov[i].iov_len;
	if (send(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len, flags) < 0)
		return -1;
	take_board(message);
	return (ssize_t)size;
}

/* There is always something to receive, if only that the connection is closed. */
static void wait_for(int fd)
{
	struct pollfd state = {.fd = fd, .events = POLLIN};

	while (hostile.fd >= 0 && poll(&state, 1, 0) == 0)
		turn();
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t (*call)(int, struct msghdr *, int) =
		(ssize_t(*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");

	wait_for(fd);
	return call(fd, message, flags);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	struct iovec part = {bytes, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	return recvmsg(fd, &message, flags);
}

/* The library sleeps on a word of the ring, and wakes the daemon, with these. */
long syscall(long number, ...)
{
	static long (*call)(long, ...);
	va_list list;
	long a[6];

	va_start(list, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_futex && (int)a[1] == FUTEX_WAIT) {
		if (hostile.shared)
			turn();
		errno = ETIMEDOUT;
		return -1;
	}
	if (!call)
		call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- a program --- */

static struct {
	_Alignas(16) uint8_t message[BUFFER];
	uint8_t behind[16];
} buffer;

static void prepare(uint32_t bits, size_t size)
{
	mach_msg_header_t header = {.msgh_bits = bits,
				    .msgh_size = (mach_msg_size_t)size,
				    .msgh_remote_port = 0x103,
				    .msgh_local_port = MACH_MSGH_BITS_LOCAL(bits) ? 0x203 : 0,
				    .msgh_id = 7};

	memset(&buffer, 0, sizeof buffer);
	memset(buffer.behind, 0xa5, sizeof buffer.behind);
	memcpy(buffer.message, &header, sizeof header);
}

static void check_buffer(void)
{
	for (unsigned i = 0; i < sizeof buffer.behind; i++)
		FUZZ_CHECK(buffer.behind[i] == 0xa5);
}

static void do_message(mach_msg_option_t option, uint32_t bits, mach_msg_size_t size)
{
	prepare(bits, size);
	mach_msg((mach_msg_header_t *)(void *)buffer.message, option, size, BUFFER, 0x203, 1,
		 MACH_PORT_NULL);
	check_buffer();
}

static void do_vector(void)
{
	mach_msg_vector_t vectors[2] = {
		{.msgv_data = (mach_vm_address_t)(uintptr_t)buffer.message, .msgv_rcv_size = 2048},
		{.msgv_data = (mach_vm_address_t)(uintptr_t)(buffer.message + 2048),
		 .msgv_rcv_size = 2048},
	};

	prepare(0, 0);
	mach_msg2(vectors, MACH64_RCV_MSG | MACH64_MSG_VECTOR | MACH64_RCV_TIMEOUT,
		  (mach_msg_header_t){0}, 0, 2, 0x203, 1, MACH_MSG_PRIORITY_UNSPECIFIED);
	check_buffer();
}

static void do_lists(void)
{
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count[2];
	thread_act_array_t threads;

	if (mach_port_names(mach_task_self(), &names, &count[0], &types, &count[1]) ==
	    KERN_SUCCESS) {
		vm_deallocate(mach_task_self(), (vm_address_t)names, count[0] * sizeof *names);
		vm_deallocate(mach_task_self(), (vm_address_t)types, count[1] * sizeof *types);
	}
	if (task_threads(mach_task_self(), &threads, count) == KERN_SUCCESS)
		vm_deallocate(mach_task_self(), (vm_address_t)threads, *count * sizeof *threads);
}

static void do_calls(void)
{
	mach_port_status_t status;
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
	uint8_t content[64];
	uint32_t size = sizeof content;
	name_t service = "org.example.fuzz";
	mach_port_t port;

	mach_port_get_attributes(mach_task_self(), 0x103, MACH_PORT_RECEIVE_STATUS,
				 (mach_port_info_t)&status, &count);
	mach_voucher_extract_attr_content(0x303, 7, content, &size);
	bootstrap_look_up(0x403, service, &port);
}

static void do_fds(void)
{
	int fd = -1;

	if (machd_fileport_fd(0x103, &fd) == KERN_SUCCESS)
		close(fd);
	if (machd_port_fd(0x203, &fd) == KERN_SUCCESS) {
		machd_event_t events[4];
		uint32_t count = 4;

		machd_port_fd_next(fd, events, &count);
		FUZZ_CHECK(count <= 4);
		machd_port_fd_close(fd);
	}
}

static void do_call(unsigned which)
{
	const mach_msg_option_t receives = MACH_RCV_MSG | MACH_RCV_TIMEOUT;

	switch (which % 10) {
	case 0:
		do_message(MACH_SEND_MSG | MACH_SEND_TIMEOUT, MACH_MSG_TYPE_COPY_SEND, 64);
		break;
	case 1:
		do_message(MACH_SEND_MSG | receives,
			   MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
			   64);
		break;
	case 2:
		do_message(receives | MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 0, 0);
		break;
	case 3:
		do_message(receives | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 0, 0);
		break;
	case 4:
		do_vector();
		break;
	case 5:
		do_lists();
		break;
	case 6:
		do_calls();
		break;
	case 7:
		do_fds();
		break;
	case 8:
		mach_reply_port();
		break;
	case 9:
		mach_thread_self();
		pthread_mach_thread_np(pthread_self());
		break;
	}
}

__attribute__((constructor)) static void configure(void)
{
	setenv("MACHD_SOCKET", "/hostile", 1);
	setenv("MACHD_RING_AFTER", "2", 1);
	setenv("MACHD_SPIN_US", "0", 1);
	setenv("MACHD_SYNC_SEND", "0", 1);
	setenv("MACHD_GUARD", "ignore", 1);
}

/* The library has noticed that nobody is there. */
static void end_task(void)
{
	hostile.closed = true;
	hang_up();
	for (int i = 0; mi_generation() != 0; i++) {
		FUZZ_CHECK(i < 4);
		mach_port_deallocate(0x103, 0x203);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	unsigned first;

	hostile.script = (struct fuzz_script){bytes, bytes + size};
	hostile.closed = false;
	first = take();
	for (unsigned i = 0; i < CALLS && !over(); i++)
		do_call((first & 0x7f) + (first & 0x80 ? 0 : i));
	end_task();
	return 0;
}
