/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank attribute of vouchers: for whom work is done. It names the task that asks and the one
 * that works, and the persona under which that happens. A persona belongs to a uid here.
 */
#pragma once

#include <mach/mach_voucher_types.h>
#include <stdint.h>

/* Recipes with MACH_VOUCHER_ATTR_KEY_BANK. */
#define MACH_VOUCHER_ATTR_BANK_NULL	      ((mach_voucher_attr_recipe_command_t)601)
#define MACH_VOUCHER_ATTR_BANK_CREATE	      ((mach_voucher_attr_recipe_command_t)610)
#define MACH_VOUCHER_ATTR_BANK_MODIFY_PERSONA ((mach_voucher_attr_recipe_command_t)611)

/* Room that the content of the attribute needs, which is a text. */
#define MACH_VOUCHER_BANK_CONTENT_SIZE (500)

/* Commands for mach_voucher_attr_command(). */
typedef uint32_t bank_action_t;

#define BANK_ORIGINATOR_PID    0x1 /* int32_t: the pid of who asked first */
#define BANK_PERSONA_TOKEN     0x2 /* struct persona_token; KERN_INVALID_OBJECT before it is sent */
#define BANK_PERSONA_ID	       0x3 /* uint32_t */
#define BANK_PERSONA_ADOPT_ANY 0x4 /* boolean_t: may the caller work under any persona? */

#define PROC_PERSONA_INFO_FLAG_ADOPTION_ALLOWED 0x1

struct proc_persona_info {
	uint64_t unique_pid;
	int32_t pid;
	uint32_t flags;
	uint32_t pidversion;
	uint32_t persona_id;
	uint32_t uid;
	uint32_t gid;
	uint8_t macho_uuid[16]; /* zeros: programs have none here */
};

struct persona_token {
	struct proc_persona_info originator;
	struct proc_persona_info proximate;
};

struct persona_modify_info {
	uint32_t persona_id;
	uint64_t unique_pid;
};
