/* SPDX-License-Identifier: Apache-2.0 */
/* The routines of ops.def as calls of a lab's threads, and the watch frame. */
#include <stdlib.h>
#include <string.h>

#include "tests/lab/lab_feed.h"

kern_return_t lab_call_answer(struct lab_thread *thread, void *out, size_t out_size, size_t *got)
{
	struct machd_call_answer answer;
	const size_t head = sizeof(struct machd_frame) + sizeof answer;
	size_t size;
	uint8_t *packet = lab_take_answer(thread, &size);

	LAB_TRUE(thread->op == MACHD_OP_CALL && size >= head);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	LAB_TRUE(answer.reserved == 0);
	LAB_CHECK(answer.code == KERN_SUCCESS || size == head, "a failure with results");
	LAB_TRUE(size - head <= out_size);
	if (size > head)
		memcpy(out, packet + head, size - head);
	if (got)
		*got = size - head;
	free(packet);
	return (kern_return_t)answer.code;
}

kern_return_t lab_call(struct lab_thread *thread, uint32_t routine, mach_port_name_t target,
		       const void *in, size_t in_size, void *out, size_t out_size, size_t *got)
{
	struct machd_call call = {.routine = routine, .target = target};

	if (out_size)
		memset(out, 0, out_size);
	if (got)
		*got = 0;
	if (!lab_request(thread, MACHD_OP_CALL, &call, sizeof call, in, in_size, NULL))
		return LAB_DROPPED;
	if (!thread->answered)
		return LAB_BLOCKED;
	return lab_call_answer(thread, out, out_size, got);
}

/* A routine on the thread's own task with `in` and `out` of the routine's own types. */
#define CALL(name, in, out)                                                                 \
	lab_call(thread, MACHD_ROUTINE_##name, thread->task->self, in, sizeof *(in), (out), \
		 sizeof *(out), NULL)

/* The same for a routine without results. */
#define DO(name, in) \
	lab_call(thread, MACHD_ROUTINE_##name, thread->task->self, in, sizeof *(in), NULL, 0, NULL)

kern_return_t lab_names(struct lab_thread *thread, uint32_t first, mach_port_name_t *names,
			uint32_t *types, unsigned *count, uint32_t *next)
{
	static uint32_t words[MACHD_FRAME_SIZE_MAX / sizeof(uint32_t)];
	struct mach_port_names_in in = {first};
	size_t got;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_port_names, thread->task->self, &in,
				    sizeof in, words, sizeof words, &got);

	*count = got ? (unsigned)(got / 8) : 0;
	*next = words[0];
	for (unsigned i = 0; i < *count; i++) {
		names[i] = words[1 + 2 * i];
		types[i] = words[2 + 2 * i];
	}
	return kr;
}

kern_return_t lab_type(struct lab_thread *thread, mach_port_name_t name, uint32_t *type)
{
	struct mach_port_type_in in = {name};
	struct mach_port_type_out out;
	kern_return_t kr = CALL(mach_port_type, &in, &out);

	*type = out.type;
	return kr;
}

kern_return_t lab_allocate(struct lab_thread *thread, mach_port_right_t right,
			   mach_port_name_t *name)
{
	struct mach_port_allocate_in in = {right};
	struct mach_port_allocate_out out;
	kern_return_t kr = CALL(mach_port_allocate, &in, &out);

	*name = out.name;
	return kr;
}

mach_port_name_t lab_construct(struct lab_thread *thread, uint32_t flags)
{
	struct mach_port_construct_in in = {.flags = flags};
	struct mach_port_construct_out out;
	kern_return_t kr = CALL(mach_port_construct, &in, &out);

	LAB_CHECK(kr == KERN_SUCCESS, "a port with flags 0x%x cannot be made: 0x%x", flags, kr);
	return out.name;
}

kern_return_t lab_allocate_name(struct lab_thread *thread, mach_port_right_t right,
				mach_port_name_t name)
{
	struct mach_port_allocate_name_in in = {right, name};

	return DO(mach_port_allocate_name, &in);
}

kern_return_t lab_destroy(struct lab_thread *thread, mach_port_name_t name)
{
	struct mach_port_destroy_in in = {name};

	return DO(mach_port_destroy, &in);
}

kern_return_t lab_deallocate(struct lab_thread *thread, mach_port_name_t name)
{
	struct mach_port_deallocate_in in = {name};

	return DO(mach_port_deallocate, &in);
}

