/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: what travels on a channel.
 *
 * One SEQPACKET packet is one frame. It begins with the fixed header below; what follows depends on
 * the operation. A Mach message is carried in exactly the bytes the user gave, so the same parser
 * serves any transport that can carry bytes in order. Both ends are on one machine: host byte
 * order.
 *
 * Who uses it: the client library builds requests and reads answers; daemon/trap reads requests and
 * builds answers. Nothing here looks at an object.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHD_PROTOCOL_VERSION 1

/* Operations. An answer has its request's operation with MACHD_OP_ANSWER set. */
enum machd_op {
	MACHD_OP_HELLO = 1, /* msgpack map, see hello.h; first frame of every channel, sequence 0 */
	MACHD_OP_MESSAGE = 2, /* mach_msg: send, receive, or both; one answer */
	MACHD_OP_CANCEL = 3,  /* give up the request with this sequence; no answer of its own */
	MACHD_OP_CALL = 4,    /* a kernel-object routine of ops.def */
	MACHD_OP_WATCH = 5,   /* one page of what machctl shows, see watch.h */
	MACHD_OP_MEMORY = 6,  /* from the daemon only: memory of the message in the answer before */
	MACHD_OP_BELL = 7,    /* make a bell, what machd_port_fd() is made of */
	MACHD_OP_FILEPORT = 8, /* make a right of a descriptor, or get the descriptor of one */
	MACHD_OP_RING = 9,     /* get a ring: shared memory for the frames of this channel */
	MACHD_OP_LOOK = 10,    /* from the daemon only: there is an answer in the ring, or was */
	MACHD_OP_BOARD = 11,   /* here is the memory for this channel's board, see board.h */
	MACHD_OP_ANSWER = 0x80,
};

struct machd_frame {
	uint32_t length;   /* of the whole packet, this header included */
	uint16_t op;	   /* enum machd_op */
	uint16_t fds;	   /* descriptors that came with the packet */
	uint32_t sequence; /* 1, 2, 3 ... over a channel; an answer repeats its request's */
	uint32_t flags;	   /* enum machd_request_flags, of an answer enum machd_answer_flags */
};

/* Of a MACHD_OP_MESSAGE; other requests have none. */
enum machd_request_flags {
	MACHD_REQUEST_UNANSWERED = 1, /* there is no answer: the channel's board says it is sent */
	MACHD_REQUEST_WINDOW = 2,     /* the board shall have a window for its destination */
	MACHD_REQUEST_LOAN = 4,	      /* the answer may have more than one message */
	MACHD_REQUEST_REPLY = 8, /* with _UNANSWERED or _LOAN: it is sent to a send-once right */
};

enum machd_answer_flags {
	MACHD_ANSWER_GUARD = 1,	     /* the request was misuse: see machd_take_guard_exception */
	MACHD_ANSWER_GUARD_ACTS = 2, /* and its task has said that something shall follow of it */
};

/*
 * MACHD_OP_MESSAGE: the arguments of mach_msg, then the message, then memory_count times struct
 * machd_memory for its out-of-line descriptors, in order, then data_size bytes of those that travel
 * inline, one after another, and last aux_size bytes of auxiliary data. Bytes of the message that
 * are not in the frame (the end of a large body) are the content of descriptor 0, a sealed memfd.
 */
struct machd_message_args {
	uint64_t option;       /* MACH_SEND_MSG ...; the high half are mach_msg2's bits */
	uint64_t send_address; /* of the caller's buffers: opaque, becomes a guard's context */
	uint64_t rcv_address;  /* of an unanswered one, which receives nothing: its stamp */
	uint32_t send_size;
	uint32_t rcv_size;
	uint32_t rcv_name;
	uint32_t timeout;      /* milliseconds */
	uint32_t priority;     /* when sending; a port name with MACH_RCV_SYNC_WAIT */
	uint32_t memory_count; /* 0 also if nobody has looked at the message */
	uint32_t data_size;
	uint32_t thread_priority; /* of who sends, as pthread_priority_t; 0: it has none */
	uint32_t aux_size;	  /* of what is sent beside the message; 0: none */
	uint32_t rcv_aux_size;	  /* of the buffer for what is received beside it */
};

