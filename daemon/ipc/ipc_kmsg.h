/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages inside the daemon.
 *
 * A kmsg is one allocation. First come the fields that change while the message is in the daemon;
 * then the signed part: identity, header, sender's tokens, and the tables of descriptors, rights
 * and memfds; last the bytes of body, inline memory and auxiliary data, which the daemon never
 * interprets. The end of a large body and large pieces of memory are in memfds that it never reads.
 *
 * The path of a message, with the file of each step:
 *
 *   inflate   kmsg_inflate.c   the user's bytes become a kmsg; nothing is looked up yet
 *   copyin    kmsg_copyin.c    names become naked rights: check, then commit; then it is signed
 *                              (the body in kmsg_copyin_body.c, what a destination refuses in
 *                              kmsg_policy.c; inflate and copyin in one step, for messages that
 *                              were promised room, in kmsg_plain.c)
 *   send      ipc_msg.c        queued, or handed to a waiting receiver (ipc_mqueue.c)
 *   receive   ipc_mqueue.c     taken from the queue
 *   copyout   kmsg_copyout.c   naked rights become names in the receiver's space
 *   deflate   kmsg_deflate.c   the kmsg becomes the receiver's bytes
 *   clean     kmsg_clean.c     or it is destroyed, and its rights with it
 *
 * kmsg_layout.c knows the layout of descriptors in users' messages.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_sign.h"
#include "daemon/ipc/ipc_source.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_types.h"
#include "daemon/ipc/ipc_work.h"

/*
 * A descriptor in kernel form. What a field means depends on the type: d_count is the size of
 * memory, the length of an array of rights, and 1 for a port.
 */
struct ikm_descriptor {
	uint8_t d_type;	       /* MACH_MSG_PORT_DESCRIPTOR ... */
	uint8_t d_disposition; /* before copyin the user's, after it the type of the naked rights */
	uint8_t d_copy;	       /* memory: MACH_MSG_PHYSICAL_COPY or _VIRTUAL_COPY */
	uint8_t d_deallocate;  /* memory: the sender gives it away */
	uint32_t d_count;
	uint32_t d_first;   /* ports: its first right in ikm_rights */
	uint32_t d_flags;   /* guarded port: MACH_MSG_GUARD_FLAGS_ */
	uint64_t d_context; /* guarded port */
	uint32_t d_source;  /* memory: enum machd_memory_source */
	uint32_t d_fd;	    /* memory: index in ikm_fds */
	uint64_t d_offset;  /* memory: in that memfd, or in ikm_data */
};

/* A right in the body: a name before copyin and after copyout, a naked right in between. */
union ikm_right {
	struct ipc_port *r_port;
	mach_port_name_t r_name;
};

/* A memfd that the message holds. */
struct ikm_fd {
	ipc_fd_t f_handle;
	uint64_t f_size;
};

/*
 * Signed, with the tables behind it, while a message waits. No padding anywhere. The fields that
 * are 0 in most messages come last, from ikm_reply on: see ipc_kmsg_sign().
 */
struct ikm_header {
	uint64_t ikm_id;		       /* the message's identity */
	struct ipc_port *ikm_dest;	       /* naked right, type in ikm_dest_type */
	uint8_t ikm_dest_type, ikm_reply_type; /* MACH_MSG_TYPE_PORT_ of the naked rights */
	uint8_t ikm_voucher_type; /* as the sender gave it: 0, MOVE_SEND or COPY_SEND */
	uint8_t ikm_complex;
	uint32_t ikm_msgh_id;
	uint32_t ikm_inline_size; /* body bytes in ikm_body; the rest is in the first memfd */
	uint32_t ikm_body_size;	  /* all body bytes */
	security_token_t ikm_security;
	audit_token_t ikm_audit;
	struct ipc_port *ikm_reply;
	struct ipc_port *ikm_voucher; /* a send right, or NULL */
	uint32_t ikm_voucher_field;   /* as the sender wrote it */
	uint32_t ikm_data_size;	      /* bytes of memory in ikm_data */
	uint32_t ikm_descriptors;     /* how many of each table follow: ikm_desc, */
	uint32_t ikm_right_count;     /* ikm_rights, */
	uint32_t ikm_fd_count;	      /* ikm_fds */
	uint32_t ikm_priority;	      /* QoS [18], in the form of pthread_priority_t */
	uint32_t ikm_aux_size;	      /* bytes in ikm_aux: 0, or 8 of a header and more */
	uint32_t ikm_pad;
};

