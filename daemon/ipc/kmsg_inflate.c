/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflate: the first step of a message inside the daemon. The user's bytes are measured and copied
 * once, and the descriptors converted to kernel form. Names are not looked up yet; an error here
 * costs the sender nothing [8, steps 2 to 6].
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/kmsg_layout.h"
#include "protocol/frame.h"

/* Up to this many descriptors Mach converts from the last to the first, more the other way. */
#define BACKWARDS_MAX 64

/* The most physically copied memory of a message, small pieces excepted, with 8 bytes for each
 * port. */
#define PHYSICAL_MAX   (7u << 20)
#define PAGE	       4096u
#define BYTES_PER_PORT 8u

/* The most descriptors of a message to one of the daemon's objects. */
#define KOBJECT_DESCRIPTORS_MAX 3

/* The results of measuring. */
struct shape {
	mach_msg_header_t s_header;
	unsigned s_word;
	bool s_complex;
	uint32_t s_descriptors;
	uint64_t s_rights;   /* ports named in descriptors and arrays */
	uint64_t s_physical; /* bytes of memory that Mach would copy physically */
	uint32_t s_memory;   /* descriptors with memory */
	uint32_t s_offset;   /* of the body */
	uint64_t s_wide;     /* the same in the 64-bit layout: the answer must fit a frame */
};

/* The sizes of the message and of its auxiliary data. */
static mach_msg_return_t check_sizes(const struct ipc_user_message *message)
{
	if (message->um_size < sizeof(mach_msg_header_t) || message->um_size % 4)
		return MACH_SEND_MSG_TOO_SMALL;
	if (message->um_size > MACHD_MESSAGE_SIZE_MAX)
		return MACH_SEND_TOO_LARGE;
	if (message->um_aux_size != 0 && message->um_aux_size < MACHD_AUX_SIZE_MIN)
		return MACH_SEND_AUX_TOO_SMALL;
	if (message->um_aux_size > MACHD_AUX_SIZE_MAX)
		return MACH_SEND_AUX_TOO_LARGE;
	return MACH_MSG_SUCCESS;
}

static mach_msg_return_t read_header(const struct ipc_user_message *message, struct shape *shape)
{
	const uint32_t base = sizeof(mach_msg_base_t);

	if (message->um_inline < sizeof shape->s_header)
		return MACH_SEND_INVALID_DATA;
	memcpy(&shape->s_header, message->um_bytes, sizeof shape->s_header);
	shape->s_complex = shape->s_header.msgh_bits & MACH_MSGH_BITS_COMPLEX;
	shape->s_offset = sizeof shape->s_header;
	shape->s_wide = shape->s_offset;
	if (!shape->s_complex)
		return MACH_MSG_SUCCESS;
	if (message->um_size < base)
		return MACH_SEND_MSG_TOO_SMALL;
	if (message->um_inline < base)
		return MACH_SEND_INVALID_DATA;
	memcpy(&shape->s_descriptors, message->um_bytes + shape->s_offset, 4);
	shape->s_offset = base;
	shape->s_wide = base;
	if (shape->s_descriptors > (message->um_size - base) / LAYOUT_DESCRIPTOR_MIN)
		return MACH_SEND_MSG_TOO_SMALL;
	if ((message->um_option & MACH64_SEND_KOBJECT_CALL) &&
	    shape->s_descriptors > KOBJECT_DESCRIPTORS_MAX)
		return MACH_SEND_TOO_LARGE;
	return MACH_MSG_SUCCESS;
}

/* The daemon's objects accept only the older types of descriptors. */
static bool type_good(const struct ipc_user_message *message, uint8_t type)
{
	bool newer = type == MACH_MSG_OOL_VOLATILE_DESCRIPTOR ||
		     type == MACH_MSG_GUARDED_PORT_DESCRIPTOR;

	return !newer || !(message->um_option & (MACH64_SEND_KOBJECT_CALL | MACH64_SEND_DK_CALL));
}

/* Check one descriptor's type and that it is whole, and advance the offset past it. */
static mach_msg_return_t measure_one(const struct ipc_user_message *message, struct shape *shape)
{
	uint32_t left = message->um_size - shape->s_offset;
	uint32_t here = message->um_inline - shape->s_offset;
	const uint8_t *bytes = message->um_bytes + shape->s_offset;
	uint32_t size;

	if (left < LAYOUT_DESCRIPTOR_MIN)
		return MACH_SEND_MSG_TOO_SMALL;
	if (here < LAYOUT_DESCRIPTOR_MIN)
		return MACH_SEND_INVALID_DATA;
	size = layout_size(shape->s_word, layout_type(bytes));
	if (size == 0 || !type_good(message, layout_type(bytes)))
		return MACH_SEND_INVALID_TYPE;
	if (left < size)
		return MACH_SEND_MSG_TOO_SMALL;
	if (here < size)
		return MACH_SEND_INVALID_DATA;
	shape->s_memory += layout_is_memory(layout_type(bytes));
	shape->s_offset += size;
	shape->s_wide += layout_size(64, layout_type(bytes));
	return MACH_MSG_SUCCESS;
}

