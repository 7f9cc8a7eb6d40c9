/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the desk, in the shape of MIG's output: for each routine a function that
 * checks the request, calls the routine and puts the reply together, a table of them, and the
 * function that finds the right one for a request.
 */
#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/port.h>
#include <mach/std_types.h>
#include <string.h>

#include "tests/flow/mig/desk.h"

#define msgh_request_port	     msgh_local_port
#define MACH_MSGH_BITS_REQUEST(bits) MACH_MSGH_BITS_LOCAL(bits)
#define msgh_reply_port		     msgh_remote_port
#define MACH_MSGH_BITS_REPLY(bits)   MACH_MSGH_BITS_REMOTE(bits)

static void refuse(mach_msg_header_t *OutHeadP, kern_return_t code)
{
	((mig_reply_error_t *)OutHeadP)->RetCode = code;
	((mig_reply_error_t *)OutHeadP)->NDR = NDR_record;
}

static kern_return_t check_simple(const mach_msg_header_t *InHeadP, mach_msg_size_t size)
{
	if (MACH_MSGH_BITS_IS_COMPLEX(InHeadP->msgh_bits) || InHeadP->msgh_size != size)
		return MIG_BAD_ARGUMENTS;
	return MACH_MSG_SUCCESS;
}

static void _Xdesk_add(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	const __Request__desk_add_t *In0P = (const __Request__desk_add_t *)InHeadP;
	__Reply__desk_add_t *OutP = (__Reply__desk_add_t *)OutHeadP;
	kern_return_t check_result = check_simple(InHeadP, sizeof *In0P);

	if (check_result != MACH_MSG_SUCCESS) {
		refuse(OutHeadP, check_result);
		return;
	}
	OutP->RetCode = do_desk_add(In0P->Head.msgh_request_port, In0P->a, In0P->b, &OutP->sum);
	OutP->NDR = NDR_record;
	if (OutP->RetCode == KERN_SUCCESS)
		OutP->Head.msgh_size = sizeof *OutP;
}

static kern_return_t __MIG_check__Request__desk_echo_t(const __Request__desk_echo_t *In0P)
{
	const mach_msg_size_t bare = sizeof *In0P - DESK_TEXT_MAX;
	mach_msg_size_t size = In0P->Head.msgh_size;

	if (MACH_MSGH_BITS_IS_COMPLEX(In0P->Head.msgh_bits) || size < bare || size > sizeof *In0P)
		return MIG_BAD_ARGUMENTS;
	if (In0P->textCnt > DESK_TEXT_MAX || size != bare + round_msg(In0P->textCnt))
		return MIG_BAD_ARGUMENTS;
	if (!memchr(In0P->text, '\0', In0P->textCnt))
		return MIG_BAD_ARGUMENTS; /* the string does not end */
	return MACH_MSG_SUCCESS;
}

static void _Xdesk_echo(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	__Request__desk_echo_t *In0P = (__Request__desk_echo_t *)InHeadP;
	__Reply__desk_echo_t *OutP = (__Reply__desk_echo_t *)OutHeadP;
	kern_return_t check_result = __MIG_check__Request__desk_echo_t(In0P);

	if (check_result != MACH_MSG_SUCCESS) {
		refuse(OutHeadP, check_result);
		return;
	}
	OutP->RetCode = do_desk_echo(In0P->Head.msgh_request_port, In0P->text, OutP->copy);
	OutP->NDR = NDR_record;
	if (OutP->RetCode != KERN_SUCCESS)
		return;
	OutP->copyOffset = 0;
	OutP->copyCnt = (mach_msg_type_number_t)strlen(OutP->copy) + 1;
	OutP->Head.msgh_size =
		(mach_msg_size_t)(sizeof *OutP - DESK_TEXT_MAX) + round_msg(OutP->copyCnt);
}

static kern_return_t __MIG_check__Request__desk_trade_t(const __Request__desk_trade_t *In0P)
{
	if (!MACH_MSGH_BITS_IS_COMPLEX(In0P->Head.msgh_bits) ||
	    In0P->msgh_body.msgh_descriptor_count != 1 || In0P->Head.msgh_size != sizeof *In0P)
		return MIG_BAD_ARGUMENTS;
	if (In0P->peer.type != MACH_MSG_PORT_DESCRIPTOR ||
	    In0P->peer.disposition != MACH_MSG_TYPE_MOVE_SEND)
		return MIG_TYPE_ERROR;
	return MACH_MSG_SUCCESS;
}