enum ipc_kmsg_memory {
	IKM_OF_POOL,
	IKM_OF_RESERVE, /* h_reserve: for promised messages (ipc_window.h) */
	IKM_OF_NOTICES, /* h_notices: for the daemon's own (ipc_owed.h) */
};

/* The progress of destroying a message (kmsg_clean.c). */
struct ikm_clean {
	uint32_t cl_descriptors; /* descriptors destroyed, */
	uint32_t cl_rights;	 /* rights of the next descriptor destroyed, */
	uint32_t cl_end;	 /* descriptors to destroy in all */
	uint8_t cl_header;	 /* rights of the header destroyed */
	bool cl_begun;
	bool cl_refused; /* the rights of the refused descriptor come first */
};

struct ipc_kmsg {
	struct ipc_work ikm_work;	 /* links it into its queue, or the work of destroying it */
	struct ipc_account *ikm_account; /* charged for it */
	uint64_t ikm_charge;		 /* bytes, including those of memfds */
	size_t ikm_size;		 /* bytes of this allocation */
	uint64_t ikm_since;		 /* when it was queued */
	struct ikm_fd *ikm_fds;		 /* the parts behind ikm_desc, in this order */
	union ikm_right *ikm_rights;
	uint8_t *ikm_body;
	uint8_t *ikm_data;
	uint8_t *ikm_aux;
	size_t ikm_signed; /* bytes from ikm_header on that are signed */
	uint32_t ikm_bits; /* as the user wrote them: what copyin reads */
	mach_port_name_t ikm_dest_name, ikm_reply_name;
	uint64_t ikm_caller; /* of a reply of the daemon: id of the thread blocked with it, or 0 */
	struct ipc_port *ikm_timer; /* the timer that sent it, with a reference; else NULL */
	bool ikm_circular;	    /* to be destroyed instead of queued [8.9] */
	bool ikm_always;	    /* to be queued whatever the queue's limit */
	struct ikm_clean ikm_clean;
	bool ikm_send_receives;	 /* its sender receives in the same call */
	bool ikm_fds_lent;	 /* its memfds belong to the request until it is copied in */
	uint8_t ikm_sender_word; /* bits of its sender's pointers; 0: sent by the daemon */
	uint8_t ikm_memory;	 /* enum ipc_kmsg_memory: where its memory is from */
	bool ikm_donates;	 /* its sender was important at the send and may donate */
	bool ikm_may_donate;	 /* its sender did not say MACH_SEND_NOIMPORTANCE */
	bool ikm_lends;		 /* its reply right holds a boost (ie_boosts) */
	struct ipc_donation ikm_donation; /* raised: it boosts its destination */
	mach_msg_qos_t ikm_override;	  /* the highest QoS of it and the messages behind it */
	uint8_t ikm_signature[IPC_SIGNATURE_SIZE];
	struct ikm_header ikm_header;
	struct ikm_descriptor ikm_desc[];
};

/* Sizes of a kmsg's parts: entries of its tables, bytes of its body, memory and auxiliary data. */
struct ipc_kmsg_plan {
	uint32_t p_descriptors, p_fds, p_rights, p_body, p_data, p_aux;
};

/* What may keep a kmsg from being made. */
enum ipc_kmsg_how {
	IKM_BOUND,    /* the payer's limits, or no memory */
	IKM_PROMISED, /* nothing: a window promised it (ipc_window.h) and reserved its memory */
	IKM_NOTICE,   /* nothing: the daemon owes it (ipc_owed.h) and reserved its memory */
};

/* The largest kmsg that is promised, and the largest that the daemon owes. */
#define IKM_PROMISED_MAX (sizeof(struct ipc_kmsg) + MACHD_UNANSWERED_MAX)
#define IKM_NOTICE_MAX \
	(sizeof(struct ipc_kmsg) + sizeof(struct ikm_descriptor) + sizeof(union ikm_right))

