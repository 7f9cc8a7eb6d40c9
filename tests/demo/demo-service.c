/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service of the demo: answers calls, and takes a file as a stream of messages, of which it
 * computes the SHA-256. One port, one thread, one mach_msg per message: the answer to a request and
 * the receive of the next are one call.
 */
#include <sodium.h>
#include <string.h>

#include "tests/demo/demo.h"

union buffer {
	mach_msg_header_t header;
	struct demo_number number;
	struct demo_chunk chunk;
	struct demo_digest digest;
	uint8_t room[sizeof(struct demo_chunk) + MAX_TRAILER_SIZE];
};

/* The file that is coming in. */
struct file {
	crypto_hash_sha256_state hash;
	uint32_t chunks, misplaced;
	uint64_t bytes;
};

static void file_start(struct file *file)
{
	*file = (struct file){0};
	crypto_hash_sha256_init(&file->hash);
}

static void take_chunk(struct file *file, const struct demo_chunk *chunk)
{
	if (chunk->header.msgh_size != sizeof *chunk || chunk->size > sizeof chunk->data)
		demo_fail("a chunk has %u bytes", chunk->header.msgh_size);
	file->misplaced += chunk->index != file->chunks;
	file->chunks++;
	file->bytes += chunk->size;
	crypto_hash_sha256_update(&file->hash, chunk->data, chunk->size);
}

static void answer_digest(struct file *file, struct demo_digest *digest)
{
	demo_turn_round(&digest->header, sizeof *digest);
	digest->chunks = file->chunks;
	digest->misplaced = file->misplaced;
	digest->bytes = file->bytes;
	crypto_hash_sha256_final(&file->hash, digest->hash);
	file_start(file);
}

/* Act on a message. The size of the answer now in the buffer, 0 if there is none. */
static mach_msg_size_t serve(struct file *file, union buffer *buffer)
{
	switch (buffer->header.msgh_id) {
	case DEMO_ADD_ONE:
		demo_turn_round(&buffer->header, sizeof buffer->number);
		buffer->number.number++;
		return sizeof buffer->number;
	case DEMO_CHUNK:
		take_chunk(file, &buffer->chunk);
		return 0;
	case DEMO_DIGEST:
		answer_digest(file, &buffer->digest);
		return sizeof buffer->digest;
	}
	mach_msg_destroy(&buffer->header);
	return 0;
}

int main(void)
{
	static union buffer buffer;
	mach_msg_size_t answer = 0;
	mach_port_t port;
	struct file file;

	if (sodium_init() < 0)
		demo_fail("libsodium does not start");
	file_start(&file);
	port = demo_check_in(DEMO_SERVICE);
	demo_reached();
	for (;;) {
		mach_msg_option_t send = answer ? MACH_SEND_MSG : 0;

		demo_check(mach_msg(&buffer.header, send | MACH_RCV_MSG, answer, sizeof buffer,
				    port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
			   "serve");
		answer = serve(&file, &buffer);
	}
}
