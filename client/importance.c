/* SPDX-License-Identifier: Apache-2.0 */
/* Importance of the calling process, and assertions for messages it has received. */
#include <errno.h>
#include <libproc_internal.h>
#include <mach/mach_init.h>
#include <machd.h>

#include "client/mi.h"
#include "protocol/importance.h"

/* machd counts assertions, it does not tell them apart: one token stands for all. */
#define TOKEN UINT64_C(0xf000000000000001)

static kern_return_t policy(enum machd_policy_action action, mach_port_t reply)
{
	struct process_policy_in in = {.action = action, .reply = reply};

	return MI_CALL(process_policy, mach_task_self(), &in, NULL);
}

/* `refused` is what machd's no means here. */
static int error_of(kern_return_t code, int refused)
{
	switch (code) {
	case KERN_SUCCESS:
		return 0;
	case MACHD_NO_DAEMON:
		return ENOTCONN;
	case MACHD_BUSY:
		return EBUSY;
	default:
		return refused;
	}
}

int proc_donate_importance_boost(void)
{
	return error_of(policy(MACHD_POLICY_SET, MACH_PORT_NULL), EPERM);
}

int proc_importance_assertion_begin_with_msg(mach_msg_header_t *msg, mach_msg_trailer_t *trailer,
					     uint64_t *assertion_token)
{
	kern_return_t code;

	(void)trailer;
	if (!assertion_token)
		return EINVAL;
	if (!MACH_MSGH_BITS_RAISED_IMPORTANCE(msg->msgh_bits))
		return EOVERFLOW;
	code = policy(MACHD_POLICY_HOLD, msg->msgh_remote_port);
	if (code == KERN_SUCCESS) {
		msg->msgh_bits |= MACH_MSGH_BITS_IMPHOLDASRT;
		*assertion_token = TOKEN;
	}
	return error_of(code, EOVERFLOW);
}

int proc_importance_assertion_complete(uint64_t assertion_handle)
{
	if (assertion_handle != TOKEN)
		return EINVAL;
	return error_of(policy(MACHD_POLICY_DROP, MACH_PORT_NULL), EOVERFLOW);
}

int proc_denap_assertion_begin_with_msg(mach_msg_header_t *msg, uint64_t *assertion_token)
{
	return proc_importance_assertion_begin_with_msg(msg, NULL, assertion_token);
}

int proc_denap_assertion_complete(uint64_t assertion_handle)
{
	return proc_importance_assertion_complete(assertion_handle);
}