kern_return_t lab_get_refs(struct lab_thread *thread, mach_port_name_t name,
			   mach_port_right_t right, uint32_t *refs)
{
	struct mach_port_get_refs_in in = {name, right};
	struct mach_port_get_refs_out out;
	kern_return_t kr = CALL(mach_port_get_refs, &in, &out);

	*refs = out.refs;
	return kr;
}

kern_return_t lab_mod_refs(struct lab_thread *thread, mach_port_name_t name,
			   mach_port_right_t right, int32_t delta)
{
	struct mach_port_mod_refs_in in = {name, right, delta};

	return DO(mach_port_mod_refs, &in);
}

kern_return_t lab_set_mscount(struct lab_thread *thread, mach_port_name_t name, uint32_t mscount)
{
	struct mach_port_set_mscount_in in = {name, mscount};

	return DO(mach_port_set_mscount, &in);
}

kern_return_t lab_set_seqno(struct lab_thread *thread, mach_port_name_t name, uint32_t seqno)
{
	struct mach_port_set_seqno_in in = {name, seqno};

	return DO(mach_port_set_seqno, &in);
}

kern_return_t lab_get_set_status(struct lab_thread *thread, mach_port_name_t set, uint32_t first,
				 mach_port_name_t *members, unsigned *count, uint32_t *next)
{
	static uint32_t words[MACHD_FRAME_SIZE_MAX / sizeof(uint32_t)];
	struct mach_port_get_set_status_in in = {set, first};
	size_t got;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_port_get_set_status,
				    thread->task->self, &in, sizeof in, words, sizeof words, &got);

	*count = got ? (unsigned)(got / 4 - 1) : 0;
	*next = words[0];
	for (unsigned i = 0; i < *count; i++)
		members[i] = words[1 + i];
	return kr;
}

kern_return_t lab_move_member(struct lab_thread *thread, mach_port_name_t member,
			      mach_port_name_t set)
{
	struct mach_port_move_member_in in = {member, set};

	return DO(mach_port_move_member, &in);
}

kern_return_t lab_insert_member(struct lab_thread *thread, mach_port_name_t member,
				mach_port_name_t set)
{
	struct mach_port_insert_member_in in = {member, set};

	return DO(mach_port_insert_member, &in);
}

kern_return_t lab_extract_member(struct lab_thread *thread, mach_port_name_t member,
				 mach_port_name_t set)
{
	struct mach_port_extract_member_in in = {member, set};

	return DO(mach_port_extract_member, &in);
}

kern_return_t lab_request_notification(struct lab_thread *thread, mach_port_name_t name,
				       uint32_t msgid, uint32_t sync, mach_port_name_t notify,
				       uint32_t notify_type, mach_port_name_t *previous)
{
	struct mach_port_request_notification_in in = {name, msgid, sync, notify, notify_type};
	struct mach_port_request_notification_out out;
	kern_return_t kr = CALL(mach_port_request_notification, &in, &out);

	*previous = out.previous;
	return kr;
}

kern_return_t lab_insert_right(struct lab_thread *thread, mach_port_name_t name,
			       mach_port_name_t right, uint32_t type)
{
	struct mach_port_insert_right_in in = {name, right, type};

	return DO(mach_port_insert_right, &in);
}

kern_return_t lab_extract_right(struct lab_thread *thread, mach_port_name_t name, uint32_t type,
				mach_port_name_t *right, uint32_t *right_type)
{
	struct mach_port_extract_right_in in = {name, type};
	struct mach_port_extract_right_out out;
	kern_return_t kr = CALL(mach_port_extract_right, &in, &out);

	*right = out.right;
	*right_type = out.right_type;
	return kr;
}

kern_return_t lab_get_attributes(struct lab_thread *thread, mach_port_name_t name, int32_t flavor,
				 uint32_t *info, uint32_t *count)
{
	struct mach_port_get_attributes_in in = {name, flavor, *count};
	size_t got;
	kern_return_t kr =
		lab_call(thread, MACHD_ROUTINE_mach_port_get_attributes, thread->task->self, &in,
			 sizeof in, info, *count * sizeof *info, &got);

	*count = (uint32_t)(got / sizeof *info);
	return kr;
}

kern_return_t lab_set_attributes(struct lab_thread *thread, mach_port_name_t name, int32_t flavor,
				 const uint32_t *info, uint32_t count)
{
	uint32_t in[32] = {name, (uint32_t)flavor};

	LAB_TRUE(count <= 30);
	if (count)
		memcpy(in + 2, info, count * sizeof *info);
	return lab_call(thread, MACHD_ROUTINE_mach_port_set_attributes, thread->task->self, in,
			(2 + count) * sizeof *in, NULL, 0, NULL);
}

