/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of a routine, its table, and the loop around it. */
#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/mach.h>
#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <mach/std_types.h>
#include <string.h>

#define msgh_request_port	     msgh_local_port
#define MACH_MSGH_BITS_REQUEST(bits) MACH_MSGH_BITS_LOCAL(bits)
#define msgh_reply_port		     msgh_remote_port
#define MACH_MSGH_BITS_REPLY(bits)   MACH_MSGH_BITS_REMOTE(bits)

#define MIG_RETURN_ERROR(X, code)                             \
	do {                                                  \
		((mig_reply_error_t *)(X))->RetCode = (code); \
		((mig_reply_error_t *)(X))->NDR = NDR_record; \
		return;                                       \
	} while (0)

extern kern_return_t source_ask(mach_port_t server, natural_t word, audit_token_t caller,
				natural_t *answer);
boolean_t source_server(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);
mig_routine_t source_server_routine(mach_msg_header_t *InHeadP);

#pragma pack(push, 4)
typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	natural_t word;
} __Request__source_ask_t __attribute__((unused));

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	kern_return_t RetCode;
	natural_t answer;
} __Reply__source_ask_t __attribute__((unused));
#pragma pack(pop)

union __RequestUnion__source_subsystem {
	__Request__source_ask_t Request_source_ask;
};

union __ReplyUnion__source_subsystem {
	__Reply__source_ask_t Reply_source_ask;
	mig_reply_error_t Error;
};

static void _Xsource_ask(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	__Request__source_ask_t *In0P = (__Request__source_ask_t *)InHeadP;
	__Reply__source_ask_t *OutP = (__Reply__source_ask_t *)OutHeadP;
	const mach_msg_max_trailer_t *TrailerP;

	if ((In0P->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) ||
	    In0P->Head.msgh_size != (mach_msg_size_t)sizeof(*In0P))
		MIG_RETURN_ERROR(OutP, MIG_BAD_ARGUMENTS);
	TrailerP = (const mach_msg_max_trailer_t *)((vm_offset_t)In0P +
						    round_msg(In0P->Head.msgh_size));
	if (TrailerP->msgh_trailer_type != MACH_MSG_TRAILER_FORMAT_0 ||
	    TrailerP->msgh_trailer_size <
		    (mach_msg_trailer_size_t)(sizeof(mach_msg_audit_trailer_t)))
		MIG_RETURN_ERROR(OutP, MIG_TRAILER_ERROR);
	if (In0P->NDR.int_rep != NDR_record.int_rep)
		MIG_RETURN_ERROR(OutP, MIG_TYPE_ERROR);
	OutP->RetCode = source_ask(In0P->Head.msgh_request_port, In0P->word, TrailerP->msgh_audit,
				   &OutP->answer);
	if (OutP->RetCode != KERN_SUCCESS)
		MIG_RETURN_ERROR(OutP, OutP->RetCode);
	OutP->NDR = NDR_record;
	OutP->Head.msgh_size = (mach_msg_size_t)(sizeof(__Reply__source_ask_t));
}

/* In C++ a table that is a member of another structure needs no designators to be in order. */
static const struct source_subsystem {
	mig_server_routine_t server;
	mach_msg_id_t start;
	mach_msg_id_t end;
	unsigned int maxsize;
	vm_address_t reserved;
	struct routine_descriptor routine[1];
} source_subsystem = {
	source_server_routine,
	7000,
	7001,
	(mach_msg_size_t)sizeof(union __ReplyUnion__source_subsystem),
	(vm_address_t)0,
	{{(mig_impl_routine_t)0, (mig_stub_routine_t)_Xsource_ask, 10, 0,
	  (routine_arg_descriptor_t)0, (mach_msg_size_t)sizeof(__Reply__source_ask_t)}},
};

mig_routine_t source_server_routine(mach_msg_header_t *InHeadP)
{
	int msgh_id = InHeadP->msgh_id - 7000;

	return msgh_id > 0 || msgh_id < 0 ? 0 : source_subsystem.routine[msgh_id].stub_routine;
}

boolean_t source_server(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{
	mig_routine_t routine = source_server_routine(InHeadP);

	OutHeadP->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REPLY(InHeadP->msgh_bits), 0);
	OutHeadP->msgh_remote_port = InHeadP->msgh_reply_port;
	OutHeadP->msgh_size = (mach_msg_size_t)sizeof(mig_reply_error_t);
	OutHeadP->msgh_local_port = MACH_PORT_NULL;
	OutHeadP->msgh_id = InHeadP->msgh_id + 100;
	OutHeadP->msgh_reserved = 0;
	if (!routine) {
		((mig_reply_error_t *)OutHeadP)->NDR = NDR_record;
		((mig_reply_error_t *)OutHeadP)->RetCode = MIG_BAD_ID;
		return FALSE;
	}
	(*routine)(InHeadP, OutHeadP);
	return TRUE;
}

kern_return_t source_ask(mach_port_t server, natural_t word, audit_token_t caller,
			 natural_t *answer)
{
	(void)server;
	*answer = word + caller.val[5];
	return KERN_SUCCESS;
}

int main(void)
{
	const mach_msg_options_t options = MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
					   MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT);
	mach_port_t port = mach_reply_port();

	mach_msg_server_once(source_server, 4096, port, options | MACH_RCV_TIMEOUT);
	return mach_msg_server(source_server, sizeof(union __RequestUnion__source_subsystem), port,
			       options | MACH_RCV_TIMEOUT) != MACH_RCV_TIMED_OUT;
}
