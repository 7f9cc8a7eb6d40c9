/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FILEPORT frame: a descriptor becomes a send right, and a send right a descriptor; a part
 * of a memfd becomes a memory entry, and that a descriptor and what part it is.
 */
#include <mach/vm_prot.h>
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_fileport.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

/* A memory entry: the memfd must have what it says, now and for ever. */
static bool part_good(const struct trap_fd *fd, const struct machd_extent *extent)
{
	bool fixed = fd->sealed == TRAP_FD_FIXED || fd->sealed == TRAP_FD_SEALED;

	return fixed && extent->size > 0 && extent->offset <= fd->size &&
	       extent->size <= fd->size - extent->offset &&
	       (extent->protection & ~(uint32_t)VM_PROT_ALL) == 0;
}

static kern_return_t make(struct ipc_host *host, struct ipc_task *task, const struct trap_fd *fd,
			  const struct machd_fileport *request, mach_port_name_t *name)
{
	struct ipc_memory memory = {.im_offset = request->extent.offset,
				    .im_size = request->extent.size,
				    .im_charge = fd->size,
				    .im_protection = request->extent.protection};
	struct ipc_port *right;

	if (fd->sealed == TRAP_FD_NO_ROOM)
		return KERN_RESOURCE_SHORTAGE;
	if (fd->sealed == TRAP_FD_CONNECTION)
		return KERN_INVALID_ARGUMENT;
	if (request->kind == MACHD_FILE_MEMORY && !part_good(fd, &request->extent))
		return KERN_INVALID_ARGUMENT;
	right = request->kind == MACHD_FILE_MEMORY
			? ipc_memory_create(host, task->t_account, fd->handle, &memory)
			: ipc_fileport_create(host, task->t_account, fd->handle);
	if (!right)
		return KERN_RESOURCE_SHORTAGE;
	host->h_fds_taken = true;
	return ipc_right_copyout(host, task->t_space, right, MACH_MSG_TYPE_PORT_SEND, name);
}

static kern_return_t get(struct ipc_host *host, struct ipc_task *task, mach_port_name_t name,
			 enum ipc_port_kind kind, struct ipc_port **found)
{
	struct ipc_entry *entry = NULL;

	if (MACH_PORT_VALID(name))
		entry = ipc_right_lookup(host, task->t_space, name);
	if (!entry || entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->ie_type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	if (entry->ie_port->ip_kind != kind)
		return KERN_INVALID_CAPABILITY;
	*found = entry->ie_port;
	return KERN_SUCCESS;
}

const char *trap_fileport(struct ipc_host *host, struct ipc_thread *thread,
			  const struct trap_packet *packet)
{
	struct machd_fileport request;
	struct machd_fileport_answer answer = {0};
	enum ipc_port_kind kind;
	struct ipc_port *found = NULL;

	if (!thread->th_task)
		return "it watches and has no ports";
	if (packet->tp_size != sizeof request || packet->tp_fd_count > 1)
		return "its request for a fileport has the wrong size";
	memcpy(&request, packet->tp_bytes, sizeof request);
	if (packet->tp_fd_count && request.port != MACH_PORT_NULL)
		return "its request for a fileport has a descriptor and a port";
	if (request.kind > MACHD_FILE_MEMORY)
		return "its request for a fileport is for none that there is";
	kind = request.kind == MACHD_FILE_MEMORY ? IP_MEMORY : IP_FILE;
	if (packet->tp_fd_count)
		answer.code = (uint32_t)make(host, thread->th_task, &packet->tp_fds[0], &request,
					     &answer.port);
	else
		answer.code = (uint32_t)get(host, thread->th_task, request.port, kind, &found);
	if (found && found->ip_memory)
		answer.extent =
			(struct machd_extent){.offset = found->ip_memory->im_offset,
					      .size = found->ip_memory->im_size,
					      .protection = found->ip_memory->im_protection};
	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	if (found)
		ipc_answer_lend(host, thread, MACHD_OP_FILEPORT, sizeof answer, found->ip_file);
	else
		ipc_answer_send(host, thread, MACHD_OP_FILEPORT, sizeof answer, 0, NULL, 0);
	return NULL;
}
