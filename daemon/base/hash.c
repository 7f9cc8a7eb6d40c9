/* SPDX-License-Identifier: Apache-2.0 */
/* The hash function of all tables: SipHash-2-4 under a key that clients do not know. */
#include "daemon/base/hash.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_shorthash_KEYBYTES == 16, "key size");

static uint8_t hash_key[crypto_shorthash_KEYBYTES];

void hash_set_key(const uint8_t key[16])
{
	memcpy(hash_key, key, sizeof hash_key);
}

unsigned hash_bytes(const void *bytes, size_t size)
{
	uint8_t out[crypto_shorthash_BYTES];
	unsigned hash;

	crypto_shorthash(out, bytes, size, hash_key);
	memcpy(&hash, out, sizeof hash);
	return hash;
}
