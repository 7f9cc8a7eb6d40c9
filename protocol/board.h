/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: a page of memory on which the daemon tells one channel what it may send without an
 * answer, and the channel what it has received. It is a memfd that the client makes; the daemon
 * believes nothing of it but a count that it bounds, so what a client does to its own board is
 * nobody else's concern.
 *
 * The board has windows. A window names a send right of the task and says up to which count the
 * channel may send to it without being answered: both sides count the messages that went through
 * that window of the channel, whatever it named at the time, modulo 2^32. Room for those messages
 * is kept free for them in the port's queue, see daemon/ipc/ipc_window.h.
 */
#pragma once

#include <stdint.h>

#define MACHD_BOARD_SIZE    4096
#define MACHD_BOARD_WINDOWS 64

/* Messages that a window is open for at a time. */
#define MACHD_WINDOW_MAX 64

/* A message sent without an answer has so many bytes at most, its header included. */
#define MACHD_UNANSWERED_MAX 4096

/* A window's word: the name in its lower half, the count in the upper one. 0: closed. */
typedef uint64_t machd_window_t;

static inline machd_window_t machd_window(uint32_t name, uint32_t end)
{
	return (uint64_t)end << 32 | name;
}

static inline uint32_t machd_window_name(machd_window_t window)
{
	return (uint32_t)window;
}

static inline uint32_t machd_window_end(machd_window_t window)
{
	return (uint32_t)(window >> 32);
}

/*
 * Behind the windows there is a word for messages that are lent to the channel
 * (daemon/ipc/ipc_loan.h): how many there are in its upper half, how many of them the client has
 * taken in the lower one. The client counts that up with a compare-and-exchange; the daemon takes
 * the loan back by exchanging the word for 0.
 */
#define MACHD_BOARD_LOAN MACHD_BOARD_WINDOWS

/*
 * And behind that there are words for replies (daemon/ipc/ipc_reply.h). What is lent with the
 * answer to a reply that was sent and a message that was received in one call, the client takes as
 * it sends the next reply. If word i is a window's with the name that it replies to, that needs no
 * answer either: i counts what has been taken before.
 */
#define MACHD_BOARD_REPLY   (MACHD_BOARD_LOAN + 1)
#define MACHD_BOARD_REPLIES 64
#define MACHD_BOARD_WORDS   (MACHD_BOARD_REPLY + MACHD_BOARD_REPLIES)

static inline uint64_t machd_loan(uint32_t count)
{
	return (uint64_t)count << 32;
}

static inline uint32_t machd_loan_count(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline uint32_t machd_loan_taken(uint64_t word)
{
	return (uint32_t)word;
}

/* Which window a name has: names with the same one take it from each other. */
static inline unsigned machd_window_of(uint32_t name)
{
	return (name >> 8) % MACHD_BOARD_WINDOWS;
}
