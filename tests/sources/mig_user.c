/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of two routines, with everything that mig's output leans on. */
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

#define msgh_request_port msgh_remote_port
#define msgh_reply_port	  msgh_local_port

#if defined(__has_include)
#if __has_include(<mach/mig_voucher_support.h>)
#define USING_VOUCHERS
#endif
#if __has_include(<mach/mig_strncpy_zerofill_support.h>)
#define USING_MIG_STRNCPY_ZEROFILL
#endif
#endif

#ifndef mig_internal
#define mig_internal static __inline__
#endif
#ifndef mig_external
#define mig_external
#endif
#ifndef UseStaticTemplates
#define UseStaticTemplates 1
#endif

extern kern_return_t source_put(mach_port_t server, char *name, pointer_t data,
				mach_msg_type_number_t dataCnt, mach_port_t *made);
extern kern_return_t source_note(mach_port_t server, natural_t word);

typedef char source_name_t[64];

#pragma pack(push, 4)
typedef struct {
	mach_msg_header_t Head;
	mach_msg_body_t msgh_body;
	mach_msg_ool_descriptor_t data;
	NDR_record_t NDR;
	mach_msg_type_number_t nameOffset;
	mach_msg_type_number_t nameCnt;
	char name[64];
	mach_msg_type_number_t dataCnt;
} __Request__source_put_t __attribute__((unused));

typedef struct {
	mach_msg_header_t Head;
	mach_msg_body_t msgh_body;
	mach_msg_port_descriptor_t made;
} __Reply__source_put_t __attribute__((unused));

typedef struct {
	mach_msg_header_t Head;
	mach_msg_body_t msgh_body;
	mach_msg_port_descriptor_t made;
	mach_msg_trailer_t trailer;
} put_reply_t;

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	natural_t word;
} __Request__source_note_t __attribute__((unused));
#pragma pack(pop)

mig_internal kern_return_t check_put(__Reply__source_put_t *Out0P)
{
	if (Out0P->Head.msgh_id != 7100)
		return Out0P->Head.msgh_id == MACH_NOTIFY_SEND_ONCE ? MIG_SERVER_DIED
								    : MIG_REPLY_MISMATCH;
	if (!(Out0P->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)) {
		mig_reply_error_t *error = (mig_reply_error_t *)Out0P;

		if (Out0P->Head.msgh_size == (mach_msg_size_t)sizeof(mig_reply_error_t) &&
		    Out0P->Head.msgh_request_port == MACH_PORT_NULL &&
		    error->RetCode != KERN_SUCCESS)
			return error->RetCode;
		return MIG_TYPE_ERROR;
	}
	if (Out0P->msgh_body.msgh_descriptor_count != 1 ||
	    Out0P->Head.msgh_size != (mach_msg_size_t)sizeof(__Reply__source_put_t) ||
	    Out0P->made.type != MACH_MSG_PORT_DESCRIPTOR ||
	    Out0P->made.disposition != MACH_MSG_TYPE_PORT_SEND)
		return MIG_TYPE_ERROR;
	return MACH_MSG_SUCCESS;
}

mig_external kern_return_t source_put(mach_port_t server, char *name, pointer_t data,
				      mach_msg_type_number_t dataCnt, mach_port_t *made)
{
	union {
		__Request__source_put_t In;
		put_reply_t Out;
	} Mess;
	__Request__source_put_t *InP = &Mess.In;
	put_reply_t *Out0P = &Mess.Out;
	mach_msg_return_t msg_result;
#if UseStaticTemplates
	static const mach_msg_ool_descriptor_t dataTemplate = {
		.address = (void *)0,
		.size = 0,
		.deallocate = FALSE,
		.copy = MACH_MSG_VIRTUAL_COPY,
		.pad1 = 0,
		.type = MACH_MSG_OOL_DESCRIPTOR,
	};
#endif

	InP->msgh_body.msgh_descriptor_count = 1;
	InP->data = dataTemplate;
	InP->data.address = (void *)data;
	InP->data.size = dataCnt;
	InP->NDR = NDR_record;
	InP->nameOffset = 0;
	InP->nameCnt = (mach_msg_type_number_t)mig_strncpy(InP->name, name, 64);
	InP->dataCnt = dataCnt;
	InP->Head.msgh_reply_port = mig_get_reply_port();
	InP->Head.msgh_bits = MACH_MSGH_BITS_COMPLEX |
			      MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	InP->Head.msgh_request_port = server;
	InP->Head.msgh_id = 7000;
	InP->Head.msgh_reserved = 0;
	msg_result = mach_msg(&InP->Head, MACH_SEND_MSG | MACH_RCV_MSG | MACH_MSG_OPTION_NONE,
			      (mach_msg_size_t)sizeof(*InP), (mach_msg_size_t)sizeof(*Out0P),
			      InP->Head.msgh_reply_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (msg_result == MACH_SEND_INVALID_DEST || msg_result == MACH_SEND_INVALID_HEADER)
		mig_put_reply_port(InP->Head.msgh_reply_port);
	else if (msg_result != MACH_MSG_SUCCESS)
		mig_dealloc_reply_port(InP->Head.msgh_reply_port);
	if (msg_result == MACH_MSG_SUCCESS)
		msg_result = check_put((__Reply__source_put_t *)Out0P);
	if (msg_result != MACH_MSG_SUCCESS)
		return msg_result;
	*made = Out0P->made.name;
	return KERN_SUCCESS;
}

mig_external kern_return_t source_note(mach_port_t server, natural_t word)
{
	union {
		__Request__source_note_t In;
	} Mess;
	__Request__source_note_t *InP = &Mess.In;

	InP->NDR = NDR_record;
	InP->word = word;
	InP->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	InP->Head.msgh_request_port = server;
	InP->Head.msgh_reply_port = MACH_PORT_NULL;
	InP->Head.msgh_id = 7001;
	InP->Head.msgh_reserved = 0;
	return mach_msg(&InP->Head, MACH_SEND_MSG | MACH_MSG_OPTION_NONE,
			(mach_msg_size_t)sizeof(*InP), 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
			MACH_PORT_NULL);
}
