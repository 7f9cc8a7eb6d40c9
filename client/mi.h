/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of libmachclient; nothing here is seen by a program.
 *
 *   conn.c      finds the daemon's socket, says hello
 *   channel.c   which connection a thread uses; the process's task; fork
 *   wire.c      a frame out, its answer in, and what a signal does to that
 *   ring.c      the same through shared memory
 *   message.c   mach_msg; vector.c: auxiliary data beside it
 *   window.c    sends without an answer; loan.c: receives that need not ask; quick.c: both of
 *               them when nothing is in the way
 *   large.c     bodies that do not fit a frame; ool.c, ool_place.c: out-of-line memory
 *   msg_server.c  servers, on top of it; qos.c, importance.c: who is urgent
 *   guard.c     what follows of misuse
 *   call.c      routines of ops.def; mach_port.c, task.c, bootstrap.c: their public faces
 *
 * The life of a call: mi_enter() finds the thread's channel and makes it busy, mi_request() sends
 * the frame, mi_answer() waits for the answer, mi_leave() ends it. Calls are no cancellation points
 * and leave errno alone.
 */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>

#include "protocol/board.h"
#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "protocol/ops.h"

/* A thread's connection. Only its thread uses it, but all are on a list, for fork and exit. */
struct mi_channel {
	struct mi_channel *next, *prev;
	int fd;		      /* -1: not connected */
	struct mi_ring *ring; /* NULL: it has none; see ring.h */
	uint32_t calls;	      /* until it asked for one */
	unsigned char asked;  /* enum mi_ring_asked */
	unsigned char way;    /* enum mi_way */
	uint32_t sequence;    /* of the last request */
	bool sends_memory; /* the last message it sent had out-of-line memory: the next may, too */
	uint32_t answer_flags;	 /* of the last answer: enum machd_answer_flags */
	uint64_t generation;	 /* which task of this process it belongs to */
	uint32_t request_flags;	 /* of the next message: enum machd_request_flags */
	bool request_present;	 /* its bytes are known to be there */
	unsigned plain_sends;	 /* that might have done without an answer, see window.c */
	struct mi_board *board;	 /* what may be sent so; or NULL */
	struct mi_loan *loan;	 /* messages that need not be asked for; or NULL */
	unsigned looks_left_out; /* calls of which it is not looked whether they reply */
	const sigset_t *held;	 /* signals are held back, see mi_hold_signals(); else NULL */
	void *memory_frame;	 /* room for a frame with memory, or NULL */
	bool thread_port;	 /* its thread has a port that must die with it */
	uint64_t thread;	 /* the daemon's number for it */
	pthread_t owner;
	mach_port_t thread_name; /* of its port, with a user reference of ours; or NULL */
	pid_t waits;		 /* id of its thread, which has not called yet; else 0 */
	mach_port_t reply_port;
	uint64_t reply_generation; /* the task that the reply port belongs to */
	mach_port_t special_port;  /* the same for its special reply port */
	uint64_t special_generation;
};

/* One call under way. */
struct mi_entry {
	struct mi_channel *channel;
	int saved_errno, saved_cancel;
};

/*
 * Begin a call: connect if need be. MACHD_NO_DAEMON: nobody there, or the connection was lost since
 * the thread's last call. MACHD_BUSY: the thread is inside a call. On failure there is nothing to
 * leave.
 */
kern_return_t mi_enter(struct mi_entry *entry);
void mi_leave(struct mi_entry *entry);

/*
 * The same for a call that will make no system call: the thread's channel, if it is connected and
 * has a ring. NULL: mi_enter() has to say.
 */
struct mi_channel *mi_enter_quickly(void);
void mi_leave_quickly(void);

/* What follows of a guard exception, outside of the call that raised it (guard.c). */
void mi_guard_raised(uint32_t answer_flags);

/* The same for misuse that the library noticed by itself. */
void mi_guard_raise(uint32_t reason, mach_port_name_t name);

/*
 * End the task of this channel: its connection does not work. Other threads are told so, too.
 * Returns MACHD_NO_DAEMON; `why` is for machd_last_error().
 */
kern_return_t mi_lost(struct mi_channel *channel, const char *why);

/* The calling thread's channel and its task's generation for the reply port; NULL: none. */
struct mi_channel *mi_thread_channel(void);
uint64_t mi_generation(void);

/*
 * Sends without an answer (window.c). mi_window_flags(): the flags that a request shall have; if it
 * gets no answer it goes out as *plain says. mi_window_open(): the
 * same question, of a message that is known to be there on a channel with a board, and nothing is
 * done about it. mi_window_send(): send it; 0, or an errno of mi_request(). A channel that is
 * closed forgets its board.
 */
