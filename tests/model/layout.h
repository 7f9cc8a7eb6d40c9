/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the fields of a descriptor are [5.3], for clients with pointers of 32 and of 64 bits. Most
 * of them are at one place in all descriptors.
 */
#pragma once

#include <mach/message.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	LAYOUT_LEAST = 12,
	LAYOUT_CONTEXT = 0, /* of a guarded port: as long as a pointer */
	LAYOUT_DEALLOCATE = 8,
	LAYOUT_FLAGS = 8, /* of a guarded port: two bytes */
	LAYOUT_COPY = 9,
	LAYOUT_DISPOSITION = 10,
	LAYOUT_TYPE = 11,
};

static inline uint32_t layout_bytes(unsigned word, unsigned type)
{
	return word == 32 || type == MACH_MSG_PORT_DESCRIPTOR ? 12 : 16;
}

/* The name, the count of an array, or the size of memory. */
static inline uint32_t layout_number(unsigned word, unsigned type)
{
	if (type == MACH_MSG_PORT_DESCRIPTOR)
		return 0;
	return word == 32 ? 4 : 12;
}

static inline bool layout_memory(unsigned type)
{
	return type == MACH_MSG_OOL_DESCRIPTOR || type == MACH_MSG_OOL_VOLATILE_DESCRIPTOR ||
	       type == MACH_MSG_OOL_PORTS_DESCRIPTOR;
}