static mach_msg_return_t measure(const struct ipc_user_message *message, struct shape *shape)
{
	mach_msg_return_t code = MACH_MSG_SUCCESS;

	for (uint32_t i = 0; i < shape->s_descriptors && code == MACH_MSG_SUCCESS; i++)
		code = measure_one(message, shape);
	return code;
}

static mach_msg_return_t check_guarded(const struct ikm_descriptor *desc)
{
	bool flags_good =
		desc->d_flags != 0 && (desc->d_flags & ~(uint32_t)MACH_MSG_GUARD_FLAGS_MASK) == 0;
	bool context_good =
		!(desc->d_flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND) || desc->d_context == 0;

	if (desc->d_disposition != MACH_MSG_TYPE_MOVE_RECEIVE || !flags_good || !context_good)
		return MACH_SEND_INVALID_TYPE;
	return MACH_MSG_SUCCESS;
}

/* Check a descriptor's fields, without looking up names. */
static mach_msg_return_t check_content(const struct ikm_descriptor *desc)
{
	switch (desc->d_type) {
	case MACH_MSG_OOL_DESCRIPTOR:
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		return desc->d_copy <= MACH_MSG_VIRTUAL_COPY ? MACH_MSG_SUCCESS
							     : MACH_SEND_INVALID_TYPE;
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		return check_guarded(desc);
	}
	return MACH_MSG_SUCCESS;
}

/* The ports that a descriptor names. */
static uint32_t ports_of(const struct ikm_descriptor *desc)
{
	bool ports = layout_is_port(desc->d_type) || desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR;

	return ports ? desc->d_count : 0;
}

/* Total the rights and memory of all descriptors. */
static void add_up(const struct ipc_user_message *message, struct shape *shape)
{
	const uint8_t *bytes = message->um_bytes + sizeof(mach_msg_base_t);

	for (uint32_t i = 0; i < shape->s_descriptors; i++) {
		struct ikm_descriptor desc;
		mach_port_name_t name;

		layout_read(shape->s_word, bytes, &desc, &name);
		if (ports_of(&desc))
			shape->s_rights += ports_of(&desc);
		else if (desc.d_copy == MACH_MSG_PHYSICAL_COPY && !desc.d_deallocate &&
			 desc.d_count > LAYOUT_MEMORY_SMALL)
			shape->s_physical += ((uint64_t)desc.d_count + PAGE - 1) / PAGE * PAGE;
		bytes += layout_size(shape->s_word, desc.d_type);
	}
}

/*
 * Check every descriptor's fields, and that the running total of ports fits 32 bits. The error of
 * the first bad descriptor counts, in the direction in which Mach would convert them.
 */
static mach_msg_return_t check_contents(const struct ipc_user_message *message,
					const struct shape *shape)
{
	bool backwards = shape->s_descriptors <= BACKWARDS_MAX;
	const uint8_t *bytes = message->um_bytes + sizeof(mach_msg_base_t);
	mach_msg_return_t found = MACH_MSG_SUCCESS;
	uint64_t before = 0;

	for (uint32_t i = 0; i < shape->s_descriptors; i++) {
		struct ikm_descriptor desc;
		mach_port_name_t name;
		mach_msg_return_t code;
		uint32_t here;

		layout_read(shape->s_word, bytes, &desc, &name);
		code = check_content(&desc);
		here = ports_of(&desc);
		if (here && (backwards ? shape->s_rights - before : before + here) > UINT32_MAX)
			code = MACH_SEND_TOO_LARGE;
		if (code != MACH_MSG_SUCCESS && !backwards)
			return code;
		if (code != MACH_MSG_SUCCESS)
			found = code;
		before += here;
		bytes += layout_size(shape->s_word, desc.d_type);
	}
	return found;
}

/* [8, step 6]. */
static mach_msg_return_t check_totals(const struct shape *shape)
{
	if (shape->s_rights > MACHD_MESSAGE_PORTS_MAX)
		return MACH_SEND_TOO_LARGE;
	if (shape->s_physical + BYTES_PER_PORT * shape->s_rights > PHYSICAL_MAX)
		return MACH_MSG_VM_KERNEL;
	return MACH_MSG_SUCCESS;
}

/* How much of the frame's tables has been used while descriptors are filled in. */
struct supply {
	const struct ipc_user_message *su_message;
	uint32_t su_memory; /* entries used */
	uint32_t su_data;   /* inline bytes used */
	uint32_t su_rights; /* rights used */
};

