/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vouchers: ports that stand for attributes which a message can carry. A voucher never changes; a
 * recipe says how a new one is made, from scratch or from others.
 */
#pragma once

#include <mach/message.h>
#include <mach/port.h>
#include <mach/std_types.h>

typedef mach_port_t mach_voucher_t;
typedef mach_port_name_t mach_voucher_name_t;
typedef mach_voucher_name_t *mach_voucher_name_array_t;
typedef mach_voucher_t ipc_voucher_t;

typedef mach_port_t mach_voucher_attr_manager_t;
typedef mach_port_t mach_voucher_attr_control_t;
typedef mach_port_t ipc_voucher_attr_manager_t;
typedef mach_port_t ipc_voucher_attr_control_t;

#define MACH_VOUCHER_ATTR_MANAGER_NULL ((mach_voucher_attr_manager_t)0)
#define MACH_VOUCHER_ATTR_CONTROL_NULL ((mach_voucher_attr_control_t)0)
#define MACH_VOUCHER_NULL	       ((mach_voucher_t)0)
#define MACH_VOUCHER_NAME_NULL	       ((mach_voucher_name_t)0)
#define MACH_VOUCHER_NAME_ARRAY_NULL   ((mach_voucher_name_array_t)0)
#define IPC_VOUCHER_NULL	       ((ipc_voucher_t)0)

/* Which voucher of a thread; both are the same. */
typedef uint32_t mach_voucher_selector_t;

#define MACH_VOUCHER_SELECTOR_CURRENT	((mach_voucher_selector_t)0)
#define MACH_VOUCHER_SELECTOR_EFFECTIVE ((mach_voucher_selector_t)1)

/* What an attribute is about. */
typedef uint32_t mach_voucher_attr_key_t;
typedef mach_voucher_attr_key_t *mach_voucher_attr_key_array_t;

#define MACH_VOUCHER_ATTR_KEY_ALL	  ((mach_voucher_attr_key_t)~0)
#define MACH_VOUCHER_ATTR_KEY_NONE	  ((mach_voucher_attr_key_t)0)
#define MACH_VOUCHER_ATTR_KEY_ATM	  ((mach_voucher_attr_key_t)1) /* has no values */
#define MACH_VOUCHER_ATTR_KEY_IMPORTANCE  ((mach_voucher_attr_key_t)2)
#define MACH_VOUCHER_ATTR_KEY_BANK	  ((mach_voucher_attr_key_t)3) /* bank/bank_types.h */
#define MACH_VOUCHER_ATTR_KEY_PTHPRIORITY ((mach_voucher_attr_key_t)4)
#define MACH_VOUCHER_ATTR_KEY_USER_DATA	  ((mach_voucher_attr_key_t)7) /* bytes of any kind */
#define MACH_VOUCHER_ATTR_KEY_BITS	  MACH_VOUCHER_ATTR_KEY_USER_DATA
#define MACH_VOUCHER_ATTR_KEY_TEST	  ((mach_voucher_attr_key_t)8) /* the same again */

#define MACH_VOUCHER_ATTR_KEY_NUM_WELL_KNOWN MACH_VOUCHER_ATTR_KEY_TEST

/* An attribute's value as bytes; what they mean is the attribute's own business. */
typedef uint8_t *mach_voucher_attr_content_t;
typedef uint32_t mach_voucher_attr_content_size_t;

/* What mach_voucher_attr_command() does; each attribute has its own. */
typedef uint32_t mach_voucher_attr_command_t;

/* What a recipe does with the attribute of a voucher that is being made. */
typedef uint32_t mach_voucher_attr_recipe_command_t;
typedef mach_voucher_attr_recipe_command_t *mach_voucher_attr_recipe_command_array_t;

#define MACH_VOUCHER_ATTR_NOOP		   ((mach_voucher_attr_recipe_command_t)0)
#define MACH_VOUCHER_ATTR_COPY		   ((mach_voucher_attr_recipe_command_t)1)
#define MACH_VOUCHER_ATTR_REMOVE	   ((mach_voucher_attr_recipe_command_t)2)
#define MACH_VOUCHER_ATTR_SET_VALUE_HANDLE ((mach_voucher_attr_recipe_command_t)3)
#define MACH_VOUCHER_ATTR_AUTO_REDEEM	   ((mach_voucher_attr_recipe_command_t)4)
#define MACH_VOUCHER_ATTR_SEND_PREPROCESS  ((mach_voucher_attr_recipe_command_t)5)
#define MACH_VOUCHER_ATTR_REDEEM	   ((mach_voucher_attr_recipe_command_t)10)
#define MACH_VOUCHER_ATTR_IMPORTANCE_SELF  ((mach_voucher_attr_recipe_command_t)200)
#define MACH_VOUCHER_ATTR_USER_DATA_STORE  ((mach_voucher_attr_recipe_command_t)211)
#define MACH_VOUCHER_ATTR_BITS_STORE	   MACH_VOUCHER_ATTR_USER_DATA_STORE
#define MACH_VOUCHER_ATTR_TEST_STORE	   MACH_VOUCHER_ATTR_USER_DATA_STORE

/* One recipe; in an array the next one follows its content at once. */
#pragma pack(push, 1)
typedef struct mach_voucher_attr_recipe_data {
	mach_voucher_attr_key_t key;
	mach_voucher_attr_recipe_command_t command;
	mach_voucher_name_t previous_voucher;
	mach_voucher_attr_content_size_t content_size;
	uint8_t content[];
} mach_voucher_attr_recipe_data_t;
#pragma pack(pop)

typedef mach_voucher_attr_recipe_data_t *mach_voucher_attr_recipe_t;
typedef mach_msg_type_number_t mach_voucher_attr_recipe_size_t;

/* The same as bytes. */
typedef uint8_t *mach_voucher_attr_raw_recipe_t;
typedef mach_voucher_attr_raw_recipe_t mach_voucher_attr_raw_recipe_array_t;
typedef mach_msg_type_number_t mach_voucher_attr_raw_recipe_size_t;
typedef mach_msg_type_number_t mach_voucher_attr_raw_recipe_array_size_t;

#define MACH_VOUCHER_ATTR_MAX_RAW_RECIPE_ARRAY_SIZE 5120
#define MACH_VOUCHER_TRAP_STACK_LIMIT		    256

/* Commands to the importance attribute. */
#define MACH_VOUCHER_IMPORTANCE_ATTR_ADD_EXTERNAL  1
#define MACH_VOUCHER_IMPORTANCE_ATTR_DROP_EXTERNAL 2

typedef uint32_t mach_voucher_attr_importance_refs;
