/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: the layout of header, descriptors and trailer, the options and codes of mach_msg, and
 * mach_msg itself. The layouts are Mach's, packed to 4 bytes; tests/unit and the daemon check them.
 *
 * A message is a header; then, if MACH_MSGH_BITS_COMPLEX is set, a count and that many descriptors;
 * then bytes that only the two ends know; and, in a message received, a trailer.
 */
#pragma once

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/message_options.h>
#include <mach/port.h>
#include <mach/vm_types.h>
#include <machd_cdefs.h>

/* Milliseconds, and only with MACH_SEND_TIMEOUT or MACH_RCV_TIMEOUT. */
typedef natural_t mach_msg_timeout_t;

#define MACH_MSG_TIMEOUT_NONE ((mach_msg_timeout_t)0)

/*
 * msgh_bits: the dispositions of the three header rights, and flags.
 */
typedef unsigned int mach_msg_bits_t;

#define MACH_MSGH_BITS_ZERO	    0x00000000
#define MACH_MSGH_BITS_REMOTE_MASK  0x0000001f
#define MACH_MSGH_BITS_LOCAL_MASK   0x00001f00
#define MACH_MSGH_BITS_VOUCHER_MASK 0x001f0000

#define MACH_MSGH_BITS_PORTS_MASK \
	(MACH_MSGH_BITS_REMOTE_MASK | MACH_MSGH_BITS_LOCAL_MASK | MACH_MSGH_BITS_VOUCHER_MASK)

#define MACH_MSGH_BITS_COMPLEX	0x80000000U /* descriptors follow the header */
#define MACH_MSGH_BITS_USER	0x801f1f1fU /* what a sender may set; the rest is masked off */
#define MACH_MSGH_BITS_RAISEIMP 0x20000000U
#define MACH_MSGH_BITS_DENAP	MACH_MSGH_BITS_RAISEIMP
#define MACH_MSGH_BITS_CIRCULAR 0x10000000U /* inside the daemon only */
#define MACH_MSGH_BITS_USED	0xb01f1f1fU

#define MACH_MSGH_BITS_IMPHOLDASRT   0x10000000U /* in a message received */
#define MACH_MSGH_BITS_DENAPHOLDASRT MACH_MSGH_BITS_IMPHOLDASRT

/* Put bits together. */
#define MACH_MSGH_BITS(remote, local) ((remote) | ((local) << 8))
#define MACH_MSGH_BITS_SET_PORTS(remote, local, voucher)                                        \
	(((remote)&MACH_MSGH_BITS_REMOTE_MASK) | (((local) << 8) & MACH_MSGH_BITS_LOCAL_MASK) | \
	 (((voucher) << 16) & MACH_MSGH_BITS_VOUCHER_MASK))
#define MACH_MSGH_BITS_SET(remote, local, voucher, other)         \
	(MACH_MSGH_BITS_SET_PORTS((remote), (local), (voucher)) | \
	 ((other) & ~MACH_MSGH_BITS_PORTS_MASK))

/* Take bits apart. */
#define MACH_MSGH_BITS_REMOTE(bits)  ((bits)&MACH_MSGH_BITS_REMOTE_MASK)
#define MACH_MSGH_BITS_LOCAL(bits)   (((bits)&MACH_MSGH_BITS_LOCAL_MASK) >> 8)
#define MACH_MSGH_BITS_VOUCHER(bits) (((bits)&MACH_MSGH_BITS_VOUCHER_MASK) >> 16)
#define MACH_MSGH_BITS_PORTS(bits)   ((bits)&MACH_MSGH_BITS_PORTS_MASK)
#define MACH_MSGH_BITS_OTHER(bits)   ((bits) & ~MACH_MSGH_BITS_PORTS_MASK)

