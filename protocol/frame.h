/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: what travels on a channel.
 *
 * A frame is one SEQPACKET packet, or one record of a ring (ring.h). It begins with the fixed
 * header below; what follows depends on the operation. A Mach message is carried byte for byte as
 * the caller gave it, so one parser serves both transports. Both ends are on one machine: host byte
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
	MACHD_OP_CANCEL =
		3,	    /* give up the request with this sequence number; not answered itself */
	MACHD_OP_CALL = 4,  /* a kernel-object routine of ops.def */
	MACHD_OP_WATCH = 5, /* one page of what machctl shows, see watch.h */
	MACHD_OP_MEMORY = 6,   /* daemon to client: memory of the message in the previous answer */
	MACHD_OP_BELL = 7,     /* make a bell, the descriptor behind machd_port_fd() */
	MACHD_OP_FILEPORT = 8, /* turn a descriptor into a send right, or back */
	MACHD_OP_RING = 9,     /* get a ring: shared memory for the frames of this channel */
	MACHD_OP_LOOK = 10,    /* daemon to client: look into the ring, an answer was put there */
	MACHD_OP_BOARD = 11,   /* register the memfd of this channel's board, see board.h */
	MACHD_OP_ANSWER = 0x80,
};

struct machd_frame {
	uint32_t length;   /* of the whole packet, this header included */
	uint16_t op;	   /* enum machd_op */
	uint16_t fds;	   /* descriptors that came with the packet */
	uint32_t sequence; /* 1, 2, 3 ... per channel; an answer repeats its request's */
	uint32_t flags;	   /* enum machd_request_flags; in an answer, enum machd_answer_flags */
};

/* Flags of MACHD_OP_MESSAGE; other requests have none. */
enum machd_request_flags {
	MACHD_REQUEST_UNANSWERED = 1, /* a window of the board guarantees the send: no answer */
	MACHD_REQUEST_WINDOW = 2,     /* asks for a window for the message's destination */
	MACHD_REQUEST_LOAN = 4,	      /* the answer may lend further messages */
	MACHD_REQUEST_REPLY = 8,      /* with _UNANSWERED or _LOAN: sent to a send-once right */
};

enum machd_answer_flags {
	MACHD_ANSWER_GUARD = 1,	     /* it raised a guard exception: machd_take_guard_exception() */
	MACHD_ANSWER_GUARD_ACTS = 2, /* and the task has asked for a reaction to those */
};

/*
 * MACHD_OP_MESSAGE: the arguments of mach_msg, then the message, then memory_count times struct
 * machd_memory, one for each out-of-line descriptor in order, then data_size bytes of out-of-line
 * memory that travels in the frame, and last aux_size bytes of auxiliary data. The end of a large
 * body is not in the frame: descriptor 0, a sealed memfd, holds it.
 */
struct machd_message_args {
	uint64_t option;       /* MACH_SEND_MSG ...; the high half are mach_msg2's bits */
	uint64_t send_address; /* of the caller's buffers: opaque, becomes a guard's context */
	uint64_t rcv_address;  /* the same; of an unanswered message, its stamp */
	uint32_t send_size;
	uint32_t rcv_size;
	uint32_t rcv_name;
	uint32_t timeout;      /* milliseconds */
	uint32_t priority;     /* when sending; a port name with MACH_RCV_SYNC_WAIT */
	uint32_t memory_count; /* 0 as well if the library has not looked for descriptors */
	uint32_t data_size;
	uint32_t thread_priority; /* of the sending thread, a pthread_priority_t; 0: none */
	uint32_t aux_size;	  /* of the auxiliary data sent; 0: none */
	uint32_t rcv_aux_size;	  /* of the buffer for auxiliary data */
};

