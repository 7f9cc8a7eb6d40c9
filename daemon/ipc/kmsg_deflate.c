/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deflate: the last step of a message inside the daemon. The kmsg becomes the bytes of an answer,
 * in the layout of the receiver's word size, and is freed. The end of a body in a memfd is passed
 * on unread.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/kmsg_layout.h"

/* Where the next bytes of an answer go. */
struct writer {
	uint8_t *w_start; /* of the message */
	uint8_t *w_at;
};

static void put(struct writer *writer, const void *bytes, size_t size)
{
	if (size)
		memcpy(writer->w_at, bytes, size);
	writer->w_at += size;
}

uint32_t ipc_kmsg_trailer_size(uint64_t option, unsigned word)
{
	static const uint8_t sizes64[] = {8, 12, 20, 52, 60, 68},
			     sizes32[] = {8, 12, 20, 52, 56, 64};
	uint32_t elements = (uint32_t)(option >> 24) & 0xf;
	const uint8_t *sizes = word == 32 ? sizes32 : sizes64;

	return sizes[elements < sizeof sizes64 ? elements : sizeof sizes64 - 1];
}

static void put_trailer(struct writer *writer, const struct ipc_thread *thread,
			const struct ipc_received *received, const security_token_t *security,
			const audit_token_t *audit)
{
	unsigned word = thread->th_task->t_word;
	uint32_t size = ipc_kmsg_trailer_size(thread->th_args.a_option, word);
	mach_msg_trailer_t start = {MACH_MSG_TRAILER_FORMAT_0, size};
	mach_msg_max_trailer_t trailer;

	put(writer, &start, sizeof start);
	if (size == sizeof start)
		return; /* most receivers ask for no more */
	trailer = (mach_msg_max_trailer_t){
		.msgh_seqno = received->r_seqno,
		.msgh_sender = *security,
		.msgh_audit = *audit,
		.msgh_context = received->r_context,
	};
	/* A 32-bit trailer ends within the context: after its low half, and zeros. */
	if (word == 32)
		trailer.msgh_context = (uint32_t)trailer.msgh_context;
	put(writer, (const uint8_t *)&trailer + sizeof start, size - sizeof start);
}

static void put_header(struct writer *writer, const struct ipc_received *received, uint32_t size,
		       uint32_t msgh_id)
{
	mach_msg_header_t header = {
		.msgh_bits = received->r_bits,
		.msgh_size = size,
		.msgh_remote_port = received->r_remote,
		.msgh_local_port = received->r_local,
		.msgh_voucher_port = received->r_voucher,
		.msgh_id = (mach_msg_id_t)msgh_id,
	};

	put(writer, &header, sizeof header);
}

static void put_descriptors(struct writer *writer, const struct ipc_kmsg *kmsg, unsigned word)
{
	uint32_t count = kmsg->ikm_header.ikm_descriptors;

	if (!kmsg->ikm_header.ikm_complex)
		return;
	put(writer, &count, sizeof count);
	for (uint32_t i = 0; i < count; i++) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[i];
		mach_port_name_t name = layout_is_port(desc->d_type)
						? kmsg->ikm_rights[desc->d_first].r_name
						: MACH_PORT_NULL;

		writer->w_at += layout_write(word, desc, name, writer->w_at);
	}
}

static struct writer writer_start(struct ipc_host *host, struct ipc_thread *thread)
{
	uint8_t *start = ipc_answer_payload(host, thread) + sizeof(struct machd_message_answer);

	return (struct writer){start, start};
}

/* Header, descriptors and body; `answer` says where the memfd's bytes belong. */
static void put_message(struct writer *writer, const struct ipc_kmsg *kmsg, unsigned word,
			const struct ipc_received *received, struct machd_message_answer *answer)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	put_header(writer, received, ipc_kmsg_size(kmsg, word), header->ikm_msgh_id);
	put_descriptors(writer, kmsg, word);
	put(writer, kmsg->ikm_body, header->ikm_inline_size);
	if (header->ikm_inline_size < header->ikm_body_size) {
		answer->body_offset = (uint32_t)(writer->w_at - writer->w_start);
		answer->body_size = header->ikm_body_size - header->ikm_inline_size;
	}
}

