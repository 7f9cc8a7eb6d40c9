/* SPDX-License-Identifier: Apache-2.0 */
/* What every code means, in words. */
#include <mach/error.h>
#include <mach/mach_error.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <machd.h>
#include <servers/bootstrap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct text {
	mach_error_t code;
	const char *text;
};

static const struct text kern_texts[] = {
	{KERN_SUCCESS, "success"},
	{KERN_INVALID_ADDRESS, "invalid address"},
	{KERN_PROTECTION_FAILURE, "memory is protected"},
	{KERN_NO_SPACE, "no space available"},
	{KERN_INVALID_ARGUMENT, "invalid argument"},
	{KERN_FAILURE, "failure"},
	{KERN_RESOURCE_SHORTAGE, "resource shortage"},
	{KERN_NOT_RECEIVER, "not the receiver"},
	{KERN_NO_ACCESS, "no access"},
	{KERN_MEMORY_FAILURE, "memory failure"},
	{KERN_MEMORY_ERROR, "memory error"},
	{KERN_ALREADY_IN_SET, "already in the set"},
	{KERN_NOT_IN_SET, "not in the set"},
	{KERN_NAME_EXISTS, "name exists"},
	{KERN_ABORTED, "operation aborted"},
	{KERN_INVALID_NAME, "invalid name"},
	{KERN_INVALID_TASK, "invalid task"},
	{KERN_INVALID_RIGHT, "invalid right"},
	{KERN_INVALID_VALUE, "invalid value"},
	{KERN_UREFS_OVERFLOW, "too many user references"},
	{KERN_INVALID_CAPABILITY, "invalid capability"},
	{KERN_RIGHT_EXISTS, "the right exists under another name"},
	{KERN_INVALID_HOST, "invalid host"},
	{KERN_ALREADY_WAITING, "somebody is waiting already"},
	{KERN_TERMINATED, "object terminated"},
	{KERN_NOT_SUPPORTED, "not supported"},
	{KERN_NOT_WAITING, "thread is not waiting"},
	{KERN_OPERATION_TIMED_OUT, "operation timed out"},
	{KERN_INSUFFICIENT_BUFFER_SIZE, "buffer too small"},
	{KERN_DENIED, "denied"},
	{KERN_NOT_FOUND, "not found"},
	{MACH_MSG_IPC_SPACE, "no room in the name space"},
	{MACH_MSG_VM_SPACE, "no room in the address space"},
	{MACH_MSG_IPC_KERNEL, "machd has no room for a right"},
	{MACH_MSG_VM_KERNEL, "machd has no room for out-of-line memory"},
	{BOOTSTRAP_NOT_PRIVILEGED, "service name not allowed"},
	{BOOTSTRAP_NAME_IN_USE, "service name in use"},
	{BOOTSTRAP_UNKNOWN_SERVICE, "unknown service"},
	{BOOTSTRAP_SERVICE_ACTIVE, "service active"},
	{BOOTSTRAP_BAD_COUNT, "bad count of services"},
	{BOOTSTRAP_NO_MEMORY, "no memory for the service"},
	{BOOTSTRAP_NO_CHILDREN, "no bootstrap ports below"},
};

static const struct text mig_texts[] = {
	{MIG_TYPE_ERROR, "argument of a wrong type"},
	{MIG_REPLY_MISMATCH, "reply to another request"},
	{MIG_REMOTE_ERROR, "server found an error"},
	{MIG_BAD_ID, "unknown request"},
	{MIG_BAD_ARGUMENTS, "wrong arguments"},
	{MIG_NO_REPLY, "no reply"},
	{MIG_EXCEPTION, "server raised an exception"},
	{MIG_ARRAY_TOO_LARGE, "array too large"},
	{MIG_SERVER_DIED, "server died"},
	{MIG_TRAILER_ERROR, "trailer of an unknown format"},
};

static const struct text send_texts[] = {
	{MACH_SEND_IN_PROGRESS, "send in progress"},
	{MACH_SEND_INVALID_DATA, "message cannot be read"},
	{MACH_SEND_INVALID_DEST, "invalid destination port"},
	{MACH_SEND_TIMED_OUT, "send timed out"},
	{MACH_SEND_INVALID_VOUCHER, "invalid voucher"},
	{MACH_SEND_INTERRUPTED, "send interrupted"},
	{MACH_SEND_MSG_TOO_SMALL, "message too small"},
	{MACH_SEND_INVALID_REPLY, "invalid reply port"},
	{MACH_SEND_INVALID_RIGHT, "invalid port right in the message"},
	{MACH_SEND_INVALID_NOTIFY, "invalid notify port"},
	{MACH_SEND_INVALID_MEMORY, "invalid out-of-line memory"},
	{MACH_SEND_NO_BUFFER, "no memory for the message"},
	{MACH_SEND_TOO_LARGE, "message too large"},
	{MACH_SEND_INVALID_TYPE, "invalid descriptor in the message"},
	{MACH_SEND_INVALID_HEADER, "invalid message header"},
	{MACH_SEND_INVALID_TRAILER, "invalid trailer"},
	{MACH_SEND_INVALID_CONTEXT, "invalid context for a reply"},
	{MACH_SEND_INVALID_OPTIONS, "invalid send options"},
	{MACH_SEND_INVALID_RT_OOL_SIZE, "invalid size of out-of-line memory"},
	{MACH_SEND_NO_GRANT_DEST, "destination takes no port rights"},
	{MACH_SEND_MSG_FILTERED, "message rejected by a filter"},
	{MACH_SEND_AUX_TOO_SMALL, "auxiliary data too small"},
	{MACH_SEND_AUX_TOO_LARGE, "auxiliary data too large"},
};

