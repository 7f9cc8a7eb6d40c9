/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing descriptors; see mach/message.h for the structs. */
#include "daemon/ipc/kmsg_layout.h"

#include <string.h>

#define TYPE_AT 11 /* offset of the type byte in every descriptor */

uint8_t layout_type(const uint8_t *descriptor)
{
	return descriptor[TYPE_AT];
}

bool layout_is_memory(uint8_t type)
{
	return type == MACH_MSG_OOL_DESCRIPTOR || type == MACH_MSG_OOL_VOLATILE_DESCRIPTOR ||
	       type == MACH_MSG_OOL_PORTS_DESCRIPTOR;
}

bool layout_is_port(uint8_t type)
{
	return type == MACH_MSG_PORT_DESCRIPTOR || type == MACH_MSG_GUARDED_PORT_DESCRIPTOR;
}

uint32_t layout_size(unsigned word, uint8_t type)
{
	if (type > MACH_MSG_DESCRIPTOR_MAX)
		return 0;
	return word == 32 || type == MACH_MSG_PORT_DESCRIPTOR
		       ? LAYOUT_DESCRIPTOR_MIN
		       : (uint32_t)sizeof(mach_msg_ool_descriptor64_t);
}

/*
 * The layouts of the two word sizes have the same fields at other offsets: READERS(64) and
 * WRITERS(64) make the functions for one of them.
 */
#define READERS(word)                                                             \
	static void read##word(const uint8_t *bytes, struct ikm_descriptor *desc, \
			       mach_port_name_t *name)                            \
	{                                                                         \
		mach_msg_ool_descriptor##word##_t memory;                         \
		mach_msg_ool_ports_descriptor##word##_t ports;                    \
		mach_msg_guarded_port_descriptor##word##_t guarded;               \
                                                                                  \
		if (desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {              \
			memcpy(&ports, bytes, sizeof ports);                      \
			desc->d_count = ports.count;                              \
			desc->d_deallocate = ports.deallocate != 0;               \
			desc->d_disposition = ports.disposition;                  \
		} else if (desc->d_type == MACH_MSG_GUARDED_PORT_DESCRIPTOR) {    \
			memcpy(&guarded, bytes, sizeof guarded);                  \
			desc->d_count = 1;                                        \
			desc->d_context = guarded.context;                        \
			desc->d_flags = guarded.flags;                            \
			desc->d_disposition = guarded.disposition;                \
			*name = guarded.name;                                     \
		} else {                                                          \
			memcpy(&memory, bytes, sizeof memory);                    \
			desc->d_count = memory.size;                              \
			desc->d_deallocate = memory.deallocate != 0;              \
			desc->d_copy = memory.copy;                               \
		}                                                                 \
	}

READERS(64)
READERS(32)

void layout_read(unsigned word, const uint8_t *bytes, struct ikm_descriptor *desc,
		 mach_port_name_t *name)
{
	mach_msg_port_descriptor_t port;

	*desc = (struct ikm_descriptor){.d_type = layout_type(bytes)};
	*name = MACH_PORT_NULL;
	if (desc->d_type == MACH_MSG_PORT_DESCRIPTOR) {
		memcpy(&port, bytes, sizeof port);
		desc->d_count = 1;
		desc->d_disposition = port.disposition;
		*name = port.name;
	} else if (word == 32) {
		read32(bytes, desc, name);
	} else {
		read64(bytes, desc, name);
	}
}

#define WRITERS(word)                                                                           \
	static void write##word(const struct ikm_descriptor *desc, mach_port_name_t name,       \
				uint8_t *bytes)                                                 \
	{                                                                                       \
		bool virtual = desc->d_copy == MACH_MSG_VIRTUAL_COPY;                           \
		mach_msg_ool_descriptor##word##_t memory = {.type = desc->d_type,               \
							    .copy = desc->d_copy,               \
							    .deallocate = virtual,              \
							    .size = desc->d_count};             \
		mach_msg_ool_ports_descriptor##word##_t ports = {.type = desc->d_type,          \
								 .copy = MACH_MSG_VIRTUAL_COPY, \
								 .deallocate = true,            \
								 .disposition =                 \
									 desc->d_disposition,   \
								 .count = desc->d_count};       \
		mach_msg_guarded_port_descriptor##word##_t guarded = {                          \
			.type = desc->d_type,                                                   \
			.context = (__typeof__(guarded.context))desc->d_context,                \
			.flags = desc->d_flags,                                                 \
			.disposition = desc->d_disposition,                                     \
			.name = name};                                                          \
                                                                                                \
		if (desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR)                              \
			memcpy(bytes, &ports, sizeof ports);                                    \
		else if (desc->d_type == MACH_MSG_GUARDED_PORT_DESCRIPTOR)                      \
			memcpy(bytes, &guarded, sizeof guarded);                                \
		else                                                                            \
			memcpy(bytes, &memory, sizeof memory);                                  \
	}

WRITERS(64)
WRITERS(32)

uint32_t layout_write(unsigned word, const struct ikm_descriptor *desc, mach_port_name_t name,
		      uint8_t *bytes)
{
	mach_msg_port_descriptor_t port = {
		.type = desc->d_type, .disposition = desc->d_disposition, .name = name};

	if (desc->d_type == MACH_MSG_PORT_DESCRIPTOR)
		memcpy(bytes, &port, sizeof port);
	else if (word == 32)
		write32(desc, name, bytes);
	else
		write64(desc, name, bytes);
	return layout_size(word, desc->d_type);
}