/* Auxiliary data, the last bytes of the answer. */
static void put_aux(struct writer *writer, const void *bytes, uint32_t size,
		    struct machd_message_answer *answer)
{
	put(writer, bytes, size);
	answer->aux_size = size;
}

/* The table of the descriptors' memory; returns its number of entries. */
static uint32_t put_memory_table(struct writer *writer, const struct ipc_kmsg *kmsg)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[i];
		struct machd_memory memory = {.source = desc->d_source, .fd = desc->d_fd};

		if (!layout_is_memory(desc->d_type))
			continue;
		if (desc->d_source == MACHD_MEMORY_FD)
			memory.offset = desc->d_offset;
		put(writer, &memory, sizeof memory);
		count++;
	}
	return count;
}

/* The bytes of inline memory, including arrays of names. */
static void put_memory_bytes(struct writer *writer, const struct ipc_kmsg *kmsg)
{
	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[i];

		if (desc->d_source != MACHD_MEMORY_INLINE)
			continue;
		if (desc->d_type != MACH_MSG_OOL_PORTS_DESCRIPTOR) {
			put(writer, kmsg->ikm_data + desc->d_offset, desc->d_count);
			continue;
		}
		for (uint32_t k = 0; k < desc->d_count; k++)
			put(writer, &kmsg->ikm_rights[desc->d_first + k].r_name,
			    sizeof(mach_port_name_t));
	}
}

/*
 * Send what was written, with the message's memory or a loan in a second packet, and free the kmsg.
 * The second packet is built behind the first.
 */
static void finish(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		   const struct ipc_received *received, const struct writer *writer,
		   struct machd_message_answer *answer)
{
	size_t size = sizeof *answer + (size_t)(writer->w_at - writer->w_start);
	uint8_t *start = ipc_answer_memory(host, thread, size);
	struct writer memory = {start, start};
	ipc_fd_t fds[MACHD_FRAME_FDS_MAX];
	uint32_t fd_count = kmsg->ikm_header.ikm_fd_count;

	answer->memory_taken = thread->th_memory_taken;
	answer->memory_count = put_memory_table(&memory, kmsg);
	put_memory_bytes(&memory, kmsg);
	if (thread->th_borrows && answer->place == MACHD_PLACE_RECEIVE &&
	    answer->memory_count == 0 && answer->body_size == 0)
		memory.w_at += ipc_loan_make(host, thread, received, start, &answer->loans);
	/* Memfds that no descriptor refers to are not sent. */
	if (answer->memory_count == 0)
		fd_count = answer->body_size != 0;
	for (uint32_t i = 0; i < fd_count; i++) {
		fds[i] = kmsg->ikm_fds[i].f_handle;
		kmsg->ikm_fds[i].f_handle = IPC_FD_NONE;
	}
	memcpy(ipc_answer_payload(host, thread), answer, sizeof *answer);
	ipc_answer_send(host, thread, MACHD_OP_MESSAGE, size, (size_t)(memory.w_at - start), fds,
			fd_count);
	ipc_kmsg_free(host, kmsg);
}

size_t ipc_kmsg_deflate_loan(const struct ipc_thread *thread, const struct ipc_kmsg *kmsg,
			     struct ipc_received *received, uint8_t *at, size_t room)
{
	const struct ikm_header *header = &kmsg->ikm_header;
	unsigned word = thread->th_task->t_word;
	uint32_t size =
		ipc_kmsg_size(kmsg, word) + ipc_kmsg_trailer_size(thread->th_args.a_option, word);
	struct machd_loan loan = {
		.size = size, .priority = header->ikm_priority, .override = kmsg->ikm_override};
	struct machd_message_answer unused;
	struct writer writer = {at, at};

