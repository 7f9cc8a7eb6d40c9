/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes as text. */
#pragma once

#include <mach/error.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* A phrase for a code of any system. Never NULL; not to be changed or freed. */
extern char *mach_error_string(mach_error_t error_value);

/* Where a code comes from, "(ipc/send)" for one. Never NULL; not to be changed or freed. */
extern char *mach_error_type(mach_error_t error_value);

/* Print `str` and what the code says on standard error. */
extern void mach_error(const char *str, mach_error_t error_value);

MACHD_END_DECLS
