/* SPDX-License-Identifier: Apache-2.0 */
/* What mach_port_space_basic_info tells of a name space. */
#pragma once

#include <mach/std_types.h>

typedef struct ipc_info_space_basic {
	natural_t iisb_genno_mask; /* bits of a name that are generation */
	natural_t iisb_table_size;
	natural_t iisb_table_next; /* 0 */
	natural_t iisb_table_inuse;
	natural_t iisb_reserved[2];
} ipc_info_space_basic_t;
