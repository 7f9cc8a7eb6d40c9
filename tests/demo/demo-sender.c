/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends FILE to the service as a stream of messages, asks for the SHA-256 the service computed, and
 * compares it with that of the file. The queue's limit holds the stream back when the service is
 * slower. Prints both digests; exits with 0 only if they are equal.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/demo/demo.h"

struct sent {
	crypto_hash_sha256_state hash;
	uint32_t chunks;
	uint64_t bytes;
};

static void send_file(mach_port_t service, FILE *file, struct sent *sent)
{
	static struct demo_chunk chunk;
	size_t got;

	crypto_hash_sha256_init(&sent->hash);
	while ((got = fread(chunk.data, 1, sizeof chunk.data, file)) > 0) {
		crypto_hash_sha256_update(&sent->hash, chunk.data, got);
		chunk.index = sent->chunks++;
		chunk.size = (uint32_t)got;
		sent->bytes += got;
		demo_send(service, &chunk.header, sizeof chunk, DEMO_CHUNK);
	}
	if (ferror(file))
		demo_fail("cannot read the file to its end");
}

static void ask_digest(mach_port_t service, struct demo_digest *digest)
{
	union {
		struct demo_digest message;
		uint8_t room[sizeof(struct demo_digest) + MAX_TRAILER_SIZE];
	} buffer = {0};

	demo_call(service, &buffer.message.header, sizeof buffer.message.header, sizeof buffer,
		  DEMO_DIGEST);
	*digest = buffer.message;
}

static void print_hash(const char *whose, const uint8_t *hash)
{
	char text[DEMO_HASH_SIZE * 2 + 1];

	printf("%-9s %s\n", whose, sodium_bin2hex(text, sizeof text, hash, DEMO_HASH_SIZE));
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	uint8_t hash[DEMO_HASH_SIZE];
	struct demo_digest digest;
	struct sent sent = {0};
	mach_port_t service;

	if (!file)
		demo_fail("cannot open %s", argc == 2 ? argv[1] : "FILE, the argument");
	if (sodium_init() < 0)
		demo_fail("libsodium does not start");
	service = demo_look_up(DEMO_SERVICE);
	send_file(service, file, &sent);
	fclose(file);
	ask_digest(service, &digest);
	crypto_hash_sha256_final(&sent.hash, hash);
	printf("%llu bytes in %u messages of up to %d KiB\n", (unsigned long long)sent.bytes,
	       sent.chunks, DEMO_CHUNK_SIZE / 1024);
	print_hash("sender", hash);
	print_hash("receiver", digest.hash);
	if (digest.misplaced || digest.chunks != sent.chunks || digest.bytes != sent.bytes)
		demo_fail("%u chunks and %llu bytes arrived, %u out of order", digest.chunks,
			  (unsigned long long)digest.bytes, digest.misplaced);
	if (memcmp(hash, digest.hash, sizeof hash) != 0)
		demo_fail("the digests differ");
	return 0;
}
