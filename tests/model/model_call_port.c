/* SPDX-License-Identifier: Apache-2.0 */
/* The routines on receive rights and port sets [13, 20]. */
#include <stdlib.h>
#include <string.h>

#include "tests/model/model_call.h"

uint32_t call_set_mscount(struct call *call)
{
	struct m_port *port;
	uint32_t code = call_look_up_port(call, call->args[0], &port);

	if (code == KERN_SUCCESS)
		port->mscount = call->args[1];
	return code;
}

uint32_t call_set_seqno(struct call *call)
{
	struct m_port *port;
	uint32_t code = call_look_up_port(call, call->args[0], &port);

	if (code == KERN_SUCCESS)
		port->seqno = call->args[1];
	return code;
}

uint32_t call_get_srights(struct call *call)
{
	struct m_entry *entry;
	uint32_t code = call_look_up_named(call, call->args[0], MACH_PORT_TYPE_RECEIVE, &entry);

	if (code != KERN_SUCCESS)
		return code;
	m_answer_word(call_give(call, 1), OUT(0), entry->port->srights);
	return M_ANSWERED;
}

static uint32_t flavor_words(int32_t flavor)
{
	switch (flavor) {
	case MACH_PORT_LIMITS_INFO:
	case MACH_PORT_DNREQUESTS_SIZE:
		return 1;
	case MACH_PORT_RECEIVE_STATUS:
		return MACH_PORT_RECEIVE_STATUS_COUNT;
	case MACH_PORT_INFO_EXT:
		return MACH_PORT_INFO_EXT_COUNT;
	}
	return 0;
}

static natural_t status_flags(const struct m_port *port)
{
	return (port->guarded ? MACH_PORT_STATUS_FLAG_GUARDED : 0) |
	       (port->strict ? MACH_PORT_STATUS_FLAG_STRICT_GUARD : 0) |
	       (port->guarded && (port->immovable || port->connection)
			? MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE
			: 0) |
	       (port->no_grant ? MACH_PORT_STATUS_FLAG_NO_GRANT : 0) |
	       (port->tempowner ? MACH_PORT_STATUS_FLAG_TEMPOWNER : 0) |
	       (port->accepts ? MACH_PORT_STATUS_FLAG_IMP_DONATION : 0);
}

static void give_status(const struct m_port *port, struct m_answer *answer)
{
	mach_port_status_t status = {
		.mps_pset = !TAILQ_EMPTY(&port->sets),
		.mps_seqno = port->seqno,
		.mps_mscount = port->mscount,
		.mps_qlimit = port->qlimit,
		.mps_msgcount = port->queued + port->reserved,
		.mps_sorights = port->sorights,
		.mps_srights = port->srights > 0,
		.mps_pdrequest = port->destroyed != NULL,
		.mps_nsrequest = port->no_senders != NULL,
		.mps_flags = status_flags(port),
	};

	memcpy(answer->bytes + CALL_HEAD, &status, sizeof status);
}

uint32_t call_get_attributes(struct call *call)
{
	int32_t flavor = (int32_t)call->args[1];
	uint32_t words = flavor_words(flavor), code;
	struct m_port *port;
	struct m_answer *answer;

	if (words == 0)
		return KERN_INVALID_ARGUMENT;
	if (call->args[2] < words)
		return KERN_FAILURE;
	if (!MACH_PORT_VALID(call->args[0]) && words == 1) {
		call_give(call, flavor == MACH_PORT_DNREQUESTS_SIZE);
		return M_ANSWERED;
	}
	code = call_look_up_port(call, call->args[0], &port);
	if (code != KERN_SUCCESS)
		return code;
	answer = call_give(call, words);
	if (flavor == MACH_PORT_LIMITS_INFO)
		m_answer_word(answer, OUT(0), port->qlimit);
	else if (flavor == MACH_PORT_DNREQUESTS_SIZE)
		m_answer_ignore(answer, OUT(0), 4);
	else
		give_status(port, answer);
	if (flavor == MACH_PORT_INFO_EXT) /* behind the status */
		m_answer_word(answer, OUT(MACH_PORT_RECEIVE_STATUS_COUNT),
			      m_port_boosts(call->model, port));
	return M_ANSWERED;
}