struct exchange;
struct mi_plain {
	mach_msg_header_t header; /* a copy */
	const void *message;	  /* all of it: the program's, or in: */
	uint8_t copy[MACHD_UNANSWERED_MAX];
};
uint32_t mi_window_flags(struct mi_channel *channel, const struct exchange *x,
			 struct mi_plain *plain);
bool mi_window_open(const struct mi_channel *channel, const struct exchange *x,
		    mach_msg_header_t *header);
int mi_window_send(struct mi_channel *channel, const struct exchange *x,
		   const mach_msg_header_t *header);
void mi_window_forget(struct mi_channel *channel);

/*
 * The reply with this header need not be answered if it goes out with the receiving of message
 * `index` of what is lent: it is ready in the ring then, for mi_request_end().
 */
bool mi_reply_ready(struct mi_channel *channel, const struct exchange *x,
		    const mach_msg_header_t *header, uint32_t index);

/* The whole exchange, if that needs neither a system call nor an answer (quick.c); false: it does.
 */
bool mi_quick(const struct exchange *x, mach_msg_return_t *code);

/*
 * Messages that are lent (loan.c). mi_loan_take(): receive one of them, if the call can tell no
 * difference; false: it has to be asked for. `present`: its buffer is known to be there.
 * mi_loan_borrow(): the answer to the exchange says that there are some: fetch them. 0, or an errno
 * of the connection; *problem: what is wrong with them. A call that sends takes one only out of a
 * channel with a ring. The loan word is the board's; NULL: there
 * is none.
 */
struct reply;
bool mi_loan_take(struct mi_channel *channel, const struct exchange *x, bool present,
		  mach_msg_return_t *code);
bool mi_loan_wanted(struct mi_channel *channel, const struct exchange *x);
int mi_loan_borrow(struct mi_channel *channel, const struct exchange *x, const struct reply *reply,
		   const char **problem);
void mi_loan_forget(struct mi_channel *channel);
_Atomic uint64_t *mi_board_loan(const struct mi_channel *channel);

/* Longest part of a message that may go in a frame. */
size_t mi_inline_max(void);

/*
 * What the library has of a thread's port: its name, or NULL, and the daemon's number for the
 * thread. False: it has no connection of the present task. mi_thread_keep() has the name kept, with
 * a user reference; false: there is one already, or the thread is gone.
 */
bool mi_thread_find(pthread_t thread, mach_port_t *name, uint64_t *number);
bool mi_thread_keep(pthread_t thread, mach_port_t name);

/*
 * Connect for another thread of this process that has not called yet: its first call takes that
 * over. False: that is not possible, or the thread has ended. Those made for threads that have
 * ended in the meantime without a call are closed.
 */
bool mi_thread_connect(pthread_t thread);

/* The thread ends: its port dies, even if the channel goes to another. */
void mi_thread_exit(struct mi_channel *channel);

/* Destroy the reply ports of a thread that ends. */
void mi_reply_port_exit(struct mi_channel *channel);

/* This process has set a port that a child of it shall inherit. */
void mi_set_estate(void);

/*
 * Connect to the daemon and exchange hello and welcome: join the task with `token`, or make one
 * that inherits from that with `parent` (either may be NULL). Returns the socket; -1 with a text
 * for machd_last_error() if that fails. `refused` tells whether the daemon said no to this hello.
 */
int mi_connect(const uint8_t *token, const uint8_t *parent, struct machd_welcome *welcome,
	       bool *refused);

/* Descriptors that go or come with a frame. */
struct mi_fds {
	unsigned count;
	int fd[MACHD_FRAME_FDS_MAX];
};

void mi_fds_close(struct mi_fds *fds);

/*
 * Send one frame. `parts` are its bytes; the first begins with room for the frame header, which is
 * filled in here. `fds` go with it (NULL: none) and stay the caller's. 0, or an errno; EFAULT: the
 * caller's memory cannot be read. Nothing was sent then.
 */
int mi_request(struct mi_channel *channel, enum machd_op op, struct iovec *parts, int count,
	       const struct mi_fds *fds);

/*
 * The same for a message that is not to be answered, in two steps: put it into the channel's ring
 * (false: it cannot be), and let it go, or take it back as if there had been none.
 */
bool mi_request_ready(struct mi_channel *channel, struct iovec *parts, int count);
void mi_request_end(struct mi_channel *channel, bool go);

/* What an answer was received into. */
struct mi_answer {
	struct iovec *parts; /* the first has room for the frame header */
	int count;
	bool peek;    /* leave the answer where it is */
	bool cancel;  /* a signal gives up the request */
	size_t size;  /* out: bytes that came */
	bool lost_fd; /* out: there were more descriptors, but no room for them in this process */
	bool fault;   /* out: parts could not be written; the answer is gone */
	struct mi_fds fds; /* out: descriptors that came with it */
};

