/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A laboratory for the state machine: it runs in this process, without sockets, and the test feeds
 * its inputs and implements its outbox. Tasks connect and say hello, threads send frames, and every
 * answer is parsed as the client library would.
 *
 * The lab checks by itself what must hold whatever happens: an answer goes to a thread that has a
 * request under way, and once; every descriptor that was given in is released or handed out exactly
 * once; nothing is left when the machine has stopped. A breach of these ends the test.
 *
 * Calls that can block return LAB_BLOCKED then; lab_wait() picks the answer up later. A thread that
 * the machine wants dropped is disconnected at once, and the call returns LAB_DROPPED.
 */
#pragma once

#include <check.h>
#include <mach/mach.h>
#include <mach/message.h>
#include <mach/notify.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/trap/trap.h"
#include "protocol/board.h"
#include "protocol/frame.h"
#include "protocol/ops.h"
#include "protocol/rows.h"
#include "protocol/watch.h"

struct record;

/*
 * What must hold whatever the test does. Check's own assertions write down every line that they
 * pass, which is too slow for something done in every call.
 */
#define LAB_CHECK(condition, ...)                  \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

/* The same, where the condition says it all. */
#define LAB_TRUE(condition) LAB_CHECK(condition, "%s", #condition)

/* What stands for a Mach code when there is none. */
#define LAB_BLOCKED ((kern_return_t)-1)
#define LAB_DROPPED ((kern_return_t)-2)

/* Where a descriptor is that was given to the machine. */
enum lab_fd_place {
	LAB_FD_UNUSED,
	LAB_FD_INSIDE,	   /* the machine holds it */
	LAB_FD_RELEASED,   /* it came out to be closed */
	LAB_FD_HANDED_OUT, /* it came out with an answer */
};

enum { LAB_THREADS_MAX = 256, LAB_FDS_MAX = 4096 };

struct lab_options {
	struct machd_limits limits;
	struct ipc_policy policy;
	uint64_t seed;
	uint32_t owner_uid;
	const struct boot_policy *names; /* NULL: none */
	const char *record; /* write a record there (daemon/keep/record.h); NULL: don't */
	unsigned slice;	    /* steps of work in one input; 0: as many as the daemon does */
};

enum { LAB_MEMORY = 2 };

struct lab {
	struct ipc_host *host; /* NULL when it could not be started */
	struct ipc_outbox outbox;
	struct record *record;
	uint64_t live_before; /* allocations when it started */
	uint64_t now;	      /* ns */
	uint64_t alarm;	      /* the deadline the machine asked for last, 0: none */
	uint32_t word;	      /* bits of pointers of those that say hello from now on */
	bool inspects;	      /* those that connect from now on are in the group that sees all */
	bool lazy_work;	      /* work that the machine puts off waits for lab_work() */
	struct lab_thread *threads[LAB_THREADS_MAX];
	uint64_t last_channel;
	int32_t last_pid;
	ipc_fd_t last_fd;
	uint8_t fds[LAB_FDS_MAX + 1]; /* enum lab_fd_place */
	unsigned turns;		      /* of work that was put off */
	unsigned rung;		      /* how often a bell began to ring */
	bool rings[LAB_FDS_MAX + 1];  /* a bell, by the descriptor it rings with */
	unsigned answers;	      /* how many came, in all */
	unsigned corrupt, warnings;   /* how often the outbox was told */
	unsigned boosts;	      /* how often it was told of one, */
	int32_t boosted_pid;	      /* and what the last time */
	bool boosted_on;
	bool blind;		     /* it says nothing of processes, */
	bool poor;		     /* and gives no memory */
	uint8_t *memory[LAB_MEMORY]; /* what it gave last, by turns, */
	size_t memory_size[LAB_MEMORY];
	unsigned memories;	    /* how often it did */
	unsigned starts;	    /* how often it was told to start something, */
	unsigned started, given_up; /* how often that was over, with and without a check-in */
	uint64_t start_id, start_deadline; /* and what the last time */
	char start_service[128];
	const struct ipc_identity
		*identity;    /* of those that connect from now on; NULL: not known */
	char last_words[160]; /* of `corrupt` or `warn` */
	char why[160];	      /* why the last thread was dropped or refused */
};

/* A client process. */
struct lab_task {
	struct lab *lab;
	uint64_t id;
	uint32_t uid;
	int32_t pid;
	uint8_t token[MACHD_TOKEN_SIZE];
	mach_port_name_t self, host, bootstrap;
	struct lab_thread *thread; /* the first one */
	unsigned threads;	   /* that are connected; the task is gone with the last */
};

