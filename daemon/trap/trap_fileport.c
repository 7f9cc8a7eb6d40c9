/* SPDX-License-Identifier: Apache-2.0 */
/* The FILEPORT frame: a descriptor becomes a send right, and a send right a descriptor. */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_fileport.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

static kern_return_t make(struct ipc_host *host, struct ipc_task *task, const struct trap_fd *fd,
			  mach_port_name_t *name)
{
	struct ipc_port *right;

	if (fd->sealed == TRAP_FD_NO_ROOM)
		return KERN_RESOURCE_SHORTAGE;
	if (fd->sealed == TRAP_FD_CONNECTION)
		return KERN_INVALID_ARGUMENT;
	right = ipc_fileport_create(host, task->t_user, fd->handle);
	if (!right)
		return KERN_RESOURCE_SHORTAGE;
	host->h_fds_taken = true;
	return ipc_right_copyout(host, task->t_space, right, MACH_MSG_TYPE_PORT_SEND, name);
}

static kern_return_t get(struct ipc_host *host, struct ipc_task *task, mach_port_name_t name,
			 ipc_fd_t *file)
{
	struct ipc_entry *entry = NULL;

	if (MACH_PORT_VALID(name))
		entry = ipc_right_lookup(host, task->t_space, name);
	if (!entry || entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->ie_type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	if (entry->ie_port->ip_kind != IP_FILE)
		return KERN_INVALID_CAPABILITY;
	*file = entry->ie_port->ip_file;
	return KERN_SUCCESS;
}

const char *trap_fileport(struct ipc_host *host, struct ipc_thread *thread,
			  const struct trap_packet *packet)
{
	struct machd_fileport request;
	struct machd_fileport_answer answer = {0};
	ipc_fd_t file = IPC_FD_NONE;

	if (!thread->th_task)
		return "it watches and has no ports";
	if (packet->tp_size != sizeof request || packet->tp_fd_count > 1)
		return "its request for a fileport has the wrong size";
	memcpy(&request, packet->tp_bytes, sizeof request);
	if (packet->tp_fd_count && request.port != MACH_PORT_NULL)
		return "its request for a fileport has a descriptor and a port";
	if (packet->tp_fd_count)
		answer.code =
			(uint32_t)make(host, thread->th_task, &packet->tp_fds[0], &answer.port);
	else
		answer.code = (uint32_t)get(host, thread->th_task, request.port, &file);
	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	if (file == IPC_FD_NONE)
		ipc_answer_send(host, thread, MACHD_OP_FILEPORT, sizeof answer, 0, NULL, 0);
	else
		ipc_answer_lend(host, thread, MACHD_OP_FILEPORT, sizeof answer, file);
	return NULL;
}
