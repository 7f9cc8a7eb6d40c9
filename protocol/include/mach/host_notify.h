/* SPDX-License-Identifier: Apache-2.0 */
/* What host_request_notification can tell of, and the ids of the messages. */
#pragma once

#define HOST_NOTIFY_CALENDAR_CHANGE 0 /* the time of day went on from another point */
#define HOST_NOTIFY_CALENDAR_SET    1 /* somebody set it */
#define HOST_NOTIFY_TYPE_MAX	    1

/* A message that tells is a bare header with one of these. */
#define HOST_CALENDAR_CHANGED_REPLYID 950
#define HOST_CALENDAR_SET_REPLYID     951
