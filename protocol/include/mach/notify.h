/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: messages that machd sends to a send-once right because something happened to a
 * port or a name. The trailer in each structure is the one asked for with MACH_RCV_TRAILER_SENDER.
 */
#pragma once

#include <mach/message.h>
#include <mach/ndr.h>
#include <mach/port.h>

typedef mach_port_t notify_port_t;

#define MACH_NOTIFY_FIRST	   64
#define MACH_NOTIFY_PORT_DELETED   (MACH_NOTIFY_FIRST + 1) /* a name with a request is free */
#define MACH_NOTIFY_SEND_POSSIBLE  (MACH_NOTIFY_FIRST + 2) /* the queue has room */
#define MACH_NOTIFY_PORT_DESTROYED (MACH_NOTIFY_FIRST + 5) /* carries the receive right */
#define MACH_NOTIFY_NO_SENDERS	   (MACH_NOTIFY_FIRST + 6) /* no send right is left */
#define MACH_NOTIFY_SEND_ONCE	   (MACH_NOTIFY_FIRST + 7) /* a send-once right was not used */
#define MACH_NOTIFY_DEAD_NAME	   (MACH_NOTIFY_FIRST + 8) /* the port of a name died */
#define MACH_NOTIFY_LAST	   (MACH_NOTIFY_FIRST + 15)

#pragma pack(push, 4)

typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_port_name_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_port_deleted_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_port_name_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_send_possible_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	mach_msg_body_t not_body;
	mach_msg_port_descriptor_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_port_destroyed_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_msg_type_number_t not_count; /* send rights ever made */
	mach_msg_format_0_trailer_t trailer;
} mach_no_senders_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	mach_msg_format_0_trailer_t trailer;
} mach_send_once_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_port_name_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_dead_name_notification_t;

#pragma pack(pop)
