/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of vm_allocate. */
#pragma once

#define VM_FLAGS_FIXED	   0x0000 /* at that address, which must be free */
#define VM_FLAGS_ANYWHERE  0x0001
#define VM_FLAGS_PURGABLE  0x0002 /* no effect */
#define VM_FLAGS_OVERWRITE 0x4000 /* with _FIXED: even if something is there */

/* A tag in the top byte says what the memory is for; it has no effect. */
#define VM_FLAGS_ALIAS_MASK 0xff000000
#define VM_MAKE_TAG(tag)    ((tag) << 24)

/* Tags: who allocated, and what is an application's own. */
#define VM_MEMORY_MALLOC		  1
#define VM_MEMORY_MACH_MSG		  20
#define VM_MEMORY_STACK			  30
#define VM_MEMORY_APPLICATION_SPECIFIC_1  240
#define VM_MEMORY_APPLICATION_SPECIFIC_16 255

#define VM_GET_FLAGS_ALIAS(flags, alias) ((alias) = ((flags)&VM_FLAGS_ALIAS_MASK) >> 24)
#define VM_SET_FLAGS_ALIAS(flags, alias) \
	((flags) = ((flags) & ~VM_FLAGS_ALIAS_MASK) | VM_MAKE_TAG((unsigned)(alias)&0xff))
