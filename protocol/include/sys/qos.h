/* SPDX-License-Identifier: Apache-2.0 */
/* Quality of service classes, as pthread/qos.h takes them. */
#pragma once

typedef enum {
	QOS_CLASS_USER_INTERACTIVE = 0x21,
	QOS_CLASS_USER_INITIATED = 0x19,
	QOS_CLASS_DEFAULT = 0x15,
	QOS_CLASS_UTILITY = 0x11,
	QOS_CLASS_BACKGROUND = 0x09,
	QOS_CLASS_UNSPECIFIED = 0x00,
} qos_class_t;

/* Relative priorities inside a class go from 0 down to this. */
#define QOS_MIN_RELATIVE_PRIORITY (-15)