/*
 * Allocate and lay out a kmsg. NULL: no memory, or `payer` (may be NULL: the daemon itself) is at a
 * limit. IKM_PROMISED and IKM_NOTICE use the reserve if there is no other memory. The caller has
 * taken the message off what is promised (ipc_window_take), or has the send-once right or timer
 * that the notice is for.
 */
struct ipc_kmsg *ipc_kmsg_alloc(struct ipc_host *host, struct ipc_account *payer,
				const struct ipc_kmsg_plan *plan, enum ipc_kmsg_how how);

/* Put a memfd into its place in the table and charge for it; false at a limit, nothing done. */
bool ipc_kmsg_take_fd(struct ipc_host *host, struct ipc_kmsg *kmsg, unsigned index,
		      struct ikm_fd fd);

/* Free a kmsg that holds no rights any more; its memfds go to the outbox for release. */
void ipc_kmsg_free(struct ipc_host *host, struct ipc_kmsg *kmsg);

/* Bytes of body, memory and auxiliary data, inline and in memfds; no headers and descriptors. */
uint64_t ipc_kmsg_content(const struct ipc_kmsg *kmsg);

/*
 * Sign a message that is complete. For one without reply, voucher, descriptors, QoS and the like
 * only the part before ikm_reply is signed, which says that the rest is 0.
 */
void ipc_kmsg_sign(struct ipc_host *host, struct ipc_kmsg *kmsg);

/*
 * True if the message is what was signed. False: our memory is corrupt. The outbox was told, and if
 * it returned, the message has been dropped without touching its rights.
 */
bool ipc_kmsg_check_signature(struct ipc_host *host, struct ipc_kmsg *kmsg);

/* A memfd as it came with a request. */
struct ipc_user_fd {
	struct ikm_fd uf_fd;
	bool uf_sealed; /* nobody can change or shrink it */
};

/* What a send gives: a message as the user wrote it. */
struct ipc_user_message {
	uint64_t um_option;	 /* how it is sent: MACH64_SEND_ bits */
	const uint8_t *um_bytes; /* the first um_inline bytes; the rest is in the first memfd */
	uint32_t um_inline;
	uint32_t um_size;
	const uint8_t *um_memory; /* um_memory_count times struct machd_memory, not aligned */
	uint32_t um_memory_count;
	const uint8_t *um_data; /* inline memory */
	uint32_t um_data_size;
	const uint8_t *um_aux; /* auxiliary data */
	uint32_t um_aux_size;
	const struct ipc_user_fd *um_fds;
	unsigned um_fd_count;
	bool um_promised; /* allocate it as IKM_PROMISED */
	bool um_receives; /* an unanswered reply: its sender received in the same call */
};

/*
 * Bytes to kmsg [8, steps 2 to 6]; takes the memfds only on success. MACH_SEND_MSG_TOO_SMALL,
 * _TOO_LARGE, _AUX_TOO_SMALL, _AUX_TOO_LARGE, _NO_BUFFER, _INVALID_TYPE, _INVALID_DATA,
 * MACH_MSG_VM_KERNEL, MACHD_MEMORY_WANTED.
 */
mach_msg_return_t ipc_kmsg_inflate(struct ipc_host *host, struct ipc_task *task,
				   const struct ipc_user_message *message, struct ipc_kmsg **kmsg);

/*
 * Inflate, copyin and signature at once, for a plain message that was promised and is known to go
 * to `port` (kmsg_plain.c). Cannot fail.
 */
struct ipc_kmsg *ipc_kmsg_inflate_plain(struct ipc_host *host, struct ipc_task *task,
					const struct ipc_user_message *message,
					struct ipc_port *port);

/* Bytes of the message, without trailer, for a receiver with this word size. */
uint32_t ipc_kmsg_size(const struct ipc_kmsg *kmsg, unsigned word);

/*
 * Names to rights [8, steps 7 to 9]. Takes the kmsg when it fails; whether rights are lost then is
 * part of the contract [10.1], and th_memory_taken says how much of the sender's memory is.
 * MACH_SEND_INVALID_HEADER, _DEST, _REPLY, _VOUCHER, _RIGHT, _MEMORY, _OPTIONS, _NO_BUFFER.
 */
mach_msg_return_t ipc_kmsg_copyin(struct ipc_host *host, struct ipc_thread *thread,
				  struct ipc_kmsg *kmsg);

