/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads descriptors in the layout of this program's word size: for ool.c before they are sent, and
 * for ool_place.c before it writes addresses into them. The bytes may be unaligned.
 */
#pragma once

#include <mach/message.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TYPE_AT 11 /* offset of the type byte in every descriptor */

/* A descriptor with memory, as the message has it. */
struct mi_piece {
	uintptr_t address;
	uint64_t size; /* in bytes; may be more than there is memory */
	bool names;    /* an array of port names: the daemon has to read it */
	bool deallocate;
};

static inline size_t mi_descriptor_size(uint8_t type)
{
	return type == MACH_MSG_PORT_DESCRIPTOR ? sizeof(mach_msg_port_descriptor_t)
						: sizeof(mach_msg_ool_descriptor_t);
}

static inline uint8_t mi_descriptor_type(const uint8_t *descriptor)
{
	return descriptor[TYPE_AT];
}

/* The piece of memory of a descriptor; false: it has none. */
static inline bool mi_piece_read(const uint8_t *bytes, struct mi_piece *piece)
{
	mach_msg_ool_descriptor_t memory;
	mach_msg_ool_ports_descriptor_t ports;

	switch (mi_descriptor_type(bytes)) {
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		memcpy(&ports, bytes, sizeof ports);
		*piece = (struct mi_piece){(uintptr_t)ports.address,
					   (uint64_t)ports.count * sizeof(mach_port_name_t), true,
					   ports.deallocate};
		return true;
	case MACH_MSG_OOL_DESCRIPTOR:
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		memcpy(&memory, bytes, sizeof memory);
		*piece = (struct mi_piece){(uintptr_t)memory.address, memory.size, false,
					   memory.deallocate};
		return true;
	default:
		return false;
	}
}
