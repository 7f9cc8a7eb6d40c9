/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends without an answer. mach_msg returns how a send ended, and to learn that costs a round trip.
 * An open window on the channel's board (protocol/board.h) says in advance that a send can only
 * succeed: then the request goes out and the call returns.
 *
 * This is for MACH_SEND_MSG with no other option, of a message that has nothing but bytes and a
 * copied send right as its destination, within the window of that name. All other requests follow
 * on the same channel and are answered. The errors that XNU could have returned:
 *
 *   invalid destination or right   The daemon closes the window before anybody can learn that the
 *                                  name or its port is gone. What was sent before counts as sent to
 *                                  a port that died, or a name that was freed, just after the send.
 *   the queue is full              A window is open only for messages that have room reserved.
 *                                  A send that finds it closed is an ordinary one, and blocks.
 *   interrupted                    Only a send that blocks can be interrupted.
 *   no memory                      The frame is there, and the charges and memory of the message
 *                                  were reserved when the window was opened.
 *   bad address                    The message is copied into the frame before the call returns.
 *
 * When the call returns the message is sent, whatever becomes of the process.
 *
 * A board is made for channels that send a lot: after a number of messages that a window could have
 * served. MACHD_SYNC_SEND=1 has every send answered, 0 makes the board at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client/exchange.h"
#include "client/ring.h"
#include "protocol/board.h"

/* Sends that a window could have served before a board is made, and before that is tried again. */
#define SENDS_FIRST 16
#define SENDS_NEVER (UINT_MAX - 1)

struct mi_board {
	machd_window_t *window;		    /* all words of the board, see protocol/board.h */
	uint32_t sent[MACHD_BOARD_WINDOWS]; /* messages sent through each window */
};

/* SENDS_FIRST, or what the environment says; read once. */
static unsigned sends_first(void)
{
	static _Atomic unsigned known;
	unsigned first = atomic_load_explicit(&known, memory_order_relaxed);
	const char *given;

	if (first)
		return first - 1;
	given = secure_getenv("MACHD_SYNC_SEND");
	if (!given || !*given)
		first = SENDS_FIRST;
	else
		first = strcmp(given, "0") == 0 ? 0 : SENDS_NEVER;
	atomic_store_explicit(&known, first + 1, memory_order_relaxed);
	return first;
}

void mi_window_forget(struct mi_channel *channel)
{
	struct mi_board *board = channel->board;

	channel->board = NULL;
	if (!board)
		return;
	mi_loan_forget(channel);
	munmap(board->window, MACHD_BOARD_SIZE);
	free(board);
}

