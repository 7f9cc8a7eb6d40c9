/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of the desk, in the shape of MIG's output: each call fills in a request, sends
 * it and receives the reply in one call of mach_msg, and believes nothing in the reply unchecked.
 */
#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <mach/std_types.h>
#include <string.h>

#include "tests/flow/mig/desk.h"

#define msgh_request_port msgh_remote_port
#define msgh_reply_port	  msgh_local_port

/* The reply port is as good as new if nothing was sent; else a late reply may come to it. */
static void reply_port_after_error(const mach_msg_header_t *InHeadP, mach_msg_return_t result)
{
	switch (result) {
	case MACH_SEND_INVALID_DATA:
	case MACH_SEND_INVALID_DEST:
	case MACH_SEND_INVALID_HEADER:
		mig_put_reply_port(InHeadP->msgh_reply_port);
		break;
	default:
		mig_dealloc_reply_port(InHeadP->msgh_reply_port);
	}
}

/* What every reply must be before its arguments are looked at. */
static kern_return_t check_reply(const mach_msg_header_t *OutHeadP, mach_msg_id_t id)
{
	if (OutHeadP->msgh_id != id)
		return OutHeadP->msgh_id == MACH_NOTIFY_SEND_ONCE ? MIG_SERVER_DIED
								  : MIG_REPLY_MISMATCH;
	return MACH_MSG_SUCCESS;
}

/* A reply without descriptors is as long as it must be, or as mig_reply_error_t with its code. */
static kern_return_t check_simple(const mig_reply_error_t *Out0P, mach_msg_size_t least,
				  mach_msg_size_t most)
{
	mach_msg_size_t size = Out0P->Head.msgh_size;

	if (MACH_MSGH_BITS_IS_COMPLEX(Out0P->Head.msgh_bits) ||
	    Out0P->Head.msgh_request_port != MACH_PORT_NULL)
		return MIG_TYPE_ERROR;
	if (size == sizeof *Out0P && Out0P->RetCode != KERN_SUCCESS)
		return Out0P->RetCode;
	if (size < least || size > most)
		return MIG_TYPE_ERROR;
	return Out0P->RetCode;
}

static kern_return_t __MIG_check__Reply__desk_add_t(const __Reply__desk_add_t *Out0P)
{
	kern_return_t result = check_reply(&Out0P->Head, DESK_ADD + 100);

	return result ? result
		      : check_simple((const mig_reply_error_t *)Out0P, sizeof *Out0P,
				     sizeof *Out0P);
}