/*
 * Two options that only the library sets. MACHD_RCV_LINEAR, with MACH64_MSG_VECTOR: auxiliary data
 * are received behind the trailer, into the message's own buffer. MACHD_SEND_RETURN: the sender has
 * already unmapped memory that it gives away; if the message is refused, its descriptors come back
 * with the answer, in their order.
 */
#define MACHD_RCV_LINEAR  UINT64_C(0x1000000000000000)
#define MACHD_SEND_RETURN UINT64_C(0x2000000000000000)

/* Where the memory of an out-of-line descriptor is. Its size is in the descriptor. */
enum machd_memory_source {
	MACHD_MEMORY_NONE = 0,	     /* size 0 */
	MACHD_MEMORY_INLINE = 1,     /* in the frame */
	MACHD_MEMORY_FD = 2,	     /* in a sealed memfd */
	MACHD_MEMORY_UNREADABLE = 3, /* the sender could not read it */
};

/* Code of an answer: the message has out-of-line descriptors; send it again with their memory. */
#define MACHD_MEMORY_WANTED 0x7fffffff

struct machd_memory {
	uint32_t source; /* enum machd_memory_source */
	uint32_t fd;	 /* index among the frame's descriptors */
	uint64_t offset; /* in the memfd; modulo the page size it is that of the sender's address */
};

/* Where the bytes of an answer belong. */
enum machd_place {
	MACHD_PLACE_NONE = 0,
	MACHD_PLACE_RECEIVE = 1,   /* the receive buffer */
	MACHD_PLACE_SEND = 2,	   /* the send buffer: the message is returned (pseudo-receive) */
	MACHD_PLACE_TOO_LARGE = 3, /* no bytes: store too_large_size and _name as far as they fit */
};

/*
 * Answer to MACHD_OP_MESSAGE, followed by bytes for the buffer that `place` names. If part of the
 * body is in a descriptor, its body_size bytes belong at body_offset, between the bytes of the
 * answer before that offset and the others. The last aux_size bytes of the answer are auxiliary
 * data and belong in their own buffer.
 */
struct machd_message_answer {
	uint32_t code; /* mach_msg_return_t */
	uint32_t place;
	uint32_t body_offset;
	uint32_t body_size;
	uint32_t too_large_size; /* msgh_size of a message left on its queue */
	uint32_t too_large_name; /* the port it waits on (MACH_RCV_LARGE_IDENTITY), or 0 */
	uint32_t memory_count; /* out-of-line descriptors; not 0: a MACHD_OP_MEMORY frame follows */
	uint32_t memory_taken; /* descriptors of the sent message whose memory was taken */
	uint32_t priority;     /* of the received message, a pthread_priority_t; 0: none */
	uint32_t override;     /* and its override QoS */
	uint32_t aux_size;     /* of auxiliary data; also if they stay queued with their message */
	uint32_t loans;	       /* messages lent; not 0: a MACHD_OP_MEMORY frame follows with them */
};

/*
 * A lent message in that frame: this, and the `size` bytes that the receive buffer would have got.
 * Each begins at a multiple of 8.
 */
struct machd_loan {
	uint32_t size;
	uint32_t priority, override; /* as in the answer */
	uint32_t reserved;	     /* 0 */
};

/*
 * MACHD_OP_MEMORY: memory_count times struct machd_memory, then the inline bytes. All descriptors
 * of the answer come with this frame; the body's, if there is one, is the first.
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
 * MACHD_OP_BELL: two descriptors, the ends of a SEQPACKET socket pair that the client made and
 * keeps open. The client polls the second. To make it readable the daemon sends a byte through the
 * first, and to end that it reads the byte from the second. Routines of ops.def (bell_...) attach
 * ports and sets to it.
 */
struct machd_bell_answer {
	uint32_t code; /* kern_return_t */
	uint32_t reserved;
	uint64_t bell; /* its id, for those routines */
};

/* What a right made from a descriptor stands for. */
enum machd_file_kind {
	MACHD_FILE_ANY = 0,    /* a fileport: the file, whatever it is */
	MACHD_FILE_MEMORY = 1, /* a memory entry: a part of a memfd that cannot change its size */
};

