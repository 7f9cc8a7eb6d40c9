/* SPDX-License-Identifier: Apache-2.0 */
/* Vouchers: ports that stand for attributes which a message can carry. */
#pragma once

#include <mach/port.h>

typedef mach_port_t mach_voucher_t;
typedef mach_port_name_t mach_voucher_name_t;

#define MACH_VOUCHER_NULL      ((mach_voucher_t)0)
#define MACH_VOUCHER_NAME_NULL ((mach_voucher_name_t)0)