/*
 * A step of copyin, after the header: does the destination accept this message?
 * MACH_SEND_INVALID_OPTIONS, _NO_GRANT_DEST, _MSG_FILTERED.
 */
mach_msg_return_t ipc_kmsg_check_policy(struct ipc_host *host, struct ipc_thread *thread,
					const struct ipc_kmsg *kmsg);

/*
 * The last step: rights and memory of the body are taken, descriptor by descriptor. On failure the
 * message is destroyed with what was taken so far. *memory_taken counts the descriptors whose
 * memory the sender has lost, if it gave it away.
 */
mach_msg_return_t ipc_kmsg_copyin_body(struct ipc_host *host, struct ipc_space *space,
				       struct ipc_kmsg *kmsg, uint32_t *memory_taken);

/* What copyout leaves in the header for the receiver. */
struct ipc_received {
	uint32_t r_bits;
	mach_port_name_t r_remote, r_local, r_voucher;
	uint32_t r_seqno;
	uint64_t r_context;
	bool r_aux; /* the message had auxiliary data, and is gone */
};

/*
 * Rights to names in the receiver's space [9.4]. MACH_RCV_HEADER_ERROR: there is no room for the
 * reply right, MACH_RCV_INVALID_REPLY: it is not what the receiver insists on [17.4]; the caller
 * has to destroy the message then as in [9.3]. MACH_RCV_BODY_ERROR: delivered with holes.
 */
mach_msg_return_t ipc_kmsg_copyout(struct ipc_host *host, struct ipc_thread *thread,
				   struct ipc_kmsg *kmsg, struct ipc_received *received);

/*
 * Put the message back into the sender's space [10.2]; space errors are OR-ed into `code`, and
 * MACH_RCV_BODY_ERROR with those of its body.
 */
mach_msg_return_t ipc_kmsg_copyout_pseudo(struct ipc_host *host, struct ipc_thread *thread,
					  struct ipc_kmsg *kmsg, mach_msg_return_t code,
					  struct ipc_received *received);

/* Only the destination right, for a message that cannot be received [9.3]; takes the kmsg. */
void ipc_kmsg_copyout_dest(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
			   struct ipc_received *received);

/* The answer with the message: to the receive buffer with a trailer, or back without. Frees it. */
void ipc_kmsg_deflate(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		      const struct ipc_received *received, mach_msg_return_t code);
void ipc_kmsg_deflate_pseudo(struct ipc_host *host, struct ipc_thread *thread,
			     struct ipc_kmsg *kmsg, const struct ipc_received *received,
			     mach_msg_return_t code);

/*
 * The answer of [9.3]: a bare header and a trailer with the daemon's tokens, which ends where the
 * buffer does. Of a header that has no room nothing is written: MACH_RCV_INVALID_DATA.
 */
void ipc_kmsg_deflate_bare(struct ipc_host *host, struct ipc_thread *thread,
			   const struct ipc_received *received, uint32_t msgh_id,
			   mach_msg_return_t code);

/*
 * Write a copy of a message that stays on its queue, as ipc_loan.h has it; how many bytes that are,
 * a multiple of 8. 0: it is more than the receiver or `room` takes.
 */
size_t ipc_kmsg_deflate_loan(const struct ipc_thread *thread, const struct ipc_kmsg *kmsg,
			     struct ipc_received *received, uint8_t *at, size_t room);

/* Bytes of the trailer that receive options ask for [6]. */
uint32_t ipc_kmsg_trailer_size(uint64_t option, unsigned word);

/* Destroy a message and its rights [10.3], as work. */
void ipc_kmsg_destroy(struct ipc_host *host, struct ipc_kmsg *kmsg);

/* The work itself. */
void ipc_kmsg_destroy_step(struct ipc_host *host, struct ipc_kmsg *kmsg);

/*
 * Destroy header rights and those of the first `descriptors`, each with all that follows from it
 * [10.1]; takes the kmsg. What is more than a few rights is done as work.
 */
void ipc_kmsg_clean_partial(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptors);

/*
 * The same when copyin has refused this descriptor: first go those of its rights, as d_count says,
 * that were taken, then the header's, and then those of the descriptors before it.
 */
void ipc_kmsg_clean_refused(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptor);