/* The part of a memfd that a memory entry names, and what its holders may do with it. */
struct machd_extent {
	uint64_t offset, size; /* bytes */
	uint32_t protection;   /* VM_PROT_ */
	uint32_t reserved;     /* 0 */
};

/* MACHD_OP_FILEPORT: a descriptor, to make a right from it; or the name of such a right. */
struct machd_fileport {
	uint32_t port;		    /* the right; 0: the frame has a descriptor */
	uint32_t kind;		    /* enum machd_file_kind */
	struct machd_extent extent; /* of a memory entry to be made */
};

/* Answer to MACHD_OP_FILEPORT; with the descriptor if a right was given and the code is 0. */
struct machd_fileport_answer {
	uint32_t code;		    /* kern_return_t */
	uint32_t port;		    /* the right that was made */
	struct machd_extent extent; /* of the memory entry that was given */
};

/*
 * Answer to MACHD_OP_RING. With code 0 come two descriptors, if the daemon can spare them: a memfd
 * with struct machd_rings, and an eventfd to wake the daemon with. From then on frames without
 * descriptors may use ring or socket. Order is kept: before the daemon reads a packet it has read
 * all that was put into the ring earlier. It answers through the ring only after a frame has come
 * through it, so a client that fails to map the memory simply goes on with the socket.
 */
struct machd_ring_answer {
	uint32_t code; /* kern_return_t */
	uint32_t reserved;
};
#define MACHD_RING_FDS 2

/*
 * MACHD_OP_BOARD: one descriptor and no payload: a memfd of MACHD_BOARD_SIZE bytes, sealed against
 * shrinking and growing. The answer is a struct machd_call_answer. It replaces any earlier board of
 * the channel; all windows are closed and all counts 0.
 */

/*
 * mach_msg2's rule for its options, checked by the library and again by the daemon: a send names
 * exactly one kind of destination, and in vector form not an object of the daemon.
 */
bool machd_options_good(uint64_t option);

/*
 * True if the packet, of which `size` bytes are given, is an unanswered message. Then *stamp is the
 * time of CLOCK_MONOTONIC, in ns, at which it was sent: such messages of several channels are
 * handled in the order of their stamps.
 */
bool machd_frame_unanswered(const void *packet, size_t size, uint64_t *stamp);

/*
 * True if the packet belongs to a stream of messages (MACHD_REQUEST_UNANSWERED, _WINDOW or _LOAN),
 * as opposed to a call whose sender waits for the answer, or a reply to one.
 */
bool machd_frame_streams(const void *packet, size_t size);

/* The first bytes of a packet that these two look at. */
#define MACHD_FRAME_HEAD_SIZE \
	(sizeof(struct machd_frame) + offsetof(struct machd_message_args, send_size))

/* Why a packet is not a frame; machd_frame_problem() names it for a log line. */
enum machd_frame_error {
	MACHD_FRAME_OK = 0,
	MACHD_FRAME_SHORT,    /* fewer bytes than a header */
	MACHD_FRAME_LENGTH,   /* the length field is not the packet's length */
	MACHD_FRAME_RESERVED, /* flags that its operation does not have */
	MACHD_FRAME_FDS,      /* the fd count is not what came, or more than a frame may carry */
	MACHD_FRAME_OP,	      /* no such operation, or an answer from a client */
};

/*
 * Check a packet's header. `fds` is the number of descriptors that really came with the packet.
 * *frame becomes a copy of the header, valid only with MACHD_FRAME_OK.
 */
enum machd_frame_error machd_frame_check(const void *packet, size_t size, unsigned fds,
					 struct machd_frame *frame);

/* A phrase for a log line, such as "its frame is shorter than a header". */
const char *machd_frame_problem(enum machd_frame_error error);
