/* SPDX-License-Identifier: Apache-2.0 */
/* Memory entries: a send right that stands for memory, which its holders can map. */
#pragma once

#include <mach/port.h>
#include <stdint.h>

typedef uint64_t memory_object_offset_t;
typedef uint64_t memory_object_size_t;

typedef mach_port_t mem_entry_name_port_t;

#define MEM_ENTRY_NULL ((mem_entry_name_port_t)0)

/* How an entry is made; goes with its protection. */
#define MAP_MEM_NAMED_CREATE 0x020000 /* of fresh memory */
#define MAP_MEM_PURGABLE     0x040000 /* no effect */
#define MAP_MEM_VM_COPY	     0x200000 /* of a copy of the memory */
#define MAP_MEM_VM_SHARE     0x400000 /* of all the memory, or none */
