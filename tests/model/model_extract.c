/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into vouchers: their attributes' content, recipes for that, and commands [23]. The words
 * of the two that have texts are the machine's own, and nobody asks for them here.
 */
#include <bank/bank_types.h>
#include <mach/mach_voucher_types.h>
#include <mach/mig_errors.h>
#include <string.h>
#include <voucher/ipc_pthread_priority_types.h>

#include "tests/model/model_call.h"

enum { HEAD = 16, BANK_ROOM = 500, TEXT_ROOM = 1 }; /* more than is asked for here */

/* What is told; there is always enough room for that. */
struct told {
	uint32_t size;
	uint8_t bytes[512];
};

static const struct m_value *value_of(const struct call *call, uint32_t key)
{
	static const struct m_value none;

	return key >= 1 && key <= M_KEYS ? &call->target->values[key - 1] : &none;
}

static bool nothing(const struct m_value *value)
{
	return value->size == 0 && !value->boosting && !value->bank.known;
}

/* The content of a value that is not the default, in `room` bytes; a code. */
static uint32_t content(const struct m_value *value, uint32_t key, uint32_t room, struct told *told)
{
	bool bank = key == MACH_VOUCHER_ATTR_KEY_BANK;

	if (room == 0 && key == MACH_VOUCHER_ATTR_KEY_PTHPRIORITY)
		return KERN_INVALID_VALUE;
	if (room == 0 && key != MACH_VOUCHER_ATTR_KEY_IMPORTANCE)
		return KERN_SUCCESS;
	if (room < (bank ? BANK_ROOM : value->boosting ? TEXT_ROOM : value->size))
		return KERN_NO_SPACE;
	memcpy(told->bytes + told->size, &value->word, value->size);
	told->size += value->size;
	return KERN_SUCCESS;
}

/* A recipe that makes the value again. */
static uint32_t recipe(const struct m_value *value, uint32_t key, uint32_t room, struct told *told)
{
	bool priority = key == MACH_VOUCHER_ATTR_KEY_PTHPRIORITY;
	uint32_t head[4] = {key, MACH_VOUCHER_ATTR_USER_DATA_STORE}, code, at = told->size;

	if (nothing(value))
		return KERN_SUCCESS;
	if (room < HEAD)
		return KERN_NO_SPACE;
	if (priority)
		head[1] = MACH_VOUCHER_ATTR_PTHPRIORITY_NULL;
	if (key == MACH_VOUCHER_ATTR_KEY_BANK)
		head[1] = MACH_VOUCHER_ATTR_BANK_NULL;
	told->size += HEAD;
	code = content(value, key, room - HEAD, told);
	head[3] = told->size - at - HEAD;
	memcpy(told->bytes + at, head, sizeof head);
	return code;
}

static uint32_t tell(struct call *call, uint32_t code, const struct told *told)
{
	struct m_answer *answer;

	if (code != KERN_SUCCESS)
		return code;
	answer = call_give(call, 1 + (told->size + 3) / 4);
	m_answer_word(answer, OUT(0), told->size);
	memcpy(answer->bytes + OUT(1), told->bytes, told->size);
	return M_ANSWERED;
}

/* args of these: a key, and how much room there is. */
uint32_t call_extract_content(struct call *call)
{
	const struct m_value *value = value_of(call, call->args[0]);
	struct told told = {.size = 0};
	uint32_t code = KERN_SUCCESS;

	if (!nothing(value))
		code = content(value, call->args[0], call->args[1], &told);
	return tell(call, code, &told);
}

uint32_t call_extract_recipe(struct call *call)
{
	struct told told = {.size = 0};

	if (call->args[1] > MACH_VOUCHER_ATTR_MAX_RAW_RECIPE_ARRAY_SIZE)
		return MIG_ARRAY_TOO_LARGE;
	return tell(call,
		    recipe(value_of(call, call->args[0]), call->args[0], call->args[1], &told),
		    &told);
}

static uint32_t extract_all(struct call *call, uint32_t room)
{
	struct told told = {.size = 0};
	uint32_t code = KERN_SUCCESS;

	for (uint32_t key = 1; key <= M_KEYS && code == KERN_SUCCESS; key++)
		code = recipe(value_of(call, key), key, room - told.size, &told);
	return tell(call, code, &told);
}

