/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of libmachclient; nothing here is seen by a program.
 *
 *   conn.c      finds the daemon's socket, says hello
 *   channel.c   which connection a thread uses; the process's task; fork
 *   wire.c      a frame out, its answer in, and what a signal does to that
 *   ring.c      the same through shared memory
 *   message.c   mach_msg; vector.c: auxiliary data beside it
 *   window.c    sends without an answer; loan.c: receives without a request; quick.c: their fast
 *               path
 *   large.c     bodies that do not fit a frame; ool.c, ool_place.c: out-of-line memory
 *   msg_server.c  servers, on top of it; qos.c, importance.c: who is urgent
 *   guard.c     what follows of misuse
 *   call.c      routines of ops.def; mach_port.c, task.c, bootstrap.c: their public faces
 *
 * The life of a call: mi_enter() finds the thread's channel and makes it busy, mi_request() sends
 * the frame, mi_answer() waits for the answer, mi_leave() ends it. Calls are not cancellation
 * points and leave errno alone.
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
	int fd;			 /* -1: not connected */
	struct mi_ring *ring;	 /* NULL: it has none; see ring.h */
	uint32_t calls;		 /* made before it asked for one */
	unsigned char asked;	 /* enum mi_ring_asked */
	unsigned char way;	 /* enum mi_way */
	uint32_t sequence;	 /* of the last request */
	bool sends_memory;	 /* the last message had out-of-line memory: expect more */
	uint32_t answer_flags;	 /* of the last answer: enum machd_answer_flags */
	uint64_t generation;	 /* which task of this process it belongs to */
	uint32_t request_flags;	 /* of the next message: enum machd_request_flags */
	bool request_present;	 /* the memory of that message is known to be mapped */
	unsigned plain_sends;	 /* sends that a window could have served, see window.c */
	struct mi_board *board;	 /* its windows; or NULL */
	struct mi_loan *loan;	 /* messages lent to it; or NULL */
	unsigned looks_left_out; /* calls yet to come that are not examined, see loan.c */
	const sigset_t *held;	 /* the mask while signals are held back (mi_hold_signals()) */
	void *memory_frame;	 /* room for a frame with memory, or NULL */
	bool thread_port;	 /* its thread has a port, which must die with the thread */
	uint64_t thread;	 /* the daemon's number for it */
	pthread_t owner;
	mach_port_t thread_name; /* of its port, with a user reference of ours; or NULL */
	pid_t waits;		 /* connected on behalf of the thread with this id; else 0 */
	mach_port_t reply_port;
	uint64_t reply_generation; /* of the task that the reply port belongs to */
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
 * The same for a call that makes no system call: the thread's channel, if it is connected and has a
 * ring. NULL: use mi_enter().
 */
struct mi_channel *mi_enter_quickly(void);
void mi_leave_quickly(void);

/* React to a guard exception, after the call that raised it has ended (guard.c). */
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
 * Sends without an answer (window.c). mi_window_flags(): the flags for a request; with
 * MACHD_REQUEST_UNANSWERED it is to be sent as *plain says. May make the board. mi_window_open():
 * only whether such a send is possible, for a message in mapped memory, on a channel with a board.
 * mi_window_send(): send it; 0, or an errno of mi_request(). mi_window_forget(): the channel is
 * closed, and has no board.
 */
