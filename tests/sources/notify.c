/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications, port sets and the questions one can ask about a port. */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <stdio.h>

union notification {
	mach_msg_header_t header;
	mach_port_deleted_notification_t deleted;
	mach_port_destroyed_notification_t destroyed;
	mach_no_senders_notification_t no_senders;
	mach_send_once_notification_t send_once;
	mach_send_possible_notification_t send_possible;
	mach_dead_name_notification_t dead_name;
	mach_msg_max_trailer_t room[4];
};

static void tell(const union notification *message)
{
	switch (message->header.msgh_id) {
	case MACH_NOTIFY_DEAD_NAME:
		printf("0x%x has died\n", message->dead_name.not_port);
		break;
	case MACH_NOTIFY_PORT_DELETED:
		printf("0x%x is free\n", message->deleted.not_port);
		break;
	case MACH_NOTIFY_NO_SENDERS:
		printf("no senders after %u\n", message->no_senders.not_count);
		break;
	case MACH_NOTIFY_PORT_DESTROYED:
		printf("port 0x%x is back\n", message->destroyed.not_port.name);
		break;
	case MACH_NOTIFY_SEND_ONCE:
	case MACH_NOTIFY_SEND_POSSIBLE:
		break;
	}
}

static void look(mach_port_t port)
{
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
	mach_port_status_t status;
	mach_port_type_t type;
	mach_port_urefs_t refs;

	if (mach_port_get_attributes(mach_task_self(), port, MACH_PORT_RECEIVE_STATUS,
				     (mach_port_info_t)&status, &count) == KERN_SUCCESS)
		printf("%u of %u, %u rights\n", status.mps_msgcount, status.mps_qlimit,
		       status.mps_sorights);
	if (mach_port_type(mach_task_self(), port, &type) == KERN_SUCCESS &&
	    (type & MACH_PORT_TYPE_SEND_RIGHTS) != 0)
		mach_port_get_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, &refs);
}

int main(void)
{
	mach_port_name_t set = MACH_PORT_NULL;
	mach_port_t port = mach_reply_port(), notify = mach_reply_port(), previous;
	union notification message;
	mach_msg_option_t options = MACH_RCV_MSG | MACH_RCV_TIMEOUT;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
	mach_port_move_member(mach_task_self(), notify, set);
	mach_port_insert_member(mach_task_self(), port, set);
	mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_NO_SENDERS, 0, notify,
				       MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	if (MACH_PORT_VALID(previous))
		mach_port_deallocate(mach_task_self(), previous);
	look(port);
	while (mach_msg(&message.header, options, 0, sizeof(message), set, 0, MACH_PORT_NULL) ==
	       MACH_MSG_SUCCESS)
		tell(&message);
	return mach_port_destroy(mach_task_self(), set);
}
