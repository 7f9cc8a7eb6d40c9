/* SPDX-License-Identifier: Apache-2.0 */
/* The RING frame: whether a channel gets shared memory. The io layer makes it and uses it. */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

const char *trap_ring(struct ipc_host *host, struct ipc_thread *thread,
		      const struct trap_packet *packet)
{
	struct machd_ring_answer answer = {.code = KERN_SUCCESS};

	if (!thread->th_task)
		return "it watches and has no ports";
	if (packet->tp_size)
		return "its request for a ring has a body";
	if (thread->th_ring)
		return "it asks for a second ring";
	if (!ipc_thread_charge_ring(host, thread))
		answer.code = KERN_RESOURCE_SHORTAGE;
	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	if (answer.code == KERN_SUCCESS)
		ipc_answer_ring(host, thread, sizeof answer);
	else
		ipc_answer_send(host, thread, MACHD_OP_RING, sizeof answer, 0, NULL, 0);
	return NULL;
}
