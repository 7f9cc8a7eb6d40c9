/* SPDX-License-Identifier: Apache-2.0 */
/* What a task says of its own importance; the rest comes with its messages. */
#include "daemon/ipc/ipc_importance.h"
#include "daemon/trap/trap_internal.h"
#include "protocol/importance.h"

kern_return_t trap_process_policy(struct trap_call *call, const struct process_policy_in *args,
				  struct process_policy_out *result)
{
	(void)result;
	switch (args->action) {
	case MACHD_POLICY_SET:
		return ipc_importance_donate(call->c_host, call->c_task);
	case MACHD_POLICY_HOLD:
		return ipc_importance_hold(call->c_host, call->c_task, args->reply);
	case MACHD_POLICY_DROP:
		return ipc_importance_drop(call->c_host, call->c_task);
	}
	return KERN_INVALID_ARGUMENT;
}
