/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results of a routine, struct NAME_out, become a MIG reply. The message for it is allocated
 * before the routine runs: what the routine did must not be lost because there was no memory to
 * tell of it. Only lists out of line take more, and those change nothing.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/trap/mig.h"

#define WORD sizeof(uint32_t)

/* The start of a reply without descriptors. */
struct simple_body {
	uint8_t ndr[sizeof(NDR_record_t)];
	int32_t code;
};

static const uint8_t ndr_here[sizeof(NDR_record_t)] = {
	[4] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? NDR_INT_LITTLE_ENDIAN
							: NDR_INT_BIG_ENDIAN};

static uint32_t body_size(const struct mig_shape *shape)
{
	if (shape->descriptors == 0)
		return (uint32_t)sizeof(struct simple_body) + shape->inline_size;
	return shape->inline_size ? (uint32_t)sizeof ndr_here + shape->inline_size : 0;
}

static struct ipc_kmsg *alloc(struct ipc_host *host, struct ipc_account *payer,
			      const struct ipc_kmsg_plan *plan)
{
	struct ipc_kmsg *reply = ipc_kmsg_alloc(host, payer, plan, IKM_BOUND);

	if (!reply)
		return NULL;
	reply->ikm_header.ikm_security = (security_token_t)KERNEL_SECURITY_TOKEN_VALUE;
	reply->ikm_header.ikm_audit = (audit_token_t)KERNEL_AUDIT_TOKEN_VALUE;
	return reply;
}

static struct ipc_kmsg_plan plan_for(const struct machd_routine_row *row)
{
	struct mig_shape shape = row ? mig_shape(row->out) : (struct mig_shape){0};
	struct ipc_kmsg_plan plan = {.p_descriptors = shape.descriptors,
				     .p_rights = shape.ports,
				     .p_body = body_size(&shape) + shape.extra_max};

	if (plan.p_body < sizeof(struct simple_body))
		plan.p_body = sizeof(struct simple_body);
	return plan;
}

struct ipc_kmsg *mig_reply_alloc(struct ipc_host *host, struct ipc_account *payer,
				 const struct machd_routine_row *row)
{
	struct ipc_kmsg_plan plan = plan_for(row);

	return alloc(host, payer, &plan);
}

/* The reply has fewer body bytes than there is room for. */
static void set_body_size(struct ipc_kmsg *reply, uint32_t size)
{
	reply->ikm_header.ikm_inline_size = reply->ikm_header.ikm_body_size = size;
}

void mig_reply_fail(struct ipc_kmsg *reply, kern_return_t kr)
{
	struct simple_body body = {.code = kr};

	memcpy(body.ndr, ndr_here, sizeof ndr_here);
	memcpy(reply->ikm_body, &body, sizeof body);
	set_body_size(reply, sizeof body);
	reply->ikm_header.ikm_complex = false;
	reply->ikm_header.ikm_descriptors = reply->ikm_header.ikm_right_count = 0;
}

/* A reply being written. */
struct writer {
	const struct trap_call *call;
	const struct mig_list *list;
	struct ipc_kmsg *reply;
	const uint8_t *from; /* the next result */
	uint8_t *body;	     /* where the next inline bytes go */
	struct ikm_descriptor *desc;
	uint32_t rights; /* used */
	uint32_t data;	 /* bytes of memory used */
};

static void put(struct writer *writer, const void *bytes, uint32_t size)
{
	memcpy(writer->body, bytes, size);
	writer->body += size;
}

static uint32_t next_word(struct writer *writer)
{
	uint32_t word;

	memcpy(&word, writer->from, WORD);
	writer->from += WORD;
	return word;
}

/* The right behind a handle goes into the message. */
static uint8_t give(struct writer *writer, mach_port_name_t handle)
{
	struct trap_right right = trap_right_take(writer->call->c_rights, handle);

	writer->reply->ikm_rights[writer->rights++].r_port = right.r_port;
	return right.r_type;
}