/* mach_msg's arguments. */
struct lab_msg {
	uint64_t option; /* MACH64_SEND_ANY is added to a send that says no kind */
	void *send;
	uint32_t send_size;
	uint32_t inline_size; /* of these in the frame, the rest in a memfd; 0: all */
	void *receive;	      /* room for receive_size bytes; NULL: `send` */
	uint32_t receive_size;
	mach_port_name_t receive_name;
	uint32_t timeout; /* ms */
	uint32_t priority;
	uint32_t thread_priority; /* what the library says of the thread */
	void *aux;		  /* auxiliary data to send; they come back there, too */
	uint32_t aux_size;
	void *receive_aux;
	uint32_t receive_aux_size;
};

/* A connection. */
struct lab_thread {
	struct lab *lab;
	struct lab_task *task;	/* NULL before hello, and for a watcher */
	struct ipc_thread *ipc; /* NULL once disconnected */
	uint64_t channel;
	uint32_t uid;
	int32_t pid;
	uint8_t token[MACHD_TOKEN_SIZE]; /* its task's, if it makes one */
	const uint8_t *parent; /* the token of the task it says it inherits from; NULL: none */
	uint32_t sequence;
	uint64_t deadline; /* the time-out that the machine asked for, 0: none */

	bool asked;	 /* a request is under way: its answer has not been picked up */
	bool answered;	 /* the answer is here */
	uint16_t op;	 /* of that request */
	uint8_t *packet; /* the answer, frame header included */
	size_t size;
	uint32_t flags;	 /* of the last answer: enum machd_answer_flags */
	uint8_t *memory; /* its second packet, if it has out-of-line memory */
	size_t memory_size;
	ipc_fd_t fds[MACHD_FRAME_FDS_MAX]; /* that came with it */
	unsigned fd_count;

	bool has_board; /* it was taken; its windows, and what was sent through them */
	machd_window_t board[MACHD_BOARD_WORDS];
	uint32_t unanswered[MACHD_BOARD_WINDOWS];
	uint32_t lent, taken; /* messages of a loan, which `memory` has */
	size_t loan_at;
	uint32_t request_flags; /* of the next request: enum machd_request_flags */

	struct lab_msg msg;		    /* the last mach_msg, */
	struct machd_message_answer result; /* how it ended, */
	ipc_fd_t body_fd;		    /* and the memfd that came with it, or IPC_FD_NONE */
};

/* --- the machine (lab.c) --- */

/* Defaults: the limits of limits.def, seed 1, owner 0, no record. */
void lab_options_init(struct lab_options *options);

/* Start a machine; `options` may be NULL. A lab without a host means that memory was short. */
struct lab *lab_start(const struct lab_options *options);

/* Audit, disconnect everybody and stop; checks that nothing is left and frees the lab. */
void lab_stop(struct lab *lab);

/* The same while everybody is still connected. */
void lab_stop_at_once(struct lab *lab);

/* Put new limits in force. */
void lab_limits(struct lab *lab, const struct machd_limits *limits);

/* The time of day is set: ns from lab->now to it. It begins with LAB_CALENDAR. */
void lab_set_calendar(struct lab *lab, uint64_t calendar);
#define LAB_CALENDAR UINT64_C(1000000000000)

/* Another policy, for tasks and their messages. */
void lab_set_policy(struct lab *lab, const struct ipc_policy *policy);

/* Another policy for names. */
void lab_set_names(struct lab *lab, const struct boot_policy *names);

/* A start came to nothing; `why` may be "". */
void lab_start_ended(struct lab *lab, uint64_t id, const char *why);

/* The machine that a lab runs on. */
extern const struct ipc_machine lab_machine;

/* Do one turn of the work that was put off; false if there was none. */
bool lab_work_turn(struct lab *lab);
/* Do all of it. */
void lab_work(struct lab *lab);

/* Let time pass; time-outs that fall due are fed in their order. */
void lab_advance(struct lab *lab, uint32_t ms);

/* A fresh descriptor for a frame. */
ipc_fd_t lab_fd(struct lab *lab);

/* --- connections (lab_thread.c) --- */

/* A bare connection; NULL if it was refused (lab->why). */
struct lab_thread *lab_connect(struct lab *lab, uint32_t uid, int32_t pid);

