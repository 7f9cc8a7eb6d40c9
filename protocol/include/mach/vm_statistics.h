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