struct exchange;
struct mi_plain {
	mach_msg_header_t header; /* a copy */
	const void *message;	  /* all of it: the program's, or `copy` */
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
 * True if the reply with this header needs no answer when it is sent together with taking message
 * `index` of the loan: then it is ready in the ring, for mi_request_end().
 */
bool mi_reply_ready(struct mi_channel *channel, const struct exchange *x,
		    const mach_msg_header_t *header, uint32_t index);

/* The whole exchange, if it needs neither a system call nor an answer (quick.c); else false. */
bool mi_quick(const struct exchange *x, mach_msg_return_t *code);

/*
 * Messages that are lent (loan.c). mi_loan_take(): do a receive, or a server's reply and receive,
 * with the next lent message; false: that is not possible, make a request. `present`: the buffers
 * are known to be mapped. mi_loan_wanted(): should the request ask for a loan? mi_loan_borrow():
 * the answer says that messages are lent: fetch them. 0, or an errno of the connection; *problem:
 * what is wrong with them. mi_board_loan(): the loan word of the board; NULL: there is no board.
 */
struct reply;
bool mi_loan_take(struct mi_channel *channel, const struct exchange *x, bool present,
		  mach_msg_return_t *code);
bool mi_loan_wanted(struct mi_channel *channel, const struct exchange *x);
int mi_loan_borrow(struct mi_channel *channel, const struct exchange *x, const struct reply *reply,
		   const char **problem);
void mi_loan_forget(struct mi_channel *channel);
_Atomic uint64_t *mi_board_loan(const struct mi_channel *channel);

/* The most bytes of a message that may go in a frame. */
size_t mi_inline_max(void);

/*
 * mi_thread_find(): the name of a thread's port if the library keeps it, or NULL, and the daemon's
 * number for the thread. False: the thread has no connection of the present task. mi_thread_keep():
 * keep the name, with a user reference; false: there is one already, or the thread is gone.
 */
bool mi_thread_find(pthread_t thread, mach_port_t *name, uint64_t *number);
bool mi_thread_keep(pthread_t thread, mach_port_t name);

/*
 * Connect on behalf of another thread of this process, unless it is connected: its first call takes
 * the connection over. False: that failed, or the thread has ended. Also closes connections made
 * for threads that have ended since without a call.
 */
bool mi_thread_connect(pthread_t thread);

/* The thread ends: destroy its port, even if another thread takes the connection over. */
void mi_thread_exit(struct mi_channel *channel);

/* Destroy the reply ports of a thread that ends. */
void mi_reply_port_exit(struct mi_channel *channel);

/* This process has set a port that its children inherit. */
void mi_set_estate(void);

/*
 * Connect to the daemon and exchange hello and welcome: join the task with `token`, or make one
 * that inherits from the task with `parent` (either may be NULL). Returns the socket; or -1, with a
 * text for machd_last_error(). *refused: the daemon refused this hello.
 */
int mi_connect(const uint8_t *token, const uint8_t *parent, struct machd_welcome *welcome,
	       bool *refused);

/* Descriptors of a frame. */
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
 * The same for an unanswered message, in two steps: put it into the channel's ring (false: that is
 * not possible); then publish it (`go`), or take it back as if there had been none.
 */
bool mi_request_ready(struct mi_channel *channel, struct iovec *parts, int count);
void mi_request_end(struct mi_channel *channel, bool go);

/* What an answer was received into. */
struct mi_answer {
	struct iovec *parts; /* the first has room for the frame header */
	int count;
	bool peek;	   /* leave the answer where it is */
	bool cancel;	   /* a signal gives up the request */
	size_t size;	   /* out: bytes that came */
	bool lost_fd;	   /* out: there were more descriptors than this process had room for */
	bool fault;	   /* out: the parts could not be written; the answer is gone */
	struct mi_fds fds; /* out: descriptors that came with it */
};

/* On the path of every message: the array of descriptors is not cleared. */
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
 * For calls that signals shall interrupt: block signals until mi_answer() waits, so that one that
 * comes between the request and the wait is noticed. `old` keeps the thread's mask until
 * mi_let_signals() restores it.
 */
void mi_hold_signals(struct mi_channel *channel, sigset_t *old);
void mi_let_signals(struct mi_channel *channel, const sigset_t *old);

/* NULL if the header is that of the answer to the last request, else what is wrong with it. */
const char *mi_check_answer(const struct mi_channel *channel, const struct machd_frame *frame,
			    enum machd_op op, const struct mi_answer *answer);

/* The call of a routine of ops.def. The arrays are for a last field whose length varies. */
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
	bool waits;	       /* it may block, and a signal gives it up */
};

/* The routine's code, or MACHD_NO_DAEMON, MACHD_BUSY, KERN_RESOURCE_SHORTAGE. */
kern_return_t mi_call(struct mi_call *call);

/* The same between mi_enter() and mi_leave(), with no other request under way. */
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
 * Divide a message; if `header` is not NULL it stands in for the message's own. 0, or an errno;
 * EFAULT: the message cannot be read. The caller closes the descriptor.
 */
int mi_tail_make(const void *message, const mach_msg_header_t *header, size_t size,
		 struct mi_tail *tail);

/*
 * Insert `body` bytes from `fd` into a received message: `before` bytes of it stay in front of
 * them, the next `behind` bytes move behind them. False: memory cannot be written, or the
 * descriptor does not hold what the daemon said.
 */
bool mi_tail_place(int fd, void *message, size_t before, size_t body, size_t behind);

