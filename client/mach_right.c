/* SPDX-License-Identifier: Apache-2.0 */
/* mach_right_*: a right made, kept or given up, on top of mach_port_*. */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_right.h>

mach_right_recv_t mach_right_recv_construct(mach_right_flags_t flags, mach_right_send_t *sr,
					    uintptr_t ctx)
{
	mach_port_options_t options = {0};
	mach_right_recv_t made = MACH_RIGHT_RECV_NULL;

	if (!(flags & MACH_RIGHT_RECV_FLAG_UNGUARDED))
		options.flags |= MPO_CONTEXT_AS_GUARD;
	if (flags & MACH_RIGHT_RECV_FLAG_STRICT)
		options.flags |= MPO_STRICT;
	if (flags & MACH_RIGHT_RECV_FLAG_IMMOVABLE)
		options.flags |= MPO_IMMOVABLE_RECEIVE;
	if (sr)
		options.flags |= MPO_INSERT_SEND_RIGHT;
	if (mach_port_construct(mach_task_self(), &options, ctx, &made.mrr_name) != KERN_SUCCESS)
		made = MACH_RIGHT_RECV_NULL;
	if (sr)
		*sr = mach_right_send(made.mrr_name);
	return made;
}

void mach_right_recv_destruct(mach_right_recv_t r, mach_right_send_t *s, uintptr_t ctx)
{
	if (!s || s->mrs_name == r.mrr_name)
		mach_port_destruct(mach_task_self(), r.mrr_name, s ? -1 : 0, ctx);
}

mach_right_send_t mach_right_send_create(mach_right_recv_t r)
{
	mach_right_send_t made = {r.mrr_name};

	if (!mach_right_recv_valid(r) ||
	    mach_port_insert_right(mach_task_self(), r.mrr_name, r.mrr_name,
				   MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS)
		made.mrs_name = MACH_PORT_NULL;
	return made;
}

mach_right_send_once_t mach_right_send_once_create(mach_right_recv_t r)
{
	mach_right_send_once_t made = MACH_RIGHT_SEND_ONCE_NULL;
	mach_msg_type_name_t type;

	if (mach_port_extract_right(mach_task_self(), r.mrr_name, MACH_MSG_TYPE_MAKE_SEND_ONCE,
				    &made.mrso_name, &type) != KERN_SUCCESS)
		made.mrso_name = MACH_PORT_NULL;
	return made;
}

mach_right_send_t mach_right_send_retain(mach_right_send_t s)
{
	switch (mach_port_mod_refs(mach_task_self(), s.mrs_name, MACH_PORT_RIGHT_SEND, 1)) {
	case KERN_SUCCESS:
		return s;
	case KERN_INVALID_RIGHT:
		return mach_right_send(MACH_PORT_DEAD);
	default:
		return MACH_RIGHT_SEND_NULL;
	}
}

/* Give up one reference of that kind, or of the dead name it has become. */
static void give_up(mach_port_name_t name, mach_port_right_t right)
{
	if (mach_port_mod_refs(mach_task_self(), name, right, -1) == KERN_INVALID_RIGHT)
		mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_DEAD_NAME, -1);
}

void mach_right_send_release(mach_right_send_t s)
{
	give_up(s.mrs_name, MACH_PORT_RIGHT_SEND);
}

void mach_right_send_once_consume(mach_right_send_once_t so)
{
	give_up(so.mrso_name, MACH_PORT_RIGHT_SEND_ONCE);
}
