/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank attribute: for whom work is done, and under which persona.
 *
 * A task makes the value "my own task". When a voucher with it is sent the value becomes the
 * sender, and when it is received it becomes an account of the receiver: the receiver works for the
 * sender, under the sender's persona if permitted. Only the receiver of an account can redeem it.
 * Personas are uids; root may work under any of them, others only under their own.
 */
#include <bank/bank_types.h>
#include <mach/mach_voucher_types.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/voucher_attr.h"

_Static_assert(sizeof(struct voucher_process) == 32, "no padding in what is compared");
_Static_assert(sizeof(struct voucher_bank) == 112, "no padding in what is compared");
_Static_assert(sizeof(struct voucher_importance) == 24, "no padding in what is compared");

#define ROOT_UID 0

/* 0 would be no persona. */
static uint32_t persona_of(uint32_t uid)
{
	return uid + 1;
}

static struct voucher_process process_of(const struct ipc_task *task)
{
	uint32_t uid = task->t_user->u_uid;

	return (struct voucher_process){
		.vp_task = task->t_id,
		.vp_pid = task->t_pid,
		.vp_pidversion = task->t_audit.val[7],
		.vp_persona = persona_of(uid),
		.vp_uid = uid,
		.vp_gid = task->t_gid,
		.vp_flags = uid == ROOT_UID ? PROC_PERSONA_INFO_FLAG_ADOPTION_ALLOWED : 0,
	};
}

static struct voucher_bank bank_of(const struct ipc_task *task)
{
	struct voucher_process process = process_of(task);

	return (struct voucher_bank){.vb_kind = BANK_TASK,
				     .vb_persona = process.vp_persona,
				     .vb_holder = process,
				     .vb_originator = process,
				     .vb_proximate = process};
}

static const struct voucher_bank own = {.vb_kind = BANK_OWN};

/* A value as it is; false for the default. */
static bool unpack(struct ipc_voucher_value value, struct voucher_bank *bank)
{
	if (value.v_size)
		memcpy(bank, value.v_bytes, sizeof *bank);
	return value.v_size > 0;
}

/* The same, "my own task" replaced by the task that looks. */
static bool resolve(const struct ipc_task *task, struct ipc_voucher_value value,
		    struct voucher_bank *bank)
{
	if (!unpack(value, bank))
		return false;
	if (bank->vb_kind == BANK_OWN)
		*bank = bank_of(task);
	return true;
}

/* The voucher is sent: the sender vouches for itself and for nobody before it. */
static struct voucher_bank send(const struct ipc_task *task, const struct voucher_bank *bank)
{
	struct voucher_bank account = bank_of(task);

	if (bank->vb_holder.vp_task == task->t_id)
		return account;
	account.vb_kind = BANK_ACCOUNT;
	account.vb_merchant = task->t_id;
	account.vb_holder = bank->vb_holder;
	return account;
}

/* It was received: the receiver works for the holder. */
static struct voucher_bank receive(const struct ipc_task *task, const struct voucher_bank *bank)
{
	struct voucher_process self = process_of(task);
	struct voucher_bank account = *bank;

	if (!(self.vp_flags & PROC_PERSONA_INFO_FLAG_ADOPTION_ALLOWED))
		account.vb_persona = self.vp_persona;
	if (bank->vb_kind == BANK_TASK && bank->vb_holder.vp_task == task->t_id)
		return own;
	account.vb_kind = BANK_ACCOUNT;
	account.vb_merchant = task->t_id;
	return account;
}

/* Only one's own task and accounts one works on can be redeemed. */
static kern_return_t redeem(const struct ipc_task *task, struct voucher_bank *bank)
{
	if (bank->vb_kind == BANK_ACCOUNT)
		return bank->vb_merchant == task->t_id ? KERN_SUCCESS : KERN_INVALID_CAPABILITY;
	if (bank->vb_kind == BANK_TASK && bank->vb_holder.vp_task != task->t_id)
		return KERN_INVALID_CAPABILITY;
	*bank = own;
	return KERN_SUCCESS;
}

static struct ipc_voucher_value keep(union voucher_room *room, struct voucher_bank bank)
{
	room->bank = bank;
	return (struct ipc_voucher_value){(uint8_t *)&room->bank, sizeof room->bank};
}

static kern_return_t bank_get(const struct ipc_task *task, uint32_t command,
			      struct ipc_voucher_value previous, struct ipc_voucher_value content,
			      union voucher_room *room, struct ipc_voucher_value *value)
{
	struct voucher_bank bank;
	bool some = unpack(previous, &bank);
	kern_return_t kr = KERN_SUCCESS;