/* The out-of-line memory of a message that is sent. */
struct mi_memory {
	uint32_t count;		    /* of the table */
	struct machd_memory *table; /* malloc'ed, with the inline bytes behind it */
	size_t size;		    /* of both */
	uint32_t data_size;	    /* of the inline bytes */
	uint8_t *descriptors;	    /* malloc'ed: a copy of the message's, as they were examined */
	uint32_t descriptor_count;
	unsigned fd_index;  /* of the first of the memfds in the frame */
	uint64_t withdrawn; /* bits of descriptors whose memory has been unmapped */
	bool hidden;	    /* other memory that is given away has been made inaccessible */
	struct mi_fds fds;  /* sealed memfds with what does not go inline */
};

/* No memory. On the path of every message: the array of descriptors is not cleared. */
static inline void mi_memory_none(struct mi_memory *memory)
{
	memset(memory, 0, offsetof(struct mi_memory, fds));
	memory->fds.count = 0;
}

/*
 * Look at a message's descriptors and gather the memory they name. `room` is what there is in the
 * frame, `fd_index` will be that of the first memfd. 0, or an errno; EFAULT: the message cannot be
 * read.
 */
int mi_memory_gather(const struct exchange *x, size_t room, unsigned fd_index,
		     struct mi_memory *memory);

/*
 * The message was sent: close its descriptors. With `hides`, make memory that is given away
 * inaccessible.
 */
void mi_memory_sent(struct mi_memory *memory, bool hides);

/*
 * The daemon has taken the memory of the first `taken` descriptors: unmap what was given away, and
 * make the rest accessible again. `returned` are the descriptors that came back with the answer;
 * NULL: the message was not sent.
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
	void *message; /* NULL: discard the memory */
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

/* Note the QoS of the message that the thread has received. */
void mi_received_qos(uint32_t priority, uint32_t override);

/* Copy from or to memory of the program that may not be mapped. False if it is not. */
bool mi_fetch(void *to, const void *from, size_t size);
bool mi_store(void *to, const void *from, size_t size);

/* Let those two cache this process's id: fork() is handled from now on, or this is the child. */
void mi_own_process(void);

/*
 * The same to a place in a file, and from there. 0, or an errno; ENOSPC, ENODATA: it is too short;
 * ENOMEM: the process may have no file that long.
 */
int mi_fill(int fd, const void *from, size_t size, uint64_t at);
int mi_drain(int fd, void *to, size_t size, uint64_t at);

/*
 * Seal a memfd that nobody else has, with MI_SEALS or some of them: 0 or an errno. Tries again when
 * the kernel refuses because it uses a page itself, which may last on a busy machine.
 */
int mi_seal(int fd, int seals);

/*
 * Check that a memfd from the daemon is at least so long and sealed against shrinking: whoever
 * touches a mapping behind its file's end gets SIGBUS. 0; EPROTO: it is not; another errno: nobody
 * knows.
 */
int mi_keeps(int fd, uint64_t size);

/* Set a file's size; false with errno. Never raises SIGXFSZ. */
bool mi_resize(int fd, uint64_t size);

/*
 * Is all of it in memory that is certainly mapped and writable (present.c)? False: not known, use
 * the copies above. mi_present() knows of a thread's stack only after the thread has called
 * mi_known().
 */
bool mi_present(const void *memory, size_t size);
bool mi_known(const void *memory, size_t size);
void mi_present_configure(void); /* once, before them */

/* An address of the kernel's half is refused, as by the kernel, even for a length of 0. */
static inline bool mi_possible(const void *address)
{
	return sizeof address < sizeof(uint64_t) || (intptr_t)address >= 0;
}

/* Zeroed memory in whole pages, as vm_allocate() gives; NULL if there is none. */
void *mi_pages(size_t size);
void mi_pages_free(void *pages, size_t size);

/* Did the program define voucher_mach_msg_adopt(), so that somebody takes vouchers over? */
bool mi_adopts_vouchers(void);

/* Give up a right as a message names it: by the type it was received with. */
void mi_destroy_port(mach_port_t port, mach_msg_type_name_t type);

/*
 * mi_fileport_make(): a right from a descriptor, which stays the caller's. mi_fileport_get(): a new
 * descriptor from a right, and the extent of a memory entry. The codes are those of
 * machd_fileport_make() and machd_fileport_fd(), and KERN_INVALID_ARGUMENT: the memfd does not hold
 * that part, or is not sealed against shrinking.
 */
kern_return_t mi_fileport_make(int fd, const struct machd_fileport *what, mach_port_t *port);
kern_return_t mi_fileport_get(mach_port_t port, enum machd_file_kind kind, int *fd,
			      struct machd_extent *extent);

/* Set the text for machd_last_error(). */
__attribute__((format(printf, 1, 2))) void mi_set_error(const char *format, ...);
