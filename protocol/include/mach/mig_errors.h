/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of MIG stubs and servers, and the reply that carries one. */
#pragma once

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/ndr.h>

#define MIG_TYPE_ERROR	    -300 /* an argument of another type */
#define MIG_REPLY_MISMATCH  -301 /* the reply has another id */
#define MIG_REMOTE_ERROR    -302
#define MIG_BAD_ID	    -303 /* the server knows no such request */
#define MIG_BAD_ARGUMENTS   -304
#define MIG_NO_REPLY	    -305 /* the server will not reply, or will later */
#define MIG_EXCEPTION	    -306
#define MIG_ARRAY_TOO_LARGE -307 /* more elements than there is room for */
#define MIG_SERVER_DIED	    -308
#define MIG_TRAILER_ERROR   -309

#pragma pack(push, 4)
typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	kern_return_t RetCode;
} mig_reply_error_t;
#pragma pack(pop)
