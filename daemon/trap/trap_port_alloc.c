/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The older forms of mach_port_allocate, with wishes for the new right. Room for a message is made
 * when it is sent, so there is nothing to reserve; the errors of asking for it are kept [20].
 */
#include "daemon/trap/trap_internal.h"
#include "protocol/limits.h"

/* The bits of mach_port_qos_t's first word. */
enum {
	QOS_NAME = 1,	  /* the caller chooses the name */
	QOS_PREALLOC = 2, /* reserve room for a message */
};

/* What is asked for, in the words of both calls. */
struct wish {
	uint32_t right, qos, length;
	mach_port_name_t name;
};

static kern_return_t allocate(struct trap_call *call, const struct wish *wish,
			      mach_port_name_t *name)
{
	struct mach_port_allocate_in any = {.right = wish->right};
	struct mach_port_allocate_name_in named = {.right = wish->right, .name = wish->name};
	struct mach_port_allocate_out allocated = {0};
	kern_return_t kr;

	if ((wish->qos & QOS_NAME) && !MACH_PORT_VALID(wish->name))
		return KERN_INVALID_VALUE;
	if ((wish->qos & QOS_PREALLOC) && wish->length > MACHD_MESSAGE_SIZE_MAX)
		return KERN_RESOURCE_SHORTAGE;
	if ((wish->qos & QOS_PREALLOC) && wish->right != MACH_PORT_RIGHT_RECEIVE)
		return KERN_INVALID_VALUE;
	if ((wish->qos & QOS_NAME) && wish->right != MACH_PORT_RIGHT_DEAD_NAME) {
		*name = wish->name;
		return trap_mach_port_allocate_name(call, &named, NULL);
	}
	/* A dead name is never given the name that was asked for. */
	kr = trap_mach_port_allocate(call, &any, &allocated);
	*name = allocated.name;
	return kr;
}

kern_return_t trap_mach_port_allocate_full(struct trap_call *call,
					   const struct mach_port_allocate_full_in *args,
					   struct mach_port_allocate_full_out *result)
{
	struct wish wish = {args->right, args->qos, args->length, args->name};

	if (args->proto != MACH_PORT_NULL)
		return KERN_INVALID_VALUE;
	result->qos = args->qos & ~(uint32_t)QOS_PREALLOC;
	result->length = args->length;
	return allocate(call, &wish, &result->name);
}

kern_return_t trap_mach_port_allocate_qos(struct trap_call *call,
					  const struct mach_port_allocate_qos_in *args,
					  struct mach_port_allocate_qos_out *result)
{
	struct wish wish = {args->right, args->qos, args->length, MACH_PORT_NULL};

	if (args->qos & QOS_NAME)
		return KERN_INVALID_ARGUMENT;
	result->qos = args->qos & ~(uint32_t)QOS_PREALLOC;
	result->length = args->length;
	return allocate(call, &wish, &result->name);
}

/* A name space grows by itself: there is nothing to set. */
kern_return_t trap_task_set_port_space(struct trap_call *call,
				       const struct task_set_port_space_in *args,
				       struct task_set_port_space_out *result)
{
	(void)call;
	(void)args;
	(void)result;
	return KERN_SUCCESS;
}
