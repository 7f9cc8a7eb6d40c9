/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A MIG request becomes the arguments of a routine: struct NAME_in, as a frame would bring it. The
 * request is checked in the order of MIG's servers: its size, its descriptors' types, then the
 * lengths it says.
 */
#include <mach/mig_errors.h>
#include <string.h>

#include "daemon/trap/mig.h"

#define WORD sizeof(uint32_t)

static struct mig_shape shape_of_field(const struct machd_field *field)
{
	switch ((enum machd_field_kind)field->f_kind) {
	case MACHD_FIELD_DATA:
		return (struct mig_shape){.inline_size = field->f_size};
	case MACHD_FIELD_TEXT: /* where it begins, how long it is */
		return (struct mig_shape){.inline_size = 2 * WORD, .extra_max = field->f_size};
	case MACHD_FIELD_PORT:
	case MACHD_FIELD_POLY:
		return (struct mig_shape){.descriptors = 1, .ports = 1};
	case MACHD_FIELD_REF:
		return (struct mig_shape){.descriptors = 1};
	case MACHD_FIELD_LATE:
		return (struct mig_shape){.inline_size = WORD};
	case MACHD_FIELD_ARRAY:
	case MACHD_FIELD_BYTES:
		return (struct mig_shape){.inline_size = WORD,
					  .extra_max = field->f_max * field->f_size};
	case MACHD_FIELD_EMPTY:
	case MACHD_FIELD_BESIDE:
	case MACHD_FIELD_OOL:
	case MACHD_FIELD_OOL_PORTS:
		return (struct mig_shape){.descriptors = field->f_max,
					  .inline_size = field->f_max * (uint32_t)WORD};
	case MACHD_FIELD_END:
	case MACHD_FIELD_FRAME:
	case MACHD_FIELD_NEXT:
		break;
	}
	return (struct mig_shape){0};
}

/* The fields of a REF or FRAME: bytes that they have in the struct; `*field` moves to their END. */
static uint32_t group_size(const struct machd_field **field)
{
	uint32_t size = 0;

	while ((++*field)->f_kind != MACHD_FIELD_END)
		size += (*field)->f_size;
	return size;
}

struct mig_shape mig_shape(const struct machd_field *fields)
{
	struct mig_shape shape = {0};

	for (; fields->f_kind != MACHD_FIELD_END; fields++) {
		struct mig_shape more = shape_of_field(fields);

		shape.descriptors += more.descriptors;
		shape.ports += more.ports;
		shape.inline_size += more.inline_size;
		shape.extra_max += more.extra_max;
		if (fields->f_kind == MACHD_FIELD_REF || fields->f_kind == MACHD_FIELD_FRAME)
			group_size(&fields);
	}
	return shape;
}

/* A request being read. */
struct reader {
	const struct ipc_kmsg *kmsg;
	const struct trap_rights *rights;
	const uint8_t *body; /* the next inline bytes */
	uint32_t left;
	const struct ikm_descriptor *desc; /* the next descriptor */
	uint8_t *to;			   /* where the next argument goes */
	uint8_t *late;			   /* the argument that is behind the array, or NULL */
	uint32_t words;			   /* of that array */
};

static bool shape_good(const struct ipc_kmsg *kmsg, const struct mig_shape *shape)
{
	const struct ikm_header *header = &kmsg->ikm_header;
	uint32_t least = shape->inline_size ? shape->inline_size + sizeof(NDR_record_t) : 0;

	if (header->ikm_complex != (shape->descriptors > 0) ||
	    header->ikm_descriptors != shape->descriptors)
		return false;
	if (header->ikm_inline_size != header->ikm_body_size)
		return false; /* its end is in a memfd: no request is so long */
	return header->ikm_body_size >= least && header->ikm_body_size - least <= shape->extra_max;
}

static bool descriptor_good(const struct ikm_descriptor *desc, const struct machd_field *field,
			    uint32_t ref_size)
{
	switch (field->f_kind) {
	case MACHD_FIELD_PORT:
	case MACHD_FIELD_POLY:
		return desc->d_type == MACH_MSG_PORT_DESCRIPTOR &&
		       (field->f_type == 0 || desc->d_disposition == field->f_type);
	case MACHD_FIELD_REF:
		return desc->d_type == MACH_MSG_OOL_DESCRIPTOR && desc->d_count == ref_size;
	default:
		return desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR &&
		       desc->d_disposition == field->f_type;
	}
}

static bool types_good(const struct ipc_kmsg *kmsg, const struct machd_field *fields)
{
	const struct ikm_descriptor *desc = kmsg->ikm_desc;

	for (; fields->f_kind != MACHD_FIELD_END; fields++) {
		const struct machd_field *field = fields;
		uint32_t size = 0;

		if (field->f_kind == MACHD_FIELD_REF || field->f_kind == MACHD_FIELD_FRAME)
			size = group_size(&fields);
		if (shape_of_field(field).descriptors && !descriptor_good(desc++, field, size))
			return false;
	}
	return true;
}

