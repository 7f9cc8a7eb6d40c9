/* SPDX-License-Identifier: Apache-2.0 */
/* The page size under the names of machine-dependent code, unless Linux's headers have them. */
#pragma once

#include <mach/vm_page_size.h>

#ifndef PAGE_SIZE
#define PAGE_SIZE vm_page_size
#endif
#ifndef PAGE_MASK
#define PAGE_MASK vm_page_mask
#endif
#ifndef PAGE_SHIFT
#define PAGE_SHIFT vm_page_shift
#endif
