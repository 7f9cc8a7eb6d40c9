/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that are longer than one answer of their routine. A library asks for the next part with
 * another frame; a message has all of it in its reply, so here the routine is run until nothing is
 * left, and each array of the list goes into a memfd of its own.
 */
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/trap/mig.h"

#define WORD sizeof(uint32_t)

/* The field that says where a list continues, of arguments or results; NULL: there is none. */
static uint8_t *next_of(const struct machd_field *fields, enum machd_field_kind kind, uint8_t *at)
{
	for (; fields->f_kind != MACHD_FIELD_END; fields++) {
		if (fields->f_kind == kind)
			return at;
		at += fields->f_size;
	}
	return NULL;
}

static uint32_t word_at(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, WORD);
	return word;
}

bool mig_column(const struct machd_field *field, uint32_t k, struct mig_column *column)
{
	const struct machd_field *each = field;
	bool found = false;

	*column = (struct mig_column){0};
	do {
		for (uint32_t i = 0; i < each->f_max; i++, column->mc_turn += each->f_size) {
			if (k-- != 0)
				continue;
			column->mc_at = column->mc_turn;
			column->mc_size = each->f_size;
			found = true;
		}
	} while ((++each)->f_kind == MACHD_FIELD_BESIDE);
	return found;
}

/*
 * Make room for `size` more bytes, doubling the buffer so that a long list is not copied often.
 * False: no memory.
 */
static bool make_room(struct mig_list *list, size_t size)
{
	size_t room =
		2 * list->l_room > list->l_size + size ? 2 * list->l_room : list->l_size + size;
	uint8_t *bytes;

	if (list->l_size + size <= list->l_room)
		return true;
	bytes = mem_alloc_raw(room, 0);
	if (!bytes)
		return false;
	if (list->l_bytes)
		memcpy(bytes, list->l_bytes, list->l_size);
	mem_free(list->l_bytes);
	list->l_bytes = bytes;
	list->l_room = room;
	return true;
}

/* Append the part that the routine returned; false: no memory. */
static bool append(struct mig_list *list, const struct trap_call *call, uint32_t head)
{
	size_t size = call->c_out_words * WORD;

	if (size == 0)
		return true; /* it looked at what the caller may not hear of */
	if (!make_room(list, size))
		return false;
	memcpy(list->l_bytes + list->l_size, (const uint8_t *)call->c_out + head, size);
	list->l_size += size;
	return true;
}

kern_return_t mig_list_gather(struct trap_call *call, const struct machd_routine_row *row,
			      uint8_t *args, struct mig_list *list)
{
	uint8_t *next = next_of(row->out, MACHD_FIELD_NEXT, call->c_out);
	uint8_t *first = next_of(row->in, MACHD_FIELD_FRAME, args);
	kern_return_t kr = KERN_SUCCESS;

	if (!next || !first || word_at(next) == 0)
		return KERN_SUCCESS;
	while (kr == KERN_SUCCESS && append(list, call, row->out_size)) {
		uint32_t word = word_at(next);

		if (word == 0)
			return KERN_SUCCESS;
		memcpy(first, &word, WORD);
		memset(call->c_out, 0, row->out_size);
		call->c_out_words = 0;
		kr = trap_run(call, row);
	}
	return kr == KERN_SUCCESS ? KERN_RESOURCE_SHORTAGE : kr;
}

/* One of the list's arrays; NULL: no memory. */
static uint8_t *take_column(const struct mig_list *list, const struct mig_column *column)
{
	size_t count = list->l_size / column->mc_turn, size = column->mc_size;
	uint8_t *bytes = mem_alloc(count * size);

	for (size_t i = 0; bytes && i < count; i++)
		memcpy(bytes + i * size, list->l_bytes + i * column->mc_turn + column->mc_at, size);
	return bytes;
}

bool mig_list_attach(struct ipc_host *host, const struct mig_list *list,
		     const struct machd_field *field, struct ipc_kmsg *reply)
{
	struct mig_column column;

	for (uint32_t k = 0; mig_column(field, k, &column); k++) {
		uint8_t *bytes = take_column(list, &column);
		struct ikm_fd fd = {IPC_FD_NONE, list->l_size / column.mc_turn * column.mc_size};

		if (bytes)
			fd.f_handle = host->h_outbox->memory(host->h_outbox->context, bytes,
							     (size_t)fd.f_size);
		mem_free(bytes);
		if (fd.f_handle == IPC_FD_NONE)
			return false;
		if (!ipc_kmsg_take_fd(host, reply, k, fd)) {
			host->h_outbox->release(host->h_outbox->context, fd.f_handle);
			return false;
		}
	}
	return true;
}
