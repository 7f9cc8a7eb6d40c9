/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of memory in a child of fork(). */
#pragma once

typedef unsigned int vm_inherit_t;

#define VM_INHERIT_SHARE ((vm_inherit_t)0)
#define VM_INHERIT_COPY	 ((vm_inherit_t)1)
#define VM_INHERIT_NONE	 ((vm_inherit_t)2)

#define VM_INHERIT_DEFAULT VM_INHERIT_COPY
