/* SPDX-License-Identifier: Apache-2.0 */
/* The integer types everything else is made of, and the types of addresses and sizes. */
#pragma once

#include <stdint.h>

typedef uint32_t natural_t;
typedef int32_t integer_t;

/* Of the calling process: as wide as a pointer. */
typedef uintptr_t vm_offset_t;
typedef uintptr_t vm_address_t;
typedef uintptr_t vm_size_t;
typedef vm_offset_t pointer_t;

/* Wide enough for any process. */
typedef uint64_t mach_vm_address_t;
typedef uint64_t mach_vm_offset_t;
typedef uint64_t mach_vm_size_t;

/* The word a receive right carries for its owner; also the value of a guard. */
typedef vm_offset_t mach_port_context_t;
