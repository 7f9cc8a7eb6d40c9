/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and routines of bells. */
#include "tests/lab/lab_bell.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lab/lab_feed.h"

kern_return_t lab_bell_with(struct lab_thread *thread, uint64_t state, uint64_t other,
			    struct lab_bell *bell)
{
	struct machd_frame frame = {.length = sizeof frame,
				    .op = MACHD_OP_BELL,
				    .fds = 2,
				    .sequence = thread->sequence + 1};
	struct trap_fd fds[] = {{.handle = lab_fd(thread->lab), .sealed = state},
				{.handle = lab_fd(thread->lab), .sealed = other}};
	struct machd_bell_answer answer;
	uint8_t *packet;
	size_t size;

	LAB_CHECK(!thread->asked, "a request is under way");
	thread->asked = true;
	thread->op = MACHD_OP_BELL;
	thread->sequence = frame.sequence;
	if (!lab_packet(thread, &frame, sizeof frame, fds, 2))
		return LAB_DROPPED;
	packet = lab_take_answer(thread, &size);
	LAB_TRUE(size == sizeof frame + sizeof answer);
	memcpy(&answer, packet + sizeof frame, sizeof answer);
	free(packet);
	LAB_TRUE(answer.reserved == 0 && (answer.code == KERN_SUCCESS) == (answer.bell != 0));
	*bell = (struct lab_bell){answer.bell, fds[0].handle, fds[1].handle};
	return (kern_return_t)answer.code;
}

kern_return_t lab_bell(struct lab_thread *thread, struct lab_bell *bell)
{
	return lab_bell_with(thread, TRAP_FD_SOCKET, TRAP_FD_SOCKET, bell);
}

kern_return_t lab_bell_add(struct lab_thread *thread, const struct lab_bell *bell,
			   mach_port_name_t name)
{
	struct machd_bell_add_in in = {.bell = bell->id, .name = name};

	return lab_call(thread, MACHD_ROUTINE_machd_bell_add, thread->task->self, &in, sizeof in,
			NULL, 0, NULL);
}

kern_return_t lab_bell_remove(struct lab_thread *thread, const struct lab_bell *bell,
			      mach_port_name_t name)
{
	struct machd_bell_remove_in in = {.bell = bell->id, .name = name};

	return lab_call(thread, MACHD_ROUTINE_machd_bell_remove, thread->task->self, &in, sizeof in,
			NULL, 0, NULL);
}

kern_return_t lab_bell_close(struct lab_thread *thread, const struct lab_bell *bell)
{
	struct machd_bell_close_in in = {.bell = bell->id};

	return lab_call(thread, MACHD_ROUTINE_machd_bell_close, thread->task->self, &in, sizeof in,
			NULL, 0, NULL);
}

kern_return_t lab_bell_next(struct lab_thread *thread, const struct lab_bell *bell,
			    struct lab_event *events, uint32_t max, unsigned *count)
{
	struct machd_bell_next_in in = {.bell = bell->id, .max = max};
	size_t got = 0;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_machd_bell_next, thread->task->self, &in,
				    sizeof in, events, max * sizeof *events, &got);

	LAB_TRUE(got % sizeof *events == 0);
	*count = kr == KERN_SUCCESS ? (unsigned)(got / sizeof *events) : 0;
	return kr;
}

bool lab_rings(const struct lab_thread *thread, const struct lab_bell *bell)
{
	return thread->lab->rings[bell->ring];
}