	if (size > thread->th_args.a_rcv_size || sizeof loan + size > room)
		return 0;
	received->r_bits = MACH_MSGH_BITS(header->ikm_reply_type, header->ikm_dest_type);
	received->r_voucher = header->ikm_voucher_field;
	put(&writer, &loan, sizeof loan);
	put_message(&writer, kmsg, word, received, &unused);
	put_trailer(&writer, thread, received, &header->ikm_security, &header->ikm_audit);
	while ((writer.w_at - at) % 8)
		*writer.w_at++ = 0;
	return (size_t)(writer.w_at - at);
}

void ipc_kmsg_deflate(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		      const struct ipc_received *received, mach_msg_return_t code)
{
	struct machd_message_answer answer = {.code = (uint32_t)code,
					      .place = MACHD_PLACE_RECEIVE,
					      .priority = kmsg->ikm_header.ikm_priority,
					      .override = kmsg->ikm_override};
	struct writer writer = writer_start(host, thread);

	put_message(&writer, kmsg, thread->th_task->t_word, received, &answer);
	put_trailer(&writer, thread, received, &kmsg->ikm_header.ikm_security,
		    &kmsg->ikm_header.ikm_audit);
	if (thread->th_args.a_option & MACH64_MSG_VECTOR)
		put_aux(&writer, kmsg->ikm_aux, kmsg->ikm_header.ikm_aux_size, &answer);
	finish(host, thread, kmsg, received, &writer, &answer);
}

void ipc_kmsg_deflate_pseudo(struct ipc_host *host, struct ipc_thread *thread,
			     struct ipc_kmsg *kmsg, const struct ipc_received *received,
			     mach_msg_return_t code)
{
	struct machd_message_answer answer = {.code = (uint32_t)code, .place = MACHD_PLACE_SEND};
	struct writer writer = writer_start(host, thread);

	put_message(&writer, kmsg, thread->th_task->t_word, received, &answer);
	put_aux(&writer, kmsg->ikm_aux, kmsg->ikm_header.ikm_aux_size, &answer);
	finish(host, thread, kmsg, received, &writer, &answer);
}

/* The auxiliary data are gone, but a receiver with a buffer for them gets a header. */
static void put_bare_aux(struct writer *writer, const struct ipc_msg_args *args,
			 struct machd_message_answer *answer)
{
	mach_msg_aux_header_t header = {.msgdh_size = sizeof header};

	if (args->a_rcv_aux_size >= sizeof header)
		put_aux(writer, &header, sizeof header, answer);
}

void ipc_kmsg_deflate_bare(struct ipc_host *host, struct ipc_thread *thread,
			   const struct ipc_received *received, uint32_t msgh_id,
			   mach_msg_return_t code)
{
	struct machd_message_answer answer = {.code = (uint32_t)code,
					      .place = MACHD_PLACE_RECEIVE,
					      .memory_taken = thread->th_memory_taken};
	static const security_token_t security = KERNEL_SECURITY_TOKEN_VALUE;
	static const audit_token_t audit = KERNEL_AUDIT_TOKEN_VALUE;
	struct writer writer = writer_start(host, thread);
	uint32_t room = thread->th_args.a_rcv_size;

	if (room < sizeof(mach_msg_header_t)) {
		ipc_answer_code(host, thread, MACH_RCV_INVALID_DATA);
		return;
	}
	put_header(&writer, received, sizeof(mach_msg_header_t), msgh_id);
	put_trailer(&writer, thread, received, &security, &audit);
	if ((size_t)(writer.w_at - writer.w_start) > room)
		writer.w_at = writer.w_start + room;
	if (received->r_aux)
		put_bare_aux(&writer, &thread->th_args, &answer);
	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	ipc_answer_send(host, thread, MACHD_OP_MESSAGE,
			sizeof answer + (size_t)(writer.w_at - writer.w_start), 0, NULL, 0);
}
