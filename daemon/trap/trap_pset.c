/* SPDX-License-Identifier: Apache-2.0 */
/* The mach_port calls on port sets [13, 20]. */
#include <stdlib.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/trap/trap_internal.h"

#define MEMBERS_PER_PAGE 16384

/* A receive right and a set. That there are such names at all comes first, for both of them. */
static kern_return_t lookup_both(struct trap_call *call, mach_port_name_t name,
				 mach_port_name_t pset, struct ipc_port **port,
				 struct ipc_pset **set)
{
	const struct ipc_entry *member, *group;

	if (!MACH_PORT_VALID(name) || !MACH_PORT_VALID(pset))
		return KERN_INVALID_RIGHT;
	member = ipc_right_lookup(call->c_host, call->c_space, name);
	group = ipc_right_lookup(call->c_host, call->c_space, pset);
	if (!member || !group || (member->ie_type | group->ie_type) & MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(member->ie_type & MACH_PORT_TYPE_RECEIVE) ||
	    group->ie_type != MACH_PORT_TYPE_PORT_SET)
		return KERN_INVALID_RIGHT;
	*port = member->ie_port;
	*set = group->ie_pset;
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_insert_member(struct trap_call *call,
					   const struct mach_port_insert_member_in *args,
					   struct mach_port_insert_member_out *result)
{
	struct ipc_port *port;
	struct ipc_pset *set;
	kern_return_t kr = lookup_both(call, args->name, args->pset, &port, &set);

	(void)result;
	return kr == KERN_SUCCESS ? ipc_pset_add(call->c_host, set, port) : kr;
}

kern_return_t trap_mach_port_extract_member(struct trap_call *call,
					    const struct mach_port_extract_member_in *args,
					    struct mach_port_extract_member_out *result)
{
	struct ipc_port *port;
	struct ipc_pset *set;
	kern_return_t kr = lookup_both(call, args->name, args->pset, &port, &set);

	(void)result;
	return kr == KERN_SUCCESS ? ipc_pset_remove(set, port) : kr;
}

kern_return_t trap_mach_port_move_member(struct trap_call *call,
					 const struct mach_port_move_member_in *args,
					 struct mach_port_move_member_out *result)
{
	struct ipc_port *port;
	struct ipc_pset *set;
	kern_return_t kr;

	(void)result;
	if (args->after == MACH_PORT_NULL) {
		kr = ipc_right_lookup_receive(call->c_host, call->c_space, args->member, &port);
		if (kr == KERN_SUCCESS && ipc_pset_remove_from_all(port, NULL) == 0)
			kr = KERN_NOT_IN_SET;
		return kr;
	}
	kr = lookup_both(call, args->member, args->after, &port, &set);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = ipc_pset_add(call->c_host, set, port);
	if (kr != KERN_SUCCESS && kr != KERN_ALREADY_IN_SET)
		return kr;
	ipc_pset_remove_from_all(port, set);
	return KERN_SUCCESS;
}

static int by_name(const void *a, const void *b)
{
	mach_port_name_t x = *(const mach_port_name_t *)a, y = *(const mach_port_name_t *)b;

	return (x > y) - (x < y);
}

/* The set's members with names from `first` on, in `names` if it is not NULL; how many. */
static uint32_t members_from(const struct ipc_pset *set, mach_port_name_t first,
			     mach_port_name_t *names)
{
	uint32_t count = 0;

	LIST_FOR_EACH (node, &set->ps_members) {
		const struct ipc_member *member = list_entry(node, struct ipc_member, m_set_link);

		if (member->m_port->ip_name < first)
			continue;
		if (names)
			names[count] = member->m_port->ip_name;
		count++;
	}
	return count;
}

kern_return_t trap_mach_port_get_set_status(struct trap_call *call,
					    const struct mach_port_get_set_status_in *args,
					    struct mach_port_get_set_status_out *result)
{
	struct ipc_pset *set;
	mach_port_name_t *names;
	kern_return_t kr = ipc_right_lookup_pset(call->c_host, call->c_space, args->name, &set);
	uint32_t count;

	if (kr != KERN_SUCCESS)
		return kr;
	count = members_from(set, args->first, NULL);
	if (count == 0)
		return KERN_SUCCESS;
	names = mem_alloc_array(count, sizeof *names);
	if (!names)
		return KERN_RESOURCE_SHORTAGE;
	members_from(set, args->first, names);
	qsort(names, count, sizeof *names, by_name);
	for (uint32_t i = 0; i < count && i < MEMBERS_PER_PAGE; i++)
		result->members[i] = names[i];
	call->c_out_words = count < MEMBERS_PER_PAGE ? count : MEMBERS_PER_PAGE;
	result->next = count > MEMBERS_PER_PAGE ? names[MEMBERS_PER_PAGE] : 0;
	mem_free(names);
	return KERN_SUCCESS;
}