static uint32_t accept_importance(struct call *call, bool temporary)
{
	struct m_port *port;
	uint32_t code = call_look_up_port(call, call->args[0], &port);

	if (code != KERN_SUCCESS)
		return code;
	if (port->special || port->timer)
		return KERN_INVALID_ARGUMENT;
	port->accepts = true;
	port->tempowner |= temporary;
	return KERN_SUCCESS;
}

uint32_t call_set_attributes(struct call *call)
{
	int32_t flavor = (int32_t)call->args[1];
	bool limits = flavor == MACH_PORT_LIMITS_INFO;
	struct m_port *port;
	uint32_t code;

	if (flavor == MACH_PORT_TEMPOWNER || flavor == MACH_PORT_IMPORTANCE_RECEIVER ||
	    flavor == MACH_PORT_DENAP_RECEIVER)
		return accept_importance(call, flavor == MACH_PORT_TEMPOWNER);
	if (!limits && flavor != MACH_PORT_DNREQUESTS_SIZE)
		return KERN_INVALID_ARGUMENT;
	if (call->words < 3)
		return KERN_FAILURE;
	if (limits && call->args[2] > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	code = call_look_up_port(call, call->args[0], &port);
	if (code == KERN_SUCCESS && limits)
		m_set_qlimit(call->model, port, call->args[2]);
	return code;
}

/* --- sets --- */

uint32_t call_get_set_status(struct call *call)
{
	struct m_entry *entry;
	uint32_t code = call_look_up(call, call->args[0], MACH_PORT_TYPE_PORT_SET, &entry);
	struct m_member *member;
	struct m_entry **sorted;
	unsigned count = 0;

	if (code != KERN_SUCCESS)
		return code;
	sorted = m_alloc(call->model, (call->task->entry_count + 1) * sizeof(struct m_entry *));
	TAILQ_FOREACH (member, &entry->set->members, of_set)
		sorted[count++] = member->port->holder;
	qsort(sorted, count, sizeof *sorted, call_by_name);
	call_give(call, 1 + count);
	for (unsigned i = 0; i < count; i++)
		m_answer_word(&call->thread->answer, OUT(1 + i), sorted[i]->name);
	return M_ANSWERED;
}

/* Both of them: that there are such names comes first, and dead ones are none. */
static uint32_t look_up_both(struct call *call, struct m_port **port, struct m_set **set)
{
	const struct m_entry *member, *group;

	if (!MACH_PORT_VALID(call->args[0]) || !MACH_PORT_VALID(call->args[1]))
		return KERN_INVALID_RIGHT;
	member = m_look(call->task, call->args[0]);
	group = m_look(call->task, call->args[1]);
	if (!member || !group || (member->type | group->type) & MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(member->type & MACH_PORT_TYPE_RECEIVE) || group->type != MACH_PORT_TYPE_PORT_SET)
		return KERN_INVALID_RIGHT;
	*port = member->port;
	*set = group->set;
	return KERN_SUCCESS;
}

uint32_t call_insert_member(struct call *call)
{
	struct m_port *port;
	struct m_set *set;
	uint32_t code = look_up_both(call, &port, &set);

	if (code != KERN_SUCCESS)
		return code;
	if (m_member_find(port, set))
		return KERN_ALREADY_IN_SET;
	m_member_add(call->model, port, set);
	return KERN_SUCCESS;
}

uint32_t call_extract_member(struct call *call)
{
	struct m_port *port;
	struct m_set *set;
	uint32_t code = look_up_both(call, &port, &set);
	struct m_member *member;

	if (code != KERN_SUCCESS)
		return code;
	member = m_member_find(port, set);
	if (!member)
		return KERN_NOT_IN_SET;
	m_member_remove(member);
	return KERN_SUCCESS;
}

uint32_t call_move_member(struct call *call)
{
	struct m_member *member, *next;
	struct m_port *port;
	struct m_set *set = NULL;
	bool none = call->args[1] == MACH_PORT_NULL;
	uint32_t code = none ? call_look_up_port(call, call->args[0], &port)
			     : look_up_both(call, &port, &set);

	if (code != KERN_SUCCESS)
		return code;
	if (none && TAILQ_EMPTY(&port->sets))
		return KERN_NOT_IN_SET;
	for (member = TAILQ_FIRST(&port->sets); member; member = next) {
		next = TAILQ_NEXT(member, of_port);
		if (member->set != set)
			m_member_remove(member);
	}
	if (set && !m_member_find(port, set))
		m_member_add(call->model, port, set);
	return KERN_SUCCESS;
}
