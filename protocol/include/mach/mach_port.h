/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on the names, rights and ports of a task. `task` is the task's port, as a rule
 * mach_task_self(). KERN_INVALID_NAME: nothing has that name. KERN_INVALID_RIGHT: something else
 * has. MACH_SEND_INVALID_DEST: `task` is no port of a task. MACHD_NO_DAEMON: see machd.h.
 */
#pragma once

#include <mach/mach_types.h>
#include <mach_debug/ipc_info.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * All names and what they denote: two arrays of the same length, in memory that the caller frees
 * with vm_deallocate(). Types have the MACH_PORT_TYPE_DNREQUEST and _SPREQUEST marks.
 */
extern kern_return_t mach_port_names(ipc_space_t task, mach_port_name_array_t *names,
				     mach_msg_type_number_t *namesCnt,
				     mach_port_type_array_t *types,
				     mach_msg_type_number_t *typesCnt);

/* What one name denotes. */
extern kern_return_t mach_port_type(ipc_space_t task, mach_port_name_t name,
				    mach_port_type_t *ptype);

/*
 * A new receive right, port set or dead name. KERN_NO_SPACE: the name space is full.
 */
extern kern_return_t mach_port_allocate(ipc_space_t task, mach_port_right_t right,
					mach_port_name_t *name);

/* The same under a name that the caller chose; its low two bits must be set. */
extern kern_return_t mach_port_allocate_name(ipc_space_t task, mach_port_right_t right,
					     mach_port_name_t name);

/*
 * mach_port_allocate with wishes: `prealloc` is accepted and has no effect. KERN_INVALID_ARGUMENT:
 * a name was wished for. KERN_RESOURCE_SHORTAGE: `len` is more than any message has.
 * KERN_INVALID_VALUE: `prealloc` for what is no receive right.
 */
extern kern_return_t mach_port_allocate_qos(ipc_space_t task, mach_port_right_t right,
					    mach_port_qos_t *qos, mach_port_name_t *name);

/*
 * The same, and with qos->name the name is the caller's choice, in *name. `proto` must be
 * MACH_PORT_NULL, else KERN_INVALID_VALUE.
 */
extern kern_return_t mach_port_allocate_full(ipc_space_t task, mach_port_right_t right,
					     mach_port_t proto, mach_port_qos_t *qos,
					     mach_port_name_t *name);

/* Not supported any more: MIG_BAD_ID. */
extern kern_return_t mach_port_rename(ipc_space_t task, mach_port_name_t old_name,
				      mach_port_name_t new_name);

/* Give up everything that a name denotes. */
extern kern_return_t mach_port_destroy(ipc_space_t task, mach_port_name_t name);

/* Give up one user reference of a send, send-once or dead-name right. */
extern kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name);

/* User references of one kind of right; 0 if the name does not have it. */
extern kern_return_t mach_port_get_refs(ipc_space_t task, mach_port_name_t name,
					mach_port_right_t right, mach_port_urefs_t *refs);

/* Add to, or take from, the user references of one kind of right. */
extern kern_return_t mach_port_mod_refs(ipc_space_t task, mach_port_name_t name,
					mach_port_right_t right, mach_port_delta_t delta);

/* Set the count of send rights made from a receive right. */
extern kern_return_t mach_port_set_mscount(ipc_space_t task, mach_port_name_t name,
					   mach_port_mscount_t mscount);

/* Members of a port set, ascending, in memory the caller frees with vm_deallocate(). */
extern kern_return_t mach_port_get_set_status(ipc_space_t task, mach_port_name_t name,
					      mach_port_name_array_t *members,
					      mach_msg_type_number_t *membersCnt);

/* Take a receive right out of all sets, and put it into the set `after` unless that is NULL. */
extern kern_return_t mach_port_move_member(ipc_space_t task, mach_port_name_t member,
					   mach_port_name_t after);

