/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deflate: the last step of a message inside the daemon. The kmsg becomes the bytes of an answer,
 * in the layout its receiver expects, and is freed. A body's end in a memfd goes along unread.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"

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

uint32_t ipc_kmsg_trailer_size(uint64_t option)
{
	static const uint8_t sizes[] = {8, 12, 20, 52, 60, 68};
	uint32_t elements = (uint32_t)(option >> 24) & 0xf;

	return elements < sizeof sizes ? sizes[elements] : MAX_TRAILER_SIZE;
}

static void put_trailer(struct writer *writer, uint64_t option, const struct ipc_received *received,
			security_token_t security, audit_token_t audit)
{
	mach_msg_max_trailer_t trailer = {
		.msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0,
		.msgh_trailer_size = ipc_kmsg_trailer_size(option),
		.msgh_seqno = received->r_seqno,
		.msgh_sender = security,
		.msgh_audit = audit,
		.msgh_context = received->r_context,
	};

	put(writer, &trailer, trailer.msgh_trailer_size);
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

static void put_descriptors(struct writer *writer, const struct ipc_kmsg *kmsg)
{
	uint32_t count = kmsg->ikm_header.ikm_descriptors;

	if (!kmsg->ikm_header.ikm_complex)
		return;
	put(writer, &count, sizeof count);
	for (uint32_t i = 0; i < count; i++) {
		mach_msg_port_descriptor_t port = {.name = kmsg->ikm_desc[i].d_name,
						   .disposition = kmsg->ikm_desc[i].d_disposition,
						   .type = kmsg->ikm_desc[i].d_type};

		put(writer, &port, sizeof port);
	}
}

static struct writer writer_start(struct ipc_host *host, struct ipc_thread *thread)
{
	uint8_t *start = ipc_answer_payload(host, thread) + sizeof(struct machd_message_answer);

	return (struct writer){start, start};
}

/* Header, descriptors and body; `answer` learns where the memfd belongs. */
static void put_message(struct writer *writer, const struct ipc_kmsg *kmsg,
			const struct ipc_received *received, struct machd_message_answer *answer)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	put_header(writer, received, header->ikm_size, header->ikm_msgh_id);
	put_descriptors(writer, kmsg);
	put(writer, kmsg->ikm_body, header->ikm_inline_size);
	if (header->ikm_fd != IPC_FD_NONE) {
		answer->body_offset = (uint32_t)(writer->w_at - writer->w_start);
		answer->body_size = header->ikm_fd_size;
	}
}

/* Send what was written, the memfd with it, and free the kmsg (NULL: there is none). */
static void finish(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		   const struct writer *writer, const struct machd_message_answer *answer)
{
	size_t size = sizeof *answer + (size_t)(writer->w_at - writer->w_start);
	ipc_fd_t fd = IPC_FD_NONE;

	if (kmsg) {
		fd = kmsg->ikm_header.ikm_fd;
		kmsg->ikm_header.ikm_fd = IPC_FD_NONE;
	}
	memcpy(ipc_answer_payload(host, thread), answer, sizeof *answer);
	ipc_answer_send(host, thread, MACHD_OP_MESSAGE, size, fd);
	if (kmsg)
		ipc_kmsg_free(host, kmsg);
}

void ipc_kmsg_deflate(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		      const struct ipc_received *received, mach_msg_return_t code)
{
	struct machd_message_answer answer = {.code = (uint32_t)code, .place = MACHD_PLACE_RECEIVE};
	struct writer writer = writer_start(host, thread);

	put_message(&writer, kmsg, received, &answer);
	put_trailer(&writer, thread->th_args.a_option, received, kmsg->ikm_header.ikm_security,
		    kmsg->ikm_header.ikm_audit);
	finish(host, thread, kmsg, &writer, &answer);
}

void ipc_kmsg_deflate_pseudo(struct ipc_host *host, struct ipc_thread *thread,
			     struct ipc_kmsg *kmsg, const struct ipc_received *received,
			     mach_msg_return_t code)
{
	struct machd_message_answer answer = {.code = (uint32_t)code, .place = MACHD_PLACE_SEND};
	struct writer writer = writer_start(host, thread);

	put_message(&writer, kmsg, received, &answer);
	finish(host, thread, kmsg, &writer, &answer);
}

void ipc_kmsg_deflate_bare(struct ipc_host *host, struct ipc_thread *thread,
			   const struct ipc_received *received, uint32_t msgh_id,
			   mach_msg_return_t code)
{
	struct machd_message_answer answer = {.code = (uint32_t)code, .place = MACHD_PLACE_RECEIVE};
	struct writer writer = writer_start(host, thread);
	uint32_t room = thread->th_args.a_rcv_size;

	put_header(&writer, received, sizeof(mach_msg_header_t), msgh_id);
	put_trailer(&writer, thread->th_args.a_option, received,
		    (security_token_t)KERNEL_SECURITY_TOKEN_VALUE,
		    (audit_token_t)KERNEL_AUDIT_TOKEN_VALUE);
	if ((size_t)(writer.w_at - writer.w_start) > room)
		writer.w_at = writer.w_start + room;
	finish(host, thread, NULL, &writer, &answer);
}
