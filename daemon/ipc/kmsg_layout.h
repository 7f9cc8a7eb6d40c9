/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layouts of descriptors in users' messages, for 64-bit and 32-bit clients: the only place that
 * knows them. Used by inflate on the way in and by deflate on the way out.
 */
#pragma once

#include "daemon/ipc/ipc_kmsg.h"

/* The shortest descriptor there is, in either layout. */
#define LAYOUT_DESCRIPTOR_MIN 12u

/* Memory up to here is small: copied, whatever its sender prefers [11]. */
#define LAYOUT_MEMORY_SMALL (32u << 10)

/* The type byte of a descriptor, of which at least LAYOUT_DESCRIPTOR_MIN bytes are there. */
uint8_t layout_type(const uint8_t *descriptor);

/* Bytes of a descriptor; 0: no such type. */
uint32_t layout_size(unsigned word, uint8_t type);

/* From the user's bytes to kernel form; `name` gets the port name of types that have one. */
void layout_read(unsigned word, const uint8_t *bytes, struct ikm_descriptor *desc,
		 mach_port_name_t *name);

/* From kernel form to a receiver's bytes; `name` is that of its port. Returns their number. */
uint32_t layout_write(unsigned word, const struct ikm_descriptor *desc, mach_port_name_t name,
		      uint8_t *bytes);

/* Does the descriptor carry memory (or an array of rights)? Does it carry a single right? */
bool layout_is_memory(uint8_t type);
bool layout_is_port(uint8_t type);