/*
 * Ask for one notification `msgid` (mach/notify.h) about `name`. `notify` names a right of which
 * `notifyPoly` (MACH_MSG_TYPE_MAKE_SEND_ONCE or _MOVE_SEND_ONCE) makes the send-once right that the
 * notification is sent to; MACH_PORT_NULL cancels. `previous` is the send-once right of the request
 * that was replaced, or MACH_PORT_NULL.
 */
extern kern_return_t mach_port_request_notification(ipc_space_t task, mach_port_name_t name,
						    mach_msg_id_t msgid, mach_port_mscount_t sync,
						    mach_port_t notify,
						    mach_msg_type_name_t notifyPoly,
						    mach_port_t *previous);

/* Take the right that `polyPoly` makes of `poly` and put it under `name`. */
extern kern_return_t mach_port_insert_right(ipc_space_t task, mach_port_name_t name,
					    mach_port_t poly, mach_msg_type_name_t polyPoly);

/* Take a right out of a name: what would be received if it were sent with `msgt_name`. */
extern kern_return_t mach_port_extract_right(ipc_space_t task, mach_port_name_t name,
					     mach_msg_type_name_t msgt_name, mach_port_t *poly,
					     mach_msg_type_name_t *polyPoly);

/* Set the number of the next message received from a port. */
extern kern_return_t mach_port_set_seqno(ipc_space_t task, mach_port_name_t name,
					 mach_port_seqno_t seqno);

/*
 * Read what MACH_PORT_LIMITS_INFO, _RECEIVE_STATUS, _DNREQUESTS_SIZE or _INFO_EXT says of a receive
 * right. `port_info_outCnt` has the room, and gets the length, in 32-bit words. KERN_FAILURE: too
 * little room. KERN_INVALID_ARGUMENT: no such flavor.
 */
extern kern_return_t mach_port_get_attributes(ipc_space_t task, mach_port_name_t name,
					      mach_port_flavor_t flavor,
					      mach_port_info_t port_info_out,
					      mach_msg_type_number_t *port_info_outCnt);

/* Set the limits (MACH_PORT_LIMITS_INFO) of a receive right. */
extern kern_return_t mach_port_set_attributes(ipc_space_t task, mach_port_name_t name,
					      mach_port_flavor_t flavor, mach_port_info_t port_info,
					      mach_msg_type_number_t port_infoCnt);

/* Number of send rights to a port the caller receives from. */
extern kern_return_t mach_port_get_srights(ipc_space_t task, mach_port_name_t name,
					   mach_port_rights_t *srights);

/* Put a receive right into a port set. KERN_ALREADY_IN_SET */
extern kern_return_t mach_port_insert_member(ipc_space_t task, mach_port_name_t name,
					     mach_port_name_t pset);

/* Take it out. KERN_NOT_IN_SET */
extern kern_return_t mach_port_extract_member(ipc_space_t task, mach_port_name_t name,
					      mach_port_name_t pset);

/* The word a receive right carries. */
extern kern_return_t mach_port_get_context(ipc_space_t task, mach_port_name_t name,
					   mach_port_context_t *context);
extern kern_return_t mach_port_set_context(ipc_space_t task, mach_port_name_t name,
					   mach_port_context_t context);

/*
 * A receive right with all that `options` asks for (MPO_) and a context, or a guard. KERN_DENIED:
 * for the system's first process only. KERN_INVALID_ARGUMENT, _INVALID_VALUE: options that cannot
 * be.
 */
extern kern_return_t mach_port_construct(ipc_space_t task, mach_port_options_t *options,
					 mach_port_context_t context, mach_port_name_t *name);

/*
 * Destroy a receive right and `srdelta` (0 or less) send references of its name.
 * KERN_INVALID_RIGHT, KERN_INVALID_VALUE; KERN_INVALID_ARGUMENT: that is not its guard. Nothing
 * changes then.
 */
extern kern_return_t mach_port_destruct(ipc_space_t task, mach_port_name_t name,
					mach_port_delta_t srdelta, mach_port_context_t guard);

/*
 * Put a guard on a receive right: it can then be destroyed only by who knows the guard. A strict
 * guard hides the context, too. KERN_INVALID_ARGUMENT: there is a guard or a context already; for
 * the others: not guarded, or another guard.
 */