static void put_port(struct writer *writer, const struct machd_field *field)
{
	struct ikm_descriptor *desc = writer->desc++;
	uint8_t type;

	*desc = (struct ikm_descriptor){
		.d_type = MACH_MSG_PORT_DESCRIPTOR, .d_count = 1, .d_first = writer->rights};
	type = give(writer, next_word(writer));
	if (field->f_kind == MACHD_FIELD_POLY)
		desc->d_disposition = (uint8_t)next_word(writer);
	else
		desc->d_disposition = type ? type : field->f_type;
}

static void put_text(struct writer *writer, const struct machd_field *field)
{
	static const uint8_t zeros[WORD];
	uint32_t length = (uint32_t)strnlen((const char *)writer->from, field->f_size - 1) + 1;
	uint32_t words[] = {0, length};

	put(writer, words, sizeof words);
	put(writer, writer->from, length);
	put(writer, zeros, (uint32_t)(-length % WORD));
	writer->from += field->f_size;
}

static void put_array(struct writer *writer, const struct machd_field *field)
{
	bool bytes = field->f_kind == MACHD_FIELD_BYTES;
	uint32_t count = bytes ? next_word(writer) : writer->call->c_out_words;

	put(writer, &count, WORD);
	put(writer, writer->from, (uint32_t)((count * field->f_size + WORD - 1) / WORD * WORD));
}

/* One of the arrays that the elements of a list are distributed to. */
static void put_column(struct writer *writer, const struct mig_column *column, uint32_t count)
{
	const uint8_t *from = writer->from + column->mc_at;
	uint8_t *to = writer->reply->ikm_data + writer->data;
	uint32_t size = column->mc_size;

	*writer->desc++ =
		(struct ikm_descriptor){.d_type = MACH_MSG_OOL_DESCRIPTOR,
					.d_copy = MACH_MSG_VIRTUAL_COPY,
					.d_count = count * size,
					.d_source = count ? MACHD_MEMORY_INLINE : MACHD_MEMORY_NONE,
					.d_offset = writer->data};
	put(writer, &count, WORD);
	for (uint32_t i = 0; i < count; i++, to += size)
		memcpy(to, from + (size_t)i * column->mc_turn, size);
	writer->data += count * size;
}

/* Distribute the elements of a list to its arrays, which are contiguous in memory. */
static void put_memory(struct writer *writer, const struct machd_field *field)
{
	struct mig_column column;

	for (uint32_t k = 0; mig_column(field, k, &column); k++)
		put_column(writer, &column,
			   writer->call->c_out_words / (column.mc_turn / (uint32_t)WORD));
}

/* The same of a list that was gathered: each array is in a memfd. */
static void put_list(struct writer *writer, const struct machd_field *field)
{
	struct mig_column column;

	for (uint32_t k = 0; mig_column(field, k, &column); k++) {
		uint32_t count = (uint32_t)(writer->list->l_size / column.mc_turn);

		*writer->desc++ = (struct ikm_descriptor){.d_type = MACH_MSG_OOL_DESCRIPTOR,
							  .d_copy = MACH_MSG_VIRTUAL_COPY,
							  .d_count = count * column.mc_size,
							  .d_source = MACHD_MEMORY_FD,
							  .d_fd = k};
		put(writer, &count, WORD);
	}
}

static void put_nothing(struct writer *writer)
{
	uint32_t count = 0;

	*writer->desc++ = (struct ikm_descriptor){.d_type = MACH_MSG_OOL_DESCRIPTOR,
						  .d_copy = MACH_MSG_VIRTUAL_COPY,
						  .d_source = MACHD_MEMORY_NONE};
	put(writer, &count, WORD);
}

static void put_ports(struct writer *writer, const struct machd_field *field)
{
	uint32_t count = writer->call->c_out_words;

	*writer->desc++ = (struct ikm_descriptor){.d_type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
						  .d_disposition = field->f_type,
						  .d_count = count,
						  .d_first = writer->rights,
						  .d_source = count ? MACHD_MEMORY_INLINE
								    : MACHD_MEMORY_NONE};
	put(writer, &count, WORD);
	for (uint32_t i = 0; i < count; i++)
		give(writer, next_word(writer));
}

