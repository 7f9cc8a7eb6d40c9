/* SPDX-License-Identifier: Apache-2.0 */
/* Guard exceptions: kept, counted, and now and then said in the log. */
#include "daemon/ipc/ipc_guard.h"

#include <inttypes.h>
#include <mach/task_info.h>
#include <stdio.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "protocol/frame.h"

#define MP_BEHAVIOR (TASK_EXC_GUARD_MP_DELIVER | TASK_EXC_GUARD_MP_FATAL)

/* Log the 1st, 2nd, 4th, 8th and so on. */
static bool worth_a_line(uint64_t count)
{
	return (count & (count - 1)) == 0;
}

static void log_violation(struct ipc_host *host, const struct ipc_task *task,
			  const struct ipc_violation *violation)
{
	char text[160];

	snprintf(text, sizeof text,
		 "guard exception %" PRIu64 " of pid %" PRId32 ": reason 0x%" PRIx32
		 ", name 0x%" PRIx32,
		 task->t_violations, task->t_pid, violation->v_reason, violation->v_name);
	host->h_outbox->warn(host->h_outbox->context, text);
}

void ipc_guard_raise(struct ipc_host *host, struct ipc_thread *thread, uint32_t reason,
		     mach_port_name_t name, uint64_t subcode)
{
	if (!thread || !thread->th_task || thread->th_violates)
		return;
	thread->th_violates = true;
	thread->th_violation = (struct ipc_violation){reason, name, subcode};
	if (worth_a_line(++thread->th_task->t_violations))
		log_violation(host, thread->th_task, &thread->th_violation);
}

uint32_t ipc_guard_answer_flags(const struct ipc_thread *thread)
{
	if (!thread->th_violates)
		return 0;
	return MACHD_ANSWER_GUARD |
	       (thread->th_task->t_guard_behavior & MP_BEHAVIOR ? MACHD_ANSWER_GUARD_ACTS : 0);
}

struct ipc_violation ipc_guard_take(struct ipc_thread *thread)
{
	struct ipc_violation violation = thread->th_violation;

	thread->th_violation = (struct ipc_violation){0};
	return violation;
}