extern kern_return_t mach_port_guard(ipc_space_t task, mach_port_name_t name,
				     mach_port_context_t guard, boolean_t strict);
extern kern_return_t mach_port_guard_with_flags(ipc_space_t task, mach_port_name_t name,
						mach_port_context_t guard, uint64_t flags);
extern kern_return_t mach_port_unguard(ipc_space_t task, mach_port_name_t name,
				       mach_port_context_t guard);
extern kern_return_t mach_port_swap_guard(ipc_space_t task, mach_port_name_t name,
					  mach_port_context_t old_guard,
					  mach_port_context_t new_guard);

/* KERN_SUCCESS if the port has the strict guard in `info` (MACH_PORT_GUARD_INFO). */
extern kern_return_t mach_port_assert_attributes(ipc_space_t task, mach_port_name_t name,
						 mach_port_flavor_t flavor, mach_port_info_t info,
						 mach_msg_type_number_t count);

/*
 * Look at a queued message: the one with number *seqno, or the first for 0. `size` is as Mach
 * counts inside, `trailer` as receive options with `trailer_type` would give it. KERN_FAILURE: no
 * such message. KERN_INVALID_VALUE: no such trailer, or too little room for it.
 */
extern kern_return_t mach_port_peek(ipc_space_t task, mach_port_name_t name,
				    mach_msg_trailer_type_t trailer_type, mach_port_seqno_t *seqno,
				    mach_msg_size_t *size, mach_msg_id_t *id,
				    mach_msg_trailer_info_t trailer,
				    mach_msg_type_number_t *trailer_size);

/* Slots for dead-name requests on a port, and how many are in use. */
extern kern_return_t mach_port_dnrequest_info(ipc_space_t task, mach_port_name_t name,
					      unsigned *dnr_total, unsigned *dnr_used);

/*
 * The name and domain that a service port was made with; KERN_INVALID_CAPABILITY: it is none.
 * Needs its receive right.
 */
extern kern_return_t mach_port_get_service_port_info(ipc_space_t task, mach_port_name_t name,
						     mach_service_port_info_data_t *sp_info_out);

/*
 * Is the one a connection port made for the other, a service port? Needs both receive rights. The
 * policy is the number of the line in machd.conf's [filter] that holds for it, 0 for none.
 * KERN_NOT_SUPPORTED: there are no filters at all. KERN_INVALID_CAPABILITY: no.
 */
extern kern_return_t mach_port_is_connection_for_service(ipc_space_t task,
							 mach_port_name_t connection_port,
							 mach_port_name_t service_port,
							 uint64_t *filter_policy_id);

/* What a port stands for: 0 for a queue; the address is always 0. */
extern kern_return_t mach_port_kobject(ipc_space_t task, mach_port_name_t name,
				       natural_t *object_type, mach_vm_address_t *object_addr);

/* The same, for who has room for 32 bits of an address, or for a description (always ""). */
extern kern_return_t mach_port_kernel_object(ipc_space_t task, mach_port_name_t name,
					     natural_t *object_type, unsigned *object_addr);
extern kern_return_t mach_port_kobject_description(ipc_space_t task, mach_port_name_t name,
						   natural_t *object_type,
						   mach_vm_address_t *object_addr,
						   kobject_description_t description);

/*
 * The whole table of a name space, slots that are free included, in memory to be freed with
 * vm_deallocate(). The tree is always empty.
 */
extern kern_return_t mach_port_space_info(ipc_space_t task, ipc_info_space_t *space_info,
					  ipc_info_name_array_t *table_info,
					  mach_msg_type_number_t *table_infoCnt,
					  ipc_info_tree_name_array_t *tree_info,
					  mach_msg_type_number_t *tree_infoCnt);

/* The size of a name space, and how many names are in use. */
extern kern_return_t mach_port_space_basic_info(ipc_space_t task,
						ipc_info_space_basic_t *space_basic_info);

/* No effect: a name space grows by itself. */
extern kern_return_t task_set_port_space(ipc_space_t task, int table_entries);

MACHD_END_DECLS
