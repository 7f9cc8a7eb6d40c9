/* SPDX-License-Identifier: Apache-2.0 */
/* The page size. In Mach sources these are variables; here they are macros. */
#pragma once

#include <mach/vm_types.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* Behind vm_page_size. */
extern vm_size_t machd_page_size(void);

MACHD_END_DECLS

#define vm_page_size  (machd_page_size())
#define vm_page_mask  (machd_page_size() - 1)
#define vm_page_shift (__builtin_ctzl(machd_page_size()))

/* The kernel's pages are the tasks'. */
#define vm_kernel_page_size  vm_page_size
#define vm_kernel_page_mask  vm_page_mask
#define vm_kernel_page_shift vm_page_shift

#define trunc_page(x) ((vm_offset_t)(x) & ~(vm_offset_t)vm_page_mask)
#define round_page(x) trunc_page((vm_offset_t)(x) + vm_page_mask)

#define trunc_page_kernel(x) trunc_page(x)
#define round_page_kernel(x) round_page(x)

#define mach_vm_trunc_page(x) ((mach_vm_offset_t)(x) & ~(mach_vm_offset_t)vm_page_mask)
#define mach_vm_round_page(x) mach_vm_trunc_page((mach_vm_offset_t)(x) + vm_page_mask)
