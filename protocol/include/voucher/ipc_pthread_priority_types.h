/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The priority attribute of vouchers: a pthread priority word, from which a message takes its
 * quality of service if the sender names none.
 */
#pragma once

#include <mach/mach_voucher_types.h>
#include <stdint.h>

/* Recipes with MACH_VOUCHER_ATTR_KEY_PTHPRIORITY. */
#define MACH_VOUCHER_ATTR_PTHPRIORITY_NULL   ((mach_voucher_attr_recipe_command_t)701)
#define MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE ((mach_voucher_attr_recipe_command_t)710)

/* The word: bits 8 to 21 a bit for each class, bits 0 to 7 the relative priority - 1. */
typedef uint32_t ipc_pthread_priority_value_t;

#define MACH_VOUCHER_PTHPRIORITY_CONTENT_SIZE (sizeof(ipc_pthread_priority_value_t))
#define PTHPRIORITY_ATTR_DEFAULT_VALUE	      (0)
