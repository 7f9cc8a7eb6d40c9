/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel's board (protocol/board.h): the windows that the machine publishes on it, and the count
 * of messages that the client has taken of a loan.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/mem.h"
#include "daemon/io/channel.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"
#include "protocol/board.h"

/* The cost of one message that is lent, for pace.h. */
#define LOAN_NS UINT64_C(250)

struct channel_board {
	uint64_t *shared;			   /* mapped; the client may write to it */
	machd_window_t shown[MACHD_BOARD_WINDOWS]; /* what we last wrote there */
	machd_window_t later[MACHD_BOARD_WINDOWS]; /* what channel_show_windows() will write, */
	uint64_t held;				   /* for the windows with a bit set here */
};

_Static_assert(MACHD_BOARD_WINDOWS <= 64, "a bit each");

void channel_drop_board(struct channel *channel)
{
	if (channel->board)
		munmap(channel->board->shared, MACHD_BOARD_SIZE);
	mem_free(channel->board);
	channel->board = NULL;
}

void channel_set_board(struct channel *channel, ipc_fd_t fd)
{
	struct channel_board *board = mem_alloc(sizeof *board);
	void *shared = MAP_FAILED;

	channel_drop_board(channel);
	if (board)
		shared = mmap(NULL, MACHD_BOARD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fdcheck_fd(fd), 0);
	close(fdcheck_fd(fd));
	if (shared == MAP_FAILED) {
		mem_free(board);
		return;
	}
	board->shared = shared;
	channel->board = board;
}

static void show(struct channel_board *board, unsigned index, machd_window_t window)
{
	board->held &= ~(UINT64_C(1) << index);
	board->shown[index] = window;
	__atomic_store_n(&board->shared[index], window, __ATOMIC_RELEASE);
}

/* Is this the same window, opened further? */
static bool opens_further(machd_window_t window, machd_window_t shown)
{
	return machd_window_name(window) == machd_window_name(shown) &&
	       (int32_t)(machd_window_end(window) - machd_window_end(shown)) >= 0;
}

void channel_set_window(struct channel *channel, unsigned index, machd_window_t window)
{
	struct gate *gate = channel->gate;
	struct channel_board *board = channel->board;

	if (!board || channel->doomed || !order_join(gate, channel))
		return;
	/* Replies answer calls, which are not paced. */
	if (index >= MACHD_BOARD_WINDOWS) {
		__atomic_store_n(&board->shared[index], window, __ATOMIC_RELEASE);
		return;
	}
	if (!opens_further(window, board->shown[index]) ||
	    pace_admits(&gate->turns.pace, channel->event.job.payer, gate->now)) {
		show(board, index, window);
		return;
	}
	board->later[index] = window;
	board->held |= UINT64_C(1) << index;
}

void channel_show_windows(struct channel *channel)
{
	struct channel_board *board = channel->board;

	while (board && board->held) {
		unsigned index = (unsigned)__builtin_ctzll(board->held);

		show(board, index, board->later[index]);
	}
}

void channel_lend(struct channel *channel, uint32_t count)
{
	struct gate *gate = channel->gate;

	if (!channel->board)
		return;
	pace_spent(&gate->turns.pace, channel->event.job.payer, count * LOAN_NS, gate->now);
	__atomic_store_n(&channel->board->shared[MACHD_BOARD_LOAN], machd_loan(count),
			 __ATOMIC_RELEASE);
}

uint32_t channel_settle(struct channel *channel, bool over)
{
	uint64_t word = 0;

	if (channel->board && over)
		word = __atomic_exchange_n(&channel->board->shared[MACHD_BOARD_LOAN], 0,
					   __ATOMIC_ACQ_REL);
	else if (channel->board)
		word = __atomic_load_n(&channel->board->shared[MACHD_BOARD_LOAN], __ATOMIC_ACQUIRE);
	return machd_loan_taken(word);
}
