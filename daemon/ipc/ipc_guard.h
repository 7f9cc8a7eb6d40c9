/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard exceptions [16.2]: reports of a name's misuse, in addition to the code that the call
 * returns. The first one of a request is kept with its thread; a flag of the answer says that there
 * is one, and the client library may fetch it and react. The task counts all of them.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

struct ipc_violation {
	uint32_t v_reason; /* kGUARD_EXC_; 0: none, or it was fetched already */
	mach_port_name_t v_name;
	uint64_t v_subcode; /* the port's guard, if that was violated */
};

/*
 * A request of `thread` misuses `name`. Ignored for NULL (no request is being handled), and after
 * another one of the same request.
 */
void ipc_guard_raise(struct ipc_host *host, struct ipc_thread *thread, uint32_t reason,
		     mach_port_name_t name, uint64_t subcode);

/* The flags of this thread's next answer: MACHD_ANSWER_. */
uint32_t ipc_guard_answer_flags(const struct ipc_thread *thread);

/* Fetch and clear the thread's last one, for its library. */
struct ipc_violation ipc_guard_take(struct ipc_thread *thread);
