/* SPDX-License-Identifier: Apache-2.0 */
/* What mach_msg and mach_msg2 are asked for: to send, to receive, how, and with which trailer. */
#pragma once

#include <mach/vm_types.h>

/* Options of mach_msg. */
typedef integer_t mach_msg_option_t;
typedef mach_msg_option_t mach_msg_options_t;
typedef uint64_t mach_msg_option64_t;

#define MACH_MSG_OPTION_NONE 0x00000000

#define MACH_SEND_MSG 0x00000001
#define MACH_RCV_MSG  0x00000002

#define MACH_RCV_LARGE		0x00000004 /* a message too large stays queued */
#define MACH_RCV_LARGE_IDENTITY 0x00000008 /* ... and say on which port */

#define MACH_SEND_TIMEOUT		 0x00000010 /* the timeout argument counts for the send */
#define MACH_SEND_OVERRIDE		 0x00000020 /* the priority argument counts */
#define MACH_SEND_INTERRUPT		 0x00000040 /* return when a signal came, don't try again */
#define MACH_SEND_NOTIFY		 0x00000080 /* arm a send-possible request if it is full */
#define MACH_SEND_ALWAYS		 0x00010000
#define MACH_SEND_FILTER_NONFATAL	 0x00010000
#define MACH_SEND_TRAILER		 0x00020000 /* ignored */
#define MACH_SEND_NOIMPORTANCE		 0x00040000
#define MACH_SEND_NODENAP		 MACH_SEND_NOIMPORTANCE
#define MACH_SEND_IMPORTANCE		 0x00080000
#define MACH_SEND_SYNC_OVERRIDE		 0x00100000 /* ignored */
#define MACH_SEND_PROPAGATE_QOS		 0x00200000
#define MACH_SEND_SYNC_USE_THRPRI	 MACH_SEND_PROPAGATE_QOS
#define MACH_SEND_KERNEL		 0x00400000
#define MACH_SEND_SYNC_BOOTSTRAP_CHECKIN 0x00800000

#define MACH_RCV_TIMEOUT      0x00000100 /* the timeout argument counts for the receive */
#define MACH_RCV_NOTIFY	      0x00000000 /* no effect */
#define MACH_RCV_INTERRUPT    0x00000400 /* return when a signal came, don't try again */
#define MACH_RCV_VOUCHER      0x00000800
#define MACH_RCV_OVERWRITE    0x00000000 /* no effect */
#define MACH_RCV_GUARDED_DESC 0x00001000 /* willing to get guarded descriptors */
#define MACH_RCV_SYNC_WAIT    0x00004000
#define MACH_RCV_SYNC_PEEK    0x00008000

#define MACH_MSG_STRICT_REPLY  0x00000200 /* if machd.conf says EnforceStrictReply=yes */
#define MACH_SEND_STRICT_REPLY MACH_MSG_STRICT_REPLY
#define MACH_RCV_STRICT_REPLY  MACH_MSG_STRICT_REPLY

/* The options as mach_msg2 takes them: those of mach_msg, */
#define MACH64_MSG_OPTION_NONE		   0x0ull
#define MACH64_SEND_MSG			   MACH_SEND_MSG
#define MACH64_RCV_MSG			   MACH_RCV_MSG
#define MACH64_SEND_TIMEOUT		   MACH_SEND_TIMEOUT
#define MACH64_SEND_OVERRIDE		   MACH_SEND_OVERRIDE
#define MACH64_SEND_INTERRUPT		   MACH_SEND_INTERRUPT
#define MACH64_SEND_NOTIFY		   MACH_SEND_NOTIFY
#define MACH64_SEND_ALWAYS		   MACH_SEND_ALWAYS
#define MACH64_SEND_IMPORTANCE		   MACH_SEND_IMPORTANCE
#define MACH64_SEND_KERNEL		   MACH_SEND_KERNEL
#define MACH64_SEND_FILTER_NONFATAL	   MACH_SEND_FILTER_NONFATAL
#define MACH64_SEND_TRAILER		   MACH_SEND_TRAILER
#define MACH64_SEND_NOIMPORTANCE	   MACH_SEND_NOIMPORTANCE
#define MACH64_SEND_NODENAP		   MACH_SEND_NODENAP
#define MACH64_SEND_SYNC_OVERRIDE	   MACH_SEND_SYNC_OVERRIDE
#define MACH64_SEND_PROPAGATE_QOS	   MACH_SEND_PROPAGATE_QOS
#define MACH64_SEND_SYNC_BOOTSTRAP_CHECKIN MACH_SEND_SYNC_BOOTSTRAP_CHECKIN
#define MACH64_RCV_LARGE		   MACH_RCV_LARGE
#define MACH64_RCV_LARGE_IDENTITY	   MACH_RCV_LARGE_IDENTITY
#define MACH64_RCV_TIMEOUT		   MACH_RCV_TIMEOUT
#define MACH64_RCV_INTERRUPT		   MACH_RCV_INTERRUPT
#define MACH64_RCV_VOUCHER		   MACH_RCV_VOUCHER
#define MACH64_RCV_GUARDED_DESC		   MACH_RCV_GUARDED_DESC
#define MACH64_RCV_SYNC_WAIT		   MACH_RCV_SYNC_WAIT
#define MACH64_RCV_SYNC_PEEK		   MACH_RCV_SYNC_PEEK
#define MACH64_MSG_STRICT_REPLY		   MACH_MSG_STRICT_REPLY

/* and above them those that mach_msg does not have. */
#define MACH64_MSG_VECTOR	 0x0000000100000000ull
#define MACH64_SEND_KOBJECT_CALL 0x0000000200000000ull
#define MACH64_SEND_MQ_CALL	 0x0000000400000000ull
#define MACH64_SEND_USER_CALL	 MACH64_SEND_MQ_CALL
#define MACH64_SEND_ANY		 0x0000000800000000ull
#define MACH64_SEND_DK_CALL	 0x0000001000000000ull

/* Which trailer a receiver wants. */
#define MACH_RCV_TRAILER_NULL	0
#define MACH_RCV_TRAILER_SEQNO	1
#define MACH_RCV_TRAILER_SENDER 2
#define MACH_RCV_TRAILER_AUDIT	3
#define MACH_RCV_TRAILER_CTX	4
#define MACH_RCV_TRAILER_AV	7
#define MACH_RCV_TRAILER_LABELS 8

#define MACH_RCV_TRAILER_TYPE(x)     (((x)&0xf) << 28)
#define MACH_RCV_TRAILER_ELEMENTS(x) (((x)&0xf) << 24)
#define MACH_RCV_TRAILER_MASK	     (0xf << 24)
#define GET_RCV_ELEMENTS(y)	     (((y) >> 24) & 0xf)
