/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard exceptions [16.2]: misuse of a name that a program's author wants to hear of, beside the
 * code that the call returns. The first one of a request is kept with the thread that made it; the
 * answer says that there was one, and the client library may ask for it and act on it. All are
 * counted with the task.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

struct ipc_violation {
	uint32_t v_reason; /* kGUARD_EXC_; 0: none, or it was asked for already */
	mach_port_name_t v_name;
	uint64_t v_subcode; /* the guard of the port, where that is what was violated */
};

/*
 * A request of `thread` (NULL: nobody's) misuses `name`. What is raised after another one in the
 * same request is nothing new.
 */
void ipc_guard_raise(struct ipc_host *host, struct ipc_thread *thread, uint32_t reason,
		     mach_port_name_t name, uint64_t subcode);

/* The flags of this thread's next answer: MACHD_ANSWER_. */
uint32_t ipc_guard_answer_flags(const struct ipc_thread *thread);

/* What the thread did last, for its library; that takes it away. */
struct ipc_violation ipc_guard_take(struct ipc_thread *thread);
