/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: a page shared between the daemon and one channel. On it the daemon publishes which
 * messages the channel may send without an answer, and the client how many lent messages it has
 * received. The client makes the memfd. All the daemon reads from it is one count, which it bounds,
 * so a client that scribbles on its board harms only itself.
 *
 * The board holds windows. A window names a send right of the task and a count: up to that count
 * the channel may send to the right without an answer. Both sides count the messages sent through
 * a window of the channel modulo 2^32, whatever the window named at the time. Room for those
 * messages is reserved in the port's queue, see daemon/ipc/ipc_window.h.
 */
#pragma once

#include <stdint.h>

#define MACHD_BOARD_SIZE    4096
#define MACHD_BOARD_WINDOWS 64

/* The most messages that a window is open for at a time. */
#define MACHD_WINDOW_MAX 64

/* The most bytes of a message sent without an answer, its header included. */
#define MACHD_UNANSWERED_MAX 4096

/* A window's word: the name in the lower half, the count in the upper half. 0: closed. */
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
 * After the windows comes the word of the loan, the messages lent to the channel
 * (daemon/ipc/ipc_loan.h): the upper half says how many there are, the lower half how many of them
 * the client has received. The client increments that with a compare-and-exchange; the daemon ends
 * the loan by exchanging the word for 0.
 */
#define MACHD_BOARD_LOAN MACHD_BOARD_WINDOWS

/*
 * Last come the words for replies (daemon/ipc/ipc_reply.h), for servers that reply and receive in
 * one call. Word i belongs to the i-th message of a loan: if it is a window's word with the name
 * that the client replies to, it may send this reply and receive message i without an answer.
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

/* The window of a name. Names that share one displace each other. */
static inline unsigned machd_window_of(uint32_t name)
{
	return (name >> 8) % MACHD_BOARD_WINDOWS;
}
