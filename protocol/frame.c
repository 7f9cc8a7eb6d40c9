/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a packet's header before anything else looks at it: the second step on a message's path,
 * after the socket and before daemon/trap.
 */
#include "protocol/frame.h"

#include <mach/message.h>
#include <string.h>

#include "protocol/limits.h"

_Static_assert(sizeof(struct machd_frame) == 16, "wire layout");
_Static_assert(sizeof(struct machd_message_args) == 64, "wire layout");
_Static_assert(sizeof(struct machd_message_answer) == 48, "wire layout");
_Static_assert(sizeof(struct machd_loan) == 16, "wire layout");
_Static_assert(sizeof(struct machd_memory) == 16, "wire layout");
_Static_assert(sizeof(struct machd_call) == 8, "wire layout");
_Static_assert(sizeof(struct machd_call_answer) == 8, "wire layout");
_Static_assert(sizeof(struct machd_bell_answer) == 16, "wire layout");
_Static_assert(sizeof(struct machd_ring_answer) == 8, "wire layout");

/* A message has one flag at most; two of them may be combined with _REPLY. */
static bool flags_good(const struct machd_frame *frame)
{
	if (frame->op != MACHD_OP_MESSAGE)
		return frame->flags == 0;
	switch (frame->flags) {
	case 0:
	case MACHD_REQUEST_UNANSWERED:
	case MACHD_REQUEST_UNANSWERED | MACHD_REQUEST_REPLY:
	case MACHD_REQUEST_WINDOW:
	case MACHD_REQUEST_LOAN:
	case MACHD_REQUEST_LOAN | MACHD_REQUEST_REPLY:
		return true;
	}
	return false;
}

bool machd_options_good(uint64_t option)
{
	uint64_t flow = option & (MACH64_SEND_KOBJECT_CALL | MACH64_SEND_MQ_CALL | MACH64_SEND_ANY |
				  MACH64_SEND_DK_CALL);

	if (!(option & MACH_SEND_MSG))
		return true;
	if ((option & MACH64_MSG_VECTOR) && !(flow & (MACH64_SEND_MQ_CALL | MACH64_SEND_ANY)))
		return false;
	return flow != 0 && (flow & (flow - 1)) == 0;
}

bool machd_frame_streams(const void *packet, size_t size)
{
	struct machd_frame frame;

	if (size < sizeof frame)
		return false;
	memcpy(&frame, packet, sizeof frame);
	return frame.op == MACHD_OP_MESSAGE && frame.flags != 0 &&
	       !(frame.flags & MACHD_REQUEST_REPLY);
}

bool machd_frame_unanswered(const void *packet, size_t size, uint64_t *stamp)
{
	const uint8_t *args = (const uint8_t *)packet + sizeof(struct machd_frame);
	struct machd_frame frame;

	if (size < MACHD_FRAME_HEAD_SIZE)
		return false;
	memcpy(&frame, packet, sizeof frame);
	if (frame.op != MACHD_OP_MESSAGE || !(frame.flags & MACHD_REQUEST_UNANSWERED))
		return false;
	memcpy(stamp, args + offsetof(struct machd_message_args, rcv_address), sizeof *stamp);
	return true;
}

enum machd_frame_error machd_frame_check(const void *packet, size_t size, unsigned fds,
					 struct machd_frame *frame)
{
	if (size < sizeof *frame)
		return MACHD_FRAME_SHORT;
	memcpy(frame, packet, sizeof *frame);
	if (frame->length != size)
		return MACHD_FRAME_LENGTH;
	if (!flags_good(frame))
		return MACHD_FRAME_RESERVED;
	if (frame->fds != fds || fds > MACHD_FRAME_FDS_MAX)
		return MACHD_FRAME_FDS;
	if (frame->op < MACHD_OP_HELLO || frame->op > MACHD_OP_BOARD ||
	    frame->op == MACHD_OP_MEMORY || frame->op == MACHD_OP_LOOK)
		return MACHD_FRAME_OP;
	return MACHD_FRAME_OK;
}

const char *machd_frame_problem(enum machd_frame_error error)
{
	switch (error) {
	case MACHD_FRAME_OK:
		return "its frame is fine";
	case MACHD_FRAME_SHORT:
		return "its frame is shorter than a header";
	case MACHD_FRAME_LENGTH:
		return "its frame states another length than it has";
	case MACHD_FRAME_RESERVED:
		return "its frame has flags that are not for it";
	case MACHD_FRAME_FDS:
		return "its frame states another number of descriptors than came with it";
	case MACHD_FRAME_OP:
		return "its frame asks for an operation that does not exist";
	}
	return "its frame is broken";
}