/* args: how much room there is. */
uint32_t call_extract_all(struct call *call)
{
	return extract_all(call, call->args[0]);
}

/* args: a name, how much room there is. */
uint32_t call_debug_info(struct call *call)
{
	const struct m_entry *entry = m_look(call->task, call->args[0]);

	if (!entry || !(entry->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_ARGUMENT;
	if (!entry->port->voucher)
		return KERN_FAILURE;
	call->target = entry->port;
	return extract_all(call, call->args[1]);
}

/* --- commands --- */

static struct proc_persona_info info_of(const struct m_task *task)
{
	return (struct proc_persona_info){
		.pid = (int32_t)task->pid,
		.flags = task->uid == 0 ? PROC_PERSONA_INFO_FLAG_ADOPTION_ALLOWED : 0,
		.pidversion = task->pidversion,
		.persona_id = task->uid + 1,
		.uid = task->uid,
		.gid = task->gid,
	};
}

/* The two who asked; their numbers are the machine's own. */
static uint32_t tell_token(struct call *call, const struct m_bank *bank)
{
	struct persona_token token;
	struct told told = {.size = sizeof token};
	const uint32_t second = OUT(1) + (uint32_t)offsetof(struct persona_token, proximate);

	if (!bank->merchant)
		return KERN_INVALID_OBJECT;
	token = (struct persona_token){info_of(bank->originator), info_of(bank->proximate)};
	memcpy(told.bytes, &token, sizeof token);
	tell(call, KERN_SUCCESS, &told);
	m_answer_ignore(&call->thread->answer, OUT(1), sizeof token.originator.unique_pid);
	m_answer_ignore(&call->thread->answer, second, sizeof token.proximate.unique_pid);
	return M_ANSWERED;
}

static uint32_t tell_word(struct call *call, uint32_t word)
{
	struct told told = {.size = sizeof word};

	memcpy(told.bytes, &word, sizeof word);
	return tell(call, KERN_SUCCESS, &told);
}

static uint32_t bank_command(struct call *call, uint32_t command, uint32_t room)
{
	const struct m_task *task = call->thread->task;
	struct m_bank bank = m_bank_seen(task, value_of(call, MACH_VOUCHER_ATTR_KEY_BANK));

	if (command < BANK_ORIGINATOR_PID || command > BANK_PERSONA_ADOPT_ANY)
		return KERN_INVALID_ARGUMENT;
	if (room <
	    (command == BANK_PERSONA_TOKEN ? sizeof(struct persona_token) : sizeof(uint32_t)))
		return KERN_NO_SPACE;
	if (command == BANK_PERSONA_ADOPT_ANY)
		return tell_word(call, task->uid == 0);
	if (!bank.known)
		return KERN_INVALID_VALUE;
	if (command == BANK_PERSONA_TOKEN)
		return tell_token(call, &bank);
	return tell_word(call, command == BANK_PERSONA_ID ? bank.persona : bank.holder->pid);
}

/* Only what came with a message can be given up. */
static uint32_t importance_command(struct call *call, uint32_t command, uint32_t room,
				   uint32_t size)
{
	const struct told nothing = {.size = 0};
	uint32_t left, code;

	if (size != sizeof left || (room != 0 && room != sizeof left))
		return KERN_INVALID_ARGUMENT;
	if (command != MACH_VOUCHER_IMPORTANCE_ATTR_DROP_EXTERNAL)
		return KERN_NOT_SUPPORTED;
	code = m_inherit_drop(call, &left);
	if (code != KERN_SUCCESS)
		return code;
	return room ? tell_word(call, left) : tell(call, KERN_SUCCESS, &nothing);
}

/* args: a key, a command, how much room there is, and so many bytes. */
uint32_t call_attr_command(struct call *call)
{
	uint32_t command = call->args[1], room = call->args[2], size = call->args[3];

	switch (call->args[0]) {
	case MACH_VOUCHER_ATTR_KEY_BANK:
		return bank_command(call, command, room);
	case MACH_VOUCHER_ATTR_KEY_IMPORTANCE:
		return importance_command(call, command, room, size);
	case MACH_VOUCHER_ATTR_KEY_PTHPRIORITY:
	case MACH_VOUCHER_ATTR_KEY_USER_DATA:
	case MACH_VOUCHER_ATTR_KEY_TEST:
		return KERN_FAILURE;
	}
	return KERN_INVALID_ARGUMENT;
}