/* Into these parts, with no other wish. For every message: the list is not cleared. */
static inline void mi_answer_init(struct mi_answer *answer, struct iovec *parts, int count)
{
	memset(answer, 0, offsetof(struct mi_answer, fds));
	answer->fds.count = 0;
	answer->parts = parts;
	answer->count = count;
}

/* Wait for the answer to the last request. 0, or an errno: the connection does not work. */
int mi_answer(struct mi_channel *channel, struct mi_answer *answer);

/*
 * Hold signals back until mi_answer() waits, so that one that comes between the request and the
 * wait is noticed: for who wants to know of signals. `old` keeps the thread's mask until
 * mi_let_signals() puts it back.
 */
void mi_hold_signals(struct mi_channel *channel, sigset_t *old);
void mi_let_signals(struct mi_channel *channel, const sigset_t *old);

/* NULL if the header is that of the answer to the last request, else what is wrong with it. */
const char *mi_check_answer(const struct mi_channel *channel, const struct machd_frame *frame,
			    enum machd_op op, const struct mi_answer *answer);

/*
 * A routine of ops.def: the object it is for, what goes there and what comes back. The arrays are
 * what ARRAY() stands for.
 */
struct mi_call {
	enum machd_routine routine;
	mach_port_t target;
	const void *in;
	size_t in_size;
	const void *in_array;
	size_t in_array_size;
	void *out;
	size_t out_size;
	void *out_array;
	size_t out_array_size; /* bytes of room; afterwards, bytes that came */
	bool waits;	       /* a signal gives it up */
};

/* The routine's code, or MACHD_NO_DAEMON, MACHD_BUSY, KERN_RESOURCE_SHORTAGE. */
kern_return_t mi_call(struct mi_call *call);

/* The same for who has entered and waits for no other answer. */
kern_return_t mi_call_within(struct mi_channel *channel, struct mi_call *call);