static void put_word(struct reader *reader, uint32_t word)
{
	memcpy(reader->to, &word, WORD);
	reader->to += WORD;
}

/* So many bytes from the message to the arguments. */
static void move(struct reader *reader, uint32_t size)
{
	memcpy(reader->to, reader->body, size);
	reader->to += size;
	reader->body += size;
	reader->left -= size;
}

static uint32_t next_word(struct reader *reader)
{
	uint32_t word;

	memcpy(&word, reader->body, WORD);
	reader->body += WORD;
	reader->left -= WORD;
	return word;
}

static void read_port(struct reader *reader, bool poly)
{
	const struct ikm_descriptor *desc = reader->desc++;

	put_word(reader, trap_right_handle(reader->rights, desc->d_first));
	if (poly)
		put_word(reader, desc->d_disposition);
}

static kern_return_t read_ref(struct reader *reader)
{
	const struct ikm_descriptor *desc = reader->desc++;

	if (desc->d_source != MACHD_MEMORY_INLINE)
		return KERN_INVALID_ADDRESS;
	memcpy(reader->to, reader->kmsg->ikm_data + desc->d_offset, desc->d_count);
	reader->to += desc->d_count;
	return KERN_SUCCESS;
}

/* An inline array, the last of the message but for one word: exactly as long as it says. */
static kern_return_t read_array(struct reader *reader, const struct machd_field *field)
{
	uint32_t count = next_word(reader), late;

	if (count > field->f_max)
		return MIG_BAD_ARGUMENTS;
	reader->words = (uint32_t)((count * field->f_size + WORD - 1) / WORD);
	if ((reader->words + (reader->late != NULL)) * WORD != reader->left)
		return MIG_BAD_ARGUMENTS;
	if (field->f_kind == MACHD_FIELD_BYTES)
		put_word(reader, count);
	move(reader, reader->words * (uint32_t)WORD);
	if (reader->late) {
		late = next_word(reader);
		memcpy(reader->late, &late, WORD);
	}
	return KERN_SUCCESS;
}

static kern_return_t read_ports(struct reader *reader)
{
	const struct ikm_descriptor *desc = reader->desc++;

	if (next_word(reader) != desc->d_count)
		return MIG_TYPE_ERROR;
	for (uint32_t i = 0; i < desc->d_count; i++)
		put_word(reader, trap_right_handle(reader->rights, desc->d_first + i));
	reader->words = desc->d_count;
	return KERN_SUCCESS;
}

static kern_return_t read_field(struct reader *reader, const struct machd_field *field)
{
	switch (field->f_kind) {
	case MACHD_FIELD_DATA:
		move(reader, field->f_size);
		return KERN_SUCCESS;
	case MACHD_FIELD_PORT:
	case MACHD_FIELD_POLY:
		read_port(reader, field->f_kind == MACHD_FIELD_POLY);
		return KERN_SUCCESS;
	case MACHD_FIELD_REF:
		return read_ref(reader);
	case MACHD_FIELD_LATE:
		reader->late = reader->to;
		put_word(reader, 0);
		return KERN_SUCCESS;
	case MACHD_FIELD_ARRAY:
	case MACHD_FIELD_BYTES:
		return read_array(reader, field);
	default:
		return read_ports(reader);
	}
}

static kern_return_t read_fields(struct reader *reader, const struct machd_field *fields)
{
	kern_return_t kr = KERN_SUCCESS;

	for (; fields->f_kind != MACHD_FIELD_END && kr == KERN_SUCCESS; fields++) {
		if (fields->f_kind == MACHD_FIELD_FRAME) {
			uint32_t size = group_size(&fields);

			memset(reader->to, 0, size);
			reader->to += size;
			continue;
		}
		kr = read_field(reader, fields);
		if (fields->f_kind == MACHD_FIELD_REF)
			group_size(&fields);
	}
	return kr;
}

kern_return_t mig_read(const struct machd_routine_row *row, const struct trap_rights *rights,
		       uint8_t *args, uint32_t *words)
{
	const struct ipc_kmsg *kmsg = rights->tr_request;
	struct mig_shape shape = mig_shape(row->in);
	struct reader reader = {.kmsg = kmsg,
				.rights = rights,
				.body = kmsg->ikm_body,
				.left = kmsg->ikm_header.ikm_body_size,
				.desc = kmsg->ikm_desc,
				.to = args};
	kern_return_t kr;

	if (!shape_good(kmsg, &shape))
		return MIG_BAD_ARGUMENTS;
	if (!types_good(kmsg, row->in))
		return MIG_TYPE_ERROR;
	if (reader.left) {
		reader.body += sizeof(NDR_record_t);
		reader.left -= (uint32_t)sizeof(NDR_record_t);
	}
	kr = read_fields(&reader, row->in);
	*words = reader.words;
	return kr;
}
