/* SPDX-License-Identifier: Apache-2.0 */
/* The mach_port calls on port sets [13, 20]. */
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

#define BITS 64

/* A bit for each entry of the space whose port is in the set; NULL without memory. */
static uint64_t *member_bits(const struct ipc_space *space, const struct ipc_pset *set)
{
	uint64_t *bits = mem_alloc_array(space->is_size / BITS + 1, sizeof *bits);

	if (!bits)
		return NULL;
	LIST_FOR_EACH (node, &set->ps_members) {
		const struct ipc_member *member = list_entry(node, struct ipc_member, m_set_link);
		uint32_t index = member->m_port->ip_name >> 8;

		bits[index / BITS] |= UINT64_C(1) << index % BITS;
	}
	return bits;
}

kern_return_t trap_mach_port_get_set_status(struct trap_call *call,
					    const struct mach_port_get_set_status_in *args,
					    struct mach_port_get_set_status_out *result)
{
	struct ipc_pset *set;
	kern_return_t kr = ipc_right_lookup_pset(call->c_host, call->c_space, args->name, &set);
	uint64_t *bits;

	if (kr != KERN_SUCCESS)
		return kr;
	bits = member_bits(call->c_space, set);
	if (!bits)
		return KERN_RESOURCE_SHORTAGE;
	/* The order of names is that of their entries. */
	for (uint32_t i = args->first >> 8; i < call->c_space->is_size && !result->next; i++) {
		mach_port_name_t name = ipc_entry_name(call->c_space, &call->c_space->is_table[i]);

		if (!(bits[i / BITS] >> i % BITS & 1))
			continue;
		if (call->c_out_words < MEMBERS_PER_PAGE)
			result->members[call->c_out_words++] = name;
		else
			result->next = name;
	}
	mem_free(bits);
	return KERN_SUCCESS;
}