/* The call of a routine without arrays; `in` and `out` are its structs. */
#define MI_CALL(name, object, in_struct, out_struct)   \
	mi_call(&(struct mi_call){                     \
		.routine = MACHD_ROUTINE_##name,       \
		.target = (object),                    \
		.in = (in_struct),                     \
		.in_size = sizeof(struct name##_in),   \
		.out = (out_struct),                   \
		.out_size = sizeof(struct name##_out), \
	})

/* The same for a routine that may wait: a signal ends the waiting. */
#define MI_WAIT(name, object, in_struct)             \
	mi_call(&(struct mi_call){                   \
		.routine = MACHD_ROUTINE_##name,     \
		.target = (object),                  \
		.in = (in_struct),                   \
		.in_size = sizeof(struct name##_in), \
		.waits = true,                       \
	})

/* A list that grows, in memory the caller frees with vm_deallocate(). */
struct mi_words {
	uint32_t *words;
	size_t count, room; /* words */
	size_t width;	    /* words of an element */
};

/*
 * Call a routine until its lists are complete: the elements of an answer go into `lists` by turns.
 * `in` ends in the word that says where to go on, and `out` begins with it. The code is that of the
 * last call; if it is an error the lists have no memory.
 */
kern_return_t mi_fetch_all(enum machd_routine routine, mach_port_t task, uint32_t *in,
			   size_t in_words, uint32_t *out, size_t out_words, struct mi_words *lists,
			   size_t list_count);

/* What makes a memfd fit to be sent: nobody can change it any more. */
#define MI_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* The end of a message that does not fit a frame. */
struct mi_tail {
	size_t inline_size; /* bytes of the message that go in the frame */
	int fd;		    /* a sealed memfd with the others, or -1 */
};

/*
 * Divide a message, whose header is `header` if that is not NULL. 0, or an errno; EFAULT: the
 * message cannot be read. The caller closes the descriptor.
 */
int mi_tail_make(const void *message, const mach_msg_header_t *header, size_t size,
		 struct mi_tail *tail);

/*
 * Read the body in `fd` into a message of which all the rest is there already, the part that
 * belongs behind the body directly behind the part before it. false: memory cannot be written, or
 * the descriptor does not hold what the daemon said.
 */
bool mi_tail_place(int fd, void *message, size_t before, size_t body, size_t behind);

/* What goes with the bytes of a message: its out-of-line memory. */
struct mi_memory {
	uint32_t count;		    /* of the table */
	struct machd_memory *table; /* malloc'ed, with the inline bytes behind it */
	size_t size;		    /* of both */
	uint32_t data_size;	    /* of the inline bytes */
	uint8_t *descriptors;	    /* malloc'ed: a copy of the message's, as it was looked at */
	uint32_t descriptor_count;
	unsigned fd_index;  /* of the first of the memfds in the frame */
	uint64_t withdrawn; /* those whose memory is not mapped any more */
	bool hidden;	    /* other memory that is given away cannot be used */
	struct mi_fds fds;  /* sealed memfds with what does not go inline */
};

/* There is none. The list of descriptors is not cleared: this is done for every message. */
static inline void mi_memory_none(struct mi_memory *memory)
{
	memset(memory, 0, offsetof(struct mi_memory, fds));
	memory->fds.count = 0;
}

/*
 * Look at a message's descriptors and gather the memory they name. `header` is as above, `room`
 * what there is in the frame, `fd_index` will be that of the first memfd. 0, or an errno; EFAULT:
 * the message cannot be read.
 */
int mi_memory_gather(const void *message, const mach_msg_header_t *header, size_t size, size_t room,
		     unsigned fd_index, struct mi_memory *memory);

/*
 * The message was sent: its descriptors are closed. With `hides`, nobody can use memory any more
 * that is given away.
 */
void mi_memory_sent(struct mi_memory *memory, bool hides);

/*
 * The daemon has taken the memory of the first `taken` descriptors: unmap what was given away. What
 * it has not taken can be read and written again. `returned` are the descriptors that came back
 * with the answer; NULL: the message was not sent.
 */
void mi_memory_taken(const struct mi_memory *memory, uint32_t taken, const struct mi_fds *returned);

void mi_memory_free(struct mi_memory *memory);

/*
 * The answer before this one announced `count` descriptors with memory: fetch it, map it, and write
 * its addresses into `message`. `fds` gets the descriptors that came along, the caller closes them;
 * the first `skip` of them are not memory. 0, or an errno of the connection; *problem: what is
 * wrong with the frame, NULL if nothing; *bits: additional bits of the receive code.
 */
struct mi_received_memory {
	uint32_t count;
	unsigned skip;
	void *message; /* NULL: nobody wants it */
	struct mi_fds fds;
	bool lost; /* there were more, but no room for them */
	const char *problem;
	kern_return_t bits;
};
int mi_memory_receive(struct mi_channel *channel, struct mi_received_memory *received);

/*
 * The priority that goes with a request (qos.c): the thread's own, or with MACH_SEND_PROPAGATE_QOS
 * among the options at least what Linux makes of it; 0: none.
 */
uint32_t mi_thread_priority(mach_msg_option64_t option);

/* Note what the message that the thread has received came with. */
void mi_received_qos(uint32_t priority, uint32_t override);

/* Copy from or to memory of the program that may not be there. false if it is not. */
bool mi_fetch(void *to, const void *from, size_t size);
bool mi_store(void *to, const void *from, size_t size);

/* They may remember who this process is: fork() is noticed from now on; or it is its child. */
void mi_own_process(void);

/*
 * The same to a place in a file, and from there. 0, or an errno; ENOSPC, ENODATA: it is too short;
 * ENOMEM: the process may have no file that long.
 */
int mi_fill(int fd, const void *from, size_t size, uint64_t at);
int mi_drain(int fd, void *to, size_t size, uint64_t at);

/*
 * Seal a memfd that nobody else has, with MI_SEALS or some of them: 0 or an errno. The kernel does
 * not while it has a page in hand itself, which on a busy machine takes longer than it waits.
 */
int mi_seal(int fd, int seals);

/* Make a file so long, with zeroes; false with errno: it is not, and no signal says so. */
bool mi_resize(int fd, uint64_t size);

/*
 * Is all of it in memory that is always there and can be written (present.c)? False: only the
 * copies above can tell. mi_present() knows nothing of the stack of a thread that never asked
 * mi_known().
 */
bool mi_present(const void *memory, size_t size);
bool mi_known(const void *memory, size_t size);
void mi_present_configure(void); /* once, before them */

/* An address that nobody could have is refused even if there is nothing to read at it. */
static inline bool mi_possible(const void *address)
{
	return sizeof address < sizeof(uint64_t) || (intptr_t)address >= 0;
}

/* Zeroed memory in whole pages, as vm_allocate() gives; NULL if there is none. */
void *mi_pages(size_t size);
void mi_pages_free(void *pages, size_t size);

/* Give up a right as a message names it: by the type it was received with. */
void mi_destroy_port(mach_port_t port, mach_msg_type_name_t type);

/*
 * A right made of a descriptor, which stays the caller's; what it is of, and a new descriptor. With
 * the codes of machd_fileport_make() and machd_fileport_fd(), and KERN_INVALID_ARGUMENT: the memfd
 * does not hold that part, or may come to shrink.
 */
kern_return_t mi_fileport_make(int fd, const struct machd_fileport *what, mach_port_t *port);
kern_return_t mi_fileport_get(mach_port_t port, enum machd_file_kind kind, int *fd,
			      struct machd_extent *extent);

/* Set the text for machd_last_error(). */
__attribute__((format(printf, 1, 2))) void mi_set_error(const char *format, ...);
