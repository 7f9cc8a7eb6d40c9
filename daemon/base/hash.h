/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uthash as the daemon uses it. Its memory comes from mem.h, and running out of it is not fatal:
 * after HASH_ADD an object whose hh.tbl is NULL was not added. Keys can be chosen by clients, so
 * the hash is keyed; iteration follows the order of insertion and does not depend on the key.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/mem.h"

/* The key of all hashes: set once, before the first table is made. */
void hash_set_key(const uint8_t key[16]);

unsigned hash_bytes(const void *bytes, size_t size);

#define HASH_NONFATAL_OOM		1
#define HASH_FUNCTION(key, size, hashv) ((hashv) = hash_bytes((key), (size)))
#define uthash_malloc(size)		mem_alloc(size)
#define uthash_free(ptr, size)		mem_free(ptr)

#include <uthash.h>