static void put_field(struct writer *writer, const struct machd_field *field)
{
	switch ((enum machd_field_kind)field->f_kind) {
	case MACHD_FIELD_DATA:
		put(writer, writer->from, field->f_size);
		writer->from += field->f_size;
		break;
	case MACHD_FIELD_TEXT:
		put_text(writer, field);
		break;
	case MACHD_FIELD_PORT:
	case MACHD_FIELD_POLY:
		put_port(writer, field);
		break;
	case MACHD_FIELD_NEXT:
		writer->from += WORD;
		break;
	case MACHD_FIELD_ARRAY:
	case MACHD_FIELD_BYTES:
		put_array(writer, field);
		break;
	case MACHD_FIELD_OOL:
		if (writer->list->l_bytes)
			put_list(writer, field);
		else
			put_memory(writer, field);
		break;
	case MACHD_FIELD_EMPTY:
		put_nothing(writer);
		break;
	case MACHD_FIELD_OOL_PORTS:
		put_ports(writer, field);
		break;
	case MACHD_FIELD_END:
	case MACHD_FIELD_BESIDE: /* with what it is beside */
	case MACHD_FIELD_REF:	 /* in requests only */
	case MACHD_FIELD_FRAME:
	case MACHD_FIELD_LATE:
		break;
	}
}

/* The result is longer than one message. */
static bool too_long(const struct trap_call *call, const struct machd_routine_row *row)
{
	const size_t room =
		ipc_answer_room() - mig_shape(row->out).descriptors * sizeof(struct machd_memory);

	return call->c_out_words * WORD > room;
}

/* A message with room for what is out of line, in place of `*reply`. */
static kern_return_t grow(struct ipc_host *host, const struct trap_call *call,
			  const struct machd_routine_row *row, const struct mig_list *list,
			  struct ipc_kmsg **reply)
{
	const struct machd_field *rest = machd_fields_rest(row->out);
	struct ipc_kmsg_plan plan = plan_for(row);
	struct ipc_kmsg *larger;
	struct mig_column column;

	if (!list->l_bytes && too_long(call, row))
		return KERN_RESOURCE_SHORTAGE;
	while (list->l_bytes && mig_column(rest, plan.p_fds, &column))
		plan.p_fds++;
	if (list->l_bytes)
		plan.p_data = 0;
	else if (rest->f_kind == MACHD_FIELD_OOL_PORTS)
		plan.p_rights += call->c_out_words;
	else
		plan.p_data = call->c_out_words * (uint32_t)WORD;
	larger = alloc(host, (*reply)->ikm_account, &plan);
	if (!larger)
		return KERN_RESOURCE_SHORTAGE;
	if (list->l_bytes && !mig_list_attach(host, list, rest, larger)) {
		ipc_kmsg_free(host, larger);
		return KERN_RESOURCE_SHORTAGE;
	}
	ipc_kmsg_free(host, *reply);
	*reply = larger;
	return KERN_SUCCESS;
}

kern_return_t mig_reply_fill(struct ipc_host *host, const struct trap_call *call,
			     const struct machd_routine_row *row, const struct mig_list *list,
			     struct ipc_kmsg **reply)
{
	const struct machd_field *rest = machd_fields_rest(row->out);
	struct simple_body head = {.code = KERN_SUCCESS};
	struct mig_shape shape = mig_shape(row->out);
	struct writer writer = {.call = call, .list = list, .from = call->c_out};

	if (rest && rest->f_kind >= MACHD_FIELD_OOL) {
		kern_return_t kr = grow(host, call, row, list, reply);

		if (kr != KERN_SUCCESS)
			return kr;
	}
	memcpy(head.ndr, ndr_here, sizeof ndr_here);
	writer.reply = *reply;
	writer.body = writer.reply->ikm_body;
	writer.desc = writer.reply->ikm_desc;
	writer.reply->ikm_header.ikm_complex = shape.descriptors > 0;
	if (shape.descriptors == 0)
		put(&writer, &head, sizeof head);
	else if (shape.inline_size)
		put(&writer, head.ndr, sizeof head.ndr);
	for (const struct machd_field *field = row->out; field->f_kind != MACHD_FIELD_END; field++)
		put_field(&writer, field);
	set_body_size(writer.reply, (uint32_t)(writer.body - writer.reply->ikm_body));
	return KERN_SUCCESS;
}
