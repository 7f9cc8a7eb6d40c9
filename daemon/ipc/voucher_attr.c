/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simple attributes: user data, the test attribute, pthread priority and importance.
 */
#include "daemon/ipc/voucher_attr.h"

#include <mach/mach_voucher_types.h>
#include <stdio.h>
#include <string.h>
#include <voucher/ipc_pthread_priority_types.h>

#include "daemon/ipc/ipc_inherit.h"
#include "daemon/ipc/ipc_task.h"

/* --- user data, and the same again for tests --- */

#define USER_DATA_MAX 16384

static kern_return_t user_data_get(const struct ipc_task *task, uint32_t command,
				   struct ipc_voucher_value previous,
				   struct ipc_voucher_value content, union voucher_room *room,
				   struct ipc_voucher_value *value)
{
	(void)task;
	(void)room;
	switch (command) {
	case MACH_VOUCHER_ATTR_REDEEM:
		*value = previous;
		return KERN_SUCCESS;
	case MACH_VOUCHER_ATTR_USER_DATA_STORE:
		if (content.v_size > USER_DATA_MAX)
			return KERN_RESOURCE_SHORTAGE;
		*value = content;
		return KERN_SUCCESS;
	}
	return KERN_INVALID_ARGUMENT;
}

static kern_return_t user_data_extract(struct ipc_host *host, const struct ipc_task *task,
				       struct ipc_voucher_value value, uint32_t *command,
				       uint8_t *bytes, uint32_t *size)
{
	(void)host;
	(void)task;
	*command = MACH_VOUCHER_ATTR_USER_DATA_STORE;
	if (*size == 0)
		return KERN_SUCCESS; /* with no room at all nothing is returned */
	if (*size < value.v_size)
		return KERN_NO_SPACE;
	memcpy(bytes, value.v_bytes, value.v_size);
	*size = value.v_size;
	return KERN_SUCCESS;
}

/* An attribute that takes no commands. */
static kern_return_t no_command(struct ipc_host *host, const struct ipc_task *task,
				struct ipc_voucher_value value, uint32_t command,
				struct ipc_voucher_value in, uint8_t *bytes, uint32_t *size)
{
	(void)host;
	(void)task;
	(void)value;
	(void)command;
	(void)in;
	(void)bytes;
	(void)size;
	return KERN_FAILURE;
}

/* --- priority --- */

#define PRIORITY_RELATIVE     0x000000ffu
#define PRIORITY_CLASSES      0x003fff00u
#define PRIORITY_KNOWN	      0x00003f00u /* the classes there are */
#define PRIORITY_NOT_BY_CLASS 0x22000000u /* of the event manager, or a scheduler's number */
#define PRIORITY_LEAST	      (-15)

/* The class and the relative priority of a word, and nothing else; 0 if it has no class. */
static uint32_t canonical(uint32_t word)
{
	int relative = (int8_t)(word & PRIORITY_RELATIVE) + 1;

	if ((word & PRIORITY_NOT_BY_CLASS) || !(word & PRIORITY_KNOWN))
		return PTHPRIORITY_ATTR_DEFAULT_VALUE;
	if (relative > 0 || relative < PRIORITY_LEAST)
		word |= PRIORITY_RELATIVE; /* that is 0 */
	return word & (PRIORITY_CLASSES | PRIORITY_RELATIVE);
}

static kern_return_t priority_get(const struct ipc_task *task, uint32_t command,
				  struct ipc_voucher_value previous,
				  struct ipc_voucher_value content, union voucher_room *room,
				  struct ipc_voucher_value *value)
{
	uint32_t word;

	(void)task;
	(void)previous;
	if (command != MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE || content.v_size != sizeof word)
		return KERN_INVALID_ARGUMENT;
	memcpy(&word, content.v_bytes, sizeof word);
	room->priority = canonical(word);
	*value = VOUCHER_DEFAULT;
	if (room->priority != PTHPRIORITY_ATTR_DEFAULT_VALUE)
		*value = (struct ipc_voucher_value){(uint8_t *)&room->priority,
						    sizeof room->priority};
	return KERN_SUCCESS;
}