/*
 * An option that programs cannot give: with MACH64_MSG_VECTOR, auxiliary data are received behind
 * the trailer, into the message's own buffer.
 */
#define MACHD_RCV_LINEAR UINT64_C(0x1000000000000000)

/*
 * Another one: the sender has let go of memory that it gives away. If the message is refused its
 * descriptors come back with the answer, in their order.
 */
#define MACHD_SEND_RETURN UINT64_C(0x2000000000000000)

/* Where the memory of an out-of-line descriptor is. Its size is in the descriptor. */
enum machd_memory_source {
	MACHD_MEMORY_NONE = 0,	     /* there is none: size 0 */
	MACHD_MEMORY_INLINE = 1,     /* in the frame */
	MACHD_MEMORY_FD = 2,	     /* in a sealed memfd */
	MACHD_MEMORY_UNREADABLE = 3, /* the sender could not read it */
};

/* The code of a message that has memory and came without: to be sent again with it. */
#define MACHD_MEMORY_WANTED 0x7fffffff

struct machd_memory {
	uint32_t source; /* enum machd_memory_source */
	uint32_t fd;	 /* which of the frame's descriptors */
	uint64_t offset; /* in the memfd; its offset in a page is that of the sender's address */
};

/* Where the bytes of an answer belong. */
enum machd_place {
	MACHD_PLACE_NONE = 0,
	MACHD_PLACE_RECEIVE = 1,   /* the receive buffer */
	MACHD_PLACE_SEND = 2,	   /* the send buffer: a message that was given back */
	MACHD_PLACE_TOO_LARGE = 3, /* no bytes: write too_large_size and _name as far as they fit */
};

/*
 * Answer to MACHD_OP_MESSAGE, followed by bytes for the buffer that `place` names. With a
 * descriptor, body_size bytes of it belong at body_offset: the bytes of the answer before that
 * offset go before them, the others behind. The last aux_size bytes of the answer
 * are not part of that: they belong in the buffer for auxiliary data.
 */
struct machd_message_answer {
	uint32_t code; /* mach_msg_return_t */
	uint32_t place;
	uint32_t body_offset;
	uint32_t body_size;
	uint32_t too_large_size; /* msgh_size of a message left on its queue */
	uint32_t too_large_name; /* the port it waits on (MACH_RCV_LARGE_IDENTITY), or 0 */
	uint32_t memory_count; /* out-of-line descriptors: 0, or a MACHD_OP_MEMORY frame follows */
	uint32_t memory_taken; /* descriptors of the message sent whose memory was taken */
	uint32_t priority;     /* of a message received, as pthread_priority_t; 0: it has none */
	uint32_t override;     /* and its override QoS */
	uint32_t aux_size;     /* with MACHD_PLACE_TOO_LARGE: of those left with their message */
	uint32_t loans;	       /* messages that are lent: a MACHD_OP_MEMORY frame has them */
};

/*
 * What is in that frame then, for each of them: this, and so many bytes as the receiver's buffer
 * would have got. Each begins at a multiple of 8.
 */
struct machd_loan {
	uint32_t size;
	uint32_t priority, override; /* as in the answer */
	uint32_t reserved;	     /* 0 */
};

/*
 * MACHD_OP_MEMORY: memory_count times struct machd_memory, then the inline bytes. All descriptors
 * of the answer come with this frame; that of the body, if there is one, is the first.
 */

/* MACHD_OP_CALL: this, then struct NAME_in of the routine (ops.h). */
struct machd_call {
	uint32_t routine;
	uint32_t target; /* name of the object in the caller's space */
};

/* Answer to MACHD_OP_CALL: this, then struct NAME_out if the code is KERN_SUCCESS. */
struct machd_call_answer {
	uint32_t code; /* kern_return_t */
	uint32_t reserved;
};

/*
 * MACHD_OP_BELL: two descriptors, the ends of a pair of SEQPACKET sockets of the client's own. On
 * the first the daemon sends a byte, from the second it takes it back; the client polls the second.
 * What hangs on the bell is arranged by routines.
 */
