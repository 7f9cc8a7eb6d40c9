/* SPDX-License-Identifier: Apache-2.0 */
/* What mach_port_space_info and mach_port_space_basic_info tell of a name space. */
#pragma once

#include <mach/std_types.h>

typedef struct ipc_info_space {
	natural_t iis_genno_mask; /* bits of a name that are generation */
	natural_t iis_table_size;
	natural_t iis_table_next; /* 0, as all below */
	natural_t iis_tree_size;
	natural_t iis_tree_small;
	natural_t iis_tree_hash;
} ipc_info_space_t;

/* A slot of the table. */
typedef struct ipc_info_name {
	mach_port_name_t iin_name; /* of a free slot: the one it will have next */
	integer_t iin_collision;   /* 0 */
	mach_port_type_t iin_type; /* 0: free */
	mach_port_urefs_t iin_urefs;
	natural_t iin_object; /* which port or set it is; the same in every name space */
	natural_t iin_next;   /* of a free slot: the next one */
	natural_t iin_hash;
} ipc_info_name_t;

typedef ipc_info_name_t *ipc_info_name_array_t;

/* Nothing is kept in a tree. */
typedef struct ipc_info_tree_name {
	ipc_info_name_t iitn_base;
	mach_port_name_t iitn_lchild;
	mach_port_name_t iitn_rchild;
} ipc_info_tree_name_t;

typedef ipc_info_tree_name_t *ipc_info_tree_name_array_t;

typedef struct ipc_info_space_basic {
	natural_t iisb_genno_mask; /* bits of a name that are generation */
	natural_t iisb_table_size;
	natural_t iisb_table_next; /* 0 */
	natural_t iisb_table_inuse;
	natural_t iisb_reserved[2];
} ipc_info_space_basic_t;

#define KOBJECT_DESCRIPTION_LENGTH 512

typedef char kobject_description_t[KOBJECT_DESCRIPTION_LENGTH];