kern_return_t desk_add(mach_port_t server, int a, int b, int *sum)
{
	struct reply {
		__Reply__desk_add_t reply;
		mach_msg_trailer_t trailer;
	};
	union {
		__Request__desk_add_t In;
		struct reply Out;
	} Mess;
	__Request__desk_add_t *InP = &Mess.In;
	__Reply__desk_add_t *Out0P = &Mess.Out.reply;
	mach_msg_return_t msg_result;
	kern_return_t check_result;

	InP->NDR = NDR_record;
	InP->a = a;
	InP->b = b;
	InP->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	InP->Head.msgh_request_port = server;
	InP->Head.msgh_reply_port = mig_get_reply_port();
	InP->Head.msgh_id = DESK_ADD;
	InP->Head.msgh_reserved = 0;
	voucher_mach_msg_set(&InP->Head);
	msg_result = mach_msg(&InP->Head, MACH_SEND_MSG | MACH_RCV_MSG | MACH_MSG_OPTION_NONE,
			      sizeof *InP, sizeof(struct reply), InP->Head.msgh_reply_port,
			      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (msg_result != MACH_MSG_SUCCESS) {
		reply_port_after_error(&InP->Head, msg_result);
		return msg_result;
	}
	check_result = __MIG_check__Reply__desk_add_t(Out0P);
	if (check_result != MACH_MSG_SUCCESS) {
		mach_msg_destroy(&Out0P->Head);
		return check_result;
	}
	*sum = Out0P->sum;
	return KERN_SUCCESS;
}

static kern_return_t __MIG_check__Reply__desk_echo_t(const __Reply__desk_echo_t *Out0P)
{
	const mach_msg_size_t bare = sizeof *Out0P - DESK_TEXT_MAX;
	kern_return_t result = check_reply(&Out0P->Head, DESK_ECHO + 100);

	if (result == MACH_MSG_SUCCESS)
		result = check_simple((const mig_reply_error_t *)Out0P, bare, sizeof *Out0P);
	if (result != MACH_MSG_SUCCESS)
		return result;
	if (Out0P->copyCnt > DESK_TEXT_MAX ||
	    Out0P->Head.msgh_size != bare + round_msg(Out0P->copyCnt))
		return MIG_TYPE_ERROR;
	if (!memchr(Out0P->copy, '\0', Out0P->copyCnt))
		return MIG_TYPE_ERROR;
	return MACH_MSG_SUCCESS;
}

kern_return_t desk_echo(mach_port_t server, desk_text_t text, desk_text_t copy)
{
	struct reply {
		__Reply__desk_echo_t reply;
		mach_msg_trailer_t trailer;
	};
	union {
		__Request__desk_echo_t In;
		struct reply Out;
	} Mess;
	__Request__desk_echo_t *InP = &Mess.In;
	__Reply__desk_echo_t *Out0P = &Mess.Out.reply;
	mach_msg_return_t msg_result;
	kern_return_t check_result;

	InP->NDR = NDR_record;
	InP->textOffset = 0;
	InP->textCnt = (mach_msg_type_number_t)mig_strncpy_zerofill(InP->text, text, DESK_TEXT_MAX);
	InP->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	InP->Head.msgh_request_port = server;
	InP->Head.msgh_reply_port = mig_get_reply_port();
	InP->Head.msgh_id = DESK_ECHO;
	InP->Head.msgh_reserved = 0;
	voucher_mach_msg_set(&InP->Head);
	msg_result =
		mach_msg(&InP->Head, MACH_SEND_MSG | MACH_RCV_MSG | MACH_MSG_OPTION_NONE,
			 (mach_msg_size_t)(sizeof *InP - DESK_TEXT_MAX) + round_msg(InP->textCnt),
			 sizeof(struct reply), InP->Head.msgh_reply_port, MACH_MSG_TIMEOUT_NONE,
			 MACH_PORT_NULL);
	if (msg_result != MACH_MSG_SUCCESS) {
		reply_port_after_error(&InP->Head, msg_result);
		return msg_result;
	}
	check_result = __MIG_check__Reply__desk_echo_t(Out0P);
	if (check_result != MACH_MSG_SUCCESS) {
		mach_msg_destroy(&Out0P->Head);
		return check_result;
	}
	mig_strncpy(copy, Out0P->copy, DESK_TEXT_MAX);
	return KERN_SUCCESS;
}

static kern_return_t __MIG_check__Reply__desk_trade_t(const __Reply__desk_trade_t *Out0P)
{
	kern_return_t result = check_reply(&Out0P->Head, DESK_TRADE + 100);

	if (result != MACH_MSG_SUCCESS)
		return result;
	if (!MACH_MSGH_BITS_IS_COMPLEX(Out0P->Head.msgh_bits)) {
		/* A reply without the port can only say why there is none. */
		result = check_simple((const mig_reply_error_t *)Out0P, sizeof(mig_reply_error_t),
				      sizeof(mig_reply_error_t));
		return result == KERN_SUCCESS ? MIG_TYPE_ERROR : result;
	}
	if (Out0P->msgh_body.msgh_descriptor_count != 1 || Out0P->Head.msgh_size != sizeof *Out0P ||
	    Out0P->Head.msgh_request_port != MACH_PORT_NULL)
		return MIG_TYPE_ERROR;
	if (Out0P->counter.type != MACH_MSG_PORT_DESCRIPTOR ||
	    Out0P->counter.disposition != MACH_MSG_TYPE_MOVE_SEND)
		return MIG_TYPE_ERROR;
	return MACH_MSG_SUCCESS;
}

kern_return_t desk_trade(mach_port_t server, mach_port_t peer, mach_port_t *counter)
{
	struct reply {
		__Reply__desk_trade_t reply;
		mach_msg_trailer_t trailer;
	};
	union {
		__Request__desk_trade_t In;
		struct reply Out;
	} Mess;
	__Request__desk_trade_t *InP = &Mess.In;
	__Reply__desk_trade_t *Out0P = &Mess.Out.reply;
	mach_msg_return_t msg_result;
	kern_return_t check_result;
	static const mach_msg_port_descriptor_t peerTemplate = {
		.name = MACH_PORT_NULL,
		.pad1 = 0,
		.pad2 = 0,
		.disposition = MACH_MSG_TYPE_COPY_SEND,
		.type = MACH_MSG_PORT_DESCRIPTOR,
	};

	InP->msgh_body.msgh_descriptor_count = 1;
	InP->peer = peerTemplate;
	InP->peer.name = peer;
	InP->Head.msgh_bits = MACH_MSGH_BITS_COMPLEX |
			      MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	InP->Head.msgh_request_port = server;
	InP->Head.msgh_reply_port = mig_get_reply_port();
	InP->Head.msgh_id = DESK_TRADE;
	InP->Head.msgh_reserved = 0;
	voucher_mach_msg_set(&InP->Head);
	msg_result = mach_msg(&InP->Head, MACH_SEND_MSG | MACH_RCV_MSG | MACH_MSG_OPTION_NONE,
			      sizeof *InP, sizeof Mess.Out, InP->Head.msgh_reply_port,
			      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (msg_result != MACH_MSG_SUCCESS) {
		reply_port_after_error(&InP->Head, msg_result);
		return msg_result;
	}
	check_result = __MIG_check__Reply__desk_trade_t(Out0P);
	if (check_result != MACH_MSG_SUCCESS) {
		mach_msg_destroy(&Out0P->Head);
		return check_result;
	}
	*counter = Out0P->counter.name;
	return KERN_SUCCESS;
}

kern_return_t desk_note(mach_port_t server, int word)
{
	__Request__desk_note_t Mess, *InP = &Mess;

	InP->NDR = NDR_record;
	InP->word = word;
	InP->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	InP->Head.msgh_request_port = server;
	InP->Head.msgh_reply_port = MACH_PORT_NULL;
	InP->Head.msgh_id = DESK_NOTE;
	InP->Head.msgh_reserved = 0;
	voucher_mach_msg_set(&InP->Head);
	return mach_msg(&InP->Head, MACH_SEND_MSG | MACH_MSG_OPTION_NONE, sizeof *InP, 0,
			MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

static kern_return_t __MIG_check__Reply__desk_tally_t(const __Reply__desk_tally_t *Out0P)
{
	kern_return_t result = check_reply(&Out0P->Head, DESK_TALLY + 100);

	return result ? result
		      : check_simple((const mig_reply_error_t *)Out0P, sizeof *Out0P,
				     sizeof *Out0P);
}

kern_return_t desk_tally(mach_port_t server, int *total, int *pid)
{
	struct reply {
		__Reply__desk_tally_t reply;
		mach_msg_trailer_t trailer;
	};
	union {
		__Request__desk_tally_t In;
		struct reply Out;
	} Mess;
	__Request__desk_tally_t *InP = &Mess.In;
	__Reply__desk_tally_t *Out0P = &Mess.Out.reply;
	mach_msg_return_t msg_result;
	kern_return_t check_result;

	InP->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	InP->Head.msgh_request_port = server;
	InP->Head.msgh_reply_port = mig_get_reply_port();
	InP->Head.msgh_id = DESK_TALLY;
	InP->Head.msgh_reserved = 0;
	voucher_mach_msg_set(&InP->Head);
	msg_result = mach_msg(&InP->Head, MACH_SEND_MSG | MACH_RCV_MSG | MACH_MSG_OPTION_NONE,
			      sizeof *InP, sizeof Mess.Out, InP->Head.msgh_reply_port,
			      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (msg_result != MACH_MSG_SUCCESS) {
		reply_port_after_error(&InP->Head, msg_result);
		return msg_result;
	}
	check_result = __MIG_check__Reply__desk_tally_t(Out0P);
	if (check_result != MACH_MSG_SUCCESS) {
		mach_msg_destroy(&Out0P->Head);
		return check_result;
	}
	*total = Out0P->total;
	*pid = Out0P->pid;
	return KERN_SUCCESS;
}
