/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MACHD_OP_CALL: one routine of ops.def, asked and answered. The stubs in mach_port.c, task.c and
 * bootstrap.c give it their arguments in the wire's layout.
 */
#include <errno.h>
#include <string.h>

#include "client/mi.h"

struct request {
	struct machd_frame frame;
	struct machd_call call;
};

struct reply {
	struct machd_frame frame;
	struct machd_call_answer answer;
};

static kern_return_t read_answer(struct mi_channel *channel, struct mi_call *call)
{
	struct reply reply = {0};
	struct iovec parts[] = {
		{&reply, sizeof reply},
		{call->out, call->out_size},
		{call->out_array, call->out_array_size},
	};
	struct mi_answer answer = {.parts = parts, .count = 3, .cancel = call->waits};
	const char *wrong;
	int error = mi_answer(channel, &answer);

	if (error)
		return mi_lost(channel, strerrordesc_np(error));
	wrong = mi_check_answer(channel, &reply.frame, MACHD_OP_CALL, &answer);
	if (!wrong && (answer.fault || answer.fds.count || answer.size < sizeof reply))
		wrong = "machd sent an answer that makes no sense";
	mi_fds_close(&answer.fds);
	if (!wrong && reply.answer.code == KERN_SUCCESS &&
	    answer.size < sizeof reply + call->out_size)
		wrong = "machd sent an answer that is too short";
	if (wrong)
		return mi_lost(channel, wrong);
	if (reply.answer.code == KERN_SUCCESS)
		call->out_array_size = answer.size - sizeof reply - call->out_size;
	return (kern_return_t)reply.answer.code;
}

kern_return_t mi_call_within(struct mi_channel *channel, struct mi_call *call)
{
	struct request request = {.call = {.routine = call->routine, .target = call->target}};
	struct iovec parts[] = {
		{&request, sizeof request},
		{(void *)(uintptr_t)call->in, call->in_size},
		{(void *)(uintptr_t)call->in_array, call->in_array_size},
	};
	int error = mi_request(channel, MACHD_OP_CALL, parts, 3, NULL);

	if (error == 0)
		return read_answer(channel, call);
	if (error == ENOBUFS || error == ENOMEM)
		return KERN_RESOURCE_SHORTAGE;
	return mi_lost(channel, strerrordesc_np(error));
}

kern_return_t mi_call(struct mi_call *call)
{
	struct mi_entry entry;
	sigset_t signals;
	kern_return_t code = mi_enter(&entry);

	if (code != KERN_SUCCESS)
		return code;
	if (call->waits)
		mi_hold_signals(entry.channel, &signals);
	code = mi_call_within(entry.channel, call);
	if (call->waits)
		mi_let_signals(entry.channel, &signals);
	mi_leave(&entry);
	return code;
}