/* Say hello; joins `task` if that is not NULL. False if it was refused (lab->why). */
bool lab_hello(struct lab_thread *thread, uint32_t role, struct lab_task *task);

/* A new task with its first thread; NULL if refused. */
struct lab_task *lab_task(struct lab *lab, uint32_t uid);

/* The same of a process that was forked by one whose task had this token. */
struct lab_task *lab_fork(struct lab *lab, uint32_t uid, const uint8_t *parent);

/* One more thread of a task; NULL if refused. */
struct lab_thread *lab_thread(struct lab_task *task);

/* A connection as machctl makes it; NULL if refused. */
struct lab_thread *lab_watcher(struct lab *lab, uint32_t uid);

/* The connection breaks; `thread` is gone afterwards, and its task if it was the last. */
void lab_close(struct lab_thread *thread);

/* All threads of a task at once, as when its process is killed; `task` is gone afterwards. */
void lab_kill(struct lab_task *task);

/*
 * Send a packet of any content; takes the descriptors. True if the machine took it, false if the
 * thread was dropped. Only packets that are good requests may be answered.
 */
bool lab_packet(struct lab_thread *thread, const void *packet, size_t size,
		const struct trap_fd *fds, unsigned fd_count);

/* Send a request with the next sequence number, its body in two parts; false as above. */
bool lab_request(struct lab_thread *thread, enum machd_op op, const void *head, size_t head_size,
		 const void *body, size_t body_size, const struct trap_fd *fd);

/* A request in as many parts as a frame may have. */
struct lab_frame {
	enum machd_op op;
	struct {
		const void *bytes;
		size_t size;
	} parts[6];
	const struct trap_fd *fds;
	unsigned fd_count;
	uint32_t flags; /* enum machd_request_flags */
};
bool lab_request_frame(struct lab_thread *thread, const struct lab_frame *frame);

/* Give up the request under way; its answer may be there then. False if dropped. */
bool lab_cancel(struct lab_thread *thread);

/* --- calls (lab_calls.c) --- */

/*
 * A routine of ops.def. `in` and `out` are its structs, `out_size` includes an array if one is
 * wanted; *got (may be NULL) is how many bytes came. Returns its code.
 */
kern_return_t lab_call(struct lab_thread *thread, uint32_t routine, mach_port_name_t target,
		       const void *in, size_t in_size, void *out, size_t out_size, size_t *got);

/* The answer to a call that gave LAB_BLOCKED; it must be there. */
kern_return_t lab_call_answer(struct lab_thread *thread, void *out, size_t out_size, size_t *got);

/* The routines by name, on the thread's own task; on failure results are 0. */
kern_return_t lab_names(struct lab_thread *thread, uint32_t first, mach_port_name_t *names,
			uint32_t *types, unsigned *count, uint32_t *next);
kern_return_t lab_type(struct lab_thread *thread, mach_port_name_t name, uint32_t *type);
kern_return_t lab_allocate(struct lab_thread *thread, mach_port_right_t right,
			   mach_port_name_t *name);
mach_port_name_t lab_construct(struct lab_thread *thread, uint32_t flags); /* must succeed */
kern_return_t lab_allocate_name(struct lab_thread *thread, mach_port_right_t right,
				mach_port_name_t name);
kern_return_t lab_destroy(struct lab_thread *thread, mach_port_name_t name);
kern_return_t lab_deallocate(struct lab_thread *thread, mach_port_name_t name);
kern_return_t lab_get_refs(struct lab_thread *thread, mach_port_name_t name,
			   mach_port_right_t right, uint32_t *refs);
kern_return_t lab_mod_refs(struct lab_thread *thread, mach_port_name_t name,
			   mach_port_right_t right, int32_t delta);
kern_return_t lab_set_mscount(struct lab_thread *thread, mach_port_name_t name, uint32_t mscount);
kern_return_t lab_set_seqno(struct lab_thread *thread, mach_port_name_t name, uint32_t seqno);
kern_return_t lab_get_set_status(struct lab_thread *thread, mach_port_name_t set, uint32_t first,
				 mach_port_name_t *members, unsigned *count, uint32_t *next);
kern_return_t lab_move_member(struct lab_thread *thread, mach_port_name_t member,
			      mach_port_name_t set);
kern_return_t lab_insert_member(struct lab_thread *thread, mach_port_name_t member,
				mach_port_name_t set);
kern_return_t lab_extract_member(struct lab_thread *thread, mach_port_name_t member,
				 mach_port_name_t set);