#define MACH_MSGH_BITS_HAS_REMOTE(bits)	 (MACH_MSGH_BITS_REMOTE(bits) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_HAS_LOCAL(bits)	 (MACH_MSGH_BITS_LOCAL(bits) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_HAS_VOUCHER(bits) (MACH_MSGH_BITS_VOUCHER(bits) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_IS_COMPLEX(bits)	 (((bits)&MACH_MSGH_BITS_COMPLEX) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_RAISED_IMPORTANCE(bits) \
	(((bits)&MACH_MSGH_BITS_RAISEIMP) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_HOLDS_IMPORTANCE_ASSERTION(bits) \
	(((bits)&MACH_MSGH_BITS_IMPHOLDASRT) != MACH_MSGH_BITS_ZERO)

typedef natural_t mach_msg_size_t;
typedef integer_t mach_msg_id_t;

#define MACH_MSG_SIZE_NULL     ((mach_msg_size_t *)0)
#define MACH_MSG_SIZE_MAX      ((mach_msg_size_t)~0)
#define MACH_MSG_SIZE_RELIABLE ((mach_msg_size_t)(256 * 1024))

/* What msgh_kind said when msgh_voucher_port was that. */
typedef mach_port_seqno_t mach_msg_kind_t;

#define msgh_kind		    msgh_seqno
#define MACH_MSGH_KIND_NORMAL	    0x00000000
#define MACH_MSGH_KIND_NOTIFICATION 0x00000001

/* The priority word of MACH_SEND_OVERRIDE. */
typedef unsigned int mach_msg_priority_t;

#define MACH_MSG_PRIORITY_UNSPECIFIED ((mach_msg_priority_t)0)

/* Where its parts are; mach_msg_priority_encode() puts them together. */
#define MACH_MSG_PRIORITY_RELPRI_SHIFT	 8
#define MACH_MSG_PRIORITY_RELPRI_MASK	 0x0000ff00
#define MACH_MSG_PRIORITY_QOS_SHIFT	 16
#define MACH_MSG_PRIORITY_QOS_MASK	 0x000f0000
#define MACH_MSG_PRIORITY_OVERRIDE_SHIFT 20
#define MACH_MSG_PRIORITY_OVERRIDE_MASK	 0x00f00000

typedef uint8_t mach_msg_qos_t;

#define MACH_MSG_QOS_UNSPECIFIED      ((mach_msg_qos_t)0)
#define MACH_MSG_QOS_MAINTENANCE      ((mach_msg_qos_t)1)
#define MACH_MSG_QOS_BACKGROUND	      ((mach_msg_qos_t)2)
#define MACH_MSG_QOS_UTILITY	      ((mach_msg_qos_t)3)
#define MACH_MSG_QOS_DEFAULT	      ((mach_msg_qos_t)4)
#define MACH_MSG_QOS_USER_INITIATED   ((mach_msg_qos_t)5)
#define MACH_MSG_QOS_USER_INTERACTIVE ((mach_msg_qos_t)6)
#define MACH_MSG_QOS_LAST	      ((mach_msg_qos_t)6)

/*
 * What is done with a right that is named in a message: what the sender asks for (MOVE, COPY,
 * MAKE), and what the receiver gets (PORT_RECEIVE, PORT_SEND, PORT_SEND_ONCE).
 */
typedef unsigned int mach_msg_type_name_t;

#define MACH_MSG_TYPE_MOVE_RECEIVE	16
#define MACH_MSG_TYPE_MOVE_SEND		17
#define MACH_MSG_TYPE_MOVE_SEND_ONCE	18
#define MACH_MSG_TYPE_COPY_SEND		19 /* needs a send right */
#define MACH_MSG_TYPE_MAKE_SEND		20 /* needs the receive right */
#define MACH_MSG_TYPE_MAKE_SEND_ONCE	21 /* needs the receive right */
#define MACH_MSG_TYPE_COPY_RECEIVE	22 /* never legal */
#define MACH_MSG_TYPE_DISPOSE_RECEIVE	24 /* never legal in a message */
#define MACH_MSG_TYPE_DISPOSE_SEND	25 /* never legal in a message */
#define MACH_MSG_TYPE_DISPOSE_SEND_ONCE 26 /* never legal in a message */

#define MACH_MSG_TYPE_PORT_NONE	     0
#define MACH_MSG_TYPE_PORT_NAME	     15 /* MIG: a name that is just a number */
#define MACH_MSG_TYPE_PORT_RECEIVE   MACH_MSG_TYPE_MOVE_RECEIVE
#define MACH_MSG_TYPE_PORT_SEND	     MACH_MSG_TYPE_MOVE_SEND
#define MACH_MSG_TYPE_PORT_SEND_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define MACH_MSG_TYPE_LAST	     22
#define MACH_MSG_TYPE_POLYMORPHIC    ((mach_msg_type_name_t)-1)

#define MACH_MSG_TYPE_PORT_ANY(x) \
	((x) >= MACH_MSG_TYPE_MOVE_RECEIVE && (x) <= MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define MACH_MSG_TYPE_PORT_ANY_SEND(x) \
	((x) >= MACH_MSG_TYPE_MOVE_SEND && (x) <= MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define MACH_MSG_TYPE_PORT_ANY_SEND_ONCE(x) \
	((x) == MACH_MSG_TYPE_MOVE_SEND_ONCE || (x) == MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define MACH_MSG_TYPE_PORT_ANY_RIGHT(x) \
	((x) >= MACH_MSG_TYPE_MOVE_RECEIVE && (x) <= MACH_MSG_TYPE_MOVE_SEND_ONCE)

/* How out-of-line memory may be handed over. */
typedef unsigned int mach_msg_copy_options_t;

#define MACH_MSG_PHYSICAL_COPY 0
#define MACH_MSG_VIRTUAL_COPY  1
#define MACH_MSG_ALLOCATE      2 /* not in a message sent */
#define MACH_MSG_OVERWRITE     3 /* not in a message sent */

typedef unsigned int mach_msg_guard_flags_t;

#define MACH_MSG_GUARD_FLAGS_NONE	       0x0000
#define MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE 0x0001
#define MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND 0x0002
#define MACH_MSG_GUARD_FLAGS_MASK	       0x0003

/*
 * Descriptors. The type is the byte at offset 11 of each.
 */
typedef unsigned int mach_msg_descriptor_type_t;

#define MACH_MSG_PORT_DESCRIPTOR	 0
#define MACH_MSG_OOL_DESCRIPTOR		 1
#define MACH_MSG_OOL_PORTS_DESCRIPTOR	 2
#define MACH_MSG_OOL_VOLATILE_DESCRIPTOR 3
#define MACH_MSG_GUARDED_PORT_DESCRIPTOR 4
#define MACH_MSG_DESCRIPTOR_MAX		 MACH_MSG_GUARDED_PORT_DESCRIPTOR

typedef natural_t mach_msg_type_size_t;
typedef natural_t mach_msg_type_number_t;

#pragma pack(push, 4)

/* What all descriptors have in common. */
typedef struct {
	natural_t pad1;
	mach_msg_size_t pad2;
	unsigned int pad3 : 24;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_type_descriptor_t;

typedef struct {
	mach_port_t name;
	mach_msg_size_t pad1;
	unsigned int pad2 : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_port_descriptor_t;

typedef struct {
	uint32_t address;
	mach_msg_size_t size;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	unsigned int pad1 : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_ool_descriptor32_t;

typedef struct {
	uint64_t address;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	unsigned int pad1 : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_msg_size_t size;
} mach_msg_ool_descriptor64_t;

/* A copy of memory of the sender. */
typedef struct {
	void *address;
#ifndef __LP64__
	mach_msg_size_t size;
#endif
	boolean_t deallocate : 8; /* take the memory from the sender */
	mach_msg_copy_options_t copy : 8;
	unsigned int pad1 : 8;
	mach_msg_descriptor_type_t type : 8;
#ifdef __LP64__
	mach_msg_size_t size;
#endif
} mach_msg_ool_descriptor_t;

typedef struct {
	uint32_t address;
	mach_msg_size_t count;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_ool_ports_descriptor32_t;

typedef struct {
	uint64_t address;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_msg_size_t count;
} mach_msg_ool_ports_descriptor64_t;

/* An array of port names, all with one disposition. */
typedef struct {
	void *address;
#ifndef __LP64__
	mach_msg_size_t count;
#endif
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
#ifdef __LP64__
	mach_msg_size_t count;
#endif
} mach_msg_ool_ports_descriptor_t;

typedef struct {
	uint32_t context;
	mach_port_name_t name;
	mach_msg_guard_flags_t flags : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_guarded_port_descriptor32_t;

typedef struct {
	uint64_t context;
	mach_msg_guard_flags_t flags : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_port_name_t name;
} mach_msg_guarded_port_descriptor64_t;

/* A receive right that is under guard. */
typedef struct {
	mach_port_context_t context;
#ifndef __LP64__
	mach_port_name_t name;
#endif
	mach_msg_guard_flags_t flags : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
#ifdef __LP64__
	mach_port_name_t name;
#endif
} mach_msg_guarded_port_descriptor_t;

/* As large as the largest; descriptors in a message are as long as their kind needs. */
typedef union {
	mach_msg_port_descriptor_t port;
	mach_msg_ool_descriptor_t out_of_line;
	mach_msg_ool_ports_descriptor_t ool_ports;
	mach_msg_type_descriptor_t type;
	mach_msg_guarded_port_descriptor_t guarded_port;
} mach_msg_descriptor_t;

/* Between the header and the descriptors of a complex message. */
typedef struct {
	mach_msg_size_t msgh_descriptor_count;
} mach_msg_body_t;

#define MACH_MSG_BODY_NULL	 ((mach_msg_body_t *)0)
#define MACH_MSG_DESCRIPTOR_NULL ((mach_msg_descriptor_t *)0)

typedef struct {
	mach_msg_bits_t msgh_bits;
	mach_msg_size_t msgh_size;    /* mach_msg takes the size as an argument instead */
	mach_port_t msgh_remote_port; /* sending: destination; received: where to reply */
	mach_port_t msgh_local_port;  /* sending: where to reply; received: destination */
	mach_port_name_t msgh_voucher_port;
	mach_msg_id_t msgh_id; /* for the two ends */
} mach_msg_header_t;

#define MACH_MSG_HEADER_EMPTY ((mach_msg_header_t){0, 0, 0, 0, 0, 0})

#define msgh_reserved msgh_voucher_port
#define MACH_MSG_NULL ((mach_msg_header_t *)0)

typedef struct {
	mach_msg_header_t header;
	mach_msg_body_t body;
} mach_msg_base_t;

/*
 * Trailers: what machd knows of a message received, at msgh_size rounded up to 4. How much of it is
 * delivered is asked for with MACH_RCV_TRAILER_ELEMENTS.
 */
typedef unsigned int mach_msg_trailer_type_t;
typedef unsigned int mach_msg_trailer_size_t;
typedef char *mach_msg_trailer_info_t;

#define MACH_MSG_TRAILER_FORMAT_0 0

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
} mach_msg_trailer_t;

/* Number of the message on the port it was received from. */
typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
} mach_msg_seqno_trailer_t;

/* Effective uid and gid of the sender. */
typedef struct {
	unsigned int val[2];
} security_token_t;

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
} mach_msg_security_trailer_t;

/* Audit uid, effective uid and gid, real uid and gid, pid, audit session, pid version. */
typedef struct {
	unsigned int val[8];
} audit_token_t;

/* Nobody's: no process has these ids. The daemon's own is zero (KERNEL_AUDIT_TOKEN). */
#define INVALID_AUDIT_TOKEN_VALUE                              \
	{                                                      \
		{                                              \
			~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u \
		}                                              \
	}

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
	audit_token_t msgh_audit;
} mach_msg_audit_trailer_t;

/* The context of the port received from. */
typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
	audit_token_t msgh_audit;
	mach_port_context_t msgh_context;
} mach_msg_context_trailer_t;

typedef struct {
	mach_port_name_t sender;
} msg_labels_t;

typedef int mach_msg_filter_id;
#define MACH_MSG_FILTER_POLICY_ALLOW ((mach_msg_filter_id)0)

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
	audit_token_t msgh_audit;
	mach_port_context_t msgh_context;
	mach_msg_filter_id msgh_ad; /* 0 */
	msg_labels_t msgh_labels;   /* 0 */
} mach_msg_mac_trailer_t;

typedef mach_msg_mac_trailer_t mach_msg_max_trailer_t;
typedef mach_msg_security_trailer_t mach_msg_format_0_trailer_t;

#define MACH_MSG_TRAILER_MINIMUM_SIZE  sizeof(mach_msg_trailer_t)
#define MACH_MSG_TRAILER_FORMAT_0_SIZE sizeof(mach_msg_format_0_trailer_t)
#define MAX_TRAILER_SIZE	       ((mach_msg_size_t)sizeof(mach_msg_max_trailer_t))

/* The tokens of messages that machd itself makes. */
#define KERNEL_SECURITY_TOKEN_VALUE \
	{                           \
		{                   \
			0, 1        \
		}                   \
	}
#define KERNEL_AUDIT_TOKEN_VALUE               \
	{                                      \
		{                              \
			0, 0, 0, 0, 0, 0, 0, 0 \
		}                              \
	}

typedef struct {
	mach_msg_header_t header;
} mach_msg_empty_send_t;

typedef struct {
	mach_msg_header_t header;
	mach_msg_trailer_t trailer;
} mach_msg_empty_rcv_t;

typedef union {
	mach_msg_empty_send_t send;
	mach_msg_empty_rcv_t rcv;
} mach_msg_empty_t;

/* mach_msg2's vector form: a message and bytes beside it. */
typedef struct {
	mach_msg_size_t msgdh_size;
	uint32_t msgdh_reserved;
} mach_msg_aux_header_t;

typedef struct {
	mach_vm_address_t msgv_data;
	mach_vm_address_t msgv_rcv_addr; /* 0: msgv_data */
	mach_msg_size_t msgv_send_size;
	mach_msg_size_t msgv_rcv_size;
} mach_msg_vector_t;

#define MACH_MSGV_IDX_MSG   ((uint32_t)0)
#define MACH_MSGV_IDX_AUX   ((uint32_t)1)
#define MACH_MSGV_MAX_COUNT ((uint32_t)2)

#define MACH_MSG_AUX_MIN_SIZE 8 /* of auxiliary data, their header included */
#define MACH_MSG_AUX_MAX_SIZE 1024

/* The largest that mach_msg() receives when it has a buffer of its own or takes vouchers. */
#define LIBSYSCALL_MSGV_AUX_MAX_SIZE 128

#pragma pack(pop)

/* Sizes of messages are multiples of 4. */
#define round_msg(x) (((mach_msg_size_t)(x) + sizeof(natural_t) - 1) & ~(sizeof(natural_t) - 1))

/* Bytes of the trailer that these options ask for. */
#define REQUESTED_TRAILER_SIZE_NATIVE(options)                                            \
	((mach_msg_trailer_size_t)(GET_RCV_ELEMENTS(options) == MACH_RCV_TRAILER_NULL     \
					   ? sizeof(mach_msg_trailer_t)                   \
				   : GET_RCV_ELEMENTS(options) == MACH_RCV_TRAILER_SEQNO  \
					   ? sizeof(mach_msg_seqno_trailer_t)             \
				   : GET_RCV_ELEMENTS(options) == MACH_RCV_TRAILER_SENDER \
					   ? sizeof(mach_msg_security_trailer_t)          \
				   : GET_RCV_ELEMENTS(options) == MACH_RCV_TRAILER_AUDIT  \
					   ? sizeof(mach_msg_audit_trailer_t)             \
				   : GET_RCV_ELEMENTS(options) == MACH_RCV_TRAILER_CTX    \
					   ? sizeof(mach_msg_context_trailer_t)           \
					   : sizeof(mach_msg_mac_trailer_t)))
#define REQUESTED_TRAILER_SIZE(options) REQUESTED_TRAILER_SIZE_NATIVE(options)

/*
 * Codes of mach_msg. Space errors may be or-ed to some of them: they say what could not be put into
 * the receiver's name space (IPC) or memory (VM), for want of room there or in machd (KERNEL).
 */
typedef kern_return_t mach_msg_return_t;

#define MACH_MSG_SUCCESS    0x00000000
#define MACH_MSG_MASK	    0x00003e00
#define MACH_MSG_IPC_SPACE  0x00002000
#define MACH_MSG_VM_SPACE   0x00001000
#define MACH_MSG_IPC_KERNEL 0x00000800
#define MACH_MSG_VM_KERNEL  0x00000400

#define MACH_SEND_IN_PROGRESS	      0x10000001
#define MACH_SEND_INVALID_DATA	      0x10000002 /* the message cannot be read */
#define MACH_SEND_INVALID_DEST	      0x10000003
#define MACH_SEND_TIMED_OUT	      0x10000004 /* not sent; the message is back */
#define MACH_SEND_INVALID_VOUCHER     0x10000005
#define MACH_SEND_INTERRUPTED	      0x10000007 /* not sent; the message is back */
#define MACH_SEND_MSG_TOO_SMALL	      0x10000008
#define MACH_SEND_INVALID_REPLY	      0x10000009
#define MACH_SEND_INVALID_RIGHT	      0x1000000a /* in the body */
#define MACH_SEND_INVALID_NOTIFY      0x1000000b
#define MACH_SEND_INVALID_MEMORY      0x1000000c /* out of line */
#define MACH_SEND_NO_BUFFER	      0x1000000d /* not sent; the message is back */
#define MACH_SEND_TOO_LARGE	      0x1000000e
#define MACH_SEND_INVALID_TYPE	      0x1000000f /* of a descriptor */
#define MACH_SEND_INVALID_HEADER      0x10000010 /* bits */
#define MACH_SEND_INVALID_TRAILER     0x10000011
#define MACH_SEND_INVALID_CONTEXT     0x10000012
#define MACH_SEND_INVALID_OPTIONS     0x10000013
#define MACH_SEND_INVALID_RT_OOL_SIZE 0x10000015
#define MACH_SEND_NO_GRANT_DEST	      0x10000016 /* takes no ports in the body */
#define MACH_SEND_MSG_FILTERED	      0x10000017
#define MACH_SEND_AUX_TOO_SMALL	      0x10000018
#define MACH_SEND_AUX_TOO_LARGE	      0x10000019

#define MACH_RCV_IN_PROGRESS	   0x10004001
#define MACH_RCV_INVALID_NAME	   0x10004002 /* not a receive right or port set */
#define MACH_RCV_TIMED_OUT	   0x10004003
#define MACH_RCV_TOO_LARGE	   0x10004004 /* for the buffer, trailer included */
#define MACH_RCV_INTERRUPTED	   0x10004005
#define MACH_RCV_PORT_CHANGED	   0x10004006 /* the right went away while waiting */
#define MACH_RCV_INVALID_NOTIFY	   0x10004007
#define MACH_RCV_INVALID_DATA	   0x10004008 /* the buffer cannot be written */
#define MACH_RCV_PORT_DIED	   0x10004009
#define MACH_RCV_IN_SET		   0x1000400a
#define MACH_RCV_HEADER_ERROR	   0x1000400b
#define MACH_RCV_BODY_ERROR	   0x1000400c /* delivered, but not all of the body */
#define MACH_RCV_INVALID_TYPE	   0x1000400d
#define MACH_RCV_SCATTER_SMALL	   0x1000400e
#define MACH_RCV_INVALID_TRAILER   0x1000400f
#define MACH_RCV_IN_PROGRESS_TIMED 0x10004011
#define MACH_RCV_INVALID_REPLY	   0x10004012
#define MACH_RCV_INVALID_ARGUMENTS 0x10004013

/* A priority word from its parts: override and plain QoS, and a relative priority of 0 to -15. */
static inline mach_msg_priority_t mach_msg_priority_encode(mach_msg_qos_t override_qos,
							   mach_msg_qos_t qos, int relpri)
{
	mach_msg_priority_t low = 0;

	if (qos > 0 && qos <= MACH_MSG_QOS_LAST)
		low = ((mach_msg_priority_t)(uint8_t)(relpri - 1)) << 8;
	return ((mach_msg_priority_t)(override_qos & 0xf) << 20) |
	       ((mach_msg_priority_t)(qos & 0xf) << 16) | low;
}

static inline boolean_t mach_msg_priority_is_pthread_priority(mach_msg_priority_t pri)
{
	return (pri & 0xff) == 0xff;
}

static inline mach_msg_qos_t mach_msg_priority_qos(mach_msg_priority_t pri)
{
	return mach_msg_priority_is_pthread_priority(pri) ? (mach_msg_qos_t)0
							  : (mach_msg_qos_t)((pri >> 16) & 0xf);
}

static inline mach_msg_qos_t mach_msg_priority_overide_qos(mach_msg_priority_t pri)
{
	return mach_msg_priority_is_pthread_priority(pri) ? (mach_msg_qos_t)0
							  : (mach_msg_qos_t)((pri >> 20) & 0xf);
}

static inline int mach_msg_priority_relpri(mach_msg_priority_t pri)
{
	return mach_msg_priority_qos(pri) ? (int8_t)(uint8_t)(pri >> 8) + 1 : 0;
}

MACHD_BEGIN_DECLS

extern const security_token_t KERNEL_SECURITY_TOKEN;
extern const audit_token_t KERNEL_AUDIT_TOKEN;

/*
 * Send a message, receive one, or first send and then receive.
 *
 * msg        the message to send (send_size bytes); the received one is put there too
 * option     MACH_SEND_MSG, MACH_RCV_MSG and more of the above
 * send_size  bytes, a multiple of 4; what msg->msgh_size says does not matter
 * rcv_size   bytes of the buffer, room for the trailer included
 * rcv_name   a receive right or a port set
 * timeout    milliseconds, for each half that asks for a time-out
 * notify     the priority word, with MACH_SEND_OVERRIDE
 */
extern mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
				  mach_msg_size_t send_size, mach_msg_size_t rcv_size,
				  mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
				  mach_port_name_t notify);

/* The same; the received message goes to rcv_msg unless that is NULL. rcv_limit is not used. */
extern mach_msg_return_t mach_msg_overwrite(mach_msg_header_t *msg, mach_msg_option_t option,
					    mach_msg_size_t send_size, mach_msg_size_t rcv_size,
					    mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
					    mach_port_name_t notify, mach_msg_header_t *rcv_msg,
					    mach_msg_size_t rcv_limit);

/*
 * The same with the header as an argument instead of in the buffer, and with options of 64 bits: a
 * send says with exactly one of MACH64_SEND_KOBJECT_CALL, _MQ_CALL, _ANY what kind of destination
 * it is for. MACH_SEND_INVALID_OPTIONS: it does not, or the destination is of another kind.
 *
 * With MACH64_MSG_VECTOR (and _MQ_CALL or _ANY when sending) `data` is an array of
 * mach_msg_vector_t and both sizes are numbers of elements: 1, the message; or 2, and auxiliary
 * data beside it, 8 to 1024 bytes that begin with a mach_msg_aux_header_t, which is filled in on
 * the way. An element of size 0 sends none. What is received goes to msgv_rcv_addr, if that is not
 * 0. A receiver with two elements gets at least the header, with a size of 0 if none were sent
 * [5.4].
 *
 * MACH_SEND_INVALID_DATA: more than two elements, or memory that is not there. _MSG_TOO_SMALL: no
 * element. _AUX_TOO_SMALL, _AUX_TOO_LARGE: the auxiliary data. MACH_RCV_INVALID_ARGUMENTS: the
 * elements are no good for receiving, or their buffer for auxiliary data is smaller than a header;
 * nothing was received, but what was to be sent is sent. MACH_RCV_TOO_LARGE: also if the auxiliary
 * data are. All else is as with mach_msg.
 */
extern mach_msg_return_t mach_msg2(void *data, mach_msg_option64_t option64,
				   mach_msg_header_t header, mach_msg_size_t send_size,
				   mach_msg_size_t rcv_size, mach_port_t rcv_name, uint64_t timeout,
				   uint32_t priority);

MACHD_END_DECLS
