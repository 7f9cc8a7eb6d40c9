/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing what can be seen of names and ports, by calls that the model answers as well. */
#include <stdlib.h>

#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "tests/model/world_private.h"

static void look_at_port(struct world *world, struct actor *actor, mach_port_name_t self,
			 mach_port_name_t name)
{
	const uint32_t status[] = {name, MACH_PORT_INFO_EXT, MACH_PORT_INFO_EXT_COUNT};

	world_call(world, actor, MACHD_ROUTINE_mach_port_get_attributes, self, status, 3);
	world_call(world, actor, MACHD_ROUTINE_mach_port_get_srights, self, &name, 1);
	world_call(world, actor, MACHD_ROUTINE_mach_port_get_context, self, &name, 1);
}

/* A dead send-once right is left alone: who looks at it changes it. */
static bool dead_once(const struct m_entry *entry)
{
	return entry->type == MACH_PORT_TYPE_SEND_ONCE && entry->port->dead;
}

void world_look(struct world *world, struct m_task *task, mach_port_name_t name)
{
	struct actor *actor = world_idle(world, task);
	struct m_entry *entry = m_find(task, name);
	uint32_t refs[] = {name, MACH_PORT_RIGHT_SEND};
	uint32_t set[] = {name, 0};
	mach_port_name_t self;

	if (!actor || !entry || dead_once(entry))
		return;
	self = actor->lab->task->self;
	world_call(world, actor, MACHD_ROUTINE_mach_port_type, self, &name, 1);
	if (entry->type == MACH_PORT_TYPE_DEAD_NAME)
		refs[1] = MACH_PORT_RIGHT_DEAD_NAME;
	if (entry->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME))
		world_call(world, actor, MACHD_ROUTINE_mach_port_get_refs, self, refs, 2);
	if (entry->type & MACH_PORT_TYPE_RECEIVE)
		look_at_port(world, actor, self, name);
	if (entry->type == MACH_PORT_TYPE_PORT_SET)
		world_call(world, actor, MACHD_ROUTINE_mach_port_get_set_status, self, set, 2);
}

/* The machine's own count: a program cannot ask how often it is boosted. */
static void look_at_boosts(struct world *world, const struct m_task *task)
{
	const struct actor *actor = world_idle(world, task);
	uint64_t boosts;

	if (!actor || world->failed)
		return;
	boosts = actor->lab->ipc->th_task->t_boosts;
	if (boosts != model_boosts(&world->model, task))
		world_fail(world, "thread %u: its task is boosted %llu times, must be %u",
			   actor->origin, (unsigned long long)boosts,
			   model_boosts(&world->model, task));
}

void world_look_at_used(struct world *world, struct m_task *task)
{
	const struct op *op = world->op;

	for (unsigned i = 0; i < op->words; i++)
		world_look(world, task, world_name(world, &op->arg[i]));
	world_look(world, task, world_name(world, &op->dest));
	world_look(world, task, world_name(world, &op->reply));
	world_look(world, task, world_name(world, &op->receive));
	for (unsigned i = 0; i < op->descriptors; i++)
		world_look(world, task, world_name(world, &op->descriptor[i].name));
	for (unsigned i = 0; i < op->array_count; i++)
		world_look(world, task, world_name(world, &op->array[i]));
	for (unsigned i = 0; i < world->named; i++) {
		struct m_task *each;

		TAILQ_FOREACH (each, &world->model.tasks, link)
			world_look(world, each, world->names[op->number][i]);
	}
}

void world_look_at_all(struct world *world)
{
	struct m_task *task;
	struct m_entry *entry;
	const uint32_t first = 0;

	TAILQ_FOREACH (task, &world->model.tasks, link) {
		struct actor *actor = world_idle(world, task);

		look_at_boosts(world, task);

		if (!actor)
			continue;
		world_call(world, actor, MACHD_ROUTINE_mach_port_names, actor->lab->task->self,
			   &first, 1);
		TAILQ_FOREACH (entry, &task->entries, link)
			world_look(world, task, entry->name);
	}
}