/* The next `size` inline bytes; NULL if there are fewer. */
static const uint8_t *next_data(struct supply *supply, uint64_t size)
{
	const uint8_t *data = supply->su_message->um_data + supply->su_data;

	if (size > supply->su_message->um_data_size - supply->su_data)
		return NULL;
	supply->su_data += (uint32_t)size;
	return data;
}

/* Is it a sealed memfd, other than the body's, that holds the bytes? */
static bool fd_good(const struct ipc_user_message *message, const struct machd_memory *memory,
		    uint32_t size)
{
	unsigned first = message->um_inline < message->um_size;
	const struct ipc_user_fd *fd;

	if (memory->fd < first || memory->fd >= message->um_fd_count)
		return false;
	fd = &message->um_fds[memory->fd];
	return fd->uf_sealed && memory->offset <= fd->uf_fd.f_size &&
	       size <= fd->uf_fd.f_size - memory->offset;
}

/* Fill in where a descriptor's memory is. A bad entry makes it unreadable. */
static void fill_memory(struct supply *supply, struct ikm_descriptor *desc,
			const struct machd_memory *memory)
{
	uint32_t at = supply->su_data;

	desc->d_source = MACHD_MEMORY_UNREADABLE;
	if (desc->d_count == 0) {
		desc->d_source = MACHD_MEMORY_NONE;
	} else if (memory->source == MACHD_MEMORY_INLINE && next_data(supply, desc->d_count)) {
		desc->d_source = MACHD_MEMORY_INLINE;
		desc->d_offset = at;
	} else if (memory->source == MACHD_MEMORY_FD &&
		   fd_good(supply->su_message, memory, desc->d_count)) {
		desc->d_source = MACHD_MEMORY_FD;
		desc->d_fd = memory->fd;
		desc->d_offset = memory->offset;
	}
}

/* Copy the names of an array; they are looked up at copyin. */
static void fill_names(struct supply *supply, struct ipc_kmsg *kmsg, struct ikm_descriptor *desc,
		       const struct machd_memory *memory)
{
	const uint8_t *names = NULL;

	desc->d_source = MACHD_MEMORY_UNREADABLE;
	if (desc->d_count == 0)
		desc->d_source = MACHD_MEMORY_NONE;
	else if (memory->source == MACHD_MEMORY_INLINE)
		names = next_data(supply, (uint64_t)desc->d_count * sizeof(mach_port_name_t));
	if (!names)
		return;
	desc->d_source = MACHD_MEMORY_INLINE;
	for (uint32_t i = 0; i < desc->d_count; i++)
		memcpy(&kmsg->ikm_rights[desc->d_first + i].r_name, names + i * sizeof(uint32_t),
		       sizeof(uint32_t));
}

static void fill_descriptor(struct supply *supply, struct ipc_kmsg *kmsg,
			    struct ikm_descriptor *desc, mach_port_name_t name)
{
	const struct ipc_user_message *message = supply->su_message;
	struct machd_memory memory = {.source = MACHD_MEMORY_UNREADABLE};

	desc->d_first = supply->su_rights;
	if (layout_is_port(desc->d_type)) {
		kmsg->ikm_rights[desc->d_first].r_name = name;
		supply->su_rights++;
		return;
	}
	if (supply->su_memory < message->um_memory_count)
		memcpy(&memory, message->um_memory + supply->su_memory * sizeof memory,
		       sizeof memory);
	supply->su_memory++;
	if (desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
		fill_names(supply, kmsg, desc, &memory);
		supply->su_rights += desc->d_count;
	} else {
		fill_memory(supply, desc, &memory);
	}
}

static void fill_descriptors(struct ipc_kmsg *kmsg, const struct ipc_user_message *message,
			     const struct shape *shape)
{
	const uint8_t *bytes = message->um_bytes + sizeof(mach_msg_base_t);
	struct supply supply = {.su_message = message};

	for (uint32_t i = 0; i < shape->s_descriptors; i++) {
		mach_port_name_t name;

		layout_read(shape->s_word, bytes, &kmsg->ikm_desc[i], &name);
		bytes += layout_size(shape->s_word, kmsg->ikm_desc[i].d_type);
		fill_descriptor(&supply, kmsg, &kmsg->ikm_desc[i], name);
	}
	if (message->um_data_size)
		memcpy(kmsg->ikm_data, message->um_data, message->um_data_size);
}