static void _Xdesk_trade(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	const __Request__desk_trade_t *In0P = (const __Request__desk_trade_t *)InHeadP;
	__Reply__desk_trade_t *OutP = (__Reply__desk_trade_t *)OutHeadP;
	kern_return_t check_result = __MIG_check__Request__desk_trade_t(In0P), RetCode;
	mach_port_t counter;

	if (check_result != MACH_MSG_SUCCESS) {
		refuse(OutHeadP, check_result);
		return;
	}
	RetCode = do_desk_trade(In0P->Head.msgh_request_port, In0P->peer.name, &counter);
	if (RetCode != KERN_SUCCESS) {
		refuse(OutHeadP, RetCode);
		return;
	}
	OutP->counter = (mach_msg_port_descriptor_t){
		.name = counter,
		.disposition = MACH_MSG_TYPE_MAKE_SEND,
		.type = MACH_MSG_PORT_DESCRIPTOR,
	};
	OutP->Head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	OutP->Head.msgh_size = sizeof *OutP;
	OutP->msgh_body.msgh_descriptor_count = 1;
}

static void _Xdesk_note(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	const __Request__desk_note_t *In0P = (const __Request__desk_note_t *)InHeadP;
	mig_reply_error_t *OutP = (mig_reply_error_t *)OutHeadP;
	const void *behind = (const char *)InHeadP + round_msg(InHeadP->msgh_size);
	const mach_msg_audit_trailer_t *TrailerP = behind;
	kern_return_t check_result = check_simple(InHeadP, sizeof *In0P);

	if (check_result != MACH_MSG_SUCCESS) {
		refuse(OutHeadP, check_result);
		return;
	}
	if (TrailerP->msgh_trailer_type != MACH_MSG_TRAILER_FORMAT_0 ||
	    TrailerP->msgh_trailer_size < sizeof *TrailerP) {
		refuse(OutHeadP, MIG_TRAILER_ERROR);
		return;
	}
	OutP->RetCode =
		do_desk_note(In0P->Head.msgh_request_port, In0P->word, TrailerP->msgh_audit);
	if (OutP->RetCode == KERN_SUCCESS)
		OutP->RetCode = MIG_NO_REPLY;
}

static void _Xdesk_tally(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	__Reply__desk_tally_t *OutP = (__Reply__desk_tally_t *)OutHeadP;
	kern_return_t check_result = check_simple(InHeadP, sizeof(__Request__desk_tally_t));

	if (check_result != MACH_MSG_SUCCESS) {
		refuse(OutHeadP, check_result);
		return;
	}
	OutP->RetCode = do_desk_tally(InHeadP->msgh_request_port, &OutP->total, &OutP->pid);
	OutP->NDR = NDR_record;
	if (OutP->RetCode == KERN_SUCCESS)
		OutP->Head.msgh_size = sizeof *OutP;
}

/* No words are counted and no descriptors listed: nobody has read them since Mach 3. */
#define ROUTINE(name, reply)                                               \
	{                                                                  \
		(mig_impl_routine_t)0, (mig_stub_routine_t)_X##name, 0, 0, \
			(routine_arg_descriptor_t)0, sizeof(reply)         \
	}

const struct do_desk_subsystem do_desk_subsystem = {
	desk_server_routine,
	DESK_FIRST,
	DESK_END,
	sizeof(union __ReplyUnion__do_desk_subsystem),
	(vm_address_t)0,
	{
		ROUTINE(desk_add, __Reply__desk_add_t),
		ROUTINE(desk_echo, __Reply__desk_echo_t),
		{0, 0, 0, 0, 0, 0},
		ROUTINE(desk_trade, __Reply__desk_trade_t),
		ROUTINE(desk_note, mig_reply_error_t),
		ROUTINE(desk_tally, __Reply__desk_tally_t),
	},
};

mig_routine_t desk_server_routine(mach_msg_header_t *InHeadP)
{
	mach_msg_id_t msgh_id = InHeadP->msgh_id;

	if (msgh_id < DESK_FIRST || msgh_id >= DESK_END)
		return 0;
	return do_desk_subsystem.routine[msgh_id - DESK_FIRST].stub_routine;
}

boolean_t desk_server(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	mig_routine_t routine = desk_server_routine(InHeadP);

	OutHeadP->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REPLY(InHeadP->msgh_bits), 0);
	OutHeadP->msgh_remote_port = InHeadP->msgh_reply_port;
	OutHeadP->msgh_size = sizeof(mig_reply_error_t); /* a routine with more to say adds to it */
	OutHeadP->msgh_local_port = MACH_PORT_NULL;
	OutHeadP->msgh_id = InHeadP->msgh_id + 100;
	OutHeadP->msgh_reserved = 0;
	if (!routine) {
		refuse(OutHeadP, MIG_BAD_ID);
		return FALSE;
	}
	routine(InHeadP, OutHeadP);
	return TRUE;
}
