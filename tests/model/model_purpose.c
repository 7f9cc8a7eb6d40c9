/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that are made for something: replies, services, connections, filters [16.4, 16.5, 17]. */
#include <machd.h>
#include <string.h>

#include "tests/model/layout.h"
#include "tests/model/model_private.h"

enum { DOMAIN_AT = 255, BOOTSTRAP = 7, ID_MASK = 0xffffff }; /* in a service's info; of ids */

uint32_t m_check_purpose(const struct m_task *caller, uint32_t flags)
{
	const uint32_t kinds = MPO_SERVICE_PORT | MPO_CONNECTION_PORT | MPO_TG_BLOCK_TRACKING;
	const uint32_t replies = MPO_REPLY_PORT | MPO_ENFORCE_REPLY_PORT_SEMANTICS |
				 MPO_EXCEPTION_PORT | MPO_PROVISIONAL_REPLY_PORT;

	if (__builtin_popcount(flags & kinds) > 1 || __builtin_popcount(flags & replies) > 1)
		return KERN_INVALID_ARGUMENT;
	if (flags & MPO_TG_BLOCK_TRACKING || (flags & MPO_SERVICE_PORT && caller->uid != 0))
		return KERN_DENIED;
	return KERN_SUCCESS;
}

void m_apply_purpose(const struct m_task *task, struct m_port *port, uint32_t flags)
{
	port->is_reply = flags & (MPO_REPLY_PORT | MPO_PROVISIONAL_REPLY_PORT);
	port->only_reply = flags & MPO_REPLY_PORT && task->suspect;
	port->immovable |= port->only_reply || flags & MPO_EXCEPTION_PORT;
	port->wants_reply = flags & MPO_ENFORCE_REPLY_PORT_SEMANTICS;
	port->service = flags & MPO_SERVICE_PORT;
	port->connection = flags & MPO_CONNECTION_PORT;
	port->filtered = flags & (MPO_FILTER_MSG | MPO_SERVICE_PORT);
	port->no_grant = flags & MACHD_MPO_NO_GRANT;
	port->tempowner = flags & MPO_TEMPOWNER;
	port->accepts = flags & (MPO_TEMPOWNER | MPO_IMPORTANCE_RECEIVER | MPO_DENAP_RECEIVER);
}

bool m_reply_fits(const struct model *model, const struct m_entry *dest,
		  const struct m_entry *reply)
{
	if (!dest->port || dest->port->dead || !dest->port->wants_reply ||
	    model->mutation == MODEL_REPLY_PORT_ANY)
		return true;
	return reply->port && reply->port->is_reply;
}

static bool has_rights(const struct m_msg *msg)
{
	for (unsigned i = 0; i < msg->parts; i++)
		if (!layout_memory(msg->part[i].type) ||
		    (msg->part[i].type == MACH_MSG_OOL_PORTS_DESCRIPTOR && msg->part[i].count > 0))
			return true;
	return false;
}

static bool passes(const struct m_policy *policy, const struct m_port *port, uint32_t id)
{
	bool labeled = port->label;

	if (port->service && ((const uint8_t *)port->label->info)[DOMAIN_AT] == BOOTSTRAP) {
		if ((id & ~(uint32_t)ID_MASK) == 0)
			return false;
		id &= ID_MASK;
	}
	return id >= policy->first[labeled] && id <= policy->last[labeled];
}

uint32_t m_check_policy(const struct model *model, const struct m_task *task,
			const struct m_msg *msg)
{
	const struct m_port *dest = msg->dest.port;

	if (dest->no_grant && has_rights(msg))
		return MACH_SEND_NO_GRANT_DEST;
	if (dest->dead)
		return MACH_MSG_SUCCESS;
	if (!task->suspect || !dest->filtered || model->mutation == MODEL_FILTER_OPEN)
		return MACH_MSG_SUCCESS;
	return passes(model->policy, dest, (uint32_t)msg->id) ? MACH_MSG_SUCCESS
							      : MACH_SEND_MSG_FILTERED;
}

static bool at_home(const struct m_port *port)
{
	return port->service && port->holder && port->holder->task == port->label->owner;
}

void m_service_leaves(struct m_port *port)
{
	if (!at_home(port))
		return;
	port->label->guarded = port->strict;
	port->label->guard = port->context;
}

void m_service_arrives(struct m_port *port)
{
	if (!port->service)
		return;
	if (at_home(port) && port->label->returning && port->label->guarded) {
		port->guarded = port->strict = true;
		port->context = port->label->guard;
	}
	port->label->returning = false;
}