static void fill_header(struct ipc_kmsg *kmsg, const struct ipc_task *task,
			const struct ipc_user_message *message, const struct shape *shape)
{
	struct ikm_header *header = &kmsg->ikm_header;

	kmsg->ikm_bits = shape->s_header.msgh_bits & MACH_MSGH_BITS_USER;
	kmsg->ikm_dest_name = shape->s_header.msgh_remote_port;
	kmsg->ikm_reply_name = shape->s_header.msgh_local_port;
	header->ikm_voucher_field = shape->s_header.msgh_voucher_port;
	header->ikm_msgh_id = (uint32_t)shape->s_header.msgh_id;
	header->ikm_body_size = message->um_size - shape->s_offset;
	header->ikm_complex = shape->s_complex;
	kmsg->ikm_sender_word = (uint8_t)shape->s_word;
	header->ikm_security = task->t_security;
	header->ikm_audit = task->t_audit;
	if (header->ikm_inline_size)
		memcpy(kmsg->ikm_body, message->um_bytes + shape->s_offset,
		       header->ikm_inline_size);
}

/* The header gets the size that was sent, whatever it said [5.4]. */
static void fill_aux(struct ipc_kmsg *kmsg, const struct ipc_user_message *message)
{
	mach_msg_aux_header_t header = {.msgdh_size = message->um_aux_size};

	if (message->um_aux_size == 0)
		return;
	memcpy(kmsg->ikm_aux, message->um_aux, message->um_aux_size);
	memcpy(kmsg->ikm_aux, &header, sizeof header);
}

/* Take the memfds. On failure those taken are the caller's again. */
static bool take_fds(struct ipc_host *host, struct ipc_kmsg *kmsg,
		     const struct ipc_user_message *message)
{
	for (unsigned i = 0; i < message->um_fd_count; i++) {
		if (ipc_kmsg_take_fd(host, kmsg, i, message->um_fds[i].uf_fd))
			continue;
		while (i > 0)
			kmsg->ikm_fds[--i].f_handle = IPC_FD_NONE;
		return false;
	}
	return true;
}

static mach_msg_return_t check(const struct ipc_user_message *message, struct shape *shape)
{
	mach_msg_return_t code = check_sizes(message);

	if (code == MACH_MSG_SUCCESS)
		code = read_header(message, shape);
	if (code == MACH_MSG_SUCCESS)
		code = measure(message, shape);
	if (code != MACH_MSG_SUCCESS)
		return code;
	add_up(message, shape);
	code = check_contents(message, shape);
	return code == MACH_MSG_SUCCESS ? check_totals(shape) : code;
}

/*
 * Would the message fit the two packets of an answer? It may leave in a wider layout than it came
 * in, and with a longer table of memory.
 */
static bool fits_answer(const struct ipc_user_message *message, const struct shape *shape)
{
	uint64_t table = (uint64_t)shape->s_memory * sizeof(struct machd_memory);

	return shape->s_wide + message->um_inline - shape->s_offset <= MACHD_INLINE_LIMIT &&
	       table + message->um_data_size <= ipc_answer_room();
}

mach_msg_return_t ipc_kmsg_inflate(struct ipc_host *host, struct ipc_task *task,
				   const struct ipc_user_message *message, struct ipc_kmsg **kmsgp)
{
	enum ipc_kmsg_how how = message->um_promised ? IKM_PROMISED : IKM_BOUND;
	struct shape shape = {.s_word = task->t_word};
	struct ipc_kmsg_plan plan;
	struct ipc_kmsg *kmsg;
	mach_msg_return_t code = check(message, &shape);

	if (code != MACH_MSG_SUCCESS)
		return code;
	if (shape.s_memory && message->um_memory_count == 0)
		return MACHD_MEMORY_WANTED;
	if (!fits_answer(message, &shape))
		return MACH_SEND_NO_BUFFER;
	plan = (struct ipc_kmsg_plan){.p_descriptors = shape.s_descriptors,
				      .p_fds = message->um_fd_count,
				      .p_rights = (uint32_t)shape.s_rights,
				      .p_body = message->um_inline - shape.s_offset,
				      .p_data = message->um_data_size,
				      .p_aux = message->um_aux_size};
	kmsg = ipc_kmsg_alloc(host, task->t_account, &plan, how);
	if (!kmsg && !list_empty(&host->h_loans)) {
		/* Messages that borrowers have taken may still be charged. */
		ipc_loan_settle_all(host);
		kmsg = ipc_kmsg_alloc(host, task->t_account, &plan, how);
	}
	if (!kmsg)
		return MACH_SEND_NO_BUFFER;
	if (!take_fds(host, kmsg, message)) {
		ipc_kmsg_free(host, kmsg);
		return MACH_SEND_NO_BUFFER;
	}
	fill_header(kmsg, task, message, &shape);
	fill_descriptors(kmsg, message, &shape);
	fill_aux(kmsg, message);
	*kmsgp = kmsg;
	return MACH_MSG_SUCCESS;
}