/* Make and map the memfd of a board; -1 on failure. */
static int make_memory(struct mi_board *board)
{
	int fd = memfd_create("machd-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *mapped = MAP_FAILED;

	if (fd >= 0 && mi_resize(fd, MACHD_BOARD_SIZE) &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		mapped = mmap(NULL, MACHD_BOARD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	board->window = mapped;
	return fd;
}

/* Register it with the daemon: the daemon's code, or MACHD_NO_DAEMON: the task is lost. */
static kern_return_t hand_over(struct mi_channel *channel, int fd)
{
	struct machd_frame frame = {0};
	struct {
		struct machd_frame frame;
		struct machd_call_answer answer;
	} reply = {0};
	struct iovec out = {&frame, sizeof frame}, in = {&reply, sizeof reply};
	struct mi_answer answer = {.parts = &in, .count = 1};
	struct mi_fds fds = {.count = 1, .fd = {fd}};
	int error = mi_request(channel, MACHD_OP_BOARD, &out, 1, &fds);
	const char *wrong;

	if (error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS)
		return KERN_RESOURCE_SHORTAGE;
	if (error == 0)
		error = mi_answer(channel, &answer);
	if (error)
		return mi_lost(channel, strerrordesc_np(error));
	wrong = mi_check_answer(channel, &reply.frame, MACHD_OP_BOARD, &answer);
	mi_fds_close(&answer.fds);
	if (!wrong && answer.size != sizeof reply)
		wrong = "machd sent an answer that makes no sense";
	return wrong ? mi_lost(channel, wrong) : (kern_return_t)reply.answer.code;
}

/* If that fails, the channel goes on without a board. */
static void make_board(struct mi_channel *channel)
{
	struct mi_board *board = calloc(1, sizeof *board);
	int fd = board ? make_memory(board) : -1;

	if (fd < 0) {
		free(board);
		return;
	}
	channel->board = board;
	if (hand_over(channel, fd) != KERN_SUCCESS)
		mi_window_forget(channel);
	close(fd);
}

/* The call's arguments allow a send without an answer. */
static bool plain_call(const struct exchange *x)
{
	return x->option == (MACH_SEND_MSG | MACH64_SEND_ANY) && !x->header &&
	       x->send_size <= MACHD_UNANSWERED_MAX;
}

/* So does the message's header. */
static bool plain_header(const mach_msg_header_t *header)
{
	return header->msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) &&
	       header->msgh_local_port == MACH_PORT_NULL;
}

/* A message that may not be mapped is copied: it must be read only once. */
static bool read_message(const struct exchange *x, struct mi_plain *plain)
{
	plain->message = x->send;
	if (!mi_known(x->send, x->send_size)) {
		if (!mi_fetch(plain->copy, x->send, x->send_size))
			return false;
		plain->message = plain->copy;
	}
	memcpy(&plain->header, plain->message, sizeof plain->header);
	return true;
}

/* Is the name's window open for one more message? */
static bool open_for(const struct mi_board *board, mach_port_name_t name)
{
	unsigned index = machd_window_of(name);
	machd_window_t window = __atomic_load_n(&board->window[index], __ATOMIC_ACQUIRE);

	return machd_window_name(window) == name && name != MACH_PORT_NULL &&
	       (int32_t)(machd_window_end(window) - board->sent[index]) > 0;
}

uint32_t mi_window_flags(struct mi_channel *channel, const struct exchange *x,
			 struct mi_plain *plain)
{
	bool loan = mi_loan_wanted(channel, x);

	if (!loan && !plain_call(x))
		return 0;
	if (!channel->board) {
		/* Such messages are sent by the ring only, and this process cannot map one. */
		if (channel->asked == MI_RING_USELESS)
			return 0;
		if (sends_first() == SENDS_NEVER || channel->plain_sends++ < sends_first())
			return 0;
		channel->plain_sends = 0;
		make_board(channel);
		if (!channel->board)
			return 0;
	}
	if (loan)
		return MACHD_REQUEST_LOAN | (sends(x) ? MACHD_REQUEST_REPLY : 0);
	if (!read_message(x, plain) || !plain_header(&plain->header))
		return 0;
	return open_for(channel->board, plain->header.msgh_remote_port) ? MACHD_REQUEST_UNANSWERED
									: MACHD_REQUEST_WINDOW;
}

_Atomic uint64_t *mi_board_loan(const struct mi_channel *channel)
{
	return channel->board ? (_Atomic uint64_t *)&channel->board->window[MACHD_BOARD_LOAN]
			      : NULL;
}

static uint64_t stamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A request without an answer, up to the message's body. */
struct unanswered {
	struct machd_frame frame;
	struct machd_message_args args;
	mach_msg_header_t header;
};

static void put_unanswered(struct unanswered *request, struct iovec parts[2],
			   const struct exchange *x, const mach_msg_header_t *header)
{
	*request = (struct unanswered){
		.args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
			 .send_address = (uintptr_t)x->send,
			 .rcv_address = stamp(),
			 .send_size = x->send_size},
		.header = *header,
	};
	parts[0] = (struct iovec){request, sizeof *request};
	parts[1] = (struct iovec){x->send + 1, x->send_size - sizeof *header};
}

bool mi_reply_ready(struct mi_channel *channel, const struct exchange *x,
		    const mach_msg_header_t *header, uint32_t index)
{
	struct unanswered request;
	struct iovec parts[2];
	bool ready;

	if (!channel->ring || index >= MACHD_BOARD_REPLIES ||
	    __atomic_load_n(&channel->board->window[MACHD_BOARD_REPLY + index], __ATOMIC_ACQUIRE) !=
		    machd_window(header->msgh_remote_port, index))
		return false;
	put_unanswered(&request, parts, x, header);
	channel->request_flags = MACHD_REQUEST_UNANSWERED | MACHD_REQUEST_REPLY;
	ready = mi_request_ready(channel, parts, 2);
	channel->request_flags = 0;
	return ready;
}

bool mi_window_open(const struct mi_channel *channel, const struct exchange *x,
		    mach_msg_header_t *header)
{
	if (!plain_call(x))
		return false;
	memcpy(header, x->send, sizeof *header);
	return plain_header(header) && open_for(channel->board, header->msgh_remote_port);
}

int mi_window_send(struct mi_channel *channel, const struct exchange *x,
		   const mach_msg_header_t *header)
{
	struct unanswered request;
	struct iovec parts[2];
	int error;

	put_unanswered(&request, parts, x, header);
	error = mi_request(channel, MACHD_OP_MESSAGE, parts, 2, NULL);
	if (error == 0)
		channel->board->sent[machd_window_of(header->msgh_remote_port)]++;
	return error;
}
