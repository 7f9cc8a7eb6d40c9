/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fileports and memory entries in the model: a descriptor behind send rights. It goes with the last
 * of them.
 */
#include <mach/vm_prot.h>
#include <string.h>

#include "tests/model/model_private.h"

#define ANSWER ((uint32_t)sizeof(struct machd_fileport_answer))

static uint64_t bytes_of(const struct m_file *file)
{
	return file->memory ? file->fd.size : 0;
}

static bool part_good(const struct m_file *file)
{
	const struct machd_extent *part = &file->part;

	return file->fixed && part->size > 0 && part->offset <= file->fd.size &&
	       part->size <= file->fd.size - part->offset &&
	       (part->protection & ~(uint32_t)VM_PROT_ALL) == 0;
}

/* Is there room for it under the limits of who makes it? */
static bool may_hold(struct model *model, const struct m_thread *thread, const struct m_file *file)
{
	const struct m_user *user = thread->task->user;

	return m_may_make_port(model, thread, user) && user->memfds < model->limits.memfds &&
	       user->memory + bytes_of(file) <= model->limits.memory;
}

static void answer(struct model *model, struct m_thread *thread, uint32_t code)
{
	m_answer(model, thread, code, ANSWER);
}

void model_file(struct model *model, struct m_thread *thread, const struct m_file *file,
		uint32_t refused)
{
	struct m_user *user = thread->task->user;
	struct m_right right = {.type = MACH_MSG_TYPE_PORT_SEND};
	struct m_entry *entry;
	mach_port_name_t name;
	uint32_t full = 0;

	if (refused == KERN_SUCCESS && file->memory && !part_good(file))
		refused = KERN_INVALID_ARGUMENT;
	if (refused == KERN_SUCCESS && !may_hold(model, thread, file))
		refused = KERN_RESOURCE_SHORTAGE;
	if (refused != KERN_SUCCESS) {
		answer(model, thread, refused);
		return;
	}
	right.port = m_port_new(model, user);
	m_port_doubt(right.port);
	right.port->kernel = true;
	right.port->srights = 1;
	right.port->file = memcpy(m_alloc(model, sizeof *file), file, sizeof *file);
	user->memfds++;
	user->memory += bytes_of(file);
	entry = m_copyout(model, thread->task, right, &name, &full);
	answer(model, thread,
	       full == MACH_MSG_IPC_SPACE ? KERN_NO_SPACE
	       : full			  ? KERN_RESOURCE_SHORTAGE
					  : KERN_SUCCESS);
	if (!full)
		m_put_name(&thread->answer, offsetof(struct machd_fileport_answer, port), entry,
			   name);
	m_settle(model);
}

void m_file_orphaned(struct model *model, struct m_port *port)
{
	struct m_file *file = port->file;

	port->file = NULL;
	port->user->memfds--;
	port->user->memory -= bytes_of(file);
	m_port_end(model, port);
}

static uint32_t find(const struct model *model, const struct m_thread *thread,
		     mach_port_name_t name, bool memory, struct m_file **file)
{
	const struct m_entry *entry = m_look(thread->task, name);

	if (!entry || entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	*file = entry->port->file;
	if (!*file || ((*file)->memory != memory && model->mutation != MODEL_FILE_OF_ANY_KIND))
		return KERN_INVALID_CAPABILITY;
	return KERN_SUCCESS;
}

void model_file_of(struct model *model, struct m_thread *thread, mach_port_name_t name, bool memory)
{
	struct m_file *file = NULL;
	uint32_t code = find(model, thread, name, memory, &file);

	answer(model, thread, code);
	if (code != KERN_SUCCESS)
		return;
	thread->answer.fds = 1;
	thread->answer.fd[0] = file->fd.handle;
	if (file->memory && model->mutation != MODEL_PART_UNTOLD)
		memcpy(thread->answer.bytes + offsetof(struct machd_fileport_answer, extent),
		       &file->part, sizeof file->part);
}