static const struct text receive_texts[] = {
	{MACH_RCV_IN_PROGRESS, "receive in progress"},
	{MACH_RCV_INVALID_NAME, "no receive right or port set"},
	{MACH_RCV_TIMED_OUT, "receive timed out"},
	{MACH_RCV_TOO_LARGE, "message too large for the buffer"},
	{MACH_RCV_INTERRUPTED, "receive interrupted"},
	{MACH_RCV_PORT_CHANGED, "receive right went away"},
	{MACH_RCV_INVALID_NOTIFY, "invalid notify port"},
	{MACH_RCV_INVALID_DATA, "buffer cannot be written"},
	{MACH_RCV_PORT_DIED, "port died"},
	{MACH_RCV_IN_SET, "port is in a set"},
	{MACH_RCV_HEADER_ERROR, "header rights could not be received"},
	{MACH_RCV_BODY_ERROR, "part of the body could not be received"},
	{MACH_RCV_INVALID_TYPE, "invalid scatter list"},
	{MACH_RCV_SCATTER_SMALL, "scatter list too small"},
	{MACH_RCV_INVALID_TRAILER, "unknown trailer"},
	{MACH_RCV_IN_PROGRESS_TIMED, "receive with a time-out in progress"},
	{MACH_RCV_INVALID_REPLY, "invalid reply port"},
	{MACH_RCV_INVALID_ARGUMENTS, "invalid receive arguments"},
};

static const struct text machd_texts[] = {
	{MACHD_NO_DAEMON, "machd cannot be reached"},
	{MACHD_BUSY, "the thread is inside another call"},
};

static const struct group {
	const char *type;
	const struct text *texts;
	size_t count;
} groups[] = {
#define GROUP(type, texts)                                   \
	{                                                    \
		type, texts, sizeof(texts) / sizeof *(texts) \
	}
	GROUP("(os/kern)", kern_texts),	 GROUP("(ipc/mig)", mig_texts),
	GROUP("(ipc/send)", send_texts), GROUP("(ipc/rcv)", receive_texts),
	GROUP("(machd)", machd_texts),
#undef GROUP
};

enum {
	GROUP_KERN,
	GROUP_MIG,
	GROUP_SEND,
	GROUP_RECEIVE,
	GROUP_MACHD,
};

#define UNIX_SUBSYSTEM 3

static bool is_unix(mach_error_t code)
{
	return err_get_system(code) == 0 && err_get_sub(code) == UNIX_SUBSYSTEM;
}

/* Which table a code is from; NULL: none. */
static const struct group *group_of(mach_error_t code)
{
	if (code >= MIG_TRAILER_ERROR && code <= MIG_TYPE_ERROR)
		return &groups[GROUP_MIG];
	if (err_system(err_get_system(code)) == err_local)
		return &groups[GROUP_MACHD];
	if (err_system(err_get_system(code)) == err_mach_ipc && err_get_sub(code) < 2)
		return &groups[err_get_sub(code) == 0 ? GROUP_SEND : GROUP_RECEIVE];
	if (err_get_system(code) == 0 && err_get_sub(code) == 0)
		return &groups[GROUP_KERN];
	return NULL;
}

static const char *find(const struct group *group, mach_error_t code)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->texts[i].code == code)
			return group->texts[i].text;
	return NULL;
}

char *mach_error_string(mach_error_t error_value)
{
	const struct group *group = group_of(error_value);
	const char *text = NULL;

	if (is_unix(error_value))
		text = strerrordesc_np(err_get_code(error_value));
	else if (group)
		text = find(group, error_value);
	/* A code of mach_msg may have space errors or-ed to it. */
	if (!text && group)
		text = find(group, error_value & ~MACH_MSG_MASK);
	return (char *)(uintptr_t)(text ? text : "unknown error code");
}

char *mach_error_type(mach_error_t error_value)
{
	const struct group *group = group_of(error_value);
	const char *type = group ? group->type : "(unknown)";

	return (char *)(uintptr_t)(is_unix(error_value) ? "(os/unix)" : type);
}

void mach_error(const char *str, mach_error_t error_value)
{
	fprintf(stderr, "%s: %s %s (0x%x)\n", str, mach_error_type(error_value),
		mach_error_string(error_value), (unsigned)error_value);
}