static kern_return_t priority_extract(struct ipc_host *host, const struct ipc_task *task,
				      struct ipc_voucher_value value, uint32_t *command,
				      uint8_t *bytes, uint32_t *size)
{
	uint32_t room = *size;

	(void)host;
	(void)task;
	*size = 0;
	if (room == 0)
		return KERN_INVALID_VALUE;
	if (room < value.v_size)
		return KERN_NO_SPACE;
	*command = MACH_VOUCHER_ATTR_PTHPRIORITY_NULL;
	memcpy(bytes, value.v_bytes, value.v_size);
	*size = value.v_size;
	return KERN_SUCCESS;
}

/* --- importance --- */

static kern_return_t importance_get(const struct ipc_task *task, uint32_t command,
				    struct ipc_voucher_value previous,
				    struct ipc_voucher_value content, union voucher_room *room,
				    struct ipc_voucher_value *value)
{
	if (content.v_size)
		return KERN_INVALID_ARGUMENT;
	switch (command) {
	case MACH_VOUCHER_ATTR_REDEEM:
		*value = previous;
		return KERN_SUCCESS;
	case MACH_VOUCHER_ATTR_IMPORTANCE_SELF:
		room->importance =
			(struct voucher_importance){.vi_task = task->t_id, .vi_pid = task->t_pid};
		*value = (struct ipc_voucher_value){(uint8_t *)&room->importance,
						    sizeof room->importance};
		return KERN_SUCCESS;
	}
	return KERN_INVALID_ARGUMENT;
}

/* A text, as much of it as there is room for. */
static kern_return_t importance_extract(struct ipc_host *host, const struct ipc_task *task,
					struct ipc_voucher_value value, uint32_t *command,
					uint8_t *bytes, uint32_t *size)
{
	const struct ipc_inherit *inherit = ipc_inherit_find(host, value);
	struct voucher_importance importance;
	char text[IPC_INHERIT_TEXT];
	uint32_t length;

	(void)task;
	if (*size == 0)
		return KERN_NO_SPACE;
	memcpy(&importance, value.v_bytes, sizeof importance);
	if (inherit)
		ipc_inherit_describe(inherit, text);
	else
		snprintf(text, sizeof text, "importance of pid %d", importance.vi_pid);
	length = (uint32_t)strlen(text);
	if (length > *size - 1)
		length = *size - 1;
	*command = MACH_VOUCHER_ATTR_NOOP; /* a text makes no value */
	memcpy(bytes, text, length);
	bytes[length] = 0;
	*size = length + 1;
	return KERN_SUCCESS;
}

/* Drop boosts of an inherit; the answer is the number left. */
static kern_return_t importance_command(struct ipc_host *host, const struct ipc_task *task,
					struct ipc_voucher_value value, uint32_t command,
					struct ipc_voucher_value in, uint8_t *bytes, uint32_t *size)
{
	mach_voucher_attr_importance_refs boosts;
	struct ipc_inherit *inherit = ipc_inherit_find(host, value);
	uint32_t left;
	kern_return_t kr = KERN_SUCCESS;

	(void)task;
	if (in.v_size != sizeof boosts || (*size != 0 && *size != sizeof boosts))
		return KERN_INVALID_ARGUMENT;
	if (command != MACH_VOUCHER_IMPORTANCE_ATTR_DROP_EXTERNAL)
		return KERN_NOT_SUPPORTED;
	if (!inherit)
		return KERN_INVALID_ARGUMENT;
	memcpy(&boosts, in.v_bytes, sizeof boosts);
	if (boosts)
		kr = ipc_inherit_drop(host, inherit, boosts);
	left = ipc_inherit_boosts(inherit);
	if (kr == KERN_SUCCESS && *size)
		memcpy(bytes, &left, sizeof left);
	return kr;
}

static const struct voucher_attr user_data_attr = {user_data_get, user_data_extract, no_command,
						   false};
static const struct voucher_attr priority_attr = {priority_get, priority_extract, no_command,
						  false};
static const struct voucher_attr importance_attr = {importance_get, importance_extract,
						    importance_command, false};

const struct voucher_attr *voucher_attr(uint32_t key)
{
	switch (key) {
	case MACH_VOUCHER_ATTR_KEY_IMPORTANCE:
		return &importance_attr;
	case MACH_VOUCHER_ATTR_KEY_BANK:
		return &voucher_bank_attr;
	case MACH_VOUCHER_ATTR_KEY_PTHPRIORITY:
		return &priority_attr;
	case MACH_VOUCHER_ATTR_KEY_USER_DATA:
	case MACH_VOUCHER_ATTR_KEY_TEST:
		return &user_data_attr;
	}
	return NULL;
}