struct machd_bell_answer {
	uint32_t code; /* kern_return_t */
	uint32_t reserved;
	uint64_t bell; /* its id, for those routines */
};

/* What a right made of a descriptor stands for. */
enum machd_file_kind {
	MACHD_FILE_ANY = 0,    /* a fileport: the file, whatever it is */
	MACHD_FILE_MEMORY = 1, /* a memory entry: a part of a memfd that cannot change its size */
};

/* The part of a memfd that a memory entry is, and what its holders may do with it. */
struct machd_extent {
	uint64_t offset, size; /* bytes */
	uint32_t protection;   /* VM_PROT_ */
	uint32_t reserved;     /* 0 */
};

/* MACHD_OP_FILEPORT: with a descriptor, to make a right of it, or with the name of such a right. */
struct machd_fileport {
	uint32_t port;		    /* 0: there is a descriptor */
	uint32_t kind;		    /* enum machd_file_kind */
	struct machd_extent extent; /* of a memory entry to be made */
};

/* Answer to MACHD_OP_FILEPORT; with a descriptor if that was asked for and the code is 0. */
struct machd_fileport_answer {
	uint32_t code;		    /* kern_return_t */
	uint32_t port;		    /* what was made */
	struct machd_extent extent; /* of the memory entry that was asked for */
};

/*
 * Answer to MACHD_OP_RING. With code 0 come two descriptors, if the daemon has them to spare: a
 * memfd with struct machd_rings, and what to write 8 bytes to, as to an eventfd, to wake it. From
 * then on a frame without descriptors may go either way, and before the daemon reads a packet it
 * has read all that was in the ring before. It answers through the ring once something has come
 * through it: a client that has no room for the memory goes on as if there were none.
 */
struct machd_ring_answer {
	uint32_t code; /* kern_return_t */
	uint32_t reserved;
};
#define MACHD_RING_FDS 2

/*
 * MACHD_OP_BOARD: a descriptor and nothing else: a memfd of MACHD_BOARD_SIZE bytes, sealed against
 * shrinking and growing. Its answer is a struct machd_call_answer. From then on all of its windows
 * are closed and their counts 0, also if the channel has had a board before.
 */

/*
 * An unanswered message has a stamp: the time of CLOCK_MONOTONIC, in ns, when it was sent. Those of
 * several channels are handled in the order of their stamps, as far as they are there. Is this
 * packet one? Then *stamp is its stamp; `size` bytes of it are there.
 */
bool machd_frame_unanswered(const void *packet, size_t size, uint64_t *stamp);

/*
 * Is it part of a stream: a message sent or received that could do without a request of its own
 * (MACHD_REQUEST_UNANSWERED, _WINDOW, _LOAN)? Nobody calls by it and waits for an answer, nor is
 * it a reply to who does.
 */
bool machd_frame_streams(const void *packet, size_t size);

/* So many bytes of a packet are enough for these. */
#define MACHD_FRAME_HEAD_SIZE \
	(sizeof(struct machd_frame) + offsetof(struct machd_message_args, send_size))

/* Why a packet is not a frame; machd_frame_problem() names it for a log line. */
enum machd_frame_error {
	MACHD_FRAME_OK = 0,
	MACHD_FRAME_SHORT,    /* fewer bytes than a header */
	MACHD_FRAME_LENGTH,   /* the length field is not the packet's length */
	MACHD_FRAME_RESERVED, /* there are flags that it cannot have */
	MACHD_FRAME_FDS,      /* the fd count is not what came, or more than a frame may carry */
	MACHD_FRAME_OP,	      /* no such operation, or an answer from a client */
};

/*
 * Check a packet's header. `frame` gets a copy of it (defined only for MACHD_FRAME_OK).
 * `fds` is the number of descriptors that really came with the packet.
 */
enum machd_frame_error machd_frame_check(const void *packet, size_t size, unsigned fds,
					 struct machd_frame *frame);

/* A phrase for a log line, such as "its frame is shorter than a header". */
const char *machd_frame_problem(enum machd_frame_error error);