kern_return_t lab_get_srights(struct lab_thread *thread, mach_port_name_t name, uint32_t *srights)
{
	struct mach_port_get_srights_in in = {name};
	struct mach_port_get_srights_out out;
	kern_return_t kr = CALL(mach_port_get_srights, &in, &out);

	*srights = out.srights;
	return kr;
}

kern_return_t lab_get_context(struct lab_thread *thread, mach_port_name_t name, uint64_t *context)
{
	struct mach_port_get_context_in in = {name};
	struct mach_port_get_context_out out;
	kern_return_t kr = CALL(mach_port_get_context, &in, &out);

	*context = out.context;
	return kr;
}

kern_return_t lab_set_context(struct lab_thread *thread, mach_port_name_t name, uint64_t context)
{
	struct mach_port_set_context_in in = {name, context};

	return DO(mach_port_set_context, &in);
}

kern_return_t lab_get_special_port(struct lab_thread *thread, int32_t which, mach_port_name_t *port)
{
	struct task_get_special_port_in in = {which};
	struct task_get_special_port_out out;
	kern_return_t kr = CALL(task_get_special_port, &in, &out);

	*port = out.port;
	return kr;
}

kern_return_t lab_set_special_port(struct lab_thread *thread, int32_t which, mach_port_name_t port)
{
	struct task_set_special_port_in in = {which, port};

	return DO(task_set_special_port, &in);
}

/* A service name in its field: cut, and without its zero, if it is too long for one. */
static void put_service(char field[128], const char *service)
{
	size_t length = strlen(service);

	memset(field, 0, 128);
	memcpy(field, service, length < 128 ? length : 128);
}

kern_return_t lab_check_in(struct lab_thread *thread, const char *service, mach_port_name_t *port)
{
	struct bootstrap_check_in_in in;
	struct bootstrap_check_in_out out;
	kern_return_t kr;

	put_service(in.service, service);
	kr = lab_call(thread, MACHD_ROUTINE_bootstrap_check_in, thread->task->bootstrap, &in,
		      sizeof in, &out, sizeof out, NULL);
	*port = out.port;
	return kr;
}

kern_return_t lab_register(struct lab_thread *thread, const char *service, mach_port_name_t port)
{
	struct bootstrap_register_in in = {.port = port};

	put_service(in.service, service);
	return lab_call(thread, MACHD_ROUTINE_bootstrap_register, thread->task->bootstrap, &in,
			sizeof in, NULL, 0, NULL);
}

kern_return_t lab_look_up(struct lab_thread *thread, const char *service, mach_port_name_t *port)
{
	struct bootstrap_look_up_in in;
	struct bootstrap_look_up_out out;
	kern_return_t kr;

	put_service(in.service, service);
	kr = lab_call(thread, MACHD_ROUTINE_bootstrap_look_up, thread->task->bootstrap, &in,
		      sizeof in, &out, sizeof out, NULL);
	*port = out.port;
	return kr;
}

/* The records of a page; how many there are. */
static unsigned unpack(uint8_t *packed, size_t end, size_t record, uint8_t *to, size_t room)
{
	struct machd_rows rows;
	enum machd_rows_state state;
	unsigned count = 0;

	machd_rows_begin(&rows, packed, record);
	while ((state = machd_rows_next(&rows, end)) == MACHD_ROWS_READY) {
		LAB_TRUE((count + 1) * record <= room);
		memcpy(to + count++ * record, rows.last, record);
	}
	LAB_TRUE(state == MACHD_ROWS_END);
	return count;
}

kern_return_t lab_watch(struct lab_thread *thread, const struct machd_watch *request,
			struct machd_watch_answer *answer, void *records, size_t size,
			unsigned *count)
{
	const size_t head = sizeof(struct machd_frame) + sizeof *answer;
	uint8_t *packet;
	size_t came;

	memset(answer, 0, sizeof *answer);
	*count = 0;
	if (!lab_request(thread, MACHD_OP_WATCH, request, sizeof *request, NULL, 0, NULL))
		return LAB_DROPPED;
	packet = lab_take_answer(thread, &came);
	LAB_TRUE(came >= head);
	memcpy(answer, packet + sizeof(struct machd_frame), sizeof *answer);
	if (came > head)
		*count = unpack(packet + head, came - head, answer->record_size, records, size);
	free(packet);
	return (kern_return_t)answer->code;
}