kern_return_t lab_request_notification(struct lab_thread *thread, mach_port_name_t name,
				       uint32_t msgid, uint32_t sync, mach_port_name_t notify,
				       uint32_t notify_type, mach_port_name_t *previous);
kern_return_t lab_insert_right(struct lab_thread *thread, mach_port_name_t name,
			       mach_port_name_t right, uint32_t type);
kern_return_t lab_extract_right(struct lab_thread *thread, mach_port_name_t name, uint32_t type,
				mach_port_name_t *right, uint32_t *right_type);
kern_return_t lab_get_attributes(struct lab_thread *thread, mach_port_name_t name, int32_t flavor,
				 uint32_t *info, uint32_t *count);
kern_return_t lab_set_attributes(struct lab_thread *thread, mach_port_name_t name, int32_t flavor,
				 const uint32_t *info, uint32_t count);
kern_return_t lab_get_srights(struct lab_thread *thread, mach_port_name_t name, uint32_t *srights);
kern_return_t lab_get_context(struct lab_thread *thread, mach_port_name_t name, uint64_t *context);
kern_return_t lab_set_context(struct lab_thread *thread, mach_port_name_t name, uint64_t context);
kern_return_t lab_get_special_port(struct lab_thread *thread, int32_t which,
				   mach_port_name_t *port);
kern_return_t lab_set_special_port(struct lab_thread *thread, int32_t which, mach_port_name_t port);
kern_return_t lab_check_in(struct lab_thread *thread, const char *service, mach_port_name_t *port);
kern_return_t lab_register(struct lab_thread *thread, const char *service, mach_port_name_t port);
kern_return_t lab_look_up(struct lab_thread *thread, const char *service, mach_port_name_t *port);

/* A page of a watch table: up to `size` bytes of records; returns the answer's code. */
kern_return_t lab_watch(struct lab_thread *thread, const struct machd_watch *request,
			struct machd_watch_answer *answer, void *records, size_t size,
			unsigned *count);

/* --- mach_msg (lab_msg.c) --- */

/* mach_msg with all its arguments: the code, or LAB_BLOCKED, or LAB_DROPPED. */
mach_msg_return_t lab_msg(struct lab_thread *thread, const struct lab_msg *msg);

/*
 * The answer to the mach_msg under way: puts the bytes into the buffer given then and returns the
 * code; LAB_BLOCKED if there is none yet.
 */
mach_msg_return_t lab_wait(struct lab_thread *thread);

/* A buffer for a message and its trailer. */
struct lab_buffer {
	union {
		mach_msg_header_t header;
		mach_msg_base_t base;
		uint8_t bytes[2048];
	};
};

/* Begin a message without a body; size and bits are in its header. */
void lab_compose(struct lab_buffer *buffer, mach_port_name_t dest, uint32_t dest_disposition,
		 mach_port_name_t reply, uint32_t reply_disposition, int32_t id);

/* Add a port descriptor, which makes it complex; all of them before any bytes. */
void lab_add_port(struct lab_buffer *buffer, mach_port_name_t name, uint32_t disposition);

/* Add inline bytes, a multiple of 4 of them. */
void lab_add_bytes(struct lab_buffer *buffer, const void *bytes, uint32_t size);

/* Send a composed message. With MACH_SEND_TIMEOUT in `option` it waits `timeout` ms at most. */
mach_msg_return_t lab_send(struct lab_thread *thread, struct lab_buffer *buffer, uint32_t option,
			   uint32_t timeout);

/* The same and no waiting: MACH_SEND_TIMED_OUT if the queue is full. */
mach_msg_return_t lab_send_now(struct lab_thread *thread, struct lab_buffer *buffer);

/* Receive into a buffer; options for trailer, time-out and so on. */
mach_msg_return_t lab_receive(struct lab_thread *thread, mach_port_name_t name,
			      struct lab_buffer *buffer, uint32_t option, uint32_t timeout);

/* The same with the largest trailer and no waiting: MACH_RCV_TIMED_OUT if nothing is there. */
mach_msg_return_t lab_receive_now(struct lab_thread *thread, mach_port_name_t name,
				  struct lab_buffer *buffer);

/* A message received: its descriptor number `index`, and its trailer. */
mach_msg_port_descriptor_t lab_port(const struct lab_buffer *buffer, unsigned index);
mach_msg_max_trailer_t lab_trailer(const struct lab_buffer *buffer);

/* The name or count that a notification carries. */
uint32_t lab_notice_word(const struct lab_buffer *buffer);
