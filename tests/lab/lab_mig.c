/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies of MIG. */
#include "tests/lab/lab_mig.h"

#include <mach/ndr.h>
#include <string.h>

static mach_msg_header_t header;

/* The request's header; without descriptors there is no count behind it. */
static void store_header(void)
{
	mach_msg_header_t old;

	memcpy(&old, letter.bytes, sizeof old);
	header.msgh_bits |= old.msgh_bits & MACH_MSGH_BITS_COMPLEX;
	memcpy(letter.bytes, &header, sizeof header);
	if (!(header.msgh_bits & MACH_MSGH_BITS_COMPLEX) && letter.size == sizeof(mach_msg_base_t))
		letter.size = sizeof header;
}

void mig_start(int32_t id, mach_port_name_t dest, mach_port_name_t reply)
{
	letter_start(dest, COPY_SEND);
	header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(COPY_SEND, reply ? MAKE_ONCE : 0),
		.msgh_remote_port = dest,
		.msgh_local_port = reply,
		.msgh_id = id,
	};
}

void mig_words(const uint32_t *words, size_t count)
{
	NDR_record_t ndr = {.int_rep = NDR_INT_LITTLE_ENDIAN};

	store_header();
	memcpy(letter.bytes + letter.size, &ndr, sizeof ndr);
	letter.size += (uint32_t)sizeof ndr;
	if (count)
		memcpy(letter.bytes + letter.size, words, count * sizeof *words);
	letter.size += (uint32_t)(count * sizeof *words);
}

void mig_set_complex(void)
{
	const uint32_t count = 0;
	uint32_t size;

	store_header();
	size = letter.size - (uint32_t)sizeof header;
	memmove(letter.bytes + sizeof(mach_msg_base_t), letter.bytes + sizeof header, size);
	memcpy(letter.bytes + sizeof header, &count, sizeof count);
	letter.size = (uint32_t)sizeof(mach_msg_base_t) + size;
	header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
}

mach_msg_return_t mig_send(struct lab_thread *thread)
{
	store_header();
	return letter_send(thread);
}

kern_return_t mig_receive(struct lab_thread *thread, mach_port_name_t reply, int32_t id)
{
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT |
					MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT),
			      .receive = letter_got,
			      .receive_size = sizeof letter_got,
			      .receive_name = reply};
	mach_msg_audit_trailer_t trailer;
	mach_msg_header_t got;

	memset(letter_got, 0xee, sizeof letter_got);
	lab_ok(lab_msg(thread, &msg));
	memcpy(&got, letter_got, sizeof got);
	LAB_CHECK(got.msgh_id == id + 100, "a reply with id %d to %d", got.msgh_id, id);
	LAB_TRUE(got.msgh_remote_port == 0 && got.msgh_local_port == reply);
	memcpy(&trailer, letter_got + got.msgh_size, sizeof trailer);
	LAB_TRUE(trailer.msgh_sender.val[0] == 0 && trailer.msgh_sender.val[1] == 1);
	for (unsigned i = 0; i < 8; i++)
		LAB_TRUE(trailer.msgh_audit.val[i] == 0);
	if (got.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		return KERN_SUCCESS;
	LAB_TRUE(got.msgh_size >= 36 && mig_word(6) == 0 && mig_word(7) == NDR_INT_LITTLE_ENDIAN);
	LAB_TRUE(mig_word(8) == KERN_SUCCESS || got.msgh_size == 36);
	return (kern_return_t)mig_word(8);
}

kern_return_t mig_call(struct lab_thread *thread)
{
	mach_port_name_t reply = header.msgh_local_port;
	int32_t id = header.msgh_id;

	lab_ok(mig_send(thread));
	return mig_receive(thread, reply, id);
}

kern_return_t mig_simple(struct lab_thread *thread, int32_t id, mach_port_name_t dest,
			 mach_port_name_t reply, const uint32_t *words, size_t count)
{
	mig_start(id, dest, reply);
	if (count)
		mig_words(words, count);
	return mig_call(thread);
}

uint32_t mig_word(unsigned index)
{
	uint32_t word;

	memcpy(&word, letter_got + index * sizeof word, sizeof word);
	return word;
}

uint32_t mig_reply_size(void)
{
	return letter_got_size();
}

mach_msg_port_descriptor_t mig_port(unsigned index)
{
	mach_msg_port_descriptor_t port;

	LAB_TRUE(index < mig_word(6));
	memcpy(&port, letter_got + sizeof(mach_msg_base_t) + index * sizeof port, sizeof port);
	LAB_TRUE(port.type == MACH_MSG_PORT_DESCRIPTOR);
	return port;
}

mach_msg_ool_descriptor64_t mig_memory(unsigned index)
{
	mach_msg_ool_descriptor64_t memory;

	LAB_TRUE(index < mig_word(6));
	memcpy(&memory, letter_got + sizeof(mach_msg_base_t) + index * sizeof memory,
	       sizeof memory);
	LAB_TRUE(memory.type == MACH_MSG_OOL_DESCRIPTOR && memory.deallocate &&
		 memory.copy == MACH_MSG_VIRTUAL_COPY);
	return memory;
}