	(void)content;
	*value = VOUCHER_DEFAULT;
	switch (command) {
	case MACH_VOUCHER_ATTR_BANK_CREATE:
		*value = keep(room, own);
		break;
	case MACH_VOUCHER_ATTR_BANK_MODIFY_PERSONA: /* nobody may do this for another */
		kr = some && bank.vb_kind != BANK_OWN ? KERN_NO_ACCESS : KERN_SUCCESS;
		break;
	case MACH_VOUCHER_ATTR_SEND_PREPROCESS:
		if (resolve(task, previous, &bank))
			*value = keep(room, send(task, &bank));
		break;
	case MACH_VOUCHER_ATTR_AUTO_REDEEM:
		if (some && bank.vb_kind != BANK_OWN)
			*value = keep(room, receive(task, &bank));
		break;
	case MACH_VOUCHER_ATTR_REDEEM:
		if (some)
			kr = redeem(task, &bank);
		if (some && kr == KERN_SUCCESS)
			*value = keep(room, bank);
		break;
	default:
		kr = KERN_INVALID_ARGUMENT;
	}
	return kr;
}

static kern_return_t bank_extract(struct ipc_host *host, const struct ipc_task *task,
				  struct ipc_voucher_value value, uint32_t *command, uint8_t *bytes,
				  uint32_t *size)
{
	struct voucher_bank bank = own;
	char text[MACH_VOUCHER_BANK_CONTENT_SIZE];
	uint32_t length;

	(void)host;
	if (*size == 0)
		return KERN_SUCCESS;
	if (*size < sizeof text)
		return KERN_NO_SPACE;
	resolve(task, value, &bank);
	if (bank.vb_kind == BANK_TASK)
		length = (uint32_t)snprintf(text, sizeof text, "pid %d, persona %u",
					    bank.vb_holder.vp_pid, bank.vb_persona);
	else
		length = (uint32_t)snprintf(
			text, sizeof text,
			"task %llu for pid %d, persona %u, originator %d, proximate %d",
			(unsigned long long)bank.vb_merchant, bank.vb_holder.vp_pid,
			bank.vb_persona, bank.vb_originator.vp_pid, bank.vb_proximate.vp_pid);
	*command = MACH_VOUCHER_ATTR_BANK_NULL;
	memcpy(bytes, text, length + 1);
	*size = length + 1;
	return KERN_SUCCESS;
}

/* The answer to a command; there is room for it. */
static kern_return_t put(const void *answer, uint32_t answer_size, uint8_t *bytes, uint32_t *size)
{
	memcpy(bytes, answer, answer_size);
	*size = answer_size;
	return KERN_SUCCESS;
}

static struct proc_persona_info info_of(const struct voucher_process *process)
{
	return (struct proc_persona_info){
		.unique_pid = process->vp_task,
		.pid = process->vp_pid,
		.flags = process->vp_flags,
		.pidversion = process->vp_pidversion,
		.persona_id = process->vp_persona,
		.uid = process->vp_uid,
		.gid = process->vp_gid,
	};
}

/* Who asked, for a value that has been sent. */
static kern_return_t put_token(const struct voucher_bank *bank, uint8_t *bytes, uint32_t *size)
{
	struct persona_token token = {info_of(&bank->vb_originator), info_of(&bank->vb_proximate)};

	if (bank->vb_kind == BANK_ACCOUNT)
		return put(&token, sizeof token, bytes, size);
	*size = 0;
	return KERN_INVALID_OBJECT;
}

/* What the answer to a command takes; 0: there is no such command. */
static uint32_t answer_size(uint32_t command)
{
	switch (command) {
	case BANK_ORIGINATOR_PID:
	case BANK_PERSONA_ID:
	case BANK_PERSONA_ADOPT_ANY:
		return sizeof(uint32_t);
	case BANK_PERSONA_TOKEN:
		return sizeof(struct persona_token);
	}
	return 0;
}

static kern_return_t bank_command(struct ipc_host *host, const struct ipc_task *task,
				  struct ipc_voucher_value value, uint32_t command,
				  struct ipc_voucher_value in, uint8_t *bytes, uint32_t *size)
{
	uint32_t flag = task->t_user->u_uid == ROOT_UID;
	struct voucher_bank bank;

	(void)host;
	(void)in;
	if (answer_size(command) == 0)
		return KERN_INVALID_ARGUMENT;
	if (*size < answer_size(command)) {
		*size = 0;
		return KERN_NO_SPACE;
	}
	if (command == BANK_PERSONA_ADOPT_ANY)
		return put(&flag, sizeof flag, bytes, size);
	if (!resolve(task, value, &bank)) {
		*size = 0;
		return KERN_INVALID_VALUE;
	}
	if (command == BANK_PERSONA_TOKEN)
		return put_token(&bank, bytes, size);
	if (command == BANK_PERSONA_ID)
		return put(&bank.vb_persona, sizeof bank.vb_persona, bytes, size);
	return put(&bank.vb_holder.vp_pid, sizeof bank.vb_holder.vp_pid, bytes, size);
}

const struct voucher_attr voucher_bank_attr = {bank_get, bank_extract, bank_command, true};

uint32_t ipc_voucher_persona(const struct ipc_voucher *voucher, const struct ipc_task *task)
{
	struct voucher_bank bank;

	if (!resolve(task, ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_BANK), &bank))
		return 0;
	return bank.vb_persona;
}
